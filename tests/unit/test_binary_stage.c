/* SPDX-License-Identifier: Apache-2.0
 *
 * Binary stages: inputs as bits, weights from latent ones, the local rule against its formulas
 * written out in double precision and against differences, thresholds against the formula,
 * periodic binarisation against closed forms. */
#include "close.h"
#include "training/binary_stage.h"

#include <etalon/accelerator.h>
#include <etalon/experiment.h>
#include <etalon/rng.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A network of one binary layer of `in` inputs and `out` outputs. */
struct rig {
    struct et_config *config;
    struct et__network network;
    struct et__stage *stage;
};

static void rig_open(struct rig *rig, size_t in, size_t out, size_t rows, const char *binary)
{
    char text[512];
    snprintf(text, sizeof text,
             "{experiment: t, dataset: digits,"
             " layers: [{system: {type: linear, n_in: %zu, n_out: %zu, tunable: true},"
             " binary: {%s}}],"
             " method: {type: forward-forward, objective: local-ce}}",
             in, out, binary);
    assert_ok(et_config_parse("test", text, NULL, 0, et_experiment_params(), et_experiment_types,
                              &rig->config));
    assert_ok(et__network_open(&rig->network, rig->config, in, rows, 1));
    et__network_reset(&rig->network, 3);
    rig->stage = &rig->network.stage[0];
}

static void rig_close(struct rig *rig)
{
    et__network_close(&rig->network);
    et_config_close(rig->config);
}

static void measure(struct rig *rig, struct et_view h)
{
    struct et_step step = {.seed = 1};
    assert_ok(et__stage_measure(&rig->network, 0, &step, h));
}

START_TEST(inputs_are_bits)
{
    struct rig rig;
    rig_open(&rig, 8, 1, 1, "rule: ste, in_bits: 2");
    /* The top two bits of a byte; beyond the ends the ends. */
    float h[8] = {0, 63 / 255.0F, 64 / 255.0F, 127 / 255.0F, 128 / 255.0F, 192 / 255.0F, 1, -5};
    measure(&rig, et_view_of(h, 1, 8));
    assert_close(rig.stage->x.data, (const float[]){-3, -3, -1, -1, 1, 3, 3, -3}, 8, 0, 0);
    rig_close(&rig);
    rig_open(&rig, 4, 1, 1, "rule: ste");
    float bits[4] = {-1, 1, 0, 1.4142135F}; /* both forms of activities */
    measure(&rig, et_view_of(bits, 1, 4));
    assert_close(rig.stage->x.data, (const float[]){-1, 1, -1, 1}, 4, 0, 0);
    rig_close(&rig);
}
END_TEST

/* Weights are signs, sign(0) = +1, and reach the device once per change. */
START_TEST(weights_reach_the_device)
{
    struct rig rig;
    float knobs[4];
    rig_open(&rig, 2, 2, 1, "rule: ste");
    memcpy(rig.stage->weight.value, (const float[]){0.5F, -0.1F, 0, -1}, 4 * sizeof(float));
    et__network_touch(&rig.network, NULL);
    float h[2] = {1, 1};
    measure(&rig, et_view_of(h, 1, 2));
    assert_ok(et_system_get_knobs(rig.stage->system, knobs, 4));
    assert_close(knobs, (const float[]){1, -1, 1, -1}, 4, 0, 0);
    assert_close(rig.stage->a.data, (const float[]){0, 0}, 2, 0, 0);
    rig.stage->weight.value[1] = 1; /* not announced: the device keeps what it has */
    measure(&rig, et_view_of(h, 1, 2));
    assert_close(rig.stage->a.data, (const float[]){0, 0}, 2, 0, 0);
    et__network_touch(&rig.network, rig.stage);
    measure(&rig, et_view_of(h, 1, 2));
    assert_close(rig.stage->a.data, (const float[]){2, 0}, 2, 0, 0);
    rig_close(&rig);
}
END_TEST

enum { ROWS = 9, IN = 5, OUT = 3 };

static const char *const rules[] = {"rule: ste", "rule: biper, w0: 7, soft: 0"};

/* Fills inputs of +-1, biases, and d = dL/dh. */
static void fill(struct rig *rig, float *h, float *d)
{
    et_rng_fill_normal(1, ET_STREAM_USER, 0, 0, h, ROWS * IN);
    for (size_t k = 0; k < (size_t)ROWS * IN; k++)
        h[k] = h[k] >= 0 ? 1.0F : -1.0F;
    et_rng_fill_normal(1, ET_STREAM_USER, 1, 0, d, ROWS * OUT);
    et_rng_fill_normal(1, ET_STREAM_USER, 2, 0, rig->stage->bias.value, OUT);
    et_rng_fill_normal(1, ET_STREAM_USER, 3, 0, rig->stage->weight.value, OUT * IN);
    et__network_touch(&rig->network, NULL);
}

/* The update of one unit by its formulas: dlatent [IN] and dbias. */
static void by_hand(const struct rig *rig, const float *h, const float *d, size_t unit,
                    double *dlatent, double *dbias)
{
    bool biper = rig->stage->bits.rule == ET__BITS_BIPER;
    const float *latent = rig->stage->weight.value + unit * IN;
    double w0 = (double)rig->stage->bits.w0, a[ROWS], n[ROWS], dz[ROWS];
    double mean = 0, variance = 0, sum = 0, along = 0;
    for (size_t r = 0; r < ROWS; r++) {
        a[r] = 0;
        for (size_t k = 0; k < IN; k++) {
            double sign = biper ? sin(w0 * (double)latent[k]) : (double)latent[k];
            a[r] += (sign >= 0 ? 1 : -1) * (double)h[r * IN + k];
        }
        mean += a[r] / ROWS;
    }
    for (size_t r = 0; r < ROWS; r++)
        variance += (a[r] - mean) * (a[r] - mean) / ROWS;
    double sd = sqrt(variance + 1);
    for (size_t r = 0; r < ROWS; r++) {
        n[r] = (a[r] - mean) / sd;
        double size = fabs(n[r] + (double)rig->stage->bias.value[unit]);
        double slope = biper ? fmax(0, 2 - 2 * size) : size <= 1;
        dz[r] = slope * (double)d[r * OUT + unit];
        sum += dz[r];
        along += dz[r] * n[r];
    }
    *dbias = sum;
    for (size_t k = 0; k < IN; k++) {
        dlatent[k] = 0;
        for (size_t r = 0; r < ROWS; r++)
            dlatent[k] += (dz[r] - sum / ROWS - n[r] * along / ROWS) / sd * (double)h[r * IN + k];
        if (biper) dlatent[k] *= w0 * cos(w0 * (double)latent[k]);
    }
}

START_TEST(gradient_is_the_formula)
{
    struct rig rig;
    float h[ROWS * IN], d[ROWS * OUT], kept[ROWS * OUT], out[ROWS * OUT];
    rig_open(&rig, IN, OUT, ROWS, rules[_i]);
    fill(&rig, h, d);
    memcpy(kept, d, sizeof d);
    measure(&rig, et_view_of(h, ROWS, IN));
    et__bits_activate(rig.stage, et_view_of(out, ROWS, OUT));
    et__bits_gradient(&rig.network, 0, et_view_of(d, ROWS, OUT));
    double largest = 0;
    for (size_t j = 0; j < OUT; j++) {
        double dlatent[IN], dbias;
        by_hand(&rig, h, kept, j, dlatent, &dbias);
        assert_near((double)rig.stage->bias.gradient[j], dbias, 1e-5);
        for (size_t k = 0; k < IN; k++) {
            assert_near((double)rig.stage->weight.gradient[j * IN + k], dlatent[k], 2e-5);
            largest = fmax(largest, fabs(dlatent[k]));
        }
    }
    ck_assert(largest > 0.1); /* there was something to compare */
    rig_close(&rig);
}
END_TEST

/* With real-valued weights the role `classes` is smooth: differences of the loss. */
START_TEST(soft_gradient_agrees_with_differences)
{
    struct rig rig;
    float h[ROWS * IN], d[ROWS * OUT], out[ROWS * OUT];
    int32_t label[ROWS];
    rig_open(&rig, IN, OUT, ROWS, "rule: biper, w0: 3, role: classes, scale: 0.3");
    rig.stage->bits.soft = true;
    fill(&rig, h, d);
    for (size_t r = 0; r < ROWS; r++)
        label[r] = (int32_t)(r % OUT);
    struct et_view x = et_view_of(h, ROWS, IN), z = et_view_of(out, ROWS, OUT);
    struct et_view dz = et_view_of(d, ROWS, OUT);
    measure(&rig, x);
    et__bits_activate(rig.stage, z);
    et__bits_loss(z, label, dz);
    et__bits_gradient(&rig.network, 0, dz);
    struct et_tensor *tensors[] = {&rig.stage->weight, &rig.stage->bias};
    for (size_t t = 0; t < 2; t++)
        for (size_t k = 0; k < tensors[t]->rows * tensors[t]->cols; k++) {
            float at = tensors[t]->value[k];
            double loss[2];
            for (int side = 0; side < 2; side++) {
                tensors[t]->value[k] = side ? at + 2e-3F : at - 2e-3F;
                measure(&rig, x);
                et__bits_activate(rig.stage, z);
                loss[side] = et__bits_loss(z, label, dz);
            }
            tensors[t]->value[k] = at;
            assert_near((double)tensors[t]->gradient[k], (loss[1] - loss[0]) / 4e-3, 2e-4);
        }
    ck_assert_uint_eq(rig.network.ledger.passes, 0); /* the device was not asked */
    rig_close(&rig);
}
END_TEST

/* For every accumulator that can be, the folded threshold gives the bit of the formula. */
START_TEST(thresholds_are_the_formula)
{
    enum { N = 64, WIDE = 127, VALUES = WIDE + 1 };
    struct rig rig;
    static float out[VALUES * N];
    rig_open(&rig, WIDE, N, VALUES, "rule: ste");
    struct et__bits *bits = &rig.stage->bits;
    et_rng_fill_normal(5, ET_STREAM_USER, 0, 0, bits->mean.value, N);
    et_rng_fill_uniform(5, ET_STREAM_USER, 1, 0, 0, 300, bits->variance.value, N);
    et_rng_fill_normal(5, ET_STREAM_USER, 2, 0, rig.stage->bias.value, N);
    for (size_t j = 0; j < N; j++) {
        bits->mean.value[j] *= 20;
        /* Ties: z is 0 at an integer. */
        if (j % 4 == 0) bits->mean.value[j] = rintf(bits->mean.value[j]);
        if (j % 4 == 0) rig.stage->bias.value[j] = 0;
        for (size_t v = 0; v < VALUES; v++)
            rig.stage->a.data[v * N + j] = 2 * (float)v - WIDE; /* odd, as 127 inputs give */
    }
    assert_ok(et__network_fold(&rig.network));
    et__bits_infer(rig.stage, et_view_of(out, VALUES, N));
    size_t differ = 0, ones = 0;
    for (size_t k = 0; k < (size_t)VALUES * N; k++) {
        size_t j = k % N;
        double z = ((double)rig.stage->a.data[k] - (double)bits->mean.value[j]) /
                       sqrt((double)bits->variance.value[j] + 1) +
                   (double)rig.stage->bias.value[j];
        differ += (z >= 0) != (out[k] > 0);
        ones += out[k] > 0;
    }
    ck_assert_uint_eq(differ, 0);
    ck_assert(ones > VALUES * N / 4 && ones < VALUES * N * 3 / 4);
    rig_close(&rig);
}
END_TEST

/* A trained layer entirely on the accelerator: weights and folded thresholds in, codes out.  They
 * are the bits that inference gives from raw accumulators. */
static void compare_codes(struct rig *rig, const char *device, size_t rows, const float *bits,
                          const float *x)
{
    size_t n_in = rig->stage->n_in, n_out = rig->stage->n_out;
    struct et_bnn_layer layer = et_bnn_dense(n_in, n_out);
    layer.output = ET_BNN_CODES;
    struct et_accelerator *accelerator;
    assert_ok(et_accelerator_open(device, NULL, &accelerator));
    int8_t *weight = et_alloc(n_in * n_out, 1);
    uint64_t *in = et_alloc(rows * et_bnn_in_words(&layer), sizeof *in);
    uint64_t *out = et_alloc(rows * et_bnn_out_size(&layer), sizeof *out);
    int16_t *value = et_alloc(rows * n_out, sizeof *value);
    ck_assert(weight && in && out && value);
    for (size_t k = 0; k < n_in * n_out; k++)
        weight[k] = rig->stage->weight.value[k] >= 0 ? 1 : -1;
    et_bnn_pack_signs(x, rows, n_in, in);
    size_t id, differ = 0, ones = 0;
    assert_ok(
        et_accelerator_load(accelerator, &layer, weight, rig->stage->bits.threshold, NULL, &id));
    assert_ok(et_accelerator_run(accelerator, id, rows, in, out));
    et_bnn_unpack(out, rows, n_out, 1, ET_BNN_BIPOLAR, value);
    for (size_t k = 0; k < rows * n_out; k++) {
        differ += (float)value[k] != bits[k];
        ones += value[k] > 0;
    }
    ck_assert_msg(differ == 0, "%s: %zu of %zu bits differ", device, differ, rows * n_out);
    ck_assert(ones > rows * n_out / 5 && ones < rows * n_out * 4 / 5);
    et_accelerator_close(accelerator);
    et_free(weight);
    et_free(in);
    et_free(out);
    et_free(value);
}

START_TEST(the_accelerator_gives_the_bits)
{
    enum { N_IN = 150, N_OUT = 70, BATCH = 60 };
    struct rig rig;
    static float x[BATCH * N_IN], bits[BATCH * N_OUT];
    rig_open(&rig, N_IN, N_OUT, BATCH, "rule: ste, memory: 0");
    et_rng_fill_normal(9, ET_STREAM_USER, 0, 0, x, BATCH * N_IN);
    et_rng_fill_normal(9, ET_STREAM_USER, 1, 0, rig.stage->bias.value, N_OUT);
    for (size_t k = 0; k < (size_t)BATCH * N_IN; k++)
        x[k] = x[k] >= 0 ? 1.0F : -1.0F;
    measure(&rig, et_view_of(x, BATCH, N_IN));
    et__bits_activate(rig.stage, et_view_of(bits, BATCH, N_OUT)); /* makes the statistics */
    assert_ok(et__network_fold(&rig.network));
    et__bits_infer(rig.stage, et_view_of(bits, BATCH, N_OUT));
    compare_codes(&rig, "software", BATCH, bits, x);
    compare_codes(&rig, "model:config=8x16", BATCH, bits, x);
    rig_close(&rig);
}
END_TEST

START_TEST(statistics_that_are_not_finite_are_refused)
{
    struct rig rig;
    rig_open(&rig, 3, 2, 1, "rule: ste");
    rig.stage->bits.mean.value[1] = NAN;
    assert_status(et__network_fold(&rig.network), ET_INVALID);
    rig_close(&rig);
}
END_TEST

/* Running statistics approach those of a batch that repeats; then both ways give the same bits. */
START_TEST(running_statistics_follow)
{
    struct rig rig;
    float h[ROWS * IN], d[ROWS * OUT], learning[ROWS * OUT], later[ROWS * OUT];
    rig_open(&rig, IN, OUT, ROWS, "rule: ste, memory: 0.5");
    fill(&rig, h, d);
    for (int k = 0; k < 40; k++) {
        measure(&rig, et_view_of(h, ROWS, IN));
        et__bits_activate(rig.stage, et_view_of(learning, ROWS, OUT));
    }
    assert_ok(et__network_fold(&rig.network));
    et__bits_infer(rig.stage, et_view_of(later, ROWS, OUT));
    assert_close(later, learning, ROWS * OUT, 0, 0);
    rig_close(&rig);
}
END_TEST

START_TEST(classes_are_decided_by_integers)
{
    struct rig rig;
    int32_t predicted[3];
    rig_open(&rig, 6, 3, 3, "rule: ste, role: classes, scale: 0.5");
    /* Biases 0.7, 0, -0.2 are 1.4, 0, -0.4 accumulator units: 1, 0, 0. */
    memcpy(rig.stage->bias.value, (const float[]){0.7F, 0, -0.2F}, 3 * sizeof(float));
    memcpy(rig.stage->a.data, (const float[]){2, 4, 4, 2, 3, 3, -6, -6, -4}, 9 * sizeof(float));
    et__bits_classify(rig.stage, 3, predicted);
    ck_assert_int_eq(predicted[0], 1); /* 3 4 4: the first of equals */
    ck_assert_int_eq(predicted[1], 0); /* 3 3 3 */
    ck_assert_int_eq(predicted[2], 2);
    rig_close(&rig);
}
END_TEST

START_TEST(clipping_keeps_latent_weights)
{
    for (int rule = 0; rule < 2; rule++) {
        struct rig rig;
        rig_open(&rig, 3, 1, 1, rules[rule]);
        memcpy(rig.stage->weight.value, (const float[]){1.5F, -2, 0.25F}, 3 * sizeof(float));
        et__bits_clip(rig.stage);
        const float *want = rule == 0 ? (const float[]){1, -1, 0.25F} /* straight through */
                                      : (const float[]){1.5F, -2, 0.25F};
        assert_close(rig.stage->weight.value, want, 3, 0, 0);
        rig_close(&rig);
    }
}
END_TEST

/* Mean of (sign(sin w0 w) - sin w0 w)^2 over Laplace weights of scale 0.05, sampled at the centres
 * of equally likely cells. */
static double sine_error(double w0)
{
    enum { SIDE = 512 };
    struct rig rig;
    char binary[64];
    static float soft[SIDE * SIDE];
    snprintf(binary, sizeof binary, "rule: biper, w0: %g", w0);
    rig_open(&rig, SIDE, SIDE, 1, binary);
    for (size_t k = 0; k < SIDE * SIDE; k++) {
        double u = ((double)k + 0.5) / (SIDE * SIDE);
        rig.stage->weight.value[k] =
            (float)(u < 0.5 ? 0.05 * log(2 * u) : -0.05 * log(2 * (1 - u)));
    }
    rig.stage->bits.soft = true;
    et__bits_weights(rig.stage);
    memcpy(soft, rig.stage->bits.weight.data, sizeof soft);
    rig.stage->bits.soft = false;
    et__bits_weights(rig.stage);
    double sum = 0;
    for (size_t k = 0; k < SIDE * SIDE; k++) {
        double away = (double)rig.stage->bits.weight.data[k] - (double)soft[k];
        sum += away * away;
    }
    rig_close(&rig);
    return sum / (SIDE * SIDE);
}

/* E = 1 - 2 E|sin| + E sin^2 in closed form, and 3/2 - 4/pi where the phase is uniform. */
START_TEST(frequency_sets_the_error_of_binarisation)
{
    const double pi = 3.14159265358979323846;
    for (double w0 = 1; w0 <= 32; w0 *= 2) {
        double a = 0.05 * w0;
        double absolute = a / (1 + a * a) / tanh(pi / (2 * a));
        double square = 0.5 * (1 - 1 / (1 + 4 * a * a));
        assert_near(sine_error(w0), 1 - 2 * absolute + square, 1e-4);
    }
    assert_near(sine_error(1), 0.9053, 5e-4); /* as sampled by others */
    assert_near(sine_error(32), 0.2634, 5e-4);
    assert_near(sine_error(1000), 1.5 - 4 / pi, 1e-3);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("binary_stage");
    TCase *tests = tcase_create("binary_stage");
    tcase_add_test(tests, inputs_are_bits);
    tcase_add_test(tests, weights_reach_the_device);
    tcase_add_loop_test(tests, gradient_is_the_formula, 0, 2);
    tcase_add_test(tests, soft_gradient_agrees_with_differences);
    tcase_add_test(tests, thresholds_are_the_formula);
    tcase_add_test(tests, the_accelerator_gives_the_bits);
    tcase_add_test(tests, statistics_that_are_not_finite_are_refused);
    tcase_add_test(tests, running_statistics_follow);
    tcase_add_test(tests, classes_are_decided_by_integers);
    tcase_add_test(tests, clipping_keeps_latent_weights);
    tcase_add_test(tests, frequency_sets_the_error_of_binarisation);
    suite_add_tcase(suite, tests);
    return suite_result(suite);
}
