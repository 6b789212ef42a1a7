/* SPDX-License-Identifier: Apache-2.0
 *
 * Ordinary differential equations against closed forms, an invariant and a published value. */
#include "physics.h"

#include <etalon/array.h>
#include <etalon/system.h>

#include <math.h>
#include <stdio.h>

static enum et_status run(const char *yaml, float *x, size_t n_in, float *y, size_t n_out)
{
    struct et_system *system = NULL;
    struct et_step step = {.seed = 1};
    ET_TRY(et_system_open_text(yaml, 1, &system));
    enum et_status status =
        et_system_forward(system, &step, et_view_of(x, 1, n_in), et_view_of(y, 1, n_out));
    et_system_close(system);
    return status;
}

/* Ten turns of an oscillator, the worst of the three solvers. */
static enum et_status oscillator(double *error)
{
    static const char *const solvers[] = {"bdf", "adams", "explicit"};
    *error = 0;
    for (size_t k = 0; k < 3; k++) {
        char yaml[256];
        float x = 0, y[2];
        snprintf(yaml, sizeof yaml,
                 "{type: ode, variables: [{name: x, initial: 1, rate: v}, {name: v, rate: -x}], "
                 "outputs: [x - cos(t), v + sin(t)], duration: 62.8, relative: 1e-10, "
                 "absolute: 1e-12, solver: %s}",
                 solvers[k]);
        ET_TRY(run(yaml, &x, 1, y, 2));
        *error = fmax(*error, fmax(fabs((double)y[0]), fabs((double)y[1])));
    }
    return ET_OK;
}

/* Predators and prey keep a ln y - b y + c ln x - d x. */
static enum et_status invariant(double *error)
{
    float x = 0, y[20];
    ET_TRY(run("{type: ode, constants: [{name: a, value: 1.1}, {name: b, value: 0.4}, "
               "{name: c, value: 0.4}, {name: d, value: 0.1}], "
               "variables: [{name: x, initial: 10, rate: x*(a - b*y)}, "
               "{name: y, initial: 10, rate: y*(d*x - c)}], "
               "outputs: [\"a*ln(y) - b*y + c*ln(x) - d*x - (a*ln(10) - b*10 + c*ln(10) - "
               "d*10)\"], samples: 20, duration: 100, solver: adams, relative: 1e-9}",
               &x, 1, y, 20));
    *error = 0;
    for (size_t i = 0; i < 20; i++)
        *error = fmax(*error, fabs((double)y[i]));
    return ET_OK;
}

/* Van der Pol's equation with epsilon = 1e-6 at t = 2, the value of the Test Set for IVP Solvers
 * (Mazzia, Magherini 2008), which was computed to 14 digits. */
static enum et_status stiff(double *error)
{
    float x = 0, y[2];
    ET_TRY(run("{type: ode, variables: [{name: y, initial: 2, rate: z}, "
               "{name: z, rate: \"((1 - y^2)*z - y)/1e-6\"}], duration: 2, relative: 1e-9, "
               "absolute: 1e-12}",
               &x, 1, y, 2));
    *error = fmax(fabs((double)y[0] / 1.706167732170483 - 1),
                  fabs((double)y[1] / -0.8928097010247975 - 1));
    return ET_OK;
}

/* A resistor and a capacitor behind a voltage that jumps at the segments:
 * v <- u + (v - u) exp(-T / tau). */
static enum et_status segments(double *error)
{
    float x[3] = {1, -0.5F, 0.25F}, y[6];
    double v = 0;
    ET_TRY(run("{type: ode, constants: [{name: tau, value: 0.3}], "
               "variables: [{name: v, rate: (u0 - v)/tau}], segments: 3, samples: 6, "
               "duration: 0.9, relative: 1e-9, absolute: 1e-12}",
               x, 3, y, 6));
    *error = 0;
    for (size_t i = 0; i < 6; i++) {
        double u = (double)x[i / 2];
        v = u + (v - u) * exp(-0.15 / 0.3);
        *error = fmax(*error, fabs((double)y[i] - v));
    }
    return ET_OK;
}

const struct et__physics_check et__physics_ode[] = {
    {"ode", "ten turns of an oscillator, all solvers", "1", 1e-7, oscillator},
    {"ode", "Lotka-Volterra: invariant over 100 s", "1", 1e-5, invariant},
    {"ode", "Van der Pol, epsilon = 1e-6: published value at t = 2", "1", 1e-6, stiff},
    {"ode", "RC behind jumps of the input: closed form", "V", 1e-7, segments},
    {0},
};
