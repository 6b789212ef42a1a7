/* SPDX-License-Identifier: Apache-2.0
 *
 * The sparse network kernel against its plain reference, its synapses against what they are drawn
 * from, and the same bits for any threads and tiles. */
#include "sim/kernels/sparse_update.h"

#include <etalon/array.h>
#include <etalon/parallel.h>
#include <etalon/rng.h>

#include <check.h>
#include <float.h>
#include <stdio.h>
#include <string.h>

#include "close.h"

enum { N_MAX = 1000, SPIKES_MAX = 400000 };

/* A network with its start; both arrays and spikes are static, one case at a time. */
static double v[N_MAX], g_e[N_MAX], g_i[N_MAX], current[N_MAX];
static const struct et__net_start start = {v, g_e, g_i, current};

struct spikes {
    size_t n;
    uint32_t step[SPIKES_MAX], neuron[SPIKES_MAX];
};

static void record(void *user, size_t step, const uint32_t *neuron, size_t n)
{
    struct spikes *spikes = user;
    ck_assert_uint_le(spikes->n + n, SPIKES_MAX);
    for (size_t i = 0; i < n; i++) {
        spikes->step[spikes->n] = (uint32_t)step;
        spikes->neuron[spikes->n++] = neuron[i];
    }
}

/* External source i is active at every (i + 3)-th step. */
static size_t external(void *user, size_t step, uint32_t *source)
{
    (void)user;
    size_t n = 0;
    for (uint32_t i = 0; i < 3; i++)
        if (step % (i + 3) == 0) source[n++] = i;
    return n;
}

static struct et__net network(enum et__net_model model, size_t n)
{
    struct et__net net = {.model = model,
                          .n = n,
                          .n_exc = n * 4 / 5,
                          .n_ext = 3,
                          .tau_m = 20e-3,
                          .tau_e = 5e-3,
                          .tau_i = 10e-3,
                          .dt = 1e-4,
                          .reset = -60e-3,
                          .threshold = -50e-3,
                          .reversal_e = 0,
                          .reversal_i = -80e-3,
                          .delay = 1,
                          .refractory = 50};
    bool coba = model == ET__NET_COBA;
    net.rest = coba ? -60e-3 : -49e-3;
    net.weight_e = coba ? 0.6 : 1.62e-3;
    net.weight_i = coba ? 6.7 : -9e-3;
    net.weight_ext = net.weight_e;
    for (size_t i = 0; i < n; i++) {
        v[i] = -60e-3 + 10e-3 * (double)et_rng_uniform(1, ET_STREAM_USER, 0, i);
        g_e[i] = coba ? 5 * (double)et_rng_uniform(1, ET_STREAM_USER, 1, i) : 0;
        g_i[i] = coba ? 30 * (double)et_rng_uniform(1, ET_STREAM_USER, 2, i) : 0;
        current[i] = 5e-3 * (double)et_rng_uniform(1, ET_STREAM_USER, 3, i);
    }
    return net;
}

static const struct et__net_wiring wiring = {
    .probability = 0.1, .external = 0.2, .tile = 64, .seed = 3};

/* Runs in parts of `part` steps. */
static void run(const struct et__net *net, bool single, size_t steps, size_t part,
                struct spikes *spikes, double *v_end, struct et__net_events *events)
{
    struct et__net_state *state;
    spikes->n = 0;
    assert_ok(et__net_state_create(net, single, &state));
    et__net_begin(state, &start);
    for (size_t done = 0; done < steps; done += part)
        et__net_run(state, steps - done < part ? steps - done : part, external, record, spikes);
    if (v_end) et__net_look(state, v_end, NULL, NULL);
    if (events) *events = et__net_events(state);
    et__net_state_destroy(state);
}

static void assert_same_spikes(const struct spikes *a, const struct spikes *b)
{
    ck_assert_uint_gt(a->n, 100);
    for (size_t i = 0; i < a->n && i < b->n; i++)
        ck_assert_msg(a->step[i] == b->step[i] && a->neuron[i] == b->neuron[i],
                      "spike %zu: neuron %u in step %u, not %u in %u", i, a->neuron[i], a->step[i],
                      b->neuron[i], b->step[i]);
    ck_assert_uint_eq(a->n, b->n);
}

/* --------------------------------------------------------------------------- the reference -- */

/* The models, with delays and resting times that are short, long, zero. */
static const struct {
    enum et__net_model model;
    size_t delay, refractory;
    bool fixed;
    double tau_e;
} cases[] = {
    {ET__NET_COBA, 1, 50, false, 5e-3}, {ET__NET_COBA, 15, 50, true, 5e-3},
    {ET__NET_CUBA, 1, 50, false, 5e-3}, {ET__NET_CUBA, 7, 0, false, 20e-3},
    {ET__NET_CUBA, 40, 3, true, 5e-3},
};
enum { N_CASES = sizeof cases / sizeof *cases };

static struct et__net make_case(int i, size_t n)
{
    struct et__net net = network(cases[i].model, n);
    struct et__net_wiring w = wiring;
    net.delay = cases[i].delay;
    net.refractory = cases[i].refractory;
    net.tau_e = cases[i].tau_e;
    w.fixed = cases[i].fixed;
    assert_ok(et__net_connect(&net, &w));
    return net;
}

/* The kernel in double precision rounds otherwise than the reference, by some 1e-16 of 100 mV in a
 * step; none of these runs is long enough for that to move a spike. */
START_TEST(double_precision_is_the_reference)
{
    enum { N = 300, STEPS = 1000 };
    static struct spikes ours, theirs;
    static double ours_end[N], theirs_end[N];
    struct et__net net = make_case(_i, N);
    run(&net, false, STEPS, STEPS, &ours, ours_end, NULL);
    theirs.n = 0;
    assert_ok(et__net_reference(&net, &start, STEPS, external, record, &theirs, theirs_end));
    assert_same_spikes(&ours, &theirs);
    for (size_t i = 0; i < N; i++)
        assert_near(ours_end[i], theirs_end[i], 1e-9);
    et__net_disconnect(&net);
}
END_TEST

/* A step rounds some numbers of at most 80 mV to 2^-24 of them; errors fade with the leak, so
 * 100 steps are off by less than 100 times 4 roundings.  Spikes are the same. */
START_TEST(single_precision_is_near_the_reference)
{
    enum { N = 300, STEPS = 100 };
    static struct spikes ours, theirs;
    static double ours_end[N], theirs_end[N];
    struct et__net net = make_case(_i, N);
    run(&net, true, STEPS, STEPS, &ours, ours_end, NULL);
    theirs.n = 0;
    assert_ok(et__net_reference(&net, &start, STEPS, external, record, &theirs, theirs_end));
    assert_same_spikes(&ours, &theirs);
    for (size_t i = 0; i < N; i++)
        assert_near(ours_end[i], theirs_end[i], STEPS * 4 * 0.08 * 0x1p-24);
    et__net_disconnect(&net);
}
END_TEST

START_TEST(exponential_is_as_good_as_stated)
{
    enum { COUNT = 20000 };
    static float x[COUNT], e[COUNT];
    static double dx[COUNT], de[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        dx[i] = -87 * pow((double)i / (COUNT - 1), 3);
        x[i] = (float)dx[i];
    }
    et__net_f32.exponential(x, e, COUNT);
    et__net_f64.exponential(dx, de, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        double want = exp((double)x[i]), dwant = exp(dx[i]);
        assert_near((double)e[i], want, 2 * 0x1p-24 * want);
        assert_near(de[i], dwant, 2 * 0x1p-53 * dwant);
    }
    float far = -1e30F, small;
    double dfar = -1e300, dsmall;
    et__net_f32.exponential(&far, &small, 1);
    et__net_f64.exponential(&dfar, &dsmall, 1);
    ck_assert(small > 0 && small < 1e-37F && dsmall > 0 && dsmall < 1e-307);
}
END_TEST

/* -------------------------------------------------------------------------------- same bits -- */

START_TEST(threads_tiles_and_parts_change_nothing)
{
    enum { N = N_MAX, STEPS = 300 };
    static const struct {
        size_t threads, tile, part;
    } ways[] = {{2, 64, STEPS}, {3, 256, 7}, {5, 512, 1}, {2, 0, 33}};
    static struct spikes first, other;
    static double first_end[N], other_end[N];
    for (int single = 0; single < 2; single++) {
        struct et__net net = network(cases[_i].model, N);
        struct et__net_wiring w = {.probability = 0.05, .external = 0.2, .tile = N, .seed = 3};
        net.delay = cases[_i].delay;
        assert_ok(et__net_connect(&net, &w));
        et_parallel_set_threads(1);
        run(&net, single, STEPS, STEPS, &first, first_end, NULL);
        et__net_disconnect(&net);
        for (size_t k = 0; k < sizeof ways / sizeof *ways; k++) {
            w.tile = ways[k].tile;
            assert_ok(et__net_connect(&net, &w));
            et_parallel_set_threads(ways[k].threads);
            run(&net, single, STEPS, ways[k].part, &other, other_end, NULL);
            assert_same_spikes(&other, &first);
            ck_assert(memcmp(first_end, other_end, sizeof first_end) == 0);
            et__net_disconnect(&net);
        }
    }
    et_parallel_set_threads(2);
}
END_TEST

/* ---------------------------------------------------------------------------------- events -- */

static size_t out_degree(const struct et__net *net, size_t source)
{
    size_t sum = 0, first, last;
    for (size_t tile = 0; tile < net->n_tiles; tile++) {
        et__net_row(net, tile, source, &first, &last);
        sum += last - first;
    }
    return sum;
}

/* Events delivered are the spikes that have arrived, each times the targets of its source. */
START_TEST(events_are_conserved)
{
    enum { N = 300, STEPS = 500 };
    static struct spikes spikes;
    struct et__net_events events;
    struct et__net net = make_case(_i, N);
    uint64_t want = 0, want_external = 0;
    uint32_t active[3];
    run(&net, true, STEPS, STEPS, &spikes, NULL, &events);
    for (size_t i = 0; i < spikes.n; i++)
        if (spikes.step[i] + net.delay < STEPS) want += out_degree(&net, spikes.neuron[i]);
    for (size_t step = 0; step < STEPS; step++)
        for (size_t k = external(NULL, step, active); k > 0; k--)
            want_external += out_degree(&net, N + active[k - 1]);
    ck_assert_uint_eq(events.spikes, spikes.n);
    ck_assert_uint_eq(events.external, want_external);
    ck_assert_uint_eq(events.delivered, want + want_external);
    et__net_disconnect(&net);
}
END_TEST

/* After the last event everything decays to zero, not into denormal numbers. */
START_TEST(silence_is_zero)
{
    enum { N = 70 };
    double end_v[N], end_e[N], end_i[N];
    struct et__net net = network(ET__NET_COBA, N);
    struct et__net_state *state;
    net.weight_e = 0;
    assert_ok(et__net_connect(&net, &wiring));
    assert_ok(et__net_state_create(&net, true, &state));
    memset(current, 0, sizeof current);
    et__net_begin(state, &start);
    et__net_run(state, 9000, NULL, NULL, NULL);
    et__net_look(state, NULL, end_e, NULL);
    for (size_t i = 0; i < N; i++)
        ck_assert_msg(end_e[i] == 0, "g_e[%zu] = %g", i, end_e[i]);
    et__net_run(state, 20000, NULL, NULL, NULL);
    et__net_look(state, end_v, NULL, end_i);
    for (size_t i = 0; i < N; i++)
        ck_assert_msg(end_i[i] == 0 && fabs(end_v[i] - net.rest) < 1e-17, "neuron %zu", i);
    et__net_state_destroy(state);
    et__net_disconnect(&net);
}
END_TEST

/* -------------------------------------------------------------------------------- synapses -- */

/* Rows are ascending, without repeats, within their tile. */
static void assert_rows(const struct et__net *net)
{
    size_t first, last, sum = 0;
    for (size_t tile = 0; tile < net->n_tiles; tile++)
        for (size_t source = 0; source < net->n + net->n_ext; source++) {
            et__net_row(net, tile, source, &first, &last);
            ck_assert_uint_eq(first, sum);
            sum = last;
            for (size_t k = first; k < last; k++) {
                size_t target = net->target[k], above = k > first ? net->target[k - 1] + 1U : 0;
                if (target < above || target >= et__net_tile_size(net, tile))
                    ck_abort_msg("synapse %zu of source %zu: target %zu", k, source, target);
            }
        }
    ck_assert_uint_eq(sum, net->n_synapses);
}

static void in_degrees(const struct et__net *net, size_t from, size_t to, size_t *degree)
{
    size_t first, last;
    memset(degree, 0, net->n * sizeof *degree);
    for (size_t tile = 0; tile < net->n_tiles; tile++)
        for (size_t source = from; source < to; source++) {
            et__net_row(net, tile, source, &first, &last);
            for (size_t k = first; k < last; k++)
                degree[tile * net->tile + net->target[k]]++;
        }
}

/* The mean of n binomial numbers (N, p) and their variance, each within 4 standard deviations:
 * sqrt(v / n) of the mean, about v sqrt(2 / n) of the variance. */
static void assert_binomial(const size_t *degree, size_t n, double trials, double p)
{
    double mean = 0, variance = 0, v0 = trials * p * (1 - p);
    for (size_t i = 0; i < n; i++)
        mean += (double)degree[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        variance += pow((double)degree[i] - mean, 2) / (double)(n - 1);
    assert_near(mean, trials * p, 4 * sqrt(v0 / (double)n));
    assert_near(variance, v0, 4 * v0 * sqrt(2 / (double)n));
}

START_TEST(random_synapses_are_binomial)
{
    static const double p[] = {0.02, 0.5, 0.9};
    static size_t degree[N_MAX];
    struct et__net net = network(ET__NET_COBA, N_MAX);
    struct et__net_wiring w = wiring;
    net.n_ext = 1000;
    w.probability = p[_i];
    assert_ok(et__net_connect(&net, &w));
    assert_rows(&net);
    in_degrees(&net, 0, net.n, degree);
    assert_binomial(degree, net.n, N_MAX, p[_i]);
    for (size_t i = 0; i < net.n; i++)
        degree[i] = out_degree(&net, i);
    assert_binomial(degree, net.n, N_MAX, p[_i]);
    for (size_t i = 0; i < net.n_ext; i++)
        degree[i] = out_degree(&net, net.n + i);
    assert_binomial(degree, net.n_ext, N_MAX, w.external);
    et__net_disconnect(&net);
}
END_TEST

START_TEST(fixed_inputs_are_fixed)
{
    static size_t degree[N_MAX];
    struct et__net net = network(ET__NET_COBA, N_MAX);
    struct et__net_wiring w = wiring;
    w.probability = 0.02;
    w.fixed = true;
    net.n_ext = 0;
    assert_ok(et__net_connect(&net, &w));
    assert_rows(&net); /* no repeats: the inputs of a neuron are different ones */
    in_degrees(&net, 0, net.n_exc, degree);
    for (size_t i = 0; i < net.n; i++)
        ck_assert_uint_eq(degree[i], 16);
    in_degrees(&net, net.n_exc, net.n, degree);
    for (size_t i = 0; i < net.n; i++)
        ck_assert_uint_eq(degree[i], 4);
    for (size_t i = 0; i < net.n; i++)
        degree[i] = out_degree(&net, i);
    assert_binomial(degree, net.n, N_MAX, 0.02);
    et__net_disconnect(&net);
}
END_TEST

START_TEST(none_and_all)
{
    for (int fixed = 0; fixed < 2; fixed++) {
        struct et__net net = network(ET__NET_COBA, 100);
        struct et__net_wiring w = {.fixed = fixed, .external = 1, .seed = 3};
        assert_ok(et__net_connect(&net, &w));
        ck_assert_uint_eq(net.n_synapses, 300);
        et__net_disconnect(&net);
        w.probability = 1;
        w.external = 0;
        assert_ok(et__net_connect(&net, &w));
        ck_assert_uint_eq(net.n_synapses, 100 * 100);
        assert_rows(&net);
        et__net_disconnect(&net);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sparse_network");
    TCase *kernel = tcase_create("kernel"), *synapses = tcase_create("synapses");
    tcase_add_loop_test(kernel, double_precision_is_the_reference, 0, N_CASES);
    tcase_add_loop_test(kernel, single_precision_is_near_the_reference, 0, N_CASES);
    tcase_add_test(kernel, exponential_is_as_good_as_stated);
    tcase_add_loop_test(kernel, threads_tiles_and_parts_change_nothing, 0, N_CASES);
    tcase_add_loop_test(kernel, events_are_conserved, 0, N_CASES);
    tcase_add_test(kernel, silence_is_zero);
    tcase_add_loop_test(synapses, random_synapses_are_binomial, 0, 3);
    tcase_add_test(synapses, fixed_inputs_are_fixed);
    tcase_add_test(synapses, none_and_all);
    suite_add_tcase(suite, kernel);
    suite_add_tcase(suite, synapses);
    return suite_result(suite);
}
