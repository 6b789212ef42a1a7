/* SPDX-License-Identifier: Apache-2.0
 *
 * The plain version of the oscillator kernel: the equations as they stand in oscillators.h, pair by
 * pair with the library's sine, one sample, double precision. */
#include "oscillators.h"

#include <etalon/rng.h>

#include <math.h>
#include <string.h>

static double input_of(const struct et__osc *o, enum et__osc_input input, const float *x, size_t i)
{
    return o->input == input && i < o->n_in ? o->gain * (double)x[i] : 0;
}

static void slope_of(const struct et__osc *o, const float *x, const double *y, double *slope)
{
    bool pendulum = o->model == ET__OSC_PENDULUM;
    double *force = pendulum ? slope + o->n : slope;
    for (size_t i = 0; i < o->n; i++) {
        double stiffness = pendulum ? o->stiffness : 0;
        force[i] = o->bias[i] + input_of(o, ET__OSC_RATE, x, i) -
                   (stiffness + input_of(o, ET__OSC_DRIVE, x, i)) * sin(y[i]) -
                   o->injection * sin(2 * y[i]);
    }
    for (size_t e = 0; e < o->n_edges; e++) {
        size_t i = o->ends[e][0], j = o->ends[e][1];
        double pull = o->coupling[e] * (pendulum ? sin(y[j]) - sin(y[i]) : sin(y[j] - y[i]));
        force[i] += pull;
        force[j] -= pull;
    }
    for (size_t i = 0; pendulum && i < o->n; i++) {
        slope[i] = y[o->n + i];
        force[i] -= o->damping * y[o->n + i];
    }
}

struct stage {
    double ahead, weight;
};
static const struct stage runge_kutta[] = {
    {0, 1.0 / 6}, {0.5, 1.0 / 3}, {0.5, 1.0 / 3}, {1, 1.0 / 6}};
static const struct stage heun[] = {{0, 0.5}, {1, 0.5}};

/* One step from y [m]; next, slope and at are scratch. */
static void step(const struct et__osc *o, const float *x, double *y, const double *kick,
                 double *next, double *slope, double *at)
{
    size_t m = o->model == ET__OSC_PENDULUM ? 2 * o->n : o->n, noisy = m - o->n;
    bool noise = o->noise > 0;
    size_t stages = noise ? 2 : 4;
    memcpy(next, y, m * sizeof *y);
    for (size_t k = 0; k < stages; k++) {
        struct stage stage = noise ? heun[k] : runge_kutta[k];
        for (size_t i = 0; i < m; i++)
            at[i] = y[i] + (k > 0 ? stage.ahead * o->dt * slope[i] : 0) +
                    (k > 0 && noise && i >= noisy ? kick[i - noisy] : 0);
        slope_of(o, x, at, slope);
        for (size_t i = 0; i < m; i++)
            next[i] += stage.weight * o->dt * slope[i];
    }
    for (size_t i = 0; i < m; i++)
        y[i] = next[i] + (noise && i >= noisy ? kick[i - noisy] : 0);
}

static void add_order(const struct et__osc *o, const double *y, double *mean)
{
    double s = 0, c = 0;
    for (size_t i = 0; i < o->n; i++) {
        s += sin(y[i]) / (double)o->n;
        c += cos(y[i]) / (double)o->n;
    }
    for (size_t i = 0; i < o->n; i++)
        mean[i] += c * cos(y[i]) + s * sin(y[i]);
}

void et__osc_reference(const struct et__osc *o, const float *x, uint64_t seed, uint32_t index,
                       double *work, double *y)
{
    size_t n = o->n, first = n - o->n_read;
    double *state = work, *next = work + 2 * n, *slope = work + 4 * n, *at = work + 6 * n,
           *kick = work + 8 * n, *mean = work + 9 * n;
    memset(work, 0, 12 * n * sizeof *work);
    for (size_t i = 0; i < n; i++)
        state[i] = o->initial[i] + input_of(o, ET__OSC_START, x, i);
    for (size_t t = 0; t < o->steps; t++) {
        for (size_t i = 0; o->noise > 0 && i < n; i++) {
            float normal;
            et_rng_fill_normal(seed, ET_STREAM_NOISE, index, t * n + i, &normal, 1);
            kick[i] = o->noise * sqrt(o->dt) * (double)normal;
        }
        step(o, x, state, kick, next, slope, at);
        if (o->output == ET__OSC_ORDER && t >= o->settle) add_order(o, state, mean);
    }
    slope_of(o, x, state, slope);
    for (size_t i = 0; i < o->n_read; i++) {
        double angle = state[first + i];
        switch (o->output) {
        case ET__OSC_VECTOR:
            y[i] = cos(angle);
            y[o->n_read + i] = sin(angle);
            break;
        case ET__OSC_COSINE:
            y[i] = cos(angle);
            break;
        case ET__OSC_SINE:
            y[i] = sin(angle);
            break;
        case ET__OSC_ANGLE:
            y[i] = angle;
            break;
        case ET__OSC_SPEED:
            y[i] = slope[first + i];
            break;
        case ET__OSC_ORDER:
            y[i] = mean[first + i] / (double)(o->steps - o->settle);
            break;
        }
    }
}
