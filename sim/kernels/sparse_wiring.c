/* SPDX-License-Identifier: Apache-2.0
 *
 * Random synapses of a sparse network, from numbers that are functions of (seed, source or target,
 * count): drawn twice, to count them and to place them. */
#include "kernels/sparse_network.h"

#include <etalon/array.h>
#include <etalon/parallel.h>
#include <etalon/rng.h>

#include <math.h>

/* Steps of the random numbers. */
enum { OF_PAIRS, OF_EXCITATION, OF_INHIBITION, OF_EXTERNAL };

struct list {
    const struct et__net *net;
    size_t *place;    /* [n_tiles][n + n_ext]: synapses counted, or where the next one goes */
    uint16_t *target; /* NULL = only count */
};

static void add(struct list *list, size_t source, size_t target)
{
    const struct et__net *net = list->net;
    size_t tile = target / net->tile;
    size_t *place = &list->place[tile * (net->n + net->n_ext) + source];
    if (list->target) list->target[*place] = (uint16_t)(target - tile * net->tile);
    (*place)++;
}

/* Each neuron is a target with the given probability: the gaps between targets are geometric. */
static void add_row(struct list *list, uint64_t seed, uint32_t step, double probability,
                    size_t source)
{
    const double log_miss = log1p(-probability);
    size_t n = list->net->n, target = 0;
    for (uint64_t block = 0;; block++) {
        uint32_t word[4];
        et_rng_block(seed, ET_STREAM_GEOMETRY, step, ((uint64_t)source << 32) + block, word);
        for (size_t k = 0; k < 4; k++) {
            double gap = floor(log(((double)word[k] + 0.5) * 0x1p-32) / log_miss);
            if (!(gap < (double)(n - target))) return;
            target += (size_t)gap;
            add(list, source, target++);
            if (target == n) return;
        }
    }
}

/* `inputs` different ones of the sources first .. first + n - 1 for a target (Floyd 1987). */
static void add_inputs(struct list *list, uint64_t seed, uint32_t step, size_t first, size_t n,
                       size_t inputs, size_t target, size_t *stamp)
{
    for (size_t k = 0; k < inputs; k++) {
        size_t last = n - inputs + k;
        size_t source =
            et_rng_below(seed, ET_STREAM_GEOMETRY, step, target * inputs + k, (uint32_t)(last + 1));
        if (stamp[first + source] == target + 1) source = last;
        stamp[first + source] = target + 1;
        add(list, first + source, target);
    }
}

/* stamp [n] says for which target (plus one) a source was drawn last. */
static void add_all(struct list *list, const struct et__net_wiring *w, size_t *stamp)
{
    const struct et__net *net = list->net;
    size_t n_inh = net->n - net->n_exc;
    for (size_t i = 0; i < net->n; i++)
        stamp[i] = 0;
    for (size_t j = 0; w->fixed && j < net->n; j++) {
        add_inputs(list, w->seed, OF_EXCITATION, 0, net->n_exc,
                   (size_t)lround(w->probability * (double)net->n_exc), j, stamp);
        add_inputs(list, w->seed, OF_INHIBITION, net->n_exc, n_inh,
                   (size_t)lround(w->probability * (double)n_inh), j, stamp);
    }
    for (size_t i = 0; !w->fixed && i < net->n; i++)
        add_row(list, w->seed, OF_PAIRS, w->probability, i);
    for (size_t i = 0; i < net->n_ext; i++)
        add_row(list, w->seed, OF_EXTERNAL, w->external, net->n + i);
}

/* A tile for each thread: more of them cut the rows of synapses into shorter pieces. */
static void cut(struct et__net *net, size_t tile)
{
    size_t most = (net->n + ET__NET_TILE_SMALLEST - 1) / ET__NET_TILE_SMALLEST,
           least = (net->n + ET__NET_TILE_LARGEST - 1) / ET__NET_TILE_LARGEST,
           tiles = et_parallel_threads();
    if (tiles > most) tiles = most;
    if (tiles < least) tiles = least;
    if (tile == 0) tile = (net->n + tiles - 1) / tiles;
    net->tile = (tile + ET__NET_BLOCK - 1) / ET__NET_BLOCK * ET__NET_BLOCK;
    net->n_tiles = (net->n + net->tile - 1) / net->tile;
}

static enum et_status place_all(struct et__net *net, const struct et__net_wiring *wiring,
                                struct list *list, size_t *stamp)
{
    size_t rows = net->n + net->n_ext, n = 0;
    add_all(list, wiring, stamp);
    for (size_t k = 0; k < net->n_tiles; k++) {
        for (size_t i = 0; i < rows; i++) {
            size_t count = list->place[k * rows + i];
            list->place[k * rows + i] = net->start[k * (rows + 1) + i] = n;
            n += count;
        }
        net->start[k * (rows + 1) + rows] = n;
    }
    net->n_synapses = n;
    if (!(net->target = et_alloc(n, sizeof *net->target))) return ET_NOMEM;
    list->target = net->target;
    add_all(list, wiring, stamp);
    return ET_OK;
}

enum et_status et__net_connect(struct et__net *net, const struct et__net_wiring *wiring)
{
    cut(net, wiring->tile);
    size_t rows = net->n + net->n_ext;
    if (!(net->start = et_alloc(net->n_tiles * (rows + 1), sizeof *net->start))) return ET_NOMEM;
    struct list list = {.net = net, .place = et_alloc(net->n_tiles * rows, sizeof *list.place)};
    size_t *stamp = et_alloc(net->n, sizeof *stamp);
    enum et_status status = ET_NOMEM;
    if (list.place && stamp) status = place_all(net, wiring, &list, stamp);
    et_free(list.place);
    et_free(stamp);
    return status;
}

void et__net_disconnect(struct et__net *net)
{
    et_free(net->start);
    et_free(net->target);
    net->start = NULL;
    net->target = NULL;
}
