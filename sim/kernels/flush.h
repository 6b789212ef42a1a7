/* SPDX-License-Identifier: Apache-2.0
 *
 * Denormal numbers count as zero while a kernel runs. */
#ifndef ETALON_SIM_FLUSH_H
#define ETALON_SIM_FLUSH_H

#include <stdint.h>

/* What decays ends in denormal numbers, which many processors handle a hundred times slower than
 * others.  During a step they count as zero.  Returns the mode to put back. */
static inline uint64_t flush_begin(void)
{
#if defined __x86_64__
    uint32_t mode = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr(mode | 0x8040U); /* flush to zero, denormals are zero */
    return mode;
#elif defined __aarch64__
    uint64_t mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
    __asm__ volatile("msr fpcr, %0" : : "r"(mode | (UINT64_C(1) << 24)) : "memory");
    return mode;
#else
    return 0;
#endif
}

static inline void flush_end(uint64_t mode)
{
#if defined __x86_64__
    __builtin_ia32_ldmxcsr((uint32_t)mode);
#elif defined __aarch64__
    __asm__ volatile("msr fpcr, %0" : : "r"(mode) : "memory");
#else
    (void)mode;
#endif
}

#endif
