/* SPDX-License-Identifier: Apache-2.0
 *
 * Products of packed bits: choice of the kernel, the plain one and the portable one. */
#include "binary.h"

#include <assert.h>

static int32_t count_row(enum et__binary_op op, const uint64_t *a, const uint64_t *b, size_t words)
{
    int32_t count = 0;
    for (size_t k = 0; k < words; k++)
        count += __builtin_popcountll(op == ET__BINARY_XOR ? a[k] ^ b[k] : a[k] & b[k]);
    return count;
}

static void gemm_plain(enum et__binary_op op, size_t m, size_t n, size_t words, const uint64_t *a,
                       const uint64_t *b, int32_t *c, size_t ldc)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++)
            c[i * ldc + j] = count_row(op, a + i * words, b + j * words, words);
}

bool et__binary_has(enum et__binary_variant variant)
{
    return variant == ET__BINARY_AUTO || variant == ET__BINARY_PLAIN ||
           variant == ET__BINARY_PORTABLE;
}

const char *et__binary_variant_name(enum et__binary_variant variant)
{
    static const char *const names[] = {"auto", "plain", "portable", "avx2", "avx512"};
    return names[variant];
}

void et__binary_gemm(enum et__binary_op op, enum et__binary_variant variant, size_t m, size_t n,
                     size_t words, const uint64_t *a, const uint64_t *b, int32_t *c, size_t ldc)
{
    assert(et__binary_has(variant) && ldc >= n);
    (void)variant; /* so far they are one */
    gemm_plain(op, m, n, words, a, b, c, ldc);
}
