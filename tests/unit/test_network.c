/* SPDX-License-Identifier: Apache-2.0
 *
 * Stages and features: drives by known answers, gradients by differences, label slots, fits that
 * see the training rows alone, devices that are shared. */
#include "close.h"
#include "training/drive.h"
#include "training/run.h"

#include <etalon/rng.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct et_config *parse(const char *text)
{
    struct et_config *config;
    assert_ok(et_config_parse("test", text, NULL, 0, et_experiment_params(), et_experiment_types,
                              &config));
    return config;
}

/* A drive of two activities onto four inputs in [0, 1]. */
static void drive(enum et__drive kind, float gain, const float h[2], float x[4])
{
    float offset[2] = {1, -1}, factor[2] = {0.5F, 0.25F};
    struct et__stage stage = {.drive = kind,
                              .gain = gain,
                              .in_min = 0,
                              .in_max = 1,
                              .n_h = 2,
                              .n_in = 4,
                              .drive_fit = {offset, factor, 2, -INFINITY, INFINITY}};
    float input[2] = {h[0], h[1]};
    et__drive(&stage, et_view_of(input, 1, 2), et_view_of(x, 1, 4));
}

START_TEST(drives_by_known_answers)
{
    float x[4];
    drive(ET__DRIVE_NONE, 2, (const float[]){0.25F, -3}, x);
    assert_close(x, (const float[]){0.5F, 0, 0, 0}, 4, 0, 1e-6);
    drive(ET__DRIVE_UNIT_NORM, 1, (const float[]){3, -4}, x);
    assert_close(x, (const float[]){0.6F, 0.8F, 0, 0}, 4, 0, 1e-5);
    drive(ET__DRIVE_UNIT_NORM, 1, (const float[]){0, 0}, x);
    assert_close(x, (const float[]){0, 0, 0, 0}, 4, 0, 0);
    drive(ET__DRIVE_UNIT_NORM, 3, (const float[]){3, -4}, x); /* clipped */
    assert_close(x, (const float[]){1, 1, 0, 0}, 4, 0, 0);
    drive(ET__DRIVE_TILE, 1, (const float[]){2, 0}, x); /* m = 0.5, 0.25 */
    assert_close(x, (const float[]){0.5F, 0.25F, 0.5F, 0.75F}, 4, 0, 1e-6);
    drive(ET__DRIVE_AFFINE, 1, (const float[]){3, 3}, x); /* z = 1, 1 */
    assert_close(x, (const float[]){0.75F, 0.75F, 0, 0}, 4, 0, 1e-6);
}
END_TEST

static const char *const activations[] = {"none", "relu", "tanh"};

/* L = sum of h: dL/dW against differences, through each activation. */
START_TEST(readout_gradient_agrees)
{
    enum { ROWS = 5, IN = 4, OUT = 3 };
    char text[256];
    float input[ROWS * IN], d[ROWS * OUT], h[ROWS * OUT];
    snprintf(text, sizeof text,
             "{experiment: t, dataset: rings, layers: [{width: 3, activation: %s}],"
             " method: {type: forward-forward, objective: local-ce}}",
             activations[_i]);
    struct et_config *config = parse(text);
    struct et__network network;
    assert_ok(et__network_open(&network, config, IN, ROWS, 1));
    et__network_reset(&network, 3);
    et_rng_fill_normal(1, ET_STREAM_USER, 0, 0, input, ROWS * IN);
    struct et_view t = et_view_of(input, ROWS, IN), out = et_view_of(h, ROWS, OUT);
    et__stage_readout(&network, 0, t, out);
    for (size_t k = 0; k < ROWS * OUT; k++)
        d[k] = 1;
    et__stage_gradient(&network, 0, t, out, et_view_of(d, ROWS, OUT), false);
    struct et_tensor *weight = &network.stage[0].weight;
    for (size_t k = 0; k < OUT * IN; k++) {
        double sum[2] = {0, 0};
        float at = weight->value[k];
        for (int side = 0; side < 2; side++) {
            weight->value[k] = side ? at + 1e-3F : at - 1e-3F;
            et__stage_readout(&network, 0, t, out);
            for (size_t j = 0; j < ROWS * OUT; j++)
                sum[side] += (double)h[j];
        }
        weight->value[k] = at;
        assert_near((double)weight->gradient[k], (sum[1] - sum[0]) / 2e-3, 3e-3);
    }
    et__network_close(&network);
    et_config_close(config);
}
END_TEST

static const char experiment[] =
    "experiment: t\n"
    "dataset: {type: rings, n: 50}\n"
    "features: {scale: minmax, nonnegative: true, label: prepend, slots: 3}\n"
    "layers:\n"
    "  - {system: {type: random, n_in: 5, n_out: 4}, drive: {map: unit-norm}, width: 5}\n"
    "  - {system: {type: random, n_in: 5, n_out: 4}, drive: {map: unit-norm}, width: 5}\n"
    "  - {system: {type: random, n_in: 5, n_out: 4}, device: 1, width: 5}\n"
    "method: {type: forward-forward, objective: phyll, epochs: 1}\n";

START_TEST(equal_systems_are_one_device)
{
    struct et_config *config = parse(experiment);
    struct et__setup setup;
    assert_ok(et__setup_open(&setup, config));
    ck_assert_uint_eq(setup.network.n_devices, 2);
    ck_assert_ptr_eq(setup.network.stage[0].system, setup.network.stage[1].system);
    ck_assert_ptr_ne(setup.network.stage[0].system, setup.network.stage[2].system);
    assert_ok(et__setup_substitute(&setup, "zeros"));
    ck_assert_str_eq(et_system_name(setup.network.stage[0].system), "zeros");
    assert_ok(et__setup_substitute(&setup, NULL));
    ck_assert_str_eq(et_system_name(setup.network.stage[0].system), "random");
    et__setup_close(&setup);
    et_config_close(config);
}
END_TEST

/* The features of the training rows, and all fits, do not change when test rows do. */
START_TEST(fits_see_training_rows_alone)
{
    struct et_config *config = parse(experiment);
    struct et__setup setup;
    struct et_trainer trainer;
    assert_ok(et__setup_open(&setup, config));
    assert_ok(et__setup_begin_seed(&setup, 0, &trainer));
    float shift = setup.features.shift, label_value = setup.features.label_value;
    float offset = setup.features.scaler.offset[0], factor = setup.features.scaler.factor[0];
    et__setup_end_seed(&setup, &trainer);
    assert_ok(et__setup_begin_seed(&setup, 0, &trainer));
    for (size_t i = 0; i < setup.split.n_test; i++)
        setup.dataset.x.data[setup.split.test[i] * setup.dataset.x.cols] = 1e6F;
    et__setup_end_seed(&setup, &trainer);
    assert_ok(et__setup_begin_seed(&setup, 0, &trainer));
    ck_assert(setup.features.shift == shift && setup.features.label_value == label_value);
    ck_assert(setup.features.scaler.offset[0] == offset);
    ck_assert(setup.features.scaler.factor[0] == factor);
    et__setup_end_seed(&setup, &trainer);
    et__setup_close(&setup);
    et_config_close(config);
}
END_TEST

START_TEST(labels_go_into_their_slots)
{
    float x[6] = {1, 2, 3, 4, 5, 6}, h[10];
    struct et_dataset dataset = {.x = {x, 2, 3}, .n_classes = 2};
    struct et__features features = {.dataset = &dataset,
                                    .x = et_view_of(x, 2, 3),
                                    .place = ET__LABEL_PREPEND,
                                    .slots = 2,
                                    .n_classes = 2,
                                    .width = 5,
                                    .label_value = 9};
    size_t row[2] = {1, 0};
    int32_t label[2] = {1, ET__LABEL_NEUTRAL};
    et__features_fill(&features, row, label, 2, et_view_of(h, 2, 5));
    assert_close(h, (const float[]){0, 9, 4, 5, 6, 4.5F, 4.5F, 1, 2, 3}, 10, 0, 0);
    features.place = ET__LABEL_REPLACE;
    et__features_fill(&features, row, label, 2, et_view_of(h, 2, 3));
    assert_close(h, (const float[]){0, 9, 6, 4.5F, 4.5F, 3}, 6, 0, 0);
    features.place = ET__LABEL_NONE;
    et__features_fill(&features, row, label, 1, et_view_of(h, 1, 3));
    assert_close(h, (const float[]){4, 5, 6}, 3, 0, 0);
}
END_TEST

/* A shaken image is the image moved by one of nine steps, edge pixels repeated, in front of it the
 * label as it was. */
START_TEST(shaken_images_move)
{
    enum { NX = 3, NY = 2, PIXELS = NX * NY, LEAD = 2 };
    float x[PIXELS] = {1, 2, 3, 4, 5, 6}, h[LEAD + PIXELS] = {8, 9};
    struct et_dataset dataset = {.x = {x, 1, PIXELS}, .n_classes = 2};
    struct et__features features = {.dataset = &dataset,
                                    .x = et_view_of(x, 1, PIXELS),
                                    .place = ET__LABEL_PREPEND,
                                    .slots = LEAD,
                                    .shake = 1,
                                    .image_width = NX};
    bool seen[9] = {false};
    size_t row[1] = {0}, n_seen = 0;
    for (uint32_t epoch = 0; epoch < 200; epoch++) {
        et__features_shake(&features, 5, epoch, row, 1, et_view_of(h, 1, LEAD + PIXELS));
        size_t matches = 0;
        for (int step = 0; step < 9; step++) {
            int dy = step / 3 - 1, dx = step % 3 - 1, equal = 0;
            for (int k = 0; k < PIXELS; k++) {
                int iy = k / NX + dy, ix = k % NX + dx;
                iy = iy < 0 ? 0 : iy >= NY ? NY - 1 : iy;
                ix = ix < 0 ? 0 : ix >= NX ? NX - 1 : ix;
                equal += h[LEAD + k] == x[iy * NX + ix];
            }
            if (equal != PIXELS) continue;
            matches++;
            n_seen += !seen[step];
            seen[step] = true;
        }
        ck_assert_uint_eq(matches, 1);
    }
    ck_assert_uint_eq(n_seen, 9);
    ck_assert(h[0] == 8 && h[1] == 9);
}
END_TEST

START_TEST(dropout_keeps_the_mean)
{
    enum { ROWS = 200, COLS = 203 };
    static float t[ROWS * COLS], again[ROWS * COLS];
    size_t row[ROWS];
    struct et__stage stage = {.dropout = 0.25F};
    for (size_t r = 0; r < ROWS; r++)
        row[r] = r;
    for (size_t k = 0; k < ROWS * COLS; k++)
        t[k] = again[k] = 1;
    et__stage_dropout(&stage, et_view_of(t, ROWS, COLS), 7, 3, row);
    double sum = 0, zeros = 0;
    for (size_t k = 0; k < ROWS * COLS; k++) {
        sum += (double)t[k];
        zeros += t[k] == 0;
    }
    assert_near(sum / (ROWS * COLS), 1, 0.02);
    assert_near(zeros / (ROWS * COLS), 0.25, 0.01);
    /* A function of the row's identity, not of its place in the batch. */
    et__stage_dropout(&stage, et_view_of(again, 1, COLS), 7, 3, row + 5);
    ck_assert_mem_eq(again, t + 5 * COLS, COLS * sizeof(float));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("network");
    TCase *tests = tcase_create("network");
    tcase_add_test(tests, drives_by_known_answers);
    tcase_add_loop_test(tests, readout_gradient_agrees, 0, 3);
    tcase_add_test(tests, equal_systems_are_one_device);
    tcase_add_test(tests, fits_see_training_rows_alone);
    tcase_add_test(tests, labels_go_into_their_slots);
    tcase_add_test(tests, shaken_images_move);
    tcase_add_test(tests, dropout_keeps_the_mean);
    suite_add_tcase(suite, tests);
    return suite_result(suite);
}
