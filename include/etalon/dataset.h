/* SPDX-License-Identifier: Apache-2.0
 *
 * Labelled data, splits, and scaling that is fitted on the training split alone. */
#ifndef ETALON_DATASET_H
#define ETALON_DATASET_H

#include <etalon/array.h>
#include <etalon/config.h>
#include <etalon/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* n samples of n_features numbers (x.rows, x.cols) with a class each. */
struct et_dataset {
    struct et_array x; /* [n][n_features] */
    int32_t *label;    /* [n], 0 .. n_classes - 1 */
    int32_t *group;    /* [n] speaker or other unit that must not be split, or NULL */
    size_t n_classes;
    size_t n_train;     /* > 0: rows 0 .. n_train-1 are the given training set, the rest test */
    char **class_name;  /* [n_classes], or NULL */
    const char *origin; /* one sentence for the summary, e.g. where the data come from; static */
};

/* One const object per file: et_dataset_<name>. */
struct et_dataset_type {
    const char *name, *summary;
    const struct et_param *params;
    /* Fills *dataset (given zeroed); the framework destroys it after failure.
     * Errors: ET_MISSING (no such file), ET_IO, ET_FORMAT "file:line: ...", ET_NOMEM. */
    enum et_status (*load)(const struct et_config *config, uint64_t seed,
                           struct et_dataset *dataset);
};

/* Loads a data set from a checked map {type: ..., ...}, then checks it: finite numbers, labels in
 * range, at least two classes.  *dataset must be zeroed; seed matters to generated data. */
ET_API enum et_status et_dataset_load(const struct et_config *config, uint64_t seed,
                                      struct et_dataset *dataset) ET_CHECKED;
/* The same from YAML text, "{type: rings}". */
ET_API enum et_status et_dataset_load_text(const char *yaml, uint64_t seed,
                                           struct et_dataset *dataset) ET_CHECKED;
/* Frees and empties; accepts an empty data set. */
ET_API void et_dataset_destroy(struct et_dataset *dataset);

/* Writes features [n_steps][channels] as a NIRData recording of the spikes of node "input", with
 * the labels as the data set /labels beside it; spikes-hdf5 reads it back.
 *
 * dt_s    length of a step, above 0
 * events  as lists of (neuron, time) instead of a grid; needs features of 0 and 1
 *
 * Errors: ET_INVALID (n_steps does not divide the features), ET_UNSUPPORTED, ET_IO, ET_NOMEM. */
ET_API enum et_status et_dataset_write_recording(const struct et_dataset *dataset, const char *path,
                                                 size_t n_steps, double dt_s,
                                                 bool events) ET_CHECKED;

/* Entry i of the family "dataset". */
ET_API const struct et_type_entry *et_dataset_types(const char *family, size_t i);

/* Row numbers of a training and a test part; both owned. */
struct et_split {
    size_t *train, *test;
    size_t n_train, n_test;
};

/* How to split. */
struct et_split_rule {
    double test_fraction; /* 0..1, ignored when folds > 1 or the data set brings its own split */
    size_t folds;         /* > 1: k-fold, `fold` says which part is the test part */
    size_t fold;
    int by_group; /* keep the rows of a group together */
};

/* Makes a split, shuffled by seed.  A data set with n_train > 0 keeps its own split unless
 * folds > 1.  Errors: ET_INVALID (an empty part, by_group without groups), ET_NOMEM. */
ET_API enum et_status et_split_make(const struct et_dataset *dataset, struct et_split_rule rule,
                                    uint64_t seed, struct et_split *split) ET_CHECKED;
ET_API void et_split_destroy(struct et_split *split);

enum et_scaling {
    ET_SCALE_NONE,
    ET_SCALE_ZSCORE,    /* (x - mean) / sd; sd = 0 gives 0 */
    ET_SCALE_MINMAX,    /* (x - min) / (max - min), clipped to [0, 1]; a constant gives 0 */
    ET_SCALE_PERCENTILE /* x / (94th percentile of |x|, nearest rank); percentile 0 gives 0 */
};

/* y = (x - offset) * factor per column, then clipped to [lo, hi]. */
struct et_scaler {
    float *offset, *factor; /* [n] */
    size_t n;
    float lo, hi;
};

/* Fits on rows of x: index[n_index], or all rows when index is NULL.
 * Errors: ET_INVALID (no rows or no columns), ET_NOMEM. */
ET_API enum et_status et_scaler_fit(struct et_scaler *scaler, enum et_scaling scaling,
                                    struct et_view x, const size_t *index,
                                    size_t n_index) ET_CHECKED;
/* y [n][columns] out, x the same shape in; in place when y and x are the same view. */
ET_API void et_scaler_apply(const struct et_scaler *scaler, struct et_view x, struct et_view y);
ET_API void et_scaler_destroy(struct et_scaler *scaler);

#endif
