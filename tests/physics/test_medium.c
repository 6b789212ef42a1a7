/* SPDX-License-Identifier: Apache-2.0
 *
 * The scattering medium: every way in and out against a plain sum, mask, drift, bad input. */
#include "sim/medium/modes.h"

#include <etalon/store.h>
#include <etalon/system.h>

#include "close.h"
#include <complex.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { N_IN = 7, N_OUT = 11, ROWS = 110, SEED = 3 };
static const char sizes[] = "n_in: 7, n_out: 11";

static float complex matrix[N_OUT][N_IN]; /* of SEED */
static float inputs[ROWS][N_IN];

static struct et_system *open_medium(const char *rest)
{
    char text[512];
    struct et_system *system;
    snprintf(text, sizeof text, "{type: medium, %s, %s}", sizes, rest);
    assert_ok(et_system_open_text(text, SEED, &system));
    return system;
}

static void run(struct et_system *system, uint32_t index, float *y)
{
    struct et_step step = {.seed = SEED, .index = index};
    size_t n_out = et_system_info(system)->n_out;
    assert_ok(et_system_forward(system, &step, et_view_of(inputs[0], ROWS, N_IN),
                                et_view_of(y, ROWS, n_out)));
}

/* Single pixels show the columns of T. */
static void probe(void)
{
    struct et_system *system = open_medium("detection: quadratures");
    float x[N_IN][N_IN] = {{0}}, y[N_IN][2 * N_OUT];
    struct et_step step = {.seed = SEED};
    for (size_t j = 0; j < N_IN; j++)
        x[j][j] = 1;
    assert_ok(et_system_forward(system, &step, et_view_of(x[0], N_IN, N_IN),
                                et_view_of(y[0], N_IN, 2 * N_OUT)));
    for (size_t c = 0; c < N_OUT; c++)
        for (size_t j = 0; j < N_IN; j++)
            matrix[c][j] = CMPLXF(y[j][c], y[j][N_OUT + c]);
    et_system_close(system);
}

static void setup(void)
{
    for (size_t r = 0; r < ROWS; r++)
        for (size_t j = 0; j < N_IN; j++)
            inputs[r][j] = fmodf(0.137F * (float)(r * N_IN + j + 1) * 1.618F, 1);
    probe();
}

typedef float complex encode_fn(float x);

static float complex as_amplitude(float x)
{
    return x;
}
static float complex as_phase(float x)
{
    return cexpf(I * 2.5F * x);
}
static float complex as_binary(float x)
{
    return x >= 0.3F ? 1 : 0;
}

static float complex field(const float *x, size_t c, encode_fn *encode)
{
    float complex sum = 0;
    for (size_t j = 0; j < N_IN; j++)
        sum += matrix[c][j] * encode(x[j]);
    return sum;
}

/* More rows than a block, so the second one is seen too. */
START_TEST(test_encodings_and_detections)
{
    static const struct {
        const char *yaml;
        encode_fn *encode;
    } ways[] = {{"encoding: amplitude", as_amplitude},
                {"encoding: signed", as_amplitude},
                {"encoding: phase, phase_range: 2.5", as_phase},
                {"encoding: binary, threshold: 0.3", as_binary}};
    static const char *const detections[] = {"intensity", "magnitude", "homodyne", "quadratures"};
    encode_fn *encode = ways[_i % 4].encode;
    char rest[128];
    snprintf(rest, sizeof rest, "%s, detection: %s, gain: 2", ways[_i % 4].yaml,
             detections[_i / 4]);
    struct et_system *system = open_medium(rest);
    size_t n_out = et_system_info(system)->n_out;
    ck_assert_uint_eq(n_out, _i / 4 == 3 ? 2 * N_OUT : N_OUT);
    float y[ROWS * 2 * N_OUT], want[ROWS * 2 * N_OUT];
    run(system, 0, y);
    for (size_t i = 0; i < ROWS * n_out; i++) {
        float complex e = 2 * field(inputs[i / n_out], i % n_out % N_OUT, encode);
        float size = cabsf(e);
        want[i] = _i / 4 == 0             ? size * size
                  : _i / 4 == 1           ? size
                  : i % n_out / N_OUT > 0 ? cimagf(e)
                                          : crealf(e);
    }
    assert_close(y, want, ROWS * n_out, 1e-5, 1e-5);
    et_system_close(system);
}
END_TEST

START_TEST(test_mask)
{
    struct et_system *system = open_medium("mask: true, detection: homodyne");
    const struct et_system_info *info = et_system_info(system);
    float knobs[N_IN], y[ROWS * N_OUT], want[ROWS * N_OUT];
    ck_assert_uint_eq(info->n_knobs, N_IN);
    ck_assert_str_eq(info->knob_unit, "rad");
    for (size_t j = 0; j < N_IN; j++)
        knobs[j] = 0.7F * (float)j - 2;
    assert_ok(et_system_set_knobs(system, knobs, N_IN));
    run(system, 0, y);
    for (size_t i = 0; i < ROWS * N_OUT; i++) {
        float complex e = 0;
        for (size_t j = 0; j < N_IN; j++)
            e += matrix[i % N_OUT][j] * inputs[i / N_OUT][j] * cexpf(I * knobs[j]);
        want[i] = crealf(e);
    }
    assert_close(y, want, ROWS * N_OUT, 1e-5, 1e-5);
    et_system_close(system);
}
END_TEST

/* A camera that sees no noise clips at its auto exposure and rounds. */
START_TEST(test_camera)
{
    struct et_system *system = open_medium(
        "camera: {kind: cmos, shot_noise: false, read_noise: 0, bits: 4, exposure: 0.7}");
    float y[ROWS * N_OUT];
    size_t full = 0;
    ck_assert_str_eq(et_system_info(system)->out_unit, "of full well");
    run(system, 0, y);
    for (size_t i = 0; i < ROWS * N_OUT; i++) {
        assert_near((double)y[i] * 15, rint((double)y[i] * 15), 1e-5);
        full += y[i] >= 1;
    }
    /* 30 % of the pixels for random inputs; these are much like them. */
    ck_assert_msg(full > ROWS * N_OUT / 10 && full < ROWS * N_OUT / 2, "%zu of %d pixels saturate",
                  full, ROWS * N_OUT);
    et_system_close(system);
}
END_TEST

START_TEST(test_drift_needs_no_history)
{
    struct et_system *a = open_medium("drift: {rate: 0.3}");
    struct et_system *b = open_medium("drift: {rate: 0.3, age: 900}");
    struct et_system *c = open_medium("detection: intensity");
    float ya[ROWS * N_OUT], yb[ROWS * N_OUT];
    run(a, 1000, ya);
    run(b, 100, yb);
    ck_assert(memcmp(ya, yb, sizeof ya) == 0);
    run(a, 0, ya);
    run(c, 5, yb);
    assert_close(ya, yb, ROWS * N_OUT, 1e-5, 1e-6);
    et_system_close(a);
    et_system_close(b);
    et_system_close(c);
}
END_TEST

START_TEST(test_ledger)
{
    struct et_system *system = open_medium("frame_rate: 2000, power: 30");
    assert_near(et_system_info(system)->latency_s, 5e-4, 1e-12);
    assert_near(et_system_info(system)->energy_J, 0.015, 1e-12);
    et_system_close(system);
    system = open_medium("power: 30");
    ck_assert(isnan(et_system_info(system)->latency_s) && isnan(et_system_info(system)->energy_J));
    et_system_close(system);
}
END_TEST

/* ------------------------------------------------------------------------------------ fibres -- */

/* LP01, LP11, LP21 and LP02 below 5.136, LP31 above: with two angles for l > 0. */
START_TEST(test_number_of_modes)
{
    struct et__fibre_mode *modes;
    size_t n;
    static const struct {
        double v;
        size_t n;
    } known[] = {{2.3, 1}, {2.5, 3}, {3.8, 3}, {5.0, 6}, {5.3, 8}, {5.6, 10}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct et__fibre fibre = {.radius = 10e-6, .na = 0.1, .index = 1.46};
        fibre.wavelength = 2 * M_PI * fibre.radius * fibre.na / known[i].v;
        assert_ok(et__fibre_modes(&fibre, &modes, &n));
        ck_assert_uint_eq(n, known[i].n);
        for (size_t m = 0; m < n; m++)
            ck_assert(modes[m].beta < 2 * M_PI / fibre.wavelength * 1.46);
        ck_assert(modes[0].l == 0 && modes[0].m == 1 && !modes[0].sine);
        et_free(modes);
    }
    /* A large core holds V^2 / 4 modes, up to terms of the order of V. */
    struct et__fibre large = {50e-6, 0.2, 633e-9, 1.46, false};
    assert_ok(et__fibre_modes(&large, &modes, &n));
    assert_near((double)n, 0.25 * pow(et__fibre_v(&large), 2), et__fibre_v(&large));
    et_free(modes);
    /* Groups 1 to 4 of a graded core of V = 9: 1 + 2 + 3 + 4 modes. */
    struct et__fibre graded = {9e-6, 0.1, 2 * M_PI * 0.1e-6, 1.46, true};
    assert_ok(et__fibre_modes(&graded, &modes, &n));
    ck_assert_uint_eq(n, 10);
    et_free(modes);
}
END_TEST

/* u of LP01 at V = 2.4, by another root finder and other Bessel functions (SciPy). */
START_TEST(test_fundamental_mode)
{
    double root;
    ck_assert_uint_eq(et__fibre_lp_roots(0, 2.4, &root, 1), 1);
    assert_near(root, 1.6453108863307637, 1e-13);
}
END_TEST

/* Columns of T for single pixels. */
static void probe_fibre(const char *fibre, float complex *t, size_t n)
{
    char text[512];
    struct et_system *system;
    struct et_array x = {0}, y = {0};
    struct et_step step = {.seed = SEED};
    snprintf(text, sizeof text,
             "{type: medium, kind: fibre, n_in: %zu, n_out: %zu, detection: quadratures, fibre: "
             "{radius: 5e-6, %s}}",
             n, n, fibre);
    assert_ok(et_system_open_text(text, SEED, &system));
    assert_ok(et_array_create(&x, n, n));
    assert_ok(et_array_create(&y, n, 2 * n));
    for (size_t i = 0; i < n; i++)
        x.data[i * n + i] = 1;
    assert_ok(et_system_forward(system, &step, et_array_view(&x), et_array_view(&y)));
    for (size_t i = 0; i < n * n; i++)
        t[i] = CMPLXF(y.data[i % n * 2 * n + i / n], y.data[i % n * 2 * n + n + i / n]);
    et_array_destroy(&x);
    et_array_destroy(&y);
    et_system_close(system);
}

/* Without coupling T = C D P with C = P^T: symmetric.  With coupling it is not, and weak coupling
 * within groups of equal beta changes it less than strong coupling between all modes. */
START_TEST(test_fibre_coupling)
{
    enum { N = 36 };
    float complex bare[N * N], within[N * N], between[N * N];
    double asymmetry = 0, size = 0, by_within = 0, by_between = 0, twist = 0;
    probe_fibre("coupling_within: 0, coupling_between: 0", bare, N);
    probe_fibre("coupling_within: 0.1, coupling_between: 0", within, N);
    probe_fibre("coupling_within: 3, coupling_between: 3, sections: 3", between, N);
    for (size_t i = 0; i < N * N; i++) {
        size_t flipped = i % N * N + i / N;
        size += pow((double)cabsf(bare[i]), 2);
        asymmetry += pow((double)cabsf(bare[i] - bare[flipped]), 2);
        twist += pow((double)cabsf(between[i] - between[flipped]), 2);
        by_within += pow((double)cabsf(bare[i] - within[i]), 2);
        by_between += pow((double)cabsf(bare[i] - between[i]), 2);
    }
    ck_assert_msg(asymmetry < 1e-10 * size, "%g of %g", asymmetry, size);
    ck_assert_msg(twist > 0.1 * size, "%g of %g", twist, size);
    ck_assert_msg(by_within > 1e-4 * size && by_within < 0.1 * size, "%g of %g", by_within, size);
    ck_assert_msg(by_between > 0.5 * size, "%g of %g", by_between, size);
}
END_TEST

/* The one mode of a narrow fibre turns by beta L, in one section or in three. */
START_TEST(test_fibre_length)
{
    enum { N = 16 };
    static const char *const fibres[] = {
        "na: 0.03, coupling_within: 0, coupling_between: 0, length: 1",
        "na: 0.03, coupling_within: 0, coupling_between: 0, length: 1.00003",
        "na: 0.03, coupling_within: 0, coupling_between: 0, length: 1.00003, sections: 3"};
    const struct et__fibre fibre = {5e-6, 0.03, 633e-9, 1.457, false};
    float complex t[3][N * N];
    struct et__fibre_mode *modes;
    size_t n;
    assert_ok(et__fibre_modes(&fibre, &modes, &n));
    ck_assert_uint_eq(n, 1);
    for (size_t k = 0; k < 3; k++)
        probe_fibre(fibres[k], t[k], N);
    double complex turn = cexp(CMPLX(0, fmod(modes[0].beta * 3e-5, 2 * M_PI)));
    double size = (double)cabsf(t[0][0]);
    ck_assert_double_gt(size, 0);
    for (size_t i = 0; i < N * N; i++) {
        double complex want = turn * (double complex)t[0][i];
        assert_near(cabs((double complex)t[1][i] - want), 0, 1e-5 * size);
        assert_near(cabs((double complex)t[2][i] - want), 0, 1e-5 * size);
    }
    et_free(modes);
}
END_TEST

/* Every section couples in a way of its own: of two without length, T is not the square of one's,
 * which it is, but for the pixels' blur, of two alike (modes that the image holds: P C = 1). */
START_TEST(test_fibre_sections)
{
    enum { N = 100 };
    static float complex one[N * N], two[N * N];
    double apart = 0, size = 0;
    probe_fibre("length: 0, image: 18e-6", one, N);
    probe_fibre("length: 0, image: 18e-6, sections: 2", two, N);
    for (size_t i = 0; i < N * N; i++) {
        double complex square = 0;
        for (size_t k = 0; k < N; k++)
            square += (double complex)one[i / N * N + k] * (double complex)one[k * N + i % N];
        apart += pow(cabs((double complex)two[i] - square), 2);
        size += pow((double)cabsf(two[i]), 2);
    }
    ck_assert_msg(apart > 0.5 * size, "%g of %g", apart, size);
}
END_TEST

/* ------------------------------------------------------------------------------------- files -- */

static char folder[] = "/tmp/etalon-medium-XXXXXX";

static void make_files(void)
{
    char path[128];
    struct et_store *store;
    float numbers[2][3][2];
    for (size_t i = 0; i < 12; i++)
        numbers[i / 6][i / 2 % 3][i % 2] = 0.5F * (float)i;
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/t.npy", folder);
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    static const char header[] = "{'descr': '<c8', 'fortran_order': False, 'shape': (2, 3), }";
    fwrite("\x93NUMPY\x01\x00", 1, 8, file);
    fputc(sizeof header - 1, file);
    fputc(0, file);
    fwrite(header, 1, sizeof header - 1, file);
    fwrite(numbers, 1, sizeof numbers, file);
    fclose(file);
    snprintf(path, sizeof path, "%s/t.h5", folder);
    struct et_store_shape shape = {ET_STORE_F32, 3, {2, 3, 2}};
    assert_ok(et_store_create(path, &store));
    assert_ok(et_store_write(store, "/T", shape, numbers, "1", "A matrix.", ET_STABLE));
    numbers[1][2][0] = NAN;
    assert_ok(et_store_write(store, "/nan", shape, numbers, "1", "A matrix.", ET_STABLE));
    shape.rank = 2;
    assert_ok(et_store_write(store, "/real", shape, numbers, "1", "A matrix.", ET_STABLE));
    assert_ok(et_store_commit(&store));
}

static void remove_files(void)
{
    char path[128];
    snprintf(path, sizeof path, "%s/t.npy", folder);
    remove(path);
    snprintf(path, sizeof path, "%s/t.h5", folder);
    remove(path);
    rmdir(folder);
    memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
}

static enum et_status open_file(const char *rest, struct et_system **system)
{
    char text[512];
    snprintf(text, sizeof text, "{type: medium, kind: file, detection: quadratures, file: %s/%s}",
             folder, rest);
    return et_system_open_text(text, SEED, system);
}

START_TEST(test_files)
{
    static const char *const names[] = {"t.npy", "t.h5", "t.npy, n_in: 3, n_out: 2"};
    make_files();
    for (size_t i = 0; i < 3; i++) {
        struct et_system *system;
        struct et_step step = {.seed = SEED};
        float x[3] = {1, 0, 0.5F}, y[4];
        /* Row 0: (0 + 0.5i) + (2 + 2.5i) / 2; row 1: (3 + 3.5i) + (5 + 5.5i) / 2. */
        const float want[4] = {1, 5.5F, 1.75F, 6.25F};
        assert_ok(open_file(names[i], &system));
        assert_ok(et_system_forward(system, &step, et_view_of(x, 1, 3), et_view_of(y, 1, 4)));
        assert_close(y, want, 4, 1e-6, 0);
        et_system_close(system);
    }
    remove_files();
}
END_TEST

START_TEST(test_bad_files)
{
    static const struct {
        const char *rest, *message;
        enum et_status status;
    } cases[] = {
        {"t.npy, n_in: 4", "has n_out x n_in = 2 x 3 numbers, not 2 x 4", ET_CONFIG},
        {"t.h5, n_out: 5", "has n_out x n_in = 2 x 3 numbers, not 5 x 3", ET_CONFIG},
        {"t.h5, dataset: /real", "/real: is no matrix of complex numbers", ET_FORMAT},
        {"t.h5, dataset: /nan", "/nan: element [1][2] is nan+5.5i", ET_FORMAT},
        {"t.h5, dataset: /none", "/none: there is no such dataset", ET_MISSING},
        {"none.npy", "none.npy", ET_MISSING},
    };
    make_files();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct et_system *system;
        assert_status(open_file(cases[i].rest, &system), cases[i].status);
        assert_message(cases[i].message);
        ck_assert_ptr_null(system);
    }
    remove_files();
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
    refuses("{type: medium, n_out: 4}", "n_in must be at least 1");
    refuses("{type: medium, n_in: 4}", "n_out must be at least 1");
    refuses("{type: medium, kind: haar, n_in: 4, n_out: 9, order: 8}",
            "a unitary matrix of order 8 has no block of n_out x n_in = 9 x 4");
    refuses("{type: medium, n_in: 1000000, n_out: 1000000}",
            "1000000 x 1000000 numbers takes 8e+03 GB, above the limit of 8.59 GB");
    refuses("{type: medium, kind: haar, n_in: 4096, n_out: 4096, order: 1000000}",
            "4096 columns of order 1000000 take 65.5 GB");
    refuses("{type: medium, n_in: 4, n_out: 4, detection: homodyne, camera: {kind: cmos}}",
            "a camera sees intensities: detection homodyne has none");
    refuses("{type: medium, n_in: 4, n_out: 4, phase_range: 1e9}",
            "phase_range = 1e9 rad is outside [0.001, 100]");
    refuses("{type: medium, kind: file}", "kind: file needs the name of a file");
    refuses("{type: medium, kind: fibre, n_in: 9, n_out: 9, fibre: {radius: 1e-6, profile: "
            "graded}}",
            "the fibre guides no mode: V = 2 pi radius na / wavelength = 0.993, a graded core "
            "needs more than 2");
    refuses("{type: medium, kind: fibre, n_in: 9, n_out: 9, fibre: {radius: 5e-7}}",
            "V = 2 pi radius na / wavelength = 0.496, a step-index core needs more than 0.8");
    refuses("{type: medium, kind: fibre, n_in: 9, n_out: 9, fibre: {radius: 1e-4}}",
            "V = 99.3: the fibre guides 2");
    refuses("{type: medium, kind: fibre, n_in: 9, n_out: 9, fibre: {radius: 1e-2}}",
            "guides far more than 1024 modes");
    refuses("{type: medium, kind: fibre, n_in: 9, n_out: 9, fibre: {na: 1.5}}",
            "na = 1.5 is not below the core's index of 1.457");
    refuses("{type: medium, kind: fibre, n_in: 8, n_out: 9, fibre: {radius: 5e-6}}",
            "8 pixels are no square: give in_columns");
    refuses("{type: medium, kind: fibre, n_in: 8, n_out: 9, fibre: {radius: 5e-6, in_columns: 3}}",
            "8 pixels do not fill rows of in_columns = 3");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("medium");
    TCase *all = tcase_create("all");

    tcase_add_unchecked_fixture(all, setup, NULL);
    tcase_add_loop_test(all, test_encodings_and_detections, 0, 16);
    tcase_add_test(all, test_mask);
    tcase_add_test(all, test_camera);
    tcase_add_test(all, test_drift_needs_no_history);
    tcase_add_test(all, test_ledger);
    tcase_add_test(all, test_number_of_modes);
    tcase_add_test(all, test_fundamental_mode);
    tcase_add_test(all, test_fibre_coupling);
    tcase_add_test(all, test_fibre_length);
    tcase_add_test(all, test_fibre_sections);
    tcase_add_test(all, test_files);
    tcase_add_test(all, test_bad_files);
    tcase_add_test(all, test_bad_input);
    suite_add_tcase(suite, all);
    return suite_result(suite);
}
