/* SPDX-License-Identifier: Apache-2.0
 *
 * Configuration: `--set path=value`, written into the tree before it is checked. */
#include "config_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The slot of a list that a path component names. */
static enum et_status list_slot(const struct et__node *list, const char *list_name,
                                const char *component, const struct et__place *place,
                                struct et__node ***slot)
{
    char name[ET__SHOWN_MAX];
    et__shown(component, name, sizeof name);
    size_t digits = strspn(component, "0123456789");
    if (digits == 0 || component[digits] != '\0' || digits > 9)
        return et__fail(place, "'%s' is a list: expected an index, found '%s'", list_name, name);
    size_t index = (size_t)strtoul(component, NULL, 10);
    if (index >= list->count)
        return et__fail(place, "index %s is out of range: '%s' has %zu %s", name, list_name,
                        list->count, list->count == 1 ? "entry" : "entries");
    struct et__pair *pair = list->first;
    for (size_t i = 0; i < index; i++)
        pair = pair->next;
    *slot = &pair->node;
    return ET_OK;
}

/* The slot of a map, made when missing.  A scalar on the way becomes {type: scalar}: that is what
 * it stands for where a path can lead on, and elsewhere the check will refuse the map. */
static enum et_status map_slot(struct et__document *document, struct et__node **map,
                               const char *component, struct et__place place,
                               struct et__node ***slot)
{
    if ((*map)->kind != ET__NODE_MAP) {
        struct et__node *scalar = *map;
        ET_TRY(et__node_make(document, ET__NODE_MAP, place, map));
        if (scalar->kind == ET__NODE_SCALAR &&
            !et__pair_append(document, *map, "type", scalar->place, scalar))
            return ET_NOMEM;
    }
    struct et__pair *pair = et__pair_find(*map, component);
    if (!pair) {
        struct et__node *missing;
        ET_TRY(et__node_make(document, ET__NODE_NULL, place, &missing));
        pair = et__pair_append(document, *map, component, place, missing);
        if (!pair) return ET_NOMEM;
    }
    *slot = &pair->node;
    return ET_OK;
}

/* A device's URI without an address, `verilator:`, is a text to its user and a map to YAML, one
 * that no parameter could take: gets its quotes. */
static char *quote_uri(struct et__document *document, char *text)
{
    size_t n = strlen(text);
    if (n < 2 || text[n - 1] != ':' || strcspn(text, " \t\n\"'{}[],#&*!|>%@`\\") != n) return text;
    char *quoted = et__document_take(document, n + 3, 1);
    if (quoted != NULL) snprintf(quoted, n + 3, "\"%s\"", text);
    return quoted;
}

enum et_status et__override_apply(struct et__document *document, const char *override,
                                  struct et__node **root)
{
    struct et__source *source = et__document_take(document, 1, sizeof *source);
    size_t n_name = strlen(override) + sizeof "--set ";
    char *name = et__document_take(document, n_name, 1);
    if (!source || !name) return ET_NOMEM;
    char shown_override[4 * ET__SHOWN_MAX];
    snprintf(name, n_name, "--set %s", et__shown(override, shown_override, sizeof shown_override));
    *source = (struct et__source){.kind = ET__SOURCE_OVERRIDE, .name = name, .text = ""};
    struct et__place place = et__place_at(source, 0, 0);
    const char *equals = strchr(override, '=');
    if (!equals) return et__fail(&place, "expected PATH=VALUE");
    char *path = et__document_text(document, override, strlen(override));
    if (!path) return ET_NOMEM;
    path[equals - override] = '\0';
    source->text = quote_uri(document, path + (equals - override) + 1);
    if (!source->text) return ET_NOMEM;
    source->length = strlen(source->text);
    struct et__node *value, **slot = root;
    ET_TRY(et__yaml_parse(document, source, &value));
    const char *parent = "the document";
    for (char *component = path, *end; component; component = end) {
        end = strchr(component, '.');
        if (end) *end++ = '\0';
        if (*component == '\0') return et__fail(&place, "empty name in the path");
        if ((*slot)->kind == ET__NODE_LIST)
            ET_TRY(list_slot(*slot, parent, component, &place, &slot));
        else
            ET_TRY(map_slot(document, slot, component, place, &slot));
        parent = component;
    }
    *slot = value;
    return ET_OK;
}
