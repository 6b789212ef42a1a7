/* SPDX-License-Identifier: Apache-2.0
 *
 * Recorded spikes of one sample, and their way into frames: row [bins][channels], the input of a
 * system that takes one frame for each time step. */
#ifndef ETALON_TRAINING_SPIKES_H
#define ETALON_TRAINING_SPIKES_H

#include <etalon/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct et__spikes {
    double *time;   /* [n] s */
    uint32_t *unit; /* [n] */
    float *value;   /* [n], or NULL: 1 each */
    size_t n;
};

/* Makes room for n spikes (none is counted yet).  Errors: ET_NOMEM. */
enum et_status et__spikes_create(struct et__spikes *spikes, size_t n) ET_CHECKED;
void et__spikes_destroy(struct et__spikes *spikes);

struct et__frames {
    size_t bins, units; /* channels of a frame: units / merge, rounded up */
    size_t merge;       /* so many neighbouring units share a channel */
    double window;      /* s; bin k holds [k, k + 1) window/bins */
    bool upper;         /* bin k holds (k, k + 1] instead: an event at the end of a step is its */
    bool clip;          /* a bin with any spike is 1 */
    bool lenient;       /* sorts, and drops what lies outside the window */
};

/* Adds the spikes of one sample to row [bins][channels], zeroed before; may sort them.
 * Errors: ET_FORMAT naming `where`, the spike, its value and the limit: times that are not numbers,
 * negative, beyond the window or decreasing, units beyond the layer. */
enum et_status et__spikes_bin(const char *where, const struct et__frames *frames,
                              struct et__spikes *spikes, float *row) ET_CHECKED;
size_t et__frames_channels(const struct et__frames *frames);

#endif
