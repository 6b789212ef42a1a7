/* SPDX-License-Identifier: Apache-2.0
 *
 * A system for tests of wrappers: y = gain x on n channels, inputs in [-1, 1], known latency and
 * energy, a field of one number to look at, and a failure on demand (any input equal to `poison`).
 * Shorthands to open, run and expect. */
#ifndef ETALON_TESTS_UNIT_GAUGE_H
#define ETALON_TESTS_UNIT_GAUGE_H

#include <etalon/log.h>
#include <etalon/system.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "close.h"

struct gauge {
    size_t n;
    float gain, poison;
    struct et_observer observer;
};

static const struct et_param gauge_params[] = {
    {.name = "n", .kind = ET_PARAM_INT, .initial = "2", .min = 1, .max = 100, .doc = "Channels."},
    {.name = "gain", .kind = ET_PARAM_REAL, .initial = "1", .doc = "Gain."},
    {.name = "poison", .kind = ET_PARAM_REAL, .initial = "99", .doc = "Input that fails."},
    {0},
};

static enum et_status gauge_open(void *state, const struct et_config *config, uint64_t seed)
{
    (void)seed;
    struct gauge *s = state;
    s->n = (size_t)et_config_int(config, "n");
    s->gain = (float)et_config_real(config, "gain");
    s->poison = (float)et_config_real(config, "poison");
    return ET_OK;
}

static void gauge_describe(const void *state, struct et_system_info *info)
{
    const struct gauge *s = state;
    info->n_in = info->n_out = s->n;
    info->in_min = -1;
    info->in_max = 1;
    info->in_unit = "V";
    info->out_unit = "A";
    info->latency_s = 1e-3;
    info->energy_J = 2e-6;
}

static enum et_status gauge_forward(void *state, const struct et_step *step, struct et_view x,
                                    struct et_view y)
{
    (void)step;
    struct gauge *s = state;
    for (size_t i = 0; i < x.rows * x.cols; i++) {
        if (x.data[i] == s->poison) return et_error_set(ET_DEVICE, "poisoned");
        y.data[i] = s->gain * x.data[i];
    }
    if (s->observer.frame)
        s->observer.frame(s->observer.user, 0, 0, et_view_of(x.data, 1, 1), 1, "V");
    return ET_OK;
}

static void gauge_observe(void *state, const struct et_observer *observer)
{
    struct gauge *s = state;
    s->observer = observer ? *observer : (struct et_observer){0};
}

static const struct et_system_type gauge_type = {
    .name = "gauge",
    .summary = "Test instrument.",
    .state_size = sizeof(struct gauge),
    .params = gauge_params,
    .open = gauge_open,
    .describe = gauge_describe,
    .forward = gauge_forward,
    .observe = gauge_observe,
};

/* Opens with seed 1. */
static inline struct et_system *open_text(const char *yaml)
{
    struct et_system *system;
    assert_ok(et_system_open_text(yaml, 1, &system));
    return system;
}

static inline void assert_refused(const char *yaml, enum et_status want, const char *message)
{
    struct et_system *system;
    assert_status(et_system_open_text(yaml, 1, &system), want);
    ck_assert_ptr_null(system);
    assert_message(message);
}

/* One batch at pass `index` of run `seed`; sizes by the system. */
static inline enum et_status pass(struct et_system *system, uint64_t seed, uint32_t index, float *x,
                                  size_t batch, float *y)
{
    const struct et_system_info *info = et_system_info(system);
    struct et_step step = {.seed = seed, .index = index};
    return et_system_forward(system, &step, et_view_of(x, batch, info->n_in),
                             et_view_of(y, batch, info->n_out));
}

/* The log of a test. */
static char logged[4096];

static inline void keep_log(enum et_log_level level, const char *line, void *user)
{
    (void)level;
    (void)user;
    size_t length = strlen(logged);
    snprintf(logged + length, sizeof logged - length, "%s\n", line);
}

static inline int run_suite(const char *name, const TTest *const *tests, size_t n)
{
    if (et_system_register(&gauge_type) != ET_OK) return EXIT_FAILURE;
    et_log_set_sink(keep_log, NULL);
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);
    tcase_set_timeout(tcase, 0);
    for (size_t i = 0; i < n; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return suite_result(suite);
}

#endif
