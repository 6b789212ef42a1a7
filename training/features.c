/* SPDX-License-Identifier: Apache-2.0
 *
 * Scaling by the training rows and the label overlay. */
#include "features.h"

#include <etalon/parallel.h>
#include <etalon/rng.h>

#include <math.h>
#include <string.h>

/* clang-format off */
const struct et_param et__features_params[] = {
    {.name = "scale", .kind = ET_PARAM_CHOICE, .initial = "zscore",
     .choices = "none|zscore|minmax|percentile",
     .doc = "Scaling per feature, fitted on the training rows alone."},
    {.name = "nonnegative", .kind = ET_PARAM_BOOL, .initial = "false",
     .doc = "Then subtract the smallest scaled value of the training rows."},
    {.name = "label", .kind = ET_PARAM_CHOICE, .initial = "prepend", .choices = "prepend|replace",
     .doc = "Contrastive objectives: put the label into slots before the features, or over the "
            "first ones."},
    {.name = "slots", .kind = ET_PARAM_INT, .initial = "0", .min = 0, .max = 100000,
     .doc = "Slots for a prepended label; 0 = as many as classes."},
    {.name = "shake", .kind = ET_PARAM_INT, .initial = "0", .min = 0, .max = 8, .unit = "pixels",
     .doc = "Images: in each epoch a training row is moved by up to so many pixels, at random."},
    {.name = "image_width", .kind = ET_PARAM_INT, .initial = "0", .min = 0, .max = 100000,
     .unit = "pixels", .doc = "Width of an image for `shake`; 0 = images are square."},
    {0},
};
/* clang-format on */

static enum et_status read_image(struct et__features *features, const struct et_config *config)
{
    size_t pixels = features->dataset->x.cols, width = (size_t)et_config_int(config, "image_width");
    features->shake = (size_t)et_config_int(config, "shake");
    if (features->shake == 0) return ET_OK;
    if (width == 0) width = (size_t)lround(sqrt((double)pixels));
    if (width * (pixels / width) != pixels)
        return et_config_error(config, "image_width",
                               "%zu features are no image of %zu pixels a row", pixels, width);
    features->image_width = width;
    if (et_config_choice(config, "label") == 1)
        return et_config_error(config, "shake", "a label over the image would move with it");
    return ET_OK;
}

enum et_status et__features_open(struct et__features *features, const struct et_config *config,
                                 const struct et_dataset *dataset, bool contrastive)
{
    size_t slots = (size_t)et_config_int(config, "slots"), n_classes = dataset->n_classes;
    *features = (struct et__features){
        .dataset = dataset,
        .scaling = (enum et_scaling)et_config_choice(config, "scale"),
        .nonnegative = et_config_bool(config, "nonnegative"),
        .n_classes = n_classes,
        .slots = slots == 0 ? n_classes : slots,
        .width = dataset->x.cols,
    };
    ET_TRY(read_image(features, config));
    if (!contrastive) return ET_OK;
    features->place =
        et_config_choice(config, "label") == 0 ? ET__LABEL_PREPEND : ET__LABEL_REPLACE;
    if (features->slots < n_classes)
        return et_config_error(config, "slots", "%zu slots cannot hold the label of %zu classes",
                               features->slots, n_classes);
    if (features->place == ET__LABEL_PREPEND)
        features->width += features->slots;
    else if (dataset->x.cols < n_classes)
        return et_config_error(config, "label",
                               "%zu features cannot be replaced by the label of %zu classes",
                               dataset->x.cols, n_classes);
    return ET_OK;
}

enum et_status et__features_scale(struct et__features *features)
{
    struct et_view raw = et_array_view(&features->dataset->x);
    features->x = raw;
    if (features->scaling == ET_SCALE_NONE && !features->nonnegative) return ET_OK;
    et_array_destroy(&features->scaled);
    ET_TRY(et_array_create(&features->scaled, raw.rows, raw.cols));
    features->x = et_array_view(&features->scaled);
    if (features->scaling == ET_SCALE_NONE)
        et_view_copy(features->x, raw);
    else
        et_scaler_apply(&features->scaler, raw, features->x);
    for (size_t k = 0; k < raw.rows * raw.cols; k++)
        features->scaled.data[k] -= features->shift;
    return ET_OK;
}

/* Smallest value and largest magnitude over the training rows. */
static void extremes(struct et_view x, const struct et_split *split, float *least, float *largest)
{
    *least = INFINITY;
    *largest = 0;
    for (size_t i = 0; i < split->n_train; i++) {
        const float *row = x.data + split->train[i] * x.stride;
        for (size_t j = 0; j < x.cols; j++) {
            *least = row[j] < *least ? row[j] : *least;
            *largest = fabsf(row[j]) > *largest ? fabsf(row[j]) : *largest;
        }
    }
}

enum et_status et__features_fit(struct et__features *features, const struct et_split *split)
{
    float least, largest;
    et_scaler_destroy(&features->scaler);
    features->shift = 0;
    if (features->scaling != ET_SCALE_NONE)
        ET_TRY(et_scaler_fit(&features->scaler, features->scaling,
                             et_array_view(&features->dataset->x), split->train, split->n_train));
    ET_TRY(et__features_scale(features));
    extremes(features->x, split, &least, &largest);
    if (features->nonnegative) {
        features->shift = least;
        for (size_t k = 0; k < features->x.rows * features->x.cols; k++)
            features->scaled.data[k] -= least;
        extremes(features->x, split, &least, &largest);
    }
    features->label_value = largest > 0 ? largest : 1;
    return ET_OK;
}

void et__features_close(struct et__features *features)
{
    et_scaler_destroy(&features->scaler);
    et_array_destroy(&features->scaled);
    *features = (struct et__features){0};
}

static void write_label(const struct et__features *features, int32_t label, size_t slots, float *to)
{
    for (size_t k = 0; k < slots; k++)
        to[k] = 0;
    if (label != ET__LABEL_NEUTRAL) {
        to[label] = features->label_value;
        return;
    }
    float share = features->label_value / (float)features->n_classes;
    for (size_t k = 0; k < features->n_classes; k++)
        to[k] = share;
}

void et__features_fill(const struct et__features *features, const size_t *row, const int32_t *label,
                       size_t n, struct et_view h)
{
    size_t lead = features->place == ET__LABEL_PREPEND ? features->slots : 0;
    for (size_t i = 0; i < n; i++) {
        float *to = h.data + i * h.stride;
        const float *from = features->x.data + row[i] * features->x.stride;
        memcpy(to + lead, from, features->x.cols * sizeof *to);
        if (features->place == ET__LABEL_PREPEND)
            write_label(features, label[i], lead, to);
        else if (features->place == ET__LABEL_REPLACE)
            write_label(features, label[i], features->n_classes, to);
    }
}

static size_t clamp(long v, size_t n)
{
    return v < 0 ? 0 : (size_t)v < n ? (size_t)v : n - 1;
}

struct shake {
    const struct et__features *features;
    uint64_t seed;
    uint32_t epoch;
    const size_t *row;
    struct et_view h;
};

static void shake_row(void *user, size_t i, size_t worker)
{
    (void)worker;
    const struct shake *s = user;
    const struct et__features *f = s->features;
    uint32_t word[4], span = (uint32_t)(2 * f->shake + 1);
    et_rng_block(s->seed, ET_STREAM_DATA, s->epoch, s->row[i], word);
    long dy = (long)(word[0] % span) - (long)f->shake, dx = (long)(word[1] % span) - (long)f->shake;
    size_t lead = f->place == ET__LABEL_PREPEND ? f->slots : 0;
    size_t nx = f->image_width, ny = f->x.cols / nx;
    const float *from = f->x.data + s->row[i] * f->x.stride;
    float *to = s->h.data + i * s->h.stride + lead;
    for (size_t y = 0; y < ny; y++)
        for (size_t x = 0; x < nx; x++)
            to[y * nx + x] = from[clamp((long)y + dy, ny) * nx + clamp((long)x + dx, nx)];
}

void et__features_shake(const struct et__features *features, uint64_t seed, uint32_t epoch,
                        const size_t *row, size_t n, struct et_view h)
{
    struct shake s = {features, seed, epoch, row, h};
    if (features->shake > 0) et_parallel_for(n, shake_row, &s);
}
