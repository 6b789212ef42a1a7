/* SPDX-License-Identifier: Apache-2.0
 *
 * Configuration: documents are loaded, closed and asked here.
 *
 *     text -- config_yaml.c --> tree of nodes -- config_override.c --> tree
 *          -- config_check.c, by the tables --> et_config -- config_template.c --> resolved text
 *
 * Everything that belongs to a document lives in its arena and goes away with it. */
#include "config_internal.h"

#include <etalon/array.h>

#include <assert.h>
#include <errno.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { READ_SIZE = 16 << 10 };

/* ------------------------------------------------------------------------------- load, close -- */

static enum et_status root_check(struct et__document *document, const char *const *overrides,
                                 size_t n_overrides, const struct et_param *table)
{
    struct et__node *root;
    ET_TRY(et__yaml_parse(document, &document->source, &root));
    if (root->kind != ET__NODE_MAP && root->kind != ET__NODE_NULL)
        return et__fail(&root->place, "expected `name: value` lines, found %s",
                        root->kind == ET__NODE_LIST ? "a list" : "a single value");
    root->kind = ET__NODE_MAP; /* an empty text is an empty map */
    for (size_t i = 0; i < n_overrides; i++)
        ET_TRY(et__override_apply(document, overrides[i], &root));
    struct et__map_check check = {.document = document,
                                  .node = root,
                                  .table = table,
                                  .type = "",
                                  .label = "",
                                  .outer = et__place_at(&document->source, 0, 0)};
    return et__config_check(&check, &document->root);
}

/* Numbers are read and written with a decimal point, whatever the program's locale says. */
static enum et_status document_open(const char *name, const char *directory, const char *text,
                                    size_t length, const char *const *overrides, size_t n_overrides,
                                    const struct et_param *table, et_type_list *types,
                                    struct et_config **config)
{
    *config = NULL;
    struct et__document *document = et_alloc(1, sizeof *document);
    if (!document) return ET_NOMEM;
    document->types = types;
    document->directory =
        directory ? et__document_text(document, directory, strlen(directory)) : "";
    document->source.name = et__document_text(document, name, strlen(name));
    document->source.text = et__document_text(document, text, length);
    document->source.length = length;
    locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0), locale = uselocale(c_locale);
    enum et_status status = ET_NOMEM;
    if (document->directory && document->source.name && document->source.text)
        status = root_check(document, overrides, n_overrides, table);
    uselocale(locale);
    freelocale(c_locale);
    if (status == ET_OK)
        *config = document->root;
    else
        et__document_close(document);
    return status;
}

enum et_status et_config_parse(const char *name, const char *text, const char *const *overrides,
                               size_t n_overrides, const struct et_param *table,
                               et_type_list *types, struct et_config **config)
{
    return document_open(name, NULL, text, strlen(text), overrides, n_overrides, table, types,
                         config);
}

enum et_status et_config_parse_in(const char *name, const char *directory, const char *text,
                                  const char *const *overrides, size_t n_overrides,
                                  const struct et_param *table, et_type_list *types,
                                  struct et_config **config)
{
    return document_open(name, directory, text, strlen(text), overrides, n_overrides, table, types,
                         config);
}

/* Reads at most ET__TEXT_MAX + 1 bytes, so that a longer file is noticed but not swallowed. */
static enum et_status file_read(const char *path, char **text, size_t *length)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return et_error_set(errno == ENOENT || errno == ENOTDIR ? ET_MISSING : ET_IO,
                            "configuration file '%s': %s", path, strerror(errno));
    size_t capacity = 0;
    enum et_status status = ET_OK;
    *length = 0;
    do {
        capacity = capacity > 0 ? 4 * capacity : READ_SIZE;
        char *larger = et_alloc(capacity, 1);
        if (larger && *text) memcpy(larger, *text, *length);
        et_free(*text);
        *text = larger;
        status = larger ? ET_OK : ET_NOMEM;
        if (larger) *length += fread(larger + *length, 1, capacity - *length, file);
    } while (status == ET_OK && *length == capacity && *length <= ET__TEXT_MAX);
    if (status == ET_OK && ferror(file))
        status = et_error_set(ET_IO, "configuration file '%s': %s", path, strerror(errno));
    fclose(file);
    return status;
}

enum et_status et_config_load(const char *path, const char *const *overrides, size_t n_overrides,
                              const struct et_param *table, et_type_list *types,
                              struct et_config **config)
{
    *config = NULL;
    char *text = NULL, *directory = et_strdup(path);
    size_t length = 0;
    if (!directory) return ET_NOMEM;
    char *slash = strrchr(directory, '/');
    if (slash) slash[slash == directory] = '\0';
    enum et_status status = file_read(path, &text, &length);
    if (status == ET_OK)
        status = document_open(path, slash ? directory : ".", text, length, overrides, n_overrides,
                               table, types, config);
    et_free(directory);
    et_free(text);
    return status;
}

void et_config_close(struct et_config *config)
{
    if (!config) return;
    assert(config == config->document->root);
    et__document_close(config->document);
}

/* ----------------------------------------------------------------------------------- getters -- */

/* The value of a name that the table has with one of two kinds. */
static const struct et__value *find(const struct et_config *config, const char *name,
                                    unsigned kinds)
{
    static const struct et__value nothing;
    (void)kinds; /* asserted only */
    for (size_t i = 0; config->table && config->table[i].name; i++) {
        if (strcmp(config->table[i].name, name) != 0) continue;
        assert((kinds >> config->table[i].kind & 1) && "parameter of another kind");
        return &config->values[i];
    }
    assert(false && "parameter that the table does not have");
    return &nothing;
}

enum {
    IS_MAPS =
        1 << ET_PARAM_RECORD | 1 << ET_PARAM_RECORDS | 1 << ET_PARAM_TYPE | 1 << ET_PARAM_TYPES,
    IS_COUNTED = IS_MAPS | 1 << ET_PARAM_REALS | 1 << ET_PARAM_STRINGS
};

bool et_config_bool(const struct et_config *config, const char *name)
{
    return find(config, name, 1u << ET_PARAM_BOOL)->flag;
}

int64_t et_config_int(const struct et_config *config, const char *name)
{
    return find(config, name, 1u << ET_PARAM_INT)->integer;
}

double et_config_real(const struct et_config *config, const char *name)
{
    return find(config, name, 1u << ET_PARAM_REAL)->real;
}

const char *et_config_string(const struct et_config *config, const char *name)
{
    return find(config, name, 1u << ET_PARAM_STRING | 1u << ET_PARAM_CHOICE)->string;
}

size_t et_config_choice(const struct et_config *config, const char *name)
{
    return find(config, name, 1u << ET_PARAM_CHOICE)->choice;
}

size_t et_config_count(const struct et_config *config, const char *name)
{
    return find(config, name, IS_COUNTED)->count;
}

const double *et_config_reals(const struct et_config *config, const char *name)
{
    return find(config, name, 1u << ET_PARAM_REALS)->reals;
}

const char *et_config_string_at(const struct et_config *config, const char *name, size_t i)
{
    const struct et__value *value = find(config, name, 1u << ET_PARAM_STRINGS);
    assert(i < value->count);
    return value->strings[i];
}

const struct et_config *et_config_at(const struct et_config *config, const char *name, size_t i)
{
    const struct et__value *value = find(config, name, IS_MAPS);
    assert(i < value->count);
    return value->maps[i];
}

bool et_config_given(const struct et_config *config, const char *name)
{
    return find(config, name, ~0u)->given;
}

const char *et_config_type(const struct et_config *config)
{
    return config->type;
}

const char *et_config_text(const struct et_config *config)
{
    return config->document->source.text;
}

const char *et_config_resolved(const struct et_config *config)
{
    return config->resolved;
}

const char *et_config_stored(const struct et_config *config)
{
    struct et__document *document = config->document;
    if (document->stored) return document->stored;
    document->scratch.length = 0;
    document->scratch.failed = false; /* of an earlier attempt, say: memory may be free again */
    et__config_write(&document->scratch, document->root, true);
    if (document->scratch.failed) return NULL;
    const size_t start = sizeof ET__STORED_START - 1, length = document->scratch.length;
    char *text = et__document_take(document, start + length + 1, 1);
    if (!text) return NULL;
    memcpy(text, ET__STORED_START, start);
    memcpy(text + start, document->scratch.data, length);
    return document->stored = text;
}

const char *et_config_directory(const struct et_config *config)
{
    return config->document->directory;
}

/* Where a parameter is given; a name that the table lacks, `type` say, means the map. */
static const struct et__place *place_of(const struct et_config *config, const char *name)
{
    for (size_t i = 0; name != NULL && config->table && config->table[i].name; i++)
        if (strcmp(config->table[i].name, name) == 0) return &config->values[i].place;
    return &config->place;
}

enum et_status et_config_error(const struct et_config *config, const char *name, const char *format,
                               ...)
{
    va_list list;
    va_start(list, format);
    enum et_status status = et__vfail(ET_CONFIG, place_of(config, name), format, list);
    va_end(list);
    return status;
}
