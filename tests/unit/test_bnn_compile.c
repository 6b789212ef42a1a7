/* SPDX-License-Identifier: Apache-2.0
 *
 * Programs of random layers for devices of all sizes: what they compute, that they keep their
 * order, that they end, how long they should take. */
#include "unit/bnn_layers.h"
#include "unit/bnn_program.h"

#include <stdio.h>
#include <string.h>

#include "close.h"
#include "hw/binary.h"
#include "hw/bnn_model.h"

enum { CASES = 400 };

static const uint64_t base = UINT64_C(0x1fff00000);

/* ------------------------------------------------------------------------------------- device --
 */

/* The functional model without its ring: descriptors are executed in the order of the program. */
static struct et__model *open_model(const struct et_bnn_caps *caps)
{
    struct et__model *m = et_alloc(1, sizeof *m);
    ck_assert_ptr_nonnull(m);
    m->caps = *caps;
    size_t word = (size_t)caps->pe * caps->simd / 8, beat = caps->axi_bits / 8;
    m->c = et_alloc((size_t)caps->c_depth * caps->pe, sizeof *m->c);
    m->t = et_alloc((size_t)caps->t_depth * caps->pe, sizeof *m->t);
    m->w = et_alloc(caps->w_depth, word);
    m->a = et_alloc(caps->a_depth, beat);
    m->o = et_alloc(caps->o_depth, beat);
    m->w_damage = et_alloc(caps->w_depth, word / beat);
    m->a_damage = et_alloc(caps->a_depth, 1);
    ck_assert(m->c && m->t && m->w && m->a && m->o && m->w_damage && m->a_damage);
    return m;
}

static void close_model(struct et__model *m)
{
    et_free(m->c);
    et_free(m->t);
    et_free(m->w);
    et_free(m->a);
    et_free(m->o);
    et_free(m->w_damage);
    et_free(m->a_damage);
    et_free(m);
}

static void execute(struct et__model *m, const struct et_bnn_program *program)
{
    for (size_t i = 0; i < program->n; i++) {
        struct et_bnn_descriptor d = program->descriptor[i];
        et__bnn_descriptor_seal(&d);
        uint32_t error = et__model_check(m, &d);
        uint32_t opcode = et__bnn_get(&d, ET__BNN_ANY_OPCODE);
        if (!error && opcode == ET__BNN_OP_LOAD) error = et__model_load(m, &d);
        if (!error && opcode == ET__BNN_OP_COMPUTE) error = et__model_compute(m, &d);
        if (!error && opcode == ET__BNN_OP_STORE) error = et__model_store(m, &d);
        ck_assert_msg(error == 0, "descriptor %zu: error %x", i, error);
    }
}

/* -------------------------------------------------------------------------------------- cases --
 */

struct run {
    struct et_bnn_layer layer;
    struct et_bnn_caps caps;
    size_t n;
    struct et_bnn_sizes sizes;
    struct et_bnn_addresses at;
    struct et_bnn_program program;
};

static size_t whole(size_t bytes)
{
    return (bytes + 4095) / 4096 * 4096;
}

static enum et_status compile(struct run *run)
{
    run->sizes = et_bnn_layout_sizes(&run->layer, &run->caps, run->n);
    run->at.x = base;
    run->at.w = run->at.x + whole(run->sizes.x);
    run->at.t = run->at.w + whole(run->sizes.w);
    run->at.y = run->at.t + whole(run->sizes.t);
    return et_bnn_compile(&run->layer, &run->caps, &run->at, run->n, &run->program);
}

/* A random case that compiles.  Tiny devices may refuse a layer: *refused counts that. */
static struct run roll_run(struct dice *dice, size_t *refused)
{
    for (;;) {
        struct run run = {.layer = roll_layer(dice), .caps = some_caps[roll(dice, N_CAPS)]};
        run.n = 1 + roll(dice, 3);
        enum et_status status = compile(&run);
        if (status == ET_OK) return run;
        ck_assert_msg(status == ET_UNSUPPORTED, "%s", et_error_message());
        ck_assert_uint_lt(run.caps.w_depth, 2048);
        et_error_clear();
        ++*refused;
    }
}

static void compute_case(const struct run *run, struct dice *dice)
{
    const struct et_bnn_layer *l = &run->layer;
    struct layer_values v = roll_values(dice, l);
    size_t pixels = run->n * l->h * l->w, words = run->n * et_bnn_in_words(l);
    size_t outputs = run->n * et_bnn_out_size(l), size = l->output == ET_BNN_CODES ? 8 : 4;
    int16_t *a = et_alloc(pixels * l->c_in, sizeof *a);
    uint64_t *x = et_alloc(words, sizeof *x);
    unsigned char *want = et_alloc(outputs, size), *got = et_alloc(outputs, size);
    size_t bytes = (size_t)(run->at.y - base) + run->sizes.y;
    unsigned char *memory = et_alloc(bytes, 1);
    ck_assert(a && x && want && got && memory);
    for (size_t i = 0; i < pixels * l->c_in; i++)
        a[i] = (int16_t)roll_value(dice, a_encoding(l), l->a_bits);
    et_bnn_pack(a, pixels, l->c_in, l->a_bits, a_encoding(l), x);
    et__binary_reference(l, run->n, a, v.weight, v.threshold, v.flip, want);

    et_bnn_layout_in(l, &run->caps, run->n, x, memory);
    et_bnn_layout_weights(l, &run->caps, v.weight, memory + (run->at.w - base));
    et_bnn_layout_thresholds(l, &run->caps, v.threshold, v.flip, memory + (run->at.t - base));
    struct et__model *model = open_model(&run->caps);
    model->block[0] = (struct et__model_block){memory, base, bytes};
    model->n_blocks = 1;
    execute(model, &run->program);
    et_bnn_layout_out(l, &run->caps, run->n, memory + (run->at.y - base), got);
    ck_assert_int_eq(memcmp(got, want, outputs * size), 0);
    close_model(model);
    et_free(memory);
    et_free(got);
    et_free(want);
    et_free(x);
    et_free(a);
    layer_values_free(&v);
}

START_TEST(programs_compute_what_the_reference_does)
{
    size_t refused = 0;
    for (uint64_t seed = 0; seed < CASES; seed++) {
        struct dice dice = {seed, 0};
        struct run run = roll_run(&dice, &refused);
        compute_case(&run, &dice);
        et_bnn_program_destroy(&run.program);
    }
    ck_assert_uint_lt(refused, CASES);
}
END_TEST

/* Cases that random layers seldom meet. */
START_TEST(corners_compute_what_the_reference_does)
{
    struct et_bnn_layer wide = et_bnn_dense(32, 129), deep = et_bnn_dense(20000, 40);
    /* The last tile of outputs is longer than what is left of a row of codes. */
    wide.output = ET_BNN_CODES;
    wide.out_bits = 3;
    /* A block of weights is longer than a row of a LOAD can be. */
    deep.mode = ET_BNN_AND;
    deep.w_signed = true;
    deep.stored_bits = 8;
    const struct run corners[] = {{.layer = wide, .caps = some_caps[5], .n = 7},
                                  {.layer = deep, .caps = some_caps[0], .n = 2}};
    for (size_t i = 0; i < sizeof corners / sizeof *corners; i++) {
        struct dice dice = {i, 0};
        struct run run = corners[i];
        ck_assert_int_eq(compile(&run), ET_OK);
        compute_case(&run, &dice);
        ck_assert_ptr_null(program_order_fault(&run.program, &run.caps));
        et_bnn_program_destroy(&run.program);
    }
}
END_TEST

static void assert_no_fault(const char *fault, uint64_t seed)
{
    ck_assert_msg(fault == NULL, "seed %zu: %s", (size_t)seed, fault);
}

START_TEST(programs_keep_their_order_and_end)
{
    size_t refused = 0;
    for (uint64_t seed = CASES; seed < 2 * CASES; seed++) {
        struct dice dice = {seed, 0};
        struct run run = roll_run(&dice, &refused);
        assert_no_fault(program_order_fault(&run.program, &run.caps), seed);
        for (unsigned order = 0; order < 6; order++)
            assert_no_fault(program_end_fault(&run.program, order), seed);
        et_bnn_program_destroy(&run.program);
    }
}
END_TEST

/* Descriptor i without the token that it waits for, nor the push that it belongs to. */
static void drop_token(struct et_bnn_program *program, size_t i)
{
    struct et_bnn_descriptor *d = program->descriptor;
    size_t pops = 0;
    for (size_t k = 0; k < i; k++)
        pops += et__bnn_get(&d[k], ET__BNN_ANY_OPCODE) == ET__BNN_OP_COMPUTE &&
                et__bnn_get(&d[k], ET__BNN_ANY_POP_PREV);
    et__bnn_set(&d[i], ET__BNN_ANY_POP_PREV, 0);
    for (size_t k = 0;; k++) {
        if (et__bnn_get(&d[k], ET__BNN_ANY_OPCODE) != ET__BNN_OP_LOAD) continue;
        if (!et__bnn_get(&d[k], ET__BNN_ANY_PUSH_NEXT) || pops-- > 0) continue;
        et__bnn_set(&d[k], ET__BNN_ANY_PUSH_NEXT, 0);
        return;
    }
}

START_TEST(a_missing_token_is_noticed)
{
    struct run run = {.layer = et_bnn_dense(300, 100), .caps = some_caps[1], .n = 40};
    ck_assert_int_eq(compile(&run), ET_OK);
    size_t n = run.program.n, dropped = 0;
    for (size_t i = 0; i < n; i++) {
        const struct et_bnn_descriptor *d = &run.program.descriptor[i];
        if (et__bnn_get(d, ET__BNN_ANY_OPCODE) != ET__BNN_OP_COMPUTE) continue;
        if (!et__bnn_get(d, ET__BNN_ANY_POP_PREV)) continue;
        drop_token(&run.program, i);
        ck_assert_ptr_nonnull(program_order_fault(&run.program, &run.caps));
        et_bnn_program_destroy(&run.program);
        ck_assert_int_eq(compile(&run), ET_OK);
        dropped++;
    }
    ck_assert_uint_gt(dropped, 10);
    et_bnn_program_destroy(&run.program);
}
END_TEST

START_TEST(a_deadlock_is_noticed)
{
    struct run run = {.layer = et_bnn_dense(300, 100), .caps = some_caps[1], .n = 40};
    ck_assert_int_eq(compile(&run), ET_OK);
    struct et_bnn_descriptor *d = run.program.descriptor;
    for (size_t i = 0; i < run.program.n; i++)
        if (et__bnn_get(&d[i], ET__BNN_ANY_OPCODE) == ET__BNN_OP_STORE)
            et__bnn_set(&d[i], ET__BNN_ANY_PUSH_PREV, 0);
    ck_assert_ptr_nonnull(program_end_fault(&run.program, 0));
    ck_assert_ptr_nonnull(program_order_fault(&run.program, &run.caps));
    et_bnn_program_destroy(&run.program);
}
END_TEST

/* --------------------------------------------------------------------------------------- time --
 */

static struct et_bnn_layer convolution(size_t side, size_t k, size_t c_in, size_t c_out)
{
    struct et_bnn_layer l = et_bnn_dense(c_in, c_out);
    l.output = ET_BNN_CODES;
    l.h = l.w = side;
    l.k_h = l.k_w = k;
    l.pad_top = l.pad_bottom = l.pad_left = l.pad_right = k / 2;
    return l;
}

static double utilisation(struct et_bnn_layer layer, size_t n)
{
    struct run run = {.layer = layer, .caps = some_caps[0], .n = n};
    ck_assert_int_eq(compile(&run), ET_OK);
    struct program_time time = program_time(&run.program, &run.caps);
    assert_no_fault(program_order_fault(&run.program, &run.caps), 0);
    printf(
        "%4zu x %4zu x %2zu x %2zu -> %4zu, %zu+%zu bits, output %d, n = %4zu: %5zu descriptors, "
        "%9.0f cycles, %5.2f %% (load %.0f, store %.0f)\n",
        layer.h, layer.c_in, layer.k_h, layer.k_w, layer.c_out, (size_t)layer.a_bits,
        (size_t)layer.w_bits, (int)layer.output, n, run.program.n, time.cycles,
        100 * time.steps / time.cycles, time.load_beats, time.store_beats);
    et_bnn_program_destroy(&run.program);
    return time.steps / time.cycles;
}

START_TEST(programs_hide_their_copies)
{
    struct et_bnn_layer dense = et_bnn_dense(1024, 1024);
    dense.output = ET_BNN_RAW16;
    ck_assert_double_ge(utilisation(dense, 64), 0.95);
    dense.output = ET_BNN_RAW32;
    ck_assert_double_ge(utilisation(dense, 64), 0.95);
    dense.output = ET_BNN_CODES;
    ck_assert_double_ge(utilisation(dense, 64), 0.95);
    ck_assert_double_ge(utilisation(dense, 256), 0.95);
    ck_assert_double_ge(utilisation(dense, 1000), 0.95);
    ck_assert_double_ge(utilisation(convolution(16, 3, 256, 256), 1), 0.95);
    ck_assert_double_ge(utilisation(convolution(16, 3, 256, 256), 4), 0.95);
    ck_assert_double_ge(utilisation(convolution(32, 3, 128, 128), 1), 0.95);
    utilisation(convolution(32, 3, 3, 64), 1);
    utilisation(convolution(8, 3, 512, 512), 1);
    ck_assert_double_ge(utilisation(convolution(8, 1, 512, 512), 4), 0.95);
    utilisation(dense, 1);
    dense.output = ET_BNN_RAW16;
    utilisation(dense, 1);
    utilisation(et_bnn_dense(784, 512), 128);
    utilisation(et_bnn_dense(4096, 4096), 64);
}
END_TEST

/* ------------------------------------------------------------------------------------- errors --
 */

static void refused(struct et_bnn_layer layer, struct et_bnn_caps caps, const char *text)
{
    struct run run = {.layer = layer, .caps = caps, .n = 1};
    ck_assert_int_eq(compile(&run), ET_UNSUPPORTED);
    ck_assert_ptr_null(run.program.descriptor);
    ck_assert_msg(strstr(et_error_message(), text) != NULL, "%s", et_error_message());
}

START_TEST(what_does_not_fit_is_named)
{
    struct et_bnn_caps caps = some_caps[0];
    struct et_bnn_layer l = convolution(16, 15, 64, 64);
    l.out_bits = 8;
    l.a_bits = l.w_bits = l.stored_bits = 4;
    caps.w_depth = 100;
    refused(l, caps, "needs 120 words of weights, but the device has 100 (w_depth)");
    caps.w_depth = 2048;
    caps.t_depth = 255;
    refused(l, caps, "needs 256 words of thresholds, but the device has 255 (t_depth)");
    caps.t_depth = 256;
    caps.a_depth = 400;
    refused(l, caps, "beats of activations, but the device has 400 (a_depth)");
    caps.a_depth = 4096;
    caps.o_depth = 7;
    refused(l, caps, "needs 8 beats of outputs, but the device has 7 (o_depth)");
}
END_TEST

START_TEST(nothing_is_a_program)
{
    struct run run = {.layer = et_bnn_dense(8, 8), .caps = some_caps[0], .n = 0};
    ck_assert_int_eq(compile(&run), ET_OK);
    ck_assert_uint_eq(run.program.n, 0);
    et_bnn_program_destroy(&run.program);
    run.layer.a_bits = 9;
    ck_assert_int_eq(compile(&run), ET_INVALID);
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    struct run run = {.layer = convolution(9, 3, 100, 70), .caps = some_caps[1], .n = 2};
    size_t n = 1;
    for (;; n++) {
        et_alloc_fail_at(n);
        if (compile(&run) == ET_OK) break;
        ck_assert_int_eq(et_error_status(), ET_NOMEM);
        ck_assert_ptr_null(run.program.descriptor);
    }
    et_alloc_fail_at(0);
    ck_assert_uint_gt(n, 4);
    et_bnn_program_destroy(&run.program);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        programs_compute_what_the_reference_does,
        corners_compute_what_the_reference_does,
        programs_keep_their_order_and_end,
        a_missing_token_is_noticed,
        a_deadlock_is_noticed,
        programs_hide_their_copies,
        what_does_not_fit_is_named,
        nothing_is_a_program,
        every_allocation_may_fail,
    };
    Suite *suite = suite_create("bnn_compile");
    TCase *tcase = tcase_create("bnn_compile");
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return suite_result(suite);
}
