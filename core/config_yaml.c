/* SPDX-License-Identifier: Apache-2.0
 *
 * Configuration: from YAML text to a tree of nodes.
 *
 * The tree is built here rather than by libfyaml, so that size, depth and alias expansion are
 * bounded and every node knows the bytes it came from. */
#include "config_internal.h"

#include <libfyaml.h>
#include <string.h>

enum {
    KEYS_MAX = 1024, /* of one map */
    ANCHORS_MAX = 1024,
    DEPTH_MAX = 64 /* of lists and maps in each other */
};

struct anchor {
    const char *name;
    const struct et__node *node;
    struct anchor *next;
};

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
        if (start && end) place = et__place_at(b->source, start->input_pos, end->input_pos);
        return et__fail(&place, "%s", error->msg);
    }
    return et__fail(&b->last, "malformed YAML");
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
        text = et__document_take(b->document, n + 1, 1);
        if (text && n > 0)
            item->length = fold_lines(b->source->text + start->input_pos, n, single, text);
    } else {
        struct fy_token_iter *iterator = fy_token_iter_create(NULL);
        if (!iterator) return et_error_set(ET_NOMEM, "YAML scalar");
        item->length = scalar_bytes(iterator, token, NULL);
        text = et__document_take(b->document, item->length + 1, 1);
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
    *copy = et__document_text(b->document, text, text ? length : 0);
    return *copy ? ET_OK : ET_NOMEM;
}

static enum et_status copy_event(struct builder *b, struct fy_event *event, struct item *item)
{
    *item = (struct item){.type = event->type};
    const struct fy_mark *start = fy_event_start_mark(event), *end = fy_event_end_mark(event);
    if (start && end) b->last = et__place_at(b->source, start->input_pos, end->input_pos);
    item->place = b->last;
    struct fy_token *anchor = NULL, *tag = NULL;
    switch (event->type) {
    case FYET_SCALAR:
        anchor = event->scalar.anchor;
        tag = event->scalar.tag;
        ET_TRY(copy_scalar(b, event->scalar.value, item));
        if (strlen(item->text) != item->length) return et__fail(&item->place, "text contains \\0");
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
    if (tag) return et__fail(&item->place, "tags (!name) are not supported");
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

enum et_status et__node_make(struct et__document *document, enum et__node_kind kind,
                             struct et__place place, struct et__node **node)
{
    if (document->n_nodes++ >= ET__NODES_MAX)
        return et__fail(&place, "more than %d values (aliases count as what they stand for)",
                        ET__NODES_MAX);
    *node = et__document_take(document, 1, sizeof **node);
    if (!*node) return ET_NOMEM;
    (*node)->kind = kind;
    (*node)->place = place;
    return ET_OK;
}

struct et__pair *et__pair_append(struct et__document *document, struct et__node *parent,
                                 const char *key, struct et__place key_place, struct et__node *node)
{
    struct et__pair *pair = et__document_take(document, 1, sizeof *pair);
    if (!pair) return NULL;
    *pair = (struct et__pair){.key = key, .key_place = key_place, .node = node};
    if (parent->last)
        parent->last->next = pair;
    else
        parent->first = pair;
    parent->last = pair;
    parent->count++;
    return pair;
}

struct et__pair *et__pair_find(const struct et__node *map, const char *key)
{
    for (struct et__pair *pair = map->first; pair; pair = pair->next)
        if (strcmp(pair->key, key) == 0) return pair;
    return NULL;
}

bool et__is_null_text(const char *text)
{
    return *text == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0 ||
           strcmp(text, "Null") == 0 || strcmp(text, "NULL") == 0;
}

/* A deep copy, so that an override below one use of an anchor leaves the others alone. */
static enum et_status node_copy(struct et__document *document, const struct et__node *from,
                                size_t depth, const struct et__place *alias, struct et__node **copy)
{
    if (depth > DEPTH_MAX) return et__fail(alias, "nested deeper than %d levels", DEPTH_MAX);
    if (document->n_nodes >= ET__NODES_MAX)
        return et__fail(alias, "aliases expand to more than %d values", ET__NODES_MAX);
    ET_TRY(et__node_make(document, from->kind, from->place, copy));
    (*copy)->plain = from->plain;
    (*copy)->text = from->text;
    for (const struct et__pair *pair = from->first; pair; pair = pair->next) {
        struct et__node *child;
        ET_TRY(node_copy(document, pair->node, depth + 1, alias, &child));
        if (!et__pair_append(document, *copy, pair->key, pair->key_place, child)) return ET_NOMEM;
    }
    return ET_OK;
}

static enum et_status build(struct builder *b, const struct item *item, size_t depth,
                            struct et__node **node);

static enum et_status build_alias(struct builder *b, const struct item *item, size_t depth,
                                  struct et__node **node)
{
    for (const struct anchor *anchor = b->anchors; anchor; anchor = anchor->next)
        if (strcmp(anchor->name, item->text) == 0)
            return node_copy(b->document, anchor->node, depth, &item->place, node);
    char name[ET__SHOWN_MAX];
    return et__fail(&item->place, "unknown anchor '%s'", et__shown(item->text, name, sizeof name));
}

static enum et_status build_list(struct builder *b, struct et__node *list, size_t depth)
{
    for (;;) {
        struct item item;
        struct et__node *child = NULL;
        ET_TRY(next_item(b, &item));
        if (item.type == FYET_SEQUENCE_END) return ET_OK;
        ET_TRY(build(b, &item, depth + 1, &child));
        if (!et__pair_append(b->document, list, NULL, child->place, child)) return ET_NOMEM;
    }
}

static enum et_status build_map(struct builder *b, struct et__node *map, size_t depth)
{
    for (;;) {
        struct item key, item;
        struct et__node *child = NULL;
        char name[ET__SHOWN_MAX];
        ET_TRY(next_item(b, &key));
        if (key.type == FYET_MAPPING_END) return ET_OK;
        if (key.type != FYET_SCALAR || key.length == 0)
            return et__fail(&key.place, "a name is expected before ':'");
        if (map->count >= KEYS_MAX)
            return et__fail(&key.place, "a map of more than %d names", KEYS_MAX);
        const struct et__pair *earlier = et__pair_find(map, key.text);
        if (earlier)
            return et__fail(&key.place, "'%s' is given twice; first in line %zu",
                            et__shown(key.text, name, sizeof name),
                            et__place_line(&earlier->key_place));
        /* A block map starts where its first name does: underline that name. */
        if (map->count == 0 && map->place.end == map->place.start) map->place = key.place;
        ET_TRY(next_item(b, &item));
        ET_TRY(build(b, &item, depth + 1, &child));
        if (!et__pair_append(b->document, map, key.text, key.place, child)) return ET_NOMEM;
    }
}

static enum et_status build(struct builder *b, const struct item *item, size_t depth,
                            struct et__node **node)
{
    if (depth > DEPTH_MAX) return et__fail(&item->place, "nested deeper than %d levels", DEPTH_MAX);
    if (item->type == FYET_ALIAS) return build_alias(b, item, depth, node);
    bool list = item->type == FYET_SEQUENCE_START, map = item->type == FYET_MAPPING_START;
    enum et__node_kind kind = list ? ET__NODE_LIST : map ? ET__NODE_MAP : ET__NODE_SCALAR;
    if (item->type == FYET_SCALAR && item->plain && et__is_null_text(item->text))
        kind = ET__NODE_NULL;
    ET_TRY(et__node_make(b->document, kind, item->place, node));
    (*node)->text = item->text;
    (*node)->plain = item->plain;
    bool flow = item->place.end > item->place.start;
    if (list) ET_TRY(build_list(b, *node, depth));
    if (map) ET_TRY(build_map(b, *node, depth));
    if ((list || map) && flow) (*node)->place.end = b->last.end;
    if (!item->anchor) return ET_OK;
    if (++b->n_anchors > ANCHORS_MAX)
        return et__fail(&item->place, "more than %d anchors", ANCHORS_MAX);
    struct anchor *anchor = et__document_take(b->document, 1, sizeof *anchor);
    if (!anchor) return ET_NOMEM;
    *anchor = (struct anchor){.name = item->anchor, .node = *node, .next = b->anchors};
    b->anchors = anchor;
    return ET_OK;
}

/* One document or none (an empty text, which reads as null). */
static enum et_status build_document(struct builder *b, struct et__node **root)
{
    struct item item;
    ET_TRY(next_item(b, &item)); /* stream start */
    ET_TRY(next_item(b, &item));
    if (item.type == FYET_STREAM_END)
        return et__node_make(b->document, ET__NODE_NULL, et__place_at(b->source, 0, 0), root);
    ET_TRY(next_item(b, &item));
    ET_TRY(build(b, &item, 1, root));
    ET_TRY(next_item(b, &item)); /* document end */
    ET_TRY(next_item(b, &item));
    if (item.type == FYET_STREAM_END) return ET_OK;
    return et__fail(&item.place, "more than one YAML document");
}

/* libfyaml is lenient about bytes that are not text; messages and the run file are not. */
static enum et_status check_bytes(const struct et__source *source)
{
    const char *text = source->text;
    if (source->length > ET__TEXT_MAX) {
        struct et__place place = et__place_at(source, 0, 0);
        return et__fail(&place, "more than %d MiB of text", ET__TEXT_MAX >> 20);
    }
    for (size_t i = 0; i < source->length;) {
        unsigned char c = (unsigned char)text[i];
        struct et__place place = et__place_at(source, i, i + 1);
        if ((c < 0x20 && !strchr("\t\n\r", c)) || c == 0 || c == 0x7F)
            return et__fail(&place, "control character 0x%02x", c);
        size_t n = c < 0x80 ? 1 : c < 0xC2 ? 0 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : c < 0xF5 ? 4 : 0;
        uint32_t code = n == 1 ? c : n == 2 ? c & 0x1Fu : n == 3 ? c & 0x0Fu : c & 0x07u;
        for (size_t k = 1; k < n; k++) {
            if (i + k >= source->length || !et__continues(text[i + k])) n = 0;
            if (n > 0) code = code << 6 | ((unsigned char)text[i + k] & 0x3Fu);
        }
        bool overlong = (n == 3 && code < 0x800) || (n == 4 && code < 0x10000);
        if (n == 0 || overlong || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
            return et__fail(&place, "not UTF-8 text");
        i += n;
    }
    return ET_OK;
}

enum et_status et__yaml_parse(struct et__document *document, const struct et__source *source,
                              struct et__node **root)
{
    ET_TRY(check_bytes(source));
    enum et_status status = ET_NOMEM;
    struct builder b = {.document = document, .source = source, .last = et__place_at(source, 0, 0)};
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
