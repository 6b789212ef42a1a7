/* SPDX-License-Identifier: Apache-2.0
 *
 * etalon run: an experiment file goes in, a run file and a summary come out. */
#include "command.h"
#include "progress.h"
#include "summary.h"

#include <etalon/array.h>
#include <etalon/parallel.h>

#include <stdio.h>
#include <string.h>

enum { KEY_SEEDS = KEY_OWN, KEY_RESUME };

static const struct argp_option options[] = {
    {"output", 'o', "RUN.h5", 0, "Run file to write (default runs/<experiment>.h5)", 0},
    {"seeds", KEY_SEEDS, "N", 0, "Number of seeds (default: as the experiment says)", 0},
    {"threads", KEY_THREADS, "N", 0,
     "Threads (default: one per processor); results do not "
     "depend on it",
     0},
    {"set", KEY_SET, "PATH=VALUE", 0, "Override a value of the file; may be repeated", 0},
    {"resume", KEY_RESUME, NULL, 0, "Continue from the checkpoint in the run file", 0},
    {"quiet", 'q', NULL, 0, "No progress, no summary", 0},
    {"json", KEY_JSON, NULL, 0, "Print the summary as one JSON object", 0},
    {0},
};

struct arguments {
    struct common common;
    const char *output;
    size_t seeds;
    bool resume, quiet;
};

static const struct operand operand = {"experiment file", true, "which experiment file?"};

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case 'o':
        arguments->output = text;
        break;
    case KEY_SEEDS:
        arguments->seeds = argument_count(state, "--seeds", text, 1, 100000);
        break;
    case KEY_RESUME:
        arguments->resume = true;
        break;
    case 'q':
        arguments->quiet = true;
        break;
    default:
        return argument_common(key, text, state, &operand, &arguments->common);
    }
    return 0;
}

static const struct argp parser = {
    .options = options,
    .parser = parse,
    .args_doc = "EXPERIMENT.yaml",
    .doc = "Trains the network of an experiment file and its controls for every seed, writes the "
           "run file and prints a summary.\v"
           "Ctrl-C stops at the next batch with a valid checkpoint (exit code 3); the same "
           "command with --resume continues bit for bit.  A second Ctrl-C exits at once.\n\n"
           "Example:\n"
           "  etalon run examples/vowels-acoustic.yaml --seeds 3 --set method.epochs=5",
};

/* Tells how to go on after an interruption: the command that was given, plus --resume. */
static void print_resume(int argc, char **argv)
{
    fprintf(stderr, "etalon run: interrupted; the checkpoint is complete, continue with\n  ");
    bool has_resume = false;
    for (int i = 0; i < argc; i++) {
        bool plain = argv[i][strspn(argv[i], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                             "0123456789_-+=./,:")] == '\0';
        if (strcmp(argv[i], "--resume") == 0) has_resume = true;
        if (plain || i == 0) {
            fprintf(stderr, "%s ", argv[i]);
            continue;
        }
        fputc('\'', stderr);
        for (const char *s = argv[i]; *s != '\0'; s++) {
            if (*s == '\'')
                fputs("'\\''", stderr);
            else
                fputc(*s, stderr);
        }
        fputs("' ", stderr);
    }
    fputs(has_resume ? "\n" : "--resume\n", stderr);
}

static enum et_status train(const struct arguments *arguments, char *path, size_t size)
{
    struct et_experiment *experiment = NULL;
    ET_TRY(et_experiment_load(arguments->common.operand, arguments->common.overrides.item,
                              arguments->common.overrides.n, &experiment));
    if (arguments->output != NULL)
        snprintf(path, size, "%s", arguments->output);
    else
        snprintf(path, size, "runs/%s.h5", et_experiment_name(experiment));

    struct et_run_options run = {
        .output = arguments->output,
        .seeds = arguments->seeds,
        .resume = arguments->resume,
        .progress = progress_update,
        .should_stop = interrupt_asked,
    };
    interrupt_begin();
    progress_begin(arguments->quiet);
    enum et_status status = et_experiment_run(experiment, &run);
    progress_end();
    et_experiment_close(experiment);
    return status;
}

int command_run(int argc, char **argv)
{
    struct arguments arguments = {0};
    /* argp moves options in front of arguments; a message repeats them in any order. */
    argp_parse(&parser, argc, argv, 0, NULL, &arguments);
    et_parallel_set_threads(arguments.common.threads);

    char path[4096];
    enum et_status status = train(&arguments, path, sizeof path);
    int code = CODE_DONE;
    if (status == ET_INTERRUPTED) {
        code = command_code(status);
        print_resume(argc, argv);
    } else if (status != ET_OK) {
        code = command_fail("etalon run", status);
    } else if (arguments.common.json || !arguments.quiet) {
        code = summary_show("etalon run", path, arguments.common.json);
    }
    et_free(arguments.common.overrides.item);
    return code;
}
