/* SPDX-License-Identifier: Apache-2.0
 *
 * The system `ode`: failing passes, determinism, knobs, times.  Formulas are tested with `sde`,
 * accuracy in the table of physics. */
#include <etalon/parallel.h>
#include <etalon/rng.h>
#include <etalon/system.h>

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "close.h"

static struct et_system *open_system(const char *yaml, size_t threads)
{
    struct et_system *system = NULL;
    et_parallel_set_threads(threads);
    assert_ok(et_system_open_text(yaml, 1, &system));
    return system;
}

static void fails(const char *yaml, const char *message, const char *also)
{
    float x[3] = {0, 0, 1}, y[3];
    struct et_system *system = open_system(yaml, 2);
    struct et_step step = {.seed = 1};
    assert_status(et_system_forward(system, &step, et_view_of(x, 3, 1), et_view_of(y, 3, 1)),
                  ET_NUMERIC);
    assert_message(message);
    assert_message(also);
    et_system_close(system);
}

START_TEST(says_why_a_pass_failed)
{
    fails("{type: ode, variables: [{name: x, rate: '1000*u0*sin(1000*t)'}], solver: explicit, "
          "max_steps: 50}",
          "sample 2: max_steps = 50 are spent at t = ", "for stiff equations use bdf");
    fails("{type: ode, variables: [{name: x, rate: 'u0*1000*sin(1000*t)'}], max_steps: 50}",
          "sample 2: max_steps = 50 are spent at t = ", "of 1 s");
    fails("{type: ode, variables: [{name: v, initial: 2, rate: -v*u0, }, {name: x, rate: 'u0 > 0 ? "
          "sqrt(v - 1) : 1'}], outputs: [x], duration: 3}",
          "sample 2: the rate of x = ", "nan at t = 0.69");
    fails("{type: ode, variables: [{name: x, initial: 1, rate: 'ln(0.5 - u0)'}]}",
          "sample 2: the rate of x = ", "nan at t = 0 s");
    fails("{type: ode, variables: [{name: x, initial: 1, rate: 'u0*x^2'}], duration: 2, solver: "
          "explicit, max_steps: 1000000}",
          "sample 2", "t = 1 s");
    fails("{type: ode, variables: [{name: x, initial: 1/u0, rate: 0}]}", "sample 0: x = ", "inf");
}
END_TEST

START_TEST(same_bits_for_any_threads_and_cut)
{
    enum { ROWS = 23, N_OUT = 8 };
    static const char *const solvers[] = {"bdf", "adams", "explicit"};
    for (size_t k = 0; k < 3; k++) {
        static float x[ROWS * 3], y[2][ROWS * N_OUT];
        char yaml[300];
        struct et_step step = {.seed = 3};
        snprintf(yaml, sizeof yaml,
                 "{type: ode, variables: [{name: x, initial: u0, rate: y}, {name: y, rate: '3*(1 - "
                 "x^2)*y - x + u0'}], segments: 3, samples: 4, duration: 5, solver: %s}",
                 solvers[k]);
        et_rng_fill_uniform(1, ET_STREAM_USER, 0, 0, -1, 1, x, ROWS * 3);
        for (size_t threads = 1; threads <= 2; threads++) {
            struct et_system *system = open_system(yaml, threads);
            struct et_view to = et_view_of(y[threads - 1], ROWS, N_OUT);
            assert_ok(et_system_forward(system, &step, et_view_of(x, ROWS, 3), to));
            float alone[N_OUT];
            assert_ok(et_system_forward(system, &step, et_view_of(x + 3 * (ROWS - 1), 1, 3),
                                        et_view_of(alone, 1, N_OUT)));
            ck_assert_mem_eq(alone, to.data + (ROWS - 1) * N_OUT, sizeof alone);
            et_system_close(system);
        }
        ck_assert_mem_eq(y[0], y[1], sizeof y[0]);
    }
    et_parallel_set_threads(2);
}
END_TEST

/* A pass that fails leaves nothing behind for the next one. */
START_TEST(recovers_from_a_failed_pass)
{
    struct et_system *system = open_system(
        "{type: ode, variables: [{name: x, initial: 1, rate: '2*u0*x^2'}], solver: bdf}", 1);
    struct et_step step = {.seed = 1};
    float good = 0.25F, bad = 1, y[2];
    assert_ok(et_system_forward(system, &step, et_view_of(&good, 1, 1), et_view_of(&y[0], 1, 1)));
    assert_status(et_system_forward(system, &step, et_view_of(&bad, 1, 1), et_view_of(y, 1, 1)),
                  ET_NUMERIC);
    assert_ok(et_system_forward(system, &step, et_view_of(&good, 1, 1), et_view_of(&y[1], 1, 1)));
    assert_near((double)y[1], 2, 1e-4); /* 1 / (1 - t / 2) */
    et_system_close(system);
    et_parallel_set_threads(2);
}
END_TEST

START_TEST(constants_are_knobs)
{
    struct et_system *system =
        open_system("{type: ode, constants: [{name: a, value: 2, tunable: true}], variables: "
                    "[{name: x, rate: a}], outputs: [x, 2*t]}",
                    2);
    float knob = 7, x = 0, y[2];
    struct et_step step = {.seed = 1};
    assert_ok(et_system_set_knobs(system, &knob, 1));
    assert_ok(et_system_forward(system, &step, et_view_of(&x, 1, 1), et_view_of(y, 1, 2)));
    assert_near((double)y[0], 7, 1e-4);
    assert_near((double)y[1], 2, 1e-6);
    knob = 0;
    assert_ok(et_system_get_knobs(system, &knob, 1));
    assert_near((double)knob, 7, 0);
    et_system_close(system);
}
END_TEST

START_TEST(refuses)
{
    struct et_system *system = NULL;
    assert_status(et_system_open_text("{type: ode, variables: [{name: x, rate: 1}], relative: 1}",
                                      1, &system),
                  ET_CONFIG);
    assert_message("relative = 1 is outside");
    assert_status(
        et_system_open_text("{type: ode, variables: [{name: x, rate: 1, noise: [1]}]}", 1, &system),
        ET_CONFIG);
    assert_message("noise");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ode");
    TCase *passes = tcase_create("passes");
    tcase_add_test(passes, says_why_a_pass_failed);
    tcase_add_test(passes, same_bits_for_any_threads_and_cut);
    tcase_add_test(passes, recovers_from_a_failed_pass);
    tcase_add_test(passes, constants_are_knobs);
    tcase_add_test(passes, refuses);
    suite_add_tcase(suite, passes);
    return suite_result(suite);
}
