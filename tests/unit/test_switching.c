/* SPDX-License-Identifier: Apache-2.0
 *
 * The method bit-switching: what double rounding costs, its learning rates, its gradients against
 * finite differences, and whole experiments. */
#include "close.h"
#include "whole_run.h"
#include "training/model.h"
#include "training/objective.h"
#include "training/switching.h"

#include <etalon/parallel.h>
#include <etalon/rng.h>

#include <string.h>

/* ------------------------------------------------------------------------- double rounding -- */

enum { WEIGHTS = 200000 };

static double clip(double x, double lo, double hi)
{
    return x < lo ? lo : x > hi ? hi : x;
}

/* Mean square errors of N(0, 1) weights on an 8-bit grid that ends at 3.5, cut to `bits`. */
static void errors(unsigned bits, double *rounded, double *shifted, double *direct)
{
    static float w[WEIGHTS];
    double step = 3.5 / 128, power = (double)(1 << (8 - bits)), half = (double)(1 << (bits - 1));
    et_rng_fill_normal(5, ET_STREAM_USER, 0, 0, w, WEIGHTS);
    *rounded = *shifted = *direct = 0;
    for (size_t i = 0; i < WEIGHTS; i++) {
        double x = (double)w[i];
        int q = (int)clip(floor(x / step + 0.5), -128, 127);
        double a = x - et_bnn_round(q, 8, bits) * power * step;
        double b = x - floor(q / power) * power * step;
        double c = x - clip(floor(x / (step * power) + 0.5), -half, half - 1) * power * step;
        *rounded += a * a / WEIGHTS;
        *shifted += b * b / WEIGHTS;
        *direct += c * c / WEIGHTS;
    }
}

START_TEST(double_rounding_costs_next_to_nothing)
{
    static const struct {
        unsigned bits;
        double mse, margin;
    } known[] = {{6, 0.00126, 1.2}, {4, 0.01668, 1.02}, {2, 0.2636, 1.01}};
    for (size_t i = 0; i < 3; i++) {
        double rounded, shifted, direct;
        errors(known[i].bits, &rounded, &shifted, &direct);
        ck_assert_msg(rounded < known[i].margin * direct && direct < known[i].margin * rounded,
                      "%u bits: double rounding %g, direct %g", known[i].bits, rounded, direct);
        ck_assert_msg(shifted > 2 * rounded, "%u bits: shift %g, double rounding %g", known[i].bits,
                      shifted, rounded);
        assert_near(rounded, known[i].mse, 0.03 * known[i].mse);
    }
}
END_TEST

START_TEST(rates_follow_the_precision)
{
    assert_near(et__switching_eta(8, 8), 1, 1e-12);
    assert_near(et__switching_eta(8, 7), 0.5, 1e-12);
    assert_near(et__switching_eta(8, 6), 0.1, 1e-12);
    assert_near(et__switching_eta(8, 5), 0.05, 1e-12);
    assert_near(et__switching_eta(8, 4), 0.01, 1e-12);
    assert_near(et__switching_eta(8, 2), 0.001, 1e-12);
    assert_near(et__switching_rate(0.1, 0.5, 0.2, 0.1), 0.03, 1e-12);
    /* As printed it would be negative. */
    assert_near(et__switching_rate(0.1, 5e-4, 0.8, 0.1), 0.1 * 5e-5, 1e-12);
}
END_TEST

/* ------------------------------------------------------------------------------- gradients -- */

static const char small[] = "experiment: small\n"
                            "seeds: 2\n"
                            "dataset: {type: rings, n: 300, d: 3}\n"
                            "features: {scale: minmax}\n"
                            "method: {type: bit-switching, widths: [12, 8], epochs: 8, batch: 20,\n"
                            "         input_bits: 6, evaluate_every: 3,\n"
                            "         optimiser: {rate: 0.01}}\n"
                            "controls: []\n";

/* A model outside of an experiment. */
struct rig {
    struct et_experiment *experiment;
    const struct et_model_type *type;
    struct et__switching net;
    float x[24 * 3];
    int32_t label[24];
};
enum { ROWS = 24 };

static void open_rig(struct rig *rig, const char *set)
{
    *rig = (struct rig){.experiment = load(small, set)};
    const struct et_config *config = et_experiment_config(rig->experiment);
    struct et_model_shape shape = {.n_features = 3, .n_classes = 2, .rows_max = ROWS, .seed = 7};
    rig->type = et__model_of(config);
    assert_ok(rig->type->open(&rig->net, et_config_at(config, "method", 0), &shape));
    et_rng_fill_uniform(1, ET_STREAM_USER, 0, 0, 0, 1, rig->x, ROWS * 3);
    for (size_t i = 0; i < ROWS; i++)
        rig->label[i] = rig->x[3 * i] * rig->x[3 * i + 1] > 0.2F;
    et__switching_input(&rig->net, et_view_of(rig->x, ROWS, 3));
}

static void close_rig(struct rig *rig)
{
    rig->type->close(&rig->net);
    et_experiment_close(rig->experiment);
}

/* The network in double precision, where rounding adds a constant: what straight-through gradients
 * are the derivative of.  The constants are those of the point where `record` was set. */
struct surrogate {
    const struct et__switching *net;
    size_t precision;
    bool record;
    double constant[4096];
    bool inside[4096];
    size_t n;
};

/* round(v) clipped to [lo, hi], then to `value` (in units of v) unless told to pass. */
static double pass(struct surrogate *s, double v, double value, bool inside)
{
    size_t i = s->n++;
    ck_assert_uint_lt(i, 4096);
    if (s->record) {
        s->inside[i] = inside;
        s->constant[i] = inside ? value - v : value;
    }
    return s->inside[i] ? v + s->constant[i] : s->constant[i];
}

static double weight_of(struct surrogate *s, const struct et__switching_layer *layer, size_t k)
{
    unsigned bits = s->net->bits[s->precision];
    double step = exp((double)layer->log_scale.value[0]), v = (double)layer->weight.value[k] / step;
    int q8 = (int)clip(floor(v + 0.5), -128, 127), power = 1 << (8 - bits);
    bool clipped = power > 1 && (q8 + power / 2) / power > (1 << (bits - 1)) - 1;
    bool inside = v >= -128 && v <= 127 && !clipped;
    return step * pass(s, v, et_bnn_round(q8, 8, bits) * power, inside);
}

static double code_of(struct surrogate *s, const struct et__switching_layer *layer, double z)
{
    double step = exp((double)layer->at[s->precision].log_step.value[0]), v = z / step;
    double max = (double)((1U << s->net->code_bits) - 1);
    double code = clip(floor(v + 0.5), 0, max);
    return step * pass(s, v, code, v >= 0 && v <= max + 0.5);
}

static double surrogate_loss(struct surrogate *s, const struct rig *rig)
{
    static double h[2][ROWS][16], w[16][16];
    double loss = 0;
    s->n = 0;
    for (size_t i = 0; i < ROWS; i++)
        for (size_t j = 0; j < 3; j++)
            h[0][i][j] = floor((double)rig->x[3 * i + j] * 63 + 0.5) / 63;
    for (size_t l = 0; l < s->net->n_layers; l++) {
        const struct et__switching_layer *layer = &s->net->layer[l];
        for (size_t o = 0; o < layer->n_out; o++)
            for (size_t j = 0; j < layer->n_in; j++)
                w[o][j] = weight_of(s, layer, o * layer->n_in + j);
        for (size_t i = 0; i < ROWS; i++)
            for (size_t o = 0; o < layer->n_out; o++) {
                double z = (double)layer->at[s->precision].bias.value[o];
                for (size_t j = 0; j < layer->n_in; j++)
                    z += w[o][j] * h[l % 2][i][j];
                h[(l + 1) % 2][i][o] = layer->last ? z : code_of(s, layer, z);
            }
    }
    for (size_t i = 0; i < ROWS; i++) {
        const double *z = h[s->net->n_layers % 2][i];
        loss += (log(exp(z[0]) + exp(z[1])) - z[rig->label[i]]) / ROWS;
    }
    return loss;
}

static void check_gradient(struct surrogate *s, const struct rig *rig, struct et_tensor *tensor)
{
    size_t n = tensor->rows * tensor->cols;
    for (size_t k = 0; k < n; k++) {
        float kept = tensor->value[k];
        /* The surrogate is smooth: the difference is exact to its square. */
        tensor->value[k] = kept + 1e-3F;
        double up = surrogate_loss(s, rig), x_up = (double)tensor->value[k];
        tensor->value[k] = kept - 1e-3F;
        double down = surrogate_loss(s, rig), x_down = (double)tensor->value[k];
        tensor->value[k] = kept;
        double want = (up - down) / (x_up - x_down), got = (double)tensor->gradient[k];
        ck_assert_msg(fabs(got - want) < 2e-4 + 2e-3 * fabs(want), "%s[%zu]: %g, want %g",
                      tensor->name, k, got, want);
    }
}

START_TEST(gradients_are_straight_through)
{
    static struct surrogate s;
    struct rig rig;
    open_rig(&rig, NULL);
    /* Weights and a step that the optimiser does not move: rate 0. */
    rig.net.optimiser.rate = rig.net.scale_optimiser.rate = 0;
    rig.net.layer[0].weight.value[3] = 10; /* clipped at both ends */
    rig.net.layer[0].weight.value[4] = -10;
    for (size_t p = 0; p < rig.net.n_bits; p++) {
        s = (struct surrogate){.net = &rig.net, .precision = p, .record = true};
        et__switching_calibrate(&rig.net, p, ROWS);
        double loss = et__switching_learn(&rig.net, p, rig.label, ROWS, 0, 1);
        assert_near(surrogate_loss(&s, &rig), loss, 1e-5);
        s.record = false;
        for (size_t l = 0; l < rig.net.n_layers; l++) {
            struct et__switching_layer *layer = &rig.net.layer[l];
            check_gradient(&s, &rig, &layer->weight);
            check_gradient(&s, &rig, &layer->log_scale);
            check_gradient(&s, &rig, &layer->at[p].bias);
            if (!layer->last) check_gradient(&s, &rig, &layer->at[p].log_step);
        }
    }
    close_rig(&rig);
}
END_TEST

/* --------------------------------------------------------------------------------- devices -- */

static const char *const devices[] = {"software", "model:", "verilator:"};

/* Scores on a device, or false where this build has none. */
static bool device_scores(struct rig *rig, const char *uri, size_t precision, float *score)
{
    if (strcmp(rig->net.uri, uri) != 0) {
        et__switching_device_close(&rig->net);
        et_free(rig->net.uri);
        rig->net.uri = et_strdup(uri);
    }
    enum et_status status = rig->type->score(&rig->net, precision, et_view_of(rig->x, ROWS, 3),
                                             et_view_of(score, ROWS, 2));
    if (status == ET_UNSUPPORTED) {
        fprintf(stderr, "SKIPPED: %s\n", et_error_message());
        et_error_clear();
        return false;
    }
    assert_ok(status);
    return true;
}

/* Whatever the order of the precisions, and after new weights too. */
START_TEST(devices_give_the_same_bits)
{
    static const size_t order[] = {0, 3, 1, 1, 2, 0};
    struct rig rig;
    open_rig(&rig, NULL);
    for (uint64_t step = 0; step < 3; step++) {
        for (size_t p = 0; p < rig.net.n_bits; p++) {
            et__switching_input(&rig.net, et_view_of(rig.x, ROWS, 3));
            if (step == 0) et__switching_calibrate(&rig.net, p, ROWS);
            et__switching_learn(&rig.net, p, rig.label, ROWS, 0, 4 * step + p + 1);
        }
        rig.net.deployed = false;
        for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
            float want[ROWS * 2], got[ROWS * 2];
            et__switching_input(&rig.net, et_view_of(rig.x, ROWS, 3));
            et__switching_forward(&rig.net, order[i], ROWS);
            et__switching_scores(&rig.net, order[i], et_array_view(&rig.net.layer[2].acc),
                                 et_view_of(want, ROWS, 2));
            if (!device_scores(&rig, devices[_i], order[i], got)) break;
            ck_assert_mem_eq(got, want, sizeof want);
        }
    }
    close_rig(&rig);
}
END_TEST

START_TEST(evaluation_counts_what_the_device_does)
{
    static const char *const on_model[] = {"method.device=\"model:\""};
    struct et_evaluation here, there;
    assert_ok(run(small, NULL, false, NULL));
    assert_ok(et_run_evaluate(output, NULL, 0, false, &here));
    assert_ok(et_run_evaluate(output, on_model, 1, false, &there));
    for (size_t i = 0; i < 4; i++) {
        const struct et_evaluation_case *one = &there.cases[i];
        ck_assert_uint_eq(there.n_samples, 60);
        ck_assert_mem_eq(one->answer, here.cases[i].answer, 2 * 60 * sizeof *one->answer);
        ck_assert(one->counted && !here.cases[i].counted);
        /* Steps: 32 x 32 tiles, one for each layer, times activation and weight planes. */
        double want = (double)(6 + 4 + 4) * (double)(2 * (i + 1));
        assert_near(one->steps, want, 1e-9);
        ck_assert(isnan(one->cycles)); /* a functional model has none */
        ck_assert(one->read_beats > 0 && one->write_beats > 0);
    }
    et_evaluation_destroy(&here);
    et_evaluation_destroy(&there);
}
END_TEST

/* ----------------------------------------------------------------------- whole experiments -- */

START_TEST(one_network_learns_at_all_precisions)
{
    struct et_run_summary summary;
    assert_ok(run(small, "method.epochs=60", false, NULL));
    assert_ok(et_run_summary_read(output, &summary));
    ck_assert_uint_eq(summary.n_controls, 3);
    ck_assert(summary.test.mean > 0.8);
    for (size_t i = 0; i < 3; i++)
        ck_assert(summary.controls[i].test.mean > 0.7);
    ck_assert_str_eq(summary.controls[0].name, "2-bit");
    et_run_summary_destroy(&summary);

    struct et_evaluation evaluation;
    assert_ok(et_run_evaluate(output, NULL, 0, false, &evaluation));
    ck_assert_uint_eq(evaluation.n_cases, 4);
    ck_assert_str_eq(evaluation.cases[3].name, "8-bit");
    ck_assert(evaluation.cases[3].test.mean == evaluation.test.mean);
    ck_assert(isnan(evaluation.cases[3].cycles)); /* nothing counts here */
    et_evaluation_destroy(&evaluation);
}
END_TEST

/* Without practice at two bits, the same network is worse there. */
START_TEST(cutting_alone_costs_more)
{
    static const char digits[] =
        "experiment: digits\n"
        "seeds: 1\n"
        "dataset: {type: digits, n: 1000}\n"
        "features: {scale: none}\n"
        "method: {type: bit-switching, widths: [32, 32], bits: [2, 8], epochs: 10, batch: 50,\n"
        "         optimiser: {rate: 3e-3}}\n"
        "controls: []\n";
    struct et_run_summary joint, cut;
    assert_ok(run(digits, NULL, false, NULL));
    assert_ok(et_run_summary_read(output, &joint));
    assert_ok(run(digits, "method.joint=false", false, NULL));
    assert_ok(et_run_summary_read(output, &cut));
    ck_assert(joint.test.mean > 0.9 && cut.test.mean > 0.9);
    ck_assert_msg(cut.controls[0].test.mean < joint.controls[0].test.mean - 0.03, "%g, %g",
                  cut.controls[0].test.mean, joint.controls[0].test.mean);
    et_run_summary_destroy(&joint);
    et_run_summary_destroy(&cut);
}
END_TEST

START_TEST(interrupted_runs_end_the_same)
{
    assert_ok(run(small, NULL, false, NULL));
    uint64_t straight = digest();
    for (size_t stop = 1; stop < 200; stop += 61) {
        size_t left = stop;
        unlink(output);
        assert_status(run(small, NULL, false, &left), ET_INTERRUPTED);
        et_error_clear();
        assert_ok(run(small, NULL, true, NULL));
        ck_assert_uint_eq(digest(), straight);
    }
    et_parallel_set_threads(1);
    unlink(output);
    assert_ok(run(small, NULL, false, NULL));
    et_parallel_set_threads(2);
    ck_assert_uint_eq(digest(), straight);
}
END_TEST

START_TEST(rules_beyond_the_tables)
{
    static const struct {
        const char *set, *message;
    } bad[] = {
        {"method.bits=[4, 2]", "whole numbers, ascending"},
        {"method.bits=[2.5]", "whole numbers, ascending"},
        {"method.widths=[40000, 8]", "not exact in float32"},
        {"layers=[{width: 3}]", "brings its own network"},
        {"method={type: forward-forward, objective: local-ce}", "needs at least one layer"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_status(run(small, bad[i].set, false, NULL), ET_CONFIG);
        assert_message(bad[i].message);
        et_error_clear();
    }
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    const char *set = "method={type: bit-switching, widths: [3], epochs: 1, bits: [2, 8]}";
    assert_ok(run(small, set, false, NULL));
    uint64_t whole = digest();
    struct et_experiment *experiment = load(small, set);
    struct et_run_options options = {.output = output, .seeds = 1};
    struct et_run_options both = {.output = output};
    enum et_status status = ET_NOMEM;
    for (size_t n = 1; status != ET_OK; n++) {
        et_alloc_fail_at(n);
        status = et_experiment_run(experiment, &options);
        et_alloc_fail_at(0);
        ck_assert_msg(status == ET_OK || status == ET_NOMEM, "allocation %zu: %s", n,
                      et_error_message());
    }
    assert_ok(et_experiment_run(experiment, &both));
    ck_assert(digest() == whole);
    et_experiment_close(experiment);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("switching");
    TCase *tcase = tcase_create("switching");
    tcase_add_checked_fixture(tcase, make_folder, remove_folder);
    tcase_set_timeout(tcase, 0);
    tcase_add_test(tcase, double_rounding_costs_next_to_nothing);
    tcase_add_test(tcase, rates_follow_the_precision);
    tcase_add_test(tcase, gradients_are_straight_through);
    tcase_add_loop_test(tcase, devices_give_the_same_bits, 0, 3);
    tcase_add_test(tcase, evaluation_counts_what_the_device_does);
    tcase_add_test(tcase, one_network_learns_at_all_precisions);
    tcase_add_test(tcase, cutting_alone_costs_more);
    tcase_add_test(tcase, interrupted_runs_end_the_same);
    tcase_add_test(tcase, rules_beyond_the_tables);
    tcase_add_test(tcase, every_allocation_may_fail);
    suite_add_tcase(suite, tcase);
    return suite_result(suite);
}
