/* SPDX-License-Identifier: Apache-2.0
 *
 * Training speed of local-ce on 784-1000-1000 at batch 128 (random data), and what it consists of.
 *
 * Peer: the same training in PyTorch (bench/peers/torch_train.py), run in turns with ours when it
 * is installed, with as many threads and with one: the better counts. */
#include "bench.h"

#include "training/run.h"

#include <etalon/parallel.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 128, ROUNDS = 5, WARM_UP = 5 };

static const double round_s = 3;
static const double target_over_torch = 1.5;

static const char experiment[] =
    "experiment: bench\n"
    "dataset: {type: rings, d: 784, n: 10240, classes: 10}\n"
    "features: {scale: none}\n"
    "layers: [{width: 1000, activation: relu}, {width: 1000, activation: relu}]\n"
    "method: {type: forward-forward, objective: local-ce, batch: 128, epochs: 1000000,\n"
    "         refresh: false}\n";

struct timing {
    size_t batches;
    double first, gemm_first, last, gemm_last;
};

/* Stops the training after a round's time. */
static enum et_status count_batch(struct et_trainer *trainer)
{
    struct timing *timing = trainer->user;
    timing->last = et_bench_now();
    timing->gemm_last = et_gemm_seconds();
    if (++timing->batches == WARM_UP) {
        timing->first = timing->last;
        timing->gemm_first = timing->gemm_last;
    }
    bool enough = timing->batches > WARM_UP && timing->last - timing->first > round_s;
    return enough ? ET_INTERRUPTED : ET_OK;
}

/* One round: samples per second, and the share of all threads' time spent in matrix products. */
static enum et_status time_ours(struct et__setup *setup, double *rate, double *gemm_share)
{
    struct et_trainer trainer;
    struct timing timing = {0};
    const struct et_method_type *method = et__method_find("forward-forward");
    enum et_status status = et__setup_begin_seed(setup, 0, &trainer);
    if (status == ET_OK) {
        trainer.tick = count_batch;
        trainer.user = &timing;
        status = method->train(&trainer);
    }
    et__setup_end_seed(setup, &trainer);
    if (status != ET_INTERRUPTED) return status;
    double elapsed = timing.last - timing.first;
    double threads = (double)et_parallel_threads();
    *rate = BATCH * (double)(timing.batches - WARM_UP) / elapsed;
    *gemm_share = (timing.gemm_last - timing.gemm_first) / (threads * elapsed);
    return ET_OK;
}

/* The peer's samples per second with so many threads, NAN when it is not installed. */
static double time_torch(size_t threads)
{
    static const char *const keys[] = {"samples_per_s"};
    char script[96];
    double rate;
    snprintf(script, sizeof script, "torch_train.py --seconds %g --threads %zu", round_s, threads);
    et_bench_peer(script, keys, &rate, 1);
    return rate;
}

/* The better of the peer's rates on the same processors: its threads do not always help it. */
static double best_of_torch(void)
{
    size_t threads = et_parallel_threads();
    double all = time_torch(threads);
    return threads > 1 && !isnan(all) ? fmax(all, time_torch(1)) : all;
}

static enum et_status run_rounds(struct et_bench *bench, struct et__setup *setup)
{
    double ours[ROUNDS], share[ROUNDS], torch[ROUNDS], ratio[ROUNDS];
    bool peer = true;
    for (size_t r = 0; r < ROUNDS; r++) {
        ET_TRY(time_ours(setup, &ours[r], &share[r]));
        torch[r] = peer ? best_of_torch() : NAN;
        peer = peer && !isnan(torch[r]);
        ratio[r] = ours[r] / torch[r];
    }
    char name[96];
    snprintf(name, sizeof name, "local-ce 784-1000-1000, batch %d, %zu threads", (int)BATCH,
             et_parallel_threads());
    et_bench_add(bench, name, et_bench_median(ours, ROUNDS), "samples/s",
                 peer ? et_bench_median(torch, ROUNDS) : NAN,
                 peer ? et_bench_median(ratio, ROUNDS) : NAN, target_over_torch);
    if (!peer) et_bench_add(bench, "  PyTorch is not installed", NAN, "samples/s", NAN, NAN, NAN);
    et_bench_add(bench, "  share of time in matrix products", et_bench_median(share, ROUNDS), "1",
                 1, NAN, NAN);
    return ET_OK;
}

enum et_status et_bench_train(struct et_bench *bench)
{
    struct et_config *config;
    struct et__setup setup;
    ET_TRY(et_config_parse("bench", experiment, NULL, 0, et_experiment_params(),
                           et_experiment_types, &config));
    enum et_status status = et__setup_open(&setup, config);
    if (status == ET_OK) status = run_rounds(bench, &setup);
    et__setup_close(&setup);
    et_config_close(config);
    return status;
}
