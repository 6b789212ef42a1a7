/* SPDX-License-Identifier: Apache-2.0
 *
 * System bnn-layer: y = sign(knobs) x on levels, the same from every device.  What every system
 * must do is in the contract test. */
#include <etalon/array.h>
#include <etalon/rng.h>
#include <etalon/system.h>

#include "drivers/bnn_devices.h"

#include <stdio.h>

enum { N_IN = 37, N_OUT = 11, ROWS = 9, SEED = 4 };

static struct et_system *open_layer(const char *device, unsigned bits, const char *encoding)
{
    char yaml[256];
    struct et_system *system;
    snprintf(yaml, sizeof yaml,
             "{type: bnn-layer, n_in: %d, n_out: %d, in_bits: %u, encoding: %s, device: '%s'}",
             N_IN, N_OUT, bits, encoding, device);
    assert_ok(et_system_open_text(yaml, SEED, &system));
    return system;
}

static void forward(struct et_system *system, const float *x, float *y, size_t rows)
{
    struct et_step step = {.seed = 1};
    float *from = (float *)(uintptr_t)x;
    assert_ok(
        et_system_forward(system, &step, et_view_of(from, rows, N_IN), et_view_of(y, rows, N_OUT)));
}

/* The level of an input, found by looking at all of them. */
static int level_of(double x, int top, bool bipolar)
{
    int best = 0;
    double nearest = 1e9;
    for (int v = bipolar ? -top : 0; v <= top; v += bipolar ? 2 : 1)
        if (fabs(x - v) <= nearest) { /* ties go up */
            nearest = fabs(x - v);
            best = v;
        }
    return best;
}

static void want(const float *knob, const float *x, int top, bool bipolar, float *y)
{
    for (size_t r = 0; r < ROWS; r++)
        for (size_t o = 0; o < N_OUT; o++) {
            int sum = 0;
            for (size_t c = 0; c < N_IN; c++) {
                int level = level_of((double)x[r * N_IN + c], top, bipolar);
                sum += knob[o * N_IN + c] >= 0 ? level : -level;
            }
            y[r * N_OUT + o] = (float)sum;
        }
}

static void draw_inputs(const struct et_system_info *info, uint32_t step, float *x)
{
    et_rng_fill_uniform(SEED, ET_STREAM_DATA, step, 0, info->in_min, info->in_max, x, ROWS * N_IN);
    /* Ends and ties. */
    x[0] = info->in_min;
    x[1] = info->in_max;
    x[2] = 0;
    x[3] = -0.0F;
    x[4] = info->in_min < 0 ? -0.5F : 0.5F;
    if (info->in_max >= 3) x[5] = 2;
}

START_TEST(every_device_gives_the_same_numbers)
{
    static float x[ROWS * N_IN], knob[N_OUT * N_IN], y[ROWS * N_OUT], right[ROWS * N_OUT];
    for (unsigned bits = 1; bits <= 4; bits++)
        for (int encoding = 0; encoding < 2; encoding++) {
            bool bipolar = encoding == 0;
            int top = (1 << bits) - 1;
            struct et_system *system =
                open_layer(device_uri(_i), bits, bipolar ? "bipolar" : "unsigned");
            const struct et_system_info *info = et_system_info(system);
            ck_assert(info->in_max == (float)top);
            ck_assert(info->in_min == (bipolar ? (float)-top : 0));
            assert_ok(et_system_get_knobs(system, knob, N_OUT * N_IN));
            for (uint32_t turn = 0; turn < 3; turn++) {
                draw_inputs(info, turn, x);
                want(knob, x, top, bipolar, right);
                forward(system, x, y, ROWS);
                ck_assert_mem_eq(y, right, sizeof y);
                et_rng_fill_uniform(SEED, ET_STREAM_USER, turn, 0, -1, 1, knob, N_OUT * N_IN);
                knob[turn] = -0.0F; /* sign(0) = +1 */
                assert_ok(et_system_set_knobs(system, knob, N_OUT * N_IN));
            }
            et_system_close(system);
        }
}
END_TEST

START_TEST(batches_of_any_size)
{
    enum { MANY = 300 };
    static float x[MANY * N_IN], y[MANY * N_OUT], one[N_OUT];
    struct et_system *system = open_layer(device_uri(_i), 1, "bipolar");
    et_rng_fill_uniform(SEED, ET_STREAM_DATA, 0, 0, -1, 1, x, MANY * N_IN);
    forward(system, x, one, 1);
    forward(system, x, y, MANY);
    ck_assert_mem_eq(one, y, sizeof one);
    forward(system, x + (MANY - 1) * N_IN, one, 1);
    ck_assert_mem_eq(one, y + (MANY - 1) * N_OUT, sizeof one);
    et_system_close(system);
}
END_TEST

/* Packing weights takes memory, so a failing allocation tells whether it happened. */
START_TEST(knobs_of_equal_sign_move_nothing)
{
    static float x[ROWS * N_IN], y[ROWS * N_OUT], z[ROWS * N_OUT], knob[N_OUT * N_IN];
    struct et_system *system = open_layer("software", 1, "bipolar");
    draw_inputs(et_system_info(system), 0, x);
    forward(system, x, y, ROWS);
    assert_ok(et_system_get_knobs(system, knob, N_OUT * N_IN));
    for (size_t i = 0; i < N_OUT * N_IN; i++)
        knob[i] *= 0.5F;
    et_alloc_fail_at(1);
    assert_ok(et_system_set_knobs(system, knob, N_OUT * N_IN));
    knob[5] = -knob[5];
    assert_status(et_system_set_knobs(system, knob, N_OUT * N_IN), ET_NOMEM);
    /* The next call with the same knobs has something to make up for. */
    assert_ok(et_system_set_knobs(system, knob, N_OUT * N_IN));
    want(knob, x, 1, true, y);
    forward(system, x, z, ROWS);
    ck_assert_mem_eq(y, z, sizeof y);
    et_system_close(system);
}
END_TEST

/* 1024 x 1024 on 32 x 32 lanes: 1024 steps a vector, little more in a batch; twice the clock halves
 * the time and leaves the energy. */
START_TEST(the_cost_is_that_of_the_model)
{
    static const char *const clock[] = {"1e8", "2e8"};
    double latency[2], energy[2];
    for (int i = 0; i < 2; i++) {
        char yaml[128];
        struct et_system *system;
        snprintf(yaml, sizeof yaml, "{type: bnn-layer, n_in: 1024, n_out: 1024, clock_Hz: %s}",
                 clock[i]);
        assert_ok(et_system_open_text(yaml, SEED, &system));
        latency[i] = et_system_info(system)->latency_s;
        energy[i] = et_system_info(system)->energy_J;
        et_system_close(system);
    }
    ck_assert(latency[0] >= 1024e-8 && latency[0] < 1.1 * 1024e-8);
    assert_near(latency[1], latency[0] / 2, 1e-12);
    ck_assert(energy[0] > 0 && energy[0] == energy[1]);
}
END_TEST

/* A device that counts its cycles says itself how long it worked; of the others the model does. */
START_TEST(the_ledger_prefers_cycles_that_were_counted)
{
    static float x[ROWS * N_IN], y[ROWS * N_OUT];
    struct et_system *system = open_layer(device_uri(_i), 1, "bipolar");
    bool counts = strncmp(device_uri(_i), "verilator:", 10) == 0;
    draw_inputs(et_system_info(system), 0, x);
    for (int pass = 1; pass <= 2; pass++) {
        double before = et_system_ledger(system).device_s;
        forward(system, x, y, ROWS);
        double cycles = (et_system_ledger(system).device_s - before) * 1e8;
        double modelled = ROWS * et_system_info(system)->latency_s * 1e8;
        if (counts)
            ck_assert(cycles > 20 && fabs(cycles - round(cycles)) < 1e-3);
        else
            assert_near(cycles, modelled, 1e-9);
    }
    et_system_close(system);
}
END_TEST

START_TEST(a_device_that_is_not_there_is_an_error_of_open)
{
    struct et_system *system;
    assert_status(et_system_open_text("{type: bnn-layer, n_in: 4, n_out: 2, device: 'modle:'}",
                                      SEED, &system),
                  ET_CONFIG);
    assert_message("did you mean 'model:'?");
    assert_message("while opening system 'bnn-layer'");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bnn-layer");
    TCase *tests = tcase_create("layer");
    tcase_set_timeout(tests, 0);
    const int end = device_count();
    tcase_add_loop_test(tests, every_device_gives_the_same_numbers, 0, end);
    tcase_add_loop_test(tests, batches_of_any_size, 0, end);
    tcase_add_test(tests, knobs_of_equal_sign_move_nothing);
    tcase_add_test(tests, the_cost_is_that_of_the_model);
    tcase_add_loop_test(tests, the_ledger_prefers_cycles_that_were_counted, 0, end);
    tcase_add_test(tests, a_device_that_is_not_there_is_an_error_of_open);
    suite_add_tcase(suite, tests);
    return suite_result(suite);
}
