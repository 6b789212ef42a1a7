/* SPDX-License-Identifier: Apache-2.0
 *
 * Shared by the files that read (config.c, config_*.c) and write (config_template.c) documents. */
#ifndef ETALON_CONFIG_INTERNAL_H
#define ETALON_CONFIG_INTERNAL_H

#include <etalon/config.h>

#include <stdarg.h>

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

/* -------------------------------------------------------------------- documents and the tree -- */

enum {
    ET__TEXT_MAX = 4 << 20,  /* bytes of a document */
    ET__NODES_MAX = 1 << 16, /* values, counting each alias as what it stands for */
    ET__SHOWN_MAX = 48       /* bytes of a value that a message repeats */
};

enum et__node_kind { ET__NODE_NULL, ET__NODE_SCALAR, ET__NODE_LIST, ET__NODE_MAP };

struct et__pair {
    const char *key; /* NULL in a list */
    struct et__place key_place;
    struct et__node *node;
    struct et__pair *next;
};

struct et__node {
    enum et__node_kind kind;
    bool plain; /* scalar without quotes */
    const char *text;
    struct et__place place;
    struct et__pair *first, *last;
    size_t count;
};

struct et__document {
    struct et__block *blocks;
    struct et__source source;
    const char *directory;
    et_type_list *types;
    struct et__text scratch; /* for resolved texts */
    const char *stored;      /* the root with marks, once it was asked for */
    struct et_config *root;
    size_t n_nodes;    /* read */
    size_t n_values;   /* checked, defaults included: the nodes of the resolved document */
    size_t n_resolved; /* bytes */
    bool excused;      /* the error lies in what a default asks for, not in how it is written */
};

/* Zeroed memory that lives as long as the document, or NULL with a record. */
void *et__document_take(struct et__document *document, size_t count, size_t size) ET_CHECKED;

/* A copy of `length` bytes with a zero behind them, in the document's memory. */
char *et__document_text(struct et__document *document, const char *text, size_t length) ET_CHECKED;

/* Accepts NULL. */
void et__document_close(struct et__document *document);

/* Makes an empty node.  Errors: ET_CONFIG (too many), ET_NOMEM. */
enum et_status et__node_make(struct et__document *document, enum et__node_kind kind,
                             struct et__place place, struct et__node **node) ET_CHECKED;

/* Adds a child to a list (key NULL) or map; NULL with a record when there is no memory. */
struct et__pair *et__pair_append(struct et__document *document, struct et__node *parent,
                                 const char *key, struct et__place key_place,
                                 struct et__node *node) ET_CHECKED;

/* The entry of a map with this key, or NULL. */
struct et__pair *et__pair_find(const struct et__node *map, const char *key);

/* Does an unquoted scalar of this text stand for nothing? */
bool et__is_null_text(const char *text);

/* Reads one YAML document (or an empty text, which is null) into a tree.
 * Errors: ET_CONFIG at its place, ET_NOMEM. */
enum et_status et__yaml_parse(struct et__document *document, const struct et__source *source,
                              struct et__node **root) ET_CHECKED;

/* Puts the value of "a.0.b=value" into the tree.  Errors: ET_CONFIG, ET_NOMEM. */
enum et_status et__override_apply(struct et__document *document, const char *override,
                                  struct et__node **root) ET_CHECKED;

/* A map under check: what it is checked against. */
struct et__map_check {
    struct et__document *document;
    const struct et__node *node;
    const struct et_param *table;
    const char *family, *type; /* of a TYPE; else NULL and "" */
    const char *label;         /* of a RECORD's map, else "" */
    struct et__place outer;    /* of the enclosing map, for a default */
    size_t depth;
};

/* Checks a map against its table, fills in defaults and writes the resolved text.
 * Errors: ET_CONFIG, ET_UNSUPPORTED (a type that this build lacks), ET_NOMEM. */
enum et_status et__config_check(const struct et__map_check *check,
                                struct et_config **config) ET_CHECKED;

/* ---------------------------------------------------------------------------------- messages -- */

static inline struct et__place et__place_at(const struct et__source *source, size_t start,
                                            size_t end)
{
    return (struct et__place){.source = source, .start = start, .end = end};
}

/* Line of the start of a place, from 1. */
size_t et__place_line(const struct et__place *place);

/* Is this byte of UTF-8 text inside a character, not its first? */
bool et__continues(char byte);

/* Copies text for a message: at most n - 1 bytes, whole characters, nothing unprintable. */
const char *et__shown(const char *text, char *buffer, size_t n);

/* Records "<source>:<line>:<column>: error: <message>" with the source line and a caret.
 * Returns status; et__fail returns ET_CONFIG. */
enum et_status et__vfail(enum et_status status, const struct et__place *place, const char *format,
                         va_list list) ET_PRINTF(3, 0);
enum et_status et__fail(const struct et__place *place, const char *format, ...) ET_PRINTF(2, 3);

/* ------------------------------------------------------------------------------ written text -- */

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

/* Appends the resolved YAML of a checked map; with `marks`, lines of what nobody gave end with
 * ET__DEFAULT_MARK. */
void et__config_write(struct et__text *text, const struct et_config *config, bool marks);
/* A text that starts with the first is one of ours, so that the second means something in it. */
#define ET__STORED_START "# Resolved by Etalon: \"# default\" marks what the experiment left out.\n"
#define ET__DEFAULT_MARK " # default"

#endif
