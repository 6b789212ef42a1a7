/* SPDX-License-Identifier: Apache-2.0
 *
 * Data sets from files: the registry, the checks on everything that loads, CSV and HDF5. */
#include <etalon/store.h>

#include "unit/data_folder.h"

START_TEST(registry_lists_the_types)
{
    static const char *const names[] = {"vowels", "rings", "checkerboard", "csv",
                                        "idx",    "hdf5",  "wav-folder"};
    const struct et_type_entry *entry;
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        for (size_t i = 0; (entry = et_dataset_types("dataset", i)) != NULL; i++)
            if (strcmp(entry->name, names[k]) == 0) break;
        ck_assert_msg(entry != NULL, "%s", names[k]);
        ck_assert_ptr_nonnull(entry->params);
        ck_assert_ptr_nonnull(entry->summary);
        ck_assert_ptr_null(entry->absent);
    }
    ck_assert_ptr_null(et_dataset_types("system", 0));
}
END_TEST

START_TEST(every_parameter_is_documented)
{
    const struct et_type_entry *entry;
    for (size_t i = 0; (entry = et_dataset_types("dataset", i)) != NULL; i++)
        for (const struct et_param *param = entry->params; param->name != NULL; param++)
            ck_assert_msg(param->doc != NULL && param->doc[0] != '\0', "%s: %s", entry->name,
                          param->name);
}
END_TEST

START_TEST(wrong_configurations_point_at_the_value)
{
    struct et_dataset dataset = {0};
    assert_status(load(&dataset, "{type: vowel}"), ET_CONFIG);
    assert_status(load(&dataset, "{type: rings, n: 1}"), ET_CONFIG);
    assert_message("n = 1 rows is outside");
    assert_status(load(&dataset, "{type: rings, noisy: 1}"), ET_CONFIG);
    assert_message("noise");
    assert_status(load(&dataset, "{type: rings, n: 3, classes: 4}"), ET_CONFIG);
    assert_message("fewer rows than classes");
    assert_status(load(&dataset, "{type: vowels, classes: [ae, ahh]}"), ET_CONFIG);
    assert_message("unknown name 'ahh'; did you mean 'ah'?");
    assert_status(load(&dataset, "{type: vowels, groups: [men, men]}"), ET_CONFIG);
    assert_message("'men' stands here twice");
    assert_status(load(&dataset, "{type: vowels, classes: [ae]}"), ET_CONFIG);
    assert_status(load(&dataset, "{type: csv}"), ET_CONFIG);
    ck_assert_ptr_null(dataset.x.data);
}
END_TEST

START_TEST(missing_data_say_what_to_set)
{
    struct et_dataset dataset = {0};
    assert_status(load(&dataset, "{type: csv, path: '${ETALON_DATA}/no/such.csv'}"), ET_MISSING);
    assert_message("no/such.csv");
    assert_message("ETALON_DATA");
    assert_message("while loading data set 'csv'");
}
END_TEST

/* ------------------------------------------------------------------------------------ CSV -- */

static enum et_status load_csv(struct et_dataset *dataset, const char *text, const char *more)
{
    write_text("a.csv", text);
    return load(dataset, "{type: csv, path: %s%s}", in_folder("a.csv"), more);
}

START_TEST(csv_with_names_and_groups)
{
    struct et_dataset dataset = {0};
    assert_ok(load_csv(&dataset, "who,f,g,kind\nb,1,2,no\na,3,4,yes\nb,5,6,no\n",
                       ", label: {column: kind}, group: {column: who}"));
    const float want[] = {1, 2, 3, 4, 5, 6};
    const int32_t labels[] = {0, 1, 0}, groups[] = {1, 0, 1};
    ck_assert_uint_eq(dataset.x.rows, 3);
    ck_assert_uint_eq(dataset.x.cols, 2);
    ck_assert_mem_eq(dataset.x.data, want, sizeof want);
    ck_assert_mem_eq(dataset.label, labels, sizeof labels);
    ck_assert_mem_eq(dataset.group, groups, sizeof groups);
    ck_assert_str_eq(dataset.class_name[0], "no");
    ck_assert_str_eq(dataset.class_name[1], "yes");
    et_dataset_destroy(&dataset);
}
END_TEST

START_TEST(csv_label_from_part_of_a_text)
{
    struct et_dataset dataset = {0};
    assert_ok(load_csv(&dataset, ",F,F\nw01ae,1,2\nw02ae,3,4\nw01uw,5,6\n",
                       ", label: {column: 0, from: 3, length: 2}, "
                       "group: {column: first, length: 3}"));
    const int32_t labels[] = {0, 0, 1}, groups[] = {0, 1, 0};
    ck_assert_uint_eq(dataset.x.cols, 2);
    ck_assert_mem_eq(dataset.label, labels, sizeof labels);
    ck_assert_mem_eq(dataset.group, groups, sizeof groups);
    ck_assert_str_eq(dataset.class_name[1], "uw");
    et_dataset_destroy(&dataset);
    assert_status(load_csv(&dataset, "w01ae,1\nw02,3\n", ", label: {column: 0, from: 3}"),
                  ET_FORMAT);
    assert_message("a.csv:2: column 0 holds \"w02\", shorter than 4");
}
END_TEST

START_TEST(csv_numbers_as_labels_sort_as_numbers)
{
    struct et_dataset dataset = {0};
    assert_ok(load_csv(&dataset, "1 10\n2 9\n3 2\n", ", delimiter: space, header: no"));
    const int32_t labels[] = {2, 1, 0};
    ck_assert_mem_eq(dataset.label, labels, sizeof labels);
    ck_assert_str_eq(dataset.class_name[2], "10");
    et_dataset_destroy(&dataset);
}
END_TEST

START_TEST(csv_header_and_features_by_choice)
{
    struct et_dataset dataset = {0};
    /* A header of numbers is not recognised, but can be stated. */
    assert_ok(load_csv(&dataset, "0;0;0\n1;2;a\n3;4;b\n", ", delimiter: semicolon, header: yes"));
    ck_assert_uint_eq(dataset.x.rows, 2);
    et_dataset_destroy(&dataset);
    assert_ok(load_csv(&dataset, "t,u,v,y\nx,2,3,a\nx,5,6,b\n", ", features: [v, '1']"));
    const float want[] = {3, 2, 6, 5};
    ck_assert_mem_eq(dataset.x.data, want, sizeof want);
    et_dataset_destroy(&dataset);
    assert_status(load_csv(&dataset, "u,v,y\n2,3,a\n5,6,b\n", ", features: [w]"), ET_CONFIG);
    assert_message("has no column 'w'");
}
END_TEST

START_TEST(csv_classes_by_list)
{
    struct et_dataset dataset = {0};
    assert_ok(load_csv(&dataset, "1,b\n2,a\n", ", classes: [a, z, b]"));
    const int32_t labels[] = {2, 0};
    ck_assert_uint_eq(dataset.n_classes, 3);
    ck_assert_mem_eq(dataset.label, labels, sizeof labels);
    ck_assert_str_eq(dataset.class_name[1], "z");
    et_dataset_destroy(&dataset);
    assert_status(load_csv(&dataset, "1,b\n2,c\n", ", classes: [a, b]"), ET_FORMAT);
    assert_message("a.csv:2: \"c\" is none of the 2 classes");
}
END_TEST

START_TEST(bad_csv_is_refused)
{
    struct et_dataset dataset = {0};
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"1,2,a\n3,b\n", "a.csv:2: 2 fields, but the first line has 3"},
        {"1,2,a\n3,nan,b\n", "a.csv:2: column 1 holds \"nan\", not a number"},
        {"1,2,a\n3,,b\n", "a.csv:2: column 1 holds \"\", not a number"},
        {"1,2,a\n3,4,\n", "a.csv:2: column 2 holds \"\", shorter than 1"},
        {"1,2,a\n3,4,a\n", "1 class; at least 2"},
        {"u,v,y\n", "a.csv:1: 0 rows with 2 features"},
        {"a\nb\nc\n", "2 rows with 0 features"},
        {"", "a.csv:1: the file has no row"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_status(load_csv(&dataset, cases[i].text, ""), ET_FORMAT);
        assert_message(cases[i].message);
        ck_assert_ptr_null(dataset.x.data);
        ck_assert_ptr_null(dataset.class_name);
    }
}
END_TEST

START_TEST(real_vowel_tables_load)
{
    if (data_folder() == NULL) return;
    struct et_dataset dataset = {0};
    assert_ok(load(&dataset, "{type: csv, path: '${ETALON_DATA}/phyll/vowel_formants_7class.csv', "
                             "label: {column: 0, from: 3, length: 2}, "
                             "group: {column: 0, from: 0, length: 3}}"));
    static const float first[] = {678, 2293, 2861, 681, 2295, 2868,
                                  711, 2160, 2867, 705, 1968, 2906};
    size_t count[7] = {0};
    int32_t speakers = 0;
    ck_assert_uint_eq(dataset.x.rows, 258);
    ck_assert_uint_eq(dataset.n_classes, 7);
    ck_assert_mem_eq(dataset.x.data, first, sizeof first);
    for (size_t r = 0; r < 258; r++) {
        count[dataset.label[r]]++;
        if (dataset.group[r] >= speakers) speakers = dataset.group[r] + 1;
    }
    for (size_t c = 0; c < 7; c++)
        ck_assert_uint_eq(count[c], c == 6 ? 36 : 37);
    ck_assert_str_eq(dataset.class_name[6], "uw");
    ck_assert_int_eq(speakers, 48);
    et_dataset_destroy(&dataset);
    assert_ok(load(&dataset, "{type: csv, path: '${ETALON_DATA}/vowels-formants/h95.csv', "
                             "label: {column: vowel}, group: {column: speaker}, "
                             "features: [f1, f2, f3]}"));
    ck_assert_uint_eq(dataset.x.rows, 1668);
    ck_assert_uint_eq(dataset.n_classes, 12);
    ck_assert(dataset.x.data[0] == 630 && dataset.x.data[2] == 3166);
    et_dataset_destroy(&dataset);
}
END_TEST

/* ----------------------------------------------------------------------------------- HDF5 -- */

static const float rows_x[] = {1, 2, 3, 4, 5, 6};
static const int32_t rows_y[] = {0, 2, 1};

/* /x [3][2], /labels [3], /wide [2], and what x and labels hold for the bad cases. */
static void write_h5(const float *x, const int32_t *y)
{
    struct et_store *store = NULL;
    const double fractions[] = {0, 1, 0.5};
    assert_ok(et_store_create(in_folder("a.h5"), &store));
    assert_ok(et_store_write(store, "/x", (struct et_store_shape){ET_STORE_F32, 2, {3, 2}}, x, "1",
                             "features", ET_STABLE));
    assert_ok(et_store_write(store, "/labels", (struct et_store_shape){ET_STORE_I32, 1, {3}}, y,
                             "1", "classes", ET_STABLE));
    assert_ok(et_store_write(store, "/short", (struct et_store_shape){ET_STORE_I32, 1, {2}}, y, "1",
                             "too few", ET_STABLE));
    assert_ok(et_store_write(store, "/real", (struct et_store_shape){ET_STORE_F64, 1, {3}},
                             fractions, "1", "not integers", ET_STABLE));
    assert_ok(et_store_commit(&store));
}

static enum et_status load_h5(struct et_dataset *dataset, const char *more)
{
    return load(dataset, "{type: hdf5, path: %s%s}", in_folder("a.h5"), more);
}

START_TEST(hdf5_loads)
{
    struct et_dataset dataset = {0};
    write_h5(rows_x, rows_y);
    assert_ok(load_h5(&dataset, ", groups: /labels"));
    ck_assert_uint_eq(dataset.x.rows, 3);
    ck_assert_uint_eq(dataset.n_classes, 3);
    ck_assert_mem_eq(dataset.x.data, rows_x, sizeof rows_x);
    ck_assert_mem_eq(dataset.label, rows_y, sizeof rows_y);
    ck_assert_mem_eq(dataset.group, rows_y, sizeof rows_y);
    et_dataset_destroy(&dataset);
    assert_ok(load_h5(&dataset, ", x_test: /x, labels_test: /labels, classes: 5"));
    ck_assert_uint_eq(dataset.x.rows, 6);
    ck_assert_uint_eq(dataset.n_train, 3);
    ck_assert_uint_eq(dataset.n_classes, 5);
    ck_assert_mem_eq(dataset.x.data + 6, rows_x, sizeof rows_x);
    ck_assert_mem_eq(dataset.label + 3, rows_y, sizeof rows_y);
    et_dataset_destroy(&dataset);
}
END_TEST

START_TEST(bad_hdf5_is_refused)
{
    struct et_dataset dataset = {0};
    static const int32_t negative[] = {0, -1, 1};
    static const float gap[] = {1, 2, 3, NAN, 5, 6};
    write_h5(rows_x, rows_y);
    assert_status(load_h5(&dataset, ", classes: 2"), ET_FORMAT);
    assert_message("row 1: label 2 is outside 0 .. 1");
    assert_status(load_h5(&dataset, ", labels: /short"), ET_SHAPE);
    assert_message("'/short' has 2 rows, the features have 3");
    assert_status(load_h5(&dataset, ", labels: /x"), ET_SHAPE);
    assert_status(load_h5(&dataset, ", labels: /real"), ET_FORMAT);
    assert_status(load_h5(&dataset, ", labels: /none"), ET_MISSING);
    assert_status(load_h5(&dataset, ", x: /none"), ET_MISSING);
    assert_status(load_h5(&dataset, ", x_test: /x"), ET_CONFIG);
    assert_status(load_h5(&dataset, ", x_test: /real, labels_test: /labels"), ET_SHAPE);
    write_h5(rows_x, negative);
    assert_status(load_h5(&dataset, ""), ET_FORMAT);
    assert_message("row 1: label -1");
    write_h5(gap, rows_y);
    assert_status(load_h5(&dataset, ""), ET_FORMAT);
    assert_message("row 1, column 1");
    write_text("a.h5", "not HDF5 at all");
    assert_status(load_h5(&dataset, ""), ET_FORMAT);
    ck_assert_ptr_null(dataset.x.data);
}
END_TEST

START_TEST(failed_allocations_leave_nothing)
{
    char yaml[512];
    write_text("a.csv", "who,f,kind\nb,1,no\na,3,yes\n");
    snprintf(yaml, sizeof yaml, "{type: csv, path: %s, group: {column: who}}", in_folder("a.csv"));
    fail_every_allocation(yaml);
    snprintf(yaml, sizeof yaml, "{type: csv, path: %s, classes: [no, yes], features: [f]}",
             in_folder("a.csv"));
    fail_every_allocation(yaml);
    write_h5(rows_x, rows_y);
    snprintf(yaml, sizeof yaml, "{type: hdf5, path: %s, x_test: /x, labels_test: /labels}",
             in_folder("a.h5"));
    fail_every_allocation(yaml);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        registry_lists_the_types,
        every_parameter_is_documented,
        wrong_configurations_point_at_the_value,
        missing_data_say_what_to_set,
        csv_with_names_and_groups,
        csv_label_from_part_of_a_text,
        csv_numbers_as_labels_sort_as_numbers,
        csv_header_and_features_by_choice,
        csv_classes_by_list,
        bad_csv_is_refused,
        real_vowel_tables_load,
        hdf5_loads,
        bad_hdf5_is_refused,
        failed_allocations_leave_nothing,
    };
    return run_case("dataset", tests, sizeof tests / sizeof *tests);
}
