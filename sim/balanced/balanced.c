/* SPDX-License-Identifier: Apache-2.0
 *
 * A balanced network of integrate-and-fire neurons as a reservoir: x drives random groups of
 * neurons for a fixed time, y are the rates of groups (kernels/sparse_network.h has the equations).
 *
 * Every pass starts from the same state, so samples know nothing of each other.  Samples run in
 * parallel; a single one runs in parallel over its neurons. */
#include "balanced.h"

#include <etalon/parallel.h>
#include <etalon/rng.h>
#include <etalon/system.h>

#include <math.h>
#include <string.h>

/* The next event of an input that is a train of events. */
struct train {
    double per_step; /* mean events of a step */
    uint64_t events; /* drawn so far */
    double next;     /* step */
};

struct worker {
    const struct et__balanced *b;
    struct et__net_state *state;
    double *current;     /* [n] V */
    struct train *train; /* [n_in] */
    uint64_t *count;     /* [n_out] spikes */
    uint64_t seed;       /* of the trains of the present sample */
    uint32_t index;      /* of the present pass */
};

struct balanced {
    struct et__balanced b;
    uint64_t seed;
    struct worker *worker; /* [n_workers] */
    size_t n_workers;
};

static enum et_status make_worker(const struct et__balanced *b, bool single, struct worker *w)
{
    w->b = b;
    if (!(w->current = et_alloc(b->net.n, sizeof *w->current))) return ET_NOMEM;
    if (!(w->train = et_alloc(b->net.n_ext, sizeof *w->train))) return ET_NOMEM;
    if (!(w->count = et_alloc(b->n_out, sizeof *w->count))) return ET_NOMEM;
    return et__net_state_create(&b->net, single, &w->state);
}

static enum et_status open_balanced(void *state, const struct et_config *config, uint64_t seed)
{
    struct balanced *s = state;
    s->seed = seed;
    ET_TRY(et__balanced_read(&s->b, config, seed));
    s->n_workers = et_parallel_threads();
    if (!(s->worker = et_alloc(s->n_workers, sizeof *s->worker))) return ET_NOMEM;
    for (size_t i = 0; i < s->n_workers; i++)
        ET_TRY(make_worker(&s->b, et_config_choice(config, "precision") == 0, &s->worker[i]));
    return ET_OK;
}

static void describe(const void *state, struct et_system_info *info)
{
    const struct balanced *s = state;
    bool poisson = s->b.input == ET__BALANCED_POISSON;
    info->n_in = s->b.net.n_ext;
    info->n_out = s->b.n_out;
    info->in_min = poisson ? 0 : -1;
    info->in_max = 1;
    info->in_unit = poisson ? "of rate" : "of current";
    info->out_unit = "Hz";
    info->latency_s = (double)s->b.steps * s->b.net.dt;
    if (poisson) info->traits = ET_NOISY;
}

/* ------------------------------------------------------------------------------------ inputs -- */

/* current += current of x for the group of each input. */
static void add_currents(const struct et__balanced *b, const float *x, double *current)
{
    const struct et__net *net = &b->net;
    memset(current, 0, net->n * sizeof *current);
    for (size_t tile = 0; tile < net->n_tiles; tile++)
        for (size_t i = 0; i < net->n_ext; i++) {
            size_t first, last;
            et__net_row(net, tile, net->n + i, &first, &last);
            for (size_t k = first; k < last; k++)
                current[tile * net->tile + net->target[k]] += b->current * (double)x[i];
        }
}

/* Steps from one event to the next are geometric: in a step there is one with probability
 * 1 - exp(-rate dt). */
static void move_train(struct worker *w, size_t input)
{
    struct train *train = &w->train[input];
    float u = et_rng_uniform(w->seed, ET_STREAM_NOISE, w->index,
                             ((uint64_t)input << 40) + train->events++);
    train->next += floor(-log1p(-(double)u) / train->per_step);
}

static void start_trains(struct worker *w, const float *x)
{
    for (size_t i = 0; i < w->b->net.n_ext; i++) {
        double per_step = (double)x[i] * w->b->rate * w->b->net.dt;
        w->train[i] = (struct train){.per_step = per_step, .next = per_step > 0 ? 0 : INFINITY};
        if (per_step > 0) move_train(w, i);
    }
}

static size_t active_inputs(void *user, size_t step, uint32_t *source)
{
    struct worker *w = user;
    size_t n = 0;
    for (size_t i = 0; i < w->b->net.n_ext; i++) {
        if (w->train[i].next > (double)step) continue;
        source[n++] = (uint32_t)i;
        w->train[i].next += 1;
        move_train(w, i);
    }
    return n;
}

/* ------------------------------------------------------------------------------------ passes -- */

static void count_spikes(void *user, size_t step, const uint32_t *neuron, size_t n)
{
    struct worker *w = user;
    if (step < w->b->settle) return;
    for (size_t i = 0; i < n; i++)
        w->count[neuron[i] % w->b->n_out]++;
}

struct pass {
    struct balanced *system;
    const struct et_step *step;
    struct et_view x, y;
};

static void run_sample(void *user, size_t sample, size_t worker)
{
    const struct pass *pass = user;
    struct balanced *s = pass->system;
    const struct et__balanced *b = &s->b;
    struct worker *w = &s->worker[worker];
    const float *x = pass->x.data + sample * pass->x.stride;
    float *y = pass->y.data + sample * pass->y.stride;
    struct et__net_start start = {.v = b->v, .g_e = b->g_e, .g_i = b->g_i};
    bool poisson = b->input == ET__BALANCED_POISSON;
    if (poisson) {
        w->seed = et_rng_derive(et_rng_derive(pass->step->seed, s->seed),
                                et_step_sample(pass->step, sample));
        w->index = pass->step->index;
        start_trains(w, x);
    } else {
        add_currents(b, x, w->current);
        start.current = w->current;
    }
    memset(w->count, 0, b->n_out * sizeof *w->count);
    et__net_begin(w->state, &start);
    et__net_run(w->state, b->steps, poisson ? active_inputs : NULL, count_spikes, w);
    double window = (double)(b->steps - b->settle) * b->net.dt;
    for (size_t k = 0; k < b->n_out; k++) {
        size_t neurons = (b->net.n - k + b->n_out - 1) / b->n_out;
        y[k] = (float)((double)w->count[k] / ((double)neurons * window));
    }
}

static enum et_status forward(void *state, const struct et_step *step, struct et_view x,
                              struct et_view y)
{
    struct pass pass = {.system = state, .step = step, .x = x, .y = y};
    et_parallel_for(x.rows, run_sample, &pass);
    return ET_OK;
}

static void close_balanced(void *state)
{
    struct balanced *s = state;
    for (size_t i = 0; s->worker && i < s->n_workers; i++) {
        et_free(s->worker[i].current);
        et_free(s->worker[i].train);
        et_free(s->worker[i].count);
        et__net_state_destroy(s->worker[i].state);
    }
    et_free(s->worker);
    et__balanced_free(&s->b);
}

const struct et_system_type et_system_balanced_network = {
    .name = "balanced-network",
    .summary = "A balanced network of thousands of spiking neurons (Vogels-Abbott) as a reservoir.",
    .state_size = sizeof(struct balanced),
    .params = et__balanced_params,
    .open = open_balanced,
    .describe = describe,
    .forward = forward,
    .close = close_balanced,
};
