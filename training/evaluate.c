/* SPDX-License-Identifier: Apache-2.0
 *
 * Evaluates the network of a run file on other data, another system, more noise. */
#include "run.h"

#include <etalon/log.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct evaluate {
    struct et_store *store;
    const char *path;
    char *text, *folder; /* the stored experiment, and where its relative paths start */
    struct et__setup setup;
    struct et_evaluation *result;
    bool all_rows;
};

/* The seeds whose trained parameters the file holds. */
static size_t count_seeds(struct et_store *store)
{
    char group[64];
    size_t n = 0;
    do
        snprintf(group, sizeof group, "/parameters/seed-%03zu", n++);
    while (et_store_has(store, group));
    return n - 1;
}

static enum et_status predict_rows(struct evaluate *e, struct et_trainer *trainer, size_t s)
{
    size_t n = e->setup.split.n_test, classes = e->setup.dataset.n_classes, right = 0;
    const size_t *row = e->setup.split.test;
    size_t *all = NULL;
    if (e->all_rows) {
        n = e->setup.dataset.x.rows;
        all = et_alloc(n, sizeof *all);
        if (all == NULL) return ET_NOMEM;
        for (size_t i = 0; i < n; i++)
            all[i] = i;
        row = all;
    }
    enum et_status status = ET_NOMEM;
    int32_t *predicted = et_alloc(n, sizeof *predicted);
    if (predicted == NULL) goto out;
    status = et__trainer_predict(trainer, row, n, e->setup.network.n_stages, predicted);
    for (size_t i = 0; status == ET_OK && i < n; i++) {
        int32_t label = e->setup.dataset.label[row[i]];
        right += predicted[i] == label;
        e->result->confusion[(size_t)label * classes + (size_t)predicted[i]]++;
    }
    e->result->accuracy[s] = (double)right / (double)n;
    e->result->n_samples = n;
out:
    et_free(predicted);
    et_free(all);
    return status;
}

static enum et_status evaluate_seed(struct evaluate *e, size_t s)
{
    struct et_trainer trainer;
    struct et__archive archive = {0};
    char group[64];
    snprintf(group, sizeof group, "/parameters/seed-%03zu", s);
    enum et_status status = et__setup_begin_seed(&e->setup, s, &trainer);
    if (status == ET_OK) status = et__archive_read(&archive, e->store, group);
    if (status == ET_OK) status = et__archive_restore(&archive, &trainer, false);
    /* The fits of the training hold, not those of the data at hand. */
    if (status == ET_OK) status = et__features_scale(&e->setup.features);
    if (status == ET_OK) status = predict_rows(e, &trainer, s);
    et__archive_destroy(&archive);
    et__setup_end_seed(&e->setup, &trainer);
    if (status != ET_OK) et_error_while("evaluating seed %zu", s + 1);
    return status;
}

/* With another seed or split, the test part would hold rows that the network was trained on. */
static enum et_status check_split(struct evaluate *e, const struct et_config *config)
{
    if (e->all_rows) return ET_OK;
    struct et_config *stored;
    ET_TRY(et_config_parse_in(e->path, e->folder, e->text, NULL, 0, et_experiment_params(),
                              et_experiment_types, &stored));
    const char *changed = NULL;
    if (et_config_int(config, "seed") != et_config_int(stored, "seed")) changed = "seed";
    if (strcmp(et_config_resolved(et_config_at(config, "split", 0)),
               et_config_resolved(et_config_at(stored, "split", 0))) != 0)
        changed = "split";
    et_config_close(stored);
    if (changed == NULL) return ET_OK;
    return et_config_error(config, changed,
                           "with another '%s' than in training the test part would hold rows that "
                           "the network has learned from: leave it, or evaluate all rows of new "
                           "data",
                           changed);
}

/* Data of another form make no sense to the network; of another length they may be anything. */
static enum et_status check_data(const struct evaluate *e)
{
    const struct et_dataset *d = &e->setup.dataset;
    int64_t shape[3];
    ET_TRY(et_store_read(e->store, "/data/shape", (struct et_store_shape){ET_STORE_I64, 1, {3}},
                         shape));
    if (shape[1] != (int64_t)d->x.cols || shape[2] != (int64_t)d->n_classes)
        return et_error_set(ET_SHAPE,
                            "the network was trained on %" PRId64 " features and %" PRId64
                            " classes, these data have %zu and %zu",
                            shape[1], shape[2], d->x.cols, d->n_classes);
    if (shape[0] != (int64_t)d->x.rows && !e->all_rows)
        et_log(ET_LOG_WARNING,
               "the network was trained on a part of %" PRId64 " samples, these data have %zu: "
               "if they overlap, the test part holds samples that it has learned from",
               shape[0], d->x.rows);
    return ET_OK;
}

static enum et_status evaluate_all(struct evaluate *e, const struct et_config *config)
{
    size_t seeds = count_seeds(e->store);
    if (seeds == 0) return et_error_set(ET_INVALID, "the run file holds no trained network yet");
    ET_TRY(check_split(e, config));
    ET_TRY(et__setup_open(&e->setup, config));
    ET_TRY(check_data(e));
    size_t classes = e->setup.dataset.n_classes;
    e->result->accuracy = et_alloc(seeds, sizeof *e->result->accuracy);
    e->result->confusion = et_alloc(classes * classes, sizeof *e->result->confusion);
    if (e->result->accuracy == NULL || e->result->confusion == NULL) return ET_NOMEM;
    e->result->n_classes = classes;
    for (size_t s = 0; s < seeds; s++)
        ET_TRY(evaluate_seed(e, s));
    e->result->test =
        et__accuracy_of(e->result->accuracy, seeds, 1,
                        (size_t)et_config_int(et_config_at(config, "method", 0), "epochs"));
    return ET_OK;
}

enum et_status et_run_evaluate(const char *path, const char *const *overrides, size_t n_overrides,
                               bool all_rows, struct et_evaluation *evaluation)
{
    struct evaluate e = {.result = evaluation, .path = path, .all_rows = all_rows};
    struct et_config *config = NULL;
    *evaluation = (struct et_evaluation){0};
    ET_TRY(et_store_open(path, &e.store));
    enum et_status status = et_store_read_text(e.store, "/config/resolved", &e.text);
    if (status == ET_OK) status = et_store_read_text(e.store, "/config/folder", &e.folder);
    if (status == ET_OK && access(e.folder, X_OK) != 0) e.folder[0] = '\0'; /* another machine */
    if (status == ET_OK)
        status = et_config_parse_in(path, e.folder, e.text, overrides, n_overrides,
                                    et_experiment_params(), et_experiment_types, &config);
    if (status == ET_OK) status = evaluate_all(&e, config);
    et__setup_close(&e.setup);
    et_config_close(config);
    et_free(e.text);
    et_free(e.folder);
    et_store_close(e.store);
    if (status != ET_OK) {
        et_evaluation_destroy(evaluation);
        et_error_while("evaluating %s", path);
    }
    return status;
}

void et_evaluation_destroy(struct et_evaluation *evaluation)
{
    et_free(evaluation->accuracy);
    et_free(evaluation->confusion);
    *evaluation = (struct et_evaluation){0};
}
