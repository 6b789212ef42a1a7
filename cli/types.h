/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding a type by its name over all families. */
#ifndef ETALON_CLI_TYPES_H
#define ETALON_CLI_TYPES_H

#include "command.h"

/* Finds the next entry called name ("acoustic", or "system/acoustic" to name the family as well),
 * counting from *position (start with 0).  *entry is a copy and *family says where it was found;
 * false: there is no more. */
bool types_find(const char *name, size_t *position, struct et_type_entry *entry,
                const struct family **family);

/* Prints "unknown type" with the nearest name; returns CODE_USAGE. */
int types_unknown(const char *command, const char *given);

#endif
