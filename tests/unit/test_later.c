/* SPDX-License-Identifier: Apache-2.0
 *
 * `later`: the trained network on a changed device, as it is and trained on; resume; what is
 * refused. */
#include "whole_run.h"

/* Knobs learn, then the device's outputs leak into each other. */
static const char joint[] =
    "experiment: joint\n"
    "seeds: 2\n"
    "dataset: {type: digits, n: 500, size: 8, noise: 0.1}\n"
    "features: {scale: none}\n"
    "layers:\n"
    "  - {system: {type: disturb, output: {noise: 0.01}, system: {type: linear, n_in: 64,\n"
    "     n_out: 12, tunable: true}}, width: 10, normalise: length, knobs: {train: vjp}}\n"
    "method: {type: forward-forward, objective: local-ce, batch: 50, epochs: 10,\n"
    "         optimiser: {rate: 0.02}}\n"
    "controls: [random]\n"
    "later:\n"
    "  - {name: same}\n"
    "  - {name: aged, set: [layers.0.system.output.crosstalk=0.6]}\n"
    "  - {name: retrained, set: [layers.0.system.output.crosstalk=0.6], epochs: 4}\n"
    "  - {name: all-retrained, set: [layers.0.system.output.crosstalk=0.6], epochs: 4,\n"
    "     knobs: true}\n";

/* Bits inside the devices. */
static const char bits[] =
    "experiment: bits\n"
    "seeds: 1\n"
    "dataset: {type: digits, n: 400, size: 8, noise: 0.1}\n"
    "features: {scale: none}\n"
    "layers:\n"
    "  - {system: {type: linear, n_in: 64, n_out: 32, tunable: true}, binary: {rule: ste}}\n"
    "  - {system: {type: linear, n_in: 32, n_out: 10, tunable: true},\n"
    "     binary: {rule: ste, role: classes}}\n"
    "method: {type: forward-forward, objective: {type: local-ce, predict: sum}, batch: 50,\n"
    "         epochs: 3}\n"
    "controls: []\n"
    "later:\n"
    "  - {name: still, set: [method.optimiser.rate=0], epochs: 2}\n"
    "  - {name: moved, set: [method.optimiser.rate=0], epochs: 2, knobs: true}\n";

/* Measured stage by stage, with scalings fitted on stored measurements. */
static const char greedy[] =
    "experiment: greedy\n"
    "seeds: 2\n"
    "dataset: {type: rings, d: 3, n: 300}\n"
    "layers:\n"
    "  - {system: {type: disturb, system: {type: random, n_in: 6, n_out: 20}}, drive: {map: "
    "tile},\n"
    "     output: zscore, width: 12, activation: relu}\n"
    "  - {system: {type: disturb, system: {type: random, n_in: 12, n_out: 20}},\n"
    "     drive: {map: affine}, output: zscore, width: 12, activation: relu}\n"
    "method: {type: forward-forward, schedule: greedy, objective: local-ce, batch: 32, epochs: "
    "30,\n"
    "         optimiser: {rate: 0.02}}\n"
    "controls: []\n"
    "later:\n"
    "  - {name: same}\n"
    "  - {name: aged, set: [layers.0.system.output.crosstalk=0.15]}\n"
    "  - {name: retrained, set: [layers.0.system.output.crosstalk=0.15], epochs: 10}\n";

START_TEST(an_aged_device_is_retrained)
{
    struct et_run_summary summary;
    assert_ok(run(joint, NULL, false, NULL));
    assert_ok(et_run_summary_read(output, &summary));
    double now = summary.test.mean, same = control(&summary, "same")->test.mean;
    double aged = control(&summary, "aged")->test.mean;
    double retrained = control(&summary, "retrained")->test.mean;
    double all = control(&summary, "all-retrained")->test.mean;
    assert_near(same, now, 0.02); /* other noise */
    ck_assert_msg(aged < now - 0.1, "aged %.3f, before %.3f", aged, now);
    ck_assert_msg(retrained > aged + 0.05, "retrained %.3f, aged %.3f", retrained, aged);
    ck_assert_msg(all > aged + 0.05, "all retrained %.3f, aged %.3f", all, aged);
    ck_assert(all < retrained || all > retrained);
    ck_assert_uint_eq(control(&summary, "aged")->test.seeds, 2);
    ck_assert_uint_eq(control(&summary, "aged")->test.last_epoch, 0);
    ck_assert_uint_eq(control(&summary, "retrained")->test.last_epoch, 4);
    et_run_summary_destroy(&summary);
    struct et_store *store;
    int64_t passes;
    assert_ok(et_store_open(output, &store));
    assert_ok(et_store_read_i64(store, "/controls/aged/device_passes", &passes));
    ck_assert_int_eq(passes, 2 * 500);
    assert_ok(et_store_read_i64(store, "/controls/retrained/device_passes", &passes));
    ck_assert_int_eq(passes, 2 * (4 * 400 + 500));
    et_store_close(store);
}
END_TEST

/* Readouts that cannot move: without `knobs` the devices stay as they are, with it they learn. */
START_TEST(knobs_learn_only_when_asked)
{
#define QUIET "set: [layers.0.system.output.noise=0, method.optimiser.rate=0]"
    struct et_run_summary summary;
    assert_ok(run(joint,
                  "later=[{name: quiet, " QUIET "}, {name: still, " QUIET ", epochs: 2}, "
                  "{name: moved, " QUIET ", epochs: 2, knobs: true}]",
                  false, NULL));
    assert_ok(et_run_summary_read(output, &summary));
    double quiet = control(&summary, "quiet")->test.mean;
    ck_assert(control(&summary, "still")->test.mean == quiet);
    ck_assert(control(&summary, "moved")->test.mean != quiet);
    et_run_summary_destroy(&summary);
}
END_TEST

START_TEST(bits_learn_only_when_asked)
{
    struct et_run_summary summary;
    assert_ok(run(bits, NULL, false, NULL));
    assert_ok(et_run_summary_read(output, &summary));
    /* Running means move in both. */
    double still = control(&summary, "still")->train.mean;
    double moved = control(&summary, "moved")->train.mean;
    ck_assert_msg(moved > still + 0.05, "moved %.3f, still %.3f", moved, still);
    et_run_summary_destroy(&summary);
}
END_TEST

START_TEST(stored_scalings_hold)
{
    struct et_run_summary summary;
    assert_ok(run(greedy, NULL, false, NULL));
    assert_ok(et_run_summary_read(output, &summary));
    ck_assert(control(&summary, "same")->test.mean == summary.test.mean);
    ck_assert(control(&summary, "same")->train.mean == summary.train.mean);
    double aged = control(&summary, "aged")->train.mean;
    double retrained = control(&summary, "retrained")->train.mean;
    ck_assert_msg(aged < summary.train.mean, "aged %.3f, before %.3f", aged, summary.train.mean);
    ck_assert_msg(retrained > aged, "retrained %.3f, aged %.3f", retrained, aged);
    /* The command finds the same answers. */
    struct et_evaluation evaluation;
    const char *set[] = {"layers.0.system.output.crosstalk=0.15"};
    assert_ok(et_run_evaluate(output, set, 1, false, &evaluation));
    ck_assert(evaluation.test.mean == control(&summary, "aged")->test.mean);
    et_evaluation_destroy(&evaluation);
    et_run_summary_destroy(&summary);
}
END_TEST

START_TEST(resume_continues_bit_for_bit)
{
    const char *text = _i ? joint : greedy;
    const char *shorter = _i ? "method.epochs=2" : "method.epochs=3";
    assert_ok(run(text, shorter, false, NULL));
    uint64_t whole = digest();
    for (size_t batches = 1; batches < 160; batches += 61) {
        size_t left = batches;
        enum et_status status = run(text, shorter, false, &left);
        while (status == ET_INTERRUPTED) {
            left = 29;
            status = run(text, shorter, true, &left);
        }
        assert_ok(status);
        ck_assert_msg(digest() == whole, "another result after batch %zu", batches);
    }
}
END_TEST

static const struct {
    const char *later, *message;
} broken[] = {
    {"later=[{name: a, set: [layers.0.width=11]}]", "is 10 x 12, this one would be 11 x 12"},
    {"later=[{name: a, set: [layers.0.system.system.n_out=13]}]",
     "10 x 12, this one would be 10 x 13"},
    {"later=[{name: a, set: [layers.0.knobs.train=none]}]", "768 learned knobs, this one"},
    {"later=[{name: a, set: [seed=9]}]", "'seed' belongs to the trained network"},
    {"later=[{name: a, set: [seeds=3]}]", "'seeds' belongs to the trained network"},
    {"later=[{name: a, set: [split.test=0.5]}]", "'split' belongs to the trained network"},
    {"later=[{name: a, set: [features.scale=minmax]}]",
     "'features' belongs to the trained network"},
    {"later=[{name: a, set: [method.objective=phyll]}]",
     "'method.objective' belongs to the trained network"},
    {"later=[{name: a}, {name: a}]", "named twice"},
    {"later=[{name: random}]", "named twice"},
    {"later=[{name: a, set: [layers.0.sistem=1]}]", "preparing 'a' of later"},
    {"later=[{name: a, set: [dataset.n=400]}]", "trained on 500 samples"},
};

START_TEST(what_does_not_fit_is_refused)
{
    enum et_status status = run(joint, broken[_i].later, false, NULL);
    ck_assert(status == ET_CONFIG || status == ET_SHAPE);
    assert_message(broken[_i].message);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("later");
    TCase *tests = tcase_create("later");
    tcase_add_checked_fixture(tests, make_folder, remove_folder);
    tcase_set_timeout(tests, 0);
    tcase_add_test(tests, an_aged_device_is_retrained);
    tcase_add_test(tests, knobs_learn_only_when_asked);
    tcase_add_test(tests, bits_learn_only_when_asked);
    tcase_add_test(tests, stored_scalings_hold);
    tcase_add_loop_test(tests, resume_continues_bit_for_bit, 0, 2);
    tcase_add_loop_test(tests, what_does_not_fit_is_refused, 0,
                        (int)(sizeof broken / sizeof *broken));
    suite_add_tcase(suite, tests);
    return suite_result(suite);
}
