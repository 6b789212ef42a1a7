/* SPDX-License-Identifier: Apache-2.0
 *
 * Stochastic differential equations against exact solutions along the same Brownian path. */
#include "physics.h"

#include "sim/kernels/sde.h"

#include <etalon/array.h>
#include <etalon/rng.h>
#include <etalon/system.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { PATHS = 4000, FEW = 500, OUTPUTS_MAX = 2 };

/* Paths of the given system, input 0: y [paths][n_out]. */
static enum et_status run(const char *yaml, size_t paths, float *y, size_t n_out)
{
    static float x[PATHS];
    struct et_system *system = NULL;
    struct et_step step = {.seed = 5};
    ET_TRY(et_system_open_text(yaml, 1, &system));
    enum et_status status =
        et_system_forward(system, &step, et_view_of(x, paths, 1), et_view_of(y, paths, n_out));
    et_system_close(system);
    return status;
}

/* The mean distance between the paths of two refinements of the last output. */
static enum et_status distance(const char *system, const char *scheme, int coarse, int fine,
                               size_t n_out, double *mean)
{
    static float y[2][FEW * OUTPUTS_MAX];
    const int refine[2] = {coarse, fine};
    for (size_t k = 0; k < 2; k++) {
        char yaml[512];
        snprintf(yaml, sizeof yaml, "{type: sde, scheme: %s, refine: %d, %s}", scheme, refine[k],
                 system);
        ET_TRY(run(yaml, FEW, y[k], n_out));
    }
    *mean = 0;
    for (size_t i = n_out - 1; i < FEW * n_out; i += n_out)
        *mean += fabs((double)y[0][i] - (double)y[1][i]) / FEW;
    return ET_OK;
}

/* |order of convergence - want| between steps of 2^-3 and 2^-6 of the coarse one. */
static enum et_status order(const char *system, const char *scheme, size_t n_out, double want,
                            double *error)
{
    double far, near;
    ET_TRY(distance(system, scheme, 2, 9, n_out, &far));
    ET_TRY(distance(system, scheme, 5, 9, n_out, &near));
    *error = fabs(log2(far / near) / 3 - want);
    return ET_OK;
}

/* ------------------------------------------------------------------------------ strong order -- */

/* Geometric: dX = a X dt + b X o dW has X = exp(a t + b W) along each path: the output is the
 * difference to it. */
static const char geometric[] = "variables: [{name: x, initial: 1, rate: 0.3*x, noise: [0.6*x]}, "
                                "{name: w, rate: 0, noise: [1]}], "
                                "outputs: [\"x - exp(0.3*t + 0.6*w)\"], dt: 0.25";

static enum et_status geometric_error(const char *scheme, int refine, double *mean)
{
    static float y[FEW];
    char yaml[512];
    snprintf(yaml, sizeof yaml, "{type: sde, scheme: %s, refine: %d, %s}", scheme, refine,
             geometric);
    ET_TRY(run(yaml, FEW, y, 1));
    *mean = 0;
    for (size_t i = 0; i < FEW; i++)
        *mean += fabs((double)y[i]) / FEW;
    return ET_OK;
}

static enum et_status geometric_order(const char *scheme, double *error)
{
    double far, near;
    ET_TRY(geometric_error(scheme, 2, &far));
    ET_TRY(geometric_error(scheme, 6, &near));
    *error = fabs(log2(far / near) / 4 - 1);
    return ET_OK;
}

static enum et_status heun_one_source(double *error)
{
    return geometric_order("heun", error);
}

static enum et_status reversible_one_source(double *error)
{
    return geometric_order("reversible-heun", error);
}

/* A double well with additive noise. */
static const char well[] =
    "variables: [{name: x, initial: 0.5, rate: x - x^3, noise: [0.5]}], dt: 0.25, duration: 1";

static enum et_status heun_additive(double *error)
{
    return order(well, "heun", 1, 1, error);
}

static enum et_status reversible_additive(double *error)
{
    return order(well, "reversible-heun", 1, 1, error);
}

/* dX = dW_0, dY = X o dW_1: the order is limited by the area that the path sweeps. */
static enum et_status heun_two_sources(double *error)
{
    return order("variables: [{name: x, rate: 0, noise: [1]}, {name: y, rate: 0, noise: [0, x]}], "
                 "dt: 0.25",
                 "heun", 2, 0.5, error);
}

/* -------------------------------------------------------------------------------- the path -- */

static enum et_status same_path(double *error)
{
    return distance("variables: [{name: w, rate: 0, noise: [1]}], dt: 0.25", "heun", 0, 8, 1,
                    error);
}

/* In the sense of Stratonovich the mean of the geometric process is exp((a + b^2 / 2) t). */
static enum et_status calculus(double *error)
{
    static float y[PATHS];
    double mean = 0;
    ET_TRY(run("{type: sde, variables: [{name: x, initial: 1, rate: 0.1*x, noise: [0.5*x]}], "
               "dt: 0.02}",
               PATHS, y, 1));
    for (size_t i = 0; i < PATHS; i++)
        mean += (double)y[i] / PATHS;
    *error = fabs(mean / exp(0.1 + 0.125) - 1);
    return ET_OK;
}

/* Ornstein-Uhlenbeck: dX = -theta X dt + sigma dW settles at variance sigma^2 / (2 theta). */
static enum et_status stationary(double *error)
{
    static float y[PATHS];
    double square = 0;
    ET_TRY(run("{type: sde, variables: [{name: x, rate: -2*x, noise: [0.7]}], dt: 0.02, "
               "duration: 5}",
               PATHS, y, 1));
    for (size_t i = 0; i < PATHS; i++)
        square += (double)y[i] * (double)y[i] / PATHS;
    *error = fabs(square / (0.7 * 0.7 / 4) - 1);
    return ET_OK;
}

/* ------------------------------------------------------------------------------ the kernel -- */

static void pendulum(void *user, double t, const double *y, double *f, double *g)
{
    (void)user;
    f[0] = y[1];
    f[1] = -sin(y[0]) + 0.1 * cos(t);
    if (g == NULL) return;
    g[0] = 0;
    g[1] = 0.3 * cos(y[0]);
}

/* A thousand noisy steps, and back to the start. */
static enum et_status undone(double *error)
{
    enum { STEPS = 1000 };
    const struct et__sde sde = {2, 1, pendulum, NULL};
    const double dt = 0.01;
    double y[2] = {1, 0}, work[64];
    float z[STEPS];
    if (et__sde_work(&sde) > sizeof work / sizeof *work) return ET_SHAPE;
    et_rng_fill_normal(1, ET_STREAM_USER, 0, 0, z, STEPS);
    et__sde_begin(&sde, ET__SDE_REVERSIBLE, 0, y, work);
    for (int i = 0; i < STEPS; i++) {
        double dw = sqrt(dt) * (double)z[i];
        et__sde_step(&sde, ET__SDE_REVERSIBLE, i * dt, dt, &dw, y, work);
    }
    for (int i = STEPS; i-- > 0;) {
        double dw = -sqrt(dt) * (double)z[i];
        et__sde_step(&sde, ET__SDE_REVERSIBLE, (i + 1) * dt, -dt, &dw, y, work);
    }
    *error = fmax(fabs(y[0] - 1), fabs(y[1]));
    return ET_OK;
}

/* Without noise: x = cos t after one turn, at two steps. */
static enum et_status runge_kutta(double *error)
{
    float y[2][1];
    const double dt[2] = {0.2, 0.1};
    double off[2];
    for (size_t k = 0; k < 2; k++) {
        char yaml[256];
        snprintf(yaml, sizeof yaml,
                 "{type: sde, variables: [{name: x, initial: 1, rate: v}, {name: v, rate: -x}], "
                 "outputs: [v + sin(t)], duration: 6, dt: %g}",
                 dt[k]);
        ET_TRY(run(yaml, 1, y[k], 1));
        off[k] = fabs((double)y[k][0]);
    }
    *error = fabs(log2(off[0] / off[1]) - 4);
    return ET_OK;
}

const struct et__physics_check et__physics_sde[] = {
    {"sde", "strong order of Heun, one source: 1", "1", 0.1, heun_one_source},
    {"sde", "strong order of Heun, additive noise: 1", "1", 0.1, heun_additive},
    {"sde", "strong order of Heun, two sources that do not commute: 1/2", "1", 0.1,
     heun_two_sources},
    {"sde", "strong order of reversible Heun, one source: 1", "1", 0.1, reversible_one_source},
    {"sde", "strong order of reversible Heun, additive noise: 1", "1", 0.1, reversible_additive},
    {"sde", "reversible Heun: 1000 noisy steps undone", "1", 1e-12, undone},
    {"sde", "order of Runge-Kutta without noise: 4", "1", 0.1, runge_kutta},
    {"sde", "Brownian path at 256 times finer steps: the same", "s^0.5", 1e-6, same_path},
    {"sde", "mean of geometric motion in the sense of Stratonovich", "1", 0.03, calculus},
    {"sde", "Ornstein-Uhlenbeck: variance sigma^2 / (2 theta)", "1", 0.07, stationary},
    {0},
};
