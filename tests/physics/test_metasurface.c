/* SPDX-License-Identifier: Apache-2.0
 *
 * The metasurface in a cavity: small systems of equations, bits, scales, noise, bad input. */
#include "sim/kernels/zlu.h"

#include <etalon/rng.h>
#include <etalon/system.h>

#include "close.h"
#include <complex.h>
#include <string.h>

enum { SEED = 5 };

#define BOX                                                                                        \
    "{type: metasurface, width: 0.16, height: 0.12, frequencies: [4.9e9, 5.1e9], "                 \
    "transmitters: [{x: 0.14, y: 0.03}], receivers: [{x: 0.12, y: 0.1}, {x: 0.07, y: 0.04}], "     \
    "surfaces: [{x: 0.01, y: 0.01, width: 0.01, height: 0.1, ny: 8}], "
#define CAVITY BOX "scatterers: {count: 2}, "

enum { N_IN = 8, N_OUT = 4 };

static struct et_system *open_text(const char *yaml)
{
    struct et_system *system;
    assert_ok(et_system_open_text(yaml, SEED, &system));
    ck_assert_uint_eq(et_system_info(system)->n_in, N_IN);
    return system;
}

static void run(struct et_system *system, const struct et_step *step, float *x, float *y,
                size_t rows)
{
    assert_ok(et_system_forward(system, step, et_view_of(x, rows, N_IN),
                                et_view_of(y, rows, et_system_info(system)->n_out)));
}

/* ---------------------------------------------------------------------------- equations -- */

enum { ORDER = 37, COLUMNS = 3, STRIDE = 43 };

static void fill(double *a, uint32_t stream, size_t n)
{
    for (size_t i = 0; i < n; i++)
        a[i] = (double)et_rng_uniform(SEED, ET_STREAM_USER, stream, i) - 0.5;
}

START_TEST(test_equations)
{
    static double re[ORDER * STRIDE], im[ORDER * STRIDE], re2[ORDER * STRIDE], im2[ORDER * STRIDE];
    static double a_re[ORDER * STRIDE], a_im[ORDER * STRIDE];
    fill(re, 0, ORDER * STRIDE);
    fill(im, 1, ORDER * STRIDE);
    re[0] = im[0] = 0; /* so that rows must change places */
    memcpy(re2, re, sizeof re);
    memcpy(im2, im, sizeof im);
    memcpy(a_re, re, sizeof re);
    memcpy(a_im, im, sizeof im);
    ck_assert(et__zlu_solve(re, im, ORDER, COLUMNS, STRIDE));
    ck_assert(et__zlu_solve_reference(re2, im2, ORDER, COLUMNS, STRIDE));
    for (size_t i = 0; i < ORDER; i++)
        for (size_t c = ORDER; c < ORDER + COLUMNS; c++) {
            double complex sum = 0;
            for (size_t j = 0; j < ORDER; j++)
                sum += CMPLX(a_re[i * STRIDE + j], a_im[i * STRIDE + j]) *
                       CMPLX(re[j * STRIDE + c], im[j * STRIDE + c]);
            assert_near(cabs(sum - CMPLX(a_re[i * STRIDE + c], a_im[i * STRIDE + c])), 0, 1e-12);
            assert_near(re[i * STRIDE + c], re2[i * STRIDE + c], 1e-11);
            assert_near(im[i * STRIDE + c], im2[i * STRIDE + c], 1e-11);
        }
    /* What lies beyond the columns is not touched. */
    for (size_t i = 0; i < ORDER; i++)
        ck_assert(re[i * STRIDE + STRIDE - 1] == a_re[i * STRIDE + STRIDE - 1]);
}
END_TEST

START_TEST(test_singular_equations)
{
    double re[6] = {1, 2, 5, 2, 4, 7}, im[6] = {0};
    ck_assert(!et__zlu_solve(re, im, 2, 1, 3));
    double re2[6] = {1, 2, 5, 2, 4, 7}, im2[6] = {0};
    ck_assert(!et__zlu_solve_reference(re2, im2, 2, 1, 3));
}
END_TEST

/* ------------------------------------------------------------------------------- system -- */

START_TEST(test_bits)
{
    struct et_system *bits = open_text(CAVITY "tuning: bit}"),
                     *grey = open_text(CAVITY "tuning: grey}");
    struct et_step step = {.seed = SEED};
    float x[N_IN] = {0, 0.49F, 0.5F, 1, 0.2F, 0.8F, 0.51F, 0}, sharp[N_IN];
    float y[N_OUT], want[N_OUT], half[N_OUT];
    for (size_t i = 0; i < N_IN; i++)
        sharp[i] = x[i] >= 0.5F ? 1 : 0;
    run(bits, &step, x, y, 1);
    run(grey, &step, sharp, want, 1);
    run(grey, &step, x, half, 1);
    /* The scales differ: both are measured with the inputs that each can have. */
    for (size_t i = 1; i < N_OUT; i++)
        ck_assert(y[i] > 0 && want[i] > 0);
    ck_assert(memcmp(half, want, sizeof want) != 0);
    et_system_close(bits);
    et_system_close(grey);
    bits = open_text(CAVITY "tuning: bit, calibrate: false}");
    grey = open_text(CAVITY "tuning: grey, calibrate: false}");
    run(bits, &step, x, y, 1);
    run(grey, &step, sharp, want, 1);
    ck_assert(memcmp(y, want, sizeof want) == 0);
    ck_assert_str_eq(et_system_info(bits)->out_unit, "of a lone transmitter");
    et_system_close(bits);
    et_system_close(grey);
}
END_TEST

/* Three dipoles in the open, of sound: the equations of the documentation, written out. */
static double complex inverse(double f, double f_r, double s, double g)
{
    const double k0 = 2 * M_PI * 1000 / 340, k = k0 * f / 1000;
    return k0 * k0 * CMPLX((f_r * f_r - f * f) / 1e6, -g * f / 1000) / s - CMPLX(0, 0.25 * k * k);
}

static double complex link(double f, double dx, double dy)
{
    const double k = 2 * M_PI * f / 340, kr = k * hypot(dx, dy);
    return -k * k * CMPLX(-0.25 * y0(kr), 0.25 * j0(kr));
}

START_TEST(test_three_dipoles)
{
    static const double frequencies[2] = {900, 1100};
    struct et_system *system;
    struct et_step step = {.seed = SEED};
    float x[1] = {0.4F}, y[4];
    assert_ok(et_system_open_text(
        "{type: metasurface, width: 1, height: 1, speed: 340, frequencies: [900, 1100], walls: "
        "{closed: false}, scatterers: {count: 0}, transmitters: [{x: 0.7, y: 0.3}], receivers: "
        "[{x: 0.6, y: 0.8}], surfaces: [{x: 0.2, y: 0.2, width: 0.1, height: 0.1}], antenna: "
        "{strength: 2, loss: 0.3}, pixel: {strength: 3, loss: 0.1, on: 950, off: 1400}, tuning: "
        "grey, detection: quadratures, calibrate: false}",
        SEED, &system));
    assert_ok(et_system_forward(system, &step, et_view_of(x, 1, 1), et_view_of(y, 1, 4)));
    for (size_t i = 0; i < 2; i++) {
        const double f = frequencies[i];
        const double complex lone = inverse(f, 1000, 2, 0.3);
        const double complex rt = link(f, 0.1, -0.5), pt = link(f, 0.45, 0.05);
        const double complex rp = link(f, 0.35, 0.55), p = inverse(f, 1220, 3, 0.1);
        /* Without the pixel, which answers at once: 2 x 2, by Cramer's rule. */
        const double complex tt = lone - pt * pt / p, rr = lone - rp * rp / p,
                             off = rt - rp * pt / p;
        const double complex want = -off / (tt * rr - off * off) * lone;
        assert_near((double)y[i], creal(want), 1e-6);
        assert_near((double)y[2 + i], cimag(want), 1e-6);
        ck_assert_double_gt(cabs(want), 1e-2);
    }
    et_system_close(system);
}
END_TEST

/* Sum of the outputs of a pattern of pixels, in units that do not depend on the cavity. */
static double sum_of(const char *yaml, uint64_t seed)
{
    struct et_system *system;
    struct et_step step = {.seed = SEED};
    float x[N_IN] = {1, 0, 0, 1, 1, 0, 1, 0}, y[N_OUT];
    double sum = 0;
    assert_ok(et_system_open_text(yaml, seed, &system));
    run(system, &step, x, y, 1);
    et_system_close(system);
    for (size_t o = 0; o < N_OUT; o++)
        sum += (double)y[o];
    return sum;
}

/* Walls hold the waves in, as far as they do not absorb; the seed of the device places the
 * scatterers unless they have one of their own. */
START_TEST(test_walls_and_scatterers)
{
    double closed = sum_of(BOX "calibrate: false, walls: {loss: 0}, scatterers: {count: 0}}", 1);
    double lossy = sum_of(BOX "calibrate: false, walls: {loss: 1}, scatterers: {count: 0}}", 1);
    double open =
        sum_of(BOX "calibrate: false, walls: {closed: false}, scatterers: {count: 0}}", 1);
    ck_assert_msg(closed > 1.5 * lossy && lossy > 1.5 * open, "%g, %g, %g", closed, lossy, open);
    ck_assert_double_ne(sum_of(CAVITY "calibrate: false}", 1),
                        sum_of(CAVITY "calibrate: false}", 2));
    const char *own = BOX "calibrate: false, scatterers: {count: 2, seed: 9}}";
    ck_assert_double_eq(sum_of(own, 1), sum_of(own, 2));
    ck_assert_double_ne(sum_of(own, 1),
                        sum_of(BOX "calibrate: false, scatterers: {count: 2, seed: 8}}", 1));
}
END_TEST

/* Pixels talk to each other: what two of them change is not the sum of what each changes. */
START_TEST(test_pixels_interact)
{
    struct et_system *system = open_text(CAVITY "detection: quadratures}");
    struct et_step step = {.seed = SEED};
    float x[4][N_IN] = {{0}}, y[4][2 * N_OUT];
    x[1][2] = x[2][5] = x[3][2] = x[3][5] = 1;
    run(system, &step, x[0], y[0], 4);
    double change = 0, excess = 0;
    for (size_t i = 0; i < 2 * N_OUT; i++) {
        change += pow((double)(y[3][i] - y[0][i]), 2);
        excess += pow((double)(y[3][i] - y[1][i] - y[2][i] + y[0][i]), 2);
    }
    ck_assert_msg(excess > 0.01 * change, "%g of %g", excess, change);
    et_system_close(system);
}
END_TEST

/* A calibrated output has mean 1 over uniform inputs; 64 inputs of two seeds agree to what the
 * spread of their mean allows. */
START_TEST(test_scale)
{
    enum { ROWS = 512 };
    static float x[ROWS * N_IN], y[ROWS * N_OUT];
    struct et_system *system = open_text(CAVITY "tuning: bit}");
    struct et_step step = {.seed = SEED};
    et_rng_fill_uniform(SEED, ET_STREAM_USER, 9, 0, 0, 1, x, ROWS * N_IN);
    run(system, &step, x, y, ROWS);
    for (size_t o = 0; o < N_OUT; o++) {
        double mean = 0, square = 0;
        for (size_t r = 0; r < ROWS; r++) {
            mean += (double)y[r * N_OUT + o] / ROWS;
            square += pow((double)y[r * N_OUT + o], 2) / ROWS;
        }
        assert_near(mean, 1, 4 * sqrt((square - mean * mean) / 64));
    }
    et_system_close(system);
}
END_TEST

/* |H + n|^2 has the mean |H|^2 + noise^2; 4000 draws of sd below 1 each. */
START_TEST(test_noise)
{
    enum { STEPS = 4000 };
    struct et_system *quiet = open_text(CAVITY "tuning: bit}");
    struct et_system *noisy = open_text(CAVITY "tuning: bit, noise: 0.5}");
    float x[N_IN] = {1, 0, 1, 1, 0, 0, 1, 0}, y[N_OUT], clean[N_OUT];
    double mean[N_OUT] = {0};
    struct et_step step = {.seed = SEED};
    run(quiet, &step, x, clean, 1);
    for (step.index = 0; step.index < STEPS; step.index++) {
        run(noisy, &step, x, y, 1);
        for (size_t o = 0; o < N_OUT; o++)
            mean[o] += (double)y[o] / STEPS;
    }
    for (size_t o = 0; o < N_OUT; o++) {
        double h2 = (double)clean[o], sd = sqrt(2 * h2 * 0.25 + 0.0625);
        assert_near(mean[o], h2 + 0.25, 5 * sd / sqrt(STEPS));
    }
    et_system_close(quiet);
    et_system_close(noisy);
}
END_TEST

static void refuses(const char *yaml, const char *message)
{
    struct et_system *system;
    assert_status(et_system_open_text(yaml, SEED, &system), ET_CONFIG);
    assert_message(message);
    ck_assert_ptr_null(system);
}

START_TEST(test_bad_input)
{
    refuses("{type: metasurface, transmitters: [{x: 0.6, y: 0.1}]}",
            "transmitter 0 at (0.6, 0.1) m is not inside the cavity of 0.5 x 0.4 m");
    refuses("{type: metasurface, receivers: [{x: 0.4, y: 0.1}, {x: 0.4, y: 0.1005}]}",
            "receiver 1 at (0.4, 0.1005) m is 0.0005 m from receiver 0, less than 1/40 of the "
            "shortest wavelength, 0.00144 m");
    refuses("{type: metasurface, surfaces: [{x: 0.1, y: 0.1, width: 0.02, height: 0.02, nx: 20}]}",
            "pixel 1 at (0.1015, 0.11) m is 0.001 m from pixel 0");
    refuses("{type: metasurface, walls: {spacing: 0.03}}",
            "spacing = 0.03 m leaks: 3 posts per shortest wavelength of 0.0577 m are at most "
            "0.0192 m apart");
    refuses("{type: metasurface, walls: {spacing: 0.001}}", "wall post 1 at (0.001, 0) m is");
    refuses("{type: metasurface, scatterers: {count: 4096, radius: 0.009}}",
            "no room for scatterer");
    refuses("{type: metasurface, scatterers: {radius: 0.01}}",
            "radius = 0.01 m is no thin post: at most 1/(2 pi) of the shortest wavelength, "
            "0.00918 m");
    refuses("{type: metasurface, pixel: {on: 5e9, off: 5e9}}",
            "on and off are both 5e+09 Hz: the pixels do nothing");
    refuses("{type: metasurface, noise: 0.1, calibrate: false}", "set calibrate: true");
    refuses("{type: metasurface, width: 50, height: 50}",
            "wall post 4059 is one more than the limit of 4096 dipoles");
    char text[2048] = "{type: metasurface, surfaces: [{x: 0.05, y: 0.05, width: 0.3, height: 0.3, "
                      "nx: 50, ny: 40}], frequencies: [";
    for (int i = 0; i < 100; i++)
        strcat(text, i == 0 ? "5e9" : ", 5e9");
    refuses(strcat(text, "]}"),
            "100 frequencies of 2000 pixels take 6.4 GB, above the limit of 4 GB");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("metasurface");
    TCase *all = tcase_create("all");
    tcase_add_test(all, test_equations);
    tcase_add_test(all, test_singular_equations);
    tcase_add_test(all, test_bits);
    tcase_add_test(all, test_three_dipoles);
    tcase_add_test(all, test_walls_and_scatterers);
    tcase_add_test(all, test_pixels_interact);
    tcase_add_test(all, test_scale);
    tcase_add_test(all, test_noise);
    tcase_add_test(all, test_bad_input);
    suite_add_tcase(suite, all);
    return suite_result(suite);
}
