/* SPDX-License-Identifier: Apache-2.0
 *
 * From a graph of NIR to populations and projections.
 *
 * Nodes are taken in the order of evaluation (et__nir_order).  Neurons become populations.  A node
 * without a state (Affine, Linear, convolutions, pools, Scale, Delay) becomes a projection:
 * straight to the population behind it when it has only one, otherwise to a relay that carries its
 * value. Flatten only renames indices.  What enters a stateless node from several sides meets in a
 * relay. An edge that closes a cycle carries what its source gave in the step before: network.h
 * adds the lag where a source does not come before its target, and where that is not enough (a
 * relay was saved), a delay makes up for it. */
#include "spiking/nir.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct import {
    const struct et__nir_options *options;
    struct et__nir_graph graph; /* shares the nodes; edges of its own, without Flatten */
    struct et__spk_network *net;
    bool *behind;
    size_t *order, *into, *out_of; /* edges that enter and leave each node */
    bool *fused;                   /* stateless, and its projection ends at the node behind it */
    size_t *collector;             /* population where the inputs of a node meet, or NONE */
    size_t *value;                 /* population that carries its output, or NONE */
};

static bool is_stateless(enum et__nir_kind kind)
{
    switch (kind) {
    case ET__NIR_AFFINE:
    case ET__NIR_LINEAR:
    case ET__NIR_SCALE:
    case ET__NIR_DELAY:
    case ET__NIR_CONV1D:
    case ET__NIR_CONV2D:
    case ET__NIR_SUM_POOL2D:
    case ET__NIR_AVG_POOL2D:
        return true;
    default:
        return false;
    }
}

static size_t size_of(const struct et__nir_type *type, size_t axis)
{
    /* (n), (c, w), (c, h, w) as c, h, w. */
    if (axis == 0) return type->rank == 0 ? 1 : type->rank == 4 ? type->n : type->dims[0];
    if (axis == 1) return type->rank == 3 ? type->dims[1] : 1;
    return type->rank == 2 ? type->dims[1] : type->rank == 3 ? type->dims[2] : 1;
}

/* ---- populations ---- */

static void set_param(struct et__spk_population *p, const struct et__nir_node *node,
                      enum et__spk_param param, enum et__nir_field field, double unit)
{
    for (size_t i = 0; i < p->n; i++)
        p->param[param][i] = (float)(unit * et__nir_at(&node->field[field], i));
}

/* A spike of NIR lasts a step: as a kick it brings what it would have brought while held. */
static void set_input_gain(const struct import *m, struct et__spk_population *p,
                           const struct et__nir_node *node)
{
    const struct et__nir_options *o = m->options;
    const bool kick = o->drive != ET__SPK_HELD;
    const bool leaks = node->field[ET__NIR_F_TAU].present;
    const bool cuba = node->field[ET__NIR_F_TAU_SYN].present;
    for (size_t i = 0; i < p->n; i++) {
        double r = et__nir_at(&node->field[ET__NIR_F_R], i);
        if (!leaks && !cuba) r *= kick ? o->dt / o->unit : 1 / o->unit;
        if (leaks && kick) r *= o->dt / (o->unit * et__nir_at(&node->field[ET__NIR_F_TAU], i));
        p->param[ET__SPK_R][i] = (float)r;
        if (!cuba) continue;
        double w = et__nir_at(&node->field[ET__NIR_F_W_IN], i);
        if (kick) w *= o->dt / (o->unit * et__nir_at(&node->field[ET__NIR_F_TAU_SYN], i));
        p->param[ET__SPK_W_IN][i] = (float)w;
    }
}

/* Spikes where the input of this very step exceeds the threshold: a membrane that has forgotten
 * everything within a step, exp(-dt/tau) = 0. */
static void make_threshold(const struct import *m, struct et__spk_population *p,
                           const struct et__nir_node *node)
{
    et__spk_set(p, ET__SPK_TAU, ET__NIR_FORGETFUL * m->options->dt);
    et__spk_set(p, ET__SPK_R, 1);
    et__spk_set(p, ET__SPK_V_LEAK, 0);
    set_param(p, node, ET__SPK_V_THRESHOLD, ET__NIR_F_THRESHOLD, 1);
    p->integrator = ET__SPK_EXACT;
    p->drive = ET__SPK_KICK;
    p->reset = ET__SPK_KEEP;
}

static void set_neurons(const struct import *m, struct et__spk_population *p,
                        const struct et__nir_node *node)
{
    static const struct {
        enum et__nir_field field;
        enum et__spk_param param;
        bool time;
    } plain[] = {
        {ET__NIR_F_TAU, ET__SPK_TAU, true},
        {ET__NIR_F_TAU_MEM, ET__SPK_TAU, true},
        {ET__NIR_F_TAU_SYN, ET__SPK_TAU_SYN, true},
        {ET__NIR_F_V_LEAK, ET__SPK_V_LEAK, false},
        {ET__NIR_F_V_THRESHOLD, ET__SPK_V_THRESHOLD, false},
        {ET__NIR_F_V_RESET, ET__SPK_V_RESET, false},
    };
    p->integrator = m->options->integrator;
    p->drive = m->options->drive;
    p->reset = m->options->reset;
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        if (node->field[plain[i].field].present)
            set_param(p, node, plain[i].param, plain[i].field,
                      plain[i].time ? m->options->unit : 1);
    set_input_gain(m, p, node);
}

static enum et_status add_population(struct import *m, const char *name, enum et__spk_kind kind,
                                     const struct et__nir_type *type, size_t *index,
                                     struct et__spk_population **p)
{
    *index = m->net->n_populations;
    return et__spk_add_population(m->net, name, kind, size_of(type, 0), size_of(type, 1),
                                  size_of(type, 2), p);
}

static enum et_status add_neurons(struct import *m, size_t i)
{
    static const enum et__spk_kind kinds[ET__NIR_KINDS] = {[ET__NIR_THRESHOLD] = ET__SPK_LIF,
                                                           [ET__NIR_I] = ET__SPK_I,
                                                           [ET__NIR_LI] = ET__SPK_LI,
                                                           [ET__NIR_IF] = ET__SPK_IF,
                                                           [ET__NIR_LIF] = ET__SPK_LIF,
                                                           [ET__NIR_CUBA_LI] = ET__SPK_CUBA_LI,
                                                           [ET__NIR_CUBA_LIF] = ET__SPK_CUBA_LIF};
    const struct et__nir_node *node = &m->graph.node[i];
    struct et__spk_population *p = NULL;
    ET_TRY(add_population(m, node->name, kinds[node->kind], &node->in, &m->value[i], &p));
    m->collector[i] = m->value[i];
    if (node->kind == ET__NIR_THRESHOLD)
        make_threshold(m, p, node);
    else
        set_neurons(m, p, node);
    return ET_OK;
}

/* The only edge that enters (or leaves) node i. */
static size_t only_edge(const struct import *m, size_t i, bool into)
{
    for (size_t k = 0; k < m->graph.n_edges; k++)
        if ((into ? m->graph.edge[k].to : m->graph.edge[k].from) == i) return k;
    return ET__NIR_NONE;
}

/* Where several inputs of a node meet, or where a neuron or an Output hears the node before it. */
static bool collects(const struct import *m, size_t i)
{
    const enum et__nir_kind kind = m->graph.node[i].kind;
    return !is_stateless(kind) || m->into[i] > 1;
}

static enum et_status add_stateless(struct import *m, size_t i)
{
    const struct et__nir_node *node = &m->graph.node[i];
    struct et__spk_population *p = NULL;
    char name[600];
    if (m->into[i] == 0)
        return et_error_set(ET_FORMAT, "node '%s' (%s): no edge ends at it", node->name,
                            et__nir_kind_name(node->kind));
    if (m->into[i] > 1) {
        snprintf(name, sizeof name, "%.580s.sum", node->name);
        ET_TRY(add_population(m, name, ET__SPK_RELAY, &node->in, &m->collector[i], &p));
    }
    const size_t next = m->out_of[i] == 1 ? only_edge(m, i, false) : ET__NIR_NONE;
    m->fused[i] = next != ET__NIR_NONE && collects(m, m->graph.edge[next].to);
    if (m->fused[i]) return ET_OK;
    return add_population(m, node->name, ET__SPK_RELAY, &node->out, &m->value[i], &p);
}

/* An Output that shows a population as it is needs none of its own. */
static enum et_status add_output(struct import *m, size_t i)
{
    const struct et__nir_node *node = &m->graph.node[i];
    struct et__spk_population *p = NULL;
    const size_t k = m->into[i] == 1 ? only_edge(m, i, true) : ET__NIR_NONE;
    if (m->into[i] == 0)
        return et_error_set(ET_FORMAT, "node '%s' (Output): no edge ends at it", node->name);
    if (k != ET__NIR_NONE && m->value[m->graph.edge[k].from] != ET__NIR_NONE &&
        m->value[m->graph.edge[k].from] != 0) {
        m->net->output = m->value[m->graph.edge[k].from];
        return ET_OK;
    }
    ET_TRY(add_population(m, node->name, ET__SPK_RELAY, &node->in, &m->value[i], &p));
    m->collector[i] = m->net->output = m->value[i];
    return ET_OK;
}

/* ---- projections ---- */

static void put_floats(float *to, const struct et__nir_value *from, size_t n)
{
    for (size_t i = 0; i < n && from->present; i++)
        to[i] = (float)et__nir_at(from, i);
}

static enum et_status set_dense(struct import *m, const struct et__nir_node *node,
                                struct et__spk_projection *p)
{
    const size_t n_in = node->in.n, n_out = node->out.n;
    ET_TRY(et__spk_alloc_weights(m->net, p, node->kind == ET__NIR_AFFINE));
    for (size_t j = 0; j < n_out; j++)
        for (size_t i = 0; i < n_in; i++)
            p->weight[i * n_out + j] = (float)node->field[ET__NIR_F_WEIGHT].data[j * n_in + i];
    if (p->bias != NULL) put_floats(p->bias, &node->field[ET__NIR_F_BIAS], n_out);
    return ET_OK;
}

/* Padding above and left; "same" puts the smaller half there. */
static size_t pad_of(const struct et__nir_node *node, size_t axis, size_t dilation, size_t kernel)
{
    if (node->same) return dilation * (kernel - 1) / 2;
    return (size_t)et__nir_at(&node->field[ET__NIR_F_PADDING], axis);
}

static enum et_status set_windows(struct import *m, const struct et__nir_node *node,
                                  struct et__spk_projection *p)
{
    const bool pool = node->kind == ET__NIR_SUM_POOL2D || node->kind == ET__NIR_AVG_POOL2D;
    const bool line = node->kind == ET__NIR_CONV1D;
    const struct et__nir_value *weight = &node->field[ET__NIR_F_WEIGHT];
    const struct et__nir_value *kernel = &node->field[ET__NIR_F_KERNEL_SIZE];
    const struct et__nir_value *stride = &node->field[ET__NIR_F_STRIDE];
    const struct et__nir_value *dilation = &node->field[ET__NIR_F_DILATION];
    const size_t last = line ? 0 : 1;
    p->kernel_w = pool ? (size_t)et__nir_at(kernel, 1) : weight->dims[weight->rank - 1];
    p->stride_w = (size_t)et__nir_at(stride, last);
    p->dilation_w = pool ? 1 : (size_t)et__nir_at(dilation, last);
    p->pad_w = pad_of(node, last, p->dilation_w, p->kernel_w);
    if (!line) {
        p->kernel_h = pool ? (size_t)et__nir_at(kernel, 0) : weight->dims[2];
        p->stride_h = (size_t)et__nir_at(stride, 0);
        p->dilation_h = pool ? 1 : (size_t)et__nir_at(dilation, 0);
        p->pad_h = pad_of(node, 0, p->dilation_h, p->kernel_h);
    }
    p->average = node->kind == ET__NIR_AVG_POOL2D;
    if (pool) return ET_OK;
    if (node->same && (p->stride_h > 1 || p->stride_w > 1))
        return et_error_set(ET_FORMAT, "node '%s': padding 'same' with a stride of %zu x %zu",
                            node->name, p->stride_h, p->stride_w);
    p->groups = (size_t)et__nir_at(&node->field[ET__NIR_F_GROUPS], 0);
    ET_TRY(et__spk_alloc_weights(m->net, p, node->field[ET__NIR_F_BIAS].present));
    put_floats(p->weight, weight, weight->n);
    if (p->bias != NULL) put_floats(p->bias, &node->field[ET__NIR_F_BIAS], node->out.dims[0]);
    return ET_OK;
}

static enum et_status set_delays(struct import *m, const struct et__nir_node *node,
                                 struct et__spk_projection *p)
{
    p->delays = et_alloc(node->in.n, sizeof *p->delays);
    if (p->delays == NULL) return ET_NOMEM;
    for (size_t i = 0; i < node->in.n; i++) {
        const double delay = et__nir_at(&node->field[ET__NIR_F_DELAY], i) * m->options->unit;
        const double steps = delay / m->options->dt;
        if (!(steps >= 0) || steps > 1e6 || fabs(steps - round(steps)) > 1e-3)
            return et_error_set(ET_FORMAT,
                                "node '%s': delay[%zu] = %g s is %g steps of %g s; it must be a "
                                "whole number from 0 to 1e6",
                                node->name, i, delay, steps, m->options->dt);
        p->delays[i] = (uint32_t)lround(steps);
    }
    return ET_OK;
}

static enum et_status fill_projection(struct import *m, const struct et__nir_node *node,
                                      struct et__spk_projection *p)
{
    switch (node->kind) {
    case ET__NIR_AFFINE:
    case ET__NIR_LINEAR:
        ET_TRY(set_dense(m, node, p));
        break;
    case ET__NIR_SCALE:
        ET_TRY(et__spk_alloc_weights(m->net, p, false));
        put_floats(p->weight, &node->field[ET__NIR_F_SCALE], node->in.n);
        break;
    case ET__NIR_DELAY:
        return set_delays(m, node, p);
    default:
        ET_TRY(set_windows(m, node, p));
    }
    p->tunable = p->weight != NULL;
    if (p->weight != NULL && node->kind != ET__NIR_SCALE) p->delay += m->options->synapse_delay;
    return ET_OK;
}

/* lag: steps that the cycles of the graph ask for on this way. */
static enum et_status add_projection(struct import *m, const struct et__nir_node *node,
                                     size_t source, size_t target, size_t lag)
{
    static const enum et__spk_synapse synapses[ET__NIR_KINDS] = {
        [ET__NIR_AFFINE] = ET__SPK_DENSE,    [ET__NIR_LINEAR] = ET__SPK_DENSE,
        [ET__NIR_SCALE] = ET__SPK_ONE,       [ET__NIR_DELAY] = ET__SPK_ONE,
        [ET__NIR_CONV1D] = ET__SPK_CONV,     [ET__NIR_CONV2D] = ET__SPK_CONV,
        [ET__NIR_SUM_POOL2D] = ET__SPK_POOL, [ET__NIR_AVG_POOL2D] = ET__SPK_POOL};
    struct et__spk_projection *p = NULL;
    char name[600];
    if (node != NULL)
        snprintf(name, sizeof name, "%.590s", node->name);
    else
        snprintf(name, sizeof name, "%.290s-%.290s", m->net->population[source].name,
                 m->net->population[target].name);
    ET_TRY(et__spk_add_projection(m->net, name, node ? synapses[node->kind] : ET__SPK_ONE, source,
                                  target, &p));
    p->delay = lag - (lag > 0 && source >= target ? 1 : 0);
    return node != NULL ? fill_projection(m, node, p) : ET_OK;
}

/* Where the input of stateless node i comes from, with the lag of the edge to it. */
static size_t source_of(const struct import *m, size_t i, size_t *lag)
{
    *lag = 0;
    if (m->collector[i] != ET__NIR_NONE) return m->collector[i];
    const size_t k = only_edge(m, i, true);
    *lag = m->behind[k];
    return m->value[m->graph.edge[k].from];
}

static enum et_status connect(struct import *m)
{
    size_t lag = 0;
    for (size_t k = 0; k < m->graph.n_edges; k++) {
        const size_t from = m->graph.edge[k].from, to = m->graph.edge[k].to;
        if (m->collector[to] == ET__NIR_NONE) continue;
        const struct et__nir_node *node = m->fused[from] ? &m->graph.node[from] : NULL;
        const size_t source = node != NULL ? source_of(m, from, &lag) : m->value[from];
        if (node == NULL) lag = 0;
        ET_TRY(add_projection(m, node, source, m->collector[to], lag + m->behind[k]));
    }
    for (size_t i = 0; i < m->graph.n_nodes; i++) {
        if (!is_stateless(m->graph.node[i].kind) || m->fused[i]) continue;
        const size_t source = source_of(m, i, &lag);
        ET_TRY(add_projection(m, &m->graph.node[i], source, m->value[i], lag));
    }
    return ET_OK;
}

/* ---- all of it ---- */

static enum et_status find_ends(const struct import *m, size_t *input)
{
    size_t n_inputs = 0, n_outputs = 0;
    for (size_t i = 0; i < m->graph.n_nodes; i++) {
        if (m->graph.node[i].kind == ET__NIR_INPUT) *input = i;
        n_inputs += m->graph.node[i].kind == ET__NIR_INPUT;
        n_outputs += m->graph.node[i].kind == ET__NIR_OUTPUT;
    }
    if (n_inputs != 1 || n_outputs != 1)
        return et_error_set(ET_FORMAT,
                            "the graph has %zu nodes of type Input and %zu of type Output; a "
                            "network has one of each",
                            n_inputs, n_outputs);
    return ET_OK;
}

static enum et_status build(struct import *m)
{
    size_t input = 0;
    const size_t n = m->graph.n_nodes;
    ET_TRY(find_ends(m, &input));
    const struct et__nir_type *type = &m->graph.node[input].out;
    ET_TRY(et__spk_begin(m->net, m->options->dt, m->options->steps, size_of(type, 0),
                         size_of(type, 1), size_of(type, 2)));
    ET_TRY(et__nir_order(n, m->graph.edge, m->graph.n_edges, input, m->order, m->behind));
    for (size_t k = 0; k < m->graph.n_edges; k++) {
        m->into[m->graph.edge[k].to]++;
        m->out_of[m->graph.edge[k].from]++;
    }
    for (size_t i = 0; i < n; i++)
        m->collector[i] = m->value[i] = ET__NIR_NONE;
    m->value[input] = 0;
    for (size_t place = 0; place < n; place++) {
        const size_t i = m->order[place];
        const enum et__nir_kind kind = m->graph.node[i].kind;
        if (kind == ET__NIR_INPUT || kind == ET__NIR_FLATTEN) continue;
        ET_TRY(kind == ET__NIR_OUTPUT ? add_output(m, i)
               : is_stateless(kind)   ? add_stateless(m, i)
                                      : add_neurons(m, i));
    }
    return connect(m);
}

/* Nodes are borrowed; edges are copied, since Flatten goes. */
static enum et_status borrow(struct import *m, const struct et__nir_graph *graph)
{
    const size_t n = graph->n_nodes;
    m->graph.node = et_alloc(n, sizeof *m->graph.node);
    if (m->graph.node == NULL) return ET_NOMEM;
    memcpy(m->graph.node, graph->node, n * sizeof *graph->node);
    m->graph.n_nodes = n;
    for (size_t k = 0; k < graph->n_edges; k++)
        ET_TRY(et__nir_add_edge(&m->graph, graph->edge[k].from, graph->edge[k].to));
    for (size_t i = 0; i < n; i++)
        if (graph->node[i].kind == ET__NIR_FLATTEN) ET_TRY(et__nir_short(&m->graph, i));
    m->behind = et_alloc(m->graph.n_edges, sizeof *m->behind);
    m->order = et_alloc(5 * n, sizeof *m->order);
    m->fused = et_alloc(n, sizeof *m->fused);
    if (m->behind == NULL || m->order == NULL || m->fused == NULL) return ET_NOMEM;
    m->into = m->order + n;
    m->out_of = m->order + 2 * n;
    m->collector = m->order + 3 * n;
    m->value = m->order + 4 * n;
    return ET_OK;
}

enum et_status et__nir_to_network(const struct et__nir_graph *graph,
                                  const struct et__nir_options *options,
                                  struct et__spk_network *net)
{
    struct import m = {.options = options, .net = net};
    *net = (struct et__spk_network){0};
    enum et_status status = borrow(&m, graph);
    if (status == ET_OK) status = build(&m);
    if (status != ET_OK && graph->path != NULL)
        et_error_while("making a network of '%s'", graph->path);
    et_free(m.fused);
    et_free(m.order);
    et_free(m.behind);
    et_free(m.graph.edge);
    et_free(m.graph.node);
    return status;
}
