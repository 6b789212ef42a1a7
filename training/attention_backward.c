/* SPDX-License-Identifier: Apache-2.0
 *
 * Gradients of an attention block, written out.  With P v = y and dy known:
 *
 *     dP = dy v^T,  dv = P^T dy
 *     softmax  dA = P (dP - sum_s P dP)          bool  dA = dP / 2 where |A| < 1
 *     dq = dA k / sqrt(d),  dk = dA^T q / sqrt(d) */
#include "attention.h"

#include <etalon/parallel.h>

#include <math.h>
#include <string.h>

static struct et_view rows_of(const struct et_array *array, size_t rows)
{
    return et_view_rows(et_array_view(array), 0, rows);
}

void et__attention_clear(struct et__attention *net, size_t sequences)
{
    size_t all = sequences * net->shape.tokens;
    for (size_t i = 0; i < ET__PARTS; i++)
        memset(net->part[i].d.data, 0, all * net->shape.dim * sizeof(float));
    memset(net->dscore.data, 0, all * net->shape.tokens * sizeof(float));
}

struct pass {
    struct et__attention *net;
    struct et__attention_linear *linear;
    struct et__attention_part *part;
};

/* d: from dL/dx to dL/dz. */
static void nonlinearity_row(void *user, size_t r, size_t worker)
{
    (void)worker;
    const struct pass *p = user;
    size_t n = p->part->z.cols;
    const float *z = p->part->z.data + r * n, *x = p->part->x.data + r * n;
    float *d = p->part->d.data + r * n;
    if (p->net->binary)
        for (size_t j = 0; j < n; j++)
            d[j] = fabsf(z[j]) < 1 ? d[j] : 0;
    else
        for (size_t j = 0; j < n; j++)
            d[j] *= 1 - x[j] * x[j];
}

static void through_nonlinearity(struct et__attention *net, size_t i, size_t rows)
{
    struct pass p = {net, NULL, &net->part[i]};
    et_parallel_for(rows, nonlinearity_row, &p);
}

/* Gradient of the binarised row to that of the latent one. */
static void latent_row(void *user, size_t o, size_t worker)
{
    (void)worker;
    const struct pass *p = user;
    size_t n = p->linear->weight.cols;
    const float *w = p->linear->weight.value + o * n;
    float *g = p->linear->weight.gradient + o * n;
    double mean = 0, sum = 0;
    for (size_t j = 0; j < n; j++)
        mean += (double)w[j];
    mean /= (double)n;
    for (size_t j = 0; j < n; j++) {
        if (fabs((double)w[j] - mean) > 1) g[j] = 0;
        sum += (double)g[j];
    }
    for (size_t j = 0; j < n; j++)
        g[j] -= (float)(sum / (double)n);
}

/* dz * factor, what the product of signs sees. */
static void scale_rows(const struct et__attention_linear *linear, struct et_view d)
{
    for (size_t r = 0; r < d.rows; r++)
        for (size_t j = 0; j < d.cols; j++)
            d.data[r * d.stride + j] *= linear->factor[j];
}

/* Gradients of a linear map from d = dL/dz (which a binary map scales); din gets dL/din added. */
static void linear_gradient(struct et__attention *net, size_t i, struct et_view in,
                            struct et_view d, struct et_view din)
{
    struct et__attention_linear *linear = &net->linear[i];
    bool binary = net->binary && i != ET__ATTENTION_EMBED;
    et_gemm(ET_TRANSPOSED, ET_PLAIN, 1, d, in, 0, et_tensor_gradient(&linear->weight));
    memset(linear->bias.gradient, 0, d.cols * sizeof(float));
    for (size_t r = 0; r < d.rows; r++)
        for (size_t j = 0; j < d.cols; j++)
            linear->bias.gradient[j] += d.data[r * d.stride + j];
    if (binary) {
        struct pass p = {net, linear, NULL};
        et_parallel_for(linear->weight.rows, latent_row, &p);
        scale_rows(linear, d);
    }
    if (din.data == NULL) return;
    struct et_view w = binary ? et_array_view(&linear->sign) : et_tensor_view(&linear->weight);
    et_gemm(ET_PLAIN, ET_PLAIN, 1, d, w, 1, din);
}

/* One row of weights: dA from dP, added to what a distillation put there. */
static void weight_gradient(const struct et__attention *net, const float *a, const float *p,
                            const float *dp, float *da)
{
    size_t T = net->shape.tokens;
    float mean = 0;
    for (size_t s = 0; s < T; s++)
        mean += p[s] * dp[s];
    for (size_t s = 0; s < T; s++) {
        if (net->binary)
            da[s] += fabsf(a[s]) < 1 ? 0.5F * dp[s] : 0;
        else
            da[s] += p[s] * (dp[s] - mean);
    }
}

/* dL/dy of the context in part C's d, into the d of Q, K, V. */
static void attend_gradient(void *user, size_t i, size_t worker)
{
    (void)worker;
    struct et__attention *net = user;
    size_t T = net->shape.tokens, d = net->shape.dim, first = i * T;
    const float *q = net->part[ET__PART_Q].x.data + first * d;
    const float *k = net->part[ET__PART_K].x.data + first * d;
    const float *v = net->part[ET__PART_V].x.data + first * d;
    const float *dy = net->part[ET__PART_C].d.data + first * d;
    float *dq = net->part[ET__PART_Q].d.data + first * d;
    float *dk = net->part[ET__PART_K].d.data + first * d;
    float *dv = net->part[ET__PART_V].d.data + first * d;
    float inverse = 1.0F / sqrtf((float)d);
    float shrink = net->binary ? 1.0F / sqrtf((float)T) : 1.0F;
    for (size_t t = 0; t < T; t++) {
        const float *a = net->score.data + (first + t) * T;
        const float *p = net->weight.data + (first + t) * T;
        float *da = net->dscore.data + (first + t) * T, *dp = net->dweight.data + (first + t) * T;
        for (size_t s = 0; s < T; s++) {
            float sum = 0;
            for (size_t j = 0; j < d; j++) {
                sum += dy[t * d + j] * v[s * d + j];
                dv[s * d + j] += shrink * p[s] * dy[t * d + j];
            }
            dp[s] = shrink * sum;
        }
        weight_gradient(net, a, p, dp, da);
        for (size_t s = 0; s < T; s++)
            for (size_t j = 0; j < d; j++) {
                dq[t * d + j] += inverse * da[s] * k[s * d + j];
                dk[s * d + j] += inverse * da[s] * q[t * d + j];
            }
    }
}

void et__attention_backward(struct et__attention *net, struct et_view x)
{
    size_t n = x.rows, T = net->shape.tokens, d = net->shape.dim, all = n * T;
    struct et__attention_part *part = net->part;
    memset(net->dlast.data, 0, n * d * sizeof(float));
    linear_gradient(net, ET__ATTENTION_CLASS, rows_of(&net->last, n), rows_of(&net->logits, n),
                    rows_of(&net->dlast, n));
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < d; j++)
            part[ET__PART_O].d.data[(i * T + T - 1) * d + j] += net->dlast.data[i * d + j];
    through_nonlinearity(net, ET__PART_O, all);
    linear_gradient(net, ET__ATTENTION_OUTPUT, rows_of(&part[ET__PART_C].x, all),
                    rows_of(&part[ET__PART_O].d, all), rows_of(&part[ET__PART_C].d, all));
    through_nonlinearity(net, ET__PART_C, all);
    et_parallel_for(n, attend_gradient, net);
    for (size_t i = ET__PART_Q; i <= ET__PART_V; i++) {
        through_nonlinearity(net, i, all);
        linear_gradient(net, i, rows_of(&part[ET__PART_U].x, all), rows_of(&part[i].d, all),
                        rows_of(&part[ET__PART_U].d, all));
    }
    through_nonlinearity(net, ET__PART_U, all);
    linear_gradient(net, ET__ATTENTION_EMBED, et_view_of(x.data, all, net->shape.token_width),
                    rows_of(&part[ET__PART_U].d, all), (struct et_view){0});
}
