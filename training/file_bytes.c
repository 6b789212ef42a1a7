/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole files in memory, unpacked when they are gzip (RFC 1952).
 *
 * Everything goes through memory, not through zlib's file layer: that one takes a file cut inside
 * its header for plain data and ignores what follows the last member. */
#include "file_bytes.h"

#include <etalon/array.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#define ZLIB_CONST
#include <zlib.h>

enum { GZIP_WINDOW_BITS = 15 + 16, FIRST_CAPACITY = 1 << 16 };

void et__bytes_destroy(struct et__bytes *bytes)
{
    et_free(bytes->data);
    *bytes = (struct et__bytes){0};
}

static enum et_status read_open_file(const char *path, FILE *file, struct et__bytes *bytes)
{
    struct stat info;
    if (fstat(fileno(file), &info) != 0)
        return et_error_set(ET_IO, "cannot examine '%s': %s", path, strerror(errno));
    if (!S_ISREG(info.st_mode)) return et_error_set(ET_IO, "'%s' is not a regular file", path);
    if (info.st_size < 0 || (uintmax_t)info.st_size > ET__FILE_MAX)
        return et_error_set(ET_FORMAT, "'%s' is too large: %jd bytes, at most %zu", path,
                            (intmax_t)info.st_size, ET__FILE_MAX);
    size_t size = (size_t)info.st_size;
    bytes->data = et_alloc(size + 1, 1);
    if (bytes->data == NULL) return ET_NOMEM;
    bytes->size = fread(bytes->data, 1, size, file);
    if (bytes->size != size)
        return et_error_set(ET_IO, "cannot read '%s': got %zu of %zu bytes%s%s", path, bytes->size,
                            size, ferror(file) ? ": " : "", ferror(file) ? strerror(errno) : "");
    return ET_OK;
}

enum et_status et__bytes_read(const char *path, struct et__bytes *bytes)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        enum et_status status = errno == ENOENT ? ET_MISSING : ET_IO;
        return et_error_set(status, "cannot open '%s': %s", path, strerror(errno));
    }
    struct et__bytes raw = {0};
    enum et_status status = read_open_file(path, file, &raw);
    fclose(file);
    if (status == ET_OK && et__bytes_packed(raw.data, raw.size)) {
        status = et__bytes_unpack(path, raw.data, raw.size, ET__FILE_MAX, bytes);
    } else if (status == ET_OK) {
        *bytes = raw;
        return ET_OK;
    }
    et__bytes_destroy(&raw);
    return status;
}

int et__bytes_packed(const unsigned char *data, size_t size)
{
    return size >= 2 && data[0] == 0x1f && data[1] == 0x8b;
}

static void *zlib_alloc(void *opaque, uInt count, uInt size)
{
    (void)opaque;
    return et_alloc(count, size);
}

static void zlib_free(void *opaque, void *memory)
{
    (void)opaque;
    et_free(memory);
}

/* The size that the last member announces (modulo 2^32), as a first capacity.  Beyond a usual ratio
 * it is not taken on trust: room then grows with what really comes out. */
static size_t announced_size(const unsigned char *packed, size_t size, size_t max)
{
    const size_t usual_ratio = 16;
    if (size < 18) return FIRST_CAPACITY;
    const unsigned char *end = packed + size - 4;
    size_t announced = end[0] | (size_t)end[1] << 8 | (size_t)end[2] << 16 | (size_t)end[3] << 24;
    if (announced == 0 || announced > max || announced / usual_ratio > size) return FIRST_CAPACITY;
    return announced;
}

/* Doubles the room, up to max + 1: the byte too many shows that there is more. */
static enum et_status grow(const char *name, size_t max, struct et__bytes *bytes, size_t *capacity)
{
    if (*capacity > max)
        return et_error_set(ET_FORMAT, "'%s' unpacks to more than %zu bytes", name, max);
    size_t wanted = *capacity > max / 2 ? max + 1 : *capacity * 2;
    unsigned char *larger = et_alloc(wanted + 1, 1);
    if (larger == NULL) return ET_NOMEM;
    memcpy(larger, bytes->data, bytes->size);
    et_free(bytes->data);
    bytes->data = larger;
    *capacity = wanted;
    return ET_OK;
}

static enum et_status inflate_failure(const char *name, int code, const z_stream *stream)
{
    if (code == Z_MEM_ERROR) return et_error_set(ET_NOMEM, "no room to unpack '%s'", name);
    return et_error_set(ET_FORMAT, "'%s' is damaged gzip: %s", name,
                        stream->msg ? stream->msg : "no valid deflate data");
}

/* Runs one open stream over all members; *bytes holds what came out so far. */
static enum et_status inflate_members(const char *name, const unsigned char *packed, size_t size,
                                      size_t max, z_stream *stream, struct et__bytes *bytes,
                                      size_t capacity)
{
    const size_t chunk = (size_t)1 << 30; /* avail_in and avail_out are 32 bits wide */
    size_t used = 0;
    for (;;) {
        if (bytes->size == capacity) ET_TRY(grow(name, max, bytes, &capacity));
        size_t in = size - used < chunk ? size - used : chunk;
        size_t out = capacity - bytes->size < chunk ? capacity - bytes->size : chunk;
        stream->next_in = packed + used;
        stream->avail_in = (uInt)in;
        stream->next_out = bytes->data + bytes->size;
        stream->avail_out = (uInt)out;
        int code = inflate(stream, Z_NO_FLUSH);
        used += in - stream->avail_in;
        bytes->size += out - stream->avail_out;
        if (code == Z_STREAM_END) {
            if (used == size) return ET_OK;
            if (!et__bytes_packed(packed + used, size - used))
                return et_error_set(ET_FORMAT, "'%s' has %zu bytes after its gzip data", name,
                                    size - used);
            inflateReset(stream);
        } else if (code != Z_OK && code != Z_BUF_ERROR) {
            return inflate_failure(name, code, stream);
        } else if (used == size && stream->avail_out > 0) {
            return et_error_set(ET_FORMAT, "'%s' is cut: its gzip data end after %zu bytes", name,
                                size);
        }
    }
}

enum et_status et__bytes_unpack(const char *name, const unsigned char *packed, size_t size,
                                size_t max, struct et__bytes *bytes)
{
    /* One byte of slack lets the end of the stream show without growing. */
    size_t capacity = announced_size(packed, size, max) + 1;
    bytes->data = et_alloc(capacity + 1, 1);
    if (bytes->data == NULL) return ET_NOMEM;
    bytes->size = 0;
    z_stream stream = {.zalloc = zlib_alloc, .zfree = zlib_free};
    enum et_status status = ET_OK;
    int code = inflateInit2(&stream, GZIP_WINDOW_BITS);
    if (code == Z_OK)
        status = inflate_members(name, packed, size, max, &stream, bytes, capacity);
    else
        status = inflate_failure(name, code, &stream);
    inflateEnd(&stream);
    if (status == ET_OK && bytes->size > max)
        status = et_error_set(ET_FORMAT, "'%s' unpacks to more than %zu bytes", name, max);
    if (status != ET_OK) {
        et__bytes_destroy(bytes);
        return status;
    }
    bytes->data[bytes->size] = 0;
    return ET_OK;
}
