/* SPDX-License-Identifier: Apache-2.0
 *
 * One memory cell: what conductance it has after programming, some time later, and how much a read
 * of it fluctuates.  Conductances are in uS. */
#ifndef ETALON_SIM_CROSSBAR_DEVICE_H
#define ETALON_SIM_CROSSBAR_DEVICE_H

#include <stdbool.h>
#include <stddef.h>

enum et__cell_kind { ET__CELL_IDEAL, ET__CELL_PCM, ET__CELL_RERAM };

struct et__cell {
    enum et__cell_kind kind;
    double gmin, gmax; /* uS, what programming may ask for */
    double age;        /* s since programming */
    /* Factors on the published spreads, 1 as published. */
    double programming, drift, read;
    double white; /* sd of a white read noise, share of gmax */
    /* Write-verify: program again, up to `writes` times in all, while the conductance is further
     * than `tolerance` from its target. */
    size_t writes;
    double tolerance; /* uS */
};

/* Independent standard normal numbers of a cell. */
enum { ET__CELL_WRITE, ET__CELL_DRIFT, ET__CELL_HELD, ET__CELL_RELAX, ET__CELL_NORMALS };

/* A conductance or a spread (uS) and its derivative by the target. */
struct et__dual {
    double value, slope;
};

/* Normal numbers of attempt `write` (0 is the first); only the first's drift and held are used. */
typedef void et__cell_draw(void *user, size_t write, float normal[ET__CELL_NORMALS]);

struct et__cell_state {
    struct et__dual programmed; /* right after programming */
    struct et__dual now;        /* at `age`, mean over reads */
    struct et__dual read;       /* sd of one read at `age` */
    float held;                 /* the normal number of a read noise that is held */
    size_t writes;
    bool verified; /* within the tolerance, or nothing to verify */
};

/* The cell that was asked for `target` uS.  Where a conductance is clamped at 0, the slope is that
 * without the clamp, so that learning cannot get stuck there. */
struct et__cell_state et__cell_program(const struct et__cell *cell, double target,
                                       et__cell_draw *draw, void *user);

/* sd of the conductance after programming. */
struct et__dual et__cell_write_sd(const struct et__cell *cell, double target);
/* Mean and sd of the drift exponent of a PCM cell, before the absolute value is taken. */
struct et__dual et__cell_drift_mean(const struct et__cell *cell, double target);
struct et__dual et__cell_drift_sd(const struct et__cell *cell, double target);

/* The time that drift and 1/f noise of PCM count from, and that of one read, s. */
extern const double et__cell_t0, et__cell_t_read;
/* What gmax the published numbers belong to, uS. */
double et__cell_reference(enum et__cell_kind kind);
/* The longest age with published data, s. */
double et__cell_age_max(enum et__cell_kind kind);

#endif
