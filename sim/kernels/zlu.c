/* SPDX-License-Identifier: Apache-2.0
 *
 * Elimination by whole rows, four pivots at a time: real and imaginary parts lie apart, so every
 * inner loop runs over neighbours.  Rows are exchanged in memory; n is some hundred at most.
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

/* a -= f_0 b_0 + ... + f_3 b_3 for complex rows, `stride` apart: each element of a is read and
 * written once for four pivots. */
ET_VECTOR_CLONES static void subtract_four(double *restrict ar, double *restrict ai,
                                           const double *restrict br, const double *restrict bi,
                                           size_t stride, const double *fr, const double *fi,
                                           size_t n)
{
    const double *br1 = br + stride, *br2 = br1 + stride, *br3 = br2 + stride;
    const double *bi1 = bi + stride, *bi2 = bi1 + stride, *bi3 = bi2 + stride;
    const double fr0 = fr[0], fr1 = fr[1], fr2 = fr[2], fr3 = fr[3];
    const double fi0 = fi[0], fi1 = fi[1], fi2 = fi[2], fi3 = fi[3];
    for (size_t j = 0; j < n; j++) {
        double re = ar[j] - (fr0 * br[j] - fi0 * bi[j]), im = ai[j] - (fr0 * bi[j] + fi0 * br[j]);
        re -= fr1 * br1[j] - fi1 * bi1[j];
        im -= fr1 * bi1[j] + fi1 * br1[j];
        re -= fr2 * br2[j] - fi2 * bi2[j];
        im -= fr2 * bi2[j] + fi2 * br2[j];
        ar[j] = re - (fr3 * br3[j] - fi3 * bi3[j]);
        ai[j] = im - (fr3 * bi3[j] + fi3 * br3[j]);
    }
}

/* Eliminates columns [first, last) within themselves, rows exchanged as a whole; the factors stay
 * where the eliminated numbers were. */
static bool factor_columns(double *re, double *im, size_t n, size_t first, size_t last,
                           size_t width, size_t stride)
{
    for (size_t k = first; k < last; k++) {
        size_t pivot = find_pivot(re, im, n, k, stride);
        if (pivot != k) {
            swap_rows(re, k, pivot, width, stride);
            swap_rows(im, k, pivot, width, stride);
        }
        const double pr = re[k * stride + k], pi = im[k * stride + k], size = pr * pr + pi * pi;
        if (!(size > 0) || !isfinite(size)) return false;
        for (size_t i = k + 1; i < n; i++) {
            double *ar = re + i * stride, *ai = im + i * stride;
            const double fr = (ar[k] * pr + ai[k] * pi) / size;
            const double fi = (ai[k] * pr - ar[k] * pi) / size;
            ar[k] = fr;
            ai[k] = fi;
            for (size_t j = k + 1; j < last; j++) {
                const double br = re[k * stride + j], bi = im[k * stride + j];
                ar[j] -= fr * br - fi * bi;
                ai[j] -= fr * bi + fi * br;
            }
        }
    }
    return true;
}

bool et__zlu_solve(double *re, double *im, size_t n, size_t columns, size_t stride)
{
    enum { PIVOTS = 4 };
    const size_t width = n + columns;
    for (size_t first = 0; first < n; first += PIVOTS) {
        const size_t last = n - first < PIVOTS ? n : first + PIVOTS, rest = width - last;
        if (!factor_columns(re, im, n, first, last, width, stride)) return false;
        for (size_t i = first + 1; i < n; i++) {
            double *ar = re + i * stride, *ai = im + i * stride;
            if (i >= last && last - first == PIVOTS) {
                subtract_four(ar + last, ai + last, re + first * stride + last,
                              im + first * stride + last, stride, ar + first, ai + first, rest);
                continue;
            }
            for (size_t k = first; k < last && k < i; k++)
                subtract(ar + last, ai + last, re + k * stride + last, im + k * stride + last,
                         ar[k], ai[k], rest);
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
