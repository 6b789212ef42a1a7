/* SPDX-License-Identifier: Apache-2.0
 *
 * Tensors in the formats of docs/accelerator.md and back. */
#include "bnn_layout.h"

#include <etalon/parallel.h>

#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the device is little-endian, and so are the words that are copied here"
#endif

struct et_bnn_sizes et_bnn_layout_sizes(const struct et_bnn_layer *l,
                                        const struct et_bnn_caps *caps, size_t n)
{
    struct et__bnn_layout at = et__bnn_layout_of(l, caps);
    bool codes = l->output == ET_BNN_CODES;
    return (struct et_bnn_sizes){
        .x = n * l->h * l->w * l->a_bits * at.x_row * at.beat,
        .w = at.tiles * l->k_h * l->k_w * at.chunks * at.w_word * at.beat,
        .t = codes ? (at.tiles << l->out_bits) * at.t_entry * at.beat : 0,
        .y = n * et_bnn_out_h(l) * et_bnn_out_w(l) * at.y_rows * at.y_row * at.beat,
    };
}

/* ----------------------------------------------------------------------------------- weights -- */

struct weights {
    const struct et_bnn_layer *layer;
    const struct et_bnn_caps *caps;
    struct et__bnn_layout at;
    const int8_t *weight;
    unsigned char *to;
    unsigned char code[256]; /* planes of each value, by its bits */
};

/* Eight channels (or the `n` that are left) of one output channel: a byte of each plane. */
static void put_bytes(const struct weights *w, const int8_t *from, size_t n, unsigned char *to,
                      size_t plane_stride)
{
    unsigned char code[8] = {0};
    for (size_t c = 0; c < n; c++)
        code[c] = w->code[(unsigned char)from[c]];
    for (unsigned j = 0; j < w->layer->stored_bits; j++, to += plane_stride) {
        unsigned byte = 0;
        for (unsigned c = 0; c < 8; c++)
            byte |= ((unsigned)code[c] >> j & 1U) << c;
        *to = (unsigned char)byte;
    }
}

/* One tile of output channels. */
static void put_tile(void *context, size_t tile, size_t worker)
{
    (void)worker;
    const struct weights *w = context;
    const struct et_bnn_layer *l = w->layer;
    size_t pe = w->caps->pe, simd_bytes = w->caps->simd / 8, beat = w->at.beat;
    size_t lanes_per_group = w->caps->axi_bits / w->caps->simd;
    size_t group_bytes = l->stored_bits * beat; /* planes of a lane group, one beat each */
    size_t taps = l->k_h * l->k_w, word_bytes = w->at.w_word * beat;
    unsigned char *word = w->to + tile * taps * w->at.chunks * word_bytes;
    for (size_t tap = 0; tap < taps; tap++)
        for (size_t chunk = 0; chunk < w->at.chunks; chunk++, word += word_bytes) {
            size_t c_end = (chunk + 1) * w->caps->simd;
            if (c_end > l->c_in) c_end = l->c_in;
            for (size_t lane = 0; lane < pe && tile * pe + lane < l->c_out; lane++) {
                const int8_t *from = w->weight + ((tile * pe + lane) * taps + tap) * l->c_in;
                unsigned char *to = word + lane / lanes_per_group * group_bytes +
                                    lane % lanes_per_group * simd_bytes;
                for (size_t c = chunk * w->caps->simd; c < c_end; c += 8, to++)
                    put_bytes(w, from + c, c_end - c < 8 ? c_end - c : 8, to, beat);
            }
        }
}

void et_bnn_layout_weights(const struct et_bnn_layer *l, const struct et_bnn_caps *caps,
                           const int8_t *weight, void *to)
{
    struct weights w = {l, caps, et__bnn_layout_of(l, caps), weight, to, {0}};
    unsigned mask = (1U << l->stored_bits) - 1;
    for (int v = -128; v < 128; v++) {
        /* A bipolar value is 2 code - mask. */
        int code = l->mode == ET_BNN_AND ? v : (v + (int)mask) / 2;
        w.code[(unsigned char)v] = (unsigned char)((unsigned)code & mask);
    }
    memset(to, 0, et_bnn_layout_sizes(l, caps, 0).w);
    et_parallel_for(w.at.tiles, put_tile, &w);
}

/* -------------------------------------------------------------------------------- thresholds -- */

void et_bnn_layout_thresholds(const struct et_bnn_layer *l, const struct et_bnn_caps *caps,
                              const int32_t *threshold, const uint8_t *flip, void *to)
{
    if (l->output != ET_BNN_CODES) return;
    size_t entries = (size_t)1 << l->out_bits, levels = entries - 1;
    unsigned char *bytes = memset(to, 0, et_bnn_layout_sizes(l, caps, 0).t);
    for (size_t o = 0; o < l->c_out; o++)
        for (size_t e = 1; e < entries; e++) {
            uint32_t word = (uint32_t)threshold[o * levels + e - 1] & UINT32_C(0x7fffffff);
            if (flip && flip[o]) word |= UINT32_C(1) << 31;
            size_t place = (o / caps->pe * entries + e) * caps->pe + o % caps->pe;
            memcpy(bytes + place * sizeof word, &word, sizeof word);
        }
}

/* --------------------------------------------------------------------------------------- rows --
 */

void et_bnn_layout_in(const struct et_bnn_layer *l, const struct et_bnn_caps *caps, size_t n,
                      const uint64_t *x, void *to)
{
    size_t words = et_bnn_words(l->c_in), rows = n * l->h * l->w * l->a_bits;
    size_t bytes = et__bnn_layout_of(l, caps).x_row * caps->axi_bits / 8;
    if (bytes == words * sizeof *x) {
        memcpy(to, x, rows * bytes);
        return;
    }
    unsigned char *row = memset(to, 0, rows * bytes);
    for (size_t r = 0; r < rows; r++)
        memcpy(row + r * bytes, x + r * words, words * sizeof *x);
}

static void codes_out(const struct et_bnn_layer *l, const struct et__bnn_layout *at, size_t pixels,
                      const unsigned char *from, uint64_t *y)
{
    size_t words = et_bnn_words(l->c_out), rows = pixels * l->out_bits;
    uint64_t last = UINT64_MAX >> (words * 64 - l->c_out);
    for (size_t r = 0; r < rows; r++, from += at->y_row * at->beat, y += words) {
        memcpy(y, from, words * sizeof *y);
        y[words - 1] &= last;
    }
}

static void raw_out(const struct et_bnn_layer *l, const struct et__bnn_layout *at, size_t pixels,
                    const unsigned char *from, int32_t *y)
{
    for (size_t p = 0; p < pixels; p++, from += at->y_row * at->beat, y += l->c_out) {
        if (l->output == ET_BNN_RAW32) {
            memcpy(y, from, l->c_out * sizeof *y);
            continue;
        }
        for (size_t o = 0; o < l->c_out; o++) {
            int16_t number;
            memcpy(&number, from + o * sizeof number, sizeof number);
            y[o] = number;
        }
    }
}

void et_bnn_layout_out(const struct et_bnn_layer *l, const struct et_bnn_caps *caps, size_t n,
                       const void *from, void *y)
{
    struct et__bnn_layout at = et__bnn_layout_of(l, caps);
    size_t pixels = n * et_bnn_out_h(l) * et_bnn_out_w(l);
    if (l->output == ET_BNN_CODES)
        codes_out(l, &at, pixels, from, y);
    else
        raw_out(l, &at, pixels, from, y);
}
