/* SPDX-License-Identifier: Apache-2.0
 *
 * The angular spectrum with two passes over the field; angular.h derives it. */
#include "kernels/angular.h"
#include "kernels/fft.h"

#include <etalon/array.h>

#include <math.h>
#include <string.h>

enum { BLOCK = ET__ANGULAR_BLOCK, PITCH_EXTRA = 16 };

#define PI 3.14159265358979323846

enum et_status et__angular_create(struct et__angular *a, size_t ny, size_t nx, size_t padding)
{
    a->ny = ny;
    a->nx = nx;
    a->py = et__fft_size(padding * ny, 2);
    a->px = et__fft_size(padding * nx, BLOCK);
    /* Rows that are a power of two apart would share their sets in the cache. */
    a->pitch = a->px + PITCH_EXTRA;
    struct et__fft_layout row = {.ny = 1, .nx = a->px, .stride = 1, .count = 1, .step = a->px};
    struct et__fft_layout columns = {
        .ny = 1, .nx = a->py, .stride = BLOCK, .count = BLOCK, .step = 1};
    ET_TRY(et__fft_create(&row, &a->row));
    return et__fft_create(&columns, &a->columns);
}

void et__angular_destroy(struct et__angular *a)
{
    et__fft_destroy(a->row);
    et__fft_destroy(a->columns);
    a->row = a->columns = NULL;
}

/* -------------------------------------------------------------------------------- transfer -- */

double et__space_limit(const struct et__space *space, size_t n)
{
    double du = 1 / ((double)n * space->dx), slope = 2 * du * space->distance;
    return 1 / (space->wavelength * sqrt(slope * slope + 1));
}

/* 1 inside the band, 0 outside, half a cosine over its outer share. */
static double taper(double frequency, double limit, double edge)
{
    double place = fabs(frequency) / limit;
    if (place >= 1) return 0;
    if (place <= 1 - edge) return 1;
    return 0.5 + 0.5 * cos(PI * (place - (1 - edge)) / edge);
}

double complex et__space_transfer(const struct et__space *space, const struct et__angular *a,
                                  double u, double v)
{
    double k = 1 / space->wavelength, along = k * k - u * u - v * v, weight = 1;
    if (space->band_limit) {
        weight = taper(u, et__space_limit(space, a->px), space->edge) *
                 taper(v, et__space_limit(space, a->py), space->edge);
        if (weight == 0) return 0;
    }
    if (along < 0) return weight * exp(-2 * PI * fabs(space->distance) * sqrt(-along));
    /* Whole waves are taken off first: z / lambda may be large. */
    double waves = space->distance * sqrt(along), phase = 2 * PI * (waves - floor(waves));
    return CMPLX(weight * cos(phase), weight * sin(phase));
}

enum et_status et__transfer_create(struct et__transfer *t, const struct et__angular *a)
{
    t->h = et_alloc(a->px * (a->py / 2 + 1), sizeof *t->h);
    t->passes = et_alloc(a->px / BLOCK, sizeof *t->passes);
    return t->h && t->passes ? ET_OK : ET_NOMEM;
}

void et__transfer_destroy(struct et__transfer *t)
{
    et_free(t->h);
    et_free(t->passes);
    *t = (struct et__transfer){0};
}

void et__transfer_fill(struct et__transfer *t, const struct et__angular *a,
                       const struct et__space *space)
{
    const double du = 1 / ((double)a->px * space->dx), dv = 1 / ((double)a->py * space->dx);
    const double scale = 1 / ((double)a->px * (double)a->py);
    float complex *h = t->h;
    for (size_t b = 0; b < a->px / BLOCK; b++) {
        t->passes[b] = false;
        for (size_t k = 0; k <= a->py / 2; k++)
            for (size_t c = b * BLOCK; c < (b + 1) * BLOCK; c++, h++) {
                size_t order = c <= a->px / 2 ? c : a->px - c; /* H is even */
                *h = (float complex)(
                    scale * et__space_transfer(space, a, du * (double)order, dv * (double)k));
                if (*h != 0) t->passes[b] = true;
            }
    }
}

/* -------------------------------------------------------------------------------- the step -- */

/* x[i] *= h[i] over a row of a block; sign = -1 takes the conjugate of h. */
static inline void multiply_row(float *restrict x, const float *restrict h, float sign)
{
    for (size_t i = 0; i < BLOCK; i++) {
        float re = x[2 * i], im = x[2 * i + 1], hr = h[2 * i], hi = sign * h[2 * i + 1];
        x[2 * i] = re * hr - im * hi;
        x[2 * i + 1] = re * hi + im * hr;
    }
}

ET_VECTOR_CLONES static void multiply(float complex *block, const float complex *h, size_t py,
                                      float sign)
{
    for (size_t k = 0; k < py; k++)
        multiply_row((float *)(block + k * BLOCK),
                     (const float *)(h + (2 * k <= py ? k : py - k) * BLOCK), sign);
}

static void filter_block(const struct et__angular *a, const float complex *h, float complex *field,
                         float complex *scratch, float sign)
{
    const size_t row = BLOCK * sizeof *field;
    for (size_t y = 0; y < a->ny; y++)
        memcpy(scratch + y * BLOCK, field + y * a->pitch, row);
    memset(scratch + a->ny * BLOCK, 0, (a->py - a->ny) * row);
    et__fft_forward(a->columns, scratch);
    multiply(scratch, h, a->py, sign);
    et__fft_backward(a->columns, scratch);
    for (size_t y = 0; y < a->ny; y++)
        memcpy(field + y * a->pitch, scratch + y * BLOCK, row);
}

void et__angular_step(const struct et__angular *a, const struct et__transfer *t,
                      float complex *field, float complex *scratch, bool adjoint)
{
    for (size_t y = 0; y < a->ny; y++) {
        float complex *row = field + y * a->pitch;
        memset(row + a->nx, 0, (a->px - a->nx) * sizeof *row);
        et__fft_forward(a->row, row);
    }
    for (size_t b = 0; b < a->px / BLOCK; b++) {
        float complex *block = field + b * BLOCK;
        if (t->passes[b])
            filter_block(a, t->h + b * (a->py / 2 + 1) * BLOCK, block, scratch,
                         adjoint ? -1.0F : 1.0F);
        else
            for (size_t y = 0; y < a->ny; y++)
                memset(block + y * a->pitch, 0, BLOCK * sizeof *block);
    }
    for (size_t y = 0; y < a->ny; y++)
        et__fft_backward(a->row, field + y * a->pitch);
}
