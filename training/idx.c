/* SPDX-License-Identifier: Apache-2.0
 *
 * The IDX format of the MNIST files. */
#include "idx.h"

#include <stdint.h>

enum { UNSIGNED_BYTE = 0x08, MAGIC_SIZE = 4, DIM_SIZE = 4 };

static size_t big_endian(const unsigned char *bytes)
{
    return (size_t)bytes[0] << 24 | (size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 | bytes[3];
}

enum et_status et__idx_parse(const char *name, const unsigned char *bytes, size_t size,
                             struct et__idx *idx)
{
    *idx = (struct et__idx){0};
    if (size < MAGIC_SIZE)
        return et_error_set(ET_FORMAT, "'%s' is cut: %zu bytes, an IDX file has at least 8", name,
                            size);
    if (bytes[0] != 0 || bytes[1] != 0)
        return et_error_set(ET_FORMAT, "'%s' is not IDX: it starts with %02x %02x, not 00 00", name,
                            bytes[0], bytes[1]);
    if (bytes[2] != UNSIGNED_BYTE)
        return et_error_set(ET_FORMAT,
                            "'%s' has IDX element type 0x%02x; only 0x08 (unsigned "
                            "bytes) is read",
                            name, bytes[2]);
    size_t rank = bytes[3];
    if (rank < 1 || rank > ET__IDX_RANK_MAX)
        return et_error_set(ET_FORMAT, "'%s' has rank %zu, not 1 to %d", name, rank,
                            ET__IDX_RANK_MAX);
    size_t header = MAGIC_SIZE + rank * DIM_SIZE;
    if (size < header)
        return et_error_set(ET_FORMAT, "'%s' is cut: %zu bytes, its header alone has %zu", name,
                            size, header);
    size_t width = 1, elements = 0;
    for (size_t i = 0; i < rank; i++) {
        idx->dims[i] = big_endian(bytes + MAGIC_SIZE + i * DIM_SIZE);
        if (idx->dims[i] == 0)
            return et_error_set(ET_FORMAT, "'%s' is empty: its size %zu is 0", name, i + 1);
        /* No array of more elements than the file has bytes: this also rules overflow out. */
        if (i > 0 && width > size / idx->dims[i])
            return et_error_set(ET_FORMAT, "'%s' is cut: its sizes need more than its %zu bytes",
                                name, size);
        if (i > 0) width *= idx->dims[i];
    }
    if (idx->dims[0] > size / width)
        return et_error_set(ET_FORMAT,
                            "'%s' is cut: %zu elements of %zu bytes announced, %zu "
                            "bytes present",
                            name, idx->dims[0], width, size - header);
    elements = idx->dims[0] * width;
    if (size - header < elements)
        return et_error_set(ET_FORMAT, "'%s' is cut: %zu bytes announced, %zu present", name,
                            elements, size - header);
    if (size - header > elements)
        return et_error_set(ET_FORMAT, "'%s' has %zu bytes after its data", name,
                            size - header - elements);
    idx->rank = rank;
    idx->width = width;
    idx->data = bytes + header;
    return ET_OK;
}
