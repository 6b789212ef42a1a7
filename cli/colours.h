/* SPDX-License-Identifier: Apache-2.0
 *
 * The colours of a field: 256 of them, one set for fields of both signs, one for intensities. */
#ifndef ETALON_CLI_COLOURS_H
#define ETALON_CLI_COLOURS_H

#include <stdbool.h>

enum { COLOURS = 256 };

/* Of both signs: blue for -1, white for 0, red for +1; each half falls linearly in light.
 * Of one sign (sequential): from black over purple and orange to pale yellow. */
void colours_make(bool sequential, unsigned char rgb[COLOURS][3]);

/* The colour of a value in [-1, 1], or in [0, 1]; beyond, the last one. */
unsigned char colours_of(bool sequential, float value);

#endif
