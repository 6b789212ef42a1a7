/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading text of fixed and of variable length, one or many. */
#include "store_internal.h"

#include <string.h>

/* n texts that take `bytes` with their ends, in one block behind the pointers. */
static char *make_room(struct et_store_texts *texts, size_t n, size_t bytes)
{
    texts->n = n;
    texts->text = et_alloc(n * sizeof(char *) + bytes, 1);
    return texts->text ? (char *)(texts->text + n) : NULL;
}

void et_store_texts_destroy(struct et_store_texts *texts)
{
    et_free(texts->text);
    *texts = (struct et_store_texts){0};
}

static enum et_status copy_from_heap(const struct et_store *store, const char *path,
                                     const unsigned char *references, size_t n,
                                     struct et_store_texts *texts)
{
    uint64_t total = n;
    for (size_t i = 0; i < n; i++)
        total += et__store_reference_length(references + i * ET__STORE_REFERENCE);
    if (total - n > store->bytes)
        return et_error_set(ET_FORMAT, "%s: %s: its text is not where the file says", store->path,
                            path);
    char *to = make_room(texts, n, (size_t)total);
    if (to == NULL) return ET_NOMEM;
    struct et__store_heap heap;
    enum et_status status = et__store_heap_begin(store, path, "text", n, &heap);
    for (size_t i = 0; i < n && status == ET_OK; i++) {
        const unsigned char *reference = references + i * ET__STORE_REFERENCE;
        const uint64_t length = et__store_reference_length(reference);
        texts->text[i] = to;
        status = et__store_heap_read(&heap, reference, length, to);
        to[length] = '\0';
        to += length + 1;
    }
    et__store_heap_end(&heap);
    return status;
}

static enum et_status read_variable(const struct et_store *store, const char *path,
                                    const struct et__store_dataset *dataset,
                                    struct et_store_texts *texts)
{
    unsigned char *references = NULL;
    ET_TRY(et__store_read_references(store, path, dataset->id, false, dataset->count, &references));
    enum et_status status = copy_from_heap(store, path, references, dataset->count, texts);
    et_free(references);
    return status;
}

/* Cuts padding by blanks (Fortran). */
static void trim(hid_t type, char *text, size_t size)
{
    if (H5Tget_strpad(type) != H5T_STR_SPACEPAD) return;
    for (size_t i = size; i > 0 && text[i - 1] == ' '; i--)
        text[i - 1] = '\0';
}

static enum et_status read_fixed(const struct et_store *store, const char *path,
                                 const struct et__store_dataset *dataset,
                                 struct et_store_texts *texts)
{
    const size_t n = dataset->count, size = n > 0 ? dataset->bytes / n : 0;
    char *to = make_room(texts, n, dataset->bytes + n);
    char *packed = et_alloc(dataset->bytes + 1, 1);
    enum et_status status =
        to && packed ? et__store_read_numbers(store, path, dataset, dataset->type, packed)
                     : ET_NOMEM;
    for (size_t i = 0; i < n && status == ET_OK; i++, to += size + 1) {
        memcpy(to, packed + i * size, size);
        to[size] = '\0';
        trim(dataset->type, to, size);
        texts->text[i] = to;
    }
    et_free(packed);
    return status;
}

enum et_status et__store_read_texts(const struct et_store *store, const char *path,
                                    const struct et__store_dataset *dataset,
                                    struct et_store_texts *texts)
{
    *texts = (struct et_store_texts){.rank = dataset->shape.rank};
    memcpy(texts->dims, dataset->shape.dims, sizeof texts->dims);
    if (!dataset->is_text)
        return et_error_set(ET_FORMAT, "%s: %s: holds numbers where text is expected", store->path,
                            path);
    enum et_status status = H5Tis_variable_str(dataset->type) > 0
                                ? read_variable(store, path, dataset, texts)
                                : read_fixed(store, path, dataset, texts);
    if (status != ET_OK) et_store_texts_destroy(texts);
    return status;
}

enum et_status et__store_read_text(const struct et_store *store, const char *path,
                                   const struct et__store_dataset *dataset, char **text)
{
    struct et_store_texts texts;
    if (dataset->is_text && dataset->count != 1)
        return et_error_set(ET_SHAPE, "%s: %s: has %zu texts, expected one", store->path, path,
                            dataset->count);
    ET_TRY(et__store_read_texts(store, path, dataset, &texts));
    *text = et_strdup(texts.text[0]);
    et_store_texts_destroy(&texts);
    return *text ? ET_OK : ET_NOMEM;
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

enum et_status et_store_read_texts(struct et_store *store, const char *path,
                                   struct et_store_texts *texts)
{
    ET__STORE_SECTION;
    struct et__store_dataset dataset;
    *texts = (struct et_store_texts){0};
    ET_TRY(et__store_open_dataset(store, path, &dataset));
    enum et_status status = et__store_read_texts(store, path, &dataset, texts);
    et__store_close_dataset(&dataset);
    return status;
}
