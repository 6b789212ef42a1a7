/* SPDX-License-Identifier: Apache-2.0
 *
 * The system of one layer of an experiment. */
#include "layer.h"

#include <etalon/rng.h>

enum et_status layer_open(const struct et_config *experiment, size_t layer, const uint64_t *seed,
                          struct et_system **system)
{
    const size_t n = et_config_count(experiment, "layers");
    if (layer >= n)
        return et_config_error(experiment, "layers", "there is no layer %zu: layers are 0 to %zu",
                               layer, n - 1);
    const struct et_config *map = et_config_at(experiment, "layers", layer);
    if (et_config_count(map, "system") == 0)
        return et_config_error(map, NULL, "layer %zu is digital: it has no system", layer);
    uint64_t own = et_rng_derive((uint64_t)et_config_int(experiment, "device_seed"),
                                 (uint64_t)et_config_int(map, "device"));
    return et_system_open(et_config_at(map, "system", 0), seed != NULL ? *seed : own, system);
}
