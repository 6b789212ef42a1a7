/* SPDX-License-Identifier: Apache-2.0
 *
 * The system around the sparse network kernel: what inputs do, what outputs are, what it refuses.
 */
#include "sim/balanced/balanced.h"

#include <etalon/parallel.h>
#include <etalon/system.h>

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "close.h"

enum { DEVICE = 11, OUT_MAX = 64 };

static struct et_system *open_network(const char *rest)
{
    char yaml[512];
    struct et_system *system;
    snprintf(yaml, sizeof yaml, "{type: balanced-network, %s}", rest);
    assert_ok(et_system_open_text(yaml, DEVICE, &system));
    ck_assert_uint_le(et_system_info(system)->n_out, OUT_MAX);
    return system;
}

static void pass(struct et_system *system, uint32_t index, const float *x, size_t rows, float *y)
{
    const struct et_system_info *info = et_system_info(system);
    float copy[OUT_MAX * 4];
    struct et_step step = {.seed = 3, .index = index};
    memcpy(copy, x, rows * info->n_in * sizeof *x);
    assert_ok(et_system_forward(system, &step, et_view_of(copy, rows, info->n_in),
                                et_view_of(y, rows, info->n_out)));
}

/* A neuron without partners under a current that ends above threshold is a clock: its interval is
 * refractory + tau_m ln((I - U_reset) / (I - U_threshold)), rounded up to a step. */
START_TEST(free_neurons_keep_time)
{
    static const char *const models[] = {
        "model: coba, coba: {kick: 0}, tau_exc: 1e-6, tau_inh: 1e-6",
        "model: cuba, cuba: {rest: -0.06}"};
    static const float x[2] = {1, 0.3F};
    float y[2 * 5];
    char text[256];
    snprintf(text, sizeof text,
             "%s, n: 5, connectivity: 0, n_in: 1, input_share: 1, current: 0.02, n_out: 5, "
             "settle: 0.1, duration: 2.1, precision: double",
             models[_i]);
    struct et_system *system = open_network(text);
    pass(system, 0, x, 2, y);
    double interval = 5e-3 + ceil(20e-3 * log(20. / 10) / 1e-4) * 1e-4;
    for (size_t k = 0; k < 5; k++) {
        /* The first and the last interval are cut by the window of 2 s. */
        assert_near((double)y[k], 1 / interval, 0.5 + 1e-3);
        ck_assert(y[5 + k] == 0); /* 6 mV do not reach the threshold at 10 mV */
    }
    et_system_close(system);
}
END_TEST

/* Half of the groups by number, rates as the mean over neurons: all groups together are the mean of
 * the groups weighed by their sizes, whatever the number of groups. */
START_TEST(outputs_are_rates_of_groups)
{
    enum { N = 62 };
    static const float x[2] = {1, 1};
    float single[N], seven[7];
    struct et_system *system = open_network(
        "n: 62, connectivity: 0.1, n_in: 2, input_share: 0.5, current: 0.02, n_out: 62");
    pass(system, 0, x, 1, single);
    et_system_close(system);
    system = open_network(
        "n: 62, connectivity: 0.1, n_in: 2, input_share: 0.5, current: 0.02, n_out: 7");
    pass(system, 0, x, 1, seven);
    et_system_close(system);
    for (size_t k = 0; k < 7; k++) {
        double sum = 0, members = 0;
        for (size_t i = k; i < N; i += 7, members++)
            sum += (double)single[i];
        assert_near((double)seven[k], sum / members, 1e-5 * (1 + sum));
        ck_assert(sum > 0);
    }
}
END_TEST

/* Spikes before `settle` do not count: a window in two parts. */
START_TEST(settling_is_not_counted)
{
    static const float x[1] = {1};
    float whole[4], early[4], late[4];
#define CLOCK                                                                                      \
    "n: 40, connectivity: 0.1, n_in: 1, input_share: 1, current: 0.02, n_out: 4, dt: 1e-4, "
    struct et_system *system = open_network(CLOCK "duration: 0.2");
    pass(system, 0, x, 1, whole);
    et_system_close(system);
    system = open_network(CLOCK "duration: 0.05");
    pass(system, 0, x, 1, early);
    et_system_close(system);
    system = open_network(CLOCK "duration: 0.2, settle: 0.05");
    pass(system, 0, x, 1, late);
    et_system_close(system);
    for (size_t k = 0; k < 4; k++) {
        assert_near(0.2 * (double)whole[k], 0.05 * (double)early[k] + 0.15 * (double)late[k], 1e-4);
        ck_assert(early[k] > 0 && late[k] > 0);
    }
}
END_TEST

/* A train makes an event of each step with probability 1 - exp(-rate dt).  Neurons that spike at
 * each event (no rest, weight above threshold, synapse gone after the step) count them. */
START_TEST(trains_have_their_rate)
{
    enum { ROWS = 4 };
    static const float x[ROWS * 2] = {0, 1, 0.25F, 0.5F, 1, 0, 1, 1};
    float y[ROWS * 2], again[ROWS * 2], other[ROWS * 2];
    struct et_system *system = open_network(
        "model: cuba, cuba: {rest: -0.06, excitation: 0.9}, tau_exc: 1e-6, refractory: 0, n: 2, "
        "connectivity: 0, n_in: 2, n_out: 2, input_share: 1, input: poisson, rate: 3000, "
        "input_weight: 1000, duration: 4");
    ck_assert_uint_eq(et_system_info(system)->traits, ET_NOISY);
    ck_assert(et_system_info(system)->in_min == 0);
    pass(system, 0, x, ROWS, y);
    pass(system, 0, x, ROWS, again);
    pass(system, 1, x, ROWS, other);
    ck_assert(memcmp(y, again, sizeof y) == 0);
    for (size_t r = 0; r < ROWS; r++) {
        double p = 1 - exp(-3000 * ((double)x[2 * r] + (double)x[2 * r + 1]) * 1e-4);
        double sd = sqrt(40000 * p * (1 - p)) / 4;
        assert_near((double)y[2 * r], p / 1e-4, 4 * sd);
        assert_near((double)other[2 * r], p / 1e-4, 4 * sd);
        ck_assert(y[2 * r] == y[2 * r + 1] && y[2 * r] != other[2 * r]);
    }
    ck_assert(y[0] != y[4]); /* rows have trains of their own */
    et_system_close(system);
}
END_TEST

/* A sample alone runs in parallel over tiles, several samples in parallel over themselves. */
START_TEST(alone_or_in_a_batch_on_any_threads)
{
    static const float x[3 * 2] = {0.5F, -0.2F, 0.1F, 1, -1, 0.3F};
    float want[3 * 20], got[3 * 20];
    for (size_t threads = 1; threads <= 3; threads++) {
        et_parallel_set_threads(threads);
        struct et_system *system =
            open_network("n: 17000, connectivity: 1e-3, n_in: 2, duration: 0.02, current: 0.02");
        pass(system, 0, x, 3, got);
        if (threads == 1) memcpy(want, got, sizeof want);
        ck_assert(memcmp(want, got, sizeof want) == 0);
        for (size_t r = 0; r < 3; r++) {
            pass(system, 0, x + 2 * r, 1, got);
            ck_assert(memcmp(want + 20 * r, got, 20 * sizeof *got) == 0);
        }
        et_system_close(system);
    }
    et_parallel_set_threads(2);
}
END_TEST

START_TEST(describes_itself)
{
    struct et_system *system = open_network("n: 10, n_in: 3, n_out: 5, duration: 0.25, dt: 1e-3");
    const struct et_system_info *info = et_system_info(system);
    ck_assert_uint_eq(info->n_in, 3);
    ck_assert_uint_eq(info->n_out, 5);
    ck_assert_uint_eq(info->traits, 0);
    ck_assert_str_eq(info->out_unit, "Hz");
    ck_assert(info->in_min == -1 && info->in_max == 1);
    assert_near(info->latency_s, 0.25, 1e-12);
    ck_assert(isnan(info->energy_J));
    et_system_close(system);
}
END_TEST

static const struct {
    const char *yaml, *message;
} refused[] = {
    {"n: 1", "n = 1 is outside [2, 1048576]"},
    {"n: 10, n_out: 11", "n_out = 11 is more than n = 10 neurons"},
    {"n: 100000, connectivity: 0.5", "make about 5e+09 synapses, at most 4e+08 are possible"},
    {"connectivity: 1.5", "connectivity = 1.5 is outside [0, 1]"},
    {"connectivity: .nan", "connectivity"},
    {"threshold: -0.06", "reset = -0.06 V is not below threshold = -0.06 V"},
    {"dt: 1e-7, duration: 100",
     "dt = 1e-07 s makes 1e+09 steps of duration = 100 s, at most 1e+08"},
    {"settle: 0.1", "settle = 0.1 s leaves nothing to count of duration = 0.1 s"},
    {"dt: 1e-6, refractory: 5", "refractory = 5 s are more than 1e+06 steps of dt = 1e-06 s"},
    {"cuba: {rest: -0.05}", "the model is coba, which has nothing of cuba"},
    {"model: cuba, coba: {kick: 2}", "the model is cuba, which has nothing of coba"},
    {"model: cuba, cuba: {inhibition: 1e-3}", "inhibition = 1e-3 V is outside [-1, 0] V"},
    {"coba: {inhibition: -1}", "inhibition = -1 of the leak is outside [0,"},
    {"delay: 0", "delay = 0 steps is outside [1, 1000] steps"},
    {"tau_m: 0", "tau_m = 0 s is outside"},
    {"model: izhikevich", "izhikevich"},
};

START_TEST(refuses_with_value_and_limit)
{
    char yaml[256];
    struct et_system *system = NULL;
    snprintf(yaml, sizeof yaml, "{type: balanced-network, %s}", refused[_i].yaml);
    assert_status(et_system_open_text(yaml, DEVICE, &system), ET_CONFIG);
    assert_message(refused[_i].message);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("balanced");
    TCase *system = tcase_create("system");
    tcase_add_loop_test(system, free_neurons_keep_time, 0, 2);
    tcase_add_test(system, outputs_are_rates_of_groups);
    tcase_add_test(system, settling_is_not_counted);
    tcase_add_test(system, trains_have_their_rate);
    tcase_add_test(system, alone_or_in_a_batch_on_any_threads);
    tcase_add_test(system, describes_itself);
    tcase_add_loop_test(system, refuses_with_value_and_limit, 0, sizeof refused / sizeof *refused);
    suite_add_tcase(suite, system);
    return suite_result(suite);
}
