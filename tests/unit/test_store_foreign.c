/* SPDX-License-Identifier: Apache-2.0
 *
 * What other formats need of the store: plain files, lists of text, rows of variable length,
 * attributes; and none of these from a file that lies about them. */
#include "unit/store_folder.h"

#include <fcntl.h>

static struct et_store *create_plain(void)
{
    struct et_store *store = NULL;
    assert_ok(et_store_create_foreign(path, &store));
    return store;
}

static struct et_store *reopen_plain(struct et_store *written)
{
    struct et_store *store = NULL;
    assert_ok(et_store_commit(&written));
    assert_ok(et_store_open_foreign(path, &store));
    return store;
}

static const char *const words[6] = {
    "one", "", "three", "a much longer text than the others", "\xc3\xa4", "six"};

START_TEST(texts_come_back)
{
    const struct et_store_shape pairs = {.rank = 2, .dims = {3, 2}},
                                none = {.rank = 2, .dims = {0, 2}};
    struct et_store_texts texts;
    struct et_store *store = create_plain();
    assert_ok(et_store_write_texts(store, "/node/edges", pairs, words));
    assert_ok(et_store_write_texts(store, "/none", none, NULL));
    assert_ok(et_store_write_text(store, "/single", "alone", NULL, ET_STABLE));
    store = reopen_plain(store);
    assert_ok(et_store_read_texts(store, "/node/edges", &texts));
    ck_assert(texts.rank == 2 && texts.dims[0] == 3 && texts.dims[1] == 2 && texts.n == 6);
    for (size_t i = 0; i < 6; i++)
        ck_assert_str_eq(texts.text[i], words[i]);
    et_store_texts_destroy(&texts);
    assert_ok(et_store_read_texts(store, "/none", &texts));
    ck_assert_uint_eq(texts.n, 0);
    et_store_texts_destroy(&texts);
    char *text = NULL;
    assert_ok(et_store_read_text(store, "/single", &text));
    ck_assert_str_eq(text, "alone");
    et_free(text);
    uint64_t digest = 0;
    assert_ok(et_store_digest(store, &digest));
    et_store_close(store);
}
END_TEST

START_TEST(fixed_texts_and_compressed_ones_are_read)
{
    const hsize_t dims[2] = {3, 2}, chunk[2] = {2, 1};
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t fixed = H5Tcopy(H5T_C_S1), variable = H5Tcopy(H5T_C_S1);
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(2, dims, NULL);
    H5Tset_size(fixed, 3);
    H5Tset_strpad(fixed, H5T_STR_NULLPAD);
    H5Tset_size(variable, H5T_VARIABLE);
    H5Pset_chunk(plist, 2, chunk);
    H5Pset_deflate(plist, 4);
    hid_t id = H5Dcreate2(file, "/fixed", fixed, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    H5Dwrite(id, fixed, H5S_ALL, H5S_ALL, H5P_DEFAULT, "abca\0\0bc\0def\0\0\0x\0\0");
    H5Dclose(id);
    id = H5Dcreate2(file, "/variable", variable, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    H5Dwrite(id, variable, H5S_ALL, H5S_ALL, H5P_DEFAULT, words);
    H5Dclose(id);
    H5Sclose(space);
    H5Pclose(plist);
    H5Tclose(fixed);
    H5Tclose(variable);
    H5Fclose(file);
    struct et_store *store = NULL;
    struct et_store_texts texts;
    assert_ok(et_store_open_foreign(path, &store));
    static const char *const want[6] = {"abc", "a", "bc", "def", "", "x"};
    assert_ok(et_store_read_texts(store, "/fixed", &texts));
    for (size_t i = 0; i < 6; i++)
        ck_assert_str_eq(texts.text[i], want[i]);
    et_store_texts_destroy(&texts);
    assert_ok(et_store_read_texts(store, "/variable", &texts));
    for (size_t i = 0; i < 6; i++)
        ck_assert_str_eq(texts.text[i], words[i]);
    et_store_texts_destroy(&texts);
    et_store_close(store);
}
END_TEST

START_TEST(rows_come_back)
{
    size_t start[5] = {0, 3, 3, 4, 8}, n = 0;
    double values[8] = {0.5, 1e-300, -3, 4, 5, 6, 7, 8};
    const struct et_store_rows written = {4, start, values};
    struct et_store_rows rows = {0};
    struct et_store_shape shape;
    struct et_store *store = create_plain();
    assert_ok(et_store_write_rows(store, "/spikes/times", ET_STORE_F64, &written));
    store = reopen_plain(store);
    ck_assert(et_store_has_rows(store, "/spikes/times", &n));
    ck_assert_uint_eq(n, 4);
    ck_assert(!et_store_has_rows(store, "/spikes", &n));
    assert_ok(et_store_read_rows(store, "/spikes/times", ET_STORE_F64, 0, 4, &rows));
    ck_assert_mem_eq(rows.start, start, sizeof start);
    ck_assert_mem_eq(rows.data, values, sizeof values);
    et_store_rows_destroy(&rows);
    assert_ok(et_store_read_rows(store, "/spikes/times", ET_STORE_F32, 2, 2, &rows));
    ck_assert(rows.start[0] == 0 && rows.start[1] == 1 && rows.start[2] == 5);
    for (size_t i = 0; i < 5; i++)
        ck_assert_float_eq(((float *)rows.data)[i], (float)(i + 4));
    et_store_rows_destroy(&rows);
    assert_status(et_store_read_rows(store, "/spikes/times", ET_STORE_F32, 3, 2, &rows), ET_SHAPE);
    assert_message("rows 3 to 5 of 4");
    assert_status(et_store_shape(store, "/spikes/times", &shape), ET_FORMAT);
    assert_message("has rows of variable length where numbers are expected");
    uint64_t digest = 0;
    assert_ok(et_store_digest(store, &digest));
    et_store_close(store);
}
END_TEST

START_TEST(attributes_and_bools_come_back)
{
    const uint8_t bits[4] = {1, 0, 0, 1};
    const struct et_store_shape shape = {ET_STORE_BOOL, 1, {4}};
    struct et_store_shape got;
    uint8_t read[4];
    double value = 0;
    char *text = NULL;
    struct et_store *store = create_plain();
    assert_ok(et_store_write_attribute_text(store, "/", "__type__", "NIRGraphData"));
    assert_ok(et_store_write_attribute_f64(store, "/nodes/a", "dt", 1e-4));
    assert_ok(et_store_write_attribute_i64(store, "/nodes/a", "n", 700));
    assert_ok(et_store_write(store, "/bits", shape, bits, NULL, NULL, ET_STABLE));
    store = reopen_plain(store);
    assert_ok(et_store_read_attribute_text(store, "/", "__type__", &text));
    ck_assert_str_eq(text, "NIRGraphData");
    et_free(text);
    assert_ok(et_store_read_attribute_f64(store, "/nodes/a", "dt", &value));
    ck_assert_double_eq(value, 1e-4);
    assert_ok(et_store_read_attribute_f64(store, "/nodes/a", "n", &value));
    ck_assert_double_eq(value, 700);
    assert_status(et_store_read_attribute_f64(store, "/", "__type__", &value), ET_FORMAT);
    assert_message("attribute '__type__' is not a number");
    assert_status(et_store_read_attribute_text(store, "/nodes/a", "dt", &text), ET_FORMAT);
    assert_message("attribute 'dt' is not text");
    assert_status(et_store_read_attribute_text(store, "/nodes/a", "none", &text), ET_MISSING);
    assert_message("has no attribute 'none'");
    assert_ok(et_store_shape(store, "/bits", &got));
    ck_assert(got.kind == ET_STORE_BOOL && got.rank == 1 && got.dims[0] == 4);
    assert_ok(et_store_read(store, "/bits", got, read));
    ck_assert_mem_eq(read, bits, sizeof bits);
    et_store_close(store);
}
END_TEST

static herr_t count_attribute(hid_t object, const char *name, const H5A_info_t *info, void *user)
{
    (void)object, (void)name, (void)info;
    ++*(size_t *)user;
    return 0;
}

START_TEST(plain_files_carry_nothing_of_ours)
{
    size_t attributes = 0;
    struct et_store *store = create_plain();
    assert_ok(et_store_write_f64(store, "/g/x", 1, NULL, NULL, ET_VOLATILE));
    assert_ok(et_store_commit(&store));
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t x = H5Dopen2(file, "/g/x", H5P_DEFAULT);
    H5Aiterate2(file, H5_INDEX_NAME, H5_ITER_INC, NULL, count_attribute, &attributes);
    H5Aiterate2(x, H5_INDEX_NAME, H5_ITER_INC, NULL, count_attribute, &attributes);
    H5Dclose(x);
    H5Fclose(file);
    ck_assert_uint_eq(attributes, 0);
    const struct et_store_shape one = {.rank = 1, .dims = {1}};
    store = create();
    assert_status(et_store_write_texts(store, "/t", one, words), ET_UNSUPPORTED);
    assert_message("only foreign formats have it");
    assert_status(et_store_write_attribute_f64(store, "/", "a", 1), ET_UNSUPPORTED);
    et_store_close(store);
}
END_TEST

/* Writes 3 rows of 2, 3 and 4 doubles with HDF5 itself and puts other bytes into the references,
 * 16 each: length 4, heap address 8, object 4. */
static struct et_store *rows_with(size_t at, const void *bytes, size_t n)
{
    static double values[4] = {1, 2, 3, 4};
    const hsize_t dims[1] = {3};
    const hvl_t row[3] = {{2, values}, {3, values}, {4, values}};
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t type = H5Tvlen_create(H5T_NATIVE_DOUBLE), space = H5Screate_simple(1, dims, NULL);
    hid_t id = H5Dcreate2(file, "/r", type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Dwrite(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, row);
    H5Fflush(file, H5F_SCOPE_GLOBAL);
    haddr_t place = H5Dget_offset(id);
    H5Dclose(id);
    H5Sclose(space);
    H5Tclose(type);
    H5Fclose(file);
    int fd = open(path, O_WRONLY);
    ck_assert_int_eq(pwrite(fd, bytes, n, (off_t)(place + at)), (ssize_t)n);
    close(fd);
    struct et_store *store = NULL;
    assert_ok(et_store_open_foreign(path, &store));
    return store;
}

START_TEST(false_rows_are_refused)
{
    static const struct {
        size_t at;
        uint32_t value;
        const char *why;
    } cases[] = {
        {0, 3, "its data is not where the file says"}, /* longer than the object */
        {16, 0x7fffffff, "row 1 and those before it are larger than the file"},
        {32, 0xffffffff, "row 2 and those before it are larger than the file"},
        {4, 9, "its data is not where the file says"},     /* no heap there */
        {8, 1, "its data is not where the file says"},     /* far beyond the file */
        {12, 77, "its data is not where the file says"},   /* no such object */
        {12, 70000, "its data is not where the file says"} /* no such index */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct et_store_rows rows = {0};
        struct et_store *store = rows_with(cases[i].at, &cases[i].value, 4);
        assert_status(et_store_read_rows(store, "/r", ET_STORE_F64, 0, 3, &rows), ET_FORMAT);
        assert_message(cases[i].why);
        ck_assert(rows.data == NULL && rows.start == NULL);
        et_store_close(store);
    }
    struct et_store_rows rows = {0};
    struct et_store *store = rows_with(12, &(uint32_t){1}, 4);
    assert_ok(et_store_read_rows(store, "/r", ET_STORE_I64, 0, 3, &rows));
    ck_assert_int_eq(((int64_t *)rows.data)[8], 4);
    et_store_rows_destroy(&rows);
    et_store_close(store);
}
END_TEST

/* Every failure of memory is reported, and none loses memory (the sanitizers look). */
START_TEST(memory_failures_are_reported)
{
    size_t start[3] = {0, 1, 3};
    int32_t values[3] = {1, 2, 3};
    const struct et_store_rows written = {2, start, values};
    const struct et_store_shape six = {.rank = 1, .dims = {6}};
    struct et_store *store = create_plain();
    assert_ok(et_store_write_rows(store, "/r", ET_STORE_I32, &written));
    assert_ok(et_store_write_texts(store, "/t", six, words));
    assert_ok(et_store_write_attribute_text(store, "/", "a", "text"));
    store = reopen_plain(store);
    for (size_t n = 1; n < 8; n++) {
        struct et_store_rows rows = {0};
        struct et_store_texts texts;
        char *text = NULL;
        et_alloc_fail_at(n);
        enum et_status status = et_store_read_rows(store, "/r", ET_STORE_F32, 0, 2, &rows);
        ck_assert_int_eq(status, n <= 4 ? ET_NOMEM : ET_OK);
        if (status == ET_OK) et_store_rows_destroy(&rows);
        et_alloc_fail_at(n);
        status = et_store_read_texts(store, "/t", &texts);
        ck_assert_int_eq(status, n <= 3 ? ET_NOMEM : ET_OK);
        if (status == ET_OK) et_store_texts_destroy(&texts);
        et_alloc_fail_at(n);
        status = et_store_read_attribute_text(store, "/", "a", &text);
        ck_assert_int_eq(status, n <= 3 ? ET_NOMEM : ET_OK);
        et_free(text);
    }
    et_alloc_fail_at(0);
    et_store_close(store);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_foreign");
    TCase *tests = tcase_create("store_foreign");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, texts_come_back);
    tcase_add_test(tests, fixed_texts_and_compressed_ones_are_read);
    tcase_add_test(tests, rows_come_back);
    tcase_add_test(tests, attributes_and_bools_come_back);
    tcase_add_test(tests, plain_files_carry_nothing_of_ours);
    tcase_add_test(tests, false_rows_are_refused);
    tcase_add_test(tests, memory_failures_are_reported);
    suite_add_tcase(suite, tests);
    return suite_result(suite);
}
