/* SPDX-License-Identifier: Apache-2.0
 *
 * Decomposition of a unitary matrix into cells.
 *
 * Right step: U T^H has a zero at (r, m), T on columns m and m + 1, when
 *     tan(theta/2) = |U_{r,m+1}| / |U_{r,m}|,   phi = arg U_{r,m} - arg U_{r,m+1} + pi
 * Left step: T U has a zero at (r + 1, j), T on rows r and r + 1, when
 *     tan(theta/2) = |U_{r,j}| / |U_{r+1,j}|,   phi = arg U_{r+1,j} - arg U_{r,j}
 *
 * Reck: right steps alone, row by row from the last one, leave a diagonal.  Clements: diagonals of
 * the lower left triangle in turn by right and left steps, and then the left cells go through the
 * diagonal D, the last one first: T^H D = D' T' with
 *     theta' = theta, phi' = arg d_m - arg d_{m+1},
 *     d'_m = -e^{-i theta - i phi} d_{m+1},   d'_{m+1} = -e^{-i theta} d_{m+1}
 * Source: Reck et al., PRL 73:58 (1994); Clements et al., Optica 3:1460 (2016). */
#include "mesh/mesh.h"

#include <etalon/array.h>

#include <math.h>

static const double pi = 3.14159265358979323846;

/* Which cell a step becomes: cells on the same two modes follow each other in the order of the
 * light. */
struct taken {
    const struct et__mesh_layout *layout;
    size_t *count; /* [n] cells taken on each pair of modes */
};

static size_t take(struct taken *taken, size_t m)
{
    const struct et__mesh_layout *l = taken->layout;
    size_t i = taken->count[m]++;
    size_t column = l->topology == ET__MESH_CLEMENTS ? m % 2 + 2 * i : m + 2 * i;
    return l->start[column] + (m - l->mode[l->start[column]]) / 2;
}

static double clean_arg(double complex z)
{
    return z == 0 ? 0 : carg(z);
}

static double wrap(double phase)
{
    double turned = fmod(phase, 2 * pi);
    return turned < 0 ? turned + 2 * pi : turned;
}

/* Zero at (row, m). */
static void right_step(double complex *u, size_t n, size_t row, size_t m, double *theta,
                       double *phi)
{
    double complex a = u[row * n + m], b = u[row * n + m + 1], t[4];
    *theta = 2 * atan2(cabs(b), cabs(a));
    *phi = wrap(clean_arg(a) - clean_arg(b) + pi);
    et__mesh_cell_matrix(&et__mesh_ideal, et__mesh_phasor(*theta), et__mesh_phasor(*phi), t);
    for (size_t i = 0; i < 4; i++)
        t[i] = conj(t[i]);
    for (size_t r = 0; r < n; r++) {
        double complex *p = u + r * n + m, left = p[0], right = p[1];
        p[0] = left * t[0] + right * t[1];
        p[1] = left * t[2] + right * t[3];
    }
    u[row * n + m] = 0;
}

/* Zero at (r + 1, column). */
static void left_step(double complex *u, size_t n, size_t r, size_t column, double *theta,
                      double *phi)
{
    double complex *upper = u + r * n, *lower = upper + n, t[4];
    *theta = 2 * atan2(cabs(upper[column]), cabs(lower[column]));
    *phi = wrap(clean_arg(lower[column]) - clean_arg(upper[column]));
    et__mesh_cell_matrix(&et__mesh_ideal, et__mesh_phasor(*theta), et__mesh_phasor(*phi), t);
    for (size_t k = 0; k < n; k++) {
        double complex a = upper[k], b = lower[k];
        upper[k] = t[0] * a + t[1] * b;
        lower[k] = t[2] * a + t[3] * b;
    }
    lower[column] = 0;
}

static void decompose_reck(struct taken *taken, double complex *u, double *phases)
{
    size_t n = taken->layout->n;
    for (size_t row = n - 1; row > 0; row--)
        for (size_t m = 0; m < row; m++) {
            double *p = phases + 2 * take(taken, m);
            right_step(u, n, row, m, p, p + 1);
        }
}

/* left [n_cells] keeps theta, phi and mode of the left steps. */
struct step {
    double theta, phi;
    size_t mode;
};

static void decompose_clements(struct taken *taken, double complex *u, struct step *left,
                               double *phases)
{
    size_t n = taken->layout->n, n_left = 0;
    for (size_t i = 0; i + 1 < n; i++)
        for (size_t j = 0; j <= i; j++) {
            if (i % 2 == 0) {
                double *p = phases + 2 * take(taken, i - j);
                right_step(u, n, n - 1 - j, i - j, p, p + 1);
            } else {
                struct step *step = &left[n_left++];
                step->mode = n - 2 + j - i;
                left_step(u, n, step->mode, j, &step->theta, &step->phi);
            }
        }
    while (n_left-- > 0) {
        const struct step *step = &left[n_left];
        size_t m = step->mode;
        double complex *d0 = &u[m * n + m], *d1 = &u[(m + 1) * n + m + 1];
        double *p = phases + 2 * take(taken, m);
        p[0] = step->theta;
        p[1] = wrap(carg(*d0) - carg(*d1));
        *d0 = -et__mesh_phasor(-step->theta - step->phi) * *d1;
        *d1 = -et__mesh_phasor(-step->theta) * *d1;
    }
}

enum et_status et__mesh_decompose(const struct et__mesh_layout *layout, double complex *u,
                                  double *phases)
{
    size_t n = layout->n;
    struct taken taken = {layout, et_alloc(n, sizeof *taken.count)};
    struct step *left = et_alloc(layout->n_cells, sizeof *left);
    enum et_status status = taken.count && left ? ET_OK : ET_NOMEM;
    if (status == ET_OK) {
        if (layout->topology == ET__MESH_RECK)
            decompose_reck(&taken, u, phases);
        else
            decompose_clements(&taken, u, left, phases);
        for (size_t w = 0; w < n; w++)
            phases[2 * layout->n_cells + w] = wrap(carg(u[w * n + w]));
    }
    et_free(taken.count);
    et_free(left);
    return status;
}
