/* SPDX-License-Identifier: Apache-2.0
 *
 * The neurons written plainly, in double precision, from the differential equations: exact steps
 * are many small Runge-Kutta steps, so nothing of kernels/spiking.c is used here. */
#include "kernels/spiking.h"

#include <math.h>

enum { SUBSTEPS = 256 };

/* Parameters of one neuron, and its state y = (v, i). */
struct cell {
    double tau, r, v_leak, tau_syn, w_in;
    bool leaks, synapse;
};

static double number(const struct et__spk_population *p, enum et__spk_param param, size_t j)
{
    return p->param[param] != NULL ? (double)p->param[param][j] : 0;
}

static void slopes(const struct cell *c, const double y[2], double x, double dy[2])
{
    double drive = c->r * (c->synapse ? y[1] : x);
    dy[0] = c->leaks ? (c->v_leak - y[0] + drive) / c->tau : drive;
    dy[1] = c->synapse ? (c->w_in * x - y[1]) / c->tau_syn : 0;
}

static void runge_kutta(const struct cell *c, double y[2], double x, double h)
{
    double k[4][2], at[2];
    for (int stage = 0; stage < 4; stage++) {
        double reach = stage == 0 ? 0 : stage == 3 ? h : h / 2;
        for (int i = 0; i < 2; i++)
            at[i] = stage == 0 ? y[i] : y[i] + reach * k[stage - 1][i];
        slopes(c, at, x, k[stage]);
    }
    for (int i = 0; i < 2; i++)
        y[i] += h / 6 * (k[0][i] + 2 * k[1][i] + 2 * k[2][i] + k[3][i]);
}

static void euler(const struct cell *c, double y[2], double x, double dt, double kick, double early,
                  bool old_synapse)
{
    double before[2] = {y[0], y[1]}, dy[2];
    if (c->synapse) before[1] += early;
    slopes(c, before, x, dy);
    double current = before[1] + dt * dy[1] + kick, seen[2] = {before[0], current};
    if (c->synapse && !old_synapse) slopes(c, seen, x, dy);
    y[0] = before[0] + dt * dy[0];
    y[1] = current;
}

/* One step of a linear membrane: a kick changes what the current acts on, v or (CUBA) i. */
static void advance(const struct et__spk_population *p, const struct cell *c, double dt, double x,
                    double y[2])
{
    double jump = x * (c->synapse ? c->w_in : c->r);
    double held = p->drive == ET__SPK_HELD ? x : 0;
    double kick = p->drive == ET__SPK_KICK ? jump : 0;
    double early = p->drive == ET__SPK_EARLY_KICK ? jump : 0;
    if (!c->synapse) y[0] += early;
    if (p->integrator == ET__SPK_EULER) {
        euler(c, y, held, dt, c->synapse ? kick : 0, early, p->old_synapse);
    } else {
        if (c->synapse) y[1] += early;
        for (int i = 0; i < SUBSTEPS; i++)
            runge_kutta(c, y, held, dt / SUBSTEPS);
        if (c->synapse) y[1] += kick;
    }
    if (!c->synapse) y[0] += kick;
}

static double adex(const struct et__spk_population *p, size_t j, double dt, double x, double v,
                   double *w)
{
    double g = number(p, ET__SPK_G_LEAK, j), delta = number(p, ET__SPK_DELTA, j);
    double from_rest = v - number(p, ET__SPK_V_LEAK, j), capacity = number(p, ET__SPK_TAU, j) * g;
    double flow = -g * from_rest + g * delta * exp((v - number(p, ET__SPK_V_KNEE, j)) / delta);
    double u = v + dt / capacity * (flow - *w + x);
    *w += dt / number(p, ET__SPK_TAU_A, j) * (number(p, ET__SPK_A, j) * from_rest - *w);
    return u;
}

static double izhikevich(const struct et__spk_population *p, size_t j, double dt, double x,
                         double v, double *w)
{
    double u = v + 1000 * dt * (0.04 * v * v + 5 * v + 140 - *w + x);
    *w += 1000 * dt * number(p, ET__SPK_A, j) * (number(p, ET__SPK_B, j) * v - *w);
    return u;
}

static double membrane(const struct et__spk_population *p, double dt,
                       const struct et__spk_neurons *neurons, size_t j, double x, double *w)
{
    double v = (double)neurons->v[j];
    if (p->kind == ET__SPK_ADEX) return adex(p, j, dt, x, v, w);
    if (p->kind == ET__SPK_IZHIKEVICH) return izhikevich(p, j, dt, x, v, w);
    struct cell c = {.tau = number(p, ET__SPK_TAU, j),
                     .r = number(p, ET__SPK_R, j),
                     .v_leak = number(p, ET__SPK_V_LEAK, j),
                     .tau_syn = number(p, ET__SPK_TAU_SYN, j),
                     .w_in = number(p, ET__SPK_W_IN, j),
                     .leaks = et__spk_uses(p->kind, ET__SPK_TAU),
                     .synapse = et__spk_uses(p->kind, ET__SPK_TAU_SYN)};
    double y[2] = {v, c.synapse ? (double)neurons->syn[j] : 0};
    advance(p, &c, dt, x, y);
    if (c.synapse) neurons->syn[j] = (float)y[1];
    return y[0];
}

/* What a spike leaves behind in the adaptation. */
static double adapted(const struct et__spk_population *p, double dt, size_t j, double w, double s)
{
    double tau = number(p, ET__SPK_TAU_A, j);
    if (p->kind == ET__SPK_ADEX) return w + s * number(p, ET__SPK_BETA, j);
    if (p->kind == ET__SPK_IZHIKEVICH) return w + s * number(p, ET__SPK_D, j);
    return (p->integrator == ET__SPK_EXACT ? exp(-dt / tau) : 1 - dt / tau) * w + s;
}

static void neuron(const struct et__spk_population *p, double dt,
                   const struct et__spk_neurons *neurons, size_t j)
{
    double x = (double)neurons->current[j], w = neurons->adapt ? (double)neurons->adapt[j] : 0;
    if (p->gain != NULL) x = (double)p->gain[j] * x + (double)p->shift[j];
    if (p->kind == ET__SPK_RELAY) {
        neurons->s[j] = (float)x;
        return;
    }
    double threshold = number(p, ET__SPK_V_THRESHOLD, j), reset = number(p, ET__SPK_V_RESET, j);
    if (p->kind == ET__SPK_ALIF) threshold += number(p, ET__SPK_BETA, j) * w;
    double u = membrane(p, dt, neurons, j, x, &w), after = u;
    bool fires = et__spk_fires(p->kind), held = neurons->rest != NULL && neurons->rest[j] > 0;
    if (held) u = after = (double)neurons->v[j];
    bool spike = fires && !held && (p->reach ? u >= threshold : u > threshold);
    if (spike && p->reset == ET__SPK_SOFT) after = u - (number(p, ET__SPK_V_THRESHOLD, j) - reset);
    if (spike && p->reset == ET__SPK_HARD) after = reset;
    if (neurons->rest != NULL)
        neurons->rest[j] = held ? neurons->rest[j] - 1 : spike ? (float)p->refractory : 0;
    if (neurons->adapt != NULL) neurons->adapt[j] = (float)adapted(p, dt, j, w, spike ? 1 : 0);
    neurons->u[j] = (float)u;
    neurons->v[j] = (float)after;
    neurons->s[j] = !fires ? (float)u : spike ? 1 : 0;
}

void et__spk_update_reference(const struct et__spk_population *p, double dt,
                              const struct et__spk_neurons *neurons)
{
    for (size_t j = 0; j < p->n; j++)
        neuron(p, dt, neurons, j);
}
