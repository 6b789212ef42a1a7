/* SPDX-License-Identifier: Apache-2.0
 *
 * The summary of a run file, for people and for scripts. */
#ifndef ETALON_CLI_SUMMARY_H
#define ETALON_CLI_SUMMARY_H

#include "json.h"

#include <etalon/experiment.h>

/* Both print on standard output. */
void summary_print(const struct et_run_summary *summary, const char *path);
void summary_print_json(const struct et_run_summary *summary);

/* Reads the run file and prints it one way or the other; returns an exit code. */
int summary_show(const char *command, const char *path, bool as_json);

/* {"mean", "sd", "ci95": [lo, hi], "seeds", "last_epoch"} */
void summary_json_accuracy(struct json *json, const char *key, const struct et_accuracy *accuracy);
/* "96.20 % +- 2.60, 95 % CI [95.0, 97.4]" into text. */
void summary_format_accuracy(const struct et_accuracy *accuracy, char *text, size_t size);

#endif
