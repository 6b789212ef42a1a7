/* SPDX-License-Identifier: Apache-2.0
 *
 * Training and test parts.
 *
 * Everything is a split of units: a unit is a row, or all rows of a group.  Units are shuffled by
 * seed; whole units go to the test part. */
#include <etalon/dataset.h>
#include <etalon/rng.h>

#include <math.h>
#include <stdlib.h>

struct unit {
    int32_t group;
    size_t row;
};

static int compare_units(const void *a, const void *b)
{
    const struct unit *left = a, *right = b;
    if (left->group != right->group) return left->group < right->group ? -1 : 1;
    return left->row < right->row ? -1 : left->row > right->row;
}

/* Rows ordered by unit: unit u has rows row[start[u]] .. row[start[u + 1] - 1]. */
struct units {
    size_t *row;   /* [rows] */
    size_t *start; /* [n + 1] */
    size_t *order; /* [n] shuffled unit numbers */
    size_t n;
};

static void units_destroy(struct units *units)
{
    et_free(units->row);
    et_free(units->start);
    et_free(units->order);
}

static enum et_status units_make(const struct et_dataset *dataset, int by_group, uint64_t seed,
                                 struct units *units)
{
    size_t rows = dataset->x.rows;
    struct unit *sorted = et_alloc(rows, sizeof *sorted);
    units->row = sorted ? et_alloc(rows, sizeof *units->row) : NULL;
    units->start = units->row ? et_alloc(rows + 1, sizeof *units->start) : NULL;
    units->order = units->start ? et_alloc(rows, sizeof *units->order) : NULL;
    if (units->order == NULL) {
        et_free(sorted);
        return ET_NOMEM;
    }
    for (size_t r = 0; r < rows; r++)
        sorted[r] = (struct unit){by_group ? dataset->group[r] : 0, r};
    if (by_group) qsort(sorted, rows, sizeof *sorted, compare_units);
    for (size_t r = 0; r < rows; r++) {
        units->row[r] = sorted[r].row;
        if (r == 0 || !by_group || sorted[r].group != sorted[r - 1].group)
            units->start[units->n++] = r;
    }
    units->start[units->n] = rows;
    for (size_t u = 0; u < units->n; u++)
        units->order[u] = u;
    et_rng_shuffle(seed, ET_STREAM_SHUFFLE, 0, units->order, units->n);
    et_free(sorted);
    return ET_OK;
}

/* Marks the test part among the shuffled units: [first, end). */
static enum et_status choose_units(const struct units *units, struct et_split_rule rule,
                                   size_t rows, size_t *first, size_t *end)
{
    if (rule.folds > 1) {
        if (rule.fold >= rule.folds)
            return et_error_set(ET_INVALID, "fold %zu of %zu", rule.fold, rule.folds);
        if (rule.folds > units->n)
            return et_error_set(ET_INVALID, "%zu folds of %zu %s", rule.folds, units->n,
                                rule.by_group ? "groups" : "rows");
        *first = units->n * rule.fold / rule.folds;
        *end = units->n * (rule.fold + 1) / rule.folds;
        return ET_OK;
    }
    if (!(rule.test_fraction > 0 && rule.test_fraction < 1))
        return et_error_set(ET_INVALID, "test_fraction = %g is outside (0, 1)", rule.test_fraction);
    size_t wanted = (size_t)llround(rule.test_fraction * (double)rows), taken = 0;

    for (*end = 0; taken < wanted; ++*end) {
        size_t unit = units->order[*end];
        taken += units->start[unit + 1] - units->start[unit];
    }
    return ET_OK;
}

/* Room for every row in both parts; they are filled by appending. */
static enum et_status parts_make(size_t rows, struct et_split *split)
{
    split->train = et_alloc(rows, sizeof *split->train);
    split->test = split->train ? et_alloc(rows, sizeof *split->test) : NULL;
    return split->test ? ET_OK : ET_NOMEM;
}

static void append(struct et_split *split, int to_test, size_t row)
{
    if (to_test)
        split->test[split->n_test++] = row;
    else
        split->train[split->n_train++] = row;
}

static void append_units(const struct units *units, size_t first, size_t end,
                         struct et_split *split)
{
    for (size_t i = 0; i < units->n; i++) {
        size_t unit = units->order[i];
        for (size_t r = units->start[unit]; r < units->start[unit + 1]; r++)
            append(split, i >= first && i < end, units->row[r]);
    }
}

static enum et_status make(const struct et_dataset *dataset, struct et_split_rule rule,
                           uint64_t seed, struct units *units, struct et_split *split)
{
    size_t rows = dataset->x.rows, first = 0, end = 0;
    ET_TRY(parts_make(rows, split));
    if (dataset->n_train > 0 && rule.folds <= 1) {
        for (size_t r = 0; r < rows; r++)
            append(split, r >= dataset->n_train, r);
    } else {
        if (rule.by_group && dataset->group == NULL)
            return et_error_set(ET_INVALID, "a split by group of data without groups");
        ET_TRY(units_make(dataset, rule.by_group, seed, units));
        ET_TRY(choose_units(units, rule, rows, &first, &end));
        append_units(units, first, end, split);
    }
    if (split->n_train == 0 || split->n_test == 0)
        return et_error_set(ET_INVALID, "a split of %zu rows into %zu for training and %zu to test",
                            rows, split->n_train, split->n_test);
    return ET_OK;
}

enum et_status et_split_make(const struct et_dataset *dataset, struct et_split_rule rule,
                             uint64_t seed, struct et_split *split)
{
    struct units units = {0};
    *split = (struct et_split){0};
    enum et_status status = make(dataset, rule, seed, &units, split);
    units_destroy(&units);
    if (status != ET_OK) et_split_destroy(split);
    return status;
}

void et_split_destroy(struct et_split *split)
{
    et_free(split->train);
    et_free(split->test);
    *split = (struct et_split){0};
}
