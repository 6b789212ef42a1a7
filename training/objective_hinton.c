/* SPDX-License-Identifier: Apache-2.0
 *
 * hinton: sum-of-squares goodness against a threshold.
 *
 *     g(h) = sum_j h_j^2 - width,   L = BCE(logistic(g), right = 1, wrong = 0) + peer
 *     peer = 0.03 mean_j (mean(m) - m_j)^2,  m = running mean of h over right samples
 *
 * With `predict: softmax` a linear classifier reads the length-normalised activities of all stages
 * but the first (of the only one, if there is one) under a neutral label; it learns at the same
 * time by cross-entropy.  With `predict: goodness` every label is tried.
 *
 * Source: Hinton, arXiv 2212.13345; constants of its public reference reproductions. */
#include "objective.h"

#include <math.h>
#include <string.h>

enum { PREDICT_SOFTMAX, PREDICT_GOODNESS };

static const double RUNNING_MEMORY = 0.9, RUNNING_START = 0.5;
/* Learning rate relative to the stages' and weight decay of the classifier. */
static const double CLASSIFIER_RATE = 10, CLASSIFIER_DECAY = 3e-3;

struct hinton {
    size_t predict, n_stages;
    double peer;
    struct et_tensor *running;    /* [n_stages], each [1][width] */
    struct et_tensor *classifier; /* [n_stages], each [n_classes][width]; empty for stage 0 */
    struct et_array unit;         /* [rows_max][largest width]: activities of unit rms */
};

/* clang-format off */
static const struct et_param params[] = {
    {.name = "predict", .kind = ET_PARAM_CHOICE, .initial = "softmax",
     .choices = "softmax|goodness",
     .doc = "Predict by a linear softmax on the activities under a neutral label (one pass), or "
            "by the goodness of every label."},
    {.name = "peer", .kind = ET_PARAM_REAL, .initial = "0.03", .min = 0, .max = 10,
     .doc = "Weight of peer normalisation, which keeps units from falling silent."},
    {0},
};
/* clang-format on */

static size_t first_read(const struct hinton *o)
{
    return o->n_stages > 1 ? 1 : 0;
}

static enum et_status hinton_open(void *state, const struct et_config *config,
                                  const struct et_objective_shape *shape)
{
    struct hinton *o = state;
    o->predict = et_config_choice(config, "predict");
    o->peer = et_config_real(config, "peer");
    o->running = et_alloc(shape->n_stages, sizeof *o->running);
    o->classifier = et_alloc(shape->n_stages, sizeof *o->classifier);
    if (o->running == NULL || o->classifier == NULL) return ET_NOMEM;
    o->n_stages = shape->n_stages;
    size_t widest = 0;
    for (size_t l = 0; l < o->n_stages; l++) {
        size_t width = shape->width[l];
        widest = width > widest ? width : widest;
        ET_TRY(et_tensor_create(&o->running[l], "running_mean", 1, width, 0));
        for (size_t j = 0; j < width; j++)
            o->running[l].value[j] = (float)RUNNING_START;
        if (o->predict != PREDICT_SOFTMAX || l < first_read(o)) continue;
        ET_TRY(et_tensor_create(&o->classifier[l], "classifier", shape->n_classes, width,
                                CLASSIFIER_RATE));
        o->classifier[l].weight_decay = CLASSIFIER_DECAY;
    }
    return et_array_create(&o->unit, shape->rows_max, widest);
}

static double goodness(const float *h, size_t n)
{
    double sum = 0;
    for (size_t j = 0; j < n; j++)
        sum += (double)h[j] * (double)h[j];
    return sum - (double)n;
}

/* Updates the running mean by the right half and returns the penalty, whose gradient is added. */
static double peer_loss(struct hinton *o, size_t stage, struct et_view right, struct et_view dh)
{
    float *m = o->running[stage].value;
    size_t n = right.cols;
    double mean = 0;
    for (size_t j = 0; j < n; j++) {
        double sum = 0;
        for (size_t r = 0; r < right.rows; r++)
            sum += (double)right.data[r * right.stride + j];
        double now = sum / (double)right.rows;
        m[j] = (float)(RUNNING_MEMORY * (double)m[j] + (1 - RUNNING_MEMORY) * now);
        mean += (double)m[j];
    }
    mean /= (double)n;
    double loss = 0, scale = o->peer * 2 / (double)n * (1 - RUNNING_MEMORY) / (double)right.rows;
    for (size_t j = 0; j < n; j++) {
        double away = (double)m[j] - mean;
        loss += away * away;
        for (size_t r = 0; r < right.rows; r++)
            dh.data[r * dh.stride + j] += (float)(scale * away);
    }
    return o->peer * loss / (double)n;
}

static double hinton_loss(void *state, size_t stage, struct et_view h, const int32_t *label,
                          struct et_view dh)
{
    (void)label; /* the label is in the input */
    struct hinton *o = state;
    size_t half = h.rows / 2;
    double loss = 0;
    for (size_t r = 0; r < h.rows; r++) {
        const float *row = h.data + r * h.stride;
        double g = goodness(row, h.cols), target = r < half ? 1 : 0;
        loss += et__softplus(g) - target * g;
        float factor = (float)(2 * (et__logistic(g) - target) / (double)h.rows);
        for (size_t j = 0; j < h.cols; j++)
            dh.data[r * dh.stride + j] = factor * row[j];
    }
    loss /= (double)h.rows;
    return loss + peer_loss(o, stage, et_view_rows(h, 0, half), dh);
}

/* Activities divided by their root mean square, row by row. */
static struct et_view unit_rows(struct hinton *o, struct et_view h)
{
    struct et_view unit = et_view_of(o->unit.data, h.rows, h.cols);
    for (size_t r = 0; r < h.rows; r++) {
        const float *row = h.data + r * h.stride;
        float sum = 0;
        for (size_t j = 0; j < h.cols; j++)
            sum += row[j] * row[j];
        float factor = 1.0F / (sqrtf(sum / (float)h.cols) + 1e-8F);
        for (size_t j = 0; j < h.cols; j++)
            unit.data[r * unit.stride + j] = row[j] * factor;
    }
    return unit;
}

static void hinton_score(void *state, size_t stage, struct et_view h, struct et_view score)
{
    struct hinton *o = state;
    if (stage < first_read(o)) return;
    if (o->predict == PREDICT_SOFTMAX) {
        et_gemm(ET_PLAIN, ET_TRANSPOSED, 1, unit_rows(o, h), et_tensor_view(&o->classifier[stage]),
                1, score);
        return;
    }
    for (size_t r = 0; r < h.rows; r++)
        score.data[r * score.stride] += (float)goodness(h.data + r * h.stride, h.cols);
}

static void hinton_learn_score(void *state, size_t stage, struct et_view h, struct et_view dscore)
{
    struct hinton *o = state;
    if (stage < first_read(o)) return;
    et_gemm(ET_TRANSPOSED, ET_PLAIN, 1, dscore, unit_rows(o, h), 0,
            et_tensor_gradient(&o->classifier[stage]));
}

static bool hinton_neutral(const void *state)
{
    const struct hinton *o = state;
    return o->predict == PREDICT_SOFTMAX;
}

static struct et_tensor *hinton_tensor(void *state, size_t stage, size_t i)
{
    struct hinton *o = state;
    if (i == 0) return &o->running[stage];
    return i == 1 && o->classifier[stage].value != NULL ? &o->classifier[stage] : NULL;
}

static void hinton_close(void *state)
{
    struct hinton *o = state;
    for (size_t l = 0; l < o->n_stages; l++) {
        et_tensor_destroy(&o->running[l]);
        et_tensor_destroy(&o->classifier[l]);
    }
    et_free(o->running);
    et_free(o->classifier);
    et_array_destroy(&o->unit);
}

const struct et_objective_type et_objective_hinton = {
    .name = "hinton",
    .summary = "sum of squares against a threshold (Hinton 2022), peer normalisation",
    .state_size = sizeof(struct hinton),
    .params = params,
    .contrastive = true,
    .straight_through = true,
    .open = hinton_open,
    .loss = hinton_loss,
    .score = hinton_score,
    .tensor = hinton_tensor,
    .neutral = hinton_neutral,
    .learn_score = hinton_learn_score,
    .close = hinton_close,
};
