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
 * vector operations for 1536 products.  For 512 x 512 x 4096 and a pair of rows by 32 columns:
 *
 *     172 groups of 6 steps                        2924
 *     18 widenings of S and H to 16 bits            198
 *     16-bit sums added to C, in three chunks        40
 *     packing of B (80 a word), of 128 pairs a share 40
 *     packing of A (7 a word), of 16 vectors a share 28
 *
 * In all 3230 operations for 262,144 products, 81 each.  (A carry-save tree with 16 inputs needs
 * 6.1 operations for 256 products, that is 42.)
 *
 * Tables are fetched three at a time: with S, H, t and the tables of three vectors, the mask and
 * what comes in between, all 16 registers are in use.
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
    GROUP = 6,                                        /* steps between two partings */
    GROUPS = 10,                                      /* between two widenings: counts <= 240 */
    CHUNK = 24,                                       /* words of a row at a time, at most */
    STEPS = (16 * CHUNK + GROUP - 1) / GROUP * GROUP, /* 4 bits each, padded with zeros */
    PANEL = 3,                                        /* vectors of 32 columns */
    PAIRS = 128                                       /* of rows whose offsets are kept */
};

/* Tables of all pairs of nibbles; 16 bytes each, found by their offset in bytes. */
struct tables {
    _Alignas(64) uint8_t count[256][16];
};

struct panel {
    _Alignas(64) uint8_t nibble[STEPS * PANEL * 32]; /* [step][vector][32] */
};

/* Offsets of the tables of pairs of rows, step by step. */
struct offsets {
    _Alignas(64) uint16_t of[PAIRS][STEPS];
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

AVX2_INLINE void put_offsets(__m128i pairs, uint16_t *offset)
{
    _mm256_storeu_si256((__m256i *)offset, _mm256_slli_epi16(_mm256_cvtepu8_epi16(pairs), 4));
}

/* Two words of two rows at a time; a last single word is loaded as such. */
AVX2 static void pack_pair(const uint64_t *row0, const uint64_t *row1, size_t words,
                           uint16_t *offset)
{
    const __m128i low = _mm_set1_epi8(0x0f), high = _mm_set1_epi8((char)0xf0);
    for (size_t k = 0; k < words; k += 2) {
        bool both = k + 1 < words;
        const __m128i *at0 = (const __m128i *)(row0 + k), *at1 = (const __m128i *)(row1 + k);
        __m128i x = both ? _mm_loadu_si128(at0) : _mm_loadl_epi64(at0);
        __m128i y = both ? _mm_loadu_si128(at1) : _mm_loadl_epi64(at1);
        __m128i even =
            _mm_or_si128(_mm_and_si128(x, low), _mm_slli_epi16(_mm_and_si128(y, low), 4));
        __m128i odd =
            _mm_or_si128(_mm_and_si128(_mm_srli_epi16(x, 4), low), _mm_and_si128(y, high));
        put_offsets(_mm_unpacklo_epi8(even, odd), offset + 16 * k);
        if (both) put_offsets(_mm_unpackhi_epi8(even, odd), offset + 16 * k + 16);
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
    const __m128i *table = (const __m128i *)((const uint8_t *)tables + offset);
    return _mm256_broadcastsi128_si256(_mm_load_si128(table));
}

/* Two rows by `vectors` (a constant) vectors of columns. */
AVX2_INLINE void multiply(const struct tables *tables, const uint16_t *offset,
                          const uint8_t *nibble, size_t groups, const size_t vectors,
                          struct wide *wide)
{
    const __m256i high = _mm256_set1_epi8((char)0xf0), zero = _mm256_setzero_si256();
    for (size_t v = 0; v < vectors; v++)
        wide[v] = (struct wide){{{zero, zero}, {zero, zero}}};
    while (groups > 0) {
        __m256i s[PANEL], h[PANEL];
        for (size_t v = 0; v < vectors; v++)
            s[v] = h[v] = zero;
        size_t now = groups < GROUPS ? groups : GROUPS;
        for (size_t g = 0; g < now; g++, offset += GROUP, nibble += GROUP * vectors * 32) {
            __m256i table[3], t0[PANEL];
            const size_t stride = vectors * 32;
            for (size_t i = 0; i < 3; i++)
                table[i] = table_at(tables, offset[i]);
            for (size_t v = 0; v < vectors; v++)
                t0[v] = lookup3(table, nibble + 32 * v, stride);
            for (size_t i = 0; i < 3; i++)
                table[i] = table_at(tables, offset[3 + i]);
            for (size_t v = 0; v < vectors; v++) {
                __m256i t1 = lookup3(table, nibble + 32 * v + 3 * stride, stride);
                __m256i both =
                    _mm256_avg_epu8(_mm256_and_si256(t0[v], high), _mm256_and_si256(t1, high));
                s[v] = _mm256_add_epi8(s[v], _mm256_add_epi8(t0[v], t1));
                h[v] = _mm256_add_epi8(h[v], _mm256_srli_epi16(both, 3));
            }
        }
        for (size_t v = 0; v < vectors; v++)
            widen(&wide[v], s[v], h[v]);
        groups -= now;
    }
}

/* Adds 32 counts to C or writes them, where `columns` exist. */
AVX2_INLINE void put(const __m256i counts[2], size_t columns, bool add, int32_t *c)
{
    const __m128i *from = (const __m128i *)counts;
    int32_t some[32], *to = columns >= 32 ? c : some;
    for (size_t i = 0; i < 4; i++) {
        __m256i value = _mm256_cvtepu16_epi32(_mm_load_si128(from + i));
        if (add && to == c)
            value = _mm256_add_epi32(value, _mm256_loadu_si256((const __m256i *)(c + 8 * i)));
        _mm256_storeu_si256((__m256i *)(to + 8 * i), value);
    }
    if (to == c) return;
    for (size_t j = 0; j < columns; j++)
        c[j] = add ? c[j] + some[j] : some[j];
}

AVX2 static void put_all(const struct wide *wide, size_t rows, size_t columns, bool add, int32_t *c,
                         size_t ldc)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t j = 0; j < columns; j += 32)
            put(wide[j / 32].row[r], columns - j, add, c + r * ldc + j);
}

/* Asks for the part of C that will be written when its product is done. */
static inline void fetch(const int32_t *c, size_t rows, size_t columns, size_t ldc)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t j = 0; j < columns; j += 16)
            __builtin_prefetch(c + r * ldc + j, 1);
}

AVX2 static void multiply_pair(const struct tables *tables, const uint16_t *offset,
                               const struct panel *panel, size_t groups, size_t vectors,
                               struct wide *wide)
{
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

/* The last row of an odd number has zeros for a partner. */
static void pack_rows(const uint64_t *a, size_t row, size_t rows, size_t words,
                      struct offsets *offsets)
{
    static const uint64_t zeros[CHUNK];
    for (size_t i = 0; i < rows; i += 2)
        pack_pair(a + i * row, i + 1 < rows ? a + (i + 1) * row : zeros, words, offsets->of[i / 2]);
}

/* Up to 2 x PAIRS rows by all columns, `now` words of them. */
AVX2 static void multiply_rows(const struct tables *tables, const struct offsets *offsets,
                               size_t rows, size_t n, size_t words, size_t now, const uint64_t *b,
                               bool add, int32_t *c, size_t ldc)
{
    struct panel panel;
    struct wide wide[PANEL];
    size_t groups = (16 * now + GROUP - 1) / GROUP, vectors;
    for (size_t j = 0; j < n; j += vectors * 32) {
        size_t left = (n - j + 31) / 32;
        vectors = left == 4 ? 2 : left < PANEL ? left : PANEL;
        size_t columns = n - j < vectors * 32 ? n - j : vectors * 32;
        pack_panel(b + j * words, words, columns, vectors, now, &panel);
        for (size_t i = 0; i < rows; i += 2) {
            fetch(c + i * ldc + j, i + 1 < rows ? 2 : 1, columns, ldc);
            multiply_pair(tables, offsets->of[i / 2], &panel, groups, vectors, wide);
            put_all(wide, i + 1 < rows ? 2 : 1, columns, add, c + i * ldc + j, ldc);
        }
    }
}

void et__binary_gemm_avx2(enum et__binary_op op, size_t m, size_t n, size_t words,
                          const uint64_t *a, const uint64_t *b, int32_t *c, size_t ldc)
{
    if (m < 6 || n < 12) {
        multiply_few(op, m, n, words, a, b, c, ldc);
        return;
    }
    struct tables tables;
    struct offsets offsets;
    make_tables(&tables, op);
    size_t chunks = (words + CHUNK - 1) / CHUNK, chunk = (words + chunks - 1) / chunks;
    for (size_t k = 0; k < words; k += chunk) {
        size_t now = words - k < chunk ? words - k : chunk;
        for (size_t i = 0; i < m; i += (size_t)2 * PAIRS) {
            size_t rows = m - i < 2 * PAIRS ? m - i : 2 * PAIRS;
            pack_rows(a + i * words + k, words, rows, now, &offsets);
            multiply_rows(&tables, &offsets, rows, n, words, now, b + k, k > 0, c + i * ldc, ldc);
        }
    }
}

#endif
