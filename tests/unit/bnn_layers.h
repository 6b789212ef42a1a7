/* SPDX-License-Identifier: Apache-2.0
 *
 * Random layers and devices for the tests of the accelerator: a function of the seed. */
#ifndef ETALON_TESTS_BNN_LAYERS_H
#define ETALON_TESTS_BNN_LAYERS_H

#include <etalon/accelerator.h>
#include <etalon/array.h>
#include <etalon/rng.h>

#include <check.h>

struct dice {
    uint64_t seed, next;
};

/* 0 .. n - 1 */
static inline size_t roll(struct dice *dice, size_t n)
{
    return et_rng_below(dice->seed, ET_STREAM_USER, 0, dice->next++, (uint32_t)n);
}

/* Devices: the first ones are those that are built, the others bring odd corners. */
static const struct et_bnn_caps some_caps[] = {
    {32, 32, 64, 2048, 4096, 256, 4096, 256}, {8, 16, 64, 128, 128, 256, 64, 32},
    {32, 64, 64, 2048, 4096, 256, 4096, 256}, {16, 128, 128, 512, 1024, 256, 1024, 256},
    {8, 16, 128, 256, 128, 256, 64, 32},      {128, 32, 64, 96, 200, 24, 96, 40},
    {8, 16, 64, 24, 40, 16, 24, 16},          {64, 16, 64, 64, 60, 16, 300, 16},
};
enum { N_CAPS = sizeof some_caps / sizeof *some_caps };

static inline unsigned few_bits(struct dice *dice, unsigned most)
{
    unsigned bits = 1 + (unsigned)roll(dice, roll(dice, 3) ? 2 : most);
    return bits < most ? bits : most;
}

static inline struct et_bnn_layer roll_layer(struct dice *dice)
{
    for (;;) {
        bool dense = roll(dice, 3) == 0;
        struct et_bnn_layer l = et_bnn_dense(1 + roll(dice, roll(dice, 4) ? 90 : 700),
                                             1 + roll(dice, roll(dice, 4) ? 40 : 300));
        l.mode = (enum et_bnn_mode)roll(dice, 3);
        l.output = (enum et_bnn_output)roll(dice, 3);
        l.a_signed = l.mode != ET_BNN_XNOR && roll(dice, 2);
        l.w_signed = l.mode == ET_BNN_AND && roll(dice, 2);
        l.a_bits = few_bits(dice, 8);
        l.stored_bits = few_bits(dice, l.w_signed ? 8 : 7);
        l.w_bits = l.stored_bits;
        if (l.w_signed && roll(dice, 2)) l.w_bits = 1 + (unsigned)roll(dice, l.stored_bits);
        if (l.output == ET_BNN_CODES) l.out_bits = few_bits(dice, 4);
        if (!dense) {
            l.h = 1 + roll(dice, 14);
            l.w = 1 + roll(dice, 14);
            l.k_h = 1 + roll(dice, roll(dice, 5) ? 3 : 15);
            l.k_w = 1 + roll(dice, roll(dice, 5) ? 3 : 15);
            l.stride_y = 1 + roll(dice, 3);
            l.stride_x = 1 + roll(dice, 3);
            l.pad_top = roll(dice, roll(dice, 4) ? 3 : 16);
            l.pad_left = roll(dice, roll(dice, 4) ? 3 : 16);
            l.pad_bottom = roll(dice, roll(dice, 4) ? 3 : 16);
            l.pad_right = roll(dice, roll(dice, 4) ? 3 : 16);
            l.pad_zero_bits = roll(dice, 2);
            if (l.output == ET_BNN_CODES && roll(dice, 2)) l.pool = 1 + roll(dice, 3);
        }
        if (et_bnn_layer_check(&l) == ET_OK) return l;
        et_error_clear();
    }
}

static inline enum et_bnn_encoding a_encoding(const struct et_bnn_layer *l)
{
    return l->mode == ET_BNN_XNOR ? ET_BNN_BIPOLAR : l->a_signed ? ET_BNN_SIGNED : ET_BNN_UNSIGNED;
}

static inline enum et_bnn_encoding w_encoding(const struct et_bnn_layer *l)
{
    return l->mode != ET_BNN_AND ? ET_BNN_BIPOLAR : l->w_signed ? ET_BNN_SIGNED : ET_BNN_UNSIGNED;
}

/* Any value of an encoding. */
static inline int roll_value(struct dice *dice, enum et_bnn_encoding encoding, unsigned bits)
{
    int code = (int)roll(dice, (size_t)1 << bits), n = 1 << bits;
    if (encoding == ET_BNN_BIPOLAR) return 2 * code - (n - 1);
    return encoding == ET_BNN_SIGNED ? code - n / 2 : code;
}

/* Weights and thresholds of a layer, in the caller's formats. */
struct layer_values {
    int8_t *weight;
    int32_t *threshold; /* NULL for RAW */
    uint8_t *flip;
};

static inline void layer_values_free(struct layer_values *values)
{
    et_free(values->weight);
    et_free(values->threshold);
    et_free(values->flip);
}

static inline struct layer_values roll_values(struct dice *dice, const struct et_bnn_layer *l)
{
    struct layer_values v = {0};
    size_t n = l->c_out * l->k_h * l->k_w * l->c_in;
    ck_assert_ptr_nonnull(v.weight = et_alloc(n, 1));
    for (size_t i = 0; i < n; i++)
        v.weight[i] = (int8_t)roll_value(dice, w_encoding(l), l->stored_bits);
    ck_assert_ptr_nonnull(v.flip = et_alloc(l->c_out, 1));
    for (size_t o = 0; o < l->c_out; o++)
        v.flip[o] = (uint8_t)roll(dice, 2);
    if (l->output != ET_BNN_CODES) return v;
    size_t levels = ((size_t)1 << l->out_bits) - 1;
    ck_assert_ptr_nonnull(v.threshold = et_alloc(l->c_out * levels, sizeof *v.threshold));
    /* Spread over the likely sums: a random walk has the square root of the bound's terms. */
    uint32_t bound = (uint32_t)et_bnn_layer_bound(l), spread = 1;
    while ((uint64_t)spread * spread < bound)
        spread++;
    spread = bound / spread + spread;
    for (size_t o = 0; o < l->c_out; o++) {
        int32_t t = -(int32_t)roll(dice, spread);
        for (size_t e = 0; e < levels; e++) {
            v.threshold[o * levels + e] = t;
            t += (int32_t)roll(dice, 2 * spread / levels + 1);
        }
    }
    return v;
}

#endif
