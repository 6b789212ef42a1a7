/* SPDX-License-Identifier: Apache-2.0
 *
 * What a layer of packed bits may be, and its sizes. */
#include <etalon/accelerator.h>

enum { CHANNELS_MAX = 65535, SIDE_MAX = 65535, RAW16_MAX = 32767 };

/* A threshold has 31 bits with its sign, and "never" has to be one more than the largest sum. */
static const uint64_t sum_max = (1U << 30) - 2;

struct et_bnn_layer et_bnn_dense(size_t c_in, size_t c_out)
{
    return (struct et_bnn_layer){.mode = ET_BNN_XNOR,
                                 .output = ET_BNN_RAW32,
                                 .a_bits = 1,
                                 .w_bits = 1,
                                 .stored_bits = 1,
                                 .out_bits = 1,
                                 .c_in = c_in,
                                 .c_out = c_out,
                                 .h = 1,
                                 .w = 1,
                                 .k_h = 1,
                                 .k_w = 1,
                                 .stride_y = 1,
                                 .stride_x = 1,
                                 .pool = 1};
}

/* ------------------------------------------------------------------------------------ sizes -- */

/* Outputs along one side, before pooling. */
static size_t positions(size_t side, size_t before, size_t after, size_t kernel, size_t stride)
{
    size_t padded = side + before + after;
    return padded < kernel ? 0 : (padded - kernel) / stride + 1;
}

size_t et_bnn_out_h(const struct et_bnn_layer *l)
{
    return positions(l->h, l->pad_top, l->pad_bottom, l->k_h, l->stride_y) / l->pool;
}

size_t et_bnn_out_w(const struct et_bnn_layer *l)
{
    return positions(l->w, l->pad_left, l->pad_right, l->k_w, l->stride_x) / l->pool;
}

size_t et_bnn_words(size_t channels)
{
    return (channels + 63) / 64;
}

size_t et_bnn_in_words(const struct et_bnn_layer *l)
{
    return l->h * l->w * l->a_bits * et_bnn_words(l->c_in);
}

size_t et_bnn_out_size(const struct et_bnn_layer *l)
{
    size_t per_pixel = l->output == ET_BNN_CODES ? l->out_bits * et_bnn_words(l->c_out) : l->c_out;
    return et_bnn_out_h(l) * et_bnn_out_w(l) * per_pixel;
}

/* ------------------------------------------------------------------------------------ sums -- */

/* The most rows (or columns) of the image that one kernel meets. */
static uint64_t most_inside(size_t side, size_t before, size_t kernel, size_t stride,
                            size_t outputs)
{
    size_t most = 0;
    for (size_t i = 0; i < outputs; i++) {
        size_t first = i * stride, last = first + kernel; /* in the padded image */
        if (first < before) first = before;
        if (last > before + side) last = before + side;
        if (last > first && last - first > most) most = last - first;
    }
    return most;
}

static uint64_t largest(bool bipolar, bool is_signed, unsigned bits)
{
    return !bipolar && is_signed ? 1U << (bits - 1) : (1U << bits) - 1;
}

uint64_t et_bnn_layer_bound(const struct et_bnn_layer *l)
{
    uint64_t rows = l->k_h, columns = l->k_w;
    if (l->mode != ET_BNN_XNOR || !l->pad_zero_bits) {
        rows = most_inside(l->h, l->pad_top, l->k_h, l->stride_y, et_bnn_out_h(l) * l->pool);
        columns = most_inside(l->w, l->pad_left, l->k_w, l->stride_x, et_bnn_out_w(l) * l->pool);
    }
    return rows * columns * l->c_in * largest(l->mode == ET_BNN_XNOR, l->a_signed, l->a_bits) *
           largest(l->mode != ET_BNN_AND, l->w_signed, l->w_bits);
}

/* ----------------------------------------------------------------------------------- checks -- */

static enum et_status check_range(const char *field, size_t value, size_t lowest, size_t highest)
{
    if (value >= lowest && value <= highest) return ET_OK;
    return et_error_set(ET_INVALID, "%s = %zu is outside [%zu, %zu]", field, value, lowest,
                        highest);
}

static enum et_status check_encoding(const struct et_bnn_layer *l)
{
    ET_TRY(check_range("mode", (size_t)l->mode, ET_BNN_XNOR, ET_BNN_AND_POPCOUNT));
    ET_TRY(check_range("output", (size_t)l->output, ET_BNN_CODES, ET_BNN_RAW32));
    if (l->mode == ET_BNN_XNOR && l->a_signed)
        return et_error_set(ET_INVALID, "a_signed = true, but XNOR activations are bipolar");
    if (l->mode != ET_BNN_AND && l->w_signed)
        return et_error_set(ET_INVALID, "w_signed = true, but only AND weights can be signed");
    /* A stored weight is an int8_t, which holds 8 planes of two's complement and 7 of the others.
     */
    size_t stored_max = l->w_signed ? 8 : 7;
    ET_TRY(check_range("a_bits", l->a_bits, 1, 8));
    ET_TRY(check_range("w_bits", l->w_bits, 1, stored_max));
    ET_TRY(check_range("stored_bits", l->stored_bits, l->w_bits, stored_max));
    if (l->stored_bits > l->w_bits && !l->w_signed)
        return et_error_set(ET_INVALID,
                            "stored_bits = %u is outside [%u, %u]: only signed weights (w_signed) "
                            "can be rounded to w_bits",
                            l->stored_bits, l->w_bits, l->w_bits);
    return check_range("out_bits", l->out_bits, 1, l->output == ET_BNN_CODES ? 8 : 1);
}

static enum et_status check_shape(const struct et_bnn_layer *l)
{
    ET_TRY(check_range("c_in", l->c_in, 1, CHANNELS_MAX));
    ET_TRY(check_range("c_out", l->c_out, 1, CHANNELS_MAX));
    ET_TRY(check_range("h", l->h, 1, SIDE_MAX));
    ET_TRY(check_range("w", l->w, 1, SIDE_MAX));
    ET_TRY(check_range("k_h", l->k_h, 1, 15));
    ET_TRY(check_range("k_w", l->k_w, 1, 15));
    ET_TRY(check_range("stride_y", l->stride_y, 1, 15));
    ET_TRY(check_range("stride_x", l->stride_x, 1, 15));
    ET_TRY(check_range("pad_top", l->pad_top, 0, 15));
    ET_TRY(check_range("pad_left", l->pad_left, 0, 15));
    ET_TRY(check_range("pad_bottom", l->pad_bottom, 0, 15));
    ET_TRY(check_range("pad_right", l->pad_right, 0, 15));
    ET_TRY(check_range("pool", l->pool, 1, l->output == ET_BNN_CODES ? 8 : 1));
    ET_TRY(check_range("k_h", l->k_h, 1, l->h + l->pad_top + l->pad_bottom));
    ET_TRY(check_range("k_w", l->k_w, 1, l->w + l->pad_left + l->pad_right));
    ET_TRY(check_range("pool", l->pool, 1,
                       positions(l->h, l->pad_top, l->pad_bottom, l->k_h, l->stride_y)));
    return check_range("pool", l->pool, 1,
                       positions(l->w, l->pad_left, l->pad_right, l->k_w, l->stride_x));
}

enum et_status et_bnn_layer_check(const struct et_bnn_layer *l)
{
    ET_TRY(check_encoding(l));
    ET_TRY(check_shape(l));
    uint64_t bound = et_bnn_layer_bound(l), most = l->output == ET_BNN_RAW16 ? RAW16_MAX : sum_max;
    if (bound <= most) return ET_OK;
    return et_error_set(ET_INVALID,
                        "sums up to %llu are outside [-%llu, %llu] (c_in = %zu, kernel %zu x %zu, "
                        "%u x %u planes)",
                        (unsigned long long)bound, (unsigned long long)most,
                        (unsigned long long)most, l->c_in, l->k_h, l->k_w, l->a_bits, l->w_bits);
}
