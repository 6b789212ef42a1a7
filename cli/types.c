/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding a type by its name over all families. */
#include "types.h"

#include <string.h>

/* Entry number position over all families. */
static const struct et_type_entry *entry_at(size_t position, const struct family **family)
{
    for (size_t f = 0; f < N_FAMILIES; f++) {
        const struct et_type_entry *entry;
        for (size_t i = 0; (entry = et_experiment_types(families[f].name, i)) != NULL; i++) {
            if (position-- > 0) continue;
            *family = &families[f];
            return entry;
        }
    }
    return NULL;
}

bool types_find(const char *name, size_t *position, struct et_type_entry *entry,
                const struct family **family)
{
    const char *slash = strchr(name, '/');
    const char *type = slash ? slash + 1 : name;
    size_t n = slash ? (size_t)(slash - name) : 0;
    const struct et_type_entry *found;
    while ((found = entry_at((*position)++, family)) != NULL) {
        bool in_family =
            slash == NULL || (strncmp((*family)->name, name, n) == 0 && (*family)->name[n] == '\0');
        if (!in_family || strcmp(found->name, type) != 0) continue;
        *entry = *found;
        return true;
    }
    return false;
}

int types_unknown(const char *command, const char *given)
{
    enum { NAMES_MAX = 256 };
    const char *names[NAMES_MAX] = {"experiment"};
    const struct family *family;
    const struct et_type_entry *entry;
    size_t n = 1;
    while (n < NAMES_MAX && (entry = entry_at(n - 1, &family)) != NULL)
        names[n++] = entry->name;
    return command_unknown(command, "type", given, names, n);
}
