/* SPDX-License-Identifier: Apache-2.0
 *
 * The simple systems: linear, random, identity and zeros against their formulas. */
#include "unit/gauge.h"

#include "sim/kernels/affine.h"

#include <etalon/rng.h>

/* The matrix of a linear system, W[o][k], from its answers to unit vectors. */
static void read_matrix(struct et_system *system, float *w)
{
    size_t n_in = et_system_info(system)->n_in, n_out = et_system_info(system)->n_out;
    float x[32], y[32];
    for (size_t k = 0; k < n_in; k++) {
        memset(x, 0, sizeof x);
        x[k] = 1;
        assert_ok(pass(system, 1, 0, x, 1, y));
        for (size_t o = 0; o < n_out; o++)
            w[o * n_in + k] = y[o];
    }
}

START_TEST(a_given_matrix_is_used)
{
    struct et_system *system =
        open_text("{type: linear, n_in: 3, n_out: 2, matrix: [1, 2, 3, 4, 5, 6], gain: 2}");
    float w[6];
    read_matrix(system, w);
    assert_close(w, (const float[]){2, 4, 6, 8, 10, 12}, 6, 1e-6, 0);
    et_system_close(system);
    assert_refused("{type: linear, n_in: 3, n_out: 2, matrix: [1, 2]}", ET_CONFIG,
                   "matrix has 2 numbers, not n_out * n_in = 6");
    assert_refused("{type: linear, n_in: 0, n_out: 2}", ET_CONFIG, "n_in = 0 is outside");
}
END_TEST

/* The vectors along the longer side are orthonormal, whichever side that is. */
START_TEST(seeded_matrices_are_orthogonal)
{
    static const size_t sizes[][2] = {{7, 7}, {12, 5}, {5, 12}, {1, 9}};
    for (size_t i = 0; i < 4; i++) {
        size_t n_in = sizes[i][0], n_out = sizes[i][1];
        size_t count = n_in < n_out ? n_in : n_out, n = n_in < n_out ? n_out : n_in;
        char yaml[128];
        float w[32 * 32];
        snprintf(yaml, sizeof yaml, "{type: linear, n_in: %zu, n_out: %zu}", n_in, n_out);
        struct et_system *system = open_text(yaml);
        read_matrix(system, w);
        for (size_t a = 0; a < count; a++) {
            for (size_t b = 0; b < count; b++) {
                double dot = 0;
                for (size_t k = 0; k < n; k++)
                    dot += n_in < n_out ? (double)w[k * n_in + a] * (double)w[k * n_in + b]
                                        : (double)w[a * n_in + k] * (double)w[b * n_in + k];
                assert_near(dot, a == b, 1e-6);
            }
        }
        et_system_close(system);
    }
}
END_TEST

START_TEST(seeded_matrices_have_their_variance)
{
    float w[30 * 30], other[30 * 30];
    double squares = 0, cross = 0;
    struct et_system *system =
        open_text("{type: linear, n_in: 30, n_out: 30, init: gaussian, gain: 3}");
    read_matrix(system, w);
    et_system_close(system);
    assert_ok(et_system_open_text("{type: linear, n_in: 30, n_out: 30, init: gaussian, gain: 3}", 2,
                                  &system));
    read_matrix(system, other);
    et_system_close(system);
    for (size_t i = 0; i < 900; i++) {
        squares += (double)w[i] * (double)w[i];
        cross += (double)w[i] * (double)other[i];
    }
    assert_near(squares / 900, 9.0 / 30, 5 * 0.3 * sqrt(2.0 / 900));
    assert_near(cross / 900, 0, 5 * 0.3 / 30);
}
END_TEST

START_TEST(a_random_layer_is_a_tanh_layer)
{
    struct et_system *layer = open_text("{type: random, n_in: 4, n_out: 6, gain: 1.5, bias: 0.3}");
    float zero[4] = {0}, unit[4], x[4] = {0.3F, -0.7F, 0.1F, 0.9F}, bias[6], y[6], want[6];
    assert_ok(pass(layer, 1, 0, zero, 1, bias));
    for (size_t o = 0; o < 6; o++)
        want[o] = bias[o] = atanhf(bias[o]);
    for (size_t k = 0; k < 4; k++) {
        memset(unit, 0, sizeof unit);
        unit[k] = 0.1F;
        assert_ok(pass(layer, 1, 0, unit, 1, y));
        for (size_t o = 0; o < 6; o++)
            want[o] += (atanhf(y[o]) - bias[o]) / 0.1F * x[k];
    }
    assert_ok(pass(layer, 1, 0, x, 1, y));
    for (size_t o = 0; o < 6; o++)
        want[o] = tanhf(want[o]);
    assert_close(y, want, 6, 0, 1e-5);
    ck_assert(bias[0] != 0 && bias[0] != bias[1]);
    et_system_close(layer);
}
END_TEST

START_TEST(identity_cuts_and_pads)
{
    float x[3] = {1, 2, 3}, y[5];
    struct et_system *system = open_text("{type: identity, n_in: 3, n_out: 5}");
    assert_ok(pass(system, 1, 0, x, 1, y));
    assert_close(y, (const float[]){1, 2, 3, 0, 0}, 5, 0, 0);
    et_system_close(system);
    system = open_text("{type: identity, n_in: 3, n_out: 2}");
    assert_ok(pass(system, 1, 0, x, 1, y));
    assert_close(y, (const float[]){1, 2}, 2, 0, 0);
    et_system_close(system);
    system = open_text("{type: identity, n_in: 3}");
    ck_assert_uint_eq(et_system_info(system)->n_out, 3);
    et_system_close(system);
}
END_TEST

START_TEST(zeros_are_zero)
{
    float x[3] = {1, 2, 3}, y[3] = {4, 5, 6};
    struct et_system *system = open_text("{type: zeros, n_in: 3}");
    assert_ok(pass(system, 1, 0, x, 1, y));
    assert_close(y, (const float[]){0, 0, 0}, 3, 0, 0);
    et_system_close(system);
}
END_TEST

/* The three products against sums in double, on sizes on both sides of the serial limit. */
START_TEST(kernels_are_the_products)
{
    enum { B = 70, K = 37, N = 29 };
    static float m[K * N], bias[N], x[B * K], y[B * N], dx[B * K], dm[K * N];
    et_rng_fill_normal(1, ET_STREAM_USER, 0, 0, m, K * N);
    et_rng_fill_normal(1, ET_STREAM_USER, 1, 0, bias, N);
    et_rng_fill_normal(1, ET_STREAM_USER, 2, 0, x, B * K);
    for (size_t batch = 1; batch <= B; batch += B - 1) {
        et__affine(m, bias, et_view_of(x, batch, K), et_view_of(y, batch, N));
        et__affine_back(m, et_view_of(y, batch, N), et_view_of(dx, batch, K));
        et__affine_outer(et_view_of(x, batch, K), et_view_of(y, batch, N), dm);
        for (size_t r = 0; r < batch; r++) {
            for (size_t o = 0; o < N; o++) {
                double sum = (double)bias[o];
                for (size_t k = 0; k < K; k++)
                    sum += (double)x[r * K + k] * (double)m[k * N + o];
                assert_near((double)y[r * N + o], sum, 1e-4);
            }
            for (size_t k = 0; k < K; k++) {
                double sum = 0;
                for (size_t o = 0; o < N; o++)
                    sum += (double)y[r * N + o] * (double)m[k * N + o];
                assert_near((double)dx[r * K + k], sum, 1e-3);
            }
        }
        for (size_t i = 0; i < K * N; i++) {
            double sum = 0;
            for (size_t r = 0; r < batch; r++)
                sum += (double)x[r * K + i / N] * (double)y[r * N + i % N];
            assert_near((double)dm[i], sum, 1e-3);
        }
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_given_matrix_is_used,
        seeded_matrices_are_orthogonal,
        seeded_matrices_have_their_variance,
        a_random_layer_is_a_tanh_layer,
        identity_cuts_and_pads,
        zeros_are_zero,
        kernels_are_the_products,
    };
    return run_suite("controls", tests, sizeof tests / sizeof *tests);
}
