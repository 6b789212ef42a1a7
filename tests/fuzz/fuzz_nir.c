/* SPDX-License-Identifier: Apache-2.0
 *
 * NIR files built from a recipe of bytes: nodes of any kind with any fields, shapes and values,
 * sub-graphs, edges between any of them.  Read strictly and leniently, made into a network,
 * finished, exported and read again: what the strict reader accepts of our own writing must be
 * accepted once more. */
#include "recipe.h"

#include "sim/spiking/nir.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
    return "leak:libhdf5";
}

enum { NODES_MAX = 12, ELEMENTS_MAX = 64 };

static double value(uint8_t code)
{
    static const double values[] = {0,  1,   2,   3,   4,    0.5, -1,       0.01,
                                    5,  6,   8,   1e3, 1e-3, 28,  -0.25,    1.5,
                                    16, 1e9, NAN, 1e7, 1e40, 9,   INFINITY, 1e-9};
    return values[code % (sizeof values / sizeof values[0])];
}

/* Shape and values: rank, an extent per axis, a first value and a step. */
static void put_field(struct recipe *r, const char *node, const char *name)
{
    double values[ELEMENTS_MAX];
    char path[128];
    struct et_store_shape shape = {ET_STORE_F64, next(r) % 5, {0}};
    size_t n = 1;
    for (size_t i = 0; i < shape.rank; i++) {
        shape.dims[i] = next(r) % 9;
        if (shape.dims[i] > 0 && n > ELEMENTS_MAX / shape.dims[i]) shape.dims[i] = 1;
        n *= shape.dims[i];
    }
    const double first = value(next(r)), step = value(next(r));
    for (size_t i = 0; i < n; i++)
        values[i] = first + step * (double)i;
    snprintf(path, sizeof path, "%s/%s", node, name);
    if (et_store_write(r->store, path, shape, values, NULL, NULL, ET_STABLE) != ET_OK)
        et_error_clear();
}

static void put_text(struct recipe *r, const char *node, const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", node, name);
    if (et_store_write_text(r->store, path, text, NULL, ET_STABLE) != ET_OK) et_error_clear();
}

static void put_node(struct recipe *r, const char *node, enum et__nir_kind kind)
{
    put_text(r, node, "type", et__nir_kind_name(kind));
    const uint8_t odd = next(r);
    if (odd % 16 == 7) put_field(r, node, "beta");
    for (const struct et__nir_rule *rule = et__nir_rules(kind); rule->field != ET__NIR_FIELDS;
         rule++) {
        const uint8_t how = next(r);
        if (how % 8 == 7) continue;
        if (how % 8 == 6)
            put_text(r, node, et__nir_field_name(rule->field), how & 8 ? "same" : "valid");
        else
            put_field(r, node, et__nir_field_name(rule->field));
    }
}

static void put_graph(struct recipe *r, const char *group, size_t depth)
{
    char node[96];
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g",
                                        "h", "i", "j", "k", "l", "m"};
    const char *edges[64];
    const size_t n = next(r) % (NODES_MAX + 1);
    put_text(r, group, "type", "NIRGraph");
    for (size_t i = 0; i < n; i++) {
        snprintf(node, sizeof node, "%.70s/nodes/%s", group, names[i]);
        const size_t kind = next(r) % (ET__NIR_KINDS + 1);
        if (kind == ET__NIR_KINDS && depth < 3)
            put_graph(r, node, depth + 1);
        else
            put_node(r, node, (enum et__nir_kind)(kind % ET__NIR_KINDS));
    }
    const size_t m = next(r) % 32;
    for (size_t k = 0; k < 2 * m; k++)
        edges[k] = names[next(r) % 13];
    snprintf(node, sizeof node, "%.80s/edges", group);
    const struct et_store_shape shape = {.rank = 2, .dims = {m, 2}};
    if (et_store_write_texts(r->store, node, shape, edges) != ET_OK) et_error_clear();
}

static void use(struct et__nir_graph *graph, const char *path, uint8_t options)
{
    static const struct et__nir_options base = {.dt = 1e-3, .steps = 5, .unit = 1};
    struct et__nir_options o = base;
    struct et__spk_network net;
    struct et__nir_graph again = {0};
    o.integrator = options & 1 ? ET__SPK_EULER : ET__SPK_EXACT;
    o.drive = (enum et__spk_drive)((options >> 1) % 3);
    o.reset = options & 8 ? ET__SPK_SOFT : ET__SPK_HARD;
    if (et__nir_to_network(graph, &o, &net) == ET_OK && et__spk_finish(&net) == ET_OK &&
        et__nir_from_network(&net, &again) == ET_OK && et__nir_write(&again, path) == ET_OK) {
        et__nir_free(&again);
        /* What was written must be read. */
        if (et__nir_read(path, false, &again) != ET_OK) abort();
    }
    et__nir_free(&again);
    et__spk_free(&net);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64], other[64];
    struct recipe r = {.bytes = data, .left = size};
    struct et__nir_graph graph;
    snprintf(path, sizeof path, "/tmp/etalon-fuzz-nir-%ld", (long)getpid());
    snprintf(other, sizeof other, "/tmp/etalon-fuzz-nir-out-%ld", (long)getpid());
    if (et_store_create_foreign(path, &r.store) != ET_OK) return 0;
    const uint8_t options = next(&r);
    put_graph(&r, "/node", 0);
    if (et_store_commit(&r.store) != ET_OK) return 0;
    for (int lenient = 0; lenient < 2; lenient++) {
        et_error_clear();
        if (et__nir_read(path, lenient, &graph) == ET_OK) {
            use(&graph, other, options);
            /* A graph that was read can be written, unless only lenience held it together. */
            enum et_status status = et__nir_write(&graph, other);
            if (status != ET_OK && !lenient) abort();
            et__nir_free(&graph);
        } else if (et_error_message()[0] == '\0') {
            abort();
        }
    }
    unlink(path);
    unlink(other);
    return 0;
}
