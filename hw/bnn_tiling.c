/* SPDX-License-Identifier: Apache-2.0
 *
 * The choice of a cut: all sensible ones are tried, those that fit are compared by estimated time.
 *
 *     time = first loads + max(computation, other loads, stores) + last store
 *
 * where what must wait for a buffer with a single slot is added instead of hidden. */
#include "bnn_plan.h"

#include <assert.h>
#include <stdint.h>

/* Estimates, in cycles. */
enum {
    COMPUTE_START = 20, /* a COMPUTE's fill F and its hand-over */
    LOAD_START = 8,     /* between LOADs: requests run ahead */
    STORE_START = 8,
    ROW_START = 1, /* each row of a LOAD or STORE that does not continue the one before it */
    RAMP = 4       /* the first and the last step are computed in so many parts */
};

/* Slots of a buffer; more bring nothing, and tokens, one per slot at most, must stay below 256. */
enum { SLOTS_MAX = 64, OUT_SLOTS_MAX = 4 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* ---------------------------------------------------------------------------------- estimate -- */

/* Loads of a buffer that sees `cycles` rounds of the same `blocks` blocks. */
static double loads_of(struct et__bnn_slots slots, size_t blocks, size_t cycles)
{
    if (blocks <= slots.n) return (double)blocks;
    size_t kept = slots.n > 2 ? slots.n - 2 : 0;
    return (double)blocks + (double)(cycles - 1) * (double)(blocks - kept);
}

/* Cycles of one block's load. */
static double weight_block(const struct et__bnn_plan *plan)
{
    size_t words = plan->w.size / plan->layer.w_bits; /* with all their planes */
    double beats = (double)(words * plan->at.w_word);
    double rows =
        plan->chunk_pieces > 1 ? (double)(plan->group * plan->tap_rows * plan->layer.k_w) : 1;
    double loads = plan->tap_pieces > 1 ? (double)plan->group : 1;
    return beats + rows * ROW_START + loads * LOAD_START;
}

static double activation_block(const struct et__bnn_plan *plan)
{
    size_t rows = plan->a.size / (plan->layer.a_bits * plan->chunk); /* pixels */
    double cut = plan->col_tiles > 1 ? (double)plan->rows : 1;
    if (plan->chunk_pieces > 1) cut = (double)(rows * plan->layer.a_bits);
    return (double)plan->a.size + cut * ROW_START + LOAD_START;
}

static double store_block(const struct et__bnn_plan *plan)
{
    double rows = (double)(plan->rows * plan->cols * plan->at.y_rows);
    bool whole = plan->whole_rows || plan->groups == 1;
    if (whole) rows = plan->col_tiles > 1 ? (double)plan->rows : 1;
    return (double)plan->o.size + rows * ROW_START + STORE_START;
}

/* Cycles of the output stage for one output. */
static double stage_time(const struct et__bnn_plan *plan)
{
    double beats = (double)plan->at.y_tile / plan->caps.axi_bits;
    if (plan->layer.output != ET_BNN_CODES) return beats;
    return plan->layer.out_bits * (beats > 1 ? beats : 1);
}

/* Cycles of the array for everything: n max(K, P) + min(K, P) + F for each COMPUTE with n outputs,
 * K steps of an output and P cycles of the output stage, 1 for sums that stay. */
static double compute_time(const struct et__bnn_plan *plan)
{
    const struct et_bnn_layer *l = &plan->layer;
    double outputs = (double)(plan->images * et_bnn_out_h(l) * et_bnn_out_w(l) * l->pool * l->pool);
    outputs *= (double)plan->at.tiles;
    double pieces = (double)et__bnn_pieces(plan), p = stage_time(plan);
    double k = (double)(l->k_h * l->k_w * plan->at.chunks * l->a_bits * l->w_bits) / pieces;
    double starts = (double)(et__bnn_pixel_tiles(plan) * plan->groups);
    double all = (k > p ? k : p) + (pieces - 1) * k;
    double fill = COMPUTE_START + (k < p ? k : p) + (pieces - 1) * COMPUTE_START;
    return outputs * all + starts * fill;
}

static double estimate(const struct et__bnn_plan *plan)
{
    size_t tiles = et__bnn_pixel_tiles(plan), groups = plan->groups;
    size_t pieces = et__bnn_pieces(plan);
    double w = weight_block(plan), a = activation_block(plan), o = store_block(plan);
    double t = (double)(plan->t.size * plan->at.t_entry) + (plan->t.size ? LOAD_START : 0);
    double w_loads, a_loads, t_loads, o_stores = (double)tiles;
    if (plan->weights_outer) {
        w_loads = (double)groups * loads_of(plan->w, pieces, tiles);
        a_loads = loads_of(plan->a, tiles * plan->chunk_pieces, groups);
        t_loads = (double)groups;
    } else {
        w_loads = loads_of(plan->w, groups * pieces, tiles);
        a_loads = (double)tiles * loads_of(plan->a, plan->chunk_pieces, groups);
        t_loads = loads_of(plan->t, groups, tiles);
    }
    if (!plan->whole_rows) o_stores *= (double)groups;
    double loads = w * w_loads + a * a_loads + t * t_loads, bare = 0;
    if (plan->w.n < 2) bare += w * (w_loads - 1);
    if (plan->a.n < 2) bare += a * (a_loads - 1);
    if (plan->t.n < 2) bare += t * (t_loads - 1);
    if (plan->o.n < 2) bare += o * (o_stores - 1);
    double first = w + t + a / (double)(pieces == 1 ? least(RAMP, plan->rows) : 1);
    double last = o / (double)least(RAMP, plan->rows);
    double most = compute_time(plan), rest = loads - first;
    if (rest > most) most = rest;
    if (o * o_stores > most) most = o * o_stores;
    return first + most + last + bare;
}

/* --------------------------------------------------------------------------------------- fit -- */

static struct et__bnn_slots slots_of(size_t size, size_t depth, size_t most)
{
    if (size == 0) return (struct et__bnn_slots){0, most};
    return (struct et__bnn_slots){size, least(depth / size, most)};
}

/* Fills in what follows from rows, cols, group, tap_rows, chunk and the loop order. */
static void complete(struct et__bnn_plan *plan)
{
    const struct et_bnn_layer *l = &plan->layer;
    const struct et_bnn_caps *caps = &plan->caps;
    plan->row_tiles = et__bnn_ceil_div(et_bnn_out_h(l), plan->rows);
    plan->col_tiles = et__bnn_ceil_div(et_bnn_out_w(l), plan->cols);
    plan->groups = et__bnn_ceil_div(plan->at.tiles, plan->group);
    plan->tap_pieces = et__bnn_ceil_div(l->k_h, plan->tap_rows);
    plan->chunk_pieces = et__bnn_ceil_div(plan->at.x_row, plan->chunk);

    size_t words = least(plan->at.chunks, plan->chunk * (caps->axi_bits / caps->simd));
    plan->w = slots_of(plan->group * plan->tap_rows * l->k_w * words * l->w_bits, caps->w_depth,
                       SLOTS_MAX);
    size_t in_rows = least(l->h, (plan->rows * l->pool - 1) * l->stride_y + l->k_h);
    size_t in_cols = least(l->w, (plan->cols * l->pool - 1) * l->stride_x + l->k_w);
    plan->a = slots_of(in_rows * in_cols * l->a_bits * plan->chunk, caps->a_depth, SLOTS_MAX);
    bool codes = l->output == ET_BNN_CODES;
    plan->t = slots_of(codes ? plan->group << l->out_bits : 0, caps->t_depth, SLOTS_MAX);
    size_t tiles = plan->whole_rows ? plan->at.tiles : plan->group;
    plan->out_row = et__bnn_ceil_div(tiles * plan->at.y_tile, caps->axi_bits);
    plan->o = slots_of(plan->rows * plan->cols * plan->at.y_rows * plan->out_row, caps->o_depth,
                       OUT_SLOTS_MAX);
}

/* Sums that go through the accumulator buffer must have room there, and there pixels are counted
 * in the order of the image, which is that of pooling only in a single column of windows. */
static bool sums_fit(const struct et__bnn_plan *plan)
{
    size_t pool = plan->layer.pool;
    if (et__bnn_pieces(plan) == 1) return true;
    if (pool > 1 && plan->cols > 1) return false;
    return plan->rows * plan->cols * pool * pool * plan->group <= plan->caps.c_depth;
}

/* Can a group's outputs be stored alone, in whole beats? */
static bool stores_fit(const struct et__bnn_plan *plan)
{
    if (plan->whole_rows) return !plan->weights_outer && plan->groups > 1;
    return plan->groups == 1 || plan->group * plan->at.y_tile % plan->caps.axi_bits == 0;
}

/* The smallest number of slots of any buffer; 0 = does not fit. */
static size_t slots(const struct et__bnn_plan *plan)
{
    return least(least(plan->w.n, plan->a.n), least(plan->t.n, plan->o.n));
}

/* ------------------------------------------------------------------------------------- search --
 */

/* Sizes worth trying for a dimension: even cuts, then powers of two. */
enum { SIZES_MAX = 32 };
struct sizes {
    size_t n, size[SIZES_MAX];
};

static struct sizes sizes_of(size_t total, size_t even)
{
    struct sizes s = {0};
    for (size_t parts = 1; parts <= even; parts++) {
        size_t size = et__bnn_ceil_div(total, parts);
        if (s.n == 0 || size < s.size[s.n - 1]) s.size[s.n++] = size;
    }
    size_t power = 1;
    while (power * 2 < s.size[s.n - 1] && power < ((size_t)1 << 20))
        power *= 2;
    for (; power > 0 && power < s.size[s.n - 1] && s.n < SIZES_MAX; power /= 2)
        s.size[s.n++] = power;
    return s;
}

/* Keeps the better one: the one with double buffers, then the faster one. */
static void consider(struct et__bnn_plan *plan, struct et__bnn_plan *best)
{
    for (unsigned order = 0; order < 4; order++) {
        plan->weights_outer = order & 1;
        plan->whole_rows = order & 2;
        complete(plan);
        if (slots(plan) == 0 || !sums_fit(plan) || !stores_fit(plan)) continue;
        plan->cycles = estimate(plan);
        if (best->cycles <= 0 || plan->cycles < best->cycles) *best = *plan;
    }
}

/* The fewest pieces of the sum whose blocks fit twice (or at all). */
static bool choose_pieces(struct et__bnn_plan *plan, size_t wanted)
{
    struct sizes chunks = sizes_of(plan->at.x_row, 8), taps = sizes_of(plan->layer.k_h, 15);
    size_t fewest = SIZE_MAX, tap_rows = 0, chunk = 0;
    for (size_t i = 0; i < taps.n; i++)
        for (size_t k = 0; k < chunks.n; k++) {
            plan->tap_rows = taps.size[i];
            plan->chunk = chunks.size[k];
            complete(plan);
            if (least(plan->w.n, plan->a.n) < wanted || !sums_fit(plan)) continue;
            if (et__bnn_pieces(plan) >= fewest) continue;
            fewest = et__bnn_pieces(plan);
            tap_rows = plan->tap_rows;
            chunk = plan->chunk;
        }
    plan->tap_rows = tap_rows;
    plan->chunk = chunk;
    return fewest < SIZE_MAX;
}

static void search(const struct et__bnn_plan *start, struct et__bnn_plan *best)
{
    const struct et_bnn_layer *l = &start->layer;
    struct sizes rows = sizes_of(et_bnn_out_h(l), 8), groups = sizes_of(start->at.tiles, 4);
    struct sizes cols = sizes_of(et_bnn_out_w(l), 4);
    for (size_t c = 0; c < cols.n; c++) {
        double before = best->cycles;
        for (size_t r = 0; r < rows.n; r++)
            for (size_t g = 0; g < groups.n; g++) {
                struct et__bnn_plan plan = *start;
                plan.rows = rows.size[r];
                plan.cols = cols.size[c];
                plan.group = groups.size[g];
                if (choose_pieces(&plan, 2)) consider(&plan, best);
                if (choose_pieces(&plan, 1)) consider(&plan, best);
            }
        /* Narrower tiles only repeat more of their borders. */
        if (before > 0 && best->cycles >= before) break;
    }
}

static enum et_status too_small(const char *what, size_t needed, const char *of, unsigned depth,
                                const char *name)
{
    return et_error_set(ET_UNSUPPORTED, "%s needs %zu %s, but the device has %u (%s)", what, needed,
                        of, depth, name);
}

/* The smallest cut that there is does not fit: which buffer is too small? */
static enum et_status complain(const struct et__bnn_plan *start)
{
    struct et__bnn_plan plan = *start;
    const struct et_bnn_caps *caps = &plan.caps;
    plan.rows = plan.cols = plan.tap_rows = plan.chunk = plan.group = 1;
    complete(&plan);
    if (plan.w.n == 0)
        return too_small("a row of the kernel for one tile of outputs", plan.w.size,
                         "words of weights", caps->w_depth, "w_depth");
    if (plan.t.n == 0)
        return too_small("one tile of outputs", plan.t.size, "words of thresholds", caps->t_depth,
                         "t_depth");
    if (plan.a.n == 0)
        return too_small("one output pixel", plan.a.size, "beats of activations", caps->a_depth,
                         "a_depth");
    size_t sums = plan.layer.pool * plan.layer.pool;
    if (sums > caps->c_depth)
        return too_small("one output pixel", sums, "words of accumulators", caps->c_depth,
                         "c_depth");
    plan.group = least(et__bnn_ceil_div(caps->axi_bits, plan.at.y_tile), plan.at.tiles);
    complete(&plan);
    if (plan.o.n == 0)
        return too_small("one output pixel", plan.o.size, "beats of outputs", caps->o_depth,
                         "o_depth");
    return et_error_set(ET_UNSUPPORTED,
                        "no cut of the layer fits the device's buffers together (w_depth %u, "
                        "a_depth %u, t_depth %u, o_depth %u, c_depth %u)",
                        caps->w_depth, caps->a_depth, caps->t_depth, caps->o_depth, caps->c_depth);
}

enum et_status et__bnn_plan_make(const struct et_bnn_layer *layer, const struct et_bnn_caps *caps,
                                 size_t n, struct et__bnn_plan *plan)
{
    ET_TRY(et_bnn_layer_check(layer));
    struct et__bnn_plan start = {
        .layer = *layer, .caps = *caps, .at = et__bnn_layout_of(layer, caps), .images = n};
    struct et_bnn_layer *l = &start.layer;
    bool flat = l->k_h == 1 && l->k_w == 1 && l->stride_y == 1 && l->stride_x == 1 && l->pool == 1;
    if (flat && l->pad_top + l->pad_bottom + l->pad_left + l->pad_right == 0 && n > 0) {
        /* Pixels do not see each other: all of them are rows of one narrow image. */
        l->h *= l->w * n;
        l->w = 1;
        start.images = 1;
    }
    struct et__bnn_plan best = {0};
    search(&start, &best);
    if (best.cycles <= 0) return complain(&start);
    *plan = best;
    return ET_OK;
}
