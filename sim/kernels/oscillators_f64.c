/* SPDX-License-Identifier: Apache-2.0
 *
 * Coupled oscillators in double precision, eight samples side by side. */
#define REAL         double
#define LANES        8
#define KERNEL       et__osc_f64
#define SINE_TERMS   11
#define COSINE_TERMS 12
/* Half an ulp of an argument of 1e6 is 6e-11: as an absolute error of the result only the rounding
 * of the reduced argument counts, 2^-53 (pi/2), and that of the last sums. */
#define SINCOS_ERROR 4e-16
/* So far the sines are as good as stated. */
#define PHASE_MAX 1e6
#include "oscillators_body.h"
