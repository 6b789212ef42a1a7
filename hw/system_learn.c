/* SPDX-License-Identifier: Apache-2.0
 *
 * What a trainer asks of a system beyond a pass: derivatives, judged passes, knobs. */
#include "system_dispatch.h"

#include <math.h>
#include <string.h>

/* ---------------------------------------------------------------------------- derivatives -- */

static enum et_status vjp(struct et_system *system, const struct et_step *step, struct et_view x,
                          struct et_view dy, struct et_view dx, float *dknobs)
{
    const struct et_system_info *info = &system->info;
    if (!(info->traits & ET_HAS_VJP))
        return et_error_set(ET_UNSUPPORTED, "system '%s' has no vector-Jacobian product",
                            system->type->name);
    ET_TRY(et__system_check_shape("x", x, x.rows, info->n_in));
    ET_TRY(et__system_check_shape("dy", dy, x.rows, info->n_out));
    ET_TRY(et__system_check_shape("dx", dx, x.rows, info->n_in));
    if (dknobs != NULL) memset(dknobs, 0, info->n_knobs * sizeof *dknobs);
    if (x.rows == 0) return ET_OK;
    ET_TRY(et__system_check_pass(system, x));
    ET_TRY(et__system_check_finite("dy", dy, step));
    struct et_view from, back = dx;
    ET_TRY(et__system_gather(&system->x, x, &from));
    ET_TRY(et__system_gather(&system->y, dy, &dy));
    if (dx.stride != dx.cols) ET_TRY(et__workspace_get(&system->dx, dx.rows, dx.cols, &back));
    ET_TRY(system->type->vjp(system->state, step, from, dy, back, dknobs));
    if (back.data != dx.data) et_view_copy(dx, back);
    return et__system_check_finite("dx", dx, step);
}

enum et_status et_system_vjp(struct et_system *system, const struct et_step *step, struct et_view x,
                             struct et_view dy, struct et_view dx, float *dknobs)
{
    double start = et__system_now_s();
    enum et_status status = vjp(system, step, x, dy, dx, dknobs);
    system->wall_s += et__system_now_s() - start;
    if (status != ET_OK)
        et_error_while("backward pass %u of '%s'", (unsigned)step->index, system->type->name);
    return status;
}

/* ------------------------------------------------------------------------- judged passes -- */

/* Stands between a system and its judge: what passes is finite. */
struct guard {
    const struct et_teacher *teacher;
    const struct et_step *step;
};

static enum et_status judge(void *user, size_t t, size_t n_steps, struct et_view y,
                            struct et_view dy)
{
    const struct guard *guard = user;
    ET_TRY(et__system_check_finite("y", y, guard->step));
    ET_TRY(guard->teacher->judge(guard->teacher->user, t, n_steps, y, dy));
    return et__system_check_finite("dy", dy, guard->step);
}

/* Teaching a system without a rule of its own; x and dx are contiguous. */
static enum et_status teach_by_product(struct et_system *system, const struct et_step *step,
                                       struct et_view x, const struct et_teacher *teacher,
                                       struct et_view dx, float *dknobs)
{
    const struct et_system_info *info = &system->info;
    struct et_view y, dy;
    ET_TRY(et__workspace_get(&system->y, x.rows, info->n_out, &y));
    ET_TRY(et__workspace_get(&system->dy, x.rows, info->n_out, &dy));
    ET_TRY(et__system_run(system, step, x, y));
    ET_TRY(teacher->judge(teacher->user, 0, 1, y, dy));
    if (dx.data == NULL) ET_TRY(et__workspace_get(&system->dx, x.rows, info->n_in, &dx));
    return system->type->vjp(system->state, step, x, dy, dx, dknobs);
}

static enum et_status teach(struct et_system *system, const struct et_step *step, struct et_view x,
                            const struct et_teacher *teacher, struct et_view dx, float *dknobs)
{
    const struct et_system_info *info = &system->info;
    bool own = system->type->teach != NULL;
    if (!own && !(info->traits & ET_HAS_VJP))
        return et_error_set(ET_UNSUPPORTED,
                            "system '%s' has neither a learning rule nor a vector-Jacobian product",
                            system->type->name);
    ET_TRY(et__system_check_shape("x", x, x.rows, info->n_in));
    if (dx.data != NULL) ET_TRY(et__system_check_shape("dx", dx, x.rows, info->n_in));
    memset(dknobs, 0, info->n_knobs * sizeof *dknobs);
    if (x.rows == 0) return ET_OK;
    ET_TRY(et__system_check_pass(system, x));
    struct et_view from, back = dx;
    ET_TRY(et__system_gather(&system->x, x, &from));
    if (dx.data != NULL && dx.stride != dx.cols)
        ET_TRY(et__workspace_get(&system->dx, dx.rows, dx.cols, &back));
    struct guard guard = {teacher, step};
    const struct et_teacher guarded = {judge, &guard};
    if (own) {
        ET_TRY(system->type->teach(system->state, step, from, &guarded, back, dknobs));
        system->passes += x.rows;
    } else {
        ET_TRY(teach_by_product(system, step, from, &guarded, back, dknobs));
    }
    ET_TRY(et__system_check_finite("dknobs", et_view_of(dknobs, 1, info->n_knobs), step));
    if (dx.data == NULL) return ET_OK;
    if (back.data != dx.data) et_view_copy(dx, back);
    return et__system_check_finite("dx", dx, step);
}

enum et_status et_system_teach(struct et_system *system, const struct et_step *step,
                               struct et_view x, const struct et_teacher *teacher,
                               struct et_view dx, float *dknobs)
{
    double start = et__system_now_s();
    enum et_status status = teach(system, step, x, teacher, dx, dknobs);
    system->wall_s += et__system_now_s() - start;
    if (status != ET_OK)
        et_error_while("training pass %u of '%s'", (unsigned)step->index, system->type->name);
    return status;
}

/* -------------------------------------------------------------------------- knob blocks -- */

static const struct et_knob_block *own_block(const struct et_system *system, size_t i)
{
    return system->type->block ? system->type->block(system->state, i) : NULL;
}

/* Blocks of the type itself or of the systems inside it; counts them when blocks is NULL. */
static size_t collect_blocks(const struct et_system *system, struct et_knob_block *blocks)
{
    size_t n = 0, first = 0;
    const struct et_knob_block *block;
    struct et_system *inner;
    for (; (block = own_block(system, n)) != NULL; n++)
        if (blocks) blocks[n] = *block;
    if (n > 0 || system->type->set_knobs != NULL) return n;
    for (size_t i = 0; (inner = et__system_inner(system, i)) != NULL; i++) {
        for (size_t k = 0; k < inner->n_blocks; k++, n++) {
            if (!blocks) continue;
            blocks[n] = inner->block[k];
            blocks[n].first += first;
        }
        first += inner->info.n_knobs;
    }
    return n;
}

enum et_status et__system_blocks(struct et_system *system)
{
    size_t n = collect_blocks(system, NULL), n_knobs = system->info.n_knobs, next = 0;
    if (n_knobs == 0) return ET_OK;
    system->block = et_alloc(n > 0 ? n : 1, sizeof *system->block);
    if (system->block == NULL) return ET_NOMEM;
    system->block[0] = (struct et_knob_block){.name = "knobs", .rows = 1, .cols = n_knobs};
    system->n_blocks = n > 0 ? n : 1;
    collect_blocks(system, system->block);
    for (size_t i = 0; i < system->n_blocks; i++) {
        const struct et_knob_block *b = &system->block[i];
        bool curved = b->manifold != NULL && b->curvature != NULL;
        if (b->first != next || (b->kind == ET_KNOB_MANIFOLD && !curved))
            return et_error_set(ET_INVALID, "describe: block '%s' of knobs is out of order",
                                b->name);
        next += b->rows * b->cols;
    }
    if (next == n_knobs) return ET_OK;
    return et_error_set(ET_INVALID, "describe: blocks of %zu knobs, but there are %zu", next,
                        n_knobs);
}

const struct et_knob_block *et_system_knob_block(const struct et_system *system, size_t i)
{
    return i < system->n_blocks ? &system->block[i] : NULL;
}

enum et_status et_system_export(struct et_system *system, const char *path)
{
    if (system->type->export == NULL)
        return et_error_set(ET_UNSUPPORTED, "system '%s' has no exchange format",
                            system->type->name);
    ET_TRY_WHILE(system->type->export(system->state, path), "exporting '%s' to %s",
                 system->type->name, path);
    return ET_OK;
}

/* ---------------------------------------------------------------------------------- knobs -- */

static enum et_status check_knobs(const struct et_system *system, size_t n)
{
    const struct et_system_info *info = &system->info;
    if (!(info->traits & ET_HAS_KNOBS))
        return et_error_set(ET_UNSUPPORTED, "system '%s' has no knobs", system->type->name);
    if (n != info->n_knobs)
        return et_error_set(ET_SHAPE, "system '%s' has %zu knobs, not %zu", system->type->name,
                            info->n_knobs, n);
    return ET_OK;
}

static enum et_status check_knob_values(const struct et_system *system, const float *knobs)
{
    const struct et_system_info *info = &system->info;
    bool bounded = info->knob_min < info->knob_max;
    for (size_t i = 0; i < info->n_knobs; i++) {
        double value = (double)knobs[i];
        if (!isfinite(value))
            return et_error_set(ET_INVALID, "knob %zu of '%s' = %g", i, system->type->name, value);
        if (bounded && (knobs[i] < info->knob_min || knobs[i] > info->knob_max))
            return et_error_set(ET_INVALID, "knob %zu of '%s' = %.9g %s is outside [%.9g, %.9g]", i,
                                system->type->name, value, info->knob_unit, (double)info->knob_min,
                                (double)info->knob_max);
    }
    return ET_OK;
}

enum et_status et_system_set_knobs(struct et_system *system, const float *knobs, size_t n)
{
    ET_TRY(check_knobs(system, n));
    ET_TRY(check_knob_values(system, knobs));
    if (system->type->set_knobs != NULL) return system->type->set_knobs(system->state, knobs);
    struct et_system *inner;
    for (size_t i = 0; (inner = et__system_inner(system, i)) != NULL; i++) {
        size_t part = inner->info.n_knobs;
        if (part > 0) ET_TRY(et_system_set_knobs(inner, knobs, part));
        knobs += part;
    }
    return ET_OK;
}

enum et_status et_system_get_knobs(struct et_system *system, float *knobs, size_t n)
{
    ET_TRY(check_knobs(system, n));
    if (system->type->get_knobs != NULL) {
        system->type->get_knobs(system->state, knobs);
        return ET_OK;
    }
    struct et_system *inner;
    for (size_t i = 0; (inner = et__system_inner(system, i)) != NULL; i++) {
        size_t part = inner->info.n_knobs;
        if (part > 0) ET_TRY(et_system_get_knobs(inner, knobs, part));
        knobs += part;
    }
    return ET_OK;
}
