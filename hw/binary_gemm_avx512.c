/* SPDX-License-Identifier: Apache-2.0
 *
 * Products of packed bits with AVX-512 and its vector popcount.
 *
 * Eight columns of B lie side by side, one 64-bit word each; a word of A is broadcast to them, so
 * every lane counts for its own column and nothing has to be added across lanes.
 *
 * XOR by parities.  Let x_k = a_k ^ b_k and P_k = x_1 ^ ... ^ x_k with P_0 = 0.  In every bit
 * position x_k is 1 where the sequence P changes, and of its changes, falls (1 to 0) are as many as
 * rises, or one less when it ends at 1:
 *
 *     sum popcount(x_k) = 2 sum popcount(P_(k-1) & ~P_k) + popcount(P_K)
 *
 * Two falls cannot follow each other, so those of steps k + 1 and k + 2 go into one word, which is
 * P_(k+1) ? ~P_(k+2) : P_k, one instruction.  And P_k = A_k ^ B_k, where A and B are the running
 * parities of the rows themselves, made once when they are packed.  Two words thus take
 *
 *     2 xor + 1 select + 1 popcount + 1 addition = 5 operations for 1024 products,
 *
 * where counting every x_k takes 6, as AND does. */
#include "binary_kernels.h"

#include <assert.h>

#if ET__BINARY_X86

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512vpopcntdq")))
#define AVX512_INLINE                                                                              \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512vpopcntdq"),                            \
                   always_inline)) static inline

enum {
    CHUNK = 32,  /* words of a row at a time; even */
    ROWS = 4,    /* of A in one tile */
    VECTORS = 2, /* of 8 columns in one tile */
    BLOCK = 32   /* vectors of B that are packed at a time: 64 KiB */
};

struct block {
    _Alignas(64) uint64_t word[BLOCK][CHUNK][8];
};

struct rows {
    uint64_t word[ROWS][CHUNK];
};

/* ---------------------------------------------------------------------------------- packing -- */

/* Rows of A, for XOR as running parities; padded to an even number of words.  Missing rows are the
 * last one again. */
static void pack_rows(enum et__binary_op op, const uint64_t *a, size_t row, size_t n, size_t words,
                      struct rows *to)
{
    uint64_t mask = op == ET__BINARY_XOR ? ~0ULL : 0;
    for (size_t r = 0; r < ROWS; r++) {
        const uint64_t *from = a + (r < n ? r : n - 1) * row;
        uint64_t parity = 0;
        for (size_t k = 0; k < words; k++)
            to->word[r][k] = parity = (parity & mask) ^ from[k];
        if (words % 2) to->word[r][words] = parity & mask;
    }
}

/* Eight words of eight columns, transposed. */
AVX512_INLINE void transpose(__m512i x[8])
{
    __m512i y[8];
    for (size_t i = 0; i < 8; i += 2) {
        y[i] = _mm512_unpacklo_epi64(x[i], x[i + 1]);
        y[i + 1] = _mm512_unpackhi_epi64(x[i], x[i + 1]);
    }
    for (size_t i = 0; i < 2; i++) {
        x[i] = _mm512_shuffle_i64x2(y[i], y[2 + i], 0x88);
        x[2 + i] = _mm512_shuffle_i64x2(y[i], y[2 + i], 0xdd);
        x[4 + i] = _mm512_shuffle_i64x2(y[4 + i], y[6 + i], 0x88);
        x[6 + i] = _mm512_shuffle_i64x2(y[4 + i], y[6 + i], 0xdd);
    }
    for (size_t i = 0; i < 4; i++) {
        y[i] = _mm512_shuffle_i64x2(x[i], x[4 + i], 0x88);
        y[4 + i] = _mm512_shuffle_i64x2(x[i], x[4 + i], 0xdd);
    }
    for (size_t i = 0; i < 8; i++)
        x[i] = y[i];
}

/* Words of up to 8 columns, side by side; missing columns are 0. */
AVX512 static void pack_vector(enum et__binary_op op, const uint64_t *b, size_t row, size_t columns,
                               size_t words, uint64_t (*to)[8])
{
    __m512i parity = _mm512_setzero_si512();
    __m512i mask = _mm512_set1_epi64(op == ET__BINARY_XOR ? -1 : 0);
    for (size_t k = 0; k < words + words % 2; k += 8) {
        __mmask8 some = (__mmask8)(words >= k + 8 ? 0xffU : (1U << (words - k)) - 1);
        size_t now = words + words % 2 - k < 8 ? words + words % 2 - k : 8;
        __m512i x[8];
        for (size_t j = 0; j < 8; j++)
            x[j] = j < columns ? _mm512_maskz_loadu_epi64(some, b + j * row + k)
                               : _mm512_setzero_si512();
        transpose(x);
        for (size_t i = 0; i < 8; i++)
            x[i] = parity = _mm512_xor_si512(_mm512_and_si512(parity, mask), x[i]);
        for (size_t i = 0; i < now; i++)
            _mm512_store_si512(to[k + i], x[i]);
    }
}

/* ---------------------------------------------------------------------------------- kernels -- */

/* Counts of ROWS rows by `vectors` (a constant) vectors of columns. */
AVX512_INLINE void multiply_xor(const struct rows *a, const uint64_t (*b)[CHUNK][8], size_t words,
                                const size_t vectors, __m512i (*count)[VECTORS])
{
    __m512i p[ROWS][VECTORS];
    for (size_t r = 0; r < ROWS; r++)
        for (size_t v = 0; v < vectors; v++)
            count[r][v] = p[r][v] = _mm512_setzero_si512();
    for (size_t k = 0; k < words; k += 2)
        for (size_t v = 0; v < vectors; v++) {
            __m512i b0 = _mm512_load_si512(b[v][k]), b1 = _mm512_load_si512(b[v][k + 1]);
            for (size_t r = 0; r < ROWS; r++) {
                __m512i a0 = _mm512_set1_epi64((long long)a->word[r][k]);
                __m512i a1 = _mm512_set1_epi64((long long)a->word[r][k + 1]);
                __m512i p0 = _mm512_xor_si512(a0, b0), p1 = _mm512_xor_si512(a1, b1);
                /* p0 ? ~p1 : p */
                __m512i falls = _mm512_ternarylogic_epi64(p0, p1, p[r][v], 0x3a);
                count[r][v] = _mm512_add_epi64(count[r][v], _mm512_popcnt_epi64(falls));
                p[r][v] = p1;
            }
        }
    for (size_t r = 0; r < ROWS; r++)
        for (size_t v = 0; v < vectors; v++)
            count[r][v] = _mm512_add_epi64(_mm512_add_epi64(count[r][v], count[r][v]),
                                           _mm512_popcnt_epi64(p[r][v]));
}

AVX512_INLINE void multiply_and(const struct rows *a, const uint64_t (*b)[CHUNK][8], size_t words,
                                const size_t vectors, __m512i (*count)[VECTORS])
{
    for (size_t r = 0; r < ROWS; r++)
        for (size_t v = 0; v < vectors; v++)
            count[r][v] = _mm512_setzero_si512();
    for (size_t k = 0; k < words; k++)
        for (size_t v = 0; v < vectors; v++) {
            __m512i b0 = _mm512_load_si512(b[v][k]);
            for (size_t r = 0; r < ROWS; r++) {
                __m512i a0 = _mm512_set1_epi64((long long)a->word[r][k]);
                __m512i both = _mm512_popcnt_epi64(_mm512_and_si512(a0, b0));
                count[r][v] = _mm512_add_epi64(count[r][v], both);
            }
        }
}

/* Adds (or writes) 8 counts to `columns` columns of C. */
AVX512_INLINE void put(__m512i count, size_t columns, bool add, int32_t *c)
{
    __m256i value = _mm512_cvtepi64_epi32(count);
    __mmask8 some = (__mmask8)(columns >= 8 ? 0xffU : (1U << columns) - 1);
    if (add) value = _mm256_add_epi32(value, _mm256_maskz_loadu_epi32(some, c));
    _mm256_mask_storeu_epi32(c, some, value);
}

AVX512_INLINE void tile(enum et__binary_op op, const struct rows *a, const uint64_t (*b)[CHUNK][8],
                        size_t words, const size_t vectors, size_t rows, size_t columns, bool add,
                        int32_t *c, size_t ldc)
{
    __m512i count[ROWS][VECTORS];
    if (op == ET__BINARY_XOR)
        multiply_xor(a, b, words, vectors, count);
    else
        multiply_and(a, b, words, vectors, count);
    for (size_t r = 0; r < ROWS; r++)
        for (size_t v = 0; v < vectors; v++)
            if (r < rows && 8 * v < columns)
                put(count[r][v], columns - 8 * v, add, c + r * ldc + 8 * v);
}

AVX512 static void multiply_rows(enum et__binary_op op, const struct rows *a, const struct block *b,
                                 size_t words, size_t rows, size_t columns, bool add, int32_t *c,
                                 size_t ldc)
{
    words += words % 2;
    for (size_t j = 0; j < columns; j += 8 * VECTORS) {
        size_t left = columns - j;
        if (left > 8)
            tile(op, a, &b->word[j / 8], words, VECTORS, rows, left, add, c + j, ldc);
        else
            tile(op, a, &b->word[j / 8], words, 1, rows, left, add, c + j, ldc);
    }
}

/* Few rows or columns are not worth packing: words of one row side by side. */
AVX512 static void multiply_few(enum et__binary_op op, size_t m, size_t n, size_t words,
                                const uint64_t *a, const uint64_t *b, int32_t *c, size_t ldc)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            __m512i count = _mm512_setzero_si512();
            for (size_t k = 0; k < words; k += 8) {
                __mmask8 some = (__mmask8)(words >= k + 8 ? 0xffU : (1U << (words - k)) - 1);
                __m512i x = _mm512_maskz_loadu_epi64(some, a + i * words + k);
                __m512i y = _mm512_maskz_loadu_epi64(some, b + j * words + k);
                x = op == ET__BINARY_XOR ? _mm512_xor_si512(x, y) : _mm512_and_si512(x, y);
                count = _mm512_add_epi64(count, _mm512_popcnt_epi64(x));
            }
            c[i * ldc + j] = (int32_t)_mm512_reduce_add_epi64(count);
        }
}

AVX512 void et__binary_gemm_avx512(enum et__binary_op op, size_t m, size_t n, size_t words,
                                   const uint64_t *a, const uint64_t *b, int32_t *c, size_t ldc)
{
    if (m < ROWS || n < 8) {
        multiply_few(op, m, n, words, a, b, c, ldc);
        return;
    }
    struct block block;
    struct rows rows;
    for (size_t k = 0; k < words; k += CHUNK) {
        size_t now = words - k < CHUNK ? words - k : CHUNK;
        for (size_t j = 0; j < n; j += 8 * BLOCK) {
            size_t columns = n - j < 8 * BLOCK ? n - j : 8 * BLOCK;
            for (size_t v = 0; 8 * v < columns; v++)
                pack_vector(op, b + (j + 8 * v) * words + k, words, columns - 8 * v, now,
                            block.word[v]);
            for (size_t i = 0; i < m; i += ROWS) {
                size_t some = m - i < ROWS ? m - i : ROWS;
                pack_rows(op, a + i * words + k, words, some, now, &rows);
                multiply_rows(op, &rows, &block, now, some, columns, k > 0, c + i * ldc + j, ldc);
            }
        }
    }
}

#endif
