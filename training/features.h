/* SPDX-License-Identifier: Apache-2.0
 *
 * Features: samples scaled by the training rows, with the label written in where an objective
 * wants it. */
#ifndef ETALON_TRAINING_FEATURES_H
#define ETALON_TRAINING_FEATURES_H

#include <etalon/config.h>
#include <etalon/dataset.h>

enum et__label_place { ET__LABEL_NONE, ET__LABEL_PREPEND, ET__LABEL_REPLACE };

/* Rows h_0 = [slots | x], or x with its first n_classes entries replaced. */
struct et__features {
    const struct et_dataset *dataset;
    enum et_scaling scaling;
    bool nonnegative;
    enum et__label_place place;
    size_t slots, n_classes;
    size_t width;              /* of h_0 */
    size_t shake, image_width; /* pixels; 0 = none */

    struct et_scaler scaler;
    float shift;       /* subtracted after scaling */
    float label_value; /* written into the slot of the label: max |x| of the training rows */
    struct et_array scaled;
    struct et_view x; /* [n][n_features]: the data set itself when nothing is to be scaled */
};

/* Parameter table of `features:`. */
extern const struct et_param et__features_params[];

/* Reads the record; contrastive says whether the label belongs into the input.
 * Errors: ET_CONFIG (slots too few). */
enum et_status et__features_open(struct et__features *features, const struct et_config *config,
                                 const struct et_dataset *dataset, bool contrastive) ET_CHECKED;
/* Fits scaling, shift and label value on the training rows and scales everything. */
enum et_status et__features_fit(struct et__features *features,
                                const struct et_split *split) ET_CHECKED;
/* Scales everything by fits that exist already (a stored run on other data). */
enum et_status et__features_scale(struct et__features *features) ET_CHECKED;
void et__features_close(struct et__features *features);

/* Label of a row for et__features_fill: a class, or one of these. */
enum { ET__LABEL_NEUTRAL = -1 };

/* h[i] = features of data set row row[i] with label[i] (ignored without label slots). */
void et__features_fill(const struct et__features *features, const size_t *row, const int32_t *label,
                       size_t n, struct et_view h);

/* Moves each image of h (as et__features_fill gives) by up to `shake` pixels up or down and left or
 * right, edge pixels repeated; a function of (seed, epoch, data set row) alone. */
void et__features_shake(const struct et__features *features, uint64_t seed, uint32_t epoch,
                        const size_t *row, size_t n, struct et_view h);

#endif
