/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing a graph as a NIR file that the reference reader loads with type checking: no field that
 * it does not know, none that it misses, no parameter of neurons without a dimension. */
#include "spiking/nir.h"

#include <stdio.h>
#include <string.h>

enum { PATH_SIZE = 1024 };

/* The layout that is written. */
static const char version[] = "1.0.8";

static enum et_status write_value(struct et_store *store, const char *path,
                                  const struct et__nir_value *value)
{
    struct et_store_shape shape = {.kind = value->kind, .rank = value->rank};
    memcpy(shape.dims, value->dims, sizeof shape.dims);
    if (value->kind == ET_STORE_F64)
        return et_store_write(store, path, shape, value->data, NULL, NULL, ET_STABLE);
    void *copy = et_alloc(value->n, 8);
    if (copy == NULL) return ET_NOMEM;
    float *narrow = copy;
    int64_t *whole = copy;
    for (size_t i = 0; i < value->n; i++)
        if (value->kind == ET_STORE_F32)
            narrow[i] = (float)value->data[i];
        else
            whole[i] = (int64_t)value->data[i];
    enum et_status status = et_store_write(store, path, shape, copy, NULL, NULL, ET_STABLE);
    et_free(copy);
    return status;
}

static enum et_status write_node(struct et_store *store, const struct et__nir_node *node)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "/node/nodes/%s/type", node->name);
    ET_TRY(et_store_write_text(store, path, et__nir_kind_name(node->kind), NULL, ET_STABLE));
    for (const struct et__nir_rule *rule = et__nir_rules(node->kind); rule->field != ET__NIR_FIELDS;
         rule++) {
        const struct et__nir_value *value = &node->field[rule->field];
        snprintf(path, sizeof path, "/node/nodes/%s/%s", node->name,
                 et__nir_field_name(rule->field));
        if (rule->field == ET__NIR_F_PADDING && node->same)
            ET_TRY(et_store_write_text(store, path, "same", NULL, ET_STABLE));
        else if (value->present)
            ET_TRY(write_value(store, path, value));
    }
    return ET_OK;
}

static enum et_status write_edges(struct et_store *store, const struct et__nir_graph *graph)
{
    const struct et_store_shape shape = {.rank = 2, .dims = {graph->n_edges, 2}};
    const char **name = et_alloc(2 * graph->n_edges, sizeof *name);
    if (name == NULL) return ET_NOMEM;
    for (size_t k = 0; k < graph->n_edges; k++) {
        name[2 * k] = graph->node[graph->edge[k].from].name;
        name[2 * k + 1] = graph->node[graph->edge[k].to].name;
    }
    enum et_status status = et_store_write_texts(store, "/node/edges", shape, name);
    et_free(name);
    return status;
}

static enum et_status expand(struct et__nir_node *node, enum et__nir_field field,
                             const struct et__nir_type *type)
{
    struct et__nir_value *value = &node->field[field];
    const double number = value->data[0];
    et_free(value->data);
    ET_TRY(et__nir_set_field(node, field, value->kind, type->rank, type->dims, NULL));
    for (size_t i = 0; i < value->n; i++)
        value->data[i] = number;
    return ET_OK;
}

static enum et_status put_zeros(struct et__nir_node *node, enum et__nir_field field, size_t n)
{
    return et__nir_set_field(node, field, ET_STORE_F32, 1, &n, NULL);
}

static enum et_status put_type(struct et__nir_node *node, enum et__nir_field field,
                               const size_t *dims, size_t rank, bool scalar)
{
    double *data = NULL;
    ET_TRY(et__nir_set_field(node, field, ET_STORE_I64, scalar ? 0 : 1, &rank, &data));
    for (size_t i = 0; i < rank; i++)
        data[i] = (double)dims[i];
    return ET_OK;
}

/* Puts in what lenient reading did without, now that all shapes are known. */
static enum et_status complete(struct et__nir_node *node)
{
    struct et__nir_value *field = node->field;
    for (const struct et__nir_rule *rule = et__nir_rules(node->kind); rule->field != ET__NIR_FIELDS;
         rule++)
        if (et__nir_is_per_neuron(rule->field) && field[rule->field].present &&
            field[rule->field].rank != node->in.rank)
            ET_TRY(expand(node, rule->field, &node->in));
    switch (node->kind) {
    case ET__NIR_INPUT:
    case ET__NIR_OUTPUT:
        if (field[ET__NIR_F_SHAPE].present) return ET_OK;
        return put_type(node, ET__NIR_F_SHAPE, node->in.dims, node->in.rank, false);
    case ET__NIR_FLATTEN:
        if (field[ET__NIR_F_INPUT_TYPE].present) return ET_OK;
        return put_type(node, ET__NIR_F_INPUT_TYPE, node->in.dims, node->in.rank, false);
    case ET__NIR_CONV1D:
    case ET__NIR_CONV2D:
        if (!field[ET__NIR_F_BIAS].present)
            ET_TRY(put_zeros(node, ET__NIR_F_BIAS, node->out.dims[0]));
        if (field[ET__NIR_F_INPUT_SHAPE].present) return ET_OK;
        return put_type(node, ET__NIR_F_INPUT_SHAPE, node->in.dims + 1, node->in.rank - 1,
                        node->kind == ET__NIR_CONV1D);
    case ET__NIR_AFFINE:
        return field[ET__NIR_F_BIAS].present ? ET_OK : put_zeros(node, ET__NIR_F_BIAS, node->out.n);
    default:
        return ET_OK;
    }
}

enum et_status et__nir_write(struct et__nir_graph *graph, const char *path)
{
    struct et_store *store = NULL;
    ET_TRY(et__nir_infer(graph, true));
    for (size_t i = 0; i < graph->n_nodes; i++)
        ET_TRY(complete(&graph->node[i]));
    ET_TRY(et__nir_infer(graph, false));
    enum et_status status = et_store_create_foreign(path, &store);
    if (status == ET_OK) status = et_store_write_text(store, "/version", version, NULL, ET_STABLE);
    if (status == ET_OK)
        status = et_store_write_text(store, "/node/type", "NIRGraph", NULL, ET_STABLE);
    if (status == ET_OK) status = et_store_write_group(store, "/node/nodes");
    for (size_t i = 0; i < graph->n_nodes && status == ET_OK; i++)
        status = write_node(store, &graph->node[i]);
    if (status == ET_OK) status = write_edges(store, graph);
    if (status == ET_OK) status = et_store_commit(&store);
    et_store_close(store);
    return status;
}
