/* SPDX-License-Identifier: Apache-2.0
 *
 * Values to bit planes and back. */
#include <etalon/accelerator.h>

#include <assert.h>
#include <string.h>

/* A bipolar value is an unsigned code u read as 2 u - (2^bits - 1). */
static unsigned code_of(int value, unsigned bits, enum et_bnn_encoding encoding)
{
    int most = (1 << bits) - 1;
    switch (encoding) {
    case ET_BNN_BIPOLAR:
        assert(value >= -most && value <= most && (value & 1));
        return (unsigned)(value + most) / 2;
    case ET_BNN_UNSIGNED:
        assert(value >= 0 && value <= most);
        return (unsigned)value;
    case ET_BNN_SIGNED:
        assert(value >= -(most + 1) / 2 && value <= most / 2);
        return (unsigned)value & (unsigned)most;
    }
    return 0;
}

static int value_of(unsigned code, unsigned bits, enum et_bnn_encoding encoding)
{
    int n = 1 << bits, u = (int)code;
    switch (encoding) {
    case ET_BNN_BIPOLAR:
        return 2 * u - (n - 1);
    case ET_BNN_UNSIGNED:
        return u;
    case ET_BNN_SIGNED:
        return u >= n / 2 ? u - n : u;
    }
    return 0;
}

void et_bnn_pack(const int16_t *value, size_t rows, size_t channels, unsigned bits,
                 enum et_bnn_encoding encoding, uint64_t *planes)
{
    size_t words = et_bnn_words(channels);
    memset(planes, 0, rows * bits * words * sizeof *planes);
    for (size_t r = 0; r < rows; r++, value += channels, planes += bits * words)
        for (size_t c = 0; c < channels; c++) {
            uint64_t code = code_of(value[c], bits, encoding);
            for (unsigned i = 0; i < bits; i++)
                planes[i * words + c / 64] |= (code >> i & 1) << c % 64;
        }
}

void et_bnn_unpack(const uint64_t *planes, size_t rows, size_t channels, unsigned bits,
                   enum et_bnn_encoding encoding, int16_t *value)
{
    size_t words = et_bnn_words(channels);
    for (size_t r = 0; r < rows; r++, value += channels, planes += bits * words)
        for (size_t c = 0; c < channels; c++) {
            unsigned code = 0;
            for (unsigned i = 0; i < bits; i++)
                code |= (unsigned)(planes[i * words + c / 64] >> c % 64 & 1) << i;
            value[c] = (int16_t)value_of(code, bits, encoding);
        }
}

void et_bnn_pack_signs(const float *x, size_t rows, size_t channels, uint64_t *planes)
{
    for (size_t r = 0; r < rows; r++, x += channels)
        for (size_t first = 0; first < channels; first += 64) {
            size_t n = channels - first < 64 ? channels - first : 64;
            uint64_t word = 0;
            for (size_t c = 0; c < n; c++)
                word |= (uint64_t)(x[first + c] >= 0) << c;
            *planes++ = word;
        }
}
