/* SPDX-License-Identifier: Apache-2.0
 *
 * The accelerator's driver: the same answers from every device, and what it does when things go
 * wrong. */
#include "drivers/bnn_devices.h"
#include "drivers/random_layer.h"

START_TEST(every_device_gives_the_same_bits)
{
    const char *uri = device_uri(_i);
    struct et_accelerator *accelerator;
    assert_ok(et_accelerator_open(uri, NULL, &accelerator));
    for (uint64_t seed = 0; seed < device_cases(_i); seed++) {
        struct et_bnn_layer l = draw_layer(seed, 100);
        size_t images = 1 + seed % 4, id;
        struct numbers n = draw_numbers(&l, images, seed);
        assert_ok(et_accelerator_load(accelerator, &l, n.w, n.threshold, n.flip, &id));
        assert_ok(et_accelerator_run(accelerator, id, images, n.x, n.got));
        ck_assert_msg(memcmp(n.got, n.want, n.out_bytes) == 0, "%s, seed %llu", uri,
                      (unsigned long long)seed);
        et_accelerator_unload(accelerator, id);
        free_numbers(&n);
    }
    et_accelerator_close(accelerator);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bnn");
    TCase *tests = tcase_create("driver");
    tcase_set_timeout(tests, 0);
    tcase_add_loop_test(tests, every_device_gives_the_same_bits, 0, N_DEVICES);
    suite_add_tcase(suite, tests);
    return suite_result(suite);
}
