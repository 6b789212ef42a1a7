/* SPDX-License-Identifier: Apache-2.0
 *
 * Images and labels in IDX files, as MNIST comes; bytes become features in 0 .. 1. */
#include "dataset_create.h"
#include "file_bytes.h"
#include "idx.h"

#include <stdint.h>

static const struct et_param params[] = {
    {.name = "images",
     .kind = ET_PARAM_STRING,
     .doc = "IDX file of the images, plain or gzip: \"${ETALON_DATA}/mnist/"
            "train-images-idx3-ubyte.gz\"."},
    {.name = "labels", .kind = ET_PARAM_STRING, .doc = "IDX file of their labels."},
    {.name = "test_images",
     .kind = ET_PARAM_STRING,
     .initial = "\"\"",
     .doc = "IDX file of the test images; with it the data set brings its own split."},
    {.name = "test_labels",
     .kind = ET_PARAM_STRING,
     .initial = "\"\"",
     .doc = "IDX file of the test labels."},
    {.name = "classes",
     .kind = ET_PARAM_INT,
     .initial = "0",
     .min = 0,
     .max = 256,
     .doc = "Labels are 0 .. classes - 1; 0 = one more than the highest label."},
    {.name = "limit",
     .kind = ET_PARAM_INT,
     .initial = "0",
     .min = 0,
     .max = 1e9,
     .unit = "rows",
     .doc = "Use the first so many images; 0 = all."},
    {.name = "limit_test",
     .kind = ET_PARAM_INT,
     .initial = "0",
     .min = 0,
     .max = 1e9,
     .unit = "rows",
     .doc = "Use the first so many test images; 0 = all."},
    {0},
};

/* One pair of files, in memory. */
struct part {
    char *image_path, *label_path;
    struct et__bytes image_bytes, label_bytes;
    struct et__idx images, labels;
    size_t rows; /* in use */
};

static void part_destroy(struct part *part)
{
    et__bytes_destroy(&part->image_bytes);
    et__bytes_destroy(&part->label_bytes);
    et_free(part->image_path);
    et_free(part->label_path);
}

static enum et_status read_idx(const struct et_config *config, const char *name, char **path,
                               struct et__bytes *bytes, struct et__idx *idx)
{
    ET_TRY(et_config_file(config, et_config_string(config, name), path));
    ET_TRY(et__bytes_read(*path, bytes));
    return et__idx_parse(*path, bytes->data, bytes->size, idx);
}

static enum et_status part_read(const struct et_config *config, const char *images,
                                const char *labels, const char *limit, struct part *part)
{
    ET_TRY(read_idx(config, images, &part->image_path, &part->image_bytes, &part->images));
    ET_TRY(read_idx(config, labels, &part->label_path, &part->label_bytes, &part->labels));
    if (part->images.rank < 2)
        return et_error_set(ET_FORMAT, "'%s' has rank 1, images have at least 2", part->image_path);
    if (part->labels.rank != 1)
        return et_error_set(ET_FORMAT, "'%s' has rank %zu, labels have 1", part->label_path,
                            part->labels.rank);
    if (part->images.dims[0] != part->labels.dims[0])
        return et_error_set(ET_FORMAT, "'%s' has %zu images, but '%s' has %zu labels",
                            part->image_path, part->images.dims[0], part->label_path,
                            part->labels.dims[0]);
    size_t most = (size_t)et_config_int(config, limit);
    part->rows = most > 0 && most < part->images.dims[0] ? most : part->images.dims[0];
    return ET_OK;
}

/* classes > 0: checks the labels against it; 0: raises *found to one more than the highest. */
static enum et_status count_classes(const struct part *part, size_t classes, size_t *found)
{
    for (size_t i = 0; i < part->labels.dims[0]; i++) {
        size_t label = part->labels.data[i];
        if (classes > 0 && label >= classes)
            return et_error_set(ET_FORMAT, "'%s', row %zu: label %zu is outside 0 .. %zu",
                                part->label_path, i, label, classes - 1);
        if (label >= *found) *found = label + 1;
    }
    if (classes > 0) *found = classes;
    return ET_OK;
}

static void part_copy(const struct part *part, struct et_dataset *dataset, size_t first)
{
    size_t width = part->images.width;
    float *x = dataset->x.data + first * width;
    for (size_t i = 0; i < part->rows * width; i++)
        x[i] = (float)part->images.data[i] / 255.0F;
    for (size_t r = 0; r < part->rows; r++)
        dataset->label[first + r] = part->labels.data[r];
}

static enum et_status load_parts(const struct et_config *config, struct part *train,
                                 struct part *test, struct et_dataset *dataset)
{
    bool has_test = *et_config_string(config, "test_images") != '\0';
    if (has_test != (*et_config_string(config, "test_labels") != '\0'))
        return et_config_error(config, has_test ? "test_images" : "test_labels",
                               "test_images and test_labels come together");
    size_t classes = (size_t)et_config_int(config, "classes"), found = 0;
    ET_TRY(part_read(config, "images", "labels", "limit", train));
    ET_TRY(count_classes(train, classes, &found));
    if (has_test) {
        ET_TRY(part_read(config, "test_images", "test_labels", "limit_test", test));
        ET_TRY(count_classes(test, classes, &found));
        if (test->images.width != train->images.width)
            return et_error_set(ET_FORMAT, "'%s' has images of %zu bytes, '%s' of %zu",
                                test->image_path, test->images.width, train->image_path,
                                train->images.width);
        dataset->n_train = train->rows;
    }
    ET_TRY(
        et__dataset_create(dataset, train->rows + test->rows, train->images.width, found, NULL, 0));
    dataset->origin = "IDX files";
    part_copy(train, dataset, 0);
    if (has_test) part_copy(test, dataset, train->rows);
    return ET_OK;
}

static enum et_status load(const struct et_config *config, uint64_t seed,
                           struct et_dataset *dataset)
{
    (void)seed;
    struct part train = {0}, test = {0};
    enum et_status status = load_parts(config, &train, &test, dataset);
    part_destroy(&train);
    part_destroy(&test);
    return status;
}

const struct et_dataset_type et_dataset_idx = {
    .name = "idx",
    .summary = "Images and labels in IDX files, plain or gzip, such as MNIST.",
    .params = params,
    .load = load,
};
