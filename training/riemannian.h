/* SPDX-License-Identifier: Apache-2.0
 *
 * The optimisers of optimiser.h for knobs that are points of a curved space. */
#ifndef ETALON_TRAINING_RIEMANNIAN_H
#define ETALON_TRAINING_RIEMANNIAN_H

#include "optimiser.h"

#include <etalon/system.h>

/* One update of the points p (rows) of a block from their Euclidean gradients.
 *
 * With grad = the Riemannian gradient, <,> the inner product at p and move(u) the step along the
 * tangent vector u, which carries the first moment m along by parallel transport:
 *
 * SGD with momentum:
 *     g = grad(g + decay p);  m = momentum m + g;  move(-rate m)
 * Adam, with one second moment v per point:
 *     g = grad(g + decay p);  m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) <g, g>
 *     move(-rate (m / (1 - beta1^count)) / (sqrt(v / (1 - beta2^count)) + epsilon))
 *
 * block    of kind MANIFOLD
 * tensor   its knobs, rows x cols as the block says; gradient in, afterwards the step that was
 *          taken; v is the first number of a row of moment2, the others stay
 * count    number of updates so far, this one included
 *
 * Deterministic for any thread count.
 * Source: Becigneul & Ganea, ICLR 2019 (arXiv 1810.00760), Algorithm 1 without the maximum. */
void et__riemannian_step(const struct et__optimiser *optimiser, const struct et_knob_block *block,
                         struct et_tensor *tensor, double rate, uint64_t count);

#endif
