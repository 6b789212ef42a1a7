/* SPDX-License-Identifier: Apache-2.0
 *
 * The registry of transports.
 *
 * transports.def holds one line per transport, ET_TRANSPORT(scheme) or
 * ET_TRANSPORT_ABSENT(scheme, "reason"). */
#include "transport_internal.h"

#include <etalon/config.h>

#include <pthread.h>
#include <string.h>

#define ET_TRANSPORT(name) extern const struct et_transport_type et_transport_##name;
#define ET_TRANSPORT_ABSENT(name, reason)
#include "transports.def"
#undef ET_TRANSPORT
#undef ET_TRANSPORT_ABSENT

struct builtin {
    const struct et_transport_type *type; /* NULL when absent */
    const char *name, *absent;
};

/* A last empty one, since a list may not be empty in C. */
static const struct builtin builtins[] = {
#define ET_TRANSPORT(name)                {&et_transport_##name, #name, NULL},
#define ET_TRANSPORT_ABSENT(name, reason) {NULL, #name, reason},
#include "transports.def"
#undef ET_TRANSPORT
#undef ET_TRANSPORT_ABSENT
    {NULL, NULL, NULL},
};

enum { N_LINES = sizeof builtins / sizeof *builtins };

/* No experiment file has a transport in a map of its own; the one parameter is there so that
 * whoever asks is told how an address is written. */
static struct et_type_entry entries[N_LINES];
static struct et_param params[N_LINES][2];
static pthread_once_t entries_filled = PTHREAD_ONCE_INIT;

static void fill_entries(void)
{
    for (size_t i = 0; i + 1 < N_LINES; i++) {
        const struct builtin *b = &builtins[i];
        entries[i].name = b->name;
        entries[i].absent = b->absent;
        entries[i].summary = "";
        if (b->type == NULL) continue;
        entries[i].name = b->type->scheme;
        entries[i].summary = b->type->summary;
        entries[i].params = params[i];
        params[i][0] = (struct et_param){
            .name = "address", .kind = ET_PARAM_STRING, .initial = "\"\"", .doc = b->type->address};
    }
}

const struct et_type_entry *et_transport_types(const char *family, size_t i)
{
    if (strcmp(family, "transport") != 0 || i + 1 >= N_LINES) return NULL;
    pthread_once(&entries_filled, fill_entries);
    return &entries[i];
}

static const char *name_of(const struct builtin *b)
{
    return b->type ? b->type->scheme : b->name;
}

static void complain_of_unknown(const char *scheme, size_t n)
{
    const char *names[N_LINES] = {NULL};
    char wrong[32];
    for (size_t i = 0; i + 1 < N_LINES; i++)
        names[i] = name_of(&builtins[i]);
    if (n >= sizeof wrong) n = sizeof wrong - 1;
    memcpy(wrong, scheme, n);
    wrong[n] = '\0';
    const char *nearest = et_nearest_name(wrong, names, N_LINES - 1);
    if (nearest != NULL)
        et_error_set(ET_CONFIG, "there is no transport '%s:'; did you mean '%s:'?", wrong, nearest);
    else
        et_error_set(ET_CONFIG, "there is no transport '%s:'", wrong);
}

const struct et_transport_type *et__transport_find(const char *scheme, size_t n)
{
    for (size_t i = 0; i + 1 < N_LINES; i++) {
        const char *name = name_of(&builtins[i]);
        if (strncmp(name, scheme, n) != 0 || name[n] != '\0') continue;
        if (builtins[i].type == NULL)
            et_error_set(ET_UNSUPPORTED, "transport '%s:': %s", name, builtins[i].absent);
        return builtins[i].type;
    }
    complain_of_unknown(scheme, n);
    return NULL;
}
