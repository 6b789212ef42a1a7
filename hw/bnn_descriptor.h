/* SPDX-License-Identifier: Apache-2.0
 *
 * Fields of descriptors, as docs/accelerator.md lays them out: for the compiler that writes them,
 * the driver that completes them and the functional model that reads them.
 *
 *     et__bnn_set(&d, ET__BNN_ANY_OPCODE, ET__BNN_OP_LOAD);
 *     et__bnn_set_address(&d, ET__BNN_LOAD_ADDRESS_LO, at);
 *     et__bnn_descriptor_seal(&d);
 *
 * This header is a door: drivers may include it. */
#ifndef ETALON_HW_BNN_DESCRIPTOR_H
#define ETALON_HW_BNN_DESCRIPTOR_H

#include <etalon/accelerator.h>

#include "bnn_registers.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

enum et__bnn_opcode {
    ET__BNN_OP_NOP,
    ET__BNN_OP_LOAD,
    ET__BNN_OP_COMPUTE,
    ET__BNN_OP_STORE,
    ET__BNN_OP_SYNC
};
enum et__bnn_target { ET__BNN_TO_WEIGHTS, ET__BNN_TO_ACTIVATIONS, ET__BNN_TO_THRESHOLDS };

static inline uint32_t et__bnn_field_mask(struct et__bnn_field field)
{
    return (uint32_t)((UINT64_C(1) << field.width) - 1);
}

/* The value must fit (asserted). */
static inline void et__bnn_set(struct et_bnn_descriptor *d, struct et__bnn_field field,
                               uint64_t value)
{
    uint32_t mask = et__bnn_field_mask(field);
    assert(value <= mask);
    d->word[field.word] =
        (d->word[field.word] & ~(mask << field.shift)) | (uint32_t)(value << field.shift);
}

static inline uint32_t et__bnn_get(const struct et_bnn_descriptor *d, struct et__bnn_field field)
{
    return d->word[field.word] >> field.shift & et__bnn_field_mask(field);
}

/* 64-bit addresses: `low` is the field of the low word, the high word follows it. */
static inline void et__bnn_set_address(struct et_bnn_descriptor *d, struct et__bnn_field low,
                                       uint64_t address)
{
    d->word[low.word] = (uint32_t)address;
    d->word[low.word + 1] = (uint32_t)(address >> 32);
}

static inline uint64_t et__bnn_get_address(const struct et_bnn_descriptor *d,
                                           struct et__bnn_field low)
{
    return d->word[low.word] | (uint64_t)d->word[low.word + 1] << 32;
}

/* The CRC-32 (IEEE 802.3, as in zlib) that word 15 must hold. */
uint32_t et__bnn_descriptor_crc(const struct et_bnn_descriptor *d);
/* Writes it. */
void et__bnn_descriptor_seal(struct et_bnn_descriptor *d);

#endif
