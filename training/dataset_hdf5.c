/* SPDX-License-Identifier: Apache-2.0
 *
 * Arrays of any HDF5 file: features, labels, optionally groups and a test part. */
#include "dataset_create.h"

#include <etalon/store.h>

#include <string.h>

static const struct et_param params[] = {
    {.name = "path",
     .kind = ET_PARAM_STRING,
     .doc = "The file; relative to the experiment file, or \"${ETALON_DATA}/...\"."},
    {.name = "x",
     .kind = ET_PARAM_STRING,
     .initial = "/x",
     .doc = "Features [n][...]; axes after the first are folded into one."},
    {.name = "labels",
     .kind = ET_PARAM_STRING,
     .initial = "/labels",
     .doc = "Classes [n], integers from 0."},
    {.name = "groups",
     .kind = ET_PARAM_STRING,
     .initial = "\"\"",
     .doc = "Groups [n], integers; empty = no groups.  Not together with a test part."},
    {.name = "x_test",
     .kind = ET_PARAM_STRING,
     .initial = "\"\"",
     .doc = "Features of the test part; with it the data set brings its own split."},
    {.name = "labels_test",
     .kind = ET_PARAM_STRING,
     .initial = "\"\"",
     .doc = "Classes of the test part."},
    {.name = "classes",
     .kind = ET_PARAM_INT,
     .initial = "0",
     .min = 0,
     .max = 65536,
     .doc = "Labels are 0 .. classes - 1; 0 = one more than the highest label."},
    {0},
};

/* Reads [n] integers of a dataset into to[n]. */
static enum et_status read_integers(struct et_store *store, const char *path, size_t n, int32_t *to)
{
    struct et_store_shape shape;
    ET_TRY(et_store_shape(store, path, &shape));
    if (shape.rank == 0 || shape.dims[0] != n)
        return et_error_set(ET_SHAPE, "'%s' has %zu rows, the features have %zu", path,
                            shape.rank ? shape.dims[0] : 1, n);
    for (size_t i = 1; i < shape.rank; i++)
        if (shape.dims[i] != 1)
            return et_error_set(ET_SHAPE, "'%s' has %zu columns, not 1", path, shape.dims[i]);
    if (shape.kind == ET_STORE_F32 || shape.kind == ET_STORE_F64)
        return et_error_set(ET_FORMAT, "'%s' holds fractions, not integers", path);
    int64_t *wide = et_alloc(n, sizeof *wide);
    if (wide == NULL) return ET_NOMEM;
    shape.kind = ET_STORE_I64;
    enum et_status status = et_store_read(store, path, shape, wide);
    for (size_t i = 0; i < n && status == ET_OK; i++) {
        if (wide[i] < INT32_MIN || wide[i] > INT32_MAX)
            status = et_error_set(ET_FORMAT, "'%s', row %zu: %jd does not fit in 32 bits", path, i,
                                  (intmax_t)wide[i]);
        else
            to[i] = (int32_t)wide[i];
    }
    et_free(wide);
    return status;
}

/* The framework checks the labels against this. */
static size_t count_classes(const struct et_config *config, const struct et_dataset *dataset)
{
    size_t classes = (size_t)et_config_int(config, "classes");
    if (classes > 0) return classes;
    for (size_t r = 0; r < dataset->x.rows; r++)
        if (dataset->label[r] >= 0 && (size_t)dataset->label[r] >= classes)
            classes = (size_t)dataset->label[r] + 1;
    return classes;
}

static enum et_status read_parts(const struct et_config *config, struct et_store *store,
                                 struct et_array *x, struct et_array *x_test,
                                 struct et_dataset *dataset)
{
    const char *test_path = et_config_string(config, "x_test");
    const char *groups = et_config_string(config, "groups");
    ET_TRY(et_store_read_array(store, et_config_string(config, "x"), x));
    if (*test_path != '\0') {
        ET_TRY(et_store_read_array(store, test_path, x_test));
        if (x_test->cols != x->cols)
            return et_error_set(ET_SHAPE, "'%s' has %zu columns, the training part has %zu",
                                test_path, x_test->cols, x->cols);
        dataset->n_train = x->rows;
    }
    ET_TRY(et__dataset_create(dataset, x->rows + x_test->rows, x->cols, 0, NULL, *groups != '\0'));
    dataset->origin = "HDF5 file";
    ET_TRY(read_integers(store, et_config_string(config, "labels"), x->rows, dataset->label));
    if (x->rows > 0) memcpy(dataset->x.data, x->data, x->rows * x->cols * sizeof *x->data);
    if (*groups != '\0') ET_TRY(read_integers(store, groups, x->rows, dataset->group));
    if (*test_path == '\0') return ET_OK;
    memcpy(dataset->x.data + x->rows * x->cols, x_test->data,
           x_test->rows * x->cols * sizeof *x->data);
    return read_integers(store, et_config_string(config, "labels_test"), x_test->rows,
                         dataset->label + x->rows);
}

static enum et_status load(const struct et_config *config, uint64_t seed,
                           struct et_dataset *dataset)
{
    (void)seed;
    bool has_test = *et_config_string(config, "x_test") != '\0';
    if (has_test != (*et_config_string(config, "labels_test") != '\0'))
        return et_config_error(config, has_test ? "x_test" : "labels_test",
                               "x_test and labels_test come together");
    if (has_test && *et_config_string(config, "groups") != '\0')
        return et_config_error(config, "groups", "groups do not go with a test part");
    char *path = NULL;
    struct et_store *store = NULL;
    struct et_array x = {0}, x_test = {0};
    enum et_status status = et_config_file(config, et_config_string(config, "path"), &path);
    if (status == ET_OK) status = et_store_open_foreign(path, &store);
    if (status == ET_OK) status = read_parts(config, store, &x, &x_test, dataset);
    if (status == ET_OK)
        dataset->n_classes = count_classes(config, dataset);
    else if (path != NULL)
        et_error_while("reading '%s'", path);
    et_array_destroy(&x);
    et_array_destroy(&x_test);
    et_store_close(store);
    et_free(path);
    return status;
}

const struct et_dataset_type et_dataset_hdf5 = {
    .name = "hdf5",
    .summary = "Arrays of an HDF5 file: features, labels, groups, a test part.",
    .params = params,
    .load = load,
};
