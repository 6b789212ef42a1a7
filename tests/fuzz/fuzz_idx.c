/* SPDX-License-Identifier: Apache-2.0
 *
 * Feeds bytes to the gzip and IDX readers, as a file of them would go.
 * What parses must describe exactly the bytes that are there. */
#include "training/file_bytes.h"
#include "training/idx.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void parse(const uint8_t *data, size_t size)
{
    struct et__idx idx;
    if (et__idx_parse("fuzz.idx", data, size, &idx) != ET_OK) {
        if (*et_error_message() == '\0') abort();
        return;
    }
    size_t elements = 1;
    for (size_t i = 0; i < idx.rank; i++)
        elements *= idx.dims[i];
    if (elements != idx.dims[0] * idx.width || idx.data + elements != data + size) abort();
    /* A sanitizer sees when the last element is outside. */
    volatile unsigned char last = idx.data[elements - 1];
    (void)last;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { UNPACKED_MAX = 1 << 20 };
    struct et__bytes bytes = {0};
    if (!et__bytes_packed(data, size)) {
        parse(data, size);
    } else if (et__bytes_unpack("fuzz.idx", data, size, UNPACKED_MAX, &bytes) == ET_OK) {
        if (bytes.size > UNPACKED_MAX) abort();
        parse(bytes.data, bytes.size);
        et__bytes_destroy(&bytes);
    } else if (bytes.data != NULL || *et_error_message() == '\0') {
        abort();
    }
    return 0;
}
