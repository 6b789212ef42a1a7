/* SPDX-License-Identifier: Apache-2.0
 *
 * Systems that are nothing but their sizes: the controls identity and zeros. */
#ifndef ETALON_SIM_SIZES_H
#define ETALON_SIM_SIZES_H

#include <etalon/system.h>

struct et__sizes {
    size_t n_in, n_out;
};

/* n_in, and n_out with 0 = n_in. */
extern const struct et_param et__sizes_params[];

enum et_status et__sizes_open(void *state, const struct et_config *config, uint64_t seed);

/* Any input is legal; the type has a vjp. */
void et__sizes_describe(const void *state, struct et_system_info *info);

#endif
