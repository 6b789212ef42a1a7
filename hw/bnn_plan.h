/* SPDX-License-Identifier: Apache-2.0
 *
 * How a layer is cut into steps of the accelerator: between the choice (bnn_tiling.c), the
 * descriptors (bnn_compile.c) and the cost model.
 *
 * A step is a pixel tile p (rows x cols outputs of one image) times a group g of output tiles
 * times a piece q of the sum (some kernel rows, some input channels).  Each step needs a block of
 * weights (g, q), a block of activations (p, channels of q) and, when it ends a sum, a block of
 * thresholds (g).  A buffer is cut into equal slots, one block each. */
#ifndef ETALON_HW_BNN_PLAN_H
#define ETALON_HW_BNN_PLAN_H

#include "bnn_layout.h"

struct et__bnn_slots {
    size_t size, n;
};

struct et__bnn_plan {
    struct et_bnn_layer layer; /* as computed: 1 x 1 kernels see all pixels as rows of one image */
    struct et_bnn_caps caps;
    struct et__bnn_layout at;
    size_t images;

    size_t rows, cols;           /* outputs of a pixel tile, after pooling */
    size_t row_tiles, col_tiles; /* per image */
    size_t group, groups;        /* output tiles of a step; how many groups */
    size_t tap_rows, tap_pieces; /* kernel rows of a piece; how many such pieces */
    size_t chunk, chunk_pieces;  /* beats of input channels of a piece; how many */
    bool weights_outer; /* for g, for p; else for p, for g.  Pieces are always innermost. */
    bool whole_rows;    /* outputs are stored when all groups of a pixel tile are done */
    size_t out_row;     /* beats of a row in the output buffer */
    struct et__bnn_slots w, a, t, o;

    double cycles; /* estimate */
};

static inline size_t et__bnn_pixel_tiles(const struct et__bnn_plan *plan)
{
    return plan->images * plan->row_tiles * plan->col_tiles;
}

static inline size_t et__bnn_pieces(const struct et__bnn_plan *plan)
{
    return plan->tap_pieces * plan->chunk_pieces;
}

/* What one step is. */
struct et__bnn_step {
    size_t p, g, q;
};

static inline struct et__bnn_step et__bnn_step_at(const struct et__bnn_plan *plan, size_t i)
{
    size_t pieces = et__bnn_pieces(plan), outer = i / pieces, tiles = et__bnn_pixel_tiles(plan);
    if (plan->weights_outer) return (struct et__bnn_step){outer % tiles, outer / tiles, i % pieces};
    return (struct et__bnn_step){outer / plan->groups, outer % plan->groups, i % pieces};
}

static inline size_t et__bnn_step_index(const struct et__bnn_plan *plan, struct et__bnn_step s)
{
    size_t outer =
        plan->weights_outer ? s.g * et__bnn_pixel_tiles(plan) + s.p : s.p * plan->groups + s.g;
    return outer * et__bnn_pieces(plan) + s.q;
}

/* Rows (or columns) of the image that outputs [from, to) need with taps [tap, tap + taps). */
struct et__bnn_window {
    ptrdiff_t first; /* where the taps begin, negative above the image */
    size_t length;   /* from there */
    size_t lo, hi;   /* what of it lies in the image; one row if nothing does */
};

struct et__bnn_axis {
    size_t side, stride, pad, pool, kernel;
};

static inline struct et__bnn_axis et__bnn_axis_y(const struct et_bnn_layer *l)
{
    return (struct et__bnn_axis){l->h, l->stride_y, l->pad_top, l->pool, l->k_h};
}

static inline struct et__bnn_axis et__bnn_axis_x(const struct et_bnn_layer *l)
{
    return (struct et__bnn_axis){l->w, l->stride_x, l->pad_left, l->pool, l->k_w};
}

struct et__bnn_window et__bnn_window_of(struct et__bnn_axis axis, size_t from, size_t to,
                                        size_t tap, size_t taps);

/* A pixel tile. */
struct et__bnn_tile {
    size_t image, row, row_end, col, col_end; /* outputs */
    struct et__bnn_window y, x;               /* inputs, all kernel rows */
};
struct et__bnn_tile et__bnn_tile_of(const struct et__bnn_plan *plan, size_t p);

/* Output tiles of a group: the last one may have fewer. */
size_t et__bnn_group_tiles(const struct et__bnn_plan *plan, size_t g);

/* A piece of the sum. */
struct et__bnn_piece {
    size_t tap, taps;   /* kernel rows */
    size_t beat, beats; /* of the input channels */
    size_t word, words; /* the same in SIMD words */
    size_t channels;    /* the same in channels */
    size_t chunk;       /* which of the activations' blocks */
    bool init, final;   /* of the sum */
};
struct et__bnn_piece et__bnn_piece_of(const struct et__bnn_plan *plan, size_t q);

/* Chooses the cut with the least estimated time.
 * Errors: ET_INVALID (the layer), ET_UNSUPPORTED (no cut fits; says what is too small). */
enum et_status et__bnn_plan_make(const struct et_bnn_layer *layer, const struct et_bnn_caps *caps,
                                 size_t n, struct et__bnn_plan *plan) ET_CHECKED;

#endif
