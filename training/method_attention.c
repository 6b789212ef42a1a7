/* SPDX-License-Identifier: Apache-2.0
 *
 * bi-attention: a fully binarized attention block that learns from a teacher in full precision.
 *
 * The first epochs train the teacher by backpropagation, the rest the student: cross-entropy and a
 * distillation of what the teacher attends to.  Both use gradients through the whole block, hence
 * a model of it. */
#include "attention.h"
#include "model.h"

#include <etalon/rng.h>

#include <math.h>
#include <stdio.h>

/* clang-format off */
static const struct et_param params[] = {
    {.name = "tokens", .kind = ET_PARAM_INT, .initial = NULL, .min = 1, .max = 1024,
     .doc = "Tokens of a sequence; the features are their descriptions, one after the other."},
    {.name = "dim", .kind = ET_PARAM_INT, .initial = "64", .min = 1, .max = 4096,
     .doc = "Numbers of a token inside the block."},
    {.name = "epochs", .kind = ET_PARAM_INT, .initial = "60", .min = 1, .max = 1000000,
     .doc = "Passes over the training rows, the teacher's included."},
    {.name = "teacher_epochs", .kind = ET_PARAM_INT, .initial = "20", .min = 0, .max = 1000000,
     .doc = "The first of them, which train the teacher."},
    {.name = "batch", .kind = ET_PARAM_INT, .initial = "64", .min = 0, .max = 100000,
     .doc = "Rows of a batch; 0 = all training rows."},
    {.name = "evaluate_every", .kind = ET_PARAM_INT, .initial = "0", .min = 0, .max = 1000000,
     .unit = "epochs", .doc = "Distance of evaluations; 0 = after the last epoch only."},
    {.name = "distil", .kind = ET_PARAM_CHOICE, .initial = "directions",
     .choices = "none|directions|scores",
     .doc = "What the student takes from the teacher: nothing, the directions of queries, keys, "
            "values and hidden states, or attention scores as they are."},
    {.name = "distil_weight", .kind = ET_PARAM_REAL, .initial = "0.3", .min = 0, .max = 1e6,
     .doc = "Weight of the distillation beside the cross-entropy; falls to 0 in a straight line."},
    {.name = "start", .kind = ET_PARAM_CHOICE, .initial = "teacher", .choices = "teacher|random",
     .doc = "The student's first weights."},
    {.name = "optimiser", .kind = ET_PARAM_RECORD, .initial = "{}",
     .fields = et__optimiser_params, .doc = "How weights move."},
    {.name = "device", .kind = ET_PARAM_STRING, .initial = "\"\"",
     .doc = "Where the student predicts: empty = in the training's own arithmetic, software = "
            "packed bits, or the address of an accelerator."},
    {0},
};
/* clang-format on */

enum { CASE_TEACHER, CASE_STUDENT, CASES };
enum { LOSS_TEACHER, LOSS_STUDENT, LOSS_DISTILLATION, LOSSES };

struct state {
    struct et__attention teacher, student;
    struct et__attention_device device;
    struct et__optimiser optimiser;
    enum et__distillation distil;
    double distil_weight;
    bool from_teacher;
    size_t epochs, teacher_epochs;
    double *work; /* of the distillation */
};

static struct et_model_plan plan(const struct et_config *method)
{
    return (struct et_model_plan){
        .epochs = (size_t)et_config_int(method, "epochs"),
        .batch = (size_t)et_config_int(method, "batch"),
        .evaluate_every = (size_t)et_config_int(method, "evaluate_every"),
        .losses = LOSSES,
    };
}

static size_t cases(const struct et_config *method)
{
    (void)method;
    return CASES;
}

static void case_name(const struct et_config *method, size_t i, char *name, size_t size)
{
    (void)method;
    snprintf(name, size, "%s", i == CASE_TEACHER ? "teacher" : "student");
}

static void describe(const struct et_config *method, const struct et_model_shape *shape, char *text,
                     size_t size)
{
    size_t tokens = (size_t)et_config_int(method, "tokens");
    snprintf(text, size,
             "attention block: %zu tokens of %zu features, dimension %zu, %zu classes; weights, "
             "queries, keys, values, attention and activities of one bit",
             tokens, shape->n_features / tokens, (size_t)et_config_int(method, "dim"),
             shape->n_classes);
}

static enum et_status attention_open(void *state, const struct et_config *method,
                                     const struct et_model_shape *shape)
{
    struct state *s = state;
    struct et__attention_shape block = {
        .tokens = (size_t)et_config_int(method, "tokens"),
        .dim = (size_t)et_config_int(method, "dim"),
        .classes = shape->n_classes,
        .rows_max = shape->rows_max,
    };
    if (shape->n_features % block.tokens != 0)
        return et_config_error(method, "tokens", "%zu features are not %zu tokens of equal width",
                               shape->n_features, block.tokens);
    block.token_width = shape->n_features / block.tokens;
    s->epochs = (size_t)et_config_int(method, "epochs");
    s->teacher_epochs = (size_t)et_config_int(method, "teacher_epochs");
    if (s->teacher_epochs >= s->epochs)
        return et_config_error(method, "teacher_epochs",
                               "%zu of %zu epochs leave none for the student", s->teacher_epochs,
                               s->epochs);
    s->distil = (enum et__distillation)et_config_choice(method, "distil");
    s->distil_weight = et_config_real(method, "distil_weight");
    s->from_teacher = et_config_choice(method, "start") == 0;
    et__optimiser_read(&s->optimiser, et_config_at(method, "optimiser", 0));
    s->device.uri = et_strdup(et_config_string(method, "device"));
    s->work = et_alloc(shape->rows_max * (2 * block.tokens * block.tokens + 1), sizeof *s->work);
    if (s->device.uri == NULL || s->work == NULL) return ET_NOMEM;
    ET_TRY(et__model_try_device(s->device.uri));
    ET_TRY(
        et__attention_open(&s->teacher, "teacher", false, &block, et_rng_derive(shape->seed, 0)));
    return et__attention_open(&s->student, "student", true, &block, et_rng_derive(shape->seed, 1));
}

static struct et_tensor *tensor(void *state, size_t i)
{
    struct state *s = state;
    const size_t each = 2 * (size_t)ET__ATTENTION_LINEARS;
    return i < each ? et__attention_tensor(&s->teacher, i)
                    : et__attention_tensor(&s->student, i - each);
}

static void update(const struct state *s, struct et__attention *net, double progress,
                   uint64_t count)
{
    struct et_tensor *one;
    double rate = et__optimiser_rate(&s->optimiser, progress);
    for (size_t i = 0; (one = et__attention_tensor(net, i)) != NULL; i++)
        et__optimiser_step(&s->optimiser, one, rate, count);
}

/* Gradients of the cross-entropy into net->logits; returns the loss. */
static double forward(struct et__attention *net, const struct et_model_batch *batch)
{
    et__attention_forward(net, batch->x);
    et__attention_clear(net, batch->x.rows);
    return et__cross_entropy(et_view_rows(et_array_view(&net->logits), 0, batch->x.rows),
                             batch->label);
}

static enum et_status step(void *state, const struct et_model_batch *batch, double *loss)
{
    struct state *s = state;
    double epoch = batch->progress * (double)s->epochs, teacher_epochs = (double)s->teacher_epochs;
    for (size_t k = 0; k < LOSSES; k++)
        loss[k] = NAN;
    if (batch->epoch < s->teacher_epochs) {
        loss[LOSS_TEACHER] = forward(&s->teacher, batch);
        et__attention_backward(&s->teacher, batch->x);
        update(s, &s->teacher, epoch / teacher_epochs, ++batch->count[LOSS_TEACHER]);
        if (isfinite(loss[LOSS_TEACHER])) return ET_OK;
        return et_error_set(ET_NUMERIC, "the teacher's loss is not finite; a smaller learning "
                                        "rate may help");
    }
    if (batch->count[LOSS_STUDENT] == 0 && s->from_teacher)
        et__attention_copy(&s->student, &s->teacher);
    double progress = (epoch - teacher_epochs) / ((double)s->epochs - teacher_epochs);
    s->device.deployed = false;
    loss[LOSS_STUDENT] = forward(&s->student, batch);
    if (s->distil != ET__DISTIL_NONE) {
        et__attention_forward(&s->teacher, batch->x);
        loss[LOSS_DISTILLATION] = et__distil(&s->student, &s->teacher, s->distil, batch->x.rows,
                                             s->distil_weight * (1 - progress), s->work);
    }
    et__attention_backward(&s->student, batch->x);
    update(s, &s->student, progress, ++batch->count[LOSS_STUDENT]);
    if (isfinite(loss[LOSS_STUDENT])) return ET_OK;
    return et_error_set(ET_NUMERIC,
                        "the student's loss is not finite; a smaller learning rate may help");
}

static enum et_status score(void *state, size_t which, struct et_view x, struct et_view score)
{
    struct state *s = state;
    struct et__attention *net = which == CASE_TEACHER ? &s->teacher : &s->student;
    if (which == CASE_STUDENT && s->device.uri[0] != '\0')
        ET_TRY(et__attention_device_score(&s->device, net, x));
    else
        et__attention_forward(net, x);
    et_view_copy(score, et_view_rows(et_array_view(&net->logits), 0, x.rows));
    return ET_OK;
}

static enum et_status counters(void *state, struct et_bnn_counters *counters, bool *counts)
{
    struct state *s = state;
    if (s->device.accelerator == NULL) return ET_OK;
    *counts = et_accelerator_transport(s->device.accelerator) != NULL;
    return et_accelerator_counters(s->device.accelerator, counters);
}

static void attention_close(void *state)
{
    struct state *s = state;
    et__attention_device_close(&s->device);
    et__attention_close(&s->teacher);
    et__attention_close(&s->student);
    et_free(s->work);
}

static const struct et_model_type model = {
    .state_size = sizeof(struct state),
    .plan = plan,
    .cases = cases,
    .case_name = case_name,
    .describe = describe,
    .open = attention_open,
    .tensor = tensor,
    .step = step,
    .score = score,
    .counters = counters,
    .close = attention_close,
};

const struct et_method_type et_method_bi_attention = {
    .name = "bi-attention",
    .summary = "a fully binarized attention block, distilled from one in full precision",
    .params = params,
    .train = et__model_train,
    .model = &model,
};
