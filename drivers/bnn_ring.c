/* SPDX-License-Identifier: Apache-2.0
 *
 * The descriptor ring: handing programs over, waiting, and what a halted device has to say.
 *
 * A program may be longer than the ring.  It goes over in chunks of half a ring, of which the last
 * descriptor asks for a completion record: descriptors are fetched in order, so that record also
 * says that the whole half may be written again.  A SYNC ends the program; its record says that
 * everything has been done and written. */
#include "bnn_device.h"

#include <stdio.h>
#include <string.h>

/* One interrupt may get lost; records do not. */
static const double slice_s = 0.05, poll_s = 1e-4;

static size_t ring_entries(const struct et__bnn_device *device)
{
    return (size_t)1 << device->options.ring_log2;
}

/* ----------------------------------------------------------------------------------- errors -- */

static const char *const operations[] = {"NOP", "LOAD", "COMPUTE", "STORE", "SYNC"};

static const struct {
    const char *name, *did;
} causes[] = {
    [ET__BNN_ERR_CRC_SHIFT] = {"CRC", "arrived with a wrong check sum"},
    [ET__BNN_ERR_OPCODE_SHIFT] = {"OPCODE", "has an unknown operation"},
    [ET__BNN_ERR_FIELD_SHIFT] = {"FIELD", "has a field out of its range or a reserved bit set"},
    [ET__BNN_ERR_ALIGN_SHIFT] = {"ALIGN", "has an address or a stride that is not aligned"},
    [ET__BNN_ERR_RANGE_SHIFT] = {"RANGE", "reached outside an on-chip buffer"},
    [ET__BNN_ERR_RING_SHIFT] = {"RING", "found TAIL too far ahead of HEAD"},
    [ET__BNN_ERR_AXI_READ_SHIFT] = {"AXI_READ", "read memory that refused it"},
    [ET__BNN_ERR_AXI_WRITE_SHIFT] = {"AXI_WRITE", "wrote memory that refused it"},
    [ET__BNN_ERR_WATCHDOG_SHIFT] = {"WATCHDOG", "made no progress for too many cycles"},
    [ET__BNN_ERR_ECC_SHIFT] = {"ECC", "read a weight word with two wrong bits"},
    [ET__BNN_ERR_PARITY_SHIFT] = {"PARITY", "read an activation word with wrong parity"},
    [ET__BNN_ERR_TOKEN_SHIFT] = {"TOKEN", "overflowed a dependency counter"},
};
enum { N_CAUSES = sizeof causes / sizeof *causes };

/* The operation of descriptor i of a run; the SYNC is the driver's own. */
static const char *operation_of(const struct et_bnn_program *program, size_t i)
{
    if (i >= program->n) return operations[ET__BNN_OP_SYNC];
    uint32_t opcode = et__bnn_get(&program->descriptor[i], ET__BNN_ANY_OPCODE);
    return opcode <= ET__BNN_OP_SYNC ? operations[opcode] : "descriptor";
}

enum et_status et__bnn_explain(struct et__bnn_device *device, const struct et__bnn_run *run)
{
    uint32_t error, tag, index;
    ET_TRY(et_transport_read32(device->transport, ET__BNN_REG_ERR, &error));
    ET_TRY(et_transport_read32(device->transport, ET__BNN_REG_ERR_TAG, &tag));
    ET_TRY(et_transport_read32(device->transport, ET__BNN_REG_ERR_INDEX, &index));
    size_t cause = 0;
    while (cause < N_CAUSES && !(error >> cause & 1))
        cause++;
    char what[96] = "halted without saying why";
    if (cause < N_CAUSES)
        snprintf(what, sizeof what, "%s (%s)", causes[cause].did, causes[cause].name);
    size_t i = tag - run->tag;
    uint32_t entry = index & (uint32_t)(ring_entries(device) - 1);
    if (i <= run->program->n)
        return et_error_set(ET_DEVICE,
                            "%s %zu of %zu of layer %zu (tag %u, entry %u of the ring) %s",
                            operation_of(run->program, i), i + 1, run->program->n + 1, run->layer,
                            (unsigned)tag, (unsigned)entry, what);
    return et_error_set(ET_DEVICE, "the descriptor in entry %u of the ring, of layer %zu, %s",
                        (unsigned)entry, run->layer, what);
}

/* ---------------------------------------------------------------------------------- waiting -- */

static enum et_status record_is_there(struct et__bnn_device *device, size_t slot, uint32_t tag,
                                      bool *there, bool *failed)
{
    uint32_t record[2];
    ET_TRY(et_transport_sync(device->transport, &device->record, slot * sizeof record,
                             sizeof record, ET_FROM_DEVICE));
    memcpy(record, (const char *)device->record.host + slot * sizeof record, sizeof record);
    *there = record[0] == tag && record[1] >> 31;
    *failed = *there && (record[1] & 0xffff) != 0;
    return ET_OK;
}

/* Sleeps until something may have happened.  The interrupt's cause is cleared before the caller
 * looks at records, so that one that comes in between raises the line again. */
static enum et_status pause_for_device(struct et__bnn_device *device, double left_s)
{
    double most = device->options.poll ? poll_s : slice_s;
    bool fired;
    ET_TRY(et_transport_wait(device->transport, left_s < most ? left_s : most, &fired));
    if (!fired) return ET_OK;
    uint32_t pending;
    ET_TRY(et_transport_read32(device->transport, ET__BNN_REG_IRQ_STAT, &pending));
    return et_transport_write32(device->transport, ET__BNN_REG_IRQ_STAT, pending);
}

static enum et_status complain_of_time(struct et__bnn_device *device, const struct et__bnn_run *run)
{
    uint32_t done;
    ET_TRY(et_transport_read32(device->transport, ET__BNN_REG_DONE, &done));
    /* DONE counts from when the ring was empty, as `tail` does. */
    uint32_t left = device->tail - done;
    return et_error_set(ET_TIMEOUT, "layer %zu did not end within %g s: %u descriptors are left",
                        run->layer, device->options.timeout_s, (unsigned)left);
}

static enum et_status wait_for_record(struct et__bnn_device *device, const struct et__bnn_run *run,
                                      size_t slot, uint32_t tag)
{
    for (;;) {
        bool there, failed;
        uint32_t status;
        ET_TRY(et_transport_read32(device->transport, ET__BNN_REG_STATUS, &status));
        if (status >> ET__BNN_STATUS_HALTED_SHIFT & 1) return et__bnn_explain(device, run);
        ET_TRY(record_is_there(device, slot, tag, &there, &failed));
        if (failed) return et__bnn_explain(device, run);
        if (there) return ET_OK;
        double left = run->deadline_s - et__bnn_now_s();
        if (left <= 0) return complain_of_time(device, run);
        ET_TRY(pause_for_device(device, left));
    }
}

/* ---------------------------------------------------------------------------------- running -- */

/* Shows the device the last n entries, which may go round the end of the ring. */
static enum et_status sync_entries(struct et__bnn_device *device, size_t n)
{
    size_t size = sizeof(struct et_bnn_descriptor), entries = ring_entries(device);
    size_t first = (device->tail - n) & (entries - 1);
    size_t straight = n < entries - first ? n : entries - first;
    ET_TRY(et_transport_sync(device->transport, &device->ring, first * size, straight * size,
                             ET_TO_DEVICE));
    return et_transport_sync(device->transport, &device->ring, 0, (n - straight) * size,
                             ET_TO_DEVICE);
}

/* Writes descriptors [first, first + n) of a run into the ring; the last one with a record. */
static enum et_status hand_over(struct et__bnn_device *device, const struct et__bnn_run *run,
                                size_t first, size_t n, size_t slot)
{
    struct et_bnn_descriptor *ring = device->ring.host;
    for (size_t i = first; i < first + n; i++) {
        struct et_bnn_descriptor d = {{0}};
        if (i < run->program->n)
            d = run->program->descriptor[i];
        else
            et__bnn_set(&d, ET__BNN_ANY_OPCODE, ET__BNN_OP_SYNC);
        et__bnn_set(&d, ET__BNN_ANY_TAG, (uint32_t)(run->tag + i));
        if (i + 1 == first + n) {
            et__bnn_set(&d, ET__BNN_ANY_COMPLETE, 1);
            et__bnn_set(&d, ET__BNN_ANY_IRQ, !device->options.poll);
            et__bnn_set_address(&d, ET__BNN_ANY_COMPLETION_LO, device->record.device + 8 * slot);
        }
        et__bnn_descriptor_seal(&d);
        ring[device->tail++ & (ring_entries(device) - 1)] = d;
    }
    ET_TRY(sync_entries(device, n));
    return et_transport_write32(device->transport, ET__BNN_REG_TAIL, device->tail);
}

static enum et_status run_program(struct et__bnn_device *device, const struct et__bnn_run *run)
{
    size_t chunk = ring_entries(device) / 2, n = run->program->n + 1;
    uint32_t last[2] = {0, 0}; /* tags of the records that are asked for */
    for (size_t first = 0, k = 0; first < n; first += chunk, k++) {
        size_t count = n - first < chunk ? n - first : chunk, slot = k % 2;
        if (k >= 2) ET_TRY(wait_for_record(device, run, slot, last[slot]));
        last[slot] = (uint32_t)(run->tag + first + count - 1);
        ET_TRY(hand_over(device, run, first, count, slot));
    }
    size_t chunks = (n + chunk - 1) / chunk;
    return wait_for_record(device, run, (chunks - 1) % 2, (uint32_t)(run->tag + n - 1));
}

/* After an error: the queues must not go on with a program that nobody waits for. */
static void abort_run(struct et__bnn_device *device)
{
    struct et_error_record first, second;
    et_error_take(&first);
    enum et_status status = et__bnn_device_recover(device);
    if (status != ET_OK) et_error_take(&second);
    et_error_put(&first);
    if (status != ET_OK) et_error_while("aborting, and then: %s", second.message);
}

enum et_status et__bnn_device_run(struct et__bnn_device *device,
                                  const struct et_bnn_program *program, size_t layer)
{
    struct et__bnn_run run = {program, layer, device->tag,
                              et__bnn_now_s() + device->options.timeout_s};
    device->tag += (uint32_t)program->n + 1;
    enum et_status status = run_program(device, &run);
    if (status != ET_OK) abort_run(device);
    return status;
}
