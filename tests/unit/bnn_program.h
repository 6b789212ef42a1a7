/* SPDX-License-Identifier: Apache-2.0
 *
 * What a program of descriptors does to the device's buffers and queues, worked out from the
 * descriptors alone: for tests of the compiler. */
#ifndef ETALON_TESTS_BNN_PROGRAM_H
#define ETALON_TESTS_BNN_PROGRAM_H

#include <etalon/accelerator.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is wrong with the order of a program, NULL if nothing is: two accesses of one place of a
 * buffer, at least one of them a write, by different engines, must be ordered by tokens as they
 * are in the ring; nothing is read that was not written; no place is outside; every operation
 * comes after those that give its tokens; tokens are used up at the end. */
const char *program_order_fault(const struct et_bnn_program *program,
                                const struct et_bnn_caps *caps);

/* What goes wrong when queues of depth 4, in-order fetch and tokens are executed, NULL if nothing
 * does: a deadlock, or a token counter that passes 255.  `order` (0 to 5) says which engine goes
 * first when several can. */
const char *program_end_fault(const struct et_bnn_program *program, unsigned order);

/* A schedule in cycles: COMPUTEs by the formula of the manual, copies by their beats, with
 * hand-over times like those of the RTL. */
struct program_time {
    double cycles, steps, load_beats, store_beats;
};
struct program_time program_time(const struct et_bnn_program *program,
                                 const struct et_bnn_caps *caps);

#endif
