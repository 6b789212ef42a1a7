/* SPDX-License-Identifier: Apache-2.0
 *
 * The deterministic matrix product beside one call of the BLAS under it.
 *
 * Limit: one cblas_sgemm of the same shape on one thread, in the same rounds; with two threads the
 * best possible ratio is 2. */
#include "bench.h"

#include <etalon/array.h>
#include <etalon/parallel.h>
#include <etalon/rng.h>

#include <cblas.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>

enum { ROUNDS = 9 };

static const double round_s = 0.15;

struct shape {
    const char *name;
    enum et_transpose ta, tb;
    size_t m, n, k;
    double target; /* on one thread: the cost of cutting */
};

/* What a training step of 784-1000-1000 at batch 128 multiplies. */
static const struct shape shapes[] = {
    {"forward   128 x 1000 x 784", ET_PLAIN, ET_TRANSPOSED, 128, 1000, 784, 0.8},
    {"gradient 1000 x 784 x 128", ET_TRANSPOSED, ET_PLAIN, 1000, 784, 128, 0.8},
    {"square   1024 x 1024 x 1024", ET_PLAIN, ET_PLAIN, 1024, 1024, 1024, 0.8},
};

static double rate(const struct shape *s, struct et_view a, struct et_view b, struct et_view c,
                   bool plain)
{
    size_t calls = 0;
    double start = et_bench_now(), now = start;
    for (; now - start < round_s; calls++, now = et_bench_now()) {
        if (plain)
            cblas_sgemm(CblasRowMajor, s->ta == ET_PLAIN ? CblasNoTrans : CblasTrans,
                        s->tb == ET_PLAIN ? CblasNoTrans : CblasTrans, (blasint)s->m, (blasint)s->n,
                        (blasint)s->k, 1, a.data, (blasint)a.stride, b.data, (blasint)b.stride, 0,
                        c.data, (blasint)c.stride);
        else
            et_gemm(s->ta, s->tb, 1, a, b, 0, c);
    }
    double flop = 2.0 * (double)s->m * (double)s->n * (double)s->k;
    return 1e-9 * flop * (double)calls / (now - start);
}

static void bench_shape(struct et_bench *bench, const struct shape *s, size_t threads,
                        const struct et_array *memory)
{
    struct et_view a = s->ta == ET_PLAIN ? et_view_of(memory[0].data, s->m, s->k)
                                         : et_view_of(memory[0].data, s->k, s->m);
    struct et_view b = s->tb == ET_PLAIN ? et_view_of(memory[1].data, s->k, s->n)
                                         : et_view_of(memory[1].data, s->n, s->k);
    struct et_view c = et_view_of(memory[2].data, s->m, s->n);
    double ours[ROUNDS], plain[ROUNDS], ratio[ROUNDS];
    et_parallel_set_threads(threads);
    for (size_t r = 0; r < ROUNDS; r++) {
        ours[r] = rate(s, a, b, c, false);
        plain[r] = rate(s, a, b, c, true);
        ratio[r] = ours[r] / plain[r];
    }
    char name[96];
    snprintf(name, sizeof name, "%s, %zu thread%s", s->name, threads, threads > 1 ? "s" : "");
    et_bench_add(bench, name, et_bench_median(ours, ROUNDS), "GFLOP/s",
                 et_bench_median(plain, ROUNDS), et_bench_median(ratio, ROUNDS),
                 threads == 1 ? s->target : NAN);
}

enum et_status et_bench_gemm(struct et_bench *bench)
{
    enum { SIDE = 1024, N = sizeof shapes / sizeof *shapes };
    struct et_array memory[3] = {{0}, {0}, {0}};
    size_t threads_before = et_parallel_threads();
    enum et_status status = ET_OK;
    for (size_t i = 0; i < 3 && status == ET_OK; i++) {
        status = et_array_create(&memory[i], SIDE, SIDE);
        if (status == ET_OK)
            et_rng_fill_normal(1, ET_STREAM_USER, (uint32_t)i, 0, memory[i].data, SIDE * SIDE);
    }
    for (size_t k = 0; k < N && status == ET_OK; k++)
        for (size_t threads = 1; threads <= 2; threads++)
            bench_shape(bench, &shapes[k], threads, memory);
    for (size_t i = 0; i < 3; i++)
        et_array_destroy(&memory[i]);
    et_parallel_set_threads(threads_before);
    return status;
}
