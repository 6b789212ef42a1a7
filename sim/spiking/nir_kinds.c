/* SPDX-License-Identifier: Apache-2.0
 *
 * The nodes of NIR and their fields. */
#include "spiking/nir.h"

#include <math.h>
#include <string.h>

static const char *const field_names[ET__NIR_FIELDS] = {
    [ET__NIR_F_SHAPE] = "shape",
    [ET__NIR_F_WEIGHT] = "weight",
    [ET__NIR_F_BIAS] = "bias",
    [ET__NIR_F_SCALE] = "scale",
    [ET__NIR_F_THRESHOLD] = "threshold",
    [ET__NIR_F_DELAY] = "delay",
    [ET__NIR_F_START_DIM] = "start_dim",
    [ET__NIR_F_END_DIM] = "end_dim",
    [ET__NIR_F_INPUT_TYPE] = "input_type",
    [ET__NIR_F_INPUT_SHAPE] = "input_shape",
    [ET__NIR_F_STRIDE] = "stride",
    [ET__NIR_F_PADDING] = "padding",
    [ET__NIR_F_DILATION] = "dilation",
    [ET__NIR_F_GROUPS] = "groups",
    [ET__NIR_F_KERNEL_SIZE] = "kernel_size",
    [ET__NIR_F_TAU] = "tau",
    [ET__NIR_F_TAU_MEM] = "tau_mem",
    [ET__NIR_F_TAU_SYN] = "tau_syn",
    [ET__NIR_F_R] = "r",
    [ET__NIR_F_V_LEAK] = "v_leak",
    [ET__NIR_F_V_THRESHOLD] = "v_threshold",
    [ET__NIR_F_V_RESET] = "v_reset",
    [ET__NIR_F_W_IN] = "w_in",
};

#define END                                                                                        \
    {                                                                                              \
        ET__NIR_FIELDS, ET__NIR_REQUIRED, 0                                                        \
    }
#define NEEDED(field)                                                                              \
    {                                                                                              \
        ET__NIR_F_##field, ET__NIR_REQUIRED, NAN                                                   \
    }
#define ABSENT_IS(field, value)                                                                    \
    {                                                                                              \
        ET__NIR_F_##field, ET__NIR_DEFAULT, value                                                  \
    }
#define LENIENT(field, value)                                                                      \
    {                                                                                              \
        ET__NIR_F_##field, ET__NIR_LENIENT, value                                                  \
    }

/* tau, thresholds and the rate r of what integrates without a leak have no default anywhere: no
 * value would be harmless. */
static const struct {
    const char *name;
    struct et__nir_rule rules[8];
} kinds[ET__NIR_KINDS] = {
    [ET__NIR_INPUT] = {"Input", {LENIENT(SHAPE, NAN), END}},
    [ET__NIR_OUTPUT] = {"Output", {LENIENT(SHAPE, NAN), END}},
    [ET__NIR_AFFINE] = {"Affine", {NEEDED(WEIGHT), LENIENT(BIAS, NAN), END}},
    [ET__NIR_LINEAR] = {"Linear", {NEEDED(WEIGHT), END}},
    [ET__NIR_SCALE] = {"Scale", {NEEDED(SCALE), END}},
    [ET__NIR_THRESHOLD] = {"Threshold", {NEEDED(THRESHOLD), END}},
    [ET__NIR_DELAY] = {"Delay", {NEEDED(DELAY), END}},
    [ET__NIR_FLATTEN] = {"Flatten",
                         {ABSENT_IS(START_DIM, 1), ABSENT_IS(END_DIM, -1),
                          ABSENT_IS(INPUT_TYPE, NAN), END}},
    [ET__NIR_CONV1D] = {"Conv1d",
                        {NEEDED(WEIGHT), LENIENT(INPUT_SHAPE, NAN), LENIENT(STRIDE, 1),
                         LENIENT(PADDING, 0), LENIENT(DILATION, 1), LENIENT(GROUPS, 1),
                         LENIENT(BIAS, NAN), END}},
    [ET__NIR_CONV2D] = {"Conv2d",
                        {NEEDED(WEIGHT), LENIENT(INPUT_SHAPE, NAN), LENIENT(STRIDE, 1),
                         LENIENT(PADDING, 0), LENIENT(DILATION, 1), LENIENT(GROUPS, 1),
                         LENIENT(BIAS, NAN), END}},
    [ET__NIR_SUM_POOL2D] = {"SumPool2d",
                            {NEEDED(KERNEL_SIZE), LENIENT(STRIDE, NAN), LENIENT(PADDING, 0), END}},
    [ET__NIR_AVG_POOL2D] = {"AvgPool2d",
                            {NEEDED(KERNEL_SIZE), LENIENT(STRIDE, NAN), LENIENT(PADDING, 0), END}},
    [ET__NIR_I] = {"I", {NEEDED(R), END}},
    [ET__NIR_LI] = {"LI", {NEEDED(TAU), LENIENT(R, 1), LENIENT(V_LEAK, 0), END}},
    [ET__NIR_IF] = {"IF", {NEEDED(R), NEEDED(V_THRESHOLD), ABSENT_IS(V_RESET, 0), END}},
    [ET__NIR_LIF] = {"LIF",
                     {NEEDED(TAU), LENIENT(R, 1), LENIENT(V_LEAK, 0), NEEDED(V_THRESHOLD),
                      ABSENT_IS(V_RESET, 0), END}},
    [ET__NIR_CUBA_LI] = {"CubaLI",
                         {NEEDED(TAU_SYN), NEEDED(TAU_MEM), LENIENT(R, 1), LENIENT(V_LEAK, 0),
                          ABSENT_IS(W_IN, 1), END}},
    [ET__NIR_CUBA_LIF] = {"CubaLIF",
                          {NEEDED(TAU_SYN), NEEDED(TAU_MEM), LENIENT(R, 1), LENIENT(V_LEAK, 0),
                           NEEDED(V_THRESHOLD), ABSENT_IS(V_RESET, 0), ABSENT_IS(W_IN, 1), END}},
};

const struct et__nir_rule *et__nir_rules(enum et__nir_kind kind)
{
    return kinds[kind].rules;
}

const char *et__nir_kind_name(enum et__nir_kind kind)
{
    return kind == ET__NIR_GRAPH ? "NIRGraph" : kinds[kind].name;
}

const char *et__nir_field_name(enum et__nir_field field)
{
    return field_names[field];
}

enum et__nir_kind et__nir_kind_of(const char *name)
{
    size_t kind = 0;
    while (kind < ET__NIR_KINDS && strcmp(name, kinds[kind].name) != 0)
        kind++;
    return (enum et__nir_kind)kind;
}

bool et__nir_is_per_neuron(enum et__nir_field field)
{
    return field == ET__NIR_F_SCALE || field == ET__NIR_F_THRESHOLD || field == ET__NIR_F_DELAY ||
           field >= ET__NIR_F_TAU;
}
