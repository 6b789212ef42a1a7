/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading rows of variable length, and attributes. */
#include "store_internal.h"

#include <string.h>

void et_store_rows_destroy(struct et_store_rows *rows)
{
    et_free(rows->start);
    et_free(rows->data);
    *rows = (struct et_store_rows){0};
}

bool et_store_has_rows(struct et_store *store, const char *path, size_t *n)
{
    ET__STORE_SECTION;
    struct et__store_dataset dataset;
    if (et__store_find(store, path) != PRESENT ||
        et__store_open_dataset(store, path, &dataset) != ET_OK)
        return false;
    bool rows = dataset.is_rows && dataset.shape.rank == 1;
    *n = dataset.count;
    et__store_close_dataset(&dataset);
    return rows;
}

/* No two rows share a place, so all of them together are not larger than the file. */
static enum et_status measure(const struct et_store *store, const char *path,
                              const unsigned char *references, size_t size,
                              struct et_store_rows *rows)
{
    size_t total = 0;
    for (size_t i = 0; i < rows->n; i++) {
        total += (size_t)et__store_reference_length(references + i * ET__STORE_REFERENCE);
        if (total > store->bytes / size)
            return et_error_set(ET_FORMAT,
                                "%s: %s: row %zu and those before it are larger than "
                                "the file",
                                store->path, path, i);
        rows->start[i + 1] = total;
    }
    return ET_OK;
}

static enum et_status copy_rows(const struct et_store *store, const char *path, hid_t base,
                                const unsigned char *references, struct et_store_rows *rows)
{
    const size_t size = H5Tget_size(base);
    struct et__store_heap heap;
    enum et_status status = et__store_heap_begin(store, path, "data", rows->n, &heap);
    for (size_t i = 0; i < rows->n && status == ET_OK; i++)
        status = et__store_heap_read(&heap, references + i * ET__STORE_REFERENCE,
                                     (rows->start[i + 1] - rows->start[i]) * size,
                                     (char *)rows->data + rows->start[i] * size);
    et__store_heap_end(&heap);
    return status;
}

enum et_status et__store_read_rows(const struct et_store *store, const char *path,
                                   const struct et__store_dataset *dataset, enum et_store_kind kind,
                                   size_t first, size_t n, struct et_store_rows *rows)
{
    if (!dataset->is_rows)
        return et_error_set(ET_FORMAT, "%s: %s: has no rows of variable length", store->path, path);
    if (n > dataset->count || first > dataset->count - n)
        return et_error_set(ET_SHAPE, "%s: %s: rows %zu to %zu of %zu", store->path, path, first,
                            first + n, dataset->count);
    unsigned char *references = NULL;
    hid_t base = H5Tget_super(dataset->type);
    const size_t size = H5Tget_size(base), wide = et__store_kind_size(kind);
    rows->n = n;
    rows->start = et_alloc(n + 1, sizeof *rows->start);
    enum et_status status = rows->start ? ET_OK : ET_NOMEM;
    if (status == ET_OK)
        status =
            et__store_read_references(store, path, dataset->id, false, dataset->count, &references);
    const unsigned char *mine = references ? references + first * ET__STORE_REFERENCE : NULL;
    if (status == ET_OK) status = measure(store, path, mine, size, rows);
    if (status == ET_OK) {
        /* Converted in place, so room for the wider of the two. */
        rows->data = et_alloc(rows->start[n], size > wide ? size : wide);
        status = rows->data ? copy_rows(store, path, base, mine, rows) : ET_NOMEM;
    }
    if (status == ET_OK && rows->start[n] > 0 &&
        H5Tconvert(base, et__store_memory_type(kind), rows->start[n], rows->data, NULL,
                   H5P_DEFAULT) < 0)
        status = et__store_failed(ET_FORMAT, store, path, "cannot convert its rows");
    et__store_release(base);
    et_free(references);
    if (status != ET_OK) et_store_rows_destroy(rows);
    return status;
}

enum et_status et_store_read_rows(struct et_store *store, const char *path, enum et_store_kind kind,
                                  size_t first, size_t n, struct et_store_rows *rows)
{
    ET__STORE_SECTION;
    struct et__store_dataset dataset;
    ET_TRY(et__store_open_dataset(store, path, &dataset));
    enum et_status status = et__store_read_rows(store, path, &dataset, kind, first, n, rows);
    et__store_close_dataset(&dataset);
    return status;
}

/* ---- attributes ---- */

struct attribute {
    hid_t object, id, type;
};

static void close_attribute(struct attribute *attribute)
{
    et__store_release(attribute->type);
    et__store_release(attribute->id);
    et__store_release(attribute->object);
}

/* Opens an attribute of one element. */
static enum et_status open_attribute(const struct et_store *store, const char *path,
                                     const char *name, struct attribute *attribute)
{
    *attribute = (struct attribute){H5I_INVALID_HID, H5I_INVALID_HID, H5I_INVALID_HID};
    ET_TRY(et__store_locate(store, path));
    attribute->object = H5Oopen(store->file, path, H5P_DEFAULT);
    if (attribute->object < 0) return et__store_failed(ET_FORMAT, store, path, "cannot open");
    if (H5Aexists(attribute->object, name) <= 0)
        return et_error_set(ET_MISSING, "%s: %s: has no attribute '%s'", store->path, path, name);
    attribute->id = H5Aopen(attribute->object, name, H5P_DEFAULT);
    attribute->type = H5Aget_type(attribute->id);
    hid_t space = H5Aget_space(attribute->id);
    hssize_t count = H5Sget_simple_extent_npoints(space);
    H5S_class_t extent = H5Sget_simple_extent_type(space);
    et__store_release(space);
    if (attribute->type < 0 || (extent != H5S_SCALAR && extent != H5S_SIMPLE) || count != 1)
        return et_error_set(ET_FORMAT, "%s: %s: attribute '%s' is not a single value", store->path,
                            path, name);
    return ET_OK;
}

static enum et_status read_number(const struct et_store *store, const char *path, const char *name,
                                  double *value)
{
    struct attribute attribute;
    enum et_store_kind kind;
    enum et_status status = open_attribute(store, path, name, &attribute);
    if (status == ET_OK && !et__store_kind_of(attribute.type, &kind))
        status = et_error_set(ET_FORMAT, "%s: %s: attribute '%s' is not a number", store->path,
                              path, name);
    if (status == ET_OK && H5Aread(attribute.id, H5T_NATIVE_DOUBLE, value) < 0)
        status = et__store_failed(ET_FORMAT, store, path, "cannot read an attribute");
    close_attribute(&attribute);
    return status;
}

static enum et_status read_variable(const struct et_store *store, const char *path, hid_t id,
                                    char **text)
{
    unsigned char *reference = NULL;
    struct et__store_heap heap = {0};
    ET_TRY(et__store_read_references(store, path, id, true, 1, &reference));
    const uint64_t length = et__store_reference_length(reference);
    enum et_status status = ET_OK;
    if (length > store->bytes)
        status = et_error_set(ET_FORMAT, "%s: %s: an attribute's text is not where the file says",
                              store->path, path);
    if (status == ET_OK) status = et__store_heap_begin(store, path, "text", 1, &heap);
    if (status == ET_OK) {
        *text = et_alloc((size_t)length + 1, 1);
        status = *text ? et__store_heap_read(&heap, reference, length, *text) : ET_NOMEM;
    }
    et__store_heap_end(&heap);
    et_free(reference);
    return status;
}

static enum et_status read_text(const struct et_store *store, const char *path, const char *name,
                                char **text)
{
    enum { TEXT_MAX = 1 << 16 };
    struct attribute attribute;
    enum et_status status = open_attribute(store, path, name, &attribute);
    const size_t size = status == ET_OK ? H5Tget_size(attribute.type) : 0;
    if (status != ET_OK)
        *text = NULL;
    else if (H5Tget_class(attribute.type) != H5T_STRING || size == 0 || size > TEXT_MAX)
        status =
            et_error_set(ET_FORMAT, "%s: %s: attribute '%s' is not text", store->path, path, name);
    else if (H5Tis_variable_str(attribute.type) > 0)
        status = read_variable(store, path, attribute.id, text);
    else if ((*text = et_alloc(size + 1, 1)) == NULL)
        status = ET_NOMEM;
    else if (H5Aread(attribute.id, attribute.type, *text) < 0)
        status = et__store_failed(ET_FORMAT, store, path, "cannot read an attribute");
    close_attribute(&attribute);
    return status;
}

enum et_status et_store_read_attribute_f64(struct et_store *store, const char *path,
                                           const char *name, double *value)
{
    ET__STORE_SECTION;
    return read_number(store, path, name, value);
}

enum et_status et_store_read_attribute_text(struct et_store *store, const char *path,
                                            const char *name, char **text)
{
    ET__STORE_SECTION;
    *text = NULL;
    enum et_status status = read_text(store, path, name, text);
    if (status != ET_OK) {
        et_free(*text);
        *text = NULL;
    }
    return status;
}
