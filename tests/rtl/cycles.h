/* SPDX-License-Identifier: Apache-2.0
 *
 * The documented time of a COMPUTE (docs/accelerator.md, Cycles). */
#ifndef ETALON_TESTS_CYCLES_H
#define ETALON_TESTS_CYCLES_H

#include "hw/bnn_descriptor.h"

struct cycles {
    uint64_t compute, steps, stall_out;
};

static inline uint64_t cycles_field(const struct et_bnn_descriptor *d, struct et__bnn_field field)
{
    return et__bnn_get(d, field);
}

static inline struct cycles cycles_of(const struct et_bnn_descriptor *d,
                                      const struct et_bnn_caps *caps)
{
#define GET(name) cycles_field(d, ET__BNN_COMPUTE_##name)
    uint64_t tiles = (GET(C_OUT) + caps->pe - 1) / caps->pe;
    uint64_t chunks = (GET(C_IN) + caps->simd - 1) / caps->simd;
    uint64_t n = tiles * GET(OUT_H) * GET(OUT_W) * GET(POOL) * GET(POOL);
    uint64_t k = GET(K_H) * GET(K_W) * chunks * GET(A_BITS) * GET(W_BITS);
    uint64_t p = 1, f = 16;
    if (GET(FINAL) && GET(OUTPUT) == ET_BNN_CODES) {
        p = GET(O_BITS) * (caps->pe > caps->axi_bits ? caps->pe / caps->axi_bits : 1);
        f = 17 + GET(O_BITS);
    } else if (GET(FINAL)) {
        p = caps->pe * (GET(OUTPUT) == ET_BNN_RAW16 ? 16 : 32) / caps->axi_bits;
        f = 17;
    }
#undef GET
    return (struct cycles){
        .compute = n * (k > p ? k : p) + (k < p ? k : p) + f,
        .steps = n * k,
        .stall_out = p > k ? (n - 1) * (p - k) : 0,
    };
}

#endif
