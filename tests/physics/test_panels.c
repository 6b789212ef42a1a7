/* SPDX-License-Identifier: Apache-2.0
 *
 * The product with a packed matrix: the reference's bits, for any threads and any cut. */
#include "sim/kernels/panels.h"

#include <etalon/parallel.h>
#include <etalon/rng.h>

#include "close.h"
#include <stdint.h>
#include <string.h>

struct product {
    struct et__panels panels;
    struct et_array x, y, want;
};

static struct product make(size_t rows, size_t k, size_t n_panels)
{
    struct product p = {0};
    assert_ok(et__panels_create(&p.panels, k, n_panels));
    assert_ok(et_array_create(&p.x, rows, k));
    assert_ok(et_array_create(&p.y, rows, n_panels * ET__PANEL));
    assert_ok(et_array_create(&p.want, rows, n_panels * ET__PANEL));
    et_rng_fill_normal(1, ET_STREAM_USER, 0, 0, p.panels.data, k * n_panels * ET__PANEL);
    et_rng_fill_normal(1, ET_STREAM_USER, 1, 0, p.x.data, rows * k);
    et__panels_multiply_reference(&p.panels, et_array_view(&p.x), et_array_view(&p.want));
    return p;
}

static void destroy(struct product *p)
{
    et__panels_destroy(&p->panels);
    et_array_destroy(&p->x);
    et_array_destroy(&p->y);
    et_array_destroy(&p->want);
}

static void assert_same(const struct product *p)
{
    size_t bytes = p->y.rows * p->y.cols * sizeof(float);
    ck_assert_msg(memcmp(p->y.data, p->want.data, bytes) == 0, "%zu rows, k = %zu", p->y.rows,
                  p->panels.k);
}

START_TEST(test_is_the_reference)
{
    static const size_t sizes[][3] = {{1, 1, 1},  {5, 3, 2},    {6, 17, 1},   {7, 64, 3},
                                      {13, 5, 4}, {9, 2048, 1}, {8, 2049, 2}, {14, 4500, 1}};
    struct product p = make(sizes[_i][0], sizes[_i][1], sizes[_i][2]);
    for (size_t threads = 1; threads <= 4; threads += 3) {
        et_parallel_set_threads(threads);
        memset(p.y.data, 0xff, p.y.rows * p.y.cols * sizeof(float));
        et__panels_multiply(&p.panels, et_array_view(&p.x), et_array_view(&p.y));
        assert_same(&p);
    }
    et_parallel_set_threads(2);
    destroy(&p);
}
END_TEST

START_TEST(test_any_cut)
{
    struct product p = make(11, 100, 3);
    struct et_view x = et_array_view(&p.x), y = et_array_view(&p.y);
    for (size_t first = 0, count = 1; first < 11; first += count, count++) {
        if (count > 11 - first) count = 11 - first;
        et__panels_multiply(&p.panels, et_view_rows(x, first, count),
                            et_view_rows(y, first, count));
    }
    assert_same(&p);
    destroy(&p);
}
END_TEST

START_TEST(test_too_large)
{
    struct et__panels panels = {0};
    assert_status(et__panels_create(&panels, SIZE_MAX / 8, 16), ET_NOMEM);
    et__panels_destroy(&panels);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("panels");
    TCase *all = tcase_create("all");
    tcase_add_loop_test(all, test_is_the_reference, 0, 8);
    tcase_add_test(all, test_any_cut);
    tcase_add_test(all, test_too_large);
    suite_add_tcase(suite, all);
    return suite_result(suite);
}
