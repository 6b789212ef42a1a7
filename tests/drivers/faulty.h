/* SPDX-License-Identifier: Apache-2.0
 *
 * A transport in front of another one, with faults on request, and without the power to end what
 * lies behind it: closing it is what a killed program leaves. */
#ifndef ETALON_TESTS_FAULTY_H
#define ETALON_TESTS_FAULTY_H

#include <etalon/transport.h>

#include <check.h>
#include <string.h>

#include "close.h"
#include "hw/bnn_descriptor.h"
#include "hw/transport_internal.h"

/* The faults; all zero = none.  Tests set them while the transport is in use. */
static struct {
    struct et_transport *inner;
    bool dead;             /* every access fails */
    bool dies_at_doorbell; /* after it has rung */
    bool lose_doorbell, lose_interrupts;
    bool replace; /* reading register `address` gives `value` */
    uint32_t address, value;
    size_t reads_left;                           /* then one read times out; 0 = never */
    size_t dma_max;                              /* bytes of one block; 0 = any */
    void (*tamper)(struct et_bnn_descriptor *d); /* with the next descriptor that is shown */
    size_t frees, shown; /* blocks freed, bytes made visible to the device */
} faulty;

static inline enum et_status faulty_check(void)
{
    return faulty.dead ? et_error_set(ET_IO, "the cable is cut") : ET_OK;
}

static inline enum et_status faulty_open(void *state, const char *address)
{
    (void)state;
    (void)address;
    return ET_OK;
}

static inline enum et_status faulty_read32(void *state, uint32_t address, uint32_t *value)
{
    (void)state;
    ET_TRY(faulty_check());
    if (faulty.reads_left > 0 && --faulty.reads_left == 0)
        return et_error_set(ET_TIMEOUT, "no answer");
    ET_TRY(et_transport_read32(faulty.inner, address, value));
    if (faulty.replace && address == faulty.address) *value = faulty.value;
    return ET_OK;
}

static inline enum et_status faulty_write32(void *state, uint32_t address, uint32_t value)
{
    (void)state;
    ET_TRY(faulty_check());
    if (address == ET__BNN_REG_TAIL && faulty.lose_doorbell) return ET_OK;
    ET_TRY(et_transport_write32(faulty.inner, address, value));
    if (address == ET__BNN_REG_TAIL && faulty.dies_at_doorbell) faulty.dead = true;
    return ET_OK;
}

static inline enum et_status faulty_alloc(void *state, size_t bytes, struct et_dma *dma,
                                          void **cookie)
{
    (void)state;
    (void)cookie;
    if (faulty.dma_max > 0 && bytes > faulty.dma_max)
        return et_error_set(ET_NOMEM, "%zu bytes", bytes);
    return et_transport_dma_alloc(faulty.inner, bytes, dma);
}

static inline void faulty_free(void *state, struct et_dma *dma, void *cookie)
{
    (void)state;
    (void)cookie;
    faulty.frees++;
    et_transport_dma_free(faulty.inner, dma);
}

static inline enum et_status faulty_sync(void *state, const struct et_dma *dma, size_t offset,
                                         size_t n, enum et_dma_direction direction)
{
    (void)state;
    ET_TRY(faulty_check());
    if (direction == ET_TO_DEVICE) faulty.shown += n;
    if (direction == ET_TO_DEVICE && faulty.tamper != NULL && n % 64 == 0 && n > 0) {
        struct et_bnn_descriptor *d = (void *)((char *)dma->host + offset);
        /* The ring and nothing else has descriptors with right check sums. */
        if (et__bnn_descriptor_crc(d) == d->word[15]) {
            faulty.tamper(d);
            faulty.tamper = NULL;
        }
    }
    return et_transport_sync(faulty.inner, dma, offset, n, direction);
}

static inline enum et_status faulty_wait(void *state, double timeout_s, bool *fired)
{
    (void)state;
    ET_TRY(faulty_check());
    ET_TRY(et_transport_wait(faulty.inner, timeout_s, fired));
    if (faulty.lose_interrupts) *fired = false;
    return ET_OK;
}

static const struct et_transport_type faulty_type = {
    .scheme = "faulty",
    .summary = "Another transport with faults.",
    .address = "nothing",
    .state_size = 1,
    .open = faulty_open,
    .read32 = faulty_read32,
    .write32 = faulty_write32,
    .dma_alloc = faulty_alloc,
    .dma_free = faulty_free,
    .sync = faulty_sync,
    .wait = faulty_wait,
};

/* Puts it in front of a device, which stays open until faulty_end. */
static inline void faulty_begin(const char *uri)
{
    memset(&faulty, 0, sizeof faulty);
    assert_ok(et_transport_open(uri, &faulty.inner));
}

static inline void faulty_end(void)
{
    et_transport_close(faulty.inner);
    faulty.inner = NULL;
}

static inline struct et_transport *faulty_transport(void)
{
    struct et_transport *transport;
    assert_ok(et__transport_open_type(&faulty_type, "faulty:", &transport));
    return transport;
}

#endif
