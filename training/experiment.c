/* SPDX-License-Identifier: Apache-2.0
 *
 * Experiment files: the top-level table and loading. */
#include "run.h"

#include <etalon/dataset.h>
#include <etalon/system.h>
#include <etalon/transport.h>

#include <stdlib.h>
#include <string.h>

/* clang-format off */
static const struct et_param split_params[] = {
    {.name = "test", .kind = ET_PARAM_REAL, .initial = "0.2", .min = 0.001, .max = 0.999,
     .doc = "Share of the samples held out (data sets with a test part keep it)."},
    {.name = "folds", .kind = ET_PARAM_INT, .initial = "0", .min = 0, .max = 10000,
     .doc = "k-fold cross-validation: seed s tests on fold s mod k; 0 = random splits."},
    {.name = "by_group", .kind = ET_PARAM_BOOL, .initial = "false",
     .doc = "Keep all samples of a speaker on one side."},
    {0},
};

static const struct et_param variant_params[] = {
    {.name = "name", .kind = ET_PARAM_STRING, .initial = NULL, .doc = "Name of the control."},
    {.name = "set", .kind = ET_PARAM_STRINGS, .initial = NULL, .min_count = 1,
     .doc = "Changes, each path=value."},
    {0},
};

static const struct et_param params[] = {
    {.name = "experiment", .kind = ET_PARAM_STRING, .initial = NULL,
     .doc = "Name; the run file is runs/<name>.h5."},
    {.name = "description", .kind = ET_PARAM_STRING, .initial = "\"\"",
     .doc = "What the experiment shows."},
    {.name = "seed", .kind = ET_PARAM_INT, .initial = "1", .min = 0, .max = 9007199254740992.0,
     .doc = "Everything random in the run derives from it."},
    {.name = "seeds", .kind = ET_PARAM_INT, .initial = "10", .min = 1, .max = 100000,
     .doc = "Independent repetitions: split, weights, noise."},
    {.name = "device_seed", .kind = ET_PARAM_INT, .initial = "1", .min = 0,
     .max = 9007199254740992.0, .doc = "Identity of the devices, the same for all seeds."},
    {.name = "dataset", .kind = ET_PARAM_TYPE, .initial = NULL, .choices = "dataset",
     .doc = "Labelled samples."},
    {.name = "split", .kind = ET_PARAM_RECORD, .initial = "{}", .fields = split_params,
     .doc = "Training and test part."},
    {.name = "features", .kind = ET_PARAM_RECORD, .initial = "{}", .fields = et__features_params,
     .doc = "From samples to the network's input."},
    {.name = "layers", .kind = ET_PARAM_RECORDS, .initial = "[]", .fields = et__stage_params,
     .max_count = 1000,
     .doc = "Stages, the first one sees the features; none with a method that brings its own "
            "network."},
    {.name = "method", .kind = ET_PARAM_TYPE, .initial = NULL, .choices = "method",
     .doc = "How the digital weights learn."},
    {.name = "controls", .kind = ET_PARAM_STRINGS, .initial = "[zeros, identity, random, linear]",
     .doc = "The same network without its physics (zeros, identity, random), and a linear "
            "classifier."},
    {.name = "variants", .kind = ET_PARAM_RECORDS, .initial = "[]", .fields = variant_params,
     .doc = "Controls of your own: the experiment with some parameters changed."},
    {.name = "later", .kind = ET_PARAM_RECORDS, .initial = "[]", .fields = et__later_params,
     .doc = "The trained network on a changed device: an aged or imperfect one, a bench."},
    {.name = "checkpoint_s", .kind = ET_PARAM_REAL, .initial = "10", .min = 0, .max = 86400,
     .unit = "s", .doc = "Seconds between checkpoints at least; 0 = at every batch."},
    {0},
};
/* clang-format on */

const struct et_param *et_experiment_params(void)
{
    return params;
}

const struct et_type_entry *et_experiment_types(const char *family, size_t i)
{
    if (strcmp(family, "system") == 0) return et_system_types(family, i);
    if (strcmp(family, "dataset") == 0) return et_dataset_types(family, i);
    if (strcmp(family, "transport") == 0) return et_transport_types(family, i);
    return et_method_types(family, i);
}

enum et_status et__experiment_create(const char *path, const char *const *overrides,
                                     size_t n_overrides, struct et_config *config,
                                     struct et_experiment **experiment)
{
    struct et_experiment *made = et_alloc(1, sizeof *made);
    *experiment = NULL;
    if (made == NULL) {
        et_config_close(config);
        return ET_NOMEM;
    }
    made->config = config;
    made->path = et_strdup(path);
    char *folder = realpath(et_config_directory(config), NULL);
    made->folder = et_strdup(folder ? folder : "");
    free(folder); /* realpath's own */
    made->override = et_alloc(n_overrides, sizeof *made->override);
    bool complete = made->path != NULL && made->folder != NULL && made->override != NULL;
    for (size_t i = 0; complete && i < n_overrides; i++) {
        made->override[i] = et_strdup(overrides[i]);
        complete = made->override[i] != NULL;
        made->n_overrides = i + 1;
    }
    if (!complete) {
        et_experiment_close(made);
        return ET_NOMEM;
    }
    *experiment = made;
    return ET_OK;
}

/* The name becomes a file's name and a line of the summary. */
static enum et_status check_experiment_name(const struct et_config *config)
{
    const char *name = et_config_string(config, "experiment");
    size_t length = strlen(name);
    bool printable = length > 0 && length < sizeof((struct et_run_summary *)0)->experiment;
    for (size_t i = 0; i < length; i++)
        if (name[i] == '/' || (unsigned char)name[i] < ' ') printable = false;
    if (printable) return ET_OK;
    return et_config_error(config, "experiment",
                           "a name that becomes a file's name has 1 to 127 printable characters "
                           "and no '/'");
}

enum et_status et_experiment_load(const char *path, const char *const *overrides,
                                  size_t n_overrides, struct et_experiment **experiment)
{
    struct et_config *config;
    *experiment = NULL;
    ET_TRY(et_config_load(path, overrides, n_overrides, params, et_experiment_types, &config));
    enum et_status status = check_experiment_name(config);
    if (status == ET_OK)
        return et__experiment_create(path, overrides, n_overrides, config, experiment);
    et_config_close(config);
    return status;
}

void et_experiment_close(struct et_experiment *experiment)
{
    if (experiment == NULL) return;
    et_config_close(experiment->config);
    for (size_t i = 0; i < experiment->n_overrides; i++)
        et_free(experiment->override[i]);
    et_free(experiment->override);
    et_free(experiment->path);
    et_free(experiment->folder);
    et_free(experiment);
}

const char *et_experiment_name(const struct et_experiment *experiment)
{
    return et_config_string(experiment->config, "experiment");
}

const struct et_config *et_experiment_config(const struct et_experiment *experiment)
{
    return experiment->config;
}
