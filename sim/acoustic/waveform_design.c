/* SPDX-License-Identifier: Apache-2.0
 *
 * From knobs to a map of the speed of sound, and back for gradients.
 *
 * Each knob rho in [0, 1] belongs to a square of block x block cells.  Over the cells of the region
 *     r_i = sum_j w(i - j) rho_j / sum_j w(i - j),     w(d) = max(0, 1 - |d| / R)     (blur)
 *     p_i = [tanh(b t) + tanh(b (r_i - t))] / [tanh(b t) + tanh(b (1 - t))]           (projection)
 *     c_i = c_low + (c_high - c_low) p_i
 * A radius R below one cell leaves out the blur, a sharpness b = 0 the projection (p = r).  Cells
 * of rigid bodies stay rigid.
 *
 * Source: filter and projection of topology optimisation, Wang, Lazarov and Sigmund, Structural
 * and Multidisciplinary Optimization 43:767 (2011); for waves in Hughes et al., Science Advances
 * 5:eaay6946 (2019). */
#include "waveform.h"

#include <math.h>

static double rounded(double length, double cell)
{
    return round(length / cell);
}

/* Its walls' damping and a loudspeaker's strength depend on the speed of their cell: those stay
 * out of the region. */
static enum et_status check_place(const struct et__design *d, const struct et_config *record,
                                  const struct et__acoustic_geometry *g)
{
    if (d->x < 1 || d->y < 1 || d->x + d->nx + 1 > g->nx || d->y + d->ny + 1 > g->ny)
        return et_config_error(record, NULL,
                               "the region takes columns %zu to %zu and rows %zu to %zu; it must "
                               "stay one cell clear of the walls of %zu x %zu cells",
                               d->x, d->x + d->nx - 1, d->y, d->y + d->ny - 1, g->nx, g->ny);
    for (size_t i = 0; i < g->n_speakers; i++) {
        size_t x = g->speakers[i].x, y = g->speakers[i].y;
        if (x >= d->x && x < d->x + d->nx && y >= d->y && y < d->y + d->ny)
            return et_config_error(record, NULL, "loudspeaker %zu stands in the region", i);
    }
    return ET_OK;
}

static enum et_status read_place(struct et__design *d, const struct et_config *record,
                                 const struct et__acoustic_geometry *g)
{
    double nx = rounded(et_config_real(record, "width"), g->cell);
    double ny = rounded(et_config_real(record, "height"), g->cell);
    double x = rounded(et_config_real(record, "x") - 0.5 * nx * g->cell, g->cell);
    double y = rounded(et_config_real(record, "y") - 0.5 * ny * g->cell, g->cell);
    if (nx < 1 || ny < 1)
        return et_config_error(record, NULL, "a region of %g x %g cells; it needs 1 x 1", nx, ny);
    if (x < 0 || y < 0 || x + nx > (double)g->nx || y + ny > (double)g->ny)
        return et_config_error(record, NULL,
                               "the region reaches from (%g, %g) to (%g, %g) cells, outside the "
                               "cavity of %zu x %zu",
                               x, y, x + nx, y + ny, g->nx, g->ny);
    d->x = (size_t)x;
    d->y = (size_t)y;
    d->nx = (size_t)nx;
    d->ny = (size_t)ny;
    return check_place(d, record, g);
}

static enum et_status make_blur(struct et__design *d, double radius)
{
    /* no cell of the region is further away than its longer side, whatever the radius */
    double furthest = (double)(d->nx > d->ny ? d->nx : d->ny) - 1;
    d->reach = radius >= 1 ? (size_t)fmin(ceil(radius) - 1, furthest) : 0;
    size_t side = 2 * d->reach + 1;
    if (!(d->weights = et_alloc(side * side, sizeof *d->weights))) return ET_NOMEM;
    for (size_t k = 0; k < side * side; k++) {
        size_t column = k % side, row = k / side;
        double dx = (double)column - (double)d->reach, dy = (double)row - (double)d->reach;
        d->weights[k] = d->reach > 0 ? fmax(0, 1 - sqrt(dx * dx + dy * dy) / radius) : 1;
    }
    return ET_OK;
}

enum et_status et__design_read(struct et__design *d, const struct et_config *config,
                               const struct et__acoustic_geometry *g)
{
    const struct et_config *record = et_config_at(config, "design", 0);
    if (et_config_real(record, "width") <= 0) return ET_OK;
    ET_TRY(read_place(d, record, g));
    d->low = et_config_real(record, "speed_low");
    d->high = et_config_real(record, "speed_high");
    d->sharpness = et_config_real(record, "sharpness");
    d->threshold = et_config_real(record, "threshold");
    d->block = (size_t)et_config_int(record, "block");
    d->columns = (d->nx + d->block - 1) / d->block;
    d->n_knobs = d->columns * ((d->ny + d->block - 1) / d->block);
    ET_TRY(make_blur(d, et_config_real(record, "blur") / g->cell));
    size_t cells = d->nx * d->ny;
    if (!(d->density = et_alloc(cells, sizeof *d->density))) return ET_NOMEM;
    if (!(d->rigid = et_alloc(cells, sizeof *d->rigid))) return ET_NOMEM;
    if (!(d->knobs = et_alloc(d->n_knobs, sizeof *d->knobs))) return ET_NOMEM;
    for (size_t i = 0; i < cells; i++)
        d->rigid[i] = g->speeds[(d->y + i / d->nx) * g->nx + d->x + i % d->nx] <= 0.0F;
    return ET_OK;
}

void et__design_free(struct et__design *d)
{
    et_free(d->weights);
    et_free(d->density);
    et_free(d->rigid);
    et_free(d->knobs);
}

static size_t knob_of(const struct et__design *d, size_t x, size_t y)
{
    return y / d->block * d->columns + x / d->block;
}

/* Calls visit for all neighbours j of cell (x, y) with their weights. */
typedef void visit_fn(void *user, size_t at, double weight);

static void around(const struct et__design *d, size_t x, size_t y, visit_fn *visit, void *user)
{
    size_t reach = d->reach, side = 2 * reach + 1;
    for (size_t ky = y < reach ? reach - y : 0; ky < side && y + ky < d->ny + reach; ky++)
        for (size_t kx = x < reach ? reach - x : 0; kx < side && x + kx < d->nx + reach; kx++)
            visit(user, (y + ky - reach) * d->nx + x + kx - reach, d->weights[ky * side + kx]);
}

struct blur {
    const struct et__design *design;
    double sum, weight, share;
    float *dknobs;
};

static void gather(void *user, size_t at, double weight)
{
    struct blur *blur = user;
    const struct et__design *d = blur->design;
    blur->sum += weight * (double)d->knobs[knob_of(d, at % d->nx, at / d->nx)];
    blur->weight += weight;
}

static void scatter(void *user, size_t at, double weight)
{
    struct blur *blur = user;
    const struct et__design *d = blur->design;
    blur->dknobs[knob_of(d, at % d->nx, at / d->nx)] += (float)(weight * blur->share);
}

static double project(const struct et__design *d, double r, double *slope)
{
    const double linear = 1e-8; /* below, tanh is its argument to the last bit */
    double b = d->sharpness, t = d->threshold;
    *slope = 1;
    if (b < linear) return r;
    double scale = 1 / (tanh(b * t) + tanh(b * (1 - t))), step = tanh(b * (r - t));
    *slope = scale * b * (1 - step * step);
    return scale * (tanh(b * t) + step);
}

void et__design_apply(struct et__design *d, const float *knobs, struct et__acoustic_geometry *g)
{
    for (size_t k = 0; k < d->n_knobs; k++)
        d->knobs[k] = knobs[k];
    for (size_t i = 0; i < d->nx * d->ny; i++) {
        double slope;
        struct blur blur = {.design = d};
        around(d, i % d->nx, i / d->nx, gather, &blur);
        d->density[i] = blur.sum / blur.weight;
        double speed = d->low + (d->high - d->low) * project(d, d->density[i], &slope);
        if (!d->rigid[i]) g->speeds[(d->y + i / d->nx) * g->nx + d->x + i % d->nx] = (float)speed;
    }
}

void et__design_pullback(const struct et__design *d, const double *dspeed, float *dknobs)
{
    for (size_t k = 0; k < d->n_knobs; k++)
        dknobs[k] = 0;
    for (size_t i = 0; i < d->nx * d->ny; i++) {
        double slope;
        struct blur blur = {.design = d, .dknobs = dknobs};
        if (d->rigid[i]) continue;
        around(d, i % d->nx, i / d->nx, gather, &blur);
        project(d, d->density[i], &slope);
        blur.share = dspeed[i] * (d->high - d->low) * slope / blur.weight;
        around(d, i % d->nx, i / d->nx, scatter, &blur);
    }
}
