/* SPDX-License-Identifier: Apache-2.0
 *
 * What the RTL says of itself while it works: whom the watchdog names, which engine works, who
 * waits for whom.  The memory hangs at a chosen burst, so that there is time to look. */
#include <stdio.h>

#include "rtl/rig.h"

static const char *const configs[] = {
#define ET_RTL_CONFIG(name) name,
#include "rtl_configs.def"
#undef ET_RTL_CONFIG
    NULL,
};
enum { N_CONFIGS = sizeof configs / sizeof *configs - 1 };

#define STATUS(name) (UINT32_C(1) << ET__BNN_STATUS_##name##_SHIFT)
enum { WATCHDOG = 1 << ET__BNN_ERR_WATCHDOG_SHIFT, LIMIT = 2000, HANG = 10000 };

/* The memory is silent after so many bursts, longer than the watchdog's patience or `for_cycles`;
 * the first burst fetches descriptors. */
static void open_hanging(struct rig *rig, int config, unsigned after, unsigned for_cycles)
{
    char uri[128];
    snprintf(uri, sizeof uri, "verilator:config=%s,hang_after=%u,hang_cycles=%u,wait_cycles=100",
             configs[config], after, for_cycles);
    rig_open(rig, uri);
    rig_write(rig, ET__BNN_REG_WATCHDOG, LIMIT);
}

static struct et_bnn_descriptor new_descriptor(enum et__bnn_opcode opcode, uint32_t tag)
{
    struct et_bnn_descriptor d = {{0}};
    et__bnn_set(&d, ET__BNN_ANY_OPCODE, opcode);
    et__bnn_set(&d, ET__BNN_ANY_TAG, tag);
    return d;
}

static struct et_bnn_descriptor load(uint32_t tag, uint32_t target)
{
    struct et_bnn_descriptor d = new_descriptor(ET__BNN_OP_LOAD, tag);
    et__bnn_set(&d, ET__BNN_LOAD_TARGET, target);
    if (target == ET__BNN_TO_WEIGHTS) {
        et__bnn_set(&d, ET__BNN_LOAD_STORED, 1);
        et__bnn_set(&d, ET__BNN_LOAD_KEPT, 1);
    }
    et__bnn_set(&d, ET__BNN_LOAD_LENGTH, 16);
    et__bnn_set(&d, ET__BNN_LOAD_ROWS, 1);
    return d;
}

/* One step per output, `outputs` of them, sums that are kept. */
static struct et_bnn_descriptor compute(uint32_t tag, uint32_t outputs)
{
    struct et_bnn_descriptor d = new_descriptor(ET__BNN_OP_COMPUTE, tag);
#define SET(field, value) et__bnn_set(&d, ET__BNN_COMPUTE_##field, value)
    SET(INIT, 1);
    SET(FINAL, 1);
    SET(OUTPUT, ET_BNN_RAW16);
    SET(A_BITS, 1);
    SET(W_BITS, 1);
    SET(O_BITS, 1);
    SET(POOL, 1);
    SET(C_IN, 1);
    SET(C_OUT, 1);
    SET(H, 1);
    SET(W, 1);
    SET(K_H, 1);
    SET(K_W, 1);
    SET(STRIDE_Y, 1);
    SET(STRIDE_X, 1);
    SET(OUT_H, 1);
    SET(OUT_W, outputs);
#undef SET
    return d;
}

static struct et_bnn_descriptor store(uint32_t tag)
{
    struct et_bnn_descriptor d = new_descriptor(ET__BNN_OP_STORE, tag);
    et__bnn_set(&d, ET__BNN_STORE_LENGTH, 16);
    et__bnn_set(&d, ET__BNN_STORE_ROWS, 1);
    return d;
}

static struct et_bnn_descriptor with(struct et_bnn_descriptor d, struct et__bnn_field token)
{
    et__bnn_set(&d, token, 1);
    return d;
}

static void turn(struct rig *rig, unsigned times)
{
    bool fired;
    for (unsigned i = 0; i < times; i++) {
        rig_write(rig, ET__BNN_REG_IRQ_STAT, 7);
        assert_ok(et_transport_wait(rig->transport, 0, &fired));
    }
}

/* The watchdog bites and names this one. */
static void expect_culprit(struct rig *rig, uint32_t tag, uint32_t index, const char *what)
{
    rig_bell(rig);
    for (int i = 0; i < 100 && rig_read(rig, ET__BNN_REG_ERR) == 0; i++)
        turn(rig, 1);
    ck_assert_msg(rig_read(rig, ET__BNN_REG_ERR) == WATCHDOG, "%s: ERR is 0x%x", what,
                  rig_read(rig, ET__BNN_REG_ERR));
    uint32_t got_tag = rig_read(rig, ET__BNN_REG_ERR_TAG);
    uint32_t got_index = rig_read(rig, ET__BNN_REG_ERR_INDEX);
    ck_assert_msg(got_tag == tag && got_index == index, "%s: descriptor %u with tag %u, not %u, %u",
                  what, got_index, got_tag, index, tag);
    rig_close(rig);
}

START_TEST(the_watchdog_names_the_oldest_that_does_not_get_on)
{
    struct rig rig;
    open_hanging(&rig, _i, 3, HANG);
    rig_push(&rig, load(10, ET__BNN_TO_WEIGHTS));
    rig_push(&rig, load(11, ET__BNN_TO_ACTIVATIONS));
    expect_culprit(&rig, 10, 0, "a load at work");

    open_hanging(&rig, _i, 100, HANG);
    rig_push(&rig, new_descriptor(ET__BNN_OP_NOP, 20));
    rig_push(&rig, with(compute(21, 4), ET__BNN_ANY_POP_PREV));
    rig_push(&rig, with(store(22), ET__BNN_ANY_POP_PREV));
    expect_culprit(&rig, 21, 1, "a compute that waits");

    open_hanging(&rig, _i, 100, HANG);
    rig_push(&rig, with(store(30), ET__BNN_ANY_POP_PREV));
    rig_push(&rig, with(compute(31, 4), ET__BNN_ANY_POP_NEXT));
    rig_push(&rig, with(load(32, 0), ET__BNN_ANY_POP_NEXT));
    expect_culprit(&rig, 30, 0, "three that wait");

    open_hanging(&rig, _i, 100, HANG);
    rig_push(&rig, with(load(40, 0), ET__BNN_ANY_POP_NEXT));
    rig_push(&rig, with(store(41), ET__BNN_ANY_POP_PREV));
    rig_push(&rig, with(compute(42, 4), ET__BNN_ANY_POP_NEXT));
    expect_culprit(&rig, 40, 0, "three that wait, the load first");

    open_hanging(&rig, _i, 100, HANG);
    rig_push(&rig, with(compute(43, 4), ET__BNN_ANY_POP_PREV));
    rig_push(&rig, with(load(44, 0), ET__BNN_ANY_POP_NEXT));
    expect_culprit(&rig, 43, 0, "a compute before a load");

    open_hanging(&rig, _i, 100, HANG);
    rig_push(&rig, with(store(45), ET__BNN_ANY_POP_PREV));
    rig_push(&rig, with(load(46, 0), ET__BNN_ANY_POP_NEXT));
    expect_culprit(&rig, 45, 0, "a store before a load");

    open_hanging(&rig, _i, 2, HANG);
    rig_push(&rig, store(50));
    expect_culprit(&rig, 50, 0, "a store at work");

    open_hanging(&rig, _i, 1, HANG);
    rig_push(&rig, new_descriptor(ET__BNN_OP_NOP, 60));
    expect_culprit(&rig, 0, 0, "the fetch itself");

    open_hanging(&rig, _i, 2, HANG);
    rig_push(&rig, new_descriptor(ET__BNN_OP_NOP, 70));
    rig_bell(&rig);
    rig_finish(&rig);
    rig_push(&rig, new_descriptor(ET__BNN_OP_NOP, 71));
    expect_culprit(&rig, 0, 1, "the second fetch");
}
END_TEST

/* The status some hundred cycles after the bell. */
static uint32_t status_of(struct rig *rig, struct et_bnn_descriptor d)
{
    rig_push(rig, d);
    rig_bell(rig);
    turn(rig, 3);
    uint32_t status = rig_read(rig, ET__BNN_REG_STATUS);
    rig_close(rig);
    return status;
}

START_TEST(the_status_says_which_engine_works)
{
    struct rig rig;
    open_hanging(&rig, _i, 2, HANG);
    ck_assert_uint_eq(rig_read(&rig, ET__BNN_REG_STATUS), 0);
    ck_assert_uint_eq(status_of(&rig, load(1, 0)), STATUS(BUSY) | STATUS(LOAD));
    open_hanging(&rig, _i, 2, HANG);
    ck_assert_uint_eq(status_of(&rig, store(1)), STATUS(BUSY) | STATUS(STORE));
    open_hanging(&rig, _i, 100, HANG);
    ck_assert_uint_eq(status_of(&rig, compute(1, 5000)), STATUS(BUSY) | STATUS(COMPUTE));
    open_hanging(&rig, _i, 100, HANG);
    ck_assert_uint_eq(status_of(&rig, with(store(1), ET__BNN_ANY_POP_PREV)), STATUS(BUSY));
}
END_TEST

/* A COMPUTE that waits counts whom it waits for, and only while it waits. */
START_TEST(waiting_is_counted)
{
    const struct {
        struct et_bnn_descriptor waits, gives;
        uint32_t counter, other;
    } cases[] = {
        {with(compute(1, 4), ET__BNN_ANY_POP_PREV),
         with(load(2, ET__BNN_TO_ACTIVATIONS), ET__BNN_ANY_PUSH_NEXT), ET__BNN_COUNTER_STALL_LOAD,
         ET__BNN_COUNTER_STALL_STORE},
        {with(compute(1, 4), ET__BNN_ANY_POP_NEXT), with(store(2), ET__BNN_ANY_PUSH_PREV),
         ET__BNN_COUNTER_STALL_STORE, ET__BNN_COUNTER_STALL_LOAD},
    };
    for (size_t i = 0; i < 2; i++) {
        struct rig rig;
        open_hanging(&rig, _i, 3, 1000); /* at the burst of the one that gives */
        rig_push(&rig, cases[i].waits);
        rig_push(&rig, cases[i].gives);
        rig_bell(&rig);
        rig_finish(&rig);
        uint64_t waited = rig_counter(&rig, cases[i].counter);
        ck_assert_msg(waited >= 1000 && waited <= 1200, "case %zu: %llu cycles", i,
                      (unsigned long long)waited);
        ck_assert_uint_eq(rig_counter(&rig, cases[i].other), 0);
        rig_close(&rig);
    }
}
END_TEST

START_TEST(cycles_count_always_and_busy_ones_while_there_is_work)
{
    struct rig rig;
    open_hanging(&rig, _i, 2, 1000);
    uint64_t cycles = rig_counter(&rig, ET__BNN_COUNTER_CYCLES);
    turn(&rig, 10);
    uint64_t idle = rig_counter(&rig, ET__BNN_COUNTER_CYCLES) - cycles;
    ck_assert_msg(idle >= 1000 && idle <= 1500, "%llu idle cycles", (unsigned long long)idle);
    ck_assert_uint_eq(rig_counter(&rig, ET__BNN_COUNTER_BUSY), 0);
    rig_push(&rig, load(1, 0));
    rig_bell(&rig);
    rig_finish(&rig);
    turn(&rig, 10);
    uint64_t busy = rig_counter(&rig, ET__BNN_COUNTER_BUSY);
    ck_assert_msg(busy >= 1000 && busy <= 1200, "%llu busy cycles", (unsigned long long)busy);
    uint32_t enable = rig_read(&rig, ET__BNN_REG_CTRL);
    rig_write(&rig, ET__BNN_REG_CTRL, enable | 1U << ET__BNN_CTRL_CLEAR_SHIFT);
    ck_assert_uint_eq(rig_counter(&rig, ET__BNN_COUNTER_BUSY), 0);
    ck_assert_uint_eq(rig_counter(&rig, ET__BNN_COUNTER_RD_BEATS), 0);
    ck_assert_uint_lt(rig_counter(&rig, ET__BNN_COUNTER_CYCLES), 200);
    rig_close(&rig);
}
END_TEST

int main(void)
{
    if (N_CONFIGS == 0) {
        fputs("skipped: built without Verilator\n", stderr);
        return 77;
    }
    Suite *suite = suite_create("status");
    TCase *tests = tcase_create("status");
    tcase_set_timeout(tests, 0);
    tcase_add_loop_test(tests, the_watchdog_names_the_oldest_that_does_not_get_on, 0, N_CONFIGS);
    tcase_add_loop_test(tests, the_status_says_which_engine_works, 0, N_CONFIGS);
    tcase_add_loop_test(tests, waiting_is_counted, 0, N_CONFIGS);
    tcase_add_loop_test(tests, cycles_count_always_and_busy_ones_while_there_is_work, 0, N_CONFIGS);
    suite_add_tcase(suite, tests);
    return suite_result(suite);
}
