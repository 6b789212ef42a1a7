/* SPDX-License-Identifier: Apache-2.0
 *
 * Transmission matrices drawn from the seed of the device. */
#include "kernels/zmatrix.h"
#include "medium.h"

#include <etalon/parallel.h>
#include <etalon/rng.h>

#include <math.h>

enum kind { GAUSSIAN, HAAR, FIBRE, FROM_FILE };

/* 8 GiB of single-precision complex numbers: beyond lies a misprint. */
#define ELEMENTS_MAX ((size_t)1 << 30)

static float *element(const struct et__panels *panels, size_t column, size_t i)
{
    return et__panels_row(panels, column / ET__MEDIUM_COLUMNS, i) + column % ET__MEDIUM_COLUMNS;
}

void et__medium_set_row(struct et__medium *m, size_t c, const double complex *row)
{
    for (size_t i = 0; i < m->n_in; i++) {
        float *at = element(&m->matrix, c, i);
        at[0] = m->gain * (float)creal(row[i]);
        at[ET__MEDIUM_COLUMNS] = m->gain * (float)cimag(row[i]);
    }
}

float complex et__medium_at(const struct et__medium *m, size_t c, size_t i)
{
    const float *at = element(&m->matrix, c, i);
    return CMPLXF(at[0], at[ET__MEDIUM_COLUMNS]);
}

enum et_status et__medium_size(struct et__medium *m, const struct et_config *config, size_t n_in,
                               size_t n_field)
{
    if (n_in > ELEMENTS_MAX / n_field)
        return et_config_error(config, NULL,
                               "a matrix of n_out x n_in = %zu x %zu numbers takes %.3g GB, above "
                               "the limit of %.3g GB",
                               n_field, n_in, 8e-9 * (double)n_in * (double)n_field,
                               8e-9 * (double)ELEMENTS_MAX);
    m->n_in = n_in;
    m->n_field = n_field;
    return et__panels_create(&m->matrix, n_in,
                             (n_field + ET__MEDIUM_COLUMNS - 1) / ET__MEDIUM_COLUMNS);
}

/* Row c of T is a function of (seed, c): normal numbers of mean 0 and E|T|^2 = 1 / n_in. */
static void draw_row(void *user, size_t c, size_t worker)
{
    (void)worker;
    enum { CHUNK = 256 };
    struct et__medium *m = user;
    float part[2 * CHUNK];
    const float sd = m->gain / sqrtf(2.0F * (float)m->n_in);
    for (size_t first = 0; first < m->n_in; first += CHUNK) {
        size_t count = m->n_in - first < CHUNK ? m->n_in - first : CHUNK;
        et_rng_fill_normal(m->seed, ET_STREAM_MISMATCH, 0, 2 * (c * m->n_in + first), part,
                           2 * count);
        for (size_t i = 0; i < count; i++) {
            float *at = element(&m->matrix, c, first + i);
            at[0] = sd * part[2 * i];
            at[ET__MEDIUM_COLUMNS] = sd * part[2 * i + 1];
        }
    }
}

/* The n_field x n_in corner of a unitary matrix of the given order.  Only the shorter side of the
 * corner is made, as orthonormal columns; the other way round they are rows. */
static enum et_status make_haar(struct et__medium *m, const struct et_config *config)
{
    size_t longer = m->n_in > m->n_field ? m->n_in : m->n_field;
    size_t shorter = m->n_in + m->n_field - longer;
    size_t order = (size_t)et_config_int(config, "order");
    if (order == 0) order = longer;
    if (order < longer)
        return et_config_error(config, "order",
                               "a unitary matrix of order %zu has no block of n_out x n_in = "
                               "%zu x %zu",
                               order, m->n_field, m->n_in);
    if (order > ELEMENTS_MAX / 2 / shorter)
        return et_config_error(
            config, "order", "%zu columns of order %zu take %.3g GB, above the limit of %.3g GB",
            shorter, order, 16e-9 * (double)order * (double)shorter, 8e-9 * (double)ELEMENTS_MAX);
    double complex *u = et_alloc(order * shorter, sizeof *u);
    double complex *row = et_alloc(m->n_in, sizeof *row);
    enum et_status status =
        u && row ? et__z_haar_columns(m->seed, ET_STREAM_MISMATCH, order, shorter, u) : ET_NOMEM;
    for (size_t c = 0; status == ET_OK && c < m->n_field; c++) {
        for (size_t i = 0; i < m->n_in; i++)
            row[i] = m->n_in == shorter ? u[c * shorter + i] : u[i * shorter + c];
        et__medium_set_row(m, c, row);
    }
    et_free(row);
    et_free(u);
    return status;
}

enum et_status et__medium_make(struct et__medium *m, const struct et_config *config, uint64_t seed)
{
    size_t n_in = (size_t)et_config_int(config, "n_in");
    size_t n_out = (size_t)et_config_int(config, "n_out");
    const size_t kind = et_config_choice(config, "kind");
    m->seed = seed;
    if (kind == FROM_FILE) return et__medium_make_file(m, config);
    if (n_in == 0 || n_out == 0)
        return et_config_error(config, n_in ? "n_out" : "n_in", "%s must be at least 1",
                               n_in ? "n_out" : "n_in");
    ET_TRY(et__medium_size(m, config, n_in, n_out));
    if (kind == HAAR) return make_haar(m, config);
    if (kind == FIBRE) return et__medium_make_fibre(m, et_config_at(config, "fibre", 0));
    et_parallel_for(m->n_field, draw_row, m);
    return ET_OK;
}
