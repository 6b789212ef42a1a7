/* SPDX-License-Identifier: Apache-2.0
 *
 * Noisy embeddings of the nodes of a tree.  The root has level 0; an edge to level k is a random
 * vector of expected squared length decay^(2 (k - 1)), and a node is the sum of the edges above it:
 *
 *     p_root = 0,   p_child = p_parent + decay^(k-1) e / sqrt(d),   e ~ N(0, 1)^d
 *     x = p_node + noise n / sqrt(d),                               n ~ N(0, 1)^d
 *
 * With decay = 1 and many features squared distances are the numbers of edges between nodes: the
 * edges are as good as orthogonal, so it takes about as many Euclidean dimensions as there are
 * edges.  A hyperbolic plane holds the same tree, for its circles grow as the levels do.
 *
 * Balanced: every node above level `depth` has `branching` children.  Random: each but
 * the root has 1 to 2 branching - 1, all equally likely.  The class of a row is the ancestor of its
 * node at level `level`; the node itself is its group, so that a split by group asks about nodes
 * never seen. */
#include "dataset_create.h"

#include <etalon/rng.h>

#include <math.h>

enum { NODES_MAX = 1000000 };

/* clang-format off */
static const struct et_param params[] = {
    {.name = "kind", .kind = ET_PARAM_CHOICE, .initial = "balanced", .choices = "balanced|random",
     .doc = "Equal numbers of children, or random ones with the same mean."},
    {.name = "branching", .kind = ET_PARAM_INT, .initial = "3", .min = 2, .max = 1000,
     .doc = "Children of a node, or their mean."},
    {.name = "depth", .kind = ET_PARAM_INT, .initial = "4", .min = 1, .max = 20,
     .unit = "levels", .doc = "Levels below the root."},
    {.name = "level", .kind = ET_PARAM_INT, .initial = "0", .min = 0, .max = 20,
     .doc = "The nodes of this level are the classes; 0 = those of the last one, the leaves."},
    {.name = "nodes", .kind = ET_PARAM_CHOICE, .initial = "leaves", .choices = "leaves|below",
     .doc = "Rows come from leaves alone, or from all nodes at or below `level`."},
    {.name = "n", .kind = ET_PARAM_INT, .initial = "2000", .min = 2, .max = 1e7, .unit = "rows",
     .doc = "Rows; the nodes take turns."},
    {.name = "d", .kind = ET_PARAM_INT, .initial = "50", .min = 1, .max = 100000,
     .doc = "Features."},
    {.name = "decay", .kind = ET_PARAM_REAL, .initial = "1", .min = 0.01, .max = 10,
     .doc = "Length of an edge relative to the one above it."},
    {.name = "noise", .kind = ET_PARAM_REAL, .initial = "0.5", .min = 0, .max = 100,
     .doc = "Expected length of the noise; the first edge has 1."},
    {0},
};
/* clang-format on */

struct tree {
    size_t n_nodes, depth;
    size_t *parent;   /* [n_nodes] */
    size_t first[22]; /* [depth + 2] first node of each level, then n_nodes */
};

static size_t children_of(const struct et_config *config, uint64_t seed, size_t node)
{
    size_t branching = (size_t)et_config_int(config, "branching");
    if (et_config_choice(config, "kind") == 0 || node == 0) return branching;
    return 1 + et_rng_below(seed, ET_STREAM_DATA, 0, node, (uint32_t)(2 * branching - 1));
}

/* Nodes are numbered level by level, children of one node in a row. */
static enum et_status grow(struct tree *tree, const struct et_config *config, uint64_t seed)
{
    tree->depth = (size_t)et_config_int(config, "depth");
    tree->n_nodes = tree->first[1] = 1;
    for (size_t level = 1; level <= tree->depth; level++) {
        for (size_t i = tree->first[level - 1]; i < tree->first[level]; i++)
            tree->n_nodes += children_of(config, seed, i);
        tree->first[level + 1] = tree->n_nodes;
        if (tree->n_nodes > NODES_MAX)
            return et_config_error(config, "depth",
                                   "the tree has %zu nodes at level %zu; at most %d", tree->n_nodes,
                                   level, NODES_MAX);
    }
    if (!(tree->parent = et_alloc(tree->n_nodes, sizeof *tree->parent))) return ET_NOMEM;
    for (size_t i = 0, child = 1; i < tree->first[tree->depth]; i++)
        for (size_t end = child + children_of(config, seed, i); child < end; child++)
            tree->parent[child] = i;
    return ET_OK;
}

static size_t level_of(const struct tree *tree, size_t node)
{
    size_t level = 0;
    while (node >= tree->first[level + 1])
        level++;
    return level;
}

/* p of all nodes, level by level. */
static void embed(const struct tree *tree, double decay, uint64_t seed, struct et_view p)
{
    size_t d = p.cols;
    for (size_t i = 1; i < tree->n_nodes; i++) {
        float *to = p.data + i * d;
        const float *from = p.data + tree->parent[i] * d;
        float length = (float)(pow(decay, (double)level_of(tree, i) - 1) / sqrt((double)d));
        et_rng_fill_normal(seed, ET_STREAM_DATA, 1, i * d, to, d);
        for (size_t k = 0; k < d; k++)
            to[k] = from[k] + length * to[k];
    }
}

static void fill_rows(const struct tree *tree, const struct et_config *config, uint64_t seed,
                      size_t level, struct et_view p, struct et_dataset *dataset)
{
    size_t d = p.cols, begin = tree->first[level];
    if (et_config_choice(config, "nodes") == 0) begin = tree->first[tree->depth];
    float noise = (float)(et_config_real(config, "noise") / sqrt((double)d));
    for (size_t r = 0; r < dataset->x.rows; r++) {
        size_t node = begin + r % (tree->n_nodes - begin), ancestor = node;
        while (ancestor >= tree->first[level + 1])
            ancestor = tree->parent[ancestor];
        dataset->label[r] = (int32_t)(ancestor - tree->first[level]);
        dataset->group[r] = (int32_t)node;
        float *x = dataset->x.data + r * d;
        et_rng_fill_normal(seed, ET_STREAM_DATA, 2, r * d, x, d);
        for (size_t k = 0; k < d; k++)
            x[k] = p.data[node * d + k] + noise * x[k];
    }
}

static enum et_status fill(struct tree *tree, const struct et_config *config, uint64_t seed,
                           struct et_array *p, struct et_dataset *dataset)
{
    size_t n = (size_t)et_config_int(config, "n"), d = (size_t)et_config_int(config, "d");
    size_t level = (size_t)et_config_int(config, "level");
    ET_TRY(grow(tree, config, seed));
    if (level > tree->depth)
        return et_config_error(config, "level", "level = %zu is below depth = %zu", level,
                               tree->depth);
    if (level == 0) level = tree->depth;
    size_t classes = tree->first[level + 1] - tree->first[level];
    ET_TRY(et_array_create(p, tree->n_nodes, d));
    ET_TRY(et__dataset_create(dataset, n, d, classes, NULL, 1));
    dataset->origin = "generated: noisy embedding of a tree";
    embed(tree, et_config_real(config, "decay"), seed, et_array_view(p));
    fill_rows(tree, config, seed, level, et_array_view(p), dataset);
    return ET_OK;
}

static enum et_status load(const struct et_config *config, uint64_t seed,
                           struct et_dataset *dataset)
{
    struct tree tree = {0};
    struct et_array p = {0};
    enum et_status status = fill(&tree, config, seed, &p, dataset);
    et_array_destroy(&p);
    et_free(tree.parent);
    return status;
}

const struct et_dataset_type et_dataset_tree = {
    .name = "tree",
    .summary = "Noisy embeddings of the nodes of a tree, classes are its branches (generated).",
    .params = params,
    .load = load,
};
