/* SPDX-License-Identifier: Apache-2.0
 *
 * The IDX format of the MNIST files: big-endian
 *
 *     0x00 0x00 <element type> <rank>, rank sizes of 32 bits, then the elements. */
#ifndef ETALON_TRAINING_IDX_H
#define ETALON_TRAINING_IDX_H

#include <etalon/error.h>

#include <stddef.h>

enum { ET__IDX_RANK_MAX = 4 };

/* data [dims[0]][width] of unsigned bytes, inside the parsed memory. */
struct et__idx {
    size_t rank, dims[ET__IDX_RANK_MAX];
    size_t width; /* dims[1] * dims[2] * ..., 1 for a vector */
    const unsigned char *data;
};

/* Reads unsigned bytes of rank 1 .. 4.
 *
 * name   of the file, for messages
 * bytes  [size], borrowed: must outlive *idx
 *
 * Allocates nothing.  Errors: ET_FORMAT (wrong magic, other element type, cut, trailing bytes).
 * Source: the file format section of the MNIST database page. */
enum et_status et__idx_parse(const char *name, const unsigned char *bytes, size_t size,
                             struct et__idx *idx) ET_CHECKED;

#endif
