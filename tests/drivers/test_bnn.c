/* SPDX-License-Identifier: Apache-2.0
 *
 * The accelerator's driver: the same bits from every device, whatever the ring, the batch and the
 * order of calls.  Faults: test_bnn_faults.c. */
#include "drivers/bnn_devices.h"
#include "drivers/random_layer.h"

#include <stdio.h>

static void expect(struct et_accelerator *accelerator, size_t id, struct numbers *n,
                   const char *what)
{
    memset(n->got, 0, n->out_bytes);
    assert_ok(et_accelerator_run(accelerator, id, n->images, n->x, n->got));
    ck_assert_msg(memcmp(n->got, n->want, n->out_bytes) == 0, "%s: other bits", what);
}

START_TEST(every_device_gives_the_same_bits)
{
    const char *uri = device_uri(_i);
    struct et_accelerator *accelerator;
    assert_ok(et_accelerator_open(uri, NULL, &accelerator));
    for (uint64_t seed = 0; seed < device_cases(_i); seed++) {
        struct et_bnn_layer l = draw_layer(seed, 100);
        struct numbers n = draw_numbers(&l, 1 + seed % 4, seed);
        char what[64];
        size_t id;
        snprintf(what, sizeof what, "%s, seed %llu", uri, (unsigned long long)seed);
        assert_ok(et_accelerator_load(accelerator, &l, n.w, n.threshold, n.flip, &id));
        expect(accelerator, id, &n, what);
        et_accelerator_unload(accelerator, id);
        free_numbers(&n);
    }
    et_accelerator_close(accelerator);
}
END_TEST

START_TEST(rings_of_any_size_with_and_without_interrupts)
{
    struct et_bnn_layer l = et_bnn_dense(300, 100);
    struct numbers n = draw_numbers(&l, 20, 1);
    for (unsigned ring = 1; ring <= 15; ring += 1 + ring / 3)
        for (int poll = 0; poll < 2; poll++) {
            struct et_accelerator_options options = {.ring_log2 = ring, .poll = poll};
            struct et_accelerator *accelerator;
            size_t id;
            assert_ok(et_accelerator_open(device_uri(_i), &options, &accelerator));
            assert_ok(et_accelerator_load(accelerator, &l, n.w, NULL, NULL, &id));
            for (int again = 0; again < 2; again++)
                expect(accelerator, id, &n, device_uri(_i));
            et_accelerator_close(accelerator);
        }
    free_numbers(&n);
}
END_TEST

/* Several layers at once, batches of all sizes in any order, reloads, a place that is used again.
 */
START_TEST(layers_keep_out_of_each_others_way)
{
    enum { LAYERS = 3 };
    struct et_bnn_layer l[LAYERS];
    struct numbers n[LAYERS];
    struct et_accelerator *accelerator;
    size_t id[LAYERS];
    assert_ok(et_accelerator_open(device_uri(_i), NULL, &accelerator));
    for (size_t k = 0; k < LAYERS; k++) {
        l[k] = draw_layer(100 + k, 60);
        n[k] = draw_numbers(&l[k], 1 + 3 * k, k);
        assert_ok(
            et_accelerator_load(accelerator, &l[k], n[k].w, n[k].threshold, n[k].flip, &id[k]));
        ck_assert_uint_eq(id[k], k);
    }
    for (size_t k = 0; k < 2 * LAYERS; k++)
        expect(accelerator, id[k % LAYERS], &n[k % LAYERS], "in turn");
    et_accelerator_unload(accelerator, id[1]);
    et_accelerator_unload(accelerator, id[1]);
    assert_status(et_accelerator_run(accelerator, id[1], 1, n[1].x, n[1].got), ET_INVALID);
    assert_message("no layer 1 is loaded");
    assert_ok(et_accelerator_load(accelerator, &l[2], n[2].w, n[2].threshold, n[2].flip, &id[1]));
    ck_assert_uint_eq(id[1], 1);
    expect(accelerator, id[1], &n[2], "in the place of another");
    draw_weights(&n[0], &l[0], 77);
    refer(&n[0], &l[0]);
    assert_ok(et_accelerator_reload(accelerator, id[0], n[0].w, NULL, NULL));
    expect(accelerator, id[0], &n[0], "new weights, old thresholds");
    draw_thresholds(&n[0], &l[0], 78);
    refer(&n[0], &l[0]);
    assert_ok(et_accelerator_reload(accelerator, id[0], n[0].w, n[0].threshold, n[0].flip));
    expect(accelerator, id[0], &n[0], "new thresholds");
    assert_ok(et_accelerator_run(accelerator, id[0], 0, NULL, NULL));
    for (size_t k = 0; k < LAYERS; k++)
        free_numbers(&n[k]);
    et_accelerator_close(accelerator);
}
END_TEST

START_TEST(fewer_planes_of_the_same_weights)
{
    static const unsigned bits[] = {8, 6, 4, 2, 1, 8};
    struct et_bnn_layer l = et_bnn_dense(90, 50);
    l.mode = ET_BNN_AND;
    l.w_signed = true;
    l.a_bits = 2;
    l.w_bits = l.stored_bits = 8;
    l.output = ET_BNN_CODES;
    l.out_bits = 2;
    struct numbers n = draw_numbers(&l, 5, 9);
    struct et_accelerator *accelerator;
    size_t id;
    assert_ok(et_accelerator_open(device_uri(_i), NULL, &accelerator));
    assert_ok(et_accelerator_load(accelerator, &l, n.w, n.threshold, n.flip, &id));
    for (size_t k = 0; k < sizeof bits / sizeof *bits; k++) {
        l.w_bits = bits[k];
        draw_thresholds(&n, &l, k);
        refer(&n, &l);
        assert_ok(et_accelerator_set_bits(accelerator, id, bits[k], n.threshold, n.flip));
        expect(accelerator, id, &n, "kept planes");
    }
    assert_status(et_accelerator_set_bits(accelerator, id, 9, n.threshold, n.flip), ET_INVALID);
    assert_message("while setting layer 0 to 9 planes");
    assert_status(et_accelerator_set_bits(accelerator, id, 4, NULL, NULL), ET_INVALID);
    expect(accelerator, id, &n, "as before the errors");
    free_numbers(&n);
    et_accelerator_close(accelerator);
}
END_TEST

START_TEST(wrong_numbers_are_refused)
{
    struct et_bnn_layer l = et_bnn_dense(4, 2), codes = l, wide = l;
    int8_t w[8] = {1, 1, 1, 1, -1, -1, -1, -1};
    const int32_t down[] = {3, 2, 4, 0, 0, 0}, far[] = {0, 0, 0, 0, 0, 1 << 30};
    struct et_accelerator *accelerator;
    size_t id;
    codes.output = ET_BNN_CODES;
    codes.out_bits = 2;
    wide.c_in = 70000;
    assert_ok(et_accelerator_open(device_uri(_i), NULL, &accelerator));
    assert_status(et_accelerator_load(accelerator, &wide, w, NULL, NULL, &id), ET_INVALID);
    assert_message("c_in = 70000 is outside [1, 65535]");
    assert_status(et_accelerator_load(accelerator, &codes, w, NULL, NULL, &id), ET_INVALID);
    assert_message("needs thresholds");
    assert_status(et_accelerator_load(accelerator, &codes, w, down, NULL, &id), ET_INVALID);
    assert_message("threshold[1] = 2 is below the one before, 3");
    assert_status(et_accelerator_load(accelerator, &codes, w, far, NULL, &id), ET_INVALID);
    assert_message("threshold[5] = 1073741824 is outside");
    w[6] = 0;
    assert_status(et_accelerator_load(accelerator, &l, w, NULL, NULL, &id), ET_INVALID);
    assert_message("weight[6] = 0 is not one of the odd numbers -1 to 1");
    assert_message("while loading a layer of 4 to 2 channels");
    w[6] = 1;
    assert_ok(et_accelerator_load(accelerator, &l, w, NULL, NULL, &id));
    w[0] = 3;
    assert_status(et_accelerator_reload(accelerator, id, w, NULL, NULL), ET_INVALID);
    et_accelerator_close(accelerator);
}
END_TEST

START_TEST(counters_tell_of_the_device)
{
    struct et_bnn_layer l = et_bnn_dense(256, 64);
    struct numbers n = draw_numbers(&l, 8, 2);
    struct et_accelerator *accelerator;
    struct et_bnn_counters counters;
    size_t id;
    assert_ok(et_accelerator_open(device_uri(_i), NULL, &accelerator));
    struct et_bnn_caps caps = et_accelerator_caps(accelerator);
    assert_ok(et_accelerator_counters(accelerator, &counters));
    ck_assert_uint_eq(counters.jobs, 0);
    assert_ok(et_accelerator_load(accelerator, &l, n.w, NULL, NULL, &id));
    for (unsigned k = 1; k <= 2; k++) {
        expect(accelerator, id, &n, "with counters");
        assert_ok(et_accelerator_counters(accelerator, &counters));
        ck_assert_uint_ge(counters.jobs, k);
        if (et_accelerator_transport(accelerator) == NULL) continue;
        ck_assert_uint_eq(counters.steps, k * 8 * (256 / caps.simd) * (64 / caps.pe));
        ck_assert_uint_eq(counters.ecc_ce + counters.ecc_ue + counters.parity, 0);
    }
    free_numbers(&n);
    et_accelerator_close(accelerator);
}
END_TEST

START_TEST(two_devices_at_once)
{
    struct et_bnn_layer l = et_bnn_dense(100, 30);
    struct numbers n[2];
    struct et_accelerator *accelerator[2];
    size_t id[2];
    for (size_t k = 0; k < 2; k++) {
        n[k] = draw_numbers(&l, 4, k);
        assert_ok(et_accelerator_open(device_uri(_i), NULL, &accelerator[k]));
        assert_ok(et_accelerator_load(accelerator[k], &l, n[k].w, NULL, NULL, &id[k]));
    }
    for (size_t k = 0; k < 6; k++)
        expect(accelerator[k % 2], id[k % 2], &n[k % 2], "two devices");
    for (size_t k = 0; k < 2; k++) {
        et_accelerator_close(accelerator[k]);
        free_numbers(&n[k]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bnn");
    TCase *tests = tcase_create("driver");
    tcase_set_timeout(tests, 0);
    const int end = device_count();
    tcase_add_loop_test(tests, every_device_gives_the_same_bits, 0, end);
    tcase_add_loop_test(tests, rings_of_any_size_with_and_without_interrupts, 0, end);
    tcase_add_loop_test(tests, layers_keep_out_of_each_others_way, 0, end);
    tcase_add_loop_test(tests, fewer_planes_of_the_same_weights, 0, end);
    tcase_add_loop_test(tests, wrong_numbers_are_refused, 0, end);
    tcase_add_loop_test(tests, counters_tell_of_the_device, 0, end);
    tcase_add_loop_test(tests, two_devices_at_once, 0, end);
    suite_add_tcase(suite, tests);
    return suite_result(suite);
}
