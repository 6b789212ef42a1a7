/* SPDX-License-Identifier: Apache-2.0
 *
 * What the accelerator says of descriptors that are wrong, and how it comes back:
 * docs/accelerator.md, Errors. */
#include "drivers/bnn_devices.h"
#include "drivers/raw_health.h"

static uint32_t record_word(const struct raw *raw, size_t i)
{
    uint32_t record[2];
    memcpy(record, (const char *)raw->data.host + RECORD, sizeof record);
    return record[i];
}

/* --------------------------------------------------------------------- wrong descriptors -- */

/* A descriptor that is right but for one field. */
struct fault {
    const char *name; /* NULL past the last */
    enum et__bnn_opcode opcode;
    struct et__bnn_field field;
    uint32_t value;
    uint32_t error;
};

static struct fault fault(size_t i)
{
    const struct fault faults[] = {
#define WRONG(op, name, value, error)                                                              \
    {#op "." #name "=" #value, ET__BNN_OP_##op, ET__BNN_##op##_##name, value, ERR(error)}
#define FLAG(op, name, error)                                                                      \
    {                                                                                              \
#op "." #name, ET__BNN_OP_##op, ET__BNN_ANY_##name, 1, ERR(error)                          \
    }
#define BIT(op, word, bit, error)                                                                  \
    {                                                                                              \
#op " word " #word " bit " #bit, ET__BNN_OP_##op, {word, bit, 1 }, 1, ERR(error)           \
    }
        {"unknown operation", ET__BNN_OP_NOP, {0, 0, 8}, 5, ERR(OPCODE)},
        {"last operation", ET__BNN_OP_NOP, {0, 0, 8}, 255, ERR(OPCODE)},
        FLAG(NOP, POP_PREV, FIELD),
        FLAG(NOP, PUSH_NEXT, FIELD),
        FLAG(SYNC, PUSH_PREV, FIELD),
        FLAG(SYNC, POP_NEXT, FIELD),
        FLAG(LOAD, POP_PREV, FIELD),
        FLAG(LOAD, PUSH_PREV, FIELD),
        FLAG(STORE, POP_NEXT, FIELD),
        FLAG(STORE, PUSH_NEXT, FIELD),
        BIT(NOP, 0, 14, FIELD),
        BIT(SYNC, 4, 0, FIELD),
        BIT(LOAD, 6, 2, FIELD),
        BIT(LOAD, 11, 0, FIELD),
        BIT(STORE, 6, 0, FIELD),
        BIT(COMPUTE, 4, 10, FIELD),
        BIT(COMPUTE, 14, 31, FIELD),
        WRONG(LOAD, TARGET, 3, FIELD),
        WRONG(LOAD, STORED, 1, FIELD),
        WRONG(LOAD, KEPT, 1, FIELD),
        WRONG(LOAD, LENGTH, 0, FIELD),
        WRONG(LOAD, ROWS, 0, FIELD),
        WRONG(LOAD, TARGET, 0, FIELD),
        WRONG(STORE, LENGTH, 0, FIELD),
        WRONG(STORE, ROWS, 0, FIELD),
        WRONG(COMPUTE, MODE, 3, FIELD),
        WRONG(COMPUTE, A_SIGNED, 1, FIELD),
        WRONG(COMPUTE, W_SIGNED, 1, FIELD),
        WRONG(COMPUTE, OUTPUT, 3, FIELD),
        WRONG(COMPUTE, A_BITS, 0, FIELD),
        WRONG(COMPUTE, A_BITS, 9, FIELD),
        WRONG(COMPUTE, W_BITS, 9, FIELD),
        WRONG(COMPUTE, O_BITS, 2, FIELD),
        WRONG(COMPUTE, POOL, 0, FIELD),
        WRONG(COMPUTE, POOL, 2, FIELD),
        WRONG(COMPUTE, C_IN, 0, FIELD),
        WRONG(COMPUTE, C_OUT, 0, FIELD),
        WRONG(COMPUTE, K_H, 0, FIELD),
        WRONG(COMPUTE, K_W, 0, FIELD),
        WRONG(COMPUTE, STRIDE_X, 0, FIELD),
        WRONG(COMPUTE, OUT_H, 0, FIELD),
        WRONG(LOAD, ADDRESS_LO, 4, ALIGN),
        WRONG(LOAD, STRIDE, 4, ALIGN),
        WRONG(STORE, ADDRESS_LO, 1, ALIGN),
        WRONG(STORE, STRIDE, 2, ALIGN),
        WRONG(LOAD, PLACE, 65535, RANGE),
        WRONG(LOAD, ROWS, 65535, RANGE),
        WRONG(STORE, PLACE, 65535, RANGE),
        WRONG(COMPUTE, A_BASE, 65535, RANGE),
        WRONG(COMPUTE, W_BASE, 65535, RANGE),
        WRONG(COMPUTE, OUT_BASE, 65535, RANGE),
        WRONG(LOAD, ADDRESS_HI, 0xdead0000, AXI_READ),
        WRONG(STORE, ADDRESS_HI, 0xdead0000, AXI_WRITE),
        {0},
    };
    return faults[i];
}

/* The smallest descriptor of an operation that is right. */
static struct et_bnn_descriptor right(const struct raw *raw, enum et__bnn_opcode opcode)
{
    struct et_bnn_descriptor d = raw_new(opcode, TAG);
    struct et_bnn_layer one = et_bnn_dense(1, 1);
    if (opcode == ET__BNN_OP_LOAD) d = raw_load(raw, ET__BNN_TO_ACTIVATIONS, 64, 1);
    if (opcode == ET__BNN_OP_COMPUTE) d = raw_compute(&one, &raw->caps);
    if (opcode == ET__BNN_OP_STORE) {
        et__bnn_set_address(&d, ET__BNN_STORE_ADDRESS_LO, raw->data.device + 64);
        et__bnn_set(&d, ET__BNN_STORE_LENGTH, 1);
        et__bnn_set(&d, ET__BNN_STORE_ROWS, 1);
    }
    et__bnn_set(&d, ET__BNN_ANY_TAG, TAG);
    return d;
}

START_TEST(a_wrong_descriptor_halts_and_an_abort_recovers)
{
    struct raw raw = raw_open(device_uri(_i));
    struct fault wrong;
    for (size_t i = 0; (wrong = fault(i)).name != NULL; i++) {
        expect_health(&raw);
        uint32_t index = raw.tail;
        struct et_bnn_descriptor d = right(&raw, wrong.opcode);
        et__bnn_set(&d, wrong.field, wrong.value);
        raw_push_complete(&raw, d, RECORD);
        uint32_t irq = raw_go(&raw);
        expect_halt(&raw, irq, wrong.error, wrong.name);
        expect_culprit(&raw, TAG, index);
        ck_assert_msg(record_word(&raw, 0) == TAG, "%s: no record", wrong.name);
        ck_assert_uint_eq(record_word(&raw, 1), UINT32_C(1) << 31 | wrong.error);
        get_going(&raw);
    }
    expect_health(&raw);
    raw_close(&raw);
}
END_TEST

/* Places that need more than one field. */
START_TEST(a_compute_outside_a_buffer_halts)
{
    struct raw raw = raw_open(device_uri(_i));
    for (int which = 0; which < 3; which++) {
        expect_health(&raw);
        struct et_bnn_descriptor d = right(&raw, ET__BNN_OP_COMPUTE);
        if (which == 0) {
            et__bnn_set(&d, ET__BNN_COMPUTE_OUTPUT, ET_BNN_CODES);
            et__bnn_set(&d, ET__BNN_COMPUTE_T_BASE, 65535);
        } else {
            et__bnn_set(&d, which == 1 ? ET__BNN_COMPUTE_INIT : ET__BNN_COMPUTE_FINAL, 0);
            et__bnn_set(&d, ET__BNN_COMPUTE_ACC_BASE, raw.caps.c_depth);
        }
        raw_push(&raw, d);
        uint32_t irq = raw_go(&raw);
        expect_halt(&raw, irq, ERR(RANGE), "COMPUTE");
        get_going(&raw);
    }
    raw_close(&raw);
}
END_TEST

START_TEST(records_are_guarded_too)
{
    struct raw raw = raw_open(device_uri(_i));
    struct et_bnn_descriptor d = raw_new(ET__BNN_OP_NOP, TAG);
    et__bnn_set(&d, ET__BNN_ANY_IRQ, 1);
    raw_push(&raw, d);
    expect_halt(&raw, raw_go(&raw), ERR(FIELD), "IRQ without COMPLETE");
    get_going(&raw);
    raw_push_complete(&raw, raw_new(ET__BNN_OP_NOP, TAG), RECORD + 4);
    expect_halt(&raw, raw_go(&raw), ERR(ALIGN), "misaligned record");
    get_going(&raw);
    d = raw_new(ET__BNN_OP_NOP, TAG);
    et__bnn_set(&d, ET__BNN_ANY_COMPLETE, 1);
    et__bnn_set_address(&d, ET__BNN_ANY_COMPLETION_LO, UINT64_C(0xdead000000000000));
    raw_push(&raw, d);
    expect_halt(&raw, raw_go(&raw), ERR(AXI_WRITE), "record nowhere");
    get_going(&raw);
    expect_health(&raw);
    raw_close(&raw);
}
END_TEST

START_TEST(a_wrong_check_sum_is_never_executed)
{
    struct raw raw = raw_open(device_uri(_i));
    for (unsigned bit = 0; bit < 512; bit += 37) {
        expect_health(&raw);
        struct et_bnn_descriptor d = right(&raw, ET__BNN_OP_STORE);
        et__bnn_descriptor_seal(&d);
        d.word[bit / 32] ^= UINT32_C(1) << bit % 32;
        uint32_t index = raw.tail;
        raw_push_unsealed(&raw, &d);
        uint32_t irq = raw_go(&raw);
        expect_halt(&raw, irq, ERR(CRC), "check sum");
        ck_assert_uint_eq(raw_read(&raw, ET__BNN_REG_ERR_INDEX), index);
        get_going(&raw);
    }
    expect_health(&raw);
    raw_close(&raw);
}
END_TEST

START_TEST(the_ring_is_guarded)
{
    struct raw raw = raw_open(device_uri(_i));
    expect_health(&raw);
    raw.tail += RAW_ENTRIES + 1;
    expect_halt(&raw, raw_go(&raw), ERR(RING), "TAIL too far");
    get_going(&raw);
    expect_health(&raw);
    /* A ring that the memory refuses. */
    raw_write(&raw, ET__BNN_REG_CTRL, 0);
    raw_write(&raw, ET__BNN_REG_RING_BASE_HI, 0xdead0000);
    raw_write(&raw, ET__BNN_REG_CTRL, 1);
    raw_push(&raw, raw_new(ET__BNN_OP_NOP, TAG));
    expect_halt(&raw, raw_go(&raw), ERR(AXI_READ), "ring nowhere");
    get_going(&raw);
    raw_start(&raw);
    expect_health(&raw);
    raw_close(&raw);
}
END_TEST

START_TEST(tokens_are_counted)
{
    struct raw raw = raw_open(device_uri(_i));
    struct et_bnn_descriptor d = right(&raw, ET__BNN_OP_LOAD);
    et__bnn_set(&d, ET__BNN_ANY_PUSH_NEXT, 1);
    for (int i = 0; i < 255; i++) {
        raw_push(&raw, d);
        if (raw.tail % RAW_ENTRIES == 0) ck_assert_uint_eq(raw_go(&raw), 0);
    }
    ck_assert_uint_eq(raw_go(&raw), 0);
    raw_push(&raw, d);
    uint32_t irq = raw_go(&raw);
    expect_halt(&raw, irq, ERR(TOKEN), "256 tokens");
    expect_culprit(&raw, TAG, 255);
    get_going(&raw);
    expect_health(&raw);
    raw_close(&raw);
}
END_TEST

START_TEST(a_token_that_never_comes_trips_the_watchdog)
{
    struct raw raw = raw_open(device_uri(_i));
    expect_health(&raw);
    struct et_bnn_descriptor d = right(&raw, ET__BNN_OP_COMPUTE);
    et__bnn_set(&d, ET__BNN_ANY_POP_PREV, 1);
    raw_push(&raw, d);
    uint32_t irq = raw_go(&raw);
    expect_halt(&raw, irq, ERR(WATCHDOG), "no token");
    get_going(&raw);
    expect_health(&raw);
    raw_close(&raw);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("device errors");
    TCase *tests = tcase_create("errors");
    tcase_set_timeout(tests, 0);
    tcase_add_unchecked_fixture(tests, make_layer, free_layer);
    const int first = FIRST_DEVICE, end = device_count();
    tcase_add_loop_test(tests, a_wrong_descriptor_halts_and_an_abort_recovers, first, end);
    tcase_add_loop_test(tests, a_compute_outside_a_buffer_halts, first, end);
    tcase_add_loop_test(tests, records_are_guarded_too, first, end);
    tcase_add_loop_test(tests, a_wrong_check_sum_is_never_executed, first, end);
    tcase_add_loop_test(tests, the_ring_is_guarded, first, end);
    tcase_add_loop_test(tests, tokens_are_counted, first, end);
    tcase_add_loop_test(tests, a_token_that_never_comes_trips_the_watchdog, first, end);
    suite_add_tcase(suite, tests);
    return suite_result(suite);
}
