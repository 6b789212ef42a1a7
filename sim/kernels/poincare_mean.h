/* SPDX-License-Identifier: Apache-2.0
 *
 * Means of points: gyromidpoint and Frechet mean, for one type of number, REAL. */
#include "kernels/poincare_batch.h"

enum { STEPS_MAX = 1000 };
static const double settled = 1e-14;

/* ---------------------------------------------------------------------------------- midpoint -- */

/* m' = sum w lambda x / sum w (lambda - 1), den that sum, root = S = sqrt(1 - c|m'|^2):
 *     m = m'/(1 + S),  l = ln(2 S/(1 + S))
 * S is not computed from m'.  With q = sqrt(1 - g) the length of s x, and e, f the directions of m'
 * and x, den - s|num| = sum w ((g/(1 + q))^2 + q |f - e|^2)/g has positive terms only; with sigma
 * that over den, S^2 = sigma (2 - sigma). */
struct centre {
    double *ratio; /* m', in slot 1 */
    double den, root;
};

/* Weights are weights[i] (NULL: 1) times factors[i] (NULL: 1). */
static double weight_of(const REAL *weights, const double *factors, size_t i)
{
    return (weights ? (double)weights[i] : 1) * (factors ? factors[i] : 1);
}

static double spread_of(const struct et__row *x, size_t n, const double *e, double *apart)
{
    double gap = exp(fmax(x->l, et__row_least)), q = sqrt(1 - gap), inner = gap / (1 + q);
    double length = sqrt(et__row_dot(x->x, x->x, n)), outer = 0;
    if (length > 0) {
        et__row_mix(apart, 1 / length, x->x, -1, e, n);
        outer = q * et__row_dot(apart, apart, n);
    }
    return (inner * inner + outer) / gap;
}

static struct centre find_centre(double c, struct NAME(points) x, const REAL *weights,
                                 const double *factors, double *work)
{
    struct centre m = {blank(x.n, slot(work, x.n, 1)).x, 0, 1};
    double *row = slot(work, x.n, 0), *e = slot(work, x.n, 2), spread = 0;
    for (size_t i = 0; i < x.rows; i++) {
        struct et__row p = take(x, i, row);
        double w = weight_of(weights, factors, i), lambda = 2 * exp(-fmax(p.l, et__row_least));
        et__row_add(m.ratio, w * lambda, p.x, x.n);
        m.den += w * (lambda - 1);
    }
    double length = sqrt(et__row_dot(m.ratio, m.ratio, x.n));
    if (!(length > 0 && m.den > 0)) return m;
    et__row_mix(e, 1 / length, m.ratio, 0, m.ratio, x.n);
    for (size_t i = 0; i < x.rows; i++) {
        struct et__row p = take(x, i, row);
        spread += weight_of(weights, factors, i) * spread_of(&p, x.n, e, slot(work, x.n, 3));
    }
    double sigma = spread / m.den;
    m.root = sigma < 1 ? sqrt(sigma * (2 - sigma)) : 1;
    et__row_mix(m.ratio, sqrt(1 - m.root * m.root) / sqrt(c), e, 0, e, x.n);
    return m;
}

static void centre_point(const struct centre *centre, size_t n, struct et__row *m)
{
    et__row_mix(m->x, 1 / (1 + centre->root), centre->ratio, 0, centre->ratio, n);
    m->l = log(2 * centre->root / (1 + centre->root));
}

/* dS/dm' = -c m'/S; d(num/den) */
static void centre_back(double c, struct NAME(points) x, const REAL *weights, const double *factors,
                        const struct centre *m, const struct et__row *dm, struct NAME(points) dx,
                        double *dweights, double *dc, double *work)
{
    double *row = slot(work, x.n, 0), *dratio = slot(work, x.n, 2), *apart = slot(work, x.n, 3);
    double one = 1 + m->root;
    double droot = (dm->l / m->root - et__row_dot(dm->x, m->ratio, x.n) / one) / one;
    if (!(m->den > 0)) return;
    et__row_mix(dratio, 1 / one, dm->x, -droot / m->root * c, m->ratio, x.n);
    if (dc) *dc -= droot * et__row_dot(m->ratio, m->ratio, x.n) / (2 * m->root);
    et__row_times(dratio, 1 / m->den, x.n);
    double along = et__row_dot(dratio, m->ratio, x.n);
    for (size_t i = 0; i < x.rows; i++) {
        struct et__row p = take(x, i, row);
        double w = weight_of(weights, factors, i), lambda = 2 * exp(-fmax(p.l, et__row_least));
        et__row_mix(apart, 1, p.x, -1, m->ratio, x.n);
        double off = et__row_dot(dratio, apart, x.n);
        struct et__row d = {apart, -lambda * w * off};
        et__row_mix(apart, w * lambda, dratio, 0, dratio, x.n);
        give(dx, i, &d);
        if (dweights) dweights[i] += lambda * off + along;
    }
}

void NAME(midpoint)(double c, struct NAME(points) x, const REAL *weights, struct NAME(points) m,
                    double *work)
{
    struct centre centre = find_centre(c, x, weights, NULL, work);
    struct et__row row = {slot(work, x.n, 0), 0};
    centre_point(&centre, x.n, &row);
    put(m, 0, &row);
}

void NAME(midpoint_back)(double c, struct NAME(points) x, const REAL *weights,
                         struct NAME(points) dm, struct NAME(points) dx, double *dweights,
                         double *dc, double *work)
{
    struct centre centre = find_centre(c, x, weights, NULL, work);
    struct et__row d = take(dm, 0, slot(work, x.n, 4));
    centre_back(c, x, weights, NULL, &centre, &d, dx, dweights, dc, work);
}

/* -------------------------------------------------------------------------------- Frechet mean --
 */

/* The minimum of sum w d^2 is the midpoint with the weights w s d/sinh(s d), d the distances from
 * it: a step computes these weights where it stands, and goes to their midpoint. */
static struct centre step_to(double c, struct NAME(points) x, const REAL *weights,
                             const struct et__row *m, double *factors, double *work)
{
    double slope;
    for (size_t i = 0; i < x.rows; i++) {
        struct et__row p = take(x, i, slot(work, x.n, 0));
        factors[i] = et__sinh_weight(et__row_sinh2(c, x.n, &p, m), &slope);
    }
    return find_centre(c, x, weights, factors, work);
}

size_t NAME(frechet)(double c, struct NAME(points) x, const REAL *weights, struct NAME(points) m,
                     double *spare, double *work)
{
    struct et__row at = {slot(work, x.n, 4), 0}, next = {slot(work, x.n, 5), 0};
    struct centre centre = find_centre(c, x, weights, NULL, work);
    size_t steps = 0;
    double moved = 1;
    centre_point(&centre, x.n, &at);
    while (steps < STEPS_MAX && moved > settled) {
        centre = step_to(c, x, weights, &at, spare, work);
        centre_point(&centre, x.n, &next);
        moved = sqrt(et__row_sinh2(c, x.n, &at, &next));
        memcpy(at.x, next.x, x.n * sizeof *at.x);
        at.l = next.l;
        steps++;
    }
    put(m, 0, &at);
    return steps;
}

/* One step back: `from` is the adjoint of where the step arrives; to `to` that of where it stood is
 * added, and to dx, dweights, dc what goes there directly. */
static void step_back(double c, struct NAME(points) x, const REAL *weights, const struct et__row *m,
                      const double *factors, const struct centre *centre,
                      const struct et__row *from, struct et__row *to, struct NAME(points) dx,
                      double *dweights, double *dc, double *dfactors, double *work)
{
    size_t n = x.n;
    memset(dfactors, 0, x.rows * sizeof *dfactors);
    centre_back(c, x, weights, factors, centre, from, dx, dfactors, dc, work);
    for (size_t i = 0; i < x.rows; i++) {
        struct et__row p = take(x, i, slot(work, n, 0)), dp = blank(n, slot(work, n, 2));
        double slope, f = et__sinh_weight(et__row_sinh2(c, n, &p, m), &slope);
        double dy = (weights ? (double)weights[i] : 1) * dfactors[i] * slope;
        et__row_sinh2_back(c, n, &p, m, dy, &dp, to, dc, slot(work, n, 3));
        give(dx, i, &dp);
        if (dweights) dweights[i] += f * dfactors[i];
    }
}

/* m = F(m, x): the adjoint a of m's own equation is a = dm + F_m' a, found by as many steps. */
size_t NAME(frechet_back)(double c, struct NAME(points) x, const REAL *weights,
                          struct NAME(points) m, struct NAME(points) dm, struct NAME(points) dx,
                          double *dweights, double *dc, double *spare, double *work)
{
    size_t n = x.n, steps = 0;
    const struct NAME(points) none = {.rows = x.rows, .n = n};
    struct et__row at = take(m, 0, slot(work, n, 4)), d = take(dm, 0, slot(work, n, 5));
    struct et__row a = take(dm, 0, slot(work, n, 6)), next = {slot(work, n, 7), 0};
    double moved = 1, size = fabs(d.l) + sqrt(et__row_dot(d.x, d.x, n)) + 1e-300;
    struct centre centre = step_to(c, x, weights, &at, spare, work);
    double *ratio = slot(work, n, 8);
    memcpy(ratio, centre.ratio, n * sizeof *ratio);
    centre.ratio = ratio;
    while (steps < STEPS_MAX && moved > settled * size) {
        memcpy(next.x, d.x, n * sizeof *next.x);
        next.l = d.l;
        step_back(c, x, weights, &at, spare, &centre, &a, &next, none, NULL, NULL, spare + x.rows,
                  work);
        moved = fabs(next.l - a.l) + sqrt(et__row_apart(next.x, a.x, n));
        memcpy(a.x, next.x, n * sizeof *a.x);
        a.l = next.l;
        steps++;
    }
    struct et__row rest = blank(n, slot(work, n, 7));
    step_back(c, x, weights, &at, spare, &centre, &a, &rest, dx, dweights, dc, spare + x.rows,
              work);
    return steps;
}
