/* SPDX-License-Identifier: Apache-2.0
 *
 * The generated tree: who descends from whom, the lengths of its edges, the noise, the classes. */
#include "unit/data_folder.h"

enum { FEATURES = 4000 };

static double square_distance(const struct et_dataset *data, size_t a, size_t b)
{
    double sum = 0;
    const float *x = data->x.data + a * data->x.cols, *y = data->x.data + b * data->x.cols;
    for (size_t k = 0; k < data->x.cols; k++)
        sum += (double)(x[k] - y[k]) * (double)(x[k] - y[k]);
    return sum;
}

/* Edges between two leaves of a balanced tree, numbered from the left. */
static size_t edges_between(size_t a, size_t b, size_t branching)
{
    size_t edges = 0;
    for (; a != b; a /= branching, b /= branching)
        edges += 2;
    return edges;
}

/* 6 sd of a sum of squares of 4000 normal numbers: sqrt(2 / 4000) each, and cross terms. */
START_TEST(squared_distances_count_edges)
{
    struct et_dataset data = {0};
    assert_ok(
        load(&data, "{type: tree, branching: 3, depth: 3, n: 27, d: %d, noise: 0}", FEATURES));
    ck_assert_uint_eq(data.n_classes, 27);
    for (size_t a = 0; a < 27; a++)
        for (size_t b = 0; b < a; b++) {
            double edges = (double)edges_between(a, b, 3);
            assert_near(square_distance(&data, a, b), edges, 6 * edges * sqrt(2.0 / FEATURES));
        }
    et_dataset_destroy(&data);
}
END_TEST

START_TEST(decay_shortens_the_edges)
{
    struct et_dataset data = {0};
    assert_ok(load(&data, "{type: tree, branching: 2, depth: 2, n: 4, d: %d, noise: 0, decay: 0.5}",
                   FEATURES));
    assert_near(square_distance(&data, 0, 1), 2 * 0.25, 0.1);
    assert_near(square_distance(&data, 0, 3), 2 * 1.25, 0.4);
    et_dataset_destroy(&data);
}
END_TEST

START_TEST(noise_has_its_length)
{
    struct et_dataset data = {0};
    assert_ok(load(&data, "{type: tree, branching: 2, depth: 1, n: 4, d: %d, noise: 3}", FEATURES));
    /* Rows 0 and 2 are the same node. */
    ck_assert_int_eq(data.group[0], data.group[2]);
    assert_near(square_distance(&data, 0, 2), 2 * 9, 6 * 18 * sqrt(2.0 / FEATURES));
    et_dataset_destroy(&data);
}
END_TEST

START_TEST(classes_are_the_branches_of_a_level)
{
    struct et_dataset data = {0};
    assert_ok(load(&data, "{type: tree, branching: 2, depth: 3, level: 1, n: 16, d: 2}"));
    ck_assert_uint_eq(data.n_classes, 2);
    for (size_t r = 0; r < 16; r++) {
        ck_assert_int_eq(data.group[r], (int)(7 + r % 8)); /* leaves are nodes 7 to 14 */
        ck_assert_int_eq(data.label[r], r % 8 < 4 ? 0 : 1);
    }
    et_dataset_destroy(&data);
    assert_ok(
        load(&data, "{type: tree, branching: 2, depth: 2, level: 1, nodes: below, n: 6, d: 2}"));
    const int32_t node[] = {1, 2, 3, 4, 5, 6}, label[] = {0, 1, 0, 0, 1, 1};
    ck_assert_mem_eq(data.group, node, sizeof node);
    ck_assert_mem_eq(data.label, label, sizeof label);
    et_dataset_destroy(&data);
}
END_TEST

/* The root has b children, each of them 1 .. 2 b - 1. */
START_TEST(random_trees_have_the_mean_branching)
{
    double sum = 0, least = 100, most = 0;
    enum { SEEDS = 2000 };
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct et_dataset data = {0};
        assert_ok(et_dataset_load_text(
            "{type: tree, kind: random, branching: 2, depth: 2, n: 20, d: 1}", seed, &data));
        double leaves = (double)data.n_classes;
        sum += leaves;
        least = fmin(least, leaves);
        most = fmax(most, leaves);
        et_dataset_destroy(&data);
    }
    ck_assert(least == 2 && most == 6);
    assert_near(sum / SEEDS, 4, 6 * sqrt(2 * 2.0 / 3 / SEEDS)); /* 1 .. 3 has variance 2/3 */
}
END_TEST

START_TEST(random_trees_label_by_ancestor)
{
    struct et_dataset deep = {0}, shallow = {0};
    assert_ok(load(&deep, "{type: tree, kind: random, depth: 4, level: 2, n: 500, d: 3}"));
    assert_ok(load(&shallow, "{type: tree, kind: random, depth: 4, level: 1, n: 500, d: 3}"));
    ck_assert_uint_gt(deep.n_classes, shallow.n_classes);
    /* Same tree, same rows: a class of level 2 lies in one class of level 1, in rising order. */
    ck_assert_mem_eq(deep.group, shallow.group, 500 * sizeof *deep.group);
    for (size_t a = 0; a < 500; a++)
        for (size_t b = 0; b < a; b++) {
            if (deep.label[a] == deep.label[b])
                ck_assert_int_eq(shallow.label[a], shallow.label[b]);
            if (deep.label[a] < deep.label[b]) ck_assert_int_le(shallow.label[a], shallow.label[b]);
        }
    et_dataset_destroy(&deep);
    et_dataset_destroy(&shallow);
}
END_TEST

START_TEST(the_seed_makes_the_tree)
{
    struct et_dataset a = {0}, b = {0}, c = {0};
    const char *yaml = "{type: tree, n: 100, d: 5}";
    assert_ok(et_dataset_load_text(yaml, 1, &a));
    assert_ok(et_dataset_load_text(yaml, 1, &b));
    assert_ok(et_dataset_load_text(yaml, 2, &c));
    ck_assert_mem_eq(a.x.data, b.x.data, 500 * sizeof(float));
    ck_assert_mem_ne(a.x.data, c.x.data, 500 * sizeof(float));
    et_dataset_destroy(&a);
    et_dataset_destroy(&b);
    et_dataset_destroy(&c);
}
END_TEST

START_TEST(impossible_trees_are_refused)
{
    struct et_dataset data = {0};
    assert_status(load(&data, "{type: tree, depth: 3, level: 4}"), ET_CONFIG);
    assert_message("level = 4 is below depth = 3");
    assert_status(load(&data, "{type: tree, branching: 1000, depth: 2}"), ET_CONFIG);
    assert_message("the tree has 1001001 nodes at level 2; at most 1000000");
    assert_status(load(&data, "{type: tree, branching: 1}"), ET_CONFIG);
    assert_message("branching = 1 is outside [2, 1000]");
    assert_status(load(&data, "{type: tree, noise: -1}"), ET_CONFIG);
    fail_every_allocation("{type: tree, branching: 2, depth: 2, n: 5, d: 2}");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        squared_distances_count_edges,
        decay_shortens_the_edges,
        noise_has_its_length,
        classes_are_the_branches_of_a_level,
        random_trees_have_the_mean_branching,
        random_trees_label_by_ancestor,
        the_seed_makes_the_tree,
        impossible_trees_are_refused,
    };
    return run_case("tree", tests, sizeof tests / sizeof *tests);
}
