/* SPDX-License-Identifier: Apache-2.0
 *
 * What the parts of the store share: error texts, links, number formats, sizes, attributes. */
#include "store_internal.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static pthread_mutex_t library = PTHREAD_MUTEX_INITIALIZER;

/* HDF5's own printer has no public name: a new error stack tells it. */
static H5E_auto2_t standard_printer(void)
{
    static H5E_auto2_t printer;
    void *data = NULL;
    if (printer != NULL) return printer;
    hid_t stack = H5Ecreate_stack();
    H5Eget_auto2(stack, &printer, &data);
    et__store_release(stack);
    return printer;
}

struct et__store_section et__store_section_begin(void)
{
    struct et__store_section section = {0};
    pthread_mutex_lock(&library);
    H5Eget_auto2(H5E_DEFAULT, &section.print, &section.data);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    return section;
}

void et__store_section_end(struct et__store_section *section)
{
    if (section->print != standard_printer())
        H5Eset_auto2(H5E_DEFAULT, section->print, section->data);
    pthread_mutex_unlock(&library);
}

struct stack_ends {
    char outermost[256], innermost[512];
};

static herr_t visit_error(unsigned n, const H5E_error2_t *error, void *user)
{
    struct stack_ends *ends = user;
    const char *text = error->desc ? error->desc : "";
    if (n == 0) snprintf(ends->outermost, sizeof ends->outermost, "%s", text);
    snprintf(ends->innermost, sizeof ends->innermost, "%s", text);
    return 0;
}

enum et_status et__store_failed(enum et_status status, const struct et_store *store,
                                const char *path, const char *what)
{
    struct stack_ends ends = {"no reason given", "no reason given"};
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, visit_error, &ends);
    return et_error_set(status, "%s: %s%s%s: HDF5: %s: %s", store->path, path, *path ? ": " : "",
                        what, ends.outermost, ends.innermost);
}

void et__store_release(hid_t id)
{
    if (id >= 0) H5Idec_ref(id);
}

bool et__store_path_is_valid(const char *path)
{
    size_t depth = 0;
    if (path[0] != '/' || strlen(path) > ET__STORE_PATH_MAX) return false;
    for (const char *part = path; *part != '\0'; depth++) {
        size_t length = strcspn(++part, "/");
        if (length == 0 || strncmp(part, ".", length) == 0 || strncmp(part, "..", length) == 0)
            return false;
        part += length;
    }
    return depth <= ET__STORE_DEPTH_MAX;
}

enum et__store_found et__store_find(const struct et_store *store, const char *path)
{
    char prefix[ET__STORE_PATH_MAX + 1];
    if (strcmp(path, "/") == 0) return PRESENT;
    if (!et__store_path_is_valid(path)) return ABSENT;
    for (size_t end = 0; path[end] != '\0';) {
        end += 1 + strcspn(path + end + 1, "/");
        memcpy(prefix, path, end);
        prefix[end] = '\0';
        H5L_info_t info;
        if (H5Lexists(store->file, prefix, H5P_DEFAULT) <= 0) return ABSENT;
        if (H5Lget_info(store->file, prefix, &info, H5P_DEFAULT) < 0) return ABSENT;
        if (info.type != H5L_TYPE_HARD) return REFUSED;
    }
    return PRESENT;
}

enum et_status et__store_locate(const struct et_store *store, const char *path)
{
    switch (et__store_find(store, path)) {
    case ABSENT:
        return et_error_set(ET_MISSING, "%s: %s: there is no such dataset or group", store->path,
                            path);
    case REFUSED:
        return et_error_set(ET_FORMAT, "%s: %s: is a soft or external link", store->path, path);
    case PRESENT:
        break;
    }
    return ET_OK;
}

bool et_store_has(const struct et_store *store, const char *path)
{
    ET__STORE_SECTION;
    return et__store_find(store, path) == PRESENT;
}

hid_t et__store_disk_type(enum et_store_kind kind)
{
    switch (kind) {
    case ET_STORE_F32:
        return H5T_IEEE_F32LE;
    case ET_STORE_F64:
        return H5T_IEEE_F64LE;
    case ET_STORE_I32:
        return H5T_STD_I32LE;
    case ET_STORE_I64:
        return H5T_STD_I64LE;
    case ET_STORE_U8:
    case ET_STORE_BOOL:
        return H5T_STD_U8LE;
    }
    return H5I_INVALID_HID;
}

hid_t et__store_memory_type(enum et_store_kind kind)
{
    switch (kind) {
    case ET_STORE_F32:
        return H5T_NATIVE_FLOAT;
    case ET_STORE_F64:
        return H5T_NATIVE_DOUBLE;
    case ET_STORE_I32:
        return H5T_NATIVE_INT32;
    case ET_STORE_I64:
        return H5T_NATIVE_INT64;
    case ET_STORE_U8:
    case ET_STORE_BOOL:
        return H5T_NATIVE_UINT8;
    }
    return H5I_INVALID_HID;
}

size_t et__store_kind_size(enum et_store_kind kind)
{
    static const size_t sizes[] = {4, 8, 4, 8, 1, 1};
    return sizes[kind];
}

/* The enumeration of FALSE = 0 and TRUE = 1 in a byte. */
hid_t et__store_bool_type(void)
{
    const int8_t values[2] = {0, 1};
    hid_t type = H5Tenum_create(H5T_STD_I8LE);
    if (H5Tenum_insert(type, "FALSE", &values[0]) < 0 ||
        H5Tenum_insert(type, "TRUE", &values[1]) < 0) {
        et__store_release(type);
        return H5I_INVALID_HID;
    }
    return type;
}

static bool is_bool(hid_t type)
{
    if (H5Tget_class(type) != H5T_ENUM) return false;
    hid_t known = et__store_bool_type();
    bool same = H5Tequal(type, known) > 0;
    et__store_release(known);
    return same;
}

/* Only the standard formats: HDF5 1.10 does not check bit fields that a file invents. */
bool et__store_kind_of(hid_t type, enum et_store_kind *kind)
{
    const struct {
        hid_t type;
        enum et_store_kind kind;
    } known[] = {
        {H5T_IEEE_F32LE, ET_STORE_F32}, {H5T_IEEE_F32BE, ET_STORE_F32},
        {H5T_IEEE_F64LE, ET_STORE_F64}, {H5T_IEEE_F64BE, ET_STORE_F64},
        {H5T_STD_I8LE, ET_STORE_I32},   {H5T_STD_I8BE, ET_STORE_I32},
        {H5T_STD_U8BE, ET_STORE_U8},    {H5T_STD_U8LE, ET_STORE_U8},
        {H5T_STD_I16LE, ET_STORE_I32},  {H5T_STD_I16BE, ET_STORE_I32},
        {H5T_STD_U16LE, ET_STORE_I32},  {H5T_STD_U16BE, ET_STORE_I32},
        {H5T_STD_I32LE, ET_STORE_I32},  {H5T_STD_I32BE, ET_STORE_I32},
        {H5T_STD_U32LE, ET_STORE_I64},  {H5T_STD_U32BE, ET_STORE_I64},
        {H5T_STD_I64LE, ET_STORE_I64},  {H5T_STD_I64BE, ET_STORE_I64},
        {H5T_STD_U64LE, ET_STORE_I64},  {H5T_STD_U64BE, ET_STORE_I64},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (H5Tequal(type, known[i].type) > 0) {
            *kind = known[i].kind;
            return true;
        }
    *kind = ET_STORE_BOOL;
    return is_bool(type);
}

bool et__store_complex_kind_of(hid_t type, enum et_store_kind *kind)
{
    if (H5Tget_class(type) != H5T_COMPOUND || H5Tget_nmembers(type) != 2) return false;
    hid_t re = H5Tget_member_type(type, 0), im = H5Tget_member_type(type, 1);
    bool ok = et__store_kind_of(re, kind) && H5Tequal(re, im) > 0 &&
              (*kind == ET_STORE_F32 || *kind == ET_STORE_F64) &&
              H5Tget_member_offset(type, 0) == 0 &&
              H5Tget_member_offset(type, 1) == et__store_kind_size(*kind) &&
              H5Tget_size(type) == 2 * et__store_kind_size(*kind);
    et__store_release(re);
    et__store_release(im);
    return ok;
}

hid_t et__store_complex_memory_type(hid_t type, hid_t part)
{
    const size_t size = H5Tget_size(part);
    hid_t memory = H5Tcreate(H5T_COMPOUND, 2 * size);
    for (unsigned i = 0; i < 2 && memory >= 0; i++) {
        char *name = H5Tget_member_name(type, i);
        if (!name || H5Tinsert(memory, name, i * size, part) < 0) {
            H5Tclose(memory);
            memory = H5I_INVALID_HID;
        }
        H5free_memory(name);
    }
    return memory;
}

uint64_t et__store_total_bytes(size_t rank, const hsize_t *dims, size_t size)
{
    uint64_t count = 1;
    bool empty = false;
    for (size_t i = 0; i < rank; i++) {
        empty = empty || dims[i] == 0;
        if (dims[i] > ET__STORE_ELEMENTS_MAX / count) return UINT64_MAX;
        if (dims[i] > 0) count *= dims[i];
    }
    if (size > ET__STORE_BYTES_MAX / count) return UINT64_MAX;
    return empty ? 0 : count * size;
}

bool et__store_read_attribute(hid_t object, const char *name, int64_t *value)
{
    if (H5Aexists(object, name) <= 0) return false;
    bool read = false;
    enum et_store_kind kind;
    hid_t id = H5Aopen(object, name, H5P_DEFAULT);
    hid_t type = H5Aget_type(id);
    hid_t space = H5Aget_space(id);
    if (et__store_kind_of(type, &kind) && H5Sget_simple_extent_type(space) == H5S_SCALAR)
        read = H5Aread(id, H5T_NATIVE_INT64, value) >= 0;
    et__store_release(space);
    et__store_release(type);
    et__store_release(id);
    return read;
}
