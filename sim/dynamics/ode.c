/* SPDX-License-Identifier: Apache-2.0
 *
 * Ordinary differential equations as text, integrated with error control: any device whose law is
 * known, dx/dt = f(x, u, t).  One integrator for each thread; a pass starts afresh, so it does not
 * depend on what the thread did before. */
#include "equations.h"
#include "integrator.h"

#include <etalon/array.h>

#include <math.h>

struct worker {
    const struct et__equations *equations;
    struct et__equations_worker *formulas;
    struct et__integrator *integrator;
    size_t bad; /* variable whose rate was not finite last, n_vars = none, and where */
    double bad_rate, bad_t;
};

struct ode {
    struct et__equations equations; /* first: see et__equations_set_knobs */
    enum et__integrator_kind kind;
    size_t most_steps;
    double relative, absolute;
    struct worker *workers; /* [equations.n_workers] */
};

static const struct et_param params[] = {
    ET__EQUATIONS_PARAMS(et__ode_variable_params),
    {.name = "solver",
     .kind = ET_PARAM_CHOICE,
     .initial = "bdf",
     .choices = "bdf|adams|explicit",
     .doc = "bdf: for stiff equations (CVODE); adams: for smooth ones to high accuracy (CVODE); "
            "explicit: Runge-Kutta of order 5 (ARKODE)."},
    {.name = "relative",
     .kind = ET_PARAM_REAL,
     .initial = "1e-6",
     .min = 1e-14,
     .max = 0.1,
     .doc = "Error allowed in a step, relative to each variable."},
    {.name = "absolute",
     .kind = ET_PARAM_REAL,
     .initial = "1e-9",
     .min = 1e-300,
     .max = 1e300,
     .doc = "Error allowed besides, in the unit of the variables."},
    {.name = "max_steps",
     .kind = ET_PARAM_INT,
     .initial = "100000",
     .min = 1,
     .max = 1e12,
     .doc = "Steps that a pass may take."},
    {0},
};

static int rates(void *user, double t, const double *y, double *dy)
{
    struct worker *w = user;
    et__equations_rates(w->equations, w->formulas, t, y, dy, NULL);
    size_t bad = et__equations_not_finite(w->equations, dy);
    if (bad == w->equations->n_vars) return 0;
    w->bad = bad;
    w->bad_rate = dy[bad];
    w->bad_t = t;
    return 1;
}

static enum et_status open_ode(void *state, const struct et_config *config, uint64_t seed)
{
    struct ode *s = state;
    (void)seed; /* the device is what the equations say */
    ET_TRY(et__equations_read(&s->equations, config, false));
    s->relative = et_config_real(config, "relative");
    s->absolute = et_config_real(config, "absolute");
    s->most_steps = (size_t)et_config_int(config, "max_steps");
    s->kind = (enum et__integrator_kind)et_config_choice(config, "solver");
    struct et__equations *e = &s->equations;
    if (!(s->workers = et_alloc(e->n_workers, sizeof *s->workers))) return ET_NOMEM;
    for (size_t i = 0; i < e->n_workers; i++) {
        struct worker *w = &s->workers[i];
        *w = (struct worker){.equations = e, .formulas = &e->worker[i]};
        ET_TRY(et__integrator_open(&w->integrator, s->kind, e->n_vars, s->relative, s->absolute,
                                   s->most_steps, rates, w));
    }
    return ET_OK;
}

static void describe(const void *state, struct et_system_info *info)
{
    const struct ode *s = state;
    et__equations_describe(&s->equations, info);
}

struct batch {
    struct ode *system;
    struct et_view x, y;
};

static void note_failure(struct worker *w, size_t row, enum et__integrator_outcome outcome,
                         double t, const double *y)
{
    struct et__equations_failure failure = {.failed = true, .row = row, .t = t};
    size_t bad = et__equations_not_finite(w->equations, y);
    failure.variable = bad < w->equations->n_vars ? bad : 0;
    failure.value = y[failure.variable];
    failure.kind = outcome == ET__INTEGRATOR_MANY_STEPS ? ET__EQUATIONS_TOO_MANY_STEPS
                   : outcome == ET__INTEGRATOR_DONE     ? ET__EQUATIONS_NOT_FINITE
                   : outcome == ET__INTEGRATOR_NO_RATES ? ET__EQUATIONS_NO_RATE
                                                        : ET__EQUATIONS_STUCK;
    /* Steps that shrink towards a place without a rate may end before they get there. */
    if (w->bad < w->equations->n_vars && fabs(w->bad_t - t) < 1e-3 * w->equations->duration)
        failure.kind = ET__EQUATIONS_NO_RATE;
    if (failure.kind == ET__EQUATIONS_NO_RATE) {
        failure.variable = w->bad;
        failure.value = w->bad_rate;
        failure.t = w->bad_t;
    }
    et__equations_fail(w->formulas, &failure);
}

static void run_sample(void *user, size_t row, size_t worker)
{
    const struct batch *batch = user;
    const struct ode *s = batch->system;
    const struct et__equations *e = &s->equations;
    struct worker *w = &s->workers[worker];
    const float *x = batch->x.data + row * batch->x.stride;
    float *out = batch->y.data + row * batch->y.stride;
    size_t segment = 0;
    w->bad = e->n_vars;
    if (!et__equations_begin(e, w->formulas, row, x)) return;
    et__integrator_begin(w->integrator, 0, w->formulas->y);
    for (size_t sample = 0; sample < e->samples;) {
        double t_end = e->duration * (double)(sample + 1) / (double)e->samples, t = 0;
        double wall = e->duration * (double)(segment + 1) / (double)e->segments;
        /* Whole numbers tell which of the two comes first, or that they fall together. */
        size_t of_sample = (sample + 1) * e->segments, of_segment = (segment + 1) * e->samples;
        const double *y;
        enum et__integrator_outcome outcome =
            et__integrator_run(w->integrator, of_sample < of_segment ? t_end : wall, wall, &y, &t);
        if (outcome != ET__INTEGRATOR_DONE || et__equations_not_finite(e, y) < e->n_vars) {
            note_failure(w, row, outcome, t, y);
            return;
        }
        if (of_sample <= of_segment)
            et__equations_outputs(e, w->formulas, t_end, y, out + sample++ * e->n_outputs);
        if (of_segment <= of_sample && ++segment < e->segments) {
            et__equations_load(e, w->formulas, x, segment);
            et__integrator_restart(w->integrator, wall);
        }
    }
}

static enum et_status report(const struct ode *s, const struct et__equations_failure *f)
{
    const char *name = s->equations.names.name[f->variable];
    switch (f->kind) {
    case ET__EQUATIONS_TOO_MANY_STEPS:
        return et_error_set(ET_NUMERIC,
                            "sample %zu: max_steps = %zu are spent at t = %g s of %g s%s", f->row,
                            s->most_steps, f->t, s->equations.duration,
                            s->kind == ET__INTEGRATOR_BDF ? "" : "; for stiff equations use bdf");
    case ET__EQUATIONS_NO_RATE:
        return et_error_set(ET_NUMERIC, "sample %zu: the rate of %s = %g at t = %g s", f->row, name,
                            f->value, f->t);
    case ET__EQUATIONS_NOT_FINITE:
        return et_error_set(ET_NUMERIC, "sample %zu: %s = %g at t = %g s", f->row, name, f->value,
                            f->t);
    case ET__EQUATIONS_STUCK:
        break;
    }
    return et_error_set(ET_NUMERIC,
                        "sample %zu: no step is small enough at t = %g s for relative "
                        "= %g, absolute = %g, where %s = %g; does the solution end there?",
                        f->row, f->t, s->relative, s->absolute, name, f->value);
}

static enum et_status forward(void *state, const struct et_step *step, struct et_view x,
                              struct et_view y)
{
    struct ode *s = state;
    struct batch batch = {s, x, y};
    struct et__equations_failure first;
    (void)step; /* no noise, no drift */
    bool done = et__equations_run(&s->equations, x.rows, run_sample, &batch, &first);
    return done ? ET_OK : report(s, &first);
}

static void close_ode(void *state)
{
    struct ode *s = state;
    for (size_t i = 0; s->workers && i < s->equations.n_workers; i++)
        et__integrator_close(s->workers[i].integrator);
    et_free(s->workers);
    et__equations_free(&s->equations);
}

const struct et_system_type et_system_ode = {
    .name = "ode",
    .summary = "Ordinary differential equations as text, with error control (stiff or not).",
    .state_size = sizeof(struct ode),
    .params = params,
    .open = open_ode,
    .describe = describe,
    .forward = forward,
    .set_knobs = et__equations_set_knobs,
    .get_knobs = et__equations_get_knobs,
    .close = close_ode,
};
