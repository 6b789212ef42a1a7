/* SPDX-License-Identifier: Apache-2.0
 *
 * Stages whose device has knobs that learn: phases, conductances, a map of speeds.
 *
 *     a = f(x; theta),  t = [scale(a), h],  t' = t / rms(t) (normalise: length),  z = W t' + b
 *
 * The stage's own objective gives dL/dz; with it the readout learns, and from the same number the
 * knobs:
 *
 *     vjp    dL/da = scale' (normalise' (dropout mask (W^T dL/dz))), at the weights of before the
 *            update; dL/dtheta = (df/dtheta)^T dL/da by et_system_vjp at the step of the
 *            measurement: its noise is held fixed.  A computation of this computer: no pass.
 *     teach  dL/dtheta by et_system_teach: forward and gradient in one pass, by the system's own
 *            rule where it has one (spiking layers, batch statistics).  The loss is the mean over
 *            the system's time steps of the objective on the outputs of each.
 *     spsa   dL/dtheta_i = mean over K directions D of
 *                (L(theta + c D) - L(theta - c D)) / (the distance of theta_i between the two),
 *            D_i = +-1 at random; 2 K more measurements of the batch, each a pass with noise of its
 *            own.  No model is asked.
 *
 * Nothing crosses to another stage.  Knobs take one optimiser step per measurement and stay within
 * their legal range.
 *
 * Source of spsa: Spall, IEEE Trans. Autom. Control 37, 332 (1992). */
#ifndef ETALON_TRAINING_KNOBS_H
#define ETALON_TRAINING_KNOBS_H

#include "loop.h"

/* Parameter table of `knobs:`. */
extern const struct et_param et__knobs_params[];

/* Does the stage's system get its knobs from here (not while a control replaces it)? */
bool et__knobs_programmed(const struct et__stage *stage);
/* Do they learn by this rule? */
bool et__knobs_learn(const struct et__stage *stage, enum et__knobs_rule rule);

/* Reads the record; the system is open.  Errors: ET_CONFIG (no system, no knobs, a binary layer).
 */
enum et_status et__knobs_read(struct et__stage *stage, const struct et_config *layer) ET_CHECKED;
/* Takes the knobs that the system has as initial ones.  Errors: ET_NOMEM, the system's. */
enum et_status et__knobs_create(struct et__stage *stage, size_t rows) ET_CHECKED;
void et__knobs_destroy(struct et__stage *stage);
/* Back to the initial ones. */
void et__knobs_reset(struct et__stage *stage);

/* Can they be trained?  Errors: ET_CONFIG (vjp without ET_HAS_VJP, or through a memory). */
enum et_status et__knobs_check(const struct et__stage *stage, size_t i) ET_CHECKED;

/* vjp: the gradient from dz = dL/dz of the measurement `step` of h, which is still in the stage.
 * The device holds the stage's knobs.  Errors: the system's. */
enum et_status et__knobs_gradient(struct et_trainer *trainer, size_t i, const struct et_step *step,
                                  struct et_view h, struct et_view dz) ET_CHECKED;
/* teach: one pass of h; its loss, and the gradients of knobs, readout and objective.  The mean
 * outputs stay in the stage.  Errors: ET_NUMERIC, the system's. */
enum et_status et__knobs_teach(struct et_trainer *trainer, size_t i, const struct et_step *step,
                               struct et_view h, double *loss) ET_CHECKED;
/* From dL/dt' (overwritten) to dL/da, row by row. */
void et__knobs_back(struct et__stage *stage, struct et_view h, struct et_view dt,
                    struct et_view da);
/* From dL/dz to dL/dt', what is dropped passing nothing. */
void et__knobs_back_to_inputs(struct et_trainer *trainer, size_t i, struct et_view dz,
                              struct et_view dt);
/* spsa: measures h with disturbed knobs; afterwards the stage has to be measured again.  The
 * objective's running statistics stay as they are.  Errors: ET_NUMERIC, ET_NOMEM, the system's. */
enum et_status et__knobs_probe(struct et_trainer *trainer, size_t i, struct et_view h) ET_CHECKED;
/* Measurements that et__knobs_probe makes of a batch: the most of any stage. */
size_t et__knobs_probes(const struct et__network *network);

/* One optimiser step; count as in et__optimiser_step.  Errors: ET_NUMERIC. */
enum et_status et__knobs_update(struct et_trainer *trainer, size_t i, double progress,
                                uint64_t count) ET_CHECKED;

#endif
