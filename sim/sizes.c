/* SPDX-License-Identifier: Apache-2.0
 *
 * Parameters and description of systems that are nothing but their sizes. */
#include "sizes.h"

#include <math.h>

const struct et_param et__sizes_params[] = {
    {.name = "n_in", .kind = ET_PARAM_INT, .min = 1, .max = 65536, .doc = "Number of inputs."},
    {.name = "n_out",
     .kind = ET_PARAM_INT,
     .initial = "0",
     .min = 0,
     .max = 65536,
     .doc = "Number of outputs; 0 = n_in."},
    {0},
};

enum et_status et__sizes_open(void *state, const struct et_config *config, uint64_t seed)
{
    (void)seed;
    struct et__sizes *s = state;
    s->n_in = (size_t)et_config_int(config, "n_in");
    s->n_out = (size_t)et_config_int(config, "n_out");
    if (s->n_out == 0) s->n_out = s->n_in;
    return ET_OK;
}

void et__sizes_describe(const void *state, struct et_system_info *info)
{
    const struct et__sizes *s = state;
    info->n_in = s->n_in;
    info->n_out = s->n_out;
    info->in_min = -INFINITY;
    info->in_max = INFINITY;
    info->traits = ET_HAS_VJP;
}
