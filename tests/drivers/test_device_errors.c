/* SPDX-License-Identifier: Apache-2.0
 *
 * What the accelerator does with registers and descriptors that are wrong, with damaged words, and
 * how it comes back: docs/accelerator.md, Errors. */
#include "drivers/raw_layer.h"

#include "drivers/bnn_devices.h"

#define ERR(name) (UINT32_C(1) << ET__BNN_ERR_##name##_SHIFT)

enum { HALTED = 2, IRQ_DONE = 1, IRQ_ERROR = 2, IRQ_DRAINED = 4, TAG = 0xabcd, RECORD = 8 };

/* A layer that fits every configuration, and its numbers. */
static struct et_bnn_layer small;
static struct numbers number;

static void make_layer(void)
{
    small = et_bnn_dense(40, 8);
    small.output = ET_BNN_CODES;
    number = draw_numbers(&small, 1, 5);
}

static void free_layer(void)
{
    free_numbers(&number);
}

/* The device is well: a layer runs and gives the right bits. */
static void expect_health(struct raw *raw)
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
static void expect_halt(struct raw *raw, uint32_t irq, uint32_t error, const char *what)
{
    ck_assert_msg((irq & IRQ_ERROR) != 0, "%s: no interrupt", what);
    ck_assert_msg((raw_read(raw, ET__BNN_REG_STATUS) & HALTED) != 0, "%s: not halted", what);
    uint32_t got = raw_read(raw, ET__BNN_REG_ERR);
    ck_assert_msg(got == error, "%s: ERR = 0x%x, not 0x%x", what, (unsigned)got, (unsigned)error);
}

static void expect_culprit(struct raw *raw, uint32_t tag, uint32_t index)
{
    ck_assert_uint_eq(raw_read(raw, ET__BNN_REG_ERR_TAG), tag);
    ck_assert_uint_eq(raw_read(raw, ET__BNN_REG_ERR_INDEX), index);
}

/* Abort, as a driver would. */
static void get_going(struct raw *raw)
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

static uint32_t record_word(const struct raw *raw, size_t i)
{
    uint32_t record[2];
    memcpy(record, (const char *)raw->data.host + RECORD, sizeof record);
    return record[i];
}

/* ------------------------------------------------------------------------------- registers -- */

START_TEST(registers_answer_as_documented)
{
    struct raw raw = raw_open(device_uri(_i));
    uint32_t value;
    ck_assert_uint_eq(raw_read(&raw, ET__BNN_REG_ID), 0x4e4e4245);
    ck_assert_uint_eq(raw_read(&raw, ET__BNN_REG_VERSION) & 0xffff, ET__BNN_MAP_HASH);
    ck_assert_uint_eq(raw_read(&raw, ET__BNN_REG_CTRL), 1);
    raw_write(&raw, ET__BNN_REG_SCRATCH, 0x12345678);
    ck_assert_uint_eq(raw_read(&raw, ET__BNN_REG_SCRATCH), 0x12345678);
    raw_write(&raw, ET__BNN_REG_ID, 0);
    ck_assert_uint_eq(raw_read(&raw, ET__BNN_REG_ID), 0x4e4e4245);
    static const uint32_t holes[] = {0x018, 0x01c, 0x064, 0x07c, 0x0e8, 0x100, 0xffc};
    for (size_t i = 0; i < sizeof holes / sizeof *holes; i++) {
        assert_status(et_transport_read32(raw.transport, holes[i], &value), ET_DEVICE);
        assert_status(et_transport_write32(raw.transport, holes[i], 0), ET_DEVICE);
    }
    /* The ring stays where it is while the device may read it. */
    raw_write(&raw, ET__BNN_REG_RING_SIZE, 3);
    raw_write(&raw, ET__BNN_REG_RING_BASE_LO, 0);
    ck_assert_uint_eq(raw_read(&raw, ET__BNN_REG_RING_SIZE), RAW_LOG2);
    ck_assert_uint_eq(raw_read(&raw, ET__BNN_REG_RING_BASE_LO), (uint32_t)raw.ring.device);
    raw_close(&raw);
}
END_TEST

START_TEST(interrupts_are_levels_that_the_host_clears)
{
    struct raw raw = raw_open(device_uri(_i));
    bool fired;
    raw_write(&raw, ET__BNN_REG_IRQ_EN, 5);
    raw_write(&raw, ET__BNN_REG_IRQ_TEST, 2);
    ck_assert_uint_eq(raw_read(&raw, ET__BNN_REG_IRQ_STAT), 2);
    assert_ok(et_transport_wait(raw.transport, 0.01, &fired));
    ck_assert(!fired);
    raw_write(&raw, ET__BNN_REG_IRQ_TEST, 4);
    assert_ok(et_transport_wait(raw.transport, 10, &fired));
    ck_assert(fired);
    raw_write(&raw, ET__BNN_REG_IRQ_STAT, 2);
    ck_assert_uint_eq(raw_read(&raw, ET__BNN_REG_IRQ_STAT), 4);
    raw_write(&raw, ET__BNN_REG_IRQ_STAT, 4);
    assert_ok(et_transport_wait(raw.transport, 0.01, &fired));
    ck_assert(!fired);
    raw_close(&raw);
}
END_TEST

START_TEST(reset_returns_every_register)
{
    struct raw raw = raw_open(device_uri(_i));
    expect_health(&raw);
    raw_write(&raw, ET__BNN_REG_SCRATCH, 7);
    raw_write(&raw, ET__BNN_REG_IRQ_TEST, 7);
    raw_write(&raw, ET__BNN_REG_CTRL, 4);
    while (raw_read(&raw, ET__BNN_REG_STATUS) != 0) {
    }
    static const uint32_t all[] = {
        ET__BNN_REG_CTRL,      ET__BNN_REG_ERR,          ET__BNN_REG_IRQ_EN,
        ET__BNN_REG_IRQ_STAT,  ET__BNN_REG_RING_BASE_LO, ET__BNN_REG_RING_BASE_HI,
        ET__BNN_REG_RING_SIZE, ET__BNN_REG_HEAD,         ET__BNN_REG_TAIL,
        ET__BNN_REG_DONE,      ET__BNN_REG_WATCHDOG,     ET__BNN_REG_SCRATCH,
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        ck_assert_msg(raw_read(&raw, all[i]) == 0, "register 0x%02x", (unsigned)all[i]);
    ck_assert_uint_eq(raw_counter(&raw, ET__BNN_COUNTER_JOBS), 0);
    raw_start(&raw);
    expect_health(&raw);
    raw_close(&raw);
}
END_TEST

START_TEST(counters_count_work)
{
    struct raw raw = raw_open(device_uri(_i));
    struct et__bnn_layout at = et__bnn_layout_of(&small, &raw.caps);
    struct places place = raw_place(&small, &raw.caps);
    expect_health(&raw);
    /* Weights, thresholds, activations, compute, store, SYNC. */
    ck_assert_uint_eq(raw_counter(&raw, ET__BNN_COUNTER_JOBS), 6);
    ck_assert_uint_eq(raw_counter(&raw, ET__BNN_COUNTER_STEPS), at.tiles * at.chunks);
    ck_assert_uint_eq(raw_counter(&raw, ET__BNN_COUNTER_RD_BEATS),
                      (6 * 64 + place.y - place.x) / at.beat);
    ck_assert_uint_eq(raw_counter(&raw, ET__BNN_COUNTER_WR_BEATS),
                      (place.end - place.y) / at.beat + 1);
    /* Without a snapshot nothing moves; cleared is cleared. */
    expect_health(&raw);
    ck_assert_uint_eq(raw_read(&raw, ET__BNN_COUNTER_JOBS), 6);
    raw_write(&raw, ET__BNN_REG_CTRL, 1 | 16);
    ck_assert_uint_eq(raw_counter(&raw, ET__BNN_COUNTER_JOBS), 0);
    raw_close(&raw);
}
END_TEST

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

/* --------------------------------------------------------------------------- damaged words -- */

static void inject(struct raw *raw, uint32_t kind, uint32_t bit)
{
    raw_write(raw, ET__BNN_REG_INJECT, kind | bit << ET__BNN_INJECT_BIT_SHIFT);
}

START_TEST(one_wrong_bit_of_a_weight_is_corrected)
{
    struct raw raw = raw_open(device_uri(_i));
    for (uint32_t bit = 0; bit < 256; bit += 17) {
        uint64_t before = raw_counter(&raw, ET__BNN_COUNTER_ECC_CE);
        inject(&raw, 1, bit);
        expect_health(&raw);
        ck_assert_uint_eq(raw_counter(&raw, ET__BNN_COUNTER_ECC_CE), before + 1);
        ck_assert_uint_eq(raw_counter(&raw, ET__BNN_COUNTER_ECC_UE), 0);
    }
    inject(&raw, 1, 0);
    inject(&raw, 0, 0);
    uint64_t before = raw_counter(&raw, ET__BNN_COUNTER_ECC_CE);
    expect_health(&raw);
    ck_assert_uint_eq(raw_counter(&raw, ET__BNN_COUNTER_ECC_CE), before);
    raw_close(&raw);
}
END_TEST

/* kind 2: two bits of a weight; 3: one bit of an activation.  Nothing may reach memory. */
static void expect_refusal(struct raw *raw, uint32_t kind, uint32_t bit, uint32_t error,
                           uint32_t counter)
{
    struct places at = raw_place(&small, &raw->caps);
    unsigned char *y = (unsigned char *)raw->data.host + at.y;
    expect_health(raw);
    raw_write(raw, ET__BNN_REG_CTRL, 1 | 16);
    raw_write_tensors(raw, &small, &number);
    memset(y, 0x5a, at.end - at.y);
    inject(raw, kind, bit);
    uint32_t index = raw->tail + 3;
    raw_push_layer(raw, &small);
    uint32_t irq = raw_go(raw);
    expect_halt(raw, irq, error, "damage");
    expect_culprit(raw, 200, index);
    for (size_t i = 0; i < at.end - at.y; i++)
        ck_assert_uint_eq(y[i], 0x5a);
    ck_assert_uint_ge(raw_counter(raw, counter), 1);
    get_going(raw);
}

START_TEST(damage_that_cannot_be_corrected_never_reaches_memory)
{
    struct raw raw = raw_open(device_uri(_i));
    for (uint32_t bit = 0; bit < 256; bit += 51) {
        expect_refusal(&raw, 2, bit, ERR(ECC), ET__BNN_COUNTER_ECC_UE);
        expect_refusal(&raw, 3, bit % 16, ERR(PARITY), ET__BNN_COUNTER_PARITY);
    }
    expect_health(&raw);
    raw_close(&raw);
}
END_TEST

/* ----------------------------------------------------------------------------------- states -- */

START_TEST(a_saved_state_goes_on_from_where_it_was)
{
    struct raw raw = raw_open(device_uri(_i));
    void *state;
    size_t n;
    raw_write_tensors(&raw, &small, &number);
    raw_push_layer(&raw, &small);
    assert_ok(et_transport_sync(raw.transport, &raw.ring, 0, raw.ring.bytes, ET_TO_DEVICE));
    assert_ok(et_transport_sync(raw.transport, &raw.data, 0, raw.data.bytes, ET_TO_DEVICE));
    raw_write(&raw, ET__BNN_REG_TAIL, raw.tail);
    (void)raw_read(&raw, ET__BNN_REG_STATUS); /* it is at work now */
    assert_ok(et_transport_save(raw.transport, &state, &n));
    expect_health(&raw);
    uint64_t jobs = raw_counter(&raw, ET__BNN_COUNTER_JOBS);
    memset(raw.data.host, 0, raw.data.bytes);
    assert_ok(et_transport_restore(raw.transport, state, n));
    raw.tail -= 6;
    expect_health(&raw);
    ck_assert_uint_eq(raw_counter(&raw, ET__BNN_COUNTER_JOBS), jobs);
    et_free(state);
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
    tcase_add_loop_test(tests, registers_answer_as_documented, first, end);
    tcase_add_loop_test(tests, interrupts_are_levels_that_the_host_clears, first, end);
    tcase_add_loop_test(tests, reset_returns_every_register, first, end);
    tcase_add_loop_test(tests, counters_count_work, first, end);
    tcase_add_loop_test(tests, a_wrong_descriptor_halts_and_an_abort_recovers, first, end);
    tcase_add_loop_test(tests, a_compute_outside_a_buffer_halts, first, end);
    tcase_add_loop_test(tests, records_are_guarded_too, first, end);
    tcase_add_loop_test(tests, a_wrong_check_sum_is_never_executed, first, end);
    tcase_add_loop_test(tests, the_ring_is_guarded, first, end);
    tcase_add_loop_test(tests, tokens_are_counted, first, end);
    tcase_add_loop_test(tests, a_token_that_never_comes_trips_the_watchdog, first, end);
    tcase_add_loop_test(tests, one_wrong_bit_of_a_weight_is_corrected, first, end);
    tcase_add_loop_test(tests, damage_that_cannot_be_corrected_never_reaches_memory, first, end);
    tcase_add_loop_test(tests, a_saved_state_goes_on_from_where_it_was, first, end);
    suite_add_tcase(suite, tests);
    return suite_result(suite);
}
