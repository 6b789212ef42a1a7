/* SPDX-License-Identifier: Apache-2.0
 *
 * A cavity that listens to recordings: the wave equation as a recurrent network.
 *
 * Method.  Pressure u obeys the equation of the acoustic cavity (kernels/wave.h).  The inputs are
 * the samples of a recording, full scale = 1; each loudspeaker plays them, S(t) = source x(t), and
 * each microphone integrates energy,
 *     E[m, w] = sum over the steps of window w of u_m(t)^2 dt      (Pa^2 s),
 * given as it is, as a share of the sum over all outputs, or as a level in dB.
 *
 * Time.  A sample lasts 1 / rate; a time step is the longest whole part of it that the grid's
 * stability limit allows.  Between samples the signal is interpolated band-limited with a
 * Lanczos window of 8 taps; where a step is a whole sample, no sample changes.  So lengths, speeds
 * and frequencies are those of the configuration, whatever the grid.
 *
 * The map of the speed of sound in a region can be knobs (waveform_design.c); derivatives with
 * respect to recording and knobs are exact (waveform_vjp.c).  Eight samples run side by side as in
 * the acoustic cavity.
 *
 * Source: Hughes, Williamson, Minkov and Fan, "Wave physics as an analog recurrent neural network",
 * Science Advances 5:eaay6946 (2019). */
#include "waveform.h"

#include <etalon/log.h>
#include <etalon/parallel.h>
#include <etalon/rng.h>

#include <math.h>
#include <string.h>

static const double pi = 3.141592653589793;

enum { OUTPUTS_MAX = 1 << 20, STEPS_MAX = 100000000 };

/* Share of the stability limit that a time step may take. */
static const double courant_margin = 0.98;

/* The longest stable step over all maps that the knobs can make. */
static double longest_step(const struct et__waveform *w, double stiffening)
{
    const struct et__acoustic_geometry *g = &w->geometry;
    const struct et__design *d = &w->design;
    double fastest = fmax(d->low, d->high);
    bool stiffens = false;
    if (d->n_knobs == 0) return g->stable_dt;
    for (size_t i = 0; i < d->nx * d->ny; i++)
        stiffens |= g->membrane[(d->y + i / d->nx) * g->nx + d->x + i % d->nx] != 0;
    return fmin(g->stable_dt, g->cell / (fastest * sqrt(stiffens ? 2 * (1 + stiffening) : 2)));
}

static enum et_status read_time(struct et__waveform *w, const struct et_config *config,
                                double stiffening)
{
    double longest = longest_step(w, stiffening), given, steps;
    w->rate = et_config_real(config, "rate");
    w->n_in = (size_t)et_config_int(config, "samples");
    double tail = ceil(et_config_real(config, "tail") * w->rate - 1e-6);
    given = (double)et_config_int(config, "steps_per_sample");
    steps = given > 0 ? given : ceil(1 / (w->rate * courant_margin * longest));
    if (1 / (w->rate * steps) > longest)
        return et_config_error(config, "steps_per_sample",
                               "%g time steps for a sample of %g s break the stability limit; at "
                               "least %g are needed",
                               steps, 1 / w->rate, ceil(1 / (w->rate * longest)));
    double pass = steps * ((double)w->n_in + tail);
    if (pass > STEPS_MAX)
        return et_config_error(config, "samples", "a pass would take %g time steps; at most %d",
                               pass, STEPS_MAX);
    w->per_sample = (size_t)steps;
    w->total = w->n_in + (size_t)tail;
    w->dt = 1 / (w->rate * steps);
    w->n_windows = (size_t)et_config_int(config, "windows");
    double carried = w->geometry.speed / (2 * w->geometry.cell);
    if (0.5 * w->rate > carried)
        et_log(
            ET_LOG_WARNING,
            "acoustic-waveform: cells of %g m carry waves up to %g Hz; what a recording of %g Hz "
            "holds above that stays near the loudspeaker",
            w->geometry.cell, carried, w->rate);
    if (w->n_windows <= et__waveform_steps(w)) return ET_OK;
    return et_config_error(config, "windows", "%zu windows in %zu time steps", w->n_windows,
                           et__waveform_steps(w));
}

static double sinc(double x)
{
    return fabs(x) < 1e-12 ? 1 : sin(pi * x) / (pi * x);
}

/* Row p holds the taps for the point p / per_sample behind a sample; each row sums up to 1. */
static enum et_status make_filter(struct et__waveform *w)
{
    enum { TAPS = ET__WAVEFORM_TAPS };
    const double half = 0.5 * TAPS;
    if (!(w->filter = et_alloc(w->per_sample * TAPS, sizeof *w->filter))) return ET_NOMEM;
    for (size_t p = 0; p < w->per_sample; p++) {
        double tap[TAPS], sum = 0;
        for (size_t k = 0; k < TAPS; k++) {
            double at = (double)p / (double)w->per_sample - ((double)k - ET__WAVEFORM_BEFORE);
            tap[k] = fabs(at) < half ? sinc(at) * sinc(at / half) : 0;
            sum += tap[k];
        }
        for (size_t k = 0; k < TAPS; k++)
            w->filter[p * TAPS + k] = (float)(tap[k] / sum);
    }
    return ET_OK;
}

enum et_status et__waveform_replan(struct et__waveform *w)
{
    struct et__wave_plan plan = {0};
    enum et_status status = et__acoustic_geometry_plan(&w->geometry, w->dt, &w->membrane, &plan);
    if (status != ET_OK) {
        et__wave_plan_destroy(&plan);
        return status;
    }
    et__wave_plan_destroy(&w->plan);
    w->plan = plan;
    return ET_OK;
}

static enum et_status make_workers(struct et__waveform *w)
{
    size_t n = et_parallel_threads();
    if (!(w->workers = et_alloc(n, sizeof *w->workers))) return ET_NOMEM;
    while (w->n_workers < n) {
        struct et__waveform_worker *worker = &w->workers[w->n_workers++];
        ET_TRY(et__wave_field_create(&worker->field, &w->plan, w->lanes));
        worker->wave = et_alloc((w->total + ET__WAVEFORM_TAPS) * w->lanes, sizeof *worker->wave);
        worker->energies = et_alloc(w->n_out * w->lanes, sizeof *worker->energies);
        if (!worker->wave || !worker->energies) return ET_NOMEM;
    }
    return ET_OK;
}

/* Finds the cells of loudspeakers and microphones in the fields. */
static enum et_status connect(struct et__waveform *w, double source)
{
    const struct et__acoustic_geometry *g = &w->geometry;
    const struct et__wave_field *field = &w->workers[0].field;
    size_t dx = g->strip[ET__WAVE_LEFT], dy = g->strip[ET__WAVE_BOTTOM];
    if (!(w->speaker_cells = et_alloc(g->n_speakers, sizeof(size_t)))) return ET_NOMEM;
    if (!(w->speaker_gains = et_alloc(g->n_speakers, sizeof(float)))) return ET_NOMEM;
    if (!(w->microphone_cells = et_alloc(g->n_microphones, sizeof(size_t)))) return ET_NOMEM;
    for (size_t i = 0; i < g->n_speakers; i++) {
        size_t x = g->speakers[i].x + dx, y = g->speakers[i].y + dy;
        w->speaker_cells[i] = et__wave_at(field, x, y);
        w->speaker_gains[i] = (float)(source * et__wave_get(ET__WAVE_SINGLE, w->plan.gain,
                                                            et__wave_map_at(&w->plan, x, y)));
    }
    for (size_t i = 0; i < g->n_microphones; i++)
        w->microphone_cells[i] =
            et__wave_at(field, g->microphones[i].x + dx, g->microphones[i].y + dy);
    return ET_OK;
}

static enum et_status set_first_knobs(struct et__waveform *w, const struct et_config *config,
                                      uint64_t seed)
{
    size_t n = w->design.n_knobs;
    const struct et_config *record = et_config_at(config, "design", 0);
    float initial = (float)et_config_real(record, "initial");
    float spread = (float)et_config_real(record, "spread");
    float *knobs = et_alloc(n, sizeof *knobs);
    if (!knobs) return ET_NOMEM;
    et_rng_fill_uniform(seed, ET_STREAM_MISMATCH, 0, 0, -1, 1, knobs, n);
    for (size_t k = 0; k < n; k++)
        knobs[k] = fminf(fmaxf(initial + spread * knobs[k], 0), 1);
    et__design_apply(&w->design, knobs, &w->geometry);
    et_free(knobs);
    return ET_OK;
}

static enum et_status open_waveform(void *state, const struct et_config *config, uint64_t seed)
{
    struct et__waveform *w = state;
    const struct et_config *membranes = et_config_at(config, "membranes", 0);
    double stiffening = et_config_real(membranes, "stiffening");
    double saturation = et_config_real(membranes, "saturation");
    w->geometry.order = 2;
    w->geometry.precision = ET__WAVE_SINGLE;
    ET_TRY(et__acoustic_geometry_read(&w->geometry, config, seed));
    if (w->geometry.n_microphones == 0)
        return et_config_error(config, "microphones", "no microphone, here or in arrays");
    ET_TRY(et__design_read(&w->design, config, &w->geometry));
    ET_TRY(read_time(w, config, stiffening));
    w->membrane = (struct et__wave_membrane){
        .beta = et_config_real(membranes, "absorption") * w->dt,
        .stiffening = stiffening,
        .inverse_saturation2 =
            et_config_bool(membranes, "nonlinear") ? (float)(1 / (saturation * saturation)) : 0.0F};
    if (w->design.n_knobs > 0) ET_TRY(set_first_knobs(w, config, seed));
    ET_TRY(et__waveform_replan(w));
    ET_TRY(make_filter(w));
    w->lanes = et__acoustic_lanes(&w->plan);
    w->output = (enum et__waveform_output)et_config_choice(config, "output");
    w->floor = et_config_real(config, "floor");
    w->n_out = w->geometry.n_microphones * w->n_windows;
    if (w->n_out > OUTPUTS_MAX)
        return et_config_error(config, "windows",
                               "%zu microphones in %zu windows: more than %d "
                               "outputs",
                               w->geometry.n_microphones, w->n_windows, OUTPUTS_MAX);
    float *frame = et_alloc(w->geometry.nx * w->geometry.ny, sizeof *frame);
    if (!frame) return ET_NOMEM;
    w->frame = et_view_of(frame, w->geometry.ny, w->geometry.nx);
    ET_TRY(make_workers(w));
    return connect(w, et_config_real(config, "source"));
}

static void describe(const void *state, struct et_system_info *info)
{
    static const char *const units[] = {"1", "Pa^2 s", "dB re 1 Pa^2 s"};
    const struct et__waveform *w = state;
    info->n_in = w->n_in;
    info->n_out = w->n_out;
    info->n_knobs = w->design.n_knobs;
    info->in_min = -1.0F;
    info->in_max = 1.0F;
    info->in_unit = "of full scale";
    info->out_unit = units[w->output];
    info->knob_unit = "from speed_low to speed_high";
    if (w->design.n_knobs > 0) info->knob_max = 1.0F;
    info->latency_s = (double)w->total / w->rate;
    info->traits = ET_HAS_VJP | (w->design.n_knobs > 0 ? ET_HAS_KNOBS : 0);
}

void et__waveform_load(const struct et__waveform *w, struct et__waveform_worker *worker,
                       struct et_view x)
{
    size_t lanes = w->lanes;
    memset(worker->wave, 0, (w->total + ET__WAVEFORM_TAPS) * lanes * sizeof *worker->wave);
    for (size_t lane = 0; lane < x.rows; lane++)
        for (size_t i = 0; i < w->n_in; i++)
            worker->wave[(ET__WAVEFORM_BEFORE + i) * lanes + lane] = x.data[lane * x.stride + i];
    memset(worker->energies, 0, w->n_out * lanes * sizeof *worker->energies);
    et__wave_field_clear(&worker->field);
}

void et__waveform_step(const struct et__waveform *w, struct et__waveform_worker *worker,
                       size_t step)
{
    size_t lanes = w->lanes;
    const float *tap = w->filter + step % w->per_sample * ET__WAVEFORM_TAPS;
    const float *wave = worker->wave + step / w->per_sample * lanes;
    float sound[ET__WAVE_LANES] = {0};
    et__wave_step(&w->plan, &worker->field);
    for (size_t k = 0; k < ET__WAVEFORM_TAPS; k++)
        for (size_t lane = 0; lane < lanes; lane++)
            sound[lane] += tap[k] * wave[k * lanes + lane];
    for (size_t s = 0; s < w->geometry.n_speakers; s++) {
        float *cell = (float *)worker->field.now + w->speaker_cells[s];
        for (size_t lane = 0; lane < lanes; lane++)
            cell[lane] += w->speaker_gains[s] * sound[lane];
    }
}

void et__waveform_listen(const struct et__waveform *w, struct et__waveform_worker *worker,
                         size_t step)
{
    size_t lanes = w->lanes, window = et__waveform_window(w, step);
    const float dt = (float)w->dt;
    for (size_t m = 0; m < w->geometry.n_microphones; m++) {
        const float *cell = (const float *)worker->field.now + w->microphone_cells[m];
        float *energy = worker->energies + (m * w->n_windows + window) * lanes;
        for (size_t lane = 0; lane < lanes; lane++)
            energy[lane] += cell[lane] * cell[lane] * dt;
    }
}

/* From energies to outputs. */
static void report(const struct et__waveform *w, const struct et__waveform_worker *worker,
                   struct et_view y)
{
    for (size_t lane = 0; lane < y.rows; lane++) {
        float *row = y.data + lane * y.stride;
        double sum = 0;
        for (size_t o = 0; o < w->n_out; o++)
            sum += (double)worker->energies[o * w->lanes + lane];
        for (size_t o = 0; o < w->n_out; o++) {
            double energy = (double)worker->energies[o * w->lanes + lane];
            if (w->output == ET__WAVEFORM_SHARE) energy = sum > 0 ? energy / sum : 0;
            if (w->output == ET__WAVEFORM_LEVEL) energy = 10 * log10(energy + w->floor);
            row[o] = (float)energy;
        }
    }
}

struct batch {
    struct et__waveform *waveform;
    struct et_view x, y;
    size_t first; /* group of index 0 */
};

static void run_group(void *user, size_t index, size_t worker)
{
    const struct batch *batch = user;
    struct et__waveform *w = batch->waveform;
    struct et__waveform_worker *own = &w->workers[worker];
    size_t group = batch->first + index, first = group * w->lanes;
    size_t n = batch->x.rows - first < w->lanes ? batch->x.rows - first : w->lanes;
    et__waveform_load(w, own, et_view_rows(batch->x, first, n));
    for (size_t step = 0; step < et__waveform_steps(w); step++) {
        et__waveform_step(w, own, step);
        et__waveform_listen(w, own, step);
        if (w->observer && group == 0 && step % w->observed.every == 0)
            et__acoustic_show(&w->geometry, &own->field, &w->observed, w->frame, step, w->dt);
    }
    report(w, own, et_view_rows(batch->y, first, n));
}

static enum et_status forward(void *state, const struct et_step *step, struct et_view x,
                              struct et_view y)
{
    (void)step;
    struct et__waveform *w = state;
    struct batch batch = {.waveform = w, .x = x, .y = y};
    size_t groups = (x.rows + w->lanes - 1) / w->lanes;
    if (w->observer) { /* frames come from the calling thread, before the rest of the batch */
        run_group(&batch, 0, 0);
        batch.first = 1;
    }
    et_parallel_for(groups - batch.first, run_group, &batch);
    return ET_OK;
}

static enum et_status set_knobs(void *state, const float *knobs)
{
    struct et__waveform *w = state;
    float *before = et_alloc(w->design.n_knobs, sizeof *before);
    if (!before) return ET_NOMEM;
    memcpy(before, w->design.knobs, w->design.n_knobs * sizeof *before);
    et__design_apply(&w->design, knobs, &w->geometry);
    enum et_status status = et__waveform_replan(w);
    if (status != ET_OK) et__design_apply(&w->design, before, &w->geometry);
    et_free(before);
    return status;
}

static void get_knobs(const void *state, float *knobs)
{
    const struct et__waveform *w = state;
    memcpy(knobs, w->design.knobs, w->design.n_knobs * sizeof *knobs);
}

static void observe(void *state, const struct et_observer *observer)
{
    struct et__waveform *w = state;
    w->observer = NULL;
    if (!observer || !observer->frame || observer->every == 0) return;
    w->observed = *observer;
    w->observer = &w->observed;
}

static void close_waveform(void *state)
{
    struct et__waveform *w = state;
    for (size_t i = 0; w->workers && i < w->n_workers; i++) {
        et__wave_field_destroy(&w->workers[i].field);
        et_free(w->workers[i].wave);
        et_free(w->workers[i].energies);
        et__waveform_tape_free(w->workers[i].tape);
    }
    et_free(w->workers);
    et_free(w->speaker_cells);
    et_free(w->speaker_gains);
    et_free(w->microphone_cells);
    et_free(w->gain_slope);
    et_free(w->filter);
    et_free(w->frame.data);
    et__wave_plan_destroy(&w->plan);
    et__design_free(&w->design);
    et__acoustic_geometry_free(&w->geometry);
}

const struct et_system_type et_system_acoustic_waveform = {
    .name = "acoustic-waveform",
    .summary = "2-D cavity that plays recordings and integrates energy at microphones; its map of "
               "the speed of sound can be knobs",
    .state_size = sizeof(struct et__waveform),
    .params = et__waveform_params,
    .open = open_waveform,
    .describe = describe,
    .forward = forward,
    .set_knobs = set_knobs,
    .get_knobs = get_knobs,
    .vjp = et__waveform_vjp,
    .observe = observe,
    .close = close_waveform,
};
