/* SPDX-License-Identifier: Apache-2.0
 *
 * The accelerator by its registers and descriptors alone, over any transport: for tests of what
 * docs/accelerator.md promises, without the driver. */
#ifndef ETALON_TESTS_RAW_DEVICE_H
#define ETALON_TESTS_RAW_DEVICE_H

#include <etalon/transport.h>

#include <check.h>
#include <string.h>

#include "close.h"
#include "hw/bnn_descriptor.h"

enum { RAW_LOG2 = 4, RAW_ENTRIES = 1 << RAW_LOG2, RAW_DATA = 1 << 18, RAW_WATCHDOG = 20000 };

struct raw {
    struct et_transport *transport;
    struct et_bnn_caps caps;
    struct et_dma ring, data; /* data: RAW_DATA bytes */
    uint32_t tail;
};

static inline uint32_t raw_read(struct raw *raw, uint32_t address)
{
    uint32_t value;
    assert_ok(et_transport_read32(raw->transport, address, &value));
    return value;
}

static inline void raw_write(struct raw *raw, uint32_t address, uint32_t value)
{
    assert_ok(et_transport_write32(raw->transport, address, value));
}

static inline uint64_t raw_counter(struct raw *raw, uint32_t address)
{
    raw_write(raw, ET__BNN_REG_CTRL, raw_read(raw, ET__BNN_REG_CTRL) | 8);
    return raw_read(raw, address) | (uint64_t)raw_read(raw, address + 4) << 32;
}

/* From reset to enabled, with an empty ring. */
static inline void raw_start(struct raw *raw)
{
    raw_write(raw, ET__BNN_REG_CTRL, 4);
    while (raw_read(raw, ET__BNN_REG_STATUS) != 0) {
    }
    raw_write(raw, ET__BNN_REG_RING_BASE_LO, (uint32_t)raw->ring.device);
    raw_write(raw, ET__BNN_REG_RING_BASE_HI, (uint32_t)(raw->ring.device >> 32));
    raw_write(raw, ET__BNN_REG_RING_SIZE, RAW_LOG2);
    raw_write(raw, ET__BNN_REG_WATCHDOG, RAW_WATCHDOG);
    raw_write(raw, ET__BNN_REG_IRQ_EN, 7);
    raw_write(raw, ET__BNN_REG_CTRL, 1);
    raw->tail = 0;
}

static inline struct raw raw_open(const char *uri)
{
    struct raw raw = {0};
    assert_ok(et_transport_open(uri, &raw.transport));
    uint32_t c[4];
    for (uint32_t i = 0; i < 4; i++)
        c[i] = raw_read(&raw, ET__BNN_REG_CAPS0 + 4 * i);
    raw.caps = (struct et_bnn_caps){.pe = c[0] & 0xffff,
                                    .simd = c[0] >> 16,
                                    .axi_bits = c[1] & 0xffff,
                                    .w_depth = c[1] >> 16,
                                    .a_depth = c[2] & 0xffff,
                                    .o_depth = c[2] >> 16,
                                    .t_depth = c[3] & 0xffff,
                                    .c_depth = c[3] >> 16};
    assert_ok(et_transport_dma_alloc(raw.transport, RAW_ENTRIES * 64, &raw.ring));
    assert_ok(et_transport_dma_alloc(raw.transport, RAW_DATA, &raw.data));
    raw_start(&raw);
    return raw;
}

static inline void raw_close(struct raw *raw)
{
    et_transport_close(raw->transport);
}

/* A descriptor of an operation with a tag. */
static inline struct et_bnn_descriptor raw_new(enum et__bnn_opcode opcode, uint32_t tag)
{
    struct et_bnn_descriptor d = {{0}};
    et__bnn_set(&d, ET__BNN_ANY_OPCODE, opcode);
    et__bnn_set(&d, ET__BNN_ANY_TAG, tag);
    return d;
}

/* Into the ring as it is. */
static inline void raw_push_unsealed(struct raw *raw, const struct et_bnn_descriptor *d)
{
    memcpy((char *)raw->ring.host + raw->tail++ % RAW_ENTRIES * 64, d, 64);
}

static inline void raw_push(struct raw *raw, struct et_bnn_descriptor d)
{
    et__bnn_descriptor_seal(&d);
    raw_push_unsealed(raw, &d);
}

/* With a record at `offset` of the data, and interrupt DONE. */
static inline void raw_push_complete(struct raw *raw, struct et_bnn_descriptor d, size_t offset)
{
    et__bnn_set(&d, ET__BNN_ANY_COMPLETE, 1);
    et__bnn_set(&d, ET__BNN_ANY_IRQ, 1);
    et__bnn_set_address(&d, ET__BNN_ANY_COMPLETION_LO, raw->data.device + offset);
    raw_push(raw, d);
}

/* IRQ_STAT, cleared. */
static inline uint32_t raw_take_irq(struct raw *raw)
{
    uint32_t pending = raw_read(raw, ET__BNN_REG_IRQ_STAT);
    raw_write(raw, ET__BNN_REG_IRQ_STAT, pending);
    return pending;
}

/* Rings the bell and waits until the device has nothing to do or has halted and drained; clears
 * IRQ_STAT and returns what it was. */
static inline uint32_t raw_go(struct raw *raw)
{
    bool fired;
    uint32_t status, pending = 0;
    assert_ok(et_transport_sync(raw->transport, &raw->ring, 0, raw->ring.bytes, ET_TO_DEVICE));
    assert_ok(et_transport_sync(raw->transport, &raw->data, 0, raw->data.bytes, ET_TO_DEVICE));
    raw_write(raw, ET__BNN_REG_TAIL, raw->tail);
    do {
        assert_ok(et_transport_wait(raw->transport, 0.002, &fired));
        pending |= raw_take_irq(raw);
        status = raw_read(raw, ET__BNN_REG_STATUS);
    } while (
        (status & 4) != 0 ||
        ((status & 2) == 0 && ((status & 1) != 0 || raw_read(raw, ET__BNN_REG_HEAD) != raw->tail)));
    pending |= raw_take_irq(raw); /* raised after the last look, before the status was read */
    assert_ok(et_transport_sync(raw->transport, &raw->data, 0, raw->data.bytes, ET_FROM_DEVICE));
    return pending;
}

#endif
