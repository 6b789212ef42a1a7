/* SPDX-License-Identifier: Apache-2.0
 *
 * Shared by config.c (reading) and config_template.c (writing). */
#ifndef ETALON_CONFIG_INTERNAL_H
#define ETALON_CONFIG_INTERNAL_H

#include <etalon/config.h>

/* What a text is, which decides how an error in it is shown. */
enum et__source_kind { ET__SOURCE_FILE, ET__SOURCE_OVERRIDE, ET__SOURCE_DEFAULT };

struct et__source {
    enum et__source_kind kind;
    const char *name; /* path, "--set a=b" or "default of 'x'" */
    const char *text;
    size_t length;
};

/* Bytes [start, end) of a text. */
struct et__place {
    const struct et__source *source;
    size_t start, end;
};

/* A checked value; which members count depends on the parameter's kind. */
struct et__value {
    struct et__place place; /* of the enclosing map when the value is a default */
    bool given, flag;
    int64_t integer;
    double real;
    const char *string;
    size_t choice;
    size_t count; /* of reals, strings or maps */
    double *reals;
    const char **strings;
    struct et_config **maps;
};

struct et_config {
    struct et__document *document;
    const struct et_param *table;
    struct et__value *values; /* one per entry of table */
    struct et__place place;
    const char *type; /* "" when not reached through a TYPE */
    const char *resolved;
};

/* Growing text; the first failed allocation sticks in `failed`, so that a writer checks once. */
struct et__text {
    char *data;
    size_t length, capacity;
    bool failed;
};

void et__text_add(struct et__text *text, const char *format, ...) ET_PRINTF(2, 3);
void et__text_free(struct et__text *text);

enum { ET__NUMBER_MAX = 32 };

/* The shortest of %.15g, %.16g and %.17g that reads back as the same number. */
const char *et__number_text(double value, char buffer[ET__NUMBER_MAX]);

/* Entries of a table, without the terminating {0}. */
size_t et__param_count(const struct et_param *table);

/* Does a numeric parameter state a range? */
bool et__param_has_range(const struct et_param *param);

/* Finds an alternative of "a|b|c": its index and, in *choice and *length, its text. */
bool et__choice_at(const char *choices, size_t i, const char **choice, size_t *length);

/* Appends the resolved YAML of a checked map. */
void et__config_write(struct et__text *text, const struct et_config *config);

#endif
