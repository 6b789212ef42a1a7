/* SPDX-License-Identifier: Apache-2.0
 *
 * Guided modes of a weakly guiding fibre: linearly polarised (LP) modes of a step-index core, and
 * Laguerre-Gaussian modes of a graded-index one. */
#ifndef ETALON_SIM_MODES_H
#define ETALON_SIM_MODES_H

#include <etalon/error.h>

#include <stdbool.h>
#include <stddef.h>

struct et__fibre {
    double radius, na, wavelength, index; /* m, 1, m (vacuum), of the core's middle */
    bool graded; /* n^2 falls like r^2 in the core, so that the rim has the cladding's index */
};

/* LP_lm or LG_(m-1),l with cos(l phi) or, where `sine`, sin(l phi). */
struct et__fibre_mode {
    unsigned l, m;
    bool sine;
    unsigned group; /* 2 m + l - 1: modes of about the same beta, 1 for the lowest */
    double u;       /* step: transverse phase constant times radius */
    double beta;    /* 1/m */
    double norm;    /* of the radial function, so that the integral of the field squared is 1 */
};

/* Normalised frequency, 2 pi radius na / wavelength. */
double et__fibre_v(const struct et__fibre *fibre);

/* u of the guided modes LP_l1, LP_l2, ... at V, up to `most` of them:
 * u J_(l+1)(u) / J_l(u) = w K_(l+1)(w) / K_l(w), u^2 + w^2 = V^2.  Returns how many there are. */
size_t et__fibre_lp_roots(unsigned l, double v, double *roots, size_t most);

/* All guided modes of one polarisation, by falling beta.  *modes is the caller's, freed with
 * et_free.  Errors: ET_NOMEM. */
enum et_status et__fibre_modes(const struct et__fibre *fibre, struct et__fibre_mode **modes,
                               size_t *n) ET_CHECKED;

/* Radial function of a mode at r (m), 1/m; times cos or sin(l phi) it is the field. */
double et__fibre_radial(const struct et__fibre *fibre, const struct et__fibre_mode *mode, double r);

#endif
