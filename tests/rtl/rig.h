/* SPDX-License-Identifier: Apache-2.0
 *
 * A device under test by its registers and descriptors alone, over any transport: a ring, and
 * memory for everything that programs read and write. */
#ifndef ETALON_TESTS_RIG_H
#define ETALON_TESTS_RIG_H

#include <etalon/transport.h>

#include <check.h>
#include <string.h>

#include "close.h"
#include "hw/bnn_descriptor.h"

enum { RIG_LOG2 = 6, RIG_ENTRIES = 1 << RIG_LOG2, RIG_DATA = 1 << 19, RIG_WATCHDOG = 200000 };

struct rig {
    struct et_transport *transport;
    struct et_bnn_caps caps;
    struct et_dma ring, data; /* data: RIG_DATA bytes */
    uint32_t tail;            /* as the device knows it */
    size_t pushed;            /* of the program that rig_feed runs */
    uint32_t turns;           /* since the bell */
    uint32_t fired;           /* interrupts so far, as IRQ_STAT has them */
};

uint32_t rig_read(struct rig *rig, uint32_t address);
void rig_write(struct rig *rig, uint32_t address, uint32_t value);
uint64_t rig_counter(struct rig *rig, uint32_t address);

/* Opens, allocates, resets and enables; the ring is empty. */
void rig_open(struct rig *rig, const char *uri);
void rig_close(struct rig *rig);
/* From wherever it is to enabled, with an empty ring: the abort and the reset of a driver.
 * Returns false when the device does not drain. */
bool rig_restart(struct rig *rig);

/* Programs hold offsets into the data where a device wants addresses. */
void rig_push(struct rig *rig, struct et_bnn_descriptor d);
/* As it is, check sum and all. */
void rig_push_raw(struct rig *rig, const struct et_bnn_descriptor *d);
void rig_bell(struct rig *rig);
/* All of the data, as host or device last wrote them. */
void rig_data_to(struct rig *rig);
void rig_data_from(struct rig *rig);
/* Runs a little.  True when the device has nothing to do or has halted; fails the test when that
 * does not come to an end. */
bool rig_turn(struct rig *rig);
/* Until it has nothing to do or has halted. */
void rig_finish(struct rig *rig);
/* Pushes what the ring has room for of d[pushed, n), runs a little; true at the end of all. */
bool rig_feed(struct rig *rig, const struct et_bnn_descriptor *d, size_t n);

/* Offsets become addresses, the check sum is written. */
struct et_bnn_descriptor rig_place(const struct rig *rig, struct et_bnn_descriptor d);

#endif
