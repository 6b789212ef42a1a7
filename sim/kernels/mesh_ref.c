/* SPDX-License-Identifier: Apache-2.0
 *
 * The mesh kernels written plainly, one sample after the other. */
#include "kernels/mesh.h"

#include <complex.h>
#include <math.h>

static float complex get(const float *field, size_t mode, size_t lane)
{
    const float *at = field + mode * ET__MESH_TILE + lane;
    return CMPLXF(at[0], at[ET__MESH_LANES]);
}

static void put(float *field, size_t mode, size_t lane, float complex value)
{
    float *at = field + mode * ET__MESH_TILE + lane;
    at[0] = crealf(value);
    at[ET__MESH_LANES] = cimagf(value);
}

void et__mesh_sweep_ref(const struct et__mesh_plan *plan, float *field)
{
    for (size_t lane = 0; lane < ET__MESH_LANES; lane++) {
        for (size_t i = 0; i < plan->n_cells; i++) {
            const struct et__mesh_cell *k = &plan->cell[i];
            size_t mode = plan->mode[i];
            float complex m = CMPLXF(k->q_re, k->q_im) * get(field, mode, lane);
            float complex lower = get(field, mode + 1, lane);
            put(field, mode, lane, k->s * m + k->c * lower);
            put(field, mode + 1, lane, k->c * m - k->s * lower);
        }
        for (size_t w = 0; w < plan->n; w++)
            put(field, w, lane,
                CMPLXF(plan->out[2 * w], plan->out[2 * w + 1]) * get(field, w, lane));
    }
}

/* The adjoint of a cell on one field, divided by `power`. */
static void back_cell(const struct et__mesh_cell *k, float power, float *field, size_t mode,
                      size_t lane)
{
    float complex upper = get(field, mode, lane), lower = get(field, mode + 1, lane);
    float complex m = (k->s * upper + k->c * lower) / power;
    put(field, mode, lane, conjf(CMPLXF(k->q_re, k->q_im)) * m);
    put(field, mode + 1, lane, (k->c * upper - k->s * lower) / power);
}

static void add_sums(struct et__mesh_sums *sums, const float *u, const float *g, size_t mode,
                     size_t lane)
{
    float complex u0 = get(u, mode, lane), u1 = get(u, mode + 1, lane);
    float complex g0 = get(g, mode, lane), g1 = get(g, mode + 1, lane);
    float complex z = conjf(g0) * u1 - g1 * conjf(u0);
    sums->a0 += (double)cimagf(g0 * conjf(u0));
    sums->a1 += (double)cimagf(g1 * conjf(u1));
    sums->z_re += (double)crealf(z);
    sums->z_im += (double)cimagf(z);
}

void et__mesh_back_ref(const struct et__mesh_plan *plan, float *u, float *g,
                       struct et__mesh_sums *sums, double *phase)
{
    for (size_t lane = 0; lane < ET__MESH_LANES; lane++) {
        for (size_t w = 0; w < plan->n; w++) {
            float complex back = conjf(CMPLXF(plan->out[2 * w], plan->out[2 * w + 1]));
            if (sums) {
                phase[w] += (double)cimagf(get(g, w, lane) * conjf(get(u, w, lane)));
                put(u, w, lane, back * get(u, w, lane));
            }
            put(g, w, lane, back * get(g, w, lane));
        }
        for (size_t i = plan->n_cells; i-- > 0;) {
            const struct et__mesh_cell *k = &plan->cell[i];
            size_t mode = plan->mode[i];
            if (sums) {
                add_sums(&sums[i], u, g, mode, lane);
                back_cell(k, k->s * k->s + k->c * k->c, u, mode, lane);
            }
            back_cell(k, 1, g, mode, lane);
        }
    }
}

void et__mesh_product_ref(const float *m, size_t rows, size_t columns, bool real, const float *x,
                          float *z)
{
    for (size_t lane = 0; lane < ET__MESH_LANES; lane++)
        for (size_t r = 0; r < rows; r++) {
            float complex sum = 0;
            for (size_t k = 0; k < columns; k++) {
                const float *at = m + 2 * (r * columns + k);
                float complex in = get(x, k, lane);
                sum += CMPLXF(at[0], at[1]) * (real ? crealf(in) : in);
            }
            put(z, r, lane, sum);
        }
}
