/* SPDX-License-Identifier: Apache-2.0
 *
 * Stand-ins for the derivative of a spike.
 *
 * A spike s = H(z), z = u - threshold, has no derivative that could be learnt from.  Each shape
 * below is the derivative psi = dS/dz of a smooth step S that rises from 0 to 1, of width w:
 *
 *     triangle      psi = max(0, 1 - |z|/w) / w
 *     rectangle     psi = 1 / (2 w) for |z| < w, else 0
 *     sigmoid       S = 1 / (1 + e^(-z/w))                psi = S (1 - S) / w
 *     fast-sigmoid  S = (1 + z / (w + |z|)) / 2           psi = 1 / (2 w (1 + |z|/w)^2)
 *     arctan        S = 1/2 + arctan(pi z / (2 w)) / pi   psi = 1 / (2 w (1 + (pi z / (2 w))^2))
 *
 * The area under psi is 1 (times `gain`), so that a change of width does not change the size of
 * gradients by itself.
 * Source: Neftci, Mostafa, Zenke, IEEE Signal Process. Mag. 36(6):51 (2019). */
#ifndef ETALON_SIM_SURROGATE_H
#define ETALON_SIM_SURROGATE_H

#include <stddef.h>

enum et__surrogate_shape {
    ET__SURROGATE_TRIANGLE,
    ET__SURROGATE_RECTANGLE,
    ET__SURROGATE_SIGMOID,
    ET__SURROGATE_FAST_SIGMOID,
    ET__SURROGATE_ARCTAN,
    ET__SURROGATE_SHAPES
};

struct et__surrogate {
    enum et__surrogate_shape shape;
    float width; /* w > 0, in the unit of z */
    float gain;  /* factor of psi and S; 1 */
};

/* psi[j] = gain psi(z[j]), n numbers; z and psi may be the same. */
void et__surrogate_slope(const struct et__surrogate *surrogate, const float *z, float *psi,
                         size_t n);
/* gain S(z), in double precision: what the slope is the derivative of. */
double et__surrogate_step(const struct et__surrogate *surrogate, double z);

#endif
