/* SPDX-License-Identifier: Apache-2.0
 *
 * Loops of the step back.  wave_adjoint.c includes this file for each type: REAL is that of a
 * number, VALUE that of a cell (a number, or a vector with one per lane); ADJOINT(name) gives each
 * copy its own names.  Indices count cells. */

ADJOINT_INLINE void ADJOINT(faces_back)(const struct et__wave_faces *faces, VALUE *phi,
                                        size_t behind, VALUE *restrict next, VALUE *restrict now)
{
    const REAL *decay = faces->decay, *factor = faces->factor;
    for (size_t f = 0; f < faces->n; f++) {
        VALUE *own = phi + faces->phi[f], g = factor[f] * *own;
        size_t cell = faces->cell[f];
        next[cell] += g;
        next[cell - behind] -= g;
        now[cell] += g;
        now[cell - behind] -= g;
        *own = decay[f] * *own;
    }
}

ADJOINT_INLINE void ADJOINT(faces_take)(const struct et__wave_faces *faces, VALUE *phi,
                                        size_t behind, const VALUE *push)
{
    for (size_t f = 0; f < faces->n; f++)
        phi[faces->phi[f]] += push[faces->cell[f] - behind] - push[faces->cell[f]];
}

ADJOINT_INLINE void ADJOINT(linear)(VALUE *restrict next, VALUE *restrict now, VALUE *restrict push,
                                    const REAL *restrict gain, const REAL *restrict keep, size_t n)
{
    for (size_t x = 0; x < n; x++) {
        VALUE owed = next[x], kept = keep[x] * owed;
        push[x] = gain[x] * owed;
        now[x] += owed + kept;
        next[x] = -kept;
    }
}

ADJOINT_INLINE void ADJOINT(membrane)(const VALUE *u, const VALUE *before, size_t pitch,
                                      VALUE *restrict next, VALUE *restrict now,
                                      VALUE *restrict push, const REAL *restrict gain,
                                      const REAL *restrict keep, const REAL *restrict open,
                                      const struct et__wave_membrane *membrane, size_t n)
{
    const REAL one = 1, beta = (REAL)membrane->beta, k = (REAL)membrane->stiffening;
    const REAL scale = (REAL)membrane->inverse_saturation2;
    for (size_t x = 0; x < n; x++) {
        VALUE c = u[x], d = c - before[x];
        VALUE lap = ((u[x - pitch] + u[x + pitch]) + (u[x - 1] + u[x + 1])) - open[x] * c;
        VALUE v = (c * c) * scale, e = one + v, loss = e * keep[x] + beta;
        VALUE part = one / (e + loss), rest = (e - loss) * part, stiff = (e + k * v) * part;
        VALUE ratio = rest * d + (gain[x] * stiff) * lap;
        VALUE bend = ((one - keep[x]) * d + (gain[x] * (one + k)) * lap) - (one + keep[x]) * ratio;
        VALUE owed = next[x], kept = rest * owed;
        push[x] = (gain[x] * stiff) * owed;
        now[x] += (owed + kept) + (((c + c) * scale) * (bend * part)) * owed;
        next[x] = -kept;
    }
}

ADJOINT_INLINE void ADJOINT(spread)(const VALUE *restrict push, size_t pitch, VALUE *restrict now,
                                    const REAL *restrict open, size_t n)
{
    for (size_t x = 0; x < n; x++)
        now[x] +=
            ((push[x - pitch] + push[x + pitch]) + (push[x - 1] + push[x + 1])) - open[x] * push[x];
}

ADJOINT_INLINE void ADJOINT(cells)(const struct et__wave_plan *plan,
                                   const struct et__wave_adjoint *a, const VALUE *u,
                                   const VALUE *before, size_t y)
{
    const struct et__wave_stretch *s = a->stretches + a->row_stretches[y];
    const struct et__wave_stretch *end = a->stretches + a->row_stretches[y + 1];
    for (; s < end; s++) {
        size_t at = (y + a->frame) * a->pitch + a->left + s->first;
        size_t map = et__wave_map_at(plan, s->first, y);
        const REAL *gain = (const REAL *)plan->gain + map, *keep = (const REAL *)plan->keep + map;
        VALUE *next = (VALUE *)a->next + at, *now = (VALUE *)a->now + at;
        VALUE *push = (VALUE *)a->push + at;
        if (s->membrane < 0)
            ADJOINT(linear)(next, now, push, gain, keep, s->count);
        else
            ADJOINT(membrane)
        (u + at, before + at, a->pitch, next, now, push, gain, keep, (const REAL *)plan->open + map,
         plan->membranes + s->membrane, s->count);
    }
}

ADJOINT_INLINE void ADJOINT(spread_row)(const struct et__wave_plan *plan,
                                        const struct et__wave_adjoint *a, size_t y)
{
    const struct et__wave_stretch *s = a->stretches + a->row_stretches[y];
    const struct et__wave_stretch *end = a->stretches + a->row_stretches[y + 1];
    for (; s < end; s++) {
        size_t at = (y + a->frame) * a->pitch + a->left + s->first;
        size_t map = et__wave_map_at(plan, s->first, y);
        ADJOINT(spread)
        ((const VALUE *)a->push + at, a->pitch, (VALUE *)a->now + at,
         (const REAL *)plan->open + map, s->count);
    }
}

ADJOINT_INLINE void ADJOINT(step)(const struct et__wave_plan *plan, struct et__wave_adjoint *a,
                                  const void *u, const void *before)
{
    ADJOINT(faces_back)(&a->x_faces, a->phi_x, 1, a->next, a->now);
    ADJOINT(faces_back)(&a->y_faces, a->phi_y, a->pitch, a->next, a->now);
    for (size_t y = 0; y <= plan->ny; y++) {
        if (y < plan->ny) ADJOINT(cells)(plan, a, u, before, y);
        if (y > 0) ADJOINT(spread_row)(plan, a, y - 1);
    }
    ADJOINT(faces_take)(&a->x_faces, a->phi_x, 1, a->push);
    ADJOINT(faces_take)(&a->y_faces, a->phi_y, a->pitch, a->push);
}

ADJOINT_INLINE void ADJOINT(gain_cells)(const struct et__wave_plan *plan, const VALUE *u,
                                        const VALUE *next, size_t pitch, size_t map,
                                        int32_t membrane, VALUE *restrict dgain, size_t n)
{
    const REAL *open = (const REAL *)plan->open + map, *keep = (const REAL *)plan->keep + map;
    const struct et__wave_membrane *m = membrane < 0 ? NULL : plan->membranes + membrane;
    for (size_t x = 0; x < n; x++) {
        VALUE c = u[x];
        VALUE lap = ((u[x - pitch] + u[x + pitch]) + (u[x - 1] + u[x + 1])) - open[x] * c;
        if (m) {
            VALUE v = (c * c) * (REAL)m->inverse_saturation2, e = (REAL)1 + v;
            lap *= (e + (REAL)m->stiffening * v) / (e + (e * keep[x] + (REAL)m->beta));
        }
        dgain[x] += next[x] * lap;
    }
}

ADJOINT_INLINE void ADJOINT(gain)(const struct et__wave_plan *plan,
                                  const struct et__wave_adjoint *a, const void *u, size_t x,
                                  size_t y, size_t nx, size_t ny, void *dgain)
{
    for (size_t row = y; row < y + ny; row++) {
        const struct et__wave_stretch *s = a->stretches + a->row_stretches[row];
        const struct et__wave_stretch *end = a->stretches + a->row_stretches[row + 1];
        for (; s < end; s++) {
            size_t first = s->first > x ? s->first : x, stop = s->first + s->count;
            if (stop > x + nx) stop = x + nx;
            if (first >= stop) continue;
            size_t at = (row + a->frame) * a->pitch + a->left + first;
            ADJOINT(gain_cells)
            (plan, (const VALUE *)u + at, (const VALUE *)a->next + at, a->pitch,
             et__wave_map_at(plan, first, row), s->membrane,
             (VALUE *)dgain + (row - y) * nx + (first - x), stop - first);
        }
    }
}
