/* SPDX-License-Identifier: Apache-2.0
 *
 * A fresh folder for each test of the store, and the check that HDF5 holds nothing afterwards. */
#ifndef ETALON_TESTS_UNIT_STORE_FOLDER_H
#define ETALON_TESTS_UNIT_STORE_FOLDER_H

#include <etalon/store.h>

#include <check.h>
#include <dirent.h>
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "close.h"

static char folder[64];
static char path[128];

static inline void set_up(void)
{
    strcpy(folder, "/tmp/etalon-store-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/run.h5", folder);
}

static inline size_t files_in_folder(void)
{
    size_t n = 0;
    DIR *directory = opendir(folder);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        n += entry->d_name[0] != '.';
    closedir(directory);
    return n;
}

/* Every identifier that a test opened inside HDF5 must be gone. */
static inline void tear_down(void)
{
    ck_assert_int_eq(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), 0);
    chmod(folder, 0700);
    DIR *directory = opendir(folder);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        unlinkat(dirfd(directory), entry->d_name, 0);
    closedir(directory);
    ck_assert_int_eq(rmdir(folder), 0);
}

static inline struct et_store *create(void)
{
    struct et_store *store = NULL;
    assert_ok(et_store_create(path, &store));
    return store;
}

static inline struct et_store *reopen(struct et_store *written)
{
    struct et_store *store = NULL;
    assert_ok(et_store_commit(&written));
    ck_assert_ptr_null(written);
    assert_ok(et_store_open(path, &store));
    return store;
}

/* A small committed file with one number, the "previous result" of the accident tests. */
static inline void write_number(double value)
{
    struct et_store *store = create();
    assert_ok(et_store_write_f64(store, "/value", value, "V", "a number", ET_STABLE));
    assert_ok(et_store_commit(&store));
}

static inline double read_number(void)
{
    struct et_store *store = NULL;
    double value = 0;
    assert_ok(et_store_open(path, &store));
    assert_ok(et_store_read_f64(store, "/value", &value));
    et_store_close(store);
    return value;
}

static inline char *file_bytes(size_t *size)
{
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*size);
    ck_assert_uint_eq(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

#endif
