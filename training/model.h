/* SPDX-License-Identifier: Apache-2.0
 *
 * What methods with a network of their own (struct et_model_type) share: opening, the loop over
 * batches, the cases as rows of the results. */
#ifndef ETALON_TRAINING_MODEL_H
#define ETALON_TRAINING_MODEL_H

#include "trainer.h"

/* The model of the method of an experiment, NULL when it works on layers. */
const struct et_model_type *et__model_of(const struct et_config *config);

/* Rules between `layers` and `method`.  Errors: ET_CONFIG. */
enum et_status et__model_check_layers(const struct et_config *config) ET_CHECKED;

struct et__plan et__model_plan(const struct et_model_type *model, const struct et_config *method,
                               size_t n_train);

/* Opens the model of a trainer whose plan, features and seed are set; predictions are those of its
 * last case.  Close it in any case. */
enum et_status et__model_open(struct et_trainer *trainer,
                              const struct et_model_type *model) ET_CHECKED;
void et__model_close(struct et_trainer *trainer);

/* Counters of the device that predicts; *counts is set to true when there is one that counts. */
enum et_status et__model_counters(struct et_trainer *trainer, struct et_bnn_counters *counters,
                                  bool *counts) ET_CHECKED;

/* Trains from where the trainer stands: the `train` of such a method. */
enum et_status et__model_train(struct et_trainer *trainer) ET_CHECKED;

/* Opens and closes an accelerator ("" = none): one that cannot be had is told before a training.
 * Errors: as et_accelerator_open. */
enum et_status et__model_try_device(const char *uri) ET_CHECKED;

#endif
