/* SPDX-License-Identifier: Apache-2.0
 *
 * The Poincare ball as a space of knobs, for optimisers. */
#include "hyperbolic/hyperbolic.h"

#include <math.h>

/* Points stay so far inside that 1 - c|x|^2 is not below the rounding of its parts: 15/sqrt(c)
 * away from 0. */
static const double gap_min = 1.2e-6;

/* 1 - c|p|^2 = 2/lambda, lambda the conformal factor. */
static double gap_of(double c, const float *p, size_t n)
{
    double square = 0;
    for (size_t i = 0; i < n; i++)
        square += (double)p[i] * (double)p[i];
    return fmax(1 - c * square, gap_min);
}

static double dot(const float *a, const float *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

/* grad / lambda^2. */
static void gradient(double c, const float *p, float *g, size_t n)
{
    double gap = gap_of(c, p, n);
    for (size_t i = 0; i < n; i++)
        g[i] = (float)(0.25 * gap * gap * (double)g[i]);
}

static double inner(double c, const float *p, const float *u, const float *v, size_t n)
{
    double gap = gap_of(c, p, n);
    return 4 / (gap * gap) * dot(u, v, n);
}

/* y = exp_p(u) = p (+) q, q = tanh(s lambda |u|/2) u/(s|u|), back into the ball where rounding put
 * it outside; y = along_p p + along_u u.  Carries w along: gyr[y, -p] w lambda_p/lambda_y, where
 * the gyration is w + 2 (a y - b p)/e with a, b, e as in Ungar's formula for (u, v) = (y, -p). */
static void move(double c, float *p, const float *u, float *w, size_t n)
{
    double s = sqrt(c), length = sqrt(dot(u, u, n)), gap = gap_of(c, p, n);
    if (!(length > 0)) return;
    double t = tanh(s * length / gap) / (s * length); /* step q = t u */
    double pq = t * dot(p, u, n), pp = dot(p, p, n), qq = t * t * length * length;
    double d = 1 + 2 * c * pq + c * c * pp * qq;
    double along_p = (1 + 2 * c * pq + c * qq) / d, along_u = (1 - c * pp) * t / d;
    double square = along_p * along_p * pp + 2 * along_p * along_u * pq / t +
                    along_u * along_u * length * length;
    double shrink = c * square > 1 - gap_min ? sqrt((1 - gap_min) / (c * square)) : 1;
    along_p *= shrink;
    along_u *= shrink;
    if (w != NULL) {
        double yy = shrink * shrink * square, xy = -(along_p * pp + along_u * pq / t);
        double pw = dot(p, w, n), uw = along_p * pw + along_u * dot(u, w, n), vw = -pw;
        double a = -c * c * uw * pp + c * vw + 2 * c * c * xy * vw;
        double b = -c * c * vw * yy - c * uw;
        double e = fmax(1 + 2 * c * xy + c * c * pp * yy, 1e-300);
        double scale = fmax(1 - c * yy, gap_min) / gap;
        for (size_t i = 0; i < n; i++) {
            double y = along_p * (double)p[i] + along_u * (double)u[i];
            w[i] = (float)(scale * ((double)w[i] + 2 * (a * y - b * (double)p[i]) / e));
        }
    }
    for (size_t i = 0; i < n; i++)
        p[i] = (float)(along_p * (double)p[i] + along_u * (double)u[i]);
}

const struct et_manifold et__poincare_manifold = {
    .name = "poincare-ball",
    .gradient = gradient,
    .inner = inner,
    .move = move,
};
