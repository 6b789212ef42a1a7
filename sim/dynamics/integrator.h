/* SPDX-License-Identifier: Apache-2.0
 *
 * Adaptive integration of ordinary differential equations (by SUNDIALS). */
#ifndef ETALON_SIM_DYNAMICS_INTEGRATOR_H
#define ETALON_SIM_DYNAMICS_INTEGRATOR_H

#include <etalon/error.h>

#include <stddef.h>

/* bdf: backward differentiation of order 1 to 5 for stiff equations; adams: Adams-Moulton of order
 * 1 to 12 (both CVODE, Newton iteration with a dense Jacobian by differences); explicit:
 * Runge-Kutta of order 5 (ARKODE). */
enum et__integrator_kind { ET__INTEGRATOR_BDF, ET__INTEGRATOR_ADAMS, ET__INTEGRATOR_EXPLICIT };

/* dy [n] at (t, y); returns 0, or 1 where there is none (a smaller step is tried). */
typedef int et__integrator_rates(void *user, double t, const double *y, double *dy);

struct et__integrator;

/* One object for each thread.  The error of variable i in a step is kept near
 * relative |y_i| + absolute; `most` steps may be taken after begin.
 * Errors: ET_NOMEM, ET_INVALID (the library refuses). */
enum et_status et__integrator_open(struct et__integrator **integrator,
                                   enum et__integrator_kind kind, size_t n, double relative,
                                   double absolute, size_t most, et__integrator_rates *rates,
                                   void *user) ET_CHECKED;
/* Accepts NULL. */
void et__integrator_close(struct et__integrator *integrator);

/* A pass starts at (t, y); steps are counted from here. */
void et__integrator_begin(struct et__integrator *integrator, double t, const double *y);
/* The equations change at t: the past is forgotten, steps count on. */
void et__integrator_restart(struct et__integrator *integrator, double t);

enum et__integrator_outcome {
    ET__INTEGRATOR_DONE,
    ET__INTEGRATOR_MANY_STEPS, /* `most` */
    ET__INTEGRATOR_NO_RATES,   /* rates had none, whatever the step */
    ET__INTEGRATOR_STUCK       /* steps became too small, or the iteration did not converge */
};

/* Goes on to t_end and does not look beyond `wall` >= t_end, where the equations may change.
 * y [n] there, borrowed until the next call; *t = where it ended. */
enum et__integrator_outcome et__integrator_run(struct et__integrator *integrator, double t_end,
                                               double wall, const double **y, double *t);

#endif
