/* SPDX-License-Identifier: Apache-2.0
 *
 * Coupled oscillators against solutions in closed form. */
#include "physics.h"

#include <etalon/system.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

static const double pi = 3.14159265358979323846;

/* One pass of a network of the given configuration on zeros (x = NULL) or x [rows][n_in]. */
static enum et_status run(const char *yaml, const float *x, size_t rows, float *y, size_t n_out)
{
    struct et_system *system = NULL;
    struct et_step step = {.seed = 3};
    struct et_array zeros = {0};
    ET_TRY(et_system_open_text(yaml, 1, &system));
    size_t n_in = et_system_info(system)->n_in;
    enum et_status status = et_array_create(&zeros, rows, n_in);
    if (status == ET_OK && x) memcpy(zeros.data, x, rows * n_in * sizeof *x);
    if (status == ET_OK)
        status =
            et_system_forward(system, &step, et_array_view(&zeros), et_view_of(y, rows, n_out));
    et_array_destroy(&zeros);
    et_system_close(system);
    return status;
}

/* ---------------------------------------------------------------------------------- accuracy -- */

/* |measured order - 4| from the errors at two steps against a fine one. */
static enum et_status order(const char *network, double coarse, double *error)
{
    const double dt[3] = {coarse, coarse / 2, coarse / 16};
    float y[3][10];
    double far = 0, near = 0;
    for (size_t k = 0; k < 3; k++) {
        char yaml[256];
        snprintf(yaml, sizeof yaml,
                 "{type: oscillators, n: 5, phases: [0.3, -0.5, 0.8, 0.1, -0.9], duration: 3.2, "
                 "dt: %.17g, precision: double, %s}",
                 dt[k], network);
        ET_TRY(run(yaml, NULL, 1, y[k], 10));
    }
    for (size_t i = 0; i < 10; i++) {
        far += pow((double)y[0][i] - (double)y[2][i], 2);
        near += pow((double)y[1][i] - (double)y[2][i], 2);
    }
    *error = fabs(log2(sqrt(far / near)) - 4);
    return ET_OK;
}

static enum et_status phase_order(double *error)
{
    return order("coupling: 3, frequencies: [-3, 2, 5, 1, -4]", 0.1, error);
}

static enum et_status pendulum_order(double *error)
{
    return order("model: pendulum, coupling: 2", 0.2, error);
}

/* ------------------------------------------------------------------------------ two phases -- */

/* psi = phi_1 - phi_0 obeys dpsi/dt = D - K sin psi, D = w_1 - w_0: below K = D it locks at
 * arcsin(D / K). */
static enum et_status locking(double *error)
{
    float y[2];
    ET_TRY(run("{type: oscillators, n: 2, coupling: 2, frequencies: [-0.6, 0.9], initial: zero, "
               "duration: 40, output: phase, precision: double}",
               NULL, 1, y, 2));
    *error = fabs((double)y[1] - (double)y[0] - asin(1.5 / 2));
    return ET_OK;
}

/* Beyond it the two drift: with W = sqrt(D^2 - K^2) and psi(0) = 0,
 * D tan(psi / 2) = K + W tan(W t / 2 - arctan(K / W)). */
static enum et_status drifting(double *error)
{
    const double difference = 2.5, coupling = 2, t = 7;
    double w = sqrt(difference * difference - coupling * coupling);
    double half = atan((coupling + w * tan(w * t / 2 - atan(coupling / w))) / difference);
    float y[2];
    ET_TRY(run("{type: oscillators, n: 2, coupling: 2, frequencies: [-1, 1.5], initial: zero, "
               "duration: 7, dt: 0.01, output: phase, precision: double}",
               NULL, 1, y, 2));
    *error = fabs(remainder((double)y[1] - (double)y[0] - 2 * half, 2 * pi));
    return ET_OK;
}

/* -------------------------------------------------------------------------------- many phases --
 */

/* Inverse of the normal distribution's function, by bisection. */
static double normal_quantile(double p)
{
    double low = -9, high = 9;
    for (int i = 0; i < 60; i++) {
        double middle = (low + high) / 2;
        if (0.5 * erfc(-middle / sqrt(2)) < p)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Frequencies from the normal distribution of sd 1: with many oscillators the order r solves
 * 1 = K integral over (-pi/2, pi/2) of cos^2(a) g(K r sin a) da, which has no solution below the
 * threshold K = 2 / (pi g(0)) = 1.596. */
static double kuramoto_order(double coupling)
{
    enum { POINTS = 2000 };
    double low = 0, high = 1;
    for (int round = 0; round < 50; round++) {
        double r = (low + high) / 2, sum = 0;
        for (int k = 0; k < POINTS; k++) {
            double a = pi * ((k + 0.5) / POINTS - 0.5), w = coupling * r * sin(a);
            sum += cos(a) * cos(a) * exp(-w * w / 2) / sqrt(2 * pi) * pi / POINTS;
        }
        if (coupling * sum > 1)
            low = r;
        else
            high = r;
    }
    return low;
}

static enum et_status synchronisation(double coupling, double *error)
{
    enum { N = 400 };
    static char yaml[N * 14 + 300];
    static float y[N];
    int length = snprintf(yaml, sizeof yaml,
                          "{type: oscillators, n: %d, coupling: %g, duration: 60, settle: 30, "
                          "dt: 0.1, output: order, frequencies: [",
                          N, coupling);
    for (int i = 0; i < N; i++)
        length += snprintf(yaml + length, sizeof yaml - (size_t)length, "%s%.9f", i ? ", " : "",
                           normal_quantile((i + 0.5) / N));
    snprintf(yaml + length, sizeof yaml - (size_t)length, "]}");
    ET_TRY(run(yaml, NULL, 1, y, N));
    double square = 0;
    for (size_t i = 0; i < N; i++)
        square += (double)y[i] / N;
    *error = fabs(sqrt(square) - kuramoto_order(coupling));
    return ET_OK;
}

static enum et_status above_threshold(double *error)
{
    return synchronisation(2.2, error);
}

static enum et_status below_threshold(double *error)
{
    return synchronisation(0.8, error);
}

/* With J symmetric the phases' sum grows by the sum of the frequencies alone. */
static enum et_status sum_of_phases(double *error)
{
    enum { N = 40 };
    float start[N], end[N];
    double sum = 0;
    ET_TRY(run("{type: oscillators, n: 40, topology: random, coupling_spread: 3, duration: 1e-9, "
               "frequency: 0.5, output: phase, precision: double}",
               NULL, 1, start, N));
    ET_TRY(run("{type: oscillators, n: 40, topology: random, coupling_spread: 3, duration: 20, "
               "frequency: 0.5, output: phase, precision: double}",
               NULL, 1, end, N));
    for (size_t i = 0; i < N; i++)
        sum += (double)end[i] - (double)start[i] - 0.5 * 20;
    *error = fabs(sum) / N;
    return ET_OK;
}

/* ----------------------------------------------------------------------- pendula and noise -- */

/* The period of a free pendulum, 2 pi / agm(1, cos(q0 / 2)), after which it is back. */
static enum et_status pendulum_period(double *error)
{
    double a = 1, g = cos(1.0);
    for (int i = 0; i < 20; i++) {
        double mean = (a + g) / 2;
        g = sqrt(a * g);
        a = mean;
    }
    char yaml[256];
    float y[2];
    snprintf(yaml, sizeof yaml,
             "{type: oscillators, model: pendulum, n: 2, coupling: 0, phases: [2, 0], "
             "output: phase, dt: 0.01, duration: %.17g, precision: double}",
             2 * pi / a);
    ET_TRY(run(yaml, NULL, 1, y, 2));
    /* Back at rest the error is of second order in time: seen at a quarter, where q = 0. */
    snprintf(yaml, sizeof yaml,
             "{type: oscillators, model: pendulum, n: 2, coupling: 0, phases: [2, 0], "
             "output: phase, dt: 0.01, duration: %.17g, precision: double}",
             pi / (2 * a));
    float quarter[2];
    ET_TRY(run(yaml, NULL, 1, quarter, 2));
    *error = fmax(fabs((double)y[0] - 2), fabs((double)quarter[0]));
    return ET_OK;
}

/* Free noisy phases are random walks: variance noise^2 t. */
static enum et_status diffusion(double *error)
{
    enum { N = 32, ROWS = 1000 };
    static float y[ROWS * N];
    double square = 0;
    ET_TRY(run("{type: oscillators, n: 32, coupling: 0, initial: zero, noise: 0.7, duration: 2, "
               "output: phase}",
               NULL, ROWS, y, N));
    for (size_t i = 0; i < ROWS * N; i++)
        square += (double)y[i] * (double)y[i];
    *error = fabs(square / (ROWS * N) / (0.7 * 0.7 * 2) - 1);
    return ET_OK;
}

/* Injection at twice the frequency: dphi/dt = - S sin 2 phi, tan phi = tan phi_0 exp(-2 S t). */
static enum et_status injection(double *error)
{
    float y[2];
    ET_TRY(run("{type: oscillators, n: 2, coupling: 0, phases: [1.2, 2.2], injection: 0.8, "
               "duration: 1.5, output: phase, dt: 0.01}",
               NULL, 1, y, 2));
    double decay = exp(-2 * 0.8 * 1.5);
    *error = fmax(fabs((double)y[0] - atan(tan(1.2) * decay)),
                  fabs((double)y[1] - pi - atan(tan(2.2) * decay)));
    return ET_OK;
}

const struct et__physics_check et__physics_oscillators[] = {
    {"oscillators", "order of the steps, phases: 4", "1", 0.15, phase_order},
    {"oscillators", "order of the steps, pendula: 4", "1", 0.15, pendulum_order},
    {"oscillators", "two phases locked: difference arcsin(D / K)", "rad", 1e-6, locking},
    {"oscillators", "two phases adrift: closed form", "rad", 1e-6, drifting},
    {"oscillators", "order of 400 phases, K = 2.2: Kuramoto's integral", "1", 1e-2,
     above_threshold},
    {"oscillators", "order of 400 phases, K = 0.8, below threshold: 0", "1", 0.15, below_threshold},
    {"oscillators", "sum of the phases, symmetric couplings", "rad", 1e-6, sum_of_phases},
    {"oscillators", "injection S sin 2 phi: closed form", "rad", 1e-6, injection},
    {"oscillators", "pendulum: period by elliptic integral", "rad", 1e-6, pendulum_period},
    {"oscillators", "noise: variance of a free phase", "1", 0.03, diffusion},
    {0},
};
