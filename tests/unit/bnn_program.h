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

/* Fails the test unless the program keeps every order that matters: two accesses of one place of a
 * buffer, at least one of them a write, by different engines, must be ordered by tokens as they
 * are in the ring, and nothing is read that was not written.  Tokens must be used up at the end. */
void check_program_order(const struct et_bnn_program *program, const struct et_bnn_caps *caps);

/* Executes queues, in-order fetch and tokens.  `order` (0 to 5) says which engine goes first when
 * several can.  Fails the test on a deadlock or when a token counter passes 255. */
void check_program_ends(const struct et_bnn_program *program, unsigned order);

/* A schedule in cycles: each engine takes as long as its descriptor's beats or steps, plus
 * start-up times that resemble the RTL's. */
struct program_time {
    double cycles, steps, load_beats, store_beats;
};
struct program_time program_time(const struct et_bnn_program *program,
                                 const struct et_bnn_caps *caps);

#endif
