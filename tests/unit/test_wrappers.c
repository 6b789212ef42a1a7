/* SPDX-License-Identifier: Apache-2.0
 *
 * Dispatch through wrappers; chain, converters and cache.  Disturbances: test_disturb.c. */
#include <etalon/rng.h>

#include "unit/gauge.h"

/* ---------------------------------------------------------------------------------- dispatch -- */

static enum et_status broken_open(void *state, const struct et_config *config, uint64_t seed)
{
    (void)config;
    (void)seed;
    *(int *)state = 1;
    return ET_OK;
}

static unsigned broken_traits;
static size_t broken_channels;
static float broken_min;
static int closed;

static void broken_describe(const void *state, struct et_system_info *info)
{
    (void)state;
    info->n_in = info->n_out = broken_channels;
    info->in_min = broken_min;
    info->in_max = 1;
    info->traits = broken_traits;
}

static enum et_status broken_forward(void *state, const struct et_step *step, struct et_view x,
                                     struct et_view y)
{
    (void)state;
    (void)step;
    for (size_t i = 0; i < x.rows * x.cols; i++)
        y.data[i] = 1 / x.data[i];
    return ET_OK;
}

static void broken_close(void *state)
{
    closed += *(int *)state;
}

static const struct et_param no_params[] = {{0}};
static const struct et_system_type broken_type = {
    .name = "broken",
    .summary = "Describes itself as the test says.",
    .state_size = sizeof(int),
    .params = no_params,
    .open = broken_open,
    .describe = broken_describe,
    .forward = broken_forward,
    .close = broken_close,
};

START_TEST(a_wrong_description_is_refused)
{
    broken_channels = 0;
    closed = 0;
    assert_refused("{type: broken}", ET_INVALID, "n_in and n_out");
    assert_message("while opening system 'broken'");
    ck_assert_int_eq(closed, 1);
    broken_channels = 1;
    broken_min = 1;
    assert_refused("{type: broken}", ET_INVALID, "in_min");
    broken_min = 0;
    broken_traits = ET_HAS_KNOBS;
    assert_refused("{type: broken}", ET_INVALID, "n_knobs");
    broken_traits = ET_HAS_VJP;
    assert_refused("{type: broken}", ET_INVALID, "ET_HAS_VJP without vjp");
    broken_traits = ET_STATEFUL;
    assert_refused("{type: broken}", ET_INVALID, "ET_STATEFUL without reset");
    broken_traits = 0;
    et_system_close(open_text("{type: broken}"));
}
END_TEST

START_TEST(outputs_that_are_not_finite_are_caught)
{
    broken_channels = 1;
    broken_traits = 0;
    struct et_system *system = open_text("{type: broken}");
    float x[] = {1, 0.5F, 0}, y[3];
    assert_status(pass(system, 1, 3, x, 3, y), ET_NUMERIC);
    assert_message("y[2][0] = inf (sample 2)");
    assert_message("while forward pass 3 of 'broken'");
    assert_ok(pass(system, 1, 3, x, 2, y));
    et_system_close(system);
}
END_TEST

START_TEST(texts_may_be_blocks)
{
    struct et_system *system = open_text("type: linear\nn_in: 2\nn_out: 3\n");
    ck_assert_uint_eq(et_system_info(system)->n_out, 3);
    et_system_close(system);
    assert_refused("", ET_CONFIG, "system");
    assert_refused("[1, 2]", ET_CONFIG, "system");
    assert_refused("{type: linear, n_in: 2}", ET_CONFIG, "n_out");
    assert_refused("{type: lineal, n_in: 2}", ET_CONFIG, "linear");
}
END_TEST

static void count_frame(void *user, size_t step, double time_s, struct et_view field, double dx_m,
                        const char *unit)
{
    (void)step;
    (void)time_s;
    (void)field;
    (void)dx_m;
    (void)unit;
    ++*(int *)user;
}

START_TEST(observers_reach_the_field_inside)
{
    int frames = 0;
    float x[2] = {0.5F, 0}, y[2];
    struct et_observer observer = {1, count_frame, &frames};
    struct et_system *system = open_text("{type: cache, system: {type: chain, systems: "
                                         "[{type: identity, n_in: 2}, {type: gauge}]}}");
    assert_ok(et_system_observe(system, &observer));
    assert_ok(pass(system, 1, 0, x, 1, y));
    ck_assert_int_eq(frames, 1);
    assert_ok(et_system_observe(system, NULL));
    x[0] = 0.25F;
    assert_ok(pass(system, 1, 0, x, 1, y));
    ck_assert_int_eq(frames, 1);
    et_system_close(system);
    system = open_text("{type: cache, system: {type: identity, n_in: 2}}");
    assert_status(et_system_observe(system, &observer), ET_UNSUPPORTED);
    et_system_close(system);
}
END_TEST

/* ------------------------------------------------------------------------------------- chain -- */

START_TEST(a_chain_is_the_composition)
{
    struct et_system *system =
        open_text("{type: chain, systems: [{type: linear, n_in: 2, n_out: 2, matrix: "
                  "[1, 2, 3, 4]}, {type: linear, n_in: 2, n_out: 1, matrix: [10, 1]}]}");
    float x[] = {1, 1, 0, 2}, y[2];
    assert_ok(pass(system, 1, 0, x, 2, y));
    assert_close(y, (const float[]){37, 48}, 2, 1e-6, 0);
    ck_assert_ptr_nonnull(et_system_inner(system, 1));
    ck_assert_ptr_null(et_system_inner(system, 2));
    et_system_close(system);
}
END_TEST

START_TEST(a_chain_adds_costs)
{
    struct et_system *system =
        open_text("{type: chain, systems: [{type: gauge}, {type: gauge, gain: 0.5}]}");
    const struct et_system_info *info = et_system_info(system);
    assert_near(info->latency_s, 2e-3, 1e-15);
    assert_near(info->energy_J, 4e-6, 1e-18);
    ck_assert_str_eq(info->in_unit, "V");
    ck_assert_str_eq(info->out_unit, "A");
    float x[6] = {0}, y[6];
    assert_ok(pass(system, 1, 0, x, 3, y));
    struct et_ledger ledger = et_system_ledger(system);
    ck_assert_uint_eq(ledger.passes, 6);
    assert_near(ledger.device_s, 6e-3, 1e-12);
    assert_near(ledger.device_J, 12e-6, 1e-15);
    et_system_close(system);
}
END_TEST

START_TEST(a_chain_checks_sizes_and_ranges)
{
    assert_refused("{type: chain, systems: [{type: gauge}, {type: gauge, n: 3}]}", ET_CONFIG,
                   "stage 1 has 3 inputs, but stage 0 has 2 outputs");
    assert_refused("{type: chain, systems: []}", ET_CONFIG, "systems");
    float x[] = {0.75F, -0.5F}, y[2];
    struct et_system *system =
        open_text("{type: chain, systems: [{type: gauge, gain: 4}, {type: gauge}]}");
    assert_status(pass(system, 1, 0, x, 1, y), ET_INVALID);
    assert_message("x[0][0] = 3 V is outside [-1, 1] V");
    assert_message("while forward pass 0 of 'chain'");
    et_system_close(system);
    system = open_text("{type: chain, clip: true, systems: [{type: gauge, gain: 4}, "
                       "{type: gauge, gain: 2}]}");
    assert_ok(pass(system, 1, 0, x, 1, y));
    assert_close(y, (const float[]){2, -2}, 2, 0, 0);
    et_system_close(system);
}
END_TEST

START_TEST(stages_of_a_chain_are_different_devices)
{
    struct et_system *system =
        open_text("{type: chain, systems: [{type: random, n_in: 4, n_out: 4}, "
                  "{type: random, n_in: 4, n_out: 4}]}");
    float x[4] = {0.1F, 0.2F, 0.3F, 0.4F}, y[4], z[4];
    struct et_step step = {0};
    for (size_t i = 0; i < 2; i++) {
        /* The handles inside are read-only to everybody else; a test may look. */
        struct et_system *stage = (struct et_system *)(uintptr_t)et_system_inner(system, i);
        assert_ok(
            et_system_forward(stage, &step, et_view_of(x, 1, 4), et_view_of(i == 0 ? y : z, 1, 4)));
    }
    ck_assert(memcmp(y, z, sizeof y) != 0);
    et_system_close(system);
}
END_TEST

/* -------------------------------------------------------------------------------- converters -- */

/* What converters around an identity of one channel make of x. */
static void assert_converted(const char *settings, const float *x, const float *want, size_t n)
{
    char yaml[256];
    float y[32], copy[32];
    memcpy(copy, x, n * sizeof *x);
    snprintf(yaml, sizeof yaml, "{type: converters, %s, system: {type: identity, n_in: 1}}",
             settings);
    struct et_system *system = open_text(yaml);
    assert_ok(pass(system, 1, 0, copy, n, y));
    assert_close(y, want, n, 0, 1e-7);
    et_system_close(system);
}

START_TEST(converters_have_known_levels)
{
    const float x[] = {-9, -1, -0.76F, -0.74F, -0.1F, 0, 0.24F, 0.25F, 0.6F, 1, 9};
    const float tread[] = {-1, -1, -1, -0.5F, 0, 0, 0, 0.5F, 0.5F, 0.5F, 0.5F};
    const float rise[] = {-0.75F, -0.75F, -0.75F, -0.75F, -0.25F, 0.25F,
                          0.25F,  0.25F,  0.75F,  0.75F,  0.75F};
    assert_converted("dac_bits: 2, dac_range: [-1, 1], adc_bits: 0, adc_range: [-1, 1]", x, tread,
                     11);
    assert_converted("adc_bits: 2, adc_range: [-1, 1], dac_bits: 0, dac_range: [-9, 9]", x, tread,
                     11);
    assert_converted("dac_bits: 2, dac_range: [-1, 1], adc_bits: 0, adc_range: [-1, 1], "
                     "scheme: mid-rise",
                     x, rise, 11);
    const float one_bit[] = {-1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0};
    assert_converted("dac_bits: 1, dac_range: [-1, 1], adc_bits: 0, adc_range: [-1, 1]", x, one_bit,
                     11);
    const float ideal[] = {-1, -1, -0.76F, -0.74F, -0.1F, 0, 0.24F, 0.25F, 0.6F, 1, 1};
    assert_converted("dac_bits: 0, dac_range: [-1, 1], adc_bits: 0, adc_range: [-2, 2]", x, ideal,
                     11);
}
END_TEST

START_TEST(the_error_is_half_a_step)
{
    enum { N = 5000 };
    static float x[N], y[N];
    for (int bits = 1; bits <= 24; bits++) {
        char yaml[256];
        snprintf(yaml, sizeof yaml,
                 "{type: converters, dac_bits: %d, dac_range: [-1, 3], adc_bits: 0, "
                 "adc_range: [-9, 9], scheme: mid-rise, system: {type: identity, n_in: 1}}",
                 bits);
        struct et_system *system = open_text(yaml);
        et_rng_fill_uniform(1, ET_STREAM_USER, 0, 0, -1, 3, x, N);
        assert_ok(pass(system, 1, 0, x, N, y));
        double worst = 0, step = ldexp(4, -bits);
        for (size_t i = 0; i < N; i++)
            worst = fmax(worst, fabs((double)x[i] - (double)y[i]));
        ck_assert_msg(worst <= 0.5 * step + 2.4e-7, "%d bits: error %g", bits, worst);
        ck_assert_msg(bits > 20 || worst > 0.4 * step, "%d bits: error only %g", bits, worst);
        et_system_close(system);
    }
}
END_TEST

START_TEST(an_output_range_can_be_measured)
{
    struct et_system *system = open_text(
        "{type: converters, dac_bits: 0, adc_bits: 10, adc_margin: 0.1, system: {type: chain, "
        "systems: [{type: gauge}, {type: linear, n_in: 2, n_out: 1, matrix: [3, 3]}]}}");
    /* 256 drives of two uniform inputs come close to the corners of [-6, 6]. */
    float x[] = {1, 1, -1, -1, 0.3F, 0.2F}, y[3];
    assert_ok(pass(system, 1, 0, x, 3, y));
    assert_close(y, (const float[]){6, -6, 1.5F}, 3, 0, 0.6);
    assert_near((double)y[2], 1.5, 0.5 * 14.4 / 1024);
    ck_assert_uint_eq(et_system_ledger(system).passes, 2 * (256 + 3));
    et_system_close(system);
    system = open_text("{type: converters, dac_range: [-1, 1], system: {type: zeros, n_in: 2}}");
    assert_ok(pass(system, 1, 0, x, 1, y));
    assert_near((double)y[0], 0, 2.0 / 256);
    et_system_close(system);
}
END_TEST

START_TEST(converters_check_their_ranges)
{
    assert_refused("{type: converters, system: {type: identity, n_in: 1}}", ET_CONFIG,
                   "give dac_range");
    assert_refused("{type: converters, dac_range: [1, -1], system: {type: gauge}}", ET_CONFIG,
                   "dac_range");
    assert_refused("{type: converters, dac_range: [1], system: {type: gauge}}", ET_CONFIG,
                   "dac_range");
    assert_refused("{type: converters, dac_range: [-2, 1], system: {type: gauge}}", ET_CONFIG,
                   "leaves the legal range [-1, 1] of 'gauge'");
    assert_refused("{type: converters, adc_range: [3, 3], system: {type: gauge}}", ET_CONFIG,
                   "adc_range");
    assert_refused("{type: converters, dac_bits: 25, system: {type: gauge}}", ET_CONFIG,
                   "dac_bits = 25 bit is outside [0, 24]");
    struct et_system *system = open_text("{type: converters, clip: false, system: {type: gauge}}");
    float x[] = {1.5F, 0}, y[2];
    assert_status(pass(system, 1, 0, x, 1, y), ET_INVALID);
    et_system_close(system);
}
END_TEST

/* ------------------------------------------------------------------------------------- cache -- */

START_TEST(a_cache_asks_once)
{
    struct et_system *system = open_text("{type: cache, system: {type: gauge, gain: 3}}");
    float x[] = {0.1F, 0.2F, 0.3F, 0.4F, 0.1F, 0.2F}, y[6];
    const float want[] = {0.3F, 0.6F, 0.9F, 1.2F, 0.3F, 0.6F};
    assert_ok(pass(system, 1, 0, x, 3, y));
    assert_close(y, want, 6, 1e-6, 0);
    struct et_ledger ledger = et_system_ledger(system);
    ck_assert_uint_eq(ledger.passes, 2);
    memset(y, 0, sizeof y);
    assert_ok(pass(system, 9, 9, x, 3, y));
    assert_close(y, want, 6, 1e-6, 0);
    ck_assert_uint_eq(et_system_ledger(system).passes, 2);
    assert_near(et_system_ledger(system).device_s, 2e-3, 1e-15);
    x[0] = nextafterf(x[0], 1);
    assert_ok(pass(system, 1, 0, x, 3, y));
    ck_assert_uint_eq(et_system_ledger(system).passes, 3);
    et_system_close(system);
}
END_TEST

START_TEST(a_full_cache_starts_again)
{
    enum { N = 3000 };
    static float x[N * 2], y[N * 2];
    struct et_system *system =
        open_text("{type: cache, memory_MB: 0.01, system: {type: gauge, gain: 2}}");
    et_rng_fill_uniform(1, ET_STREAM_USER, 0, 0, -1, 1, x, N * 2);
    for (size_t round = 1; round <= 2; round++) {
        assert_ok(pass(system, 1, 0, x, N, y));
        for (size_t i = 0; i < N * 2; i++)
            ck_assert(y[i] == 2 * x[i]);
        ck_assert_uint_eq(et_system_ledger(system).passes, round * N);
    }
    assert_ok(pass(system, 1, 0, x + 2 * (N - 10), 10, y));
    ck_assert_uint_eq(et_system_ledger(system).passes, 2 * N);
    et_system_close(system);
}
END_TEST

START_TEST(a_cache_forgets_what_has_changed_or_failed)
{
    struct et_system *system = open_text("{type: cache, system: {type: linear, n_in: 1, n_out: 1, "
                                         "matrix: [2], tunable: true}}");
    float x[] = {0.5F, 0.25F}, y[2], knob = 3;
    assert_ok(pass(system, 1, 0, x, 2, y));
    assert_ok(et_system_set_knobs(system, &knob, 1));
    assert_ok(pass(system, 1, 0, x, 2, y));
    assert_close(y, (const float[]){1.5F, 0.75F}, 2, 1e-6, 0);
    et_system_close(system);
    system = open_text("{type: cache, system: {type: gauge, n: 1, poison: 0.5}}");
    assert_status(pass(system, 1, 0, x, 2, y), ET_DEVICE);
    assert_message("poisoned");
    assert_ok(pass(system, 1, 0, x + 1, 1, y));
    ck_assert(y[0] == 0.25F);
    assert_status(pass(system, 1, 0, x, 2, y), ET_DEVICE);
    et_system_close(system);
}
END_TEST

START_TEST(a_cache_refuses_what_it_would_freeze)
{
    assert_refused("{type: cache, system: {type: disturb, output: {noise: 0.1}, system: "
                   "{type: gauge}}}",
                   ET_CONFIG, "'disturb' is noisy");
    assert_refused("{type: cache, system: {type: disturb, input: {drift: linear}, system: "
                   "{type: gauge}}}",
                   ET_CONFIG, "'disturb' is noisy");
    assert_refused("{type: cache, system: {type: chain, systems: [{type: gauge}, {type: disturb, "
                   "output: {noise: 0.1}, system: {type: gauge}}]}}",
                   ET_CONFIG, "'chain' is noisy");
    et_system_close(open_text("{type: cache, system: {type: disturb, output: {gain_mismatch: 0.1}, "
                              "system: {type: gauge}}}"));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_wrong_description_is_refused,
        outputs_that_are_not_finite_are_caught,
        texts_may_be_blocks,
        observers_reach_the_field_inside,
        a_chain_is_the_composition,
        a_chain_adds_costs,
        a_chain_checks_sizes_and_ranges,
        stages_of_a_chain_are_different_devices,
        converters_have_known_levels,
        the_error_is_half_a_step,
        an_output_range_can_be_measured,
        converters_check_their_ranges,
        a_cache_asks_once,
        a_full_cache_starts_again,
        a_cache_forgets_what_has_changed_or_failed,
        a_cache_refuses_what_it_would_freeze,
    };
    if (et_system_register(&broken_type) != ET_OK) return EXIT_FAILURE;
    return run_suite("wrappers", tests, sizeof tests / sizeof *tests);
}
