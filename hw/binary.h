/* SPDX-License-Identifier: Apache-2.0
 *
 * Arithmetic of packed bits: the bit-exact reference of every datapath of the accelerator, and
 * fast kernels that give the same numbers.
 *
 * This header is a door: drivers and training may include it. */
#ifndef ETALON_HW_BINARY_H
#define ETALON_HW_BINARY_H

#include <etalon/accelerator.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The plain reference: values, not bits; written to be read (docs/accelerator.md in C).
 *
 * a  [n][h][w][c_in] values (as et_bnn_unpack gives), w [c_out][k_h][k_w][c_in] stored values,
 * threshold, flip, y as in et_accelerator_load and et_accelerator_run. */
void et__binary_reference(const struct et_bnn_layer *layer, size_t n, const int16_t *a,
                          const int8_t *w, const int32_t *threshold, const uint8_t *flip, void *y);

/* Are the values those of the layer's encodings?  Any pointer may be NULL: not looked at.
 * Errors: ET_INVALID with index, value and legal range. */
enum et_status et__binary_check_values(const struct et_bnn_layer *layer, const int8_t *w,
                                       const int32_t *threshold, const uint8_t *flip) ET_CHECKED;

/* Weights packed for the kernels.  Values as et__binary_check_values accepts them (asserted).
 * Errors: ET_NOMEM. */
struct et__binary_weights {
    uint64_t *planes; /* [c_out][w_bits][k_h * k_w][et_bnn_words(c_in)], rounded to w_bits */
    int32_t *tap_sum; /* [k_h * k_w][c_out]: sums over c_in, for taps outside the image */
    size_t bytes;     /* of the planes */
};
enum et_status et__binary_weights_create(struct et__binary_weights *weights,
                                         const struct et_bnn_layer *layer,
                                         const int8_t *w) ET_CHECKED;
void et__binary_weights_destroy(struct et__binary_weights *weights);

/* The same layer on packed activations, with the fast kernels, parallel over images or outputs.
 * x and y as in et_accelerator_run.  Errors: ET_NOMEM. */
enum et_status et__binary_forward(const struct et_bnn_layer *layer,
                                  const struct et__binary_weights *weights,
                                  const int32_t *threshold, const uint8_t *flip, size_t n,
                                  const uint64_t *x, void *y) ET_CHECKED;

/* The same with memory that the caller keeps between calls: only a larger call allocates.  All
 * zero is empty. */
struct et__binary_scratch {
    uint8_t *bytes;
    size_t n;
};
enum et_status et__binary_forward_in(const struct et_bnn_layer *layer,
                                     const struct et__binary_weights *weights,
                                     const int32_t *threshold, const uint8_t *flip, size_t n,
                                     const uint64_t *x, void *y,
                                     struct et__binary_scratch *scratch) ET_CHECKED;
void et__binary_scratch_free(struct et__binary_scratch *scratch);

/* The kernel under it: c[i][j] = popcount(op(a_i, b_j)) over `words` 64-bit words.
 *
 * a [m][words], b [n][words], c [m][n] (row stride ldc)
 * XNOR is counted as words * 64 - popcount(a ^ b).
 *
 * variant  which of the kernels; AUTO picks the best for this processor.  All give equal numbers.
 */
enum et__binary_op { ET__BINARY_XOR, ET__BINARY_AND };
enum et__binary_variant {
    ET__BINARY_AUTO,
    ET__BINARY_PLAIN,    /* one word at a time: the reference */
    ET__BINARY_PORTABLE, /* blocked, portable C */
    ET__BINARY_AVX2,     /* carry-save adders and byte shuffles */
    ET__BINARY_AVX512    /* vector popcount */
};
bool et__binary_has(enum et__binary_variant variant);
const char *et__binary_variant_name(enum et__binary_variant variant);
void et__binary_gemm(enum et__binary_op op, enum et__binary_variant variant, size_t m, size_t n,
                     size_t words, const uint64_t *a, const uint64_t *b, int32_t *c, size_t ldc);

#endif
