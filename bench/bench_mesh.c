/* SPDX-License-Identifier: Apache-2.0
 *
 * `etalon bench mesh`: 256 samples through a mesh of 128 modes, beside two bounds of the same
 * rounds.
 *
 * Cells.  A cell takes 12 multiplications, 8 of them fused with an addition, for each sample, and
 * four loads and stores of vectors that stay in the first two levels of the cache: the bound is
 * arithmetic, n (n - 1) / 2 cells of 12 operations for each sample.
 *
 * Matrix.  A product takes 4 n^2 fused multiplications and additions for a complex field, 2 n^2 for
 * a real one.
 *
 * Bound: so many fused operations on registers, at the widest vectors of the processor.
 *
 * The system uses the matrix unless its phases are noisy.  Peer: et_gemm of the real matrix
 * [2 n][n] with the batch, which does not promise equal bits for other cuts.  One thread. */
#include "bench.h"

#include "sim/mesh/mesh.h"

#include <etalon/array.h>
#include <etalon/parallel.h>
#include <etalon/rng.h>
#include <etalon/system.h>

#include <math.h>
#include <string.h>

enum { ROUNDS = 15, N = 128, BATCH = 256, TILES = BATCH / ET__MESH_LANES };
enum { FIELD = N * ET__MESH_TILE, CELLS = N * (N - 1) / 2 };

enum task { ARITHMETIC, CELL_BY_CELL, BACK, PRODUCT, PRODUCT_REAL, GEMM, SYSTEM, NOISY, TASKS };

struct ground {
    struct et__mesh mesh;
    float *field, *other, *matrix;
    struct et__mesh_sums *sums;
    double *out;
    struct et_array x, y, z;
    struct et_system *system, *noisy;
    float sink;
};

static enum et_status make(struct ground *g)
{
    ET_TRY(et__mesh_create(&g->mesh, ET__MESH_CLEMENTS, N, 1));
    et__mesh_couplers_draw(g->mesh.couplers, CELLS, 0, 0.02, 1, ET_STREAM_USER);
    ET_TRY(et__mesh_haar_phases(&g->mesh.layout, 1, ET_STREAM_USER, g->mesh.phases));
    et__mesh_realise(&g->mesh);
    if (!(g->field = et_alloc((size_t)TILES * FIELD, sizeof *g->field))) return ET_NOMEM;
    if (!(g->other = et_alloc((size_t)TILES * FIELD, sizeof *g->other))) return ET_NOMEM;
    if (!(g->matrix = et_alloc((size_t)2 * N * N, sizeof *g->matrix))) return ET_NOMEM;
    if (!(g->sums = et_alloc(CELLS, sizeof *g->sums))) return ET_NOMEM;
    if (!(g->out = et_alloc(N, sizeof *g->out))) return ET_NOMEM;
    et_rng_fill_normal(1, ET_STREAM_USER, 0, 0, g->field, (size_t)TILES * FIELD);
    et_rng_fill_normal(1, ET_STREAM_USER, 1, 0, g->matrix, (size_t)2 * N * N);
    ET_TRY(et_array_create(&g->x, BATCH, N));
    ET_TRY(et_array_create(&g->y, BATCH, N));
    ET_TRY(et_array_create(&g->z, BATCH, (size_t)2 * N));
    et_rng_fill_uniform(1, ET_STREAM_USER, 2, 0, 0, 1, g->x.data, (size_t)BATCH * N);
    ET_TRY(et_system_open_text("{type: mesh, n: 128}", 1, &g->system));
    return et_system_open_text("{type: mesh, n: 128, phase_noise: 0.01}", 1, &g->noisy);
}

static void drop(struct ground *g)
{
    et__mesh_destroy(&g->mesh);
    et_free(g->field);
    et_free(g->other);
    et_free(g->matrix);
    et_free(g->sums);
    et_free(g->out);
    et_array_destroy(&g->x);
    et_array_destroy(&g->y);
    et_array_destroy(&g->z);
    et_system_close(g->system);
    et_system_close(g->noisy);
}

static void run_tile(struct ground *g, enum task task, size_t tile)
{
    float *u = g->field + tile * FIELD, *v = g->other + tile * FIELD;
    switch (task) {
    case ARITHMETIC:
        g->sink += et__mesh_kernels(0)->arithmetic((size_t)12 * CELLS);
        break;
    case CELL_BY_CELL:
        et__mesh_sweep(&g->mesh.plan, u);
        break;
    case BACK:
        et__mesh_back(&g->mesh.plan, u, v, g->sums, g->out);
        break;
    case PRODUCT:
    case PRODUCT_REAL:
        et__mesh_product(g->matrix, N, N, task == PRODUCT_REAL, u, v);
        break;
    default:
        break;
    }
}

/* Microseconds for the whole batch. */
static enum et_status measure(struct ground *g, enum task task, double *time)
{
    struct et_step step = {0};
    double start = et_bench_now();
    if (task == GEMM)
        et_gemm(ET_PLAIN, ET_TRANSPOSED, 1, et_array_view(&g->x),
                et_view_of(g->matrix, (size_t)2 * N, N), 0, et_array_view(&g->z));
    else if (task == SYSTEM || task == NOISY)
        ET_TRY(et_system_forward(task == NOISY ? g->noisy : g->system, &step, et_array_view(&g->x),
                                 et_array_view(&g->y)));
    else
        for (size_t tile = 0; tile < TILES; tile++)
            run_tile(g, task, tile);
    *time = 1e6 * (et_bench_now() - start);
    return ET_OK;
}

static void report(struct et_bench *bench, double time[TASKS][ROUNDS])
{
    static const struct {
        enum task task;
        const char *name;
        double operations; /* fused, of those of the cells */
        double target;
    } rows[] = {
        {CELL_BY_CELL, "128 modes, 256 samples, cell by cell, against its arithmetic", 1, 0.5},
        {PRODUCT, "  matrix, complex fields, against its arithmetic", 4.0 * N * N / (12.0 * CELLS),
         0.5},
        {PRODUCT_REAL, "  matrix, real inputs, against its arithmetic",
         2.0 * N * N / (12.0 * CELLS), 0.5},
        {SYSTEM, "  system, real inputs, against the arithmetic of the matrix",
         2.0 * N * N / (12.0 * CELLS), NAN},
        {NOISY, "  system with phase noise, against the arithmetic of the cells", 1, NAN},
        {BACK, "  adjoint with derivatives of all phases, against three sweeps' arithmetic", 3,
         NAN},
    };
    double ratio[ROUNDS], bound[ROUNDS];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (size_t r = 0; r < ROUNDS; r++) {
            bound[r] = rows[i].operations * time[ARITHMETIC][r];
            ratio[r] = bound[r] / time[rows[i].task][r];
        }
        double value[ROUNDS];
        memcpy(value, time[rows[i].task], sizeof value);
        et_bench_add(bench, rows[i].name, et_bench_median(value, ROUNDS), "us",
                     et_bench_median(bound, ROUNDS), et_bench_median(ratio, ROUNDS),
                     rows[i].target);
    }
    for (size_t r = 0; r < ROUNDS; r++)
        ratio[r] = time[GEMM][r] / time[PRODUCT_REAL][r];
    et_bench_add(bench, "  matrix, real inputs, against et_gemm",
                 et_bench_median(time[PRODUCT_REAL], ROUNDS), "us",
                 et_bench_median(time[GEMM], ROUNDS), et_bench_median(ratio, ROUNDS), NAN);
}

enum et_status et_bench_mesh(struct et_bench *bench)
{
    struct ground ground = {.sink = 0};
    double time[TASKS][ROUNDS];
    size_t threads = et_parallel_threads();
    et_parallel_set_threads(1);
    enum et_status status = make(&ground);
    for (size_t round = 0; status == ET_OK && round < ROUNDS; round++)
        for (int task = 0; status == ET_OK && task < TASKS; task++)
            status = measure(&ground, (enum task)task, &time[task][round]);
    if (status == ET_OK) report(bench, time);
    drop(&ground);
    et_parallel_set_threads(threads);
    return status;
}
