/* SPDX-License-Identifier: Apache-2.0
 *
 * Shared by the files of the system `oscillators`. */
#ifndef ETALON_SIM_DYNAMICS_OSCILLATORS_H
#define ETALON_SIM_DYNAMICS_OSCILLATORS_H

#include "kernels/oscillators.h"

#include <etalon/config.h>

extern const struct et_param et__oscillator_params[];

/* Fills *o (zeroed before) from a configuration: who is coupled to whom and how strongly, natural
 * frequencies, starting phases, times.  Errors: ET_CONFIG, ET_NOMEM. */
enum et_status et__osc_read(struct et__osc *o, const struct et_config *config,
                            uint64_t seed) ET_CHECKED;
void et__osc_free(struct et__osc *o);

/* The largest step that resolves the fastest motion, 2 / rate: for phases the rate is the largest
 * sum of all terms of one oscillator, for pendula the frequency of the stiffest mode. */
double et__osc_largest_step(const struct et__osc *o, double input_max);

#endif
