/* SPDX-License-Identifier: Apache-2.0
 *
 * Derivatives of the layers in single precision beside those in double precision, of the same
 * numbers; and batch norm in tiles beside the whole batch. */
#include "close.h"

#include "sim/kernels/poincare.h"

#include <etalon/rng.h>

#include <string.h>

enum { ROWS = 33, N = 37, N_OUT = 35, ALL = ROWS * N, WORK = 20 * 40 };

/* What a layer takes and what it gets back. */
struct layer_f32 {
    float v[ALL], z[N_OUT * N], r[N_OUT], dy[ALL], y[ALL], dv[ALL], dz[N_OUT * N], dr[N_OUT];
};

struct layer_f64 {
    double v[ALL], z[N_OUT * N], r[N_OUT], dy[ALL], y[ALL], dv[ALL], dz[N_OUT * N], dr[N_OUT];
};

static void draw(struct layer_f32 *a, struct layer_f64 *b, double size, uint64_t seed)
{
    memset(a, 0, sizeof *a);
    memset(b, 0, sizeof *b);
    et_rng_fill_normal(seed, ET_STREAM_USER, 0, 0, a->v, ALL);
    et_rng_fill_normal(seed, ET_STREAM_USER, 1, 0, a->z, N_OUT * N);
    et_rng_fill_normal(seed, ET_STREAM_USER, 2, 0, a->r, N_OUT);
    et_rng_fill_normal(seed, ET_STREAM_USER, 3, 0, a->dy, ALL);
    for (size_t i = 0; i < ALL; i++) {
        b->v[i] = (double)(a->v[i] *= (float)size);
        b->dy[i] = (double)a->dy[i];
    }
    for (size_t i = 0; i < (size_t)N_OUT * N; i++)
        b->z[i] = (double)(a->z[i] *= 0.2F);
    for (size_t i = 0; i < N_OUT; i++)
        b->r[i] = (double)(a->r[i] *= 0.1F);
}

/* The difference over the largest. */
static void agree(const char *what, const float *got, const double *want, size_t n,
                  double tolerance)
{
    double largest = 0, worst = 0;
    for (size_t i = 0; i < n; i++) {
        largest = fmax(largest, fabs(want[i]));
        worst = fmax(worst, fabs((double)got[i] - want[i]));
    }
    ck_assert_msg(worst <= tolerance * largest, "%s: differs by %g of %g", what, worst, largest);
}

/* Far out u is the difference of numbers of size exp(2t): the rounding of e shows. */
static void check_planes(enum et__planes_result result, double c, double size, double tolerance)
{
    static struct layer_f32 a;
    static struct layer_f64 b;
    float table_a[3 * N_OUT], e_a[ROWS * N_OUT], de_a[ROWS * N_OUT], scratch_a[3 * N_OUT];
    double table_b[3 * N_OUT], e_b[ROWS * N_OUT], de_b[ROWS * N_OUT], scratch_b[3 * N_OUT];
    double sums[ET__PLANES_SUMS * N_OUT + 1], dc[2] = {0};
    draw(&a, &b, size, 1);
    struct et__planes_f32 pa = {result, N, N_OUT, c, a.z, a.r, table_a};
    struct et__planes_f64 pb = {result, N, N_OUT, c, b.z, b.r, table_b};
    et__planes_prepare_f32(&pa);
    et__planes_prepare_f64(&pb);
    et__planes_forward_f32(&pa, ROWS, a.v, e_a, a.y);
    et__planes_forward_f64(&pb, ROWS, b.v, e_b, b.y);
    et__planes_back_f32(&pa, ROWS, a.v, e_a, a.dy, a.dv, a.dz, a.dr, &dc[0], de_a, sums, scratch_a);
    et__planes_back_f64(&pb, ROWS, b.v, e_b, b.dy, b.dv, b.dz, b.dr, &dc[1], de_b, sums, scratch_b);
    agree("y", a.y, b.y, (size_t)ROWS * N_OUT, tolerance);
    agree("dv", a.dv, b.dv, ALL, tolerance);
    agree("dz", a.dz, b.dz, (size_t)N_OUT * N, tolerance);
    agree("dr", a.dr, b.dr, N_OUT, tolerance);
    ck_assert_msg(fabs(dc[0] - dc[1]) <= 10 * tolerance * (fabs(dc[1]) + 1), "dc: got %g, want %g",
                  dc[0], dc[1]);
    /* What is added is added to what was there. */
    et__planes_back_f64(&pb, ROWS, b.v, e_b, b.dy, b.dv, b.dz, b.dr, &dc[1], de_b, sums, scratch_b);
    for (size_t i = 0; i < ALL; i++)
        a.dv[i] *= 2;
    agree("dv twice", a.dv, b.dv, ALL, tolerance);
}

START_TEST(test_planes)
{
    static const double sizes[] = {1e-3, 0.1, 0.5, 1.5}, tolerances[] = {2e-6, 2e-6, 2e-5, 2e-3};
    for (size_t i = 0; i < 4; i++)
        for (int result = 0; result < 2; result++) {
            check_planes((enum et__planes_result)result, 1, sizes[i], tolerances[i]);
            check_planes((enum et__planes_result)result, 0.1, sizes[i], tolerances[i]);
        }
}
END_TEST

static void check_norm(double c, double size)
{
    static struct layer_f32 a;
    static struct layer_f64 b;
    double mean[2][N], sums[2][N + 2], shift[N], dshift[2][N] = {{0}}, dgamma[2] = {0}, dc[2] = {0},
                                                 work[WORK];
    draw(&a, &b, size, 2);
    for (size_t i = 0; i < N; i++)
        shift[i] = 0.1 * b.z[i];
    struct et__norm_f32 na = {N, c, 1e-6, 1.3, shift, mean[0], 0};
    struct et__norm_f64 nb = {N, c, 1e-6, 1.3, shift, mean[1], 0};
    et__norm_statistics_f32(c, ROWS, N, a.v, mean[0], &na.variance, sums[0], work);
    et__norm_statistics_f64(c, ROWS, N, b.v, mean[1], &nb.variance, sums[1], work);
    et__norm_rows_f32(&na, ROWS, a.v, a.y, work);
    et__norm_rows_f64(&nb, ROWS, b.v, b.y, work);
    et__norm_batch_back_f32(&na, ROWS, a.v, sums[0], a.dy, a.dv, dshift[0], &dgamma[0], &dc[0],
                            work);
    et__norm_batch_back_f64(&nb, ROWS, b.v, sums[1], b.dy, b.dv, dshift[1], &dgamma[1], &dc[1],
                            work);
    agree("y", a.y, b.y, ALL, 1e-6);
    agree("dv", a.dv, b.dv, ALL, 1e-6);
    assert_near(dgamma[0], dgamma[1], 1e-9 * (1 + fabs(dgamma[1])));
    assert_near(dc[0], dc[1], 1e-9 * (1 + fabs(dc[1])));
}

START_TEST(test_norm)
{
    check_norm(1, 0.05);
    check_norm(1, 0.4);
    check_norm(0.1, 1);
}
END_TEST

/* Two tiles, in the order that norm's comments describe. */
START_TEST(test_norm_in_tiles)
{
    enum { FIRST = 12, REST = ROWS - FIRST };
    static struct layer_f32 a;
    static struct layer_f64 b;
    static double dv[ALL];
    const double c = 0.7;
    double mean[2][N], sums[2][N + 2] = {{0}}, shift[N], dshift[2][N] = {{0}}, dgamma[2] = {0},
                                   dc[2] = {0}, work[WORK], spread = 0, dmean[N] = {0},
                                   dvariance = 0;
    draw(&a, &b, 0.4, 3);
    for (size_t i = 0; i < N; i++)
        shift[i] = 0.1 * b.z[i];
    struct et__norm_f64 whole = {N, c, 1e-6, 0.8, shift, mean[0], 0}, tiles = whole;
    tiles.mean = mean[1];
    et__norm_statistics_f64(c, ROWS, N, b.v, mean[0], &whole.variance, sums[0], work);
    et__norm_batch_back_f64(&whole, ROWS, b.v, sums[0], b.dy, b.dv, dshift[0], &dgamma[0], &dc[0],
                            work);

    const size_t first[] = {0, FIRST}, count[] = {FIRST, REST};
    for (size_t t = 0; t < 2; t++)
        et__norm_sum_f64(c, count[t], N, b.v + first[t] * N, sums[1], work);
    for (size_t t = 0; t < 2; t++)
        et__norm_spread_f64(c, count[t], N, b.v + first[t] * N, sums[1], &spread, work);
    et__norm_mean_f64(c, N, sums[1], spread, mean[1]);
    for (size_t t = 0; t < 2; t++)
        et__norm_variance_f64(c, count[t], N, b.v + first[t] * N, mean[1], ROWS, &tiles.variance,
                              work);
    assert_near(tiles.variance, whole.variance, 1e-13);
    for (size_t t = 0; t < 2; t++)
        et__norm_rows_back_f64(&tiles, count[t], b.v + first[t] * N, b.dy + first[t] * N,
                               dv + first[t] * N, dshift[1], &dgamma[1], dmean, &dvariance, &dc[1],
                               work);
    for (size_t t = 0; t < 2; t++)
        et__norm_variance_back_f64(c, count[t], N, b.v + first[t] * N, mean[1], ROWS, dvariance,
                                   dv + first[t] * N, dmean, &dc[1], work);
    for (size_t t = 0; t < 2; t++)
        et__norm_mean_back_f64(c, count[t], N, b.v + first[t] * N, sums[1], mean[1], dmean, t == 0,
                               dv + first[t] * N, &dc[1], work);
    for (size_t i = 0; i < ALL; i++)
        assert_near(dv[i], b.dv[i], 1e-12);
    for (size_t i = 0; i < N; i++)
        assert_near(dshift[1][i], dshift[0][i], 1e-12);
    assert_near(dgamma[1], dgamma[0], 1e-12);
    assert_near(dc[1], dc[0], 1e-11);
}
END_TEST

START_TEST(test_add_tangents)
{
    static struct layer_f32 a;
    static struct layer_f64 b;
    float da[2][ALL] = {{0}};
    double db[2][ALL] = {{0}}, dc[2] = {0}, work[WORK];
    draw(&a, &b, 0.8, 4);
    et__add_tangents_f32(1, ROWS, N, a.v, a.dy, a.y, work);
    et__add_tangents_f64(1, ROWS, N, b.v, b.dy, b.y, work);
    agree("sum", a.y, b.y, ALL, 2e-7);
    et__add_tangents_back_f32(1, ROWS, N, a.v, a.dy, a.y, da[0], da[1], &dc[0], work);
    et__add_tangents_back_f64(1, ROWS, N, b.v, b.dy, b.y, db[0], db[1], &dc[1], work);
    agree("left", da[0], db[0], ALL, 1e-6);
    agree("right", da[1], db[1], ALL, 1e-6);
    assert_near(dc[0], dc[1], 1e-6 * fabs(dc[1]));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("precision of the Poincare ball");
    TCase *tests = tcase_create("precision");
    tcase_add_test(tests, test_planes);
    tcase_add_test(tests, test_norm);
    tcase_add_test(tests, test_norm_in_tiles);
    tcase_add_test(tests, test_add_tangents);
    suite_add_tcase(suite, tests);
    return suite_result(suite);
}
