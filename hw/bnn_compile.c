/* SPDX-License-Identifier: Apache-2.0
 *
 * From a plan to descriptors: walks the steps, keeps track of what each slot of a buffer holds,
 * loads what is missing, computes, stores. */
#include "bnn_transfer.h"

#include <etalon/array.h>

#include <assert.h>

/* The first and the last step are computed in so many parts, so that computing starts before all
 * activations are there, and storing before all outputs are. */
enum { RAMP = 4, RAMP_BEATS = 64 };

/* What a slot holds, and what must have happened before it may be overwritten. */
struct slot {
    bool full;
    size_t block;
    size_t last_step, next_step; /* uses */
    size_t loads;                /* that end when the block is there */
    size_t computes;             /* that end when nobody reads it any more */
};

enum { SLOTS_MAX = 64 };
struct cache {
    struct et__bnn_slots slots;
    struct slot slot[SLOTS_MAX];
};

struct compiler {
    struct et__bnn_plan plan;
    struct et__bnn_writer writer;
    struct et__bnn_schedule schedule;
    struct cache w, a, t;
    size_t steps;
    size_t out_slot;          /* of the block of outputs in work */
    size_t stores[SLOTS_MAX]; /* of each output slot: that end when it is free */
};

/* Part of a pixel tile: output rows [from, to) of an image. */
struct part {
    size_t from, to;
    size_t loads; /* that end when its activations are there */
};

struct parts {
    size_t n;
    struct part part[RAMP];
};

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t loads(const struct compiler *c)
{
    return c->schedule.list[ET__BNN_LOAD].n;
}

/* ------------------------------------------------------------------------------------- slots -- */

/* The slot of a block; *missing when it has to be loaded.  Evicts the block that is used again
 * last, but not one of the step before: its computation would have to end before the load. */
static struct slot *slot_for(struct cache *cache, size_t block, size_t step, size_t next_step,
                             bool *missing)
{
    assert(cache->slots.n > 0);
    struct slot *best = &cache->slot[0];
    bool best_idle = false;
    *missing = false;
    for (size_t i = 0; i < cache->slots.n; i++) {
        struct slot *s = &cache->slot[i];
        if (s->full && s->block == block) {
            s->last_step = step;
            s->next_step = next_step;
            return s;
        }
        bool idle = !s->full || s->last_step + 1 < step;
        bool better = i == 0 || (idle && !best_idle);
        if (i > 0 && idle == best_idle && best->full) {
            better = !s->full || s->next_step > best->next_step ||
                     (s->next_step == best->next_step && s->last_step < best->last_step);
        }
        if (!better) continue;
        best = s;
        best_idle = idle;
    }
    *missing = true;
    best->full = true;
    best->block = block;
    best->last_step = step;
    best->next_step = next_step;
    return best;
}

static size_t place_of(const struct cache *cache, const struct slot *slot)
{
    return (size_t)(slot - cache->slot) * cache->slots.size;
}

/* The step at which this one's weights (its thresholds) are used again; SIZE_MAX = never. */
static size_t next_pixels(const struct compiler *c, struct et__bnn_step s)
{
    s.p++;
    return s.p < et__bnn_pixel_tiles(&c->plan) ? et__bnn_step_index(&c->plan, s) : SIZE_MAX;
}

/* The same for its activations. */
static size_t next_group(const struct compiler *c, struct et__bnn_step s)
{
    size_t taps = c->plan.tap_pieces;
    if ((s.q + 1) % taps != 0) return et__bnn_step_index(&c->plan, s) + 1;
    s.q = s.q / taps * taps;
    s.g++;
    return s.g < c->plan.groups ? et__bnn_step_index(&c->plan, s) : SIZE_MAX;
}

/* --------------------------------------------------------------------------------- computing -- */

/* Where a window begins in the loaded rows: padding before it, or rows that are skipped. */
struct inside {
    size_t pad, skip, side;
};

static struct inside inside_of(const struct et__bnn_window *window, size_t lo, size_t hi)
{
    ptrdiff_t before = (ptrdiff_t)lo - window->first;
    /* Wholly behind the image: as well wholly before it. */
    if (window->first >= (ptrdiff_t)hi) return (struct inside){window->length, 0, 1};
    struct inside in = {.pad = before > 0 ? (size_t)before : 0,
                        .skip = before > 0 ? 0 : (size_t)-before};
    ptrdiff_t end = window->first + (ptrdiff_t)window->length;
    size_t stop = end <= (ptrdiff_t)lo ? lo + 1 : least((size_t)end, hi);
    in.side = stop - lo - in.skip;
    return in;
}

/* Places of a step in the buffers. */
struct places {
    size_t w, a, t, o;
};

static void set_layer(const struct et__bnn_plan *plan, const struct et__bnn_piece *q, size_t tiles,
                      size_t g, struct et_bnn_descriptor *d)
{
    const struct et_bnn_layer *l = &plan->layer;
    size_t outputs = least(tiles * plan->caps.pe, l->c_out - g * plan->group * plan->caps.pe);
    et__bnn_set(d, ET__BNN_COMPUTE_MODE, l->mode);
    et__bnn_set(d, ET__BNN_COMPUTE_A_SIGNED, l->a_signed);
    et__bnn_set(d, ET__BNN_COMPUTE_W_SIGNED, l->w_signed);
    et__bnn_set(d, ET__BNN_COMPUTE_PAD_ZERO_BITS, l->pad_zero_bits);
    et__bnn_set(d, ET__BNN_COMPUTE_INIT, q->init);
    et__bnn_set(d, ET__BNN_COMPUTE_FINAL, q->final);
    et__bnn_set(d, ET__BNN_COMPUTE_OUTPUT, l->output);
    et__bnn_set(d, ET__BNN_COMPUTE_A_BITS, l->a_bits);
    et__bnn_set(d, ET__BNN_COMPUTE_W_BITS, l->w_bits);
    et__bnn_set(d, ET__BNN_COMPUTE_O_BITS, l->out_bits);
    et__bnn_set(d, ET__BNN_COMPUTE_C_IN, q->channels);
    et__bnn_set(d, ET__BNN_COMPUTE_C_OUT, outputs);
    et__bnn_set(d, ET__BNN_COMPUTE_K_H, q->taps);
    et__bnn_set(d, ET__BNN_COMPUTE_K_W, l->k_w);
    et__bnn_set(d, ET__BNN_COMPUTE_STRIDE_Y, l->stride_y);
    et__bnn_set(d, ET__BNN_COMPUTE_STRIDE_X, l->stride_x);
    et__bnn_set(d, ET__BNN_COMPUTE_A_PLANE, q->beats);
    et__bnn_set(d, ET__BNN_COMPUTE_A_PIXEL, l->a_bits * q->beats);
    et__bnn_set(d, ET__BNN_COMPUTE_OUT_PLANE, plan->out_row);
    et__bnn_set(d, ET__BNN_COMPUTE_OUT_PIXEL, plan->at.y_rows * plan->out_row);
    et__bnn_set(d, ET__BNN_COMPUTE_FIRST_TILE, plan->whole_rows ? g * plan->group : 0);
}

static void add_compute(struct compiler *c, const struct et__bnn_tile *tile,
                        const struct part *part, struct et__bnn_step step, const struct places *at,
                        size_t stores)
{
    const struct et__bnn_plan *plan = &c->plan;
    const struct et_bnn_layer *l = &plan->layer;
    struct et__bnn_piece q = et__bnn_piece_of(plan, step.q);
    struct et_bnn_descriptor *d =
        et__bnn_schedule_add(&c->schedule, ET__BNN_COMPUTE, part->loads, stores);
    set_layer(plan, &q, et__bnn_group_tiles(plan, step.g), step.g, d);
    struct et__bnn_window y =
        et__bnn_window_of(et__bnn_axis_y(l), part->from, part->to, q.tap, q.taps);
    struct inside iy = inside_of(&y, tile->y.lo, tile->y.hi);
    struct inside ix = inside_of(&tile->x, tile->x.lo, tile->x.hi);
    size_t cols = tile->col_end - tile->col, in_cols = tile->x.hi - tile->x.lo;
    /* Sums that stay are those of single pixels; windows are formed when they are handed on. */
    size_t pool = q.final ? l->pool : 1, spread = q.final ? 1 : l->pool;
    et__bnn_set(d, ET__BNN_COMPUTE_POOL, pool);
    et__bnn_set(d, ET__BNN_COMPUTE_H, iy.side);
    et__bnn_set(d, ET__BNN_COMPUTE_W, in_cols);
    et__bnn_set(d, ET__BNN_COMPUTE_PAD_TOP, iy.pad);
    et__bnn_set(d, ET__BNN_COMPUTE_PAD_LEFT, ix.pad);
    et__bnn_set(d, ET__BNN_COMPUTE_OUT_H, (part->to - part->from) * spread);
    et__bnn_set(d, ET__BNN_COMPUTE_OUT_W, cols * spread);
    et__bnn_set(d, ET__BNN_COMPUTE_A_BASE, at->a + iy.skip * in_cols * l->a_bits * q.beats);
    et__bnn_set(d, ET__BNN_COMPUTE_W_BASE, at->w);
    et__bnn_set(d, ET__BNN_COMPUTE_T_BASE, at->t);
    et__bnn_set(d, ET__BNN_COMPUTE_OUT_BASE,
                at->o + (part->from - tile->row) * cols * plan->at.y_rows * plan->out_row);
}

/* ------------------------------------------------------------------------------------- steps -- */

static size_t parts_of(size_t beats)
{
    return 1 + beats / RAMP_BEATS;
}

/* The first step begins with a part of its activations, the last one stores in parts. */
static void cut(const struct compiler *c, size_t index, const struct et__bnn_tile *tile,
                struct parts *parts)
{
    size_t rows = tile->row_end - tile->row, n = 1;
    if (et__bnn_pieces(&c->plan) == 1) {
        if (index == 0) n = parts_of(c->plan.a.size);
        if (index + 1 == c->steps && n < parts_of(c->plan.o.size)) n = parts_of(c->plan.o.size);
    }
    parts->n = least(least(n, RAMP), rows);
    for (size_t i = 0; i < parts->n; i++)
        parts->part[i] = (struct part){.from = tile->row + rows * i / parts->n,
                                       .to = tile->row + rows * (i + 1) / parts->n};
}

/* Input rows up to which outputs before `to` need them. */
static size_t rows_until(const struct compiler *c, const struct et__bnn_tile *tile, size_t to)
{
    const struct et_bnn_layer *l = &c->plan.layer;
    if (to == tile->row_end) return tile->y.hi;
    return et__bnn_window_of(et__bnn_axis_y(l), tile->row, to, 0, l->k_h).hi;
}

/* Makes the activations of a step be there; `needed` loads are waited for anyway. */
static struct slot *provide_activations(struct compiler *c, struct et__bnn_step step,
                                        const struct et__bnn_tile *tile,
                                        const struct et__bnn_piece *q, size_t needed,
                                        struct parts *parts)
{
    bool missing;
    struct slot *a = slot_for(&c->a, step.p * c->plan.chunk_pieces + q->chunk,
                              et__bnn_step_index(&c->plan, step), next_group(c, step), &missing);
    size_t lo = tile->y.lo;
    for (size_t i = 0; i < parts->n; i++) {
        size_t hi = rows_until(c, tile, parts->part[i].to);
        if (missing && hi > lo) {
            et__bnn_load_activations(&c->writer, tile, q, lo, hi, place_of(&c->a, a), a->computes);
            a->loads = loads(c);
            lo = hi;
        }
        parts->part[i].loads = a->loads > needed ? a->loads : needed;
    }
    return a;
}

static struct slot *provide_weights(struct compiler *c, struct et__bnn_step step,
                                    const struct et__bnn_piece *q)
{
    bool missing;
    struct slot *w = slot_for(&c->w, step.g * et__bnn_pieces(&c->plan) + step.q,
                              et__bnn_step_index(&c->plan, step), next_pixels(c, step), &missing);
    if (!missing) return w;
    et__bnn_load_weights(&c->writer, step.g, q, place_of(&c->w, w), w->computes);
    w->loads = loads(c);
    return w;
}

static struct slot *provide_thresholds(struct compiler *c, struct et__bnn_step step)
{
    bool missing;
    struct slot *t =
        slot_for(&c->t, step.g, et__bnn_step_index(&c->plan, step), next_pixels(c, step), &missing);
    if (!missing) return t;
    et__bnn_load_thresholds(&c->writer, step.g, place_of(&c->t, t), t->computes);
    t->loads = loads(c);
    return t;
}

static void add_step(struct compiler *c, size_t index)
{
    const struct et__bnn_plan *plan = &c->plan;
    struct et__bnn_step step = et__bnn_step_at(plan, index);
    struct et__bnn_tile tile = et__bnn_tile_of(plan, step.p);
    struct et__bnn_piece q = et__bnn_piece_of(plan, step.q);
    struct parts parts;
    cut(c, index, &tile, &parts);

    struct slot *w = provide_weights(c, step, &q), *t = NULL;
    if (q.final && plan->layer.output == ET_BNN_CODES) t = provide_thresholds(c, step);
    size_t needed = t && t->loads > w->loads ? t->loads : w->loads;
    struct slot *a = provide_activations(c, step, &tile, &q, needed, &parts);

    /* A block of outputs is a step's, or with whole rows a pixel tile's. */
    if (q.init && (!plan->whole_rows || step.g == 0)) c->out_slot = (c->out_slot + 1) % plan->o.n;
    bool done = q.final && (!plan->whole_rows || step.g + 1 == plan->groups);
    struct places at = {place_of(&c->w, w), place_of(&c->a, a), t ? place_of(&c->t, t) : 0,
                        c->out_slot * plan->o.size};
    size_t free_after = c->stores[c->out_slot];
    for (size_t i = 0; i < parts.n; i++) {
        const struct part *part = &parts.part[i];
        add_compute(c, &tile, part, step, &at, free_after);
        if (done) et__bnn_store(&c->writer, &tile, part->from, part->to, step.g, at.o);
    }
    if (done) c->stores[c->out_slot] = c->schedule.list[ET__BNN_STORE].n;
    w->computes = a->computes = c->schedule.list[ET__BNN_COMPUTE].n;
    if (t) t->computes = a->computes;
}

enum et_status et_bnn_compile(const struct et_bnn_layer *layer, const struct et_bnn_caps *caps,
                              const struct et_bnn_addresses *at, size_t n,
                              struct et_bnn_program *program)
{
    *program = (struct et_bnn_program){0};
    struct compiler *c = et_alloc(1, sizeof *c);
    if (!c) return ET_NOMEM;
    enum et_status status = et__bnn_plan_make(layer, caps, n, &c->plan);
    if (status == ET_OK && n > 0) {
        c->writer = (struct et__bnn_writer){&c->plan, at, &c->schedule};
        c->w.slots = c->plan.w;
        c->a.slots = c->plan.a;
        c->t.slots = c->plan.t;
        c->steps = et__bnn_pixel_tiles(&c->plan) * c->plan.groups * et__bnn_pieces(&c->plan);
        for (size_t i = 0; i < c->steps; i++)
            add_step(c, i);
        status = et__bnn_schedule_end(&c->schedule, program);
    }
    et_free(c);
    return status;
}

void et_bnn_program_destroy(struct et_bnn_program *program)
{
    et_free(program->descriptor);
    *program = (struct et_bnn_program){0};
}
