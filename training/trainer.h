/* SPDX-License-Identifier: Apache-2.0
 *
 * What a method works with: the network, the data, and where the training stands. */
#ifndef ETALON_TRAINING_TRAINER_H
#define ETALON_TRAINING_TRAINER_H

#include "features.h"
#include "network.h"
#include "objective.h"

#include <etalon/method.h>

/* Where a training stands; saved with every checkpoint. */
struct et__position {
    uint64_t stage; /* greedy schedule: the stage being trained */
    uint64_t epoch; /* epochs done (of that stage) */
    uint64_t batch; /* batches done of the current epoch */
    uint64_t sweep; /* measurements done: the `index` of the next pass */
    uint64_t evals; /* evaluations done */
    uint64_t done;  /* 1 when finished */
};

/* How long a training is; from the method, before it starts. */
struct et__plan {
    size_t epochs; /* rows of the loss table */
    size_t evals;  /* evaluations */
    size_t n_batches;
    size_t steps; /* batches in all, for the progress bar */
    size_t rows;  /* of an epoch */
    size_t batch; /* rows of a batch */
    size_t rows_max;
    bool test_only; /* evaluations leave the training rows out */
    bool last_only; /* the last stage alone learns from the objective and is scored by it */
    size_t losses;  /* columns of the loss table: stages, or what a model reports */
};

struct et_trainer {
    const struct et_config *method; /* checked map */
    struct et__network *network;
    struct et__objective *objective;
    const struct et_model_type *model; /* NULL: stages under the objective */
    void *model_state;
    size_t model_case; /* how the model predicts */
    struct et__features *features;
    const struct et_split *split;
    uint64_t seed;
    struct et__plan plan;

    struct et__position at;
    uint64_t *updates;      /* [plan.losses] optimiser steps so far */
    double *loss_sum;       /* [plan.losses] of the current epoch */
    struct et_array stored; /* greedy: [rows][n_t] what the readout of the stage learns from */

    /* Results. */
    double *loss;             /* [plan.epochs][plan.losses] */
    double *train_accuracy;   /* [plan.evals] */
    double *test_accuracy;    /* [plan.evals] */
    double *integer_accuracy; /* [plan.evals] test rows, by the layer of role `classes`; or NAN */
    double *eval_epoch;       /* [plan.evals] */
    uint64_t *confusion;      /* [n_classes][n_classes], row = true class; test rows, last */
    double by_integers;       /* what that layer achieved in the latest et__trainer_accuracy */
    int32_t *answer;          /* [2][n] that et__trainer_accuracy is to fill, as predict; or NULL */

    /* Workspaces. */
    struct et_array h0;    /* [rows_max][width of h_0] */
    struct et_array score; /* [rows_max][n_classes] */
    size_t *order;         /* [n] rows in the order of the epoch */
    size_t *row;           /* [rows_max] */
    int32_t *label;        /* [rows_max] */
    uint64_t *sample;      /* [rows_max] */

    /* Called after every batch; returns ET_INTERRUPTED to stop.  Saves a checkpoint when due. */
    enum et_status (*tick)(struct et_trainer *trainer);
    void *user;
};

/* Makes tables and workspaces; network, objective, features, split, plan must be set.
 * Errors: ET_NOMEM; may be closed afterwards in any case. */
enum et_status et__trainer_open(struct et_trainer *trainer) ET_CHECKED;
void et__trainer_close(struct et_trainer *trainer);

/* Plan of a method map for a training part of n_train rows. */
struct et__plan et__plan_make(const struct et_config *method, size_t n_stages, size_t n_train,
                              bool contrastive);

/* What the systems of stage l are told of a pass.  Every stage has noise of its own, also where two
 * of them share a device. */
struct et_step et__trainer_step(const struct et_trainer *trainer, size_t l, const uint64_t *sample);

/* Drops readout inputs t of stage l while it trains: the same ones whenever this sweep is seen. */
void et__trainer_dropout(const struct et_trainer *trainer, size_t l, struct et_view t);

/* One pass through stage l: h [rows][n_h] to the readout's activities, which are returned. The
 * numbers stay in the stage's workspaces (t, h). */
enum et_status et__trainer_stage(struct et_trainer *trainer, size_t l, struct et_view h,
                                 const uint64_t *sample, struct et_view *out) ET_CHECKED;

/* Classes predicted for data set rows by the first `depth` stages; a new sweep each time.
 * Errors: ET_NUMERIC (a score is not finite), whatever a system reports.
 *
 * row [n] in;  predicted [n] out, by the objective;  integer [n] out or NULL, by the layer of role
 * `classes`, -1 without one */
enum et_status et__trainer_predict(struct et_trainer *trainer, const size_t *row, size_t n,
                                   size_t depth, int32_t *predicted, int32_t *integer) ET_CHECKED;

/* Share of rows that are predicted right; confusion [n_classes][n_classes] is added to, or NULL.
 * Leaves the accuracy of the layer of role `classes` in trainer->by_integers, NAN without one. */
enum et_status et__trainer_accuracy(struct et_trainer *trainer, const size_t *row, size_t n,
                                    size_t depth, uint64_t *confusion, double *accuracy) ET_CHECKED;

/* Accuracy on training and test rows; the confusion matrix of the test rows. */
enum et_status et__trainer_evaluate(struct et_trainer *trainer, size_t depth,
                                    double epoch) ET_CHECKED;

#endif
