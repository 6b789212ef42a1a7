/* SPDX-License-Identifier: Apache-2.0
 *
 * Row times matrix as a sum of scaled matrix rows: the inner loop runs over independent outputs,
 * so it vectorises without changing the order of any sum. */
#include "affine.h"

#include <etalon/parallel.h>

#include <assert.h>
#include <string.h>

/* Lanes of a dot product; the order of its sums is part of the contract. */
enum { LANES = 8 };

/* Below so many products a parallel loop costs more than it saves. */
enum { SERIAL_BELOW = 1 << 15 };

struct rows {
    const float *m, *bias;
    struct et_view x, y;
    float *dm;
};

static void run(size_t n, et_parallel_body *body, struct rows *rows)
{
    if (rows->x.rows * rows->x.cols * rows->y.cols >= SERIAL_BELOW) {
        et_parallel_for(n, body, rows);
        return;
    }
    for (size_t i = 0; i < n; i++)
        body(rows, i, 0);
}

static void add_scaled(float *restrict y, const float *restrict m, float scale, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] += scale * m[i];
}

ET_VECTOR_CLONES static void forward_row(void *user, size_t r, size_t worker)
{
    (void)worker;
    const struct rows *rows = user;
    size_t n_in = rows->x.cols, n_out = rows->y.cols;
    const float *x = rows->x.data + r * n_in;
    float *y = rows->y.data + r * n_out;
    if (rows->bias != NULL)
        memcpy(y, rows->bias, n_out * sizeof *y);
    else
        memset(y, 0, n_out * sizeof *y);
    for (size_t k = 0; k < n_in; k++)
        add_scaled(y, rows->m + k * n_out, x[k], n_out);
}

void et__affine(const float *m, const float *bias, struct et_view x, struct et_view y)
{
    assert(x.rows == y.rows && x.stride == x.cols && y.stride == y.cols);
    struct rows rows = {.m = m, .bias = bias, .x = x, .y = y};
    run(x.rows, forward_row, &rows);
}

static float dot(const float *a, const float *b, size_t n)
{
    float lane[LANES] = {0}, tail = 0;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t l = 0; l < LANES; l++)
            lane[l] += a[i + l] * b[i + l];
    for (; i < n; i++)
        tail += a[i] * b[i];
    float low = (lane[0] + lane[1]) + (lane[2] + lane[3]);
    float high = (lane[4] + lane[5]) + (lane[6] + lane[7]);
    return (low + high) + tail;
}

ET_VECTOR_CLONES static void back_row(void *user, size_t r, size_t worker)
{
    (void)worker;
    const struct rows *rows = user;
    size_t n_in = rows->x.cols, n_out = rows->y.cols;
    const float *dy = rows->y.data + r * n_out;
    float *dx = rows->x.data + r * n_in;
    for (size_t k = 0; k < n_in; k++)
        dx[k] = dot(dy, rows->m + k * n_out, n_out);
}

void et__affine_back(const float *m, struct et_view dy, struct et_view dx)
{
    assert(dx.rows == dy.rows && dx.stride == dx.cols && dy.stride == dy.cols);
    struct rows rows = {.m = m, .x = dx, .y = dy};
    run(dx.rows, back_row, &rows);
}

ET_VECTOR_CLONES static void outer_row(void *user, size_t k, size_t worker)
{
    (void)worker;
    const struct rows *rows = user;
    size_t n_in = rows->x.cols, n_out = rows->y.cols;
    float *dm = rows->dm + k * n_out;
    memset(dm, 0, n_out * sizeof *dm);
    for (size_t r = 0; r < rows->x.rows; r++)
        add_scaled(dm, rows->y.data + r * n_out, rows->x.data[r * n_in + k], n_out);
}

void et__affine_outer(struct et_view x, struct et_view dy, float *dm)
{
    assert(x.rows == dy.rows && x.stride == x.cols && dy.stride == dy.cols);
    struct rows rows = {.x = x, .y = dy, .dm = dm};
    run(x.cols, outer_row, &rows);
}
