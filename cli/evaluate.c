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

enum { KEY_ALL = KEY_OWN, KEY_COMPARE };

static const struct argp_option options[] = {
    {"set", KEY_SET, "PATH=VALUE", 0,
     "Override a value of the stored experiment: another data "
     "set, another system, more noise; may be repeated",
     0},
    {"all", KEY_ALL, NULL, 0, "Use all rows of the data set, not the test part alone", 0},
    {"compare", KEY_COMPARE, NULL, 0,
     "Evaluate without the overrides too and count the answers that differ", 0},
    {"threads", KEY_THREADS, "N", 0, "Threads (default: one per processor)", 0},
    {"json", KEY_JSON, NULL, 0, "Print one JSON object", 0},
    {0},
};

struct arguments {
    struct common common;
    bool all, compare;
};

enum { CASES = 16 }; /* at most */

/* Answers of the same rows by the stored experiment. */
struct comparison {
    size_t n, differ, differ_integer;
    size_t differ_case[CASES]; /* of networks with cases */
    double seconds, seconds_stored;
};

static const struct operand operand = {"run file", true, "which run file?"};

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case KEY_ALL:
        arguments->all = true;
        break;
    case KEY_COMPARE:
        arguments->compare = true;
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
           "  etalon evaluate runs/vowels-acoustic.h5 --set dataset.spread=1.5\n"
           "  etalon evaluate runs/digits-bnn.h5 --compare \\\n"
           "      --set 'layers.0.system.device=\"verilator:\"'",
};

static void print_json_cases(struct json *json, const struct et_evaluation *evaluation,
                             const struct comparison *comparison)
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
        if (comparison != NULL) json_integer(json, "differ", comparison->differ_case[i]);
        json_end(json, '}');
    }
    json_end(json, ']');
}

static void print_json(const struct et_evaluation *evaluation, const struct comparison *comparison)
{
    size_t n = evaluation->n_classes;
    struct json json = {0};
    json_begin(&json, NULL, '{');
    summary_json_accuracy(&json, "test_accuracy", &evaluation->test);
    if (evaluation->integer.seeds > 0)
        summary_json_accuracy(&json, "integer_accuracy", &evaluation->integer);
    if (comparison != NULL) {
        json_begin(&json, "compare", '{');
        json_integer(&json, "answers", comparison->n);
        json_integer(&json, "differ", comparison->differ);
        json_integer(&json, "differ_integer", comparison->differ_integer);
        json_number(&json, "seconds", comparison->seconds);
        json_number(&json, "seconds_stored", comparison->seconds_stored);
        json_end(&json, '}');
    }
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
    if (evaluation->n_cases > 0) print_json_cases(&json, evaluation, comparison);
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

static void print_cases(const struct et_evaluation *evaluation, const struct comparison *comparison)
{
    printf("\n%-12s %-44s %14s %14s %14s %14s%s\n", "case", "accuracy ± sd   95 % CI of the mean",
           "cycles", "steps", "beats read", "beats written", comparison ? "     differ" : "");
    for (size_t i = 0; i < evaluation->n_cases; i++) {
        const struct et_evaluation_case *one = &evaluation->cases[i];
        char text[128];
        summary_format_accuracy(&one->test, text, sizeof text);
        printf("%-12s %-45s", one->name, text);
        print_count(one->cycles);
        print_count(one->steps);
        print_count(one->read_beats);
        print_count(one->write_beats);
        if (comparison != NULL) printf(" %10zu", comparison->differ_case[i]);
        putchar('\n');
    }
    puts("Counts are per sample.");
}

static void print_comparison(const struct et_evaluation *evaluation,
                             const struct comparison *comparison)
{
    printf("differ    %zu of %zu answers", comparison->differ, comparison->n);
    if (evaluation->integer.seeds > 0) printf(", %zu by integers", comparison->differ_integer);
    printf("; %.2f s, as stored %.2f s\n", comparison->seconds, comparison->seconds_stored);
}

static void print_text(const struct et_evaluation *evaluation, const struct comparison *comparison)
{
    char text[128];
    size_t n = evaluation->n_classes;
    summary_format_accuracy(&evaluation->test, text, sizeof text);
    printf("accuracy  %s of the mean; %zu seed%s, %zu samples each\n", text, evaluation->test.seeds,
           evaluation->test.seeds == 1 ? "" : "s", evaluation->n_samples);
    if (evaluation->integer.seeds > 0) {
        summary_format_accuracy(&evaluation->integer, text, sizeof text);
        printf("integers  %s of the mean\n", text);
    }
    if (comparison != NULL) print_comparison(evaluation, comparison);
    putchar('\n');
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
    if (evaluation->n_cases > 0) print_cases(evaluation, comparison);
}

static size_t differences(const int32_t *a, const int32_t *b, size_t n)
{
    size_t differ = 0;
    for (size_t i = 0; i < n; i++)
        differ += a[i] != b[i];
    return differ;
}

static enum et_status compare(const struct arguments *arguments,
                              const struct et_evaluation *evaluation, struct comparison *comparison)
{
    struct et_evaluation stored;
    ET_TRY(et_run_evaluate(arguments->common.operand, NULL, 0, arguments->all, &stored));
    size_t n = evaluation->n_samples, rows = evaluation->n_rows, seeds = evaluation->test.seeds;
    enum et_status status = ET_OK;
    if (stored.n_rows != rows || stored.n_samples != n)
        status = et_error_set(ET_SHAPE, "answers of %zu samples cannot be compared with %zu", n,
                              stored.n_samples);
    for (size_t s = 0; status == ET_OK && s < seeds; s++) {
        const int32_t *a = evaluation->answer + s * 2 * rows, *b = stored.answer + s * 2 * rows;
        comparison->differ += differences(a, b, n);
        comparison->differ_integer += differences(a + n, b + n, n);
    }
    for (size_t i = 0; status == ET_OK && i < evaluation->n_cases; i++)
        comparison->differ_case[i] =
            differences(evaluation->cases[i].answer, stored.cases[i].answer, seeds * n);
    comparison->n = seeds * n;
    comparison->seconds = evaluation->seconds;
    comparison->seconds_stored = stored.seconds;
    et_evaluation_destroy(&stored);
    return status;
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
    struct comparison comparison = {0}, *compared = arguments.compare ? &comparison : NULL;
    if (status == ET_OK && arguments.compare) status = compare(&arguments, &evaluation, compared);
    if (status == ET_OK && arguments.common.json)
        print_json(&evaluation, compared);
    else if (status == ET_OK)
        print_text(&evaluation, compared);
    et_evaluation_destroy(&evaluation);
    if (status != ET_OK) return command_fail("etalon evaluate", status);
    return CODE_DONE;
}
