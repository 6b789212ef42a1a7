/* SPDX-License-Identifier: Apache-2.0
 *
 * Random layers of packed bits with random numbers, and their outputs by the plain reference. */
#ifndef ETALON_TESTS_RANDOM_LAYER_H
#define ETALON_TESTS_RANDOM_LAYER_H

#include <etalon/array.h>
#include <etalon/rng.h>

#include <check.h>

#include "hw/binary.h"

static inline uint32_t draw(uint64_t seed, uint64_t *at, uint32_t lo, uint32_t hi)
{
    return lo + et_rng_below(seed, ET_STREAM_USER, 0, (*at)++, hi - lo + 1);
}

/* A layer that et_bnn_layer_check accepts; every 64-bit seed gives one. */
static inline struct et_bnn_layer draw_layer(uint64_t seed, uint32_t channels)
{
    struct et_bnn_layer l;
    uint64_t at = 0;
    do {
        l = (struct et_bnn_layer){.mode = (enum et_bnn_mode)draw(seed, &at, 0, 2),
                                  .output = (enum et_bnn_output)draw(seed, &at, 0, 2)};
        bool codes = l.output == ET_BNN_CODES;
        l.a_signed = l.mode != ET_BNN_XNOR && draw(seed, &at, 0, 1);
        l.w_signed = l.mode == ET_BNN_AND && draw(seed, &at, 0, 1);
        l.pad_zero_bits = draw(seed, &at, 0, 1);
        l.a_bits = draw(seed, &at, 1, 3);
        l.w_bits = draw(seed, &at, 1, 3);
        l.stored_bits = l.w_signed ? draw(seed, &at, l.w_bits, 5) : l.w_bits;
        l.out_bits = codes ? draw(seed, &at, 1, 3) : 1;
        l.c_in = draw(seed, &at, 1, channels);
        l.c_out = draw(seed, &at, 1, channels);
        l.h = draw(seed, &at, 1, 6);
        l.w = draw(seed, &at, 1, 6);
        l.k_h = draw(seed, &at, 1, 3);
        l.k_w = draw(seed, &at, 1, 3);
        l.stride_y = draw(seed, &at, 1, 2);
        l.stride_x = draw(seed, &at, 1, 2);
        l.pad_top = draw(seed, &at, 0, 2);
        l.pad_left = draw(seed, &at, 0, 2);
        l.pad_bottom = draw(seed, &at, 0, 2);
        l.pad_right = draw(seed, &at, 0, 2);
        l.pool = codes ? draw(seed, &at, 1, 2) : 1;
    } while (et_bnn_layer_check(&l) != ET_OK);
    et_error_clear();
    return l;
}

struct numbers {
    size_t images;
    int16_t *a;
    uint64_t *x;
    int8_t *w;
    int32_t *threshold; /* also for RAW, which ignores it */
    uint8_t *flip;
    void *want, *got;
    size_t out_bytes; /* of want and got */
};

static inline enum et_bnn_encoding encoding_of(bool bipolar, bool is_signed)
{
    return bipolar ? ET_BNN_BIPOLAR : is_signed ? ET_BNN_SIGNED : ET_BNN_UNSIGNED;
}

static inline enum et_bnn_encoding a_encoding(const struct et_bnn_layer *l)
{
    return encoding_of(l->mode == ET_BNN_XNOR, l->a_signed);
}

static inline int draw_value(uint64_t seed, uint64_t *at, enum et_bnn_encoding encoding,
                             unsigned bits)
{
    int code = (int)draw(seed, at, 0, (1U << bits) - 1), most = (1 << bits) - 1;
    if (encoding == ET_BNN_BIPOLAR) return 2 * code - most;
    return encoding == ET_BNN_SIGNED ? code - (1 << (bits - 1)) : code;
}

static inline size_t weights_of(const struct et_bnn_layer *l)
{
    return l->c_out * l->k_h * l->k_w * l->c_in;
}

static inline void draw_weights(struct numbers *n, const struct et_bnn_layer *l, uint64_t seed)
{
    uint64_t at = 1U << 20;
    enum et_bnn_encoding w = encoding_of(l->mode != ET_BNN_AND, l->w_signed);
    for (size_t i = 0; i < weights_of(l); i++)
        n->w[i] = (int8_t)draw_value(seed, &at, w, l->stored_bits);
}

static inline void draw_thresholds(struct numbers *n, const struct et_bnn_layer *l, uint64_t seed)
{
    uint64_t at = 1U << 30;
    size_t levels = (1U << l->out_bits) - 1;
    uint32_t spread = (uint32_t)(et_bnn_layer_bound(l) / 4 + 2);
    for (size_t o = 0; o < l->c_out; o++) {
        n->flip[o] = draw(seed, &at, 0, 1) == 1;
        int32_t t = (int32_t)draw(seed, &at, 0, 2 * spread) - 2 * (int32_t)spread;
        for (size_t e = 0; e < levels; e++, t += (int32_t)draw(seed, &at, 0, spread))
            n->threshold[o * levels + e] = t;
    }
}

static inline void refer(struct numbers *n, const struct et_bnn_layer *l)
{
    et__binary_reference(l, n->images, n->a, n->w, n->threshold, n->flip, n->want);
}

static inline struct numbers draw_numbers(const struct et_bnn_layer *l, size_t images,
                                          uint64_t seed)
{
    size_t pixels = images * l->h * l->w, levels = (1U << l->out_bits) - 1;
    size_t number = l->output == ET_BNN_CODES ? sizeof(uint64_t) : sizeof(int32_t);
    struct numbers n = {.images = images, .out_bytes = images * et_bnn_out_size(l) * number};
    n.a = et_alloc(pixels * l->c_in, sizeof *n.a);
    n.x = et_alloc(images * et_bnn_in_words(l), sizeof *n.x);
    n.w = et_alloc(weights_of(l), sizeof *n.w);
    n.threshold = et_alloc(l->c_out * levels, sizeof *n.threshold);
    n.flip = et_alloc(l->c_out, sizeof *n.flip);
    n.want = et_alloc(n.out_bytes, 1);
    n.got = et_alloc(n.out_bytes, 1);
    ck_assert(n.a && n.x && n.w && n.threshold && n.flip && n.want && n.got);
    uint64_t at = 1000;
    for (size_t i = 0; i < pixels * l->c_in; i++)
        n.a[i] = (int16_t)draw_value(seed, &at, a_encoding(l), l->a_bits);
    et_bnn_pack(n.a, pixels, l->c_in, l->a_bits, a_encoding(l), n.x);
    draw_weights(&n, l, seed);
    draw_thresholds(&n, l, seed);
    refer(&n, l);
    return n;
}

static inline void free_numbers(struct numbers *n)
{
    et_free(n->a);
    et_free(n->x);
    et_free(n->w);
    et_free(n->threshold);
    et_free(n->flip);
    et_free(n->want);
    et_free(n->got);
}

#endif
