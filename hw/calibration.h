/* SPDX-License-Identifier: Apache-2.0
 *
 * What a system gives on seeded random drives: the measurement behind ranges and noise levels. */
#ifndef ETALON_HW_CALIBRATION_H
#define ETALON_HW_CALIBRATION_H

#include <etalon/system.h>

/* Inputs and outputs of a calibration run; both owned. */
struct et__calibration {
    struct et_array x, y;
};

/* Drives a system with `count` rows, uniform in [lo, hi] cut to the legal range ([-1, 1] where
 * that has no end), at step 0 of `seed`, then resets it.  The passes count in its ledger.
 * Errors: those of et_system_forward. */
enum et_status et__calibrate(struct et_system *system, float lo, float hi, size_t count,
                             uint64_t seed, struct et__calibration *calibration) ET_CHECKED;
void et__calibration_destroy(struct et__calibration *calibration);

/* The q-quantile (0..1) of |v| in the loudest column, the one where it is largest: the element of
 * rank ceil(q n).  Errors: ET_NOMEM. */
enum et_status et__loudest_quantile(struct et_view v, double q, float *level) ET_CHECKED;

#endif
