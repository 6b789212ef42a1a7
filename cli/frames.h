/* SPDX-License-Identifier: Apache-2.0
 *
 * Frames of a field: kept while a system runs, stored and drawn afterwards, because the colours
 * of a frame depend on the largest amplitude of all frames. */
#ifndef ETALON_CLI_FRAMES_H
#define ETALON_CLI_FRAMES_H

#include <etalon/array.h>
#include <etalon/store.h>

#include <stdbool.h>
#include <stddef.h>

struct frames {
    float *field; /* [n][ny][nx] */
    double *time_s;
    size_t n, capacity, ny, nx;
    double dx_m;
    char unit[32];
    struct et_error_record failure; /* of the callback, which cannot return one */
};

/* et_observer.frame; user is the struct frames. */
void frames_add(void *user, size_t step, double time_s, struct et_view field, double dx_m,
                const char *unit);

/* /field/values, /field/time and /field/dx of a file. */
enum et_status frames_store(const struct frames *frames, struct et_store *store) ET_CHECKED;

/* Writes DIR/frame_0000.png and so on; the folder is made.  The largest amplitude of all frames is
 * the last colour (see colours.h); y points up. */
enum et_status frames_draw(const struct frames *frames, const char *directory) ET_CHECKED;
/* The same as one GIF that repeats for ever. */
enum et_status frames_animate(const struct frames *frames, const char *path) ET_CHECKED;

/* For those who draw: has the field one sign only; pixels per cell, 1 or more, for pictures about
 * `wanted` wide; the largest amplitude of all frames, 1 when there is none; line y from the top of
 * a frame as numbers of colours [nx * zoom]. */
bool frames_one_sign(const struct frames *frames);
size_t frames_zoom(const struct frames *frames, size_t wanted);
float frames_scale(const struct frames *frames);
void frames_line(const struct frames *frames, size_t index, size_t y, size_t zoom, bool one_sign,
                 float scale, unsigned char *line);

void frames_free(struct frames *frames);

#endif
