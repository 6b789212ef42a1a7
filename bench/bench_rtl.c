/* SPDX-License-Identifier: Apache-2.0
 *
 * The Verilated accelerator: how fast it runs on this processor, and how well the array is used
 * inside it, transfers included.
 *
 * Seconds are those of the processor, whatever else it does.  Limits: 1 Mcycle/s for the speed; for
 * the use of array and bus one step or one beat in every cycle; for times the cost model's cycles.
 */
#include "bench.h"

#include <etalon/accelerator.h>
#include <etalon/array.h>
#include <etalon/rng.h>

#include <math.h>
#include <stdio.h>
#include <time.h>

enum { ROUNDS = 5 };

static const char configs[][16] = {
#define ET_RTL_CONFIG(name) name,
#include "rtl_configs.def"
#undef ET_RTL_CONFIG
    "",
};

/* A layer on a device, with numbers. */
struct job {
    struct et_bnn_layer layer;
    size_t n, id;
    struct et_accelerator *device;
    int8_t *w;
    int32_t *threshold;
    uint64_t *x;
    void *y;
};

/* What one run took. */
struct use {
    struct et_bnn_counters before, after;
    double seconds;
};

static void close_job(struct job *job)
{
    et_accelerator_close(job->device);
    et_free(job->w);
    et_free(job->threshold);
    et_free(job->x);
    et_free(job->y);
    *job = (struct job){.n = 0};
}

static enum et_status open_job(struct job *job, const char *config)
{
    const struct et_bnn_layer *l = &job->layer;
    char uri[64];
    size_t n_w = l->c_out * l->k_h * l->k_w * l->c_in, n_x = job->n * et_bnn_in_words(l);
    snprintf(uri, sizeof uri, "verilator:config=%s", config);
    job->w = et_alloc(n_w, sizeof *job->w);
    job->threshold = et_alloc(l->c_out, sizeof *job->threshold);
    job->x = et_alloc(n_x, sizeof *job->x);
    job->y = et_alloc(job->n * et_bnn_out_size(l), sizeof(uint64_t));
    if (!job->w || !job->threshold || !job->x || !job->y) return ET_NOMEM;
    for (size_t i = 0; i < n_w; i++)
        job->w[i] = et_rng_below(1, ET_STREAM_USER, 0, i, 2) ? 1 : -1;
    ET_TRY(et_accelerator_open(uri, NULL, &job->device));
    return et_accelerator_load(job->device, l, job->w, job->threshold, NULL, &job->id);
}

static double processor_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static enum et_status run_job(struct job *job, struct use *use)
{
    ET_TRY(et_accelerator_counters(job->device, &use->before));
    double start = processor_seconds();
    ET_TRY(et_accelerator_run(job->device, job->id, job->n, job->x, job->y));
    use->seconds = processor_seconds() - start;
    return et_accelerator_counters(job->device, &use->after);
}

/* ----------------------------------------------------------------------------------- speed -- */

static enum et_status speed_rows(struct et_bench *bench, struct job *job, const char *config)
{
    double mcycles[ROUNDS], gops[ROUNDS];
    struct et_bnn_caps caps = et_accelerator_caps(job->device);
    for (size_t r = 0; r < ROUNDS; r++) {
        struct use use;
        ET_TRY(run_job(job, &use));
        double cycles = (double)(use.after.cycles - use.before.cycles);
        double steps = (double)(use.after.steps - use.before.steps);
        mcycles[r] = 1e-6 * cycles / use.seconds;
        gops[r] = 2e-9 * steps * caps.pe * caps.simd / use.seconds;
    }
    double rate = et_bench_median(mcycles, ROUNDS);
    bool is_default = config == configs[0];
    char name[96];
    snprintf(name, sizeof name, "%s, whole system", config);
    et_bench_add(bench, name, rate, "Mcycle/s", is_default ? 1 : NAN, is_default ? rate : NAN,
                 is_default ? 1 : NAN);
    snprintf(name, sizeof name, "%s, products and sums of bits", config);
    et_bench_add(bench, name, et_bench_median(gops, ROUNDS), "Gop/s", NAN, NAN, NAN);
    return ET_OK;
}

static enum et_status bench_speed(struct et_bench *bench, const char *config)
{
    struct job job = {.layer = et_bnn_dense(1024, 1024), .n = 128};
    job.layer.output = ET_BNN_CODES;
    enum et_status status = open_job(&job, config);
    if (status == ET_OK) status = speed_rows(bench, &job, config);
    close_job(&job);
    return status;
}

/* ------------------------------------------------------------------------------------- use -- */

static struct et_bnn_layer convolution(void)
{
    struct et_bnn_layer l = et_bnn_dense(256, 256);
    l.output = ET_BNN_CODES;
    l.h = l.w = 14;
    l.k_h = l.k_w = 3;
    l.pad_top = l.pad_left = l.pad_bottom = l.pad_right = 1;
    l.pad_zero_bits = true;
    return l;
}

static struct et_bnn_layer dense(enum et_bnn_output output)
{
    struct et_bnn_layer l = et_bnn_dense(1024, 1024);
    l.output = output;
    return l;
}

static void use_rows(struct et_bench *bench, const char *name, const struct use *use,
                     const struct et_bnn_cost *cost, bool by_bus)
{
    double busy = (double)(use->after.busy - use->before.busy);
    double steps = (double)(use->after.steps - use->before.steps);
    double beats = (double)(use->after.rd_beats - use->before.rd_beats);
    double compute = (double)(use->after.compute - use->before.compute);
    char row[96];
    snprintf(row, sizeof row, "%s: %s", name, by_bus ? "beats per cycle" : "steps per cycle");
    double share = (by_bus ? beats : steps) / busy;
    et_bench_add(bench, row, share, "1", 1, share, by_bus ? 0.85 : 0.95);
    snprintf(row, sizeof row, "%s: cycles", name);
    et_bench_add(bench, row, busy, "cycle", (double)cost->cycles, (double)cost->cycles / busy, NAN);
    snprintf(row, sizeof row, "%s: cycles of the array", name);
    et_bench_add(bench, row, compute, "cycle", (double)cost->compute_cycles,
                 (double)cost->compute_cycles / compute, NAN);
}

static enum et_status bench_use(struct et_bench *bench)
{
    const struct {
        const char *name;
        struct et_bnn_layer layer;
        size_t n;
        bool by_bus;
    } cases[] = {
        {"dense 1024 x 1024, 64 vectors, codes", dense(ET_BNN_CODES), 64, false},
        {"dense 1024 x 1024, 64 vectors, raw 32", dense(ET_BNN_RAW32), 64, false},
        {"convolution 3 x 3 x 256 -> 256, 14 x 14", convolution(), 1, false},
        {"dense 1024 x 1024, 1 vector, codes", dense(ET_BNN_CODES), 1, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct job job = {.layer = cases[i].layer, .n = cases[i].n};
        struct et_bnn_cost cost;
        struct use use;
        enum et_status status = open_job(&job, configs[0]);
        if (status == ET_OK) status = run_job(&job, &use);
        if (status == ET_OK) {
            struct et_bnn_caps caps = et_accelerator_caps(job.device);
            status = et_bnn_cost_of(&job.layer, &caps, job.n, &cost);
        }
        if (status == ET_OK) use_rows(bench, cases[i].name, &use, &cost, cases[i].by_bus);
        close_job(&job);
        ET_TRY(status);
    }
    return ET_OK;
}

enum et_status et_bench_rtl(struct et_bench *bench)
{
    if (configs[0][0] == '\0')
        return et_error_set(ET_UNSUPPORTED, "this build has no Verilated accelerator");
    for (size_t i = 0; configs[i][0] != '\0'; i++)
        ET_TRY_WHILE(bench_speed(bench, configs[i]), "timing configuration %s", configs[i]);
    return bench_use(bench);
}
