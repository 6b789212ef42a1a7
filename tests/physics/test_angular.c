/* SPDX-License-Identifier: Apache-2.0
 *
 * The angular spectrum against its plain version, which sums exponentials. */
#include "sim/kernels/angular.h"

#include <etalon/array.h>
#include <etalon/rng.h>

#include <check.h>
#include <string.h>

#include "close.h"

/* Sizes that are not square, not even, with blocks outside the band and without padding. */
static const struct {
    size_t ny, nx, padding;
    double distance;
    bool band_limit;
    size_t dark; /* blocks of columns that let nothing pass */
} cases[] = {
    {20, 24, 2, 1e-4, true, 0},  {33, 17, 2, 1e-3, true, 0},   {16, 100, 2, 3e-2, true, 6},
    {24, 32, 1, 1e-4, false, 0}, {16, 40, 3, -2e-4, false, 0}, {31, 64, 1, 5e-4, true, 0},
};
enum { N_CASES = sizeof cases / sizeof *cases };

START_TEST(agrees_with_the_plain_version)
{
    struct et__angular a = {0};
    struct et__transfer t = {0};
    struct et__space space = {500e-9, 2e-6, cases[_i].distance, 0.2, cases[_i].band_limit};
    assert_ok(et__angular_create(&a, cases[_i].ny, cases[_i].nx, cases[_i].padding));
    assert_ok(et__transfer_create(&t, &a));
    et__transfer_fill(&t, &a, &space);
    size_t dark = 0, n = a.ny * a.pitch;
    for (size_t b = 0; b < a.px / ET__ANGULAR_BLOCK; b++)
        dark += !t.passes[b];
    ck_assert_uint_eq(dark, cases[_i].dark);
    float complex *got = et_alloc(n, sizeof *got), *want = et_alloc(n, sizeof *want);
    float complex *scratch = et_alloc(a.py * ET__ANGULAR_BLOCK, sizeof *scratch);
    ck_assert(got && want && scratch);
    for (int adjoint = 0; adjoint < 2; adjoint++) {
        /* Padding columns and the workspace hold what an earlier step has left. */
        et_rng_fill_normal(1, ET_STREAM_USER, 0, 0, (float *)got, 2 * n);
        et_rng_fill_normal(2, ET_STREAM_USER, 0, 0, (float *)scratch, 2 * a.py * ET__ANGULAR_BLOCK);
        memcpy(want, got, n * sizeof *want);
        et__angular_step(&a, &t, got, scratch, adjoint);
        assert_ok(et__angular_step_plain(&a, &space, want, adjoint));
        for (size_t y = 0; y < a.ny; y++)
            assert_close((float *)(got + y * a.pitch), (float *)(want + y * a.pitch), 2 * a.nx, 0,
                         3e-6);
    }
    et_free(got);
    et_free(want);
    et_free(scratch);
    et__transfer_destroy(&t);
    et__angular_destroy(&a);
}
END_TEST

/* The limit of Matsushima and Shimobaba: a step du of the frequency turns H's phase by half a turn
 * there.  The derivative of z sqrt(1/l^2 - u^2) by u is taken by differences. */
START_TEST(band_ends_where_the_phase_is_not_resolved)
{
    struct et__space space = {500e-9, 2e-6, 3e-3, 0.1, true};
    const size_t n = 256;
    const double du = 1 / ((double)n * space.dx), u = et__space_limit(&space, n), h = 1e-3 * du;
    double k = 1 / space.wavelength;
    double slope = space.distance *
                   (sqrt(k * k - (u - h) * (u - h)) - sqrt(k * k - (u + h) * (u + h))) / (2 * h);
    assert_near(slope * du, 0.5, 1e-6);
}
END_TEST

/* All of it up to 1 - edge, half of it in the middle of the edge, nothing from the limit on; along
 * each axis with its own limit. */
START_TEST(band_ends_softly)
{
    struct et__angular a = {0};
    struct et__space space = {500e-9, 2e-6, 3e-3, 0.2, true};
    assert_ok(et__angular_create(&a, 64, 96, 2));
    double u = et__space_limit(&space, a.px), v = et__space_limit(&space, a.py);
    ck_assert_double_gt(u, v);
    const struct {
        double place, weight;
    } points[] = {{0.79, 1}, {0.85, 0.5 + 0.5 * 0.70710678}, {0.9, 0.5}, {1.0001, 0}};
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        assert_near(cabs(et__space_transfer(&space, &a, points[i].place * u, 0)), points[i].weight,
                    1e-6);
        assert_near(cabs(et__space_transfer(&space, &a, 0, -points[i].place * v)), points[i].weight,
                    1e-6);
    }
    et__angular_destroy(&a);
}
END_TEST

START_TEST(waves_beyond_the_wave_number_decay)
{
    struct et__angular a = {0};
    assert_ok(et__angular_create(&a, 32, 32, 1));
    struct et__space space = {500e-9, 0.1e-6, 0.2e-6, 0.1, false};
    double u = 3 / space.wavelength;
    double complex h = et__space_transfer(&space, &a, u, 0);
    double decay = exp(-2 * 3.14159265358979323846 * space.distance * sqrt(8) / space.wavelength);
    assert_near(creal(h) / decay, 1, 1e-12);
    assert_near(cimag(h), 0, 0);
    et__angular_destroy(&a);
}
END_TEST

/* The direct sum in front of a wide opening: a plane wave goes on as a plane wave. */
START_TEST(direct_sum_of_a_plane_wave_far_from_the_edge)
{
    enum { N = 400 };
    const double dx = 0.2e-6, z = 10e-6, wavelength = 1e-6;
    double complex *from = et_alloc((size_t)N * N, sizeof *from), to;
    ck_assert_ptr_nonnull(from);
    /* A soft edge: a Gaussian, wide against the region that matters. */
    for (size_t y = 0; y < N; y++)
        for (size_t x = 0; x < N; x++) {
            double px = ((double)x - 0.5 * (N - 1)) * dx, py = ((double)y - 0.5 * (N - 1)) * dx;
            from[y * N + x] = exp(-(px * px + py * py) / (15e-6 * 15e-6));
        }
    et__rayleigh_sommerfeld(from, N, N, dx, wavelength, z, &to, 1, 1);
    double range = 3.14159265358979323846 * 15e-6 * 15e-6 / wavelength;
    double phase = 2 * 3.14159265358979323846 * z / wavelength - atan(z / range);
    assert_near(cabs(to), 1 / sqrt(1 + z * z / (range * range)), 1e-4);
    assert_near(cabs(to / cabs(to) - CMPLX(cos(phase), sin(phase))), 0, 1e-3);
    et_free(from);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("angular");
    TCase *tests = tcase_create("angular");
    tcase_add_loop_test(tests, agrees_with_the_plain_version, 0, N_CASES);
    tcase_add_test(tests, band_ends_where_the_phase_is_not_resolved);
    tcase_add_test(tests, band_ends_softly);
    tcase_add_test(tests, waves_beyond_the_wave_number_decay);
    tcase_add_test(tests, direct_sum_of_a_plane_wave_far_from_the_edge);
    suite_add_tcase(suite, tests);
    return suite_result(suite);
}
