/* SPDX-License-Identifier: Apache-2.0
 *
 * A fitted twin: a multilayer perceptron that imitates a device from recorded pairs.
 *
 *     h_0 = (x - x_offset) x_factor
 *     h_l = silu(h_{l-1} W_l + b_l),  silu(z) = z / (1 + exp(-z))
 *     y   = (h_{L-1} W_L + b_L) y_scale + y_offset
 *
 * It is fitted by Adam on the mean squared error with a cosine schedule; the same data and settings
 * give the same bytes at any thread count. */
#ifndef ETALON_HW_TWIN_H
#define ETALON_HW_TWIN_H

#include <etalon/array.h>

#include <stdbool.h>
#include <stdint.h>

struct et__twin_settings {
    const size_t *hidden; /* [n_hidden] widths */
    size_t n_hidden;
    size_t epochs, batch;
    double learning_rate; /* at the start; falls to 0 along half a cosine */
    double holdout;       /* part of the pairs that is kept for the error, 0..1 */
    uint64_t seed;        /* of initial weights and shuffles */
};

struct et__twin {
    size_t n_layers;  /* L, affine maps */
    size_t *width;    /* [L + 1], from inputs to outputs */
    float *parameter; /* for each layer W [in][out], then b [out] */
    size_t n_parameters;
    float *x_offset, *x_factor, *y_offset; /* per channel */
    float y_scale;
    double rmse, output_sd; /* of the pairs held out, in the unit of the outputs */
    size_t n_held_out;
    float *scratch; /* [workers] of scratch_size numbers, for forward and vjp */
    size_t scratch_size;
};

/* Makes an unfitted twin of the given shape; the caller deinits it, also after failure. */
enum et_status et__twin_init(struct et__twin *twin, size_t n_in, size_t n_out, const size_t *hidden,
                             size_t n_hidden) ET_CHECKED;
void et__twin_deinit(struct et__twin *twin);

/* Fits to pairs x [n][n_in], y [n][n_out] and measures the error on the part held out.
 * Errors: ET_INVALID (a part is empty), ET_NUMERIC (the fit diverged), ET_NOMEM. */
enum et_status et__twin_fit(struct et__twin *twin, const struct et__twin_settings *settings,
                            struct et_view x, struct et_view y) ET_CHECKED;

/* y = twin(x); contiguous rows, any cut of a batch gives the same bytes. */
void et__twin_forward(const struct et__twin *twin, struct et_view x, struct et_view y);

/* dx = (dy/dx)^T dy. */
void et__twin_vjp(const struct et__twin *twin, struct et_view x, struct et_view dy,
                  struct et_view dx);

/* A number that tells fits apart: of settings, shapes and data. */
uint64_t et__twin_digest(const struct et__twin_settings *settings, struct et_view x,
                         struct et_view y);

/* Writes a fitted twin, or reads one into an initialised twin of the same shape.
 * *found = false when the file does not exist or holds a twin of another digest.
 * Errors: those of store.h; ET_FORMAT when the file is something else. */
enum et_status et__twin_save(const struct et__twin *twin, const char *path,
                             uint64_t digest) ET_CHECKED;
enum et_status et__twin_load(struct et__twin *twin, const char *path, uint64_t digest,
                             bool *found) ET_CHECKED;

#endif
