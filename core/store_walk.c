/* SPDX-License-Identifier: Apache-2.0
 *
 * Walking through groups: listing members, and the digest of everything. */
#include "store_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of one group, or of one digest. */
enum { MEMBERS_MAX = 1 << 14 };

/* ---- members of a group ---- */

struct member {
    struct member *next;
    bool is_group;
    char name[];
};

struct members {
    const struct et_store *store;
    const char *path;
    struct member *first, **sorted;
    size_t n;
    enum et_status status;
};

static void free_members(struct members *members)
{
    for (struct member *m = members->first, *next; m != NULL; m = next) {
        next = m->next;
        et_free(m);
    }
    et_free(members->sorted);
}

/* Links that are not hard and objects that are neither group nor dataset do not count. */
static herr_t add_member(hid_t group, const char *name, const H5L_info_t *link, void *user)
{
    struct members *members = user;
    H5O_info_t object;
    if (link->type != H5L_TYPE_HARD) return H5_ITER_CONT;
    if (H5Oget_info_by_name2(group, name, &object, H5O_INFO_BASIC, H5P_DEFAULT) < 0) {
        members->status =
            et__store_failed(ET_FORMAT, members->store, members->path, "has a bad member");
        return H5_ITER_ERROR;
    }
    if (object.type != H5O_TYPE_GROUP && object.type != H5O_TYPE_DATASET) return H5_ITER_CONT;
    size_t length = strlen(name);
    if (length == 0 || length > ET__STORE_PATH_MAX || strchr(name, '/') != NULL ||
        members->n == MEMBERS_MAX) {
        members->status = et_error_set(ET_FORMAT, "%s: %s: has too many members or a bad name",
                                       members->store->path, members->path);
        return H5_ITER_ERROR;
    }
    struct member *member = et_alloc(1, sizeof *member + length + 1);
    if (member == NULL) {
        members->status = ET_NOMEM;
        return H5_ITER_ERROR;
    }
    memcpy(member->name, name, length + 1);
    member->is_group = object.type == H5O_TYPE_GROUP;
    member->next = members->first;
    members->first = member;
    members->n++;
    return H5_ITER_CONT;
}

static int by_name(const void *a, const void *b)
{
    const struct member *const *left = a, *const *right = b;
    return strcmp((*left)->name, (*right)->name);
}

/* Lists a group, sorted by name; free_members in any case. */
static enum et_status list(const struct et_store *store, const char *path, struct members *members)
{
    *members = (struct members){.store = store, .path = path};
    ET_TRY(et__store_locate(store, path));
    hid_t group = H5Gopen2(store->file, path, H5P_DEFAULT);
    if (group < 0) return et__store_failed(ET_FORMAT, store, path, "is not a readable group");
    if (H5Literate(group, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, add_member, members) < 0 &&
        members->status == ET_OK)
        members->status = et__store_failed(ET_FORMAT, store, path, "cannot list its members");
    et__store_release(group);
    ET_TRY(members->status);
    members->sorted = et_alloc(members->n, sizeof(struct member *));
    if (members->sorted == NULL) return ET_NOMEM;
    size_t i = 0;
    for (struct member *m = members->first; m != NULL; m = m->next)
        members->sorted[i++] = m;
    qsort(members->sorted, members->n, sizeof(struct member *), by_name);
    return ET_OK;
}

static enum et_status list_in_section(const struct et_store *store, const char *path,
                                      struct members *members)
{
    ET__STORE_SECTION;
    return list(store, path, members);
}

enum et_status et_store_each(struct et_store *store, const char *group, et_store_visit *visit,
                             void *user)
{
    struct members members;
    enum et_status status = list_in_section(store, group, &members);
    /* Outside the section: the visitor may call the store again. */
    for (size_t i = 0; status == ET_OK && i < members.n; i++)
        if (!visit(members.sorted[i]->name, members.sorted[i]->is_group, user)) break;
    free_members(&members);
    return status;
}

/* ---- digest ---- */

struct digest {
    const struct et_store *store;
    uint64_t value;
    size_t visited;
};

/* A group and those around it, to notice circles of hard links. */
struct level {
    const struct level *outer;
    haddr_t address;
    size_t depth;
};

uint64_t et_digest_add(uint64_t digest, const void *bytes, size_t n)
{
    const unsigned char *byte = bytes;
    for (size_t i = 0; i < n; i++)
        digest = (digest ^ byte[i]) * 0x100000001b3u;
    return digest;
}

static void add_bytes(struct digest *digest, const void *bytes, size_t n)
{
    digest->value = et_digest_add(digest->value, bytes, n);
}

static void add_number(struct digest *digest, uint64_t number)
{
    unsigned char bytes[8];
    for (size_t i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(number >> 8 * i);
    add_bytes(digest, bytes, sizeof bytes);
}

static enum et_status digest_texts(struct digest *digest, const char *path,
                                   const struct et__store_dataset *dataset)
{
    struct et_store_texts texts;
    ET_TRY(et__store_read_texts(digest->store, path, dataset, &texts));
    for (size_t i = 0; i < texts.n; i++)
        add_bytes(digest, texts.text[i], strlen(texts.text[i]) + (texts.n > 1));
    et_store_texts_destroy(&texts);
    return ET_OK;
}

static enum et_status digest_rows(struct digest *digest, const char *path,
                                  const struct et__store_dataset *dataset)
{
    struct et_store_rows rows = {0};
    const bool whole = dataset->shape.kind != ET_STORE_F32 && dataset->shape.kind != ET_STORE_F64;
    ET_TRY(et__store_read_rows(digest->store, path, dataset, whole ? ET_STORE_I64 : ET_STORE_F64, 0,
                               dataset->count, &rows));
    for (size_t i = 0; i <= rows.n; i++)
        add_number(digest, rows.start[i]);
    for (size_t i = 0; i < rows.start[rows.n]; i++) {
        uint64_t bits;
        memcpy(&bits, (char *)rows.data + 8 * i, 8);
        add_number(digest, bits);
    }
    et_store_rows_destroy(&rows);
    return ET_OK;
}

static enum et_status digest_values(struct digest *digest, const char *path,
                                    const struct et__store_dataset *dataset)
{
    if (dataset->is_text) return digest_texts(digest, path, dataset);
    if (dataset->is_rows) return digest_rows(digest, path, dataset);
    /* Little endian in memory too, so that every machine sees the same bytes. */
    void *values = et_alloc(dataset->count, et__store_kind_size(dataset->shape.kind));
    if (values == NULL) return ET_NOMEM;
    enum et_status status = et__store_read_numbers(
        digest->store, path, dataset, et__store_disk_type(dataset->shape.kind), values);
    if (status == ET_OK)
        add_bytes(digest, values, dataset->count * et__store_kind_size(dataset->shape.kind));
    et_free(values);
    return status;
}

static enum et_status digest_dataset(struct digest *digest, const char *path)
{
    enum { TEXT = 255 };
    struct et__store_dataset dataset;
    enum et_status status = ET_OK;
    int64_t is_volatile = 0;
    ET_TRY(et__store_open_dataset(digest->store, path, &dataset));
    if (!et__store_read_attribute(dataset.id, ET__STORE_VOLATILE, &is_volatile) ||
        is_volatile == 0) {
        add_bytes(digest, path, strlen(path) + 1);
        add_number(digest, dataset.is_text ? TEXT : dataset.shape.kind);
        add_number(digest, dataset.shape.rank);
        for (size_t i = 0; i < dataset.shape.rank; i++)
            add_number(digest, dataset.shape.dims[i]);
        status = digest_values(digest, path, &dataset);
    }
    et__store_close_dataset(&dataset);
    return status;
}

static enum et_status digest_group(struct digest *digest, const char *path,
                                   const struct level *outer);

static enum et_status digest_member(struct digest *digest, const char *group,
                                    const struct member *member, const struct level *level)
{
    size_t size = strlen(group) + strlen(member->name) + 2;
    char *path = et_alloc(size, 1);
    if (path == NULL) return ET_NOMEM;
    snprintf(path, size, "%s/%s", group, member->name);
    enum et_status status = ET_OK;
    if (++digest->visited > MEMBERS_MAX)
        status = et_error_set(ET_FORMAT, "%s: has more than %d members", digest->store->path,
                              (int)MEMBERS_MAX);
    else if (strcmp(path, "/environment") != 0)
        status =
            member->is_group ? digest_group(digest, path, level) : digest_dataset(digest, path);
    et_free(path);
    return status;
}

static enum et_status enter_group(const struct et_store *store, const char *path,
                                  struct level *level)
{
    H5O_info_t info;
    if (H5Oget_info_by_name2(store->file, path, &info, H5O_INFO_BASIC, H5P_DEFAULT) < 0)
        return et__store_failed(ET_FORMAT, store, path, "is not a readable group");
    level->address = info.addr;
    for (const struct level *l = level->outer; l != NULL; l = l->outer)
        if (l->address == level->address)
            return et_error_set(ET_FORMAT, "%s: %s: groups in circles", store->path, path);
    if (level->depth > ET__STORE_DEPTH_MAX)
        return et_error_set(ET_FORMAT, "%s: %s: groups nest deeper than %d", store->path, path,
                            (int)ET__STORE_DEPTH_MAX);
    return ET_OK;
}

static enum et_status digest_group(struct digest *digest, const char *path,
                                   const struct level *outer)
{
    struct members members;
    struct level level = {.outer = outer, .depth = outer ? outer->depth + 1 : 0};
    ET_TRY(enter_group(digest->store, *path ? path : "/", &level));
    enum et_status status = list(digest->store, *path ? path : "/", &members);
    for (size_t i = 0; status == ET_OK && i < members.n; i++)
        status = digest_member(digest, path, members.sorted[i], &level);
    free_members(&members);
    return status;
}

enum et_status et_store_digest(struct et_store *store, uint64_t *digest)
{
    ET__STORE_SECTION;
    struct digest d = {.store = store, .value = ET_DIGEST_START};
    ET_TRY(digest_group(&d, "", NULL));
    *digest = d.value;
    return ET_OK;
}
