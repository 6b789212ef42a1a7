/* SPDX-License-Identifier: Apache-2.0
 *
 * `etalon bench waveform`: cell updates of a pass of recordings, and what a vector-Jacobian product
 * costs in forward passes, both timed in the same rounds. */
#include "bench.h"

#include <etalon/array.h>
#include <etalon/parallel.h>
#include <etalon/rng.h>
#include <etalon/system.h>

#include <math.h>
#include <stdio.h>

enum { ROUNDS = 5, BATCH = 16, SAMPLES = 400, STEPS = 4 * SAMPLES };

struct job {
    struct et_system *system;
    struct et_array x, y, dx, knobs;
};

static enum et_status open_job(struct job *job, const char *settings)
{
    char yaml[512];
    snprintf(yaml, sizeof yaml, "{type: acoustic-waveform, samples: %d, %s}", SAMPLES, settings);
    ET_TRY(et_system_open_text(yaml, 1, &job->system));
    const struct et_system_info *info = et_system_info(job->system);
    ET_TRY(et_array_create(&job->x, BATCH, info->n_in));
    ET_TRY(et_array_create(&job->dx, BATCH, info->n_in));
    ET_TRY(et_array_create(&job->y, BATCH, info->n_out));
    ET_TRY(et_array_create(&job->knobs, 1, info->n_knobs));
    et_rng_fill_uniform(1, ET_STREAM_DATA, 0, 0, -1, 1, job->x.data, BATCH * info->n_in);
    return ET_OK;
}

static void close_job(struct job *job)
{
    et_system_close(job->system);
    et_array_destroy(&job->x);
    et_array_destroy(&job->dx);
    et_array_destroy(&job->y);
    et_array_destroy(&job->knobs);
}

/* Medians of the seconds of a pass and of the ratio vjp / pass. */
static enum et_status time_job(struct job *job, double *forward_s, double *ratio)
{
    struct et_step step = {.seed = 1};
    struct et_view x = et_array_view(&job->x), y = et_array_view(&job->y);
    struct et_view dx = et_array_view(&job->dx);
    double forward[ROUNDS], cost[ROUNDS];
    for (size_t r = 0; r <= ROUNDS; r++) { /* the first round warms up */
        double start = et_bench_now();
        ET_TRY(et_system_forward(job->system, &step, x, y));
        double middle = et_bench_now();
        ET_TRY(et_system_vjp(job->system, &step, x, y, dx, job->knobs.data));
        double end = et_bench_now();
        if (r == 0) continue;
        forward[r - 1] = middle - start;
        cost[r - 1] = (end - middle) / (middle - start);
    }
    *forward_s = et_bench_median(forward, ROUNDS);
    *ratio = et_bench_median(cost, ROUNDS);
    return ET_OK;
}

enum et_status et_bench_waveform(struct et_bench *bench)
{
    static const struct {
        const char *name, *settings;
        double cells;
    } cases[] = {
        {"48x36, hard walls, linear", "steps_per_sample: 4, design: {width: 0.6}", 48 * 36},
        {"48x36 and layer of 10 cells, linear",
         "steps_per_sample: 4, design: {width: 0.6}, walls: {left: {kind: pml}, right: {kind: "
         "pml}, bottom: {kind: "
         "pml}, "
         "top: {kind: pml}}",
         68 * 56},
        {"48x36, nonlinear in 29 x 24 cells",
         "steps_per_sample: 4, design: {width: 0.6}, membranes: {"
         "regions: [{x: 0.5, y: 0.378, width: 0.6, height: 0.5}]}",
         48 * 36},
    };
    const double most = 6; /* two passes forward, the walk back, and the copies of the fields */
    size_t threads = et_parallel_threads();
    et_parallel_set_threads(1);
    enum et_status status = ET_OK;
    for (size_t i = 0; i < sizeof cases / sizeof *cases && status == ET_OK; i++) {
        struct job job = {0};
        double forward_s = 0, ratio = 0;
        char name[128];
        status = open_job(&job, cases[i].settings);
        if (status == ET_OK) status = time_job(&job, &forward_s, &ratio);
        close_job(&job);
        if (status != ET_OK) break;
        snprintf(name, sizeof name, "%s: pass", cases[i].name);
        et_bench_add(bench, name, BATCH * STEPS * cases[i].cells / forward_s / 1e6, "Mcells/s", NAN,
                     NAN, NAN);
        snprintf(name, sizeof name, "%s: vjp", cases[i].name);
        et_bench_add(bench, name, ratio, "passes", most, most / ratio, 1);
    }
    et_parallel_set_threads(threads);
    return status;
}
