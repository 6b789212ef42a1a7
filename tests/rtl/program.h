/* SPDX-License-Identifier: Apache-2.0
 *
 * Random programs for the accelerator: every legal descriptor may come out, and whatever one reads
 * another has written before.
 *
 * A job is a few LOADs, a chain of COMPUTEs and a few STOREs.  Neighbouring jobs use different
 * halves of every buffer, kept in step by tokens as double buffering does; some jobs use whole
 * buffers between SYNCs.  Before the first job, program_prime gives every buffer a known content.
 */
#ifndef ETALON_TESTS_PROGRAM_H
#define ETALON_TESTS_PROGRAM_H

#include "rtl/rig.h"

#include <stdint.h>

enum {
    PROGRAM_MAX = 4096,
    /* Offsets in the data: completion records, tables of thresholds, random bits, outputs. */
    PROGRAM_RECORDS = 0,
    PROGRAM_TABLES = 1 << 15,
    PROGRAM_BITS = 3 << 16,
    PROGRAM_OUT = 5 << 16
};

struct program {
    struct et_bnn_caps caps;
    uint64_t seed, drawn; /* the next random number */
    uint32_t most_steps;  /* of a COMPUTE */
    size_t jobs;          /* so far: the half of the next one, and the tokens that are there */
    size_t record, table, out;
    struct et_bnn_descriptor d[PROGRAM_MAX];
    size_t n;
    unsigned char data[RIG_DATA];
};

/* For devices of one kind. */
void program_begin(struct program *p, const struct et_bnn_caps *caps, uint64_t seed,
                   uint32_t most_steps);
/* Known content for all buffers; the first thing that a device executes. */
void program_prime(struct program *p);
/* Forgets the descriptors and draws new memory; the buffers keep their content. */
void program_next(struct program *p);
/* Adds jobs while there is room in memory, until there are at least n descriptors. */
void program_jobs(struct program *p, size_t n);

/* Uniform in [lo, hi]. */
uint32_t program_draw(struct program *p, uint32_t lo, uint32_t hi);

#endif
