/* SPDX-License-Identifier: Apache-2.0
 *
 * What a spiking network refuses, with the value and the limit in the message. */
#include "sim/spiking/network.h"

#include <etalon/system.h>

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "close.h"

/* -------------------------------------------------------------------------------------- YAML -- */

static const struct {
    const char *yaml, *message;
} refused[] = {
    {"layers: [{n: 2, tau: 0}]", "population 'layer1': tau[0] = 0 s is not above 0"},
    {"layers: [{n: 2, tau: -1}]", "tau = -1 s is outside [0, 1000000000]"},
    {"layers: [{n: 2, neuron: cuba-lif, tau_syn: 0}]", "tau_syn[0] = 0 s is not above 0"},
    {"layers: [{n: 2, neuron: alif, tau_a: 0}]", "tau_a[0] = 0 s is not above 0"},
    {"dt: 3e-3, integrator: euler, layers: [{n: 2, tau: 2e-3}]",
     "dt = 0.003 s is above tau[0] = 0.002 s: Euler steps would overshoot"},
    {"dt: 4e-3, integrator: euler, layers: [{n: 2, neuron: cuba-li, tau: 1}]",
     ""},                                          /* accepted: 4 ms fit into 5 ms */
    {"dt: 4e-3, layers: [{n: 2, tau: 2e-3}]", ""}, /* accepted: exact steps may be long */
    {"layers: [{n: 2, neuron: adex}]", "adex has no exact solution; choose integrator: euler"},
    {"layers: [{n: 2, neuron: izhikevich}]", "izhikevich has no exact solution"},
    {"layers: [{n: 2, neuron: izhikevich, integrator: euler, current: kick}]",
     "izhikevich has held currents and a hard reset only"},
    {"layers: [{n: 2, neuron: adex, integrator: euler, reset: soft}]",
     "adex has held currents and a hard reset only"},
    {"layers: [{n: 2, neuron: adex, integrator: euler, delta: 0}]", "delta[0] = 0 is not above 0"},
    {"layers: [{n: 2, neuron: adex, integrator: euler, g_leak: 0}]",
     "g_leak[0] = 0 is not above 0"},
    {"layers: [{n: 2, neuron: if, tau: 1e-3}]", "neuron if has no tau"},
    {"layers: [{n: 2, neuron: li, threshold: 2}]", "neuron li has no threshold"},
    {"layers: [{n: 2, v_reset: 1}]", "v_reset[0] = 1 is not below v_threshold = 1"},
    {"layers: [{n: 2, refractory: 1.5e-3}]", "0.0015 s are 1.5 steps of 0.001 s: not whole"},
    {"layers: [{n: 2, delay: 10}]",
     "projection 'layer1': a delay of 10 steps in a pass of 10: nothing would arrive"},
    {"layers: [{n: 2, delay: 9}]", ""},
    {"layers: [{n: 2, recurrent: true, recurrent_delay: 10}]",
     "projection 'layer1.recurrent': a delay of 10 steps"},
    {"steps: 0", "steps = 0 is outside [1, 10000000]"},
    {"dt: 0", "dt = 0 s is outside"},
    {"layers: []", "layers"},
    {"layers: [{neuron: lif}]", "how many neurons has the layer?"},
    {"input: {n: 9, height: 2, width: 4}", "n = 9 is not channels height width = 8"},
    {"input: {encoding: poisson, rate: 2000}",
     "rate = 2000 Hz gives 2 spikes in a step of 0.001 s: at most 1 fits"},
    {"input: {height: 4, width: 4}, layers: [{synapse: conv, kernel: 5}]",
     "a window of 5 x 5 does not fit an input of 4 x 4 with a padding of 0"},
    {"input: {height: 4, width: 4}, layers: [{synapse: conv, kernel: 3, dilation: 2}]",
     "a window of 5 x 5 does not fit"},
    {"input: {height: 4, width: 4}, layers: [{synapse: conv, kernel: 5, padding: 1}]", ""},
    {"input: {channels: 3, height: 4, width: 4}, layers: [{synapse: conv, groups: 2}]",
     "2 groups do not divide 3 and 8 channels"},
    {"input: {height: 2, width: 2}, layers: [{synapse: pool, kernel: 3}]",
     "a window of 3 x 3 does not fit an input of 2 x 2"},
    {"layers: [{n: 2}], frames: {layer: 2}", "there are 1 layers"},
    {"layers: [{n: 2, neuron: lof}]", "lof"},
};
enum { N_REFUSED = sizeof refused / sizeof *refused };

START_TEST(configurations_are_refused_with_a_reason)
{
    struct et_system *system;
    char yaml[512];
    snprintf(yaml, sizeof yaml, "{type: spiking, %s}", refused[_i].yaml);
    enum et_status status = et_system_open_text(yaml, 1, &system);
    if (*refused[_i].message == '\0') {
        assert_ok(status);
    } else {
        assert_status(status, ET_CONFIG);
        assert_message(refused[_i].message);
    }
    if (status == ET_OK) et_system_close(system);
}
END_TEST

START_TEST(inputs_outside_the_encoder_are_refused)
{
    struct et_system *system;
    struct et_step step = {0};
    float x[4] = {0, 0.5F, 1.5F, 0}, y[10];
    assert_ok(et_system_open_text("{type: spiking, input: {encoding: latency}}", 1, &system));
    assert_status(et_system_forward(system, &step, et_view_of(x, 1, 4), et_view_of(y, 1, 10)),
                  ET_INVALID);
    assert_message("1.5");
    et_system_close(system);
}
END_TEST

START_TEST(weights_that_are_not_finite_are_refused)
{
    struct et_system *system;
    float knobs[40], x[4] = {1, 1, 1, 1}, y[2][10];
    struct et_step step = {0};
    assert_ok(et_system_open_text("{type: spiking, layers: [{n: 10, gain: 4}]}", 1, &system));
    assert_ok(et_system_get_knobs(system, knobs, 40));
    assert_ok(et_system_forward(system, &step, et_view_of(x, 1, 4), et_view_of(y[0], 1, 10)));
    knobs[7] = NAN;
    assert_status(et_system_set_knobs(system, knobs, 40), ET_INVALID);
    assert_ok(et_system_forward(system, &step, et_view_of(x, 1, 4), et_view_of(y[1], 1, 10)));
    ck_assert_mem_eq(y[0], y[1], sizeof y[0]);
    et_system_close(system);
}
END_TEST

static enum et_status approve(void *user, size_t t, size_t n_steps, struct et_view y,
                              struct et_view dy)
{
    (void)user, (void)t, (void)n_steps, (void)y;
    memset(dy.data, 0, dy.rows * dy.cols * sizeof *dy.data);
    return ET_OK;
}

/* Spikes are 0 or 1 whatever the membrane is: an overflow must not pass unseen, nor teach. */
START_TEST(an_overflow_is_not_hidden_by_spikes)
{
    static const char *const rules[] = {"sltt", "bptt", "ottt", "e-prop"};
    struct et_system *system;
    struct et_step step = {0};
    struct et_teacher teacher = {approve, NULL};
    float x[4] = {1e30F, -1e30F, 1e30F, 1e30F}, y[2], dknobs[18];
    char yaml[256];
    snprintf(yaml, sizeof yaml,
             "{type: spiking, layers: [{name: hot, n: 3, weights: constant, gain: 1e9}, {n: 2}], "
             "learning: {rule: %s}}",
             rules[_i]);
    assert_ok(et_system_open_text(yaml, 1, &system));
    assert_status(et_system_forward(system, &step, et_view_of(x, 1, 4), et_view_of(y, 1, 2)),
                  ET_NUMERIC);
    assert_message("population 'hot': potentials are no longer finite");
    assert_status(
        et_system_teach(system, &step, et_view_of(x, 1, 4), &teacher, (struct et_view){0}, dknobs),
        ET_NUMERIC);
    assert_message("population 'hot': potentials are no longer finite");
    x[0] = x[1] = x[2] = x[3] = 1;
    assert_ok(et_system_forward(system, &step, et_view_of(x, 1, 4), et_view_of(y, 1, 2)));
    et_system_close(system);
}
END_TEST

/* -------------------------------------------------------------------- networks built by hand -- */

/* input 6 -> dense 4 -> sparse 3, recurrence; each change below breaks one rule. */
struct hand {
    struct et__spk_network net;
    struct et__spk_projection *dense, *sparse;
    struct et__spk_population *first;
};

static void build(struct hand *h)
{
    struct et__spk_population *p;
    struct et__spk_projection *added;
    assert_ok(et__spk_begin(&h->net, 1e-3, 5, 6, 1, 1));
    assert_ok(et__spk_add_population(&h->net, "a", ET__SPK_LIF, 4, 1, 1, &p));
    assert_ok(et__spk_add_population(&h->net, "b", ET__SPK_LI, 3, 1, 1, &p));
    assert_ok(et__spk_add_projection(&h->net, "dense", ET__SPK_DENSE, 0, 1, &added));
    assert_ok(et__spk_alloc_weights(&h->net, added, true));
    assert_ok(et__spk_add_projection(&h->net, "sparse", ET__SPK_SPARSE, 1, 2, &added));
    added->start = et_alloc(5, sizeof *added->start);
    added->column = et_alloc(4, sizeof *added->column);
    ck_assert(added->start != NULL && added->column != NULL);
    const uint32_t start[5] = {0, 2, 2, 3, 4}, column[4] = {0, 2, 1, 0};
    memcpy(added->start, start, sizeof start);
    memcpy(added->column, column, sizeof column);
    assert_ok(et__spk_alloc_weights(&h->net, added, false));
    h->net.output = 2;
    h->dense = &h->net.projection[0];
    h->sparse = &h->net.projection[1];
    h->first = &h->net.population[1];
}

static void nan_weight(struct hand *h)
{
    h->dense->weight[5] = NAN;
}
static void infinite_bias(struct hand *h)
{
    h->dense->bias[2] = INFINITY;
}
static void nan_threshold(struct hand *h)
{
    h->first->param[ET__SPK_V_THRESHOLD][1] = NAN;
}
static void one_slow_neuron(struct hand *h)
{
    h->first->param[ET__SPK_TAU][3] = -1;
}
static void columns_out_of_order(struct hand *h)
{
    h->sparse->column[1] = 0;
}
static void column_beyond(struct hand *h)
{
    h->sparse->column[3] = 3;
}
static void start_falls(struct hand *h)
{
    h->sparse->start[2] = 1;
}
static void target_is_input(struct hand *h)
{
    h->sparse->target = 0;
}
static void source_beyond(struct hand *h)
{
    h->dense->source = 9;
}
static void sizes_differ(struct hand *h)
{
    h->dense->synapse = ET__SPK_ONE;
}
static void no_weights(struct hand *h)
{
    et_free(h->dense->weight);
    h->dense->weight = NULL;
}
static void shape_differs(struct hand *h)
{
    h->first->c = 5;
}
static void gain_alone(struct hand *h)
{
    h->first->gain = et_alloc(4, sizeof *h->first->gain);
}
static void no_output(struct hand *h)
{
    h->net.output = 0;
}
static void no_steps(struct hand *h)
{
    h->net.steps = 0;
}
static void bad_dt(struct hand *h)
{
    h->net.dt = NAN;
}
static void second_input(struct hand *h)
{
    h->first->kind = ET__SPK_INPUT;
}
static void delays_of_dense(struct hand *h)
{
    h->dense->delays = et_alloc(4, sizeof *h->dense->delays);
}
static void window_beyond(struct hand *h)
{
    h->dense->synapse = ET__SPK_POOL;
    h->first->c = 1;
    h->first->h = 4;
    h->net.population[0].c = 1;
    h->net.population[0].h = 3;
    h->net.population[0].w = 2;
}

static const struct {
    void (*breaks)(struct hand *h);
    const char *message;
} broken[] = {
    {nan_weight, "projection 'dense': weight[5] = nan is not finite"},
    {infinite_bias, "projection 'dense': bias[2] = inf is not finite"},
    {nan_threshold, "population 'a': v_threshold[1] = nan is not finite"},
    {one_slow_neuron, "population 'a': tau[3] = -1 s is not above 0"},
    {columns_out_of_order, "synapse 1 of neuron 0 ends at 0: targets rise from 0 to 2"},
    {column_beyond, "synapse 0 of neuron 3 ends at 3"},
    {start_falls, "start[2] is below start[1]"},
    {target_is_input, "projection 'sparse': from population 1 to 0 of 3"},
    {source_beyond, "projection 'dense': from population 9 to 1 of 3"},
    {sizes_differ, "neuron to neuron, from 6 to 4 neurons"},
    {no_weights, "projection 'dense' has no weights"},
    {shape_differs, "population 'a': 4 neurons in a shape of 5 x 1 x 1"},
    {gain_alone, "population 'a': gain and shift come together"},
    {no_output, "no population to read: output 0 of 3"},
    {no_steps, "steps = 0"},
    {bad_dt, "dt = nan s is not above 0"},
    {second_input, "population 0 and no other is the input"},
    {delays_of_dense, "projection 'dense': delays of neurons need synapse: one"},
    {window_beyond, "4 x 1 outputs at a stride of 1 x 1 do not fit an input of 3 x 2"},
};
enum { N_BROKEN = sizeof broken / sizeof *broken };

START_TEST(broken_networks_are_refused)
{
    struct hand h;
    build(&h);
    broken[_i].breaks(&h);
    assert_status(et__spk_finish(&h.net), ET_INVALID);
    assert_message(broken[_i].message);
    et__spk_free(&h.net);
}
END_TEST

START_TEST(a_whole_network_is_finished_twice)
{
    struct hand h;
    build(&h);
    h.dense->tunable = true;
    assert_ok(et__spk_finish(&h.net));
    assert_ok(et__spk_finish(&h.net));
    ck_assert_uint_eq(h.net.n_knobs, 6 * 4 + 4);
    ck_assert_uint_eq(h.net.population[0].slots, 1);
    ck_assert(h.net.population[0].constant && !h.net.population[1].constant);
    et__spk_free(&h.net);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("spiking config");
    TCase *c = tcase_create("refusals");
    tcase_add_loop_test(c, configurations_are_refused_with_a_reason, 0, N_REFUSED);
    tcase_add_test(c, inputs_outside_the_encoder_are_refused);
    tcase_add_test(c, weights_that_are_not_finite_are_refused);
    tcase_add_loop_test(c, an_overflow_is_not_hidden_by_spikes, 0, 4);
    tcase_add_loop_test(c, broken_networks_are_refused, 0, N_BROKEN);
    tcase_add_test(c, a_whole_network_is_finished_twice);
    suite_add_tcase(suite, c);
    return suite_result(suite);
}
