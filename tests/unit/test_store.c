/* SPDX-License-Identifier: Apache-2.0
 *
 * The store with its own files: what is written comes back. */
#include "unit/store_folder.h"

START_TEST(every_kind_and_rank_comes_back)
{
    static const double f64[24] = {0.1, -1e300, 2, [23] = 5e-324};
    static const float f32[24] = {0.1F, -1e30F, 2, [23] = 1e-45F};
    static const int32_t i32[24] = {INT32_MIN, INT32_MAX, 3, [23] = -1};
    static const int64_t i64[24] = {INT64_MIN, INT64_MAX, 3, [23] = -1};
    static const uint8_t u8[24] = {0, 255, 3, [23] = 7};
    static const void *const data[] = {f32, f64, i32, i64, u8};
    static const size_t sizes[] = {4, 8, 4, 8, 1};
    static const size_t dims[5][4] = {{0}, {24}, {4, 6}, {2, 3, 4}, {2, 3, 2, 2}};
    struct et_store *store = create();
    char name[64];
    for (int kind = 0; kind < 5; kind++)
        for (size_t rank = 0; rank <= 4; rank++) {
            struct et_store_shape shape = {(enum et_store_kind)kind, rank, {0}};
            memcpy(shape.dims, dims[rank], sizeof shape.dims);
            snprintf(name, sizeof name, "/kind%d/rank/%zu", kind, rank);
            assert_ok(et_store_write(store, name, shape, data[kind], "1", "x", ET_STABLE));
        }
    store = reopen(store);
    for (int kind = 0; kind < 5; kind++)
        for (size_t rank = 0; rank <= 4; rank++) {
            struct et_store_shape shape;
            char got[24 * 8];
            snprintf(name, sizeof name, "/kind%d/rank/%zu", kind, rank);
            ck_assert(et_store_has(store, name));
            assert_ok(et_store_shape(store, name, &shape));
            ck_assert_int_eq((int)shape.kind, kind);
            ck_assert_uint_eq(shape.rank, rank);
            ck_assert_mem_eq(shape.dims, dims[rank], sizeof shape.dims);
            assert_ok(et_store_read(store, name, shape, got));
            ck_assert_mem_eq(got, data[kind], sizes[kind] * (rank == 0 ? 1 : 24));
        }
    et_store_close(store);
}
END_TEST

START_TEST(kinds_convert_on_reading)
{
    const int32_t values[3] = {1, -2, 300};
    const struct et_store_shape shape = {ET_STORE_I32, 1, {3}};
    struct et_store_shape want = {ET_STORE_F64, 1, {3}};
    double got[3];
    struct et_store *store = create();
    assert_ok(et_store_write(store, "/a", shape, values, "1", "x", ET_STABLE));
    store = reopen(store);
    assert_ok(et_store_read(store, "/a", want, got));
    for (size_t i = 0; i < 3; i++)
        ck_assert_double_eq(got[i], values[i]);
    want.dims[0] = 2;
    assert_status(et_store_read(store, "/a", want, got), ET_SHAPE);
    assert_message("/run.h5: /a: is [3], expected [2]");
    want.rank = 0;
    assert_status(et_store_read(store, "/a", want, got), ET_SHAPE);
    et_store_close(store);
}
END_TEST

START_TEST(empty_arrays_come_back)
{
    const struct et_store_shape shape = {ET_STORE_F32, 2, {0, 5}};
    struct et_store_shape got;
    struct et_array array = {0};
    struct et_store *store = create();
    assert_ok(et_store_write(store, "/none", shape, NULL, "1", "x", ET_STABLE));
    store = reopen(store);
    assert_ok(et_store_shape(store, "/none", &got));
    ck_assert_uint_eq(got.rank, 2);
    ck_assert_uint_eq(got.dims[0], 0);
    ck_assert_uint_eq(got.dims[1], 5);
    assert_ok(et_store_read_array(store, "/none", &array));
    ck_assert_uint_eq(array.rows, 0);
    et_array_destroy(&array);
    et_store_close(store);
}
END_TEST

START_TEST(shorthands_come_back)
{
    float data[12];
    for (int i = 0; i < 12; i++)
        data[i] = (float)i;
    const struct et_store_shape cube = {ET_STORE_F32, 3, {2, 3, 2}};
    struct et_store *store = create();
    struct et_view part = et_view_cols(et_view_of(data, 3, 4), 1, 2);
    assert_ok(et_store_write_view(store, "/view", part, "Pa", "a part of a matrix"));
    assert_ok(et_store_write(store, "/cube", cube, data, "1", "x", ET_STABLE));
    assert_ok(et_store_write_f64(store, "/f", 0.1, "s", "x", ET_STABLE));
    assert_ok(et_store_write_i64(store, "/i", INT64_MIN, "1", "x", ET_STABLE));
    store = reopen(store);

    struct et_array array = {0};
    assert_ok(et_store_read_array(store, "/view", &array));
    ck_assert_uint_eq(array.rows, 3);
    ck_assert_uint_eq(array.cols, 2);
    const float want[6] = {1, 2, 5, 6, 9, 10};
    assert_close(array.data, want, 6, 0, 0);
    et_array_destroy(&array);
    assert_ok(et_store_read_array(store, "/cube", &array));
    ck_assert_uint_eq(array.rows, 2);
    ck_assert_uint_eq(array.cols, 6);
    assert_close(array.data, data, 12, 0, 0);
    et_array_destroy(&array);
    assert_ok(et_store_read_array(store, "/f", &array));
    ck_assert_uint_eq(array.rows * array.cols, 1);
    et_array_destroy(&array);

    double f = 0;
    int64_t i = 0;
    assert_ok(et_store_read_f64(store, "/f", &f));
    assert_ok(et_store_read_i64(store, "/i", &i));
    ck_assert_double_eq(f, 0.1);
    ck_assert_int_eq(i, INT64_MIN);
    assert_status(et_store_read_f64(store, "/cube", &f), ET_SHAPE);
    assert_message("has 12 elements");
    et_store_close(store);
}
END_TEST

START_TEST(text_comes_back)
{
    enum { LONG = 100000 };
    char *large = malloc(LONG + 1), *got = NULL;
    memset(large, 'x', LONG);
    large[LONG] = '\0';
    struct et_store *store = create();
    assert_ok(et_store_write_text(store, "/t/empty", "", "x", ET_STABLE));
    assert_ok(et_store_write_text(store, "/t/utf8", "étalon λ/2\n", "x", ET_STABLE));
    assert_ok(et_store_write_text(store, "/t/large", large, "x", ET_STABLE));
    assert_ok(et_store_write_f64(store, "/number", 1, "1", "x", ET_STABLE));
    store = reopen(store);
    assert_ok(et_store_read_text(store, "/t/empty", &got));
    ck_assert_str_eq(got, "");
    et_free(got);
    assert_ok(et_store_read_text(store, "/t/utf8", &got));
    ck_assert_str_eq(got, "étalon λ/2\n");
    et_free(got);
    assert_ok(et_store_read_text(store, "/t/large", &got));
    ck_assert_str_eq(got, large);
    et_free(got);
    assert_status(et_store_read_text(store, "/number", &got), ET_FORMAT);
    ck_assert_ptr_null(got);
    assert_status(et_store_shape(store, "/t/utf8", &(struct et_store_shape){0}), ET_FORMAT);
    assert_message("/t/utf8: is text");
    et_store_close(store);
    free(large);
}
END_TEST

static void check_text_attribute(hid_t object, const char *name, const char *want)
{
    char got[64] = "";
    hid_t id = H5Aopen(object, name, H5P_DEFAULT);
    ck_assert_int_ge(id, 0);
    hid_t type = H5Aget_type(id);
    ck_assert_int_eq((int)H5Tget_cset(type), H5T_CSET_UTF8);
    ck_assert_int_ge(H5Aread(id, type, got), 0);
    ck_assert_str_eq(got, want);
    H5Tclose(type);
    H5Aclose(id);
}

START_TEST(datasets_carry_their_attributes)
{
    struct et_store *store = create();
    assert_ok(et_store_write_f64(store, "/g/p", 1, "mW/cm²", "optical power", ET_STABLE));
    assert_ok(et_store_write_f64(store, "/g/t", 1, "s", "wall time", ET_VOLATILE));
    assert_ok(et_store_commit(&store));
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t p = H5Dopen2(file, "/g/p", H5P_DEFAULT), t = H5Dopen2(file, "/g/t", H5P_DEFAULT);
    check_text_attribute(p, "units", "mW/cm²");
    check_text_attribute(p, "description", "optical power");
    ck_assert_int_eq(H5Aexists(p, "volatile"), 0);
    ck_assert_int_gt(H5Aexists(t, "volatile"), 0);
    ck_assert_int_gt(H5Aexists(file, "etalon_layout"), 0);
    hid_t type = H5Dget_type(p);
    ck_assert_int_gt(H5Tequal(type, H5T_IEEE_F64LE), 0);
    H5Tclose(type);
    H5Dclose(p);
    H5Dclose(t);
    H5Fclose(file);
}
END_TEST

START_TEST(equal_content_gives_equal_files)
{
    size_t size[2];
    char *bytes[2];
    for (int i = 0; i < 2; i++) {
        /* Time stamps count seconds. */
        if (i == 1) usleep(1100000);
        struct et_store *store = create();
        char name[32];
        for (int j = 0; j < 40; j++) {
            snprintf(name, sizeof name, "/g%d/value%d", j % 3, j);
            assert_ok(et_store_write_i64(store, name, j, "1", "x", ET_STABLE));
        }
        assert_ok(et_store_commit(&store));
        bytes[i] = file_bytes(&size[i]);
    }
    ck_assert_uint_eq(size[0], size[1]);
    ck_assert_mem_eq(bytes[0], bytes[1], size[0]);
    free(bytes[0]);
    free(bytes[1]);
}
END_TEST

START_TEST(wrong_names_are_refused)
{
    static const char *const wrong[] = {"",   "a",    "/",     "//a",   "/a/",
                                        "/.", "/a/.", "/a/..", "/..//", "/a//b"};
    char deep[64] = "", large[2048] = "/";
    for (int i = 0; i < 17; i++)
        strcat(deep, "/g");
    memset(large + 1, 'x', sizeof large - 2);
    struct et_store *store = create();
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_status(et_store_write_i64(store, wrong[i], 1, "1", "x", ET_STABLE), ET_INVALID);
    assert_status(et_store_write_i64(store, deep, 1, "1", "x", ET_STABLE), ET_INVALID);
    assert_status(et_store_write_i64(store, large, 1, "1", "x", ET_STABLE), ET_INVALID);
    assert_ok(et_store_write_i64(store, "/a", 1, "1", "x", ET_STABLE));
    assert_status(et_store_write_i64(store, "/a", 2, "1", "x", ET_STABLE), ET_INVALID);
    assert_message("/run.h5: /a: exists already");
    assert_status(et_store_write_i64(store, "/a/b", 2, "1", "x", ET_STABLE), ET_INVALID);
    const struct et_store_shape rank5 = {ET_STORE_F32, 5, {1, 1, 1, 1}};
    const struct et_store_shape huge = {ET_STORE_F32, 2, {(size_t)1 << 40, (size_t)1 << 40}};
    assert_status(et_store_write(store, "/b", rank5, deep, "1", "x", ET_STABLE), ET_INVALID);
    assert_status(et_store_write(store, "/b", huge, deep, "1", "x", ET_STABLE), ET_INVALID);
    ck_assert(!et_store_has(store, "/b"));
    ck_assert(et_store_has(store, "/"));
    store = reopen(store);
    int64_t value = 0;
    assert_ok(et_store_read_i64(store, "/a", &value));
    ck_assert_int_eq(value, 1);
    assert_status(et_store_read_i64(store, "/none", &value), ET_MISSING);
    assert_message("/run.h5: /none: there is no");
    assert_status(et_store_read_i64(store, "/a/b", &value), ET_MISSING);
    assert_status(et_store_read_i64(store, "/", &value), ET_FORMAT);
    et_store_close(store);
}
END_TEST

static bool collect(const char *name, bool is_group, void *user)
{
    char *text = user;
    strcat(strcat(text, name), is_group ? "/ " : " ");
    return strcmp(name, "stop") != 0;
}

START_TEST(members_come_sorted)
{
    char seen[128] = "";
    struct et_store *store = create();
    static const char *const names[] = {"/g/zeta", "/g/alpha/x", "/g/mid",
                                        "/g/A",    "/s/stop",    "/s/t"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_ok(et_store_write_i64(store, names[i], 1, "1", "x", ET_STABLE));
    store = reopen(store);
    assert_ok(et_store_each(store, "/g", collect, seen));
    ck_assert_str_eq(seen, "A alpha/ mid zeta ");
    seen[0] = '\0';
    assert_ok(et_store_each(store, "/", collect, seen));
    ck_assert_str_eq(seen, "g/ s/ ");
    seen[0] = '\0';
    assert_ok(et_store_each(store, "/s", collect, seen));
    ck_assert_str_eq(seen, "stop ");
    assert_status(et_store_each(store, "/none", collect, seen), ET_MISSING);
    assert_status(et_store_each(store, "/g/A", collect, seen), ET_FORMAT);
    et_store_close(store);
}
END_TEST

/* ---- digest ---- */

enum change { NOTHING, ORDER, VALUE, NAME, SHAPE, KIND, TEXT, IS_VOLATILE, ENVIRONMENT };

static uint64_t digest_after(enum change change)
{
    const int32_t data[6] = {1, 2, 3, 4, 5, change == VALUE ? 7 : 6};
    struct et_store_shape shape = {change == KIND ? ET_STORE_F32 : ET_STORE_I32, 2, {2, 3}};
    if (change == SHAPE) memcpy(shape.dims, (size_t[]){3, 2}, 2 * sizeof(size_t));
    struct et_store *store = create();
    if (change == ORDER) assert_ok(et_store_write_i64(store, "/z", 1, "1", "x", ET_STABLE));
    assert_ok(
        et_store_write(store, change == NAME ? "/g/b" : "/g/a", shape, data, "1", "x", ET_STABLE));
    assert_ok(et_store_write_text(store, "/text", change == TEXT ? "b" : "a", "x", ET_STABLE));
    assert_ok(
        et_store_write_f64(store, "/wall", change == IS_VOLATILE ? 2 : 1, "s", "x", ET_VOLATILE));
    assert_ok(et_store_write_text(store, "/environment/host", change == ENVIRONMENT ? "b" : "a",
                                  "x", ET_STABLE));
    if (change != ORDER) assert_ok(et_store_write_i64(store, "/z", 1, "1", "x", ET_STABLE));
    uint64_t before = 0, after = 0;
    assert_ok(et_store_digest(store, &before));
    store = reopen(store);
    assert_ok(et_store_digest(store, &after));
    et_store_close(store);
    ck_assert_uint_eq(before, after);
    return after;
}

START_TEST(digest_sees_content_and_nothing_else)
{
    const uint64_t plain = digest_after(NOTHING);
    ck_assert_uint_eq(digest_after(ORDER), plain);
    ck_assert_uint_eq(digest_after(IS_VOLATILE), plain);
    ck_assert_uint_eq(digest_after(ENVIRONMENT), plain);
    for (int change = VALUE; change <= TEXT; change++)
        ck_assert_uint_ne(digest_after((enum change)change), plain);
}
END_TEST

START_TEST(library_tells_its_version)
{
    unsigned a = 0, b = 0, c = 0;
    char want[64];
    H5get_libversion(&a, &b, &c);
    snprintf(want, sizeof want, "%u.%u.%u", a, b, c);
    ck_assert_str_eq(et_store_library(), want);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store");
    TCase *tests = tcase_create("store");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, every_kind_and_rank_comes_back);
    tcase_add_test(tests, kinds_convert_on_reading);
    tcase_add_test(tests, empty_arrays_come_back);
    tcase_add_test(tests, shorthands_come_back);
    tcase_add_test(tests, text_comes_back);
    tcase_add_test(tests, datasets_carry_their_attributes);
    tcase_add_test(tests, equal_content_gives_equal_files);
    tcase_add_test(tests, wrong_names_are_refused);
    tcase_add_test(tests, members_come_sorted);
    tcase_add_test(tests, digest_sees_content_and_nothing_else);
    tcase_add_test(tests, library_tells_its_version);
    suite_add_tcase(suite, tests);
    return suite_result(suite);
}
