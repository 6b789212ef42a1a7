/* SPDX-License-Identifier: Apache-2.0
 *
 * A grid with a field, for the tests of the wave kernel. */
#ifndef ETALON_TESTS_WAVE_RIG_H
#define ETALON_TESTS_WAVE_RIG_H

#include "close.h"
#include "sim/kernels/wave.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Fill the maps, then start. */
struct rig {
    size_t nx, ny, lanes;
    enum et__wave_precision precision;
    int order;
    double *courant2, *beta;
    uint16_t *membrane;
    struct et__wave_membrane membranes[1];
    size_t strip[ET__WAVE_SIDES];
    double residual;
    struct et__wave_plan plan;
    struct et__wave_field field;
};

static inline struct rig rig_make(size_t nx, size_t ny, double courant)
{
    struct rig rig = {.nx = nx, .ny = ny, .lanes = 1, .order = 2, .residual = 1e-6};
    rig.courant2 = calloc(nx * ny, sizeof(double));
    rig.beta = calloc(nx * ny, sizeof(double));
    rig.membrane = calloc(nx * ny, sizeof(uint16_t));
    ck_assert(rig.courant2 && rig.beta && rig.membrane);
    for (size_t i = 0; i < nx * ny; i++)
        rig.courant2[i] = courant * courant;
    return rig;
}

static inline void rig_start(struct rig *rig, size_t lanes)
{
    struct et__wave_medium medium = {.precision = rig->precision,
                                     .order = rig->order,
                                     .nx = rig->nx,
                                     .ny = rig->ny,
                                     .courant2 = rig->courant2,
                                     .beta = rig->beta,
                                     .membrane = rig->membrane,
                                     .membranes = rig->membranes,
                                     .n_membranes = 1,
                                     .pml_courant = sqrt((double)(float)rig->courant2[0])};
    for (size_t side = 0; side < ET__WAVE_SIDES; side++) {
        medium.strip[side] = rig->strip[side];
        medium.pml_reflection[side] = rig->residual;
    }
    rig->lanes = lanes;
    assert_ok(et__wave_plan_create(&rig->plan, &medium));
    assert_ok(et__wave_field_create(&rig->field, &rig->plan, lanes));
}

static inline void rig_end(struct rig *rig)
{
    et__wave_field_destroy(&rig->field);
    et__wave_plan_destroy(&rig->plan);
    free(rig->courant2);
    free(rig->beta);
    free(rig->membrane);
}

static inline void rig_steps(struct rig *rig, size_t n)
{
    for (size_t i = 0; i < n; i++)
        et__wave_step(&rig->plan, &rig->field);
}

/* Lane 0 of a cell, now and before; single precision. */
static inline float *rig_now(struct rig *rig, size_t x, size_t y)
{
    return (float *)rig->field.now + et__wave_at(&rig->field, x, y);
}

static inline float *rig_before(struct rig *rig, size_t x, size_t y)
{
    return (float *)rig->field.previous + et__wave_at(&rig->field, x, y);
}

static inline int rig_open(const struct rig *rig, size_t x, size_t y)
{
    return x < rig->nx && y < rig->ny && rig->courant2[y * rig->nx + x] > 0;
}

/* Change of a cell's lane at both times, in any precision. */
static inline void rig_set(struct rig *rig, size_t x, size_t y, size_t lane, double now,
                           double before)
{
    size_t at = et__wave_at(&rig->field, x, y) + lane;
    et__wave_put(rig->precision, rig->field.now, at, now);
    et__wave_put(rig->precision, rig->field.previous, at, before);
}

/* A number in [-1, 1) for a cell, the same in every run. */
static inline float rig_random(size_t i)
{
    uint64_t z = (uint64_t)(i + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (float)(z >> 40) / 8388608.0F - 1.0F;
}

#endif
