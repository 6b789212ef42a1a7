/* SPDX-License-Identifier: Apache-2.0
 *
 * Products of packed bits in portable C: carry-save adders on vectors of two words, which every
 * 64-bit processor has.
 *
 * Two columns of B lie side by side, so that each half of a vector counts for its own.  A full
 * adder makes of three words of equal weight a sum and a carry of twice the weight, with five
 * operations and in all 128 positions at once.  Four words are added to running ones and twos this
 * way, and only what overflows, one word of weight four, has its bits counted. */
#include "binary_kernels.h"

#include <string.h>

typedef uint64_t pair __attribute__((vector_size(16)));

/* Words of a row at a time (16 groups, whose counts fit in bytes), pairs of columns at a time. */
enum { GROUP = 4, CHUNK = 64, PAIRS = 16 };

struct block {
    pair word[PAIRS][CHUNK];
};

static inline pair splat(uint64_t x)
{
    return (pair){x, x};
}

/* Bits of every byte. */
static inline pair count_bytes(pair x)
{
    x -= x >> 1 & splat(0x5555555555555555);
    x = (x & splat(0x3333333333333333)) + (x >> 2 & splat(0x3333333333333333));
    return (x + (x >> 4)) & splat(0x0f0f0f0f0f0f0f0f);
}

/* Sums of neighbouring bytes, in 16 bits. */
static inline pair add_bytes(pair x)
{
    return (x & splat(0x00ff00ff00ff00ff)) + (x >> 8 & splat(0x00ff00ff00ff00ff));
}

/* *sum += x + y; returns the carry. */
static inline pair add(pair *sum, pair x, pair y)
{
    pair half = *sum ^ x, carry = (*sum & x) | (half & y);
    *sum = half ^ y;
    return carry;
}

static inline pair combine(enum et__binary_op op, uint64_t a, pair b)
{
    return op == ET__BINARY_XOR ? splat(a) ^ b : splat(a) & b;
}

/* Counts of one row by two columns, one in each half. */
static inline pair multiply_pair(enum et__binary_op op, const uint64_t *a, const pair *b,
                                 size_t words)
{
    pair ones = splat(0), twos = splat(0), fours = splat(0);
    for (size_t k = 0; k < words; k += GROUP) {
        pair low = add(&ones, combine(op, a[k], b[k]), combine(op, a[k + 1], b[k + 1]));
        pair high = add(&ones, combine(op, a[k + 2], b[k + 2]), combine(op, a[k + 3], b[k + 3]));
        fours += count_bytes(add(&twos, low, high));
    }
    pair small = count_bytes(ones) + (count_bytes(twos) << 1);
    pair sum = add_bytes(small) + (add_bytes(fours) << 2);
    sum += sum >> 32;
    return (sum + (sum >> 16)) & splat(0xffff);
}

static void pack(const uint64_t *b, size_t row, size_t columns, size_t words, struct block *block)
{
    size_t padded = (words + GROUP - 1) / GROUP * GROUP;
    for (size_t j = 0; j < columns; j += 2) {
        const uint64_t *left = b + j * row, *right = j + 1 < columns ? left + row : left;
        for (size_t k = 0; k < padded; k++)
            block->word[j / 2][k] = k < words ? (pair){left[k], right[k]} : splat(0);
    }
}

static void multiply_row(enum et__binary_op op, const uint64_t *a, const struct block *block,
                         size_t words, size_t columns, bool more, int32_t *c)
{
    for (size_t j = 0; j < columns; j += 2) {
        const pair *b = block->word[j / 2];
        pair count = op == ET__BINARY_XOR ? multiply_pair(ET__BINARY_XOR, a, b, words)
                                          : multiply_pair(ET__BINARY_AND, a, b, words);
        for (size_t i = j; i < columns && i < j + 2; i++)
            c[i] = (more ? c[i] : 0) + (int32_t)count[i - j];
    }
}

void et__binary_gemm_portable(enum et__binary_op op, size_t m, size_t n, size_t words,
                              const uint64_t *a, const uint64_t *b, int32_t *c, size_t ldc)
{
    struct block block;
    for (size_t k = 0; k < words; k += CHUNK) {
        size_t now = words - k < CHUNK ? words - k : CHUNK;
        for (size_t j = 0; j < n; j += 2 * PAIRS) {
            size_t columns = n - j < 2 * PAIRS ? n - j : 2 * PAIRS;
            pack(b + j * words + k, words, columns, now, &block);
            for (size_t i = 0; i < m; i++) {
                uint64_t row[CHUNK] = {0}; /* padded with zeros to whole groups */
                memcpy(row, a + i * words + k, now * sizeof *row);
                multiply_row(op, row, &block, now, columns, k > 0, c + i * ldc + j);
            }
        }
    }
}
