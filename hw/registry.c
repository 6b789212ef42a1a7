/* SPDX-License-Identifier: Apache-2.0
 *
 * The registry of systems: the generated list of this build, then what the program registered.
 *
 * systems.def holds one line per system, ET_SYSTEM(name) or ET_SYSTEM_ABSENT(name, "reason"). */
#include "system_internal.h"

#include <pthread.h>
#include <string.h>

#define ET_SYSTEM(name) extern const struct et_system_type et_system_##name;
#define ET_SYSTEM_ABSENT(name, reason)
#include "systems.def"
#undef ET_SYSTEM
#undef ET_SYSTEM_ABSENT

struct builtin {
    const struct et_system_type *type; /* NULL when absent */
    const char *name, *absent;
};

static const struct builtin builtins[] = {
#define ET_SYSTEM(name)                {&et_system_##name, #name, NULL},
#define ET_SYSTEM_ABSENT(name, reason) {NULL, #name, reason},
#include "systems.def"
#undef ET_SYSTEM
#undef ET_SYSTEM_ABSENT
};

enum { N_BUILTINS = sizeof builtins / sizeof *builtins };

/* The members of another object are no constants in C, so the entries are filled at first use. */
static struct et_type_entry entries[N_BUILTINS];
static pthread_once_t entries_filled = PTHREAD_ONCE_INIT;

/* Types of the program's own, in order of registration; they stay until the program ends. */
struct own_type {
    const struct et_system_type *type;
    struct et_type_entry entry;
    struct own_type *next;
};
static struct own_type *own_types;

/* A name may have a '-' where the symbol has a '_'. */
static const char *name_of(const struct builtin *b)
{
    return b->type ? b->type->name : b->name;
}

static void fill_entries(void)
{
    for (size_t i = 0; i < N_BUILTINS; i++) {
        const struct builtin *b = &builtins[i];
        entries[i] = (struct et_type_entry){
            .name = name_of(b),
            .summary = b->type ? b->type->summary : "",
            .params = b->type ? b->type->params : NULL,
            .absent = b->absent,
        };
    }
}

const struct et_type_entry *et_system_types(const char *family, size_t i)
{
    if (strcmp(family, "system") != 0) return NULL;
    pthread_once(&entries_filled, fill_entries);
    if (i < N_BUILTINS) return &entries[i];
    const struct own_type *own = own_types;
    for (i -= N_BUILTINS; own != NULL && i > 0; i--)
        own = own->next;
    return own ? &own->entry : NULL;
}

const struct et_system_type *et__system_type_find(const char *name)
{
    for (size_t i = 0; i < N_BUILTINS; i++) {
        if (strcmp(name_of(&builtins[i]), name) != 0) continue;
        if (builtins[i].type == NULL)
            et_error_set(ET_UNSUPPORTED, "system '%s': %s", name, builtins[i].absent);
        return builtins[i].type;
    }
    for (const struct own_type *own = own_types; own != NULL; own = own->next)
        if (strcmp(own->type->name, name) == 0) return own->type;
    et_error_set(ET_CONFIG, "there is no system of type '%s'", name);
    return NULL;
}

static const char *missing_member(const struct et_system_type *type)
{
    if (type->name == NULL || type->name[0] == '\0') return "name";
    if (type->summary == NULL) return "summary";
    if (type->params == NULL) return "params";
    if (type->open == NULL) return "open";
    if (type->describe == NULL) return "describe";
    if (type->forward == NULL) return "forward";
    if ((type->set_knobs == NULL) != (type->get_knobs == NULL)) return "set_knobs or get_knobs";
    return NULL;
}

enum et_status et_system_register(const struct et_system_type *type)
{
    const char *missing = missing_member(type);
    if (missing != NULL)
        return et_error_set(ET_INVALID, "system type '%s' lacks its member %s",
                            type->name ? type->name : "", missing);
    const struct et_type_entry *entry;
    for (size_t i = 0; (entry = et_system_types("system", i)) != NULL; i++)
        if (strcmp(entry->name, type->name) == 0)
            return et_error_set(ET_INVALID, "there is a system type '%s' already", type->name);
    struct own_type *own = et_alloc(1, sizeof *own);
    if (own == NULL) return ET_NOMEM;
    own->type = type;
    own->entry = (struct et_type_entry){type->name, type->summary, type->params, NULL};
    struct own_type **end = &own_types;
    while (*end != NULL)
        end = &(*end)->next;
    *end = own;
    return ET_OK;
}
