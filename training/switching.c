/* SPDX-License-Identifier: Apache-2.0
 *
 * Forward and backward of the network of several precisions; switching.h has the formulas. */
#include "switching.h"

#include "objective.h"

#include <etalon/parallel.h>

#include <math.h>
#include <string.h>

/* What a parallel loop over rows needs. */
struct pass {
    struct et__switching *net;
    struct et__switching_layer *layer;
    struct et_view in, out;
    const int8_t *rounded;
    double scale, step, code_max, power; /* power = 2^D */
    double top;                          /* q8 from here on is clipped */
    const float *bias;
};

static double value_of(const struct et_tensor *log_step)
{
    return exp((double)log_step->value[0]);
}

double et__switching_in_step(const struct et__switching *net, size_t l, size_t p)
{
    if (l == 0) return 1.0 / (double)((1U << net->in_bits) - 1);
    return value_of(&net->layer[l - 1].at[p].log_step);
}

static double power_of(const struct et__switching *net, size_t p)
{
    return (double)(1U << (ET__SWITCHING_STORED - net->bits[p]));
}

double et__switching_scale(const struct et__switching *net, size_t l, size_t p)
{
    return value_of(&net->layer[l].log_scale) * power_of(net, p) * et__switching_in_step(net, l, p);
}

static struct pass pass_of(struct et__switching *net, size_t l, size_t p)
{
    struct et__switching_layer *layer = &net->layer[l];
    double power = power_of(net, p);
    return (struct pass){
        .net = net,
        .layer = layer,
        .rounded = net->rounded,
        .scale = et__switching_scale(net, l, p),
        .step = layer->last ? 0 : value_of(&layer->at[p].log_step),
        .code_max = (double)((1U << net->code_bits) - 1),
        .power = power,
        .top = power > 1 ? 128 - power / 2 : 128,
        .bias = layer->at[p].bias.value,
    };
}

/* ------------------------------------------------------------------------------- forward -- */

static void input_row(void *user, size_t r, size_t worker)
{
    (void)worker;
    const struct pass *p = user;
    const float *x = p->in.data + r * p->in.stride;
    float *u = p->out.data + r * p->out.stride, max = (float)p->code_max;
    for (size_t j = 0; j < p->in.cols; j++) {
        float code = floorf(x[j] * max + 0.5F);
        u[j] = code > 0 ? (code < max ? code : max) : 0; /* also what is no number */
    }
}

void et__switching_input(struct et__switching *net, struct et_view x)
{
    struct et_view code = et_view_rows(et_array_view(&net->layer[0].code), 0, x.rows);
    struct pass p = {.in = x, .out = code, .code_max = (double)((1U << net->in_bits) - 1)};
    et_parallel_for(x.rows, input_row, &p);
}

static void quantise_row(void *user, size_t o, size_t worker)
{
    (void)worker;
    const struct pass *p = user;
    const struct et__switching_layer *layer = p->layer;
    const float *w = layer->weight.value + o * layer->n_in;
    float *stored = layer->stored.data + o * layer->n_in, *q = layer->q.data + o * layer->n_in;
    float inverse = (float)(1.0 / p->step);
    for (size_t j = 0; j < layer->n_in; j++) {
        float r = floorf(w[j] * inverse + 0.5F);
        r = r >= -128 ? (r <= 127 ? r : 127) : -128; /* also of a NaN, which the loss reports */
        stored[j] = r;
        q[j] = (float)p->rounded[(int)r + 128];
    }
}

void et__switching_quantise(struct et__switching *net, size_t precision)
{
    for (int q = -128; q < 128; q++)
        net->rounded[q + 128] = (int8_t)et_bnn_round(q, ET__SWITCHING_STORED, net->bits[precision]);
    for (size_t l = 0; l < net->n_layers; l++) {
        struct et__switching_layer *layer = &net->layer[l];
        struct pass p = {
            .layer = layer, .rounded = net->rounded, .step = value_of(&layer->log_scale)};
        et_parallel_for(layer->n_out, quantise_row, &p);
    }
}

/* The number of levels (k - 1/2) step, k = 1 .. max, that are <= z.  Division gives a first guess,
 * comparison the answer of the levels themselves, as folded thresholds give it. */
static double code_of(double z, double step, double max)
{
    double k = floor(z / step + 0.5);
    k = k > 0 ? (k < max ? k : max) : 0;
    while (k < max && z >= (k + 0.5) * step)
        k++;
    while (k > 0 && z < (k - 0.5) * step)
        k--;
    return k;
}

static void code_row(void *user, size_t r, size_t worker)
{
    (void)worker;
    const struct pass *p = user;
    const float *acc = p->in.data + r * p->in.stride;
    float *code = p->out.data + r * p->out.stride;
    for (size_t j = 0; j < p->in.cols; j++) {
        double z = p->scale * (double)acc[j] + (double)p->bias[j];
        code[j] = (float)code_of(z, p->step, p->code_max);
    }
}

/* Sums of layer l from its codes. */
static struct et_view sums(struct et__switching *net, size_t l, size_t rows)
{
    struct et__switching_layer *layer = &net->layer[l];
    struct et_view u = et_view_rows(et_array_view(&layer->code), 0, rows);
    struct et_view acc = et_view_rows(et_array_view(&layer->acc), 0, rows);
    et_gemm(ET_PLAIN, ET_TRANSPOSED, 1, u, et_array_view(&layer->q), 0, acc);
    return acc;
}

static void codes(struct et__switching *net, size_t l, size_t precision, struct et_view acc)
{
    struct pass p = pass_of(net, l, precision);
    p.in = acc;
    p.out = et_view_rows(et_array_view(&net->layer[l + 1].code), 0, acc.rows);
    et_parallel_for(acc.rows, code_row, &p);
}

void et__switching_forward(struct et__switching *net, size_t precision, size_t rows)
{
    et__switching_quantise(net, precision);
    for (size_t l = 0; l < net->n_layers; l++) {
        struct et_view acc = sums(net, l, rows);
        if (l + 1 < net->n_layers) codes(net, l, precision, acc);
    }
}

void et__switching_scores(const struct et__switching *net, size_t precision, struct et_view acc,
                          struct et_view score)
{
    size_t last = net->n_layers - 1;
    double scale = et__switching_scale(net, last, precision);
    const float *bias = net->layer[last].at[precision].bias.value;
    for (size_t r = 0; r < acc.rows; r++)
        for (size_t j = 0; j < acc.cols; j++)
            score.data[r * score.stride + j] =
                (float)(scale * (double)acc.data[r * acc.stride + j] + (double)bias[j]);
}

/* A quarter of the mean magnitude: 15 codes reach 3 standard deviations of a normal z. */
void et__switching_calibrate(struct et__switching *net, size_t precision, size_t rows)
{
    et__switching_quantise(net, precision);
    for (size_t l = 0; l + 1 < net->n_layers; l++) {
        struct et__switching_layer *layer = &net->layer[l];
        struct et_view acc = sums(net, l, rows);
        double scale = et__switching_scale(net, l, precision), sum = 0;
        for (size_t k = 0; k < rows * layer->n_out; k++)
            sum += fabs(scale * (double)acc.data[k]);
        double mean = sum / (double)(rows * layer->n_out);
        double step = 3.75 * mean / (double)((1U << net->code_bits) - 1);
        layer->at[precision].log_step.value[0] = (float)log(fmax(step, 1e-6));
        codes(net, l, precision, acc);
    }
}

/* ------------------------------------------------------------------------------ backward -- */

/* d = dL/dh of the layer's codes' values becomes dL/dz; part[r] = dL/d(ln t_b) of the row. */
static void code_gradient_row(void *user, size_t r, size_t worker)
{
    (void)worker;
    const struct pass *p = user;
    const float *acc = p->in.data + r * p->in.stride;
    float *d = p->out.data + r * p->out.stride;
    double sum = 0;
    for (size_t j = 0; j < p->in.cols; j++) {
        double z = p->scale * (double)acc[j] + (double)p->bias[j];
        double code = code_of(z, p->step, p->code_max), g = (double)d[j];
        bool inside = z >= 0 && z <= (p->code_max + 0.5) * p->step;
        sum += g * (code * p->step - (inside ? z : 0));
        if (!inside) d[j] = 0;
    }
    p->layer->part[r] = sum;
}

/* dL/d(value of a weight) becomes dL/d(latent weight); part[o] = dL/d(ln s) of the row. */
static void weight_gradient_row(void *user, size_t o, size_t worker)
{
    (void)worker;
    const struct pass *p = user;
    const struct et__switching_layer *layer = p->layer;
    size_t n = layer->n_in;
    const float *w = layer->weight.value + o * n, *q = layer->q.data + o * n;
    const float *stored = layer->stored.data + o * n;
    float *g = layer->weight.gradient + o * n;
    double s = p->step, sum = 0;
    for (size_t j = 0; j < n; j++) {
        double v = (double)w[j] / s, value = s * p->power * (double)q[j];
        bool inside = v >= -128 && v <= 127 && (double)stored[j] < p->top;
        sum += (double)g[j] * (value - (inside ? (double)w[j] : 0));
        if (!inside) g[j] = 0;
    }
    layer->part[o] = sum;
}

static double sum_of(const double *part, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += part[i];
    return sum;
}

static void bias_gradient(struct et_view dz, float *gradient)
{
    memset(gradient, 0, dz.cols * sizeof *gradient);
    for (size_t r = 0; r < dz.rows; r++)
        for (size_t j = 0; j < dz.cols; j++)
            gradient[j] += dz.data[r * dz.stride + j];
}

/* Gradients of layer l from its dz; dL/dh of the layer below goes into that layer's dz and on
 * through its codes. */
static void layer_gradient(struct et__switching *net, size_t l, size_t precision, size_t rows)
{
    struct et__switching_layer *layer = &net->layer[l];
    struct et_view dz = et_view_rows(et_array_view(&layer->dz), 0, rows);
    struct et_view u = et_view_rows(et_array_view(&layer->code), 0, rows);
    double in_step = et__switching_in_step(net, l, precision);
    et_gemm(ET_TRANSPOSED, ET_PLAIN, (float)in_step, dz, u, 0, et_tensor_gradient(&layer->weight));
    bias_gradient(dz, layer->at[precision].bias.gradient);
    struct pass p = pass_of(net, l, precision);
    p.step = value_of(&layer->log_scale);
    et_parallel_for(layer->n_out, weight_gradient_row, &p);
    layer->log_scale.gradient[0] = (float)sum_of(layer->part, layer->n_out);
    if (l == 0) return;
    struct et__switching_layer *below = &net->layer[l - 1];
    struct et_view dh = et_view_rows(et_array_view(&below->dz), 0, rows);
    et_gemm(ET_PLAIN, ET_PLAIN, (float)(p.step * p.power), dz, et_array_view(&layer->q), 0, dh);
    struct pass through = pass_of(net, l - 1, precision);
    through.in = et_view_rows(et_array_view(&below->acc), 0, rows);
    through.out = dh;
    et_parallel_for(rows, code_gradient_row, &through);
    below->at[precision].log_step.gradient[0] = (float)sum_of(below->part, rows);
}

double et__switching_eta(unsigned stored, unsigned bits)
{
    unsigned d = stored - bits;
    return d % 2 == 0 ? pow(10, -(double)d / 2) : 5 * pow(10, -((double)d + 1) / 2);
}

double et__switching_rate(double eta, double rate, double mean_gradient, double floor)
{
    return eta * fmax(rate - mean_gradient, floor * rate);
}

/* Gradients of steps are divided by sqrt(n q_max), as learned steps are, before they are compared
 * with a learning rate. */
static double normalised(const struct et_tensor *step, size_t n, double q_max)
{
    return fmin(fabs((double)step->gradient[0]) / sqrt((double)n * q_max), 1);
}

static double mean_gradient(const struct et__switching *net, size_t precision, size_t rows)
{
    double sum = 0, code_max = (double)((1U << net->code_bits) - 1);
    for (size_t l = 0; l < net->n_layers; l++) {
        const struct et__switching_layer *layer = &net->layer[l];
        sum += normalised(&layer->log_scale, layer->n_out * layer->n_in, 127);
        if (!layer->last)
            sum += normalised(&layer->at[precision].log_step, rows * layer->n_out, code_max);
    }
    return sum / (double)(2 * net->n_layers - 1);
}

static void update(struct et__switching *net, size_t precision, size_t rows, double progress,
                   uint64_t count)
{
    const struct et__optimiser *weights = &net->optimiser, *steps = &net->scale_optimiser;
    double rate = et__optimiser_rate(weights, progress);
    double step_rate = et__optimiser_rate(steps, progress);
    if (net->alrs)
        step_rate =
            et__switching_rate(et__switching_eta(ET__SWITCHING_STORED, net->bits[precision]),
                               step_rate, mean_gradient(net, precision, rows), net->floor);
    /* Each precision has its own biases and steps: they have moved once for all others' once. */
    uint64_t own = net->joint ? (count + net->n_bits - 1) / net->n_bits : count;
    for (size_t l = 0; l < net->n_layers; l++) {
        struct et__switching_layer *layer = &net->layer[l];
        et__optimiser_step(weights, &layer->weight, rate, count);
        et__optimiser_step(steps, &layer->log_scale, step_rate, count);
        et__optimiser_step(weights, &layer->at[precision].bias, rate, own);
        if (!layer->last) et__optimiser_step(steps, &layer->at[precision].log_step, step_rate, own);
    }
}

double et__switching_learn(struct et__switching *net, size_t precision, const int32_t *label,
                           size_t rows, double progress, uint64_t count)
{
    struct et__switching_layer *last = &net->layer[net->n_layers - 1];
    et__switching_forward(net, precision, rows);
    struct et_view dz = et_view_rows(et_array_view(&last->dz), 0, rows);
    et__switching_scores(net, precision, et_view_rows(et_array_view(&last->acc), 0, rows), dz);
    double loss = et__cross_entropy(dz, label);
    for (size_t l = net->n_layers; l-- > 0;)
        layer_gradient(net, l, precision, rows);
    update(net, precision, rows, progress, count);
    return loss;
}
