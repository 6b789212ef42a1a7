/* SPDX-License-Identifier: Apache-2.0
 *
 * Configuration: the document's memory, and messages that show a place in it. */
#include "config_internal.h"

#include <etalon/array.h>

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    BLOCK_SIZE = 16 << 10,
    COLUMNS = 100 /* of a source line that a message repeats */
};

/* ------------------------------------------------------------------------------------ memory -- */

struct et__block {
    struct et__block *next;
    size_t used, size;
    _Alignas(max_align_t) unsigned char data[];
};

void *et__document_take(struct et__document *document, size_t count, size_t size)
{
    size_t bytes = count * size;
    assert(size == 0 || bytes / size == count);
    bytes = (bytes + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
    struct et__block *block = document->blocks;
    if (!block || block->size - block->used < bytes) {
        size_t capacity = bytes > BLOCK_SIZE ? bytes : BLOCK_SIZE;
        block = et_alloc(1, sizeof *block + capacity);
        if (!block) return NULL;
        block->size = capacity;
        block->next = document->blocks;
        document->blocks = block;
    }
    void *memory = block->data + block->used;
    block->used += bytes;
    return memory;
}

char *et__document_text(struct et__document *document, const char *text, size_t length)
{
    char *copy = et__document_take(document, length + 1, 1);
    if (copy && length > 0) memcpy(copy, text, length);
    return copy;
}

void et__document_close(struct et__document *document)
{
    if (!document) return;
    for (struct et__block *block = document->blocks, *next; block; block = next) {
        next = block->next;
        et_free(block);
    }
    et__text_free(&document->scratch);
    et_free(document);
}

/* ---------------------------------------------------------------------------------- messages -- */

bool et__continues(char byte)
{
    return ((unsigned char)byte & 0xC0) == 0x80;
}

const char *et__shown(const char *text, char *buffer, size_t n)
{
    size_t length = strlen(text);
    bool cut = length > n - 1;
    if (cut) {
        length = n - 4;
        while (length > 0 && et__continues(text[length]))
            length--;
    }
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        buffer[i] = c < 0x20 || c == 0x7F ? '?' : text[i];
    }
    strcpy(buffer + length, cut ? "..." : "");
    return buffer;
}

/* Line (from 1), column in characters (from 1) and bounds of the line of a position.  The end of
 * the text counts as the end of its last line that is not blank. */
struct spot {
    size_t line, column, begin, end, at;
};

static struct spot spot_find(const struct et__source *source, size_t at)
{
    const char *text = source->text;
    size_t trimmed = source->length;
    while (trimmed > 0 && strchr(" \t\r\n", text[trimmed - 1]))
        trimmed--;
    if (at > trimmed) at = trimmed;
    struct spot spot = {.line = 1, .column = 1, .at = at};
    for (size_t i = 0; i < at; i++) {
        if (text[i] == '\n') {
            spot.line++;
            spot.begin = i + 1;
        }
    }
    for (size_t i = spot.begin; i < at; i++)
        spot.column += !et__continues(text[i]);
    spot.end = at;
    while (spot.end < source->length && text[spot.end] != '\n' && text[spot.end] != '\r')
        spot.end++;
    return spot;
}

size_t et__place_line(const struct et__place *place)
{
    return spot_find(place->source, place->start).line;
}

struct picture {
    char text[1024];
    size_t length;
};

static void put(struct picture *picture, const char *bytes, size_t n)
{
    if (n >= sizeof picture->text - picture->length) return;
    memcpy(picture->text + picture->length, bytes, n);
    picture->length += n;
    picture->text[picture->length] = '\0';
}

/* Two lines: the source line (a window of it when it is long) and ^~~~ under [spot.at, end). */
static void draw(struct picture *picture, const char *text, struct spot spot, size_t end)
{
    size_t columns = 0, stop = 0;
    for (size_t i = spot.begin; i < spot.end; i++) {
        columns += !et__continues(text[i]);
        if (i < end) stop = columns;
    }
    size_t caret = spot.column - 1, from = 0, to = columns;
    if (columns > COLUMNS) {
        from = caret > COLUMNS / 2 ? caret - COLUMNS / 2 : 0;
        if (from > columns - COLUMNS) from = columns - COLUMNS;
        to = from + COLUMNS;
    }
    put(picture, "\n", 1);
    put(picture, "...", from > 0 ? 3 : 0);
    for (size_t i = spot.begin, column = 0; i < spot.end; i++) {
        if (i > spot.begin && !et__continues(text[i])) column++;
        if (column >= from && column < to) put(picture, text[i] == '\r' ? " " : text + i, 1);
    }
    put(picture, "...\n", to < columns ? 4 : 0);
    put(picture, "\n", to < columns ? 0 : 1);
    put(picture, "   ", from > 0 ? 3 : 0);
    for (size_t i = spot.begin, column = 0; i < spot.at; i++) {
        if (et__continues(text[i])) continue;
        if (column++ >= from) put(picture, text[i] == '\t' ? "\t" : " ", 1);
    }
    put(picture, "^", 1);
    for (size_t column = caret + 1; column < stop && column < to; column++)
        put(picture, "~", 1);
}

enum et_status et__vfail(enum et_status status, const struct et__place *place, const char *format,
                         va_list list)
{
    const struct et__source *source = place->source;
    char message[1024];
    vsnprintf(message, sizeof message, format, list);
    if (source->kind != ET__SOURCE_FILE)
        return et_error_set(status, "%s:%s%s", source->name, " error: ", message);
    struct spot spot = spot_find(source, place->start);
    struct picture picture = {.length = 0};
    if (spot.end > spot.begin) draw(&picture, source->text, spot, place->end);
    return et_error_set(status, "%s:%zu:%zu: error: %s%s", source->name, spot.line, spot.column,
                        message, picture.text);
}

enum et_status et__fail(const struct et__place *place, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    enum et_status status = et__vfail(ET_CONFIG, place, format, list);
    va_end(list);
    return status;
}
