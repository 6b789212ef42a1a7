/* SPDX-License-Identifier: Apache-2.0
 *
 * Evaluation of a fitted twin; see twin.h for the formula and twin_fit.c for the fit.
 *
 * Rows are computed by loops of fixed order instead of et_gemm: a BLAS treats the last rows of a
 * block differently, and a system must give the same bytes for any cut of a batch. */
#include "twin.h"

#include <etalon/parallel.h>

#include <assert.h>
#include <math.h>
#include <string.h>

/* Rows that share one pass over the weights. */
enum { ROWS = 4 };

/* Lanes of a dot product. */
enum { LANES = 8 };

static size_t widest(const struct et__twin *twin)
{
    size_t most = 0;
    for (size_t l = 0; l <= twin->n_layers; l++)
        if (twin->width[l] > most) most = twin->width[l];
    return most;
}

enum et_status et__twin_init(struct et__twin *twin, size_t n_in, size_t n_out, const size_t *hidden,
                             size_t n_hidden)
{
    twin->n_layers = n_hidden + 1;
    twin->width = et_alloc(n_hidden + 2, sizeof *twin->width);
    if (twin->width == NULL) return ET_NOMEM;
    twin->width[0] = n_in;
    twin->width[n_hidden + 1] = n_out;
    for (size_t l = 0; l < n_hidden; l++)
        twin->width[l + 1] = hidden[l];
    size_t sum = n_in;
    for (size_t l = 0; l < twin->n_layers; l++) {
        twin->n_parameters += (twin->width[l] + 1) * twin->width[l + 1];
        sum += twin->width[l + 1];
    }
    /* Pre-activations of all layers for the way back, and two rows of any layer. */
    twin->scratch_size = ROWS * (sum + 2 * widest(twin));
    twin->parameter = et_alloc(twin->n_parameters, sizeof *twin->parameter);
    twin->x_offset = et_alloc(n_in, sizeof *twin->x_offset);
    twin->x_factor = et_alloc(n_in, sizeof *twin->x_factor);
    twin->y_offset = et_alloc(n_out, sizeof *twin->y_offset);
    twin->scratch = et_alloc(twin->scratch_size * et_parallel_threads(), sizeof *twin->scratch);
    if (!twin->parameter || !twin->x_offset || !twin->x_factor || !twin->y_offset || !twin->scratch)
        return ET_NOMEM;
    return ET_OK;
}

void et__twin_deinit(struct et__twin *twin)
{
    et_free(twin->width);
    et_free(twin->parameter);
    et_free(twin->x_offset);
    et_free(twin->x_factor);
    et_free(twin->y_offset);
    et_free(twin->scratch);
    *twin = (struct et__twin){0};
}

/* y = x W + b for one row and for ROWS rows; sums run over k in rising order in both. */
ET_VECTOR_CLONES static void affine_row(const float *restrict w, const float *restrict b,
                                        size_t n_in, size_t n_out, const float *restrict x,
                                        float *restrict y)
{
    memcpy(y, b, n_out * sizeof *y);
    for (size_t k = 0; k < n_in; k++) {
        float scale = x[k];
        for (size_t o = 0; o < n_out; o++)
            y[o] += scale * w[k * n_out + o];
    }
}

ET_VECTOR_CLONES static void affine_rows(const float *restrict w, const float *restrict b,
                                         size_t n_in, size_t n_out, const float *restrict x,
                                         float *restrict y)
{
    float *restrict y0 = y, *restrict y1 = y + n_out;
    float *restrict y2 = y + 2 * n_out, *restrict y3 = y + 3 * n_out;
    for (size_t r = 0; r < ROWS; r++)
        memcpy(y + r * n_out, b, n_out * sizeof *y);
    for (size_t k = 0; k < n_in; k++) {
        const float *restrict row = w + k * n_out;
        float a0 = x[k], a1 = x[n_in + k], a2 = x[2 * n_in + k], a3 = x[3 * n_in + k];
        for (size_t o = 0; o < n_out; o++) {
            y0[o] += a0 * row[o];
            y1[o] += a1 * row[o];
            y2[o] += a2 * row[o];
            y3[o] += a3 * row[o];
        }
    }
}

static float sigmoid(float z)
{
    return 1.0F / (1.0F + expf(-z));
}

/* One call's work. */
struct rows {
    const struct et__twin *twin;
    struct et_view x, dy, y; /* y: outputs, or dx on the way back */
};

/* Pre-activations of `count` rows for all layers, one after another in z; the last are the scaled
 * outputs.  h [ROWS][widest] is scratch. */
static const float *run_layers(const struct et__twin *twin, const float *x, size_t count, float *z,
                               float *h)
{
    const float *parameter = twin->parameter;
    size_t n_in = twin->width[0];
    for (size_t r = 0; r < count; r++)
        for (size_t k = 0; k < n_in; k++)
            h[r * n_in + k] = (x[r * n_in + k] - twin->x_offset[k]) * twin->x_factor[k];
    for (size_t l = 0;; l++) {
        size_t n_out = twin->width[l + 1];
        const float *bias = parameter + n_in * n_out;
        if (count == ROWS)
            affine_rows(parameter, bias, n_in, n_out, h, z);
        else
            for (size_t r = 0; r < count; r++)
                affine_row(parameter, bias, n_in, n_out, h + r * n_in, z + r * n_out);
        if (l + 1 == twin->n_layers) return z;
        for (size_t i = 0; i < count * n_out; i++)
            h[i] = z[i] * sigmoid(z[i]);
        parameter = bias + n_out;
        z += ROWS * n_out;
        n_in = n_out;
    }
}

static void forward_block(void *user, size_t block, size_t worker)
{
    const struct rows *rows = user;
    const struct et__twin *twin = rows->twin;
    float *h = twin->scratch + worker * twin->scratch_size;
    size_t first = block * ROWS, n_out = rows->y.cols;
    size_t count = rows->x.rows - first < ROWS ? rows->x.rows - first : ROWS;
    const float *scaled = run_layers(twin, rows->x.data + first * rows->x.cols, count,
                                     h + 2 * ROWS * widest(twin), h);
    for (size_t r = 0; r < count; r++)
        for (size_t o = 0; o < n_out; o++)
            rows->y.data[(first + r) * n_out + o] =
                scaled[r * n_out + o] * twin->y_scale + twin->y_offset[o];
}

void et__twin_forward(const struct et__twin *twin, struct et_view x, struct et_view y)
{
    assert(x.stride == x.cols && y.stride == y.cols);
    struct rows rows = {.twin = twin, .x = x, .y = y};
    et_parallel_for((x.rows + ROWS - 1) / ROWS, forward_block, &rows);
}

static float dot(const float *a, const float *b, size_t n)
{
    float lane[LANES] = {0}, sum = 0;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t l = 0; l < LANES; l++)
            lane[l] += a[i + l] * b[i + l];
    for (; i < n; i++)
        sum += a[i] * b[i];
    for (size_t l = 0; l < LANES; l++)
        sum += lane[l];
    return sum;
}

/* d silu(z) / dz */
static float silu_slope(float z)
{
    float s = sigmoid(z);
    return s * (1.0F + z * (1.0F - s));
}

static void vjp_row(void *user, size_t r, size_t worker)
{
    const struct rows *rows = user;
    const struct et__twin *twin = rows->twin;
    float *delta = twin->scratch + worker * twin->scratch_size;
    float *before = delta + ROWS * widest(twin), *z = before + ROWS * widest(twin);
    run_layers(twin, rows->x.data + r * rows->x.cols, 1, z, before);
    size_t last = twin->n_layers, n_out = twin->width[last];
    for (size_t o = 0; o < n_out; o++)
        delta[o] = rows->dy.data[r * n_out + o] * twin->y_scale;
    const float *parameter = twin->parameter + twin->n_parameters;
    for (size_t l = 0; l + 1 < last; l++)
        z += ROWS * twin->width[l + 1];
    for (size_t l = last; l-- > 0;) {
        size_t n_in = twin->width[l];
        n_out = twin->width[l + 1];
        parameter -= (n_in + 1) * n_out;
        if (l > 0) z -= ROWS * n_in;
        for (size_t k = 0; k < n_in; k++) {
            float slope = l > 0 ? silu_slope(z[k]) : twin->x_factor[k];
            before[k] = slope * dot(delta, parameter + k * n_out, n_out);
        }
        float *swap = delta;
        delta = before;
        before = swap;
    }
    memcpy(rows->y.data + r * rows->y.cols, delta, rows->y.cols * sizeof *delta);
}

void et__twin_vjp(const struct et__twin *twin, struct et_view x, struct et_view dy,
                  struct et_view dx)
{
    assert(x.stride == x.cols && dy.stride == dy.cols && dx.stride == dx.cols);
    struct rows rows = {.twin = twin, .x = x, .dy = dy, .y = dx};
    et_parallel_for(x.rows, vjp_row, &rows);
}
