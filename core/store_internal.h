/* SPDX-License-Identifier: Apache-2.0
 *
 * The store's own parts; the only header that includes HDF5. */
#ifndef ETALON_CORE_STORE_INTERNAL_H
#define ETALON_CORE_STORE_INTERNAL_H

#include <etalon/store.h>

#include <hdf5.h>

enum {
    ET__STORE_PATH_MAX = 1023, /* length of a path inside the file */
    ET__STORE_DEPTH_MAX = 16   /* groups inside groups */
};
#define ET__STORE_ELEMENTS_MAX ((uint64_t)1 << 31)
#define ET__STORE_BYTES_MAX    ((uint64_t)1 << 32)

#define ET__STORE_VOLATILE "volatile"

struct et_store {
    hid_t file, link_plist, group_plist, dataset_plist;
    uint64_t bytes; /* of the file that is read */
    char *path;
    const char *name; /* the last component of path */
    char *temp;       /* NULL when reading; relative to directory */
    int directory, temp_fd;
    bool plain; /* created for a foreign format: no attributes of ours, text of variable length */
};

/* HDF5 prints its error stack by default and is not always built for threads; both are settled
 * for the extent of a public call.  A handler of the application is put back afterwards; the
 * default printer is not, because HDF5 uses it again when the program ends. */
struct et__store_section {
    H5E_auto2_t print;
    void *data;
};
struct et__store_section et__store_section_begin(void);
void et__store_section_end(struct et__store_section *section);
#define ET__STORE_SECTION                                                                          \
    __attribute__((unused, cleanup(et__store_section_end))) struct et__store_section section =     \
        et__store_section_begin()

/* Records what HDF5 says about the call that has just failed; to be called before any other HDF5
 * function.  path (inside the file) may be "".  Returns status. */
enum et_status et__store_failed(enum et_status status, const struct et_store *store,
                                const char *path, const char *what);

/* Closes any HDF5 identifier; accepts invalid ones. */
void et__store_release(hid_t id);

/* Absolute, no empty, "." or ".." component, neither too long nor too deep. */
bool et__store_path_is_valid(const char *path);

enum et__store_found { ABSENT, PRESENT, REFUSED };
/* Looks at each link on the way: soft and external ones could lead anywhere, so are REFUSED. */
enum et__store_found et__store_find(const struct et_store *store, const char *path);
/* The same with a record.  Errors: ET_MISSING, ET_FORMAT. */
enum et_status et__store_locate(const struct et_store *store, const char *path);

/* Number formats: fixed little endian in files, native in memory. */
hid_t et__store_disk_type(enum et_store_kind kind);
hid_t et__store_memory_type(enum et_store_kind kind);
size_t et__store_kind_size(enum et_store_kind kind);
/* h5py's bool; the caller releases it. */
hid_t et__store_bool_type(void);
/* The kind that holds a standard number format or h5py's bool; false for any other. */
bool et__store_kind_of(hid_t type, enum et_store_kind *kind);
/* The kind of the parts of a complex number: a compound of two equal standard floats and nothing
 * else, whatever they are called. */
bool et__store_complex_kind_of(hid_t type, enum et_store_kind *kind);
/* A complex number in memory whose parts are of a native type, named as in `type`. */
hid_t et__store_complex_memory_type(hid_t type, hid_t part);

/* dims[0] * dims[1] * ... * size, or UINT64_MAX when the axes that are not empty exceed the
 * limits; so products of a checked shape never overflow. */
uint64_t et__store_total_bytes(size_t rank, const hsize_t *dims, size_t size);

enum et_status et__store_write_attribute(const struct et_store *store, hid_t object,
                                         const char *path, const char *name, hid_t disk,
                                         hid_t memory, const void *value);
/* A scalar integer attribute in any standard format; false when there is none. */
bool et__store_read_attribute(hid_t object, const char *name, int64_t *value);

/* A dataset that has passed all checks. */
struct et__store_dataset {
    hid_t id, type;
    bool is_text, is_complex;    /* complex: shape and count see a last axis of 2 */
    bool is_rows;                /* elements are sequences of numbers; shape.kind is theirs */
    struct et_store_shape shape; /* numeric kinds: complete; text: rank and dims */
    size_t count, bytes;
};

/* Makes the groups that lead to a dataset; with `whole`, path itself is one.  */
enum et_status et__store_create_groups(struct et_store *store, const char *path, bool whole);

/* Opens and checks.  Errors: ET_MISSING, ET_FORMAT; then there is nothing to close. */
enum et_status et__store_open_dataset(const struct et_store *store, const char *path,
                                      struct et__store_dataset *dataset);
void et__store_close_dataset(struct et__store_dataset *dataset);

/* Reads all elements, converted to a type in memory. */
enum et_status et__store_read_numbers(const struct et_store *store, const char *path,
                                      const struct et__store_dataset *dataset, hid_t memory,
                                      void *data);
/* Where sequences of variable length lie: a file holds them in heaps, apart from the dataset or
 * attribute that refers to them. */
struct et__store_heap {
    const struct et_store *store;
    const char *path, *what; /* "text" or "data", for messages */
    int fd;
    uint64_t user_block, address; /* of the collection that was looked at last */
    struct et__store_heap_object {
        uint64_t offset, size, index;
    } * object; /* [n] of [room], in the order of the collection */
    size_t n, room;
    size_t budget;
};
enum { ET__STORE_REFERENCE = 16 }; /* bytes: length 4, heap address 8, object 4 */
/* n is the number of references that will be followed. */
enum et_status et__store_heap_begin(const struct et_store *store, const char *path,
                                    const char *what, size_t n, struct et__store_heap *heap);
void et__store_heap_end(struct et__store_heap *heap);
/* Reads the references of a dataset (all n) or an attribute (n = 1), not what they refer to. */
enum et_status et__store_read_references(const struct et_store *store, const char *path,
                                         hid_t object, bool is_attribute, size_t n,
                                         unsigned char **references);
/* Elements of a reference; a text's are its bytes. */
uint64_t et__store_reference_length(const unsigned char *reference);
/* Copies what a reference names: exactly `size` bytes. */
enum et_status et__store_heap_read(struct et__store_heap *heap, const unsigned char *reference,
                                   uint64_t size, void *data);

/* Reads all texts of a dataset into one block. */
enum et_status et__store_read_texts(const struct et_store *store, const char *path,
                                    const struct et__store_dataset *dataset,
                                    struct et_store_texts *texts);
/* Reads rows of a dataset of them. */
enum et_status et__store_read_rows(const struct et_store *store, const char *path,
                                   const struct et__store_dataset *dataset, enum et_store_kind kind,
                                   size_t first, size_t n, struct et_store_rows *rows);

/* Reads the only element of a text; *text is freed with et_free. */
enum et_status et__store_read_text(const struct et_store *store, const char *path,
                                   const struct et__store_dataset *dataset, char **text);

#endif
