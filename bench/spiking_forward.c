/* SPDX-License-Identifier: Apache-2.0
 *
 * Passes of spiking networks, encoding and neurons included, beside the time that et_gemm takes
 * for the matrix products alone which a simulator blind to sparsity would make.  Processor time of
 * one thread, both in the same rounds. */
#include "spiking_forward.h"

#include <etalon/array.h>
#include <etalon/parallel.h>
#include <etalon/rng.h>
#include <etalon/system.h>

#include <math.h>
#include <stdio.h>
#include <time.h>

enum { FORWARD_ROUNDS = 5, PRODUCTS = 3 };

static double cpu_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* A network, and its products [rows batch][in] x [in][out] in one step. */
static const struct forward_case {
    const char *name, *yaml;
    size_t batch, steps;
    float rate; /* spikes of an input per step */
    struct {
        size_t rows, in, out;
    } products[PRODUCTS];
} cases[] = {
    {"forward 784-512-512-10, T = 100, 20 % input spikes",
     "{type: spiking, steps: 100, dt: 1e-3, integrator: euler, input: {n: 784, encoding: poisson}, "
     "layers: [{n: 512, tau: 1.1e-3, weights: normal, gain: 1.2}, {n: 512, tau: 1.1e-3, weights: "
     "normal, gain: 2.5}, {n: 10, neuron: relay, weights: normal}]}",
     128,
     100,
     0.2F,
     {{1, 784, 512}, {1, 512, 512}, {1, 512, 10}}},
    {"forward 784-512-512-10, T = 100, 2 % input spikes",
     "{type: spiking, steps: 100, dt: 1e-3, integrator: euler, input: {n: 784, encoding: poisson}, "
     "layers: [{n: 512, tau: 1.1e-3, weights: normal, gain: 4}, {n: 512, tau: 1.1e-3, weights: "
     "normal, gain: 4}, {n: 10, neuron: relay, weights: normal}]}",
     128,
     100,
     0.02F,
     {{1, 784, 512}, {1, 512, 512}, {1, 512, 10}}},
    {"forward, two convolutions 3 x 3 of 2-16-32 channels, T = 10, 5 % input spikes",
     "{type: spiking, steps: 10, dt: 1e-3, input: {channels: 2, height: 28, width: 28, encoding: "
     "poisson}, layers: [{synapse: conv, channels: 16, padding: 1, weights: normal, gain: 4}, "
     "{synapse: conv, channels: 32, padding: 1, weights: normal, gain: 3}]}",
     8,
     10,
     0.05F,
     {{784, 18, 16}, {784, 144, 32}}},
};
enum { FORWARD_CASES = sizeof cases / sizeof *cases };

static enum et_status time_pass(const struct forward_case *c, double *ms)
{
    struct et_system *system = NULL;
    struct et_array x = {0}, y = {0};
    struct et_step step = {.seed = 1};
    ET_TRY(et_system_open_text(c->yaml, 1, &system));
    const struct et_system_info *info = et_system_info(system);
    enum et_status status = et_array_create(&x, c->batch, info->n_in);
    if (status == ET_OK) status = et_array_create(&y, c->batch, info->n_out);
    for (size_t i = 0; status == ET_OK && i < c->batch * info->n_in; i++)
        x.data[i] = c->rate;
    /* The first pass warms the caches up. */
    for (size_t pass = 0; status == ET_OK && pass < 2; pass++) {
        double start = cpu_now();
        status = et_system_forward(system, &step, et_array_view(&x), et_array_view(&y));
        *ms = 1e3 * (cpu_now() - start);
    }
    et_array_destroy(&x);
    et_array_destroy(&y);
    et_system_close(system);
    return status;
}

static enum et_status time_products(const struct forward_case *c, double *ms)
{
    *ms = 0;
    for (size_t i = 0; i < PRODUCTS && c->products[i].rows > 0; i++) {
        struct et_array a = {0}, b = {0}, out = {0};
        size_t rows = c->products[i].rows * c->batch;
        enum et_status status = et_array_create(&a, rows, c->products[i].in);
        if (status == ET_OK) status = et_array_create(&b, c->products[i].in, c->products[i].out);
        if (status == ET_OK) status = et_array_create(&out, rows, c->products[i].out);
        if (status == ET_OK) {
            et_rng_fill_normal(1, ET_STREAM_USER, 0, 0, b.data, b.rows * b.cols);
            et_gemm(ET_PLAIN, ET_PLAIN, 1, et_array_view(&a), et_array_view(&b), 0,
                    et_array_view(&out));
            double start = cpu_now();
            for (size_t t = 0; t < c->steps; t++)
                et_gemm(ET_PLAIN, ET_PLAIN, 1, et_array_view(&a), et_array_view(&b), 0,
                        et_array_view(&out));
            *ms += 1e3 * (cpu_now() - start);
        }
        et_array_destroy(&a);
        et_array_destroy(&b);
        et_array_destroy(&out);
        ET_TRY(status);
    }
    return ET_OK;
}

static enum et_status run_case(struct et_bench *bench, const struct forward_case *c)
{
    double ours[FORWARD_ROUNDS], dense[FORWARD_ROUNDS], ratios[FORWARD_ROUNDS];
    char name[128];
    for (size_t round = 0; round < FORWARD_ROUNDS; round++) {
        ET_TRY(time_pass(c, &ours[round]));
        ET_TRY(time_products(c, &dense[round]));
        ratios[round] = dense[round] / ours[round];
    }
    snprintf(name, sizeof name, "%s, against its dense products", c->name);
    et_bench_add(bench, name, et_bench_median(ours, FORWARD_ROUNDS), "CPU ms",
                 et_bench_median(dense, FORWARD_ROUNDS), et_bench_median(ratios, FORWARD_ROUNDS),
                 NAN);
    return ET_OK;
}

enum et_status et_bench_spiking_forward(struct et_bench *bench)
{
    size_t threads = et_parallel_threads();
    enum et_status status = ET_OK;
    et_parallel_set_threads(1);
    for (size_t i = 0; status == ET_OK && i < FORWARD_CASES; i++)
        status = run_case(bench, &cases[i]);
    et_parallel_set_threads(threads);
    return status;
}
