/* SPDX-License-Identifier: Apache-2.0
 *
 * Parts of the acoustic cavity that its files share.  Lengths are in metres from the lower left
 * corner of the cavity, x to the right, y upwards; row 0 of every map is at y = 0. */
#ifndef ETALON_SIM_ACOUSTIC_H
#define ETALON_SIM_ACOUSTIC_H

#include "kernels/wave.h"

#include <etalon/parallel.h>
#include <etalon/system.h>

/* A loudspeaker or a microphone: one cell. */
struct et__acoustic_spot {
    size_t x, y;
};

/* The cavity without its absorbing strips. */
struct et__acoustic_geometry {
    enum et__wave_precision precision;
    int order; /* in space */
    size_t nx, ny;
    double cell, speed; /* m, m/s of the background */
    float *speeds;      /* [ny][nx] m/s, 0 = rigid */
    uint16_t *membrane; /* [ny][nx] 1 in membranes, else 0 */
    size_t n_membrane_cells;
    double stable_dt;                  /* s, largest for which C^2 (1 + k) is stable everywhere */
    double admittance[ET__WAVE_SIDES]; /* specific, rho c / Z; 0 = rigid */
    size_t strip[ET__WAVE_SIDES];      /* cells of the PML outside each side; 0 = none */
    double pml_reflection[ET__WAVE_SIDES];
    struct et__acoustic_spot *speakers, *microphones;
    size_t n_speakers, n_microphones;
};

extern const struct et_param et__acoustic_params[];

/* Tables of records that systems of this folder share. */
extern const struct et_param et__acoustic_walls_params[], et__acoustic_spot_params[],
    et__acoustic_rectangle_params[], et__acoustic_region_params[], et__acoustic_disc_params[],
    et__acoustic_scatterers_params[], et__acoustic_array_params[];

/* Reads shapes and places; *g is zeroed before but for precision and order.  Errors: ET_CONFIG
 * pointing at the record that is outside the cavity, covers no cell or overlaps what it must not;
 * ET_NOMEM. */
enum et_status et__acoustic_geometry_read(struct et__acoustic_geometry *g,
                                          const struct et_config *config, uint64_t seed) ET_CHECKED;
void et__acoustic_geometry_free(struct et__acoustic_geometry *g);

/* The plan of a geometry at a time step, strips added around it. */
enum et_status et__acoustic_geometry_plan(const struct et__acoustic_geometry *g, double dt,
                                          const struct et__wave_membrane *membrane,
                                          struct et__wave_plan *plan) ET_CHECKED;

/* Lanes of a plan's fields: large grids fill the cache with one simulation and
 * run without. */
size_t et__acoustic_lanes(const struct et__wave_plan *plan);

/* Shows the cavity, without its strips, to an observer by way of frame [ny][nx]. */
void et__acoustic_show(const struct et__acoustic_geometry *g, const struct et__wave_field *field,
                       const struct et_observer *observer, struct et_view frame, size_t step,
                       double dt);

/* When and at which frequencies the cavity is driven and heard; tables in the precision of the
 * field. */
struct et__acoustic_signal {
    double dt;                /* s */
    size_t transient, window; /* steps */
    size_t n_carriers, n_bins;
    double *carriers, *bins; /* Hz; the first n_carriers bins are the carriers */
    void *tones;             /* [transient + window][n_carriers] ramped sines */
    void *cosines, *sines;   /* [window][n_bins], times 2 / window */
};

/* Errors: ET_CONFIG (time step above the stability limit, with the largest stable one; a frequency
 * that grid or time step do not resolve), ET_NOMEM. */
enum et_status et__acoustic_signal_read(struct et__acoustic_signal *s,
                                        const struct et_config *config,
                                        const struct et__acoustic_geometry *g) ET_CHECKED;
void et__acoustic_signal_free(struct et__acoustic_signal *s);

enum { ET__ACOUSTIC_CHUNK = 64 /* steps whose sound is computed at once */ };

/* What one thread needs for a pass; drives, sound and trace in the precision of the field. */
struct et__acoustic_worker {
    struct et__wave_field field;
    void *drives; /* [n_in][lanes] */
    void *sound;  /* [chunk][n_speakers][lanes] Pa: what the loudspeakers emit */
    void *trace;  /* [window][n_microphones][lanes] Pa */
    float *noise; /* [n_out] */
};

struct et__acoustic {
    struct et__acoustic_geometry geometry;
    struct et__acoustic_signal signal;
    struct et__wave_plan plan;
    size_t n_in, n_out, lanes;
    struct et__acoustic_worker *workers;
    size_t n_workers;
    struct et__wave_ports ports; /* loudspeakers and microphones */
    float source_Pa;             /* strength of a loudspeaker whose input is 1 */
    bool calibrated;
    float *scales;  /* [n_out] from Pa to output units */
    float *levels;  /* [n_out] 94th percentiles over random drives, Pa; 0 = not measured */
    float noise_Pa; /* sd of the microphones' noise */
    uint64_t seed;
    const struct et_observer *observer; /* NULL = none */
    struct et_observer observed;
    struct et_view frame; /* [ny][nx] of the cavity */
};

/* Spectral magnitudes (Pa) of up to `lanes` samples on one worker, without noise and scale.
 * x [n][n_in], y [n][n_out]; energy NULL or [n], the sum of u^2 over membrane cells and window. */
void et__acoustic_pass(struct et__acoustic *a, struct et__acoustic_worker *worker, struct et_view x,
                       struct et_view y, double *energy, bool observe);

/* Calls the body for each of n groups of samples, in parallel; where one simulation can use all
 * threads, groups that would leave some idle come last and one by one. */
void et__acoustic_for_groups(const struct et__acoustic *a, size_t n, et_parallel_body *body,
                             void *user);

/* Sets source_Pa from the drive level, then scales and noise_Pa from random drives; see
 * calibration.c. */
enum et_status et__acoustic_calibrate(struct et__acoustic *a,
                                      const struct et_config *config) ET_CHECKED;

#endif
