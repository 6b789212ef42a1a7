/* SPDX-License-Identifier: Apache-2.0
 *
 * First-order optimisers over tensors. */
#ifndef ETALON_TRAINING_OPTIMISER_H
#define ETALON_TRAINING_OPTIMISER_H

#include <etalon/config.h>
#include <etalon/method.h>

enum et__optimiser_kind { ET__ADAM, ET__SGD };
enum et__rate_schedule { ET__RATE_CONSTANT, ET__RATE_HALF, ET__RATE_COSINE, ET__RATE_LINEAR };

struct et__optimiser {
    enum et__optimiser_kind kind;
    enum et__rate_schedule schedule;
    double rate, weight_decay, beta1, beta2, epsilon, momentum;
};

/* The parameter table of `optimiser:` and its reader. */
extern const struct et_param et__optimiser_params[];
/* The same with the defaults of latent weights: rate 1e-2, cosine. */
extern const struct et_param et__latent_params[];
/* The same with the default of knobs: rate 1e-2. */
extern const struct et_param et__knob_optimiser_params[];
void et__optimiser_read(struct et__optimiser *optimiser, const struct et_config *config);

/* Learning rate at `progress` in [0, 1) of the training. */
double et__optimiser_rate(const struct et__optimiser *optimiser, double progress);

/* One update of a tensor from its gradient.
 *
 * Adam (count = number of updates so far, this one included; Kingma & Ba, arXiv 1412.6980, with
 * weight decay added to the gradient):
 *     g += decay w;  m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2
 *     w -= rate (m / (1 - beta1^count)) / (sqrt(v / (1 - beta2^count)) + epsilon)
 * SGD with momentum:
 *     g += decay w;  m = momentum m + g;  w -= rate m
 *
 * Deterministic for any thread count. */
void et__optimiser_step(const struct et__optimiser *optimiser, struct et_tensor *tensor,
                        double rate, uint64_t count);

#endif
