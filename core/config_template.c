/* SPDX-License-Identifier: Apache-2.0
 *
 * Configuration: writing.  The resolved form of a checked map, the commented template of a table.
 */
#include "config_internal.h"

#include <etalon/array.h>

#include <ctype.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    INDENT = 2,
    COMMENT_COLUMNS = 98,
    EXAMPLE_DEPTH = 8 /* of examples for required systems inside systems */
};

/* ------------------------------------------------------------------------------------ text -- */

void et__text_add(struct et__text *text, const char *format, ...)
{
    if (text->failed) return;
    va_list list;
    va_start(list, format);
    int needed = vsnprintf(NULL, 0, format, list);
    va_end(list);
    size_t length = text->length + (size_t)needed;
    if (length >= text->capacity) {
        size_t capacity = 2 * length < 256 ? 256 : 2 * length;
        char *larger = et_alloc(capacity, 1);
        if (!larger) {
            text->failed = true;
            return;
        }
        if (text->data) memcpy(larger, text->data, text->length);
        et_free(text->data);
        text->data = larger;
        text->capacity = capacity;
    }
    va_start(list, format);
    vsnprintf(text->data + text->length, text->capacity - text->length, format, list);
    va_end(list);
    text->length = length;
}

void et__text_free(struct et__text *text)
{
    et_free(text->data);
    *text = (struct et__text){0};
}

const char *et__number_text(double value, char buffer[ET__NUMBER_MAX])
{
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(buffer, ET__NUMBER_MAX, "%.*g", digits, value);
        if (strtod(buffer, NULL) == value) break;
    }
    return buffer;
}

/* ------------------------------------------------------------------------ tables of parameters */

size_t et__param_count(const struct et_param *table)
{
    size_t n = 0;
    while (table && table[n].name)
        n++;
    return n;
}

bool et__param_has_range(const struct et_param *param)
{
    return param->min != 0 || param->max != 0;
}

bool et__choice_at(const char *choices, size_t i, const char **choice, size_t *length)
{
    *choice = choices;
    for (; i > 0; i--) {
        *choice = strchr(*choice, '|');
        if (!*choice) return false;
        ++*choice;
    }
    *length = strcspn(*choice, "|");
    return true;
}

/* -------------------------------------------------------------------------------- resolved -- */

/* Text that YAML reads back as itself without quotes, in a block or inside [ ]. */
static bool is_plain(const char *string)
{
    static const char *const nulls[] = {"null", "Null", "NULL"};
    if (!isalnum((unsigned char)*string) && *string != '_' && *string != '/') return false;
    for (size_t i = 0; i < sizeof nulls / sizeof *nulls; i++)
        if (strcmp(string, nulls[i]) == 0) return false;
    for (const char *c = string; *c; c++) {
        if (isalnum((unsigned char)*c) || strchr("_./+-", *c)) continue;
        if (*c != ' ' || c[1] == '\0') return false;
    }
    return true;
}

static void write_string(struct et__text *text, const char *string)
{
    if (is_plain(string)) {
        et__text_add(text, "%s", string);
        return;
    }
    et__text_add(text, "\"");
    for (const unsigned char *c = (const unsigned char *)string; *c; c++) {
        /* Line separators and the byte order mark are characters that YAML may fold or drop. */
        unsigned next = c[1], last = next ? c[2] : 0;
        bool separator = c[0] == 0xE2 && next == 0x80 && (last == 0xA8 || last == 0xA9);
        bool mark = c[0] == 0xEF && next == 0xBB && last == 0xBF;
        if (*c == '"' || *c == '\\')
            et__text_add(text, "\\%c", *c);
        else if (*c == '\n')
            et__text_add(text, "\\n");
        else if (*c < 0x20 || *c == 0x7F)
            et__text_add(text, "\\x%02x", *c);
        else if (c[0] == 0xC2 && next < 0xA0)
            et__text_add(text, "\\x%02x", next), c++;
        else if (separator || mark)
            et__text_add(text, "\\u%s", mark ? "feff" : last == 0xA8 ? "2028" : "2029"), c += 2;
        else
            et__text_add(text, "%c", *c);
    }
    et__text_add(text, "\"");
}

static bool is_absent(const struct et_param *param, const struct et__value *value)
{
    return param->kind == ET_PARAM_TYPE && value->count == 0;
}

static const char *mark_of(const struct et__value *value, bool marks)
{
    return marks && !value->given ? ET__DEFAULT_MARK : "";
}

/* Writes the fields of a map, each on lines of its own, or " {}" when there are none.  In an entry
 * of a list the first field follows the dash. */
static void write_map(struct et__text *text, const struct et_config *config, int indent,
                      bool in_list, bool marks);

static void write_maps(struct et__text *text, const struct et__value *value, int indent, bool marks)
{
    et__text_add(text, "%s%s\n", value->count == 0 ? " []" : "", mark_of(value, marks));
    for (size_t i = 0; i < value->count; i++) {
        et__text_add(text, "%*s-", indent + INDENT, "");
        write_map(text, value->maps[i], indent + 2 * INDENT, true, marks);
    }
}

/* Writes what follows "name:". */
static void write_value(struct et__text *text, const struct et_param *param,
                        const struct et__value *value, int indent, bool marks)
{
    char number[ET__NUMBER_MAX];
    const char *mark = mark_of(value, marks);
    switch (param->kind) {
    case ET_PARAM_BOOL:
        et__text_add(text, " %s%s\n", value->flag ? "true" : "false", mark);
        return;
    case ET_PARAM_INT:
        et__text_add(text, " %lld%s\n", (long long)value->integer, mark);
        return;
    case ET_PARAM_REAL:
        et__text_add(text, " %s%s\n", et__number_text(value->real, number), mark);
        return;
    case ET_PARAM_STRING:
    case ET_PARAM_CHOICE:
        et__text_add(text, " ");
        write_string(text, value->string);
        et__text_add(text, "%s\n", mark);
        return;
    case ET_PARAM_REALS:
    case ET_PARAM_STRINGS:
        et__text_add(text, " [");
        for (size_t i = 0; i < value->count; i++) {
            et__text_add(text, i > 0 ? ", " : "");
            if (param->kind == ET_PARAM_REALS)
                et__text_add(text, "%s", et__number_text(value->reals[i], number));
            else
                write_string(text, value->strings[i]);
        }
        et__text_add(text, "]%s\n", mark);
        return;
    case ET_PARAM_RECORD:
    case ET_PARAM_TYPE:
        et__text_add(text, "%s", mark);
        write_map(text, value->maps[0], indent + INDENT, false, marks);
        return;
    case ET_PARAM_RECORDS:
    case ET_PARAM_TYPES:
        write_maps(text, value, indent, marks);
        return;
    }
}

static void write_map(struct et__text *text, const struct et_config *config, int indent,
                      bool in_list, bool marks)
{
    size_t n = et__param_count(config->table), fields = 0;
    const char *dash = in_list ? " " : "\n";
    if (*config->type) {
        et__text_add(text, "%s%*stype: ", dash, in_list ? 0 : indent, "");
        write_string(text, config->type);
        et__text_add(text, "\n");
        fields++;
    }
    for (size_t i = 0; i < n; i++) {
        if (is_absent(&config->table[i], &config->values[i])) continue;
        if (fields++ == 0)
            et__text_add(text, "%s%*s", dash, in_list ? 0 : indent, "");
        else
            et__text_add(text, "%*s", indent, "");
        et__text_add(text, "%s:", config->table[i].name);
        write_value(text, &config->table[i], &config->values[i], indent, marks);
    }
    if (fields == 0) et__text_add(text, " {}\n");
}

void et__config_write(struct et__text *text, const struct et_config *config, bool marks)
{
    write_map(text, config, 0, false, marks);
    /* At the top there is no "name:" to end: drop the newline or blank that comes first. */
    if (text->failed) return;
    memmove(text->data, text->data + 1, text->length);
    text->length--;
}

/* -------------------------------------------------------------------------------- template -- */

struct template
{
    struct et__text *text;
    et_type_list *types;
    bool only_required; /* an example inside an example: names that must be there, no comments */
    int depth;          /* of examples */
};

static void template_map(const struct template *t, const struct et_param *table, const char *type,
                         int indent);

/* What an entry would cost as an example: nothing required is best, a nested type is worst. */
static size_t example_cost(const struct et_type_entry *entry)
{
    size_t cost = 0;
    for (size_t i = 0; i < et__param_count(entry->params); i++) {
        const struct et_param *param = &entry->params[i];
        bool nested = param->kind == ET_PARAM_TYPE || param->kind == ET_PARAM_TYPES;
        if (!param->initial) cost += nested ? 1000 : 1;
    }
    return cost;
}

/* The entry of a family that is easiest to write down, or NULL. */
static const struct et_type_entry *example_type(et_type_list *types, const char *family)
{
    const struct et_type_entry *best = NULL, *entry;
    for (size_t i = 0; types && (entry = types(family, i)) != NULL; i++)
        if (!entry->absent && (!best || example_cost(entry) < example_cost(best))) best = entry;
    return best;
}

static void example_number(struct et__text *text, const struct et_param *param)
{
    char number[ET__NUMBER_MAX];
    double value = !et__param_has_range(param) ? 1
                   : isfinite(param->min)      ? param->min
                   : isfinite(param->max)      ? param->max
                                               : 1;
    if (param->kind == ET_PARAM_INT) value = isfinite(param->min) ? ceil(value) : floor(value);
    et__text_add(text, "%s", et__number_text(value, number));
}

/* A scalar that passes the checks of a required parameter. */
static void example_scalar(struct et__text *text, const struct et_param *param)
{
    const char *choice;
    size_t length;
    switch (param->kind) {
    case ET_PARAM_BOOL:
        et__text_add(text, "false");
        return;
    case ET_PARAM_INT:
    case ET_PARAM_REAL:
    case ET_PARAM_REALS:
        example_number(text, param);
        return;
    case ET_PARAM_CHOICE:
        et__choice_at(param->choices, 0, &choice, &length);
        et__text_add(text, "%.*s", (int)length, choice);
        return;
    default:
        et__text_add(text, "text");
        return;
    }
}

static void example_map(const struct template *t, const struct et_param *param, int indent)
{
    struct template inner = *t;
    if (param->kind == ET_PARAM_RECORD || param->kind == ET_PARAM_RECORDS) {
        template_map(&inner, param->fields, "", indent);
        return;
    }
    const struct et_type_entry *entry = example_type(t->types, param->choices);
    inner.only_required = true;
    inner.depth++;
    if (entry && t->depth < EXAMPLE_DEPTH)
        template_map(&inner, entry->params, entry->name, indent);
    else
        et__text_add(t->text, " {type: NAME}\n");
}

/* Writes what follows "name:" of a required parameter. */
static void example_value(const struct template *t, const struct et_param *param, int indent)
{
    size_t n = param->min_count > 0 ? param->min_count : 1;
    switch (param->kind) {
    case ET_PARAM_REALS:
    case ET_PARAM_STRINGS:
        for (size_t i = 0; i < n; i++) {
            et__text_add(t->text, i == 0 ? " [" : ", ");
            example_scalar(t->text, param);
        }
        et__text_add(t->text, "]\n");
        return;
    case ET_PARAM_RECORD:
    case ET_PARAM_TYPE:
        example_map(t, param, indent + INDENT);
        return;
    case ET_PARAM_RECORDS:
    case ET_PARAM_TYPES:
        et__text_add(t->text, "\n");
        for (size_t i = 0; i < n; i++) {
            et__text_add(t->text, "%*s-", indent + INDENT, "");
            example_map(t, param, indent + 2 * INDENT);
        }
        return;
    default:
        et__text_add(t->text, " ");
        example_scalar(t->text, param);
        et__text_add(t->text, "\n");
        return;
    }
}

static void comment_lines(struct et__text *text, const char *comment, int indent)
{
    size_t width = COMMENT_COLUMNS - (size_t)indent;
    while (*comment) {
        size_t length = strlen(comment);
        if (length > width) {
            for (length = width; length > 0 && comment[length] != ' '; length--)
                continue;
            if (length == 0) length = strcspn(comment, " ");
        }
        et__text_add(text, "%*s# %.*s\n", indent, "", (int)length, comment);
        comment += length + (comment[length] == ' ');
    }
}

/* "# <doc> [range] unit; default <initial>" */
static void template_comment(const struct template *t, const struct et_param *param, int indent)
{
    struct et__text line = {0};
    char min[ET__NUMBER_MAX], max[ET__NUMBER_MAX];
    const char *doc = param->doc ? param->doc : param->name;
    size_t length = strlen(doc);
    length -= length > 0 && doc[length - 1] == '.'; /* the sentence goes on */
    et__text_add(&line, "%.*s", (int)length, doc);
    if (et__param_has_range(param))
        et__text_add(&line, " [%s, %s]", et__number_text(param->min, min),
                     et__number_text(param->max, max));
    if (param->unit && *param->unit) et__text_add(&line, " %s", param->unit);
    if (param->kind == ET_PARAM_CHOICE) et__text_add(&line, " (%s)", param->choices);
    if (param->kind == ET_PARAM_TYPE) et__text_add(&line, " (a %s)", param->choices);
    if (param->kind == ET_PARAM_TYPES) et__text_add(&line, " (each a %s)", param->choices);
    if (param->max_count > param->min_count)
        et__text_add(&line, " (%zu to %zu entries)", param->min_count, param->max_count);
    else if (param->min_count > 0)
        et__text_add(&line, " (%s%zu %s)", param->max_count == 0 ? "at least " : "",
                     param->min_count, param->min_count == 1 ? "entry" : "entries");
    const char *initial = param->initial;
    if (!initial)
        et__text_add(&line, "; required");
    else if (param->kind == ET_PARAM_TYPE && *initial == '\0')
        et__text_add(&line, "; may be absent");
    else if (strcmp(initial, "{}") != 0)
        et__text_add(&line, "; default %s", *initial ? initial : "\"\"");
    if (line.failed)
        t->text->failed = true;
    else
        comment_lines(t->text, line.data, indent);
    et__text_free(&line);
}

/* An optional entry that the default leaves out, shown as comment lines. */
static void template_outline(const struct template *t, const struct et_param *param, int indent)
{
    struct et__text example = {0};
    struct template inner = *t;
    inner.text = &example;
    et__text_add(&example, "%s:", param->name);
    example_value(&inner, param, 0);
    if (example.failed) t->text->failed = true;
    for (const char *line = example.data; line && *line;) {
        size_t length = strcspn(line, "\n");
        et__text_add(t->text, "%*s# %.*s\n", indent, "", (int)length, line);
        line += length + (line[length] == '\n');
    }
    et__text_free(&example);
}

static void template_param(const struct template *t, const struct et_param *param, int indent)
{
    const char *initial = param->initial;
    bool many = param->kind == ET_PARAM_RECORDS || param->kind == ET_PARAM_TYPES;
    bool outline = initial && ((param->kind == ET_PARAM_TYPE && *initial == '\0') ||
                               (many && strcmp(initial, "[]") == 0));
    if (outline) template_outline(t, param, indent);
    if (outline && !many) return;
    et__text_add(t->text, "%*s%s:", indent, "", param->name);
    if (!initial)
        example_value(t, param, indent);
    else if (param->kind == ET_PARAM_RECORD && strcmp(initial, "{}") == 0)
        template_map(t, param->fields, "", indent + INDENT);
    else
        et__text_add(t->text, " %s\n", *initial ? initial : "\"\"");
}

/* Writes what follows "name:" or "-" of a map. */
static void template_map(const struct template *t, const struct et_param *table, const char *type,
                         int indent)
{
    size_t n = et__param_count(table), fields = *type != '\0';
    for (size_t i = 0; i < n; i++)
        fields += !(t->only_required && table[i].initial);
    et__text_add(t->text, fields > 0 ? "\n" : " {}\n");
    if (*type) et__text_add(t->text, "%*stype: %s\n", indent, "", type);
    for (size_t i = 0; i < n; i++) {
        if (t->only_required && table[i].initial) continue;
        if (!t->only_required) template_comment(t, &table[i], indent);
        template_param(t, &table[i], indent);
    }
}

enum et_status et_param_template(const struct et_param *table, const char *type,
                                 et_type_list *types, char **text)
{
    *text = NULL;
    struct et__text out = {0};
    const struct template t = {.text = &out, .types = types};
    locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0), locale = uselocale(c_locale);
    template_map(&t, table, type ? type : "", 0);
    uselocale(locale);
    freelocale(c_locale);
    if (!out.failed) *text = et_strdup(out.data + 1);
    et__text_free(&out);
    return *text ? ET_OK : ET_NOMEM;
}
