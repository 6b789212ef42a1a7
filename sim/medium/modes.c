/* SPDX-License-Identifier: Apache-2.0
 *
 * Source: Gloge, Appl. Opt. 10, 2252 (1971), for LP modes.  The graded core is taken as a parabola
 * without end, n^2 = n1^2 - NA^2 r^2 / a^2: the two-dimensional oscillator
 *     -Lap psi + Omega^2 r^2 psi = (k^2 n1^2 - beta^2) psi,   Omega = k NA / a,
 * with eigenvalues 2 Omega (2 p + l + 1); a mode counts as guided while beta > k n2. */
#include "modes.h"

#include "kernels/bessel.h"

#include <etalon/array.h>

#include <math.h>
#include <stdlib.h>

double et__fibre_v(const struct et__fibre *fibre)
{
    return 2 * M_PI * fibre->radius * fibre->na / fibre->wavelength;
}

/* Zero where LP_l. has a mode; no poles, and finite at u = v. */
static double characteristic(unsigned l, double u, double v)
{
    double w2 = v * v - u * u, w = sqrt(fmax(w2, 0));
    double ratio = w > 1e-8 ? et__bessel_k_ratio(l, w) : 2.0 * l;
    return u * jn((int)l + 1, u) - ratio * jn((int)l, u);
}

/* The root between two arguments of different signs. */
static double bisect(unsigned l, double v, double low, double high, bool negative)
{
    for (int halving = 0; halving < 60; halving++) {
        double middle = 0.5 * (low + high);
        if ((characteristic(l, middle, v) < 0) == negative)
            low = middle;
        else
            high = middle;
    }
    return 0.5 * (low + high);
}

/* Between zeros of J_(l-1) and of J_l the function changes its sign once, and both lie about pi
 * apart: steps of a fortieth of that see every root.  The first zero of J_(l-1) is above l - 1;
 * further down J_l may underflow. */
size_t et__fibre_lp_roots(unsigned l, double v, double *roots, size_t most)
{
    const size_t steps = (size_t)ceil(v * 40 / M_PI) + 1;
    const double start = l > 1 ? l - 1.0 : 1e-3 * v / (double)steps;
    size_t n = 0;
    if (start >= v) return 0;
    bool negative = characteristic(l, start, v) < 0;
    double last = start;
    for (size_t i = 1; i <= steps && n < most; i++) {
        double next = start + (v - start) * (double)i / (double)steps;
        bool next_negative = characteristic(l, next, v) < 0;
        if (next_negative != negative) roots[n++] = bisect(l, v, last, next, negative);
        last = next;
        negative = next_negative;
    }
    return n;
}

static double step_radial(const struct et__fibre *fibre, unsigned l, double u, double r)
{
    const double v = et__fibre_v(fibre), w = sqrt(v * v - u * u), part = r / fibre->radius;
    if (part <= 1) return jn((int)l, u * part);
    return jn((int)l, u) * exp(et__bessel_log_k(l, w * part) - et__bessel_log_k(l, w));
}

/* 1 / sqrt of the integral of (radial function times cosine)^2: Lommel's integrals in the core,
 * [J_l^2 - J_(l-1) J_(l+1)] a^2 / 2, and the like with K outside. */
static double step_norm(const struct et__fibre *fibre, unsigned l, double u)
{
    const double v = et__fibre_v(fibre), w = sqrt(v * v - u * u);
    const double j = jn((int)l, u), below = jn((int)l - 1, u), above = jn((int)l + 1, u);
    const double up = et__bessel_k_ratio(l, w) / w;
    const double down = l > 0 ? w / et__bessel_k_ratio(l - 1, w) : up; /* K_-1 = K_1 */
    const double integral =
        0.5 * fibre->radius * fibre->radius * (j * j - below * above + j * j * (up * down - 1));
    return 1 / sqrt(integral * (l == 0 ? 2 : 1) * M_PI);
}

/* L_p^l(x) by the three-term recurrence. */
static double laguerre(unsigned p, unsigned l, double x)
{
    double before = 0, now = 1;
    for (unsigned i = 0; i < p; i++) {
        double next = ((2.0 * i + 1 + l - x) * now - ((double)i + l) * before) / (i + 1.0);
        before = now;
        now = next;
    }
    return now;
}

/* log (n!); lgamma itself writes a global variable. */
static double log_factorial(unsigned n)
{
    int sign;
    return lgamma_r((double)n + 1, &sign);
}

/* (sqrt x)^l L(x) exp(-x / 2), x = Omega r^2, through logarithms: factors of high order overflow.
 */
static double graded_radial(double omega, unsigned p, unsigned l, double r)
{
    const double x = omega * r * r, polynomial = laguerre(p, l, x);
    if (l > 0 && !(x > 0)) return 0;
    double log_weight =
        (l > 0 ? 0.5 * l * log(x) : 0) - 0.5 * x - 0.5 * (log_factorial(p + l) - log_factorial(p));
    return polynomial * exp(log_weight);
}

/* With the factorials already in: the integral of r dr (...)^2 is 1 / (2 Omega). */
static double graded_norm(double omega, unsigned l)
{
    return sqrt(2 * omega / ((l == 0 ? 2 : 1) * M_PI));
}

static double omega_of(const struct et__fibre *fibre)
{
    return 2 * M_PI / fibre->wavelength * fibre->na / fibre->radius;
}

double et__fibre_radial(const struct et__fibre *fibre, const struct et__fibre_mode *mode, double r)
{
    if (fibre->graded) return mode->norm * graded_radial(omega_of(fibre), mode->m - 1, mode->l, r);
    return mode->norm * step_radial(fibre, mode->l, mode->u, r);
}

/* Numbers m of the guided modes of order l; their u where the core is a step. */
static size_t count_modes(const struct et__fibre *fibre, unsigned l, double *roots, size_t most)
{
    const double v = et__fibre_v(fibre);
    size_t n = 0;
    if (!fibre->graded) return et__fibre_lp_roots(l, v, roots, most);
    while (n < most && 2 * (2.0 * (double)(n + 1) + l - 1) < v)
        n++;
    return n;
}

static void describe(const struct et__fibre *fibre, struct et__fibre_mode *mode)
{
    const double top = 2 * M_PI / fibre->wavelength * fibre->index;
    mode->group = 2 * mode->m + mode->l - 1;
    if (fibre->graded) {
        mode->beta = sqrt(top * top - 2 * omega_of(fibre) * mode->group);
        mode->norm = graded_norm(omega_of(fibre), mode->l);
    } else {
        mode->beta = sqrt(top * top - pow(mode->u / fibre->radius, 2));
        mode->norm = step_norm(fibre, mode->l, mode->u);
    }
}

static int by_beta(const void *a, const void *b)
{
    const struct et__fibre_mode *x = a, *y = b;
    if (x->beta < y->beta || x->beta > y->beta) return x->beta < y->beta ? 1 : -1;
    if (x->l != y->l) return x->l < y->l ? -1 : 1;
    return (int)x->sine - (int)y->sine;
}

enum et_status et__fibre_modes(const struct et__fibre *fibre, struct et__fibre_mode **modes,
                               size_t *n)
{
    /* No more than V^2 / 2 modes of one polarisation, far above what step (V^2 / 4) has. */
    const double v = et__fibre_v(fibre);
    const size_t most = (size_t)ceil(0.5 * v * v) + 8;
    struct et__fibre_mode *list = et_alloc(most, sizeof *list);
    double *roots = et_alloc(most, sizeof *roots);
    if (!list || !roots) {
        et_free(list);
        et_free(roots);
        return ET_NOMEM;
    }
    *n = 0;
    for (unsigned l = 0;; l++) {
        const size_t copies = l > 0 ? 2 : 1;
        const size_t count = count_modes(fibre, l, roots, (most - *n) / copies);
        if (count == 0) break;
        for (size_t i = 0; i < count * copies; i++) {
            struct et__fibre_mode *mode = &list[(*n)++];
            *mode = (struct et__fibre_mode){
                .l = l, .m = (unsigned)(i / copies) + 1, .sine = i % copies == 1};
            mode->u = roots[i / copies];
            describe(fibre, mode);
        }
    }
    et_free(roots);
    qsort(list, *n, sizeof *list, by_beta);
    *modes = list;
    return ET_OK;
}
