/* SPDX-License-Identifier: Apache-2.0
 *
 * Epochs and batches: order, rows, updates, evaluations. */
#include "loop.h"

#include "binary_stage.h"

#include <etalon/rng.h>

#include <math.h>
#include <string.h>

/* Greedy schedule of forward-forward: rows stored once or more, stage after stage. */
static bool is_greedy(const struct et_config *method)
{
    return strcmp(et_config_type(method), "forward-forward") == 0 &&
           strcmp(et_config_string(method, "schedule"), "greedy") == 0;
}

struct et__plan et__plan_make(const struct et_config *method, size_t n_stages, size_t n_train,
                              bool contrastive)
{
    size_t epochs = (size_t)et_config_int(method, "epochs");
    size_t batch = (size_t)et_config_int(method, "batch");
    size_t every = (size_t)et_config_int(method, "evaluate_every");
    bool greedy = is_greedy(method);
    size_t rows = greedy ? n_train * (size_t)et_config_int(method, "measurements") : n_train;
    if (batch == 0 || batch > rows) batch = rows;
    size_t n_batches = (rows + batch - 1) / batch;
    size_t evals = every == 0 ? 1 : (epochs + every - 1) / every;
    struct et__plan plan = {
        .epochs = epochs,
        .evals = greedy ? n_stages * evals : evals,
        .n_batches = n_batches,
        .steps = epochs * n_batches * (greedy ? n_stages : 1),
        .rows = rows,
        .batch = batch,
        .rows_max = contrastive ? 2 * batch : batch,
        .test_only = !et_config_bool(method, "evaluate_training"),
        .last_only = strcmp(et_config_type(method), "backprop") == 0,
        .losses = n_stages,
    };
    enum { CHUNK = 256 }; /* rows of a prediction or a greedy measurement */
    if (plan.rows_max < CHUNK) plan.rows_max = CHUNK;
    return plan;
}

void et__loop_init(struct et__loop *loop, struct et_trainer *trainer)
{
    const struct et_config *method = trainer->method;
    const struct et__objective *objective = trainer->objective;
    *loop = (struct et__loop){
        .trainer = trainer,
        .epochs = trainer->plan.epochs,
        .batch = trainer->plan.batch,
        .inner_steps = 1,
        .evaluate_every = (size_t)et_config_int(method, "evaluate_every"),
        .n_rows = trainer->plan.rows,
        .n_batches = trainer->plan.n_batches,
        .contrastive = objective->type->contrastive,
        .neutral = objective->type->neutral && objective->type->neutral(objective->state),
    };
    et__optimiser_read(&loop->optimiser, et_config_at(method, "optimiser", 0));
    et__optimiser_read(&loop->latent, et_config_at(method, "latent_optimiser", 0));
}

void et__loop_shuffle(const struct et__loop *loop, size_t *order)
{
    const struct et_trainer *trainer = loop->trainer;
    for (size_t i = 0; i < loop->n_rows; i++)
        order[i] = i;
    uint64_t seed = et_rng_derive(trainer->seed, trainer->at.stage);
    et_rng_shuffle(seed, ET_STREAM_SHUFFLE, (uint32_t)trainer->at.epoch, order, loop->n_rows);
}

/* A wrong class for a row, new in every epoch, uniform over the others. */
static int32_t wrong_label(const struct et_trainer *trainer, size_t row)
{
    uint32_t classes = (uint32_t)trainer->features->n_classes;
    uint32_t right = (uint32_t)trainer->features->dataset->label[row];
    uint32_t shift = et_rng_below(trainer->seed, ET_STREAM_NEGATIVE, (uint32_t)trainer->at.epoch,
                                  row, classes - 1);
    return (int32_t)((right + 1 + shift) % classes);
}

void et__loop_fill(const struct et__loop *loop, size_t n, struct et_view h)
{
    const struct et_trainer *trainer = loop->trainer;
    const struct et__features *features = trainer->features;
    et__features_fill(features, trainer->row, trainer->label, n, h);
    et__features_shake(features, trainer->seed, (uint32_t)trainer->at.epoch, trainer->row, n, h);
}

/* The identity of a wrong sample is beyond all rows, so that its noise is its own. */
size_t et__loop_gather(struct et__loop *loop, struct et_view *h)
{
    struct et_trainer *trainer = loop->trainer;
    size_t all = trainer->features->dataset->x.rows;
    size_t first = trainer->at.batch * loop->batch, left = loop->n_rows - first;
    size_t n = left < loop->batch ? left : loop->batch, rows = loop->contrastive ? 2 * n : n;
    for (size_t i = 0; i < n; i++) {
        size_t row = trainer->split->train[trainer->order[first + i]];
        trainer->sample[i] = trainer->row[i] = row;
        trainer->label[i] = trainer->features->dataset->label[row];
        if (!loop->contrastive) continue;
        trainer->row[n + i] = row;
        trainer->sample[n + i] = all + row;
        trainer->label[n + i] = wrong_label(trainer, row);
    }
    *h = et_view_rows(et_array_view(&trainer->h0), 0, rows);
    et__loop_fill(loop, rows, *h);
    return n;
}

double et__loop_progress(const struct et__loop *loop)
{
    const struct et__position *at = &loop->trainer->at;
    double done = (double)at->epoch + (double)at->batch / (double)loop->n_batches;
    return done / (double)loop->epochs;
}

void et__loop_update(struct et__loop *loop, size_t l, bool scores)
{
    struct et_trainer *trainer = loop->trainer;
    struct et__stage *stage = &trainer->network->stage[l];
    double progress = et__loop_progress(loop);
    double rate = et__optimiser_rate(&loop->optimiser, progress);
    /* A classifier that is apart steps once while the readout takes its inner steps. */
    uint64_t count = trainer->updates[l] / loop->inner_steps;
    if (!scores) {
        bool binary = et__is_binary(stage);
        const struct et__optimiser *own = binary ? &loop->latent : &loop->optimiser;
        count = ++trainer->updates[l];
        if (!stage->bits.freeze && !et__stage_is_direct(stage)) {
            et__optimiser_step(own, &stage->weight, et__optimiser_rate(own, progress), count);
            et__optimiser_step(&loop->optimiser, &stage->bias, rate, count);
        }
        if (binary && !stage->bits.freeze) {
            et__bits_clip(stage);
            et__network_touch(trainer->network, stage);
        }
    }
    if (scores != loop->neutral || l >= trainer->network->n_scored) return;
    struct et_tensor *tensor;
    for (size_t i = 0; (tensor = et__objective_tensor(trainer->objective, l, i)) != NULL; i++)
        et__optimiser_step(&loop->optimiser, tensor, rate, count);
}

enum et_status et__loop_check_loss(const struct et_trainer *trainer, size_t l, double loss)
{
    if (isfinite(loss)) return ET_OK;
    return et_error_set(ET_NUMERIC,
                        "the loss of layer %zu is not finite in epoch %zu, batch %zu; a smaller "
                        "learning rate may help",
                        l, (size_t)trainer->at.epoch, (size_t)trainer->at.batch);
}

void et__loop_close_epoch(struct et__loop *loop, size_t l)
{
    struct et_trainer *trainer = loop->trainer;
    trainer->loss[trainer->at.epoch * trainer->network->n_stages + l] =
        trainer->loss_sum[l] / (double)loop->n_batches;
    trainer->loss_sum[l] = 0;
}

bool et__loop_evaluates(const struct et__loop *loop)
{
    uint64_t epoch = loop->trainer->at.epoch;
    return epoch == loop->epochs || (loop->evaluate_every > 0 && epoch % loop->evaluate_every == 0);
}

/* Binary stages of the rule BiPer begin in software. */
static void set_soft(struct et__loop *loop)
{
    struct et__network *network = loop->trainer->network;
    double epoch = (double)loop->trainer->at.epoch, epochs = (double)loop->epochs;
    for (size_t l = 0; l < network->n_stages; l++) {
        struct et__stage *stage = &network->stage[l];
        if (et__is_binary(stage)) stage->bits.soft = epoch < floor(stage->bits.soft_share * epochs);
    }
}

enum et_status et__loop_run(struct et__loop *loop, enum et_status (*batch)(struct et__loop *loop))
{
    struct et_trainer *trainer = loop->trainer;
    struct et__position *at = &trainer->at;
    while (at->epoch < loop->epochs) {
        set_soft(loop);
        et__loop_shuffle(loop, trainer->order);
        while (at->batch < loop->n_batches) {
            ET_TRY_WHILE(batch(loop), "training epoch %zu, batch %zu", (size_t)at->epoch,
                         (size_t)at->batch);
            at->batch++;
            ET_TRY(trainer->tick(trainer));
        }
        for (size_t l = 0; l < trainer->network->n_stages; l++)
            et__loop_close_epoch(loop, l);
        at->batch = 0;
        at->epoch++;
        if (et__loop_evaluates(loop))
            ET_TRY(et__trainer_evaluate(trainer, trainer->network->n_stages, (double)at->epoch));
    }
    return ET_OK;
}
