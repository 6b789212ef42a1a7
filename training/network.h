/* SPDX-License-Identifier: Apache-2.0
 *
 * A network: stages of {drive, physical system, scaling, digital readout}; see <etalon/method.h>
 * for the formulas.  A stage may be binary instead: binary_stage.h. */
#ifndef ETALON_TRAINING_NETWORK_H
#define ETALON_TRAINING_NETWORK_H

#include "optimiser.h"

#include <etalon/dataset.h>
#include <etalon/method.h>
#include <etalon/system.h>

enum et__drive { ET__DRIVE_NONE, ET__DRIVE_UNIT_NORM, ET__DRIVE_TILE, ET__DRIVE_AFFINE };
enum et__activation { ET__LINEAR, ET__RELU, ET__TANH };

enum et__bits_rule { ET__BITS_NONE, ET__BITS_STE, ET__BITS_BIPER };

/* What a binary stage has in place of a readout. */
struct et__bits {
    enum et__bits_rule rule; /* NONE: not a binary stage */
    bool classes;            /* the last stage: accumulators are the scores of the classes */
    bool freeze;             /* weights and bias stay */
    unsigned in_bits;
    double memory; /* of the running statistics */
    float w0, scale;
    double soft_share; /* of the epochs */
    bool soft;         /* now: real-valued weights, in software */
    float low, high;   /* activities that stand for the bits */

    struct et_tensor mean, variance; /* [1][n_out] running; not trained */
    struct et_array weight;          /* [n_out][n_in] as the device has them */
    struct et_array normal;          /* [rows_max][n_out] normalised accumulators */
    float *inverse_sd;               /* [n_out] of the batch */
    int32_t *threshold;              /* [n_out] of the folded running statistics */
};

enum et__knobs_rule { ET__KNOBS_FIXED, ET__KNOBS_VJP, ET__KNOBS_SPSA, ET__KNOBS_TEACH };

/* Knobs that learn; see knobs.h. */
struct et__knobs {
    enum et__knobs_rule rule;
    bool hold; /* programmed, but they stay as they are */
    const struct et_config *config;
    struct et__optimiser optimiser;
    size_t directions; /* SPSA */
    float step, lo, hi;
    struct et_tensor value; /* [1][n_knobs] */
    float *initial;         /* [n_knobs] as the device had them when it was opened */
    float *shifted;         /* [2][n_knobs] SPSA */
    struct et_array t, dt;  /* VJP, TEACH: [rows_max][n_t] before the normalisation; dL/dt */
    struct et_array da, dx; /* VJP: [rows_max][n_out], [rows_max][n_in] */
    struct et_array mean;   /* TEACH: [rows_max][n_out] outputs, mean over the time steps */
    float *sums;            /* TEACH: gradients of readout and objective so far, or NULL */
};

struct et__stage {
    struct et_system *system;   /* in use; NULL for a digital stage; the network owns it */
    struct et_system *physical; /* the stage's own system, in use unless a control replaces it */
    enum et__drive drive;
    float gain;
    float in_min, in_max; /* legal inputs of the system */
    enum et_scaling output_scaling;
    bool skip, length_norm;
    bool outputs; /* h = act(t): no readout, unless a control stands in for the system */
    float dropout;
    enum et__activation activation;
    struct et__bits bits;
    struct et__knobs knobs;
    size_t slot; /* number of the device */

    size_t n_h, n_in, n_out; /* incoming activities, system inputs, system outputs */
    size_t n_t, width;       /* readout inputs, readout outputs */

    struct et_scaler drive_fit;  /* of h, when the drive needs one */
    struct et_scaler output_fit; /* of a, when output_scaling asks for one */
    struct et_tensor weight;     /* [width][n_t]; binary: latent, [n_out][n_in] */
    struct et_tensor bias;       /* [1][width] */

    /* Workspaces of rows_max rows. */
    struct et_array x; /* [..][n_in]  */
    struct et_array a; /* [..][n_out] */
    struct et_array t; /* [..][n_t]   */
    struct et_array h; /* [..][width] */
    struct et_array d; /* [..][width] gradients */
};

struct et__network {
    struct et__stage *stage;
    size_t n_stages, n_features, rows_max;
    struct et_system **device; /* owned; stages with equal systems share one */
    size_t n_devices;
    size_t *programmed; /* [n_devices] 1 + the stage whose weights or knobs it has; 0 = unknown */
    size_t n_scored;    /* stages that the objective sees: all but one of role `classes` */
    struct et_system **substitute; /* owned; [n_stages], of the control in use */
    struct et_ledger ledger;       /* of all measurements */
    double digital_macs;
};

/* The parameter table of one entry of `layers:`. */
extern const struct et_param et__stage_params[];

/* Builds the stages and opens their systems.
 *
 * config       an experiment; `layers` is its list of stages
 * n_features   width of h_0;  rows_max  rows of the workspaces
 * device_seed  identity of the devices
 *
 * Errors: ET_CONFIG, ET_NOMEM, whatever a system reports.  On failure *network may be closed. */
enum et_status et__network_open(struct et__network *network, const struct et_config *config,
                                size_t n_features, size_t rows_max,
                                uint64_t device_seed) ET_CHECKED;
void et__network_close(struct et__network *network);

/* Puts a control system ("zeros", "identity", "random") of the same size in the place of every
 * physical one; NULL puts the physical ones back. */
enum et_status et__network_substitute(struct et__network *network, const char *control,
                                      uint64_t device_seed) ET_CHECKED;

/* Starts a new training: weights drawn from N(0, 1/n_t) (biases zero), fits forgotten. */
void et__network_reset(struct et__network *network, uint64_t seed);

/* Is its last stage one of role `classes`? */
bool et__network_has_classes(const struct et__network *network);

/* Latent weights or knobs have changed (NULL: all of them): program the devices before the next
 * pass. */
void et__network_touch(struct et__network *network, const struct et__stage *stage);

/* Is the drive, the output scaling fitted on training rows? */
bool et__stage_fits_drive(const struct et__stage *stage);
bool et__stage_fits_output(const struct et__stage *stage);
/* Fits the drive on rows of h, and the output scaling on rows of a; index as in et_scaler_fit. */
enum et_status et__stage_fit_drive(struct et__stage *stage, struct et_view h, const size_t *index,
                                   size_t n) ET_CHECKED;
enum et_status et__stage_fit_output(struct et__stage *stage, struct et_view a, const size_t *index,
                                    size_t n) ET_CHECKED;

/* Measures: from h [rows][n_h] to the raw outputs a [rows][n_out] (into stage->a).  What learns
 * inside a device, weights of a binary stage or knobs, is put there first. */
enum et_status et__stage_measure(struct et__network *network, size_t stage,
                                 const struct et_step *step, struct et_view h) ET_CHECKED;
/* The same, judged while it runs: see et_system_teach.  The outputs go to the teacher alone. */
enum et_status et__stage_teach(struct et__network *network, size_t stage,
                               const struct et_step *step, struct et_view h,
                               const struct et_teacher *teacher, float *dknobs) ET_CHECKED;
/* Scales the raw outputs in stage->a into t [rows][n_t], beside h when the stage skips.  For a
 * digital stage t is h itself, normalised when asked. */
void et__stage_assemble(struct et__stage *stage, struct et_view h, struct et_view t);
/* The same before the normalisation; and the factor 1 / rms of a row that it applies. */
void et__stage_join(struct et__stage *stage, struct et_view h, struct et_view t);
float et__length_factor(const float *row, size_t n);
/* Has it no readout to learn? */
bool et__stage_is_direct(const struct et__stage *stage);
/* h_out = act(W t + b) [rows][width], or act(t).  */
void et__stage_readout(struct et__network *network, size_t stage, struct et_view t,
                       struct et_view h_out);
/* Writes dL/dW and dL/db from d = dL/dh (overwritten by dL/dz).  straight_through: see objective.
 */
void et__stage_gradient(struct et__network *network, size_t stage, struct et_view t,
                        struct et_view h_out, struct et_view d, bool straight_through);

/* Drops each element of t with the stage's probability, scaling the rest. */
void et__stage_dropout(const struct et__stage *stage, struct et_view t, uint64_t seed,
                       uint32_t step, const size_t *row);

#endif
