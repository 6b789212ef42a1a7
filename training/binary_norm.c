/* SPDX-License-Identifier: Apache-2.0
 *
 * Binary stages behind the device: normalisation, signs, thresholds, gradients; formulas in
 * binary_stage.h.  Sums run down the rows in order, for each column apart, so neither threads nor
 * the device matter to the bits. */
#include "binary_stage.h"
#include "objective.h"

#include <etalon/accelerator.h>
#include <etalon/parallel.h>

#include <math.h>

/* Added to the variance: accumulators are integers, so a unit whose variance is below 1 is all but
 * constant, and nothing is gained by blowing it up. */
static const double EPSILON = 1;

enum { COLUMNS = 32, TASK = 16384 }; /* columns, elements of a task */

struct pass {
    struct et__stage *stage;
    struct et_view a, h, normal, d;
};

static struct pass pass_of(struct et__stage *stage, size_t rows)
{
    return (struct pass){
        .stage = stage,
        .a = et_view_rows(et_array_view(&stage->a), 0, rows),
        .normal = et_view_rows(et_array_view(&stage->bits.normal), 0, rows),
    };
}

static void for_columns(struct pass *pass, et_parallel_body *body)
{
    et_parallel_for((pass->a.cols + COLUMNS - 1) / COLUMNS, body, pass);
}

static size_t columns_of(const struct pass *pass, size_t first)
{
    return pass->a.cols - first < COLUMNS ? pass->a.cols - first : COLUMNS;
}

/* -------------------------------------------------------------------------- forward -- */

/* Mean and variance of the batch; moves the running ones towards them. */
static void statistics(const struct pass *pass, size_t first, size_t n, float *mean)
{
    struct et__bits *bits = &pass->stage->bits;
    double sum[COLUMNS] = {0}, squares[COLUMNS] = {0}, rows = (double)pass->a.rows;
    for (size_t r = 0; r < pass->a.rows; r++) {
        const float *a = pass->a.data + r * pass->a.stride + first;
        for (size_t j = 0; j < n; j++) {
            sum[j] += (double)a[j];
            squares[j] += (double)a[j] * (double)a[j];
        }
    }
    const double keep = bits->memory;
    for (size_t j = 0; j < n; j++) {
        double m = sum[j] / rows, v = fmax(squares[j] / rows - m * m, 0);
        float *running_mean = &bits->mean.value[first + j];
        float *running_variance = &bits->variance.value[first + j];
        *running_mean = (float)(keep * (double)*running_mean + (1 - keep) * m);
        *running_variance = (float)(keep * (double)*running_variance + (1 - keep) * v);
        mean[j] = (float)m;
        bits->inverse_sd[first + j] = (float)(1 / sqrt(v + EPSILON));
    }
}

static void activate_columns(void *user, size_t i, size_t worker)
{
    (void)worker;
    const struct pass *pass = user;
    const struct et__bits *bits = &pass->stage->bits;
    size_t first = i * COLUMNS, n = columns_of(pass, first);
    float mean[COLUMNS];
    statistics(pass, first, n, mean);
    const float *factor = bits->inverse_sd + first, *bias = pass->stage->bias.value + first;
    const float lo = bits->low, hi = bits->high;
    for (size_t r = 0; r < pass->a.rows; r++) {
        const float *a = pass->a.data + r * pass->a.stride + first;
        float *normal = pass->normal.data + r * pass->normal.stride + first;
        float *h = pass->h.data + r * pass->h.stride + first;
        for (size_t j = 0; j < n; j++) {
            normal[j] = (a[j] - mean[j]) * factor[j];
            h[j] = normal[j] + bias[j] >= 0 ? hi : lo;
        }
    }
}

/* scale a + bias. */
static void logits(const struct pass *pass)
{
    const struct et__stage *stage = pass->stage;
    for (size_t r = 0; r < pass->a.rows; r++)
        for (size_t j = 0; j < pass->a.cols; j++)
            pass->h.data[r * pass->h.stride + j] =
                stage->bits.scale * pass->a.data[r * pass->a.stride + j] + stage->bias.value[j];
}

void et__bits_activate(struct et__stage *stage, struct et_view h_out)
{
    struct pass pass = pass_of(stage, h_out.rows);
    pass.h = h_out;
    if (stage->bits.classes)
        logits(&pass);
    else
        for_columns(&pass, activate_columns);
}

/* ------------------------------------------------------------------------- inference -- */

static enum et_status fold(struct et__stage *stage)
{
    struct et__bits *bits = &stage->bits;
    static const double level[] = {0};
    uint64_t bound = (uint64_t)stage->n_in * ((1U << bits->in_bits) - 1);
    for (size_t j = 0; j < stage->n_out; j++) {
        struct et_bnn_norm norm = {.gamma = 1,
                                   .beta = (double)stage->bias.value[j],
                                   .mean = (double)bits->mean.value[j],
                                   .variance = (double)bits->variance.value[j],
                                   .epsilon = EPSILON,
                                   .scale = 1};
        uint8_t flip; /* never: gamma is positive */
        ET_TRY(et_bnn_fold(&norm, level, 1, bound, &bits->threshold[j], &flip));
    }
    return ET_OK;
}

enum et_status et__network_fold(struct et__network *network)
{
    for (size_t i = 0; i < network->n_stages; i++) {
        struct et__stage *stage = &network->stage[i];
        if (et__is_binary(stage) && !stage->bits.classes)
            ET_TRY_WHILE(fold(stage), "folding the normalisation of layer %zu", i);
    }
    return ET_OK;
}

/* The accumulators are integers: the device's own, not a control's, not those of real weights. */
static bool is_integer(const struct et__stage *stage)
{
    return stage->system == stage->physical && !stage->bits.soft;
}

static void infer_columns(void *user, size_t i, size_t worker)
{
    (void)worker;
    const struct pass *pass = user;
    const struct et__stage *stage = pass->stage;
    const struct et__bits *bits = &stage->bits;
    size_t first = i * COLUMNS, n = columns_of(pass, first);
    const bool integers = is_integer(stage);
    for (size_t j = first; j < first + n; j++) {
        double bias = (double)stage->bias.value[j], mean = (double)bits->mean.value[j];
        double sd = sqrt((double)bits->variance.value[j] + EPSILON);
        for (size_t r = 0; r < pass->a.rows; r++) {
            double a = (double)pass->a.data[r * pass->a.stride + j];
            bool positive =
                integers ? a >= (double)bits->threshold[j] : (a - mean) / sd + bias >= 0;
            pass->h.data[r * pass->h.stride + j] = positive ? bits->high : bits->low;
        }
    }
}

void et__bits_infer(struct et__stage *stage, struct et_view h_out)
{
    struct pass pass = pass_of(stage, h_out.rows);
    pass.h = h_out;
    if (stage->bits.classes)
        logits(&pass);
    else
        for_columns(&pass, infer_columns);
}

void et__bits_classify(const struct et__stage *stage, size_t rows, int32_t *predicted)
{
    for (size_t r = 0; r < rows; r++) {
        const float *a = stage->a.data + r * stage->a.cols;
        double best = -INFINITY;
        predicted[r] = -1; /* no score is a number */
        for (size_t j = 0; j < stage->n_out; j++) {
            double score =
                (double)a[j] + rint((double)stage->bias.value[j] / (double)stage->bits.scale);
            if (score <= best) continue;
            best = score;
            predicted[r] = (int32_t)j;
        }
    }
}

/* ------------------------------------------------------------------------- backward -- */

double et__bits_loss(struct et_view logits, const int32_t *label, struct et_view d)
{
    et_view_copy(d, logits);
    return et__cross_entropy(d, label);
}

/* Surrogate of the derivative of sign(z). */
static float surrogate(enum et__bits_rule rule, float z)
{
    float size = fabsf(z);
    if (rule == ET__BITS_STE) return size <= 1 ? 1.0F : 0.0F;
    return size < 1 ? 2 - 2 * size : 0;
}

/* dh to da, and dbias, of some columns. */
static void backward_columns(void *user, size_t i, size_t worker)
{
    (void)worker;
    const struct pass *pass = user;
    struct et__stage *stage = pass->stage;
    const struct et__bits *bits = &stage->bits;
    size_t first = i * COLUMNS, n = columns_of(pass, first);
    const float half_step = 0.5F * (bits->high - bits->low), *bias = stage->bias.value + first;
    double sum[COLUMNS] = {0}, along[COLUMNS] = {0}, rows = (double)pass->a.rows;
    for (size_t r = 0; r < pass->a.rows; r++) {
        const float *normal = pass->normal.data + r * pass->normal.stride + first;
        float *d = pass->d.data + r * pass->d.stride + first;
        for (size_t j = 0; j < n; j++) {
            d[j] *= half_step * surrogate(bits->rule, normal[j] + bias[j]);
            sum[j] += (double)d[j];
            along[j] += (double)d[j] * (double)normal[j];
        }
    }
    float mean[COLUMNS], slope[COLUMNS];
    for (size_t j = 0; j < n; j++) {
        stage->bias.gradient[first + j] = (float)sum[j];
        mean[j] = (float)(sum[j] / rows);
        slope[j] = (float)(along[j] / rows);
    }
    const float *factor = bits->inverse_sd + first;
    for (size_t r = 0; r < pass->a.rows; r++) {
        const float *normal = pass->normal.data + r * pass->normal.stride + first;
        float *d = pass->d.data + r * pass->d.stride + first;
        for (size_t j = 0; j < n; j++)
            d[j] = factor[j] * (d[j] - mean[j] - normal[j] * slope[j]);
    }
}

/* Logits: dbias is the sum of d, da = scale d. */
static void backward_classes(const struct pass *pass)
{
    struct et__stage *stage = pass->stage;
    for (size_t j = 0; j < pass->d.cols; j++) {
        double sum = 0;
        for (size_t r = 0; r < pass->d.rows; r++) {
            float *d = &pass->d.data[r * pass->d.stride + j];
            sum += (double)*d;
            *d *= stage->bits.scale;
        }
        stage->bias.gradient[j] = (float)sum;
    }
}

/* BiPer: d sin(w0 w) / dw = w0 cos(w0 w). */
static void through_sine(void *user, size_t i, size_t worker)
{
    (void)worker;
    struct et__stage *stage = user;
    const float w0 = stage->bits.w0, *latent = stage->weight.value;
    float *gradient = stage->weight.gradient;
    size_t n = stage->n_out * stage->n_in, first = i * TASK;
    size_t last = n - first < TASK ? n : first + TASK;
    for (size_t k = first; k < last; k++)
        gradient[k] *= w0 * cosf(w0 * latent[k]);
}

void et__bits_gradient(struct et__network *network, size_t i, struct et_view d)
{
    struct et__stage *stage = &network->stage[i];
    struct pass pass = pass_of(stage, d.rows);
    pass.d = d;
    if (stage->bits.classes)
        backward_classes(&pass);
    else
        for_columns(&pass, backward_columns);
    struct et_view x = et_view_rows(et_array_view(&stage->x), 0, d.rows);
    et_gemm(ET_TRANSPOSED, ET_PLAIN, 1, d, x, 0, et_tensor_gradient(&stage->weight));
    if (stage->bits.rule == ET__BITS_BIPER)
        et_parallel_for((stage->n_out * stage->n_in + TASK - 1) / TASK, through_sine, stage);
    network->digital_macs += (double)d.rows * (double)stage->n_in * (double)stage->n_out;
}
