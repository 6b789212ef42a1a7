/* SPDX-License-Identifier: Apache-2.0
 *
 * Each disturbance against its formula: moments, fixed mismatch, drift, dead channels, crosstalk.
 */
#include <stdbool.h>

#include "unit/gauge.h"

/* Channels and rows of the statistics: 10^5 numbers. */
enum { CHANNELS = 100, ROWS = 1000, VALUES = CHANNELS * ROWS };
static float values[VALUES], first[VALUES], second[VALUES];

/* Opens a disturbed identity of CHANNELS channels. */
static struct et_system *open_disturbed(const char *sides, uint64_t seed)
{
    char yaml[512];
    struct et_system *system;
    snprintf(yaml, sizeof yaml, "{type: disturb, %s, system: {type: identity, n_in: %d}}", sides,
             CHANNELS);
    assert_ok(et_system_open_text(yaml, seed, &system));
    return system;
}

static void fill(float value)
{
    for (size_t i = 0; i < VALUES; i++)
        values[i] = value;
}

static double mean_of(const float *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i];
    return sum / (double)n;
}

static double sd_of(const float *x, size_t n)
{
    double mean = mean_of(x, n), sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += ((double)x[i] - mean) * ((double)x[i] - mean);
    return sqrt(sum / (double)n);
}

static double correlation(const float *a, const float *b, size_t n)
{
    double mean_a = mean_of(a, n), mean_b = mean_of(b, n), sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += ((double)a[i] - mean_a) * ((double)b[i] - mean_b);
    return sum / (double)n / (sd_of(a, n) * sd_of(b, n));
}

START_TEST(additive_noise_has_its_moments)
{
    fill(2);
    const char *const sides[] = {"output: {noise: 0.3}", "input: {noise: 0.3}"};
    for (size_t i = 0; i < 2; i++) {
        struct et_system *system = open_disturbed(sides[i], 1);
        ck_assert_uint_eq(et_system_info(system)->traits & ET_NOISY, ET_NOISY);
        assert_ok(pass(system, 1, 0, values, ROWS, first));
        assert_near(mean_of(first, VALUES), 2, 5 * 0.3 / sqrt(VALUES));
        assert_near(sd_of(first, VALUES), 0.3, 5 * 0.3 / sqrt(2.0 * VALUES));
        assert_ok(pass(system, 1, 1, values, ROWS, second));
        assert_near(correlation(first, second, VALUES), 0, 5 / sqrt(VALUES));
        assert_ok(pass(system, 2, 0, values, ROWS, second));
        assert_near(correlation(first, second, VALUES), 0, 5 / sqrt(VALUES));
        /* Neighbouring channels and samples. */
        assert_near(correlation(first, first + 1, VALUES - 1), 0, 5 / sqrt(VALUES));
        assert_near(correlation(first, first + CHANNELS, VALUES - CHANNELS), 0, 5 / sqrt(VALUES));
        et_system_close(system);
    }
}
END_TEST

START_TEST(devices_and_wrappers_have_noise_of_their_own)
{
    fill(0);
    struct et_system *one = open_disturbed("output: {noise: 1}", 1);
    struct et_system *other = open_disturbed("output: {noise: 1}", 2);
    assert_ok(pass(one, 1, 0, values, ROWS, first));
    assert_ok(pass(other, 1, 0, values, ROWS, second));
    assert_near(correlation(first, second, VALUES), 0, 5 / sqrt(VALUES));
    et_system_close(one);
    et_system_close(other);
    one = open_disturbed("input: {noise: 1}, output: {noise: 1}", 1);
    assert_ok(pass(one, 1, 0, values, ROWS, second));
    assert_near(sd_of(second, VALUES), sqrt(2), 5 / sqrt(VALUES));
    et_system_close(one);
    one = open_text("{type: disturb, output: {noise: 1}, system: {type: disturb, output: "
                    "{noise: 1}, system: {type: identity, n_in: 100}}}");
    assert_ok(pass(one, 1, 0, values, ROWS, second));
    assert_near(sd_of(second, VALUES), sqrt(2), 5 / sqrt(VALUES));
    et_system_close(one);
}
END_TEST

START_TEST(relative_noise_is_a_part_of_the_loudest_channel)
{
    struct et_system *system =
        open_text("{type: disturb, output: {noise_relative: 0.1}, calibration: 20000, system: "
                  "{type: chain, systems: [{type: gauge}, {type: linear, n_in: 2, n_out: 2, "
                  "matrix: [5, 0, 0, 1]}]}}");
    /* |5 x| of a uniform x in [-1, 1] has its 94th percentile at 4.7. */
    const char *said = strstr(logged, "disturb: output noise of sd 0.1 x 4.");
    ck_assert_msg(said != NULL, "log: %s", logged);
    fill(0);
    assert_ok(pass(system, 1, 0, values, VALUES / 2, first));
    assert_near(sd_of(first, VALUES), 0.47, 0.01);
    et_system_close(system);
    system = open_text("{type: disturb, input: {noise_relative: 0.1, noise: 0.094}, calibration: "
                       "20000, system: {type: chain, clip: true, systems: [{type: gauge}]}}");
    assert_ok(pass(system, 1, 0, values, VALUES / 2, first));
    assert_near(sd_of(first, VALUES), 0.094 * sqrt(2), 0.003);
    et_system_close(system);
}
END_TEST

START_TEST(multiplicative_noise_scales_with_the_value)
{
    struct et_system *system = open_disturbed("output: {noise_multiplicative: 0.1}", 1);
    fill(3);
    assert_ok(pass(system, 1, 0, values, ROWS, first));
    assert_near(mean_of(first, VALUES), 3, 5 * 0.3 / sqrt(VALUES));
    assert_near(sd_of(first, VALUES), 0.3, 5 * 0.3 / sqrt(2.0 * VALUES));
    fill(0);
    assert_ok(pass(system, 1, 0, values, ROWS, first));
    ck_assert(sd_of(first, VALUES) == 0);
    et_system_close(system);
}
END_TEST

START_TEST(mismatch_belongs_to_the_device)
{
    const char *sides = "output: {gain_mismatch: 0.1, offset_mismatch: 0.5}";
    struct et_system *system = open_disturbed(sides, 1), *other = open_disturbed(sides, 2);
    ck_assert_uint_eq(et_system_info(system)->traits & ET_NOISY, 0);
    float gain[CHANNELS], offset[CHANNELS];
    fill(0);
    assert_ok(pass(system, 1, 0, values, 1, offset));
    fill(1);
    assert_ok(pass(system, 7, 9, values, 2, first));
    for (size_t c = 0; c < CHANNELS; c++)
        gain[c] = first[c] - offset[c];
    ck_assert(memcmp(first, first + CHANNELS, sizeof gain) == 0);
    assert_near(mean_of(gain, CHANNELS), 1, 0.05);
    assert_near(sd_of(gain, CHANNELS), 0.1, 0.03);
    assert_near(sd_of(offset, CHANNELS), 0.5, 0.15);
    assert_ok(pass(other, 1, 0, values, 1, second));
    assert_near(correlation(first, second, CHANNELS), 0, 0.5);
    et_system_close(system);
    et_system_close(other);
}
END_TEST

START_TEST(drift_is_a_function_of_the_pass)
{
    fill(1);
    struct et_system *power =
        open_disturbed("output: {drift: power, drift_period: 10, drift_exponent: 0.5}", 1);
    ck_assert_uint_eq(et_system_info(power)->traits & ET_NOISY, ET_NOISY);
    const uint32_t times[] = {30, 0, 990, 30};
    const float want[] = {0.5F, 1, 0.1F, 0.5F};
    for (size_t i = 0; i < 4; i++) {
        assert_ok(pass(power, 1, times[i], values, 1, first));
        assert_close(first, &want[i], 1, 1e-6, 0);
    }
    et_system_close(power);

    struct et_system *linear =
        open_disturbed("output: {drift: linear, drift_period: 100, drift_amplitude: 0.1}", 1);
    assert_ok(pass(linear, 1, 0, values, 1, first));
    ck_assert(sd_of(first, CHANNELS) == 0 && first[0] == 1);
    assert_ok(pass(linear, 1, 100, values, 1, first));
    assert_near(sd_of(first, CHANNELS), 0.1, 0.03);
    assert_ok(pass(linear, 1, 200, values, 1, second));
    for (size_t c = 0; c < CHANNELS; c++)
        assert_near((double)second[c] - 1, 2 * ((double)first[c] - 1), 1e-6);
    et_system_close(linear);
}
END_TEST

START_TEST(wandering_drift_is_slow_and_bounded)
{
    fill(1);
    struct et_system *system =
        open_disturbed("input: {drift: wander, drift_period: 50, drift_amplitude: 0.1}", 1);
    double jump = 0;
    for (uint32_t t = 0; t < ROWS; t++) {
        assert_ok(pass(system, 1, t * 7, values, 1, first + t * CHANNELS));
        assert_ok(pass(system, 1, t * 7 + 1, values, 1, second));
        for (size_t c = 0; c < CHANNELS; c++)
            jump = fmax(jump, fabs((double)second[c] - (double)first[t * CHANNELS + c]));
    }
    assert_near(mean_of(first, VALUES), 1, 0.01);
    assert_near(sd_of(first, VALUES), 0.1, 0.01);
    /* 0.1 sqrt(1/2) 2 pi / 50 (1 + 0.62 + 0.38 + 0.24) per pass at most. */
    ck_assert_msg(jump < 0.02, "jump %g", jump);
    ck_assert(correlation(first, first + 1, VALUES - 1) < 0.2);
    et_system_close(system);
}
END_TEST

START_TEST(dead_channels_are_stuck)
{
    fill(1);
    struct et_system *system = open_disturbed(
        "output: {noise: 0.1, dead: [3, 99], dead_fraction: 0.2, dead_value: -4}", 1);
    assert_ok(pass(system, 1, 0, values, ROWS, first));
    size_t dead = 0;
    for (size_t c = 0; c < CHANNELS; c++) {
        bool stuck = first[c] == -4;
        dead += stuck;
        for (size_t r = 1; r < ROWS; r++)
            ck_assert_int_eq(first[r * CHANNELS + c] == -4, stuck);
    }
    ck_assert(first[3] == -4 && first[99] == -4);
    ck_assert_uint_ge(dead, 20);
    ck_assert_uint_le(dead, 22);
    et_system_close(system);
    assert_refused("{type: disturb, output: {dead: [2]}, system: {type: gauge}}", ET_CONFIG,
                   "no channel 2 of 2");
    assert_message("while reading output");
    assert_refused("{type: disturb, input: {dead: [0.5]}, system: {type: gauge}}", ET_CONFIG,
                   "no channel 0.5");
    assert_refused("{type: disturb, output: {dead_fraction: 1.5}, system: {type: gauge}}",
                   ET_CONFIG, "dead_fraction");
}
END_TEST

START_TEST(crosstalk_leaks)
{
    float x[4] = {0, 1, 0, 0}, y[4];
    struct et_system *system =
        open_text("{type: disturb, output: {crosstalk: 0.25}, system: {type: gauge, n: 4}}");
    assert_ok(pass(system, 1, 0, x, 1, y));
    assert_close(y, (const float[]){0.25F, 1, 0.25F, 0}, 4, 0, 0);
    et_system_close(system);

    system = open_disturbed("output: {crosstalk_random: 0.5}", 1);
    fill(0);
    for (size_t c = 0; c < CHANNELS; c++)
        values[c * CHANNELS + c] = 1;
    assert_ok(pass(system, 1, 0, values, CHANNELS, first));
    for (size_t c = 0; c < CHANNELS; c++) {
        ck_assert(first[c * CHANNELS + c] == 1);
        first[c * CHANNELS + c] = 0;
    }
    size_t n = CHANNELS * CHANNELS;
    assert_near(sd_of(first, n), 0.5 / sqrt(CHANNELS - 1) * sqrt(0.99), 0.002);
    /* Not symmetric. */
    for (size_t r = 0; r < CHANNELS; r++)
        for (size_t c = 0; c < CHANNELS; c++)
            second[r * CHANNELS + c] = first[c * CHANNELS + r];
    assert_near(correlation(first, second, n), 0, 0.05);
    et_system_close(system);
}
END_TEST

START_TEST(disturbed_inputs_stay_legal)
{
    float x[2] = {1, -1}, y[2];
    struct et_system *system =
        open_text("{type: disturb, input: {noise: 5}, system: {type: gauge}}");
    for (uint32_t t = 0; t < 50; t++) {
        assert_ok(pass(system, 1, t, x, 1, y));
        ck_assert(y[0] >= -1 && y[0] <= 1);
    }
    et_system_close(system);
}
END_TEST

START_TEST(a_disturbed_device_is_the_same_device)
{
    float x[3] = {0.1F, 0.2F, 0.3F}, y[4], z[4];
    struct et_system *plain = open_text("{type: random, n_in: 3, n_out: 4}");
    struct et_system *system = open_text("{type: disturb, system: {type: converters, dac_bits: 0, "
                                         "adc_bits: 0, dac_range: [-1, 1], adc_range: [-1, 1], "
                                         "system: {type: random, n_in: 3, n_out: 4}}}");
    assert_ok(pass(plain, 1, 0, x, 1, y));
    assert_ok(pass(system, 1, 0, x, 1, z));
    assert_close(z, y, 4, 0, 0);
    et_system_close(plain);
    et_system_close(system);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        additive_noise_has_its_moments,
        devices_and_wrappers_have_noise_of_their_own,
        relative_noise_is_a_part_of_the_loudest_channel,
        multiplicative_noise_scales_with_the_value,
        mismatch_belongs_to_the_device,
        drift_is_a_function_of_the_pass,
        wandering_drift_is_slow_and_bounded,
        dead_channels_are_stuck,
        crosstalk_leaks,
        disturbed_inputs_stay_legal,
        a_disturbed_device_is_the_same_device,
    };
    return run_suite("disturb", tests, sizeof tests / sizeof *tests);
}
