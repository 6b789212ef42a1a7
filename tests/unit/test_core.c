/* SPDX-License-Identifier: Apache-2.0
 *
 * Errors, log, allocation, views and parallel loops. */
#include <etalon/array.h>
#include <etalon/log.h>
#include <etalon/parallel.h>

#include <check.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "close.h"

/* ------------------------------------------------------------------------------------ errors -- */

static enum et_status inner_step(int value)
{
    if (value < 0) return et_error_set(ET_INVALID, "value = %d is negative", value);
    return ET_OK;
}

static enum et_status middle_step(int value)
{
    ET_TRY(inner_step(value));
    return ET_OK;
}

static enum et_status outer_step(int value)
{
    ET_TRY_WHILE(middle_step(value), "doing step %d", 4);
    return ET_OK;
}

START_TEST(a_record_says_what_and_while)
{
    et_error_clear();
    assert_ok(outer_step(1));
    ck_assert_str_eq(et_error_message(), "");
    assert_status(outer_step(-2), ET_INVALID);
    ck_assert_int_eq((int)et_error_status(), ET_INVALID);
    ck_assert_str_eq(et_error_message(),
                     "invalid argument: value = -2 is negative\n  while doing step 4");
    et_error_clear();
    ck_assert_int_eq((int)et_error_status(), ET_OK);
    ck_assert_str_eq(et_error_message(), "");
}
END_TEST

START_TEST(a_position_replaces_the_text_of_the_code)
{
    et_error_set(ET_CONFIG, "%s:%d: error: wrong", "a.yaml", 3);
    ck_assert_str_eq(et_error_message(), "a.yaml:3: error: wrong");
}
END_TEST

START_TEST(long_messages_are_cut)
{
    char text[3 * ET_ERROR_MESSAGE_MAX];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    et_error_set(ET_IO, "%s", text);
    ck_assert_uint_eq(strlen(et_error_message()), ET_ERROR_MESSAGE_MAX - 1);
    et_error_while("adding %s", text);
    ck_assert_uint_eq(strlen(et_error_message()), ET_ERROR_MESSAGE_MAX - 1);
    et_error_set(ET_IO, "short");
    for (int i = 0; i < ET_ERROR_MESSAGE_MAX; i++)
        et_error_while("line %d", i);
    ck_assert_uint_lt(strlen(et_error_message()), ET_ERROR_MESSAGE_MAX);
}
END_TEST

START_TEST(every_code_has_a_text)
{
    ck_assert_str_eq(et_status_text(ET_OK), "success");
    ck_assert_str_eq(et_status_text(ET_SHAPE), "shape mismatch");
    ck_assert_str_eq(et_status_text((enum et_status)999), "unknown status");
}
END_TEST

static void *fail_elsewhere(void *user)
{
    et_error_set(ET_DEVICE, "no answer");
    et_error_take(user);
    return NULL;
}

START_TEST(records_belong_to_threads_and_can_be_handed_over)
{
    struct et_error_record record;
    pthread_t thread;
    et_error_clear();
    ck_assert_int_eq(pthread_create(&thread, NULL, fail_elsewhere, &record), 0);
    pthread_join(thread, NULL);
    ck_assert_int_eq((int)et_error_status(), ET_OK);
    et_error_put(&record);
    ck_assert_int_eq((int)et_error_status(), ET_DEVICE);
    ck_assert_str_eq(et_error_message(), "device error: no answer");
}
END_TEST

/* --------------------------------------------------------------------------------------- log -- */

struct seen {
    enum et_log_level level;
    char line[64];
    int count;
};

static void keep(enum et_log_level level, const char *line, void *user)
{
    struct seen *seen = user;
    seen->level = level;
    snprintf(seen->line, sizeof seen->line, "%s", line);
    seen->count++;
}

START_TEST(lines_go_to_the_sink)
{
    struct seen seen = {0};
    et_log(ET_LOG_INFO, "to nobody");
    et_log_set_sink(keep, &seen);
    et_log(ET_LOG_WARNING, "%d of %s", 3, "four");
    et_log_set_sink(NULL, NULL);
    et_log(ET_LOG_INFO, "to nobody");
    ck_assert_int_eq(seen.count, 1);
    ck_assert_int_eq((int)seen.level, ET_LOG_WARNING);
    ck_assert_str_eq(seen.line, "3 of four");
}
END_TEST

/* ---------------------------------------------------------------------------- memory, arrays -- */

START_TEST(memory_is_zeroed_and_aligned)
{
    for (size_t n = 0; n < 300; n += 7) {
        unsigned char *memory = et_alloc(n, 1);
        ck_assert_ptr_nonnull(memory);
        ck_assert_uint_eq((uintptr_t)memory % 64, 0);
        for (size_t i = 0; i < n; i++)
            ck_assert_uint_eq(memory[i], 0);
        memset(memory, 0xff, n);
        et_free(memory);
    }
    et_free(NULL);
}
END_TEST

START_TEST(sizes_that_overflow_are_refused)
{
    void *memory = et_alloc(SIZE_MAX / 2, 4);
    ck_assert_ptr_null(memory);
    ck_assert_int_eq((int)et_error_status(), ET_NOMEM);
    memory = et_alloc(SIZE_MAX, 1);
    ck_assert_ptr_null(memory);
    struct et_array array = {0};
    assert_status(et_array_create(&array, SIZE_MAX / 2, SIZE_MAX / 2), ET_NOMEM);
    assert_status(et_array_create(&array, (size_t)1 << 32, (size_t)1 << 32), ET_NOMEM);
    ck_assert_ptr_null(array.data);
}
END_TEST

START_TEST(the_chosen_allocation_fails_once)
{
    et_alloc_fail_at(2);
    void *first = et_alloc(1, 1), *second = et_alloc(1, 1), *third = et_alloc(1, 1);
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_null(second);
    ck_assert_ptr_nonnull(third);
    et_free(first);
    et_free(third);
    et_alloc_fail_at(1);
    et_alloc_fail_at(0);
    char *copy = et_strdup("abc");
    ck_assert_str_eq(copy, "abc");
    et_free(copy);
    et_alloc_fail_at(1);
    copy = et_strdup("abc");
    ck_assert_ptr_null(copy);
}
END_TEST

START_TEST(views_share_and_arrays_own)
{
    struct et_array array = {0};
    assert_ok(et_array_create(&array, 4, 5));
    struct et_view all = et_array_view(&array);
    for (size_t i = 0; i < 20; i++)
        all.data[i] = (float)i;
    struct et_view part = et_view_cols(et_view_rows(all, 1, 2), 2, 3);
    ck_assert_uint_eq(part.rows, 2);
    ck_assert_uint_eq(part.cols, 3);
    ck_assert(part.data[0] == 7 && part.data[part.stride + 2] == 14);
    float copy[8] = {0};
    struct et_view to = {copy, 2, 3, 4};
    et_view_copy(to, part);
    const float want[8] = {7, 8, 9, 0, 12, 13, 14, 0};
    assert_close(copy, want, 8, 0, 0);
    ck_assert_uint_eq(et_view_of(copy, 2, 4).stride, 4);
    et_array_destroy(&array);
    ck_assert_ptr_null(array.data);
    et_array_destroy(&array);
    assert_ok(et_array_create(&array, 0, 5));
    et_array_destroy(&array);
}
END_TEST

/* ---------------------------------------------------------------------------- parallel loops -- */

enum { LOOP = 1000 };

struct loop {
    int calls[LOOP];
    int busy[8];
    int shared;
};

static void visit(void *user, size_t i, size_t worker)
{
    struct loop *loop = user;
    if (__atomic_add_fetch(&loop->busy[worker], 1, __ATOMIC_SEQ_CST) != 1)
        __atomic_store_n(&loop->shared, 1, __ATOMIC_SEQ_CST);
    loop->calls[i]++;
    __atomic_sub_fetch(&loop->busy[worker], 1, __ATOMIC_SEQ_CST);
}

START_TEST(each_index_runs_once_on_a_worker_of_its_own)
{
    for (size_t threads = 1; threads <= 8; threads *= 2) {
        struct loop loop = {0};
        et_parallel_set_threads(threads);
        ck_assert_uint_eq(et_parallel_threads(), threads);
        et_parallel_for(LOOP, visit, &loop);
        for (size_t i = 0; i < LOOP; i++)
            ck_assert_int_eq(loop.calls[i], 1);
        ck_assert_int_eq(loop.shared, 0);
        et_parallel_for(0, visit, &loop);
    }
    et_parallel_set_threads(0);
    ck_assert_uint_ge(et_parallel_threads(), 1);
}
END_TEST

struct nest {
    struct loop inner[4];
    size_t worker[4][LOOP];
    size_t outer_worker[4];
};

struct nest_part {
    struct nest *nest;
    size_t i;
};

static void visit_inner(void *user, size_t i, size_t worker)
{
    struct nest_part *part = user;
    part->nest->inner[part->i].calls[i]++;
    part->nest->worker[part->i][i] = worker;
}

static void visit_outer(void *user, size_t i, size_t worker)
{
    struct nest_part part = {user, i};
    part.nest->outer_worker[i] = worker;
    et_parallel_for(LOOP, visit_inner, &part);
}

START_TEST(a_loop_inside_a_loop_keeps_its_worker)
{
    static struct nest nest;
    et_parallel_set_threads(4);
    et_parallel_for(4, visit_outer, &nest);
    for (size_t o = 0; o < 4; o++) {
        for (size_t i = 0; i < LOOP; i++) {
            ck_assert_int_eq(nest.inner[o].calls[i], 1);
            ck_assert_uint_eq(nest.worker[o][i], nest.outer_worker[o]);
        }
    }
    et_parallel_set_threads(0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_record_says_what_and_while,
        a_position_replaces_the_text_of_the_code,
        long_messages_are_cut,
        every_code_has_a_text,
        records_belong_to_threads_and_can_be_handed_over,
        lines_go_to_the_sink,
        memory_is_zeroed_and_aligned,
        sizes_that_overflow_are_refused,
        the_chosen_allocation_fails_once,
        views_share_and_arrays_own,
        each_index_runs_once_on_a_worker_of_its_own,
        a_loop_inside_a_loop_keeps_its_worker,
    };
    Suite *suite = suite_create("core");
    TCase *tcase = tcase_create("core");
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return suite_result(suite);
}
