/* SPDX-License-Identifier: Apache-2.0
 *
 * Evaluates the network of a run file on other data, another system, more noise. */
#include "model.h"
#include "run.h"

#include <etalon/accelerator.h>
#include <etalon/log.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct evaluate {
    struct et_store *store;
    const char *path;
    char *text, *folder; /* the stored experiment, and where its relative paths start */
    struct et__setup setup;
    struct et_evaluation *result;
    size_t seeds;
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

/* Predicts rows in each case of the model (one case, when there is no model). */
static enum et_status predict_cases(struct evaluate *e, struct et_trainer *trainer, size_t s,
                                    const size_t *row, size_t n)
{
    struct et_evaluation *result = e->result;
    size_t depth = e->setup.network.n_stages;
    for (size_t i = 0; i < result->n_cases; i++) {
        struct et_evaluation_case *one = &result->cases[i];
        trainer->model_case = i;
        struct et_bnn_counters before = {0}, after = {0};
        bool counts = false;
        ET_TRY(et__model_counters(trainer, &before, &counts));
        ET_TRY_WHILE(et__trainer_accuracy(trainer, row, n, depth,
                                          i + 1 < result->n_cases ? NULL : result->confusion,
                                          &one->accuracy[s]),
                     "evaluating the case '%s'", one->name);
        memcpy(one->answer + s * n, trainer->answer, n * sizeof *one->answer);
        ET_TRY(et__model_counters(trainer, &after, &counts));
        if (!counts || after.jobs == before.jobs) continue;
        double passes = (double)n * (double)e->seeds;
        one->cycles += (double)(after.cycles - before.cycles) / passes;
        one->steps += (double)(after.steps - before.steps) / passes;
        one->read_beats += (double)(after.rd_beats - before.rd_beats) / passes;
        one->write_beats += (double)(after.wr_beats - before.wr_beats) / passes;
        one->counted = true;
    }
    if (result->n_cases > 0) {
        result->accuracy[s] = result->cases[result->n_cases - 1].accuracy[s];
        return ET_OK;
    }
    return et__trainer_accuracy(trainer, row, n, depth, result->confusion, &result->accuracy[s]);
}

static enum et_status answer_rows(struct evaluate *e, struct et_trainer *trainer, size_t s,
                                  const size_t *row, size_t n)
{
    struct et_evaluation *result = e->result;
    double start = et__now_s();
    result->n_samples = n;
    trainer->answer = result->answer + s * 2 * result->n_rows;
    ET_TRY(predict_cases(e, trainer, s, row, n));
    result->by_integers[s] = trainer->by_integers;
    result->seconds += et__now_s() - start;
    return ET_OK;
}

static enum et_status predict_rows(struct evaluate *e, struct et_trainer *trainer, size_t s)
{
    if (!e->all_rows) return answer_rows(e, trainer, s, e->setup.split.test, e->setup.split.n_test);
    size_t n = e->setup.dataset.x.rows;
    size_t *all = et_alloc(n, sizeof *all);
    if (all == NULL) return ET_NOMEM;
    for (size_t i = 0; i < n; i++)
        all[i] = i;
    enum et_status status = answer_rows(e, trainer, s, all, n);
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

/* Rows for the cases of a model, sums at zero. */
static enum et_status make_cases(struct evaluate *e, const struct et_config *config)
{
    const struct et_config *method = et_config_at(config, "method", 0);
    const struct et_model_type *model = et__model_of(config);
    if (model == NULL) return ET_OK;
    size_t n = model->cases(method);
    e->result->cases = et_alloc(n, sizeof *e->result->cases);
    if (e->result->cases == NULL) return ET_NOMEM;
    e->result->n_cases = n;
    for (size_t i = 0; i < n; i++) {
        struct et_evaluation_case *one = &e->result->cases[i];
        model->case_name(method, i, one->name, sizeof one->name);
        one->accuracy = et_alloc(e->seeds, sizeof *one->accuracy);
        one->answer = et_alloc(e->seeds * e->result->n_rows, sizeof *one->answer);
        if (one->accuracy == NULL || one->answer == NULL) return ET_NOMEM;
    }
    return ET_OK;
}

static void close_cases(struct evaluate *e, size_t epochs)
{
    for (size_t i = 0; i < e->result->n_cases; i++) {
        struct et_evaluation_case *one = &e->result->cases[i];
        one->test = et__accuracy_of(one->accuracy, e->seeds, 1, epochs);
        if (!one->counted) one->steps = one->read_beats = one->write_beats = NAN;
        if (one->cycles <= 0) one->cycles = NAN; /* the functional model has none */
    }
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
    size_t seeds = e->seeds = count_seeds(e->store);
    if (seeds == 0) return et_error_set(ET_INVALID, "the run file holds no trained network yet");
    ET_TRY(check_split(e, config));
    ET_TRY(et__setup_open(&e->setup, config));
    ET_TRY(check_data(e));
    size_t classes = e->setup.dataset.n_classes;
    e->result->accuracy = et_alloc(seeds, sizeof *e->result->accuracy);
    e->result->confusion = et_alloc(classes * classes, sizeof *e->result->confusion);
    e->result->by_integers = et_alloc(seeds, sizeof *e->result->by_integers);
    e->result->n_rows = e->setup.dataset.x.rows;
    e->result->answer = et_alloc(seeds * 2 * e->result->n_rows, sizeof *e->result->answer);
    if (!e->result->accuracy || !e->result->confusion || !e->result->by_integers ||
        !e->result->answer)
        return ET_NOMEM;
    e->result->n_classes = classes;
    ET_TRY(make_cases(e, config));
    for (size_t s = 0; s < seeds; s++)
        ET_TRY(evaluate_seed(e, s));
    size_t epochs = (size_t)et_config_int(et_config_at(config, "method", 0), "epochs");
    e->result->test = et__accuracy_of(e->result->accuracy, seeds, 1, epochs);
    e->result->integer = et__accuracy_of(e->result->by_integers, seeds, 1, epochs);
    close_cases(e, epochs);
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
    et_free(evaluation->by_integers);
    et_free(evaluation->answer);
    et_free(evaluation->confusion);
    for (size_t i = 0; i < evaluation->n_cases; i++) {
        et_free(evaluation->cases[i].accuracy);
        et_free(evaluation->cases[i].answer);
    }
    et_free(evaluation->cases);
    *evaluation = (struct et_evaluation){0};
}
