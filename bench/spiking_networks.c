/* SPDX-License-Identifier: Apache-2.0
 *
 * Large balanced networks, spikes recorded: synaptic events delivered per second of the clock.
 *
 * The peer is Brian 2 as compiled C++ (bench/peers/brian_network.py), when it is installed: one
 * thread, the same network and step, double precision.  It is compiled once, in the first round. */
#include "spiking_networks.h"

#include "sim/balanced/balanced.h"

#include <etalon/array.h>
#include <etalon/parallel.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ROUNDS = 3, SPIKES_MAX = 1 << 20 };

static const double promised = 50; /* million events/s */

/* Spikes as a user would keep them. */
struct record {
    size_t n;
    uint32_t *step, *neuron; /* [SPIKES_MAX] */
};

static void keep(void *user, size_t step, const uint32_t *neuron, size_t n)
{
    struct record *record = user;
    for (size_t i = 0; i < n && record->n < SPIKES_MAX; i++) {
        record->step[record->n] = (uint32_t)step;
        record->neuron[record->n++] = neuron[i];
    }
}

struct network {
    struct et__balanced b;
    struct et__net_state *state;
    struct record record;
};

static enum et_status make(struct network *net, const char *yaml, bool single)
{
    struct et_config *config;
    ET_TRY(et_config_parse("bench", yaml, NULL, 0, et__balanced_params, NULL, &config));
    enum et_status status = et__balanced_read(&net->b, config, 1);
    et_config_close(config);
    ET_TRY(status);
    if (!(net->record.step = et_alloc(SPIKES_MAX, sizeof *net->record.step))) return ET_NOMEM;
    if (!(net->record.neuron = et_alloc(SPIKES_MAX, sizeof *net->record.neuron))) return ET_NOMEM;
    return et__net_state_create(&net->b.net, single, &net->state);
}

static void destroy(struct network *net)
{
    et__net_state_destroy(net->state);
    et_free(net->record.step);
    et_free(net->record.neuron);
    et__balanced_free(&net->b);
}

/* Million events per second of runs for as long as the peer takes. */
static double event_rate(struct network *net)
{
    const struct et__balanced *b = &net->b;
    struct et__net_start start = {.v = b->v, .g_e = b->g_e, .g_i = b->g_i};
    double begin = et_bench_now(), seconds = 0, events = 0;
    while (seconds < 0.5) {
        net->record.n = 0;
        et__net_begin(net->state, &start);
        et__net_run(net->state, b->steps, NULL, keep, &net->record);
        events += (double)et__net_events(net->state).delivered;
        seconds = et_bench_now() - begin;
    }
    return events / seconds / 1e6;
}

#define COBA  "{duration: 2}"
#define CUBA  "{model: cuba, duration: 2}"
#define LARGE "{n: 100000, connectivity: 8e-4, duration: 0.2}"

struct row {
    const char *name, *yaml;
    bool single;
    size_t threads;
    const char *model; /* of the peer, or NULL */
    double target;     /* of `promised` */
    double target_over_brian;
};

static double brian_rate(const struct row *row, const char *folder)
{
    static const char *const key = "mevents_per_s";
    char script[256];
    double rate;
    snprintf(script, sizeof script, "brian_network.py --model %s --folder '%s/%s' --seconds 2",
             row->model, folder, row->model);
    et_bench_peer(script, &key, &rate, 1);
    return rate;
}

static enum et_status bench_row(struct et_bench *bench, const struct row *row, const char *folder,
                                bool *brian)
{
    struct network net = {0};
    double rate[ROUNDS], theirs[ROUNDS], ratio[ROUNDS];
    et_parallel_set_threads(row->threads);
    enum et_status status = make(&net, row->yaml, row->single);
    for (size_t r = 0; status == ET_OK && r < ROUNDS; r++) {
        bool asked = row->model && *brian;
        theirs[r] = asked ? brian_rate(row, folder) : NAN;
        *brian = !asked || !isnan(theirs[r]);
        rate[r] = event_rate(&net);
        ratio[r] = rate[r] / theirs[r];
    }
    destroy(&net);
    if (status != ET_OK) return status;
    double middle = et_bench_median(rate, ROUNDS);
    et_bench_add(bench, row->name, middle, "Mevents/s", promised, middle / promised, row->target);
    if (row->model && *brian)
        et_bench_add(bench, "  against Brian 2", middle, "Mevents/s",
                     et_bench_median(theirs, ROUNDS), et_bench_median(ratio, ROUNDS),
                     row->target_over_brian);
    return ET_OK;
}

enum et_status et_bench_spiking_networks(struct et_bench *bench)
{
    static const struct row rows[] = {
        {"COBA-4000, single", COBA, true, 1, "coba", 1, 5},
        {"COBA-4000, double", COBA, false, 1, "coba", NAN, NAN},
        {"CUBA-4000, single", CUBA, true, 1, "cuba", NAN, NAN},
        {"COBA-100000, single", LARGE, true, 1, NULL, NAN, NAN},
        {"COBA-100000, single, 2 threads", LARGE, true, 2, NULL, NAN, NAN},
    };
    size_t all = et_parallel_threads();
    char folder[] = "/tmp/etalon-brian-XXXXXX", command[64];
    if (mkdtemp(folder) == NULL) return et_error_set(ET_IO, "cannot make a folder in /tmp");
    bool brian = true;
    enum et_status status = ET_OK;
    for (size_t i = 0; status == ET_OK && i < sizeof rows / sizeof *rows; i++)
        if (rows[i].threads <= all) status = bench_row(bench, &rows[i], folder, &brian);
    if (!brian) et_bench_add(bench, "Brian 2 is not installed", NAN, "Mevents/s", NAN, NAN, NAN);
    et_parallel_set_threads(all);
    snprintf(command, sizeof command, "rm -r '%s'", folder); /* made above */
    if (system(command) != 0 && status == ET_OK)
        status = et_error_set(ET_IO, "cannot remove '%s'", folder);
    return status;
}
