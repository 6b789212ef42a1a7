/* SPDX-License-Identifier: Apache-2.0 */
#include "pml_reflection.h"

#include "sim/kernels/wave.h"

#include <etalon/array.h>

#include <math.h>

static const double courant = 0.65, cells_per_wave = 20;

struct path {
    size_t distance, apart; /* cells: to the layer, between source and microphone */
    size_t steps;
};

static const struct path paths[] = {
    [ET__PML_NEAR_NORMAL] = {.distance = 30, .apart = 10, .steps = 330},
    [ET__PML_GRAZING] = {.distance = 15, .apart = 150, .steps = 420},
};

static double ricker(double step)
{
    double frequency = courant / cells_per_wave; /* per step */
    double phase = M_PI * frequency * (step - 1.2 / frequency);
    return (1 - 2 * phase * phase) * exp(-phase * phase);
}

/* Homogeneous grid of nx x ny cells with a layer at its right. */
static enum et_status make_plan(size_t nx, size_t ny, size_t cells, double residual,
                                struct et__wave_plan *plan)
{
    enum et_status status = ET_NOMEM;
    double *beta = et_alloc(nx * ny, sizeof *beta), *courant2 = et_alloc(nx * ny, sizeof *courant2);
    if (beta && courant2) {
        for (size_t i = 0; i < nx * ny; i++)
            courant2[i] = courant * courant;
        struct et__wave_medium medium = {
            .nx = nx,
            .ny = ny,
            .courant2 = courant2,
            .beta = beta,
            .strip = {[ET__WAVE_RIGHT] = cells},
            .pml_courant = courant,
            .pml_reflection = {residual, residual, residual, residual}};
        status = et__wave_plan_create(plan, &medium);
    }
    et_free(beta);
    et_free(courant2);
    return status;
}

/* trace [steps] of the microphone; `interior` cells lie left of the layer. */
static enum et_status record(const struct path *path, size_t interior, size_t cells,
                             double residual, size_t column, float *trace)
{
    size_t margin = (size_t)(courant * (double)path->steps) / 2 + 20; /* nothing comes back */
    size_t ny = 2 * margin + path->apart;
    struct et__wave_plan plan = {0};
    struct et__wave_field field = {0};
    enum et_status status = make_plan(interior + cells, ny, cells, residual, &plan);
    if (status == ET_OK) status = et__wave_field_create(&field, &plan, 1);
    if (status == ET_OK) {
        for (size_t step = 0; step < path->steps; step++) {
            et__wave_step(&plan, &field);
            float *u = field.now;
            u[et__wave_at(&field, column, margin)] +=
                (float)(courant * courant * ricker((double)step));
            trace[step] = u[et__wave_at(&field, column, margin + path->apart)];
        }
    }
    et__wave_field_destroy(&field);
    et__wave_plan_destroy(&plan);
    return status;
}

enum et_status et__pml_reflection(enum et__pml_path which, size_t cells, double residual,
                                  double *decibel)
{
    const struct path *path = &paths[which];
    size_t margin = (size_t)(courant * (double)path->steps) / 2 + 20, column = margin;
    size_t interior = column + 1 + path->distance;
    struct et_array traces = {0};
    ET_TRY(et_array_create(&traces, 2, path->steps));
    float *open = traces.data, *layered = traces.data + path->steps;
    enum et_status status = record(path, column + margin, 0, residual, column, open);
    if (status == ET_OK) status = record(path, interior, cells, residual, column, layered);
    double difference = 0, largest = 0;
    for (size_t i = 0; i < path->steps; i++) {
        difference = fmax(difference, fabs((double)layered[i] - (double)open[i]));
        largest = fmax(largest, fabs((double)open[i]));
    }
    *decibel = 20 * log10(difference / largest);
    et_array_destroy(&traces);
    return status;
}
