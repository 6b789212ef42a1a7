/* SPDX-License-Identifier: Apache-2.0
 *
 * Binary stages: one-bit weights on a device that returns integer accumulators, trained by a local
 * rule whose only forward pass is the device's.
 *
 *     x    = bits of h                        odd integers of in_bits planes
 *     a    = W x,  W = sign(latent)           the device; or W = sign(sin(w0 latent))
 *     z    = (a - mean) / sqrt(variance + 1) + bias     statistics of the batch while training,
 *                                             running ones afterwards; no gain, hence no flips
 *     h'   = sign(z), sign(0) = +1            what the objective and the next stage see
 *
 * Backward, with s the surrogate of sign's derivative ([|z| <= 1], BiPer: max(0, 2 - 2|z|)):
 *
 *     dz = s(z) dh'
 *     da = (dz - mean(dz) - n mean(dz n)) / sqrt(variance + 1),   n = z - bias
 *     dlatent = da^T x,  BiPer: times w0 cos(w0 latent)
 *
 * All of it is known to the host once the accumulators are: the update needs no second pass and is
 * bit for bit the same whatever computed them.  A stage of role `classes` has no normalisation:
 * scale a + bias are the logits of softmax cross-entropy, and argmax(a + round(bias / scale)) is a
 * classifier of integers alone.
 *
 * Sources: straight-through estimator with clipped latent weights, Courbariaux et al.,
 * arXiv 1602.02830; BiPer, Vargas et al., arXiv 2404.01278. */
#ifndef ETALON_TRAINING_BINARY_STAGE_H
#define ETALON_TRAINING_BINARY_STAGE_H

#include "network.h"

/* Parameter table of `binary:`. */
extern const struct et_param et__bits_params[];

/* Is it a binary stage?  Is it the one that classifies by integers? */
bool et__is_binary(const struct et__stage *stage);
bool et__is_classes(const struct et__stage *stage);

/* Reads the record and checks the rest of the layer against it; the system is open.
 * Errors: ET_CONFIG. */
enum et_status et__bits_read(struct et__stage *stage, const struct et_config *layer,
                             bool last) ET_CHECKED;
enum et_status et__bits_create(struct et__stage *stage, size_t rows) ET_CHECKED;
void et__bits_destroy(struct et__stage *stage);
/* Fresh latent weights, uniform in +-0.1, and statistics. */
void et__bits_reset(struct et__stage *stage, uint64_t seed, uint32_t i);

/* x [rows][n_in] from h [rows][n_h]: value v becomes the code floor(v gain 2^in_bits), cut to the
 * legal ones, and the code c the odd integer 2 c - (2^in_bits - 1). */
void et__bits_drive(const struct et__stage *stage, struct et_view h, struct et_view x);
/* The device's weights from the latent ones, into stage->bits.weight. */
void et__bits_weights(struct et__stage *stage);
/* Accumulators without the device: a = x W^T with the weights in stage->bits.weight. */
void et__bits_multiply(struct et__network *network, size_t i, struct et_view x, struct et_view a);

/* h_out from the accumulators in stage->a: with the statistics of this batch, which also move the
 * running ones; or with the running ones, as integer thresholds where the accumulators are
 * integers (call et__network_fold first).  For the role `classes` the logits. */
void et__bits_activate(struct et__stage *stage, struct et_view h_out);
void et__bits_infer(struct et__stage *stage, struct et_view h_out);
/* Makes the integer thresholds of all binary stages.  Errors: ET_INVALID (statistics that are not
 * finite). */
enum et_status et__network_fold(struct et__network *network) ET_CHECKED;
/* argmax over classes of a + round(bias / scale), the first of equals. */
void et__bits_classify(const struct et__stage *stage, size_t rows, int32_t *predicted);

/* Softmax cross-entropy of logits; d = dL/dlogits. */
double et__bits_loss(struct et_view logits, const int32_t *label, struct et_view d);

/* After et__bits_activate, from d = dL/dh_out: da (into d), dL/dlatent, dL/dbias.  The inputs are
 * those in stage->x. */
void et__bits_gradient(struct et__network *network, size_t i, struct et_view d);
/* Keeps latent weights of the straight-through rule within [-1, 1] after an update. */
void et__bits_clip(struct et__stage *stage);

#endif
