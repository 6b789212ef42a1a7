/* SPDX-License-Identifier: Apache-2.0
 *
 * Perfectly matched layer of the scalar wave equation in second-order form: one field plus two
 * auxiliary fields that exist in the strips only.
 *
 * Stretching both axes, d/dx -> (1 / s_x) d/dx with s = 1 + sigma / (i omega), gives
 *     u_tt + (sigma_x + sigma_y) u_t + sigma_x sigma_y u = c^2 (Lap u + d_x phi_x + d_y phi_y)
 *     d_t phi_x = -sigma_x phi_x + (sigma_y - sigma_x) u_x,      phi_y likewise, x and y swapped.
 * Source: Grote and Sim, "Efficient PML for the wave equation", arXiv:1001.0319 (2010).
 *
 * Discretisation.  phi_x lives on the faces between x-neighbours, phi_y on those between
 * y-neighbours, each with sigma of its own axis taken at the face.  In time all fields share the
 * levels of u; phi is advanced by the trapezoidal rule and the term sigma_x sigma_y u is averaged
 * over (u_next + 2 u + u_prev) / 4.  With W = (2 / dt) tan(omega dt / 2) every operator then is the
 * continuous one with i omega replaced by i W, times cos^2(omega dt / 2) on the left: stepping in
 * time adds no reflection, only the sampling of sigma in space does.  With z = sigma dt,
 * beta = (z_x + z_y) / 2 and gamma = z_x z_y / 4,
 *     u_next = u + [(1 - beta + gamma)(u - u_prev) - 4 gamma u + C^2 (L + div phi)]
 *                  / (1 + beta + gamma)
 *     phi_next = [(1 - z/2) phi + (z_other - z)/2 (g_next + g)] / (1 + z/2),
 * g being the difference of u across the face.  The term 4 gamma u is folded into the number of
 * open faces.  In order 4, L is the wide Laplacian and g is widened likewise, (1 - L_axis / 12)
 * times the differences across the faces, so that div g is L where nothing is stretched.
 *
 * Profile: sigma(d) = sigma_max d^p, d in [0, 1] the depth, sigma_max = (p + 1) c ln(1/R0) / (2 D)
 * for a strip of thickness D (Collino and Tsogka, Geophysics 66:294, 2001). */
#include "wave.h"

#include <etalon/array.h>

#include <math.h>

/* sigma dt at a position on an axis of n cells whose sides are `low` and low + 1. */
static double sigma_dt(const struct et__wave_medium *m, double at, enum et__wave_side low, size_t n)
{
    double near = (double)m->strip[low] - at;
    double far = at - (double)(n - m->strip[low + 1U]);
    size_t side = near > 0 ? low : low + 1U;
    double cells = (double)m->strip[side], depth = near > 0 ? near : far;
    if (depth <= 0) return 0.0;
    double largest =
        (ET__WAVE_PML_POWER + 1) * m->pml_courant * log(1 / m->pml_reflection[side]) / (2 * cells);
    return largest * pow(depth / cells, ET__WAVE_PML_POWER);
}

static void fill_axis(const struct et__wave_medium *m, enum et__wave_side low, size_t n,
                      void *decay, void *rate, void *pull, void *sigma)
{
    enum et__wave_precision precision = m->precision;
    for (size_t i = 0; i <= n; i++) {
        double z = sigma_dt(m, (double)i, low, n);
        et__wave_put(precision, decay, i, (1 - 0.5 * z) / (1 + 0.5 * z));
        et__wave_put(precision, rate, i, 0.5 / (1 + 0.5 * z));
        et__wave_put(precision, pull, i, 0.5 * z / (1 + 0.5 * z));
        if (i < n) et__wave_put(precision, sigma, i, sigma_dt(m, (double)i + 0.5, low, n));
    }
}

/* Where each row of the auxiliary fields starts: rows that lie wholly in a strip have all cells,
 * the others those of the left and right strips. */
static void lay_out(struct et__wave_pml *pml, size_t nx, size_t ny)
{
    size_t left = pml->strip[ET__WAVE_LEFT], right = pml->strip[ET__WAVE_RIGHT];
    size_t split_faces = (left ? left + 1 : 0) + (right ? right + 1 : 0);
    for (size_t y = 0; y < ny; y++) {
        pml->phi_x[y] = pml->n_phi_x;
        pml->n_phi_x += et__wave_pml_row(pml, ny, y) ? nx + 1 : split_faces;
    }
    pml->phi_x[ny] = pml->n_phi_x;
    for (size_t y = 0; y <= ny; y++) {
        bool full =
            (y < ny && et__wave_pml_row(pml, ny, y)) || (y > 0 && et__wave_pml_row(pml, ny, y - 1));
        pml->phi_y[y] = pml->n_phi_y;
        pml->n_phi_y += full ? nx : left + right;
    }
}

size_t et__wave_pml_cut(const struct et__wave_plan *plan, size_t y,
                        struct et__wave_segment segments[2])
{
    const struct et__wave_pml *pml = &plan->pml;
    size_t left = pml->strip[ET__WAVE_LEFT], right = pml->strip[ET__WAVE_RIGHT];
    size_t bottom = pml->strip[ET__WAVE_BOTTOM], top = pml->strip[ET__WAVE_TOP];
    size_t phi_x = pml->phi_x[y], below = pml->phi_y[y], above = pml->phi_y[y + 1];
    if (et__wave_pml_row(pml, plan->ny, y)) {
        segments[0] = (struct et__wave_segment){0, plan->nx, phi_x, below, above};
        return 1;
    }
    size_t n = 0;
    if (left > 0) segments[n++] = (struct et__wave_segment){0, left, phi_x, below, above};
    if (right > 0) {
        /* faces towards a row that is wholly in a strip are stored for the full width */
        bool wide_below = bottom > 0 && y == bottom;
        bool wide_above = top > 0 && y + 1 + top == plan->ny;
        size_t first = plan->nx - right;
        segments[n++] = (struct et__wave_segment){first, right, phi_x + (left > 0 ? left + 1 : 0),
                                                  below + (wide_below ? first : left),
                                                  above + (wide_above ? first : left)};
    }
    return n;
}

/* open[i] += term, in the precision of the plan. */
static void add_corner(struct et__wave_plan *plan, size_t i, double term)
{
    if (plan->precision == ET__WAVE_SINGLE)
        ((float *)plan->open)[i] += (float)term;
    else
        ((double *)plan->open)[i] += term;
}

/* The strips' cells are linear and lossless apart from the layer. */
static void fill_cells(struct et__wave_plan *plan, const struct et__wave_medium *m)
{
    for (size_t y = 0; y < m->ny; y++) {
        for (size_t x = 0; x < m->nx; x++) {
            if (!et__wave_pml_has(&plan->pml, m->nx, m->ny, x, y)) continue;
            size_t i = et__wave_map_at(plan, x, y);
            double courant2 = m->courant2[y * m->nx + x];
            if (plan->precision == ET__WAVE_SINGLE) courant2 = (double)(float)courant2;
            double zx = et__wave_get(plan->precision, plan->pml.x_sigma, x);
            double zy = et__wave_get(plan->precision, plan->pml.y_sigma, y);
            double beta = 0.5 * (zx + zy), gamma = 0.25 * zx * zy;
            et__wave_put(plan->precision, plan->gain, i, courant2 / (1 + beta + gamma));
            et__wave_put(plan->precision, plan->keep, i, (1 - beta + gamma) / (1 + beta + gamma));
            add_corner(plan, i, 4 * gamma / courant2);
        }
    }
}

enum et_status et__wave_pml_create(struct et__wave_plan *plan, const struct et__wave_medium *m)
{
    struct et__wave_pml *pml = &plan->pml;
    size_t nx = m->nx, ny = m->ny;
    size_t real = et__wave_real(plan->precision);
    for (size_t side = 0; side < ET__WAVE_SIDES; side++)
        pml->strip[side] = m->strip[side];
    if (!(pml->x_decay = et_alloc(nx + 1, real))) return ET_NOMEM;
    if (!(pml->x_rate = et_alloc(nx + 1, real))) return ET_NOMEM;
    if (!(pml->x_pull = et_alloc(nx + 1, real))) return ET_NOMEM;
    if (!(pml->x_sigma = et_alloc(nx, real))) return ET_NOMEM;
    if (!(pml->y_decay = et_alloc(ny + 1, real))) return ET_NOMEM;
    if (!(pml->y_rate = et_alloc(ny + 1, real))) return ET_NOMEM;
    if (!(pml->y_pull = et_alloc(ny + 1, real))) return ET_NOMEM;
    if (!(pml->y_sigma = et_alloc(ny, real))) return ET_NOMEM;
    if (!(pml->phi_x = et_alloc(ny + 1, sizeof(size_t)))) return ET_NOMEM;
    if (!(pml->phi_y = et_alloc(ny + 1, sizeof(size_t)))) return ET_NOMEM;
    fill_axis(m, ET__WAVE_LEFT, nx, pml->x_decay, pml->x_rate, pml->x_pull, pml->x_sigma);
    fill_axis(m, ET__WAVE_BOTTOM, ny, pml->y_decay, pml->y_rate, pml->y_pull, pml->y_sigma);
    lay_out(pml, nx, ny);
    fill_cells(plan, m);
    return ET_OK;
}

void et__wave_pml_destroy(struct et__wave_pml *pml)
{
    void *arrays[] = {pml->x_decay, pml->x_rate, pml->x_pull, pml->x_sigma,
                      pml->y_decay, pml->y_rate, pml->y_pull, pml->y_sigma};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        et_free(arrays[i]);
    et_free(pml->phi_x);
    et_free(pml->phi_y);
}
