/* SPDX-License-Identifier: Apache-2.0
 *
 * A grid of the wave kernel with its field, for the checks of physics.  Lengths are in cells, times
 * in steps. */
#ifndef ETALON_BENCH_WAVE_TANK_H
#define ETALON_BENCH_WAVE_TANK_H

#include "sim/kernels/wave.h"

#include <etalon/array.h>

/* Fill the maps, then start; free it also after a failure. */
struct tank {
    size_t nx, ny;
    struct et__wave_medium medium;
    struct et__wave_membrane membrane;
    double *courant2, *beta;
    uint16_t *membranes;
    struct et__wave_plan plan;
    struct et__wave_field field;
};

static inline enum et_status make_tank(struct tank *t, size_t nx, size_t ny, double courant,
                                       int order, enum et__wave_precision precision)
{
    *t = (struct tank){.nx = nx, .ny = ny};
    t->medium.order = order;
    t->medium.precision = precision;
    t->medium.pml_courant = courant;
    if (!(t->courant2 = et_alloc(nx * ny, sizeof *t->courant2))) return ET_NOMEM;
    if (!(t->beta = et_alloc(nx * ny, sizeof *t->beta))) return ET_NOMEM;
    if (!(t->membranes = et_alloc(nx * ny, sizeof *t->membranes))) return ET_NOMEM;
    for (size_t i = 0; i < nx * ny; i++)
        t->courant2[i] =
            precision == ET__WAVE_SINGLE ? (double)(float)(courant * courant) : courant * courant;
    return ET_OK;
}

static inline enum et_status start_tank(struct tank *t)
{
    t->medium.nx = t->nx;
    t->medium.ny = t->ny;
    t->medium.courant2 = t->courant2;
    t->medium.beta = t->beta;
    t->medium.membrane = t->membranes;
    t->medium.membranes = &t->membrane;
    t->medium.n_membranes = 1;
    ET_TRY(et__wave_plan_create(&t->plan, &t->medium));
    return et__wave_field_create(&t->field, &t->plan, 1);
}

static inline void free_tank(struct tank *t)
{
    et__wave_field_destroy(&t->field);
    et__wave_plan_destroy(&t->plan);
    et_free(t->courant2);
    et_free(t->beta);
    et_free(t->membranes);
}

static inline double now(const struct tank *t, size_t x, size_t y)
{
    return et__wave_get(t->plan.precision, t->field.now, et__wave_at(&t->field, x, y));
}

static inline double before(const struct tank *t, size_t x, size_t y)
{
    return et__wave_get(t->plan.precision, t->field.previous, et__wave_at(&t->field, x, y));
}

static inline void set(struct tank *t, size_t x, size_t y, double u, double u_before)
{
    size_t at = et__wave_at(&t->field, x, y);
    et__wave_put(t->plan.precision, t->field.now, at, u);
    et__wave_put(t->plan.precision, t->field.previous, at, u_before);
}

static inline void add(struct tank *t, size_t x, size_t y, double u)
{
    size_t at = et__wave_at(&t->field, x, y);
    et__wave_put(t->plan.precision, t->field.now, at, now(t, x, y) + u);
}

static inline void advance(struct tank *t, size_t steps)
{
    et__wave_run(&t->plan, &t->field, NULL, steps, NULL, NULL);
}

#endif
