/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory, programs and batches of a loaded layer. */
#include "bnn_layers.h"

#include <etalon/array.h>

#include <string.h>

/* Inputs and outputs of a batch take no more shared memory than this, unless one image does. */
static const size_t batch_bytes_max = (size_t)32 << 20;

/* ------------------------------------------------------------------------------------- here -- */

/* A copy of n bytes; *copy stays NULL without a source. */
static enum et_status copy_of(const void *from, size_t n, void **copy)
{
    *copy = NULL;
    if (from == NULL) return ET_OK;
    *copy = et_alloc(n, 1);
    if (*copy == NULL) return ET_NOMEM;
    memcpy(*copy, from, n);
    return ET_OK;
}

enum et_status et__bnn_put_here(struct et__bnn_loaded *layer, const int8_t *weight,
                                const int32_t *threshold, const uint8_t *flip)
{
    const struct et_bnn_layer *l = &layer->shape;
    size_t n = l->c_out * l->k_h * l->k_w * l->c_in;
    size_t levels = ((size_t)1 << l->out_bits) - 1;
    struct et__binary_weights weights = {0};
    void *stored = NULL, *thresholds = NULL, *flips = NULL;
    enum et_status status = et__binary_weights_create(&weights, l, weight);
    if (status == ET_OK) status = copy_of(l->w_signed ? weight : NULL, n, &stored);
    if (status == ET_OK)
        status = copy_of(threshold, l->c_out * levels * sizeof *threshold, &thresholds);
    if (status == ET_OK) status = copy_of(threshold ? flip : NULL, l->c_out, &flips);
    if (status != ET_OK) {
        et__binary_weights_destroy(&weights);
        et_free(stored);
        et_free(thresholds);
        return status;
    }
    et__binary_weights_destroy(&layer->weights);
    et_free(layer->stored);
    layer->weights = weights;
    layer->stored = stored;
    if (threshold == NULL) return ET_OK;
    et_free(layer->threshold);
    et_free(layer->flip);
    layer->threshold = thresholds;
    layer->flip = flips;
    return ET_OK;
}

/* ------------------------------------------------------------------------------ on a device -- */

/* What a hung device may still reach must not become anybody else's. */
static void release(struct et__bnn_device *device, struct et_dma *dma)
{
    if (device->hung)
        *dma = (struct et_dma){0};
    else
        et_transport_dma_free(device->transport, dma);
}

void et__bnn_forget_programs(struct et__bnn_loaded *layer)
{
    for (size_t i = 0; i < ET__BNN_PROGRAMS; i++) {
        et_bnn_program_destroy(&layer->cached[i].program);
        layer->cached[i].n = 0;
    }
}

static enum et_status show(struct et__bnn_device *device, const struct et_dma *dma)
{
    return et_transport_sync(device->transport, dma, 0, dma->bytes, ET_TO_DEVICE);
}

/* A layer that no tiling fits is refused when it is loaded. */
static enum et_status try_compile(const struct et__bnn_device *device,
                                  const struct et_bnn_layer *shape)
{
    struct et_bnn_program program = {0};
    const struct et_bnn_addresses nowhere = {0};
    ET_TRY(et_bnn_compile(shape, &device->caps, &nowhere, 1, &program));
    et_bnn_program_destroy(&program);
    return ET_OK;
}

enum et_status et__bnn_put_on_device(struct et__bnn_device *device, struct et__bnn_loaded *layer,
                                     const int8_t *weight, const int32_t *threshold,
                                     const uint8_t *flip)
{
    const struct et_bnn_layer *l = &layer->shape;
    struct et_bnn_sizes size = et_bnn_layout_sizes(l, &device->caps, 1);
    if (device->hung) ET_TRY(et__bnn_device_recover(device));
    bool other_shape = layer->w.host == NULL || weight == NULL;
    if (other_shape) ET_TRY(try_compile(device, l));
    if (layer->w.host == NULL) ET_TRY(et_transport_dma_alloc(device->transport, size.w, &layer->w));
    if (layer->t.host == NULL && size.t > 0)
        ET_TRY(et_transport_dma_alloc(device->transport, size.t, &layer->t));
    if (weight != NULL) {
        et_bnn_layout_weights(l, &device->caps, weight, layer->w.host);
        ET_TRY(show(device, &layer->w));
    }
    if (threshold == NULL || size.t == 0) return ET_OK;
    et_bnn_layout_thresholds(l, &device->caps, threshold, flip, layer->t.host);
    return show(device, &layer->t);
}

/* Room for up to n images, fewer when memory is short. */
static enum et_status make_room(struct et__bnn_device *device, struct et__bnn_loaded *layer,
                                size_t n)
{
    struct et_bnn_sizes one = et_bnn_layout_sizes(&layer->shape, &device->caps, 1);
    size_t most = batch_bytes_max / (one.x + one.y);
    if (most == 0) most = 1;
    if (n > most) n = most;
    if (layer->batch >= n) return ET_OK;
    et__bnn_forget_programs(layer);
    release(device, &layer->x);
    release(device, &layer->y);
    layer->batch = 0;
    for (;; n = (n + 1) / 2) {
        enum et_status status = et_transport_dma_alloc(device->transport, n * one.x, &layer->x);
        if (status == ET_OK)
            status = et_transport_dma_alloc(device->transport, n * one.y, &layer->y);
        if (status == ET_OK) break;
        release(device, &layer->x);
        if (status != ET_NOMEM || n == 1) return status;
    }
    et_error_clear();
    layer->batch = n;
    return ET_OK;
}

static enum et_status program_for(struct et__bnn_device *device, struct et__bnn_loaded *layer,
                                  size_t n, const struct et_bnn_program **program)
{
    for (size_t i = 0; i < ET__BNN_PROGRAMS; i++)
        if (layer->cached[i].n == n) {
            *program = &layer->cached[i].program;
            return ET_OK;
        }
    size_t place = layer->next_cached;
    struct et_bnn_addresses at = {
        .x = layer->x.device, .w = layer->w.device, .t = layer->t.device, .y = layer->y.device};
    et_bnn_program_destroy(&layer->cached[place].program);
    layer->cached[place].n = 0;
    ET_TRY(et_bnn_compile(&layer->shape, &device->caps, &at, n, &layer->cached[place].program));
    layer->cached[place].n = n;
    layer->next_cached = (place + 1) % ET__BNN_PROGRAMS;
    *program = &layer->cached[place].program;
    return ET_OK;
}

static enum et_status run_batch(struct et__bnn_device *device, struct et__bnn_loaded *layer,
                                size_t id, size_t n, const uint64_t *x, void *y)
{
    const struct et_bnn_layer *l = &layer->shape;
    struct et_bnn_sizes size = et_bnn_layout_sizes(l, &device->caps, n);
    const struct et_bnn_program *program;
    ET_TRY(program_for(device, layer, n, &program));
    et_bnn_layout_in(l, &device->caps, n, x, layer->x.host);
    ET_TRY(et_transport_sync(device->transport, &layer->x, 0, size.x, ET_TO_DEVICE));
    ET_TRY(et__bnn_device_run(device, program, id));
    ET_TRY(et_transport_sync(device->transport, &layer->y, 0, size.y, ET_FROM_DEVICE));
    et_bnn_layout_out(l, &device->caps, n, layer->y.host, y);
    return ET_OK;
}

enum et_status et__bnn_run_on_device(struct et__bnn_device *device, struct et__bnn_loaded *layer,
                                     size_t id, size_t n, const uint64_t *x, void *y)
{
    const struct et_bnn_layer *l = &layer->shape;
    size_t number = l->output == ET_BNN_CODES ? sizeof(uint64_t) : sizeof(int32_t);
    size_t in = et_bnn_in_words(l), out = et_bnn_out_size(l) * number;
    /* Before anything is written where a device that hung may still be reading. */
    if (device->hung) ET_TRY(et__bnn_device_recover(device));
    ET_TRY(make_room(device, layer, n));
    for (size_t first = 0; first < n; first += layer->batch) {
        size_t count = n - first < layer->batch ? n - first : layer->batch;
        ET_TRY(
            run_batch(device, layer, id, count, x + first * in, (unsigned char *)y + first * out));
    }
    return ET_OK;
}

/* ------------------------------------------------------------------------------------ both -- */

void et__bnn_remove(struct et_accelerator *accelerator, struct et__bnn_loaded *layer)
{
    et__bnn_forget_programs(layer);
    if (accelerator->transport != NULL) {
        release(&accelerator->device, &layer->w);
        release(&accelerator->device, &layer->t);
        release(&accelerator->device, &layer->x);
        release(&accelerator->device, &layer->y);
    }
    et__binary_weights_destroy(&layer->weights);
    et_free(layer->stored);
    et_free(layer->threshold);
    et_free(layer->flip);
    et_free(layer);
}
