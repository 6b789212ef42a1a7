/* SPDX-License-Identifier: Apache-2.0
 *
 * Gradients of the functions of poincare.h in double precision against central differences of
 * fourth order, by every input and by c.
 *
 * A case is one function: without dout it computes out from in, with dout also din and dc.  Points
 * enter by their coordinates and leave as coordinates and logarithmic gaps. */
#ifndef ETALON_TESTS_POINCARE_GRADIENT_H
#define ETALON_TESTS_POINCARE_GRADIENT_H

#include "close.h"

#include "sim/kernels/poincare.h"

#include <etalon/rng.h>

#include <string.h>

enum { ROWS = 5, N = 6, JOB_MAX = 256, OPERANDS = 8, WORK = 4096 };

struct job {
    double c;
    const double *in;
    double *out;
    const double *dout;
    double *din;
    double dc;
    double gaps[OPERANDS][ROWS], dgaps[OPERANDS][ROWS];
    double work[WORK];
};

typedef void job_fn(struct job *job);

struct job_case {
    const char *name;
    job_fn *run;
    size_t n_in, n_out;
    double positive; /* inputs from here on are weights: drawn in [0.5, 1.5] */
};

/* Operand k of a job: rows of points that start at in[at]. */
static inline struct et__points_f64 operand(struct job *job, size_t k, size_t at, size_t rows,
                                            size_t n)
{
    double *x = job->work + WORK - JOB_MAX + at; /* a copy: inputs are const */
    memcpy(x, job->in + at, rows * n * sizeof *x);
    struct et__points_f64 p = {x, job->gaps[k], rows, n};
    et__point_f64(job->c, p, job->work);
    return p;
}

/* Its adjoint, and the end of it. */
static inline struct et__points_f64 adjoint(struct job *job, size_t k, size_t at, size_t rows,
                                            size_t n)
{
    memset(job->dgaps[k], 0, sizeof job->dgaps[k]);
    return (struct et__points_f64){job->din + at, job->dgaps[k], rows, n};
}

static inline void settle(struct job *job, struct et__points_f64 x, struct et__points_f64 dx)
{
    et__point_back_f64(job->c, x, dx, &job->dc, job->work);
}

/* Points among the results, or their adjoints. */
static inline struct et__points_f64 result(const double *out, size_t rows, size_t n)
{
    double *at;
    memcpy(&at, &out, sizeof at);
    return (struct et__points_f64){at, at + rows * n, rows, n};
}

static inline double weighted(const struct job_case *test, struct job *job, const double *weights)
{
    double out[JOB_MAX] = {0}, sum = 0;
    job->out = out;
    job->dout = NULL;
    test->run(job);
    for (size_t i = 0; i < test->n_out; i++)
        sum += weights[i] * out[i];
    return sum;
}

/* (8 (f(h) - f(-h)) - (f(2h) - f(-2h))) / 12h by *at. */
static inline double slope_by(const struct job_case *test, struct job *job, const double *weights,
                              double *at, double h)
{
    static const double steps[] = {1, -1, 2, -2}, factors[] = {8, -8, -1, 1};
    double kept = *at, sum = 0;
    for (size_t i = 0; i < 4; i++) {
        *at = kept + steps[i] * h;
        sum += factors[i] * weighted(test, job, weights);
    }
    *at = kept;
    return sum / (12 * h);
}

/* The largest difference over the largest slope, c's for itself; inputs of length `reach`/s. */
static inline double gradient_error(const struct job_case *test, double c, double reach,
                                    uint64_t seed)
{
    static struct job job;
    double in[JOB_MAX] = {0}, weights[JOB_MAX], din[JOB_MAX] = {0}, out[JOB_MAX];
    float drawn[2 * JOB_MAX];
    et_rng_fill_uniform(seed, ET_STREAM_USER, 0, 0, -1, 1, drawn, 2 * JOB_MAX);
    for (size_t i = 0; i < test->n_in; i++)
        in[i] = (double)i >= test->positive ? 1 + 0.5 * (double)drawn[i]
                                            : (double)drawn[i] * reach / sqrt(c);
    for (size_t i = 0; i < test->n_out; i++)
        weights[i] = (double)drawn[JOB_MAX + i];
    job = (struct job){.c = c, .in = in, .out = out, .dout = weights, .din = din};
    test->run(&job);
    double dc = job.dc, worst = 0, largest = 0, h = 1e-3 * reach / sqrt(c);
    for (size_t i = 0; i < test->n_in; i++) {
        double slope = slope_by(test, &job, weights, &in[i], h);
        worst = fmax(worst, fabs(slope - din[i]));
        largest = fmax(largest, fabs(slope));
    }
    double slope = slope_by(test, &job, weights, &job.c, 1e-3 * c);
    double by_c = fabs(slope - dc) / fmax(fabs(slope), 1e-3 * largest / (c * sqrt(c)));
    return fmax(worst / largest, by_c);
}

static inline void assert_gradients(const struct job_case *cases, size_t n)
{
    static const double curvatures[] = {1, 0.1, 2.5}, reaches[] = {0.05, 0.3};
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < 6; k++) {
            double error = gradient_error(&cases[i], curvatures[k / 2], reaches[k % 2], k);
            ck_assert_msg(error <= 1e-6, "%s, c = %g, reach %g: error %g", cases[i].name,
                          curvatures[k / 2], reaches[k % 2], error);
        }
}

#endif
