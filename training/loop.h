/* SPDX-License-Identifier: Apache-2.0
 *
 * What the methods' loops over epochs and batches share. */
#ifndef ETALON_TRAINING_LOOP_H
#define ETALON_TRAINING_LOOP_H

#include "optimiser.h"
#include "trainer.h"

struct et__loop {
    struct et_trainer *trainer;
    struct et__optimiser optimiser, latent; /* of readouts and heads; of latent weights */
    size_t epochs, batch, inner_steps, evaluate_every, n_rows, n_batches;
    bool contrastive, neutral;
};

/* Reads what every method has: epochs, batch, evaluate_every, optimiser, latent_optimiser. */
void et__loop_init(struct et__loop *loop, struct et_trainer *trainer);

/* The order of the rows in an epoch: a function of (seed, stage, epoch) alone. */
void et__loop_shuffle(const struct et__loop *loop, size_t *order);

/* Fills rows, labels and sample identities of the batch at hand, the right half, then the wrong
 * half when the objective is contrastive, and h with their features.  Returns the rows of a half.
 */
size_t et__loop_gather(struct et__loop *loop, struct et_view *h);
/* Features of trainer->row[n] under trainer->label[n], images shifted as in this epoch. */
void et__loop_fill(const struct et__loop *loop, size_t n, struct et_view h);

/* Optimiser steps of the tensors of stage l: its own and, with them or apart (scores), those of the
 * objective. */
void et__loop_update(struct et__loop *loop, size_t l, bool scores);

/* Share of the training that is done, in [0, 1). */
double et__loop_progress(const struct et__loop *loop);

/* Errors: ET_NUMERIC, naming layer, epoch and batch. */
enum et_status et__loop_check_loss(const struct et_trainer *trainer, size_t l,
                                   double loss) ET_CHECKED;

/* Moves the mean loss of the epoch that ends into the table. */
void et__loop_close_epoch(struct et__loop *loop, size_t l);
/* Asked when an epoch has ended. */
bool et__loop_evaluates(const struct et__loop *loop);

/* Epochs of shuffled batches from where the trainer stands, with evaluations of the whole network.
 */
enum et_status et__loop_run(struct et__loop *loop,
                            enum et_status (*batch)(struct et__loop *loop)) ET_CHECKED;

#endif
