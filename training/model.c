/* SPDX-License-Identifier: Apache-2.0
 *
 * The loop over batches for a model: gather rows, step, count losses, evaluate. */
#include "model.h"

#include <etalon/accelerator.h>
#include <etalon/rng.h>

#include <math.h>

enum { CHUNK = 256 }; /* rows of a prediction at least */

const struct et_model_type *et__model_of(const struct et_config *config)
{
    return et__method_find(et_config_type(et_config_at(config, "method", 0)))->model;
}

enum et_status et__model_check_layers(const struct et_config *config)
{
    const char *name = et_config_type(et_config_at(config, "method", 0));
    size_t layers = et_config_count(config, "layers");
    if (et__model_of(config) == NULL && layers == 0)
        return et_config_error(config, "layers", "method '%s' needs at least one layer", name);
    if (et__model_of(config) != NULL && layers > 0)
        return et_config_error(config, "layers",
                               "method '%s' brings its own network: leave out the layers", name);
    return ET_OK;
}

static size_t batch_of(const struct et_model_plan *sizes, size_t n_train)
{
    return sizes->batch == 0 || sizes->batch > n_train ? n_train : sizes->batch;
}

struct et__plan et__model_plan(const struct et_model_type *model, const struct et_config *method,
                               size_t n_train)
{
    struct et_model_plan sizes = model->plan(method);
    size_t every = sizes.evaluate_every, batch = batch_of(&sizes, n_train);
    size_t n_batches = (n_train + batch - 1) / batch;
    return (struct et__plan){
        .epochs = sizes.epochs,
        .evals = every == 0 ? 1 : (sizes.epochs + every - 1) / every,
        .n_batches = n_batches,
        .steps = sizes.epochs * n_batches,
        .batch = batch,
        .rows_max = batch < CHUNK ? CHUNK : batch,
        .losses = sizes.losses,
    };
}

enum et_status et__model_open(struct et_trainer *trainer, const struct et_model_type *model)
{
    struct et_model_shape shape = {
        .n_features = trainer->features->width,
        .n_classes = trainer->features->n_classes,
        .rows_max = trainer->plan.rows_max,
        .seed = et_rng_derive(trainer->seed, 1),
    };
    trainer->model_state = et_alloc(1, model->state_size);
    if (trainer->model_state == NULL) return ET_NOMEM;
    trainer->model = model;
    trainer->model_case = model->cases(trainer->method) - 1;
    return model->open(trainer->model_state, trainer->method, &shape);
}

void et__model_close(struct et_trainer *trainer)
{
    if (trainer->model != NULL) trainer->model->close(trainer->model_state);
    et_free(trainer->model_state);
    trainer->model_state = NULL;
    trainer->model = NULL;
}

enum et_status et__model_counters(struct et_trainer *trainer, struct et_bnn_counters *counters,
                                  bool *counts)
{
    if (trainer->model == NULL || trainer->model->counters == NULL) return ET_OK;
    return trainer->model->counters(trainer->model_state, counters, counts);
}

/* One batch: rows [first, first + n) of the epoch's order. */
static enum et_status train_batch(struct et_trainer *trainer, double *loss)
{
    const struct et_split *split = trainer->split;
    struct et__position *at = &trainer->at;
    size_t first = at->batch * trainer->plan.batch, left = split->n_train - first;
    size_t n = left < trainer->plan.batch ? left : trainer->plan.batch;
    for (size_t i = 0; i < n; i++) {
        trainer->row[i] = split->train[trainer->order[first + i]];
        trainer->label[i] = trainer->features->dataset->label[trainer->row[i]];
    }
    struct et_view x = et_view_rows(et_array_view(&trainer->h0), 0, n);
    et__features_fill(trainer->features, trainer->row, trainer->label, n, x);
    double done = (double)at->epoch + (double)at->batch / (double)trainer->plan.n_batches;
    struct et_model_batch batch = {
        .x = x,
        .label = trainer->label,
        .epoch = at->epoch,
        .progress = done / (double)trainer->plan.epochs,
        .count = trainer->updates,
    };
    ET_TRY(trainer->model->step(trainer->model_state, &batch, loss));
    for (size_t k = 0; k < trainer->plan.losses; k++) {
        if (isinf(loss[k]))
            return et_error_set(ET_NUMERIC,
                                "loss %zu is not finite; a smaller learning rate may help", k);
        trainer->loss_sum[k] += loss[k];
    }
    return ET_OK;
}

static enum et_status train_epoch(struct et_trainer *trainer, double *loss)
{
    struct et__position *at = &trainer->at;
    size_t n = trainer->split->n_train, losses = trainer->plan.losses;
    for (size_t i = 0; i < n; i++)
        trainer->order[i] = i;
    et_rng_shuffle(trainer->seed, ET_STREAM_SHUFFLE, (uint32_t)at->epoch, trainer->order, n);
    while (at->batch < trainer->plan.n_batches) {
        ET_TRY_WHILE(train_batch(trainer, loss), "training epoch %zu, batch %zu", (size_t)at->epoch,
                     (size_t)at->batch);
        at->batch++;
        ET_TRY(trainer->tick(trainer));
    }
    for (size_t k = 0; k < losses; k++) {
        trainer->loss[at->epoch * losses + k] =
            trainer->loss_sum[k] / (double)trainer->plan.n_batches;
        trainer->loss_sum[k] = 0;
    }
    at->batch = 0;
    at->epoch++;
    return ET_OK;
}

enum et_status et__model_train(struct et_trainer *trainer)
{
    size_t every = trainer->model->plan(trainer->method).evaluate_every;
    double *loss = et_alloc(trainer->plan.losses, sizeof *loss);
    if (loss == NULL) return ET_NOMEM;
    enum et_status status = ET_OK;
    while (status == ET_OK && trainer->at.epoch < trainer->plan.epochs) {
        status = train_epoch(trainer, loss);
        uint64_t epoch = trainer->at.epoch;
        bool due = epoch == trainer->plan.epochs || (every > 0 && epoch % every == 0);
        if (status == ET_OK && due) status = et__trainer_evaluate(trainer, 0, (double)epoch);
    }
    et_free(loss);
    if (status == ET_OK) trainer->at.done = 1;
    return status;
}

enum et_status et__model_try_device(const char *uri)
{
    struct et_accelerator *accelerator;
    if (uri[0] == '\0') return ET_OK;
    ET_TRY(et_accelerator_open(uri, NULL, &accelerator));
    et_accelerator_close(accelerator);
    return ET_OK;
}
