/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables of text from delimited files (RFC 4180, and the delimiter of your choice). */
#ifndef ETALON_TRAINING_CSV_TABLE_H
#define ETALON_TRAINING_CSV_TABLE_H

#include <etalon/array.h>
#include <etalon/error.h>

#include <stdbool.h>
#include <stddef.h>

/* Field (r, c) is the string field[r * cols + c]; a header line is row 0. */
struct et__csv {
    const char *name; /* of the file, borrowed, for messages */
    char *text;       /* what the fields point into, owned */
    char **field;     /* [rows][cols], owned */
    size_t *line;     /* [rows] line number where a row starts, from 1, owned */
    size_t rows, cols;
};

/* Splits text into rows and fields.
 *
 * Fields may be quoted ("a, ""b"""), lines end in LF or CRLF, lines of nothing but blanks are
 * skipped, blanks around an unquoted field are dropped, a byte order mark is skipped.
 *
 * name       of the file, for messages; must outlive *csv
 * text       [size]
 * delimiter  between fields, not a quote or line end
 *
 * *csv must be empty; the caller destroys it.
 * Errors: ET_FORMAT "file:line: ..." (ragged row, open quote, NUL byte, no row), ET_NOMEM. */
enum et_status et__csv_parse(const char *name, const char *text, size_t size, char delimiter,
                             struct et__csv *csv) ET_CHECKED;

/* Frees and empties. */
void et__csv_destroy(struct et__csv *csv);

static inline const char *et__csv_field(const struct et__csv *csv, size_t row, size_t col)
{
    return csv->field[row * csv->cols + col];
}

/* Does row 0 look like a header: is none of its fields a number? */
bool et__csv_has_header(const struct et__csv *csv);

/* The column that `key` names: a header name (when header), else "first", "last" or a number from
 * 0.  False when there is none. */
bool et__csv_column(const struct et__csv *csv, bool header, const char *key, size_t *col);

/* Reads columns col[n_cols] of the rows from first_row on as numbers into x [rows][n_cols], always
 * with a decimal point, whatever the locale.
 * Errors: ET_FORMAT "file:line: ..." (not a number, not finite), ET_NOMEM. */
enum et_status et__csv_numbers(const struct et__csv *csv, size_t first_row, const size_t *col,
                               size_t n_cols, struct et_view x) ET_CHECKED;

#endif
