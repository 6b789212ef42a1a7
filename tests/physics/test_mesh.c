/* SPDX-License-Identifier: Apache-2.0
 *
 * The mesh as a system: signals, the effect of every imperfection, refusals.  What has an analytic
 * answer is in bench/physics_mesh.c. */
#include "close.h"

#include "sim/kernels/zmatrix.h"

#include <etalon/etalon.h>
#include <etalon/rng.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const double pi = 3.14159265358979323846;

static void run(const char *yaml, uint64_t seed, struct et_view x, struct et_view y)
{
    struct et_system *system = NULL;
    struct et_step step = {.seed = 5, .index = 2};
    assert_ok(et_system_open_text(yaml, seed, &system));
    assert_ok(et_system_forward(system, &step, x, y));
    et_system_close(system);
}

/* Same bits for 1, 2 and 3 threads and however the batch is cut; derivatives by knobs for any
 * number of threads. */
START_TEST(test_threads_and_cuts)
{
    enum { N = 6, BATCH = 70 };
    static const char *const yaml[] = {
        "{type: mesh, n: 6, input: signed, detector_noise: 0.01}",
        "{type: mesh, n: 6, input: signed, phase_noise: 0.05, coupler_error: 0.1}"};
    static float x[BATCH * N], want[BATCH * N], got[BATCH * N], dx[BATCH * N];
    float knobs[2][N * N];
    et_rng_fill_uniform(5, ET_STREAM_USER, 0, 0, -1, 1, x, sizeof x / sizeof *x);
    for (size_t c = 0; c < 2; c++) {
        struct et_view all = et_view_of(x, BATCH, N);
        struct et_step step = {.seed = 5, .index = 2};
        for (size_t threads = 1; threads <= 3; threads++) {
            struct et_system *system = NULL;
            et_parallel_set_threads(threads);
            run(yaml[c], 2, all, et_view_of(threads == 1 ? want : got, BATCH, N));
            if (threads > 1) ck_assert_mem_eq(got, want, sizeof want);
            assert_ok(et_system_open_text(yaml[c], 2, &system));
            assert_ok(et_system_vjp(system, &step, all, all, et_view_of(dx, BATCH, N),
                                    knobs[threads > 1]));
            if (threads > 1) ck_assert_mem_eq(knobs[0], knobs[1], sizeof knobs[0]);
            et_system_close(system);
        }
        struct et_system *system = NULL;
        uint64_t ids[BATCH];
        for (size_t i = 0; i < BATCH; i++)
            ids[i] = i;
        assert_ok(et_system_open_text(yaml[c], 2, &system));
        for (size_t first = 0, n = 1; first < BATCH; first += n, n = n % 19 + 3) {
            if (n > BATCH - first) n = BATCH - first;
            step.samples = ids + first;
            assert_ok(et_system_forward(system, &step, et_view_of(x + first * N, n, N),
                                        et_view_of(got + first * N, n, N)));
        }
        ck_assert_mem_eq(got, want, sizeof want);
        et_system_close(system);
    }
    et_parallel_set_threads(2);
}
END_TEST

/* Outputs of one input agree: quadratures, real part, magnitude and power; amplitude and polar. */
START_TEST(test_signals)
{
    enum { N = 4 };
    float x[N] = {0.3F, 0.9F, 0, 0.5F}, pairs[2 * N], q[2 * N], re[N], size[N], power[N], p[2 * N];
    for (size_t i = 0; i < N; i++) {
        pairs[2 * i] = x[i];
        pairs[2 * i + 1] = 0;
    }
    run("{type: mesh, n: 4, output: quadratures}", 1, et_view_of(x, 1, N), et_view_of(q, 1, 2 * N));
    run("{type: mesh, n: 4, output: quadratures, input: polar}", 1, et_view_of(pairs, 1, 2 * N),
        et_view_of(p, 1, 2 * N));
    run("{type: mesh, n: 4, output: real}", 1, et_view_of(x, 1, N), et_view_of(re, 1, N));
    run("{type: mesh, n: 4, output: magnitude}", 1, et_view_of(x, 1, N), et_view_of(size, 1, N));
    run("{type: mesh, n: 4}", 1, et_view_of(x, 1, N), et_view_of(power, 1, N));
    assert_close(p, q, 2 * N, 0, 1e-6);
    double in = 0, out = 0;
    for (size_t i = 0; i < N; i++) {
        double want = hypot((double)q[2 * i], (double)q[2 * i + 1]);
        assert_near((double)re[i], (double)q[2 * i], 1e-6);
        assert_near((double)size[i], want, 1e-6);
        assert_near((double)power[i], want * want, 1e-6);
        in += (double)x[i] * (double)x[i];
        out += (double)power[i];
    }
    assert_near(out, in, 1e-6);
    float equal[N] = {0.25F, 0.25F, 0.25F, 0.25F}, turned[N] = {0.5F, 0.5F, 0.5F, 0.5F};
    run("{type: mesh, n: 4, input: phase}", 1, et_view_of(equal, 1, N), et_view_of(power, 1, N));
    run("{type: mesh, n: 4, input: phase, phase_span: 0.5, output: magnitude}", 1,
        et_view_of(turned, 1, N), et_view_of(size, 1, N));
    for (size_t i = 0; i < N; i++)
        assert_near((double)size[i] * (double)size[i], (double)power[i], 1e-6);
}
END_TEST

/* rms over outputs of the difference that an option makes on a Haar mesh of 16 modes. */
static double effect(const char *option, uint64_t seed)
{
    enum { N = 16, BATCH = 16 };
    float x[BATCH * N] = {0}, a[BATCH * 2 * N], b[BATCH * 2 * N];
    char yaml[300];
    double sum = 0;
    for (size_t i = 0; i < N; i++)
        x[i * N + i] = 1;
    run("{type: mesh, n: 16, output: quadratures}", seed, et_view_of(x, BATCH, N),
        et_view_of(a, BATCH, 2 * N));
    snprintf(yaml, sizeof yaml, "{type: mesh, n: 16, output: quadratures, %s}", option);
    run(yaml, seed, et_view_of(x, BATCH, N), et_view_of(b, BATCH, 2 * N));
    for (size_t i = 0; i < sizeof a / sizeof *a; i++)
        sum += pow((double)a[i] - (double)b[i], 2);
    return sqrt(sum / N);
}

/* Phase errors of sd each: n (n - 1) phases in cells act on one arm, n on the outputs, so the
 * squared error is sd^2 (n (n - 1) / n + 1) = n sd^2 for small sd. */
START_TEST(test_size_of_errors)
{
    double phases = 0, step = 2 * pi / 1024;
    assert_near(effect("coupler_error: 0", 1), 0, 1e-9);
    for (uint64_t seed = 1; seed <= 8; seed++)
        phases += pow(effect("phase_noise: 1e-3", seed), 2) / 8;
    assert_near(sqrt(phases) / 1e-3, 4, 0.25);
    phases = 0;
    for (uint64_t seed = 1; seed <= 8; seed++)
        phases += pow(effect("phase_bits: 10", seed), 2) / 8;
    assert_near(sqrt(phases) / (step / sqrt(12)), 4, 0.35);
    double across = effect("crosstalk: 1e-3", 1), along = effect("crosstalk_along: 1e-3", 1);
    ck_assert_msg(across > 2e-3 && across < 0.1 && along > 2e-3 && along < 0.1, "%g %g", across,
                  along);
    assert_near(effect("crosstalk: 2e-3", 1) / across, 2, 0.1);
    assert_near(effect("detector_noise: 0.01", 1), 0.01 * sqrt(32), 0.01);
}
END_TEST

/* The two phase heaters of one cell and their neighbours: C as documented. */
START_TEST(test_crosstalk_matrix)
{
    enum { N = 4 };
    struct et_system *real = NULL, *ideal = NULL;
    float k[N * N] = {0}, w[N * N] = {0}, x[N] = {1, 0.5F, 0.2F, 0.7F}, a[N], b[N];
    struct et_step step = {0};
    assert_ok(et_system_open_text("{type: mesh, n: 4, output: real, crosstalk: 0.1, "
                                  "crosstalk_along: 0.2}",
                                  1, &real));
    assert_ok(et_system_open_text("{type: mesh, n: 4, output: real}", 1, &ideal));
    k[0] = 1; /* theta of cell 0: phi of cell 0 by 0.2, theta of cell 1 by 0.1 */
    k[12] = 2;
    k[13] = 1; /* outputs 0 and 1 */
    w[0] = 1;
    w[1] = 0.2F;
    w[2] = 0.1F;
    w[12] = 2.1F;
    w[13] = 1.2F;
    w[14] = 0.1F;
    assert_ok(et_system_set_knobs(real, k, (size_t)N * N));
    assert_ok(et_system_set_knobs(ideal, w, (size_t)N * N));
    assert_ok(et_system_forward(real, &step, et_view_of(x, 1, N), et_view_of(a, 1, N)));
    assert_ok(et_system_forward(ideal, &step, et_view_of(x, 1, N), et_view_of(b, 1, N)));
    assert_close(a, b, N, 0, 1e-6);
    et_system_close(real);
    et_system_close(ideal);
}
END_TEST

/* A knob that rounds to a whole turn leaves its heater cold: its neighbours say so. */
START_TEST(test_whole_turn_is_cold)
{
    enum { N = 4 };
    struct et_system *system = NULL;
    float k[N * N] = {0}, x[N] = {1, 0.5F, 0.2F, 0.7F}, cold[N], turned[N];
    struct et_step step = {0};
    assert_ok(et_system_open_text("{type: mesh, n: 4, init: identity, output: real, phase_bits: 4, "
                                  "crosstalk: 0.1, crosstalk_along: 0.2}",
                                  1, &system));
    assert_ok(et_system_set_knobs(system, k, (size_t)N * N));
    assert_ok(et_system_forward(system, &step, et_view_of(x, 1, N), et_view_of(cold, 1, N)));
    for (size_t i = 0; i < (size_t)N * N; i++)
        k[i] = i % 2 ? -0.1F : 6.2F; /* steps are of 0.39 rad */
    assert_ok(et_system_set_knobs(system, k, (size_t)N * N));
    assert_ok(et_system_forward(system, &step, et_view_of(x, 1, N), et_view_of(turned, 1, N)));
    ck_assert_mem_eq(cold, turned, sizeof cold);
    et_system_close(system);
}
END_TEST

START_TEST(test_identity)
{
    static const char *const yaml[] = {
        "{type: mesh, n: 5, init: identity, output: real}",
        "{type: mesh, n: 5, init: identity, output: real, topology: reck}",
        "{type: mesh, n: 5, init: identity, output: real, block: svd}"};
    float x[5] = {0.1F, 0.2F, 0.3F, 0.4F, 0.5F}, y[5];
    for (size_t i = 0; i < sizeof yaml / sizeof *yaml; i++) {
        run(yaml[i], 1, et_view_of(x, 1, 5), et_view_of(y, 1, 5));
        assert_close(y, x, 5, 0, 1e-6);
    }
}
END_TEST

/* A known complex unitary on a device with bad couplers, without and with correction. */
START_TEST(test_programmed_with_correction)
{
    enum { N = 8 };
    double complex u[N * N];
    char real[N * N * 20] = "", imaginary[N * N * 20] = "",
                      yaml[sizeof real + sizeof imaginary + 200];
    float x[N * N] = {0}, y[N * 2 * N];
    double error[2] = {0};
    assert_ok(et__z_haar(3, ET_STREAM_USER, N, u));
    for (size_t i = 0; i < (size_t)N * N; i++) {
        size_t r = strlen(real), m = strlen(imaginary);
        snprintf(real + r, sizeof real - r, "%s%.9f", i ? "," : "", creal(u[i]));
        snprintf(imaginary + m, sizeof imaginary - m, "%s%.9f", i ? "," : "", cimag(u[i]));
    }
    for (size_t i = 0; i < N; i++)
        x[i * N + i] = 1;
    for (int correct = 0; correct < 2; correct++) {
        snprintf(yaml, sizeof yaml,
                 "{type: mesh, n: 8, output: quadratures, coupler_error: 0.02, correction: %s, "
                 "matrix: [%s], matrix_imaginary: [%s]}",
                 correct ? "local" : "none", real, imaginary);
        run(yaml, 7, et_view_of(x, N, N), et_view_of(y, N, 2 * N));
        for (size_t i = 0; i < N; i++)
            for (size_t o = 0; o < N; o++) {
                double complex got =
                    CMPLX((double)y[i * 2 * N + 2 * o], (double)y[i * 2 * N + 2 * o + 1]);
                error[correct] += pow(cabs(got - u[o * N + i]), 2);
            }
    }
    ck_assert_msg(error[0] > 1e-3 && error[1] < 0.02 * error[0], "%g and %g", error[0], error[1]);
}
END_TEST

/* A .npy file of complex64, 2 x 2, by two meshes. */
START_TEST(test_matrix_from_a_file)
{
    static const float data[8] = {1, 2, 0, -1, 0.5F, 0, 3, 0};
    char path[] = "/tmp/etalon-mesh-XXXXXX.npy", header[129], yaml[200];
    float x[2] = {1, 0.5F}, y[4], want[4] = {1, 1.5F, 2, 0};
    int file = mkstemps(path, 4);
    ck_assert_int_ge(file, 0);
    snprintf(header, sizeof header, "%-117s\n",
             "{'descr': '<c8', 'fortran_order': False, 'shape': (2, 2), }");
    ck_assert_int_eq(write(file, "\x93NUMPY\x01\x00\x76\x00", 10), 10);
    ck_assert_int_eq(write(file, header, 118), 118);
    ck_assert_int_eq(write(file, data, sizeof data), (int)sizeof data);
    close(file);
    snprintf(yaml, sizeof yaml, "{type: mesh, block: svd, n: 2, output: quadratures, file: %s}",
             path);
    run(yaml, 1, et_view_of(x, 1, 2), et_view_of(y, 1, 4));
    assert_close(y, want, 4, 0, 1e-5);
    remove(path);
}
END_TEST

START_TEST(test_latency_and_energy)
{
    struct et_system *system = NULL;
    float knobs[4] = {(float)pi, (float)pi, 0, 0};
    assert_ok(
        et_system_open_text("{type: mesh, n: 10, column_mm: 0.2, group_index: 4}", 1, &system));
    assert_near(et_system_info(system)->latency_s, 10 * 0.2e-3 * 4 / 299792458.0, 1e-18);
    et_system_close(system);
    /* heaters at theta = 0, phi = 0 or pi: 2 modes crossed by one cell, turned back by outputs */
    assert_ok(et_system_open_text("{type: mesh, n: 2, matrix: [1, 0, 0, 1], heater_mW: 20, "
                                  "rate_GHz: 0.5}",
                                  1, &system));
    assert_ok(et_system_get_knobs(system, knobs, 4));
    double load = 0;
    for (size_t i = 0; i < 4; i++)
        load += (double)knobs[i] / pi;
    ck_assert(load > 0.5);
    assert_near(et_system_info(system)->energy_J, load * 20e-3 / 0.5e9, 1e-15);
    et_system_close(system);
    /* A pair: first mesh, attenuators at kappa = 0 and 2 arccos(1/2), second mesh. */
    float pair[10];
    assert_ok(et_system_open_text("{type: mesh, n: 2, block: svd, matrix: [2, 0, 0, 1], heater_mW: "
                                  "20, rate_GHz: 0.5}",
                                  1, &system));
    assert_ok(et_system_get_knobs(system, pair, 10));
    assert_near((double)pair[4], 0, 1e-6);
    assert_near((double)pair[5], 2 * pi / 3, 1e-6);
    load = 0;
    for (size_t i = 0; i < 10; i++)
        load += (double)pair[i] / pi;
    assert_near(et_system_info(system)->energy_J, load * 20e-3 / 0.5e9, 1e-15);
    et_system_close(system);
}
END_TEST

static const struct {
    const char *yaml, *message;
} refused[] = {
    {"n: 1", "n = 1"},
    {"n: 300", "n = 300"},
    {"n: 4, n_out: 3", "a single mesh has n = 4 outputs, not 3"},
    {"n: 4, n_out: 1, block: svd", "n_out = 1 is less than 2"},
    {"n: 2, matrix: [1, 0, 0]", "matrix has 3 numbers, not 2 x 2 = 4"},
    {"n: 2, matrix: [1, 0, 0, 1], matrix_imaginary: [0]", "matrix_imaginary has 1 numbers"},
    {"n: 2, matrix_imaginary: [0, 0, 0, 0]", "imaginary parts without `matrix`"},
    {"n: 2, matrix: [1, 0, 0, 1.1]",
     "the matrix is not unitary: U^H U is off the identity by 0.21, at most 1e-05"},
    {"n: 2, block: svd, matrix: [0, 0, 0, 0]",
     "the largest singular value of the matrix is 0, outside [1e-15, 1e+15]"},
    {"n: 2, block: svd, matrix: [1e60, 0, 0, 1]", "is 1e+60, outside"},
    {"n: 2, block: svd, matrix: [1e-16, 0, 0, 1e-20]", "is 1e-16, outside"},
    {"n: 2, block: svd, matrix: [1e308, 1e308, 1e308, 1e308]", "is inf, outside"},
    {"n: 2, matrix: [1, 0, 0, 1], file: a.npy", "a matrix is given both here and by `matrix`"},
    {"n: 2, file: /nowhere/a.npy", "/nowhere/a.npy"},
    {"n: 2, coupler_error: 0.6", "coupler_error = 0.6"},
    {"n: 2, phase_bits: 30", "phase_bits = 30"},
    {"n: 2, loss_dB: -1", "loss_dB = -1"},
    {"n: 2, loss_dB: 2", "loss_dB = 2"},
    {"n: 2, crosstalk: 0.3", "crosstalk = 0.3"},
    {"n: 2, topology: tree", "topology"},
};

START_TEST(test_refused)
{
    char yaml[300];
    struct et_system *system = NULL;
    snprintf(yaml, sizeof yaml, "{type: mesh, %s}", refused[_i].yaml);
    ck_assert_msg(et_system_open_text(yaml, 1, &system) != ET_OK, "%s", yaml);
    assert_message(refused[_i].message);
    ck_assert_ptr_null(system);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mesh");
    TCase *systems = tcase_create("system");
    et_parallel_set_threads(2);
    tcase_add_test(systems, test_threads_and_cuts);
    tcase_add_test(systems, test_signals);
    tcase_add_test(systems, test_size_of_errors);
    tcase_add_test(systems, test_crosstalk_matrix);
    tcase_add_test(systems, test_whole_turn_is_cold);
    tcase_add_test(systems, test_identity);
    tcase_add_test(systems, test_programmed_with_correction);
    tcase_add_test(systems, test_matrix_from_a_file);
    tcase_add_test(systems, test_latency_and_energy);
    tcase_add_loop_test(systems, test_refused, 0, (int)(sizeof refused / sizeof *refused));
    suite_add_tcase(suite, systems);
    return suite_result(suite);
}
