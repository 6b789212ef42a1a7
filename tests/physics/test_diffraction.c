/* SPDX-License-Identifier: Apache-2.0
 *
 * The diffraction system: each part does what its parameters say. */
#include <etalon/array.h>
#include <etalon/parallel.h>
#include <etalon/rng.h>
#include <etalon/system.h>

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "close.h"

enum { OUT_MAX = 4096 };

/* Outputs of one sample. */
static void run(const char *yaml, const float *x, float *y)
{
    struct et_system *system;
    struct et_step step = {0};
    float in[OUT_MAX];
    assert_ok(et_system_open_text(yaml, 3, &system));
    const struct et_system_info *info = et_system_info(system);
    ck_assert_uint_le(info->n_in, OUT_MAX);
    ck_assert_uint_le(info->n_out, OUT_MAX);
    memcpy(in, x, info->n_in * sizeof *in);
    assert_ok(et_system_forward(system, &step, et_view_of(in, 1, info->n_in),
                                et_view_of(y, 1, info->n_out)));
    et_system_close(system);
}

/* -------------------------------------------------------------------------------- modulator -- */

/* At distance 0 the camera sees the modulator itself: amplitude squared. */
START_TEST(amplitude_pixels_are_seen_at_once)
{
    const float x[] = {0, 0.25F, 0.5F, 1};
    float y[4];
    run("{type: diffraction, slm: {nx: 2, ny: 2, modulation: amplitude}, layers: [{}]}", x, y);
    for (int i = 0; i < 4; i++)
        assert_near((double)y[i], (double)(x[i] * x[i]), 1e-6);
    run("{type: diffraction, slm: {nx: 2, ny: 2}, layers: [{}]}", x, y);
    for (int i = 0; i < 4; i++)
        assert_near((double)y[i], 1, 1e-6);
}
END_TEST

/* A quarter of the area modulates: 2 x 2 of 4 x 4 samples; light from the gaps is not modulated. */
START_TEST(gaps_between_pixels)
{
    const float dark[] = {0}, bright[] = {1};
    float y[16];
    const char *yaml = "{type: diffraction, slm: {nx: 1, ny: 1, modulation: amplitude, fill: 0.25, "
                       "gap: 0.5}, layers: [{}], sensor: {binning: 1}}";
    for (int on = 0; on < 2; on++) {
        run(yaml, on ? bright : dark, y);
        for (int i = 0; i < 16; i++) {
            bool pixel = i % 4 >= 1 && i % 4 <= 2 && i / 4 >= 1 && i / 4 <= 2;
            assert_near((double)y[i], pixel ? on : 0.25, 1e-6);
        }
    }
    /* Edges inside a sample count by area: 0.36 of 2 x 2 samples, amplitude 0.6 x 0.6 each. */
    run("{type: diffraction, slm: {nx: 1, ny: 1, samples: 2, modulation: amplitude, fill: 0.36}, "
        "layers: [{}], sensor: {binning: 1}}",
        bright, y);
    for (int i = 0; i < 4; i++)
        assert_near((double)y[i], 0.36 * 0.36, 1e-6);
    /* Light from the gaps keeps its phase and meets that of the pixel: -0.36 + 0.64 x 0.5. */
    run("{type: diffraction, slm: {nx: 1, ny: 1, samples: 2, fill: 0.36, gap: 0.5}, "
        "layers: [{}], sensor: {binning: 1}}",
        bright, y);
    for (int i = 0; i < 4; i++)
        assert_near((double)y[i], 0.04 * 0.04, 1e-6);
}
END_TEST

START_TEST(input_bits_round)
{
    const float x[] = {0.1F, 0.3F, 0.45F, 0.9F}, want[] = {0, 1.0F / 9, 1.0F / 9, 1};
    float y[4];
    run("{type: diffraction, slm: {nx: 2, ny: 2, modulation: amplitude, bits: 2}, layers: [{}]}", x,
        y);
    assert_close(y, want, 4, 0, 1e-6);
}
END_TEST

/* Two pixels with a phase difference of pi: the axis behind them is dark; without it, bright. */
START_TEST(phase_pixels_interfere)
{
    const float equal[] = {0.5F, 0.5F}, opposite[] = {0, 1};
    float bright[64], dark[64];
    const char *yaml = "{type: diffraction, slm: {nx: 2, ny: 1}, window: {nx: 64, ny: 64}, "
                       "layers: [{distance: 5e-3}], sensor: {binning: 2, nx: 1, ny: 1}}";
    run(yaml, equal, bright);
    run(yaml, opposite, dark);
    ck_assert_float_gt(bright[0], 0.1F);
    ck_assert_float_lt(dark[0], 0.05F * bright[0]);
}
END_TEST

START_TEST(gaussian_light)
{
    const float x[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    float y[16];
    run("{type: diffraction, slm: {nx: 4, ny: 4, samples: 1, pitch: 1e-5, modulation: amplitude}, "
        "light: {profile: gaussian, waist: 2e-5}, layers: [{}], sensor: {binning: 1}}",
        x, y);
    for (int i = 0; i < 16; i++) {
        double px = (i % 4 - 1.5) * 1e-5, py = (i / 4 - 1.5) * 1e-5;
        assert_near((double)y[i], exp(-2 * (px * px + py * py) / 4e-10), 1e-6);
    }
}
END_TEST

/* ------------------------------------------------------------------------------------ masks -- */

/* A lens gathers the light of its diameter at the focus, a diverging one does not. */
#define LENS(focal)                                                                                \
    "{type: diffraction, slm: {nx: 16, ny: 16}, layers: [{mask: lens, diameter: 5e-4, "            \
    "focal: " focal "}, {distance: 20e-3}], sensor: {binning: 4, nx: 1, ny: 1}}"
START_TEST(lenses)
{
    float x[256] = {0}, sharp[1], spread[1];
    run(LENS("20e-3"), x, sharp);
    run(LENS("-20e-3"), x, spread);
    ck_assert_float_gt(sharp[0], 50);
    ck_assert_float_lt(spread[0], 1);
}
END_TEST

/* The focus of a wide lens is as bright as a sphere of waves makes it: with
 * dE = cos(angle) dA / (lambda R) and R^2 = f^2 + r^2 its field is pi f / lambda ln(1 + a^2 / f^2).
 * A parabola of phases would lag by 2.8 rad at the edge. */
START_TEST(lenses_are_not_paraxial)
{
    static float x[63 * 63], y[1];
    const double want = 3.14159265358979 * 30e-6 / 532e-9 * log(1 + 0.25);
    run("{type: diffraction, slm: {nx: 63, ny: 63, samples: 1, pitch: 0.5e-6}, layers: [{mask: "
        "lens, diameter: 30e-6, focal: 30e-6}, {distance: 30e-6}], sensor: {binning: 1, nx: 1, "
        "ny: 1}}",
        x, y);
    assert_near((double)y[0] / (want * want), 1, 0.03);
}
END_TEST

START_TEST(apertures_stop_light)
{
    float x[64] = {0}, y[1024];
    static const char *const shapes[] = {"disc", "square"};
    for (int shape = 0; shape < 2; shape++) {
        char text[256];
        double sum = 0, area = shape ? 256.0 : 3.14159265358979 * 64;
        snprintf(text, sizeof text,
                 "{type: diffraction, layers: [{mask: aperture, diameter: 128e-6, shape: %s}], "
                 "sensor: {binning: 1}}",
                 shapes[shape]);
        run(text, x, y);
        for (int i = 0; i < 1024; i++)
            sum += (double)y[i];
        assert_near(sum / area, 1, 0.05);
        assert_near((double)y[0], 0, 0);
        assert_near((double)y[16 * 32 + 16], 1, 1e-6);
    }
}
END_TEST

/* Phases change nothing at the plane itself; beside a small mask it is dark. */
START_TEST(masks_are_dark_outside)
{
    float x[64] = {0}, y[1024];
    run("{type: diffraction, layers: [{mask: diffuser, nx: 5, ny: 3, samples: 2}], "
        "sensor: {binning: 1}}",
        x, y);
    for (int i = 0; i < 1024; i++) {
        int px = i % 32, py = i / 32;
        bool inside = px >= 11 && px < 21 && py >= 13 && py < 19;
        assert_near((double)y[i], inside, 1e-6);
    }
}
END_TEST

/* The softer the edge of the band, the less light of a fine pattern passes. */
START_TEST(edge_of_the_band)
{
    static const char *const edges[] = {"0", "0.3", "0.9"};
    float x[64], y[64];
    double sum[3] = {0};
    et_rng_fill_uniform(1, ET_STREAM_USER, 0, 0, 0, 1, x, 64);
    for (int i = 0; i < 3; i++) {
        char text[128];
        snprintf(text, sizeof text,
                 "{type: diffraction, window: {edge: %s}, layers: [{distance: 0.03}]}", edges[i]);
        run(text, x, y);
        for (int o = 0; o < 64; o++)
            sum[i] += (double)y[o];
    }
    ck_assert_double_gt(sum[0], 1.01 * sum[1]);
    ck_assert_double_gt(sum[1], 1.01 * sum[2]);
}
END_TEST

/* The seed of a device is its diffuser. */
START_TEST(diffusers_are_devices)
{
    struct et_system *a, *b;
    struct et_step step = {0};
    float x[64] = {0}, ya[64], yb[64];
    assert_ok(et_system_open_text("{type: diffraction}", 1, &a));
    assert_ok(et_system_open_text("{type: diffraction}", 2, &b));
    assert_ok(et_system_forward(a, &step, et_view_of(x, 1, 64), et_view_of(ya, 1, 64)));
    assert_ok(et_system_forward(b, &step, et_view_of(x, 1, 64), et_view_of(yb, 1, 64)));
    ck_assert_mem_ne(ya, yb, sizeof ya);
    et_system_close(a);
    et_system_close(b);
}
END_TEST

/* Two diffusers are not one of twice the depth, as they would be if they were alike. */
START_TEST(diffusers_differ)
{
    float x[64] = {0}, two[64], one[64];
    run("{type: diffraction, layers: [{mask: diffuser, depth: 2}, {mask: diffuser, depth: 2}, "
        "{distance: 4e-3}]}",
        x, two);
    run("{type: diffraction, layers: [{mask: diffuser, depth: 4}, {distance: 4e-3}]}", x, one);
    double apart = 0;
    for (int i = 0; i < 64; i++)
        apart += fabs((double)two[i] - (double)one[i]) / 64;
    ck_assert_double_gt(apart, 0.1);
}
END_TEST

/* A diffuser without depth is a window pane; phases that begin at random scatter, zeros do not. */
START_TEST(phases_begin_as_asked)
{
    float x[64] = {0}, none[64], flat[64], zero[64], random[64];
    run("{type: diffraction, layers: [{distance: 4e-3}]}", x, none);
    run("{type: diffraction, layers: [{mask: diffuser, depth: 0}, {distance: 4e-3}]}", x, flat);
    run("{type: diffraction, layers: [{mask: phase}, {distance: 4e-3}]}", x, zero);
    run("{type: diffraction, layers: [{mask: phase, init: random}, {distance: 4e-3}]}", x, random);
    ck_assert_mem_eq(none, flat, sizeof none);
    ck_assert_mem_eq(none, zero, sizeof none);
    double contrast = 0;
    for (int i = 0; i < 64; i++)
        contrast += fabs((double)random[i] - (double)none[i]) / 64;
    ck_assert_double_gt(contrast, 0.1);
}
END_TEST

/* A grating written into a trained plane sends the light aside; two bits know phases 0 and pi/2. */
START_TEST(trained_planes_steer)
{
    struct et_system *system;
    struct et_step step = {0};
    float x[64] = {0}, before[64], after[64], knobs[1024], back[1024];
    assert_ok(et_system_open_text("{type: diffraction, layers: [{mask: phase, bits: 2}, "
                                  "{distance: 2e-3}]}",
                                  1, &system));
    const struct et_system_info *info = et_system_info(system);
    ck_assert_uint_eq(info->n_knobs, 1024);
    ck_assert_str_eq(info->knob_unit, "rad");
    assert_ok(et_system_forward(system, &step, et_view_of(x, 1, 64), et_view_of(before, 1, 64)));
    for (int i = 0; i < 1024; i++)
        knobs[i] = 0.7F; /* rounds to 1 of pi/2: no change */
    assert_ok(et_system_set_knobs(system, knobs, 1024));
    assert_ok(et_system_get_knobs(system, back, 1024));
    ck_assert_mem_eq(knobs, back, sizeof knobs);
    assert_ok(et_system_forward(system, &step, et_view_of(x, 1, 64), et_view_of(after, 1, 64)));
    assert_close(after, before, 64, 1e-4, 1e-5);
    for (int i = 0; i < 1024; i++)
        knobs[i] = (float)(i % 4) * 1.5707963F;
    assert_ok(et_system_set_knobs(system, knobs, 1024));
    assert_ok(et_system_forward(system, &step, et_view_of(x, 1, 64), et_view_of(after, 1, 64)));
    /* An angle of lambda / (4 dx): 33 um to the right at 2 mm, a pixel of the camera. */
    double left = 0, right = 0;
    for (int i = 0; i < 64; i++)
        *(i % 8 < 4 ? &left : &right) += (double)after[i];
    ck_assert_double_gt(right, 1.2 * left);
    et_system_close(system);
}
END_TEST

/* ----------------------------------------------------------------------------------- camera -- */

#define BARE                                                                                       \
    "{type: diffraction, slm: {nx: 2, ny: 2, modulation: amplitude}, layers: [{}], camera: "

START_TEST(camera_saturates_and_rounds)
{
    const float x[] = {0.2F, 0.5F, 0.7F, 1};
    float y[4];
    run(BARE "{kind: cmos, shot_noise: false, read_noise: 0, bits: 0, saturation: 0.4}}", x, y);
    const float cut[] = {0.1F, 0.625F, 1, 1};
    assert_close(y, cut, 4, 0, 1e-6);
    run(BARE "{kind: cmos, shot_noise: false, read_noise: 0, bits: 2, saturation: 0.6}}", x, y);
    const float rounded[] = {0, 1.0F / 3, 2.0F / 3, 1};
    assert_close(y, rounded, 4, 0, 1e-6);
}
END_TEST

START_TEST(saturated_pixels_have_no_gradient)
{
    struct et_system *system;
    struct et_step step = {0};
    float x[] = {0.2F, 0.5F, 0.7F, 1}, dy[] = {1, 1, 1, 1}, dx[4];
    assert_ok(et_system_open_text(
        BARE "{kind: cmos, shot_noise: false, read_noise: 0, bits: 8, saturation: 0.4}}", 1,
        &system));
    ck_assert_str_eq(et_system_info(system)->out_unit, "of full well");
    assert_ok(et_system_vjp(system, &step, et_view_of(x, 1, 4), et_view_of(dy, 1, 4),
                            et_view_of(dx, 1, 4), NULL));
    const float want[] = {1.0F, 2.5F, 0, 0};
    assert_close(dx, want, 4, 1e-5, 0);
    et_system_close(system);
}
END_TEST

/* The exposure is set by random inputs: a few percent of the pixels saturate, not half of them. */
START_TEST(camera_exposes_itself)
{
    enum { ROWS = 50 };
    static float x[ROWS * 64], y[ROWS * 64];
    struct et_system *system;
    struct et_step step = {0};
    int full = 0;
    assert_ok(et_system_open_text("{type: diffraction, camera: {kind: cmos, exposure: 0.9}}", 1,
                                  &system));
    ck_assert(et_system_info(system)->traits & ET_NOISY);
    et_rng_fill_uniform(1, ET_STREAM_USER, 0, 0, 0, 1, x, ROWS * 64);
    assert_ok(et_system_forward(system, &step, et_view_of(x, ROWS, 64), et_view_of(y, ROWS, 64)));
    for (int i = 0; i < ROWS * 64; i++)
        full += y[i] >= 1;
    assert_near((double)full / (ROWS * 64), 0.1, 0.03);
    et_system_close(system);
}
END_TEST

/* A camera of one pixel looks at the middle, also of a window that is not square. */
START_TEST(pixels_are_centred)
{
    float x[18] = {0}, y[1];
    x[8] = x[9] = 1;
    run("{type: diffraction, slm: {nx: 6, ny: 3, modulation: amplitude}, layers: [{}], "
        "sensor: {nx: 1, ny: 1}}",
        x, y);
    assert_near((double)y[0], 1, 1e-6);
}
END_TEST

/* x = 0.5 in one corner: a region sees the mean over its samples. */
START_TEST(regions_are_means)
{
    const float x[] = {1, 0, 0, 0.5F};
    float y[2];
    run("{type: diffraction, slm: {nx: 2, ny: 2, modulation: amplitude}, layers: [{}], "
        "sensor: {regions: [{x: 0, y: 0, width: 64e-6, height: 64e-6}, "
        "{x: 16e-6, y: 16e-6, width: 16e-6, height: 8e-6}]}}",
        x, y);
    const float want[] = {0.3125F, 0.25F};
    assert_close(y, want, 2, 0, 1e-6);
}
END_TEST

START_TEST(latency_and_energy)
{
    struct et_system *system;
    assert_ok(et_system_open_text("{type: diffraction}", 1, &system));
    ck_assert(isnan(et_system_info(system)->latency_s) && isnan(et_system_info(system)->energy_J));
    et_system_close(system);
    assert_ok(et_system_open_text("{type: diffraction, slm: {settle: 5e-3}, light: {power: 2e-3}, "
                                  "sensor: {time: 1e-3}}",
                                  1, &system));
    assert_near(et_system_info(system)->latency_s, 6e-3 + 20e-3 / 299792458.0, 1e-15);
    assert_near(et_system_info(system)->energy_J, 2e-6, 1e-18);
    et_system_close(system);
}
END_TEST

/* Gradients of knobs are added in the order of the samples, more of them than are kept apart. */
START_TEST(gradients_do_not_depend_on_threads)
{
    enum { ROWS = 37, KNOBS = 64 };
    static float x[ROWS * 64], dy[ROWS * 64], dx[2][ROWS * 64], dknobs[2][KNOBS], one[KNOBS];
    float sum[KNOBS] = {0};
    struct et_step step = {0};
    et_rng_fill_uniform(1, ET_STREAM_USER, 0, 0, 0, 1, x, ROWS * 64);
    et_rng_fill_normal(2, ET_STREAM_USER, 0, 0, dy, ROWS * 64);
    for (int i = 0; i < 2; i++) {
        struct et_system *system;
        et_parallel_set_threads(i == 0 ? 1 : 5);
        assert_ok(et_system_open_text("{type: diffraction, layers: [{distance: 4e-3, mask: phase, "
                                      "samples: 4}, {distance: 4e-3}]}",
                                      1, &system));
        assert_ok(et_system_vjp(system, &step, et_view_of(x, ROWS, 64), et_view_of(dy, ROWS, 64),
                                et_view_of(dx[i], ROWS, 64), dknobs[i]));
        for (size_t r = 0; i == 0 && r < ROWS; r++) {
            float back[64];
            assert_ok(et_system_vjp(system, &step, et_view_of(x + r * 64, 1, 64),
                                    et_view_of(dy + r * 64, 1, 64), et_view_of(back, 1, 64), one));
            ck_assert_mem_eq(back, dx[0] + r * 64, sizeof back);
            for (int k = 0; k < KNOBS; k++)
                sum[k] += one[k];
        }
        et_system_close(system);
    }
    et_parallel_set_threads(2);
    ck_assert_mem_eq(dx[0], dx[1], sizeof dx[0]);
    ck_assert_mem_eq(dknobs[0], dknobs[1], sizeof dknobs[0]);
    ck_assert_mem_eq(sum, dknobs[0], sizeof sum);
}
END_TEST

/* ----------------------------------------------------------------------------------- frames -- */

struct frames {
    size_t n;
    double last_time, sum;
    float first[32][32], last[32][32];
};

static void keep_frame(void *user, size_t step, double time_s, struct et_view field, double dx_m,
                       const char *unit)
{
    struct frames *frames = user;
    ck_assert_uint_eq(step, frames->n * 25);
    ck_assert_uint_eq(field.rows, 32);
    ck_assert_uint_eq(field.cols, 32);
    assert_near(dx_m, 8e-6, 1e-18);
    ck_assert_str_eq(unit, "of illumination");
    for (int y = 0; y < 32; y++)
        for (int x = 0; x < 32; x++) {
            float value = field.data[(size_t)y * field.stride + (size_t)x];
            if (frames->n == 0) frames->first[y][x] = value;
            frames->last[y][x] = value;
        }
    frames->last_time = time_s;
    frames->n++;
}

/* Frames begin at the modulator and end at the camera, and looking changes nothing. */
START_TEST(frames_lead_to_the_camera)
{
    struct et_system *system;
    struct frames frames = {0};
    struct et_observer observer = {25, keep_frame, &frames};
    struct et_step step = {0};
    float x[64], seen[64], unseen[64];
    et_rng_fill_uniform(1, ET_STREAM_USER, 0, 0, 0, 1, x, 64);
    assert_ok(et_system_open_text("{type: diffraction, looks: 100}", 1, &system));
    assert_ok(et_system_forward(system, &step, et_view_of(x, 1, 64), et_view_of(unseen, 1, 64)));
    assert_ok(et_system_observe(system, &observer));
    assert_ok(et_system_forward(system, &step, et_view_of(x, 1, 64), et_view_of(seen, 1, 64)));
    ck_assert_mem_eq(seen, unseen, sizeof seen);
    ck_assert_uint_eq(frames.n, 5);
    assert_near(frames.last_time, 20e-3 / 299792458.0, 1e-18);
    assert_near((double)frames.first[9][20], 1, 1e-6);
    for (int o = 0; o < 64; o++) {
        double mean = 0;
        for (int i = 0; i < 16; i++)
            mean += (double)frames.last[o / 8 * 4 + i / 4][o % 8 * 4 + i % 4] / 16;
        assert_near(mean, (double)seen[o], 1e-5);
    }
    assert_ok(et_system_observe(system, NULL));
    assert_ok(et_system_forward(system, &step, et_view_of(x, 1, 64), et_view_of(seen, 1, 64)));
    ck_assert_uint_eq(frames.n, 5);
    et_system_close(system);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("diffraction");
    TCase *tests = tcase_create("diffraction");
    tcase_add_test(tests, amplitude_pixels_are_seen_at_once);
    tcase_add_test(tests, gaps_between_pixels);
    tcase_add_test(tests, input_bits_round);
    tcase_add_test(tests, phase_pixels_interfere);
    tcase_add_test(tests, gaussian_light);
    tcase_add_test(tests, lenses);
    tcase_add_test(tests, lenses_are_not_paraxial);
    tcase_add_test(tests, diffusers_differ);
    tcase_add_test(tests, pixels_are_centred);
    tcase_add_test(tests, apertures_stop_light);
    tcase_add_test(tests, masks_are_dark_outside);
    tcase_add_test(tests, diffusers_are_devices);
    tcase_add_test(tests, phases_begin_as_asked);
    tcase_add_test(tests, trained_planes_steer);
    tcase_add_test(tests, camera_saturates_and_rounds);
    tcase_add_test(tests, saturated_pixels_have_no_gradient);
    tcase_add_test(tests, camera_exposes_itself);
    tcase_add_test(tests, regions_are_means);
    tcase_add_test(tests, edge_of_the_band);
    tcase_add_test(tests, latency_and_energy);
    tcase_add_test(tests, gradients_do_not_depend_on_threads);
    tcase_add_test(tests, frames_lead_to_the_camera);
    suite_add_tcase(suite, tests);
    return suite_result(suite);
}
