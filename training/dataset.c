/* SPDX-License-Identifier: Apache-2.0
 *
 * Registry of data sets, and what every loaded one must satisfy. */
#include "dataset_create.h"

#include <assert.h>
#include <math.h>
#include <pthread.h>
#include <string.h>

/* Far above any labelled set, far below what would exhaust memory in a readout. */
enum { CLASSES_MAX = 65536 };

#define ET_DATASET(name)                extern const struct et_dataset_type et_dataset_##name;
#define ET_DATASET_ABSENT(name, reason) /* no object */
#include "datasets.def"
#undef ET_DATASET
#undef ET_DATASET_ABSENT

struct registered {
    const struct et_dataset_type *type; /* NULL when absent */
    struct et_type_entry entry;
};

static struct registered registry[] = {
#define ET_DATASET(symbol)                {.type = &et_dataset_##symbol, .entry = {.name = #symbol}},
#define ET_DATASET_ABSENT(symbol, reason) {.entry = {.name = #symbol, .absent = reason}},
#include "datasets.def"
#undef ET_DATASET
#undef ET_DATASET_ABSENT
};

enum { N_REGISTERED = sizeof registry / sizeof registry[0] };

static pthread_once_t registry_once = PTHREAD_ONCE_INIT;

static void registry_fill(void)
{
    for (size_t i = 0; i < N_REGISTERED; i++) {
        const struct et_dataset_type *type = registry[i].type;
        if (type == NULL) continue;
        assert(type->summary != NULL && type->params != NULL && type->load != NULL);
        registry[i].entry.name = type->name; /* may have a '-' where the symbol has a '_' */
        registry[i].entry.summary = type->summary;
        registry[i].entry.params = type->params;
    }
}

const struct et_type_entry *et_dataset_types(const char *family, size_t i)
{
    pthread_once(&registry_once, registry_fill);
    if (strcmp(family, "dataset") != 0 || i >= N_REGISTERED) return NULL;
    return &registry[i].entry;
}

static enum et_status check(const struct et_dataset *dataset)
{
    const struct et_array *x = &dataset->x;
    if (x->rows == 0 || x->cols == 0)
        return et_error_set(ET_FORMAT, "a data set of %zu rows x %zu features", x->rows, x->cols);
    if (x->rows > INT32_MAX)
        return et_error_set(ET_FORMAT, "%zu rows; at most %d", x->rows, INT32_MAX);
    if (dataset->n_classes < 2 || dataset->n_classes > CLASSES_MAX)
        return et_error_set(ET_FORMAT, "%zu class%s; at least 2 and at most %d are needed",
                            dataset->n_classes, dataset->n_classes == 1 ? "" : "es", CLASSES_MAX);
    assert(dataset->n_train <= x->rows);
    for (size_t r = 0; r < x->rows; r++) {
        int32_t label = dataset->label[r];
        if (label < 0 || (size_t)label >= dataset->n_classes)
            return et_error_set(ET_FORMAT, "row %zu: label %d is outside 0 .. %zu", r, label,
                                dataset->n_classes - 1);
        for (size_t c = 0; c < x->cols; c++)
            if (!isfinite(x->data[r * x->cols + c]))
                return et_error_set(ET_FORMAT, "row %zu, column %zu: %g is not a finite number", r,
                                    c, (double)x->data[r * x->cols + c]);
    }
    return ET_OK;
}

enum et_status et_dataset_load(const struct et_config *config, uint64_t seed,
                               struct et_dataset *dataset)
{
    assert(dataset->x.data == NULL && dataset->label == NULL);
    const char *name = et_config_type(config);
    const struct registered *found = NULL;
    pthread_once(&registry_once, registry_fill);
    for (size_t i = 0; i < N_REGISTERED; i++)
        if (strcmp(registry[i].entry.name, name) == 0) found = &registry[i];
    if (found == NULL) return et_error_set(ET_INVALID, "there is no data set type '%s'", name);
    if (found->type == NULL)
        return et_error_set(ET_UNSUPPORTED, "data set '%s': %s", name, found->entry.absent);
    enum et_status status = found->type->load(config, seed, dataset);
    if (status == ET_OK) status = check(dataset);
    if (status == ET_OK) return ET_OK;
    et_error_while("loading data set '%s'", name);
    et_dataset_destroy(dataset);
    return status;
}

enum et_status et_dataset_load_text(const char *yaml, uint64_t seed, struct et_dataset *dataset)
{
    static const struct et_param table[] = {
        {.name = "dataset",
         .kind = ET_PARAM_TYPE,
         .choices = "dataset",
         .doc = "The data set to load."},
        {0},
    };
    static const char key[] = "dataset: ";
    char *text = et_alloc(sizeof key + strlen(yaml), 1);
    if (text == NULL) return ET_NOMEM;
    strcpy(stpcpy(text, key), yaml);
    struct et_config *config = NULL;
    enum et_status status =
        et_config_parse("dataset", text, NULL, 0, table, et_dataset_types, &config);
    if (status == ET_OK)
        status = et_dataset_load(et_config_at(config, "dataset", 0), seed, dataset);
    et_config_close(config);
    et_free(text);
    return status;
}

enum et_status et__dataset_create(struct et_dataset *dataset, size_t rows, size_t cols,
                                  size_t n_classes, const char *const *class_name, int with_groups)
{
    ET_TRY(et_array_create(&dataset->x, rows, cols));
    dataset->label = et_alloc(rows, sizeof *dataset->label);
    if (dataset->label == NULL) return ET_NOMEM;
    if (with_groups) {
        dataset->group = et_alloc(rows, sizeof *dataset->group);
        if (dataset->group == NULL) return ET_NOMEM;
    }
    dataset->n_classes = n_classes;
    if (class_name == NULL) return ET_OK;
    dataset->class_name = et_alloc(n_classes, sizeof *dataset->class_name);
    if (dataset->class_name == NULL) return ET_NOMEM;
    for (size_t i = 0; i < n_classes; i++) {
        dataset->class_name[i] = et_strdup(class_name[i]);
        if (dataset->class_name[i] == NULL) return ET_NOMEM;
    }
    return ET_OK;
}

void et_dataset_destroy(struct et_dataset *dataset)
{
    et_array_destroy(&dataset->x);
    et_free(dataset->label);
    et_free(dataset->group);
    for (size_t i = 0; dataset->class_name != NULL && i < dataset->n_classes; i++)
        et_free(dataset->class_name[i]);
    et_free(dataset->class_name);
    *dataset = (struct et_dataset){0};
}
