/* SPDX-License-Identifier: Apache-2.0
 *
 * One case of poincare_gradient.h for each operation of poincare.h. */
#ifndef ETALON_TESTS_POINCARE_CASES_H
#define ETALON_TESTS_POINCARE_CASES_H

#include "physics/poincare_gradient.h"

enum { POINTS = ROWS * N, WITH_GAPS = ROWS * N + ROWS };

static void run_exp0(struct job *j)
{
    if (!j->dout)
        et__exp0_f64(j->c, j->in, result(j->out, ROWS, N), j->work);
    else
        et__exp0_back_f64(j->c, j->in, result(j->dout, ROWS, N), j->din, &j->dc, j->work);
}

static void run_log0(struct job *j)
{
    struct et__points_f64 x = operand(j, 0, 0, ROWS, N);
    if (!j->dout) {
        et__log0_f64(x, j->out, j->work);
        return;
    }
    struct et__points_f64 dx = adjoint(j, 0, 0, ROWS, N);
    et__log0_back_f64(x, j->dout, dx, j->work);
    settle(j, x, dx);
}

static void add_rows(struct job *j, size_t rows_x, size_t rows_y)
{
    struct et__points_f64 x = operand(j, 0, 0, rows_x, N), y = operand(j, 1, rows_x * N, rows_y, N);
    if (!j->dout) {
        et__add_f64(j->c, x, y, result(j->out, ROWS, N), j->work);
        return;
    }
    struct et__points_f64 dx = adjoint(j, 0, 0, rows_x, N),
                          dy = adjoint(j, 1, rows_x * N, rows_y, N);
    et__add_back_f64(j->c, x, y, result(j->dout, ROWS, N), dx, dy, &j->dc, j->work);
    settle(j, x, dx);
    settle(j, y, dy);
}

static void run_add(struct job *j)
{
    add_rows(j, ROWS, ROWS);
}

static void run_add_left(struct job *j)
{
    add_rows(j, 1, ROWS);
}

static void run_add_right(struct job *j)
{
    add_rows(j, ROWS, 1);
}

static void run_add_tangents(struct job *j)
{
    if (!j->dout)
        et__add_tangents_f64(j->c, ROWS, N, j->in, j->in + POINTS, j->out, j->work);
    else
        et__add_tangents_back_f64(j->c, ROWS, N, j->in, j->in + POINTS, j->dout, j->din,
                                  j->din + POINTS, &j->dc, j->work);
}

static void run_scale(struct job *j)
{
    const double *r = j->in + POINTS;
    struct et__points_f64 x = operand(j, 0, 0, ROWS, N);
    if (!j->dout) {
        et__scale_f64(j->c, r, x, result(j->out, ROWS, N), j->work);
        return;
    }
    struct et__points_f64 dx = adjoint(j, 0, 0, ROWS, N);
    et__scale_back_f64(j->c, r, x, result(j->dout, ROWS, N), j->din + POINTS, dx, &j->dc, j->work);
    settle(j, x, dx);
}

/* N to N - 2 coordinates */
static void run_matrix(struct job *j)
{
    const double *m = j->in + POINTS;
    struct et__points_f64 x = operand(j, 0, 0, ROWS, N);
    if (!j->dout) {
        et__matrix_f64(j->c, m, x, result(j->out, ROWS, N - 2), j->work);
        return;
    }
    struct et__points_f64 dx = adjoint(j, 0, 0, ROWS, N);
    et__matrix_back_f64(j->c, m, x, result(j->dout, ROWS, N - 2), j->din + POINTS, dx, &j->dc,
                        j->work);
    settle(j, x, dx);
}

static void run_exp(struct job *j)
{
    const double *v = j->in + POINTS;
    struct et__points_f64 x = operand(j, 0, 0, ROWS, N);
    if (!j->dout) {
        et__exp_f64(j->c, x, v, result(j->out, ROWS, N), j->work);
        return;
    }
    struct et__points_f64 dx = adjoint(j, 0, 0, ROWS, N);
    et__exp_back_f64(j->c, x, v, result(j->dout, ROWS, N), dx, j->din + POINTS, &j->dc, j->work);
    settle(j, x, dx);
}

static void run_log(struct job *j)
{
    struct et__points_f64 x = operand(j, 0, 0, ROWS, N), y = operand(j, 1, POINTS, ROWS, N);
    if (!j->dout) {
        et__log_f64(j->c, x, y, j->out, j->work);
        return;
    }
    struct et__points_f64 dx = adjoint(j, 0, 0, ROWS, N), dy = adjoint(j, 1, POINTS, ROWS, N);
    et__log_back_f64(j->c, x, y, j->dout, dx, dy, &j->dc, j->work);
    settle(j, x, dx);
    settle(j, y, dy);
}

static void run_distance(struct job *j)
{
    struct et__points_f64 x = operand(j, 0, 0, ROWS, N), y = operand(j, 1, POINTS, ROWS, N);
    if (!j->dout) {
        et__distance_f64(j->c, x, y, j->out, j->work);
        return;
    }
    struct et__points_f64 dx = adjoint(j, 0, 0, ROWS, N), dy = adjoint(j, 1, POINTS, ROWS, N);
    et__distance_back_f64(j->c, x, y, j->dout, dx, dy, &j->dc, j->work);
    settle(j, x, dx);
    settle(j, y, dy);
}

static void run_conformal(struct job *j)
{
    struct et__points_f64 x = operand(j, 0, 0, ROWS, N);
    if (!j->dout) {
        et__conformal_f64(x, j->out);
        return;
    }
    struct et__points_f64 dx = adjoint(j, 0, 0, ROWS, N);
    et__conformal_back_f64(x, j->dout, dx);
    settle(j, x, dx);
}

static void run_gyration(struct job *j)
{
    const double *w = j->in + 2 * POINTS;
    struct et__points_f64 u = operand(j, 0, 0, ROWS, N), v = operand(j, 1, POINTS, ROWS, N);
    if (!j->dout) {
        et__gyration_f64(j->c, u, v, w, j->out, j->work);
        return;
    }
    struct et__points_f64 du = adjoint(j, 0, 0, ROWS, N), dv = adjoint(j, 1, POINTS, ROWS, N);
    et__gyration_back_f64(j->c, u, v, w, j->dout, du, dv, j->din + 2 * POINTS, &j->dc, j->work);
    settle(j, u, du);
    settle(j, v, dv);
}

static void run_transport(struct job *j)
{
    const double *v = j->in + 2 * POINTS;
    struct et__points_f64 x = operand(j, 0, 0, ROWS, N), y = operand(j, 1, POINTS, ROWS, N);
    if (!j->dout) {
        et__transport_f64(j->c, x, y, v, j->out, j->work);
        return;
    }
    struct et__points_f64 dx = adjoint(j, 0, 0, ROWS, N), dy = adjoint(j, 1, POINTS, ROWS, N);
    et__transport_back_f64(j->c, x, y, v, j->dout, dx, dy, j->din + 2 * POINTS, &j->dc, j->work);
    settle(j, x, dx);
    settle(j, y, dy);
}

static void run_midpoint(struct job *j)
{
    const double *weights = j->in + POINTS;
    struct et__points_f64 x = operand(j, 0, 0, ROWS, N);
    if (!j->dout) {
        et__midpoint_f64(j->c, x, weights, result(j->out, 1, N), j->work);
        return;
    }
    struct et__points_f64 dx = adjoint(j, 0, 0, ROWS, N);
    et__midpoint_back_f64(j->c, x, weights, result(j->dout, 1, N), dx, j->din + POINTS, &j->dc,
                          j->work);
    settle(j, x, dx);
}

static void run_frechet(struct job *j)
{
    const double *weights = j->in + POINTS;
    double spare[2 * ROWS], mean[N], gap;
    struct et__points_f64 x = operand(j, 0, 0, ROWS, N), m = {mean, &gap, 1, N};
    if (!j->dout) {
        et__frechet_f64(j->c, x, weights, result(j->out, 1, N), spare, j->work);
        return;
    }
    struct et__points_f64 dx = adjoint(j, 0, 0, ROWS, N);
    et__frechet_f64(j->c, x, weights, m, spare, j->work);
    et__frechet_back_f64(j->c, x, weights, m, result(j->dout, 1, N), dx, j->din + POINTS, &j->dc,
                         spare, j->work);
    settle(j, x, dx);
}

/* 2 and 4 coordinates to 6 */
static void run_concatenate(struct job *j)
{
    struct et__points_f64 parts[] = {operand(j, 0, 0, ROWS, 2), operand(j, 1, 2 * ROWS, ROWS, 4)};
    if (!j->dout) {
        et__concatenate_f64(j->c, 2, parts, result(j->out, ROWS, N), j->work);
        return;
    }
    struct et__points_f64 d[] = {adjoint(j, 0, 0, ROWS, 2), adjoint(j, 1, 2 * ROWS, ROWS, 4)};
    et__concatenate_back_f64(j->c, 2, parts, result(j->dout, ROWS, N), d, &j->dc, j->work);
    settle(j, parts[0], d[0]);
    settle(j, parts[1], d[1]);
}

static const struct job_case operations[] = {
    {"exp0", run_exp0, POINTS, WITH_GAPS, INFINITY},
    {"log0", run_log0, POINTS, POINTS, INFINITY},
    {"add", run_add, 2 * POINTS, WITH_GAPS, INFINITY},
    {"add, one row left", run_add_left, POINTS + N, WITH_GAPS, INFINITY},
    {"add, one row right", run_add_right, POINTS + N, WITH_GAPS, INFINITY},
    {"add_tangents", run_add_tangents, 2 * POINTS, POINTS, INFINITY},
    {"scale", run_scale, POINTS + ROWS, WITH_GAPS, POINTS},
    {"matrix", run_matrix, POINTS + (N - 2) * N, ROWS *(N - 2) + ROWS, INFINITY},
    {"exp", run_exp, 2 * POINTS, WITH_GAPS, INFINITY},
    {"log", run_log, 2 * POINTS, POINTS, INFINITY},
    {"distance", run_distance, 2 * POINTS, ROWS, INFINITY},
    {"conformal", run_conformal, POINTS, ROWS, INFINITY},
    {"gyration", run_gyration, 3 * POINTS, POINTS, INFINITY},
    {"transport", run_transport, 3 * POINTS, POINTS, INFINITY},
    {"midpoint", run_midpoint, POINTS + ROWS, N + 1, POINTS},
    {"frechet", run_frechet, POINTS + ROWS, N + 1, POINTS},
    {"concatenate", run_concatenate, POINTS, WITH_GAPS, INFINITY},
};

/* ------------------------------------------------------------------------------------- layers --
 */

enum { N_OUT = 4 };

/* Inputs: v [ROWS][N], z [N_OUT][N], r [N_OUT]. */
static void run_planes(struct job *j, enum et__planes_result kind)
{
    double table[3 * N_OUT], e[ROWS * N_OUT], de[ROWS * N_OUT], sums[ET__PLANES_SUMS * N_OUT + 1],
        scratch[3 * N_OUT], y[ROWS * N_OUT];
    struct et__planes_f64 p = {kind, N, N_OUT, j->c, j->in + POINTS, j->in + POINTS + N_OUT * N,
                               table};
    et__planes_prepare_f64(&p);
    et__planes_forward_f64(&p, ROWS, j->in, e, j->dout ? y : j->out);
    if (j->dout)
        et__planes_back_f64(&p, ROWS, j->in, e, j->dout, j->din, j->din + POINTS,
                            j->din + POINTS + N_OUT * N, &j->dc, de, sums, scratch);
}

static void run_connected(struct job *j)
{
    run_planes(j, ET__PLANES_TANGENT);
}

static void run_logits(struct job *j)
{
    run_planes(j, ET__PLANES_DISTANCE);
}

/* Inputs: v [ROWS][N], shift [N], gamma. */
static void run_norm_batch(struct job *j)
{
    double mean[N], sums[N + 2];
    struct et__norm_f64 norm = {N, j->c, 1e-6, j->in[POINTS + N], j->in + POINTS, mean, 0};
    et__norm_statistics_f64(j->c, ROWS, N, j->in, mean, &norm.variance, sums, j->work);
    if (!j->dout)
        et__norm_rows_f64(&norm, ROWS, j->in, j->out, j->work);
    else
        et__norm_batch_back_f64(&norm, ROWS, j->in, sums, j->dout, j->din, j->din + POINTS,
                                j->din + POINTS + N, &j->dc, j->work);
}

/* Inputs: v [ROWS][N], shift [N], mean [N], gamma, variance. */
static void run_norm_rows(struct job *j)
{
    const double *shift = j->in + POINTS, *mean = shift + N;
    struct et__norm_f64 norm = {N, j->c, 1e-6, mean[N], shift, mean, mean[N + 1]};
    double *d = j->din;
    if (!j->dout)
        et__norm_rows_f64(&norm, ROWS, j->in, j->out, j->work);
    else
        et__norm_rows_back_f64(&norm, ROWS, j->in, j->dout, d, d + POINTS, d + POINTS + 2 * N,
                               d + POINTS + N, d + POINTS + 2 * N + 1, &j->dc, j->work);
}

static const struct job_case layers[] = {
    {"fully connected", run_connected, POINTS + N_OUT *N + N_OUT, ROWS *N_OUT, INFINITY},
    {"logits", run_logits, POINTS + N_OUT *N + N_OUT, ROWS *N_OUT, INFINITY},
    {"batch norm of a batch", run_norm_batch, POINTS + N + 1, POINTS, POINTS + N},
    {"batch norm by given statistics", run_norm_rows, POINTS + 2 * N + 2, POINTS, POINTS + 2 * N},
};

#endif
