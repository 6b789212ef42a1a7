/* SPDX-License-Identifier: Apache-2.0
 *
 * Frames of a field as a looping GIF. */
#include "colours.h"
#include "frames.h"

#include <errno.h>
#include <fcntl.h>
#include <gif_lib.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static enum et_status fail(const char *path, int code)
{
    const char *text = GifErrorString(code);
    return et_error_set(ET_IO, "%s: %s", path, text ? text : "cannot be written");
}

/* Says that a player starts again at the end, for ever: the extension that all browsers know. */
static int put_loop(GifFileType *gif)
{
    static const unsigned char forever[3] = {1, 0, 0};
    if (EGifPutExtensionLeader(gif, APPLICATION_EXT_FUNC_CODE) == GIF_ERROR) return GIF_ERROR;
    if (EGifPutExtensionBlock(gif, 11, "NETSCAPE2.0") == GIF_ERROR) return GIF_ERROR;
    if (EGifPutExtensionBlock(gif, sizeof forever, forever) == GIF_ERROR) return GIF_ERROR;
    return EGifPutExtensionTrailer(gif);
}

static int put_head(GifFileType *gif, const struct frames *frames, size_t zoom)
{
    unsigned char rgb[COLOURS][3];
    GifColorType colour[COLOURS];
    colours_make(frames_one_sign(frames), rgb);
    for (int i = 0; i < COLOURS; i++)
        colour[i] = (GifColorType){rgb[i][0], rgb[i][1], rgb[i][2]};
    ColorMapObject map = {.ColorCount = COLOURS, .BitsPerPixel = 8, .Colors = colour};
    EGifSetGifVersion(gif, true);
    int width = (int)(frames->nx * zoom), height = (int)(frames->ny * zoom);
    if (EGifPutScreenDesc(gif, width, height, 8, 0, &map) == GIF_ERROR) return GIF_ERROR;
    return put_loop(gif);
}

static int put_frame(GifFileType *gif, const struct frames *frames, size_t index, size_t zoom,
                     unsigned char *line)
{
    enum { DELAY = 5 }; /* hundredths of a second */
    GraphicsControlBlock control = {.DisposalMode = DISPOSE_DO_NOT,
                                    .DelayTime = DELAY,
                                    .TransparentColor = NO_TRANSPARENT_COLOR};
    GifByteType bytes[4];
    EGifGCBToExtension(&control, bytes);
    if (EGifPutExtension(gif, GRAPHICS_EXT_FUNC_CODE, sizeof bytes, bytes) == GIF_ERROR)
        return GIF_ERROR;
    bool one_sign = frames_one_sign(frames);
    float scale = frames_scale(frames);
    size_t width = frames->nx * zoom, height = frames->ny * zoom;
    if (EGifPutImageDesc(gif, 0, 0, (int)width, (int)height, false, NULL) == GIF_ERROR)
        return GIF_ERROR;
    for (size_t y = 0; y < height; y++) {
        frames_line(frames, index, y, zoom, one_sign, scale, line);
        if (EGifPutLine(gif, line, (int)width) == GIF_ERROR) return GIF_ERROR;
    }
    return GIF_OK;
}

enum et_status frames_animate(const struct frames *frames, const char *path)
{
    enum { WIDTH_WANTED = 256, LARGEST = 65535 };
    size_t zoom = frames_zoom(frames, WIDTH_WANTED);
    if (frames->n == 0) return et_error_set(ET_INVALID, "%s: there is no frame", path);
    if (frames->nx > LARGEST || frames->ny > LARGEST)
        return et_error_set(ET_INVALID, "%s: a GIF has at most %d x %d pixels, not %zu x %zu", path,
                            LARGEST, LARGEST, frames->nx, frames->ny);
    unsigned char *line = et_alloc(frames->nx * zoom, 1);
    if (line == NULL) return ET_NOMEM;
    int code = 0;
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    GifFileType *gif = file < 0 ? NULL : EGifOpenFileHandle(file, &code); /* takes the file over */
    if (gif == NULL) {
        et_free(line);
        return file < 0 ? et_error_set(ET_IO, "%s: %s", path, strerror(errno)) : fail(path, code);
    }
    int result = put_head(gif, frames, zoom);
    for (size_t i = 0; i < frames->n && result == GIF_OK; i++)
        result = put_frame(gif, frames, i, zoom, line);
    code = gif->Error;
    int closing = 0;
    if (EGifCloseFile(gif, &closing) == GIF_ERROR && result == GIF_OK) {
        result = GIF_ERROR;
        code = closing;
    }
    et_free(line);
    if (result == GIF_OK) return ET_OK;
    struct stat kind;
    if (stat(path, &kind) == 0 && S_ISREG(kind.st_mode)) remove(path);
    return fail(path, code);
}
