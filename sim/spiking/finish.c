/* SPDX-License-Identifier: Apache-2.0
 *
 * The last step of building a network: everything is checked, and what the steps need is derived
 * (kernels/spiking.h has the formulas of the coefficients). */
#include "spiking/network.h"

#include <math.h>

/* ------------------------------------------------------------------------------ coefficients -- */

struct numbers {
    double m, v0, q0, q1, ms, ks;
};

static double at(const struct et__spk_population *p, enum et__spk_param param, size_t j)
{
    return p->param[param] != NULL ? (double)p->param[param][j] : 0;
}

/* 1 - (share that a leak leaves after dt). */
static double lost(const struct et__spk_population *p, double dt, double tau)
{
    return p->integrator == ET__SPK_EXACT ? -expm1(-dt / tau) : dt / tau;
}

static void cuba(const struct et__spk_population *p, double dt, size_t j, struct numbers *c)
{
    double tau = at(p, ET__SPK_TAU, j), tau_syn = at(p, ET__SPK_TAU_SYN, j);
    double r = at(p, ET__SPK_R, j), w_in = at(p, ET__SPK_W_IN, j);
    double drain = lost(p, dt, tau_syn), per_step = r * dt / tau;
    c->ms = 1 - drain;
    c->ks = p->drive == ET__SPK_HELD   ? w_in * drain
            : p->drive == ET__SPK_KICK ? w_in
                                       : w_in * c->ms;
    if (p->integrator == ET__SPK_EXACT) {
        /* (es - e) tau_syn / (tau_syn - tau) without cancellation: with d = dt (1/tau - 1/tau_syn),
         * es - e = es (1 - exp(-d)), and tau_syn / (tau_syn - tau) = (dt / tau) / d. */
        double d = dt / tau - dt / tau_syn;
        c->q0 = fabs(d) < 1e-12 ? per_step * c->ms : -per_step * c->ms * expm1(-d) / d;
        c->q1 = p->drive == ET__SPK_HELD   ? w_in * (r * lost(p, dt, tau) - c->q0)
                : p->drive == ET__SPK_KICK ? 0
                                           : w_in * c->q0;
    } else if (p->old_synapse) {
        c->q0 = per_step;
        c->q1 = p->drive == ET__SPK_EARLY_KICK ? per_step * w_in : 0;
    } else {
        c->q0 = per_step * c->ms;
        c->q1 = per_step * c->ks;
    }
}

static struct numbers linear(const struct et__spk_population *p, double dt, size_t j)
{
    struct numbers c = {.m = 1};
    double r = at(p, ET__SPK_R, j), held = r * dt;
    if (et__spk_uses(p->kind, ET__SPK_TAU)) {
        double share = lost(p, dt, at(p, ET__SPK_TAU, j));
        c.m = 1 - share;
        c.v0 = at(p, ET__SPK_V_LEAK, j) * share;
        held = r * share;
    }
    c.q1 = p->drive == ET__SPK_HELD ? held : p->drive == ET__SPK_KICK ? r : r * c.m;
    if (et__spk_uses(p->kind, ET__SPK_TAU_SYN)) cuba(p, dt, j, &c);
    return c;
}

static void put(const struct et__spk_population *p, enum et__spk_coefficient which, size_t j,
                double value)
{
    if (p->coefficient[which] != NULL) p->coefficient[which][j] = (float)value;
}

void et__spk_derive(const struct et__spk_network *net, struct et__spk_population *p)
{
    for (size_t j = 0; j < p->n; j++) {
        struct numbers c = linear(p, net->dt, j);
        put(p, ET__SPK_M, j, c.m);
        put(p, ET__SPK_V0, j, c.v0);
        put(p, ET__SPK_Q0, j, c.q0);
        put(p, ET__SPK_Q1, j, c.q1);
        put(p, ET__SPK_MS, j, c.ms);
        put(p, ET__SPK_KS, j, c.ks);
        if (p->kind == ET__SPK_ALIF)
            put(p, ET__SPK_MA, j, 1 - lost(p, net->dt, at(p, ET__SPK_TAU_A, j)));
        if (!et__spk_fires(p->kind)) continue;
        float threshold = p->param[ET__SPK_V_THRESHOLD][j], reset = p->param[ET__SPK_V_RESET][j];
        p->coefficient[ET__SPK_THETA][j] = p->reach ? nextafterf(threshold, -INFINITY) : threshold;
        p->coefficient[ET__SPK_DROP][j] = p->reset == ET__SPK_KEEP   ? 0
                                          : p->reset == ET__SPK_HARD ? reset
                                                                     : threshold - reset;
    }
}

static bool wants(enum et__spk_kind kind, size_t coefficient)
{
    switch (coefficient) {
    case ET__SPK_THETA:
    case ET__SPK_DROP:
        return et__spk_fires(kind);
    case ET__SPK_MA:
        return kind == ET__SPK_ALIF;
    case ET__SPK_Q0:
    case ET__SPK_MS:
    case ET__SPK_KS:
        return et__spk_uses(kind, ET__SPK_TAU_SYN);
    default:
        return et__spk_uses(kind, ET__SPK_R);
    }
}

/* ------------------------------------------------------------------------------- populations -- */

static enum et_status check_times(const struct et__spk_network *net,
                                  const struct et__spk_population *p)
{
    static const enum et__spk_param times[] = {ET__SPK_TAU, ET__SPK_TAU_SYN, ET__SPK_TAU_A};
    for (size_t i = 0; i < 3; i++) {
        const float *tau = p->param[times[i]];
        const char *name = et__spk_param_name(times[i]);
        for (size_t j = 0; tau != NULL && j < p->n; j++) {
            if (!((double)tau[j] > 0))
                return et_error_set(ET_INVALID, "population '%s': %s[%zu] = %g s is not above 0",
                                    p->name, name, j, (double)tau[j]);
            if (p->integrator == ET__SPK_EULER && net->dt > (double)tau[j] * (1 + 1e-6))
                return et_error_set(ET_INVALID,
                                    "population '%s': dt = %g s is above %s[%zu] = %g s: Euler "
                                    "steps would overshoot (unstable from 2 %s on); choose a "
                                    "smaller dt or integrator: exact",
                                    p->name, net->dt, name, j, (double)tau[j], name);
        }
    }
    return ET_OK;
}

static enum et_status check_numbers(const struct et__spk_population *p)
{
    for (size_t i = 0; i < ET__SPK_PARAMS; i++) {
        const char *name = et__spk_param_name((enum et__spk_param)i);
        bool positive = i == ET__SPK_G_LEAK || i == ET__SPK_DELTA;
        for (size_t j = 0; p->param[i] != NULL && j < p->n; j++) {
            double value = (double)p->param[i][j];
            if (!isfinite(value))
                return et_error_set(ET_INVALID, "population '%s': %s[%zu] = %g is not finite",
                                    p->name, name, j, value);
            if (positive && !(value > 0))
                return et_error_set(ET_INVALID, "population '%s': %s[%zu] = %g is not above 0",
                                    p->name, name, j, value);
        }
    }
    for (size_t j = 0; et__spk_fires(p->kind) && p->reset != ET__SPK_KEEP && j < p->n; j++)
        if (!(p->param[ET__SPK_V_RESET][j] < p->param[ET__SPK_V_THRESHOLD][j]))
            return et_error_set(ET_INVALID,
                                "population '%s': v_reset[%zu] = %g is not below v_threshold = %g",
                                p->name, j, (double)p->param[ET__SPK_V_RESET][j],
                                (double)p->param[ET__SPK_V_THRESHOLD][j]);
    return ET_OK;
}

static enum et_status finish_population(struct et__spk_network *net, size_t index)
{
    struct et__spk_population *p = &net->population[index];
    bool euler_only = p->kind == ET__SPK_ADEX || p->kind == ET__SPK_IZHIKEVICH;
    if ((p->kind == ET__SPK_INPUT) != (index == 0))
        return et_error_set(ET_INVALID, "population '%s': population 0 and no other is the input",
                            p->name);
    if (p->n == 0 || p->n != p->c * p->h * p->w)
        return et_error_set(ET_INVALID,
                            "population '%s': %zu neurons in a shape of %zu x %zu x %zu", p->name,
                            p->n, p->c, p->h, p->w);
    if (euler_only && p->integrator == ET__SPK_EXACT)
        return et_error_set(ET_INVALID,
                            "population '%s': %s has no exact solution; choose integrator: euler",
                            p->name, et__spk_kind_name(p->kind));
    if (euler_only && (p->drive != ET__SPK_HELD || p->reset != ET__SPK_HARD))
        return et_error_set(ET_INVALID,
                            "population '%s': %s has held currents and a hard reset only", p->name,
                            et__spk_kind_name(p->kind));
    if ((p->gain == NULL) != (p->shift == NULL))
        return et_error_set(ET_INVALID, "population '%s': gain and shift come together", p->name);
    ET_TRY(check_numbers(p));
    ET_TRY(check_times(net, p));
    for (size_t i = 0; i < ET__SPK_COEFFICIENTS; i++) {
        if (!wants(p->kind, i) || p->coefficient[i] != NULL) continue;
        if ((p->coefficient[i] = et_alloc(p->n, sizeof *p->coefficient[i])) == NULL)
            return ET_NOMEM;
    }
    et__spk_derive(net, p);
    return ET_OK;
}

/* ------------------------------------------------------------------------------- projections -- */

static enum et_status check_finite(const struct et__spk_projection *p, const char *what,
                                   const float *values, size_t n)
{
    for (size_t i = 0; values != NULL && i < n; i++)
        if (!isfinite(values[i]))
            return et_error_set(ET_INVALID, "projection '%s': %s[%zu] = %g is not finite", p->name,
                                what, i, (double)values[i]);
    return ET_OK;
}

static enum et_status check_windows(const struct et__spk_projection *p,
                                    const struct et__spk_population *pre,
                                    const struct et__spk_population *post)
{
    size_t reach_h = (post->h - 1) * p->stride_h, reach_w = (post->w - 1) * p->stride_w;
    if (p->kernel_h == 0 || p->kernel_w == 0 || p->stride_h == 0 || p->stride_w == 0 ||
        p->dilation_h == 0 || p->dilation_w == 0 || p->groups == 0)
        return et_error_set(ET_INVALID,
                            "projection '%s': kernel, stride, dilation and groups are "
                            "at least 1",
                            p->name);
    if (p->synapse == ET__SPK_POOL ? pre->c != post->c
                                   : pre->c % p->groups != 0 || post->c % p->groups != 0)
        return et_error_set(ET_INVALID,
                            "projection '%s': %zu channels to %zu channels in %zu groups", p->name,
                            pre->c, post->c, p->groups);
    /* Every window begins inside the padded input: a later one would see nothing. */
    if (reach_h >= pre->h + p->pad_h || reach_w >= pre->w + p->pad_w)
        return et_error_set(ET_INVALID,
                            "projection '%s': %zu x %zu outputs at a stride of %zu x %zu do not "
                            "fit an input of %zu x %zu with %zu x %zu padding",
                            p->name, post->h, post->w, p->stride_h, p->stride_w, pre->h, pre->w,
                            p->pad_h, p->pad_w);
    return ET_OK;
}

static enum et_status check_sparse(const struct et__spk_projection *p,
                                   const struct et__spk_population *pre,
                                   const struct et__spk_population *post)
{
    if (p->start == NULL || p->column == NULL || p->start[0] != 0)
        return et_error_set(ET_INVALID, "projection '%s': no list of synapses", p->name);
    for (size_t i = 0; i < pre->n; i++) {
        if (p->start[i + 1] < p->start[i])
            return et_error_set(ET_INVALID, "projection '%s': start[%zu] is below start[%zu]",
                                p->name, i + 1, i);
        for (size_t k = p->start[i]; k < p->start[i + 1]; k++)
            if (p->column[k] >= post->n || (k > p->start[i] && p->column[k] <= p->column[k - 1]))
                return et_error_set(
                    ET_INVALID,
                    "projection '%s': synapse %zu of neuron %zu ends at %u: targets "
                    "rise from 0 to %zu",
                    p->name, k - p->start[i], i, p->column[k], post->n - 1);
    }
    return ET_OK;
}

static enum et_status check_delays(const struct et__spk_network *net,
                                   const struct et__spk_projection *p, size_t *longest)
{
    *longest = 0;
    for (size_t j = 0; p->delays != NULL && j < net->population[p->target].n; j++)
        if (p->delays[j] > *longest) *longest = p->delays[j];
    if (p->delays != NULL && p->synapse != ET__SPK_ONE)
        return et_error_set(ET_INVALID, "projection '%s': delays of neurons need synapse: one",
                            p->name);
    if (p->delay >= net->steps || *longest >= net->steps)
        return et_error_set(ET_INVALID,
                            "projection '%s': a delay of %zu steps in a pass of %zu: nothing would "
                            "arrive",
                            p->name, p->delay >= net->steps ? p->delay : *longest, net->steps);
    return ET_OK;
}

static enum et_status finish_projection(struct et__spk_network *net, struct et__spk_projection *p)
{
    if (p->source >= net->n_populations || p->target >= net->n_populations || p->target == 0)
        return et_error_set(ET_INVALID,
                            "projection '%s': from population %zu to %zu of %zu (0 is "
                            "the input)",
                            p->name, p->source, p->target, net->n_populations);
    struct et__spk_population *pre = &net->population[p->source];
    const struct et__spk_population *post = &net->population[p->target];
    bool windows = p->synapse == ET__SPK_CONV || p->synapse == ET__SPK_POOL;
    size_t longest;
    if (windows) ET_TRY(check_windows(p, pre, post));
    if (p->synapse == ET__SPK_SPARSE) ET_TRY(check_sparse(p, pre, post));
    if (p->synapse == ET__SPK_ONE && pre->n != post->n)
        return et_error_set(ET_INVALID,
                            "projection '%s': neuron to neuron, from %zu to %zu neurons", p->name,
                            pre->n, post->n);
    if (p->weight == NULL && p->synapse != ET__SPK_POOL && p->synapse != ET__SPK_ONE)
        return et_error_set(ET_INVALID, "projection '%s' has no weights", p->name);
    if (p->tunable && p->weight == NULL)
        return et_error_set(ET_INVALID, "projection '%s' is tunable and has no weights", p->name);
    ET_TRY(check_delays(net, p, &longest));
    size_t weights = et__spk_weights(net, p), biases = et__spk_biases(net, p);
    ET_TRY(check_finite(p, "weight", p->weight, weights));
    ET_TRY(check_finite(p, "bias", p->bias, biases));
    p->lag = p->delay + (p->source >= p->target ? 1 : 0);
    if (pre->slots < p->lag + longest + 1) pre->slots = p->lag + longest + 1;
    p->first_knob = net->n_knobs;
    if (p->tunable) net->n_knobs += weights + (p->bias != NULL ? biases : 0);
    if (p->used == NULL) p->used = p->weight;
    if (p->synapse == ET__SPK_CONV && p->packed == NULL &&
        (p->packed = et_alloc(weights, sizeof *p->packed)) == NULL)
        return ET_NOMEM;
    return ET_OK;
}

/* A relay does not change when all that it hears does not. */
static void find_constants(struct et__spk_network *net)
{
    net->population[0].constant =
        net->encoder.kind == ET__SPK_CURRENT && net->population[0].slots == 1;
    for (size_t i = 1; i < net->n_populations; i++) {
        struct et__spk_population *p = &net->population[i];
        p->constant = p->kind == ET__SPK_RELAY && p->slots == 1;
        for (size_t k = 0; k < net->n_projections; k++)
            if (net->projection[k].target == i &&
                !net->population[net->projection[k].source].constant)
                p->constant = false;
    }
}

enum et_status et__spk_finish(struct et__spk_network *net)
{
    if (!(net->dt > 0) || !isfinite(net->dt))
        return et_error_set(ET_INVALID, "dt = %g s is not above 0", net->dt);
    if (net->steps == 0) return et_error_set(ET_INVALID, "steps = 0: a pass has at least one");
    if (net->n_populations < 2 || net->output == 0 || net->output >= net->n_populations)
        return et_error_set(ET_INVALID, "no population to read: output %zu of %zu", net->output,
                            net->n_populations);
    double chance = net->encoder.rate * net->dt;
    if (net->encoder.kind == ET__SPK_POISSON && !(chance >= 0 && chance <= 1 + 1e-9))
        return et_error_set(ET_INVALID,
                            "rate = %g Hz gives %g spikes in a step of %g s: at most 1 fits",
                            net->encoder.rate, chance, net->dt);
    for (size_t i = 0; i < net->n_populations; i++) {
        net->population[i].slots = 1;
        ET_TRY(finish_population(net, i));
    }
    net->n_knobs = 0;
    for (size_t i = 0; i < net->n_projections; i++)
        ET_TRY(finish_projection(net, &net->projection[i]));
    find_constants(net);
    et__spk_refresh(net);
    return ET_OK;
}
