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
#include "nir_export.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum et_status et__nir_refuse(const struct et__spk_population *p, const char *what)
{
    return et_error_set(ET_UNSUPPORTED, "population '%s': NIR cannot say that it %s", p->name,
                        what);
}

size_t et__nir_shape_of(const struct et__nir_export *x, size_t population, size_t dims[3])
{
    const struct et__spk_population *p = &x->net->population[population];
    dims[0] = x->image[population] ? p->c : p->n;
    if (!x->image[population]) return 1;
    dims[1] = x->flat_h[population] ? p->w : p->h;
    dims[2] = p->w;
    return x->flat_h[population] ? 2 : 3;
}

/* Names of groups: no '/', none twice. */
enum et_status et__nir_put_node(struct et__nir_export *x, const char *name, enum et__nir_kind kind,
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

enum et_status et__nir_put_whole(struct et__nir_node *node, enum et__nir_field field, size_t rank,
                                 size_t n, const size_t *values)
{
    double *data = NULL;
    ET_TRY(et__nir_set_field(node, field, ET_STORE_I64, rank, &n, &data));
    for (size_t i = 0; i < n; i++)
        data[i] = (double)values[i];
    return ET_OK;
}

/* ---- populations ---- */

static enum et_status put_param(const struct et__nir_export *x, struct et__nir_node *node,
                                size_t population, enum et__nir_field field,
                                enum et__spk_param param)
{
    const struct et__spk_population *p = &x->net->population[population];
    const bool up = param == ET__SPK_V_THRESHOLD && p->reach;
    size_t dims[3];
    double *data = NULL;
    ET_TRY(et__nir_set_field(node, field, ET_STORE_F32, et__nir_shape_of(x, population, dims), dims,
                             &data));
    for (size_t i = 0; i < p->n; i++) {
        const float value = p->param[param][i];
        data[i] = (double)(up ? nextafterf(value, -INFINITY) : value);
    }
    return ET_OK;
}

/* The inverse of what reading does with a kick. */
static void unkick(const struct et__nir_export *x, struct et__nir_node *node, size_t population)
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
    if (p->refractory > 0) return et__nir_refuse(p, "is refractory after a spike");
    if (p->old_synapse)
        return et__nir_refuse(p, "sees its synaptic current a step late (old_synapse)");
    if (!et__spk_fires(p->kind)) return ET_OK;
    if (p->reset == ET__SPK_SOFT)
        return et__nir_refuse(
            p, "resets by subtraction (soft): a reset of NIR leads to v_reset; train "
               "with reset: hard");
    if (p->reset == ET__SPK_KEEP) return et__nir_refuse(p, "does not reset");
    return ET_OK;
}

/* What reading makes of a Threshold: no memory, no reset. */
static bool is_threshold(const struct et__nir_export *x, const struct et__spk_population *p)
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

static enum et_status add_threshold(struct et__nir_export *x, size_t population)
{
    struct et__nir_node *node = NULL;
    x->node[population] = x->graph->n_nodes;
    ET_TRY(et__nir_put_node(x, x->net->population[population].name, ET__NIR_THRESHOLD, &node));
    return put_param(x, node, population, ET__NIR_F_THRESHOLD, ET__SPK_V_THRESHOLD);
}

static enum et_status add_neurons(struct et__nir_export *x, size_t population)
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
    ET_TRY(et__nir_put_node(x, p->name, kinds[p->kind], &node));
    for (const struct et__nir_rule *rule = et__nir_rules(node->kind); rule->field != ET__NIR_FIELDS;
         rule++)
        ET_TRY(put_param(x, node, population, rule->field, params[rule->field]));
    unkick(x, node, population);
    return ET_OK;
}

/* Adds a Scale by one where values only meet. */
static enum et_status add_relay(struct et__nir_export *x, size_t population)
{
    const struct et__spk_population *p = &x->net->population[population];
    struct et__nir_node *node = NULL;
    double *data = NULL;
    size_t dims[3];
    x->node[population] = x->graph->n_nodes;
    ET_TRY(et__nir_put_node(x, p->name, ET__NIR_SCALE, &node));
    const size_t rank = et__nir_shape_of(x, population, dims);
    ET_TRY(et__nir_set_field(node, ET__NIR_F_SCALE, ET_STORE_F32, rank, dims, &data));
    for (size_t i = 0; i < p->n; i++)
        data[i] = 1;
    return ET_OK;
}

/* ---- all of it ---- */

/* Populations at either end of a convolution or a pool have channels, height and width; without a
 * pool, and with a height of one, channels and width. */
static void find_shapes(struct et__nir_export *x)
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
static enum et_status find_cycles(struct et__nir_export *x)
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

static enum et_status add_ends(struct et__nir_export *x, enum et__nir_kind kind, size_t population)
{
    struct et__nir_node *node = NULL;
    size_t dims[3];
    ET_TRY(et__nir_put_node(x, kind == ET__NIR_INPUT ? "input" : "output", kind, &node));
    const size_t rank = et__nir_shape_of(x, population, dims);
    return et__nir_put_whole(node, ET__NIR_F_SHAPE, 1, rank, dims);
}

/* A relay that one stateless node feeds is that node. */
static bool is_alias(const struct et__nir_export *x, size_t population)
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
static void find_order(struct et__nir_export *x)
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

static enum et_status add_populations(struct et__nir_export *x)
{
    for (size_t i = 1; i < x->net->n_populations; i++) {
        x->node[i] = ET__NIR_NONE;
        if (x->alias[i]) continue;
        ET_TRY(x->net->population[i].kind == ET__SPK_RELAY ? add_relay(x, i) : add_neurons(x, i));
    }
    return ET_OK;
}

static enum et_status build(struct et__nir_export *x)
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
        ET_TRY(et__nir_put_synapses(x, k, &last));
        if (x->alias[target])
            x->node[target] = last;
        else
            ET_TRY(et__nir_add_edge(x->graph, last, x->node[target]));
    }
    for (size_t i = 1; i < net->n_populations; i++)
        if (net->population[i].shift != NULL && !x->shifted[i])
            return et__nir_refuse(&net->population[i],
                                  "shifts its current where no node has a bias");
    ET_TRY(add_ends(x, ET__NIR_OUTPUT, net->output));
    return et__nir_add_edge(x->graph, x->node[net->output], x->graph->n_nodes - 1);
}

enum et_status et__nir_from_network(const struct et__spk_network *net, struct et__nir_graph *graph)
{
    const size_t n = net->n_populations;
    struct et__nir_export x = {.net = net, .graph = graph};
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
