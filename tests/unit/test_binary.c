/* SPDX-License-Identifier: Apache-2.0
 *
 * Packed bits: formats, the plain reference against numbers worked out by hand, and the kernels
 * against the reference on random layers. */
#include "hw/binary.h"

#include <etalon/array.h>
#include <etalon/parallel.h>

#include <check.h>
#include <math.h>
#include <string.h>

#include "close.h"
#include "unit/random_layer.h"

/* ---------------------------------------------------------------------------------- packing -- */

START_TEST(packing_is_undone_by_unpacking)
{
    struct dice d = {.seed = 1};
    for (size_t channels = 1; channels <= 130; channels += 1 + channels / 20)
        for (unsigned bits = 1; bits <= 8; bits++)
            for (int e = ET_BNN_BIPOLAR; e <= ET_BNN_SIGNED; e++) {
                enum et_bnn_encoding encoding = (enum et_bnn_encoding)e;
                enum { ROWS = 3, WORDS = 3 };
                int16_t value[ROWS * 130], back[ROWS * 130];
                uint64_t planes[ROWS * 8 * WORDS];
                memset(planes, 0xff, sizeof planes);
                for (size_t i = 0; i < ROWS * channels; i++)
                    value[i] = (int16_t)draw_value(&d, bits, encoding);
                et_bnn_pack(value, ROWS, channels, bits, encoding, planes);
                et_bnn_unpack(planes, ROWS, channels, bits, encoding, back);
                ck_assert_mem_eq(back, value, ROWS * channels * sizeof *value);
                size_t words = et_bnn_words(channels);
                for (size_t r = 0; r < ROWS * bits && channels % 64; r++)
                    ck_assert_uint_eq(planes[(r + 1) * words - 1] >> channels % 64, 0);
            }
}
END_TEST

START_TEST(planes_have_the_documented_places)
{
    int16_t value[66] = {[0] = 3, [1] = -1, [65] = 1};
    uint64_t planes[4];
    for (size_t c = 2; c < 65; c++)
        value[c] = -3;
    et_bnn_pack(value, 1, 66, 2, ET_BNN_BIPOLAR, planes); /* 3 = 11, -1 = 01, 1 = 10, -3 = 00 */
    ck_assert_uint_eq(planes[0], 3);
    ck_assert_uint_eq(planes[1], 0);
    ck_assert_uint_eq(planes[2], 1);
    ck_assert_uint_eq(planes[3], 2);
    const int16_t lowest = -4;
    et_bnn_pack(&lowest, 1, 1, 3, ET_BNN_SIGNED, planes);
    ck_assert_uint_eq(planes[0] + planes[1], 0);
    ck_assert_uint_eq(planes[2], 1);
}
END_TEST

START_TEST(signs_of_zero_are_positive)
{
    float x[2][65] = {{0.0F, -0.0F, -1e-30F, 1e-30F}, {0}};
    uint64_t planes[4];
    for (size_t c = 4; c < 64; c++)
        x[0][c] = -1;
    x[1][0] = -1;
    et_bnn_pack_signs(x[0], 2, 65, planes);
    ck_assert_uint_eq(planes[0], 0xb);
    ck_assert_uint_eq(planes[1], 1);
    ck_assert_uint_eq(planes[2], ~1ULL);
    ck_assert_uint_eq(planes[3], 1);
}
END_TEST

/* ----------------------------------------------------------------------------------- layers -- */

struct wrong {
    const char *message;
    size_t offset;
    size_t value;
    bool is_size; /* else unsigned */
};

#define SIZE(field, value, message)                                                                \
    {                                                                                              \
        message, offsetof(struct et_bnn_layer, field), value, true                                 \
    }
#define BITS(field, value, message)                                                                \
    {                                                                                              \
        message, offsetof(struct et_bnn_layer, field), value, false                                \
    }

START_TEST(layers_out_of_range_are_named)
{
    static const struct wrong wrongs[] = {
        SIZE(c_in, 0, "c_in = 0 is outside [1, 65535]"),
        SIZE(c_in, 65536, "c_in = 65536 is outside [1, 65535]"),
        SIZE(c_out, 0, "c_out = 0 is outside [1, 65535]"),
        SIZE(c_out, 65536, "c_out = 65536 is outside [1, 65535]"),
        SIZE(h, 0, "h = 0 is outside [1, 65535]"),
        SIZE(w, 65536, "w = 65536 is outside [1, 65535]"),
        SIZE(k_h, 0, "k_h = 0 is outside [1, 15]"),
        SIZE(k_w, 16, "k_w = 16 is outside [1, 15]"),
        SIZE(k_h, 7, "k_h = 7 is outside [1, 6]"),
        SIZE(k_w, 8, "k_w = 8 is outside [1, 7]"),
        SIZE(stride_y, 0, "stride_y = 0 is outside [1, 15]"),
        SIZE(stride_x, 16, "stride_x = 16 is outside [1, 15]"),
        SIZE(pad_top, 16, "pad_top = 16 is outside [0, 15]"),
        SIZE(pad_left, 16, "pad_left = 16 is outside [0, 15]"),
        SIZE(pad_bottom, 16, "pad_bottom = 16 is outside [0, 15]"),
        SIZE(pad_right, 16, "pad_right = 16 is outside [0, 15]"),
        SIZE(pool, 0, "pool = 0 is outside [1, 8]"),
        SIZE(pool, 5, "pool = 5 is outside [1, 4]"),
        BITS(a_bits, 0, "a_bits = 0 is outside [1, 8]"),
        BITS(a_bits, 9, "a_bits = 9 is outside [1, 8]"),
        BITS(w_bits, 0, "w_bits = 0 is outside [1, 7]"),
        BITS(w_bits, 8, "w_bits = 8 is outside [1, 7]"),
        BITS(w_bits, 2, "stored_bits = 1 is outside [2, 7]"),
        BITS(stored_bits, 2, "stored_bits = 2 is outside [1, 1]: only signed weights"),
        BITS(out_bits, 9, "out_bits = 9 is outside [1, 8]"),
        BITS(mode, 3, "mode = 3 is outside [0, 2]"),
        BITS(output, 3, "output = 3 is outside [0, 2]"),
    };
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
        struct et_bnn_layer l = et_bnn_dense(10, 10);
        l.output = ET_BNN_CODES;
        l.h = 4, l.w = 5, l.k_h = 3, l.k_w = 3;
        l.pad_top = l.pad_bottom = l.pad_left = l.pad_right = 1;
        assert_ok(et_bnn_layer_check(&l));
        unsigned narrow = (unsigned)wrongs[i].value;
        if (wrongs[i].is_size)
            memcpy((char *)&l + wrongs[i].offset, &wrongs[i].value, sizeof wrongs[i].value);
        else
            memcpy((char *)&l + wrongs[i].offset, &narrow, sizeof narrow);
        assert_status(et_bnn_layer_check(&l), ET_INVALID);
        assert_message(wrongs[i].message);
    }
}
END_TEST

START_TEST(layers_that_contradict_themselves_are_named)
{
    struct et_bnn_layer l = et_bnn_dense(10, 10);
    l.a_signed = true;
    assert_status(et_bnn_layer_check(&l), ET_INVALID);
    assert_message("a_signed");
    l.mode = ET_BNN_AND_POPCOUNT;
    assert_ok(et_bnn_layer_check(&l));
    l.w_signed = true;
    assert_status(et_bnn_layer_check(&l), ET_INVALID);
    assert_message("w_signed");
    l.mode = ET_BNN_AND;
    l.stored_bits = 8;
    assert_ok(et_bnn_layer_check(&l));
    l.out_bits = 2;
    assert_status(et_bnn_layer_check(&l), ET_INVALID);
    assert_message("out_bits = 2 is outside [1, 1]");
    l.out_bits = 1;
    l.h = l.w = 4;
    l.pool = 2;
    assert_status(et_bnn_layer_check(&l), ET_INVALID);
    assert_message("pool = 2 is outside [1, 1]");
}
END_TEST

START_TEST(sums_stay_in_range)
{
    struct et_bnn_layer l = et_bnn_dense(32767, 1);
    l.output = ET_BNN_RAW16;
    assert_ok(et_bnn_layer_check(&l));
    l.c_in++;
    assert_status(et_bnn_layer_check(&l), ET_INVALID);
    assert_message("sums up to 32768 are outside [-32767, 32767]");
    /* 65,535 x 255 x 64 fits into 30 bits, with one more row of the image it does not. */
    l = et_bnn_dense(65535, 1);
    l.mode = ET_BNN_AND;
    l.w_signed = true;
    l.a_bits = 8;
    l.w_bits = l.stored_bits = 7;
    assert_ok(et_bnn_layer_check(&l));
    ck_assert_uint_eq(et_bnn_layer_bound(&l), 65535ULL * 255 * 64);
    l.h = 2, l.k_h = 2;
    assert_status(et_bnn_layer_check(&l), ET_INVALID);
    assert_message("outside [-1073741822, 1073741822]");
}
END_TEST

START_TEST(the_bound_counts_what_is_inside)
{
    struct et_bnn_layer l = et_bnn_dense(10, 1);
    l.h = 2, l.w = 9, l.k_h = l.k_w = 5;
    l.pad_top = l.pad_bottom = l.pad_left = l.pad_right = 2;
    ck_assert_uint_eq(et_bnn_layer_bound(&l), 2 * 5 * 10);
    l.pad_zero_bits = true;
    ck_assert_uint_eq(et_bnn_layer_bound(&l), 5 * 5 * 10);
    l.mode = ET_BNN_AND_POPCOUNT; /* 0 bits are 0 */
    l.a_signed = true;
    l.a_bits = 3, l.w_bits = 2;
    ck_assert_uint_eq(et_bnn_layer_bound(&l), 2 * 5 * 10 * 4 * 3);
}
END_TEST

START_TEST(sizes_follow_the_layer)
{
    struct et_bnn_layer l = et_bnn_dense(70, 130);
    ck_assert_uint_eq(et_bnn_in_words(&l), 2);
    ck_assert_uint_eq(et_bnn_out_size(&l), 130);
    l.output = ET_BNN_CODES;
    l.a_bits = 2, l.out_bits = 3;
    l.h = 9, l.w = 12, l.k_h = 3, l.k_w = 4;
    l.stride_y = 2, l.stride_x = 1, l.pad_top = 1, l.pad_right = 2, l.pool = 2;
    ck_assert_uint_eq(et_bnn_out_h(&l), 2); /* (10 - 3) / 2 + 1 = 4 rows */
    ck_assert_uint_eq(et_bnn_out_w(&l), 5); /* 14 - 4 + 1 = 11 columns, one is dropped */
    ck_assert_uint_eq(et_bnn_in_words(&l), 9 * 12 * 2 * 2);
    ck_assert_uint_eq(et_bnn_out_size(&l), 2 * 5 * 3 * 3);
}
END_TEST

/* ---------------------------------------------------------------------------------- kernels -- */

/* Products of all kernels that this processor has, compared with the plain one. */
static void assert_kernels(struct dice *d, size_t m, size_t n, size_t words, bool full)
{
    size_t ldc = n + (size_t)draw(d, 0, 4);
    uint64_t *a = et_alloc(m * words, sizeof *a), *b = et_alloc(n * words, sizeof *b);
    int32_t *want = et_alloc(m * ldc, sizeof *want), *got = et_alloc(m * ldc, sizeof *got);
    ck_assert(a && b && want && got);
    uint32_t block[4];
    for (size_t i = 0; i < (m + n) * words; i++) {
        et_rng_block(d->seed, ET_STREAM_USER, 1, d->index++, block);
        uint64_t word = full ? ~0ULL : (uint64_t)block[0] << 32 | block[1];
        if (i < m * words)
            a[i] = word;
        else
            b[i - m * words] = word;
    }
    for (int op = ET__BINARY_XOR; op <= ET__BINARY_AND; op++) {
        if (full && op == ET__BINARY_XOR) memset(b, 0, n * words * sizeof *b);
        if (full && op == ET__BINARY_AND) memset(b, 0xff, n * words * sizeof *b);
        memset(want, 0x11, m * ldc * sizeof *want);
        et__binary_gemm((enum et__binary_op)op, ET__BINARY_PLAIN, m, n, words, a, b, want, ldc);
        if (full) ck_assert_uint_eq((size_t)want[m * ldc - ldc], words * 64);
        for (int v = ET__BINARY_AUTO; v <= ET__BINARY_AVX512; v++) {
            enum et__binary_variant variant = (enum et__binary_variant)v;
            if (!et__binary_has(variant)) continue;
            memset(got, 0x11, m * ldc * sizeof *got);
            et__binary_gemm((enum et__binary_op)op, variant, m, n, words, a, b, got, ldc);
            ck_assert_msg(memcmp(got, want, m * ldc * sizeof *want) == 0,
                          "%s, op %d: %zu x %zu x %zu words", et__binary_variant_name(variant), op,
                          m, n, words);
        }
    }
    et_free(a);
    et_free(b);
    et_free(want);
    et_free(got);
}

START_TEST(all_kernels_equal_the_plain_one)
{
    struct dice d = {.seed = 11};
    for (size_t words = 1; words <= 70; words++)
        for (size_t i = 0; i < 3; i++)
            assert_kernels(&d, (size_t)draw(&d, 1, 23), (size_t)draw(&d, 1, 150), words, i == 2);
    assert_kernels(&d, 5, 700, 33, false); /* several blocks of columns */
    assert_kernels(&d, 300, 97, 3, false);
    assert_kernels(&d, 7, 9, 1024, true); /* sums of 65,536 */
}
END_TEST

/* ---------------------------------------------------------------------------------- forward -- */

START_TEST(the_reference_gives_sums_worked_out_by_hand)
{
    /* One row of three pixels, two channels, kernel of two with one column of padding. */
    struct et_bnn_layer l = et_bnn_dense(2, 1);
    l.w = 3, l.k_w = 2, l.pad_left = 1;
    l.mode = ET_BNN_AND;
    l.w_signed = true;
    l.a_bits = 2, l.w_bits = 2, l.stored_bits = 4;
    assert_ok(et_bnn_layer_check(&l));
    const int16_t a[] = {3, 0, 1, 2, 2, 1};
    const int8_t w[] = {7, -8, 2, -3}; /* rounded to 2 planes: 1 (of 2), -2, 1, -1 */
    int32_t y[3];
    et__binary_reference(&l, 1, a, w, NULL, NULL, y);
    ck_assert_int_eq(y[0], 3);
    ck_assert_int_eq(y[1], 3 + 1 - 2);
    ck_assert_int_eq(y[2], 1 - 4 + 2 - 1);
    /* Codes: 2 bits, thresholds 2, 3, 3; flipped; the best of the first two pixels. */
    const int32_t threshold[] = {2, 3, 3};
    const uint8_t flip = 1;
    uint64_t codes[6];
    l.output = ET_BNN_CODES;
    l.out_bits = 2;
    et__binary_reference(&l, 1, a, w, threshold, NULL, codes);
    const uint64_t plain[] = {1, 1, 1, 0, 0, 0}; /* 3, 1, 0 */
    ck_assert_mem_eq(codes, plain, sizeof plain);
    et__binary_reference(&l, 1, a, w, threshold, &flip, codes);
    const uint64_t flipped[] = {0, 0, 0, 1, 1, 1}; /* 0, 2, 3 */
    ck_assert_mem_eq(codes, flipped, sizeof flipped);
}
END_TEST

static void assert_forward(struct workload *load, const char *what, size_t number)
{
    struct et__binary_weights weights;
    assert_ok(et__binary_check_values(&load->layer, load->w, load->threshold, load->flip));
    assert_ok(et__binary_weights_create(&weights, &load->layer, load->w));
    et__binary_reference(&load->layer, load->n, load->a, load->w, load->threshold, load->flip,
                         load->y[0]);
    assert_ok(et__binary_forward(&load->layer, &weights, load->threshold, load->flip, load->n,
                                 load->x, load->y[1]));
    const struct et_bnn_layer *l = &load->layer;
    ck_assert_msg(memcmp(load->y[0], load->y[1], load->y_bytes) == 0,
                  "%s %zu: mode %d, output %d, %zu -> %zu channels, image %zu x %zu, kernel "
                  "%zu x %zu, %u x %u planes, pool %zu",
                  what, number, (int)l->mode, (int)l->output, l->c_in, l->c_out, l->h, l->w, l->k_h,
                  l->k_w, l->a_bits, l->w_bits, l->pool);
    et__binary_weights_destroy(&weights);
}

START_TEST(random_layers_equal_the_reference)
{
    enum { LAYERS = 600 };
    for (size_t i = 0; i < LAYERS; i++) {
        struct dice d = {.seed = 1000 + i};
        struct et_bnn_layer l = draw_layer(&d);
        struct workload load = draw_workload(&d, &l, (size_t)draw(&d, 1, l.k_h > 1 ? 2 : 80));
        et_parallel_set_threads(1 + i % 3);
        assert_forward(&load, "layer", i);
        workload_destroy(&load);
    }
    et_parallel_set_threads(0);
}
END_TEST

/* Sizes at which rows have many words, and tiles have many blocks. */
START_TEST(large_layers_equal_the_reference)
{
    static const size_t sizes[][3] = {{1000, 200, 70}, {4097, 3, 129}, {784, 1025, 5}};
    struct dice d = {.seed = 7};
    for (size_t i = 0; i < 3; i++)
        for (int mode = ET_BNN_XNOR; mode <= ET_BNN_AND_POPCOUNT; mode++) {
            struct et_bnn_layer l = et_bnn_dense(sizes[i][0], sizes[i][1]);
            l.mode = (enum et_bnn_mode)mode;
            l.a_bits = 1 + (unsigned)i;
            l.output = i == 1 ? ET_BNN_CODES : ET_BNN_RAW32;
            struct workload load = draw_workload(&d, &l, sizes[i][2]);
            assert_forward(&load, "large layer", i);
            workload_destroy(&load);
        }
}
END_TEST

START_TEST(values_out_of_range_are_named)
{
    struct et_bnn_layer l = et_bnn_dense(3, 1);
    l.output = ET_BNN_CODES;
    l.out_bits = 2;
    const int8_t zero[] = {1, -1, 0}, three[] = {1, 3, 1}, fine[] = {1, -1, 1};
    assert_ok(et__binary_check_values(&l, fine, NULL, NULL));
    assert_status(et__binary_check_values(&l, zero, NULL, NULL), ET_INVALID);
    assert_message("weight[2] = 0 is not one of the odd numbers of [-1, 1] (1 planes)");
    assert_status(et__binary_check_values(&l, three, NULL, NULL), ET_INVALID);
    assert_message("weight[1] = 3 is outside [-1, 1]");
    const int32_t falling[] = {1, 0, 2}, far[] = {1, 2, 1 << 30}, rising[] = {1, 1, 2};
    const uint8_t two = 2;
    assert_status(et__binary_check_values(&l, NULL, falling, NULL), ET_INVALID);
    assert_message("threshold[1] = 0 is below");
    assert_status(et__binary_check_values(&l, NULL, far, NULL), ET_INVALID);
    assert_message("threshold[2] = 1073741824 is outside [-1073741823, 1073741823]");
    assert_status(et__binary_check_values(&l, NULL, rising, &two), ET_INVALID);
    assert_message("flip[0] = 2 is outside [0, 1]");
    l.mode = ET_BNN_AND;
    const int8_t negative[] = {0, 1, -1};
    assert_status(et__binary_check_values(&l, negative, NULL, NULL), ET_INVALID);
    assert_message("weight[2] = -1 is outside [0, 1]");
    l.w_signed = true;
    assert_status(et__binary_check_values(&l, fine, NULL, NULL), ET_INVALID);
    assert_message("weight[0] = 1 is outside [-1, 0]");
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    struct dice d = {.seed = 3};
    struct et_bnn_layer l = et_bnn_dense(100, 20);
    l.h = l.w = 4, l.k_h = l.k_w = 2;
    l.mode = ET_BNN_AND_POPCOUNT;
    l.output = ET_BNN_CODES;
    struct workload load = draw_workload(&d, &l, 2);
    struct et__binary_weights weights = {0};
    enum et_status status = ET_NOMEM;
    size_t n = 1;
    for (; status == ET_NOMEM; n++) {
        et_alloc_fail_at(n);
        status = et__binary_weights_create(&weights, &l, load.w);
        et_alloc_fail_at(0);
        if (status == ET_NOMEM) ck_assert(!weights.planes && !weights.tap_sum);
    }
    assert_ok(status);
    ck_assert_uint_gt(n, 3);
    status = ET_NOMEM;
    for (n = 1; status == ET_NOMEM; n++) {
        et_alloc_fail_at(n);
        status = et__binary_forward(&l, &weights, load.threshold, load.flip, 2, load.x, load.y[0]);
        et_alloc_fail_at(0);
    }
    assert_ok(status);
    ck_assert_uint_gt(n, 2);
    et__binary_weights_destroy(&weights);
    workload_destroy(&load);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("binary");
    TCase *tests = tcase_create("binary");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, packing_is_undone_by_unpacking);
    tcase_add_test(tests, planes_have_the_documented_places);
    tcase_add_test(tests, signs_of_zero_are_positive);
    tcase_add_test(tests, layers_out_of_range_are_named);
    tcase_add_test(tests, layers_that_contradict_themselves_are_named);
    tcase_add_test(tests, sums_stay_in_range);
    tcase_add_test(tests, the_bound_counts_what_is_inside);
    tcase_add_test(tests, sizes_follow_the_layer);
    tcase_add_test(tests, all_kernels_equal_the_plain_one);
    tcase_add_test(tests, the_reference_gives_sums_worked_out_by_hand);
    tcase_add_test(tests, random_layers_equal_the_reference);
    tcase_add_test(tests, large_layers_equal_the_reference);
    tcase_add_test(tests, values_out_of_range_are_named);
    tcase_add_test(tests, every_allocation_may_fail);
    return suite_result(suite);
}
