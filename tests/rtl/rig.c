/* SPDX-License-Identifier: Apache-2.0 */
#include "rtl/rig.h"

/* A device that has not ended after so many turns does not end. */
enum { MOST_TURNS = 50000 };

uint32_t rig_read(struct rig *rig, uint32_t address)
{
    uint32_t value;
    assert_ok(et_transport_read32(rig->transport, address, &value));
    return value;
}

void rig_write(struct rig *rig, uint32_t address, uint32_t value)
{
    assert_ok(et_transport_write32(rig->transport, address, value));
}

uint64_t rig_counter(struct rig *rig, uint32_t address)
{
    uint32_t enable = rig_read(rig, ET__BNN_REG_CTRL);
    rig_write(rig, ET__BNN_REG_CTRL, enable | 1U << ET__BNN_CTRL_SNAPSHOT_SHIFT);
    return rig_read(rig, address) | (uint64_t)rig_read(rig, address + 4) << 32;
}

bool rig_restart(struct rig *rig)
{
    rig_write(rig, ET__BNN_REG_CTRL, 1U << ET__BNN_CTRL_RESET_SHIFT);
    for (int i = 0; rig_read(rig, ET__BNN_REG_STATUS) != 0; i++)
        if (i == 1000) return false;
    rig_write(rig, ET__BNN_REG_RING_BASE_LO, (uint32_t)rig->ring.device);
    rig_write(rig, ET__BNN_REG_RING_BASE_HI, (uint32_t)(rig->ring.device >> 32));
    rig_write(rig, ET__BNN_REG_RING_SIZE, RIG_LOG2);
    rig_write(rig, ET__BNN_REG_WATCHDOG, RIG_WATCHDOG);
    rig_write(rig, ET__BNN_REG_IRQ_EN, 7);
    rig_write(rig, ET__BNN_REG_CTRL, 1U << ET__BNN_CTRL_ENABLE_SHIFT);
    rig->tail = 0;
    return true;
}

void rig_open(struct rig *rig, const char *uri)
{
    *rig = (struct rig){0};
    assert_ok(et_transport_open(uri, &rig->transport));
    uint32_t c[4];
    for (uint32_t i = 0; i < 4; i++)
        c[i] = rig_read(rig, ET__BNN_REG_CAPS0 + 4 * i);
    rig->caps = (struct et_bnn_caps){.pe = c[0] & 0xffff,
                                     .simd = c[0] >> 16,
                                     .axi_bits = c[1] & 0xffff,
                                     .w_depth = c[1] >> 16,
                                     .a_depth = c[2] & 0xffff,
                                     .o_depth = c[2] >> 16,
                                     .t_depth = c[3] & 0xffff,
                                     .c_depth = c[3] >> 16};
    assert_ok(et_transport_dma_alloc(rig->transport, RIG_ENTRIES * 64, &rig->ring));
    assert_ok(et_transport_dma_alloc(rig->transport, RIG_DATA, &rig->data));
    ck_assert(rig_restart(rig));
}

void rig_close(struct rig *rig)
{
    et_transport_close(rig->transport);
    rig->transport = NULL;
}

static void shift(struct et_bnn_descriptor *d, struct et__bnn_field low, uint64_t base)
{
    et__bnn_set_address(d, low, base + et__bnn_get_address(d, low));
}

struct et_bnn_descriptor rig_place(const struct rig *rig, struct et_bnn_descriptor d)
{
    uint32_t opcode = et__bnn_get(&d, ET__BNN_ANY_OPCODE);
    if (opcode == ET__BNN_OP_LOAD) shift(&d, ET__BNN_LOAD_ADDRESS_LO, rig->data.device);
    if (opcode == ET__BNN_OP_STORE) shift(&d, ET__BNN_STORE_ADDRESS_LO, rig->data.device);
    if (et__bnn_get(&d, ET__BNN_ANY_COMPLETE))
        shift(&d, ET__BNN_ANY_COMPLETION_LO, rig->data.device);
    et__bnn_descriptor_seal(&d);
    return d;
}

void rig_push_raw(struct rig *rig, const struct et_bnn_descriptor *d)
{
    memcpy((char *)rig->ring.host + rig->tail++ % RIG_ENTRIES * 64, d, 64);
}

void rig_push(struct rig *rig, struct et_bnn_descriptor d)
{
    d = rig_place(rig, d);
    rig_push_raw(rig, &d);
}

void rig_data_to(struct rig *rig)
{
    assert_ok(et_transport_sync(rig->transport, &rig->data, 0, RIG_DATA, ET_TO_DEVICE));
}

void rig_data_from(struct rig *rig)
{
    assert_ok(et_transport_sync(rig->transport, &rig->data, 0, RIG_DATA, ET_FROM_DEVICE));
}

void rig_bell(struct rig *rig)
{
    assert_ok(et_transport_sync(rig->transport, &rig->ring, 0, rig->ring.bytes, ET_TO_DEVICE));
    rig_write(rig, ET__BNN_REG_TAIL, rig->tail);
    rig->turns = 0;
}

bool rig_turn(struct rig *rig)
{
    bool fired;
    ck_assert_msg(rig->turns++ < MOST_TURNS, "'%s' does not get on",
                  et_transport_uri(rig->transport));
    assert_ok(et_transport_wait(rig->transport, 0, &fired));
    if (fired) {
        uint32_t pending = rig_read(rig, ET__BNN_REG_IRQ_STAT);
        ck_assert_uint_ne(pending, 0);
        rig->fired |= pending;
        rig_write(rig, ET__BNN_REG_IRQ_STAT, pending);
    }
    uint32_t status = rig_read(rig, ET__BNN_REG_STATUS);
    uint32_t halted = UINT32_C(1) << ET__BNN_STATUS_HALTED_SHIFT;
    uint32_t draining = UINT32_C(1) << ET__BNN_STATUS_DRAINING_SHIFT;
    if (status & draining) return false;
    return (status & halted) != 0 || rig_read(rig, ET__BNN_REG_DONE) == rig->tail;
}

void rig_finish(struct rig *rig)
{
    while (!rig_turn(rig)) {
    }
}

bool rig_feed(struct rig *rig, const struct et_bnn_descriptor *d, size_t n)
{
    uint32_t halted = rig_read(rig, ET__BNN_REG_STATUS) >> ET__BNN_STATUS_HALTED_SHIFT & 1;
    uint32_t left = rig->tail - rig_read(rig, ET__BNN_REG_HEAD), before = rig->tail;
    for (; rig->pushed < n && left < RIG_ENTRIES; left++)
        rig_push(rig, d[rig->pushed++]);
    if (rig->tail != before) rig_bell(rig);
    return (rig_turn(rig) && rig->pushed == n) || halted;
}
