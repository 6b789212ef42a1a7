/* SPDX-License-Identifier: Apache-2.0
 *
 * Arrays own, views borrow. */
#include <etalon/array.h>

#include <assert.h>
#include <string.h>

enum et_status et_array_create(struct et_array *array, size_t rows, size_t cols)
{
    assert(array->data == NULL);
    if (cols > 0 && rows > (size_t)-1 / sizeof(float) / cols)
        return et_error_set(ET_NOMEM, "an array of %zu x %zu does not fit in memory", rows, cols);
    float *data = et_alloc(rows * cols, sizeof *data);
    if (data == NULL) return ET_NOMEM;
    *array = (struct et_array){data, rows, cols};
    return ET_OK;
}

void et_array_destroy(struct et_array *array)
{
    et_free(array->data);
    *array = (struct et_array){0};
}

struct et_view et_array_view(const struct et_array *array)
{
    return et_view_of(array->data, array->rows, array->cols);
}

struct et_view et_view_of(float *data, size_t rows, size_t cols)
{
    return (struct et_view){data, rows, cols, cols};
}

struct et_view et_view_rows(struct et_view view, size_t first, size_t count)
{
    assert(first + count <= view.rows);
    return (struct et_view){view.data + first * view.stride, count, view.cols, view.stride};
}

struct et_view et_view_cols(struct et_view view, size_t first, size_t count)
{
    assert(first + count <= view.cols);
    return (struct et_view){view.data + first, view.rows, count, view.stride};
}

void et_view_copy(struct et_view to, struct et_view from)
{
    assert(to.rows == from.rows && to.cols == from.cols);
    if (to.cols == 0) return;
    for (size_t r = 0; r < to.rows; r++)
        memcpy(to.data + r * to.stride, from.data + r * from.stride, to.cols * sizeof *to.data);
}
