/* SPDX-License-Identifier: Apache-2.0
 *
 * Learning rules that follow a loss: the whole gradient against differences of a smooth neuron, the
 * cut ones against the whole where they agree. */
#include "spiking_rig.h"

#include <etalon/parallel.h>

enum { KNOBS_MAX = 256 };

/* ------------------------------------------------------------- bptt against differences -- */

static const struct rig_plan smooth_plans[] = {
    {.hidden = ET__SPK_LIF, .output = ET__SPK_LI},
    {.hidden = ET__SPK_LIF, .output = ET__SPK_LIF, .recurrent = true, .bias = true},
    {.hidden = ET__SPK_LIF, .output = ET__SPK_LIF, .reset = ET__SPK_HARD, .recurrent = true},
    {.hidden = ET__SPK_LIF, .output = ET__SPK_LIF, .reset = ET__SPK_KEEP, .second = 1},
    {.hidden = ET__SPK_IF, .output = ET__SPK_LI, .readout = ET__SPK_LAST, .delay = 2},
    {.hidden = ET__SPK_CUBA_LIF, .output = ET__SPK_CUBA_LI, .recurrent = true},
    {.hidden = ET__SPK_CUBA_LIF,
     .output = ET__SPK_LIF,
     .reset = ET__SPK_HARD,
     .integrator = ET__SPK_EULER,
     .readout = ET__SPK_MEMBRANE},
    {.hidden = ET__SPK_ALIF, .output = ET__SPK_LI, .recurrent = true, .delay = 1},
    {.hidden = ET__SPK_ALIF, .output = ET__SPK_ALIF, .reset = ET__SPK_HARD, .bias = true},
    {.hidden = ET__SPK_LIF, .output = ET__SPK_RELAY, .encoding = ET__SPK_FRAMES, .bias = true},
    {.hidden = ET__SPK_ALIF,
     .output = ET__SPK_LIF,
     .encoding = ET__SPK_FRAMES,
     .delay = 3,
     .readout = ET__SPK_MEMBRANE,
     .second = 1,
     .recurrent = true},
};
enum { N_SMOOTH = sizeof smooth_plans / sizeof *smooth_plans };

/* dloss/d(*number) by differences over 2 h and 4 h, whose errors of order h^2 cancel. */
static double difference(struct rig *rig, float *number, float *knobs)
{
    const float h = 1.5e-2F, kept = *number;
    double loss[4];
    for (int i = 0; i < 4; i++) {
        *number = kept + (i < 2 ? h : 2 * h) * (i % 2 == 0 ? 1 : -1);
        if (knobs != NULL) et__spk_put_knobs(&rig->net, knobs);
        loss[i] = rig_teach(rig, NULL, NULL);
    }
    *number = kept;
    if (knobs != NULL) et__spk_put_knobs(&rig->net, knobs);
    double near = (loss[0] - loss[1]) / (2 * (double)h),
           far = (loss[2] - loss[3]) / (4 * (double)h);
    return (4 * near - far) / 3;
}

/* Losses of size 10 in single precision (`last`: T times as large), over 2 h = 0.03: 2e-4. */
static void compare(const struct rig *rig, double got, double want, const char *what, size_t i)
{
    double size = rig->net.readout == ET__SPK_LAST ? RIG_STEPS : 1;
    ck_assert_msg(fabs(got - want) <= 5e-4 * fabs(want) + 1e-3 * size,
                  "%s %zu: %.7g, differences %.7g", what, i, got, want);
}

START_TEST(test_bptt_against_differences)
{
    struct rig rig;
    struct rig_plan plan = smooth_plans[_i];
    plan.smooth = true;
    rig_open(&rig, plan, ET__SPK_BPTT);
    float knobs[KNOBS_MAX], dknobs[KNOBS_MAX], dx[RIG_ROWS * RIG_IN * RIG_STEPS];
    ck_assert_uint_le(rig.net.n_knobs, KNOBS_MAX);
    et__spk_take_knobs(&rig.net, knobs);
    rig_teach(&rig, dknobs, dx);
    double size = 0;
    for (size_t i = 0; i < rig.net.n_knobs; i++) {
        compare(&rig, (double)dknobs[i], difference(&rig, &knobs[i], knobs), "knob", i);
        size += fabs((double)dknobs[i]);
    }
    ck_assert(size > 1);
    for (size_t i = 0; i < rig.rows * rig.n_in; i++)
        compare(&rig, (double)dx[i], difference(&rig, &rig.x[i], NULL), "input", i);
    rig_close(&rig);
}
END_TEST

/* ------------------------------------------------------------------------ sltt and bptt -- */

static void gradients(struct rig_plan plan, enum et__spk_rule rule, size_t steps, float *dknobs,
                      float *dx)
{
    struct rig rig;
    rig_open(&rig, plan, rule);
    rig.net.steps = steps;
    rig_teach(&rig, dknobs, dx);
    rig_close(&rig);
}

static bool same(const float *a, const float *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (a[i] != b[i]) return false;
    return true;
}

static const struct rig_plan rule_plans[] = {
    {.hidden = ET__SPK_LIF, .output = ET__SPK_LIF, .second = 1, .bias = true},
    {.hidden = ET__SPK_LIF,
     .output = ET__SPK_LI,
     .reset = ET__SPK_HARD,
     .second = 1,
     .encoding = ET__SPK_FRAMES,
     .readout = ET__SPK_MEMBRANE},
    {.hidden = ET__SPK_IF, .output = ET__SPK_RELAY, .encoding = ET__SPK_FRAMES},
    {.hidden = ET__SPK_LIF,
     .output = ET__SPK_LIF,
     .encoding = ET__SPK_POISSON,
     .readout = ET__SPK_MEMBRANE},
};
enum { N_PLANS = sizeof rule_plans / sizeof *rule_plans };

START_TEST(test_sltt_is_bptt_for_one_step)
{
    float a[KNOBS_MAX], b[KNOBS_MAX],
        dx_a[RIG_ROWS * RIG_IN * RIG_STEPS] = {0}, dx_b[RIG_ROWS * RIG_IN * RIG_STEPS] = {0};
    gradients(rule_plans[_i], ET__SPK_SLTT, 1, a, dx_a);
    gradients(rule_plans[_i], ET__SPK_BPTT, 1, b, dx_b);
    ck_assert(same(a, b, RIG_IN * RIG_HIDDEN));
    ck_assert(same(dx_a, dx_b, RIG_ROWS * RIG_IN));
    gradients(rule_plans[_i], ET__SPK_BPTT, RIG_STEPS, b, dx_b);
    ck_assert(!same(a, b, RIG_IN * RIG_HIDDEN));
}
END_TEST

/* Euler steps with dt = tau forget everything: what remains is each step by itself. */
START_TEST(test_sltt_is_bptt_without_decay)
{
    float a[KNOBS_MAX], b[KNOBS_MAX], c[KNOBS_MAX], dx[2][RIG_ROWS * RIG_IN * RIG_STEPS];
    struct rig_plan plan = rule_plans[_i];
    struct rig rig;
    if (plan.hidden == ET__SPK_IF) plan.hidden = ET__SPK_LIF;
    plan.integrator = ET__SPK_EULER;
    plan.tau = 1e-3;
    rig_open(&rig, plan, ET__SPK_BPTT);
    size_t n = rig.net.n_knobs, n_x = rig.rows * rig.n_in;
    assert_near((double)rig.net.population[1].coefficient[ET__SPK_M][0], 0, 1e-7);
    rig_teach(&rig, b, dx[1]);
    rig_close(&rig);
    gradients(plan, ET__SPK_SLTT, RIG_STEPS, a, dx[0]);
    assert_close(a, b, n, 1e-6, 1e-6);
    assert_close(dx[0], dx[1], n_x, 1e-6, 1e-6);
    gradients(plan, ET__SPK_OTTT, RIG_STEPS, c, dx[0]);
    assert_close(c, b, n, 1e-6, 1e-6);
    plan.tau = 4e-3;
    gradients(plan, ET__SPK_SLTT, RIG_STEPS, a, dx[0]);
    gradients(plan, ET__SPK_BPTT, RIG_STEPS, b, dx[1]);
    ck_assert(!same(a, b, RIG_IN * RIG_HIDDEN));
}
END_TEST

/* The mean over many passes of K steps, each T / K times, is the gradient of all steps; a single
 * pass is that of no more than K steps. */
START_TEST(test_sltt_k)
{
    enum { PASSES = 3000 };
    struct rig rig;
    float all[KNOBS_MAX], some[KNOBS_MAX];
    double mean[KNOBS_MAX] = {0};
    rig_open(&rig, rule_plans[0], ET__SPK_SLTT);
    size_t n = rig.net.n_knobs;
    rig_teach(&rig, all, NULL);
    rig.learning.rule = ET__SPK_SLTT_K;
    for (uint32_t i = 0; i < PASSES; i++) {
        struct et_step step = {.seed = 9, .index = i};
        struct et_teacher teacher = {rig_judge, &rig};
        memset(some, 0, sizeof some);
        assert_ok(et__spk_teach(&rig.lesson, &rig.net, &rig.learning, &step,
                                et_view_of(rig.x, rig.rows, rig.n_in), &teacher,
                                et_view_of(NULL, rig.rows, rig.n_in), some));
        for (size_t k = 0; k < n; k++)
            mean[k] += (double)some[k] / PASSES;
    }
    double error = 0, size = 0;
    for (size_t k = 0; k < n; k++) {
        error += pow(mean[k] - (double)all[k], 2);
        size += pow((double)all[k], 2);
    }
    ck_assert_msg(sqrt(error / size) < 0.05, "%g", sqrt(error / size));
    ck_assert(!same(some, all, n));
    rig.learning.k = RIG_STEPS;
    rig_teach(&rig, some, NULL);
    ck_assert(same(some, all, n));
    rig_close(&rig);
}
END_TEST

/* ------------------------------------------------------------------------ e-prop, memory -- */

/* One hidden layer without recurrence: what e-prop leaves out is not there, but for the reset. */
START_TEST(test_eprop_is_bptt_without_recurrence)
{
    static const struct rig_plan plans[] = {
        {.hidden = ET__SPK_LIF, .output = ET__SPK_LI},
        {.hidden = ET__SPK_ALIF, .output = ET__SPK_LI, .bias = true, .encoding = ET__SPK_FRAMES},
    };
    struct rig_plan plan = plans[_i];
    struct rig rig;
    float whole[KNOBS_MAX], local[KNOBS_MAX];
    rig_open(&rig, plan, ET__SPK_BPTT);
    rig.learning.through_reset = false;
    size_t n = rig.net.n_knobs;
    rig_teach(&rig, whole, NULL);
    rig.learning.rule = ET__SPK_EPROP;
    rig_teach(&rig, local, NULL);
    assert_close(local, whole, n, 1e-6, 1e-6);
    rig_close(&rig);
    plan.recurrent = true;
    rig_open(&rig, plan, ET__SPK_BPTT);
    rig.learning.through_reset = false;
    rig_teach(&rig, whole, NULL);
    rig.learning.rule = ET__SPK_EPROP;
    rig_teach(&rig, local, NULL);
    ck_assert(!same(local, whole, n));
    rig_close(&rig);
}
END_TEST

/* Memory of sltt does not know how many steps there are; that of bptt does. */
START_TEST(test_memory)
{
    size_t bytes[2][2];
    for (size_t k = 0; k < 4; k++) {
        struct rig rig;
        rig_open(&rig, rule_plans[0], k / 2 == 0 ? ET__SPK_SLTT : ET__SPK_BPTT);
        rig.net.steps = k % 2 == 0 ? 4 : 100;
        assert_ok(et__spk_lesson_prepare(&rig.lesson, &rig.net, &rig.learning, RIG_ROWS));
        bytes[k / 2][k % 2] = rig.lesson.bytes;
        rig_close(&rig);
    }
    ck_assert_uint_eq(bytes[0][0], bytes[0][1]);
    /* 96 steps of the potentials of 15 neurons and of the judgements of 3, in single precision. */
    ck_assert_uint_eq(bytes[1][1] - bytes[1][0], 96 * RIG_ROWS * (15 + 3) * sizeof(float));
}
END_TEST

/* ---------------------------------------------------------------------- threads, memory -- */

static const enum et__spk_rule rules[] = {ET__SPK_SLTT, ET__SPK_SLTT_K, ET__SPK_BPTT, ET__SPK_OTTT,
                                          ET__SPK_EPROP};

START_TEST(test_threads)
{
    float one[KNOBS_MAX], two[KNOBS_MAX], dx[2][RIG_ROWS * RIG_IN * RIG_STEPS];
    struct rig_plan plan = rule_plans[3];
    plan.recurrent = true;
    for (size_t k = 0; k < 2; k++) {
        et_parallel_set_threads(1);
        gradients(plan, rules[_i], RIG_STEPS, one, dx[0]);
        et_parallel_set_threads(2);
        gradients(plan, rules[_i], RIG_STEPS, two, dx[1]);
        ck_assert(same(one, two, RIG_IN * RIG_HIDDEN));
        ck_assert_mem_eq(dx[0], dx[1], RIG_ROWS * RIG_IN * sizeof(float));
        plan = rule_plans[0];
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("spiking_learn");
    TCase *all = tcase_create("all");
    tcase_add_loop_test(all, test_bptt_against_differences, 0, N_SMOOTH);
    tcase_add_loop_test(all, test_sltt_is_bptt_for_one_step, 0, N_PLANS);
    tcase_add_loop_test(all, test_sltt_is_bptt_without_decay, 0, N_PLANS);
    tcase_add_test(all, test_sltt_k);
    tcase_add_loop_test(all, test_eprop_is_bptt_without_recurrence, 0, 2);
    tcase_add_test(all, test_memory);
    tcase_add_loop_test(all, test_threads, 0, sizeof rules / sizeof *rules);
    suite_add_tcase(suite, all);
    return suite_result(suite);
}
