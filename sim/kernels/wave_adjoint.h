/* SPDX-License-Identifier: Apache-2.0
 *
 * The wave kernel backwards: exact transpose of the derivative of one time step.
 *
 * Forward, step t makes U[t+1] and the auxiliary fields P[t+1] of the absorbing layer from U[t],
 * U[t-1] and P[t] (wave.h, wave_pml.c).  Let J be any function of all fields, and
 *     next = dJ/dU[t+1], now = the part of dJ/dU[t] by way of U[t-1] -> step t+1, phi = dJ/dP[t+1].
 * A step back turns them into the same of one step earlier.  In order:
 *   layer    P[t+1] = decay P[t] + factor (difference of U[t+1] + U[t] across the face):
 *            g = factor phi goes to next and now on both sides, with either sign; phi *= decay.
 *   cells    n = next.  Linear: U[t+1] = u + keep (u - before) + gain (L + div P), so
 *                w = gain n,  now += (1 + keep) n,  next -> -keep n.
 *            Membranes: with e = 1 + v, l = e beta_wall + beta_0, D = e + l, q = e + k v,
 *            d = u - before, Q = [(e - l) d + C^2 q L] / D and v' = 2 u / u_sat^2,
 *                w = C^2 q / D n,  next -> -(e - l) / D n,
 *                now += [1 + (e - l) / D
 *                        + v' ((1 - beta_wall) d + C^2 (1 + k) L - Q (1 + beta_wall)) / D] n.
 *   spread   L is symmetric: now += (sum of w over the neighbours) - open w;
 *            each face of the layer: phi += w of the cell before it - w of the cell behind it.
 * Then next is dJ/dU[t] without what J sees of U[t] directly, which the caller adds.
 *
 * The derivative by the map of coefficients is sum_t n L (linear) or sum_t n q L / D (membranes)
 * per cell: et__wave_adjoint_gain. */
#ifndef ETALON_SIM_WAVE_ADJOINT_H
#define ETALON_SIM_WAVE_ADJOINT_H

#include "wave.h"

/* Open cells [first, first + count) of a row, all of one kind. */
struct et__wave_stretch {
    uint32_t first, count;
    int32_t membrane; /* index, -1 = linear (strips of the layer too) */
};

/* Faces of the layer along one axis. */
struct et__wave_faces {
    size_t n;
    uint32_t *phi, *cell; /* index of the auxiliary field, of the cell behind the face */
    void *decay, *factor; /* [n] of the kernel's type */
};

/* State of `lanes` simulations backwards; the layout is that of a field. */
struct et__wave_adjoint {
    enum et__wave_precision precision;
    size_t lanes, pitch, left, frame, size;
    void *next, *now, *push; /* push: the w above */
    void *phi_x, *phi_y;
    size_t n_phi_x, n_phi_y;
    struct et__wave_stretch *stretches;
    size_t *row_stretches; /* [ny + 1] */
    struct et__wave_faces x_faces, y_faces;
};

/* A state at rest for fields of a plan of order 2 in space; changed coefficients of the plan are
 * legal afterwards, changed kinds of cells are not.  *adjoint is zeroed before.  Errors: ET_NOMEM
 * (destroy accepts what is left). */
enum et_status et__wave_adjoint_create(struct et__wave_adjoint *adjoint,
                                       const struct et__wave_plan *plan,
                                       const struct et__wave_field *like) ET_CHECKED;
void et__wave_adjoint_destroy(struct et__wave_adjoint *adjoint);
void et__wave_adjoint_clear(struct et__wave_adjoint *adjoint);

/* One step back.  u and before: U[t] and U[t-1] in the layout of the field; a plan without
 * membranes reads neither. */
void et__wave_adjoint_step(const struct et__wave_plan *plan, struct et__wave_adjoint *adjoint,
                           const void *u, const void *before);

/* The same, written as plainly as possible: every cell scatters what it owes.  Equal up to
 * rounding. */
void et__wave_adjoint_step_reference(const struct et__wave_plan *plan,
                                     struct et__wave_adjoint *adjoint, const void *u,
                                     const void *before);

/* Adds the derivative by the gains (C^2 of membranes) of a rectangle of cells outside the strips
 * that step t owes; call it before that step back.  dgain [ny][nx][lanes] in the field's type. */
void et__wave_adjoint_gain(const struct et__wave_plan *plan, const struct et__wave_adjoint *adjoint,
                           const void *u, size_t x, size_t y, size_t nx, size_t ny, void *dgain);

#endif
