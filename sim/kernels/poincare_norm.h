/* SPDX-License-Identifier: Apache-2.0
 *
 * Midpoint batch norm of tangents at 0, for one type of number. */
#include "kernels/poincare_batch.h"

/* Points beyond weigh in the midpoint as if they were there, or the weights would overflow. */
static const double weight_limit = 150;

/* Weights of a row in the sums of the midpoint: lambda x = alpha v, lambda - 1 = beta, slopes by
 * q = c|v|^2. */
struct norm_row {
    double t, alpha, beta, alpha_slope, beta_slope;
};

static struct norm_row weigh(double c, const double *v, size_t n)
{
    double v2 = et__row_dot(v, v, n), t = sqrt(c * v2);
    if (t > weight_limit) {
        struct norm_row far = {t, sinh(2 * weight_limit) / t, cosh(2 * weight_limit), 0, 0};
        far.alpha_slope = -far.alpha / (2 * c * v2);
        return far;
    }
    struct plane_row row = measure_row(c, v2);
    double whole = exp(row.m);
    return (struct norm_row){t, row.alpha * whole, row.beta * whole, row.alpha_slope * whole,
                             row.beta_slope * whole};
}

/* ---------------------------------------------------------------------------------- statistics --
 */

void NAME(norm_sum)(double c, size_t rows, size_t n, const REAL *v, double *sums, double *work)
{
    for (size_t i = 0; i < rows; i++) {
        const double *row = take_row(v, i, n, work);
        struct norm_row weights = weigh(c, row, n);
        et__row_add(sums, weights.alpha, row, n);
        sums[n] += weights.beta;
    }
}

/* den - s|num| in terms that do not cancel: with f the direction of v and e that of num,
 *     cosh 2t - sinh 2t <f, e> = exp(-2t) + sinh(2t)/2 |f - e|^2 */
void NAME(norm_spread)(double c, size_t rows, size_t n, const REAL *v, const double *sums,
                       double *spread, double *work)
{
    double length = sqrt(et__row_dot(sums, sums, n)), *apart = slot(work, n, 1);
    if (length == 0) return;
    for (size_t i = 0; i < rows; i++) {
        const double *row = take_row(v, i, n, work);
        double v2 = et__row_dot(row, row, n), t = fmin(sqrt(c * v2), weight_limit), between = 0;
        if (v2 > 0) {
            et__row_mix(apart, 1 / sqrt(v2), row, -1 / length, sums, n);
            between = et__row_dot(apart, apart, n);
        }
        *spread += exp(-2 * t) + sinh(2 * t) / 2 * between;
    }
}

/* tanh(2 t) = s|num|/den for the mean at t e/s */
void NAME(norm_mean)(double c, size_t n, const double *sums, double spread, double *mean)
{
    double length = sqrt(et__row_dot(sums, sums, n)), sigma = spread / sums[n], s = sqrt(c);
    if (!(length > 0)) {
        et__row_mix(mean, 0, sums, 0, sums, n);
        return;
    }
    double t = sigma < 0.5 ? 0.25 * log((2 - sigma) / sigma) : 0.5 * atanh(s * length / sums[n]);
    et__row_mix(mean, t / (s * length), sums, 0, sums, n);
}

void NAME(norm_variance)(double c, size_t rows, size_t n, const REAL *v, const double *mean,
                         size_t total, double *variance, double *work)
{
    struct et__row x = {slot(work, n, 1), 0}, m = {slot(work, n, 2), 0};
    et__row_exp0(c, n, mean, &m);
    for (size_t i = 0; i < rows; i++) {
        et__row_exp0(c, n, take_row(v, i, n, work), &x);
        double d = et__row_distance(c, n, &x, &m);
        *variance += d * d / (double)total;
    }
}

void NAME(norm_statistics)(double c, size_t rows, size_t n, const REAL *v, double *mean,
                           double *variance, double *sums, double *work)
{
    memset(sums, 0, (n + 2) * sizeof *sums);
    *variance = 0;
    NAME(norm_sum)(c, rows, n, v, sums, work);
    NAME(norm_spread)(c, rows, n, v, sums, &sums[n + 1], work);
    NAME(norm_mean)(c, n, sums, sums[n + 1], mean);
    NAME(norm_variance)(c, rows, n, v, mean, rows, variance, work);
}

/* ----------------------------------------------------------------------------------------- rows --
 */

/* What all rows share, and one row on its way:
 *     y = log0(b (+) exp0(turned)),  turned = gyr[b, -mu] (k moved),  moved = log0((-mu) (+) x) */
struct norm_way {
    size_t n;
    double c, k;
    struct et__row minus, b;      /* -mu, exp0(shift) */
    struct et__row x, off, e, at; /* exp0 v, (-mu) (+) x, exp0 turned, b (+) e */
    double *v, *moved, *scaled, *turned, *spare;
};

static struct norm_way set_out(const struct NAME(norm) * norm, double *work)
{
    const size_t n = norm->n;
    struct norm_way way = {.n = n,
                           .c = norm->c,
                           .k = sqrt(norm->gamma / (norm->variance + norm->eps)),
                           .minus = {slot(work, n, 0), 0},
                           .b = {slot(work, n, 1), 0},
                           .v = slot(work, n, 4),
                           .x = {slot(work, n, 5), 0},
                           .off = {slot(work, n, 6), 0},
                           .moved = slot(work, n, 7),
                           .scaled = slot(work, n, 8),
                           .turned = slot(work, n, 9),
                           .e = {slot(work, n, 10), 0},
                           .at = {slot(work, n, 11), 0},
                           .spare = slot(work, n, 12)};
    et__row_mix(way.spare, -1, norm->mean, 0, norm->mean, n);
    et__row_exp0(way.c, n, way.spare, &way.minus);
    et__row_exp0(way.c, n, norm->shift, &way.b);
    return way;
}

static void go(struct norm_way *way)
{
    const size_t n = way->n;
    et__row_exp0(way->c, n, way->v, &way->x);
    et__row_plus(way->c, n, &way->minus, &way->x, &way->off, way->spare);
    et__row_log0(n, &way->off, way->moved);
    et__row_mix(way->scaled, way->k, way->moved, 0, way->moved, n);
    et__row_gyration(way->c, n, &way->b, &way->minus, way->scaled, way->turned, way->spare);
    et__row_exp0(way->c, n, way->turned, &way->e);
    et__row_plus(way->c, n, &way->b, &way->e, &way->at, way->spare);
}

void NAME(norm_rows)(const struct NAME(norm) * norm, size_t rows, const REAL *v, REAL *y,
                     double *work)
{
    struct norm_way way = set_out(norm, work);
    for (size_t i = 0; i < rows; i++) {
        take_row(v, i, way.n, way.v);
        go(&way);
        et__row_log0(way.n, &way.at, way.spare);
        put_row(y + i * way.n, way.spare, way.n);
    }
}

/* ----------------------------------------------------------------------------------- backward --
 */

/* From dy in `spare` to dv, which is returned; to dminus, db, *dk and *dc is added. */
static const double *go_back(struct norm_way *way, struct et__row *dminus, struct et__row *db,
                             double *dk, double *dc, double *work)
{
    const size_t n = way->n;
    double *first = slot(work, n, 13), *second = slot(work, n, 14), *third = slot(work, n, 15);
    struct et__row dat = blank(n, first), de = blank(n, second);
    et__row_log0_back(n, &way->at, way->spare, &dat);
    et__row_plus_back(way->c, n, &way->b, &way->e, &dat, db, &de, dc, way->spare);
    double *dturned = blank(n, third).x, *dscaled = blank(n, first).x;
    et__row_exp0_back(way->c, n, way->turned, &de, dturned, dc);
    et__row_gyration_back(way->c, n, &way->b, &way->minus, way->scaled, dturned, db, dminus,
                          dscaled, dc, way->spare, way->at.x);
    *dk += et__row_dot(dscaled, way->moved, n);
    et__row_times(dscaled, way->k, n);
    struct et__row doff = blank(n, second), dx = blank(n, third);
    et__row_log0_back(n, &way->off, dscaled, &doff);
    et__row_plus_back(way->c, n, &way->minus, &way->x, &doff, dminus, &dx, dc, way->spare);
    double *dv = blank(n, first).x;
    et__row_exp0_back(way->c, n, way->v, &dx, dv, dc);
    return dv;
}

void NAME(norm_rows_back)(const struct NAME(norm) * norm, size_t rows, const REAL *v,
                          const REAL *dy, REAL *dv, double *dshift, double *dgamma, double *dmean,
                          double *dvariance, double *dc, double *work)
{
    struct norm_way way = set_out(norm, work);
    const size_t n = way.n;
    const double variance = norm->variance + norm->eps;
    struct et__row dminus = blank(n, slot(work, n, 2)), db = blank(n, slot(work, n, 3));
    double dk = 0;
    for (size_t i = 0; i < rows; i++) {
        take_row(v, i, n, way.v);
        go(&way);
        take_row(dy, i, n, way.spare);
        const double *d = go_back(&way, &dminus, &db, &dk, dc, work);
        if (dv) give_row(dv + i * n, d, n);
    }
    et__row_exp0_back(way.c, n, norm->shift, &db, dshift, dc);
    et__row_times(dminus.x, -1, n); /* exp0(-v) = -exp0(v) */
    et__row_exp0_back(way.c, n, norm->mean, &dminus, dmean, dc);
    if (dgamma && norm->gamma > 0) *dgamma += dk * way.k / (2 * norm->gamma);
    if (dvariance) *dvariance -= dk * way.k / (2 * variance);
}

/* d^2 = 4/c asinh(sqrt y)^2 has the slope 4/c w(y), w = et__sinh_weight. */
void NAME(norm_variance_back)(double c, size_t rows, size_t n, const REAL *v, const double *mean,
                              size_t total, double dvariance, REAL *dv, double *dmean, double *dc,
                              double *work)
{
    struct et__row x = {slot(work, n, 1), 0}, m = {slot(work, n, 2), 0};
    struct et__row dm = blank(n, slot(work, n, 3));
    const double share = dvariance / (double)total;
    et__row_exp0(c, n, mean, &m);
    for (size_t i = 0; i < rows; i++) {
        const double *row = take_row(v, i, n, work);
        struct et__row dx = blank(n, slot(work, n, 4));
        double slope, *sum = blank(n, slot(work, n, 5)).x;
        et__row_exp0(c, n, row, &x);
        double y = et__row_sinh2(c, n, &x, &m), d = asinh(sqrt(y));
        if (dc) *dc -= share * 4 * d * d / (c * c);
        et__row_sinh2_back(c, n, &x, &m, share * 4 / c * et__sinh_weight(y, &slope), &dx, &dm, dc,
                           slot(work, n, 6));
        et__row_exp0_back(c, n, row, &dx, sum, dc);
        if (dv) give_row(dv + i * n, sum, n);
    }
    et__row_exp0_back(c, n, mean, &dm, dmean, dc);
}

/* The mean is half of log0 of m' = num/den. */
void NAME(norm_mean_back)(double c, size_t rows, size_t n, const REAL *v, const double *sums,
                          const double *mean, const double *dmean, bool first, REAL *dv, double *dc,
                          double *work)
{
    double *half = slot(work, n, 3);
    struct et__row ratio = {slot(work, n, 1), 0}, d = blank(n, slot(work, n, 2));
    et__row_mix(ratio.x, 1 / sums[n], sums, 0, sums, n);
    ratio.l = et__log_gap(2 * sqrt(c * et__row_dot(mean, mean, n)));
    et__row_mix(half, 0.5, dmean, 0, dmean, n);
    et__row_log0_back(n, &ratio, half, &d);
    double steep = exp(-ratio.l) * d.l;
    et__row_add(d.x, -2 * c * steep, ratio.x, n);
    if (first && dc) *dc -= steep * et__row_dot(ratio.x, ratio.x, n);
    et__row_times(d.x, 1 / sums[n], n);
    double dden = -et__row_dot(d.x, ratio.x, n);
    for (size_t i = 0; i < rows; i++) {
        const double *row = take_row(v, i, n, work);
        struct norm_row weights = weigh(c, row, n);
        double dq = weights.alpha_slope * et__row_dot(d.x, row, n) + weights.beta_slope * dden;
        et__row_mix(half, weights.alpha, d.x, 2 * c * dq, row, n);
        if (dv) give_row(dv + i * n, half, n);
        if (dc) *dc += dq * et__row_dot(row, row, n);
    }
}

void NAME(norm_batch_back)(const struct NAME(norm) * norm, size_t rows, const REAL *v,
                           const double *sums, const REAL *dy, REAL *dv, double *dshift,
                           double *dgamma, double *dc, double *work)
{
    const size_t n = norm->n;
    double dvariance = 0, *dmean = blank(n, slot(work, n, SLOTS)).x;
    NAME(norm_rows_back)(norm, rows, v, dy, dv, dshift, dgamma, dmean, &dvariance, dc, work);
    NAME(norm_variance_back)(norm->c, rows, n, v, norm->mean, rows, dvariance, dv, dmean, dc, work);
    NAME(norm_mean_back)(norm->c, rows, n, v, sums, norm->mean, dmean, true, dv, dc, work);
}
