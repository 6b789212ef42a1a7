/* SPDX-License-Identifier: Apache-2.0
 *
 * One layer that fits the buffers, by descriptors: load, compute, store. */
#ifndef ETALON_TESTS_RAW_LAYER_H
#define ETALON_TESTS_RAW_LAYER_H

#include "drivers/random_layer.h"
#include "drivers/raw_device.h"
#include "hw/bnn_layout.h"

/* Where the tensors lie in the data; the records are in front. */
struct places {
    size_t x, w, t, y, end;
};

static inline struct places raw_place(const struct et_bnn_layer *l, const struct et_bnn_caps *caps)
{
    struct et_bnn_sizes size = et_bnn_layout_sizes(l, caps, 1);
    struct places at = {.x = 64};
    at.w = at.x + size.x;
    at.t = at.w + size.w;
    at.y = at.t + size.t;
    at.end = at.y + size.y;
    return at;
}

static inline bool raw_fits(const struct et_bnn_layer *l, const struct et_bnn_caps *caps)
{
    struct et__bnn_layout at = et__bnn_layout_of(l, caps);
    struct et_bnn_sizes size = et_bnn_layout_sizes(l, caps, 1);
    return at.tiles * l->k_h * l->k_w * at.chunks * l->w_bits <= caps->w_depth &&
           size.x / at.beat <= caps->a_depth && size.y / at.beat <= caps->o_depth &&
           at.tiles << l->out_bits <= caps->t_depth && raw_place(l, caps).end <= RAW_DATA;
}

static inline struct et_bnn_descriptor raw_load(const struct raw *raw, enum et__bnn_target target,
                                                size_t at, size_t beats)
{
    struct et_bnn_descriptor d = raw_new(ET__BNN_OP_LOAD, 100 + (uint32_t)target);
    et__bnn_set_address(&d, ET__BNN_LOAD_ADDRESS_LO, raw->data.device + at);
    et__bnn_set(&d, ET__BNN_LOAD_TARGET, target);
    et__bnn_set(&d, ET__BNN_LOAD_LENGTH, beats);
    et__bnn_set(&d, ET__BNN_LOAD_ROWS, 1);
    return d;
}

static inline struct et_bnn_descriptor raw_compute(const struct et_bnn_layer *l,
                                                   const struct et_bnn_caps *caps)
{
    struct et__bnn_layout at = et__bnn_layout_of(l, caps);
    struct et_bnn_descriptor d = raw_new(ET__BNN_OP_COMPUTE, 200);
#define SET(field, value) et__bnn_set(&d, ET__BNN_COMPUTE_##field, value)
    SET(MODE, l->mode);
    SET(A_SIGNED, l->a_signed);
    SET(W_SIGNED, l->w_signed);
    SET(PAD_ZERO_BITS, l->pad_zero_bits);
    SET(INIT, 1);
    SET(FINAL, 1);
    SET(OUTPUT, l->output);
    SET(A_BITS, l->a_bits);
    SET(W_BITS, l->w_bits);
    SET(O_BITS, l->out_bits);
    SET(POOL, l->pool);
    SET(C_IN, l->c_in);
    SET(C_OUT, l->c_out);
    SET(H, l->h);
    SET(W, l->w);
    SET(K_H, l->k_h);
    SET(K_W, l->k_w);
    SET(STRIDE_Y, l->stride_y);
    SET(STRIDE_X, l->stride_x);
    SET(PAD_TOP, l->pad_top);
    SET(PAD_LEFT, l->pad_left);
    SET(OUT_H, et_bnn_out_h(l));
    SET(OUT_W, et_bnn_out_w(l));
    SET(OUT_PIXEL, at.y_row * at.y_rows);
    SET(OUT_PLANE, at.y_row);
    SET(A_PIXEL, at.x_row * l->a_bits);
    SET(A_PLANE, at.x_row);
#undef SET
    return d;
}

/* Load, compute, store, and a SYNC with a record at 0 of the data. */
static inline void raw_push_layer(struct raw *raw, const struct et_bnn_layer *l)
{
    size_t beat = raw->caps.axi_bits / 8;
    struct places at = raw_place(l, &raw->caps);
    struct et_bnn_descriptor d = raw_load(raw, ET__BNN_TO_WEIGHTS, at.w, (at.t - at.w) / beat);
    et__bnn_set(&d, ET__BNN_LOAD_STORED, l->stored_bits);
    et__bnn_set(&d, ET__BNN_LOAD_KEPT, l->w_bits);
    raw_push(raw, d);
    if (at.y > at.t)
        raw_push(raw, raw_load(raw, ET__BNN_TO_THRESHOLDS, at.t, (at.y - at.t) / beat));
    d = raw_load(raw, ET__BNN_TO_ACTIVATIONS, at.x, (at.w - at.x) / beat);
    et__bnn_set(&d, ET__BNN_ANY_PUSH_NEXT, 1);
    raw_push(raw, d);
    d = raw_compute(l, &raw->caps);
    et__bnn_set(&d, ET__BNN_ANY_POP_PREV, 1);
    et__bnn_set(&d, ET__BNN_ANY_PUSH_NEXT, 1);
    raw_push(raw, d);
    d = raw_new(ET__BNN_OP_STORE, 300);
    et__bnn_set(&d, ET__BNN_ANY_POP_PREV, 1);
    et__bnn_set_address(&d, ET__BNN_STORE_ADDRESS_LO, raw->data.device + at.y);
    et__bnn_set(&d, ET__BNN_STORE_LENGTH, (at.end - at.y) / beat);
    et__bnn_set(&d, ET__BNN_STORE_ROWS, 1);
    raw_push(raw, d);
    raw_push_complete(raw, raw_new(ET__BNN_OP_SYNC, 400), 0);
}

static inline void raw_write_tensors(struct raw *raw, const struct et_bnn_layer *l,
                                     const struct numbers *n)
{
    struct places at = raw_place(l, &raw->caps);
    char *data = raw->data.host;
    et_bnn_layout_in(l, &raw->caps, 1, n->x, data + at.x);
    et_bnn_layout_weights(l, &raw->caps, n->w, data + at.w);
    et_bnn_layout_thresholds(l, &raw->caps, n->threshold, n->flip, data + at.t);
    memset(data, 0, 64);
}

#endif
