/* SPDX-License-Identifier: Apache-2.0
 *
 * The scattering medium and the metasurface beside what they replace.
 *
 * Limit of a medium's pass: et_gemm of the real products in it, on the same threads and in the same
 * rounds.  Such a product would not give the same bits for another cut of the batch; the pass does,
 * and squares besides.  Peer of a metasurface's pass: all equations solved by LAPACK. */
#include "bench.h"
#include "sim/kernels/zmatrix.h"

#include <etalon/parallel.h>
#include <etalon/rng.h>
#include <etalon/system.h>

#include <math.h>
#include <stdio.h>

enum { ROUNDS = 7, BATCH = 256 };

static const double round_s = 0.15;

struct medium_case {
    const char *name, *encoding;
    size_t n_in, n_out;
    double products; /* real products per complex element */
};

static const struct medium_case cases[] = {
    {"amplitudes 784 -> 2048", "amplitude", 784, 2048, 2},
    {"amplitudes 784 -> 16384", "amplitude", 784, 16384, 2},
    {"phases 784 -> 2048", "phase", 784, 2048, 4},
};

struct rig {
    struct et_system *system;
    struct et_array x, y, a, b, c;
};

static void rig_close(struct rig *rig)
{
    et_system_close(rig->system);
    et_array_destroy(&rig->x);
    et_array_destroy(&rig->y);
    et_array_destroy(&rig->a);
    et_array_destroy(&rig->b);
    et_array_destroy(&rig->c);
}

static enum et_status rig_open(struct rig *rig, const char *yaml, double products)
{
    *rig = (struct rig){0};
    ET_TRY(et_system_open_text(yaml, 1, &rig->system));
    const struct et_system_info *info = et_system_info(rig->system);
    const size_t rows = products > 2 ? 2 * BATCH : BATCH;
    ET_TRY(et_array_create(&rig->x, BATCH, info->n_in));
    ET_TRY(et_array_create(&rig->y, BATCH, info->n_out));
    et_rng_fill_uniform(1, ET_STREAM_USER, 0, 0, 0, 1, rig->x.data, BATCH * info->n_in);
    if (!(products > 0)) return ET_OK;
    ET_TRY(et_array_create(&rig->a, rows, info->n_in));
    ET_TRY(et_array_create(&rig->b, info->n_in, 2 * info->n_out));
    ET_TRY(et_array_create(&rig->c, rows, 2 * info->n_out));
    et_rng_fill_normal(1, ET_STREAM_USER, 1, 0, rig->a.data, rows * info->n_in);
    et_rng_fill_normal(1, ET_STREAM_USER, 2, 0, rig->b.data, 2 * info->n_in * info->n_out);
    return ET_OK;
}

/* Passes of the batch per second. */
static enum et_status pass_rate(struct rig *rig, double *rate)
{
    struct et_step step = {.seed = 1};
    size_t calls = 0;
    double start = et_bench_now(), now = start;
    for (; now - start < round_s; calls++, now = et_bench_now())
        ET_TRY(
            et_system_forward(rig->system, &step, et_array_view(&rig->x), et_array_view(&rig->y)));
    *rate = (double)calls / (now - start);
    return ET_OK;
}

static double product_rate(struct rig *rig)
{
    size_t calls = 0;
    double start = et_bench_now(), now = start;
    for (; now - start < round_s; calls++, now = et_bench_now())
        et_gemm(ET_PLAIN, ET_PLAIN, 1, et_array_view(&rig->a), et_array_view(&rig->b), 0,
                et_array_view(&rig->c));
    return (double)calls / (now - start);
}

static enum et_status bench_case(struct et_bench *bench, const struct medium_case *c,
                                 size_t threads)
{
    char text[160], name[96];
    struct rig rig;
    double ours[ROUNDS], limit[ROUNDS], ratio[ROUNDS];
    const double gflop = 2e-9 * c->products * BATCH * (double)c->n_in * (double)c->n_out;
    et_parallel_set_threads(threads);
    snprintf(text, sizeof text, "{type: medium, n_in: %zu, n_out: %zu, encoding: %s}", c->n_in,
             c->n_out, c->encoding);
    enum et_status status = rig_open(&rig, text, c->products);
    for (size_t r = 0; r < ROUNDS && status == ET_OK; r++) {
        status = pass_rate(&rig, &ours[r]);
        ours[r] *= gflop;
        limit[r] = gflop * product_rate(&rig);
        ratio[r] = ours[r] / limit[r];
    }
    rig_close(&rig);
    if (status != ET_OK) return status;
    snprintf(name, sizeof name, "%s, %zu thread%s", c->name, threads, threads > 1 ? "s" : "");
    et_bench_add(bench, name, et_bench_median(ours, ROUNDS), "GFLOP/s",
                 et_bench_median(limit, ROUNDS), et_bench_median(ratio, ROUNDS), 0.6);
    return ET_OK;
}

/* Systems of n equations with one right-hand side, solved per second. */
static enum et_status solve_rate(double complex *w, double complex *p, size_t n, double *rate)
{
    size_t calls = 0;
    double busy = 0;
    while (busy < round_s) {
        et__z_gaussian(1, ET_STREAM_USER, 1, w, n * n);
        et__z_gaussian(2, ET_STREAM_USER, 1, p, n);
        double start = et_bench_now();
        ET_TRY(et__z_solve(w, n, p, 1));
        busy += et_bench_now() - start;
        calls++;
    }
    *rate = (double)calls / busy;
    return ET_OK;
}

/* The default cavity has 355 dipoles and three frequencies. */
static enum et_status bench_metasurface(struct et_bench *bench)
{
    enum { DIPOLES = 355, FREQUENCIES = 3 };
    struct rig rig;
    double ours[ROUNDS], peer[ROUNDS], ratio[ROUNDS];
    et_parallel_set_threads(1);
    double complex *w = et_alloc((size_t)DIPOLES * DIPOLES, sizeof *w);
    double complex *p = et_alloc(DIPOLES, sizeof *p);
    enum et_status status = rig_open(&rig, "{type: metasurface, tuning: grey}", 0);
    if (!w || !p) status = ET_NOMEM;
    for (size_t r = 0; r < ROUNDS && status == ET_OK; r++) {
        status = pass_rate(&rig, &ours[r]);
        if (status == ET_OK) status = solve_rate(w, p, DIPOLES, &peer[r]);
        ours[r] *= BATCH;
        peer[r] /= FREQUENCIES;
        ratio[r] = ours[r] / peer[r];
    }
    rig_close(&rig);
    et_free(w);
    et_free(p);
    if (status != ET_OK) return status;
    et_bench_add(bench, "metasurface of 32 grey pixels, 1 thread", et_bench_median(ours, ROUNDS),
                 "samples/s", et_bench_median(peer, ROUNDS), et_bench_median(ratio, ROUNDS), 20);
    return ET_OK;
}

enum et_status et_bench_medium(struct et_bench *bench)
{
    size_t threads_before = et_parallel_threads();
    enum et_status status = ET_OK;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
        for (size_t threads = 1; threads <= 2 && status == ET_OK; threads++)
            status = bench_case(bench, &cases[k], threads);
    if (status == ET_OK) status = bench_metasurface(bench);
    et_parallel_set_threads(threads_before);
    return status;
}
