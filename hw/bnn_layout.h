/* SPDX-License-Identifier: Apache-2.0
 *
 * Sizes of the accelerator's formats in memory, in beats: shared by the layout and the compiler. */
#ifndef ETALON_HW_BNN_LAYOUT_H
#define ETALON_HW_BNN_LAYOUT_H

#include <etalon/accelerator.h>

static inline size_t et__bnn_ceil_div(size_t a, size_t b)
{
    return (a + b - 1) / b;
}

struct et__bnn_layout {
    size_t beat;    /* bytes */
    size_t x_row;   /* beats of one plane of an input pixel */
    size_t tiles;   /* of PE output channels */
    size_t chunks;  /* of SIMD input channels in a tap */
    size_t w_word;  /* beats of a weight word with all stored planes */
    size_t t_entry; /* beats of a threshold word */
    size_t y_tile;  /* bits of a tile in an output row: one plane, or the raw numbers */
    size_t y_row;   /* beats of an output row: one plane of a pixel, or a raw pixel */
    size_t y_rows;  /* rows of an output pixel: planes, or 1 */
};

static inline struct et__bnn_layout et__bnn_layout_of(const struct et_bnn_layer *layer,
                                                      const struct et_bnn_caps *caps)
{
    size_t tiles = et__bnn_ceil_div(layer->c_out, caps->pe);
    bool codes = layer->output == ET_BNN_CODES;
    size_t width = codes ? 1 : layer->output == ET_BNN_RAW16 ? 16 : 32;
    /* Rows of codes are rows of the next layer's activations; raw rows are whole tiles. */
    size_t y_bits = codes ? layer->c_out : tiles * caps->pe * width;
    return (struct et__bnn_layout){
        .beat = caps->axi_bits / 8,
        .x_row = et__bnn_ceil_div(layer->c_in, caps->axi_bits),
        .tiles = tiles,
        .chunks = et__bnn_ceil_div(layer->c_in, caps->simd),
        .w_word = (size_t)caps->pe * caps->simd / caps->axi_bits * layer->stored_bits,
        .t_entry = et__bnn_ceil_div((size_t)caps->pe * 32, caps->axi_bits),
        .y_tile = caps->pe * width,
        .y_row = et__bnn_ceil_div(y_bits, caps->axi_bits),
        .y_rows = codes ? layer->out_bits : 1,
    };
}

#endif
