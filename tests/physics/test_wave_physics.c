/* SPDX-License-Identifier: Apache-2.0
 *
 * What the closed forms of bench/physics_waves.c leave open. */
#include "wave_rig.h"

/* E = 1/2 sum (du)^2 / C^2 + 1/2 sum over open faces of the product of both times' differences. */
static double energy(struct rig *rig)
{
    double sum = 0;
    for (size_t y = 0; y < rig->ny; y++)
        for (size_t x = 0; x < rig->nx; x++) {
            if (!rig_open(rig, x, y)) continue;
            double u1 = (double)*rig_now(rig, x, y), u0 = (double)*rig_before(rig, x, y);
            sum += 0.5 * (u1 - u0) * (u1 - u0) / (double)(float)rig->courant2[y * rig->nx + x];
            if (rig_open(rig, x + 1, y))
                sum += 0.5 * ((double)*rig_now(rig, x + 1, y) - u1) *
                       ((double)*rig_before(rig, x + 1, y) - u0);
            if (rig_open(rig, x, y + 1))
                sum += 0.5 * ((double)*rig_now(rig, x, y + 1) - u1) *
                       ((double)*rig_before(rig, x, y + 1) - u0);
        }
    return sum;
}

/* Damping only ever takes energy. */
START_TEST(test_damping_takes_energy)
{
    struct rig rig = rig_make(40, 30, 0.65);
    rig.membranes[0] = (struct et__wave_membrane){.beta = 0.3, .inverse_saturation2 = 1};
    for (size_t i = 0; i < rig.nx * rig.ny; i++) {
        if (i % rig.nx == 0) rig.beta[i] = 0.2;
        if (i % rig.nx > 30) rig.membrane[i] = 1;
    }
    rig_start(&rig, 1);
    for (size_t y = 0; y < rig.ny; y++)
        for (size_t x = 0; x < rig.nx; x++)
            *rig_now(&rig, x, y) = *rig_before(&rig, x, y) = rig_random(y * rig.nx + x);
    double last = energy(&rig);
    for (size_t i = 0; i < 300; i++) {
        rig_steps(&rig, 1);
        double e = energy(&rig);
        ck_assert_msg(e <= last * (1 + 1e-6), "energy grew from %.9g to %.9g", last, e);
        last = e;
    }
    rig_end(&rig);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wave physics");
    TCase *tests = tcase_create("energy");
    tcase_add_test(tests, test_damping_takes_energy);
    suite_add_tcase(suite, tests);
    return suite_result(suite);
}
