/* SPDX-License-Identifier: Apache-2.0
 *
 * Spiking neurons against solutions in closed form and against an integration of their equations
 * that shares nothing with the simulator. */
#include "physics.h"
#include "spiking_trace.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>

/* --------------------------------------------------------------------------------- membranes -- */

/* v(t) = r I (1 - exp(-t/tau)): the exact step at any dt, here tau / 2.5. */
static enum et_status exact_membrane(double *error)
{
    static struct trace trace;
    const double tau = 20e-3, dt = 8e-3, current = 0.7;
    const float x[] = {0.7F};
    ET_TRY(et__spiking_trace(
        "{type: spiking, steps: 40, dt: 8e-3, input: {n: 1}, layers: [{n: 1, neuron: lif, "
        "tau: 20e-3, current: held, weights: constant}]}",
        x, &trace));
    *error = 0;
    for (size_t t = 0; t < trace.n; t++) {
        double want = -current * expm1(-(double)(t + 1) * dt / tau);
        *error = fmax(*error, fabs((double)trace.value[t] - want) / current);
    }
    return ET_OK;
}

/* |measured order - 1| of Euler steps at t = tau. */
static enum et_status euler_order(double *error)
{
    static struct trace trace;
    double miss[2];
    const float x[] = {1};
    for (int fine = 0; fine < 2; fine++) {
        char yaml[256];
        size_t steps = fine ? 80 : 40;
        snprintf(yaml, sizeof yaml,
                 "{type: spiking, steps: %zu, dt: %.9g, integrator: euler, input: {n: 1}, layers: "
                 "[{n: 1, neuron: li, tau: 20e-3, current: held, weights: constant}]}",
                 steps, 20e-3 / (double)steps);
        ET_TRY(et__spiking_trace(yaml, x, &trace));
        miss[fine] = fabs((double)trace.value[steps - 1] + expm1(-1));
    }
    *error = fabs(log2(miss[0] / miss[1]) - 1);
    return ET_OK;
}

/* A spike at step 0 kicks the synaptic current to w; k steps later
 * v = r w tau_syn / (tau_syn - tau) (exp(-k dt/tau_syn) - exp(-k dt/tau)). */
static enum et_status double_exponential(double *error)
{
    static struct trace trace;
    const double tau = 10e-3, tau_syn = 4e-3, dt = 1e-3;
    double peak = 0;
    float x[60] = {1};
    ET_TRY(et__spiking_trace(
        "{type: spiking, steps: 60, input: {n: 1, encoding: frames}, layers: [{n: 1, "
        "neuron: cuba-lif, tau: 10e-3, tau_syn: 4e-3, weights: constant, gain: 0.8, r: "
        "1.5}]}",
        x, &trace));
    *error = 0;
    for (size_t k = 0; k < trace.n; k++) {
        double t = (double)k * dt, scale = 1.5 * 0.8 * tau_syn / (tau_syn - tau);
        double want = scale * (exp(-t / tau_syn) - exp(-t / tau));
        peak = fmax(peak, want);
        *error = fmax(*error, fabs((double)trace.value[k] - want));
    }
    *error /= peak;
    return ET_OK;
}

/* ------------------------------------------------------------------------------------ firing -- */

/* With a hard reset to 0 a constant current makes a spike every n steps, where n is the first with
 * r I (1 - exp(-n dt/tau)) > threshold, plus the refractory steps: all spikes of 24 currents must
 * be there. */
static enum et_status firing(double refractory, double *error)
{
    const double tau = 10e-3, dt = 0.5e-3, threshold = 1;
    *error = 0;
    for (int k = 0; k < 24; k++) {
        double current = 1.03 + 0.17 * k;
        const float x[] = {(float)current};
        struct spikes spikes;
        char network[256];
        snprintf(network, sizeof network,
                 "steps: 2000, dt: 0.5e-3, input: {n: 1}, layers: [{n: 1, tau: 10e-3, current: "
                 "held, reset: hard, weights: constant, refractory: %g}]",
                 refractory);
        ET_TRY(et__spiking_spikes(network, x, &spikes));
        size_t rise = (size_t)floor(-tau / dt * log1p(-threshold / (double)x[0])) + 1;
        size_t period = rise + (size_t)lround(refractory / dt), wanted = 0;
        for (size_t t = rise - 1; t < 2000 && wanted < MAX_SPIKES; t += period, wanted++)
            if (wanted >= spikes.n || spikes.at[wanted] != t) *error += 1;
        *error += wanted < spikes.n ? (double)(spikes.n - wanted) : 0;
    }
    return ET_OK;
}

static enum et_status rate_of_current(double *error)
{
    return firing(0, error);
}

static enum et_status refractoriness(double *error)
{
    return firing(3e-3, error);
}

/* The steady state of a neuron whose threshold rises by beta with each spike: between spikes n
 * steps apart a starts at 1 / (1 - q^n), q = exp(-dt/tau_a), decays n - 1 steps, and
 * r I (1 - exp(-n dt/tau)) just exceeds 1 + beta a.  The mean interval lies within a step of that
 * real n. */
static enum et_status adaptation(double *error)
{
    const double tau = 10e-3, dt = 0.5e-3, beta = 0.3, q = exp(-dt / 0.1);
    const float x[] = {4};
    struct spikes spikes;
    double low = 1, high = 1000;
    ET_TRY(et__spiking_spikes(
        "steps: 4000, dt: 0.5e-3, input: {n: 1}, layers: [{n: 1, neuron: alif, tau: "
        "10e-3, current: held, reset: hard, weights: constant, tau_a: 0.1, beta: 0.3}]",
        x, &spikes));
    while (high - low > 1e-9) {
        double n = (low + high) / 2;
        bool reached = -4 * expm1(-n * dt / tau) > 1 + beta * pow(q, n - 1) / (1 - pow(q, n));
        *(reached ? &high : &low) = n;
    }
    size_t half = spikes.n / 2;
    if (spikes.n < 40) return et_error_set(ET_NUMERIC, "%zu spikes are too few", spikes.n);
    double mean =
        (double)(spikes.at[spikes.n - 1] - spikes.at[half]) / (double)(spikes.n - 1 - half);
    *error = fabs(mean - high);
    return ET_OK;
}

/* -------------------------------------------------------------------------- AdEx, Izhikevich -- */

/* d(v, w)/dt of one neuron. */
struct model {
    void (*slopes)(const double *parameters, const double y[2], double dy[2]);
    const double *parameters;
    double peak, reset, jump; /* at the peak v = reset and w += jump */
    double h;                 /* step of Runge and Kutta */
};

static void adex_slopes(const double *c, const double y[2], double dy[2])
{
    /* c = capacity, g_leak, E_L, V_T, delta, a, tau_w, current */
    dy[0] = (-c[1] * (y[0] - c[2]) + c[1] * c[4] * exp((y[0] - c[3]) / c[4]) - y[1] + c[7]) / c[0];
    dy[1] = (c[5] * (y[0] - c[2]) - y[1]) / c[6];
}

static void izhikevich_slopes(const double *c, const double y[2], double dy[2])
{
    /* c = a, b, current; ms and mV */
    dy[0] = 0.04 * y[0] * y[0] + 5 * y[0] + 140 - y[1] + c[2];
    dy[1] = c[0] * (c[1] * y[0] - y[1]);
}

static size_t integrate(const struct model *m, double v, double w, double duration, double *times)
{
    size_t n = 0;
    double y[2] = {v, w}, k[4][2], at[2];
    for (double t = 0; t < duration && n < MAX_SPIKES; t += m->h) {
        for (int stage = 0; stage < 4; stage++) {
            double reach = stage == 0 ? 0 : stage == 3 ? m->h : m->h / 2;
            for (int i = 0; i < 2; i++)
                at[i] = fmin(y[i] + (stage > 0 ? reach * k[stage - 1][i] : 0),
                             i == 0 ? m->peak + fabs(m->peak) : INFINITY);
            m->slopes(m->parameters, at, k[stage]);
        }
        for (int i = 0; i < 2; i++)
            y[i] += m->h / 6 * (k[0][i] + 2 * k[1][i] + 2 * k[2][i] + k[3][i]);
        if (!(y[0] > m->peak)) continue;
        times[n++] = t + m->h;
        y[0] = m->reset;
        y[1] += m->jump;
    }
    return n;
}

/* The mean of how late the spikes are; 1 s when their number differs.  A spike at the very end may
 * be on either side. */
static double disagreement(const struct spikes *got, double dt, const double *times, size_t n)
{
    double late = 0;
    size_t both = got->n < n ? got->n : n;
    if (both < 3 || got->n > n + 1 || n > got->n + 1) return 1;
    for (size_t i = 0; i < both; i++)
        late += (double)(got->at[i] + 1) * dt - times[i];
    return fabs(late) / (double)both;
}

/* |measured order - 1| of the spike times under Euler steps of dt and dt / 2, the worst of some
 * cells; cell k at dt: the disagreement of its spikes. */
static enum et_status order_of_spikes(enum et_status (*cell)(size_t k, double dt, double *late),
                                      size_t cells, double dt, double *error)
{
    *error = 0;
    for (size_t k = 0; k < cells; k++) {
        double coarse, fine;
        ET_TRY(cell(k, dt, &coarse));
        ET_TRY(cell(k, dt / 2, &fine));
        *error = fmax(*error, fabs(log2(coarse / fine) - 1));
    }
    return ET_OK;
}

/* Tonic, adapting and initially bursting neurons of Naud et al. (2008), 0.2 s. */
static enum et_status adex_cell(size_t k, double dt, double *late)
{
    static const struct {
        double c[8], reset, jump;
    } cells[] = {
        {{200e-12, 10e-9, -70e-3, -50e-3, 2e-3, 2e-9, 30e-3, 500e-12}, -58e-3, 0},
        {{200e-12, 12e-9, -70e-3, -50e-3, 2e-3, 2e-9, 300e-3, 500e-12}, -58e-3, 60e-12},
        {{130e-12, 18e-9, -58e-3, -50e-3, 2e-3, 4e-9, 150e-3, 400e-12}, -50e-3, 120e-12},
    };
    static double times[MAX_SPIKES];
    const float x[] = {1};
    const double *c = cells[k].c;
    struct model m = {adex_slopes, c, 0, cells[k].reset, cells[k].jump, 1e-6};
    struct spikes spikes;
    char network[512];
    snprintf(network, sizeof network,
             "steps: %.0f, dt: %g, integrator: euler, input: {n: 1}, layers: [{n: 1, neuron: adex, "
             "weights: constant, gain: %g, tau: %.9g, g_leak: %g, v_leak: %g, v_knee: %g, delta: "
             "%g, a: %g, tau_a: %g, beta: %g, v_reset: %g, threshold: 0}]",
             round(0.2 / dt), dt, c[7], c[0] / c[1], c[1], c[2], c[3], c[4], c[5], c[6],
             cells[k].jump, cells[k].reset);
    ET_TRY(et__spiking_spikes(network, x, &spikes));
    *late = disagreement(&spikes, dt, times, integrate(&m, c[2], 0, 0.2, times));
    return ET_OK;
}

static enum et_status adex(double *error)
{
    return order_of_spikes(adex_cell, 3, 1e-5, error);
}

/* Regular spiking, fast spiking and chattering of Izhikevich (2003), 150 ms. */
static enum et_status izhikevich_cell(size_t k, double dt, double *late)
{
    static const double cells[][4] = {{0.02, 0.2, -65, 8}, {0.1, 0.2, -65, 2}, {0.02, 0.2, -50, 2}};
    static double times[MAX_SPIKES];
    const float x[] = {10};
    const double *c = cells[k], parameters[] = {c[0], c[1], 10};
    struct model m = {izhikevich_slopes, parameters, 30, c[2], c[3], 1e-3};
    struct spikes spikes;
    char network[512];
    snprintf(network, sizeof network,
             "steps: %.0f, dt: %g, integrator: euler, input: {n: 1}, layers: [{n: 1, neuron: "
             "izhikevich, weights: constant, a: %g, b: %g, v_reset: %g, d: %g}]",
             round(150 / dt), 1e-3 * dt, c[0], c[1], c[2], c[3]);
    ET_TRY(et__spiking_spikes(network, x, &spikes));
    *late = disagreement(&spikes, dt, times, integrate(&m, c[2], c[1] * c[2], 150, times));
    return ET_OK;
}

static enum et_status izhikevich(double *error)
{
    return order_of_spikes(izhikevich_cell, 3, 0.01, error);
}

const struct et__physics_check et__physics_spiking[] = {
    {"spiking", "LIF, constant current: membrane, exact steps of 0.4 tau", "1", 1e-6,
     exact_membrane},
    {"spiking", "leaky integrator: order 1 of Euler steps", "orders", 0.02, euler_order},
    {"spiking", "CUBA-LIF, one spike: difference of two exponentials", "1", 1e-6,
     double_exponential},
    {"spiking", "LIF, 24 currents: all spikes against the closed form", "spikes", 0,
     rate_of_current},
    {"spiking", "the same with a refractory time of 3 ms", "spikes", 0, refractoriness},
    {"spiking", "adaptive LIF: steady interval against its equation", "steps", 1, adaptation},
    {"spiking", "AdEx, 3 published cells: order 1 of spike times, Runge-Kutta", "orders", 0.2,
     adex},
    {"spiking", "Izhikevich, 3 published cells: the same", "orders", 0.2, izhikevich},
    {0},
};
