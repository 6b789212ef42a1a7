/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/surrogate.h"

#include <math.h>

static const float pi = 3.14159265358979324F;

ET_VECTOR_CLONES static void triangle(float width, float height, const float *z, float *psi,
                                      size_t n)
{
    const float scale = 1 / width;
    for (size_t j = 0; j < n; j++) {
        float left = 1 - fabsf(z[j]) * scale;
        psi[j] = height * (left > 0 ? left : 0);
    }
}

ET_VECTOR_CLONES static void rectangle(float width, float height, const float *z, float *psi,
                                       size_t n)
{
    for (size_t j = 0; j < n; j++)
        psi[j] = fabsf(z[j]) < width ? height / 2 : 0;
}

/* S (1 - S) = e / (1 + e)^2 with e = exp(-|z|/w), which never overflows. */
static void sigmoid(float width, float height, const float *z, float *psi, size_t n)
{
    for (size_t j = 0; j < n; j++) {
        float e = expf(-fabsf(z[j]) / width);
        psi[j] = height * e / ((1 + e) * (1 + e));
    }
}

ET_VECTOR_CLONES static void fast_sigmoid(float width, float height, const float *z, float *psi,
                                          size_t n)
{
    for (size_t j = 0; j < n; j++) {
        float d = 1 + fabsf(z[j]) / width;
        psi[j] = height / (2 * d * d);
    }
}

ET_VECTOR_CLONES static void arctan(float width, float height, const float *z, float *psi, size_t n)
{
    const float scale = pi / (2 * width);
    for (size_t j = 0; j < n; j++) {
        float x = z[j] * scale;
        psi[j] = height / (2 * (1 + x * x));
    }
}

void et__surrogate_slope(const struct et__surrogate *surrogate, const float *z, float *psi,
                         size_t n)
{
    const float width = surrogate->width, height = surrogate->gain / width;
    switch (surrogate->shape) {
    case ET__SURROGATE_RECTANGLE:
        rectangle(width, height, z, psi, n);
        break;
    case ET__SURROGATE_SIGMOID:
        sigmoid(width, height, z, psi, n);
        break;
    case ET__SURROGATE_FAST_SIGMOID:
        fast_sigmoid(width, height, z, psi, n);
        break;
    case ET__SURROGATE_ARCTAN:
        arctan(width, height, z, psi, n);
        break;
    default:
        triangle(width, height, z, psi, n);
        break;
    }
}

static double unit_step(enum et__surrogate_shape shape, double x)
{
    switch (shape) {
    case ET__SURROGATE_RECTANGLE:
        return x <= -1 ? 0 : x >= 1 ? 1 : (1 + x) / 2;
    case ET__SURROGATE_SIGMOID:
        return 1 / (1 + exp(-x));
    case ET__SURROGATE_FAST_SIGMOID:
        return (1 + x / (1 + fabs(x))) / 2;
    case ET__SURROGATE_ARCTAN:
        return 0.5 + atan((double)pi * x / 2) / (double)pi;
    default:
        if (x <= -1) return 0;
        if (x >= 1) return 1;
        return x < 0 ? (1 + x) * (1 + x) / 2 : 1 - (1 - x) * (1 - x) / 2;
    }
}

double et__surrogate_step(const struct et__surrogate *surrogate, double z)
{
    return (double)surrogate->gain * unit_step(surrogate->shape, z / (double)surrogate->width);
}
