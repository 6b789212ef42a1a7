/* SPDX-License-Identifier: Apache-2.0
 *
 * Local objectives: gradients against central differences, known values, predictions. */
#include "close.h"
#include "training/objective.h"

#include <etalon/experiment.h>
#include <etalon/rng.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 6, WIDTH = 7, CLASSES = 3, STAGES = 2 };

struct rig {
    struct et_config *config;
    struct et__objective objective;
    float h[ROWS * WIDTH], dh[ROWS * WIDTH];
    int32_t label[ROWS];
};

static const struct et_param table[] = {
    {.name = "objective", .kind = ET_PARAM_TYPE, .choices = "objective", .doc = "Under test."},
    {0},
};

static void rig_open(struct rig *rig, const char *objective)
{
    static const size_t width[STAGES] = {WIDTH, WIDTH};
    char text[128];
    memset(rig, 0, sizeof *rig);
    snprintf(text, sizeof text, "objective: %s\n", objective);
    assert_ok(et_config_parse("test", text, NULL, 0, table, et_experiment_types, &rig->config));
    struct et_objective_shape shape = {STAGES, CLASSES, width, ROWS, 5};
    assert_ok(
        et__objective_open(&rig->objective, et_config_at(rig->config, "objective", 0), &shape));
    et_rng_fill_normal(1, ET_STREAM_USER, 0, 0, rig->h, ROWS * WIDTH);
    for (size_t i = 0; i < ROWS; i++)
        rig->label[i] = (int32_t)(i % CLASSES);
}

static void rig_close(struct rig *rig)
{
    et__objective_close(&rig->objective);
    et_config_close(rig->config);
}

static double loss(struct rig *rig)
{
    return rig->objective.type->loss(rig->objective.state, 1, et_view_of(rig->h, ROWS, WIDTH),
                                     rig->label, et_view_of(rig->dh, ROWS, WIDTH));
}

/* dL/dh against (L(h + e) - L(h - e)) / 2e for every element. */
static void check_gradient(struct rig *rig, double tolerance)
{
    float analytic[ROWS * WIDTH];
    loss(rig);
    memcpy(analytic, rig->dh, sizeof analytic);
    for (size_t k = 0; k < ROWS * WIDTH; k++) {
        const float e = 1e-2F, at = rig->h[k];
        if (fabsf(at) < 2 * e) continue; /* |h| has a kink at 0 */
        rig->h[k] = at + e;
        double up = loss(rig);
        rig->h[k] = at - e;
        double down = loss(rig);
        rig->h[k] = at;
        assert_near((double)analytic[k], (up - down) / (2 * (double)e), tolerance);
    }
}

START_TEST(gradients_agree_with_differences)
{
    static const char *const objectives[] = {"local-ce", "phyll", "{type: hinton, peer: 0}"};
    struct rig rig;
    rig_open(&rig, objectives[_i]);
    check_gradient(&rig, _i == 2 ? 5e-3 : 5e-4);
    rig_close(&rig);
}
END_TEST

/* The gradient of local-ce's own head, too. */
START_TEST(head_gradient_agrees)
{
    struct rig rig;
    rig_open(&rig, "local-ce");
    loss(&rig);
    struct et_tensor *head = et__objective_tensor(&rig.objective, 1, 0);
    ck_assert_str_eq(head->name, "head");
    float analytic[CLASSES * WIDTH];
    memcpy(analytic, head->gradient, sizeof analytic);
    for (size_t k = 0; k < CLASSES * WIDTH; k++) {
        float at = head->value[k];
        head->value[k] = at + 1e-2F;
        double up = loss(&rig);
        head->value[k] = at - 1e-2F;
        double down = loss(&rig);
        head->value[k] = at;
        assert_near((double)analytic[k], (up - down) / 2e-2, 5e-4);
    }
    rig_close(&rig);
}
END_TEST

/* Equal activities for right and wrong labels: no contrast, L = log 2. */
START_TEST(phyll_without_contrast_is_log_two)
{
    struct rig rig;
    rig_open(&rig, "phyll");
    memcpy(rig.h + ROWS / 2 * WIDTH, rig.h, sizeof rig.h / 2);
    assert_near(loss(&rig), log(2.0), 1e-6);
    rig_close(&rig);
}
END_TEST

/* The goodness is a cosine: |h| along the vector gives 1, and signs do not matter. */
START_TEST(phyll_score_is_a_cosine)
{
    struct rig rig;
    float score[2] = {0, 0};
    rig_open(&rig, "phyll");
    const struct et_tensor *p = et__objective_tensor(&rig.objective, 1, 0);
    double dot = 0, norm = 0;
    for (size_t j = 0; j < WIDTH; j++) {
        rig.h[j] = -3 * fabsf(p->value[j]);
        rig.h[WIDTH + j] = 0;
        dot += fabs((double)p->value[j]) * (double)p->value[j];
        norm += (double)p->value[j] * (double)p->value[j];
    }
    rig.objective.type->score(rig.objective.state, 1, et_view_of(rig.h, 2, WIDTH),
                              et_view_of(score, 2, 1));
    assert_near((double)score[0], dot / norm, 1e-5);
    assert_near((double)score[1], 0, 1e-6); /* silence has no direction */
    assert_near(norm, 1, 1e-3);
    rig_close(&rig);
}
END_TEST

START_TEST(hinton_known_value)
{
    struct rig rig;
    rig_open(&rig, "{type: hinton, peer: 0}");
    for (size_t k = 0; k < ROWS * WIDTH; k++)
        rig.h[k] = 1; /* sum of squares = width: g = 0 */
    assert_near(loss(&rig), log(2.0), 1e-6);
    rig_close(&rig);
}
END_TEST

/* Peer normalisation pushes an overactive unit down and a silent one up. */
START_TEST(hinton_peer_evens_out)
{
    struct rig with, without;
    rig_open(&with, "{type: hinton, peer: 10}");
    rig_open(&without, "{type: hinton, peer: 0}");
    for (size_t r = 0; r < ROWS; r++)
        for (size_t j = 0; j < WIDTH; j++)
            with.h[r * WIDTH + j] = without.h[r * WIDTH + j] = j == 0 ? 3 : j == 1 ? 0 : 1;
    ck_assert(loss(&with) > loss(&without));
    ck_assert(with.dh[0] > without.dh[0]);
    ck_assert(with.dh[1] < without.dh[1]);
    rig_close(&with);
    rig_close(&without);
}
END_TEST

START_TEST(hinton_predicts_by_softmax_or_goodness)
{
    struct rig rig;
    float score[ROWS * CLASSES] = {0};
    rig_open(&rig, "hinton");
    ck_assert(rig.objective.type->neutral(rig.objective.state));
    /* The first of two stages is not read; the second has its classifier. */
    ck_assert_ptr_null(et__objective_tensor(&rig.objective, 0, 1));
    struct et_tensor *classifier = et__objective_tensor(&rig.objective, 1, 1);
    ck_assert_uint_eq(classifier->rows, CLASSES);
    classifier->value[WIDTH] = 1; /* class 1 likes unit 0 */
    rig.objective.type->score(rig.objective.state, 1, et_view_of(rig.h, ROWS, WIDTH),
                              et_view_of(score, ROWS, CLASSES));
    double rms = 0;
    for (size_t j = 0; j < WIDTH; j++)
        rms += (double)(rig.h[j] * rig.h[j]) / WIDTH;
    assert_near((double)score[1], (double)rig.h[0] / sqrt(rms), 1e-5);
    ck_assert(score[0] == 0);
    rig_close(&rig);
    rig_open(&rig, "{type: hinton, predict: goodness}");
    ck_assert(!rig.objective.type->neutral(rig.objective.state));
    rig_close(&rig);
}
END_TEST

START_TEST(cross_entropy_known_values)
{
    float logits[6] = {0, 0, 0, 1000, 0, -1000}; /* huge logits must not overflow */
    int32_t label[2] = {1, 0};
    double loss_value = et__cross_entropy(et_view_of(logits, 2, 3), label);
    assert_near(loss_value, log(3.0) / 2, 1e-6);
    static const float want[6] = {1.0F / 6, -1.0F / 3, 1.0F / 6, 0, 0, 0};
    assert_close(logits, want, 6, 0, 1e-6);
    assert_near(et__softplus(1000), 1000, 1e-9);
    assert_near(et__softplus(-1000), 0, 1e-9);
    assert_near(et__logistic(-1000), 0, 1e-9);
}
END_TEST

START_TEST(failed_allocations_leak_nothing)
{
    static const char *const objectives[] = {"local-ce", "phyll", "hinton"};
    static const size_t width[STAGES] = {WIDTH, WIDTH};
    struct et_objective_shape shape = {STAGES, CLASSES, width, ROWS, 5};
    struct rig rig;
    rig_open(&rig, objectives[_i]);
    enum et_status status = ET_NOMEM;
    for (size_t n = 1; status == ET_NOMEM; n++) {
        struct et__objective objective;
        et_alloc_fail_at(n);
        status = et__objective_open(&objective, et_config_at(rig.config, "objective", 0), &shape);
        et_alloc_fail_at(0);
        ck_assert(status == ET_OK || status == ET_NOMEM);
        et__objective_close(&objective);
        ck_assert_uint_lt(n, 100);
    }
    rig_close(&rig);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("objective");
    TCase *tests = tcase_create("objective");
    tcase_add_loop_test(tests, gradients_agree_with_differences, 0, 3);
    tcase_add_test(tests, head_gradient_agrees);
    tcase_add_test(tests, phyll_without_contrast_is_log_two);
    tcase_add_test(tests, phyll_score_is_a_cosine);
    tcase_add_test(tests, hinton_known_value);
    tcase_add_test(tests, hinton_peer_evens_out);
    tcase_add_test(tests, hinton_predicts_by_softmax_or_goodness);
    tcase_add_test(tests, cross_entropy_known_values);
    tcase_add_loop_test(tests, failed_allocations_leak_nothing, 0, 3);
    suite_add_tcase(suite, tests);
    return suite_result(suite);
}
