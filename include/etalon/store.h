/* SPDX-License-Identifier: Apache-2.0
 *
 * Self-describing HDF5 files, written atomically.
 *
 * A file under construction lives in memory, and "<path>.tmp-<pid>" keeps its place;
 * et_store_commit writes and syncs that and renames it over <path>.  Whoever kills the program in
 * between finds the previous file intact.
 *
 * Every dataset of our own layout carries the attributes `units` and `description`.  A dataset
 * marked ET_VOLATILE (wall-clock times and the like) is left out of et_store_digest. */
#ifndef ETALON_STORE_H
#define ETALON_STORE_H

#include <etalon/array.h>
#include <etalon/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct et_store;

/* The library's file layout version, in the root attribute `etalon_layout`. */
enum { ET_STORE_LAYOUT = 1 };

enum et_store_kind {
    ET_STORE_F32,
    ET_STORE_F64,
    ET_STORE_I32,
    ET_STORE_I64,
    ET_STORE_U8,
    ET_STORE_BOOL /* bytes 0 and 1, stored as the enumeration that h5py knows as bool */
};
enum { ET_STORE_RANK_MAX = 4 };

/* What a dataset is.  Unused dims are 0. */
struct et_store_shape {
    enum et_store_kind kind;
    size_t rank; /* 0 = scalar */
    size_t dims[ET_STORE_RANK_MAX];
};

enum et_store_flag { ET_STABLE = 0, ET_VOLATILE = 1 };

/* Starts a new file that will replace path.  Errors: ET_IO (directory missing or not writable). */
ET_API enum et_status et_store_create(const char *path, struct et_store **store) ET_CHECKED;

/* Opens an existing file for reading.  Errors: ET_MISSING, ET_IO, ET_FORMAT (not HDF5, truncated,
 * or another layout version). */
ET_API enum et_status et_store_open(const char *path, struct et_store **store) ET_CHECKED;

/* Opens any HDF5 file for reading (data sets of other origin): no layout check.  Soft and external
 * links, data outside the file, filters other than deflate, shuffle and fletcher32, number formats
 * beyond the usual and sizes that the file cannot hold are ET_FORMAT when they are met.  HDF5 1.10
 * itself is not safe against forged metadata: open only files that you would trust it with. */
ET_API enum et_status et_store_open_foreign(const char *path, struct et_store **store) ET_CHECKED;

/* Starts a new file in a format of others: no attribute of ours on any object, so `units`,
 * `description` and `flag` of what is written are ignored and may be NULL; text is written with
 * variable length, as h5py does.  Read it with et_store_open_foreign.  Errors: as for create. */
ET_API enum et_status et_store_create_foreign(const char *path, struct et_store **store) ET_CHECKED;

/* Created files only: flush, fsync, rename, close; *store becomes NULL even on failure (then the
 * temporary file is removed and the old file is untouched). */
ET_API enum et_status et_store_commit(struct et_store **store) ET_CHECKED;

/* Closes; a created and uncommitted file is removed.  Accepts NULL. */
ET_API void et_store_close(struct et_store *store);

/* Writes a dataset; missing groups on the way are made.  path is absolute: "/metrics/loss".
 * data holds the elements in row-major order.  Errors: ET_IO (also a full disk), ET_INVALID (path
 * exists already). */
ET_API enum et_status et_store_write(struct et_store *store, const char *path,
                                     struct et_store_shape shape, const void *data,
                                     const char *units, const char *description,
                                     enum et_store_flag flag) ET_CHECKED;
/* Shorthands. */
ET_API enum et_status et_store_write_view(struct et_store *store, const char *path,
                                          struct et_view view, const char *units,
                                          const char *description) ET_CHECKED;
ET_API enum et_status et_store_write_f64(struct et_store *store, const char *path, double value,
                                         const char *units, const char *description,
                                         enum et_store_flag flag) ET_CHECKED;
ET_API enum et_status et_store_write_i64(struct et_store *store, const char *path, int64_t value,
                                         const char *units, const char *description,
                                         enum et_store_flag flag) ET_CHECKED;
ET_API enum et_status et_store_write_text(struct et_store *store, const char *path,
                                          const char *text, const char *description,
                                          enum et_store_flag flag) ET_CHECKED;

/* Does path exist (dataset or group)? */
ET_API bool et_store_has(const struct et_store *store, const char *path);

/* Shape of a dataset.  Numeric kinds only; complex numbers (compounds of two equal floats, as h5py
 * writes them) have a last axis of 2.  Errors: ET_MISSING, ET_FORMAT. */
ET_API enum et_status et_store_shape(struct et_store *store, const char *path,
                                     struct et_store_shape *shape) ET_CHECKED;

/* Reads a whole dataset into data (converted to the kind of `want`); its shape must equal *want.
 * Errors: ET_MISSING, ET_SHAPE, ET_FORMAT, ET_IO. */
ET_API enum et_status et_store_read(struct et_store *store, const char *path,
                                    struct et_store_shape want, void *data) ET_CHECKED;
/* Reads a matrix (rank 1 gives one column, rank > 2 folds the trailing axes) of any numeric kind
 * as float32.  *array must be empty; the caller destroys it. */
ET_API enum et_status et_store_read_array(struct et_store *store, const char *path,
                                          struct et_array *array) ET_CHECKED;
ET_API enum et_status et_store_read_f64(struct et_store *store, const char *path,
                                        double *value) ET_CHECKED;
ET_API enum et_status et_store_read_i64(struct et_store *store, const char *path,
                                        int64_t *value) ET_CHECKED;
/* *text is the caller's, freed with et_free. */
ET_API enum et_status et_store_read_text(struct et_store *store, const char *path,
                                         char **text) ET_CHECKED;

/* ---- what other formats need: lists of text, ragged rows, attributes ---- */

/* Texts of fixed or variable length in row-major order; freed by et_store_texts_destroy. */
struct et_store_texts {
    size_t rank, dims[ET_STORE_RANK_MAX], n;
    char **text; /* [n] */
};
ET_API enum et_status et_store_read_texts(struct et_store *store, const char *path,
                                          struct et_store_texts *texts) ET_CHECKED;
ET_API void et_store_texts_destroy(struct et_store_texts *texts);
/* Writes texts of variable length in the shape's rank and dims (its kind does not count).
 * Errors: also ET_UNSUPPORTED in a file of our own layout. */
ET_API enum et_status et_store_write_texts(struct et_store *store, const char *path,
                                           struct et_store_shape shape,
                                           const char *const *text) ET_CHECKED;

/* Rows of variable length; row i is data[start[i]] .. data[start[i + 1] - 1]. */
struct et_store_rows {
    size_t n, *start; /* [n + 1] */
    void *data;       /* of the kind that was asked for */
};
/* Is path a dataset of ragged rows?  Then *n is their number (rank 1 only). */
ET_API bool et_store_has_rows(struct et_store *store, const char *path, size_t *n);
/* Reads rows first .. first + n - 1, converted to kind.  *rows must be empty; freed by
 * et_store_rows_destroy.  Errors: ET_MISSING, ET_SHAPE (range), ET_FORMAT, ET_NOMEM. */
ET_API enum et_status et_store_read_rows(struct et_store *store, const char *path,
                                         enum et_store_kind kind, size_t first, size_t n,
                                         struct et_store_rows *rows) ET_CHECKED;
ET_API void et_store_rows_destroy(struct et_store_rows *rows);
/* Errors: also ET_UNSUPPORTED in a file of our own layout. */
ET_API enum et_status et_store_write_rows(struct et_store *store, const char *path,
                                          enum et_store_kind kind,
                                          const struct et_store_rows *rows) ET_CHECKED;

/* Attributes: one text or number beside a dataset or group ("/" is the root).  Writing makes a
 * group that is missing; only for foreign files.  Errors: ET_MISSING, ET_FORMAT, ET_IO. */
ET_API enum et_status et_store_read_attribute_text(struct et_store *store, const char *path,
                                                   const char *name, char **text) ET_CHECKED;
ET_API enum et_status et_store_read_attribute_f64(struct et_store *store, const char *path,
                                                  const char *name, double *value) ET_CHECKED;
ET_API enum et_status et_store_write_attribute_text(struct et_store *store, const char *path,
                                                    const char *name, const char *text) ET_CHECKED;
ET_API enum et_status et_store_write_attribute_f64(struct et_store *store, const char *path,
                                                   const char *name, double value) ET_CHECKED;
ET_API enum et_status et_store_write_attribute_i64(struct et_store *store, const char *path,
                                                   const char *name, int64_t value) ET_CHECKED;
/* Makes a group and those around it; one that exists is fine. */
ET_API enum et_status et_store_write_group(struct et_store *store, const char *path) ET_CHECKED;

/* Calls visit for each member of a group, sorted by name, until it returns false. */
typedef bool et_store_visit(const char *name, bool is_group, void *user);
ET_API enum et_status et_store_each(struct et_store *store, const char *group,
                                    et_store_visit *visit, void *user) ET_CHECKED;

/* 64-bit FNV-1a digest of names, shapes and values of all datasets that are not volatile and not
 * below /environment: equal digests mean equal numeric content. */
ET_API enum et_status et_store_digest(struct et_store *store, uint64_t *digest) ET_CHECKED;

/* FNV-1a, 64 bits: the digest with n more bytes; ET_DIGEST_START is that of none. */
#define ET_DIGEST_START 0xcbf29ce484222325U
ET_API uint64_t et_digest_add(uint64_t digest, const void *bytes, size_t n);

/* Version of the HDF5 library in use, e.g. "1.10.8". */
ET_API const char *et_store_library(void);

#endif
