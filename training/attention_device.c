/* SPDX-License-Identifier: Apache-2.0
 *
 * The binarized attention block on an accelerator.
 *
 *     embedding                                           host: a table of tokens, then signs
 *     q, k, v, output    XNOR, thresholds                 weights stay on the device
 *     bool(q k^T)        XNOR, threshold 0                weights: the keys of one sequence
 *     sign(P v)          AND with popcount of the row, 0  weights: the values of one sequence
 *     classifier         XNOR, sums; scores on the host
 *
 * Tokens of all sequences go through a projection at once; scores and context take one job each
 * and sequence, whose keys and values are sent as weights. */
#include "attention.h"

#include <string.h>

static const size_t NOTHING = (size_t)-1;

static struct et_bnn_layer projection_of(const struct et__attention *net, size_t i)
{
    struct et_bnn_layer layer =
        et_bnn_dense(net->linear[i].weight.cols, net->linear[i].weight.rows);
    layer.output = i == ET__ATTENTION_CLASS ? ET_BNN_RAW32 : ET_BNN_CODES;
    return layer;
}

static struct et_bnn_layer score_layer(const struct et__attention *net)
{
    struct et_bnn_layer layer = et_bnn_dense(net->shape.dim, net->shape.tokens);
    layer.output = ET_BNN_CODES;
    return layer;
}

static struct et_bnn_layer context_layer(const struct et__attention *net)
{
    struct et_bnn_layer layer = et_bnn_dense(net->shape.tokens, net->shape.dim);
    layer.mode = ET_BNN_AND_POPCOUNT;
    layer.output = ET_BNN_CODES;
    return layer;
}

/* sign(factor acc + bias) as a threshold of acc. */
static enum et_status fold(const struct et__attention_linear *linear, uint64_t bound,
                           int32_t *threshold, uint8_t *flip)
{
    const double level = 0;
    for (size_t o = 0; o < linear->weight.rows; o++) {
        struct et_bnn_norm norm = {
            .gamma = 1,
            .beta = (double)linear->bias.value[o],
            .variance = 1,
            .scale = (double)linear->factor[o],
        };
        ET_TRY_WHILE(et_bnn_fold(&norm, &level, 1, bound, &threshold[o], &flip[o]),
                     "folding unit %zu", o);
    }
    return ET_OK;
}

static enum et_status put(struct et_accelerator *accelerator, const struct et_bnn_layer *layer,
                          const int8_t *weight, const int32_t *threshold, const uint8_t *flip,
                          size_t *id)
{
    if (*id == NOTHING) return et_accelerator_load(accelerator, layer, weight, threshold, flip, id);
    return et_accelerator_reload(accelerator, *id, weight, threshold, flip);
}

static enum et_status put_projection(struct et__attention_device *device,
                                     const struct et__attention *net, size_t i)
{
    const struct et__attention_linear *linear = &net->linear[i];
    struct et_bnn_layer layer = projection_of(net, i);
    bool codes = layer.output == ET_BNN_CODES;
    size_t n = linear->weight.rows * linear->weight.cols;
    int8_t *weight = et_alloc(n, sizeof *weight);
    int32_t *threshold = et_alloc(linear->weight.rows, sizeof *threshold);
    uint8_t *flip = et_alloc(linear->weight.rows, sizeof *flip);
    enum et_status status = weight && threshold && flip ? ET_OK : ET_NOMEM;
    for (size_t k = 0; status == ET_OK && k < n; k++)
        weight[k] = (int8_t)linear->sign.data[k];
    if (status == ET_OK && codes)
        status = fold(linear, et_bnn_layer_bound(&layer), threshold, flip);
    if (status == ET_OK)
        status = put(device->accelerator, &layer, weight, codes ? threshold : NULL,
                     codes ? flip : NULL, &device->id[i]);
    et_free(weight);
    et_free(threshold);
    et_free(flip);
    if (status != ET_OK) et_error_while("putting '%s' on the accelerator", linear->weight_name);
    return status;
}

static enum et_status open_device(struct et__attention_device *device,
                                  const struct et__attention *net)
{
    const struct et__attention_shape *s = &net->shape;
    size_t all = s->rows_max * s->tokens;
    for (size_t i = 0; i < ET__PARTS; i++) {
        device->bits[i] = et_alloc(all * et_bnn_words(s->dim), sizeof(uint64_t));
        if (device->bits[i] == NULL) return ET_NOMEM;
    }
    device->attention = et_alloc(all * et_bnn_words(s->tokens), sizeof *device->attention);
    device->matrix = et_alloc(s->tokens * s->dim, sizeof *device->matrix);
    device->zero = et_alloc(s->tokens > s->dim ? s->tokens : s->dim, sizeof *device->zero);
    device->sum = et_alloc(s->rows_max * s->classes, sizeof *device->sum);
    device->last = et_alloc(s->rows_max * et_bnn_words(s->dim), sizeof *device->last);
    if (!device->attention || !device->matrix || !device->zero || !device->sum || !device->last)
        return ET_NOMEM;
    for (size_t i = 0; i < ET__ATTENTION_LINEARS; i++)
        device->id[i] = NOTHING;
    device->score_id = device->context_id = NOTHING;
    return et_accelerator_open(device->uri, NULL, &device->accelerator);
}

/* Everything but the address: opening may be tried again. */
static void release(struct et__attention_device *device)
{
    char *uri = device->uri;
    et_accelerator_close(device->accelerator);
    for (size_t i = 0; i < ET__PARTS; i++)
        et_free(device->bits[i]);
    et_free(device->attention);
    et_free(device->matrix);
    et_free(device->zero);
    et_free(device->sum);
    et_free(device->last);
    *device = (struct et__attention_device){.uri = uri};
}

void et__attention_device_close(struct et__attention_device *device)
{
    release(device);
    et_free(device->uri);
    device->uri = NULL;
}

static bool bit(const uint64_t *row, size_t c)
{
    return row[c / 64] >> c % 64 & 1;
}

/* Keys [T][d] as they are, or values transposed [d][T], of one sequence, as weights. */
static void as_weights(const struct et__attention *net, const uint64_t *rows, bool transposed,
                       int8_t *weight)
{
    size_t T = net->shape.tokens, d = net->shape.dim, words = et_bnn_words(d);
    for (size_t t = 0; t < T; t++)
        for (size_t j = 0; j < d; j++)
            weight[transposed ? j * T + t : t * d + j] = bit(rows + t * words, j) ? 1 : -1;
}

/* Scores and context of sequence i. */
static enum et_status attend(struct et__attention_device *device, const struct et__attention *net,
                             size_t i)
{
    size_t T = net->shape.tokens, words = et_bnn_words(net->shape.dim), first = i * T * words;
    uint64_t *row = device->attention + i * T * et_bnn_words(T);
    struct et_bnn_layer score = score_layer(net), context = context_layer(net);
    as_weights(net, device->bits[ET__PART_K] + first, false, device->matrix);
    ET_TRY(put(device->accelerator, &score, device->matrix, device->zero, NULL, &device->score_id));
    ET_TRY(et_accelerator_run(device->accelerator, device->score_id, T,
                              device->bits[ET__PART_Q] + first, row));
    as_weights(net, device->bits[ET__PART_V] + first, true, device->matrix);
    ET_TRY(put(device->accelerator, &context, device->matrix, device->zero, NULL,
               &device->context_id));
    return et_accelerator_run(device->accelerator, device->context_id, T, row,
                              device->bits[ET__PART_C] + first);
}

static enum et_status deploy(struct et__attention_device *device, struct et__attention *net)
{
    if (device->accelerator == NULL) {
        enum et_status status = open_device(device, net);
        if (status != ET_OK) release(device);
        if (status != ET_OK) return status;
    }
    if (device->deployed) return ET_OK;
    et__attention_binarise(net);
    for (size_t i = ET__ATTENTION_QUERY; i < ET__ATTENTION_LINEARS; i++)
        ET_TRY(put_projection(device, net, i));
    device->deployed = true;
    return ET_OK;
}

enum et_status et__attention_device_score(struct et__attention_device *device,
                                          struct et__attention *net, struct et_view x)
{
    size_t n = x.rows, T = net->shape.tokens, words = et_bnn_words(net->shape.dim), all = n * T;
    ET_TRY(deploy(device, net));
    struct et_accelerator *accelerator = device->accelerator;
    et__attention_embed(net, x);
    et_bnn_pack_signs(net->part[ET__PART_U].x.data, all, net->shape.dim, device->bits[ET__PART_U]);
    for (size_t i = ET__PART_Q; i <= ET__PART_V; i++)
        ET_TRY_WHILE(et_accelerator_run(accelerator, device->id[i], all, device->bits[ET__PART_U],
                                        device->bits[i]),
                     "projecting tokens");
    for (size_t i = 0; i < n; i++)
        ET_TRY_WHILE(attend(device, net, i), "attending in sequence %zu", i);
    ET_TRY_WHILE(et_accelerator_run(accelerator, device->id[ET__ATTENTION_OUTPUT], all,
                                    device->bits[ET__PART_C], device->bits[ET__PART_O]),
                 "projecting contexts");
    for (size_t i = 0; i < n; i++)
        memcpy(device->last + i * words, device->bits[ET__PART_O] + (i * T + T - 1) * words,
               words * sizeof *device->last);
    ET_TRY_WHILE(et_accelerator_run(accelerator, device->id[ET__ATTENTION_CLASS], n, device->last,
                                    device->sum),
                 "classifying");
    struct et_view logits = et_view_rows(et_array_view(&net->logits), 0, n);
    for (size_t k = 0; k < n * logits.cols; k++)
        logits.data[k] = (float)device->sum[k];
    et__attention_logits(net, logits);
    return ET_OK;
}
