/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole files in memory, unpacked when they are gzip: the one user of zlib. */
#ifndef ETALON_TRAINING_FILE_BYTES_H
#define ETALON_TRAINING_FILE_BYTES_H

#include <etalon/error.h>

#include <stddef.h>
#include <stdint.h>

/* size bytes, followed by one zero byte that is not counted. */
struct et__bytes {
    unsigned char *data; /* owned (et_alloc) */
    size_t size;
};

/* Most bytes that a file may hold, packed or unpacked: stops gzip bombs. */
#define ET__FILE_MAX ((size_t)2 << 30)

/* Reads a file, and unpacks it when it starts like gzip.  *bytes must be empty; the caller destroys
 * it.  Errors: ET_MISSING (no such file), ET_IO, ET_FORMAT (see et__bytes_unpack), ET_NOMEM. */
enum et_status et__bytes_read(const char *path, struct et__bytes *bytes) ET_CHECKED;

/* Does the data start like gzip? */
int et__bytes_packed(const unsigned char *data, size_t size);

/* Unpacks all members of gzip data.
 *
 * name        of the file, for messages
 * packed      [size]
 * max         most bytes that may come out
 *
 * Errors: ET_FORMAT (cut, damaged, followed by something else, larger than max), ET_NOMEM. */
enum et_status et__bytes_unpack(const char *name, const unsigned char *packed, size_t size,
                                size_t max, struct et__bytes *bytes) ET_CHECKED;

/* Frees and empties. */
void et__bytes_destroy(struct et__bytes *bytes);

#endif
