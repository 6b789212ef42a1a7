/* SPDX-License-Identifier: Apache-2.0
 *
 * The modulator: pixels of a finite fill factor, lit by a plane wave or a Gaussian beam.
 *
 * A sample at (x, y) of which the share c lies in a pixel has the field
 *     E = A(x, y) (c m + (1 - c) gap),   m = exp(i range x) or m = x. */
#include "diffraction.h"

#include <math.h>
#include <string.h>

/* Share of each sample along a pixel's edge that lies in the centred part of width sqrt(fill). */
static void fill_cover(struct et__modulator *m, double fill)
{
    double width = sqrt(fill) * (double)m->samples, middle = 0.5 * (double)m->samples;
    for (size_t i = 0; i < m->samples; i++) {
        double from = fmax((double)i, middle - 0.5 * width);
        double to = fmin((double)i + 1, middle + 0.5 * width);
        m->cover[i] = (float)fmax(0, to - from);
    }
}

/* Profile along an axis; waist 0 = plane. */
static void fill_light(float *light, size_t n, double dx, double waist)
{
    for (size_t i = 0; i < n; i++) {
        double place = ((double)i - 0.5 * (double)(n - 1)) * dx;
        light[i] = waist > 0 ? (float)exp(-place * place / (waist * waist)) : 1.0F;
    }
}

static enum et_status check_resolution(const struct et__diffraction *d, const struct et_config *slm,
                                       const struct et_config *light, bool gaussian)
{
    double waist = et_config_real(light, "waist"), fill = et_config_real(slm, "fill");
    if (fill < 1 && d->slm.samples == 1)
        return et_config_error(slm, "fill",
                               "fill = %g leaves gaps that a field pitch of %g m does not show: "
                               "samples must be at least 2, a pitch of at most %g m",
                               fill, d->dx, 0.5 * d->dx);
    if (gaussian && waist < 2 * d->dx)
        return et_config_error(light, "waist",
                               "waist = %g m is under-sampled by a field pitch of %g m: it needs a "
                               "pitch of at most %g m",
                               waist, d->dx, 0.5 * waist);
    return ET_OK;
}

enum et_status et__modulator_read(struct et__diffraction *d, const struct et_config *config)
{
    const struct et_config *slm = et_config_at(config, "slm", 0);
    const struct et_config *light = et_config_at(config, "light", 0);
    struct et__modulator *m = &d->slm;
    int64_t bits = et_config_int(slm, "bits");
    bool gaussian = et_config_choice(light, "profile") == 1;
    m->nx = (size_t)et_config_int(slm, "nx");
    m->ny = (size_t)et_config_int(slm, "ny");
    m->samples = (size_t)et_config_int(slm, "samples");
    m->phase = et_config_choice(slm, "modulation") == 0;
    m->range = (float)et_config_real(slm, "range");
    m->gap = (float)et_config_real(slm, "gap");
    m->levels = bits > 0 ? (float)((1 << bits) - 1) : 0.0F;
    d->dx = et_config_real(slm, "pitch") / (double)m->samples;
    ET_TRY(check_resolution(d, slm, light, gaussian));

    size_t width = m->nx * m->samples, height = m->ny * m->samples;
    if (!(m->cover = et_alloc(m->samples, sizeof *m->cover))) return ET_NOMEM;
    if (!(m->light_x = et_alloc(width, sizeof *m->light_x))) return ET_NOMEM;
    if (!(m->light_y = et_alloc(height, sizeof *m->light_y))) return ET_NOMEM;
    double waist = gaussian ? et_config_real(light, "waist") : 0;
    fill_cover(m, et_config_real(slm, "fill"));
    fill_light(m->light_x, width, d->dx, waist);
    fill_light(m->light_y, height, d->dx, waist);
    return ET_OK;
}

/* What the pixels of a row do to the light. */
static void modulate(const struct et__modulator *m, const float *x, float complex *pixel)
{
    for (size_t i = 0; i < m->nx; i++) {
        float value = m->levels > 0 ? rintf(x[i] * m->levels) / m->levels : x[i];
        pixel[i] =
            m->phase ? CMPLXF(cosf(m->range * value), sinf(m->range * value)) : CMPLXF(value, 0.0F);
    }
}

void et__modulator_shine(const struct et__diffraction *d, struct et__diffraction_worker *w,
                         const float *x)
{
    const struct et__modulator *m = &d->slm;
    memset(w->field, 0, d->angular.ny * d->angular.pitch * sizeof *w->field);
    for (size_t y = 0; y < m->ny * m->samples; y++) {
        if (y % m->samples == 0) modulate(m, x + y / m->samples * m->nx, w->pixel);
        float complex *row = w->field + (m->bottom + y) * d->angular.pitch + m->left;
        float cover_y = m->cover[y % m->samples];
        for (size_t i = 0, s = 0; i < m->nx; i++)
            for (size_t k = 0; k < m->samples; k++, s++) {
                float cover = cover_y * m->cover[k], light = m->light_y[y] * m->light_x[s];
                float rest = (1.0F - cover) * m->gap;
                row[s] = CMPLXF(light * (cover * crealf(w->pixel[i]) + rest),
                                light * (cover * cimagf(w->pixel[i])));
            }
    }
}

void et__modulator_back(const struct et__diffraction *d, struct et__diffraction_worker *w,
                        const float *x, float *dx)
{
    const struct et__modulator *m = &d->slm;
    for (size_t j = 0; j < m->ny; j++) {
        modulate(m, x + j * m->nx, w->pixel);
        for (size_t i = 0; i < m->nx; i++) {
            float re = 0, im = 0; /* of g, weighted by what the pixel contributes to each sample */
            for (size_t k = 0; k < m->samples; k++) {
                size_t y = j * m->samples + k, s = i * m->samples;
                const float complex *g =
                    w->field + (m->bottom + y) * d->angular.pitch + m->left + s;
                for (size_t l = 0; l < m->samples; l++) {
                    float weight = m->light_y[y] * m->light_x[s + l] * m->cover[k] * m->cover[l];
                    re += weight * crealf(g[l]);
                    im += weight * cimagf(g[l]);
                }
            }
            /* dL = 2 Re(conj(g) dm), dm = i range m dx or dx. */
            float pr = crealf(w->pixel[i]), pi = cimagf(w->pixel[i]);
            dx[j * m->nx + i] = m->phase ? 2 * m->range * (im * pr - re * pi) : 2 * re;
        }
    }
}
