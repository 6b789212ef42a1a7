/* SPDX-License-Identifier: Apache-2.0
 *
 * Fully connected layer and logistic regression behind the product e = v z^T, for one type of
 * number.
 *
 * For plane k of a row with t = s|v|, q = t^2:
 *     u = alpha e A_k - beta S_k,  alpha = sinh(2t)/t,  beta = cosh(2t),
 *     A_k = s cosh(2 s r_k)/|z_k|,  S_k = sinh(2 s r_k)
 *     h = 2|z_k| asinh(u) = s d_k
 *     fully connected: omega = sinh(h),  N = |omega|,  y = asinh(N)/(2 N s) omega
 * Far out these exponentials do not fit.  Where 2t > FAR, alpha, beta and u are kept times exp(-m),
 * m = 2t - FAR, and asinh(u) = sign(u) (m + ln(|u'| + sqrt(u'^2 + exp(-2m)))); where an h exceeds
 * STEEP, omega is kept times exp(-H), H = max |h| - STEEP.  Both are decided by row. */
#include "kernels/elementary.h"
#include "kernels/poincare.h"

#include <math.h>
#include <string.h>

enum { FAR = 20, STEEP = 14 };
static const double largest_bias = 20, least_normal = 1e-15;

/* Parts of the table. */
enum { FACTOR, SINH, TWICE, TABLES };

/* ------------------------------------------------------------------------------------ vectors --
 */

typedef REAL chains_type
    __attribute__((vector_size(LANES * sizeof(REAL)), aligned(sizeof(REAL)), may_alias));

/* Two vectors of chains, to hide the latency of an addition. */
ET_VECTOR_CLONES static REAL OWN(inner)(const REAL *a, const REAL *b, size_t n)
{
    REAL sums[LANES];
    chains_type sum = {0}, other = {0};
    size_t i = 0;
    for (; i + 2 * LANES <= n; i += 2 * LANES) {
        sum += *(const chains_type *)(a + i) * *(const chains_type *)(b + i);
        other += *(const chains_type *)(a + i + LANES) * *(const chains_type *)(b + i + LANES);
    }
    sum += other;
    memcpy(sums, &sum, sizeof sums);
    for (size_t k = 0; i < n; i++, k = (k + 1) % LANES)
        sums[k] += a[i] * b[i];
    for (size_t half = LANES / 2; half > 0; half /= 2)
        for (size_t k = 0; k < half; k++)
            sums[k] += sums[k + half];
    return sums[0];
}

/* Loops over one array in place, or over distinct ones: compilers check at run time whether arrays
 * that may overlap do, and take the slow loop where two are the same. */

/* u and h from e. */
ET_VECTOR_CLONES static void OWN(near_planes)(size_t n, const REAL *restrict table, REAL alpha,
                                              REAL beta, const REAL *restrict e, REAL *restrict u,
                                              REAL *restrict h)
{
    const REAL *factor = table + FACTOR * n, *sinhs = table + SINH * n, *twice = table + TWICE * n;
    for (size_t k = 0; k < n; k++) {
        REAL at = alpha * e[k] * factor[k] - beta * sinhs[k];
        u[k] = at;
        h[k] = twice[k] * fast_asinh(at);
    }
}

/* h in the place of e. */
ET_VECTOR_CLONES static void OWN(near_distances)(size_t n, const REAL *restrict table, REAL alpha,
                                                 REAL beta, REAL *restrict h)
{
    const REAL *factor = table + FACTOR * n, *sinhs = table + SINH * n, *twice = table + TWICE * n;
    for (size_t k = 0; k < n; k++)
        h[k] = twice[k] * fast_asinh(alpha * h[k] * factor[k] - beta * sinhs[k]);
}

ET_VECTOR_CLONES static void OWN(take_sinh)(size_t n, REAL *h)
{
    for (size_t k = 0; k < n; k++)
        h[k] = fast_sinh(h[k]);
}

ET_VECTOR_CLONES static void OWN(multiply)(size_t n, REAL a, REAL *x)
{
    for (size_t k = 0; k < n; k++)
        x[k] *= a;
}

void NAME(planes_prepare)(struct NAME(planes) * p)
{
    const double s = sqrt(p->c);
    REAL *table = p->table;
    for (size_t k = 0; k < p->n_out; k++) {
        const REAL *z = p->z + k * p->n_in;
        double normal = fmax(sqrt((double)OWN(inner)(z, z, p->n_in)), least_normal);
        double bias = 2 * s * (double)p->r[k];
        bias = fmax(-largest_bias, fmin(largest_bias, bias));
        table[FACTOR * p->n_out + k] = (REAL)(s / normal);
        table[SINH * p->n_out + k] = (REAL)bias;
        table[TWICE * p->n_out + k] = (REAL)(2 * normal);
    }
    OWN(take_sinh)(p->n_out, table + SINH * p->n_out);
    for (size_t k = 0; k < p->n_out; k++)
        table[FACTOR * p->n_out + k] *=
            SQUARE_ROOT(1 + table[SINH * p->n_out + k] * table[SINH * p->n_out + k]);
}

/* --------------------------------------------------------------------------------------- rows --
 */

/* What a row's planes share. */
struct plane_row {
    double q, m;                                 /* t^2, exponent taken out of u */
    double alpha, beta, alpha_slope, beta_slope; /* times exp(-m); slopes by q */
    double high, total;                          /* H, N times exp(-H) */
};

static struct plane_row measure_row(double c, double v2)
{
    struct plane_row row = {.q = c * v2};
    double t = sqrt(row.q), q = row.q;
    row.m = 2 * t > FAR ? 2 * t - FAR : 0;
    double half = 0.5 * exp(2 * t - row.m), other = 0.5 * exp(-2 * t - row.m);
    row.beta = half + other;
    if (q < 1e-3) {
        row.alpha = 2 + q * (4. / 3 + q * (4. / 15 + q * (8. / 315 + q * (4. / 2835))));
        row.alpha_slope = 4. / 3 + q * (8. / 15 + q * (8. / 105 + q * (16. / 2835)));
    } else {
        row.alpha = (half - other) / t;
        row.alpha_slope = (row.beta - row.alpha / 2) / q;
    }
    row.beta_slope = row.alpha;
    return row;
}

/* The same as near_planes, u times exp(-m). */
static void far_planes(size_t n, const REAL *table, const struct plane_row *row, const REAL *e,
                       REAL *u, REAL *h)
{
    const double small = exp(-2 * row->m);
    for (size_t k = 0; k < n; k++) {
        double at = row->alpha * (double)e[k] * (double)table[FACTOR * n + k] -
                    row->beta * (double)table[SINH * n + k];
        double size = fmax(0, row->m + log(fabs(at) + sqrt(at * at + small) + 1e-300));
        if (u) u[k] = (REAL)at;
        h[k] = (REAL)((double)table[TWICE * n + k] * copysign(size, at));
    }
}

/* h of a row; u as well unless NULL.  h may be e. */
static void distances(const struct NAME(planes) * p, const struct plane_row *row, const REAL *e,
                      REAL *u, REAL *h)
{
    const REAL alpha = (REAL)row->alpha, beta = (REAL)row->beta;
    if (row->m > 0) {
        far_planes(p->n_out, p->table, row, e, u, h);
    } else if (u) {
        OWN(near_planes)(p->n_out, p->table, alpha, beta, e, u, h);
    } else {
        if (h != e) memcpy(h, e, p->n_out * sizeof *h);
        OWN(near_distances)(p->n_out, p->table, alpha, beta, h);
    }
}

/* omega = sinh(h) exp(-H), and row's H and N. */
static void raise_distances(size_t n, struct plane_row *row, const REAL *h, REAL *omega)
{
    double largest = 0;
    if (!((double)OWN(inner)(h, h, n) < STEEP * STEEP))
        for (size_t k = 0; k < n; k++)
            largest = fmax(largest, fabs((double)h[k]));
    row->high = largest > STEEP ? largest - STEEP : 0;
    if (h != omega) memcpy(omega, h, n * sizeof *h);
    if (row->high == 0)
        OWN(take_sinh)(n, omega);
    else
        for (size_t k = 0; k < n; k++) {
            double size = fabs((double)h[k]);
            omega[k] = (REAL)copysign(0.5 * (exp(size - row->high) - exp(-size - row->high)),
                                      (double)h[k]);
        }
    row->total = sqrt((double)OWN(inner)(omega, omega, n));
}

/* asinh(N)/N times exp(H), for N exp(-H) = total; and (d of it by total)/total. */
static double asinh_ratio(const struct plane_row *row, double *slope)
{
    double n2 = row->total * row->total, one = exp(-2 * row->high);
    if (row->high == 0 && n2 < 1e-3) {
        *slope = -1. / 3 + n2 * (3. / 10 - n2 * (15. / 56 - n2 * (35. / 144)));
        return 1 - n2 * (1. / 6 - n2 * (3. / 40 - n2 * (5. / 112 - n2 * (35. / 1152))));
    }
    double length =
        row->high == 0 ? asinh(row->total) : row->high + log(row->total + sqrt(n2 + one));
    double ratio = length / row->total;
    *slope = (1 / sqrt(one + n2) - ratio) / n2;
    return ratio;
}

void NAME(planes_rows)(const struct NAME(planes) * p, size_t rows, const REAL *v, const REAL *e,
                       REAL *y)
{
    const double s = sqrt(p->c);
    for (size_t i = 0; i < rows; i++, v += p->n_in, e += p->n_out, y += p->n_out) {
        struct plane_row row = measure_row(p->c, (double)OWN(inner)(v, v, p->n_in));
        double slope, factor = 1 / s;
        distances(p, &row, e, NULL, y);
        if (p->result == ET__PLANES_TANGENT) {
            raise_distances(p->n_out, &row, y, y);
            factor *= asinh_ratio(&row, &slope) / 2;
        }
        OWN(multiply)(p->n_out, (REAL)factor, y);
    }
}

/* ----------------------------------------------------------------------------------- backward --
 */

/* dh in the place of dy: (dy f + omega g) cosh(h), cosh(h) = sqrt(one + omega^2), both times
 * exp(-H). */
ET_VECTOR_CLONES static void OWN(lower)(size_t n, REAL f, REAL g, REAL one,
                                        const REAL *restrict omega, REAL *restrict dh)
{
    for (size_t k = 0; k < n; k++)
        dh[k] = (f * dh[k] + g * omega[k]) * SQUARE_ROOT(one + omega[k] * omega[k]);
}

/* u <- du, de, and the three sums of each plane: h dh, e de, beta du. */
ET_VECTOR_CLONES static void OWN(to_products)(size_t n, const REAL *restrict table, REAL alpha,
                                              REAL beta, REAL one, const REAL *restrict e,
                                              const REAL *restrict h, REAL *restrict u,
                                              REAL *restrict dh, double *restrict sums)
{
    const REAL *factor = table + FACTOR * n, *twice = table + TWICE * n;
    for (size_t k = 0; k < n; k++) {
        REAL du = twice[k] * dh[k] / SQUARE_ROOT(one + u[k] * u[k]);
        REAL de = alpha * factor[k] * du;
        sums[k] += (double)(h[k] * dh[k]);
        sums[n + k] += (double)(e[k] * de);
        sums[2 * n + k] += (double)(beta * du);
        u[k] = du;
        dh[k] = de;
    }
}

ET_VECTOR_CLONES static void OWN(raise)(size_t n, REAL a, const REAL *restrict x, REAL *restrict y)
{
    for (size_t k = 0; k < n; k++)
        y[k] += a * x[k];
}

/* The layer only knows c in products with lengths: (1/s) f(s v, s r).  So
 *     2 c dL/dc = <v, dL/dv> + <r, dL/dr> - <y, dL/dy>. */
void NAME(planes_rows_back)(const struct NAME(planes) * p, size_t rows, const REAL *v,
                            const REAL *e, const REAL *dy, REAL *de, REAL *dv, double *sums,
                            REAL *scratch)
{
    const size_t n = p->n_out;
    const double s = sqrt(p->c);
    REAL *u = scratch, *h = u + n, *omega = h + n;
    for (size_t i = 0; i < rows; i++, v += p->n_in, e += n, dy += n, de += n, dv += p->n_in) {
        struct plane_row row = measure_row(p->c, (double)OWN(inner)(v, v, p->n_in));
        double scaling;
        distances(p, &row, e, u, h);
        if (p->result == ET__PLANES_TANGENT) {
            double slope, along;
            raise_distances(n, &row, h, omega);
            double ratio = asinh_ratio(&row, &slope) / (2 * s);
            along = (double)OWN(inner)(dy, omega, n);
            scaling = -ratio * along;
            if (de != dy) memcpy(de, dy, n * sizeof *de);
            OWN(lower)
            (n, (REAL)ratio, (REAL)(slope * along / (2 * s)), (REAL)exp(-2 * row.high), omega, de);
        } else {
            scaling = -(double)OWN(inner)(dy, h, n) / s;
            if (de != dy) memcpy(de, dy, n * sizeof *de);
            OWN(multiply)(n, (REAL)(1 / s), de);
        }
        OWN(to_products)
        (n, p->table, (REAL)row.alpha, (REAL)row.beta, (REAL)fmax(exp(-2 * row.m), 1e-30), e, h, u,
         de, sums);
        double dalpha = (double)OWN(inner)(e, de, n) / row.alpha;
        double dbeta = -(double)OWN(inner)(p->table + SINH * n, u, n);
        double dq = row.alpha_slope * dalpha + row.beta_slope * dbeta;
        OWN(raise)(p->n_in, (REAL)(2 * p->c * dq), v, dv);
        sums[3 * n] += scaling + 2 * row.q * dq;
    }
}

void NAME(planes_finish)(const struct NAME(planes) * p, const double *sums, REAL *dz, REAL *dr,
                         double *dc)
{
    const size_t n = p->n_out;
    const double s = sqrt(p->c);
    double scaling = sums[3 * n];
    for (size_t k = 0; k < n; k++) {
        double normal = (double)p->table[TWICE * n + k] / 2, bias = 2 * s * (double)p->r[k];
        double stretch = (sums[k] - sums[n + k]) / (normal * normal);
        double shift = 2 * s * (tanh(bias) * sums[n + k] - cosh(bias) * sums[2 * n + k]);
        if (fabs(bias) > largest_bias) shift = 0;
        scaling += sums[n + k] + (double)p->r[k] * shift;
        if (dr) dr[k] += (REAL)shift;
        if (dz && normal > least_normal)
            OWN(raise)(p->n_in, (REAL)stretch, p->z + k * p->n_in, dz + k * p->n_in);
    }
    if (dc) *dc += scaling / (2 * p->c);
}

/* ----------------------------------------------------------------------------------- products --
 */

#if SINGLE
static struct et_view seen(const REAL *data, size_t rows, size_t cols)
{
    REAL *at; /* views are not const; et_gemm only reads its operands */
    memcpy(&at, &data, sizeof at);
    return (struct et_view){at, rows, cols, cols};
}

/* c = a b^T, c += a b, c += a^T b */
static void product_rows(size_t m, size_t k, size_t n, const REAL *a, const REAL *b, REAL *c)
{
    et_gemm(ET_PLAIN, ET_TRANSPOSED, 1, seen(a, m, k), seen(b, n, k), 0, seen(c, m, n));
}

static void product_add(size_t m, size_t k, size_t n, const REAL *a, const REAL *b, REAL *c)
{
    et_gemm(ET_PLAIN, ET_PLAIN, 1, seen(a, m, k), seen(b, k, n), 1, seen(c, m, n));
}

static void product_outer(size_t m, size_t k, size_t n, const REAL *a, const REAL *b, REAL *c)
{
    et_gemm(ET_TRANSPOSED, ET_PLAIN, 1, seen(a, k, m), seen(b, k, n), 1, seen(c, m, n));
}
#else
static void product_rows(size_t m, size_t k, size_t n, const REAL *a, const REAL *b, REAL *c)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++)
            c[i * n + j] = OWN(inner)(a + i * k, b + j * k, k);
}

static void product_add(size_t m, size_t k, size_t n, const REAL *a, const REAL *b, REAL *c)
{
    for (size_t i = 0; i < m; i++)
        for (size_t l = 0; l < k; l++)
            OWN(raise)(n, a[i * k + l], b + l * n, c + i * n);
}

static void product_outer(size_t m, size_t k, size_t n, const REAL *a, const REAL *b, REAL *c)
{
    for (size_t l = 0; l < k; l++)
        for (size_t i = 0; i < m; i++)
            OWN(raise)(n, a[l * m + i], b + l * n, c + i * n);
}
#endif

void NAME(planes_forward)(const struct NAME(planes) * p, size_t rows, const REAL *v, REAL *e,
                          REAL *y)
{
    product_rows(rows, p->n_in, p->n_out, v, p->z, e);
    NAME(planes_rows)(p, rows, v, e, y);
}

void NAME(planes_back)(const struct NAME(planes) * p, size_t rows, const REAL *v, const REAL *e,
                       const REAL *dy, REAL *dv, REAL *dz, REAL *dr, double *dc, REAL *de,
                       double *sums, REAL *scratch)
{
    memset(sums, 0, (ET__PLANES_SUMS * p->n_out + 1) * sizeof *sums);
    NAME(planes_rows_back)(p, rows, v, e, dy, de, dv, sums, scratch);
    product_add(rows, p->n_out, p->n_in, de, p->z, dv);
    product_outer(p->n_out, rows, p->n_in, de, v, dz);
    NAME(planes_finish)(p, sums, dz, dr, dc);
}
