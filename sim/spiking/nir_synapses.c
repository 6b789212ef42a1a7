/* SPDX-License-Identifier: Apache-2.0
 *
 * Projections as nodes of NIR. */
#include "nir_export.h"

#include <stdio.h>
#include <string.h>

static double gain_of(const struct et__spk_population *p, size_t j)
{
    return p->gain != NULL ? (double)p->gain[j] : 1;
}

/* Bias of target neuron j with the normalisation that follows; the shift goes to one projection. */
static double bias_of(const struct et__nir_export *x, const struct et__spk_projection *p, size_t j,
                      size_t entry)
{
    const struct et__spk_population *post = &x->net->population[p->target];
    const double bias = p->bias != NULL ? (double)p->bias[entry] : 0;
    const double shift = post->shift != NULL && !x->shifted[p->target] ? (double)post->shift[j] : 0;
    return bias * gain_of(post, j) + shift;
}

static bool has_bias(const struct et__nir_export *x, const struct et__spk_projection *p)
{
    return p->bias != NULL ||
           (x->net->population[p->target].shift != NULL && !x->shifted[p->target]);
}

static enum et_status put_matrix(const struct et__nir_export *x, struct et__nir_node *node,
                                 const struct et__spk_projection *p)
{
    const struct et__spk_population *post = &x->net->population[p->target];
    const size_t n_in = x->net->population[p->source].n, n_out = post->n, dims[2] = {n_out, n_in};
    double *weight = NULL, *bias = NULL;
    ET_TRY(et__nir_set_field(node, ET__NIR_F_WEIGHT, ET_STORE_F32, 2, dims, &weight));
    for (size_t i = 0; i < n_in; i++) {
        const size_t first = p->synapse == ET__SPK_DENSE ? 0 : p->start[i];
        const size_t count = p->synapse == ET__SPK_DENSE ? n_out : p->start[i + 1] - first;
        for (size_t k = 0; k < count; k++) {
            const size_t j = p->synapse == ET__SPK_DENSE ? k : p->column[first + k];
            const size_t at = p->synapse == ET__SPK_DENSE ? i * n_out + k : first + k;
            weight[j * n_in + i] = (double)p->used[at] * gain_of(post, j);
        }
    }
    if (node->kind != ET__NIR_AFFINE) return ET_OK;
    ET_TRY(et__nir_set_field(node, ET__NIR_F_BIAS, ET_STORE_F32, 1, &n_out, &bias));
    for (size_t j = 0; j < n_out; j++)
        bias[j] = bias_of(x, p, j, j);
    return ET_OK;
}

/* Gain and shift of a convolution's target must be those of its channel. */
static enum et_status check_channels(const struct et__spk_population *post)
{
    const size_t area = post->h * post->w;
    for (size_t j = 0; post->gain != NULL && j < post->n; j++)
        if (post->gain[j] != post->gain[j / area * area] ||
            post->shift[j] != post->shift[j / area * area])
            return et__nir_refuse(post,
                                  "scales neurons of one channel differently behind a convolution");
    return ET_OK;
}

static enum et_status put_kernel(const struct et__nir_export *x, struct et__nir_node *node,
                                 const struct et__spk_projection *p)
{
    const struct et__spk_population *pre = &x->net->population[p->source];
    const struct et__spk_population *post = &x->net->population[p->target];
    const bool line = node->kind == ET__NIR_CONV1D;
    const size_t area = p->kernel_h * p->kernel_w, part = pre->c / p->groups;
    const size_t dims[4] = {post->c, pre->c, line ? p->kernel_w : p->kernel_h, p->kernel_w};
    double *weight = NULL, *bias = NULL;
    ET_TRY(check_channels(post));
    ET_TRY(et__nir_set_field(node, ET__NIR_F_WEIGHT, ET_STORE_F32, line ? 3 : 4, dims, &weight));
    ET_TRY(et__nir_set_field(node, ET__NIR_F_BIAS, ET_STORE_F32, 1, &post->c, &bias));
    for (size_t o = 0; o < post->c; o++) {
        const size_t j = o * post->h * post->w, group = o / (post->c / p->groups);
        for (size_t i = 0; i < part * area; i++)
            weight[(o * pre->c + group * part) * area + i] =
                (double)p->used[o * part * area + i] * gain_of(post, j);
        bias[o] = bias_of(x, p, j, o);
    }
    return ET_OK;
}

static enum et_status put_geometry(const struct et__nir_export *x, struct et__nir_node *node,
                                   const struct et__spk_projection *p)
{
    const struct et__spk_population *pre = &x->net->population[p->source];
    const struct et__spk_population *post = &x->net->population[p->target];
    const bool line = node->kind == ET__NIR_CONV1D, pool = p->synapse == ET__SPK_POOL;
    /* A line has scalars, an image pairs. */
    const size_t rank = line ? 0 : 1, n = line ? 1 : 2, skip = line ? 1 : 0;
    const size_t stride[2] = {p->stride_h, p->stride_w}, pad[2] = {p->pad_h, p->pad_w};
    const size_t dilation[2] = {p->dilation_h, p->dilation_w},
                 kernel[2] = {p->kernel_h, p->kernel_w};
    const size_t shape[2] = {pre->h, pre->w}, one = 1;
    if (post->h != et__spk_conv_size(pre->h, p->kernel_h, p->stride_h, p->pad_h, p->dilation_h) ||
        post->w != et__spk_conv_size(pre->w, p->kernel_w, p->stride_w, p->pad_w, p->dilation_w))
        return et_error_set(ET_UNSUPPORTED,
                            "projection '%s': NIR pads all sides alike; %zu x %zu outputs need "
                            "other zeros below or to the right",
                            p->name, post->h, post->w);
    /* The reference reader takes the kernel's height for its width when it computes the shape. */
    if (!pool && !line && p->kernel_h != p->kernel_w)
        return et_error_set(ET_UNSUPPORTED,
                            "projection '%s': the NIR reader checks shapes of square kernels only; "
                            "this one has %zu x %zu",
                            p->name, p->kernel_h, p->kernel_w);
    ET_TRY(et__nir_put_whole(node, ET__NIR_F_STRIDE, rank, n, stride + skip));
    ET_TRY(et__nir_put_whole(node, ET__NIR_F_PADDING, rank, n, pad + skip));
    if (pool) return et__nir_put_whole(node, ET__NIR_F_KERNEL_SIZE, rank, n, kernel);
    ET_TRY(et__nir_put_whole(node, ET__NIR_F_DILATION, rank, n, dilation + skip));
    ET_TRY(et__nir_put_whole(node, ET__NIR_F_GROUPS, 0, 1, &one));
    ET_TRY(et__nir_put_whole(node, ET__NIR_F_INPUT_SHAPE, rank, n, shape + skip));
    return put_kernel(x, node, p);
}

static enum et_status put_scale(const struct et__nir_export *x, struct et__nir_node *node,
                                const struct et__spk_projection *p)
{
    const struct et__spk_population *post = &x->net->population[p->target];
    double *data = NULL;
    size_t dims[3];
    const size_t rank = et__nir_shape_of(x, p->source, dims);
    ET_TRY(et__nir_set_field(node, ET__NIR_F_SCALE, ET_STORE_F32, rank, dims, &data));
    for (size_t j = 0; j < post->n; j++)
        data[j] = (p->used != NULL ? (double)p->used[j] : 1) * gain_of(post, j);
    return ET_OK;
}

/* NULL kind: a plain edge. */
static enum et_status kind_of(const struct et__nir_export *x, const struct et__spk_projection *p,
                              enum et__nir_kind *kind)
{
    const struct et__spk_population *post = &x->net->population[p->target];
    *kind = ET__NIR_KINDS;
    switch (p->synapse) {
    case ET__SPK_DENSE:
    case ET__SPK_SPARSE:
        *kind = has_bias(x, p) ? ET__NIR_AFFINE : ET__NIR_LINEAR;
        return ET_OK;
    case ET__SPK_CONV:
        *kind = x->flat_h[p->source] ? ET__NIR_CONV1D : ET__NIR_CONV2D;
        return ET_OK;
    case ET__SPK_POOL:
        *kind = p->average ? ET__NIR_AVG_POOL2D : ET__NIR_SUM_POOL2D;
        if (post->gain != NULL) return et__nir_refuse(post, "scales what a pool gives");
        return ET_OK;
    case ET__SPK_ONE:
        if (p->bias != NULL)
            return et_error_set(ET_UNSUPPORTED,
                                "projection '%s': NIR has no bias from neuron to neuron", p->name);
        if (p->used != NULL || post->gain != NULL) *kind = ET__NIR_SCALE;
        return ET_OK;
    }
    return ET_OK;
}

static enum et_status add_flatten(struct et__nir_export *x, size_t population, size_t *last)
{
    const struct et__spk_population *p = &x->net->population[population];
    struct et__nir_node *node = NULL;
    char name[256];
    double *data = NULL;
    size_t dims[3];
    snprintf(name, sizeof name, "%.150s.flatten", p->name);
    const size_t index = x->graph->n_nodes, rank = et__nir_shape_of(x, population, dims);
    ET_TRY(et__nir_put_node(x, name, ET__NIR_FLATTEN, &node));
    ET_TRY(et__nir_put_whole(node, ET__NIR_F_INPUT_TYPE, 1, rank, dims));
    ET_TRY(et__nir_set_field(node, ET__NIR_F_START_DIM, ET_STORE_I64, 0, NULL, NULL));
    ET_TRY(et__nir_set_field(node, ET__NIR_F_END_DIM, ET_STORE_I64, 0, NULL, &data));
    data[0] = -1;
    ET_TRY(et__nir_add_edge(x->graph, *last, index));
    *last = index;
    return ET_OK;
}

static enum et_status add_delay(struct et__nir_export *x, const struct et__spk_projection *p,
                                size_t steps, size_t *last)
{
    const struct et__spk_population *pre = &x->net->population[p->source];
    struct et__nir_node *node = NULL;
    char name[256];
    double *data = NULL;
    size_t dims[3];
    if (steps == 0 && p->delays == NULL) return ET_OK;
    /* What is nothing but a delay keeps its name. */
    const bool alone =
        p->synapse == ET__SPK_ONE && p->used == NULL && x->net->population[p->target].gain == NULL;
    snprintf(name, sizeof name, "%.150s%s", p->name, alone ? "" : ".delay");
    const size_t index = x->graph->n_nodes, rank = et__nir_shape_of(x, p->source, dims);
    ET_TRY(et__nir_put_node(x, name, ET__NIR_DELAY, &node));
    ET_TRY(et__nir_set_field(node, ET__NIR_F_DELAY, ET_STORE_F64, rank, dims, &data));
    for (size_t j = 0; j < pre->n; j++)
        data[j] = (double)(steps + (p->delays != NULL ? p->delays[j] : 0)) * x->net->dt;
    ET_TRY(et__nir_add_edge(x->graph, *last, index));
    *last = index;
    return ET_OK;
}

/* Layers and the synapses that lead to them often share a name. */
static bool is_population(const struct et__nir_export *x, const char *name)
{
    for (size_t i = 0; i < x->net->n_populations; i++)
        if (!x->alias[i] && strcmp(x->net->population[i].name, name) == 0) return true;
    return false;
}

enum et_status et__nir_put_synapses(struct et__nir_export *x, size_t k, size_t *last)
{
    const struct et__spk_projection *p = &x->net->projection[k];
    enum et__nir_kind kind;
    struct et__nir_node *node = NULL;
    *last = x->node[p->source];
    ET_TRY(add_delay(x, p, p->lag - x->behind[k], last));
    ET_TRY(kind_of(x, p, &kind));
    const bool matrix = kind == ET__NIR_AFFINE || kind == ET__NIR_LINEAR;
    const bool mixed = p->synapse == ET__SPK_ONE && x->image[p->source] && !x->image[p->target];
    if ((matrix && x->image[p->source]) || mixed) ET_TRY(add_flatten(x, p->source, last));
    if (kind == ET__NIR_KINDS) return ET_OK;
    const size_t index = x->graph->n_nodes;
    char name[256];
    snprintf(name, sizeof name, "%.150s%s", p->name, is_population(x, p->name) ? ".weight" : "");
    ET_TRY(et__nir_put_node(x, name, kind, &node));
    if (matrix)
        ET_TRY(put_matrix(x, node, p));
    else if (kind == ET__NIR_SCALE)
        ET_TRY(put_scale(x, node, p));
    else
        ET_TRY(put_geometry(x, node, p));
    if (kind == ET__NIR_AFFINE || kind == ET__NIR_CONV1D || kind == ET__NIR_CONV2D)
        x->shifted[p->target] = true;
    ET_TRY(et__nir_add_edge(x->graph, *last, index));
    *last = index;
    return ET_OK;
}
