/* SPDX-License-Identifier: Apache-2.0
 *
 * Another sampling rate by libsamplerate: its best band-limited interpolation, on one thread. */
#include "sound.h"

#include <etalon/array.h>

#include <math.h>
#include <samplerate.h>
#include <string.h>

enum { SLACK = 16 }; /* frames that rounding may add */

enum et_status et__sound_resample(const char *name, const struct et__sound *from, double rate,
                                  struct et__sound *to)
{
    double ratio = rate / from->rate, frames = ceil((double)from->n * ratio) + SLACK;
    if (!src_is_valid_ratio(ratio))
        return et_error_set(ET_INVALID, "'%s' has %g Hz; resampling to %g Hz is out of reach", name,
                            from->rate, rate);
    if (frames > ET__SOUND_MAX)
        return et_error_set(ET_FORMAT, "'%s' has %g frames at %g Hz, more than %d", name, frames,
                            rate, ET__SOUND_MAX);
    to->rate = rate;
    if (!(to->sample = et_alloc((size_t)frames, sizeof *to->sample))) return ET_NOMEM;
    SRC_DATA job = {.data_in = from->sample,
                    .data_out = to->sample,
                    .input_frames = (long)from->n,
                    .output_frames = (long)frames,
                    .src_ratio = ratio};
    int failure = src_simple(&job, SRC_SINC_BEST_QUALITY, 1);
    if (failure == 0) {
        to->n = (size_t)job.output_frames_gen;
        return ET_OK;
    }
    et__sound_destroy(to);
    return et_error_set(ET_FORMAT, "'%s': %s", name, src_strerror(failure));
}
