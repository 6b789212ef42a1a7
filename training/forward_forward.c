/* SPDX-License-Identifier: Apache-2.0
 *
 * forward-forward: every stage learns from its own activities alone.
 *
 * schedule joint: for each batch, stage after stage: measure the physics once (right and wrong
 * labels together when the objective is contrastive), take `inner_steps` optimiser steps on the
 * same stored measurement, pass the new activities on.
 *
 * schedule greedy: stage after stage: measure every training row, fit the scalings, train the
 * readout on the stored measurements for all epochs, go on.
 *
 * The only thing asked of a system is forward, unless its knobs learn: see knobs.h. */
#include "binary_stage.h"
#include "knobs.h"
#include "loop.h"

#include <etalon/rng.h>

#include <string.h>

enum { JOINT, GREEDY };

/* clang-format off */
static const struct et_param params[] = {
    {.name = "objective", .kind = ET_PARAM_TYPE, .initial = NULL, .choices = "objective",
     .doc = "The local objective."},
    {.name = "schedule", .kind = ET_PARAM_CHOICE, .initial = "joint", .choices = "joint|greedy",
     .doc = "All stages at every batch, or one stage after the other on stored measurements."},
    {.name = "epochs", .kind = ET_PARAM_INT, .initial = "100", .min = 1, .max = 1000000,
     .doc = "Passes over the training rows (greedy: for each stage)."},
    {.name = "batch", .kind = ET_PARAM_INT, .initial = "0", .min = 0, .max = 10000000,
     .doc = "Rows of a batch; 0 = all training rows."},
    {.name = "inner_steps", .kind = ET_PARAM_INT, .initial = "1", .min = 1, .max = 10000,
     .doc = "Optimiser steps on each measurement (joint)."},
    {.name = "refresh", .kind = ET_PARAM_BOOL, .initial = "true",
     .doc = "Pass on activities recomputed after the update (joint); false saves a product."},
    {.name = "measurements", .kind = ET_PARAM_INT, .initial = "1", .min = 1, .max = 1000,
     .doc = "How often each training row is measured (greedy): more average over noise."},
    {.name = "evaluate_every", .kind = ET_PARAM_INT, .initial = "0", .min = 0, .max = 1000000,
     .unit = "epochs",
     .doc = "Distance of evaluations; 0 = after the last epoch only (greedy: of each stage). They "
            "cost device passes."},
    {.name = "evaluate_training", .kind = ET_PARAM_BOOL, .initial = "true",
     .doc = "Evaluate the training rows too; false saves device passes."},
    {.name = "optimiser", .kind = ET_PARAM_RECORD, .initial = "{}",
     .fields = et__optimiser_params,
     .doc = "How digital weights move: readouts, heads, biases."},
    {.name = "latent_optimiser", .kind = ET_PARAM_RECORD, .initial = "{}",
     .fields = et__latent_params,
     .doc = "How the latent weights of binary layers move."},
    {0},
};
/* clang-format on */

struct loop {
    struct et__loop common;
    size_t schedule, measurements;
    bool refresh;
};

static void loop_init(struct loop *loop, struct et_trainer *trainer)
{
    const struct et_config *method = trainer->method;
    et__loop_init(&loop->common, trainer);
    loop->common.inner_steps = (size_t)et_config_int(method, "inner_steps");
    loop->schedule = et_config_choice(method, "schedule");
    loop->measurements = (size_t)et_config_int(method, "measurements");
    loop->refresh = et_config_bool(method, "refresh");
}

/* Gradients of stage l on t; dL/dz stays in the stage.  Returns the loss. */
static double differentiate(struct loop *loop, size_t l, struct et_view t, struct et_view h,
                            const int32_t *label)
{
    struct et_trainer *trainer = loop->common.trainer;
    struct et__stage *stage = &trainer->network->stage[l];
    const struct et__objective *objective = trainer->objective;
    struct et_view d = et_view_rows(et_array_view(&stage->d), 0, h.rows);
    double loss = objective->type->loss(objective->state, l, h, label, d);
    et__stage_gradient(trainer->network, l, t, h, d, objective->type->straight_through);
    return loss;
}

/* A binary stage on one batch: the activities of the only pass go on, as they were before the
 * update; recomputing them would cost another. */
static enum et_status binary_stage(struct loop *loop, size_t l, struct et_view *h)
{
    struct et_trainer *trainer = loop->common.trainer;
    const struct et__objective *objective = trainer->objective;
    struct et__stage *stage = &trainer->network->stage[l];
    struct et_step step = et__trainer_step(trainer, l, trainer->sample);
    struct et_view out = et_view_rows(et_array_view(&stage->h), 0, h->rows);
    struct et_view d = et_view_rows(et_array_view(&stage->d), 0, h->rows);
    ET_TRY(et__stage_measure(trainer->network, l, &step, *h));
    et__bits_activate(stage, out);
    double loss = et__is_classes(stage)
                      ? et__bits_loss(out, trainer->label, d)
                      : objective->type->loss(objective->state, l, out, trainer->label, d);
    ET_TRY(et__loop_check_loss(trainer, l, loss));
    trainer->loss_sum[l] += loss;
    et__bits_gradient(trainer->network, l, d);
    et__loop_update(&loop->common, l, false);
    *h = out;
    return ET_OK;
}

/* A stage whose system asks for judgements while it runs, on one batch. */
static enum et_status taught_stage(struct loop *loop, size_t l, struct et_view *h)
{
    struct et_trainer *trainer = loop->common.trainer;
    struct et__stage *stage = &trainer->network->stage[l];
    struct et_step step = et__trainer_step(trainer, l, trainer->sample);
    struct et_view t = et_view_rows(et_array_view(&stage->t), 0, h->rows);
    struct et_view out = et_view_rows(et_array_view(&stage->h), 0, h->rows);
    double loss;
    ET_TRY(et__knobs_teach(trainer, l, &step, *h, &loss));
    trainer->loss_sum[l] += loss;
    et__loop_update(&loop->common, l, false);
    ET_TRY(et__knobs_update(trainer, l, et__loop_progress(&loop->common), trainer->updates[l]));
    et__stage_assemble(stage, *h, t);
    et__trainer_dropout(trainer, l, t);
    et__stage_readout(trainer->network, l, t, out);
    *h = out;
    return ET_OK;
}

/* Stage l on one batch; h comes in and leaves as the stage's activities. */
static enum et_status joint_stage(struct loop *loop, size_t l, struct et_view *h)
{
    struct et_trainer *trainer = loop->common.trainer;
    struct et__network *network = trainer->network;
    struct et__stage *stage = &network->stage[l];
    if (et__is_binary(stage)) return binary_stage(loop, l, h);
    if (et__knobs_learn(stage, ET__KNOBS_TEACH)) return taught_stage(loop, l, h);
    struct et_step step = et__trainer_step(trainer, l, trainer->sample);
    struct et_view t = et_view_rows(et_array_view(&stage->t), 0, h->rows);
    struct et_view out = et_view_rows(et_array_view(&stage->h), 0, h->rows);
    bool vjp = et__knobs_learn(stage, ET__KNOBS_VJP), spsa = et__knobs_learn(stage, ET__KNOBS_SPSA);
    if (spsa) ET_TRY(et__knobs_probe(trainer, l, *h));
    ET_TRY(et__stage_measure(network, l, &step, *h));
    et__stage_assemble(stage, *h, t);
    et__trainer_dropout(trainer, l, t);
    for (size_t k = 0; k < loop->common.inner_steps; k++) {
        et__stage_readout(network, l, t, out);
        double loss = differentiate(loop, l, t, out, trainer->label);
        ET_TRY(et__loop_check_loss(trainer, l, loss));
        if (k == 0) trainer->loss_sum[l] += loss;
        if (k == 0 && vjp)
            ET_TRY(et__knobs_gradient(trainer, l, &step, *h,
                                      et_view_rows(et_array_view(&stage->d), 0, h->rows)));
        et__loop_update(&loop->common, l, false);
    }
    if (vjp || spsa)
        ET_TRY(et__knobs_update(trainer, l, et__loop_progress(&loop->common),
                                trainer->updates[l] / loop->common.inner_steps));
    bool needed = l + 1 < network->n_stages || loop->common.neutral;
    if (loop->refresh && needed) et__stage_readout(network, l, t, out);
    *h = out;
    return ET_OK;
}

/* The classifier that reads activities under a neutral label learns from the same rows. */
static enum et_status learn_neutral(struct loop *loop, size_t n)
{
    struct et_trainer *trainer = loop->common.trainer;
    struct et__objective *objective = trainer->objective;
    size_t stages = trainer->network->n_stages, classes = trainer->features->n_classes;
    struct et_view score = et_view_rows(et_array_view(&trainer->score), 0, n);
    struct et_view h = et_view_rows(et_array_view(&trainer->h0), 0, n);
    memset(score.data, 0, n * classes * sizeof *score.data);
    for (size_t i = 0; i < n; i++)
        trainer->label[i] = ET__LABEL_NEUTRAL;
    et__loop_fill(&loop->common, n, h);
    ET_TRY(et__network_fold(trainer->network));
    trainer->at.sweep++;
    for (size_t l = 0; l < stages; l++) {
        ET_TRY(et__trainer_stage(trainer, l, h, trainer->sample, &h));
        objective->type->score(objective->state, l, h, score);
    }
    for (size_t i = 0; i < n; i++)
        trainer->label[i] = trainer->features->dataset->label[trainer->row[i]];
    et__cross_entropy(score, trainer->label);
    for (size_t l = 0; l < stages; l++) {
        struct et__stage *stage = &trainer->network->stage[l];
        h = et_view_rows(et_array_view(&stage->h), 0, n);
        objective->type->learn_score(objective->state, l, h, score);
        et__loop_update(&loop->common, l, true);
    }
    return ET_OK;
}

static enum et_status joint_batch(struct et__loop *common)
{
    struct loop *loop = (struct loop *)common; /* its first member */
    struct et_trainer *trainer = common->trainer;
    struct et_view h;
    size_t n = et__loop_gather(common, &h);
    trainer->at.sweep += et__knobs_probes(trainer->network); /* they come before the pass itself */
    for (size_t l = 0; l < trainer->network->n_stages; l++)
        ET_TRY(joint_stage(loop, l, &h));
    if (common->neutral) ET_TRY(learn_neutral(loop, n));
    trainer->at.sweep++;
    return ET_OK;
}

/* Activities that enter the stage being trained, for stored rows [first, first + n): the data for
 * the first stage, otherwise what the stage before makes of its stored measurements. */
static struct et_view greedy_input(struct loop *loop, const struct et_array *before, size_t first,
                                   size_t n)
{
    struct et_trainer *trainer = loop->common.trainer;
    size_t l = trainer->at.stage;
    if (l == 0) {
        struct et_view h = et_view_rows(et_array_view(&trainer->h0), 0, n);
        et__features_fill(trainer->features, trainer->row, trainer->label, n, h);
        return h;
    }
    struct et__stage *stage = &trainer->network->stage[l - 1];
    struct et_view h = et_view_rows(et_array_view(&stage->h), 0, n);
    et__stage_readout(trainer->network, l - 1, et_view_rows(et_array_view(before), first, n), h);
    return h;
}

/* All inputs of the stage, one row per stored row. */
static enum et_status greedy_inputs(struct loop *loop, const struct et_array *before,
                                    struct et_array *inputs)
{
    struct et_trainer *trainer = loop->common.trainer;
    size_t chunk = trainer->plan.rows_max, n_train = trainer->split->n_train;
    ET_TRY(et_array_create(inputs, loop->common.n_rows,
                           trainer->network->stage[trainer->at.stage].n_h));
    for (size_t first = 0; first < loop->common.n_rows; first += chunk) {
        size_t n = loop->common.n_rows - first < chunk ? loop->common.n_rows - first : chunk;
        for (size_t i = 0; i < n; i++) {
            trainer->row[i] = trainer->split->train[(first + i) % n_train];
            trainer->label[i] = trainer->features->dataset->label[trainer->row[i]];
        }
        struct et_view h = greedy_input(loop, before, first, n);
        et_view_copy(et_view_rows(et_array_view(inputs), first, n), h);
    }
    return ET_OK;
}

/* Measures all rows of `inputs` into raw [rows][n_out].  Repetition k of a row is sweep k. */
static enum et_status greedy_measure(struct loop *loop, const struct et_array *inputs,
                                     struct et_array *raw)
{
    struct et_trainer *trainer = loop->common.trainer;
    size_t l = trainer->at.stage, n_train = trainer->split->n_train;
    struct et__stage *stage = &trainer->network->stage[l];
    if (stage->system == NULL) return ET_OK;
    ET_TRY(et_array_create(raw, loop->common.n_rows, stage->n_out));
    for (size_t k = 0; k < loop->measurements; k++, trainer->at.sweep++) {
        struct et_step step = et__trainer_step(trainer, l, trainer->sample);
        for (size_t first = 0; first < n_train; first += trainer->plan.rows_max) {
            size_t left = n_train - first;
            size_t n = left < trainer->plan.rows_max ? left : trainer->plan.rows_max;
            for (size_t i = 0; i < n; i++)
                trainer->sample[i] = trainer->split->train[first + i];
            size_t at = k * n_train + first;
            ET_TRY(et__stage_measure(trainer->network, l, &step,
                                     et_view_rows(et_array_view(inputs), at, n)));
            et_view_copy(et_view_rows(et_array_view(raw), at, n),
                         et_view_rows(et_array_view(&stage->a), 0, n));
        }
    }
    return ET_OK;
}

/* Builds trainer->stored for the stage at.stage: what its readout will learn from. */
static enum et_status greedy_store(struct loop *loop)
{
    struct et_trainer *trainer = loop->common.trainer;
    struct et__stage *stage = &trainer->network->stage[trainer->at.stage];
    struct et_array before = trainer->stored, inputs = {0}, raw = {0};
    trainer->stored = (struct et_array){0};
    enum et_status status = greedy_inputs(loop, &before, &inputs);
    if (status != ET_OK) goto out;
    status = et__stage_fit_drive(stage, et_array_view(&inputs), NULL, loop->common.n_rows);
    if (status != ET_OK) goto out;
    status = greedy_measure(loop, &inputs, &raw);
    if (status != ET_OK) goto out;
    if (stage->system != NULL)
        status = et__stage_fit_output(stage, et_array_view(&raw), NULL, loop->common.n_rows);
    if (status != ET_OK) goto out;
    status = et_array_create(&trainer->stored, loop->common.n_rows, stage->n_t);
    if (status != ET_OK) goto out;
    for (size_t first = 0; first < loop->common.n_rows; first += trainer->plan.rows_max) {
        size_t left = loop->common.n_rows - first;
        size_t n = left < trainer->plan.rows_max ? left : trainer->plan.rows_max;
        if (stage->system != NULL)
            et_view_copy(et_view_rows(et_array_view(&stage->a), 0, n),
                         et_view_rows(et_array_view(&raw), first, n));
        et__stage_assemble(stage, et_view_rows(et_array_view(&inputs), first, n),
                           et_view_rows(et_array_view(&trainer->stored), first, n));
    }
out:
    et_array_destroy(&before);
    et_array_destroy(&inputs);
    et_array_destroy(&raw);
    return status;
}

static enum et_status greedy_batch(struct loop *loop, const size_t *order)
{
    struct et_trainer *trainer = loop->common.trainer;
    size_t l = trainer->at.stage, n_train = trainer->split->n_train;
    struct et__stage *stage = &trainer->network->stage[l];
    size_t first = trainer->at.batch * loop->common.batch, left = loop->common.n_rows - first;
    size_t n = left < loop->common.batch ? left : loop->common.batch;
    struct et_view t = et_view_rows(et_array_view(&stage->t), 0, n);
    struct et_view h = et_view_rows(et_array_view(&stage->h), 0, n);
    for (size_t i = 0; i < n; i++) {
        size_t row = order[first + i];
        trainer->row[i] = row;
        trainer->label[i] = trainer->features->dataset->label[trainer->split->train[row % n_train]];
        memcpy(t.data + i * t.stride, trainer->stored.data + row * t.cols, t.cols * sizeof *t.data);
    }
    uint64_t seed = et_rng_derive(trainer->seed, l);
    et__stage_dropout(stage, t, seed, (uint32_t)trainer->updates[l], trainer->row);
    et__stage_readout(trainer->network, l, t, h);
    double loss = differentiate(loop, l, t, h, trainer->label);
    et__loop_update(&loop->common, l, false);
    trainer->loss_sum[l] += loss;
    return et__loop_check_loss(trainer, l, loss);
}

/* A checkpoint may come from other data or be damaged: are the measurements those of this stage? */
static enum et_status check_stored(const struct loop *loop)
{
    const struct et_trainer *trainer = loop->common.trainer;
    const struct et__position *at = &trainer->at;
    if (at->stage == trainer->network->n_stages || (at->epoch == 0 && at->batch == 0 && !at->stage))
        return ET_OK;
    size_t l = at->epoch == 0 && at->batch == 0 ? at->stage - 1 : at->stage;
    size_t cols = trainer->network->stage[l].n_t;
    if (trainer->stored.rows == loop->common.n_rows && trainer->stored.cols == cols) return ET_OK;
    return et_error_set(ET_FORMAT,
                        "the checkpoint holds %zu x %zu stored measurements, layer %zu needs "
                        "%zu x %zu",
                        trainer->stored.rows, trainer->stored.cols, l, loop->common.n_rows, cols);
}

static enum et_status train_greedy(struct loop *loop)
{
    struct et_trainer *trainer = loop->common.trainer;
    struct et__position *at = &trainer->at;
    ET_TRY(check_stored(loop));
    size_t *order = et_alloc(loop->common.n_rows, sizeof *order);
    if (order == NULL) return ET_NOMEM;
    enum et_status status = ET_OK;
    for (; at->stage < trainer->network->n_stages; at->stage++, at->epoch = 0) {
        bool begins = at->epoch == 0 && at->batch == 0;
        if (begins && (status = greedy_store(loop)) != ET_OK) goto out;
        while (at->epoch < loop->common.epochs) {
            et__loop_shuffle(&loop->common, order);
            while (at->batch < loop->common.n_batches) {
                if ((status = greedy_batch(loop, order)) != ET_OK) goto out;
                at->batch++;
                if ((status = trainer->tick(trainer)) != ET_OK) goto out;
            }
            et__loop_close_epoch(&loop->common, at->stage);
            at->batch = 0;
            at->epoch++;
            if (!et__loop_evaluates(&loop->common)) continue;
            double epochs = (double)(at->stage * loop->common.epochs + at->epoch);
            status = et__trainer_evaluate(trainer, at->stage + 1, epochs);
            if (status != ET_OK) goto out;
        }
    }
out:
    if (status != ET_OK && status != ET_INTERRUPTED)
        et_error_while("training layer %zu, epoch %zu", (size_t)at->stage, (size_t)at->epoch);
    et_free(order);
    return status;
}

static enum et_status check(const struct loop *loop)
{
    const struct et_trainer *trainer = loop->common.trainer;
    const struct et_config *method = trainer->method;
    if (loop->schedule == GREEDY && loop->common.contrastive)
        return et_config_error(method, "schedule",
                               "greedy stores one measurement per row, but objective '%s' needs "
                               "new wrong labels in every epoch; use joint",
                               trainer->objective->type->name);
    for (size_t l = 0; l < trainer->network->n_stages; l++) {
        const struct et__stage *stage = &trainer->network->stage[l];
        if (et__is_binary(stage) && loop->schedule == GREEDY)
            return et_config_error(method, "schedule",
                                   "binary layer %zu learns inside its system, so its measurements "
                                   "cannot be stored: use joint",
                                   l);
        if (stage->knobs.rule != ET__KNOBS_FIXED && loop->schedule == GREEDY)
            return et_config_error(method, "schedule",
                                   "the knobs of layer %zu learn, so its measurements cannot be "
                                   "stored: use joint",
                                   l);
        ET_TRY(et__knobs_check(stage, l));
        if (et__knobs_learn(stage, ET__KNOBS_TEACH) && loop->common.inner_steps > 1)
            return et_config_error(method, "inner_steps",
                                   "layer %zu is taught while it is measured: use 1", l);
        if (et__is_binary(stage) && loop->common.inner_steps > 1)
            return et_config_error(method, "inner_steps",
                                   "every step of binary layer %zu needs a measurement of its own: "
                                   "use 1",
                                   l);
        /* A network that is trained on has its fits. */
        bool unfitted = (et__stage_fits_drive(stage) && stage->drive_fit.n == 0) ||
                        (et__stage_fits_output(stage) && stage->output_fit.n == 0);
        if (loop->schedule == JOINT && unfitted)
            return et_config_error(method, "schedule",
                                   "layer %zu has a drive or output scaling that is fitted on "
                                   "stored measurements: use schedule greedy, or drive none or "
                                   "unit-norm with output none",
                                   l);
    }
    return ET_OK;
}

static enum et_status forward_forward_train(struct et_trainer *trainer)
{
    struct loop loop;
    loop_init(&loop, trainer);
    ET_TRY(check(&loop));
    ET_TRY(loop.schedule == GREEDY ? train_greedy(&loop) : et__loop_run(&loop.common, joint_batch));
    trainer->at.done = 1;
    return ET_OK;
}

const struct et_method_type et_method_forward_forward = {
    .name = "forward-forward",
    .summary = "every stage learns from its own activities; no model of the hardware",
    .params = params,
    .needs = 0,
    .train = forward_forward_train,
};
