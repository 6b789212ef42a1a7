/* SPDX-License-Identifier: Apache-2.0
 *
 * Time on the RTL: every COMPUTE takes what the manual says, to the cycle, and whole layers keep
 * the array at work with all transfers included. */
#include <etalon/accelerator.h>
#include <etalon/array.h>
#include <etalon/rng.h>

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

/* ---------------------------------------------------------------------------- whole layers -- */

struct use {
    uint64_t busy, steps, beats;
};

/* A layer with random numbers, n images, on the default device. */
static struct use run_layer(struct et_bnn_layer layer, size_t n)
{
    struct et_accelerator *a;
    size_t id, n_w = layer.c_out * layer.k_h * layer.k_w * layer.c_in;
    int8_t *w = et_alloc(n_w, 1);
    int32_t *t = et_alloc(layer.c_out, sizeof *t);
    uint64_t *x = et_alloc(n * et_bnn_in_words(&layer), sizeof *x);
    void *y = et_alloc(n * et_bnn_out_size(&layer), 8);
    ck_assert(w && t && x && y);
    for (size_t i = 0; i < n_w; i++)
        w[i] = et_rng_below(1, ET_STREAM_USER, 0, i, 2) ? 1 : -1;
    struct et_bnn_counters before, after;
    assert_ok(et_accelerator_open("verilator:config=32x32", NULL, &a));
    assert_ok(et_accelerator_load(a, &layer, w, t, NULL, &id));
    assert_ok(et_accelerator_counters(a, &before));
    assert_ok(et_accelerator_run(a, id, n, x, y));
    assert_ok(et_accelerator_counters(a, &after));
    et_accelerator_close(a);
    et_free(w);
    et_free(t);
    et_free(x);
    et_free(y);
    return (struct use){after.busy - before.busy, after.steps - before.steps,
                        after.rd_beats - before.rd_beats};
}

static struct et_bnn_layer codes(struct et_bnn_layer layer)
{
    layer.output = ET_BNN_CODES;
    return layer;
}

static struct et_bnn_layer convolution(void)
{
    struct et_bnn_layer l = codes(et_bnn_dense(256, 256));
    l.h = l.w = 14;
    l.k_h = l.k_w = 3;
    l.pad_top = l.pad_left = l.pad_bottom = l.pad_right = 1;
    l.pad_zero_bits = true;
    return l;
}

static bool has_default(void)
{
    for (size_t i = 0; i < N_CONFIGS; i++)
        if (strcmp(configs[i], "32x32") == 0) return true;
    return false;
}

/* At least 95 % of the cycles from the doorbell to the last record, transfers included. */
START_TEST(layers_keep_the_array_at_work)
{
    if (!has_default()) return;
    const struct {
        const char *name;
        struct et_bnn_layer layer;
        size_t n;
    } layer[] = {
        {"dense 1024 x 1024, 64 vectors", codes(et_bnn_dense(1024, 1024)), 64},
        {"dense 1024 x 1024, 64 vectors, raw", et_bnn_dense(1024, 1024), 64},
        {"convolution 3 x 3 x 256 -> 256, 14 x 14", convolution(), 1},
    };
    for (size_t i = 0; i < sizeof layer / sizeof *layer; i++) {
        struct use use = run_layer(layer[i].layer, layer[i].n);
        double utilisation = (double)use.steps / (double)use.busy;
        printf("%s: %llu steps in %llu cycles, %.1f %%\n", layer[i].name,
               (unsigned long long)use.steps, (unsigned long long)use.busy, 100 * utilisation);
        ck_assert_msg(utilisation >= 0.95, "%s: %.1f %%", layer[i].name, 100 * utilisation);
    }
}
END_TEST

/* One vector reads every weight once: the bus is the limit. */
START_TEST(one_vector_runs_at_the_speed_of_the_bus)
{
    if (!has_default()) return;
    struct use use = run_layer(codes(et_bnn_dense(1024, 1024)), 1);
    double share = (double)use.beats / (double)use.busy;
    printf("dense 1024 x 1024, 1 vector: %llu beats in %llu cycles, %.1f %% of the bus\n",
           (unsigned long long)use.beats, (unsigned long long)use.busy, 100 * share);
    ck_assert_msg(share >= 0.85, "%.1f %% of the bus", 100 * share);
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
    tcase_add_test(tests, layers_keep_the_array_at_work);
    tcase_add_test(tests, one_vector_runs_at_the_speed_of_the_bus);
    suite_add_tcase(suite, tests);
    return suite_result(suite);
}
