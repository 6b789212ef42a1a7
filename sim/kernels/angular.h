/* SPDX-License-Identifier: Apache-2.0
 *
 * Free space between two parallel planes by the band-limited angular spectrum.
 *
 * A field E(x, y), sampled with pitch dx in a window of ny x nx samples and zero outside, is a sum
 * of plane waves of frequencies (u, v); a distance z turns the phase of each:
 *
 *     E(z) = F^-1 [ H F[E(0)] ],   H(u, v) = exp(i 2 pi z sqrt(1/lambda^2 - u^2 - v^2)),
 *
 * where frequencies beyond 1/lambda decay.  Time goes as exp(-i omega t).  The discrete transform
 * repeats the window; padding it with zeros to py x px keeps the repetitions away, as long as the
 * waves that would arrive from them are left out: those whose transfer function H is not resolved
 * by the steps du = 1 / (px dx), that is beyond
 *
 *     u_limit = 1 / (lambda sqrt((2 du z)^2 + 1)).
 *
 * The band ends softly, by half a cosine over its outer share `edge`, and 1 / (py px) is part of H.
 * What leaves the window is lost, so a window is an absorbing frame.
 *
 * Source: Matsushima and Shimobaba, Opt. Express 17, 19662 (2009), eqs. 5 to 13. */
#ifndef ETALON_SIM_ANGULAR_H
#define ETALON_SIM_ANGULAR_H

#include <etalon/error.h>

#include <complex.h>
#include <stdbool.h>
#include <stddef.h>

struct et__fft;

/* Columns that are transformed together: their py x 32 numbers stay in the second-level cache. */
enum { ET__ANGULAR_BLOCK = 32 };

/* Transforms of one size of field. */
struct et__angular {
    size_t ny, nx; /* the window */
    size_t py, px; /* with padding; px in whole blocks */
    size_t pitch;  /* elements from row to row of a buffer; not a power of two */
    struct et__fft *row, *columns;
};

/* Rows and columns are padded to at least `padding` times the window.  Errors: ET_NOMEM. */
enum et_status et__angular_create(struct et__angular *a, size_t ny, size_t nx,
                                  size_t padding) ET_CHECKED;
/* Accepts an empty (zeroed) one. */
void et__angular_destroy(struct et__angular *a);

/* A stretch of free space. */
struct et__space {
    double wavelength, dx, distance; /* m; a negative distance goes back (nothing evanescent) */
    double edge;                     /* share of the band that falls off, [0, 1) */
    bool band_limit;
};

/* Largest frequency (1/m) that passes along an axis of n padded samples; not above 1/lambda. */
double et__space_limit(const struct et__space *space, size_t n);

/* H, by blocks of columns: [px / BLOCK][py / 2 + 1][BLOCK] (row k serves row py - k too). */
struct et__transfer {
    float complex *h;
    bool *passes; /* [px / BLOCK] false: H is zero in the whole block */
};

/* Errors: ET_NOMEM. */
enum et_status et__transfer_create(struct et__transfer *t, const struct et__angular *a) ET_CHECKED;
void et__transfer_fill(struct et__transfer *t, const struct et__angular *a,
                       const struct et__space *space);
void et__transfer_destroy(struct et__transfer *t);

/* Carries a field on by the stretch that t was filled for; adjoint: by the conjugate transpose.
 *
 * field   [ny][pitch] in: the window, [ny][nx]; out: the same.  Columns nx and up are overwritten.
 * scratch [py][BLOCK], of the caller
 *
 * Rows are transformed one by one, without the py - ny rows that are zero.  Each block of columns
 * is then copied together, transformed, multiplied by H, transformed back and written back, all in
 * cache; blocks outside the band are cleared only.  Both buffers come from et_alloc. */
void et__angular_step(const struct et__angular *a, const struct et__transfer *t,
                      float complex *field, float complex *scratch, bool adjoint);

/* The same by the definition of the discrete Fourier transform, in double precision.
 * Errors: ET_NOMEM. */
enum et_status et__angular_step_plain(const struct et__angular *a, const struct et__space *space,
                                      float complex *field, bool adjoint) ET_CHECKED;

/* H at a frequency, without the factor 1 / (py px). */
double complex et__space_transfer(const struct et__space *space, const struct et__angular *a,
                                  double u, double v);

/* A reference without transforms, padding and bands: the first Rayleigh-Sommerfeld integral as a
 * sum over every sample of a plane,
 *
 *     E(r) = dx^2 / (2 pi) sum_s E(s) (z / R) (1 / R - i k) exp(i k R) / R,  R = |r - s|.
 *
 * from [ny][nx], to [my][mx] at pitch dx too, both centred on the axis; O(ny nx my mx). */
void et__rayleigh_sommerfeld(const double complex *from, size_t ny, size_t nx, double dx,
                             double wavelength, double distance, double complex *to, size_t my,
                             size_t mx);

#endif
