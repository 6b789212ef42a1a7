/* SPDX-License-Identifier: Apache-2.0
 *
 * bit-switching: one set of 8-bit weights, trained to work at several precisions.
 *
 * Each batch is learned once at every precision, the highest first, and each time the shared
 * weights move at once.  Gradients go through all layers: this method uses a model of the layer
 * that it trains (the accelerator's arithmetic, which is exact), unlike the local methods. */
#include "model.h"
#include "switching.h"

#include <etalon/rng.h>

#include <math.h>
#include <stdio.h>

/* clang-format off */
static const struct et_param params[] = {
    {.name = "widths", .kind = ET_PARAM_REALS, .initial = "[256, 256]", .min = 1, .max = 65536,
     .min_count = 1, .max_count = 16, .doc = "Outputs of the hidden layers."},
    {.name = "bits", .kind = ET_PARAM_REALS, .initial = "[2, 4, 6, 8]", .min = 1, .max = 8,
     .min_count = 1, .max_count = ET__SWITCHING_PRECISIONS,
     .doc = "Precisions of the weights, ascending; the last one is the network's accuracy."},
    {.name = "input_bits", .kind = ET_PARAM_INT, .initial = "4", .min = 1, .max = 8,
     .doc = "Bits of the features, which are cut to 0 .. 1."},
    {.name = "code_bits", .kind = ET_PARAM_INT, .initial = "4", .min = 1, .max = 8,
     .doc = "Bits of the activities between layers."},
    {.name = "epochs", .kind = ET_PARAM_INT, .initial = "20", .min = 1, .max = 1000000,
     .doc = "Passes over the training rows."},
    {.name = "batch", .kind = ET_PARAM_INT, .initial = "100", .min = 0, .max = 10000000,
     .doc = "Rows of a batch; 0 = all training rows."},
    {.name = "evaluate_every", .kind = ET_PARAM_INT, .initial = "0", .min = 0, .max = 1000000,
     .unit = "epochs", .doc = "Distance of evaluations; 0 = after the last epoch only."},
    {.name = "optimiser", .kind = ET_PARAM_RECORD, .initial = "{}",
     .fields = et__optimiser_params, .doc = "How weights and biases move."},
    {.name = "step_optimiser", .kind = ET_PARAM_RECORD, .initial = "{rate: 2e-3}",
     .fields = et__optimiser_params,
     .doc = "How the logarithms of the quantisers' steps move; no weight decay."},
    {.name = "alrs", .kind = ET_PARAM_BOOL, .initial = "true",
     .doc = "Scale the learning rate of the steps by the precision."},
    {.name = "alrs_floor", .kind = ET_PARAM_REAL, .initial = "0.1", .min = 1e-6, .max = 1,
     .doc = "The least that subtracting the steps' gradients leaves of their learning rate."},
    {.name = "joint", .kind = ET_PARAM_BOOL, .initial = "true",
     .doc = "Learn at every precision; false: at the highest alone, whose biases and steps the "
            "others take over (a control)."},
    {.name = "device", .kind = ET_PARAM_STRING, .initial = "\"\"",
     .doc = "Where predictions are computed: empty = in the training's own arithmetic, software "
            "= packed bits, or the address of an accelerator."},
    {0},
};
/* clang-format on */

static struct et_model_plan plan(const struct et_config *method)
{
    return (struct et_model_plan){
        .epochs = (size_t)et_config_int(method, "epochs"),
        .batch = (size_t)et_config_int(method, "batch"),
        .evaluate_every = (size_t)et_config_int(method, "evaluate_every"),
        .losses = et_config_count(method, "bits"),
    };
}

static size_t cases(const struct et_config *method)
{
    return et_config_count(method, "bits");
}

static void case_name(const struct et_config *method, size_t i, char *name, size_t size)
{
    snprintf(name, size, "%u-bit", (unsigned)et_config_reals(method, "bits")[i]);
}

static void describe(const struct et_config *method, const struct et_model_shape *shape, char *text,
                     size_t size)
{
    int used = snprintf(text, size, "quantised perceptron %zu", shape->n_features);
    for (size_t l = 0; l < et_config_count(method, "widths") && (size_t)used < size; l++)
        used += snprintf(text + used, size - (size_t)used, "-%.0f",
                         et_config_reals(method, "widths")[l]);
    if ((size_t)used < size)
        snprintf(text + used, size - (size_t)used,
                 "-%zu: 8-bit weights at %zu precisions, %lld-bit activities", shape->n_classes,
                 et_config_count(method, "bits"), (long long)et_config_int(method, "code_bits"));
}

static enum et_status check(const struct et__switching *net, const struct et_config *method)
{
    const double *bits = et_config_reals(method, "bits");
    for (size_t i = 0; i < net->n_bits; i++)
        if (bits[i] != floor(bits[i]) || (i > 0 && bits[i] <= bits[i - 1]))
            return et_config_error(method, "bits", "%g: whole numbers, ascending", bits[i]);
    for (size_t l = 0; l < net->n_layers; l++) {
        const struct et__switching_layer *layer = &net->layer[l];
        double bound = (double)layer->n_in * (double)((1U << layer->in_bits) - 1) * 128;
        if (bound <= 16777216) continue;
        return et_config_error(method, l == 0 ? "input_bits" : "code_bits",
                               "sums of layer %zu may reach %.0f; above 16777216 they are not "
                               "exact in float32: fewer bits or a narrower layer",
                               l, bound);
    }
    return ET_OK;
}

static void read_shape(struct et__switching *net, const struct et_config *method,
                       const struct et_model_shape *shape)
{
    for (size_t l = 0; l < net->n_layers; l++) {
        struct et__switching_layer *layer = &net->layer[l];
        layer->last = l + 1 == net->n_layers;
        layer->n_in = l == 0 ? shape->n_features : net->layer[l - 1].n_out;
        layer->n_out =
            layer->last ? shape->n_classes : (size_t)et_config_reals(method, "widths")[l];
        layer->in_bits = l == 0 ? net->in_bits : net->code_bits;
    }
}

static enum et_status open_precision(struct et__switching *net, size_t l, size_t p)
{
    struct et__switching_layer *layer = &net->layer[l];
    struct et__switching_precision *at = &layer->at[p];
    snprintf(at->bias_name, sizeof at->bias_name, "bias-%zu-%u-bit", l, net->bits[p]);
    snprintf(at->step_name, sizeof at->step_name, "log_step-%zu-%u-bit", l, net->bits[p]);
    ET_TRY(et_tensor_create(&at->bias, at->bias_name, 1, layer->n_out, 1));
    if (layer->last) return ET_OK;
    ET_TRY(et_tensor_create(&at->log_step, at->step_name, 1, 1, 1));
    at->log_step.weight_decay = 0;
    return ET_OK;
}

/* Weights from N(0, 2/n_in); their step makes the grid end at 3.5 standard deviations. */
static enum et_status open_layer(struct et__switching *net, size_t l, size_t rows, uint64_t seed)
{
    struct et__switching_layer *layer = &net->layer[l];
    snprintf(layer->weight_name, sizeof layer->weight_name, "weight-%zu", l);
    snprintf(layer->scale_name, sizeof layer->scale_name, "log_step-%zu", l);
    size_t n = layer->n_out * layer->n_in, most = rows > layer->n_out ? rows : layer->n_out;
    ET_TRY(et_tensor_create(&layer->weight, layer->weight_name, layer->n_out, layer->n_in, 1));
    ET_TRY(et_tensor_create(&layer->log_scale, layer->scale_name, 1, 1, 1));
    layer->log_scale.weight_decay = 0;
    layer->at = et_alloc(net->n_bits, sizeof *layer->at);
    layer->part = et_alloc(most, sizeof *layer->part);
    if (layer->at == NULL || layer->part == NULL) return ET_NOMEM;
    for (size_t p = 0; p < net->n_bits; p++)
        ET_TRY(open_precision(net, l, p));
    ET_TRY(et_array_create(&layer->stored, layer->n_out, layer->n_in));
    ET_TRY(et_array_create(&layer->q, layer->n_out, layer->n_in));
    ET_TRY(et_array_create(&layer->code, rows, layer->n_in));
    ET_TRY(et_array_create(&layer->acc, rows, layer->n_out));
    ET_TRY(et_array_create(&layer->dz, rows, layer->n_out));
    double sd = sqrt(2.0 / (double)layer->n_in);
    et_rng_fill_normal(seed, ET_STREAM_INIT, (uint32_t)l, 0, layer->weight.value, n);
    for (size_t k = 0; k < n; k++)
        layer->weight.value[k] *= (float)sd;
    layer->log_scale.value[0] = (float)log(3.5 * sd / 127);
    return ET_OK;
}

static enum et_status bit_switching_open(void *state, const struct et_config *method,
                                         const struct et_model_shape *shape)
{
    struct et__switching *net = state;
    net->n_bits = et_config_count(method, "bits");
    for (size_t i = 0; i < net->n_bits; i++)
        net->bits[i] = (unsigned)et_config_reals(method, "bits")[i];
    net->in_bits = (unsigned)et_config_int(method, "input_bits");
    net->code_bits = (unsigned)et_config_int(method, "code_bits");
    net->joint = et_config_bool(method, "joint");
    net->alrs = et_config_bool(method, "alrs");
    net->floor = et_config_real(method, "alrs_floor");
    et__optimiser_read(&net->optimiser, et_config_at(method, "optimiser", 0));
    et__optimiser_read(&net->scale_optimiser, et_config_at(method, "step_optimiser", 0));
    size_t n_layers = et_config_count(method, "widths") + 1;
    net->layer = et_alloc(n_layers, sizeof *net->layer);
    net->uri = et_strdup(et_config_string(method, "device"));
    if (net->layer == NULL || net->uri == NULL) return ET_NOMEM;
    ET_TRY(et__model_try_device(net->uri));
    net->n_layers = n_layers;
    read_shape(net, method, shape);
    ET_TRY(check(net, method));
    for (size_t l = 0; l < n_layers; l++)
        ET_TRY(open_layer(net, l, shape->rows_max, shape->seed));
    return ET_OK;
}

static struct et_tensor *tensor(void *state, size_t i)
{
    struct et__switching *net = state;
    size_t each = 2 + 2 * net->n_bits, l = i / each, k = i % each;
    if (l == net->n_layers) return NULL;
    struct et__switching_layer *layer = &net->layer[l];
    /* The last layer has no steps: the walk ends with its biases. */
    if (k == 0) return &layer->weight;
    if (k == 1) return &layer->log_scale;
    if (k < 2 + net->n_bits) return &layer->at[k - 2].bias;
    return layer->last ? NULL : &layer->at[k - 2 - net->n_bits].log_step;
}

/* What a precision uses that has not learned: biases and steps of the highest. */
static void take_over(struct et__switching *net, size_t p)
{
    for (size_t l = 0; l < net->n_layers; l++) {
        const struct et__switching_precision *top = &net->layer[l].at[net->n_bits - 1];
        struct et__switching_precision *at = &net->layer[l].at[p];
        et_view_copy(et_tensor_view(&at->bias), et_tensor_view(&top->bias));
        if (!net->layer[l].last) at->log_step.value[0] = top->log_step.value[0];
    }
}

static enum et_status step(void *state, const struct et_model_batch *batch, double *loss)
{
    struct et__switching *net = state;
    size_t rows = batch->x.rows;
    et__switching_input(net, batch->x);
    net->deployed = false;
    for (size_t p = net->n_bits; p-- > 0;) {
        if (!net->joint && p + 1 < net->n_bits) {
            take_over(net, p);
            loss[p] = NAN;
            continue;
        }
        if (batch->epoch == 0 && batch->progress <= 0) et__switching_calibrate(net, p, rows);
        uint64_t count = ++batch->count[0];
        loss[p] = et__switching_learn(net, p, batch->label, rows, batch->progress, count);
        if (!isfinite(loss[p]))
            return et_error_set(ET_NUMERIC,
                                "the loss at %u bits is not finite; a smaller learning rate may "
                                "help",
                                net->bits[p]);
    }
    return ET_OK;
}

static enum et_status score(void *state, size_t which, struct et_view x, struct et_view score)
{
    struct et__switching *net = state;
    if (net->uri[0] != '\0') return et__switching_device_score(net, which, x, score);
    et__switching_input(net, x);
    et__switching_forward(net, which, x.rows);
    const struct et_array *acc = &net->layer[net->n_layers - 1].acc;
    et__switching_scores(net, which, et_view_rows(et_array_view(acc), 0, x.rows), score);
    return ET_OK;
}

static enum et_status counters(void *state, struct et_bnn_counters *counters, bool *counts)
{
    struct et__switching *net = state;
    if (net->accelerator == NULL) return ET_OK;
    *counts = et_accelerator_transport(net->accelerator) != NULL;
    return et_accelerator_counters(net->accelerator, counters);
}

static void bit_switching_close(void *state)
{
    struct et__switching *net = state;
    et__switching_device_close(net);
    for (size_t l = 0; l < net->n_layers; l++) {
        struct et__switching_layer *layer = &net->layer[l];
        for (size_t p = 0; layer->at != NULL && p < net->n_bits; p++) {
            et_tensor_destroy(&layer->at[p].bias);
            et_tensor_destroy(&layer->at[p].log_step);
        }
        et_free(layer->at);
        et_free(layer->part);
        et_tensor_destroy(&layer->weight);
        et_tensor_destroy(&layer->log_scale);
        et_array_destroy(&layer->stored);
        et_array_destroy(&layer->q);
        et_array_destroy(&layer->code);
        et_array_destroy(&layer->acc);
        et_array_destroy(&layer->dz);
    }
    et_free(net->layer);
    et_free(net->uri);
}

static const struct et_model_type model = {
    .state_size = sizeof(struct et__switching),
    .plan = plan,
    .cases = cases,
    .case_name = case_name,
    .describe = describe,
    .open = bit_switching_open,
    .tensor = tensor,
    .step = step,
    .score = score,
    .counters = counters,
    .close = bit_switching_close,
};

const struct et_method_type et_method_bit_switching = {
    .name = "bit-switching",
    .summary = "one set of 8-bit weights trained for several precisions (double rounding)",
    .params = params,
    .train = et__model_train,
    .model = &model,
};
