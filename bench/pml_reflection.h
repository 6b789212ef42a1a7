/* SPDX-License-Identifier: Apache-2.0
 *
 * Reflection of the absorbing layer, measured on the wave kernel. */
#ifndef ETALON_BENCH_PML_REFLECTION_H
#define ETALON_BENCH_PML_REFLECTION_H

#include <etalon/error.h>

#include <stddef.h>

enum et__pml_path { ET__PML_NEAR_NORMAL, ET__PML_GRAZING };

/* Measures a layer against the same grid continued without it.
 *
 * A Ricker pulse of 20 cells per dominant wavelength, C = 0.65, starts in one cell and is heard in
 * another, both in front of a straight layer:
 *     near normal   30 cells from the layer, 10 cells apart: mean incidence 9 degrees
 *     grazing       15 cells from the layer, 150 cells apart: mean incidence 79 degrees
 * *decibel = 20 log10(max |u - u_open| / max |u_open|), over the time in which nothing comes back
 * from the other walls.
 *
 * cells     thickness of the layer
 * residual  its parameter R0
 * Errors: ET_NOMEM. */
enum et_status et__pml_reflection(enum et__pml_path path, size_t cells, double residual,
                                  double *decibel) ET_CHECKED;

#endif
