/* SPDX-License-Identifier: Apache-2.0
 *
 * Two measurements on the device before its first use, both with uniform random inputs drawn from
 * the device's seed.
 *
 * Drive level.  With the membranes made linear and loudspeakers of unit strength, the rms pressure
 * p over all membrane cells, the window and 8 random inputs is proportional to the strength, so
 *     source = drive * u_sat / p
 * makes `drive` the ratio of that rms to the saturation scale.
 *
 * Output scale.  The 94th percentile of each output over 64 random inputs becomes 1 (`calibrate`),
 * and the largest of these percentiles is the reference of the microphones' noise. */
#include "acoustic.h"

#include <etalon/rng.h>

#include <math.h>
#include <stdlib.h>

enum { LEVEL_DRIVES = 8, SCALE_DRIVES = 64 };

/* Indices of random inputs, so that the two measurements use different ones. */
enum { LEVEL_STEP, SCALE_STEP };

struct survey {
    struct et__acoustic *acoustic;
    struct et_view x, y;
    double *energy;
};

static void survey_group(void *user, size_t group, size_t worker)
{
    struct survey *survey = user;
    size_t lanes = survey->acoustic->lanes, first = group * lanes;
    size_t n = survey->x.rows - first < lanes ? survey->x.rows - first : lanes;
    et__acoustic_pass(survey->acoustic, &survey->acoustic->workers[worker],
                      et_view_rows(survey->x, first, n), et_view_rows(survey->y, first, n),
                      survey->energy + first, false);
}

static void run_survey(struct survey *survey, uint32_t step)
{
    struct et__acoustic *a = survey->acoustic;
    et_rng_fill_uniform(a->seed, ET_STREAM_MISMATCH, step, 0, 0, 1, survey->x.data,
                        survey->x.rows * survey->x.cols);
    et__acoustic_for_groups(a, (survey->x.rows + a->lanes - 1) / a->lanes, survey_group, survey);
}

/* Linear-regime rms pressure in the membranes for loudspeakers of unit strength. */
static double membrane_rms(struct survey *survey)
{
    struct et__acoustic *a = survey->acoustic;
    struct et__wave_membrane *membrane = &a->plan.membranes[0];
    double inverse_saturation2 = membrane->inverse_saturation2;
    membrane->inverse_saturation2 = 0;
    a->source_Pa = 1.0F;
    run_survey(survey, LEVEL_STEP);
    membrane->inverse_saturation2 = inverse_saturation2;
    double sum = 0;
    for (size_t i = 0; i < survey->x.rows; i++)
        sum += survey->energy[i];
    return sqrt(sum / ((double)survey->x.rows * (double)a->geometry.n_membrane_cells *
                       (double)a->signal.window));
}

static enum et_status set_level(struct survey *survey, const struct et_config *config)
{
    struct et__acoustic *a = survey->acoustic;
    double drive = et_config_real(config, "drive");
    double saturation = et_config_real(et_config_at(config, "membranes", 0), "saturation");
    a->source_Pa = (float)drive;
    if (a->geometry.n_membrane_cells == 0) return ET_OK;
    double rms = membrane_rms(survey), source = drive * saturation / rms;
    if (!(rms > 0) || !(source < 1e30))
        return et_config_error(config, "membranes",
                               "no sound reaches the membranes (%g Pa rms), so no drive level can "
                               "be set",
                               rms);
    a->source_Pa = (float)source;
    return ET_OK;
}

static int ascending(const void *a, const void *b)
{
    float fa = *(const float *)a, fb = *(const float *)b;
    return (fa > fb) - (fa < fb);
}

/* Linear interpolation between order statistics. */
static float percentile94(float *values, size_t n)
{
    qsort(values, n, sizeof *values, ascending);
    double at = 0.94 * (double)(n - 1);
    size_t low = (size_t)at, high = low + 1 < n ? low + 1 : low;
    double part = at - (double)low;
    return (float)((1 - part) * (double)values[low] + part * (double)values[high]);
}

static void set_scales(struct survey *survey, const struct et_config *config)
{
    struct et__acoustic *a = survey->acoustic;
    float column[SCALE_DRIVES], loudest = 0.0F;
    run_survey(survey, SCALE_STEP);
    for (size_t o = 0; o < a->n_out; o++) {
        for (size_t i = 0; i < SCALE_DRIVES; i++)
            column[i] = survey->y.data[i * survey->y.stride + o];
        float level = percentile94(column, SCALE_DRIVES);
        a->levels[o] = level;
        if (level > loudest) loudest = level;
        if (a->calibrated && level > 0.0F) a->scales[o] = 1.0F / level;
    }
    a->noise_Pa = (float)et_config_real(config, "noise") * loudest;
}

enum et_status et__acoustic_calibrate(struct et__acoustic *a, const struct et_config *config)
{
    bool survey_outputs = a->calibrated || et_config_real(config, "noise") > 0;
    size_t rows = survey_outputs ? SCALE_DRIVES : LEVEL_DRIVES;
    struct et_array x = {0}, y = {0};
    struct survey survey = {.acoustic = a};
    enum et_status status = et_array_create(&x, rows, a->n_in);
    if (status == ET_OK) status = et_array_create(&y, rows, a->n_out);
    if (status != ET_OK) goto out;
    if (!(survey.energy = et_alloc(rows, sizeof *survey.energy))) {
        status = ET_NOMEM;
        goto out;
    }
    survey.x = et_view_rows(et_array_view(&x), 0, LEVEL_DRIVES);
    survey.y = et_view_rows(et_array_view(&y), 0, LEVEL_DRIVES);
    status = set_level(&survey, config);
    if (status == ET_OK && survey_outputs) {
        survey.x = et_array_view(&x);
        survey.y = et_array_view(&y);
        set_scales(&survey, config);
    }
out:
    et_free(survey.energy);
    et_array_destroy(&x);
    et_array_destroy(&y);
    return status;
}
