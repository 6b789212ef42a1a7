/* SPDX-License-Identifier: Apache-2.0
 *
 * Scaling per column, fitted on given rows alone: y = clip((x - offset) factor). */
#include <etalon/dataset.h>

#include <assert.h>
#include <math.h>
#include <stdlib.h>

static int compare_floats(const void *a, const void *b)
{
    float left = *(const float *)a, right = *(const float *)b;
    return (left > right) - (left < right);
}

/* Nearest rank: the smallest value with at least 94 % of all values at or below it. */
static float percentile(float *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        values[i] = fabsf(values[i]);
    qsort(values, n, sizeof *values, compare_floats);
    return values[(94 * n + 99) / 100 - 1];
}

/* Population standard deviation in two passes. */
static void moments(const float *values, size_t n, double *mean, double *sd)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)values[i];
    *mean = sum / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += ((double)values[i] - *mean) * ((double)values[i] - *mean);
    *sd = sqrt(squares / (double)n);
}

static void limits(const float *values, size_t n, double *lo, double *hi)
{
    *lo = *hi = (double)values[0];
    for (size_t i = 1; i < n; i++) {
        *lo = fmin(*lo, (double)values[i]);
        *hi = fmax(*hi, (double)values[i]);
    }
}

/* The column values[n] (scratch: may be reordered) gives its offset and factor. */
static void fit_column(enum et_scaling scaling, float *values, size_t n, float *offset,
                       float *factor)
{
    double from = 0, width = 1, hi;
    switch (scaling) {
    case ET_SCALE_NONE:
        break;
    case ET_SCALE_ZSCORE:
        moments(values, n, &from, &width);
        break;
    case ET_SCALE_MINMAX:
        limits(values, n, &from, &hi);
        width = hi - from;
        break;
    case ET_SCALE_PERCENTILE:
        width = (double)percentile(values, n);
        break;
    }
    *offset = (float)from;
    *factor = (float)(1 / width);
    /* A constant column carries nothing.  Its width is exactly 0: equal floats add up without
     * rounding in doubles. */
    if (!isfinite(*factor)) *factor = 0;
}

enum et_status et_scaler_fit(struct et_scaler *scaler, enum et_scaling scaling, struct et_view x,
                             const size_t *index, size_t n_index)
{
    size_t n = index ? n_index : x.rows;
    *scaler = (struct et_scaler){.n = x.cols, .lo = -INFINITY, .hi = INFINITY};
    if (n == 0 || x.cols == 0)
        return et_error_set(ET_INVALID, "scaling fitted on %zu rows x %zu columns", n, x.cols);
    if (scaling == ET_SCALE_MINMAX) {
        scaler->lo = 0;
        scaler->hi = 1;
    }
    float *values = et_alloc(n, sizeof *values);
    scaler->offset = values ? et_alloc(x.cols, sizeof *scaler->offset) : NULL;
    scaler->factor = scaler->offset ? et_alloc(x.cols, sizeof *scaler->factor) : NULL;
    if (scaler->factor == NULL) {
        et_free(values);
        et_scaler_destroy(scaler);
        return ET_NOMEM;
    }
    for (size_t c = 0; c < x.cols; c++) {
        for (size_t i = 0; i < n; i++) {
            size_t row = index ? index[i] : i;
            assert(row < x.rows);
            values[i] = x.data[row * x.stride + c];
        }
        fit_column(scaling, values, n, &scaler->offset[c], &scaler->factor[c]);
    }
    et_free(values);
    return ET_OK;
}

void et_scaler_apply(const struct et_scaler *scaler, struct et_view x, struct et_view y)
{
    assert(x.cols == scaler->n && y.cols == x.cols && y.rows == x.rows);
    for (size_t r = 0; r < x.rows; r++) {
        const float *from = x.data + r * x.stride;
        float *to = y.data + r * y.stride;
        for (size_t c = 0; c < x.cols; c++) {
            float value = (from[c] - scaler->offset[c]) * scaler->factor[c];
            to[c] = value < scaler->lo ? scaler->lo : value > scaler->hi ? scaler->hi : value;
        }
    }
}

void et_scaler_destroy(struct et_scaler *scaler)
{
    et_free(scaler->offset);
    et_free(scaler->factor);
    *scaler = (struct et_scaler){0};
}
