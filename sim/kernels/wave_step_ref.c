/* SPDX-License-Identifier: Apache-2.0
 *
 * The time step cell by cell, without spans, segments or lanes side by side: what wave_step.c must
 * reproduce to the last bit.  Which formula a cell obeys is read from the spans' kinds alone. */
#include "wave.h"
#include "wave_flush.h"

/* Kind of a cell, or -1 when it is in no span. */
static int kind_at(const struct et__wave_plan *plan, size_t x, size_t y, size_t *membrane)
{
    for (size_t s = plan->row_spans[y]; s < plan->row_spans[y + 1]; s++) {
        const struct et__wave_span *span = &plan->spans[s];
        if (x < span->first || x >= span->first + span->count) continue;
        *membrane = span->membrane;
        return span->kind >= ET__WAVE_MEMBRANE ? ET__WAVE_MEMBRANE : ET__WAVE_GENERAL;
    }
    return -1;
}

static bool full_row(const struct et__wave_plan *plan, size_t y)
{
    return y < plan->ny &&
           (y < plan->pml.strip[ET__WAVE_BOTTOM] || y + plan->pml.strip[ET__WAVE_TOP] >= plan->ny);
}

/* Auxiliary field on the face left of column x of row y, as seen from a cell of a strip. */
static size_t face_x(const struct et__wave_plan *plan, size_t x, size_t y, size_t cell)
{
    size_t left = plan->pml.strip[ET__WAVE_LEFT], right = plan->pml.strip[ET__WAVE_RIGHT];
    size_t base = plan->pml.phi_x[y];
    if (full_row(plan, y)) return (base + x);
    if (cell < left) return (base + x);
    return (base + (left > 0 ? left + 1 : 0) + x - (plan->nx - right));
}

/* Auxiliary field on the face below row y in column x. */
static size_t face_y(const struct et__wave_plan *plan, size_t x, size_t y)
{
    size_t left = plan->pml.strip[ET__WAVE_LEFT], right = plan->pml.strip[ET__WAVE_RIGHT];
    size_t base = plan->pml.phi_y[y];
    bool full = full_row(plan, y) || (y > 0 && full_row(plan, y - 1));
    if (full || x < left) return (base + x);
    return (base + left + x - (plan->nx - right));
}

static float laplacian(const float *u, size_t at, size_t column, size_t row, float open)
{
    return ((u[at - row] + u[at + row]) + (u[at - column] + u[at + column])) - open * u[at];
}

static void step_cell(const struct et__wave_plan *plan, struct et__wave_field *field, size_t x,
                      size_t y, size_t lane)
{
    size_t column = field->lanes, row = field->pitch * field->lanes, membrane = 0;
    size_t at = et__wave_at(field, x, y) + lane, map = (y + 1) * plan->pitch + plan->left + x;
    float gain = plan->gain[map], keep = plan->keep[map], open = plan->open[map];
    float c = field->now[at], before = field->previous[at];
    float lap = laplacian(field->now, at, column, row, open);
    float *next = &field->previous[at];
    int kind = kind_at(plan, x, y, &membrane);

    if (kind == ET__WAVE_GENERAL) *next = c + (keep * (c - before) + gain * lap);
    if (kind == ET__WAVE_MEMBRANE) {
        const struct et__wave_membrane *m = &plan->membranes[membrane];
        float v = (c * c) * m->inverse_saturation2, e = 1.0F + v, loss = e * keep + m->beta;
        float push = (e - loss) * (c - before) + (gain * (e + m->stiffening * v)) * lap;
        *next = c + push / (e + loss);
    }
    if (plan->has_pml && et__wave_pml_has(&plan->pml, plan->nx, plan->ny, x, y)) {
        const float *fx = field->phi_x, *fy = field->phi_y;
        size_t west = face_x(plan, x, y, x) * column + lane;
        size_t east = face_x(plan, x + 1, y, x) * column + lane;
        size_t south = face_y(plan, x, y) * column + lane;
        size_t north = face_y(plan, x, y + 1) * column + lane;
        float div = (fx[east] - fx[west]) + (fy[north] - fy[south]);
        *next = c + (keep * (c - before) + gain * (lap + div));
    }
}

/* Advances the auxiliary fields on the west and south face of a strip's cell. */
static void step_faces(const struct et__wave_plan *plan, struct et__wave_field *field, size_t x,
                       size_t y, size_t lane)
{
    const struct et__wave_pml *pml = &plan->pml;
    const float *u = field->now, *next = field->previous;
    size_t column = field->lanes, row = field->pitch * field->lanes;
    size_t at = et__wave_at(field, x, y) + lane;
    if (!et__wave_pml_has(pml, plan->nx, plan->ny, x, y)) return;
    if (x > 0 && et__wave_pml_has(pml, plan->nx, plan->ny, x - 1, y)) {
        float *phi = &field->phi_x[face_x(plan, x, y, x) * column + lane];
        float factor = pml->y_sigma[y] * pml->x_rate[x] - pml->x_pull[x];
        float slope = (next[at] - next[at - column]) + (u[at] - u[at - column]);
        *phi = pml->x_decay[x] * *phi + factor * slope;
    }
    if (y > 0) {
        float *phi = &field->phi_y[face_y(plan, x, y) * column + lane];
        float factor = pml->x_sigma[x] * pml->y_rate[y] - pml->y_pull[y];
        float slope = (next[at] - next[at - row]) + (u[at] - u[at - row]);
        *phi = pml->y_decay[y] * *phi + factor * slope;
    }
}

void et__wave_step_reference(const struct et__wave_plan *plan, struct et__wave_field *field)
{
    uint64_t mode = flush_begin();
    for (size_t y = 0; y < plan->ny; y++)
        for (size_t x = 0; x < plan->nx; x++)
            for (size_t lane = 0; lane < field->lanes; lane++)
                step_cell(plan, field, x, y, lane);
    if (plan->has_pml)
        for (size_t y = 0; y < plan->ny; y++)
            for (size_t x = 0; x < plan->nx; x++)
                for (size_t lane = 0; lane < field->lanes; lane++)
                    step_faces(plan, field, x, y, lane);
    flush_end(mode);
    float *next = field->previous;
    field->previous = field->now;
    field->now = next;
}
