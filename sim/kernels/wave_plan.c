/* SPDX-License-Identifier: Apache-2.0
 *
 * From cell maps to a plan: coefficients per cell, spans of equal kind per row. */
#include "wave.h"

#include <etalon/array.h>

#include <string.h>

/* Cells that are rigid or in a strip are in no span. */
enum { NO_SPAN = -1 };

/* Lossless cells with four open faces in shorter runs than this join a span of kind GENERAL: the
 * cost of starting a span exceeds that of loading two more coefficients. */
enum { UNIFORM_MIN = 12 };

static size_t round_up(size_t n, size_t multiple)
{
    return (n + multiple - 1) / multiple * multiple;
}

static bool is_open(const struct et__wave_medium *m, size_t x, size_t y)
{
    return x < m->nx && y < m->ny && m->courant2[y * m->nx + x] > 0.0F;
}

static int open_faces(const struct et__wave_medium *m, size_t x, size_t y)
{
    /* x - 1 of the first cell wraps to a huge number, which is outside as well */
    return is_open(m, x - 1, y) + is_open(m, x + 1, y) + is_open(m, x, y - 1) +
           is_open(m, x, y + 1);
}

static unsigned membrane_of(const struct et__wave_medium *m, size_t x, size_t y)
{
    return m->membrane ? m->membrane[y * m->nx + x] : 0U;
}

static size_t map_at(const struct et__wave_plan *plan, size_t x, size_t y)
{
    return (y + 1) * plan->pitch + plan->left + x;
}

static void fill_maps(struct et__wave_plan *plan, const struct et__wave_medium *m)
{
    for (size_t y = 0; y < m->ny; y++) {
        for (size_t x = 0; x < m->nx; x++) {
            if (!is_open(m, x, y)) continue;
            size_t i = map_at(plan, x, y);
            double courant2 = (double)m->courant2[y * m->nx + x];
            double beta = (double)m->beta[y * m->nx + x];
            bool membrane = membrane_of(m, x, y) != 0;
            plan->gain[i] = (float)(membrane ? courant2 : courant2 / (1 + beta));
            plan->keep[i] = (float)(membrane ? beta : (1 - beta) / (1 + beta));
            plan->open[i] = (float)open_faces(m, x, y);
        }
    }
}

/* The least general kind that is right for a cell. */
static int kind_of(const struct et__wave_plan *plan, const struct et__wave_medium *m, size_t x,
                   size_t y)
{
    if (!is_open(m, x, y)) return NO_SPAN;
    if (plan->has_pml && et__wave_pml_has(&plan->pml, m->nx, m->ny, x, y)) return NO_SPAN;
    if (membrane_of(m, x, y) != 0) return ET__WAVE_MEMBRANE;
    size_t i = map_at(plan, x, y);
    return plan->keep[i] == 1.0F && plan->open[i] == 4.0F ? ET__WAVE_SPEED : ET__WAVE_GENERAL;
}

/* Appends a span, or lengthens the last one of the row when both can be of one kind. */
static void append(struct et__wave_span *spans, size_t row_start, size_t *n,
                   struct et__wave_span span)
{
    if (*n > row_start) {
        struct et__wave_span *last = &spans[*n - 1];
        bool touch = last->first + last->count == span.first;
        bool linear = last->kind != ET__WAVE_MEMBRANE && span.kind != ET__WAVE_MEMBRANE;
        bool brief = span.count < UNIFORM_MIN || last->count < UNIFORM_MIN;
        bool same = last->kind == span.kind && last->membrane == span.membrane;
        if (touch && linear && !same && brief) {
            last->kind = ET__WAVE_GENERAL;
            last->count += span.count;
            return;
        }
        if (touch && same && span.kind == ET__WAVE_GENERAL) {
            last->count += span.count;
            return;
        }
    }
    spans[(*n)++] = span;
}

/* Cuts row y into spans; returns their number.  spans has room for nx. */
static size_t cut_row(const struct et__wave_plan *plan, const struct et__wave_medium *m, size_t y,
                      struct et__wave_span *spans)
{
    size_t n = 0;
    for (size_t x = 0, end; x < m->nx; x = end) {
        int kind = kind_of(plan, m, x, y);
        unsigned membrane = membrane_of(m, x, y);
        bool uniform = true;
        for (end = x + 1; end < m->nx; end++) {
            if (kind_of(plan, m, end, y) != kind || membrane_of(m, end, y) != membrane) break;
            uniform &= plan->gain[map_at(plan, end, y)] == plan->gain[map_at(plan, x, y)];
        }
        if (kind == NO_SPAN) continue;
        if (kind == ET__WAVE_SPEED && uniform) kind = ET__WAVE_UNIFORM;
        append(spans, 0, &n,
               (struct et__wave_span){.first = (uint32_t)x,
                                      .count = (uint32_t)(end - x),
                                      .kind = (uint16_t)kind,
                                      .membrane = (uint16_t)(membrane ? membrane - 1 : 0)});
    }
    return n;
}

static enum et_status cut_rows(struct et__wave_plan *plan, const struct et__wave_medium *m)
{
    struct et__wave_span *row = et_alloc(m->nx, sizeof *row);
    if (!row) return ET_NOMEM;
    size_t total = 0;
    for (size_t y = 0; y < m->ny; y++) {
        plan->row_spans[y] = total;
        total += cut_row(plan, m, y, row);
    }
    plan->row_spans[m->ny] = total;
    plan->spans = et_alloc(total, sizeof *plan->spans);
    if (plan->spans) {
        for (size_t y = 0; y < m->ny; y++) {
            size_t n = cut_row(plan, m, y, row);
            memcpy(plan->spans + plan->row_spans[y], row, n * sizeof *row);
        }
    }
    et_free(row);
    return plan->spans ? ET_OK : ET_NOMEM;
}

enum et_status et__wave_plan_create(struct et__wave_plan *plan, const struct et__wave_medium *m)
{
    plan->nx = m->nx;
    plan->ny = m->ny;
    plan->left = 16;
    plan->pitch = round_up(plan->left + m->nx + 1, 16);
    size_t size = plan->pitch * (m->ny + 2);
    if (!(plan->gain = et_alloc(size, sizeof *plan->gain))) return ET_NOMEM;
    if (!(plan->keep = et_alloc(size, sizeof *plan->keep))) return ET_NOMEM;
    if (!(plan->open = et_alloc(size, sizeof *plan->open))) return ET_NOMEM;
    if (!(plan->row_spans = et_alloc(m->ny + 1, sizeof *plan->row_spans))) return ET_NOMEM;
    if (!(plan->membranes = et_alloc(m->n_membranes, sizeof *plan->membranes))) return ET_NOMEM;
    if (m->n_membranes > 0)
        memcpy(plan->membranes, m->membranes, m->n_membranes * sizeof *plan->membranes);
    fill_maps(plan, m);
    for (size_t side = 0; side < ET__WAVE_SIDES; side++)
        plan->has_pml |= m->strip[side] > 0;
    if (plan->has_pml) ET_TRY(et__wave_pml_create(plan, m));
    return cut_rows(plan, m);
}

void et__wave_plan_destroy(struct et__wave_plan *plan)
{
    et_free(plan->gain);
    et_free(plan->keep);
    et_free(plan->open);
    et_free(plan->spans);
    et_free(plan->row_spans);
    et_free(plan->membranes);
    et__wave_pml_destroy(&plan->pml);
    *plan = (struct et__wave_plan){0};
}

enum et_status et__wave_field_create(struct et__wave_field *field, const struct et__wave_plan *plan,
                                     size_t lanes)
{
    field->lanes = lanes;
    field->left = lanes == 1 ? plan->left : 1;
    field->pitch = lanes == 1 ? plan->pitch : plan->nx + 2;
    field->size = field->pitch * (plan->ny + 2) * lanes;
    if (!(field->now = et_alloc(field->size, sizeof(float)))) return ET_NOMEM;
    if (!(field->previous = et_alloc(field->size, sizeof(float)))) return ET_NOMEM;
    if (!plan->has_pml) return ET_OK;
    field->n_phi_x = plan->pml.n_phi_x * lanes;
    field->n_phi_y = plan->pml.n_phi_y * lanes;
    if (!(field->phi_x = et_alloc(field->n_phi_x, sizeof(float)))) return ET_NOMEM;
    if (!(field->phi_y = et_alloc(field->n_phi_y, sizeof(float)))) return ET_NOMEM;
    return ET_OK;
}

void et__wave_field_destroy(struct et__wave_field *field)
{
    et_free(field->now);
    et_free(field->previous);
    et_free(field->phi_x);
    et_free(field->phi_y);
    *field = (struct et__wave_field){0};
}

void et__wave_field_clear(struct et__wave_field *field)
{
    memset(field->now, 0, field->size * sizeof(float));
    memset(field->previous, 0, field->size * sizeof(float));
    if (field->phi_x) memset(field->phi_x, 0, field->n_phi_x * sizeof(float));
    if (field->phi_y) memset(field->phi_y, 0, field->n_phi_y * sizeof(float));
}
