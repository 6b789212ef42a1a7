/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of system `hyperbolic` that its files share: a network of layers in the Poincare ball,
 * or the same network in flat space.
 *
 * Layers exchange tangent vectors at 0.  An image is height x width such vectors of `channels`
 * numbers, pixel by pixel with the channels innermost.  The layers of the configuration become
 * NODES: node i makes value i + 1 from one or two earlier values; value 0 is the input.
 *
 * Flat space is the limit c -> 0 of every node, factors included, so that the two geometries have
 * the same parameters and the same initial ones. */
#ifndef ETALON_SIM_HYPERBOLIC_H
#define ETALON_SIM_HYPERBOLIC_H

#include "kernels/panels.h"
#include "kernels/poincare.h"

#include <etalon/system.h>

enum et__hyp_kind {
    ET__HYP_PLANES, /* fc, conv, mlr: signed distances to hyperplanes, of patches */
    ET__HYP_NORM,
    ET__HYP_RELU,
    ET__HYP_POOL,
    ET__HYP_ADD, /* the sum of two values, of a residual block */
    ET__HYP_PROTOTYPES,
    ET__HYP_EMBEDDING
};

/* Rows of a batch are shared out to so many parts, each with sums of its own: the order of a sum
 * does not depend on the number of threads. */
enum { ET__HYP_PARTS = 16 };

struct et__hyp_shape {
    size_t channels, height, width;
};

static inline size_t et__hyp_numbers(struct et__hyp_shape shape)
{
    return shape.channels * shape.height * shape.width;
}

struct et__hyp_node {
    enum et__hyp_kind kind;
    size_t from, other;           /* values that it reads; other: of ADD alone */
    bool first_from, first_other; /* going back, is it the first to write their gradients? */
    struct et__hyp_shape in, out; /* of value `from`, of its own */
    size_t size, stride, padding; /* PLANES, POOL: square windows */
    size_t knob;                  /* number of its first knob */
    size_t sum;                   /* place of its sums in a part's sums */

    /* PLANES: knobs z [n_out][n_patch], r [n_out]. */
    enum et__planes_result result;
    size_t n_patch, n_out;
    float beta;                    /* factor on the numbers of a patch */
    bool identity;                 /* how z begins */
    float *table, *length;         /* [3][n_out]; flat: |z_k| [n_out] */
    struct et__panels ahead, back; /* z transposed, and z */

    /* NORM: knobs gain 1, shift [n], running mean [n] and variance 1. */
    double rate;                     /* weight of a new batch in the running statistics */
    double *shift, *mean;            /* [n], as the kernel wants them */
    double *batch_mean, *batch_sums; /* [n], [n + 2] */
    double gain, variance, batch_variance;

    bool max;    /* POOL */
    bool square; /* PROTOTYPES */
    /* PROTOTYPES, EMBEDDING: knobs are n_out points of n_patch coordinates. */
    float spread;   /* how they begin */
    float *log_gap; /* [n_out] */
};

/* What one worker needs beside the values. */
struct et__hyp_scratch {
    float *patches, *dpatches;  /* [rows of a product][n_patch] */
    float *e, *de, *wide;       /* [rows of a product][n_out], and as panels want it */
    float *small;               /* [3][n_out] */
    float *point, *dpoint;      /* [tile][n], of prototypes and embeddings */
    float *gap, *dgap, *d, *dd; /* [tile] */
    double *work;
};

/* Values, and gradients where they live, of some rows. */
struct et__hyp_room {
    size_t rows;
    float *value, *gradient;
};

/* Sums over the rows of a part. */
struct et__hyp_part {
    float *dknobs; /* [n_knobs] */
    double *sums;  /* [n_sums] */
    double *stat;  /* [largest n + 2] of a batch norm's statistics */
    double dc;
};

struct et__hyperbolic {
    bool flat, learn_c;
    double c;
    size_t n_nodes, n_values;
    struct et__hyp_node *node;
    struct et__hyp_shape *shape; /* [n_values] */
    size_t *offset, total;       /* of value v in a room of one row; their sum */
    size_t *slot;                /* of its gradient; [n_values] */
    size_t n_slots, slot_size;
    size_t n_in, n_out, n_knobs, n_sums, tile;
    float *knobs;
    struct et_knob_block *block;
    size_t n_blocks;
    char (*name)[32];                /* of the blocks */
    struct et__hyp_scratch *scratch; /* [n_workers] */
    struct et__hyp_room *room;       /* [n_workers] rooms of a tile */
    size_t n_workers;
    struct et__hyp_part part[ET__HYP_PARTS];
    struct et__hyp_room whole; /* of a batch, when teaching */
    size_t whole_max;          /* rows that it has room for */
};

extern const struct et_param et__hyperbolic_params[];
extern const struct et_manifold et__poincare_manifold;

/* plan.c: nodes, values and knobs of a configuration; knobs.c: what they begin with. */
enum et_status et__hyp_plan(struct et__hyperbolic *net, const struct et_config *config) ET_CHECKED;
enum et_status et__hyp_knobs_create(struct et__hyperbolic *net) ET_CHECKED;
void et__hyp_start(struct et__hyperbolic *net, uint64_t seed);
/* Checks knobs; then makes them the present ones. */
enum et_status et__hyp_check_knobs(const struct et__hyperbolic *net, const float *knobs) ET_CHECKED;
void et__hyp_take_knobs(struct et__hyperbolic *net, const float *knobs);

/* Rows [first, first + count) of value v (or of its gradient) in a room. */
static inline float *et__hyp_value(const struct et__hyperbolic *net,
                                   const struct et__hyp_room *room, size_t v, size_t first)
{
    return room->value + room->rows * net->offset[v] + first * et__hyp_numbers(net->shape[v]);
}
static inline float *et__hyp_gradient(const struct et__hyperbolic *net,
                                      const struct et__hyp_room *room, size_t v, size_t first)
{
    return room->gradient + room->rows * net->slot[v] * net->slot_size +
           first * et__hyp_numbers(net->shape[v]);
}

/* A tile of rows, at most net->tile, that one worker computes on. */
struct et__hyp_tile {
    const struct et__hyp_room *room;
    size_t first, count;
    struct et__hyp_scratch *scratch;
};

/* nodes.c: node i forward (running statistics), and back: ADDS to the gradients of its inputs and
 * to the part. */
void et__hyp_forward(const struct et__hyperbolic *net, size_t i, const struct et__hyp_tile *tile);
void et__hyp_backward(const struct et__hyperbolic *net, size_t i, const struct et__hyp_tile *tile,
                      struct et__hyp_part *part);
/* Zeroes the gradients that node i is the first to write. */
void et__hyp_clear(const struct et__hyperbolic *net, size_t i, const struct et__hyp_tile *tile);

/* planes.c */
void et__hyp_planes(const struct et__hyperbolic *net, const struct et__hyp_node *node,
                    const struct et__hyp_tile *tile, const float *x, float *y);
void et__hyp_planes_back(const struct et__hyperbolic *net, const struct et__hyp_node *node,
                         const struct et__hyp_tile *tile, const float *x, float *dx,
                         const float *dy, struct et__hyp_part *part);
void et__hyp_planes_take(struct et__hyperbolic *net, struct et__hyp_node *node);
void et__hyp_planes_finish(const struct et__hyperbolic *net, const struct et__hyp_node *node,
                           const double *sums, float *dknobs, double *dc);

/* points.c */
void et__hyp_prototypes(const struct et__hyperbolic *net, const struct et__hyp_node *node,
                        const struct et__hyp_tile *tile, const float *x, float *y);
void et__hyp_prototypes_back(const struct et__hyperbolic *net, const struct et__hyp_node *node,
                             const struct et__hyp_tile *tile, const float *x, float *dx,
                             const float *dy, struct et__hyp_part *part);
void et__hyp_embedding(const struct et__hyperbolic *net, const struct et__hyp_node *node,
                       const struct et__hyp_tile *tile, const float *x, float *y);
void et__hyp_embedding_back(const struct et__hyperbolic *net, const struct et__hyp_node *node,
                            const struct et__hyp_tile *tile, const float *x, const float *dy,
                            struct et__hyp_part *part);
void et__hyp_points_take(struct et__hyperbolic *net, struct et__hyp_node *node);

/* norm.c: rows with the statistics `mean` and `variance`; sums of a part: shift [n], gamma, mean
 * [n], variance. */
void et__hyp_norm(const struct et__hyperbolic *net, const struct et__hyp_node *node,
                  const double *mean, double variance, size_t rows, const float *x, float *y,
                  double *work);
void et__hyp_norm_back(const struct et__hyperbolic *net, const struct et__hyp_node *node,
                       const double *mean, double variance, size_t rows, const float *x,
                       const float *dy, float *dx, double *sums, double *dc, double *work);
void et__hyp_norm_finish(const struct et__hyp_node *node, const double *sums, float *dknobs);

/* Statistics of a batch, part by part, and their way back: as in kernels/poincare.h, where flat
 * space has a simpler way.  n numbers a row; total rows in all parts. */
void et__hyp_norm_sum(const struct et__hyperbolic *net, size_t n, size_t rows, const float *x,
                      double *sums, double *work);
void et__hyp_norm_spread(const struct et__hyperbolic *net, size_t n, size_t rows, const float *x,
                         const double *sums, double *spread, double *work);
void et__hyp_norm_mean(const struct et__hyperbolic *net, size_t n, const double *sums,
                       double spread, size_t total, double *mean);
void et__hyp_norm_variance(const struct et__hyperbolic *net, size_t n, size_t rows, const float *x,
                           const double *mean, size_t total, double *variance, double *work);
void et__hyp_norm_variance_back(const struct et__hyperbolic *net, size_t n, size_t rows,
                                const float *x, const double *mean, size_t total, double dvariance,
                                float *dx, double *dmean, double *dc, double *work);
void et__hyp_norm_mean_back(const struct et__hyperbolic *net, size_t n, size_t rows, const float *x,
                            const double *sums, const double *mean, const double *dmean,
                            size_t total, bool first, float *dx, double *dc, double *work);

/* rooms.c: tiles and workspaces of all workers; a room for a whole batch. */
enum et_status et__hyp_rooms_create(struct et__hyperbolic *net) ET_CHECKED;
enum et_status et__hyp_whole(struct et__hyperbolic *net, size_t rows) ET_CHECKED;
void et__hyp_rooms_destroy(struct et__hyperbolic *net);
/* Starts the parts' sums anew; adds them up into dknobs, where the statistics of a batch were in
 * use the running ones get none. */
void et__hyp_parts_clear(struct et__hyperbolic *net);
void et__hyp_parts_sum(struct et__hyperbolic *net, bool batch_statistics, float *dknobs);
/* First row of part p of a batch. */
static inline size_t et__hyp_part_first(size_t rows, size_t p)
{
    return rows * p / ET__HYP_PARTS;
}

/* pass.c, teach.c */
void et__hyp_forward_pass(struct et__hyperbolic *net, struct et_view x, struct et_view y);
void et__hyp_vjp(struct et__hyperbolic *net, struct et_view x, struct et_view dy, struct et_view dx,
                 float *dknobs);
enum et_status et__hyp_teach(struct et__hyperbolic *net, struct et_view x,
                             const struct et_teacher *teacher, struct et_view dx,
                             float *dknobs) ET_CHECKED;

#endif
