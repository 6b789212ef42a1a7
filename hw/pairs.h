/* SPDX-License-Identifier: Apache-2.0
 *
 * Recorded numbers: a strict reader of CSV tables of numbers. */
#ifndef ETALON_HW_PAIRS_H
#define ETALON_HW_PAIRS_H

#include <etalon/array.h>

/* Reads rows of comma-separated numbers, one row per line, all of equal length, after skip_lines
 * lines of any content.  Blanks around numbers, "\r\n" and empty lines at the end are fine.
 *
 * name   stands for the file in messages
 * text   [size] bytes, need not end with a zero
 * table  must be empty; the caller destroys it, also after failure
 *
 * Errors: ET_FORMAT "name:line: ..." (no rows, ragged row, not a finite number), ET_NOMEM. */
enum et_status et__pairs_parse(const char *name, const char *text, size_t size, size_t skip_lines,
                               struct et_array *table) ET_CHECKED;

/* The same from a file.  Errors: also ET_MISSING, ET_IO. */
enum et_status et__pairs_read(const char *path, size_t skip_lines,
                              struct et_array *table) ET_CHECKED;

#endif
