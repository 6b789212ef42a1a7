/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory for the state of a network, and the state before the first step. */
#include "spiking/network.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* Arrays begin at multiples of 64 bytes. */
static size_t rounded(size_t n)
{
    return (n + 15) / 16 * 16;
}

/* Hands out `memory` piece by piece; with memory = NULL it only counts. */
static float *piece(float *memory, size_t *used, size_t n)
{
    float *at = memory != NULL ? memory + *used : NULL;
    *used += rounded(n);
    return at;
}

static size_t lay_out(const struct et__spk_network *net, const struct et__spk_room *room,
                      float *memory)
{
    size_t used = 0;
    for (size_t i = 0; i < net->n_populations; i++) {
        const struct et__spk_population *p = &net->population[i];
        struct et__spk_cells cells = {0};
        size_t all = room->rows * p->n;
        bool linear = et__spk_uses(p->kind, ET__SPK_R);
        bool adapts = et__spk_uses(p->kind, ET__SPK_BETA) || p->kind == ET__SPK_IZHIKEVICH;
        cells.s = piece(memory, &used, p->slots * all);
        if (i > 0) {
            cells.base = piece(memory, &used, all);
            cells.current = piece(memory, &used, all);
        }
        if (linear || adapts) {
            cells.u = piece(memory, &used, all);
            cells.v = piece(memory, &used, all);
        }
        if (et__spk_uses(p->kind, ET__SPK_TAU_SYN)) cells.syn = piece(memory, &used, all);
        if (adapts) cells.adapt = piece(memory, &used, all);
        if (et__spk_fires(p->kind) && p->refractory > 0) cells.rest = piece(memory, &used, all);
        if (memory != NULL) room->cells[i] = cells;
    }
    return used;
}

static enum et_status make_scratch(struct et__spk_scratch *scratch,
                                   const struct et__spk_network *net)
{
    size_t most = 0, map = 0;
    for (size_t i = 0; i < net->n_projections; i++) {
        const struct et__spk_projection *p = &net->projection[i];
        size_t n_pre = net->population[p->source].n, n_post = net->population[p->target].n;
        if (most < n_pre) most = n_pre;
        if (p->synapse == ET__SPK_CONV && map < n_post) map = n_post;
    }
    scratch->list = et_alloc(ET__SPK_TILE * most, sizeof *scratch->list);
    scratch->value = et_alloc(ET__SPK_TILE * most, sizeof *scratch->value);
    scratch->map = et_alloc(map, sizeof *scratch->map);
    bool whole = scratch->list != NULL && scratch->value != NULL && scratch->map != NULL;
    return whole ? ET_OK : ET_NOMEM;
}

enum et_status et__spk_room_create(struct et__spk_room *room, const struct et__spk_network *net,
                                   size_t rows, size_t n_workers)
{
    *room = (struct et__spk_room){.rows = rows};
    room->cells = et_alloc(net->n_populations, sizeof *room->cells);
    room->scratch = et_alloc(n_workers, sizeof *room->scratch);
    room->unfired = et_alloc(rows * net->population[net->output].n, sizeof *room->unfired);
    if (room->cells == NULL || room->scratch == NULL || room->unfired == NULL) return ET_NOMEM;
    room->n_workers = n_workers;
    for (size_t i = 0; i < n_workers; i++)
        ET_TRY(make_scratch(&room->scratch[i], net));
    room->memory = et_alloc(lay_out(net, room, NULL), sizeof *room->memory);
    if (room->memory == NULL) return ET_NOMEM;
    room->bytes = sizeof *room->memory * lay_out(net, room, room->memory);
    return ET_OK;
}

void et__spk_room_destroy(struct et__spk_room *room)
{
    for (size_t i = 0; i < room->n_workers; i++) {
        et_free(room->scratch[i].list);
        et_free(room->scratch[i].value);
        et_free(room->scratch[i].map);
    }
    et_free(room->scratch);
    et_free(room->cells);
    et_free(room->unfired);
    et_free(room->memory);
    *room = (struct et__spk_room){0};
}

static void fill(float *to, size_t n, float value)
{
    for (size_t j = 0; j < n; j++)
        to[j] = value;
}

/* base = the biases of all that arrives. */
static void start_base(const struct et__spk_network *net, size_t index, float *base)
{
    const struct et__spk_population *p = &net->population[index];
    memset(base, 0, p->n * sizeof *base);
    for (size_t k = 0; k < net->n_projections; k++) {
        const struct et__spk_projection *projection = &net->projection[k];
        size_t area = projection->synapse == ET__SPK_CONV ? p->h * p->w : 1;
        if (projection->target != index || projection->bias == NULL) continue;
        for (size_t j = 0; j < p->n; j++)
            base[j] += projection->bias[j / area];
    }
}

/* Neurons start at rest: where their equations leave them without input (AdEx: E_L; Izhikevich:
 * v_reset and the recovery b v that belongs to it). */
static void start_row(const struct et__spk_population *p, const struct et__spk_cells *cells,
                      size_t row)
{
    size_t first = row * p->n;
    if (cells->v != NULL) memset(cells->v + first, 0, p->n * sizeof *cells->v);
    if (cells->syn != NULL) memset(cells->syn + first, 0, p->n * sizeof *cells->syn);
    if (cells->adapt != NULL) memset(cells->adapt + first, 0, p->n * sizeof *cells->adapt);
    if (cells->rest != NULL) memset(cells->rest + first, 0, p->n * sizeof *cells->rest);
    if (p->param[ET__SPK_V_LEAK] != NULL)
        memcpy(cells->v + first, p->param[ET__SPK_V_LEAK], p->n * sizeof *cells->v);
    if (p->kind != ET__SPK_IZHIKEVICH) return;
    for (size_t j = 0; j < p->n; j++) {
        cells->v[first + j] = p->param[ET__SPK_V_RESET][j];
        cells->adapt[first + j] = p->param[ET__SPK_B][j] * cells->v[first + j];
    }
}

void et__spk_start(const struct et__spk_network *net, const struct et__spk_room *room, size_t first,
                   size_t count)
{
    for (size_t i = 0; i < net->n_populations; i++) {
        const struct et__spk_population *p = &net->population[i];
        const struct et__spk_cells *cells = &room->cells[i];
        for (size_t r = first; r < first + count; r++) {
            if (i > 0) start_base(net, i, cells->base + r * p->n);
            start_row(p, cells, r);
        }
    }
    size_t n_out = net->population[net->output].n;
    fill(room->unfired + first * n_out, count * n_out, 1);
}

static bool finite_all(const float *values, size_t n)
{
    unsigned bad = 0;
    for (size_t j = 0; j < n; j++)
        bad |= fabsf(values[j]) <= FLT_MAX ? 0U : 1U;
    return bad == 0;
}

size_t et__spk_overflow(const struct et__spk_network *net, const struct et__spk_room *room,
                        size_t first, size_t count)
{
    for (size_t i = 1; i < net->n_populations; i++) {
        const float *arrays[] = {room->cells[i].v, room->cells[i].syn, room->cells[i].adapt};
        size_t n = net->population[i].n;
        for (size_t k = 0; k < 3; k++)
            if (arrays[k] != NULL && !finite_all(arrays[k] + first * n, count * n)) return i;
    }
    return 0;
}

enum et_status et__spk_overflow_error(const struct et__spk_network *net, size_t population)
{
    if (population == 0) return ET_OK;
    return et_error_set(ET_NUMERIC, "population '%s': potentials are no longer finite",
                        net->population[population].name);
}
