/* SPDX-License-Identifier: Apache-2.0
 *
 * Sequences of variable length: references, and the heaps in which a file keeps what they name.
 *
 * HDF5 1.10 copies a heap object into a buffer of the length that the reference claims, without
 * comparing the two.  So HDF5 is asked for the references alone, by a conversion of ours that
 * hands over their 16 bytes as they are (after chunks and filters were undone), and the heap is
 * read here, with checks. */
#include "store_internal.h"

#include <string.h>
#include <unistd.h>

enum { OBJECTS_MAX = 1 << 16, COLLECTION_HEADER = 16, OBJECT_HEADER = 16 };

static const char tag[] = "etalon reference";

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

/* ---- references ---- */

static herr_t keep_bytes(hid_t from, hid_t to, H5T_cdata_t *data, size_t n, size_t stride,
                         size_t background_stride, void *buffer, void *background, hid_t plist)
{
    (void)n, (void)stride, (void)background_stride, (void)buffer, (void)background, (void)plist;
    if (data->command == H5T_CONV_FREE) return 0;
    if (data->command == H5T_CONV_CONV) return H5Tget_size(from) == ET__STORE_REFERENCE ? 0 : -1;
    bool variable = H5Tget_class(from) == H5T_VLEN || H5Tis_variable_str(from) > 0;
    bool ours = false;
    if (variable && H5Tget_class(to) == H5T_OPAQUE) {
        char *found = H5Tget_tag(to);
        ours = found != NULL && strcmp(found, tag) == 0;
        H5free_memory(found);
    }
    data->need_bkg = H5T_BKG_NO;
    return ours ? 0 : -1;
}

/* Registered for one read only, so that nothing of it stays in the application's HDF5. */
static hid_t register_references(void)
{
    hid_t opaque = H5Tcreate(H5T_OPAQUE, ET__STORE_REFERENCE);
    hid_t rows = H5Tvlen_create(H5T_NATIVE_INT);
    if (H5Tset_tag(opaque, tag) < 0 ||
        H5Tregister(H5T_PERS_SOFT, tag, H5T_C_S1, opaque, keep_bytes) < 0 ||
        H5Tregister(H5T_PERS_SOFT, tag, rows, opaque, keep_bytes) < 0) {
        et__store_release(opaque);
        opaque = H5I_INVALID_HID;
    }
    et__store_release(rows);
    return opaque;
}

enum et_status et__store_read_references(const struct et_store *store, const char *path,
                                         hid_t object, bool is_attribute, size_t n,
                                         unsigned char **references)
{
    size_t address_size = 0, length_size = 0;
    hid_t plist = H5Fget_create_plist(store->file);
    bool ok = H5Pget_sizes(plist, &address_size, &length_size) >= 0 && address_size == 8 &&
              length_size == 8 && store->temp == NULL;
    et__store_release(plist);
    if (!ok)
        return et_error_set(ET_FORMAT, "%s: %s: its variable lengths are not readable", store->path,
                            path);
    *references = et_alloc(n, ET__STORE_REFERENCE);
    if (*references == NULL) return ET_NOMEM;
    if (n == 0) return ET_OK;
    hid_t type = register_references();
    enum et_status status = ET_OK;
    if (type < 0 ||
        (is_attribute ? H5Aread(object, type, *references)
                      : H5Dread(object, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, *references)) < 0)
        status = et__store_failed(ET_FORMAT, store, path, "cannot read");
    H5Tunregister(H5T_PERS_SOFT, tag, -1, -1, keep_bytes);
    et__store_release(type);
    if (status != ET_OK) {
        et_free(*references);
        *references = NULL;
    }
    return status;
}

uint64_t et__store_reference_length(const unsigned char *reference)
{
    return little_endian(reference, 4);
}

/* ---- heaps ---- */

enum et_status et__store_heap_begin(const struct et_store *store, const char *path,
                                    const char *what, size_t n, struct et__store_heap *heap)
{
    *heap = (struct et__store_heap){.store = store, .path = path, .what = what};
    hsize_t user_block = 0;
    int *fd = NULL;
    hid_t plist = H5Fget_create_plist(store->file);
    bool ok = H5Pget_userblock(plist, &user_block) >= 0 &&
              H5Fget_vfd_handle(store->file, H5P_DEFAULT, (void **)&fd) >= 0;
    et__store_release(plist);
    if (!ok) return et__store_failed(ET_FORMAT, store, path, "has no readable heap");
    heap->fd = *fd;
    heap->user_block = user_block;
    /* Looking through a collection of many objects for each of many references would not end. */
    heap->budget = 4 * OBJECTS_MAX + 256 * n + (size_t)(store->bytes / OBJECT_HEADER);
    return ET_OK;
}

void et__store_heap_end(struct et__store_heap *heap)
{
    et_free(heap->object);
}

static enum et_status make_room(struct et__store_heap *heap, uint64_t bytes)
{
    uint64_t most = bytes / OBJECT_HEADER;
    if (most > OBJECTS_MAX) most = OBJECTS_MAX;
    if (most <= heap->room) return ET_OK;
    et_free(heap->object);
    heap->room = 0;
    heap->object = et_alloc((size_t)most, sizeof *heap->object);
    if (heap->object == NULL) return ET_NOMEM;
    heap->room = (size_t)most;
    return ET_OK;
}

static enum et_status not_there(const struct et__store_heap *heap)
{
    return et_error_set(ET_FORMAT, "%s: %s: its %s is not where the file says", heap->store->path,
                        heap->path, heap->what);
}

/* Notes the objects of the collection at `address`.
 * Source: HDF5 File Format Specification 3.0, III.E, with 8-byte lengths. */
static enum et_status visit_collection(struct et__store_heap *heap, uint64_t address)
{
    unsigned char header[OBJECT_HEADER];
    heap->address = 0;
    heap->n = 0;
    if (!read_at(heap->fd, address, header, sizeof header) || memcmp(header, "GCOL\1", 5) != 0)
        return not_there(heap);
    const uint64_t end = little_endian(header + 8, 8);
    ET_TRY(make_room(heap, end));
    for (uint64_t at = COLLECTION_HEADER; at < end && end - at > OBJECT_HEADER;) {
        if (heap->budget == 0 || heap->n == heap->room ||
            !read_at(heap->fd, address + at, header, sizeof header))
            return not_there(heap);
        heap->budget--;
        const uint64_t index = little_endian(header, 2), size = little_endian(header + 8, 8);
        if (index == 0) break; /* free space, always the last */
        if (size > end - at - OBJECT_HEADER) return not_there(heap);
        heap->object[heap->n++] =
            (struct et__store_heap_object){address + at + OBJECT_HEADER, size, index};
        at += OBJECT_HEADER + (size + 7) / 8 * 8;
    }
    heap->address = address;
    return ET_OK;
}

/* Objects are mostly numbered in their order, from 1. */
static const struct et__store_heap_object *find_object(struct et__store_heap *heap, uint64_t index)
{
    const size_t price = 1 + heap->n / 16;
    if (index >= 1 && index <= heap->n && heap->object[index - 1].index == index)
        return &heap->object[index - 1];
    if (heap->budget < price) return NULL;
    heap->budget -= price;
    for (size_t i = 0; i < heap->n; i++)
        if (heap->object[i].index == index) return &heap->object[i];
    return NULL;
}

enum et_status et__store_heap_read(struct et__store_heap *heap, const unsigned char *reference,
                                   uint64_t size, void *data)
{
    if (size == 0) return ET_OK;
    const uint64_t address = heap->user_block + little_endian(reference + 4, 8);
    if (heap->address != address) ET_TRY(visit_collection(heap, address));
    const struct et__store_heap_object *object =
        find_object(heap, little_endian(reference + 12, 4));
    if (object == NULL || size > object->size || size > heap->store->bytes) return not_there(heap);
    if (!read_at(heap->fd, object->offset, data, (size_t)size))
        return et_error_set(ET_FORMAT, "%s: %s: its %s lies beyond the end of the file",
                            heap->store->path, heap->path, heap->what);
    return ET_OK;
}
