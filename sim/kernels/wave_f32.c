/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of the wave kernel in single precision. */
#define REAL     float
#define VARIANTS et__wave_variants_f32
#include "wave_variants.h"
