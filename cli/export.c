/* SPDX-License-Identifier: Apache-2.0
 *
 * etalon export: writes a system with its knobs in the exchange format of its field. */
#include "command.h"
#include "layer.h"

#include <etalon/array.h>
#include <etalon/dataset.h>
#include <etalon/store.h>
#include <etalon/system.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_LAYER = KEY_OWN, KEY_SYSTEM, KEY_TRAINED, KEY_DATASET, KEY_STEPS, KEY_DT, KEY_EVENTS };

static const struct argp_option options[] = {
    {"output", 'o', "FILE", 0, "File to write; required", 0},
    {"layer", KEY_LAYER, "K", 0, "Take the system of layer K (default 0)", 0},
    {"trained", KEY_TRAINED, "N", 0, "Take the knobs of the N-th seed of a run file (default 1)",
     0},
    {"system", KEY_SYSTEM, "YAML", 0, "Take this system instead of a file's", 0},
    {"set", KEY_SET, "PATH=VALUE", 0, "Override a value of the experiment; may be repeated", 0},
    {"dataset", KEY_DATASET, "YAML", 0, "Write this data set of frames as a NIRData recording", 0},
    {"steps", KEY_STEPS, "T", 0, "Frames of a sample of the data set", 0},
    {"dt", KEY_DT, "SECONDS", 0, "Length of such a frame", 0},
    {"events", KEY_EVENTS, NULL, 0, "List neurons and times instead of a grid", 0},
    {0},
};

struct arguments {
    struct common common;
    const char *system, *output, *dataset;
    size_t layer, trained, steps;
    double dt;
    bool file_only; /* an option that goes with a file was given */
    bool events;
};

static const struct operand operand = {"run or experiment file", true, NULL};

static void check(const struct arguments *arguments, struct argp_state *state)
{
    const int sources = (arguments->common.operand != NULL) + (arguments->system != NULL) +
                        (arguments->dataset != NULL);
    const bool framed = arguments->steps > 0 && arguments->dt > 0;
    if (sources != 1)
        argp_error(state, "give either a run file, an experiment file, --system, or --dataset");
    if (arguments->common.operand == NULL &&
        (arguments->file_only || arguments->common.overrides.n > 0))
        argp_error(state, "--layer, --trained and --set go with a file");
    if (arguments->dataset != NULL ? !framed
                                   : arguments->steps > 0 || arguments->dt > 0 || arguments->events)
        argp_error(state, arguments->dataset != NULL
                              ? "--dataset needs --steps and --dt"
                              : "--steps, --dt and --events go with --dataset");
    if (arguments->output == NULL) argp_error(state, "where to? --output FILE");
}

static double parse_dt(struct argp_state *state, const char *text)
{
    char *end = NULL;
    const double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value > 0) || value > 1e6)
        argp_error(state, "--dt: '%s' is not a number of seconds above 0", text);
    return value;
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case 'o':
        arguments->output = text;
        break;
    case KEY_LAYER:
        arguments->layer = argument_count(state, "--layer", text, 0, 100000);
        arguments->file_only = true;
        break;
    case KEY_TRAINED:
        arguments->trained = argument_count(state, "--trained", text, 1, 999);
        arguments->file_only = true;
        break;
    case KEY_SYSTEM:
        arguments->system = text;
        break;
    case KEY_DATASET:
        arguments->dataset = text;
        break;
    case KEY_STEPS:
        arguments->steps = argument_count(state, "--steps", text, 1, 1 << 30);
        break;
    case KEY_DT:
        arguments->dt = parse_dt(state, text);
        break;
    case KEY_EVENTS:
        arguments->events = true;
        break;
    case ARGP_KEY_END:
        check(arguments, state);
        break;
    default:
        return argument_common(key, text, state, &operand, &arguments->common);
    }
    return 0;
}

static const struct argp parser = {
    .options = options,
    .parser = parse,
    .args_doc = "[RUN.h5|EXPERIMENT.yaml]",
    .doc =
        "Writes a system with its present knobs in the exchange format of its field: the system "
        "of a layer of a run file with the knobs that it has learned, of an experiment file with "
        "those it starts from, or one that --system describes.  Spiking networks become NIR "
        "files; what the format cannot say is refused with the reason.  A data set of spikes in "
        "frames "
        "becomes a NIRData recording.\v"
        "Example:\n"
        "  etalon export runs/spikes.h5 --layer 0 --output net.nir\n"
        "  etalon export examples/nir-lif.yaml --output net.nir\n"
        "  etalon export --dataset \"$(cat set.yaml)\" --steps 30 --dt 1e-2 -o rec.h5",
};

/* Knobs that were not trained are not in the file: the device has them as it was opened. */
static enum et_status put_knobs(const struct arguments *arguments, struct et_store *store,
                                struct et_system *system)
{
    char path[128];
    struct et_array knobs = {0};
    snprintf(path, sizeof path, "/parameters/seed-%03zu", arguments->trained - 1);
    if (!et_store_has(store, path))
        return et_error_set(ET_MISSING, "the run file holds no trained network number %zu",
                            arguments->trained);
    snprintf(path, sizeof path, "/parameters/seed-%03zu/layer-%zu/knobs", arguments->trained - 1,
             arguments->layer);
    if (!et_store_has(store, path)) return ET_OK;
    ET_TRY(et_store_read_array(store, path, &knobs));
    enum et_status status = et_system_set_knobs(system, knobs.data, knobs.rows * knobs.cols);
    et_array_destroy(&knobs);
    return status;
}

static enum et_status open_run(const struct arguments *arguments, struct et_store *store,
                               struct et_system **system)
{
    char *text = NULL, *folder = NULL;
    struct et_config *config = NULL;
    enum et_status status = et_store_read_text(store, "/config/resolved", &text);
    if (status == ET_OK) status = et_store_read_text(store, "/config/folder", &folder);
    if (status == ET_OK)
        status = et_config_parse_in(arguments->common.operand, folder, text,
                                    arguments->common.overrides.item, arguments->common.overrides.n,
                                    et_experiment_params(), et_experiment_types, &config);
    if (status == ET_OK) status = layer_open(config, arguments->layer, NULL, system);
    if (status == ET_OK) status = put_knobs(arguments, store, *system);
    et_config_close(config);
    et_free(folder);
    et_free(text);
    return status;
}

static enum et_status open_experiment(const struct arguments *arguments, struct et_system **system)
{
    struct et_experiment *experiment = NULL;
    ET_TRY(et_experiment_load(arguments->common.operand, arguments->common.overrides.item,
                              arguments->common.overrides.n, &experiment));
    enum et_status status =
        layer_open(et_experiment_config(experiment), arguments->layer, NULL, system);
    et_experiment_close(experiment);
    return status;
}

/* A run file is told by its first bytes, so that its name is free. */
static bool is_hdf5(const char *path)
{
    unsigned char bytes[4] = {0};
    FILE *file = fopen(path, "rb");
    if (file == NULL) return false;
    const size_t n = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    return n == sizeof bytes && memcmp(bytes, "\x89HDF", 4) == 0;
}

static enum et_status open_system(const struct arguments *arguments, struct et_system **system)
{
    struct et_store *store = NULL;
    if (arguments->system != NULL) return et_system_open_text(arguments->system, 0, system);
    if (!is_hdf5(arguments->common.operand)) return open_experiment(arguments, system);
    ET_TRY(et_store_open(arguments->common.operand, &store));
    enum et_status status = open_run(arguments, store, system);
    et_store_close(store);
    return status;
}

static enum et_status export_dataset(const struct arguments *arguments)
{
    struct et_dataset dataset = {0};
    ET_TRY(et_dataset_load_text(arguments->dataset, 0, &dataset));
    enum et_status status = et_dataset_write_recording(
        &dataset, arguments->output, arguments->steps, arguments->dt, arguments->events);
    if (status == ET_OK)
        printf("%zu samples, %zu steps, %zu channels, written to %s\n", dataset.x.rows,
               arguments->steps, dataset.x.cols / arguments->steps, arguments->output);
    et_dataset_destroy(&dataset);
    return status;
}

static enum et_status export_system(const struct arguments *arguments)
{
    struct et_system *system = NULL;
    enum et_status status = open_system(arguments, &system);
    if (status == ET_OK) status = et_system_export(system, arguments->output);
    if (status == ET_OK)
        printf("%s: %zu inputs, %zu outputs, %zu knobs, written to %s\n", et_system_name(system),
               et_system_info(system)->n_in, et_system_info(system)->n_out,
               et_system_info(system)->n_knobs, arguments->output);
    et_system_close(system);
    return status;
}

int command_export(int argc, char **argv)
{
    struct arguments arguments = {.trained = 1};
    argp_parse(&parser, argc, argv, 0, NULL, &arguments);
    enum et_status status =
        arguments.dataset != NULL ? export_dataset(&arguments) : export_system(&arguments);
    et_free(arguments.common.overrides.item);
    return status == ET_OK ? CODE_DONE : command_fail("etalon export", status);
}
