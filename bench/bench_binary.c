/* SPDX-License-Identifier: Apache-2.0
 *
 * `etalon bench binary`: products of packed bits on one core, m x n dot products of K bits.
 *
 * Unit: a product of two bits and its addition are two operations, so that a bit product of m x n
 * x K counts as many operations as a sgemm of that shape: 2 m n K.
 *
 * The AVX2 bound: the kernel takes 3230 vector operations for 262,144 products (counted at the head
 * of hw/binary_gemm_avx2.c, for K = 4096), so
 *
 *     bound = 2 x 262144 / 3230 x operations per second,
 *
 * where the operations per second are those of independent byte additions in registers, measured
 * in the same rounds.  Loads, stores and the few ports that shuffles may use are not in it: they
 * are what the ratio shows.  The clock comes from a chain of additions that depend on each other,
 * one per cycle; it says how many vector operations a cycle has.
 *
 * Peer: one sgemm of the same shape on one thread, in the same rounds.  Times are the thread's
 * processor time, which other programs on the machine do not lengthen. */
#include "bench.h"

#include "hw/binary.h"

#include <etalon/array.h>
#include <etalon/parallel.h>
#include <etalon/rng.h>

#include <cblas.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { ROUNDS = 9, SIDE = 512, DEPTH = 4096, VARIANTS = ET__BINARY_AVX512 + 1 };

static const double round_s = 0.03, products_per_operation = 262144.0 / 3230, promised = 700;

struct ground {
    uint64_t *a, *b; /* [SIDE][DEPTH / 64] */
    int32_t *c;      /* [SIDE][SIDE] */
    float *fa, *fb, *fc;
};

/* What one shape's rounds gave. */
struct rates {
    double kernel[VARIANTS][ROUNDS], sgemm[ROUNDS]; /* Gbinop/s */
    double clock[ROUNDS], vector[ROUNDS];           /* GHz; 10^9 vector operations per second */
};

static double thread_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ------------------------------------------------------------------------------- the machine -- */

enum { LOOPS = 100000 };

/* Dependent additions: 16 per loop, the barrier keeps the compiler from adding them up. */
static double additions(void)
{
    uint64_t x = 0;
    for (size_t i = 0; i < LOOPS; i++)
        for (size_t k = 0; k < 16; k++) {
            x += i;
            __asm__ volatile("" : "+r"(x));
        }
    return 16.0 * LOOPS;
}

#if defined(__x86_64__)
/* Twelve independent byte additions per loop. */
#define REGISTERS(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
__attribute__((target("avx2"))) static double vector_operations(void)
{
    const __m256i y = _mm256_set1_epi8(3);
#define X(k) __m256i x##k = _mm256_set1_epi8(k);
    REGISTERS(X)
#undef X
    for (size_t i = 0; i < LOOPS; i++) {
#define X(k)                                                                                       \
    x##k = _mm256_add_epi8(x##k, y);                                                               \
    __asm__ volatile("" : "+x"(x##k));
        REGISTERS(X)
#undef X
    }
    return 12.0 * LOOPS;
}
#endif

/* 10^9 per second. */
static double rate_of(double (*work)(void))
{
    double done = 0, start = thread_seconds(), now = start;
    for (; now - start < 0.2 * round_s; now = thread_seconds())
        done += work();
    return 1e-9 * done / (now - start);
}

static double vector_rate(void)
{
#if defined(__x86_64__)
    if (et__binary_has(ET__BINARY_AVX2)) return rate_of(vector_operations);
#endif
    return NAN;
}

/* ------------------------------------------------------------------------------- the kernels -- */

/* AUTO stands for sgemm. */
static double rate(const struct ground *g, enum et__binary_variant variant, size_t k)
{
    size_t calls = 0;
    double start = thread_seconds(), now = start;
    for (; now - start < round_s; calls++, now = thread_seconds()) {
        if (variant == ET__BINARY_AUTO)
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, SIDE, SIDE, (blasint)k, 1, g->fa,
                        (blasint)k, g->fb, (blasint)k, 0, g->fc, SIDE);
        else
            et__binary_gemm(ET__BINARY_XOR, variant, SIDE, SIDE, k / 64, g->a, g->b, g->c, SIDE);
    }
    return 2e-9 * SIDE * SIDE * (double)k * (double)calls / (now - start);
}

static void add_kernel(struct et_bench *bench, struct rates *r, enum et__binary_variant v, size_t k)
{
    char name[96];
    double value = et_bench_median(r->kernel[v], ROUNDS);
    double sgemm = et_bench_median(r->sgemm, ROUNDS);
    const char *variant = et__binary_variant_name(v);
    snprintf(name, sizeof name, "%dx%dx%zu %s, against sgemm", SIDE, SIDE, k, variant);
    et_bench_add(bench, name, value, "Gbinop/s", sgemm, value / sgemm, NAN);
    if (v != ET__BINARY_AVX2) return;
    double bound = 2 * products_per_operation * et_bench_median(r->vector, ROUNDS);
    snprintf(name, sizeof name, "%dx%dx%zu %s, against its bound", SIDE, SIDE, k, variant);
    et_bench_add(bench, name, value, "Gbinop/s", bound, value / bound, k == DEPTH ? 0.7 : NAN);
    if (k != DEPTH) return;
    snprintf(name, sizeof name, "%dx%dx%zu %s, against what is promised", SIDE, SIDE, k, variant);
    et_bench_add(bench, name, value, "Gbinop/s", promised, value / promised, 1);
}

static void bench_shape(struct et_bench *bench, const struct ground *g, size_t k)
{
    struct rates r = {0};
    for (size_t round = 0; round < ROUNDS; round++) {
        r.clock[round] = rate_of(additions);
        r.vector[round] = vector_rate();
        r.sgemm[round] = rate(g, ET__BINARY_AUTO, k);
        for (int v = ET__BINARY_PLAIN; v < VARIANTS; v++)
            if (et__binary_has((enum et__binary_variant)v))
                r.kernel[v][round] = rate(g, (enum et__binary_variant)v, k);
    }
    if (k == DEPTH) {
        double clock = et_bench_median(r.clock, ROUNDS);
        et_bench_add(bench, "clock: dependent additions", clock, "GHz", NAN, NAN, NAN);
        et_bench_add(bench, "vector operations of 256 bits in a cycle",
                     et_bench_median(r.vector, ROUNDS) / clock, "1", NAN, NAN, NAN);
    }
    for (int v = ET__BINARY_PLAIN; v < VARIANTS; v++)
        if (et__binary_has((enum et__binary_variant)v))
            add_kernel(bench, &r, (enum et__binary_variant)v, k);
}

/* -------------------------------------------------------------------------------- the layers -- */

/* A whole layer on one thread, against the kernel at the size of the layer's usual block. */
static enum et_status bench_layer(struct et_bench *bench, const char *name,
                                  const struct et_bnn_layer *l, size_t n)
{
    enum et_status status = ET_NOMEM;
    size_t taps = l->k_h * l->k_w, weights_n = l->c_out * taps * l->c_in;
    struct et__binary_weights weights = {0};
    double rates[ROUNDS];
    uint64_t *x = NULL, *y = NULL;
    int32_t *threshold = NULL;
    int8_t *w = et_alloc(weights_n, sizeof *w);
    if (!w) goto out;
    for (size_t i = 0; i < weights_n; i++)
        w[i] = et_rng_below(2, ET_STREAM_USER, 0, i, 2) ? 1 : -1;
    if (!(x = et_alloc(n * et_bnn_in_words(l), sizeof *x))) goto out;
    if (!(y = et_alloc(n * et_bnn_out_size(l), sizeof *y))) goto out;
    if (!(threshold = et_alloc(l->c_out, sizeof *threshold))) goto out;
    if ((status = et__binary_weights_create(&weights, l, w)) != ET_OK) goto out;
    for (size_t round = 0; round < ROUNDS && status == ET_OK; round++) {
        double start = thread_seconds();
        status = et__binary_forward(l, &weights, threshold, NULL, n, x, y);
        double outputs = (double)(n * et_bnn_out_h(l) * et_bnn_out_w(l) * l->pool * l->pool);
        rates[round] =
            2e-9 * outputs * (double)weights_n * l->a_bits * l->w_bits / (thread_seconds() - start);
    }
    if (status == ET_OK)
        et_bench_add(bench, name, et_bench_median(rates, ROUNDS), "Gbinop/s", NAN, NAN, NAN);
out:
    et__binary_weights_destroy(&weights);
    et_free(w);
    et_free(x);
    et_free(y);
    et_free(threshold);
    return status;
}

static enum et_status bench_layers(struct et_bench *bench)
{
    struct et_bnn_layer l = et_bnn_dense(1024, 1024);
    ET_TRY(bench_layer(bench, "layer 1024 -> 1024, raw, 1000 samples", &l, 1000));
    l.output = ET_BNN_CODES;
    ET_TRY(bench_layer(bench, "layer 1024 -> 1024, codes, 1000 samples", &l, 1000));
    l = et_bnn_dense(784, 1024);
    l.a_bits = 2;
    ET_TRY(bench_layer(bench, "layer 784 -> 1024, 2 planes, raw, 1000 samples", &l, 1000));
    l = et_bnn_dense(256, 256);
    l.output = ET_BNN_CODES;
    l.h = l.w = 14;
    l.k_h = l.k_w = 3;
    l.pad_top = l.pad_left = l.pad_bottom = l.pad_right = 1;
    return bench_layer(bench, "layer 3x3x256 -> 256 on 14x14, codes, 8 images", &l, 8);
}

/* ------------------------------------------------------------------------------------ ground -- */

static void fill(uint64_t *words, size_t n, uint32_t step)
{
    uint32_t block[4];
    for (size_t i = 0; i < n; i++) {
        et_rng_block(1, ET_STREAM_USER, step, i, block);
        words[i] = (uint64_t)block[0] << 32 | block[1];
    }
}

static enum et_status make_ground(struct ground *g)
{
    size_t words = (size_t)SIDE * DEPTH / 64, floats = (size_t)SIDE * DEPTH;
    if (!(g->a = et_alloc(words, sizeof *g->a))) return ET_NOMEM;
    if (!(g->b = et_alloc(words, sizeof *g->b))) return ET_NOMEM;
    if (!(g->c = et_alloc((size_t)SIDE * SIDE, sizeof *g->c))) return ET_NOMEM;
    if (!(g->fa = et_alloc(floats, sizeof *g->fa))) return ET_NOMEM;
    if (!(g->fb = et_alloc(floats, sizeof *g->fb))) return ET_NOMEM;
    if (!(g->fc = et_alloc((size_t)SIDE * SIDE, sizeof *g->fc))) return ET_NOMEM;
    fill(g->a, words, 0);
    fill(g->b, words, 1);
    et_rng_fill_uniform(1, ET_STREAM_USER, 2, 0, -1, 1, g->fa, floats);
    et_rng_fill_uniform(1, ET_STREAM_USER, 3, 0, -1, 1, g->fb, floats);
    return ET_OK;
}

enum et_status et_bench_binary(struct et_bench *bench)
{
    static const size_t depths[] = {DEPTH, 1024, 512, 256};
    struct ground g = {0};
    size_t threads = et_parallel_threads();
    et_parallel_set_threads(1);
    openblas_set_num_threads(1);
    enum et_status status = make_ground(&g);
    for (size_t i = 0; i < sizeof depths / sizeof *depths && status == ET_OK; i++)
        bench_shape(bench, &g, depths[i]);
    if (status == ET_OK) status = bench_layers(bench);
    et_free(g.a);
    et_free(g.b);
    et_free(g.c);
    et_free(g.fa);
    et_free(g.fb);
    et_free(g.fc);
    et_parallel_set_threads(threads);
    return status;
}
