/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernels of one precision (REAL), once per instruction set; the processor decides at run time
 * which one is used.  No variant contracts a multiplication and an addition, so all give the same
 * bits.  VARIANTS is the name of the table. */
#include "wave_sweep.h"

/* Rows of large grids are fetched this many cells ahead, in pieces of so many. */
enum { FETCH_DISTANCE = 512, FETCH_CELLS = 64 };

/* The level that is written overlaps nothing that is read, apart from its own cell. */
#if defined __clang__
#define ROW_LOOP /* its pragma would insist on vectors in loops over lanes too */
#else
#define ROW_LOOP _Pragma("GCC ivdep")
#endif

/* ROW_SHORT: loops of a few tens of cells, which longer vectors would leave to their scalar ends.
 */
enum { SHORT_CELLS = 64 };

/* Kept out of line: inlined together, the loops' set-up costs every span tens of cycles. */
#define ROW_KERNEL ROW_TARGET static __attribute__((noinline))
#define ROW_INLINE ROW_TARGET static inline __attribute__((always_inline))

/* Vectors pass between functions that are always inlined: no calling convention is involved. */
#pragma GCC diagnostic ignored "-Wpsabi"

/* One number per lane; no stricter alignment than a single number, for the compiler's sake only. */
typedef REAL lanes_value
    __attribute__((vector_size(ET__WAVE_LANES * sizeof(REAL)), aligned(sizeof(REAL)), may_alias));

#define ROW_TARGET
#define ROW_SHORT
#define ROW_SET(name) portable_##name
#include "wave_orders.h"
#undef ROW_TARGET
#undef ROW_SET

#if defined __x86_64__
#define ROW_TARGET    __attribute__((target("avx2")))
#define ROW_SET(name) avx2_##name
#include "wave_orders.h"
#undef ROW_TARGET
#undef ROW_SET

#define ROW_TARGET __attribute__((target("avx512f,avx512vl")))
#if !defined __clang__
#undef ROW_SHORT
#define ROW_SHORT __attribute__((target("avx512f,avx512vl,prefer-vector-width=256")))
#endif
#define ROW_SET(name) avx512_##name
#include "wave_orders.h"
#undef ROW_TARGET
#undef ROW_SET
#endif

#define KERNELS(isa)                                                                               \
    {                                                                                              \
        {isa##_single2_sweep, isa##_lanes2_sweep},                                                 \
        {                                                                                          \
            isa##_single4_sweep, isa##_lanes4_sweep                                                \
        }                                                                                          \
    }

const struct et__wave_variant VARIANTS[] = {
#if defined __x86_64__
    {.name = "avx512", .set = ET__WAVE_AVX512, .sweep = KERNELS(avx512)},
    {.name = "avx2", .set = ET__WAVE_AVX2, .sweep = KERNELS(avx2)},
#endif
    {.name = "portable", .set = ET__WAVE_PORTABLE, .sweep = KERNELS(portable)},
    {0},
};
