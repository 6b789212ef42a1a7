/* SPDX-License-Identifier: Apache-2.0
 *
 * Diffraction as a plain sum over the samples of a plane: slow, and free of transforms, padding
 * and bands.  The reference that the angular spectrum is compared with. */
#include "kernels/angular.h"

#include <math.h>

#define PI 3.14159265358979323846

/* (z / R) (1 / R - i k) exp(i k R) / R. */
static double complex kernel(double x, double y, double z, double k)
{
    double r = sqrt(x * x + y * y + z * z), phase = k * r;
    return z / (r * r) * CMPLX(1 / r, -k) * CMPLX(cos(phase), sin(phase));
}

void et__rayleigh_sommerfeld(const double complex *from, size_t ny, size_t nx, double dx,
                             double wavelength, double distance, double complex *to, size_t my,
                             size_t mx)
{
    const double k = 2 * PI / wavelength, area = dx * dx / (2 * PI);
    const double shift_x = 0.5 * ((double)nx - (double)mx) * dx;
    const double shift_y = 0.5 * ((double)ny - (double)my) * dx;
    for (size_t j = 0; j < my; j++)
        for (size_t i = 0; i < mx; i++) {
            double complex sum = 0;
            for (size_t y = 0; y < ny; y++)
                for (size_t x = 0; x < nx; x++)
                    sum += from[y * nx + x] * kernel(((double)i - (double)x) * dx + shift_x,
                                                     ((double)j - (double)y) * dx + shift_y,
                                                     distance, k);
            to[j * mx + i] = area * sum;
        }
}
