/* SPDX-License-Identifier: Apache-2.0
 *
 * Block Gauss-Seidel over two blocks, the word lines and the bit lines.  Wires conduct thousands of
 * times better than cells, so a line is nearly at one potential; its own equations, which are
 * tridiagonal, hold most of the system, and the cells couple the blocks weakly.  For a symmetric
 * positive definite system the iteration converges whatever the values.
 *
 * Pivots do not depend on the right-hand side and are made once.  Inner loops run over lanes, and
 * along a bit line over neighbouring lines as well, so that they vectorise. */
#include "kernels/grid.h"

#include <math.h>
#include <string.h>

enum { L = ET__GRID_LANES };

/* Elimination with off-diagonals -w: pivot_0 = d_0, pivot_j = d_j - w^2 / pivot_(j-1). */
void et__grid_prepare(struct et__grid *grid)
{
    const size_t rows = grid->rows, cols = grid->cols;
    const double w = grid->wire;
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < cols; j++) {
            size_t n = i * cols + j;
            double pivot = grid->g[n] + (j == 0 ? grid->source : w) + (j + 1 < cols ? w : 0);
            if (j > 0) pivot -= w * w * grid->row_inverse[n - 1];
            grid->row_inverse[n] = 1 / pivot;
            pivot = grid->g[n] + (i == 0 ? 0 : w) + (i + 1 < rows ? w : grid->sense);
            if (i > 0) pivot -= w * w * grid->col_inverse[n - cols];
            grid->col_inverse[n] = 1 / pivot;
        }
}

/* One word line: forward elimination and back substitution in place. */
ET_VECTOR_CLONES static void solve_row(const double *restrict g, const double *restrict inverse,
                                       double w, double source, size_t cols,
                                       const double *restrict v, const double *restrict b,
                                       double *restrict a)
{
    double last[L];
    for (size_t l = 0; l < L; l++)
        last[l] = source * v[l];
    for (size_t j = 0; j < cols; j++) {
        double *to = a + j * L;
        for (size_t l = 0; l < L; l++) {
            to[l] = (g[j] * b[j * L + l] + last[l]) * inverse[j];
            last[l] = w * to[l];
        }
    }
    for (size_t j = cols - 1; j-- > 0;) {
        double *to = a + j * L, factor = w * inverse[j];
        for (size_t l = 0; l < L; l++)
            to[l] += factor * to[L + l];
    }
}

/* Elimination of one row of all bit lines; w = 0 at the first row. */
ET_VECTOR_CLONES static void eliminate(const double *restrict g, const double *restrict inverse,
                                       double w, size_t cols, const double *restrict a,
                                       const double *restrict above, double *restrict now)
{
    for (size_t j = 0; j < cols; j++)
        for (size_t l = 0; l < L; l++)
            now[j * L + l] = (g[j] * a[j * L + l] + w * above[j * L + l]) * inverse[j];
}

/* Currents of one lane: through the cells, and out of balance. */
struct balance {
    double through[L], off[L];
};

/* Back substitution of one row of all bit lines; w = 0 at the last row.  What a word line is off
 * by is what its cells draw more than at the last sweep. */
ET_VECTOR_CLONES static void substitute(const double *restrict g, const double *restrict inverse,
                                        double w, size_t cols, const double *restrict a,
                                        const double *restrict before, const double *restrict below,
                                        double *restrict now, struct balance *restrict sum)
{
    double through[L] = {0}, off[L] = {0};
    for (size_t j = 0; j < cols; j++) {
        double factor = w * inverse[j];
        for (size_t l = 0; l < L; l++) {
            size_t n = j * L + l;
            double b = now[n] + factor * below[n];
            through[l] += g[j] * fabs(a[n] - b);
            off[l] += g[j] * fabs(b - before[n]);
            now[n] = b;
        }
    }
    for (size_t l = 0; l < L; l++) {
        sum->through[l] += through[l];
        sum->off[l] += off[l];
    }
}

/* All bit lines, from a into `now`, compared with `before`. */
static struct balance solve_cols(const struct et__grid *grid, const double *u, const double *a,
                                 const double *before, double *now)
{
    const size_t rows = grid->rows, cols = grid->cols, row = cols * L, end = rows - 1;
    struct balance sum = {{0}, {0}};
    for (size_t i = 0; i < rows; i++)
        eliminate(grid->g + i * cols, grid->col_inverse + i * cols, i > 0 ? grid->wire : 0, cols,
                  a + i * row, i > 0 ? now + (i - 1) * row : before, now + i * row);
    if (u != NULL)
        for (size_t n = 0; n < row; n++)
            now[end * row + n] += grid->sense * u[n] * grid->col_inverse[end * cols + n / L];
    for (size_t i = rows; i-- > 0;)
        substitute(grid->g + i * cols, grid->col_inverse + i * cols, i < end ? grid->wire : 0, cols,
                   a + i * row, before + i * row, i < end ? now + (i + 1) * row : before,
                   now + i * row, &sum);
    return sum;
}

static double worst(const struct balance *sum)
{
    double most = 0;
    for (size_t l = 0; l < L; l++)
        if (sum->off[l] > 0) most = fmax(most, sum->off[l] / sum->through[l]);
    return most;
}

size_t et__grid_solve(const struct et__grid *grid, const double *v, const double *u,
                      double tolerance, size_t sweeps, double *a, double *b, double *spare,
                      double *imbalance)
{
    const size_t cols = grid->cols, row = cols * L;
    double *before = b, *now = spare;
    size_t done = 0;
    *imbalance = INFINITY;
    while (done < sweeps && !(*imbalance <= tolerance)) {
        for (size_t i = 0; i < grid->rows; i++)
            solve_row(grid->g + i * cols, grid->row_inverse + i * cols, grid->wire, grid->source,
                      cols, v + i * L, before + i * row, a + i * row);
        struct balance sum = solve_cols(grid, u, a, before, now);
        *imbalance = worst(&sum);
        double *swap = before;
        before = now;
        now = swap;
        done++;
    }
    if (before != b) memcpy(b, before, grid->rows * row * sizeof *b);
    return *imbalance <= tolerance ? done : 0;
}
