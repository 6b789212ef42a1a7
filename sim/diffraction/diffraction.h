/* SPDX-License-Identifier: Apache-2.0
 *
 * Parts of the diffraction system that its files share.  Every plane has the same window of
 * ny x nx samples; sample i of n lies at (i - (n - 1) / 2) dx from the axis. */
#ifndef ETALON_SIM_DIFFRACTION_H
#define ETALON_SIM_DIFFRACTION_H

#include "kernels/angular.h"
#include "kernels/camera.h"

#include <etalon/system.h>

#define ET__LIGHT_SPEED 299792458.0 /* m/s */

/* The modulator: nx x ny pixels of `samples` x `samples` samples in the middle of the window. */
struct et__modulator {
    size_t nx, ny, samples;
    size_t left, bottom;      /* first sample */
    bool phase;               /* else amplitude */
    float range;              /* rad of x = 1 */
    float gap;                /* amplitude of the light from between the pixels */
    float levels;             /* steps of x: 2^bits - 1; 0 = none */
    float *cover;             /* [samples] share of a sample, along one axis, that is pixel */
    float *light_x, *light_y; /* [nx samples], [ny samples]: illumination = product */
};

enum et__mask_kind {
    ET__MASK_NONE,
    ET__MASK_PHASE,
    ET__MASK_DIFFUSER,
    ET__MASK_LENS,
    ET__MASK_APERTURE
};

/* A stretch of space and what stands at its end. */
struct et__plane {
    double distance; /* m before it */
    struct et__transfer transfer;
    enum et__mask_kind kind;
    float complex *mask; /* [ny][nx] NULL for none */
    /* Phase planes and diffusers: pixels of `samples` x `samples`, nothing passes beside them. */
    size_t nx, ny, samples, left, bottom;
    float step;   /* rad between two levels; 0 = any phase */
    float *phase; /* [ny][nx] rad: knobs */
};

struct et__sensor {
    size_t n_out;
    size_t nx, ny, binning, left, bottom; /* pixels; nx = 0: regions */
    size_t (*regions)[4];                 /* [n_out] x, y, width, height in samples */
};

struct et__diffraction_worker {
    float complex *field;   /* [ny][pitch] */
    float complex *scratch; /* [py][BLOCK] */
    float complex *kept;    /* [n_trained][ny][nx] fields behind trained planes */
    float *weight;          /* [ny][nx] */
    float *intensity;       /* [n_out] */
    float complex *pixel;   /* [slm.nx] what a row of pixels does to the light */
};

struct et__diffraction {
    struct et__angular angular;
    double wavelength, dx, edge;
    bool band_limit;
    struct et__modulator slm;
    struct et__plane *planes;
    size_t n_planes, n_trained, n_knobs;
    struct et__sensor sensor;
    struct et__camera camera;
    double length, latency_s, energy_J;
    uint64_t seed;
    struct et__diffraction_worker *workers;
    size_t n_workers;
    float *gradients; /* [GROUP][n_knobs] of single samples */
    const struct et_observer *observer;
    struct et_observer observed;
    size_t looks;
    struct et__transfer look; /* to a place between planes */
    struct et_view frame;     /* [ny][nx] intensity */
};

extern const struct et_param et__diffraction_params[];

/* ------------------------------------------------------------------------- planes.c: opening -- */

/* Reads window, modulator and planes; checks that the samples resolve what the light does.
 * Errors: ET_CONFIG with the value and the limit, ET_NOMEM. */
enum et_status et__diffraction_read(struct et__diffraction *d,
                                    const struct et_config *config) ET_CHECKED;
/* Pixels of samples x samples samples in the middle of the window, x first: n of them as the
 * parameters nx and ny say, where 0 = as many as cover the window; first sample.
 * what    "a mask", for messages
 * size    name of the parameter that `samples` is from
 * Errors: ET_CONFIG. */
enum et_status et__diffraction_fit(const struct et__diffraction *d, const struct et_config *config,
                                   const char *what, const char *size, size_t samples, size_t n[2],
                                   size_t first[2]) ET_CHECKED;
/* Fills the mask of a phase plane from its phases. */
void et__plane_apply_phases(const struct et__diffraction *d, struct et__plane *plane);

/* ------------------------------------------------------------------------ modulator.c: input -- */

enum et_status et__modulator_read(struct et__diffraction *d,
                                  const struct et_config *config) ET_CHECKED;
/* The field behind the modulator at pixels x [ny][nx]; dark beside it. */
void et__modulator_shine(const struct et__diffraction *d, struct et__diffraction_worker *w,
                         const float *x);
/* dx [ny][nx] from g = dL/dE*: rounding to levels counts as none. */
void et__modulator_back(const struct et__diffraction *d, struct et__diffraction_worker *w,
                        const float *x, float *dx);

/* -------------------------------------------------------------------------- sensor.c: output -- */

enum et_status et__sensor_read(struct et__diffraction *d,
                               const struct et_config *config) ET_CHECKED;
/* Mean intensity on each pixel or region, [n_out]. */
void et__sensor_collect(const struct et__diffraction *d, const float complex *field,
                        float *intensity);
/* field (in: E at the camera, out: dL/dE*) from the intensities' dL/dI [n_out]; weight [ny][nx] is
 * a workspace. */
void et__sensor_back(const struct et__diffraction *d, const float *dintensity, float *weight,
                     float complex *field);

#endif
