/* SPDX-License-Identifier: Apache-2.0
 *
 * Products of packed bits with AVX2: a byte shuffle looks up the counts of two rows at once.
 *
 * Four bits of a row of A make a table of 16 numbers: popcount(op(nibble, v)) for every nibble v
 * of B.  VPSHUFB looks 32 columns up in it.  Counts are at most 4, so a table entry holds two rows
 * of A, one in its low and one in its high half:
 *
 *     t = low + 16 high,   three lookups added: low, high <= 12
 *
 * One instruction thus does 2 x 32 x 4 products.  Halves are parted late: with S the sum of all t
 * modulo 256 and H the sum of all high halves, the sum of the low halves is S - 16 H modulo 256,
 * exact while it is below 256.  The high halves of two t are averaged (8 (high + high'), exact) and
 * shifted down.  For 6 steps of 4 bits that makes
 *
 *     6 shuffles + 4 additions (t, t') + 2 (S) + 2 and + average + shift + addition (H) = 17
 *
 * vector operations for 1536 products, 90 products for each.  (A carry-save tree with 16 inputs
 * needs 6.1 operations for 256 products, that is 42.)  After 60 steps S and H are widened to 16
 * bits.
 *
 * B is packed into panels of up to 3 x 32 columns: byte p of step s is a nibble of column p / 2
 * (even p) or 16 + p / 2 (odd p), so that even and odd bytes widen to columns in order. */
#include "binary_kernels.h"

#include <assert.h>
#include <string.h>

#if ET__BINARY_X86

#define AVX2        __attribute__((target("avx2,popcnt")))
#define AVX2_INLINE __attribute__((target("avx2,popcnt"), always_inline)) static inline

enum {
    GROUP = 6,   /* steps between two partings */
    GROUPS = 10, /* between two widenings: 60 steps, counts <= 240 */
    CHUNK = 16,  /* words of a row at a time */
    STEPS = (16 * CHUNK + GROUP - 1) / GROUP * GROUP, /* 4 bits each, padded with zeros */
    PANEL = 3                                         /* vectors of 32 columns */
};

/* Tables of all pairs of nibbles; 16 bytes each. */
struct tables {
    _Alignas(64) uint8_t count[256][16];
};

struct panel {
    _Alignas(64) uint8_t nibble[STEPS * PANEL * 32]; /* [step][vector][32] */
};

static void make_tables(struct tables *tables, enum et__binary_op op)
{
    uint8_t one[16][16];
    for (unsigned x = 0; x < 16; x++)
        for (unsigned v = 0; v < 16; v++)
            one[x][v] = (uint8_t)__builtin_popcount(op == ET__BINARY_XOR ? x ^ v : x & v);
    for (unsigned x = 0; x < 256; x++)
        for (unsigned v = 0; v < 16; v++)
            tables->count[x][v] = (uint8_t)(one[x % 16][v] + 16 * one[x / 16][v]);
}

/* ---------------------------------------------------------------------------------- packing -- */

/* Offsets of the tables of two rows, step by step. */
AVX2 static void pack_rows(const uint64_t *row0, const uint64_t *row1, size_t words,
                           uint16_t *offset)
{
    const __m128i low = _mm_set1_epi8(0x0f), high = _mm_set1_epi8((char)0xf0);
    for (size_t k = 0; k < words; k++) {
        __m128i x = _mm_loadl_epi64((const __m128i *)(row0 + k));
        __m128i y = _mm_loadl_epi64((const __m128i *)(row1 + k));
        __m128i even =
            _mm_or_si128(_mm_and_si128(x, low), _mm_slli_epi16(_mm_and_si128(y, low), 4));
        __m128i odd =
            _mm_or_si128(_mm_and_si128(_mm_srli_epi16(x, 4), low), _mm_and_si128(y, high));
        __m256i both = _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(even, odd));
        _mm256_storeu_si256((__m256i *)(offset + 16 * k), _mm256_slli_epi16(both, 4));
    }
    size_t end = (16 * words + GROUP - 1) / GROUP * GROUP;
    memset(offset + 16 * words, 0, (end - 16 * words) * sizeof *offset);
}

/* Words of columns r, 16 + r, 8 + r, 24 + r. */
AVX2_INLINE __m256i load_columns(const uint64_t *const *column, size_t r, size_t k)
{
    return _mm256_set_epi64x((long long)column[24 + r][k], (long long)column[8 + r][k],
                             (long long)column[16 + r][k], (long long)column[r][k]);
}

/* One word of 32 columns to 16 steps: a transposition of bytes. */
AVX2_INLINE void pack_word(const uint64_t *const *column, size_t k, uint8_t *to, size_t stride)
{
    const __m256i low = _mm256_set1_epi8(0x0f);
    const __m256i pair = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15));
    __m256i x[8], y[8];
    for (size_t r = 0; r < 8; r++)
        x[r] = _mm256_shuffle_epi8(load_columns(column, r, k), pair);
    for (size_t r = 0; r < 4; r++) {
        y[2 * r] = _mm256_unpacklo_epi16(x[2 * r], x[2 * r + 1]);
        y[2 * r + 1] = _mm256_unpackhi_epi16(x[2 * r], x[2 * r + 1]);
    }
    for (size_t r = 0; r < 8; r += 4)
        for (size_t i = 0; i < 2; i++) {
            x[r + 2 * i] = _mm256_unpacklo_epi32(y[r + i], y[r + 2 + i]);
            x[r + 2 * i + 1] = _mm256_unpackhi_epi32(y[r + i], y[r + 2 + i]);
        }
    for (size_t i = 0; i < 4; i++) {
        y[2 * i] = _mm256_unpacklo_epi64(x[i], x[4 + i]);
        y[2 * i + 1] = _mm256_unpackhi_epi64(x[i], x[4 + i]);
    }
    for (size_t byte = 0; byte < 8; byte++) {
        _mm256_store_si256((__m256i *)(to + 2 * byte * stride), _mm256_and_si256(y[byte], low));
        _mm256_store_si256((__m256i *)(to + (2 * byte + 1) * stride),
                           _mm256_and_si256(_mm256_srli_epi16(y[byte], 4), low));
    }
}

AVX2 static void pack_panel(const uint64_t *b, size_t row, size_t columns, size_t vectors,
                            size_t words, struct panel *panel)
{
    static const uint64_t zeros[CHUNK];
    size_t stride = vectors * 32;
    for (size_t v = 0; v < vectors; v++) {
        const uint64_t *column[32];
        for (size_t j = 0; j < 32; j++)
            column[j] = v * 32 + j < columns ? b + (v * 32 + j) * row : zeros;
        for (size_t k = 0; k < words; k++)
            pack_word(column, k, panel->nibble + 16 * k * stride + v * 32, stride);
    }
    size_t end = (16 * words + GROUP - 1) / GROUP * GROUP;
    memset(panel->nibble + 16 * words * stride, 0, (end - 16 * words) * stride);
}

/* ----------------------------------------------------------------------------------- kernel -- */

/* Sums of 16 bits of one vector of columns: two rows, columns 0 ... 15 and 16 ... 31. */
struct wide {
    __m256i row[2][2];
};

AVX2_INLINE void widen(struct wide *wide, __m256i s, __m256i h)
{
    const __m256i byte = _mm256_set1_epi16(0xff), high = _mm256_set1_epi8((char)0xf0);
    __m256i low = _mm256_sub_epi8(s, _mm256_and_si256(_mm256_slli_epi16(h, 4), high));
    wide->row[0][0] = _mm256_add_epi16(wide->row[0][0], _mm256_and_si256(low, byte));
    wide->row[0][1] = _mm256_add_epi16(wide->row[0][1], _mm256_srli_epi16(low, 8));
    wide->row[1][0] = _mm256_add_epi16(wide->row[1][0], _mm256_and_si256(h, byte));
    wide->row[1][1] = _mm256_add_epi16(wide->row[1][1], _mm256_srli_epi16(h, 8));
}

AVX2_INLINE __m256i lookup3(const __m256i *table, const uint8_t *nibble, size_t stride)
{
    __m256i first = _mm256_shuffle_epi8(table[0], _mm256_load_si256((const __m256i *)nibble));
    nibble += stride;
    __m256i second = _mm256_shuffle_epi8(table[1], _mm256_load_si256((const __m256i *)nibble));
    nibble += stride;
    __m256i third = _mm256_shuffle_epi8(table[2], _mm256_load_si256((const __m256i *)nibble));
    return _mm256_add_epi8(_mm256_add_epi8(first, second), third);
}

AVX2_INLINE __m256i table_at(const struct tables *tables, size_t offset)
{
    return _mm256_broadcastsi128_si256(
        _mm_load_si128((const __m128i *)(tables->count[0] + offset)));
}

/* Two rows by `vectors` (a constant) vectors of columns. */
AVX2_INLINE void multiply(const struct tables *tables, const uint16_t *offset,
                          const uint8_t *nibble, size_t groups, const size_t vectors,
                          struct wide *wide)
{
    const __m256i high = _mm256_set1_epi8((char)0xf0);
    while (groups > 0) {
        __m256i s[PANEL], h[PANEL];
        for (size_t v = 0; v < vectors; v++)
            s[v] = h[v] = _mm256_setzero_si256();
        size_t now = groups < GROUPS ? groups : GROUPS;
        for (size_t g = 0; g < now; g++, offset += GROUP, nibble += GROUP * vectors * 32) {
            __m256i table[GROUP];
            for (size_t i = 0; i < GROUP; i++)
                table[i] = table_at(tables, offset[i]);
            for (size_t v = 0; v < vectors; v++) {
                const uint8_t *at = nibble + 32 * v;
                __m256i t0 = lookup3(table, at, vectors * 32);
                __m256i t1 = lookup3(table + 3, at + 3 * vectors * 32, vectors * 32);
                __m256i both =
                    _mm256_avg_epu8(_mm256_and_si256(t0, high), _mm256_and_si256(t1, high));
                s[v] = _mm256_add_epi8(s[v], _mm256_add_epi8(t0, t1));
                h[v] = _mm256_add_epi8(h[v], _mm256_srli_epi16(both, 3));
            }
        }
        for (size_t v = 0; v < vectors; v++)
            widen(&wide[v], s[v], h[v]);
        groups -= now;
    }
}

/* Adds (or writes) 16 counts to 16 columns of C, of which `columns` exist. */
AVX2_INLINE void put(__m256i counts, size_t columns, bool add, int32_t *c)
{
    __m256i half[2] = {_mm256_cvtepu16_epi32(_mm256_castsi256_si128(counts)),
                       _mm256_cvtepu16_epi32(_mm256_extracti128_si256(counts, 1))};
    if (columns >= 16) {
        for (size_t i = 0; i < 2; i++) {
            __m256i *to = (__m256i *)(c + 8 * i);
            if (add) half[i] = _mm256_add_epi32(half[i], _mm256_loadu_si256(to));
            _mm256_storeu_si256(to, half[i]);
        }
        return;
    }
    int32_t value[16];
    _mm256_storeu_si256((__m256i *)value, half[0]);
    _mm256_storeu_si256((__m256i *)(value + 8), half[1]);
    for (size_t j = 0; j < columns; j++)
        c[j] = add ? c[j] + value[j] : value[j];
}

AVX2 static void put_all(const struct wide *wide, size_t rows, size_t columns, bool add, int32_t *c,
                         size_t ldc)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t j = 0; j < columns; j += 16)
            put(wide[j / 32].row[r][j / 16 % 2], columns - j, add, c + r * ldc + j);
}

AVX2 static void multiply_pair(const struct tables *tables, const uint16_t *offset,
                               const struct panel *panel, size_t groups, size_t vectors,
                               struct wide *wide)
{
    memset(wide, 0, vectors * sizeof *wide);
    if (vectors == 1)
        multiply(tables, offset, panel->nibble, groups, 1, wide);
    else if (vectors == 2)
        multiply(tables, offset, panel->nibble, groups, 2, wide);
    else
        multiply(tables, offset, panel->nibble, groups, 3, wide);
}

/* Few rows or columns are not worth a panel. */
AVX2 static void multiply_few(enum et__binary_op op, size_t m, size_t n, size_t words,
                              const uint64_t *a, const uint64_t *b, int32_t *c, size_t ldc)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            const uint64_t *x = a + i * words, *y = b + j * words;
            long long count = 0;
            if (op == ET__BINARY_XOR)
                for (size_t k = 0; k < words; k++)
                    count += _mm_popcnt_u64(x[k] ^ y[k]);
            else
                for (size_t k = 0; k < words; k++)
                    count += _mm_popcnt_u64(x[k] & y[k]);
            c[i * ldc + j] = (int32_t)count;
        }
}

AVX2 void et__binary_gemm_avx2(enum et__binary_op op, size_t m, size_t n, size_t words,
                               const uint64_t *a, const uint64_t *b, int32_t *c, size_t ldc)
{
    if (m < 6 || n < 12) {
        multiply_few(op, m, n, words, a, b, c, ldc);
        return;
    }
    static const uint64_t zeros[CHUNK];
    struct tables tables;
    struct panel panel;
    struct wide wide[PANEL];
    _Alignas(32) uint16_t offset[STEPS];
    make_tables(&tables, op);
    for (size_t k = 0; k < words; k += CHUNK) {
        size_t now = words - k < CHUNK ? words - k : CHUNK;
        size_t groups = (16 * now + GROUP - 1) / GROUP, vectors;
        for (size_t j = 0; j < n; j += vectors * 32) {
            size_t left = (n - j + 31) / 32;
            vectors = left == 4 ? 2 : left < PANEL ? left : PANEL;
            size_t columns = n - j < vectors * 32 ? n - j : vectors * 32;
            pack_panel(b + j * words + k, words, columns, vectors, now, &panel);
            for (size_t i = 0; i < m; i += 2) {
                const uint64_t *row = a + i * words + k;
                pack_rows(row, i + 1 < m ? row + words : zeros, now, offset);
                multiply_pair(&tables, offset, &panel, groups, vectors, wide);
                put_all(wide, i + 1 < m ? 2 : 1, columns, k > 0, c + i * ldc + j, ldc);
            }
        }
    }
}

#endif
