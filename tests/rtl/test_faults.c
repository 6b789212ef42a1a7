/* SPDX-License-Identifier: Apache-2.0
 *
 * Faults that only hardware has: memory that refuses, hangs or holds back, an abort at any cycle,
 * damaged words, states in the middle of a job.  What the contract says of errors in general is in
 * tests/drivers/test_device_errors.c; here the device is under load. */
#include <etalon/array.h>

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rtl/program.h"

static const char *const configs[] = {
#define ET_RTL_CONFIG(name) name,
#include "rtl_configs.def"
#undef ET_RTL_CONFIG
    NULL,
};
enum { N_CONFIGS = sizeof configs / sizeof *configs - 1 };

#define ERR(name)    (UINT32_C(1) << ET__BNN_ERR_##name##_SHIFT)
#define STATUS(name) (UINT32_C(1) << ET__BNN_STATUS_##name##_SHIFT)
enum { ABORT = 2, ENABLED = 1 };

static struct program *program;

static void make_program(void)
{
    program = et_alloc(1, sizeof *program);
    ck_assert_ptr_nonnull(program);
}

static void drop_program(void)
{
    et_free(program);
}

static void open_with(struct rig *rig, int config, const char *more)
{
    char uri[160];
    snprintf(uri, sizeof uri, "verilator:config=%s,%s", configs[config], more);
    rig_open(rig, uri);
}

/* A new program that primes the buffers first, in memory and ready to be fed. */
static void prepare(struct rig *rig, uint64_t seed, size_t n)
{
    program_begin(program, &rig->caps, seed, 1500);
    program_prime(program);
    program_jobs(program, n);
    memcpy(rig->data.host, program->data, RIG_DATA);
    rig_data_to(rig);
    rig->pushed = 0;
}

static void finish(struct rig *rig)
{
    while (!rig_feed(rig, program->d, program->n)) {
    }
    ck_assert_uint_eq(rig_read(rig, ET__BNN_REG_ERR), 0);
    rig_data_from(rig);
}

/* The device is well: from an empty ring, a program gives what the model gives. */
static void expect_health(struct rig *rig, int config, uint64_t seed)
{
    struct rig model;
    char uri[64];
    snprintf(uri, sizeof uri, "model:config=%s", configs[config]);
    rig_open(&model, uri);
    prepare(&model, seed, 25);
    finish(&model);
    ck_assert(rig_restart(rig));
    prepare(rig, seed, 25);
    finish(rig);
    ck_assert_msg(memcmp(model.data.host, rig->data.host, RIG_DATA) == 0,
                  "%s, seed %llu: other memory after a fault", configs[config],
                  (unsigned long long)seed);
    rig_close(&model);
}

static bool all_equal(const void *bytes, size_t n, unsigned char value)
{
    const unsigned char *p = bytes;
    return p[0] == value && memcmp(p, p + 1, n - 1) == 0;
}

static bool status_becomes(struct rig *rig, uint32_t mask, uint32_t value, unsigned turns)
{
    bool fired;
    for (unsigned i = 0; i < turns; i++) {
        if ((rig_read(rig, ET__BNN_REG_STATUS) & mask) == value) return true;
        rig_write(rig, ET__BNN_REG_IRQ_STAT, 7);
        assert_ok(et_transport_wait(rig->transport, 0, &fired));
    }
    return false;
}

/* --------------------------------------------------------------------------------- aborts -- */

/* An abort at a random cycle of a program under back-pressure. */
START_TEST(abort_at_any_time_drains_and_forgets)
{
    struct rig rig;
    make_program();
    open_with(&rig, _i, "stall=0.3,latency=0-40,wait_cycles=61");
    for (uint64_t seed = 0; seed < 60; seed++) {
        ck_assert(rig_restart(&rig));
        prepare(&rig, seed, 60);
        program->drawn += seed; /* another moment each time */
        for (uint32_t turns = program_draw(program, 0, 40); turns > 0; turns--)
            if (rig_feed(&rig, program->d, program->n)) break;
        rig_write(&rig, ET__BNN_REG_IRQ_STAT, 7);
        rig_write(&rig, ET__BNN_REG_CTRL, ABORT);
        ck_assert(status_becomes(&rig, UINT32_MAX, 0, 1000));
        for (uint32_t reg = ET__BNN_REG_HEAD; reg <= ET__BNN_REG_DONE; reg += 4)
            ck_assert_uint_eq(rig_read(&rig, reg), 0);
        ck_assert_uint_eq(rig_read(&rig, ET__BNN_REG_CTRL) & ENABLED, 0);
        ck_assert_uint_eq(rig_read(&rig, ET__BNN_REG_ERR), 0);

        /* Nothing comes any more, and what it wrote to may go. */
        memset(rig.data.host, 0x5a, RIG_DATA);
        bool fired;
        rig_write(&rig, ET__BNN_REG_IRQ_EN, 0);
        for (int i = 0; i < 10; i++)
            assert_ok(et_transport_wait(rig.transport, 0, &fired));
        ck_assert(all_equal(rig.data.host, RIG_DATA, 0x5a));
        et_transport_dma_free(rig.transport, &rig.data);
        assert_ok(et_transport_dma_alloc(rig.transport, RIG_DATA, &rig.data));
        if (seed % 10 == 0) expect_health(&rig, _i, seed);
    }
    rig_close(&rig);
    drop_program();
}
END_TEST

START_TEST(abort_says_when_it_has_drained)
{
    struct rig rig;
    make_program();
    open_with(&rig, _i, "latency=300,wait_cycles=50");
    prepare(&rig, 1, 30);
    for (int i = 0; i < 3; i++)
        rig_feed(&rig, program->d, program->n);
    rig_write(&rig, ET__BNN_REG_IRQ_STAT, 7);
    rig_write(&rig, ET__BNN_REG_CTRL, ABORT);
    ck_assert_uint_ne(rig_read(&rig, ET__BNN_REG_STATUS) & STATUS(DRAINING), 0);
    ck_assert_uint_eq(rig_read(&rig, ET__BNN_REG_IRQ_STAT) & 4, 0);
    bool fired = false;
    for (int i = 0; i < 100 && !fired; i++)
        assert_ok(et_transport_wait(rig.transport, 0, &fired));
    ck_assert_uint_eq(rig_read(&rig, ET__BNN_REG_IRQ_STAT), 4);
    ck_assert_uint_eq(rig_read(&rig, ET__BNN_REG_STATUS), 0);
    rig_close(&rig);
    drop_program();
}
END_TEST

/* An idle device that is reset writes nothing into its buffers. */
START_TEST(buffers_keep_their_content)
{
    struct rig rig[2];
    char model[64];
    make_program();
    snprintf(model, sizeof model, "model:config=%s", configs[_i]);
    rig_open(&rig[0], model);
    open_with(&rig[1], _i, "stall=0.1");
    struct et_bnn_descriptor all = {{ET__BNN_OP_STORE}};
    et__bnn_set_address(&all, ET__BNN_STORE_ADDRESS_LO, PROGRAM_OUT);
    et__bnn_set(&all, ET__BNN_STORE_LENGTH, rig[0].caps.o_depth);
    et__bnn_set(&all, ET__BNN_STORE_ROWS, 1);
    for (uint64_t seed = 0; seed < 10; seed++) {
        for (size_t i = 0; i < 2; i++) {
            ck_assert(rig_restart(&rig[i]));
            prepare(&rig[i], seed, 20);
            finish(&rig[i]);
            ck_assert(rig_restart(&rig[i]));
            rig_push(&rig[i], all);
            rig_bell(&rig[i]);
            rig_finish(&rig[i]);
            rig_data_from(&rig[i]);
        }
        ck_assert_msg(memcmp(rig[0].data.host, rig[1].data.host, RIG_DATA) == 0,
                      "%s, seed %llu: a reset changed the output buffer", configs[_i],
                      (unsigned long long)seed);
    }
    rig_close(&rig[0]);
    rig_close(&rig[1]);
    drop_program();
}
END_TEST

/* ----------------------------------------------------------------------- memory that fails -- */

/* The memory is silent after so many bursts, for some time: the watchdog bites, DRAINING tells
 * that bursts are open, and it falls when they have ended. */
START_TEST(hung_memory_trips_the_watchdog)
{
    make_program();
    for (unsigned after = 1; after < 60; after += 7) {
        struct rig rig;
        char more[96];
        snprintf(more, sizeof more, "hang_after=%u,hang_cycles=30000,wait_cycles=200,stall=0.1",
                 after);
        open_with(&rig, _i, more);
        rig_write(&rig, ET__BNN_REG_WATCHDOG, 2000);
        prepare(&rig, after, 60);
        for (int i = 0; i < 1000; i++) {
            rig_feed(&rig, program->d, program->n);
            if (rig_read(&rig, ET__BNN_REG_STATUS) & STATUS(HALTED)) break;
        }
        ck_assert_uint_eq(rig_read(&rig, ET__BNN_REG_ERR), ERR(WATCHDOG));
        ck_assert_uint_ne(rig_read(&rig, ET__BNN_REG_STATUS) & STATUS(DRAINING), 0);
        rig_write(&rig, ET__BNN_REG_CTRL, ABORT);
        ck_assert(!status_becomes(&rig, STATUS(DRAINING), 0, 20));
        ck_assert(status_becomes(&rig, STATUS(DRAINING), 0, 500));
        expect_health(&rig, _i, after);
        rig_close(&rig);
    }
    drop_program();
}
END_TEST

START_TEST(memory_that_hangs_for_ever_stays_draining)
{
    struct rig rig;
    make_program();
    open_with(&rig, _i, "hang_after=5,wait_cycles=200");
    rig_write(&rig, ET__BNN_REG_WATCHDOG, 500);
    prepare(&rig, 3, 40);
    for (int i = 0; i < 40; i++)
        rig_feed(&rig, program->d, program->n);
    ck_assert_uint_eq(rig_read(&rig, ET__BNN_REG_ERR), ERR(WATCHDOG));
    ck_assert(!rig_restart(&rig));
    ck_assert_uint_ne(rig_read(&rig, ET__BNN_REG_STATUS) & STATUS(DRAINING), 0);
    rig_close(&rig);
    drop_program();
}
END_TEST

/* A page of the data refuses; whoever touches it is named, and the rest of the memory is as if it
 * had never been tried. */
START_TEST(a_page_that_answers_slverr)
{
    enum { LOAD, STORE, RECORD, KINDS, PAGE = 1 << 17 };
    struct rig rig;
    open_with(&rig, _i, "seed=1");
    uint64_t data = rig.data.device;
    rig_close(&rig);
    make_program();
    for (int kind = 0; kind < KINDS; kind++) {
        char more[128];
        snprintf(more, sizeof more, "slverr=0x%llx-0x%llx,stall=0.2",
                 (unsigned long long)(data + PAGE), (unsigned long long)(data + PAGE + 4095));
        open_with(&rig, _i, more);
        ck_assert_uint_eq(rig.data.device, data);
        struct et_bnn_descriptor d = {{0}};
        et__bnn_set(&d, ET__BNN_ANY_TAG, 77);
        et__bnn_set(&d, ET__BNN_ANY_OPCODE,
                    kind == LOAD    ? ET__BNN_OP_LOAD
                    : kind == STORE ? ET__BNN_OP_STORE
                                    : ET__BNN_OP_NOP);
        if (kind == LOAD) {
            et__bnn_set_address(&d, ET__BNN_LOAD_ADDRESS_LO, PAGE - 64);
            et__bnn_set(&d, ET__BNN_LOAD_TARGET, ET__BNN_TO_ACTIVATIONS);
            et__bnn_set(&d, ET__BNN_LOAD_LENGTH, 40);
            et__bnn_set(&d, ET__BNN_LOAD_ROWS, 1);
        } else if (kind == STORE) {
            et__bnn_set_address(&d, ET__BNN_STORE_ADDRESS_LO, PAGE - 64);
            et__bnn_set(&d, ET__BNN_STORE_LENGTH, 40);
            et__bnn_set(&d, ET__BNN_STORE_ROWS, 1);
        } else {
            et__bnn_set(&d, ET__BNN_ANY_COMPLETE, 1);
            et__bnn_set_address(&d, ET__BNN_ANY_COMPLETION_LO, PAGE + 8);
        }
        rig_push(&rig, d);
        rig_bell(&rig);
        rig_finish(&rig);
        ck_assert_uint_eq(rig_read(&rig, ET__BNN_REG_ERR),
                          kind == LOAD ? ERR(AXI_READ) : ERR(AXI_WRITE));
        ck_assert_uint_eq(rig_read(&rig, ET__BNN_REG_ERR_TAG), 77);
        ck_assert_uint_eq(rig.fired & 2, 2);
        ck_assert(all_equal((const char *)rig.data.host + PAGE, 4096, 0));
        ck_assert(rig_restart(&rig));
        rig_push(&rig, (struct et_bnn_descriptor){{ET__BNN_OP_NOP}});
        rig_bell(&rig);
        rig_finish(&rig);
        ck_assert_uint_eq(rig_read(&rig, ET__BNN_REG_ERR), 0);
        ck_assert_uint_eq(rig_read(&rig, ET__BNN_REG_DONE), 1);
        rig_close(&rig);
    }
    drop_program();
}
END_TEST

/* A ring where there is no memory: the fetch is refused. */
START_TEST(a_ring_outside_memory)
{
    struct rig rig;
    open_with(&rig, _i, "stall=0.2");
    rig_write(&rig, ET__BNN_REG_CTRL, 0);
    rig_write(&rig, ET__BNN_REG_RING_BASE_HI, 0x77);
    rig_write(&rig, ET__BNN_REG_CTRL, ENABLED);
    rig_write(&rig, ET__BNN_REG_TAIL, 1);
    rig.tail = 1;
    rig_finish(&rig);
    ck_assert_uint_eq(rig_read(&rig, ET__BNN_REG_ERR), ERR(AXI_READ));
    ck_assert_uint_eq(rig_read(&rig, ET__BNN_REG_DONE), 0);
    rig_close(&rig);
}
END_TEST

/* ------------------------------------------------------------------------------- damage -- */

/* Loads everything anew with one word damaged, computes on it, stores. */
static void run_damaged(struct rig *rig, uint32_t kind, uint32_t bit)
{
    ck_assert(rig_restart(rig));
    program_begin(program, &rig->caps, 9, 1500);
    program_prime(program);
    memcpy(rig->data.host, program->data, RIG_DATA);
    rig_data_to(rig);
    rig_write(rig, ET__BNN_REG_INJECT,
              kind << ET__BNN_INJECT_KIND_SHIFT | bit << ET__BNN_INJECT_BIT_SHIFT);
    struct et_bnn_descriptor d = {{0}};
    for (size_t i = 0; i < program->n; i++)
        rig_push(rig, program->d[i]);
    et__bnn_set(&d, ET__BNN_ANY_OPCODE, ET__BNN_OP_STORE);
    et__bnn_set_address(&d, ET__BNN_STORE_ADDRESS_LO, PROGRAM_OUT);
    et__bnn_set(&d, ET__BNN_STORE_LENGTH, rig->caps.o_depth);
    et__bnn_set(&d, ET__BNN_STORE_ROWS, 1);
    rig_push(rig, d);
    rig_bell(rig);
    rig_finish(rig);
    rig_data_from(rig);
}

static bool stored_anything(const struct rig *rig)
{
    const unsigned char *out = (const unsigned char *)rig->data.host + PROGRAM_OUT;
    size_t n = rig->caps.o_depth * (rig->caps.axi_bits / 8);
    return memcmp(out, program->data + PROGRAM_OUT, n) != 0;
}

/* The first weight word is what the priming computes with, all the time. */
START_TEST(every_bit_of_a_weight_is_corrected_and_two_are_reported)
{
    struct rig rig;
    make_program();
    open_with(&rig, _i, "stall=0.1");
    size_t n = rig.caps.o_depth * (rig.caps.axi_bits / 8);
    unsigned char *right = et_alloc(n, 1);
    run_damaged(&rig, 0, 0);
    ck_assert_uint_eq(rig_counter(&rig, ET__BNN_COUNTER_ECC_CE), 0);
    memcpy(right, (char *)rig.data.host + PROGRAM_OUT, n);
    for (uint32_t bit = 0; bit < rig.caps.axi_bits + rig.caps.axi_bits / 8; bit++) {
        run_damaged(&rig, 1, bit);
        ck_assert_uint_eq(rig_read(&rig, ET__BNN_REG_ERR), 0);
        ck_assert_uint_gt(rig_counter(&rig, ET__BNN_COUNTER_ECC_CE), 0);
        ck_assert_uint_eq(rig_counter(&rig, ET__BNN_COUNTER_ECC_UE), 0);
        ck_assert_msg(memcmp(right, (char *)rig.data.host + PROGRAM_OUT, n) == 0,
                      "bit %u is not corrected", bit);
        run_damaged(&rig, 2, bit);
        ck_assert_msg(rig_read(&rig, ET__BNN_REG_ERR) == ERR(ECC), "bits %u, %u: ERR is 0x%x", bit,
                      bit + 1, rig_read(&rig, ET__BNN_REG_ERR));
        ck_assert_uint_gt(rig_counter(&rig, ET__BNN_COUNTER_ECC_UE), 0);
        ck_assert(!stored_anything(&rig));
    }
    et_free(right);
    rig_close(&rig);
    drop_program();
}
END_TEST

START_TEST(a_damaged_activation_is_reported)
{
    struct rig rig;
    make_program();
    open_with(&rig, _i, "stall=0.1");
    for (uint32_t bit = 0; bit < rig.caps.simd; bit++) { /* of the SIMD word that is read */
        run_damaged(&rig, 3, bit);
        ck_assert_msg(rig_read(&rig, ET__BNN_REG_ERR) == ERR(PARITY), "bit %u: ERR is 0x%x", bit,
                      rig_read(&rig, ET__BNN_REG_ERR));
        ck_assert_uint_gt(rig_counter(&rig, ET__BNN_COUNTER_PARITY), 0);
        ck_assert(!stored_anything(&rig));
    }
    run_damaged(&rig, 0, 0);
    ck_assert_uint_eq(rig_read(&rig, ET__BNN_REG_ERR), 0);
    ck_assert(stored_anything(&rig));
    rig_close(&rig);
    drop_program();
}
END_TEST

/* --------------------------------------------------------------------------------- states -- */

static void run_on(struct rig *rig, size_t pushed, uint32_t tail)
{
    rig->pushed = pushed;
    rig->tail = tail;
    finish(rig);
}

/* Saved in the middle, continued twice and once in another device: the same memory, the same
 * number of cycles. */
START_TEST(a_state_in_the_middle_of_a_job_goes_on_identically)
{
    const char *more = "stall=0.3,latency=0-50,wait_cycles=97,seed=4";
    make_program();
    unsigned char *want = et_alloc(RIG_DATA, 1);
    for (uint64_t seed = 0; seed < 4; seed++) {
        struct rig rig, other;
        void *state;
        size_t n;
        open_with(&rig, _i, more);
        open_with(&other, _i, more);
        prepare(&rig, seed, 80);
        for (uint64_t i = 0; i < 3 + 9 * seed; i++)
            ck_assert(!rig_feed(&rig, program->d, program->n));
        ck_assert_uint_ne(rig_read(&rig, ET__BNN_REG_STATUS) & STATUS(BUSY), 0);
        assert_ok(et_transport_save(rig.transport, &state, &n));
        size_t pushed = rig.pushed;
        uint32_t tail = rig.tail;
        run_on(&rig, pushed, tail);
        memcpy(want, rig.data.host, RIG_DATA);
        uint64_t cycles = rig_counter(&rig, ET__BNN_COUNTER_CYCLES);
        struct rig *again[] = {&rig, &other};
        for (size_t i = 0; i < 2; i++) {
            assert_ok(et_transport_restore(again[i]->transport, state, n));
            run_on(again[i], pushed, tail);
            ck_assert(memcmp(want, again[i]->data.host, RIG_DATA) == 0);
            ck_assert_uint_eq(rig_counter(again[i], ET__BNN_COUNTER_CYCLES), cycles);
        }
        ((unsigned char *)state)[n - 100] ^= 1;
        assert_status(et_transport_restore(rig.transport, state, n), ET_FORMAT);
        assert_message("check sum");
        et_free(state);
        rig_close(&rig);
        rig_close(&other);
    }
    et_free(want);
    drop_program();
}
END_TEST

START_TEST(a_trace_is_written_where_it_was_compiled_in)
{
    struct rig rig;
    char file[64], more[96];
    snprintf(file, sizeof file, "/tmp/etalon-trace-%ld.fst", (long)getpid());
    snprintf(more, sizeof more, "trace=%s", file);
    bool traceable = strncmp(configs[_i], "8x16", 4) == 0;
    if (traceable) {
        make_program();
        open_with(&rig, _i, more);
        prepare(&rig, 1, 5);
        finish(&rig);
        rig_close(&rig);
        drop_program();
        struct stat info;
        ck_assert_int_eq(stat(file, &info), 0);
        ck_assert_int_gt(info.st_size, 10000);
        remove(file);
        return;
    }
    char uri[160];
    struct et_transport *t;
    snprintf(uri, sizeof uri, "verilator:config=%s,%s", configs[_i], more);
    assert_status(et_transport_open(uri, &t), ET_UNSUPPORTED);
    assert_message("compiled without tracing");
}
END_TEST

START_TEST(options_of_the_uri_are_checked)
{
    struct et_transport *t;
    assert_status(et_transport_open("verilator:config=7x7", &t), ET_CONFIG);
    assert_message("config=7x7 is not one of");
    assert_status(et_transport_open("verilator:stall=2", &t), ET_CONFIG);
    assert_status(et_transport_open("verilator:what", &t), ET_CONFIG);
    assert_message("'what' is not OPTION=VALUE");
}
END_TEST

int main(void)
{
    if (N_CONFIGS == 0) {
        fputs("skipped: built without Verilator\n", stderr);
        return 77;
    }
    Suite *suite = suite_create("faults");
    TCase *tests = tcase_create("hardware");
    tcase_set_timeout(tests, 0);
    tcase_add_loop_test(tests, abort_at_any_time_drains_and_forgets, 0, N_CONFIGS);
    tcase_add_loop_test(tests, buffers_keep_their_content, 0, N_CONFIGS);
    tcase_add_loop_test(tests, abort_says_when_it_has_drained, 0, N_CONFIGS);
    tcase_add_loop_test(tests, hung_memory_trips_the_watchdog, 0, N_CONFIGS);
    tcase_add_loop_test(tests, memory_that_hangs_for_ever_stays_draining, 0, N_CONFIGS);
    tcase_add_loop_test(tests, a_page_that_answers_slverr, 0, N_CONFIGS);
    tcase_add_loop_test(tests, a_ring_outside_memory, 0, N_CONFIGS);
    tcase_add_loop_test(tests, every_bit_of_a_weight_is_corrected_and_two_are_reported, 0,
                        N_CONFIGS);
    tcase_add_loop_test(tests, a_damaged_activation_is_reported, 0, N_CONFIGS);
    tcase_add_loop_test(tests, a_state_in_the_middle_of_a_job_goes_on_identically, 0, N_CONFIGS);
    tcase_add_loop_test(tests, a_trace_is_written_where_it_was_compiled_in, 0, N_CONFIGS);
    tcase_add_test(tests, options_of_the_uri_are_checked);
    suite_add_tcase(suite, tests);
    return suite_result(suite);
}
