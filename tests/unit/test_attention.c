/* SPDX-License-Identifier: Apache-2.0
 *
 * The method bi-attention: gradients of teacher, distillation and student against finite
 * differences, the information in a boolean attention, the data set, and whole experiments. */
#include "close.h"
#include "whole_run.h"
#include "training/attention.h"
#include "training/objective.h"

#include <etalon/dataset.h>
#include <etalon/parallel.h>
#include <etalon/rng.h>

#include <string.h>

enum { SEQUENCES = 3, TOKENS = 4, WIDTH = 5, DIM = 6, CLASSES = 3 };
static const struct et__attention_shape shape = {TOKENS, WIDTH, DIM, CLASSES, SEQUENCES};
static const int32_t label[SEQUENCES] = {0, 2, 1};
static float input[SEQUENCES * TOKENS * WIDTH];

static struct et_view input_view(void)
{
    et_rng_fill_normal(3, ET_STREAM_USER, 0, 0, input, SEQUENCES * TOKENS * WIDTH);
    return et_view_of(input, SEQUENCES, TOKENS * WIDTH);
}

/* ------------------------------------------------------------------------------ the data set -- */

START_TEST(lookup_binds_a_class_to_the_queried_key)
{
    enum { PAIRS = 5, KEYS = 7, VALUES = 3, ONE = KEYS + VALUES };
    struct et_dataset d = {0};
    assert_ok(et_dataset_load_text("{type: lookup, n: 200, pairs: 5, keys: 7, values: 3}", 1, &d));
    ck_assert_uint_eq(d.x.cols, (PAIRS + 1) * ONE);
    size_t seen[VALUES] = {0};
    for (size_t r = 0; r < 200; r++) {
        const float *x = d.x.data + r * d.x.cols, *query = x + PAIRS * ONE;
        size_t matches = 0, ones = 0;
        for (size_t k = 0; k < d.x.cols; k++)
            ones += x[k] == 1;
        ck_assert_uint_eq(ones, 2 * PAIRS + 1);
        for (size_t t = 0; t < PAIRS; t++) {
            bool same = true;
            for (size_t k = 0; k < KEYS; k++)
                same = same && x[t * ONE + k] == query[k];
            if (!same) continue;
            matches++;
            ck_assert(x[t * ONE + KEYS + (size_t)d.label[r]] == 1);
        }
        ck_assert_uint_eq(matches, 1); /* keys differ, the query's is among them */
        seen[d.label[r]]++;
    }
    for (size_t c = 0; c < VALUES; c++)
        ck_assert_uint_gt(seen[c], 40); /* binomial mean 67, sd 6.7 */
    et_dataset_destroy(&d);
    assert_status(et_dataset_load_text("{type: lookup, pairs: 8, keys: 7}", 1, &d), ET_CONFIG);
    assert_message("8 pairs need as many different keys");
}
END_TEST

/* -------------------------------------------------------------------------------- gradients -- */

/* What is differentiated: cross-entropy, or a distillation from another network. */
struct problem {
    struct et__attention net, other;
    enum et__distillation distil;
};

static double loss_of(struct problem *p, bool backward)
{
    static double work[SEQUENCES * (2 * TOKENS * TOKENS + 1)];
    struct et_view x = input_view();
    et__attention_forward(&p->net, x);
    et__attention_clear(&p->net, SEQUENCES);
    struct et_view logits = et_array_view(&p->net.logits);
    double loss = et__cross_entropy(logits, label);
    if (p->distil != ET__DISTIL_NONE)
        loss += 0.7 * et__distil(&p->net, &p->other, p->distil, SEQUENCES, 0.7, work);
    if (backward) et__attention_backward(&p->net, x);
    return loss;
}

START_TEST(gradients_match_finite_differences)
{
    struct problem p = {.distil = (enum et__distillation)_i};
    assert_ok(et__attention_open(&p.net, "a", false, &shape, 1));
    assert_ok(et__attention_open(&p.other, "b", false, &shape, 2));
    et__attention_forward(&p.other, input_view());
    loss_of(&p, true);
    struct et_tensor *tensor;
    for (size_t i = 0; (tensor = et__attention_tensor(&p.net, i)) != NULL; i++)
        for (size_t k = 0; k < tensor->rows * tensor->cols; k++) {
            float kept = tensor->value[k], step = 4e-3F;
            tensor->value[k] = kept + step;
            double up = loss_of(&p, false);
            tensor->value[k] = kept - step;
            double down = loss_of(&p, false), want = (up - down) / (2 * (double)step);
            tensor->value[k] = kept;
            /* float32 forward: 1e-7 / step; third derivative times step^2. */
            ck_assert_msg(fabs((double)tensor->gradient[k] - want) < 2e-4 + 2e-3 * fabs(want),
                          "%s[%zu]: %g, want %g", tensor->name, k, (double)tensor->gradient[k],
                          want);
        }
    et__attention_close(&p.net);
    et__attention_close(&p.other);
}
END_TEST

START_TEST(directions_ignore_length_and_rotation)
{
    float x[TOKENS * 2], y[TOKENS * 2], dx[TOKENS * 2] = {0}, c = cosf(0.7F), s = sinf(0.7F);
    double work[2 * TOKENS * TOKENS];
    et_rng_fill_normal(4, ET_STREAM_USER, 0, 0, x, TOKENS * 2);
    for (size_t t = 0; t < TOKENS; t++) {
        y[2 * t] = 3 * (c * x[2 * t] - s * x[2 * t + 1]);
        y[2 * t + 1] = 3 * (s * x[2 * t] + c * x[2 * t + 1]);
    }
    struct et_view vx = et_view_of(x, TOKENS, 2), vy = et_view_of(y, TOKENS, 2);
    struct et_view vd = et_view_of(dx, TOKENS, 2);
    assert_near(et__direction_loss(vx, vy, 1, vd, work), 0, 1e-6);
    y[0] += 1;
    ck_assert(et__direction_loss(vx, vy, 1, vd, work) > 0.01);
    for (size_t k = 0; k < TOKENS * 2; k++)
        ck_assert(isfinite(dx[k]));
    memset(x, 0, sizeof x); /* no direction at all */
    ck_assert(isfinite(et__direction_loss(vx, vy, 1, vd, work)));
}
END_TEST

/* The student in double precision, with each sign replaced by the line that its gradient pretends
 * it to be: slope x + constant inside its window, a constant outside. */
struct surrogate {
    bool record, inside[4096];
    double constant[4096];
    size_t n;
};

static double line(struct surrogate *s, double x, double value, double slope, bool inside)
{
    size_t i = s->n++;
    ck_assert_uint_lt(i, 4096);
    if (s->record) {
        s->inside[i] = inside;
        s->constant[i] = inside ? value - slope * x : value;
    }
    return s->constant[i] + (s->inside[i] ? slope * x : 0);
}

static double sign_of(struct surrogate *s, double x)
{
    return line(s, x, x >= 0 ? 1 : -1, 1, fabs(x) < 1);
}

/* The binarised weights of row o; their factor is part of the recorded constant. */
static void row_of(struct surrogate *s, const struct et__attention_linear *linear, size_t o,
                   double *w)
{
    size_t n = linear->weight.cols;
    const float *latent = linear->weight.value + o * n;
    double mean = 0;
    for (size_t j = 0; j < n; j++)
        mean += (double)latent[j] / (double)n;
    for (size_t j = 0; j < n; j++) {
        double x = (double)latent[j] - mean, factor = (double)linear->factor[o];
        w[j] = line(s, x, x >= 0 ? factor : -factor, 1, fabs(x) <= 1);
    }
}

typedef double token[DIM];

static void project(struct surrogate *s, const struct et__attention_linear *linear, token *in,
                    token *out, size_t rows, bool with_sign)
{
    double w[WIDTH + DIM];
    for (size_t o = 0; o < linear->weight.rows; o++) {
        row_of(s, linear, o, w);
        for (size_t t = 0; t < rows; t++) {
            double z = (double)linear->bias.value[o];
            for (size_t j = 0; j < linear->weight.cols; j++)
                z += w[j] * in[t][j];
            out[t][o] = with_sign ? sign_of(s, z) : z;
        }
    }
}

static void attend(struct surrogate *s, token *q, token *k, token *v, token *c)
{
    for (size_t t = 0; t < TOKENS; t++) {
        double y[DIM] = {0};
        for (size_t r = 0; r < TOKENS; r++) {
            double a = 0;
            for (size_t j = 0; j < DIM; j++)
                a += q[t][j] * k[r][j];
            a /= sqrt(DIM);
            /* A product of signs is a whole number before it is divided. */
            double p = line(s, a, a >= -1e-9 ? 1 : 0, 0.5, fabs(a) < 1);
            for (size_t j = 0; j < DIM; j++)
                y[j] += p * v[r][j] / sqrt(TOKENS);
        }
        for (size_t j = 0; j < DIM; j++)
            c[t][j] = line(s, y[j], y[j] >= -1e-9 ? 1 : -1, 1, fabs(y[j]) < 1);
    }
}

static double surrogate_loss(struct surrogate *s, const struct et__attention *net)
{
    const struct et__attention_linear *l = net->linear;
    double loss = 0;
    s->n = 0;
    for (size_t i = 0; i < SEQUENCES; i++) {
        token u[TOKENS], part[3][TOKENS], c[TOKENS], o[TOKENS], top[1];
        for (size_t t = 0; t < TOKENS; t++)
            for (size_t k = 0; k < DIM; k++) {
                double z = (double)l[ET__ATTENTION_EMBED].bias.value[k];
                for (size_t j = 0; j < WIDTH; j++)
                    z += (double)l[ET__ATTENTION_EMBED].weight.value[k * WIDTH + j] *
                         (double)input[(i * TOKENS + t) * WIDTH + j];
                u[t][k] = sign_of(s, z);
            }
        for (size_t m = 0; m < 3; m++)
            project(s, &l[ET__ATTENTION_QUERY + m], u, part[m], TOKENS, true);
        attend(s, part[0], part[1], part[2], c);
        project(s, &l[ET__ATTENTION_OUTPUT], c, o, TOKENS, true);
        project(s, &l[ET__ATTENTION_CLASS], &o[TOKENS - 1], top, 1, false);
        double sum = 0;
        for (size_t k = 0; k < CLASSES; k++)
            sum += exp(top[0][k]);
        loss += (log(sum) - top[0][label[i]]) / SEQUENCES;
    }
    return loss;
}

START_TEST(student_gradients_are_straight_through)
{
    static struct surrogate s;
    struct problem p = {.distil = ET__DISTIL_NONE};
    assert_ok(et__attention_open(&p.net, "a", true, &shape, 5));
    p.net.linear[ET__ATTENTION_QUERY].weight.value[1] = 3; /* outside its window */
    double loss = loss_of(&p, true);
    s.record = true;
    assert_near(surrogate_loss(&s, &p.net), loss, 1e-5);
    s.record = false;
    struct et_tensor *tensor;
    for (size_t i = 0; (tensor = et__attention_tensor(&p.net, i)) != NULL; i++)
        for (size_t k = 0; k < tensor->rows * tensor->cols; k++) {
            float kept = tensor->value[k];
            tensor->value[k] = kept + 1e-3F;
            double up = surrogate_loss(&s, &p.net), x_up = (double)tensor->value[k];
            tensor->value[k] = kept - 1e-3F;
            double down = surrogate_loss(&s, &p.net), x_down = (double)tensor->value[k];
            tensor->value[k] = kept;
            double want = (up - down) / (x_up - x_down), got = (double)tensor->gradient[k];
            ck_assert_msg(fabs(got - want) < 1e-4 + 2e-3 * fabs(want), "%s[%zu]: %g, want %g",
                          tensor->name, k, got, want);
        }
    et__attention_close(&p.net);
}
END_TEST

/* -------------------------------------------------------------------------------- information --
 */

static double entropy(double p)
{
    return p <= 0 || p >= 1 ? 0 : -p * log2(p) - (1 - p) * log2(1 - p);
}

/* P(sum of d signs >= threshold) */
static double tail(size_t d, double threshold)
{
    double sum = 0;
    for (size_t ups = 0; ups <= d; ups++)
        if (2 * (double)ups - (double)d >= threshold)
            sum += exp(lgamma((double)d + 1) - lgamma((double)ups + 1) -
                       lgamma((double)(d - ups) + 1) - (double)d * log(2));
    return sum;
}

/* Scores of random signs are symmetric about 0: there a boolean says most. */
START_TEST(zero_is_the_most_informative_threshold)
{
    assert_near(entropy(tail(63, 0)), 1, 1e-9); /* no ties: exactly one bit */
    for (int threshold = -62; threshold <= 64; threshold += 2)
        ck_assert(entropy(tail(64, threshold)) <= entropy(tail(64, 0)) + 1e-9);
    ck_assert(entropy(tail(64, 8)) < 0.75);

    struct et__attention_shape wide = {64, WIDTH, 63, CLASSES, 1};
    struct et__attention net;
    assert_ok(et__attention_open(&net, "a", true, &wide, 1));
    static float x[64 * WIDTH];
    et_rng_fill_normal(8, ET_STREAM_USER, 0, 0, x, 64 * WIDTH);
    double ones = 0;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        et__attention_close(&net);
        assert_ok(et__attention_open(&net, "a", true, &wide, seed));
        et__attention_forward(&net, et_view_of(x, 1, 64 * WIDTH));
        for (size_t k = 0; k < 64 * 64; k++)
            ones += (double)net.weight.data[k] / (8 * 64 * 64);
    }
    ck_assert(entropy(ones) > 0.98);
    et__attention_close(&net);
}
END_TEST

/* --------------------------------------------------------------------------------- devices -- */

static const char *const devices[] = {"software", "model:", "verilator:"};

/* Packed bits of a device against the signs (or ones and zeros) of a part. */
static void check_bits(const char *name, const uint64_t *bits, const struct et_array *part)
{
    size_t words = et_bnn_words(part->cols);
    for (size_t r = 0; r < part->rows; r++)
        for (size_t j = 0; j < part->cols; j++) {
            int got = (int)(bits[r * words + j / 64] >> j % 64 & 1);
            ck_assert_msg(got == (part->data[r * part->cols + j] > 0), "%s of token %zu, bit %zu",
                          name, r, j);
        }
}

/* Odd sizes; every bit between tokens and scores, and the scores. */
START_TEST(devices_give_the_same_bits)
{
    struct et__attention_shape odd = {7, WIDTH, 37, CLASSES, 5};
    struct et__attention net;
    struct et__attention_device device = {.uri = et_strdup(devices[_i])};
    static float x[5 * 7 * WIDTH], want[5 * CLASSES];
    for (uint64_t seed = 1; seed <= 2; seed++) {
        assert_ok(et__attention_open(&net, "a", true, &odd, seed));
        for (size_t i = 0; i < ET__ATTENTION_LINEARS; i++)
            et_rng_fill_normal(seed, ET_STREAM_USER, (uint32_t)i, 0, net.linear[i].bias.value,
                               net.linear[i].bias.cols);
        et_rng_fill_normal(seed, ET_STREAM_USER, 9, 0, x, 5 * 7 * WIDTH);
        struct et_view view = et_view_of(x, 5, 7 * WIDTH);
        et__attention_forward(&net, view);
        memcpy(want, net.logits.data, sizeof want);
        device.deployed = false;
        enum et_status status = et__attention_device_score(&device, &net, view);
        if (status == ET_UNSUPPORTED) {
            fprintf(stderr, "SKIPPED: %s\n", et_error_message());
            et_error_clear();
            seed = 2;
        } else {
            assert_ok(status);
            check_bits("query", device.bits[ET__PART_Q], &net.part[ET__PART_Q].x);
            check_bits("key", device.bits[ET__PART_K], &net.part[ET__PART_K].x);
            check_bits("value", device.bits[ET__PART_V], &net.part[ET__PART_V].x);
            check_bits("attention", device.attention, &net.weight);
            check_bits("context", device.bits[ET__PART_C], &net.part[ET__PART_C].x);
            check_bits("output", device.bits[ET__PART_O], &net.part[ET__PART_O].x);
            ck_assert_mem_eq(net.logits.data, want, sizeof want);
        }
        et__attention_close(&net);
    }
    et__attention_device_close(&device);
}
END_TEST

/* --------------------------------------------------------------------------- whole experiments --
 */

static const char small[] =
    "experiment: small\n"
    "seeds: 1\n"
    "dataset: {type: lookup, n: 1500, pairs: 3, keys: 4, values: 3}\n"
    "features: {scale: none}\n"
    "method: {type: bi-attention, tokens: 4, dim: 32, epochs: 30, teacher_epochs: 10, batch: 32,\n"
    "         optimiser: {rate: 5e-3, schedule: cosine}}\n"
    "controls: [linear]\n";

START_TEST(binarized_attention_looks_up)
{
    struct et_run_summary summary;
    assert_ok(run(small, NULL, false, NULL));
    assert_ok(et_run_summary_read(output, &summary));
    ck_assert_uint_eq(summary.n_controls, 2);
    ck_assert_str_eq(summary.controls[1].name, "teacher");
    ck_assert(summary.controls[0].test.mean < 0.75); /* linear: knows which values occur */
    ck_assert(summary.controls[1].test.mean > 0.98);
    ck_assert(summary.test.mean > 0.9);
    et_run_summary_destroy(&summary);
}
END_TEST

START_TEST(interrupted_runs_end_the_same)
{
    const char *text = "experiment: tiny\n"
                       "seeds: 2\n"
                       "dataset: {type: lookup, n: 80, pairs: 3, keys: 4, values: 3}\n"
                       "features: {scale: none}\n"
                       "method: {type: bi-attention, tokens: 4, dim: 8, epochs: 4,\n"
                       "         teacher_epochs: 2, batch: 32, evaluate_every: 2}\n"
                       "controls: []\n";
    assert_ok(run(text, NULL, false, NULL));
    uint64_t straight = digest();
    for (size_t stop = 1; stop < 15; stop += 3) { /* 2 batches, 4 epochs, 2 seeds */
        size_t left = stop;
        unlink(output);
        assert_status(run(text, NULL, false, &left), ET_INTERRUPTED);
        assert_ok(run(text, NULL, true, NULL));
        ck_assert_msg(digest() == straight, "another result after batch %zu", stop);
    }
    et_parallel_set_threads(1);
    assert_ok(run(text, NULL, false, NULL));
    et_parallel_set_threads(2);
    ck_assert(digest() == straight);
    assert_ok(run(text, "method.distil=scores", false, NULL));
    ck_assert(digest() != straight);
}
END_TEST

START_TEST(rules_beyond_the_tables)
{
    assert_status(run(small, "method.tokens=5", false, NULL), ET_CONFIG);
    assert_message("28 features are not 5 tokens");
    assert_status(run(small, "method.teacher_epochs=30", false, NULL), ET_CONFIG);
    assert_message("30 of 30 epochs leave none for the student");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("attention");
    TCase *tcase = tcase_create("attention");
    tcase_add_checked_fixture(tcase, make_folder, remove_folder);
    tcase_set_timeout(tcase, 0);
    tcase_add_test(tcase, lookup_binds_a_class_to_the_queried_key);
    tcase_add_loop_test(tcase, gradients_match_finite_differences, 0, 3);
    tcase_add_test(tcase, directions_ignore_length_and_rotation);
    tcase_add_test(tcase, student_gradients_are_straight_through);
    tcase_add_test(tcase, zero_is_the_most_informative_threshold);
    tcase_add_loop_test(tcase, devices_give_the_same_bits, 0, 3);
    tcase_add_test(tcase, binarized_attention_looks_up);
    tcase_add_test(tcase, interrupted_runs_end_the_same);
    tcase_add_test(tcase, rules_beyond_the_tables);
    suite_add_tcase(suite, tcase);
    return suite_result(suite);
}
