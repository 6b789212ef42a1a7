/* SPDX-License-Identifier: Apache-2.0
 *
 * Shared by the files of the system `balanced-network`. */
#ifndef ETALON_SIM_BALANCED_BALANCED_H
#define ETALON_SIM_BALANCED_BALANCED_H

#include "kernels/sparse_network.h"

#include <etalon/config.h>

enum et__balanced_input { ET__BALANCED_CURRENT, ET__BALANCED_POISSON };

/* A network with its inputs (external sources of the network) and outputs. */
struct et__balanced {
    struct et__net net;
    enum et__balanced_input input;
    double current; /* V for an input of 1 */
    double rate;    /* Hz for an input of 1 */
    size_t n_out, steps, settle;
    double *v, *g_e, *g_i; /* [n] at the start of every pass */
};

extern const struct et_param et__balanced_params[];

/* Fills *b (zeroed before) from a configuration.  Errors: ET_CONFIG, ET_NOMEM. */
enum et_status et__balanced_read(struct et__balanced *b, const struct et_config *config,
                                 uint64_t seed) ET_CHECKED;
void et__balanced_free(struct et__balanced *b);

#endif
