/* SPDX-License-Identifier: Apache-2.0
 *
 * The Poincare ball by the formulas of the textbooks, one row of n <= PLAIN_MAX doubles, for
 * comparison where these formulas are well conditioned. */
#ifndef ETALON_TESTS_POINCARE_PLAIN_H
#define ETALON_TESTS_POINCARE_PLAIN_H

#include <math.h>
#include <stddef.h>
#include <string.h>

enum { PLAIN_MAX = 64 };

static inline double plain_dot(const double *a, const double *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

static inline void plain_scale(double f, const double *a, size_t n, double *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = f * a[i];
}

static inline double plain_lambda(double c, const double *x, size_t n)
{
    return 2 / (1 - c * plain_dot(x, x, n));
}

static inline void plain_add(double c, const double *x, const double *y, size_t n, double *z)
{
    double xy = plain_dot(x, y, n), x2 = plain_dot(x, x, n), y2 = plain_dot(y, y, n);
    double den = 1 + 2 * c * xy + c * c * x2 * y2;
    for (size_t i = 0; i < n; i++)
        z[i] = ((1 + 2 * c * xy + c * y2) * x[i] + (1 - c * x2) * y[i]) / den;
}

/* z = (-x) (+) y */
static inline void plain_subtract(double c, const double *x, const double *y, size_t n, double *z)
{
    double minus[PLAIN_MAX];
    plain_scale(-1, x, n, minus);
    plain_add(c, minus, y, n, z);
}

static inline void plain_exp0(double c, const double *v, size_t n, double *x)
{
    double t = sqrt(c * plain_dot(v, v, n));
    plain_scale(t > 0 ? tanh(t) / t : 1, v, n, x);
}

static inline void plain_log0(double c, const double *x, size_t n, double *v)
{
    double t = sqrt(c * plain_dot(x, x, n));
    plain_scale(t > 0 ? atanh(t) / t : 1, x, n, v);
}

static inline void plain_times(double c, double r, const double *x, size_t n, double *z)
{
    double t = sqrt(c * plain_dot(x, x, n));
    plain_scale(t > 0 ? tanh(r * atanh(t)) / t : r, x, n, z);
}

static inline void plain_exp(double c, const double *x, const double *v, size_t n, double *z)
{
    double h[PLAIN_MAX], size = sqrt(plain_dot(v, v, n));
    double t = sqrt(c) * plain_lambda(c, x, n) * size / 2;
    plain_scale(tanh(t) / (sqrt(c) * size), v, n, h);
    plain_add(c, x, h, n, z);
}

static inline void plain_log(double c, const double *x, const double *y, size_t n, double *v)
{
    double m[PLAIN_MAX];
    plain_subtract(c, x, y, n, m);
    double size = sqrt(plain_dot(m, m, n)), s = sqrt(c);
    plain_scale(2 / (s * plain_lambda(c, x, n)) * atanh(s * size) / size, m, n, v);
}

static inline double plain_distance(double c, const double *x, const double *y, size_t n)
{
    double m[PLAIN_MAX];
    plain_subtract(c, x, y, n, m);
    return 2 / sqrt(c) * atanh(sqrt(c * plain_dot(m, m, n)));
}

/* By its definition, (-(u (+) v)) (+) (u (+) (v (+) w)). */
static inline void plain_gyration(double c, const double *u, const double *v, const double *w,
                                  size_t n, double *z)
{
    double uv[PLAIN_MAX], vw[PLAIN_MAX], uvw[PLAIN_MAX];
    plain_add(c, u, v, n, uv);
    plain_add(c, v, w, n, vw);
    plain_add(c, u, vw, n, uvw);
    plain_subtract(c, uv, uvw, n, z);
}

static inline void plain_transport(double c, const double *x, const double *y, const double *v,
                                   size_t n, double *z)
{
    double minus[PLAIN_MAX], small[PLAIN_MAX];
    plain_scale(-1, x, n, minus);
    double size =
        4 * sqrt(c * plain_dot(v, v, n)); /* a gyration is linear; its definition needs the ball */
    plain_scale(1 / size, v, n, small);
    plain_gyration(c, y, minus, small, n, z);
    plain_scale(size * plain_lambda(c, x, n) / plain_lambda(c, y, n), z, n, z);
}

static inline void plain_midpoint(double c, const double *x, const double *w, size_t rows, size_t n,
                                  double *m)
{
    double num[PLAIN_MAX] = {0}, den = 0;
    for (size_t i = 0; i < rows; i++) {
        double lambda = plain_lambda(c, x + i * n, n);
        for (size_t j = 0; j < n; j++)
            num[j] += w[i] * lambda * x[i * n + j];
        den += w[i] * (lambda - 1);
    }
    plain_scale(1 / den, num, n, num);
    plain_scale(1 / (1 + sqrt(1 - c * plain_dot(num, num, n))), num, n, m);
}

/* Signed distance of x to the plane with normal z and offset r. */
static inline double plain_plane(double c, const double *x, const double *z, double r, size_t n)
{
    double s = sqrt(c), lambda = plain_lambda(c, x, n), size = sqrt(plain_dot(z, z, n));
    return 2 * size / s *
           asinh(s * lambda / size * plain_dot(x, z, n) * cosh(2 * s * r) -
                 (lambda - 1) * sinh(2 * s * r));
}

/* The fully connected layer from x in the ball to y in the ball. */
static inline void plain_connected(double c, const double *x, const double *z, const double *r,
                                   size_t n_in, size_t n_out, double *y)
{
    double w[PLAIN_MAX], s = sqrt(c);
    for (size_t k = 0; k < n_out; k++)
        w[k] = sinh(s * plain_plane(c, x, z + k * n_in, r[k], n_in)) / s;
    plain_scale(1 / (1 + sqrt(1 + c * plain_dot(w, w, n_out))), w, n_out, y);
}

/* A row of batch norm: x, mean and shift are points. */
static inline void plain_norm(double c, const double *x, const double *mean, double variance,
                              double eps, const double *shift, double gamma, size_t n, double *y)
{
    double v[PLAIN_MAX], u[PLAIN_MAX];
    plain_log(c, mean, x, n, v);
    plain_transport(c, mean, shift, v, n, u);
    plain_scale(sqrt(gamma / (variance + eps)), u, n, u);
    plain_exp(c, shift, u, n, y);
}

#endif
