/* SPDX-License-Identifier: Apache-2.0
 *
 * Time on the RTL: every COMPUTE takes what the manual says, to the cycle. */
#include <etalon/array.h>

#include <stdio.h>

#include "rtl/cycles.h"
#include "rtl/program.h"

static const char *const configs[] = {
#define ET_RTL_CONFIG(name) name,
#include "rtl_configs.def"
#undef ET_RTL_CONFIG
    NULL,
};
enum { N_CONFIGS = sizeof configs / sizeof *configs - 1 };

/* ------------------------------------------------------------------------------- formula -- */

/* Short and long sums, every kind of output, several tiles, pools: both sides of each maximum. */
static const struct {
    uint32_t c_in, c_out, w, k, a_bits, w_bits, output, o_bits, pool, final;
} cases[] = {
    {1, 1, 1, 1, 1, 1, ET_BNN_CODES, 1, 1, 1},    {1, 1, 1, 1, 1, 1, ET_BNN_RAW16, 1, 1, 1},
    {1, 1, 1, 1, 1, 1, ET_BNN_RAW32, 1, 1, 1},    {1, 1, 1, 1, 1, 1, ET_BNN_CODES, 1, 1, 0},
    {64, 8, 20, 1, 1, 1, ET_BNN_CODES, 1, 1, 1},  {64, 8, 20, 1, 1, 1, ET_BNN_CODES, 4, 1, 1},
    {16, 8, 20, 1, 1, 1, ET_BNN_RAW32, 1, 1, 1},  {128, 8, 7, 1, 1, 1, ET_BNN_RAW32, 1, 1, 1},
    {64, 24, 7, 1, 2, 3, ET_BNN_RAW16, 1, 1, 1},  {17, 9, 8, 3, 1, 2, ET_BNN_CODES, 2, 1, 1},
    {16, 8, 12, 3, 1, 1, ET_BNN_CODES, 1, 2, 1},  {16, 8, 12, 1, 1, 1, ET_BNN_CODES, 3, 3, 1},
    {30, 20, 10, 2, 2, 2, ET_BNN_CODES, 1, 1, 0}, {16, 8, 9, 1, 1, 1, ET_BNN_CODES, 6, 1, 1},
};
enum { N_CASES = sizeof cases / sizeof *cases };

static struct et_bnn_descriptor compute(size_t i)
{
    struct et_bnn_descriptor d = {{0}};
    uint32_t out = (cases[i].w - cases[i].k + 1) / cases[i].pool;
    et__bnn_set(&d, ET__BNN_ANY_OPCODE, ET__BNN_OP_COMPUTE);
#define SET(field, value) et__bnn_set(&d, ET__BNN_COMPUTE_##field, value)
    SET(MODE, ET_BNN_AND);
    SET(INIT, 1);
    SET(FINAL, cases[i].final);
    SET(OUTPUT, cases[i].output);
    SET(A_BITS, cases[i].a_bits);
    SET(W_BITS, cases[i].w_bits);
    SET(O_BITS, cases[i].o_bits);
    SET(POOL, cases[i].pool);
    SET(C_IN, cases[i].c_in);
    SET(C_OUT, cases[i].c_out);
    SET(H, cases[i].k + cases[i].pool - 1);
    SET(W, cases[i].w);
    SET(K_H, cases[i].k);
    SET(K_W, cases[i].k);
    SET(STRIDE_Y, 1);
    SET(STRIDE_X, 1);
    SET(OUT_H, 1);
    SET(OUT_W, out);
#undef SET
    return d;
}

/* Buffers that hold something, then an idle device. */
static void prime(struct rig *rig, struct program *p)
{
    program_begin(p, &rig->caps, 1, 3000);
    program_prime(p);
    memcpy(rig->data.host, p->data, RIG_DATA);
    rig_data_to(rig);
    for (size_t i = 0; i < p->n; i++)
        rig_push(rig, p->d[i]);
    rig_bell(rig);
    rig_finish(rig);
}

static struct cycles measured(struct rig *rig)
{
    return (struct cycles){rig_counter(rig, ET__BNN_COUNTER_COMPUTE),
                           rig_counter(rig, ET__BNN_COUNTER_STEPS),
                           rig_counter(rig, ET__BNN_COUNTER_STALL_OUT)};
}

START_TEST(a_compute_takes_what_the_manual_says)
{
    char uri[96];
    struct rig rig;
    struct program *p = et_alloc(1, sizeof *p);
    snprintf(uri, sizeof uri, "verilator:config=%s,stall=0.2,latency=0-60", configs[_i]);
    rig_open(&rig, uri);
    prime(&rig, p);
    for (size_t i = 0; i < N_CASES; i++) {
        struct et_bnn_descriptor d = compute(i);
        struct cycles want = cycles_of(&d, &rig.caps), before = measured(&rig);
        rig_push(&rig, d);
        rig_bell(&rig);
        rig_finish(&rig);
        ck_assert_uint_eq(rig_read(&rig, ET__BNN_REG_ERR), 0);
        struct cycles after = measured(&rig);
        ck_assert_msg(after.compute - before.compute == want.compute &&
                          after.steps - before.steps == want.steps &&
                          after.stall_out - before.stall_out == want.stall_out,
                      "%s, case %zu: %llu cycles, %llu steps, %llu stalls; %llu, %llu, %llu by the "
                      "formula",
                      configs[_i], i, (unsigned long long)(after.compute - before.compute),
                      (unsigned long long)(after.steps - before.steps),
                      (unsigned long long)(after.stall_out - before.stall_out),
                      (unsigned long long)want.compute, (unsigned long long)want.steps,
                      (unsigned long long)want.stall_out);
    }
    rig_close(&rig);
    et_free(p);
}
END_TEST

int main(void)
{
    if (N_CONFIGS == 0) {
        fputs("skipped: built without Verilator\n", stderr);
        return 77;
    }
    Suite *suite = suite_create("cycles");
    TCase *tests = tcase_create("time");
    tcase_set_timeout(tests, 0);
    tcase_add_loop_test(tests, a_compute_takes_what_the_manual_says, 0, N_CONFIGS);
    suite_add_tcase(suite, tests);
    return suite_result(suite);
}
