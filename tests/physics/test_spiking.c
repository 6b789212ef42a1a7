/* SPDX-License-Identifier: Apache-2.0
 *
 * Spiking neurons against their plain reference, every kind with every option; encoders and
 * readouts by definition; batches, knobs, frames. */
#include "sim/kernels/spiking.h"

#include <etalon/parallel.h>
#include <etalon/rng.h>
#include <etalon/system.h>

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "close.h"

/* ----------------------------------------------------------------------------------- neurons -- */

enum { N = 67, STEPS = 60, ARRAYS = 6 };

static const struct kind {
    enum et__spk_kind kind;
    enum et__spk_integrator integrator;
    enum et__spk_drive drive;
    enum et__spk_reset reset;
    bool reach, old_synapse, affine;
    size_t refractory;
} cases[] = {
    {ET__SPK_RELAY, ET__SPK_EXACT, ET__SPK_HELD, ET__SPK_SOFT, 0, 0, 0, 0},
    {ET__SPK_RELAY, ET__SPK_EXACT, ET__SPK_HELD, ET__SPK_SOFT, 0, 0, 1, 0},
    {ET__SPK_I, ET__SPK_EXACT, ET__SPK_HELD, ET__SPK_SOFT, 0, 0, 0, 0},
    {ET__SPK_LI, ET__SPK_EXACT, ET__SPK_HELD, ET__SPK_SOFT, 0, 0, 0, 0},
    {ET__SPK_LI, ET__SPK_EULER, ET__SPK_EARLY_KICK, ET__SPK_SOFT, 0, 0, 1, 0},
    {ET__SPK_CUBA_LI, ET__SPK_EXACT, ET__SPK_HELD, ET__SPK_SOFT, 0, 0, 0, 0},
    {ET__SPK_CUBA_LI, ET__SPK_EXACT, ET__SPK_KICK, ET__SPK_SOFT, 0, 0, 0, 0},
    {ET__SPK_CUBA_LI, ET__SPK_EXACT, ET__SPK_EARLY_KICK, ET__SPK_SOFT, 0, 0, 0, 0},
    {ET__SPK_IF, ET__SPK_EXACT, ET__SPK_HELD, ET__SPK_SOFT, 0, 0, 0, 0},
    {ET__SPK_IF, ET__SPK_EULER, ET__SPK_KICK, ET__SPK_HARD, 0, 0, 0, 0},
    {ET__SPK_LIF, ET__SPK_EXACT, ET__SPK_HELD, ET__SPK_SOFT, 0, 0, 0, 0},
    {ET__SPK_LIF, ET__SPK_EXACT, ET__SPK_KICK, ET__SPK_HARD, 0, 0, 0, 0},
    {ET__SPK_LIF, ET__SPK_EULER, ET__SPK_HELD, ET__SPK_HARD, 0, 0, 1, 0},
    {ET__SPK_LIF, ET__SPK_EULER, ET__SPK_KICK, ET__SPK_SOFT, 1, 0, 0, 0},
    {ET__SPK_LIF, ET__SPK_EULER, ET__SPK_EARLY_KICK, ET__SPK_KEEP, 0, 0, 0, 0},
    {ET__SPK_LIF, ET__SPK_EXACT, ET__SPK_HELD, ET__SPK_HARD, 0, 0, 0, 3},
    {ET__SPK_LIF, ET__SPK_EXACT, ET__SPK_KICK, ET__SPK_SOFT, 0, 0, 1, 2},
    {ET__SPK_CUBA_LIF, ET__SPK_EXACT, ET__SPK_HELD, ET__SPK_SOFT, 0, 0, 0, 0},
    {ET__SPK_CUBA_LIF, ET__SPK_EXACT, ET__SPK_KICK, ET__SPK_HARD, 0, 0, 0, 0},
    {ET__SPK_CUBA_LIF, ET__SPK_EULER, ET__SPK_HELD, ET__SPK_SOFT, 0, 0, 0, 0},
    {ET__SPK_CUBA_LIF, ET__SPK_EULER, ET__SPK_KICK, ET__SPK_HARD, 0, 0, 0, 0},
    {ET__SPK_CUBA_LIF, ET__SPK_EULER, ET__SPK_EARLY_KICK, ET__SPK_SOFT, 0, 0, 0, 0},
    {ET__SPK_CUBA_LIF, ET__SPK_EULER, ET__SPK_HELD, ET__SPK_SOFT, 0, 1, 0, 0},
    {ET__SPK_CUBA_LIF, ET__SPK_EULER, ET__SPK_KICK, ET__SPK_HARD, 0, 1, 0, 4},
    {ET__SPK_CUBA_LIF, ET__SPK_EULER, ET__SPK_EARLY_KICK, ET__SPK_HARD, 0, 1, 1, 0},
    {ET__SPK_ALIF, ET__SPK_EXACT, ET__SPK_HELD, ET__SPK_SOFT, 0, 0, 0, 0},
    {ET__SPK_ALIF, ET__SPK_EULER, ET__SPK_KICK, ET__SPK_HARD, 0, 0, 0, 0},
    {ET__SPK_ALIF, ET__SPK_EXACT, ET__SPK_KICK, ET__SPK_SOFT, 0, 0, 1, 3},
    {ET__SPK_ADEX, ET__SPK_EULER, ET__SPK_HELD, ET__SPK_HARD, 0, 0, 0, 0},
    {ET__SPK_ADEX, ET__SPK_EULER, ET__SPK_HELD, ET__SPK_HARD, 0, 0, 1, 5},
    {ET__SPK_IZHIKEVICH, ET__SPK_EULER, ET__SPK_HELD, ET__SPK_HARD, 0, 0, 0, 0},
};
enum { N_CASES = sizeof cases / sizeof *cases };

/* How large inputs and potentials of a kind are. */
static double scale_of(const struct kind *c, bool input)
{
    enum et__spk_kind kind = c->kind;
    if (kind == ET__SPK_ADEX) return input ? 2e-9 : 0.1;
    if (kind == ET__SPK_IZHIKEVICH) return input ? 30 : 100;
    if (kind == ET__SPK_CUBA_LIF && c->drive == ET__SPK_HELD && input) return 4;
    return kind == ET__SPK_IF && c->drive == ET__SPK_HELD && input ? 200 : 1;
}

/* A network of one population whose neurons differ from each other. */
static struct et__spk_population *make_population(struct et__spk_network *net, const struct kind *c)
{
    struct et__spk_population *p;
    assert_ok(et__spk_begin(net, 1e-3, STEPS, 1, 1, 1));
    assert_ok(et__spk_add_population(net, "cells", c->kind, N, 1, 1, &p));
    net->output = 1;
    p->integrator = c->integrator;
    p->drive = c->drive;
    p->reset = c->reset;
    p->reach = c->reach;
    p->old_synapse = c->old_synapse;
    p->refractory = c->refractory;
    for (size_t i = 0; i < ET__SPK_PARAMS; i++)
        for (size_t j = 0; p->param[i] != NULL && j < N; j++) {
            float u = et_rng_uniform(4, ET_STREAM_USER, (uint32_t)i, j) - 0.5F;
            p->param[i][j] *= 1 + 0.2F * u;
            if (i == ET__SPK_V_RESET && p->param[i][j] == 0) p->param[i][j] = 0.1F * u;
            if (i == ET__SPK_V_LEAK && p->param[i][j] == 0) p->param[i][j] = 0.2F * u;
        }
    if (p->param[ET__SPK_TAU_SYN] != NULL) /* the limit of equal time constants */
        p->param[ET__SPK_TAU_SYN][0] = p->param[ET__SPK_TAU][0];
    if (c->affine) {
        p->gain = et_alloc(N, sizeof *p->gain);
        p->shift = et_alloc(N, sizeof *p->shift);
        ck_assert(p->gain != NULL && p->shift != NULL);
        for (size_t j = 0; j < N; j++) {
            p->gain[j] = 0.5F + (float)j / N;
            p->shift[j] = (float)(0.1 * scale_of(c, true));
        }
    }
    assert_ok(et__spk_finish(net));
    return &net->population[1];
}

static struct et__spk_neurons neurons_in(float arrays[ARRAYS][N], const float *current,
                                         const struct et__spk_population *p)
{
    bool adapts =
        p->kind == ET__SPK_ALIF || p->kind == ET__SPK_ADEX || p->kind == ET__SPK_IZHIKEVICH;
    return (struct et__spk_neurons){.current = current,
                                    .u = arrays[0],
                                    .v = arrays[1],
                                    .syn = p->param[ET__SPK_TAU_SYN] ? arrays[2] : NULL,
                                    .adapt = adapts ? arrays[3] : NULL,
                                    .rest = p->refractory > 0 ? arrays[4] : NULL,
                                    .s = arrays[5]};
}

/* Both from the same state, step by step.  A potential within rounding of the threshold may be
 * judged either way; such a neuron takes no part in the comparison of that step. */
START_TEST(neurons_match_the_reference)
{
    const struct kind *c = &cases[_i];
    struct et__spk_network net;
    struct et__spk_population *p = make_population(&net, c);
    float state[ARRAYS][N] = {{0}}, other[ARRAYS][N], before[N], x[N];
    double potential = scale_of(c, false);
    size_t spikes = 0;
    /* AdEx and Izhikevich amplify the rounding of v by their steep flow. */
    double steep = c->kind == ET__SPK_ADEX || c->kind == ET__SPK_IZHIKEVICH ? 50 : 1;
    if (p->param[ET__SPK_V_LEAK]) memcpy(state[1], p->param[ET__SPK_V_LEAK], sizeof state[1]);
    if (c->kind == ET__SPK_IZHIKEVICH) memcpy(state[1], p->param[ET__SPK_V_RESET], sizeof state[1]);
    for (uint32_t t = 0; t < STEPS; t++) {
        et_rng_fill_uniform(8, ET_STREAM_USER, t, 0, -0.6F, 1.6F, x, N);
        for (size_t j = 0; j < N; j++)
            x[j] *= (float)scale_of(c, true);
        memcpy(other, state, sizeof other);
        memcpy(before, state[3], sizeof before);
        struct et__spk_neurons a = neurons_in(state, x, p), b = neurons_in(other, x, p);
        et__spk_update(p, net.dt, &a);
        et__spk_update_reference(p, net.dt, &b);
        for (size_t j = 0; j < N; j++) {
            spikes += state[5][j] > 0;
            if (et__spk_fires(c->kind) && state[5][j] != other[5][j]) {
                double threshold = (double)p->param[ET__SPK_V_THRESHOLD][j];
                if (c->kind == ET__SPK_ALIF)
                    threshold += (double)p->param[ET__SPK_BETA][j] * (double)before[j];
                assert_near((double)state[0][j], threshold, 1e-6 * steep * potential);
                continue;
            }
            for (size_t k = 0; k < ARRAYS; k++) {
                double want = (double)other[k][j], size = fmax(fabs(want), steep > 1 ? 0 : 1);
                if (k < 2 || k == 5) size = fmax(size, potential);
                ck_assert_msg(fabs((double)state[k][j] - want) <= 1e-6 * steep * size + 1e-30,
                              "step %u, neuron %zu, array %zu: %.9g instead of %.9g", t, j, k,
                              (double)state[k][j], want);
            }
        }
    }
    if (et__spk_fires(c->kind)) ck_assert_uint_gt(spikes, N / 2);
    et__spk_free(&net);
}
END_TEST

/* u = (1 - 1/tau) v + I, s = H(u - 1), v = u - s: the neuron of spatial learning through time. */
START_TEST(a_discrete_lif_is_an_euler_step_with_a_kick)
{
    struct et_system *system;
    struct et_step step = {0};
    float x[20], y[1], v = 0, sum = 0;
    et_rng_fill_uniform(2, ET_STREAM_USER, 0, 0, 0, 1.5F, x, 20);
    x[3] = 1; /* reaches the threshold exactly from v = 0 */
    x[0] = x[1] = x[2] = 0;
    for (size_t t = 0; t < 20; t++) {
        float u = (1 - 1 / 1.1F) * v + x[t], s = u >= 1 ? 1 : 0;
        v = u - s;
        sum += s;
    }
    assert_ok(et_system_open_text(
        "{type: spiking, steps: 20, dt: 1, integrator: euler, input: {n: 1, encoding: frames}, "
        "layers: [{n: 1, tau: 1.1, fire: reach, weights: constant}]}",
        1, &system));
    assert_ok(et_system_forward(system, &step, et_view_of(x, 1, 20), et_view_of(y, 1, 1)));
    ck_assert_float_ge(sum, 2);
    ck_assert_float_eq(y[0] * 20, sum);
    et_system_close(system);
}
END_TEST

/* ------------------------------------------------------------------------ encoders, readouts -- */

static void raster(const char *yaml, const float *x, size_t n_in, size_t n, float *last)
{
    struct et_system *system;
    struct et_step step = {.seed = 3, .index = 1};
    assert_ok(et_system_open_text(yaml, 1, &system));
    assert_ok(et_system_forward(system, &step, (struct et_view){(float *)x, 1, n_in, n_in},
                                et_view_of(last, 1, n)));
    et_system_close(system);
}

START_TEST(latency_is_one_spike_and_earlier_for_more)
{
    const float x[5] = {1, 0.75F, 0.5F, 0.1F, 0};
    const size_t when[5] = {0, 2, 4, 7, 99};
    float y[5];
    for (size_t steps = 1; steps <= 9; steps++) {
        /* The spikes of the first `steps` of 9: read by a network of 9 whose delay cuts the rest.
         */
        char yaml[256];
        snprintf(yaml, sizeof yaml,
                 "{type: spiking, steps: 9, input: {n: 5, encoding: latency}, layers: [{synapse: "
                 "one, neuron: relay, weights: constant, delay: %zu}]}",
                 9 - steps);
        raster(yaml, x, 5, 5, y);
        for (size_t i = 0; i < 5; i++)
            ck_assert_float_eq(roundf(9 * y[i]), when[i] < steps ? 1 : 0);
    }
}
END_TEST

START_TEST(readouts_are_what_they_say)
{
    static const char *const form =
        "{type: spiking, steps: 4, input: {n: 2, encoding: frames}, layers: [{synapse: one, "
        "neuron: %s, weights: constant, threshold: 1.5%s}], readout: %s}";
    const float x[8] = {1, 0.25F, 1, 0.25F, 2, 0.25F, 0, 0.25F};
    static const struct {
        const char *neuron, *more, *readout;
        float want[2];
    } reads[] = {
        {"if", ", reset: hard", "rate", {0.5F, 0}},
        {"if", ", reset: hard", "first", {0.75F, 0}},
        {"if", ", reset: hard", "membrane", {0.25F, 0.625F}},
        {"if", ", reset: soft", "last", {1, 1}},
        {"if", ", reset: keep", "rate", {0.75F, 0}},
    };
    for (size_t i = 0; i < sizeof reads / sizeof *reads; i++) {
        char yaml[512];
        float y[2];
        snprintf(yaml, sizeof yaml, form, reads[i].neuron, reads[i].more, reads[i].readout);
        raster(yaml, x, 8, 2, y);
        assert_close(y, reads[i].want, 2, 0, 0);
    }
}
END_TEST

/* A sample's random spikes follow its identity, the step and the seed, nothing else. */
START_TEST(poisson_spikes_belong_to_the_sample)
{
    struct et_system *system;
    uint64_t identity[2] = {7, 9}, swapped[2] = {9, 7};
    struct et_step step = {.seed = 3, .samples = identity};
    float x[2][50], y[2][50], z[2][50];
    for (size_t i = 0; i < 50; i++)
        x[0][i] = x[1][i] = (float)(i % 5) / 4;
    assert_ok(et_system_open_text("{type: spiking, steps: 30, input: {n: 50, encoding: poisson}, "
                                  "layers: [{synapse: one, neuron: relay, weights: constant}]}",
                                  1, &system));
    struct et_view in = et_view_of(x[0], 2, 50);
    assert_ok(et_system_forward(system, &step, in, et_view_of(y[0], 2, 50)));
    ck_assert_mem_ne(y[0], y[1], sizeof y[0]);
    for (size_t i = 0; i < 50; i += 5) {
        ck_assert_float_eq(y[0][i], 0);
        ck_assert_float_eq(y[0][i + 4], 1);
    }
    step.samples = swapped;
    assert_ok(et_system_forward(system, &step, in, et_view_of(z[0], 2, 50)));
    ck_assert_mem_eq(y[0], z[1], sizeof y[0]);
    ck_assert_mem_eq(y[1], z[0], sizeof y[0]);
    step.index = 1;
    assert_ok(et_system_forward(system, &step, in, et_view_of(z[0], 2, 50)));
    ck_assert_mem_ne(y[0], z[1], sizeof y[0]);
    et_system_close(system);
}
END_TEST

/* -------------------------------------------------------------------- batches, knobs, frames -- */

START_TEST(bits_depend_on_neither_cut_nor_threads)
{
    enum { BATCH = 37, IN = 20, OUT = 6 };
    static const char yaml[] =
        "{type: spiking, steps: 12, input: {n: 20, encoding: poisson}, layers: [{n: 140, gain: 3, "
        "recurrent: true, neuron: alif}, {n: 6, gain: 3, neuron: cuba-lif, tau_syn: 3e-3}], "
        "readout: membrane}";
    static float x[BATCH][IN], y[3][BATCH][OUT];
    uint64_t samples[BATCH];
    et_rng_fill_uniform(1, ET_STREAM_USER, 0, 0, 0, 1, x[0], BATCH * IN);
    for (size_t i = 0; i < BATCH; i++)
        samples[i] = 100 + i;
    for (size_t run = 0; run < 3; run++) {
        struct et_system *system;
        et_parallel_set_threads(run == 1 ? 3 : 1);
        assert_ok(et_system_open_text(yaml, 1, &system));
        size_t cut = run == 2 ? 5 : BATCH;
        for (size_t first = 0; first < BATCH; first += cut) {
            size_t n = BATCH - first < cut ? BATCH - first : cut;
            struct et_step step = {.seed = 2, .samples = samples + first};
            assert_ok(et_system_forward(system, &step, et_view_of(x[first], n, IN),
                                        et_view_of(y[run][first], n, OUT)));
        }
        et_system_close(system);
    }
    et_parallel_set_threads(2);
    ck_assert_float_ne(y[0][0][0], 0);
    ck_assert_mem_eq(y[0], y[1], sizeof y[0]);
    ck_assert_mem_eq(y[0], y[2], sizeof y[0]);
}
END_TEST

START_TEST(knobs_come_in_blocks)
{
    static const struct {
        const char *name;
        size_t first, rows, cols;
    } want[] = {{"layer1", 0, 4, 54 / 3},
                {"layer1.bias", 72, 1, 4},
                {"hidden", 76, 256, 5},
                {"hidden.bias", 1356, 1, 5},
                {"hidden.recurrent", 1361, 5, 5}};
    struct et_system *system;
    assert_ok(et_system_open_text(
        "{type: spiking, input: {channels: 2, height: 10, width: 10}, layers: [{synapse: conv, "
        "channels: 4, bias: true}, {name: hidden, n: 5, bias: true, recurrent: true}, {n: 3, "
        "tunable: false}]}",
        1, &system));
    ck_assert_uint_eq(et_system_info(system)->n_knobs, 1386);
    for (size_t i = 0; i < 5; i++) {
        const struct et_knob_block *block = et_system_knob_block(system, i);
        ck_assert_ptr_nonnull(block);
        ck_assert_str_eq(block->name, want[i].name);
        ck_assert_uint_eq(block->first, want[i].first);
        ck_assert_uint_eq(block->rows, want[i].rows);
        ck_assert_uint_eq(block->cols, want[i].cols);
        ck_assert_int_eq(block->kind, ET_KNOB_PLAIN);
    }
    ck_assert_ptr_null(et_system_knob_block(system, 5));
    et_system_close(system);
}
END_TEST

struct seen {
    size_t frames, rows, cols;
    float sum;
    const char *unit;
};

static void look(void *user, size_t step, double time_s, struct et_view field, double dx_m,
                 const char *unit)
{
    struct seen *seen = user;
    ck_assert_uint_eq(step, 2 * seen->frames);
    assert_near(time_s, 1e-3 * (double)(step + 1), 1e-12);
    ck_assert_double_gt(dx_m, 0);
    seen->frames++;
    seen->rows = field.rows;
    seen->cols = field.cols;
    seen->unit = unit;
    for (size_t i = 0; i < field.rows * field.cols; i++)
        seen->sum += field.data[i];
}

START_TEST(frames_show_a_layer)
{
    for (int spikes = 0; spikes < 2; spikes++) {
        struct et_system *system;
        struct seen seen = {0};
        struct et_observer observer = {2, look, &seen};
        struct et_step step = {0};
        float x[30], y[3];
        char yaml[256];
        for (size_t i = 0; i < 30; i++)
            x[i] = 1;
        snprintf(
            yaml, sizeof yaml,
            "{type: spiking, steps: 9, input: {height: 5, width: 6}, layers: [{synapse: conv, "
            "channels: 2, weights: constant, gain: 0.2}, {n: 3}], frames: {layer: 1, show: %s}}",
            spikes ? "spikes" : "membrane");
        assert_ok(et_system_open_text(yaml, 1, &system));
        assert_ok(et_system_observe(system, &observer));
        assert_ok(et_system_forward(system, &step, et_view_of(x, 1, 30), et_view_of(y, 1, 3)));
        ck_assert_uint_eq(seen.frames, 5);
        ck_assert_uint_eq(seen.rows, 2 * 3);
        ck_assert_uint_eq(seen.cols, 4);
        ck_assert_str_eq(seen.unit, spikes ? "spikes" : "potential");
        if (spikes)
            ck_assert_float_eq(seen.sum, 5 * 24); /* 1.8 exceeds 1 in every step */
        else
            ck_assert_float_gt(seen.sum, 5 * 24 * 0.5F);
        et_system_close(system);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("spiking");
    TCase *c = tcase_create("spiking");
    tcase_set_timeout(c, 60);
    tcase_add_loop_test(c, neurons_match_the_reference, 0, N_CASES);
    tcase_add_test(c, a_discrete_lif_is_an_euler_step_with_a_kick);
    tcase_add_test(c, latency_is_one_spike_and_earlier_for_more);
    tcase_add_test(c, readouts_are_what_they_say);
    tcase_add_test(c, poisson_spikes_belong_to_the_sample);
    tcase_add_test(c, bits_depend_on_neither_cut_nor_threads);
    tcase_add_test(c, knobs_come_in_blocks);
    tcase_add_test(c, frames_show_a_layer);
    suite_add_tcase(suite, c);
    return suite_result(suite);
}
