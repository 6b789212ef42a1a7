/* SPDX-License-Identifier: Apache-2.0
 *
 * Steps of a sparse network: spikes of the past, updates, spikes of now. */
#include "kernels/sparse_network.h"

#include "flush.h"
#include "sparse_update.h"

#include <etalon/array.h>
#include <etalon/parallel.h>

#include <math.h>
#include <string.h>

/* Spikes of a tile in the present and in the last interval of `delay` steps: list[half] from
 * end[half][p] to end[half][p + 1] those of the p-th step. */
struct tile {
    uint32_t *list[2];
    size_t *end[2];
    uint64_t spikes, delivered, external;
};

struct et__net_state {
    const struct et__net *net;
    const struct et__net_precision *precision;
    struct et__net_factors factors;
    struct et__net_arrays a;
    size_t padded;     /* n in whole blocks */
    struct tile *tile; /* [n_tiles] */
    uint32_t *external;
    size_t *external_end; /* [delay + 1] */
    size_t step;          /* next */
    size_t chunk;         /* steps that tiles do in one go */
};

/* (exp(-a) - exp(-b)) / (b - a), also where a = b. */
static double difference(double a, double b)
{
    return a == b ? exp(-a) : -exp(-a) * expm1(a - b) / (b - a);
}

static struct et__net_factors factors_of(const struct et__net *net)
{
    double m = net->dt / net->tau_m, e = net->dt / net->tau_e, i = net->dt / net->tau_i;
    return (struct et__net_factors){
        .threshold = net->threshold - net->rest,
        .reset = net->reset - net->rest,
        .held = (double)net->refractory,
        .keep_e = exp(-e),
        .keep_i = exp(-i),
        .rate = m,
        .reversal_e = net->reversal_e - net->rest,
        .reversal_i = net->reversal_i - net->rest,
        .keep = exp(-m),
        .from_e = m * difference(m, e),
        .from_i = m * difference(m, i),
        .from_current = -expm1(-m),
    };
}

static enum et_status make_tile(const struct et__net *net, size_t size, struct tile *tile)
{
    /* A neuron spikes at most once in refractory + 1 steps. */
    size_t spikes = (net->delay + net->refractory) / (net->refractory + 1);
    for (int half = 0; half < 2; half++) {
        if (!(tile->list[half] = et_alloc(size * spikes, sizeof **tile->list))) return ET_NOMEM;
        if (!(tile->end[half] = et_alloc(net->delay + 1, sizeof **tile->end))) return ET_NOMEM;
    }
    return ET_OK;
}

static enum et_status make(const struct et__net *net, struct et__net_state *s)
{
    void **const arrays[] = {&s->a.u, &s->a.g_e, &s->a.g_i, &s->a.held, &s->a.current};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        if (!(*arrays[i] = et_alloc(s->padded, s->precision->size))) return ET_NOMEM;
    if (!(s->external = et_alloc(net->n_ext * net->delay, sizeof *s->external))) return ET_NOMEM;
    if (!(s->external_end = et_alloc(net->delay + 1, sizeof *s->external_end))) return ET_NOMEM;
    if (!(s->tile = et_alloc(net->n_tiles, sizeof *s->tile))) return ET_NOMEM;
    for (size_t k = 0; k < net->n_tiles; k++)
        ET_TRY(make_tile(net, et__net_tile_size(net, k), &s->tile[k]));
    /* What fills up the last block rests for ever, below any threshold. */
    const double never = -INFINITY, always = INFINITY;
    for (size_t i = net->n; i < s->padded; i++) {
        s->precision->load((char *)s->a.u + i * s->precision->size, &never, 0, 1);
        s->precision->load((char *)s->a.held + i * s->precision->size, &always, 0, 1);
    }
    return ET_OK;
}

enum et_status et__net_state_create(const struct et__net *net, bool single,
                                    struct et__net_state **state)
{
    struct et__net_state *s = et_alloc(1, sizeof *s);
    *state = s;
    if (s == NULL) return ET_NOMEM;
    s->net = net;
    s->precision = single ? &et__net_f32 : &et__net_f64;
    s->padded = (net->n + ET__NET_BLOCK - 1) / ET__NET_BLOCK * ET__NET_BLOCK;
    s->factors = factors_of(net);
    enum et_status status = make(net, s);
    if (status == ET_OK) return ET_OK;
    et__net_state_destroy(s);
    *state = NULL;
    return status;
}

void et__net_state_destroy(struct et__net_state *s)
{
    if (s == NULL) return;
    for (size_t k = 0; s->tile && k < s->net->n_tiles; k++)
        for (int half = 0; half < 2; half++) {
            et_free(s->tile[k].list[half]);
            et_free(s->tile[k].end[half]);
        }
    et_free(s->tile);
    et_free(s->external);
    et_free(s->external_end);
    et_free(s->a.u);
    et_free(s->a.g_e);
    et_free(s->a.g_i);
    et_free(s->a.held);
    et_free(s->a.current);
    et_free(s);
}

void et__net_begin(struct et__net_state *s, const struct et__net_start *start)
{
    const struct et__net *net = s->net;
    const struct et__net_precision *p = s->precision;
    p->load(s->a.u, start->v, net->rest, net->n);
    p->load(s->a.g_e, start->g_e, 0, net->n);
    p->load(s->a.g_i, start->g_i, 0, net->n);
    memset(s->a.held, 0, net->n * p->size);
    memset(s->a.current, 0, net->n * p->size);
    if (start->current) p->load(s->a.current, start->current, 0, net->n);
    for (size_t k = 0; k < net->n_tiles; k++) {
        struct tile *tile = &s->tile[k];
        tile->spikes = tile->delivered = tile->external = 0;
        for (int half = 0; half < 2; half++)
            memset(tile->end[half], 0, (net->delay + 1) * sizeof **tile->end);
    }
    s->step = 0;
}

/* Rows lie anywhere in memory: while one is added, the next ones come in. */
static inline void fetch_row(const struct et__net *net, size_t k, size_t source)
{
    size_t first, last;
    et__net_row(net, k, source, &first, &last);
    for (size_t i = first; i < last; i += 64 / sizeof *net->target)
        __builtin_prefetch(net->target + i);
}

/* Adds the events of a list of sources to the neurons of tile k; returns how many. */
static size_t deliver(struct et__net_state *s, size_t k, const uint32_t *source, size_t n,
                      uint32_t offset)
{
    enum { AHEAD = 4 };
    const struct et__net *net = s->net;
    const size_t *start = net->start + k * (net->n + net->n_ext + 1);
    size_t events = 0, first, last;
    for (size_t i = 0; i < n; i++) {
        size_t from = source[i] + offset;
        if (i + 2 * AHEAD < n) __builtin_prefetch(start + source[i + 2 * AHEAD] + offset);
        if (i + AHEAD < n) fetch_row(net, k, source[i + AHEAD] + offset);
        et__net_row(net, k, from, &first, &last);
        bool inhibits = from >= net->n_exc && from < net->n;
        double weight = inhibits ? net->weight_i : from < net->n ? net->weight_e : net->weight_ext;
        s->precision->push(inhibits ? s->a.g_i : s->a.g_e, k * net->tile, net->target + first,
                           last - first, weight);
        events += last - first;
    }
    return events;
}

static void run_tile(void *user, size_t k, size_t worker)
{
    (void)worker;
    struct et__net_state *s = user;
    const struct et__net *net = s->net;
    struct tile *own = &s->tile[k];
    size_t half = s->step / net->delay % 2, phase = s->step % net->delay;
    size_t blocks = (et__net_tile_size(net, k) + ET__NET_BLOCK - 1) / ET__NET_BLOCK;
    size_t delivered = 0, external = 0, at = own->end[half][phase];
    const size_t before = at;
    uint64_t mode = flush_begin();
    for (size_t i = 0; i < s->chunk; i++, phase++) {
        for (size_t q = 0; q < net->n_tiles; q++) {
            const size_t *end = s->tile[q].end[1 - half] + phase;
            delivered += deliver(s, k, s->tile[q].list[1 - half] + end[0], end[1] - end[0], 0);
        }
        external += deliver(s, k, s->external + s->external_end[i],
                            s->external_end[i + 1] - s->external_end[i], (uint32_t)net->n);
        at += s->precision->update(net->model, &s->factors, &s->a, k * net->tile,
                                   blocks * ET__NET_BLOCK, own->list[half] + at);
        own->end[half][phase + 1] = at;
    }
    flush_end(mode);
    own->spikes += at - before;
    own->delivered += delivered + external;
    own->external += external;
}

static void ask_external(struct et__net_state *s, et__net_external *external, void *user)
{
    size_t n = 0;
    for (size_t i = 0; i < s->chunk; i++) {
        if (external) n += external(user, s->step + i, s->external + n);
        s->external_end[i + 1] = n;
    }
}

static void tell(const struct et__net_state *s, et__net_record *record, void *user)
{
    const struct et__net *net = s->net;
    size_t half = s->step / net->delay % 2, phase = s->step % net->delay;
    for (size_t i = 0; i < s->chunk; i++)
        for (size_t k = 0; k < net->n_tiles; k++) {
            const size_t *end = s->tile[k].end[half] + phase + i;
            if (end[1] > end[0])
                record(user, s->step + i, s->tile[k].list[half] + end[0], end[1] - end[0]);
        }
}

void et__net_run(struct et__net_state *s, size_t steps, et__net_external *external,
                 et__net_record *record, void *user)
{
    const struct et__net *net = s->net;
    while (steps > 0) {
        size_t left = net->delay - s->step % net->delay;
        s->chunk = steps < left ? steps : left;
        ask_external(s, external, user);
        et_parallel_for(net->n_tiles, run_tile, s);
        if (record) tell(s, record, user);
        s->step += s->chunk;
        steps -= s->chunk;
    }
}

struct et__net_events et__net_events(const struct et__net_state *s)
{
    struct et__net_events sum = {0};
    for (size_t k = 0; k < s->net->n_tiles; k++) {
        sum.spikes += s->tile[k].spikes;
        sum.delivered += s->tile[k].delivered;
        sum.external += s->tile[k].external;
    }
    return sum;
}

void et__net_look(const struct et__net_state *s, double *v, double *g_e, double *g_i)
{
    const struct et__net *net = s->net;
    if (v) s->precision->store(s->a.u, v, net->rest, net->n);
    if (g_e) s->precision->store(s->a.g_e, g_e, 0, net->n);
    if (g_i) s->precision->store(s->a.g_i, g_i, 0, net->n);
}
