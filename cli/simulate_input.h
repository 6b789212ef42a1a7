/* SPDX-License-Identifier: Apache-2.0
 *
 * Inputs of `etalon simulate`. */
#ifndef ETALON_CLI_SIMULATE_INPUT_H
#define ETALON_CLI_SIMULATE_INPUT_H

#include <etalon/array.h>
#include <etalon/system.h>

/* One sample per line of comma-separated numbers; blank lines and # lines are skipped, and a
 * first line that starts with a letter or a quote is a heading.
 * Errors: ET_MISSING, ET_IO, ET_FORMAT "file:line: ...", ET_NOMEM. */
enum et_status simulate_read_csv(const char *path, size_t n_in, struct et_array *x) ET_CHECKED;

/* n samples, uniform over the legal range of inputs ([-1, 1] where there is no limit). */
enum et_status simulate_draw(const struct et_system_info *info, uint64_t seed, size_t n,
                             struct et_array *x) ET_CHECKED;

#endif
