/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/bnn_program.h"

#include <etalon/array.h>

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "hw/bnn_descriptor.h"

/* The first fault that was found. */
static char fault[160];

__attribute__((format(printf, 1, 2))) static void blame(const char *format, ...)
{
    if (fault[0] != '\0') return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(fault, sizeof fault, format, arguments);
    va_end(arguments);
}

static const char *found(void)
{
    return fault[0] != '\0' ? fault : NULL;
}

#define GET(d, operation, name) et__bnn_get(d, ET__BNN_##operation##_##name)

enum engine { LOAD, COMPUTE, STORE, ENGINES };

static enum engine engine_of(const struct et_bnn_descriptor *d)
{
    switch (GET(d, ANY, OPCODE)) {
    case ET__BNN_OP_LOAD:
        return LOAD;
    case ET__BNN_OP_COMPUTE:
        return COMPUTE;
    case ET__BNN_OP_STORE:
        return STORE;
    }
    ck_abort_msg("operation %u", GET(d, ANY, OPCODE));
}

/* Token counters by engine, neighbour (previous, next) and use (pop, push). */
enum { LOAD_COMPUTE, COMPUTE_LOAD, COMPUTE_STORE, STORE_COMPUTE, NOBODY, COUNTERS };
static const unsigned char counter_of[ENGINES][2][2] = {
    [LOAD] = {{NOBODY, NOBODY}, {COMPUTE_LOAD, LOAD_COMPUTE}},
    [COMPUTE] = {{LOAD_COMPUTE, COMPUTE_LOAD}, {STORE_COMPUTE, COMPUTE_STORE}},
    [STORE] = {{COMPUTE_STORE, STORE_COMPUTE}, {NOBODY, NOBODY}},
};

static bool bit_of(const struct et_bnn_descriptor *d, bool next, bool push)
{
    if (push) return next ? GET(d, ANY, PUSH_NEXT) : GET(d, ANY, PUSH_PREV);
    return next ? GET(d, ANY, POP_NEXT) : GET(d, ANY, POP_PREV);
}

/* ------------------------------------------------------------------------------------- order -- */

enum buffer { WEIGHTS, ACTIVATIONS, THRESHOLDS, OUTPUTS, BUFFERS };

/* Counts of operations, per engine, that have ended. */
struct past {
    size_t ended[ENGINES];
};

/* Per place: the last write and the last reads, as counts of their engine; 0 = none. */
struct place {
    enum engine writer;
    size_t write, read[ENGINES];
};

struct order {
    const struct et_bnn_caps *caps;
    struct place *place[BUFFERS];
    size_t depth[BUFFERS];
    struct past past;
    enum engine engine;
    size_t count, index;
};

static void join(struct past *to, const struct past *from)
{
    for (size_t e = 0; e < ENGINES; e++)
        if (from->ended[e] > to->ended[e]) to->ended[e] = from->ended[e];
}

static struct place *place_at(struct order *o, enum buffer buffer, size_t at)
{
    if (at < o->depth[buffer]) return &o->place[buffer][at];
    blame("descriptor %zu: place %zu of buffer %d is outside", o->index, at, buffer);
    return &o->place[buffer][0];
}

static void must_be_past(const struct order *o, enum engine engine, size_t count, const char *what)
{
    if (engine != o->engine && o->past.ended[engine] < count)
        blame("descriptor %zu does not wait for a %s by operation %zu of engine %d", o->index, what,
              count, engine);
}

static void read_places(struct order *o, enum buffer buffer, size_t from, size_t n)
{
    for (size_t i = from; i < from + n; i++) {
        struct place *p = place_at(o, buffer, i);
        if (p->write == 0) blame("descriptor %zu reads what nobody wrote", o->index);
        must_be_past(o, p->writer, p->write, "write");
        p->read[o->engine] = o->count;
    }
}

static void write_places(struct order *o, enum buffer buffer, size_t from, size_t n)
{
    for (size_t i = from; i < from + n; i++) {
        struct place *p = place_at(o, buffer, i);
        must_be_past(o, p->writer, p->write, "write");
        for (size_t e = 0; e < ENGINES; e++)
            must_be_past(o, (enum engine)e, p->read[e], "read");
        *p = (struct place){.writer = o->engine, .write = o->count};
    }
}

static size_t ceil_div(size_t a, size_t b)
{
    return (a + b - 1) / b;
}

static void visit_load(struct order *o, const struct et_bnn_descriptor *d)
{
    size_t beats = (size_t)GET(d, LOAD, LENGTH) * GET(d, LOAD, ROWS), place = GET(d, LOAD, PLACE);
    size_t word = (size_t)o->caps->pe * o->caps->simd / o->caps->axi_bits * GET(d, LOAD, STORED);
    switch (GET(d, LOAD, TARGET)) {
    case ET__BNN_TO_WEIGHTS:
        if (beats % word) blame("descriptor %zu cuts a word", o->index);
        write_places(o, WEIGHTS, place, beats / word * GET(d, LOAD, KEPT));
        break;
    case ET__BNN_TO_ACTIVATIONS:
        write_places(o, ACTIVATIONS, place, beats);
        break;
    default:
        word = (size_t)o->caps->pe * 32 / o->caps->axi_bits;
        if (beats % word) blame("descriptor %zu cuts a word", o->index);
        write_places(o, THRESHOLDS, place, beats / word);
    }
}

static size_t chunks_of(const struct order *o, const struct et_bnn_descriptor *d)
{
    return ceil_div(GET(d, COMPUTE, C_IN), o->caps->simd);
}

/* All activations that outputs (oy, ox) of the descriptor read. */
static void read_window(struct order *o, const struct et_bnn_descriptor *d, size_t oy, size_t ox)
{
    size_t beats = ceil_div(GET(d, COMPUTE, C_IN), o->caps->axi_bits);
    size_t h = GET(d, COMPUTE, H), w = GET(d, COMPUTE, W);
    for (size_t ky = 0; ky < GET(d, COMPUTE, K_H); ky++)
        for (size_t kx = 0; kx < GET(d, COMPUTE, K_W); kx++) {
            size_t iy = oy * GET(d, COMPUTE, STRIDE_Y) + ky - GET(d, COMPUTE, PAD_TOP);
            size_t ix = ox * GET(d, COMPUTE, STRIDE_X) + kx - GET(d, COMPUTE, PAD_LEFT);
            if (iy >= h || ix >= w) continue; /* above the image, a size_t is huge */
            for (size_t i = 0; i < GET(d, COMPUTE, A_BITS); i++)
                read_places(o, ACTIVATIONS,
                            GET(d, COMPUTE, A_BASE) + (iy * w + ix) * GET(d, COMPUTE, A_PIXEL) +
                                i * GET(d, COMPUTE, A_PLANE),
                            beats);
        }
}

static void write_outputs(struct order *o, const struct et_bnn_descriptor *d, size_t tiles)
{
    size_t pixels = (size_t)GET(d, COMPUTE, OUT_H) * GET(d, COMPUTE, OUT_W);
    size_t output = GET(d, COMPUTE, OUTPUT), planes = GET(d, COMPUTE, O_BITS);
    size_t tile = o->caps->pe * (output == ET_BNN_CODES ? 1u : output == ET_BNN_RAW16 ? 16u : 32u);
    size_t from = GET(d, COMPUTE, FIRST_TILE) * tile, to = from + tiles * tile;
    for (size_t m = 0; m < pixels; m++)
        for (size_t p = 0; p < planes; p++) {
            size_t base = GET(d, COMPUTE, OUT_BASE) + m * GET(d, COMPUTE, OUT_PIXEL) +
                          p * GET(d, COMPUTE, OUT_PLANE);
            size_t first = from / o->caps->axi_bits;
            write_places(o, OUTPUTS, base + first, ceil_div(to, o->caps->axi_bits) - first);
        }
}

static void visit_compute(struct order *o, const struct et_bnn_descriptor *d)
{
    size_t tiles = ceil_div(GET(d, COMPUTE, C_OUT), o->caps->pe), pool = GET(d, COMPUTE, POOL);
    size_t taps = (size_t)GET(d, COMPUTE, K_H) * GET(d, COMPUTE, K_W);
    size_t rows = GET(d, COMPUTE, OUT_H) * pool, cols = GET(d, COMPUTE, OUT_W) * pool;
    read_places(o, WEIGHTS, GET(d, COMPUTE, W_BASE),
                tiles * taps * chunks_of(o, d) * GET(d, COMPUTE, W_BITS));
    for (size_t y = 0; y < rows; y++)
        for (size_t x = 0; x < cols; x++)
            read_window(o, d, y, x);
    bool final = GET(d, COMPUTE, FINAL);
    if (!(final && GET(d, COMPUTE, INIT)) &&
        GET(d, COMPUTE, ACC_BASE) + tiles * rows * cols > o->caps->c_depth)
        blame("descriptor %zu: sums are outside", o->index);
    if (final && GET(d, COMPUTE, OUTPUT) == ET_BNN_CODES)
        read_places(o, THRESHOLDS, GET(d, COMPUTE, T_BASE), tiles << GET(d, COMPUTE, O_BITS));
    if (final) write_outputs(o, d, tiles);
}

static void visit_store(struct order *o, const struct et_bnn_descriptor *d)
{
    for (size_t r = 0; r < GET(d, STORE, ROWS); r++)
        read_places(o, OUTPUTS, GET(d, STORE, PLACE) + r * GET(d, STORE, OUT_STRIDE),
                    GET(d, STORE, LENGTH));
}

/* The pasts that pushes hand on, one queue per counter. */
struct pushed {
    struct past *past;
    size_t pushes, pops;
};

static void visit(struct order *o, const struct et_bnn_descriptor *d, struct past own[ENGINES],
                  struct pushed pushed[COUNTERS])
{
    enum engine e = o->engine = engine_of(d);
    for (unsigned next = 0; next < 2; next++) {
        if (!bit_of(d, next, false)) continue;
        struct pushed *p = &pushed[counter_of[e][next][0]];
        if (p->pops < p->pushes)
            join(&own[e], &p->past[p->pops++]);
        else
            blame("descriptor %zu: its token comes later", o->index);
    }
    o->past = own[e];
    o->count = own[e].ended[e] + 1;
    if (e == LOAD) visit_load(o, d);
    if (e == COMPUTE) visit_compute(o, d);
    if (e == STORE) visit_store(o, d);
    own[e].ended[e] = o->count;
    for (unsigned next = 0; next < 2; next++) {
        if (!bit_of(d, next, true)) continue;
        struct pushed *p = &pushed[counter_of[e][next][1]];
        p->past[p->pushes++] = own[e];
    }
}

const char *program_order_fault(const struct et_bnn_program *program,
                                const struct et_bnn_caps *caps)
{
    struct order o = {.caps = caps,
                      .depth = {caps->w_depth, caps->a_depth, caps->t_depth, caps->o_depth}};
    struct pushed pushed[COUNTERS];
    struct past own[ENGINES] = {0};
    fault[0] = '\0';
    for (size_t b = 0; b < BUFFERS; b++)
        ck_assert_ptr_nonnull(o.place[b] = et_alloc(o.depth[b], sizeof(struct place)));
    for (size_t i = 0; i < COUNTERS; i++) {
        pushed[i] = (struct pushed){.past = et_alloc(program->n, sizeof(struct past))};
        ck_assert_ptr_nonnull(pushed[i].past);
    }
    for (; o.index < program->n; o.index++)
        visit(&o, &program->descriptor[o.index], own, pushed);
    for (size_t i = 0; i < COUNTERS; i++) {
        struct pushed *p = &pushed[i];
        if (p->pops < p->pushes) blame("%zu tokens are left", p->pushes - p->pops);
        et_free(p->past);
    }
    for (size_t b = 0; b < BUFFERS; b++)
        et_free(o.place[b]);
    return found();
}

/* ------------------------------------------------------------------------------------- queues --
 */

enum { QUEUE = 4 };

struct machine {
    const struct et_bnn_program *program;
    size_t head;
    const struct et_bnn_descriptor *queue[ENGINES][QUEUE];
    size_t n[ENGINES];
    unsigned token[COUNTERS];
};

static bool fetch(struct machine *m)
{
    if (m->head == m->program->n) return false;
    const struct et_bnn_descriptor *d = &m->program->descriptor[m->head];
    enum engine e = engine_of(d);
    if (m->n[e] == QUEUE) return false;
    m->queue[e][m->n[e]++] = d;
    m->head++;
    return true;
}

static bool can_start(struct machine *m, enum engine e, const struct et_bnn_descriptor *d)
{
    for (unsigned next = 0; next < 2; next++)
        if (bit_of(d, next, false) && m->token[counter_of[e][next][0]] == 0) return false;
    return true;
}

static void take_tokens(struct machine *m, enum engine e, const struct et_bnn_descriptor *d)
{
    for (unsigned next = 0; next < 2; next++)
        if (bit_of(d, next, false)) m->token[counter_of[e][next][0]]--;
}

static void give_tokens(struct machine *m, enum engine e, const struct et_bnn_descriptor *d)
{
    for (unsigned next = 0; next < 2; next++)
        if (bit_of(d, next, true) && ++m->token[counter_of[e][next][1]] > 255)
            blame("a token counter passes 255");
}

static const struct et_bnn_descriptor *leave(struct machine *m, enum engine e)
{
    const struct et_bnn_descriptor *d = m->queue[e][0];
    m->n[e]--;
    memmove(m->queue[e], m->queue[e] + 1, m->n[e] * sizeof *m->queue[e]);
    return d;
}

static bool step(struct machine *m, enum engine e)
{
    if (m->n[e] == 0 || !can_start(m, e, m->queue[e][0])) return false;
    const struct et_bnn_descriptor *d = leave(m, e);
    take_tokens(m, e, d);
    give_tokens(m, e, d);
    return true;
}

const char *program_end_fault(const struct et_bnn_program *program, unsigned order)
{
    static const enum engine orders[6][ENGINES] = {{LOAD, COMPUTE, STORE}, {LOAD, STORE, COMPUTE},
                                                   {COMPUTE, LOAD, STORE}, {COMPUTE, STORE, LOAD},
                                                   {STORE, LOAD, COMPUTE}, {STORE, COMPUTE, LOAD}};
    struct machine m = {.program = program};
    fault[0] = '\0';
    for (bool moved = true; moved;) {
        while (fetch(&m))
            ;
        moved = false;
        for (size_t i = 0; i < ENGINES && !moved; i++)
            moved = step(&m, orders[order][i]);
    }
    if (m.head < program->n || m.n[LOAD] + m.n[COMPUTE] + m.n[STORE] > 0)
        blame("deadlock at descriptor %zu of %zu", m.head, program->n);
    return found();
}

/* --------------------------------------------------------------------------------------- time --
 */

/* Hand-over times, in cycles. */
enum { FETCH = 12, START_LOAD = 8, START_COMPUTE = 3, START_STORE = 8, ROW = 1 };

/* n max(K, P) + min(K, P) + F. */
static double compute_cycles(const struct et_bnn_descriptor *d, const struct et_bnn_caps *caps,
                             double *steps)
{
    double pool = GET(d, COMPUTE, POOL), beats = (double)caps->pe / caps->axi_bits;
    double n = (double)ceil_div(GET(d, COMPUTE, C_OUT), caps->pe) * GET(d, COMPUTE, OUT_H) *
               GET(d, COMPUTE, OUT_W) * pool * pool;
    double k = (double)ceil_div(GET(d, COMPUTE, C_IN), caps->simd) * GET(d, COMPUTE, K_H) *
               GET(d, COMPUTE, K_W) * GET(d, COMPUTE, A_BITS) * GET(d, COMPUTE, W_BITS);
    double p = 1, fill = 16, planes = GET(d, COMPUTE, O_BITS);
    if (GET(d, COMPUTE, FINAL)) {
        unsigned output = GET(d, COMPUTE, OUTPUT);
        p = output == ET_BNN_CODES ? planes * (beats > 1 ? beats : 1)
                                   : beats * (output == ET_BNN_RAW16 ? 16 : 32);
        fill = 17 + (output == ET_BNN_CODES ? planes : 0);
    }
    *steps += n * k;
    return k > p ? n * k + p + fill : n * p + k + fill;
}

static double duration(const struct et_bnn_descriptor *d, const struct et_bnn_caps *caps,
                       struct program_time *time)
{
    enum engine e = engine_of(d);
    if (e == COMPUTE) return compute_cycles(d, caps, &time->steps) + START_COMPUTE;
    /* The fields of a LOAD and a STORE lie in the same places. */
    double rows = GET(d, LOAD, ROWS), length = GET(d, LOAD, LENGTH);
    bool dense = GET(d, LOAD, STRIDE) == GET(d, LOAD, LENGTH) * caps->axi_bits / 8;
    double beats = rows * length + (dense ? 0 : rows * ROW);
    *(e == LOAD ? &time->load_beats : &time->store_beats) += rows * length;
    return beats + (e == LOAD ? START_LOAD : START_STORE);
}

struct program_time program_time(const struct et_bnn_program *program,
                                 const struct et_bnn_caps *caps)
{
    struct program_time time = {0};
    struct machine m = {.program = program};
    const struct et_bnn_descriptor *running[ENGINES] = {0};
    double end[ENGINES] = {0}, fetched = 0;
    for (;;) {
        /* Start what can start now. */
        for (bool moved = true; moved;) {
            moved = false;
            while (fetched <= time.cycles && fetch(&m)) {
                fetched = time.cycles + FETCH;
                moved = true;
            }
            for (size_t e = 0; e < ENGINES; e++) {
                if (running[e] || m.n[e] == 0 || !can_start(&m, (enum engine)e, m.queue[e][0]))
                    continue;
                running[e] = leave(&m, (enum engine)e);
                take_tokens(&m, (enum engine)e, running[e]);
                end[e] = time.cycles + duration(running[e], caps, &time);
                moved = true;
            }
        }
        /* The next event. */
        double next = -1;
        if (m.head < program->n && fetched > time.cycles) next = fetched;
        for (size_t e = 0; e < ENGINES; e++)
            if (running[e] && (next < 0 || end[e] < next)) next = end[e];
        if (next < 0) return time;
        time.cycles = next;
        for (size_t e = 0; e < ENGINES; e++) {
            if (!running[e] || end[e] > next) continue;
            give_tokens(&m, (enum engine)e, running[e]);
            running[e] = NULL;
        }
    }
}
