/* SPDX-License-Identifier: Apache-2.0
 *
 * etalon simulate: sends inputs through a system once. */
#include "command.h"
#include "frames.h"
#include "layer.h"
#include "simulate_input.h"

#include <etalon/parallel.h>
#include <etalon/system.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum {
    KEY_LAYER = KEY_OWN,
    KEY_SYSTEM,
    KEY_INPUT,
    KEY_SAMPLES,
    KEY_SEED,
    KEY_FRAMES,
    KEY_ANIMATION,
    KEY_EVERY
};

static const struct argp_option options[] = {
    {"layer", KEY_LAYER, "K", 0, "Take the system of layer K of the experiment (default 0)", 0},
    {"system", KEY_SYSTEM, "YAML", 0, "Take this system instead of an experiment's", 0},
    {"set", KEY_SET, "PATH=VALUE", 0, "Override a value of the experiment; may be repeated", 0},
    {"input", KEY_INPUT, "CSV|random", 0, "Inputs, one sample per line (default random)", 0},
    {"samples", KEY_SAMPLES, "N", 0, "Number of random samples (default 1)", 0},
    {"seed", KEY_SEED, "N", 0,
     "Seed of the device, its noise and random inputs (default: the experiment's device; 0 for "
     "--system)",
     0},
    {"output", 'o', "FILE.h5", 0,
     "File for inputs, outputs and fields (default "
     "runs/simulate.h5)",
     0},
    {"frames", KEY_FRAMES, "DIR", 0, "Draw the field of the first sample as PNG files", 0},
    {"animation", KEY_ANIMATION, "FILE.gif", 0,
     "Draw the field of the first sample as a looping animation", 0},
    {"every", KEY_EVERY, "N", 0, "Keep the field of every N-th time step (default 50)", 0},
    {"threads", KEY_THREADS, "N", 0, "Threads (default: one per processor)", 0},
    {0},
};

struct arguments {
    struct common common;
    const char *system, *input, *output, *frames, *animation;
    size_t layer, samples, seed, every;
    bool layer_given, seed_given;
};

static void check(const struct arguments *arguments, struct argp_state *state)
{
    if ((arguments->common.operand == NULL) == (arguments->system == NULL))
        argp_error(state, "give either an experiment file or --system");
    if (arguments->system != NULL && (arguments->layer_given || arguments->common.overrides.n > 0))
        argp_error(state, "--layer and --set go with an experiment file");
}

static const struct operand operand = {"experiment file", true, NULL};

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case KEY_LAYER:
        arguments->layer = argument_count(state, "--layer", text, 0, 100000);
        arguments->layer_given = true;
        break;
    case KEY_SYSTEM:
        arguments->system = text;
        break;
    case KEY_INPUT:
        arguments->input = text;
        break;
    case KEY_SAMPLES:
        arguments->samples = argument_count(state, "--samples", text, 1, 1 << 30);
        break;
    case KEY_SEED:
        arguments->seed = argument_count(state, "--seed", text, 0, SIZE_MAX / 2);
        arguments->seed_given = true;
        break;
    case 'o':
        arguments->output = text;
        break;
    case KEY_FRAMES:
        arguments->frames = text;
        break;
    case KEY_ANIMATION:
        arguments->animation = text;
        break;
    case KEY_EVERY:
        arguments->every = argument_count(state, "--every", text, 1, 1 << 30);
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
    .args_doc = "[EXPERIMENT.yaml]",
    .doc = "Runs a physical system once: inputs, outputs and, for a system with a field, the "
           "field of the first sample go to an HDF5 file.\v"
           "Example:\n"
           "  etalon simulate examples/vowels-acoustic.yaml --frames frames --every 20\n"
           "  etalon simulate --system '{type: random, n_in: 4, n_out: 8}' --samples 3",
};

static enum et_status open_layer(const struct arguments *arguments, struct et_system **system)
{
    struct et_experiment *experiment = NULL;
    const uint64_t seed = arguments->seed;
    ET_TRY(et_experiment_load(arguments->common.operand, arguments->common.overrides.item,
                              arguments->common.overrides.n, &experiment));
    enum et_status status = layer_open(et_experiment_config(experiment), arguments->layer,
                                       arguments->seed_given ? &seed : NULL, system);
    et_experiment_close(experiment);
    return status;
}

static enum et_status write_file(const char *path, const struct et_system *system, struct et_view x,
                                 struct et_view y, const struct frames *frames)
{
    const struct et_system_info *info = et_system_info(system);
    struct et_store *store = NULL;
    ET_TRY(et_store_create(path, &store));
    enum et_status status = et_store_write_text(store, "/system", et_system_name(system),
                                                "Type of the system.", ET_STABLE);
    if (status == ET_OK)
        status = et_store_write_view(store, "/inputs", x, info->in_unit ? info->in_unit : "1",
                                     "What went in, [sample][input].");
    if (status == ET_OK)
        status = et_store_write_view(store, "/outputs", y, info->out_unit ? info->out_unit : "1",
                                     "What came out, [sample][output].");
    if (status == ET_OK) status = frames_store(frames, store);
    if (status == ET_OK) return et_store_commit(&store);
    et_store_close(store);
    return status;
}

/* Sends x through the system, watching its field when it has one. */
static enum et_status pass(struct et_system *system, const struct arguments *arguments,
                           struct et_view x, struct et_view y, struct frames *frames)
{
    struct et_observer observer = {arguments->every, frames_add, frames};
    enum et_status observed = et_system_observe(system, &observer);
    const char *drawn = arguments->frames      ? "--frames"
                        : arguments->animation ? "--animation"
                                               : NULL;
    if (observed == ET_UNSUPPORTED && drawn != NULL)
        return et_error_set(ET_CONFIG, "%s: system '%s' has no field", drawn,
                            et_system_name(system));
    if (observed != ET_OK && observed != ET_UNSUPPORTED) return observed;
    et_error_clear();
    struct et_step step = {.seed = arguments->seed};
    ET_TRY(et_system_forward(system, &step, x, y));
    if (frames->failure.status != ET_OK) {
        et_error_put(&frames->failure);
        return frames->failure.status;
    }
    return ET_OK;
}

static void print_result(const struct et_system *system, struct et_view x, struct et_view y,
                         const struct frames *frames, const char *path)
{
    const struct et_system_info *info = et_system_info(system);
    struct et_ledger ledger = et_system_ledger(system);
    printf("%s: %zu sample%s, %zu inputs, %zu outputs, %.3g s on this computer\n",
           et_system_name(system), x.rows, x.rows == 1 ? "" : "s", x.cols, y.cols, ledger.wall_s);
    bool has_unit = info->out_unit != NULL && info->out_unit[0] != '\0';
    printf("outputs of sample 0 [%s]:", has_unit ? info->out_unit : "1");
    for (size_t i = 0; i < y.cols && i < 12; i++)
        printf(" %.4g", (double)y.data[i]);
    puts(y.cols > 12 ? " ..." : "");
    if (frames->n > 0)
        printf("field: %zu frames of %zu x %zu cells of %.4g m\n", frames->n, frames->nx,
               frames->ny, frames->dx_m);
    printf("written to %s\n", path);
}

static enum et_status simulate(const struct arguments *arguments, const char *path)
{
    struct et_system *system = NULL;
    struct et_array x = {0}, y = {0};
    struct frames frames = {0};
    enum et_status status;
    if (arguments->system != NULL)
        status = et_system_open_text(arguments->system, arguments->seed, &system);
    else
        status = open_layer(arguments, &system);
    if (status != ET_OK) goto out;

    const struct et_system_info *info = et_system_info(system);
    if (strcmp(arguments->input, "random") == 0)
        status = simulate_draw(info, arguments->seed, arguments->samples, &x);
    else
        status = simulate_read_csv(arguments->input, info->n_in, &x);
    if (status == ET_OK) status = et_array_create(&y, x.rows, info->n_out);
    if (status == ET_OK)
        status = pass(system, arguments, et_array_view(&x), et_array_view(&y), &frames);
    if (status == ET_OK)
        status = write_file(path, system, et_array_view(&x), et_array_view(&y), &frames);
    if (status == ET_OK && arguments->frames != NULL)
        status = frames_draw(&frames, arguments->frames);
    if (status == ET_OK && arguments->animation != NULL)
        status = frames_animate(&frames, arguments->animation);
    if (status == ET_OK) print_result(system, et_array_view(&x), et_array_view(&y), &frames, path);
out:
    frames_free(&frames);
    et_array_destroy(&y);
    et_array_destroy(&x);
    et_system_close(system);
    return status;
}

int command_simulate(int argc, char **argv)
{
    struct arguments arguments = {.input = "random", .samples = 1, .every = 50};
    argp_parse(&parser, argc, argv, 0, NULL, &arguments);
    et_parallel_set_threads(arguments.common.threads);
    const char *path = arguments.output;
    if (path == NULL) {
        path = "runs/simulate.h5";
        /* A folder that cannot be made shows up as a file that cannot be written. */
        if (mkdir("runs", 0777) != 0 && errno != EEXIST) errno = 0;
    }
    enum et_status status = simulate(&arguments, path);
    et_free(arguments.common.overrides.item);
    return status == ET_OK ? CODE_DONE : command_fail("etalon simulate", status);
}
