/* SPDX-License-Identifier: Apache-2.0
 *
 * Scaling: known values, training rows alone, constant columns, views with a stride. */
#include "unit/data_folder.h"

/* Column 0 plain, column 1 constant, column 2 with an outlier in the first row, which is not for
 * training. */
static float data[] = {4, 7, 100, 1, 7, -1, 2, 7, 0, 3, 7, 1};
static const size_t training[] = {3, 1, 2};

static struct et_view view(void)
{
    return et_view_of(data, 4, 3);
}

static void check(enum et_scaling scaling, const float want[12])
{
    struct et_scaler scaler;
    float out[12];
    assert_ok(et_scaler_fit(&scaler, scaling, view(), training, 3));
    ck_assert_uint_eq(scaler.n, 3);
    et_scaler_apply(&scaler, view(), et_view_of(out, 4, 3));
    assert_close(out, want, 12, 1e-6, 1e-6);
    et_scaler_destroy(&scaler);
    ck_assert_ptr_null(scaler.offset);
}

START_TEST(each_scaling_has_its_values)
{
    const float s = 1.22474487F; /* sqrt(3/2): the rows 1, 2, 3 have the variance 2/3 */
    const float zscore[] = {2 * s, 0, 100 * s, -s, 0, -s, 0, 0, 0, s, 0, s};
    const float minmax[] = {1, 0, 1, 0, 0, 0, 0.5F, 0, 0.5F, 1, 0, 1}; /* row 0 is clipped */
    const float percentile[] = {4 / 3.F, 1, 100, 1 / 3.F, 1, -1, 2 / 3.F, 1, 0, 1, 1, 1};
    check(ET_SCALE_NONE, data);
    check(ET_SCALE_ZSCORE, zscore);
    check(ET_SCALE_MINMAX, minmax);
    check(ET_SCALE_PERCENTILE, percentile);
}
END_TEST

START_TEST(percentile_is_the_nearest_rank)
{
    /* Of 1 .. n the value of rank ceil(0.94 n), whatever the order and sign. */
    static const size_t counts[] = {1, 2, 16, 17, 50, 100, 101};
    static const float want[] = {1, 2, 16, 16, 47, 94, 95};
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
        float values[101];
        size_t n = counts[k];
        for (size_t i = 0; i < n; i++)
            values[i] = (float)(n - i) * (i % 2 ? -1.F : 1.F);
        struct et_scaler scaler;
        assert_ok(et_scaler_fit(&scaler, ET_SCALE_PERCENTILE, et_view_of(values, n, 1), NULL, 0));
        assert_close(scaler.factor, &(float){1 / want[k]}, 1, 1e-6, 0);
        et_scaler_destroy(&scaler);
    }
}
END_TEST

START_TEST(in_place_and_with_a_stride)
{
    float wide[] = {1, 9, 9, 2, 9, 9, 3, 9, 9};
    struct et_view column = et_view_cols(et_view_of(wide, 3, 3), 0, 1);
    struct et_scaler scaler;
    assert_ok(et_scaler_fit(&scaler, ET_SCALE_MINMAX, column, NULL, 0));
    et_scaler_apply(&scaler, column, column);
    const float want[] = {0, 9, 9, 0.5F, 9, 9, 1, 9, 9};
    ck_assert_mem_eq(wide, want, sizeof want);
    et_scaler_destroy(&scaler);
}
END_TEST

START_TEST(columns_that_carry_nothing_give_zero)
{
    float same[1000], zeros[3] = {0}, tiny[2] = {0, 1e-45F};
    for (size_t i = 0; i < 1000; i++)
        same[i] = 0.1F;
    struct et_scaler scaler;
    assert_ok(et_scaler_fit(&scaler, ET_SCALE_ZSCORE, et_view_of(same, 1000, 1), NULL, 0));
    ck_assert(scaler.factor[0] == 0);
    et_scaler_destroy(&scaler);
    assert_ok(et_scaler_fit(&scaler, ET_SCALE_PERCENTILE, et_view_of(zeros, 3, 1), NULL, 0));
    ck_assert(scaler.factor[0] == 0);
    et_scaler_destroy(&scaler);
    /* 1 / 1e-45 is beyond float. */
    assert_ok(et_scaler_fit(&scaler, ET_SCALE_MINMAX, et_view_of(tiny, 2, 1), NULL, 0));
    ck_assert(scaler.factor[0] == 0);
    et_scaler_destroy(&scaler);
}
END_TEST

START_TEST(no_rows_are_refused)
{
    struct et_scaler scaler;
    assert_status(et_scaler_fit(&scaler, ET_SCALE_ZSCORE, view(), training, 0), ET_INVALID);
    assert_status(et_scaler_fit(&scaler, ET_SCALE_ZSCORE, et_view_of(data, 0, 3), NULL, 0),
                  ET_INVALID);
}
END_TEST

START_TEST(failed_allocations_leave_nothing)
{
    struct et_scaler scaler;
    for (size_t n = 1; n <= 3; n++) {
        et_alloc_fail_at(n);
        assert_status(et_scaler_fit(&scaler, ET_SCALE_ZSCORE, view(), NULL, 0), ET_NOMEM);
        ck_assert(scaler.offset == NULL && scaler.factor == NULL);
    }
    et_alloc_fail_at(4);
    assert_ok(et_scaler_fit(&scaler, ET_SCALE_ZSCORE, view(), NULL, 0));
    et_alloc_fail_at(0);
    et_scaler_destroy(&scaler);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        each_scaling_has_its_values, percentile_is_the_nearest_rank,
        in_place_and_with_a_stride,  columns_that_carry_nothing_give_zero,
        no_rows_are_refused,         failed_allocations_leave_nothing,
    };
    return run_case("scaler", tests, sizeof tests / sizeof *tests);
}
