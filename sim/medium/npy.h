/* SPDX-License-Identifier: Apache-2.0
 *
 * A strict reader of NumPy's .npy format for matrices of complex numbers. */
#ifndef ETALON_SIM_NPY_H
#define ETALON_SIM_NPY_H

#include <etalon/error.h>

#include <complex.h>
#include <stddef.h>

/* A matrix, [rows][columns]; freed with et_free(data). */
struct et__npy {
    size_t rows, columns;
    double complex *data;
};

/* Reads versions 1 to 3 of the format: complex64 or complex128 of rank 2, or float32 or float64 of
 * rank 3 whose last axis holds real and imaginary part; little endian, C or Fortran order.
 *
 * name   stands for the file in messages
 * bytes  [size] of the file: anything
 * npy    zeroed before; untouched after failure
 *
 * Errors: ET_FORMAT "name: ..." (another format, trailing bytes, a number that is not finite),
 * ET_NOMEM.  Source: numpy.lib.format. */
enum et_status et__npy_parse(const char *name, const unsigned char *bytes, size_t size,
                             struct et__npy *npy) ET_CHECKED;

/* Reads a file: .npy by its name, otherwise a dataset of an HDF5 file, [rows][columns][2] or
 * complex. Errors: also ET_IO, those of et_store_open_foreign and et_store_shape. */
enum et_status et__matrix_load(const char *path, const char *dataset,
                               struct et__npy *matrix) ET_CHECKED;

#endif
