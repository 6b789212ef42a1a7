/* SPDX-License-Identifier: Apache-2.0
 *
 * etalon new: a commented template to start from. */
#include "command.h"
#include "template.h" /* generated from experiment.yaml: template_experiment */
#include "types.h"

#include <etalon/array.h>

#include <stdio.h>
#include <string.h>

static const struct operand operand = {"type", false, "which type? `etalon list' names them"};

static error_t parse(int key, char *text, struct argp_state *state)
{
    return argument_common(key, text, state, &operand, state->input);
}

static const struct argp parser = {
    .parser = parse,
    .args_doc = "TYPE|FAMILY/TYPE|experiment",
    .doc = "Prints a commented template of a type, with the default, range and unit of every "
           "parameter; `experiment' gives a complete experiment that runs as it is.\v"
           "Example:\n"
           "  etalon new experiment > first.yaml\n"
           "  etalon new acoustic",
};

int command_new(int argc, char **argv)
{
    struct common common = {0};
    argp_parse(&parser, argc, argv, 0, NULL, &common);
    const char *type = common.operand;
    if (strcmp(type, "experiment") == 0) {
        fputs(template_experiment, stdout);
        return CODE_DONE;
    }
    const struct family *family;
    size_t position = 0;
    struct et_type_entry entry;
    if (!types_find(type, &position, &entry, &family)) return types_unknown("etalon new", type);
    if (entry.absent != NULL) {
        fprintf(stderr, "etalon new: %s is not available: %s\n", entry.name, entry.absent);
        return CODE_ABSENT;
    }
    if (strcmp(family->name, "transport") == 0) {
        fprintf(stderr,
                "etalon new: a transport has no template, a URI chooses it; see `etalon "
                "describe transport/%s'\n",
                entry.name);
        return CODE_USAGE;
    }
    char *text = NULL;
    enum et_status status = et_param_template(entry.params, entry.name, et_experiment_types, &text);
    if (status != ET_OK) return command_fail("etalon new", status);
    fputs(text, stdout);
    et_free(text);
    return CODE_DONE;
}
