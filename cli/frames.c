/* SPDX-License-Identifier: Apache-2.0
 *
 * Frames of a field in memory, in HDF5 and as PNG files. */
#include "frames.h"

#include "colours.h"

#include <errno.h>
#include <math.h>
#include <png.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static enum et_status grow(struct frames *frames)
{
    size_t capacity = frames->capacity ? 2 * frames->capacity : 16;
    size_t cells = frames->ny * frames->nx;
    float *field = et_alloc(capacity, cells * sizeof *field);
    double *time_s = et_alloc(capacity, sizeof *time_s);
    if (field == NULL || time_s == NULL) {
        et_free(field);
        et_free(time_s);
        return ET_NOMEM;
    }
    if (frames->n > 0) {
        memcpy(field, frames->field, frames->n * cells * sizeof *field);
        memcpy(time_s, frames->time_s, frames->n * sizeof *time_s);
    }
    et_free(frames->field);
    et_free(frames->time_s);
    frames->field = field;
    frames->time_s = time_s;
    frames->capacity = capacity;
    return ET_OK;
}

void frames_add(void *user, size_t step, double time_s, struct et_view field, double dx_m,
                const char *unit)
{
    (void)step;
    struct frames *frames = user;
    if (frames->failure.status != ET_OK) return;
    if (frames->n == 0) {
        frames->ny = field.rows;
        frames->nx = field.cols;
        frames->dx_m = dx_m;
        snprintf(frames->unit, sizeof frames->unit, "%s", unit ? unit : "1");
    }
    bool same = field.rows == frames->ny && field.cols == frames->nx;
    if (!same) (void)et_error_set(ET_SHAPE, "the field changed its size between frames");
    if (!same || (frames->n == frames->capacity && grow(frames) != ET_OK)) {
        /* A worker thread may be calling: its record would be lost. */
        et_error_take(&frames->failure);
        return;
    }
    float *values = frames->field + frames->n * frames->ny * frames->nx;
    et_view_copy(et_view_of(values, frames->ny, frames->nx), field);
    frames->time_s[frames->n++] = time_s;
}

void frames_free(struct frames *frames)
{
    et_free(frames->field);
    et_free(frames->time_s);
    memset(frames, 0, sizeof *frames);
}

enum et_status frames_store(const struct frames *frames, struct et_store *store)
{
    if (frames->n == 0) return ET_OK;
    struct et_store_shape shape = {ET_STORE_F32, 3, {frames->n, frames->ny, frames->nx}};
    ET_TRY(et_store_write(store, "/field/values", shape, frames->field, frames->unit,
                          "Field of the first sample, [frame][y][x].", ET_STABLE));
    shape = (struct et_store_shape){ET_STORE_F64, 1, {frames->n}};
    ET_TRY(et_store_write(store, "/field/time", shape, frames->time_s, "s",
                          "Time of each frame since the start of the pass.", ET_STABLE));
    return et_store_write_f64(store, "/field/dx", frames->dx_m, "m", "Width of a cell.", ET_STABLE);
}

bool frames_one_sign(const struct frames *frames)
{
    for (size_t i = 0; i < frames->n * frames->ny * frames->nx; i++)
        if (frames->field[i] < 0) return false;
    return true;
}

float frames_scale(const struct frames *frames)
{
    float scale = 0;
    for (size_t i = 0; i < frames->n * frames->ny * frames->nx; i++)
        scale = fmaxf(scale, fabsf(frames->field[i]));
    return scale > 0 ? scale : 1;
}

size_t frames_zoom(const struct frames *frames, size_t wanted)
{
    size_t side = frames->nx > frames->ny ? frames->nx : frames->ny;
    return side > 0 && side < wanted ? wanted / side : 1;
}

void frames_line(const struct frames *frames, size_t index, size_t y, size_t zoom, bool one_sign,
                 float scale, unsigned char *line)
{
    /* Row 0 of a picture is its top; y points up. */
    const float *row =
        frames->field + (index * frames->ny + frames->ny - 1 - y / zoom) * frames->nx;
    for (size_t x = 0; x < frames->nx; x++)
        memset(line + x * zoom, colours_of(one_sign, row[x] / scale), zoom);
}

static enum et_status draw(const struct frames *frames, size_t index, size_t zoom,
                           unsigned char *pixels, const char *path)
{
    bool one_sign = frames_one_sign(frames);
    float scale = frames_scale(frames);
    unsigned char rgb[COLOURS][3];
    colours_make(one_sign, rgb);
    size_t width = frames->nx * zoom, height = frames->ny * zoom;
    for (size_t y = 0; y < height; y++)
        frames_line(frames, index, y, zoom, one_sign, scale, pixels + y * width);
    png_image image = {
        .version = PNG_IMAGE_VERSION,
        .width = (png_uint_32)width,
        .height = (png_uint_32)height,
        .format = PNG_FORMAT_RGB_COLORMAP,
        .colormap_entries = COLOURS,
    };
    if (png_image_write_to_file(&image, path, 0, pixels, 0, rgb) == 0)
        return et_error_set(ET_IO, "%s: %s", path, image.message);
    return ET_OK;
}

enum et_status frames_draw(const struct frames *frames, const char *directory)
{
    enum { WIDTH_WANTED = 640 };
    if (mkdir(directory, 0777) != 0 && errno != EEXIST)
        return et_error_set(ET_IO, "%s: %s", directory, strerror(errno));
    if (frames->n == 0) return ET_OK;
    size_t zoom = frames_zoom(frames, WIDTH_WANTED);
    unsigned char *pixels = et_alloc(frames->ny * frames->nx * zoom * zoom, 1);
    if (pixels == NULL) return ET_NOMEM;
    enum et_status status = ET_OK;
    for (size_t i = 0; i < frames->n && status == ET_OK; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/frame_%04zu.png", directory, i);
        status = draw(frames, i, zoom, pixels, path);
    }
    et_free(pixels);
    return status;
}
