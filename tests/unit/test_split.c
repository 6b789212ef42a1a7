/* SPDX-License-Identifier: Apache-2.0
 *
 * Splits: every row in exactly one part, groups whole, folds that cover everything. */
#include "unit/data_folder.h"

enum { ROWS = 100, GROUPS = 12 };

static float x[ROWS];
static int32_t label[ROWS], group[ROWS];

/* Groups of very unequal size, scattered over the rows, with numbers that are not 0, 1, 2, ... */
static struct et_dataset rows_with_groups(void)
{
    for (size_t r = 0; r < ROWS; r++)
        group[r] = (int32_t)((r * r) % GROUPS) * 1000 - 3000;
    return (struct et_dataset){.x = {x, ROWS, 1}, .label = label, .group = group, .n_classes = 2};
}

/* Counts how often each row occurs; each must occur once. */
static void check_partition(const struct et_split *split, size_t rows)
{
    int seen[ROWS] = {0};
    ck_assert_uint_eq(split->n_train + split->n_test, rows);
    for (size_t i = 0; i < split->n_train; i++)
        seen[split->train[i]]++;
    for (size_t i = 0; i < split->n_test; i++)
        seen[split->test[i]]++;
    for (size_t r = 0; r < rows; r++)
        ck_assert_int_eq(seen[r], 1);
}

static void check_groups_whole(const struct et_split *split)
{
    for (size_t i = 0; i < split->n_train; i++)
        for (size_t j = 0; j < split->n_test; j++)
            ck_assert_int_ne(group[split->train[i]], group[split->test[j]]);
}

START_TEST(a_fraction_goes_to_the_test_part)
{
    struct et_dataset dataset = rows_with_groups();
    struct et_split split, again, other;
    struct et_split_rule rule = {.test_fraction = 0.2};
    assert_ok(et_split_make(&dataset, rule, 1, &split));
    assert_ok(et_split_make(&dataset, rule, 1, &again));
    assert_ok(et_split_make(&dataset, rule, 2, &other));
    ck_assert_uint_eq(split.n_test, 20);
    check_partition(&split, ROWS);
    ck_assert_mem_eq(split.train, again.train, 80 * sizeof *split.train);
    ck_assert_mem_eq(split.test, again.test, 20 * sizeof *split.test);
    ck_assert_mem_ne(split.test, other.test, 20 * sizeof *split.test);
    et_split_destroy(&split);
    et_split_destroy(&again);
    et_split_destroy(&other);
    ck_assert_ptr_null(split.train);
    /* 20 % of the 258 published vowels are 52 rows. */
    float many[258];
    int32_t labels[258];
    struct et_dataset vowels = {.x = {many, 258, 1}, .label = labels, .n_classes = 7};
    assert_ok(et_split_make(&vowels, rule, 1, &split));
    ck_assert_uint_eq(split.n_test, 52);
    et_split_destroy(&split);
}
END_TEST

START_TEST(every_row_is_tested_about_equally_often)
{
    enum { SEEDS = 2000 };
    struct et_dataset dataset = rows_with_groups();
    size_t times[ROWS] = {0};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct et_split split;
        assert_ok(
            et_split_make(&dataset, (struct et_split_rule){.test_fraction = 0.2}, seed, &split));
        for (size_t i = 0; i < split.n_test; i++)
            times[split.test[i]]++;
        et_split_destroy(&split);
    }
    for (size_t r = 0; r < ROWS; r++)
        assert_near((double)times[r], 0.2 * SEEDS, 5 * sqrt(SEEDS * 0.2 * 0.8));
}
END_TEST

START_TEST(groups_stay_together)
{
    struct et_dataset dataset = rows_with_groups();
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct et_split split;
        assert_ok(et_split_make(
            &dataset, (struct et_split_rule){.test_fraction = 0.2, .by_group = 1}, seed, &split));
        check_partition(&split, ROWS);
        check_groups_whole(&split);
        /* Reached, and not by more than the last group. */
        ck_assert_uint_ge(split.n_test, 20);
        size_t last = 0;
        for (size_t i = 0; i < split.n_test; i++)
            last += group[split.test[i]] == group[split.test[split.n_test - 1]];
        ck_assert_uint_lt(split.n_test - last, 20);
        et_split_destroy(&split);
    }
}
END_TEST

START_TEST(folds_cover_everything_once)
{
    struct et_dataset dataset = rows_with_groups();
    dataset.n_train = 50; /* folds go before the data set's own split */
    for (int by_group = 0; by_group < 2; by_group++) {
        size_t folds = by_group ? 4 : 7, tested = 0;
        int seen[ROWS] = {0};
        for (size_t fold = 0; fold < folds; fold++) {
            struct et_split split;
            struct et_split_rule rule = {.folds = folds, .fold = fold, .by_group = by_group};
            assert_ok(et_split_make(&dataset, rule, 3, &split));
            check_partition(&split, ROWS);
            if (by_group) check_groups_whole(&split);
            if (!by_group) ck_assert(split.n_test == 14 || split.n_test == 15);
            for (size_t i = 0; i < split.n_test; i++)
                seen[split.test[i]]++;
            tested += split.n_test;
            et_split_destroy(&split);
        }
        ck_assert_uint_eq(tested, ROWS);
        for (size_t r = 0; r < ROWS; r++)
            ck_assert_int_eq(seen[r], 1);
    }
}
END_TEST

START_TEST(a_given_split_is_kept)
{
    struct et_dataset dataset = rows_with_groups();
    struct et_split split;
    dataset.n_train = 70;
    assert_ok(et_split_make(&dataset, (struct et_split_rule){.test_fraction = 0.2}, 1, &split));
    ck_assert_uint_eq(split.n_train, 70);
    ck_assert_uint_eq(split.n_test, 30);
    for (size_t i = 0; i < ROWS; i++)
        ck_assert_uint_eq(i < 70 ? split.train[i] : split.test[i - 70], i);
    et_split_destroy(&split);
}
END_TEST

START_TEST(impossible_splits_are_refused)
{
    struct et_dataset dataset = rows_with_groups();
    struct et_split split;
    static const struct et_split_rule wrong[] = {
        {.test_fraction = 0},
        {.test_fraction = 1},
        {.test_fraction = -0.1},
        {.test_fraction = 0.001},
        {.test_fraction = 0.999},
        {.test_fraction = NAN},
        {.folds = 3, .fold = 3},
        {.folds = ROWS + 1},
        {.folds = GROUPS, .by_group = 1},
        {.test_fraction = 0.99, .by_group = 1},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        enum et_status status = et_split_make(&dataset, wrong[i], 1, &split);
        ck_assert_msg(status == ET_INVALID, "rule %zu: %s", i, et_status_text(status));
        ck_assert_ptr_null(split.train);
    }
    dataset.group = NULL;
    assert_status(et_split_make(&dataset,
                                (struct et_split_rule){.test_fraction = 0.2, .by_group = 1}, 1,
                                &split),
                  ET_INVALID);
    assert_message("without groups");
    dataset.n_train = ROWS;
    assert_status(et_split_make(&dataset, (struct et_split_rule){.test_fraction = 0.2}, 1, &split),
                  ET_INVALID);
}
END_TEST

START_TEST(failed_allocations_leave_nothing)
{
    struct et_dataset dataset = rows_with_groups();
    struct et_split_rule rule = {.test_fraction = 0.2, .by_group = 1};
    enum et_status status = ET_NOMEM;
    struct et_split split;
    size_t n = 0;
    while (status == ET_NOMEM) {
        et_alloc_fail_at(++n);
        status = et_split_make(&dataset, rule, 1, &split);
        et_alloc_fail_at(0);
        if (status == ET_NOMEM) ck_assert(split.train == NULL && split.test == NULL);
    }
    assert_ok(status);
    ck_assert_uint_gt(n, 5);
    et_split_destroy(&split);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_fraction_goes_to_the_test_part,
        every_row_is_tested_about_equally_often,
        groups_stay_together,
        folds_cover_everything_once,
        a_given_split_is_kept,
        impossible_splits_are_refused,
        failed_allocations_leave_nothing,
    };
    return run_case("split", tests, sizeof tests / sizeof *tests);
}
