/* SPDX-License-Identifier: Apache-2.0
 *
 * The camera's area: the mean of |E|^2 over pixels or regions.  What its electronics make of that
 * is kernels/camera.h. */
#include "diffraction.h"

#include <math.h>
#include <string.h>

static enum et_status read_pixels(struct et__diffraction *d, const struct et_config *config)
{
    struct et__sensor *c = &d->sensor;
    size_t n[2], first[2];
    ET_TRY(et__diffraction_fit(d, config, "a camera", "binning", c->binning, n, first));
    c->nx = n[0];
    c->ny = n[1];
    c->left = first[0];
    c->bottom = first[1];
    c->n_out = c->nx * c->ny;
    return ET_OK;
}

/* First sample and number of samples of an extent along an axis of the window. */
static enum et_status read_extent(const struct et_config *region, const char *centre_name,
                                  const char *width_name, double dx, size_t window, size_t *first,
                                  size_t *count)
{
    double centre = et_config_real(region, centre_name), width = et_config_real(region, width_name);
    const double half = 0.5 + 1e-9; /* edges in the middle of a sample are rounded up, both */
    double from = floor((centre - 0.5 * width) / dx + 0.5 * (double)window + half);
    double to = floor((centre + 0.5 * width) / dx + 0.5 * (double)window + half);
    if (from < 0 || to > (double)window)
        return et_config_error(region, centre_name,
                               "a region from %g to %g m is outside the window, %g to %g m",
                               centre - 0.5 * width, centre + 0.5 * width,
                               -0.5 * (double)window * dx, 0.5 * (double)window * dx);
    if (to <= from)
        return et_config_error(region, width_name, "%s = %g m covers no sample of %g m", width_name,
                               width, dx);
    *first = (size_t)from;
    *count = (size_t)(to - from);
    return ET_OK;
}

static enum et_status read_regions(struct et__diffraction *d, const struct et_config *config)
{
    struct et__sensor *c = &d->sensor;
    c->n_out = et_config_count(config, "regions");
    if (!(c->regions = et_alloc(c->n_out, sizeof *c->regions))) return ET_NOMEM;
    for (size_t i = 0; i < c->n_out; i++) {
        const struct et_config *region = et_config_at(config, "regions", i);
        size_t *r = c->regions[i];
        ET_TRY(read_extent(region, "x", "width", d->dx, d->angular.nx, &r[0], &r[2]));
        ET_TRY(read_extent(region, "y", "height", d->dx, d->angular.ny, &r[1], &r[3]));
    }
    return ET_OK;
}

enum et_status et__sensor_read(struct et__diffraction *d, const struct et_config *config)
{
    const struct et_config *sensor = et_config_at(config, "sensor", 0);
    d->sensor.binning = (size_t)et_config_int(sensor, "binning");
    return et_config_count(sensor, "regions") > 0 ? read_regions(d, sensor)
                                                  : read_pixels(d, sensor);
}

/* First sample and size of output o. */
static void find_rectangle(const struct et__sensor *c, size_t o, size_t r[4])
{
    if (c->regions) {
        memcpy(r, c->regions[o], sizeof c->regions[o]);
        return;
    }
    r[0] = c->left + o % c->nx * c->binning;
    r[1] = c->bottom + o / c->nx * c->binning;
    r[2] = r[3] = c->binning;
}

void et__sensor_collect(const struct et__diffraction *d, const float complex *field,
                        float *intensity)
{
    for (size_t o = 0; o < d->sensor.n_out; o++) {
        size_t r[4];
        float sum = 0;
        find_rectangle(&d->sensor, o, r);
        for (size_t y = r[1]; y < r[1] + r[3]; y++) {
            const float complex *e = field + y * d->angular.pitch;
            for (size_t x = r[0]; x < r[0] + r[2]; x++)
                sum += crealf(e[x]) * crealf(e[x]) + cimagf(e[x]) * cimagf(e[x]);
        }
        intensity[o] = sum / (float)(r[2] * r[3]);
    }
}

void et__sensor_back(const struct et__diffraction *d, const float *dintensity, float *weight,
                     float complex *field)
{
    const struct et__sensor *c = &d->sensor;
    const size_t nx = d->angular.nx, ny = d->angular.ny;
    memset(weight, 0, ny * nx * sizeof *weight);
    for (size_t o = 0; o < c->n_out; o++) {
        size_t r[4];
        find_rectangle(c, o, r);
        float share = dintensity[o] / (float)(r[2] * r[3]);
        for (size_t y = r[1]; y < r[1] + r[3]; y++)
            for (size_t x = r[0]; x < r[0] + r[2]; x++)
                weight[y * nx + x] += share; /* regions may overlap */
    }
    for (size_t y = 0; y < ny; y++)
        for (size_t x = 0; x < nx; x++)
            field[y * d->angular.pitch + x] *= weight[y * nx + x];
}
