/* SPDX-License-Identifier: Apache-2.0
 *
 * Recordings in memory: sound.c is the one user of libsndfile, resample.c that of libsamplerate. */
#ifndef ETALON_TRAINING_SOUND_H
#define ETALON_TRAINING_SOUND_H

#include <etalon/error.h>

#include <stddef.h>

/* One channel; full scale of integer formats is 1. */
struct et__sound {
    float *sample; /* [n], owned (et_alloc) */
    size_t n;
    double rate; /* Hz */
};

/* Most samples (frames) and channels of a file: an hour at 16 kHz. */
enum { ET__SOUND_MAX = 1 << 26, ET__SOUND_CHANNELS = 64 };

/* Reads a whole file of any format that libsndfile knows; several channels are averaged.
 * *sound must be empty; the caller destroys it.
 * Errors: ET_IO (cannot be opened), ET_FORMAT (not a sound file, damaged, no samples, a sample that
 * is not finite, too long, too many channels), ET_NOMEM. */
enum et_status et__sound_read(const char *path, struct et__sound *sound) ET_CHECKED;

/* The same signal at another rate by band-limited interpolation (best quality); name stands for it
 * in messages.  *to must be empty.
 * Errors: ET_INVALID (ratio outside 1/256 .. 256), ET_FORMAT (too long), ET_NOMEM. */
enum et_status et__sound_resample(const char *name, const struct et__sound *from, double rate,
                                  struct et__sound *to) ET_CHECKED;

/* Frees and empties. */
void et__sound_destroy(struct et__sound *sound);

#endif
