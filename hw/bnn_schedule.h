/* SPDX-License-Identifier: Apache-2.0
 *
 * From three lists of operations with dependencies to one ring of descriptors with tokens.
 *
 * Each engine executes its list in order.  An operation may wait until the first `prev`
 * operations of the engine before it and the first `next` of the engine behind it have ended. */
#ifndef ETALON_HW_BNN_SCHEDULE_H
#define ETALON_HW_BNN_SCHEDULE_H

#include "bnn_descriptor.h"

struct et__bnn_op {
    struct et_bnn_descriptor d;
    size_t prev, next;
};

enum et__bnn_engine { ET__BNN_LOAD, ET__BNN_COMPUTE, ET__BNN_STORE, ET__BNN_ENGINES };

struct et__bnn_schedule {
    struct et__bnn_list {
        struct et__bnn_op *op;
        size_t n, room;
    } list[ET__BNN_ENGINES];
    struct et__bnn_op spare; /* what a caller fills after an allocation failed */
    bool failed;
};

/* Appends an operation and returns its descriptor, with the opcode set.  Allocation failures stick
 * and are reported by et__bnn_schedule_end. */
struct et_bnn_descriptor *et__bnn_schedule_add(struct et__bnn_schedule *schedule,
                                               enum et__bnn_engine engine, size_t prev,
                                               size_t next);

/* Places tokens, orders the ring and frees the lists.  Errors: ET_NOMEM. */
enum et_status et__bnn_schedule_end(struct et__bnn_schedule *schedule,
                                    struct et_bnn_program *program) ET_CHECKED;

#endif
