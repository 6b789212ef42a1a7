/* SPDX-License-Identifier: Apache-2.0
 *
 * The acoustic cavity as a system: what it computes. */
#include "close.h"

#include <etalon/etalon.h>
#include <etalon/parallel.h>
#include <etalon/rng.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 20, BATCH = 48 };

static struct et_system *open_cavity(const char *yaml, uint64_t seed)
{
    struct et_system *system = NULL;
    assert_ok(et_system_open_text(yaml, seed, &system));
    return system;
}

static void drives(uint64_t seed, float *x, size_t n)
{
    et_rng_fill_uniform(seed, ET_STREAM_USER, 0, 0, 0, 1, x, n);
}

/* Outputs [rows][n_out] of a configuration for inputs x. */
static void run(const char *yaml, uint64_t seed, float *x, size_t rows, float *y)
{
    struct et_system *system = open_cavity(yaml, seed);
    const struct et_system_info *info = et_system_info(system);
    struct et_step step = {.seed = 7, .index = 3};
    assert_ok(et_system_forward(system, &step, et_view_of(x, rows, info->n_in),
                                et_view_of(y, rows, info->n_out)));
    et_system_close(system);
}

START_TEST(test_default_device)
{
    struct et_system *system = open_cavity("{type: acoustic}", 1);
    const struct et_system_info *info = et_system_info(system);
    ck_assert_uint_eq(info->n_in, N);
    ck_assert_uint_eq(info->n_out, N);
    assert_near(info->latency_s, 0.04, 2e-4);
    ck_assert(info->traits == 0 && isnan(info->energy_J));
    ck_assert(info->in_min == 0.0F && info->in_max == 1.0F);
    et_system_close(system);
}
END_TEST

START_TEST(test_silence_gives_zero)
{
    float x[N] = {0}, y[N];
    run("{type: acoustic}", 1, x, 1, y);
    for (size_t i = 0; i < N; i++)
        ck_assert(y[i] == 0.0F);
}
END_TEST

/* Same bits for 1, 2 and 3 threads and however the batch is cut. */
START_TEST(test_threads_and_cuts)
{
    static const char yaml[] = "{type: acoustic, noise: 0.01, walls: {left: {kind: pml}}}";
    float x[BATCH * N], want[BATCH * N], got[BATCH * N];
    drives(5, x, BATCH * N);
    for (size_t threads = 1; threads <= 3; threads++) {
        et_parallel_set_threads(threads);
        run(yaml, 2, x, BATCH, threads == 1 ? want : got);
        if (threads > 1) ck_assert_mem_eq(got, want, sizeof want);
    }
    struct et_system *system = open_cavity(yaml, 2);
    uint64_t ids[BATCH];
    for (size_t i = 0; i < BATCH; i++)
        ids[i] = i;
    for (size_t first = 0, n = 1; first < BATCH; first += n, n = n % 11 + 3) {
        if (n > BATCH - first) n = BATCH - first;
        struct et_step step = {.seed = 7, .index = 3, .samples = ids + first};
        assert_ok(et_system_forward(system, &step, et_view_of(x + first * N, n, N),
                                    et_view_of(got + first * N, n, N)));
    }
    ck_assert_mem_eq(got, want, sizeof want);
    et_system_close(system);
    et_parallel_set_threads(2);
}
END_TEST

/* ------------------------------------------------------------------------------ nonlinearity -- */

/* With linear membranes the complex spectra are linear in the inputs, so outputs in Pa scale. */
START_TEST(test_linear_membranes_scale)
{
    static const char yaml[] = "{type: acoustic, calibrate: false, membranes: {nonlinear: %s}}";
    char text[200];
    float x[2 * N], y[2 * N];
    drives(6, x, N);
    for (size_t i = 0; i < N; i++)
        x[N + i] = 0.25F * x[i];
    snprintf(text, sizeof text, yaml, "false");
    run(text, 1, x, 2, y);
    for (size_t i = 0; i < N; i++)
        assert_near((double)y[N + i], 0.25 * (double)y[i], 1e-4 * (double)y[i] + 1e-5);
    snprintf(text, sizeof text, yaml, "true");
    run(text, 1, x, 2, y);
    double change = 0, size = 0;
    for (size_t i = 0; i < N; i++) {
        change += pow((double)y[N + i] - 0.25 * (double)y[i], 2);
        size += pow(0.25 * (double)y[i], 2);
    }
    ck_assert_msg(sqrt(change / size) > 0.1, "only %g nonlinear", sqrt(change / size));
}
END_TEST

/* Share by which nonlinear membranes change the outputs, at a drive level. */
static double nonlinear_share(double drive)
{
    char yaml[200];
    static float x[BATCH * N], y[2][BATCH * N];
    drives(8, x, BATCH * N);
    for (int linear = 0; linear < 2; linear++) {
        snprintf(yaml, sizeof yaml,
                 "{type: acoustic, calibrate: false, drive: %g, membranes: {nonlinear: %s}}", drive,
                 linear ? "false" : "true");
        run(yaml, 1, x, BATCH, y[linear]);
    }
    double change = 0, size = 0;
    for (size_t i = 0; i < BATCH * N; i++) {
        change += pow((double)y[0][i] - (double)y[1][i], 2);
        size += pow((double)y[1][i], 2);
    }
    return sqrt(change / size);
}

START_TEST(test_drive_level)
{
    double weak = nonlinear_share(0.1), middle = nonlinear_share(0.8), best = nonlinear_share(2.5);
    ck_assert_msg(weak < 0.01 && middle > 0.05 && middle < 0.25 && best > 0.2 && best < 0.5,
                  "%g %g %g", weak, middle, best);
}
END_TEST

/* The lowest order of the membranes' nonlinearity is the third: one tone of amplitude A makes a
 * third harmonic that grows with A^3, and the fundamental with A. */
START_TEST(test_third_harmonic_slope)
{
    static const char yaml[] =
        "{type: acoustic, calibrate: false, drive: 0.05, carriers: [250], bins: [500, 750], "
        "transient: 0.16, window: 0.04, ramp: 0.04, speakers: [{x: 0.78, y: 0.42}], "
        "microphones: [{x: 1.46, y: 0.54}], walls: {left: {admittance: 1}, "
        "right: {admittance: 1}, bottom: {admittance: 1}, top: {admittance: 1}}}";
    float x[2] = {0.5F, 1.0F}, y[2 * 3];
    run(yaml, 1, x, 2, y);
    double first = log2((double)y[3] / (double)y[0]), third = log2((double)y[5] / (double)y[2]);
    assert_near(first, 1.0, 0.01);
    assert_near(third, 3.0, 0.03);
    ck_assert_msg(y[2] > 5e-5F * y[0], "third harmonic %g of %g", (double)y[2], (double)y[0]);
    ck_assert_msg(y[1] < 0.05F * y[2], "even order %g beside %g", (double)y[1], (double)y[2]);
}
END_TEST

/* A small change of the inputs makes a change of the same size: no chaos. */
START_TEST(test_smooth_response)
{
    static float x[2 * BATCH * N], y[2 * BATCH * N];
    drives(9, x, BATCH * N);
    double dx = 0, sx = 0, dy = 0, sy = 0;
    for (size_t i = 0; i < BATCH * N; i++) {
        float shift = i % 3 ? 0.01F : -0.01F;
        x[BATCH * N + i] = fminf(1.0F, fmaxf(0.0F, x[i] + shift));
        dx += pow((double)x[BATCH * N + i] - (double)x[i], 2);
        sx += pow((double)x[i], 2);
    }
    run("{type: acoustic}", 1, x, (size_t)2 * BATCH, y);
    for (size_t i = 0; i < BATCH * N; i++) {
        dy += pow((double)y[BATCH * N + i] - (double)y[i], 2);
        sy += pow((double)y[i], 2);
    }
    double gain = sqrt(dy / sy) / sqrt(dx / sx);
    ck_assert_msg(gain > 0.2 && gain < 3, "relative gain %g", gain);
}
END_TEST

/* --------------------------------------------------------------------- calibration and noise -- */

static int ascending(const void *a, const void *b)
{
    float fa = *(const float *)a, fb = *(const float *)b;
    return (fa > fb) - (fa < fb);
}

/* 94th percentile of output o of y [rows][N]. */
static double percentile(const float *y, size_t rows, size_t o)
{
    float column[400];
    for (size_t i = 0; i < rows; i++)
        column[i] = y[i * N + o];
    qsort(column, rows, sizeof *column, ascending);
    return (double)column[(size_t)(0.94 * (double)(rows - 1))];
}

START_TEST(test_calibrated_percentile)
{
    enum { ROWS = 400 };
    static float x[ROWS * N], y[ROWS * N];
    drives(10, x, ROWS * N);
    run("{type: acoustic}", 1, x, ROWS, y);
    for (size_t o = 0; o < N; o++)
        assert_near(percentile(y, ROWS, o), 1.0, 0.25);
}
END_TEST

/* noise is the sd of the microphones over the loudest output's 94th percentile. */
START_TEST(test_noise_level)
{
    enum { ROWS = 400 };
    static float x[ROWS * N], clean[ROWS * N], noisy[ROWS * N];
    drives(11, x, ROWS * N);
    run("{type: acoustic, calibrate: false}", 1, x, ROWS, clean);
    run("{type: acoustic, calibrate: false, noise: 0.03}", 1, x, ROWS, noisy);
    double loudest = 0, sum = 0;
    for (size_t o = 0; o < N; o++)
        loudest = fmax(loudest, percentile(clean, ROWS, o));
    for (size_t i = 0; i < ROWS * N; i++)
        sum += pow((double)noisy[i] - (double)clean[i], 2);
    assert_near(sqrt(sum / (ROWS * N)) / loudest, 0.03, 0.03 * 0.25);
    struct et_system *system = open_cavity("{type: acoustic, noise: 0.03}", 1);
    ck_assert(et_system_info(system)->traits == ET_NOISY);
    et_system_close(system);
}
END_TEST

/* ------------------------------------------------------------------------ settings and fields --
 */

START_TEST(test_bins)
{
    struct et_system *system =
        open_cavity("{type: acoustic, intermodulation: 10, bins: [750, 1350]}", 1);
    ck_assert_uint_eq(et_system_info(system)->n_out, 4 * (5 + 2 + 10));
    et_system_close(system);
}
END_TEST

/* A wall given by its reflection coefficient is the wall with the admittance (1 - R) / (1 + R). */
START_TEST(test_wall_kinds)
{
    float x[N], a[N], b[N], c[N];
    drives(12, x, N);
    run("{type: acoustic, walls: {left: {admittance: 0.25}}}", 1, x, 1, a);
    run("{type: acoustic, walls: {left: {kind: reflection, reflection: 0.6}}}", 1, x, 1, b);
    run("{type: acoustic, walls: {left: {kind: rigid}}}", 1, x, 1, c);
    assert_close(b, a, N, 1e-5, 0);
    double change = 0;
    for (size_t i = 0; i < N; i++)
        change += fabs((double)c[i] - (double)a[i]);
    ck_assert(change > 0.1);
}
END_TEST

START_TEST(test_scatterers_follow_their_seed)
{
    static const char given[] = "{type: acoustic, calibrate: false, discs: [], scatterers: "
                                "{count: 5, seed: 3}}";
    static const char free_seed[] = "{type: acoustic, calibrate: false, discs: [], scatterers: "
                                    "{count: 5}}";
    float x[N], a[N], b[N], c[N];
    drives(13, x, N);
    run(free_seed, 3, x, 1, a);
    run(given, 3, x, 1, b);
    run(free_seed, 4, x, 1, c);
    ck_assert_mem_eq(a, b, sizeof a);
    ck_assert_mem_ne(a, c, sizeof a);
}
END_TEST

struct frames {
    size_t rows, cols; /* as they must be */
    double cell;
    size_t n, last;
    double loudest, time_s;
};

static void keep_frame(void *user, size_t step, double time_s, struct et_view field, double dx_m,
                       const char *unit)
{
    struct frames *frames = user;
    ck_assert(field.rows == frames->rows && field.cols == frames->cols && dx_m == frames->cell);
    ck_assert_str_eq(unit, "Pa");
    ck_assert(frames->n == 0 || step == frames->last + 50);
    for (size_t i = 0; i < field.rows * field.cols; i++)
        frames->loudest = fmax(frames->loudest, fabs((double)field.data[i]));
    frames->n++;
    frames->last = step;
    frames->time_s = time_s;
}

/* The observer sees the cavity without its strips and changes nothing. */
START_TEST(test_observer)
{
    static const char yaml[] = "{type: acoustic, walls: {right: {kind: pml}, top: {kind: pml}}}";
    struct frames frames = {.rows = 24, .cols = 48, .cell = 0.04};
    struct et_observer observer = {.every = 50, .frame = keep_frame, .user = &frames};
    float x[9 * N], want[9 * N], got[9 * N];
    drives(14, x, 9 * N);
    run(yaml, 1, x, 9, want);
    struct et_system *system = open_cavity(yaml, 1);
    struct et_step step = {.seed = 7, .index = 3};
    assert_ok(et_system_observe(system, &observer));
    assert_ok(et_system_forward(system, &step, et_view_of(x, 9, N), et_view_of(got, 9, N)));
    ck_assert_mem_eq(got, want, sizeof want);
    ck_assert_uint_ge(frames.n, 10);
    assert_near(frames.time_s, 0.04, 0.004);
    ck_assert(frames.loudest > 0.1);
    size_t seen = frames.n;
    assert_ok(et_system_observe(system, NULL));
    assert_ok(et_system_forward(system, &step, et_view_of(x, 9, N), et_view_of(got, 9, N)));
    ck_assert_uint_eq(frames.n, seen);
    et_system_close(system);
}
END_TEST

/* ---------------------------------------------------------------- orders, precisions, large grids
 */

/* Largest difference between the outputs of two configurations, over the largest output. */
static double difference(const char *one, const char *other)
{
    float x[N], a[N], b[N];
    double worst = 0, largest = 0;
    drives(15, x, N);
    run(one, 1, x, 1, a);
    run(other, 1, x, 1, b);
    for (size_t i = 0; i < N; i++) {
        worst = fmax(worst, fabs((double)a[i] - (double)b[i]));
        largest = fmax(largest, fabs((double)b[i]));
    }
    return worst / largest;
}

/* Both precisions are the same cavity, down to what single precision rounds. */
START_TEST(test_precisions_agree)
{
    double rounding = difference("{type: acoustic}", "{type: acoustic, precision: double}");
    ck_assert_msg(rounding > 1e-8 && rounding < 2e-4, "%g", rounding);
    rounding = difference("{type: acoustic, order: 4, precision: single}",
                          "{type: acoustic, order: 4, precision: double}");
    ck_assert_msg(rounding > 1e-8 && rounding < 2e-4, "%g", rounding);
}
END_TEST

/* The orders differ by far more than rounding; test_table.c has which one is nearer the truth. */
START_TEST(test_order_counts)
{
    double change =
        difference("{type: acoustic, dt: 6e-5}", "{type: acoustic, dt: 6e-5, order: 4}");
    ck_assert_msg(change > 0.01 && change < 1, "%g", change);
}
END_TEST

/* A cavity beyond the cache: lanes, blocks of steps, all threads on one sample, some of it seen by
 * an observer.  Neither threads nor the cut of the batch nor the observer change a bit. */
START_TEST(test_large_cavity)
{
    static const char yaml[] =
        "{type: acoustic, width: 12, height: 4.2, cell: 0.01, transient: 0.0005, window: 0.004, "
        "calibrate: false, membranes: {regions: []}, walls: {left: {kind: pml}, top: {kind: pml}}}";
    enum { ROWS = 3 };
    float x[ROWS * N], want[ROWS * N], got[ROWS * N];
    struct et_step step = {0};
    drives(16, x, ROWS * N);
    for (size_t threads = 1; threads <= 2; threads++) {
        struct frames frames = {.rows = 420, .cols = 1200, .cell = 0.01};
        struct et_observer observer = {.every = 50, .frame = keep_frame, .user = &frames};
        et_parallel_set_threads(threads);
        struct et_system *system = open_cavity(yaml, 1);
        for (int pass = 0; pass < 3; pass++) {
            float *y = threads == 1 && pass == 0 ? want : got;
            memset(y, 0, ROWS * N * sizeof *y);
            if (pass == 2) assert_ok(et_system_observe(system, &observer));
            for (size_t row = 0, n; row < ROWS; row += n) {
                n = pass == 1 ? 1 : ROWS;
                assert_ok(et_system_forward(system, &step, et_view_of(x + row * N, n, N),
                                            et_view_of(y + row * N, n, N)));
            }
            ck_assert(memcmp(y, want, sizeof want) == 0);
        }
        ck_assert_uint_ge(frames.n, 3);
        et_system_close(system);
    }
    ck_assert(want[0] > 0.0F);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("acoustic cavity");
    TCase *tests = tcase_create("system");
    et_parallel_set_threads(2);
    tcase_add_test(tests, test_default_device);
    tcase_add_test(tests, test_silence_gives_zero);
    tcase_add_test(tests, test_threads_and_cuts);
    tcase_add_test(tests, test_linear_membranes_scale);
    tcase_add_test(tests, test_drive_level);
    tcase_add_test(tests, test_third_harmonic_slope);
    tcase_add_test(tests, test_smooth_response);
    tcase_add_test(tests, test_calibrated_percentile);
    tcase_add_test(tests, test_noise_level);
    tcase_add_test(tests, test_bins);
    tcase_add_test(tests, test_wall_kinds);
    tcase_add_test(tests, test_scatterers_follow_their_seed);
    tcase_add_test(tests, test_observer);
    tcase_add_test(tests, test_precisions_agree);
    tcase_add_test(tests, test_order_counts);
    tcase_add_test(tests, test_large_cavity);
    suite_add_tcase(suite, tests);
    return suite_result(suite);
}
