/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole experiments in small: what they learn, what the run file holds, interruption and resume,
 * failing allocations, rules that the tables cannot express. */
#include "whole_run.h"

#include <sys/stat.h>

/* Rings on a fixed random layer: small, fast, and hopeless without the layer. */
static const char greedy_rings[] =
    "experiment: rings\n"
    "seeds: 2\n"
    "dataset: {type: rings, n: 300}\n"
    "layers:\n"
    "  - {system: {type: random, n_in: 12, n_out: 16}, drive: {map: tile}, output: zscore,\n"
    "     width: 12}\n"
    "  - {system: {type: random, n_in: 12, n_out: 16}, drive: {map: affine}, output: zscore,\n"
    "     width: 12}\n"
    "method: {type: forward-forward, objective: local-ce, schedule: greedy, epochs: 150,\n"
    "         optimiser: {rate: 0.03}}\n";

static const char joint_vowels[] =
    "experiment: vowels\n"
    "seeds: 2\n"
    "dataset: {type: vowels}\n"
    "features: {nonnegative: true, slots: 8}\n"
    "layers:\n"
    "  - {system: {type: random, n_in: 20, n_out: 20}, drive: {map: unit-norm}, skip: true,\n"
    "     width: 20}\n"
    "  - {system: {type: random, n_in: 20, n_out: 20}, drive: {map: unit-norm}, skip: true,\n"
    "     width: 20}\n"
    "method: {type: forward-forward, objective: phyll, epochs: 40, inner_steps: 10,\n"
    "         evaluate_every: 15, optimiser: {rate: 2e-3}}\n"
    "controls: [zeros]\n";

START_TEST(greedy_needs_the_layer)
{
    struct et_run_summary summary;
    assert_ok(run(greedy_rings, NULL, false, NULL));
    assert_ok(et_run_summary_read(output, &summary));
    ck_assert(summary.complete);
    ck_assert_uint_eq(summary.test.seeds, 2);
    ck_assert_uint_eq(summary.test.last_epoch, 300);
    ck_assert(summary.test.mean > 0.95);
    ck_assert(control(&summary, "linear")->test.mean < 0.65);
    ck_assert(control(&summary, "identity")->test.mean < 0.7);
    ck_assert(control(&summary, "zeros")->test.mean < 0.65);
    /* 240 training rows measured once for each layer, then evaluations of 300 rows after one and
     * after two layers: (240 + 300) + (240 + 600), for 2 seeds. */
    ck_assert_uint_eq(summary.device_passes, 2 * (240 + 300 + 240 + 600));
    ck_assert(isnan(summary.device_J));
    et_run_summary_destroy(&summary);
}
END_TEST

START_TEST(joint_contrast_learns)
{
    struct et_run_summary summary;
    assert_ok(run(joint_vowels, NULL, false, NULL));
    assert_ok(et_run_summary_read(output, &summary));
    ck_assert(summary.test.mean > 0.8);
    ck_assert_uint_eq(summary.n_controls, 1);
    et_run_summary_destroy(&summary);

    struct et_store *store;
    struct et_store_shape shape;
    assert_ok(et_store_open(output, &store));
    assert_ok(et_store_shape(store, "/metrics/test_accuracy", &shape));
    ck_assert_uint_eq(shape.dims[0], 2);
    ck_assert_uint_eq(shape.dims[1], 3); /* epochs 15, 30, 40 */
    assert_ok(et_store_shape(store, "/metrics/loss", &shape));
    ck_assert_uint_eq(shape.dims[1], 40);
    ck_assert_uint_eq(shape.dims[2], 2);
    assert_ok(et_store_shape(store, "/parameters/seed-001/layer-1/weight", &shape));
    ck_assert_uint_eq(shape.dims[1], 40);
    ck_assert(!et_store_has(store, "/checkpoint"));
    et_store_close(store);
}
END_TEST

/* Stop wherever a batch ends, resume: the bytes are those of a run in one go. */
START_TEST(resume_continues_bit_for_bit)
{
    const char *text = _i % 2 ? joint_vowels : greedy_rings;
    static const size_t batches[] = {1, 3, 37, 111, 150, 222, 301};
    assert_ok(run(text, NULL, false, NULL));
    uint64_t whole = digest();
    for (size_t k = 0; k < sizeof batches / sizeof *batches; k++) {
        size_t left = batches[k];
        enum et_status status = run(text, NULL, false, &left);
        if (status == ET_OK) continue; /* was done before that many batches */
        ck_assert_int_eq(status, ET_INTERRUPTED);
        left = 29;
        while (run(text, NULL, true, &left) == ET_INTERRUPTED)
            left = 97;
        ck_assert_msg(digest() == whole, "another result after stopping at batch %zu", batches[k]);
    }
    assert_ok(run(text, NULL, true, NULL)); /* complete: nothing to do */
    ck_assert(digest() == whole);
}
END_TEST

START_TEST(threads_do_not_change_the_bytes)
{
    uint64_t one, now;
    et_parallel_set_threads(1);
    assert_ok(run(joint_vowels, NULL, false, NULL));
    one = digest();
    et_parallel_set_threads(8);
    assert_ok(run(joint_vowels, NULL, false, NULL));
    now = digest();
    et_parallel_set_threads(2);
    ck_assert(now == one);
    assert_ok(run(joint_vowels, "seed=2", false, NULL));
    ck_assert(digest() != one); /* the digest notices a difference */
}
END_TEST

START_TEST(resume_refuses_another_experiment)
{
    size_t left = 5;
    assert_status(run(greedy_rings, NULL, false, &left), ET_INTERRUPTED);
    assert_status(run(greedy_rings, "seed=7", true, NULL), ET_CONFIG);
    assert_message("another experiment");
}
END_TEST

START_TEST(evaluate_other_conditions)
{
    struct et_evaluation evaluation;
    assert_ok(run(greedy_rings, "controls=[]", false, NULL));
    assert_ok(et_run_evaluate(output, NULL, 0, false, &evaluation));
    ck_assert_uint_eq(evaluation.n_samples, 60);
    ck_assert(evaluation.test.mean > 0.95);
    uint64_t sum = 0;
    for (size_t k = 0; k < 4; k++)
        sum += evaluation.confusion[k];
    ck_assert_uint_eq(sum, 120);
    et_evaluation_destroy(&evaluation);

    const char *silent[] = {"layers.0.system={type: zeros, n_in: 12, n_out: 16}"};
    assert_ok(et_run_evaluate(output, silent, 1, true, &evaluation));
    ck_assert_uint_eq(evaluation.n_samples, 300);
    ck_assert(evaluation.test.mean < 0.7); /* trained on the layer, not without it */
    et_evaluation_destroy(&evaluation);

    const char *wider[] = {"layers.1.width=13"};
    assert_status(et_run_evaluate(output, wider, 1, false, &evaluation), ET_FORMAT);
    assert_message("stored network");
}
END_TEST

START_TEST(noise_is_part_of_the_run)
{
    const char *noisy = "layers.0.system={type: disturb, system: {type: random, n_in: 12, n_out: "
                        "16}, output: {noise: 0.1}}";
    assert_ok(run(greedy_rings, "controls=[]", false, NULL));
    uint64_t quiet = digest();
    assert_ok(run(greedy_rings, noisy, false, NULL));
    ck_assert(digest() != quiet);
    uint64_t first = digest();
    assert_ok(run(greedy_rings, noisy, false, NULL));
    ck_assert(digest() == first);
}
END_TEST

START_TEST(hinton_runs_with_its_classifier)
{
    struct et_run_summary summary;
    assert_ok(run("experiment: h\nseeds: 1\ndataset: {type: vowels}\n"
                  "features: {scale: minmax, label: prepend}\n"
                  "layers:\n"
                  "  - {width: 100, activation: relu, normalise: length}\n"
                  "  - {width: 100, activation: relu, normalise: length}\n"
                  "method: {type: forward-forward, objective: hinton, epochs: 150, batch: 50,\n"
                  "         refresh: false, optimiser: {type: sgd, rate: 0.01}}\n"
                  "controls: [zeros, linear]\n",
                  NULL, false, NULL));
    assert_ok(et_run_summary_read(output, &summary));
    ck_assert_uint_eq(summary.n_controls, 1); /* without physics there is none to take out */
    ck_assert(summary.test.mean > 0.3);       /* of seven classes */
    et_run_summary_destroy(&summary);
}
END_TEST

struct rule {
    const char *set, *message;
};

static const struct rule rules[] = {
    {"method.objective=phyll", "greedy stores one measurement"},
    {"method.schedule=joint", "use schedule greedy"},
    {"controls=[ones]", "'ones' is no control"},
    {"controls=[zeros, zeros]", "named twice"},
    {"variants=[{name: a/b, set: [seed=1]}]", "letters, digits"},
    {"variants=[{name: a, set: [sede=1]}]", "did you mean 'seed'"},
    {"layers.0.system.n_in=1", "do not fit"},
};

START_TEST(broken_rules_are_configuration_errors)
{
    const char *text = greedy_rings;
    assert_status(run(text, rules[_i].set, false, NULL), ET_CONFIG);
    assert_message(rules[_i].message);
    struct stat status;
    ck_assert_int_ne(stat(output, &status), 0); /* nothing half-written */
}
END_TEST

START_TEST(names_that_cannot_be_files)
{
    static const char *const sets[] = {"experiment=a/b", "experiment=\"\"", "experiment=\"a\\nb\""};
    struct et_experiment *experiment;
    write_experiment(greedy_rings);
    assert_status(et_experiment_load(experiment_path, &sets[_i], 1, &experiment), ET_CONFIG);
    assert_message("printable characters");
}
END_TEST

START_TEST(divergence_is_a_numerical_failure)
{
    assert_status(
        run(greedy_rings, "method.optimiser={type: sgd, rate: 10, momentum: 0.99}", false, NULL),
        ET_NUMERIC);
    assert_message("not finite");
}
END_TEST

START_TEST(unwritable_output_is_found_before_training)
{
    struct et_experiment *experiment = load(greedy_rings, NULL);
    struct et_run_options options = {.output = "/proc/nothing/e.h5"};
    assert_status(et_experiment_run(experiment, &options), ET_IO);
    et_experiment_close(experiment);
}
END_TEST

/* Every allocation of a whole run fails once: a clean error, no leak, the old file intact. */
START_TEST(failed_allocations)
{
    static const char tiny[] = "experiment: t\nseeds: 1\ndataset: {type: rings, n: 40}\n"
                               "layers:\n"
                               "  - {system: {type: random, n_in: 4, n_out: 4},\n"
                               "     drive: {map: tile}, output: zscore, width: 3}\n"
                               "method: {type: forward-forward, objective: local-ce,\n"
                               "         schedule: greedy, epochs: 2}\n"
                               "controls: [zeros]\n"
                               "variants: [{name: more, set: [method.epochs=3]}]\n"
                               "checkpoint_s: 0\n";
    assert_ok(run(tiny, NULL, false, NULL));
    uint64_t whole = digest();
    struct et_experiment *experiment = load(tiny, NULL);
    struct et_run_options options = {.output = output};
    enum et_status status = ET_NOMEM;
    size_t n = 1;
    for (; status != ET_OK; n++) {
        et_alloc_fail_at(n);
        status = et_experiment_run(experiment, &options);
        et_alloc_fail_at(0);
        ck_assert_msg(status == ET_OK || status == ET_NOMEM, "allocation %zu: %s", n,
                      et_error_message());
        struct et_run_summary summary;
        assert_ok(et_run_summary_read(output, &summary)); /* always a valid file */
        et_run_summary_destroy(&summary);
    }
    ck_assert_uint_gt(n, 100);
    ck_assert(digest() == whole);
    et_experiment_close(experiment);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("training");
    TCase *tests = tcase_create("training");
    tcase_add_checked_fixture(tests, make_folder, remove_folder);
    tcase_set_timeout(tests, 0);
    tcase_add_test(tests, greedy_needs_the_layer);
    tcase_add_test(tests, joint_contrast_learns);
    tcase_add_loop_test(tests, resume_continues_bit_for_bit, 0, 2);
    tcase_add_test(tests, threads_do_not_change_the_bytes);
    tcase_add_test(tests, resume_refuses_another_experiment);
    tcase_add_test(tests, evaluate_other_conditions);
    tcase_add_test(tests, noise_is_part_of_the_run);
    tcase_add_test(tests, hinton_runs_with_its_classifier);
    tcase_add_loop_test(tests, broken_rules_are_configuration_errors, 0,
                        (int)(sizeof rules / sizeof *rules));
    tcase_add_loop_test(tests, names_that_cannot_be_files, 0, 3);
    tcase_add_test(tests, divergence_is_a_numerical_failure);
    tcase_add_test(tests, unwritable_output_is_found_before_training);
    tcase_add_test(tests, failed_allocations);
    suite_add_tcase(suite, tests);
    return suite_result(suite);
}
