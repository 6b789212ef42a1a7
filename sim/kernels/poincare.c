/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/poincare.h"

#include <math.h>

size_t et__poincare_work(size_t n)
{
    return 17 * ((n + 7) / 8 * 8);
}

double et__poincare_beta(size_t n, size_t part)
{
    double whole = 0.5 * (double)n, half = 0.5 * (double)part;
    return exp((lgamma(whole) - lgamma(whole + 0.5)) - (lgamma(half) - lgamma(half + 0.5)));
}

void et__norm_update(double c, size_t n, double rate, const double *mean, double variance,
                     double *running_mean, double *running_variance, double *work)
{
    double *x = work, log_gap[2], middle_gap;
    const double weights[] = {1 - rate, rate};
    size_t row = n;
    double *middle = x + 2 * row, *rest = middle + row;
    et__exp0_f64(c, running_mean, (struct et__points_f64){x, log_gap, 1, n}, rest);
    et__exp0_f64(c, mean, (struct et__points_f64){x + row, log_gap + 1, 1, n}, rest);
    struct et__points_f64 both = {x, log_gap, 2, n}, m = {middle, &middle_gap, 1, n};
    et__midpoint_f64(c, both, weights, m, rest);
    et__log0_f64(m, running_mean, rest);
    *running_variance += rate * (variance - *running_variance);
}
