/* SPDX-License-Identifier: Apache-2.0
 *
 * etalon list: what this build knows, and what it lacks and why. */
#include "command.h"
#include "json.h"

#include <stdio.h>
#include <string.h>

static const struct argp_option options[] = {
    {"json", KEY_JSON, NULL, 0, "Print one JSON object", 0},
    {0},
};

static const struct operand operand = {"family", false, NULL};

static error_t parse(int key, char *text, struct argp_state *state)
{
    return argument_common(key, text, state, &operand, state->input);
}

static const struct argp parser = {
    .options = options,
    .parser = parse,
    .args_doc = "[systems|transports|methods|objectives|datasets]",
    .doc = "Lists the types that an experiment file can name, with the reason when this build "
           "lacks one.\v"
           "Example:\n"
           "  etalon list systems",
};

static void print_json(const struct family *family, struct json *json)
{
    const struct et_type_entry *entry;
    json_begin(json, family->plural, '[');
    for (size_t i = 0; (entry = et_experiment_types(family->name, i)) != NULL; i++) {
        json_begin(json, NULL, '{');
        json_string(json, "name", entry->name);
        json_string(json, "summary", entry->summary);
        json_string(json, "absent", entry->absent);
        json_end(json, '}');
    }
    json_end(json, ']');
}

static void print_text(const struct family *family)
{
    const struct et_type_entry *entry;
    printf("%s\n", family->title);
    for (size_t i = 0; (entry = et_experiment_types(family->name, i)) != NULL; i++) {
        const char *summary = entry->summary ? entry->summary : "";
        if (entry->absent == NULL)
            printf("  %-14s %s\n", entry->name, summary);
        else
            printf("  %-14s not available: %s\n", entry->name, entry->absent);
    }
    if (et_experiment_types(family->name, 0) == NULL) puts("  none in this build");
}

int command_list(int argc, char **argv)
{
    struct common common = {0};
    argp_parse(&parser, argc, argv, 0, NULL, &common);

    const char *names[N_FAMILIES];
    bool known = common.operand == NULL;
    for (size_t i = 0; i < N_FAMILIES; i++) {
        names[i] = families[i].plural;
        if (!known && strcmp(names[i], common.operand) == 0) known = true;
    }
    if (!known) return command_unknown("etalon list", "family", common.operand, names, N_FAMILIES);

    struct json json = {0};
    bool first = true;
    if (common.json) json_begin(&json, NULL, '{');
    for (size_t i = 0; i < N_FAMILIES; i++) {
        if (common.operand != NULL && strcmp(names[i], common.operand) != 0) continue;
        if (common.json) {
            print_json(&families[i], &json);
        } else {
            if (!first) putchar('\n');
            print_text(&families[i]);
        }
        first = false;
    }
    if (common.json) json_end(&json, '}');
    return CODE_DONE;
}
