/* SPDX-License-Identifier: Apache-2.0
 *
 * Every compiled variant of the wave kernel gives the reference's bits, in any number of lanes. */
#include "wave_rig.h"

enum { NX = 61, NY = 40, STEPS = 80 };

enum medium { UNIFORM, SPEED_MAP, OBSTACLES, MEMBRANES, N_MEDIA };

static struct rig make_medium(enum medium medium, size_t strip)
{
    struct rig rig = rig_make(NX, NY, 0.6);
    rig.membranes[0] =
        (struct et__wave_membrane){.beta = 0.3F, .stiffening = 0.3F, .inverse_saturation2 = 2.0F};
    for (size_t i = 0; i < (size_t)NX * NY; i++) {
        size_t x = i % NX, y = i / NX;
        size_t keep = strip > 0 ? strip + ET__WAVE_SIDES : 0; /* strips are open and linear */
        bool in_strip = x < keep || y < keep || x + keep >= NX || y + keep >= NY;
        bool edge = x == 0 || y == 0 || x == NX - 1 || y == NY - 1;
        if (in_strip) continue;
        if (medium == SPEED_MAP) rig.courant2[i] = 0.3F + 0.1F * rig_random(i);
        if (medium >= OBSTACLES && edge) rig.beta[i] = 0.06F;
        if (medium >= OBSTACLES && rig_random(i) > 0.96F) rig.courant2[i] = 0.0F;
        if (medium == MEMBRANES && x > 12 && x < 30 && y < 25 && rig.courant2[i] > 0.0F)
            rig.membrane[i] = 1;
    }
    for (size_t side = 0; side < ET__WAVE_SIDES; side++)
        rig.strip[side] = strip > 0 ? strip + side : 0;
    return rig;
}

/* Lane l holds the random field times 1 + l/4. */
static void excite(struct rig *rig)
{
    et__wave_field_clear(&rig->field);
    for (size_t y = 0; y < NY; y++)
        for (size_t x = 0; x < NX; x++)
            for (size_t lane = 0; lane < rig->lanes && rig_open(rig, x, y); lane++) {
                rig_now(rig, x, y)[lane] = rig_random(y * NX + x) * (1 + 0.25F * (float)lane);
                rig_before(rig, x, y)[lane] = rig_now(rig, x, y)[lane];
            }
}

static void advance(struct rig *rig, et__wave_step_fn *step)
{
    excite(rig);
    for (size_t i = 0; i < STEPS; i++)
        step(&rig->plan, &rig->field);
}

START_TEST(test_variants_match_reference)
{
    enum medium medium = (enum medium)(_i / 4);
    size_t strip = _i % 2 ? 6 : 0, lanes = _i / 2 % 2 ? ET__WAVE_LANES : 1;
    struct rig rig = make_medium(medium, strip);
    rig_start(&rig, lanes);
    advance(&rig, et__wave_step_reference);
    float *want = malloc(rig.field.size * sizeof *want);
    ck_assert(want);
    memcpy(want, rig.field.now, rig.field.size * sizeof *want);
    double energy = 0;
    for (size_t i = 0; i < rig.field.size; i++)
        energy += (double)want[i] * (double)want[i];
    ck_assert_msg(energy > 1e-3 && energy < 1e6, "energy %g", energy);

    const char *name;
    et__wave_step_fn *step;
    size_t n = 0;
    for (; (step = et__wave_step_variant(n, &name)) != NULL; n++) {
        advance(&rig, step);
        ck_assert_msg(memcmp(rig.field.now, want, rig.field.size * sizeof *want) == 0,
                      "variant %s differs from the reference", name);
    }
    ck_assert_uint_ge(n, 1);
    free(want);
    rig_end(&rig);
}
END_TEST

/* Lane l of a batched field is the single simulation with that lane's start. */
START_TEST(test_lanes_are_independent)
{
    struct rig lanes = make_medium(MEMBRANES, _i ? 6 : 0),
               single = make_medium(MEMBRANES, _i ? 6 : 0);
    rig_start(&lanes, ET__WAVE_LANES);
    rig_start(&single, 1);
    advance(&lanes, et__wave_step);
    for (size_t lane = 0; lane < ET__WAVE_LANES; lane++) {
        excite(&single);
        for (size_t y = 0; y < NY; y++)
            for (size_t x = 0; x < NX; x++) {
                *rig_now(&single, x, y) *= 1 + 0.25F * (float)lane;
                *rig_before(&single, x, y) *= 1 + 0.25F * (float)lane;
            }
        rig_steps(&single, STEPS);
        for (size_t y = 0; y < NY; y++)
            for (size_t x = 0; x < NX; x++)
                ck_assert_msg(*rig_now(&single, x, y) == rig_now(&lanes, x, y)[lane],
                              "lane %zu differs at (%zu, %zu)", lane, x, y);
    }
    rig_end(&lanes);
    rig_end(&single);
}
END_TEST

/* A linear wave may cross a medium of several kinds of spans; a field at rest stays at rest. */
START_TEST(test_rest_and_constant_stay)
{
    struct rig rig = make_medium(OBSTACLES, 0);
    rig_start(&rig, 1);
    rig_steps(&rig, 50);
    for (size_t i = 0; i < rig.field.size; i++)
        ck_assert(rig.field.now[i] == 0.0F);
    for (size_t y = 0; y < NY; y++)
        for (size_t x = 0; x < NX; x++)
            if (rig_open(&rig, x, y)) *rig_now(&rig, x, y) = *rig_before(&rig, x, y) = 0.7F;
    rig_steps(&rig, 500);
    for (size_t y = 0; y < NY; y++)
        for (size_t x = 0; x < NX; x++)
            ck_assert(*rig_now(&rig, x, y) == (rig_open(&rig, x, y) ? 0.7F : 0.0F));
    rig_end(&rig);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wave kernel");
    TCase *tests = tcase_create("bits");
    tcase_add_loop_test(tests, test_variants_match_reference, 0, 4 * N_MEDIA);
    tcase_add_loop_test(tests, test_lanes_are_independent, 0, 2);
    tcase_add_test(tests, test_rest_and_constant_stay);
    suite_add_tcase(suite, tests);
    return suite_result(suite);
}
