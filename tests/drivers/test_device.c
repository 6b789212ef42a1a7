/* SPDX-License-Identifier: Apache-2.0
 *
 * The accelerator's contract, docs/accelerator.md, by registers and descriptors: the same tests for
 * the functional model and, where it was built, for the RTL. */
#include "drivers/raw_layer.h"

static const char *const uris[] = {"model:", "model:config=8x16", "model:config=8x16x128"};
enum { N_URIS = sizeof uris / sizeof *uris };

/* ----------------------------------------------------------------------- layers that fit -- */

START_TEST(layers_equal_the_reference)
{
    struct raw raw = raw_open(uris[_i]);
    size_t tried = 0;
    for (uint64_t seed = 0; tried < 150; seed++) {
        struct et_bnn_layer l = draw_layer(seed, 70);
        if (!raw_fits(&l, &raw.caps)) continue;
        tried++;
        struct numbers n = draw_numbers(&l, 1, seed);
        raw_write_tensors(&raw, &l, &n);
        raw_push_layer(&raw, &l);
        ck_assert_uint_eq(raw_go(&raw), 1);
        uint32_t record[2];
        memcpy(record, raw.data.host, 8);
        ck_assert_uint_eq(record[0], 400);
        ck_assert_uint_eq(record[1], UINT32_C(1) << 31);
        et_bnn_layout_out(&l, &raw.caps, 1, (char *)raw.data.host + raw_place(&l, &raw.caps).y,
                          n.got);
        ck_assert_msg(memcmp(n.got, n.want, n.out_bytes) == 0, "%s, seed %llu", uris[_i],
                      (unsigned long long)seed);
        free_numbers(&n);
    }
    ck_assert_uint_eq(raw_read(&raw, ET__BNN_REG_DONE), raw.tail);
    ck_assert_uint_eq(raw_counter(&raw, ET__BNN_COUNTER_JOBS), raw.tail);
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
