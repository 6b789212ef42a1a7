/* SPDX-License-Identifier: Apache-2.0
 *
 * Parts of the crossbar that its files share.
 *
 * Inside, conductances and currents have no unit: a cell has (its conductance) / (gmax - gmin), so
 * that the difference of a pair is the weight, and a current is a sum of weights times inputs.
 * Matrices are [n_out][n_in]; block t of the inputs and block c of the outputs make one pair of
 * arrays, the tile (t, c). */
#ifndef ETALON_SIM_CROSSBAR_H
#define ETALON_SIM_CROSSBAR_H

#include "crossbar/device.h"

#include "kernels/panels.h"

#include <etalon/array.h>
#include <etalon/system.h>

enum et__read_noise { ET__READ_OFF, ET__READ_PASS, ET__READ_HELD };

/* Rows that one worker takes through all tiles at a time: whole blocks of the kernel. */
enum { ET__CROSSBAR_ROWS = 48 };

struct et__converter {
    int64_t bits; /* 0 = ideal */
    float range, step, top;
};

/* What the outputs of one pair of arrays go through. */
struct et__tile {
    struct et__converter adc;
    float gain;       /* compensation of drift; 1 = none */
    double reference; /* sum of all conductances now, what the compensation divides by */
};

/* Sums over the cells of one output in one tile, made in parallel and added up in order. */
struct et__line {
    double programmed, now; /* conductances */
    double square;          /* of the weights */
    double residual;        /* squares of what programming is off by, uS^2 */
    size_t failed, writes;  /* cells outside the tolerance, writes of all cells */
};

/* A cell that was asked for gmin. */
struct et__idle {
    float programmed, now, read; /* uS */
    uint16_t writes;
    uint8_t known; /* 1 + side of the pair, 0 = nothing yet */
    bool verified;
};

/* What solving the wires takes, one for each worker. */
struct et__wires_work {
    double *g, *row_inverse, *col_inverse; /* [rows][cols] */
    double *sum;                           /* [rows][cols] */
    double *field[4], *spare;              /* [rows][cols][lanes] */
    double *v, *u, *zero;                  /* [rows][lanes], [cols][lanes], [rows][lanes] */
};

struct et__crossbar_work {
    float *x, *square;         /* [ROWS][n_in] what the converters put out */
    float *current, *variance; /* [ROWS][width] of one tile */
    float *normal;             /* [n_out] */
    struct et__wires_work wires;
};

struct et__crossbar {
    size_t n_in, n_out, rows, cols, n_row_tiles, n_col_tiles;
    uint64_t seed, programming_seed;
    bool redraw, compensate, abs_max, reported;
    enum et__read_noise read_noise;
    struct et__cell cell;
    double stuck_off, stuck_on; /* probabilities */
    struct et__converter dac;
    int64_t adc_bits;
    double adc_range, adc_margin; /* range 0 = from the weights */
    float adc_noise;
    double wire, driver, amplifier; /* ohm; wire 0 = no IR drop */
    double tolerance;
    size_t sweeps;

    float *weight;                               /* what was asked for */
    float *m, *slope;                            /* what it became; dm / dweight without wires */
    float *variance, *variance_slope;            /* of a read, when noise is per pass */
    float *reference_slope;                      /* dg0 / dweight, when drift is compensated */
    float *plus, *minus, *dg;                    /* with wires: the arrays before them */
    float *dm, *dvariance;                       /* workspace of vjp and of wires */
    struct et__panels *packed, *packed_variance; /* [n_row_tiles] m and variance, transposed */
    size_t width;                                /* of a row of currents: whole panels */
    struct et__idle *idle;                       /* one for each weight */
    struct et__tile *tile;                       /* [n_row_tiles][n_col_tiles] */
    struct et__line *line;                       /* [n_row_tiles][n_out] */
    double *imbalance;                           /* [tiles][2] of the last solution */
    float *dcurrent, *dspread, *back;            /* vjp: [ROWS][n_out] twice, [ROWS][n_in] */
    double *dgain;                               /* vjp: [ROWS][n_col_tiles] */
    struct et__crossbar_work *work;
    size_t n_workers;
};

extern const struct et_param et__crossbar_params[];

/* Fills what the configuration says; allocates nothing.  Errors: ET_CONFIG. */
enum et_status et__crossbar_read(struct et__crossbar *s, const struct et_config *config) ET_CHECKED;

/* Weights of the configuration or the seed.  Errors: ET_CONFIG. */
enum et_status et__crossbar_weights(struct et__crossbar *s, const struct et_config *config,
                                    uint64_t seed) ET_CHECKED;

/* Programs s->weight: fills the matrices and the tiles.  Errors: ET_NUMERIC (wires). */
enum et_status et__crossbar_program(struct et__crossbar *s) ET_CHECKED;

static inline bool et__crossbar_has_wires(const struct et__crossbar *s)
{
    return s->wire > 0;
}

/* Sets the range of a converter of `bits` with 2^bits - 1 levels, symmetric about 0. */
void et__converter_set(struct et__converter *c, int64_t bits, double range);

/* Size of tile (t, c) and its first input and output. */
struct et__block {
    size_t k, o, rows, cols;
};
struct et__block et__crossbar_block(const struct et__crossbar *s, size_t t, size_t c);

/* Replaces s->m by what the wires leave of it, and s->variance likewise.  Errors: ET_NUMERIC. */
enum et_status et__crossbar_wires(struct et__crossbar *s) ET_CHECKED;
/* From the gradient by m (in s->dm) to that by the cell that carries each weight (in s->dg), with
 * the sign of the weight: dg times slope is the gradient by the weight.  Errors: ET_NUMERIC. */
enum et_status et__crossbar_wires_back(struct et__crossbar *s) ET_CHECKED;
enum et_status et__wires_work_create(struct et__wires_work *w, size_t rows, size_t cols) ET_CHECKED;
void et__wires_work_destroy(struct et__wires_work *w);

enum et_status et__crossbar_forward(void *state, const struct et_step *step, struct et_view x,
                                    struct et_view y) ET_CHECKED;
enum et_status et__crossbar_vjp(void *state, const struct et_step *step, struct et_view x,
                                struct et_view dy, struct et_view dx, float *dknobs) ET_CHECKED;

#endif
