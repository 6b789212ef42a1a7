/* SPDX-License-Identifier: Apache-2.0
 *
 * backprop: the comparison that a local rule has to stand.  The same binary stages, the same
 * forward passes through the device, the same heads and optimisers, but one loss, that of the last
 * stage before the classes, whose gradient goes through all stages:
 *
 *     dh_{l-1} = W_l^T da_l       with da_l as in binary_stage.h
 *
 * That needs a model of the device: here the binary layer itself, y = W x, which is exact for an
 * ideal one.  A layer of role `classes` learns on top from its own loss, as with a local rule. */
#include "binary_stage.h"
#include "loop.h"

/* clang-format off */
static const struct et_param params[] = {
    {.name = "objective", .kind = ET_PARAM_TYPE, .initial = NULL, .choices = "objective",
     .doc = "The loss, of the last binary layer that is not the classes; its gradient goes through "
            "all layers."},
    {.name = "epochs", .kind = ET_PARAM_INT, .initial = "100", .min = 1, .max = 1000000,
     .doc = "Passes over the training rows."},
    {.name = "batch", .kind = ET_PARAM_INT, .initial = "0", .min = 0, .max = 10000000,
     .doc = "Rows of a batch; 0 = all training rows."},
    {.name = "evaluate_every", .kind = ET_PARAM_INT, .initial = "0", .min = 0, .max = 1000000,
     .unit = "epochs", .doc = "Distance of evaluations; 0 = after the last epoch only."},
    {.name = "evaluate_training", .kind = ET_PARAM_BOOL, .initial = "true",
     .doc = "Evaluate the training rows too; false saves device passes."},
    {.name = "optimiser", .kind = ET_PARAM_RECORD, .initial = "{}",
     .fields = et__optimiser_params, .doc = "How heads and biases move."},
    {.name = "latent_optimiser", .kind = ET_PARAM_RECORD, .initial = "{}",
     .fields = et__latent_params, .doc = "How the latent weights of binary layers move."},
    {0},
};
/* clang-format on */

/* All passes of a batch; the activities stay in the stages. */
static enum et_status forward(struct et_trainer *trainer, struct et_view h)
{
    struct et__network *network = trainer->network;
    for (size_t l = 0; l < network->n_stages; l++) {
        struct et__stage *stage = &network->stage[l];
        struct et_step step = et__trainer_step(trainer, l, trainer->sample);
        struct et_view out = et_view_rows(et_array_view(&stage->h), 0, h.rows);
        ET_TRY(et__stage_measure(network, l, &step, h));
        /* A control has no weights, its model has. */
        if (stage->system != stage->physical) et__bits_weights(stage);
        et__bits_activate(stage, out);
        h = out;
    }
    return ET_OK;
}

/* Gradients of stages `last` down to 0, from the loss of `last`; updates come after all of them. */
static enum et_status backward(struct et_trainer *trainer, size_t rows)
{
    struct et__network *network = trainer->network;
    const struct et__objective *objective = trainer->objective;
    size_t last = network->n_scored - 1;
    struct et__stage *stage = &network->stage[last];
    struct et_view h = et_view_rows(et_array_view(&stage->h), 0, rows);
    struct et_view d = et_view_rows(et_array_view(&stage->d), 0, rows);
    double loss = objective->type->loss(objective->state, last, h, trainer->label, d);
    ET_TRY(et__loop_check_loss(trainer, last, loss));
    trainer->loss_sum[last] += loss;
    for (size_t l = last;; l--) {
        et__bits_gradient(network, l, d);
        if (l == 0) return ET_OK;
        /* Activities low and high are inputs -1 and 1. */
        const struct et__bits *bits = &network->stage[l - 1].bits;
        float slope = 2 / (bits->high - bits->low);
        struct et_view below = et_view_rows(et_array_view(&network->stage[l - 1].d), 0, rows);
        et_gemm(ET_PLAIN, ET_PLAIN, slope, d, et_array_view(&network->stage[l].bits.weight), 0,
                below);
        network->digital_macs += (double)rows * (double)network->stage[l].n_in * (double)d.cols;
        d = below;
    }
}

static enum et_status learn_classes(struct et_trainer *trainer, size_t rows)
{
    struct et__network *network = trainer->network;
    size_t l = network->n_stages - 1;
    if (!et__network_has_classes(network)) return ET_OK;
    struct et_view h = et_view_rows(et_array_view(&network->stage[l].h), 0, rows);
    struct et_view d = et_view_rows(et_array_view(&network->stage[l].d), 0, rows);
    double loss = et__bits_loss(h, trainer->label, d);
    ET_TRY(et__loop_check_loss(trainer, l, loss));
    trainer->loss_sum[l] += loss;
    et__bits_gradient(network, l, d);
    return ET_OK;
}

static enum et_status batch(struct et__loop *loop)
{
    struct et_trainer *trainer = loop->trainer;
    struct et_view h;
    et__loop_gather(loop, &h);
    ET_TRY(forward(trainer, h));
    ET_TRY(backward(trainer, h.rows));
    ET_TRY(learn_classes(trainer, h.rows));
    for (size_t l = 0; l < trainer->network->n_stages; l++)
        et__loop_update(loop, l, false);
    trainer->at.sweep++;
    return ET_OK;
}

static enum et_status backprop_train(struct et_trainer *trainer)
{
    struct et__loop loop;
    for (size_t l = 0; l < trainer->network->n_stages; l++)
        if (!et__is_binary(&trainer->network->stage[l]))
            return et_config_error(trainer->method, NULL,
                                   "backprop has a model of binary layers alone, and layer %zu is "
                                   "none",
                                   l);
    et__loop_init(&loop, trainer);
    if (loop.neutral)
        return et_config_error(trainer->method, "objective",
                               "a classifier apart, under a neutral label, is trained by "
                               "forward-forward alone");
    ET_TRY(et__loop_run(&loop, batch));
    trainer->at.done = 1;
    return ET_OK;
}

const struct et_method_type et_method_backprop = {
    .name = "backprop",
    .summary = "one loss through all binary layers, for comparison; needs a model of the device",
    .params = params,
    .needs = 0,
    .train = backprop_train,
};
