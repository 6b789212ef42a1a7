/* SPDX-License-Identifier: Apache-2.0
 *
 * LOADs and STOREs. */
#include "bnn_transfer.h"

/* Fields of 16 bits. */
enum { MOST = 65535 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* ------------------------------------------------------------------------------------- loads -- */

/* A copy of rows of beats into a buffer.  A unit is what may not be cut: so many beats fill
 * `places` places. */
struct transfer {
    enum et__bnn_target target;
    uint64_t from;
    size_t place, unit, places;
    size_t length, rows, stride; /* beats */
    size_t wait;                 /* computations that must have ended */
};

static void add_load(const struct et__bnn_writer *w, const struct transfer *t)
{
    const struct et_bnn_layer *l = &w->plan->layer;
    struct et_bnn_descriptor *d = et__bnn_schedule_add(w->schedule, ET__BNN_LOAD, 0, t->wait);
    bool weights = t->target == ET__BNN_TO_WEIGHTS;
    et__bnn_set_address(d, ET__BNN_LOAD_ADDRESS_LO, t->from);
    et__bnn_set(d, ET__BNN_LOAD_TARGET, t->target);
    et__bnn_set(d, ET__BNN_LOAD_STORED, weights ? l->stored_bits : 0);
    et__bnn_set(d, ET__BNN_LOAD_KEPT, weights ? l->w_bits : 0);
    et__bnn_set(d, ET__BNN_LOAD_PLACE, t->place);
    et__bnn_set(d, ET__BNN_LOAD_LENGTH, t->length);
    et__bnn_set(d, ET__BNN_LOAD_ROWS, t->rows);
    et__bnn_set(d, ET__BNN_LOAD_STRIDE, t->stride * w->plan->at.beat);
}

/* Beats in one piece, as few LOADs as the fields allow. */
static void load_run(const struct et__bnn_writer *w, struct transfer t, size_t beats)
{
    size_t row = beats <= MOST ? beats : MOST / t.unit * t.unit;
    while (beats > 0) {
        t.length = t.stride = least(row, beats);
        t.rows = beats / t.length;
        add_load(w, &t);
        beats -= t.length * t.rows;
        t.from += t.length * t.rows * w->plan->at.beat;
        t.place += t.length * t.rows / t.unit * t.places;
    }
}

static void load_rows(const struct et__bnn_writer *w, struct transfer t)
{
    if (t.rows == 1 || t.stride == t.length) {
        load_run(w, t, t.length * t.rows);
    } else if (t.length <= MOST && t.rows <= MOST) {
        add_load(w, &t);
    } else {
        for (size_t r = 0; r < t.rows; r++) {
            load_run(w, t, t.length);
            t.from += t.stride * w->plan->at.beat;
            t.place += t.length / t.unit * t.places;
        }
    }
}

void et__bnn_load_weights(const struct et__bnn_writer *w, size_t g, const struct et__bnn_piece *q,
                          size_t place, size_t wait)
{
    const struct et__bnn_plan *plan = w->plan;
    const struct et_bnn_layer *l = &plan->layer;
    size_t taps = q->taps * l->k_w, all_taps = l->k_h * l->k_w,
           tap = plan->at.chunks * plan->at.w_word;
    size_t first = (g * plan->group * all_taps + q->tap * l->k_w) * tap + q->word * plan->at.w_word;
    struct transfer t = {.target = ET__BNN_TO_WEIGHTS,
                         .place = place,
                         .unit = plan->at.w_word,
                         .places = l->w_bits,
                         .length = q->words * plan->at.w_word,
                         .stride = tap,
                         .rows = taps,
                         .wait = wait};
    size_t tiles = et__bnn_group_tiles(plan, g), loads_of_tiles = tiles;
    if (taps == all_taps) {
        t.rows *= tiles;
        loads_of_tiles = 1;
    }
    for (size_t i = 0; i < loads_of_tiles; i++) {
        t.from = w->at->w + (first + i * all_taps * tap) * plan->at.beat;
        load_rows(w, t);
        t.place += taps * q->words * l->w_bits;
    }
}

void et__bnn_load_thresholds(const struct et__bnn_writer *w, size_t g, size_t place, size_t wait)
{
    const struct et__bnn_plan *plan = w->plan;
    size_t entry = plan->at.t_entry, entries = (size_t)1 << plan->layer.out_bits;
    struct transfer t = {.target = ET__BNN_TO_THRESHOLDS,
                         .from = w->at->t + g * plan->group * entries * entry * plan->at.beat,
                         .place = place,
                         .unit = entry,
                         .places = 1,
                         .wait = wait};
    load_run(w, t, et__bnn_group_tiles(plan, g) * entries * entry);
}

void et__bnn_load_activations(const struct et__bnn_writer *w, const struct et__bnn_tile *tile,
                              const struct et__bnn_piece *q, size_t lo, size_t hi, size_t place,
                              size_t wait)
{
    const struct et__bnn_plan *plan = w->plan;
    const struct et_bnn_layer *l = &plan->layer;
    size_t row = plan->at.x_row, pixel = l->a_bits * row, cols = tile->x.hi - tile->x.lo;
    size_t first = ((tile->image * l->h + lo) * l->w + tile->x.lo) * pixel + q->beat;
    struct transfer t = {.target = ET__BNN_TO_ACTIVATIONS,
                         .from = w->at->x + first * plan->at.beat,
                         .place = place + (lo - tile->y.lo) * cols * l->a_bits * q->beats,
                         .unit = 1,
                         .places = 1,
                         .wait = wait};
    if (q->beats == row) { /* all channels: rows of the image */
        t.length = cols * pixel;
        t.stride = l->w * pixel;
        t.rows = hi - lo;
        load_rows(w, t);
        return;
    }
    t.length = q->beats;
    t.stride = row;
    t.rows = cols * l->a_bits;
    if (cols == l->w) {
        t.rows *= hi - lo;
        load_rows(w, t);
        return;
    }
    for (size_t r = lo; r < hi; r++) {
        load_rows(w, t);
        t.from += l->w * pixel * plan->at.beat;
        t.place += t.rows * t.length;
    }
}

/* ------------------------------------------------------------------------------------ stores -- */

static void add_store(const struct et__bnn_writer *w, uint64_t to, size_t place, size_t length,
                      size_t rows, size_t stride, size_t out_stride)
{
    struct et_bnn_descriptor *d =
        et__bnn_schedule_add(w->schedule, ET__BNN_STORE, w->schedule->list[ET__BNN_COMPUTE].n, 0);
    et__bnn_set_address(d, ET__BNN_STORE_ADDRESS_LO, to);
    et__bnn_set(d, ET__BNN_STORE_PLACE, place);
    et__bnn_set(d, ET__BNN_STORE_LENGTH, length);
    et__bnn_set(d, ET__BNN_STORE_ROWS, rows);
    et__bnn_set(d, ET__BNN_STORE_STRIDE, stride * w->plan->at.beat);
    et__bnn_set(d, ET__BNN_STORE_OUT_STRIDE, out_stride);
}

/* As few and as long rows as the buffer and the memory have in common. */
void et__bnn_store(const struct et__bnn_writer *w, const struct et__bnn_tile *tile, size_t from,
                   size_t to, size_t g, size_t place)
{
    const struct et__bnn_plan *plan = w->plan;
    size_t out_h = et_bnn_out_h(&plan->layer), out_w = et_bnn_out_w(&plan->layer);
    size_t rows = to - from, cols = tile->col_end - tile->col;
    size_t pixel = plan->at.y_rows * plan->at.y_row; /* beats in memory */
    size_t tiles = plan->whole_rows ? plan->at.tiles : et__bnn_group_tiles(plan, g), offset = 0;
    if (!plan->whole_rows) offset = g * plan->group * plan->at.y_tile / plan->caps.axi_bits;
    size_t length = least(et__bnn_ceil_div(tiles * plan->at.y_tile, plan->caps.axi_bits),
                          plan->at.y_row - offset);
    size_t first = ((tile->image * out_h + from) * out_w + tile->col) * pixel + offset;
    uint64_t address = w->at->y + first * plan->at.beat;
    place += (from - tile->row) * cols * plan->at.y_rows * plan->out_row;
    if (length == plan->at.y_row && length == plan->out_row) {
        size_t run = cols * pixel;
        if (cols == out_w)
            add_store(w, address, place, run * rows, 1, run * rows, run * rows);
        else
            add_store(w, address, place, run, rows, out_w * pixel, run);
        return;
    }
    size_t short_rows = cols * plan->at.y_rows;
    if (cols == out_w) {
        add_store(w, address, place, length, short_rows * rows, plan->at.y_row, plan->out_row);
        return;
    }
    for (size_t r = 0; r < rows; r++) {
        add_store(w, address, place, length, short_rows, plan->at.y_row, plan->out_row);
        address += out_w * pixel * plan->at.beat;
        place += short_rows * plan->out_row;
    }
}
