/* SPDX-License-Identifier: Apache-2.0
 *
 * muParser behind formulas.h: the only file that includes its header.
 *
 * Its evaluation in bulk starts threads of its own and computes one number after another all the
 * same, so a thread here evaluates one sample at a time: all formulas in one call, joined by
 * commas. */
#include "formulas.h"

#include <etalon/array.h>

#include <ctype.h>
#include <muParserDLL.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* muParser refuses longer texts. */
enum { TEXT_MAX = 19000, SHOWN = 60 };

const char *const et__formula_functions[] = {
    "sin",   "cos",   "tan",   "asin", "acos", "atan", "atan2", "sinh",  "cosh", "tanh",
    "asinh", "acosh", "atanh", "exp",  "ln",   "log",  "log2",  "log10", "sqrt", "sign",
    "rint",  "abs",   "min",   "max",  "sum",  "avg",  "_pi",   "_e",    NULL};

/* Reports `what` at character `place` (from 0) of the formula. */
static enum et_status complain(const struct et__formula *formula, size_t place, const char *what)
{
    size_t length = strlen(formula->text);
    if (place > length) place = length;
    size_t first = place > SHOWN / 2 ? place - SHOWN / 2 : 0;
    return et_config_error(formula->config, formula->param,
                           "%s%s%s%s, character %zu: %s\n    %.*s\n    %*s^", formula->param,
                           formula->of ? " of '" : "", formula->of ? formula->of : "",
                           formula->of ? "'" : "", place + 1, what, (int)SHOWN,
                           formula->text + first, (int)(place - first), "");
}

static bool is_known(const char *name, size_t length, const struct et__names *names)
{
    for (size_t i = 0; i < names->n; i++)
        if (strlen(names->name[i]) == length && memcmp(names->name[i], name, length) == 0)
            return true;
    for (size_t i = 0; et__formula_functions[i] != NULL; i++)
        if (strlen(et__formula_functions[i]) == length &&
            memcmp(et__formula_functions[i], name, length) == 0)
            return true;
    return false;
}

static enum et_status unknown_name(const struct et__formula *formula, size_t place, size_t length,
                                   const struct et__names *names)
{
    char name[64], what[200];
    snprintf(name, sizeof name, "%.*s", (int)(length < 60 ? length : 60), formula->text + place);
    const char *near = et_nearest_name(name, (const char *const *)names->name, names->n);
    if (near == NULL) {
        size_t n = 0;
        while (et__formula_functions[n] != NULL)
            n++;
        near = et_nearest_name(name, et__formula_functions, n);
    }
    snprintf(what, sizeof what, "unknown name '%s'%s%s%s", name, near ? "; did you mean '" : "",
             near ? near : "", near ? "'?" : "");
    return complain(formula, place, what);
}

/* What muParser would take but nobody means: names that are not known, assignments, texts. */
static enum et_status check_words(const struct et__formula *formula, const struct et__names *names)
{
    const char *text = formula->text;
    for (size_t i = 0; text[i] != '\0'; i++) {
        unsigned char c = (unsigned char)text[i];
        if (isdigit(c) || (c == '.' && isdigit((unsigned char)text[i + 1]))) {
            /* A number and its exponent: the e of 1e-3 is no name. */
            char *end;
            (void)strtod(text + i, &end);
            if (end > text + i) i = (size_t)(end - text) - 1;
        } else if (isalpha(c) || c == '_') {
            size_t length = strspn(text + i, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                             "0123456789_");
            if (!is_known(text + i, length, names)) return unknown_name(formula, i, length, names);
            i += length - 1;
        } else if (c == '=' && text[i + 1] == '=') {
            i++;
        } else if (c == '=' && (i == 0 || strchr("<>!", text[i - 1]) == NULL)) {
            return complain(formula, i, "a formula assigns nothing; to compare, write ==");
        } else if (c == '"' || c >= 0x80) {
            return complain(formula, i, "this character has no meaning in a formula");
        }
    }
    return ET_OK;
}

static muParserHandle_t new_parser(const struct et__names *names, double *slots)
{
    muParserHandle_t parser = mupCreate(muBASETYPE_FLOAT);
    for (size_t i = 0; parser != NULL && i < names->n; i++)
        mupDefineVar(parser, names->name[i], &slots[i]);
    return parser;
}

/* In words, without muParser's message: that one is kept in a buffer that threads share. */
static const char *in_words(int code)
{
    switch (code) {
    case 0:
        return "an operator is not expected here";
    case 1:
        return "this is not understood";
    case 2:
        return "the formula ends too early";
    case 3:
    case 4:
        return "a comma is not expected here";
    case 5:
        return "a number is not expected here";
    case 6:
        return "a name is not expected here; is an operator missing?";
    case 7:
    case 11:
        return "parentheses do not match";
    case 8:
        return "a function is not expected here; is an operator missing?";
    case 14:
    case 15:
        return "wrong number of arguments";
    case 25:
        return "the formula is empty";
    default:
        return "this is no formula";
    }
}

enum et_status et__formula_check(const struct et__formula *formula, const struct et__names *names)
{
    if (strlen(formula->text) > TEXT_MAX)
        return complain(formula, TEXT_MAX, "a formula has at most 19000 characters");
    ET_TRY(check_words(formula, names));
    double *slots = et_alloc(names->n, sizeof *slots);
    if (slots == NULL) return ET_NOMEM;
    muParserHandle_t parser = new_parser(names, slots);
    enum et_status status = parser ? ET_OK : et_error_set(ET_NOMEM, "muParser found no memory");
    if (parser != NULL) {
        int n = 0;
        mupSetExpr(parser, formula->text);
        if (!mupError(parser)) mupEvalMulti(parser, &n);
        if (mupError(parser)) {
            int place = mupGetErrorPos(parser);
            status =
                complain(formula, place < 0 ? 0 : (size_t)place, in_words(mupGetErrorCode(parser)));
        } else if (n != 1) {
            const char *comma = strchr(formula->text, ',');
            status = complain(formula, comma ? (size_t)(comma - formula->text) : 0,
                              "these are several formulas, one is expected");
        }
        mupRelease(parser);
    }
    et_free(slots);
    return status;
}

/* "(a),(b),..." */
static char *join(const struct et__formula *formula, size_t n)
{
    size_t length = 1;
    for (size_t i = 0; i < n; i++)
        length += strlen(formula[i].text) + 3;
    char *text = et_alloc(length, 1), *end = text;
    for (size_t i = 0; text != NULL && i < n; i++)
        end +=
            snprintf(end, length - (size_t)(end - text), "%s(%s)", i ? "," : "", formula[i].text);
    return text;
}

enum et_status et__formulas_open(struct et__formulas *formulas, const struct et__formula *formula,
                                 size_t n, const struct et__names *names, double *slots)
{
    char *text = join(formula, n);
    if (text == NULL) return ET_NOMEM;
    enum et_status status = ET_OK;
    if (strlen(text) > TEXT_MAX)
        status =
            et_config_error(formula->config, NULL,
                            "the formulas have %zu characters together, at most %d are possible",
                            strlen(text), (int)TEXT_MAX);
    if (status == ET_OK && (formulas->parser = new_parser(names, slots)) == NULL)
        status = et_error_set(ET_NOMEM, "muParser found no memory");
    int count = 0;
    if (status == ET_OK) {
        mupSetExpr(formulas->parser, text);
        mupEvalMulti(formulas->parser, &count); /* compiles, so that later calls allocate nothing */
        if (mupError(formulas->parser) || (size_t)count != n)
            status = et_config_error(formula->config, NULL, "muParser refuses the formulas (%d)",
                                     mupGetErrorCode(formulas->parser));
    }
    formulas->n = n;
    et_free(text);
    return status;
}

void et__formulas_close(struct et__formulas *formulas)
{
    if (formulas->parser != NULL) mupRelease(formulas->parser);
    formulas->parser = NULL;
}

const double *et__formulas_values(struct et__formulas *formulas)
{
    int n;
    return mupEvalMulti(formulas->parser, &n);
}
