/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading a graph from a NIR file:  /version;  /node/type "NIRGraph", /node/edges [n][2] texts,
 * /node/nodes/<name>/type and fields, sub-graphs in the same way. */
#include "spiking/nir.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { PATH_SIZE = 1024 };

/* "group/name"; what is too long becomes empty, a path that no file has. */
static const char *join(char path[PATH_SIZE], const char *group, const char *name)
{
    if (snprintf(path, PATH_SIZE, "%s/%s", group, name) >= PATH_SIZE) path[0] = '\0';
    return path;
}

struct reader {
    struct et_store *store;
    struct et__nir_graph *graph;
    bool lenient;
};

/* ---- fields ---- */

static enum et_status check_finite(const struct et__nir_node *node, enum et__nir_field field)
{
    const struct et__nir_value *value = &node->field[field];
    for (size_t i = 0; i < value->n; i++)
        if (!isfinite(value->data[i]) || fabs(value->data[i]) > 1e30)
            return et_error_set(ET_FORMAT, "node '%s': %s[%zu] = %g is not a usable number",
                                node->name, et__nir_field_name(field), i, value->data[i]);
    return ET_OK;
}

static enum et_status read_padding(struct reader *r, struct et__nir_node *node, const char *path)
{
    char *text = NULL;
    ET_TRY(et_store_read_text(r->store, path, &text));
    node->same = strcmp(text, "same") == 0;
    enum et_status status = ET_OK;
    if (!node->same && strcmp(text, "valid") != 0)
        status = et_error_set(ET_FORMAT, "node '%s': padding '%s' is neither 'same' nor 'valid'",
                              node->name, text);
    if (status == ET_OK)
        status = et__nir_set_field(node, ET__NIR_F_PADDING, ET_STORE_I64, 0, NULL, NULL);
    et_free(text);
    return status;
}

static enum et_status read_field(struct reader *r, struct et__nir_node *node, const char *group,
                                 enum et__nir_field field)
{
    char path[PATH_SIZE];
    struct et_store_shape shape;
    double *data = NULL;
    join(path, group, et__nir_field_name(field));
    if (field == ET__NIR_F_PADDING && et_store_shape(r->store, path, &shape) == ET_FORMAT)
        return read_padding(r, node, path);
    ET_TRY(et_store_shape(r->store, path, &shape));
    const bool real = shape.kind == ET_STORE_F32 || shape.kind == ET_STORE_F64;
    ET_TRY(et__nir_set_field(node, field, real ? shape.kind : ET_STORE_I64, shape.rank, shape.dims,
                             &data));
    shape.kind = ET_STORE_F64;
    ET_TRY(et_store_read(r->store, path, shape, data));
    return check_finite(node, field);
}

static enum et_status fill_absent(struct reader *r, struct et__nir_node *node,
                                  const struct et__nir_rule *rule)
{
    const char *name = et__nir_field_name(rule->field);
    double *data = NULL;
    if (rule->need == ET__NIR_REQUIRED || (rule->need == ET__NIR_LENIENT && !r->lenient))
        return et_error_set(ET_FORMAT, "node '%s' (%s) lacks its field '%s'%s", node->name,
                            et__nir_kind_name(node->kind), name,
                            rule->need == ET__NIR_LENIENT ? " (lenient reading does without)" : "");
    if (rule->need == ET__NIR_LENIENT && isfinite(rule->initial))
        et__nir_note(r->graph, "node '%s' (%s): '%s' is missing, taken as %g", node->name,
                     et__nir_kind_name(node->kind), name, rule->initial);
    if (rule->field == ET__NIR_F_STRIDE && !isfinite(rule->initial)) {
        const struct et__nir_value *kernel = &node->field[ET__NIR_F_KERNEL_SIZE];
        et__nir_note(r->graph, "node '%s': 'stride' is missing, taken as the kernel's size",
                     node->name);
        ET_TRY(
            et__nir_set_field(node, rule->field, ET_STORE_I64, kernel->rank, kernel->dims, &data));
        memcpy(data, kernel->data, kernel->n * sizeof *data);
        return ET_OK;
    }
    if (!isfinite(rule->initial)) return ET_OK;
    /* In the shape of the neurons where that is known, so that what is written later is whole. */
    const enum et__nir_field first = et__nir_rules(node->kind)->field;
    const struct et__nir_value *like = &node->field[first];
    const bool whole = et__nir_is_per_neuron(rule->field) && like->present;
    ET_TRY(et__nir_set_field(node, rule->field,
                             et__nir_is_per_neuron(rule->field) ? ET_STORE_F64 : ET_STORE_I64,
                             whole ? like->rank : 0, whole ? like->dims : NULL, &data));
    for (size_t i = 0; i < node->field[rule->field].n; i++)
        data[i] = rule->initial;
    return ET_OK;
}

/* ---- nodes ---- */

struct members {
    struct reader *reader;
    size_t node; /* whose group is listed */
    enum et_status status;
};

static bool check_member(const char *name, bool is_group, void *user)
{
    struct members *members = user;
    struct et__nir_graph *graph = members->reader->graph;
    const struct et__nir_node *node = &graph->node[members->node];
    if (strcmp(name, "type") == 0 || (strcmp(name, "metadata") == 0 && is_group)) return true;
    const struct et__nir_rule *rule = et__nir_rules(node->kind);
    while (rule->field != ET__NIR_FIELDS && strcmp(name, et__nir_field_name(rule->field)) != 0)
        rule++;
    if (rule->field != ET__NIR_FIELDS && !is_group) return true;
    if (members->reader->lenient) {
        et__nir_note(graph, "node '%s' (%s): unknown field '%s' is skipped", node->name,
                     et__nir_kind_name(node->kind), name);
        return true;
    }
    members->status = et_error_set(
        ET_FORMAT, "node '%s' (%s) has an unknown field '%s' (lenient reading skips it)",
        node->name, et__nir_kind_name(node->kind), name);
    return false;
}

static enum et_status read_fields(struct reader *r, size_t index, const char *group)
{
    struct et__nir_node *node = &r->graph->node[index];
    struct members members = {r, index, ET_OK};
    char path[PATH_SIZE];
    ET_TRY(et_store_each(r->store, group, check_member, &members));
    ET_TRY(members.status);
    for (const struct et__nir_rule *rule = et__nir_rules(node->kind); rule->field != ET__NIR_FIELDS;
         rule++) {
        join(path, group, et__nir_field_name(rule->field));
        if (et_store_has(r->store, path))
            ET_TRY(read_field(r, node, group, rule->field));
        else
            ET_TRY(fill_absent(r, node, rule));
    }
    return ET_OK;
}

static enum et_status unknown_type(const char *node, const char *type)
{
    const char *names[ET__NIR_KINDS];
    for (size_t k = 0; k < ET__NIR_KINDS; k++)
        names[k] = et__nir_kind_name((enum et__nir_kind)k);
    const char *near = et_nearest_name(type, names, ET__NIR_KINDS);
    return et_error_set(ET_FORMAT, "node '%s' has the unknown type '%s'%s%s%s", node, type,
                        near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* ---- edges ---- */

static size_t find_node(const struct et__nir_graph *graph, size_t parent, const char *name)
{
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const struct et__nir_node *node = &graph->node[i];
        if (node->parent != parent) continue;
        const size_t skip = parent == ET__NIR_NONE ? 0 : strlen(graph->node[parent].name) + 1;
        if (strcmp(node->name + skip, name) == 0) return i;
    }
    return ET__NIR_NONE;
}

static bool ends_with_part(const char *whole, const char *name)
{
    const size_t size = strlen(whole), length = strlen(name);
    return size > length && whole[size - length - 1] == '.' &&
           strcmp(whole + size - length, name) == 0;
}

/* The Input (for an edge that ends there) or Output of what lies flat as "name.input",
 * "name.lif", ...: a sub-graph in all but its group. */
static size_t find_flat_door(const struct et__nir_graph *graph, size_t parent, const char *name,
                             bool into)
{
    const size_t skip = parent == ET__NIR_NONE ? 0 : strlen(graph->node[parent].name) + 1;
    const size_t length = strlen(name);
    size_t found = ET__NIR_NONE, n = 0;
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const struct et__nir_node *node = &graph->node[i];
        if (node->parent != parent || node->kind != (into ? ET__NIR_INPUT : ET__NIR_OUTPUT) ||
            strncmp(node->name + skip, name, length) != 0 || node->name[skip + length] != '.')
            continue;
        found = i;
        n++;
    }
    return n == 1 ? found : ET__NIR_NONE;
}

/* Files disagree on how an edge names a node of a sub-graph: by its whole name, by the last part
 * of it (here or anywhere), by the beginning that a flat sub-graph shares, or by a name of the
 * graph around. */
static size_t search_node(const struct et__nir_graph *graph, size_t parent, const char *name,
                          bool into)
{
    size_t found[2] = {ET__NIR_NONE, ET__NIR_NONE}, n[2] = {0, 0};
    const size_t door = find_flat_door(graph, parent, name, into);
    if (door != ET__NIR_NONE) return door;
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const struct et__nir_node *node = &graph->node[i];
        if (strcmp(node->name, name) == 0) return i;
        if (!ends_with_part(node->name, name)) continue;
        const size_t far = node->parent != parent;
        found[far] = i;
        n[far]++;
    }
    if (n[0] == 1) return found[0];
    if (n[0] == 0 && n[1] == 1) return found[1];
    for (size_t p = parent; p != ET__NIR_NONE; p = graph->node[p].parent) {
        const size_t outer = find_node(graph, graph->node[p].parent, name);
        if (outer != ET__NIR_NONE) return outer;
    }
    return ET__NIR_NONE;
}

static enum et_status resolve(struct reader *r, size_t parent, const char *name, size_t edge,
                              bool into, size_t *node)
{
    *node = find_node(r->graph, parent, name);
    if (*node != ET__NIR_NONE) return ET_OK;
    if (r->lenient) *node = search_node(r->graph, parent, name, into);
    if (*node == ET__NIR_NONE)
        return et_error_set(ET_FORMAT, "edge %zu names '%s', which is no node of %s%s", edge, name,
                            parent == ET__NIR_NONE ? "the graph" : "sub-graph ",
                            parent == ET__NIR_NONE ? "" : r->graph->node[parent].name);
    et__nir_note(r->graph, "edge %zu names '%s', taken as node '%s'", edge, name,
                 r->graph->node[*node].name);
    return ET_OK;
}

static enum et_status read_edges(struct reader *r, size_t parent, const char *group)
{
    struct et_store_texts texts;
    struct et_store_shape shape;
    char path[PATH_SIZE];
    join(path, group, "edges");
    /* A graph without edges is written as an empty array of numbers. */
    if (et_store_shape(r->store, path, &shape) == ET_OK && shape.rank > 0 && shape.dims[0] == 0)
        return ET_OK;
    ET_TRY(et_store_read_texts(r->store, path, &texts));
    enum et_status status = ET_OK;
    if (texts.rank != 2 || texts.dims[1] != 2)
        status = et_error_set(ET_FORMAT, "%s is not a list of pairs", path);
    for (size_t k = 0; 2 * k < texts.n && status == ET_OK; k++) {
        size_t from = 0, to = 0;
        status = resolve(r, parent, texts.text[2 * k], k, false, &from);
        if (status == ET_OK) status = resolve(r, parent, texts.text[2 * k + 1], k, true, &to);
        if (status == ET_OK) status = et__nir_add_edge(r->graph, from, to);
    }
    et_store_texts_destroy(&texts);
    return status;
}

/* ---- graphs ---- */

static enum et_status read_graph(struct reader *r, size_t parent, const char *group, size_t depth);

struct children {
    struct reader *reader;
    const char *group;
    size_t parent, depth;
    enum et_status status;
};

static enum et_status read_child(struct children *c, const char *name, const char *type)
{
    struct reader *r = c->reader;
    char full[PATH_SIZE], path[PATH_SIZE];
    const char *outer = c->parent == ET__NIR_NONE ? "" : r->graph->node[c->parent].name;
    const int used = snprintf(full, sizeof full, "%s%s%s", outer, *outer ? "." : "", name);
    const int length = snprintf(path, sizeof path, "%s/nodes/%s", c->group, name);
    if (used >= PATH_SIZE || length >= PATH_SIZE - 32)
        return et_error_set(ET_FORMAT, "the name of node '%.40s...' is too long", name);
    const bool is_graph = strcmp(type, "NIRGraph") == 0;
    const enum et__nir_kind kind = is_graph ? ET__NIR_GRAPH : et__nir_kind_of(type);
    if (!is_graph && kind == ET__NIR_KINDS) return unknown_type(full, type);
    const size_t index = r->graph->n_nodes;
    ET_TRY(et__nir_add_node(r->graph, full, kind, NULL));
    r->graph->node[index].parent = c->parent;
    return is_graph ? read_graph(r, index, path, c->depth + 1) : read_fields(r, index, path);
}

static bool visit_child(const char *name, bool is_group, void *user)
{
    struct children *c = user;
    char path[PATH_SIZE], *type = NULL;
    if (!is_group || snprintf(path, sizeof path, "%s/nodes/%s/type", c->group, name) >= PATH_SIZE) {
        c->status =
            et_error_set(ET_FORMAT, "%s/nodes/%.40s is not the group of a node", c->group, name);
        return false;
    }
    c->status = et_store_read_text(c->reader->store, path, &type);
    if (c->status == ET_OK) c->status = read_child(c, name, type);
    et_free(type);
    return c->status == ET_OK;
}

static enum et_status read_graph(struct reader *r, size_t parent, const char *group, size_t depth)
{
    struct children children = {r, group, parent, depth, ET_OK};
    char path[PATH_SIZE];
    if (depth > ET__NIR_DEPTH_MAX)
        return et_error_set(ET_FORMAT, "%s: graphs nest deeper than %d", group,
                            (int)ET__NIR_DEPTH_MAX);
    join(path, group, "nodes");
    ET_TRY(et_store_each(r->store, path, visit_child, &children));
    ET_TRY(children.status);
    return read_edges(r, parent, group);
}

static enum et_status read_file(struct reader *r)
{
    char *type = NULL;
    ET_TRY(et_store_read_text(r->store, "/node/type", &type));
    const bool is_graph = strcmp(type, "NIRGraph") == 0;
    enum et_status status =
        is_graph ? ET_OK : et_error_set(ET_FORMAT, "/node/type is '%.40s', not 'NIRGraph'", type);
    et_free(type);
    ET_TRY(status);
    if (et_store_has(r->store, "/version"))
        ET_TRY(et_store_read_text(r->store, "/version", &r->graph->version));
    else
        r->graph->version = et_strdup("");
    if (r->graph->version == NULL) return ET_NOMEM;
    ET_TRY(read_graph(r, ET__NIR_NONE, "/node", 0));
    ET_TRY(et__nir_flatten(r->graph, r->lenient));
    return et__nir_infer(r->graph, r->lenient);
}

enum et_status et__nir_read(const char *path, bool lenient, struct et__nir_graph *graph)
{
    struct reader reader = {.graph = graph, .lenient = lenient};
    *graph = (struct et__nir_graph){.path = et_strdup(path)};
    enum et_status status = graph->path ? et_store_open_foreign(path, &reader.store) : ET_NOMEM;
    if (status == ET_OK) {
        status = read_file(&reader);
        if (status != ET_OK) et_error_while("reading NIR file '%s'", path);
    }
    et_store_close(reader.store);
    if (status != ET_OK) et__nir_free(graph);
    return status;
}
