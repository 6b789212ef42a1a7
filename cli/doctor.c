/* SPDX-License-Identifier: Apache-2.0
 *
 * etalon doctor: versions, processor, and optional parts found or missing and why. */
#include "command.h"
#include "json.h"

#include <stdio.h>

static const struct argp_option options[] = {
    {"json", KEY_JSON, NULL, 0, "Print one JSON object", 0},
    {0},
};

static error_t parse(int key, char *text, struct argp_state *state)
{
    switch (key) {
    case KEY_JSON:
        *(bool *)state->input = true;
        break;
    case ARGP_KEY_ARG:
        argp_error(state, "'%s' is too many: there are no arguments", text);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const struct argp parser = {
    .options = options,
    .parser = parse,
    .doc = "Prints versions, processor features, and which optional parts this build and this "
           "machine lack.\v"
           "Example:\n"
           "  etalon doctor --json",
};

/* Prints each absent type, as text when json is NULL; returns how many there are. */
static size_t each_absent(struct json *json)
{
    size_t n = 0;
    for (size_t f = 0; f < N_FAMILIES; f++) {
        const struct et_type_entry *entry;
        for (size_t i = 0; (entry = et_experiment_types(families[f].name, i)) != NULL; i++) {
            if (entry->absent == NULL) continue;
            n++;
            if (json == NULL) {
                printf("  %s %s: %s\n", families[f].name, entry->name, entry->absent);
                continue;
            }
            json_begin(json, NULL, '{');
            json_string(json, "family", families[f].name);
            json_string(json, "name", entry->name);
            json_string(json, "reason", entry->absent);
            json_end(json, '}');
        }
    }
    return n;
}

int command_doctor(int argc, char **argv)
{
    bool as_json = false;
    argp_parse(&parser, argc, argv, 0, NULL, &as_json);
    const struct et_environment_entry *entries;
    size_t n = et_environment(&entries);
    if (as_json) {
        struct json json = {0};
        json_begin(&json, NULL, '{');
        for (size_t i = 0; i < n; i++)
            json_string(&json, entries[i].name, entries[i].value);
        json_begin(&json, "absent", '[');
        each_absent(&json);
        json_end(&json, ']');
        json_end(&json, '}');
        return CODE_DONE;
    }
    for (size_t i = 0; i < n; i++)
        printf("%-13s %s\n", entries[i].name, entries[i].value);
    puts("\nTypes that this build lacks");
    if (each_absent(NULL) == 0) puts("  none");
    return CODE_DONE;
}
