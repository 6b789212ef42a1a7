/* SPDX-License-Identifier: Apache-2.0
 *
 * The store with files of other origin: what is standard is read, what could do harm is refused
 * with a message. */
#include "unit/store_folder.h"

#include <fcntl.h>

/* A file made by HDF5 directly, in the classic format that most programs write. */
static hid_t foreign_file(void)
{
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    ck_assert_int_ge(file, 0);
    return file;
}

static struct et_store *open_foreign(hid_t file)
{
    struct et_store *store = NULL;
    ck_assert_int_ge(H5Fclose(file), 0);
    assert_ok(et_store_open_foreign(path, &store));
    return store;
}

/* Creates a dataset and, with data, writes it; closes plist and type when they are ours. */
static void put(hid_t file, const char *name, hid_t type, int rank, const hsize_t *dims,
                hid_t plist, hid_t memory, const void *data)
{
    hid_t space = rank == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(rank, dims, NULL);
    hid_t id = H5Dcreate2(file, name, type, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    ck_assert_int_ge(id, 0);
    if (data != NULL)
        ck_assert_int_ge(H5Dwrite(id, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, data), 0);
    H5Dclose(id);
    H5Sclose(space);
}

static hid_t pair_type(hid_t first, hid_t second, size_t gap)
{
    size_t size = H5Tget_size(first);
    hid_t type = H5Tcreate(H5T_COMPOUND, size + gap + H5Tget_size(second));
    H5Tinsert(type, "r", 0, first);
    H5Tinsert(type, "i", size + gap, second);
    return type;
}

START_TEST(complex_numbers_have_a_last_axis)
{
    const hsize_t dims[3] = {2, 3, 1};
    const double values[12] = {0, 1, -2, 3, 4, -5, 6, 7, 8, 9, 10, 11.5};
    hid_t file = foreign_file();
    hid_t single = pair_type(H5T_IEEE_F32BE, H5T_IEEE_F32BE, 0);
    hid_t twice = pair_type(H5T_IEEE_F64LE, H5T_IEEE_F64LE, 0);
    hid_t memory = pair_type(H5T_NATIVE_DOUBLE, H5T_NATIVE_DOUBLE, 0);
    put(file, "/single", single, 2, dims, H5P_DEFAULT, memory, values);
    put(file, "/double", twice, 3, dims, H5P_DEFAULT, memory, values);
    H5Tclose(single);
    H5Tclose(twice);
    H5Tclose(memory);
    struct et_store *store = open_foreign(file);
    struct et_store_shape shape;
    struct et_array array = {0};
    double read[12];
    uint64_t digest = 0;
    assert_ok(et_store_shape(store, "/single", &shape));
    ck_assert(shape.kind == ET_STORE_F32 && shape.rank == 3);
    ck_assert(shape.dims[0] == 2 && shape.dims[1] == 3 && shape.dims[2] == 2);
    assert_ok(et_store_read_array(store, "/single", &array));
    ck_assert(array.rows == 2 && array.cols == 6);
    for (size_t i = 0; i < 12; i++)
        ck_assert_double_eq((double)array.data[i], values[i]);
    et_array_destroy(&array);
    assert_ok(et_store_shape(store, "/double", &shape));
    ck_assert(shape.kind == ET_STORE_F64 && shape.rank == 4 && shape.dims[3] == 2);
    assert_ok(et_store_read(store, "/double", shape, read));
    ck_assert(memcmp(read, values, sizeof values) == 0);
    assert_ok(et_store_digest(store, &digest));
    et_store_close(store);
}
END_TEST

START_TEST(other_compounds_are_refused)
{
    const hsize_t dims[4] = {1, 1, 1, 1};
    hid_t file = foreign_file();
    hid_t types[] = {pair_type(H5T_IEEE_F32LE, H5T_IEEE_F64LE, 0),
                     pair_type(H5T_IEEE_F32LE, H5T_IEEE_F32LE, 4),
                     pair_type(H5T_STD_I32LE, H5T_STD_I32LE, 0), H5Tcreate(H5T_COMPOUND, 24)};
    char name[32];
    for (size_t i = 0; i < 3; i++)
        H5Tinsert(types[3], i == 0 ? "a" : i == 1 ? "b" : "c", 8 * i, H5T_IEEE_F64LE);
    for (size_t i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "/d%zu", i);
        put(file, name, types[i], 1, dims, H5P_DEFAULT, 0, NULL);
        H5Tclose(types[i]);
    }
    hid_t whole = pair_type(H5T_IEEE_F32LE, H5T_IEEE_F32LE, 0);
    put(file, "/deep", whole, 4, dims, H5P_DEFAULT, 0, NULL);
    H5Tclose(whole);
    struct et_store *store = open_foreign(file);
    struct et_store_shape shape;
    for (size_t i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "/d%zu", i);
        assert_status(et_store_shape(store, name, &shape), ET_FORMAT);
        assert_message("neither text nor a standard number format");
    }
    assert_status(et_store_shape(store, "/deep", &shape), ET_FORMAT);
    assert_message("rank 4 of complex numbers is above 3");
    et_store_close(store);
}
END_TEST

START_TEST(standard_formats_are_read)
{
    const hid_t types[] = {H5T_STD_I8BE,   H5T_STD_U8BE,  H5T_STD_I16BE, H5T_STD_U16LE,
                           H5T_STD_I32BE,  H5T_STD_U32LE, H5T_STD_I64BE, H5T_STD_U64BE,
                           H5T_IEEE_F32BE, H5T_IEEE_F64BE};
    const hsize_t dims[2] = {2, 3};
    const double values[6] = {0, 1, 2, 100, 101, 102};
    char name[32];
    hid_t file = foreign_file();
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        snprintf(name, sizeof name, "/d%zu", i);
        put(file, name, types[i], 2, dims, H5P_DEFAULT, H5T_NATIVE_DOUBLE, values);
    }
    struct et_store *store = open_foreign(file);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct et_array array = {0};
        snprintf(name, sizeof name, "/d%zu", i);
        assert_ok(et_store_read_array(store, name, &array));
        for (size_t j = 0; j < 6; j++)
            ck_assert_double_eq((double)array.data[j], values[j]);
        et_array_destroy(&array);
    }
    uint64_t digest = 0;
    assert_ok(et_store_digest(store, &digest));
    et_store_close(store);
    assert_status(et_store_open(path, &store), ET_FORMAT);
    assert_message("not a file of Etalon");
}
END_TEST

START_TEST(compressed_chunks_are_read)
{
    enum { N = 100000 };
    const hsize_t dims[1] = {N}, chunk[1] = {1000};
    static float data[N];
    for (size_t i = 0; i < N; i++)
        data[i] = (float)(i % 7);
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE), file = foreign_file();
    H5Pset_chunk(plist, 1, chunk);
    H5Pset_shuffle(plist);
    H5Pset_deflate(plist, 6);
    H5Pset_fletcher32(plist);
    put(file, "/d", H5T_IEEE_F32LE, 1, dims, plist, H5T_NATIVE_FLOAT, data);
    H5Pclose(plist);
    struct et_store *store = open_foreign(file);
    struct et_array array = {0};
    assert_ok(et_store_read_array(store, "/d", &array));
    ck_assert_uint_eq(array.rows, N);
    ck_assert_uint_eq(array.cols, 1);
    ck_assert_mem_eq(array.data, data, sizeof data);
    et_array_destroy(&array);
    et_store_close(store);
}
END_TEST

START_TEST(texts_of_all_kinds_are_read)
{
    const hsize_t two[1] = {2};
    const char *variable = "of variable length", *pair[2] = {"a", "b"}, *empty = "";
    hid_t file = foreign_file(), type = H5Tcopy(H5T_C_S1), fixed = H5Tcopy(H5T_FORTRAN_S1);
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_size(fixed, 8);
    put(file, "/variable", type, 0, NULL, H5P_DEFAULT, type, &variable);
    put(file, "/empty", type, 0, NULL, H5P_DEFAULT, type, &empty);
    put(file, "/pair", type, 1, two, H5P_DEFAULT, type, pair);
    put(file, "/fortran", fixed, 0, NULL, H5P_DEFAULT, fixed, "abc     ");
    H5Tclose(type);
    H5Tclose(fixed);
    struct et_store *store = open_foreign(file);
    char *text = NULL;
    assert_ok(et_store_read_text(store, "/variable", &text));
    ck_assert_str_eq(text, variable);
    et_free(text);
    assert_ok(et_store_read_text(store, "/empty", &text));
    ck_assert_str_eq(text, "");
    et_free(text);
    assert_ok(et_store_read_text(store, "/fortran", &text));
    ck_assert_str_eq(text, "abc");
    et_free(text);
    assert_status(et_store_read_text(store, "/pair", &text), ET_SHAPE);
    assert_message("/pair: has 2 texts");
    et_store_close(store);
}
END_TEST

/* The length of a variable-length text is a claim of the dataset, not of the heap. */
START_TEST(false_text_length_is_refused)
{
    const char *words = "twelve bytes";
    hid_t file = foreign_file(), type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    put(file, "/t", type, 0, NULL, H5P_DEFAULT, type, &words);
    H5Tclose(type);
    H5Fflush(file, H5F_SCOPE_GLOBAL);
    hid_t id = H5Dopen2(file, "/t", H5P_DEFAULT);
    haddr_t at = H5Dget_offset(id);
    H5Dclose(id);
    H5Fclose(file);
    static const uint32_t lengths[] = {13, 4000, 0x7fffffff, 0xffffffff};
    for (size_t i = 0; i < 4; i++) {
        char *text = NULL;
        struct et_store *store = NULL;
        int fd = open(path, O_WRONLY);
        ck_assert_int_eq(pwrite(fd, &lengths[i], 4, (off_t)at), 4);
        close(fd);
        assert_ok(et_store_open_foreign(path, &store));
        assert_status(et_store_read_text(store, "/t", &text), ET_FORMAT);
        assert_message("/t: its text is not where the file says");
        et_store_close(store);
    }
}
END_TEST

START_TEST(odd_formats_are_refused)
{
    hid_t file = foreign_file(), odd = H5Tcopy(H5T_STD_I32LE), half = H5Tcopy(H5T_IEEE_F32LE);
    hid_t pair = H5Tcreate(H5T_COMPOUND, 8);
    H5Tinsert(pair, "re", 0, H5T_STD_I32LE);
    H5Tinsert(pair, "im", 4, H5T_STD_I32LE);
    H5Tset_precision(odd, 20);
    H5Tset_fields(half, 15, 10, 5, 0, 10);
    H5Tset_precision(half, 16);
    H5Tset_size(half, 2);
    const hid_t types[] = {odd, half, pair, H5T_STD_B8LE, H5T_STD_REF_OBJ};
    char name[32];
    for (size_t i = 0; i < 5; i++) {
        snprintf(name, sizeof name, "/d%zu", i);
        put(file, name, types[i], 0, NULL, H5P_DEFAULT, -1, NULL);
    }
    H5Tclose(odd);
    H5Tclose(half);
    H5Tclose(pair);
    struct et_store *store = open_foreign(file);
    for (size_t i = 0; i < 5; i++) {
        double value = 0;
        snprintf(name, sizeof name, "/d%zu", i);
        assert_status(et_store_read_f64(store, name, &value), ET_FORMAT);
        assert_message("neither text nor a standard number format");
    }
    et_store_close(store);
}
END_TEST

static void refuse(struct et_store *store, const char *name, const char *why)
{
    struct et_store_shape shape;
    struct et_array array = {0};
    uint64_t digest = 0;
    assert_status(et_store_shape(store, name, &shape), ET_FORMAT);
    assert_message(why);
    assert_status(et_store_read_array(store, name, &array), ET_FORMAT);
    assert_message(name);
    ck_assert_ptr_null(array.data);
    assert_status(et_store_digest(store, &digest), ET_FORMAT);
}

START_TEST(huge_claims_are_refused)
{
    static const struct {
        int rank;
        hsize_t dims[5], chunk[5];
        const char *why;
    } cases[] = {
        {1, {(hsize_t)1 << 40}, {1000}, "claims more elements"},
        {2, {(hsize_t)1 << 33, (hsize_t)1 << 33}, {1000, 1000}, "claims more elements"},
        {2, {(hsize_t)1 << 33, 0}, {1000, 1000}, "claims more elements"},
        {1, {100000000}, {0}, "claims more elements"},
        {1, {200000}, {1}, "chunk size or number"},
        {1, {1000}, {500000000}, "chunk size or number"},
        {5, {1, 1, 1, 1, 1}, {0}, "rank 5 is above 4"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hid_t plist = H5Pcreate(H5P_DATASET_CREATE), file = foreign_file();
        hsize_t unlimited[5] = {H5S_UNLIMITED, H5S_UNLIMITED, H5S_UNLIMITED, H5S_UNLIMITED,
                                H5S_UNLIMITED};
        bool chunked = cases[i].chunk[0] > 0;
        if (chunked) H5Pset_chunk(plist, cases[i].rank, cases[i].chunk);
        hid_t space = H5Screate_simple(cases[i].rank, cases[i].dims, chunked ? unlimited : NULL);
        hid_t id =
            H5Dcreate2(file, "/huge", H5T_IEEE_F32LE, space, H5P_DEFAULT, plist, H5P_DEFAULT);
        ck_assert_int_ge(id, 0);
        H5Dclose(id);
        H5Sclose(space);
        H5Pclose(plist);
        struct et_store *store = open_foreign(file);
        refuse(store, "/huge", cases[i].why);
        et_store_close(store);
    }
}
END_TEST

START_TEST(storage_outside_the_file_is_refused)
{
    const hsize_t dims[1] = {4};
    hid_t external = H5Pcreate(H5P_DATASET_CREATE), virtual = H5Pcreate(H5P_DATASET_CREATE);
    hid_t scale = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(1, dims, NULL);
    H5Pset_external(external, "/etc/passwd", 0, 16);
    H5Pset_virtual(virtual, space, "/etc/none.h5", "/d", space);
    H5Pset_chunk(scale, 1, dims);
    H5Pset_scaleoffset(scale, H5Z_SO_INT, 0);
    const hid_t plists[] = {external, virtual, scale};
    static const char *const why[] = {"lies outside the file", "lies outside the file",
                                      "filter 6 is not"};
    for (size_t i = 0; i < 3; i++) {
        hid_t file = foreign_file();
        put(file, "/d", H5T_STD_I32LE, 1, dims, plists[i], -1, NULL);
        struct et_store *store = open_foreign(file);
        refuse(store, "/d", why[i]);
        et_store_close(store);
        H5Pclose(plists[i]);
    }
    H5Sclose(space);
}
END_TEST

static bool count(const char *name, bool is_group, void *user)
{
    (void)name;
    (void)is_group;
    ++*(size_t *)user;
    return true;
}

START_TEST(links_elsewhere_are_not_followed)
{
    const double one = 1;
    double value = 0;
    size_t members = 0;
    hid_t file = foreign_file();
    put(file, "/d", H5T_IEEE_F64LE, 0, NULL, H5P_DEFAULT, H5T_NATIVE_DOUBLE, &one);
    H5Lcreate_soft("/d", file, "/soft", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_soft("/", file, "/root", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_external("other.h5", "/d", file, "/external", H5P_DEFAULT, H5P_DEFAULT);
    struct et_store *store = open_foreign(file);
    static const char *const names[] = {"/soft", "/root/d", "/external"};
    for (size_t i = 0; i < 3; i++) {
        ck_assert(!et_store_has(store, names[i]));
        assert_status(et_store_read_f64(store, names[i], &value), ET_FORMAT);
        assert_message("is a soft or external link");
    }
    assert_ok(et_store_each(store, "/", count, &members));
    ck_assert_uint_eq(members, 1);
    et_store_close(store);
}
END_TEST

START_TEST(groups_in_circles_end)
{
    uint64_t digest = 0;
    hid_t file = foreign_file();
    hid_t group = H5Gcreate2(file, "/g", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    char name[32];
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "again%d", i);
        ck_assert_int_ge(H5Lcreate_hard(file, "/g", group, name, H5P_DEFAULT, H5P_DEFAULT), 0);
    }
    H5Gclose(group);
    struct et_store *store = open_foreign(file);
    assert_status(et_store_digest(store, &digest), ET_FORMAT);
    assert_message("groups in circles");
    et_store_close(store);
}
END_TEST

/* Two links to the next group at each of 14 levels: 32766 members, no circle. */
START_TEST(groups_in_very_many_ways_end)
{
    uint64_t digest = 0;
    hid_t file = foreign_file(), outer = H5Gopen2(file, "/", H5P_DEFAULT);
    for (int i = 0; i < 14; i++) {
        hid_t inner = H5Gcreate2(outer, "a", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        H5Lcreate_hard(outer, "a", outer, "b", H5P_DEFAULT, H5P_DEFAULT);
        H5Gclose(outer);
        outer = inner;
    }
    H5Gclose(outer);
    struct et_store *store = open_foreign(file);
    assert_status(et_store_digest(store, &digest), ET_FORMAT);
    assert_message("has more than");
    et_store_close(store);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_hostile");
    TCase *tests = tcase_create("store_hostile");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, standard_formats_are_read);
    tcase_add_test(tests, complex_numbers_have_a_last_axis);
    tcase_add_test(tests, other_compounds_are_refused);
    tcase_add_test(tests, compressed_chunks_are_read);
    tcase_add_test(tests, texts_of_all_kinds_are_read);
    tcase_add_test(tests, false_text_length_is_refused);
    tcase_add_test(tests, odd_formats_are_refused);
    tcase_add_test(tests, huge_claims_are_refused);
    tcase_add_test(tests, storage_outside_the_file_is_refused);
    tcase_add_test(tests, links_elsewhere_are_not_followed);
    tcase_add_test(tests, groups_in_circles_end);
    tcase_add_test(tests, groups_in_very_many_ways_end);
    suite_add_tcase(suite, tests);
    return suite_result(suite);
}
