/* SPDX-License-Identifier: Apache-2.0
 *
 * Feeds bytes to the readers of address events (first byte: the format) and their spikes to
 * frames.  What is accepted lies on the sensor; what is refused leaves a message. */
#include "training/aer.h"

#include <etalon/array.h>

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void make_frames(enum et__aer_format format, struct et__spikes *spikes, bool lenient)
{
    size_t width, height;
    et__aer_size(format, &width, &height);
    const struct et__frames frames = {
        .bins = 3, .units = 2 * width * height, .merge = 7, .window = 0.5, .lenient = lenient};
    const size_t n = frames.bins * et__frames_channels(&frames);
    float *row = et_alloc(n, sizeof *row);
    if (row == NULL) return;
    et_error_clear();
    if (et__spikes_bin("fuzz", &frames, spikes, row) != ET_OK) {
        if (et_error_message()[0] == '\0') abort();
        if (lenient) abort(); /* times of files are numbers, units are checked */
    }
    for (size_t i = 0; i < n; i++)
        if (!(row[i] >= 0) || row[i] > (float)spikes->n) abort();
    et_free(row);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    const enum et__aer_format format = (enum et__aer_format)(data[0] % ET__AER_FORMATS);
    struct et__spikes spikes;
    size_t width, height;
    et__aer_size(format, &width, &height);
    et_error_clear();
    if (et__aer_parse("fuzz", format, data + 1, size - 1, &spikes) != ET_OK) {
        if (et_error_message()[0] == '\0') abort();
        return 0;
    }
    if (spikes.n > size / 5) abort();
    for (size_t i = 0; i < spikes.n; i++)
        if (spikes.unit[i] >= 2 * width * height || !(spikes.time[i] >= 0)) abort();
    make_frames(format, &spikes, false);
    make_frames(format, &spikes, true);
    et__spikes_destroy(&spikes);
    return 0;
}
