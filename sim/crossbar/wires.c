/* SPDX-License-Identifier: Apache-2.0
 *
 * What the resistance of the wires leaves of an array.
 *
 * The network is linear: with a unit voltage at word line k and none at the others, the currents
 * into the amplifiers are column k of an effective matrix, solved once for each programming.
 *
 * Backwards: A_ok = sense b_o(k).  The network's matrix K is symmetric, so with the potentials
 * lambda(o) of a unit voltage at amplifier o,
 *
 *     dA_ok / dg_ij = - (lambda_a - lambda_b)_ij(o) (a - b)_ij(k)
 *
 * and for a loss with dL/dA = D the sum over o is one solution with voltages D_ok at the
 * amplifiers: two solutions for each k give the gradient by all cells. */
#include "crossbar/crossbar.h"
#include "kernels/grid.h"

#include <etalon/parallel.h>

#include <math.h>
#include <string.h>

enum { L = ET__GRID_LANES };

enum et_status et__wires_work_create(struct et__wires_work *w, size_t rows, size_t cols)
{
    double **const cell[] = {&w->g, &w->row_inverse, &w->col_inverse, &w->sum};
    double **const lanes[] = {&w->field[0], &w->field[1], &w->field[2], &w->field[3], &w->spare};
    for (size_t i = 0; i < sizeof cell / sizeof *cell; i++)
        if ((*cell[i] = et_alloc(rows * cols, sizeof(double))) == NULL) return ET_NOMEM;
    for (size_t i = 0; i < sizeof lanes / sizeof *lanes; i++)
        if ((*lanes[i] = et_alloc(rows * cols, L * sizeof(double))) == NULL) return ET_NOMEM;
    w->v = et_alloc(rows, L * sizeof *w->v);
    w->zero = et_alloc(rows, L * sizeof *w->zero);
    w->u = et_alloc(cols, L * sizeof *w->u);
    return w->v && w->zero && w->u ? ET_OK : ET_NOMEM;
}

void et__wires_work_destroy(struct et__wires_work *w)
{
    double *const all[] = {w->g,        w->row_inverse, w->col_inverse, w->sum,
                           w->field[0], w->field[1],    w->field[2],    w->field[3],
                           w->spare,    w->v,           w->u,           w->zero};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        et_free(all[i]);
    *w = (struct et__wires_work){0};
}

/* Array `index`: tile index / 2, the positive cells when even. */
struct array {
    struct et__block block;
    const float *cells;
    bool negative;
};

static struct array find_array(const struct et__crossbar *s, size_t index)
{
    size_t tile = index / 2;
    return (struct array){
        et__crossbar_block(s, tile / s->n_col_tiles, tile % s->n_col_tiles),
        index % 2 ? s->minus : s->plus,
        index % 2 != 0,
    };
}

static struct et__grid load(const struct et__crossbar *s, const struct array *array,
                            struct et__wires_work *w)
{
    const struct et__block *block = &array->block;
    double unit = 1e6 / (s->cell.gmax - s->cell.gmin); /* of 1 / ohm */
    struct et__grid grid = {block->rows,
                            block->cols,
                            unit / s->wire,
                            unit / (s->wire + s->driver),
                            unit / (s->wire + s->amplifier),
                            w->g,
                            w->row_inverse,
                            w->col_inverse};
    for (size_t i = 0; i < block->rows; i++)
        for (size_t j = 0; j < block->cols; j++)
            w->g[i * block->cols + j] =
                (double)array->cells[(block->o + j) * s->n_in + block->k + i];
    et__grid_prepare(&grid);
    return grid;
}

/* Fields of unit voltages at word lines k to k + L - 1. */
static void solve_unit(const struct et__crossbar *s, const struct et__grid *grid, size_t k,
                       struct et__wires_work *w, double *worst)
{
    double imbalance;
    memset(w->v, 0, grid->rows * L * sizeof *w->v);
    for (size_t l = 0; l < L && k + l < grid->rows; l++)
        w->v[(k + l) * L + l] = 1;
    memset(w->field[1], 0, grid->rows * grid->cols * L * sizeof(double));
    et__grid_solve(grid, w->v, NULL, s->tolerance, s->sweeps, w->field[0], w->field[1], w->spare,
                   &imbalance);
    *worst = fmax(*worst, imbalance);
}

static void reduce_array(void *user, size_t index, size_t worker)
{
    struct et__crossbar *s = user;
    struct et__wires_work *w = &s->work[worker].wires;
    struct array array = find_array(s, index);
    struct et__block block = array.block;
    struct et__grid grid = load(s, &array, w);
    float *to = array.negative ? s->dm : s->m;
    double worst = 0;
    for (size_t k = 0; k < block.rows; k += L) {
        solve_unit(s, &grid, k, w, &worst);
        const double *lowest = w->field[1] + (block.rows - 1) * block.cols * L;
        for (size_t j = 0; j < block.cols; j++)
            for (size_t l = 0; l < L && k + l < block.rows; l++)
                to[(block.o + j) * s->n_in + block.k + k + l] =
                    (float)(grid.sense * lowest[j * L + l]);
    }
    s->imbalance[index] = worst;
}

/* The arrays' currents are subtracted; a read noise loses what its pair's currents lose. */
static void subtract(void *user, size_t o, size_t worker)
{
    (void)worker;
    struct et__crossbar *s = user;
    for (size_t i = o * s->n_in; i < (o + 1) * s->n_in; i++) {
        float cells = s->plus[i] + s->minus[i], left = s->m[i] + s->dm[i];
        s->m[i] -= s->dm[i];
        if (!s->variance || cells <= 0) continue;
        float ratio = fminf(left / cells, 1);
        s->variance[i] *= ratio * ratio;
        s->variance_slope[i] *= ratio * ratio;
    }
}

static enum et_status judge(const struct et__crossbar *s, size_t arrays)
{
    for (size_t i = 0; i < arrays; i++)
        if (!(s->imbalance[i] <= s->tolerance))
            return et_error_set(ET_NUMERIC,
                                "the wires of array %zu: %g of the currents do not balance after "
                                "%zu sweeps, more than tolerance = %g",
                                i, s->imbalance[i], s->sweeps, s->tolerance);
    return ET_OK;
}

enum et_status et__crossbar_wires(struct et__crossbar *s)
{
    size_t arrays = 2 * s->n_row_tiles * s->n_col_tiles;
    et_parallel_for(arrays, reduce_array, s);
    ET_TRY(judge(s, arrays));
    et_parallel_for(s->n_out, subtract, s);
    return ET_OK;
}

static void differentiate_array(void *user, size_t index, size_t worker)
{
    struct et__crossbar *s = user;
    struct et__wires_work *w = &s->work[worker].wires;
    struct array array = find_array(s, index);
    struct et__block block = array.block;
    struct et__grid grid = load(s, &array, w);
    size_t cells = block.rows * block.cols;
    double worst = 0, imbalance;
    memset(w->sum, 0, cells * sizeof *w->sum);
    for (size_t k = 0; k < block.rows; k += L) {
        solve_unit(s, &grid, k, w, &worst);
        memset(w->u, 0, block.cols * L * sizeof *w->u);
        for (size_t j = 0; j < block.cols; j++)
            for (size_t l = 0; l < L && k + l < block.rows; l++)
                w->u[j * L + l] = (double)s->dm[(block.o + j) * s->n_in + block.k + k + l];
        memset(w->field[3], 0, cells * L * sizeof(double));
        et__grid_solve(&grid, w->zero, w->u, s->tolerance, s->sweeps, w->field[2], w->field[3],
                       w->spare, &imbalance);
        worst = fmax(worst, imbalance);
        for (size_t n = 0; n < cells; n++)
            for (size_t l = 0; l < L; l++)
                w->sum[n] -= (w->field[0][n * L + l] - w->field[1][n * L + l]) *
                             (w->field[2][n * L + l] - w->field[3][n * L + l]);
    }
    for (size_t i = 0; i < block.rows; i++)
        for (size_t j = 0; j < block.cols; j++) {
            size_t place = (block.o + j) * s->n_in + block.k + i;
            if ((s->weight[place] < 0) == array.negative)
                s->dg[place] = (float)w->sum[i * block.cols + j];
        }
    s->imbalance[index] = worst;
}

enum et_status et__crossbar_wires_back(struct et__crossbar *s)
{
    size_t arrays = 2 * s->n_row_tiles * s->n_col_tiles;
    et_parallel_for(arrays, differentiate_array, s);
    return judge(s, arrays);
}
