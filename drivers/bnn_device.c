/* SPDX-License-Identifier: Apache-2.0
 *
 * The accelerator: identity, capabilities, bringing up, recovery, counters. */
#include "bnn_device.h"

#include <etalon/log.h>

#include <time.h>

#define BIT(name) (UINT32_C(1) << ET__BNN_##name##_SHIFT)

enum { ID = 0x4e4e4245 };

/* A device that is only slow has drained long before. */
static const double drain_s = 2, pause_s = 1e-3;

double et__bnn_now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static enum et_status read32(struct et__bnn_device *device, uint32_t address, uint32_t *value)
{
    return et_transport_read32(device->transport, address, value);
}

static enum et_status write32(struct et__bnn_device *device, uint32_t address, uint32_t value)
{
    return et_transport_write32(device->transport, address, value);
}

/* -------------------------------------------------------------------------------- identity -- */

static enum et_status check_identity(struct et__bnn_device *device)
{
    uint32_t id, version;
    ET_TRY(read32(device, ET__BNN_REG_ID, &id));
    if (id != ID)
        return et_error_set(ET_DEVICE, "no accelerator at '%s': its ID is 0x%08x, not 0x%08x",
                            et_transport_uri(device->transport), (unsigned)id, (unsigned)ID);
    ET_TRY(read32(device, ET__BNN_REG_VERSION, &version));
    uint32_t hash = version >> ET__BNN_VERSION_HASH_SHIFT & ET__BNN_VERSION_HASH_MASK;
    if (hash == ET__BNN_MAP_HASH) return ET_OK;
    return et_error_set(ET_DEVICE,
                        "the accelerator at '%s' has another register map: its hash is 0x%04x, "
                        "that of this program 0x%04x",
                        et_transport_uri(device->transport), (unsigned)hash,
                        (unsigned)ET__BNN_MAP_HASH);
}

static bool is_power_of_2(unsigned n, unsigned lo, unsigned hi)
{
    return n >= lo && n <= hi && (n & (n - 1)) == 0;
}

static enum et_status read_caps(struct et__bnn_device *device)
{
    uint32_t c[4];
    for (uint32_t i = 0; i < 4; i++)
        ET_TRY(read32(device, ET__BNN_REG_CAPS0 + 4 * i, &c[i]));
    struct et_bnn_caps *caps = &device->caps;
    *caps = (struct et_bnn_caps){.pe = c[0] & 0xffff,
                                 .simd = c[0] >> 16,
                                 .axi_bits = c[1] & 0xffff,
                                 .w_depth = c[1] >> 16,
                                 .a_depth = c[2] & 0xffff,
                                 .o_depth = c[2] >> 16,
                                 .t_depth = c[3] & 0xffff,
                                 .c_depth = c[3] >> 16};
    bool legal = is_power_of_2(caps->axi_bits, 64, 128) && is_power_of_2(caps->pe, 8, 128) &&
                 is_power_of_2(caps->simd, 16, caps->axi_bits) && caps->w_depth >= 16 &&
                 caps->a_depth >= 16 && caps->o_depth >= 16 && caps->t_depth >= 16 &&
                 caps->c_depth >= 16;
    if (legal) return ET_OK;
    return et_error_set(ET_DEVICE,
                        "the accelerator at '%s' says impossible things of itself: PE = %u, SIMD = "
                        "%u, AXI_DW = %u, depths %u, %u, %u, %u, %u",
                        et_transport_uri(device->transport), caps->pe, caps->simd, caps->axi_bits,
                        caps->w_depth, caps->a_depth, caps->t_depth, caps->o_depth, caps->c_depth);
}

/* --------------------------------------------------------------------- stopping and starting -- */

/* Waits until the bits of STATUS are 0. */
static enum et_status wait_for_status(struct et__bnn_device *device, uint32_t bits)
{
    double limit = device->options.timeout_s < drain_s ? device->options.timeout_s : drain_s;
    double end = et__bnn_now_s() + limit;
    for (;;) {
        uint32_t status;
        bool fired;
        ET_TRY(read32(device, ET__BNN_REG_STATUS, &status));
        if ((status & bits) == 0) return ET_OK;
        if (et__bnn_now_s() > end)
            return et_error_set(ET_DEVICE,
                                "the accelerator at '%s' does not finish its bursts (STATUS = "
                                "0x%x): its memory stays allocated until it is closed",
                                et_transport_uri(device->transport), (unsigned)status);
        ET_TRY(et_transport_wait(device->transport, pause_s, &fired));
    }
}

/* Registers that an abort leaves alone are written all the same: a reset clears them. */
static enum et_status start(struct et__bnn_device *device)
{
    ET_TRY(write32(device, ET__BNN_REG_ERR, UINT32_MAX));
    ET_TRY(write32(device, ET__BNN_REG_IRQ_STAT, UINT32_MAX));
    ET_TRY(write32(device, ET__BNN_REG_RING_BASE_LO, (uint32_t)device->ring.device));
    ET_TRY(write32(device, ET__BNN_REG_RING_BASE_HI, (uint32_t)(device->ring.device >> 32)));
    ET_TRY(write32(device, ET__BNN_REG_RING_SIZE, device->options.ring_log2));
    ET_TRY(write32(device, ET__BNN_REG_WATCHDOG, device->options.watchdog));
    uint32_t interrupts = device->options.poll ? 0 : BIT(IRQ_STAT_DONE) | BIT(IRQ_STAT_ERROR);
    ET_TRY(write32(device, ET__BNN_REG_IRQ_EN, interrupts));
    device->tail = 0;
    return write32(device, ET__BNN_REG_CTRL, BIT(CTRL_ENABLE));
}

enum et_status et__bnn_device_recover(struct et__bnn_device *device)
{
    device->hung = true;
    ET_TRY(write32(device, ET__BNN_REG_CTRL, BIT(CTRL_ABORT)));
    ET_TRY(wait_for_status(device, BIT(STATUS_DRAINING)));
    device->hung = false;
    return start(device);
}

static enum et_status reset(struct et__bnn_device *device)
{
    uint32_t status;
    ET_TRY(read32(device, ET__BNN_REG_STATUS, &status));
    if (status != 0) {
        et_log(ET_LOG_WARNING, "a program left the accelerator at '%s' at work (STATUS = 0x%x)",
               et_transport_uri(device->transport), (unsigned)status);
        ET_TRY(write32(device, ET__BNN_REG_CTRL, BIT(CTRL_ABORT)));
        ET_TRY(wait_for_status(device, BIT(STATUS_DRAINING)));
    }
    ET_TRY(write32(device, ET__BNN_REG_CTRL, BIT(CTRL_RESET)));
    return wait_for_status(device, UINT32_MAX);
}

static enum et_status read_options(struct et__bnn_device *device,
                                   const struct et_accelerator_options *given)
{
    struct et_accelerator_options *options = &device->options;
    if (given != NULL) *options = *given;
    if (options->timeout_s == 0) options->timeout_s = 60;
    if (options->watchdog == 0) options->watchdog = 1000000;
    if (options->ring_log2 == 0) options->ring_log2 = 8;
    if (!(options->timeout_s > 0 && options->timeout_s <= 1e6))
        return et_error_set(ET_INVALID, "timeout_s = %g s is outside (0, 1e6] s",
                            options->timeout_s);
    if (options->ring_log2 > 15)
        return et_error_set(ET_INVALID, "ring_log2 = %u is outside [1, 15]", options->ring_log2);
    return ET_OK;
}

enum et_status et__bnn_device_open(struct et__bnn_device *device, struct et_transport *transport,
                                   const struct et_accelerator_options *options)
{
    device->transport = transport;
    ET_TRY(read_options(device, options));
    ET_TRY(check_identity(device));
    ET_TRY(read_caps(device));
    ET_TRY(reset(device));
    size_t entry = sizeof(struct et_bnn_descriptor);
    ET_TRY(et_transport_dma_alloc(transport, entry << device->options.ring_log2, &device->ring));
    ET_TRY(et_transport_dma_alloc(transport, 2 * sizeof(uint64_t), &device->record));
    return start(device);
}

void et__bnn_device_close(struct et__bnn_device *device)
{
    struct et_error_record kept;
    et_error_take(&kept);
    /* Nothing can be done about a device that does not stop; the transport takes its memory away
     * in any case. */
    if (write32(device, ET__BNN_REG_CTRL, BIT(CTRL_RESET)) == ET_OK &&
        wait_for_status(device, UINT32_MAX) != ET_OK)
        et_log(ET_LOG_WARNING, "%s", et_error_message());
    et_error_put(&kept);
}

/* -------------------------------------------------------------------------------- counters -- */

static enum et_status read64(struct et__bnn_device *device, uint32_t address, uint64_t *value)
{
    uint32_t low, high;
    ET_TRY(read32(device, address, &low));
    ET_TRY(read32(device, address + 4, &high));
    *value = low | (uint64_t)high << 32;
    return ET_OK;
}

enum et_status et__bnn_device_counters(struct et__bnn_device *device,
                                       struct et_bnn_counters *counters)
{
    /* CTRL is written whole: without ENABLE this would stop the device. */
    ET_TRY(write32(device, ET__BNN_REG_CTRL, BIT(CTRL_ENABLE) | BIT(CTRL_SNAPSHOT)));
    uint32_t at = ET__BNN_COUNTER_CYCLES;
#define X(name)                                                                                    \
    ET_TRY(read64(device, at, &counters->name));                                                   \
    at += 8;
    ET_BNN_COUNTERS(X)
#undef X
    return ET_OK;
}
