/* SPDX-License-Identifier: Apache-2.0
 *
 * Feeds bytes to the configuration reader: a document and, after each byte 0x1F, an override.
 * What is accepted must resolve to a text that is accepted and resolves to itself. */
#include <etalon/array.h>
#include <etalon/config.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct et_param leaf_params[] = {
    {.name = "drive", .kind = ET_PARAM_REAL, .initial = "0.5", .max = 1, .unit = "V"},
    {.name = "taps", .kind = ET_PARAM_REALS, .initial = "[1, 2]", .min_count = 1, .max_count = 4},
    {0},
};

static const struct et_param wrap_params[] = {
    {.name = "inner", .kind = ET_PARAM_TYPE, .choices = "system"},
    {.name = "others", .kind = ET_PARAM_TYPES, .initial = "[]", .choices = "system"},
    {0},
};

static const struct et_type_entry entries[] = {
    {.name = "leaf", .summary = "", .params = leaf_params},
    {.name = "wrap", .summary = "", .params = wrap_params},
    {.name = "zeros", .summary = ""},
    {.name = "gone", .summary = "", .absent = "built without it"},
};

static const struct et_type_entry *types(const char *family, size_t i)
{
    (void)family;
    return i < sizeof entries / sizeof *entries ? &entries[i] : NULL;
}

static const struct et_param record_params[] = {
    {.name = "s", .kind = ET_PARAM_STRING, .initial = "\"a: b\""},
    {.name = "t", .kind = ET_PARAM_STRINGS, .initial = "[x, 'y z']"},
    {.name = "i", .kind = ET_PARAM_INT, .initial = "3"},
    {0},
};

static const struct et_param params[] = {
    {.name = "b", .kind = ET_PARAM_BOOL, .initial = "true"},
    {.name = "i", .kind = ET_PARAM_INT, .initial = "-7"},
    {.name = "r", .kind = ET_PARAM_REAL, .initial = "0.1", .min = -1e300, .max = 1e300},
    {.name = "s", .kind = ET_PARAM_STRING, .initial = ""},
    {.name = "c", .kind = ET_PARAM_CHOICE, .initial = "one", .choices = "one|two|true"},
    {.name = "rs", .kind = ET_PARAM_REALS, .initial = "[]"},
    {.name = "ss", .kind = ET_PARAM_STRINGS, .initial = "[]"},
    {.name = "m", .kind = ET_PARAM_RECORD, .initial = "{}", .fields = record_params},
    {.name = "ms", .kind = ET_PARAM_RECORDS, .initial = "[]", .fields = record_params},
    {.name = "y", .kind = ET_PARAM_TYPE, .initial = "", .choices = "system"},
    {.name = "ys", .kind = ET_PARAM_TYPES, .initial = "[]", .choices = "system"},
    {0},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { OVERRIDES_MAX = 8, SEPARATOR = 0x1F };
    const char *overrides[OVERRIDES_MAX];
    size_t n = 0;
    char *text = malloc(size + 1);
    if (!text) return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    for (char *cut = strchr(text, SEPARATOR); cut && n < OVERRIDES_MAX; n++) {
        *cut = '\0';
        overrides[n] = cut + 1;
        cut = strchr(cut + 1, SEPARATOR);
    }
    struct et_config *config, *again;
    enum et_status status =
        et_config_parse("fuzz.yaml", text, overrides, n, params, types, &config);
    if (status == ET_OK) {
        const char *resolved = et_config_resolved(config);
        if (et_config_parse("resolved", resolved, NULL, 0, params, types, &again) != ET_OK) abort();
        if (strcmp(resolved, et_config_resolved(again)) != 0) abort();
        et_config_close(again);
        et_config_close(config);
    } else if (*et_error_message() == '\0') {
        abort();
    }
    free(text);
    return 0;
}
