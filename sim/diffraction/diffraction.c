/* SPDX-License-Identifier: Apache-2.0
 *
 * Diffraction: a modulator, planes behind it, a camera.
 *
 *     E_0 = A m(x)                 what the pixels do to the illumination (modulator.c)
 *     E_l = M_l P_l E_(l-1)        free space (kernels/angular.h), then the mask of plane l
 *     y   = mean of |E_L|^2        over camera pixels, with the camera's faults (camera.c)
 *
 * The camera's square makes y nonlinear in x, and so does a phase modulator.
 *
 * Adjoint.  With g = dL/dE* the loss changes by dL = 2 Re sum conj(g) dE.  Behind the camera
 * g = dy E / pixel; a mask takes g to conj(M) g, free space to conj(H) in the spectrum; a phase p
 * of a trained plane, dE = i E dp, gets dL/dp = -2 Im sum conj(g) E over its samples.  The camera's
 * noise is that of the same step, held fixed; the rounding of inputs, phases and outputs counts as
 * absent (straight-through).
 *
 * Samples of a batch run in parallel, each on one thread.  Gradients of knobs are added sample by
 * sample in rising order. */
#include "diffraction.h"

#include <etalon/parallel.h>
#include <etalon/rng.h>

#include <math.h>
#include <string.h>

/* Samples whose gradients of the knobs are kept apart at a time. */
enum { GROUP = 16 };

static enum et_status make_worker(const struct et__diffraction *d, struct et__diffraction_worker *w)
{
    const struct et__angular *a = &d->angular;
    size_t samples = a->ny * a->nx, n_out = d->sensor.n_out;
    if (!(w->field = et_alloc(a->ny * a->pitch, sizeof *w->field))) return ET_NOMEM;
    if (!(w->scratch = et_alloc(a->py * ET__ANGULAR_BLOCK, sizeof *w->scratch))) return ET_NOMEM;
    if (!(w->kept = et_alloc(d->n_trained * samples, sizeof *w->kept))) return ET_NOMEM;
    if (!(w->weight = et_alloc(samples, sizeof *w->weight))) return ET_NOMEM;
    if (!(w->intensity = et_alloc(n_out, sizeof *w->intensity))) return ET_NOMEM;
    if (!(w->pixel = et_alloc(d->slm.nx, sizeof *w->pixel))) return ET_NOMEM;
    return ET_OK;
}

static enum et_status make_workspaces(struct et__diffraction *d)
{
    size_t n = et_parallel_threads();
    if (!(d->workers = et_alloc(n, sizeof *d->workers))) return ET_NOMEM;
    while (d->n_workers < n)
        ET_TRY(make_worker(d, &d->workers[d->n_workers++]));
    if (!(d->gradients = et_alloc(GROUP * d->n_knobs, sizeof *d->gradients))) return ET_NOMEM;
    if (d->length > 0) ET_TRY(et__transfer_create(&d->look, &d->angular));
    float *frame = et_alloc(d->angular.ny * d->angular.nx, sizeof *frame);
    if (!frame) return ET_NOMEM;
    d->frame = et_view_of(frame, d->angular.ny, d->angular.nx);
    return ET_OK;
}

/* -------------------------------------------------------------------------------- one sample -- */

static void apply_mask(const struct et__diffraction *d, const float complex *mask,
                       float complex *field, bool adjoint)
{
    const float sign = adjoint ? -1.0F : 1.0F;
    for (size_t y = 0; y < d->angular.ny; y++) {
        float complex *e = field + y * d->angular.pitch;
        const float complex *m = mask + y * d->angular.nx;
        for (size_t x = 0; x < d->angular.nx; x++) {
            float mr = crealf(m[x]), mi = sign * cimagf(m[x]), re = crealf(e[x]), im = cimagf(e[x]);
            e[x] = CMPLXF(re * mr - im * mi, re * mi + im * mr);
        }
    }
}

/* From modulator to camera; keep: fields behind trained planes go to w->kept. */
static void carry(const struct et__diffraction *d, struct et__diffraction_worker *w, const float *x,
                  bool keep)
{
    float complex *kept = w->kept;
    const size_t nx = d->angular.nx;
    et__modulator_shine(d, w, x);
    for (size_t l = 0; l < d->n_planes; l++) {
        const struct et__plane *plane = &d->planes[l];
        if (plane->transfer.h)
            et__angular_step(&d->angular, &plane->transfer, w->field, w->scratch, false);
        if (plane->mask) apply_mask(d, plane->mask, w->field, false);
        if (!keep || plane->kind != ET__MASK_PHASE) continue;
        for (size_t y = 0; y < d->angular.ny; y++, kept += nx)
            memcpy(kept, w->field + y * d->angular.pitch, nx * sizeof *kept);
    }
}

/* dphase [ny][nx] of a plane from g and the field behind it. */
static void phase_gradient(const struct et__diffraction *d, const struct et__plane *plane,
                           const float complex *field, const float complex *g, float *dphase)
{
    memset(dphase, 0, plane->nx * plane->ny * sizeof *dphase);
    for (size_t j = 0; j < plane->ny * plane->samples; j++) {
        const float complex *e = field + (plane->bottom + j) * d->angular.nx + plane->left;
        const float complex *h = g + (plane->bottom + j) * d->angular.pitch + plane->left;
        float *row = dphase + j / plane->samples * plane->nx;
        for (size_t i = 0; i < plane->nx * plane->samples; i++)
            row[i / plane->samples] -=
                2 * (crealf(h[i]) * cimagf(e[i]) - cimagf(h[i]) * crealf(e[i]));
    }
}

/* From w->intensity, which holds dL/dI, back to g at the modulator; dknobs [n_knobs] or NULL. */
static void carry_back(const struct et__diffraction *d, struct et__diffraction_worker *w,
                       float *dknobs)
{
    const size_t samples = d->angular.ny * d->angular.nx;
    const float complex *kept = w->kept + d->n_trained * samples;
    size_t knob = d->n_knobs;
    et__sensor_back(d, w->intensity, w->weight, w->field);
    for (size_t l = d->n_planes; l-- > 0;) {
        const struct et__plane *plane = &d->planes[l];
        if (plane->kind == ET__MASK_PHASE && dknobs) {
            kept -= samples;
            knob -= plane->nx * plane->ny;
            phase_gradient(d, plane, kept, w->field, dknobs + knob);
        }
        if (plane->mask) apply_mask(d, plane->mask, w->field, true);
        if (plane->transfer.h)
            et__angular_step(&d->angular, &plane->transfer, w->field, w->scratch, true);
    }
}

/* ----------------------------------------------------------------------------------- frames -- */

static void show(struct et__diffraction *d, const float complex *field, size_t look, double z)
{
    for (size_t y = 0; y < d->angular.ny; y++)
        for (size_t x = 0; x < d->angular.nx; x++) {
            float complex e = field[y * d->angular.pitch + x];
            d->frame.data[y * d->frame.stride + x] = crealf(e) * crealf(e) + cimagf(e) * cimagf(e);
        }
    d->observed.frame(d->observed.user, look, z / ET__LIGHT_SPEED, d->frame, d->dx,
                      "of illumination");
}

/* The intensity at every observed look between modulator and camera.  The field at a look comes
 * from the last plane before it, in one stretch; it is made anew each time, which is slow and needs
 * no second buffer. */
static void show_all(struct et__diffraction *d, struct et__diffraction_worker *w, const float *x)
{
    for (size_t look = 0; look <= d->looks; look += d->observed.every) {
        double z = d->length * (double)look / (double)d->looks, rest = z;
        et__modulator_shine(d, w, x);
        for (size_t l = 0; l < d->n_planes && (rest > 0 || d->planes[l].distance == 0); l++) {
            const struct et__plane *plane = &d->planes[l];
            /* The sum of all distances may round to a little less than the last one. */
            bool whole = plane->distance <= rest * (1 + 1e-12);
            if (!whole) {
                struct et__space space = {d->wavelength, d->dx, rest, d->edge, d->band_limit};
                et__transfer_fill(&d->look, &d->angular, &space);
                et__angular_step(&d->angular, &d->look, w->field, w->scratch, false);
                break;
            }
            if (plane->transfer.h)
                et__angular_step(&d->angular, &plane->transfer, w->field, w->scratch, false);
            if (plane->mask) apply_mask(d, plane->mask, w->field, false);
            rest -= plane->distance;
        }
        show(d, w->field, look, z);
    }
}

static void observe(void *state, const struct et_observer *observer)
{
    struct et__diffraction *d = state;
    d->observer = NULL;
    if (!observer || !observer->frame || observer->every == 0) return;
    d->observed = *observer;
    d->observer = &d->observed;
}

/* ---------------------------------------------------------------------------------- opening -- */

/* The camera's exposure from what it sees of random inputs. */
static enum et_status set_exposure(struct et__diffraction *d)
{
    enum { SAMPLES = 16 };
    struct et__diffraction_worker *w = &d->workers[0];
    size_t n_in = d->slm.nx * d->slm.ny, n_out = d->sensor.n_out;
    float *x = et_alloc(n_in, sizeof *x), *seen = et_alloc(SAMPLES * n_out, sizeof *seen);
    enum et_status status = x && seen ? ET_OK : ET_NOMEM;
    for (size_t i = 0; status == ET_OK && i < SAMPLES; i++) {
        et_rng_fill_uniform(d->seed, ET_STREAM_INIT, UINT32_MAX, i * n_in, 0, 1, x, n_in);
        carry(d, w, x, false);
        et__sensor_collect(d, w->field, seen + i * n_out);
    }
    if (status == ET_OK) status = et__camera_expose(&d->camera, seen, SAMPLES * n_out);
    et_free(x);
    et_free(seen);
    return status;
}

static enum et_status open_diffraction(void *state, const struct et_config *config, uint64_t seed)
{
    struct et__diffraction *d = state;
    d->seed = seed;
    d->looks = (size_t)et_config_int(config, "looks");
    ET_TRY(et__diffraction_read(d, config));
    ET_TRY(et__camera_read(&d->camera, et_config_at(config, "camera", 0), seed, "of illumination"));
    double exposure = et_config_real(et_config_at(config, "sensor", 0), "time");
    double settle = et_config_real(et_config_at(config, "slm", 0), "settle");
    double power = et_config_real(et_config_at(config, "light", 0), "power");
    d->latency_s = exposure > 0 ? settle + d->length / ET__LIGHT_SPEED + exposure : (double)NAN;
    d->energy_J = exposure > 0 && power > 0 ? power * exposure : (double)NAN;
    ET_TRY(make_workspaces(d));
    return et__camera_wants_exposure(&d->camera) ? set_exposure(d) : ET_OK;
}

static void describe(const void *state, struct et_system_info *info)
{
    const struct et__diffraction *d = state;
    info->n_in = d->slm.nx * d->slm.ny;
    info->n_out = d->sensor.n_out;
    info->n_knobs = d->n_knobs;
    info->in_min = 0.0F;
    info->in_max = 1.0F;
    info->in_unit = d->slm.phase ? "of phase range" : "of full amplitude";
    info->out_unit = d->camera.unit;
    info->knob_unit = "rad";
    info->latency_s = d->latency_s;
    info->energy_J = d->energy_J;
    info->traits = ET_HAS_VJP;
    if (d->n_knobs > 0) info->traits |= ET_HAS_KNOBS;
    if (d->camera.noisy) info->traits |= ET_NOISY;
}

/* --------------------------------------------------------------------------------- the batch -- */

struct batch {
    struct et__diffraction *d;
    const struct et_step *step;
    struct et_view x, y; /* y: dy of a way back */
    struct et_view dx;
    size_t first;  /* row of index 0 */
    float *dknobs; /* NULL: not asked for */
};

static void forward_sample(void *user, size_t index, size_t worker)
{
    const struct batch *batch = user;
    const struct et__diffraction *d = batch->d;
    struct et__diffraction_worker *w = &d->workers[worker];
    float *y = batch->y.data + index * batch->y.stride;
    carry(d, w, batch->x.data + index * batch->x.stride, false);
    et__sensor_collect(d, w->field, y);
    et__camera_read_row(&d->camera, batch->step, index, y, y, d->sensor.n_out);
}

static enum et_status forward(void *state, const struct et_step *step, struct et_view x,
                              struct et_view y)
{
    struct et__diffraction *d = state;
    struct batch batch = {.d = d, .step = step, .x = x, .y = y};
    if (d->observer) show_all(d, &d->workers[0], x.data);
    et_parallel_for(x.rows, forward_sample, &batch);
    return ET_OK;
}

static void back_sample(void *user, size_t index, size_t worker)
{
    const struct batch *batch = user;
    const struct et__diffraction *d = batch->d;
    struct et__diffraction_worker *w = &d->workers[worker];
    size_t row = batch->first + index;
    const float *x = batch->x.data + row * batch->x.stride;
    carry(d, w, x, batch->dknobs != NULL);
    et__sensor_collect(d, w->field, w->intensity);
    et__camera_read_row_back(&d->camera, batch->step, row, w->intensity,
                             batch->y.data + row * batch->y.stride, w->intensity, d->sensor.n_out);
    carry_back(d, w, batch->dknobs ? d->gradients + index * d->n_knobs : NULL);
    et__modulator_back(d, w, x, batch->dx.data + row * batch->dx.stride);
}

static enum et_status vjp(void *state, const struct et_step *step, struct et_view x,
                          struct et_view dy, struct et_view dx, float *dknobs)
{
    struct et__diffraction *d = state;
    struct batch batch = {.d = d, .step = step, .x = x, .y = dy, .dx = dx};
    batch.dknobs = d->n_knobs > 0 ? dknobs : NULL;
    if (batch.dknobs) memset(dknobs, 0, d->n_knobs * sizeof *dknobs);
    for (batch.first = 0; batch.first < x.rows; batch.first += GROUP) {
        size_t n = x.rows - batch.first < GROUP ? x.rows - batch.first : GROUP;
        et_parallel_for(n, back_sample, &batch);
        for (size_t r = 0; batch.dknobs && r < n; r++)
            for (size_t k = 0; k < d->n_knobs; k++)
                dknobs[k] += d->gradients[r * d->n_knobs + k];
    }
    return ET_OK;
}

/* ------------------------------------------------------------------------------------ knobs -- */

static enum et_status set_knobs(void *state, const float *knobs)
{
    struct et__diffraction *d = state;
    for (size_t l = 0; l < d->n_planes; l++) {
        struct et__plane *plane = &d->planes[l];
        if (plane->kind != ET__MASK_PHASE) continue;
        memcpy(plane->phase, knobs, plane->nx * plane->ny * sizeof *knobs);
        knobs += plane->nx * plane->ny;
        et__plane_apply_phases(d, plane);
    }
    return ET_OK;
}

static void get_knobs(const void *state, float *knobs)
{
    const struct et__diffraction *d = state;
    for (size_t l = 0; l < d->n_planes; l++) {
        const struct et__plane *plane = &d->planes[l];
        if (plane->kind != ET__MASK_PHASE) continue;
        memcpy(knobs, plane->phase, plane->nx * plane->ny * sizeof *knobs);
        knobs += plane->nx * plane->ny;
    }
}

static void close_diffraction(void *state)
{
    struct et__diffraction *d = state;
    for (size_t i = 0; d->workers && i < d->n_workers; i++) {
        et_free(d->workers[i].field);
        et_free(d->workers[i].scratch);
        et_free(d->workers[i].kept);
        et_free(d->workers[i].weight);
        et_free(d->workers[i].intensity);
        et_free(d->workers[i].pixel);
    }
    et_free(d->workers);
    for (size_t l = 0; d->planes && l < d->n_planes; l++) {
        et__transfer_destroy(&d->planes[l].transfer);
        et_free(d->planes[l].mask);
        et_free(d->planes[l].phase);
    }
    et_free(d->planes);
    et_free(d->slm.cover);
    et_free(d->slm.light_x);
    et_free(d->slm.light_y);
    et_free(d->sensor.regions);
    et_free(d->gradients);
    et_free(d->frame.data);
    et__transfer_destroy(&d->look);
    et__angular_destroy(&d->angular);
}

const struct et_system_type et_system_diffraction = {
    .name = "diffraction",
    .summary = "Optics: phase or amplitude modulator, masks and lenses in free space, camera.",
    .state_size = sizeof(struct et__diffraction),
    .params = et__diffraction_params,
    .open = open_diffraction,
    .describe = describe,
    .forward = forward,
    .set_knobs = set_knobs,
    .get_knobs = get_knobs,
    .vjp = vjp,
    .observe = observe,
    .close = close_diffraction,
};
