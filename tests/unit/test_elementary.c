/* SPDX-License-Identifier: Apache-2.0
 *
 * The vector functions against libm. */
#include "close.h"

#include <stdint.h>
#include <string.h>

/* Both precisions in one file: the functions of each under names of its own. */
#define bits_of     bits_of_f32
#define from_bits   from_bits_f32
#define ln_rest     ln_rest_f32
#define ln_one_plus ln_one_plus_f32
#define with_sign   with_sign_f32
#define size_of     size_of_f32
#define fast_asinh  fast_asinh_f32
#define fast_sinh   fast_sinh_f32
#define REAL        float
#define SINGLE      1
#include "kernels/elementary.h"
static const double error_f32 = ELEMENTARY_ERROR;
#undef bits_of
#undef from_bits
#undef ln_rest
#undef ln_one_plus
#undef with_sign
#undef size_of
#undef fast_asinh
#undef fast_sinh
#undef REAL
#undef SINGLE
#undef INLINE
#undef WORD
#undef MANTISSA
#undef WHOLE
#undef ROOT_HALF
#undef LN2_HIGH
#undef LN2_LOW
#undef SINH_TERMS
#undef SQUARE_ROOT
#undef ELEMENTARY_ERROR
#define REAL   double
#define SINGLE 0
#include "kernels/elementary.h"
static const double error_f64 = ELEMENTARY_ERROR;

static void near(const char *what, double x, double got, double want, double relative)
{
    ck_assert_msg(fabs(got - want) <= relative * fabs(want), "%s(%.17g) = %.17g, want %.17g", what,
                  x, got, want);
}

static void check_at(double x)
{
    const float f = (float)x;
    if (fabs(x) > 1e-37 || x == 0) { /* the rest is not normal in single precision */
        near("asinhf", (double)f, (double)fast_asinh_f32(f), asinh((double)f), error_f32);
        if (fabs(x) < 87)
            near("sinhf", (double)f, (double)fast_sinh_f32(f), sinh((double)f), error_f32);
    }
    near("asinh", x, fast_asinh(x), asinh(x), error_f64);
    if (fabs(x) < 87) near("sinh", x, fast_sinh(x), sinh(x), error_f64);
}

START_TEST(test_against_libm)
{
    for (double x = 1e-40; x < 1e18; x *= 1.0037) {
        check_at(x);
        check_at(-x);
    }
    for (double x = 0; x < 20; x += 0.00137)
        check_at(x);
    ck_assert(signbit(fast_asinh(-0.0)) && fast_sinh_f32(0) == 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("elementary functions");
    TCase *tests = tcase_create("elementary");
    tcase_add_test(tests, test_against_libm);
    suite_add_tcase(suite, tests);
    return suite_result(suite);
}
