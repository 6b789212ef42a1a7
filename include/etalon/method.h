/* SPDX-License-Identifier: Apache-2.0
 *
 * Training without a model of the hardware.
 *
 * A network is a list of stages; a stage is {physical system (or none), digital readout}:
 *
 *     h_0 = features (with the label written into them, when the objective is contrastive)
 *     x_l = drive(h_l)            numbers become legal inputs of the system
 *     a_l = f_l(x_l)              the physics; differentiated for its own knobs alone, if at all
 *     t_l = scale(a_l) [, h_l]    what the readout sees; the second part only with `skip`
 *     h_{l+1} = act(W_l t_l + b_l)
 *
 * A METHOD owns the loop over batches.  A local OBJECTIVE turns h_{l+1} into a loss and its
 * gradient for that stage's digital weights alone: nothing crosses a system, nothing crosses a
 * stage.  One loop serves all objectives. */
#ifndef ETALON_METHOD_H
#define ETALON_METHOD_H

#include <etalon/array.h>
#include <etalon/config.h>
#include <etalon/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Numbers that training changes, with what the optimiser keeps beside them. */
struct et_tensor {
    const char *name; /* "weight", "bias", "head", ...; unique within a stage */
    size_t rows, cols;
    float *value;        /* [rows][cols] */
    float *gradient;     /* [rows][cols], NULL when not trained */
    float *moment1;      /* [rows][cols], NULL when not trained */
    float *moment2;      /* [rows][cols], NULL when not trained */
    double rate_factor;  /* learning rate relative to the method's; 0 = kept, not trained */
    double weight_decay; /* < 0 = the method's */
};

/* Allocates a zeroed tensor; without a gradient when it is not trained.  Errors: ET_NOMEM. */
ET_API enum et_status et_tensor_create(struct et_tensor *tensor, const char *name, size_t rows,
                                       size_t cols, double rate_factor) ET_CHECKED;
ET_API void et_tensor_destroy(struct et_tensor *tensor);
ET_API struct et_view et_tensor_view(const struct et_tensor *tensor);
ET_API struct et_view et_tensor_gradient(const struct et_tensor *tensor);

/* The network as an objective sees it. */
struct et_objective_shape {
    size_t n_stages, n_classes;
    const size_t *width; /* [n_stages] readout outputs */
    size_t rows_max;     /* largest number of rows of any call */
    uint64_t seed;
};

/* One const object per file: et_objective_<name>, registered by et_add_objective. */
struct et_objective_type {
    const char *name, *summary;
    size_t state_size;
    const struct et_param *params;

    /* Contrastive: rows come in two halves, right labels first, wrong labels second, and the label
     * is part of the input; a prediction tries every label.  Otherwise one half, no label. */
    bool contrastive;
    /* The gradient passes the stage's ReLU unchanged (dead units can come back). */
    bool straight_through;

    enum et_status (*open)(void *state, const struct et_config *config,
                           const struct et_objective_shape *shape);
    /* Loss, averaged over the batch, and its gradient.
     *
     * h      [rows][width]  in, the stage's activities
     * label  [rows]         in, right classes (of the right half's samples when contrastive)
     * dh     [rows][width]  out, dLoss/dh; gradients of the objective's own tensors of
     *                       this stage are overwritten */
    double (*loss)(void *state, size_t stage, struct et_view h, const int32_t *label,
                   struct et_view dh);
    /* Adds this stage's part to the scores.
     *
     * h      [rows][width]  in
     * score  [rows][n]      in/out; n = 1 for a contrastive objective that tries every label,
     *                       n_classes otherwise */
    void (*score)(void *state, size_t stage, struct et_view h, struct et_view score);

    /* OPTIONAL: the objective's own tensors of a stage; NULL past the last. */
    struct et_tensor *(*tensor)(void *state, size_t stage, size_t i);
    /* OPTIONAL, contrastive only: true when predictions come from a classifier that reads the
     * activities under a neutral label (1/n_classes in every slot), one pass instead of n_classes.
     * It is trained beside the stages: d(loss)/d(score) is handed back stage by stage. */
    bool (*neutral)(const void *state);
    void (*learn_score)(void *state, size_t stage, struct et_view h, struct et_view dscore);

    void (*close)(void *state);
};

struct et_trainer; /* what a method works with; training/trainer.h */

/* What a model is told when it opens. */
struct et_model_shape {
    size_t n_features, n_classes;
    size_t rows_max; /* largest number of rows of any call */
    uint64_t seed;
};
/* Sizes of a training; see et_model_type. */
struct et_model_plan {
    size_t epochs, batch; /* batch 0 = all training rows */
    size_t evaluate_every;
    size_t losses; /* numbers that a step reports */
};
/* One batch for a model. */
struct et_model_batch {
    struct et_view x;     /* [rows][n_features] */
    const int32_t *label; /* [rows] */
    size_t epoch;
    double progress; /* of the whole training, 0 to 1 */
    uint64_t *count; /* [losses] the model's own counters, kept in checkpoints */
};
struct et_bnn_counters;

/* A network that a method brings along, in the place of layers and an objective.  It may be able
 * to predict in several ways, with fewer bits say: its cases.  The last case is what the accuracy
 * of an experiment means; the others stand among its controls. */
struct et_model_type {
    size_t state_size;
    struct et_model_plan (*plan)(const struct et_config *method);
    size_t (*cases)(const struct et_config *method);
    void (*case_name)(const struct et_config *method, size_t i, char *name, size_t size);
    /* One line for people. */
    void (*describe)(const struct et_config *method, const struct et_model_shape *shape, char *text,
                     size_t size);

    enum et_status (*open)(void *state, const struct et_config *method,
                           const struct et_model_shape *shape);
    /* Everything that training changes, unique names; NULL past the last. */
    struct et_tensor *(*tensor)(void *state, size_t i);
    /* Learns from one batch.  loss [losses] out, NAN = not in this epoch. */
    enum et_status (*step)(void *state, const struct et_model_batch *batch, double *loss);
    /* Scores [rows][n_classes] of rows in a case. */
    enum et_status (*score)(void *state, size_t which, struct et_view x, struct et_view score);
    /* OPTIONAL: counters of the device that computes the scores; *counts = false when none does
     * that counts. */
    enum et_status (*counters)(void *state, struct et_bnn_counters *counters, bool *counts);
    void (*close)(void *state);
};

/* One const object per file: et_method_<name>, registered by et_add_method. */
struct et_method_type {
    const char *name, *summary;
    const struct et_param *params;
    unsigned needs;                    /* traits that every system of the network must have */
    const struct et_model_type *model; /* OPTIONAL: the method's own network, no layers then */
    /* Trains from where the trainer stands (a checkpoint or the beginning) to the end.
     * Errors: ET_INTERRUPTED, ET_NUMERIC, whatever a system reports. */
    enum et_status (*train)(struct et_trainer *trainer);
};

/* Entry i of the families "method" and "objective", NULL past the last. */
ET_API const struct et_type_entry *et_method_types(const char *family, size_t i);

#endif
