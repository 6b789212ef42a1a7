/* SPDX-License-Identifier: Apache-2.0
 *
 * A nonlinear acoustic cavity in the time domain.
 *
 * Method.  Sound pressure u(x, y, t) in a flat cavity obeys
 *     u_tt + 2 b(x, u) u_t = c(x, u)^2 (Lap u + S),
 * with rigid bodies, absorbing or open walls, regions of other speed, and membranes in which
 * absorption and speed depend on the amplitude (kernels/wave.h gives the scheme).  Loudspeaker s
 * plays S_s(t) = source sum_c x[s, c] sin(2 pi f_c t), switched on smoothly; the inputs are the
 * amplitudes x in [0, 1].  Once the transient is over, microphone m listens for a whole number of
 * periods; its outputs are the magnitudes of the spectrum at the carriers and at further bins,
 *     y[m, b] = | 2/N sum_n u_m(t_n) exp(-i 2 pi f_b t_n) |,
 * in Pa, or divided by the 94th percentile of that output over random inputs.  The magnitude of
 * interfering waves is itself nonlinear in x; the membranes mix the carriers besides.
 *
 * Eight samples of a batch run side by side in the lanes of one field, groups of eight in parallel
 * over threads.  Lanes never mix, so the bits depend on neither. */
#include "acoustic.h"

#include <etalon/rng.h>

static enum et_status make_worker(const struct et__acoustic *a, struct et__acoustic_worker *w)
{
    size_t n_microphones = a->geometry.n_microphones, n_speakers = a->geometry.n_speakers;
    ET_TRY(et__wave_field_create(&w->field, &a->plan, a->lanes));
    size_t number = a->lanes * w->field.real;
    if (!(w->drives = et_alloc(a->n_in, number))) return ET_NOMEM;
    if (!(w->sound = et_alloc(ET__ACOUSTIC_CHUNK * n_speakers, number))) return ET_NOMEM;
    if (!(w->trace = et_alloc(a->signal.window * n_microphones, number))) return ET_NOMEM;
    if (!(w->noise = et_alloc(a->n_out, sizeof *w->noise))) return ET_NOMEM;
    return ET_OK;
}

static enum et_status make_workers(struct et__acoustic *a)
{
    size_t n = et_parallel_threads();
    if (!(a->workers = et_alloc(n, sizeof *a->workers))) return ET_NOMEM;
    while (a->n_workers < n)
        ET_TRY(make_worker(a, &a->workers[a->n_workers++]));
    return ET_OK;
}

/* Tells the kernel the cells of loudspeakers and microphones. */
static enum et_status connect(struct et__acoustic *a)
{
    const struct et__acoustic_geometry *g = &a->geometry;
    size_t dx = g->strip[ET__WAVE_LEFT], dy = g->strip[ET__WAVE_BOTTOM];
    size_t n = g->n_speakers + g->n_microphones, (*places)[2] = et_alloc(n, sizeof *places);
    if (!places) return ET_NOMEM;
    for (size_t i = 0; i < n; i++) {
        const struct et__acoustic_spot *spot =
            i < g->n_speakers ? &g->speakers[i] : &g->microphones[i - g->n_speakers];
        places[i][0] = spot->x + dx;
        places[i][1] = spot->y + dy;
    }
    const size_t(*given)[2] = (const size_t(*)[2])places;
    enum et_status status = et__wave_ports_create(&a->ports, &a->plan, given, g->n_speakers,
                                                  given + g->n_speakers, g->n_microphones);
    et_free(places);
    return status;
}

static enum et_status open_acoustic(void *state, const struct et_config *config, uint64_t seed)
{
    struct et__acoustic *a = state;
    const struct et_config *membranes = et_config_at(config, "membranes", 0);
    double saturation = et_config_real(membranes, "saturation");
    bool nonlinear = et_config_bool(membranes, "nonlinear");
    a->seed = seed;
    a->calibrated = et_config_bool(config, "calibrate");
    static const int orders[] = {2, 4}; /* as the parameter lists them */
    a->geometry.order = orders[et_config_choice(config, "order")];
    a->geometry.precision =
        et_config_choice(config, "precision") == 0 ? ET__WAVE_SINGLE : ET__WAVE_DOUBLE;
    ET_TRY(et__acoustic_geometry_read(&a->geometry, config, seed));
    ET_TRY(et__acoustic_signal_read(&a->signal, config, &a->geometry));

    struct et__wave_membrane membrane = {
        .beta = et_config_real(membranes, "absorption") * a->signal.dt,
        .stiffening = et_config_real(membranes, "stiffening"),
        .inverse_saturation2 = nonlinear ? 1 / (saturation * saturation) : 0,
    };
    ET_TRY(et__acoustic_geometry_plan(&a->geometry, a->signal.dt, &membrane, &a->plan));
    a->lanes = et__acoustic_lanes(&a->plan);
    a->n_in = a->geometry.n_speakers * a->signal.n_carriers;
    a->n_out = a->geometry.n_microphones * a->signal.n_bins;

    if (!(a->scales = et_alloc(a->n_out, sizeof *a->scales))) return ET_NOMEM;
    for (size_t i = 0; i < a->n_out; i++)
        a->scales[i] = 1.0F;
    if (!(a->levels = et_alloc(a->n_out, sizeof *a->levels))) return ET_NOMEM;
    size_t nx = a->geometry.nx, ny = a->geometry.ny;
    float *frame = et_alloc(nx * ny, sizeof *frame);
    if (!frame) return ET_NOMEM;
    a->frame = et_view_of(frame, ny, nx);
    ET_TRY(make_workers(a));
    ET_TRY(connect(a));
    return et__acoustic_calibrate(a, config);
}

static void describe(const void *state, struct et_system_info *info)
{
    const struct et__acoustic *a = state;
    info->n_in = a->n_in;
    info->n_out = a->n_out;
    info->in_min = 0.0F;
    info->in_max = 1.0F;
    info->in_unit = "of full drive";
    info->out_unit = a->calibrated ? "of 94th percentile" : "Pa";
    info->latency_s = (double)(a->signal.transient + a->signal.window) * a->signal.dt;
    info->traits = a->noise_Pa > 0.0F ? ET_NOISY : 0;
}

void et__acoustic_for_groups(const struct et__acoustic *a, size_t n, et_parallel_body *body,
                             void *user)
{
    bool one_fills_all = a->lanes == 1 && a->plan.fetch_ahead;
    size_t together = one_fills_all ? n - n % et_parallel_threads() : n;
    et_parallel_for(together, body, user);
    for (size_t i = together; i < n; i++)
        body(user, i, 0);
}

struct batch {
    struct et__acoustic *acoustic;
    const struct et_step *step;
    struct et_view x, y;
    size_t first; /* group of index 0 */
};

static void run_group(void *user, size_t index, size_t worker)
{
    const struct batch *batch = user;
    struct et__acoustic *a = batch->acoustic;
    struct et__acoustic_worker *w = &a->workers[worker];
    size_t group = batch->first + index, first = group * a->lanes;
    size_t n = batch->x.rows - first < a->lanes ? batch->x.rows - first : a->lanes;
    struct et_view y = et_view_rows(batch->y, first, n);
    et__acoustic_pass(a, w, et_view_rows(batch->x, first, n), y, NULL, a->observer && group == 0);
    for (size_t i = 0; i < n; i++) {
        float *row = y.data + i * y.stride;
        if (a->noise_Pa > 0.0F) {
            et_rng_fill_normal(
                et_rng_derive(batch->step->seed, a->seed), ET_STREAM_NOISE, batch->step->index,
                et_step_sample(batch->step, first + i) * a->n_out, w->noise, a->n_out);
            for (size_t o = 0; o < a->n_out; o++)
                row[o] += a->noise_Pa * w->noise[o];
        }
        for (size_t o = 0; o < a->n_out; o++)
            row[o] *= a->scales[o];
    }
}

static enum et_status forward(void *state, const struct et_step *step, struct et_view x,
                              struct et_view y)
{
    struct et__acoustic *a = state;
    struct batch batch = {.acoustic = a, .step = step, .x = x, .y = y};
    size_t groups = (x.rows + a->lanes - 1) / a->lanes;
    if (a->observer) { /* frames come from the calling thread, before the rest of the batch */
        run_group(&batch, 0, 0);
        batch.first = 1;
    }
    et__acoustic_for_groups(a, groups - batch.first, run_group, &batch);
    return ET_OK;
}

static void observe(void *state, const struct et_observer *observer)
{
    struct et__acoustic *a = state;
    a->observer = NULL;
    if (!observer || !observer->frame || observer->every == 0) return;
    a->observed = *observer;
    a->observer = &a->observed;
}

static void close_acoustic(void *state)
{
    struct et__acoustic *a = state;
    for (size_t i = 0; a->workers && i < a->n_workers; i++) {
        et__wave_field_destroy(&a->workers[i].field);
        et_free(a->workers[i].drives);
        et_free(a->workers[i].sound);
        et_free(a->workers[i].trace);
        et_free(a->workers[i].noise);
    }
    et_free(a->workers);
    et__wave_ports_destroy(&a->ports);
    et_free(a->scales);
    et_free(a->levels);
    et_free(a->frame.data);
    et__wave_plan_destroy(&a->plan);
    et__acoustic_signal_free(&a->signal);
    et__acoustic_geometry_free(&a->geometry);
}

const struct et_system_type et_system_acoustic = {
    .name = "acoustic",
    .summary = "2-D nonlinear acoustic cavity: loudspeakers with amplitude-coded tones, "
               "microphones that hear spectra",
    .state_size = sizeof(struct et__acoustic),
    .params = et__acoustic_params,
    .open = open_acoustic,
    .describe = describe,
    .forward = forward,
    .observe = observe,
    .close = close_acoustic,
};
