/* SPDX-License-Identifier: Apache-2.0
 *
 * One time step of a plan: rows from the bottom up, spans from left to right, strips of the PML
 * with the row that they belong to.  Compiled once per instruction set; the processor decides at
 * run time.  No variant contracts a multiplication and an addition, so all give the same bits. */
#include "wave.h"
#include "wave_flush.h"

/* Cells [first, first + count) of a row in a strip and where their auxiliary fields are. */
struct segment {
    size_t first, count, phi_x, phi_below, phi_above;
};

/* Segments of row y: the whole row, or the left and the right strip.  Returns their number. */
static size_t cut_strips(const struct et__wave_plan *plan, size_t y, struct segment segments[2])
{
    const struct et__wave_pml *pml = &plan->pml;
    size_t left = pml->strip[ET__WAVE_LEFT], right = pml->strip[ET__WAVE_RIGHT];
    size_t bottom = pml->strip[ET__WAVE_BOTTOM], top = pml->strip[ET__WAVE_TOP];
    size_t phi_x = pml->phi_x[y], below = pml->phi_y[y], above = pml->phi_y[y + 1];
    if (y < bottom || y + top >= plan->ny) {
        segments[0] = (struct segment){0, plan->nx, phi_x, below, above};
        return 1;
    }
    size_t n = 0;
    if (left > 0) segments[n++] = (struct segment){0, left, phi_x, below, above};
    if (right > 0) {
        /* faces towards a row that is wholly in a strip are stored for the full width */
        bool wide_below = bottom > 0 && y == bottom;
        bool wide_above = top > 0 && y + 1 + top == plan->ny;
        size_t first = plan->nx - right;
        segments[n++] = (struct segment){first, right, phi_x + (left > 0 ? left + 1 : 0),
                                         below + (wide_below ? first : left),
                                         above + (wide_above ? first : left)};
    }
    return n;
}

/* Rows of large grids are fetched this many cells ahead, in pieces of so many. */
enum { FETCH_DISTANCE = 512, FETCH_CELLS = 64 };

/* Kept out of line: inlined together, the loops' set-up costs every span tens of cycles. */
#define ROW_KERNEL ROW_TARGET static __attribute__((noinline))
#define ROW_INLINE ROW_TARGET static inline __attribute__((always_inline))

/* One number per lane; no stricter alignment than a float, for the compiler's sake only. */
typedef float lanes_value
    __attribute__((vector_size(ET__WAVE_LANES * sizeof(float)), aligned(4), may_alias));

#define STEP_VARIANT(isa)                                                                          \
    ROW_TARGET static void step_##isa(const struct et__wave_plan *plan,                            \
                                      struct et__wave_field *field)                                \
    {                                                                                              \
        uint64_t mode = flush_begin();                                                             \
        if (field->lanes == 1)                                                                     \
            single_##isa##_step_all(plan, field);                                                  \
        else                                                                                       \
            lanes_##isa##_step_all(plan, field);                                                   \
        float *next = field->previous;                                                             \
        field->previous = field->now;                                                              \
        field->now = next;                                                                         \
        flush_end(mode);                                                                           \
    }

#define ROW_TARGET
#define VALUE     float
#define ROW(name) single_portable_##name
#include "wave_rows.h"
#undef VALUE
#undef ROW
#define VALUE     lanes_value
#define ROW(name) lanes_portable_##name
#include "wave_rows.h"
STEP_VARIANT(portable)
#undef VALUE
#undef ROW
#undef ROW_TARGET

#if defined __x86_64__
#define ROW_TARGET __attribute__((target("avx2")))
#define VALUE      float
#define ROW(name)  single_avx2_##name
#include "wave_rows.h"
#undef VALUE
#undef ROW
#define VALUE     lanes_value
#define ROW(name) lanes_avx2_##name
#include "wave_rows.h"
STEP_VARIANT(avx2)
#undef VALUE
#undef ROW
#undef ROW_TARGET

#define ROW_TARGET __attribute__((target("avx512f,avx512vl")))
#define VALUE      float
#define ROW(name)  single_avx512_##name
#include "wave_rows.h"
#undef VALUE
#undef ROW
#define VALUE     lanes_value
#define ROW(name) lanes_avx512_##name
#include "wave_rows.h"
STEP_VARIANT(avx512)
#endif

et__wave_step_fn *et__wave_step_variant(size_t i, const char **name)
{
    static const struct {
        const char *name;
        et__wave_step_fn *step;
    } all[] = {
#if defined __x86_64__
        {"avx512", step_avx512},
        {"avx2", step_avx2},
#endif
        {"portable", step_portable},
    };
    bool runs[sizeof all / sizeof *all] = {
#if defined __x86_64__
        __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl"),
        __builtin_cpu_supports("avx2") != 0,
#endif
        true,
    };
    for (size_t at = 0; at < sizeof all / sizeof *all; at++) {
        if (!runs[at] || i-- > 0) continue;
        if (name) *name = all[at].name;
        return all[at].step;
    }
    return NULL;
}

void et__wave_step(const struct et__wave_plan *plan, struct et__wave_field *field)
{
    et__wave_step_variant(0, NULL)(plan, field);
}
