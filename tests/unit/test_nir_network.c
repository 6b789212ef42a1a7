/* SPDX-License-Identifier: Apache-2.0
 *
 * Networks from NIR files and back: the published single neuron, recurrence, stateless nodes in a
 * chain against plain loops, and what the writer folds or refuses. */
#include <etalon/system.h>

#include "unit/nir_graphs.h"

/* ---- running a file ---- */

enum { STEPS = 1000, SPIKES_MAX = 64 };

struct train {
    size_t at[SPIKES_MAX], n;
};

static void note_spike(void *user, size_t step, double time_s, struct et_view s, double dx_m,
                       const char *unit)
{
    struct train *train = user;
    (void)time_s, (void)dx_m, (void)unit;
    if (s.data[0] > 0 && train->n < SPIKES_MAX) train->at[train->n++] = step;
}

static struct et_system *open_file(const char *file, const char *options)
{
    char yaml[512];
    struct et_system *system = NULL;
    snprintf(yaml, sizeof yaml, "{type: spiking, file: %s, %s}", in_folder(file), options);
    assert_ok(et_system_open_text(yaml, 0, &system));
    return system;
}

static void run(struct et_system *system, const float *x, float *y)
{
    const struct et_system_info *info = et_system_info(system);
    const struct et_step step = {.seed = 1};
    assert_ok(et_system_forward(system, &step, et_view_of((float *)(uintptr_t)x, 1, info->n_in),
                                et_view_of(y, 1, info->n_out)));
}

/* ---- the published neuron ---- */

/* Input spikes of the LIF experiment of the NIR paper, one every 10 steps of 0.1 ms at most. */
static const unsigned char tens[34] = {6,  22, 27, 31, 32, 35, 37, 40, 41, 43, 44, 45,
                                       46, 47, 48, 49, 50, 51, 52, 53, 67, 68, 69, 70,
                                       71, 72, 73, 74, 75, 76, 77, 78, 84, 85};

static void write_published(void)
{
    struct et__nir_graph g = {0};
    const size_t one[2] = {1, 1};
    end(&g, ET__NIR_INPUT, 1, 1, 0, 0);
    size_t i = add(&g, "0", ET__NIR_AFFINE);
    field(&g, i, ET__NIR_F_WEIGHT, 2, one, 1, 0);
    neurons(&g, i, ET__NIR_F_BIAS, 1, 0);
    i = add(&g, "1", ET__NIR_LIF);
    neurons(&g, i, ET__NIR_F_TAU, 1, 0.0025);
    neurons(&g, i, ET__NIR_F_R, 1, 1);
    neurons(&g, i, ET__NIR_F_V_LEAK, 1, 0);
    neurons(&g, i, ET__NIR_F_V_THRESHOLD, 1, 0.1);
    neurons(&g, i, ET__NIR_F_V_RESET, 1, 0);
    end(&g, ET__NIR_OUTPUT, 1, 1, 0, 0);
    in_line(&g);
    assert_ok(et__nir_write(&g, in_folder("lif.nir")));
    et__nir_free(&g);
}

/* Independent of the simulator: between spikes v(t) is a sum of exponentials of the inputs since
 * the last reset, each decayed for its own time. */
static void solve(double leak, double kick, size_t delay, struct train *train)
{
    size_t last = 0;
    bool fired = false;
    train->n = 0;
    for (size_t t = 0; t < STEPS; t++) {
        double v = 0;
        for (size_t k = 0; k < 34; k++) {
            const size_t at = 10 * tens[k] + delay;
            if (at <= t && (!fired || at > last)) v += kick * pow(leak, (double)(t - at));
        }
        if (!(v > 0.1)) continue;
        train->at[train->n++] = last = t;
        fired = true;
    }
}

START_TEST(the_published_neuron_spikes_when_it_should)
{
    static const struct {
        const char *options;
        size_t spikes[4], delay;
        bool exact, kick;
    } cases[] = {
        {"integrator: exact", {460, 510, 710, 760}, 0, true, false},
        {"integrator: euler", {460, 510, 710, 760}, 0, false, false},
        {"integrator: euler, nir: {synapse_delay: 1}", {461, 511, 711, 761}, 1, false, false},
        {"integrator: exact, nir: {current: kick}", {450, 500, 710, 760}, 0, true, true},
        {"integrator: exact, nir: {current: kick, reset: soft}",
         {450, 500, 710, 760},
         0,
         true,
         true},
    };
    static float x[STEPS];
    float y[1];
    write_published();
    for (size_t k = 0; k < 34; k++)
        x[10 * tens[k]] = 1;
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        char options[256];
        struct train train = {0}, expected;
        const struct et_observer observer = {1, note_spike, &train};
        snprintf(options, sizeof options,
                 "dt: 1e-4, time_unit: s, steps: 1000, input: {encoding: frames}, "
                 "frames: {show: spikes}, %s",
                 cases[c].options);
        struct et_system *system = open_file("lif.nir", options);
        assert_ok(et_system_observe(system, &observer));
        run(system, x, y);
        const double leak = cases[c].exact ? exp(-0.04) : 0.96;
        solve(leak, cases[c].kick || !cases[c].exact ? 0.04 : 1 - leak, cases[c].delay, &expected);
        ck_assert_uint_eq(train.n, 4);
        ck_assert_uint_eq(expected.n, 4);
        for (size_t i = 0; i < 4; i++) {
            ck_assert_uint_eq(train.at[i], cases[c].spikes[i]);
            ck_assert_uint_eq(expected.at[i], cases[c].spikes[i]);
        }
        ck_assert_float_eq(y[0], 4.0F / STEPS);
        et_system_close(system);
    }
}
END_TEST

/* A file in milliseconds is the same file with times a thousand times larger. */
START_TEST(milliseconds_are_said_not_guessed)
{
    float x[1] = {0.2F}, s[1], ms[1];
    write_published();
    struct et_system *system =
        open_file("lif.nir", "dt: 1e-4, time_unit: s, steps: 400, integrator: exact");
    run(system, x, s);
    et_system_close(system);
    system = open_file("lif.nir", "dt: 1e-7, time_unit: ms, steps: 400, integrator: exact");
    run(system, x, ms);
    et_system_close(system);
    ck_assert_float_eq(s[0], ms[0]);
    ck_assert_float_gt(s[0], 0);
}
END_TEST

START_TEST(what_a_file_does_not_say_must_be_given)
{
    static const struct {
        const char *options, *message;
    } cases[] = {
        {"time_unit: s, steps: 10, integrator: exact", "says nothing of dt"},
        {"dt: 1e-4, steps: 10, integrator: exact", "says nothing of time_unit"},
        {"dt: 1e-4, time_unit: s, steps: 10", "says nothing of integrator"},
        {"dt: 1e-4, time_unit: s, integrator: exact", "says nothing of steps"},
        {"dt: 1e-4, time_unit: s, steps: 10, integrator: exact, layers: [{n: 2}]",
         "the layers come from `file`"},
        {"dt: 1e-4, time_unit: s, steps: 10, integrator: exact, input: {n: 2}",
         "the size of the input comes from `file`"},
        {"dt: 1, time_unit: s, steps: 10, integrator: euler", "is above tau[0] = 0.0025 s"},
    };
    write_published();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char yaml[512];
        struct et_system *system = NULL;
        snprintf(yaml, sizeof yaml, "{type: spiking, file: %s, %s}", in_folder("lif.nir"),
                 cases[i].options);
        assert_status(et_system_open_text(yaml, 0, &system), ET_CONFIG);
        assert_message(cases[i].message);
    }
}
END_TEST

/* ---- recurrence ---- */

/* input -> lif, lif -> w -> lif: what w gives counts in the next step. */
START_TEST(a_cycle_carries_the_step_before)
{
    enum { N = 2, T = 60 };
    static const double w[N][N] = {{0.3, -0.9}, {0.7, 0.2}};
    struct et__nir_graph g = {0};
    const size_t square[2] = {N, N};
    double *weight = NULL;
    float x[N] = {1.6F, 0.7F}, y[N];
    end(&g, ET__NIR_INPUT, 1, N, 0, 0);
    size_t lif = add(&g, "lif", ET__NIR_LIF);
    neurons(&g, lif, ET__NIR_F_TAU, N, 0.005);
    neurons(&g, lif, ET__NIR_F_R, N, 1);
    neurons(&g, lif, ET__NIR_F_V_LEAK, N, 0);
    neurons(&g, lif, ET__NIR_F_V_THRESHOLD, N, 0.5);
    neurons(&g, lif, ET__NIR_F_V_RESET, N, -0.125);
    end(&g, ET__NIR_OUTPUT, 1, N, 0, 0);
    in_line(&g);
    size_t recurrent = add(&g, "w", ET__NIR_LINEAR);
    assert_ok(
        et__nir_set_field(&g.node[recurrent], ET__NIR_F_WEIGHT, ET_STORE_F32, 2, square, &weight));
    memcpy(weight, w, sizeof w);
    edge(&g, lif, recurrent);
    edge(&g, recurrent, lif);
    assert_ok(et__nir_write(&g, in_folder("cycle.nir")));
    et__nir_free(&g);
    struct et_system *system =
        open_file("cycle.nir", "dt: 1e-3, time_unit: s, steps: 60, integrator: euler");
    run(system, x, y);
    et_system_close(system);
    double v[N] = {0}, s[N] = {0}, count[N] = {0};
    for (size_t t = 0; t < T; t++) {
        double next[N];
        for (size_t j = 0; j < N; j++) {
            const double current = (double)x[j] + w[j][0] * s[0] + w[j][1] * s[1];
            v[j] += 0.2 * (current - v[j]);
            next[j] = v[j] > 0.5;
            if (next[j] > 0) v[j] = -0.125;
            count[j] += next[j];
        }
        memcpy(s, next, sizeof s);
    }
    for (size_t j = 0; j < N; j++)
        ck_assert_double_eq_tol((double)y[j], count[j] / T, 1e-6);
    ck_assert_double_ne(count[0], count[1]);
}
END_TEST

/* ---- stateless nodes ---- */

/* input (1, 4, 4) -> conv (2, 2, 2 at stride 2) -> sum pool (2, 1, 1) -> flatten -> scale -> delay
 * -> threshold -> affine -> i -> output, and a second way: input -> flatten -> linear -> i. */
static void write_chain(void)
{
    struct et__nir_graph g = {0};
    static const double two[2] = {2, 2}, zero[2] = {0, 0}, one[2] = {1, 1}, shape[2] = {4, 4};
    const size_t kernel[4] = {2, 1, 2, 2}, matrix[2] = {1, 2}, wide[2] = {1, 16}, n = 2;
    const size_t input = end(&g, ET__NIR_INPUT, 3, 1, 4, 4);
    size_t i = add(&g, "conv", ET__NIR_CONV2D);
    field(&g, i, ET__NIR_F_WEIGHT, 4, kernel, 0.25, 0.125);
    field(&g, i, ET__NIR_F_BIAS, 1, &n, 0.5, 0.25);
    whole(&g, i, ET__NIR_F_INPUT_SHAPE, 1, 2, shape);
    whole(&g, i, ET__NIR_F_STRIDE, 1, 2, two);
    whole(&g, i, ET__NIR_F_PADDING, 1, 2, zero);
    whole(&g, i, ET__NIR_F_DILATION, 1, 2, one);
    whole(&g, i, ET__NIR_F_GROUPS, 0, 1, one);
    i = add(&g, "pool", ET__NIR_SUM_POOL2D);
    whole(&g, i, ET__NIR_F_KERNEL_SIZE, 1, 2, two);
    whole(&g, i, ET__NIR_F_STRIDE, 1, 2, two);
    whole(&g, i, ET__NIR_F_PADDING, 1, 2, zero);
    i = add(&g, "flatten", ET__NIR_FLATTEN);
    whole(&g, i, ET__NIR_F_INPUT_TYPE, 1, 3, (const double[]){2, 1, 1});
    whole(&g, i, ET__NIR_F_START_DIM, 0, 1, zero);
    whole(&g, i, ET__NIR_F_END_DIM, 0, 1, (const double[]){-1});
    i = add(&g, "scale", ET__NIR_SCALE);
    field(&g, i, ET__NIR_F_SCALE, 1, &n, 1, 1);
    i = add(&g, "delay", ET__NIR_DELAY);
    field(&g, i, ET__NIR_F_DELAY, 1, &n, 0, 3e-3);
    i = add(&g, "threshold", ET__NIR_THRESHOLD);
    field(&g, i, ET__NIR_F_THRESHOLD, 1, &n, 6.1, 18.4);
    i = add(&g, "affine", ET__NIR_AFFINE);
    field(&g, i, ET__NIR_F_WEIGHT, 2, matrix, 10, 20);
    neurons(&g, i, ET__NIR_F_BIAS, 1, 1);
    const size_t sum = i = add(&g, "i", ET__NIR_I);
    neurons(&g, i, ET__NIR_F_R, 1, 5);
    end(&g, ET__NIR_OUTPUT, 1, 1, 0, 0);
    in_line(&g);
    const size_t flat = add(&g, "flat", ET__NIR_FLATTEN);
    whole(&g, flat, ET__NIR_F_INPUT_TYPE, 1, 3, (const double[]){1, 4, 4});
    whole(&g, flat, ET__NIR_F_START_DIM, 0, 1, zero);
    whole(&g, flat, ET__NIR_F_END_DIM, 0, 1, (const double[]){-1});
    const size_t linear = add(&g, "linear", ET__NIR_LINEAR);
    field(&g, linear, ET__NIR_F_WEIGHT, 2, wide, 0, 0.01);
    edge(&g, input, flat);
    edge(&g, flat, linear);
    edge(&g, linear, sum);
    assert_ok(et__nir_write(&g, in_folder("chain.nir")));
    et__nir_free(&g);
}

START_TEST(stateless_nodes_do_what_they_say)
{
    enum { T = 8 };
    float x[T * 16], y[1];
    double pooled[T][2], v = 0, mean = 0;
    write_chain();
    for (size_t i = 0; i < T * 16; i++)
        x[i] = (float)((i * 7 + i / 5) % 11) / 8;
    for (size_t t = 0; t < T; t++)
        for (size_t c = 0; c < 2; c++) {
            pooled[t][c] = 0;
            for (size_t oy = 0; oy < 2; oy++)
                for (size_t ox = 0; ox < 2; ox++) {
                    pooled[t][c] += 0.5 + 0.25 * (double)c;
                    for (size_t k = 0; k < 4; k++)
                        pooled[t][c] += (0.25 + 0.125 * (double)(4 * c + k)) *
                                        (double)x[t * 16 + (2 * oy + k / 2) * 4 + 2 * ox + k % 2];
                }
        }
    size_t fired = 0;
    for (size_t t = 0; t < T; t++) {
        /* neuron 1: scaled by 2, three steps late */
        const double first = pooled[t][0] > 6.1, second = t >= 3 && 2 * pooled[t - 3][1] > 24.5;
        double current = 10 * first + 30 * second + 1;
        for (size_t i = 0; i < 16; i++)
            current += (double)(float)(0.01 * (double)i) * (double)x[t * 16 + i];
        fired += first + second > 0;
        v += 5 * 1e-3 * current;
        mean += v / T;
    }
    ck_assert(fired > 0 && fired < T);
    struct et_system *system =
        open_file("chain.nir",
                  "dt: 1e-3, time_unit: s, steps: 8, integrator: exact, input: {encoding: frames}");
    run(system, x, y);
    ck_assert_double_eq_tol((double)y[0], mean, 1e-5);
    /* and once more through our own writer */
    assert_ok(et_system_export(system, in_folder("again.nir")));
    et_system_close(system);
    float again[1];
    system =
        open_file("again.nir",
                  "dt: 1e-3, time_unit: s, steps: 8, integrator: euler, input: {encoding: frames}");
    run(system, x, again);
    et_system_close(system);
    ck_assert_float_eq(y[0], again[0]);
}
END_TEST

/* ---- export ---- */

static const char *const layers_of[] = {
    "{n: 7, reset: hard, current: held, recurrent: true, recurrent_delay: 1, bias: true, tau: "
    "4e-3, delay: 2}, {n: 3, neuron: li, current: held}",
    "{synapse: conv, channels: 3, kernel: 3, padding: 1, reset: hard, current: held, neuron: if, "
    "r: 900, gain: 3}, {synapse: pool, kernel: 2, stride: 2, average: true, neuron: relay}, {n: 4, "
    "neuron: "
    "cuba-lif, tau: 3e-3, reset: hard, current: held, fire: reach, gain: 9}",
    "{synapse: sparse, density: 0.4, n: 9, reset: hard, current: held}, {synapse: one, neuron: i, "
    "current: held}, {n: 2, neuron: cuba-li, current: held}",
    "{n: 6, neuron: cuba-lif, reset: hard, gain: 3}, {n: 2, reset: hard, tau: 5e-3, gain: 3}"};
static const char *const inputs_of[] = {"n: 5", "height: 6, width: 4", "n: 5", "n: 4"};

START_TEST(exported_networks_are_the_same_networks)
{
    for (size_t i = 0; i < 4; i++) {
        char yaml[1024], options[256];
        const char *kick = i == 3 ? ", nir: {current: kick}" : "";
        float x[24], y[16], again[16];
        double sum = 0;
        for (size_t k = 0; k < 24; k++)
            x[k] = 1.5F + (float)(k % 5);
        struct et_system *system = NULL;
        snprintf(yaml, sizeof yaml,
                 "{type: spiking, dt: 1e-3, steps: 40, input: {%s}, layers: [%s]}", inputs_of[i],
                 layers_of[i]);
        assert_ok(et_system_open_text(yaml, 11, &system));
        run(system, x, y);
        assert_ok(et_system_export(system, in_folder("net.nir")));
        const size_t n_out = et_system_info(system)->n_out;
        et_system_close(system);
        snprintf(options, sizeof options, "dt: 1e-3, time_unit: s, steps: 40, integrator: exact%s",
                 kick);
        system = open_file("net.nir", options);
        ck_assert_uint_eq(et_system_info(system)->n_out, n_out);
        run(system, x, again);
        et_system_close(system);
        for (size_t j = 0; j < n_out; j++) {
            ck_assert_float_eq_tol(y[j], again[j], 1e-6F * (1 + fabsf(y[j])));
            sum += fabs((double)y[j]);
        }
        ck_assert_msg(sum > 0, "network %zu is silent", i);
    }
}
END_TEST

START_TEST(what_nir_cannot_say_is_refused)
{
    static const struct {
        const char *layers, *message;
    } cases[] = {
        {"{n: 2}", "NIR cannot say that it resets by subtraction (soft)"},
        {"{n: 2, reset: keep}", "NIR cannot say that it does not reset"},
        {"{n: 2, reset: hard, neuron: alif}", "NIR has no neuron 'alif'"},
        {"{n: 2, neuron: izhikevich, integrator: euler, current: held}",
         "NIR has no neuron 'izhikevich'"},
        {"{n: 2, reset: hard, refractory: 2e-3}", "NIR cannot say that it is refractory"},
        {"{n: 2, reset: hard, neuron: cuba-lif, integrator: euler, old_synapse: true}",
         "NIR cannot say that it sees its synaptic current a step late"},
        {"{neuron: i, synapse: one, bias: true}", "NIR has no bias from neuron to neuron"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char yaml[512];
        struct et_system *system = NULL;
        snprintf(yaml, sizeof yaml, "{type: spiking, layers: [%s]}", cases[i].layers);
        assert_ok(et_system_open_text(yaml, 0, &system));
        assert_status(et_system_export(system, in_folder("net.nir")), ET_UNSUPPORTED);
        assert_message(cases[i].message);
        et_system_close(system);
    }
}
END_TEST

/* gain and shift go into weights and biases, groups into one with zeros. */
START_TEST(normalisation_and_groups_are_folded)
{
    struct et__spk_network net;
    struct et__spk_population *p = NULL;
    struct et__spk_projection *s = NULL;
    struct et__nir_graph graph;
    assert_ok(et__spk_begin(&net, 1e-3, 10, 2, 1, 4));
    assert_ok(et__spk_add_population(&net, "hidden", ET__SPK_LIF, 2, 1, 3, &p));
    p->reset = ET__SPK_HARD;
    p->gain = et_alloc(6, sizeof *p->gain);
    p->shift = et_alloc(6, sizeof *p->shift);
    for (size_t j = 0; j < 6; j++) {
        p->gain[j] = j < 3 ? 2 : 0.5F;
        p->shift[j] = j < 3 ? 0.25F : -1;
    }
    assert_ok(et__spk_add_projection(&net, "conv", ET__SPK_CONV, 0, 1, &s));
    s->kernel_h = 1;
    s->kernel_w = 2;
    s->groups = 2;
    assert_ok(et__spk_alloc_weights(&net, s, true));
    for (size_t i = 0; i < 4; i++)
        s->weight[i] = (float)(i + 1);
    s->bias[0] = 3;
    s->bias[1] = 4;
    net.output = 1;
    assert_ok(et__spk_finish(&net));
    assert_ok(et__nir_from_network(&net, &graph));
    size_t conv = 0;
    while (graph.node[conv].kind != ET__NIR_CONV1D)
        conv++;
    static const double weight[8] = {2, 4, 0, 0, 0, 0, 1.5, 2}, bias[2] = {6.25, 1};
    const struct et__nir_value *field = graph.node[conv].field;
    ck_assert_mem_eq(field[ET__NIR_F_WEIGHT].data, weight, sizeof weight);
    ck_assert_mem_eq(field[ET__NIR_F_BIAS].data, bias, sizeof bias);
    ck_assert_double_eq(field[ET__NIR_F_GROUPS].data[0], 1);
    assert_ok(et__nir_write(&graph, in_folder("conv.nir")));
    et__nir_free(&graph);
    et__spk_free(&net);
}
END_TEST

/* A connection back without a cycle waits all the same: it is written as a Delay. */
START_TEST(a_lag_without_a_cycle_becomes_a_delay)
{
    struct et__spk_network net;
    struct et__spk_population *p = NULL;
    struct et__spk_projection *s = NULL;
    struct et__nir_graph graph;
    assert_ok(et__spk_begin(&net, 1e-3, 10, 1, 1, 1));
    assert_ok(et__spk_add_population(&net, "a", ET__SPK_LI, 1, 1, 1, &p));
    assert_ok(et__spk_add_population(&net, "b", ET__SPK_LI, 1, 1, 1, &p));
    assert_ok(et__spk_add_projection(&net, "in", ET__SPK_ONE, 0, 2, &s));
    assert_ok(et__spk_add_projection(&net, "back", ET__SPK_ONE, 2, 1, &s));
    net.output = 1;
    assert_ok(et__spk_finish(&net));
    assert_ok(et__nir_from_network(&net, &graph));
    const struct et__nir_node *delay = NULL;
    for (size_t i = 0; i < graph.n_nodes; i++)
        if (graph.node[i].kind == ET__NIR_DELAY) delay = &graph.node[i];
    ck_assert_ptr_nonnull(delay);
    ck_assert_double_eq(delay->field[ET__NIR_F_DELAY].data[0], 1e-3);
    et__nir_free(&graph);
    et__spk_free(&net);
}
END_TEST

START_TEST(graphs_that_are_no_network_are_refused)
{
    static const struct et__nir_options options = {.dt = 1e-3, .steps = 10, .unit = 1};
    struct et__spk_network net;
    struct et__nir_graph g = {0};
    end(&g, ET__NIR_INPUT, 1, 2, 0, 0);
    size_t i = add(&g, "delay", ET__NIR_DELAY);
    neurons(&g, i, ET__NIR_F_DELAY, 2, 1.5e-3);
    end(&g, ET__NIR_OUTPUT, 1, 2, 0, 0);
    in_line(&g);
    assert_ok(et__nir_infer(&g, false));
    assert_status(et__nir_to_network(&g, &options, &net), ET_FORMAT);
    assert_message("delay[0] = 0.0015 s is 1.5 steps of 0.001 s");
    et__spk_free(&net);
    g.node[i].field[ET__NIR_F_DELAY].data[0] = -1e-3;
    assert_status(et__nir_to_network(&g, &options, &net), ET_FORMAT);
    assert_message("delay[0] = -0.001 s");
    et__spk_free(&net);
    g.n_edges = 1;
    assert_status(et__nir_to_network(&g, &options, &net), ET_FORMAT);
    assert_message("node 'output' (Output): no edge ends at it");
    et__spk_free(&net);
    end(&g, ET__NIR_OUTPUT, 1, 2, 0, 0);
    assert_status(et__nir_to_network(&g, &options, &net), ET_FORMAT);
    assert_message("1 nodes of type Input and 2 of type Output");
    et__spk_free(&net);
    et__nir_free(&g);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("nir_network");
    TCase *tests = tcase_create("nir_network");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, the_published_neuron_spikes_when_it_should);
    tcase_add_test(tests, milliseconds_are_said_not_guessed);
    tcase_add_test(tests, what_a_file_does_not_say_must_be_given);
    tcase_add_test(tests, a_cycle_carries_the_step_before);
    tcase_add_test(tests, stateless_nodes_do_what_they_say);
    tcase_add_test(tests, exported_networks_are_the_same_networks);
    tcase_add_test(tests, what_nir_cannot_say_is_refused);
    tcase_add_test(tests, normalisation_and_groups_are_folded);
    tcase_add_test(tests, a_lag_without_a_cycle_becomes_a_delay);
    tcase_add_test(tests, graphs_that_are_no_network_are_refused);
    suite_add_tcase(suite, tests);
    return suite_result(suite);
}
