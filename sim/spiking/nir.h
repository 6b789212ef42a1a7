/* SPDX-License-Identifier: Apache-2.0
 *
 * Graphs of the Neuromorphic Intermediate Representation (NIR): what its HDF5 files hold, after
 * nested graphs are flattened, and the way between a graph and a network of populations.
 *
 * A graph says neither time step nor integrator nor kind of reset: struct et__nir_options does.
 * Source: Pedersen et al., Nat. Commun. 15:8122 (2024); file layout of the NIR package 1.0. */
#ifndef ETALON_SIM_SPIKING_NIR_H
#define ETALON_SIM_SPIKING_NIR_H

#include "network.h"

#include <etalon/config.h>
#include <etalon/store.h>

enum et__nir_kind {
    ET__NIR_INPUT,
    ET__NIR_OUTPUT,
    ET__NIR_AFFINE,
    ET__NIR_LINEAR,
    ET__NIR_SCALE,
    ET__NIR_THRESHOLD,
    ET__NIR_DELAY,
    ET__NIR_FLATTEN,
    ET__NIR_CONV1D,
    ET__NIR_CONV2D,
    ET__NIR_SUM_POOL2D,
    ET__NIR_AVG_POOL2D,
    ET__NIR_I,
    ET__NIR_LI,
    ET__NIR_IF,
    ET__NIR_LIF,
    ET__NIR_CUBA_LI,
    ET__NIR_CUBA_LIF,
    ET__NIR_KINDS,
    ET__NIR_GRAPH = ET__NIR_KINDS /* while reading only */
};

enum et__nir_field {
    ET__NIR_F_SHAPE,
    ET__NIR_F_WEIGHT,
    ET__NIR_F_BIAS,
    ET__NIR_F_SCALE,
    ET__NIR_F_THRESHOLD,
    ET__NIR_F_DELAY,
    ET__NIR_F_START_DIM,
    ET__NIR_F_END_DIM,
    ET__NIR_F_INPUT_TYPE,
    ET__NIR_F_INPUT_SHAPE,
    ET__NIR_F_STRIDE,
    ET__NIR_F_PADDING,
    ET__NIR_F_DILATION,
    ET__NIR_F_GROUPS,
    ET__NIR_F_KERNEL_SIZE,
    ET__NIR_F_TAU,
    ET__NIR_F_TAU_MEM,
    ET__NIR_F_TAU_SYN,
    ET__NIR_F_R,
    ET__NIR_F_V_LEAK,
    ET__NIR_F_V_THRESHOLD,
    ET__NIR_F_V_RESET,
    ET__NIR_F_W_IN,
    ET__NIR_FIELDS
};

enum {
    ET__NIR_NODES_MAX = 4096,
    ET__NIR_EDGES_MAX = 16384,
    ET__NIR_DEPTH_MAX = 6,     /* graphs inside graphs */
    ET__NIR_SIZE_MAX = 1 << 26 /* neurons of a node, elements of a field */
};
#define ET__NIR_NONE ((size_t)-1)
/* tau / dt of the neurons that stand for a Threshold. */
#define ET__NIR_FORGETFUL 1e-3

struct et__nir_value {
    bool present;
    enum et_store_kind kind; /* F32, F64 or I64: how it is written */
    size_t rank, dims[ET_STORE_RANK_MAX], n;
    double *data; /* [n] */
};

/* The shape of a signal, without batch and time. */
struct et__nir_type {
    bool known;
    size_t rank, dims[ET_STORE_RANK_MAX], n;
};

struct et__nir_node {
    char *name; /* of nested nodes "outer.inner" */
    enum et__nir_kind kind;
    struct et__nir_value field[ET__NIR_FIELDS];
    bool same; /* padding: "same" */
    struct et__nir_type in, out;
    size_t parent; /* the graph it lies in, while reading */
};

struct et__nir_edge {
    size_t from, to;
};

struct et__nir_graph {
    char *path, *version; /* "" when the file does not say */
    struct et__nir_node *node;
    size_t n_nodes;
    struct et__nir_edge *edge;
    size_t n_edges;
    char **note; /* what lenient reading let pass, a sentence each */
    size_t n_notes;
};

/* What a node of some kind has. */
enum et__nir_need {
    ET__NIR_REQUIRED,
    ET__NIR_DEFAULT, /* may be absent */
    ET__NIR_LENIENT  /* may be absent in lenient mode */
};
struct et__nir_rule {
    enum et__nir_field field;
    enum et__nir_need need;
    double initial; /* of what is absent; NAN: it stays absent */
};
/* Rules of a kind, ended by field = ET__NIR_FIELDS. */
const struct et__nir_rule *et__nir_rules(enum et__nir_kind kind);
const char *et__nir_kind_name(enum et__nir_kind kind);
const char *et__nir_field_name(enum et__nir_field field);
/* ET__NIR_KINDS when there is no such kind. */
enum et__nir_kind et__nir_kind_of(const char *name);
/* One number per neuron: all fields of neurons, scale, threshold, delay. */
bool et__nir_is_per_neuron(enum et__nir_field field);

/* Reads a file.  lenient: unknown fields are skipped, missing ones take their default, scalars
 * count for all neurons, missing shapes are inferred, names across sub-graphs are looked for; each
 * leaves a note.  Otherwise these are errors, as in the reference reader with type checking.
 * Errors: ET_MISSING, ET_IO, ET_FORMAT naming node, field and value, ET_NOMEM. */
enum et_status et__nir_read(const char *path, bool lenient, struct et__nir_graph *graph) ET_CHECKED;
/* Writes a graph (checked strictly first).  Errors: ET_FORMAT, ET_IO, ET_NOMEM. */
enum et_status et__nir_write(struct et__nir_graph *graph, const char *path) ET_CHECKED;
void et__nir_free(struct et__nir_graph *graph);

/* ---- building ---- */

/* Appends; *node is valid until the next call.  Errors: ET_FORMAT (too many), ET_NOMEM. */
enum et_status et__nir_add_node(struct et__nir_graph *graph, const char *name,
                                enum et__nir_kind kind, struct et__nir_node **node) ET_CHECKED;
enum et_status et__nir_add_edge(struct et__nir_graph *graph, size_t from, size_t to) ET_CHECKED;
/* Allocates a field of that shape, zeroed. */
enum et_status et__nir_set_field(struct et__nir_node *node, enum et__nir_field field,
                                 enum et_store_kind kind, size_t rank, const size_t *dims,
                                 double **data) ET_CHECKED;
void et__nir_note(struct et__nir_graph *graph, const char *format, ...) ET_PRINTF(2, 3);

/* ---- analysis ---- */

/* Sub-graphs become their nodes, and what passes through an inner Input or Output goes straight. */
enum et_status et__nir_flatten(struct et__nir_graph *graph, bool lenient) ET_CHECKED;
/* Leads all edges past node i: each node before it feeds each node behind it. */
enum et_status et__nir_short(struct et__nir_graph *graph, size_t i) ET_CHECKED;
/* Shapes of all nodes, and whether they fit. */
enum et_status et__nir_infer(struct et__nir_graph *graph, bool lenient) ET_CHECKED;
/* Element i of a field that is one number for all or one for each. */
double et__nir_at(const struct et__nir_value *value, size_t i);
/* Order of evaluation: depth first along the edges in their order, from `first`.
 * order [n]: the nodes; behind [n_edges]: true where an edge closes a cycle, so carries what its
 * source gave in the step before. */
enum et_status et__nir_order(size_t n, const struct et__nir_edge *edge, size_t n_edges,
                             size_t first, size_t *order, bool *behind) ET_CHECKED;

/* ---- networks ---- */

struct et__nir_options {
    double dt; /* s */
    size_t steps;
    double unit; /* of times in the file, in s */
    enum et__spk_integrator integrator;
    enum et__spk_drive drive;
    enum et__spk_reset reset;
    size_t synapse_delay; /* more steps for Affine, Linear and convolutions */
};

/* Fills *net with what the graph says, up to but without et__spk_finish.
 * Errors: ET_FORMAT, ET_NOMEM; *net is to be freed in any case. */
enum et_status et__nir_to_network(const struct et__nir_graph *graph,
                                  const struct et__nir_options *options,
                                  struct et__spk_network *net) ET_CHECKED;
/* The graph of a network.  Errors: ET_UNSUPPORTED saying what NIR cannot express, ET_NOMEM;
 * *graph is to be freed in any case. */
enum et_status et__nir_from_network(const struct et__spk_network *net,
                                    struct et__nir_graph *graph) ET_CHECKED;

#endif
