/* SPDX-License-Identifier: Apache-2.0
 *
 * `etalon bench dynamics`: oscillator steps per second beside two things measured in the same
 * rounds, and steps of equations as text beside the same equation in C.
 *
 * Arithmetic limit: a slope of n phases takes two products with J, 4 n operations for each
 * oscillator, a step four slopes; the limit is what the processor makes of independent
 * multiplications and additions in registers (no fused ones: the kernels keep the same bits on
 * every processor).  Sines and the rest of a step count as loss.
 *
 * Peer: the same network in PyTorch (bench/peers/torch_oscillators.py), when it is installed. */
#include "bench.h"

#include "sim/kernels/brownian.h"
#include "sim/kernels/sde.h"

#include <etalon/array.h>
#include <etalon/parallel.h>
#include <etalon/rng.h>
#include <etalon/system.h>

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { ROUNDS = 3, BATCH = 256, STEPS = 100, THREADS_MAX = 2, PEAK_LOOPS = 400000 };

static const double target_of_limit = 0.5, target_over_torch = 1;

/* ------------------------------------------------------------------------ arithmetic limit -- */

typedef float vector __attribute__((vector_size(64)));

#define CHAINS(count)                                                                              \
    do {                                                                                           \
        vector sum[count];                                                                         \
        memcpy(sum, out, sizeof sum);                                                              \
        for (size_t i = 0; i < PEAK_LOOPS; i++)                                                    \
            for (size_t k = 0; k < (count); k++)                                                   \
                sum[k] = sum[k] * factor + summand;                                                \
        memcpy(out, sum, sizeof sum);                                                              \
    } while (0)

/* Chains enough to hide the latency on wide registers, few enough for narrow ones. */
ET_VECTOR_CLONES static void eight_chains(vector *out, float factor, float summand)
{
    CHAINS(8);
}

ET_VECTOR_CLONES static void six_chains(vector *out, float factor, float summand)
{
    CHAINS(6);
}

struct peak {
    vector sum[THREADS_MAX][8];
    bool eight;
};

static void run_peak(void *user, size_t i, size_t worker)
{
    struct peak *peak = user;
    (void)worker;
    if (peak->eight)
        eight_chains(peak->sum[i], 0.999F, 0.001F);
    else
        six_chains(peak->sum[i], 0.999F, 0.001F);
}

/* Operations per second of all threads. */
static double peak_rate(size_t threads)
{
    static struct peak peak;
    double best = 0;
    for (int eight = 0; eight < 2; eight++) {
        peak.eight = eight;
        double start = et_bench_now();
        et_parallel_for(threads, run_peak, &peak);
        double operations = (double)threads * PEAK_LOOPS * (eight ? 8 : 6) * 16 * 2;
        best = fmax(best, operations / (et_bench_now() - start));
    }
    return best;
}

/* ------------------------------------------------------------------------------- oscillators -- */

struct network {
    struct et_system *system;
    struct et_array x, y, dx;
    size_t n;
};

static enum et_status open_network(struct network *net, size_t n, const char *precision)
{
    char yaml[256];
    snprintf(yaml, sizeof yaml,
             "{type: oscillators, n: %zu, coupling: 1, duration: %g, dt: 0.05, precision: %s}", n,
             0.05 * STEPS, precision);
    net->n = n;
    ET_TRY(et_system_open_text(yaml, 1, &net->system));
    ET_TRY(et_array_create(&net->x, BATCH, n));
    ET_TRY(et_array_create(&net->y, BATCH, 2 * n));
    ET_TRY(et_array_create(&net->dx, BATCH, n));
    et_rng_fill_uniform(1, ET_STREAM_USER, 0, 0, -0.5F, 0.5F, net->x.data, BATCH * n);
    return ET_OK;
}

static void close_network(struct network *net)
{
    et_system_close(net->system);
    et_array_destroy(&net->x);
    et_array_destroy(&net->y);
    et_array_destroy(&net->dx);
}

/* Million oscillator steps per second of one batch, forward or there and back. */
static enum et_status network_rate(struct network *net, bool adjoint, double *rate)
{
    struct et_step step = {0};
    struct et_view x = et_array_view(&net->x), y = et_array_view(&net->y);
    double start = et_bench_now();
    if (adjoint)
        ET_TRY(et_system_vjp(net->system, &step, x, y, et_array_view(&net->dx), NULL));
    else
        ET_TRY(et_system_forward(net->system, &step, x, y));
    *rate = (double)BATCH * STEPS * (double)net->n / (et_bench_now() - start) / 1e6;
    return ET_OK;
}

/* The peer's rate, NAN when it is not installed. */
static double torch_rate(size_t n, size_t threads)
{
    static const char *const key = "million_per_s";
    char script[128];
    double rate;
    snprintf(script, sizeof script,
             "torch_oscillators.py --n %zu --batch %d --steps %d --seconds 1 --threads %zu", n,
             BATCH, STEPS, threads);
    et_bench_peer(script, &key, &rate, 1);
    return rate;
}

static enum et_status bench_network(struct et_bench *bench, size_t n, size_t threads,
                                    const char *precision, bool torch)
{
    struct network net = {0};
    double rates[ROUNDS], backs[ROUNDS], limits[ROUNDS], peers[ROUNDS], ratios[ROUNDS];
    char name[128];
    bool single = strcmp(precision, "single") == 0;
    et_parallel_set_threads(threads);
    enum et_status status = open_network(&net, n, precision);
    for (size_t round = 0; status == ET_OK && round < ROUNDS; round++) {
        status = network_rate(&net, false, &rates[round]);
        if (status == ET_OK) status = network_rate(&net, true, &backs[round]);
        limits[round] = peak_rate(threads) / (4 * 4 * (double)n) / 1e6 / (single ? 1 : 2);
        peers[round] = torch && (round == 0 || !isnan(peers[0])) ? torch_rate(n, threads) : NAN;
        ratios[round] = rates[round] / peers[round];
    }
    close_network(&net);
    if (status != ET_OK) return status;
    double rate = et_bench_median(rates, ROUNDS), limit = et_bench_median(limits, ROUNDS);
    snprintf(name, sizeof name, "%zu oscillators, %s, %zu thread%s, against arithmetic", n,
             precision, threads, threads > 1 ? "s" : "");
    et_bench_add(bench, name, rate, "Msteps/s", limit, rate / limit,
                 n >= 256 ? target_of_limit : NAN);
    if (torch && !isnan(peers[0]))
        et_bench_add(bench, "  against PyTorch", rate, "Msteps/s", et_bench_median(peers, ROUNDS),
                     et_bench_median(ratios, ROUNDS), target_over_torch);
    double back = et_bench_median(backs, ROUNDS);
    et_bench_add(bench, "  adjoint, against forward", back, "Msteps/s", rate, back / rate, NAN);
    return ET_OK;
}

/* ----------------------------------------------------------------------- equations as text -- */

static const char well[] = "{type: sde, variables: [{name: x, initial: 0.5, rate: x - x^3 + u0, "
                           "noise: [0.3]}], dt: 0.01, duration: 1}";

static void well_rates(void *user, double t, const double *y, double *f, double *g)
{
    (void)t;
    f[0] = y[0] - y[0] * y[0] * y[0] + *(const double *)user;
    g[0] = 0.3;
}

/* The same passes by the same steps and increments, the equation compiled. */
static void run_compiled(void *user, size_t sample, size_t worker)
{
    double input = 0, y = 0.5, work[16], dw;
    float z;
    const struct et__sde sde = {1, 1, well_rates, &input};
    (void)worker;
    et__sde_begin(&sde, ET__SDE_HEUN, 0, &y, work);
    for (uint64_t i = 0; i < STEPS; i++) {
        et__brownian(sample, 0, 1, i, 0, 0.01, &dw, &z);
        et__sde_step(&sde, ET__SDE_HEUN, 0.01 * (double)i, 0.01, &dw, &y, work);
    }
    ((float *)user)[sample] = (float)y;
}

static enum et_status bench_text(struct et_bench *bench, size_t threads)
{
    enum { PASSES = 4096 };
    static float x[PASSES], y[PASSES];
    struct et_system *system = NULL;
    struct et_step step = {0};
    double rates[ROUNDS], compiled[ROUNDS];
    char name[96];
    et_parallel_set_threads(threads);
    enum et_status status = et_system_open_text(well, 1, &system);
    if (status == ET_UNSUPPORTED) { /* this build has no muParser */
        et_error_clear();
        return ET_OK;
    }
    for (size_t round = 0; status == ET_OK && round < ROUNDS; round++) {
        double start = et_bench_now();
        status =
            et_system_forward(system, &step, et_view_of(x, PASSES, 1), et_view_of(y, PASSES, 1));
        double middle = et_bench_now();
        et_parallel_for(PASSES, run_compiled, y);
        rates[round] = 1e-6 * PASSES * STEPS / (middle - start);
        compiled[round] = 1e-6 * PASSES * STEPS / (et_bench_now() - middle);
    }
    et_system_close(system);
    if (status != ET_OK) return status;
    double rate = et_bench_median(rates, ROUNDS), limit = et_bench_median(compiled, ROUNDS);
    snprintf(name, sizeof name, "sde as text, %zu thread%s, against the equation in C", threads,
             threads > 1 ? "s" : "");
    et_bench_add(bench, name, rate, "Msteps/s", limit, rate / limit, NAN);
    return ET_OK;
}

enum et_status et_bench_dynamics(struct et_bench *bench)
{
    static const size_t sizes[] = {16, 64, 256, 1024};
    size_t all = et_parallel_threads();
    enum et_status status = ET_OK;
    for (size_t threads = 1; threads <= THREADS_MAX && threads <= all; threads++) {
        for (size_t k = 0; status == ET_OK && k < sizeof sizes / sizeof *sizes; k++)
            status = bench_network(bench, sizes[k], threads, "single", sizes[k] == 256);
        if (status == ET_OK) status = bench_network(bench, 256, threads, "double", false);
        if (status == ET_OK) status = bench_text(bench, threads);
    }
    et_parallel_set_threads(all);
    return status;
}
