/* SPDX-License-Identifier: Apache-2.0
 *
 * The diffraction system refuses what cannot be, and what it advises then works. */
#include <etalon/system.h>

#include <check.h>
#include <stdio.h>

#include "close.h"

static const struct {
    const char *yaml, *value, *limit;
} bad[] = {
    {"slm: {samples: 1, fill: 0.8}", "fill = 0.8",
     "samples must be at least 2, a pitch of at most 1.6e-05 m"},
    {"light: {profile: gaussian, waist: 1e-5}", "waist = 1e-05 m is under-sampled",
     "pitch of at most 5e-06 m"},
    {"window: {nx: 30}", "modulator of 32 samples", "window of 30"},
    {"window: {nx: 33}", "32 samples cannot be centred in a window of 33", "both"},
    {"wavelength: 3e-4", "wavelength = 0.0003 m",
     "window's 0.000256 m: all of its structure is evanescent"},
    {"layers: [{distance: 0.05}]", "distance = 0.05 m leaves", "at most 0.03"},
    {"layers: [{distance: 0.05}]", "fewer than 8", "window.padding = 3 would do"},
    /* Columns are padded to 72 samples, rows to 96: the columns decide. */
    {"window: {nx: 36, ny: 36}, slm: {nx: 9, ny: 9}, layers: [{distance: 0.039}]",
     "distance = 0.039 m leaves", "at most 0.038"},
    /* A window of two samples has no more than two frequencies on a side. */
    {"slm: {nx: 64, ny: 2, samples: 1}", "leaves 1.5 frequencies", "fewer than 2"},
    {"window: {band_limit: false}, layers: [{distance: 0.02}]", "distance = 0.02 m aliases",
     "at most 0.0076"},
    {"window: {band_limit: false}, layers: [{distance: 0.02}]", "without band limit",
     "window.padding = 6 would do"},
    {"layers: [{mask: phase, nx: 17, samples: 2}]", "mask of 34 samples", "window of 32"},
    {"layers: [{mask: diffuser, samples: 5}]", "5 samples do not divide", "window of 32"},
    {"layers: [{mask: aperture}]", "diameter", "above 0"},
    {"layers: [{mask: aperture, diameter: 3e-4}]", "diameter = 0.0003 m", "window of 0.000256 m"},
    {"layers: [{mask: aperture, diameter: 1.2e-5}]", "diameter = 1.2e-05 m is under-sampled",
     "pitch of at most 6e-06 m"},
    {"layers: [{mask: lens}]", "focal length", "0 m"},
    {"layers: [{mask: lens, focal: 1e-3}]", "focal = 0.001 m is under-sampled 0.000128 m",
     "pitch of 8e-06 m is above 2.09"},
    {"sensor: {binning: 5}", "5 samples do not divide", "window of 32"},
    {"sensor: {binning: 4, nx: 9}", "a camera of 36 samples", "window of 32"},
    {"sensor: {regions: [{x: 1e-4, y: 0, width: 1e-4, height: 1e-5}]}", "5e-05 to 0.00015 m",
     "-0.000128 to 0.000128 m"},
    {"sensor: {regions: [{x: 0, y: 0, width: 1e-7, height: 1e-5}]}", "width = 1e-07 m", "8e-06 m"},
};
enum { N_BAD = sizeof bad / sizeof *bad };

START_TEST(refuses)
{
    struct et_system *system;
    char text[256];
    snprintf(text, sizeof text, "{type: diffraction, %s}", bad[_i].yaml);
    assert_status(et_system_open_text(text, 1, &system), ET_CONFIG);
    assert_message(bad[_i].value);
    assert_message(bad[_i].limit);
}
END_TEST

/* What the message advises works. */
START_TEST(advice_is_good)
{
    struct et_system *system;
    static const char *const good[] = {
        "{type: diffraction, window: {padding: 3}, layers: [{distance: 0.05}]}",
        "{type: diffraction, window: {padding: 6, band_limit: false}, layers: [{distance: 0.02}]}",
        "{type: diffraction, layers: [{distance: 0.0300}]}",
        "{type: diffraction, window: {band_limit: false}, layers: [{distance: 0.0076}]}",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_ok(et_system_open_text(good[i], 1, &system));
        et_system_close(system);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("diffraction refusals");
    TCase *tests = tcase_create("refusals");
    tcase_add_loop_test(tests, refuses, 0, N_BAD);
    tcase_add_test(tests, advice_is_good);
    suite_add_tcase(suite, tests);
    return suite_result(suite);
}
