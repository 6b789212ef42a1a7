/* SPDX-License-Identifier: Apache-2.0
 *
 * What the compiled variants of the wave kernel offer to those who schedule the work: rows of one
 * time step. */
#ifndef ETALON_SIM_WAVE_SWEEP_H
#define ETALON_SIM_WAVE_SWEEP_H

#include "wave.h"

/* Part of a time step: rows [first, stop) of the field with the auxiliary fields inside these
 * rows, and the auxiliary fields between rows y - 1 and y for y in [face_first, face_stop).
 * The step is complete when every row of 0 ... ny - 1 and every face of 1 ... ny - 1 had its turn.
 */
struct et__wave_sweep {
    size_t first, stop, face_first, face_stop;
    const struct et__wave_ports *ports; /* NULL = none */
    const void *signal;                 /* [n_sources][lanes] of this step; NULL = silence */
    void *trace;                        /* [n_probes][lanes] of this step; NULL = unheard */
    bool fetch;                         /* all rows come from memory: fetch ahead, one at a time */
};

/* Reads field->now and leaves the new level in field->previous. */
typedef void et__wave_sweep_fn(const struct et__wave_plan *plan, const struct et__wave_field *field,
                               const struct et__wave_sweep *sweep);

enum et__wave_set { ET__WAVE_PORTABLE, ET__WAVE_AVX2, ET__WAVE_AVX512 };

/* One instruction set: kernels by [order / 2 - 1][lanes > 1]. */
struct et__wave_variant {
    const char *name;
    enum et__wave_set set;
    et__wave_sweep_fn *sweep[2][2];
};

/* The i-th variant of a precision that this processor can run, NULL past the last; the widest
 * comes first. */
const struct et__wave_variant *et__wave_variant(enum et__wave_precision precision, size_t i);

/* Tables of all variants, ended by a name of NULL. */
extern const struct et__wave_variant et__wave_variants_f32[], et__wave_variants_f64[];

/* How a run is cut.
 *
 * depth  steps of a block; 1 = one step after the other
 * tiles  bands of rows that run in parallel; each has at least 2 * et__wave_skew * depth rows */
struct et__wave_schedule {
    const struct et__wave_variant *variant;
    size_t depth, tiles;
};

/* The schedule of et__wave_run. */
struct et__wave_schedule et__wave_schedule(const struct et__wave_plan *plan,
                                           const struct et__wave_field *field, size_t steps);

/* Rows by which the front of a step lies behind that of the step before. */
size_t et__wave_skew(const struct et__wave_plan *plan);

/* et__wave_run with a schedule of one's own. */
void et__wave_run_schedule(const struct et__wave_plan *plan, struct et__wave_field *field,
                           const struct et__wave_ports *ports, size_t steps, const void *signal,
                           void *trace, const struct et__wave_schedule *schedule);

#endif
