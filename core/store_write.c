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

static enum et_status create_groups(struct et_store *store, const char *path)
{
    char prefix[ET__STORE_PATH_MAX + 1];
    for (size_t end = 1 + strcspn(path + 1, "/"); path[end] != '\0';
         end += 1 + strcspn(path + end + 1, "/")) {
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

/* Zero-terminated; also an empty text has a size. */
static hid_t text_type(size_t length)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    if (H5Tset_size(type, length + 1) < 0 || H5Tset_cset(type, H5T_CSET_UTF8) < 0) {
        et__store_release(type);
        return H5I_INVALID_HID;
    }
    return type;
}

static enum et_status write_text_attribute(const struct et_store *store, hid_t object,
                                           const char *path, const char *name, const char *text)
{
    hid_t type = text_type(strlen(text));
    enum et_status status = et__store_write_attribute(store, object, path, name, type, type, text);
    et__store_release(type);
    return status;
}

static enum et_status write_attributes(const struct et_store *store, hid_t object, const char *path,
                                       const char *units, const char *description,
                                       enum et_store_flag flag)
{
    static const int8_t yes = 1;
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
    ET_TRY(create_groups(store, path));
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
    return write_dataset(store, path, &content, units, description, flag);
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
    hid_t type = text_type(strlen(text));
    const struct content content = {.disk = type, .memory = type, .data = text};
    enum et_status status = write_dataset(store, path, &content, "text", description, flag);
    et__store_release(type);
    return status;
}
