/* SPDX-License-Identifier: Apache-2.0
 *
 * The blocks of a plan on their way to and from the buffers: LOADs and STOREs. */
#ifndef ETALON_HW_BNN_TRANSFER_H
#define ETALON_HW_BNN_TRANSFER_H

#include "bnn_plan.h"
#include "bnn_schedule.h"

/* What descriptors are made from and where they go. */
struct et__bnn_writer {
    const struct et__bnn_plan *plan;
    const struct et_bnn_addresses *at;
    struct et__bnn_schedule *schedule;
};

/* Loads to `place` of the buffer when the first `wait` computations have ended: the weights of a
 * group's piece, the thresholds of a group, input rows [lo, hi) of a tile's piece (place is that
 * of the tile's first row). */
void et__bnn_load_weights(const struct et__bnn_writer *w, size_t g, const struct et__bnn_piece *q,
                          size_t place, size_t wait);
void et__bnn_load_thresholds(const struct et__bnn_writer *w, size_t g, size_t place, size_t wait);
void et__bnn_load_activations(const struct et__bnn_writer *w, const struct et__bnn_tile *tile,
                              const struct et__bnn_piece *q, size_t lo, size_t hi, size_t place,
                              size_t wait);

/* Stores output rows [from, to) of a tile, of a group or of all groups, when all computations so
 * far have ended; place is that of the tile's first row. */
void et__bnn_store(const struct et__bnn_writer *w, const struct et__bnn_tile *tile, size_t from,
                   size_t to, size_t g, size_t place);

#endif
