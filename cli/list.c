/* SPDX-License-Identifier: Apache-2.0
 *
 * etalon list: what this build knows, and what it lacks and why. */
#include "command.h"
#include "json.h"

#include <stdio.h>
#include <string.h>

enum { KEY_JSON = 256 };

static const struct argp_option options[] = {
    {"json", KEY_JSON, NULL, 0, "Print one JSON object", 0},
    {0},
};

struct arguments {
    const char *family;
    bool json;
};

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case KEY_JSON:
        arguments->json = true;
        break;
    case ARGP_KEY_ARG:
        if (arguments->family != NULL) argp_error(state, "one family at a time");
        arguments->family = text;
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
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
    struct arguments arguments = {0};
    argp_parse(&parser, argc, argv, 0, NULL, &arguments);

    const char *names[N_FAMILIES];
    bool known = arguments.family == NULL;
    for (size_t i = 0; i < N_FAMILIES; i++) {
        names[i] = families[i].plural;
        if (!known && strcmp(names[i], arguments.family) == 0) known = true;
    }
    if (!known)
        return command_unknown("etalon list", "family", arguments.family, names, N_FAMILIES);

    struct json json = {0};
    bool first = true;
    if (arguments.json) json_begin(&json, NULL, '{');
    for (size_t i = 0; i < N_FAMILIES; i++) {
        if (arguments.family != NULL && strcmp(names[i], arguments.family) != 0) continue;
        if (arguments.json) {
            print_json(&families[i], &json);
        } else {
            if (!first) putchar('\n');
            print_text(&families[i]);
        }
        first = false;
    }
    if (arguments.json) json_end(&json, '}');
    return CODE_DONE;
}
