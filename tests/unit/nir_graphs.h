/* SPDX-License-Identifier: Apache-2.0
 *
 * Graphs of NIR for the tests: built by short calls, or written field by field as a file that our
 * own writer would refuse. */
#ifndef ETALON_TESTS_UNIT_NIR_GRAPHS_H
#define ETALON_TESTS_UNIT_NIR_GRAPHS_H

#include "sim/spiking/nir.h"
#include "unit/data_folder.h"

#include <math.h>

/* ---- graphs in memory ---- */

static inline size_t add(struct et__nir_graph *graph, const char *name, enum et__nir_kind kind)
{
    assert_ok(et__nir_add_node(graph, name, kind, NULL));
    return graph->n_nodes - 1;
}

/* A field with values first, first + step, ... in float32. */
static inline void field(struct et__nir_graph *graph, size_t node, enum et__nir_field which,
                         size_t rank, const size_t *dims, double first, double step)
{
    double *data = NULL;
    assert_ok(et__nir_set_field(&graph->node[node], which, ET_STORE_F32, rank, dims, &data));
    for (size_t i = 0; i < graph->node[node].field[which].n; i++)
        data[i] = (double)(float)(first + step * (double)i);
}

/* n equal numbers, one for each neuron. */
static inline void neurons(struct et__nir_graph *graph, size_t node, enum et__nir_field which,
                           size_t n, double value)
{
    field(graph, node, which, 1, &n, value, 0);
}

static inline void whole(struct et__nir_graph *graph, size_t node, enum et__nir_field which,
                         size_t rank, size_t n, const double *values)
{
    double *data = NULL;
    assert_ok(et__nir_set_field(&graph->node[node], which, ET_STORE_I64, rank, &n, &data));
    memcpy(data, values, n * sizeof *data);
}

static inline void edge(struct et__nir_graph *graph, size_t from, size_t to)
{
    assert_ok(et__nir_add_edge(graph, from, to));
}

/* An Input or Output of a shape. */
static inline size_t end(struct et__nir_graph *graph, enum et__nir_kind kind, size_t rank, double a,
                         double b, double c)
{
    const double dims[3] = {a, b, c};
    const size_t node = add(graph, kind == ET__NIR_INPUT ? "input" : "output", kind);
    whole(graph, node, ET__NIR_F_SHAPE, 1, rank, dims);
    return node;
}

/* Edges from each node to the next, in the order in which they were added. */
static inline void in_line(struct et__nir_graph *graph)
{
    for (size_t i = 0; i + 1 < graph->n_nodes; i++)
        edge(graph, i, i + 1);
}

/* ---- files ---- */

static inline void put_numbers(struct et_store *store, const char *node, const char *name,
                               size_t rank, size_t n, double value)
{
    char path[256];
    double values[64];
    const struct et_store_shape shape = {ET_STORE_F64, rank, {n}};
    for (size_t i = 0; i < 64; i++)
        values[i] = value;
    snprintf(path, sizeof path, "/node/nodes/%s/%s", node, name);
    assert_ok(et_store_write(store, path, shape, values, NULL, NULL, ET_STABLE));
}

static inline void put_type(struct et_store *store, const char *node, const char *type)
{
    char path[256];
    snprintf(path, sizeof path, "/node/nodes/%s/type", node);
    assert_ok(et_store_write_text(store, path, type, NULL, ET_STABLE));
}

static inline struct et_store *begin_file(const char *name)
{
    struct et_store *store = NULL;
    assert_ok(et_store_create_foreign(in_folder(name), &store));
    assert_ok(et_store_write_text(store, "/node/type", "NIRGraph", NULL, ET_STABLE));
    return store;
}

static inline void put_edges(struct et_store *store, const char *group, size_t n,
                             const char *const *names)
{
    char path[256];
    const struct et_store_shape shape = {.rank = 2, .dims = {n, 2}};
    snprintf(path, sizeof path, "%s/edges", group);
    assert_ok(et_store_write_texts(store, path, shape, names));
}

#endif
