/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs an experiment: for each variant (the network, then its controls), for each seed, train. */
#include "model.h"
#include "run.h"

#include <etalon/log.h>
#include <etalon/rng.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

double et__now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ------------------------------------------------------------------------------ variants -- */

static bool has_systems(const struct et_config *config)
{
    for (size_t l = 0; l < et_config_count(config, "layers"); l++)
        if (et_config_count(et_config_at(config, "layers", l), "system") > 0) return true;
    return false;
}

enum et_status et__run_reparse(const struct et_experiment *experiment, const char *const *extra,
                               size_t n_extra, struct et_config **config)
{
    size_t n = experiment->n_overrides;
    const char **all = et_alloc(n + n_extra, sizeof *all);
    if (all == NULL) return ET_NOMEM;
    for (size_t i = 0; i < n; i++)
        all[i] = experiment->override[i];
    for (size_t i = 0; i < n_extra; i++)
        all[n + i] = extra[i];
    /* From the file, not from its text: relative data paths start at its folder. */
    enum et_status status = et_config_load(experiment->path, all, n + n_extra,
                                           et_experiment_params(), et_experiment_types, config);
    et_free(all);
    return status;
}

/* A linear classifier: one digital stage without activation under a linear head.  Features and
 * training are its own, whatever the network's, so that it is as good as a linear model gets. */
static enum et_status make_linear(const struct et_experiment *experiment,
                                  struct et__variant *variant)
{
    const struct et_config *features = et_config_at(experiment->config, "features", 0);
    /* Data that came as they are, images say, keep their zeros; yet unscaled they may learn too
     * slowly. */
    bool raw = strcmp(et_config_string(features, "scale"), "none") == 0;
    const char *changes[] = {
        "layers=[{width: 32}]",
        "features.nonnegative=false",
        raw ? "features.scale=minmax" : "features.scale=zscore",
        "method={type: forward-forward, objective: local-ce, batch: 64, epochs: 100, "
        "optimiser: {rate: 0.005, schedule: cosine}}",
    };
    return et__run_reparse(experiment, changes, sizeof changes / sizeof *changes, &variant->owned);
}

static enum et_status make_override(const struct et_experiment *experiment,
                                    const struct et_config *record, struct et__variant *variant)
{
    size_t n = et_config_count(record, "set");
    const char **changes = et_alloc(n, sizeof *changes);
    if (changes == NULL) return ET_NOMEM;
    for (size_t i = 0; i < n; i++)
        changes[i] = et_config_string_at(record, "set", i);
    enum et_status status = et__run_reparse(experiment, changes, n, &variant->owned);
    et_free(changes);
    if (status != ET_OK) et_error_while("preparing the variant '%s'", variant->name);
    return status;
}

enum et_status et__run_check_name(const struct et__run *run, const struct et_config *config,
                                  const char *param, const char *name)
{
    if (strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") !=
            strlen(name) ||
        name[0] == '\0' || strlen(name) >= sizeof run->variant->name)
        return et_config_error(config, param,
                               "'%s' must be 1 to 63 letters, digits, dashes or underscores", name);
    for (size_t v = 0; v < run->n_variants; v++)
        if (strcmp(run->variant[v].name, name) == 0)
            return et_config_error(config, param, "'%s' is named twice", name);
    return ET_OK;
}

static enum et_status add_control(struct et__run *run, const char *name)
{
    const struct et_config *config = run->experiment->config;
    struct et__variant *variant = &run->variant[run->n_variants];
    ET_TRY(et__run_check_name(run, config, "controls", name));
    snprintf(variant->name, sizeof variant->name, "%s", name);
    variant->config = config;
    if (strcmp(name, "linear") == 0) {
        variant->kind = ET__VARIANT_LINEAR;
        run->n_variants++;
        ET_TRY(make_linear(run->experiment, variant));
        variant->config = variant->owned;
        return ET_OK;
    }
    static const char *const substitutes[] = {"zeros", "identity", "random"};
    for (size_t k = 0; k < 3; k++) {
        if (strcmp(name, substitutes[k]) != 0) continue;
        if (!has_systems(config)) return ET_OK; /* nothing to take out */
        variant->kind = ET__VARIANT_SUBSTITUTE;
        variant->control = substitutes[k];
        run->n_variants++;
        return ET_OK;
    }
    return et_config_error(config, "controls",
                           "'%s' is no control: choose among zeros, identity, random, linear; "
                           "controls of your own go into `variants`",
                           name);
}

static enum et_status list_variants(struct et__run *run)
{
    const struct et_config *config = run->experiment->config;
    size_t n_controls = et_config_count(config, "controls");
    size_t n_own = et_config_count(config, "variants");
    const struct et_model_type *model = et__model_of(config);
    size_t n_cases = model ? model->cases(et_config_at(config, "method", 0)) : 1;
    size_t n_later = et_config_count(config, "later");
    run->variant = et_alloc(n_cases + n_controls + n_own + n_later, sizeof *run->variant);
    if (run->variant == NULL) return ET_NOMEM;
    snprintf(run->variant[0].name, sizeof run->variant[0].name, "network");
    run->variant[0].config = config;
    run->n_variants = 1;
    et__run_add_cases(run);
    ET_TRY(et__run_add_later(run));
    for (size_t i = 0; i < n_controls; i++)
        ET_TRY(add_control(run, et_config_string_at(config, "controls", i)));
    for (size_t i = 0; i < n_own; i++) {
        const struct et_config *record = et_config_at(config, "variants", i);
        struct et__variant *variant = &run->variant[run->n_variants];
        const char *name = et_config_string(record, "name");
        ET_TRY(et__run_check_name(run, record, "name", name));
        snprintf(variant->name, sizeof variant->name, "%s", name);
        variant->kind = ET__VARIANT_OVERRIDE;
        run->n_variants++;
        ET_TRY(make_override(run->experiment, record, variant));
        variant->config = variant->owned;
    }
    return ET_OK;
}

/* ------------------------------------------------------------------- progress and saving -- */

/* Trainings with physics take longer than controls without: shares of the progress bar. */
static double weight_of(const struct et__run *run, size_t v)
{
    bool physics = has_systems(run->variant[0].config);
    enum et__variant_kind kind = run->variant[v].kind;
    if (kind == ET__VARIANT_CASE) return 0; /* comes with the network */
    bool heavy = kind == ET__VARIANT_NETWORK || kind == ET__VARIANT_OVERRIDE;
    return physics && heavy ? 8 : 1;
}

static double fraction_done(const struct et__run *run, double within)
{
    double done = 0, all = 0;
    for (size_t v = 0; v < run->n_variants; v++) {
        double weight = weight_of(run, v);
        all += weight * (double)run->seeds;
        if (v < run->at_variant) done += weight * (double)run->seeds;
        if (v == run->at_variant) done += weight * ((double)run->at_seed + within);
    }
    return done / all;
}

static void report(struct et__run *run, double now)
{
    const struct et_trainer *trainer = run->trainer;
    if (run->options->progress == NULL || now - run->reported < 0.05) return;
    run->reported = now;
    const struct et__plan *plan = &trainer->plan;
    size_t epochs = trainer->at.stage * plan->epochs + trainer->at.epoch;
    double within = (double)(epochs * plan->n_batches + trainer->at.batch) / (double)plan->steps;
    size_t evals = trainer->at.evals;
    struct et_progress progress = {
        .variant = run->variant[run->at_variant].name,
        .seed = run->at_seed,
        .n_seeds = run->seeds,
        .epoch = trainer->at.epoch,
        .n_epochs = trainer->plan.epochs,
        .fraction = fraction_done(run, within < 1 ? within : 1),
        .test_accuracy = evals > 0 ? trainer->test_accuracy[evals - 1] : NAN,
    };
    run->options->progress(run->options->user, &progress);
}

static enum et_status tick(struct et_trainer *trainer)
{
    struct et__run *run = trainer->user;
    double now = et__now_s();
    report(run, now);
    bool stop = run->options->should_stop && run->options->should_stop(run->options->user);
    if (stop || now - run->saved >= run->checkpoint_s) {
        ET_TRY(et__run_file_write(run, false));
        run->saved = et__now_s();
    }
    if (!stop) return ET_OK;
    return et_error_set(ET_INTERRUPTED, "stopped; %s holds a checkpoint", run->output);
}

/* ------------------------------------------------------------------------------ training -- */

/* Describes data and network; in a resumed run they must be what they were. */
static enum et_status keep_texts(struct et__run *run, const struct et__setup *setup)
{
    struct et__texts *then = &run->texts, now;
    enum et_status status = et__texts_make(setup, &now);
    if (status == ET_OK && then->data != NULL &&
        (strcmp(then->data_digest, now.data_digest) != 0 ||
         strcmp(then->class_names, now.class_names) != 0 ||
         strcmp(then->network, now.network) != 0))
        status = et_error_set(ET_CONFIG,
                              "the data or the devices have changed since the run began: run "
                              "without --resume, or choose another --output\n"
                              "  then: %.300s\n  now:  %.300s",
                              then->data, now.data);
    if (status == ET_OK && then->data == NULL) {
        *then = now;
        return ET_OK;
    }
    et__texts_destroy(&now);
    return status;
}

/* Moves what a finished training achieved into the tables of its variant. */
static enum et_status keep_results(struct et__run *run, struct et__variant *variant,
                                   struct et_trainer *trainer)
{
    struct et__results *r = &variant->results;
    size_t s = run->at_seed, losses = r->epochs * r->stages;
    r->has_integer = et__network_has_classes(trainer->network);
    if (variant->kind == ET__VARIANT_NETWORK)
        ET_TRY(et__archive_capture(&run->trained[s], trainer, false));
    for (size_t e = 0; e < trainer->plan.evals; e++) {
        /* Results of an earlier session hold the last evaluation only. */
        if (e + r->evals < trainer->plan.evals) continue;
        size_t to = e + r->evals - trainer->plan.evals;
        r->test[s * r->evals + to] = trainer->test_accuracy[e];
        r->train[s * r->evals + to] = trainer->train_accuracy[e];
        r->integer[s * r->evals + to] = trainer->integer_accuracy[e];
        r->eval_epoch[to] = trainer->eval_epoch[e];
    }
    if (variant->kind == ET__VARIANT_NETWORK) {
        memcpy(r->loss + s * losses, trainer->loss, losses * sizeof *r->loss);
        for (size_t k = 0; k < r->classes * r->classes; k++)
            r->confusion[k] += trainer->confusion[k];
    }
    r->ledger.passes += trainer->network->ledger.passes;
    r->ledger.device_s += trainer->network->ledger.device_s;
    r->ledger.device_J += trainer->network->ledger.device_J;
    r->digital_macs += trainer->network->digital_macs;
    r->done++;
    return ET_OK;
}

static enum et_status prepare_results(struct et__run *run, struct et__variant *variant,
                                      const struct et_trainer *trainer)
{
    const struct et__plan *plan = &trainer->plan;
    const struct et__results *r = &variant->results;
    size_t losses = plan->losses, classes = trainer->features->n_classes;
    if (r->seeds == 0)
        return et__results_create(&variant->results, run->seeds, plan->evals, plan->epochs, losses,
                                  classes);
    /* Made before, or read from a file, of a control the last evaluation only. */
    if (variant->kind != ET__VARIANT_NETWORK && r->evals <= plan->evals) return ET_OK;
    if (r->evals == plan->evals && r->epochs == plan->epochs && r->stages == losses &&
        r->classes == classes)
        return ET_OK;
    return et_error_set(ET_FORMAT, "the tables of %s do not fit this experiment", run->output);
}

static enum et_status run_seed(struct et__run *run, struct et__setup *setup,
                               struct et_store *checkpoint)
{
    struct et__variant *variant = &run->variant[run->at_variant];
    const struct et_method_type *method =
        et__method_find(et_config_type(et_config_at(variant->config, "method", 0)));
    struct et_trainer trainer;
    enum et_status status = et__setup_begin_seed(setup, run->at_seed, &trainer);
    if (status != ET_OK) goto out;
    trainer.tick = tick;
    trainer.user = run;
    status = prepare_results(run, variant, &trainer);
    bool later = variant->kind == ET__VARIANT_LATER;
    if (status == ET_OK && later) status = et__later_begin(run, variant, setup, &trainer);
    if (status == ET_OK && checkpoint != NULL) status = et__run_file_restore(checkpoint, &trainer);
    if (status != ET_OK) goto out;
    run->trainer = &trainer;
    if (later && et_config_int(variant->later, "epochs") == 0)
        status = et__trainer_evaluate(&trainer, setup->network.n_stages, 0);
    else
        status = method->train(&trainer);
    if (status == ET_OK && variant->kind == ET__VARIANT_NETWORK)
        status = et__run_keep_cases(run, &trainer);
    if (status == ET_OK) status = keep_results(run, variant, &trainer);
out:
    run->trainer = NULL;
    et__setup_end_seed(setup, &trainer);
    return status;
}

static enum et_status run_seeds(struct et__run *run, size_t v, struct et__setup *setup,
                                struct et_store *checkpoint)
{
    const struct et__variant *variant = &run->variant[v];
    for (size_t s = variant->results.done; s < run->seeds; s++) {
        bool resumed = v == run->resume_variant && s == run->resume_seed;
        run->at_variant = v;
        run->at_seed = s;
        enum et_status status = run_seed(run, setup, resumed ? checkpoint : NULL);
        if (status != ET_OK && status != ET_INTERRUPTED)
            et_error_while("running '%s', seed %zu of %zu", variant->name, s + 1, run->seeds);
        if (status != ET_OK) return status;
    }
    return ET_OK;
}

/* The network and the controls that only take its systems out share data and devices. */
static enum et_status open_shared(struct et__run *run)
{
    ET_TRY(et__setup_open(&run->setup, run->variant[0].config));
    ET_TRY(keep_texts(run, &run->setup));
    return et__run_check_later(run);
}

static enum et_status run_variant(struct et__run *run, size_t v, struct et_store *checkpoint)
{
    struct et__variant *variant = &run->variant[v];
    if (variant->kind == ET__VARIANT_CASE) return ET_OK;
    if (variant->results.seeds > 0 && variant->results.done == run->seeds) return ET_OK;
    if (variant->owned == NULL) {
        ET_TRY(et__setup_substitute(&run->setup, variant->control));
        return run_seeds(run, v, &run->setup, checkpoint);
    }
    struct et__setup setup;
    enum et_status status = et__setup_open(&setup, variant->config);
    if (status == ET_OK) status = run_seeds(run, v, &setup, checkpoint);
    et__setup_close(&setup);
    return status;
}

/* ------------------------------------------------------------------------- the whole run -- */

/* Makes the folders of a path. */
static enum et_status make_folders(const char *path)
{
    char *copy = et_strdup(path);
    if (copy == NULL) return ET_NOMEM;
    enum et_status status = ET_OK;
    for (char *slash = strchr(copy + 1, '/'); slash != NULL && status == ET_OK;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(copy, 0777) != 0 && errno != EEXIST)
            status = et_error_set(ET_IO, "cannot make the folder %s: %s", copy, strerror(errno));
        *slash = '/';
    }
    et_free(copy);
    return status;
}

/* A slip of the command line must not cost an experiment file or data. */
static enum et_status check_replaced(const char *output)
{
    unsigned char start[4];
    FILE *file = fopen(output, "rb");
    if (file == NULL) return ET_OK; /* new, or unreadable: the store will tell */
    size_t n = fread(start, 1, sizeof start, file);
    fclose(file);
    if (n == 0 || (n == sizeof start && memcmp(start, "\x89HDF", n) == 0)) return ET_OK;
    return et_error_set(ET_CONFIG, "%s exists and is no run file: it is not replaced", output);
}

/* Finds out before hours of work whether the run file can be written. */
static enum et_status check_output(const char *output)
{
    struct et_store *store;
    if (output[0] == '\0') return et_error_set(ET_CONFIG, "the run file has no name");
    ET_TRY(check_replaced(output));
    ET_TRY(make_folders(output));
    ET_TRY_WHILE(et_store_create(output, &store), "checking the run file's place");
    et_store_close(store);
    return ET_OK;
}

static enum et_status resume(struct et__run *run, struct et_store **store, bool *complete)
{
    enum et_status status = et_store_open(run->output, store);
    if (status == ET_MISSING) {
        et_log(ET_LOG_INFO, "nothing to resume at %s: starting from the beginning", run->output);
        et_error_clear();
        *store = NULL;
        return ET_OK;
    }
    if (status == ET_OK) status = et__run_file_resume(run, *store, complete);
    if (status != ET_OK) et_error_while("resuming %s", run->output);
    return status;
}

static enum et_status run_all(struct et__run *run)
{
    struct et_store *checkpoint = NULL;
    bool complete = false;
    enum et_status status = list_variants(run);
    if (status == ET_OK) status = check_output(run->output);
    if (status == ET_OK && run->options->resume) status = resume(run, &checkpoint, &complete);
    if (status != ET_OK) goto out;
    if (complete) {
        et_log(ET_LOG_INFO, "%s is complete already", run->output);
        goto out;
    }
    status = open_shared(run);
    if (status != ET_OK && run->options->resume) et_error_while("resuming %s", run->output);
    for (size_t v = 0; v < run->n_variants && status == ET_OK; v++)
        status = run_variant(run, v, checkpoint);
    if (status == ET_OK) status = et__run_file_write(run, true);
out:
    et_store_close(checkpoint);
    return status;
}

enum et_status et_experiment_run(struct et_experiment *experiment,
                                 const struct et_run_options *options)
{
    char output[512];
    struct et__run run = {
        .experiment = experiment,
        .options = options,
        .output = options->output ? options->output : output,
        .seeds = options->seeds > 0 ? options->seeds
                                    : (size_t)et_config_int(experiment->config, "seeds"),
        .checkpoint_s = et_config_real(experiment->config, "checkpoint_s"),
        .resume_variant = (size_t)-1, /* nowhere */
        .started = et__now_s(),
        .saved = et__now_s(),
    };
    snprintf(output, sizeof output, "runs/%.480s.h5", et_experiment_name(experiment));
    run.trained = et_alloc(run.seeds, sizeof *run.trained);
    enum et_status status = run.trained ? run_all(&run) : ET_NOMEM;
    et__setup_close(&run.setup);
    for (size_t v = 0; v < run.n_variants; v++) {
        et__results_destroy(&run.variant[v].results);
        et_config_close(run.variant[v].owned);
    }
    for (size_t s = 0; run.trained != NULL && s < run.seeds; s++)
        et__archive_destroy(&run.trained[s]);
    et_free(run.trained);
    et_free(run.variant);
    et__texts_destroy(&run.texts);
    return status;
}
