/* SPDX-License-Identifier: Apache-2.0
 *
 * The crossbar beyond its rows in the table of physics: plain references, what each option does,
 * what is refused and how. */
#include "sim/kernels/grid.h"

#include <etalon/log.h>
#include <etalon/parallel.h>
#include <etalon/rng.h>
#include <etalon/system.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "close.h"

enum { SEED = 7 };

static struct et_system *open_system(const char *yaml)
{
    struct et_system *system;
    assert_ok(et_system_open_text(yaml, SEED, &system));
    return system;
}

/* One sample through a system that is opened for it. */
static void run_once(const char *yaml, const float *x, float *y)
{
    struct et_system *system = open_system(yaml);
    const struct et_system_info *info = et_system_info(system);
    struct et_step step = {.seed = SEED, .index = 1};
    float copy[64];
    memcpy(copy, x, info->n_in * sizeof *x);
    assert_ok(et_system_forward(system, &step, et_view_of(copy, 1, info->n_in),
                                et_view_of(y, 1, info->n_out)));
    et_system_close(system);
}

#define EXACT "dac: {bits: 0}, adc: {bits: 0}"
#define CLEAN EXACT ", noise: {programming: 0, when: \"off\"}"
#define FOUR  "weights: [0.9, -0.5, 0.3, -0.8]"

/* ------------------------------------------------------------------------------- bad input -- */

static const struct {
    const char *yaml, *message;
} refused[] = {
    {"n_in: 2, n_out: 2, gmin: 30", "gmin = 30 uS is not below gmax = 25 uS"},
    {"n_in: 2, n_out: 2, cell: reram, gmin: 40", "gmin = 40 uS is not below gmax = 40 uS"},
    {"n_in: 2, n_out: 2, weights: [0.5, 1.2, 0, 0]",
     "weight 1 = 1.2 asks for 30 uS, above gmax = 25 uS"},
    {"n_in: 2, n_out: 2, weights: [0.5, 1, 0]", "weights has 3 numbers, not n_out * n_in = 4"},
    {"n_in: 2, n_out: 2, cell: reram, age: 2.592e6",
     "age = 2.592e+06 s is beyond 172800 s, the last measurement"},
    {"n_in: 2, n_out: 2, age: -1", "age = -1 s is outside [0, 10000000000] s"},
    {"n_in: 2, n_out: 2, stuck_on: 0.6, stuck_off: 0.7", "stuck_off + stuck_on = 1.3 is above 1"},
    {"n_in: 2, n_out: 2, array: {driver: 5}", "5 ohm has no effect with ideal wires"},
    {"n_in: 2, n_out: 2, array: {amplifier: 6}", "6 ohm has no effect with ideal wires"},
    {"n_in: 2, n_out: 2, dac: {bits: 1}", "bits = 1 leaves one level"},
    {"n_in: 2, n_out: 2, adc: {bits: 1}", "bits = 1 leaves one level"},
    {"n_in: 65536, n_out: 65536", "n_in n_out = 4.29497e+09 weights are more than 2.68435e+08"},
};

START_TEST(refuses_bad_parameters)
{
    char yaml[256];
    struct et_system *system;
    snprintf(yaml, sizeof yaml, "{type: crossbar, %s}", refused[_i].yaml);
    assert_status(et_system_open_text(yaml, SEED, &system), ET_CONFIG);
    assert_message(refused[_i].message);
}
END_TEST

START_TEST(refuses_knobs_beyond_the_conductances)
{
    struct et_system *system = open_system("{type: crossbar, n_in: 2, n_out: 2, " FOUR "}");
    float knobs[4] = {0.1F, -1.5F, 0, 0}, kept[4];
    assert_status(et_system_set_knobs(system, knobs, 4), ET_INVALID);
    assert_message("-1.5");
    assert_message("[-1, 1]");
    assert_ok(et_system_get_knobs(system, kept, 4));
    ck_assert(kept[0] == 0.9F && kept[1] == -0.5F);
    et_system_close(system);
}
END_TEST

START_TEST(refuses_inputs_beyond_the_converter)
{
    struct et_system *system =
        open_system("{type: crossbar, n_in: 2, n_out: 2, dac: {range: 0.5}}");
    float x[2] = {0.2F, 0.6F}, y[2];
    struct et_step step = {.seed = SEED};
    assert_status(et_system_forward(system, &step, et_view_of(x, 1, 2), et_view_of(y, 1, 2)),
                  ET_INVALID);
    assert_message("is outside [-0.5, 0.5]");
    et_system_close(system);
}
END_TEST

/* Weights that the solver cannot handle in the sweeps it has leave the device as it was. */
START_TEST(wires_that_do_not_converge_change_nothing)
{
    struct et_system *system;
    assert_status(et_system_open_text("{type: crossbar, n_in: 2, n_out: 2, " FOUR
                                      ", array: {wire: 1000, sweeps: 1}}",
                                      SEED, &system),
                  ET_NUMERIC);
    assert_message("the wires of array 0");
    assert_message("after 1 sweeps, more than tolerance = 1e-09");
    system = open_system("{type: crossbar, n_in: 2, n_out: 2, cell: ideal, weights: [0, 0, 0, 0], "
                         "array: {wire: 1000, sweeps: 1}, " EXACT "}");
    float knobs[4] = {1, 1, 1, 1}, x[2] = {1, 1}, y[2];
    assert_status(et_system_set_knobs(system, knobs, 4), ET_NUMERIC);
    assert_ok(et_system_get_knobs(system, knobs, 4));
    struct et_step step = {.seed = SEED};
    assert_ok(et_system_forward(system, &step, et_view_of(x, 1, 2), et_view_of(y, 1, 2)));
    ck_assert(knobs[0] == 0 && knobs[3] == 0 && y[0] == 0 && y[1] == 0);
    et_system_close(system);
}
END_TEST

/* --------------------------------------------------------------------------- device options -- */

START_TEST(describes_what_is_published)
{
    struct et_system *pcm = open_system("{type: crossbar, n_in: 256, n_out: 256, spread: 0}");
    struct et_system *ideal = open_system("{type: crossbar, n_in: 2, n_out: 2, cell: ideal}");
    assert_near(et_system_info(pcm)->latency_s, 132.9e-9, 0.1e-9);
    assert_near(et_system_info(pcm)->energy_J, 13.43e-9, 0.01e-9);
    ck_assert(et_system_info(pcm)->traits & ET_NOISY);
    ck_assert(isnan(et_system_info(ideal)->latency_s) && isnan(et_system_info(ideal)->energy_J));
    ck_assert(!(et_system_info(ideal)->traits & ET_NOISY));
    et_system_close(pcm);
    et_system_close(ideal);
}
END_TEST

/* Weights that come back give the same device, so a resumed run goes on as it would have. */
START_TEST(programming_has_no_memory)
{
    struct et_system *system =
        open_system("{type: crossbar, n_in: 2, n_out: 2, " FOUR ", age: 3600, verify: {writes: 5}, "
                    "redraw: true}");
    float first[4], other[4] = {0.1F, 0.2F, -0.3F, 0.4F}, x[2] = {0.3F, -0.7F}, y[2][2];
    struct et_step step = {.seed = SEED};
    for (int i = 0; i < 2; i++) {
        assert_ok(et_system_forward(system, &step, et_view_of(x, 1, 2), et_view_of(y[i], 1, 2)));
        if (i == 0) assert_ok(et_system_get_knobs(system, first, 4));
        assert_ok(et_system_set_knobs(system, other, 4));
        assert_ok(et_system_set_knobs(system, first, 4));
    }
    ck_assert(memcmp(y[0], y[1], sizeof y[0]) == 0);
    et_system_close(system);
}
END_TEST

#define NOISELESS "{type: crossbar, n_in: 2, n_out: 2, " FOUR ", " EXACT ", noise: {when: \"off\"}"

START_TEST(another_programming_is_another_attempt)
{
    float x[2] = {1, 0.5F}, a[2], b[2], want[2] = {0.65F, -0.1F};
    run_once(NOISELESS "}", x, a);
    run_once(NOISELESS ", programming: 1}", x, b);
    ck_assert(memcmp(a, b, sizeof a) != 0);
    assert_close(a, want, 2, 0, 0.3);
    assert_close(b, want, 2, 0, 0.3);
    run_once("{type: crossbar, n_in: 2, n_out: 2, " FOUR ", " CLEAN "}", x, a);
    assert_close(a, want, 2, 1e-6, 1e-6);
}
END_TEST

/* The error of a cell whose target moves a little: the same, or unrelated with redraw. */
START_TEST(redraw_makes_errors_depend_on_the_target)
{
    const char *const yaml[2] = {"{type: crossbar, n_in: 1, n_out: 1, weights: [0.5], " EXACT
                                 ", noise: {when: \"off\"}}",
                                 "{type: crossbar, n_in: 1, n_out: 1, weights: [0.5], " EXACT
                                 ", noise: {when: \"off\"}, redraw: true}"};
    for (int redraw = 0; redraw < 2; redraw++) {
        struct et_system *system = open_system(yaml[redraw]);
        struct et_step step = {.seed = SEED};
        float x = 1, y[2], knob = 0.5001F;
        for (int i = 0; i < 2; i++) {
            assert_ok(
                et_system_forward(system, &step, et_view_of(&x, 1, 1), et_view_of(&y[i], 1, 1)));
            assert_ok(et_system_set_knobs(system, &knob, 1));
        }
        double moved = fabs((double)y[1] - (double)y[0]);
        ck_assert_msg(redraw ? moved > 2e-3 : moved < 2e-4, "moved by %g", moved);
        et_system_close(system);
    }
}
END_TEST

/* A month of drift takes a third of the signal; the compensation gives back what is common. */
START_TEST(compensation_restores_the_gain)
{
    static float weights[40 * 40], x[40], y[3][40];
    const char *const yaml[3] = {"{type: crossbar, n_in: 40, n_out: 40, spread: 1, " EXACT
                                 ", noise: {when: \"off\"}}",
                                 "{type: crossbar, n_in: 40, n_out: 40, spread: 1, " EXACT
                                 ", noise: {when: \"off\"}, age: 2.592e6}",
                                 "{type: crossbar, n_in: 40, n_out: 40, spread: 1, " EXACT
                                 ", noise: {when: \"off\"}, age: 2.592e6, compensation: global, "
                                 "array: {rows: 15, cols: 25}}"};
    double gain[3];
    et_rng_fill_uniform(SEED, ET_STREAM_DATA, 0, 0, -1, 1, x, 40);
    for (int i = 0; i < 3; i++) {
        struct et_system *system = open_system(yaml[i]);
        struct et_step step = {.seed = SEED};
        assert_ok(et_system_forward(system, &step, et_view_of(x, 1, 40), et_view_of(y[i], 1, 40)));
        assert_ok(et_system_get_knobs(system, weights, 40 * 40));
        et_system_close(system);
        double cross = 0, square = 0;
        for (size_t o = 0; o < 40; o++) {
            double want = 0;
            for (size_t k = 0; k < 40; k++)
                want += (double)weights[o * 40 + k] * (double)x[k];
            cross += want * (double)y[i][o];
            square += want * want;
        }
        gain[i] = cross / square;
    }
    assert_near(gain[0], 1, 0.05);
    ck_assert_msg(gain[1] < 0.65 && gain[1] > 0.4, "drift leaves %g", gain[1]);
    assert_near(gain[2] / gain[0], 1, 0.03);
}
END_TEST

START_TEST(cells_stick)
{
    static float x[1] = {1}, y[2000];
    struct et_system *system =
        open_system("{type: crossbar, n_in: 1, n_out: 2000, cell: ideal, spread: 0, stuck_on: 0.1, "
                    "stuck_off: 0.2, " EXACT "}");
    struct et_step step = {.seed = SEED};
    assert_ok(et_system_forward(system, &step, et_view_of(x, 1, 1), et_view_of(y, 1, 2000)));
    size_t plus = 0, minus = 0;
    for (size_t o = 0; o < 2000; o++) {
        plus += y[o] == 1;
        minus += y[o] == -1;
        ck_assert(y[o] == 1 || y[o] == -1 || y[o] == 0);
    }
    /* 0.1 x 0.9 of 2000 each, sd 13. */
    assert_near((double)plus, 180, 52);
    assert_near((double)minus, 180, 52);
    et_system_close(system);
}
END_TEST

static char logged[2][256];
static enum et_log_level levels[2];
static int n_logged;

static void keep_line(enum et_log_level level, const char *line, void *user)
{
    (void)user;
    if (n_logged < 2) {
        levels[n_logged] = level;
        snprintf(logged[n_logged++], sizeof logged[0], "%s", line);
    }
}

START_TEST(write_verify_reports)
{
    et_log_set_sink(keep_line, NULL);
    struct et_system *system =
        open_system("{type: crossbar, n_in: 20, n_out: 20, verify: {writes: 3, tolerance: 0.2}}");
    float knobs[400] = {0};
    assert_ok(et_system_set_knobs(system, knobs, 400));
    et_log_set_sink(NULL, NULL);
    size_t failed = 0, cells = 0;
    ck_assert_int_eq(n_logged, 2);
    ck_assert_int_eq(
        sscanf(logged[0], "crossbar: %zu of %zu cells are not within 0.2 uS", &failed, &cells), 2);
    ck_assert_uint_eq(cells, 800);
    ck_assert_msg(failed > 100 && failed < 500, "%s", logged[0]);
    ck_assert_int_eq(levels[0], ET_LOG_INFO);
    ck_assert_int_eq(levels[1], ET_LOG_DEBUG);
    et_system_close(system);
}
END_TEST

/* -------------------------------------------------------------------------------- read noise -- */

#define NOISY                                                                                      \
    "{type: crossbar, n_in: 3, n_out: 2, weights: [0.9, -0.3, 0.02, 0.5, 0.1, -0.6], gmin: 1, "    \
    "noise: {programming: 0, white: 0.02}, " EXACT

/* What a read of one cell fluctuates by, from the formula. */
static double read_sd(double g)
{
    double q = fmin(0.2, 0.0088 / pow(g / 25, 0.65));
    return hypot(g * q * sqrt(log((20 + 250e-9) / 500e-9)), 0.02 * 25);
}

/* One number per output in place of one per cell: the same distribution, by mean, variance and
 * kurtosis of 40,000 passes of each kind. */
START_TEST(noise_per_output_equals_noise_per_cell)
{
    enum { PASSES = 40000 };
    static const double w[6] = {0.9, -0.3, 0.02, 0.5, 0.1, -0.6}, x0[3] = {0.8, -0.5, 1};
    static float x[PASSES * 3], y[PASSES * 2];
    double moment[2][3] = {{0}};
    struct et_system *system = open_system(NOISY "}");
    struct et_step step = {.seed = SEED, .index = 2};
    for (size_t i = 0; i < (size_t)PASSES * 3; i++)
        x[i] = (float)x0[i % 3];
    assert_ok(et_system_forward(system, &step, et_view_of(x, PASSES, 3), et_view_of(y, PASSES, 2)));
    for (size_t o = 0; o < 2; o++) {
        double exact = 0, scale = 0;
        for (size_t k = 0; k < 3; k++)
            exact += w[o * 3 + k] * x0[k];
        for (size_t k = 0; k < 3; k++)
            for (int side = 0; side < 2; side++)
                scale +=
                    pow(read_sd(1 + 24 * fmax(0, (side ? -1 : 1) * w[o * 3 + k])) * x0[k] / 24, 2);
        scale = sqrt(scale);
        memset(moment, 0, sizeof moment);
        for (size_t i = 0; i < PASSES; i++) {
            float normal[8];
            double cells = exact;
            et_rng_fill_normal(99, ET_STREAM_USER, (uint32_t)o, 8 * i, normal, 8);
            for (size_t n = 0; n < 6; n++) {
                double side = n % 2 ? -1 : 1, g = 1 + 24 * fmax(0, side * w[o * 3 + n / 2]);
                cells += side * read_sd(g) * (double)normal[n] * x0[n / 2] / 24;
            }
            double d[2] = {((double)y[i * 2 + o] - exact) / scale, (cells - exact) / scale};
            for (int kind = 0; kind < 2; kind++) {
                moment[kind][0] += d[kind] / PASSES;
                moment[kind][1] += d[kind] * d[kind] / PASSES;
                moment[kind][2] += pow(d[kind], 4) / PASSES;
            }
        }
        /* sd of the estimates: 0.005, 0.007, 0.05 */
        for (int kind = 0; kind < 2; kind++) {
            assert_near(moment[kind][0], 0, 0.02);
            assert_near(moment[kind][1], 1, 0.03);
            assert_near(moment[kind][2], 3, 0.25);
        }
    }
    et_system_close(system);
}
END_TEST

START_TEST(held_noise_is_the_same_in_each_pass)
{
    float x[3] = {0.8F, -0.5F, 1}, y[2][2], quiet[2];
    struct et_system *system = open_system(
        "{type: crossbar, n_in: 3, n_out: 2, weights: [0.9, -0.3, 0.02, 0.5, 0.1, -0.6], " EXACT
        ", noise: {programming: 0, when: held}}");
    ck_assert(!(et_system_info(system)->traits & ET_NOISY));
    for (uint32_t i = 0; i < 2; i++) {
        struct et_step step = {.seed = SEED, .index = i};
        assert_ok(et_system_forward(system, &step, et_view_of(x, 1, 3), et_view_of(y[i], 1, 2)));
    }
    ck_assert(memcmp(y[0], y[1], sizeof y[0]) == 0);
    run_once(
        "{type: crossbar, n_in: 3, n_out: 2, weights: [0.9, -0.3, 0.02, 0.5, 0.1, -0.6], " CLEAN
        "}",
        x, quiet);
    ck_assert(memcmp(y[0], quiet, sizeof quiet) != 0);
    assert_close(y[0], quiet, 2, 0, 0.2);
    et_system_close(system);
}
END_TEST

/* -------------------------------------------------------------------------------- converters -- */

START_TEST(inputs_have_levels)
{
    float x[4] = {0.34F, -0.34F, 0.9F, 1}, y[4];
    run_once(
        "{type: crossbar, n_in: 4, n_out: 4, cell: ideal, weights: [1, 0, 0, 0, 0, 1, 0, 0, 0, "
        "0, 1, 0, 0, 0, 0, 1], dac: {bits: 3}, adc: {bits: 0}}",
        x, y);
    float want[4] = {1.0F / 3, -1.0F / 3, 1, 1};
    assert_close(y, want, 4, 1e-6, 0);
}
END_TEST

/* The largest input uses the whole converter; outputs are scaled back. */
START_TEST(abs_max_uses_the_converter_in_full)
{
    float x[2] = {300, -100}, y[2], want[2] = {300, -100};
    run_once("{type: crossbar, n_in: 2, n_out: 2, cell: ideal, weights: [1, 0, 0, 1], dac: {bits: "
             "3}, adc: {bits: 0}, input_scaling: abs-max}",
             x, y);
    assert_close(y, want, 2, 1e-6, 0);
    float none[2] = {0, 0}, zero[2] = {0, 0};
    run_once("{type: crossbar, n_in: 2, n_out: 2, cell: ideal, weights: [1, 0, 0, 1], "
             "input_scaling: abs-max}",
             none, y);
    assert_close(y, zero, 2, 0, 0);
}
END_TEST

/* Coarse converters pass the gradient, clipped outputs do not. */
START_TEST(gradients_go_straight_through)
{
    struct et_system *system = open_system(
        "{type: crossbar, n_in: 2, n_out: 2, cell: ideal, weights: [0.5, -0.25, 1, 1], dac: {bits: "
        "2}, adc: {bits: 2, range: 1}}");
    float x[2] = {0.7F, 0.8F}, dy[2] = {2, 3}, dx[2], dknobs[4];
    struct et_step step = {.seed = SEED};
    assert_ok(et_system_vjp(system, &step, et_view_of(x, 1, 2), et_view_of(dy, 1, 2),
                            et_view_of(dx, 1, 2), dknobs));
    float want[2] = {1, -0.5F}, knobs[4] = {2, 2, 0, 0}; /* inputs convert to 1; output 1 clips */
    assert_close(dx, want, 2, 1e-6, 0);
    assert_close(dknobs, knobs, 4, 1e-6, 0);
    et_system_close(system);
}
END_TEST

/* ------------------------------------------------------------------------------------- wires -- */

/* Three resistors in a row, and what is asked of the solver when it may not finish. */
START_TEST(one_cell_is_a_voltage_divider)
{
    const double g = 2e-5;
    double v[ET__GRID_LANES], a[ET__GRID_LANES], b[ET__GRID_LANES] = {0}, spare[ET__GRID_LANES];
    double inverse[2], imbalance;
    for (size_t l = 0; l < ET__GRID_LANES; l++)
        v[l] = (double)l - 3;
    struct et__grid grid = {1, 1, 1, 1e-4, 5e-5, &g, &inverse[0], &inverse[1]};
    et__grid_prepare(&grid);
    ck_assert_uint_eq(et__grid_solve(&grid, v, NULL, 1e-13, 1, a, b, spare, &imbalance), 0);
    ck_assert(imbalance > 1e-13);
    size_t sweeps = et__grid_solve(&grid, v, NULL, 1e-13, 100, a, b, spare, &imbalance);
    ck_assert(sweeps > 1 && imbalance <= 1e-13);
    for (size_t l = 0; l < ET__GRID_LANES; l++) {
        double current = v[l] / (1e4 + 5e4 + 2e4);
        assert_near(a[l], v[l] - 1e4 * current, 1e-12);
        assert_near(b[l], 2e4 * current, 1e-12);
    }
}
END_TEST

/* More wire, less current; none when the wire is ideal. */
START_TEST(wires_cost_current)
{
    static const char *const wires[3] = {"0", "1", "20"};
    char ones[32 * 3] = "", yaml[512];
    float x[32], y[3];
    for (size_t k = 0; k < 32; k++) {
        x[k] = 1;
        strcat(ones, k < 31 ? "1, " : "1");
    }
    for (int i = 0; i < 3; i++) {
        snprintf(yaml, sizeof yaml,
                 "{type: crossbar, n_in: 32, n_out: 1, cell: ideal, weights: [%s], array: {wire: "
                 "%s}, " EXACT "}",
                 ones, wires[i]);
        run_once(yaml, x, &y[i]);
    }
    assert_near((double)y[0], 32, 1e-4);
    ck_assert(y[1] < 31.9F && y[1] > 30.5F);
    ck_assert(y[2] < 28.0F && y[2] > 10);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("crossbar");
    TCase *tests = tcase_create("crossbar");
    tcase_set_timeout(tests, 0);
    tcase_add_loop_test(tests, refuses_bad_parameters, 0, (int)(sizeof refused / sizeof *refused));
    tcase_add_test(tests, refuses_knobs_beyond_the_conductances);
    tcase_add_test(tests, refuses_inputs_beyond_the_converter);
    tcase_add_test(tests, wires_that_do_not_converge_change_nothing);
    tcase_add_test(tests, describes_what_is_published);
    tcase_add_test(tests, programming_has_no_memory);
    tcase_add_test(tests, another_programming_is_another_attempt);
    tcase_add_test(tests, redraw_makes_errors_depend_on_the_target);
    tcase_add_test(tests, compensation_restores_the_gain);
    tcase_add_test(tests, cells_stick);
    tcase_add_test(tests, write_verify_reports);
    tcase_add_test(tests, noise_per_output_equals_noise_per_cell);
    tcase_add_test(tests, held_noise_is_the_same_in_each_pass);
    tcase_add_test(tests, inputs_have_levels);
    tcase_add_test(tests, abs_max_uses_the_converter_in_full);
    tcase_add_test(tests, gradients_go_straight_through);
    tcase_add_test(tests, one_cell_is_a_voltage_divider);
    tcase_add_test(tests, wires_cost_current);
    suite_add_tcase(suite, tests);
    return suite_result(suite);
}
