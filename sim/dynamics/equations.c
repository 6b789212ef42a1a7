/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading and evaluating systems of equations. */
#include "equations.h"

#include <etalon/array.h>

#include <ctype.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
#define VARIABLE_PARAMS                                                                            \
    {.name = "name", .kind = ET_PARAM_STRING, .doc = "Letters, digits and _."},                    \
    {.name = "initial", .kind = ET_PARAM_STRING, .initial = "0",                                   \
     .doc = "Value at t = 0, a number or a formula of constants and the first inputs."},           \
    {.name = "rate", .kind = ET_PARAM_STRING,                                                      \
     .doc = "d/dt of it, a formula of variables, constants, inputs and t."}

const struct et_param et__ode_variable_params[] = {VARIABLE_PARAMS, {0}};
const struct et_param et__sde_variable_params[] = {
    VARIABLE_PARAMS,
    {.name = "noise", .kind = ET_PARAM_STRINGS, .initial = "[]", .max_count = 1000,
     .doc = "Formulas: entry k multiplies the increments of Brownian motion k, which all variables "
            "share (Stratonovich)."},
    {0},
};
const struct et_param et__constant_params[] = {
    {.name = "name", .kind = ET_PARAM_STRING, .doc = "Letters, digits and _."},
    {.name = "value", .kind = ET_PARAM_REAL, .min = -1e300, .max = 1e300, .doc = "Its value."},
    {.name = "tunable", .kind = ET_PARAM_BOOL, .initial = "false", .doc = "Make it a knob."},
    {0},
};
/* clang-format on */

/* ------------------------------------------------------------------------------------ names -- */

static bool is_reserved(const char *name)
{
    if (strcmp(name, "t") == 0) return true;
    if (name[0] == 'u' && name[1] != '\0' && strspn(name + 1, "0123456789") == strlen(name + 1))
        return true;
    for (size_t i = 0; et__formula_functions[i] != NULL; i++)
        if (strcmp(et__formula_functions[i], name) == 0) return true;
    return false;
}

static enum et_status add_name(struct et__names *names, const char *name)
{
    if (!(names->name[names->n] = et_strdup(name))) return ET_NOMEM;
    names->n++;
    return ET_OK;
}

/* Adds the name that a record gives. */
static enum et_status read_name(struct et__names *names, const struct et_config *record)
{
    const char *name = et_config_string(record, "name");
    bool legal = isalpha((unsigned char)name[0]) || name[0] == '_';
    for (size_t i = 0; name[i] != '\0'; i++)
        legal = legal && (isalnum((unsigned char)name[i]) || name[i] == '_');
    if (!legal || strlen(name) > 60)
        return et_config_error(record, "name",
                               "'%s' is no name: a letter, then letters, digits "
                               "and _, at most 60",
                               name);
    if (is_reserved(name))
        return et_config_error(record, "name", "'%s' has a meaning of its own in formulas", name);
    for (size_t i = 0; i < names->n; i++)
        if (strcmp(names->name[i], name) == 0)
            return et_config_error(record, "name", "the name '%s' is used twice", name);
    return add_name(names, name);
}

static enum et_status read_names(struct et__equations *m, const struct et_config *config)
{
    size_t n = m->n_vars + m->n_constants + m->n_in + 1;
    if (!(m->names.name = et_alloc(n, sizeof *m->names.name))) return ET_NOMEM;
    for (size_t i = 0; i < m->n_vars; i++)
        ET_TRY(read_name(&m->names, et_config_at(config, "variables", i)));
    for (size_t i = 0; i < m->n_constants; i++)
        ET_TRY(read_name(&m->names, et_config_at(config, "constants", i)));
    for (size_t i = 0; i < m->n_in; i++) {
        char name[24];
        snprintf(name, sizeof name, "u%zu", i);
        ET_TRY(add_name(&m->names, name));
    }
    return add_name(&m->names, "t");
}

/* --------------------------------------------------------------------------------- formulas -- */

static enum et_status read_variables(struct et__equations *m, const struct et_config *config,
                                     bool noise)
{
    for (size_t i = 0; noise && i < m->n_vars; i++) {
        size_t n = et_config_count(et_config_at(config, "variables", i), "noise");
        m->n_terms += n;
        if (n > m->n_sources) m->n_sources = n;
    }
    size_t n_rates = m->n_vars + m->n_terms;
    if (!(m->rates = et_alloc(n_rates, sizeof *m->rates))) return ET_NOMEM;
    if (!(m->initial = et_alloc(m->n_vars, sizeof *m->initial))) return ET_NOMEM;
    if (!(m->terms = et_alloc(m->n_terms, sizeof *m->terms))) return ET_NOMEM;
    size_t term = 0;
    for (size_t i = 0; i < m->n_vars; i++) {
        const struct et_config *record = et_config_at(config, "variables", i);
        const char *name = m->names.name[i];
        m->rates[i] = (struct et__formula){et_config_string(record, "rate"), record, "rate", name};
        m->initial[i] =
            (struct et__formula){et_config_string(record, "initial"), record, "initial", name};
        for (size_t k = 0; noise && k < et_config_count(record, "noise"); k++, term++) {
            m->rates[m->n_vars + term] = (struct et__formula){
                et_config_string_at(record, "noise", k), record, "noise", name};
            m->terms[term] = (struct et__noise_term){i, k};
        }
    }
    struct et__names at_start = m->names; /* variables have no value yet */
    at_start.name += m->n_vars;
    at_start.n -= m->n_vars + 1;
    for (size_t i = 0; i < m->n_vars; i++)
        ET_TRY(et__formula_check(&m->initial[i], &at_start));
    for (size_t i = 0; i < n_rates; i++)
        ET_TRY(et__formula_check(&m->rates[i], &m->names));
    return ET_OK;
}

static enum et_status read_outputs(struct et__equations *m, const struct et_config *config)
{
    size_t given = et_config_count(config, "outputs");
    m->n_outputs = given > 0 ? given : m->n_vars;
    if (!(m->outputs = et_alloc(m->n_outputs, sizeof *m->outputs))) return ET_NOMEM;
    for (size_t i = 0; i < m->n_outputs; i++) {
        const char *text = given > 0 ? et_config_string_at(config, "outputs", i) : m->names.name[i];
        m->outputs[i] = (struct et__formula){text, config, "outputs", NULL};
        ET_TRY(et__formula_check(&m->outputs[i], &m->names));
    }
    return ET_OK;
}

static enum et_status read_constants(struct et__equations *m, const struct et_config *config)
{
    if (!(m->constants = et_alloc(m->n_constants, sizeof *m->constants))) return ET_NOMEM;
    if (!(m->knob = et_alloc(m->n_constants, sizeof *m->knob))) return ET_NOMEM;
    for (size_t i = 0; i < m->n_constants; i++) {
        const struct et_config *record = et_config_at(config, "constants", i);
        m->constants[i] = et_config_real(record, "value");
        if (!et_config_bool(record, "tunable")) continue;
        if (fabs(m->constants[i]) > (double)FLT_MAX)
            return et_config_error(record, "value", "%g is too large for a knob, whose limit is %g",
                                   m->constants[i], (double)FLT_MAX);
        m->knob[m->n_knobs++] = i;
    }
    return ET_OK;
}

/* ---------------------------------------------------------------------------------- workers -- */

static enum et_status open_worker(const struct et__equations *m, struct et__equations_worker *w)
{
    if (!(w->slots = et_alloc(m->names.n, sizeof *w->slots))) return ET_NOMEM;
    if (!(w->y = et_alloc(m->n_vars, sizeof *w->y))) return ET_NOMEM;
    ET_TRY(et__formulas_open(&w->rates, m->rates, m->n_vars + m->n_terms, &m->names, w->slots));
    ET_TRY(et__formulas_open(&w->initial, m->initial, m->n_vars, &m->names, w->slots));
    return et__formulas_open(&w->outputs, m->outputs, m->n_outputs, &m->names, w->slots);
}

static enum et_status open_workers(struct et__equations *m)
{
    size_t n = et_parallel_threads();
    if (!(m->worker = et_alloc(n, sizeof *m->worker))) return ET_NOMEM;
    while (m->n_workers < n)
        ET_TRY(open_worker(m, &m->worker[m->n_workers++]));
    return ET_OK;
}

enum et_status et__equations_read(struct et__equations *m, const struct et_config *config,
                                  bool noise)
{
    m->n_vars = et_config_count(config, "variables");
    m->n_constants = et_config_count(config, "constants");
    m->n_in = (size_t)et_config_int(config, "n_in");
    m->segments = (size_t)et_config_int(config, "segments");
    m->samples = (size_t)et_config_int(config, "samples");
    m->duration = et_config_real(config, "duration");
    m->input_min = (float)et_config_real(config, "input_min");
    m->input_max = (float)et_config_real(config, "input_max");
    if (!(m->input_min < m->input_max))
        return et_config_error(config, "input_max", "input_max = %g is not above input_min = %g",
                               (double)m->input_max, (double)m->input_min);
    ET_TRY(read_names(m, config));
    ET_TRY(read_constants(m, config));
    ET_TRY(read_variables(m, config, noise));
    ET_TRY(read_outputs(m, config));
    return open_workers(m);
}

void et__equations_free(struct et__equations *m)
{
    for (size_t i = 0; i < m->n_workers; i++) {
        struct et__equations_worker *w = &m->worker[i];
        et__formulas_close(&w->rates);
        et__formulas_close(&w->initial);
        et__formulas_close(&w->outputs);
        et_free(w->slots);
        et_free(w->y);
    }
    et_free(m->worker);
    for (size_t i = 0; i < m->names.n; i++)
        et_free(m->names.name[i]);
    et_free(m->names.name);
    et_free(m->constants);
    et_free(m->knob);
    et_free(m->terms);
    et_free(m->rates);
    et_free(m->initial);
    et_free(m->outputs);
}

void et__equations_describe(const struct et__equations *m, struct et_system_info *info)
{
    info->n_in = m->n_in * m->segments;
    info->n_out = m->n_outputs * m->samples;
    info->n_knobs = m->n_knobs;
    info->in_min = m->input_min;
    info->in_max = m->input_max;
    info->in_unit = "as the equations say";
    info->out_unit = "as the equations say";
    info->knob_unit = "as the equations say";
    info->latency_s = m->duration;
    if (m->n_knobs > 0) info->traits |= ET_HAS_KNOBS;
}

enum et_status et__equations_set_knobs(void *state, const float *knobs)
{
    struct et__equations *m = state;
    for (size_t i = 0; i < m->n_knobs; i++)
        m->constants[m->knob[i]] = (double)knobs[i];
    return ET_OK;
}

void et__equations_get_knobs(const void *state, float *knobs)
{
    const struct et__equations *m = state;
    for (size_t i = 0; i < m->n_knobs; i++)
        knobs[i] = (float)m->constants[m->knob[i]];
}

/* ----------------------------------------------------------------------------------- a pass -- */

/* Keeps the failure with the smaller row. */
static void keep(struct et__equations_failure *kept, const struct et__equations_failure *failure)
{
    if (failure->failed && (!kept->failed || failure->row < kept->row)) *kept = *failure;
}

void et__equations_fail(struct et__equations_worker *w, const struct et__equations_failure *failure)
{
    keep(&w->failure, failure);
}

bool et__equations_run(struct et__equations *m, size_t rows, et_parallel_body *body, void *batch,
                       struct et__equations_failure *first)
{
    first->failed = false;
    for (size_t i = 0; i < m->n_workers; i++)
        m->worker[i].failure.failed = false;
    et_parallel_for(rows, body, batch);
    for (size_t i = 0; i < m->n_workers; i++)
        keep(first, &m->worker[i].failure);
    return !first->failed;
}

void et__equations_load(const struct et__equations *m, struct et__equations_worker *w,
                        const float *x, size_t segment)
{
    double *slot = w->slots + m->n_vars;
    for (size_t i = 0; i < m->n_constants; i++)
        *slot++ = m->constants[i];
    for (size_t i = 0; i < m->n_in; i++)
        *slot++ = (double)x[segment * m->n_in + i];
}

bool et__equations_begin(const struct et__equations *m, struct et__equations_worker *w, size_t row,
                         const float *x)
{
    et__equations_load(m, w, x, 0);
    memcpy(w->y, et__formulas_values(&w->initial), m->n_vars * sizeof *w->y);
    size_t bad = et__equations_not_finite(m, w->y);
    if (bad == m->n_vars) return true;
    const struct et__equations_failure failure = {.failed = true,
                                                  .kind = ET__EQUATIONS_NOT_FINITE,
                                                  .row = row,
                                                  .variable = bad,
                                                  .value = w->y[bad]};
    et__equations_fail(w, &failure);
    return false;
}

static void place(const struct et__equations *m, struct et__equations_worker *w, double t,
                  const double *y)
{
    memcpy(w->slots, y, m->n_vars * sizeof *y);
    w->slots[m->names.n - 1] = t;
}

void et__equations_rates(const struct et__equations *m, struct et__equations_worker *w, double t,
                         const double *y, double *dy, double *g)
{
    place(m, w, t, y);
    const double *values = et__formulas_values(&w->rates);
    memcpy(dy, values, m->n_vars * sizeof *dy);
    if (g == NULL) return;
    memset(g, 0, m->n_vars * m->n_sources * sizeof *g);
    for (size_t k = 0; k < m->n_terms; k++)
        g[m->terms[k].var * m->n_sources + m->terms[k].source] = values[m->n_vars + k];
}

void et__equations_outputs(const struct et__equations *m, struct et__equations_worker *w, double t,
                           const double *y, float *out)
{
    place(m, w, t, y);
    const double *values = et__formulas_values(&w->outputs);
    for (size_t i = 0; i < m->n_outputs; i++)
        out[i] = (float)values[i];
}

size_t et__equations_not_finite(const struct et__equations *m, const double *y)
{
    size_t i = 0;
    while (i < m->n_vars && isfinite(y[i]))
        i++;
    return i;
}
