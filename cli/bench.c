/* SPDX-License-Identifier: Apache-2.0
 *
 * etalon bench: measurements beside a limit or a peer of the same rounds. */
#include "command.h"
#include "json.h"

#include "bench.h"

#include <etalon/parallel.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { KEY_MARKDOWN = KEY_OWN };

struct arguments {
    struct common common;
    bool markdown;
};

static const struct argp_option options[] = {
    {"json", KEY_JSON, NULL, 0, "Print one JSON object", 0},
    {"markdown", KEY_MARKDOWN, NULL, 0, "Print a table in Markdown", 0},
    {"threads", KEY_THREADS, "N", 0, "Threads (default: one per processor)", 0},
    {0},
};

static const struct operand operand = {"benchmark", false, NULL};

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    if (key != KEY_MARKDOWN) return argument_common(key, text, state, &operand, &arguments->common);
    arguments->markdown = true;
    return 0;
}

static const struct argp parser = {
    .options = options,
    .parser = parse,
    .args_doc = "[NAME]",
    .doc = "Runs a benchmark; without NAME lists them.  Each row stands beside a limit or a peer "
           "that was measured in the same rounds; a larger ratio is better, and the target is "
           "the ratio that the documentation promises.\v"
           "Example:\n"
           "  etalon bench waves --json",
};

static void print_json(const char *name, const struct et_bench_row *rows, size_t n)
{
    struct json json = {0};
    json_begin(&json, NULL, '{');
    json_string(&json, "bench", name);
    json_begin(&json, "rows", '[');
    for (size_t i = 0; i < n; i++) {
        json_begin(&json, NULL, '{');
        json_string(&json, "case", rows[i].name);
        json_number(&json, "value", rows[i].value);
        json_string(&json, "unit", rows[i].unit);
        json_number(&json, "limit", rows[i].limit);
        json_number(&json, "ratio", rows[i].ratio);
        json_number(&json, "target", rows[i].target);
        json_end(&json, '}');
    }
    json_end(&json, ']');
    json_end(&json, '}');
}

static void print_cell(double value, int width)
{
    if (isfinite(value))
        printf(" %*.4g", width, value);
    else
        printf(" %*s", width, "-");
}

static void print_text(const struct et_bench_row *rows, size_t n)
{
    printf("%-44s %11s %-12s %11s %8s %8s\n", "case", "value", "unit", "limit", "ratio", "target");
    for (size_t i = 0; i < n; i++) {
        printf("%-44s", rows[i].name);
        print_cell(rows[i].value, 11);
        printf(" %-12s", rows[i].unit ? rows[i].unit : "");
        print_cell(rows[i].limit, 11);
        print_cell(rows[i].ratio, 8);
        print_cell(rows[i].target, 8);
        bool missed = isfinite(rows[i].target) && rows[i].ratio < rows[i].target;
        puts(missed ? "  below target" : "");
    }
}

static void print_markdown_cell(double value)
{
    if (isfinite(value))
        printf(" %.3g |", value);
    else
        printf(" |");
}

/* Text of a cell: a bar would end it. */
static void print_markdown_text(const char *text)
{
    putchar(' ');
    for (; *text != '\0'; text++)
        if (*text == '|')
            fputs("\\|", stdout);
        else
            putchar(*text);
    fputs(" |", stdout);
}

static void print_markdown(const struct et_bench_row *rows, size_t n)
{
    puts("| case | value | unit | limit | ratio | target |\n|---|---:|---|---:|---:|---:|");
    for (size_t i = 0; i < n; i++) {
        putchar('|');
        print_markdown_text(rows[i].name);
        print_markdown_cell(rows[i].value);
        print_markdown_text(rows[i].unit ? rows[i].unit : "");
        print_markdown_cell(rows[i].limit);
        print_markdown_cell(rows[i].ratio);
        print_markdown_cell(rows[i].target);
        putchar('\n');
    }
}

static void list_benches(bool as_json)
{
    const struct et_bench_entry *entry;
    struct json json = {0};
    if (as_json) json_begin(&json, NULL, '[');
    for (size_t i = 0; (entry = et_bench_entries(i)) != NULL; i++) {
        if (!as_json) {
            printf("%-12s %s\n", entry->name, entry->summary);
            continue;
        }
        json_begin(&json, NULL, '{');
        json_string(&json, "name", entry->name);
        json_string(&json, "summary", entry->summary);
        json_end(&json, '}');
    }
    if (as_json)
        json_end(&json, ']');
    else if (et_bench_entries(0) == NULL)
        puts("no benchmark in this build");
}

static int unknown_bench(const char *name)
{
    enum { NAMES_MAX = 64 };
    const char *names[NAMES_MAX];
    const struct et_bench_entry *entry;
    size_t n = 0;
    for (; n < NAMES_MAX && (entry = et_bench_entries(n)) != NULL; n++)
        names[n] = entry->name;
    return command_unknown("etalon bench", "benchmark", name, names, n);
}

int command_bench(int argc, char **argv)
{
    struct arguments arguments = {0};
    argp_parse(&parser, argc, argv, 0, NULL, &arguments);
    struct common common = arguments.common;
    et_parallel_set_threads(common.threads);
    if (common.operand == NULL) {
        list_benches(common.json);
        return CODE_DONE;
    }
    const struct et_bench_entry *entry = NULL;
    for (size_t i = 0; (entry = et_bench_entries(i)) != NULL; i++)
        if (strcmp(entry->name, common.operand) == 0) break;
    if (entry == NULL) return unknown_bench(common.operand);

    struct et_bench *bench = NULL;
    enum et_status status = et_bench_run(entry, &bench);
    int code = CODE_DONE;
    if (status == ET_OK) {
        size_t n;
        const struct et_bench_row *rows = et_bench_rows(bench, &n);
        if (common.json)
            print_json(entry->name, rows, n);
        else if (arguments.markdown)
            print_markdown(rows, n);
        else
            print_text(rows, n);
    } else {
        code = command_fail("etalon bench", status);
    }
    et_bench_close(bench);
    return code;
}
