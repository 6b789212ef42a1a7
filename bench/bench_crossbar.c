/* SPDX-License-Identifier: Apache-2.0
 *
 * `etalon bench crossbar`: passes through a crossbar beside et_gemm of the same size, in the same
 * rounds, and the solver of the wires beside one banded Cholesky factorisation of the network. */
#include "bench.h"

#include "sim/kernels/grid.h"

#include <etalon/array.h>
#include <etalon/parallel.h>
#include <etalon/rng.h>
#include <etalon/system.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { ROUNDS = 7, BATCH = 480, N_IN = 784, N_OUT = 512, L = ET__GRID_LANES };

static const double round_s = 0.1;

static const struct {
    const char *name, *options;
    double target; /* ratio to et_gemm */
} passes[] = {
    {"ideal converters, no read noise", "noise: {when: \"off\"}, dac: {bits: 0}, adc: {bits: 0}",
     0.5},
    {"converters, no read noise", "noise: {when: \"off\"}", 0.5},
    {"converters, read noise of each pass", "noise: {when: pass}", NAN},
};

struct ground {
    struct et_array x, y, weight;
    struct et_system *system;
};

/* Multiply-accumulates per second, 1e9. */
static enum et_status rate(struct ground *g, bool gemm, double *value)
{
    struct et_step step = {.seed = 1};
    double start = et_bench_now(), now = start;
    size_t calls = 0;
    for (; now - start < round_s; calls++, now = et_bench_now()) {
        if (gemm)
            et_gemm(ET_PLAIN, ET_TRANSPOSED, 1, et_array_view(&g->x), et_array_view(&g->weight), 0,
                    et_array_view(&g->y));
        else
            ET_TRY(et_system_forward(g->system, &step, et_array_view(&g->x), et_array_view(&g->y)));
        step.index++;
    }
    *value = 1e-9 * (double)calls * BATCH * N_IN * N_OUT / (now - start);
    return ET_OK;
}

static enum et_status bench_pass(struct et_bench *bench, struct ground *g, size_t i)
{
    char text[256];
    double ours[ROUNDS], gemm[ROUNDS], ratio[ROUNDS];
    snprintf(text, sizeof text, "{type: crossbar, n_in: %d, n_out: %d, %s}", N_IN, N_OUT,
             passes[i].options);
    ET_TRY(et_system_open_text(text, 1, &g->system));
    enum et_status status = ET_OK;
    for (size_t r = 0; r < ROUNDS && status == ET_OK; r++) {
        status = rate(g, false, &ours[r]);
        if (status == ET_OK) status = rate(g, true, &gemm[r]);
        ratio[r] = ours[r] / gemm[r];
    }
    et_system_close(g->system);
    if (status != ET_OK) return status;
    snprintf(text, sizeof text, "%d x %d x %d, %s", BATCH, N_IN, N_OUT, passes[i].name);
    et_bench_add(bench, text, et_bench_median(ours, ROUNDS), "GMAC/s",
                 et_bench_median(gemm, ROUNDS), et_bench_median(ratio, ROUNDS), passes[i].target);
    return ET_OK;
}

static enum et_status bench_passes(struct et_bench *bench)
{
    struct ground g = {0};
    enum et_status status = et_array_create(&g.x, BATCH, N_IN);
    if (status == ET_OK) status = et_array_create(&g.y, BATCH, N_OUT);
    if (status == ET_OK) status = et_array_create(&g.weight, N_OUT, N_IN);
    if (status == ET_OK) {
        et_rng_fill_uniform(1, ET_STREAM_USER, 0, 0, -1, 1, g.x.data, (size_t)BATCH * N_IN);
        et_rng_fill_uniform(1, ET_STREAM_USER, 1, 0, -1, 1, g.weight.data, (size_t)N_OUT * N_IN);
    }
    for (size_t i = 0; status == ET_OK && i < sizeof passes / sizeof *passes; i++)
        status = bench_pass(bench, &g, i);
    et_array_destroy(&g.x);
    et_array_destroy(&g.y);
    et_array_destroy(&g.weight);
    return status;
}

/* Seconds for L right-hand sides of an array of n x n cells up to 25 uS and wires of 1 ohm. */
struct wires {
    struct et__grid grid;
    double *memory, *v, *a, *b, *spare;
};

static enum et_status open_wires(struct wires *w, size_t n)
{
    size_t cells = n * n;
    float draw;
    w->memory = et_alloc(cells * (3 + 3 * L) + n * L, sizeof *w->memory);
    if (w->memory == NULL) return ET_NOMEM;
    double *g = w->memory;
    w->grid = (struct et__grid){n, n, 1e6, 1e6, 1e6, g, g + cells, g + 2 * cells};
    w->a = g + 3 * cells;
    w->b = w->a + L * cells;
    w->spare = w->b + L * cells;
    w->v = w->spare + L * cells;
    for (size_t i = 0; i < cells; i++) {
        et_rng_fill_uniform(1, ET_STREAM_USER, 2, i, 0, 25, &draw, 1);
        g[i] = (double)draw;
    }
    for (size_t l = 0; l < L; l++)
        w->v[(l * n / L) * L + l] = 1;
    return ET_OK;
}

static enum et_status bench_wires(struct et_bench *bench, size_t n, size_t rounds, double target)
{
    struct wires w;
    double ours[ROUNDS], exact[ROUNDS], ratio[ROUNDS], imbalance;
    ET_TRY(open_wires(&w, n));
    enum et_status status = ET_OK;
    for (size_t r = 0; r < rounds && status == ET_OK; r++) {
        double start = et_bench_now();
        memset(w.b, 0, n * n * L * sizeof *w.b);
        et__grid_prepare(&w.grid);
        size_t sweeps =
            et__grid_solve(&w.grid, w.v, NULL, 1e-9, 1000, w.a, w.b, w.spare, &imbalance);
        ours[r] = et_bench_now() - start;
        start = et_bench_now();
        status = et__grid_solve_exact(&w.grid, w.v, NULL, L, w.a, w.b);
        exact[r] = et_bench_now() - start;
        ratio[r] = exact[r] / ours[r];
        if (status == ET_OK && sweeps == 0)
            status = et_error_set(ET_NUMERIC, "%g of the currents do not balance", imbalance);
    }
    et_free(w.memory);
    if (status != ET_OK) return status;
    char name[96];
    snprintf(name, sizeof name, "wires of %zu x %zu cells, %d right-hand sides, to 1e-9", n, n, L);
    et_bench_add(bench, name, 1e3 * et_bench_median(ours, rounds), "ms",
                 1e3 * et_bench_median(exact, rounds), et_bench_median(ratio, rounds), target);
    return ET_OK;
}

/* Programming a pair of arrays with wires: all its right-hand sides. */
static enum et_status bench_programming(struct et_bench *bench, size_t n)
{
    char text[128];
    double seconds[ROUNDS];
    for (size_t r = 0; r < 3; r++) {
        struct et_system *system;
        snprintf(text, sizeof text, "{type: crossbar, n_in: %zu, n_out: %zu, array: {wire: 1}}", n,
                 n);
        double start = et_bench_now();
        ET_TRY(et_system_open_text(text, 1, &system));
        seconds[r] = et_bench_now() - start;
        et_system_close(system);
    }
    snprintf(text, sizeof text, "programming a pair of %zu x %zu with wires, %zu threads", n, n,
             et_parallel_threads());
    et_bench_add(bench, text, 1e3 * et_bench_median(seconds, 3), "ms", NAN, NAN, NAN);
    return ET_OK;
}

enum et_status et_bench_crossbar(struct et_bench *bench)
{
    size_t threads_before = et_parallel_threads();
    et_parallel_set_threads(1);
    enum et_status status = bench_passes(bench);
    if (status == ET_OK) status = bench_wires(bench, 128, 5, 20);
    if (status == ET_OK) status = bench_wires(bench, 256, 3, 20);
    et_parallel_set_threads(threads_before);
    if (status == ET_OK) status = bench_programming(bench, 128);
    if (status == ET_OK) status = bench_programming(bench, 256);
    return status;
}
