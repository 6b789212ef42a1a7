/* SPDX-License-Identifier: Apache-2.0
 *
 * Feeds bytes to the reader of recorded numbers; the first byte is the number of lines to skip.
 * What is accepted is a table of finite numbers; what is refused leaves a message. */
#include "hw/pairs.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    struct et_array table = {0};
    et_error_clear();
    if (et__pairs_parse("fuzz.csv", (const char *)data + 1, size - 1, data[0] % 4, &table) ==
        ET_OK) {
        if (table.rows == 0 || table.cols == 0) abort();
        for (size_t i = 0; i < table.rows * table.cols; i++)
            if (!isfinite(table.data[i])) abort();
    } else if (et_error_message()[0] == '\0') {
        abort();
    }
    et_array_destroy(&table);
    return 0;
}
