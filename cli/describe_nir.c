/* SPDX-License-Identifier: Apache-2.0
 *
 * etalon describe FILE.nir: the nodes of a NIR file with the shapes of their fields, and its
 * edges, as they stand in the file. */
#include "describe_nir.h"
#include "json.h"

#include <etalon/array.h>
#include <etalon/store.h>

#include <stdio.h>
#include <string.h>

enum { PATH_SIZE = 1024, DEPTH_MAX = 6, MARGIN = 2 };

struct listing {
    struct et_store *store;
    struct json *json; /* NULL: text */
    const char *group; /* whose members are listed */
    int depth;
    enum et_status status;
};

static bool join(char path[PATH_SIZE], const char *group, const char *name)
{
    return snprintf(path, PATH_SIZE, "%s/%s", group, name) < PATH_SIZE;
}

/* A few whole numbers are sizes and say more than their own shape: "= 2 8 8". */
static bool whole_text(struct et_store *store, const char *path, struct et_store_shape shape,
                       char text[128])
{
    int64_t values[4];
    const size_t n = shape.rank == 0 ? 1 : shape.dims[0];
    if (shape.kind == ET_STORE_F32 || shape.kind == ET_STORE_F64 || shape.rank > 1 || n > 4)
        return false;
    shape.kind = ET_STORE_I64;
    if (et_store_read(store, path, shape, values) != ET_OK) return false;
    size_t used = (size_t)snprintf(text, 128, "=");
    for (size_t i = 0; i < n && used < 128; i++)
        used += (size_t)snprintf(text + used, 128 - used, " %lld", (long long)values[i]);
    return true;
}

/* "[3][4]", or "scalar"; text when it is text. */
static enum et_status shape_text(struct et_store *store, const char *path, char text[128])
{
    struct et_store_shape shape;
    char *words = NULL;
    if (et_store_shape(store, path, &shape) != ET_OK) {
        ET_TRY(et_store_read_text(store, path, &words));
        snprintf(text, 128, "\"%.100s\"", words);
        et_free(words);
        et_error_clear();
        return ET_OK;
    }
    if (whole_text(store, path, shape, text)) return ET_OK;
    size_t used = (size_t)snprintf(text, 128, "%s", shape.rank == 0 ? "scalar" : "");
    for (size_t i = 0; i < shape.rank && used < 128; i++)
        used += (size_t)snprintf(text + used, 128 - used, "[%zu]", shape.dims[i]);
    return ET_OK;
}

static bool show_field(const char *name, bool is_group, void *user)
{
    struct listing *fields = user;
    char path[PATH_SIZE], text[128];
    if (is_group || strcmp(name, "type") == 0 || !join(path, fields->group, name)) return true;
    fields->status = shape_text(fields->store, path, text);
    if (fields->status != ET_OK) return false;
    if (fields->json != NULL)
        json_string(fields->json, name, text);
    else
        printf(" %s %s", name, text);
    return true;
}

static enum et_status show_graph(const struct listing *outer, const char *group, int depth);

static enum et_status show_fields(const struct listing *nodes, const char *node)
{
    struct listing fields = {nodes->store, nodes->json, node, nodes->depth, ET_OK};
    ET_TRY(et_store_each(nodes->store, node, show_field, &fields));
    return fields.status;
}

static enum et_status show_one(const struct listing *nodes, const char *name, const char *node,
                               const char *type)
{
    const bool is_graph = strcmp(type, "NIRGraph") == 0;
    if (nodes->json != NULL) {
        json_begin(nodes->json, NULL, '{');
        json_string(nodes->json, "name", name);
        json_string(nodes->json, "type", type);
    } else {
        printf("%*s%-*s %-10s", MARGIN * (nodes->depth + 1), "", 20 - MARGIN * nodes->depth, name,
               type);
    }
    if (!is_graph) ET_TRY(show_fields(nodes, node));
    if (nodes->json == NULL) putchar('\n');
    if (is_graph) ET_TRY(show_graph(nodes, node, nodes->depth + 1));
    if (nodes->json != NULL) json_end(nodes->json, '}');
    return ET_OK;
}

static bool show_node(const char *name, bool is_group, void *user)
{
    struct listing *nodes = user;
    char node[PATH_SIZE], path[PATH_SIZE], *type = NULL;
    if (!is_group || !join(node, nodes->group, name) || !join(path, node, "type")) return true;
    nodes->status = et_store_read_text(nodes->store, path, &type);
    if (nodes->status == ET_OK) nodes->status = show_one(nodes, name, node, type);
    et_free(type);
    return nodes->status == ET_OK;
}

static enum et_status show_edges(const struct listing *outer, const char *group, int depth)
{
    char path[PATH_SIZE];
    struct et_store_texts edges;
    struct et_store_shape empty;
    if (!join(path, group, "edges")) return ET_OK;
    if (et_store_shape(outer->store, path, &empty) == ET_OK) return ET_OK; /* numbers: none */
    ET_TRY(et_store_read_texts(outer->store, path, &edges));
    et_error_clear();
    if (outer->json != NULL) json_begin(outer->json, "edges", '[');
    for (size_t k = 0; k + 1 < edges.n; k += 2)
        if (outer->json != NULL) {
            json_begin(outer->json, NULL, '[');
            json_string(outer->json, NULL, edges.text[k]);
            json_string(outer->json, NULL, edges.text[k + 1]);
            json_end(outer->json, ']');
        } else {
            printf("%*s%s -> %s\n", MARGIN * (depth + 1), "", edges.text[k], edges.text[k + 1]);
        }
    if (outer->json != NULL) json_end(outer->json, ']');
    et_store_texts_destroy(&edges);
    return ET_OK;
}

static enum et_status show_graph(const struct listing *outer, const char *group, int depth)
{
    char path[PATH_SIZE];
    struct listing nodes = {outer->store, outer->json, path, depth, ET_OK};
    if (depth > DEPTH_MAX || !join(path, group, "nodes")) return ET_OK;
    if (nodes.json != NULL) json_begin(nodes.json, "nodes", '[');
    ET_TRY(et_store_each(outer->store, path, show_node, &nodes));
    ET_TRY(nodes.status);
    if (nodes.json != NULL) json_end(nodes.json, ']');
    return show_edges(outer, group, depth);
}

enum et_status describe_nir(const char *path, struct json *json)
{
    struct listing file = {.json = json};
    char *version = NULL;
    ET_TRY(et_store_open_foreign(path, &file.store));
    if (et_store_read_text(file.store, "/version", &version) != ET_OK) et_error_clear();
    if (json != NULL) {
        json_begin(json, NULL, '{');
        json_string(json, "file", path);
        json_string(json, "version", version ? version : "");
    } else {
        printf("%s (NIR%s%s)\n", path, version ? " " : "", version ? version : "");
    }
    enum et_status status = show_graph(&file, "/node", 0);
    if (json != NULL && status == ET_OK) json_end(json, '}');
    et_free(version);
    et_store_close(file.store);
    return status;
}
