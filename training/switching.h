/* SPDX-License-Identifier: Apache-2.0
 *
 * A multilayer perceptron that keeps its weights once, in 8 bits, and works at several precisions.
 *
 *     q8 = clip(round(w / s), -128, 127)       one learned step s of a layer
 *     q  = double rounding of q8 to b bits     (et_bnn_round), D = 8 - b
 *     acc = sum q u                            u: unsigned codes, integers throughout
 *     z  = (s 2^D v) acc + bias_b              v: value of one input code
 *     u' = clip(round(z / t_b), 0, 2^n - 1)    one learned step t_b of a layer and precision
 *
 * The last layer gives z itself: the scores.  Rounding passes gradients unchanged inside its range
 * (straight-through), and a step learns from what rounding did to its numbers (learned step size).
 * Integers are exact in float32 as long as their sums stay below 2^24, which opening checks: a
 * training pass, packed bits in software and the accelerator give the same codes and sums.
 *
 * Sources: Huang et al., arXiv 2502.01199 (double rounding, learning rates of the steps); Esser et
 * al., arXiv 1902.08153 (gradients of the steps). */
#ifndef ETALON_TRAINING_SWITCHING_H
#define ETALON_TRAINING_SWITCHING_H

#include "optimiser.h"

#include <etalon/accelerator.h>
#include <etalon/method.h>

enum {
    ET__SWITCHING_STORED = 8,     /* bits of the stored weights */
    ET__SWITCHING_PRECISIONS = 8, /* at most */
};

/* What a layer has for one precision. */
struct et__switching_precision {
    char bias_name[48], step_name[48];
    struct et_tensor bias;     /* [1][n_out] */
    struct et_tensor log_step; /* [1][1] ln t_b; none in the last layer */
};

struct et__switching_layer {
    size_t n_in, n_out;
    unsigned in_bits;
    bool last;
    char weight_name[32], scale_name[32];
    struct et_tensor weight;            /* [n_out][n_in] latent */
    struct et_tensor log_scale;         /* [1][1] ln s */
    struct et__switching_precision *at; /* [n_bits] */

    struct et_array stored; /* [n_out][n_in] q8 */
    struct et_array q;      /* [n_out][n_in] at the precision in use */
    struct et_array code;   /* [rows][n_in]  u */
    struct et_array acc;    /* [rows][n_out] */
    struct et_array dz;     /* [rows][n_out] */
    double *part;           /* [max(rows, n_out)] sums of a step's gradient, row by row */
};

struct et__switching {
    struct et__switching_layer *layer;
    size_t n_layers;
    unsigned bits[ET__SWITCHING_PRECISIONS]; /* ascending */
    size_t n_bits;
    unsigned in_bits, code_bits;
    int8_t rounded[256]; /* q8 + 128 -> q at the precision in use */
    struct et__optimiser optimiser, scale_optimiser;
    bool alrs, joint;
    double floor; /* least learning rate of a step, relative to the nominal one */

    /* The device that scores, none without a URI. */
    char *uri;
    struct et_accelerator *accelerator;
    size_t *id; /* [n_layers] */
    bool deployed;
    size_t placed;     /* precision that the device is set to */
    uint64_t *word[2]; /* packed codes, in and out */
    int32_t *sum;      /* [rows][n_classes] */
    int16_t *value;    /* [rows][n_in] */
};

/* Value of one input code of a layer, and the factor from sums to z. */
double et__switching_in_step(const struct et__switching *net, size_t layer, size_t precision);
double et__switching_scale(const struct et__switching *net, size_t layer, size_t precision);

/* Features in [0, 1] (cut to it) to codes of the first layer. */
void et__switching_input(struct et__switching *net, struct et_view x);
/* Latent weights to integers at a precision. */
void et__switching_quantise(struct et__switching *net, size_t precision);
/* Codes and sums of all layers at a precision; the sums of the last one stay in its acc. */
void et__switching_forward(struct et__switching *net, size_t precision, size_t rows);
/* Scores from the sums of the last layer. */
void et__switching_scores(const struct et__switching *net, size_t precision, struct et_view acc,
                          struct et_view score);
/* One update at one precision; returns the loss. */
double et__switching_learn(struct et__switching *net, size_t precision, const int32_t *label,
                           size_t rows, double progress, uint64_t count);
/* Sets the steps of the activations from a first batch. */
void et__switching_calibrate(struct et__switching *net, size_t precision, size_t rows);

/* ALRS: the learning rate of the steps at D = 8 - bits.
 *
 *     rate_b = eta_b max(rate - mean_layers min(|g|, 1), floor rate)
 *     eta_b  = 10^(-D/2) for even D, 5 * 10^(-(D+1)/2) for odd D
 *
 * As printed the difference can be negative, hence the floor. */
double et__switching_eta(unsigned stored, unsigned bits);
double et__switching_rate(double eta, double rate, double mean_gradient, double floor);

/* The same scores from the device. */
enum et_status et__switching_device_score(struct et__switching *net, size_t precision,
                                          struct et_view x, struct et_view score) ET_CHECKED;
void et__switching_device_close(struct et__switching *net);

#endif
