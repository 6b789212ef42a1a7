/* SPDX-License-Identifier: Apache-2.0
 *
 * The operations of poincare.h on batches of one type of number, REAL: rows are read into double
 * precision, worked on by poincare_rows.h, and stored. */
#include "kernels/poincare.h"
#include "kernels/poincare_batch.h"
#include "kernels/poincare_rows.h"

#include <math.h>

/* Points outside, or so close to the rim that rounded coordinates cannot tell, get this gap. */
static const double rim_gap = -36;

void NAME(point)(double c, struct NAME(points) x, double *work)
{
    for (size_t i = 0; i < x.rows; i++) {
        struct et__row row = take(x, i, slot(work, x.n, 0));
        double q = c * et__row_dot(row.x, row.x, x.n);
        x.log_gap[i] = (REAL)(q < 1 ? fmax(log1p(-q), rim_gap) : rim_gap);
    }
}

/* dl/dx = -2c x/(1 - c|x|^2) = -2c x exp(-l) */
void NAME(point_back)(double c, struct NAME(points) x, struct NAME(points) dx, double *dc,
                      double *work)
{
    for (size_t i = 0; i < x.rows; i++) {
        struct et__row row = take(x, i, slot(work, x.n, 0)), d = blank(x.n, slot(work, x.n, 1));
        double dq = -(double)dx.log_gap[i] * exp(-row.l);
        et__row_add(d.x, 2 * c * dq, row.x, x.n);
        give_row(dx.x + i * x.n, d.x, x.n);
        if (dc) *dc += dq * et__row_dot(row.x, row.x, x.n);
    }
}

void NAME(exp0)(double c, const REAL *v, struct NAME(points) x, double *work)
{
    for (size_t i = 0; i < x.rows; i++) {
        struct et__row row = {slot(work, x.n, 1), 0};
        et__row_exp0(c, x.n, take_row(v, i, x.n, slot(work, x.n, 0)), &row);
        put(x, i, &row);
    }
}

void NAME(exp0_back)(double c, const REAL *v, struct NAME(points) dx, REAL *dv, double *dc,
                     double *work)
{
    for (size_t i = 0; i < dx.rows; i++) {
        struct et__row d = take(dx, i, slot(work, dx.n, 0));
        const double *row = take_row(v, i, dx.n, slot(work, dx.n, 1));
        double *sum = blank(dx.n, slot(work, dx.n, 2)).x;
        et__row_exp0_back(c, dx.n, row, &d, sum, dc);
        if (dv) give_row(dv + i * dx.n, sum, dx.n);
    }
}

void NAME(log0)(struct NAME(points) x, REAL *v, double *work)
{
    for (size_t i = 0; i < x.rows; i++) {
        struct et__row row = take(x, i, slot(work, x.n, 0));
        et__row_log0(x.n, &row, slot(work, x.n, 1));
        put_row(v + i * x.n, slot(work, x.n, 1), x.n);
    }
}

void NAME(log0_back)(struct NAME(points) x, const REAL *dv, struct NAME(points) dx, double *work)
{
    for (size_t i = 0; i < x.rows; i++) {
        struct et__row row = take(x, i, slot(work, x.n, 0)), d = blank(x.n, slot(work, x.n, 1));
        et__row_log0_back(x.n, &row, take_row(dv, i, x.n, slot(work, x.n, 2)), &d);
        give(dx, i, &d);
    }
}

/* ---------------------------------------------------------------------------------- addition -- */

void NAME(add)(double c, struct NAME(points) x, struct NAME(points) y, struct NAME(points) z,
               double *work)
{
    for (size_t i = 0; i < z.rows; i++) {
        struct et__row a = take(x, i, slot(work, z.n, 0)), b = take(y, i, slot(work, z.n, 1));
        struct et__row sum = {slot(work, z.n, 2), 0};
        et__row_plus(c, z.n, &a, &b, &sum, slot(work, z.n, 3));
        put(z, i, &sum);
    }
}

void NAME(add_back)(double c, struct NAME(points) x, struct NAME(points) y, struct NAME(points) dz,
                    struct NAME(points) dx, struct NAME(points) dy, double *dc, double *work)
{
    for (size_t i = 0; i < dz.rows; i++) {
        struct et__row a = take(x, i, slot(work, dz.n, 0)), b = take(y, i, slot(work, dz.n, 1));
        struct et__row d = take(dz, i, slot(work, dz.n, 2));
        struct et__row da = blank(dz.n, slot(work, dz.n, 3)), db = blank(dz.n, slot(work, dz.n, 4));
        et__row_plus_back(c, dz.n, &a, &b, &d, &da, &db, dc, slot(work, dz.n, 5));
        give(dx, i, &da);
        give(dy, i, &db);
    }
}

void NAME(add_tangents)(double c, size_t rows, size_t n, const REAL *a, const REAL *b, REAL *v,
                        double *work)
{
    struct et__row x = {slot(work, n, 0), 0}, y = {slot(work, n, 1), 0}, z = {slot(work, n, 2), 0};
    double *row = slot(work, n, 3);
    for (size_t i = 0; i < rows; i++) {
        et__row_exp0(c, n, take_row(a, i, n, row), &x);
        et__row_exp0(c, n, take_row(b, i, n, row), &y);
        et__row_plus(c, n, &x, &y, &z, row);
        et__row_log0(n, &z, row);
        put_row(v + i * n, row, n);
    }
}

void NAME(add_tangents_back)(double c, size_t rows, size_t n, const REAL *a, const REAL *b,
                             const REAL *dv, REAL *da, REAL *db, double *dc, double *work)
{
    struct et__row x = {slot(work, n, 0), 0}, y = {slot(work, n, 1), 0}, z = {slot(work, n, 2), 0};
    double *ra = slot(work, n, 3), *rb = slot(work, n, 4), *w = slot(work, n, 5);
    for (size_t i = 0; i < rows; i++) {
        et__row_exp0(c, n, take_row(a, i, n, ra), &x);
        et__row_exp0(c, n, take_row(b, i, n, rb), &y);
        et__row_plus(c, n, &x, &y, &z, w);
        struct et__row dz = blank(n, slot(work, n, 6)), dx = blank(n, slot(work, n, 7)),
                       dy = blank(n, slot(work, n, 8));
        et__row_log0_back(n, &z, take_row(dv, i, n, w), &dz);
        et__row_plus_back(c, n, &x, &y, &dz, &dx, &dy, dc, w);
        double *sum = blank(n, slot(work, n, 9)).x;
        et__row_exp0_back(c, n, ra, &dx, sum, dc);
        if (da) give_row(da + i * n, sum, n);
        sum = blank(n, sum).x;
        et__row_exp0_back(c, n, rb, &dy, sum, dc);
        if (db) give_row(db + i * n, sum, n);
    }
}

/* ------------------------------------------------------------------------------ multiplication --
 */

void NAME(scale)(double c, const REAL *r, struct NAME(points) x, struct NAME(points) z,
                 double *work)
{
    double *v = slot(work, x.n, 1);
    for (size_t i = 0; i < z.rows; i++) {
        struct et__row row = take(x, i, slot(work, x.n, 0)), to = {slot(work, x.n, 2), 0};
        et__row_log0(x.n, &row, v);
        et__row_times(v, (double)r[i], x.n);
        et__row_exp0(c, x.n, v, &to);
        put(z, i, &to);
    }
}

void NAME(scale_back)(double c, const REAL *r, struct NAME(points) x, struct NAME(points) dz,
                      REAL *dr, struct NAME(points) dx, double *dc, double *work)
{
    double *v = slot(work, x.n, 1), *u = slot(work, x.n, 2);
    for (size_t i = 0; i < dz.rows; i++) {
        struct et__row row = take(x, i, slot(work, x.n, 0)), d = take(dz, i, slot(work, x.n, 3));
        struct et__row dv = blank(x.n, slot(work, x.n, 4)), da = blank(x.n, slot(work, x.n, 5));
        et__row_log0(x.n, &row, v);
        et__row_mix(u, (double)r[i], v, 0, v, x.n);
        et__row_exp0_back(c, x.n, u, &d, dv.x, dc);
        if (dr) dr[i] += (REAL)et__row_dot(dv.x, v, x.n);
        et__row_times(dv.x, (double)r[i], x.n);
        et__row_log0_back(x.n, &row, dv.x, &da);
        give(dx, i, &da);
    }
}

void NAME(matrix)(double c, const REAL *m, struct NAME(points) x, struct NAME(points) z,
                  double *work)
{
    size_t n = x.n > z.n ? x.n : z.n;
    double *v = slot(work, n, 1), *u = slot(work, n, 3);
    for (size_t i = 0; i < z.rows; i++) {
        struct et__row row = take(x, i, slot(work, n, 0)), to = {slot(work, n, 2), 0};
        et__row_log0(x.n, &row, v);
        for (size_t k = 0; k < z.n; k++)
            u[k] = et__row_dot(v, take_row(m, k, x.n, slot(work, n, 4)), x.n);
        et__row_exp0(c, z.n, u, &to);
        put(z, i, &to);
    }
}

void NAME(matrix_back)(double c, const REAL *m, struct NAME(points) x, struct NAME(points) dz,
                       REAL *dm, struct NAME(points) dx, double *dc, double *work)
{
    size_t n = x.n > dz.n ? x.n : dz.n;
    double *v = slot(work, n, 1), *u = slot(work, n, 3), *line = slot(work, n, 4);
    for (size_t i = 0; i < dz.rows; i++) {
        struct et__row row = take(x, i, slot(work, n, 0)), d = take(dz, i, slot(work, n, 2));
        et__row_log0(x.n, &row, v);
        for (size_t k = 0; k < dz.n; k++)
            u[k] = et__row_dot(v, take_row(m, k, x.n, line), x.n);
        double *du = blank(dz.n, slot(work, n, 5)).x, *dv = blank(x.n, slot(work, n, 6)).x;
        et__row_exp0_back(c, dz.n, u, &d, du, dc);
        for (size_t k = 0; k < dz.n; k++) {
            et__row_add(dv, du[k], take_row(m, k, x.n, line), x.n);
            for (size_t j = 0; dm && j < x.n; j++)
                dm[k * x.n + j] += (REAL)(du[k] * v[j]);
        }
        struct et__row da = blank(x.n, slot(work, n, 7));
        et__row_log0_back(x.n, &row, dv, &da);
        give(dx, i, &da);
    }
}

/* ------------------------------------------------------------------------------- exp, log at x --
 */

/* exp_x(v) = x (+) exp0(exp(-l) v) */
void NAME(exp)(double c, struct NAME(points) x, const REAL *v, struct NAME(points) z, double *work)
{
    double *h = slot(work, z.n, 1);
    for (size_t i = 0; i < z.rows; i++) {
        struct et__row a = take(x, i, slot(work, z.n, 0)), e = {slot(work, z.n, 2), 0};
        struct et__row sum = {slot(work, z.n, 3), 0};
        take_row(v, i, z.n, h);
        et__row_times(h, exp(-fmax(a.l, et__row_least)), z.n);
        et__row_exp0(c, z.n, h, &e);
        et__row_plus(c, z.n, &a, &e, &sum, slot(work, z.n, 4));
        put(z, i, &sum);
    }
}

void NAME(exp_back)(double c, struct NAME(points) x, const REAL *v, struct NAME(points) dz,
                    struct NAME(points) dx, REAL *dv, double *dc, double *work)
{
    size_t n = dz.n;
    double *h = slot(work, n, 1);
    for (size_t i = 0; i < dz.rows; i++) {
        struct et__row a = take(x, i, slot(work, n, 0)), e = {slot(work, n, 2), 0};
        struct et__row d = take(dz, i, slot(work, n, 3)), da = blank(n, slot(work, n, 4));
        struct et__row de = blank(n, slot(work, n, 5));
        double *dh = blank(n, slot(work, n, 6)).x, factor = exp(-fmax(a.l, et__row_least));
        take_row(v, i, n, h);
        et__row_times(h, factor, n);
        et__row_exp0(c, n, h, &e);
        et__row_plus_back(c, n, &a, &e, &d, &da, &de, dc, slot(work, n, 7));
        et__row_exp0_back(c, n, h, &de, dh, dc);
        da.l -= et__row_dot(dh, h, n);
        give(dx, i, &da);
        et__row_times(dh, factor, n);
        if (dv) give_row(dv + i * n, dh, n);
    }
}

/* log_x(y) = exp(l) log0((-x) (+) y) */
void NAME(log)(double c, struct NAME(points) x, struct NAME(points) y, REAL *v, double *work)
{
    size_t n = x.n;
    double *out = slot(work, n, 4);
    for (size_t i = 0; i < wider(x, y); i++) {
        struct et__row a = take(x, i, slot(work, n, 0)), b = take(y, i, slot(work, n, 1));
        struct et__row m = {slot(work, n, 2), 0};
        et__row_times(a.x, -1, n);
        et__row_plus(c, n, &a, &b, &m, slot(work, n, 3));
        et__row_log0(n, &m, out);
        et__row_times(out, exp(fmax(a.l, et__row_least)), n);
        put_row(v + i * n, out, n);
    }
}

void NAME(log_back)(double c, struct NAME(points) x, struct NAME(points) y, const REAL *dv,
                    struct NAME(points) dx, struct NAME(points) dy, double *dc, double *work)
{
    size_t n = x.n;
    double *out = slot(work, n, 4), *w = slot(work, n, 3), *d = slot(work, n, 5);
    for (size_t i = 0; i < wider(x, y); i++) {
        struct et__row a = take(x, i, slot(work, n, 0)), b = take(y, i, slot(work, n, 1));
        struct et__row m = {slot(work, n, 2), 0};
        et__row_times(a.x, -1, n);
        struct et__row dm = blank(n, slot(work, n, 6)), da = blank(n, slot(work, n, 7)),
                       db = blank(n, slot(work, n, 8));
        double gap = exp(fmax(a.l, et__row_least));
        et__row_plus(c, n, &a, &b, &m, w);
        et__row_log0(n, &m, out);
        take_row(dv, i, n, d);
        da.l = gap * et__row_dot(d, out, n);
        et__row_times(d, gap, n);
        et__row_log0_back(n, &m, d, &dm);
        et__row_plus_back(c, n, &a, &b, &dm, &da, &db, dc, w);
        et__row_times(da.x, -1, n);
        give(dx, i, &da);
        give(dy, i, &db);
    }
}

/* ------------------------------------------------------------------------- distance, conformal --
 */

void NAME(distance)(double c, struct NAME(points) x, struct NAME(points) y, REAL *d, double *work)
{
    for (size_t i = 0; i < wider(x, y); i++) {
        struct et__row a = take(x, i, slot(work, x.n, 0)), b = take(y, i, slot(work, x.n, 1));
        d[i] = (REAL)et__row_distance(c, x.n, &a, &b);
    }
}

void NAME(distance_back)(double c, struct NAME(points) x, struct NAME(points) y, const REAL *dd,
                         struct NAME(points) dx, struct NAME(points) dy, double *dc, double *work)
{
    size_t n = x.n;
    for (size_t i = 0; i < wider(x, y); i++) {
        struct et__row a = take(x, i, slot(work, n, 0)), b = take(y, i, slot(work, n, 1));
        struct et__row da = blank(n, slot(work, n, 2)), db = blank(n, slot(work, n, 3));
        et__row_distance_back(c, n, &a, &b, (double)dd[i], &da, &db, dc, slot(work, n, 4));
        give(dx, i, &da);
        give(dy, i, &db);
    }
}

/* ln(lambda) where lambda would overflow is that of the largest number. */
static inline double conformal_factor(double l)
{
    return fmin(2 * exp(-l), LARGEST);
}

void NAME(conformal)(struct NAME(points) x, REAL *lambda)
{
    for (size_t i = 0; i < x.rows; i++)
        lambda[i] = (REAL)conformal_factor((double)x.log_gap[i]);
}

void NAME(conformal_back)(struct NAME(points) x, const REAL *dlambda, struct NAME(points) dx)
{
    for (size_t i = 0; i < x.rows; i++)
        dx.log_gap[i] -= (REAL)((double)dlambda[i] * conformal_factor((double)x.log_gap[i]));
}

/* ------------------------------------------------------------------------ gyration, transport --
 */

void NAME(gyration)(double c, struct NAME(points) u, struct NAME(points) v, const REAL *w, REAL *z,
                    double *work)
{
    size_t n = u.n;
    for (size_t i = 0; i < wider(u, v); i++) {
        struct et__row a = take(u, i, slot(work, n, 0)), b = take(v, i, slot(work, n, 1));
        et__row_gyration(c, n, &a, &b, take_row(w, i, n, slot(work, n, 2)), slot(work, n, 3),
                         slot(work, n, 4));
        put_row(z + i * n, slot(work, n, 3), n);
    }
}

void NAME(gyration_back)(double c, struct NAME(points) u, struct NAME(points) v, const REAL *w,
                         const REAL *dz, struct NAME(points) du, struct NAME(points) dv, REAL *dw,
                         double *dc, double *work)
{
    size_t n = u.n;
    for (size_t i = 0; i < wider(u, v); i++) {
        struct et__row a = take(u, i, slot(work, n, 0)), b = take(v, i, slot(work, n, 1));
        struct et__row da = blank(n, slot(work, n, 2)), db = blank(n, slot(work, n, 3));
        double *sum = blank(n, slot(work, n, 4)).x;
        et__row_gyration_back(c, n, &a, &b, take_row(w, i, n, slot(work, n, 5)),
                              take_row(dz, i, n, slot(work, n, 6)), &da, &db, sum, dc,
                              slot(work, n, 7), slot(work, n, 8));
        give(du, i, &da);
        give(dv, i, &db);
        if (dw) give_row(dw + i * n, sum, n);
    }
}

/* gyr[y, -x] v times lambda_x / lambda_y */
void NAME(transport)(double c, struct NAME(points) x, struct NAME(points) y, const REAL *v, REAL *z,
                     double *work)
{
    size_t n = x.n;
    double *out = slot(work, n, 3);
    for (size_t i = 0; i < wider(x, y); i++) {
        struct et__row a = take(x, i, slot(work, n, 0)), b = take(y, i, slot(work, n, 1));
        et__row_times(a.x, -1, n);
        et__row_gyration(c, n, &b, &a, take_row(v, i, n, slot(work, n, 2)), out, slot(work, n, 4));
        et__row_times(out, exp(fmax(b.l, et__row_least) - fmax(a.l, et__row_least)), n);
        put_row(z + i * n, out, n);
    }
}

void NAME(transport_back)(double c, struct NAME(points) x, struct NAME(points) y, const REAL *v,
                          const REAL *dz, struct NAME(points) dx, struct NAME(points) dy, REAL *dv,
                          double *dc, double *work)
{
    size_t n = x.n;
    double *out = slot(work, n, 3), *w = slot(work, n, 2), *d = slot(work, n, 5);
    for (size_t i = 0; i < wider(x, y); i++) {
        struct et__row a = take(x, i, slot(work, n, 0)), b = take(y, i, slot(work, n, 1));
        et__row_times(a.x, -1, n);
        struct et__row da = blank(n, slot(work, n, 6)), db = blank(n, slot(work, n, 7));
        double *sum = blank(n, slot(work, n, 8)).x,
               factor = exp(fmax(b.l, et__row_least) - fmax(a.l, et__row_least));
        et__row_gyration(c, n, &b, &a, take_row(v, i, n, w), out, slot(work, n, 4));
        take_row(dz, i, n, d);
        et__row_times(d, factor, n);
        double both = et__row_dot(d, out, n);
        et__row_gyration_back(c, n, &b, &a, w, d, &db, &da, sum, dc, slot(work, n, 4),
                              slot(work, n, 9));
        et__row_times(da.x, -1, n);
        da.l -= both;
        db.l += both;
        give(dx, i, &da);
        give(dy, i, &db);
        if (dv) give_row(dv + i * n, sum, n);
    }
}

/* ------------------------------------------------------------------------- beta-concatenation --
 */

void NAME(concatenate)(double c, size_t count, const struct NAME(points) * parts,
                       struct NAME(points) z, double *work)
{
    double *whole = slot(work, z.n, 0), *part = slot(work, z.n, 1);
    struct et__row to = {slot(work, z.n, 2), 0};
    for (size_t i = 0; i < z.rows; i++) {
        size_t at = 0;
        for (size_t p = 0; p < count; at += parts[p].n, p++) {
            struct et__row row = take(parts[p], i, part);
            et__row_log0(parts[p].n, &row, whole + at);
            et__row_times(whole + at, et__poincare_beta(z.n, parts[p].n), parts[p].n);
        }
        et__row_exp0(c, z.n, whole, &to);
        put(z, i, &to);
    }
}

void NAME(concatenate_back)(double c, size_t count, const struct NAME(points) * parts,
                            struct NAME(points) dz, const struct NAME(points) * dparts, double *dc,
                            double *work)
{
    size_t n = dz.n;
    double *whole = slot(work, n, 0), *part = slot(work, n, 1);
    for (size_t i = 0; i < dz.rows; i++) {
        size_t at = 0;
        for (size_t p = 0; p < count; at += parts[p].n, p++) {
            struct et__row row = take(parts[p], i, part);
            et__row_log0(parts[p].n, &row, whole + at);
            et__row_times(whole + at, et__poincare_beta(n, parts[p].n), parts[p].n);
        }
        struct et__row d = take(dz, i, slot(work, n, 2)), dv = blank(n, slot(work, n, 3));
        et__row_exp0_back(c, n, whole, &d, dv.x, dc);
        at = 0;
        for (size_t p = 0; p < count; at += parts[p].n, p++) {
            struct et__row row = take(parts[p], i, part);
            struct et__row sum = blank(parts[p].n, slot(work, n, 4));
            double factor = et__poincare_beta(n, parts[p].n);
            et__row_times(dv.x + at, factor, parts[p].n);
            et__row_log0_back(parts[p].n, &row, dv.x + at, &sum);
            give(dparts[p], i, &sum);
        }
    }
}
