/* SPDX-License-Identifier: Apache-2.0
 *
 * The arrays of a crossbar: products, tiles, converters, and wires against nodal analysis. */
#include "crossbar_lines.h"
#include "physics.h"

#include "sim/kernels/grid.h"

#include <etalon/rng.h>

#include <math.h>
#include <string.h>

enum { SIDE = 48, CELLS = SIDE * SIDE, L = ET__GRID_LANES };

/* ---------------------------------------------------------------------- products, converters -- */

#define IDEAL                                                                                      \
    "{type: crossbar, n_in: 100, n_out: 70, cell: ideal, spread: 1, dac: {bits: 0}, adc: {bits: "  \
    "0}"

static enum et_status run_ideal(const char *yaml, struct et__crossbar_lines *lines)
{
    ET_TRY(et__crossbar_lines_open(yaml, 60, lines));
    et_rng_fill_uniform(5, ET_STREAM_DATA, 0, 0, -1, 1, lines->x.data,
                        lines->x.rows * lines->x.cols);
    enum et_status status = et__crossbar_lines_run(lines);
    if (status != ET_OK) et__crossbar_lines_close(lines);
    return status;
}

/* Largest difference from W x, of the weights that the knobs report, in units of the sum of |W x|.
 */
static enum et_status product(double *error)
{
    struct et__crossbar_lines lines;
    float weight[100 * 70];
    ET_TRY(run_ideal(IDEAL "}", &lines));
    enum et_status status = et_system_get_knobs(lines.system, weight, 100 * 70);
    *error = 0;
    for (size_t r = 0; r < 60; r++)
        for (size_t o = 0; o < 70; o++) {
            double sum = 0, size = 0;
            for (size_t k = 0; k < 100; k++) {
                double term = (double)weight[o * 100 + k] * (double)lines.x.data[r * 100 + k];
                sum += term;
                size += fabs(term);
            }
            *error = fmax(*error, fabs((double)lines.y.data[r * 70 + o] - sum) / size);
        }
    et__crossbar_lines_close(&lines);
    return status;
}

static enum et_status tiles(double *error)
{
    struct et__crossbar_lines whole, tiled;
    ET_TRY(run_ideal(IDEAL "}", &whole));
    enum et_status status = run_ideal(IDEAL ", array: {rows: 32, cols: 16}}", &tiled);
    *error = 0;
    if (status == ET_OK) {
        for (size_t i = 0; i < (size_t)60 * 70; i++)
            *error = fmax(*error, fabs((double)whole.y.data[i] - (double)tiled.y.data[i]));
        et__crossbar_lines_close(&tiled);
    }
    et__crossbar_lines_close(&whole);
    return status;
}

enum { RAMP = 1000001 };

/* One ideal cell at full conductance behind an ADC of 6 bits, driven by a ramp. */
static enum et_status run_ramp(struct et__crossbar_lines *lines)
{
    ET_TRY(et__crossbar_lines_open("{type: crossbar, n_in: 1, n_out: 1, cell: ideal, weights: [1], "
                                   "dac: {bits: 0}, adc: {bits: 6, range: 1}}",
                                   RAMP, lines));
    for (size_t i = 0; i < RAMP; i++)
        lines->x.data[i] = (float)(2 * (double)i / (RAMP - 1) - 1);
    enum et_status status = et__crossbar_lines_run(lines);
    if (status != ET_OK) et__crossbar_lines_close(lines);
    return status;
}

/* Integral nonlinearity: how far the 62 transitions lie from the straight line, in levels. */
static enum et_status adc_inl(double *error)
{
    struct et__crossbar_lines lines;
    ET_TRY(run_ramp(&lines));
    size_t found = 0;
    *error = 0;
    for (size_t i = 1; i < RAMP; i++) {
        if (!(lines.y.data[i] > lines.y.data[i - 1])) continue;
        double at = 31 * (double)lines.x.data[i];
        *error = fmax(*error, fabs(at - ((double)found - 30.5)));
        found++;
    }
    if (found != 62) *error = 62;
    et__crossbar_lines_close(&lines);
    return ET_OK;
}

/* Mean square of the rounding: step^2 / 12. */
static enum et_status adc_noise(double *error)
{
    struct et__crossbar_lines lines;
    ET_TRY(run_ramp(&lines));
    double sum = 0;
    for (size_t i = 0; i < RAMP; i++)
        sum += pow((double)lines.y.data[i] - (double)lines.x.data[i], 2);
    *error = fabs(sum / RAMP * 12 * 31 * 31 - 1);
    et__crossbar_lines_close(&lines);
    return ET_OK;
}

/* -------------------------------------------------------------------------------------- wires --
 */

/* An array of SIDE x SIDE cells up to 25 uS with wires of 5 ohm: a fifth of the current is lost. */
struct network {
    double g[CELLS], row_inverse[CELLS], col_inverse[CELLS], v[SIDE * L], zero[SIDE * L];
    double a[CELLS * L], b[CELLS * L], spare[CELLS * L];
    struct et__grid grid;
};

static enum et_status solve(struct network **out)
{
    struct network *n = et_alloc(1, sizeof *n);
    float u[CELLS];
    double imbalance;
    if ((*out = n) == NULL) return ET_NOMEM;
    et_rng_fill_uniform(5, ET_STREAM_DATA, 1, 0, 0, 25, u, CELLS);
    for (size_t i = 0; i < CELLS; i++)
        n->g[i] = (double)u[i];
    et_rng_fill_uniform(5, ET_STREAM_DATA, 2, 0, -1, 1, u, SIDE * L);
    for (size_t i = 0; i < (size_t)SIDE * L; i++)
        n->v[i] = (double)u[i];
    n->grid = (struct et__grid){SIDE, SIDE, 2e5, 1e5, 5e4, n->g, n->row_inverse, n->col_inverse};
    et__grid_prepare(&n->grid);
    if (et__grid_solve(&n->grid, n->v, NULL, 1e-12, 1000, n->a, n->b, n->spare, &imbalance) > 0)
        return ET_OK;
    et_free(n);
    return et_error_set(ET_NUMERIC, "%g of the currents do not balance", imbalance);
}

static enum et_status against_exact(double *error)
{
    struct network *n;
    ET_TRY(solve(&n));
    double *exact = et_alloc(2 * CELLS, L * sizeof *exact);
    enum et_status status =
        exact ? et__grid_solve_exact(&n->grid, n->v, NULL, L, exact, exact + CELLS * L) : ET_NOMEM;
    *error = 0;
    for (size_t i = 0; status == ET_OK && i < (size_t)CELLS * L; i++)
        *error = fmax(*error, fmax(fabs(n->a[i] - exact[i]), fabs(n->b[i] - exact[CELLS * L + i])));
    et_free(exact);
    et_free(n);
    return status;
}

/* Current into node (i, j) of the word lines, or of the bit lines, of one lane. */
static double residual(const struct network *n, bool bit, size_t i, size_t j, size_t l)
{
    const struct et__grid *grid = &n->grid;
    const double *f = bit ? n->b : n->a, *other = bit ? n->a : n->b;
    size_t along = bit ? i : j, end = SIDE - 1, at = (i * SIDE + j) * L + l;
    size_t step = (bit ? SIDE : 1) * L;
    double sum = grid->g[i * SIDE + j] * (other[at] - f[at]);
    if (along > 0) sum += grid->wire * (f[at - step] - f[at]);
    if (along < end) sum += grid->wire * (f[at + step] - f[at]);
    if (!bit && j == 0) sum += grid->source * (n->v[i * L + l] - f[at]);
    if (bit && i == end) sum -= grid->sense * f[at];
    return sum;
}

/* The worst node of all, relative to the current through all cells of its lane. */
static enum et_status kirchhoff(double *error)
{
    struct network *n;
    ET_TRY(solve(&n));
    *error = 0;
    for (size_t l = 0; l < L; l++) {
        double worst = 0, through = 0;
        for (size_t i = 0; i < SIDE; i++)
            for (size_t j = 0; j < SIDE; j++) {
                size_t at = i * SIDE + j;
                through += n->g[at] * fabs(n->a[at * L + l] - n->b[at * L + l]);
                worst = fmax(worst, fabs(residual(n, false, i, j, l)));
                worst = fmax(worst, fabs(residual(n, true, i, j, l)));
            }
        *error = fmax(*error, worst / through);
    }
    et_free(n);
    return ET_OK;
}

/* Currents of a system of one pair of arrays, all inputs driven at once, against nodal analysis
 * of that very situation: the superposed matrix is exact. */
static enum et_status superposition(double *error)
{
    enum { ROWS = 20, COLS = 12 };
    struct et__crossbar_lines lines;
    static double g[2][ROWS * COLS], a[ROWS * COLS], b[2][ROWS * COLS];
    float weight[ROWS * COLS];
    double v[ROWS], most = 0;
    ET_TRY(et__crossbar_lines_open("{type: crossbar, n_in: 20, n_out: 12, cell: ideal, spread: 1, "
                                   "array: {wire: 20, driver: 100, amplifier: 50, tolerance: "
                                   "1e-12}, dac: {bits: 0}, adc: {bits: 0}}",
                                   1, &lines));
    et_rng_fill_uniform(5, ET_STREAM_DATA, 3, 0, -1, 1, lines.x.data, ROWS);
    enum et_status status = et__crossbar_lines_run(&lines);
    if (status == ET_OK) status = et_system_get_knobs(lines.system, weight, ROWS * COLS);
    for (size_t k = 0; k < ROWS; k++) {
        v[k] = (double)lines.x.data[k];
        for (size_t o = 0; o < COLS; o++)
            for (size_t side = 0; side < 2; side++)
                g[side][k * COLS + o] = fmax(0, (side ? -1 : 1) * (double)weight[o * ROWS + k]);
    }
    for (size_t side = 0; side < 2 && status == ET_OK; side++) {
        struct et__grid grid = {ROWS, COLS, 4e4 / 20, 4e4 / 120, 4e4 / 70, g[side], NULL, NULL};
        status = et__grid_solve_exact(&grid, v, NULL, 1, a, b[side]);
    }
    *error = 0;
    for (size_t o = 0; o < COLS && status == ET_OK; o++) {
        size_t at = (ROWS - 1) * COLS + o;
        double want = 4e4 / 70 * (b[0][at] - b[1][at]);
        most = fmax(most, fabs(want));
        *error = fmax(*error, fabs((double)lines.y.data[o] - want));
    }
    *error /= most;
    et__crossbar_lines_close(&lines);
    return status;
}

const struct et__physics_check et__physics_arrays[] = {
    {"crossbar", "ideal cells: the matrix product", "1", 1e-6, product},
    {"crossbar", "tiles of 32 x 16 with ideal cells: one array", "1", 1e-4, tiles},
    {"crossbar", "ADC: transitions from the straight line", "LSB", 1e-4, adc_inl},
    {"crossbar", "ADC: mean square of the rounding, step^2 / 12", "1", 0.01, adc_noise},
    {"crossbar", "wires by line relaxation: exact nodal analysis", "V/V", 1e-10, against_exact},
    {"crossbar", "wires: Kirchhoff's law at every node", "1", 1e-11, kirchhoff},
    {"crossbar", "wires: superposed matrix, all lines driven", "1", 1e-6, superposition},
    {0},
};
