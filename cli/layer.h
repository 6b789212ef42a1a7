/* SPDX-License-Identifier: Apache-2.0
 *
 * The system of one layer of an experiment. */
#ifndef ETALON_CLI_LAYER_H
#define ETALON_CLI_LAYER_H

#include <etalon/system.h>

/* Opens it as a run would: with the seed that derives from the experiment's device_seed, unless
 * `seed` is not NULL.  Errors: ET_CONFIG (no such layer, a digital one), the system's. */
enum et_status layer_open(const struct et_config *experiment, size_t layer, const uint64_t *seed,
                          struct et_system **system) ET_CHECKED;

#endif
