/* SPDX-License-Identifier: Apache-2.0
 *
 * How busy the array of the RTL is on whole layers, all copies included: steps of the array by
 * cycles of the device.  Both are counted by the device, so that nothing here depends on time. */
#include <stdio.h>
#include <string.h>

#include "close.h"
#include "hw/binary.h"
#include "unit/bnn_layers.h"

static const char uri[] = "verilator:config=32x32";

static struct et_accelerator *accelerator;

static void open_device(void)
{
    enum et_status status = et_accelerator_open(uri, NULL, &accelerator);
    ck_assert_msg(status == ET_OK, "%s", et_error_message());
}

static void close_device(void)
{
    et_accelerator_close(accelerator);
}

/* Does this build have the device? */
static bool present(void)
{
    enum et_status status = et_accelerator_open(uri, NULL, &accelerator);
    if (status == ET_OK)
        et_accelerator_close(accelerator);
    else
        printf("%s\n", et_error_message());
    return status != ET_UNSUPPORTED && status != ET_CONFIG;
}

static void *room(size_t n, size_t size)
{
    void *memory = et_alloc(n, size);
    ck_assert_ptr_nonnull(memory);
    return memory;
}

/* Runs random values through the device and through the kernels, which must agree, and returns
 * what the device counted. */
static struct et_bnn_counters run(const struct et_bnn_layer *l, size_t n)
{
    struct dice dice = {l->c_in + n, 0};
    struct layer_values v = roll_values(&dice, l);
    size_t pixels = n * l->h * l->w, outputs = n * et_bnn_out_size(l);
    size_t size = l->output == ET_BNN_CODES ? sizeof(uint64_t) : sizeof(int32_t), id;
    int16_t *a = room(pixels * l->c_in, sizeof *a);
    for (size_t i = 0; i < pixels * l->c_in; i++)
        a[i] = (int16_t)roll_value(&dice, a_encoding(l), l->a_bits);
    uint64_t *x = room(n * et_bnn_in_words(l), sizeof *x);
    et_bnn_pack(a, pixels, l->c_in, l->a_bits, a_encoding(l), x);
    void *y = room(outputs, size), *want = room(outputs, size);

    struct et_bnn_counters before, after;
    struct et__binary_weights weights;
    assert_ok(et_accelerator_load(accelerator, l, v.weight, v.threshold, v.flip, &id));
    assert_ok(et_accelerator_counters(accelerator, &before));
    assert_ok(et_accelerator_run(accelerator, id, n, x, y));
    assert_ok(et_accelerator_counters(accelerator, &after));
    et_accelerator_unload(accelerator, id);
    assert_ok(et__binary_weights_create(&weights, l, v.weight));
    assert_ok(et__binary_forward(l, &weights, v.threshold, v.flip, n, x, want));
    ck_assert_int_eq(memcmp(y, want, outputs * size), 0);
#define X(name) after.name -= before.name;
    ET_BNN_COUNTERS(X)
#undef X
    printf("%3zu x %3zu x %4zu, kernel %zu x %zu, -> %4zu %s, n = %3zu: %7llu cycles, array busy "
           "%6.2f %%, bus %6.2f %%\n",
           l->h, l->w, l->c_in, l->k_h, l->k_w, l->c_out,
           l->output == ET_BNN_CODES   ? "codes"
           : l->output == ET_BNN_RAW16 ? "raw16"
                                       : "raw32",
           n, (unsigned long long)after.busy, 100 * (double)after.steps / (double)after.busy,
           100 * (double)after.rd_beats / (double)after.busy);
    et__binary_weights_destroy(&weights);
    et_free(want);
    et_free(y);
    et_free(x);
    et_free(a);
    layer_values_free(&v);
    return after;
}

static double array_busy(const struct et_bnn_layer *layer, size_t n)
{
    struct et_bnn_counters counted = run(layer, n);
    return (double)counted.steps / (double)counted.busy;
}

START_TEST(a_dense_layer_of_64_vectors)
{
    struct et_bnn_layer l = et_bnn_dense(1024, 1024);
    l.output = (enum et_bnn_output)_i;
    ck_assert_double_ge(array_busy(&l, 64), 0.95);
}
END_TEST

START_TEST(a_convolution)
{
    struct et_bnn_layer l = et_bnn_dense(256, 256);
    l.output = (enum et_bnn_output)_i;
    l.h = l.w = 16;
    l.k_h = l.k_w = 3;
    l.pad_top = l.pad_bottom = l.pad_left = l.pad_right = 1;
    ck_assert_double_ge(array_busy(&l, 1), 0.95);
}
END_TEST

/* One vector uses each weight once: the bus is the limit, not the array. */
START_TEST(a_single_vector_keeps_the_bus_busy)
{
    struct et_bnn_layer l = et_bnn_dense(1024, 1024);
    l.output = (enum et_bnn_output)_i;
    struct et_bnn_counters counted = run(&l, 1);
    ck_assert_double_ge((double)counted.rd_beats / (double)counted.busy, 0.95);
}
END_TEST

int main(void)
{
    if (!present()) return 77;
    Suite *suite = suite_create("utilisation");
    TCase *tcase = tcase_create("utilisation");
    tcase_add_checked_fixture(tcase, open_device, close_device);
    tcase_add_loop_test(tcase, a_dense_layer_of_64_vectors, ET_BNN_CODES, ET_BNN_RAW32 + 1);
    tcase_add_loop_test(tcase, a_convolution, ET_BNN_CODES, ET_BNN_RAW32 + 1);
    tcase_add_loop_test(tcase, a_single_vector_keeps_the_bus_busy, ET_BNN_CODES, ET_BNN_RAW32 + 1);
    suite_add_tcase(suite, tcase);
    return suite_result(suite);
}
