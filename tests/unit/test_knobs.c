/* SPDX-License-Identifier: Apache-2.0
 *
 * Knobs that learn: gradients by differences and by perturbation, what they learn against fixed
 * ones, interruption and resume, threads, evaluation, rules that the tables cannot express. */
#include "whole_run.h"

#include "knob_rig.h"

/* Digits through a matrix of few outputs: what it keeps of an image decides. */
static const char narrow[] =
    "experiment: narrow\n"
    "seeds: 1\n"
    "dataset: {type: digits, n: 1000, size: 8, noise: 0.1}\n"
    "features: {scale: none}\n"
    "layers:\n"
    "  - {system: {type: linear, n_in: 64, n_out: 6, tunable: true}, width: 10, normalise: "
    "length,\n"
    "     knobs: {train: vjp, optimiser: {rate: 0.02}}}\n"
    "method: {type: forward-forward, objective: local-ce, batch: 50, epochs: 15,\n"
    "         optimiser: {rate: 0.02, schedule: cosine}}\n"
    "controls: [random]\n"
    "variants:\n"
    "  - {name: fixed, set: [layers.0.knobs.train=none]}\n"
    "  - {name: spsa, set: [layers.0.knobs.train=spsa, layers.0.knobs.directions=8]}\n";

/* Two stages that share a device, each with knobs of its own, and everything that lies between
 * knobs and loss. */
static const char tiny[] =
    "experiment: tiny\n"
    "seeds: 1\n"
    "dataset: {type: rings, d: 3, n: 60}\n"
    "features: {scale: minmax, label: %s, slots: 3}\n"
    "layers:\n"
    "  -\n"
    "    {system: {type: disturb, output: {noise: 0.02}, system: {type: linear, n_in: 6, n_out: "
    "4,\n"
    "     tunable: true}}, drive: {map: unit-norm}, skip: true, normalise: length, dropout: 0.2,\n"
    "     activation: relu, width: 6, knobs: {train: %s, directions: 2}}\n"
    "  - {system: {type: disturb, output: {noise: 0.02}, system: {type: linear, n_in: 6, n_out: "
    "4,\n"
    "     tunable: true}}, drive: {map: unit-norm}, width: 5, knobs: {train: %s}}\n"
    "method: {type: forward-forward, objective: %s, batch: 16, epochs: 4, inner_steps: %d,\n"
    "         evaluate_every: 3}\n"
    "controls: [zeros]\n";

static const struct {
    const char *rule, *objective, *label;
    int inner_steps;
} kinds[] = {
    {"vjp", "local-ce", "prepend", 1},
    {"spsa", "local-ce", "prepend", 1},
    {"vjp", "phyll", "prepend", 3},
    {"spsa", "{type: hinton, predict: softmax}", "prepend", 2},
    {"vjp", "{type: hinton, predict: goodness}", "prepend", 1},
    {"teach", "local-ce", "prepend", 1},
    {"teach", "{type: hinton, predict: softmax}", "prepend", 1},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static const char *tiny_of(int kind)
{
    static char text[2048];
    snprintf(text, sizeof text, tiny, kinds[kind].label, kinds[kind].rule, kinds[kind].rule,
             kinds[kind].objective, kinds[kind].inner_steps);
    return text;
}

START_TEST(knobs_learn_what_fixed_ones_cannot)
{
    struct et_run_summary summary;
    assert_ok(run(narrow, NULL, false, NULL));
    assert_ok(et_run_summary_read(output, &summary));
    double vjp = summary.test.mean, fixed = control(&summary, "fixed")->test.mean;
    double spsa = control(&summary, "spsa")->test.mean;
    ck_assert_msg(vjp > fixed + 0.15, "vjp %.3f, fixed %.3f", vjp, fixed);
    ck_assert_msg(spsa > fixed + 0.05, "spsa %.3f, fixed %.3f", spsa, fixed);
    /* One pass for each training row and epoch, one for each row in the evaluation: a
     * vector-Jacobian product is none. */
    ck_assert_uint_eq(summary.device_passes, 15 * 800 + 1000);
    et_run_summary_destroy(&summary);
    assert_ok(run(narrow, "layers.0.knobs.train=spsa", false, NULL));
    assert_ok(et_run_summary_read(output, &summary));
    ck_assert_uint_eq(summary.device_passes, 15 * 3 * 800 + 1000);
    et_run_summary_destroy(&summary);
}
END_TEST

START_TEST(evaluation_repeats_the_answers)
{
    struct et_run_summary summary;
    struct et_evaluation evaluation;
    assert_ok(run(narrow, "variants=[]", false, NULL));
    assert_ok(et_run_summary_read(output, &summary));
    assert_ok(et_run_evaluate(output, NULL, 0, false, &evaluation));
    ck_assert(evaluation.test.mean == summary.test.mean);
    et_evaluation_destroy(&evaluation);
    /* On another device of the same knobs. */
    const char *other[] = {"layers.0.system={type: cache, system: {type: linear, n_in: 64, "
                           "n_out: 6, tunable: true}}"};
    assert_ok(et_run_evaluate(output, other, 1, false, &evaluation));
    ck_assert(evaluation.test.mean == summary.test.mean);
    et_evaluation_destroy(&evaluation);
    const char *smaller[] = {"layers.0.system={type: linear, n_in: 64, n_out: 5, tunable: true}"};
    assert_status(et_run_evaluate(output, smaller, 1, false, &evaluation), ET_FORMAT);
    et_run_summary_destroy(&summary);
}
END_TEST

START_TEST(resume_continues_bit_for_bit)
{
    resume_bit_for_bit(tiny_of(_i), 14);
}
END_TEST

START_TEST(threads_do_not_change_the_bytes)
{
    same_bytes_at_any_threads(tiny_of(_i));
}
END_TEST

/* ------------------------------------------------------------------------ gradients -- */

static const char *const stages[] = {
    "{system: {type: linear, n_in: 4, n_out: 5, tunable: true}, width: 6, activation: tanh, "
    "knobs: {train: vjp}}",
    "{system: {type: linear, n_in: 4, n_out: 5, tunable: true}, width: 6, normalise: length, "
    "skip: true, knobs: {train: vjp}}",
    "{system: {type: disturb, output: {noise: 0.1}, system: {type: linear, n_in: 4, n_out: 5, "
    "tunable: true}}, width: 6, normalise: length, dropout: 0.3, knobs: {train: vjp}}",
    "{system: {type: linear, n_in: 4, n_out: 5, tunable: true}, width: 6, output: minmax, "
    "drive: {map: unit-norm}, knobs: {train: vjp}}",
    "{system: {type: linear, n_in: 4, n_out: 5, tunable: true}, readout: none, skip: true, "
    "normalise: length, activation: tanh, dropout: 0.3, knobs: {train: vjp}}",
};

START_TEST(gradient_agrees_with_differences)
{
    struct rig rig;
    open_rig(&rig, stages[_i]);
    /* A fit that some values leave: they are clipped. */
    if (et__stage_fits_output(rig.stage)) {
        float raw[8 * 5];
        et_rng_fill_normal(3, ET_STREAM_USER, 0, 0, raw, 8 * 5);
        for (size_t i = 0; i < 8 * 5; i++)
            raw[i] *= 0.3F;
        assert_ok(et__stage_fit_output(rig.stage, et_view_of(raw, 8, 5), NULL, 8));
    }
    gradient_of(&rig);
    struct et_tensor *knobs = &rig.stage->knobs.value;
    double largest = 0;
    for (size_t j = 0; j < knobs->cols; j++)
        largest = fmax(largest, fabs((double)knobs->gradient[j]));
    ck_assert(largest > 1e-3);
    for (size_t j = 0; j < knobs->cols; j++) {
        float at = knobs->value[j];
        knobs->value[j] = at + 2e-3F;
        double up = loss_of(&rig);
        knobs->value[j] = at - 2e-3F;
        double down = loss_of(&rig);
        knobs->value[j] = at;
        assert_near((double)knobs->gradient[j], (up - down) / 4e-3, 0.02 * largest);
    }
    close_rig(&rig);
}
END_TEST

/* Many random directions add up to the gradient. */
START_TEST(perturbation_estimates_the_gradient)
{
    struct rig vjp, spsa;
    open_rig(&vjp, "{system: {type: linear, n_in: 4, n_out: 3, tunable: true}, width: 6, "
                   "knobs: {train: vjp}}");
    gradient_of(&vjp);
    open_rig(&spsa, "{system: {type: linear, n_in: 4, n_out: 3, tunable: true}, width: 6, "
                    "knobs: {train: spsa, directions: 2000, step: 0.01}}");
    assert_ok(et__knobs_probe(&spsa.trainer, 0, spsa.h));
    const float *a = vjp.stage->knobs.value.gradient, *b = spsa.stage->knobs.value.gradient;
    double away = 0, size = 0;
    for (size_t j = 0; j < 12; j++) {
        away += pow((double)a[j] - (double)b[j], 2);
        size += pow((double)a[j], 2);
    }
    /* Each estimate has the variance of the other n - 1 parts: (n - 1) / K of the square. */
    ck_assert_msg(sqrt(away / size) < 0.15, "relative distance %.3f", sqrt(away / size));
    close_rig(&spsa);
    close_rig(&vjp);
}
END_TEST

/* Afterwards the device has its own knobs again, and the statistics that the objective keeps are
 * those of before, which any other loss moves. */
START_TEST(a_probe_leaves_no_traces)
{
    struct rig rig;
    open_rig_for(&rig,
                 "{system: {type: linear, n_in: 6, n_out: 5, tunable: true}, width: 6, drive: "
                 "{map: unit-norm}, knobs: {train: spsa, step: 0.3}}",
                 "{type: hinton, predict: goodness}");
    struct et_tensor *mean = et__objective_tensor(rig.trainer.objective, 0, 0);
    ck_assert(mean != NULL && mean->gradient == NULL && mean->cols == 6);
    loss_of(&rig);
    float kept[6], outputs[ROWS * 5];
    memcpy(kept, mean->value, sizeof kept);
    assert_ok(et__knobs_probe(&rig.trainer, 0, rig.h));
    ck_assert_mem_eq(mean->value, kept, sizeof kept);
    loss_now(&rig);
    memcpy(outputs, rig.stage->a.data, sizeof outputs);
    ck_assert(memcmp(mean->value, kept, sizeof kept) != 0);
    loss_of(&rig);
    ck_assert_mem_eq(outputs, rig.stage->a.data, sizeof outputs);
    close_rig(&rig);
}
END_TEST

/* Knobs that hardly move: what differs between the two sides is the noise of each pass. */
START_TEST(every_probe_has_noise_of_its_own)
{
    struct rig rig;
    open_rig(&rig, "{system: {type: disturb, output: {noise: 0.2}, system: {type: linear, n_in: 4, "
                   "n_out: 3, tunable: true}}, width: 6, knobs: {train: spsa, step: 1e-5}}");
    assert_ok(et__knobs_probe(&rig.trainer, 0, rig.h));
    /* A loss of order 1 cannot have such a slope. */
    ck_assert(fabs((double)rig.stage->knobs.value.gradient[0]) > 100);
    close_rig(&rig);
}
END_TEST

/* Equal systems are one device, unless one stage teaches it and the other takes it as it is. */
START_TEST(only_stages_that_learn_share_a_device)
{
#define LAYER(train)                                                                               \
    "{system: {type: linear, n_in: 4, n_out: 4, tunable: true}, width: 4, knobs: {train: " train   \
    "}}"
    struct rig rig;
    open_rig(&rig, LAYER("vjp") ", " LAYER("spsa"));
    ck_assert_ptr_eq(rig.stage[0].system, rig.stage[1].system);
    close_rig(&rig);
    open_rig(&rig, LAYER("vjp") ", " LAYER("none"));
    ck_assert_ptr_ne(rig.stage[0].system, rig.stage[1].system);
    close_rig(&rig);
}
END_TEST

/* Knobs never leave the legal range, also not while they are probed. */
START_TEST(knobs_stay_in_their_range)
{
    struct rig rig;
    open_rig(&rig, "{system: {type: linear, n_in: 4, n_out: 3, tunable: true}, width: 6, "
                   "knobs: {train: spsa, step: 0.5, optimiser: {rate: 1}}}");
    struct et__knobs *k = &rig.stage->knobs;
    k->lo = -0.25F;
    k->hi = 0.3F;
    for (uint64_t n = 1; n < 4; n++) {
        assert_ok(et__knobs_probe(&rig.trainer, 0, rig.h));
        for (size_t j = 0; j < 24; j++)
            ck_assert(k->shifted[j] >= k->lo && k->shifted[j] <= k->hi);
        assert_ok(et__knobs_update(&rig.trainer, 0, 0, n));
        for (size_t j = 0; j < 12; j++)
            ck_assert(k->value.value[j] >= k->lo && k->value.value[j] <= k->hi);
    }
    k->value.gradient[5] = NAN;
    assert_status(et__knobs_update(&rig.trainer, 0, 0, 4), ET_NUMERIC);
    assert_message("knob 5 of layer 0");
    /* A seed begins with what the system opened with, and with no memory of steps. */
    et__knobs_reset(rig.stage);
    for (size_t j = 0; j < 12; j++) {
        ck_assert(k->value.value[j] == k->initial[j]);
        ck_assert(k->value.moment1[j] == 0 && k->value.moment2[j] == 0);
    }
    close_rig(&rig);
}
END_TEST

static const struct {
    const char *set, *message;
} broken[] = {
    {"layers.0.system={type: random, n_in: 64, n_out: 6}", "'random' has no knobs to train"},
    {"layers.0={width: 3, knobs: {train: vjp}}", "a digital layer has no knobs"},
    {"layers.0={system: {type: linear, n_in: 64, n_out: 6, tunable: true}, binary: {rule: ste}, "
     "knobs: {train: spsa}}",
     "are its weights"},
    {"layers.0.system={type: bnn-layer, n_in: 64, n_out: 6}",
     "no vector-Jacobian product: use spsa"},
    {"method.schedule=greedy", "the knobs of layer 0 learn"},
    {"method={type: backprop, objective: local-ce}", "layer 0 is none"},
    {"layers.0.knobs.step=0", "step"},
    {"layers.0={system: {type: linear, n_in: 64, n_out: 6}, readout: none, width: 3}",
     "there are 6 outputs"},
};

START_TEST(broken_rules_are_configuration_errors)
{
    struct et_experiment *experiment;
    const char *sets[] = {"variants=[]", broken[_i].set};
    write_experiment(narrow);
    enum et_status status = et_experiment_load(experiment_path, sets, 2, &experiment);
    if (status == ET_OK) {
        struct et_run_options options = {.output = output};
        status = et_experiment_run(experiment, &options);
        et_experiment_close(experiment);
    }
    assert_status(status, ET_CONFIG);
    assert_message(broken[_i].message);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("knobs");
    TCase *tests = tcase_create("knobs"), *gradients = tcase_create("gradients");
    tcase_add_checked_fixture(tests, make_folder, remove_folder);
    tcase_set_timeout(tests, 0);
    tcase_add_test(tests, knobs_learn_what_fixed_ones_cannot);
    tcase_add_test(tests, evaluation_repeats_the_answers);
    tcase_add_loop_test(tests, resume_continues_bit_for_bit, 0, KINDS);
    tcase_add_loop_test(tests, threads_do_not_change_the_bytes, 0, KINDS);
    tcase_add_loop_test(tests, broken_rules_are_configuration_errors, 0,
                        (int)(sizeof broken / sizeof *broken));
    tcase_add_loop_test(gradients, gradient_agrees_with_differences, 0,
                        (int)(sizeof stages / sizeof *stages));
    tcase_add_test(gradients, perturbation_estimates_the_gradient);
    tcase_add_test(gradients, a_probe_leaves_no_traces);
    tcase_add_test(gradients, every_probe_has_noise_of_its_own);
    tcase_add_test(gradients, only_stages_that_learn_share_a_device);
    tcase_add_test(gradients, knobs_stay_in_their_range);
    suite_add_tcase(suite, gradients);
    suite_add_tcase(suite, tests);
    return suite_result(suite);
}
