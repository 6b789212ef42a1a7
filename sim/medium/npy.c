/* SPDX-License-Identifier: Apache-2.0
 *
 * The header is a Python dictionary of three fixed keys; what does not look exactly like that is
 * refused.  Every read is checked against the end of the bytes. */
#include "npy.h"

#include <etalon/array.h>

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { RANK_MAX = 3, PREFIX = 6, DESCR_MAX = 8 };

struct header {
    char descr[DESCR_MAX];
    bool fortran, has_descr, has_fortran, has_shape;
    size_t rank, shape[RANK_MAX];
};

struct cursor {
    const char *name;
    const unsigned char *at, *end;
};

static void skip_blanks(struct cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\n'))
        c->at++;
}

/* Takes a text when it comes next, blanks before it apart. */
static bool take(struct cursor *c, const char *text)
{
    const size_t length = strlen(text);
    skip_blanks(c);
    if ((size_t)(c->end - c->at) < length || memcmp(c->at, text, length) != 0) return false;
    c->at += length;
    return true;
}

static bool take_number(struct cursor *c, size_t *value)
{
    size_t digits = 0;
    *value = 0;
    skip_blanks(c);
    for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++, digits++) {
        if (*value > (SIZE_MAX >> 8)) return false;
        *value = *value * 10 + (size_t)(*c->at - '0');
    }
    return digits > 0;
}

static bool take_shape(struct cursor *c, struct header *h)
{
    if (!take(c, "(")) return false;
    while (!take(c, ")")) {
        if (h->rank == RANK_MAX || !take_number(c, &h->shape[h->rank])) return false;
        h->rank++;
        if (!take(c, ",")) return take(c, ")") && h->rank > 1;
    }
    return true;
}

static bool take_descr(struct cursor *c, struct header *h)
{
    size_t n = 0;
    if (!take(c, "'")) return false;
    while (c->at < c->end && *c->at != '\'') {
        if (n + 1 == DESCR_MAX || *c->at < ' ' || *c->at > '~') return false;
        h->descr[n++] = (char)*c->at++;
    }
    h->descr[n] = '\0';
    return take(c, "'");
}

static bool take_entry(struct cursor *c, struct header *h)
{
    if (take(c, "'descr':")) {
        if (h->has_descr) return false;
        return h->has_descr = take_descr(c, h);
    }
    if (take(c, "'fortran_order':")) {
        if (h->has_fortran) return false;
        h->fortran = take(c, "True");
        return h->has_fortran = h->fortran || take(c, "False");
    }
    if (!take(c, "'shape':") || h->has_shape) return false;
    return h->has_shape = take_shape(c, h);
}

static bool take_dictionary(struct cursor *c, struct header *h)
{
    if (!take(c, "{")) return false;
    while (!take(c, "}")) {
        if (!take_entry(c, h)) return false;
        if (!take(c, ",")) {
            if (!take(c, "}")) return false;
            break;
        }
    }
    skip_blanks(c);
    return c->at == c->end && h->has_descr && h->has_fortran && h->has_shape;
}

/* Cuts the header out of the bytes and leaves the cursor at the numbers. */
static enum et_status read_header(struct cursor *c, struct header *h)
{
    static const unsigned char magic[PREFIX] = {0x93, 'N', 'U', 'M', 'P', 'Y'};
    const size_t size = (size_t)(c->end - c->at);
    if (size < PREFIX + 4 || memcmp(c->at, magic, PREFIX) != 0)
        return et_error_set(ET_FORMAT, "%s: is not an .npy file", c->name);
    const unsigned major = c->at[PREFIX];
    if (major < 1 || major > 3)
        return et_error_set(ET_FORMAT, "%s: .npy version %u is not 1, 2 or 3", c->name, major);
    const size_t width = major == 1 ? 2 : 4;
    c->at += PREFIX + 2;
    if ((size_t)(c->end - c->at) < width)
        return et_error_set(ET_FORMAT, "%s: ends in its header", c->name);
    size_t length = 0;
    for (size_t i = 0; i < width; i++)
        length |= (size_t)c->at[i] << (8 * i);
    c->at += width;
    if ((size_t)(c->end - c->at) < length)
        return et_error_set(ET_FORMAT, "%s: ends in its header", c->name);
    struct cursor inside = {c->name, c->at, c->at + length};
    c->at += length;
    if (!take_dictionary(&inside, h))
        return et_error_set(ET_FORMAT,
                            "%s: its header is not a dictionary of descr, fortran_order and a "
                            "shape of rank up to %d",
                            c->name, (int)RANK_MAX);
    return ET_OK;
}

static double number_at(const unsigned char *from, bool wide)
{
    uint64_t bits = 0;
    double value;
    for (size_t i = 0; i < (wide ? 8 : 4); i++)
        bits |= (uint64_t)from[i] << (8 * i);
    if (wide) {
        memcpy(&value, &bits, sizeof value);
        return value;
    }
    uint32_t low = (uint32_t)bits;
    float narrow;
    memcpy(&narrow, &low, sizeof narrow);
    return (double)narrow;
}

static enum et_status read_numbers(const struct cursor *c, const struct header *h, bool wide,
                                   bool pairs, struct et__npy *npy)
{
    const size_t rows = h->shape[0], columns = h->shape[1], part = wide ? 8 : 4;
    /* Where the imaginary part lies: beside the real one, or a whole matrix later. */
    const size_t imaginary = pairs && h->fortran ? rows * columns * part : part;
    const size_t step = pairs && h->fortran ? part : 2 * part;
    double complex *data = et_alloc(rows * columns, sizeof *data);
    if (!data) return ET_NOMEM;
    for (size_t i = 0; i < rows * columns; i++) {
        const size_t at = h->fortran ? i % columns * rows + i / columns : i;
        const unsigned char *from = c->at + at * step;
        double re = number_at(from, wide), im = number_at(from + imaginary, wide);
        if (!isfinite(re) || !isfinite(im)) {
            et_free(data);
            return et_error_set(ET_FORMAT, "%s: element [%zu][%zu] is %g%+gi", c->name, i / columns,
                                i % columns, re, im);
        }
        data[i] = CMPLX(re, im);
    }
    *npy = (struct et__npy){rows, columns, data};
    return ET_OK;
}

enum et_status et__npy_parse(const char *name, const unsigned char *bytes, size_t size,
                             struct et__npy *npy)
{
    struct cursor cursor = {name, bytes, bytes + size};
    struct header h = {.rank = 0};
    ET_TRY(read_header(&cursor, &h));
    const bool single = strcmp(h.descr, "<c8") == 0, twice = strcmp(h.descr, "<c16") == 0;
    const bool pairs = strcmp(h.descr, "<f4") == 0 || strcmp(h.descr, "<f8") == 0;
    const bool wide = twice || strcmp(h.descr, "<f8") == 0;
    if (!single && !twice && !pairs)
        return et_error_set(ET_FORMAT, "%s: numbers '%s' are not '<c8', '<c16', '<f4' or '<f8'",
                            name, h.descr);
    if (h.rank != (pairs ? 3 : 2) || (pairs && h.shape[2] != 2))
        return et_error_set(ET_FORMAT,
                            "%s: rank %zu of '%s': a matrix of complex numbers has rank 2, one of "
                            "real and imaginary parts rank 3 with a last axis of 2",
                            name, h.rank, h.descr);
    const size_t left = (size_t)(cursor.end - cursor.at), element = wide ? 16 : 8;
    const bool fits = h.shape[0] > 0 && h.shape[1] > 0 && h.shape[0] <= left / element &&
                      h.shape[1] <= left / element / h.shape[0];
    if (!fits || h.shape[0] * h.shape[1] * element != left)
        return et_error_set(ET_FORMAT, "%s: %zu bytes are not %zu x %zu numbers of %zu bytes", name,
                            left, h.shape[0], h.shape[1], element);
    return read_numbers(&cursor, &h, wide, pairs, npy);
}
