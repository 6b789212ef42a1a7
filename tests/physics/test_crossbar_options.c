/* SPDX-License-Identifier: Apache-2.0
 *
 * Options of the crossbar that scale something: each scales what it says, by as much as it says. */
#include <etalon/rng.h>
#include <etalon/system.h>

#include <stdio.h>
#include <string.h>

#include "close.h"

enum { SEED = 7, N = 20000 };

static float x[2 * N], y[N];

struct moments {
    double mean, sd;
};

/* Mean and sd of one output over N passes with inputs 1, or over N outputs of one pass. */
static struct moments measure(const char *options, int by_output)
{
    char yaml[512];
    struct et_system *system;
    struct et_step step = {.seed = SEED};
    snprintf(yaml, sizeof yaml, "{type: crossbar, %s}", options);
    assert_ok(et_system_open_text(yaml, SEED, &system));
    size_t n_in = et_system_info(system)->n_in, rows = by_output ? 1 : N;
    for (size_t i = 0; i < rows * n_in; i++)
        x[i] = 1;
    assert_ok(et_system_forward(system, &step, et_view_of(x, rows, n_in),
                                et_view_of(y, rows, by_output ? N : 1)));
    et_system_close(system);
    struct moments m = {0, 0};
    for (size_t i = 0; i < N; i++)
        m.mean += (double)y[i] / N;
    for (size_t i = 0; i < N; i++)
        m.sd += ((double)y[i] - m.mean) * ((double)y[i] - m.mean) / N;
    m.sd = sqrt(m.sd);
    return m;
}

#define IDEAL "n_in: 2, n_out: 1, cell: ideal, weights: [0.75, -0.25], dac: {bits: 0}"
#define QUIET "dac: {bits: 0}, adc: {bits: 0}, noise: {when: \"off\""
/* 20,000 equal weights, so the statistics of cells are those of outputs. */
#define CELLS "n_in: 1, n_out: 20000, spread: 0, gmin: 12.5, " QUIET

/* Relative sd of an estimated sd: 1 / sqrt(2 N) = 0.5 %. */
static const double tolerance = 0.03;

START_TEST(noise_of_the_adc)
{
    struct moments one = measure(IDEAL ", adc: {bits: 0, noise: 0.1}", 0);
    assert_near(one.mean, 0.5, 0.004);
    assert_near(one.sd, 0.1, 0.1 * tolerance);
    struct moments two = measure(IDEAL ", adc: {bits: 0, noise: 0.1}, array: {rows: 1}", 0);
    assert_near(two.sd, 0.1 * sqrt(2), 0.1414 * tolerance);
}
END_TEST

/* The output clips at margin sqrt(sum of w^2 / 3), and at the range that is given. */
START_TEST(range_of_the_adc)
{
    double rms = sqrt((0.75 * 0.75 + 0.25 * 0.25) / 3);
    assert_near(measure(IDEAL ", adc: {bits: 9, margin: 0.5}", 0).mean, 0.5 * rms, 1e-6);
    assert_near(measure(IDEAL ", adc: {bits: 9, range: 0.125}", 0).mean, 0.125, 1e-6);
    assert_near(measure(IDEAL ", adc: {bits: 2, range: 1.25}", 0).mean, 0, 1e-6);
}
END_TEST

/* Pairs at gmin = gmax / 2: the output is the difference of two equal cells, in units of gmax / 2.
 */
START_TEST(spread_of_programming)
{
    double sd = (0.26348 + 1.9650 * 0.5 - 1.1731 * 0.25) * sqrt(2) / 12.5;
    assert_near(measure(CELLS "}", 1).sd, sd, sd * tolerance);
    assert_near(measure(CELLS ", programming: 3}", 1).sd, 3 * sd, 3 * sd * tolerance);
    assert_near(measure(CELLS ", programming: 0}", 1).sd, 0, 1e-6);
    /* Twice the conductance, twice the spread. */
    assert_near(measure("n_in: 1, n_out: 20000, spread: 0, gmax: 50, gmin: 25, " QUIET "}", 1).sd,
                sd, sd * tolerance);
}
END_TEST

START_TEST(factors_of_drift_and_read_noise)
{
#define ONE "n_in: 1, n_out: 1, weights: [1], dac: {bits: 0}, adc: {bits: 0}"
    double at_once = measure(ONE ", noise: {programming: 0, when: \"off\"}", 0).mean;
    double later = measure(ONE ", age: 1e5, noise: {programming: 0, when: \"off\"}", 0).mean;
    double twice =
        measure(ONE ", age: 1e5, noise: {programming: 0, drift: 2, when: \"off\"}", 0).mean;
    double never =
        measure(ONE ", age: 1e5, noise: {programming: 0, drift: 0, when: \"off\"}", 0).mean;
    assert_near(at_once, 1, 1e-6);
    assert_near(never, 1, 1e-6);
    ck_assert(later < 0.8 && later > 0.5);
    assert_near(log(twice), 2 * log(later), 1e-5);
    double sd = 0.0088 * sqrt(log((20 + 250e-9) / 500e-9));
    assert_near(measure(ONE ", noise: {programming: 0}", 0).sd, sd, sd * tolerance);
    assert_near(measure(ONE ", noise: {programming: 0, read: 3}", 0).sd, 3 * sd,
                3 * sd * tolerance);
    sd = hypot(sd,
               0.1 * sqrt(2)); /* both cells of the pair; the idle one, at 0 uS, has no 1/f noise */
    assert_near(measure(ONE ", noise: {programming: 0, white: 0.1}", 0).sd, sd, sd * tolerance);
    /* Wires that halve the current of a cell of 40 kOhm halve its noise. */
    sd = 0.0088 * sqrt(log((20 + 250e-9) / 500e-9));
    struct moments wired = measure(ONE ", noise: {programming: 0}, array: {wire: 20000}", 0);
    assert_near(wired.mean, 0.5, 5 * 0.5 * sd / sqrt(N)); /* five standard errors */
    assert_near(wired.sd, 0.5 * sd, 0.5 * sd * tolerance);
}
END_TEST

/* Verified cells are within the tolerance, so the pairs within twice that. */
START_TEST(verification_bounds_the_error)
{
    struct moments free = measure(CELLS "}", 1);
    struct moments verified = measure(CELLS "}, verify: {writes: 100, tolerance: 0.25}", 1);
    for (size_t i = 0; i < N; i++)
        ck_assert(fabs((double)y[i]) <= 0.5 / 12.5 + 1e-6);
    ck_assert(verified.sd < 0.25 * free.sd);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("crossbar options");
    TCase *tests = tcase_create("options");
    tcase_set_timeout(tests, 0);
    tcase_add_test(tests, noise_of_the_adc);
    tcase_add_test(tests, range_of_the_adc);
    tcase_add_test(tests, spread_of_programming);
    tcase_add_test(tests, factors_of_drift_and_read_noise);
    tcase_add_test(tests, verification_bounds_the_error);
    suite_add_tcase(suite, tests);
    return suite_result(suite);
}
