/* SPDX-License-Identifier: Apache-2.0
 *
 * Colour maps as palettes. */
#include "colours.h"

#include <math.h>

enum { ZERO = 127 }; /* the middle of an odd number of colours: 0 to 254 */

/* A point between the anchors, at [0, 1] of their row. */
static void between(const float (*anchor)[3], int n, float at, unsigned char *rgb)
{
    float place = at * (float)(n - 1);
    int i = place < (float)(n - 2) ? (int)place : n - 2;
    float share = place - (float)i;
    for (int c = 0; c < 3; c++)
        rgb[c] = (unsigned char)lrintf(anchor[i][c] + share * (anchor[i + 1][c] - anchor[i][c]));
}

void colours_make(bool sequential, unsigned char rgb[COLOURS][3])
{
    static const float signs[3][3] = {{33, 74, 165}, {255, 255, 255}, {178, 24, 43}};
    static const float light[5][3] = {
        {0, 0, 4}, {87, 16, 110}, {188, 55, 84}, {249, 142, 9}, {252, 255, 164}};
    for (int i = 0; i < COLOURS; i++) {
        float at = sequential ? (float)i / (COLOURS - 1) : fminf((float)i / (2 * ZERO), 1);
        if (sequential)
            between(light, 5, at, rgb[i]);
        else
            between(signs, 3, at, rgb[i]);
    }
}

unsigned char colours_of(bool sequential, float value)
{
    float at = sequential ? value * (COLOURS - 1) : (value + 1) * ZERO;
    float last = sequential ? COLOURS - 1 : 2 * ZERO;
    return (unsigned char)lrintf(fminf(fmaxf(at, 0), last));
}
