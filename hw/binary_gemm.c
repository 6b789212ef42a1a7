/* SPDX-License-Identifier: Apache-2.0
 *
 * Products of packed bits: the plain kernel and the choice between all of them. */
#include "binary_kernels.h"

#include <assert.h>

static int32_t multiply_row(enum et__binary_op op, const uint64_t *a, const uint64_t *b,
                            size_t words)
{
    int32_t count = 0;
    for (size_t k = 0; k < words; k++)
        count += __builtin_popcountll(op == ET__BINARY_XOR ? a[k] ^ b[k] : a[k] & b[k]);
    return count;
}

void et__binary_gemm_plain(enum et__binary_op op, size_t m, size_t n, size_t words,
                           const uint64_t *a, const uint64_t *b, int32_t *c, size_t ldc)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++)
            c[i * ldc + j] = multiply_row(op, a + i * words, b + j * words, words);
}

bool et__binary_has(enum et__binary_variant variant)
{
    switch (variant) {
    case ET__BINARY_AUTO:
    case ET__BINARY_PLAIN:
    case ET__BINARY_PORTABLE:
        return true;
#if ET__BINARY_X86
    case ET__BINARY_AVX2:
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt");
    case ET__BINARY_AVX512:
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vpopcntdq");
#else
    case ET__BINARY_AVX2:
    case ET__BINARY_AVX512:
        return false;
#endif
    }
    return false;
}

const char *et__binary_variant_name(enum et__binary_variant variant)
{
    static const char *const names[] = {"auto", "plain", "portable", "avx2", "avx512"};
    return names[variant];
}

static et__binary_kernel *kernel_of(enum et__binary_variant variant)
{
    if (variant == ET__BINARY_AUTO) {
        variant = ET__BINARY_AVX512;
        while (!et__binary_has(variant))
            variant--;
    }
    switch (variant) {
#if ET__BINARY_X86
    case ET__BINARY_AVX512:
        return et__binary_gemm_avx512;
    case ET__BINARY_AVX2:
        return et__binary_gemm_avx2;
#endif
    case ET__BINARY_PORTABLE:
        return et__binary_gemm_portable;
    default:
        return et__binary_gemm_plain;
    }
}

void et__binary_gemm(enum et__binary_op op, enum et__binary_variant variant, size_t m, size_t n,
                     size_t words, const uint64_t *a, const uint64_t *b, int32_t *c, size_t ldc)
{
    assert(et__binary_has(variant) && ldc >= n && words > 0);
    kernel_of(variant)(op, m, n, words, a, b, c, ldc);
}
