/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing datasets with their attributes. */
#include "store_internal.h"

#include <assert.h>
#include <string.h>

enum et_status et__store_write_attribute(const struct et_store *store, hid_t object,
                                         const char *path, const char *name, hid_t disk,
                                         hid_t memory, const void *value)
{
    enum et_status status = ET_OK;
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t id = H5Acreate2(object, name, disk, space, H5P_DEFAULT, H5P_DEFAULT);
    if (id < 0 || H5Awrite(id, memory, value) < 0)
        status = et__store_failed(ET_IO, store, path, "cannot write an attribute");
    et__store_release(id);
    et__store_release(space);
    return status;
}

enum et_status et__store_create_groups(struct et_store *store, const char *path, bool whole)
{
    char prefix[ET__STORE_PATH_MAX + 1];
    size_t length = strlen(path);
    for (size_t end = 0; end < length;) {
        end += 1 + strcspn(path + end + 1, "/");
        if (end == length && !whole) break;
        memcpy(prefix, path, end);
        prefix[end] = '\0';
        if (H5Lexists(store->file, prefix, H5P_DEFAULT) > 0) continue;
        hid_t group =
            H5Gcreate2(store->file, prefix, store->link_plist, store->group_plist, H5P_DEFAULT);
        if (group < 0) return et__store_failed(ET_INVALID, store, path, "cannot make its group");
        et__store_release(group);
    }
    return ET_OK;
}

/* Zero-terminated; also an empty text has a size.  H5T_VARIABLE for a pointer to the text. */
static hid_t text_type(size_t size)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    if (H5Tset_size(type, size) < 0 || H5Tset_cset(type, H5T_CSET_UTF8) < 0) {
        et__store_release(type);
        return H5I_INVALID_HID;
    }
    return type;
}

static enum et_status write_text_attribute(const struct et_store *store, hid_t object,
                                           const char *path, const char *name, const char *text)
{
    hid_t type = text_type(strlen(text) + 1);
    enum et_status status = et__store_write_attribute(store, object, path, name, type, type, text);
    et__store_release(type);
    return status;
}

static enum et_status write_attributes(const struct et_store *store, hid_t object, const char *path,
                                       const char *units, const char *description,
                                       enum et_store_flag flag)
{
    static const int8_t yes = 1;
    if (store->plain) return ET_OK;
    ET_TRY(write_text_attribute(store, object, path, "units", units));
    ET_TRY(write_text_attribute(store, object, path, "description", description));
    if (flag == ET_VOLATILE)
        ET_TRY(et__store_write_attribute(store, object, path, ET__STORE_VOLATILE, H5T_STD_I8LE,
                                         H5T_NATIVE_INT8, &yes));
    return ET_OK;
}

struct content {
    hid_t disk, memory;
    size_t rank;
    hsize_t dims[ET_STORE_RANK_MAX];
    const void *data;
};

static enum et_status write_dataset(struct et_store *store, const char *path,
                                    const struct content *content, const char *units,
                                    const char *description, enum et_store_flag flag)
{
    assert(store->temp != NULL);
    if (!et__store_path_is_valid(path))
        return et_error_set(ET_INVALID, "%s: '%s' cannot name a dataset", store->path, path);
    if (et__store_find(store, path) != ABSENT)
        return et_error_set(ET_INVALID, "%s: %s: exists already", store->path, path);
    if (et__store_total_bytes(content->rank, content->dims, H5Tget_size(content->disk)) >
        ET__STORE_BYTES_MAX)
        return et_error_set(ET_INVALID, "%s: %s: larger than %llu elements or %llu bytes",
                            store->path, path, (unsigned long long)ET__STORE_ELEMENTS_MAX,
                            (unsigned long long)ET__STORE_BYTES_MAX);
    ET_TRY(et__store_create_groups(store, path, false));
    enum et_status status = ET_OK;
    hid_t space = content->rank == 0 ? H5Screate(H5S_SCALAR)
                                     : H5Screate_simple((int)content->rank, content->dims, NULL);
    hid_t id = H5Dcreate2(store->file, path, content->disk, space, store->link_plist,
                          store->dataset_plist, H5P_DEFAULT);
    if (id < 0)
        status = et__store_failed(ET_INVALID, store, path, "cannot make the dataset");
    else if (H5Sget_simple_extent_npoints(space) > 0 &&
             H5Dwrite(id, content->memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, content->data) < 0)
        status = et__store_failed(ET_IO, store, path, "cannot write");
    if (status == ET_OK) status = write_attributes(store, id, path, units, description, flag);
    et__store_release(id);
    et__store_release(space);
    return status;
}

enum et_status et_store_write(struct et_store *store, const char *path, struct et_store_shape shape,
                              const void *data, const char *units, const char *description,
                              enum et_store_flag flag)
{
    ET__STORE_SECTION;
    if (shape.rank > ET_STORE_RANK_MAX)
        return et_error_set(ET_INVALID, "%s: %s: rank %zu is above %d", store->path, path,
                            shape.rank, (int)ET_STORE_RANK_MAX);
    struct content content = {
        .disk = et__store_disk_type(shape.kind),
        .memory = et__store_memory_type(shape.kind),
        .rank = shape.rank,
        .data = data,
    };
    for (size_t i = 0; i < shape.rank; i++)
        content.dims[i] = shape.dims[i];
    if (shape.kind != ET_STORE_BOOL)
        return write_dataset(store, path, &content, units, description, flag);
    content.disk = content.memory = et__store_bool_type();
    enum et_status status = write_dataset(store, path, &content, units, description, flag);
    et__store_release(content.disk);
    return status;
}

enum et_status et_store_write_view(struct et_store *store, const char *path, struct et_view view,
                                   const char *units, const char *description)
{
    const struct et_store_shape shape = {ET_STORE_F32, 2, {view.rows, view.cols}};
    if (view.stride == view.cols)
        return et_store_write(store, path, shape, view.data, units, description, ET_STABLE);
    struct et_array packed = {0};
    ET_TRY(et_array_create(&packed, view.rows, view.cols));
    et_view_copy(et_array_view(&packed), view);
    enum et_status status =
        et_store_write(store, path, shape, packed.data, units, description, ET_STABLE);
    et_array_destroy(&packed);
    return status;
}

enum et_status et_store_write_f64(struct et_store *store, const char *path, double value,
                                  const char *units, const char *description,
                                  enum et_store_flag flag)
{
    const struct et_store_shape scalar = {.kind = ET_STORE_F64};
    return et_store_write(store, path, scalar, &value, units, description, flag);
}

enum et_status et_store_write_i64(struct et_store *store, const char *path, int64_t value,
                                  const char *units, const char *description,
                                  enum et_store_flag flag)
{
    const struct et_store_shape scalar = {.kind = ET_STORE_I64};
    return et_store_write(store, path, scalar, &value, units, description, flag);
}

enum et_status et_store_write_text(struct et_store *store, const char *path, const char *text,
                                   const char *description, enum et_store_flag flag)
{
    ET__STORE_SECTION;
    hid_t type = text_type(store->plain ? H5T_VARIABLE : strlen(text) + 1);
    const void *data = store->plain ? (const void *)&text : text;
    const struct content content = {.disk = type, .memory = type, .data = data};
    enum et_status status = write_dataset(store, path, &content, "text", description, flag);
    et__store_release(type);
    return status;
}

/* ---- for foreign formats ---- */

/* HDF5 keeps variable lengths in heaps, whose order our digest and atomic write do not mind; our
 * own layout does without them all the same, for other readers' sake. */
static enum et_status check_plain(const struct et_store *store, const char *path)
{
    if (store->plain) return ET_OK;
    return et_error_set(ET_UNSUPPORTED, "%s: %s: only foreign formats have it", store->path, path);
}

enum et_status et_store_write_texts(struct et_store *store, const char *path,
                                    struct et_store_shape shape, const char *const *text)
{
    ET__STORE_SECTION;
    ET_TRY(check_plain(store, path));
    hid_t type = text_type(H5T_VARIABLE);
    struct content content = {.disk = type, .memory = type, .rank = shape.rank, .data = text};
    for (size_t i = 0; i < shape.rank; i++)
        content.dims[i] = shape.dims[i];
    enum et_status status = write_dataset(store, path, &content, NULL, NULL, ET_STABLE);
    et__store_release(type);
    return status;
}

enum et_status et_store_write_rows(struct et_store *store, const char *path,
                                   enum et_store_kind kind, const struct et_store_rows *rows)
{
    ET__STORE_SECTION;
    ET_TRY(check_plain(store, path));
    const size_t size = et__store_kind_size(kind);
    hvl_t *row = et_alloc(rows->n, sizeof *row);
    if (row == NULL) return ET_NOMEM;
    for (size_t i = 0; i < rows->n; i++) {
        row[i].len = rows->start[i + 1] - rows->start[i];
        row[i].p = (char *)rows->data + rows->start[i] * size;
    }
    hid_t disk = H5Tvlen_create(et__store_disk_type(kind));
    hid_t memory = H5Tvlen_create(et__store_memory_type(kind));
    const struct content content = {disk, memory, 1, {rows->n}, row};
    enum et_status status = write_dataset(store, path, &content, NULL, NULL, ET_STABLE);
    et__store_release(memory);
    et__store_release(disk);
    et_free(row);
    return status;
}

enum et_status et_store_write_group(struct et_store *store, const char *path)
{
    ET__STORE_SECTION;
    if (!et__store_path_is_valid(path))
        return et_error_set(ET_INVALID, "%s: '%s' cannot name a group", store->path, path);
    return et__store_create_groups(store, path, true);
}

static enum et_status write_attribute(struct et_store *store, const char *path, const char *name,
                                      hid_t disk, hid_t memory, const void *value)
{
    ET_TRY(check_plain(store, path));
    if (strcmp(path, "/") != 0) {
        if (!et__store_path_is_valid(path))
            return et_error_set(ET_INVALID, "%s: '%s' cannot name a group", store->path, path);
        ET_TRY(et__store_create_groups(store, path, true));
    }
    hid_t object = H5Oopen(store->file, path, H5P_DEFAULT);
    if (object < 0) return et__store_failed(ET_IO, store, path, "cannot open");
    enum et_status status =
        et__store_write_attribute(store, object, path, name, disk, memory, value);
    et__store_release(object);
    return status;
}

enum et_status et_store_write_attribute_text(struct et_store *store, const char *path,
                                             const char *name, const char *text)
{
    ET__STORE_SECTION;
    hid_t type = text_type(H5T_VARIABLE);
    enum et_status status = write_attribute(store, path, name, type, type, &text);
    et__store_release(type);
    return status;
}

enum et_status et_store_write_attribute_f64(struct et_store *store, const char *path,
                                            const char *name, double value)
{
    ET__STORE_SECTION;
    return write_attribute(store, path, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &value);
}

enum et_status et_store_write_attribute_i64(struct et_store *store, const char *path,
                                            const char *name, int64_t value)
{
    ET__STORE_SECTION;
    return write_attribute(store, path, name, H5T_STD_I64LE, H5T_NATIVE_INT64, &value);
}
