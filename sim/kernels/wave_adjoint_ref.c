/* SPDX-License-Identifier: Apache-2.0
 *
 * The step back as the plain transpose: cell by cell, what forward reads with a factor is owed that
 * factor.  No order of rows, no gathering; sums in double. */
#include "wave_adjoint.h"

static double get(const struct et__wave_adjoint *a, const void *array, size_t i)
{
    return et__wave_get(a->precision, array, i);
}

static void set(const struct et__wave_adjoint *a, void *array, size_t i, double value)
{
    et__wave_put(a->precision, array, i, value);
}

static void add(const struct et__wave_adjoint *a, void *array, size_t i, double value)
{
    set(a, array, i, get(a, array, i) + value);
}

/* Index of lane 0 of a cell in the fields. */
static size_t cell_at(const struct et__wave_adjoint *a, size_t x, size_t y)
{
    return ((y + a->frame) * a->pitch + a->left + x) * a->lanes;
}

static bool in_strip(const struct et__wave_plan *plan, size_t x, size_t y)
{
    return plan->has_pml && et__wave_pml_has(&plan->pml, plan->nx, plan->ny, x, y);
}

/* Auxiliary fields on the faces left of (axis 0) and below (axis 1) a cell of a strip. */
static size_t face(const struct et__wave_plan *plan, size_t axis, size_t x, size_t y)
{
    struct et__wave_segment segments[2];
    size_t n = et__wave_pml_cut(plan, y, segments), s = 0;
    while (s + 1 < n && x >= segments[s].first + segments[s].count)
        s++;
    return (axis == 0 ? segments[s].phi_x : segments[s].phi_below) + x - segments[s].first;
}

/* phi' = decay phi + factor (next - next behind + u - u behind). */
static void face_back(struct et__wave_adjoint *a, void *phi, size_t at, size_t behind, size_t own,
                      double decay, double factor)
{
    double owed = get(a, phi, own);
    add(a, a->next, at, factor * owed);
    add(a, a->next, at - behind, -factor * owed);
    add(a, a->now, at, factor * owed);
    add(a, a->now, at - behind, -factor * owed);
    set(a, phi, own, decay * owed);
}

static void faces_back(const struct et__wave_plan *plan, struct et__wave_adjoint *a, size_t x,
                       size_t y, size_t lane)
{
    const struct et__wave_pml *p = &plan->pml;
    size_t at = cell_at(a, x, y) + lane;
    if (!in_strip(plan, x, y)) return;
    if (x > 0 && in_strip(plan, x - 1, y))
        face_back(a, a->phi_x, at, a->lanes, face(plan, 0, x, y) * a->lanes + lane,
                  get(a, p->x_decay, x),
                  get(a, p->y_sigma, y) * get(a, p->x_rate, x) - get(a, p->x_pull, x));
    if (y > 0 && in_strip(plan, x, y - 1))
        face_back(a, a->phi_y, at, a->pitch * a->lanes, face(plan, 1, x, y) * a->lanes + lane,
                  get(a, p->y_decay, y),
                  get(a, p->x_sigma, x) * get(a, p->y_rate, y) - get(a, p->y_pull, y));
}

/* Derivatives of next by u (but not by way of L), by before, and by L. */
struct slopes {
    double u, before, laplacian;
};

static struct slopes slopes_of(const struct et__wave_plan *plan, const struct et__wave_adjoint *a,
                               const struct et__wave_membrane *m, const void *u, const void *before,
                               size_t at, size_t map)
{
    size_t column = a->lanes, row = a->pitch * a->lanes;
    double gain = get(a, plan->gain, map), keep = get(a, plan->keep, map);
    if (!m) return (struct slopes){1 + keep, -keep, gain};
    double c = get(a, u, at), d = c - get(a, before, at);
    double lap = get(a, u, at - row) + get(a, u, at + row) + get(a, u, at - column) +
                 get(a, u, at + column) - get(a, plan->open, map) * c;
    double scale = m->inverse_saturation2, k = m->stiffening;
    double v = c * c * scale, e = 1 + v, loss = e * keep + m->beta;
    double above = (e - loss) * d + gain * (e + k * v) * lap, below = e + loss;
    double above_v = (1 - keep) * d + gain * (1 + k) * lap, below_v = 1 + keep;
    double by_v = (above_v * below - above * below_v) / (below * below);
    return (struct slopes){1 + (e - loss) / below + by_v * 2 * c * scale, -(e - loss) / below,
                           gain * (e + k * v) / below};
}

static void cell_back(const struct et__wave_plan *plan, struct et__wave_adjoint *a,
                      const struct et__wave_membrane *m, const void *u, const void *before,
                      size_t x, size_t y, size_t lane)
{
    size_t column = a->lanes, row = a->pitch * a->lanes;
    size_t at = cell_at(a, x, y) + lane;
    size_t map = et__wave_map_at(plan, x, y);
    struct slopes s = slopes_of(plan, a, m, u, before, at, map);
    double owed = get(a, a->next, at), push = s.laplacian * owed;
    const size_t neighbours[] = {at - column, at + column, at - row, at + row};
    const size_t maps[] = {map - 1, map + 1, map - plan->pitch, map + plan->pitch};
    add(a, a->now, at, s.u * owed - get(a, plan->open, map) * push);
    set(a, a->next, at, s.before * owed);
    for (size_t i = 0; i < 4; i++) /* rigid cells and the frame stay at rest */
        if (get(a, plan->gain, maps[i]) > 0) add(a, a->now, neighbours[i], push);
    if (!in_strip(plan, x, y)) return;
    if (x + 1 < plan->nx && in_strip(plan, x + 1, y))
        add(a, a->phi_x, face(plan, 0, x + 1, y) * a->lanes + lane, push);
    if (x > 0 && in_strip(plan, x - 1, y))
        add(a, a->phi_x, face(plan, 0, x, y) * a->lanes + lane, -push);
    if (y + 1 < plan->ny && in_strip(plan, x, y + 1))
        add(a, a->phi_y, face(plan, 1, x, y + 1) * a->lanes + lane, push);
    if (y > 0 && in_strip(plan, x, y - 1))
        add(a, a->phi_y, face(plan, 1, x, y) * a->lanes + lane, -push);
}

static void row_back(const struct et__wave_plan *plan, struct et__wave_adjoint *a, const void *u,
                     const void *before, size_t y, size_t lane)
{
    for (size_t s = a->row_stretches[y]; s < a->row_stretches[y + 1]; s++) {
        const struct et__wave_stretch *stretch = &a->stretches[s];
        const struct et__wave_membrane *m =
            stretch->membrane < 0 ? NULL : &plan->membranes[stretch->membrane];
        for (size_t x = stretch->first; x < stretch->first + stretch->count; x++)
            cell_back(plan, a, m, u, before, x, y, lane);
    }
}

void et__wave_adjoint_step_reference(const struct et__wave_plan *plan, struct et__wave_adjoint *a,
                                     const void *u, const void *before)
{
    for (size_t lane = 0; lane < a->lanes; lane++) {
        for (size_t y = 0; y < plan->ny && plan->has_pml; y++)
            for (size_t x = 0; x < plan->nx; x++)
                faces_back(plan, a, x, y, lane);
        for (size_t y = 0; y < plan->ny; y++)
            row_back(plan, a, u, before, y, lane);
    }
    void *now = a->now;
    a->now = a->next;
    a->next = now;
}
