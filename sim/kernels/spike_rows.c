/* SPDX-License-Identifier: Apache-2.0
 *
 * A block of columns stays in registers while the rows pass: one load and one addition for each
 * vector.  What is left at the right edge goes in blocks of 16 and then one by one; the chain of an
 * element is the same in all of them. */
#include "kernels/spike_rows.h"

#include <stdbool.h>
#include <string.h>

enum { LANES = 16, VECTORS = ET__SPIKE_COLS / LANES };

/* Sixteen sums, in whatever registers the processor has; loads need no alignment. */
typedef float vector __attribute__((vector_size(LANES * sizeof(float))));

size_t et__spike_list(const float *s, size_t n, uint32_t *row)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        row[count] = (uint32_t)i;
        count += s[i] != 0; /* no branch: spikes come in no order that a processor could guess */
    }
    return count;
}

/* sum += from, or sum += a from.  Vectors go by address: passed by value they would change the
 * calling convention with the instruction set. */
static inline __attribute__((always_inline)) void add_vector(vector *sum, const float *from,
                                                             const float *a)
{
    vector v;
    memcpy(&v, from, sizeof v);
    *sum += a != NULL ? *a * v : v;
}

/* One block of `count` vectors, a constant at each call. */
static inline __attribute__((always_inline)) void add_block(const float *m, size_t stride,
                                                            const uint32_t *row, const float *a,
                                                            size_t n, float *out, size_t count)
{
    vector sum[VECTORS];
#pragma GCC unroll 8
    for (size_t v = 0; v < count; v++)
        memcpy(&sum[v], out + v * LANES, sizeof sum[v]);
    for (size_t k = 0; k < n; k++) {
        const float *from = m + row[k] * stride;
#pragma GCC unroll 8
        for (size_t v = 0; v < count; v++)
            add_vector(&sum[v], from + v * LANES, a != NULL ? &a[k] : NULL);
    }
#pragma GCC unroll 8
    for (size_t v = 0; v < count; v++)
        memcpy(out + v * LANES, &sum[v], sizeof sum[v]);
}

/* One column. */
static inline __attribute__((always_inline)) void
add_one(const float *m, size_t stride, const uint32_t *row, const float *a, size_t n, float *out)
{
    float sum = *out;
    for (size_t k = 0; k < n; k++)
        sum += a != NULL ? a[k] * m[row[k] * stride] : m[row[k] * stride];
    *out = sum;
}

static inline __attribute__((always_inline)) void add_columns(const float *m, size_t stride,
                                                              size_t cols, const uint32_t *row,
                                                              const float *a, size_t n, float *out)
{
    size_t c = 0;
    for (; c + ET__SPIKE_COLS <= cols; c += ET__SPIKE_COLS)
        add_block(m + c, stride, row, a, n, out + c, VECTORS);
    for (; c + LANES <= cols; c += LANES)
        add_block(m + c, stride, row, a, n, out + c, 1);
    for (; c < cols; c++)
        add_one(m + c, stride, row, a, n, out + c);
}

ET_VECTOR_CLONES static void add(const float *m, size_t stride, size_t cols, const uint32_t *row,
                                 size_t n, float *out)
{
    add_columns(m, stride, cols, row, NULL, n, out);
}

ET_VECTOR_CLONES static void add_weighted(const float *m, size_t stride, size_t cols,
                                          const uint32_t *row, const float *a, size_t n, float *out)
{
    add_columns(m, stride, cols, row, a, n, out);
}

void et__spike_rows_add(const float *m, size_t stride, size_t cols, const uint32_t *row, size_t n,
                        float *out)
{
    add(m, stride, cols, row, n, out);
}

/* Frames of spikes come as numbers; a factor of 1 changes no bit. */
static bool all_one(const float *a, size_t n)
{
    unsigned others = 0;
    for (size_t k = 0; k < n; k++)
        others |= a[k] != 1 ? 1U : 0U;
    return others == 0;
}

void et__spike_rows_weighted(const float *m, size_t stride, size_t cols, const uint32_t *row,
                             const float *a, size_t n, float *out)
{
    if (all_one(a, n))
        add(m, stride, cols, row, n, out);
    else
        add_weighted(m, stride, cols, row, a, n, out);
}

void et__spike_rows_reference(const float *m, size_t stride, size_t cols, const uint32_t *row,
                              const float *a, size_t n, float *out)
{
    for (size_t c = 0; c < cols; c++)
        for (size_t k = 0; k < n; k++) {
            float value = m[row[k] * stride + c];
            out[c] += a != NULL ? a[k] * value : value;
        }
}
