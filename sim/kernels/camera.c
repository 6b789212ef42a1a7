/* SPDX-License-Identifier: Apache-2.0
 *
 * Photodiodes and converter, one row of pixels at a time. */
#include "kernels/camera.h"

#include <etalon/rng.h>

#include <math.h>
#include <stdlib.h>

/* Pixels whose noise is drawn at once. */
enum { CHUNK = 256 };

enum kind { IDEAL, CMOS };

/* What a full well must be worth, so that single precision holds electrons per intensity. */
#define SATURATION_MIN 1e-20

const struct et_param et__camera_params[] = {
    {.name = "kind",
     .kind = ET_PARAM_CHOICE,
     .initial = "ideal",
     .choices = "ideal|cmos",
     .doc = "ideal = the intensity itself, what follows is not read; cmos = a sensor."},
    {.name = "full_well",
     .kind = ET_PARAM_REAL,
     .initial = "10000",
     .min = 1,
     .max = 1e9,
     .unit = "electrons",
     .doc = "Capacity of a pixel, where it saturates."},
    {.name = "shot_noise",
     .kind = ET_PARAM_BOOL,
     .initial = "true",
     .doc = "Noise of counting electrons, of variance equal to their number."},
    {.name = "read_noise",
     .kind = ET_PARAM_REAL,
     .initial = "3",
     .min = 0,
     .max = 1e9,
     .unit = "electrons",
     .doc = "Rms noise of reading a pixel."},
    {.name = "bits",
     .kind = ET_PARAM_INT,
     .initial = "8",
     .min = 0,
     .max = 16,
     .doc = "Bits of the converter; 0 = none."},
    {.name = "saturation",
     .kind = ET_PARAM_REAL,
     .initial = "0",
     .min = 0,
     .max = 1e30,
     .doc = "Intensity that fills the well, in the system's unit, from 1e-20 on; 0 = set by "
            "exposure."},
    {.name = "exposure",
     .kind = ET_PARAM_REAL,
     .initial = "0.99",
     .min = 0.01,
     .max = 1,
     .doc = "Part of the pixels that do not saturate for random inputs."},
    {0},
};

enum et_status et__camera_read(struct et__camera *camera, const struct et_config *record,
                               uint64_t seed, const char *unit)
{
    int64_t bits = et_config_int(record, "bits");
    double saturation = et_config_real(record, "saturation");
    if (saturation > 0 && saturation < SATURATION_MIN)
        return et_config_error(record, "saturation", "saturation = %g is neither 0 nor at least %g",
                               saturation, SATURATION_MIN);
    *camera = (struct et__camera){
        .ideal = et_config_choice(record, "kind") == IDEAL,
        .shot = et_config_bool(record, "shot_noise"),
        .full_well = (float)et_config_real(record, "full_well"),
        .read_noise = (float)et_config_real(record, "read_noise"),
        .levels = (float)((1 << bits) - 1),
        .saturation = (float)saturation,
        .exposure = et_config_real(record, "exposure"),
        .seed = seed,
    };
    camera->noisy = !camera->ideal && (camera->shot || camera->read_noise > 0);
    camera->unit = camera->ideal ? unit : "of full well";
    return ET_OK;
}

bool et__camera_wants_exposure(const struct et__camera *camera)
{
    return !camera->ideal && !(camera->saturation > 0);
}

static int ascending(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

enum et_status et__camera_expose(struct et__camera *camera, float *intensities, size_t n)
{
    qsort(intensities, n, sizeof *intensities, ascending);
    size_t rank = (size_t)ceil(camera->exposure * (double)n);
    float level = intensities[rank > 0 ? rank - 1 : 0];
    if (!(level > 0) || !isfinite(level))
        return et_error_set(ET_NUMERIC,
                            "no exposure: the %g quantile of the intensities of random inputs is "
                            "%g",
                            camera->exposure, (double)level);
    camera->saturation = level;
    return ET_OK;
}

static void draw(const struct et__camera *c, const struct et_step *step, size_t row, size_t n,
                 size_t first, float *noise, size_t count)
{
    et_rng_fill_normal(et_rng_derive(step->seed, c->seed), ET_STREAM_NOISE, step->index,
                       et_step_sample(step, row) * n + first, noise, count);
}

/* Sd of a pixel with e mean electrons. */
static float spread(const struct et__camera *c, float e)
{
    return sqrtf((c->shot ? e : 0.0F) + c->read_noise * c->read_noise);
}

void et__camera_read_row(const struct et__camera *c, const struct et_step *step, size_t row,
                         const float *intensity, float *y, size_t n)
{
    float noise[CHUNK] = {0};
    const float gain = c->full_well / c->saturation;
    for (size_t first = 0; first < n; first += CHUNK) {
        size_t count = n - first < CHUNK ? n - first : CHUNK;
        if (c->noisy) draw(c, step, row, n, first, noise, count);
        for (size_t i = 0; i < count; i++) {
            float value = intensity[first + i];
            if (!c->ideal) {
                float e = gain * fmaxf(value, 0.0F);
                float q = fminf(fmaxf(e + spread(c, e) * noise[i], 0.0F), c->full_well);
                value = q / c->full_well;
                if (c->levels > 0) value = rintf(value * c->levels) / c->levels;
            }
            y[first + i] = value;
        }
    }
}

void et__camera_read_row_back(const struct et__camera *c, const struct et_step *step, size_t row,
                              const float *intensity, const float *dy, float *di, size_t n)
{
    float noise[CHUNK] = {0};
    const float gain = c->full_well / c->saturation;
    for (size_t first = 0; first < n; first += CHUNK) {
        size_t count = n - first < CHUNK ? n - first : CHUNK;
        if (c->noisy) draw(c, step, row, n, first, noise, count);
        for (size_t i = 0; i < count; i++) {
            float slope = 1;
            if (!c->ideal) {
                float e = gain * fmaxf(intensity[first + i], 0.0F), sd = spread(c, e);
                float q = e + sd * noise[i];
                bool clipped = q <= 0 || q >= c->full_well || intensity[first + i] < 0;
                float by_noise = c->shot && sd > 0 ? 0.5F * noise[i] / sd : 0.0F;
                slope = clipped ? 0.0F : (1 + by_noise) / c->saturation;
            }
            di[first + i] = slope * dy[first + i];
        }
    }
}
