/* SPDX-License-Identifier: Apache-2.0
 *
 * Nearest-neighbour interpolation by looking at all pairs; see nearest.h. */
#include "nearest.h"

#include <etalon/parallel.h>

#include <assert.h>
#include <string.h>

enum et_status et__nearest_init(struct et__nearest *nearest, struct et_view x, struct et_view y,
                                size_t k)
{
    assert(x.rows == y.rows && k >= 1);
    nearest->x = x;
    nearest->y = y;
    nearest->k = k < x.rows ? k : x.rows;
    size_t workers = et_parallel_threads();
    nearest->distance = et_alloc(workers * nearest->k, sizeof *nearest->distance);
    nearest->row = et_alloc(workers * nearest->k, sizeof *nearest->row);
    return nearest->distance && nearest->row ? ET_OK : ET_NOMEM;
}

void et__nearest_deinit(struct et__nearest *nearest)
{
    et_free(nearest->distance);
    et_free(nearest->row);
    *nearest = (struct et__nearest){0};
}

struct query {
    const struct et__nearest *nearest;
    struct et_view x, y;
};

static float squared_distance(const float *a, const float *b, size_t n)
{
    float sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sum;
}

/* Keeps the k smallest distances in rising order. */
static size_t find(const struct et__nearest *nearest, const float *x, float *distance, size_t *row)
{
    size_t found = 0;
    for (size_t i = 0; i < nearest->x.rows; i++) {
        const float *recorded = nearest->x.data + i * nearest->x.stride;
        float d = squared_distance(x, recorded, nearest->x.cols);
        if (found == nearest->k && !(d < distance[found - 1])) continue;
        size_t at = found < nearest->k ? found++ : found - 1;
        for (; at > 0 && d < distance[at - 1]; at--) {
            distance[at] = distance[at - 1];
            row[at] = row[at - 1];
        }
        distance[at] = d;
        row[at] = i;
    }
    return found;
}

static void answer(void *user, size_t r, size_t worker)
{
    const struct query *query = user;
    const struct et__nearest *nearest = query->nearest;
    float *distance = nearest->distance + worker * nearest->k;
    size_t *row = nearest->row + worker * nearest->k;
    size_t found = find(nearest, query->x.data + r * query->x.cols, distance, row);
    if (distance[0] == 0) found = 1;
    size_t n = query->y.cols;
    float *y = query->y.data + r * n, sum = 0;
    memset(y, 0, n * sizeof *y);
    for (size_t i = 0; i < found; i++) {
        /* Relative to the nearest one, so that no weight overflows. */
        float weight = i == 0 ? 1 : distance[0] / distance[i];
        const float *recorded = nearest->y.data + row[i] * nearest->y.stride;
        for (size_t o = 0; o < n; o++)
            y[o] += weight * recorded[o];
        sum += weight;
    }
    for (size_t o = 0; o < n; o++)
        y[o] /= sum;
}

void et__nearest_forward(const struct et__nearest *nearest, struct et_view x, struct et_view y)
{
    assert(x.stride == x.cols && y.stride == y.cols);
    struct query query = {nearest, x, y};
    et_parallel_for(x.rows, answer, &query);
}
