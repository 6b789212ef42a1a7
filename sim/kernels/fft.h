/* SPDX-License-Identifier: Apache-2.0
 *
 * Fourier transforms of complex fields in single precision, planned once per machine.
 *
 * A plan is found by measuring, which takes up to seconds and picks another algorithm, hence other
 * last bits, from run to run.  So plans come from a cache file of FFTW's wisdom:
 * $ETALON_WISDOM, or fftw-<version>-<processor>.wisdom in $XDG_CACHE_HOME/etalon or
 * ~/.cache/etalon.  Who first needs a plan measures it while holding the file's lock; everybody
 * else, at the same time or later, takes the plan from the file.  Same file, same bits.  A cache
 * that cannot be read or written is a warning in the log: plans then hold for one process.
 *
 * A transform runs on the calling thread; batches are parallel over samples.  Any number of threads
 * may run one plan, each on a buffer of its own from et_alloc, at an offset of whole 64 bytes. */
#ifndef ETALON_SIM_FFT_H
#define ETALON_SIM_FFT_H

#include <etalon/error.h>

#include <complex.h>
#include <stddef.h>

/* Element (y, x) of transform t is at (y * pitch + x) * stride + t * step. */
struct et__fft_layout {
    size_t ny, nx; /* sizes of one transform; ny = 1: one-dimensional */
    size_t pitch;  /* from row to row, >= nx; not read when ny = 1 */
    size_t stride; /* from neighbour to neighbour */
    size_t count;  /* number of transforms */
    size_t step;   /* from transform to transform */
};

struct et__fft; /* plans for both directions, in place */

/* *fft is the caller's.  Errors: ET_NOMEM. */
enum et_status et__fft_create(const struct et__fft_layout *layout, struct et__fft **fft) ET_CHECKED;
/* Accepts NULL. */
void et__fft_destroy(struct et__fft *fft);

/* X[k] = sum_j x[j] exp(-i 2 pi j k / n), in place; neither direction scales. */
void et__fft_forward(const struct et__fft *fft, float complex *field);
/* x[j] = sum_k X[k] exp(+i 2 pi j k / n). */
void et__fft_backward(const struct et__fft *fft, float complex *field);

/* The smallest multiple of `multiple` that is >= n and, over `multiple`, has no prime factor above
 * 5: sizes that transform fast. */
size_t et__fft_size(size_t n, size_t multiple);

#endif
