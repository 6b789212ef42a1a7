/* SPDX-License-Identifier: Apache-2.0
 *
 * Configuration: a tree of nodes checked against tables of parameters, with defaults filled in. */
#include "config_internal.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    RESOLVED_MAX = 64 << 20, /* bytes of the resolved texts of all maps of a document */
    MAPS_DEPTH_MAX = 30,     /* of checked maps: leaves room for a list around each when resolved */
    LABEL_MAX = 160          /* "taps[2]" */
};

static const double int_max = 9007199254740992.0; /* 2^53 */

/* One parameter of one map under check; index is that of a list's entry or SIZE_MAX. */
struct check {
    struct et__document *document;
    const struct et_param *param;
    const struct et__node *node;
    size_t index, depth;
    struct et__place map_place;
};

static const char *label(const struct check *check, char buffer[LABEL_MAX])
{
    if (check->index == SIZE_MAX)
        snprintf(buffer, LABEL_MAX, "%s", check->param->name);
    else
        snprintf(buffer, LABEL_MAX, "%s[%zu]", check->param->name, check->index);
    return buffer;
}

static bool number_parse(const struct et__node *node, double *value)
{
    if (node->kind != ET__NODE_SCALAR || !node->plain) return false;
    const char *text = node->text + (*node->text == '-' || *node->text == '+');
    size_t whole = strspn(text, "0123456789"), fraction = 0;
    text += whole;
    if (*text == '.') {
        text++;
        fraction = strspn(text, "0123456789");
        text += fraction;
    }
    if (whole + fraction == 0) return false;
    if (*text == 'e' || *text == 'E') {
        text++;
        text += *text == '-' || *text == '+';
        size_t exponent = strspn(text, "0123456789");
        if (exponent == 0) return false;
        text += exponent;
    }
    *value = strtod(node->text, NULL);
    return *text == '\0';
}

static enum et_status wrong_kind(const struct check *check, const char *expected)
{
    const struct et__node *node = check->node;
    char name[LABEL_MAX], text[ET__SHOWN_MAX];
    double number;
    const char *found = "nothing";
    if (node->kind == ET__NODE_LIST) found = "a list";
    if (node->kind == ET__NODE_MAP) found = "a map";
    if (node->kind != ET__NODE_SCALAR)
        return et__fail(&node->place, "%s: expected %s, found %s", label(check, name), expected,
                        found);
    found = !node->plain                  ? "the quoted text"
            : number_parse(node, &number) ? "the number"
                                          : "the text";
    return et__fail(&node->place, "%s: expected %s, found %s '%s'", label(check, name), expected,
                    found, et__shown(node->text, text, sizeof text));
}

static enum et_status check_range(const struct check *check, double value)
{
    const struct et_param *param = check->param;
    if (!et__param_has_range(param) || (value >= param->min && value <= param->max)) return ET_OK;
    char name[LABEL_MAX], text[ET__SHOWN_MAX], min[ET__NUMBER_MAX], max[ET__NUMBER_MAX];
    const char *unit = param->unit ? param->unit : "", *space = *unit ? " " : "";
    return et__fail(&check->node->place, "%s = %s%s%s is outside [%s, %s]%s%s", label(check, name),
                    et__shown(check->node->text, text, sizeof text), space, unit,
                    et__number_text(param->min, min), et__number_text(param->max, max), space,
                    unit);
}

static enum et_status check_real(const struct check *check, double *value)
{
    if (!number_parse(check->node, value)) return wrong_kind(check, "a number");
    if (!isfinite(*value)) return wrong_kind(check, "a number of at most 1.8e308 in magnitude");
    return check_range(check, *value);
}

static enum et_status check_int(const struct check *check, int64_t *value)
{
    double real;
    if (!number_parse(check->node, &real) || floor(real) != real)
        return wrong_kind(check, "an integer");
    /* Digits alone are read exactly: 2^53 + 1 would round to 2^53 as a double. */
    bool exact = check->node->text[strspn(check->node->text, "+-0123456789")] == '\0';
    bool fits = fabs(real) <= int_max;
    if (fits) *value = exact ? strtoll(check->node->text, NULL, 10) : (int64_t)real;
    if (!fits || *value > (int64_t)int_max || *value < -(int64_t)int_max)
        return wrong_kind(check, "an integer of at most 2^53 in magnitude");
    return check_range(check, real);
}

static enum et_status check_bool(const struct check *check, bool *value)
{
    const struct et__node *node = check->node;
    bool scalar = node->kind == ET__NODE_SCALAR && node->plain;
    *value = scalar && strcmp(node->text, "true") == 0;
    if (*value || (scalar && strcmp(node->text, "false") == 0)) return ET_OK;
    return wrong_kind(check, "true or false");
}

static enum et_status check_string(const struct check *check, const char **value)
{
    if (check->node->kind != ET__NODE_SCALAR) return wrong_kind(check, "text");
    *value = check->node->text;
    return ET_OK;
}

static enum et_status check_choice(const struct check *check, struct et__value *value)
{
    const char *choices = check->param->choices, *choice;
    size_t length, n = 0;
    ET_TRY(check_string(check, &value->string));
    for (; et__choice_at(choices, n, &choice, &length); n++) {
        if (strlen(value->string) == length && memcmp(choice, value->string, length) == 0) {
            value->choice = n;
            return ET_OK;
        }
    }
    char *copy = et__document_text(check->document, choices, strlen(choices));
    const char **names = et__document_take(check->document, n, sizeof *names);
    if (!copy || !names) return ET_NOMEM;
    for (size_t i = 0; i < n; i++)
        names[i] = strtok_r(copy, "|", &copy);
    char name[LABEL_MAX], text[ET__SHOWN_MAX];
    const char *near = et_nearest_name(value->string, names, n);
    return et__fail(&check->node->place, "%s: expected one of %s, found '%s'%s%s%s",
                    label(check, name), choices, et__shown(value->string, text, sizeof text),
                    near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* Names the nearest entry, or all entries when none is near. */
static enum et_status unknown_type(const struct check *check, const struct et__node *name)
{
    struct et__document *document = check->document;
    const char *family = check->param->choices;
    size_t n = 0, used = 0;
    while (document->types && document->types(family, n))
        n++;
    const char **names = et__document_take(document, n, sizeof *names);
    if (!names) return ET_NOMEM;
    char text[ET__SHOWN_MAX], all[400] = "";
    for (size_t i = 0; i < n; i++) {
        names[i] = document->types(family, i)->name;
        if (used < sizeof all)
            used += (size_t)snprintf(all + used, sizeof all - used, "%s%s", i > 0 ? ", " : "",
                                     names[i]);
    }
    const char *near = et_nearest_name(name->text, names, n);
    document->excused = true;
    et__shown(name->text, text, sizeof text);
    if (near)
        return et__fail(&name->place, "unknown %s '%s'; did you mean '%s'?", family, text, near);
    return et__fail(&name->place, "unknown %s '%s'; known are: %s", family, text,
                    n > 0 ? all : "none");
}

static enum et_status ET_PRINTF(2, 3)
    unsupported(const struct et__place *place, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    enum et_status status = et__vfail(ET_UNSUPPORTED, place, format, list);
    va_end(list);
    return status;
}

/* {type: NAME, ...} or NAME alone. */
static enum et_status check_type(const struct check *check, struct et_config **config)
{
    struct et__document *document = check->document;
    const struct et__node *node = check->node, *name = node;
    const char *family = check->param->choices;
    char expected[LABEL_MAX];
    snprintf(expected, sizeof expected, "a %s (its name, or a map with `type:`)", family);
    if (node->kind == ET__NODE_MAP) {
        const struct et__pair *pair = et__pair_find(node, "type");
        if (!pair) {
            char text[LABEL_MAX];
            return et__fail(&node->place, "%s: missing `type:`, the name of a %s",
                            label(check, text), family);
        }
        name = pair->node;
    }
    if (name->kind != ET__NODE_SCALAR) {
        struct check inner = *check;
        inner.node = name;
        return wrong_kind(&inner, expected);
    }
    const struct et_type_entry *entry = NULL;
    for (size_t i = 0; document->types && (entry = document->types(family, i)) != NULL; i++)
        if (strcmp(entry->name, name->text) == 0) break;
    if (!entry) return unknown_type(check, name);
    if (entry->absent)
        return unsupported(&name->place, "%s '%s' is not in this build: %s", family, entry->name,
                           entry->absent);
    struct et__map_check inner = {.document = document,
                                  .node = node,
                                  .table = entry->params,
                                  .family = family,
                                  .type = entry->name,
                                  .label = "",
                                  .outer = check->map_place,
                                  .depth = check->depth + 1};
    return et__config_check(&inner, config);
}

static enum et_status check_record(const struct check *check, struct et_config **config)
{
    if (check->node->kind != ET__NODE_MAP && check->node->kind != ET__NODE_NULL)
        return wrong_kind(check, "a map");
    char text[LABEL_MAX];
    struct et__map_check inner = {.document = check->document,
                                  .node = check->node,
                                  .table = check->param->fields,
                                  .type = "",
                                  .label = label(check, text),
                                  .outer = check->map_place,
                                  .depth = check->depth + 1};
    return et__config_check(&inner, config);
}

static enum et_status check_count(const struct check *check)
{
    const struct et_param *param = check->param;
    size_t n = check->node->count, min = param->min_count, max = param->max_count;
    if (n >= min && (max == 0 || n <= max)) return ET_OK;
    char expected[64];
    if (max == 0)
        snprintf(expected, sizeof expected, "at least %zu", min);
    else if (min == max)
        snprintf(expected, sizeof expected, "%zu", min);
    else
        snprintf(expected, sizeof expected, "%zu to %zu", min, max);
    return et__fail(&check->node->place, "%s: expected %s %s, found %zu", param->name, expected,
                    max == 1 || (max == 0 && min == 1) ? "entry" : "entries", n);
}

static enum et_status check_list(const struct check *check, struct et__value *value)
{
    struct et__document *document = check->document;
    enum et_param_kind kind = check->param->kind;
    if (check->node->kind != ET__NODE_LIST)
        return wrong_kind(check, kind == ET_PARAM_REALS     ? "a list of numbers"
                                 : kind == ET_PARAM_STRINGS ? "a list of texts"
                                                            : "a list of maps");
    ET_TRY(check_count(check));
    size_t n = check->node->count;
    document->n_values += n;
    value->reals =
        kind == ET_PARAM_REALS ? et__document_take(document, n, sizeof *value->reals) : NULL;
    value->strings =
        kind == ET_PARAM_STRINGS ? et__document_take(document, n, sizeof *value->strings) : NULL;
    bool maps = kind == ET_PARAM_RECORDS || kind == ET_PARAM_TYPES;
    value->maps = maps ? et__document_take(document, n, sizeof(struct et_config *)) : NULL;
    if (!value->reals && !value->strings && !value->maps) return ET_NOMEM;
    struct check entry = *check;
    for (const struct et__pair *pair = check->node->first; pair; pair = pair->next) {
        size_t i = entry.index = value->count;
        entry.node = pair->node;
        if (kind == ET_PARAM_REALS) ET_TRY(check_real(&entry, &value->reals[i]));
        if (kind == ET_PARAM_STRINGS) ET_TRY(check_string(&entry, &value->strings[i]));
        if (kind == ET_PARAM_RECORDS) ET_TRY(check_record(&entry, &value->maps[i]));
        if (kind == ET_PARAM_TYPES) ET_TRY(check_type(&entry, &value->maps[i]));
        value->count++;
    }
    return ET_OK;
}

static enum et_status check_value(const struct check *check, struct et__value *value)
{
    switch (check->param->kind) {
    case ET_PARAM_BOOL:
        return check_bool(check, &value->flag);
    case ET_PARAM_INT:
        return check_int(check, &value->integer);
    case ET_PARAM_REAL:
        return check_real(check, &value->real);
    case ET_PARAM_STRING:
        return check_string(check, &value->string);
    case ET_PARAM_CHOICE:
        return check_choice(check, value);
    case ET_PARAM_REALS:
    case ET_PARAM_STRINGS:
    case ET_PARAM_RECORDS:
    case ET_PARAM_TYPES:
        return check_list(check, value);
    case ET_PARAM_RECORD:
    case ET_PARAM_TYPE:
        break;
    }
    bool record = check->param->kind == ET_PARAM_RECORD;
    const char *initial = check->param->initial;
    if (!record && check->node->kind == ET__NODE_NULL && initial && *initial == '\0') return ET_OK;
    value->maps = et__document_take(check->document, 1, sizeof(struct et_config *));
    if (!value->maps) return ET_NOMEM;
    value->count = 1;
    return record ? check_record(check, value->maps) : check_type(check, value->maps);
}

/* The tree of a default.  Most are one word or number and need no parser. */
static enum et_status default_parse(struct et__document *document, const struct et_param *param,
                                    struct et__node **node)
{
    static const char word[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.+-";
    struct et__source *source = et__document_take(document, 1, sizeof *source);
    char *name = et__document_take(document, strlen(param->name) + sizeof "default of ''", 1);
    if (!source || !name) return ET_NOMEM;
    sprintf(name, "default of '%s'", param->name);
    const char *text = param->initial;
    *source = (struct et__source){
        .kind = ET__SOURCE_DEFAULT, .name = name, .text = text, .length = strlen(text)};
    struct et__place place = et__place_at(source, 0, source->length);
    bool list = strcmp(text, "[]") == 0, map = strcmp(text, "{}") == 0;
    bool empty_string = param->kind == ET_PARAM_STRING && *text == '\0';
    bool plain = text[strspn(text, word)] == '\0' && *text != '-' && !et__is_null_text(text);
    if (!list && !map && !empty_string && !plain) return et__yaml_parse(document, source, node);
    *node = et__document_take(document, 1, sizeof **node);
    if (!*node) return ET_NOMEM;
    **node = (struct et__node){.kind = list  ? ET__NODE_LIST
                                       : map ? ET__NODE_MAP
                                             : ET__NODE_SCALAR,
                               .plain = plain,
                               .text = text,
                               .place = place};
    return ET_OK;
}

static const char *owner(const struct et__map_check *check, char buffer[LABEL_MAX])
{
    if (check->family)
        snprintf(buffer, LABEL_MAX, " of %s '%s'", check->family, check->type);
    else
        snprintf(buffer, LABEL_MAX, *check->label ? " of '%s'" : "%s", check->label);
    return buffer;
}

static enum et_status check_names(const struct et__map_check *check)
{
    size_t n = et__param_count(check->table);
    for (const struct et__pair *pair = check->node->first; pair; pair = pair->next) {
        if (check->family && strcmp(pair->key, "type") == 0) continue;
        size_t i = 0;
        while (i < n && strcmp(check->table[i].name, pair->key) != 0)
            i++;
        if (i < n) continue;
        const char **names = et__document_take(check->document, n, sizeof *names);
        if (!names) return ET_NOMEM;
        for (i = 0; i < n; i++)
            names[i] = check->table[i].name;
        const char *near = et_nearest_name(pair->key, names, n);
        char of[LABEL_MAX], text[ET__SHOWN_MAX];
        return et__fail(&pair->key_place, "unknown parameter '%s'%s%s%s%s",
                        et__shown(pair->key, text, sizeof text), owner(check, of),
                        near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
    return ET_OK;
}

/* In a text that a run file has kept, a default is a value like any other but for its mark, behind
 * the value or, where that has lines of its own, behind the name. */
static bool is_marked(const struct et__pair *pair)
{
    const struct et__source *source = pair->key_place.source;
    const size_t start = sizeof ET__STORED_START - 1, mark = sizeof ET__DEFAULT_MARK - 1;
    if (pair->node->place.source != source || !source->text ||
        strncmp(source->text, ET__STORED_START, start) != 0)
        return false;
    const char *line = source->text + pair->key_place.start;
    const size_t length = strcspn(line, "\n");
    return length > mark && strncmp(line + length - mark, ET__DEFAULT_MARK, mark) == 0;
}

static enum et_status check_param(const struct et__map_check *map, struct et_config *config,
                                  size_t i)
{
    const struct et_param *param = &config->table[i];
    struct et__value *value = &config->values[i];
    struct check check = {.document = map->document,
                          .param = param,
                          .index = SIZE_MAX,
                          .depth = map->depth,
                          .map_place = config->place};
    const struct et__pair *pair =
        map->node->kind == ET__NODE_MAP ? et__pair_find(map->node, param->name) : NULL;
    value->place = config->place;
    if (pair) {
        check.node = pair->node;
        value->given = pair->node->place.source->kind != ET__SOURCE_DEFAULT && !is_marked(pair);
        if (value->given) value->place = pair->node->place;
        return check_value(&check, value);
    }
    if (!param->initial) {
        char of[LABEL_MAX];
        map->document->excused = true;
        return et__fail(&config->place, "missing parameter '%s'%s%s%s%s", param->name,
                        owner(map, of), param->doc ? " (" : "", param->doc ? param->doc : "",
                        param->doc ? ")" : "");
    }
    if (param->kind == ET_PARAM_TYPE && *param->initial == '\0') return ET_OK;
    struct et__node *node = NULL;
    enum et_status status = default_parse(map->document, param, &node);
    check.node = node;
    if (status == ET_OK) status = check_value(&check, value);
    assert((status != ET_CONFIG || map->document->excused) && "a table has an invalid default");
    return status;
}

enum et_status et__config_check(const struct et__map_check *check, struct et_config **config)
{
    struct et__document *document = check->document;
    bool is_default = check->node->place.source->kind == ET__SOURCE_DEFAULT;
    struct et__place place = is_default ? check->outer : check->node->place;
    size_t n = et__param_count(check->table);
    document->n_values += n + (check->family != NULL);
    if (check->depth > MAPS_DEPTH_MAX || document->n_values >= ET__NODES_MAX) {
        document->excused = true;
        return et__fail(&place, "with all defaults, more than %d maps in each other or %d values",
                        MAPS_DEPTH_MAX, ET__NODES_MAX);
    }
    if (check->node->kind == ET__NODE_MAP) ET_TRY(check_names(check));
    struct et_config *map = et__document_take(document, 1, sizeof *map);
    if (!map) return ET_NOMEM;
    *map = (struct et_config){
        .document = document, .table = check->table, .place = place, .type = check->type};
    map->values = et__document_take(document, n, sizeof *map->values);
    if (!map->values) return ET_NOMEM;
    for (size_t i = 0; i < n; i++)
        ET_TRY(check_param(check, map, i));
    document->scratch.length = 0;
    et__config_write(&document->scratch, map, false);
    if (document->scratch.failed) return ET_NOMEM;
    document->n_resolved += document->scratch.length;
    if (document->scratch.length > ET__TEXT_MAX || document->n_resolved > RESOLVED_MAX)
        return et__fail(&place, "more than %d MiB of text with all defaults", ET__TEXT_MAX >> 20);
    map->resolved = et__document_text(document, document->scratch.data, document->scratch.length);
    if (!map->resolved) return ET_NOMEM;
    *config = map;
    return ET_OK;
}
