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
 * open faces.
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
                      float *decay, float *rate, float *pull, float *sigma)
{
    for (size_t i = 0; i <= n; i++) {
        double z = sigma_dt(m, (double)i, low, n);
        decay[i] = (float)((1 - 0.5 * z) / (1 + 0.5 * z));
        rate[i] = (float)(0.5 / (1 + 0.5 * z));
        pull[i] = (float)(0.5 * z / (1 + 0.5 * z));
        if (i < n) sigma[i] = (float)sigma_dt(m, (double)i + 0.5, low, n);
    }
}

static bool full_row(const struct et__wave_pml *pml, size_t ny, size_t y)
{
    return y < pml->strip[ET__WAVE_BOTTOM] || y + pml->strip[ET__WAVE_TOP] >= ny;
}

/* Where each row of the auxiliary fields starts: rows that lie wholly in a strip have all cells,
 * the others those of the left and right strips. */
static void lay_out(struct et__wave_pml *pml, size_t nx, size_t ny)
{
    size_t left = pml->strip[ET__WAVE_LEFT], right = pml->strip[ET__WAVE_RIGHT];
    size_t split_faces = (left ? left + 1 : 0) + (right ? right + 1 : 0);
    for (size_t y = 0; y < ny; y++) {
        pml->phi_x[y] = pml->n_phi_x;
        pml->n_phi_x += full_row(pml, ny, y) ? nx + 1 : split_faces;
    }
    pml->phi_x[ny] = pml->n_phi_x;
    for (size_t y = 0; y <= ny; y++) {
        bool full = (y < ny && full_row(pml, ny, y)) || (y > 0 && full_row(pml, ny, y - 1));
        pml->phi_y[y] = pml->n_phi_y;
        pml->n_phi_y += full ? nx : left + right;
    }
}

bool et__wave_pml_has(const struct et__wave_pml *pml, size_t nx, size_t ny, size_t x, size_t y)
{
    return full_row(pml, ny, y) || x < pml->strip[ET__WAVE_LEFT] ||
           x + pml->strip[ET__WAVE_RIGHT] >= nx;
}

/* The strips' cells are linear and lossless apart from the layer. */
static void fill_cells(struct et__wave_plan *plan, const struct et__wave_medium *m)
{
    for (size_t y = 0; y < m->ny; y++) {
        for (size_t x = 0; x < m->nx; x++) {
            if (!et__wave_pml_has(&plan->pml, m->nx, m->ny, x, y)) continue;
            size_t i = (y + 1) * plan->pitch + plan->left + x;
            double courant2 = (double)m->courant2[y * m->nx + x];
            double zx = (double)plan->pml.x_sigma[x], zy = (double)plan->pml.y_sigma[y];
            double beta = 0.5 * (zx + zy), gamma = 0.25 * zx * zy;
            plan->gain[i] = (float)(courant2 / (1 + beta + gamma));
            plan->keep[i] = (float)((1 - beta + gamma) / (1 + beta + gamma));
            plan->open[i] += (float)(4 * gamma / courant2);
        }
    }
}

enum et_status et__wave_pml_create(struct et__wave_plan *plan, const struct et__wave_medium *m)
{
    struct et__wave_pml *pml = &plan->pml;
    size_t nx = m->nx, ny = m->ny;
    for (size_t side = 0; side < ET__WAVE_SIDES; side++)
        pml->strip[side] = m->strip[side];
    if (!(pml->x_decay = et_alloc(nx + 1, sizeof(float)))) return ET_NOMEM;
    if (!(pml->x_rate = et_alloc(nx + 1, sizeof(float)))) return ET_NOMEM;
    if (!(pml->x_pull = et_alloc(nx + 1, sizeof(float)))) return ET_NOMEM;
    if (!(pml->x_sigma = et_alloc(nx, sizeof(float)))) return ET_NOMEM;
    if (!(pml->y_decay = et_alloc(ny + 1, sizeof(float)))) return ET_NOMEM;
    if (!(pml->y_rate = et_alloc(ny + 1, sizeof(float)))) return ET_NOMEM;
    if (!(pml->y_pull = et_alloc(ny + 1, sizeof(float)))) return ET_NOMEM;
    if (!(pml->y_sigma = et_alloc(ny, sizeof(float)))) return ET_NOMEM;
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
    float *arrays[] = {pml->x_decay, pml->x_rate, pml->x_pull, pml->x_sigma,
                       pml->y_decay, pml->y_rate, pml->y_pull, pml->y_sigma};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        et_free(arrays[i]);
    et_free(pml->phi_x);
    et_free(pml->phi_y);
}
