/* SPDX-License-Identifier: Apache-2.0
 *
 * Parts of the cavity that listens to recordings (acoustic-waveform). */
#ifndef ETALON_SIM_WAVEFORM_H
#define ETALON_SIM_WAVEFORM_H

#include "acoustic.h"
#include "kernels/wave_adjoint.h"

extern const struct et_param et__waveform_params[];

/* The region whose speed of sound is set by knobs; see waveform_design.c. */
struct et__design {
    size_t x, y, nx, ny;   /* cells of the cavity */
    size_t block, columns; /* cells along the edge of a knob's square; knobs along x */
    size_t n_knobs;        /* 0 = no region */
    double low, high;      /* m/s */
    double sharpness, threshold;
    size_t reach;    /* cells that the blur looks away */
    double *weights; /* [2 reach + 1][2 reach + 1] */
    double *density; /* [ny][nx] after the blur */
    bool *rigid;     /* [ny][nx] cells that stay rigid */
    float *knobs;    /* [n_knobs] as set */
};

/* Reads the record `design`; *design is zeroed before.  Errors: ET_CONFIG (too near to a wall, a
 * loudspeaker inside, no cell), ET_NOMEM. */
enum et_status et__design_read(struct et__design *design, const struct et_config *config,
                               const struct et__acoustic_geometry *g) ET_CHECKED;
void et__design_free(struct et__design *design);
/* Writes the speeds of knobs [n_knobs] into the map of a geometry. */
void et__design_apply(struct et__design *design, const float *knobs,
                      struct et__acoustic_geometry *g);
/* dknobs = (d speed / d knob)^T dspeed at the knobs last applied; dspeed [ny][nx]. */
void et__design_pullback(const struct et__design *design, const double *dspeed, float *dknobs);

enum {
    ET__WAVEFORM_TAPS = 8, /* of the interpolation between samples */
    ET__WAVEFORM_BEFORE = 3
};

/* What one thread needs for a pass. */
struct et__waveform_worker {
    struct et__wave_field field;
    float *wave;                    /* [samples + tail + TAPS][lanes], BEFORE zeros in front */
    float *energies;                /* [n_out][lanes] Pa^2 s */
    struct et__waveform_tape *tape; /* NULL until the first vjp */
};

enum et__waveform_output { ET__WAVEFORM_SHARE, ET__WAVEFORM_ENERGY, ET__WAVEFORM_LEVEL };

struct et__waveform {
    struct et__acoustic_geometry geometry;
    struct et__design design;
    struct et__wave_membrane membrane;
    struct et__wave_plan plan;
    double rate, dt;                           /* Hz, s */
    size_t n_in, total, per_sample, n_windows; /* samples, samples with tail, steps per sample */
    float *filter;                             /* [per_sample][TAPS] */
    enum et__waveform_output output;
    double floor; /* Pa^2 s */
    size_t n_out, lanes;
    struct et__waveform_worker *workers;
    size_t n_workers;
    size_t *speaker_cells, *microphone_cells; /* index of lane 0 in the field */
    float *speaker_gains;                     /* Pa of a step's kick for full scale */
    double *gain_slope;                 /* [vjp slots][design cells], NULL until the first vjp */
    const struct et_observer *observer; /* NULL = none */
    struct et_observer observed;
    struct et_view frame; /* [ny][nx] of the cavity */
};

static inline size_t et__waveform_steps(const struct et__waveform *w)
{
    return w->total * w->per_sample;
}

/* Takes up to `lanes` recordings x [n][n_in] into a worker and brings its field to rest. */
void et__waveform_load(const struct et__waveform *w, struct et__waveform_worker *worker,
                       struct et_view x);
/* One time step: the wave, then what the loudspeakers play. */
void et__waveform_step(const struct et__waveform *w, struct et__waveform_worker *worker,
                       size_t step);
/* Adds u^2 dt of the microphones of one step. */
void et__waveform_listen(const struct et__waveform *w, struct et__waveform_worker *worker,
                         size_t step);
/* First entry of the energies that a step adds to, of n_windows in a row for each microphone. */
static inline size_t et__waveform_window(const struct et__waveform *w, size_t step)
{
    return step * w->n_windows / et__waveform_steps(w);
}

/* The plan of the speeds as they stand. */
enum et_status et__waveform_replan(struct et__waveform *w) ET_CHECKED;

enum et_status et__waveform_vjp(void *state, const struct et_step *step, struct et_view x,
                                struct et_view dy, struct et_view dx, float *dknobs) ET_CHECKED;
void et__waveform_tape_free(struct et__waveform_tape *tape);

#endif
