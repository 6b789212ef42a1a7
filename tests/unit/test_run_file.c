/* SPDX-License-Identifier: Apache-2.0
 *
 * Run files that meet other conditions: evaluated on other data or with other preparations, resumed
 * with changed data, damaged in ways that HDF5 does not notice. */
#include "close.h"

#include <etalon/etalon.h>

#include <dirent.h>
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[64], experiment_path[128], output[128], data_path[128];

static void make_folder(void)
{
    snprintf(folder, sizeof folder, "/tmp/etalon-run-file-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(experiment_path, sizeof experiment_path, "%s/e.yaml", folder);
    snprintf(output, sizeof output, "%s/e.h5", folder);
    snprintf(data_path, sizeof data_path, "%s/data.csv", folder);
}

static void remove_folder(void)
{
    DIR *directory = opendir(folder);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        unlinkat(dirfd(directory), entry->d_name, 0);
    closedir(directory);
    ck_assert_int_eq(rmdir(folder), 0);
}

static const char rings[] =
    "experiment: rings\n"
    "seeds: 2\n"
    "dataset: {type: rings, n: 100}\n"
    "layers:\n"
    "  - {system: {type: random, n_in: 12, n_out: 16}, drive: {map: tile}, output: zscore,\n"
    "     width: 12}\n"
    "  - {system: {type: random, n_in: 12, n_out: 16}, drive: {map: affine}, output: zscore,\n"
    "     width: 12}\n"
    "method: {type: forward-forward, objective: local-ce, schedule: greedy, epochs: 6,\n"
    "         batch: 30, optimiser: {rate: 0.03}}\n"
    "controls: [zeros]\n";

/* Nothing is fitted: neither features nor drive nor outputs. */
static const char unfitted[] = "experiment: unfitted\n"
                               "seeds: 1\n"
                               "dataset: {type: rings, n: 100}\n"
                               "features: {scale: none}\n"
                               "layers:\n"
                               "  - {system: {type: random, n_in: 12, n_out: 16}, width: 12}\n"
                               "method: {type: forward-forward, objective: local-ce, epochs: 3}\n"
                               "controls: []\n";

static const char table[] = "experiment: table\n"
                            "seeds: 2\n"
                            "dataset: {type: csv, path: data.csv}\n"
                            "layers:\n"
                            "  - {system: {type: random, n_in: 4, n_out: 6}, drive: {map: tile},\n"
                            "     width: 6}\n"
                            "method: {type: forward-forward, objective: local-ce,\n"
                            "         schedule: greedy, epochs: 8, batch: 7}\n"
                            "controls: [linear]\n";

static bool stop_after(void *user)
{
    size_t *left = user;
    if (left == NULL) return false;
    if (*left > 0) --*left;
    return *left == 0;
}

static enum et_status run(const char *text, const char *set, bool resume, size_t *ticks_left)
{
    struct et_experiment *experiment;
    FILE *file = fopen(experiment_path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
    assert_ok(et_experiment_load(experiment_path, &set, set != NULL, &experiment));
    struct et_run_options options = {
        .output = output, .resume = resume, .should_stop = stop_after, .user = ticks_left};
    enum et_status status = et_experiment_run(experiment, &options);
    et_experiment_close(experiment);
    return status;
}

/* Two frequencies in hertz and a class that a straight line decides. */
static void write_table(size_t rows, int first)
{
    FILE *file = fopen(data_path, "w");
    ck_assert_ptr_nonnull(file);
    for (size_t i = 0; i < rows; i++) {
        int class = (int)(i % 3), x = i == 0 ? first : (int)(i * 37 % 50);
        fprintf(file, "%d,%d,%c\n", 300 + 120 * class + x, 2500 - 300 * class + 2 * x, 'a' + class);
    }
    fclose(file);
}

static void read_values(const char *path, struct et_array *array)
{
    struct et_store *store;
    assert_ok(et_store_open(output, &store));
    assert_ok(et_store_read_array(store, path, array));
    et_store_close(store);
}

START_TEST(greedy_evaluates_within_a_stage)
{
    struct et_array epoch = {0};
    static const float want[] = {4, 6, 10, 12};
    assert_ok(run(rings, "method.evaluate_every=4", false, NULL));
    read_values("/metrics/eval_epoch", &epoch);
    ck_assert_uint_eq(epoch.rows, 4);
    for (size_t i = 0; i < 4; i++)
        ck_assert_float_eq(epoch.data[i], want[i]);
    et_array_destroy(&epoch);
}
END_TEST

struct refusal {
    const char *text, *set;
    enum et_status status;
    const char *message;
};

static const struct refusal refusals[] = {
    {rings, "dataset.d=3", ET_SHAPE, "trained on 2 features and 2 classes"},
    {rings, "dataset.classes=3", ET_SHAPE, "these data have 2 and 3"},
    {rings, "seed=5", ET_CONFIG, "has learned from"},
    {rings, "split.test=0.5", ET_CONFIG, "has learned from"},
    {unfitted, "dataset.d=3", ET_SHAPE, "these data have 3"},
    {unfitted, "features.scale=zscore", ET_FORMAT, "lacks 'features/fit_offset'"},
    {unfitted, "layers.0.drive.map=tile", ET_FORMAT, "lacks 'layer-0/drive_fit_offset'"},
    {unfitted, "layers.0.output=zscore", ET_FORMAT, "lacks 'layer-0/output_fit_offset'"},
};

START_TEST(evaluation_refuses_what_does_not_fit)
{
    const struct refusal *r = &refusals[_i];
    struct et_evaluation evaluation;
    assert_ok(run(r->text, NULL, false, NULL));
    assert_status(et_run_evaluate(output, &r->set, 1, false, &evaluation), r->status);
    assert_message(r->message);
}
END_TEST

START_TEST(all_rows_of_new_data_may_have_another_seed)
{
    struct et_evaluation evaluation;
    const char *set = "seed=5";
    assert_ok(run(rings, NULL, false, NULL));
    assert_ok(et_run_evaluate(output, &set, 1, true, &evaluation));
    ck_assert_uint_eq(evaluation.n_samples, 100);
    et_evaluation_destroy(&evaluation);
}
END_TEST

static size_t warnings;

static void count_warnings(enum et_log_level level, const char *line, void *user)
{
    (void)user;
    warnings += level == ET_LOG_WARNING && strstr(line, "learned from") != NULL;
}

START_TEST(evaluation_warns_of_overlap)
{
    struct et_evaluation evaluation;
    const char *set = "dataset.n=40";
    assert_ok(run(rings, NULL, false, NULL));
    et_log_set_sink(count_warnings, NULL);
    assert_ok(et_run_evaluate(output, NULL, 0, false, &evaluation));
    et_evaluation_destroy(&evaluation);
    ck_assert_uint_eq(warnings, 0);
    assert_ok(et_run_evaluate(output, &set, 1, false, &evaluation));
    et_evaluation_destroy(&evaluation);
    ck_assert_uint_eq(warnings, 1);
}
END_TEST

/* The working directory is neither the experiment's nor the run file's. */
START_TEST(evaluation_finds_data_beside_the_experiment)
{
    struct et_evaluation evaluation;
    write_table(60, 0);
    assert_ok(run(table, NULL, false, NULL));
    assert_ok(et_run_evaluate(output, NULL, 0, false, &evaluation));
    et_evaluation_destroy(&evaluation);
}
END_TEST

START_TEST(resume_refuses_changed_data)
{
    size_t left = 9, rows = _i == 0 ? 60 : 63;
    write_table(60, 0);
    assert_status(run(table, NULL, false, &left), ET_INTERRUPTED);
    write_table(rows, _i == 0 ? 1 : 0); /* one number, or three rows more */
    assert_status(run(table, NULL, true, NULL), ET_CONFIG);
    assert_message("have changed");
    write_table(60, 0);
    assert_ok(run(table, NULL, true, NULL));
}
END_TEST

/* Replaces number i of a table of 64-bit integers. */
static void forge(const char *path, size_t i, int64_t value)
{
    int64_t numbers[16];
    hid_t file = H5Fopen(output, H5F_ACC_RDWR, H5P_DEFAULT);
    hid_t id = H5Dopen2(file, path, H5P_DEFAULT);
    ck_assert_int_ge(H5Dread(id, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers), 0);
    numbers[i] = value;
    ck_assert_int_ge(H5Dwrite(id, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers), 0);
    H5Dclose(id);
    ck_assert_int_ge(H5Fclose(file), 0);
}

static void erase(const char *path)
{
    hid_t file = H5Fopen(output, H5F_ACC_RDWR, H5P_DEFAULT);
    ck_assert_int_ge(H5Ldelete(file, path, H5P_DEFAULT), 0);
    ck_assert_int_ge(H5Fclose(file), 0);
}

struct forgery {
    const char *path;
    size_t i;
    int64_t value;
    const char *message;
};

enum { DELETED = 99 };

static const struct forgery forgeries[] = {
    {"/metrics/seeds_done", 0, 3, "seeds are done"},
    {"/metrics/seeds_done", 0, -1, "seeds are done"},
    {"/checkpoint/position", 0, 2, "beyond the end"},
    {"/checkpoint/position", 1, 7, "beyond the end"},
    {"/checkpoint/position", 2, (int64_t)1 << 60, "beyond the end"},
    {"/checkpoint/position", 4, 3, "beyond the end"},
    {"/checkpoint/position", 4, 2, "evaluations that have not been"},
    {"/checkpoint/network/stored", DELETED, 0, "stored measurements"},
    {"/checkpoint/network/layer-0/drive_fit_factor", DELETED, 0, "drive_fit_factor"},
    {"/checkpoint/updates", DELETED, 0, "updates"},
    {"/data/digest", DELETED, 0, "digest"},
};

START_TEST(resume_survives_damaged_checkpoints)
{
    const struct forgery *f = &forgeries[_i];
    size_t left = 8;
    assert_status(run(rings, NULL, false, &left), ET_INTERRUPTED);
    if (f->i == DELETED)
        erase(f->path);
    else
        forge(f->path, f->i, f->value);
    enum et_status status = run(rings, NULL, true, NULL);
    ck_assert_msg(status == ET_FORMAT || status == ET_MISSING, "%s", et_error_message());
    assert_message(f->message);
}
END_TEST

/* Frequencies in hertz, unscaled: a linear model that learns too slowly is no control. */
START_TEST(linear_control_scales_raw_data)
{
    struct et_run_summary summary;
    write_table(60, 0);
    assert_ok(run(table, "features.scale=none", false, NULL));
    assert_ok(et_run_summary_read(output, &summary));
    ck_assert(summary.controls[0].test.mean > 0.95);
    et_run_summary_destroy(&summary);
}
END_TEST

/* Adam's first step from zero is the rate in every element (tenfold for the classifier), however
 * many steps the readout takes in the meantime. */
START_TEST(classifier_counts_its_own_steps)
{
    struct et_array weight = {0};
    float largest = 0;
    assert_ok(run("experiment: h\nseeds: 1\ndataset: {type: vowels}\n"
                  "layers:\n  - {width: 20, activation: relu}\n"
                  "method: {type: forward-forward, objective: hinton, epochs: 1,\n"
                  "         inner_steps: 10, optimiser: {rate: 0.001}}\n"
                  "controls: []\n",
                  NULL, false, NULL));
    read_values("/parameters/seed-000/layer-0/classifier", &weight);
    for (size_t k = 0; k < weight.rows * weight.cols; k++)
        largest = fmaxf(largest, fabsf(weight.data[k]));
    assert_near((double)largest, 0.01, 1e-4);
    et_array_destroy(&weight);
}
END_TEST

/* The last update may be the one that breaks the weights: no later loss would tell. */
START_TEST(broken_scores_are_a_numerical_failure)
{
    enum et_status status = ET_OK;
    for (int epochs = 1; status == ET_OK && epochs < 60; epochs++) {
        char text[512];
        snprintf(text, sizeof text,
                 "experiment: d\nseeds: 1\ndataset: {type: rings, n: 40}\n"
                 "layers:\n  - {width: 4}\n"
                 "method: {type: forward-forward, objective: local-ce, epochs: %d,\n"
                 "         optimiser: {type: sgd, rate: 10, momentum: 0, weight_decay: 1}}\n"
                 "controls: []\n",
                 epochs);
        status = run(text, NULL, false, NULL);
    }
    ck_assert_int_eq(status, ET_NUMERIC);
    assert_message("scores of row");
}
END_TEST

/* ---- a system that remembers what it was told of each pass ---- */

static struct et_step passes[64];
static size_t n_passes;

static enum et_status spy_open(void *state, const struct et_config *config, uint64_t seed)
{
    (void)state;
    (void)config;
    (void)seed;
    return ET_OK;
}

static void spy_describe(const void *state, struct et_system_info *info)
{
    (void)state;
    info->n_in = info->n_out = 4;
    info->in_min = -100;
    info->in_max = 100;
}

static enum et_status spy_forward(void *state, const struct et_step *step, struct et_view x,
                                  struct et_view y)
{
    (void)state;
    ck_assert_uint_lt(n_passes, 64);
    passes[n_passes++] = *step;
    et_view_copy(y, x);
    return ET_OK;
}

static const struct et_param spy_params[] = {{0}};

static const struct et_system_type spy = {
    .name = "spy",
    .summary = "Remembers passes.",
    .state_size = 1,
    .params = spy_params,
    .open = spy_open,
    .describe = spy_describe,
    .forward = spy_forward,
};

/* Two stages on one device: were seed and index the same, so would be their noise. */
START_TEST(no_two_measurements_share_their_noise)
{
    n_passes = 0;
    assert_ok(et_system_register(&spy));
    assert_ok(run("experiment: s\nseeds: 2\ndataset: {type: rings, n: 40}\n"
                  "layers:\n  - {system: {type: spy}, width: 4}\n"
                  "  - {system: {type: spy}, width: 4}\n"
                  "method: {type: forward-forward, objective: local-ce, epochs: 2, batch: 20}\n"
                  "controls: []\n",
                  NULL, false, NULL));
    ck_assert_uint_gt(n_passes, 8);
    for (size_t i = 0; i < n_passes; i++)
        for (size_t k = 0; k < i; k++)
            ck_assert(passes[i].seed != passes[k].seed || passes[i].index != passes[k].index);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("run_file");
    TCase *tests = tcase_create("run_file");
    tcase_add_checked_fixture(tests, make_folder, remove_folder);
    tcase_set_timeout(tests, 0);
    tcase_add_test(tests, greedy_evaluates_within_a_stage);
    tcase_add_loop_test(tests, evaluation_refuses_what_does_not_fit, 0,
                        (int)(sizeof refusals / sizeof *refusals));
    tcase_add_test(tests, all_rows_of_new_data_may_have_another_seed);
    tcase_add_test(tests, evaluation_warns_of_overlap);
    tcase_add_test(tests, evaluation_finds_data_beside_the_experiment);
    tcase_add_loop_test(tests, resume_refuses_changed_data, 0, 2);
    tcase_add_loop_test(tests, resume_survives_damaged_checkpoints, 0,
                        (int)(sizeof forgeries / sizeof *forgeries));
    tcase_add_test(tests, linear_control_scales_raw_data);
    tcase_add_test(tests, classifier_counts_its_own_steps);
    tcase_add_test(tests, broken_scores_are_a_numerical_failure);
    tcase_add_test(tests, no_two_measurements_share_their_noise);
    suite_add_tcase(suite, tests);
    return suite_result(suite);
}
