/* SPDX-License-Identifier: Apache-2.0
 *
 * Transmission matrices that somebody has measured. */
#include "medium.h"
#include "npy.h"

#include <etalon/store.h>

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static enum et_status read_bytes(FILE *file, const char *path, unsigned char **bytes, size_t *size)
{
    struct stat about;
    if (fstat(fileno(file), &about) != 0 || !S_ISREG(about.st_mode))
        return et_error_set(ET_IO, "%s is not a regular file", path);
    *size = (size_t)about.st_size;
    *bytes = et_alloc(*size, 1);
    if (!*bytes) return ET_NOMEM;
    if (fread(*bytes, 1, *size, file) != *size)
        return et_error_set(ET_IO, "%s cannot be read: %s", path,
                            ferror(file) ? strerror(errno) : "it became shorter");
    return ET_OK;
}

static enum et_status read_npy(const char *path, struct et__npy *matrix)
{
    unsigned char *bytes = NULL;
    size_t size = 0;
    FILE *file = fopen(path, "rb");
    if (!file) return et_error_set(ET_IO, "%s cannot be read: %s", path, strerror(errno));
    enum et_status status = read_bytes(file, path, &bytes, &size);
    fclose(file);
    if (status == ET_OK) status = et__npy_parse(path, bytes, size, matrix);
    et_free(bytes);
    return status;
}

/* Complex numbers come with a last axis of 2, as do pairs of real and imaginary parts. */
static enum et_status read_dataset(struct et_store *store, const char *path, const char *name,
                                   struct et__npy *matrix)
{
    struct et_store_shape shape;
    ET_TRY(et_store_shape(store, name, &shape));
    if (shape.rank != 3 || shape.dims[2] != 2 || shape.dims[0] == 0 || shape.dims[1] == 0)
        return et_error_set(ET_FORMAT,
                            "%s: %s: is no matrix of complex numbers, nor of rank 3 with real and "
                            "imaginary parts along a last axis of 2",
                            path, name);
    shape.kind = ET_STORE_F64;
    const size_t n = shape.dims[0] * shape.dims[1];
    double complex *data = et_alloc(n, sizeof *data);
    if (!data) return ET_NOMEM;
    enum et_status status = et_store_read(store, name, shape, data);
    for (size_t i = 0; status == ET_OK && i < n; i++)
        if (!isfinite(creal(data[i])) || !isfinite(cimag(data[i])))
            status =
                et_error_set(ET_FORMAT, "%s: %s: element [%zu][%zu] is %g%+gi", path, name,
                             i / shape.dims[1], i % shape.dims[1], creal(data[i]), cimag(data[i]));
    if (status == ET_OK)
        *matrix = (struct et__npy){shape.dims[0], shape.dims[1], data};
    else
        et_free(data);
    return status;
}

static enum et_status read_hdf5(const char *path, const char *name, struct et__npy *matrix)
{
    struct et_store *store = NULL;
    ET_TRY(et_store_open_foreign(path, &store));
    enum et_status status = read_dataset(store, path, name, matrix);
    et_store_close(store);
    return status;
}

/* The sizes that a configuration states must be those of the file; 0 takes the file's. */
static enum et_status check_sizes(const struct et_config *config, const char *path,
                                  const struct et__npy *matrix)
{
    size_t n_in = (size_t)et_config_int(config, "n_in");
    size_t n_out = (size_t)et_config_int(config, "n_out");
    if ((n_in == 0 || n_in == matrix->columns) && (n_out == 0 || n_out == matrix->rows))
        return ET_OK;
    return et_config_error(config, n_in && n_in != matrix->columns ? "n_in" : "n_out",
                           "%s has n_out x n_in = %zu x %zu numbers, not %zu x %zu", path,
                           matrix->rows, matrix->columns, n_out ? n_out : matrix->rows,
                           n_in ? n_in : matrix->columns);
}

enum et_status et__matrix_load(const char *path, const char *dataset, struct et__npy *matrix)
{
    const size_t length = strlen(path);
    if (length > 4 && strcmp(path + length - 4, ".npy") == 0) return read_npy(path, matrix);
    return read_hdf5(path, dataset, matrix);
}

enum et_status et__medium_make_file(struct et__medium *m, const struct et_config *config)
{
    struct et__npy matrix = {0};
    char *path = NULL;
    const char *given = et_config_string(config, "file");
    if (given[0] == '\0')
        return et_config_error(config, "file", "kind: file needs the name of a file");
    ET_TRY(et_config_file(config, given, &path));
    enum et_status status = et__matrix_load(path, et_config_string(config, "dataset"), &matrix);
    if (status == ET_OK) status = check_sizes(config, path, &matrix);
    if (status == ET_OK) status = et__medium_size(m, config, matrix.columns, matrix.rows);
    for (size_t c = 0; status == ET_OK && c < matrix.rows; c++)
        et__medium_set_row(m, c, matrix.data + c * matrix.columns);
    et_free(matrix.data);
    et_free(path);
    return status;
}
