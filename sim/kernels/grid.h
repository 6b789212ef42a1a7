/* SPDX-License-Identifier: Apache-2.0
 *
 * The resistive network of an array of cells between word lines and bit lines (IR drop).
 *
 * Word line i has a node a_ij at each bit line j, bit line j a node b_ij at each word line i:
 *
 *     V_i --source-- a_i0 --wire-- a_i1 --wire-- ...        (driven at the left, open at the right)
 *                     |             |
 *                    g_i0          g_i1
 *                     |             |
 *     (open at i = 0) b_i0 ...  down to  b_(rows-1)j --sense-- U_j   (amplifier, U_j = 0)
 *
 * Kirchhoff's law at each node is a symmetric positive definite system in 2 rows cols unknowns.
 * All conductances are in one unit, which cancels from the potentials. */
#ifndef ETALON_SIM_GRID_H
#define ETALON_SIM_GRID_H

#include <etalon/error.h>

#include <stddef.h>

/* Right-hand sides that are solved side by side. */
enum { ET__GRID_LANES = 8 };

struct et__grid {
    size_t rows, cols;
    double wire, source, sense; /* conductances: of a segment, of a driver, of an amplifier; > 0 */
    const double *g;            /* [rows][cols] cells, >= 0 */
    double *row_inverse, *col_inverse; /* [rows][cols] inverted pivots, made by prepare */
};

/* Eliminates each line on its own: fills row_inverse and col_inverse from the rest. */
void et__grid_prepare(struct et__grid *grid);

/* Potentials for ET__GRID_LANES right-hand sides, by line relaxation: all word lines exactly with
 * the bit lines held, then all bit lines exactly with the word lines held, until the currents that
 * do not balance (all of them sit on the word lines) sum up to less than `tolerance` of the
 * currents through all the cells, in each lane.
 *
 * v  [rows][LANES]        in, voltages V_i
 * u  [cols][LANES]        in, voltages U_j, or NULL for 0
 * a  [rows][cols][LANES]  out
 * b  [rows][cols][LANES]  in: first guess; out
 * spare [rows][cols][LANES]  workspace
 *
 * Returns the number of sweeps, or 0 when `sweeps` of them are not enough; *imbalance is the last
 * one (of the worst lane), relative. */
size_t et__grid_solve(const struct et__grid *grid, const double *v, const double *u,
                      double tolerance, size_t sweeps, double *a, double *b, double *spare,
                      double *imbalance);

/* The same to rounding by one banded Cholesky factorisation, for any number of right-hand sides:
 * v, u, a, b as above with `lanes` in place of ET__GRID_LANES; no first guess.
 * Errors: ET_NOMEM (the factor has 4 rows cols^2 numbers), ET_NUMERIC. */
enum et_status et__grid_solve_exact(const struct et__grid *grid, const double *v, const double *u,
                                    size_t lanes, double *a, double *b) ET_CHECKED;

#endif
