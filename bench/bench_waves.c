/* SPDX-License-Identifier: Apache-2.0
 *
 * `etalon bench waves`: cell updates of the wave kernel per second, beside limits that are measured
 * in the same rounds with the same number of threads, and beside other programs.
 *
 * Streaming limit: p = u g + p / 2 over arrays as large as the grid's, that is three reads and one
 * write of a number per cell, in place, as one step of the kernel with a speed map; each thread has
 * its own arrays.  Stepping once at a time cannot be faster, blocks of steps can.
 * Load limit: the kernel's seven loads and one store per cell, added up, on rows that stay in the
 * first-level cache.
 *
 * Cases: in "linear" every cell has a speed of its own; "nonlinear" adds stiffening and saturable
 * absorption in every cell outside the strips.  Both have absorbing strips of 20 cells on all
 * sides, sources and probes.  "Untiled" is one step after the other on one thread.
 *
 * Time is processor time, which other programs on the machine do not lengthen: of each thread in
 * the limits, whose rates are added; of the calling thread where it works alone, because OpenBLAS's
 * idle threads spin for the first tenths of a second of a process; else of the process in blocks of
 * steps, divided by the number of threads.  Ratios are medians over rounds. */
#include "bench.h"
#include "bench_waves.h"

#include <etalon/array.h>
#include <etalon/parallel.h>
#include <etalon/rng.h>
#include <etalon/system.h>

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 9, THREADS_MAX = 2, ROW = 256, ROWS = 4, STRIP = 20, PORTS = 16 };

/* Arrays of the load limit: small enough for 32 KiB. */
struct rows {
    float u[ROWS + 2][ROW + 32], gain[ROWS][ROW], p[ROWS][ROW];
};

/* What the limits work on. */
struct ground {
    size_t size, cells, steps;
    bool twice; /* double precision */
    const void *gain;
    void *u[THREADS_MAX], *p[THREADS_MAX];
    struct rows *rows[THREADS_MAX];
    double seconds[THREADS_MAX];
};

ET_VECTOR_CLONES static void stream_f32(const float *restrict u, const float *restrict gain,
                                        float *restrict p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = u[i] * gain[i] + 0.5F * p[i];
}

ET_VECTOR_CLONES static void stream_f64(const double *restrict u, const double *restrict gain,
                                        double *restrict p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = u[i] * gain[i] + 0.5 * p[i];
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

static double processor_seconds(clockid_t whose)
{
    struct timespec t;
    clock_gettime(whose, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void run_stream(void *user, size_t i, size_t worker)
{
    struct ground *g = user;
    double start = processor_seconds(CLOCK_THREAD_CPUTIME_ID);
    (void)worker;
    for (size_t step = 0; step < g->steps; step++) {
        if (g->twice)
            stream_f64(g->u[i], g->gain, g->p[i], g->size);
        else
            stream_f32(g->u[i], g->gain, g->p[i], g->size);
    }
    g->seconds[i] = processor_seconds(CLOCK_THREAD_CPUTIME_ID) - start;
}

static void run_loads(void *user, size_t i, size_t worker)
{
    struct ground *g = user;
    double start = processor_seconds(CLOCK_THREAD_CPUTIME_ID);
    (void)worker;
    load_rows(g->rows[i], g->steps * g->cells);
    g->seconds[i] = processor_seconds(CLOCK_THREAD_CPUTIME_ID) - start;
}

/* Million cells per second of all threads together; `cells` a thread and step. */
static double limit_rate(struct ground *g, et_parallel_body *body, size_t cells, size_t threads)
{
    double sum = 0;
    et_parallel_set_threads(threads);
    et_parallel_for(threads, body, g);
    for (size_t i = 0; i < threads; i++)
        sum += 1e-6 * (double)(cells * g->steps) / g->seconds[i];
    return sum;
}

static enum et_status make_ground(struct ground *g, const struct et_bench_wave *wave, size_t steps)
{
    *g = (struct ground){.size = wave->field.size,
                         .cells = wave->plan.nx * wave->plan.ny,
                         .steps = steps,
                         .twice = wave->plan.precision == ET__WAVE_DOUBLE,
                         .gain = wave->plan.gain};
    for (size_t i = 0; i < THREADS_MAX; i++) {
        size_t real = wave->field.real;
        if (!(g->u[i] = et_alloc(g->size, real))) return ET_NOMEM;
        if (!(g->p[i] = et_alloc(g->size, real))) return ET_NOMEM;
        if (!(g->rows[i] = et_alloc(1, sizeof(struct rows)))) return ET_NOMEM;
        memcpy(g->u[i], wave->field.now, g->size * real);
        memcpy(g->p[i], wave->field.now, g->size * real);
    }
    return ET_OK;
}

static void free_ground(struct ground *g)
{
    for (size_t i = 0; i < THREADS_MAX; i++) {
        et_free(g->u[i]);
        et_free(g->p[i]);
        et_free(g->rows[i]);
    }
}

/* ------------------------------------------------------------------------------ simulations -- */

static enum et_status make_plan(struct et_bench_wave *wave, const struct et_bench_wave_case *c)
{
    static const struct et__wave_membrane membrane = {
        .beta = 0.3, .stiffening = 0.3, .inverse_saturation2 = 1};
    size_t n = c->n, cells = n * n, strip = c->pml ? STRIP : 0;
    enum et_status status = ET_NOMEM;
    uint16_t *membranes = NULL;
    float *noise = NULL;
    double *beta = NULL, *courant2 = et_alloc(cells, sizeof *courant2);
    if (!courant2) goto out;
    if (!(beta = et_alloc(cells, sizeof *beta))) goto out;
    if (!(membranes = et_alloc(cells, sizeof *membranes))) goto out;
    if (!(noise = et_alloc(cells, sizeof *noise))) goto out;
    et_rng_fill_uniform(1, ET_STREAM_USER, 0, 0, 0.22F, 0.28F, noise, cells);
    for (size_t i = 0; i < cells; i++) {
        size_t x = i % n, y = i / n;
        courant2[i] = (double)noise[i];
        size_t inwards = x < y ? x : y, low = n - 1 - x < n - 1 - y ? n - 1 - x : n - 1 - y;
        if (low < inwards) inwards = low;
        if (c->sponge && inwards < STRIP) beta[i] = 0.1 * pow(1 - (double)inwards / STRIP, 4);
        membranes[i] = c->nonlinear && x >= strip && y >= strip && x + strip < n && y + strip < n;
    }
    struct et__wave_medium medium = {.precision = c->precision,
                                     .order = c->order,
                                     .nx = n,
                                     .ny = n,
                                     .courant2 = courant2,
                                     .beta = beta,
                                     .membrane = membranes,
                                     .membranes = &membrane,
                                     .n_membranes = 1,
                                     .pml_courant = 0.5};
    for (size_t side = 0; side < ET__WAVE_SIDES; side++) {
        medium.strip[side] = strip;
        medium.pml_reflection[side] = 1e-10;
    }
    status = et__wave_plan_create(&wave->plan, &medium);
out:
    et_free(courant2);
    et_free(beta);
    et_free(membranes);
    et_free(noise);
    return status;
}

/* Sources and probes in the inner three quarters; nonlinear cells take no sources. */
static enum et_status make_ports(struct et_bench_wave *wave, const struct et_bench_wave_case *c)
{
    size_t places[2 * PORTS][2], n = c->n, number = wave->field.real;
    for (size_t i = 0; i < 2 * PORTS; i++) {
        places[i][0] = n / 8 + (i * 2654435761U) % (3 * n / 4);
        places[i][1] = n / 8 + (i * 40503U) % (3 * n / 4);
    }
    const size_t(*given)[2] = (const size_t(*)[2])places;
    ET_TRY(et__wave_ports_create(&wave->ports, &wave->plan, given, c->nonlinear ? 0 : PORTS,
                                 given + PORTS, PORTS));
    if (!(wave->signal = et_alloc(c->steps * PORTS, number))) return ET_NOMEM;
    if (!(wave->trace = et_alloc(c->steps * PORTS, number))) return ET_NOMEM;
    for (size_t i = 0; i < c->steps * PORTS; i++)
        et__wave_put(c->precision, wave->signal, i, sin(0.1 * (double)i));
    return ET_OK;
}

enum et_status et_bench_wave_make(struct et_bench_wave *wave, const struct et_bench_wave_case *c)
{
    *wave = (struct et_bench_wave){.steps = c->steps};
    ET_TRY(make_plan(wave, c));
    ET_TRY(et__wave_field_create(&wave->field, &wave->plan, 1));
    ET_TRY(make_ports(wave, c));
    float *row = et_alloc(c->n, sizeof *row);
    if (!row) return ET_NOMEM;
    for (size_t y = 0; y < c->n; y++) {
        et_rng_fill_uniform(2, ET_STREAM_USER, 0, y * c->n, -1, 1, row, c->n);
        for (size_t x = 0; x < c->n; x++) {
            size_t at = et__wave_at(&wave->field, x, y);
            et__wave_put(c->precision, wave->field.now, at, (double)row[x]);
            et__wave_put(c->precision, wave->field.previous, at, (double)row[x]);
        }
    }
    et_free(row);
    return ET_OK;
}

void et_bench_wave_free(struct et_bench_wave *wave)
{
    et__wave_field_destroy(&wave->field);
    et__wave_ports_destroy(&wave->ports);
    et__wave_plan_destroy(&wave->plan);
    et_free(wave->signal);
    et_free(wave->trace);
}

double et_bench_wave_rate(struct et_bench_wave *wave, size_t threads, double *by_clock)
{
    et_parallel_set_threads(threads);
    double cells = (double)(wave->plan.nx * wave->plan.ny * wave->steps);
    clockid_t whose = threads > 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_THREAD_CPUTIME_ID;
    double start = processor_seconds(whose), clock = et_bench_now();
    et__wave_run(&wave->plan, &wave->field, &wave->ports, wave->steps, wave->signal, wave->trace);
    double busy = processor_seconds(whose) - start;
    if (by_clock) *by_clock = 1e-6 * cells / (et_bench_now() - clock);
    return 1e-6 * cells * (double)threads / busy;
}

/* One step after the other on one thread, for as many steps as the limits take. */
static double untiled_rate(struct et_bench_wave *wave, size_t steps)
{
    double cells = (double)(wave->plan.nx * wave->plan.ny * steps);
    et_parallel_set_threads(1);
    double start = processor_seconds(CLOCK_THREAD_CPUTIME_ID);
    for (size_t step = 0; step < steps; step++)
        et__wave_step(&wave->plan, &wave->field);
    return 1e-6 * cells / (processor_seconds(CLOCK_THREAD_CPUTIME_ID) - start);
}

/* ------------------------------------------------------------------------------------- rows -- */

/* Adds a row of medians over rounds. */
static void add_row(struct et_bench *bench, const char *name, double *value, double *limit,
                    double target)
{
    double ratio[ROUNDS];
    for (size_t r = 0; r < ROUNDS; r++)
        ratio[r] = value[r] / limit[r];
    double middle = et_bench_median(ratio, ROUNDS);
    double values[ROUNDS], limits[ROUNDS];
    memcpy(values, value, sizeof values);
    memcpy(limits, limit, sizeof limits);
    et_bench_add(bench, name, et_bench_median(values, ROUNDS), "Mcells/s",
                 et_bench_median(limits, ROUNDS), middle, target);
}

/* Rates of all rounds. */
struct measured {
    double stream[THREADS_MAX][ROUNDS], loads[ROUNDS], untiled[ROUNDS];
    double tiled[THREADS_MAX][ROUNDS], clock[THREADS_MAX][ROUNDS];
};

static void measure(struct et_bench_wave *wave, struct ground *g, struct measured *m)
{
    for (size_t r = 0; r < ROUNDS; r++) {
        m->loads[r] = limit_rate(g, run_loads, g->cells, 1);
        m->untiled[r] = untiled_rate(wave, g->steps);
        for (size_t t = 0; t < THREADS_MAX; t++) {
            m->stream[t][r] = limit_rate(g, run_stream, g->size, t + 1);
            m->tiled[t][r] = et_bench_wave_rate(wave, t + 1, &m->clock[t][r]);
        }
    }
}

struct target {
    double untiled, tiled[THREADS_MAX], over_untiled;
};

static void report(struct et_bench *bench, const char *what, struct measured *m,
                   const struct target *target)
{
    char name[96];
    snprintf(name, sizeof name, "%s, untiled, 1 thread, against streaming", what);
    add_row(bench, name, m->untiled, m->stream[0], target->untiled);
    for (size_t t = 0; t < THREADS_MAX; t++) {
        snprintf(name, sizeof name, "%s, tiled, %zu thread%s, against streaming", what, t + 1,
                 t > 0 ? "s" : "");
        add_row(bench, name, m->tiled[t], m->stream[t], target->tiled[t]);
    }
    if (target->over_untiled > 0) { /* the main case: what an idle machine would make of it */
        snprintf(name, sizeof name, "%s, tiled, 2 threads by the clock, against streaming", what);
        add_row(bench, name, m->clock[1], m->stream[1], NAN);
    }
    snprintf(name, sizeof name, "%s, tiled against untiled, 1 thread", what);
    add_row(bench, name, m->tiled[0], m->untiled, target->over_untiled);
}

static enum et_status bench_case(struct et_bench *bench, const char *what,
                                 const struct et_bench_wave_case *c, size_t steps,
                                 const struct target *target)
{
    struct et_bench_wave wave;
    struct ground ground = {0};
    static struct measured m;
    enum et_status status = et_bench_wave_make(&wave, c);
    if (status == ET_OK) status = make_ground(&ground, &wave, steps);
    if (status == ET_OK) {
        measure(&wave, &ground, &m);
        if (target)
            report(bench, what, &m, target);
        else
            add_row(bench, what, m.untiled, m.loads, 0.5);
    }
    free_ground(&ground);
    et_bench_wave_free(&wave);
    return status;
}

static enum et_status bench_grids(struct et_bench *bench)
{
    static const struct target linear = {0.7, {2, 3}, 2.2}, nonlinear = {NAN, {1.3, 1.3}, NAN},
                               none = {NAN, {NAN, NAN}, NAN};
    static const struct {
        const char *what;
        struct et_bench_wave_case c;
        size_t steps; /* of the limits */
        const struct target *target;
    } cases[] = {
        {"256x256 linear without strips, 1 thread, against loads",
         {.n = 256, .order = 2, .steps = 1},
         200,
         NULL},
        {"1024x1024 linear", {.n = 1024, .order = 2, .pml = true, .steps = 128}, 12, &none},
        {"4096x4096 linear", {.n = 4096, .order = 2, .pml = true, .steps = 25}, 2, &linear},
        {"4096x4096 nonlinear",
         {.n = 4096, .order = 2, .pml = true, .nonlinear = true, .steps = 25},
         2,
         &nonlinear},
        {"4096x4096 linear, order 4", {.n = 4096, .order = 4, .pml = true, .steps = 16}, 2, &none},
        {"4096x4096 linear, double",
         {.n = 4096, .precision = ET__WAVE_DOUBLE, .order = 2, .pml = true, .steps = 18},
         2,
         &none},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ET_TRY(bench_case(bench, cases[i].what, &cases[i].c, cases[i].steps, cases[i].target));
    return ET_OK;
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

enum et_status et_bench_waves(struct et_bench *bench)
{
    size_t threads = et_parallel_threads();
    enum et_status status = bench_grids(bench);
    if (status == ET_OK) status = bench_cavity(bench);
    if (status == ET_OK) status = et_bench_wave_peers(bench);
    et_parallel_set_threads(threads);
    return status;
}
