/* SPDX-License-Identifier: Apache-2.0
 *
 * Graphs of NIR in memory: building, flattening of sub-graphs, order of evaluation. */
#include "spiking/nir.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { NOTES_MAX = 64 };

/* An array with room for one more element: capacities are powers of two. */
static void *grow(void *old, size_t n, size_t size)
{
    if (n != 0 && (n & (n - 1)) != 0) return old;
    char *grown = et_alloc(n == 0 ? 1 : 2 * n, size);
    if (grown == NULL) return NULL;
    if (n > 0) memcpy(grown, old, n * size);
    et_free(old);
    return grown;
}

static void free_node(struct et__nir_node *node)
{
    et_free(node->name);
    for (size_t f = 0; f < ET__NIR_FIELDS; f++)
        et_free(node->field[f].data);
    *node = (struct et__nir_node){0};
}

void et__nir_free(struct et__nir_graph *graph)
{
    for (size_t i = 0; i < graph->n_nodes; i++)
        free_node(&graph->node[i]);
    for (size_t i = 0; i < graph->n_notes; i++)
        et_free(graph->note[i]);
    et_free(graph->node);
    et_free(graph->edge);
    et_free(graph->note);
    et_free(graph->version);
    et_free(graph->path);
    *graph = (struct et__nir_graph){0};
}

enum et_status et__nir_add_node(struct et__nir_graph *graph, const char *name,
                                enum et__nir_kind kind, struct et__nir_node **node)
{
    if (graph->n_nodes == ET__NIR_NODES_MAX)
        return et_error_set(ET_FORMAT, "the graph has more than %d nodes", (int)ET__NIR_NODES_MAX);
    void *grown = grow(graph->node, graph->n_nodes, sizeof *graph->node);
    if (grown == NULL) return ET_NOMEM;
    graph->node = grown;
    struct et__nir_node *added = &graph->node[graph->n_nodes];
    *added = (struct et__nir_node){.name = et_strdup(name), .kind = kind, .parent = ET__NIR_NONE};
    if (added->name == NULL) return ET_NOMEM;
    graph->n_nodes++;
    if (node != NULL) *node = added;
    return ET_OK;
}

enum et_status et__nir_add_edge(struct et__nir_graph *graph, size_t from, size_t to)
{
    if (graph->n_edges == ET__NIR_EDGES_MAX)
        return et_error_set(ET_FORMAT, "the graph has more than %d edges", (int)ET__NIR_EDGES_MAX);
    void *grown = grow(graph->edge, graph->n_edges, sizeof *graph->edge);
    if (grown == NULL) return ET_NOMEM;
    graph->edge = grown;
    graph->edge[graph->n_edges++] = (struct et__nir_edge){from, to};
    return ET_OK;
}

enum et_status et__nir_set_field(struct et__nir_node *node, enum et__nir_field field,
                                 enum et_store_kind kind, size_t rank, const size_t *dims,
                                 double **data)
{
    struct et__nir_value *value = &node->field[field];
    size_t n = 1;
    *value = (struct et__nir_value){.present = true, .kind = kind, .rank = rank};
    for (size_t i = 0; i < rank; i++) {
        if (dims[i] > 0 && n > ET__NIR_SIZE_MAX / dims[i])
            return et_error_set(ET_FORMAT, "node '%s': %s has more than %d elements", node->name,
                                et__nir_field_name(field), (int)ET__NIR_SIZE_MAX);
        value->dims[i] = dims[i];
        n *= dims[i];
    }
    value->n = n;
    value->data = et_alloc(n, sizeof *value->data);
    if (value->data == NULL) return ET_NOMEM;
    if (data != NULL) *data = value->data;
    return ET_OK;
}

/* A note that finds no room is dropped: the graph is as good without it. */
void et__nir_note(struct et__nir_graph *graph, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (graph->n_notes == NOTES_MAX) return;
    void *grown = grow(graph->note, graph->n_notes, sizeof *graph->note);
    if (grown == NULL) return;
    graph->note = grown;
    graph->note[graph->n_notes] = et_strdup(text);
    if (graph->note[graph->n_notes] != NULL) graph->n_notes++;
}

double et__nir_at(const struct et__nir_value *value, size_t i)
{
    return value->data[value->n == 1 ? 0 : i];
}

/* ---- sub-graphs ---- */

static void remove_node(struct et__nir_graph *graph, size_t i)
{
    free_node(&graph->node[i]);
    memmove(&graph->node[i], &graph->node[i + 1], (--graph->n_nodes - i) * sizeof *graph->node);
    memset(&graph->node[graph->n_nodes], 0, sizeof *graph->node);
    for (size_t k = 0; k < graph->n_nodes; k++)
        if (graph->node[k].parent != ET__NIR_NONE && graph->node[k].parent > i)
            graph->node[k].parent--;
    for (size_t k = 0; k < graph->n_edges; k++) {
        graph->edge[k].from -= graph->edge[k].from > i;
        graph->edge[k].to -= graph->edge[k].to > i;
    }
}

/* Edges keep their order: what came in at place k goes out there. */
enum et_status et__nir_short(struct et__nir_graph *graph, size_t i)
{
    struct et__nir_graph result = {0};
    enum et_status status = ET_OK;
    for (size_t k = 0; k < graph->n_edges && status == ET_OK; k++) {
        const struct et__nir_edge edge = graph->edge[k];
        if (edge.from == i) continue;
        if (edge.to != i) status = et__nir_add_edge(&result, edge.from, edge.to);
        for (size_t m = 0; m < graph->n_edges && status == ET_OK && edge.to == i; m++)
            if (graph->edge[m].from == i && graph->edge[m].to != i)
                status = et__nir_add_edge(&result, edge.from, graph->edge[m].to);
    }
    if (status != ET_OK) {
        et_free(result.edge);
        return status;
    }
    et_free(graph->edge);
    graph->edge = result.edge;
    graph->n_edges = result.n_edges;
    return ET_OK;
}

static bool has_edge(const struct et__nir_graph *graph, size_t i, bool into)
{
    for (size_t k = 0; k < graph->n_edges; k++)
        if ((into ? graph->edge[k].to : graph->edge[k].from) == i) return true;
    return false;
}

/* The node of sub-graph g through which an edge enters (or leaves). */
static enum et_status find_door(const struct et__nir_graph *graph, size_t g, bool into,
                                bool lenient, size_t *door)
{
    const enum et__nir_kind kind = into ? ET__NIR_INPUT : ET__NIR_OUTPUT;
    size_t found = 0, open = 0, last = ET__NIR_NONE;
    for (size_t i = 0; i < graph->n_nodes; i++) {
        if (graph->node[i].parent != g) continue;
        if (graph->node[i].kind == kind) {
            *door = i;
            found++;
        } else if (!has_edge(graph, i, into)) {
            last = i;
            open++;
        }
    }
    if (found == 1) return ET_OK;
    if (found == 0 && open == 1 && lenient) {
        *door = last;
        return ET_OK;
    }
    return et_error_set(ET_FORMAT,
                        "sub-graph '%s' has %zu nodes of type %s where an edge needs one",
                        graph->node[g].name, found, et__nir_kind_name(kind));
}

/* An Input or Output of a sub-graph; lenient reading also finds those that lie flat. */
static bool is_inner_door(const struct et__nir_graph *graph, size_t i, bool lenient)
{
    const struct et__nir_node *node = &graph->node[i];
    const bool input = node->kind == ET__NIR_INPUT;
    if (!input && node->kind != ET__NIR_OUTPUT) return false;
    return node->parent != ET__NIR_NONE ||
           (lenient && strchr(node->name, '.') != NULL && has_edge(graph, i, input));
}

enum et_status et__nir_flatten(struct et__nir_graph *graph, bool lenient)
{
    /* Inner graphs come behind those around them, so from the last to the first. */
    for (size_t g = graph->n_nodes; g-- > 0;) {
        if (graph->node[g].kind != ET__NIR_GRAPH) continue;
        size_t door[2] = {g, g};
        if (has_edge(graph, g, true)) ET_TRY(find_door(graph, g, true, lenient, &door[0]));
        if (has_edge(graph, g, false)) ET_TRY(find_door(graph, g, false, lenient, &door[1]));
        for (size_t k = 0; k < graph->n_edges; k++) {
            if (graph->edge[k].to == g) graph->edge[k].to = door[0];
            if (graph->edge[k].from == g) graph->edge[k].from = door[1];
        }
    }
    for (size_t i = graph->n_nodes; i-- > 0;) {
        if (!is_inner_door(graph, i, lenient)) continue;
        ET_TRY(et__nir_short(graph, i));
        remove_node(graph, i);
    }
    for (size_t i = graph->n_nodes; i-- > 0;)
        if (graph->node[i].kind == ET__NIR_GRAPH) remove_node(graph, i);
    for (size_t i = 0; i < graph->n_nodes; i++)
        graph->node[i].parent = ET__NIR_NONE;
    return ET_OK;
}

/* ---- order ---- */

struct visit {
    const struct et__nir_edge *edge;
    size_t n, n_edges;
    size_t *start, *list; /* edges that leave each node, in their order */
    size_t *stack, *next; /* next [n]: the edge to follow */
    unsigned char *state; /* 0 new, 1 on the stack, 2 done */
    size_t left;          /* places of the order that are free, filled from the end */
};

static void sort_edges(struct visit *v)
{
    for (size_t k = 0; k < v->n_edges; k++)
        v->start[v->edge[k].from + 1]++;
    for (size_t i = 0; i < v->n; i++)
        v->start[i + 1] += v->start[i];
    for (size_t i = 0; i < v->n; i++)
        v->next[i] = v->start[i];
    for (size_t k = 0; k < v->n_edges; k++)
        v->list[v->next[v->edge[k].from]++] = k;
    for (size_t i = 0; i < v->n; i++)
        v->next[i] = v->start[i];
}

static void descend(struct visit *v, size_t root, size_t *order, bool *behind)
{
    size_t depth = 0;
    if (v->state[root] != 0) return;
    v->stack[depth++] = root;
    v->state[root] = 1;
    while (depth > 0) {
        const size_t i = v->stack[depth - 1];
        if (v->next[i] == v->start[i + 1]) {
            v->state[i] = 2;
            order[--v->left] = i;
            depth--;
            continue;
        }
        const size_t k = v->list[v->next[i]++], to = v->edge[k].to;
        behind[k] = v->state[to] == 1;
        if (v->state[to] != 0) continue;
        v->state[to] = 1;
        v->stack[depth++] = to;
    }
}

enum et_status et__nir_order(size_t n, const struct et__nir_edge *edge, size_t n_edges,
                             size_t first, size_t *order, bool *behind)
{
    struct visit v = {.edge = edge, .n = n, .n_edges = n_edges, .left = n};
    v.start = et_alloc(n + 1, sizeof *v.start);
    v.list = et_alloc(n_edges, sizeof *v.list);
    v.stack = et_alloc(n, sizeof *v.stack);
    v.next = et_alloc(n, sizeof *v.next);
    v.state = et_alloc(n, 1);
    enum et_status status = v.start && v.list && v.stack && v.next && v.state ? ET_OK : ET_NOMEM;
    if (status == ET_OK) {
        sort_edges(&v);
        /* Filled from the end: what `first` does not reach comes before what it does. */
        descend(&v, first, order, behind);
        for (size_t i = 0; i < n; i++)
            descend(&v, i, order, behind);
    }
    et_free(v.state);
    et_free(v.next);
    et_free(v.stack);
    et_free(v.list);
    et_free(v.start);
    return status;
}
