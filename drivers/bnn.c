/* SPDX-License-Identifier: Apache-2.0
 *
 * Layers on an accelerator: their memory and programs on a device, or their packed weights when
 * "software" computes the same bits here. */
#include "bnn_layers.h"

#include <etalon/array.h>

#include <stdio.h>
#include <string.h>

/* ------------------------------------------------------------------------- open and close -- */

enum et_status et__accelerator_open_on(struct et_transport *transport,
                                       const struct et_accelerator_options *options,
                                       struct et_accelerator **accelerator)
{
    struct et_accelerator *made = et_alloc(1, sizeof *made);
    *accelerator = NULL;
    if (made == NULL) {
        et_transport_close(transport);
        return ET_NOMEM;
    }
    made->transport = transport;
    made->device.caps = et_bnn_caps_default();
    enum et_status status = ET_OK;
    if (transport != NULL) status = et__bnn_device_open(&made->device, transport, options);
    if (status != ET_OK) {
        et_transport_close(transport);
        et_free(made);
        return status;
    }
    *accelerator = made;
    return ET_OK;
}

enum et_status et_accelerator_open(const char *uri, const struct et_accelerator_options *options,
                                   struct et_accelerator **accelerator)
{
    struct et_transport *transport = NULL;
    *accelerator = NULL;
    if (strcmp(uri, "software") != 0) ET_TRY(et_transport_open(uri, &transport));
    ET_TRY_WHILE(et__accelerator_open_on(transport, options, accelerator),
                 "opening the accelerator '%s'", uri);
    return ET_OK;
}

void et_accelerator_close(struct et_accelerator *accelerator)
{
    if (accelerator == NULL) return;
    for (size_t id = 0; id < accelerator->n_layers; id++)
        et_accelerator_unload(accelerator, id);
    if (accelerator->transport != NULL) et__bnn_device_close(&accelerator->device);
    et_transport_close(accelerator->transport);
    et__binary_scratch_free(&accelerator->scratch);
    et_free(accelerator->layer);
    et_free(accelerator);
}

struct et_bnn_caps et_accelerator_caps(const struct et_accelerator *accelerator)
{
    return accelerator->device.caps;
}

struct et_transport *et_accelerator_transport(struct et_accelerator *accelerator)
{
    return accelerator->transport;
}

enum et_status et_accelerator_counters(struct et_accelerator *accelerator,
                                       struct et_bnn_counters *counters)
{
    *counters = (struct et_bnn_counters){.jobs = accelerator->jobs};
    if (accelerator->transport == NULL) return ET_OK;
    return et__bnn_device_counters(&accelerator->device, counters);
}

/* ---------------------------------------------------------------------------------- checks -- */

/* Weights in the encoding of a layer. */
static enum et_status check_weights(const struct et_bnn_layer *l, const int8_t *weight)
{
    bool bipolar = l->mode != ET_BNN_AND;
    int most = (1 << (l->w_signed ? l->stored_bits - 1 : l->stored_bits)) - 1;
    int least = bipolar ? -most : l->w_signed ? -most - 1 : 0;
    size_t n = l->c_out * l->k_h * l->k_w * l->c_in;
    for (size_t i = 0; i < n; i++) {
        int8_t w = weight[i];
        if (w < least || w > most || (bipolar && w % 2 == 0))
            return et_error_set(ET_INVALID, "weight[%zu] = %d is not one of the %s %d to %d", i, w,
                                bipolar ? "odd numbers" : "numbers", least, most);
    }
    return ET_OK;
}

static enum et_status check_thresholds(const struct et_bnn_layer *l, const int32_t *threshold)
{
    enum { BOUND = 1 << 30 };
    if (l->output != ET_BNN_CODES) return ET_OK;
    size_t levels = ((size_t)1 << l->out_bits) - 1;
    for (size_t i = 0; i < l->c_out * levels; i++) {
        int32_t t = threshold[i];
        if (t <= -BOUND || t >= BOUND)
            return et_error_set(ET_INVALID, "threshold[%zu] = %d is outside (-2^30, 2^30)", i, t);
        if (i % levels > 0 && t < threshold[i - 1])
            return et_error_set(ET_INVALID, "threshold[%zu] = %d is below the one before, %d", i, t,
                                threshold[i - 1]);
    }
    return ET_OK;
}

static enum et_status need_thresholds(const struct et_bnn_layer *l, const int32_t *threshold)
{
    if (threshold == NULL && l->output == ET_BNN_CODES)
        return et_error_set(ET_INVALID, "a layer with codes needs thresholds");
    return check_thresholds(l, threshold);
}

static enum et_status find_layer(struct et_accelerator *accelerator, size_t id,
                                 struct et__bnn_loaded **layer)
{
    *layer = id < accelerator->n_layers ? accelerator->layer[id] : NULL;
    if (*layer != NULL) return ET_OK;
    return et_error_set(ET_INVALID, "no layer %zu is loaded", id);
}

/* ------------------------------------------------------------------------- load and unload -- */

/* A free place in the list. */
static enum et_status find_place(struct et_accelerator *accelerator, size_t *id)
{
    for (*id = 0; *id < accelerator->n_layers; ++*id)
        if (accelerator->layer[*id] == NULL) return ET_OK;
    size_t n = accelerator->n_layers + 1;
    struct et__bnn_loaded **longer = et_alloc(n, sizeof *longer);
    if (longer == NULL) return ET_NOMEM;
    for (size_t i = 0; i < accelerator->n_layers; i++)
        longer[i] = accelerator->layer[i];
    et_free(accelerator->layer);
    accelerator->layer = longer;
    accelerator->n_layers = n;
    return ET_OK;
}

static enum et_status load(struct et_accelerator *accelerator, const struct et_bnn_layer *shape,
                           const int8_t *weight, const int32_t *threshold, const uint8_t *flip,
                           size_t *id)
{
    ET_TRY(et_bnn_layer_check(shape));
    ET_TRY(check_weights(shape, weight));
    ET_TRY(need_thresholds(shape, threshold));
    ET_TRY(find_place(accelerator, id));
    struct et__bnn_loaded *layer = et_alloc(1, sizeof *layer);
    if (layer == NULL) return ET_NOMEM;
    layer->shape = *shape;
    enum et_status status =
        accelerator->transport
            ? et__bnn_put_on_device(&accelerator->device, layer, weight, threshold, flip)
            : et__bnn_put_here(layer, weight, threshold, flip);
    if (status == ET_OK) {
        accelerator->layer[*id] = layer;
    } else {
        et__bnn_remove(accelerator, layer);
    }
    return status;
}

enum et_status et_accelerator_load(struct et_accelerator *accelerator,
                                   const struct et_bnn_layer *layer, const int8_t *weight,
                                   const int32_t *threshold, const uint8_t *flip, size_t *id)
{
    *id = 0;
    ET_TRY_WHILE(load(accelerator, layer, weight, threshold, flip, id),
                 "loading a layer of %zu to %zu channels", layer->c_in, layer->c_out);
    return ET_OK;
}

void et_accelerator_unload(struct et_accelerator *accelerator, size_t id)
{
    struct et__bnn_loaded *layer = id < accelerator->n_layers ? accelerator->layer[id] : NULL;
    if (layer == NULL) return;
    accelerator->layer[id] = NULL;
    et__bnn_remove(accelerator, layer);
}

static enum et_status reload(struct et_accelerator *accelerator, size_t id, const int8_t *weight,
                             const int32_t *threshold, const uint8_t *flip)
{
    struct et__bnn_loaded *layer;
    ET_TRY(find_layer(accelerator, id, &layer));
    ET_TRY(check_weights(&layer->shape, weight));
    if (threshold != NULL) ET_TRY(check_thresholds(&layer->shape, threshold));
    if (accelerator->transport != NULL)
        return et__bnn_put_on_device(&accelerator->device, layer, weight, threshold, flip);
    return et__bnn_put_here(layer, weight, threshold, flip);
}

enum et_status et_accelerator_reload(struct et_accelerator *accelerator, size_t id,
                                     const int8_t *weight, const int32_t *threshold,
                                     const uint8_t *flip)
{
    ET_TRY_WHILE(reload(accelerator, id, weight, threshold, flip), "reloading layer %zu", id);
    return ET_OK;
}

static enum et_status set_bits(struct et_accelerator *accelerator, size_t id, unsigned w_bits,
                               const int32_t *threshold, const uint8_t *flip)
{
    struct et__bnn_loaded *layer;
    ET_TRY(find_layer(accelerator, id, &layer));
    struct et_bnn_layer before = layer->shape, after = before;
    after.w_bits = w_bits;
    ET_TRY(et_bnn_layer_check(&after));
    if (!after.w_signed)
        return et_error_set(ET_INVALID,
                            "layer %zu has no signed weights, which alone keep their "
                            "planes",
                            id);
    ET_TRY(need_thresholds(&after, threshold));
    layer->shape = after;
    et__bnn_forget_programs(layer);
    enum et_status status =
        accelerator->transport
            ? et__bnn_put_on_device(&accelerator->device, layer, NULL, threshold, flip)
            : et__bnn_put_here(layer, layer->stored, threshold, flip);
    if (status != ET_OK) layer->shape = before;
    return status;
}

enum et_status et_accelerator_set_bits(struct et_accelerator *accelerator, size_t id,
                                       unsigned w_bits, const int32_t *threshold,
                                       const uint8_t *flip)
{
    ET_TRY_WHILE(set_bits(accelerator, id, w_bits, threshold, flip),
                 "setting layer %zu to %u planes", id, w_bits);
    return ET_OK;
}

/* ---------------------------------------------------------------------------------- running -- */

static enum et_status run(struct et_accelerator *accelerator, size_t id, size_t n,
                          const uint64_t *x, void *y)
{
    struct et__bnn_loaded *layer;
    ET_TRY(find_layer(accelerator, id, &layer));
    if (n == 0) return ET_OK;
    if (accelerator->transport != NULL)
        return et__bnn_run_on_device(&accelerator->device, layer, id, n, x, y);
    ET_TRY(et__binary_forward_in(&layer->shape, &layer->weights, layer->threshold, layer->flip, n,
                                 x, y, &accelerator->scratch));
    accelerator->jobs++;
    return ET_OK;
}

enum et_status et_accelerator_run(struct et_accelerator *accelerator, size_t id, size_t n,
                                  const uint64_t *x, void *y)
{
    const char *uri =
        accelerator->transport ? et_transport_uri(accelerator->transport) : "software";
    ET_TRY_WHILE(run(accelerator, id, n, x, y), "running layer %zu on '%s'", id, uri);
    return ET_OK;
}
