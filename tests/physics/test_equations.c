/* SPDX-License-Identifier: Apache-2.0
 *
 * Systems of equations as text: what they refuse, what they say when a pass fails, and that their
 * numbers depend on nothing but their names. */
#include "kernels/brownian.h"
#include "kernels/sde.h"

#include <etalon/parallel.h>
#include <etalon/rng.h>
#include <etalon/system.h>

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "close.h"

enum { DEVICE = 3 };

static struct et_system *open_system(const char *yaml, size_t threads)
{
    struct et_system *system = NULL;
    et_parallel_set_threads(threads);
    assert_ok(et_system_open_text(yaml, DEVICE, &system));
    return system;
}

/* One pass on inputs x; y has room. */
static enum et_status pass(const char *yaml, float *x, float *y)
{
    struct et_system *system = open_system(yaml, 2);
    const struct et_system_info *info = et_system_info(system);
    struct et_step step = {.seed = 1};
    enum et_status status = et_system_forward(system, &step, et_view_of(x, 1, info->n_in),
                                              et_view_of(y, 1, info->n_out));
    et_system_close(system);
    return status;
}

/* ---------------------------------------------------------------------------------- refusals -- */

static const struct {
    const char *yaml, *message, *also;
} refused[] = {
    {"variables: [{name: x, rate: -x + zu*3}]", "rate of 'x', character 6: unknown name 'zu'",
     "    -x + zu*3\n         ^"},
    {"variables: [{name: speed, rate: -sped}]", "did you mean 'speed'?", "character 2"},
    {"variables: [{name: x, rate: sine(x)}]", "did you mean 'sin'?", "    sine(x)\n    ^"},
    {"variables: [{name: x, rate: '-x*(1+'}]", "character 7: the formula ends too early", "^"},
    {"variables: [{name: x, rate: 'sin(x'}]", "parentheses do not match", "sin(x\n"},
    {"variables: [{name: x, rate: 'x = 2'}]", "character 3: a formula assigns nothing", "=="},
    {"variables: [{name: x, rate: 'x, 2'}]", "character 2: these are several formulas", "one"},
    {"variables: [{name: x, rate: '2 x'}]", "character 3", "is an operator missing?"},
    {"variables: [{name: x, rate: 'min()'}]", "wrong number of arguments", "min()"},
    {"variables: [{name: x, rate: ''}]", "the formula is empty", "rate of 'x'"},
    {"variables: [{name: x, rate: '1 + \"a\"'}]", "character 5", "no meaning"},
    {"variables: [{name: x, rate: x, initial: 2*x}]", "initial of 'x', character 3: unknown name",
     "'x'"},
    {"variables: [{name: x, rate: x}], outputs: [x, u1]", "outputs, character 1: unknown name 'u1'",
     "did you mean"},
    {"variables: [{name: x, rate: x}, {name: x, rate: x}]", "the name 'x' is used twice", "x"},
    {"variables: [{name: t, rate: 1}]", "'t' has a meaning of its own", "t"},
    {"variables: [{name: u3, rate: 1}]", "'u3' has a meaning of its own", "u3"},
    {"variables: [{name: exp, rate: 1}]", "'exp' has a meaning of its own", "exp"},
    {"variables: [{name: 2x, rate: 1}]", "'2x' is no name", "a letter"},
    {"variables: [{name: x-y, rate: 1}]", "'x-y' is no name", "a letter"},
    {"variables: [{name: x, rate: 1}], input_min: 2", "input_max = 1 is not above input_min = 2",
     "input_max"},
    {"variables: []", "variables", "1"},
};

START_TEST(refuses_with_place_and_caret)
{
    char yaml[512];
    struct et_system *system = NULL;
    snprintf(yaml, sizeof yaml, "{type: sde, %s}", refused[_i].yaml);
    assert_status(et_system_open_text(yaml, DEVICE, &system), ET_CONFIG);
    assert_message(refused[_i].message);
    assert_message(refused[_i].also);
}
END_TEST

static void refuse(const char *yaml, const char *message)
{
    struct et_system *system = NULL;
    assert_status(et_system_open_text(yaml, DEVICE, &system), ET_CONFIG);
    assert_message(message);
}

START_TEST(refuses_steps_and_schemes)
{
    refuse("{type: sde, variables: [{name: x, rate: -x, noise: [1, 'x']}], scheme: rk4}",
           "rk4 takes no noise, and there are 2 noise terms");
    refuse("{type: sde, variables: [{name: x, rate: -x}], dt: 1e-9, refine: 3}",
           "dt = 1.25e-10 s makes 8e+09 steps");
    refuse("{type: sde, variables: [{name: x, rate: -x, noise: ['y']}]}",
           "noise of 'x', character 1: unknown name 'y'");
    refuse("{type: sde, constants: [{name: a, value: -1e39, tunable: true}], variables: [{name: x, "
           "rate: a}]}",
           "-1e+39 is too large for a knob, whose limit is 3.40282e+38");
}
END_TEST

/* What a reader of formulas may write. */
START_TEST(takes_formulas)
{
    float x[2] = {0.5F, -0.25F}, y[6];
    assert_ok(
        pass("{type: sde, n_in: 2, constants: [{name: k, value: 2e-1}, {name: _b, value: 3}], "
             "variables: [{name: x, initial: k*10 + u0, rate: 0}], outputs: [x, t, 1.5e+1*u1, "
             "\"x >= 2.5 ? _b : k\", \"sin(_pi/2) + 0*_e\", \"max(x, 1, 2)^2\"], duration: 3}",
             x, y));
    const float want[6] = {2.5F, 3, -3.75F, 3, 1, 6.25F};
    assert_close(y, want, 6, 1e-6, 0);
}
END_TEST

/* ------------------------------------------------------------------------------ failing passes --
 */

START_TEST(says_where_a_step_left_the_numbers)
{
    float x = 1, y[2];
    assert_status(pass("{type: sde, variables: [{name: a, initial: 1, rate: 0}, {name: b, initial: "
                       "1, rate: -1000*b*u0}], duration: 10}",
                       &x, y),
                  ET_NUMERIC);
    assert_message("sample 0: b = ");
    assert_message("with dt = 0.01 s");
    assert_message("steps up to this look stable at the start: 0.002 s");
    assert_status(
        pass("{type: sde, variables: [{name: b, initial: 1, rate: 10*b^2}], duration: 10}", &x, y),
        ET_NUMERIC);
    assert_message("not the step: the equations may grow without limit");
    assert_status(pass("{type: sde, variables: [{name: a, rate: 0}, {name: b, initial: 1/(u0-1), "
                       "rate: 0, noise: [1]}]}",
                       &x, y),
                  ET_NUMERIC);
    assert_message("sample 0: b = inf at t = 0 s\n");
}
END_TEST

/* Several samples fail: the first one is named whatever thread had it. */
START_TEST(names_the_first_sample)
{
    enum { ROWS = 40 };
    float x[ROWS] = {0}, y[ROWS];
    struct et_step step = {.seed = 1};
    x[17] = x[18] = x[39] = 1;
    for (size_t threads = 1; threads <= 2; threads++) {
        struct et_system *system = open_system(
            "{type: sde, variables: [{name: b, initial: 1, rate: 50*u0*b^2}], duration: 10}",
            threads);
        assert_status(
            et_system_forward(system, &step, et_view_of(x, ROWS, 1), et_view_of(y, ROWS, 1)),
            ET_NUMERIC);
        assert_message("sample 17: b = ");
        et_system_close(system);
    }
    et_parallel_set_threads(2);
}
END_TEST

/* ----------------------------------------------------------------------------- same numbers -- */

static const char noisy[] =
    "{type: sde, n_in: 1, segments: 2, samples: 4, refine: %d, dt: 0.05, "
    "variables: [{name: x, initial: u0, rate: -x + u0, noise: [0.3, 0.1*x]}, "
    "{name: y, rate: x - y, noise: [0, 0.2]}]}";

START_TEST(same_bits_for_any_threads_and_cut)
{
    enum { ROWS = 31, N_OUT = 8 };
    static float x[ROWS * 2], y[2][ROWS * N_OUT];
    char yaml[512];
    snprintf(yaml, sizeof yaml, noisy, 2);
    struct et_step step = {.seed = 3, .index = 2};
    et_rng_fill_uniform(1, ET_STREAM_USER, 0, 0, -1, 1, x, ROWS * 2);
    for (size_t threads = 1; threads <= 2; threads++) {
        struct et_system *system = open_system(yaml, threads);
        struct et_view to = et_view_of(y[threads - 1], ROWS, N_OUT);
        assert_ok(et_system_forward(system, &step, et_view_of(x, ROWS, 2), to));
        uint64_t last = ROWS - 1;
        struct et_step one = {.seed = 3, .index = 2, .samples = &last};
        float alone[N_OUT];
        assert_ok(et_system_forward(system, &one, et_view_of(x + 2 * last, 1, 2),
                                    et_view_of(alone, 1, N_OUT)));
        ck_assert_mem_eq(alone, to.data + last * N_OUT, sizeof alone);
        et_system_close(system);
    }
    ck_assert_mem_eq(y[0], y[1], sizeof y[0]);
    et_parallel_set_threads(2);
}
END_TEST

/* Inputs of the second segment reach the reversible scheme too, which keeps rates between steps. */
START_TEST(segments_switch_the_inputs)
{
    static const char *const schemes[] = {"rk4", "heun", "reversible-heun"};
    for (size_t k = 0; k < 3; k++) {
        char yaml[256];
        float x[2] = {1, -0.5F}, y[2];
        snprintf(yaml, sizeof yaml,
                 "{type: sde, scheme: %s, segments: 2, samples: 2, duration: 2, dt: 0.1, "
                 "variables: [{name: q, rate: u0}]}",
                 schemes[k]);
        assert_ok(pass(yaml, x, y));
        assert_near((double)y[0], 1, 1e-6);
        assert_near((double)y[1], 0.5, 1e-6);
    }
}
END_TEST

START_TEST(constants_are_knobs)
{
    struct et_system *system = open_system(
        "{type: sde, constants: [{name: a, value: 2}, {name: b, value: 3, tunable: true}], "
        "variables: [{name: x, rate: a*b}]}",
        2);
    float knob = 0, x = 0, y = 0;
    struct et_step step = {.seed = 1};
    ck_assert_uint_eq(et_system_info(system)->n_knobs, 1);
    assert_ok(et_system_get_knobs(system, &knob, 1));
    assert_near((double)knob, 3, 0);
    knob = 5;
    assert_ok(et_system_set_knobs(system, &knob, 1));
    assert_ok(et_system_forward(system, &step, et_view_of(&x, 1, 1), et_view_of(&y, 1, 1)));
    assert_near((double)y, 10, 1e-5);
    et_system_close(system);
}
END_TEST

/* --------------------------------------------------------------------------------- the path -- */

START_TEST(parts_of_a_path_add_up)
{
    enum { SOURCES = 3, LEVELS = 7, PARTS = 1 << LEVELS };
    double whole[SOURCES], half[2 * SOURCES], fine[PARTS * SOURCES];
    float z[SOURCES];
    for (uint64_t interval = 0; interval < 20; interval++) {
        et__brownian(9, 4, SOURCES, interval, 0, 0.3, whole, z);
        et__brownian(9, 4, SOURCES, interval, 1, 0.3, half, z);
        et__brownian(9, 4, SOURCES, interval, LEVELS, 0.3, fine, z);
        for (size_t s = 0; s < SOURCES; s++) {
            double sum = 0;
            for (size_t k = 0; k < PARTS / 2; k++)
                sum += fine[k * SOURCES + s];
            assert_near(sum, half[s], 1e-14);
            assert_near(half[s] + half[SOURCES + s], whole[s], 1e-15);
        }
    }
}
END_TEST

/* Variance dt of each part, and no correlation between parts or sources: within five standard
 * errors of 4000 draws. */
START_TEST(increments_are_independent)
{
    enum { N = 1000, PARTS = 4, SOURCES = 2 };
    double square[SOURCES] = {0}, neighbours = 0, sources = 0, cousins = 0;
    for (uint64_t i = 0; i < N; i++) {
        double dw[PARTS * SOURCES];
        float z[SOURCES];
        et__brownian(1, 0, SOURCES, i, 2, 4, dw, z);
        for (size_t k = 0; k < PARTS; k++) {
            for (size_t s = 0; s < SOURCES; s++)
                square[s] += dw[k * SOURCES + s] * dw[k * SOURCES + s] / (N * PARTS);
            sources += dw[k * SOURCES] * dw[k * SOURCES + 1] / (N * PARTS);
        }
        neighbours += dw[0] * dw[SOURCES] / N;
        cousins += dw[SOURCES] * dw[2 * SOURCES] / N;
    }
    assert_near(square[0], 1, 5 * sqrt(2.0 / (N * PARTS)));
    assert_near(square[1], 1, 5 * sqrt(2.0 / (N * PARTS)));
    assert_near(sources, 0, 5 / sqrt(N * PARTS));
    assert_near(neighbours, 0, 5 / sqrt(N));
    assert_near(cousins, 0, 5 / sqrt(N));
}
END_TEST

static void decay(void *user, double t, const double *y, double *f, double *g)
{
    (void)t;
    (void)g;
    f[0] = -*(const double *)user * y[0];
}

/* dy/dt = -10 y at dt = 0.1: Heun's factor is 1/2 and falls to nothing; the reversible scheme
 * leaves, as its documentation says. */
START_TEST(reversible_heun_is_not_for_decay)
{
    double rate = 10, y[2] = {1, 1}, work[2][16];
    const struct et__sde sde = {1, 0, decay, &rate};
    const enum et__sde_scheme schemes[] = {ET__SDE_HEUN, ET__SDE_REVERSIBLE};
    for (size_t k = 0; k < 2; k++) {
        et__sde_begin(&sde, schemes[k], 0, &y[k], work[k]);
        for (int i = 0; i < 50; i++)
            et__sde_step(&sde, schemes[k], 0.1 * i, 0.1, NULL, &y[k], work[k]);
    }
    assert_near(y[0], pow(0.5, 50), 1e-17);
    ck_assert(fabs(y[1]) > 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("equations");
    TCase *text = tcase_create("text"), *passes = tcase_create("passes");
    tcase_add_loop_test(text, refuses_with_place_and_caret, 0, sizeof refused / sizeof *refused);
    tcase_add_test(text, refuses_steps_and_schemes);
    tcase_add_test(text, takes_formulas);
    tcase_add_test(passes, says_where_a_step_left_the_numbers);
    tcase_add_test(passes, names_the_first_sample);
    tcase_add_test(passes, same_bits_for_any_threads_and_cut);
    tcase_add_test(passes, segments_switch_the_inputs);
    tcase_add_test(passes, constants_are_knobs);
    tcase_add_test(passes, parts_of_a_path_add_up);
    tcase_add_test(passes, increments_are_independent);
    tcase_add_test(passes, reversible_heun_is_not_for_decay);
    suite_add_tcase(suite, text);
    suite_add_tcase(suite, passes);
    return suite_result(suite);
}
