/* SPDX-License-Identifier: Apache-2.0
 *
 * The operations of poincare.h on single rows in double precision, which both precisions call.
 *
 * Functions _back ADD to adjoints.  Scratch rows are [n] and distinct from everything else. */
#ifndef ETALON_SIM_POINCARE_ROWS_H
#define ETALON_SIM_POINCARE_ROWS_H

#include <stddef.h>

/* A point, or its adjoint. */
struct et__row {
    double *x; /* [n] */
    double l;  /* ln(1 - c|x|^2) */
};

/* Smallest logarithmic gap that sums of points distinguish: beyond a distance of 151/s from 0
 * points count as being there, so that products of two gaps stay normal numbers. */
static const double et__row_least = -150;

/* ---------------------------------------------------------------------------- vectors, n long --
 */

double et__row_dot(const double *a, const double *b, size_t n);
/* |a - b|^2 */
double et__row_apart(const double *a, const double *b, size_t n);
/* x <- a x */
void et__row_times(double *x, double a, size_t n);
/* out = a x + b y, out distinct from both */
void et__row_mix(double *out, double a, const double *x, double b, const double *y, size_t n);
/* out += a x */
void et__row_add(double *out, double a, const double *x, size_t n);

/* ------------------------------------------------------------------------------------ radii -- */

/* tanh(t)/t and its derivative by q = t^2 >= 0. */
double et__tanh_ratio(double q, double *slope);
/* atanh(q)/q at q = sqrt(1 - exp(l)) and its derivative by l <= 0. */
double et__atanh_ratio(double l, double *slope);
/* -2 ln cosh t, t >= 0 */
double et__log_gap(double t);
/* asinh(q)/(q sqrt(1 + q^2)) = a/sinh(a) at a = 2 asinh(q), and its derivative by y = q^2. */
double et__sinh_weight(double y, double *slope);

/* ------------------------------------------------------------------------------- operations -- */

void et__row_exp0(double c, size_t n, const double *v, struct et__row *x);
void et__row_exp0_back(double c, size_t n, const double *v, const struct et__row *dx, double *dv,
                       double *dc);
void et__row_log0(size_t n, const struct et__row *x, double *v);
void et__row_log0_back(size_t n, const struct et__row *x, const double *dv, struct et__row *dx);

void et__row_plus(double c, size_t n, const struct et__row *x, const struct et__row *y,
                  struct et__row *z, double *w);
void et__row_plus_back(double c, size_t n, const struct et__row *x, const struct et__row *y,
                       const struct et__row *dz, struct et__row *dx, struct et__row *dy, double *dc,
                       double *w);

/* sinh(s d/2)^2 of the distance d of x and y, and its adjoint. */
double et__row_sinh2(double c, size_t n, const struct et__row *x, const struct et__row *y);
void et__row_sinh2_back(double c, size_t n, const struct et__row *x, const struct et__row *y,
                        double d, struct et__row *dx, struct et__row *dy, double *dc, double *w);
double et__row_distance(double c, size_t n, const struct et__row *x, const struct et__row *y);
void et__row_distance_back(double c, size_t n, const struct et__row *x, const struct et__row *y,
                           double dd, struct et__row *dx, struct et__row *dy, double *dc,
                           double *w);

void et__row_gyration(double c, size_t n, const struct et__row *u, const struct et__row *v,
                      const double *w, double *z, double *q);
void et__row_gyration_back(double c, size_t n, const struct et__row *u, const struct et__row *v,
                           const double *w, const double *dz, struct et__row *du,
                           struct et__row *dv, double *dw, double *dc, double *q, double *dq);

#endif
