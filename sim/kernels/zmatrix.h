/* SPDX-License-Identifier: Apache-2.0
 *
 * Matrices in double precision: what optics, meshes, cavities (dense, complex) and arrays of
 * resistors (band, real) need of LAPACK.
 *
 * Dense matrices are row-major and contiguous.  LAPACK runs on one thread, so the same library
 * gives the same bits at any thread count. */
#ifndef ETALON_SIM_ZMATRIX_H
#define ETALON_SIM_ZMATRIX_H

#include <etalon/error.h>

#include <complex.h>
#include <stddef.h>
#include <stdint.h>

/* U [n][n] out: a unitary matrix from the Haar measure, a function of (seed, stream) alone: QR of a
 * complex Gaussian matrix with the phases of R's diagonal taken out.
 * Source: Mezzadri, Notices AMS 54:592 (2007).  Errors: ET_NOMEM, ET_NUMERIC. */
enum et_status et__z_haar(uint64_t seed, uint32_t stream, size_t n, double complex *u) ET_CHECKED;

/* U [n][k] out: the first k <= n columns of such a matrix (not of that which et__z_haar draws from
 * the same seed).  Errors: ET_NOMEM, ET_NUMERIC. */
enum et_status et__z_haar_columns(uint64_t seed, uint32_t stream, size_t n, size_t k,
                                  double complex *u) ET_CHECKED;

/* Complex Gaussian numbers of mean 0 and E|z|^2 = variance. */
void et__z_gaussian(uint64_t seed, uint32_t stream, double variance, double complex *z, size_t n);

/* A [m][n] = U [m][m] diag(s) V [n][n], s [min(m, n)] falling, V being what is often called V^H.
 * Errors: ET_NOMEM, ET_NUMERIC (no convergence). */
enum et_status et__z_svd(const double complex *a, size_t m, size_t n, double complex *u, double *s,
                         double complex *v) ET_CHECKED;

/* Solves A X = B for X: A [n][n] is overwritten by its factors, B [n][columns] by X.
 * Errors: ET_NOMEM, ET_NUMERIC (A is singular). */
enum et_status et__z_solve(double complex *a, size_t n, double complex *b,
                           size_t columns) ET_CHECKED;

/* U [n][n] = exp(i H), H [n][n] Hermitian (its lower triangle is read).
 * Errors: ET_NOMEM, ET_NUMERIC. */
enum et_status et__z_exp_i(const double complex *h, size_t n, double complex *u) ET_CHECKED;

/* Solves A X = B for a real symmetric positive definite band matrix: element (i, j), j <= i <= j +
 * band, of the lower triangle at a[j (band + 1) + i - j], overwritten by its Cholesky factor; B
 * [columns][n], one right-hand side after another, overwritten by X.
 * Errors: ET_NOMEM, ET_NUMERIC (A is not positive definite). */
enum et_status et__band_solve(double *a, size_t n, size_t band, double *b,
                              size_t columns) ET_CHECKED;

/* C [m][n] = A [m][k] B [k][n], written plainly; C must not overlap A or B. */
void et__z_multiply(const double complex *a, const double complex *b, size_t m, size_t k, size_t n,
                    double complex *c);

#endif
