/* SPDX-License-Identifier: Apache-2.0
 *
 * Knobs that are taught: the system asks for a judgement of its outputs while it runs, at each of
 * its time steps, and readout and objective learn from the same judgements. */
#include "knobs.h"

#include <string.h>

/* Tensors beside the knobs that learn from the judgements of stage l; NULL past the last. */
static struct et_tensor *beside(struct et_trainer *trainer, size_t l, size_t i)
{
    struct et__stage *stage = &trainer->network->stage[l];
    size_t own = et__stage_is_direct(stage) ? 0 : 2;
    if (i < own) return i == 0 ? &stage->weight : &stage->bias;
    struct et_tensor *tensor;
    for (size_t k = 0; (tensor = et__objective_tensor(trainer->objective, l, k)) != NULL; k++)
        if (tensor->gradient != NULL && own++ == i) return tensor;
    return NULL;
}

/* Each judgement overwrites the gradients beside: adds a share of them to what there is after t
 * judgements. */
static void add_gradients(struct et_trainer *trainer, size_t l, size_t t, float share)
{
    float *sum = trainer->network->stage[l].knobs.sums;
    struct et_tensor *tensor;
    for (size_t i = 0; (tensor = beside(trainer, l, i)) != NULL; i++) {
        size_t n = tensor->rows * tensor->cols;
        for (size_t j = 0; j < n; j++)
            sum[j] = (t > 0 ? sum[j] : 0) + share * tensor->gradient[j];
        sum += n;
    }
}

static void give_gradients_back(struct et_trainer *trainer, size_t l)
{
    const float *sum = trainer->network->stage[l].knobs.sums;
    struct et_tensor *tensor;
    for (size_t i = 0; (tensor = beside(trainer, l, i)) != NULL; i++) {
        size_t n = tensor->rows * tensor->cols;
        memcpy(tensor->gradient, sum, n * sizeof *sum);
        sum += n;
    }
}

/* As large as all gradients together; their number is known when the first batch comes. */
static enum et_status make_sums(struct et_trainer *trainer, size_t l)
{
    float **sums = &trainer->network->stage[l].knobs.sums;
    if (*sums != NULL) return ET_OK;
    size_t n = 0;
    struct et_tensor *tensor;
    for (size_t i = 0; (tensor = beside(trainer, l, i)) != NULL; i++)
        n += tensor->rows * tensor->cols;
    *sums = et_alloc(n > 0 ? n : 1, sizeof **sums);
    return *sums ? ET_OK : ET_NOMEM;
}

struct lesson {
    struct et_trainer *trainer;
    size_t l;
    struct et_view h;
    double loss;
};

/* Outputs of one time step: through scaling and readout to the objective and back. */
static enum et_status judge(void *user, size_t t, size_t n_steps, struct et_view y,
                            struct et_view dy)
{
    struct lesson *lesson = user;
    struct et_trainer *trainer = lesson->trainer;
    size_t l = lesson->l, rows = y.rows;
    struct et__network *network = trainer->network;
    struct et__stage *stage = &network->stage[l];
    const struct et__objective *objective = trainer->objective;
    struct et_view seen = et_view_rows(et_array_view(&stage->t), 0, rows);
    struct et_view out = et_view_rows(et_array_view(&stage->h), 0, rows);
    struct et_view d = et_view_rows(et_array_view(&stage->d), 0, rows);
    struct et_view dt = et_view_rows(et_array_view(&stage->knobs.dt), 0, rows);
    et_view_copy(et_view_rows(et_array_view(&stage->a), 0, rows), y);
    et__stage_assemble(stage, lesson->h, seen);
    et__trainer_dropout(trainer, l, seen);
    et__stage_readout(network, l, seen, out);
    double loss = objective->type->loss(objective->state, l, out, trainer->label, d);
    ET_TRY(et__loop_check_loss(trainer, l, loss));
    et__stage_gradient(network, l, seen, out, d, objective->type->straight_through);
    et__knobs_back_to_inputs(trainer, l, d, dt);
    et__knobs_back(stage, lesson->h, dt, dy);
    float share = 1.0F / (float)n_steps;
    float *mean = stage->knobs.mean.data;
    for (size_t j = 0; j < rows * stage->n_out; j++) {
        dy.data[j] *= share;
        mean[j] = (t > 0 ? mean[j] : 0) + share * y.data[j];
    }
    add_gradients(trainer, l, t, share);
    lesson->loss += loss / (double)n_steps;
    return ET_OK;
}

/* Statistics that the system has moved itself. */
static enum et_status fetch_kept(struct et__stage *stage)
{
    struct et__knobs *k = &stage->knobs;
    const struct et_knob_block *block;
    for (size_t b = 0; (block = et_system_knob_block(stage->system, b)) != NULL; b++) {
        if (block->kind == ET_KNOB_KEPT) /* the others are as they were set */
            return et_system_get_knobs(stage->system, k->value.value, k->value.cols);
    }
    return ET_OK;
}

enum et_status et__knobs_teach(struct et_trainer *trainer, size_t l, const struct et_step *step,
                               struct et_view h, double *loss)
{
    struct et__stage *stage = &trainer->network->stage[l];
    struct lesson lesson = {trainer, l, h, 0};
    const struct et_teacher teacher = {judge, &lesson};
    ET_TRY(make_sums(trainer, l));
    ET_TRY(et__stage_teach(trainer->network, l, step, h, &teacher, stage->knobs.value.gradient));
    give_gradients_back(trainer, l);
    memcpy(stage->a.data, stage->knobs.mean.data, h.rows * stage->n_out * sizeof(float));
    *loss = lesson.loss;
    return fetch_kept(stage);
}
