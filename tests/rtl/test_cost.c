/* SPDX-License-Identifier: Apache-2.0
 *
 * The cost model against what the RTL counts, with a memory that answers at once.  All of it is
 * counted in cycles, so that nothing here depends on time. */
#include <etalon/accelerator.h>
#include <etalon/array.h>

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "close.h"
#include "unit/bnn_layers.h"

static const char uri[] = "verilator:config=8x16";

/* Does this build have the device? */
static bool present(void)
{
    struct et_accelerator *accelerator;
    enum et_status status = et_accelerator_open(uri, NULL, &accelerator);
    if (status == ET_OK)
        et_accelerator_close(accelerator);
    else
        printf("%s\n", et_error_message());
    return status != ET_UNSUPPORTED && status != ET_CONFIG;
}

/* What the device counts in one run of n images of zeros: values do not change any count. */
static struct et_bnn_counters counted(struct et_accelerator *a, const struct et_bnn_layer *l,
                                      size_t n)
{
    struct dice dice = {.seed = l->c_in};
    struct layer_values v = roll_values(&dice, l);
    struct et_bnn_counters before, after;
    uint64_t *x = et_alloc(n * et_bnn_in_words(l), sizeof *x);
    uint64_t *y = et_alloc(n * et_bnn_out_size(l), sizeof *y);
    size_t id;
    ck_assert(x && y);
    assert_ok(et_accelerator_load(a, l, v.weight, v.threshold, v.flip, &id));
    assert_ok(et_accelerator_counters(a, &before));
    assert_ok(et_accelerator_run(a, id, n, x, y));
    assert_ok(et_accelerator_counters(a, &after));
    et_accelerator_unload(a, id);
#define X(name) after.name -= before.name;
    ET_BNN_COUNTERS(X)
#undef X
    et_free(x);
    et_free(y);
    layer_values_free(&v);
    return after;
}

static void assert_model(struct et_accelerator *a, const char *name, const struct et_bnn_layer *l,
                         size_t n)
{
    struct et_bnn_caps caps = et_accelerator_caps(a);
    struct et_bnn_cost cost;
    assert_ok(et_bnn_cost_of(l, &caps, n, &cost));
    struct et_bnn_counters c = counted(a, l, n);
    double error = 100 * ((double)cost.cycles / (double)c.busy - 1);
    printf("%-28s %8llu cycles, model %8llu: %+.2f %%\n", name, (unsigned long long)c.busy,
           (unsigned long long)cost.cycles, error);
    ck_assert_uint_eq(c.steps, cost.steps);
    ck_assert_uint_ge(c.rd_beats, cost.load_beats);
    ck_assert_uint_ge(c.wr_beats, cost.store_beats);
    ck_assert_msg(fabs(error) <= 3, "%s: the model is %.2f %% off", name, error);
}

START_TEST(the_model_is_close_to_the_rtl)
{
    struct et_accelerator *a;
    assert_ok(et_accelerator_open(uri, NULL, &a));
    struct et_bnn_layer l = et_bnn_dense(512, 512);
    assert_model(a, "512 -> 512, one vector", &l, 1);
    assert_model(a, "512 -> 512, raw, 32", &l, 32);
    l.output = ET_BNN_CODES;
    assert_model(a, "512 -> 512, codes, 32", &l, 32);
    l.mode = ET_BNN_AND;
    l.w_signed = true;
    l.a_bits = 2, l.w_bits = 4, l.stored_bits = 8;
    assert_model(a, "2 x 4 planes of 8, 16", &l, 16);
    l = et_bnn_dense(40, 50);
    l.output = ET_BNN_CODES;
    l.h = l.w = 17;
    l.k_h = l.k_w = 3;
    l.out_bits = 3;
    l.pool = 2;
    assert_model(a, "3x3x40 -> 50, pooled", &l, 2);
    et_accelerator_close(a);
}
END_TEST

int main(void)
{
    if (!present()) return 77;
    Suite *suite = suite_create("cost");
    TCase *tests = tcase_create("cost");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, the_model_is_close_to_the_rtl);
    return suite_result(suite);
}
