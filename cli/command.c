/* SPDX-License-Identifier: Apache-2.0
 *
 * Exit codes, error lines and shared arguments. */
#include "command.h"

#include <etalon/array.h>
#include <etalon/config.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const struct family families[N_FAMILIES] = {
    {"systems", "system", "Physical systems"}, {"transports", "transport", "Transports to devices"},
    {"methods", "method", "Training methods"}, {"objectives", "objective", "Local objectives"},
    {"datasets", "dataset", "Data sets"},
};

int command_code(enum et_status status)
{
    switch (status) {
    case ET_OK:
        return CODE_DONE;
    case ET_CONFIG:
        return CODE_USAGE;
    case ET_INTERRUPTED:
        return CODE_INTERRUPTED;
    /* The library says UNSUPPORTED of what this build or machine lacks. */
    case ET_MISSING:
    case ET_UNSUPPORTED:
        return CODE_ABSENT;
    default:
        return CODE_FAILED;
    }
}

int command_fail(const char *name, enum et_status status)
{
    const char *message = et_error_message();
    fprintf(stderr, "%s: %s\n", name, message[0] ? message : et_status_text(status));
    return command_code(status);
}

int command_unknown(const char *command, const char *what, const char *given,
                    const char *const *names, size_t n)
{
    const char *nearest = et_nearest_name(given, names, n);
    fprintf(stderr, "%s: unknown %s '%s'", command, what, given);
    if (nearest != NULL) fprintf(stderr, "; did you mean '%s'?", nearest);
    fputc('\n', stderr);
    return CODE_USAGE;
}

size_t argument_count(struct argp_state *state, const char *option, const char *text, size_t min,
                      size_t max)
{
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    bool number = text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0;
    if (!number || value < min || value > max)
        argp_error(state, "%s = %s is not an integer in [%zu, %zu]", option, text, min, max);
    return (size_t)value;
}

void argument_file(struct argp_state *state, const char **file, char *text)
{
    if (*file != NULL) argp_error(state, "one file at a time: '%s' is too many", text);
    struct stat info;
    int error = 0;
    if (stat(text, &info) != 0 || access(text, R_OK) != 0)
        error = errno;
    else if (S_ISDIR(info.st_mode))
        error = EISDIR;
    if (error != 0) argp_failure(state, CODE_USAGE, error, "%s", text);
    *file = text;
}

void argument_override(struct argp_state *state, struct overrides *overrides, char *text)
{
    if (strchr(text, '=') == NULL || text[0] == '=')
        argp_error(state, "--set needs PATH=VALUE, e.g. --set layers.0.system.drive=0.4, not '%s'",
                   text);
    if (overrides->item == NULL) {
        overrides->item = et_alloc((size_t)state->argc, sizeof *overrides->item);
        if (overrides->item == NULL) argp_failure(state, CODE_FAILED, 0, "%s", et_error_message());
    }
    overrides->item[overrides->n++] = text;
}

error_t argument_common(int key, char *text, struct argp_state *state,
                        const struct operand *operand, struct common *common)
{
    switch (key) {
    case KEY_JSON:
        common->json = true;
        break;
    case KEY_THREADS:
        common->threads = argument_count(state, "--threads", text, 1, 1024);
        break;
    case KEY_SET:
        argument_override(state, &common->overrides, text);
        break;
    case ARGP_KEY_ARG:
        if (operand->is_file) {
            argument_file(state, &common->operand, text);
            break;
        }
        if (common->operand != NULL) argp_error(state, "one %s at a time", operand->name);
        common->operand = text;
        break;
    case ARGP_KEY_NO_ARGS:
        if (operand->question != NULL) argp_error(state, "%s", operand->question);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}
