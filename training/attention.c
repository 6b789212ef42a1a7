/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory and forward pass of an attention block; attention.h has the formulas. */
#include "attention.h"

#include <etalon/parallel.h>
#include <etalon/rng.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const linear_name[] = {"embed", "query", "key", "value", "output", "class"};

static enum et_status open_linear(struct et__attention *net, size_t i, const char *prefix,
                                  uint64_t seed)
{
    const struct et__attention_shape *s = &net->shape;
    struct et__attention_linear *linear = &net->linear[i];
    size_t n_in = i == ET__ATTENTION_EMBED ? s->token_width : s->dim;
    size_t n_out = i == ET__ATTENTION_CLASS ? s->classes : s->dim;
    snprintf(linear->weight_name, sizeof linear->weight_name, "%.8s-%s", prefix, linear_name[i]);
    snprintf(linear->bias_name, sizeof linear->bias_name, "%.8s-%s-bias", prefix, linear_name[i]);
    ET_TRY(et_tensor_create(&linear->weight, linear->weight_name, n_out, n_in, 1));
    ET_TRY(et_tensor_create(&linear->bias, linear->bias_name, 1, n_out, 1));
    ET_TRY(et_array_create(&linear->sign, n_out, n_in));
    linear->factor = et_alloc(n_out, sizeof *linear->factor);
    if (linear->factor == NULL) return ET_NOMEM;
    et_rng_fill_normal(seed, ET_STREAM_INIT, (uint32_t)i, 0, linear->weight.value, n_out * n_in);
    /* A token is a few ones among zeros: its embedding needs no division by its width. */
    float sd = i == ET__ATTENTION_EMBED ? 0.7F : 1.0F / sqrtf((float)n_in);
    for (size_t k = 0; k < n_out * n_in; k++)
        linear->weight.value[k] *= sd;
    return ET_OK;
}

enum et_status et__attention_open(struct et__attention *net, const char *prefix, bool binary,
                                  const struct et__attention_shape *shape, uint64_t seed)
{
    *net = (struct et__attention){.shape = *shape, .binary = binary};
    size_t n = shape->rows_max, all = n * shape->tokens;
    for (size_t i = 0; i < ET__ATTENTION_LINEARS; i++)
        ET_TRY(open_linear(net, i, prefix, seed));
    for (size_t i = 0; i < ET__PARTS; i++) {
        ET_TRY(et_array_create(&net->part[i].z, all, shape->dim));
        ET_TRY(et_array_create(&net->part[i].x, all, shape->dim));
        ET_TRY(et_array_create(&net->part[i].d, all, shape->dim));
    }
    ET_TRY(et_array_create(&net->score, all, shape->tokens));
    ET_TRY(et_array_create(&net->weight, all, shape->tokens));
    ET_TRY(et_array_create(&net->dscore, all, shape->tokens));
    ET_TRY(et_array_create(&net->dweight, all, shape->tokens));
    ET_TRY(et_array_create(&net->last, n, shape->dim));
    ET_TRY(et_array_create(&net->dlast, n, shape->dim));
    return et_array_create(&net->logits, n, shape->classes);
}

void et__attention_close(struct et__attention *net)
{
    for (size_t i = 0; i < ET__ATTENTION_LINEARS; i++) {
        et_tensor_destroy(&net->linear[i].weight);
        et_tensor_destroy(&net->linear[i].bias);
        et_array_destroy(&net->linear[i].sign);
        et_free(net->linear[i].factor);
    }
    for (size_t i = 0; i < ET__PARTS; i++) {
        et_array_destroy(&net->part[i].z);
        et_array_destroy(&net->part[i].x);
        et_array_destroy(&net->part[i].d);
    }
    et_array_destroy(&net->score);
    et_array_destroy(&net->weight);
    et_array_destroy(&net->dscore);
    et_array_destroy(&net->dweight);
    et_array_destroy(&net->last);
    et_array_destroy(&net->dlast);
    et_array_destroy(&net->logits);
    *net = (struct et__attention){0};
}

struct et_tensor *et__attention_tensor(struct et__attention *net, size_t i)
{
    if (i >= 2 * (size_t)ET__ATTENTION_LINEARS) return NULL;
    struct et__attention_linear *linear = &net->linear[i / 2];
    return i % 2 == 0 ? &linear->weight : &linear->bias;
}

void et__attention_copy(struct et__attention *to, const struct et__attention *from)
{
    for (size_t i = 0; i < ET__ATTENTION_LINEARS; i++) {
        et_view_copy(et_tensor_view(&to->linear[i].weight),
                     et_tensor_view(&from->linear[i].weight));
        et_view_copy(et_tensor_view(&to->linear[i].bias), et_tensor_view(&from->linear[i].bias));
    }
}

/* In double, row by row: the sign of a number near the mean must not depend on the compiler. */
static void binarise_row(struct et__attention_linear *linear, size_t o)
{
    size_t n = linear->weight.cols;
    const float *w = linear->weight.value + o * n;
    float *sign = linear->sign.data + o * n;
    double sum = 0, size = 0;
    for (size_t j = 0; j < n; j++) {
        sum += (double)w[j];
        size += fabs((double)w[j]);
    }
    for (size_t j = 0; j < n; j++)
        sign[j] = (double)w[j] >= sum / (double)n ? 1 : -1;
    linear->factor[o] = (float)(size / (double)n);
}

void et__attention_binarise(struct et__attention *net)
{
    for (size_t i = ET__ATTENTION_QUERY; i < ET__ATTENTION_LINEARS; i++)
        for (size_t o = 0; o < net->linear[i].weight.rows; o++)
            binarise_row(&net->linear[i], o);
}

/* ------------------------------------------------------------------------------- forward -- */

struct pass {
    struct et__attention *net;
    const struct et__attention_linear *linear;
    struct et_view z, x; /* x empty: no nonlinearity */
    bool binary_weight;
};

/* z comes as the product and leaves with factor and bias; x = f(z). */
static void activate_row(void *user, size_t r, size_t worker)
{
    (void)worker;
    const struct pass *p = user;
    float *z = p->z.data + r * p->z.stride;
    float *x = p->x.data != NULL ? p->x.data + r * p->x.stride : NULL;
    const float *bias = p->linear->bias.value, *factor = p->linear->factor;
    for (size_t j = 0; j < p->z.cols; j++) {
        double scale = p->binary_weight ? (double)factor[j] : 1;
        double value = scale * (double)z[j] + (double)bias[j];
        z[j] = (float)value;
        if (x != NULL) x[j] = p->net->binary ? (value >= 0 ? 1 : -1) : (float)tanh(value);
    }
}

static void activate(struct et__attention *net, size_t i, struct et_view z, struct et_view x)
{
    struct pass p = {net, &net->linear[i], z, x, net->binary && i != ET__ATTENTION_EMBED};
    et_parallel_for(z.rows, activate_row, &p);
}

static void linear(struct et__attention *net, size_t i, struct et_view in, struct et_view z,
                   struct et_view x)
{
    bool binary = net->binary && i != ET__ATTENTION_EMBED;
    struct et_view w =
        binary ? et_array_view(&net->linear[i].sign) : et_tensor_view(&net->linear[i].weight);
    et_gemm(ET_PLAIN, ET_TRANSPOSED, 1, in, w, 0, z);
    activate(net, i, z, x);
}

static void softmax(float *row, const float *score, size_t n)
{
    float top = score[0], sum = 0;
    for (size_t j = 1; j < n; j++)
        top = score[j] > top ? score[j] : top;
    for (size_t j = 0; j < n; j++)
        sum += row[j] = expf(score[j] - top);
    for (size_t j = 0; j < n; j++)
        row[j] /= sum;
}

/* Scores, weights and context of one sequence. */
static void attend(void *user, size_t i, size_t worker)
{
    (void)worker;
    struct et__attention *net = user;
    size_t T = net->shape.tokens, d = net->shape.dim, first = i * T;
    const float *q = net->part[ET__PART_Q].x.data + first * d;
    const float *k = net->part[ET__PART_K].x.data + first * d;
    const float *v = net->part[ET__PART_V].x.data + first * d;
    float *z = net->part[ET__PART_C].z.data + first * d;
    float *x = net->part[ET__PART_C].x.data + first * d;
    float inverse = 1.0F / sqrtf((float)d), shrink = 1.0F / sqrtf((float)T);
    for (size_t t = 0; t < T; t++) {
        float *a = net->score.data + (first + t) * T, *p = net->weight.data + (first + t) * T;
        for (size_t s = 0; s < T; s++) {
            float sum = 0;
            for (size_t j = 0; j < d; j++)
                sum += q[t * d + j] * k[s * d + j];
            a[s] = sum * inverse;
            p[s] = sum >= 0 ? 1 : 0;
        }
        if (!net->binary) softmax(p, a, T);
        for (size_t j = 0; j < d; j++) {
            float sum = 0;
            for (size_t s = 0; s < T; s++)
                sum += p[s] * v[s * d + j];
            z[t * d + j] = net->binary ? sum * shrink : sum;
            x[t * d + j] = net->binary ? (sum >= 0 ? 1 : -1) : tanhf(sum);
        }
    }
}

static struct et_view rows_of(const struct et_array *array, size_t rows)
{
    return et_view_rows(et_array_view(array), 0, rows);
}

void et__attention_embed(struct et__attention *net, struct et_view x)
{
    size_t all = x.rows * net->shape.tokens;
    struct et__attention_part *u = &net->part[ET__PART_U];
    struct et_view tokens = et_view_of(x.data, all, net->shape.token_width);
    linear(net, ET__ATTENTION_EMBED, tokens, rows_of(&u->z, all), rows_of(&u->x, all));
}

void et__attention_logits(const struct et__attention *net, struct et_view acc)
{
    const struct et__attention_linear *top = &net->linear[ET__ATTENTION_CLASS];
    for (size_t r = 0; r < acc.rows; r++)
        for (size_t j = 0; j < acc.cols; j++)
            net->logits.data[r * acc.cols + j] =
                (float)((double)top->factor[j] * (double)acc.data[r * acc.stride + j] +
                        (double)top->bias.value[j]);
}

void et__attention_forward(struct et__attention *net, struct et_view x)
{
    size_t n = x.rows, T = net->shape.tokens, d = net->shape.dim, all = n * T;
    struct et__attention_part *part = net->part;
    if (net->binary) et__attention_binarise(net);
    et__attention_embed(net, x);
    for (size_t i = ET__PART_Q; i <= ET__PART_V; i++)
        linear(net, i, rows_of(&part[ET__PART_U].x, all), rows_of(&part[i].z, all),
               rows_of(&part[i].x, all));
    et_parallel_for(n, attend, net);
    linear(net, ET__ATTENTION_OUTPUT, rows_of(&part[ET__PART_C].x, all),
           rows_of(&part[ET__PART_O].z, all), rows_of(&part[ET__PART_O].x, all));
    for (size_t i = 0; i < n; i++)
        memcpy(net->last.data + i * d, part[ET__PART_O].x.data + (i * T + T - 1) * d,
               d * sizeof(float));
    linear(net, ET__ATTENTION_CLASS, rows_of(&net->last, n), rows_of(&net->logits, n),
           (struct et_view){0});
}
