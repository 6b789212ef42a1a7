/* SPDX-License-Identifier: Apache-2.0
 *
 * Sums of rows chosen by spikes: the plain version's bits at every width, and lists in order. */
#include "sim/kernels/spike_rows.h"

#include <etalon/array.h>
#include <etalon/rng.h>

#include "close.h"

#include <stdint.h>
#include <string.h>

enum { ROWS = 40, COLS_MAX = 300 };

static float matrix[ROWS * COLS_MAX], out[COLS_MAX], want[COLS_MAX], factor[2 * ROWS];

/* A list with gaps, repetitions and no order. */
static size_t make_list(uint32_t *row)
{
    for (size_t k = 0; k < 2 * ROWS; k++)
        row[k] = et_rng_below(1, ET_STREAM_USER, 2, k, ROWS);
    return 2 * ROWS;
}

START_TEST(test_is_the_reference)
{
    static const size_t widths[] = {1, 15, 16, 17, 127, 128, 129, 143, 256, 300};
    uint32_t row[2 * ROWS];
    size_t n = make_list(row), cols = widths[_i];
    et_rng_fill_normal(1, ET_STREAM_USER, 0, 0, matrix, ROWS * COLS_MAX);
    et_rng_fill_normal(1, ET_STREAM_USER, 1, 0, factor, 2 * ROWS);
    for (int weighted = 0; weighted < 2; weighted++) {
        for (size_t c = 0; c < COLS_MAX; c++)
            out[c] = want[c] = (float)c;
        const float *a = weighted ? factor : NULL;
        et__spike_rows_reference(matrix, COLS_MAX, cols, row, a, n, want);
        if (weighted)
            et__spike_rows_weighted(matrix, COLS_MAX, cols, row, a, n, out);
        else
            et__spike_rows_add(matrix, COLS_MAX, cols, row, n, out);
        ck_assert_msg(memcmp(out, want, sizeof out) == 0, "%zu columns, weighted %d", cols,
                      weighted);
        ck_assert(want[0] != 0);
    }
}
END_TEST

START_TEST(test_nothing_chosen)
{
    uint32_t row[1] = {0};
    out[0] = 3;
    et__spike_rows_add(matrix, COLS_MAX, 1, row, 0, out);
    ck_assert_float_eq(out[0], 3);
}
END_TEST

START_TEST(test_lists)
{
    static const float s[] = {0, 1, -0.0F, 0.5F, 0, 1};
    uint32_t row[6];
    ck_assert_uint_eq(et__spike_list(s, 6, row), 3);
    ck_assert_uint_eq(row[0], 1);
    ck_assert_uint_eq(row[1], 3);
    ck_assert_uint_eq(row[2], 5);
    ck_assert_uint_eq(et__spike_list(s, 1, row), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("spike_rows");
    TCase *all = tcase_create("all");
    tcase_add_loop_test(all, test_is_the_reference, 0, 10);
    tcase_add_test(all, test_nothing_chosen);
    tcase_add_test(all, test_lists);
    suite_add_tcase(suite, all);
    return suite_result(suite);
}
