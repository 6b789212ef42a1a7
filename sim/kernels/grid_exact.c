/* SPDX-License-Identifier: Apache-2.0
 *
 * The same network by one Cholesky factorisation, as a reference.  Nodes are numbered a_ij, b_ij,
 * a_i(j+1), ...: neighbours along a bit line are 2 cols apart, which is the bandwidth. */
#include "kernels/grid.h"
#include "kernels/zmatrix.h"

#include <etalon/array.h>

/* Element (to, from) of the lower triangle in LAPACK's band storage of width `band`. */
static double *element(double *matrix, size_t band, size_t to, size_t from)
{
    return matrix + from * (band + 1) + (to - from);
}

static void connect(double *matrix, size_t band, size_t from, size_t to, double g)
{
    *element(matrix, band, from, from) += g;
    *element(matrix, band, to, to) += g;
    *element(matrix, band, to, from) -= g;
}

static void fill(const struct et__grid *grid, double *matrix, size_t band)
{
    const size_t rows = grid->rows, cols = grid->cols;
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < cols; j++) {
            size_t a = 2 * (i * cols + j), b = a + 1;
            connect(matrix, band, a, b, grid->g[i * cols + j]);
            if (j + 1 < cols) connect(matrix, band, a, a + 2, grid->wire);
            if (i + 1 < rows) connect(matrix, band, b, b + 2 * cols, grid->wire);
            if (j == 0) *element(matrix, band, a, a) += grid->source;
            if (i + 1 == rows) *element(matrix, band, b, b) += grid->sense;
        }
}

enum et_status et__grid_solve_exact(const struct et__grid *grid, const double *v, const double *u,
                                    size_t lanes, double *a, double *b)
{
    const size_t rows = grid->rows, cols = grid->cols, n = 2 * rows * cols, band = 2 * cols;
    double *matrix = et_alloc(n, (band + 1) * sizeof *matrix);
    double *x = et_alloc(n, lanes * sizeof *x);
    enum et_status status = matrix && x ? ET_OK : ET_NOMEM;
    if (status == ET_OK) {
        fill(grid, matrix, band);
        for (size_t l = 0; l < lanes; l++) {
            for (size_t i = 0; i < rows; i++)
                x[l * n + 2 * i * cols] += grid->source * v[i * lanes + l];
            for (size_t j = 0; u != NULL && j < cols; j++)
                x[l * n + 2 * ((rows - 1) * cols + j) + 1] += grid->sense * u[j * lanes + l];
        }
        status = et__band_solve(matrix, n, band, x, lanes);
    }
    for (size_t i = 0; status == ET_OK && i < rows * cols; i++)
        for (size_t l = 0; l < lanes; l++) {
            a[i * lanes + l] = x[l * n + 2 * i];
            b[i * lanes + l] = x[l * n + 2 * i + 1];
        }
    et_free(matrix);
    et_free(x);
    return status;
}
