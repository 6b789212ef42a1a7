/* SPDX-License-Identifier: Apache-2.0
 *
 * Updates of a sparse network for one type of number; included once by each file that defines REAL,
 * WORD (an unsigned integer as wide), PRECISION and the constants of the exponential. */
#include "sparse_update.h"

#include <string.h>

/* clang gives the dispatcher of a static clone external linkage: the names differ by precision. */
#define OWN_NAME(name, precision)   name##_##precision
#define OWN_EXPAND(name, precision) OWN_NAME(name, precision)
#define update_coba                 OWN_EXPAND(update_coba, PRECISION)
#define update_cuba                 OWN_EXPAND(update_cuba, PRECISION)
#define exponentials                OWN_EXPAND(exponentials, PRECISION)
#define INLINE                      static inline __attribute__((always_inline))

/* x = k ln 2 + r, |r| <= ln 2 / 2: exp x = 2^k exp r, exp r by Taylor's series.  Without branches,
 * so that loops over it become vectors. */
INLINE REAL exponential(REAL x)
{
    x = x < LOWEST ? LOWEST : x;
    REAL shifted = x * LOG2E + WHOLE, k = shifted - WHOLE;
    REAL r = (x - k * LN2_HIGH) - k * LN2_LOW, sum = 1;
    for (int term = EXP_TERMS - 1; term > 0; term--)
        sum = 1 + sum * (r * ((REAL)1 / (REAL)term));
    WORD exponent, bits;
    memcpy(&exponent, &shifted, sizeof exponent);
    memcpy(&bits, &sum, sizeof bits);
    bits += exponent << FRACTION;
    memcpy(&sum, &bits, sizeof sum);
    return sum;
}

ET_VECTOR_CLONES static void exponentials(const REAL *restrict x, REAL *restrict e, size_t n)
{
    for (size_t i = 0; i < n; i++)
        e[i] = exponential(x[i]);
}

/* The neurons of a block that are above threshold spike. */
static size_t fire(REAL threshold, REAL reset, REAL rest, REAL *u, REAL *held, uint32_t first,
                   uint32_t *spike)
{
    size_t n = 0;
    for (uint32_t i = 0; i < ET__NET_BLOCK; i++) {
        if (!(u[i] > threshold)) continue;
        u[i] = reset;
        held[i] = rest;
        spike[n++] = first + i;
    }
    return n;
}

/* v at the end of the step where the neuron is free; the time to rest runs down elsewhere. */
#define ADVANCE(next)                                                                              \
    do {                                                                                           \
        REAL after = held[i] > 0 ? u[i] : (next);                                                  \
        held[i] = held[i] > 0 ? held[i] - 1 : 0;                                                   \
        u[i] = after;                                                                              \
        g_e[i] *= keep_e;                                                                          \
        g_i[i] *= keep_i;                                                                          \
        any |= (WORD)(after > threshold);                                                          \
    } while (0)

#define ARRAYS                                                                                     \
    REAL *restrict u, REAL *restrict g_e, REAL *restrict g_i, REAL *restrict held,                 \
        const REAL *restrict current, size_t n, uint32_t first, uint32_t *restrict spike

ET_VECTOR_CLONES static size_t update_coba(const struct et__net_factors *f, ARRAYS)
{
    const REAL keep_e = (REAL)f->keep_e, keep_i = (REAL)f->keep_i, rate = -(REAL)f->rate,
               reversal_e = (REAL)f->reversal_e, reversal_i = (REAL)f->reversal_i,
               threshold = (REAL)f->threshold;
    size_t spikes = 0;
    for (size_t b = 0; b < n; b += ET__NET_BLOCK) {
        WORD any = 0;
        for (size_t i = b; i < b + ET__NET_BLOCK; i++) {
            REAL leak = 1 + (g_e[i] + g_i[i]);
            REAL goal = (g_e[i] * reversal_e + g_i[i] * reversal_i + current[i]) / leak;
            ADVANCE(goal + (u[i] - goal) * exponential(rate * leak));
        }
        if (any)
            spikes += fire(threshold, (REAL)f->reset, (REAL)f->held, u + b, held + b,
                           first + (uint32_t)b, spike + spikes);
    }
    return spikes;
}

ET_VECTOR_CLONES static size_t update_cuba(const struct et__net_factors *f, ARRAYS)
{
    const REAL keep_e = (REAL)f->keep_e, keep_i = (REAL)f->keep_i, keep = (REAL)f->keep,
               from_e = (REAL)f->from_e, from_i = (REAL)f->from_i,
               from_current = (REAL)f->from_current, threshold = (REAL)f->threshold;
    size_t spikes = 0;
    for (size_t b = 0; b < n; b += ET__NET_BLOCK) {
        WORD any = 0;
        for (size_t i = b; i < b + ET__NET_BLOCK; i++)
            ADVANCE(keep * u[i] + (from_e * g_e[i] + from_i * g_i[i] + from_current * current[i]));
        if (any)
            spikes += fire(threshold, (REAL)f->reset, (REAL)f->held, u + b, held + b,
                           first + (uint32_t)b, spike + spikes);
    }
    return spikes;
}

static size_t update(enum et__net_model model, const struct et__net_factors *factors,
                     const struct et__net_arrays *a, size_t first, size_t n, uint32_t *spike)
{
    REAL *u = a->u, *g_e = a->g_e, *g_i = a->g_i, *held = a->held, *current = a->current;
    return (model == ET__NET_COBA ? update_coba : update_cuba)(
        factors, u + first, g_e + first, g_i + first, held + first, current + first, n,
        (uint32_t)first, spike);
}

static void push(void *g, size_t first, const uint16_t *target, size_t n, double weight)
{
    REAL *to = (REAL *)g + first, w = (REAL)weight;
    for (size_t i = 0; i < n; i++)
        to[target[i]] += w;
}

static void load(void *array, const double *value, double origin, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((REAL *)array)[i] = (REAL)(value[i] - origin);
}

static void store(const void *array, double *value, double origin, size_t n)
{
    for (size_t i = 0; i < n; i++)
        value[i] = (double)((const REAL *)array)[i] + origin;
}

static void exponentials_of(const void *x, void *e, size_t n)
{
    exponentials(x, e, n);
}

const struct et__net_precision PRECISION = {
    .size = sizeof(REAL),
    .load = load,
    .store = store,
    .push = push,
    .update = update,
    .exponential = exponentials_of,
};
