/* SPDX-License-Identifier: Apache-2.0
 *
 * The Poincare ball of curvature -c, c > 0: operations and layers, forward and backward, batched
 * over rows, in single and double precision.  Write s = sqrt(c).
 *
 * A point is its coordinates x and its logarithmic gap l = ln(1 - c|x|^2) <= 0.  Near the rim the
 * gap cannot be computed from rounded coordinates: libraries that keep x alone saturate, in single
 * precision at s|v| = 3 behind exp0(v).  With l beside x the distance from 0 keeps its relative
 * accuracy at any distance, and every formula is written in x and l without differences of large
 * numbers:
 *
 *     conformal factor        lambda = 2 exp(-l)
 *     exp0(v)                 x = tanh(t)/t v,  l = -2 ln cosh t,  t = s|v|
 *     log0(x, l)              v = atanh(q)/q x,  q = sqrt(1 - exp(l)),  atanh q = ln(1 + q) - l/2
 *     x (+) y                 w = x + y,  p = c|w|^2,  g = exp(l),  D = p + gx gy
 *                             z = (p x + gx w)/D,  l = lx + ly - ln D
 *     distance                sinh(s d/2)^2 = c|x - y|^2 / (gx gy)
 *
 * (D is the usual 1 + 2c<x,y> + c^2|x|^2|y|^2, p + gx the usual factor of x.)  Operations and batch
 * norm compute rows in double precision for both types: single precision rounds what is stored.
 * Behind a product, the planes' rows are computed in their own type, by vector functions.
 *
 * What no representation in single numbers can give is a finer direction: 6e-8 rad is a distance
 * of 0.1 at distance 15 from 0.  Where coordinates are too coarse for the gaps (two points beyond
 * about 16/s in single, 36/s in double precision), sums and distances are bounded by what the gaps
 * say, and stay finite; beyond 151/s from 0 they take points as being there.
 *
 * Tangent vectors at 0 are plain rows of n numbers; layers take and give them.
 *
 * An adjoint of a point has the same two parts, dLoss/dx and dLoss/dl, as if x and l were
 * independent, which keeps its radial part accurate; et__point_back_* turns it into the derivative
 * by x alone where a point was made from x.
 *
 * Conventions.  x of points is [rows][n] without gaps between rows.  In functions of two points an
 * operand of one row stands for as many rows as the other has.  Functions _back get the inputs of
 * the forward function and the adjoints of its results, and ADD to the adjoints of the inputs;
 * parts that are NULL are left out; *dc (or NULL) gets the derivative by c added, summed over the
 * rows in order.  `work` is et__poincare_work(n) doubles, for each thread.  Nothing here starts a
 * thread, allocates or fails: c > 0 and finite numbers are the caller's to check.
 *
 * Sources: A. Ungar, "Analytic hyperbolic geometry" (2005); O. Ganea, G. Becigneul, T. Hofmann,
 * "Hyperbolic neural networks" (2018); R. Shimizu, Y. Mukuta, T. Harada, "Hyperbolic neural
 * networks++" (2021); A. Lou et al., "Differentiating through the Frechet mean" (2020). */
#ifndef ETALON_SIM_POINCARE_H
#define ETALON_SIM_POINCARE_H

#include <etalon/array.h>

#include <stdbool.h>
#include <stddef.h>

/* Doubles of `work` for points of n coordinates. */
size_t et__poincare_work(size_t n);

/* B(n/2, 1/2) / B(part/2, 1/2): what the tangent of a part of `part` coordinates is multiplied
 * with when it becomes part of n coordinates. */
double et__poincare_beta(size_t n, size_t part);

/* What the signed distances of planes are made into. */
enum et__planes_result {
    ET__PLANES_DISTANCE, /* logits of the multinomial logistic regression */
    ET__PLANES_TANGENT /* tangent at 0 of the point with these distances: the fully connected layer
                        */
};

enum { ET__PLANES_SUMS = 3 };

/* Running statistics of batch norm: running <- midpoint of running and batch with the weights
 * 1 - rate and rate (tangents at 0, [n]); the variance moves linearly. */
void et__norm_update(double c, size_t n, double rate, const double *mean, double variance,
                     double *running_mean, double *running_variance, double *work);

#define REAL     float
#define NAME(op) et__##op##_f32
#include "kernels/poincare_decl.h"
#undef REAL
#undef NAME

#define REAL     double
#define NAME(op) et__##op##_f64
#include "kernels/poincare_decl.h"
#undef REAL
#undef NAME

#endif
