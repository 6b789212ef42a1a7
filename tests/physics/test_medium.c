/* SPDX-License-Identifier: Apache-2.0
 *
 * The scattering medium: every way in and out against a plain sum, mask, drift, bad input. */
#include <etalon/system.h>

#include "close.h"
#include <complex.h>
#include <stdio.h>
#include <string.h>

enum { N_IN = 7, N_OUT = 11, ROWS = 60, SEED = 3 };
static const char sizes[] = "n_in: 7, n_out: 11";

static float complex matrix[N_OUT][N_IN]; /* of SEED */
static float inputs[ROWS][N_IN];

static struct et_system *open_medium(const char *rest)
{
    char text[512];
    struct et_system *system;
    snprintf(text, sizeof text, "{type: medium, %s, %s}", sizes, rest);
    assert_ok(et_system_open_text(text, SEED, &system));
    return system;
}

static void run(struct et_system *system, uint32_t index, float *y)
{
    struct et_step step = {.seed = SEED, .index = index};
    size_t n_out = et_system_info(system)->n_out;
    assert_ok(et_system_forward(system, &step, et_view_of(inputs[0], ROWS, N_IN),
                                et_view_of(y, ROWS, n_out)));
}

/* Single pixels show the columns of T. */
static void probe(void)
{
    struct et_system *system = open_medium("detection: quadratures");
    float x[N_IN][N_IN] = {{0}}, y[N_IN][2 * N_OUT];
    struct et_step step = {.seed = SEED};
    for (size_t j = 0; j < N_IN; j++)
        x[j][j] = 1;
    assert_ok(et_system_forward(system, &step, et_view_of(x[0], N_IN, N_IN),
                                et_view_of(y[0], N_IN, 2 * N_OUT)));
    for (size_t c = 0; c < N_OUT; c++)
        for (size_t j = 0; j < N_IN; j++)
            matrix[c][j] = CMPLXF(y[j][c], y[j][N_OUT + c]);
    et_system_close(system);
}

static void setup(void)
{
    for (size_t r = 0; r < ROWS; r++)
        for (size_t j = 0; j < N_IN; j++)
            inputs[r][j] = fmodf(0.137F * (float)(r * N_IN + j + 1) * 1.618F, 1);
    probe();
}

typedef float complex encode_fn(float x);

static float complex as_amplitude(float x)
{
    return x;
}
static float complex as_phase(float x)
{
    return cexpf(I * 2.5F * x);
}
static float complex as_binary(float x)
{
    return x >= 0.3F ? 1 : 0;
}

static float complex field(const float *x, size_t c, encode_fn *encode)
{
    float complex sum = 0;
    for (size_t j = 0; j < N_IN; j++)
        sum += matrix[c][j] * encode(x[j]);
    return sum;
}

/* More rows than a block, so the second one is seen too. */
START_TEST(test_encodings_and_detections)
{
    static const struct {
        const char *yaml;
        encode_fn *encode;
    } ways[] = {{"encoding: amplitude", as_amplitude},
                {"encoding: signed", as_amplitude},
                {"encoding: phase, phase_range: 2.5", as_phase},
                {"encoding: binary, threshold: 0.3", as_binary}};
    static const char *const detections[] = {"intensity", "magnitude", "homodyne", "quadratures"};
    encode_fn *encode = ways[_i % 4].encode;
    char rest[128];
    snprintf(rest, sizeof rest, "%s, detection: %s, gain: 2", ways[_i % 4].yaml,
             detections[_i / 4]);
    struct et_system *system = open_medium(rest);
    size_t n_out = et_system_info(system)->n_out;
    ck_assert_uint_eq(n_out, _i / 4 == 3 ? 2 * N_OUT : N_OUT);
    float y[ROWS * 2 * N_OUT], want[ROWS * 2 * N_OUT];
    run(system, 0, y);
    for (size_t i = 0; i < ROWS * n_out; i++) {
        float complex e = 2 * field(inputs[i / n_out], i % n_out % N_OUT, encode);
        float size = cabsf(e);
        want[i] = _i / 4 == 0             ? size * size
                  : _i / 4 == 1           ? size
                  : i % n_out / N_OUT > 0 ? cimagf(e)
                                          : crealf(e);
    }
    assert_close(y, want, ROWS * n_out, 1e-5, 1e-5);
    et_system_close(system);
}
END_TEST

START_TEST(test_mask)
{
    struct et_system *system = open_medium("mask: true, detection: homodyne");
    const struct et_system_info *info = et_system_info(system);
    float knobs[N_IN], y[ROWS * N_OUT], want[ROWS * N_OUT];
    ck_assert_uint_eq(info->n_knobs, N_IN);
    ck_assert_str_eq(info->knob_unit, "rad");
    for (size_t j = 0; j < N_IN; j++)
        knobs[j] = 0.7F * (float)j - 2;
    assert_ok(et_system_set_knobs(system, knobs, N_IN));
    run(system, 0, y);
    for (size_t i = 0; i < ROWS * N_OUT; i++) {
        float complex e = 0;
        for (size_t j = 0; j < N_IN; j++)
            e += matrix[i % N_OUT][j] * inputs[i / N_OUT][j] * cexpf(I * knobs[j]);
        want[i] = crealf(e);
    }
    assert_close(y, want, ROWS * N_OUT, 1e-5, 1e-5);
    et_system_close(system);
}
END_TEST

/* A camera that sees no noise clips at its auto exposure and rounds. */
START_TEST(test_camera)
{
    struct et_system *system = open_medium(
        "camera: {kind: cmos, shot_noise: false, read_noise: 0, bits: 4, exposure: 0.7}");
    float y[ROWS * N_OUT];
    size_t full = 0;
    ck_assert_str_eq(et_system_info(system)->out_unit, "of full well");
    run(system, 0, y);
    for (size_t i = 0; i < ROWS * N_OUT; i++) {
        assert_near((double)y[i] * 15, rint((double)y[i] * 15), 1e-5);
        full += y[i] >= 1;
    }
    /* 30 % of the pixels for random inputs; these are much like them. */
    ck_assert_msg(full > 66 && full < 330, "%zu of %d pixels saturate", full, ROWS * N_OUT);
    et_system_close(system);
}
END_TEST

START_TEST(test_drift_needs_no_history)
{
    struct et_system *a = open_medium("drift: {rate: 0.3}");
    struct et_system *b = open_medium("drift: {rate: 0.3, age: 900}");
    struct et_system *c = open_medium("detection: intensity");
    float ya[ROWS * N_OUT], yb[ROWS * N_OUT];
    run(a, 1000, ya);
    run(b, 100, yb);
    ck_assert(memcmp(ya, yb, sizeof ya) == 0);
    run(a, 0, ya);
    run(c, 5, yb);
    assert_close(ya, yb, ROWS * N_OUT, 1e-5, 1e-6);
    et_system_close(a);
    et_system_close(b);
    et_system_close(c);
}
END_TEST

START_TEST(test_ledger)
{
    struct et_system *system = open_medium("frame_rate: 2000, power: 30");
    assert_near(et_system_info(system)->latency_s, 5e-4, 1e-12);
    assert_near(et_system_info(system)->energy_J, 0.015, 1e-12);
    et_system_close(system);
    system = open_medium("power: 30");
    ck_assert(isnan(et_system_info(system)->latency_s) && isnan(et_system_info(system)->energy_J));
    et_system_close(system);
}
END_TEST

static void refuses(const char *yaml, const char *message)
{
    struct et_system *system;
    assert_status(et_system_open_text(yaml, SEED, &system), ET_CONFIG);
    assert_message(message);
    ck_assert_ptr_null(system);
}

START_TEST(test_bad_input)
{
    refuses("{type: medium, n_out: 4}", "n_in must be at least 1");
    refuses("{type: medium, n_in: 4}", "n_out must be at least 1");
    refuses("{type: medium, kind: haar, n_in: 4, n_out: 9, order: 8}",
            "a unitary matrix of order 8 has no block of n_out x n_in = 9 x 4");
    refuses("{type: medium, n_in: 1000000, n_out: 1000000}",
            "1000000 x 1000000 numbers takes 8e+03 GB, above the limit of 8.59 GB");
    refuses("{type: medium, kind: haar, n_in: 4096, n_out: 4096, order: 1000000}",
            "4096 columns of order 1000000 take 65.5 GB");
    refuses("{type: medium, n_in: 4, n_out: 4, detection: homodyne, camera: {kind: cmos}}",
            "a camera sees intensities: detection homodyne has none");
    refuses("{type: medium, n_in: 4, n_out: 4, phase_range: 1e9}",
            "phase_range = 1e9 rad is outside [0.001, 100]");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("medium");
    TCase *all = tcase_create("all");

    tcase_add_unchecked_fixture(all, setup, NULL);
    tcase_add_loop_test(all, test_encodings_and_detections, 0, 16);
    tcase_add_test(all, test_mask);
    tcase_add_test(all, test_camera);
    tcase_add_test(all, test_drift_needs_no_history);
    tcase_add_test(all, test_ledger);
    tcase_add_test(all, test_bad_input);
    suite_add_tcase(suite, all);
    return suite_result(suite);
}
