/* SPDX-License-Identifier: Apache-2.0
 *
 * A layer on packed bits: patches of the image as rows, one product of rows with weights per
 * block, and what the layer does with the sums while they are in the cache.
 *
 * A pixel is one position of the kernel; pool x pool pixels make a window, one output.  Pixels are
 * numbered window by window.  The planes of a pixel are rows of their own, and so are the planes
 * of a weight: the product counts bits for every pair (i, j) of planes, and `sum` weights them.
 *
 * An activation outside the image is a row of 0 bits.  In XNOR without pad_zero_bits it must add
 * nothing instead; its contribution, n - 2 popcount(w), is taken away again. */
#include "binary.h"

#include <etalon/array.h>
#include <etalon/parallel.h>

#include <string.h>

/* CHANNELS is the width of a word of codes.  ROWS of patches and the counts of one block of
 * channels fit in the second-level cache. */
enum { CHANNELS = 64, ROWS = 64 };

struct job {
    const struct et_bnn_layer *layer;
    const struct et__binary_weights *weights;
    const int32_t *threshold;
    const uint8_t *flip;
    const uint64_t *x;
    void *y;
    size_t windows, out_h, out_w, words, taps;
    size_t window_tile, channel_tile, channel_tiles; /* of a task */
    size_t pixels;                                   /* of a chunk */
    bool direct;                                     /* the input's rows are the patches */
    uint8_t *scratch;
    size_t scratch_bytes; /* per worker */
};

/* A worker's memory. */
struct workspace {
    uint64_t *patch; /* [pixels * a_bits][taps * words] */
    int32_t *count;  /* [pixels * a_bits][CHANNELS * w_bits] */
    int32_t *ones;   /* [pixels * a_bits]: 1 bits of the patches */
    uint8_t *best;   /* [channels]: largest codes of the current window */
};

/* Where pixel p lies: its image, and its kernel's corner in the padded image. */
struct place {
    size_t image, y, x;
};

static struct place place_of(const struct job *job, size_t p)
{
    const struct et_bnn_layer *l = job->layer;
    size_t square = l->pool * l->pool, window = p / square, in_window = p % square;
    size_t outputs = job->out_h * job->out_w, at = window % outputs;
    return (struct place){
        .image = window / outputs,
        .y = (at / job->out_w * l->pool + in_window / l->pool) * l->stride_y,
        .x = (at % job->out_w * l->pool + in_window % l->pool) * l->stride_x,
    };
}

/* The input pixel of a tap, NULL outside the image. */
static const uint64_t *tap_at(const struct job *job, struct place place, size_t tap)
{
    const struct et_bnn_layer *l = job->layer;
    size_t y = place.y + tap / l->k_w - l->pad_top, x = place.x + tap % l->k_w - l->pad_left;
    if (y >= l->h || x >= l->w) return NULL; /* below 0 wraps round */
    return job->x + ((place.image * l->h + y) * l->w + x) * l->a_bits * job->words;
}

static void gather(const struct job *job, size_t first, size_t n, uint64_t *patch)
{
    size_t words = job->words, row = job->taps * words, planes = job->layer->a_bits;
    for (size_t p = 0; p < n; p++, patch += planes * row) {
        struct place place = place_of(job, first + p);
        for (size_t tap = 0; tap < job->taps; tap++) {
            const uint64_t *from = tap_at(job, place, tap);
            for (size_t i = 0; i < planes; i++) {
                uint64_t *to = patch + i * row + tap * words;
                if (from)
                    memcpy(to, from + i * words, words * sizeof *to);
                else
                    memset(to, 0, words * sizeof *to);
            }
        }
    }
}

static void count_ones(const uint64_t *row, size_t rows, size_t words, int32_t *ones)
{
    for (size_t r = 0; r < rows; r++) {
        ones[r] = 0;
        for (size_t k = 0; k < words; k++)
            ones[r] += __builtin_popcountll(row[r * words + k]);
    }
}

/* ------------------------------------------------------------------------------------- sums -- */

/* acc += scale * count + offset for every channel: what planes i and j contribute. */
static void add_pair(int32_t *acc, const int32_t *count, size_t n, size_t step, int32_t scale,
                     int32_t offset)
{
    for (size_t o = 0; o < n; o++)
        acc[o] += scale * count[o * step] + offset;
}

/* The sums of one pixel for n channels, from its counts [a_bits][channel][w_bits]. */
static void sum(const struct job *job, const int32_t *count, const int32_t *ones, size_t n,
                int32_t *acc)
{
    const struct et_bnn_layer *l = job->layer;
    int32_t bits = (int32_t)(job->taps * l->c_in);
    memset(acc, 0, n * sizeof *acc);
    for (unsigned i = 0; i < l->a_bits; i++)
        for (unsigned j = 0; j < l->w_bits; j++) {
            bool i_sign = l->a_signed && i == l->a_bits - 1;
            bool j_sign = l->w_signed && j == l->w_bits - 1;
            int32_t weight = (i_sign != j_sign ? -1 : 1) * (1 << (i + j)), scale = weight;
            int32_t offset = 0;
            if (l->mode == ET_BNN_XNOR) scale = -2 * weight, offset = weight * bits;
            if (l->mode == ET_BNN_AND_POPCOUNT) scale = 2 * weight, offset = -weight * ones[i];
            add_pair(acc, count + i * CHANNELS * l->w_bits + j, n, l->w_bits, scale, offset);
        }
}

/* Takes away what the 0 bits outside the image have added. */
static void drop_outside(const struct job *job, size_t p, size_t first, size_t n, int32_t *acc)
{
    const struct et_bnn_layer *l = job->layer;
    struct place place = place_of(job, p);
    for (size_t tap = 0; tap < job->taps; tap++) {
        if (tap_at(job, place, tap)) continue;
        for (size_t o = 0; o < n; o++)
            for (unsigned j = 0; j < l->w_bits; j++) {
                size_t row = (first + o) * l->w_bits + j;
                int32_t ones = job->weights->ones[row * job->taps + tap];
                int32_t planes = (1 << l->a_bits) - 1; /* all of them, weighted */
                acc[o] -= planes * (1 << j) * ((int32_t)l->c_in - 2 * ones);
            }
    }
}

/* ---------------------------------------------------------------------------------- outputs -- */

static void make_codes(const struct job *job, size_t first, size_t n, const int32_t *acc,
                       uint8_t *code)
{
    unsigned most = (1U << job->layer->out_bits) - 1;
    for (size_t o = 0; o < n; o++) {
        const int32_t *threshold = job->threshold + (first + o) * most;
        unsigned count = 0;
        for (unsigned e = 0; e < most; e++)
            count += acc[o] >= threshold[e];
        code[o] = (uint8_t)(job->flip && job->flip[first + o] ? most - count : count);
    }
}

static void write_codes(const struct job *job, size_t window, size_t first, size_t n,
                        const uint8_t *code)
{
    size_t words = et_bnn_words(job->layer->c_out);
    uint64_t *to = (uint64_t *)job->y + window * job->layer->out_bits * words + first / CHANNELS;
    for (unsigned p = 0; p < job->layer->out_bits; p++) {
        uint64_t word = 0;
        for (size_t o = 0; o < n; o++)
            word |= (uint64_t)(code[o] >> p & 1) << o;
        to[p * words] = word;
    }
}

/* Pixel p's sums for the channels first ... first + n - 1 (of one word) become output. */
static void finish(const struct job *job, size_t p, size_t first, size_t n, const int32_t *acc,
                   uint8_t *best)
{
    const struct et_bnn_layer *l = job->layer;
    if (l->output != ET_BNN_CODES) {
        memcpy((int32_t *)job->y + p * l->c_out + first, acc, n * sizeof *acc);
        return;
    }
    uint8_t code[CHANNELS];
    size_t square = l->pool * l->pool;
    make_codes(job, first, n, acc, code);
    for (size_t o = 0; o < n; o++)
        best[o] = p % square == 0 || code[o] > best[o] ? code[o] : best[o];
    if (p % square == square - 1) write_codes(job, p / square, first, n, best);
}

/* ------------------------------------------------------------------------------------ tasks -- */

static struct workspace workspace_of(const struct job *job, size_t worker)
{
    size_t rows = job->pixels * job->layer->a_bits;
    struct workspace s = {.patch = (uint64_t *)(job->scratch + worker * job->scratch_bytes)};
    s.count = (int32_t *)(s.patch + (job->direct ? 0 : rows * job->taps * job->words));
    s.ones = s.count + rows * CHANNELS * job->layer->w_bits;
    s.best = (uint8_t *)(s.ones + rows);
    return s;
}

/* Pixels first ... first + n - 1 for the channels [from, to). */
static void run_chunk(const struct job *job, const struct workspace *s, size_t first, size_t n,
                      size_t from, size_t to)
{
    const struct et_bnn_layer *l = job->layer;
    size_t row = job->taps * job->words, rows = n * l->a_bits, ldc = CHANNELS * l->w_bits;
    const uint64_t *a = job->direct ? job->x + first * l->a_bits * row : s->patch;
    if (!job->direct) gather(job, first, n, s->patch);
    if (l->mode == ET_BNN_AND_POPCOUNT) count_ones(a, rows, row, s->ones);
    bool padded = l->pad_top + l->pad_left + l->pad_bottom + l->pad_right > 0;
    for (size_t c = from; c < to; c += CHANNELS) {
        size_t channels = to - c < CHANNELS ? to - c : CHANNELS;
        et__binary_gemm(l->mode == ET_BNN_XNOR ? ET__BINARY_XOR : ET__BINARY_AND, ET__BINARY_AUTO,
                        rows, channels * l->w_bits, row, a,
                        job->weights->planes + c * l->w_bits * row, s->count, ldc);
        for (size_t p = 0; p < n; p++) {
            int32_t acc[CHANNELS];
            sum(job, s->count + p * l->a_bits * ldc, s->ones + p * l->a_bits, channels, acc);
            if (padded && l->mode == ET_BNN_XNOR && !l->pad_zero_bits)
                drop_outside(job, first + p, c, channels, acc);
            finish(job, first + p, c, channels, acc, s->best + c - from);
        }
    }
}

static void run_task(void *user, size_t i, size_t worker)
{
    const struct job *job = user;
    struct workspace s = workspace_of(job, worker);
    size_t square = job->layer->pool * job->layer->pool;
    size_t window = i / job->channel_tiles * job->window_tile;
    size_t windows = job->windows - window;
    size_t from = i % job->channel_tiles * job->channel_tile;
    size_t to = from + job->channel_tile;
    if (windows > job->window_tile) windows = job->window_tile;
    if (to > job->layer->c_out) to = job->layer->c_out;
    for (size_t p = window * square; p < (window + windows) * square; p += job->pixels) {
        size_t n = (window + windows) * square - p;
        run_chunk(job, &s, p, n < job->pixels ? n : job->pixels, from, to);
    }
}

static bool is_direct(const struct et_bnn_layer *l)
{
    return l->k_h == 1 && l->k_w == 1 && l->stride_y == 1 && l->stride_x == 1 && l->pool == 1 &&
           l->pad_top + l->pad_left + l->pad_bottom + l->pad_right == 0;
}

/* Tasks are runs of windows; when there are few of those, also groups of channels. */
static void plan(struct job *job)
{
    const struct et_bnn_layer *l = job->layer;
    size_t square = l->pool * l->pool, blocks = (l->c_out + CHANNELS - 1) / CHANNELS;
    size_t wanted = 4 * et_parallel_threads();
    job->pixels = l->a_bits < ROWS ? ROWS / l->a_bits : 1;
    job->window_tile = (job->pixels + square - 1) / square;
    if (job->windows < job->window_tile) job->window_tile = job->windows;
    if (job->window_tile * square < job->pixels) job->pixels = job->window_tile * square;
    size_t runs = (job->windows + job->window_tile - 1) / job->window_tile;
    size_t groups = (wanted + runs - 1) / runs;
    if (groups > blocks) groups = blocks;
    job->channel_tile = (blocks + groups - 1) / groups * CHANNELS;
    job->channel_tiles = (l->c_out + job->channel_tile - 1) / job->channel_tile;
}

enum et_status et__binary_forward(const struct et_bnn_layer *l,
                                  const struct et__binary_weights *weights,
                                  const int32_t *threshold, const uint8_t *flip, size_t n,
                                  const uint64_t *x, void *y)
{
    struct job job = {.layer = l,
                      .weights = weights,
                      .threshold = threshold,
                      .flip = flip,
                      .x = x,
                      .y = y,
                      .windows = n * et_bnn_out_h(l) * et_bnn_out_w(l),
                      .out_h = et_bnn_out_h(l),
                      .out_w = et_bnn_out_w(l),
                      .words = et_bnn_words(l->c_in),
                      .taps = l->k_h * l->k_w,
                      .direct = is_direct(l)};
    if (job.windows == 0) return ET_OK;
    plan(&job);
    size_t rows = job.pixels * l->a_bits;
    job.scratch_bytes = (job.direct ? 0 : rows * job.taps * job.words * sizeof(uint64_t)) +
                        (rows * CHANNELS * l->w_bits + rows) * sizeof(int32_t) + job.channel_tile;
    job.scratch_bytes = (job.scratch_bytes + 63) / 64 * 64;
    job.scratch = et_alloc(et_parallel_threads(), job.scratch_bytes);
    if (!job.scratch) return ET_NOMEM;
    size_t runs = (job.windows + job.window_tile - 1) / job.window_tile;
    et_parallel_for(runs * job.channel_tiles, run_task, &job);
    et_free(job.scratch);
    return ET_OK;
}
