/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of a delimited text file.  Class and group come from text: a column, or characters of one
 * ("w01ae" is vowel "ae" by speaker "w01"). */
#include "csv_table.h"
#include "dataset_create.h"
#include "file_bytes.h"

#include <stdlib.h>
#include <string.h>

static const struct et_param label_fields[] = {
    {.name = "column",
     .kind = ET_PARAM_STRING,
     .initial = "last",
     .doc = "Column name, number from 0, first or last."},
    {.name = "from",
     .kind = ET_PARAM_INT,
     .initial = "0",
     .min = 0,
     .max = 1e6,
     .unit = "bytes",
     .doc = "Where the class starts in the text of the column."},
    {.name = "length",
     .kind = ET_PARAM_INT,
     .initial = "0",
     .min = 0,
     .max = 1e6,
     .unit = "bytes",
     .doc = "How long it is; 0 = up to the end."},
    {0},
};

static const struct et_param group_fields[] = {
    {.name = "column",
     .kind = ET_PARAM_STRING,
     .initial = "\"\"",
     .doc = "Column name, number from 0, first or last; empty = no groups."},
    {.name = "from",
     .kind = ET_PARAM_INT,
     .initial = "0",
     .min = 0,
     .max = 1e6,
     .unit = "bytes",
     .doc = "Where the group starts in the text of the column."},
    {.name = "length",
     .kind = ET_PARAM_INT,
     .initial = "0",
     .min = 0,
     .max = 1e6,
     .unit = "bytes",
     .doc = "How long it is; 0 = up to the end."},
    {0},
};

static const struct et_param params[] = {
    {.name = "path",
     .kind = ET_PARAM_STRING,
     .doc = "The file, plain or gzip; relative to the experiment file, or \"${ETALON_DATA}/...\"."},
    {.name = "header",
     .kind = ET_PARAM_CHOICE,
     .initial = "auto",
     .choices = "auto|yes|no",
     .doc = "Does line 1 name the columns? auto: yes when none of its fields is a number."},
    {.name = "delimiter",
     .kind = ET_PARAM_CHOICE,
     .initial = "comma",
     .choices = "comma|semicolon|tab|space",
     .doc = "What separates the fields."},
    {.name = "label",
     .kind = ET_PARAM_RECORD,
     .initial = "{}",
     .fields = label_fields,
     .doc = "Where the class of a row stands."},
    {.name = "group",
     .kind = ET_PARAM_RECORD,
     .initial = "{}",
     .fields = group_fields,
     .doc = "Where the group (speaker, device, ...) of a row stands."},
    {.name = "features",
     .kind = ET_PARAM_STRINGS,
     .initial = "[]",
     .doc = "Columns of the features, by name or number; empty = all others."},
    {.name = "classes",
     .kind = ET_PARAM_STRINGS,
     .initial = "[]",
     .doc = "The legal classes in order; empty = all that occur, sorted."},
    {0},
};

/* A name that stands in some row: text [length], not terminated. */
struct key {
    const char *text;
    size_t length, row;
};

static int compare_text(const void *a, const void *b)
{
    const struct key *left = a, *right = b;
    size_t shared = left->length < right->length ? left->length : right->length;
    int order = memcmp(left->text, right->text, shared);
    if (order != 0) return order;
    return (left->length > right->length) - (left->length < right->length);
}

/* For names made of digits alone: 2 comes before 10. */
static int compare_numbers(const void *a, const void *b)
{
    const struct key *left = a, *right = b;
    if (left->length != right->length) return left->length < right->length ? -1 : 1;
    return memcmp(left->text, right->text, left->length);
}

static bool all_digits(const struct key *keys, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < keys[i].length; c++)
            if (keys[i].text[c] < '0' || keys[i].text[c] > '9') return false;
    return true;
}

static enum et_status find_column(const struct et_config *config, const char *name,
                                  const struct et__csv *csv, bool header, const char *key,
                                  size_t *col)
{
    if (et__csv_column(csv, header, key, col)) return ET_OK;
    return et_config_error(config, name, "'%s' has no column '%s' among its %zu%s", csv->name, key,
                           csv->cols, header ? "" : " (and no header)");
}

/* Cuts the names out of a column: keys [rows - first_row], in row order. */
static enum et_status cut_keys(const struct et_config *where, const struct et__csv *csv,
                               size_t first_row, size_t col, struct key *keys)
{
    size_t from = (size_t)et_config_int(where, "from");
    size_t length = (size_t)et_config_int(where, "length");
    for (size_t r = first_row; r < csv->rows; r++) {
        const char *text = et__csv_field(csv, r, col);
        size_t present = strlen(text);
        if (present < from + (length > 0 ? length : 1))
            return et_error_set(ET_FORMAT, "%s:%zu: column %zu holds \"%.40s\", shorter than %zu",
                                csv->name, csv->line[r], col, text,
                                from + (length > 0 ? length : 1));
        keys[r - first_row] =
            (struct key){text + from, length > 0 ? length : present - from, r - first_row};
    }
    return ET_OK;
}

/* Numbers the distinct names in sorted order: id [n] by row.  Afterwards the first key of each
 * name stands in keys[0 .. *n_distinct - 1]. */
static void number_keys(struct key *keys, size_t n, int32_t *id, size_t *n_distinct)
{
    int (*compare)(const void *, const void *) =
        all_digits(keys, n) ? compare_numbers : compare_text;
    qsort(keys, n, sizeof *keys, compare);
    *n_distinct = 0;
    for (size_t i = 0; i < n; i++) {
        size_t row = keys[i].row;
        if (i == 0 || compare(&keys[*n_distinct - 1], &keys[i]) != 0)
            keys[(*n_distinct)++] = keys[i];
        id[row] = (int32_t)(*n_distinct - 1);
    }
}

static char *key_name(const struct key *key)
{
    char *name = et_alloc(key->length + 1, 1);
    return name ? memcpy(name, key->text, key->length) : NULL;
}

/* Labels by the list `classes`; line numbers of the file in errors. */
static enum et_status label_by_list(const struct et_config *config, const struct et__csv *csv,
                                    size_t first_row, const struct key *keys, size_t n,
                                    struct et_dataset *dataset)
{
    size_t n_classes = et_config_count(config, "classes");
    for (size_t i = 0; i < n; i++) {
        size_t label = 0;
        for (; label < n_classes; label++) {
            const char *name = et_config_string_at(config, "classes", label);
            if (strlen(name) == keys[i].length && memcmp(name, keys[i].text, keys[i].length) == 0)
                break;
        }
        if (label == n_classes)
            return et_error_set(ET_FORMAT, "%s:%zu: \"%.*s\" is none of the %zu classes", csv->name,
                                csv->line[first_row + keys[i].row],
                                keys[i].length < 40 ? (int)keys[i].length : 40, keys[i].text,
                                n_classes);
        dataset->label[keys[i].row] = (int32_t)label;
    }
    dataset->class_name = et_alloc(n_classes, sizeof *dataset->class_name);
    if (dataset->class_name == NULL) return ET_NOMEM;
    for (dataset->n_classes = 0; dataset->n_classes < n_classes; dataset->n_classes++) {
        const char *name = et_config_string_at(config, "classes", dataset->n_classes);
        char *copy = et_strdup(name);
        if (copy == NULL) return ET_NOMEM;
        dataset->class_name[dataset->n_classes] = copy;
    }
    return ET_OK;
}

static enum et_status label_by_name(struct key *keys, size_t n, struct et_dataset *dataset)
{
    size_t n_classes;
    number_keys(keys, n, dataset->label, &n_classes);
    dataset->class_name = et_alloc(n_classes, sizeof *dataset->class_name);
    if (dataset->class_name == NULL) return ET_NOMEM;
    for (dataset->n_classes = 0; dataset->n_classes < n_classes; dataset->n_classes++) {
        char *name = key_name(&keys[dataset->n_classes]);
        if (name == NULL) return ET_NOMEM;
        dataset->class_name[dataset->n_classes] = name;
    }
    return ET_OK;
}

/* Which columns are what. */
struct layout {
    bool header, has_group;
    size_t label, group;
    size_t *feature, n_features;
};

static enum et_status layout_make(const struct et_config *config, const struct et__csv *csv,
                                  struct layout *layout)
{
    enum { HEADER_AUTO, HEADER_YES };
    size_t choice = et_config_choice(config, "header");
    layout->header = choice == HEADER_YES || (choice == HEADER_AUTO && et__csv_has_header(csv));
    const struct et_config *label = et_config_at(config, "label", 0);
    const struct et_config *group = et_config_at(config, "group", 0);
    const char *group_key = et_config_string(group, "column");
    layout->has_group = *group_key != '\0';
    ET_TRY(find_column(label, "column", csv, layout->header, et_config_string(label, "column"),
                       &layout->label));
    if (layout->has_group)
        ET_TRY(find_column(group, "column", csv, layout->header, group_key, &layout->group));
    size_t listed = et_config_count(config, "features");
    layout->feature = et_alloc(listed > csv->cols ? listed : csv->cols, sizeof *layout->feature);
    if (layout->feature == NULL) return ET_NOMEM;
    for (size_t i = 0; i < listed; i++)
        ET_TRY(find_column(config, "features", csv, layout->header,
                           et_config_string_at(config, "features", i), &layout->feature[i]));
    layout->n_features = listed;
    for (size_t c = 0; listed == 0 && c < csv->cols; c++)
        if (c != layout->label && !(layout->has_group && c == layout->group))
            layout->feature[layout->n_features++] = c;
    return ET_OK;
}

static enum et_status fill(const struct et_config *config, const struct et__csv *csv,
                           const struct layout *layout, struct key *keys,
                           struct et_dataset *dataset)
{
    size_t first = layout->header, n, groups;
    n = csv->rows - first;
    ET_TRY(et__csv_numbers(csv, first, layout->feature, layout->n_features,
                           et_array_view(&dataset->x)));
    ET_TRY(cut_keys(et_config_at(config, "label", 0), csv, first, layout->label, keys));
    if (et_config_count(config, "classes") > 0)
        ET_TRY(label_by_list(config, csv, first, keys, n, dataset));
    else
        ET_TRY(label_by_name(keys, n, dataset));
    if (!layout->has_group) return ET_OK;
    ET_TRY(cut_keys(et_config_at(config, "group", 0), csv, first, layout->group, keys));
    number_keys(keys, n, dataset->group, &groups);
    return ET_OK;
}

static enum et_status load_table(const struct et_config *config, const struct et__csv *csv,
                                 struct et_dataset *dataset)
{
    struct layout layout = {0};
    struct key *keys = NULL;
    enum et_status status = layout_make(config, csv, &layout);
    if (status != ET_OK) goto out;
    size_t rows = csv->rows - layout.header;
    if (rows == 0 || layout.n_features == 0) {
        status = et_error_set(ET_FORMAT, "%s:%zu: %zu rows with %zu features", csv->name,
                              csv->line[csv->rows - 1], rows, layout.n_features);
        goto out;
    }
    status = et__dataset_create(dataset, rows, layout.n_features, 0, NULL, layout.has_group);
    if (status != ET_OK) goto out;
    dataset->origin = "CSV file";
    keys = et_alloc(rows, sizeof *keys);
    status = keys ? fill(config, csv, &layout, keys, dataset) : ET_NOMEM;
out:
    et_free(keys);
    et_free(layout.feature);
    return status;
}

static enum et_status load(const struct et_config *config, uint64_t seed,
                           struct et_dataset *dataset)
{
    (void)seed;
    char *path = NULL;
    struct et__bytes bytes = {0};
    struct et__csv csv = {0};
    enum et_status status = et_config_file(config, et_config_string(config, "path"), &path);
    if (status == ET_OK) status = et__bytes_read(path, &bytes);
    if (status == ET_OK) {
        char delimiter = ",;\t "[et_config_choice(config, "delimiter")];
        status = et__csv_parse(path, (const char *)bytes.data, bytes.size, delimiter, &csv);
    }
    if (status == ET_OK) status = load_table(config, &csv, dataset);
    et__csv_destroy(&csv);
    et__bytes_destroy(&bytes);
    et_free(path);
    return status;
}

const struct et_dataset_type et_dataset_csv = {
    .name = "csv",
    .summary = "Rows of a CSV file; class and group from text columns or parts of them.",
    .params = params,
    .load = load,
};
