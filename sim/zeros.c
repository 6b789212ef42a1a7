/* SPDX-License-Identifier: Apache-2.0
 *
 * y = 0: the control that shows what the digital part does alone. */
#include <etalon/system.h>

#include <math.h>
#include <string.h>

struct zeros {
    size_t n_in, n_out;
};

static const struct et_param params[] = {
    {.name = "n_in", .kind = ET_PARAM_INT, .min = 1, .max = 65536, .doc = "Number of inputs."},
    {.name = "n_out",
     .kind = ET_PARAM_INT,
     .initial = "0",
     .min = 0,
     .max = 65536,
     .doc = "Number of outputs; 0 = n_in."},
    {0},
};

static enum et_status open_zeros(void *state, const struct et_config *config, uint64_t seed)
{
    (void)seed;
    struct zeros *s = state;
    s->n_in = (size_t)et_config_int(config, "n_in");
    s->n_out = (size_t)et_config_int(config, "n_out");
    if (s->n_out == 0) s->n_out = s->n_in;
    return ET_OK;
}

static void describe(const void *state, struct et_system_info *info)
{
    const struct zeros *s = state;
    info->n_in = s->n_in;
    info->n_out = s->n_out;
    info->in_min = -INFINITY;
    info->in_max = INFINITY;
    info->traits = ET_HAS_VJP;
}

static void clear(struct et_view y)
{
    memset(y.data, 0, y.rows * y.cols * sizeof *y.data);
}

static enum et_status forward(void *state, const struct et_step *step, struct et_view x,
                              struct et_view y)
{
    (void)state;
    (void)step;
    (void)x;
    clear(y);
    return ET_OK;
}

static enum et_status vjp(void *state, const struct et_step *step, struct et_view x,
                          struct et_view dy, struct et_view dx, float *dknobs)
{
    (void)state;
    (void)step;
    (void)x;
    (void)dy;
    (void)dknobs;
    clear(dx);
    return ET_OK;
}

const struct et_system_type et_system_zeros = {
    .name = "zeros",
    .summary = "Gives zeros: a control that leaves the digital part alone.",
    .state_size = sizeof(struct zeros),
    .params = params,
    .open = open_zeros,
    .describe = describe,
    .forward = forward,
    .vjp = vjp,
};
