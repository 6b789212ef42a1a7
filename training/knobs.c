/* SPDX-License-Identifier: Apache-2.0
 *
 * Knobs that learn: reading, gradients by the device's vector-Jacobian product, updates. */
#include "knobs.h"

#include "binary_stage.h"
#include "riemannian.h"

#include <math.h>
#include <string.h>

/* clang-format off */
const struct et_param et__knobs_params[] = {
    {.name = "train", .kind = ET_PARAM_CHOICE, .initial = "none", .choices = "none|vjp|spsa|teach",
     .doc = "none: they stay as the system opens.  vjp: gradient by the system's vector-Jacobian "
            "product.  spsa: from measurements with all knobs disturbed at once, for a device "
            "without a model.  teach: by the system's own learning rule, or like vjp if it has "
            "none.  The stage's own objective alone (schedule joint)."},
    {.name = "optimiser", .kind = ET_PARAM_RECORD, .initial = "{}",
     .fields = et__knob_optimiser_params,
     .doc = "How they move, one step per measured batch; rates are in units of the knobs."},
    {.name = "directions", .kind = ET_PARAM_INT, .initial = "1", .min = 1, .max = 10000,
     .doc = "spsa: random directions per batch, two more measurements each."},
    {.name = "step", .kind = ET_PARAM_REAL, .initial = "0.05", .min = 1e-9, .max = 1e9,
     .doc = "spsa: distance of the disturbed knobs, in units of the knobs: small against their "
            "curvature, large against the noise."},
    {0},
};
/* clang-format on */

bool et__knobs_programmed(const struct et__stage *stage)
{
    return stage->knobs.rule != ET__KNOBS_FIXED && stage->system == stage->physical;
}

bool et__knobs_learn(const struct et__stage *stage, enum et__knobs_rule rule)
{
    return et__knobs_programmed(stage) && stage->knobs.rule == rule && !stage->knobs.hold;
}

/* ---------------------------------------------------------------------------- opening -- */

enum et_status et__knobs_read(struct et__stage *stage, const struct et_config *layer)
{
    const struct et_config *config = et_config_at(layer, "knobs", 0);
    struct et__knobs *k = &stage->knobs;
    *k = (struct et__knobs){
        .rule = (enum et__knobs_rule)et_config_choice(config, "train"),
        .config = config,
        .directions = (size_t)et_config_int(config, "directions"),
        .step = (float)et_config_real(config, "step"),
        .lo = -INFINITY,
        .hi = INFINITY,
    };
    if (k->rule == ET__KNOBS_FIXED) return ET_OK;
    et__optimiser_read(&k->optimiser, et_config_at(config, "optimiser", 0));
    if (stage->system == NULL)
        return et_config_error(config, "train", "a digital layer has no knobs");
    if (et__is_binary(stage))
        return et_config_error(config, "train", "the knobs of a binary layer are its weights");
    const struct et_system_info *info = et_system_info(stage->system);
    if (!(info->traits & ET_HAS_KNOBS))
        return et_config_error(config, "train", "system '%s' has no knobs to train",
                               et_system_name(stage->system));
    if (info->knob_min < info->knob_max) {
        k->lo = info->knob_min;
        k->hi = info->knob_max;
    }
    return ET_OK;
}

enum et_status et__knobs_create(struct et__stage *stage, size_t rows)
{
    struct et__knobs *k = &stage->knobs;
    if (k->rule == ET__KNOBS_FIXED) return ET_OK;
    size_t n = et_system_info(stage->system)->n_knobs;
    ET_TRY(et_tensor_create(&k->value, "knobs", 1, n, 1));
    k->initial = et_alloc(n, sizeof *k->initial);
    if (k->initial == NULL) return ET_NOMEM;
    ET_TRY(et_system_get_knobs(stage->system, k->initial, n));
    et__knobs_reset(stage);
    if (k->rule == ET__KNOBS_SPSA) {
        k->shifted = et_alloc(2 * n, sizeof *k->shifted);
        return k->shifted ? ET_OK : ET_NOMEM;
    }
    ET_TRY(et_array_create(&k->t, rows, stage->n_t));
    ET_TRY(et_array_create(&k->dt, rows, stage->n_t));
    if (k->rule == ET__KNOBS_TEACH) return et_array_create(&k->mean, rows, stage->n_out);
    ET_TRY(et_array_create(&k->da, rows, stage->n_out));
    return et_array_create(&k->dx, rows, stage->n_in);
}

void et__knobs_destroy(struct et__stage *stage)
{
    struct et__knobs *k = &stage->knobs;
    et_tensor_destroy(&k->value);
    et_free(k->initial);
    et_free(k->shifted);
    et_array_destroy(&k->t);
    et_array_destroy(&k->dt);
    et_array_destroy(&k->da);
    et_array_destroy(&k->dx);
    et_array_destroy(&k->mean);
    et_free(k->sums);
}

void et__knobs_reset(struct et__stage *stage)
{
    struct et__knobs *k = &stage->knobs;
    if (k->initial == NULL) return;
    size_t bytes = k->value.cols * sizeof(float);
    memcpy(k->value.value, k->initial, bytes);
    memset(k->value.gradient, 0, bytes);
    memset(k->value.moment1, 0, bytes);
    memset(k->value.moment2, 0, bytes);
}

/* Are there knobs that are no plain numbers to be disturbed? */
static bool has_special_knobs(const struct et_system *system)
{
    const struct et_knob_block *block;
    bool special = false;
    for (size_t i = 0; (block = et_system_knob_block(system, i)) != NULL; i++)
        special = special || block->kind != ET_KNOB_PLAIN;
    return special;
}

enum et_status et__knobs_check(const struct et__stage *stage, size_t i)
{
    if (stage->knobs.rule == ET__KNOBS_FIXED || stage->knobs.hold) return ET_OK;
    const struct et_system_info *info = et_system_info(stage->physical);
    const char *name = et_system_name(stage->physical);
    bool special = has_special_knobs(stage->physical), own = info->traits & ET_LEARNS;
    if (stage->knobs.rule == ET__KNOBS_SPSA && special)
        return et_config_error(stage->knobs.config, "train",
                               "system '%s' of layer %zu has knobs that are points or statistics, "
                               "not numbers to be disturbed: use vjp or teach",
                               name, i);
    if (stage->knobs.rule == ET__KNOBS_SPSA || (own && stage->knobs.rule == ET__KNOBS_TEACH))
        return ET_OK;
    if (!(info->traits & ET_HAS_VJP))
        return et_config_error(stage->knobs.config, "train",
                               "system '%s' of layer %zu has no vector-Jacobian product: use spsa",
                               name, i);
    if (info->traits & ET_STATEFUL)
        return et_config_error(stage->knobs.config, "train",
                               "system '%s' of layer %zu remembers earlier passes, which its "
                               "vector-Jacobian product does not see: use spsa",
                               name, i);
    return ET_OK;
}

/* -------------------------------------------------------------------------- gradients -- */

/* dL/da of a row from dL/dt', t before the normalisation: with f = 1 / rms(t) and t' = f t,
 * dL/dt = f (dL/dt' - f^2 t (t . dL/dt') / n). */
static void back_through_length(const float *t, float *dt, size_t n)
{
    float f = et__length_factor(t, n), along = 0;
    for (size_t j = 0; j < n; j++)
        along += t[j] * dt[j];
    along *= f * f / (float)n;
    for (size_t j = 0; j < n; j++)
        dt[j] = f * (dt[j] - t[j] * along);
}

/* A value that the scaling has clipped passes no gradient. */
static void back_through_scaling(const struct et_scaler *fit, const float *a, const float *dt,
                                 float *da)
{
    for (size_t j = 0; j < fit->n; j++) {
        float value = (a[j] - fit->offset[j]) * fit->factor[j];
        da[j] = value < fit->lo || value > fit->hi ? 0 : dt[j] * fit->factor[j];
    }
}

void et__knobs_back(struct et__stage *stage, struct et_view h, struct et_view dt, struct et_view da)
{
    struct et_view t = et_view_rows(et_array_view(&stage->knobs.t), 0, h.rows);
    if (stage->length_norm) et__stage_join(stage, h, t);
    for (size_t r = 0; r < h.rows; r++) {
        float *row = dt.data + r * dt.stride, *to = da.data + r * da.stride;
        if (stage->length_norm) back_through_length(t.data + r * t.stride, row, t.cols);
        if (stage->output_scaling)
            back_through_scaling(&stage->output_fit, stage->a.data + r * stage->n_out, row, to);
        else
            memcpy(to, row, stage->n_out * sizeof *to);
    }
}

void et__knobs_back_to_inputs(struct et_trainer *trainer, size_t i, struct et_view dz,
                              struct et_view dt)
{
    struct et__network *network = trainer->network;
    const struct et__stage *stage = &network->stage[i];
    if (et__stage_is_direct(stage)) {
        et_view_copy(dt, dz);
    } else {
        et_gemm(ET_PLAIN, ET_PLAIN, 1, dz, et_tensor_view(&stage->weight), 0, dt);
        network->digital_macs += (double)dz.rows * (double)stage->n_t * (double)stage->width;
    }
    /* Dropped inputs pass nothing, the others are scaled: what dropout itself does. */
    et__trainer_dropout(trainer, i, dt);
}

enum et_status et__knobs_gradient(struct et_trainer *trainer, size_t i, const struct et_step *step,
                                  struct et_view h, struct et_view dz)
{
    struct et__stage *stage = &trainer->network->stage[i];
    struct et__knobs *k = &stage->knobs;
    struct et_view dt = et_view_rows(et_array_view(&k->dt), 0, h.rows);
    struct et_view da = et_view_rows(et_array_view(&k->da), 0, h.rows);
    struct et_view dx = et_view_rows(et_array_view(&k->dx), 0, h.rows);
    et__knobs_back_to_inputs(trainer, i, dz, dt);
    et__knobs_back(stage, h, dt, da);
    struct et_view x = et_view_rows(et_array_view(&stage->x), 0, h.rows);
    ET_TRY_WHILE(et_system_vjp(stage->system, step, x, da, dx, k->value.gradient),
                 "differentiating layer %zu", i);
    return ET_OK;
}

/* ---------------------------------------------------------------------------- updates -- */

/* One optimiser step of the numbers of a block. */
static void step_block(const struct et__knobs *k, const struct et_knob_block *block, double rate,
                       uint64_t count)
{
    struct et_tensor part = k->value;
    part.rows = block->rows;
    part.cols = block->cols;
    part.value += block->first;
    part.gradient += block->first;
    part.moment1 += block->first;
    part.moment2 += block->first;
    if (block->kind == ET_KNOB_PLAIN) et__optimiser_step(&k->optimiser, &part, rate, count);
    if (block->kind == ET_KNOB_MANIFOLD)
        et__riemannian_step(&k->optimiser, block, &part, rate, count);
}

enum et_status et__knobs_update(struct et_trainer *trainer, size_t i, double progress,
                                uint64_t count)
{
    struct et__stage *stage = &trainer->network->stage[i];
    struct et__knobs *k = &stage->knobs;
    float *value = k->value.value;
    double rate = et__optimiser_rate(&k->optimiser, progress);
    const struct et_knob_block *block;
    for (size_t b = 0; (block = et_system_knob_block(stage->system, b)) != NULL; b++)
        step_block(k, block, rate, count);
    for (size_t j = 0; j < k->value.cols; j++) {
        if (!isfinite(value[j]))
            return et_error_set(ET_NUMERIC,
                                "knob %zu of layer %zu is not finite after its update; a smaller "
                                "knobs.optimiser.rate may help",
                                j, i);
        value[j] = value[j] < k->lo ? k->lo : value[j] > k->hi ? k->hi : value[j];
    }
    et__network_touch(trainer->network, stage);
    return ET_OK;
}
