/* SPDX-License-Identifier: Apache-2.0
 *
 * From populations and projections to a graph of NIR.
 *
 * What NIR cannot say is refused; what changes nothing is folded:
 *   fire at the threshold (reach)    the threshold becomes the number below it
 *   current as a kick                the kick that a spike of one step brings: r tau / dt
 *   gain and shift (normalisation)   into the weights and biases of the projections that end there
 *   groups of a convolution          one group, with zeros
 *   sparse synapses                  a matrix with zeros
 *   a relay                          the node before it, or a Scale by one
 *   lag without a cycle, delay       a Delay */
#include "spiking/nir.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct export
{
    const struct et__spk_network *net;
    struct et__nir_graph *graph;
    size_t *node;  /* [n_populations] node that carries the value */
    bool *image;   /* [n_populations] has the shape (c, h, w), or (c, w) where h = 1 */
    bool *flat_h;  /* [n_populations] h = 1: Conv1d */
    bool *shifted; /* [n_populations] the shift has found its bias */
    bool *alias;   /* [n_populations] a relay that is the node before it */
    bool *behind;  /* [n_projections] closes a cycle when the file is read */
    size_t *order; /* [n_projections] in which their edges are written */
};

static enum et_status refuse(const struct et__spk_population *p, const char *what)
{
    return et_error_set(ET_UNSUPPORTED, "population '%s': NIR cannot say that it %s", p->name,
                        what);
}

static size_t shape_of(const struct export *x, size_t population, size_t dims[3])
{
    const struct et__spk_population *p = &x->net->population[population];
    dims[0] = x->image[population] ? p->c : p->n;
    if (!x->image[population]) return 1;
    dims[1] = x->flat_h[population] ? p->w : p->h;
    dims[2] = p->w;
    return x->flat_h[population] ? 2 : 3;
}

/* Names of groups: no '/', none twice. */
static enum et_status add_node(struct export *x, const char *name, enum et__nir_kind kind,
                               struct et__nir_node **node)
{
    char text[256];
    snprintf(text, sizeof text, "%.200s", *name ? name : "node");
    for (char *c = text; *c != '\0'; c++)
        if (*c == '/' || (unsigned char)*c < 32) *c = '_';
    if (strcmp(text, ".") == 0 || strcmp(text, "..") == 0) snprintf(text, sizeof text, "node");
    const size_t length = strlen(text);
    for (size_t n = 2, i = 0; i < x->graph->n_nodes; i++)
        if (strcmp(x->graph->node[i].name, text) == 0) {
            snprintf(text + length, sizeof text - length, "_%zu", n++);
            i = ET__NIR_NONE;
        }
    return et__nir_add_node(x->graph, text, kind, node);
}

static enum et_status put_whole(struct et__nir_node *node, enum et__nir_field field, size_t rank,
                                size_t n, const size_t *values)
{
    double *data = NULL;
    ET_TRY(et__nir_set_field(node, field, ET_STORE_I64, rank, &n, &data));
    for (size_t i = 0; i < n; i++)
        data[i] = (double)values[i];
    return ET_OK;
}

/* ---- populations ---- */

static enum et_status put_param(const struct export *x, struct et__nir_node *node,
                                size_t population, enum et__nir_field field,
                                enum et__spk_param param)
{
    const struct et__spk_population *p = &x->net->population[population];
    const bool up = param == ET__SPK_V_THRESHOLD && p->reach;
    size_t dims[3];
    double *data = NULL;
    ET_TRY(
        et__nir_set_field(node, field, ET_STORE_F32, shape_of(x, population, dims), dims, &data));
    for (size_t i = 0; i < p->n; i++) {
        const float value = p->param[param][i];
        data[i] = (double)(up ? nextafterf(value, -INFINITY) : value);
    }
    return ET_OK;
}

/* The inverse of what reading does with a kick. */
static void unkick(const struct export *x, struct et__nir_node *node, size_t population)
{
    const struct et__spk_population *p = &x->net->population[population];
    const bool cuba = et__spk_uses(p->kind, ET__SPK_TAU_SYN);
    const float *tau = p->param[cuba ? ET__SPK_TAU_SYN : ET__SPK_TAU];
    struct et__nir_value *gain = &node->field[cuba ? ET__NIR_F_W_IN : ET__NIR_F_R];
    if (p->drive == ET__SPK_HELD) return;
    gain->kind = ET_STORE_F64;
    for (size_t i = 0; i < p->n; i++)
        gain->data[i] *= (tau != NULL ? (double)tau[i] : 1) / x->net->dt;
}

static enum et_status check_neurons(const struct et__spk_population *p)
{
    if (p->refractory > 0) return refuse(p, "is refractory after a spike");
    if (p->old_synapse) return refuse(p, "sees its synaptic current a step late (old_synapse)");
    if (!et__spk_fires(p->kind)) return ET_OK;
    if (p->reset == ET__SPK_SOFT)
        return refuse(p, "resets by subtraction (soft): a reset of NIR leads to v_reset; train "
                         "with reset: hard");
    if (p->reset == ET__SPK_KEEP) return refuse(p, "does not reset");
    return ET_OK;
}

/* What reading makes of a Threshold: no memory, no reset. */
static bool is_threshold(const struct export *x, const struct et__spk_population *p)
{
    if (p->kind != ET__SPK_LIF || p->integrator != ET__SPK_EXACT || p->drive != ET__SPK_KICK ||
        p->reset != ET__SPK_KEEP || p->refractory > 0)
        return false;
    for (size_t j = 0; j < p->n; j++)
        if ((double)p->param[ET__SPK_TAU][j] > 1.1 * ET__NIR_FORGETFUL * x->net->dt ||
            p->param[ET__SPK_R][j] != 1 || p->param[ET__SPK_V_LEAK][j] != 0)
            return false;
    return true;
}

static enum et_status add_threshold(struct export *x, size_t population)
{
    struct et__nir_node *node = NULL;
    x->node[population] = x->graph->n_nodes;
    ET_TRY(add_node(x, x->net->population[population].name, ET__NIR_THRESHOLD, &node));
    return put_param(x, node, population, ET__NIR_F_THRESHOLD, ET__SPK_V_THRESHOLD);
}

static enum et_status add_neurons(struct export *x, size_t population)
{
    static const enum et__nir_kind kinds[ET__SPK_KINDS] = {
        [ET__SPK_I] = ET__NIR_I,     [ET__SPK_LI] = ET__NIR_LI,
        [ET__SPK_IF] = ET__NIR_IF,   [ET__SPK_CUBA_LI] = ET__NIR_CUBA_LI,
        [ET__SPK_LIF] = ET__NIR_LIF, [ET__SPK_CUBA_LIF] = ET__NIR_CUBA_LIF};
    static const enum et__spk_param params[ET__NIR_FIELDS] = {
        [ET__NIR_F_TAU] = ET__SPK_TAU,         [ET__NIR_F_TAU_MEM] = ET__SPK_TAU,
        [ET__NIR_F_TAU_SYN] = ET__SPK_TAU_SYN, [ET__NIR_F_R] = ET__SPK_R,
        [ET__NIR_F_V_LEAK] = ET__SPK_V_LEAK,   [ET__NIR_F_V_THRESHOLD] = ET__SPK_V_THRESHOLD,
        [ET__NIR_F_V_RESET] = ET__SPK_V_RESET, [ET__NIR_F_W_IN] = ET__SPK_W_IN};
    const struct et__spk_population *p = &x->net->population[population];
    struct et__nir_node *node = NULL;
    if (is_threshold(x, p)) return add_threshold(x, population);
    if (kinds[p->kind] == ET__NIR_INPUT)
        return et_error_set(ET_UNSUPPORTED, "population '%s': NIR has no neuron '%s'", p->name,
                            et__spk_kind_name(p->kind));
    ET_TRY(check_neurons(p));
    x->node[population] = x->graph->n_nodes;
    ET_TRY(add_node(x, p->name, kinds[p->kind], &node));
    for (const struct et__nir_rule *rule = et__nir_rules(node->kind); rule->field != ET__NIR_FIELDS;
         rule++)
        ET_TRY(put_param(x, node, population, rule->field, params[rule->field]));
    unkick(x, node, population);
    return ET_OK;
}

/* Adds a Scale by one where values only meet. */
static enum et_status add_relay(struct export *x, size_t population)
{
    const struct et__spk_population *p = &x->net->population[population];
    struct et__nir_node *node = NULL;
    double *data = NULL;
    size_t dims[3];
    x->node[population] = x->graph->n_nodes;
    ET_TRY(add_node(x, p->name, ET__NIR_SCALE, &node));
    const size_t rank = shape_of(x, population, dims);
    ET_TRY(et__nir_set_field(node, ET__NIR_F_SCALE, ET_STORE_F32, rank, dims, &data));
    for (size_t i = 0; i < p->n; i++)
        data[i] = 1;
    return ET_OK;
}

/* ---- projections ---- */

static double gain_of(const struct et__spk_population *p, size_t j)
{
    return p->gain != NULL ? (double)p->gain[j] : 1;
}

/* Bias of target neuron j with the normalisation that follows; the shift goes to one projection. */
static double bias_of(const struct export *x, const struct et__spk_projection *p, size_t j,
                      size_t entry)
{
    const struct et__spk_population *post = &x->net->population[p->target];
    const double bias = p->bias != NULL ? (double)p->bias[entry] : 0;
    const double shift = post->shift != NULL && !x->shifted[p->target] ? (double)post->shift[j] : 0;
    return bias * gain_of(post, j) + shift;
}

static bool has_bias(const struct export *x, const struct et__spk_projection *p)
{
    return p->bias != NULL ||
           (x->net->population[p->target].shift != NULL && !x->shifted[p->target]);
}

static enum et_status put_matrix(const struct export *x, struct et__nir_node *node,
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
            return refuse(post, "scales neurons of one channel differently behind a convolution");
    return ET_OK;
}

static enum et_status put_kernel(const struct export *x, struct et__nir_node *node,
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

static enum et_status put_geometry(const struct export *x, struct et__nir_node *node,
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
    ET_TRY(put_whole(node, ET__NIR_F_STRIDE, rank, n, stride + skip));
    ET_TRY(put_whole(node, ET__NIR_F_PADDING, rank, n, pad + skip));
    if (pool) return put_whole(node, ET__NIR_F_KERNEL_SIZE, rank, n, kernel);
    ET_TRY(put_whole(node, ET__NIR_F_DILATION, rank, n, dilation + skip));
    ET_TRY(put_whole(node, ET__NIR_F_GROUPS, 0, 1, &one));
    ET_TRY(put_whole(node, ET__NIR_F_INPUT_SHAPE, rank, n, shape + skip));
    return put_kernel(x, node, p);
}

static enum et_status put_scale(const struct export *x, struct et__nir_node *node,
                                const struct et__spk_projection *p)
{
    const struct et__spk_population *post = &x->net->population[p->target];
    double *data = NULL;
    size_t dims[3];
    const size_t rank = shape_of(x, p->source, dims);
    ET_TRY(et__nir_set_field(node, ET__NIR_F_SCALE, ET_STORE_F32, rank, dims, &data));
    for (size_t j = 0; j < post->n; j++)
        data[j] = (p->used != NULL ? (double)p->used[j] : 1) * gain_of(post, j);
    return ET_OK;
}

/* NULL kind: a plain edge. */
static enum et_status kind_of(const struct export *x, const struct et__spk_projection *p,
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
        if (post->gain != NULL) return refuse(post, "scales what a pool gives");
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

static enum et_status add_flatten(struct export *x, size_t population, size_t *last)
{
    const struct et__spk_population *p = &x->net->population[population];
    struct et__nir_node *node = NULL;
    char name[256];
    double *data = NULL;
    size_t dims[3];
    snprintf(name, sizeof name, "%.150s.flatten", p->name);
    const size_t index = x->graph->n_nodes, rank = shape_of(x, population, dims);
    ET_TRY(add_node(x, name, ET__NIR_FLATTEN, &node));
    ET_TRY(put_whole(node, ET__NIR_F_INPUT_TYPE, 1, rank, dims));
    ET_TRY(et__nir_set_field(node, ET__NIR_F_START_DIM, ET_STORE_I64, 0, NULL, NULL));
    ET_TRY(et__nir_set_field(node, ET__NIR_F_END_DIM, ET_STORE_I64, 0, NULL, &data));
    data[0] = -1;
    ET_TRY(et__nir_add_edge(x->graph, *last, index));
    *last = index;
    return ET_OK;
}

static enum et_status add_delay(struct export *x, const struct et__spk_projection *p, size_t steps,
                                size_t *last)
{
    const struct et__spk_population *pre = &x->net->population[p->source];
    struct et__nir_node *node = NULL;
    char name[256];
    double *data = NULL;
    size_t dims[3];
    if (steps == 0 && p->delays == NULL) return ET_OK;
    snprintf(name, sizeof name, "%.150s.delay", p->name);
    const size_t index = x->graph->n_nodes, rank = shape_of(x, p->source, dims);
    ET_TRY(add_node(x, name, ET__NIR_DELAY, &node));
    ET_TRY(et__nir_set_field(node, ET__NIR_F_DELAY, ET_STORE_F64, rank, dims, &data));
    for (size_t j = 0; j < pre->n; j++)
        data[j] = (double)(steps + (p->delays != NULL ? p->delays[j] : 0)) * x->net->dt;
    ET_TRY(et__nir_add_edge(x->graph, *last, index));
    *last = index;
    return ET_OK;
}

/* The nodes between two populations; *last carries what arrives at the target. */
static enum et_status add_synapses(struct export *x, size_t k, size_t *last)
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
    ET_TRY(add_node(x, p->name, kind, &node));
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

/* ---- all of it ---- */

/* Populations at either end of a convolution or a pool have channels, height and width; without a
 * pool, and with a height of one, channels and width. */
static void find_shapes(struct export *x)
{
    const struct et__spk_network *net = x->net;
    bool pools = false;
    for (size_t k = 0; k < net->n_projections; k++) {
        const struct et__spk_projection *p = &net->projection[k];
        if (p->synapse != ET__SPK_CONV && p->synapse != ET__SPK_POOL) continue;
        x->image[p->source] = x->image[p->target] = true;
        pools = pools || p->synapse == ET__SPK_POOL;
    }
    /* What goes neuron to neuron keeps its shape on the way. */
    for (size_t k = 0; k < net->n_projections; k++) {
        const struct et__spk_projection *p = &net->projection[k];
        if (p->synapse == ET__SPK_ONE && x->image[p->source]) x->image[p->target] = true;
    }
    for (size_t i = 0; i < net->n_populations; i++) {
        const struct et__spk_population *p = &net->population[i];
        if (p->kind == ET__SPK_INPUT && p->h * p->w > 1) x->image[i] = true;
        x->flat_h[i] = x->image[i] && p->h == 1 && !pools;
    }
}

/* Which projections close a cycle when the edges are read in their order; one that must not wait,
 * but would, cannot be said. */
static enum et_status find_cycles(struct export *x)
{
    const struct et__spk_network *net = x->net;
    const size_t n = net->n_projections;
    struct et__nir_edge *edge = et_alloc(n, sizeof *edge);
    size_t *order = et_alloc(net->n_populations, sizeof *order);
    bool *behind = et_alloc(n, sizeof *behind);
    enum et_status status = edge && order && behind ? ET_OK : ET_NOMEM;
    for (size_t i = 0; i < n && status == ET_OK; i++) {
        const struct et__spk_projection *p = &net->projection[x->order[i]];
        edge[i] = (struct et__nir_edge){p->source, p->target};
    }
    if (status == ET_OK) status = et__nir_order(net->n_populations, edge, n, 0, order, behind);
    for (size_t i = 0; i < n && status == ET_OK; i++) {
        const struct et__spk_projection *p = &net->projection[x->order[i]];
        x->behind[x->order[i]] = behind[i];
        if (behind[i] && p->lag == 0)
            status = et_error_set(ET_UNSUPPORTED,
                                  "projection '%s' belongs to a cycle, and NIR cannot say which "
                                  "part of it waits for the next step",
                                  p->name);
    }
    et_free(behind);
    et_free(order);
    et_free(edge);
    return status;
}

static enum et_status add_ends(struct export *x, enum et__nir_kind kind, size_t population)
{
    struct et__nir_node *node = NULL;
    size_t dims[3];
    ET_TRY(add_node(x, kind == ET__NIR_INPUT ? "input" : "output", kind, &node));
    const size_t rank = shape_of(x, population, dims);
    return put_whole(node, ET__NIR_F_SHAPE, 1, rank, dims);
}

/* A relay that one stateless node feeds is that node. */
static bool is_alias(const struct export *x, size_t population)
{
    size_t n = 0;
    const struct et__spk_projection *only = NULL;
    for (size_t k = 0; k < x->net->n_projections; k++)
        if (x->net->projection[k].target == population) {
            only = &x->net->projection[k];
            n++;
        }
    return n == 1 && only->source < population && only->lag == 0 && only->delays == NULL &&
           (only->synapse != ET__SPK_ONE || only->used != NULL);
}

/* The projections of aliases come first, in the order of their populations. */
static void find_order(struct export *x)
{
    size_t n = 0;
    for (size_t i = 1; i < x->net->n_populations; i++)
        x->alias[i] = x->net->population[i].kind == ET__SPK_RELAY && is_alias(x, i);
    for (size_t i = 1; i < x->net->n_populations; i++)
        for (size_t k = 0; x->alias[i] && k < x->net->n_projections; k++)
            if (x->net->projection[k].target == i) x->order[n++] = k;
    for (size_t k = 0; k < x->net->n_projections; k++)
        if (!x->alias[x->net->projection[k].target]) x->order[n++] = k;
}

static enum et_status add_populations(struct export *x)
{
    for (size_t i = 1; i < x->net->n_populations; i++) {
        x->node[i] = ET__NIR_NONE;
        if (x->alias[i]) continue;
        ET_TRY(x->net->population[i].kind == ET__SPK_RELAY ? add_relay(x, i) : add_neurons(x, i));
    }
    return ET_OK;
}

static enum et_status build(struct export *x)
{
    const struct et__spk_network *net = x->net;
    find_shapes(x);
    find_order(x);
    ET_TRY(find_cycles(x));
    ET_TRY(add_ends(x, ET__NIR_INPUT, 0));
    ET_TRY(add_populations(x));
    for (size_t i = 0; i < net->n_projections; i++) {
        const size_t k = x->order[i], target = net->projection[k].target;
        size_t last = 0;
        ET_TRY(add_synapses(x, k, &last));
        if (x->alias[target])
            x->node[target] = last;
        else
            ET_TRY(et__nir_add_edge(x->graph, last, x->node[target]));
    }
    for (size_t i = 1; i < net->n_populations; i++)
        if (net->population[i].shift != NULL && !x->shifted[i])
            return refuse(&net->population[i], "shifts its current where no node has a bias");
    ET_TRY(add_ends(x, ET__NIR_OUTPUT, net->output));
    return et__nir_add_edge(x->graph, x->node[net->output], x->graph->n_nodes - 1);
}

enum et_status et__nir_from_network(const struct et__spk_network *net, struct et__nir_graph *graph)
{
    const size_t n = net->n_populations;
    struct export x = {.net = net, .graph = graph};
    *graph = (struct et__nir_graph){0};
    x.node = et_alloc(n + net->n_projections, sizeof *x.node);
    x.image = et_alloc(4 * n + net->n_projections, sizeof *x.image);
    enum et_status status = x.node && x.image ? ET_OK : ET_NOMEM;
    if (status == ET_OK) {
        x.order = x.node + n;
        x.flat_h = x.image + n;
        x.shifted = x.image + 2 * n;
        x.alias = x.image + 3 * n;
        x.behind = x.image + 4 * n;
        status = build(&x);
    }
    et_free(x.image);
    et_free(x.node);
    return status;
}
