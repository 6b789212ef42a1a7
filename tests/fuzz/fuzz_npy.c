/* SPDX-License-Identifier: Apache-2.0
 *
 * Feeds bytes to the reader of .npy matrices.  What is accepted is a matrix of finite numbers; what
 * is refused leaves a message. */
#include "sim/medium/npy.h"

#include <etalon/array.h>

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct et__npy npy = {0};
    et_error_clear();
    if (et__npy_parse("fuzz.npy", data, size, &npy) == ET_OK) {
        if (npy.rows == 0 || npy.columns == 0 || npy.rows * npy.columns > size) abort();
        for (size_t i = 0; i < npy.rows * npy.columns; i++)
            if (!isfinite(creal(npy.data[i])) || !isfinite(cimag(npy.data[i]))) abort();
    } else if (et_error_message()[0] == '\0' || npy.data) {
        abort();
    }
    et_free(npy.data);
    return 0;
}
