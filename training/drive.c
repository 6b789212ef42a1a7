/* SPDX-License-Identifier: Apache-2.0
 *
 * Drives: how activities become legal inputs of a physical system.
 *
 *     none       x = gain h                                   (clipped)
 *     unit-norm  x = gain |h| / (||h||_2 + 1e-6)              (clipped; PhyLL's acoustic layer)
 *     tile       m = min-max of h; x = m, 1 - m, m, 1 - m, ... until all inputs have a value
 *     affine     x = 1/2 + gain (h - mean) / (4 sd)           (clipped)
 *
 * min-max, mean and sd are those of the training rows. tile and affine span [0, 1], stretched to
 * the legal range of the system. */
#include "drive.h"

#include <math.h>

static float clip(float value, float lo, float hi)
{
    return value < lo ? lo : value > hi ? hi : value;
}

static void drive_unit_norm(const struct et__stage *stage, const float *h, float *x)
{
    float sum = 0;
    for (size_t j = 0; j < stage->n_h; j++)
        sum += h[j] * h[j];
    float factor = stage->gain / (sqrtf(sum) + 1e-6F);
    for (size_t j = 0; j < stage->n_h; j++)
        x[j] = clip(fabsf(h[j]) * factor, stage->in_min, stage->in_max);
    for (size_t j = stage->n_h; j < stage->n_in; j++)
        x[j] = clip(0, stage->in_min, stage->in_max);
}

static void drive_none(const struct et__stage *stage, const float *h, float *x)
{
    for (size_t j = 0; j < stage->n_in; j++)
        x[j] = clip(j < stage->n_h ? stage->gain * h[j] : 0, stage->in_min, stage->in_max);
}

/* A fitted value in [0, 1] for input j. */
static float fitted(const struct et__stage *stage, const float *h, size_t j)
{
    const struct et_scaler *fit = &stage->drive_fit;
    if (stage->drive == ET__DRIVE_AFFINE) {
        if (j >= stage->n_h) return 0;
        float z = (h[j] - fit->offset[j]) * fit->factor[j];
        return clip(0.5F + 0.25F * stage->gain * z, 0, 1);
    }
    size_t k = j % stage->n_h;
    float m = clip((h[k] - fit->offset[k]) * fit->factor[k], 0, 1);
    return j / stage->n_h % 2 == 0 ? m : 1.0F - m;
}

void et__drive(const struct et__stage *stage, struct et_view h, struct et_view x)
{
    bool bounded = isfinite(stage->in_min) && isfinite(stage->in_max);
    float lo = bounded ? stage->in_min : 0, span = bounded ? stage->in_max - lo : 1;
    for (size_t r = 0; r < h.rows; r++) {
        const float *from = h.data + r * h.stride;
        float *to = x.data + r * x.stride;
        switch (stage->drive) {
        case ET__DRIVE_NONE:
            drive_none(stage, from, to);
            break;
        case ET__DRIVE_UNIT_NORM:
            drive_unit_norm(stage, from, to);
            break;
        case ET__DRIVE_TILE:
        case ET__DRIVE_AFFINE:
            for (size_t j = 0; j < stage->n_in; j++)
                to[j] = clip(lo + span * fitted(stage, from, j), stage->in_min, stage->in_max);
            break;
        }
    }
}
