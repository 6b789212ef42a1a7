/* SPDX-License-Identifier: Apache-2.0
 *
 * Formulas as text, evaluated together (by muParser). */
#ifndef ETALON_SIM_DYNAMICS_FORMULAS_H
#define ETALON_SIM_DYNAMICS_FORMULAS_H

#include <etalon/config.h>

#include <stddef.h>

/* Functions and constants that a formula may use, ends with NULL. */
extern const char *const et__formula_functions[];

/* The names that a formula may use besides, each standing for a number. */
struct et__names {
    char **name;
    size_t n;
};

/* A formula's place in the configuration, for messages. */
struct et__formula {
    const char *text;
    const struct et_config *config;
    const char *param; /* e.g. "rate" */
    const char *of;    /* e.g. "x"; NULL = nothing to add */
};

/* Checks one formula.  Errors: ET_CONFIG with the character, the text and a caret under it, and for
 * an unknown name the nearest known one; ET_NOMEM. */
enum et_status et__formula_check(const struct et__formula *formula,
                                 const struct et__names *names) ET_CHECKED;

struct et__formulas {
    void *parser;
    size_t n;
};

/* Compiles n checked formulas, which read the numbers at slots [names->n] when they are evaluated.
 * One object for each thread.  Errors: ET_CONFIG (all together too long), ET_NOMEM. */
enum et_status et__formulas_open(struct et__formulas *formulas, const struct et__formula *formula,
                                 size_t n, const struct et__names *names, double *slots) ET_CHECKED;
void et__formulas_close(struct et__formulas *formulas);

/* The values of all; valid until the next call. */
const double *et__formulas_values(struct et__formulas *formulas);

#endif
