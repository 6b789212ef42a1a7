/* SPDX-License-Identifier: Apache-2.0
 *
 * Calibration runs; see calibration.h. */
#include "calibration.h"

#include <etalon/rng.h>

#include <math.h>
#include <stdlib.h>

void et__calibration_destroy(struct et__calibration *calibration)
{
    et_array_destroy(&calibration->x);
    et_array_destroy(&calibration->y);
}

enum et_status et__calibrate(struct et_system *system, float lo, float hi, size_t count,
                             uint64_t seed, struct et__calibration *calibration)
{
    const struct et_system_info *info = et_system_info(system);
    lo = fmaxf(lo, info->in_min);
    hi = fminf(hi, info->in_max);
    if (!isfinite(lo)) lo = isfinite(hi) && hi <= -1 ? hi - 1 : -1;
    if (!isfinite(hi)) hi = lo >= 1 ? lo + 1 : 1;
    ET_TRY(et_array_create(&calibration->x, count, info->n_in));
    ET_TRY(et_array_create(&calibration->y, count, info->n_out));
    struct et_array *x = &calibration->x;
    et_rng_fill_uniform(seed, ET_STREAM_MISMATCH, 0, 0, lo, hi, x->data, count * info->n_in);
    for (size_t i = 0; i < count * info->n_in; i++)
        x->data[i] = fminf(fmaxf(x->data[i], lo), hi);
    struct et_step step = {.seed = seed};
    ET_TRY_WHILE(et_system_forward(system, &step, et_array_view(x), et_array_view(&calibration->y)),
                 "calibrating on %zu random drives", count);
    return et_system_reset(system);
}

static int compare(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

enum et_status et__loudest_quantile(struct et_view v, double q, float *level)
{
    float *column = et_alloc(v.rows, sizeof *column);
    if (column == NULL) return ET_NOMEM;
    *level = 0;
    size_t rank = (size_t)ceil(q * (double)v.rows);
    for (size_t c = 0; c < v.cols; c++) {
        for (size_t r = 0; r < v.rows; r++)
            column[r] = fabsf(v.data[r * v.stride + c]);
        qsort(column, v.rows, sizeof *column, compare);
        *level = fmaxf(*level, column[rank > 0 ? rank - 1 : 0]);
    }
    et_free(column);
    return ET_OK;
}
