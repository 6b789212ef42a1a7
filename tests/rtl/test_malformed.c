/* SPDX-License-Identifier: Apache-2.0
 *
 * Descriptors with random mistakes: the RTL and the functional model find the same error, name the
 * same descriptor, or do the same thing when the mistake is none. */
#include <etalon/array.h>

#include <stdio.h>
#include <stdlib.h>

#include "rtl/cycles.h"
#include "rtl/program.h"

static const char *const configs[] = {
#define ET_RTL_CONFIG(name) name,
#include "rtl_configs.def"
#undef ET_RTL_CONFIG
    NULL,
};
enum { N_CONFIGS = sizeof configs / sizeof *configs - 1, PATIENCE = 3000 };

#define ERR(name) (UINT32_C(1) << ET__BNN_ERR_##name##_SHIFT)

#define NAME(operation, field) ET__BNN_##operation##_##field,
static struct et__bnn_field random_field(struct program *p)
{
    const struct et__bnn_field all[] = {ET__BNN_FIELDS(NAME)};
    return all[program_draw(p, 0, sizeof all / sizeof *all - 1)];
}
#undef NAME

/* A value at an end of a field's range, beside it, or any. */
static uint32_t random_value(struct program *p, uint32_t mask)
{
    const uint32_t ends[] = {0, 1, 2, 3, 7, 8, 9, 15, 16, mask, mask - 1, mask / 2, mask / 2 + 1};
    uint32_t i = program_draw(p, 0, 17);
    return (i < 13 ? ends[i] : program_draw(p, 0, UINT32_MAX - 1)) & mask;
}

/* One of a program's descriptors, without tokens, with a mistake or two. */
static struct et_bnn_descriptor draw_wrong(struct program *p, bool *bad_sum)
{
    const struct et_bnn_descriptor right = p->d[program_draw(p, 0, (uint32_t)p->n - 1)];
    struct et_bnn_descriptor d = right;
    d.word[0] &= ~UINT32_C(0xf00);
    for (uint32_t i = program_draw(p, 1, 2); i > 0; i--) {
        if (program_draw(p, 0, 9) == 0) {
            d.word[program_draw(p, 0, 14)] ^= UINT32_C(1) << program_draw(p, 0, 31);
        } else {
            struct et__bnn_field f = random_field(p);
            et__bnn_set(&d, f, random_value(p, et__bnn_field_mask(f)));
        }
    }
    /* Whether a mistake is found before or after waiting for a token is open: nobody waits. */
    uint32_t opcode = et__bnn_get(&d, ET__BNN_ANY_OPCODE);
    if (opcode != ET__BNN_OP_LOAD) d.word[0] &= ~(UINT32_C(1) << ET__BNN_ANY_POP_PREV.shift);
    if (opcode != ET__BNN_OP_STORE) d.word[0] &= ~(UINT32_C(1) << ET__BNN_ANY_POP_NEXT.shift);
    /* A record's place is judged at the dispatch, the operation's fields later: not both wrong. */
    if (et__bnn_get(&d, ET__BNN_ANY_COMPLETE) && d.word[2] % 8 != 0)
        memcpy(d.word + 4, right.word + 4, 11 * sizeof *d.word);
    *bad_sum = program_draw(p, 0, 19) == 0;
    return d;
}

/* What is legal may not take for ever. */
static bool is_short(const struct et_bnn_descriptor *d, const struct et_bnn_caps *caps)
{
    if (et__bnn_get(d, ET__BNN_ANY_OPCODE) == ET__BNN_OP_COMPUTE)
        return cycles_of(d, caps).compute < 20000;
    return et__bnn_get(d, ET__BNN_ANY_OPCODE) != ET__BNN_OP_STORE ||
           (uint64_t)et__bnn_get(d, ET__BNN_STORE_ROWS) * et__bnn_get(d, ET__BNN_STORE_LENGTH) <
               20000;
}

/* From reset, with known buffers and memory. */
static void begin(struct rig *rig, const struct program *p)
{
    ck_assert(rig_restart(rig));
    rig_write(rig, ET__BNN_REG_WATCHDOG, PATIENCE);
    memcpy(rig->data.host, p->data, RIG_DATA);
    rig_data_to(rig);
    rig->pushed = 0;
}

static void prime(struct rig *rig, const struct program *p, size_t n)
{
    begin(rig, p);
    while (!rig_feed(rig, p->d, n)) {
    }
    ck_assert_uint_eq(rig_read(rig, ET__BNN_REG_ERR), 0);
}

/* The descriptor, then all of the output buffer to memory. */
static void run(struct rig *rig, const struct et_bnn_descriptor *d, bool bad_sum)
{
    struct et_bnn_descriptor placed = rig_place(rig, *d);
    placed.word[15] ^= bad_sum ? UINT32_C(1) << 31 : 0;
    struct et_bnn_descriptor all = {{ET__BNN_OP_STORE}};
    et__bnn_set_address(&all, ET__BNN_STORE_ADDRESS_LO, PROGRAM_OUT);
    et__bnn_set(&all, ET__BNN_STORE_LENGTH, rig->caps.o_depth);
    et__bnn_set(&all, ET__BNN_STORE_ROWS, 1);
    rig_push_raw(rig, &placed);
    rig_push(rig, (struct et_bnn_descriptor){{ET__BNN_OP_SYNC}});
    rig_push(rig, all);
    rig_bell(rig);
    rig_finish(rig);
    rig_data_from(rig);
}

/* The words of a descriptor, for messages. */
static const char *text_of(const struct et_bnn_descriptor *d)
{
    static char text[16 * 9 + 1];
    for (size_t i = 0; i < 16; i++)
        snprintf(text + 9 * i, sizeof text - 9 * i, " %08x", d->word[i]);
    return text;
}

static void compare(struct rig *model, struct rig *rtl, const struct et_bnn_descriptor *d)
{
    static const struct {
        uint32_t address;
        const char *name;
    } registers[] = {{ET__BNN_REG_ERR, "ERR"},
                     {ET__BNN_REG_ERR_TAG, "ERR_TAG"},
                     {ET__BNN_REG_ERR_INDEX, "ERR_INDEX"},
                     {ET__BNN_REG_STATUS, "STATUS"},
                     {ET__BNN_REG_DONE, "DONE"}};
    uint32_t err = rig_read(model, ET__BNN_REG_ERR);
    for (size_t k = 0; k < sizeof registers / sizeof *registers; k++) {
        uint32_t want = rig_read(model, registers[k].address);
        uint32_t got = rig_read(rtl, registers[k].address);
        if (registers[k].address == ET__BNN_REG_STATUS) want &= 2, got &= 2;
        ck_assert_msg(got == want, "%s,%s: %s is 0x%x, 0x%x in the model (ERR 0x%x)",
                      et_transport_uri(rtl->transport), text_of(d), registers[k].name, got, want,
                      err);
    }
    /* How much of a STORE arrives before the memory refuses is open. */
    if (err == ERR(AXI_WRITE)) return;
    ck_assert_msg(memcmp(model->data.host, rtl->data.host, RIG_DATA) == 0,
                  "%s,%s: other memory (ERR 0x%x)", et_transport_uri(rtl->transport), text_of(d),
                  err);
}

START_TEST(random_mistakes)
{
    struct rig model, rtl;
    char uri[96];
    snprintf(uri, sizeof uri, "model:config=%s", configs[_i]);
    rig_open(&model, uri);
    snprintf(uri, sizeof uri, "verilator:config=%s,stall=0.1,latency=0-20", configs[_i]);
    rig_open(&rtl, uri);
    struct program *p = et_alloc(1, sizeof *p);
    program_begin(p, &model.caps, 77, 1500);
    program_prime(p);
    size_t primed = p->n, seen[32] = {0};
    program_jobs(p, 400);
    /* A wrong place of thresholds finds other numbers, but no mixture of flips: that has no
     * meaning. */
    for (size_t i = PROGRAM_TABLES + 3; i < PROGRAM_OUT; i += 4)
        p->data[i] &= 0x7f;
    /* Large buffers take long to fill. */
    bool fresh = false, small = strncmp(configs[_i], "8x16", 4) == 0;
    for (size_t i = 0, tries = small ? 4000 : 100; i < tries; i++) {
        bool bad_sum;
        struct et_bnn_descriptor d = draw_wrong(p, &bad_sum);
        if (!is_short(&d, &p->caps)) continue;
        if (!fresh) {
            prime(&model, p, primed);
            prime(&rtl, p, primed);
        }
        run(&model, &d, bad_sum);
        run(&rtl, &d, bad_sum);
        compare(&model, &rtl, &d);
        uint32_t err = rig_read(&model, ET__BNN_REG_ERR);
        fresh = err == 0;
        for (size_t bit = 0; bit < 32; bit++)
            seen[bit] += err >> bit & 1;
    }
    /* CRC to RANGE, both AXI errors: each came up. */
    for (size_t bit = 0; bit < 8 && small; bit++)
        ck_assert_msg(seen[bit] > 0 || bit == ET__BNN_ERR_RING_SHIFT, "no ERR bit %zu", bit);
    et_free(p);
    rig_close(&model);
    rig_close(&rtl);
}
END_TEST

int main(void)
{
    if (N_CONFIGS == 0) {
        fputs("skipped: built without Verilator\n", stderr);
        return 77;
    }
    Suite *suite = suite_create("malformed");
    TCase *tests = tcase_create("descriptors");
    tcase_set_timeout(tests, 0);
    tcase_add_loop_test(tests, random_mistakes, 0, N_CONFIGS);
    suite_add_tcase(suite, tests);
    return suite_result(suite);
}
