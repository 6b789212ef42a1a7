/* SPDX-License-Identifier: Apache-2.0
 *
 * The system `diffraction`: its gradients and the noise of its camera. */
#include "physics.h"

#include <etalon/array.h>
#include <etalon/rng.h>
#include <etalon/system.h>

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { INPUTS = 64, OUTPUTS = 64 };

/* Two trained planes and a diffuser; loss = dy . y. */
static const char layered[] =
    "{type: diffraction, layers: [{distance: 4e-3, mask: phase, samples: 4, init: random}, "
    "{distance: 4e-3, mask: diffuser}, {distance: 4e-3, mask: phase, init: random}, "
    "{distance: 4e-3}]}";

static enum et_status loss(struct et_system *system, const float *x, const float *dy, double *value)
{
    float y[OUTPUTS];
    struct et_step step = {0};
    float in[INPUTS];
    memcpy(in, x, sizeof in);
    ET_TRY(et_system_forward(system, &step, et_view_of(in, 1, INPUTS), et_view_of(y, 1, OUTPUTS)));
    *value = 0;
    for (size_t i = 0; i < OUTPUTS; i++)
        *value += (double)dy[i] * (double)y[i];
    return ET_OK;
}

/* The slope of the loss along a random direction, by central differences of step h, and what the
 * gradient says; knobs: of the phases, else of the inputs. */
static enum et_status slopes(struct et_system *system, bool knobs, double *by_difference,
                             double *by_vjp)
{
    const float h = 2e-3F;
    size_t n_knobs = et_system_info(system)->n_knobs, n = knobs ? n_knobs : INPUTS;
    float x[INPUTS], moved[INPUTS], dx[INPUTS], dy[OUTPUTS], *memory;
    struct et_step step = {0};
    double side[2];
    enum et_status status;
    if (!(memory = et_alloc(4 * n_knobs + n, sizeof *memory))) return ET_NOMEM;
    float *dknobs = memory + n_knobs, *there = memory + 2 * n_knobs, *way = memory + 3 * n_knobs;
    et_rng_fill_uniform(5, ET_STREAM_USER, 0, 0, 0.2F, 0.8F, x, INPUTS);
    et_rng_fill_normal(6, ET_STREAM_USER, 0, 0, dy, OUTPUTS);
    et_rng_fill_normal(7, ET_STREAM_USER, 0, 0, way, n);
    status = et_system_get_knobs(system, memory, n_knobs);
    if (status == ET_OK)
        status = et_system_vjp(system, &step, et_view_of(x, 1, INPUTS), et_view_of(dy, 1, OUTPUTS),
                               et_view_of(dx, 1, INPUTS), dknobs);
    for (int s = 0; status == ET_OK && s < 2; s++) {
        float move = s == 0 ? -h : h;
        memcpy(moved, x, sizeof moved);
        memcpy(there, memory, n_knobs * sizeof *there);
        for (size_t i = 0; i < n; i++)
            *(knobs ? &there[i] : &moved[i]) += move * way[i];
        status = et_system_set_knobs(system, there, n_knobs);
        if (status == ET_OK) status = loss(system, moved, dy, &side[s]);
    }
    if (status == ET_OK) status = et_system_set_knobs(system, memory, n_knobs);
    *by_difference = (side[1] - side[0]) / (2 * (double)h);
    *by_vjp = 0;
    for (size_t i = 0; i < n; i++)
        *by_vjp += (double)way[i] * (double)(knobs ? dknobs[i] : dx[i]);
    et_free(memory);
    return status;
}

static enum et_status gradient(double *error, bool knobs)
{
    struct et_system *system;
    double by_difference = NAN, by_vjp = NAN;
    ET_TRY(et_system_open_text(layered, 1, &system));
    enum et_status status = slopes(system, knobs, &by_difference, &by_vjp);
    *error = fabs(by_difference / by_vjp - 1);
    et_system_close(system);
    return status;
}

static enum et_status gradient_inputs(double *error)
{
    return gradient(error, false);
}

static enum et_status gradient_knobs(double *error)
{
    return gradient(error, true);
}

/* Even light on 64 x 64 pixels, 40 pictures: mean and variance of the electrons. */
static enum et_status shot_noise(double *error)
{
    enum { PIXELS = 4096, PICTURES = 40, WELL = 10000 };
    static const double filled[] = {0.05, 0.5};
    struct et_array x = {0}, y = {0};
    enum et_status status = et_array_create(&x, PICTURES, PIXELS);
    if (status == ET_OK) status = et_array_create(&y, PICTURES, PIXELS);
    *error = 0;
    for (size_t p = 0; status == ET_OK && p < sizeof filled / sizeof *filled; p++) {
        struct et_system *system = NULL;
        struct et_step step = {0};
        char text[256];
        double mean = 0, square = 0, n = (double)PIXELS * PICTURES;
        snprintf(text, sizeof text,
                 "{type: diffraction, slm: {nx: 64, ny: 64, samples: 1}, layers: [{}], sensor: "
                 "{binning: 1}, camera: {kind: cmos, full_well: %d, read_noise: 0, bits: 0, "
                 "saturation: %g}}",
                 WELL, 1 / filled[p]);
        status = et_system_open_text(text, 1, &system);
        if (status == ET_OK)
            status = et_system_forward(system, &step, et_array_view(&x), et_array_view(&y));
        for (size_t i = 0; i < (size_t)PIXELS * PICTURES; i++) {
            double electrons = (double)y.data[i] * WELL;
            mean += electrons / n;
            square += electrons * electrons / n;
        }
        *error = fmax(*error, fabs(mean / (filled[p] * WELL) - 1));
        *error = fmax(*error, fabs((square - mean * mean) / mean - 1));
        et_system_close(system);
    }
    et_array_destroy(&x);
    et_array_destroy(&y);
    return status;
}

const struct et__physics_check et__physics_diffraction[] = {
    {"diffraction", "gradient of inputs: central difference", "1", 2e-3, gradient_inputs},
    {"diffraction", "gradient of phases: central difference", "1", 2e-3, gradient_knobs},
    {"diffraction", "shot noise: variance over mean", "1", 2e-2, shot_noise},
    {0},
};
