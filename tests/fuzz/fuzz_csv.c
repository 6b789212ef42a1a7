/* SPDX-License-Identifier: Apache-2.0
 *
 * Feeds bytes to the CSV reader: the first byte picks the delimiter, the rest is the text.
 * Whatever parses must be a table of strings inside the text, and its numbers must be finite. */
#include "training/csv_table.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every field is a terminated string of the text, every line number grows. */
static void check_table(const struct et__csv *csv, size_t size)
{
    if (csv->rows == 0 || csv->cols == 0) abort();
    for (size_t r = 0; r < csv->rows; r++) {
        if (csv->line[r] < 1 || (r > 0 && csv->line[r] <= csv->line[r - 1])) abort();
        for (size_t c = 0; c < csv->cols; c++) {
            const char *field = et__csv_field(csv, r, c);
            if (field < csv->text || field + strlen(field) > csv->text + size) abort();
        }
    }
}

static void read_numbers(const struct et__csv *csv)
{
    size_t col, first = et__csv_has_header(csv);
    struct et_array x = {0};
    if (!et__csv_column(csv, first == 1, "last", &col) || col >= csv->cols) abort();
    if (et_array_create(&x, csv->rows, 1) != ET_OK) return;
    if (et__csv_numbers(csv, first, &col, 1, et_array_view(&x)) == ET_OK) {
        for (size_t i = 0; i < csv->rows; i++)
            if (!isfinite(x.data[i])) abort();
    } else if (strstr(et_error_message(), "fuzz.csv:") == NULL) {
        abort();
    }
    et_array_destroy(&x);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct et__csv csv = {0};
    if (size == 0) return 0;
    char delimiter = ",;\t "[data[0] % 4];
    enum et_status status =
        et__csv_parse("fuzz.csv", (const char *)data + 1, size - 1, delimiter, &csv);
    if (status == ET_OK) {
        check_table(&csv, size - 1);
        read_numbers(&csv);
    } else if (csv.text != NULL || *et_error_message() == '\0') {
        abort();
    }
    et__csv_destroy(&csv);
    return 0;
}
