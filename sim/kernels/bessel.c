/* SPDX-License-Identifier: Apache-2.0
 *
 * K_n(x) = integral from 0 to infinity of exp(-x cosh t) cosh(n t) dt.  The integrand is even,
 * analytic for |Im t| < pi / 2, falls doubly exponentially, and near its peak looks like a Gaussian
 * of variance 1 / s^2, s^4 = x^2 + n^2.  So the trapezoidal rule of step h errs by exp(-pi^2 / h)
 * and exp(-2 pi^2 / (h s)^2), less than rounding for h = 1/4 and h s = 0.7.  Higher orders follow
 * upwards, where the recurrence K_(n+1) = K_(n-1) + (2 n / x) K_n adds positive terms only. */
#include "kernels/bessel.h"

#include <math.h>

/* ln of the integral with exp(x) taken out of it, and exp(n t) scaled by its largest value. */
static double log_integral(unsigned n, double x)
{
    const double h = fmin(0.25, 0.7 / sqrt(hypot(n, x))), peak = asinh(n / x);
    const double top = n * peak - x * (cosh(peak) - 1);
    double sum = 0;
    for (unsigned i = 0;; i++) {
        double t = h * i, fall = x * (cosh(t) - 1);
        double term = 0.5 * (exp(n * t - fall - top) + exp(-(n * t) - fall - top));
        sum += i == 0 ? 0.5 * term : term;
        if (t > peak && term < 1e-20 * sum) break;
    }
    return log(h * sum) + top - x;
}

double et__bessel_k_ratio(unsigned n, double x)
{
    double ratio = x * exp(log_integral(1, x) - log_integral(0, x));
    for (unsigned i = 1; i <= n; i++)
        ratio = 2 * i + x * x / ratio;
    return ratio;
}

double et__bessel_log_k(unsigned n, double x)
{
    double value = log_integral(0, x);
    if (n == 0) return value;
    double ratio = x * exp(log_integral(1, x) - value);
    for (unsigned i = 0; i < n; i++) {
        value += log(ratio / x);
        ratio = 2 * (i + 1) + x * x / ratio;
    }
    return value;
}

double et__bessel_log_k_reference(unsigned n, double x)
{
    return log_integral(n, x);
}
