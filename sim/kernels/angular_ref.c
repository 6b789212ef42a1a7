/* SPDX-License-Identifier: Apache-2.0
 *
 * Plain version of the angular spectrum: sums of exponentials, in double precision. */
#include "kernels/angular.h"

#include <etalon/array.h>

#include <math.h>

#define PI 3.14159265358979323846

/* Discrete Fourier transform of `lines` rows of n numbers, sign as in exp(sign i 2 pi j k / n). */
static void transform(const double complex *from, double complex *to, size_t lines, size_t n,
                      double sign)
{
    for (size_t l = 0; l < lines; l++)
        for (size_t k = 0; k < n; k++) {
            double complex sum = 0;
            for (size_t j = 0; j < n; j++) {
                double phase = sign * 2 * PI * (double)(j * k % n) / (double)n;
                sum += from[l * n + j] * CMPLX(cos(phase), sin(phase));
            }
            to[k * lines + l] = sum; /* transposed: the other axis is next */
        }
}

static double frequency(size_t k, size_t n, double dx)
{
    double order = 2 * k <= n ? (double)k : (double)k - (double)n;
    return order / ((double)n * dx);
}

enum et_status et__angular_step_plain(const struct et__angular *a, const struct et__space *space,
                                      float complex *field, bool adjoint)
{
    size_t py = a->py, px = a->px;
    double complex *e = et_alloc(py * px, sizeof *e), *f = et_alloc(py * px, sizeof *f);
    if (!e || !f) {
        et_free(e);
        et_free(f);
        return ET_NOMEM;
    }
    for (size_t y = 0; y < a->ny; y++)
        for (size_t x = 0; x < a->nx; x++)
            e[y * px + x] = (double complex)field[y * a->pitch + x];
    transform(e, f, py, px, -1);
    transform(f, e, px, py, -1);
    for (size_t k = 0; k < py; k++)
        for (size_t c = 0; c < px; c++) {
            double complex h = et__space_transfer(space, a, frequency(c, px, space->dx),
                                                  frequency(k, py, space->dx));
            e[k * px + c] *= (adjoint ? conj(h) : h) / (double)(py * px);
        }
    transform(e, f, py, px, 1);
    transform(f, e, px, py, 1);
    for (size_t y = 0; y < a->ny; y++)
        for (size_t x = 0; x < a->nx; x++)
            field[y * a->pitch + x] = (float complex)e[y * px + x];
    et_free(e);
    et_free(f);
    return ET_OK;
}
