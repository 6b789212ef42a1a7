/* SPDX-License-Identifier: Apache-2.0 */
#include "rtl/program.h"

#include <etalon/rng.h>

#include <stdlib.h>

/* Places [lo, hi) of the buffers that a job may use. */
struct range {
    uint32_t lo, hi;
};
struct part {
    struct range w, a, t, o, c;
};

/* What a COMPUTE is made of; the places follow from it. */
struct shape {
    uint32_t mode, a_signed, w_signed, pad_zero_bits, output;
    uint32_t a_bits, w_bits, o_bits, pool, c_in, c_out, h, w, k_h, k_w;
    uint32_t stride_y, stride_x, pad_top, pad_left, out_h, out_w;
    uint32_t tiles, chunks;
};

uint32_t program_draw(struct program *p, uint32_t lo, uint32_t hi)
{
    return lo + et_rng_below(p->seed, ET_STREAM_USER, 0, p->drawn++, hi - lo + 1);
}

static bool chance(struct program *p, uint32_t percent)
{
    return program_draw(p, 1, 100) <= percent;
}

/* Small numbers more often than large ones. */
static uint32_t draw_small(struct program *p, uint32_t lo, uint32_t hi)
{
    uint32_t top = chance(p, 60) ? hi : lo + (hi - lo) * program_draw(p, 0, 8) / 8;
    return program_draw(p, lo, top);
}

static uint32_t ceil_div(uint32_t n, uint32_t d)
{
    return (n + d - 1) / d;
}

/* ------------------------------------------------------------------------------- memory -- */

void program_begin(struct program *p, const struct et_bnn_caps *caps, uint64_t seed,
                   uint32_t most_steps)
{
    p->caps = *caps;
    p->seed = seed;
    p->drawn = 0;
    p->most_steps = most_steps;
    p->jobs = 0;
    program_next(p);
}

void program_next(struct program *p)
{
    p->n = 0;
    p->record = PROGRAM_RECORDS;
    p->table = PROGRAM_TABLES;
    p->out = PROGRAM_OUT;
    memset(p->data, 0xa5, sizeof p->data);
    for (size_t i = PROGRAM_BITS; i < PROGRAM_OUT; i += 16) {
        uint32_t word[4];
        et_rng_block(p->seed, ET_STREAM_USER + 1, 0, p->drawn++, word);
        memcpy(p->data + i, word, sizeof word);
    }
}

static struct et_bnn_descriptor *add(struct program *p, enum et__bnn_opcode opcode)
{
    ck_assert_uint_lt(p->n, PROGRAM_MAX);
    struct et_bnn_descriptor *d = &p->d[p->n++];
    *d = (struct et_bnn_descriptor){{0}};
    et__bnn_set(d, ET__BNN_ANY_OPCODE, opcode);
    et__bnn_set(d, ET__BNN_ANY_TAG, (uint32_t)p->n * 0x1000193U);
    if (chance(p, 30) && p->record + 8 <= PROGRAM_TABLES) {
        et__bnn_set(d, ET__BNN_ANY_COMPLETE, 1);
        et__bnn_set(d, ET__BNN_ANY_IRQ, chance(p, 50));
        et__bnn_set_address(d, ET__BNN_ANY_COMPLETION_LO, p->record);
        p->record += 8;
    }
    return d;
}

/* ---------------------------------------------------------------------------------- LOAD -- */

/* n beats from random bits, in rows of a random length; n is kept. */
static void set_rows(struct program *p, struct et_bnn_descriptor *d, uint32_t n)
{
    uint32_t beat = p->caps.axi_bits / 8, rows = 1;
    for (uint32_t tried = 0; tried < 4 && rows == 1; tried++) {
        uint32_t r = program_draw(p, 1, 9);
        if (n % r == 0) rows = r;
    }
    uint32_t room = (PROGRAM_OUT - PROGRAM_BITS) / beat, length = n / rows;
    uint32_t most = rows > 1 ? (room - length) / (rows - 1) : 0;
    uint32_t stride = program_draw(p, 0, most < 300 ? most : 300);
    uint32_t span = (rows - 1) * stride + length;
    ck_assert_uint_le(span, room);
    et__bnn_set_address(d, ET__BNN_LOAD_ADDRESS_LO,
                        PROGRAM_BITS + (uint64_t)program_draw(p, 0, room - span) * beat);
    et__bnn_set(d, ET__BNN_LOAD_LENGTH, length);
    et__bnn_set(d, ET__BNN_LOAD_ROWS, rows);
    et__bnn_set(d, ET__BNN_LOAD_STRIDE, stride * beat);
}

static void load_weights(struct program *p, struct range r)
{
    const struct et_bnn_caps *caps = &p->caps;
    uint32_t stored = draw_small(p, 1, 8), kept = chance(p, 50) ? stored : draw_small(p, 1, stored);
    if (kept > r.hi - r.lo) stored = kept = 1;
    uint32_t groups = caps->pe * caps->simd / caps->axi_bits * stored;
    uint32_t most = 3000 / groups;
    if (most > (r.hi - r.lo) / kept) most = (r.hi - r.lo) / kept;
    uint32_t words = draw_small(p, 1, most > 0 ? most : 1);
    struct et_bnn_descriptor *d = add(p, ET__BNN_OP_LOAD);
    et__bnn_set(d, ET__BNN_LOAD_TARGET, ET__BNN_TO_WEIGHTS);
    et__bnn_set(d, ET__BNN_LOAD_STORED, stored);
    et__bnn_set(d, ET__BNN_LOAD_KEPT, kept);
    et__bnn_set(d, ET__BNN_LOAD_PLACE, program_draw(p, r.lo, r.hi - words * kept));
    set_rows(p, d, words * groups);
}

static void load_activations(struct program *p, struct range r)
{
    uint32_t room = r.hi - r.lo, n = draw_small(p, 1, room < 600 ? room : 600);
    struct et_bnn_descriptor *d = add(p, ET__BNN_OP_LOAD);
    et__bnn_set(d, ET__BNN_LOAD_TARGET, ET__BNN_TO_ACTIVATIONS);
    et__bnn_set(d, ET__BNN_LOAD_PLACE, program_draw(p, r.lo, r.hi - n));
    set_rows(p, d, n);
}

static int ascending(const void *a, const void *b)
{
    int32_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

/* A table of ascending thresholds around sums of a shape, and its LOAD. */
static void load_thresholds(struct program *p, const struct shape *s, uint32_t place)
{
    uint32_t entries = 1U << s->o_bits, pe = p->caps.pe, words = s->tiles * entries;
    uint32_t spread = (s->k_h * s->k_w * s->c_in) << (s->a_bits + s->w_bits - 2);
    spread = chance(p, 10) ? (1U << 30) - 1 : spread / draw_small(p, 1, 8) + 2;
    if (spread >= 1U << 30) spread = (1U << 30) - 1;
    for (uint32_t t = 0; t < s->tiles; t++)
        for (uint32_t lane = 0; lane < pe; lane++) {
            int32_t level[256];
            for (uint32_t k = 0; k < entries; k++)
                level[k] = (int32_t)program_draw(p, 0, 2 * spread) - (int32_t)spread;
            qsort(level + 1, entries - 1, sizeof *level, ascending);
            uint32_t flip = program_draw(p, 0, 1);
            for (uint32_t k = 0; k < entries; k++) {
                uint32_t word = ((uint32_t)level[k] & 0x7fffffff) | flip << 31;
                memcpy(p->data + p->table + (((size_t)t * entries + k) * pe + lane) * 4, &word, 4);
            }
        }
    struct et_bnn_descriptor *d = add(p, ET__BNN_OP_LOAD);
    et__bnn_set(d, ET__BNN_LOAD_TARGET, ET__BNN_TO_THRESHOLDS);
    et__bnn_set(d, ET__BNN_LOAD_PLACE, place);
    et__bnn_set_address(d, ET__BNN_LOAD_ADDRESS_LO, p->table);
    uint32_t beats = words * (pe * 32 / p->caps.axi_bits);
    uint32_t rows = beats % 2 == 0 && chance(p, 30) ? 2 : 1;
    et__bnn_set(d, ET__BNN_LOAD_LENGTH, beats / rows);
    et__bnn_set(d, ET__BNN_LOAD_ROWS, rows);
    et__bnn_set(d, ET__BNN_LOAD_STRIDE, beats / rows * (p->caps.axi_bits / 8));
    p->table += (size_t)words * pe * 4;
}

/* ------------------------------------------------------------------------------- COMPUTE -- */

static void draw_numbers(struct program *p, struct shape *s)
{
    s->mode = program_draw(p, 0, 2);
    s->a_signed = s->mode != ET_BNN_XNOR && chance(p, 50);
    s->w_signed = s->mode == ET_BNN_AND && chance(p, 50);
    s->pad_zero_bits = chance(p, 50);
    s->a_bits = chance(p, 50) ? 1 : draw_small(p, 1, 8);
    s->w_bits = chance(p, 50) ? 1 : draw_small(p, 1, 8);
    uint32_t simd = p->caps.simd;
    s->c_in = chance(p, 30)   ? simd * program_draw(p, 1, 4)
              : chance(p, 20) ? 1
                              : draw_small(p, 1, 5 * simd);
    s->chunks = ceil_div(s->c_in, simd);
}

static void draw_image(struct program *p, struct shape *s)
{
    bool dense = chance(p, 40);
    s->h = dense ? 1 : draw_small(p, 1, 9);
    s->w = dense && chance(p, 50) ? 1 : draw_small(p, 1, 20);
    s->k_h = dense ? 1 : draw_small(p, 1, chance(p, 90) ? 4 : 15);
    s->k_w = dense ? 1 : draw_small(p, 1, chance(p, 90) ? 4 : 15);
    s->stride_y = draw_small(p, 1, chance(p, 90) ? 3 : 15);
    s->stride_x = draw_small(p, 1, chance(p, 90) ? 3 : 15);
    s->pad_top = chance(p, 50) ? 0 : draw_small(p, 0, chance(p, 90) ? s->k_h : 15);
    s->pad_left = chance(p, 50) ? 0 : draw_small(p, 0, chance(p, 90) ? s->k_w : 15);
}

/* Outputs that a layer would have, or sometimes any: beyond the image there are zeros. */
static uint32_t outputs(struct program *p, uint32_t n, uint32_t pad, uint32_t k, uint32_t stride,
                        uint32_t pool)
{
    if (chance(p, 10)) return draw_small(p, 1, 8);
    uint32_t padded = n + 2 * pad;
    uint32_t out = padded < k ? 1 : (padded - k) / stride + 1;
    return out / pool > 0 ? out / pool : 1;
}

static void draw_output(struct program *p, struct shape *s)
{
    s->output = chance(p, 60) ? ET_BNN_CODES : program_draw(p, 1, 2);
    bool codes = s->output == ET_BNN_CODES;
    s->o_bits = !codes || chance(p, 50) ? 1 : draw_small(p, 1, 8);
    s->pool = !codes || chance(p, 60) ? 1 : draw_small(p, 1, chance(p, 90) ? 3 : 8);
    s->c_out = chance(p, 30)   ? p->caps.pe * program_draw(p, 1, 3)
               : chance(p, 20) ? 1
                               : draw_small(p, 1, 4 * p->caps.pe);
    s->tiles = ceil_div(s->c_out, p->caps.pe);
    s->out_h = outputs(p, s->h, s->pad_top, s->k_h, s->stride_y, s->pool);
    s->out_w = outputs(p, s->w, s->pad_left, s->k_w, s->stride_x, s->pool);
}

static uint32_t pixels(const struct shape *s)
{
    return s->out_h * s->out_w * s->pool * s->pool;
}

static uint64_t steps(const struct shape *s)
{
    return (uint64_t)s->tiles * s->k_h * s->k_w * s->chunks * s->w_bits * s->a_bits * pixels(s);
}

static bool fits(const struct program *p, const struct shape *s, const struct part *part)
{
    uint64_t words = (uint64_t)s->tiles * s->k_h * s->k_w * s->chunks * s->w_bits;
    uint32_t row = ceil_div(s->c_in, p->caps.axi_bits);
    uint64_t beats = (uint64_t)s->h * s->w * s->a_bits * row;
    uint64_t table = (uint64_t)s->tiles << s->o_bits;
    return words <= part->w.hi - part->w.lo && steps(s) <= p->most_steps &&
           beats <= part->a.hi - part->a.lo && table <= part->t.hi - part->t.lo;
}

/* Strides of the activations, mostly one row behind the other, and their place. */
static void place_activations(struct program *p, struct et_bnn_descriptor *d, const struct shape *s,
                              struct range r)
{
    uint32_t row = ceil_div(s->c_in, p->caps.axi_bits), plane, pixel, span;
    do {
        plane = row + (chance(p, 20) ? draw_small(p, 0, 3) : 0);
        pixel = s->a_bits * plane + (chance(p, 20) ? draw_small(p, 0, 3) : 0);
        if (chance(p, 15)) { /* planes apart */
            pixel = row;
            plane = s->h * s->w * row;
        } else if (chance(p, 10)) {
            plane = draw_small(p, 0, 3);
            pixel = draw_small(p, 0, 3);
        }
        span = (s->h * s->w - 1) * pixel + (s->a_bits - 1) * plane + row;
    } while (span > r.hi - r.lo);
    et__bnn_set(d, ET__BNN_COMPUTE_A_BASE, program_draw(p, r.lo, r.hi - span));
    et__bnn_set(d, ET__BNN_COMPUTE_A_PIXEL, pixel);
    et__bnn_set(d, ET__BNN_COMPUTE_A_PLANE, plane);
}

/* False when the output buffer is too small. */
static bool place_output(struct program *p, struct et_bnn_descriptor *d, const struct shape *s,
                         struct range r)
{
    static const uint32_t width[] = {1, 16, 32};
    uint32_t first = chance(p, 70) ? 0 : draw_small(p, 0, 3);
    uint32_t row = ceil_div((first + s->tiles) * p->caps.pe * width[s->output], p->caps.axi_bits);
    uint32_t n = s->out_h * s->out_w, plane = row, pixel = row * s->o_bits;
    if (chance(p, 20)) {
        plane += draw_small(p, 0, 2);
        pixel = plane * s->o_bits + draw_small(p, 0, 2);
    } else if (chance(p, 20)) {
        pixel = row;
        plane = n * row;
    }
    uint64_t span = (uint64_t)(n - 1) * pixel + (uint64_t)(s->o_bits - 1) * plane + row;
    if (span > r.hi - r.lo) return false;
    et__bnn_set(d, ET__BNN_COMPUTE_OUT_BASE, program_draw(p, r.lo, r.hi - (uint32_t)span));
    et__bnn_set(d, ET__BNN_COMPUTE_OUT_PIXEL, pixel);
    et__bnn_set(d, ET__BNN_COMPUTE_OUT_PLANE, plane);
    et__bnn_set(d, ET__BNN_COMPUTE_FIRST_TILE, first);
    return true;
}

static void set_shape(struct et_bnn_descriptor *d, const struct shape *s)
{
#define SET(field, value) et__bnn_set(d, ET__BNN_COMPUTE_##field, value)
    SET(MODE, s->mode);
    SET(A_SIGNED, s->a_signed);
    SET(W_SIGNED, s->w_signed);
    SET(PAD_ZERO_BITS, s->pad_zero_bits);
    SET(OUTPUT, s->output);
    SET(A_BITS, s->a_bits);
    SET(W_BITS, s->w_bits);
    SET(O_BITS, s->o_bits);
    SET(POOL, s->pool);
    SET(C_IN, s->c_in);
    SET(C_OUT, s->c_out);
    SET(H, s->h);
    SET(W, s->w);
    SET(K_H, s->k_h);
    SET(K_W, s->k_w);
    SET(STRIDE_Y, s->stride_y);
    SET(STRIDE_X, s->stride_x);
    SET(PAD_TOP, s->pad_top);
    SET(PAD_LEFT, s->pad_left);
    SET(OUT_H, s->out_h);
    SET(OUT_W, s->out_w);
#undef SET
}

/* One COMPUTE of a chain; the last one hands its sums on.  False when something does not fit. */
static bool add_compute(struct program *p, const struct shape *s, const struct part *part,
                        bool init, bool final, uint32_t t_base, uint32_t acc_base)
{
    struct et_bnn_descriptor d = {{0}};
    set_shape(&d, s);
    uint32_t words = s->tiles * s->k_h * s->k_w * s->chunks * s->w_bits;
    et__bnn_set(&d, ET__BNN_COMPUTE_W_BASE, program_draw(p, part->w.lo, part->w.hi - words));
    place_activations(p, &d, s, part->a);
    if (final && !place_output(p, &d, s, part->o)) return false;
    et__bnn_set(&d, ET__BNN_COMPUTE_T_BASE, t_base);
    et__bnn_set(&d, ET__BNN_COMPUTE_ACC_BASE, acc_base);
    et__bnn_set(&d, ET__BNN_COMPUTE_INIT, init);
    et__bnn_set(&d, ET__BNN_COMPUTE_FINAL, final);
    struct et_bnn_descriptor *to = add(p, ET__BNN_OP_COMPUTE);
    for (size_t i = 4; i < 15; i++)
        to->word[i] = d.word[i];
    return true;
}

/* A chain of COMPUTEs: partial sums go through the accumulators. */
static void add_chain(struct program *p, struct shape last, const struct part *part,
                      uint32_t t_base)
{
    uint32_t room = part->c.hi - part->c.lo, sums = last.tiles * pixels(&last);
    bool memory = sums <= room && chance(p, 40);
    uint32_t acc_base =
        memory ? program_draw(p, part->c.lo, part->c.hi - sums) : program_draw(p, 0, UINT16_MAX);
    uint32_t links = memory ? draw_small(p, 0, 2) : 0;
    bool init = !memory || chance(p, 80);
    for (uint32_t i = 0; i < links; i++) {
        struct shape s = last; /* the same sums, made of something else */
        s.out_w *= s.pool;
        s.out_h *= s.pool;
        s.pool = 1;
        uint32_t tries = 0;
        do {
            draw_numbers(p, &s);
        } while (!fits(p, &s, part) && ++tries < 20);
        if (tries == 20) continue;
        if (add_compute(p, &s, part, init, false, t_base, acc_base)) init = false;
    }
    bool final = !memory || chance(p, 90);
    if (!final) last.pool = 1;
    if (!add_compute(p, &last, part, init, final, t_base, acc_base)) {
        last.output = ET_BNN_RAW16; /* too much output: keep the sums in the buffer, if any */
        last.o_bits = last.pool = last.out_h = last.out_w = last.tiles = 1;
        last.c_out = last.c_out < p->caps.pe ? last.c_out : p->caps.pe;
        ck_assert(add_compute(p, &last, part, true, true, t_base, acc_base));
    }
}

/* --------------------------------------------------------------------------------- STORE -- */

static void add_store(struct program *p, struct range r)
{
    uint32_t beat = p->caps.axi_bits / 8, room = r.hi - r.lo;
    uint32_t rows = chance(p, 40) ? 1 : draw_small(p, 1, 9);
    uint32_t length = draw_small(p, 1, chance(p, 80) ? 40 : 600);
    if (length > room) length = room;
    uint32_t most = rows > 1 ? (room - length) / (rows - 1) : 30;
    uint32_t out_stride = draw_small(p, 0, most < 30 ? most : 30);
    if (rows == 1) out_stride = draw_small(p, 0, UINT16_MAX);
    uint32_t span = (rows > 1 ? (rows - 1) * out_stride : 0) + length;
    uint32_t stride = length + (chance(p, 50) ? 0 : draw_small(p, 0, 20));
    size_t bytes = ((size_t)(rows - 1) * stride + length) * beat;
    if (p->out + bytes > RIG_DATA) p->out = PROGRAM_OUT;
    struct et_bnn_descriptor *d = add(p, ET__BNN_OP_STORE);
    et__bnn_set_address(d, ET__BNN_STORE_ADDRESS_LO, p->out);
    et__bnn_set(d, ET__BNN_STORE_PLACE, program_draw(p, r.lo, r.hi - span));
    et__bnn_set(d, ET__BNN_STORE_LENGTH, length);
    et__bnn_set(d, ET__BNN_STORE_ROWS, rows);
    et__bnn_set(d, ET__BNN_STORE_STRIDE, stride * beat);
    et__bnn_set(d, ET__BNN_STORE_OUT_STRIDE, out_stride);
    p->out += (bytes + beat * draw_small(p, 0, 20));
}

/* ---------------------------------------------------------------------------------- jobs -- */

static struct range half_of(uint32_t depth, size_t half)
{
    return half == 2   ? (struct range){0, depth}
           : half == 1 ? (struct range){depth / 2, depth}
                       : (struct range){0, depth / 2};
}

static void token(struct et_bnn_descriptor *d, struct et__bnn_field bit)
{
    et__bnn_set(d, bit, 1);
}

/* Tokens for the engines of job number `job`: LOADs are [0, c), COMPUTEs [c, s), STOREs [s, n). */
static void add_tokens(struct program *p, size_t first, size_t c, size_t s)
{
    bool others = p->jobs >= 2; /* who used this half before has to be through */
    token(&p->d[c - 1], ET__BNN_ANY_PUSH_NEXT);
    token(&p->d[c], ET__BNN_ANY_POP_PREV);
    token(&p->d[s - 1], ET__BNN_ANY_PUSH_NEXT);
    token(&p->d[s - 1], ET__BNN_ANY_PUSH_PREV);
    token(&p->d[s], ET__BNN_ANY_POP_PREV);
    token(&p->d[p->n - 1], ET__BNN_ANY_PUSH_PREV);
    if (others) {
        token(&p->d[first], ET__BNN_ANY_POP_NEXT);
        token(&p->d[c], ET__BNN_ANY_POP_NEXT);
    }
}

static void add_job(struct program *p)
{
    const struct et_bnn_caps *caps = &p->caps;
    size_t half = p->jobs % 2;
    bool whole = chance(p, 15);
    if (whole) {
        add(p, ET__BNN_OP_SYNC);
        half = 2;
    } else if (chance(p, 5)) {
        add(p, chance(p, 50) ? ET__BNN_OP_NOP : ET__BNN_OP_SYNC);
    }
    struct part part = {half_of(caps->w_depth, half), half_of(caps->a_depth, half),
                        half_of(caps->t_depth, half), half_of(caps->o_depth, half),
                        half_of(caps->c_depth, half)};
    struct shape s;
    do {
        draw_numbers(p, &s);
        draw_image(p, &s);
        draw_output(p, &s);
    } while (!fits(p, &s, &part) || (steps(&s) < 100 && chance(p, 80)));
    size_t first = p->n;
    for (uint32_t i = program_draw(p, 1, 2); i > 0; i--)
        load_weights(p, part.w);
    for (uint32_t i = program_draw(p, 1, 2); i > 0; i--)
        load_activations(p, part.a);
    uint32_t table = s.tiles << s.o_bits;
    uint32_t t_base = program_draw(p, part.t.lo, part.t.hi - table);
    if (s.output == ET_BNN_CODES) load_thresholds(p, &s, t_base);
    size_t c = p->n;
    add_chain(p, s, &part, t_base);
    size_t store = p->n;
    for (uint32_t i = program_draw(p, 1, 2); i > 0; i--)
        add_store(p, part.o);
    add_tokens(p, first, c, store);
    if (whole) add(p, ET__BNN_OP_SYNC);
    p->jobs++;
}

void program_jobs(struct program *p, size_t n)
{
    enum { MOST_OF_A_JOB = 20 };
    size_t table = (size_t)p->caps.t_depth * p->caps.pe * 4;
    while (p->n < n && p->n + MOST_OF_A_JOB < PROGRAM_MAX && p->table + table <= PROGRAM_BITS)
        add_job(p);
}

/* ------------------------------------------------------------------------------- priming -- */

/* All of the output buffer, or with `sums` of the accumulators, from one row of activations and a
 * few words of weights: the numbers differ by lane and by pixel. */
static void prime_by_compute(struct program *p, bool sums)
{
    const struct et_bnn_caps *caps = &p->caps;
    struct shape s = {.mode = ET_BNN_XNOR, .output = ET_BNN_RAW32, .a_bits = 1, .w_bits = 1};
    s.o_bits = s.pool = s.h = s.k_h = s.k_w = s.stride_y = s.stride_x = s.out_h = 1;
    s.c_in = caps->simd;
    s.c_out = caps->pe;
    uint32_t beats = caps->pe * 32 / caps->axi_bits;
    s.w = s.out_w = sums ? caps->c_depth : caps->o_depth / beats;
    struct et_bnn_descriptor *d = add(p, ET__BNN_OP_COMPUTE);
    set_shape(d, &s);
    et__bnn_set(d, ET__BNN_COMPUTE_INIT, 1);
    et__bnn_set(d, ET__BNN_COMPUTE_FINAL, !sums);
    et__bnn_set(d, ET__BNN_COMPUTE_OUT_PIXEL, beats);
    et__bnn_set(d, ET__BNN_COMPUTE_A_PIXEL, s.w <= caps->a_depth ? 1 : 0);
}

void program_prime(struct program *p)
{
    const struct et_bnn_caps *caps = &p->caps;
    uint32_t groups = caps->pe * caps->simd / caps->axi_bits, words = 16;
    uint32_t t_beats = caps->pe * 32 / caps->axi_bits, length = caps->a_depth / 16;
    const struct {
        uint32_t target, length, rows;
    } load[] = {{ET__BNN_TO_WEIGHTS, words * groups, caps->w_depth / words},
                {ET__BNN_TO_ACTIVATIONS, length, 16},
                {ET__BNN_TO_THRESHOLDS, 2 * t_beats, caps->t_depth / 2}};
    for (size_t i = 0; i < 3; i++) {
        struct et_bnn_descriptor *d = add(p, ET__BNN_OP_LOAD);
        et__bnn_set(d, ET__BNN_LOAD_TARGET, load[i].target);
        et__bnn_set(d, ET__BNN_LOAD_STORED, i == 0);
        et__bnn_set(d, ET__BNN_LOAD_KEPT, i == 0);
        et__bnn_set_address(d, ET__BNN_LOAD_ADDRESS_LO, PROGRAM_BITS);
        et__bnn_set(d, ET__BNN_LOAD_LENGTH, load[i].length);
        et__bnn_set(d, ET__BNN_LOAD_ROWS, load[i].rows);
        et__bnn_set(d, ET__BNN_LOAD_STRIDE, caps->axi_bits / 8 * program_draw(p, 0, 1));
    }
    add(p, ET__BNN_OP_SYNC);
    prime_by_compute(p, false);
    prime_by_compute(p, true);
    add(p, ET__BNN_OP_SYNC);
}
