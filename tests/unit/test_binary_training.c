/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole trainings of binary layers: what they learn against their controls, interruption and
 * resume, threads, failing allocations, rules that the tables cannot express. */
#include "whole_run.h"

/* Small digits on an ideal device: three layers of bits and one of classes. */
static const char digits[] =
    "experiment: bits\n"
    "seeds: 1\n"
    "dataset: {type: digits, n: 1500, noise: 0.1}\n"
    "features: {scale: none}\n"
    "layers:\n"
    "  - {system: {type: linear, n_in: 256, n_out: 64, tunable: true},\n"
    "     binary: {rule: ste, in_bits: 2}}\n"
    "  - {system: {type: linear, n_in: 64, n_out: 64, tunable: true}, binary: {rule: ste}}\n"
    "  - {system: {type: linear, n_in: 64, n_out: 10, tunable: true},\n"
    "     binary: {rule: ste, role: classes}}\n"
    "method: {type: forward-forward, objective: {type: local-ce, predict: sum}, batch: 50,\n"
    "         epochs: 8, optimiser: {rate: 3e-3, schedule: cosine}}\n"
    "controls: [linear, random]\n"
    "variants:\n"
    "  - {name: frozen, set: [layers.0.binary.freeze=true, layers.1.binary.freeze=true]}\n"
    "  - {name: backprop, set: [\"method={type: backprop, objective: local-ce, batch: 50,\n"
    "     epochs: 8, optimiser: {rate: 3e-3, schedule: cosine}}\"]}\n";

/* The same kind in tiny, for a rule and an objective. */
static const char tiny[] =
    "experiment: tiny\n"
    "seeds: 1\n"
    "dataset: {type: digits, n: 60, size: 8}\n"
    "features: {scale: none, shake: 1}\n"
    "layers:\n"
    "  - {system: {type: linear, n_in: %d, n_out: 16, tunable: true}, binary: {rule: %s}}\n"
    "  - {system: {type: linear, n_in: 16, n_out: 16, tunable: true}, binary: {rule: %s}}\n"
    "  - {system: {type: linear, n_in: 16, n_out: 16, tunable: true}, binary: {rule: %s}}\n"
    "method: {type: %s, objective: %s, batch: 10, epochs: 4, evaluate_every: 3}\n"
    "controls: []\n";

static const struct {
    const char *rule, *method, *objective;
    int n_in;
} kinds[] = {
    {"ste", "forward-forward", "local-ce", 64},
    {"biper", "forward-forward", "local-ce", 64},
    {"ste", "forward-forward", "phyll", 74},
    {"biper", "forward-forward", "{type: hinton, predict: softmax}", 74},
    {"ste", "forward-forward", "{type: hinton, predict: goodness}", 74},
    {"ste", "backprop", "local-ce", 64},
    {"biper", "backprop", "phyll", 74},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static const char *tiny_of(int kind)
{
    static char text[2048];
    const char *rule = kinds[kind].rule;
    snprintf(text, sizeof text, tiny, kinds[kind].n_in, rule, rule, rule, kinds[kind].method,
             kinds[kind].objective);
    return text;
}

START_TEST(bits_learn_and_their_controls_do_not)
{
    struct et_run_summary summary;
    assert_ok(run(digits, NULL, false, NULL));
    assert_ok(et_run_summary_read(output, &summary));
    const struct et_control_result *frozen = control(&summary, "frozen");
    const struct et_control_result *backprop = control(&summary, "backprop");
    ck_assert_msg(summary.test.mean > 0.85, "network %.3f", summary.test.mean);
    ck_assert_msg(summary.integer.mean > 0.75, "integers %.3f", summary.integer.mean);
    ck_assert_msg(frozen->test.mean < summary.test.mean - 0.03, "frozen %.3f, network %.3f",
                  frozen->test.mean, summary.test.mean);
    ck_assert_msg(frozen->integer.mean < summary.integer.mean - 0.1, "frozen %.3f, integers %.3f",
                  frozen->integer.mean, summary.integer.mean);
    ck_assert_msg(fabs(backprop->test.mean - summary.test.mean) < 0.06, "backprop %.3f, local %.3f",
                  backprop->test.mean, summary.test.mean);
    /* One pass per layer for each training row and epoch, and one for each row in the evaluation
     * at the end: no more. */
    ck_assert_uint_eq(summary.device_passes, 3 * (8 * 1200 + 1500));
    ck_assert_uint_eq(strlen(summary.weights), 16);
    et_run_summary_destroy(&summary);
}
END_TEST

/* Evaluated once more the answers are the same, also with a disturbed but noiseless device; without
 * the training rows there are fewer passes. */
START_TEST(evaluation_repeats_the_answers)
{
    struct et_run_summary summary;
    struct et_evaluation evaluation;
    assert_ok(run(digits, "variants=[]", false, NULL));
    assert_ok(et_run_summary_read(output, &summary));
    const char *other[] = {"layers.1.system={type: disturb, system: {type: linear, n_in: 64, "
                           "n_out: 64, tunable: true}}"};
    for (size_t k = 0; k < 2; k++) {
        assert_ok(et_run_evaluate(output, other, k, false, &evaluation));
        ck_assert(evaluation.test.mean == summary.test.mean);
        ck_assert(evaluation.integer.mean == summary.integer.mean);
        size_t right = 0;
        for (size_t i = 0; i < evaluation.n_samples; i++)
            right += evaluation.answer[evaluation.n_rows + i] >= 0;
        ck_assert_uint_eq(right, 300);
        et_evaluation_destroy(&evaluation);
    }
    assert_ok(run(digits, "method.evaluate_training=false", false, NULL));
    et_run_summary_destroy(&summary);
    assert_ok(et_run_summary_read(output, &summary));
    ck_assert_uint_eq(summary.device_passes, 3 * (8 * 1200 + 300));
    ck_assert(isnan(summary.train.mean));
    et_run_summary_destroy(&summary);
}
END_TEST

START_TEST(resume_continues_bit_for_bit)
{
    resume_bit_for_bit(tiny_of(_i), 20);
}
END_TEST

START_TEST(threads_do_not_change_the_bytes)
{
    same_bytes_at_any_threads(tiny_of(_i));
}
END_TEST

/* The first half of the epochs of BiPer asks no device. */
START_TEST(biper_begins_in_software)
{
    struct et_run_summary summary;
    assert_ok(run(tiny_of(1), "method.evaluate_every=0", false, NULL));
    assert_ok(et_run_summary_read(output, &summary));
    ck_assert_uint_eq(summary.device_passes, 3 * (2 * 48 + 60));
    et_run_summary_destroy(&summary);
}
END_TEST

/* The weights that come out depend on the integers alone, not on what counted them: an ideal
 * matrix, the accelerator's packed kernels, or its functional model behind the driver. */
START_TEST(any_device_gives_the_same_weights)
{
    /* Type, then what follows the sizes. */
    static const char *const systems[][2] = {
        {"linear", "tunable: true"},
        {"bnn-layer", "device: software"},
        {"bnn-layer", "device: \"model:config=8x16\""},
    };
    static const size_t n_in[] = {64, 16, 16};
    char first[17] = "";
    for (size_t k = 0; k < 3; k++) {
        char set[3][160];
        const char *sets[3];
        for (size_t l = 0; l < 3; l++) {
            snprintf(set[l], sizeof set[l],
                     "layers.%zu.system={type: %s, n_in: %zu, n_out: 16, %s}", l, systems[k][0],
                     n_in[l], systems[k][1]);
            sets[l] = set[l];
        }
        struct et_experiment *experiment;
        write_experiment(tiny_of(_i));
        assert_ok(et_experiment_load(experiment_path, sets, 3, &experiment));
        struct et_run_options options = {.output = output};
        assert_ok(et_experiment_run(experiment, &options));
        et_experiment_close(experiment);
        struct et_run_summary summary;
        assert_ok(et_run_summary_read(output, &summary));
        if (k == 0) memcpy(first, summary.weights, sizeof first);
        ck_assert_str_eq(summary.weights, first);
        et_run_summary_destroy(&summary);
    }
}
END_TEST

struct rule {
    int kind;
    const char *set, *message;
};

static const struct rule broken[] = {
    {0, "layers.0.system={type: linear, n_in: 64, n_out: 16}", "whose knobs are its 16 x 64"},
    {0,
     "layers.0={system: {type: bnn-layer, n_in: 64, n_out: 16}, binary: {rule: ste, in_bits: 2}}",
     "2 planes reach from -3 to 3"},
    {0, "layers.1.system={type: random, n_in: 16, n_out: 16}", "whose knobs are its"},
    {0, "layers.1.binary.role=classes", "only the last layer"},
    {0, "layers.2.binary.role=classes", "16 outputs for 10 classes"},
    {2, "layers.2.binary.role=classes", "without contrast"},
    {0, "layers.1.drive.map=unit-norm", "are bits"},
    {0, "layers.1.output=zscore", "no digital readout"},
    {0, "layers.1.activation=relu", "no digital readout"},
    {0, "layers.1.skip=true", "no digital readout"},
    {0, "layers.1.dropout=0.5", "no digital readout"},
    {0, "layers.1.normalise=length", "no digital readout"},
    {0, "layers.1.width=17", "17 is not the 16 outputs"},
    {0, "layers.1.system.n_in=17", "16 activities enter a system of 17"},
    {0, "layers.1={binary: {rule: ste}}", "needs a system"},
    {0, "layers.1={activation: relu}", "at least 1 output"},
    {0, "method.schedule=greedy", "use joint"},
    {0, "method.inner_steps=2", "use 1"},
    {0, "features.image_width=7", "no image of 7 pixels"},
    {2, "features.label=replace", "would move with it"},
    {5, "layers.1={width: 16}", "layer 1 is none"},
    {3, "method.type=backprop", "forward-forward alone"},
};

START_TEST(broken_rules_are_configuration_errors)
{
    enum et_status status = run(tiny_of(broken[_i].kind), broken[_i].set, false, NULL);
    assert_status(status, ET_CONFIG);
    assert_message(broken[_i].message);
}
END_TEST

/* Every allocation of a run fails once: a clean error, no leak. */
START_TEST(failed_allocations)
{
    const char *sets[] = {"method.epochs=1", "dataset.n=20"};
    struct et_experiment *experiment;
    write_experiment(digits);
    assert_ok(et_experiment_load(experiment_path, sets, 2, &experiment));
    struct et_run_options options = {.output = output};
    enum et_status status = ET_NOMEM;
    size_t n = 1;
    for (; status != ET_OK; n++) {
        et_alloc_fail_at(n);
        status = et_experiment_run(experiment, &options);
        et_alloc_fail_at(0);
        ck_assert_msg(status == ET_OK || status == ET_NOMEM, "allocation %zu: %s", n,
                      et_error_message());
    }
    ck_assert_uint_gt(n, 200);
    et_experiment_close(experiment);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("binary_training");
    TCase *tests = tcase_create("binary_training");
    tcase_add_checked_fixture(tests, make_folder, remove_folder);
    tcase_set_timeout(tests, 0);
    tcase_add_test(tests, bits_learn_and_their_controls_do_not);
    tcase_add_test(tests, evaluation_repeats_the_answers);
    tcase_add_loop_test(tests, resume_continues_bit_for_bit, 0, KINDS);
    tcase_add_loop_test(tests, threads_do_not_change_the_bytes, 0, KINDS);
    tcase_add_test(tests, biper_begins_in_software);
    tcase_add_loop_test(tests, any_device_gives_the_same_weights, 0, 2);
    tcase_add_loop_test(tests, broken_rules_are_configuration_errors, 0,
                        (int)(sizeof broken / sizeof *broken));
    tcase_add_test(tests, failed_allocations);
    suite_add_tcase(suite, tests);
    return suite_result(suite);
}
