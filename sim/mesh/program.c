/* SPDX-License-Identifier: Apache-2.0
 *
 * Programming: couplers as they came out of the fabrication, phases drawn or computed from a given
 * matrix.  A unitary goes onto one mesh.  Any other matrix is A = U S V: V onto the first mesh, the
 * singular values over the largest one onto the attenuators, U onto the second mesh, and the
 * largest singular value is the gain behind it all. */
#include "kernels/zmatrix.h"
#include "medium/npy.h"
#include "mesh/system.h"

#include <etalon/rng.h>

#include <math.h>

/* A file may hold a unitary in single precision, and no worse. */
static const double unitary_tolerance = 1e-5;
/* Powers are squares of the gain, in single precision. */
static const double gain_min = 1e-15, gain_max = 1e15;

enum { HAAR, IDENTITY };

/* A seed of its own for each mesh. */
static uint64_t part_seed(uint64_t seed, size_t part)
{
    return et_rng_derive(seed, part);
}

static enum et_status read_list(const struct et__mesh_system *s, const struct et_config *config,
                                double complex **matrix)
{
    size_t want = s->m * s->n, real = et_config_count(config, "matrix");
    size_t imaginary = et_config_count(config, "matrix_imaginary");
    if (real != want)
        return et_config_error(config, "matrix", "matrix has %zu numbers, not %zu x %zu = %zu",
                               real, s->m, s->n, want);
    if (imaginary != 0 && imaginary != want)
        return et_config_error(config, "matrix_imaginary",
                               "matrix_imaginary has %zu numbers, not %zu x %zu = %zu", imaginary,
                               s->m, s->n, want);
    if (!(*matrix = et_alloc(want, sizeof **matrix))) return ET_NOMEM;
    const double *re = et_config_reals(config, "matrix");
    const double *im = imaginary ? et_config_reals(config, "matrix_imaginary") : NULL;
    for (size_t i = 0; i < want; i++)
        (*matrix)[i] = CMPLX(re[i], im ? im[i] : 0);
    return ET_OK;
}

static enum et_status read_file(const struct et__mesh_system *s, const struct et_config *config,
                                double complex **matrix)
{
    struct et__npy file = {0};
    char *path = NULL;
    ET_TRY(et_config_file(config, et_config_string(config, "file"), &path));
    enum et_status status = et__matrix_load(path, et_config_string(config, "dataset"), &file);
    if (status == ET_OK && (file.rows != s->m || file.columns != s->n))
        status = et_config_error(config, "file", "%s holds %zu x %zu numbers, not %zu x %zu", path,
                                 file.rows, file.columns, s->m, s->n);
    et_free(path);
    if (status == ET_OK)
        *matrix = file.data;
    else
        et_free(file.data);
    return status;
}

/* *matrix is NULL when the configuration gives none. */
static enum et_status read_matrix(const struct et__mesh_system *s, const struct et_config *config,
                                  double complex **matrix)
{
    bool list = et_config_count(config, "matrix") > 0;
    bool file = et_config_string(config, "file")[0] != '\0';
    if (list && file)
        return et_config_error(config, "file", "a matrix is given both here and by `matrix`");
    if (!list && et_config_count(config, "matrix_imaginary") > 0)
        return et_config_error(config, "matrix_imaginary", "imaginary parts without `matrix`");
    if (list) return read_list(s, config, matrix);
    return file ? read_file(s, config, matrix) : ET_OK;
}

/* Largest element of U^H U - 1. */
static double deviation(const double complex *u, size_t n)
{
    double worst = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = i; j < n; j++) {
            double complex sum = i == j ? -1 : 0;
            for (size_t k = 0; k < n; k++)
                sum += conj(u[k * n + i]) * u[k * n + j];
            worst = fmax(worst, cabs(sum));
        }
    return worst;
}

static void keep(const double *phases, size_t n, float *knobs)
{
    for (size_t i = 0; i < n; i++)
        knobs[i] = (float)phases[i];
}

/* u is destroyed. */
static enum et_status set_mesh(struct et__mesh *mesh, double complex *u, bool correct, float *knobs)
{
    ET_TRY(et__mesh_decompose(&mesh->layout, u, mesh->phases));
    if (correct) {
        double *lambda = et_alloc(mesh->layout.n, sizeof *lambda);
        if (!lambda) return ET_NOMEM;
        et__mesh_correct(&mesh->layout, mesh->couplers, mesh->phases, lambda);
        et_free(lambda);
    }
    keep(mesh->phases, mesh->n_phases, knobs);
    return ET_OK;
}

static enum et_status set_unitary(struct et__mesh_system *s, const struct et_config *config,
                                  double complex *u, bool correct)
{
    double off = deviation(u, s->n);
    if (!(off <= unitary_tolerance))
        return et_config_error(
            config, et_config_count(config, "matrix") > 0 ? "matrix" : "file",
            "the matrix is not unitary: U^H U is off the identity by %.3g, at most %g is allowed "
            "(block: svd takes any matrix)",
            off, unitary_tolerance);
    return set_mesh(&s->mesh[0], u, correct, s->knobs);
}

static enum et_status set_pair(struct et__mesh_system *s, const struct et_config *config,
                               const double complex *matrix, bool correct)
{
    double complex *u = et_alloc(s->m * s->m, sizeof *u), *v = et_alloc(s->n * s->n, sizeof *v);
    double *values = et_alloc(s->n_levels, sizeof *values);
    float *levels = s->knobs + s->mesh[0].n_phases;
    enum et_status status = u && v && values ? ET_OK : ET_NOMEM;
    if (status == ET_OK) status = et__z_svd(matrix, s->m, s->n, u, values, v);
    if (status == ET_OK && !(values[0] >= gain_min && values[0] <= gain_max))
        status = et_config_error(config, et_config_count(config, "matrix") > 0 ? "matrix" : "file",
                                 "the largest singular value of the matrix is %g, outside [%g, %g]",
                                 values[0], gain_min, gain_max);
    if (status != ET_OK) goto out;
    s->scale = values[0];
    for (size_t i = 0; i < s->n_levels; i++)
        levels[i] = (float)(2 * acos(fmin(1, values[i] / values[0])));
    status = set_mesh(&s->mesh[0], v, correct, s->knobs);
    if (status == ET_OK) status = set_mesh(&s->mesh[1], u, correct, levels + s->n_levels);
out:
    et_free(u);
    et_free(v);
    et_free(values);
    return status;
}

/* Phases without a matrix; the attenuators pass everything. */
static enum et_status draw(struct et__mesh_system *s, size_t init, uint64_t seed)
{
    float *knobs = s->knobs;
    for (size_t i = 0; i < (s->pair ? 2 : 1); i++) {
        struct et__mesh *mesh = &s->mesh[i];
        if (init == HAAR)
            ET_TRY(et__mesh_haar_phases(&mesh->layout, part_seed(seed, i), ET_STREAM_INIT,
                                        mesh->phases));
        else
            ET_TRY(et__mesh_identity_phases(&mesh->layout, mesh->phases));
        keep(mesh->phases, mesh->n_phases, knobs);
        knobs += mesh->n_phases + s->n_levels;
    }
    return ET_OK;
}

enum et_status et__mesh_program(struct et__mesh_system *s, const struct et_config *config,
                                uint64_t seed)
{
    double complex *matrix = NULL;
    bool correct = et_config_choice(config, "correction") == 1;
    for (size_t i = 0; i < (s->pair ? 2 : 1); i++)
        et__mesh_couplers_draw(
            s->mesh[i].couplers, s->mesh[i].layout.n_cells, et_config_real(config, "coupler_bias"),
            et_config_real(config, "coupler_error"), part_seed(seed, i), ET_STREAM_MISMATCH);
    ET_TRY(read_matrix(s, config, &matrix));
    enum et_status status = !matrix   ? draw(s, et_config_choice(config, "init"), seed)
                            : s->pair ? set_pair(s, config, matrix, correct)
                                      : set_unitary(s, config, matrix, correct);
    et_free(matrix);
    return status;
}
