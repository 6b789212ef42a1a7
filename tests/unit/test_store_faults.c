/* SPDX-License-Identifier: Apache-2.0
 *
 * The store in trouble: whatever happens, the previous file stays and one message says why. */
#include "unit/store_folder.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* HDF5 1.10.8 loses 424 bytes whenever the checksum of an object header is wrong.  That no
 * identifier of ours stays open is checked after each test. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libhdf5";
}

/* Runs a test's body in a child, since limits and identities stick; 0 = it returned true. */
static int in_child(bool (*body)(void))
{
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) _exit(body() ? 0 : 1);
    int state = 0;
    waitpid(child, &state, 0);
    return state;
}

static bool message_has(enum et_status got, enum et_status want, const char *part)
{
    bool ok = got == want && strstr(et_error_message(), part) != NULL &&
              strstr(et_error_message(), path) != NULL;
    if (!ok) fprintf(stderr, "got '%s'\n", et_error_message());
    return ok;
}

static bool killed_before_commit(void)
{
    struct et_store *store = NULL;
    if (et_store_create(path, &store) != ET_OK ||
        et_store_write_f64(store, "/value", 2, "V", "x", ET_STABLE) != ET_OK)
        return false;
    raise(SIGKILL);
    return false;
}

START_TEST(kill_before_commit_keeps_the_old_file)
{
    write_number(1);
    ck_assert(WIFSIGNALED(in_child(killed_before_commit)));
    ck_assert_double_eq(read_number(), 1);
    write_number(3);
    ck_assert_double_eq(read_number(), 3);
}
END_TEST

START_TEST(close_without_commit_keeps_the_old_file)
{
    write_number(1);
    struct et_store *store = create();
    assert_ok(et_store_write_f64(store, "/value", 2, "V", "x", ET_STABLE));
    ck_assert_uint_eq(files_in_folder(), 2);
    et_store_close(store);
    et_store_close(NULL);
    ck_assert_uint_eq(files_in_folder(), 1);
    ck_assert_double_eq(read_number(), 1);
}
END_TEST

/* In a container every run may have the same process number. */
START_TEST(leavings_of_a_killed_run_do_no_harm)
{
    char leaving[256];
    snprintf(leaving, sizeof leaving, "%s.tmp-%ld", path, (long)getpid());
    FILE *file = fopen(leaving, "w");
    ck_assert_ptr_nonnull(file);
    fputs("half a file", file);
    fclose(file);
    write_number(1);
    ck_assert_double_eq(read_number(), 1);
    ck_assert_uint_eq(files_in_folder(), 1);
}
END_TEST

START_TEST(two_writers_of_one_file_are_refused)
{
    struct et_store *first = create(), *second = NULL;
    assert_status(et_store_create(path, &second), ET_IO);
    assert_message("is writing it already");
    ck_assert_ptr_null(second);
    assert_ok(et_store_commit(&first));
}
END_TEST

START_TEST(reader_keeps_the_file_that_it_opened)
{
    double value = 0;
    struct et_store *reader = NULL;
    write_number(1);
    assert_ok(et_store_open(path, &reader));
    write_number(2);
    assert_ok(et_store_read_f64(reader, "/value", &value));
    ck_assert_double_eq(value, 1);
    et_store_close(reader);
    ck_assert_double_eq(read_number(), 2);
}
END_TEST

static bool refused_without_rights(void)
{
    /* The superuser may write anywhere. */
    if (geteuid() == 0 && seteuid(65534) != 0) return false;
    struct et_store *store = NULL;
    return message_has(et_store_create(path, &store), ET_IO, "Permission denied") && store == NULL;
}

START_TEST(directory_without_rights)
{
    write_number(1);
    chmod(folder, 0555);
    ck_assert_int_eq(in_child(refused_without_rights), 0);
    chmod(folder, 0700);
    ck_assert_double_eq(read_number(), 1);
}
END_TEST

START_TEST(directory_missing_or_not_one)
{
    char wrong[256];
    struct et_store *store = NULL;
    snprintf(wrong, sizeof wrong, "%s/none/run.h5", folder);
    assert_status(et_store_create(wrong, &store), ET_IO);
    assert_message("none/run.h5: cannot open its directory: No such file");
    write_number(1);
    snprintf(wrong, sizeof wrong, "%s/run.h5", path);
    assert_status(et_store_create(wrong, &store), ET_IO);
    assert_message("Not a directory");
    assert_status(et_store_create(folder, &store), ET_IO);
    assert_message("is not a regular file");
    assert_status(et_store_create("/dev/null", &store), ET_IO);
    assert_message("is not a regular file");
    char large[300];
    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    assert_status(et_store_create(large, &store), ET_IO);
    assert_message("File name too long");
    ck_assert_ptr_null(store);
}
END_TEST

static bool disk_fills_at_commit(void)
{
    static float data[100000];
    const struct et_store_shape shape = {ET_STORE_F32, 1, {100000}};
    const struct rlimit limit = {50000, 50000};
    struct et_store *store = NULL;
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0 || et_store_create(path, &store) != ET_OK ||
        et_store_write(store, "/data", shape, data, "1", "x", ET_STABLE) != ET_OK)
        return false;
    return message_has(et_store_commit(&store), ET_IO, "File too large") && store == NULL &&
           files_in_folder() == 1 && H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL) == 0;
}

START_TEST(full_disk_keeps_the_old_file)
{
    write_number(1);
    ck_assert_int_eq(in_child(disk_fills_at_commit), 0);
    ck_assert_double_eq(read_number(), 1);
    ck_assert_uint_eq(files_in_folder(), 1);
}
END_TEST

/* ---- files that are not what they should be ---- */

static void write_bytes(const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static void set_layout(int32_t version, bool remove)
{
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    hid_t id = H5Aopen(file, "etalon_layout", H5P_DEFAULT);
    ck_assert_int_ge(H5Awrite(id, H5T_NATIVE_INT32, &version), 0);
    H5Aclose(id);
    if (remove) ck_assert_int_ge(H5Adelete(file, "etalon_layout"), 0);
    H5Fclose(file);
}

START_TEST(wrong_files_are_named)
{
    struct et_store *store = NULL;
    assert_status(et_store_open(path, &store), ET_MISSING);
    assert_message("/run.h5: cannot open: No such file");
    assert_status(et_store_open(folder, &store), ET_IO);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    assert_status(et_store_open(path, &store), ET_IO);
    assert_message("is not a regular file");
    unlink(path);
    write_bytes("", 0);
    assert_status(et_store_open(path, &store), ET_FORMAT);
    write_bytes("text\n", 5);
    assert_status(et_store_open_foreign(path, &store), ET_FORMAT);
    assert_message("/run.h5: is not an HDF5 file");
    ck_assert_ptr_null(store);
}
END_TEST

START_TEST(another_layout_is_named)
{
    struct et_store *store = NULL;
    write_number(1);
    set_layout(7, false);
    assert_status(et_store_open(path, &store), ET_FORMAT);
    assert_message("has layout version 7; this build reads version 1");
    assert_ok(et_store_open_foreign(path, &store));
    et_store_close(store);
    set_layout(1, true);
    assert_status(et_store_open(path, &store), ET_FORMAT);
    assert_message("not a file of Etalon");
}
END_TEST

static void write_rich_file(void)
{
    float data[60] = {1};
    struct et_store *store = create();
    assert_ok(et_store_write_view(store, "/g/m", et_view_of(data, 6, 10), "1", "x"));
    assert_ok(et_store_write_text(store, "/g/text", "some text", "x", ET_STABLE));
    assert_ok(et_store_write_i64(store, "/i", 1, "1", "x", ET_VOLATILE));
    assert_ok(et_store_commit(&store));
}

START_TEST(truncation_is_noticed_at_every_length)
{
    size_t size = 0;
    write_rich_file();
    char *bytes = file_bytes(&size);
    for (size_t cut = 0; cut < size; cut += cut < 600 ? 1 : 7) {
        struct et_store *store = NULL;
        write_bytes(bytes, cut);
        assert_status(et_store_open(path, &store), ET_FORMAT);
        ck_assert_ptr_null(store);
    }
    free(bytes);
}
END_TEST

static bool read_all(struct et_store *store)
{
    struct et_array array = {0};
    char *text = NULL;
    int64_t i = 0;
    uint64_t digest = 0;
    bool ok = et_store_read_array(store, "/g/m", &array) == ET_OK;
    ok = et_store_read_text(store, "/g/text", &text) == ET_OK && ok;
    ok = et_store_read_i64(store, "/i", &i) == ET_OK && ok;
    ok = et_store_digest(store, &digest) == ET_OK && ok;
    et_array_destroy(&array);
    et_free(text);
    return ok;
}

/* Metadata carry checksums; only the numbers themselves can change unseen. */
START_TEST(flipped_bytes_are_noticed_in_metadata)
{
    size_t size = 0, unseen = 0;
    write_rich_file();
    char *bytes = file_bytes(&size);
    for (size_t at = 0; at < size; at++) {
        struct et_store *store = NULL;
        bytes[at] = (char)(bytes[at] ^ 0x10);
        write_bytes(bytes, size);
        bool ok = et_store_open(path, &store) == ET_OK && read_all(store);
        if (!ok) ck_assert_int_ne((int)et_error_status(), ET_OK);
        et_store_close(store);
        unseen += ok;
        bytes[at] = (char)(bytes[at] ^ 0x10);
    }
    /* 60 floats, 10 bytes of text and one integer. */
    ck_assert_uint_eq(unseen, 240 + 10 + 8);
    free(bytes);
}
END_TEST

/* ---- allocation failures ---- */

static enum et_status write_and_read(void)
{
    float data[6] = {1, 2, 3, 4, 5, 6};
    struct et_store *store = NULL;
    enum et_status status = et_store_create(path, &store);
    if (status == ET_OK)
        status = et_store_write_view(store, "/g/m", et_view_cols(et_view_of(data, 2, 3), 0, 2), "1",
                                     "x");
    if (status == ET_OK) status = et_store_write_text(store, "/g/text", "t", "x", ET_STABLE);
    if (status == ET_OK) status = et_store_write_i64(store, "/i", 1, "1", "x", ET_STABLE);
    if (status != ET_OK) {
        et_store_close(store);
        return status;
    }
    ET_TRY(et_store_commit(&store));
    ET_TRY(et_store_open(path, &store));
    if (!read_all(store)) status = et_error_status();
    et_store_close(store);
    return status;
}

START_TEST(every_allocation_may_fail)
{
    enum { MANY = 1000 };
    size_t n = 1;
    for (; n < MANY; n++) {
        et_error_clear();
        et_alloc_fail_at(n);
        enum et_status status = write_and_read();
        et_alloc_fail_at(0);
        ck_assert_int_eq(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), 0);
        ck_assert_uint_le(files_in_folder(), 1);
        if (status == ET_OK) break;
        ck_assert_int_eq((int)status, ET_NOMEM);
    }
    ck_assert_uint_gt(n, 10);
    ck_assert_uint_lt(n, MANY);
}
END_TEST

/* ---- HDF5's own messages ---- */

static herr_t count_print(hid_t stack, void *user)
{
    (void)stack;
    ++*(int *)user;
    return 0;
}

START_TEST(hdf5_stays_quiet_and_its_setting_is_kept)
{
    int printed = 0;
    H5E_auto2_t old = NULL, after = NULL;
    void *old_data = NULL, *after_data = NULL;
    struct et_store *store = NULL;
    H5Eget_auto2(H5E_DEFAULT, &old, &old_data);
    H5Eset_auto2(H5E_DEFAULT, count_print, &printed);
    size_t size = 0;
    write_rich_file();
    char *bytes = file_bytes(&size);
    write_bytes(bytes, size / 2);
    free(bytes);
    assert_status(et_store_open(path, &store), ET_FORMAT);
    assert_message("damaged or truncated: HDF5: unable to open file: ");
    ck_assert_int_eq(printed, 0);
    H5Eget_auto2(H5E_DEFAULT, &after, &after_data);
    ck_assert(after == count_print && after_data == &printed);
    H5Eset_auto2(H5E_DEFAULT, old, old_data);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_faults");
    TCase *tests = tcase_create("store_faults");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, kill_before_commit_keeps_the_old_file);
    tcase_add_test(tests, close_without_commit_keeps_the_old_file);
    tcase_add_test(tests, leavings_of_a_killed_run_do_no_harm);
    tcase_add_test(tests, two_writers_of_one_file_are_refused);
    tcase_add_test(tests, reader_keeps_the_file_that_it_opened);
    tcase_add_test(tests, directory_without_rights);
    tcase_add_test(tests, directory_missing_or_not_one);
    tcase_add_test(tests, full_disk_keeps_the_old_file);
    tcase_add_test(tests, wrong_files_are_named);
    tcase_add_test(tests, another_layout_is_named);
    tcase_add_test(tests, truncation_is_noticed_at_every_length);
    tcase_add_test(tests, flipped_bytes_are_noticed_in_metadata);
    tcase_add_test(tests, every_allocation_may_fail);
    tcase_add_test(tests, hdf5_stays_quiet_and_its_setting_is_kept);
    suite_add_tcase(suite, tests);
    return suite_result(suite);
}
