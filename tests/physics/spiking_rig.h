/* SPDX-License-Identifier: Apache-2.0
 *
 * Small networks of spiking neurons for tests of learning, and passes that judge them linearly:
 * loss = sum over steps, samples and outputs of c[t][r][j] y_t[r][j] with fixed c. */
#ifndef ETALON_TESTS_SPIKING_RIG_H
#define ETALON_TESTS_SPIKING_RIG_H

#include "sim/spiking/learn.h"

#include <etalon/rng.h>

#include "close.h"
#include <string.h>

enum { RIG_IN = 4, RIG_HIDDEN = 6, RIG_OUT = 3, RIG_STEPS = 7, RIG_ROWS = 5 };

struct rig {
    struct et__spk_network net;
    struct et__spk_learning learning;
    struct et__spk_lesson lesson;
    float x[RIG_ROWS * RIG_IN * RIG_STEPS];
    size_t n_in, rows;
    double loss;
    float shift; /* added to c, so that losses differ */
};

struct rig_plan {
    enum et__spk_kind hidden, output;
    enum et__spk_reset reset;
    enum et__spk_readout readout;
    enum et__spk_encoding encoding;
    enum et__spk_integrator integrator;
    bool recurrent, bias, smooth;
    size_t delay, second; /* of the synapses to the output; further hidden layers */
    double tau, dt;       /* s; 0: 4 steps and 1 ms */
};

static inline void rig_project(struct rig *rig, enum et__spk_synapse synapse, size_t source,
                               size_t target, size_t delay, bool bias, float scale)
{
    struct et__spk_projection *p;
    assert_ok(et__spk_add_projection(&rig->net, "p", synapse, source, target, &p));
    p->tunable = true;
    p->delay = delay;
    assert_ok(et__spk_alloc_weights(&rig->net, p, bias));
    size_t n = et__spk_weights(&rig->net, p);
    et_rng_fill_normal(3, ET_STREAM_USER, (uint32_t)rig->net.n_projections, 0, p->weight, n);
    for (size_t i = 0; i < n; i++)
        p->weight[i] *= scale;
    for (size_t j = 0; bias && j < et__spk_biases(&rig->net, p); j++)
        p->bias[j] = 0.1F * (float)j;
}

static inline void rig_population(struct rig *rig, const struct rig_plan *plan,
                                  enum et__spk_kind kind, size_t n)
{
    struct et__spk_population *p;
    assert_ok(et__spk_add_population(&rig->net, "layer", kind, n, 1, 1, &p));
    p->drive = ET__SPK_KICK;
    if (kind == ET__SPK_RELAY) return;
    p->integrator = plan->integrator;
    if (kind == ET__SPK_ADEX || kind == ET__SPK_IZHIKEVICH) {
        p->drive = ET__SPK_HELD;
        return;
    }
    p->reset = plan->reset;
    if (plan->reset == ET__SPK_HARD && et__spk_uses(kind, ET__SPK_V_RESET))
        et__spk_set(p, ET__SPK_V_RESET, -0.2);
    if (et__spk_uses(kind, ET__SPK_TAU)) et__spk_set(p, ET__SPK_TAU, plan->tau);
    if (et__spk_uses(kind, ET__SPK_TAU_SYN)) et__spk_set(p, ET__SPK_TAU_SYN, 2.5e-3);
    if (et__spk_uses(kind, ET__SPK_TAU_A)) et__spk_set(p, ET__SPK_TAU_A, 6e-3);
    if (et__spk_uses(kind, ET__SPK_BETA)) et__spk_set(p, ET__SPK_BETA, 0.4);
}

/* input -> hidden (once more for each `second`) -> output. */
static inline void rig_open(struct rig *rig, struct rig_plan plan, enum et__spk_rule rule)
{
    memset(rig, 0, sizeof *rig);
    rig->rows = RIG_ROWS;
    if (!(plan.tau > 0)) plan.tau = 4e-3;
    if (!(plan.dt > 0)) plan.dt = 1e-3;
    assert_ok(et__spk_begin(&rig->net, plan.dt, RIG_STEPS, RIG_IN, 1, 1));
    rig->net.encoder = (struct et__spk_encoder){plan.encoding, 500};
    rig->net.readout = plan.readout;
    rig->net.smooth = plan.smooth;
    float scale = plan.hidden == ET__SPK_ADEX         ? 2e-9F
                  : plan.hidden == ET__SPK_IZHIKEVICH ? 30.0F
                                                      : 0.7F;
    for (size_t i = 0; i <= plan.second; i++) {
        rig_population(rig, &plan, plan.hidden, RIG_HIDDEN);
        rig_project(rig, ET__SPK_DENSE, i, i + 1, 0, plan.bias, scale);
        if (plan.recurrent) rig_project(rig, ET__SPK_DENSE, i + 1, i + 1, 0, false, 0.5F * scale);
    }
    rig_population(rig, &plan, plan.output, RIG_OUT);
    rig->net.output = plan.second + 2;
    rig_project(rig, ET__SPK_DENSE, plan.second + 1, plan.second + 2, plan.delay, plan.bias, 0.7F);
    assert_ok(et__spk_finish(&rig->net));
    rig->learning = (struct et__spk_learning){
        .rule = rule, .surrogate = {ET__SURROGATE_SIGMOID, 0.4F, 1}, .through_reset = true, .k = 2};
    rig->n_in = RIG_IN * (plan.encoding == ET__SPK_FRAMES ? RIG_STEPS : 1);
    et_rng_fill_uniform(4, ET_STREAM_USER, 0, 0, 0, 1.5F, rig->x, RIG_ROWS * rig->n_in);
    if (plan.encoding == ET__SPK_POISSON)
        et_rng_fill_uniform(4, ET_STREAM_USER, 0, 0, 0, 1, rig->x, RIG_ROWS * rig->n_in);
}

static inline void rig_close(struct rig *rig)
{
    et__spk_lesson_destroy(&rig->lesson);
    et__spk_free(&rig->net);
}

static inline float rig_c(const struct rig *rig, size_t t, size_t r, size_t j)
{
    return rig->shift + sinf((float)(7 * t + 3 * r + 5 * j + 1));
}

static inline enum et_status rig_judge(void *user, size_t t, size_t n_steps, struct et_view y,
                                       struct et_view dy)
{
    struct rig *rig = user;
    ck_assert_uint_eq(n_steps, rig->net.steps);
    for (size_t r = 0; r < y.rows; r++)
        for (size_t j = 0; j < y.cols; j++) {
            float c = rig_c(rig, t, r, j);
            dy.data[r * dy.stride + j] = c;
            rig->loss += (double)c * (double)y.data[r * y.stride + j];
        }
    return ET_OK;
}

/* One pass; dknobs [n_knobs] and dx may be NULL.  Returns the loss. */
static inline double rig_teach(struct rig *rig, float *dknobs, float *dx)
{
    struct et_step step = {.seed = 9, .index = 2};
    struct et_teacher teacher = {rig_judge, rig};
    struct et_view gradient = et_view_of(dx, rig->rows, rig->n_in);
    rig->loss = 0;
    if (dknobs != NULL) memset(dknobs, 0, rig->net.n_knobs * sizeof *dknobs);
    assert_ok(et__spk_teach(&rig->lesson, &rig->net, &rig->learning, &step,
                            et_view_of(rig->x, rig->rows, rig->n_in), &teacher, gradient, dknobs));
    return rig->loss;
}

#endif
