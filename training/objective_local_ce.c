/* SPDX-License-Identifier: Apache-2.0
 *
 * local-ce: each stage has its own linear classifier on its activities and learns by softmax
 * cross-entropy; single pass, no negatives.
 *
 *     logits = h M^T + c,   L = -log softmax(logits)[label]
 *
 * Source: the per-layer projection with local cross-entropy of Mono-Forward (arXiv 2501.09238). */
#include "objective.h"

#include <etalon/rng.h>

#include <math.h>
#include <string.h>

enum { PREDICT_LAST, PREDICT_SUM };

struct local_ce {
    size_t n_stages;
    size_t predict;
    bool outputs;            /* of the last stage are its logits */
    struct et_tensor *head;  /* [n_stages], each [n_classes][width] */
    struct et_tensor *shift; /* [n_stages], each [1][n_classes] */
    struct et_array logits;  /* [rows_max][n_classes] */
};

/* clang-format off */
static const struct et_param params[] = {
    {.name = "predict", .kind = ET_PARAM_CHOICE, .initial = "last", .choices = "last|sum",
     .doc = "Predict by the last stage's classifier or by the sum of all stages' logits."},
    {.name = "head", .kind = ET_PARAM_CHOICE, .initial = "learned", .choices = "learned|outputs",
     .doc = "outputs: the activities of the last stage are the logits, one for each class."},
    {0},
};
/* clang-format on */

static enum et_status local_ce_open(void *state, const struct et_config *config,
                                    const struct et_objective_shape *shape)
{
    struct local_ce *o = state;
    o->predict = et_config_choice(config, "predict");
    o->head = et_alloc(shape->n_stages, sizeof *o->head);
    o->shift = et_alloc(shape->n_stages, sizeof *o->shift);
    if (o->head == NULL || o->shift == NULL) return ET_NOMEM;
    o->n_stages = shape->n_stages;
    ET_TRY(et_array_create(&o->logits, shape->rows_max, shape->n_classes));
    o->outputs = et_config_choice(config, "head") == 1;
    if (o->outputs && shape->width[o->n_stages - 1] != shape->n_classes)
        return et_config_error(config, "head",
                               "the last stage has %zu activities, but there are %zu classes",
                               shape->width[o->n_stages - 1], shape->n_classes);
    for (size_t l = 0; l < o->n_stages; l++) {
        size_t width = shape->width[l], n = shape->n_classes * width;
        ET_TRY(et_tensor_create(&o->head[l], "head", shape->n_classes, width, 1));
        ET_TRY(et_tensor_create(&o->shift[l], "head_bias", 1, shape->n_classes, 1));
        et_rng_fill_normal(et_rng_derive(shape->seed, l), ET_STREAM_INIT, 0, 0, o->head[l].value,
                           n);
        float scale = 1.0F / sqrtf((float)width);
        for (size_t k = 0; k < n; k++)
            o->head[l].value[k] *= scale;
    }
    return ET_OK;
}

static bool is_headless(const struct local_ce *o, size_t stage)
{
    return o->outputs && stage + 1 == o->n_stages;
}

static struct et_view forward(struct local_ce *o, size_t stage, struct et_view h)
{
    struct et_view logits = et_view_rows(et_array_view(&o->logits), 0, h.rows);
    if (is_headless(o, stage)) {
        et_view_copy(logits, h);
        return logits;
    }
    et_gemm(ET_PLAIN, ET_TRANSPOSED, 1, h, et_tensor_view(&o->head[stage]), 0, logits);
    for (size_t r = 0; r < logits.rows; r++)
        for (size_t j = 0; j < logits.cols; j++)
            logits.data[r * logits.stride + j] += o->shift[stage].value[j];
    return logits;
}

static double local_ce_loss(void *state, size_t stage, struct et_view h, const int32_t *label,
                            struct et_view dh)
{
    struct local_ce *o = state;
    struct et_view logits = forward(o, stage, h);
    double loss = et__cross_entropy(logits, label);
    if (is_headless(o, stage)) {
        et_view_copy(dh, logits);
        return loss;
    }
    et_gemm(ET_TRANSPOSED, ET_PLAIN, 1, logits, h, 0, et_tensor_gradient(&o->head[stage]));
    et_gemm(ET_PLAIN, ET_PLAIN, 1, logits, et_tensor_view(&o->head[stage]), 0, dh);
    float *dshift = o->shift[stage].gradient;
    memset(dshift, 0, logits.cols * sizeof *dshift);
    for (size_t r = 0; r < logits.rows; r++)
        for (size_t j = 0; j < logits.cols; j++)
            dshift[j] += logits.data[r * logits.stride + j];
    return loss;
}

static void local_ce_score(void *state, size_t stage, struct et_view h, struct et_view score)
{
    struct local_ce *o = state;
    if (o->predict == PREDICT_LAST)
        for (size_t r = 0; r < score.rows; r++)
            memset(score.data + r * score.stride, 0, score.cols * sizeof *score.data);
    struct et_view logits = forward(o, stage, h);
    for (size_t r = 0; r < score.rows; r++)
        for (size_t j = 0; j < score.cols; j++)
            score.data[r * score.stride + j] += logits.data[r * logits.stride + j];
}

static struct et_tensor *local_ce_tensor(void *state, size_t stage, size_t i)
{
    struct local_ce *o = state;
    if (is_headless(o, stage)) return NULL;
    return i == 0 ? &o->head[stage] : i == 1 ? &o->shift[stage] : NULL;
}

static void local_ce_close(void *state)
{
    struct local_ce *o = state;
    for (size_t l = 0; l < o->n_stages; l++) {
        et_tensor_destroy(&o->head[l]);
        et_tensor_destroy(&o->shift[l]);
    }
    et_free(o->head);
    et_free(o->shift);
    et_array_destroy(&o->logits);
}

const struct et_objective_type et_objective_local_ce = {
    .name = "local-ce",
    .summary = "per-stage softmax cross-entropy on a linear head; single pass, no negatives",
    .state_size = sizeof(struct local_ce),
    .params = params,
    .open = local_ce_open,
    .loss = local_ce_loss,
    .score = local_ce_score,
    .tensor = local_ce_tensor,
    .close = local_ce_close,
};
