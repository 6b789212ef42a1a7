/* SPDX-License-Identifier: Apache-2.0
 *
 * The accelerator's driver when things go wrong: what it says, what it keeps, and that it works
 * again afterwards. */
#include "drivers/bnn_device.h"

#include "drivers/bnn_devices.h"
#include "drivers/faulty.h"
#include "drivers/random_layer.h"

/* A layer of several tiles in the small configurations, and its numbers. */
enum { IMAGES = 3 };
static struct et_bnn_layer layer;
static struct numbers number;
static struct et_accelerator *accelerator;
static size_t id;

static void make_layer(void)
{
    layer = et_bnn_dense(200, 40);
    number = draw_numbers(&layer, IMAGES, 3);
}

static void free_layer(void)
{
    free_numbers(&number);
}

static enum et_status attach(const struct et_accelerator_options *options)
{
    return et__accelerator_open_on(faulty_transport(), options, &accelerator);
}

/* Opens a handle on the device behind the faults, with the layer loaded. */
static void open_handle(const struct et_accelerator_options *options)
{
    assert_ok(attach(options));
    assert_ok(et_accelerator_load(accelerator, &layer, number.w, NULL, NULL, &id));
}

static void open_device(const struct et_accelerator_options *options)
{
    faulty_begin("model:config=8x16");
    open_handle(options);
}

static void close_device(void)
{
    et_accelerator_close(accelerator);
    faulty_end();
}

static enum et_status run(void)
{
    memset(number.got, 0, number.out_bytes);
    return et_accelerator_run(accelerator, id, IMAGES, number.x, number.got);
}

static void expect_right_answers(void)
{
    assert_ok(run());
    ck_assert_mem_eq(number.got, number.want, number.out_bytes);
}

/* ---------------------------------------------------------------------------------- opening -- */

static const struct {
    uint32_t address, value;
    const char *says;
} strangers[] = {
    {ET__BNN_REG_ID, 0xffffffff, "its ID is 0xffffffff, not 0x4e4e4245"},
    {ET__BNN_REG_VERSION, 0x01001234, "its hash is 0x1234, that of this program 0x"},
    {ET__BNN_REG_CAPS0, 0x00200021, "PE = 33, SIMD = 32"},
    {ET__BNN_REG_CAPS1, 0x08000020, "AXI_DW = 32"},
    {ET__BNN_REG_CAPS3, 0x00000100, "depths"},
    {ET__BNN_REG_STATUS, 4, "does not finish its bursts (STATUS = 0x4)"},
};

START_TEST(a_stranger_is_refused)
{
    struct et_accelerator_options hasty = {.timeout_s = 0.01};
    faulty_begin("model:");
    faulty.replace = true;
    faulty.address = strangers[_i].address;
    faulty.value = strangers[_i].value;
    assert_status(attach(&hasty), ET_DEVICE);
    assert_message(strangers[_i].says);
    ck_assert_ptr_null(accelerator);
    faulty_end();
}
END_TEST

START_TEST(options_are_checked)
{
    struct et_accelerator_options late = {.timeout_s = -1}, wide = {.ring_log2 = 16};
    assert_status(et_accelerator_open("model:", &late, &accelerator), ET_INVALID);
    assert_message("timeout_s = -1 s");
    assert_status(et_accelerator_open("model:", &wide, &accelerator), ET_INVALID);
    assert_message("ring_log2 = 16 is outside [1, 15]");
    assert_status(et_accelerator_open("modell:", NULL, &accelerator), ET_CONFIG);
    ck_assert_ptr_null(accelerator);
    et_accelerator_close(NULL);
}
END_TEST

/* --------------------------------------------------------------------------- what it is told -- */

static void flip_bit(struct et_bnn_descriptor *d)
{
    d->word[7] ^= 1;
}

static void set_opcode(struct et_bnn_descriptor *d)
{
    et__bnn_set(d, ET__BNN_ANY_OPCODE, 9);
    et__bnn_descriptor_seal(d);
}

static void set_reserved(struct et_bnn_descriptor *d)
{
    d->word[0] |= UINT32_C(1) << 31;
    et__bnn_descriptor_seal(d);
}

static void set_odd_address(struct et_bnn_descriptor *d)
{
    d->word[4] |= 1;
    et__bnn_descriptor_seal(d);
}

static void set_far_place(struct et_bnn_descriptor *d)
{
    et__bnn_set(d, ET__BNN_LOAD_PLACE, 65535);
    et__bnn_descriptor_seal(d);
}

static void set_far_address(struct et_bnn_descriptor *d)
{
    d->word[5] = 0xdead0000;
    et__bnn_descriptor_seal(d);
}

/* The first descriptor is a LOAD: it waits for a token that only its own results could bring. */
static void want_token(struct et_bnn_descriptor *d)
{
    et__bnn_set(d, ET__BNN_ANY_POP_NEXT, 1);
    et__bnn_descriptor_seal(d);
}

static const struct {
    void (*tamper)(struct et_bnn_descriptor *d);
    const char *says;
} tampered[] = {
    {flip_bit, "arrived with a wrong check sum (CRC)"},
    {set_opcode, "has an unknown operation (OPCODE)"},
    {set_reserved, "has a field out of its range or a reserved bit set (FIELD)"},
    {set_odd_address, "has an address or a stride that is not aligned (ALIGN)"},
    {set_far_place, "reached outside an on-chip buffer (RANGE)"},
    {set_far_address, "read memory that refused it (AXI_READ)"},
    {want_token, "made no progress for too many cycles (WATCHDOG)"},
};

START_TEST(an_error_is_one_sentence_and_the_next_run_works)
{
    open_device(NULL);
    expect_right_answers();
    faulty.tamper = tampered[_i].tamper;
    assert_status(run(), ET_DEVICE);
    assert_message(tampered[_i].says);
    assert_message("of layer 0");
    assert_message("of the ring");
    assert_message("while running layer 0 on 'faulty:'");
    assert_message("LOAD 1 of ");
    expect_right_answers();
    close_device();
}
END_TEST

START_TEST(damaged_words_are_reported_and_never_used)
{
    open_device(NULL);
    struct et_transport *transport = et_accelerator_transport(accelerator);
    struct et_bnn_counters counters;
    for (uint32_t kind = 1; kind <= 3; kind++) {
        assert_ok(et_transport_write32(transport, ET__BNN_REG_INJECT, kind | 5U << 8));
        if (kind == 1) {
            expect_right_answers();
            continue;
        }
        assert_status(run(), ET_DEVICE);
        assert_message("COMPUTE ");
        assert_message(kind == 2 ? "read a weight word with two wrong bits (ECC)"
                                 : "read an activation word with wrong parity (PARITY)");
        for (size_t i = 0; i < number.out_bytes; i++)
            ck_assert_int_eq(((const char *)number.got)[i], 0);
    }
    assert_ok(et_accelerator_counters(accelerator, &counters));
    ck_assert_uint_ge(counters.ecc_ce, 1);
    ck_assert_uint_eq(counters.ecc_ue, 1);
    ck_assert_uint_eq(counters.parity, 1);
    expect_right_answers();
    close_device();
}
END_TEST

/* ------------------------------------------------------------------------------ lost and hung --
 */

START_TEST(a_lost_interrupt_loses_no_result)
{
    open_device(NULL);
    faulty.lose_interrupts = true;
    expect_right_answers();
    close_device();
}
END_TEST

START_TEST(a_lost_doorbell_ends_in_time)
{
    struct et_accelerator_options hasty = {.timeout_s = 0.02};
    open_device(&hasty);
    faulty.lose_doorbell = true;
    assert_status(run(), ET_TIMEOUT);
    assert_message("layer 0 did not end within 0.02 s");
    assert_message("descriptors are left");
    faulty.lose_doorbell = false;
    expect_right_answers();
    close_device();
}
END_TEST

START_TEST(a_register_that_does_not_answer_is_an_error)
{
    open_device(NULL);
    for (size_t n = 1; n < 12; n++) {
        faulty.reads_left = n;
        enum et_status status = run();
        if (status == ET_OK) {
            ck_assert_uint_gt(faulty.reads_left, 0);
            break;
        }
        assert_status(status, ET_TIMEOUT);
        assert_message("while reading register 0x");
        faulty.reads_left = 0;
        expect_right_answers();
    }
    close_device();
}
END_TEST

START_TEST(memory_of_a_device_that_hangs_is_kept)
{
    struct et_accelerator_options hasty = {.timeout_s = 0.02};
    open_device(&hasty);
    expect_right_answers();
    /* It never leaves DRAINING, and its records do not come. */
    faulty.lose_doorbell = faulty.replace = true;
    faulty.address = ET__BNN_REG_STATUS;
    faulty.value = 4;
    assert_status(run(), ET_TIMEOUT);
    assert_message("stays allocated until it is closed");
    et_accelerator_unload(accelerator, id);
    ck_assert_uint_eq(faulty.frees, 0);
    assert_status(et_accelerator_load(accelerator, &layer, number.w, NULL, NULL, &id), ET_DEVICE);
    assert_message("does not finish its bursts");
    faulty.lose_doorbell = faulty.replace = false;
    assert_ok(et_accelerator_load(accelerator, &layer, number.w, NULL, NULL, &id));
    expect_right_answers();
    et_accelerator_unload(accelerator, id);
    ck_assert_uint_gt(faulty.frees, 0);
    close_device();
}
END_TEST

START_TEST(a_killed_program_leaves_a_device_that_the_next_one_recovers)
{
    uint32_t status;
    open_device(NULL);
    faulty.dies_at_doorbell = true;
    assert_status(run(), ET_IO);
    assert_message("the cable is cut");
    et_accelerator_close(accelerator);
    assert_ok(et_transport_read32(faulty.inner, ET__BNN_REG_STATUS, &status));
    ck_assert_uint_ne(status, 0); /* at work, or halted because the memory is gone */
    faulty.dead = faulty.dies_at_doorbell = false;
    open_handle(NULL);
    expect_right_answers();
    close_device();
}
END_TEST

/* Killed while a token is missing: nothing moves any more. */
START_TEST(a_stuck_device_is_recovered_too)
{
    struct et_accelerator_options no_watchdog = {.watchdog = UINT32_MAX};
    open_device(&no_watchdog);
    faulty.tamper = want_token;
    faulty.dies_at_doorbell = true;
    assert_status(run(), ET_IO);
    et_accelerator_close(accelerator);
    faulty.dead = faulty.dies_at_doorbell = false;
    open_handle(NULL);
    expect_right_answers();
    close_device();
}
END_TEST

/* -------------------------------------------------------------------------------- memory -- */

START_TEST(a_batch_is_cut_to_the_memory_there_is)
{
    faulty_begin("model:config=8x16");
    faulty.dma_max = 20000;
    assert_ok(attach(NULL));
    struct et_bnn_layer l = et_bnn_dense(64, 64);
    struct numbers n = draw_numbers(&l, 200, 1); /* 51200 bytes of outputs */
    assert_ok(et_accelerator_load(accelerator, &l, n.w, NULL, NULL, &id));
    assert_ok(et_accelerator_run(accelerator, id, n.images, n.x, n.got));
    ck_assert_mem_eq(n.got, n.want, n.out_bytes);
    faulty.dma_max = 1;
    et_accelerator_unload(accelerator, id);
    assert_status(et_accelerator_load(accelerator, &l, n.w, NULL, NULL, &id), ET_NOMEM);
    assert_message("while loading a layer of 64 to 64 channels");
    free_numbers(&n);
    close_device();
}
END_TEST

START_TEST(weights_move_only_when_they_change)
{
    open_device(NULL);
    expect_right_answers();
    size_t before = faulty.shown;
    expect_right_answers();
    size_t per_run = faulty.shown - before,
           w = et_bnn_layout_sizes(&layer, &(struct et_bnn_caps){8, 16, 64, 128, 128, 256, 64, 32},
                                   1)
                   .w;
    ck_assert_uint_lt(per_run, 64 * 200); /* inputs and descriptors */
    before = faulty.shown;
    assert_ok(et_accelerator_reload(accelerator, id, number.w, NULL, NULL));
    ck_assert_uint_eq(faulty.shown - before, w);
    close_device();
}
END_TEST

static enum et_status everything(const char *uri)
{
    enum et_status status = et_accelerator_open(uri, NULL, &accelerator);
    if (status != ET_OK) return status;
    status = et_accelerator_load(accelerator, &layer, number.w, NULL, NULL, &id);
    if (status == ET_OK) status = run();
    if (status == ET_OK) status = et_accelerator_reload(accelerator, id, number.w, NULL, NULL);
    if (status == ET_OK) status = run();
    et_accelerator_close(accelerator);
    return status;
}

START_TEST(failing_allocations_leak_nothing)
{
    const char *uri = device_uri(_i);
    size_t failures = 0;
    for (size_t n = 1; n < 10000; n++) {
        et_alloc_fail_at(n);
        enum et_status status = everything(uri);
        void *spare = et_alloc(1, 1); /* NULL: nothing was left to fail */
        bool done = spare == NULL;
        et_free(spare);
        et_alloc_fail_at(0);
        /* A driver that is short of memory for a batch makes do with smaller ones. */
        if (status == ET_OK) {
            ck_assert_mem_eq(number.got, number.want, number.out_bytes);
        } else {
            assert_status(status, ET_NOMEM);
            failures++;
        }
        if (done) break;
    }
    ck_assert_uint_gt(failures, 4);
    assert_ok(everything(uri));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bnn faults");
    TCase *tests = tcase_create("faults");
    tcase_set_timeout(tests, 0);
    tcase_add_unchecked_fixture(tests, make_layer, free_layer);
    tcase_add_loop_test(tests, a_stranger_is_refused, 0, sizeof strangers / sizeof *strangers);
    tcase_add_test(tests, options_are_checked);
    tcase_add_loop_test(tests, an_error_is_one_sentence_and_the_next_run_works, 0,
                        sizeof tampered / sizeof *tampered);
    tcase_add_test(tests, damaged_words_are_reported_and_never_used);
    tcase_add_test(tests, a_lost_interrupt_loses_no_result);
    tcase_add_test(tests, a_lost_doorbell_ends_in_time);
    tcase_add_test(tests, a_register_that_does_not_answer_is_an_error);
    tcase_add_test(tests, memory_of_a_device_that_hangs_is_kept);
    tcase_add_test(tests, a_killed_program_leaves_a_device_that_the_next_one_recovers);
    tcase_add_test(tests, a_stuck_device_is_recovered_too);
    tcase_add_test(tests, a_batch_is_cut_to_the_memory_there_is);
    tcase_add_test(tests, weights_move_only_when_they_change);
    tcase_add_loop_test(tests, failing_allocations_leak_nothing, 0, 3);
    suite_add_tcase(suite, tests);
    return suite_result(suite);
}
