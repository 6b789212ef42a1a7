/* SPDX-License-Identifier: Apache-2.0
 *
 * The cost model: what can be counted by hand, and what no schedule can change. */
#include <etalon/accelerator.h>
#include <etalon/array.h>

#include <check.h>
#include <math.h>
#include <string.h>

#include "close.h"
#include "unit/bnn_layers.h"

START_TEST(a_dense_layer_costs_what_it_must)
{
    struct et_bnn_layer l = et_bnn_dense(1024, 1024);
    struct et_bnn_caps caps = et_bnn_caps_default(); /* 32 x 32, 64-bit bus */
    struct et_bnn_cost cost;
    assert_ok(et_bnn_cost_of(&l, &caps, 64, &cost));
    ck_assert_uint_eq(cost.steps, 64 * 32 * 32);
    ck_assert_uint_eq(cost.compute_cycles, 64 * 32 * 32); /* 16 cycles of output hide behind 32 */
    ck_assert_uint_eq(cost.load_beats, 1024 * 1024 / 64 + 64 * 1024 / 64);
    ck_assert_uint_eq(cost.store_beats, 64 * 1024 / 2);
    ck_assert_uint_ge(cost.cycles, cost.compute_cycles);
    ck_assert_uint_lt(cost.cycles, cost.compute_cycles * 21 / 20); /* the rest is overlapped */
    assert_near(cost.utilisation, (double)cost.steps / (double)cost.cycles, 1e-12);
    assert_near(cost.energy_J, 65536.0 * 2 * 32 * 32 * 21.6e-15, 1e-12);
    ck_assert(cost.lut == 24230 && cost.ff == 10352);
    caps.t_depth = 128; /* not synthesised */
    assert_ok(et_bnn_cost_of(&l, &caps, 64, &cost));
    ck_assert(isnan(cost.lut) && isnan(cost.ff));
    caps = (struct et_bnn_caps){8, 16, 64, 128, 128, 256, 64, 32};
    l = et_bnn_dense(64, 64);
    assert_ok(et_bnn_cost_of(&l, &caps, 1, &cost));
    ck_assert(cost.lut > 0 && cost.ff > 0);
}
END_TEST

/* One vector needs all the weights: the bus decides. */
START_TEST(a_batch_of_one_waits_for_its_weights)
{
    struct et_bnn_layer l = et_bnn_dense(1024, 1024);
    struct et_bnn_caps caps = et_bnn_caps_default();
    struct et_bnn_cost cost;
    assert_ok(et_bnn_cost_of(&l, &caps, 1, &cost));
    ck_assert_uint_ge(cost.cycles, cost.load_beats);
    ck_assert_uint_lt(cost.cycles, cost.load_beats * 11 / 10);
    ck_assert(cost.utilisation < 0.07);
}
END_TEST

START_TEST(a_slow_output_stage_decides)
{
    struct et_bnn_layer l = et_bnn_dense(32, 32); /* one step, 16 cycles of raw output */
    struct et_bnn_caps caps = et_bnn_caps_default();
    struct et_bnn_cost cost;
    assert_ok(et_bnn_cost_of(&l, &caps, 1000, &cost));
    ck_assert_uint_eq(cost.steps, 1000);
    ck_assert_uint_eq(cost.compute_cycles, 16 * 1000);
    l.output = ET_BNN_CODES;
    l.out_bits = 3;
    assert_ok(et_bnn_cost_of(&l, &caps, 1000, &cost));
    ck_assert_uint_eq(cost.compute_cycles, 3 * 1000);
}
END_TEST

/* Steps do not depend on the cut, every output is stored, and the whole is as long as its longest
 * part at least, and no longer than all parts one after the other. */
START_TEST(random_layers_keep_the_sums)
{
    size_t fitted = 0;
    for (uint64_t seed = 0; seed < 150; seed++) {
        struct dice dice = {.seed = seed};
        struct et_bnn_caps caps = some_caps[roll(&dice, N_CAPS)];
        struct et_bnn_layer l = roll_layer(&dice);
        size_t n = 1 + roll(&dice, 3), beat = caps.axi_bits / 8;
        struct et_bnn_cost cost;
        enum et_status status = et_bnn_cost_of(&l, &caps, n, &cost);
        if (status == ET_UNSUPPORTED) continue;
        assert_ok(status);
        fitted++;
        size_t pixels = n * et_bnn_out_h(&l) * et_bnn_out_w(&l) * l.pool * l.pool;
        size_t tiles = (l.c_out + caps.pe - 1) / caps.pe;
        size_t words = (l.c_in + caps.simd - 1) / caps.simd;
        ck_assert_uint_eq(cost.steps, pixels * tiles * l.k_h * l.k_w * words * l.a_bits * l.w_bits);
        struct et_bnn_sizes sizes = et_bnn_layout_sizes(&l, &caps, n);
        ck_assert_uint_eq(cost.store_beats, sizes.y / beat);
        ck_assert_uint_ge(cost.load_beats, (sizes.w + sizes.t) / beat);
        ck_assert_uint_ge(cost.compute_cycles, cost.steps);
        ck_assert_uint_ge(cost.cycles, cost.compute_cycles);
        ck_assert_uint_ge(cost.cycles, cost.load_beats);
        ck_assert_uint_ge(cost.cycles, cost.store_beats);
    }
    ck_assert_uint_gt(fitted, 100);
}
END_TEST

START_TEST(errors_are_those_of_the_compiler)
{
    struct et_bnn_layer l = et_bnn_dense(100, 0);
    struct et_bnn_caps caps = et_bnn_caps_default();
    struct et_bnn_cost cost;
    assert_status(et_bnn_cost_of(&l, &caps, 1, &cost), ET_INVALID);
    assert_message("c_out = 0");
    l.c_out = 10;
    assert_ok(et_bnn_cost_of(&l, &caps, 0, &cost));
    ck_assert_uint_eq(cost.cycles, 0);
    enum et_status status = ET_NOMEM;
    size_t failures = 0;
    for (; status == ET_NOMEM; failures++) {
        et_alloc_fail_at(failures + 1);
        status = et_bnn_cost_of(&l, &caps, 5, &cost);
        et_alloc_fail_at(0);
    }
    assert_ok(status);
    ck_assert_uint_gt(failures, 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bnn_cost");
    TCase *tests = tcase_create("bnn_cost");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, a_dense_layer_costs_what_it_must);
    tcase_add_test(tests, a_batch_of_one_waits_for_its_weights);
    tcase_add_test(tests, a_slow_output_stage_decides);
    tcase_add_test(tests, random_layers_keep_the_sums);
    tcase_add_test(tests, errors_are_those_of_the_compiler);
    return suite_result(suite);
}
