/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the configuration share: tables with every kind of parameter, a family of
 * systems, and one text that gives every value. */
#ifndef ETALON_TESTS_CONFIG_TABLES_H
#define ETALON_TESTS_CONFIG_TABLES_H

#include <etalon/array.h>
#include <etalon/config.h>

#include <check.h>
#include <string.h>

static const char full_text[] = "on: false\n"
                                "count: 9007199254740992\n"
                                "gain: -.5e0\n"
                                "name: \"q: \\\"x\\\" \\n\\u2028é\"\n"
                                "mode: off\n"
                                "taps: [0, 1., 1e-300]\n"
                                "tags: [5, '', null text, \"null\", \"- a\", a  b]\n"
                                "scan: {points: +7}\n"
                                "layers:\n"
                                "- system: zeros\n"
                                "- units: 3\n"
                                "  system:\n"
                                "    drive: 0.25\n"
                                "    type: acoustic\n"
                                "    n_in: 4\n"
                                "system: {type: wrap, inner: {type: wrap, inner: zeros}}\n"
                                "chain: [zeros, {type: zeros}]\n";

static const struct et_param acoustic_params[] = {
    {.name = "n_in", .kind = ET_PARAM_INT, .min = 1, .max = 64, .doc = "Inputs."},
    {.name = "drive",
     .kind = ET_PARAM_REAL,
     .initial = "0.5",
     .max = 1,
     .doc = "How hard the source pushes."},
    {.name = "bias", .kind = ET_PARAM_REAL, .initial = "0", .max = 1, .unit = "V", .doc = "Bias."},
    {0},
};

static const struct et_param wrap_params[] = {
    {.name = "inner", .kind = ET_PARAM_TYPE, .choices = "system", .doc = "What is inside."},
    {0},
};

static const struct et_type_entry systems[] = {
    {.name = "wrap", .summary = "A system around another.", .params = wrap_params},
    {.name = "acoustic", .summary = "Waves.", .params = acoustic_params},
    {.name = "zeros", .summary = "Nothing."},
    {.name = "duffing", .summary = "Springs.", .absent = "built without SUNDIALS"},
};

static inline const struct et_type_entry *types(const char *family, size_t i)
{
    size_t n = sizeof systems / sizeof *systems;
    return strcmp(family, "system") == 0 && i < n ? &systems[i] : NULL;
}

static const struct et_param scan_params[] = {
    {.name = "points", .kind = ET_PARAM_INT, .initial = "5", .doc = "How many."},
    {.name = "label", .kind = ET_PARAM_STRING, .initial = "none", .doc = "Shown in plots."},
    {0},
};

static const struct et_param layer_params[] = {
    {.name = "system", .kind = ET_PARAM_TYPE, .choices = "system", .doc = "The physics."},
    {.name = "units", .kind = ET_PARAM_INT, .initial = "10", .min = 1, .max = 100, .doc = "Width."},
    {0},
};

/* Every kind, all optional. */
static const struct et_param params[] = {
    {.name = "on", .kind = ET_PARAM_BOOL, .initial = "true", .doc = "A switch."},
    {.name = "count", .kind = ET_PARAM_INT, .initial = "-3", .doc = "Any integer."},
    {.name = "gain",
     .kind = ET_PARAM_REAL,
     .initial = "1e-3",
     .min = -2,
     .max = 2,
     .unit = "V/V",
     .doc = "Amplification."},
    {.name = "name", .kind = ET_PARAM_STRING, .initial = "", .doc = "Title."},
    {.name = "mode",
     .kind = ET_PARAM_CHOICE,
     .initial = "slow",
     .choices = "fast|slow|off",
     .doc = "Speed."},
    {.name = "taps",
     .kind = ET_PARAM_REALS,
     .initial = "[1, 0.1]",
     .max = 1,
     .unit = "V",
     .min_count = 2,
     .max_count = 3,
     .doc = "Filter."},
    {.name = "tags", .kind = ET_PARAM_STRINGS, .initial = "[a, 'b c']", .doc = "Words."},
    {.name = "pair", .kind = ET_PARAM_REALS, .initial = "[0, 0]", .min_count = 2, .max_count = 2},
    {.name = "some", .kind = ET_PARAM_STRINGS, .initial = "[x]", .min_count = 1},
    {.name = "scan",
     .kind = ET_PARAM_RECORD,
     .initial = "{}",
     .fields = scan_params,
     .doc = "A sweep."},
    {.name = "layers",
     .kind = ET_PARAM_RECORDS,
     .initial = "[]",
     .fields = layer_params,
     .doc = "The network."},
    {.name = "system", .kind = ET_PARAM_TYPE, .initial = "", .choices = "system", .doc = "One."},
    {.name = "chain", .kind = ET_PARAM_TYPES, .initial = "[]", .choices = "system", .doc = "Many."},
    {0},
};

static inline enum et_status parse(const char *text, const char *override,
                                   struct et_config **config)
{
    return et_config_parse("exp.yaml", text, &override, override ? 1 : 0, params, types, config);
}

static inline struct et_config *parsed(const char *text, const char *override)
{
    struct et_config *config;
    enum et_status status = parse(text, override, &config);
    ck_assert_msg(status == ET_OK, "%s", et_error_message());
    return config;
}

/* The message of a text that must be refused. */
static inline const char *refused(const char *text, const char *override)
{
    struct et_config *config = (void *)systems;
    et_error_clear();
    enum et_status status = parse(text, override, &config);
    ck_assert_msg(status == ET_CONFIG, "status %s for: %s", et_status_text(status), text);
    ck_assert_ptr_null(config);
    return et_error_message();
}

#endif
