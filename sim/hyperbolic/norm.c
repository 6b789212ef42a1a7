/* SPDX-License-Identifier: Apache-2.0
 *
 * Midpoint batch norm of tangent rows: kernels/poincare.h.  The knob `gain` enters as its square,
 * gamma = gain^2, which no training makes negative.  In flat space, the limit:
 *
 *     y = shift + k (v - mean),   k = sqrt(gamma/(variance + eps))
 *     variance = mean 4 |v - mean|^2      distances are twice those of the coordinates */
#include "hyperbolic/hyperbolic.h"

#include <math.h>

static const double eps = 1e-6;

static struct et__norm_f32 norm_of(const struct et__hyperbolic *net,
                                   const struct et__hyp_node *node, const double *mean,
                                   double variance)
{
    return (struct et__norm_f32){.n = node->in.channels,
                                 .c = net->c,
                                 .eps = eps,
                                 .gamma = node->gain * node->gain,
                                 .shift = node->shift,
                                 .mean = mean,
                                 .variance = variance};
}

static double flat_factor(const struct et__norm_f32 *norm)
{
    return sqrt(norm->gamma / (norm->variance + norm->eps));
}

static void flat_rows(const struct et__norm_f32 *norm, size_t rows, const float *x, float *y)
{
    double k = flat_factor(norm);
    for (size_t r = 0; r < rows; r++, x += norm->n, y += norm->n)
        for (size_t i = 0; i < norm->n; i++)
            y[i] = (float)(norm->shift[i] + k * ((double)x[i] - norm->mean[i]));
}

/* dgamma of k, by dk/dgamma = k / (2 gamma); where gamma = 0 it is without bound: none then. */
static void flat_back(const struct et__norm_f32 *norm, size_t rows, const float *x, const float *dy,
                      float *dx, double *dshift, double *dgamma, double *dmean, double *dvariance)
{
    double k = flat_factor(norm), dk = 0;
    for (size_t r = 0; r < rows; r++, x += norm->n, dx += norm->n, dy += norm->n)
        for (size_t i = 0; i < norm->n; i++) {
            double d = (double)dy[i];
            dk += d * ((double)x[i] - norm->mean[i]);
            dshift[i] += d;
            dmean[i] -= k * d;
            dx[i] += (float)(k * d);
        }
    if (norm->gamma > 0) *dgamma += dk * k / (2 * norm->gamma);
    *dvariance -= dk * k / (2 * (norm->variance + norm->eps));
}

void et__hyp_norm(const struct et__hyperbolic *net, const struct et__hyp_node *node,
                  const double *mean, double variance, size_t rows, const float *x, float *y,
                  double *work)
{
    struct et__norm_f32 norm = norm_of(net, node, mean, variance);
    if (net->flat)
        flat_rows(&norm, rows, x, y);
    else
        et__norm_rows_f32(&norm, rows, x, y, work);
}

void et__hyp_norm_back(const struct et__hyperbolic *net, const struct et__hyp_node *node,
                       const double *mean, double variance, size_t rows, const float *x,
                       const float *dy, float *dx, double *sums, double *dc, double *work)
{
    struct et__norm_f32 norm = norm_of(net, node, mean, variance);
    size_t n = norm.n;
    double *dgamma = sums + n, *dmean = dgamma + 1, *dvariance = dmean + n;
    if (net->flat)
        flat_back(&norm, rows, x, dy, dx, sums, dgamma, dmean, dvariance);
    else
        et__norm_rows_back_f32(&norm, rows, x, dy, dx, sums, dgamma, dmean, dvariance, dc, work);
}

void et__hyp_norm_finish(const struct et__hyp_node *node, const double *sums, float *dknobs)
{
    size_t n = node->in.channels;
    dknobs[0] = (float)(2 * node->gain * sums[n]);
    for (size_t i = 0; i < n; i++) {
        dknobs[1 + i] = (float)sums[i];
        dknobs[1 + n + i] = (float)sums[n + 1 + i];
    }
    dknobs[1 + 2 * n] = (float)sums[2 * n + 1];
}

/* ----------------------------------------------------------- statistics of a batch's part -- */

void et__hyp_norm_sum(const struct et__hyperbolic *net, size_t n, size_t rows, const float *x,
                      double *sums, double *work)
{
    if (!net->flat) {
        et__norm_sum_f32(net->c, rows, n, x, sums, work);
        return;
    }
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < n; i++)
            sums[i] += (double)x[r * n + i];
}

void et__hyp_norm_spread(const struct et__hyperbolic *net, size_t n, size_t rows, const float *x,
                         const double *sums, double *spread, double *work)
{
    if (!net->flat) et__norm_spread_f32(net->c, rows, n, x, sums, spread, work);
}

void et__hyp_norm_mean(const struct et__hyperbolic *net, size_t n, const double *sums,
                       double spread, size_t total, double *mean)
{
    if (!net->flat) {
        et__norm_mean_f32(net->c, n, sums, spread, mean);
        return;
    }
    for (size_t i = 0; i < n; i++)
        mean[i] = sums[i] / (double)total;
}

void et__hyp_norm_variance(const struct et__hyperbolic *net, size_t n, size_t rows, const float *x,
                           const double *mean, size_t total, double *variance, double *work)
{
    if (!net->flat) {
        et__norm_variance_f32(net->c, rows, n, x, mean, total, variance, work);
        return;
    }
    double sum = 0;
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < n; i++) {
            double d = (double)x[r * n + i] - mean[i];
            sum += d * d;
        }
    *variance += 4 * sum / (double)total;
}

/* The mean moves no variance to first order: it is where the sum of squares is least. */
void et__hyp_norm_variance_back(const struct et__hyperbolic *net, size_t n, size_t rows,
                                const float *x, const double *mean, size_t total, double dvariance,
                                float *dx, double *dmean, double *dc, double *work)
{
    if (!net->flat) {
        et__norm_variance_back_f32(net->c, rows, n, x, mean, total, dvariance, dx, dmean, dc, work);
        return;
    }
    double factor = 8 * dvariance / (double)total;
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < n; i++)
            dx[r * n + i] += (float)(factor * ((double)x[r * n + i] - mean[i]));
}

void et__hyp_norm_mean_back(const struct et__hyperbolic *net, size_t n, size_t rows, const float *x,
                            const double *sums, const double *mean, const double *dmean,
                            size_t total, bool first, float *dx, double *dc, double *work)
{
    if (!net->flat) {
        et__norm_mean_back_f32(net->c, rows, n, x, sums, mean, dmean, first, dx, dc, work);
        return;
    }
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < n; i++)
            dx[r * n + i] += (float)(dmean[i] / (double)total);
}
