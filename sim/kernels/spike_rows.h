/* SPDX-License-Identifier: Apache-2.0
 *
 * Sums of rows chosen by a list: the one product that spikes need.
 *
 * Spikes are zeros and ones, so their product with a matrix [n_pre][n_post] is the sum of the rows
 * of those who spiked, and the gradient of a weight row is the sum of the rows of dL/du [batch]
 * [n_post] of the samples in which its neuron spiked.  Element c of a sum is the chain
 * s <- s + m[row[k]][c] over k in rising order, in every compiled variant and for every cut of the
 * columns. */
#ifndef ETALON_SIM_SPIKE_ROWS_H
#define ETALON_SIM_SPIKE_ROWS_H

#include <stddef.h>
#include <stdint.h>

/* Columns that are summed in one go; a caller that divides columns among threads cuts at multiples.
 */
enum { ET__SPIKE_COLS = 128 };

/* The indices i of s[i] != 0 in rising order; row [n] out.  Returns their number. */
size_t et__spike_list(const float *s, size_t n, uint32_t *row);

/* out[c] += sum over k < n of m[row[k] * stride + c], c < cols. */
void et__spike_rows_add(const float *m, size_t stride, size_t cols, const uint32_t *row, size_t n,
                        float *out);
/* The same with factors: out[c] += a[k] m[row[k]][c], rounded twice. */
void et__spike_rows_weighted(const float *m, size_t stride, size_t cols, const uint32_t *row,
                             const float *a, size_t n, float *out);

/* Both, written plainly (a = NULL: all 1). */
void et__spike_rows_reference(const float *m, size_t stride, size_t cols, const uint32_t *row,
                              const float *a, size_t n, float *out);

#endif
