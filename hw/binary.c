/* SPDX-License-Identifier: Apache-2.0
 *
 * The plain reference of a layer, the check of its values, and its weights as planes.
 *
 * The reference calculates with numbers, not with bits, so that it shares nothing with the
 * kernels and the hardware that are compared with it. */
#include "binary.h"

#include <etalon/array.h>

#include <assert.h>
#include <string.h>

/* -------------------------------------------------------------------------------- reference -- */

/* What an activation outside the image is worth. */
static int outside(const struct et_bnn_layer *l)
{
    return l->pad_zero_bits && l->mode == ET_BNN_XNOR ? 1 - (1 << l->a_bits) : 0;
}

/* The sum of output o at position (y, x), before pooling; a is one image. */
static int64_t sum_at(const struct et_bnn_layer *l, const int16_t *a, const int8_t *w, size_t o,
                      size_t y, size_t x)
{
    int64_t acc = 0;
    for (size_t ky = 0; ky < l->k_h; ky++)
        for (size_t kx = 0; kx < l->k_w; kx++) {
            size_t row = y * l->stride_y + ky, column = x * l->stride_x + kx; /* padded */
            bool inside = row >= l->pad_top && row < l->pad_top + l->h && column >= l->pad_left &&
                          column < l->pad_left + l->w;
            for (size_t c = 0; c < l->c_in; c++) {
                int activation = outside(l);
                if (inside)
                    activation =
                        a[((row - l->pad_top) * l->w + column - l->pad_left) * l->c_in + c];
                int8_t weight = w[((o * l->k_h + ky) * l->k_w + kx) * l->c_in + c];
                acc += activation * et_bnn_round(weight, l->stored_bits, l->w_bits);
            }
        }
    return acc;
}

static unsigned code_of(int64_t acc, unsigned out_bits, const int32_t *threshold, bool flip)
{
    unsigned most = (1U << out_bits) - 1, count = 0;
    for (unsigned e = 0; e < most; e++)
        count += acc >= threshold[e];
    return flip ? most - count : count;
}

static int32_t saturated(int64_t acc, enum et_bnn_output output)
{
    int64_t most = output == ET_BNN_RAW16 ? INT16_MAX : INT32_MAX;
    return (int32_t)(acc > most ? most : acc < -most - 1 ? -most - 1 : acc);
}

/* The largest code of output o in the pooling window (y, x). */
static unsigned pooled_code(const struct et_bnn_layer *l, const int16_t *a, const int8_t *w,
                            const int32_t *threshold, const uint8_t *flip, size_t o, size_t y,
                            size_t x)
{
    size_t levels = (1U << l->out_bits) - 1;
    unsigned best = 0;
    for (size_t py = 0; py < l->pool; py++)
        for (size_t px = 0; px < l->pool; px++) {
            int64_t acc = sum_at(l, a, w, o, y * l->pool + py, x * l->pool + px);
            unsigned code = code_of(acc, l->out_bits, threshold + o * levels, flip && flip[o]);
            if (code > best) best = code;
        }
    return best;
}

void et__binary_reference(const struct et_bnn_layer *l, size_t n, const int16_t *a, const int8_t *w,
                          const int32_t *threshold, const uint8_t *flip, void *y)
{
    size_t pixels = et_bnn_out_h(l) * et_bnn_out_w(l), words = et_bnn_words(l->c_out);
    if (l->output == ET_BNN_CODES) memset(y, 0, n * et_bnn_out_size(l) * sizeof(uint64_t));
    for (size_t i = 0; i < n * pixels; i++) {
        const int16_t *image = a + i / pixels * l->h * l->w * l->c_in;
        size_t row = i % pixels / et_bnn_out_w(l), column = i % et_bnn_out_w(l);
        for (size_t o = 0; o < l->c_out; o++) {
            if (l->output != ET_BNN_CODES) {
                int64_t acc = sum_at(l, image, w, o, row, column);
                ((int32_t *)y)[i * l->c_out + o] = saturated(acc, l->output);
                continue;
            }
            uint64_t code = pooled_code(l, image, w, threshold, flip, o, row, column);
            uint64_t *planes = (uint64_t *)y + i * l->out_bits * words;
            for (unsigned p = 0; p < l->out_bits; p++)
                planes[p * words + o / 64] |= (code >> p & 1) << o % 64;
        }
    }
}

/* ----------------------------------------------------------------------------------- values -- */

static enum et_bnn_encoding weight_encoding(const struct et_bnn_layer *l)
{
    if (l->mode != ET_BNN_AND) return ET_BNN_BIPOLAR;
    return l->w_signed ? ET_BNN_SIGNED : ET_BNN_UNSIGNED;
}

static enum et_status check_weights(const struct et_bnn_layer *l, const int8_t *w)
{
    enum et_bnn_encoding encoding = weight_encoding(l);
    int n = 1 << l->stored_bits, lowest = 0, highest = n - 1;
    if (encoding == ET_BNN_BIPOLAR) lowest = 1 - n;
    if (encoding == ET_BNN_SIGNED) lowest = -n / 2, highest = n / 2 - 1;
    size_t count = l->c_out * l->k_h * l->k_w * l->c_in;
    for (size_t i = 0; i < count; i++) {
        bool even = encoding == ET_BNN_BIPOLAR && !(w[i] & 1);
        if (w[i] >= lowest && w[i] <= highest && !even) continue;
        return et_error_set(ET_INVALID, "weight[%zu] = %d is %s [%d, %d] (%u planes)", i, w[i],
                            even ? "not one of the odd numbers of" : "outside", lowest, highest,
                            l->stored_bits);
    }
    return ET_OK;
}

static enum et_status check_thresholds(const struct et_bnn_layer *l, const int32_t *threshold,
                                       const uint8_t *flip)
{
    const int32_t most = (1 << 30) - 1;
    size_t levels = (1U << l->out_bits) - 1;
    for (size_t i = 0; i < l->c_out * levels; i++) {
        if (threshold[i] < -most || threshold[i] > most)
            return et_error_set(ET_INVALID, "threshold[%zu] = %d is outside [%d, %d]", i,
                                threshold[i], -most, most);
        if (i % levels > 0 && threshold[i] < threshold[i - 1])
            return et_error_set(ET_INVALID, "threshold[%zu] = %d is below the one before it, %d", i,
                                threshold[i], threshold[i - 1]);
    }
    for (size_t o = 0; flip && o < l->c_out; o++)
        if (flip[o] > 1)
            return et_error_set(ET_INVALID, "flip[%zu] = %d is outside [0, 1]", o, flip[o]);
    return ET_OK;
}

enum et_status et__binary_check_values(const struct et_bnn_layer *layer, const int8_t *w,
                                       const int32_t *threshold, const uint8_t *flip)
{
    if (w) ET_TRY(check_weights(layer, w));
    if (layer->output != ET_BNN_CODES || !threshold) return ET_OK;
    return check_thresholds(layer, threshold, flip);
}

/* ---------------------------------------------------------------------------------- weights -- */

enum et_status et__binary_weights_create(struct et__binary_weights *weights,
                                         const struct et_bnn_layer *l, const int8_t *w)
{
    size_t taps = l->k_h * l->k_w, words = et_bnn_words(l->c_in);
    size_t rows = l->c_out * taps, total = rows * l->w_bits * words;
    enum et_status status = ET_NOMEM;
    *weights = (struct et__binary_weights){.bytes = total * sizeof(uint64_t)};
    int16_t *value = et_alloc(l->c_in, sizeof *value);
    uint64_t *tap = et_alloc(l->w_bits * words, sizeof *tap);
    if (!value || !tap) goto out;
    if (!(weights->planes = et_alloc(total, sizeof *weights->planes))) goto out;
    if (!(weights->tap_sum = et_alloc(rows, sizeof *weights->tap_sum))) goto out;
    for (size_t r = 0; r < rows; r++) {
        int32_t *tap_sum = &weights->tap_sum[r % taps * l->c_out + r / taps];
        for (size_t c = 0; c < l->c_in; c++) {
            value[c] = (int16_t)et_bnn_round(w[r * l->c_in + c], l->stored_bits, l->w_bits);
            *tap_sum += value[c];
        }
        et_bnn_pack(value, 1, l->c_in, l->w_bits, weight_encoding(l), tap);
        for (unsigned j = 0; j < l->w_bits; j++) {
            size_t to = (r / taps * l->w_bits + j) * taps + r % taps;
            memcpy(weights->planes + to * words, tap + j * words, words * sizeof *tap);
        }
    }
    status = ET_OK;
out:
    et_free(value);
    et_free(tap);
    if (status != ET_OK) et__binary_weights_destroy(weights);
    return status;
}

void et__binary_weights_destroy(struct et__binary_weights *weights)
{
    et_free(weights->planes);
    et_free(weights->tap_sum);
    *weights = (struct et__binary_weights){0};
}
