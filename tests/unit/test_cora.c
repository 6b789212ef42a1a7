/* SPDX-License-Identifier: Apache-2.0
 *
 * Nodes of a citation graph: a small file read field by field, every fault with its line, and the
 * published counts where the data folder is there. */
#include "unit/data_folder.h"

static enum et_status load_nodes(struct et_dataset *data, const char *text, const char *more)
{
    write_text("nodes.txt", text);
    return load(data, "{type: cora, nodes: %s, features: 4, classes: 3%s}", in_folder("nodes.txt"),
                more);
}

static const char *const small = "# id label split features\n"
                                 "0 2 test 0 3\n"
                                 "1 0 train 1\r\n"
                                 "\n"
                                 "2 1 val 0 1 2 3\n"
                                 "  3 1 none 2\t3 \n"
                                 "4 2 train";

START_TEST(reads_the_fields)
{
    struct et_dataset data = {0};
    assert_ok(load_nodes(&data, small, ""));
    ck_assert_uint_eq(data.x.rows, 3);
    ck_assert_uint_eq(data.x.cols, 4);
    ck_assert_uint_eq(data.n_train, 2);
    ck_assert_uint_eq(data.n_classes, 3);
    const float want[] = {0, 1, 0, 0, 0, 0, 0, 0, 0.5F, 0, 0, 0.5F};
    const int32_t label[] = {0, 2, 2};
    ck_assert_mem_eq(data.x.data, want, sizeof want);
    ck_assert_mem_eq(data.label, label, sizeof label);
    et_dataset_destroy(&data);
}
END_TEST

START_TEST(other_nodes_may_train)
{
    struct et_dataset data = {0};
    assert_ok(load_nodes(&data, small, ", train: validation, normalise: false"));
    ck_assert_uint_eq(data.n_train, 3);
    ck_assert_uint_eq(data.x.rows, 4);
    const float all[] = {1, 1, 1, 1};
    ck_assert_mem_eq(data.x.data + 4, all, sizeof all);
    et_dataset_destroy(&data);
    assert_ok(load_nodes(&data, small, ", train: rest, normalise: false"));
    ck_assert_uint_eq(data.n_train, 4);
    ck_assert_uint_eq(data.x.rows, 5);
    const int32_t label[] = {0, 1, 1, 2, 2};
    ck_assert_mem_eq(data.label, label, sizeof label);
    et_dataset_destroy(&data);
}
END_TEST

START_TEST(faults_name_file_and_line)
{
    static const struct {
        const char *text, *message;
    } faults[] = {
        {"0 0 train 1\n0 1 test 2\n", "nodes.txt:2: node 0 where node 1 is due"},
        {"1 0 train 1\n", "nodes.txt:1: node 1 where node 0 is due"},
        {"0 3 train 1\n", "nodes.txt:1: label 3 is outside 0 .. 2"},
        {"# c\n\n0 x train 1\n", "nodes.txt:3: label 'x' is not a whole number"},
        {"0 -1 train 1\n", "nodes.txt:1: label '-1' is not a whole number"},
        {"0 1 trial 1\n", "nodes.txt:1: split 'trial' is none of train, val, test, none"},
        {"0 1\n", "nodes.txt:1: split '' is none of"},
        {"0\n1 0 test\n", "nodes.txt:1: the line ends before the label"},
        {"0 0 train 4\n", "nodes.txt:1: feature 4 is outside 0 .. 3"},
        {"0 0 train 1 1\n", "nodes.txt:1: feature 1 does not follow in rising order"},
        {"0 0 train 2 1\n", "nodes.txt:1: feature 1 does not follow in rising order"},
        {"0 0 train 1.5\n", "nodes.txt:1: feature '1.5' is not a whole number"},
        {"0 0 train 99999999999999999999999\n", "nodes.txt:1: feature '99999999999999999999999'"},
        {"0 0 train 1\n", "no node of split test"},
        {"0 0 test 1\n", "no node of split train"},
        {"", "no node of split train"},
    };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct et_dataset data = {0};
        assert_status(load_nodes(&data, faults[i].text, ""), ET_FORMAT);
        assert_message(faults[i].message);
        ck_assert_ptr_null(data.x.data);
    }
    struct et_dataset data = {0};
    write_bytes("nodes.txt", "0 0 train\0", 10);
    assert_status(load(&data, "{type: cora, nodes: %s}", in_folder("nodes.txt")), ET_FORMAT);
    assert_message("a zero byte at 9");
    assert_status(load(&data, "{type: cora, nodes: %s}", in_folder("none.txt")), ET_MISSING);
    assert_message("none.txt");
}
END_TEST

START_TEST(survives_failing_allocations)
{
    char yaml[256];
    write_text("nodes.txt", small);
    snprintf(yaml, sizeof yaml, "{type: cora, nodes: %s, features: 4, classes: 3}",
             in_folder("nodes.txt"));
    fail_every_allocation(yaml);
}
END_TEST

/* The counts of the published split. */
START_TEST(cora_itself)
{
    if (data_folder() == NULL) return;
    struct et_dataset data = {0};
    assert_ok(load(&data, "{type: cora}"));
    ck_assert_uint_eq(data.n_train, 140);
    ck_assert_uint_eq(data.x.rows, 1140);
    ck_assert_uint_eq(data.x.cols, 1433);
    size_t count[7] = {0};
    for (size_t r = 0; r < 140; r++)
        count[data.label[r]]++;
    for (size_t k = 0; k < 7; k++)
        ck_assert_uint_eq(count[k], 20);
    et_dataset_destroy(&data);
    assert_ok(load(&data, "{type: cora, train: validation}"));
    ck_assert_uint_eq(data.n_train, 640);
    et_dataset_destroy(&data);
    assert_ok(load(&data, "{type: cora, train: rest, normalise: false}"));
    ck_assert_uint_eq(data.x.rows, 2708);
    double ones = 0;
    for (size_t i = 0; i < 2708UL * 1433; i++)
        ones += (double)data.x.data[i];
    ck_assert(ones == 49216); /* words in all papers together */
    et_dataset_destroy(&data);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        reads_the_fields,
        other_nodes_may_train,
        faults_name_file_and_line,
        survives_failing_allocations,
        cora_itself,
    };
    return run_case("cora", tests, sizeof tests / sizeof *tests);
}
