/* SPDX-License-Identifier: Apache-2.0
 *
 * Every line of the table of physics holds. */
#include "bench/physics.h"

#include <etalon/parallel.h>

#include <check.h>
#include <math.h>
#include <stdlib.h>

START_TEST(test_line)
{
    const struct et__physics_check *check = et__physics_checks((size_t)_i);
    double error = NAN;
    ck_assert_msg(check->measure(&error) == ET_OK, "%s, %s: %s", check->system, check->against,
                  et_error_message());
    ck_assert_msg(error >= 0 && error <= check->asked, "%s, %s: error %g, asked %g", check->system,
                  check->against, error, check->asked);
}
END_TEST

int main(void)
{
    int n = 0;
    while (et__physics_checks((size_t)n))
        n++;
    Suite *suite = suite_create("table");
    TCase *lines = tcase_create("lines");
    tcase_add_loop_test(lines, test_line, 0, n);
    suite_add_tcase(suite, lines);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
