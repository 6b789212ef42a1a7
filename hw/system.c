/* SPDX-License-Identifier: Apache-2.0
 *
 * Dispatch to systems: open and close, checks, counting, guards, error context.
 *
 * A type file holds physics only; what every system has in common is here. */
#include "system_dispatch.h"

#include <etalon/parallel.h>

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

double et__system_now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ------------------------------------------------------------------------- open and close -- */

/* A type that describes itself wrongly is refused rather than trusted. */
static const char *wrong_info(const struct et_system_type *type, const struct et_system_info *info)
{
    bool wrapper = type->inner != NULL;
    if (info->n_in == 0 || info->n_out == 0) return "n_in and n_out must be at least 1";
    if (!(info->in_min < info->in_max)) return "in_min must be below in_max";
    if (info->latency_s < 0 || info->energy_J < 0) return "latency_s or energy_J is negative";
    bool knobs = info->traits & ET_HAS_KNOBS;
    if (knobs != (info->n_knobs > 0)) return "ET_HAS_KNOBS and n_knobs disagree";
    if (knobs && type->set_knobs == NULL && !wrapper) return "ET_HAS_KNOBS without set_knobs";
    if (info->traits & ET_HAS_VJP && type->vjp == NULL) return "ET_HAS_VJP without vjp";
    if (info->traits & ET_SURROGATE && type->vjp == NULL && type->teach == NULL && !wrapper)
        return "ET_SURROGATE without vjp or teach";
    if (info->traits & ET_STATEFUL && type->reset == NULL && !wrapper)
        return "ET_STATEFUL without reset";
    return NULL;
}

static enum et_status describe(struct et_system *system)
{
    struct et_system_info *info = &system->info;
    info->latency_s = NAN;
    info->energy_J = NAN;
    system->type->describe(system->state, info);
    /* What a wrapper has inherited is not its own. */
    info->traits &= ~(unsigned)ET_LEARNS;
    if (system->type->teach != NULL) info->traits |= ET_LEARNS;
    if (info->in_unit == NULL) info->in_unit = "";
    if (info->out_unit == NULL) info->out_unit = "";
    if (info->knob_unit == NULL) info->knob_unit = "";
    const char *wrong = wrong_info(system->type, info);
    if (wrong != NULL) return et_error_set(ET_INVALID, "describe: %s", wrong);
    system->lo = fmaxf(info->in_min, -FLT_MAX);
    system->hi = fminf(info->in_max, FLT_MAX);
    return ET_OK;
}

static enum et_status open_type(const struct et_system_type *type, const struct et_config *config,
                                uint64_t seed, struct et_system **out)
{
    struct et_system *system = et_alloc(1, sizeof *system);
    if (system == NULL) return ET_NOMEM;
    system->type = type;
    system->n_workers = et_parallel_threads();
    enum et_status status = ET_NOMEM;
    system->state = et_alloc(1, type->state_size);
    if (system->state != NULL) status = type->open(system->state, config, seed);
    if (status == ET_OK) status = describe(system);
    if (status == ET_OK) status = et__system_blocks(system);
    if (status == ET_OK)
        *out = system;
    else
        et_system_close(system);
    return status;
}

enum et_status et_system_open(const struct et_config *config, uint64_t seed,
                              struct et_system **system)
{
    *system = NULL;
    const char *name = et_config_type(config);
    const struct et_system_type *type = et__system_type_find(name);
    if (type == NULL) return et_error_status();
    ET_TRY_WHILE(open_type(type, config, seed, system), "opening system '%s'", name);
    return ET_OK;
}

/* Puts the text below a key, so that it is read like the map of any experiment file. */
static char *below_key(const char *key, const char *text)
{
    size_t lines = 1;
    for (const char *c = text; *c; c++)
        lines += *c == '\n';
    char *document = et_alloc(strlen(key) + strlen(text) + 2 * lines + 4, 1);
    if (document == NULL) return NULL;
    char *to = document + sprintf(document, "%s:\n  ", key);
    for (const char *c = text; *c; c++) {
        *to++ = *c;
        if (*c == '\n') to = (char *)memcpy(to, "  ", 2) + 2;
    }
    *to++ = '\n';
    return document;
}

enum et_status et_system_open_text(const char *yaml, uint64_t seed, struct et_system **system)
{
    static const struct et_param table[] = {
        {.name = "system", .kind = ET_PARAM_TYPE, .choices = "system", .doc = "The system."},
        {0},
    };
    *system = NULL;
    struct et_config *config = NULL;
    char *document = below_key("system", yaml);
    if (document == NULL) return ET_NOMEM;
    enum et_status status =
        et_config_parse("system text", document, NULL, 0, table, et_system_types, &config);
    if (status == ET_OK) status = et_system_open(et_config_at(config, "system", 0), seed, system);
    et_config_close(config);
    et_free(document);
    return status;
}

void et_system_close(struct et_system *system)
{
    if (system == NULL) return;
    if (system->state != NULL && system->type->close != NULL) system->type->close(system->state);
    et__workspace_free(&system->x);
    et__workspace_free(&system->y);
    et__workspace_free(&system->dx);
    et__workspace_free(&system->dy);
    et_free(system->block);
    et_free(system->state);
    et_free(system);
}

/* -------------------------------------------------------------------------------- queries -- */

const char *et_system_name(const struct et_system *system)
{
    return system->type->name;
}

const struct et_system_info *et_system_info(const struct et_system *system)
{
    return &system->info;
}

struct et_system *et__system_inner(const struct et_system *system, size_t i)
{
    return system->type->inner ? system->type->inner(system->state, i) : NULL;
}

const struct et_system *et_system_inner(const struct et_system *system, size_t i)
{
    return et__system_inner(system, i);
}

struct et_ledger et_system_ledger(const struct et_system *system)
{
    struct et_ledger sum = {.wall_s = system->wall_s};
    const struct et_system *inner = et__system_inner(system, 0);
    if (inner == NULL) {
        sum.passes = system->passes;
        sum.device_s = system->type->device_s ? system->type->device_s(system->state) : NAN;
        if (isnan(sum.device_s)) sum.device_s = (double)system->passes * system->info.latency_s;
        sum.device_J = (double)system->passes * system->info.energy_J;
        return sum;
    }
    for (size_t i = 0; (inner = et__system_inner(system, i)) != NULL; i++) {
        struct et_ledger part = et_system_ledger(inner);
        sum.passes += part.passes;
        sum.device_s += part.device_s;
        sum.device_J += part.device_J;
    }
    return sum;
}

/* --------------------------------------------------------------------------------- checks -- */

/* No early exit, so that the compiler can vectorise it; a NaN fails both comparisons. */
static bool row_is_within(const float *row, size_t n, float lo, float hi)
{
    int outside = 0;
    for (size_t i = 0; i < n; i++)
        outside |= !(row[i] >= lo) | !(row[i] <= hi);
    return !outside;
}

/* First element of a view that is not within [lo, hi]; true when there is one. */
static bool find_outside(struct et_view v, float lo, float hi, size_t *row, size_t *col)
{
    for (size_t r = 0; r < v.rows; r++) {
        const float *data = v.data + r * v.stride;
        if (row_is_within(data, v.cols, lo, hi)) continue;
        size_t c = 0;
        while (data[c] >= lo && data[c] <= hi)
            c++;
        *row = r;
        *col = c;
        return true;
    }
    return false;
}

/* A worker without a workspace would write behind those that there are. */
static enum et_status check_threads(const struct et_system *system)
{
    size_t threads = et_parallel_threads();
    if (threads <= system->n_workers) return ET_OK;
    return et_error_set(ET_INVALID, "opened for %zu threads, now there are %zu", system->n_workers,
                        threads);
}

static enum et_status check_inputs(const struct et_system *system, struct et_view x)
{
    size_t r, c;
    if (!find_outside(x, system->lo, system->hi, &r, &c)) return ET_OK;
    double value = (double)x.data[r * x.stride + c];
    if (!isfinite(value)) return et_error_set(ET_INVALID, "x[%zu][%zu] = %g", r, c, value);
    const struct et_system_info *info = &system->info;
    const char *space = info->in_unit[0] ? " " : "";
    return et_error_set(ET_INVALID, "x[%zu][%zu] = %.9g%s%s is outside [%.9g, %.9g]%s%s", r, c,
                        value, space, info->in_unit, (double)info->in_min, (double)info->in_max,
                        space, info->in_unit);
}

enum et_status et__system_check_shape(const char *name, struct et_view view, size_t rows,
                                      size_t cols)
{
    if (view.rows != rows || view.cols != cols)
        return et_error_set(ET_SHAPE, "%s has %zu x %zu numbers, not %zu x %zu", name, view.rows,
                            view.cols, rows, cols);
    assert(view.stride >= view.cols);
    return ET_OK;
}

enum et_status et__system_check_finite(const char *name, struct et_view y,
                                       const struct et_step *step)
{
    size_t r, c;
    if (!find_outside(y, -FLT_MAX, FLT_MAX, &r, &c)) return ET_OK;
    return et_error_set(ET_NUMERIC, "%s[%zu][%zu] = %g (sample %llu)", name, r, c,
                        (double)y.data[r * y.stride + c],
                        (unsigned long long)et_step_sample(step, r));
}

/* -------------------------------------------------------------------------------- running -- */

enum et_status et__system_gather(struct et__workspace *workspace, struct et_view v,
                                 struct et_view *contiguous)
{
    *contiguous = v;
    if (v.stride == v.cols) return ET_OK;
    ET_TRY(et__workspace_get(workspace, v.rows, v.cols, contiguous));
    et_view_copy(*contiguous, v);
    return ET_OK;
}

enum et_status et__system_check_pass(const struct et_system *system, struct et_view x)
{
    ET_TRY(et__system_check_shape("x", x, x.rows, system->info.n_in));
    if (x.rows == 0) return ET_OK;
    ET_TRY(check_threads(system));
    return check_inputs(system, x);
}

enum et_status et__system_run(struct et_system *system, const struct et_step *step,
                              struct et_view x, struct et_view y)
{
    struct et_view from, to = y;
    ET_TRY(et__system_gather(&system->x, x, &from));
    if (y.stride != y.cols) ET_TRY(et__workspace_get(&system->y, y.rows, y.cols, &to));
    ET_TRY(system->type->forward(system->state, step, from, to));
    if (to.data != y.data) et_view_copy(y, to);
    system->passes += x.rows;
    return et__system_check_finite("y", y, step);
}

static enum et_status forward(struct et_system *system, const struct et_step *step,
                              struct et_view x, struct et_view y)
{
    ET_TRY(et__system_check_shape("x", x, x.rows, system->info.n_in));
    ET_TRY(et__system_check_shape("y", y, x.rows, system->info.n_out));
    if (x.rows == 0) return ET_OK;
    ET_TRY(et__system_check_pass(system, x));
    return et__system_run(system, step, x, y);
}

enum et_status et_system_forward(struct et_system *system, const struct et_step *step,
                                 struct et_view x, struct et_view y)
{
    double start = et__system_now_s();
    enum et_status status = forward(system, step, x, y);
    system->wall_s += et__system_now_s() - start;
    if (status != ET_OK)
        et_error_while("forward pass %u of '%s'", (unsigned)step->index, system->type->name);
    return status;
}

/* -------------------------------------------------------------------- reset and observers -- */

enum et_status et_system_reset(struct et_system *system)
{
    struct et_system *inner;
    for (size_t i = 0; (inner = et__system_inner(system, i)) != NULL; i++)
        ET_TRY(et_system_reset(inner));
    if (system->type->reset == NULL) return ET_OK;
    ET_TRY_WHILE(system->type->reset(system->state), "resetting '%s'", system->type->name);
    return ET_OK;
}

/* The first system with a field, looking inside wrappers in order; NULL when there is none. */
static struct et_system *find_field(struct et_system *system)
{
    if (system->type->observe != NULL) return system;
    struct et_system *inner, *found = NULL;
    for (size_t i = 0; found == NULL && (inner = et__system_inner(system, i)) != NULL; i++)
        found = find_field(inner);
    return found;
}

enum et_status et_system_observe(struct et_system *system, const struct et_observer *observer)
{
    struct et_system *field = find_field(system);
    if (field == NULL)
        return et_error_set(ET_UNSUPPORTED, "system '%s' has no field to look at",
                            system->type->name);
    field->type->observe(field->state, observer);
    return ET_OK;
}
