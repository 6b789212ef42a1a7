/* SPDX-License-Identifier: Apache-2.0
 *
 * Spike-timing-dependent plasticity against the closed form of its windows. */
#include "spiking_rig.h"

enum { STEPS = 21, STRONG = 10 };

/* Two inputs with a spike each; the second makes the target fire in the same step. */
static void open_pair(struct rig *rig, size_t t_source, size_t t_target)
{
    struct et__spk_population *p;
    memset(rig, 0, sizeof *rig);
    assert_ok(et__spk_begin(&rig->net, 1e-3, STEPS, 2, 1, 1));
    rig->net.encoder.kind = ET__SPK_LATENCY;
    rig->net.output = 1;
    assert_ok(et__spk_add_population(&rig->net, "target", ET__SPK_LIF, 1, 1, 1, &p));
    p->drive = ET__SPK_KICK;
    p->reset = ET__SPK_HARD;
    rig_project(rig, ET__SPK_DENSE, 0, 1, 0, false, 0);
    rig->net.projection[0].weight[1] = STRONG;
    assert_ok(et__spk_finish(&rig->net));
    rig->learning = (struct et__spk_learning){.rule = ET__SPK_STDP,
                                              .plasticity = {.tau_plus = 5e-3,
                                                             .tau_minus = 8e-3,
                                                             .tau_x = 0.1,
                                                             .tau_y = 0.1,
                                                             .a2_plus = 0.7,
                                                             .a2_minus = 0.3}};
    rig->rows = 1;
    rig->n_in = 2;
    rig->x[0] = 1 - (float)t_source / (STEPS - 1);
    rig->x[1] = 1 - (float)t_target / (STEPS - 1);
}

START_TEST(test_pair_window)
{
    struct rig rig;
    float dknobs[2];
    size_t t_source = 10, t_target = (size_t)_i;
    double lag = 1e-3 * ((double)t_target - (double)t_source);
    open_pair(&rig, t_source, t_target);
    rig_teach(&rig, dknobs, NULL);
    double want = lag >= 0 ? -0.7 * exp(-lag / 5e-3) : 0.3 * exp(lag / 8e-3);
    assert_near((double)dknobs[0], want, 1e-6);
    assert_near((double)dknobs[1], -0.7, 1e-6);
    rig_close(&rig);
}
END_TEST

/* The reward of a pass is known at its end: R[t] = -c[t] y[t] in the step of the target's spike,
 * where the change happens too, so the eligibility has not decayed yet; without a reward after it
 * the change is R times that of the pair. */
START_TEST(test_reward)
{
    struct rig rig;
    float dknobs[2];
    open_pair(&rig, 10, 12);
    rig.learning.plasticity.tau_eligibility = 4e-3;
    rig_teach(&rig, dknobs, NULL);
    double reward = -(double)rig_c(&rig, 12, 0, 0);
    assert_near((double)dknobs[0], -0.7 * exp(-2.0 / 5) * reward, 1e-6);
    ck_assert(fabs(reward) > 0.1);
    rig_close(&rig);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stdp");
    TCase *all = tcase_create("all");
    tcase_add_loop_test(all, test_pair_window, 2, 19);
    tcase_add_test(all, test_reward);
    suite_add_tcase(suite, all);
    return suite_result(suite);
}
