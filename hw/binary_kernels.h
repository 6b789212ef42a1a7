/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernels behind et__binary_gemm and the instructions that they are made of. */
#ifndef ETALON_HW_BINARY_KERNELS_H
#define ETALON_HW_BINARY_KERNELS_H

#include "binary.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define ET__BINARY_X86 1
#else
#define ET__BINARY_X86 0
#endif

/* Arguments as in et__binary_gemm. */
typedef void et__binary_kernel(enum et__binary_op op, size_t m, size_t n, size_t words,
                               const uint64_t *a, const uint64_t *b, int32_t *c, size_t ldc);

et__binary_kernel et__binary_gemm_plain, et__binary_gemm_portable;
#if ET__BINARY_X86
et__binary_kernel et__binary_gemm_avx2, et__binary_gemm_avx512;
#endif

#endif
