/* SPDX-License-Identifier: Apache-2.0
 *
 * An open objective, and the two pieces of arithmetic that objectives share. */
#ifndef ETALON_TRAINING_OBJECTIVE_H
#define ETALON_TRAINING_OBJECTIVE_H

#include <etalon/method.h>

struct et__objective {
    const struct et_objective_type *type;
    void *state;
};

/* Opens the objective of a checked map {type: ...}; *objective may be closed after failure. */
enum et_status et__objective_open(struct et__objective *objective, const struct et_config *config,
                                  const struct et_objective_shape *shape) ET_CHECKED;
void et__objective_close(struct et__objective *objective);

/* The objective's i-th tensor of a stage, NULL past the last. */
struct et_tensor *et__objective_tensor(const struct et__objective *objective, size_t stage,
                                       size_t i);

const struct et_objective_type *et__objective_find(const char *name);
const struct et_method_type *et__method_find(const char *name);

/* softplus(x) = log(1 + exp(x)) and the logistic function, without overflow. */
double et__softplus(double x);
double et__logistic(double x);

/* Softmax cross-entropy, averaged over the rows.
 *
 * logits  [rows][n_classes]  in: logits; out: dLoss/dlogits = (softmax - one-hot) / rows
 * label   [rows]
 *
 * Returns the loss. */
double et__cross_entropy(struct et_view logits, const int32_t *label);

#endif
