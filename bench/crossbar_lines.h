/* SPDX-License-Identifier: Apache-2.0
 *
 * A crossbar with a batch of inputs and outputs, for checks. */
#ifndef ETALON_BENCH_CROSSBAR_LINES_H
#define ETALON_BENCH_CROSSBAR_LINES_H

#include <etalon/array.h>
#include <etalon/system.h>

struct et__crossbar_lines {
    struct et_system *system;
    struct et_array x, y;
};

/* Opens a system (seed 3) and its batch; after a failure there is nothing to close. */
enum et_status et__crossbar_lines_open(const char *yaml, size_t batch,
                                       struct et__crossbar_lines *lines) ET_CHECKED;
/* y from x. */
enum et_status et__crossbar_lines_run(struct et__crossbar_lines *lines) ET_CHECKED;
void et__crossbar_lines_close(struct et__crossbar_lines *lines);

#endif
