/* SPDX-License-Identifier: Apache-2.0
 *
 * etalon evaluate: the trained network of a run file, on other data or another system. */
#include "command.h"
#include "summary.h"

#include <etalon/array.h>
#include <etalon/parallel.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

enum { KEY_ALL = KEY_OWN };

static const struct argp_option options[] = {
    {"set", KEY_SET, "PATH=VALUE", 0,
     "Override a value of the stored experiment: another data "
     "set, another system, more noise; may be repeated",
     0},
    {"all", KEY_ALL, NULL, 0, "Use all rows of the data set, not the test part alone", 0},
    {"threads", KEY_THREADS, "N", 0, "Threads (default: one per processor)", 0},
    {"json", KEY_JSON, NULL, 0, "Print one JSON object", 0},
    {0},
};

struct arguments {
    struct common common;
    bool all;
};

static const struct operand operand = {"run file", true, "which run file?"};

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case KEY_ALL:
        arguments->all = true;
        break;
    default:
        return argument_common(key, text, state, &operand, &arguments->common);
    }
    return 0;
}

static const struct argp parser = {
    .options = options,
    .parser = parse,
    .args_doc = "RUN.h5",
    .doc = "Evaluates the trained network of a run file, of every seed; nothing is trained.\v"
           "Scalings stay those of the training.  `seed' and `split' say which rows are the test "
           "part and cannot change, unless --all takes all rows of new data.\n\n"
           "Example:\n"
           "  etalon evaluate runs/vowels-acoustic.h5 --set dataset.spread=1.5",
};

static void print_json_cases(struct json *json, const struct et_evaluation *evaluation)
{
    json_begin(json, "cases", '[');
    for (size_t i = 0; i < evaluation->n_cases; i++) {
        const struct et_evaluation_case *one = &evaluation->cases[i];
        json_begin(json, NULL, '{');
        json_string(json, "case", one->name);
        summary_json_accuracy(json, "test_accuracy", &one->test);
        json_number(json, "cycles_per_sample", one->cycles);
        json_number(json, "steps_per_sample", one->steps);
        json_number(json, "beats_read_per_sample", one->read_beats);
        json_number(json, "beats_written_per_sample", one->write_beats);
        json_end(json, '}');
    }
    json_end(json, ']');
}

static void print_json(const struct et_evaluation *evaluation)
{
    size_t n = evaluation->n_classes;
    struct json json = {0};
    json_begin(&json, NULL, '{');
    summary_json_accuracy(&json, "test_accuracy", &evaluation->test);
    json_integer(&json, "samples", evaluation->n_samples);
    json_begin(&json, "accuracy", '[');
    for (size_t i = 0; i < evaluation->test.seeds; i++)
        json_number(&json, NULL, evaluation->accuracy[i]);
    json_end(&json, ']');
    json_begin(&json, "confusion", '[');
    for (size_t row = 0; row < n; row++) {
        json_begin(&json, NULL, '[');
        for (size_t col = 0; col < n; col++)
            json_integer(&json, NULL, evaluation->confusion[row * n + col]);
        json_end(&json, ']');
    }
    json_end(&json, ']');
    if (evaluation->n_cases > 0) print_json_cases(&json, evaluation);
    json_end(&json, '}');
}

/* A number per sample, or nothing where no device counts. */
static void print_count(double value)
{
    if (isfinite(value))
        printf(" %14.1f", value);
    else
        printf(" %14s", "-");
}

static void print_cases(const struct et_evaluation *evaluation)
{
    printf("\n%-12s %-44s %14s %14s %14s %14s\n", "case", "accuracy ± sd   95 % CI of the mean",
           "cycles", "steps", "beats read", "beats written");
    for (size_t i = 0; i < evaluation->n_cases; i++) {
        const struct et_evaluation_case *one = &evaluation->cases[i];
        char text[128];
        summary_format_accuracy(&one->test, text, sizeof text);
        printf("%-12s %-45s", one->name, text);
        print_count(one->cycles);
        print_count(one->steps);
        print_count(one->read_beats);
        print_count(one->write_beats);
        putchar('\n');
    }
    puts("Counts are per sample.");
}

static void print_text(const struct et_evaluation *evaluation)
{
    char text[128];
    size_t n = evaluation->n_classes;
    summary_format_accuracy(&evaluation->test, text, sizeof text);
    printf("accuracy  %s of the mean; %zu seed%s, %zu samples each\n\n", text,
           evaluation->test.seeds, evaluation->test.seeds == 1 ? "" : "s", evaluation->n_samples);
    puts("confusion, summed over seeds (row: true class, column: answer)");
    printf("%8s", "");
    for (size_t col = 0; col < n; col++)
        printf(" %7zu", col);
    putchar('\n');
    for (size_t row = 0; row < n; row++) {
        printf("%8zu", row);
        for (size_t col = 0; col < n; col++)
            printf(" %7" PRIu64, evaluation->confusion[row * n + col]);
        putchar('\n');
    }
    if (evaluation->n_cases > 0) print_cases(evaluation);
}

int command_evaluate(int argc, char **argv)
{
    struct arguments arguments = {0};
    argp_parse(&parser, argc, argv, 0, NULL, &arguments);
    et_parallel_set_threads(arguments.common.threads);
    struct et_evaluation evaluation = {0};
    enum et_status status =
        et_run_evaluate(arguments.common.operand, arguments.common.overrides.item,
                        arguments.common.overrides.n, arguments.all, &evaluation);
    et_free(arguments.common.overrides.item);
    if (status != ET_OK) return command_fail("etalon evaluate", status);
    if (arguments.common.json)
        print_json(&evaluation);
    else
        print_text(&evaluation);
    et_evaluation_destroy(&evaluation);
    return CODE_DONE;
}
