/* SPDX-License-Identifier: Apache-2.0
 *
 * Animations, read back by the GIF library: frames, colours, orientation, the loop. */
#include "close.h"
#include "cli/colours.h"
#include "cli/frames.h"

#include <gif_lib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { NX = 3, NY = 2, FRAMES = 4 };

static struct frames made(float sign)
{
    struct frames frames = {0};
    for (size_t i = 0; i < FRAMES; i++) {
        float field[NY * NX] = {0};
        field[0] = (float)(i + 1);   /* bottom left */
        field[NX] = sign * (float)i; /* above it */
        frames_add(&frames, i, 0.1 * (double)i, et_view_of(field, NY, NX), 0.01, "1");
    }
    ck_assert_int_eq(frames.failure.status, ET_OK);
    return frames;
}

/* Reads the file; it repeats for ever. */
static GifFileType *read_back(const char *path)
{
    int code;
    GifFileType *gif = DGifOpenFileName(path, &code);
    ck_assert_ptr_nonnull(gif);
    ck_assert_int_eq(DGifSlurp(gif), GIF_OK);
    ck_assert_int_eq(gif->ImageCount, FRAMES);
    const SavedImage *first = &gif->SavedImages[0];
    bool loops = false;
    for (int i = 0; i + 1 < first->ExtensionBlockCount; i++) {
        const ExtensionBlock *name = &first->ExtensionBlocks[i], *data = name + 1;
        loops = loops || (name->Function == APPLICATION_EXT_FUNC_CODE && name->ByteCount == 11 &&
                          memcmp(name->Bytes, "NETSCAPE2.0", 11) == 0 && data->ByteCount == 3 &&
                          memcmp(data->Bytes, "\1\0\0", 3) == 0);
    }
    ck_assert_msg(loops, "it plays once");
    for (int i = 0; i < FRAMES; i++) {
        GraphicsControlBlock control;
        ck_assert_int_eq(DGifSavedExtensionToGCB(gif, i, &control), GIF_OK);
        ck_assert_int_gt(control.DelayTime, 0);
    }
    return gif;
}

/* Colour of the middle of a cell of a frame. */
static const GifColorType *colour_at(const GifFileType *gif, int frame, int x, int y)
{
    int zoom = gif->SWidth / NX;
    int pixel = (y * zoom + zoom / 2) * gif->SWidth + x * zoom + zoom / 2;
    return &gif->SColorMap->Colors[gif->SavedImages[frame].RasterBits[pixel]];
}

START_TEST(fields_of_both_signs)
{
    struct frames frames = made(-1);
    char path[] = "/tmp/etalon-animation-XXXXXX";
    close(mkstemp(path));
    assert_ok(frames_animate(&frames, path));
    GifFileType *gif = read_back(path);
    /* The largest value is the last frame's, at the bottom: red.  Nothing is white. */
    const GifColorType *top = colour_at(gif, FRAMES - 1, 0, 0);
    const GifColorType *bottom = colour_at(gif, FRAMES - 1, 0, NY - 1);
    const GifColorType *nothing = colour_at(gif, 0, 2, 1);
    ck_assert(bottom->Red == 178 && bottom->Green == 24 && bottom->Blue == 43);
    ck_assert(nothing->Red == 255 && nothing->Green == 255 && nothing->Blue == 255);
    ck_assert(top->Blue > top->Red + 50);
    ck_assert_int_eq(gif->SHeight * NX, gif->SWidth * NY);
    int code;
    DGifCloseFile(gif, &code);
    frames_free(&frames);
    unlink(path);
}
END_TEST

START_TEST(intensities)
{
    struct frames frames = made(1);
    char path[] = "/tmp/etalon-animation-XXXXXX";
    close(mkstemp(path));
    assert_ok(frames_animate(&frames, path));
    GifFileType *gif = read_back(path);
    const GifColorType *bright = colour_at(gif, FRAMES - 1, 0, NY - 1);
    const GifColorType *dark = colour_at(gif, 0, 1, 0);
    ck_assert(bright->Red == 252 && bright->Green == 255 && bright->Blue == 164);
    ck_assert(dark->Red == 0 && dark->Green == 0 && dark->Blue == 4);
    int code;
    DGifCloseFile(gif, &code);
    frames_free(&frames);
    unlink(path);
}
END_TEST

START_TEST(intensities_grow_lighter)
{
    unsigned char rgb[COLOURS][3];
    colours_make(true, rgb);
    double before = -1;
    for (int i = 0; i < COLOURS; i++) {
        double light = 0.2126 * rgb[i][0] + 0.7152 * rgb[i][1] + 0.0722 * rgb[i][2];
        ck_assert_msg(light > before - 0.5, "colour %d: %g after %g", i, light, before);
        before = light;
    }
    ck_assert_uint_eq(colours_of(true, 2), 255);
    ck_assert_uint_eq(colours_of(true, -1), 0);
    ck_assert_uint_eq(colours_of(false, 0), 127);
    ck_assert_uint_eq(colours_of(false, -3), 0);
}
END_TEST

START_TEST(what_cannot_be_written)
{
    struct frames frames = {0};
    assert_status(frames_animate(&frames, "/tmp/none.gif"), ET_INVALID);
    assert_message("no frame");
    frames = made(1);
    assert_status(frames_animate(&frames, "/proc/none/x.gif"), ET_IO);
    assert_message("/proc/none/x.gif");
    if (access("/dev/full", W_OK) == 0) assert_status(frames_animate(&frames, "/dev/full"), ET_IO);
    frames.nx = 70000;
    assert_status(frames_animate(&frames, "/tmp/none.gif"), ET_INVALID);
    assert_message("65535 x 65535");
    frames.nx = NX;
    frames_free(&frames);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("animation");
    TCase *tests = tcase_create("animation");
    tcase_add_test(tests, fields_of_both_signs);
    tcase_add_test(tests, intensities);
    tcase_add_test(tests, intensities_grow_lighter);
    tcase_add_test(tests, what_cannot_be_written);
    suite_add_tcase(suite, tests);
    return suite_result(suite);
}
