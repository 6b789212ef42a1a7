/* SPDX-License-Identifier: Apache-2.0
 *
 * What spiking neurons send each other: encoders against their statistics, delays, convolutions
 * against their definition, and published spikes of a single neuron. */
#include "physics.h"
#include "spiking_trace.h"

#include <etalon/rng.h>
#include <etalon/system.h>

#include <math.h>
#include <stdio.h>

/* -------------------------------------------------------------------------- input, transport -- */

enum { TRAINS = 64, SAMPLES = 50, WINDOW = 100 };

/* Spike counts of independent Poisson inputs of probability p in a step, [SAMPLES][TRAINS]. */
static enum et_status counts(float p, float *count)
{
    struct et_system *system = NULL;
    struct et_step step = {.seed = 9};
    static float x[SAMPLES * TRAINS];
    for (size_t i = 0; i < SAMPLES * TRAINS; i++)
        x[i] = p;
    ET_TRY(et_system_open_text("{type: spiking, steps: 100, input: {n: 64, encoding: poisson}, "
                               "layers: [{synapse: one, neuron: relay, weights: constant}]}",
                               1, &system));
    enum et_status status = et_system_forward(system, &step, et_view_of(x, SAMPLES, TRAINS),
                                              et_view_of(count, SAMPLES, TRAINS));
    et_system_close(system);
    for (size_t i = 0; i < SAMPLES * TRAINS; i++)
        count[i] *= WINDOW;
    return status;
}

static double mean_of(const float *count)
{
    double sum = 0;
    for (size_t i = 0; i < SAMPLES * TRAINS; i++)
        sum += (double)count[i];
    return sum / (SAMPLES * TRAINS);
}

/* The mean of N counts of W tries is W p with the standard deviation sqrt(W p (1 - p) / N). */
static enum et_status poisson_rate(double *error)
{
    static float count[SAMPLES * TRAINS];
    *error = 0;
    for (int k = 1; k <= 4; k++) {
        double p = 0.2 * k, sd = sqrt(WINDOW * p * (1 - p) / (SAMPLES * TRAINS));
        ET_TRY(counts((float)p, count));
        *error = fmax(*error, fabs(mean_of(count) - WINDOW * p) / sd);
    }
    return ET_OK;
}

/* The Fano factor variance / mean is 1 - p; its standard deviation is about (1 - p) sqrt(2 / N). */
static enum et_status poisson_fano(double *error)
{
    static float count[SAMPLES * TRAINS];
    *error = 0;
    for (int k = 1; k <= 4; k++) {
        double p = 0.2 * k, sd = (1 - p) * sqrt(2.0 / (SAMPLES * TRAINS)), spread = 0;
        ET_TRY(counts((float)p, count));
        double mean = mean_of(count);
        for (size_t i = 0; i < SAMPLES * TRAINS; i++)
            spread += pow((double)count[i] - mean, 2);
        double fano = spread / (SAMPLES * TRAINS - 1) / mean;
        *error = fmax(*error, fabs(fano - (1 - p)) / sd);
    }
    return ET_OK;
}

/* One spike at step 3 through three synapses of delays 4, 0 and 7: 14, and once more for each
 * return of a loop of delay 9 + 1. */
static enum et_status delays(double *error)
{
    float x[50] = {[3] = 1};
    struct spikes spikes;
    ET_TRY(et__spiking_spikes(
        "steps: 50, input: {n: 1, encoding: frames}, layers: [{n: 1, neuron: if, "
        "weights: constant, gain: 2, delay: 4, reset: hard}, {n: 1, neuron: if, "
        "weights: constant, gain: 2, reset: hard, recurrent: true, recurrent_gain: 2, "
        "recurrent_delay: 9}, {n: 1, neuron: if, weights: constant, gain: 2, reset: "
        "hard, delay: 7}]",
        x, &spikes));
    const size_t wanted[] = {14, 24, 34, 44};
    *error = spikes.n > 4 ? (double)(spikes.n - 4) : 0;
    for (size_t i = 0; i < 4; i++)
        if (i >= spikes.n || spikes.at[i] != wanted[i]) *error += 1;
    return ET_OK;
}

/* ------------------------------------------------------------------------------- convolution -- */

struct window {
    size_t channels, kernel, stride, padding, dilation, groups;
};

enum { C_IN = 4, H_IN = 9, W_IN = 7, MAX_OUT = 2048 };

/* y [channels][h][w] of x [C_IN][H_IN][W_IN], by the definition. */
static void convolve(const struct window *c, size_t h, size_t w, const float *weight,
                     const float *x, double *y)
{
    size_t c_in = C_IN / c->groups, c_out = c->channels / c->groups;
    for (size_t o = 0; o < c->channels; o++)
        for (size_t i = 0; i < h * w; i++) {
            double sum = 0;
            for (size_t k = 0; k < c_in * c->kernel * c->kernel; k++) {
                size_t in = k / c->kernel / c->kernel, ky = k / c->kernel % c->kernel;
                size_t kx = k % c->kernel;
                size_t row = i / w * c->stride + ky * c->dilation - c->padding;
                size_t column = i % w * c->stride + kx * c->dilation - c->padding;
                if (row >= H_IN || column >= W_IN) continue; /* below 0 wraps to large */
                size_t channel = o / c_out * c_in + in;
                sum += (double)weight[o * c_in * c->kernel * c->kernel + k] *
                       (double)x[(channel * H_IN + row) * W_IN + column];
            }
            y[o * h * w + i] = sum;
        }
}

static enum et_status one_convolution(const struct window *c, double *error)
{
    struct et_system *system = NULL;
    struct et_step step = {.seed = 1};
    static float x[C_IN * H_IN * W_IN], y[MAX_OUT], weight[MAX_OUT];
    static double want[MAX_OUT];
    char yaml[512];
    size_t span = (c->kernel - 1) * c->dilation + 1;
    size_t h = (H_IN + 2 * c->padding - span) / c->stride + 1;
    size_t w = (W_IN + 2 * c->padding - span) / c->stride + 1;
    snprintf(yaml, sizeof yaml,
             "{type: spiking, steps: 1, input: {channels: 4, height: 9, width: 7}, layers: "
             "[{synapse: conv, neuron: relay, channels: %zu, kernel: %zu, stride: %zu, padding: "
             "%zu, dilation: %zu, groups: %zu}]}",
             c->channels, c->kernel, c->stride, c->padding, c->dilation, c->groups);
    et_rng_fill_normal(3, ET_STREAM_USER, 0, 0, x, C_IN * H_IN * W_IN);
    ET_TRY(et_system_open_text(yaml, 1, &system));
    const struct et_system_info *info = et_system_info(system);
    enum et_status status =
        info->n_out == c->channels * h * w && info->n_knobs <= MAX_OUT && info->n_out <= MAX_OUT
            ? et_system_get_knobs(system, weight, info->n_knobs)
            : et_error_set(ET_SHAPE, "%zu outputs instead of %zu", info->n_out,
                           c->channels * h * w);
    if (status == ET_OK)
        status = et_system_forward(system, &step, et_view_of(x, 1, C_IN * H_IN * W_IN),
                                   et_view_of(y, 1, info->n_out));
    convolve(c, h, w, weight, x, want);
    for (size_t i = 0; status == ET_OK && i < info->n_out; i++)
        *error = fmax(*error, fabs((double)y[i] - want[i]));
    et_system_close(system);
    return status;
}

static enum et_status convolution(double *error)
{
    static const struct window windows[] = {{6, 3, 1, 0, 1, 1}, {5, 3, 2, 1, 1, 1},
                                            {8, 2, 1, 2, 3, 2}, {4, 4, 3, 1, 1, 4},
                                            {6, 1, 2, 0, 1, 2}, {3, 5, 1, 2, 1, 1}};
    *error = 0;
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++)
        ET_TRY(one_convolution(&windows[i], error));
    return ET_OK;
}

/* ---------------------------------------------------------------------- published spike sets -- */

/* One LIF neuron of tau 2.5 ms and threshold 0.1 under the 34 input spikes of Pedersen et al.
 * (2024), one tenth of the 1000 steps of 0.1 ms may have one: which simulator it is decides the
 * output, and options reproduce each of them. */
static enum et_status published(const char *options, const size_t wanted[4], double *error)
{
    static const char input[] = "0000001000000000000000100001000110010100110111111111110000000000"
                                "000111111111111000001100000000000000";
    static float x[1000];
    struct spikes spikes;
    char network[512];
    for (size_t i = 0; i < 1000; i += 10)
        x[i] = input[i / 10] == '1' ? 1 : 0;
    snprintf(network, sizeof network,
             "steps: 1000, dt: 1e-4, input: {n: 1, encoding: frames}, layers: [{n: 1, tau: 2.5e-3, "
             "threshold: 0.1, weights: constant, %s}]",
             options);
    ET_TRY(et__spiking_spikes(network, x, &spikes));
    *error += spikes.n > 4 ? (double)(spikes.n - 4) : 0;
    for (size_t i = 0; i < 4; i++)
        if (i >= spikes.n || spikes.at[i] != wanted[i]) *error += 1;
    return ET_OK;
}

static enum et_status published_sets(double *error)
{
    *error = 0;
    ET_TRY(published("current: held", (const size_t[]){460, 510, 710, 760}, error));
    ET_TRY(published("current: held, integrator: euler, reset: hard",
                     (const size_t[]){460, 510, 710, 760}, error));
    ET_TRY(published("current: held, delay: 1", (const size_t[]){461, 511, 711, 761}, error));
    return published("current: kick, r: 0.04", (const size_t[]){450, 500, 710, 760}, error);
}

const struct et__physics_check et__physics_synapses[] = {
    {"spiking", "Poisson inputs: mean count", "sd", 3.5, poisson_rate},
    {"spiking", "Poisson inputs: Fano factor 1 - p", "sd", 3.5, poisson_fano},
    {"spiking", "delays and a loop: all spikes in their steps", "spikes", 0, delays},
    {"spiking", "convolution: stride, padding, dilation, groups, by definition", "1", 2e-6,
     convolution},
    {"spiking", "published spikes of one LIF, three simulators", "spikes", 0, published_sets},
    {0},
};
