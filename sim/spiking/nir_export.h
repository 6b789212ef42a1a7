/* SPDX-License-Identifier: Apache-2.0
 *
 * Shared by the files that turn a network into a graph of NIR. */
#ifndef ETALON_SIM_SPIKING_NIR_EXPORT_H
#define ETALON_SIM_SPIKING_NIR_EXPORT_H

#include "nir.h"

struct et__nir_export {
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

/* "population 'p': NIR cannot say that it <what>".  Returns ET_UNSUPPORTED. */
enum et_status et__nir_refuse(const struct et__spk_population *p, const char *what) ET_CHECKED;
/* Rank and dims of a population's signal. */
size_t et__nir_shape_of(const struct et__nir_export *x, size_t population, size_t dims[3]);
/* Appends a node; its name is made fit for a group, and its own. */
enum et_status et__nir_put_node(struct et__nir_export *x, const char *name, enum et__nir_kind kind,
                                struct et__nir_node **node) ET_CHECKED;
enum et_status et__nir_put_whole(struct et__nir_node *node, enum et__nir_field field, size_t rank,
                                 size_t n, const size_t *values) ET_CHECKED;
/* The nodes between two populations; *last carries what arrives at the target. */
enum et_status et__nir_put_synapses(struct et__nir_export *x, size_t k, size_t *last) ET_CHECKED;

#endif
