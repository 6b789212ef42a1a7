/* SPDX-License-Identifier: Apache-2.0
 *
 * The device's formats, bit by bit against the formulas of docs/accelerator.md. */
#include "unit/bnn_layers.h"

#include <string.h>

#include "close.h"

enum { CASES = 100 };

static unsigned bit(const unsigned char *bytes, size_t i)
{
    return (unsigned)bytes[i / 8] >> i % 8 & 1U;
}

/* `bytes` bytes that are all set, with one more behind them that must stay. */
static unsigned char *room(size_t bytes)
{
    unsigned char *memory = et_alloc(bytes + 1, 1);
    ck_assert_ptr_nonnull(memory);
    memset(memory, 0xff, bytes + 1);
    return memory;
}

START_TEST(weights_lie_where_the_manual_says)
{
    for (uint64_t seed = 0; seed < CASES; seed++) {
        struct dice dice = {seed, 0};
        struct et_bnn_layer l = roll_layer(&dice);
        const struct et_bnn_caps *caps = &some_caps[roll(&dice, N_CAPS)];
        struct layer_values v = roll_values(&dice, &l);
        size_t bytes = et_bnn_layout_sizes(&l, caps, 1).w;
        unsigned char *to = room(bytes);
        et_bnn_layout_weights(&l, caps, v.weight, to);
        ck_assert_uint_eq(to[bytes], 0xff);
        /* Every bit of the memory: which weight is it? */
        size_t pe = caps->pe, simd = caps->simd, r = caps->axi_bits / simd;
        size_t chunks = (l.c_in + simd - 1) / simd, taps = l.k_h * l.k_w;
        for (size_t i = 0; i < bytes * 8; i++) {
            size_t k = i;
            size_t c = k % simd;
            k /= simd;
            size_t lane = k % r;
            k /= r;
            unsigned plane = (unsigned)(k % l.stored_bits);
            k /= l.stored_bits;
            lane += k % (pe / r) * r;
            k /= pe / r;
            c += k % chunks * simd;
            k /= chunks;
            size_t tap = k % taps, o = k / taps * pe + lane;
            unsigned want = 0;
            if (o < l.c_out && c < l.c_in) {
                int value = v.weight[(o * taps + tap) * l.c_in + c];
                if (l.mode != ET_BNN_AND) value = (value + (1 << l.stored_bits) - 1) / 2;
                want = (unsigned)value >> plane & 1U;
            }
            if (bit(to, i) != want) ck_abort_msg("seed %zu, bit %zu", (size_t)seed, i);
        }
        et_free(to);
        layer_values_free(&v);
    }
}
END_TEST

START_TEST(thresholds_lie_where_the_manual_says)
{
    for (uint64_t seed = 0; seed < CASES; seed++) {
        struct dice dice = {seed, 0};
        struct et_bnn_layer l = roll_layer(&dice);
        const struct et_bnn_caps *caps = &some_caps[roll(&dice, N_CAPS)];
        struct layer_values v = roll_values(&dice, &l);
        size_t bytes = et_bnn_layout_sizes(&l, caps, 1).t, entries = (size_t)1 << l.out_bits;
        unsigned char *to = room(bytes);
        et_bnn_layout_thresholds(&l, caps, v.threshold, v.flip, to);
        ck_assert_uint_eq(to[bytes], 0xff);
        if (l.output != ET_BNN_CODES) ck_assert_uint_eq(bytes, 0);
        for (size_t i = 0; i < bytes / 4; i++) {
            size_t o = i / caps->pe / entries * caps->pe + i % caps->pe;
            size_t e = i / caps->pe % entries;
            uint32_t word, want = 0;
            memcpy(&word, to + 4 * i, 4);
            if (o < l.c_out && e > 0) {
                int32_t t = v.threshold[o * (entries - 1) + e - 1];
                want = (uint32_t)v.flip[o] << 31 | ((uint32_t)t & 0x7fffffffU);
            }
            ck_assert_uint_eq(word, want);
        }
        et_free(to);
        layer_values_free(&v);
    }
}
END_TEST

START_TEST(rows_are_whole_beats)
{
    for (uint64_t seed = 0; seed < CASES; seed++) {
        struct dice dice = {seed, 0};
        struct et_bnn_layer l = roll_layer(&dice);
        const struct et_bnn_caps *caps = &some_caps[roll(&dice, N_CAPS)];
        size_t n = 1 + roll(&dice, 3), words = et_bnn_words(l.c_in);
        size_t rows = n * l.h * l.w * l.a_bits, bytes = et_bnn_layout_sizes(&l, caps, n).x;
        ck_assert_uint_eq(bytes % (rows * caps->axi_bits / 8), 0);
        uint64_t *x = et_alloc(rows * words, sizeof *x);
        ck_assert_ptr_nonnull(x);
        for (size_t i = 0; i < rows * l.c_in; i++)
            x[i / l.c_in * words + i % l.c_in / 64] |= (uint64_t)roll(&dice, 2) << i % l.c_in % 64;
        unsigned char *to = room(bytes);
        et_bnn_layout_in(&l, caps, n, x, to);
        ck_assert_uint_eq(to[bytes], 0xff);
        for (size_t i = 0; i < rows * l.c_in; i++)
            if (bit(to, i / l.c_in * (bytes / rows) * 8 + i % l.c_in) !=
                (x[i / l.c_in * words + i % l.c_in / 64] >> i % l.c_in % 64 & 1))
                ck_abort_msg("seed %zu, bit %zu", (size_t)seed, i);
        et_free(to);
        et_free(x);
    }
}
END_TEST

/* What the device might leave: right numbers, anything in the padding. */
static void outputs_of(const struct et_bnn_layer *l, const struct et_bnn_caps *caps, size_t n,
                       struct dice *dice)
{
    size_t bytes = et_bnn_layout_sizes(l, caps, n).y, count = n * et_bnn_out_size(l);
    size_t pixels = n * et_bnn_out_h(l) * et_bnn_out_w(l);
    bool codes = l->output == ET_BNN_CODES;
    unsigned char *from = room(bytes), *y = room(count * (codes ? 8 : 4));
    size_t rows = codes ? pixels * l->out_bits : pixels, width = codes ? 1 : 16;
    if (l->output == ET_BNN_RAW32) width = 32;
    for (size_t i = 0; i < bytes; i++)
        from[i] = (unsigned char)roll(dice, 256);
    et_bnn_layout_out(l, caps, n, from, y);
    ck_assert_uint_eq(y[count * (codes ? 8 : 4)], 0xff);
    for (size_t i = 0; i < rows * l->c_out; i++) {
        size_t o = i % l->c_out, at = i / l->c_out * (bytes / rows) * 8 + o * width;
        uint32_t want = 0;
        for (size_t b = 0; b < width; b++)
            want |= bit(from, at + b) << b;
        if (width == 16) want = (uint32_t)(int32_t)(int16_t)want;
        uint32_t got;
        if (codes) {
            got = bit(y, i / l->c_out * et_bnn_words(l->c_out) * 64 + o);
        } else {
            memcpy(&got, y + 4 * i, 4);
        }
        ck_assert_uint_eq(got, want);
    }
    if (codes)
        for (size_t i = 0; i < rows; i++)
            for (size_t o = l->c_out; o % 64 != 0; o++)
                ck_assert_uint_eq(bit(y, i * et_bnn_words(l->c_out) * 64 + o), 0);
    et_free(from);
    et_free(y);
}

START_TEST(outputs_come_back_with_clean_padding)
{
    for (uint64_t seed = 0; seed < CASES; seed++) {
        struct dice dice = {seed, 0};
        struct et_bnn_layer l = roll_layer(&dice);
        outputs_of(&l, &some_caps[roll(&dice, N_CAPS)], 1 + roll(&dice, 3), &dice);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        weights_lie_where_the_manual_says,
        thresholds_lie_where_the_manual_says,
        rows_are_whole_beats,
        outputs_come_back_with_clean_padding,
    };
    Suite *suite = suite_create("bnn_layout");
    TCase *tcase = tcase_create("bnn_layout");
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return suite_result(suite);
}
