/* SPDX-License-Identifier: Apache-2.0
 *
 * The accelerator behind its registers: bringing it up, running programs, getting it back after an
 * error.  What the files of the driver share; layers and their memory are in bnn.c. */
#ifndef ETALON_DRIVERS_BNN_DEVICE_H
#define ETALON_DRIVERS_BNN_DEVICE_H

#include <etalon/accelerator.h>
#include <etalon/transport.h>

#include "hw/bnn_descriptor.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct et__bnn_device {
    struct et_transport *transport;
    struct et_accelerator_options options; /* without zeros */
    struct et_bnn_caps caps;
    struct et_dma ring;   /* 2^ring_log2 descriptors */
    struct et_dma record; /* two completion records */
    uint32_t tail;        /* descriptors handed over, as TAIL counts */
    uint32_t tag;         /* of the next descriptor */
    bool hung;            /* it did not drain: it may still reach its memory */
};

/* A program at work. */
struct et__bnn_run {
    const struct et_bnn_program *program;
    size_t layer; /* for messages */
    uint32_t tag; /* of its first descriptor */
    double deadline_s;
};

double et__bnn_now_s(void);

/* Checks what is there and leaves it enabled with an empty ring.  The transport stays the
 * caller's.  Errors: ET_DEVICE (no accelerator, another register map, does not drain), ... */
enum et_status et__bnn_device_open(struct et__bnn_device *device, struct et_transport *transport,
                                   const struct et_accelerator_options *options) ET_CHECKED;
/* Stops it; the shared memory goes with the transport. */
void et__bnn_device_close(struct et__bnn_device *device);

/* Executes a program and waits for its end.  After an error the device has been aborted, and
 * `hung` says whether it let go of its memory. */
enum et_status et__bnn_device_run(struct et__bnn_device *device,
                                  const struct et_bnn_program *program, size_t layer) ET_CHECKED;

/* Aborts, waits until no burst is open, and starts again with an empty ring.
 * Errors: ET_DEVICE (does not drain), or those of the transport. */
enum et_status et__bnn_device_recover(struct et__bnn_device *device) ET_CHECKED;

enum et_status et__bnn_device_counters(struct et__bnn_device *device,
                                       struct et_bnn_counters *counters) ET_CHECKED;

/* Records why the device has halted, in one sentence.  Returns ET_DEVICE, or the status of a
 * register access that failed. */
enum et_status et__bnn_explain(struct et__bnn_device *device, const struct et__bnn_run *run);

/* As et_accelerator_open over a transport that is open; the handle takes it over, also when this
 * fails. */
enum et_status et__accelerator_open_on(struct et_transport *transport,
                                       const struct et_accelerator_options *options,
                                       struct et_accelerator **accelerator) ET_CHECKED;

#endif
