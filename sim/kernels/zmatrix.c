/* SPDX-License-Identifier: Apache-2.0
 *
 * LAPACK behind plain functions. */
#include "kernels/zmatrix.h"

#include <etalon/array.h>
#include <etalon/parallel.h>
#include <etalon/rng.h>

#include <lapacke.h>
#include <math.h>
#include <string.h>

/* LAPACKE_*_work would ask for workspaces of ours; the plain calls take theirs from the C library
 * and report failure as -1010 or -1011. */
static enum et_status judge(lapack_int info, const char *what)
{
    if (info == 0) return ET_OK;
    if (info == LAPACK_WORK_MEMORY_ERROR || info == LAPACK_TRANSPOSE_MEMORY_ERROR)
        return et_error_set(ET_NOMEM, "no memory for %s", what);
    return et_error_set(ET_NUMERIC, "%s failed (LAPACK info %d)", what, (int)info);
}

void et__z_gaussian(uint64_t seed, uint32_t stream, double variance, double complex *z, size_t n)
{
    enum { CHUNK = 512 };
    float part[2 * CHUNK];
    const double sd = sqrt(0.5 * variance);
    for (size_t first = 0; first < n; first += CHUNK) {
        size_t count = n - first < CHUNK ? n - first : CHUNK;
        et_rng_fill_normal(seed, stream, 0, 2 * first, part, 2 * count);
        for (size_t i = 0; i < count; i++)
            z[first + i] = CMPLX(sd * (double)part[2 * i], sd * (double)part[2 * i + 1]);
    }
}

enum et_status et__z_haar_columns(uint64_t seed, uint32_t stream, size_t n, size_t k,
                                  double complex *u)
{
    et_blas_one_thread();
    double complex *tau = et_alloc(k, sizeof *tau), *phase = et_alloc(k, sizeof *phase);
    enum et_status status = tau && phase ? ET_OK : ET_NOMEM;
    if (status != ET_OK) goto out;
    const lapack_int order = (lapack_int)n, columns = (lapack_int)k;
    et__z_gaussian(seed, stream, 1, u, n * k);
    status = judge(LAPACKE_zgeqrf(LAPACK_ROW_MAJOR, order, columns, u, columns, tau),
                   "a QR factorisation");
    if (status != ET_OK) goto out;
    for (size_t i = 0; i < k; i++) {
        double size = cabs(u[i * k + i]);
        phase[i] = size > 0 ? u[i * k + i] / size : 1;
    }
    status = judge(LAPACKE_zungqr(LAPACK_ROW_MAJOR, order, columns, columns, u, columns, tau),
                   "a QR factorisation");
    if (status != ET_OK) goto out;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < k; j++)
            u[i * k + j] *= phase[j];
out:
    et_free(tau);
    et_free(phase);
    return status;
}

enum et_status et__z_haar(uint64_t seed, uint32_t stream, size_t n, double complex *u)
{
    return et__z_haar_columns(seed, stream, n, n, u);
}

enum et_status et__z_svd(const double complex *a, size_t m, size_t n, double complex *u, double *s,
                         double complex *v)
{
    et_blas_one_thread();
    double complex *copy = et_alloc(m * n, sizeof *copy);
    if (!copy) return ET_NOMEM;
    memcpy(copy, a, m * n * sizeof *copy);
    lapack_int rows = (lapack_int)m, columns = (lapack_int)n;
    lapack_int info =
        LAPACKE_zgesdd(LAPACK_ROW_MAJOR, 'A', rows, columns, copy, columns, s, u, rows, v, columns);
    et_free(copy);
    return judge(info, "a singular value decomposition");
}

enum et_status et__z_solve(double complex *a, size_t n, double complex *b, size_t columns)
{
    et_blas_one_thread();
    lapack_int *pivot = et_alloc(n, sizeof *pivot);
    if (!pivot) return ET_NOMEM;
    lapack_int order = (lapack_int)n, right = (lapack_int)columns;
    lapack_int info = LAPACKE_zgesv(LAPACK_ROW_MAJOR, order, right, a, order, pivot, b, right);
    et_free(pivot);
    if (info > 0)
        return et_error_set(ET_NUMERIC, "a matrix of order %zu is singular (pivot %d is zero)", n,
                            (int)info);
    return judge(info, "a linear solve");
}

enum et_status et__band_solve(double *a, size_t n, size_t band, double *b, size_t columns)
{
    et_blas_one_thread();
    lapack_int order = (lapack_int)n, width = (lapack_int)band, right = (lapack_int)columns;
    lapack_int info =
        LAPACKE_dpbsv(LAPACK_COL_MAJOR, 'L', order, width, right, a, width + 1, b, order);
    if (info > 0)
        return et_error_set(ET_NUMERIC, "a matrix of order %zu is not positive definite (minor %d)",
                            n, (int)info);
    return judge(info, "a band solve");
}

struct conjugation {
    const double complex *vectors, *turned; /* [n][n] V, V diag(exp(i values)) */
    size_t n;
    double complex *u;
};

/* Row i of turned V^H. */
static void conjugate_row(void *user, size_t i, size_t worker)
{
    (void)worker;
    const struct conjugation *c = user;
    const double complex *a = c->turned + i * c->n;
    for (size_t j = 0; j < c->n; j++) {
        const double complex *b = c->vectors + j * c->n;
        double re = 0, im = 0;
        for (size_t k = 0; k < c->n; k++) {
            re += creal(a[k]) * creal(b[k]) + cimag(a[k]) * cimag(b[k]);
            im += cimag(a[k]) * creal(b[k]) - creal(a[k]) * cimag(b[k]);
        }
        c->u[i * c->n + j] = CMPLX(re, im);
    }
}

enum et_status et__z_exp_i(const double complex *h, size_t n, double complex *u)
{
    et_blas_one_thread();
    double complex *vectors = et_alloc(n * n, sizeof *vectors);
    double complex *turned = et_alloc(n * n, sizeof *turned);
    double *values = et_alloc(n, sizeof *values);
    enum et_status status = vectors && turned && values ? ET_OK : ET_NOMEM;
    if (status != ET_OK) goto out;
    memcpy(vectors, h, n * n * sizeof *vectors);
    lapack_int order = (lapack_int)n;
    status = judge(LAPACKE_zheevd(LAPACK_ROW_MAJOR, 'V', 'L', order, vectors, order, values),
                   "an eigenvalue decomposition");
    if (status != ET_OK) goto out;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++)
            turned[i * n + k] = vectors[i * n + k] * CMPLX(cos(values[k]), sin(values[k]));
    struct conjugation conjugation = {vectors, turned, n, u};
    et_parallel_for(n, conjugate_row, &conjugation);
out:
    et_free(vectors);
    et_free(turned);
    et_free(values);
    return status;
}

void et__z_multiply(const double complex *a, const double complex *b, size_t m, size_t k, size_t n,
                    double complex *c)
{
    memset(c, 0, m * n * sizeof *c);
    for (size_t i = 0; i < m; i++)
        for (size_t l = 0; l < k; l++) {
            const double re = creal(a[i * k + l]), im = cimag(a[i * k + l]);
            for (size_t j = 0; j < n; j++) {
                const double br = creal(b[l * n + j]), bi = cimag(b[l * n + j]);
                c[i * n + j] += CMPLX(re * br - im * bi, re * bi + im * br);
            }
        }
}
