/* SPDX-License-Identifier: Apache-2.0
 *
 * Sound files by libsndfile.
 *
 * What a header claims is not taken on trust: room grows with the frames that really come. */
#include "sound.h"

#include <etalon/array.h>

#include <errno.h>
#include <math.h>
#include <sndfile.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

enum { FRAMES = 4096 };

void et__sound_destroy(struct et__sound *sound)
{
    et_free(sound->sample);
    *sound = (struct et__sound){0};
}

static enum et_status grow(struct et__sound *sound, size_t *capacity)
{
    size_t wanted = *capacity > 0 ? 2 * *capacity : 4 * FRAMES;
    float *larger = et_alloc(wanted, sizeof *larger);
    if (larger == NULL) return ET_NOMEM;
    if (sound->n > 0) memcpy(larger, sound->sample, sound->n * sizeof *larger);
    et_free(sound->sample);
    sound->sample = larger;
    *capacity = wanted;
    return ET_OK;
}

/* Appends the mean over the channels of n frames. */
static enum et_status append(const char *path, struct et__sound *sound, const float *frames,
                             size_t n, size_t channels)
{
    for (size_t i = 0; i < n; i++) {
        float sum = 0;
        for (size_t c = 0; c < channels; c++)
            sum += frames[i * channels + c];
        if (!isfinite(sum))
            return et_error_set(ET_FORMAT, "'%s': frame %zu is not a finite number", path,
                                sound->n);
        sound->sample[sound->n++] = sum / (float)channels;
    }
    return ET_OK;
}

static enum et_status read_frames(const char *path, SNDFILE *file, size_t channels, float *frames,
                                  struct et__sound *sound)
{
    size_t capacity = 0;
    for (;;) {
        sf_count_t got = sf_readf_float(file, frames, FRAMES);
        if (got <= 0) break;
        if (sound->n + (size_t)got > ET__SOUND_MAX)
            return et_error_set(ET_FORMAT, "'%s' is longer than %d frames", path, ET__SOUND_MAX);
        while (sound->n + (size_t)got > capacity)
            ET_TRY(grow(sound, &capacity));
        ET_TRY(append(path, sound, frames, (size_t)got, channels));
    }
    if (sf_error(file) != SF_ERR_NO_ERROR)
        return et_error_set(ET_FORMAT, "'%s', after %zu frames: %s", path, sound->n,
                            sf_strerror(file));
    if (sound->n == 0) return et_error_set(ET_FORMAT, "'%s' holds no samples", path);
    return ET_OK;
}

static enum et_status check_file(const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return et_error_set(ET_IO, "cannot open '%s': %s", path, strerror(errno));
    if (!S_ISREG(info.st_mode)) return et_error_set(ET_IO, "'%s' is not a regular file", path);
    if (info.st_size == 0) return et_error_set(ET_FORMAT, "'%s' is an empty file", path);
    return ET_OK;
}

enum et_status et__sound_read(const char *path, struct et__sound *sound)
{
    ET_TRY(check_file(path));
    SF_INFO info = {0};
    SNDFILE *file = sf_open(path, SFM_READ, &info);
    if (file == NULL) {
        bool system = sf_error(NULL) == SF_ERR_SYSTEM;
        return et_error_set(system ? ET_IO : ET_FORMAT, "cannot read '%s' as sound: %s", path,
                            sf_strerror(NULL));
    }
    enum et_status status = ET_OK;
    float *frames = NULL;
    if (info.channels < 1 || info.channels > ET__SOUND_CHANNELS)
        status = et_error_set(ET_FORMAT, "'%s' has %d channels; at most %d are averaged", path,
                              info.channels, ET__SOUND_CHANNELS);
    else if (info.samplerate < 1)
        status =
            et_error_set(ET_FORMAT, "'%s' has a sampling rate of %d Hz", path, info.samplerate);
    else if (!(frames = et_alloc((size_t)info.channels * FRAMES, sizeof *frames)))
        status = ET_NOMEM;
    else
        status = read_frames(path, file, (size_t)info.channels, frames, sound);
    sound->rate = info.samplerate;
    et_free(frames);
    sf_close(file);
    if (status != ET_OK) et__sound_destroy(sound);
    return status;
}
