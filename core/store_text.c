/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading text of fixed and of variable length. */
#include "store_internal.h"

#include <string.h>
#include <unistd.h>

static uint64_t little_endian(const unsigned char *bytes, size_t n)
{
    uint64_t value = 0;
    while (n-- > 0)
        value = value << 8 | bytes[n];
    return value;
}

static bool read_at(int fd, uint64_t offset, void *bytes, size_t size)
{
    return offset <= INT64_MAX && pread(fd, bytes, size, (off_t)offset) == (ssize_t)size;
}

/* Where the object `index` of the global heap collection at `address` starts, and its size.
 * Source: HDF5 File Format Specification 3.0, III.E, with 8-byte lengths. */
static bool find_in_heap(int fd, uint64_t address, uint64_t index, uint64_t *offset, uint64_t *size)
{
    enum { HEADER = 16, OBJECTS_MAX = 1 << 16 };
    unsigned char header[HEADER];
    if (!read_at(fd, address, header, HEADER) || memcmp(header, "GCOL\1", 5) != 0) return false;
    uint64_t end = little_endian(header + 8, 8);
    uint64_t at = HEADER;
    for (size_t i = 0; i < OBJECTS_MAX && at < end && end - at > HEADER; i++) {
        if (!read_at(fd, address + at, header, HEADER)) return false;
        uint64_t found = little_endian(header, 2);
        *size = little_endian(header + 8, 8);
        if (found == 0 || *size > end - at - HEADER) return false;
        *offset = address + at + HEADER;
        if (found == index) return true;
        at += HEADER + (*size + 7) / 8 * 8;
    }
    return false;
}

/* HDF5 1.10 copies a heap object into a buffer of the length that the dataset claims, without
 * comparing the two; so variable-length text is taken from the file here, with checks. */
static enum et_status read_variable_text(const struct et_store *store, const char *path,
                                         const struct et__store_dataset *dataset, char **text)
{
    enum { REFERENCE = 16 }; /* length 4, heap address 8, object 4 */
    unsigned char reference[REFERENCE];
    size_t address_size = 0, length_size = 0;
    hsize_t user_block = 0;
    int *fd = NULL;
    hid_t plist = H5Fget_create_plist(store->file);
    bool ok = H5Pget_sizes(plist, &address_size, &length_size) >= 0 && address_size == 8 &&
              length_size == 8 && H5Pget_userblock(plist, &user_block) >= 0;
    et__store_release(plist);
    haddr_t at = H5Dget_offset(dataset->id);
    if (!ok || at == HADDR_UNDEF || store->temp != NULL ||
        H5Fget_vfd_handle(store->file, H5P_DEFAULT, (void **)&fd) < 0 ||
        !read_at(*fd, at, reference, REFERENCE))
        return et_error_set(ET_FORMAT, "%s: %s: its variable-length text is not readable",
                            store->path, path);
    uint64_t length = little_endian(reference, 4), offset = 0, size = 0;
    if (length > 0 && (!find_in_heap(*fd, user_block + little_endian(reference + 4, 8),
                                     little_endian(reference + 12, 4), &offset, &size) ||
                       length > size || size > store->bytes))
        return et_error_set(ET_FORMAT, "%s: %s: its text is not where the file says", store->path,
                            path);
    char *buffer = et_alloc((size_t)length + 1, 1);
    if (buffer == NULL) return ET_NOMEM;
    if (!read_at(*fd, offset, buffer, (size_t)length)) {
        et_free(buffer);
        return et_error_set(ET_FORMAT, "%s: %s: its text lies beyond the end of the file",
                            store->path, path);
    }
    *text = buffer;
    return ET_OK;
}

/* All elements, each of the type's size; padding by blanks (Fortran) is cut from the last one. */
static enum et_status read_fixed_text(const struct et_store *store, const char *path,
                                      const struct et__store_dataset *dataset, char **text)
{
    char *buffer = et_alloc(dataset->bytes + 1, 1);
    if (buffer == NULL) return ET_NOMEM;
    enum et_status status = et__store_read_numbers(store, path, dataset, dataset->type, buffer);
    if (status != ET_OK) {
        et_free(buffer);
        return status;
    }
    if (H5Tget_strpad(dataset->type) == H5T_STR_SPACEPAD)
        for (size_t i = dataset->bytes; i > 0 && buffer[i - 1] == ' '; i--)
            buffer[i - 1] = '\0';
    *text = buffer;
    return ET_OK;
}

enum et_status et__store_read_text(const struct et_store *store, const char *path,
                                   const struct et__store_dataset *dataset, char **text)
{
    if (!dataset->is_text)
        return et_error_set(ET_FORMAT, "%s: %s: holds numbers where text is expected", store->path,
                            path);
    if (dataset->count != 1)
        return et_error_set(ET_SHAPE, "%s: %s: has %zu texts, expected one", store->path, path,
                            dataset->count);
    return H5Tis_variable_str(dataset->type) > 0 ? read_variable_text(store, path, dataset, text)
                                                 : read_fixed_text(store, path, dataset, text);
}

enum et_status et_store_read_text(struct et_store *store, const char *path, char **text)
{
    ET__STORE_SECTION;
    struct et__store_dataset dataset;
    *text = NULL;
    ET_TRY(et__store_open_dataset(store, path, &dataset));
    enum et_status status = et__store_read_text(store, path, &dataset, text);
    et__store_close_dataset(&dataset);
    return status;
}
