/* SPDX-License-Identifier: Apache-2.0
 *
 * Fixed steps of stochastic differential equations in the sense of Stratonovich,
 *     dy = f(t, y) dt + g(t, y) o dW,   y [n], W [sources], g [n][sources].
 *
 * Runge-Kutta 4 (no noise):  order 4.
 * Heun:  Y = y + f dt + g dW;  y' = y + (f + f(Y)) dt / 2 + (g + g(Y)) dW / 2.
 *     Strong order 1 when the columns of g commute (one source, diagonal or additive noise),
 *     otherwise 1/2; two evaluations for each step; |1 + z + z^2 / 2| < 1 for stability, z = dt
 *     times the rate of decay with its sign: up to 2 over the rate.
 * Reversible Heun (Kidger et al. 2021):  z' = 2 y - z + f(z) dt + g(z) dW;
 *     y' = y + (f(z) + f(z')) dt / 2 + (g(z) + g(z')) dW / 2,  z = y at the start.
 *     Strong order 1/2, 1 for additive noise and, measured, for one source; one evaluation for each
 *     step, and the step can be undone: y and z of before follow from those of after.  Its region
 *     of stability is the segment from -i to i: where the system decays, small differences between
 *     y and z grow, and they do so sooner with a larger step.  Not for dissipative systems over
 *     long times. */
#ifndef ETALON_SIM_KERNELS_SDE_H
#define ETALON_SIM_KERNELS_SDE_H

#include <stddef.h>

/* f [n] and g [n][sources] at (t, y); g is NULL when there are no sources. */
struct et__sde {
    size_t n, sources;
    void (*rates)(void *user, double t, const double *y, double *f, double *g);
    void *user;
};

enum et__sde_scheme { ET__SDE_RK4, ET__SDE_HEUN, ET__SDE_REVERSIBLE };

/* Numbers of scratch that a step needs; the reversible scheme's second state z and its rates are
 * kept there between steps. */
size_t et__sde_work(const struct et__sde *sde);

/* Before the first step of a path from (t, y). */
void et__sde_begin(const struct et__sde *sde, enum et__sde_scheme scheme, double t, const double *y,
                   double *work);
/* The inputs of the rates have changed: the reversible scheme evaluates them again at its z. */
void et__sde_refresh(const struct et__sde *sde, enum et__sde_scheme scheme, double t, double *work);
/* y at t becomes y at t + dt; dw [sources].  dt < 0 with ET__SDE_REVERSIBLE undoes the step that
 * ended at t, given that step's dw with the opposite sign. */
void et__sde_step(const struct et__sde *sde, enum et__sde_scheme scheme, double t, double dt,
                  const double *dw, double *y, double *work);

#endif
