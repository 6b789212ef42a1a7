/* SPDX-License-Identifier: Apache-2.0
 *
 * Coupled oscillators in single precision, sixteen samples side by side. */
#define REAL         float
#define LANES        16
#define KERNEL       et__osc_f32
#define SINE_TERMS   7
#define COSINE_TERMS 8
/* Rounding of the reduced argument, 6e-8 near pi/2, and of the last sums, 2^-24 each; the series
 * adds (pi/2)^15 / 15! = 7e-10. */
#define SINCOS_ERROR 2.5e-7
/* A phase is rounded by up to 2^-24 of itself in each step: 1e-3 rad here. */
#define PHASE_MAX 16384
#include "oscillators_body.h"
