/* SPDX-License-Identifier: Apache-2.0
 *
 * What all methods share: passes, predictions, evaluation. */
#include "trainer.h"

#include "binary_stage.h"
#include "results.h"

#include <etalon/rng.h>

#include <math.h>
#include <string.h>

enum et_status et__trainer_open(struct et_trainer *trainer)
{
    size_t losses = trainer->plan.losses, classes = trainer->features->n_classes;
    size_t rows = trainer->plan.rows_max, n = trainer->features->dataset->x.rows;
    trainer->updates = et_alloc(losses, sizeof *trainer->updates);
    trainer->loss_sum = et_alloc(losses, sizeof *trainer->loss_sum);
    trainer->loss = et__table_of_nan(trainer->plan.epochs * losses);
    trainer->train_accuracy = et__table_of_nan(trainer->plan.evals);
    trainer->test_accuracy = et__table_of_nan(trainer->plan.evals);
    trainer->integer_accuracy = et__table_of_nan(trainer->plan.evals);
    trainer->eval_epoch = et__table_of_nan(trainer->plan.evals);
    trainer->confusion = et_alloc(classes * classes, sizeof *trainer->confusion);
    trainer->order = et_alloc(n, sizeof *trainer->order);
    trainer->row = et_alloc(rows, sizeof *trainer->row);
    trainer->label = et_alloc(rows, sizeof *trainer->label);
    trainer->sample = et_alloc(rows, sizeof *trainer->sample);
    if (!trainer->updates || !trainer->loss_sum || !trainer->loss || !trainer->train_accuracy ||
        !trainer->test_accuracy || !trainer->integer_accuracy || !trainer->eval_epoch ||
        !trainer->confusion || !trainer->order || !trainer->row || !trainer->label ||
        !trainer->sample)
        return ET_NOMEM;
    ET_TRY(et_array_create(&trainer->h0, rows, trainer->features->width));
    return et_array_create(&trainer->score, rows, classes);
}

void et__trainer_close(struct et_trainer *trainer)
{
    et_free(trainer->updates);
    et_free(trainer->loss_sum);
    et_free(trainer->loss);
    et_free(trainer->train_accuracy);
    et_free(trainer->test_accuracy);
    et_free(trainer->integer_accuracy);
    et_free(trainer->eval_epoch);
    et_free(trainer->confusion);
    et_free(trainer->order);
    et_free(trainer->row);
    et_free(trainer->label);
    et_free(trainer->sample);
    et_array_destroy(&trainer->h0);
    et_array_destroy(&trainer->score);
    et_array_destroy(&trainer->stored);
}

struct et_step et__trainer_step(const struct et_trainer *trainer, size_t l, const uint64_t *sample)
{
    return (struct et_step){et_rng_derive(trainer->seed, l), (uint32_t)trainer->at.sweep, sample};
}

void et__trainer_dropout(const struct et_trainer *trainer, size_t l, struct et_view t)
{
    et__stage_dropout(&trainer->network->stage[l], t, et_rng_derive(trainer->seed, l),
                      (uint32_t)trainer->at.sweep, trainer->row);
}

enum et_status et__trainer_stage(struct et_trainer *trainer, size_t l, struct et_view h,
                                 const uint64_t *sample, struct et_view *out)
{
    struct et__stage *stage = &trainer->network->stage[l];
    struct et_step step = et__trainer_step(trainer, l, sample);
    *out = et_view_rows(et_array_view(&stage->h), 0, h.rows);
    ET_TRY(et__stage_measure(trainer->network, l, &step, h));
    if (et__is_binary(stage)) {
        et__bits_infer(stage, *out);
        return ET_OK;
    }
    struct et_view t = et_view_rows(et_array_view(&stage->t), 0, h.rows);
    et__stage_assemble(stage, h, t);
    et__stage_readout(trainer->network, l, t, *out);
    return ET_OK;
}

/* One pass of rows through `depth` stages, adding to the scores. */
static enum et_status score_rows(struct et_trainer *trainer, size_t n, size_t depth,
                                 struct et_view score)
{
    struct et__objective *objective = trainer->objective;
    struct et_view h = et_view_rows(et_array_view(&trainer->h0), 0, n);
    et__features_fill(trainer->features, trainer->row, trainer->label, n, h);
    if (trainer->model != NULL)
        return trainer->model->score(trainer->model_state, trainer->model_case, h, score);
    size_t n_scored = trainer->network->n_scored;
    for (size_t l = 0; l < depth; l++) {
        ET_TRY(et__trainer_stage(trainer, l, h, trainer->sample, &h));
        if (trainer->plan.last_only ? l + 1 == n_scored : l < n_scored)
            objective->type->score(objective->state, l, h, score);
    }
    return ET_OK;
}

/* The class of the largest score, -1 when one is not finite: that would look like class 0. */
static int32_t best_class(const float *score, size_t n)
{
    size_t best = 0;
    for (size_t c = 0; c < n; c++) {
        if (!isfinite(score[c])) return -1;
        if (score[c] > score[best]) best = c;
    }
    return (int32_t)best;
}

/* Scores of one chunk of rows; a contrastive objective tries every label, each a sweep of its own
 * that all chunks share. */
static enum et_status score_chunk(struct et_trainer *trainer, size_t n, size_t depth, bool try_all,
                                  uint64_t first_sweep)
{
    size_t classes = trainer->features->n_classes;
    struct et_view score = et_view_rows(et_array_view(&trainer->score), 0, n);
    memset(score.data, 0, n * classes * sizeof *score.data);
    for (size_t c = 0; c < (try_all ? classes : 1); c++) {
        for (size_t i = 0; i < n; i++)
            trainer->label[i] = try_all ? (int32_t)c : ET__LABEL_NEUTRAL;
        trainer->at.sweep = first_sweep + c;
        struct et_view column = try_all ? et_view_cols(score, c, 1) : score;
        ET_TRY(score_rows(trainer, n, depth, column));
    }
    return ET_OK;
}

/* Classes of the chunk at hand by integers alone. */
static void classify(const struct et_trainer *trainer, size_t n, size_t depth, int32_t *integer)
{
    const struct et__network *network = trainer->network;
    if (depth == network->n_stages && et__network_has_classes(network)) {
        et__bits_classify(&network->stage[depth - 1], n, integer);
        return;
    }
    for (size_t i = 0; i < n; i++)
        integer[i] = -1;
}

enum et_status et__trainer_predict(struct et_trainer *trainer, const size_t *row, size_t n,
                                   size_t depth, int32_t *predicted, int32_t *integer)
{
    const struct et__objective *objective = trainer->objective;
    const struct et_objective_type *type = trainer->model ? NULL : objective->type;
    bool neutral = type && type->neutral && type->neutral(objective->state);
    bool try_all = type && type->contrastive && !neutral;
    size_t classes = trainer->features->n_classes, chunk = trainer->plan.rows_max;
    uint64_t first_sweep = trainer->at.sweep;
    ET_TRY(et__network_fold(trainer->network));
    for (size_t first = 0; first < n; first += chunk) {
        size_t m = n - first < chunk ? n - first : chunk;
        for (size_t i = 0; i < m; i++)
            trainer->sample[i] = trainer->row[i] = row[first + i];
        ET_TRY(score_chunk(trainer, m, depth, try_all, first_sweep));
        if (integer != NULL) classify(trainer, m, depth, integer + first);
        for (size_t i = 0; i < m; i++) {
            predicted[first + i] = best_class(trainer->score.data + i * classes, classes);
            if (predicted[first + i] < 0)
                return et_error_set(ET_NUMERIC, "the scores of row %zu are not finite",
                                    row[first + i]);
        }
    }
    trainer->at.sweep = first_sweep + (try_all ? classes : 1);
    return ET_OK;
}

static double share_right(const int32_t *label, const size_t *row, const int32_t *predicted,
                          size_t n)
{
    size_t right = 0;
    for (size_t i = 0; i < n; i++)
        right += predicted[i] == label[row[i]];
    return (double)right / (double)n;
}

enum et_status et__trainer_accuracy(struct et_trainer *trainer, const size_t *row, size_t n,
                                    size_t depth, uint64_t *confusion, double *accuracy)
{
    const int32_t *label = trainer->features->dataset->label;
    int32_t *predicted = et_alloc(2 * n, sizeof *predicted);
    if (predicted == NULL) return ET_NOMEM;
    int32_t *integer = predicted + n;
    enum et_status status = et__trainer_predict(trainer, row, n, depth, predicted, integer);
    for (size_t i = 0; status == ET_OK && confusion != NULL && i < n; i++)
        confusion[(size_t)label[row[i]] * trainer->features->n_classes + (size_t)predicted[i]]++;
    *accuracy = share_right(label, row, predicted, n);
    trainer->by_integers =
        status == ET_OK && integer[0] >= 0 ? share_right(label, row, integer, n) : NAN;
    if (trainer->answer != NULL) memcpy(trainer->answer, predicted, 2 * n * sizeof *predicted);
    et_free(predicted);
    return status;
}

enum et_status et__trainer_evaluate(struct et_trainer *trainer, size_t depth, double epoch)
{
    size_t e = trainer->at.evals, classes = trainer->features->n_classes;
    const struct et_split *split = trainer->split;
    if (e >= trainer->plan.evals)
        return et_error_set(ET_FORMAT, "the checkpoint counts evaluations that have not been");
    memset(trainer->confusion, 0, classes * classes * sizeof *trainer->confusion);
    ET_TRY_WHILE(et__trainer_accuracy(trainer, split->test, split->n_test, depth,
                                      trainer->confusion, &trainer->test_accuracy[e]),
                 "evaluating on the test rows");
    trainer->integer_accuracy[e] = trainer->by_integers;
    if (!trainer->plan.test_only)
        ET_TRY_WHILE(et__trainer_accuracy(trainer, split->train, split->n_train, depth, NULL,
                                          &trainer->train_accuracy[e]),
                     "evaluating on the training rows");
    trainer->eval_epoch[e] = epoch;
    trainer->at.evals++;
    return ET_OK;
}
