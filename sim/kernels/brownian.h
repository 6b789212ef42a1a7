/* SPDX-License-Identifier: Apache-2.0
 *
 * Increments of Brownian motion as a pure function of where they are. */
#ifndef ETALON_SIM_KERNELS_BROWNIAN_H
#define ETALON_SIM_KERNELS_BROWNIAN_H

#include <stddef.h>
#include <stdint.h>

/* Finer than 2^-16 of a coarse step is not possible. */
enum { ET__BROWNIAN_LEVELS_MAX = 16 };

/* Increments of `sources` independent Brownian motions over the 2^levels equal parts of coarse
 * interval number `interval`, which lasts dt.
 *
 *     coarse:  dW = sqrt(dt) z_1
 *     halves:  left = dW / 2 + sqrt(h) / 2 z_k, right = dW - left     (Levy's bridge; h the whole)
 *
 * z_k belongs to node k of the tree of halves, so the path does not depend on how finely it is
 * looked at: the parts' increments add up to those of the coarser levels.  Drawing a path costs one
 * normal number for each increment, as many as without the tree.
 *
 * seed   of the path: run, device and sample
 * pass   index of the pass
 * dw     [2^levels][sources] out
 * z      [sources] scratch */
void et__brownian(uint64_t seed, uint32_t pass, size_t sources, uint64_t interval, unsigned levels,
                  double dt, double *dw, float *z);

#endif
