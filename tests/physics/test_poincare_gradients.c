/* SPDX-License-Identifier: Apache-2.0
 *
 * Gradients of the Poincare ball's operations and layers against central differences, c included.
 */
#include "physics/poincare_cases.h"

START_TEST(test_operations)
{
    assert_gradients(operations, sizeof operations / sizeof *operations);
}
END_TEST

START_TEST(test_layers)
{
    assert_gradients(layers, sizeof layers / sizeof *layers);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gradients of the Poincare ball");
    TCase *tests = tcase_create("gradients");
    tcase_add_test(tests, test_operations);
    tcase_add_test(tests, test_layers);
    suite_add_tcase(suite, tests);
    return suite_result(suite);
}
