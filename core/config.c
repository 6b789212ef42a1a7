/* SPDX-License-Identifier: Apache-2.0
 *
 * Configuration: reading.
 *
 *     text -- libfyaml events --> tree of nodes -- overrides --> tree -- tables --> et_config
 *
 * The tree is built here rather than by libfyaml, so that size, depth and alias expansion are
 * bounded and every node knows the bytes it came from.  Everything that belongs to a document
 * lives in its arena and goes away with it. */
#include "config_internal.h"

#include <etalon/array.h>

#include <assert.h>
#include <errno.h>
#include <libfyaml.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TEXT_MAX = 4 << 20,      /* bytes of a document */
    RESOLVED_MAX = 64 << 20, /* bytes of the resolved texts of all its maps */
    NODES_MAX = 1 << 16,     /* values, counting each alias as what it stands for */
    KEYS_MAX = 1024,         /* of one map */
    ANCHORS_MAX = 1024,
    DEPTH_MAX = 64,      /* of lists and maps in each other */
    MAPS_DEPTH_MAX = 30, /* of checked maps: leaves room for a list around each when resolved */
    BLOCK_SIZE = 16 << 10,
    SHOWN_MAX = 48,  /* bytes of a value that a message repeats */
    LABEL_MAX = 160, /* "taps[2]" */
    COLUMNS = 100    /* of a source line that a message repeats */
};

static const double int_max = 9007199254740992.0; /* 2^53 */

/* ------------------------------------------------------------------------------- documents -- */

struct block {
    struct block *next;
    size_t used, size;
    _Alignas(max_align_t) unsigned char data[];
};

enum node_kind { NODE_NULL, NODE_SCALAR, NODE_LIST, NODE_MAP };

struct pair {
    const char *key; /* NULL in a list */
    struct et__place key_place;
    struct node *node;
    struct pair *next;
};

struct node {
    enum node_kind kind;
    bool plain; /* scalar without quotes */
    const char *text;
    struct et__place place;
    struct pair *first, *last;
    size_t count;
};

struct anchor {
    const char *name;
    const struct node *node;
    struct anchor *next;
};

struct et__document {
    struct block *blocks;
    struct et__source source;
    const char *directory;
    et_type_list *types;
    struct et__text scratch; /* for resolved texts */
    struct et_config *root;
    size_t n_nodes;    /* read */
    size_t n_values;   /* checked, defaults included: the nodes of the resolved document */
    size_t n_resolved; /* bytes */
    bool excused;      /* the error lies in what a default asks for, not in how it is written */
};

/* Zeroed memory that lives as long as the document. */
static void *take(struct et__document *document, size_t count, size_t size)
{
    size_t bytes = count * size;
    assert(size == 0 || bytes / size == count);
    bytes = (bytes + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
    struct block *block = document->blocks;
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

static char *take_text(struct et__document *document, const char *text, size_t length)
{
    char *copy = take(document, length + 1, 1);
    if (copy && length > 0) memcpy(copy, text, length);
    return copy;
}

static void document_close(struct et__document *document)
{
    if (!document) return;
    for (struct block *block = document->blocks, *next; block; block = next) {
        next = block->next;
        et_free(block);
    }
    et__text_free(&document->scratch);
    et_free(document);
}

/* -------------------------------------------------------------------------------- messages -- */

static bool continues(char byte)
{
    return ((unsigned char)byte & 0xC0) == 0x80;
}

/* Copies text for a message: at most n - 1 bytes, whole characters, nothing unprintable. */
static const char *shown(const char *text, char *buffer, size_t n)
{
    size_t length = strlen(text);
    bool cut = length > n - 1;
    if (cut) {
        length = n - 4;
        while (length > 0 && continues(text[length]))
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
        spot.column += !continues(text[i]);
    spot.end = at;
    while (spot.end < source->length && text[spot.end] != '\n' && text[spot.end] != '\r')
        spot.end++;
    return spot;
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
        columns += !continues(text[i]);
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
        if (i > spot.begin && !continues(text[i])) column++;
        if (column >= from && column < to) put(picture, text[i] == '\r' ? " " : text + i, 1);
    }
    put(picture, "...\n", to < columns ? 4 : 0);
    put(picture, "\n", to < columns ? 0 : 1);
    put(picture, "   ", from > 0 ? 3 : 0);
    for (size_t i = spot.begin, column = 0; i < spot.at; i++) {
        if (continues(text[i])) continue;
        if (column++ >= from) put(picture, text[i] == '\t' ? "\t" : " ", 1);
    }
    put(picture, "^", 1);
    for (size_t column = caret + 1; column < stop && column < to; column++)
        put(picture, "~", 1);
}

static enum et_status ET_PRINTF(3, 0)
    vfail(enum et_status status, const struct et__place *place, const char *format, va_list list)
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

static enum et_status ET_PRINTF(2, 3) fail(const struct et__place *place, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    enum et_status status = vfail(ET_CONFIG, place, format, list);
    va_end(list);
    return status;
}

static struct et__place place_at(const struct et__source *source, size_t start, size_t end)
{
    return (struct et__place){.source = source, .start = start, .end = end};
}

/* ------------------------------------------------------------------------- YAML to a tree -- */

struct builder {
    struct et__document *document;
    const struct et__source *source;
    struct fy_parser *parser;
    struct fy_diag *diag;
    struct anchor *anchors;
    size_t n_anchors;
    struct et__place last; /* of the latest event that has one */
};

/* One event, copied out of libfyaml. */
struct item {
    enum fy_event_type type;
    bool plain;
    const char *text, *anchor;
    size_t length;
    struct et__place place;
};

static void diag_sink(struct fy_diag *diag, void *user, const char *text, size_t length)
{
    (void)diag, (void)user, (void)text, (void)length;
}

/* libfyaml gave up: its first collected error, in our shape. */
static enum et_status fail_yaml(struct builder *b)
{
    void *iterator = NULL;
    const struct fy_diag_error *error;
    while ((error = fy_diag_errors_iterate(b->diag, &iterator)) != NULL) {
        if (error->type != FYET_ERROR || !error->msg) continue;
        struct et__place place = b->last;
        const struct fy_mark *start = error->fyt ? fy_token_start_mark(error->fyt) : NULL;
        const struct fy_mark *end = error->fyt ? fy_token_end_mark(error->fyt) : NULL;
        if (start && end) place = place_at(b->source, start->input_pos, end->input_pos);
        return fail(&place, "%s", error->msg);
    }
    return fail(&b->last, "malformed YAML");
}

/* The value of a plain or single-quoted scalar: '' is a quote, blanks around a line break vanish,
 * and n breaks in a row read as n - 1 of them, or a space when n = 1.  Done here because libfyaml
 * 0.7.12 doubles quotes after quotes.  Returns the length; to has room for `n` bytes. */
static size_t fold_lines(const char *from, size_t n, bool quoted, char *to)
{
    size_t length = 0, breaks = 0;
    for (size_t i = 0; i < n;) {
        size_t blanks = i;
        for (; i < n && strchr(" \t\r\n", from[i]); i++)
            breaks += from[i] == '\n' || (from[i] == '\r' && (i + 1 == n || from[i + 1] != '\n'));
        if (breaks == 0) {
            memcpy(to + length, from + blanks, i - blanks);
            length += i - blanks;
        } else {
            size_t filled = breaks > 1 ? breaks - 1 : 1;
            memset(to + length, breaks > 1 ? '\n' : ' ', filled);
            length += filled;
            breaks = 0;
        }
        if (i == n) break;
        to[length++] = from[i];
        i += quoted && from[i] == '\'' ? 2 : 1;
    }
    return length;
}

/* Bytes of a double-quoted or block scalar; copied when `to` is there.  Chunk by chunk, because
 * fy_token_get_text of libfyaml 0.7.12 leaks when escapes make more than 64 chunks. */
static size_t scalar_bytes(struct fy_token_iter *iterator, struct fy_token *token, char *to)
{
    size_t length = 0;
    int failed = 0;
    fy_token_iter_start(token, iterator);
    const struct fy_iter_chunk *chunk = NULL;
    while ((chunk = fy_token_iter_chunk_next(iterator, chunk, &failed)) != NULL) {
        if (to) memcpy(to + length, chunk->str, chunk->len);
        length += chunk->len;
    }
    fy_token_iter_finish(iterator);
    return length;
}

/* A scalar's value; its place grows to include the quotes. */
static enum et_status copy_scalar(struct builder *b, struct fy_token *token, struct item *item)
{
    enum fy_scalar_style style = fy_token_scalar_style(token);
    const struct fy_mark *start = fy_token_start_mark(token), *end = fy_token_end_mark(token);
    bool single = style == FYSS_SINGLE_QUOTED;
    char *text;
    item->plain = style == FYSS_PLAIN;
    if (item->plain || single) {
        size_t n = start && end ? end->input_pos - start->input_pos : 0;
        text = take(b->document, n + 1, 1);
        if (text && n > 0)
            item->length = fold_lines(b->source->text + start->input_pos, n, single, text);
    } else {
        struct fy_token_iter *iterator = fy_token_iter_create(NULL);
        if (!iterator) return et_error_set(ET_NOMEM, "YAML scalar");
        item->length = scalar_bytes(iterator, token, NULL);
        text = take(b->document, item->length + 1, 1);
        if (text) scalar_bytes(iterator, token, text);
        fy_token_iter_destroy(iterator);
    }
    if (start && end && (single || style == FYSS_DOUBLE_QUOTED)) {
        item->place.start -= item->place.start > 0;
        item->place.end += item->place.end < b->source->length;
        b->last = item->place;
    }
    item->text = text;
    return text ? ET_OK : ET_NOMEM;
}

static enum et_status copy_name(struct builder *b, struct fy_token *token, const char **copy)
{
    size_t length = 0;
    const char *text = fy_token_get_text(token, &length);
    *copy = take_text(b->document, text, text ? length : 0);
    return *copy ? ET_OK : ET_NOMEM;
}

static enum et_status copy_event(struct builder *b, struct fy_event *event, struct item *item)
{
    *item = (struct item){.type = event->type};
    const struct fy_mark *start = fy_event_start_mark(event), *end = fy_event_end_mark(event);
    if (start && end) b->last = place_at(b->source, start->input_pos, end->input_pos);
    item->place = b->last;
    struct fy_token *anchor = NULL, *tag = NULL;
    switch (event->type) {
    case FYET_SCALAR:
        anchor = event->scalar.anchor;
        tag = event->scalar.tag;
        ET_TRY(copy_scalar(b, event->scalar.value, item));
        if (strlen(item->text) != item->length) return fail(&item->place, "text contains \\0");
        break;
    case FYET_MAPPING_START:
        anchor = event->mapping_start.anchor;
        tag = event->mapping_start.tag;
        break;
    case FYET_SEQUENCE_START:
        anchor = event->sequence_start.anchor;
        tag = event->sequence_start.tag;
        break;
    case FYET_ALIAS:
        return copy_name(b, event->alias.anchor, &item->text);
    default:
        return ET_OK;
    }
    if (tag) return fail(&item->place, "tags (!name) are not supported");
    return anchor ? copy_name(b, anchor, &item->anchor) : ET_OK;
}

static enum et_status next_item(struct builder *b, struct item *item)
{
    struct fy_event *event = fy_parser_parse(b->parser);
    if (!event) return fail_yaml(b);
    enum et_status status = copy_event(b, event, item);
    fy_parser_event_free(b->parser, event);
    return status;
}

static enum et_status node_make(struct et__document *document, enum node_kind kind,
                                struct et__place place, struct node **node)
{
    if (document->n_nodes++ >= NODES_MAX)
        return fail(&place, "more than %d values (aliases count as what they stand for)",
                    NODES_MAX);
    *node = take(document, 1, sizeof **node);
    if (!*node) return ET_NOMEM;
    (*node)->kind = kind;
    (*node)->place = place;
    return ET_OK;
}

static struct pair *pair_append(struct et__document *document, struct node *parent, const char *key,
                                struct et__place key_place, struct node *node)
{
    struct pair *pair = take(document, 1, sizeof *pair);
    if (!pair) return NULL;
    *pair = (struct pair){.key = key, .key_place = key_place, .node = node};
    if (parent->last)
        parent->last->next = pair;
    else
        parent->first = pair;
    parent->last = pair;
    parent->count++;
    return pair;
}

static struct pair *pair_find(const struct node *map, const char *key)
{
    for (struct pair *pair = map->first; pair; pair = pair->next)
        if (strcmp(pair->key, key) == 0) return pair;
    return NULL;
}

static bool is_null_text(const char *text)
{
    return *text == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0 ||
           strcmp(text, "Null") == 0 || strcmp(text, "NULL") == 0;
}

/* A deep copy, so that an override below one use of an anchor leaves the others alone. */
static enum et_status node_copy(struct et__document *document, const struct node *from,
                                size_t depth, const struct et__place *alias, struct node **copy)
{
    if (depth > DEPTH_MAX) return fail(alias, "nested deeper than %d levels", DEPTH_MAX);
    if (document->n_nodes >= NODES_MAX)
        return fail(alias, "aliases expand to more than %d values", NODES_MAX);
    ET_TRY(node_make(document, from->kind, from->place, copy));
    (*copy)->plain = from->plain;
    (*copy)->text = from->text;
    for (const struct pair *pair = from->first; pair; pair = pair->next) {
        struct node *child;
        ET_TRY(node_copy(document, pair->node, depth + 1, alias, &child));
        if (!pair_append(document, *copy, pair->key, pair->key_place, child)) return ET_NOMEM;
    }
    return ET_OK;
}

static enum et_status build(struct builder *b, const struct item *item, size_t depth,
                            struct node **node);

static enum et_status build_alias(struct builder *b, const struct item *item, size_t depth,
                                  struct node **node)
{
    for (const struct anchor *anchor = b->anchors; anchor; anchor = anchor->next)
        if (strcmp(anchor->name, item->text) == 0)
            return node_copy(b->document, anchor->node, depth, &item->place, node);
    char name[SHOWN_MAX];
    return fail(&item->place, "unknown anchor '%s'", shown(item->text, name, sizeof name));
}

static enum et_status build_list(struct builder *b, struct node *list, size_t depth)
{
    for (;;) {
        struct item item;
        struct node *child = NULL;
        ET_TRY(next_item(b, &item));
        if (item.type == FYET_SEQUENCE_END) return ET_OK;
        ET_TRY(build(b, &item, depth + 1, &child));
        if (!pair_append(b->document, list, NULL, child->place, child)) return ET_NOMEM;
    }
}

static enum et_status build_map(struct builder *b, struct node *map, size_t depth)
{
    for (;;) {
        struct item key, item;
        struct node *child = NULL;
        char name[SHOWN_MAX];
        ET_TRY(next_item(b, &key));
        if (key.type == FYET_MAPPING_END) return ET_OK;
        if (key.type != FYET_SCALAR || key.length == 0)
            return fail(&key.place, "a name is expected before ':'");
        if (map->count >= KEYS_MAX)
            return fail(&key.place, "a map of more than %d names", KEYS_MAX);
        const struct pair *earlier = pair_find(map, key.text);
        if (earlier)
            return fail(&key.place, "'%s' is given twice; first in line %zu",
                        shown(key.text, name, sizeof name),
                        spot_find(b->source, earlier->key_place.start).line);
        /* A block map starts where its first name does: underline that name. */
        if (map->count == 0 && map->place.end == map->place.start) map->place = key.place;
        ET_TRY(next_item(b, &item));
        ET_TRY(build(b, &item, depth + 1, &child));
        if (!pair_append(b->document, map, key.text, key.place, child)) return ET_NOMEM;
    }
}

static enum et_status build(struct builder *b, const struct item *item, size_t depth,
                            struct node **node)
{
    if (depth > DEPTH_MAX) return fail(&item->place, "nested deeper than %d levels", DEPTH_MAX);
    if (item->type == FYET_ALIAS) return build_alias(b, item, depth, node);
    bool list = item->type == FYET_SEQUENCE_START, map = item->type == FYET_MAPPING_START;
    enum node_kind kind = list ? NODE_LIST : map ? NODE_MAP : NODE_SCALAR;
    if (item->type == FYET_SCALAR && item->plain && is_null_text(item->text)) kind = NODE_NULL;
    ET_TRY(node_make(b->document, kind, item->place, node));
    (*node)->text = item->text;
    (*node)->plain = item->plain;
    bool flow = item->place.end > item->place.start;
    if (list) ET_TRY(build_list(b, *node, depth));
    if (map) ET_TRY(build_map(b, *node, depth));
    if ((list || map) && flow) (*node)->place.end = b->last.end;
    if (!item->anchor) return ET_OK;
    if (++b->n_anchors > ANCHORS_MAX)
        return fail(&item->place, "more than %d anchors", ANCHORS_MAX);
    struct anchor *anchor = take(b->document, 1, sizeof *anchor);
    if (!anchor) return ET_NOMEM;
    *anchor = (struct anchor){.name = item->anchor, .node = *node, .next = b->anchors};
    b->anchors = anchor;
    return ET_OK;
}

/* One document or none (an empty text, which reads as null). */
static enum et_status build_document(struct builder *b, struct node **root)
{
    struct item item;
    ET_TRY(next_item(b, &item)); /* stream start */
    ET_TRY(next_item(b, &item));
    if (item.type == FYET_STREAM_END)
        return node_make(b->document, NODE_NULL, place_at(b->source, 0, 0), root);
    ET_TRY(next_item(b, &item));
    ET_TRY(build(b, &item, 1, root));
    ET_TRY(next_item(b, &item)); /* document end */
    ET_TRY(next_item(b, &item));
    if (item.type == FYET_STREAM_END) return ET_OK;
    return fail(&item.place, "more than one YAML document");
}

/* libfyaml is lenient about bytes that are not text; messages and the run file are not. */
static enum et_status check_bytes(const struct et__source *source)
{
    const char *text = source->text;
    if (source->length > TEXT_MAX) {
        struct et__place place = place_at(source, 0, 0);
        return fail(&place, "more than %d MiB of text", TEXT_MAX >> 20);
    }
    for (size_t i = 0; i < source->length;) {
        unsigned char c = (unsigned char)text[i];
        struct et__place place = place_at(source, i, i + 1);
        if ((c < 0x20 && !strchr("\t\n\r", c)) || c == 0 || c == 0x7F)
            return fail(&place, "control character 0x%02x", c);
        size_t n = c < 0x80 ? 1 : c < 0xC2 ? 0 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : c < 0xF5 ? 4 : 0;
        uint32_t code = n == 1 ? c : n == 2 ? c & 0x1Fu : n == 3 ? c & 0x0Fu : c & 0x07u;
        for (size_t k = 1; k < n; k++) {
            if (i + k >= source->length || !continues(text[i + k])) n = 0;
            if (n > 0) code = code << 6 | ((unsigned char)text[i + k] & 0x3Fu);
        }
        bool overlong = (n == 3 && code < 0x800) || (n == 4 && code < 0x10000);
        if (n == 0 || overlong || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
            return fail(&place, "not UTF-8 text");
        i += n;
    }
    return ET_OK;
}

static enum et_status yaml_parse(struct et__document *document, const struct et__source *source,
                                 struct node **root)
{
    ET_TRY(check_bytes(source));
    enum et_status status = ET_NOMEM;
    struct builder b = {.document = document, .source = source, .last = place_at(source, 0, 0)};
    struct fy_diag_cfg diag_cfg;
    fy_diag_cfg_default(&diag_cfg);
    diag_cfg.fp = NULL;
    diag_cfg.output_fn = diag_sink;
    diag_cfg.colorize = false;
    b.diag = fy_diag_create(&diag_cfg);
    if (!b.diag) {
        et_error_set(ET_NOMEM, "YAML parser");
        goto out;
    }
    fy_diag_set_collect_errors(b.diag, true);
    const struct fy_parse_cfg cfg = {
        .flags = FYPCF_QUIET | FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE, .diag = b.diag};
    b.parser = fy_parser_create(&cfg);
    if (!b.parser || fy_parser_set_string(b.parser, source->text, source->length) != 0) {
        et_error_set(ET_NOMEM, "YAML parser");
        goto out;
    }
    status = build_document(&b, root);
out:
    if (b.parser) fy_parser_destroy(b.parser);
    if (b.diag) fy_diag_destroy(b.diag);
    return status;
}

/* ------------------------------------------------------------------------------- overrides -- */

/* The slot of a list that a path component names. */
static enum et_status list_slot(const struct node *list, const char *list_name,
                                const char *component, const struct et__place *place,
                                struct node ***slot)
{
    char name[SHOWN_MAX];
    shown(component, name, sizeof name);
    size_t digits = strspn(component, "0123456789");
    if (digits == 0 || component[digits] != '\0' || digits > 9)
        return fail(place, "'%s' is a list: expected an index, found '%s'", list_name, name);
    size_t index = (size_t)strtoul(component, NULL, 10);
    if (index >= list->count)
        return fail(place, "index %s is out of range: '%s' has %zu %s", name, list_name,
                    list->count, list->count == 1 ? "entry" : "entries");
    struct pair *pair = list->first;
    for (size_t i = 0; i < index; i++)
        pair = pair->next;
    *slot = &pair->node;
    return ET_OK;
}

/* The slot of a map, made when missing.  A scalar on the way becomes {type: scalar}: that is what
 * it stands for where a path can lead on, and elsewhere the check will refuse the map. */
static enum et_status map_slot(struct et__document *document, struct node **map,
                               const char *component, struct et__place place, struct node ***slot)
{
    if ((*map)->kind != NODE_MAP) {
        struct node *scalar = *map;
        ET_TRY(node_make(document, NODE_MAP, place, map));
        if (scalar->kind == NODE_SCALAR &&
            !pair_append(document, *map, "type", scalar->place, scalar))
            return ET_NOMEM;
    }
    struct pair *pair = pair_find(*map, component);
    if (!pair) {
        struct node *missing;
        ET_TRY(node_make(document, NODE_NULL, place, &missing));
        pair = pair_append(document, *map, component, place, missing);
        if (!pair) return ET_NOMEM;
    }
    *slot = &pair->node;
    return ET_OK;
}

/* Puts the value of "a.0.b=value" into the tree. */
static enum et_status override_apply(struct et__document *document, const char *override,
                                     struct node **root)
{
    struct et__source *source = take(document, 1, sizeof *source);
    size_t n_name = strlen(override) + sizeof "--set ";
    char *name = take(document, n_name, 1);
    if (!source || !name) return ET_NOMEM;
    char shown_override[4 * SHOWN_MAX];
    snprintf(name, n_name, "--set %s", shown(override, shown_override, sizeof shown_override));
    *source = (struct et__source){.kind = ET__SOURCE_OVERRIDE, .name = name, .text = ""};
    struct et__place place = place_at(source, 0, 0);
    const char *equals = strchr(override, '=');
    if (!equals) return fail(&place, "expected PATH=VALUE");
    char *path = take_text(document, override, strlen(override));
    if (!path) return ET_NOMEM;
    path[equals - override] = '\0';
    source->text = path + (equals - override) + 1;
    source->length = strlen(source->text);
    struct node *value, **slot = root;
    ET_TRY(yaml_parse(document, source, &value));
    const char *parent = "the document";
    for (char *component = path, *end; component; component = end) {
        end = strchr(component, '.');
        if (end) *end++ = '\0';
        if (*component == '\0') return fail(&place, "empty name in the path");
        if ((*slot)->kind == NODE_LIST)
            ET_TRY(list_slot(*slot, parent, component, &place, &slot));
        else
            ET_TRY(map_slot(document, slot, component, place, &slot));
        parent = component;
    }
    *slot = value;
    return ET_OK;
}

/* ---------------------------------------------------------------------------------- checks -- */

/* One parameter of one map under check; index is that of a list's entry or SIZE_MAX. */
struct check {
    struct et__document *document;
    const struct et_param *param;
    const struct node *node;
    size_t index, depth;
    struct et__place map_place;
};

static const char *label(const struct check *check, char buffer[LABEL_MAX])
{
    if (check->index == SIZE_MAX)
        snprintf(buffer, LABEL_MAX, "%s", check->param->name);
    else
        snprintf(buffer, LABEL_MAX, "%s[%zu]", check->param->name, check->index);
    return buffer;
}

static bool number_parse(const struct node *node, double *value)
{
    if (node->kind != NODE_SCALAR || !node->plain) return false;
    const char *text = node->text + (*node->text == '-' || *node->text == '+');
    size_t whole = strspn(text, "0123456789"), fraction = 0;
    text += whole;
    if (*text == '.') {
        text++;
        fraction = strspn(text, "0123456789");
        text += fraction;
    }
    if (whole + fraction == 0) return false;
    if (*text == 'e' || *text == 'E') {
        text++;
        text += *text == '-' || *text == '+';
        size_t exponent = strspn(text, "0123456789");
        if (exponent == 0) return false;
        text += exponent;
    }
    *value = strtod(node->text, NULL);
    return *text == '\0';
}

static enum et_status wrong_kind(const struct check *check, const char *expected)
{
    const struct node *node = check->node;
    char name[LABEL_MAX], text[SHOWN_MAX];
    double number;
    const char *found = "nothing";
    if (node->kind == NODE_LIST) found = "a list";
    if (node->kind == NODE_MAP) found = "a map";
    if (node->kind != NODE_SCALAR)
        return fail(&node->place, "%s: expected %s, found %s", label(check, name), expected, found);
    found = !node->plain                  ? "the quoted text"
            : number_parse(node, &number) ? "the number"
                                          : "the text";
    return fail(&node->place, "%s: expected %s, found %s '%s'", label(check, name), expected, found,
                shown(node->text, text, sizeof text));
}

static enum et_status check_range(const struct check *check, double value)
{
    const struct et_param *param = check->param;
    if (!et__param_has_range(param) || (value >= param->min && value <= param->max)) return ET_OK;
    char name[LABEL_MAX], text[SHOWN_MAX], min[ET__NUMBER_MAX], max[ET__NUMBER_MAX];
    const char *unit = param->unit ? param->unit : "", *space = *unit ? " " : "";
    return fail(&check->node->place, "%s = %s%s%s is outside [%s, %s]%s%s", label(check, name),
                shown(check->node->text, text, sizeof text), space, unit,
                et__number_text(param->min, min), et__number_text(param->max, max), space, unit);
}

static enum et_status check_real(const struct check *check, double *value)
{
    if (!number_parse(check->node, value)) return wrong_kind(check, "a number");
    if (!isfinite(*value)) return wrong_kind(check, "a number of at most 1.8e308 in magnitude");
    return check_range(check, *value);
}

static enum et_status check_int(const struct check *check, int64_t *value)
{
    double real;
    if (!number_parse(check->node, &real) || floor(real) != real)
        return wrong_kind(check, "an integer");
    /* Digits alone are read exactly: 2^53 + 1 would round to 2^53 as a double. */
    bool exact = check->node->text[strspn(check->node->text, "+-0123456789")] == '\0';
    bool fits = fabs(real) <= int_max;
    if (fits) *value = exact ? strtoll(check->node->text, NULL, 10) : (int64_t)real;
    if (!fits || *value > (int64_t)int_max || *value < -(int64_t)int_max)
        return wrong_kind(check, "an integer of at most 2^53 in magnitude");
    return check_range(check, real);
}

static enum et_status check_bool(const struct check *check, bool *value)
{
    const struct node *node = check->node;
    bool scalar = node->kind == NODE_SCALAR && node->plain;
    *value = scalar && strcmp(node->text, "true") == 0;
    if (*value || (scalar && strcmp(node->text, "false") == 0)) return ET_OK;
    return wrong_kind(check, "true or false");
}

static enum et_status check_string(const struct check *check, const char **value)
{
    if (check->node->kind != NODE_SCALAR) return wrong_kind(check, "text");
    *value = check->node->text;
    return ET_OK;
}

static enum et_status check_choice(const struct check *check, struct et__value *value)
{
    const char *choices = check->param->choices, *choice;
    size_t length, n = 0;
    ET_TRY(check_string(check, &value->string));
    for (; et__choice_at(choices, n, &choice, &length); n++) {
        if (strlen(value->string) == length && memcmp(choice, value->string, length) == 0) {
            value->choice = n;
            return ET_OK;
        }
    }
    char *copy = take_text(check->document, choices, strlen(choices));
    const char **names = take(check->document, n, sizeof *names);
    if (!copy || !names) return ET_NOMEM;
    for (size_t i = 0; i < n; i++)
        names[i] = strtok_r(copy, "|", &copy);
    char name[LABEL_MAX], text[SHOWN_MAX];
    const char *near = et_nearest_name(value->string, names, n);
    return fail(&check->node->place, "%s: expected one of %s, found '%s'%s%s%s", label(check, name),
                choices, shown(value->string, text, sizeof text), near ? "; did you mean '" : "",
                near ? near : "", near ? "'?" : "");
}

/* A map under check: what it is checked against. */
struct map_check {
    struct et__document *document;
    const struct node *node;
    const struct et_param *table;
    const char *family, *type; /* of a TYPE; else NULL and "" */
    const char *label;         /* of a RECORD's map, else "" */
    struct et__place outer;    /* of the enclosing map, for a default */
    size_t depth;
};

static enum et_status check_map(const struct map_check *check, struct et_config **config);

/* Names the nearest entry, or all entries when none is near. */
static enum et_status unknown_type(const struct check *check, const struct node *name)
{
    struct et__document *document = check->document;
    const char *family = check->param->choices;
    size_t n = 0, used = 0;
    while (document->types && document->types(family, n))
        n++;
    const char **names = take(document, n, sizeof *names);
    if (!names) return ET_NOMEM;
    char text[SHOWN_MAX], all[400] = "";
    for (size_t i = 0; i < n; i++) {
        names[i] = document->types(family, i)->name;
        if (used < sizeof all)
            used += (size_t)snprintf(all + used, sizeof all - used, "%s%s", i > 0 ? ", " : "",
                                     names[i]);
    }
    const char *near = et_nearest_name(name->text, names, n);
    document->excused = true;
    shown(name->text, text, sizeof text);
    if (near) return fail(&name->place, "unknown %s '%s'; did you mean '%s'?", family, text, near);
    return fail(&name->place, "unknown %s '%s'; known are: %s", family, text, n > 0 ? all : "none");
}

static enum et_status ET_PRINTF(2, 3)
    unsupported(const struct et__place *place, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    enum et_status status = vfail(ET_UNSUPPORTED, place, format, list);
    va_end(list);
    return status;
}

/* {type: NAME, ...} or NAME alone. */
static enum et_status check_type(const struct check *check, struct et_config **config)
{
    struct et__document *document = check->document;
    const struct node *node = check->node, *name = node;
    const char *family = check->param->choices;
    char expected[LABEL_MAX];
    snprintf(expected, sizeof expected, "a %s (its name, or a map with `type:`)", family);
    if (node->kind == NODE_MAP) {
        const struct pair *pair = pair_find(node, "type");
        if (!pair) {
            char text[LABEL_MAX];
            return fail(&node->place, "%s: missing `type:`, the name of a %s", label(check, text),
                        family);
        }
        name = pair->node;
    }
    if (name->kind != NODE_SCALAR) {
        struct check inner = *check;
        inner.node = name;
        return wrong_kind(&inner, expected);
    }
    const struct et_type_entry *entry = NULL;
    for (size_t i = 0; document->types && (entry = document->types(family, i)) != NULL; i++)
        if (strcmp(entry->name, name->text) == 0) break;
    if (!entry) return unknown_type(check, name);
    if (entry->absent)
        return unsupported(&name->place, "%s '%s' is not in this build: %s", family, entry->name,
                           entry->absent);
    struct map_check inner = {.document = document,
                              .node = node,
                              .table = entry->params,
                              .family = family,
                              .type = entry->name,
                              .label = "",
                              .outer = check->map_place,
                              .depth = check->depth + 1};
    return check_map(&inner, config);
}

static enum et_status check_record(const struct check *check, struct et_config **config)
{
    if (check->node->kind != NODE_MAP && check->node->kind != NODE_NULL)
        return wrong_kind(check, "a map");
    char text[LABEL_MAX];
    struct map_check inner = {.document = check->document,
                              .node = check->node,
                              .table = check->param->fields,
                              .type = "",
                              .label = label(check, text),
                              .outer = check->map_place,
                              .depth = check->depth + 1};
    return check_map(&inner, config);
}

static enum et_status check_count(const struct check *check)
{
    const struct et_param *param = check->param;
    size_t n = check->node->count, min = param->min_count, max = param->max_count;
    if (n >= min && (max == 0 || n <= max)) return ET_OK;
    char expected[64];
    if (max == 0)
        snprintf(expected, sizeof expected, "at least %zu", min);
    else if (min == max)
        snprintf(expected, sizeof expected, "%zu", min);
    else
        snprintf(expected, sizeof expected, "%zu to %zu", min, max);
    return fail(&check->node->place, "%s: expected %s %s, found %zu", param->name, expected,
                max == 1 || (max == 0 && min == 1) ? "entry" : "entries", n);
}

static enum et_status check_list(const struct check *check, struct et__value *value)
{
    struct et__document *document = check->document;
    enum et_param_kind kind = check->param->kind;
    if (check->node->kind != NODE_LIST)
        return wrong_kind(check, kind == ET_PARAM_REALS     ? "a list of numbers"
                                 : kind == ET_PARAM_STRINGS ? "a list of texts"
                                                            : "a list of maps");
    ET_TRY(check_count(check));
    size_t n = check->node->count;
    document->n_values += n;
    value->reals = kind == ET_PARAM_REALS ? take(document, n, sizeof *value->reals) : NULL;
    value->strings = kind == ET_PARAM_STRINGS ? take(document, n, sizeof *value->strings) : NULL;
    bool maps = kind == ET_PARAM_RECORDS || kind == ET_PARAM_TYPES;
    value->maps = maps ? take(document, n, sizeof(struct et_config *)) : NULL;
    if (!value->reals && !value->strings && !value->maps) return ET_NOMEM;
    struct check entry = *check;
    for (const struct pair *pair = check->node->first; pair; pair = pair->next) {
        size_t i = entry.index = value->count;
        entry.node = pair->node;
        if (kind == ET_PARAM_REALS) ET_TRY(check_real(&entry, &value->reals[i]));
        if (kind == ET_PARAM_STRINGS) ET_TRY(check_string(&entry, &value->strings[i]));
        if (kind == ET_PARAM_RECORDS) ET_TRY(check_record(&entry, &value->maps[i]));
        if (kind == ET_PARAM_TYPES) ET_TRY(check_type(&entry, &value->maps[i]));
        value->count++;
    }
    return ET_OK;
}

static enum et_status check_value(const struct check *check, struct et__value *value)
{
    switch (check->param->kind) {
    case ET_PARAM_BOOL:
        return check_bool(check, &value->flag);
    case ET_PARAM_INT:
        return check_int(check, &value->integer);
    case ET_PARAM_REAL:
        return check_real(check, &value->real);
    case ET_PARAM_STRING:
        return check_string(check, &value->string);
    case ET_PARAM_CHOICE:
        return check_choice(check, value);
    case ET_PARAM_REALS:
    case ET_PARAM_STRINGS:
    case ET_PARAM_RECORDS:
    case ET_PARAM_TYPES:
        return check_list(check, value);
    case ET_PARAM_RECORD:
    case ET_PARAM_TYPE:
        break;
    }
    bool record = check->param->kind == ET_PARAM_RECORD;
    const char *initial = check->param->initial;
    if (!record && check->node->kind == NODE_NULL && initial && *initial == '\0') return ET_OK;
    value->maps = take(check->document, 1, sizeof(struct et_config *));
    if (!value->maps) return ET_NOMEM;
    value->count = 1;
    return record ? check_record(check, value->maps) : check_type(check, value->maps);
}

/* The tree of a default.  Most are one word or number and need no parser. */
static enum et_status default_parse(struct et__document *document, const struct et_param *param,
                                    struct node **node)
{
    static const char word[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.+-";
    struct et__source *source = take(document, 1, sizeof *source);
    char *name = take(document, strlen(param->name) + sizeof "default of ''", 1);
    if (!source || !name) return ET_NOMEM;
    sprintf(name, "default of '%s'", param->name);
    const char *text = param->initial;
    *source = (struct et__source){
        .kind = ET__SOURCE_DEFAULT, .name = name, .text = text, .length = strlen(text)};
    struct et__place place = place_at(source, 0, source->length);
    bool list = strcmp(text, "[]") == 0, map = strcmp(text, "{}") == 0;
    bool empty_string = param->kind == ET_PARAM_STRING && *text == '\0';
    bool plain = text[strspn(text, word)] == '\0' && *text != '-' && !is_null_text(text);
    if (!list && !map && !empty_string && !plain) return yaml_parse(document, source, node);
    *node = take(document, 1, sizeof **node);
    if (!*node) return ET_NOMEM;
    **node = (struct node){.kind = list  ? NODE_LIST
                                   : map ? NODE_MAP
                                         : NODE_SCALAR,
                           .plain = plain,
                           .text = text,
                           .place = place};
    return ET_OK;
}

static const char *owner(const struct map_check *check, char buffer[LABEL_MAX])
{
    if (check->family)
        snprintf(buffer, LABEL_MAX, " of %s '%s'", check->family, check->type);
    else
        snprintf(buffer, LABEL_MAX, *check->label ? " of '%s'" : "%s", check->label);
    return buffer;
}

static enum et_status check_names(const struct map_check *check)
{
    size_t n = et__param_count(check->table);
    for (const struct pair *pair = check->node->first; pair; pair = pair->next) {
        if (check->family && strcmp(pair->key, "type") == 0) continue;
        size_t i = 0;
        while (i < n && strcmp(check->table[i].name, pair->key) != 0)
            i++;
        if (i < n) continue;
        const char **names = take(check->document, n, sizeof *names);
        if (!names) return ET_NOMEM;
        for (i = 0; i < n; i++)
            names[i] = check->table[i].name;
        const char *near = et_nearest_name(pair->key, names, n);
        char of[LABEL_MAX], text[SHOWN_MAX];
        return fail(&pair->key_place, "unknown parameter '%s'%s%s%s%s",
                    shown(pair->key, text, sizeof text), owner(check, of),
                    near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
    return ET_OK;
}

static enum et_status check_param(const struct map_check *map, struct et_config *config, size_t i)
{
    const struct et_param *param = &config->table[i];
    struct et__value *value = &config->values[i];
    struct check check = {.document = map->document,
                          .param = param,
                          .index = SIZE_MAX,
                          .depth = map->depth,
                          .map_place = config->place};
    const struct pair *pair =
        map->node->kind == NODE_MAP ? pair_find(map->node, param->name) : NULL;
    value->place = config->place;
    if (pair) {
        check.node = pair->node;
        value->given = pair->node->place.source->kind != ET__SOURCE_DEFAULT;
        if (value->given) value->place = pair->node->place;
        return check_value(&check, value);
    }
    if (!param->initial) {
        char of[LABEL_MAX];
        map->document->excused = true;
        return fail(&config->place, "missing parameter '%s'%s%s%s%s", param->name, owner(map, of),
                    param->doc ? " (" : "", param->doc ? param->doc : "", param->doc ? ")" : "");
    }
    if (param->kind == ET_PARAM_TYPE && *param->initial == '\0') return ET_OK;
    struct node *node = NULL;
    enum et_status status = default_parse(map->document, param, &node);
    check.node = node;
    if (status == ET_OK) status = check_value(&check, value);
    assert((status != ET_CONFIG || map->document->excused) && "a table has an invalid default");
    return status;
}

static enum et_status check_map(const struct map_check *check, struct et_config **config)
{
    struct et__document *document = check->document;
    bool is_default = check->node->place.source->kind == ET__SOURCE_DEFAULT;
    struct et__place place = is_default ? check->outer : check->node->place;
    size_t n = et__param_count(check->table);
    document->n_values += n + (check->family != NULL);
    if (check->depth > MAPS_DEPTH_MAX || document->n_values >= NODES_MAX) {
        document->excused = true;
        return fail(&place, "with all defaults, more than %d maps in each other or %d values",
                    MAPS_DEPTH_MAX, NODES_MAX);
    }
    if (check->node->kind == NODE_MAP) ET_TRY(check_names(check));
    struct et_config *map = take(document, 1, sizeof *map);
    if (!map) return ET_NOMEM;
    *map = (struct et_config){
        .document = document, .table = check->table, .place = place, .type = check->type};
    map->values = take(document, n, sizeof *map->values);
    if (!map->values) return ET_NOMEM;
    for (size_t i = 0; i < n; i++)
        ET_TRY(check_param(check, map, i));
    document->scratch.length = 0;
    et__config_write(&document->scratch, map);
    if (document->scratch.failed) return ET_NOMEM;
    document->n_resolved += document->scratch.length;
    if (document->scratch.length > TEXT_MAX || document->n_resolved > RESOLVED_MAX)
        return fail(&place, "more than %d MiB of text with all defaults", TEXT_MAX >> 20);
    map->resolved = take_text(document, document->scratch.data, document->scratch.length);
    if (!map->resolved) return ET_NOMEM;
    *config = map;
    return ET_OK;
}

/* ----------------------------------------------------------------------------- load, close -- */

static enum et_status root_check(struct et__document *document, const char *const *overrides,
                                 size_t n_overrides, const struct et_param *table)
{
    struct node *root;
    ET_TRY(yaml_parse(document, &document->source, &root));
    if (root->kind != NODE_MAP && root->kind != NODE_NULL)
        return fail(&root->place, "expected `name: value` lines, found %s",
                    root->kind == NODE_LIST ? "a list" : "a single value");
    root->kind = NODE_MAP; /* an empty text is an empty map */
    for (size_t i = 0; i < n_overrides; i++)
        ET_TRY(override_apply(document, overrides[i], &root));
    struct map_check check = {.document = document,
                              .node = root,
                              .table = table,
                              .type = "",
                              .label = "",
                              .outer = place_at(&document->source, 0, 0)};
    return check_map(&check, &document->root);
}

/* Numbers are read and written with a decimal point, whatever the program's locale says. */
static enum et_status document_open(const char *name, const char *directory, const char *text,
                                    size_t length, const char *const *overrides, size_t n_overrides,
                                    const struct et_param *table, et_type_list *types,
                                    struct et_config **config)
{
    *config = NULL;
    struct et__document *document = et_alloc(1, sizeof *document);
    if (!document) return ET_NOMEM;
    document->types = types;
    document->directory = directory ? take_text(document, directory, strlen(directory)) : "";
    document->source.name = take_text(document, name, strlen(name));
    document->source.text = take_text(document, text, length);
    document->source.length = length;
    locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0), locale = uselocale(c_locale);
    enum et_status status = ET_NOMEM;
    if (document->directory && document->source.name && document->source.text)
        status = root_check(document, overrides, n_overrides, table);
    uselocale(locale);
    freelocale(c_locale);
    if (status == ET_OK)
        *config = document->root;
    else
        document_close(document);
    return status;
}

enum et_status et_config_parse(const char *name, const char *text, const char *const *overrides,
                               size_t n_overrides, const struct et_param *table,
                               et_type_list *types, struct et_config **config)
{
    return document_open(name, NULL, text, strlen(text), overrides, n_overrides, table, types,
                         config);
}

/* Reads at most TEXT_MAX + 1 bytes, so that a longer file is noticed but not swallowed. */
static enum et_status file_read(const char *path, char **text, size_t *length)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return et_error_set(errno == ENOENT || errno == ENOTDIR ? ET_MISSING : ET_IO,
                            "configuration file '%s': %s", path, strerror(errno));
    size_t capacity = 0;
    enum et_status status = ET_OK;
    *length = 0;
    do {
        capacity = capacity > 0 ? 4 * capacity : BLOCK_SIZE;
        char *larger = et_alloc(capacity, 1);
        if (larger && *text) memcpy(larger, *text, *length);
        et_free(*text);
        *text = larger;
        status = larger ? ET_OK : ET_NOMEM;
        if (larger) *length += fread(larger + *length, 1, capacity - *length, file);
    } while (status == ET_OK && *length == capacity && *length <= TEXT_MAX);
    if (status == ET_OK && ferror(file))
        status = et_error_set(ET_IO, "configuration file '%s': %s", path, strerror(errno));
    fclose(file);
    return status;
}

enum et_status et_config_load(const char *path, const char *const *overrides, size_t n_overrides,
                              const struct et_param *table, et_type_list *types,
                              struct et_config **config)
{
    *config = NULL;
    char *text = NULL, *directory = et_strdup(path);
    size_t length = 0;
    if (!directory) return ET_NOMEM;
    char *slash = strrchr(directory, '/');
    if (slash) slash[slash == directory] = '\0';
    enum et_status status = file_read(path, &text, &length);
    if (status == ET_OK)
        status = document_open(path, slash ? directory : ".", text, length, overrides, n_overrides,
                               table, types, config);
    et_free(directory);
    et_free(text);
    return status;
}

void et_config_close(struct et_config *config)
{
    if (!config) return;
    assert(config == config->document->root);
    document_close(config->document);
}

/* --------------------------------------------------------------------------------- getters -- */

/* The value of a name that the table has with one of two kinds. */
static const struct et__value *find(const struct et_config *config, const char *name,
                                    unsigned kinds)
{
    static const struct et__value nothing;
    (void)kinds; /* asserted only */
    for (size_t i = 0; config->table && config->table[i].name; i++) {
        if (strcmp(config->table[i].name, name) != 0) continue;
        assert((kinds >> config->table[i].kind & 1) && "parameter of another kind");
        return &config->values[i];
    }
    assert(false && "parameter that the table does not have");
    return &nothing;
}

enum {
    IS_MAPS =
        1 << ET_PARAM_RECORD | 1 << ET_PARAM_RECORDS | 1 << ET_PARAM_TYPE | 1 << ET_PARAM_TYPES,
    IS_COUNTED = IS_MAPS | 1 << ET_PARAM_REALS | 1 << ET_PARAM_STRINGS
};

bool et_config_bool(const struct et_config *config, const char *name)
{
    return find(config, name, 1u << ET_PARAM_BOOL)->flag;
}

int64_t et_config_int(const struct et_config *config, const char *name)
{
    return find(config, name, 1u << ET_PARAM_INT)->integer;
}

double et_config_real(const struct et_config *config, const char *name)
{
    return find(config, name, 1u << ET_PARAM_REAL)->real;
}

const char *et_config_string(const struct et_config *config, const char *name)
{
    return find(config, name, 1u << ET_PARAM_STRING | 1u << ET_PARAM_CHOICE)->string;
}

size_t et_config_choice(const struct et_config *config, const char *name)
{
    return find(config, name, 1u << ET_PARAM_CHOICE)->choice;
}

size_t et_config_count(const struct et_config *config, const char *name)
{
    return find(config, name, IS_COUNTED)->count;
}

const double *et_config_reals(const struct et_config *config, const char *name)
{
    return find(config, name, 1u << ET_PARAM_REALS)->reals;
}

const char *et_config_string_at(const struct et_config *config, const char *name, size_t i)
{
    const struct et__value *value = find(config, name, 1u << ET_PARAM_STRINGS);
    assert(i < value->count);
    return value->strings[i];
}

const struct et_config *et_config_at(const struct et_config *config, const char *name, size_t i)
{
    const struct et__value *value = find(config, name, IS_MAPS);
    assert(i < value->count);
    return value->maps[i];
}

bool et_config_given(const struct et_config *config, const char *name)
{
    return find(config, name, ~0u)->given;
}

const char *et_config_type(const struct et_config *config)
{
    return config->type;
}

const char *et_config_text(const struct et_config *config)
{
    return config->document->source.text;
}

const char *et_config_resolved(const struct et_config *config)
{
    return config->resolved;
}

const char *et_config_directory(const struct et_config *config)
{
    return config->document->directory;
}

enum et_status et_config_error(const struct et_config *config, const char *name, const char *format,
                               ...)
{
    va_list list;
    va_start(list, format);
    enum et_status status =
        vfail(ET_CONFIG, name ? &find(config, name, ~0u)->place : &config->place, format, list);
    va_end(list);
    return status;
}
