/* SPDX-License-Identifier: Apache-2.0
 *
 * Row updates of the wave kernel.  wave_step.c includes this file twice for each instruction set
 * (ROW_TARGET): with VALUE = float (one simulation; the compiler vectorises over the cells) and
 * with VALUE = a vector that holds one number per lane.  ROW(name) gives each copy its own names.
 *
 * u      row of now; readable from -1 to n
 * below  the row of smaller y, above the row of larger y
 * next   row of previous: read as u_prev, left as u_next; never overlaps the rows of now
 * n      cells; gain, keep, open have one entry per cell */

ROW_KERNEL void ROW(uniform)(const VALUE *restrict u, const VALUE *restrict below,
                             const VALUE *restrict above, VALUE *restrict next, float gain,
                             size_t n)
{
    for (size_t x = 0; x < n; x++) {
        VALUE c = u[x], lap = ((below[x] + above[x]) + (u[x - 1] + u[x + 1])) - 4.0F * c;
        next[x] = c + ((c - next[x]) + gain * lap);
    }
}

ROW_KERNEL void ROW(speed)(const VALUE *restrict u, const VALUE *restrict below,
                           const VALUE *restrict above, VALUE *restrict next,
                           const float *restrict gain, size_t n)
{
    for (size_t x = 0; x < n; x++) {
        VALUE c = u[x], lap = ((below[x] + above[x]) + (u[x - 1] + u[x + 1])) - 4.0F * c;
        next[x] = c + ((c - next[x]) + gain[x] * lap);
    }
}

ROW_KERNEL void ROW(general)(const VALUE *restrict u, const VALUE *restrict below,
                             const VALUE *restrict above, VALUE *restrict next,
                             const float *restrict gain, const float *restrict keep,
                             const float *restrict open, size_t n)
{
    for (size_t x = 0; x < n; x++) {
        VALUE c = u[x], lap = ((below[x] + above[x]) + (u[x - 1] + u[x + 1])) - open[x] * c;
        next[x] = c + (keep[x] * (c - next[x]) + gain[x] * lap);
    }
}

/* Equation (4) of wave.h; keep holds beta_wall.  keep and open are NULL where every cell has no
 * wall and four open faces: the terms then vanish at compile time and the bits stay the same. */
ROW_INLINE void ROW(membrane_cells)(const VALUE *restrict u, const VALUE *restrict below,
                                    const VALUE *restrict above, VALUE *restrict next,
                                    const float *restrict gain, const float *restrict keep,
                                    const float *restrict open,
                                    const struct et__wave_membrane *membrane, size_t n)
{
    const float beta = membrane->beta, k = membrane->stiffening;
    const float inverse_saturation2 = membrane->inverse_saturation2;
    for (size_t x = 0; x < n; x++) {
        const float faces = open ? open[x] : 4.0F;
        VALUE c = u[x], lap = ((below[x] + above[x]) + (u[x - 1] + u[x + 1])) - faces * c;
        VALUE v = (c * c) * inverse_saturation2, e = 1.0F + v;
        VALUE rest = keep ? e - (e * keep[x] + beta) : e - beta;
        VALUE sum = keep ? e + (e * keep[x] + beta) : e + beta;
        VALUE push = rest * (c - next[x]) + (gain[x] * (e + k * v)) * lap;
        next[x] = c + push / sum;
    }
}

ROW_KERNEL void ROW(membrane)(const VALUE *u, const VALUE *below, const VALUE *above, VALUE *next,
                              const float *gain, const struct et__wave_membrane *membrane, size_t n)
{
    ROW(membrane_cells)(u, below, above, next, gain, NULL, NULL, membrane, n);
}

ROW_KERNEL void ROW(membrane_edge)(const VALUE *u, const VALUE *below, const VALUE *above,
                                   VALUE *next, const float *gain, const float *keep,
                                   const float *open, const struct et__wave_membrane *membrane,
                                   size_t n)
{
    ROW(membrane_cells)(u, below, above, next, gain, keep, open, membrane, n);
}

/* Field of a strip; phi_x[x] and phi_x[x + 1] are the faces left and right of cell x. */
ROW_KERNEL void ROW(strip)(const VALUE *restrict u, const VALUE *restrict below,
                           const VALUE *restrict above, VALUE *restrict next,
                           const float *restrict gain, const float *restrict keep,
                           const float *restrict open, const VALUE *restrict phi_x,
                           const VALUE *restrict phi_below, const VALUE *restrict phi_above,
                           size_t n)
{
    for (size_t x = 0; x < n; x++) {
        VALUE c = u[x], lap = ((below[x] + above[x]) + (u[x - 1] + u[x + 1])) - open[x] * c;
        VALUE div = (phi_x[x + 1] - phi_x[x]) + (phi_above[x] - phi_below[x]);
        next[x] = c + (keep[x] * (c - next[x]) + gain[x] * (lap + div));
    }
}

/* phi_x on the n - 1 inner faces of a strip's row; entry x of decay, rate, pull is the face left
 * of cell x, sigma_y belongs to the row. */
ROW_KERNEL void ROW(phi_x)(const VALUE *restrict u, const VALUE *restrict next,
                           VALUE *restrict phi_x, const float *restrict decay,
                           const float *restrict rate, const float *restrict pull, float sigma_y,
                           size_t n)
{
    for (size_t x = 1; x < n; x++) {
        VALUE slope = (next[x] - next[x - 1]) + (u[x] - u[x - 1]);
        phi_x[x] = decay[x] * phi_x[x] + (sigma_y * rate[x] - pull[x]) * slope;
    }
}

/* phi_y on the faces between a row and the one below it; decay, rate, pull belong to the face. */
ROW_KERNEL void ROW(phi_y)(const VALUE *restrict u, const VALUE *restrict below,
                           const VALUE *restrict next, const VALUE *restrict next_below,
                           VALUE *restrict phi_y, float decay, float rate, float pull,
                           const float *restrict sigma_x, size_t n)
{
    for (size_t x = 0; x < n; x++) {
        VALUE slope = (next[x] - next_below[x]) + (u[x] - below[x]);
        phi_y[x] = decay * phi_y[x] + (sigma_x[x] * rate - pull) * slope;
    }
}

/* Where column 0 of a row is in the fields and in the maps. */
struct ROW(place) {
    const VALUE *u;
    VALUE *next;
    const float *gain, *keep, *open;
    size_t pitch;
};

/* Cells [x, x + n) of a span. */
ROW_INLINE void ROW(step_cells)(const struct ROW(place) * row, const struct et__wave_span *span,
                                const struct et__wave_membrane *membranes, size_t x, size_t n)
{
    const VALUE *u = row->u + x, *below = u - row->pitch, *above = u + row->pitch;
    VALUE *next = row->next + x;
    const float *gain = row->gain + x, *keep = row->keep + x, *open = row->open + x;
    switch ((enum et__wave_kind)span->kind) {
    case ET__WAVE_UNIFORM:
        ROW(uniform)(u, below, above, next, gain[n / 2], n);
        break;
    case ET__WAVE_SPEED:
        ROW(speed)(u, below, above, next, gain, n);
        break;
    case ET__WAVE_GENERAL:
        ROW(general)(u, below, above, next, gain, keep, open, n);
        break;
    case ET__WAVE_MEMBRANE:
        ROW(membrane)(u, below, above, next, gain, membranes + span->membrane, n);
        break;
    case ET__WAVE_MEMBRANE_EDGE:
        ROW(membrane_edge)(u, below, above, next, gain, keep, open, membranes + span->membrane, n);
        break;
    }
}

/* Asks for what the cells FETCH_DISTANCE further on will need from memory: the row above, the
 * previous time level, and the coefficients.  The hardware's own prefetcher starts anew on every
 * page, and five streams of short rows leave it behind. */
ROW_INLINE void ROW(fetch)(const struct ROW(place) * row, const struct et__wave_span *span,
                           size_t x)
{
    for (size_t i = x + FETCH_DISTANCE; i < x + FETCH_DISTANCE + FETCH_CELLS; i += 16) {
        __builtin_prefetch(row->u + row->pitch + i, 0, 3);
        __builtin_prefetch(row->next + i, 1, 3);
        if (span->kind == ET__WAVE_UNIFORM) continue;
        __builtin_prefetch(row->gain + i, 0, 3);
        if (span->kind == ET__WAVE_SPEED || span->kind == ET__WAVE_MEMBRANE) continue;
        __builtin_prefetch(row->keep + i, 0, 3);
        __builtin_prefetch(row->open + i, 0, 3);
    }
}

/* Cell x as one of kind GENERAL; *before is its u_prev. */
ROW_INLINE void ROW(patch)(const struct ROW(place) * row, size_t x, const VALUE *before)
{
    const VALUE *u = row->u + x, *below = u - row->pitch, *above = u + row->pitch;
    VALUE c = u[0], lap = ((*below + *above) + (*(u - 1) + u[1])) - row->open[x] * c;
    row->next[x] = c + (row->keep[x] * (c - *before) + row->gain[x] * lap);
}

/* The spans of row y. */
ROW_INLINE void ROW(step_spans)(const struct et__wave_plan *plan, struct et__wave_field *field,
                                size_t y)
{
    const struct et__wave_span *span = plan->spans + plan->row_spans[y];
    const struct et__wave_span *end = plan->spans + plan->row_spans[y + 1];
    const size_t map = (y + 1) * plan->pitch + plan->left;
    const struct ROW(place) row = {
        .u = (const VALUE *)(field->now + et__wave_at(field, 0, y)),
        .next = (VALUE *)(field->previous + et__wave_at(field, 0, y)),
        .gain = plan->gain + map,
        .keep = plan->keep + map,
        .open = plan->open + map,
        .pitch = field->pitch,
    };
    for (; span < end; span++) {
        const size_t first = span->first, stop = first + span->count;
        const VALUE before_first = row.next[first], before_last = row.next[stop - 1];
        if (plan->fetch_ahead) {
            for (size_t x = first; x < stop; x += FETCH_CELLS) {
                ROW(fetch)(&row, span, x);
                ROW(step_cells)
                (&row, span, plan->membranes, x, stop - x < FETCH_CELLS ? stop - x : FETCH_CELLS);
            }
        } else {
            ROW(step_cells)(&row, span, plan->membranes, first, span->count);
        }
        if (span->patch_first) ROW(patch)(&row, first, &before_first);
        if (span->patch_last) ROW(patch)(&row, stop - 1, &before_last);
    }
}

/* The strips' part of row y: the field first, then the auxiliary fields whose faces have both
 * sides at the new time. */
ROW_INLINE void ROW(step_strips)(const struct et__wave_plan *plan, struct et__wave_field *field,
                                 size_t y)
{
    const struct et__wave_pml *pml = &plan->pml;
    const size_t pitch = field->pitch, lanes = field->lanes;
    struct segment segments[2];
    size_t n = cut_strips(plan, y, segments);
    for (size_t s = 0; s < n; s++) {
        size_t first = segments[s].first, count = segments[s].count;
        const VALUE *u = (const VALUE *)(field->now + et__wave_at(field, first, y));
        VALUE *next = (VALUE *)(field->previous + et__wave_at(field, first, y));
        size_t map = (y + 1) * plan->pitch + plan->left + first;
        VALUE *phi_x = (VALUE *)(field->phi_x + segments[s].phi_x * lanes);
        VALUE *phi_below = (VALUE *)(field->phi_y + segments[s].phi_below * lanes);
        VALUE *phi_above = (VALUE *)(field->phi_y + segments[s].phi_above * lanes);
        ROW(strip)
        (u, u - pitch, u + pitch, next, plan->gain + map, plan->keep + map, plan->open + map, phi_x,
         phi_below, phi_above, count);
        ROW(phi_x)
        (u, next, phi_x, pml->x_decay + first, pml->x_rate + first, pml->x_pull + first,
         pml->y_sigma[y], count);
        if (y > 0) ROW(phi_y)
        (u, u - pitch, next, next - pitch, phi_below, pml->y_decay[y], pml->y_rate[y],
         pml->y_pull[y], pml->x_sigma + first, count);
    }
}

ROW_INLINE void ROW(step_all)(const struct et__wave_plan *plan, struct et__wave_field *field)
{
    for (size_t y = 0; y < plan->ny; y++) {
        ROW(step_spans)(plan, field, y);
        if (plan->has_pml) ROW(step_strips)(plan, field, y);
    }
}
