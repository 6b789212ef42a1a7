/* SPDX-License-Identifier: Apache-2.0
 *
 * `etalon bench optics`: free space by the angular spectrum, beside FFTW's own forward and backward
 * transform of the same grid, 2-D, in place, planned by measuring; both plans from the same cache.
 *
 * "whole grid": no padding, every row counts.  "window": the field fills half of the rows and
 * columns, as with padding 2.  A round times both, by the thread's processor time, which other
 * programs on the machine do not lengthen; the ratio is the median over rounds.
 *
 * Batches: whole passes of a modulator of 128 x 128 pixels in a window of 256 x 256 (grid 512 x
 * 512) through one stretch to a camera, against FFTW's pairs on as many threads. */
#include "bench.h"

#include "sim/kernels/angular.h"
#include "sim/kernels/fft.h"

#include <etalon/array.h>
#include <etalon/parallel.h>
#include <etalon/rng.h>
#include <etalon/system.h>

#include <math.h>
#include <stdio.h>
#include <time.h>

enum { ROUNDS = 15, THREADS_MAX = 2, BATCH = 16 };

/* 1.1 times the time of the pair. */
static const double target = 1 / 1.1;

struct ground {
    struct et__angular angular;
    struct et__transfer transfer;
    struct et__fft *pair;
    float complex *field, *scratch;
    float complex *raw[THREADS_MAX]; /* [n][n] */
    size_t n;
    double seconds[BATCH];
};

static double thread_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Zeros stay zeros, so that no number of rounds makes infinities. */
static enum et_status open_ground(struct ground *g, size_t n, size_t padding)
{
    struct et__space space = {500e-9, 4e-6, 1e-3, 0.1, padding > 1};
    struct et__fft_layout pair = {
        .ny = n, .nx = n, .pitch = n, .stride = 1, .count = 1, .step = n * n};
    g->n = n;
    ET_TRY(et__angular_create(&g->angular, n / padding, n / padding, padding));
    ET_TRY(et__transfer_create(&g->transfer, &g->angular));
    et__transfer_fill(&g->transfer, &g->angular, &space);
    ET_TRY(et__fft_create(&pair, &g->pair));
    if (!(g->field = et_alloc(g->angular.ny * g->angular.pitch, sizeof *g->field))) return ET_NOMEM;
    g->scratch = et_alloc(g->angular.py * ET__ANGULAR_BLOCK, sizeof *g->scratch);
    if (!g->scratch) return ET_NOMEM;
    for (size_t i = 0; i < THREADS_MAX; i++)
        if (!(g->raw[i] = et_alloc(n * n, sizeof *g->raw[i]))) return ET_NOMEM;
    return ET_OK;
}

static void close_ground(struct ground *g)
{
    et__angular_destroy(&g->angular);
    et__transfer_destroy(&g->transfer);
    et__fft_destroy(g->pair);
    et_free(g->field);
    et_free(g->scratch);
    for (size_t i = 0; i < THREADS_MAX; i++)
        et_free(g->raw[i]);
}

static double time_pair(const struct ground *g, float complex *raw)
{
    double start = thread_seconds();
    et__fft_forward(g->pair, raw);
    et__fft_backward(g->pair, raw);
    return thread_seconds() - start;
}

static double time_step(const struct ground *g)
{
    double start = thread_seconds();
    et__angular_step(&g->angular, &g->transfer, g->field, g->scratch, false);
    return thread_seconds() - start;
}

static enum et_status bench_step(struct et_bench *bench, size_t n, size_t padding)
{
    struct ground g = {0};
    enum et_status status = open_ground(&g, n, padding);
    if (status == ET_OK) {
        double pairs[ROUNDS], steps[ROUNDS], ratios[ROUNDS];
        char name[96];
        (void)time_pair(&g, g.raw[0]);
        (void)time_step(&g);
        for (size_t r = 0; r < ROUNDS; r++) {
            pairs[r] = 1e3 * time_pair(&g, g.raw[0]);
            steps[r] = 1e3 * time_step(&g);
            ratios[r] = pairs[r] / steps[r];
        }
        if (padding == 1)
            snprintf(name, sizeof name, "%zux%zu, whole grid, against FFTW's pair", n, n);
        else
            snprintf(name, sizeof name, "%zux%zu, window %zux%zu, against the pair", n, n,
                     g.angular.ny, g.angular.nx);
        et_bench_add(bench, name, et_bench_median(steps, ROUNDS), "ms",
                     et_bench_median(pairs, ROUNDS), et_bench_median(ratios, ROUNDS),
                     n >= 512 ? target : (double)NAN);
    }
    close_ground(&g);
    return status;
}

static void run_pair(void *user, size_t i, size_t worker)
{
    struct ground *g = user;
    g->seconds[i] = time_pair(g, g->raw[worker]);
}

/* Pairs, then passes of a batch, per second of this computer's clock. */
static enum et_status bench_rounds(struct et_bench *bench, struct ground *g,
                                   struct et_system *system, struct et_view x, struct et_view y,
                                   size_t threads)
{
    double pairs[ROUNDS], passes[ROUNDS], ratios[ROUNDS];
    struct et_step step = {0};
    char name[96];
    for (size_t r = 0; r < ROUNDS; r++) {
        double start = et_bench_now();
        et_parallel_for(BATCH, run_pair, g);
        double middle = et_bench_now();
        ET_TRY(et_system_forward(system, &step, x, y));
        double end = et_bench_now();
        pairs[r] = BATCH / (middle - start);
        passes[r] = BATCH / (end - middle);
        ratios[r] = passes[r] / pairs[r];
    }
    snprintf(name, sizeof name, "passes, 128x128 pixels, grid 512x512, %zu thread%s", threads,
             threads > 1 ? "s" : "");
    et_bench_add(bench, name, et_bench_median(passes, ROUNDS), "samples/s",
                 et_bench_median(pairs, ROUNDS), et_bench_median(ratios, ROUNDS), target);
    return ET_OK;
}

static enum et_status bench_batch(struct et_bench *bench, size_t threads)
{
    struct ground g = {0};
    struct et_system *system = NULL;
    struct et_array x = {0}, y = {0};
    et_parallel_set_threads(threads);
    enum et_status status = open_ground(&g, 512, 2);
    if (status == ET_OK)
        status = et_system_open_text("{type: diffraction, slm: {nx: 128, ny: 128, samples: 2, "
                                     "pitch: 8e-6}, layers: [{distance: 5e-3}], "
                                     "sensor: {binning: 2}}",
                                     1, &system);
    if (status == ET_OK) status = et_array_create(&x, BATCH, 128 * 128);
    if (status == ET_OK) status = et_array_create(&y, BATCH, 128 * 128);
    if (status == ET_OK) {
        et_rng_fill_uniform(1, ET_STREAM_USER, 0, 0, 0, 1, x.data, BATCH * x.cols);
        status = bench_rounds(bench, &g, system, et_array_view(&x), et_array_view(&y), threads);
    }
    et_array_destroy(&x);
    et_array_destroy(&y);
    et_system_close(system);
    close_ground(&g);
    return status;
}

enum et_status et_bench_optics(struct et_bench *bench)
{
    static const size_t sizes[] = {256, 512, 1024};
    size_t threads = et_parallel_threads();
    enum et_status status = ET_OK;
    for (size_t i = 0; status == ET_OK && i < sizeof sizes / sizeof *sizes; i++)
        for (size_t padding = 1; status == ET_OK && padding <= 2; padding++)
            status = bench_step(bench, sizes[i], padding);
    for (size_t t = 1; status == ET_OK && t <= THREADS_MAX; t++)
        status = bench_batch(bench, t);
    et_parallel_set_threads(threads);
    return status;
}
