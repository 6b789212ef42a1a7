/* SPDX-License-Identifier: Apache-2.0
 *
 * The calling thread's error record: one fixed buffer, no allocation. */
#include <etalon/error.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local struct et_error_record record;

const char *et_status_text(enum et_status status)
{
    switch (status) {
#define X(name, text)                                                                              \
    case ET_##name:                                                                                \
        return text;
        ET_STATUS_LIST(X)
#undef X
    }
    return "unknown status";
}

/* A message that starts with its own position ("exp.yaml:6:22: error: ...") needs no prefix. */
static int has_position(const char *format)
{
    return strncmp(format, "%s:%", 4) == 0;
}

enum et_status et_error_set(enum et_status status, const char *format, ...)
{
    size_t used = 0;
    if (!has_position(format))
        used =
            (size_t)snprintf(record.message, sizeof record.message, "%s: ", et_status_text(status));
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(record.message + used, sizeof record.message - used, format, arguments);
    va_end(arguments);
    record.status = status;
    return status;
}

void et_error_while(const char *format, ...)
{
    size_t used = strlen(record.message);
    used += (size_t)snprintf(record.message + used, sizeof record.message - used, "\n  while ");
    if (used >= sizeof record.message) return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(record.message + used, sizeof record.message - used, format, arguments);
    va_end(arguments);
}

enum et_status et_error_status(void)
{
    return record.status;
}

const char *et_error_message(void)
{
    return record.message;
}

void et_error_clear(void)
{
    record.status = ET_OK;
    record.message[0] = '\0';
}

void et_error_take(struct et_error_record *to)
{
    *to = record;
    et_error_clear();
}

void et_error_put(const struct et_error_record *from)
{
    record = *from;
}
