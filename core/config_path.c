/* SPDX-License-Identifier: Apache-2.0
 *
 * Paths in experiment files: environment variables and the place that relative paths start at. */
#include <etalon/array.h>
#include <etalon/config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The folder of data that is not part of the project. */
static const char data_variable[] = "ETALON_DATA", data_default[] = "../shared/data";

/* head + separator + tail in memory of its own. */
static enum et_status join(const char *head, const char *separator, const char *tail, char **path)
{
    size_t bytes = strlen(head) + strlen(separator) + strlen(tail) + 1;
    *path = et_alloc(bytes, 1);
    if (*path == NULL) return ET_NOMEM;
    snprintf(*path, bytes, "%s%s%s", head, separator, tail);
    return ET_OK;
}

static enum et_status expand(const char *given, char **path)
{
    char name[64];
    const char *end = strchr(given, '}');
    size_t length = end ? (size_t)(end - given) - 2 : 0;
    if (length == 0 || length >= sizeof name)
        return et_error_set(ET_CONFIG, "path '%s' has no ${NAME} of 1 to 63 characters", given);
    memcpy(name, given + 2, length);
    name[length] = '\0';
    const char *value = getenv(name);
    if (value == NULL && strcmp(name, data_variable) == 0) value = data_default;
    if (value == NULL)
        return et_error_set(ET_CONFIG, "path '%s': the environment has no variable %s", given,
                            name);
    return join(value, "", end + 1, path);
}

enum et_status et_config_path(const struct et_config *config, const char *given, char **path)
{
    *path = NULL;
    if (strncmp(given, "${", 2) == 0) return expand(given, path);
    const char *directory = et_config_directory(config);
    if (given[0] == '/' || directory[0] == '\0') directory = "";
    return join(directory, directory[0] ? "/" : "", given, path);
}

enum et_status et_config_file(const struct et_config *config, const char *given, char **path)
{
    ET_TRY(et_config_path(config, given, path));
    if (access(*path, F_OK) == 0) return ET_OK;
    if (strncmp(given, "${", 2) == 0)
        et_error_set(ET_MISSING, "%s does not exist; set %.*s to the folder of data", *path,
                     (int)(strcspn(given, "}") - 2), given + 2);
    else
        et_error_set(ET_MISSING, "%s does not exist", *path);
    et_free(*path);
    *path = NULL;
    return ET_MISSING;
}
