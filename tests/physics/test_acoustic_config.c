/* SPDX-License-Identifier: Apache-2.0
 *
 * The acoustic cavity refuses devices that cannot be built, and says why and where. */
#include "close.h"

#include <etalon/etalon.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *yaml, *message;
} refused[] = {
    {"discs: [{x: 0.3, y: 0.5, radius: 0.05}, {x: 1.9, y: 0.5, radius: 0.05}]",
     "disc reaches from x = 1.85 to 1.95 m, outside [0, 1.92]"},
    {"discs: [{x: 0.5, y: 0.02, radius: 0.05}]", "outside [0, 0.96]"},
    {"discs: [{x: 0.6, y: 0.48, radius: 0.001}]", "covers the centre of no cell"},
    {"discs: [{x: 0.5, y: 0.24, radius: 0.1}]", "membrane overlaps a rigid body at ("},
    {"rectangles: [{x: 1, y: 1, width: 0.2, height: 0.2}]",
     "rectangle reaches from y = 0.9 to 1.1 m"},
    {"rectangles: [{x: 1, y: 0.5, width: 0.2}]", "height"},
    {"membranes: {regions: [{x: 0.05, y: 0.5, width: 0.2, height: 0.1}]}",
     "membrane reaches from x = -0.05"},
    {"membranes: {stiffening: -0.3}", "stiffening = -0.3"},
    {"speakers: [{x: 2, y: 0.5}]", "loudspeaker reaches from x = 2 to 2 m, outside [0, 1.92]"},
    {"speakers: [{x: 0.94, y: 0.46}]", "loudspeaker at (0.94, 0.46) m is inside a rigid body"},
    {"speakers: [{x: 0.5, y: 0.24}]", "loudspeaker is on a membrane"},
    {"speakers: []", "speakers"},
    {"microphones: [{x: 0.94, y: -0.1}]", "microphone reaches from y = -0.1"},
    {"microphones: [{x: 0.94, y: 0.46}]", "microphone at (0.94, 0.46) m is inside a rigid body"},
    {"scatterers: {count: 500}", "found no room for scatterer"},
    {"scatterers: {count: 1, radius_min: 0.2, radius_max: 0.1}", "radius_max = 0.1 is below"},
    {"cell: 0.9", "grid of 2 x 1"},
    {"cell: 1e-5", "more than"},
    {"carriers: [250, 3000]", "carrier of 3000 Hz has fewer than 4 cells per wavelength"},
    {"bins: [9000]", "bin of 9000 Hz is not below half the sampling rate"},
    {"intermodulation: 4000", "these carriers have only"},
    {"dt: 1e-4", "the largest stable dt is"},
    {"order: 4, dt: 6.8e-5", "(c dt / h)^2 (1 + k) <= 3/8 of order 4"},
    {"order: 3", "order: expected one of 2|4, found '3'"},
    {"precision: half", "precision: expected one of single|double, found 'half'"},
    {"drive: 0", "drive = 0"},
    {"wall: {}", "wall"},
    {"walls: {left: {kind: open}}", "kind"},
    {"membranes: {regions: [{x: 1.8, y: 0.5, width: 0.08, height: 0.08}]}, rectangles: [{x: 1.6, "
     "y: 0.48, width: 0.08, height: 0.96}], discs: [], microphones: [{x: 0.5, y: 0.5}]",
     "no sound reaches the membranes"},
};

START_TEST(test_refused)
{
    char yaml[600];
    struct et_system *system = NULL;
    snprintf(yaml, sizeof yaml, "{type: acoustic, %s}", refused[_i].yaml);
    enum et_status status = et_system_open_text(yaml, 1, &system);
    ck_assert_msg(status == ET_CONFIG, "%s: %s", yaml, et_error_message());
    ck_assert_ptr_null(system);
    ck_assert_msg(strstr(et_error_message(), refused[_i].message) != NULL,
                  "%s: message '%s' lacks '%s'", yaml, et_error_message(), refused[_i].message);
}
END_TEST

/* The message shows the record's line with a caret under the value. */
START_TEST(test_points_at_the_record)
{
    struct et_system *system = NULL;
    static const char yaml[] = "type: acoustic\ndiscs:\n  - {x: 0.3, y: 0.5, radius: 0.05}\n"
                               "  - {x: 1.9, y: 0.5, radius: 0.05}\n";
    assert_status(et_system_open_text(yaml, 1, &system), ET_CONFIG);
    assert_message(": error: disc reaches");
    assert_message("\n    - {x: 1.9, y: 0.5, radius: 0.05}\n          ^");
}
END_TEST

/* Largest stable dt that the error names for a configuration with a dt that is too large. */
static double named_dt(const char *settings)
{
    char yaml[300];
    struct et_system *system = NULL;
    snprintf(yaml, sizeof yaml, "{type: acoustic, dt: 0.001, %s}", settings);
    assert_status(et_system_open_text(yaml, 1, &system), ET_CONFIG);
    const char *at = strstr(et_error_message(), "largest stable dt is ");
    ck_assert_msg(at != NULL, "%s", et_error_message());
    return strtod(at + strlen("largest stable dt is "), NULL);
}

/* (c dt / h)^2 (1 + k) <= 1/2, in order 4 3/8, with k only where there are membranes; the named dt
 * works and runs stable, the next larger one does not open. */
START_TEST(test_stability_limit)
{
    double k = 0.3, h = 0.04, c = 343;
    assert_near(named_dt("drive: 3") / (h / (c * sqrt(2 * (1 + k)))), 1.0, 1e-6);
    assert_near(named_dt("membranes: {stiffening: 1}") / (h / (c * sqrt(4.0))), 1.0, 1e-6);
    assert_near(named_dt("order: 4") / (h / (c * sqrt(8.0 / 3 * (1 + k)))), 1.0, 1e-6);
    assert_near(named_dt("membranes: {regions: []}") / (h / (c * sqrt(2.0))), 1.0, 1e-6);
    assert_near(named_dt("rectangles: [{x: 1.7, y: 0.2, width: 0.1, height: 0.1, speed: 500}]") /
                    (h / (500 * sqrt(2.0))),
                1.0, 1e-6);

    char yaml[300];
    float x[20], y[20];
    struct et_system *system = NULL;
    struct et_step step = {0};
    for (size_t i = 0; i < 20; i++)
        x[i] = 1.0F;
    snprintf(yaml, sizeof yaml,
             "{type: acoustic, drive: 50, calibrate: false, transient: 0.5, dt: %.9g}",
             named_dt("drive: 3"));
    assert_ok(et_system_open_text(yaml, 1, &system));
    assert_ok(et_system_forward(system, &step, et_view_of(x, 1, 20), et_view_of(y, 1, 20)));
    for (size_t i = 0; i < 20; i++)
        ck_assert(y[i] < 1e4F);
    et_system_close(system);
    snprintf(yaml, sizeof yaml, "{type: acoustic, dt: %.9g}", 1.00001 * named_dt("drive: 3"));
    assert_status(et_system_open_text(yaml, 1, &system), ET_CONFIG);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("acoustic configuration");
    TCase *tests = tcase_create("errors");
    tcase_add_loop_test(tests, test_refused, 0, (int)(sizeof refused / sizeof *refused));
    tcase_add_test(tests, test_points_at_the_record);
    tcase_add_test(tests, test_stability_limit);
    suite_add_tcase(suite, tests);
    return suite_result(suite);
}
