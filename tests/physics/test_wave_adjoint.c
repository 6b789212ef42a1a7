/* SPDX-License-Identifier: Apache-2.0
 *
 * The step back against its plain reference, lanes against single runs, and the derivative by the
 * map of gains against the plain sum.  That it is the transpose of the step is in the table of
 * physics. */
#include "sim/kernels/wave_adjoint.h"

#include "wave_rig.h"

enum { NX = 41, NY = 27, STEPS = 12 };

/* Everything a grid can have: speeds, rigid cells, a wall, membranes, strips on three sides. */
static struct rig make_rig(enum et__wave_precision precision, size_t lanes)
{
    struct rig rig = rig_make(NX, NY, 0.5);
    rig.precision = precision;
    for (size_t y = 0; y < NY; y++) {
        for (size_t x = 0; x < NX; x++) {
            bool inside = x >= 8 && x < NX - 5 && y >= 6;
            if (!inside) continue;
            size_t i = y * NX + x;
            rig.courant2[i] = 0.25 + 0.1 * (double)rig_random(i);
            if (y == NY - 1) rig.beta[i] = 0.1;
            if (rig_random(i + 5000) > 0.85) rig.courant2[i] = 0;
            if (x > 12 && x < 25 && y > 10 && y < 25 && rig.courant2[i] > 0) rig.membrane[i] = 1;
        }
    }
    rig.membranes[0] = (struct et__wave_membrane){0.05, 0.4, 2.0};
    rig.strip[ET__WAVE_LEFT] = 7;
    rig.strip[ET__WAVE_RIGHT] = 4;
    rig.strip[ET__WAVE_BOTTOM] = 5;
    rig_start(&rig, lanes);
    return rig;
}

static void fill(const struct rig *rig, void *map, size_t salt, size_t lane_of_one)
{
    for (size_t y = 0; y < NY; y++)
        for (size_t x = 0; x < NX; x++)
            for (size_t lane = 0; lane < rig->lanes; lane++)
                if (rig_open(rig, x, y))
                    et__wave_put(rig->precision, map, et__wave_at(&rig->field, x, y) + lane,
                                 (double)rig_random(salt + (y * NX + x) * 8 +
                                                    (rig->lanes == 1 ? lane_of_one : lane)));
}

struct backwards {
    struct et__wave_adjoint adjoint;
    void *u, *before;
};

static struct backwards start(const struct rig *rig, size_t lane_of_one)
{
    struct backwards b = {0};
    assert_ok(et__wave_adjoint_create(&b.adjoint, &rig->plan, &rig->field));
    b.u = calloc(rig->field.size, sizeof(double));
    b.before = calloc(rig->field.size, sizeof(double));
    ck_assert(b.u && b.before);
    fill(rig, b.u, 1, lane_of_one);
    fill(rig, b.before, 100000, lane_of_one);
    fill(rig, b.adjoint.next, 200000, lane_of_one);
    fill(rig, b.adjoint.now, 300000, lane_of_one);
    return b;
}

static void end(struct backwards *b)
{
    et__wave_adjoint_destroy(&b->adjoint);
    free(b->u);
    free(b->before);
}

static void compare_arrays(enum et__wave_precision precision, const void *a, const void *b,
                           size_t n)
{
    double tolerance = precision == ET__WAVE_SINGLE ? 2e-5 : 1e-13;
    for (size_t i = 0; i < n; i++) {
        double got = et__wave_get(precision, a, i), want = et__wave_get(precision, b, i);
        assert_near(got, want, tolerance * (1 + fabs(want)));
    }
}

static void compare(const struct backwards *a, const struct backwards *b)
{
    const struct et__wave_adjoint *x = &a->adjoint, *y = &b->adjoint;
    compare_arrays(x->precision, x->next, y->next, x->size);
    compare_arrays(x->precision, x->now, y->now, x->size);
    compare_arrays(x->precision, x->phi_x, y->phi_x, x->n_phi_x);
    compare_arrays(x->precision, x->phi_y, y->phi_y, x->n_phi_y);
}

/* Loop index: single and double precision, one and all lanes. */
static struct rig rig_of(int i)
{
    return make_rig(i & 1 ? ET__WAVE_DOUBLE : ET__WAVE_SINGLE, i & 2 ? ET__WAVE_LANES : 1);
}

START_TEST(test_equals_the_reference)
{
    struct rig rig = rig_of(_i);
    struct backwards fast = start(&rig, 0), plain = start(&rig, 0);
    for (size_t step = 0; step < STEPS; step++) {
        et__wave_adjoint_step(&rig.plan, &fast.adjoint, fast.u, fast.before);
        et__wave_adjoint_step_reference(&rig.plan, &plain.adjoint, plain.u, plain.before);
    }
    compare(&fast, &plain);
    double most = 0;
    for (size_t i = 0; i < fast.adjoint.n_phi_x; i++)
        most = fmax(most, fabs(et__wave_get(rig.precision, fast.adjoint.phi_x, i)));
    ck_assert_msg(most > 0.01, "nothing came through the layer");
    end(&fast);
    end(&plain);
    rig_end(&rig);
}
END_TEST

START_TEST(test_lanes_do_not_mix)
{
    struct rig eight = rig_of(2 + _i), one = rig_of(_i);
    struct backwards all = start(&eight, 0);
    for (size_t step = 0; step < STEPS; step++)
        et__wave_adjoint_step(&eight.plan, &all.adjoint, all.u, all.before);
    for (size_t lane = 0; lane < ET__WAVE_LANES; lane += 5) {
        struct backwards own = start(&one, lane);
        for (size_t step = 0; step < STEPS; step++)
            et__wave_adjoint_step(&one.plan, &own.adjoint, own.u, own.before);
        for (size_t y = 0; y < NY; y++)
            for (size_t x = 0; x < NX; x++)
                ck_assert(
                    et__wave_get(one.precision, all.adjoint.next,
                                 et__wave_at(&eight.field, x, y) + lane) ==
                    et__wave_get(one.precision, own.adjoint.next, et__wave_at(&one.field, x, y)));
        end(&own);
    }
    end(&all);
    rig_end(&eight);
    rig_end(&one);
}
END_TEST

/* Central difference of next * U[t+1] in the gain of one cell, by stepping the kernel. */
static double gain_slope(struct rig *rig, const struct backwards *b, size_t x, size_t y)
{
    const double h = 1e-4;
    double sum[2], *gain = (double *)rig->plan.gain + et__wave_map_at(&rig->plan, x, y);
    double kept = *gain;
    size_t at = et__wave_at(&rig->field, x, y);
    for (int side = 0; side < 2; side++) {
        *gain = kept + (side ? h : -h);
        memcpy(rig->field.now, b->u, rig->field.size * sizeof(double));
        memcpy(rig->field.previous, b->before, rig->field.size * sizeof(double));
        et__wave_step(&rig->plan, &rig->field);
        sum[side] = ((const double *)b->adjoint.next)[at] * ((const double *)rig->field.now)[at];
    }
    *gain = kept;
    return (sum[1] - sum[0]) / (2 * h);
}

START_TEST(test_gain_is_a_difference_quotient)
{
    enum { X = 9, Y = 8, W = 20, H = 15 };
    struct rig rig = rig_of(1);
    struct backwards b = start(&rig, 0);
    double dgain[W * H] = {0};
    et__wave_adjoint_gain(&rig.plan, &b.adjoint, b.u, X, Y, W, H, dgain);
    size_t membranes = 0;
    for (size_t i = 0; i < W * H; i++) {
        size_t x = X + i % W, y = Y + i / W;
        if (!rig_open(&rig, x, y)) {
            ck_assert(dgain[i] == 0);
            continue;
        }
        membranes += rig.membrane[y * NX + x];
        assert_near(dgain[i], gain_slope(&rig, &b, x, y), 1e-10);
    }
    ck_assert_uint_gt(membranes, 50);
    end(&b);
    rig_end(&rig);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wave adjoint");
    TCase *tcase = tcase_create("wave adjoint");
    tcase_add_loop_test(tcase, test_equals_the_reference, 0, 4);
    tcase_add_loop_test(tcase, test_lanes_do_not_mix, 0, 2);
    tcase_add_test(tcase, test_gain_is_a_difference_quotient);
    suite_add_tcase(suite, tcase);
    return suite_result(suite);
}
