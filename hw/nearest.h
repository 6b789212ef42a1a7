/* SPDX-License-Identifier: Apache-2.0
 *
 * Interpolation between recorded pairs by the k nearest ones:
 *
 *     y(x) = sum_i y_i / d_i^2  /  sum_i 1 / d_i^2,   d_i = |x - x_i|
 *
 * over the k recorded inputs nearest to x (the lower row first among equals); a recorded input
 * gives its own output.  Source: Shepard, Proc. 23rd ACM Nat. Conf., 517 (1968). */
#ifndef ETALON_HW_NEAREST_H
#define ETALON_HW_NEAREST_H

#include <etalon/array.h>

struct et__nearest {
    struct et_view x, y; /* [n][n_in], [n][n_out] borrowed */
    size_t k;
    float *distance; /* [workers][k] */
    size_t *row;     /* [workers][k] */
};

enum et_status et__nearest_init(struct et__nearest *nearest, struct et_view x, struct et_view y,
                                size_t k) ET_CHECKED;
void et__nearest_deinit(struct et__nearest *nearest);

/* Contiguous rows; any cut of a batch gives the same bytes. */
void et__nearest_forward(const struct et__nearest *nearest, struct et_view x, struct et_view y);

#endif
