/* SPDX-License-Identifier: Apache-2.0
 *
 * Shared by the files of the sparse network kernel: what is done in one precision. */
#ifndef ETALON_SIM_KERNELS_SPARSE_UPDATE_H
#define ETALON_SIM_KERNELS_SPARSE_UPDATE_H

#include "kernels/sparse_network.h"

/* Numbers of a step, potentials relative to rest. */
struct et__net_factors {
    double threshold, reset, held;       /* V, V, steps */
    double keep_e, keep_i;               /* decay of g in a step */
    double rate, reversal_e, reversal_i; /* COBA: dt / tau_m, V, V */
    double keep, from_e, from_i;         /* CUBA: propagator of v: from v, g_e, g_i */
    double from_current;                 /* CUBA: from I */
};

/* Arrays of one precision, [n rounded up to blocks]; held counts the steps that a neuron still
 * rests, infinite where there is no neuron. */
struct et__net_arrays {
    void *u, *g_e, *g_i, *held, *current;
};

struct et__net_precision {
    size_t size; /* bytes of a number */
    /* array[i] = value[i] - origin, and back */
    void (*load)(void *array, const double *value, double origin, size_t n);
    void (*store)(const void *array, double *value, double origin, size_t n);
    /* g[first + target[i]] += weight */
    void (*push)(void *g, size_t first, const uint16_t *target, size_t n, double weight);
    /* Points 2 to 4 of a step for neurons first .. first + n - 1 (n in whole blocks); writes the
     * numbers of those that spike and returns how many. */
    size_t (*update)(enum et__net_model model, const struct et__net_factors *factors,
                     const struct et__net_arrays *arrays, size_t first, size_t n, uint32_t *spike);
    /* e = exp(x), -87 <= x <= 0 (single), -708 <= x <= 0 (double); smaller x count as these. */
    void (*exponential)(const void *x, void *e, size_t n);
};

extern const struct et__net_precision et__net_f32, et__net_f64;

#endif
