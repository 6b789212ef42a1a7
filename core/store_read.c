/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading datasets of any origin: everything that a file claims is checked before HDF5 or we act
 * on it. */
#include "store_internal.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    CHUNKS_MAX = 1 << 18,  /* HDF5 keeps a record of a kilobyte for each in memory */
    CHUNKS_FREE = 1 << 12, /* plus one for so many bytes of the file: */
    CHUNK_BYTES_MIN = 16,
    DEFLATE_RATIO_MAX = 1032 /* the most that zlib can shrink anything */
};
/* So much is granted without asking how large the file is: never-written elements take no room. */
#define BYTES_FREE ((uint64_t)1 << 20)

void et__store_close_dataset(struct et__store_dataset *dataset)
{
    et__store_release(dataset->type);
    et__store_release(dataset->id);
}

/* May a file of this size hold so many bytes?  Compression and elements never written allow more
 * than the file has, within reason. */
static bool bytes_are_plausible(const struct et_store *store, uint64_t bytes)
{
    if (bytes > ET__STORE_BYTES_MAX) return false;
    return bytes <= BYTES_FREE || bytes / DEFLATE_RATIO_MAX <= store->bytes;
}

static enum et_status check_chunks(const struct et_store *store, const char *path, hid_t plist,
                                   const struct et__store_dataset *dataset, size_t size)
{
    hsize_t chunk[H5S_MAX_RANK];
    uint64_t chunks = 1, limit = CHUNKS_FREE + store->bytes / CHUNK_BYTES_MIN;
    if (limit > CHUNKS_MAX) limit = CHUNKS_MAX;
    if (H5Pget_chunk(plist, H5S_MAX_RANK, chunk) != (int)dataset->shape.rank)
        return et__store_failed(ET_FORMAT, store, path, "has inconsistent chunks");
    for (size_t i = 0; i < dataset->shape.rank; i++) {
        if (chunk[i] == 0)
            return et_error_set(ET_FORMAT, "%s: %s: empty chunks", store->path, path);
        uint64_t along = (dataset->shape.dims[i] + chunk[i] - 1) / chunk[i];
        chunks *= along <= limit ? along : limit + 1;
        if (chunks > limit) break;
    }
    if (chunks > limit ||
        !bytes_are_plausible(store, et__store_total_bytes(dataset->shape.rank, chunk, size)))
        return et_error_set(ET_FORMAT, "%s: %s: chunk size or number is implausible", store->path,
                            path);
    return ET_OK;
}

/* Virtual and external storage name other files; filters beyond zlib's run code that HDF5 1.10
 * does not guard against hostile parameters. */
static enum et_status check_storage(const struct et_store *store, const char *path, hid_t plist)
{
    H5D_layout_t layout = H5Pget_layout(plist);
    if ((layout != H5D_COMPACT && layout != H5D_CONTIGUOUS && layout != H5D_CHUNKED) ||
        H5Pget_external_count(plist) != 0)
        return et_error_set(ET_FORMAT, "%s: %s: its data lies outside the file", store->path, path);
    int filters = layout == H5D_CHUNKED ? H5Pget_nfilters(plist) : 0;
    for (int i = 0; i < filters; i++) {
        unsigned flags = 0;
        size_t n = 0;
        int filter = H5Pget_filter2(plist, (unsigned)i, &flags, &n, NULL, 0, NULL, NULL);
        if (filter != H5Z_FILTER_DEFLATE && filter != H5Z_FILTER_SHUFFLE &&
            filter != H5Z_FILTER_FLETCHER32)
            return et_error_set(ET_FORMAT,
                                "%s: %s: filter %d is not deflate, shuffle or fletcher32",
                                store->path, path, filter);
    }
    return ET_OK;
}

static enum et_status read_extent(const struct et_store *store, const char *path,
                                  struct et__store_dataset *dataset, hsize_t *dims)
{
    enum et_status status = ET_OK;
    hid_t space = H5Dget_space(dataset->id);
    int rank = H5Sget_simple_extent_ndims(space);
    H5S_class_t extent = H5Sget_simple_extent_type(space);
    if (rank < 0 || (extent != H5S_SCALAR && extent != H5S_SIMPLE))
        status = et__store_failed(ET_FORMAT, store, path, "has no elements");
    else if (rank > ET_STORE_RANK_MAX)
        status = et_error_set(ET_FORMAT, "%s: %s: rank %d is above %d", store->path, path, rank,
                              (int)ET_STORE_RANK_MAX);
    else if (H5Sget_simple_extent_dims(space, dims, NULL) < 0)
        status = et__store_failed(ET_FORMAT, store, path, "has no dimensions");
    dataset->shape.rank = rank > 0 ? (size_t)rank : 0;
    et__store_release(space);
    return status;
}

/* Sequences of standard numbers. */
static bool is_rows(hid_t type, enum et_store_kind *kind)
{
    if (H5Tget_class(type) != H5T_VLEN) return false;
    hid_t base = H5Tget_super(type);
    bool ok = et__store_kind_of(base, kind) && *kind != ET_STORE_BOOL;
    et__store_release(base);
    return ok;
}

static enum et_status check_dataset(const struct et_store *store, const char *path, hid_t plist,
                                    struct et__store_dataset *dataset)
{
    hsize_t dims[ET_STORE_RANK_MAX] = {0};
    ET_TRY(check_storage(store, path, plist));
    ET_TRY(read_extent(store, path, dataset, dims));
    dataset->type = H5Dget_type(dataset->id);
    dataset->is_text = H5Tget_class(dataset->type) == H5T_STRING;
    dataset->is_complex = et__store_complex_kind_of(dataset->type, &dataset->shape.kind);
    dataset->is_rows = is_rows(dataset->type, &dataset->shape.kind);
    if (!dataset->is_text && !dataset->is_complex && !dataset->is_rows &&
        !et__store_kind_of(dataset->type, &dataset->shape.kind))
        return et_error_set(ET_FORMAT, "%s: %s: is neither text nor a standard number format",
                            store->path, path);
    if (dataset->is_complex && dataset->shape.rank == ET_STORE_RANK_MAX)
        return et_error_set(ET_FORMAT, "%s: %s: rank %d of complex numbers is above %d",
                            store->path, path, (int)ET_STORE_RANK_MAX, ET_STORE_RANK_MAX - 1);
    size_t size = H5Tget_size(dataset->type);
    uint64_t bytes = et__store_total_bytes(dataset->shape.rank, dims, size);
    if (size == 0 || !bytes_are_plausible(store, bytes))
        return et_error_set(ET_FORMAT, "%s: %s: claims more elements than the file can hold",
                            store->path, path);
    dataset->bytes = (size_t)bytes;
    dataset->count = (size_t)bytes / size;
    for (size_t i = 0; i < dataset->shape.rank; i++)
        dataset->shape.dims[i] = (size_t)dims[i];
    if (H5Pget_layout(plist) == H5D_CHUNKED)
        ET_TRY(check_chunks(store, path, plist, dataset, size));
    if (dataset->is_complex) {
        dataset->shape.dims[dataset->shape.rank++] = 2;
        dataset->count *= 2;
    }
    return ET_OK;
}

enum et_status et__store_open_dataset(const struct et_store *store, const char *path,
                                      struct et__store_dataset *dataset)
{
    *dataset = (struct et__store_dataset){.id = H5I_INVALID_HID, .type = H5I_INVALID_HID};
    ET_TRY(et__store_locate(store, path));
    dataset->id = H5Dopen2(store->file, path, H5P_DEFAULT);
    if (dataset->id < 0)
        return et__store_failed(ET_FORMAT, store, path, "is not a readable dataset");
    hid_t plist = H5Dget_create_plist(dataset->id);
    enum et_status status = plist < 0
                                ? et__store_failed(ET_FORMAT, store, path, "has no readable layout")
                                : check_dataset(store, path, plist, dataset);
    et__store_release(plist);
    if (status != ET_OK) et__store_close_dataset(dataset);
    return status;
}

static enum et_status open_numbers(const struct et_store *store, const char *path,
                                   struct et__store_dataset *dataset)
{
    ET_TRY(et__store_open_dataset(store, path, dataset));
    if (!dataset->is_text && !dataset->is_rows) return ET_OK;
    et__store_close_dataset(dataset);
    return et_error_set(ET_FORMAT, "%s: %s: %s where numbers are expected", store->path, path,
                        dataset->is_text ? "is text" : "has rows of variable length");
}

enum et_status et__store_read_numbers(const struct et_store *store, const char *path,
                                      const struct et__store_dataset *dataset, hid_t memory,
                                      void *data)
{
    if (dataset->count == 0) return ET_OK;
    hid_t pair = dataset->is_complex ? et__store_complex_memory_type(dataset->type, memory)
                                     : H5I_INVALID_HID;
    enum et_status status = ET_OK;
    if (H5Dread(dataset->id, dataset->is_complex ? pair : memory, H5S_ALL, H5S_ALL, H5P_DEFAULT,
                data) < 0)
        status = et__store_failed(ET_FORMAT, store, path, "cannot read");
    et__store_release(pair);
    return status;
}

enum et_status et_store_shape(struct et_store *store, const char *path,
                              struct et_store_shape *shape)
{
    ET__STORE_SECTION;
    struct et__store_dataset dataset;
    ET_TRY(open_numbers(store, path, &dataset));
    *shape = dataset.shape;
    et__store_close_dataset(&dataset);
    return ET_OK;
}

/* "[3][4] float32"; "scalar" for rank 0. */
static const char *shape_text(const struct et_store_shape *shape, char text[128])
{
    size_t used = (size_t)snprintf(text, 128, "%s", shape->rank == 0 ? "scalar" : "");
    for (size_t i = 0; i < shape->rank && used < 128; i++)
        used += (size_t)snprintf(text + used, 128 - used, "[%zu]", shape->dims[i]);
    return text;
}

enum et_status et_store_read(struct et_store *store, const char *path, struct et_store_shape want,
                             void *data)
{
    ET__STORE_SECTION;
    struct et__store_dataset dataset;
    ET_TRY(open_numbers(store, path, &dataset));
    bool same = dataset.shape.rank == want.rank;
    for (size_t i = 0; same && i < want.rank; i++)
        same = dataset.shape.dims[i] == want.dims[i];
    char got_text[128], want_text[128];
    enum et_status status =
        same ? et__store_read_numbers(store, path, &dataset, et__store_memory_type(want.kind), data)
             : et_error_set(ET_SHAPE, "%s: %s: is %s, expected %s", store->path, path,
                            shape_text(&dataset.shape, got_text), shape_text(&want, want_text));
    et__store_close_dataset(&dataset);
    return status;
}

enum et_status et_store_read_array(struct et_store *store, const char *path, struct et_array *array)
{
    ET__STORE_SECTION;
    struct et__store_dataset dataset;
    ET_TRY(open_numbers(store, path, &dataset));
    size_t rows = dataset.shape.rank == 0 ? 1 : dataset.shape.dims[0], cols = 1;
    for (size_t i = 1; i < dataset.shape.rank; i++)
        cols =
            dataset.count == 0 && dataset.shape.dims[i] > 0 ? cols : cols * dataset.shape.dims[i];
    enum et_status status = et_array_create(array, rows, cols);
    if (status == ET_OK)
        status = et__store_read_numbers(store, path, &dataset, H5T_NATIVE_FLOAT, array->data);
    if (status != ET_OK) et_array_destroy(array);
    et__store_close_dataset(&dataset);
    return status;
}

static enum et_status read_one(const struct et_store *store, const char *path, hid_t memory,
                               void *value)
{
    struct et__store_dataset dataset;
    ET_TRY(open_numbers(store, path, &dataset));
    enum et_status status = dataset.count == 1
                                ? et__store_read_numbers(store, path, &dataset, memory, value)
                                : et_error_set(ET_SHAPE, "%s: %s: has %zu elements, expected one",
                                               store->path, path, dataset.count);
    et__store_close_dataset(&dataset);
    return status;
}

enum et_status et_store_read_f64(struct et_store *store, const char *path, double *value)
{
    ET__STORE_SECTION;
    return read_one(store, path, H5T_NATIVE_DOUBLE, value);
}

enum et_status et_store_read_i64(struct et_store *store, const char *path, int64_t *value)
{
    ET__STORE_SECTION;
    return read_one(store, path, H5T_NATIVE_INT64, value);
}
