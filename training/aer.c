/* SPDX-License-Identifier: Apache-2.0
 *
 * Address events.  Sources: AEDAT 2.0 file format (iniVation documentation) and address maps of
 * the sensors; Orchard et al. 2015 for N-MNIST. */
#include "aer.h"

#include <string.h>

enum { LINE_MAX_BYTES = 4096 };

void et__aer_size(enum et__aer_format format, size_t *width, size_t *height)
{
    static const size_t sizes[ET__AER_FORMATS][2] = {{34, 34}, {128, 128}, {128, 128}, {346, 260}};
    *width = sizes[format][0];
    *height = sizes[format][1];
}

struct event {
    uint32_t x, y, p;
    double time;
};

static enum et_status append(const char *name, enum et__aer_format format, size_t index,
                             const struct event *event, struct et__spikes *spikes)
{
    size_t width, height;
    et__aer_size(format, &width, &height);
    if (event->x >= width || event->y >= height)
        return et_error_set(ET_FORMAT,
                            "%s: event %zu is at pixel (%u, %u); the sensor has %zu x "
                            "%zu pixels",
                            name, index, event->x, event->y, width, height);
    spikes->time[spikes->n] = event->time;
    spikes->unit[spikes->n] = (uint32_t)((event->p * height + event->y) * width + event->x);
    spikes->n++;
    return ET_OK;
}

/* x, y, then polarity and 23 bits of microseconds; y = 240 tells that 2^13 us have passed. */
static enum et_status parse_nmnist(const char *name, const unsigned char *data, size_t size,
                                   struct et__spikes *spikes)
{
    enum { EVENT = 5, OVERFLOW_Y = 240, OVERFLOW_US = 1 << 13 };
    double passed = 0;
    if (size % EVENT != 0)
        return et_error_set(ET_FORMAT, "%s: ends within event %zu: %zu bytes are no multiple of %d",
                            name, size / EVENT, size, (int)EVENT);
    for (size_t i = 0; i < size / EVENT; i++) {
        const unsigned char *e = data + EVENT * i;
        const uint32_t us = (uint32_t)(e[2] & 0x7f) << 16 | (uint32_t)e[3] << 8 | e[4];
        if (e[1] == OVERFLOW_Y) {
            passed += OVERFLOW_US;
            continue;
        }
        const struct event event = {e[0], e[1], e[2] >> 7, ((double)us + passed) * 1e-6};
        ET_TRY(append(name, ET__AER_NMNIST, i, &event, spikes));
    }
    return ET_OK;
}

/* Skips the lines that start with '#'; the first one tells the version. */
static enum et_status skip_header(const char *name, const unsigned char *data, size_t size,
                                  size_t *start)
{
    static const char first[] = "#!AER-DAT";
    *start = 0;
    if (size < sizeof first || memcmp(data, first, sizeof first - 1) != 0)
        return et_error_set(ET_FORMAT, "%s: does not start with '%s'", name, first);
    if (data[sizeof first - 1] != '2')
        return et_error_set(ET_FORMAT, "%s: is AEDAT version '%c'; only version 2 is read", name,
                            data[sizeof first - 1] >= 32 && data[sizeof first - 1] < 127
                                ? data[sizeof first - 1]
                                : '?');
    while (*start < size && data[*start] == '#') {
        const size_t left = size - *start < LINE_MAX_BYTES ? size - *start : LINE_MAX_BYTES;
        const unsigned char *end = memchr(data + *start, '\n', left);
        if (end == NULL && *start > 0) break; /* an event whose first byte is that of '#' */
        if (end == NULL) return et_error_set(ET_FORMAT, "%s: its header has no end", name);
        *start = (size_t)(end - data) + 1;
    }
    return ET_OK;
}

static uint32_t big_endian(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* False for what is no change of brightness: triggers, images, motion. */
static bool decode(enum et__aer_format format, uint32_t address, struct event *event)
{
    switch (format) {
    case ET__AER_DVS128:
        event->x = address >> 8 & 0x7f;
        event->y = address >> 1 & 0x7f;
        event->p = address & 1;
        return (address & 0x8000) == 0;
    case ET__AER_DVS_GESTURE:
        event->x = address >> 17 & 0x1fff;
        event->y = address >> 2 & 0x1fff;
        event->p = address >> 1 & 1;
        return true;
    default: /* unsigned: a corner beyond the sensor turns into a large number */
        event->x = 345 - (address >> 12 & 0x3ff);
        event->y = 259 - (address >> 22 & 0x1ff);
        event->p = address >> 11 & 1;
        return (address & 0x80000000U) == 0 && (address & 0x400) == 0;
    }
}

static enum et_status parse_aedat(const char *name, enum et__aer_format format,
                                  const unsigned char *data, size_t size, struct et__spikes *spikes)
{
    enum { EVENT = 8 };
    size_t start = 0;
    ET_TRY(skip_header(name, data, size, &start));
    if ((size - start) % EVENT != 0)
        return et_error_set(ET_FORMAT,
                            "%s: ends within event %zu: the %zu bytes from %zu on are no multiple "
                            "of %d",
                            name, (size - start) / EVENT, size - start, start, (int)EVENT);
    for (size_t i = 0; i < (size - start) / EVENT; i++) {
        const unsigned char *e = data + start + EVENT * i;
        struct event event = {.time = (double)big_endian(e + 4) * 1e-6};
        if (decode(format, big_endian(e), &event)) ET_TRY(append(name, format, i, &event, spikes));
    }
    return ET_OK;
}

enum et_status et__aer_parse(const char *name, enum et__aer_format format,
                             const unsigned char *data, size_t size, struct et__spikes *spikes)
{
    ET_TRY(et__spikes_create(spikes, size / 5));
    enum et_status status = format == ET__AER_NMNIST
                                ? parse_nmnist(name, data, size, spikes)
                                : parse_aedat(name, format, data, size, spikes);
    if (status != ET_OK) et__spikes_destroy(spikes);
    return status;
}
