/* SPDX-License-Identifier: Apache-2.0
 *
 * The cavity that listens to recordings: time and interpolation, energies, knobs, derivatives, and
 * what it refuses. */
#include "close.h"

#include <etalon/parallel.h>
#include <etalon/rng.h>
#include <etalon/system.h>

#include <stdio.h>
#include <string.h>

enum { SAMPLES = 120, BATCH = 11 };

static struct et_system *open_system(const char *settings)
{
    char yaml[900];
    struct et_system *system = NULL;
    snprintf(yaml, sizeof yaml, "{type: acoustic-waveform, samples: %d, %s}", SAMPLES, settings);
    assert_ok(et_system_open_text(yaml, 1, &system));
    return system;
}

static void run(struct et_system *system, float *x, size_t rows, float *y)
{
    const struct et_system_info *info = et_system_info(system);
    struct et_step step = {.seed = 1};
    assert_ok(et_system_forward(system, &step, et_view_of(x, rows, info->n_in),
                                et_view_of(y, rows, info->n_out)));
}

static float *noise(size_t n)
{
    float *x = et_alloc(n, sizeof *x);
    ck_assert_ptr_nonnull(x);
    et_rng_fill_uniform(3, ET_STREAM_DATA, 0, 0, -1, 1, x, n);
    return x;
}

#define TWO_MICROPHONES                                                                            \
    "microphone_arrays: [{x: 0.6, y: 0.4, width: 0.4, height: 0.1, columns: 2, "                   \
    "rows: 1}]"

/* Outputs are the same energies in three dresses, and windows add up. */
START_TEST(outputs_agree)
{
    float *x = noise(SAMPLES), energy[32], share[32], level[32], windows[96];
    struct et_system *systems[] = {open_system("output: energy"), open_system("output: share"),
                                   open_system("output: level, floor: 1e-7"),
                                   open_system("output: energy, windows: 3")};
    float *y[] = {energy, share, level, windows};
    double sum = 0, shares = 0;
    for (size_t i = 0; i < 4; i++) {
        run(systems[i], x, 1, y[i]);
        et_system_close(systems[i]);
    }
    for (size_t o = 0; o < 32; o++)
        sum += (double)energy[o];
    for (size_t o = 0; o < 32; o++) {
        shares += (double)share[o];
        ck_assert(energy[o] > 0);
        assert_near((double)share[o], (double)energy[o] / sum, 1e-7);
        assert_near((double)level[o], 10 * log10((double)energy[o] + 1e-7), 1e-5);
        assert_near((double)(windows[3 * o] + windows[3 * o + 1] + windows[3 * o + 2]),
                    (double)energy[o], 1e-5 * (double)energy[o]);
        ck_assert(windows[3 * o + 2] != windows[3 * o + 1]);
    }
    assert_near(shares, 1, 1e-6);
    et_free(x);
}
END_TEST

/* A linear device is: twice as loud is four times the energy; a nonlinear one is not. */
START_TEST(membranes_are_what_is_nonlinear)
{
    float *x = noise(SAMPLES), *half = noise(SAMPLES), y[2], z[2];
    for (size_t i = 0; i < SAMPLES; i++)
        half[i] *= 0.5F;
    static const char *const regions = "output: energy, source: 100, " TWO_MICROPHONES
                                       ", membranes: {nonlinear: %s, regions: [{x: 0.4, y: 0.4, "
                                       "width: 0.3, height: 0.6}]}";
    for (int nonlinear = 0; nonlinear < 2; nonlinear++) {
        char settings[400];
        snprintf(settings, sizeof settings, regions, nonlinear ? "true" : "false");
        struct et_system *system = open_system(settings);
        run(system, x, 1, y);
        run(system, half, 1, z);
        double ratio = (double)y[1] / (double)z[1];
        if (nonlinear)
            ck_assert_msg(fabs(ratio - 4) > 0.05, "ratio %g", ratio);
        else
            assert_near(ratio, 4, 1e-4);
        et_system_close(system);
    }
    et_free(x);
    et_free(half);
}
END_TEST

/* More steps per sample and a finer grid: the same open space, nearly the same energies. */
START_TEST(grid_and_steps_do_not_matter_to_low_tones)
{
    enum { LONG = 400, GRIDS = 3 };
    static const char *const grids[GRIDS] = {"cell: 0.021", "cell: 0.021, steps_per_sample: 9",
                                             "cell: 0.007"};
    float x[LONG], y[GRIDS];
    for (size_t i = 0; i < LONG; i++)
        x[i] = sinf(0.3F * (float)i) * (float)i / LONG;
    for (size_t g = 0; g < GRIDS; g++) {
        char yaml[700];
        struct et_system *system = NULL;
        snprintf(yaml, sizeof yaml,
                 "{type: acoustic-waveform, output: energy, scatterers: {count: 0}, samples: %d, "
                 "walls: {left: {kind: pml, cells: 20}, right: {kind: pml, cells: 20}, bottom: "
                 "{kind: pml, cells: 20}, top: {kind: pml, cells: 20}}, microphones: [{x: 0.6405, "
                 "y: 0.4305}], microphone_arrays: [], speakers: [{x: 0.2205, y: 0.4305}], %s}",
                 LONG, grids[g]);
        assert_ok(et_system_open_text(yaml, 1, &system));
        run(system, x, 1, &y[g]);
        et_system_close(system);
    }
    assert_near((double)y[1], (double)y[0], 0.01 * (double)y[0]);
    assert_near((double)y[2], (double)y[0], 0.01 * (double)y[0]);
}
END_TEST

static struct et_view vjp(struct et_system *system, float *x, float *dy, float *dx, float *dknobs)
{
    const struct et_system_info *info = et_system_info(system);
    struct et_step step = {.seed = 1};
    struct et_view view = et_view_of(dx, BATCH, info->n_in);
    assert_ok(et_system_vjp(system, &step, et_view_of(x, BATCH, info->n_in),
                            et_view_of(dy, BATCH, info->n_out), view, dknobs));
    return view;
}

#define NONLINEAR                                                                                  \
    "source: 20, design: {width: 0.4, block: 4, spread: 0.3, blur: 0.06, sharpness: 3}, "          \
    "membranes: {regions: [{x: 0.6, y: 0.4, width: 0.3, height: 0.3}]}, walls: {left: {kind: "     \
    "pml}}"

/* Eleven rows make two groups of lanes: the same bits for any number of threads. */
START_TEST(derivatives_do_not_depend_on_threads)
{
    float *x = noise(BATCH * SAMPLES), *dy = noise(BATCH * 32), *dx[2], *dknobs[2];
    size_t n_knobs = 0;
    for (size_t i = 0; i < 2; i++) {
        et_parallel_set_threads(i ? 4 : 1);
        struct et_system *system = open_system(NONLINEAR);
        n_knobs = et_system_info(system)->n_knobs;
        dx[i] = et_alloc(BATCH * SAMPLES, sizeof(float));
        dknobs[i] = et_alloc(n_knobs, sizeof(float));
        ck_assert(dx[i] && dknobs[i]);
        vjp(system, x, dy, dx[i], dknobs[i]);
        et_system_close(system);
    }
    et_parallel_set_threads(2);
    ck_assert_uint_eq(n_knobs, 5 * 6);
    ck_assert_mem_eq(dx[0], dx[1], BATCH * SAMPLES * sizeof(float));
    ck_assert_mem_eq(dknobs[0], dknobs[1], n_knobs * sizeof(float));
    for (size_t k = 0; k < n_knobs; k++)
        ck_assert(dknobs[0][k] != 0);
    for (size_t i = 0; i < 2; i++) {
        et_free(dx[i]);
        et_free(dknobs[i]);
    }
    et_free(x);
    et_free(dy);
}
END_TEST

/* Derivatives of what J sees: without the knobs the same dx; a first use without memory fails and
 * leaves a system that works. */
START_TEST(derivatives_survive_failing_allocations)
{
    float *x = noise(BATCH * SAMPLES), *dy = noise(BATCH * 32);
    float *want = et_alloc(BATCH * SAMPLES, sizeof(float));
    float *got = et_alloc(BATCH * SAMPLES, sizeof(float)), dknobs[64];
    ck_assert(want && got);
    struct et_system *system = open_system(NONLINEAR);
    vjp(system, x, dy, want, NULL);
    et_system_close(system);
    system = open_system(NONLINEAR);
    struct et_step step = {.seed = 1};
    enum et_status status = ET_NOMEM;
    size_t n = 0;
    while (status == ET_NOMEM) {
        et_alloc_fail_at(++n);
        status = et_system_vjp(system, &step, et_view_of(x, BATCH, SAMPLES),
                               et_view_of(dy, BATCH, 32), et_view_of(got, BATCH, SAMPLES), dknobs);
        et_alloc_fail_at(0);
    }
    assert_ok(status);
    ck_assert_uint_gt(n, 20);
    ck_assert_mem_eq(want, got, BATCH * SAMPLES * sizeof(float));
    et_system_close(system);
    et_free(x);
    et_free(dy);
    et_free(want);
    et_free(got);
}
END_TEST

START_TEST(knobs_make_a_map_of_speeds)
{
    float *x = noise(SAMPLES), y[2], z[2], slow[4];
    static const char *const design = "output: energy, design: {x: 0.44, width: 0.2, height: 0.2, "
                                      "block: 5, initial: 0, speed_low: %s}, " TWO_MICROPHONES;
    char settings[400];
    snprintf(settings, sizeof settings, design, "343");
    struct et_system *system = open_system(settings);
    ck_assert_uint_eq(et_system_info(system)->n_knobs, 4);
    ck_assert(et_system_info(system)->knob_min == 0 && et_system_info(system)->knob_max == 1);
    run(system, x, 1, y);
    et_system_close(system);
    system = open_system("output: energy, " TWO_MICROPHONES);
    run(system, x, 1, z); /* the background's speed everywhere is no region at all */
    et_system_close(system);
    ck_assert(y[0] == z[0] && y[1] == z[1]);
    snprintf(settings, sizeof settings, design, "200");
    system = open_system(settings);
    run(system, x, 1, z);
    ck_assert(fabsf(z[1] - y[1]) > 1e-3F * y[1]);
    assert_ok(et_system_get_knobs(system, slow, 4));
    ck_assert(slow[0] == 0 && slow[3] == 0);
    static const float fast[4] = {1, 1, 1, 1};
    assert_ok(et_system_set_knobs(system, fast, 4));
    run(system, x, 1, z);
    ck_assert(y[0] == z[0] && y[1] == z[1]);
    et_alloc_fail_at(5); /* inside the making of the new plan */
    assert_status(et_system_set_knobs(system, slow, 4), ET_NOMEM);
    et_alloc_fail_at(0);
    run(system, x, 1, z);
    ck_assert(y[0] == z[0] && y[1] == z[1]);
    et_system_close(system);
    et_free(x);
}
END_TEST

/* A radius far beyond the region weighs all its cells alike; a sharpness of almost nothing is
 * linear. */
START_TEST(extreme_maps_are_limits_of_ordinary_ones)
{
    float *x = noise(SAMPLES), y[2][2];
    static const char *const pairs[][2] = {{"blur: 1e5", "blur: 1e9"},
                                           {"sharpness: 0", "sharpness: 1e-310"}};
    for (size_t p = 0; p < 2; p++) {
        for (size_t i = 0; i < 2; i++) {
            char settings[400];
            snprintf(
                settings, sizeof settings,
                "output: energy, design: {x: 0.5, width: 0.2, height: 0.2, spread: 0.5, %s}, %s",
                pairs[p][i], TWO_MICROPHONES);
            struct et_system *system = open_system(settings);
            run(system, x, 1, y[i]);
            et_system_close(system);
        }
        ck_assert(y[0][1] > 0);
        assert_near((double)y[1][1], (double)y[0][1], 1e-5 * (double)y[0][1]);
    }
    et_free(x);
}
END_TEST

static struct {
    size_t frames;
    double energy, last_s;
} seen;

static void look(void *user, size_t step, double time_s, struct et_view field, double dx_m,
                 const char *unit)
{
    (void)user;
    (void)step;
    ck_assert_uint_eq(field.rows, 36);
    ck_assert_uint_eq(field.cols, 48);
    assert_near(dx_m, 0.021, 1e-12);
    ck_assert_str_eq(unit, "Pa");
    double u = (double)field.data[18 * field.stride + 19];
    seen.energy += u * u * (time_s - seen.last_s);
    seen.last_s = time_s;
    seen.frames++;
}

/* What an observer sees at every step adds up to what the microphone in that cell says. */
START_TEST(frames_show_the_field)
{
    float *x = noise(SAMPLES), y;
    struct et_system *system =
        open_system("output: energy, scatterers: {count: 0}, microphone_arrays: [], microphones: "
                    "[{x: 0.41, y: 0.39}]");
    struct et_observer observer = {.every = 1, .frame = look};
    assert_ok(et_system_observe(system, &observer));
    run(system, x, 1, &y);
    ck_assert_uint_eq(seen.frames, 3 * SAMPLES);
    assert_near(seen.last_s, SAMPLES / 8000.0, 1e-12);
    assert_near(seen.energy, (double)y, 1e-5 * (double)y);
    et_system_close(system);
    et_free(x);
}
END_TEST

static const struct {
    const char *yaml, *message;
} refused[] = {
    {"microphone_arrays: []", "no microphone, here or in arrays"},
    {"microphone_arrays: [{x: 0.6, y: 0.4, width: 0.9, height: 0.2}]",
     "microphone of the array reaches from x = 1.05 to 1.05 m, outside [0, 1.008]"},
    {"microphone_arrays: [{x: 0.6, y: 0.4, width: 0.1, height: 0.2, columns: 4096, rows: 4096}]",
     "16777216 microphones and more; at most 65536"},
    {"steps_per_sample: 2", "2 time steps for a sample of 0.000125 s break the stability limit; at "
                            "least 3 are needed"},
    {"rate: 1, samples: 100000", "time steps; at most 100000000"},
    {"windows: 4000", "4000 windows in 360 time steps"},
    {"samples: 10000, windows: 4096, microphone_arrays: [{x: 0.6, y: 0.4, width: 0.3, height: 0.3, "
     "columns: 30, rows: 30}], scatterers: {count: 0}",
     "more than 1048576 outputs"},
    {"design: {width: 0.001}", "a region of 0 x 24 cells; it needs 1 x 1"},
    {"design: {width: 2}", "outside the cavity of 48 x 36"},
    {"design: {x: 0.504, width: 0.96, y: 0.378, height: 0.756}",
     "must stay one cell clear of the walls of 48 x 36 cells"},
    {"design: {x: 0.1, width: 0.1}", "loudspeaker 0 stands in the region"},
    {"design: {width: 0.2, initial: 2}", "initial = 2"},
    {"membranes: {stiffening: 9, regions: [{x: 0.5, y: 0.4, width: 0.1, height: 0.1}]}, "
     "steps_per_sample: 3, design: {width: 0.2}",
     "break the stability limit"},
    {"membranes: {stiffening: 2, regions: [{x: 0.5, y: 0.4, width: 0.1, height: 0.1}]}, "
     "steps_per_sample: 8, design: {width: 0.2, speed_high: 686}",
     "8 time steps for a sample of 0.000125 s break the stability limit; at least 11 are needed"},
    {"output: power", "power"},
};

START_TEST(bad_devices_are_refused)
{
    char yaml[600];
    struct et_system *system = NULL;
    snprintf(yaml, sizeof yaml, "{type: acoustic-waveform, %s%s}",
             strstr(refused[_i].yaml, "samples") ? "" : "samples: 120, ", refused[_i].yaml);
    enum et_status status = et_system_open_text(yaml, 1, &system);
    ck_assert_msg(status == ET_CONFIG, "%s: %s", yaml, et_error_message());
    ck_assert_msg(strstr(et_error_message(), refused[_i].message) != NULL,
                  "%s: message '%s' lacks '%s'", yaml, et_error_message(), refused[_i].message);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("waveform");
    TCase *tcase = tcase_create("waveform");
    tcase_set_timeout(tcase, 0);
    tcase_add_test(tcase, outputs_agree);
    tcase_add_test(tcase, membranes_are_what_is_nonlinear);
    tcase_add_test(tcase, grid_and_steps_do_not_matter_to_low_tones);
    tcase_add_test(tcase, derivatives_do_not_depend_on_threads);
    tcase_add_test(tcase, derivatives_survive_failing_allocations);
    tcase_add_test(tcase, knobs_make_a_map_of_speeds);
    tcase_add_test(tcase, extreme_maps_are_limits_of_ordinary_ones);
    tcase_add_test(tcase, frames_show_the_field);
    tcase_add_loop_test(tcase, bad_devices_are_refused, 0, sizeof refused / sizeof *refused);
    suite_add_tcase(suite, tcase);
    return suite_result(suite);
}
