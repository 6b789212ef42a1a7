/* SPDX-License-Identifier: Apache-2.0
 *
 * Small dense complex systems of equations, solved in place and without a call for memory: what a
 * pass may do for every sample. */
#ifndef ETALON_SIM_ZLU_H
#define ETALON_SIM_ZLU_H

#include <stdbool.h>
#include <stddef.h>

/* Solves A X = B by Gaussian elimination with partial pivoting.
 *
 * re, im  [n][stride] real and imaginary parts of the rows [A | B], stride >= n + columns; A is
 *         destroyed and B becomes X
 *
 * Returns false when A is singular to working precision (a pivot is zero or not finite); X is then
 * undefined. */
bool et__zlu_solve(double *re, double *im, size_t n, size_t columns, size_t stride);
/* The same, written plainly. */
bool et__zlu_solve_reference(double *re, double *im, size_t n, size_t columns, size_t stride);

#endif
