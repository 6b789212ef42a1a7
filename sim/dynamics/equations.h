/* SPDX-License-Identifier: Apache-2.0
 *
 * A system of differential equations as text: what `ode` and `sde` share.
 *
 * Variables follow dx_i/dt = rate_i, formulas of the variables, of named constants, of the inputs
 * u0, u1, ... and of the time t.  The pass is cut into equal segments; each has its own values of
 * the inputs, constant in it: row x holds u0 .. of the first segment, then those of the second.
 * The outputs are formulas too, read at equal times: row y holds all outputs of the first time,
 * then those of the second; the last time is the end of the pass. */
#ifndef ETALON_SIM_DYNAMICS_EQUATIONS_H
#define ETALON_SIM_DYNAMICS_EQUATIONS_H

#include "formulas.h"

#include <etalon/parallel.h>
#include <etalon/system.h>

#include <stdbool.h>

extern const struct et_param et__ode_variable_params[], et__sde_variable_params[];
extern const struct et_param et__constant_params[];

/* The parameters that both have, for a table. */
/* clang-format off */
#define ET__EQUATIONS_PARAMS(variable_params)                                                          \
    {.name = "variables", .kind = ET_PARAM_RECORDS, .fields = variable_params, .min_count = 1,     \
     .max_count = 1000, .doc = "What changes in time, each with its equation."},                   \
    {.name = "constants", .kind = ET_PARAM_RECORDS, .initial = "[]", .fields = et__constant_params,\
     .max_count = 1000, .doc = "Numbers with a name, for use in the formulas."},                   \
    {.name = "n_in", .kind = ET_PARAM_INT, .initial = "1", .min = 1, .max = 4096,                  \
     .doc = "Inputs, u0, u1, ... in the formulas."},                                               \
    {.name = "input_min", .kind = ET_PARAM_REAL, .initial = "-1", .min = -1e30, .max = 1e30,       \
     .doc = "Smallest legal input."},                                                              \
    {.name = "input_max", .kind = ET_PARAM_REAL, .initial = "1", .min = -1e30, .max = 1e30,        \
     .doc = "Largest legal input."},                                                               \
    {.name = "segments", .kind = ET_PARAM_INT, .initial = "1", .min = 1, .max = 100000,            \
     .doc = "Equal parts of the duration, each with inputs of its own: n_in * segments numbers "   \
            "for a pass."},                                                                        \
    {.name = "outputs", .kind = ET_PARAM_STRINGS, .initial = "[]", .max_count = 4096,              \
     .doc = "Formulas that are read; none = all variables."},                                      \
    {.name = "samples", .kind = ET_PARAM_INT, .initial = "1", .min = 1, .max = 100000,             \
     .doc = "How often they are read, at equal distances; the last time at the end."},             \
    {.name = "duration", .kind = ET_PARAM_REAL, .initial = "1", .min = 1e-18, .max = 1e18,         \
     .unit = "s", .doc = "Time of a pass, from t = 0."}
/* clang-format on */

/* A noise term: formula number n_vars + k of the rates multiplies increment `source` of variable
 * `var`. */
struct et__noise_term {
    size_t var, source;
};

/* A pass of a sample that went wrong. */
struct et__equations_failure {
    bool failed;
    enum et__equations_failure_kind {
        ET__EQUATIONS_NOT_FINITE,     /* a variable */
        ET__EQUATIONS_NO_RATE,        /* the rate of a variable, at any step */
        ET__EQUATIONS_TOO_MANY_STEPS, /* allowed for a pass */
        ET__EQUATIONS_STUCK           /* no step small enough */
    } kind;
    size_t row, variable;
    double t, value, dt, stable_dt;
};

/* What one thread needs to evaluate the formulas, the state of its sample, and what went wrong
 * first among its rows. */
struct et__equations_worker {
    double *slots;
    double *y; /* [n_vars] */
    struct et__formulas rates, initial, outputs;
    struct et__equations_failure failure;
};

/* Numbers lie in slots: variables, constants, inputs, t. */
struct et__equations {
    size_t n_vars, n_constants, n_in, segments, n_outputs, samples;
    struct et__names names; /* of all slots */
    double *constants;
    size_t *knob; /* [n_knobs] constants that are knobs */
    size_t n_knobs;
    size_t n_sources, n_terms;
    struct et__noise_term *terms; /* [n_terms] */
    double duration;
    float input_min, input_max;
    struct et__formula *rates, *initial,
        *outputs; /* borrow from the configuration: while opening */
    struct et__equations_worker *worker;
    size_t n_workers;
};

/* Reads and checks, and opens a worker for each thread; *m zeroed before.  noise: variables have
 * noise terms.  Errors: ET_CONFIG, ET_NOMEM. */
enum et_status et__equations_read(struct et__equations *m, const struct et_config *config,
                                  bool noise) ET_CHECKED;
void et__equations_free(struct et__equations *m);
void et__equations_describe(const struct et__equations *m, struct et_system_info *info);

/* Of a system type whose state begins with its equations. */
enum et_status et__equations_set_knobs(void *state, const float *knobs) ET_CHECKED;
void et__equations_get_knobs(const void *state, float *knobs);

/* Runs body for every row of a batch.  False when a row failed; *first is the one with the smallest
 * number, whatever thread had it. */
bool et__equations_run(struct et__equations *m, size_t rows, et_parallel_body *body, void *batch,
                       struct et__equations_failure *first);
/* Notes a failure of one of the worker's rows. */
void et__equations_fail(struct et__equations_worker *w,
                        const struct et__equations_failure *failure);

/* The start of a row: the inputs of the first segment and the starting values, in w->y.
 * False, and noted, when one of them is not finite. */
bool et__equations_begin(const struct et__equations *m, struct et__equations_worker *w, size_t row,
                         const float *x);
/* Puts constants and the inputs of a segment into the slots. */
void et__equations_load(const struct et__equations *m, struct et__equations_worker *w,
                        const float *x, size_t segment);
/* dy [n_vars], g [n_vars][n_sources] or NULL. */
void et__equations_rates(const struct et__equations *m, struct et__equations_worker *w, double t,
                         const double *y, double *dy, double *g);
void et__equations_outputs(const struct et__equations *m, struct et__equations_worker *w, double t,
                           const double *y, float *out);
/* The first variable that is not finite, n_vars when all are. */
size_t et__equations_not_finite(const struct et__equations *m, const double *y);

#endif
