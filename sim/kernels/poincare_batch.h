/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows between memory (REAL) and double precision.  Included by the templates of poincare.h after
 * REAL, NAME, OWN and LARGEST are defined. */
#ifndef ETALON_SIM_POINCARE_BATCH_H
#define ETALON_SIM_POINCARE_BATCH_H

#include "kernels/poincare.h"
#include "kernels/poincare_rows.h"

#include <math.h>
#include <string.h>

enum { SLOTS = 16 };

/* Row k of a work space; rows are padded so that each starts on a vector's boundary. */
static inline double *slot(double *work, size_t n, size_t k)
{
    return work + k * ((n + 7) / 8 * 8);
}

ET_VECTOR_CLONES static void OWN(load)(double *restrict to, const REAL *restrict from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (double)from[i];
}

/* What is too large for REAL becomes its largest number. */
static inline double held(double x)
{
    return x > LARGEST ? LARGEST : x < -LARGEST ? -LARGEST : x;
}

ET_VECTOR_CLONES static void OWN(store)(REAL *restrict to, const double *restrict from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (REAL)held(from[i]);
}

ET_VECTOR_CLONES static void OWN(increase)(REAL *restrict to, const double *restrict from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (REAL)held((double)to[i] + from[i]);
}

/* Row i of [rows][n] in double precision, kept in `to`. */
static inline double *take_row(const REAL *from, size_t i, size_t n, double *to)
{
    OWN(load)(to, from + i * n, n);
    return to;
}

static inline void put_row(REAL *to, const double *from, size_t n)
{
    OWN(store)(to, from, n);
}

static inline void give_row(REAL *to, const double *from, size_t n)
{
    OWN(increase)(to, from, n);
}

static inline struct et__row take(struct NAME(points) from, size_t i, double *to)
{
    i = from.rows == 1 ? 0 : i;
    take_row(from.x, i, from.n, to);
    return (struct et__row){to, (double)from.log_gap[i]};
}

static inline struct et__row blank(size_t n, double *at)
{
    memset(at, 0, n * sizeof *at);
    return (struct et__row){at, 0};
}

static inline void put(struct NAME(points) to, size_t i, const struct et__row *from)
{
    put_row(to.x + i * to.n, from->x, to.n);
    to.log_gap[i] = (REAL)held(from->l);
}

/* Adds to row i, or to the only row; parts that are NULL are left out. */
static inline void give(struct NAME(points) to, size_t i, const struct et__row *from)
{
    i = to.rows == 1 ? 0 : i;
    if (to.x) give_row(to.x + i * to.n, from->x, to.n);
    if (to.log_gap) to.log_gap[i] = (REAL)held((double)to.log_gap[i] + from->l);
}

static inline size_t wider(struct NAME(points) x, struct NAME(points) y)
{
    return x.rows > y.rows ? x.rows : y.rows;
}

#endif
