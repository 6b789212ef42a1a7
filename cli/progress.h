/* SPDX-License-Identifier: Apache-2.0
 *
 * What a person sees on standard error while a run works: a bar on a terminal, now and then a
 * line elsewhere; and the request to stop. */
#ifndef ETALON_CLI_PROGRESS_H
#define ETALON_CLI_PROGRESS_H

#include <etalon/experiment.h>
#include <etalon/log.h>

/* A bar, or a line at most every 10 s when standard error is no terminal; nothing when quiet. */
void progress_begin(bool quiet);
/* et_run_options.progress; user is unused. */
void progress_update(void *user, const struct et_progress *progress);
/* Takes the bar off the screen. */
void progress_end(void);

/* The log sink: writes around the bar.  Debug lines are dropped, and information when quiet. */
void progress_log(enum et_log_level level, const char *line, void *user);

/* From here on the first SIGINT or SIGTERM asks to stop and the second one kills. */
void interrupt_begin(void);
/* et_run_options.should_stop; user is unused. */
bool interrupt_asked(void *user);

#endif
