/* SPDX-License-Identifier: Apache-2.0
 *
 * The contents of a NIR file. */
#ifndef ETALON_CLI_DESCRIBE_NIR_H
#define ETALON_CLI_DESCRIBE_NIR_H

#include <etalon/error.h>

struct json;

/* Prints nodes, shapes of fields and edges; as JSON unless json is NULL. */
enum et_status describe_nir(const char *path, struct json *json) ET_CHECKED;

#endif
