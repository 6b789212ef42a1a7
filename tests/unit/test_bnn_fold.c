/* SPDX-License-Identifier: Apache-2.0
 *
 * Batch norm as integer thresholds, against the formula at every sum; double rounding against
 * its definition. */
#include <etalon/accelerator.h>
#include <etalon/rng.h>

#include <check.h>
#include <math.h>
#include <string.h>

#include "close.h"

enum { LEVELS = 255 };

/* The formula as the header states it. */
static unsigned wanted_code(const struct et_bnn_norm *n, const double *level, unsigned out_bits,
                            int64_t acc)
{
    double z =
        n->gamma * (n->scale * (double)acc - n->mean) / sqrt(n->variance + n->epsilon) + n->beta;
    unsigned code = 0;
    for (size_t k = 0; k < (1U << out_bits) - 1; k++)
        code += z >= level[k];
    return code;
}

static unsigned folded_code(const int32_t *threshold, int flip, unsigned out_bits, int64_t acc)
{
    unsigned most = (1U << out_bits) - 1, count = 0;
    for (size_t k = 0; k < most; k++)
        count += acc >= threshold[k];
    return flip ? most - count : count;
}

static void assert_fold(const struct et_bnn_norm *norm, const double *level, unsigned out_bits,
                        int64_t bound, int want_flip)
{
    int32_t threshold[LEVELS];
    uint8_t flip;
    assert_ok(et_bnn_fold(norm, level, out_bits, (uint64_t)bound, threshold, &flip));
    ck_assert_int_eq(flip, want_flip);
    for (size_t k = 0; k < (1U << out_bits) - 1; k++) {
        ck_assert_int_ge(threshold[k], -(1 << 30) + 1);
        ck_assert_int_le(threshold[k], (1 << 30) - 1);
        if (k > 0) ck_assert_int_le(threshold[k - 1], threshold[k]);
    }
    for (int64_t acc = -bound; acc <= bound; acc++)
        ck_assert_msg(
            folded_code(threshold, flip, out_bits, acc) == wanted_code(norm, level, out_bits, acc),
            "acc = %lld, gamma = %g, scale = %g", (long long)acc, norm->gamma, norm->scale);
}

/* Values on a coarse grid make ties common, fine ones make rounding matter. */
static double draw(uint64_t seed, uint64_t i, bool coarse)
{
    double u = 2.0 * (double)et_rng_uniform(seed, ET_STREAM_USER, 0, i) - 1.0;
    return coarse ? round(4 * u) / 4 : u / 3;
}

START_TEST(thresholds_equal_the_formula_everywhere)
{
    size_t ties = 0;
    for (uint64_t seed = 0; seed < 600; seed++) {
        bool coarse = seed % 2;
        unsigned out_bits = 1 + (unsigned)(seed / 2 % 8);
        int64_t bound = 200;
        struct et_bnn_norm norm = {
            .gamma = draw(seed, 0, coarse),
            .beta = draw(seed, 1, coarse),
            .mean = 40 * draw(seed, 2, coarse),
            .variance = coarse ? 4 : 1 + draw(seed, 3, false),
            .epsilon = coarse ? 0 : 1e-5,
            .scale = draw(seed, 4, coarse),
        };
        double level[LEVELS];
        size_t n = (1U << out_bits) - 1;
        level[0] = 8 * draw(seed, 5, coarse);
        for (size_t k = 1; k < n; k++)
            level[k] = level[k - 1] + fabs(draw(seed, 5 + k, coarse)) / 4;
        double slope = norm.gamma * norm.scale;
        assert_fold(&norm, level, out_bits, bound, slope < 0);
        for (int64_t acc = -bound; acc <= bound; acc++) {
            double z = norm.gamma * (norm.scale * (double)acc - norm.mean) /
                           sqrt(norm.variance + norm.epsilon) +
                       norm.beta;
            for (size_t k = 0; k < n; k++)
                ties += z == level[k];
        }
    }
    ck_assert_uint_gt(ties, 1000);
}
END_TEST

START_TEST(slopes_of_zero_give_constants)
{
    static const double level[] = {-1, 0.5, 0.5};
    struct et_bnn_norm norm = {.beta = 0.5, .mean = 3, .variance = 1, .scale = -2};
    assert_fold(&norm, level, 2, 50, 0); /* z = 0.5: a tie with two levels */
    norm.gamma = -0.0;
    assert_fold(&norm, level, 2, 50, 0);
    norm.gamma = -2, norm.scale = 0; /* z = 6.5 */
    assert_fold(&norm, level, 2, 50, 0);
    norm.scale = -0.0;
    assert_fold(&norm, level, 2, 50, 0);
}
END_TEST

START_TEST(infinite_levels_are_never_or_always_reached)
{
    const double level[] = {-INFINITY, 0, INFINITY};
    struct et_bnn_norm norm = {.gamma = 1, .variance = 1, .scale = 1};
    int32_t threshold[3];
    uint8_t flip;
    assert_fold(&norm, level, 2, 20, 0);
    norm.gamma = -1;
    assert_fold(&norm, level, 2, 20, 1);
    /* The largest bound still has a "never". */
    uint64_t most = (1U << 30) - 2;
    norm.gamma = 1;
    assert_ok(et_bnn_fold(&norm, level, 2, most, threshold, &flip));
    ck_assert_int_eq(threshold[0], -(1 << 30) + 2);
    ck_assert_int_eq(threshold[1], 0);
    ck_assert_int_eq(threshold[2], (1 << 30) - 1);
    assert_status(et_bnn_fold(&norm, level, 2, most + 1, threshold, &flip), ET_INVALID);
    assert_message("bound = 1073741823 is outside [0, 1073741822]");
}
END_TEST

START_TEST(what_cannot_be_folded_is_named)
{
    const struct et_bnn_norm fine = {.gamma = 1, .variance = 1, .scale = 1};
    const double level[] = {0, 1, 2}, falling[] = {0, 2, 1}, nan_level[] = {0, NAN, 1};
    struct et_bnn_norm norm = fine;
    int32_t threshold[3];
    uint8_t flip;
    norm.gamma = NAN;
    assert_status(et_bnn_fold(&norm, level, 2, 9, threshold, &flip), ET_INVALID);
    assert_message("gamma = nan is not finite");
    norm = fine, norm.mean = INFINITY;
    assert_status(et_bnn_fold(&norm, level, 2, 9, threshold, &flip), ET_INVALID);
    assert_message("mean = inf is not finite");
    norm = fine, norm.variance = -1, norm.epsilon = 1;
    assert_status(et_bnn_fold(&norm, level, 2, 9, threshold, &flip), ET_INVALID);
    assert_message("variance + epsilon = -1 + 1 is outside (0, inf)");
    norm = fine, norm.scale = 1e308;
    assert_status(et_bnn_fold(&norm, level, 2, 9, threshold, &flip), ET_INVALID);
    assert_message("the norm of acc = -9 is not finite");
    assert_status(et_bnn_fold(&fine, falling, 2, 9, threshold, &flip), ET_INVALID);
    assert_message("level[2] = 1 is below level[1] = 2");
    assert_status(et_bnn_fold(&fine, nan_level, 2, 9, threshold, &flip), ET_INVALID);
    assert_message("level[1] is not a number");
    assert_status(et_bnn_fold(&fine, level, 9, 9, threshold, &flip), ET_INVALID);
    assert_message("out_bits = 9 is outside [1, 8]");
}
END_TEST

START_TEST(double_rounding_follows_its_definition)
{
    for (unsigned stored = 1; stored <= 8; stored++)
        for (unsigned kept = 1; kept <= stored; kept++)
            for (int q = -(1 << (stored - 1)); q < 1 << (stored - 1); q++) {
                double step = ldexp(1, (int)(stored - kept)), most = ldexp(1, (int)kept - 1) - 1;
                double want = fmin(floor(((double)q + floor(step / 2)) / step), most);
                ck_assert_int_eq(et_bnn_round(q, stored, kept), (int)want);
                ck_assert_int_ge(et_bnn_round(q, stored, kept), -(1 << (kept - 1)));
            }
    ck_assert_int_eq(et_bnn_round(3, 2, 2), 3); /* unsigned codes are left alone */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bnn_fold");
    TCase *tests = tcase_create("bnn_fold");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, thresholds_equal_the_formula_everywhere);
    tcase_add_test(tests, slopes_of_zero_give_constants);
    tcase_add_test(tests, infinite_levels_are_never_or_always_reached);
    tcase_add_test(tests, what_cannot_be_folded_is_named);
    tcase_add_test(tests, double_rounding_follows_its_definition);
    return suite_result(suite);
}
