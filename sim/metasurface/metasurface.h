/* SPDX-License-Identifier: Apache-2.0
 *
 * Parts of the metasurface in a cavity that its files share.  Lengths are in metres from the lower
 * left corner of the cavity, x to the right, y upwards. */
#ifndef ETALON_SIM_METASURFACE_H
#define ETALON_SIM_METASURFACE_H

#include <etalon/system.h>

#include <complex.h>
#include <stdbool.h>

enum et__dipole_kind { ET__TRANSMITTER, ET__RECEIVER, ET__PIXEL, ET__POST, ET__SCATTERER };

struct et__dipole {
    double x, y;
    enum et__dipole_kind kind;
};

/* A resonance, alpha^-1 = k0^2 ((f_r^2 - f^2) / f_0^2 - i g f / f_0) / s - i k^2 / 4. */
struct et__resonance {
    double strength, loss; /* s, g */
};

/* Dipoles in the order transmitters, receivers, pixels, posts, scatterers. */
struct et__cavity {
    double width, height, c; /* m, m, m/s */
    double f0;               /* Hz, middle of the band */
    double f_on, f_off;      /* Hz, resonance of a pixel for x = 1 and x = 0 */
    struct et__resonance antenna, pixel;
    double post_radius, scatterer_radius, wall_loss;
    size_t n_tx, n_rx, n_pixels, n;
    struct et__dipole *dipoles; /* [n] */
};

extern const struct et_param et__metasurface_params[];

/* Places the dipoles.  f_max: highest frequency.  *cavity is zeroed before; what it holds is freed
 * by et__cavity_free, also after failure.  Errors: ET_CONFIG (outside, too close), ET_NOMEM. */
enum et_status et__cavity_read(struct et__cavity *cavity, const struct et_config *config,
                               double f_max, uint64_t seed) ET_CHECKED;
void et__cavity_free(struct et__cavity *cavity);

/* Inverse polarisability of dipole i at frequency f (Hz); x is the state of a pixel, 0 to 1. */
double complex et__cavity_inverse(const struct et__cavity *cavity, size_t i, double f, double x);
/* W [n][n], symmetric: W_ii = alpha_i^-1, W_ij = -k^2 (i/4) H0(k r_ij).  x [n_pixels]. */
void et__cavity_matrix(const struct et__cavity *cavity, double f, const double *x,
                       double complex *w);
/* Plain reference: H [n_rx][n_tx], moments of the receivers for a field of 1 at one transmitter,
 * by solving the equations of all dipoles.  Errors: ET_NOMEM, ET_NUMERIC. */
enum et_status et__cavity_transfer(const struct et__cavity *cavity, double f, const double *x,
                                   double complex *h) ET_CHECKED;

/* G = W^-1 with all pixels off, at one frequency: what the passes need of it. */
struct et__cavity_response {
    double *rt_re, *rt_im; /* [n_rx][n_tx] */
    double *pp_re, *pp_im; /* [n_pixels][n_pixels] */
    double *pa_re, *pa_im; /* [n_pixels][n_tx + n_rx] */
    double complex lone;   /* moment of a transmitter alone, in a field of 1 */
};
/* *response is zeroed before; freed by et__cavity_response_free, also after failure.
 * Errors: ET_NOMEM, ET_NUMERIC. */
enum et_status et__cavity_respond(const struct et__cavity *cavity, double f,
                                  struct et__cavity_response *response) ET_CHECKED;
void et__cavity_response_free(struct et__cavity_response *response);

/* What one thread needs for a pass. */
struct et__cavity_worker {
    double *re, *im;         /* [n_pixels][n_pixels + n_tx + n_rx] equations of the active pixels */
    double *delta, *slope;   /* [n_pixels] alpha^-1(x) - alpha^-1(0), and its d/dx */
    size_t *active;          /* [n_pixels] pixels that are not off */
    double *out_re, *out_im; /* [n_rx][n_tx] */
    double *at_re, *at_im;   /* [n_pixels][n_tx + n_rx], only where slopes are asked for */
};

/* H [n_rx][n_tx] for pixels x (0..1) into the worker's out, by Woodbury's identity: with A the
 * active pixels and D their changes, H = G_RT - G_RA (1 + D G_AA)^-1 D G_AT.
 * fields: also the moments W^-1_(pixel, antenna) of all pixels into at, and slope.
 * Returns false when the equations are singular. */
bool et__cavity_solve(const struct et__cavity *cavity, const struct et__cavity_response *response,
                      const float *x, bool fields, struct et__cavity_worker *worker);

#endif
