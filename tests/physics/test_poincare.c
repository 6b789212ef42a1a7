/* SPDX-License-Identifier: Apache-2.0
 *
 * The Poincare ball: identities of gyrovectors, far points, and the bugs of other libraries. */
#include "close.h"

#include "sim/kernels/poincare.h"

#include <etalon/rng.h>

#include "physics/poincare_plain.h"

#include <string.h>

enum { BALL_ROWS = 100, BALL_N = 10, FAR_ALL = BALL_ROWS * BALL_N };

#define REAL     float
#define NAME(op) et__##op##_f32
#define SINGLE   1
#include "physics/poincare_batches.h"

#include "physics/poincare_far.h"
#undef REAL
#undef NAME
#undef SINGLE

#define REAL     double
#define NAME(op) et__##op##_f64
#define SINGLE   0
#include "physics/poincare_batches.h"

#include "physics/poincare_far.h"
#undef REAL
#undef NAME
#undef SINGLE

/* --------------------------------------------------------------------------------- identities --
 */

static const double curvatures[] = {1, 0.1, 3.7, 1e-3, 1e-15};
enum { SEEDS = 10, CURVATURES = 5 };

START_TEST(test_identities)
{
    const double c = curvatures[_i % CURVATURES];
    const uint64_t seed = (uint64_t)_i / CURVATURES;
    et__identities_f32(et__draw_f32(c, 0.2, seed));
    et__identities_f64(et__draw_f64(c, 0.2, seed));
    et__multiples_f32(et__draw_f32(c, 0.2, seed));
    et__multiples_f64(et__draw_f64(c, 0.2, seed));
    et__products_f32(et__draw_f32(c, 0.2, seed));
    et__products_f64(et__draw_f64(c, 0.2, seed));
    et__planes_are_mirrors_f32(et__draw_f32(c, 0.2, seed));
    et__planes_are_mirrors_f64(et__draw_f64(c, 0.2, seed));
    et__geodesics_f32(et__draw_f32(c, 0.2, seed));
    et__geodesics_f64(et__draw_f64(c, 0.2, seed));
    et__transports_f32(et__draw_f32(c, 0.2, seed));
    et__transports_f64(et__draw_f64(c, 0.2, seed));
}
END_TEST

/* c -> 0 is Euclidean space with twice its lengths. */
START_TEST(test_flat_limit)
{
    double x[] = {0.3, -0.2}, y[] = {-0.1, 0.7}, z[2], gap[3], d, work[17 * 8];
    const double c = 1e-15;
    struct et__points_f64 a = {x, gap, 1, 2}, b = {y, gap + 1, 1, 2}, sum = {z, gap + 2, 1, 2};
    et__point_f64(c, a, work);
    et__point_f64(c, b, work);
    et__add_f64(c, a, b, sum, work);
    assert_near(z[0], 0.2, 1e-14);
    assert_near(z[1], 0.5, 1e-14);
    et__distance_f64(c, a, b, &d, work);
    assert_near(d, 2 * sqrt(0.16 + 0.81), 1e-13);
    et__log_f64(c, a, b, z, work);
    assert_near(z[0], -0.4, 1e-13);
    assert_near(z[1], 0.9, 1e-13);
}
END_TEST

/* ---------------------------------------------------------------------------------- far points --
 */

START_TEST(test_round_trip)
{
    static const double lengths[] = {1e-20, 1e-9, 1e-3, 0.1, 0.7, 1,   3.1,
                                     6.2,   7.5,  15,   40,  90,  400, 1000};
    for (size_t k = 0; k < 3; k++)
        for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
            et__round_trip_f32(curvatures[k], lengths[i], 1e-6);
            et__round_trip_f64(curvatures[k], lengths[i], 1e-14);
        }
}
END_TEST

START_TEST(test_far_points_stay_finite)
{
    static const double lengths[] = {0, 1e-30, 1e-3, 5, 20, 50, 200, 1000};
    for (size_t k = 0; k < 3; k++)
        for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
            et__operations_are_finite_f32(curvatures[k], lengths[i]);
            et__operations_are_finite_f64(curvatures[k], lengths[i]);
            et__layers_are_finite_f32(curvatures[k], lengths[i]);
            et__layers_are_finite_f64(curvatures[k], lengths[i]);
        }
}
END_TEST

/* Along one ray lengths add up as far as anyone goes; also where coordinates are the same numbers.
 */
START_TEST(test_distances_along_a_ray)
{
    for (double far = 1; far < 70; far *= 2) {
        float v[] = {(float)far, 0, (float)(far + 0.5), 0}, x[4], gap[2], d, work_f[1];
        double work[17 * 8];
        struct et__points_f32 a = {x, gap, 1, 2}, b = {x + 2, gap + 1, 1, 2};
        (void)work_f;
        et__exp0_f32(1, v, a, work);
        et__exp0_f32(1, v + 2, b, work);
        et__distance_f32(1, a, b, &d, work);
        /* Beyond the resolution of x a bound from the gaps, half of the way, takes over. */
        if (far < 3)
            assert_near((double)d, 1, 1e-4 * exp(2 * far) / 7);
        else
            ck_assert_msg(d > 0.2F && d < 4, "at %g: %g", far, (double)d);
    }
}
END_TEST

/* The identity keeps points, as far out as they are. */
START_TEST(test_identity_layer_far_out)
{
    enum { WIDE = 8 };
    float z[WIDE * WIDE] = {0}, r[WIDE] = {0}, table[3 * WIDE], v[WIDE], e[WIDE], y[WIDE];
    struct et__planes_f32 p = {ET__PLANES_TANGENT, WIDE, WIDE, 0.5, z, r, table};
    for (size_t i = 0; i < WIDE; i++)
        z[i * WIDE + i] = 0.5F;
    et__planes_prepare_f32(&p);
    for (float far = 1e-3F; far < 2000; far *= 3) {
        for (size_t i = 0; i < WIDE; i++)
            v[i] = far * ((float)i - 2.5F) / 8;
        et__planes_forward_f32(&p, 1, v, e, y);
        assert_close(y, v, WIDE, 2e-7 * (10 + (double)far), 0); /* exp of h rounded */
    }
}
END_TEST

/* ---------------------------------------------------------------- bugs of other libraries -- */

/* The derivative of an addition by c, in closed form; a library had it off by 16 orders of
 * magnitude. */
START_TEST(test_trap_addition_by_c)
{
    enum { M = 4 };
    double x[M] = {0.3, -0.2, 0.4, 0.1}, y[M] = {-0.1, 0.5, 0.2, -0.3}, u[M] = {1, -2, 0.5, 3};
    double gap[4] = {0}, dx[M] = {0}, dy[M] = {0}, dgap[2] = {0}, zero = 0, dc = 0, work[17 * 8];
    const double c = 0.8;
    double xy = plain_dot(x, y, M), x2 = plain_dot(x, x, M), y2 = plain_dot(y, y, M);
    double ux = plain_dot(u, x, M), uy = plain_dot(u, y, M), den = 1 + 2 * c * xy + c * c * x2 * y2;
    double theta = (1 + 2 * c * xy + c * y2) * ux + (1 - c * x2) * uy;
    double want =
        ((2 * xy + y2) * ux - x2 * uy) / den - theta * (2 * xy + 2 * c * x2 * y2) / (den * den);
    struct et__points_f64 a = {x, gap, 1, M}, b = {y, gap + 1, 1, M};
    struct et__points_f64 da = {dx, dgap, 1, M}, db = {dy, dgap + 1, 1, M}, dz = {u, &zero, 1, M};
    et__point_f64(c, a, work);
    et__point_f64(c, b, work);
    et__add_back_f64(c, a, b, dz, da, db, &dc, work);
    et__point_back_f64(c, a, da, &dc, work);
    et__point_back_f64(c, b, db, &dc, work);
    assert_near(dc, want, 1e-14);
}
END_TEST

/* lambda is 2/(1 - c|x|^2), not 2 (1 - c|x|^2): off by 66 percent at c|x|^2 = 0.44. */
START_TEST(test_trap_conformal_factor_of_logits)
{
    double x[2] = {sqrt(0.44) * 0.6, sqrt(0.44) * 0.8}, z[2] = {0.7, -0.3}, r = 0.2, v[2], e, d,
           table[3];
    struct et__planes_f64 p = {ET__PLANES_DISTANCE, 2, 1, 1, z, &r, table};
    plain_log0(1, x, 2, v);
    et__planes_prepare_f64(&p);
    et__planes_forward_f64(&p, 1, v, &e, &d);
    double want = plain_plane(1, x, z, r, 2);
    assert_near(d, want, 1e-13 * fabs(want));
}
END_TEST

/* 1e-15 added to c, or a float for it, shows at small curvatures. */
START_TEST(test_trap_small_curvature)
{
    double v[2] = {3e5, 4e5}, x[2], gap, work[17 * 8];
    struct et__points_f64 p = {x, &gap, 1, 2};
    et__exp0_f64(1e-12, v, p, work);
    assert_near(x[0] / v[0], tanh(0.5) / 0.5, 1e-14);
    assert_near(gap, -2 * log(cosh(0.5)), 1e-14);
    et__exp0_f64(0.1, v, p, work);
    assert_near(hypot(x[0], x[1]), 1 / sqrt(0.1), 1e-14);
}
END_TEST

/* Running statistics are used: the same rows with others come out otherwise, and where they are
 * those of the batch, the result has the batch's midpoint at 0 and the variance 1. */
START_TEST(test_trap_running_statistics)
{
    struct et__ball_f64 *b = et__draw_f64(1, 0.3, 7);
    static double y[BALL_ROWS * BALL_N], z[BALL_ROWS * BALL_N];
    double mean[BALL_N], shift[BALL_N] = {0}, sums[BALL_N + 2], other[BALL_N] = {0.2}, spread = 0;
    struct et__norm_f64 norm = {BALL_N, 1, 0, 1, shift, mean, 0};
    et__norm_statistics_f64(1, BALL_ROWS, BALL_N, b->x[0], mean, &norm.variance, sums, b->work);
    et__norm_rows_f64(&norm, BALL_ROWS, b->x[0], y, b->work);
    et__norm_statistics_f64(1, BALL_ROWS, BALL_N, y, other, &spread, sums, b->work);
    struct et__norm_f64 running = norm;
    double moved[BALL_N] = {0.2};
    running.mean = moved;
    et__norm_rows_f64(&running, BALL_ROWS, b->x[0], z, b->work);
    double change = 0;
    for (size_t i = 0; i < BALL_ROWS * BALL_N; i++)
        change = fmax(change, fabs(z[i] - y[i]));
    ck_assert_msg(change > 0.05, "another mean changes rows by %g only", change);
    running.mean = mean;
    running.variance = 4 * norm.variance;
    et__norm_rows_f64(&running, BALL_ROWS, b->x[0], z, b->work);
    for (size_t i = 0; i < BALL_ROWS * BALL_N; i++)
        assert_near(z[i], y[i] / 2, 1e-12);
    assert_near(spread, 1, 0.02); /* around the new midpoint, which is near 0 but not at it */
}
END_TEST

/* Rate 1 takes the batch's statistics, 0 keeps the old ones, 1/2 stands in the middle of the
 * geodesic. */
START_TEST(test_running_update)
{
    const double batch[2] = {0.5, -0.3}, start[2] = {-0.2, 0.9};
    double work[20 * 8], x[6], gap[3], d[2];
    for (int half = 0; half < 3; half++) {
        double mean[2] = {start[0], start[1]}, variance = 3;
        et__norm_update(2, 2, half / 2.0, batch, 1, mean, &variance, work);
        assert_near(variance, 3 - half, 1e-14);
        struct et__points_f64 m = {x, gap, 1, 2}, a = {x + 2, gap + 1, 1, 2},
                              b = {x + 4, gap + 2, 1, 2};
        et__exp0_f64(2, mean, m, work);
        et__exp0_f64(2, start, a, work);
        et__exp0_f64(2, batch, b, work);
        et__distance_f64(2, m, a, d, work);
        et__distance_f64(2, m, b, d + 1, work);
        assert_near(d[0] * (2 - half), d[1] * half, 1e-12);
    }
}
END_TEST

START_TEST(test_rows_stand_alone)
{
    et__rows_stand_alone_f32();
    et__rows_stand_alone_f64();
}
END_TEST

/* Parts of equal length come together with the length of one of them, roughly: the factor of
 * Shimizu et al. keeps the expected norm. */
START_TEST(test_beta)
{
    assert_near(et__poincare_beta(2, 2), 1, 1e-14);
    assert_near(et__poincare_beta(2, 1), 2 / acos(-1.0),
                1e-14);                                        /* B(1, 1/2) = 2, B(1/2, 1/2) = pi */
    assert_near(et__poincare_beta(4, 2), (4. / 3) / 2, 1e-14); /* B(2, 1/2) = 4/3 */
    assert_near(et__poincare_beta(9000, 1000), 1 / 3.0, 1e-3);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("Poincare ball");
    TCase *identities = tcase_create("identities"), *far = tcase_create("far points"),
          *traps = tcase_create("traps");
    tcase_add_loop_test(identities, test_identities, 0, SEEDS * CURVATURES);
    tcase_add_test(identities, test_flat_limit);
    tcase_add_test(far, test_round_trip);
    tcase_add_test(far, test_far_points_stay_finite);
    tcase_add_test(far, test_distances_along_a_ray);
    tcase_add_test(far, test_identity_layer_far_out);
    tcase_add_test(traps, test_trap_addition_by_c);
    tcase_add_test(traps, test_trap_conformal_factor_of_logits);
    tcase_add_test(traps, test_trap_small_curvature);
    tcase_add_test(traps, test_trap_running_statistics);
    tcase_add_test(traps, test_running_update);
    tcase_add_test(traps, test_rows_stand_alone);
    tcase_add_test(traps, test_beta);
    suite_add_tcase(suite, identities);
    suite_add_tcase(suite, far);
    suite_add_tcase(suite, traps);
    return suite_result(suite);
}
