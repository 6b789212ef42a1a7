/* SPDX-License-Identifier: Apache-2.0
 *
 * One time step backwards; wave_adjoint.h derives it.  Rows from the bottom up: a row's cells
 * first, then what the row below it collects from its neighbours, so that all stays in the cache.
 */
#include "wave_adjoint.h"

#include "flush.h"

#include <etalon/array.h>

#include <assert.h>
#include <string.h>

static size_t number_size(const struct et__wave_adjoint *a)
{
    return et__wave_real(a->precision);
}

static double coefficient(const struct et__wave_adjoint *a, const void *array, size_t i)
{
    return et__wave_get(a->precision, array, i);
}

static bool in_strip(const struct et__wave_plan *plan, size_t x, size_t y)
{
    return plan->has_pml && et__wave_pml_has(&plan->pml, plan->nx, plan->ny, x, y);
}

/* -1 linear, 0 ... membranes, -2 rigid. */
static int32_t kind_of(const struct et__wave_plan *plan, size_t x, size_t y)
{
    if (in_strip(plan, x, y)) return -1;
    for (size_t s = plan->row_spans[y]; s < plan->row_spans[y + 1]; s++) {
        const struct et__wave_span *span = &plan->spans[s];
        if (x < span->first || x >= span->first + span->count) continue;
        return span->kind >= ET__WAVE_MEMBRANE ? (int32_t)span->membrane : -1;
    }
    return -2;
}

/* Cuts row y into stretches of one kind; returns their number.  stretches may be NULL. */
static size_t cut_row(const struct et__wave_plan *plan, size_t y,
                      struct et__wave_stretch *stretches)
{
    size_t n = 0;
    for (size_t x = 0, end; x < plan->nx; x = end) {
        int32_t kind = kind_of(plan, x, y);
        for (end = x + 1; end < plan->nx && kind_of(plan, end, y) == kind;)
            end++;
        if (kind == -2) continue;
        if (stretches)
            stretches[n] = (struct et__wave_stretch){(uint32_t)x, (uint32_t)(end - x), kind};
        n++;
    }
    return n;
}

static enum et_status cut_rows(struct et__wave_adjoint *a, const struct et__wave_plan *plan)
{
    if (!(a->row_stretches = et_alloc(plan->ny + 1, sizeof *a->row_stretches))) return ET_NOMEM;
    for (size_t y = 0; y < plan->ny; y++)
        a->row_stretches[y + 1] = a->row_stretches[y] + cut_row(plan, y, NULL);
    a->stretches = et_alloc(a->row_stretches[plan->ny], sizeof *a->stretches);
    if (!a->stretches) return ET_NOMEM;
    for (size_t y = 0; y < plan->ny; y++)
        cut_row(plan, y, a->stretches + a->row_stretches[y]);
    return ET_OK;
}

static enum et_status make_faces(const struct et__wave_adjoint *a, struct et__wave_faces *faces,
                                 size_t room)
{
    faces->phi = et_alloc(room, sizeof *faces->phi);
    faces->cell = et_alloc(room, sizeof *faces->cell);
    faces->decay = et_alloc(room, number_size(a));
    faces->factor = et_alloc(room, number_size(a));
    return faces->phi && faces->cell && faces->decay && faces->factor ? ET_OK : ET_NOMEM;
}

static void add_face(const struct et__wave_adjoint *a, struct et__wave_faces *faces, size_t phi,
                     size_t cell, double decay, double factor)
{
    faces->phi[faces->n] = (uint32_t)phi;
    faces->cell[faces->n] = (uint32_t)cell;
    et__wave_put(a->precision, faces->decay, faces->n, decay);
    et__wave_put(a->precision, faces->factor, faces->n, factor);
    faces->n++;
}

/* The faces of cell x of a segment of row y that forward advances: those towards other cells of the
 * strips, to the left and below. */
static void add_faces(struct et__wave_adjoint *a, const struct et__wave_plan *plan,
                      const struct et__wave_segment *segment, size_t x, size_t y)
{
    const struct et__wave_pml *pml = &plan->pml;
    size_t cell = (y + a->frame) * a->pitch + a->left + x, place = x - segment->first;
    if (place > 0)
        add_face(a, &a->x_faces, segment->phi_x + place, cell, coefficient(a, pml->x_decay, x),
                 coefficient(a, pml->y_sigma, y) * coefficient(a, pml->x_rate, x) -
                     coefficient(a, pml->x_pull, x));
    if (y > 0 && in_strip(plan, x, y - 1))
        add_face(a, &a->y_faces, segment->phi_below + place, cell, coefficient(a, pml->y_decay, y),
                 coefficient(a, pml->x_sigma, x) * coefficient(a, pml->y_rate, y) -
                     coefficient(a, pml->y_pull, y));
}

static enum et_status find_faces(struct et__wave_adjoint *a, const struct et__wave_plan *plan)
{
    ET_TRY(make_faces(a, &a->x_faces, plan->pml.n_phi_x));
    ET_TRY(make_faces(a, &a->y_faces, plan->pml.n_phi_y));
    for (size_t y = 0; y < plan->ny; y++) {
        struct et__wave_segment segments[2];
        size_t n = et__wave_pml_cut(plan, y, segments);
        for (size_t s = 0; s < n; s++)
            for (size_t k = 0; k < segments[s].count; k++)
                add_faces(a, plan, &segments[s], segments[s].first + k, y);
    }
    return ET_OK;
}

enum et_status et__wave_adjoint_create(struct et__wave_adjoint *a, const struct et__wave_plan *plan,
                                       const struct et__wave_field *like)
{
    assert(plan->order == 2);
    a->precision = plan->precision;
    a->lanes = like->lanes;
    a->pitch = like->pitch;
    a->left = like->left;
    a->frame = like->frame;
    a->size = like->size;
    a->n_phi_x = like->n_phi_x;
    a->n_phi_y = like->n_phi_y;
    if (!(a->next = et_alloc(a->size, number_size(a)))) return ET_NOMEM;
    if (!(a->now = et_alloc(a->size, number_size(a)))) return ET_NOMEM;
    if (!(a->push = et_alloc(a->size, number_size(a)))) return ET_NOMEM;
    if (!(a->phi_x = et_alloc(a->n_phi_x, number_size(a)))) return ET_NOMEM;
    if (!(a->phi_y = et_alloc(a->n_phi_y, number_size(a)))) return ET_NOMEM;
    ET_TRY(cut_rows(a, plan));
    return plan->has_pml ? find_faces(a, plan) : ET_OK;
}

static void free_faces(struct et__wave_faces *faces)
{
    et_free(faces->phi);
    et_free(faces->cell);
    et_free(faces->decay);
    et_free(faces->factor);
}

void et__wave_adjoint_destroy(struct et__wave_adjoint *a)
{
    et_free(a->next);
    et_free(a->now);
    et_free(a->push);
    et_free(a->phi_x);
    et_free(a->phi_y);
    et_free(a->stretches);
    et_free(a->row_stretches);
    free_faces(&a->x_faces);
    free_faces(&a->y_faces);
    *a = (struct et__wave_adjoint){0};
}

void et__wave_adjoint_clear(struct et__wave_adjoint *a)
{
    memset(a->next, 0, a->size * number_size(a));
    memset(a->now, 0, a->size * number_size(a));
    memset(a->push, 0, a->size * number_size(a));
    memset(a->phi_x, 0, a->n_phi_x * number_size(a));
    memset(a->phi_y, 0, a->n_phi_y * number_size(a));
}

#define ADJOINT_INLINE static inline __attribute__((always_inline))

/* One number per lane; no stricter alignment than a number's, for the compiler's sake only. */
typedef float lanes_float
    __attribute__((vector_size(ET__WAVE_LANES * sizeof(float)), aligned(4), may_alias));
typedef double lanes_double
    __attribute__((vector_size(ET__WAVE_LANES * sizeof(double)), aligned(8), may_alias));

#define REAL          float
#define VALUE         float
#define ADJOINT(name) one_float_##name
#include "wave_adjoint_rows.h"
#undef VALUE
#undef ADJOINT
#define VALUE         lanes_float
#define ADJOINT(name) lanes_float_##name
#include "wave_adjoint_rows.h"
#undef REAL
#undef VALUE
#undef ADJOINT
#define REAL          double
#define VALUE         double
#define ADJOINT(name) one_double_##name
#include "wave_adjoint_rows.h"
#undef VALUE
#undef ADJOINT
#define VALUE         lanes_double
#define ADJOINT(name) lanes_double_##name
#include "wave_adjoint_rows.h"

/* The variant for the number of lanes and the type of the numbers. */
#define DISPATCH(a, name, ...)                                                                     \
    do {                                                                                           \
        bool wide = (a)->precision == ET__WAVE_DOUBLE;                                             \
        if (wide && (a)->lanes == 1)                                                               \
            one_double_##name(__VA_ARGS__);                                                        \
        else if (wide)                                                                             \
            lanes_double_##name(__VA_ARGS__);                                                      \
        else if ((a)->lanes == 1)                                                                  \
            one_float_##name(__VA_ARGS__);                                                         \
        else                                                                                       \
            lanes_float_##name(__VA_ARGS__);                                                       \
    } while (0)

ET_VECTOR_CLONES static void step_back(const struct et__wave_plan *plan, struct et__wave_adjoint *a,
                                       const void *u, const void *before)
{
    DISPATCH(a, step, plan, a, u, before);
}

void et__wave_adjoint_step(const struct et__wave_plan *plan, struct et__wave_adjoint *a,
                           const void *u, const void *before)
{
    uint64_t mode = flush_begin();
    step_back(plan, a, u, before);
    flush_end(mode);
    void *now = a->now;
    a->now = a->next;
    a->next = now;
}

ET_VECTOR_CLONES static void add_gain(const struct et__wave_plan *plan,
                                      const struct et__wave_adjoint *a, const void *u, size_t x,
                                      size_t y, size_t nx, size_t ny, void *dgain)
{
    DISPATCH(a, gain, plan, a, u, x, y, nx, ny, dgain);
}

void et__wave_adjoint_gain(const struct et__wave_plan *plan, const struct et__wave_adjoint *a,
                           const void *u, size_t x, size_t y, size_t nx, size_t ny, void *dgain)
{
    uint64_t mode = flush_begin();
    add_gain(plan, a, u, x, y, nx, ny, dgain);
    flush_end(mode);
}
