/* SPDX-License-Identifier: Apache-2.0
 *
 * Configuration: YAML checked against tables of parameters.
 *
 * Whoever reads parameters (a system, a method, a data set, the experiment itself) owns ONE table.
 * From it come parsing with defaults, range and type errors that point at line and column, the
 * nearest known name for an unknown one, `etalon describe` and `etalon new`.
 *
 *     static const struct et_param params[] = {
 *         {.name = "gain", .kind = ET_PARAM_REAL, .initial = "1", .min = 0, .max = 10,
 *          .unit = "V/V", .doc = "Amplification in front of the converter."},
 *         {0},
 *     };
 *
 * All checks happen while loading, so the getters below cannot fail: asking for a name that the
 * table does not have, or with another kind, is a programming error (asserted).
 *
 * Every numeric range is closed: min <= value <= max; min = max = 0 means "any finite value". */
#ifndef ETALON_CONFIG_H
#define ETALON_CONFIG_H

#include <etalon/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum et_param_kind {
    ET_PARAM_BOOL = 1, /* true | false */
    ET_PARAM_INT,      /* integer, |value| <= 2^53 */
    ET_PARAM_REAL,     /* finite number */
    ET_PARAM_STRING,   /* any scalar */
    ET_PARAM_CHOICE,   /* one of `choices`, "a|b|c" */
    ET_PARAM_REALS,    /* list of numbers; min/max apply to each */
    ET_PARAM_STRINGS,  /* list of scalars */
    ET_PARAM_RECORD,   /* map checked against `fields` */
    ET_PARAM_RECORDS,  /* list of maps, each checked against `fields` */
    ET_PARAM_TYPE,     /* {type: NAME, ...}: NAME of family `choices`, the rest against its table */
    ET_PARAM_TYPES     /* list of such */
};

struct et_param {
    const char *name;
    enum et_param_kind kind;
    const char *initial; /* default as YAML text; NULL = required.  TYPE: "" = may be absent */
    double min, max;     /* INT, REAL, REALS: closed range; lists: see min_count */
    const char *unit;    /* "" or NULL = dimensionless or not a number */
    const char *doc;     /* one sentence */
    const char *choices; /* CHOICE: "a|b|c"; TYPE(S): the family, "system" */
    const struct et_param *fields; /* RECORD(S): table of a record */
    size_t min_count, max_count;   /* lists: legal lengths; max_count 0 = no limit */
};

/* One entry of a registry, as far as configuration needs to know it. */
struct et_type_entry {
    const char *name, *summary;
    const struct et_param *params; /* NULL when absent */
    const char *absent;            /* why this build lacks it, or NULL when present */
};

/* Entry i of a family ("system", "method", "dataset", ...), NULL past the last. */
typedef const struct et_type_entry *et_type_list(const char *family, size_t i);

struct et_config; /* a checked map; lives as long as its document */

/* Reads, overrides, checks and resolves a document.
 *
 * path       file to read; shown in messages
 * overrides  n_overrides strings "path=value", e.g. "layers.0.system.drive=0.4"; value is YAML
 * table      parameters of the top-level map
 * types      resolves families; may be NULL when the table has no TYPE(S)
 * *config    out, caller closes with et_config_close
 *
 * Errors: ET_MISSING (no such file), ET_IO, ET_CONFIG "exp.yaml:6:22: error: drive = 3 is outside
 * [0, 1]" followed by the source line and a caret; an override is shown as "--set drive=3: ...". */
ET_API enum et_status et_config_load(const char *path, const char *const *overrides,
                                     size_t n_overrides, const struct et_param *table,
                                     et_type_list *types, struct et_config **config) ET_CHECKED;

/* The same from text; name stands for the file in messages. */
ET_API enum et_status et_config_parse(const char *name, const char *text,
                                      const char *const *overrides, size_t n_overrides,
                                      const struct et_param *table, et_type_list *types,
                                      struct et_config **config) ET_CHECKED;

/* The same for text whose relative data paths start at a directory; "" = the working directory. */
ET_API enum et_status et_config_parse_in(const char *name, const char *directory, const char *text,
                                         const char *const *overrides, size_t n_overrides,
                                         const struct et_param *table, et_type_list *types,
                                         struct et_config **config) ET_CHECKED;

/* Frees a loaded document (not a map inside one); accepts NULL. */
ET_API void et_config_close(struct et_config *config);

/* The text as read, and the resolved YAML with every default filled in (overrides applied).
 * Borrowed until close; valid for any map of a document, _resolved for that map alone. */
ET_API const char *et_config_text(const struct et_config *config);
ET_API const char *et_config_resolved(const struct et_config *config);
/* The resolved text of the whole document for a file from which it is read again: comments mark
 * the defaults, so that et_config_given still tells them from values that were given.  Borrowed
 * until close; NULL without memory. */
ET_API const char *et_config_stored(const struct et_config *config);

/* Getters; name must be in the table with that kind. */
ET_API bool et_config_bool(const struct et_config *config, const char *name);
ET_API int64_t et_config_int(const struct et_config *config, const char *name);
ET_API double et_config_real(const struct et_config *config, const char *name);
/* STRING or CHOICE; borrowed. */
ET_API const char *et_config_string(const struct et_config *config, const char *name);
/* CHOICE: the index of the value in `choices`. */
ET_API size_t et_config_choice(const struct et_config *config, const char *name);
/* Length of a list (REALS, STRINGS, RECORDS, TYPES); 1 or 0 for a TYPE that is present or not. */
ET_API size_t et_config_count(const struct et_config *config, const char *name);
ET_API const double *et_config_reals(const struct et_config *config, const char *name);
ET_API const char *et_config_string_at(const struct et_config *config, const char *name, size_t i);
/* RECORD, TYPE: i = 0; RECORDS, TYPES: the i-th map. */
ET_API const struct et_config *et_config_at(const struct et_config *config, const char *name,
                                            size_t i);
/* The `type:` of a map reached through TYPE(S); "" otherwise. */
ET_API const char *et_config_type(const struct et_config *config);
/* True when the document (or an override) gives the value, false when it is the default. */
ET_API bool et_config_given(const struct et_config *config, const char *name);

/* A rule that the table cannot express is broken: records "file:line:col: error: <message>" with
 * the source line and caret of `name` (NULL, or no parameter of the table as "type" is: the map
 * itself).  Returns ET_CONFIG. */
ET_API enum et_status et_config_error(const struct et_config *config, const char *name,
                                      const char *format, ...) ET_PRINTF(3, 4);

/* Directory of the file ("" when parsed from text): relative data paths start there. */
ET_API const char *et_config_directory(const struct et_config *config);

/* Resolves a path that a document gives: a leading "${NAME}" by the environment (ETALON_DATA is
 * ../shared/data when not set), any other relative path from et_config_directory.
 * *path is the caller's, freed with et_free.
 * Errors: ET_CONFIG (variable not set, no closing brace), ET_NOMEM. */
ET_API enum et_status et_config_path(const struct et_config *config, const char *given,
                                     char **path) ET_CHECKED;

/* The same for a file that must exist.  Errors: also ET_MISSING, saying what to set. */
ET_API enum et_status et_config_file(const struct et_config *config, const char *given,
                                     char **path) ET_CHECKED;

/* A commented YAML template of a table, as `etalon new` prints it: each parameter with default,
 * range, unit and doc.  *text is the caller's, freed with et_free. */
ET_API enum et_status et_param_template(const struct et_param *table, const char *type,
                                        et_type_list *types, char **text) ET_CHECKED;

/* The known name nearest to `wrong` by edit distance, or NULL when none is near. */
ET_API const char *et_nearest_name(const char *wrong, const char *const *names, size_t n);

#endif
