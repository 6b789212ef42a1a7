/* SPDX-License-Identifier: Apache-2.0
 *
 * The knobs of the network: blocks, first values, legal values. */
#include "hyperbolic/hyperbolic.h"

#include <etalon/rng.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Learned curvatures stay in the range of the parameter. */
static const double c_min = 1e-6, c_max = 1000;

static bool has_points(const struct et__hyp_node *node)
{
    return node->kind == ET__HYP_PROTOTYPES || node->kind == ET__HYP_EMBEDDING;
}

/* ------------------------------------------------------------------------------ blocks -- */

static void add_block(struct et__hyperbolic *net, const char *what, size_t node, size_t rows,
                      size_t cols, enum et_knob_kind kind)
{
    size_t i = net->n_blocks++;
    const struct et_knob_block *before = i > 0 ? &net->block[i - 1] : NULL;
    struct et_knob_block *block = &net->block[i];
    *block = (struct et_knob_block){.rows = rows, .cols = cols, .kind = kind};
    block->first = before ? before->first + before->rows * before->cols : 0;
    if (node < net->n_nodes)
        snprintf(net->name[i], sizeof net->name[i], "%zu.%s", node, what);
    else
        snprintf(net->name[i], sizeof net->name[i], "%s", what);
    block->name = net->name[i];
    if (kind == ET_KNOB_MANIFOLD) {
        block->manifold = &et__poincare_manifold;
        block->curvature = &net->c;
    }
}

static enum et_status make_blocks(struct et__hyperbolic *net)
{
    size_t most = 4 * net->n_nodes + 1;
    if (!(net->block = et_alloc(most, sizeof *net->block))) return ET_NOMEM;
    if (!(net->name = et_alloc(most, sizeof *net->name))) return ET_NOMEM;
    for (size_t i = 0; i < net->n_nodes; i++) {
        const struct et__hyp_node *node = &net->node[i];
        size_t n = node->in.channels;
        if (node->kind == ET__HYP_PLANES) {
            add_block(net, "normals", i, node->n_out, node->n_patch, ET_KNOB_PLAIN);
            add_block(net, "offsets", i, 1, node->n_out, ET_KNOB_PLAIN);
        } else if (node->kind == ET__HYP_NORM) {
            add_block(net, "gain", i, 1, 1, ET_KNOB_PLAIN);
            add_block(net, "shift", i, 1, n, ET_KNOB_PLAIN);
            add_block(net, "running-mean", i, 1, n, ET_KNOB_KEPT);
            add_block(net, "running-variance", i, 1, 1, ET_KNOB_KEPT);
        } else if (has_points(node)) {
            add_block(net, "points", i, node->n_out, node->n_patch,
                      net->flat ? ET_KNOB_PLAIN : ET_KNOB_MANIFOLD);
        }
    }
    if (net->learn_c) add_block(net, "log-curvature", net->n_nodes, 1, 1, ET_KNOB_PLAIN);
    return ET_OK;
}

/* ----------------------------------------------------------------------- first values -- */

/* Outputs that an input can become begin as that input: z = 1/2 at the centre of a window, which
 * the factors of the layer make 1.  A zero normal has no direction, so further outputs are drawn.
 */
static void start_planes(const struct et__hyp_node *node, float *z, uint64_t seed, size_t i)
{
    size_t n = node->n_patch, out = node->n_out, channels = node->in.channels;
    float sd = (float)(1 / sqrt(2.0 * (double)n * (double)out));
    et_rng_fill_normal(seed, ET_STREAM_INIT, (uint32_t)i, 0, z, n * out);
    for (size_t k = 0; k < n * out; k++)
        z[k] *= sd;
    bool window = node->out.height * node->out.width > 1 || node->size > 1;
    size_t inputs = window ? channels : n;
    if (!node->identity || (!window && n > out)) return;
    size_t centre = window ? (node->size / 2 * node->size + node->size / 2) * channels : 0;
    for (size_t k = 0; k < inputs && k < out; k++) {
        memset(z + k * n, 0, n * sizeof *z);
        z[k * n + centre + k] = 0.5F / node->beta;
    }
}

static void start_points(const struct et__hyperbolic *net, const struct et__hyp_node *node,
                         float *p, uint64_t seed, size_t i)
{
    size_t n = node->n_patch, count = node->n_out * n;
    et_rng_fill_normal(seed, ET_STREAM_INIT, (uint32_t)i, 0, p, count);
    for (size_t k = 0; k < count; k++)
        p[k] *= node->spread;
    for (size_t row = 0; !net->flat && row < node->n_out; row++) {
        struct et__points_f32 point = {p + row * n, node->log_gap + row, 1, n};
        et__exp0_f32(net->c, p + row * n, point, net->scratch[0].work);
    }
}

static void start(struct et__hyperbolic *net, uint64_t seed, float *knobs)
{
    for (size_t i = 0; i < net->n_nodes; i++) {
        const struct et__hyp_node *node = &net->node[i];
        float *own = knobs + node->knob;
        if (node->kind == ET__HYP_PLANES) {
            start_planes(node, own, seed, i);
        } else if (node->kind == ET__HYP_NORM) {
            own[0] = 1;
            own[1 + 2 * node->in.channels] = 1;
        } else if (has_points(node)) {
            start_points(net, node, own, seed, i);
        }
    }
    if (net->learn_c) knobs[net->n_knobs - 1] = (float)log(net->c);
}

static enum et_status make_node(struct et__hyp_node *node)
{
    size_t n = node->in.channels;
    if (node->kind == ET__HYP_PLANES) {
        size_t panels = (node->n_out + ET__PANEL - 1) / ET__PANEL;
        ET_TRY(et__panels_create(&node->ahead, node->n_patch, panels));
        panels = (node->n_patch + ET__PANEL - 1) / ET__PANEL;
        ET_TRY(et__panels_create(&node->back, node->n_out, panels));
        if (!(node->table = et_alloc(4 * node->n_out, sizeof *node->table))) return ET_NOMEM;
        if (!(node->length = et_alloc(node->n_out, sizeof *node->length))) return ET_NOMEM;
    } else if (node->kind == ET__HYP_NORM) {
        if (!(node->shift = et_alloc(n, sizeof *node->shift))) return ET_NOMEM;
        if (!(node->mean = et_alloc(n, sizeof *node->mean))) return ET_NOMEM;
        if (!(node->batch_mean = et_alloc(n, sizeof *node->batch_mean))) return ET_NOMEM;
        if (!(node->batch_sums = et_alloc(n + 2, sizeof *node->batch_sums))) return ET_NOMEM;
    } else if (has_points(node)) {
        if (!(node->log_gap = et_alloc(node->n_out, sizeof *node->log_gap))) return ET_NOMEM;
    }
    return ET_OK;
}

enum et_status et__hyp_knobs_create(struct et__hyperbolic *net)
{
    ET_TRY(make_blocks(net));
    for (size_t i = 0; i < net->n_nodes; i++)
        ET_TRY(make_node(&net->node[i]));
    if (!(net->knobs = et_alloc(net->n_knobs, sizeof *net->knobs))) return ET_NOMEM;
    return ET_OK;
}

void et__hyp_start(struct et__hyperbolic *net, uint64_t seed)
{
    start(net, seed, net->knobs);
    et__hyp_take_knobs(net, net->knobs);
}

/* ----------------------------------------------------------------------- legal values -- */

static enum et_status check_points(const struct et__hyperbolic *net,
                                   const struct et__hyp_node *node, size_t i, const float *p)
{
    size_t n = node->n_patch;
    for (size_t row = 0; row < node->n_out; row++) {
        double square = 0;
        for (size_t k = 0; k < n; k++)
            square += (double)p[row * n + k] * (double)p[row * n + k];
        if (net->c * square >= 1)
            return et_error_set(ET_INVALID,
                                "point %zu of layer %zu is outside the ball: |p| = %.9g is not "
                                "below 1/sqrt(c) = %.9g",
                                row, i, sqrt(square), 1 / sqrt(net->c));
    }
    return ET_OK;
}

enum et_status et__hyp_check_knobs(const struct et__hyperbolic *net, const float *knobs)
{
    for (size_t i = 0; i < net->n_nodes; i++) {
        const struct et__hyp_node *node = &net->node[i];
        const float *own = knobs + node->knob;
        if (has_points(node) && !net->flat) ET_TRY(check_points(net, node, i, own));
        if (node->kind != ET__HYP_NORM) continue;
        float variance = own[1 + 2 * node->in.channels];
        if (variance < 0)
            return et_error_set(ET_INVALID, "running variance of layer %zu = %g is below 0", i,
                                (double)variance);
    }
    if (!net->learn_c) return ET_OK;
    double c = exp((double)knobs[net->n_knobs - 1]);
    if (c >= c_min && c <= c_max) return ET_OK;
    /* Rounding the ends of the range to a float may not put them outside. */
    if (c >= c_min * (1 - 1e-6) && c <= c_max * (1 + 1e-6)) return ET_OK;
    return et_error_set(ET_INVALID, "curvature c = exp(%.9g) = %.9g is outside [%g, %g]",
                        (double)knobs[net->n_knobs - 1], c, c_min, c_max);
}

static void take_norm(struct et__hyp_node *node, const float *own)
{
    size_t n = node->in.channels;
    node->gain = (double)own[0];
    for (size_t k = 0; k < n; k++) {
        node->shift[k] = (double)own[1 + k];
        node->mean[k] = (double)own[1 + n + k];
    }
    node->variance = (double)own[1 + 2 * n];
}

void et__hyp_take_knobs(struct et__hyperbolic *net, const float *knobs)
{
    if (knobs != net->knobs) memcpy(net->knobs, knobs, net->n_knobs * sizeof *knobs);
    if (net->learn_c) net->c = exp((double)net->knobs[net->n_knobs - 1]);
    for (size_t i = 0; i < net->n_nodes; i++) {
        struct et__hyp_node *node = &net->node[i];
        if (node->kind == ET__HYP_PLANES) et__hyp_planes_take(net, node);
        if (node->kind == ET__HYP_NORM) take_norm(node, net->knobs + node->knob);
        if (has_points(node)) et__hyp_points_take(net, node);
    }
}
