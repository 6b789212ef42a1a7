/* SPDX-License-Identifier: Apache-2.0
 *
 * Random numbers as pure functions: value = f(seed, stream, step, index).
 *
 * There is no state, hence no order, hence no dependence on threads or on how a batch is split.
 * Generator: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11),
 * from the Random123 library.  seed is the key; (index, step, stream) fill the counter.
 *
 *     float noise[16];
 *     et_rng_fill_normal(seed, ET_STREAM_NOISE, step, sample * 16, noise, 16);
 */
#ifndef ETALON_RNG_H
#define ETALON_RNG_H

#include <etalon/error.h>

#include <stddef.h>
#include <stdint.h>

/* What a number is for.  Streams of one seed are independent. */
enum et_stream {
    ET_STREAM_DERIVE = 0,
    ET_STREAM_INIT,     /* initial weights */
    ET_STREAM_SHUFFLE,  /* order of the samples, splits */
    ET_STREAM_NEGATIVE, /* wrong labels of contrastive methods */
    ET_STREAM_NOISE,    /* per-pass noise of a system */
    ET_STREAM_MISMATCH, /* fixed imperfections of a device */
    ET_STREAM_DRIFT,    /* slow changes of a device */
    ET_STREAM_GEOMETRY, /* seeded scatterers and the like */
    ET_STREAM_DATA,     /* generated data sets */
    ET_STREAM_DROPOUT,
    ET_STREAM_PROBE, /* directions in which knobs are disturbed */
    ET_STREAM_USER = 1000
};

/* Four uniform 32-bit words; the raw block that everything below is made of. */
ET_API void et_rng_block(uint64_t seed, uint32_t stream, uint32_t step, uint64_t index,
                         uint32_t out[4]);

/* A seed for a part (layer, wrapper, device) of something that has a seed. */
ET_API uint64_t et_rng_derive(uint64_t seed, uint64_t part);

/* Uniform in [0, 1), 24 bits. */
ET_API float et_rng_uniform(uint64_t seed, uint32_t stream, uint32_t step, uint64_t index);
/* Uniform integer in [0, n), n >= 1. */
ET_API uint32_t et_rng_below(uint64_t seed, uint32_t stream, uint32_t step, uint64_t index,
                             uint32_t n);

/* Element i gets the number of index first + i: any cut of a range gives the same numbers.
 * uniform: lo + (hi - lo) u with u in [0, 1), which rounding may bring to hi itself.
 * normal: mean 0, sd 1 (Box-Muller). */
ET_API void et_rng_fill_uniform(uint64_t seed, uint32_t stream, uint32_t step, uint64_t first,
                                float lo, float hi, float *out, size_t n);
ET_API void et_rng_fill_normal(uint64_t seed, uint32_t stream, uint32_t step, uint64_t first,
                               float *out, size_t n);

/* Fisher-Yates shuffle of n indices, in place. */
ET_API void et_rng_shuffle(uint64_t seed, uint32_t stream, uint32_t step, size_t *index, size_t n);

#endif
