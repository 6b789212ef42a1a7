/* SPDX-License-Identifier: Apache-2.0
 *
 * Levy's construction of Brownian motion on counter-based random numbers. */
#include "brownian.h"

#include <etalon/rng.h>

#include <math.h>

static void draw(uint64_t seed, uint32_t pass, size_t sources, uint64_t interval, uint64_t node,
                 float *z)
{
    uint64_t room = (sources + 3) / 4 * 4; /* a node has whole blocks of the generator to itself */
    uint64_t place = interval << (ET__BROWNIAN_LEVELS_MAX + 1) | node;
    et_rng_fill_normal(seed, ET_STREAM_NOISE, pass, place * room, z, sources);
}

void et__brownian(uint64_t seed, uint32_t pass, size_t sources, uint64_t interval, unsigned levels,
                  double dt, double *dw, float *z)
{
    draw(seed, pass, sources, interval, 0, z);
    for (size_t s = 0; s < sources; s++)
        dw[s] = sqrt(dt) * (double)z[s];
    double length = dt;
    for (unsigned level = 0; level < levels; level++, length /= 2)
        for (size_t m = (size_t)1 << level;
             m-- > 0;) { /* from the end: parents are not overwritten */
            draw(seed, pass, sources, interval, ((uint64_t)1 << level) + m, z);
            for (size_t s = 0; s < sources; s++) {
                double whole = dw[m * sources + s];
                double left = whole / 2 + sqrt(length) / 2 * (double)z[s];
                dw[2 * m * sources + s] = left;
                dw[(2 * m + 1) * sources + s] = whole - left;
            }
        }
}
