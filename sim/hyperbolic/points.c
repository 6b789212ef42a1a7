/* SPDX-License-Identifier: Apache-2.0
 *
 * Layers whose knobs are points of the ball: prototypes, y_k = -d(exp0 u, p_k)^2 or its root, and
 * embeddings, y = log0 p_i for an input that rounds to i.  In flat space d = 2 |u - p|, y = p_i. */
#include "hyperbolic/hyperbolic.h"

#include <math.h>
#include <string.h>

/* Point `row` of the node's knobs, or its adjoint in dknobs. */
static struct et__points_f32 knob_point(const struct et__hyp_node *node, const float *knobs,
                                        size_t row, float *log_gap)
{
    float *p = (float *)knobs + node->knob + row * node->n_patch;
    return (struct et__points_f32){p, log_gap, 1, node->n_patch};
}

void et__hyp_points_take(struct et__hyperbolic *net, struct et__hyp_node *node)
{
    struct et__points_f32 all = {net->knobs + node->knob, node->log_gap, node->n_out,
                                 node->n_patch};
    if (!net->flat) et__point_f32(net->c, all, net->scratch[0].work);
}

/* -------------------------------------------------------------------------- prototypes -- */

static void flat_distances(const struct et__hyp_node *node, const float *p, size_t rows,
                           const float *u, float *d)
{
    size_t n = node->n_patch;
    for (size_t r = 0; r < rows; r++) {
        double square = 0;
        for (size_t k = 0; k < n; k++)
            square += (double)(u[r * n + k] - p[k]) * (double)(u[r * n + k] - p[k]);
        d[r] = 2 * (float)sqrt(square);
    }
}

/* d = 2 |u - p|: dd/du = 4 (u - p)/d; nothing where the two are one. */
static void flat_distances_back(const struct et__hyp_node *node, const float *p, size_t rows,
                                const float *u, const float *d, const float *dd, float *du,
                                float *dp)
{
    size_t n = node->n_patch;
    for (size_t r = 0; r < rows; r++) {
        float factor = d[r] > 0 ? 4 * dd[r] / d[r] : 0;
        for (size_t k = 0; k < n; k++) {
            float step = factor * (u[r * n + k] - p[k]);
            du[r * n + k] += step;
            dp[k] -= step;
        }
    }
}

/* Distances of a tile from point `row`, into scratch->d. */
static void distances(const struct et__hyperbolic *net, const struct et__hyp_node *node,
                      const struct et__hyp_tile *tile, const float *u, size_t row)
{
    const struct et__hyp_scratch *s = tile->scratch;
    struct et__points_f32 p = knob_point(node, net->knobs, row, node->log_gap + row);
    struct et__points_f32 x = {s->point, s->gap, tile->count, node->n_patch};
    if (net->flat)
        flat_distances(node, p.x, tile->count, u, s->d);
    else
        et__distance_f32(net->c, x, p, s->d, s->work);
}

static void lift(const struct et__hyperbolic *net, const struct et__hyp_node *node,
                 const struct et__hyp_tile *tile, const float *u)
{
    const struct et__hyp_scratch *s = tile->scratch;
    struct et__points_f32 x = {s->point, s->gap, tile->count, node->n_patch};
    if (!net->flat) et__exp0_f32(net->c, u, x, s->work);
}

void et__hyp_prototypes(const struct et__hyperbolic *net, const struct et__hyp_node *node,
                        const struct et__hyp_tile *tile, const float *x, float *y)
{
    const float *d = tile->scratch->d;
    lift(net, node, tile, x);
    for (size_t k = 0; k < node->n_out; k++) {
        distances(net, node, tile, x, k);
        for (size_t r = 0; r < tile->count; r++)
            y[r * node->n_out + k] = node->square ? -d[r] * d[r] : -d[r];
    }
}

void et__hyp_prototypes_back(const struct et__hyperbolic *net, const struct et__hyp_node *node,
                             const struct et__hyp_tile *tile, const float *x, float *dx,
                             const float *dy, struct et__hyp_part *part)
{
    const struct et__hyp_scratch *s = tile->scratch;
    size_t rows = tile->count, n = node->n_patch;
    struct et__points_f32 point = {s->point, s->gap, rows, n},
                          dpoint = {s->dpoint, s->dgap, rows, n};
    memset(s->dpoint, 0, rows * n * sizeof *s->dpoint);
    memset(s->dgap, 0, rows * sizeof *s->dgap);
    lift(net, node, tile, x);
    for (size_t k = 0; k < node->n_out; k++) {
        float gap = 0;
        struct et__points_f32 p = knob_point(node, net->knobs, k, node->log_gap + k);
        struct et__points_f32 dp = knob_point(node, part->dknobs, k, &gap);
        distances(net, node, tile, x, k);
        for (size_t r = 0; r < rows; r++) {
            float d = dy[r * node->n_out + k];
            s->dd[r] = node->square ? -2 * s->d[r] * d : -d;
        }
        if (net->flat) {
            flat_distances_back(node, p.x, rows, x, s->d, s->dd, dx, dp.x);
            continue;
        }
        et__distance_back_f32(net->c, point, p, s->dd, dpoint, dp, NULL, s->work);
        et__point_back_f32(net->c, p, dp, NULL, s->work);
    }
    if (!net->flat) et__exp0_back_f32(net->c, x, dpoint, dx, NULL, s->work);
}

/* --------------------------------------------------------------------------- embedding -- */

static size_t index_of(const struct et__hyp_node *node, float x)
{
    size_t i = (size_t)lroundf(x);
    return i < node->n_out ? i : node->n_out - 1;
}

void et__hyp_embedding(const struct et__hyperbolic *net, const struct et__hyp_node *node,
                       const struct et__hyp_tile *tile, const float *x, float *y)
{
    size_t n = node->n_patch;
    for (size_t r = 0; r < tile->count; r++, y += n) {
        size_t i = index_of(node, x[r]);
        struct et__points_f32 p = knob_point(node, net->knobs, i, node->log_gap + i);
        if (net->flat)
            memcpy(y, p.x, n * sizeof *y);
        else
            et__log0_f32(p, y, tile->scratch->work);
    }
}

void et__hyp_embedding_back(const struct et__hyperbolic *net, const struct et__hyp_node *node,
                            const struct et__hyp_tile *tile, const float *x, const float *dy,
                            struct et__hyp_part *part)
{
    size_t n = node->n_patch;
    for (size_t r = 0; r < tile->count; r++, dy += n) {
        float gap = 0;
        size_t i = index_of(node, x[r]);
        struct et__points_f32 p = knob_point(node, net->knobs, i, node->log_gap + i);
        struct et__points_f32 dp = knob_point(node, part->dknobs, i, &gap);
        if (net->flat) {
            for (size_t k = 0; k < n; k++)
                dp.x[k] += dy[k];
            continue;
        }
        et__log0_back_f32(p, dy, dp, tile->scratch->work);
        et__point_back_f32(net->c, p, dp, NULL, tile->scratch->work);
    }
}
