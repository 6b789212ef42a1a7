/* SPDX-License-Identifier: Apache-2.0
 *
 * The absorbing layer reflects as little as the documentation says, on every side, for good. */
#include "bench/pml_reflection.h"
#include "wave_rig.h"

/* Thickness, path and the largest reflection allowed, in dB. */
START_TEST(test_reflection)
{
    static const struct {
        enum et__pml_path path;
        size_t cells;
        double residual, limit;
    } cases[] = {
        {ET__PML_NEAR_NORMAL, 10, 1e-3, -60}, {ET__PML_NEAR_NORMAL, 10, 1e-10, -80},
        {ET__PML_NEAR_NORMAL, 5, 1e-8, -60},  {ET__PML_GRAZING, 10, 1e-10, -60},
        {ET__PML_GRAZING, 20, 1e-10, -80},
    };
    double decibel;
    assert_ok(et__pml_reflection(cases[_i].path, cases[_i].cells, cases[_i].residual, &decibel));
    ck_assert_msg(decibel <= cases[_i].limit, "%zu cells reflect %.1f dB", cases[_i].cells,
                  decibel);
}
END_TEST

/* The measurement itself notices a bad layer. */
START_TEST(test_thin_layer_reflects)
{
    double decibel;
    assert_ok(et__pml_reflection(ET__PML_GRAZING, 5, 1e-2, &decibel));
    ck_assert_msg(decibel > -30, "%.1f dB", decibel);
}
END_TEST

static double loudest(struct rig *rig)
{
    float most = 0.0F;
    for (size_t i = 0; i < rig->field.size; i++)
        most = fmaxf(most, fabsf(((float *)rig->field.now)[i]));
    return (double)most;
}

enum { PULSE_STEPS = 260 };

static void emit_pulse(struct rig *rig, size_t centre)
{
    rig_start(rig, 1);
    for (size_t step = 0; step < PULSE_STEPS; step++) {
        double phase = ((double)step - 50) / 14;
        rig_steps(rig, 1);
        *rig_now(rig, centre, centre) += (float)(phase * exp(-phase * phase));
    }
}

/* A pulse in a square with layers all around is what it would be in an open space, to its wake;
 * without one of the layers it is not. */
START_TEST(test_every_side_absorbs)
{
    struct rig rig = rig_make(81, 81, 0.65), space = rig_make(361, 361, 0.65);
    for (size_t side = 0; side < ET__WAVE_SIDES; side++)
        rig.strip[side] = (int)side == _i ? 0 : 12;
    emit_pulse(&rig, 40);
    emit_pulse(&space, 180);
    double worst = 0;
    for (size_t y = 12; y < 69; y++)
        for (size_t x = 12; x < 69; x++)
            worst = fmax(worst, fabs((double)*rig_now(&rig, x, y) -
                                     (double)*rig_now(&space, x + 140, y + 140)));
    if (_i < ET__WAVE_SIDES)
        ck_assert_msg(worst > 1e-3, "side %d: only %g", _i, worst);
    else
        ck_assert_msg(worst < 2e-5, "%g", worst);
    rig_end(&rig);
    rig_end(&space);
}
END_TEST

/* Noise of all wavelengths dies out and nothing grows in 20,000 steps, corners included. */
START_TEST(test_long_run_is_stable)
{
    struct rig rig = rig_make(48, 40, 0.7);
    for (size_t side = 0; side < ET__WAVE_SIDES; side++)
        rig.strip[side] = 6 + side;
    rig.residual = 1e-10;
    for (size_t y = 15; y < 20; y++)
        for (size_t x = 20; x < 25; x++)
            rig.courant2[y * rig.nx + x] = 0;
    rig_start(&rig, 1);
    for (size_t y = 0; y < rig.ny; y++)
        for (size_t x = 0; x < rig.nx; x++)
            if (rig_open(&rig, x, y))
                *rig_now(&rig, x, y) = *rig_before(&rig, x, y) = rig_random(y * rig.nx + x);
    rig_steps(&rig, 2000);
    double early = loudest(&rig);
    ck_assert_msg(early < 0.3, "%g after 2,000 steps", early);
    rig_steps(&rig, 18000);
    ck_assert_msg(loudest(&rig) <= early, "grew from %g to %g", early, loudest(&rig));
    rig_end(&rig);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wave pml");
    TCase *tests = tcase_create("layer");
    tcase_add_loop_test(tests, test_reflection, 0, 5);
    tcase_add_test(tests, test_thin_layer_reflects);
    tcase_add_loop_test(tests, test_every_side_absorbs, 0, ET__WAVE_SIDES + 1);
    tcase_add_test(tests, test_long_run_is_stable);
    suite_add_tcase(suite, tests);
    return suite_result(suite);
}
