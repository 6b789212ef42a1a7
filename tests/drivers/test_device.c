/* SPDX-License-Identifier: Apache-2.0
 *
 * The accelerator's contract, docs/accelerator.md, by registers and descriptors: the same tests for
 * the functional model and, where it was built, for the RTL. */
#include <etalon/array.h>
#include <etalon/rng.h>

#include "drivers/raw_device.h"
#include "hw/binary.h"
#include "hw/bnn_layout.h"

static const char *const uris[] = {"model:", "model:config=8x16", "model:config=8x16x128"};
enum { N_URIS = sizeof uris / sizeof *uris };

/* ----------------------------------------------------------------------- layers that fit -- */

static uint32_t draw(uint64_t seed, uint64_t *at, uint32_t lo, uint32_t hi)
{
    return lo + et_rng_below(seed, ET_STREAM_USER, 0, (*at)++, hi - lo + 1);
}

static struct et_bnn_layer draw_layer(uint64_t seed)
{
    uint64_t at = 0;
    struct et_bnn_layer l = {.mode = (enum et_bnn_mode)draw(seed, &at, 0, 2),
                             .output = (enum et_bnn_output)draw(seed, &at, 0, 2)};
    l.a_signed = l.mode != ET_BNN_XNOR && draw(seed, &at, 0, 1);
    l.w_signed = l.mode == ET_BNN_AND && draw(seed, &at, 0, 1);
    l.pad_zero_bits = draw(seed, &at, 0, 1);
    l.a_bits = draw(seed, &at, 1, 3);
    l.w_bits = draw(seed, &at, 1, 3);
    l.stored_bits = l.w_signed ? draw(seed, &at, l.w_bits, 5) : l.w_bits;
    bool codes = l.output == ET_BNN_CODES;
    l.out_bits = codes ? draw(seed, &at, 1, 3) : 1;
    l.c_in = draw(seed, &at, 1, 70);
    l.c_out = draw(seed, &at, 1, 40);
    l.h = draw(seed, &at, 3, 6);
    l.w = draw(seed, &at, 3, 6);
    l.k_h = draw(seed, &at, 1, 3);
    l.k_w = draw(seed, &at, 1, 3);
    l.stride_y = draw(seed, &at, 1, 2);
    l.stride_x = draw(seed, &at, 1, 2);
    l.pad_top = draw(seed, &at, 0, 2);
    l.pad_left = draw(seed, &at, 0, 2);
    l.pad_bottom = draw(seed, &at, 0, 2);
    l.pad_right = draw(seed, &at, 0, 2);
    l.pool = codes ? draw(seed, &at, 1, 2) : 1;
    return l;
}

/* Where the tensors lie in the data; the records are in front. */
struct places {
    size_t x, w, t, y, end;
};

static struct places place(const struct et_bnn_layer *l, const struct et_bnn_caps *caps)
{
    struct et_bnn_sizes size = et_bnn_layout_sizes(l, caps, 1);
    struct places at = {.x = 64};
    at.w = at.x + size.x;
    at.t = at.w + size.w;
    at.y = at.t + size.t;
    at.end = at.y + size.y;
    return at;
}

static bool fits(const struct et_bnn_layer *l, const struct et_bnn_caps *caps)
{
    struct et__bnn_layout at = et__bnn_layout_of(l, caps);
    struct et_bnn_sizes size = et_bnn_layout_sizes(l, caps, 1);
    return at.tiles * l->k_h * l->k_w * at.chunks * l->w_bits <= caps->w_depth &&
           size.x / at.beat <= caps->a_depth && size.y / at.beat <= caps->o_depth &&
           at.tiles << l->out_bits <= caps->t_depth && place(l, caps).end <= RAW_DATA;
}

static struct et_bnn_descriptor load(const struct raw *raw, enum et__bnn_target target, size_t at,
                                     size_t beats)
{
    struct et_bnn_descriptor d = raw_new(ET__BNN_OP_LOAD, 100 + (uint32_t)target);
    et__bnn_set_address(&d, ET__BNN_LOAD_ADDRESS_LO, raw->data.device + at);
    et__bnn_set(&d, ET__BNN_LOAD_TARGET, target);
    et__bnn_set(&d, ET__BNN_LOAD_LENGTH, beats);
    et__bnn_set(&d, ET__BNN_LOAD_ROWS, 1);
    return d;
}

static struct et_bnn_descriptor compute(const struct et_bnn_layer *l,
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
static void push_layer(struct raw *raw, const struct et_bnn_layer *l)
{
    size_t beat = raw->caps.axi_bits / 8;
    struct places at = place(l, &raw->caps);
    struct et_bnn_descriptor d = load(raw, ET__BNN_TO_WEIGHTS, at.w, (at.t - at.w) / beat);
    et__bnn_set(&d, ET__BNN_LOAD_STORED, l->stored_bits);
    et__bnn_set(&d, ET__BNN_LOAD_KEPT, l->w_bits);
    raw_push(raw, d);
    if (at.y > at.t) raw_push(raw, load(raw, ET__BNN_TO_THRESHOLDS, at.t, (at.y - at.t) / beat));
    d = load(raw, ET__BNN_TO_ACTIVATIONS, at.x, (at.w - at.x) / beat);
    et__bnn_set(&d, ET__BNN_ANY_PUSH_NEXT, 1);
    raw_push(raw, d);
    d = compute(l, &raw->caps);
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

/* Random numbers of a layer, and its outputs by the reference. */
struct numbers {
    int16_t a[6 * 6 * 70];
    uint64_t x[6 * 6 * 3 * 2];
    int8_t w[40 * 9 * 70];
    int32_t threshold[40 * 7];
    uint8_t flip[40];
    uint64_t want[100 * 40], got[100 * 40]; /* codes or int32 */
};

static int draw_value(uint64_t seed, uint64_t *at, enum et_bnn_encoding encoding, unsigned bits)
{
    int code = (int)draw(seed, at, 0, (1U << bits) - 1), most = (1 << bits) - 1;
    if (encoding == ET_BNN_BIPOLAR) return 2 * code - most;
    return encoding == ET_BNN_SIGNED ? code - (1 << (bits - 1)) : code;
}

static enum et_bnn_encoding encoding_of(bool bipolar, bool is_signed)
{
    return bipolar ? ET_BNN_BIPOLAR : is_signed ? ET_BNN_SIGNED : ET_BNN_UNSIGNED;
}

static void draw_numbers(struct numbers *n, const struct et_bnn_layer *l, uint64_t seed)
{
    uint64_t at = 1000;
    enum et_bnn_encoding a = encoding_of(l->mode == ET_BNN_XNOR, l->a_signed);
    enum et_bnn_encoding w = encoding_of(l->mode != ET_BNN_AND, l->w_signed);
    for (size_t i = 0; i < l->h * l->w * l->c_in; i++)
        n->a[i] = (int16_t)draw_value(seed, &at, a, l->a_bits);
    for (size_t i = 0; i < l->c_out * l->k_h * l->k_w * l->c_in; i++)
        n->w[i] = (int8_t)draw_value(seed, &at, w, l->stored_bits);
    size_t levels = (1U << l->out_bits) - 1;
    int32_t spread = (int32_t)et_bnn_layer_bound(l) / 4 + 2;
    for (size_t o = 0; o < l->c_out; o++) {
        n->flip[o] = draw(seed, &at, 0, 1) == 1;
        int32_t t = (int32_t)draw(seed, &at, 0, (uint32_t)(2 * spread)) - 2 * spread;
        for (size_t e = 0; e < levels; e++, t += (int32_t)draw(seed, &at, 0, (uint32_t)spread))
            n->threshold[o * levels + e] = t;
    }
    et_bnn_pack(n->a, l->h * l->w, l->c_in, l->a_bits, a, n->x);
    et__binary_reference(l, 1, n->a, n->w, n->threshold, n->flip, n->want);
}

static void write_tensors(struct raw *raw, const struct et_bnn_layer *l, const struct numbers *n)
{
    struct places at = place(l, &raw->caps);
    char *data = raw->data.host;
    et_bnn_layout_in(l, &raw->caps, 1, n->x, data + at.x);
    et_bnn_layout_weights(l, &raw->caps, n->w, data + at.w);
    et_bnn_layout_thresholds(l, &raw->caps, n->threshold, n->flip, data + at.t);
    memset(data, 0, 64);
}

static size_t out_bytes(const struct et_bnn_layer *l)
{
    return et_bnn_out_size(l) * (l->output == ET_BNN_CODES ? sizeof(uint64_t) : sizeof(int32_t));
}

START_TEST(layers_equal_the_reference)
{
    struct raw raw = raw_open(uris[_i]);
    struct numbers *n = et_alloc(1, sizeof *n);
    size_t tried = 0;
    for (uint64_t seed = 0; tried < 150; seed++) {
        struct et_bnn_layer l = draw_layer(seed);
        if (et_bnn_layer_check(&l) != ET_OK || !fits(&l, &raw.caps)) continue;
        tried++;
        draw_numbers(n, &l, seed);
        write_tensors(&raw, &l, n);
        push_layer(&raw, &l);
        ck_assert_uint_eq(raw_go(&raw), 1);
        uint32_t record[2];
        memcpy(record, raw.data.host, 8);
        ck_assert_uint_eq(record[0], 400);
        ck_assert_uint_eq(record[1], UINT32_C(1) << 31);
        et_bnn_layout_out(&l, &raw.caps, 1, (char *)raw.data.host + place(&l, &raw.caps).y, n->got);
        ck_assert_msg(memcmp(n->got, n->want, out_bytes(&l)) == 0, "%s, seed %llu", uris[_i],
                      (unsigned long long)seed);
    }
    ck_assert_uint_eq(raw_read(&raw, ET__BNN_REG_DONE), raw.tail);
    ck_assert_uint_eq(raw_counter(&raw, ET__BNN_COUNTER_JOBS), raw.tail);
    et_free(n);
    raw_close(&raw);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("device");
    TCase *tests = tcase_create("contract");
    tcase_set_timeout(tests, 0);
    tcase_add_loop_test(tests, layers_equal_the_reference, 0, N_URIS);
    suite_add_tcase(suite, tests);
    return suite_result(suite);
}
