/* SPDX-License-Identifier: Apache-2.0
 *
 * The Poincare ball against the formulas of the textbooks, in both precisions. */
#include "close.h"

#include "sim/kernels/poincare.h"

#include <etalon/rng.h>

#include "physics/poincare_plain.h"

enum { BOOK_ROWS = 6, BOOK_N = 5 };

#define REAL      float
#define NAME(op)  et__##op##_f32
#define TOLERANCE 2e-6
#include "physics/poincare_textbook.h"
#undef REAL
#undef NAME
#undef TOLERANCE

#define REAL      double
#define NAME(op)  et__##op##_f64
#define TOLERANCE 1e-13
#include "physics/poincare_textbook.h"

static const double curvatures[] = {1, 0.1, 3.7};

START_TEST(test_operations)
{
    et__operations_by_the_book_f32(curvatures[_i % 3], (uint32_t)_i);
    et__operations_by_the_book_f64(curvatures[_i % 3], (uint32_t)_i);
}
END_TEST

START_TEST(test_layers)
{
    et__layers_by_the_book_f32(curvatures[_i % 3], (uint32_t)_i);
    et__layers_by_the_book_f64(curvatures[_i % 3], (uint32_t)_i);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("Poincare ball by the book");
    TCase *tests = tcase_create("textbook");
    tcase_add_loop_test(tests, test_operations, 0, 10);
    tcase_add_loop_test(tests, test_layers, 0, 10);
    suite_add_tcase(suite, tests);
    return suite_result(suite);
}
