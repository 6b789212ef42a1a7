/* SPDX-License-Identifier: Apache-2.0
 *
 * `etalon bench spiking`: training steps of 784-512-512-10 spiking neurons, batch 128, 20 % input
 * spikes, one thread, beside the same in PyTorch (bench/peers/torch_spiking.py) in the same rounds,
 * and the memory that they take.
 *
 * A training step is: T time steps forward, softmax cross-entropy in each, gradient, SGD.  Both
 * sides are timed by their own processor time, which other programs lengthen less. */
#include "bench.h"
#include "spiking_forward.h"
#include "spiking_networks.h"

#include "sim/spiking/learn.h"

#include <etalon/parallel.h>
#include <etalon/rng.h>
#include <etalon/system.h>

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { N_IN = 784, N_HIDDEN = 512, N_OUT = 10, BATCH = 128, ROUNDS = 3, REPEATS = 3, CASES = 5 };

static const size_t lengths[CASES] = {4, 10, 25, 50, 100};
static const double target_over_torch = 2;
static const double sltt_limit_MB = 8, bptt_limit_MB = 60;

static double cpu_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ------------------------------------------------------------------------- training steps -- */

struct network {
    struct et_system *system;
    size_t n_knobs;
    float *x, *knobs, *gradient;
};

/* Cross-entropy of a softmax over the outputs; the label of row r is r mod 10. */
static enum et_status judge(void *user, size_t t, size_t n_steps, struct et_view y,
                            struct et_view dy)
{
    (void)user;
    (void)t;
    for (size_t r = 0; r < y.rows; r++) {
        const float *from = y.data + r * y.stride;
        float *to = dy.data + r * dy.stride, most = from[0], sum = 0;
        for (size_t j = 1; j < y.cols; j++)
            most = fmaxf(most, from[j]);
        for (size_t j = 0; j < y.cols; j++)
            sum += to[j] = expf(from[j] - most);
        for (size_t j = 0; j < y.cols; j++)
            to[j] = (to[j] / sum - (float)(j == r % N_OUT)) / (float)(y.rows * n_steps);
    }
    return ET_OK;
}

/* tau = 1.1 steps by Euler: u = (1 - 1/1.1) v + I, as in the peer. */
static enum et_status open_network(struct network *net, const char *rule, size_t steps)
{
    char yaml[640];
    snprintf(yaml, sizeof yaml,
             "{type: spiking, steps: %zu, dt: 1e-3, integrator: euler, "
             "input: {n: %d, encoding: frames}, layers: ["
             "{n: %d, tau: 1.1e-3, weights: normal, gain: 1.2}, "
             "{n: %d, tau: 1.1e-3, weights: normal, gain: 2.5}, "
             "{n: %d, neuron: relay, weights: normal}], learning: {rule: %s}}",
             steps, N_IN, N_HIDDEN, N_HIDDEN, N_OUT, rule);
    ET_TRY(et_system_open_text(yaml, 1, &net->system));
    net->n_knobs = et_system_info(net->system)->n_knobs;
    size_t n = BATCH * steps * N_IN;
    if (!(net->x = et_alloc(n, sizeof *net->x))) return ET_NOMEM;
    if (!(net->knobs = et_alloc(net->n_knobs, sizeof *net->knobs))) return ET_NOMEM;
    if (!(net->gradient = et_alloc(net->n_knobs, sizeof *net->gradient))) return ET_NOMEM;
    et_rng_fill_uniform(1, ET_STREAM_USER, 0, 0, 0, 1, net->x, n);
    for (size_t i = 0; i < n; i++)
        net->x[i] = net->x[i] < 0.2F ? 1.0F : 0.0F;
    return et_system_get_knobs(net->system, net->knobs, net->n_knobs);
}

static void close_network(struct network *net)
{
    et_system_close(net->system);
    et_free(net->x);
    et_free(net->knobs);
    et_free(net->gradient);
}

static enum et_status train_step(struct network *net, size_t steps)
{
    struct et_step step = {0};
    struct et_teacher teacher = {judge, NULL};
    ET_TRY(et_system_teach(net->system, &step, et_view_of(net->x, BATCH, steps * N_IN), &teacher,
                           (struct et_view){0}, net->gradient));
    for (size_t i = 0; i < net->n_knobs; i++)
        net->knobs[i] -= 1e-3F * net->gradient[i];
    return et_system_set_knobs(net->system, net->knobs, net->n_knobs);
}

/* Processor milliseconds per training step. */
static enum et_status time_ours(const char *rule, size_t steps, double *ms)
{
    struct network net = {0};
    double times[REPEATS];
    enum et_status status = open_network(&net, rule, steps);
    if (status == ET_OK) status = train_step(&net, steps);
    for (size_t i = 0; status == ET_OK && i < REPEATS; i++) {
        double start = cpu_now();
        status = train_step(&net, steps);
        times[i] = 1e3 * (cpu_now() - start);
    }
    close_network(&net);
    if (status == ET_OK) *ms = et_bench_median(times, REPEATS);
    return status;
}

struct timings {
    double ours[2][CASES][ROUNDS], torch[2][CASES][ROUNDS];
};

static const char *const rules[] = {"sltt", "bptt"};

static enum et_status run_round(struct timings *timings, size_t round)
{
    char names[2 * CASES][16];
    const char *keys[2 * CASES];
    double values[2 * CASES];
    for (size_t i = 0; i < 2 * CASES; i++) {
        snprintf(names[i], sizeof names[i], "%s_%zu", rules[i / CASES], lengths[i % CASES]);
        keys[i] = names[i];
        ET_TRY(time_ours(rules[i / CASES], lengths[i % CASES],
                         &timings->ours[i / CASES][i % CASES][round]));
    }
    et_bench_peer("torch_spiking.py", keys, values, 2 * CASES);
    for (size_t i = 0; i < 2 * CASES; i++)
        timings->torch[i / CASES][i % CASES][round] = values[i];
    return ET_OK;
}

static void add_rows(struct et_bench *bench, struct timings *timings)
{
    for (size_t i = 0; i < 2 * CASES; i++) {
        double *ours = timings->ours[i / CASES][i % CASES], ratios[ROUNDS];
        double *torch = timings->torch[i / CASES][i % CASES];
        char name[96];
        for (size_t r = 0; r < ROUNDS; r++)
            ratios[r] = torch[r] / ours[r];
        bool peer = !isnan(torch[0]);
        snprintf(name, sizeof name, "%s, T = %zu, against PyTorch", rules[i / CASES],
                 lengths[i % CASES]);
        et_bench_add(bench, name, et_bench_median(ours, ROUNDS), "CPU ms/step",
                     peer ? et_bench_median(torch, ROUNDS) : NAN,
                     peer ? et_bench_median(ratios, ROUNDS) : NAN,
                     i < CASES ? target_over_torch : NAN);
    }
}

/* --------------------------------------------------------------------------------- memory -- */

static enum et_status add_population(struct et__spk_network *net, enum et__spk_kind kind, size_t n,
                                     size_t source)
{
    struct et__spk_population *population;
    struct et__spk_projection *projection;
    ET_TRY(et__spk_add_population(net, "layer", kind, n, 1, 1, &population));
    ET_TRY(et__spk_add_projection(net, "weights", ET__SPK_DENSE, source, source + 1, &projection));
    projection->tunable = true;
    return et__spk_alloc_weights(net, projection, false);
}

/* Megabytes of a training pass beside input, knobs and their gradient. */
static enum et_status measure(enum et__spk_rule rule, size_t steps, double *megabytes)
{
    struct et__spk_network net = {0};
    struct et__spk_lesson lesson = {0};
    struct et__spk_learning learning = {.rule = rule};
    enum et_status status = et__spk_begin(&net, 1e-3, steps, N_IN, 1, 1);
    net.encoder.kind = ET__SPK_FRAMES;
    net.output = 3;
    if (status == ET_OK) status = add_population(&net, ET__SPK_LIF, N_HIDDEN, 0);
    if (status == ET_OK) status = add_population(&net, ET__SPK_LIF, N_HIDDEN, 1);
    if (status == ET_OK) status = add_population(&net, ET__SPK_RELAY, N_OUT, 2);
    if (status == ET_OK) status = et__spk_finish(&net);
    if (status == ET_OK) status = et__spk_lesson_prepare(&lesson, &net, &learning, BATCH);
    *megabytes = 1e-6 * (double)lesson.bytes;
    et__spk_lesson_destroy(&lesson);
    et__spk_free(&net);
    return status;
}

static enum et_status bench_memory(struct et_bench *bench)
{
    double megabytes;
    char name[64];
    for (size_t i = 0; i < CASES; i += CASES - 1) {
        ET_TRY(measure(ET__SPK_SLTT, lengths[i], &megabytes));
        snprintf(name, sizeof name, "sltt, T = %zu, memory against 8 MB", lengths[i]);
        et_bench_add(bench, name, megabytes, "MB", sltt_limit_MB, sltt_limit_MB / megabytes, 1);
    }
    ET_TRY(measure(ET__SPK_BPTT, 100, &megabytes));
    et_bench_add(bench, "bptt, T = 100, memory against 60 MB", megabytes, "MB", bptt_limit_MB,
                 bptt_limit_MB / megabytes, 1);
    return ET_OK;
}

enum et_status et_bench_spiking(struct et_bench *bench)
{
    static struct timings timings;
    size_t all = et_parallel_threads();
    enum et_status status = ET_OK;
    et_parallel_set_threads(1);
    for (size_t round = 0; status == ET_OK && round < ROUNDS; round++)
        status = run_round(&timings, round);
    if (status == ET_OK) add_rows(bench, &timings);
    if (status == ET_OK) status = bench_memory(bench);
    et_parallel_set_threads(all);
    if (status == ET_OK) status = et_bench_spiking_forward(bench);
    if (status == ET_OK) status = et_bench_spiking_networks(bench);
    return status;
}
