/* SPDX-License-Identifier: Apache-2.0
 *
 * The log sink, set once at start. */
#include <etalon/log.h>

#include <stdarg.h>
#include <stdio.h>

static struct {
    et_log_sink *call;
    void *user;
} sink;

void et_log_set_sink(et_log_sink *call, void *user)
{
    sink.call = call;
    sink.user = user;
}

void et_log(enum et_log_level level, const char *format, ...)
{
    if (sink.call == NULL) return;
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    sink.call(level, line, sink.user);
}
