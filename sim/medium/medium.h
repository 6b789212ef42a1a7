/* SPDX-License-Identifier: Apache-2.0
 *
 * Parts of the scattering medium that its files share.  T is [n_field][n_in]: row c takes the
 * fields of the input pixels to the field at output pixel c. */
#ifndef ETALON_SIM_MEDIUM_H
#define ETALON_SIM_MEDIUM_H

#include "kernels/camera.h"
#include "kernels/panels.h"

#include <etalon/system.h>

#include <complex.h>
#include <stdbool.h>

/* Samples whose fields are in memory at once, and complex columns of a panel. */
enum { ET__MEDIUM_BLOCK = 96, ET__MEDIUM_COLUMNS = ET__PANEL / 2 };

enum et__medium_encoding {
    ET__MEDIUM_AMPLITUDE,
    ET__MEDIUM_SIGNED,
    ET__MEDIUM_PHASE,
    ET__MEDIUM_BINARY
};
enum et__medium_detection {
    ET__MEDIUM_INTENSITY,
    ET__MEDIUM_MAGNITUDE,
    ET__MEDIUM_HOMODYNE,
    ET__MEDIUM_QUADRATURES
};

struct et__medium {
    size_t n_in, n_field, n_out;
    enum et__medium_encoding encoding;
    enum et__medium_detection detection;
    float phase_range, threshold; /* rad, 1 */
    float gain;                   /* on every element of T */
    bool mask;                    /* a phase mask in front, its phases being knobs */
    double drift_rate;            /* rad^2 per step */
    uint64_t drift_age;           /* steps */
    uint64_t seed;
    double frame_rate, power; /* Hz, W; 0 = unknown */
    struct et__camera camera;

    /* Columns 8 p .. 8 p + 7 of a complex matrix share panel p: 8 real parts, 8 imaginary parts. */
    struct et__panels matrix;  /* [n_in] x columns n_field: T transposed */
    struct et__panels adjoint; /* [n_field] x columns n_in: T; empty until the first vjp */

    float *knobs; /* [n_in] rad */
    float *turns; /* [2][n_in] cosine and sine of mask plus drift, of the present pass */
    double *walk; /* [2][n_in] ends of an interval of the walk */
    float *draws; /* [n_in] */
    float *input; /* [2 BLOCK][n_in] real parts of the encoded rows, then imaginary parts */
    float *field; /* [2 BLOCK][columns of matrix, padded] */
    float *back;  /* [2 BLOCK][n_field], then [2 BLOCK][columns of adjoint]; NULL until vjp */
};

extern const struct et_param et__medium_params[];

/* True when the field behind encoding, mask and drift has an imaginary part. */
bool et__medium_is_complex(const struct et__medium *m);

/* Makes T of the kind that the configuration asks for; sets n_in and n_field.
 * Errors: ET_CONFIG (pointing at the parameter), ET_NOMEM, those of the file. */
enum et_status et__medium_make(struct et__medium *m, const struct et_config *config,
                               uint64_t seed) ET_CHECKED;

/* T of a fibre, by the record `fibre`, for the sizes that are set already.  Errors: ET_CONFIG,
 * ET_NOMEM, ET_NUMERIC. */
enum et_status et__medium_make_fibre(struct et__medium *m,
                                     const struct et_config *fibre) ET_CHECKED;

/* T from the file that the configuration names, sizes included.  Errors: ET_CONFIG, ET_MISSING,
 * ET_IO, ET_FORMAT, ET_NOMEM. */
enum et_status et__medium_make_file(struct et__medium *m,
                                    const struct et_config *config) ET_CHECKED;

/* Checks the sizes, sets them and makes an empty T.  Errors: ET_CONFIG, ET_NOMEM. */
enum et_status et__medium_size(struct et__medium *m, const struct et_config *config, size_t n_in,
                               size_t n_field) ET_CHECKED;
/* Row c of T, [n_in] numbers, times the gain. */
void et__medium_set_row(struct et__medium *m, size_t c, const double complex *row);
/* Element (c, i) of T. */
float complex et__medium_at(const struct et__medium *m, size_t c, size_t i);

/* Phases of mask and drift at a step, into turns. */
void et__medium_turn(struct et__medium *m, const struct et_step *step);

#endif
