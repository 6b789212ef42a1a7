/* SPDX-License-Identifier: Apache-2.0
 *
 * A layer on packed bits: patches of the image as rows, one product of rows with weights per
 * block, and what the layer does with the sums while they are in the cache.
 *
 * A pixel is one position of the kernel; pool x pool pixels make a window, one output.  Pixels are
 * numbered window by window.  The planes of a pixel are rows of their own, and so are the planes
 * of a weight: the product counts bits for every pair (i, j) of planes, and `sum` weights them.
 *
 * An activation outside the image is a row of 0 bits.  In XNOR that is the value 1 - 2^a_bits, and
 * without pad_zero_bits it has to add nothing: 2^a_bits - 1 times the sum of the tap's weights is
 * given back. */
#include "binary.h"

#include <etalon/array.h>
#include <etalon/parallel.h>

#include <string.h>

/* WORD is the width of a word of codes.  The counts of a block, ROWS by COLUMNS, fit in the
 * second-level cache, and so do the patches of usual layers. */
enum { WORD = 64, ROWS = 128, COLUMNS = 256 };

struct job {
    const struct et_bnn_layer *layer;
    const struct et__binary_weights *weights;
    const uint64_t *x;
    void *y;
    size_t windows, out_h, out_w, words, taps, row;  /* row = taps * words */
    size_t window_tile, channel_tile, channel_tiles; /* of a task */
    size_t pixels, channels;                         /* of a block */
    bool direct;                                     /* the input's rows are the patches */
    bool padded;                                     /* tap sums have to be given back */
    int32_t *threshold;                              /* [2^out_bits - 1][c_out] */
    uint8_t *flip;                                   /* [c_out]: 0 or 2^out_bits - 1 */
    uint64_t *ones;                                  /* [row]: 1 bits, AND_POPCOUNT only */
    uint8_t *scratch;
    size_t scratch_bytes; /* per worker */
};

/* A worker's memory. */
struct workspace {
    uint64_t *patch; /* [pixels * a_bits][row] */
    int32_t *count;  /* [pixels * a_bits][channels * w_bits] */
    int32_t *ones;   /* [pixels * a_bits]: 1 bits of the patches */
    int32_t *acc;    /* [channels] */
    uint8_t *code;   /* [channels] */
    uint8_t *best;   /* [channel_tile]: largest codes of the current window */
};

/* ---------------------------------------------------------------------------------- patches -- */

/* A pixel: its image, its window's output and its place in the window. */
struct place {
    size_t image, oy, ox, py, px;
};

static struct place place_of(const struct job *job, size_t p)
{
    size_t pool = job->layer->pool, in_window = p % (pool * pool), window = p / (pool * pool);
    size_t at = window % (job->out_h * job->out_w);
    return (struct place){.image = window / (job->out_h * job->out_w),
                          .oy = at / job->out_w,
                          .ox = at % job->out_w,
                          .py = in_window / pool,
                          .px = in_window % pool};
}

/* Counts on by one, as the numbers of pixels do. */
static void advance(const struct job *job, struct place *at)
{
    if (++at->px < job->layer->pool) return;
    at->px = 0;
    if (++at->py < job->layer->pool) return;
    at->py = 0;
    if (++at->ox < job->out_w) return;
    at->ox = 0;
    if (++at->oy < job->out_h) return;
    at->oy = 0;
    at->image++;
}

/* The kernel's corner in the image; above and left of it "negative", that is very large. */
static size_t corner_y(const struct et_bnn_layer *l, const struct place *at)
{
    return (at->oy * l->pool + at->py) * l->stride_y - l->pad_top;
}

static size_t corner_x(const struct et_bnn_layer *l, const struct place *at)
{
    return (at->ox * l->pool + at->px) * l->stride_x - l->pad_left;
}

static bool is_inside(const struct et_bnn_layer *l, size_t y, size_t x)
{
    return y < l->h && x < l->w;
}

/* Does the whole kernel lie in the image? */
static bool all_inside(const struct et_bnn_layer *l, size_t y, size_t x)
{
    return is_inside(l, y, x) && y + l->k_h <= l->h && x + l->k_w <= l->w;
}

/* n rows of `words` words, `stride` apart, to one place. */
static void copy_rows(uint64_t *to, const uint64_t *from, size_t n, size_t words, size_t stride)
{
    if (stride == words) {
        memcpy(to, from, n * words * sizeof *to);
        return;
    }
    for (size_t i = 0; i < n; i++, to += words, from += stride)
        for (size_t k = 0; k < words; k++)
            to[k] = from[k];
}

static void gather_pixel(const struct job *job, const struct place *at, uint64_t *patch)
{
    const struct et_bnn_layer *l = job->layer;
    size_t y = corner_y(l, at), x = corner_x(l, at), words = job->words, stride = l->a_bits * words;
    const uint64_t *image = job->x + at->image * l->h * l->w * stride;
    bool whole = all_inside(l, y, x);
    size_t run = whole ? l->k_w : 1; /* taps that are copied at once */
    for (size_t ky = 0; ky < l->k_h; ky++)
        for (size_t kx = 0; kx < l->k_w; kx += run, patch += run * words) {
            bool inside = whole || is_inside(l, y + ky, x + kx);
            const uint64_t *from = image + (inside ? ((y + ky) * l->w + x + kx) * stride : 0);
            for (size_t i = 0; i < l->a_bits; i++)
                if (inside)
                    copy_rows(patch + i * job->row, from + i * words, run, words, stride);
                else
                    memset(patch + i * job->row, 0, words * sizeof *patch);
        }
}

/* ------------------------------------------------------------------------------------- sums -- */

/* What a pair of planes contributes: scale * count + offset for every channel. */
ET_VECTOR_CLONES static void add_pair(int32_t *restrict acc, const int32_t *restrict count,
                                      size_t n, size_t step, int32_t scale, int32_t offset,
                                      int first)
{
    if (first) memset(acc, 0, n * sizeof *acc);
    if (step == 1) {
        for (size_t o = 0; o < n; o++)
            acc[o] += scale * count[o] + offset;
        return;
    }
    for (size_t o = 0; o < n; o++)
        acc[o] += scale * count[o * step] + offset;
}

/* The sums of one pixel for n channels, from its counts [a_bits][channels][w_bits]. */
static void sum(const struct job *job, const int32_t *count, const int32_t *ones, size_t n,
                int32_t *acc)
{
    const struct et_bnn_layer *l = job->layer;
    int32_t bits = (int32_t)(job->taps * l->c_in);
    for (unsigned i = 0; i < l->a_bits; i++)
        for (unsigned j = 0; j < l->w_bits; j++) {
            bool i_sign = l->a_signed && i == l->a_bits - 1;
            bool j_sign = l->w_signed && j == l->w_bits - 1;
            int32_t weight = (i_sign != j_sign ? -1 : 1) * (1 << (i + j)), scale = weight;
            int32_t offset = 0;
            if (l->mode == ET_BNN_XNOR) scale = -2 * weight, offset = weight * bits;
            if (l->mode == ET_BNN_AND_POPCOUNT) scale = 2 * weight, offset = -weight * ones[i];
            add_pair(acc, count + i * job->channels * l->w_bits + j, n, l->w_bits, scale, offset,
                     i + j == 0);
        }
}

ET_VECTOR_CLONES static void add_scaled(int32_t *restrict acc, const int32_t *restrict x, size_t n,
                                        int32_t scale)
{
    for (size_t o = 0; o < n; o++)
        acc[o] += scale * x[o];
}

/* Gives back what the 0 bits outside the image have taken. */
static void drop_outside(const struct job *job, const struct place *at, size_t first, size_t n,
                         int32_t *acc)
{
    const struct et_bnn_layer *l = job->layer;
    const int32_t *tap_sum = job->weights->tap_sum + first;
    size_t y = corner_y(l, at), x = corner_x(l, at);
    if (all_inside(l, y, x)) return;
    for (size_t ky = 0; ky < l->k_h; ky++)
        for (size_t kx = 0; kx < l->k_w; kx++, tap_sum += l->c_out)
            if (!is_inside(l, y + ky, x + kx)) add_scaled(acc, tap_sum, n, (1 << l->a_bits) - 1);
}

/* ---------------------------------------------------------------------------------- outputs -- */

/* code = flip ^ number of thresholds that acc reaches; most - count is count with its bits
 * turned over. */
ET_VECTOR_CLONES static void make_codes(uint8_t *restrict code, const int32_t *restrict acc,
                                        size_t n, const int32_t *restrict threshold, size_t stride,
                                        size_t levels, const uint8_t *restrict flip)
{
    for (size_t o = 0; o < n; o++)
        code[o] = 0;
    for (size_t e = 0; e < levels; e++)
        for (size_t o = 0; o < n; o++)
            code[o] = (uint8_t)(code[o] + (acc[o] >= threshold[e * stride + o]));
    for (size_t o = 0; o < n; o++)
        code[o] ^= flip[o];
}

ET_VECTOR_CLONES static void keep_largest(uint8_t *restrict best, const uint8_t *restrict code,
                                          size_t n)
{
    for (size_t o = 0; o < n; o++)
        best[o] = code[o] > best[o] ? code[o] : best[o];
}

/* Bit p of 64 codes. */
static uint64_t plane_of(const uint8_t *code, unsigned p)
{
    uint64_t word = 0;
    for (size_t i = 0; i < WORD / 8; i++) {
        uint64_t eight;
        memcpy(&eight, code + 8 * i, sizeof eight);
        eight = eight >> p & 0x0101010101010101;
        word |= (eight * 0x0102040810204080) >> 56 << 8 * i; /* bit 8 k goes to bit 56 + k */
    }
    return word;
}

/* Codes behind the last channel are 0. */
static void write_codes(const struct job *job, size_t window, size_t first, size_t n,
                        const uint8_t *code)
{
    size_t words = et_bnn_words(job->layer->c_out), bits = job->layer->out_bits;
    uint64_t *to = (uint64_t *)job->y + window * bits * words + first / WORD;
    for (unsigned p = 0; p < bits; p++)
        for (size_t o = 0; o < n; o += WORD)
            to[p * words + o / WORD] = plane_of(code + o, p);
}

/* Pixel p's counts for the channels first ... first + n - 1 become output. */
static void finish(const struct job *job, const struct workspace *s, size_t p,
                   const struct place *at, const int32_t *count, const int32_t *ones, size_t first,
                   size_t n, uint8_t *best)
{
    const struct et_bnn_layer *l = job->layer;
    bool raw = l->output != ET_BNN_CODES;
    int32_t *acc = raw ? (int32_t *)job->y + p * l->c_out + first : s->acc;
    sum(job, count, ones, n, acc);
    if (job->padded) drop_outside(job, at, first, n, acc);
    if (raw) return;
    size_t levels = (1U << l->out_bits) - 1;
    uint8_t *code = at->py + at->px == 0 ? best : s->code;
    make_codes(code, acc, n, job->threshold + first, l->c_out, levels, job->flip + first);
    if (code != best) keep_largest(best, code, n);
    if (at->py == l->pool - 1 && at->px == l->pool - 1)
        write_codes(job, p / (l->pool * l->pool), first, n, best);
}

/* ------------------------------------------------------------------------------------ tasks -- */

static size_t up_to_line(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

/* Cuts a worker's memory; without memory, finds its size. */
static size_t cut(const struct job *job, uint8_t *memory, struct workspace *s)
{
    size_t rows = job->pixels * job->layer->a_bits, columns = job->channels * job->layer->w_bits;
    size_t sizes[] = {job->direct ? 0 : rows * job->row * sizeof(uint64_t),
                      rows * columns * sizeof(int32_t),
                      rows * sizeof(int32_t),
                      job->channels * sizeof(int32_t),
                      job->channels,
                      job->channel_tile};
    size_t at[7] = {0};
    for (size_t i = 0; i < 6; i++)
        at[i + 1] = at[i] + up_to_line(sizes[i]);
    if (memory)
        *s = (struct workspace){(uint64_t *)(memory + at[0]),
                                (int32_t *)(memory + at[1]),
                                (int32_t *)(memory + at[2]),
                                (int32_t *)(memory + at[3]),
                                memory + at[4],
                                memory + at[5]};
    return at[6];
}

/* Pixels first ... first + n - 1 for the channels [from, to). */
static void run_block(const struct job *job, const struct workspace *s, size_t first, size_t n,
                      size_t from, size_t to)
{
    const struct et_bnn_layer *l = job->layer;
    size_t rows = n * l->a_bits, ldc = job->channels * l->w_bits;
    const uint64_t *a = job->direct ? job->x + first * l->a_bits * job->row : s->patch;
    const struct place start = place_of(job, first);
    struct place at = start;
    for (size_t p = 0; p < n && !job->direct; p++, advance(job, &at))
        gather_pixel(job, &at, s->patch + p * l->a_bits * job->row);
    if (l->mode == ET_BNN_AND_POPCOUNT)
        et__binary_gemm(ET__BINARY_AND, ET__BINARY_AUTO, rows, 1, job->row, a, job->ones, s->ones,
                        1);
    for (size_t c = from; c < to; c += job->channels) {
        size_t channels = to - c < job->channels ? to - c : job->channels;
        et__binary_gemm(l->mode == ET_BNN_XNOR ? ET__BINARY_XOR : ET__BINARY_AND, ET__BINARY_AUTO,
                        rows, channels * l->w_bits, job->row, a,
                        job->weights->planes + c * l->w_bits * job->row, s->count, ldc);
        at = start;
        for (size_t p = 0; p < n; p++, advance(job, &at))
            finish(job, s, first + p, &at, s->count + p * l->a_bits * ldc, s->ones + p * l->a_bits,
                   c, channels, s->best + c - from);
    }
}

static void run_task(void *user, size_t i, size_t worker)
{
    const struct job *job = user;
    struct workspace s;
    size_t square = job->layer->pool * job->layer->pool;
    size_t window = i / job->channel_tiles * job->window_tile;
    size_t windows = job->windows - window;
    size_t from = i % job->channel_tiles * job->channel_tile;
    size_t to = from + job->channel_tile;
    if (windows > job->window_tile) windows = job->window_tile;
    if (to > job->layer->c_out) to = job->layer->c_out;
    cut(job, job->scratch + worker * job->scratch_bytes, &s);
    memset(s.best, 0, job->channel_tile); /* the last word's codes may end early */
    for (size_t p = window * square; p < (window + windows) * square; p += job->pixels) {
        size_t n = (window + windows) * square - p;
        run_block(job, &s, p, n < job->pixels ? n : job->pixels, from, to);
    }
}

/* ------------------------------------------------------------------------------------- plan -- */

static bool is_padded(const struct et_bnn_layer *l)
{
    return l->pad_top + l->pad_left + l->pad_bottom + l->pad_right > 0;
}

static bool is_direct(const struct et_bnn_layer *l)
{
    return l->k_h == 1 && l->k_w == 1 && l->stride_y == 1 && l->stride_x == 1 && l->pool == 1 &&
           !is_padded(l);
}

/* Tasks are runs of windows; when there are few of those, also groups of channels. */
static void plan(struct job *job)
{
    const struct et_bnn_layer *l = job->layer;
    size_t square = l->pool * l->pool, words = et_bnn_words(l->c_out);
    size_t tasks = 4 * et_parallel_threads();
    job->pixels = ROWS / l->a_bits;
    job->window_tile = (job->pixels + square - 1) / square;
    if (job->windows < job->window_tile) job->window_tile = job->windows;
    if (job->window_tile * square < job->pixels) job->pixels = job->window_tile * square;
    size_t runs = (job->windows + job->window_tile - 1) / job->window_tile;
    size_t groups = (tasks + runs - 1) / runs;
    if (groups > words) groups = words;
    job->channel_tile = (words + groups - 1) / groups * WORD;
    job->channel_tiles = (l->c_out + job->channel_tile - 1) / job->channel_tile;
    job->channels = COLUMNS / l->w_bits / WORD * WORD;
    if (job->channels < WORD) job->channels = WORD;
    if (job->channels > job->channel_tile) job->channels = job->channel_tile;
}

/* Where the memory of a call lies: tables, then the workers' parts. */
struct parts {
    size_t ones, threshold, flip, scratch, end;
};

static struct parts parts_of(const struct job *job)
{
    const struct et_bnn_layer *l = job->layer;
    bool codes = l->output == ET_BNN_CODES;
    size_t levels = (1U << l->out_bits) - 1;
    struct parts at = {.ones = 0};
    at.threshold = l->mode == ET_BNN_AND_POPCOUNT ? up_to_line(job->row * sizeof *job->ones) : 0;
    at.flip = at.threshold + (codes ? up_to_line(levels * l->c_out * sizeof *job->threshold) : 0);
    at.scratch = at.flip + (codes ? up_to_line(l->c_out) : 0);
    at.end = at.scratch + et_parallel_threads() * job->scratch_bytes;
    return at;
}

/* Memory of at least n bytes, contents undefined. */
static enum et_status grow(struct et__binary_scratch *scratch, size_t n)
{
    if (scratch->n >= n) return ET_OK;
    et__binary_scratch_free(scratch);
    scratch->bytes = et_alloc(n, 1);
    if (scratch->bytes == NULL) return ET_NOMEM;
    scratch->n = n;
    return ET_OK;
}

void et__binary_scratch_free(struct et__binary_scratch *scratch)
{
    et_free(scratch->bytes);
    *scratch = (struct et__binary_scratch){0};
}

/* Tables of a call, level by level, so that channels lie side by side. */
static void make_tables(struct job *job, const struct parts *at, uint8_t *memory,
                        const int32_t *threshold, const uint8_t *flip)
{
    const struct et_bnn_layer *l = job->layer;
    size_t levels = (1U << l->out_bits) - 1;
    job->ones = (uint64_t *)(void *)(memory + at->ones);
    job->threshold = (int32_t *)(void *)(memory + at->threshold);
    job->flip = memory + at->flip;
    if (l->mode == ET_BNN_AND_POPCOUNT) memset(job->ones, 0xff, job->row * sizeof *job->ones);
    if (l->output != ET_BNN_CODES) return;
    for (size_t o = 0; o < l->c_out; o++) {
        for (size_t e = 0; e < levels; e++)
            job->threshold[e * l->c_out + o] = threshold[o * levels + e];
        job->flip[o] = flip && flip[o] ? (uint8_t)levels : 0;
    }
}

enum et_status et__binary_forward_in(const struct et_bnn_layer *l,
                                     const struct et__binary_weights *weights,
                                     const int32_t *threshold, const uint8_t *flip, size_t n,
                                     const uint64_t *x, void *y, struct et__binary_scratch *scratch)
{
    struct job job = {.layer = l,
                      .weights = weights,
                      .x = x,
                      .y = y,
                      .windows = n * et_bnn_out_h(l) * et_bnn_out_w(l),
                      .out_h = et_bnn_out_h(l),
                      .out_w = et_bnn_out_w(l),
                      .words = et_bnn_words(l->c_in),
                      .taps = l->k_h * l->k_w,
                      .row = l->k_h * l->k_w * et_bnn_words(l->c_in),
                      .direct = is_direct(l),
                      .padded = is_padded(l) && l->mode == ET_BNN_XNOR && !l->pad_zero_bits};
    if (job.windows == 0) return ET_OK;
    plan(&job);
    job.scratch_bytes = cut(&job, NULL, NULL);
    struct parts at = parts_of(&job);
    ET_TRY(grow(scratch, at.end));
    make_tables(&job, &at, scratch->bytes, threshold, flip);
    job.scratch = scratch->bytes + at.scratch;
    size_t runs = (job.windows + job.window_tile - 1) / job.window_tile;
    et_parallel_for(runs * job.channel_tiles, run_task, &job);
    return ET_OK;
}

enum et_status et__binary_forward(const struct et_bnn_layer *l,
                                  const struct et__binary_weights *weights,
                                  const int32_t *threshold, const uint8_t *flip, size_t n,
                                  const uint64_t *x, void *y)
{
    struct et__binary_scratch scratch = {0};
    enum et_status status = et__binary_forward_in(l, weights, threshold, flip, n, x, y, &scratch);
    et__binary_scratch_free(&scratch);
    return status;
}
