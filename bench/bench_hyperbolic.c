/* SPDX-License-Identifier: Apache-2.0
 *
 * `etalon bench hyperbolic`: layers of the Poincare ball, tangents in and out, 128 rows of D to D
 * coordinates in single precision on one thread.
 *
 * Limit of the fully connected layer: its own matrix product by et_gemm in the same rounds; what
 * the ball costs is one pass over the rows more.  Peer: the same layers in PyTorch
 * (bench/peers/torch_hyperbolic.py), forward and backward together, run in turns with ours when it
 * is installed.  Both sides are processor time. */
#include "bench.h"

#include "sim/kernels/poincare.h"

#include <etalon/array.h>
#include <etalon/parallel.h>
#include <etalon/rng.h>

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 5, PEER_ROUNDS = 3, BATCH = 128, SIZES = 4 };

static const size_t sizes[SIZES] = {64, 128, 256, 512};
static const double c = 0.1, round_s = 0.03;
/* 1.5 times the product's time; 0.4 and 0.2 times PyTorch's. */
static const double of_product = 1 / 1.5, layer_of_torch = 1 / 0.4, norm_of_torch = 1 / 0.2;

enum task { PRODUCT, FORWARD, BOTH, NORM, TASKS };

struct ground {
    size_t n;
    struct et__planes_f32 planes;
    struct et__norm_f32 norm;
    float *v, *z, *r, *table, *e, *y, *dy, *de, *dv, *dz, *dr, *scratch;
    double *plane_sums, *shift, *mean, *norm_sums, *dshift, *work;
};

static enum et_status make(struct ground *g, size_t n)
{
    *g = (struct ground){.n = n};
    struct {
        float **at;
        size_t count;
    } floats[] = {{&g->v, BATCH * n},  {&g->z, n * n},      {&g->r, n},
                  {&g->table, 3 * n},  {&g->e, BATCH * n},  {&g->y, BATCH * n},
                  {&g->dy, BATCH * n}, {&g->de, BATCH * n}, {&g->dv, BATCH * n},
                  {&g->dz, n * n},     {&g->dr, n},         {&g->scratch, 3 * n}};
    struct {
        double **at;
        size_t count;
    } doubles[] = {{&g->plane_sums, ET__PLANES_SUMS * n + 1},
                   {&g->shift, n},
                   {&g->mean, n},
                   {&g->norm_sums, n + 2},
                   {&g->dshift, n},
                   {&g->work, et__poincare_work(n)}};
    for (size_t i = 0; i < sizeof floats / sizeof *floats; i++)
        if (!(*floats[i].at = et_alloc(floats[i].count, sizeof(float)))) return ET_NOMEM;
    for (size_t i = 0; i < sizeof doubles / sizeof *doubles; i++)
        if (!(*doubles[i].at = et_alloc(doubles[i].count, sizeof(double)))) return ET_NOMEM;
    et_rng_fill_normal(1, ET_STREAM_USER, 0, 0, g->v, BATCH * n);
    et_rng_fill_normal(1, ET_STREAM_USER, 1, 0, g->z, n * n);
    et_rng_fill_normal(1, ET_STREAM_USER, 2, 0, g->r, n);
    et_rng_fill_normal(1, ET_STREAM_USER, 3, 0, g->dy, BATCH * n);
    for (size_t i = 0; i < BATCH * n; i++)
        g->v[i] /= sqrtf((float)n);
    for (size_t i = 0; i < n * n; i++)
        g->z[i] /= sqrtf(2 * (float)(n * n));
    for (size_t i = 0; i < n; i++) {
        g->r[i] *= 0.1F;
        g->shift[i] = (double)g->r[i];
    }
    g->planes = (struct et__planes_f32){ET__PLANES_TANGENT, n, n, c, g->z, g->r, g->table};
    g->norm = (struct et__norm_f32){n, c, 1e-6, 1, g->shift, g->mean, 0};
    return ET_OK;
}

static void drop(struct ground *g)
{
    void *all[] = {g->v,          g->z,     g->r,    g->table,     g->e,      g->y,
                   g->dy,         g->de,    g->dv,   g->dz,        g->dr,     g->scratch,
                   g->plane_sums, g->shift, g->mean, g->norm_sums, g->dshift, g->work};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        et_free(all[i]);
}

static void run(struct ground *g, enum task task)
{
    const size_t n = g->n;
    double dc = 0, dgamma = 0;
    if (task == PRODUCT) {
        et_gemm(ET_PLAIN, ET_TRANSPOSED, 1, et_view_of(g->v, BATCH, n), et_view_of(g->z, n, n), 0,
                et_view_of(g->e, BATCH, n));
        return;
    }
    if (task == FORWARD || task == BOTH) {
        et__planes_prepare_f32(&g->planes); /* the weights change from step to step */
        et__planes_forward_f32(&g->planes, BATCH, g->v, g->e, g->y);
    }
    if (task == FORWARD) return;
    memset(g->dv, 0, BATCH * n * sizeof *g->dv);
    if (task == BOTH) {
        memset(g->dz, 0, n * n * sizeof *g->dz);
        memset(g->dr, 0, n * sizeof *g->dr);
        et__planes_back_f32(&g->planes, BATCH, g->v, g->e, g->dy, g->dv, g->dz, g->dr, &dc, g->de,
                            g->plane_sums, g->scratch);
        return;
    }
    memset(g->dshift, 0, n * sizeof *g->dshift);
    et__norm_statistics_f32(c, BATCH, n, g->v, g->mean, &g->norm.variance, g->norm_sums, g->work);
    et__norm_rows_f32(&g->norm, BATCH, g->v, g->y, g->work);
    et__norm_batch_back_f32(&g->norm, BATCH, g->v, g->norm_sums, g->dy, g->dv, g->dshift, &dgamma,
                            &dc, g->work);
}

static double processor_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Microseconds of one pass. */
static double measure(struct ground *g, enum task task)
{
    size_t calls = 0;
    double start = processor_now(), now = start;
    for (; now - start < round_s; calls++, now = processor_now())
        run(g, task);
    return 1e6 * (now - start) / (double)calls;
}

static void report(struct et_bench *bench, const char *const text[2], size_t n, const double *ours,
                   const double *other, size_t rounds, double target)
{
    double ratio[ROUNDS], value[ROUNDS], limit[ROUNDS];
    char name[96];
    for (size_t r = 0; r < rounds; r++) {
        ratio[r] = other[r] / ours[r];
        value[r] = ours[r];
        limit[r] = other[r];
    }
    snprintf(name, sizeof name, "%s, D = %zu, %s", text[0], n, text[1]);
    et_bench_add(bench, name, et_bench_median(value, rounds), "us", et_bench_median(limit, rounds),
                 et_bench_median(ratio, rounds), target);
}

static enum et_status against_product(struct et_bench *bench, size_t n)
{
    struct ground g;
    double time[TASKS][ROUNDS];
    enum et_status status = make(&g, n);
    for (size_t r = 0; r < ROUNDS && status == ET_OK; r++) {
        time[PRODUCT][r] = measure(&g, PRODUCT);
        time[FORWARD][r] = measure(&g, FORWARD);
    }
    drop(&g);
    if (status != ET_OK) return status;
    static const char *const text[] = {"fully connected", "forward, against et_gemm"};
    report(bench, text, n, time[FORWARD], time[PRODUCT], ROUNDS, n >= 256 ? of_product : NAN);
    return ET_OK;
}

/* Forward, both and norm of PyTorch for each size; false when it is not installed. */
static bool ask_torch(double found[3 * SIZES])
{
    static const char *const keys[3 * SIZES] = {
        "forward_64", "forward_128", "forward_256", "forward_512", "both_64",  "both_128",
        "both_256",   "both_512",    "norm_64",     "norm_128",    "norm_256", "norm_512"};
    et_bench_peer("torch_hyperbolic.py", keys, found, (size_t)3 * SIZES);
    return !isnan(found[0]);
}

static enum et_status against_torch(struct et_bench *bench)
{
    double torch[PEER_ROUNDS][3 * SIZES], ours[TASKS][SIZES][PEER_ROUNDS], other[PEER_ROUNDS];
    for (size_t r = 0; r < PEER_ROUNDS; r++) {
        if (!ask_torch(torch[r])) {
            et_bench_add(bench, "PyTorch is not installed", NAN, "us", NAN, NAN, NAN);
            return ET_OK;
        }
        for (size_t k = 0; k < SIZES; k++) {
            struct ground g;
            enum et_status status = make(&g, sizes[k]);
            for (int task = FORWARD; task < TASKS && status == ET_OK; task++)
                ours[task][k][r] = measure(&g, (enum task)task);
            drop(&g);
            if (status != ET_OK) return status;
        }
    }
    static const char *const texts[][2] = {
        {"fully connected", "forward, against PyTorch"},
        {"fully connected", "forward and backward, against PyTorch"},
        {"midpoint batch norm", "forward and backward, against PyTorch"}};
    static const double targets[] = {NAN, layer_of_torch, norm_of_torch};
    for (size_t t = 0; t < 3; t++)
        for (size_t k = 0; k < SIZES; k++) {
            for (size_t r = 0; r < PEER_ROUNDS; r++)
                other[r] = torch[r][t * SIZES + k];
            report(bench, texts[t], sizes[k], ours[FORWARD + t][k], other, PEER_ROUNDS, targets[t]);
        }
    return ET_OK;
}

enum et_status et_bench_hyperbolic(struct et_bench *bench)
{
    size_t threads = et_parallel_threads();
    enum et_status status = ET_OK;
    et_parallel_set_threads(1);
    for (size_t k = 0; k < SIZES && status == ET_OK; k++)
        status = against_product(bench, sizes[k]);
    if (status == ET_OK) status = against_torch(bench);
    et_parallel_set_threads(threads);
    return status;
}
