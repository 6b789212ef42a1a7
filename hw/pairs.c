/* SPDX-License-Identifier: Apache-2.0
 *
 * Numeric CSV, read from memory: one pass counts, one pass fills. */
#include "pairs.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Longest field of a number that is worth reading. */
enum { FIELD_MAX = 63 };

/* Where a reader stands: bytes [at, end) are left, `line` is the number of the next one. */
struct cursor {
    const char *name, *at, *end;
    size_t line;
    locale_t locale; /* of the numbers */
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Cuts the next line off; false at the end of the text. */
static bool next_line(struct cursor *cursor, const char **start, const char **stop)
{
    if (cursor->at == cursor->end) return false;
    const char *newline = memchr(cursor->at, '\n', (size_t)(cursor->end - cursor->at));
    *start = cursor->at;
    *stop = newline ? newline : cursor->end;
    cursor->at = newline ? newline + 1 : cursor->end;
    cursor->line++;
    while (*stop > *start && is_blank((*stop)[-1]))
        (*stop)--;
    return true;
}

static size_t count_fields(const char *start, const char *stop)
{
    size_t n = 1;
    for (const char *c = start; c < stop; c++)
        n += *c == ',';
    return n;
}

static enum et_status complain(const struct cursor *cursor, size_t column, const char *start,
                               const char *stop)
{
    char shown[FIELD_MAX + 1];
    size_t length = 0;
    for (const char *c = start; c < stop && length < 24; c++)
        shown[length++] = *c >= ' ' && *c <= '~' ? *c : '?';
    shown[length] = '\0';
    return et_error_set(ET_FORMAT, "%s:%zu: field %zu, '%s', is not a finite number", cursor->name,
                        cursor->line, column + 1, shown);
}

/* Decimal notation only: strtof would also take "nan", "inf" and hexadecimal. */
static bool read_number(const char *start, const char *stop, locale_t locale, float *value)
{
    char field[FIELD_MAX + 1];
    while (start < stop && is_blank(*start))
        start++;
    while (stop > start && is_blank(stop[-1]))
        stop--;
    size_t length = (size_t)(stop - start);
    if (length == 0 || length > FIELD_MAX) return false;
    for (size_t i = 0; i < length; i++)
        if (memchr("0123456789+-.eE", start[i], 15) == NULL) return false;
    memcpy(field, start, length);
    field[length] = '\0';
    char *end;
    *value = strtof_l(field, &end, locale);
    return *end == '\0' && isfinite(*value);
}

static enum et_status read_row(const struct cursor *cursor, const char *start, const char *stop,
                               float *row, size_t cols)
{
    size_t n = count_fields(start, stop);
    if (n != cols)
        return et_error_set(ET_FORMAT, "%s:%zu: %zu fields where the first row has %zu",
                            cursor->name, cursor->line, n, cols);
    for (size_t c = 0; c < cols; c++) {
        const char *comma = memchr(start, ',', (size_t)(stop - start));
        const char *end = comma ? comma : stop;
        if (!read_number(start, end, cursor->locale, &row[c]))
            return complain(cursor, c, start, end);
        start = comma ? comma + 1 : stop;
    }
    return ET_OK;
}

static void skip(struct cursor *cursor, size_t lines)
{
    const char *start, *stop;
    while (lines-- > 0 && next_line(cursor, &start, &stop))
        continue;
}

static enum et_status read_table(struct cursor begin, struct et_array *table)
{
    struct cursor cursor = begin;
    const char *name = begin.name;
    size_t size = (size_t)(begin.end - begin.at);
    const char *start, *stop;
    size_t lines = 0, rows = 0, cols = 0;
    while (next_line(&cursor, &start, &stop)) {
        lines++;
        if (start == stop) continue;
        rows = lines; /* an empty line before the last row is an error of its own */
        if (cols == 0) cols = count_fields(start, stop);
    }
    if (rows == 0)
        return et_error_set(ET_FORMAT, "%s:%zu: there are no numbers", name, cursor.line);
    /* The first pass trusts nothing: a row of n fields has at least 2 n - 1 bytes. */
    if (cols > size || rows > size / cols)
        return et_error_set(ET_FORMAT, "%s:%zu: rows of different lengths", name, cursor.line);
    ET_TRY(et_array_create(table, rows, cols));
    cursor = begin;
    for (size_t r = 0; r < rows; r++) {
        if (!next_line(&cursor, &start, &stop)) break;
        ET_TRY(read_row(&cursor, start, stop, table->data + r * cols, cols));
    }
    return ET_OK;
}

/* A decimal point is a point, whatever the program's locale says. */
enum et_status et__pairs_parse(const char *name, const char *text, size_t size, size_t skip_lines,
                               struct et_array *table)
{
    struct cursor cursor = {.name = name, .at = text, .end = text + size};
    cursor.locale = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
    if (cursor.locale == (locale_t)0) return et_error_set(ET_NOMEM, "no room for a locale");
    skip(&cursor, skip_lines);
    enum et_status status = read_table(cursor, table);
    freelocale(cursor.locale);
    return status;
}

static enum et_status read_all(FILE *file, const char *path, char **text, size_t *size)
{
    struct stat about;
    if (fstat(fileno(file), &about) != 0 || !S_ISREG(about.st_mode))
        return et_error_set(ET_IO, "%s is not a regular file", path);
    *text = et_alloc((size_t)about.st_size, 1);
    if (*text == NULL) return ET_NOMEM;
    *size = fread(*text, 1, (size_t)about.st_size, file);
    if (ferror(file)) return et_error_set(ET_IO, "%s cannot be read: %s", path, strerror(errno));
    return ET_OK;
}

enum et_status et__pairs_read(const char *path, size_t skip_lines, struct et_array *table)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return et_error_set(errno == ENOENT ? ET_MISSING : ET_IO, "%s cannot be read: %s", path,
                            strerror(errno));
    enum et_status status = read_all(file, path, &text, &size);
    if (status == ET_OK) status = et__pairs_parse(path, text, size, skip_lines, table);
    et_free(text);
    fclose(file);
    return status;
}
