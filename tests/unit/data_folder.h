/* SPDX-License-Identifier: Apache-2.0
 *
 * A fresh folder for data files, and shorthands to fill it and to load data sets. */
#ifndef ETALON_TESTS_UNIT_DATA_FOLDER_H
#define ETALON_TESTS_UNIT_DATA_FOLDER_H

#include <etalon/dataset.h>

#include <check.h>
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "close.h"

static char folder[64];

static inline void set_up(void)
{
    strcpy(folder, "/tmp/etalon-data-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static inline void tear_down(void)
{
    DIR *directory = opendir(folder);
    ck_assert_ptr_nonnull(directory);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        unlinkat(dirfd(directory), entry->d_name, 0);
    closedir(directory);
    ck_assert_int_eq(rmdir(folder), 0);
}

/* folder/name, in one of a few rotating buffers. */
static inline const char *in_folder(const char *name)
{
    static char paths[4][128];
    static size_t next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static inline void write_bytes(const char *name, const void *bytes, size_t size)
{
    FILE *file = fopen(in_folder(name), "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}

static inline void write_text(const char *name, const char *text)
{
    write_bytes(name, text, strlen(text));
}

/* Loads a data set from formatted YAML, seed 1. */
ET_PRINTF(2, 3)
static inline enum et_status load(struct et_dataset *dataset, const char *format, ...)
{
    char yaml[1024];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(yaml, sizeof yaml, format, arguments);
    va_end(arguments);
    ck_assert_int_lt(length, (int)sizeof yaml);
    return et_dataset_load_text(yaml, 1, dataset);
}

/* Fails every allocation of a load in turn: each failure must say so and leak nothing (which a
 * sanitizer sees); the first load that is not disturbed succeeds. */
static inline void fail_every_allocation(const char *yaml)
{
    struct et_dataset dataset = {0};
    enum et_status status = ET_NOMEM;
    size_t n = 0;
    while (status == ET_NOMEM && n < 100000) {
        et_alloc_fail_at(++n);
        status = et_dataset_load_text(yaml, 1, &dataset);
        et_alloc_fail_at(0);
        if (status == ET_NOMEM) {
            ck_assert_int_eq((int)et_error_status(), ET_NOMEM);
            ck_assert_ptr_null(dataset.x.data);
            ck_assert_ptr_null(dataset.label);
        }
    }
    assert_ok(status);
    ck_assert_uint_gt(n, 3);
    et_dataset_destroy(&dataset);
}

/* The folder of data that is not part of the project, or NULL (said aloud). */
static inline const char *data_folder(void)
{
    const char *data = getenv("ETALON_DATA");
    if (data == NULL) data = "../shared/data";
    if (access(data, R_OK) == 0) return data;
    fprintf(stderr, "SKIPPED: no data folder '%s'; set ETALON_DATA\n", data);
    return NULL;
}

/* Runs a suite of one case with the folder as its fixture. */
static inline int run_case(const char *name, const TTest *const *tests, size_t n)
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 0);
    for (size_t i = 0; i < n; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return suite_result(suite);
}

#endif
