/* SPDX-License-Identifier: Apache-2.0
 *
 * What the parts of a plan are: tiles, groups and pieces. */
#include "bnn_plan.h"

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

struct et__bnn_window et__bnn_window_of(struct et__bnn_axis axis, size_t from, size_t to,
                                        size_t tap, size_t taps)
{
    struct et__bnn_window w = {
        .first = (ptrdiff_t)(from * axis.pool * axis.stride + tap) - (ptrdiff_t)axis.pad,
        .length = ((to - from) * axis.pool - 1) * axis.stride + taps,
    };
    ptrdiff_t end = w.first + (ptrdiff_t)w.length, side = (ptrdiff_t)axis.side;
    w.lo = w.first <= 0 ? 0 : w.first >= side ? axis.side - 1 : (size_t)w.first;
    w.hi = end <= 0 ? 1 : end >= side ? axis.side : (size_t)end;
    return w;
}

struct et__bnn_tile et__bnn_tile_of(const struct et__bnn_plan *plan, size_t p)
{
    const struct et_bnn_layer *l = &plan->layer;
    size_t col = p % plan->col_tiles * plan->cols;
    p /= plan->col_tiles;
    size_t row = p % plan->row_tiles * plan->rows;
    struct et__bnn_tile tile = {.image = p / plan->row_tiles,
                                .row = row,
                                .row_end = least(row + plan->rows, et_bnn_out_h(l)),
                                .col = col,
                                .col_end = least(col + plan->cols, et_bnn_out_w(l))};
    tile.y = et__bnn_window_of(et__bnn_axis_y(l), row, tile.row_end, 0, l->k_h);
    tile.x = et__bnn_window_of(et__bnn_axis_x(l), col, tile.col_end, 0, l->k_w);
    return tile;
}

size_t et__bnn_group_tiles(const struct et__bnn_plan *plan, size_t g)
{
    return least(plan->group, plan->at.tiles - g * plan->group);
}

struct et__bnn_piece et__bnn_piece_of(const struct et__bnn_plan *plan, size_t q)
{
    size_t per_beat = plan->caps.axi_bits / plan->caps.simd;
    struct et__bnn_piece p = {.chunk = q / plan->tap_pieces,
                              .tap = q % plan->tap_pieces * plan->tap_rows};
    p.taps = least(plan->tap_rows, plan->layer.k_h - p.tap);
    p.beat = p.chunk * plan->chunk;
    p.beats = least(plan->chunk, plan->at.x_row - p.beat);
    p.word = p.beat * per_beat;
    p.words = least(p.beats * per_beat, plan->at.chunks - p.word);
    p.channels = least(p.words * plan->caps.simd, plan->layer.c_in - p.word * plan->caps.simd);
    p.init = q == 0;
    p.final = q == et__bnn_pieces(plan) - 1;
    return p;
}
