/* SPDX-License-Identifier: Apache-2.0
 *
 * A camera: what intensities become on the way through photodiodes and converter.
 *
 *     e = F max(I, 0) / I_sat               mean electrons of a pixel, F = full well
 *     q = e + sqrt(e + r^2) n               shot noise and read noise r, n ~ N(0, 1)
 *     q clipped to [0, F], rounded to 2^bits levels, divided by F
 *
 * Shot noise is taken as Gaussian, which it is but for a few electrons, where the read noise hides
 * the difference.  Noise is a pure function of (seeds, step, sample, pixel). */
#ifndef ETALON_SIM_CAMERA_H
#define ETALON_SIM_CAMERA_H

#include <etalon/system.h>

#include <stdbool.h>

struct et__camera {
    bool ideal;       /* y = I: no noise, no saturation, no converter */
    bool noisy;       /* shot or read noise is on */
    bool shot;        /* shot noise is on */
    float full_well;  /* electrons */
    float read_noise; /* electrons rms */
    float levels;     /* 2^bits - 1; 0 = no converter */
    float saturation; /* intensity that fills the well; 0 = not set yet */
    double exposure;  /* quantile of the intensities that fills the well */
    uint64_t seed;    /* of the device */
    const char *unit; /* of the outputs; the system's own for an ideal camera */
};

/* Table of a record: {.name = "camera", .kind = ET_PARAM_RECORD, .initial = "{}", .fields = ...}.
 */
extern const struct et_param et__camera_params[];

/* Reads a record.  unit is the system's unit of intensity, which lives as long as the camera.
 * Errors: ET_CONFIG. */
enum et_status et__camera_read(struct et__camera *camera, const struct et_config *record,
                               uint64_t seed, const char *unit) ET_CHECKED;

/* True when the saturation level is to be found by et__camera_expose. */
bool et__camera_wants_exposure(const struct et__camera *camera);

/* Sets the saturation level to the quantile `exposure` of n typical intensities, which are put in
 * another order.  Errors: ET_NUMERIC (all dark). */
enum et_status et__camera_expose(struct et__camera *camera, float *intensities,
                                 size_t n) ET_CHECKED;

/* Row `row` of a pass: y[i] = reading of intensity[i], n pixels; in place is fine. */
void et__camera_read_row(const struct et__camera *camera, const struct et_step *step, size_t row,
                         const float *intensity, float *y, size_t n);

/* dI[i] = dy[i] (d reading / d intensity)[i] at the same step, noise held fixed; the converter
 * counts as the identity, and a clipped pixel passes nothing.  In place is fine. */
void et__camera_read_row_back(const struct et__camera *camera, const struct et_step *step,
                              size_t row, const float *intensity, const float *dy, float *di,
                              size_t n);

#endif
