/* SPDX-License-Identifier: Apache-2.0
 *
 * Currents: sums over who is active.  A source that is silent costs nothing.
 *
 * Samples go in tiles.  A dense projection takes a block of target neurons at a time for all
 * samples of a tile, so that its columns of the weights stay in the second-level cache; the sum of
 * one target is one chain over the sources in rising order, whatever the tile. */
#include "kernels/spike_rows.h"
#include "spiking/network.h"
#include "spiking/windows.h"

#include <string.h>

/* Where a projection reads and adds for a run of samples. */
struct arrival {
    const struct et__spk_network *net;
    const struct et__spk_room *room;
    const struct et__spk_projection *p;
    const struct et__spk_population *pre, *post;
    struct et__spk_scratch *scratch;
    float *to; /* [rows][n_post] */
    size_t t, first, count, most;
    bool spikes; /* the source fires */
};

static size_t largest_source(const struct et__spk_network *net)
{
    size_t most = 0;
    for (size_t i = 0; i < net->n_projections; i++)
        if (most < net->population[net->projection[i].source].n)
            most = net->population[net->projection[i].source].n;
    return most;
}

static uint32_t *list_of(const struct arrival *a, size_t r)
{
    return a->scratch->list + r * a->most;
}

static float *values_of(const struct arrival *a, size_t r)
{
    return a->scratch->value + r * a->most;
}

/* Lists of the active sources of every sample of the tile. */
static void list_active(const struct arrival *a)
{
    for (size_t r = 0; r < a->count; r++) {
        const float *s = et__spk_s(a->net, a->room, a->p->source, a->t - a->p->lag, a->first + r);
        uint32_t *list = list_of(a, r);
        float *value = values_of(a, r);
        a->scratch->count[r] = et__spike_list(s, a->pre->n, list);
        for (size_t k = 0; !a->spikes && k < a->scratch->count[r]; k++)
            value[k] = s[list[k]];
    }
}

static void add_dense(const struct arrival *a)
{
    size_t n = a->post->n;
    for (size_t col = 0; col < n; col += ET__SPIKE_COLS) {
        size_t cols = n - col < ET__SPIKE_COLS ? n - col : ET__SPIKE_COLS;
        for (size_t r = 0; r < a->count; r++) {
            float *to = a->to + (a->first + r) * n + col;
            if (a->spikes)
                et__spike_rows_add(a->p->used + col, n, cols, list_of(a, r), a->scratch->count[r],
                                   to);
            else
                et__spike_rows_weighted(a->p->used + col, n, cols, list_of(a, r), values_of(a, r),
                                        a->scratch->count[r], to);
        }
    }
}

static void add_sparse(const struct arrival *a)
{
    const struct et__spk_projection *p = a->p;
    for (size_t r = 0; r < a->count; r++) {
        const uint32_t *list = list_of(a, r);
        const float *value = values_of(a, r);
        float *to = a->to + (a->first + r) * a->post->n;
        for (size_t k = 0; k < a->scratch->count[r]; k++) {
            float s = a->spikes ? 1 : value[k];
            for (size_t e = p->start[list[k]]; e < p->start[list[k] + 1]; e++)
                to[p->column[e]] += s * p->used[e];
        }
    }
}

/* What one active place adds to map [h][w][c_post]. */
static inline __attribute__((always_inline)) void spread_conv(const struct arrival *a,
                                                              size_t source, float s, float *map)
{
    const struct et__spk_projection *p = a->p;
    size_t area = a->pre->h * a->pre->w, channel = source / area, place = source % area;
    size_t c_pre = a->pre->c / p->groups, c_post = a->post->c / p->groups;
    size_t group = channel / c_pre, oy, ky, ox, kx;
    struct et__spk_windows rows = et__spk_windows_h(p, a->post, place / a->pre->w);
    while (et__spk_window(&rows, &oy, &ky)) {
        struct et__spk_windows columns = et__spk_windows_w(p, a->post, place % a->pre->w);
        while (et__spk_window(&columns, &ox, &kx)) {
            const float *w = p->packed + ((channel * p->kernel_h + ky) * p->kernel_w + kx) * c_post;
            float *to = map + (oy * a->post->w + ox) * a->post->c + group * c_post;
            for (size_t o = 0; o < c_post; o++)
                to[o] += s * w[o];
        }
    }
}

ET_VECTOR_CLONES static void add_conv(const struct arrival *a)
{
    size_t area = a->post->h * a->post->w, channels = a->post->c;
    float *map = a->scratch->map;
    for (size_t r = 0; r < a->count; r++) {
        float *to = a->to + (a->first + r) * a->post->n;
        if (a->scratch->count[r] == 0) continue;
        memset(map, 0, a->post->n * sizeof *map);
        for (size_t k = 0; k < a->scratch->count[r]; k++)
            spread_conv(a, list_of(a, r)[k], a->spikes ? 1 : values_of(a, r)[k], map);
        for (size_t c = 0; c < channels; c++)
            for (size_t i = 0; i < area; i++)
                to[c * area + i] += map[i * channels + c];
    }
}

static void add_pool(const struct arrival *a)
{
    const struct et__spk_projection *p = a->p;
    size_t area = a->pre->h * a->pre->w, oy, ky, ox, kx;
    float share = p->average ? 1.0F / (float)(p->kernel_h * p->kernel_w) : 1;
    for (size_t r = 0; r < a->count; r++)
        for (size_t k = 0; k < a->scratch->count[r]; k++) {
            size_t source = list_of(a, r)[k], channel = source / area, place = source % area;
            float s = share * (a->spikes ? 1 : values_of(a, r)[k]);
            float *to = a->to + (a->first + r) * a->post->n + channel * a->post->h * a->post->w;
            struct et__spk_windows rows = et__spk_windows_h(p, a->post, place / a->pre->w);
            while (et__spk_window(&rows, &oy, &ky)) {
                struct et__spk_windows columns = et__spk_windows_w(p, a->post, place % a->pre->w);
                while (et__spk_window(&columns, &ox, &kx))
                    to[oy * a->post->w + ox] += s;
            }
        }
}

/* Neuron to neuron; the only synapse with delays of its own. */
static void add_one(const struct arrival *a)
{
    const struct et__spk_projection *p = a->p;
    for (size_t r = 0; r < a->count; r++) {
        float *to = a->to + (a->first + r) * a->post->n;
        for (size_t j = 0; j < a->post->n; j++) {
            size_t late = p->lag + (p->delays != NULL ? p->delays[j] : 0);
            if (late > a->t) continue;
            float s = et__spk_s(a->net, a->room, p->source, a->t - late, a->first + r)[j];
            to[j] += p->used != NULL ? p->used[j] * s : s;
        }
    }
}

static void add(const struct arrival *a)
{
    if (a->p->synapse == ET__SPK_ONE) {
        add_one(a);
        return;
    }
    list_active(a);
    switch (a->p->synapse) {
    case ET__SPK_DENSE:
        add_dense(a);
        break;
    case ET__SPK_SPARSE:
        add_sparse(a);
        break;
    case ET__SPK_CONV:
        add_conv(a);
        break;
    case ET__SPK_POOL:
        add_pool(a);
        break;
    case ET__SPK_ONE:
        break;
    }
}

/* Adds what arrives through the projections whose sources are constant, or are not. */
static void arrive(const struct et__spk_network *net, size_t population, bool constant, float *to,
                   struct arrival a)
{
    for (size_t k = 0; k < net->n_projections; k++) {
        a.p = &net->projection[k];
        a.pre = &net->population[a.p->source];
        if (a.p->target != population || a.pre->constant != constant || a.p->lag > a.t) continue;
        a.spikes = et__spk_sends_spikes(net, a.p->source);
        a.post = &net->population[population];
        a.to = to;
        size_t first = a.first, left = a.count;
        for (struct arrival tile = a; left > 0; left -= tile.count, first += tile.count) {
            tile.first = first;
            tile.count = left < ET__SPK_TILE ? left : ET__SPK_TILE;
            add(&tile);
        }
    }
}

void et__spk_collect(const struct et__spk_network *net, const struct et__spk_room *room,
                     size_t population, size_t t, size_t first, size_t count, size_t worker)
{
    const struct et__spk_population *p = &net->population[population];
    const struct et__spk_cells *cells = &room->cells[population];
    struct arrival a = {.net = net,
                        .room = room,
                        .scratch = &room->scratch[worker],
                        .t = t,
                        .first = first,
                        .count = count,
                        .most = largest_source(net)};
    if (p->constant && t > 0) return;
    if (t == 0) arrive(net, population, true, cells->base, a);
    memcpy(cells->current + first * p->n, cells->base + first * p->n,
           count * p->n * sizeof *cells->current);
    arrive(net, population, false, cells->current, a);
}
