/* SPDX-License-Identifier: Apache-2.0
 *
 * A checkerboard in d dimensions: the unit cube is cut into cells^d cells, the class of a cell is
 * the parity of the sum of its coordinates.  Points are uniform inside the cells (less a margin),
 * so telling the classes apart takes products of the features, not sums. */
#include "dataset_create.h"

#include <etalon/rng.h>

static const struct et_param params[] = {
    {.name = "n",
     .kind = ET_PARAM_INT,
     .initial = "1500",
     .min = 2,
     .max = 1e7,
     .unit = "rows",
     .doc = "Rows, spread uniformly over the cells."},
    {.name = "d", .kind = ET_PARAM_INT, .initial = "2", .min = 2, .max = 100, .doc = "Features."},
    {.name = "cells",
     .kind = ET_PARAM_INT,
     .initial = "3",
     .min = 2,
     .max = 1000,
     .doc = "Cells along each feature."},
    {.name = "margin",
     .kind = ET_PARAM_REAL,
     .initial = "0",
     .min = 0,
     .max = 0.49,
     .doc = "Part of a cell's width that stays empty at each of its borders."},
    {.name = "noise",
     .kind = ET_PARAM_REAL,
     .initial = "0",
     .min = 0,
     .max = 10,
     .doc = "Standard deviation of noise added after labelling; the board has width 1."},
    {0},
};

static enum et_status load(const struct et_config *config, uint64_t seed,
                           struct et_dataset *dataset)
{
    size_t n = (size_t)et_config_int(config, "n"), d = (size_t)et_config_int(config, "d");
    size_t cells = (size_t)et_config_int(config, "cells");
    float margin = (float)et_config_real(config, "margin");
    float sigma = (float)et_config_real(config, "noise");
    ET_TRY(et__dataset_create(dataset, n, d, 2, NULL, 0));
    dataset->origin = "generated: checkerboard";
    for (size_t i = 0; i < n * d; i++) {
        float *x = dataset->x.data + i, noise;
        uint32_t cell = et_rng_below(seed, ET_STREAM_DATA, 0, i, (uint32_t)cells);
        float inside = et_rng_uniform(seed, ET_STREAM_DATA, 1, i);
        et_rng_fill_normal(seed, ET_STREAM_DATA, 2, i, &noise, 1);
        *x = ((float)cell + margin + (1 - 2 * margin) * inside) / (float)cells + sigma * noise;
        dataset->label[i / d] ^= (int32_t)(cell & 1);
    }
    return ET_OK;
}

const struct et_dataset_type et_dataset_checkerboard = {
    .name = "checkerboard",
    .summary = "Checkerboard labelled by parity: no linear model separates it (generated).",
    .params = params,
    .load = load,
};
