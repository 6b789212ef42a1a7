/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of the wave kernel in double precision. */
#define REAL     double
#define VARIANTS et__wave_variants_f64
#include "wave_variants.h"
