/* SPDX-License-Identifier: Apache-2.0
 *
 * Random legal layers of packed bits with weights, activations and thresholds. */
#ifndef ETALON_TESTS_RANDOM_LAYER_H
#define ETALON_TESTS_RANDOM_LAYER_H

#include "hw/binary.h"

#include <etalon/array.h>
#include <etalon/rng.h>

#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* A source of numbers that counts what it has given. */
struct dice {
    uint64_t seed, index;
};

static inline int draw(struct dice *d, int lowest, int highest)
{
    uint32_t n = (uint32_t)(highest - lowest) + 1;
    return lowest + (int)et_rng_below(d->seed, ET_STREAM_USER, 0, d->index++, n);
}

/* Weighted towards small numbers, since large ones make tests slow and add little. */
static inline unsigned draw_bits(struct dice *d, int most)
{
    return (unsigned)(draw(d, 0, 1) ? draw(d, 1, 2) : draw(d, 1, most));
}

static inline struct et_bnn_layer draw_layer(struct dice *d)
{
    struct et_bnn_layer l;
    do {
        bool dense = draw(d, 0, 2) == 0;
        l = et_bnn_dense((size_t)draw(d, 1, 130), (size_t)draw(d, 1, 130));
        l.mode = (enum et_bnn_mode)draw(d, 0, 2);
        l.output = (enum et_bnn_output)draw(d, 0, 2);
        l.a_signed = l.mode != ET_BNN_XNOR && draw(d, 0, 1);
        l.w_signed = l.mode == ET_BNN_AND && draw(d, 0, 1);
        l.pad_zero_bits = draw(d, 0, 1);
        l.a_bits = draw_bits(d, 8);
        l.w_bits = l.stored_bits = draw_bits(d, l.w_signed ? 8 : 7);
        if (l.w_signed) l.stored_bits = (unsigned)draw(d, (int)l.w_bits, 8);
        if (l.output == ET_BNN_CODES) l.out_bits = draw_bits(d, 8);
        if (dense) continue;
        l.c_in = (size_t)draw(d, 1, draw(d, 0, 1) ? 130 : 20);
        l.c_out = (size_t)draw(d, 1, draw(d, 0, 1) ? 130 : 20);
        l.h = (size_t)draw(d, 1, 7), l.w = (size_t)draw(d, 1, 7);
        l.k_h = (size_t)draw(d, 1, 4), l.k_w = (size_t)draw(d, 1, 4);
        l.stride_y = (size_t)draw(d, 1, 3), l.stride_x = (size_t)draw(d, 1, 3);
        l.pad_top = (size_t)draw(d, 0, 3), l.pad_left = (size_t)draw(d, 0, 3);
        l.pad_bottom = (size_t)draw(d, 0, 3), l.pad_right = (size_t)draw(d, 0, 3);
        if (l.output == ET_BNN_CODES) l.pool = (size_t)draw(d, 1, 3);
    } while (et_bnn_layer_check(&l) != ET_OK);
    et_error_clear();
    return l;
}

static inline enum et_bnn_encoding a_encoding(const struct et_bnn_layer *l)
{
    if (l->mode == ET_BNN_XNOR) return ET_BNN_BIPOLAR;
    return l->a_signed ? ET_BNN_SIGNED : ET_BNN_UNSIGNED;
}

static inline enum et_bnn_encoding w_encoding(const struct et_bnn_layer *l)
{
    if (l->mode != ET_BNN_AND) return ET_BNN_BIPOLAR;
    return l->w_signed ? ET_BNN_SIGNED : ET_BNN_UNSIGNED;
}

static inline int draw_value(struct dice *d, unsigned bits, enum et_bnn_encoding encoding)
{
    int n = 1 << bits, code = draw(d, 0, n - 1);
    if (encoding == ET_BNN_BIPOLAR) return 2 * code - (n - 1);
    return encoding == ET_BNN_SIGNED && code >= n / 2 ? code - n : code;
}

/* A layer with everything that a run of n images needs.  y has room for two results. */
struct workload {
    struct et_bnn_layer layer;
    size_t n;
    int16_t *a;         /* [n][h][w][c_in] */
    uint64_t *x;        /* the same, packed */
    int8_t *w;          /* [c_out][k_h][k_w][c_in] */
    int32_t *threshold; /* [c_out][2^out_bits - 1]; NULL for RAW */
    uint8_t *flip;      /* [c_out] or NULL */
    void *y[2];
    size_t y_bytes;
};

/* Thresholds lie where sums do: within the square root of the number of products. */
static inline void draw_thresholds(struct dice *d, struct workload *load)
{
    const struct et_bnn_layer *l = &load->layer;
    size_t levels = (1U << l->out_bits) - 1;
    int reach = 1 + (int)(et_bnn_layer_bound(l) / 4);
    ck_assert_ptr_nonnull(load->threshold = et_alloc(l->c_out * levels, sizeof *load->threshold));
    for (size_t o = 0; o < l->c_out; o++) {
        int32_t *t = load->threshold + o * levels, step = 2 * reach / (int32_t)levels;
        t[0] = draw(d, -reach, reach);
        for (size_t e = 1; e < levels; e++)
            t[e] = t[e - 1] + draw(d, 0, step + 1);
    }
    if (draw(d, 0, 3) == 0) return;
    ck_assert_ptr_nonnull(load->flip = et_alloc(l->c_out, 1));
    for (size_t o = 0; o < l->c_out; o++)
        load->flip[o] = (uint8_t)draw(d, 0, 1);
}

static inline struct workload draw_workload(struct dice *d, const struct et_bnn_layer *layer,
                                            size_t n)
{
    struct workload load = {.layer = *layer, .n = n};
    size_t in = n * layer->h * layer->w * layer->c_in;
    size_t weights = layer->c_out * layer->k_h * layer->k_w * layer->c_in;
    bool codes = layer->output == ET_BNN_CODES;
    load.y_bytes = n * et_bnn_out_size(layer) * (codes ? sizeof(uint64_t) : sizeof(int32_t));
    ck_assert_ptr_nonnull(load.a = et_alloc(in, sizeof *load.a));
    ck_assert_ptr_nonnull(load.x = et_alloc(n * et_bnn_in_words(layer), sizeof *load.x));
    ck_assert_ptr_nonnull(load.w = et_alloc(weights, sizeof *load.w));
    for (size_t i = 0; i < 2; i++) {
        ck_assert_ptr_nonnull(load.y[i] = et_alloc(load.y_bytes, 1));
        memset(load.y[i], (int)(0x5a + i), load.y_bytes);
    }
    for (size_t i = 0; i < in; i++)
        load.a[i] = (int16_t)draw_value(d, layer->a_bits, a_encoding(layer));
    for (size_t i = 0; i < weights; i++)
        load.w[i] = (int8_t)draw_value(d, layer->stored_bits, w_encoding(layer));
    et_bnn_pack(load.a, n * layer->h * layer->w, layer->c_in, layer->a_bits, a_encoding(layer),
                load.x);
    if (codes) draw_thresholds(d, &load);
    return load;
}

static inline void workload_destroy(struct workload *load)
{
    et_free(load->a);
    et_free(load->x);
    et_free(load->w);
    et_free(load->threshold);
    et_free(load->flip);
    et_free(load->y[0]);
    et_free(load->y[1]);
    *load = (struct workload){0};
}

#endif
