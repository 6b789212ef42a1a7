/* SPDX-License-Identifier: Apache-2.0
 *
 * The Poincare ball against hyperbolic trigonometry and against its own limits. */
#include "physics.h"

#include "sim/kernels/poincare.h"

#include <etalon/rng.h>

#include <math.h>
#include <string.h>

enum { N = 8, ROWS = 64, WORK = 20 * N };

/* Normal tangents of `size` per coordinate, in units of 1/s. */
static void draw(double c, double size, uint32_t step, double *v)
{
    float drawn[ROWS * N];
    et_rng_fill_normal(1, ET_STREAM_USER, step, 0, drawn, (size_t)ROWS * N);
    for (size_t i = 0; i < (size_t)ROWS * N; i++)
        v[i] = (double)drawn[i] * size / sqrt(c);
}

struct set {
    double x[ROWS * N], gap[ROWS];
};

static struct et__points_f64 points(struct set *set)
{
    return (struct et__points_f64){set->x, set->gap, ROWS, N};
}

static struct et__points_f64 draw_points(double c, double size, uint32_t step, struct set *set)
{
    double v[ROWS * N], work[WORK];
    draw(c, size, step, v);
    et__exp0_f64(c, v, points(set), work);
    return points(set);
}

/* ---------------------------------------------------------------------------------- round trip --
 */

static enum et_status round_trip_single(double *error)
{
    float v[ROWS * N], x[ROWS * N] = {0}, gap[ROWS] = {0}, back[ROWS * N];
    double drawn[ROWS * N], work[WORK];
    *error = 0;
    for (int step = 0; step <= 24; step++) {
        const double t = fmin(1e-3 * pow(1.5, step), 15);
        draw(1, 1, 0, drawn);
        for (size_t i = 0; i < ROWS; i++) {
            double sum = 0;
            for (size_t k = i * N; k < (i + 1) * N; k++)
                sum += drawn[k] * drawn[k];
            for (size_t k = i * N; k < (i + 1) * N; k++)
                v[k] = (float)(drawn[k] * t / sqrt(sum));
        }
        struct et__points_f32 p = {x, gap, ROWS, N};
        et__exp0_f32(1, v, p, work);
        et__log0_f32(p, back, work);
        for (size_t i = 0; i < (size_t)ROWS * N; i++)
            *error = fmax(*error, fabs(((double)back[i] - (double)v[i]) / (double)v[i]));
    }
    return ET_OK;
}

static enum et_status round_trip_double(double *error)
{
    double v[ROWS * N], back[ROWS * N], work[WORK];
    struct set set;
    *error = 0;
    for (int step = 0; step < 20; step++) {
        const double t = 1e-3 * pow(2, step);
        draw(0.1, t, 0, v);
        et__exp0_f64(0.1, v, points(&set), work);
        et__log0_f64(points(&set), back, work);
        for (size_t i = 0; i < (size_t)ROWS * N; i++)
            *error = fmax(*error, fabs((back[i] - v[i]) / v[i]));
    }
    return ET_OK;
}

/* ------------------------------------------------------------------------------------ triangles --
 */

/* cosh a = cosh b cosh c' - sinh b sinh c' cos A with sides in units of 1/s, A the angle of the
 * logarithms at the first corner (the metric is conformal). */
static enum et_status law_of_cosines(double *error)
{
    static const double curvatures[] = {1, 0.1};
    *error = 0;
    for (size_t k = 0; k < 2; k++) {
        const double c = curvatures[k], s = sqrt(c);
        struct set sets[3];
        double side[3][ROWS], to_y[ROWS * N], to_z[ROWS * N], work[WORK];
        struct et__points_f64 p[3];
        for (uint32_t i = 0; i < 3; i++)
            p[i] = draw_points(c, 0.4, i, &sets[i]);
        for (size_t i = 0; i < 3; i++)
            et__distance_f64(c, p[(i + 1) % 3], p[(i + 2) % 3], side[i], work);
        et__log_f64(c, p[0], p[1], to_y, work);
        et__log_f64(c, p[0], p[2], to_z, work);
        for (size_t i = 0; i < ROWS; i++) {
            double yz = 0, yy = 0, zz = 0;
            for (size_t j = i * N; j < (i + 1) * N; j++) {
                yz += to_y[j] * to_z[j];
                yy += to_y[j] * to_y[j];
                zz += to_z[j] * to_z[j];
            }
            double want = cosh(s * side[1][i]) * cosh(s * side[2][i]) -
                          sinh(s * side[1][i]) * sinh(s * side[2][i]) * yz / sqrt(yy * zz);
            *error = fmax(*error, fabs(want / cosh(s * side[0][i]) - 1));
        }
    }
    return ET_OK;
}

/* Left additions keep distances. */
static enum et_status isometry(double *error)
{
    struct set sets[5];
    double before[ROWS], after[ROWS], work[WORK];
    struct et__points_f64 x = draw_points(0.7, 0.7, 0, &sets[0]);
    struct et__points_f64 y = draw_points(0.7, 0.7, 1, &sets[1]);
    struct et__points_f64 a = draw_points(0.7, 0.7, 2, &sets[2]);
    struct et__points_f64 ax = points(&sets[3]), ay = points(&sets[4]);
    et__add_f64(0.7, a, x, ax, work);
    et__add_f64(0.7, a, y, ay, work);
    et__distance_f64(0.7, x, y, before, work);
    et__distance_f64(0.7, ax, ay, after, work);
    *error = 0;
    for (size_t i = 0; i < ROWS; i++)
        *error = fmax(*error, fabs(after[i] / before[i] - 1));
    return ET_OK;
}

/* ----------------------------------------------------------------------------------------- means
 * -- */

/* Of two points of equal weight midpoint and Frechet mean are the middle of the geodesic. */
static enum et_status mean_of_two(double *error)
{
    struct set set;
    double m[2][N] = {{0}}, gap[2] = {0}, spare[4], apart, work[WORK];
    draw_points(1, 0.6, 0, &set);
    *error = 0;
    for (size_t i = 0; i + 1 < ROWS; i += 2) {
        struct et__points_f64 pair = {set.x + i * N, set.gap + i, 2, N};
        struct et__points_f64 middle = {m[0], gap, 1, N}, mean = {m[1], gap + 1, 1, N};
        et__midpoint_f64(1, pair, NULL, middle, work);
        et__frechet_f64(1, pair, NULL, mean, spare, work);
        et__distance_f64(1, middle, mean, &apart, work);
        *error = fmax(*error, apart);
        double d[2];
        et__distance_f64(1, pair, middle, d, work);
        *error = fmax(*error, fabs(d[0] - d[1]));
    }
    return ET_OK;
}

/* At the Frechet mean the logarithms of the points add up to zero. */
static enum et_status mean_of_many(double *error)
{
    struct set set;
    double m[N], gap, spare[2 * ROWS], logs[ROWS * N], work[WORK];
    struct et__points_f64 x = draw_points(1, 0.6, 0, &set), mean = {m, &gap, 1, N};
    et__frechet_f64(1, x, NULL, mean, spare, work);
    et__log_f64(1, mean, x, logs, work);
    *error = 0;
    for (size_t k = 0; k < N; k++) {
        double sum = 0;
        for (size_t i = 0; i < ROWS; i++)
            sum += logs[i * N + k] / ROWS;
        *error = fmax(*error, fabs(sum));
    }
    return ET_OK;
}

/* --------------------------------------------------------------------------------------- limits --
 */

/* Differences of order c: distance -> 2|x - y| as c -> 0. */
static enum et_status flat_limit(double *error)
{
    const double c = 1e-12;
    double v[ROWS * N], w[ROWS * N], d[ROWS], work[WORK];
    struct set x, y;
    draw(1, 1, 0, v);
    draw(1, 1, 1, w);
    et__exp0_f64(c, v, points(&x), work);
    et__exp0_f64(c, w, points(&y), work);
    et__distance_f64(c, points(&x), points(&y), d, work);
    *error = 0;
    for (size_t i = 0; i < ROWS; i++) {
        double sum = 0;
        for (size_t k = i * N; k < (i + 1) * N; k++)
            sum += (v[k] - w[k]) * (v[k] - w[k]);
        *error = fmax(*error, fabs(d[i] / (2 * sqrt(sum)) - 1));
    }
    return ET_OK;
}

/* sum y g of the fully connected layer followed by batch norm, for central differences. */
struct chain {
    double v[ROWS * N], z[N * N], r[N], shift[N], gain, c;
};

static double run_chain(struct chain *a, const double *g, struct chain *d)
{
    double table[3 * N], e[ROWS * N], h[ROWS * N], y[ROWS * N], mean[N], sums[N + 2], work[WORK];
    struct et__planes_f64 planes = {ET__PLANES_TANGENT, N, N, a->c, a->z, a->r, table};
    struct et__norm_f64 norm = {N, a->c, 1e-6, a->gain, a->shift, mean, 0};
    double value = 0;
    et__planes_prepare_f64(&planes);
    et__planes_forward_f64(&planes, ROWS, a->v, e, h);
    et__norm_statistics_f64(a->c, ROWS, N, h, mean, &norm.variance, sums, work);
    et__norm_rows_f64(&norm, ROWS, h, y, work);
    for (size_t i = 0; i < (size_t)ROWS * N; i++)
        value += g[i] * y[i];
    if (d) {
        double dh[ROWS * N] = {0}, de[ROWS * N], plane_sums[ET__PLANES_SUMS * N + 1],
                         scratch[3 * N];
        et__norm_batch_back_f64(&norm, ROWS, h, sums, g, dh, d->shift, &d->gain, &d->c, work);
        et__planes_back_f64(&planes, ROWS, a->v, e, dh, d->v, d->z, d->r, &d->c, de, plane_sums,
                            scratch);
    }
    return value;
}

/* A parameter of each kind, c among them, by differences of fourth order. */
static enum et_status gradient(double *error)
{
    static struct chain a, d;
    double g[ROWS * N];
    memset(&d, 0, sizeof d);
    draw(1, 0.5, 0, a.v);
    draw(1, 1, 1, g);
    for (size_t i = 0; i < (size_t)N * N; i++)
        a.z[i] = 0.3 * g[N * N + i] + (i % (N + 1) == 0);
    for (size_t i = 0; i < N; i++) {
        a.r[i] = 0.1 * g[i];
        a.shift[i] = 0.2 * g[N + i];
    }
    a.gain = 1.3;
    a.c = 0.4;
    run_chain(&a, g, &d);
    double *const at[] = {&a.v[5], &a.z[9], &a.z[20], &a.r[3], &a.shift[2], &a.gain, &a.c};
    const double found[] = {d.v[5], d.z[9], d.z[20], d.r[3], d.shift[2], d.gain, d.c};
    *error = 0;
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        static const double steps[] = {1, -1, 2, -2}, factors[] = {8, -8, -1, 1};
        const double kept = *at[i], h = 1e-3;
        double sum = 0;
        for (size_t k = 0; k < 4; k++) {
            *at[i] = kept + steps[k] * h;
            sum += factors[k] * run_chain(&a, g, NULL);
        }
        *at[i] = kept;
        *error = fmax(*error, fabs(found[i] - sum / (12 * h)) / fmax(fabs(found[i]), 1));
    }
    return ET_OK;
}

const struct et__physics_check et__physics_hyperbolic[] = {
    {"hyperbolic", "single precision: log0(exp0 v) to |v| = 15", "1", 1e-6, round_trip_single},
    {"hyperbolic", "double precision: log0(exp0 v) to |v| = 1000", "1", 1e-14, round_trip_double},
    {"hyperbolic", "geodesic triangles: law of cosines", "1", 1e-11, law_of_cosines},
    {"hyperbolic", "left additions keep distances", "1", 1e-11, isometry},
    {"hyperbolic", "two points: midpoint, Frechet mean, middle", "1", 1e-11, mean_of_two},
    {"hyperbolic", "Frechet mean: sum of logarithms", "1", 1e-11, mean_of_many},
    {"hyperbolic", "c = 1e-12: distances of flat space", "1", 1e-10, flat_limit},
    {"hyperbolic", "layer and batch norm: slopes by differences", "1", 1e-7, gradient},
    {0},
};
