/* SPDX-License-Identifier: Apache-2.0
 *
 * Row updates of the wave kernel.  wave_variants.h includes this file for each instruction set
 * (ROW_TARGET), with VALUE = REAL (one simulation; the compiler vectorises over the cells) and with
 * VALUE = a vector that holds one number per lane, for ORDER 2 and 4 in space.  ROW(name) gives
 * each copy its own names.
 *
 * u      row of now; its neighbours are `pitch` values away
 * next   row of previous: read as u_prev, left as u_next; never overlaps the rows of now
 * GROUP  rows that some kernels take at once: 4 for one simulation, 1 where lanes fill the
 * registers n      cells; gain, keep, open, open_x, open_y have one entry per cell, rows map_pitch
 * apart */

/* Where a cell or a row of cells is in the fields and in the maps. */
struct ROW(place) {
    const VALUE *u;
    VALUE *next;
    const REAL *gain, *keep, *open, *open_x, *open_y;
    ptrdiff_t pitch, map_pitch;
};

/* The place `by` cells further on in the fields, `map_by` in the maps. */
ROW_INLINE struct ROW(place)
    ROW(moved)(const struct ROW(place) * row, ptrdiff_t by, ptrdiff_t map_by)
{
    struct ROW(place) at = *row;
    at.u += by;
    at.next += by;
    at.gain += map_by;
    at.keep += map_by;
    at.open += map_by;
#if ORDER == 4
    at.open_x += map_by;
    at.open_y += map_by;
#endif
    return at;
}

/* The place x cells further along the row, and the place `rows` rows further up. */
ROW_INLINE struct ROW(place) ROW(along)(const struct ROW(place) * row, size_t x)
{
    return ROW(moved)(row, (ptrdiff_t)x, (ptrdiff_t)x);
}

ROW_INLINE struct ROW(place) ROW(above)(const struct ROW(place) * row, size_t rows)
{
    return ROW(moved)(row, (ptrdiff_t)rows * row->pitch, (ptrdiff_t)rows * row->map_pitch);
}

/* h^2 Lap u, (2) or (2') of wave.h, in a cell whose stencil is all open. */
ROW_INLINE VALUE ROW(inner_laplacian)(const VALUE *u, ptrdiff_t pitch)
{
    VALUE near = (u[-pitch] + u[pitch]) + (u[-1] + u[1]), c4 = (REAL)4 * u[0];
#if ORDER == 2
    return near - c4;
#else
    VALUE far = (u[-2 * pitch] + u[2 * pitch]) + (u[-2] + u[2]);
    VALUE narrow = near - c4; /* the correction is small, and so is the rounding of 1/12 */
    return narrow + ((REAL)1 / 12) * ((REAL)4 * narrow - (far - c4));
#endif
}

#if ORDER == 4
/* (Lx - Lx^2 / 12) u or the same of y: `step` and `map_step` lead to the next cell of the axis,
 * open counts its faces.  Lx u is zero in rigid cells, which are those without gain. */
ROW_INLINE VALUE ROW(axis)(const VALUE *u, ptrdiff_t step, const REAL *gain, const REAL *open,
                           ptrdiff_t map_step)
{
    const REAL before = gain[-map_step] > (REAL)0 ? (REAL)1 : (REAL)0;
    const REAL after = gain[map_step] > (REAL)0 ? (REAL)1 : (REAL)0;
    VALUE here = (u[-step] + u[step]) - open[0] * u[0];
    VALUE low = before * ((u[-2 * step] + u[0]) - open[-map_step] * u[-step]);
    VALUE high = after * ((u[0] + u[2 * step]) - open[map_step] * u[step]);
    return here - ((REAL)1 / 12) * ((low + high) - open[0] * here);
}
#endif

/* The same in any cell, minus the strips' corner term. */
ROW_INLINE VALUE ROW(laplacian)(const VALUE *u, const struct ROW(place) * at, size_t x)
{
#if ORDER == 2
    return ((u[-at->pitch] + u[at->pitch]) + (u[-1] + u[1])) - at->open[x] * u[0];
#else
    return (ROW(axis)(u, 1, at->gain + x, at->open_x + x, 1) +
            ROW(axis)(u, at->pitch, at->gain + x, at->open_y + x, at->map_pitch)) -
           at->open[x] * u[0];
#endif
}

/* The plain kinds take GROUP rows at once: a row of u is loaded once for the rows beside it. */
ROW_INLINE void ROW(plain_cells)(const struct ROW(place) * row, size_t first, bool uniform,
                                 const size_t rows, size_t n)
{
    const struct ROW(place) at = ROW(along)(row, first);
    const VALUE *restrict u = at.u;
    VALUE *restrict next = at.next;
    const REAL *restrict gain = at.gain;
    REAL gains[GROUP];
    for (size_t r = 0; r < rows; r++)
        gains[r] = gain[(ptrdiff_t)r * at.map_pitch + (ptrdiff_t)(n / 2)];
    ROW_LOOP
    for (size_t x = 0; x < n; x++) {
#pragma GCC unroll 4
        for (size_t r = 0; r < rows; r++) {
            const ptrdiff_t i = (ptrdiff_t)r * at.pitch + (ptrdiff_t)x;
            const REAL g = uniform ? gains[r] : gain[(ptrdiff_t)r * at.map_pitch + (ptrdiff_t)x];
            VALUE c = u[i], lap = ROW(inner_laplacian)(u + i, at.pitch);
            next[i] = c + ((c - next[i]) + g * lap);
        }
    }
}

ROW_KERNEL void ROW(uniform)(const struct ROW(place) * row, size_t first, size_t n)
{
    ROW(plain_cells)(row, first, true, 1, n);
}

ROW_KERNEL void ROW(speed)(const struct ROW(place) * row, size_t first, size_t n)
{
    ROW(plain_cells)(row, first, false, 1, n);
}

#if GROUP > 1
ROW_KERNEL void ROW(uniform_group)(const struct ROW(place) * row, size_t first, size_t n)
{
    ROW(plain_cells)(row, first, true, GROUP, n);
}

ROW_KERNEL void ROW(speed_group)(const struct ROW(place) * row, size_t first, size_t n)
{
    ROW(plain_cells)(row, first, false, GROUP, n);
}
#endif

ROW_INLINE void ROW(general_cells)(const struct ROW(place) * row, size_t first, size_t n)
{
    const struct ROW(place) at = ROW(along)(row, first);
    const VALUE *restrict u = at.u;
    VALUE *restrict next = at.next;
    ROW_LOOP
    for (size_t x = 0; x < n; x++) {
        VALUE c = u[x], lap = ROW(laplacian)(u + x, &at, x);
        next[x] = c + (at.keep[x] * (c - next[x]) + at.gain[x] * lap);
    }
}

ROW_SHORT ROW_KERNEL void ROW(general_short)(const struct ROW(place) * row, size_t first, size_t n)
{
    ROW(general_cells)(row, first, n);
}

ROW_KERNEL void ROW(general)(const struct ROW(place) * row, size_t first, size_t n)
{
    ROW(general_cells)(row, first, n);
}

/* Equation (4) of wave.h; keep holds beta_wall.  Where `edge` is false every cell has no wall and
 * an open stencil: the terms then vanish at compile time. */
ROW_INLINE void ROW(membrane_cells)(const struct ROW(place) * row, size_t first, bool edge,
                                    const struct et__wave_membrane *membrane, size_t n)
{
    const struct ROW(place) at = ROW(along)(row, first);
    const VALUE *restrict u = at.u;
    VALUE *restrict next = at.next;
    const REAL beta = (REAL)membrane->beta, k = (REAL)membrane->stiffening;
    const REAL inverse_saturation2 = (REAL)membrane->inverse_saturation2;
    ROW_LOOP
    for (size_t x = 0; x < n; x++) {
        VALUE c = u[x];
        VALUE lap = edge ? ROW(laplacian)(u + x, &at, x) : ROW(inner_laplacian)(u + x, at.pitch);
        VALUE v = (c * c) * inverse_saturation2, e = (REAL)1 + v;
        VALUE rest = edge ? e - (e * at.keep[x] + beta) : e - beta;
        VALUE sum = edge ? e + (e * at.keep[x] + beta) : e + beta;
        VALUE push = rest * (c - next[x]) + (at.gain[x] * (e + k * v)) * lap;
        next[x] = c + push / sum;
    }
}

ROW_KERNEL void ROW(membrane)(const struct ROW(place) * row, size_t first,
                              const struct et__wave_membrane *membrane, size_t n)
{
    ROW(membrane_cells)(row, first, false, membrane, n);
}

ROW_KERNEL void ROW(membrane_edge)(const struct ROW(place) * row, size_t first,
                                   const struct et__wave_membrane *membrane, size_t n)
{
    ROW(membrane_cells)(row, first, true, membrane, n);
}

/* Field of a strip; phi_x[x] and phi_x[x + 1] are the faces left and right of cell x. */
ROW_SHORT ROW_KERNEL void ROW(strip)(const struct ROW(place) * place, const VALUE *restrict phi_x,
                                     const VALUE *restrict phi_below,
                                     const VALUE *restrict phi_above, size_t n)
{
    const struct ROW(place) at = *place;
    const VALUE *restrict u = at.u;
    VALUE *restrict next = at.next;
    ROW_LOOP
    for (size_t x = 0; x < n; x++) {
        VALUE c = u[x], lap = ROW(laplacian)(u + x, &at, x);
        VALUE div = (phi_x[x + 1] - phi_x[x]) + (phi_above[x] - phi_below[x]);
        next[x] = c + (at.keep[x] * (c - next[x]) + at.gain[x] * (lap + div));
    }
}

/* Twice the mean over both time levels of the difference across the face before a cell of a strip,
 * the cell before it being in a strip too.  Order 4 takes (1 - Lx / 12) of the differences, of
 * which that of a closed face is zero. */
ROW_INLINE VALUE ROW(slope)(const VALUE *u, const VALUE *next, ptrdiff_t step, const REAL *gain,
                            ptrdiff_t map_step)
{
    VALUE here = (next[0] - next[-step]) + (u[0] - u[-step]);
#if ORDER == 2
    (void)gain;
    (void)map_step;
    return here;
#else
    const REAL before = gain[-2 * map_step] > (REAL)0 ? (REAL)1 : (REAL)0;
    const REAL after = gain[map_step] > (REAL)0 ? (REAL)1 : (REAL)0;
    VALUE low = before * ((next[-step] - next[-2 * step]) + (u[-step] - u[-2 * step]));
    VALUE high = after * ((next[step] - next[0]) + (u[step] - u[0]));
    return here - ((REAL)1 / 12) * ((low + high) - (REAL)2 * here);
#endif
}

/* phi_x on the n - 1 inner faces of a strip's row; entry x of decay, rate, pull is the face left
 * of cell x, sigma_y belongs to the row. */
ROW_SHORT ROW_KERNEL void ROW(phi_x)(const struct ROW(place) * place, VALUE *restrict phi_x,
                                     const REAL *restrict decay, const REAL *restrict rate,
                                     const REAL *restrict pull, REAL sigma_y, size_t n)
{
    const struct ROW(place) at = *place;
    ROW_LOOP
    for (size_t x = 1; x < n; x++) {
        VALUE slope = ROW(slope)(at.u + x, at.next + x, 1, at.gain + x, 1);
        phi_x[x] = decay[x] * phi_x[x] + (sigma_y * rate[x] - pull[x]) * slope;
    }
}

/* phi_y on the faces between a row and the one below it; decay, rate, pull belong to the face. */
ROW_SHORT ROW_KERNEL void ROW(phi_y)(const struct ROW(place) * place, VALUE *restrict phi_y,
                                     REAL decay, REAL rate, REAL pull, const REAL *restrict sigma_x,
                                     size_t n)
{
    const struct ROW(place) at = *place;
    ROW_LOOP
    for (size_t x = 0; x < n; x++) {
        VALUE slope = ROW(slope)(at.u + x, at.next + x, at.pitch, at.gain + x, at.map_pitch);
        phi_y[x] = decay * phi_y[x] + (sigma_x[x] * rate - pull) * slope;
    }
}

/* Cell x of row y. */
ROW_INLINE struct ROW(place) ROW(find)(const struct et__wave_plan *plan,
                                       const struct et__wave_field *field, size_t x, size_t y)
{
    const size_t map = et__wave_map_at(plan, x, y), at = et__wave_at(field, x, y);
    return (struct ROW(place))
    {
        .u = (const VALUE *)((const REAL *)field->now + at),
        .next = (VALUE *)((REAL *)field->previous + at), .gain = (const REAL *)plan->gain + map,
        .keep = (const REAL *)plan->keep + map, .open = (const REAL *)plan->open + map,
#if ORDER == 4
        .open_x = (const REAL *)plan->open_x + map, .open_y = (const REAL *)plan->open_y + map,
#endif
        .pitch = (ptrdiff_t)field->pitch, .map_pitch = (ptrdiff_t)plan->pitch,
    };
}

/* Cells [x, x + n) of a row, all of one kind. */
ROW_INLINE void ROW(step_cells)(const struct ROW(place) * row, const struct et__wave_span *span,
                                const struct et__wave_membrane *membranes, size_t x, size_t n)
{
    switch ((enum et__wave_kind)span->kind) {
    case ET__WAVE_UNIFORM:
        ROW(uniform)(row, x, n);
        break;
    case ET__WAVE_SPEED:
        ROW(speed)(row, x, n);
        break;
    case ET__WAVE_GENERAL:
        if (n < SHORT_CELLS)
            ROW(general_short)(row, x, n);
        else
            ROW(general)(row, x, n);
        break;
    case ET__WAVE_MEMBRANE:
        ROW(membrane)(row, x, membranes + span->membrane, n);
        break;
    case ET__WAVE_MEMBRANE_EDGE:
        ROW(membrane_edge)(row, x, membranes + span->membrane, n);
        break;
    }
}

/* The same in `rows` rows, 1 or GROUP. */
ROW_INLINE void ROW(step_group)(const struct ROW(place) * row, const struct et__wave_span *span,
                                const struct et__wave_membrane *membranes, size_t x, size_t n,
                                size_t rows)
{
    if (rows == 1) {
        ROW(step_cells)(row, span, membranes, x, n);
        return;
    }
#if GROUP > 1
    if (span->kind == ET__WAVE_UNIFORM) {
        ROW(uniform_group)(row, x, n);
        return;
    }
    if (span->kind == ET__WAVE_SPEED) {
        ROW(speed_group)(row, x, n);
        return;
    }
    for (size_t r = 0; r < rows; r++) {
        const struct ROW(place) at = ROW(above)(row, r);
        ROW(step_cells)(&at, span, membranes, x, n);
    }
#endif
}

/* Asks for what the cells FETCH_DISTANCE further on will need from memory: the row above, the
 * previous time level, and the coefficients.  The hardware's own prefetcher starts anew on every
 * page, and five streams of short rows leave it behind. */
ROW_INLINE void ROW(fetch)(const struct ROW(place) * row, const struct et__wave_span *span,
                           size_t x)
{
    const size_t line = 64 / sizeof(REAL);
    for (size_t i = x + FETCH_DISTANCE; i < x + FETCH_DISTANCE + FETCH_CELLS; i += line) {
        __builtin_prefetch(row->u + ORDER / 2 * row->pitch + (ptrdiff_t)i, 0, 3);
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
    VALUE c = row->u[x], lap = ROW(laplacian)(row->u + x, row, x);
    row->next[x] = c + (row->keep[x] * (c - *before) + row->gain[x] * lap);
}

/* The spans of row y, in `rows` rows (1 or GROUP) that are alike; fetched rows come one by one. */
ROW_INLINE void ROW(step_spans)(const struct et__wave_plan *plan,
                                const struct et__wave_field *field, size_t y, size_t rows,
                                bool fetch)
{
    const struct et__wave_span *span = plan->spans + plan->row_spans[y];
    const struct et__wave_span *end = plan->spans + plan->row_spans[y + 1];
    const struct ROW(place) row = ROW(find)(plan, field, 0, y);
    for (; span < end; span++) {
        const size_t first = span->first, last = first + span->count - 1;
        VALUE before_first[GROUP], before_last[GROUP];
        for (size_t r = 0; r < GROUP && r < rows; r++) {
            before_first[r] = row.next[(ptrdiff_t)r * row.pitch + (ptrdiff_t)first];
            before_last[r] = row.next[(ptrdiff_t)r * row.pitch + (ptrdiff_t)last];
        }
        if (fetch) {
            for (size_t x = first; x <= last; x += FETCH_CELLS) {
                const size_t left = last + 1 - x;
                ROW(fetch)(&row, span, x);
                ROW(step_cells)
                (&row, span, plan->membranes, x, left < FETCH_CELLS ? left : FETCH_CELLS);
            }
        } else {
            ROW(step_group)(&row, span, plan->membranes, first, span->count, rows);
        }
        for (size_t r = 0; r < GROUP && r < rows; r++) {
            if (!span->patch_first && !span->patch_last) break;
            const struct ROW(place) patched = ROW(above)(&row, r);
            if (span->patch_first) ROW(patch)(&patched, first, &before_first[r]);
            if (span->patch_last) ROW(patch)(&patched, last, &before_last[r]);
        }
    }
}

/* The strips' cells of row y. */
ROW_INLINE void ROW(step_strips)(const struct et__wave_plan *plan,
                                 const struct et__wave_field *field, size_t y)
{
    struct et__wave_segment segments[2];
    size_t n = et__wave_pml_cut(plan, y, segments);
    for (size_t s = 0; s < n; s++) {
        const struct ROW(place) at = ROW(find)(plan, field, segments[s].first, y);
        const VALUE *phi_x = (const VALUE *)field->phi_x, *phi_y = (const VALUE *)field->phi_y;
        ROW(strip)
        (&at, phi_x + segments[s].phi_x, phi_y + segments[s].phi_below,
         phi_y + segments[s].phi_above, segments[s].count);
    }
}

/* The auxiliary field on the faces inside row y. */
ROW_INLINE void ROW(step_phi_x)(const struct et__wave_plan *plan,
                                const struct et__wave_field *field, size_t y)
{
    const struct et__wave_pml *pml = &plan->pml;
    struct et__wave_segment segments[2];
    size_t n = et__wave_pml_cut(plan, y, segments);
    for (size_t s = 0; s < n; s++) {
        const size_t first = segments[s].first;
        const struct ROW(place) at = ROW(find)(plan, field, first, y);
        ROW(phi_x)
        (&at, (VALUE *)field->phi_x + segments[s].phi_x, (const REAL *)pml->x_decay + first,
         (const REAL *)pml->x_rate + first, (const REAL *)pml->x_pull + first,
         ((const REAL *)pml->y_sigma)[y], segments[s].count);
    }
}

/* The auxiliary field on the faces between the rows y - 1 and y. */
ROW_INLINE void ROW(step_phi_y)(const struct et__wave_plan *plan,
                                const struct et__wave_field *field, size_t y)
{
    const struct et__wave_pml *pml = &plan->pml;
    struct et__wave_segment segments[2];
    size_t n = et__wave_pml_cut(plan, y, segments);
    for (size_t s = 0; s < n; s++) {
        const struct ROW(place) at = ROW(find)(plan, field, segments[s].first, y);
        ROW(phi_y)
        (&at, (VALUE *)field->phi_y + segments[s].phi_below, ((const REAL *)pml->y_decay)[y],
         ((const REAL *)pml->y_rate)[y], ((const REAL *)pml->y_pull)[y],
         (const REAL *)pml->x_sigma + segments[s].first, segments[s].count);
    }
}

/* Sources into row y of the new level, then what is heard there. */
ROW_INLINE void ROW(exchange)(const struct et__wave_plan *plan, const struct et__wave_field *field,
                              const struct et__wave_sweep *sweep, size_t y)
{
    const struct et__wave_ports *ports = sweep->ports;
    VALUE *next = (VALUE *)field->previous;
    for (size_t i = ports->source_rows[y]; sweep->signal && i < ports->source_rows[y + 1]; i++) {
        const struct et__wave_port *port = &ports->sources[i];
        const REAL gain = ((const REAL *)plan->gain)[et__wave_map_at(plan, port->x, y)];
        const VALUE *signal = (const VALUE *)sweep->signal + port->index;
        next[et__wave_at(field, port->x, y) / field->lanes] += gain * *signal;
    }
    if (!sweep->trace) return;
    for (size_t i = ports->probe_rows[y]; i < ports->probe_rows[y + 1]; i++) {
        const struct et__wave_port *port = &ports->probes[i];
        ((VALUE *)sweep->trace)[port->index] = next[et__wave_at(field, port->x, y) / field->lanes];
    }
}

/* Rows from the bottom up; the faces below a row as soon as all rows of their slope are there. */
ROW_TARGET static void ROW(sweep)(const struct et__wave_plan *plan,
                                  const struct et__wave_field *field,
                                  const struct et__wave_sweep *sweep)
{
    const size_t lag = ORDER / 2 - 1;
    size_t y = sweep->first, end = sweep->stop;
    if (sweep->face_first < sweep->face_stop) {
        if (y == end || sweep->face_first + lag < y) y = sweep->face_first + lag;
        if (end < sweep->face_stop + lag) end = sweep->face_stop + lag;
    }
    for (size_t rows; y < end; y += rows) {
        const bool inside = y >= sweep->first && y < sweep->stop;
        const bool together =
            inside && !sweep->fetch && sweep->stop - y >= GROUP && plan->alike[y] >= GROUP;
        rows = 1 + (size_t)together * (GROUP - 1);
        if (inside) {
            ROW(step_spans)(plan, field, y, rows, sweep->fetch);
            for (size_t r = y; plan->has_pml && r < y + rows; r++)
                ROW(step_strips)(plan, field, r);
            for (size_t r = y; sweep->ports && r < y + rows; r++)
                ROW(exchange)(plan, field, sweep, r);
            for (size_t r = y; plan->has_pml && r < y + rows; r++)
                ROW(step_phi_x)(plan, field, r);
        }
        for (size_t r = y; r < y + rows; r++)
            if (r >= sweep->face_first + lag && r < sweep->face_stop + lag)
                ROW(step_phi_y)(plan, field, r - lag);
    }
}
