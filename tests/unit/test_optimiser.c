/* SPDX-License-Identifier: Apache-2.0
 *
 * Optimisers against the formulas written plainly, readouts against finite differences, and the
 * statistics of results. */
#include "close.h"
#include "training/network.h"
#include "training/optimiser.h"
#include "training/results.h"

#include <etalon/parallel.h>
#include <etalon/rng.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 40000 }; /* more than two blocks */

static const struct et_param table[] = {
    {.name = "optimiser",
     .kind = ET_PARAM_RECORD,
     .initial = "{}",
     .fields = et__optimiser_params,
     .doc = "Under test."},
    {0},
};

static struct et__optimiser optimiser_of(const char *yaml)
{
    struct et_config *config;
    struct et__optimiser optimiser;
    char text[160];
    snprintf(text, sizeof text, "optimiser: %s\n", yaml);
    assert_ok(et_config_parse("test", text, NULL, 0, table, NULL, &config));
    et__optimiser_read(&optimiser, et_config_at(config, "optimiser", 0));
    et_config_close(config);
    return optimiser;
}

static void three_steps(const struct et__optimiser *optimiser, struct et_tensor *tensor)
{
    assert_ok(et_tensor_create(tensor, "weight", 4, N / 4, 1));
    et_rng_fill_normal(1, ET_STREAM_USER, 0, 0, tensor->value, N);
    for (uint32_t t = 1; t <= 3; t++) {
        et_rng_fill_normal(1, ET_STREAM_USER, t, 0, tensor->gradient, N);
        et__optimiser_step(optimiser, tensor, optimiser->rate, t);
    }
}

START_TEST(adam_follows_its_formula)
{
    struct et__optimiser optimiser = optimiser_of("{rate: 0.01, weight_decay: 0.1}");
    struct et_tensor tensor;
    static float want[N], gradient[N];
    static double m[N], v[N];
    memset(m, 0, sizeof m);
    memset(v, 0, sizeof v);
    et_rng_fill_normal(1, ET_STREAM_USER, 0, 0, want, N);
    for (uint32_t t = 1; t <= 3; t++) {
        et_rng_fill_normal(1, ET_STREAM_USER, t, 0, gradient, N);
        for (size_t i = 0; i < N; i++) {
            double g = (double)gradient[i] + 0.1 * (double)want[i];
            m[i] = 0.9 * m[i] + 0.1 * g;
            v[i] = 0.999 * v[i] + 0.001 * g * g;
            double m_hat = m[i] / (1 - pow(0.9, t)), v_hat = v[i] / (1 - pow(0.999, t));
            want[i] -= (float)(0.01 * m_hat / (sqrt(v_hat) + 1e-8));
        }
    }
    three_steps(&optimiser, &tensor);
    assert_close(tensor.value, want, N, 1e-5, 2e-6);
    et_tensor_destroy(&tensor);
}
END_TEST

START_TEST(sgd_follows_its_formula)
{
    struct et__optimiser optimiser =
        optimiser_of("{type: sgd, rate: 0.01, momentum: 0.8, weight_decay: 0.1}");
    struct et_tensor tensor;
    static float want[N], gradient[N], m[N];
    memset(m, 0, sizeof m);
    et_rng_fill_normal(1, ET_STREAM_USER, 0, 0, want, N);
    for (uint32_t t = 1; t <= 3; t++) {
        et_rng_fill_normal(1, ET_STREAM_USER, t, 0, gradient, N);
        for (size_t i = 0; i < N; i++) {
            m[i] = 0.8F * m[i] + gradient[i] + 0.1F * want[i];
            want[i] -= 0.01F * m[i];
        }
    }
    three_steps(&optimiser, &tensor);
    assert_close(tensor.value, want, N, 1e-5, 1e-6);
    et_tensor_destroy(&tensor);
}
END_TEST

START_TEST(steps_do_not_depend_on_threads)
{
    struct et__optimiser optimiser = optimiser_of("{rate: 0.01}");
    struct et_tensor one, eight;
    et_parallel_set_threads(1);
    three_steps(&optimiser, &one);
    et_parallel_set_threads(8);
    three_steps(&optimiser, &eight);
    et_parallel_set_threads(2);
    ck_assert_mem_eq(one.value, eight.value, N * sizeof(float));
    et_tensor_destroy(&one);
    et_tensor_destroy(&eight);
}
END_TEST

START_TEST(tensors_may_set_rate_and_decay)
{
    struct et__optimiser optimiser = optimiser_of("{type: sgd, rate: 1, momentum: 0}");
    struct et_tensor tensor;
    assert_ok(et_tensor_create(&tensor, "classifier", 1, 1, 0.5));
    tensor.value[0] = 2;
    tensor.gradient[0] = 1;
    tensor.weight_decay = 0.25;
    et__optimiser_step(&optimiser, &tensor, 1, 1);
    assert_near((double)tensor.value[0], 2 - 0.5 * (1 + 0.25 * 2), 1e-6);
    et_tensor_destroy(&tensor);
    assert_ok(et_tensor_create(&tensor, "vector", 1, 1, 0)); /* kept, never trained */
    ck_assert_ptr_null(tensor.gradient);
    et__optimiser_step(&optimiser, &tensor, 1, 1);
    et_tensor_destroy(&tensor);
}
END_TEST

START_TEST(schedules)
{
    static const struct {
        const char *name;
        double quarter, half, end;
    } known[] = {{"constant", 1, 1, 1},
                 {"half", 1, 1, 0},
                 {"cosine", 0.853553390593, 0.5, 0},
                 {"linear", 0.75, 0.5, 0}};
    for (size_t k = 0; k < 4; k++) {
        char yaml[64];
        snprintf(yaml, sizeof yaml, "{rate: 2, schedule: %s}", known[k].name);
        struct et__optimiser optimiser = optimiser_of(yaml);
        assert_near(et__optimiser_rate(&optimiser, 0), 2, 1e-12);
        assert_near(et__optimiser_rate(&optimiser, 0.25), 2 * known[k].quarter, 1e-9);
        assert_near(et__optimiser_rate(&optimiser, 0.5), 2 * known[k].half, 1e-9);
        assert_near(et__optimiser_rate(&optimiser, 1), 2 * known[k].end, 1e-9);
    }
}
END_TEST

/* Quantiles from published tables. */
START_TEST(student_quantiles)
{
    static const struct {
        size_t freedom;
        double t;
    } known[] = {{1, 12.7062},  {4, 2.77645},  {9, 2.26216},
                 {19, 2.09302}, {49, 2.00958}, {1000, 1.96234}};
    for (size_t k = 0; k < 6; k++)
        assert_near(et__student_quantile(known[k].freedom), known[k].t, 1e-3);
}
END_TEST

START_TEST(accuracy_statistics)
{
    /* [seed][evaluation]; the last column counts; a seed that is not finished does not. */
    double table_of[8] = {0, 0.5, 0, 0.4, 0, 0.6, 0, NAN};
    struct et_accuracy a = et__accuracy_of(table_of + 1, 4, 2, 17);
    ck_assert_uint_eq(a.seeds, 3);
    ck_assert_uint_eq(a.last_epoch, 17);
    assert_near(a.mean, 0.5, 1e-12);
    assert_near(a.sd, 0.1, 1e-12);
    assert_near(a.ci_hi - a.mean, 4.30265 * 0.1 / sqrt(3.0), 1e-6);
    double high[2] = {0.9, 1};
    a = et__accuracy_of(high, 2, 1, 1);
    assert_near(a.ci_hi, 1, 0); /* an accuracy ends there */
    double one = 0.5;
    a = et__accuracy_of(&one, 1, 1, 1);
    assert_near(a.ci_lo, 0.5, 0);
    assert_near(a.ci_hi, 0.5, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("optimiser");
    TCase *tests = tcase_create("optimiser");
    tcase_add_test(tests, adam_follows_its_formula);
    tcase_add_test(tests, sgd_follows_its_formula);
    tcase_add_test(tests, steps_do_not_depend_on_threads);
    tcase_add_test(tests, tensors_may_set_rate_and_decay);
    tcase_add_test(tests, schedules);
    tcase_add_test(tests, student_quantiles);
    tcase_add_test(tests, accuracy_statistics);
    suite_add_tcase(suite, tests);
    return suite_result(suite);
}
