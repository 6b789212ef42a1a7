/* SPDX-License-Identifier: Apache-2.0
 *
 * The network of several precisions on an accelerator.  The stored weights go there once; another
 * precision is another number of planes and other thresholds. */
#include "switching.h"

#include <string.h>

static const size_t NOTHING = (size_t)-1;

static struct et_bnn_layer layer_of(const struct et__switching *net, size_t l, size_t p)
{
    const struct et__switching_layer *layer = &net->layer[l];
    struct et_bnn_layer bnn = et_bnn_dense(layer->n_in, layer->n_out);
    bnn.mode = ET_BNN_AND;
    bnn.w_signed = true;
    bnn.a_bits = layer->in_bits;
    bnn.stored_bits = ET__SWITCHING_STORED;
    bnn.w_bits = net->bits[p];
    bnn.output = layer->last ? ET_BNN_RAW32 : ET_BNN_CODES;
    bnn.out_bits = layer->last ? 1 : net->code_bits;
    return bnn;
}

/* Thresholds of a hidden layer: unit z = scale acc + bias, levels (k - 1/2) t_b. */
static enum et_status fold(const struct et__switching *net, size_t l, size_t p, int32_t *threshold,
                           uint8_t *flip)
{
    const struct et__switching_layer *layer = &net->layer[l];
    struct et_bnn_layer bnn = layer_of(net, l, p);
    double step = et__switching_in_step(net, l + 1, p), level[255];
    size_t n = ((size_t)1 << net->code_bits) - 1;
    for (size_t k = 0; k < n; k++)
        level[k] = ((double)k + 0.5) * step;
    for (size_t o = 0; o < layer->n_out; o++) {
        struct et_bnn_norm norm = {
            .gamma = 1,
            .beta = (double)layer->at[p].bias.value[o],
            .variance = 1,
            .scale = et__switching_scale(net, l, p),
        };
        ET_TRY_WHILE(et_bnn_fold(&norm, level, net->code_bits, et_bnn_layer_bound(&bnn),
                                 threshold + o * n, &flip[o]),
                     "folding unit %zu of layer %zu", o, l);
    }
    return ET_OK;
}

/* A hidden layer's thresholds, in memory of the caller's; NULL for the last. */
static enum et_status make_thresholds(const struct et__switching *net, size_t l, size_t p,
                                      int32_t **threshold, uint8_t **flip)
{
    size_t n = net->layer[l].n_out;
    *threshold = NULL;
    *flip = NULL;
    if (net->layer[l].last) return ET_OK;
    *threshold = et_alloc(n * (((size_t)1 << net->code_bits) - 1), sizeof **threshold);
    *flip = et_alloc(n, sizeof **flip);
    enum et_status status = *threshold && *flip ? fold(net, l, p, *threshold, *flip) : ET_NOMEM;
    if (status == ET_OK) return ET_OK;
    et_free(*threshold);
    et_free(*flip);
    return status;
}

static enum et_status load_weights(struct et__switching *net, size_t l, size_t p,
                                   const int32_t *threshold, const uint8_t *flip)
{
    const struct et__switching_layer *layer = &net->layer[l];
    struct et_bnn_layer bnn = layer_of(net, l, p);
    size_t n = layer->n_out * layer->n_in;
    int8_t *weight = et_alloc(n, sizeof *weight);
    if (weight == NULL) return ET_NOMEM;
    for (size_t k = 0; k < n; k++)
        weight[k] = (int8_t)layer->stored.data[k];
    enum et_status status =
        net->id[l] == NOTHING
            ? et_accelerator_load(net->accelerator, &bnn, weight, threshold, flip, &net->id[l])
            : et_accelerator_reload(net->accelerator, net->id[l], weight, threshold, flip);
    et_free(weight);
    return status;
}

/* Brings layer l to a precision; `fresh` weights are sent, others stay where they are. */
static enum et_status place(struct et__switching *net, size_t l, size_t p, bool fresh)
{
    int32_t *threshold;
    uint8_t *flip;
    ET_TRY(make_thresholds(net, l, p, &threshold, &flip));
    enum et_status status = fresh ? load_weights(net, l, p, threshold, flip) : ET_OK;
    if (status == ET_OK)
        status =
            et_accelerator_set_bits(net->accelerator, net->id[l], net->bits[p], threshold, flip);
    et_free(threshold);
    et_free(flip);
    if (status != ET_OK)
        et_error_while("putting layer %zu on the accelerator at %u bits", l, net->bits[p]);
    return status;
}

static enum et_status open_device(struct et__switching *net)
{
    size_t words = 0, n_in = 0, rows = net->layer[0].code.rows;
    for (size_t l = 0; l < net->n_layers; l++) {
        struct et_bnn_layer bnn = layer_of(net, l, 0);
        words = et_bnn_in_words(&bnn) > words ? et_bnn_in_words(&bnn) : words;
        n_in = net->layer[l].n_in > n_in ? net->layer[l].n_in : n_in;
    }
    net->id = et_alloc(net->n_layers, sizeof *net->id);
    net->word[0] = et_alloc(rows * words, sizeof(uint64_t));
    net->word[1] = et_alloc(rows * words, sizeof(uint64_t));
    net->sum = et_alloc(rows * net->layer[net->n_layers - 1].n_out, sizeof *net->sum);
    net->value = et_alloc(rows * n_in, sizeof *net->value);
    if (!net->id || !net->word[0] || !net->word[1] || !net->sum || !net->value) return ET_NOMEM;
    for (size_t l = 0; l < net->n_layers; l++)
        net->id[l] = NOTHING;
    return et_accelerator_open(net->uri, NULL, &net->accelerator);
}

void et__switching_device_close(struct et__switching *net)
{
    et_accelerator_close(net->accelerator);
    et_free(net->id);
    et_free(net->word[0]);
    et_free(net->word[1]);
    et_free(net->sum);
    et_free(net->value);
    net->accelerator = NULL;
    net->id = NULL;
    net->word[0] = net->word[1] = NULL;
    net->sum = NULL;
    net->value = NULL;
    net->deployed = false;
}

/* Weights after training, then the precision that is asked for. */
static enum et_status deploy(struct et__switching *net, size_t precision)
{
    bool fresh = !net->deployed;
    if (!fresh && net->placed == precision) return ET_OK;
    if (fresh) et__switching_quantise(net, precision);
    net->placed = NOTHING; /* should a layer fail to change */
    for (size_t l = 0; l < net->n_layers; l++)
        ET_TRY(place(net, l, precision, fresh));
    net->deployed = true;
    net->placed = precision;
    return ET_OK;
}

enum et_status et__switching_device_score(struct et__switching *net, size_t precision,
                                          struct et_view x, struct et_view score)
{
    size_t rows = x.rows, last = net->n_layers - 1;
    struct et__switching_layer *first = &net->layer[0];
    if (net->accelerator == NULL) {
        enum et_status status = open_device(net);
        if (status != ET_OK) et__switching_device_close(net);
        if (status != ET_OK) return status;
    }
    ET_TRY(deploy(net, precision));
    et__switching_input(net, x);
    for (size_t k = 0; k < rows * first->n_in; k++)
        net->value[k] = (int16_t)first->code.data[k];
    et_bnn_pack(net->value, rows, first->n_in, first->in_bits, ET_BNN_UNSIGNED, net->word[0]);
    for (size_t l = 0; l < last; l++) {
        ET_TRY_WHILE(et_accelerator_run(net->accelerator, net->id[l], rows, net->word[l % 2],
                                        net->word[(l + 1) % 2]),
                     "computing layer %zu", l);
    }
    ET_TRY_WHILE(
        et_accelerator_run(net->accelerator, net->id[last], rows, net->word[last % 2], net->sum),
        "computing layer %zu", last);
    struct et_view acc = et_view_rows(et_array_view(&net->layer[last].acc), 0, rows);
    for (size_t k = 0; k < rows * acc.cols; k++)
        acc.data[k] = (float)net->sum[k];
    et__switching_scores(net, precision, acc, score);
    return ET_OK;
}
