/* SPDX-License-Identifier: Apache-2.0
 *
 * A network of coupled oscillators that runs for a fixed time: x sets frequencies, starting phases
 * or drives, y is read from the phases at the end (kernels/oscillators.h has the equations).
 *
 * Groups of samples run side by side in the lanes of a kernel, groups in parallel over threads.
 * Lanes never mix, so the bits depend on neither.  The adjoint's sums over the batch are made of
 * one partial sum for each group, added in the order of the groups. */
#include "oscillators.h"

#include <etalon/parallel.h>
#include <etalon/rng.h>
#include <etalon/system.h>

#include <math.h>
#include <string.h>

enum { GROUPS_AT_ONCE = 8, LANES_MAX = 16 };
enum tunable { NONE, COUPLINGS, FREQUENCIES, BOTH };

/* The first sample of a worker whose phases left what the numbers resolve. */
struct lost {
    bool any;
    size_t row;
    double phase;
};

struct oscillators {
    struct et__osc net;
    const struct et__osc_kernel *kernel;
    double input_max;
    bool tune_couplings, tune_biases;
    uint64_t seed;
    void *weights;
    void **work;       /* [n_workers] */
    struct lost *lost; /* [n_workers] */
    size_t n_workers;
    double *partial; /* [GROUPS_AT_ONCE][n_knobs] */
    double *total;   /* [n_knobs] */
};

static size_t knob_count(const struct oscillators *s)
{
    return (s->tune_couplings ? s->net.n_edges : 0) + (s->tune_biases ? s->net.n : 0);
}

static enum et_status open_oscillators(void *state, const struct et_config *config, uint64_t seed)
{
    struct oscillators *s = state;
    size_t tunable = et_config_choice(config, "tunable");
    s->seed = seed;
    s->input_max = et_config_real(config, "input_max");
    s->kernel = et_config_choice(config, "precision") == 0 ? &et__osc_f32 : &et__osc_f64;
    s->tune_couplings = tunable == COUPLINGS || tunable == BOTH;
    s->tune_biases = tunable == FREQUENCIES || tunable == BOTH;
    ET_TRY(et__osc_read(&s->net, config, seed));
    if (tunable == COUPLINGS && s->net.n_edges == 0)
        return et_config_error(config, "tunable", "there are no couplings to tune");
    s->weights = et_alloc(s->kernel->weights_size(&s->net), s->kernel->real_size);
    if (s->weights == NULL) return ET_NOMEM;
    s->kernel->weights(&s->net, s->weights);
    s->n_workers = et_parallel_threads();
    if (!(s->work = et_alloc(s->n_workers, sizeof *s->work))) return ET_NOMEM;
    if (!(s->lost = et_alloc(s->n_workers, sizeof *s->lost))) return ET_NOMEM;
    for (size_t i = 0; i < s->n_workers; i++) {
        s->work[i] = et_alloc(s->kernel->work_size(&s->net), s->kernel->real_size);
        if (s->work[i] == NULL) return ET_NOMEM;
    }
    size_t n_knobs = knob_count(s);
    if (!(s->partial = et_alloc(GROUPS_AT_ONCE * n_knobs, sizeof *s->partial))) return ET_NOMEM;
    if (!(s->total = et_alloc(n_knobs, sizeof *s->total))) return ET_NOMEM;
    return ET_OK;
}

static void describe(const void *state, struct et_system_info *info)
{
    static const char *const in_units[] = {
        [ET__OSC_RATE] = "of gain", [ET__OSC_START] = "of gain", [ET__OSC_DRIVE] = "of gain"};
    const struct oscillators *s = state;
    const struct et__osc *o = &s->net;
    info->n_in = o->n_in;
    info->n_out = et__osc_outputs(o);
    info->n_knobs = knob_count(s);
    info->in_min = (float)-s->input_max;
    info->in_max = (float)s->input_max;
    info->in_unit = in_units[o->input];
    info->out_unit = o->output == ET__OSC_ANGLE ? "rad" : o->output == ET__OSC_SPEED ? "rad/s" : "";
    info->knob_unit = o->model == ET__OSC_PHASE ? "rad/s" : "1/s^2";
    info->latency_s = (double)o->steps * o->dt;
    info->traits = ET_HAS_VJP;
    if (info->n_knobs > 0) info->traits |= ET_HAS_KNOBS;
    if (o->noise > 0) info->traits |= ET_NOISY;
}

struct batch {
    struct oscillators *system;
    const struct et_step *step;
    struct et_view x, y, dx; /* y is dy on the way back */
    size_t first;            /* group of index 0 */
    bool knobs;
};

static struct et__osc_pass pass_of(const struct batch *batch, size_t first, size_t n,
                                   uint64_t seeds[LANES_MAX])
{
    const struct et_step *step = batch->step;
    uint64_t run = et_rng_derive(step->seed, batch->system->seed);
    for (size_t i = 0; i < n; i++)
        seeds[i] = et_rng_derive(run, et_step_sample(step, first + i));
    return (struct et__osc_pass){
        .x = et_view_rows(batch->x, first, n), .seeds = seeds, .index = step->index};
}

static void keep_first(struct lost *kept, const struct lost *lost)
{
    if (lost->any && (!kept->any || lost->row < kept->row)) *kept = *lost;
}

static void run_group(void *user, size_t index, size_t worker)
{
    const struct batch *batch = user;
    struct oscillators *s = batch->system;
    size_t lanes = s->kernel->lanes, first = (batch->first + index) * lanes;
    size_t n = batch->x.rows - first < lanes ? batch->x.rows - first : lanes;
    uint64_t seeds[LANES_MAX];
    struct et__osc_pass pass = pass_of(batch, first, n, seeds);
    struct et_view y = et_view_rows(batch->y, first, n);
    if (batch->dx.data == NULL) {
        double reach[LANES_MAX];
        pass.reach = reach;
        s->kernel->forward(&s->net, s->weights, s->work[worker], &pass, y);
        for (size_t i = 0; i < n; i++)
            if (reach[i] > s->kernel->phase_max)
                keep_first(&s->lost[worker], &(struct lost){true, first + i, reach[i]});
        return;
    }
    size_t n_knobs = knob_count(s);
    double *partial = s->partial + index * n_knobs, *biases = partial;
    if (s->tune_couplings) biases += s->net.n_edges;
    memset(partial, 0, n_knobs * sizeof *partial);
    s->kernel->back(&s->net, s->weights, s->work[worker], &pass, y,
                    et_view_rows(batch->dx, first, n),
                    batch->knobs && s->tune_couplings ? partial : NULL,
                    batch->knobs && s->tune_biases ? biases : NULL);
}

static enum et_status forward(void *state, const struct et_step *step, struct et_view x,
                              struct et_view y)
{
    struct oscillators *s = state;
    struct batch batch = {.system = s, .step = step, .x = x, .y = y};
    struct lost lost = {.any = false};
    for (size_t i = 0; i < s->n_workers; i++)
        s->lost[i].any = false;
    et_parallel_for((x.rows + s->kernel->lanes - 1) / s->kernel->lanes, run_group, &batch);
    for (size_t i = 0; i < s->n_workers; i++)
        keep_first(&lost, &s->lost[i]);
    if (!lost.any) return ET_OK;
    return et_error_set(
        ET_NUMERIC, "sample %zu: a phase ran to %g rad; %s precision resolves %g rad", lost.row,
        lost.phase, s->kernel == &et__osc_f32 ? "single" : "double", s->kernel->phase_max);
}

static enum et_status vjp(void *state, const struct et_step *step, struct et_view x,
                          struct et_view dy, struct et_view dx, float *dknobs)
{
    struct oscillators *s = state;
    size_t n_knobs = knob_count(s), groups = (x.rows + s->kernel->lanes - 1) / s->kernel->lanes;
    struct batch batch = {
        .system = s, .step = step, .x = x, .y = dy, .dx = dx, .knobs = dknobs != NULL};
    memset(s->total, 0, n_knobs * sizeof *s->total);
    for (batch.first = 0; batch.first < groups; batch.first += GROUPS_AT_ONCE) {
        size_t left = groups - batch.first, count = left < GROUPS_AT_ONCE ? left : GROUPS_AT_ONCE;
        et_parallel_for(count, run_group, &batch);
        for (size_t g = 0; batch.knobs && g < count; g++)
            for (size_t k = 0; k < n_knobs; k++)
                s->total[k] += s->partial[g * n_knobs + k];
    }
    for (size_t k = 0; dknobs != NULL && k < n_knobs; k++)
        dknobs[k] = (float)s->total[k];
    return ET_OK;
}

static void swap(double *a, double *b)
{
    double kept = *a;
    *a = *b;
    *b = kept;
}

/* Exchanges the knobs for those in s->total. */
static void swap_knobs(struct oscillators *s)
{
    double *next = s->total;
    for (size_t e = 0; s->tune_couplings && e < s->net.n_edges; e++)
        swap(&s->net.coupling[e], next++);
    for (size_t i = 0; s->tune_biases && i < s->net.n; i++)
        swap(&s->net.bias[i], next++);
}

/* Couplings and frequencies that the step does not resolve leave the device as it was. */
static enum et_status set_knobs(void *state, const float *knobs)
{
    struct oscillators *s = state;
    for (size_t i = 0; i < knob_count(s); i++)
        s->total[i] = (double)knobs[i];
    swap_knobs(s);
    double largest = et__osc_largest_step(&s->net, s->input_max);
    if (s->net.dt > largest * (1 + 1e-6)) { /* room for knobs that were rounded to float */
        swap_knobs(s);
        return et_error_set(ET_INVALID,
                            "dt = %g s does not resolve the fastest oscillator with these knobs; "
                            "the largest step is %.6g s",
                            s->net.dt, largest);
    }
    if (s->tune_couplings) s->kernel->weights(&s->net, s->weights);
    return ET_OK;
}

static void get_knobs(const void *state, float *knobs)
{
    const struct oscillators *s = state;
    for (size_t e = 0; s->tune_couplings && e < s->net.n_edges; e++)
        *knobs++ = (float)s->net.coupling[e];
    for (size_t i = 0; s->tune_biases && i < s->net.n; i++)
        *knobs++ = (float)s->net.bias[i];
}

static void close_oscillators(void *state)
{
    struct oscillators *s = state;
    for (size_t i = 0; s->work && i < s->n_workers; i++)
        et_free(s->work[i]);
    et_free(s->work);
    et_free(s->lost);
    et_free(s->weights);
    et_free(s->partial);
    et_free(s->total);
    et__osc_free(&s->net);
}

const struct et_system_type et_system_oscillators = {
    .name = "oscillators",
    .summary = "Coupled phase oscillators or pendula: inputs as frequencies, phases or drives, "
               "tunable couplings.",
    .state_size = sizeof(struct oscillators),
    .params = et__oscillator_params,
    .open = open_oscillators,
    .describe = describe,
    .forward = forward,
    .set_knobs = set_knobs,
    .get_knobs = get_knobs,
    .vjp = vjp,
    .close = close_oscillators,
};
