/* SPDX-License-Identifier: Apache-2.0
 *
 * Spikes into frames. */
#include "spikes.h"

#include <etalon/array.h>

#include <math.h>

enum et_status et__spikes_create(struct et__spikes *spikes, size_t n)
{
    *spikes = (struct et__spikes){.time = et_alloc(n, sizeof *spikes->time),
                                  .unit = et_alloc(n, sizeof *spikes->unit)};
    if (spikes->time != NULL && spikes->unit != NULL) return ET_OK;
    et__spikes_destroy(spikes);
    return ET_NOMEM;
}

void et__spikes_destroy(struct et__spikes *spikes)
{
    et_free(spikes->time);
    et_free(spikes->unit);
    et_free(spikes->value);
    *spikes = (struct et__spikes){0};
}

size_t et__frames_channels(const struct et__frames *frames)
{
    return (frames->units + frames->merge - 1) / frames->merge;
}

static enum et_status check(const char *where, const struct et__frames *frames,
                            const struct et__spikes *spikes, size_t i)
{
    const double time = spikes->time[i];
    if (isnan(time)) return et_error_set(ET_FORMAT, "%s: spike %zu has no time", where, i);
    if (spikes->unit[i] >= frames->units)
        return et_error_set(ET_FORMAT, "%s: spike %zu is of unit %u; the layer has %zu units",
                            where, i, spikes->unit[i], frames->units);
    if (frames->lenient) return ET_OK;
    if (time < 0)
        return et_error_set(ET_FORMAT, "%s: spike %zu has the negative time %g s", where, i, time);
    if (frames->upper ? time > frames->window : time >= frames->window)
        return et_error_set(ET_FORMAT, "%s: spike %zu at %g s is beyond the window of %g s", where,
                            i, time, frames->window);
    if (i > 0 && time < spikes->time[i - 1])
        return et_error_set(ET_FORMAT, "%s: spike %zu at %g s comes before spike %zu at %g s",
                            where, i, time, i - 1, spikes->time[i - 1]);
    return ET_OK;
}

/* Sums into bins do not ask for the order; nothing needs to be sorted. */
enum et_status et__spikes_bin(const char *where, const struct et__frames *frames,
                              struct et__spikes *spikes, float *row)
{
    const size_t channels = et__frames_channels(frames);
    for (size_t i = 0; i < spikes->n; i++) {
        ET_TRY(check(where, frames, spikes, i));
        double place = spikes->time[i] / frames->window * (double)frames->bins;
        /* Times are decimal numbers: a step's end may lie a rounding above it. */
        if (frames->upper) place = fmax(ceil(place - 1e-6) - 1, spikes->time[i] == 0 ? 0 : -1);
        if (!(place >= 0) || place >= (double)frames->bins) continue;
        float *bin = &row[(size_t)place * channels + spikes->unit[i] / frames->merge];
        *bin += spikes->value != NULL ? spikes->value[i] : 1;
        if (frames->clip && *bin != 0) *bin = 1;
    }
    return ET_OK;
}
