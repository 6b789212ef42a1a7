/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables of text from delimited files.
 *
 * One copy of the text is split in place: a field never gets longer by dropping its quotes. */
#include "csv_table.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Where the parser stands. */
struct reader {
    const char *name;
    const char *in, *end; /* unread text */
    char *out;            /* end of the fields written so far; never beyond `in` in the copy */
    char delimiter;
    size_t line;
};

void et__csv_destroy(struct et__csv *csv)
{
    et_free(csv->text);
    et_free(csv->field);
    et_free(csv->line);
    *csv = (struct et__csv){0};
}

static bool at_line_end(const struct reader *reader)
{
    if (reader->in == reader->end || *reader->in == '\n') return true;
    return *reader->in == '\r' && (reader->in + 1 == reader->end || reader->in[1] == '\n');
}

static void skip_line_end(struct reader *reader)
{
    if (reader->in < reader->end && *reader->in == '\r') reader->in++;
    if (reader->in < reader->end && *reader->in == '\n') reader->in++;
    reader->line++;
}

static bool is_blank(const struct reader *reader, char c)
{
    return (c == ' ' || c == '\t') && c != reader->delimiter;
}

static void skip_blanks(struct reader *reader)
{
    while (reader->in < reader->end && is_blank(reader, *reader->in))
        reader->in++;
}

/* The part after the opening quote, up to and with the closing one. */
static enum et_status read_quoted(struct reader *reader)
{
    size_t start = reader->line;
    for (;;) {
        if (reader->in == reader->end)
            return et_error_set(ET_FORMAT, "%s:%zu: the quote that opens here is not closed",
                                reader->name, start);
        char c = *reader->in++;
        if (c == '"') {
            if (reader->in == reader->end || *reader->in != '"') break;
            reader->in++;
        }
        if (c == '\n') reader->line++;
        *reader->out++ = c;
    }
    skip_blanks(reader);
    if (!at_line_end(reader) && *reader->in != reader->delimiter)
        return et_error_set(ET_FORMAT, "%s:%zu: text after a closing quote", reader->name,
                            reader->line);
    return ET_OK;
}

/* One field; stops at the delimiter or line end behind it. */
static enum et_status read_field(struct reader *reader, char **field)
{
    skip_blanks(reader);
    *field = reader->out;
    if (reader->in < reader->end && *reader->in == '"') {
        reader->in++;
        return read_quoted(reader);
    }
    while (!at_line_end(reader) && *reader->in != reader->delimiter)
        *reader->out++ = *reader->in++;
    while (reader->out > *field && is_blank(reader, reader->out[-1]))
        reader->out--;
    return ET_OK;
}

/* One row of fields; *n counts them. */
static enum et_status read_row(struct reader *reader, char **field, size_t *n)
{
    for (*n = 0;;) {
        ET_TRY(read_field(reader, &field[(*n)++]));
        bool more = reader->in < reader->end && *reader->in == reader->delimiter;
        if (more) reader->in++;
        if (!more) skip_line_end(reader);
        /* The terminator overwrites what has been read, never what has not: a field is followed by
         * a delimiter or line end, or by the spare byte at the end of the copy. */
        *reader->out++ = '\0';
        if (!more) return ET_OK;
    }
}

static void skip_blank_lines(struct reader *reader)
{
    while (reader->in < reader->end) {
        const char *start = reader->in;
        skip_blanks(reader);
        if (!at_line_end(reader)) {
            reader->in = start;
            return;
        }
        skip_line_end(reader);
    }
}

static enum et_status read_rows(struct reader *reader, struct et__csv *csv)
{
    char **field = csv->field;
    for (skip_blank_lines(reader); reader->in < reader->end; skip_blank_lines(reader)) {
        size_t n, line = reader->line;
        ET_TRY(read_row(reader, field, &n));
        if (csv->rows == 0) csv->cols = n;
        if (n != csv->cols)
            return et_error_set(ET_FORMAT, "%s:%zu: %zu field%s, but the first line has %zu",
                                reader->name, line, n, n == 1 ? "" : "s", csv->cols);
        csv->line[csv->rows++] = line;
        field += n;
    }
    if (csv->rows == 0)
        return et_error_set(ET_FORMAT, "%s:%d: the file has no row", reader->name, 1);
    return ET_OK;
}

enum et_status et__csv_parse(const char *name, const char *text, size_t size, char delimiter,
                             struct et__csv *csv)
{
    size_t delimiters = 0, lines = 1;
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '\0')
            return et_error_set(ET_FORMAT, "%s:%zu: a NUL byte: this is no text", name, lines);
        delimiters += text[i] == delimiter;
        lines += text[i] == '\n';
    }
    csv->name = name;
    csv->text = et_alloc(size + 1, 1);
    csv->field = csv->text ? et_alloc(delimiters + lines, sizeof *csv->field) : NULL;
    csv->line = csv->field ? et_alloc(lines, sizeof *csv->line) : NULL;
    enum et_status status = csv->line ? ET_OK : ET_NOMEM;
    if (status == ET_OK) {
        memcpy(csv->text, text, size);
        struct reader reader = {name, csv->text, csv->text + size, csv->text, delimiter, 1};
        if (size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) reader.in += 3;
        status = read_rows(&reader, csv);
    }
    if (status != ET_OK) et__csv_destroy(csv);
    return status;
}

static const char *skip_digits(const char *text)
{
    while (*text >= '0' && *text <= '9')
        text++;
    return text;
}

/* Decimal notation, as in -1.5e3: no hexadecimal, inf or nan. */
static bool is_decimal(const char *text)
{
    if (*text == '+' || *text == '-') text++;
    const char *digits = text;
    text = skip_digits(text);
    size_t n = (size_t)(text - digits);
    if (*text == '.') {
        const char *fraction = text + 1;
        text = skip_digits(fraction);
        n += (size_t)(text - fraction);
    }
    if (n == 0) return false;
    if (*text == 'e' || *text == 'E') {
        text++;
        if (*text == '+' || *text == '-') text++;
        if (skip_digits(text) == text) return false;
        text = skip_digits(text);
    }
    return *text == '\0';
}

bool et__csv_has_header(const struct et__csv *csv)
{
    for (size_t c = 0; c < csv->cols; c++)
        if (is_decimal(et__csv_field(csv, 0, c))) return false;
    return true;
}

bool et__csv_column(const struct et__csv *csv, bool header, const char *key, size_t *col)
{
    for (size_t c = 0; header && c < csv->cols; c++)
        if (strcmp(et__csv_field(csv, 0, c), key) == 0) {
            *col = c;
            return true;
        }
    *col = 0;
    if (strcmp(key, "first") == 0) return true;
    *col = csv->cols - 1;
    if (strcmp(key, "last") == 0) return true;
    if (*key < '0' || *key > '9') return false;
    char *end;
    unsigned long long number = strtoull(key, &end, 10);
    *col = (size_t)number;
    return *end == '\0' && number < csv->cols;
}

static enum et_status read_number(const struct et__csv *csv, size_t row, size_t col,
                                  locale_t locale, float *value)
{
    const char *field = et__csv_field(csv, row, col);
    if (!is_decimal(field))
        return et_error_set(ET_FORMAT, "%s:%zu: column %zu holds \"%.40s\", not a number",
                            csv->name, csv->line[row], col, field);
    *value = (float)strtod_l(field, NULL, locale);
    if (!isfinite(*value))
        return et_error_set(ET_FORMAT, "%s:%zu: column %zu holds %.40s, beyond 32-bit floats",
                            csv->name, csv->line[row], col, field);
    return ET_OK;
}

enum et_status et__csv_numbers(const struct et__csv *csv, size_t first_row, const size_t *col,
                               size_t n_cols, struct et_view x)
{
    locale_t locale = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
    if (locale == (locale_t)0) return et_error_set(ET_NOMEM, "no room for a locale");
    enum et_status status = ET_OK;
    for (size_t r = first_row; r < csv->rows && status == ET_OK; r++)
        for (size_t c = 0; c < n_cols && status == ET_OK; c++)
            status = read_number(csv, r, col[c], locale, &x.data[(r - first_row) * x.stride + c]);
    freelocale(locale);
    return status;
}
