/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/poincare_rows.h"

#include <math.h>
#include <string.h>

/* ----------------------------------------------------------------------------------- vectors -- */

/* Sums in eight chains, one vector wide, or twice as many: the order of a sum is that of the source
 * on any processor. */
typedef double chains __attribute__((vector_size(64), aligned(8), may_alias));
enum { CHAINS = 8 };

static inline __attribute__((always_inline)) double sum_chains(const double *s)
{
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

ET_VECTOR_CLONES static double row_dot_clones(const double *a, const double *b, size_t n)
{
    double sums[CHAINS];
    chains sum = {0}, other = {0};
    size_t i = 0;
    for (; i + 2 * CHAINS <= n; i += 2 * CHAINS) {
        sum += *(const chains *)(a + i) * *(const chains *)(b + i);
        other += *(const chains *)(a + i + CHAINS) * *(const chains *)(b + i + CHAINS);
    }
    sum += other;
    memcpy(sums, &sum, sizeof sums);
    for (size_t k = 0; i < n; i++, k = (k + 1) % CHAINS)
        sums[k] += a[i] * b[i];
    return sum_chains(sums);
}

ET_VECTOR_CLONES static double row_apart_clones(const double *a, const double *b, size_t n)
{
    double sums[CHAINS];
    chains sum = {0};
    size_t i = 0;
    for (; i + CHAINS <= n; i += CHAINS) {
        chains d = *(const chains *)(a + i) - *(const chains *)(b + i);
        sum += d * d;
    }
    memcpy(sums, &sum, sizeof sums);
    for (size_t k = 0; i < n; i++, k++)
        sums[k] += (a[i] - b[i]) * (a[i] - b[i]);
    return sum_chains(sums);
}

ET_VECTOR_CLONES static void row_times_clones(double *x, double a, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] *= a;
}

ET_VECTOR_CLONES static void row_mix_clones(double *restrict out, double a, const double *x,
                                            double b, const double *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = a * x[i] + b * y[i];
}

ET_VECTOR_CLONES static void row_add_clones(double *restrict out, double a,
                                            const double *restrict x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] += a * x[i];
}

/* clang gives the dispatchers of clones external linkage: they stand behind plain functions. */
double et__row_dot(const double *a, const double *b, size_t n)
{
    return row_dot_clones(a, b, n);
}

double et__row_apart(const double *a, const double *b, size_t n)
{
    return row_apart_clones(a, b, n);
}

void et__row_times(double *x, double a, size_t n)
{
    row_times_clones(x, a, n);
}

void et__row_mix(double *out, double a, const double *x, double b, const double *y, size_t n)
{
    row_mix_clones(out, a, x, b, y, n);
}

void et__row_add(double *out, double a, const double *x, size_t n)
{
    row_add_clones(out, a, x, n);
}

/* ------------------------------------------------------------------------------------- radii -- */

/* Below this square of an argument series replace differences that would cancel: both are then good
 * to 1e-12. */
static const double series_below = 1e-3;

double et__tanh_ratio(double q, double *slope)
{
    if (q < series_below) {
        *slope =
            -1. / 3 + q * (4. / 15 - q * (17. / 105 - q * (248. / 2835 - q * (1382. / 31185))));
        return 1 - q * (1. / 3 - q * (2. / 15 - q * (17. / 315 - q * (62. / 2835))));
    }
    double t = sqrt(q), h = tanh(t), sech = t < 350 ? 1 / cosh(t) : 0;
    *slope = (sech * sech - h / t) / (2 * q);
    return h / t;
}

double et__atanh_ratio(double l, double *slope)
{
    double q = -expm1(l), g = exp(l);
    if (q < series_below) {
        *slope = -g * (1. / 3 + q * (2. / 5 + q * (3. / 7 + q * (4. / 9 + q * (5. / 11)))));
        return 1 + q * (1. / 3 + q * (1. / 5 + q * (1. / 7 + q * (1. / 9))));
    }
    double root = sqrt(q), a = (log1p(root) - l / 2) / root;
    *slope = -(1 - g * a) / (2 * q);
    return a;
}

double et__log_gap(double t)
{
    if (t < 1) {
        double h = tanh(t);
        return log1p(-h * h);
    }
    return -2 * (t + log1p(exp(-2 * t)) - 0.69314718055994530942);
}

double et__sinh_weight(double y, double *slope)
{
    if (y < series_below) {
        *slope = -2. / 3 + y * (16. / 15 - y * (48. / 35 - y * (512. / 315 - y * (1280. / 693))));
        return 1 - y * (2. / 3 - y * (8. / 15 - y * (16. / 35 - y * (128. / 315))));
    }
    double f = asinh(sqrt(y)) / (sqrt(y) * sqrt(1 + y));
    *slope = (1 - f * (1 + 2 * y)) / (2 * y * (1 + y));
    return f;
}

/* -------------------------------------------------------------------------------- exp0, log0 -- */

void et__row_exp0(double c, size_t n, const double *v, struct et__row *x)
{
    double q = c * et__row_dot(v, v, n), slope;
    et__row_mix(x->x, et__tanh_ratio(q, &slope), v, 0, v, n);
    x->l = et__log_gap(sqrt(q));
}

/* x = T(q) v and dl/dq = -T(q), q = c|v|^2 */
void et__row_exp0_back(double c, size_t n, const double *v, const struct et__row *dx, double *dv,
                       double *dc)
{
    double v2 = et__row_dot(v, v, n), slope, ratio = et__tanh_ratio(c * v2, &slope);
    double dq = slope * et__row_dot(dx->x, v, n) - ratio * dx->l;
    if (dv) {
        et__row_add(dv, ratio, dx->x, n);
        et__row_add(dv, 2 * c * dq, v, n);
    }
    if (dc) *dc += dq * v2;
}

void et__row_log0(size_t n, const struct et__row *x, double *v)
{
    double slope;
    et__row_mix(v, et__atanh_ratio(x->l, &slope), x->x, 0, x->x, n);
}

void et__row_log0_back(size_t n, const struct et__row *x, const double *dv, struct et__row *dx)
{
    double slope, ratio = et__atanh_ratio(x->l, &slope);
    et__row_add(dx->x, ratio, dv, n);
    dx->l += slope * et__row_dot(dv, x->x, n);
}

/* ---------------------------------------------------------------------------------- addition -- */

/* What sums, distances and gyrations of x and y share: gaps, p = c|w|^2 and D = p + gx gy.
 *
 * |w| >= ||x| - |y||, of which the gaps tell the right side.  Where coordinates are too coarse
 * for the gaps this may fail; half of the right side then takes the place of |w|, and p does not
 * depend on w. */
struct sum {
    double gx, gy, p, d;
    int coarse;
};

static struct sum sum_of(double c, double w2, double lx, double ly)
{
    lx = fmax(lx, et__row_least);
    ly = fmax(ly, et__row_least);
    struct sum s = {exp(lx), exp(ly), c * w2, 0, 0};
    double roots = sqrt(-expm1(lx)) + sqrt(-expm1(ly));
    double least = roots > 0 ? (s.gx - s.gy) / roots / 2 : 0;
    if (s.p < least * least) {
        s.p = least * least;
        s.coarse = 1;
    }
    s.d = s.p + s.gx * s.gy;
    return s;
}

void et__row_plus(double c, size_t n, const struct et__row *x, const struct et__row *y,
                  struct et__row *z, double *w)
{
    et__row_mix(w, 1, x->x, 1, y->x, n);
    struct sum s = sum_of(c, et__row_dot(w, w, n), x->l, y->l);
    et__row_mix(z->x, s.p / s.d, x->x, s.gx / s.d, w, n);
    z->l = -log1p(s.p / (s.gx * s.gy));
    double z2 = c * et__row_dot(z->x, z->x, n);
    if (z2 > 1) /* by rounding, or where coordinates are coarse */
        et__row_times(z->x, sqrt(-expm1(z->l) / z2), n);
}

/* z = a x + b w with a = p/D, b = gx/D; l = lx + ly - ln D */
void et__row_plus_back(double c, size_t n, const struct et__row *x, const struct et__row *y,
                       const struct et__row *dz, struct et__row *dx, struct et__row *dy, double *dc,
                       double *w)
{
    et__row_mix(w, 1, x->x, 1, y->x, n);
    double w2 = et__row_dot(w, w, n);
    struct sum s = sum_of(c, w2, x->l, y->l);
    double a = s.p / s.d, b = s.gx / s.d;
    double da = et__row_dot(dz->x, x->x, n), db = et__row_dot(dz->x, w, n);
    double dd = -(a * da + b * db + dz->l) / s.d;
    double dp = s.coarse ? 0 : da / s.d + dd;
    if (dx) {
        et__row_add(dx->x, a + b, dz->x, n);
        et__row_add(dx->x, 2 * c * dp, w, n);
        dx->l += dz->l + s.gx * (db / s.d + s.gy * dd);
    }
    if (dy) {
        et__row_add(dy->x, b, dz->x, n);
        et__row_add(dy->x, 2 * c * dp, w, n);
        dy->l += dz->l + s.gx * s.gy * dd;
    }
    if (dc) *dc += dp * w2;
}

/* ---------------------------------------------------------------------------------- distance -- */

double et__row_sinh2(double c, size_t n, const struct et__row *x, const struct et__row *y)
{
    struct sum s = sum_of(c, et__row_apart(x->x, y->x, n), x->l, y->l);
    return s.p / (s.gx * s.gy);
}

void et__row_sinh2_back(double c, size_t n, const struct et__row *x, const struct et__row *y,
                        double d, struct et__row *dx, struct et__row *dy, double *dc, double *w)
{
    double w2 = et__row_apart(x->x, y->x, n);
    struct sum s = sum_of(c, w2, x->l, y->l);
    double gaps = s.gx * s.gy, dp = s.coarse ? 0 : d / gaps;
    et__row_mix(w, 1, x->x, -1, y->x, n);
    if (dx) {
        et__row_add(dx->x, 2 * c * dp, w, n);
        dx->l -= d * s.p / gaps;
    }
    if (dy) {
        et__row_add(dy->x, -2 * c * dp, w, n);
        dy->l -= d * s.p / gaps;
    }
    if (dc) *dc += dp * w2;
}

double et__row_distance(double c, size_t n, const struct et__row *x, const struct et__row *y)
{
    return 2 / sqrt(c) * asinh(sqrt(et__row_sinh2(c, n, x, y)));
}

/* d = 2/s asinh(sqrt y).  The explicit c and that of y = c|w|^2/(gx gy) nearly cancel at small y:
 * dd/dc = sqrt(y) c^(-3/2) (1/sqrt(1 + y) - asinh(sqrt y)/sqrt y). */
void et__row_distance_back(double c, size_t n, const struct et__row *x, const struct et__row *y,
                           double dd, struct et__row *dx, struct et__row *dy, double *dc, double *w)
{
    double y2 = et__row_sinh2(c, n, x, y), root = sqrt(y2), rest;
    if (y2 == 0) return;
    et__row_sinh2_back(c, n, x, y, dd / (sqrt(c) * root * sqrt(1 + y2)), dx, dy, NULL, w);
    if (y2 < series_below)
        rest = -y2 * (1. / 3 - y2 * (3. / 10 - y2 * (15. / 56 - y2 * (35. / 144))));
    else
        rest = 1 / sqrt(1 + y2) - asinh(root) / root;
    if (dc) *dc += dd * root / (c * sqrt(c)) * rest;
}

/* ---------------------------------------------------------------------------------- gyration -- */

/* With q = u + v, p = c|q|^2, D = p + gu gv the usual formula of gyr[u, v] w becomes
 *     w + 2c/D [(gu <v,w> - <q,w>) q + (p <v,w> + gv <q,w>) u] */
void et__row_gyration(double c, size_t n, const struct et__row *u, const struct et__row *v,
                      const double *w, double *z, double *q)
{
    et__row_mix(q, 1, u->x, 1, v->x, n);
    struct sum s = sum_of(c, et__row_dot(q, q, n), u->l, v->l);
    double vw = et__row_dot(v->x, w, n), qw = et__row_dot(q, w, n), k = 2 * c / s.d;
    et__row_mix(z, 1, w, k * (s.gx * vw - qw), q, n);
    et__row_add(z, k * (s.p * vw + s.gy * qw), u->x, n);
}

void et__row_gyration_back(double c, size_t n, const struct et__row *u, const struct et__row *v,
                           const double *w, const double *dz, struct et__row *du,
                           struct et__row *dv, double *dw, double *dc, double *q, double *dq)
{
    et__row_mix(q, 1, u->x, 1, v->x, n);
    double q2 = et__row_dot(q, q, n);
    struct sum s = sum_of(c, q2, u->l, v->l);
    double vw = et__row_dot(v->x, w, n), qw = et__row_dot(q, w, n), k = 2 * c / s.d;
    double a = s.gx * vw - qw, b = s.p * vw + s.gy * qw;
    double zq = et__row_dot(dz, q, n), zu = et__row_dot(dz, u->x, n);
    double da = k * zq, db = k * zu, dd = -(a * zq + b * zu) * k / s.d;
    double dp = s.coarse ? 0 : db * vw + dd, dvw = da * s.gx + db * s.p, dqw = db * s.gy - da;
    et__row_mix(dq, k * a, dz, dqw, w, n);
    et__row_add(dq, 2 * c * dp, q, n);
    if (du) {
        et__row_add(du->x, 1, dq, n);
        et__row_add(du->x, k * b, dz, n);
        du->l += s.gx * (da * vw + dd * s.gy);
    }
    if (dv) {
        et__row_add(dv->x, 1, dq, n);
        et__row_add(dv->x, dvw, w, n);
        dv->l += s.gy * (db * qw + dd * s.gx);
    }
    if (dw) {
        et__row_add(dw, 1, dz, n);
        et__row_add(dw, dqw, q, n);
        et__row_add(dw, dvw, v->x, n);
    }
    if (dc) *dc += dp * q2 + (a * zq + b * zu) * k / c;
}
