/* SPDX-License-Identifier: Apache-2.0
 *
 * Log sink.  The library never prints: it hands lines to a sink that the program installs once at
 * start.  Without a sink, lines vanish. */
#ifndef ETALON_LOG_H
#define ETALON_LOG_H

#include <etalon/error.h>

enum et_log_level { ET_LOG_DEBUG, ET_LOG_INFO, ET_LOG_WARNING };

typedef void et_log_sink(enum et_log_level level, const char *line, void *user);

/* Installs the sink; NULL removes it.  Call before other threads start. */
ET_API void et_log_set_sink(et_log_sink *sink, void *user);

/* Sends one line (no newline at its end) to the sink. */
ET_API void et_log(enum et_log_level level, const char *format, ...) ET_PRINTF(2, 3);

#endif
