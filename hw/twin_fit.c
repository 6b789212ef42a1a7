/* SPDX-License-Identifier: Apache-2.0
 *
 * Fit of a twin by Adam (Kingma and Ba, ICLR 2015) on the mean squared error:
 *
 *     m <- b1 m + (1 - b1) g,   v <- b2 v + (1 - b2) g^2
 *     w <- w - rate (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)
 *
 * with rate = learning_rate (1 + cos(pi t / T)) / 2.  Outputs share one scale, their overall
 * standard deviation, so the loss is proportional to the error in the unit of the outputs. */
#include "twin.h"

#include <etalon/rng.h>

#include <math.h>
#include <string.h>

struct fit {
    struct et__twin *twin;
    const struct et__twin_settings *settings;
    struct et_view x, y; /* all pairs */
    size_t *order;       /* [n] rows; the first n_train are fitted to */
    size_t n_train;
    float *gradient, *m, *v; /* [n_parameters] */
    float *z, *h, *d;        /* pre-activations, activations, gradients of all layers */
    size_t *at;              /* [L + 1] where layer l starts in z, h, d */
};

static void fit_deinit(struct fit *f)
{
    et_free(f->order);
    et_free(f->gradient);
    et_free(f->m);
    et_free(f->v);
    et_free(f->z);
    et_free(f->h);
    et_free(f->d);
    et_free(f->at);
}

static enum et_status fit_init(struct fit *f)
{
    const struct et__twin *twin = f->twin;
    size_t n = f->x.rows, batch = f->settings->batch, size = 0;
    f->order = et_alloc(n, sizeof *f->order);
    f->at = et_alloc(twin->n_layers + 1, sizeof *f->at);
    if (f->order == NULL || f->at == NULL) return ET_NOMEM;
    for (size_t l = 0; l <= twin->n_layers; l++) {
        f->at[l] = size;
        size += batch * twin->width[l];
    }
    f->gradient = et_alloc(twin->n_parameters, sizeof *f->gradient);
    f->m = et_alloc(twin->n_parameters, sizeof *f->m);
    f->v = et_alloc(twin->n_parameters, sizeof *f->v);
    f->z = et_alloc(size, sizeof *f->z);
    f->h = et_alloc(size, sizeof *f->h);
    f->d = et_alloc(size, sizeof *f->d);
    if (!f->gradient || !f->m || !f->v || !f->z || !f->h || !f->d) return ET_NOMEM;
    for (size_t i = 0; i < n; i++)
        f->order[i] = i;
    et_rng_shuffle(f->settings->seed, ET_STREAM_SHUFFLE, 0, f->order, n);
    size_t held_out = (size_t)llround(f->settings->holdout * (double)n);
    f->n_train = n - held_out;
    f->twin->n_held_out = held_out;
    if (held_out == 0 || f->n_train == 0)
        return et_error_set(ET_INVALID, "%zu pairs cannot be cut into %zu to fit and %zu to test",
                            n, f->n_train, held_out);
    return ET_OK;
}

/* Offset and sd of column c over the rows to fit; the sum is of fixed order. */
static void column_moments(const struct fit *f, struct et_view v, size_t c, double *mean,
                           double *variance)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < f->n_train; i++)
        sum += (double)v.data[f->order[i] * v.stride + c];
    *mean = sum / (double)f->n_train;
    for (size_t i = 0; i < f->n_train; i++) {
        double d = (double)v.data[f->order[i] * v.stride + c] - *mean;
        squares += d * d;
    }
    *variance = squares / (double)f->n_train;
}

static void fit_scales(const struct fit *f)
{
    struct et__twin *twin = f->twin;
    double mean, variance, total = 0;
    for (size_t k = 0; k < f->x.cols; k++) {
        column_moments(f, f->x, k, &mean, &variance);
        twin->x_offset[k] = (float)mean;
        twin->x_factor[k] = variance > 0 ? (float)(1 / sqrt(variance)) : 1;
    }
    for (size_t o = 0; o < f->y.cols; o++) {
        column_moments(f, f->y, o, &mean, &variance);
        twin->y_offset[o] = (float)mean;
        total += variance;
    }
    twin->y_scale = total > 0 ? (float)sqrt(total / (double)f->y.cols) : 1;
}

/* Weights of variance 1/n_in (SiLU roughly halves the power, which the next layer makes up for in
 * training), no offsets. */
static void draw_weights(const struct fit *f)
{
    float *parameter = f->twin->parameter;
    for (size_t l = 0; l < f->twin->n_layers; l++) {
        size_t n_in = f->twin->width[l], n_out = f->twin->width[l + 1];
        et_rng_fill_normal(f->settings->seed, ET_STREAM_INIT, (uint32_t)l, 0, parameter,
                           n_in * n_out);
        float scale = sqrtf((l == 0 ? 1.0F : 2.0F) / (float)n_in);
        for (size_t i = 0; i < n_in * n_out; i++)
            parameter[i] *= scale;
        memset(parameter + n_in * n_out, 0, n_out * sizeof *parameter);
        parameter += (n_in + 1) * n_out;
    }
}

static struct et_view layer(const struct fit *f, float *data, size_t l, size_t rows)
{
    return et_view_of(data + f->at[l], rows, f->twin->width[l]);
}

ET_VECTOR_CLONES static void add_bias(float *restrict z, const float *restrict bias, size_t rows,
                                      size_t n)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t o = 0; o < n; o++)
            z[r * n + o] += bias[o];
}

/* h = silu(z), d = d silu / dz. */
static void activate(const float *restrict z, float *restrict h, float *restrict d, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float s = 1.0F / (1.0F + expf(-z[i]));
        h[i] = z[i] * s;
        d[i] = s * (1.0F + z[i] * (1.0F - s));
    }
}

/* Fills h[0] with the rows order[first ...], then z, h and slopes of all layers. */
static void fit_forward(const struct fit *f, size_t first, size_t rows)
{
    const struct et__twin *twin = f->twin;
    size_t n = f->x.cols;
    for (size_t r = 0; r < rows; r++) {
        const float *x = f->x.data + f->order[first + r] * f->x.stride;
        for (size_t k = 0; k < n; k++)
            f->h[r * n + k] = (x[k] - twin->x_offset[k]) * twin->x_factor[k];
    }
    float *parameter = twin->parameter;
    for (size_t l = 0; l < twin->n_layers; l++) {
        size_t n_in = twin->width[l], n_out = twin->width[l + 1];
        struct et_view z = layer(f, f->z, l + 1, rows);
        et_gemm(ET_PLAIN, ET_PLAIN, 1, layer(f, f->h, l, rows), et_view_of(parameter, n_in, n_out),
                0, z);
        add_bias(z.data, parameter + n_in * n_out, rows, n_out);
        if (l + 1 < twin->n_layers)
            activate(z.data, f->h + f->at[l + 1], f->d + f->at[l + 1], rows * n_out);
        parameter += (n_in + 1) * n_out;
    }
}

/* Sum of squared errors of a batch in units of y_scale^2; d of the last layer becomes the gradient
 * of half the mean. */
static double fit_loss(const struct fit *f, size_t first, size_t rows)
{
    const struct et__twin *twin = f->twin;
    size_t last = twin->n_layers, n = f->y.cols;
    const float *z = f->z + f->at[last];
    float *d = f->d + f->at[last];
    double sum = 0;
    for (size_t r = 0; r < rows; r++) {
        const float *y = f->y.data + f->order[first + r] * f->y.stride;
        for (size_t o = 0; o < n; o++) {
            float error = z[r * n + o] - (y[o] - twin->y_offset[o]) / twin->y_scale;
            d[r * n + o] = error / (float)rows;
            sum += (double)error * (double)error;
        }
    }
    return sum;
}

/* Gradients of all parameters from d of the last layer. */
static void fit_backward(const struct fit *f, size_t rows)
{
    const struct et__twin *twin = f->twin;
    size_t at = twin->n_parameters;
    for (size_t l = twin->n_layers; l-- > 0;) {
        size_t n_in = twin->width[l], n_out = twin->width[l + 1];
        at -= (n_in + 1) * n_out;
        struct et_view d = layer(f, f->d, l + 1, rows), h = layer(f, f->h, l, rows);
        et_gemm(ET_TRANSPOSED, ET_PLAIN, 1, h, d, 0, et_view_of(f->gradient + at, n_in, n_out));
        float *bias = f->gradient + at + n_in * n_out;
        memset(bias, 0, n_out * sizeof *bias);
        for (size_t r = 0; r < rows; r++)
            for (size_t o = 0; o < n_out; o++)
                bias[o] += d.data[r * n_out + o];
        if (l == 0) break;
        /* z of this layer is not needed any more: it takes the gradient of h. */
        struct et_view back = layer(f, f->z, l, rows);
        et_gemm(ET_PLAIN, ET_TRANSPOSED, 1, d, et_view_of(twin->parameter + at, n_in, n_out), 0,
                back);
        float *slope = f->d + f->at[l];
        for (size_t i = 0; i < rows * n_in; i++)
            slope[i] *= back.data[i];
    }
}

/* Adam, see the top of the file. */
ET_VECTOR_CLONES static void adam(float *restrict w, const float *restrict g, float *restrict m,
                                  float *restrict v, size_t n, float rate, float scale_m,
                                  float scale_v)
{
    const float b1 = 0.9F, b2 = 0.999F, eps = 1e-8F;
    for (size_t i = 0; i < n; i++) {
        m[i] = b1 * m[i] + (1 - b1) * g[i];
        v[i] = b2 * v[i] + (1 - b2) * g[i] * g[i];
        w[i] -= rate * (m[i] * scale_m) / (sqrtf(v[i] * scale_v) + eps);
    }
}

static enum et_status fit_epochs(const struct fit *f)
{
    const struct et__twin_settings *set = f->settings;
    size_t batches = (f->n_train + set->batch - 1) / set->batch;
    double total = (double)(set->epochs * batches), t = 0;
    for (size_t epoch = 0; epoch < set->epochs; epoch++) {
        et_rng_shuffle(set->seed, ET_STREAM_SHUFFLE, (uint32_t)epoch + 1, f->order, f->n_train);
        double loss = 0;
        for (size_t first = 0; first < f->n_train; first += set->batch) {
            size_t rows = f->n_train - first < set->batch ? f->n_train - first : set->batch;
            fit_forward(f, first, rows);
            loss += fit_loss(f, first, rows);
            fit_backward(f, rows);
            double rate = set->learning_rate * 0.5 * (1 + cos(3.141592653589793 * t / total));
            t++;
            adam(f->twin->parameter, f->gradient, f->m, f->v, f->twin->n_parameters, (float)rate,
                 (float)(1 / (1 - pow(0.9, t))), (float)(1 / (1 - pow(0.999, t))));
        }
        if (!isfinite(loss))
            return et_error_set(
                ET_NUMERIC,
                "the fit diverged in epoch %zu: lower learning_rate or rescale the data", epoch);
    }
    return ET_OK;
}

static void measure(const struct fit *f)
{
    struct et__twin *twin = f->twin;
    double squares = 0, variance = 0, mean = 0;
    size_t n = f->x.rows, batch = f->settings->batch;
    for (size_t first = f->n_train; first < n; first += batch) {
        size_t rows = n - first < batch ? n - first : batch;
        fit_forward(f, first, rows);
        squares += fit_loss(f, first, rows);
    }
    size_t count = twin->n_held_out * f->y.cols;
    for (size_t i = f->n_train; i < n; i++)
        for (size_t o = 0; o < f->y.cols; o++)
            mean += (double)f->y.data[f->order[i] * f->y.stride + o];
    mean /= (double)count;
    for (size_t i = f->n_train; i < n; i++) {
        for (size_t o = 0; o < f->y.cols; o++) {
            double d = (double)f->y.data[f->order[i] * f->y.stride + o] - mean;
            variance += d * d;
        }
    }
    twin->rmse = sqrt(squares / (double)count) * (double)twin->y_scale;
    twin->output_sd = sqrt(variance / (double)count);
}

enum et_status et__twin_fit(struct et__twin *twin, const struct et__twin_settings *settings,
                            struct et_view x, struct et_view y)
{
    struct fit f = {.twin = twin, .settings = settings, .x = x, .y = y};
    enum et_status status = fit_init(&f);
    if (status == ET_OK) {
        fit_scales(&f);
        draw_weights(&f);
        status = fit_epochs(&f);
    }
    if (status == ET_OK) measure(&f);
    fit_deinit(&f);
    return status;
}
