/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether an accelerator is well, whether it has halted as it should, and how to get it going. */
#ifndef ETALON_TESTS_RAW_HEALTH_H
#define ETALON_TESTS_RAW_HEALTH_H

#include "drivers/raw_layer.h"

#define ERR(name) (UINT32_C(1) << ET__BNN_ERR_##name##_SHIFT)

enum { HALTED = 2, IRQ_DONE = 1, IRQ_ERROR = 2, IRQ_DRAINED = 4, TAG = 0xabcd, RECORD = 8 };

/* A layer that fits every configuration, and its numbers. */
static struct et_bnn_layer small;
static struct numbers number;

static inline void make_layer(void)
{
    small = et_bnn_dense(40, 8);
    small.output = ET_BNN_CODES;
    number = draw_numbers(&small, 1, 5);
}

static inline void free_layer(void)
{
    free_numbers(&number);
}

/* The device is well: a layer runs and gives the right bits. */
static inline void expect_health(struct raw *raw)
{
    raw_write_tensors(raw, &small, &number);
    raw_push_layer(raw, &small);
    ck_assert_uint_eq(raw_go(raw), IRQ_DONE);
    et_bnn_layout_out(&small, &raw->caps, 1,
                      (char *)raw->data.host + raw_place(&small, &raw->caps).y, number.got);
    ck_assert_mem_eq(number.got, number.want, number.out_bytes);
    ck_assert_uint_eq(raw_read(raw, ET__BNN_REG_ERR), 0);
    ck_assert_uint_eq(raw_read(raw, ET__BNN_REG_STATUS), 0);
}

/* The device has halted with exactly this error, and says who it was. */
static inline void expect_halt(struct raw *raw, uint32_t irq, uint32_t error, const char *what)
{
    ck_assert_msg((irq & IRQ_ERROR) != 0, "%s: no interrupt", what);
    ck_assert_msg((raw_read(raw, ET__BNN_REG_STATUS) & HALTED) != 0, "%s: not halted", what);
    uint32_t got = raw_read(raw, ET__BNN_REG_ERR);
    ck_assert_msg(got == error, "%s: ERR = 0x%x, not 0x%x", what, (unsigned)got, (unsigned)error);
}

static inline void expect_culprit(struct raw *raw, uint32_t tag, uint32_t index)
{
    ck_assert_uint_eq(raw_read(raw, ET__BNN_REG_ERR_TAG), tag);
    ck_assert_uint_eq(raw_read(raw, ET__BNN_REG_ERR_INDEX), index);
}

/* Abort, as a driver would. */
static inline void get_going(struct raw *raw)
{
    raw_write(raw, ET__BNN_REG_CTRL, 2);
    while (raw_read(raw, ET__BNN_REG_STATUS) & 4) {
    }
    ck_assert_uint_eq(raw_read(raw, ET__BNN_REG_STATUS), 0);
    ck_assert_uint_eq(raw_read(raw, ET__BNN_REG_IRQ_STAT) & IRQ_DRAINED, IRQ_DRAINED);
    ck_assert_uint_eq(raw_read(raw, ET__BNN_REG_CTRL), 0);
    ck_assert_uint_eq(raw_read(raw, ET__BNN_REG_HEAD), 0);
    ck_assert_uint_eq(raw_read(raw, ET__BNN_REG_TAIL), 0);
    ck_assert_uint_eq(raw_read(raw, ET__BNN_REG_DONE), 0);
    raw_write(raw, ET__BNN_REG_IRQ_STAT, UINT32_MAX);
    raw_write(raw, ET__BNN_REG_ERR, UINT32_MAX);
    ck_assert_uint_eq(raw_read(raw, ET__BNN_REG_IRQ_STAT), 0);
    ck_assert_uint_eq(raw_read(raw, ET__BNN_REG_ERR), 0);
    raw_write(raw, ET__BNN_REG_CTRL, 1);
    raw->tail = 0;
}

#endif
