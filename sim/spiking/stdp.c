/* SPDX-License-Identifier: Apache-2.0
 *
 * Spike-timing-dependent plasticity.  With traces that jump by 1 at a spike and decay,
 *
 *     r1, r2   of the source (tau_plus, tau_x)      o1, o2   of the target (tau_minus, tau_y)
 *
 * a spike of the target raises a weight by  r1 (A2+ + A3+ o2),
 * a spike of the source lowers it by        o1 (A2- + A3- r2);
 *
 * r1 and o1 with the spikes of the step itself for the rise and without them for the fall (spikes
 * of one step count as source before target), r2 and o2 from before the step.  Without the A3
 * terms a pair that is `lag` apart changes a weight by A2+ e^(-lag/tau_plus) or
 * -A2- e^(-|lag|/tau_minus).  The source's spikes arrive after the projection's delay.
 *
 * Modulated: an eligibility e <- e^(-dt/tau_e) e + change is multiplied by a reward R[t] and
 * summed.  With the rewards of a pass known, the sum is that of the changes times
 * Rbar[t] = R[t] + e^(-dt/tau_e) Rbar[t + 1]: no eligibility has to be kept.  The reward is
 * R[t] = -sum over the outputs of dL/dy y: how fast the loss falls when what the network says now
 * is said louder.  Without modulation Rbar = 1, whatever the judge says.
 *
 * A pass returns minus the mean change over the samples, which an optimiser then follows.
 * Source: Pfister and Gerstner, J. Neurosci. 26:9673 (2006); Izhikevich, Cereb. Cortex 17:2443
 * (2007). */
#include "spiking/learn.h"

#include <etalon/parallel.h>

#include <math.h>
#include <string.h>

/* Traces of one projection, and what its weights are told in a step: [rows][n] each. */
struct traces {
    float *r1, *r2, *o1, *o2, *rise, *fall, *pre;
};

struct pass {
    struct et__spk_lesson *lesson;
    const struct et__spk_network *net;
    const struct et__spk_learning *learning;
    struct et__spk_pass spikes;
    float *reward; /* [steps][rows] R, then Rbar */
    size_t rows;
};

static double decay(double dt, double tau)
{
    return exp(-dt / tau);
}

/* ------------------------------------------------------------------------------- rewards -- */

static void reward_step(const struct pass *pass, size_t t)
{
    size_t n = pass->net->population[pass->net->output].n;
    const float *y = pass->lesson->y.data, *dy = pass->lesson->dy.data;
    bool modulated = pass->learning->plasticity.tau_eligibility > 0;
    for (size_t r = 0; r < pass->rows; r++) {
        float sum = 0;
        for (size_t j = 0; j < n; j++)
            sum -= dy[r * n + j] * y[r * n + j];
        pass->reward[t * pass->rows + r] = modulated ? sum : 1 / (float)pass->rows;
    }
}

static void accumulate_rewards(const struct pass *pass)
{
    const struct et__spk_plasticity *a = &pass->learning->plasticity;
    if (!(a->tau_eligibility > 0)) return;
    const float keep = (float)decay(pass->net->dt, a->tau_eligibility);
    for (size_t t = pass->net->steps - 1; t-- > 0;)
        for (size_t r = 0; r < pass->rows; r++)
            pass->reward[t * pass->rows + r] += keep * pass->reward[(t + 1) * pass->rows + r];
}

/* -------------------------------------------------------------------------------- changes -- */

static void destroy(struct traces *traces)
{
    et_free(traces->r1);
    et_free(traces->r2);
    et_free(traces->o1);
    et_free(traces->o2);
    et_free(traces->rise);
    et_free(traces->fall);
    et_free(traces->pre);
}

static enum et_status create(struct traces *traces, size_t n_pre, size_t n_post)
{
    traces->r1 = et_alloc(n_pre, sizeof(float));
    traces->r2 = et_alloc(n_pre, sizeof(float));
    traces->pre = et_alloc(n_pre, sizeof(float));
    traces->o1 = et_alloc(n_post, sizeof(float));
    traces->o2 = et_alloc(n_post, sizeof(float));
    traces->rise = et_alloc(n_post, sizeof(float));
    traces->fall = et_alloc(n_post, sizeof(float));
    bool whole = traces->r1 && traces->r2 && traces->pre && traces->o1 && traces->o2 &&
                 traces->rise && traces->fall;
    return whole ? ET_OK : ET_NOMEM;
}

/* Source spikes s (NULL: none yet) before the products: falls use o1 and r2 of before the step. */
static void follow_source(const struct pass *pass, struct traces *traces, const float *s, size_t n)
{
    const struct et__spk_plasticity *a = &pass->learning->plasticity;
    const float keep1 = (float)decay(pass->net->dt, a->tau_plus);
    const float keep2 = (float)decay(pass->net->dt, a->tau_x);
    for (size_t j = 0; j < n; j++) {
        float spike = s != NULL ? s[j] : 0;
        traces->r1[j] = keep1 * traces->r1[j] + spike;
        float slow = keep2 * traces->r2[j];
        traces->pre[j] = spike * (float)(a->a2_minus + a->a3_minus * (double)slow);
        traces->r2[j] = slow + spike;
    }
}

static void follow_target(const struct pass *pass, struct traces *traces, const float *s,
                          const float *reward, size_t n)
{
    const struct et__spk_plasticity *a = &pass->learning->plasticity;
    const float keep1 = (float)decay(pass->net->dt, a->tau_minus);
    const float keep2 = (float)decay(pass->net->dt, a->tau_y);
    for (size_t j = 0; j < pass->rows * n; j++) {
        float fast = keep1 * traces->o1[j], slow = keep2 * traces->o2[j], r = reward[j / n];
        traces->rise[j] = r * s[j] * (float)(a->a2_plus + a->a3_plus * (double)slow);
        traces->fall[j] = r * fast;
        traces->o1[j] = fast + s[j];
        traces->o2[j] = slow + s[j];
    }
}

static const float *spikes_at(const struct pass *pass, size_t population, size_t t)
{
    return et__spk_past(pass->lesson, pass->net, pass->learning, &pass->spikes, population, t,
                        pass->rows);
}

/* -change of one projection, added to dw. */
static void change(const struct pass *pass, const struct et__spk_projection *p,
                   struct traces *traces, float *dw)
{
    size_t rows = pass->rows;
    size_t n_pre = pass->net->population[p->source].n, n_post = pass->net->population[p->target].n;
    struct et_view out = et_view_of(dw, n_pre, n_post);
    for (size_t t = 0; t < pass->net->steps; t++) {
        follow_source(pass, traces, t < p->lag ? NULL : spikes_at(pass, p->source, t - p->lag),
                      rows * n_pre);
        follow_target(pass, traces, spikes_at(pass, p->target, t), pass->reward + t * rows, n_post);
        et_gemm(ET_TRANSPOSED, ET_PLAIN, -1, et_view_of(traces->r1, rows, n_pre),
                et_view_of(traces->rise, rows, n_post), 1, out);
        et_gemm(ET_TRANSPOSED, ET_PLAIN, 1, et_view_of(traces->pre, rows, n_pre),
                et_view_of(traces->fall, rows, n_post), 1, out);
    }
}

enum et_status et__spk_stdp(struct et__spk_lesson *lesson, struct et__spk_network *net,
                            const struct et__spk_learning *learning, const struct et_step *step,
                            struct et_view x, const struct et_teacher *teacher, float *dknobs)
{
    struct pass pass = {lesson, net, learning, {step, x, 0}, NULL, x.rows};
    size_t n_out = net->population[net->output].n;
    pass.reward = et_alloc(net->steps * x.rows, sizeof *pass.reward);
    if (pass.reward == NULL) return ET_NOMEM;
    enum et_status status = ET_OK;
    for (size_t t = 0; status == ET_OK && t < net->steps; t++) {
        et__spk_step_forward(lesson, net, learning, &pass.spikes, t, x.rows);
        status =
            teacher->judge(teacher->user, t, net->steps, et_view_of(lesson->y.data, x.rows, n_out),
                           et_view_of(lesson->dy.data, x.rows, n_out));
        if (status == ET_OK) reward_step(&pass, t);
    }
    if (status == ET_OK) accumulate_rewards(&pass);
    for (size_t k = 0; status == ET_OK && dknobs != NULL && k < net->n_projections; k++) {
        const struct et__spk_projection *p = &net->projection[k];
        struct traces traces = {0};
        if (!p->tunable || p->weight == NULL) continue;
        status = create(&traces, x.rows * net->population[p->source].n,
                        x.rows * net->population[p->target].n);
        if (status == ET_OK) change(&pass, p, &traces, dknobs + p->first_knob);
        destroy(&traces);
    }
    et_free(pass.reward);
    return status;
}
