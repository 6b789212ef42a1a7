/* SPDX-License-Identifier: Apache-2.0
 *
 * Surrogate derivatives: each is what the difference quotient of its step says, none is zero where
 * spikes are decided, and each has the area of its gain. */
#include "sim/kernels/surrogate.h"

#include "close.h"

static double slope(const struct et__surrogate *s, double z)
{
    float value = (float)z, psi = NAN;
    et__surrogate_slope(s, &value, &psi, 1);
    return (double)psi;
}

static const float widths[] = {0.25F, 1, 3};

START_TEST(test_is_the_derivative)
{
    for (size_t k = 0; k < 3; k++) {
        struct et__surrogate s = {(enum et__surrogate_shape)_i, widths[k], 0.7F};
        for (double x = -2.95; x < 3; x += 0.1) { /* off the corners at -1, 0 and 1 */
            double z = x * (double)widths[k], h = 1e-5 * (double)widths[k];
            double want = (et__surrogate_step(&s, z + h) - et__surrogate_step(&s, z - h)) / (2 * h);
            ck_assert_msg(fabs(slope(&s, z) - want) < 2e-6 / (double)widths[k],
                          "shape %d, width %g, z = %g: %g, not %g", _i, (double)widths[k], z,
                          slope(&s, z), want);
        }
    }
}
END_TEST

START_TEST(test_is_not_zero)
{
    for (size_t k = 0; k < 3; k++) {
        struct et__surrogate s = {(enum et__surrogate_shape)_i, widths[k], 1};
        double w = (double)widths[k];
        ck_assert(slope(&s, 0) >= 0.25 / w - 1e-6 && slope(&s, 0) <= 1 / w + 1e-6);
        ck_assert(slope(&s, 0.5 * w) > 0.1 / w);
        ck_assert(slope(&s, -0.5 * w) > 0.1 / w);
        assert_near(slope(&s, 0.5 * w), slope(&s, -0.5 * w), 1e-7);
    }
}
END_TEST

START_TEST(test_rises_by_gain)
{
    struct et__surrogate s = {(enum et__surrogate_shape)_i, 0.5F, 2};
    assert_near(et__surrogate_step(&s, -1e6), 0, 1e-6);
    assert_near(et__surrogate_step(&s, 1e6), 2, 1e-6);
    assert_near(et__surrogate_step(&s, 0), 1, 1e-6);
}
END_TEST

/* The shape of the SLTT paper, max(0, 1 - |z|), and its rectangle 1 for |z| < 1/2. */
START_TEST(test_published_forms)
{
    struct et__surrogate triangle = {ET__SURROGATE_TRIANGLE, 1, 1};
    struct et__surrogate rectangle = {ET__SURROGATE_RECTANGLE, 0.5F, 1};
    assert_near(slope(&triangle, 0.25), 0.75, 1e-7);
    assert_near(slope(&triangle, -1.5), 0, 0);
    assert_near(slope(&rectangle, 0.25), 1, 0);
    assert_near(slope(&rectangle, 0.75), 0, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("surrogate");
    TCase *all = tcase_create("all");
    tcase_add_loop_test(all, test_is_the_derivative, 0, ET__SURROGATE_SHAPES);
    tcase_add_loop_test(all, test_is_not_zero, 0, ET__SURROGATE_SHAPES);
    tcase_add_loop_test(all, test_rises_by_gain, 0, ET__SURROGATE_SHAPES);
    tcase_add_test(all, test_published_forms);
    suite_add_tcase(suite, all);
    return suite_result(suite);
}
