/* SPDX-License-Identifier: Apache-2.0
 *
 * One node, a tile of rows: forward and back.  ReLU and pooling act on the tangent numbers. */
#include "hyperbolic/hyperbolic.h"

#include <string.h>

static size_t pixels(struct et__hyp_shape shape)
{
    return shape.height * shape.width;
}

/* ---------------------------------------------------------------------------- pooling -- */

struct place {
    const struct et__hyp_node *node;
    size_t y, x, channel;
};

/* Number, in an image, of the largest element of a window; the first of equals. */
static size_t largest(const struct place *p, const float *image)
{
    const struct et__hyp_node *node = p->node;
    size_t best = 0;
    for (size_t i = 0; i < node->size; i++)
        for (size_t j = 0; j < node->size; j++) {
            size_t at = ((p->y * node->stride + i) * node->in.width + p->x * node->stride + j) *
                            node->in.channels +
                        p->channel;
            if (i + j == 0 || image[at] > image[best]) best = at;
        }
    return best;
}

static float window_sum(const struct place *p, const float *image)
{
    const struct et__hyp_node *node = p->node;
    float sum = 0;
    for (size_t i = 0; i < node->size; i++)
        for (size_t j = 0; j < node->size; j++)
            sum += image[((p->y * node->stride + i) * node->in.width + p->x * node->stride + j) *
                             node->in.channels +
                         p->channel];
    return sum;
}

static void window_add(const struct place *p, float value, float *image)
{
    const struct et__hyp_node *node = p->node;
    for (size_t i = 0; i < node->size; i++)
        for (size_t j = 0; j < node->size; j++)
            image[((p->y * node->stride + i) * node->in.width + p->x * node->stride + j) *
                      node->in.channels +
                  p->channel] += value;
}

/* One sample forward (dx NULL), or back. */
static void pool(const struct et__hyp_node *node, const float *x, float *y, float *dx,
                 const float *dy)
{
    float share = 1.0F / (float)(node->size * node->size);
    size_t at = 0;
    struct place p = {.node = node};
    for (p.y = 0; p.y < node->out.height; p.y++)
        for (p.x = 0; p.x < node->out.width; p.x++)
            for (p.channel = 0; p.channel < node->out.channels; p.channel++, at++) {
                if (dx == NULL)
                    y[at] = node->max ? x[largest(&p, x)] : share * window_sum(&p, x);
                else if (node->max)
                    dx[largest(&p, x)] += dy[at];
                else
                    window_add(&p, share * dy[at], dx);
            }
}

/* -------------------------------------------------------------------------------- sums -- */

static void add(const struct et__hyperbolic *net, const struct et__hyp_tile *tile,
                const struct et__hyp_node *node, const float *a, const float *b, float *y)
{
    size_t rows = tile->count * pixels(node->out), n = node->out.channels;
    if (!net->flat) {
        et__add_tangents_f32(net->c, rows, n, a, b, y, tile->scratch->work);
        return;
    }
    for (size_t k = 0; k < rows * n; k++)
        y[k] = a[k] + b[k];
}

static void add_back(const struct et__hyperbolic *net, const struct et__hyp_tile *tile,
                     const struct et__hyp_node *node, const float *dy, struct et__hyp_part *part)
{
    size_t rows = tile->count * pixels(node->out), n = node->out.channels;
    float *da = et__hyp_gradient(net, tile->room, node->from, tile->first);
    float *db = et__hyp_gradient(net, tile->room, node->other, tile->first);
    if (!net->flat) {
        const float *a = et__hyp_value(net, tile->room, node->from, tile->first);
        const float *b = et__hyp_value(net, tile->room, node->other, tile->first);
        et__add_tangents_back_f32(net->c, rows, n, a, b, dy, da, db, &part->dc,
                                  tile->scratch->work);
        return;
    }
    for (size_t k = 0; k < rows * n; k++) {
        da[k] += dy[k];
        db[k] += dy[k];
    }
}

/* --------------------------------------------------------------------------- any node -- */

void et__hyp_forward(const struct et__hyperbolic *net, size_t i, const struct et__hyp_tile *tile)
{
    const struct et__hyp_node *node = &net->node[i];
    size_t n_in = et__hyp_numbers(node->in), n_out = et__hyp_numbers(node->out);
    const float *x = et__hyp_value(net, tile->room, node->from, tile->first);
    float *y = et__hyp_value(net, tile->room, i + 1, tile->first);
    switch (node->kind) {
    case ET__HYP_PLANES:
        et__hyp_planes(net, node, tile, x, y);
        break;
    case ET__HYP_NORM:
        et__hyp_norm(net, node, node->mean, node->variance, tile->count * pixels(node->in), x, y,
                     tile->scratch->work);
        break;
    case ET__HYP_RELU:
        for (size_t k = 0; k < tile->count * n_out; k++)
            y[k] = x[k] > 0 ? x[k] : 0;
        break;
    case ET__HYP_POOL:
        for (size_t r = 0; r < tile->count; r++)
            pool(node, x + r * n_in, y + r * n_out, NULL, NULL);
        break;
    case ET__HYP_ADD:
        add(net, tile, node, x, et__hyp_value(net, tile->room, node->other, tile->first), y);
        break;
    case ET__HYP_PROTOTYPES:
        et__hyp_prototypes(net, node, tile, x, y);
        break;
    case ET__HYP_EMBEDDING:
        et__hyp_embedding(net, node, tile, x, y);
        break;
    }
}

void et__hyp_clear(const struct et__hyperbolic *net, size_t i, const struct et__hyp_tile *tile)
{
    const struct et__hyp_node *node = &net->node[i];
    size_t bytes = tile->count * et__hyp_numbers(node->in) * sizeof(float);
    if (node->first_from)
        memset(et__hyp_gradient(net, tile->room, node->from, tile->first), 0, bytes);
    if (node->first_other)
        memset(et__hyp_gradient(net, tile->room, node->other, tile->first), 0, bytes);
}

void et__hyp_backward(const struct et__hyperbolic *net, size_t i, const struct et__hyp_tile *tile,
                      struct et__hyp_part *part)
{
    const struct et__hyp_node *node = &net->node[i];
    size_t n_in = et__hyp_numbers(node->in), n_out = et__hyp_numbers(node->out);
    const float *x = et__hyp_value(net, tile->room, node->from, tile->first);
    float *dx = et__hyp_gradient(net, tile->room, node->from, tile->first);
    const float *dy = et__hyp_gradient(net, tile->room, i + 1, tile->first);
    switch (node->kind) {
    case ET__HYP_PLANES:
        et__hyp_planes_back(net, node, tile, x, dx, dy, part);
        break;
    case ET__HYP_NORM:
        et__hyp_norm_back(net, node, node->mean, node->variance, tile->count * pixels(node->in), x,
                          dy, dx, part->sums + node->sum, &part->dc, tile->scratch->work);
        break;
    case ET__HYP_RELU:
        for (size_t k = 0; k < tile->count * n_out; k++)
            dx[k] += x[k] > 0 ? dy[k] : 0;
        break;
    case ET__HYP_POOL:
        for (size_t r = 0; r < tile->count; r++)
            pool(node, x + r * n_in, NULL, dx + r * n_in, dy + r * n_out);
        break;
    case ET__HYP_ADD:
        add_back(net, tile, node, dy, part);
        break;
    case ET__HYP_PROTOTYPES:
        et__hyp_prototypes_back(net, node, tile, x, dx, dy, part);
        break;
    case ET__HYP_EMBEDDING:
        et__hyp_embedding_back(net, node, tile, x, dy, part);
        break;
    }
}
