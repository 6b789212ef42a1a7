/* SPDX-License-Identifier: Apache-2.0
 *
 * Stochastic differential equations as text, dX = f dt + g o dW in the sense of Stratonovich, in
 * fixed steps (kernels/sde.h).  An equation in the sense of Ito has to be given with the drift
 * f_i - 1/2 sum_jk g_jk dg_ik/dx_j.
 *
 * The Brownian increments (kernels/brownian.h) are a function of run, device, pass, sample and
 * place in time: `refine` halves the steps on the same path. */
#include "equations.h"

#include "kernels/brownian.h"
#include "kernels/sde.h"

#include <etalon/array.h>
#include <etalon/rng.h>

#include <math.h>

enum scheme_choice { AUTOMATIC, RK4, HEUN, REVERSIBLE };
static const double largest_steps = 1e9;

struct worker {
    const struct et__equations *model;
    struct et__equations_worker *formulas;
    struct et__sde sde;
    double *work;  /* as the scheme needs */
    double *dw;    /* [2^refine][n_sources] */
    float *normal; /* [n_sources] */
};

struct sde {
    struct et__equations model; /* first: see et__equations_set_knobs */
    enum et__sde_scheme scheme;
    size_t steps; /* coarse ones in the duration */
    unsigned refine;
    uint64_t seed;
    struct worker *workers; /* [model.n_workers] */
};

static const struct et_param params[] = {
    ET__EQUATIONS_PARAMS(et__sde_variable_params),
    {.name = "dt",
     .kind = ET_PARAM_REAL,
     .initial = "0.01",
     .min = 1e-24,
     .max = 1e18,
     .unit = "s",
     .doc = "Time step, shortened so that segments and samples end with a step."},
    {.name = "refine",
     .kind = ET_PARAM_INT,
     .initial = "0",
     .min = 0,
     .max = 12,
     .doc = "Halves every step so often, on the same Brownian path."},
    {.name = "scheme",
     .kind = ET_PARAM_CHOICE,
     .initial = "auto",
     .choices = "auto|rk4|heun|reversible-heun",
     .doc = "auto: Heun where there is noise, Runge-Kutta 4 where there is none.  reversible-heun "
            "is half the work but unstable over long times where the system decays."},
    {0},
};

static void rates(void *user, double t, const double *y, double *f, double *g)
{
    struct worker *w = user;
    et__equations_rates(w->model, w->formulas, t, y, f, g);
}

static size_t common_divisor(size_t a, size_t b)
{
    return b == 0 ? a : common_divisor(b, a % b);
}

static enum et_status read_scheme(struct sde *s, const struct et_config *config)
{
    size_t choice = et_config_choice(config, "scheme");
    bool noise = s->model.n_sources > 0;
    if (choice == RK4 && noise)
        return et_config_error(config, "scheme",
                               "rk4 takes no noise, and there are %zu noise terms; use heun",
                               s->model.n_terms);
    s->scheme = choice == REVERSIBLE      ? ET__SDE_REVERSIBLE
                : choice == HEUN || noise ? ET__SDE_HEUN
                                          : ET__SDE_RK4;
    double dt = et_config_real(config, "dt"), duration = s->model.duration;
    size_t a = s->model.samples, b = s->model.segments, every = a / common_divisor(a, b) * b;
    s->refine = (unsigned)et_config_int(config, "refine");
    double steps = ceil(duration / dt / (double)every * (1 - 1e-12)) * (double)every;
    steps = fmax(steps, (double)every);
    if (steps * (double)(1U << s->refine) > largest_steps)
        return et_config_error(config, "dt",
                               "dt = %g s makes %.3g steps of duration = %g s, at "
                               "most %g are possible",
                               dt / (double)(1U << s->refine), steps * (double)(1U << s->refine),
                               duration, largest_steps);
    s->steps = (size_t)steps;
    return ET_OK;
}

static enum et_status open_worker(struct sde *s, size_t i)
{
    struct worker *w = &s->workers[i];
    struct et__equations *m = &s->model;
    w->model = m;
    w->formulas = &m->worker[i];
    w->sde = (struct et__sde){m->n_vars, m->n_sources, rates, w};
    if (!(w->work = et_alloc(et__sde_work(&w->sde), sizeof *w->work))) return ET_NOMEM;
    if (!(w->dw = et_alloc(m->n_sources << s->refine, sizeof *w->dw))) return ET_NOMEM;
    if (!(w->normal = et_alloc(m->n_sources, sizeof *w->normal))) return ET_NOMEM;
    return ET_OK;
}

static enum et_status open_sde(void *state, const struct et_config *config, uint64_t seed)
{
    struct sde *s = state;
    s->seed = seed;
    ET_TRY(et__equations_read(&s->model, config, true));
    ET_TRY(read_scheme(s, config));
    if (!(s->workers = et_alloc(s->model.n_workers, sizeof *s->workers))) return ET_NOMEM;
    for (size_t i = 0; i < s->model.n_workers; i++)
        ET_TRY(open_worker(s, i));
    return ET_OK;
}

static void describe(const void *state, struct et_system_info *info)
{
    const struct sde *s = state;
    et__equations_describe(&s->model, info);
    if (s->model.n_sources > 0) info->traits |= ET_NOISY;
}

/* ----------------------------------------------------------------------------------- a pass -- */

/* A step that looks stable at the start of the pass: 2 over the size of the largest eigenvalue of
 * df/dy there, by power iteration on differences.  0 = nothing can be said.  Leaves the sample's
 * inputs as they are and overwrites the state: only for passes that have failed. */
static double stable_step(const struct sde *s, struct worker *w, size_t row, const float *x)
{
    enum { ROUNDS = 20 };
    const struct et__equations *m = &s->model;
    size_t n = m->n_vars;
    double *start = w->formulas->y, *direction = w->work, *f0 = direction + n, *f = f0 + n,
           *at = f + n, rate = 0;
    if (!et__equations_begin(m, w->formulas, row, x)) return 0;
    et__equations_rates(m, w->formulas, 0, start, f0, NULL);
    for (size_t i = 0; i < n; i++)
        direction[i] = 1 + 0.1 * (double)i; /* no symmetry that an eigenvector could avoid */
    for (size_t round = 0; round < ROUNDS; round++) {
        double size = 0, length = 0;
        for (size_t i = 0; i < n; i++) {
            size += start[i] * start[i];
            length += direction[i] * direction[i];
        }
        double small = 1e-7 * (1 + sqrt(size)) / sqrt(length), rise = 0;
        for (size_t i = 0; i < n; i++)
            at[i] = start[i] + small * direction[i];
        et__equations_rates(m, w->formulas, 0, at, f, NULL);
        for (size_t i = 0; i < n; i++) {
            direction[i] = (f[i] - f0[i]) / small;
            rise += direction[i] * direction[i];
        }
        rate = sqrt(rise / length);
        if (!(rise > 0) || !isfinite(rise)) return 0;
    }
    return 2 / rate;
}

struct batch {
    struct sde *system;
    const struct et_step *step;
    struct et_view x, y;
};

/* Notes that the step that ended at t left the numbers behind. */
static void note_failure(const struct sde *s, struct worker *w, size_t row, const float *x,
                         double t, double dt)
{
    const double *y = w->formulas->y;
    size_t bad = et__equations_not_finite(&s->model, y);
    struct et__equations_failure failure = {.failed = true,
                                            .kind = ET__EQUATIONS_NOT_FINITE,
                                            .row = row,
                                            .variable = bad,
                                            .t = t,
                                            .value = y[bad],
                                            .dt = dt};
    failure.stable_dt = stable_step(s, w, row, x);
    et__equations_fail(w->formulas, &failure);
}

static void run_sample(void *user, size_t row, size_t worker)
{
    const struct batch *batch = user;
    const struct sde *s = batch->system;
    const struct et__equations *m = &s->model;
    struct worker *w = &s->workers[worker];
    const float *x = batch->x.data + row * batch->x.stride;
    float *out = batch->y.data + row * batch->y.stride;
    double *y = w->formulas->y;
    uint64_t run = et_rng_derive(batch->step->seed, s->seed);
    uint64_t seed = et_rng_derive(run, et_step_sample(batch->step, row));
    size_t parts = (size_t)1 << s->refine;
    double coarse = m->duration / (double)s->steps, dt = coarse / (double)parts;
    if (!et__equations_begin(m, w->formulas, row, x)) return;
    et__sde_begin(&w->sde, s->scheme, 0, y, w->work);
    for (size_t i = 0; i < s->steps; i++) {
        size_t per_segment = s->steps / m->segments, per_sample = s->steps / m->samples;
        double t = (double)i * coarse;
        if (i > 0 && i % per_segment == 0) {
            et__equations_load(m, w->formulas, x, i / per_segment);
            et__sde_refresh(&w->sde, s->scheme, t, w->work);
        }
        if (m->n_sources > 0)
            et__brownian(seed, batch->step->index, m->n_sources, i, s->refine, coarse, w->dw,
                         w->normal);
        for (size_t k = 0; k < parts; k++) {
            et__sde_step(&w->sde, s->scheme, t + (double)k * dt, dt, w->dw + k * m->n_sources, y,
                         w->work);
            if (et__equations_not_finite(m, y) < m->n_vars) {
                note_failure(s, w, row, x, t + (double)(k + 1) * dt, dt);
                return;
            }
        }
        if ((i + 1) % per_sample == 0)
            et__equations_outputs(m, w->formulas, t + coarse, y,
                                  out + (i / per_sample) * m->n_outputs);
    }
}

static enum et_status report(const struct sde *s, const struct et__equations_failure *f)
{
    const char *name = s->model.names.name[f->variable];
    if (f->t <= 0)
        return et_error_set(ET_NUMERIC, "sample %zu: %s = %g at t = 0 s", f->row, name, f->value);
    const char *advice = f->stable_dt > 0 && f->stable_dt < f->dt
                             ? "steps up to this look stable at the start"
                             : "not the step: the equations may grow without limit; 2 over their "
                               "rate at the start";
    if (f->stable_dt > 0)
        return et_error_set(ET_NUMERIC,
                            "sample %zu: %s = %g at t = %g s with dt = %g s (%s: "
                            "%.3g s)",
                            f->row, name, f->value, f->t, f->dt, advice, f->stable_dt);
    return et_error_set(ET_NUMERIC, "sample %zu: %s = %g at t = %g s with dt = %g s", f->row, name,
                        f->value, f->t, f->dt);
}

static enum et_status forward(void *state, const struct et_step *step, struct et_view x,
                              struct et_view y)
{
    struct sde *s = state;
    struct batch batch = {s, step, x, y};
    struct et__equations_failure first;
    bool done = et__equations_run(&s->model, x.rows, run_sample, &batch, &first);
    return done ? ET_OK : report(s, &first);
}

static void close_sde(void *state)
{
    struct sde *s = state;
    for (size_t i = 0; s->workers && i < s->model.n_workers; i++) {
        struct worker *w = &s->workers[i];
        et_free(w->work);
        et_free(w->dw);
        et_free(w->normal);
    }
    et_free(s->workers);
    et__equations_free(&s->model);
}

const struct et_system_type et_system_sde = {
    .name = "sde",
    .summary = "Stochastic differential equations as text (Stratonovich), in fixed steps.",
    .state_size = sizeof(struct sde),
    .params = params,
    .open = open_sde,
    .describe = describe,
    .forward = forward,
    .set_knobs = et__equations_set_knobs,
    .get_knobs = et__equations_get_knobs,
    .close = close_sde,
};
