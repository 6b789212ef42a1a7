/* SPDX-License-Identifier: Apache-2.0
 *
 * etalon describe: a type, its parameters, and what a system made with the defaults is like. */
#include "command.h"
#include "describe_nir.h"
#include "json.h"
#include "types.h"

#include <etalon/system.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct argp_option options[] = {
    {"json", KEY_JSON, NULL, 0, "Print one JSON object", 0},
    {0},
};

static const struct operand operand = {"type", false, "which type? `etalon list' names them"};

static error_t parse(int key, char *text, struct argp_state *state)
{
    return argument_common(key, text, state, &operand, state->input);
}

static const struct argp parser = {
    .options = options,
    .parser = parse,
    .args_doc = "TYPE|FAMILY/TYPE|experiment|FILE.nir",
    .doc = "Explains a system, transport, method, objective or data set: each parameter with its "
           "default, range and unit; of a system also its sizes, cost and traits when it opens "
           "with the defaults.  Of a NIR file: its nodes, the shapes of their fields, its edges.\v"
           "Example:\n"
           "  etalon describe acoustic\n"
           "  etalon describe system/random --json\n"
           "  etalon describe examples/nir-lif.nir",
};

static const char *const kind_names[] = {
    [ET_PARAM_BOOL] = "boolean",         [ET_PARAM_INT] = "integer",
    [ET_PARAM_REAL] = "number",          [ET_PARAM_STRING] = "text",
    [ET_PARAM_CHOICE] = "choice",        [ET_PARAM_REALS] = "numbers",
    [ET_PARAM_STRINGS] = "texts",        [ET_PARAM_RECORD] = "map",
    [ET_PARAM_RECORDS] = "list of maps", [ET_PARAM_TYPE] = "type",
    [ET_PARAM_TYPES] = "list of types",
};

static const struct {
    unsigned trait;
    const char *name;
} traits[] = {
    {ET_STATEFUL, "stateful"}, {ET_NOISY, "noisy"},         {ET_HAS_KNOBS, "knobs"},
    {ET_HAS_VJP, "vjp"},       {ET_EXCLUSIVE, "exclusive"}, {ET_SURROGATE, "surrogate"},
    {ET_LEARNS, "learns"},
};
enum { N_TRAITS = sizeof traits / sizeof *traits };

static bool has_range(const struct et_param *param)
{
    bool numeric = param->kind == ET_PARAM_INT || param->kind == ET_PARAM_REAL ||
                   param->kind == ET_PARAM_REALS;
    return numeric && !(param->min == 0 && param->max == 0);
}

static bool names_family(const struct et_param *param)
{
    return param->kind == ET_PARAM_TYPE || param->kind == ET_PARAM_TYPES;
}

/* Prints a sentence behind the margin of the docs, broken between words. */
static void print_wrapped(const char *text)
{
    enum { MARGIN = 25, WIDTH = 75 };
    text += strspn(text, " ");
    while (*text != '\0') {
        size_t n = strlen(text);
        if (n > WIDTH) {
            n = WIDTH;
            while (n > 0 && text[n] != ' ')
                n--;
            if (n == 0) n = strcspn(text, " ");
        }
        printf("%*s%.*s\n", MARGIN, "", (int)n, text);
        text += n;
        text += strspn(text, " ");
    }
}

static void print_params(const struct et_param *table, int margin)
{
    for (const struct et_param *param = table; param && param->name; param++) {
        printf("%*s%-*s %s", margin, "", 24 - margin, param->name, kind_names[param->kind]);
        if (names_family(param))
            printf(" of family %s", param->choices);
        else if (param->choices != NULL)
            printf(" %s", param->choices);
        if (param->unit != NULL && param->unit[0] != '\0') printf(" in %s", param->unit);
        if (param->initial == NULL)
            printf(", required");
        else if (param->initial[0] == '\0')
            printf(", optional");
        else
            printf(", default %s", param->initial);
        if (has_range(param)) printf(", range [%.10g, %.10g]", param->min, param->max);
        if (param->max_count > 0)
            printf(", %zu to %zu entries", param->min_count, param->max_count);
        else if (param->min_count > 0)
            printf(", at least %zu entries", param->min_count);
        putchar('\n');
        print_wrapped(param->doc ? param->doc : "");
        if (param->fields != NULL) print_params(param->fields, margin + 2);
    }
}

static void print_params_json(struct json *json, const struct et_param *table)
{
    json_begin(json, "parameters", '[');
    for (const struct et_param *param = table; param && param->name; param++) {
        json_begin(json, NULL, '{');
        json_string(json, "name", param->name);
        json_string(json, "kind", kind_names[param->kind]);
        json_bool(json, "required", param->initial == NULL);
        json_string(json, "default", param->initial);
        json_number(json, "min", has_range(param) ? param->min : NAN);
        json_number(json, "max", has_range(param) ? param->max : NAN);
        json_string(json, "unit", param->unit ? param->unit : "");
        json_string(json, "doc", param->doc ? param->doc : "");
        if (param->choices != NULL)
            json_string(json, names_family(param) ? "family" : "choices", param->choices);
        if (param->fields != NULL) print_params_json(json, param->fields);
        json_end(json, '}');
    }
    json_end(json, ']');
}

static void print_cost(const char *name, double value, const char *unit)
{
    if (isfinite(value))
        printf("  %-22s %.6g %s\n", name, value, unit);
    else
        printf("  %-22s unknown\n", name);
}

static bool has_knob_range(const struct et_system_info *info)
{
    return info->n_knobs > 0 && info->knob_min < info->knob_max;
}

static void print_system(const struct et_system_info *info)
{
    puts("\nWith the defaults (cost is a model, not a measurement)");
    printf("  %-22s %zu, each in [%g, %g] %s\n", "inputs", info->n_in, (double)info->in_min,
           (double)info->in_max, info->in_unit ? info->in_unit : "");
    printf("  %-22s %zu %s\n", "outputs", info->n_out, info->out_unit ? info->out_unit : "");
    printf("  %-22s %zu", "knobs", info->n_knobs);
    if (has_knob_range(info))
        printf(", each in [%g, %g]", (double)info->knob_min, (double)info->knob_max);
    printf(" %s\n", info->knob_unit ? info->knob_unit : "");
    print_cost("latency of a pass", info->latency_s, "s");
    print_cost("energy of a pass", info->energy_J, "J");
    printf("  %-22s", "traits");
    for (size_t i = 0; i < N_TRAITS; i++)
        if (info->traits & traits[i].trait) printf(" %s", traits[i].name);
    puts(info->traits ? "" : " none");
}

static void print_system_json(struct json *json, const struct et_system_info *info)
{
    json_begin(json, "with_defaults", '{');
    json_integer(json, "n_in", info->n_in);
    json_integer(json, "n_out", info->n_out);
    json_integer(json, "n_knobs", info->n_knobs);
    json_number(json, "in_min", (double)info->in_min);
    json_number(json, "in_max", (double)info->in_max);
    json_string(json, "in_unit", info->in_unit);
    json_string(json, "out_unit", info->out_unit);
    json_string(json, "knob_unit", info->knob_unit);
    json_number(json, "knob_min", has_knob_range(info) ? (double)info->knob_min : NAN);
    json_number(json, "knob_max", has_knob_range(info) ? (double)info->knob_max : NAN);
    json_number(json, "latency_s", info->latency_s);
    json_number(json, "energy_J", info->energy_J);
    json_begin(json, "traits", '[');
    for (size_t i = 0; i < N_TRAITS; i++)
        if (info->traits & traits[i].trait) json_string(json, NULL, traits[i].name);
    json_end(json, ']');
    json_end(json, '}');
}

/* A system that the defaults alone can make; NULL when it needs more than that. */
static struct et_system *open_defaults(const struct et_type_entry *entry,
                                       const struct family *family)
{
    if (strcmp(family->name, "system") != 0 || entry->absent != NULL) return NULL;
    char yaml[128];
    struct et_system *system = NULL;
    snprintf(yaml, sizeof yaml, "{type: %s}", entry->name);
    if (et_system_open_text(yaml, 0, &system) != ET_OK) et_error_clear();
    return system;
}

static void describe_entry(const struct et_type_entry *entry, const struct family *family,
                           struct json *json)
{
    struct et_system *system = open_defaults(entry, family);
    const struct et_system_info *info = system ? et_system_info(system) : NULL;
    if (json != NULL) {
        json_begin(json, NULL, '{');
        json_string(json, "type", entry->name);
        json_string(json, "family", family->name);
        json_string(json, "summary", entry->summary);
        json_string(json, "absent", entry->absent);
        print_params_json(json, entry->params);
        if (info != NULL) print_system_json(json, info);
        json_end(json, '}');
    } else {
        printf("%s (%s): %s\n", entry->name, family->name, entry->summary ? entry->summary : "");
        if (entry->absent != NULL) printf("not available: %s\n", entry->absent);
        if (entry->params != NULL && entry->params->name != NULL) puts("\nParameters");
        print_params(entry->params, 2);
        if (info != NULL) print_system(info);
    }
    et_system_close(system);
}

int command_describe(int argc, char **argv)
{
    struct common common = {0};
    argp_parse(&parser, argc, argv, 0, NULL, &common);
    static const struct family file = {"experiments", "experiment", "Experiment files"};
    struct et_type_entry entry = {"experiment", "an experiment file", et_experiment_params(), NULL};
    struct json json = {0};
    const struct family *family = &file;
    size_t position = 0;
    if (strcmp(common.operand, "experiment") == 0) {
        describe_entry(&entry, family, common.json ? &json : NULL);
        return CODE_DONE;
    }
    const char *ending = strrchr(common.operand, '.');
    if (ending != NULL && strcmp(ending, ".nir") == 0) {
        enum et_status status = describe_nir(common.operand, common.json ? &json : NULL);
        return status == ET_OK ? CODE_DONE : command_fail("etalon describe", status);
    }
    if (!types_find(common.operand, &position, &entry, &family))
        return types_unknown("etalon describe", common.operand);

    /* A name that two families share gives both: JSON is a list then. */
    struct et_type_entry other;
    const struct family *other_family;
    size_t ahead = position;
    bool several = types_find(common.operand, &ahead, &other, &other_family);
    if (several && common.json) json_begin(&json, NULL, '[');
    describe_entry(&entry, family, common.json ? &json : NULL);
    while (types_find(common.operand, &position, &entry, &family)) {
        if (!common.json) putchar('\n');
        describe_entry(&entry, family, common.json ? &json : NULL);
    }
    if (several && common.json) json_end(&json, ']');
    return CODE_DONE;
}
