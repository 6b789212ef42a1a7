/* SPDX-License-Identifier: Apache-2.0
 *
 * The plain version of the wave kernel, in both precisions. */
#include "wave.h"
#include "flush.h"

/* Kinds of cells that are in no span. */
enum { RIGID = -1, STRIP = -2 };

/* Kind of a cell.  In order 2 the ends of a span that are patched need not be told apart. */
static int kind_at(const struct et__wave_plan *plan, size_t x, size_t y, size_t *membrane)
{
    if (plan->has_pml && et__wave_pml_has(&plan->pml, plan->nx, plan->ny, x, y)) return STRIP;
    for (size_t s = plan->row_spans[y]; s < plan->row_spans[y + 1]; s++) {
        const struct et__wave_span *span = &plan->spans[s];
        if (x < span->first || x >= span->first + span->count) continue;
        *membrane = span->membrane;
        return span->kind;
    }
    return RIGID;
}

static bool full_row(const struct et__wave_plan *plan, size_t y)
{
    return y < plan->ny && et__wave_pml_row(&plan->pml, plan->ny, y);
}

/* Auxiliary field on the face left of column x of row y, as seen from a cell of a strip. */
static size_t face_x(const struct et__wave_plan *plan, size_t x, size_t y, size_t cell)
{
    size_t left = plan->pml.strip[ET__WAVE_LEFT], right = plan->pml.strip[ET__WAVE_RIGHT];
    size_t base = plan->pml.phi_x[y];
    if (full_row(plan, y) || cell < left) return base + x;
    return base + (left > 0 ? left + 1 : 0) + x - (plan->nx - right);
}

/* Auxiliary field on the face below row y in column x. */
static size_t face_y(const struct et__wave_plan *plan, size_t x, size_t y)
{
    size_t left = plan->pml.strip[ET__WAVE_LEFT], right = plan->pml.strip[ET__WAVE_RIGHT];
    size_t base = plan->pml.phi_y[y];
    bool full = full_row(plan, y) || (y > 0 && full_row(plan, y - 1));
    if (full || x < left) return base + x;
    return base + left + x - (plan->nx - right);
}

#define REAL      float
#define REF(name) single_##name
#include "wave_reference.h"
#undef REAL
#undef REF
#define REAL      double
#define REF(name) double_##name
#include "wave_reference.h"

void et__wave_run_reference(const struct et__wave_plan *plan, struct et__wave_field *field,
                            const struct et__wave_ports *ports, size_t steps, const void *signal,
                            void *trace)
{
    uint64_t mode = flush_begin();
    if (plan->precision == ET__WAVE_SINGLE)
        single_run(plan, field, ports, steps, signal, trace);
    else
        double_run(plan, field, ports, steps, signal, trace);
    flush_end(mode);
}
