/* SPDX-License-Identifier: Apache-2.0
 *
 * The accelerator's contract, docs/accelerator.md, by registers and descriptors: the same tests for
 * the functional model and, where it was built, for the RTL. */
#include "drivers/bnn_devices.h"
#include "drivers/raw_health.h"

START_TEST(layers_equal_the_reference)
{
    struct raw raw = raw_open(device_uri(_i));
    size_t tried = 0;
    for (uint64_t seed = 0; tried < device_cases(_i); seed++) {
        struct et_bnn_layer l = draw_layer(seed, 70);
        if (!raw_fits(&l, &raw.caps)) continue;
        tried++;
        struct numbers n = draw_numbers(&l, 1, seed);
        raw_write_tensors(&raw, &l, &n);
        raw_push_layer(&raw, &l);
        ck_assert_uint_eq(raw_go(&raw), 1);
        uint32_t record[2];
        memcpy(record, raw.data.host, 8);
        ck_assert_uint_eq(record[0], 400);
        ck_assert_uint_eq(record[1], UINT32_C(1) << 31);
        et_bnn_layout_out(&l, &raw.caps, 1, (char *)raw.data.host + raw_place(&l, &raw.caps).y,
                          n.got);
        ck_assert_msg(memcmp(n.got, n.want, n.out_bytes) == 0, "%s, seed %llu", device_uri(_i),
                      (unsigned long long)seed);
        free_numbers(&n);
    }
    ck_assert_uint_eq(raw_read(&raw, ET__BNN_REG_DONE), raw.tail);
    ck_assert_uint_eq(raw_counter(&raw, ET__BNN_COUNTER_JOBS), raw.tail);
    raw_close(&raw);
}
END_TEST

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
    Suite *suite = suite_create("device");
    TCase *tests = tcase_create("contract");
    tcase_set_timeout(tests, 0);
    tcase_add_unchecked_fixture(tests, make_layer, free_layer);
    const int first = FIRST_DEVICE, end = device_count();
    tcase_add_loop_test(tests, layers_equal_the_reference, first, end);
    tcase_add_loop_test(tests, registers_answer_as_documented, first, end);
    tcase_add_loop_test(tests, interrupts_are_levels_that_the_host_clears, first, end);
    tcase_add_loop_test(tests, reset_returns_every_register, first, end);
    tcase_add_loop_test(tests, counters_count_work, first, end);
    tcase_add_loop_test(tests, one_wrong_bit_of_a_weight_is_corrected, first, end);
    tcase_add_loop_test(tests, damage_that_cannot_be_corrected_never_reaches_memory, first, end);
    tcase_add_loop_test(tests, a_saved_state_goes_on_from_where_it_was, first, end);
    suite_add_tcase(suite, tests);
    return suite_result(suite);
}
