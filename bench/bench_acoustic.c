/* SPDX-License-Identifier: Apache-2.0
 *
 * `etalon bench acoustic`: cell updates of the wave kernel per second, beside two limits that are
 * measured in the same rounds with the same number of threads, each thread with its own arrays.
 *
 * Streaming limit: p = u g + p / 2 over arrays as large as the grid's, that is three reads and one
 * write of 4 bytes per cell, in place, as in the kernel with a speed map.
 * Load limit: the kernel's seven loads and one store per cell, added up, on rows that stay in the
 * first-level cache.
 *
 * Cases: "linear" has a speed of its own in every cell; in "nonlinear" a square of a quarter of
 * the area is a membrane.  One simulation per thread.  A thread's time is its processor time, which
 * other programs on the machine do not lengthen; rates of threads are added. */
#include "bench.h"

#include "sim/kernels/wave.h"

#include <etalon/array.h>
#include <etalon/parallel.h>
#include <etalon/rng.h>
#include <etalon/system.h>

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 9, THREADS_MAX = 2, ROW = 256, ROWS = 4, TASKS = 4 };

enum task { STREAM, LOADS, LINEAR, NONLINEAR };

/* Arrays of the load limit: small enough for 32 KiB. */
struct rows {
    float u[ROWS + 2][ROW + 32], gain[ROWS][ROW], p[ROWS][ROW];
};

struct ground {
    size_t n;                      /* cells along each side */
    struct et__wave_plan plans[2]; /* linear, nonlinear */
    struct et__wave_field fields[THREADS_MAX];
    struct rows *rows[THREADS_MAX];
    double seconds[THREADS_MAX];
    size_t steps; /* of a round */
    enum task task;
};

ET_VECTOR_CLONES static void stream(const float *restrict u, const float *restrict gain,
                                    float *restrict p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = u[i] * gain[i] + 0.5F * p[i];
}

ET_VECTOR_CLONES static void load_row(const float *restrict u, const float *restrict below,
                                      const float *restrict above, const float *restrict gain,
                                      float *restrict p)
{
    for (size_t i = 0; i < ROW; i++)
        p[i] = ((u[i - 1] + u[i + 1]) + (below[i] + above[i])) + ((u[i] + gain[i]) - p[i]);
}

static void load_rows(struct rows *rows, size_t cells)
{
    for (size_t done = 0; done < cells; done += (size_t)ROW * ROWS)
        for (size_t y = 0; y < ROWS; y++)
            load_row(rows->u[y + 1] + 16, rows->u[y] + 16, rows->u[y + 2] + 16, rows->gain[y],
                     rows->p[y]);
}

static double thread_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void run_thread(void *user, size_t i, size_t worker)
{
    struct ground *ground = user;
    struct et__wave_field *field = &ground->fields[i];
    double start = thread_seconds();
    (void)worker;
    switch (ground->task) {
    case STREAM:
        for (size_t step = 0; step < ground->steps; step++)
            stream(field->now, ground->plans[0].gain, field->previous, field->size);
        break;
    case LOADS:
        load_rows(ground->rows[i], ground->steps * ground->n * ground->n);
        break;
    case LINEAR:
    case NONLINEAR:
        for (size_t step = 0; step < ground->steps; step++)
            et__wave_step(&ground->plans[ground->task == NONLINEAR], field);
        break;
    }
    ground->seconds[i] = thread_seconds() - start;
}

/* Million cells per second of all threads together. */
static double rate(struct ground *ground, enum task task, size_t threads)
{
    ground->task = task;
    et_parallel_for(threads, run_thread, ground);
    size_t cells = task == STREAM ? ground->fields[0].size : ground->n * ground->n;
    double sum = 0;
    for (size_t i = 0; i < threads; i++)
        sum += 1e-6 * (double)(cells * ground->steps) / ground->seconds[i];
    return sum;
}

static enum et_status make_plans(struct ground *ground)
{
    static const struct et__wave_membrane membrane = {
        .beta = 0.3, .stiffening = 0.3, .inverse_saturation2 = 1};
    size_t n = ground->n, cells = n * n;
    enum et_status status = ET_NOMEM;
    uint16_t *membranes = NULL;
    double *beta = NULL, *courant2 = et_alloc(cells, sizeof *courant2);
    if (!courant2) goto out;
    if (!(beta = et_alloc(cells, sizeof *beta))) goto out;
    if (!(membranes = et_alloc(cells, sizeof *membranes))) goto out;
    for (size_t i = 0; i < cells; i++) {
        float value;
        et_rng_fill_uniform(1, ET_STREAM_USER, 0, i, 0.3F, 0.36F, &value, 1);
        courant2[i] = (double)value;
    }
    for (size_t i = 0; i < cells; i++)
        membranes[i] = (i % n + n / 4) / (n / 2) == 1 && (i / n + n / 4) / (n / 2) == 1;
    struct et__wave_medium medium = {.nx = n,
                                     .ny = n,
                                     .courant2 = courant2,
                                     .beta = beta,
                                     .membranes = &membrane,
                                     .n_membranes = 1};
    status = et__wave_plan_create(&ground->plans[0], &medium);
    medium.membrane = membranes;
    if (status == ET_OK) status = et__wave_plan_create(&ground->plans[1], &medium);
out:
    et_free(courant2);
    et_free(beta);
    et_free(membranes);
    return status;
}

/* A random field in each thread's cells, zeros around them. */
static enum et_status make_fields(struct ground *ground)
{
    for (size_t i = 0; i < THREADS_MAX; i++) {
        struct et__wave_field *field = &ground->fields[i];
        ET_TRY(et__wave_field_create(field, &ground->plans[0], 1));
        for (size_t y = 0; y < ground->n; y++) {
            float *row = (float *)field->now + et__wave_at(field, 0, y);
            et_rng_fill_uniform(2, ET_STREAM_USER, 0, y * ground->n, -1, 1, row, ground->n);
            for (size_t x = 0; x < ground->n; x++)
                ((float *)field->previous)[et__wave_at(field, x, y)] = row[x];
        }
        if (!(ground->rows[i] = et_alloc(1, sizeof(struct rows)))) return ET_NOMEM;
    }
    return ET_OK;
}

static void measure(struct et_bench *bench, struct ground *ground, size_t threads)
{
    bool in_cache = ground->n <= 256;
    double rates[TASKS][ROUNDS];
    et_parallel_set_threads(threads);
    for (size_t round = 0; round < ROUNDS; round++)
        for (int task = 0; task < TASKS; task++)
            rates[task][round] = rate(ground, (enum task)task, threads);
    double limit = et_bench_median(rates[in_cache ? LOADS : STREAM], ROUNDS);
    for (int task = LINEAR; task <= NONLINEAR; task++) {
        char name[96];
        double value = et_bench_median(rates[task], ROUNDS);
        snprintf(name, sizeof name, "%zux%zu %s, %zu thread%s, against %s", ground->n, ground->n,
                 task == LINEAR ? "linear" : "nonlinear", threads, threads > 1 ? "s" : "",
                 in_cache ? "loads" : "streaming");
        double target = ground->n >= 4096 ? 0.7 : in_cache ? 0.5 : NAN;
        et_bench_add(bench, name, value, "Mcells/s", limit, value / limit, target);
    }
}

static enum et_status bench_grid(struct et_bench *bench, size_t n, size_t steps)
{
    struct ground ground = {.n = n, .steps = steps};
    enum et_status status = make_plans(&ground);
    if (status == ET_OK) status = make_fields(&ground);
    for (size_t threads = 1; status == ET_OK && threads <= THREADS_MAX; threads++)
        measure(bench, &ground, threads);
    for (size_t i = 0; i < THREADS_MAX; i++) {
        et__wave_field_destroy(&ground.fields[i]);
        et_free(ground.rows[i]);
    }
    et__wave_plan_destroy(&ground.plans[0]);
    et__wave_plan_destroy(&ground.plans[1]);
    return status;
}

/* The small cavity that training runs: whole passes with sources, microphones and spectra, eight
 * samples side by side. */
static enum et_status bench_cavity(struct et_bench *bench)
{
    enum { BATCH = 64, INPUTS = 20 };
    static float x[BATCH * INPUTS], y[BATCH * INPUTS];
    struct et_step step = {0};
    et_rng_fill_uniform(3, ET_STREAM_USER, 0, 0, 0, 1, x, sizeof x / sizeof *x);
    for (size_t threads = 1; threads <= THREADS_MAX; threads++) {
        struct et_system *cavity = NULL;
        double times[ROUNDS];
        char name[96];
        et_parallel_set_threads(threads);
        ET_TRY(et_system_open_text("{type: acoustic}", 1, &cavity));
        for (size_t round = 0; round < ROUNDS; round++) {
            double start = et_bench_now();
            enum et_status status = et_system_forward(cavity, &step, et_view_of(x, BATCH, INPUTS),
                                                      et_view_of(y, BATCH, INPUTS));
            times[round] = 1e3 * (et_bench_now() - start) / BATCH;
            if (status != ET_OK) {
                et_system_close(cavity);
                return status;
            }
        }
        et_system_close(cavity);
        snprintf(name, sizeof name, "cavity 48x24, batch %d, per pass, %zu thread%s", BATCH,
                 threads, threads > 1 ? "s" : "");
        et_bench_add(bench, name, et_bench_median(times, ROUNDS), "ms", NAN, NAN, NAN);
    }
    return ET_OK;
}

enum et_status et_bench_acoustic(struct et_bench *bench)
{
    size_t threads = et_parallel_threads();
    enum et_status status = bench_grid(bench, 256, 400);
    if (status == ET_OK) status = bench_grid(bench, 1024, 24);
    if (status == ET_OK) status = bench_grid(bench, 4096, 3);
    if (status == ET_OK) status = bench_cavity(bench);
    et_parallel_set_threads(threads);
    return status;
}
