/* SPDX-License-Identifier: Apache-2.0
 *
 * The product holds 6 x 16 sums in registers: 12 vectors of AVX2, with two for the matrix and one
 * for a broadcast x.  Of a panel, SLICE rows at a time stay in the second-level cache for all rows
 * of x; the sums wait in y meanwhile, which rounds nothing. */
#include "kernels/panels.h"

#include <etalon/parallel.h>

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

enum { ROWS = 6, SLICE = 2048 };

enum et_status et__panels_create(struct et__panels *panels, size_t k, size_t n_panels)
{
    float *data = n_panels > 0 && k > SIZE_MAX / n_panels / ET__PANEL
                      ? et_alloc(SIZE_MAX, ET__PANEL)
                      : et_alloc(k * n_panels * ET__PANEL, sizeof *data);
    if (!data) return ET_NOMEM;
    *panels = (struct et__panels){k, n_panels, data};
    return ET_OK;
}

void et__panels_destroy(struct et__panels *panels)
{
    et_free(panels->data);
    *panels = (struct et__panels){0};
}

/* y[r][j] = y[r][j] + sum over i < k of x[r][i] m[i][j] for six rows. */
static inline __attribute__((always_inline)) void
add_rows(const float *const x[ROWS], const float *restrict m, size_t k, float *const y[ROWS])
{
    float sum[ROWS][ET__PANEL];
    for (size_t r = 0; r < ROWS; r++)
        memcpy(sum[r], y[r], sizeof sum[r]);
    const float *x0 = x[0], *x1 = x[1], *x2 = x[2], *x3 = x[3], *x4 = x[4], *x5 = x[5];
    for (size_t i = 0; i < k; i++) {
        const float a[ROWS] = {x0[i], x1[i], x2[i], x3[i], x4[i], x5[i]};
#pragma GCC unroll 6
        for (size_t r = 0; r < ROWS; r++)
/* gcc keeps the sums in registers when it vectorises this loop, clang when it has unrolled it. */
#ifdef __clang__
#pragma clang loop unroll(full)
#else
#pragma GCC unroll 1
#endif
            for (size_t j = 0; j < ET__PANEL; j++)
                sum[r][j] = fmaf(a[r], m[i * ET__PANEL + j], sum[r][j]);
    }
    for (size_t r = 0; r < ROWS; r++)
        memcpy(y[r], sum[r], sizeof sum[r]);
}

#define ADD_BLOCK(name, target)                                                                    \
    target static void name(const float *const x[ROWS], const float *restrict m, size_t k,         \
                            float *const y[ROWS])                                                  \
    {                                                                                              \
        add_rows(x, m, k, y);                                                                      \
    }

#if defined __clang__ && defined __x86_64__
/* clang 14 makes clones and never picks them; without FMA each product is a call. */
ADD_BLOCK(add_block_portable, )
ADD_BLOCK(add_block_avx2, __attribute__((target("avx2,fma"))))
ADD_BLOCK(add_block_avx512, __attribute__((target("avx512f,avx512vl,fma"))))

static void add_block(const float *const x[ROWS], const float *restrict m, size_t k,
                      float *const y[ROWS])
{
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl"))
        add_block_avx512(x, m, k, y);
    else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        add_block_avx2(x, m, k, y);
    else
        add_block_portable(x, m, k, y);
}
#else
ADD_BLOCK(add_block, ET_VECTOR_CLONES)
#endif

struct product {
    const struct et__panels *panels;
    struct et_view x, y;
};

/* One panel.  Where fewer than six rows are left, the last one is computed again into a corner. */
static void multiply_panel(void *user, size_t panel, size_t worker)
{
    (void)worker;
    const struct product *p = user;
    const size_t rows = p->x.rows, k = p->panels->k;
    float corner[ET__PANEL] = {0};
    for (size_t r = 0; r < rows; r++)
        memset(p->y.data + r * p->y.stride + panel * ET__PANEL, 0, sizeof corner);
    for (size_t first = 0; first < k; first += SLICE) {
        size_t count = k - first < SLICE ? k - first : SLICE;
        for (size_t base = 0; base < rows; base += ROWS) {
            const float *x[ROWS];
            float *y[ROWS];
            for (size_t r = 0; r < ROWS; r++) {
                size_t row = base + r < rows ? base + r : rows - 1;
                x[r] = p->x.data + row * p->x.stride + first;
                y[r] = base + r < rows ? p->y.data + row * p->y.stride + panel * ET__PANEL : corner;
            }
            add_block(x, et__panels_row(p->panels, panel, first), count, y);
        }
    }
}

void et__panels_multiply(const struct et__panels *panels, struct et_view x, struct et_view y)
{
    assert(x.cols == panels->k && y.cols == panels->n_panels * ET__PANEL && x.rows == y.rows);
    struct product product = {panels, x, y};
    if (x.rows > 0) et_parallel_for(panels->n_panels, multiply_panel, &product);
}

void et__panels_multiply_reference(const struct et__panels *panels, struct et_view x,
                                   struct et_view y)
{
    for (size_t r = 0; r < x.rows; r++)
        for (size_t c = 0; c < panels->n_panels * ET__PANEL; c++) {
            float sum = 0;
            for (size_t i = 0; i < panels->k; i++)
                sum = fmaf(x.data[r * x.stride + i],
                           et__panels_row(panels, c / ET__PANEL, i)[c % ET__PANEL], sum);
            y.data[r * y.stride + c] = sum;
        }
}
