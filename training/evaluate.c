/* SPDX-License-Identifier: Apache-2.0
 *
 * Evaluates the network of a run file on other data, another system, more noise. */
#include "run.h"

#include <stdio.h>
#include <string.h>

struct evaluate {
    struct et_store *store;
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

static enum et_status evaluate_all(struct evaluate *e, const struct et_config *config)
{
    size_t seeds = count_seeds(e->store);
    if (seeds == 0) return et_error_set(ET_INVALID, "the run file holds no trained network yet");
    ET_TRY(et__setup_open(&e->setup, config));
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
    struct evaluate e = {.result = evaluation, .all_rows = all_rows};
    struct et_config *config = NULL;
    char *text = NULL;
    *evaluation = (struct et_evaluation){0};
    ET_TRY(et_store_open(path, &e.store));
    enum et_status status = et_store_read_text(e.store, "/config/resolved", &text);
    if (status == ET_OK)
        status = et_config_parse(path, text, overrides, n_overrides, et_experiment_params(),
                                 et_experiment_types, &config);
    if (status == ET_OK) status = evaluate_all(&e, config);
    et__setup_close(&e.setup);
    et_config_close(config);
    et_free(text);
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
