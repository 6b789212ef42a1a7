/* SPDX-License-Identifier: Apache-2.0
 *
 * A loaded layer, on a device or here. */
#ifndef ETALON_DRIVERS_BNN_LAYERS_H
#define ETALON_DRIVERS_BNN_LAYERS_H

#include "bnn_device.h"

#include "hw/binary.h"

/* Programs of a layer that are kept: the full batch, a rest or two. */
enum { ET__BNN_PROGRAMS = 4 };

struct et__bnn_loaded {
    struct et_bnn_layer shape;

    /* Here. */
    struct et__binary_weights weights;
    int8_t *stored; /* weights before rounding, where they may be rounded again */
    int32_t *threshold;
    uint8_t *flip; /* NULL = none */

    /* On a device. */
    struct et_dma w, t, x, y;
    size_t batch; /* images that x and y have room for */
    struct {
        size_t n; /* images; 0 = empty */
        struct et_bnn_program program;
    } cached[ET__BNN_PROGRAMS];
    size_t next_cached;
};

struct et_accelerator {
    struct et_transport *transport; /* NULL: software */
    struct et__bnn_device device;   /* software: caps only */
    struct et__bnn_loaded **layer;  /* NULL = free place */
    size_t n_layers;
    struct et__binary_scratch scratch; /* software */
    uint64_t jobs;                     /* software */
};

/* Weights, and thresholds unless they are NULL, packed for the kernels.  After an error the layer
 * is as it was. */
enum et_status et__bnn_put_here(struct et__bnn_loaded *layer, const int8_t *weight,
                                const int32_t *threshold, const uint8_t *flip) ET_CHECKED;
/* Weights and thresholds, each unless it is NULL, into memory that the device reaches. */
enum et_status et__bnn_put_on_device(struct et__bnn_device *device, struct et__bnn_loaded *layer,
                                     const int8_t *weight, const int32_t *threshold,
                                     const uint8_t *flip) ET_CHECKED;
enum et_status et__bnn_run_on_device(struct et__bnn_device *device, struct et__bnn_loaded *layer,
                                     size_t id, size_t n, const uint64_t *x, void *y) ET_CHECKED;
void et__bnn_forget_programs(struct et__bnn_loaded *layer);
/* Frees a layer; memory that a hung device may still reach stays with the transport. */
void et__bnn_remove(struct et_accelerator *accelerator, struct et__bnn_loaded *layer);

#endif
