/* SPDX-License-Identifier: Apache-2.0
 *
 * Numeric comparison for tests: reports the worst element with what was got and wanted. */
#ifndef ETALON_TESTS_CLOSE_H
#define ETALON_TESTS_CLOSE_H

#include <check.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>

/* |got - want| <= absolute + relative |want| for each of n elements. */
static inline void assert_close(const float *got, const float *want, size_t n, double relative,
                                double absolute)
{
    size_t worst = 0;
    double excess = -1;
    for (size_t i = 0; i < n; i++) {
        double error = fabs((double)got[i] - (double)want[i]);
        double over = error - (absolute + relative * fabs((double)want[i]));
        if (over <= excess) continue;
        excess = over;
        worst = i;
        if (isnan(over)) break; /* nothing compares as worse */
    }
    ck_assert_msg(excess <= 0, "element %zu of %zu: got %.9g, want %.9g", worst, n,
                  (double)got[worst], (double)want[worst]);
}

#define assert_near(got, want, tolerance)                                                          \
    do {                                                                                           \
        double near_got_ = (got), near_want_ = (want), near_tolerance_ = (tolerance);              \
        ck_assert_msg(fabs(near_got_ - near_want_) <= near_tolerance_,                             \
                      "%s = %.12g is not within %g of %.12g", #got, near_got_, near_tolerance_,    \
                      near_want_);                                                                 \
    } while (0)

/* Expects a status; prints the error record when it is another one. */
#define assert_status(expression, want)                                                            \
    do {                                                                                           \
        enum et_status status_got_ = (expression);                                                 \
        ck_assert_msg(status_got_ == (want), "%s: got '%s' (%s), want '%s'", #expression,          \
                      et_status_text(status_got_), et_error_message(), et_status_text(want));      \
    } while (0)
#define assert_ok(expression) assert_status(expression, ET_OK)

/* The record's message contains `part`. */
#define assert_message(part)                                                                       \
    ck_assert_msg(strstr(et_error_message(), part) != NULL, "message '%s' lacks '%s'",             \
                  et_error_message(), part)

/* Runs a suite and gives main's return value. */
static inline int suite_result(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
