/* SPDX-License-Identifier: Apache-2.0
 *
 * The digital readout: h = act(W t + b) and its local gradient. */
#include "network.h"

#include <etalon/parallel.h>

#include <math.h>

/* Elements that make a task of a parallel loop worth its while. */
enum { TASK = 16384 };

struct pass {
    const struct et__stage *stage;
    struct et_view h, d;
    size_t rows; /* of a task */
};

static size_t rows_of_task(size_t cols)
{
    return cols < TASK ? TASK / cols : 1;
}

ET_VECTOR_CLONES
static void add_and_activate(float *restrict z, const float *restrict bias, size_t n,
                             enum et__activation activation)
{
    switch (activation) {
    case ET__LINEAR:
        for (size_t j = 0; j < n; j++)
            z[j] += bias[j];
        break;
    case ET__RELU:
        for (size_t j = 0; j < n; j++) {
            float v = z[j] + bias[j];
            z[j] = v > 0 ? v : 0;
        }
        break;
    case ET__TANH:
        for (size_t j = 0; j < n; j++)
            z[j] = tanhf(z[j] + bias[j]);
        break;
    }
}

static void activate_rows(void *user, size_t i, size_t worker)
{
    (void)worker;
    const struct pass *p = user;
    size_t first = i * p->rows, last = first + p->rows < p->h.rows ? first + p->rows : p->h.rows;
    for (size_t r = first; r < last; r++)
        add_and_activate(p->h.data + r * p->h.stride, p->stage->bias.value, p->h.cols,
                         p->stage->activation);
}

bool et__stage_is_direct(const struct et__stage *stage)
{
    return stage->outputs && stage->system == stage->physical;
}

void et__stage_readout(struct et__network *network, size_t i, struct et_view t,
                       struct et_view h_out)
{
    const struct et__stage *stage = &network->stage[i];
    struct pass p = {.stage = stage, .h = h_out, .rows = rows_of_task(h_out.cols)};
    if (et__stage_is_direct(stage)) {
        et_view_copy(h_out, t);
        if (stage->activation != ET__LINEAR)
            et_parallel_for((h_out.rows + p.rows - 1) / p.rows, activate_rows, &p);
        return;
    }
    et_gemm(ET_PLAIN, ET_TRANSPOSED, 1, t, et_tensor_view(&stage->weight), 0, h_out);
    et_parallel_for((h_out.rows + p.rows - 1) / p.rows, activate_rows, &p);
    network->digital_macs += (double)t.rows * (double)stage->n_t * (double)stage->width;
}

/* From the activity alone, without the pre-activation: tanh' = 1 - h^2, ReLU' = [h > 0]. */
ET_VECTOR_CLONES
static void backward(float *restrict d, const float *restrict h, size_t n,
                     enum et__activation activation)
{
    if (activation == ET__RELU)
        for (size_t j = 0; j < n; j++)
            d[j] = h[j] > 0 ? d[j] : 0;
    else if (activation == ET__TANH)
        for (size_t j = 0; j < n; j++)
            d[j] *= 1.0F - h[j] * h[j];
}

static void backward_rows(void *user, size_t i, size_t worker)
{
    (void)worker;
    const struct pass *p = user;
    size_t first = i * p->rows, last = first + p->rows < p->d.rows ? first + p->rows : p->d.rows;
    for (size_t r = first; r < last; r++)
        backward(p->d.data + r * p->d.stride, p->h.data + r * p->h.stride, p->d.cols,
                 p->stage->activation);
}

/* sum[j] = sum over rows of d[.][j], in the order of the rows. */
ET_VECTOR_CLONES
static void sum_rows(struct et_view d, float *restrict sum)
{
    for (size_t j = 0; j < d.cols; j++)
        sum[j] = 0;
    for (size_t r = 0; r < d.rows; r++) {
        const float *restrict row = d.data + r * d.stride;
        for (size_t j = 0; j < d.cols; j++)
            sum[j] += row[j];
    }
}

void et__stage_gradient(struct et__network *network, size_t i, struct et_view t,
                        struct et_view h_out, struct et_view d, bool straight_through)
{
    struct et__stage *stage = &network->stage[i];
    struct pass p = {.stage = stage, .h = h_out, .d = d, .rows = rows_of_task(d.cols)};
    bool pass_through = straight_through && stage->activation == ET__RELU;
    if (stage->activation != ET__LINEAR && !pass_through)
        et_parallel_for((d.rows + p.rows - 1) / p.rows, backward_rows, &p);
    if (et__stage_is_direct(stage)) return;
    et_gemm(ET_TRANSPOSED, ET_PLAIN, 1, d, t, 0, et_tensor_gradient(&stage->weight));
    sum_rows(d, stage->bias.gradient);
    network->digital_macs += (double)t.rows * (double)stage->n_t * (double)stage->width;
}
