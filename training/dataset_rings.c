/* SPDX-License-Identifier: Apache-2.0
 *
 * Concentric rings (spheres in d > 2): class y = 0 .. C-1 has radius (y + 1)/C.
 *
 *     x = (r + sigma_r n_r) u + sigma n,   u uniform on the unit sphere, n_r and n normal
 *
 * The classes have the same mean, so no linear model does better than chance. */
#include "dataset_create.h"

#include <etalon/rng.h>

#include <math.h>

static const struct et_param params[] = {
    {.name = "n",
     .kind = ET_PARAM_INT,
     .initial = "1500",
     .min = 2,
     .max = 1e7,
     .unit = "rows",
     .doc = "Rows; the classes are equally frequent."},
    {.name = "d",
     .kind = ET_PARAM_INT,
     .initial = "2",
     .min = 2,
     .max = 1000,
     .doc = "Features: 2 gives circles, 3 and more give spheres."},
    {.name = "classes",
     .kind = ET_PARAM_INT,
     .initial = "2",
     .min = 2,
     .max = 100,
     .doc = "Rings; ring y has radius (y + 1)/classes."},
    {.name = "noise",
     .kind = ET_PARAM_REAL,
     .initial = "0.05",
     .min = 0,
     .max = 10,
     .doc = "Standard deviation of the noise in each feature; the outer radius is 1."},
    {.name = "radial_noise",
     .kind = ET_PARAM_REAL,
     .initial = "0",
     .min = 0,
     .max = 10,
     .doc = "Standard deviation of the radius itself."},
    {0},
};

/* Noise of one row: d for the direction, d for the features, 1 for the radius. */
static void draw_row(uint64_t seed, size_t row, double radius, const struct et_config *config,
                     float *x, size_t d)
{
    double length = 0;
    float noise[4];
    et_rng_fill_normal(seed, ET_STREAM_DATA, 0, row * d, x, d);
    for (size_t c = 0; c < d; c++)
        length += (double)x[c] * (double)x[c];
    /* Box-Muller never gives d zeros, but a division has its guard. */
    length = sqrt(fmax(length, 1e-30));
    et_rng_fill_normal(seed, ET_STREAM_DATA, 2, row, noise, 1);
    radius += et_config_real(config, "radial_noise") * (double)noise[0];
    for (size_t c = 0; c < d; c++) {
        et_rng_fill_normal(seed, ET_STREAM_DATA, 1, row * d + c, noise, 1);
        x[c] = (float)(radius * (double)x[c] / length +
                       et_config_real(config, "noise") * (double)noise[0]);
    }
}

static enum et_status load(const struct et_config *config, uint64_t seed,
                           struct et_dataset *dataset)
{
    size_t n = (size_t)et_config_int(config, "n"), d = (size_t)et_config_int(config, "d");
    size_t classes = (size_t)et_config_int(config, "classes");
    if (n < classes) return et_config_error(config, "n", "fewer rows than classes (%zu)", classes);
    ET_TRY(et__dataset_create(dataset, n, d, classes, NULL, 0));
    dataset->origin = "generated: concentric rings";
    for (size_t r = 0; r < n; r++) {
        size_t label = r % classes;
        dataset->label[r] = (int32_t)label;
        draw_row(seed, r, (double)(label + 1) / (double)classes, config, dataset->x.data + r * d,
                 d);
    }
    return ET_OK;
}

const struct et_dataset_type et_dataset_rings = {
    .name = "rings",
    .summary = "Concentric rings or spheres: no linear model separates them (generated).",
    .params = params,
    .load = load,
};
