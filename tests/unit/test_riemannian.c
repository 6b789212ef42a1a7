/* SPDX-License-Identifier: Apache-2.0
 *
 * Optimisers on the Poincare ball against closed forms.  For f = d(p, t)^2/2 the Riemannian
 * gradient is -log_p t, so steps of SGD stay on the geodesic to t, and the distance follows the
 * recursion of the same optimiser on a line. */
#include "close.h"
#include "hyperbolic/hyperbolic.h"
#include "training/riemannian.h"

#include <etalon/parallel.h>
#include <etalon/rng.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POINTS = 40, N = 3 };

static double curvature = 0.7;

static const struct et_knob_block block = {.name = "points",
                                           .rows = POINTS,
                                           .cols = N,
                                           .kind = ET_KNOB_MANIFOLD,
                                           .manifold = &et__poincare_manifold,
                                           .curvature = &curvature};

static double dot(const double *a, const double *b)
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

/* Textbook: z = -x (+) y. */
static void difference(double c, const double *x, const double *y, double *z)
{
    double xy = -dot(x, y), xx = dot(x, x), yy = dot(y, y), d = 1 + 2 * c * xy + c * c * xx * yy;
    for (size_t i = 0; i < N; i++)
        z[i] = (-(1 + 2 * c * xy + c * yy) * x[i] + (1 - c * xx) * y[i]) / d;
}

static void widen(const float *x, double *to)
{
    for (size_t i = 0; i < N; i++)
        to[i] = (double)x[i];
}

static double distance(const float *a, const float *b)
{
    double x[N], y[N], z[N];
    widen(a, x);
    widen(b, y);
    difference(curvature, x, y, z);
    return 2 / sqrt(curvature) * atanh(sqrt(curvature * dot(z, z)));
}

/* Euclidean gradient of d(p, t)^2/2: -lambda^2 log_p t. */
static void gradient_towards(const float *p, const float *t, float *g)
{
    double x[N], y[N], z[N], s = sqrt(curvature);
    widen(p, x);
    widen(t, y);
    difference(curvature, x, y, z);
    double length = sqrt(dot(z, z)), lambda = 2 / (1 - curvature * dot(x, x));
    for (size_t i = 0; i < N; i++)
        g[i] = (float)(-lambda * lambda * 2 / (s * lambda) * atanh(s * length) * z[i] / length);
}

struct fixture {
    struct et_tensor tensor;
    float target[POINTS * N], start[POINTS];
};

/* Points and targets at distances of about 1 from 0 and from each other. */
static struct fixture open_points(void)
{
    struct fixture f = {0};
    float v[2 * POINTS * N], gap;
    double *work = et_alloc(et__poincare_work(N), sizeof *work);
    ck_assert_ptr_nonnull(work);
    assert_ok(et_tensor_create(&f.tensor, "points", POINTS, N, 1));
    et_rng_fill_uniform(3, ET_STREAM_USER, 0, 0, -0.7F, 0.7F, v, 2 * POINTS * N);
    for (size_t i = 0; i < POINTS; i++) {
        struct et__points_f32 p = {f.tensor.value + i * N, &gap, 1, N};
        struct et__points_f32 t = {f.target + i * N, &gap, 1, N};
        et__exp0_f32(curvature, v + i * N, p, work);
        et__exp0_f32(curvature, v + (POINTS + i) * N, t, work);
        f.start[i] = (float)distance(p.x, t.x);
    }
    et_free(work);
    return f;
}

static void step(struct fixture *f, const struct et__optimiser *optimiser, uint64_t count)
{
    for (size_t i = 0; i < POINTS; i++)
        gradient_towards(f->tensor.value + i * N, f->target + i * N, f->tensor.gradient + i * N);
    et__riemannian_step(optimiser, &block, &f->tensor, optimiser->rate, count);
}

/* One step of rate 1 is the target itself; each step of 0.3 leaves 0.7 of the distance. */
START_TEST(sgd_leaves_a_share_of_the_distance)
{
    struct fixture f = open_points();
    struct et__optimiser optimiser = {.kind = ET__SGD, .rate = 0.3};
    double left = 1;
    for (uint64_t count = 1; count <= 12; count++) {
        step(&f, &optimiser, count);
        left *= 0.7;
        for (size_t i = 0; i < POINTS; i++)
            assert_near(distance(f.tensor.value + i * N, f.target + i * N),
                        left * (double)f.start[i], 2e-5 * (double)f.start[i]);
    }
    et_tensor_destroy(&f.tensor);
}
END_TEST

/* Heavy ball on the line of the geodesic: m <- momentum m + s, s <- s - rate m, through the target
 * and back. */
START_TEST(momentum_is_kept_and_carried_along)
{
    struct fixture f = open_points();
    struct et__optimiser optimiser = {.kind = ET__SGD, .rate = 0.2, .momentum = 0.8};
    double place = 1, momentum = 0;
    bool beyond = false;
    for (uint64_t count = 1; count <= 20; count++) {
        step(&f, &optimiser, count);
        momentum = 0.8 * momentum + place;
        place -= 0.2 * momentum;
        beyond = beyond || place < -0.1;
        for (size_t i = 0; i < POINTS; i++)
            assert_near(distance(f.tensor.value + i * N, f.target + i * N),
                        fabs(place) * (double)f.start[i], 1e-3 * (double)f.start[i]);
    }
    ck_assert(beyond);
    et_tensor_destroy(&f.tensor);
}
END_TEST

/* The first step of Adam has the length `rate`, whatever the gradient's; later ones arrive. */
START_TEST(adam_measures_steps_in_the_ball)
{
    struct fixture f = open_points();
    struct et__optimiser optimiser = {
        .kind = ET__ADAM, .rate = 0.05, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
    float before[POINTS * N];
    memcpy(before, f.tensor.value, sizeof before);
    step(&f, &optimiser, 1);
    for (size_t i = 0; i < POINTS; i++) {
        assert_near(distance(f.tensor.value + i * N, before + i * N), 0.05, 1e-5);
        assert_near(distance(f.tensor.value + i * N, f.target + i * N), (double)f.start[i] - 0.05,
                    1e-5);
    }
    optimiser.rate = 0.02;
    for (uint64_t count = 2; count <= 1000; count++) {
        if (count > 500) optimiser.rate *= 0.99;
        step(&f, &optimiser, count);
    }
    for (size_t i = 0; i < POINTS; i++)
        ck_assert(distance(f.tensor.value + i * N, f.target + i * N) < 0.02);
    et_tensor_destroy(&f.tensor);
}
END_TEST

/* Parallel transport keeps inner products; move is the geodesic of its length. */
START_TEST(moving_carries_tangents_isometrically)
{
    const struct et_manifold *ball = &et__poincare_manifold;
    struct fixture f = open_points();
    for (size_t i = 0; i < POINTS; i++) {
        float *p = f.tensor.value + i * N, old[N], u[N], w[N], back[N];
        et_rng_fill_normal(4, ET_STREAM_USER, 0, i * N, u, N);
        et_rng_fill_normal(4, ET_STREAM_USER, 1, i * N, w, N);
        memcpy(old, p, sizeof old);
        double ww = ball->inner(curvature, p, w, w, N), uw = ball->inner(curvature, p, u, w, N);
        for (size_t k = 0; k < N; k++)
            u[k] /= 10;
        double length = sqrt(ball->inner(curvature, p, u, u, N));
        memcpy(back, u, sizeof back);
        /* Two tangents, w and the direction of travel itself. */
        float again[N];
        memcpy(again, p, sizeof again);
        ball->move(curvature, again, u, w, N);
        ball->move(curvature, p, u, back, N);
        assert_near(distance(p, old), length, 1e-5 * (1 + length));
        assert_near(ball->inner(curvature, p, w, w, N), ww, 1e-4 * ww);
        assert_near(10 * ball->inner(curvature, p, back, w, N), uw, 1e-4 * (fabs(uw) + ww));
        /* The carried direction leads back. */
        for (size_t k = 0; k < N; k++)
            back[k] = -back[k];
        ball->move(curvature, p, back, NULL, N);
        ck_assert(distance(p, old) < 1e-4);
    }
    et_tensor_destroy(&f.tensor);
}
END_TEST

START_TEST(points_stay_in_the_ball)
{
    struct fixture f = open_points();
    struct et__optimiser sgd = {.kind = ET__SGD, .rate = 1e4, .momentum = 0.9};
    for (uint64_t count = 1; count <= 50; count++) {
        et_rng_fill_normal(5, ET_STREAM_USER, (uint32_t)count, 0, f.tensor.gradient, POINTS * N);
        et__riemannian_step(&sgd, &block, &f.tensor, sgd.rate, count);
        for (size_t i = 0; i < POINTS; i++) {
            double p[N];
            widen(f.tensor.value + i * N, p);
            ck_assert(curvature * dot(p, p) < 1);
            for (size_t k = 0; k < N; k++)
                ck_assert(isfinite(f.tensor.moment1[i * N + k]));
        }
    }
    et_tensor_destroy(&f.tensor);
}
END_TEST

START_TEST(threads_do_not_matter)
{
    struct et__optimiser adam = {
        .kind = ET__ADAM, .rate = 0.05, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
    struct fixture one = open_points(), four = open_points();
    for (uint64_t count = 1; count <= 3; count++) {
        et_parallel_set_threads(1);
        step(&one, &adam, count);
        et_parallel_set_threads(4);
        step(&four, &adam, count);
    }
    ck_assert_mem_eq(one.tensor.value, four.tensor.value, POINTS * N * sizeof(float));
    et_tensor_destroy(&one.tensor);
    et_tensor_destroy(&four.tensor);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("riemannian");
    TCase *tcase = tcase_create("optimisers");
    tcase_add_test(tcase, sgd_leaves_a_share_of_the_distance);
    tcase_add_test(tcase, momentum_is_kept_and_carried_along);
    tcase_add_test(tcase, adam_measures_steps_in_the_ball);
    tcase_add_test(tcase, moving_carries_tangents_isometrically);
    tcase_add_test(tcase, points_stay_in_the_ball);
    tcase_add_test(tcase, threads_do_not_matter);
    suite_add_tcase(suite, tcase);
    return suite_result(suite);
}
