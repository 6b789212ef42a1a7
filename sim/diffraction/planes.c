/* SPDX-License-Identifier: Apache-2.0
 *
 * The window and the planes behind the modulator: what they do to the light, and whether the
 * samples can show it. */
#include "diffraction.h"

#include <etalon/rng.h>

#include <math.h>
#include <stdio.h>

#define PI 3.14159265358979323846

/* Frequencies on each side of the axis that have to pass, for a picture worth the name. */
enum { ORDERS_MIN = 8, PADDING_MAX = 16 };

static double place(size_t i, size_t n, double dx)
{
    return ((double)i - 0.5 * (double)(n - 1)) * dx;
}

/* -------------------------------------------------------------------------------- the window -- */

/* The modulator, a mask or a camera in the middle of an axis of the window. */
static enum et_status centre(const struct et_config *config, const char *name, const char *what,
                             size_t size, size_t window, size_t *first)
{
    if (size > window)
        return et_config_error(config, name, "%s of %zu samples is larger than the window of %zu",
                               what, size, window);
    if ((window - size) % 2 != 0)
        return et_config_error(config, name,
                               "%s of %zu samples cannot be centred in a window of %zu: both must "
                               "be even or both odd",
                               what, size, window);
    *first = (window - size) / 2;
    return ET_OK;
}

enum et_status et__diffraction_fit(const struct et__diffraction *d, const struct et_config *config,
                                   const char *what, const char *size, size_t samples, size_t n[2],
                                   size_t first[2])
{
    const size_t window[2] = {d->angular.nx, d->angular.ny};
    static const char *const names[2] = {"nx", "ny"};
    for (int axis = 0; axis < 2; axis++) {
        n[axis] = (size_t)et_config_int(config, names[axis]);
        if (n[axis] == 0 && window[axis] % samples != 0)
            return et_config_error(config, size,
                                   "pixels of %zu samples do not divide a window of %zu", samples,
                                   window[axis]);
        if (n[axis] == 0) n[axis] = window[axis] / samples;
        ET_TRY(centre(config, names[axis], what, n[axis] * samples, window[axis], &first[axis]));
    }
    return ET_OK;
}

static enum et_status read_window(struct et__diffraction *d, const struct et_config *config)
{
    const struct et_config *window = et_config_at(config, "window", 0);
    struct et__modulator *m = &d->slm;
    size_t nx = (size_t)et_config_int(window, "nx"), ny = (size_t)et_config_int(window, "ny");
    if (nx == 0) nx = m->nx * m->samples;
    if (ny == 0) ny = m->ny * m->samples;
    ET_TRY(centre(window, "nx", "a modulator", m->nx * m->samples, nx, &m->left));
    ET_TRY(centre(window, "ny", "a modulator", m->ny * m->samples, ny, &m->bottom));
    double size = (double)(nx < ny ? nx : ny) * d->dx;
    if (size <= d->wavelength)
        return et_config_error(config, "wavelength",
                               "wavelength = %g m is not below the window's %g m: all of its "
                               "structure is evanescent",
                               d->wavelength, size);
    d->edge = et_config_real(window, "edge");
    d->band_limit = et_config_bool(window, "band_limit");
    return et__angular_create(&d->angular, ny, nx, (size_t)et_config_int(window, "padding"));
}

/* --------------------------------------------------------------------------- resolved space -- */

/* The frequency that has to pass along an axis of n samples and p padded ones. */
static double wanted(const struct et__diffraction *d, size_t p)
{
    double du = 1 / ((double)p * d->dx), k = 1 / d->wavelength;
    double most = fmin(0.5 / d->dx, k); /* all there is */
    return d->band_limit ? fmin(ORDERS_MIN * du, most) : most;
}

/* The distance up to which `wanted` passes. */
static double reach(const struct et__diffraction *d, size_t p)
{
    double du = 1 / ((double)p * d->dx), ratio = 1 / (d->wavelength * wanted(d, p));
    return sqrt(fmax(0, ratio * ratio - 1)) / (2 * du);
}

static enum et_status check_distance(const struct et__diffraction *d, const struct et_config *layer,
                                     double distance)
{
    bool narrow = d->angular.px <= d->angular.py;
    size_t p = narrow ? d->angular.px : d->angular.py, n = narrow ? d->angular.nx : d->angular.ny;
    double most = reach(d, p);
    if (distance <= most) return ET_OK;
    char advice[96] = "no padding helps, a wider window does";
    for (size_t padding = 1; padding <= PADDING_MAX; padding++)
        if (reach(d, padding * n) >= distance) {
            snprintf(advice, sizeof advice, "window.padding = %zu would do", padding);
            break;
        }
    if (d->band_limit) {
        struct et__space space = {d->wavelength, d->dx, distance, d->edge, true};
        double orders = (double)p * d->dx;
        return et_config_error(layer, "distance",
                               "distance = %g m leaves %.1f frequencies of the band, fewer than "
                               "%.3g: at most %.4g m with this window; %s",
                               distance, orders * et__space_limit(&space, p), orders * wanted(d, p),
                               most, advice);
    }
    return et_config_error(layer, "distance",
                           "distance = %g m aliases: without band limit at most %.4g m with this "
                           "window; %s",
                           distance, most, advice);
}

/* ------------------------------------------------------------------------------------ masks -- */

void et__plane_apply_phases(const struct et__diffraction *d, struct et__plane *plane)
{
    for (size_t j = 0; j < plane->ny * plane->samples; j++) {
        const float *phase = plane->phase + j / plane->samples * plane->nx;
        float complex *row = plane->mask + (plane->bottom + j) * d->angular.nx + plane->left;
        for (size_t i = 0; i < plane->nx; i++) {
            float p = plane->step > 0 ? plane->step * rintf(phase[i] / plane->step) : phase[i];
            float complex factor = CMPLXF(cosf(p), sinf(p));
            for (size_t k = 0; k < plane->samples; k++)
                row[i * plane->samples + k] = factor;
        }
    }
}

/* Pixels of a phase plane or diffuser. */
static enum et_status read_pixels(struct et__diffraction *d, struct et__plane *plane, size_t index,
                                  const struct et_config *layer)
{
    size_t n[2], first[2];
    plane->samples = (size_t)et_config_int(layer, "samples");
    ET_TRY(et__diffraction_fit(d, layer, "a mask", "samples", plane->samples, n, first));
    plane->nx = n[0];
    plane->ny = n[1];
    plane->left = first[0];
    plane->bottom = first[1];
    size_t count = plane->nx * plane->ny;
    if (!(plane->phase = et_alloc(count, sizeof *plane->phase))) return ET_NOMEM;
    bool knobs = plane->kind == ET__MASK_PHASE;
    int64_t bits = knobs ? et_config_int(layer, "bits") : 0;
    plane->step = bits > 0 ? (float)(2 * PI / (double)(1 << bits)) : 0.0F;
    if (!knobs || et_config_choice(layer, "init") == 1)
        et_rng_fill_uniform(d->seed, knobs ? ET_STREAM_INIT : ET_STREAM_MISMATCH, (uint32_t)index,
                            0, 0.0F, (float)et_config_real(layer, "depth"), plane->phase, count);
    if (knobs) {
        d->n_knobs += count;
        d->n_trained++;
    }
    et__plane_apply_phases(d, plane);
    return ET_OK;
}

/* Share of a sample at a distance from the centre that a clear part of that half width covers. */
static double clear(double distance, double half, double dx)
{
    return fmin(1, fmax(0, (half - distance) / dx + 0.5));
}

static enum et_status check_clear(const struct et__diffraction *d, const struct et__plane *plane,
                                  const struct et_config *layer)
{
    double size = (double)(d->angular.nx < d->angular.ny ? d->angular.nx : d->angular.ny) * d->dx;
    double diameter = et_config_real(layer, "diameter"), focal = et_config_real(layer, "focal");
    if (diameter > size)
        return et_config_error(layer, "diameter",
                               "diameter = %g m is larger than the window of %g m", diameter, size);
    if (diameter > 0 && diameter < 2 * d->dx)
        return et_config_error(
            layer, "diameter",
            "diameter = %g m is under-sampled by a field pitch of %g m: it needs "
            "a pitch of at most %g m",
            diameter, d->dx, 0.5 * diameter);
    if (plane->kind == ET__MASK_APERTURE) {
        if (diameter == 0)
            return et_config_error(layer, "diameter", "an aperture needs a diameter above 0 m");
        return ET_OK;
    }
    if (focal == 0) return et_config_error(layer, "focal", "a lens needs a focal length, not 0 m");
    double wide = (double)(d->angular.nx > d->angular.ny ? d->angular.nx : d->angular.ny) * d->dx;
    double radius = 0.5 * (diameter > 0 ? diameter : wide);
    double pitch = 0.5 * d->wavelength * sqrt(1 + focal * focal / (radius * radius));
    if (d->dx > pitch)
        return et_config_error(layer, "focal",
                               "a lens of focal = %g m is under-sampled %g m from its axis: a "
                               "field pitch of %g m is above %.4g m",
                               focal, radius, d->dx, pitch);
    return ET_OK;
}

/* Lens: the phase that turns a plane wave into a sphere around the focus, -k (sqrt(r^2 + f^2) - f).
 * Both: clear inside the diameter, edge samples in part. */
static enum et_status read_glass(const struct et__diffraction *d, const struct et__plane *plane,
                                 const struct et_config *layer)
{
    double focal = plane->kind == ET__MASK_LENS ? et_config_real(layer, "focal") : 0;
    double half = 0.5 * et_config_real(layer, "diameter"), k = 2 * PI / d->wavelength;
    bool square = et_config_choice(layer, "shape") == 1;
    ET_TRY(check_clear(d, plane, layer));
    for (size_t j = 0; j < d->angular.ny; j++)
        for (size_t i = 0; i < d->angular.nx; i++) {
            double x = place(i, d->angular.nx, d->dx), y = place(j, d->angular.ny, d->dx);
            double open = 1, r2 = x * x + y * y;
            if (half > 0)
                open = square ? clear(fabs(x), half, d->dx) * clear(fabs(y), half, d->dx)
                              : clear(sqrt(r2), half, d->dx);
            /* sqrt(r^2 + f^2) - |f| without cancellation. */
            double phase = focal == 0 ? 0 : -k * r2 / (sqrt(r2 + focal * focal) + fabs(focal));
            if (focal < 0) phase = -phase;
            plane->mask[j * d->angular.nx + i] =
                CMPLXF((float)(open * cos(phase)), (float)(open * sin(phase)));
        }
    return ET_OK;
}

static enum et_status read_plane(struct et__diffraction *d, struct et__plane *plane, size_t index,
                                 const struct et_config *layer)
{
    plane->kind = (enum et__mask_kind)et_config_choice(layer, "mask");
    plane->distance = et_config_real(layer, "distance");
    d->length += plane->distance;
    if (plane->distance > 0) {
        struct et__space space = {d->wavelength, d->dx, plane->distance, d->edge, d->band_limit};
        ET_TRY(check_distance(d, layer, plane->distance));
        ET_TRY(et__transfer_create(&plane->transfer, &d->angular));
        et__transfer_fill(&plane->transfer, &d->angular, &space);
    }
    if (plane->kind == ET__MASK_NONE) return ET_OK;
    plane->mask = et_alloc(d->angular.ny * d->angular.nx, sizeof *plane->mask);
    if (!plane->mask) return ET_NOMEM;
    if (plane->kind == ET__MASK_PHASE || plane->kind == ET__MASK_DIFFUSER)
        return read_pixels(d, plane, index, layer);
    return read_glass(d, plane, layer);
}

enum et_status et__diffraction_read(struct et__diffraction *d, const struct et_config *config)
{
    d->wavelength = et_config_real(config, "wavelength");
    ET_TRY(et__modulator_read(d, config));
    ET_TRY(read_window(d, config));
    size_t n = et_config_count(config, "layers");
    if (!(d->planes = et_alloc(n, sizeof *d->planes))) return ET_NOMEM;
    while (d->n_planes < n) {
        size_t index = d->n_planes++; /* close frees a plane that is half read */
        ET_TRY(read_plane(d, &d->planes[index], index, et_config_at(config, "layers", index)));
    }
    return et__sensor_read(d, config);
}
