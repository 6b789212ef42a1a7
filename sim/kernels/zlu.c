/* SPDX-License-Identifier: Apache-2.0
 *
 * Elimination by whole rows: real and imaginary parts lie apart, so every inner loop runs over
 * neighbours.  Rows are exchanged in memory; n is some hundred at most.
 *
 * The reference is Gauss-Jordan with the complex numbers of the language: it differs by rounding.
 */
#include "kernels/zlu.h"

#include <complex.h>
#include <math.h>

static void swap_rows(double *a, size_t i, size_t j, size_t count, size_t stride)
{
    for (size_t c = 0; c < count; c++) {
        double kept = a[i * stride + c];
        a[i * stride + c] = a[j * stride + c];
        a[j * stride + c] = kept;
    }
}

/* Row of the largest element of column k from row k on, by |re| + |im| as LAPACK takes it. */
static size_t find_pivot(const double *re, const double *im, size_t n, size_t k, size_t stride)
{
    size_t best = k;
    double most = -1;
    for (size_t i = k; i < n; i++) {
        double size = fabs(re[i * stride + k]) + fabs(im[i * stride + k]);
        if (size > most) {
            most = size;
            best = i;
        }
    }
    return best;
}

/* a -= f b for complex rows. */
ET_VECTOR_CLONES static void subtract(double *restrict ar, double *restrict ai,
                                      const double *restrict br, const double *restrict bi,
                                      double fr, double fi, size_t n)
{
    for (size_t j = 0; j < n; j++) {
        ar[j] -= fr * br[j] - fi * bi[j];
        ai[j] -= fr * bi[j] + fi * br[j];
    }
}

bool et__zlu_solve(double *re, double *im, size_t n, size_t columns, size_t stride)
{
    const size_t width = n + columns;
    for (size_t k = 0; k < n; k++) {
        size_t pivot = find_pivot(re, im, n, k, stride);
        if (pivot != k) {
            swap_rows(re, k, pivot, width, stride);
            swap_rows(im, k, pivot, width, stride);
        }
        double pr = re[k * stride + k], pi = im[k * stride + k], size = pr * pr + pi * pi;
        if (!(size > 0) || !isfinite(size)) return false;
        for (size_t i = k + 1; i < n; i++) {
            double ar = re[i * stride + k], ai = im[i * stride + k];
            double fr = (ar * pr + ai * pi) / size, fi = (ai * pr - ar * pi) / size;
            size_t at = i * stride + k + 1, from = k * stride + k + 1;
            subtract(re + at, im + at, re + from, im + from, fr, fi, width - k - 1);
        }
    }
    for (size_t k = n; k-- > 0;) {
        double pr = re[k * stride + k], pi = im[k * stride + k], size = pr * pr + pi * pi;
        double *xr = re + k * stride + n, *xi = im + k * stride + n;
        for (size_t c = 0; c < columns; c++) {
            double ar = xr[c], ai = xi[c];
            xr[c] = (ar * pr + ai * pi) / size;
            xi[c] = (ai * pr - ar * pi) / size;
        }
        for (size_t i = 0; i < k; i++)
            subtract(re + i * stride + n, im + i * stride + n, xr, xi, re[i * stride + k],
                     im[i * stride + k], columns);
    }
    return true;
}

bool et__zlu_solve_reference(double *re, double *im, size_t n, size_t columns, size_t stride)
{
    const size_t width = n + columns;
    for (size_t k = 0; k < n; k++) {
        size_t pivot = find_pivot(re, im, n, k, stride);
        swap_rows(re, k, pivot, width, stride);
        swap_rows(im, k, pivot, width, stride);
        double complex p = CMPLX(re[k * stride + k], im[k * stride + k]);
        if (!(cabs(p) > 0) || !isfinite(cabs(p))) return false;
        for (size_t i = 0; i < n; i++) {
            if (i == k) continue;
            double complex f = CMPLX(re[i * stride + k], im[i * stride + k]) / p;
            for (size_t j = k; j < width; j++) {
                double complex value = CMPLX(re[i * stride + j], im[i * stride + j]) -
                                       f * CMPLX(re[k * stride + j], im[k * stride + j]);
                re[i * stride + j] = creal(value);
                im[i * stride + j] = cimag(value);
            }
        }
    }
    for (size_t k = 0; k < n; k++)
        for (size_t j = n; j < width; j++) {
            double complex x = CMPLX(re[k * stride + j], im[k * stride + j]) /
                               CMPLX(re[k * stride + k], im[k * stride + k]);
            re[k * stride + j] = creal(x);
            im[k * stride + j] = cimag(x);
        }
    return true;
}
