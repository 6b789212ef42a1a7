/* SPDX-License-Identifier: Apache-2.0
 *
 * Digits drawn by strokes: ten glyphs of segments and arcs of ellipses, each sample with a pen, a
 * slant, a place and a shake of its own.
 *
 *     p' = centre + A (p - 1/2 + warp(p)) + offset
 *     A = rotation(angle) [[s_x, shear], [0, s_y]],   warp: a sine across, a sine down
 *     grey = clip(1/2 + (thickness/2 - distance to the nearest stroke) / pixel) + noise
 *
 * in units of the image's side, then clipped to [0, 1]. */
#include "dataset_create.h"

#include <etalon/parallel.h>
#include <etalon/rng.h>

#include <math.h>
#include <string.h>

static const struct et_param params[] = {
    {.name = "n",
     .kind = ET_PARAM_INT,
     .initial = "6000",
     .min = 10,
     .max = 1e7,
     .unit = "rows",
     .doc = "Images; the digits are equally frequent."},
    {.name = "size",
     .kind = ET_PARAM_INT,
     .initial = "16",
     .min = 8,
     .max = 64,
     .unit = "pixels",
     .doc = "Side of an image."},
    {.name = "rotation",
     .kind = ET_PARAM_REAL,
     .initial = "0.2",
     .min = 0,
     .max = 3.2,
     .unit = "rad",
     .doc = "Largest rotation either way."},
    {.name = "jitter",
     .kind = ET_PARAM_REAL,
     .initial = "0.08",
     .min = 0,
     .max = 0.5,
     .doc = "Largest shift, warp and (twofold) change of size, in sides of the image."},
    {.name = "thickness",
     .kind = ET_PARAM_REAL,
     .initial = "0.11",
     .min = 0.01,
     .max = 0.5,
     .doc = "Mean width of the pen in sides of the image; a sample has 0.6 to 1.4 of it."},
    {.name = "noise",
     .kind = ET_PARAM_REAL,
     .initial = "0.15",
     .min = 0,
     .max = 10,
     .doc = "Standard deviation of the noise of each pixel; ink is 1, paper 0."},
    {0},
};

/* An arc of an ellipse between two angles (degrees, clockwise from the right as y points down), or
 * with rx = ry = 0 a segment from (cx, cy) to (a0, a1). */
struct stroke {
    float cx, cy, rx, ry, a0, a1;
};

enum { STROKES = 3, ARC = 14, PIECES = STROKES * ARC };

/* clang-format off */
static const struct stroke glyph[10][STROKES] = {
    {{.50F, .50F, .25F, .37F, 0, 360}},
    {{.36F, .27F, 0, 0, .54F, .12F}, {.54F, .12F, 0, 0, .54F, .88F}},
    {{.49F, .33F, .23F, .20F, 180, 398}, {.67F, .45F, 0, 0, .26F, .86F}, {.26F, .86F, 0, 0, .76F, .86F}},
    {{.46F, .31F, .22F, .18F, 200, 450}, {.46F, .69F, .25F, .20F, 270, 520}},
    {{.58F, .12F, 0, 0, .24F, .62F}, {.24F, .62F, 0, 0, .79F, .62F}, {.63F, .38F, 0, 0, .63F, .89F}},
    {{.72F, .14F, 0, 0, .33F, .14F}, {.33F, .14F, 0, 0, .31F, .48F}, {.48F, .65F, .24F, .22F, 225, 510}},
    {{.50F, .67F, .22F, .20F, 0, 360}, {.62F, .62F, .34F, .49F, 178, 280}},
    {{.24F, .14F, 0, 0, .76F, .14F}, {.76F, .14F, 0, 0, .43F, .88F}},
    {{.50F, .31F, .18F, .17F, 0, 360}, {.50F, .68F, .23F, .20F, 0, 360}},
    {{.49F, .33F, .21F, .20F, 0, 360}, {.70F, .33F, 0, 0, .60F, .88F}},
};
/* clang-format on */

struct piece {
    float x0, y0, x1, y1;
};

struct drawing {
    const struct et_dataset *dataset;
    uint64_t seed;
    size_t size;
    float rotation, jitter, thickness, noise;
};

/* What makes a sample its own: numbers in [-1, 1). */
struct hand {
    float turn, shear, grow_x, grow_y, move_x, move_y, warp_x, warp_y, phase_x, phase_y, pen;
};

static void transform(const struct drawing *drawing, const struct hand *hand, float *x, float *y)
{
    const float turn = 6.2831853F, jitter = drawing->jitter;
    float u = *x - 0.5F + jitter * hand->warp_x * sinf(turn * (*y + hand->phase_x) * 0.7F);
    float v = *y - 0.5F + jitter * hand->warp_y * sinf(turn * (*x + hand->phase_y) * 0.7F);
    u = (1 + 2 * jitter * hand->grow_x) * u + 2 * jitter * hand->shear * v;
    v *= 1 + 2 * jitter * hand->grow_y;
    float angle = drawing->rotation * hand->turn;
    *x = 0.5F + cosf(angle) * u - sinf(angle) * v + jitter * hand->move_x;
    *y = 0.5F + sinf(angle) * u + cosf(angle) * v + jitter * hand->move_y;
}

static void point_of(const struct stroke *stroke, float part, float *x, float *y)
{
    if (stroke->rx <= 0) {
        *x = stroke->cx + part * (stroke->a0 - stroke->cx);
        *y = stroke->cy + part * (stroke->a1 - stroke->cy);
        return;
    }
    float angle = 0.017453293F * (stroke->a0 + part * (stroke->a1 - stroke->a0));
    *x = stroke->cx + stroke->rx * cosf(angle);
    *y = stroke->cy + stroke->ry * sinf(angle);
}

/* The strokes of a digit as straight pieces; returns how many. */
static size_t cut(const struct drawing *drawing, const struct hand *hand, size_t digit,
                  struct piece *piece)
{
    size_t n = 0;
    for (size_t s = 0; s < STROKES; s++) {
        const struct stroke *stroke = &glyph[digit][s];
        if (stroke->cx <= 0) break; /* fewer strokes */
        for (size_t k = 0; k < ARC; k++, n++) {
            point_of(stroke, (float)k / ARC, &piece[n].x0, &piece[n].y0);
            point_of(stroke, (float)(k + 1) / ARC, &piece[n].x1, &piece[n].y1);
            transform(drawing, hand, &piece[n].x0, &piece[n].y0);
            transform(drawing, hand, &piece[n].x1, &piece[n].y1);
        }
    }
    return n;
}

/* Square of the distance from a point to a piece. */
static float distance2(const struct piece *p, float x, float y)
{
    float dx = p->x1 - p->x0, dy = p->y1 - p->y0, length2 = dx * dx + dy * dy;
    float along = length2 > 0 ? ((x - p->x0) * dx + (y - p->y0) * dy) / length2 : 0;
    along = along < 0 ? 0 : along > 1 ? 1 : along;
    float ax = x - p->x0 - along * dx, ay = y - p->y0 - along * dy;
    return ax * ax + ay * ay;
}

static float clip01(float v)
{
    return v < 0 ? 0 : v > 1 ? 1 : v;
}

static void draw(void *user, size_t row, size_t worker)
{
    (void)worker;
    const struct drawing *drawing = user;
    struct piece piece[PIECES];
    struct hand hand;
    enum { NUMBERS = sizeof hand / sizeof(float) };
    float number[NUMBERS];
    size_t size = drawing->size, pixels = size * size;
    float *image = drawing->dataset->x.data + row * pixels;
    et_rng_fill_uniform(drawing->seed, ET_STREAM_DATA, 0, row * NUMBERS, -1, 1, number, NUMBERS);
    memcpy(&hand, number, sizeof hand);
    size_t n = cut(drawing, &hand, (size_t)drawing->dataset->label[row], piece);
    float half = 0.5F * drawing->thickness * (1 + 0.4F * hand.pen), side = (float)size;
    et_rng_fill_normal(drawing->seed, ET_STREAM_DATA, 1, row * pixels, image, pixels);
    for (size_t k = 0; k < pixels; k++) {
        size_t row_of_k = k / size, column_of_k = k % size;
        float x = ((float)column_of_k + 0.5F) / side, y = ((float)row_of_k + 0.5F) / side;
        float least = distance2(&piece[0], x, y);
        for (size_t i = 1; i < n; i++)
            least = fminf(least, distance2(&piece[i], x, y));
        float ink = clip01(0.5F + (half - sqrtf(least)) * side);
        image[k] = clip01(ink + drawing->noise * image[k]);
    }
}

static enum et_status load(const struct et_config *config, uint64_t seed,
                           struct et_dataset *dataset)
{
    size_t n = (size_t)et_config_int(config, "n"), size = (size_t)et_config_int(config, "size");
    ET_TRY(et__dataset_create(dataset, n, size * size, 10, NULL, 0));
    dataset->origin = "generated: digits drawn by strokes";
    for (size_t r = 0; r < n; r++)
        dataset->label[r] = (int32_t)(r % 10);
    struct drawing drawing = {
        .dataset = dataset,
        .seed = seed,
        .size = size,
        .rotation = (float)et_config_real(config, "rotation"),
        .jitter = (float)et_config_real(config, "jitter"),
        .thickness = (float)et_config_real(config, "thickness"),
        .noise = (float)et_config_real(config, "noise"),
    };
    et_parallel_for(n, draw, &drawing);
    return ET_OK;
}

const struct et_dataset_type et_dataset_digits = {
    .name = "digits",
    .summary = "Images of the ten digits, drawn by strokes with a shaky hand (generated).",
    .params = params,
    .load = load,
};
