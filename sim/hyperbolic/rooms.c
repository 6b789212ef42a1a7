/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory of passes.  Evaluation and vector-Jacobian products go tile by tile: one tile's values and
 * live gradients per worker, whatever the batch.  Teaching keeps the values of a whole batch, for
 * the statistics of a batch norm have to be known before what follows it. */
#include "hyperbolic/hyperbolic.h"

#include <etalon/parallel.h>

#include <string.h>

/* Numbers of a tile: what stays in a second-level cache. */
enum { TILE_NUMBERS = 1 << 15, TILE_MAX = 32 };

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Largest needs of any node. */
struct needs {
    size_t patches, e, wide, small, point, n, work;
};

static struct needs needs_of(const struct et__hyperbolic *net)
{
    struct needs needs = {0};
    for (size_t i = 0; i < net->n_nodes; i++) {
        const struct et__hyp_node *node = &net->node[i];
        size_t pixels = node->out.height * node->out.width, n = node->in.channels;
        size_t rows = larger(pixels, net->tile);
        if (node->kind == ET__HYP_PLANES) {
            size_t cols = larger(node->ahead.n_panels, node->back.n_panels) * ET__PANEL;
            needs.patches = larger(needs.patches, rows * node->n_patch);
            needs.e = larger(needs.e, rows * node->n_out);
            needs.wide = larger(needs.wide, rows * cols);
            needs.small = larger(needs.small, 3 * node->n_out);
        } else if (node->kind == ET__HYP_PROTOTYPES || node->kind == ET__HYP_EMBEDDING) {
            n = node->n_patch;
            needs.point = larger(needs.point, net->tile * n);
        }
        needs.n = larger(needs.n, n);
    }
    needs.work = et__poincare_work(needs.n);
    return needs;
}

static enum et_status make_scratch(struct et__hyp_scratch *s, const struct needs *needs,
                                   size_t tile)
{
    if (!(s->patches = et_alloc(needs->patches, sizeof *s->patches))) return ET_NOMEM;
    if (!(s->dpatches = et_alloc(needs->patches, sizeof *s->dpatches))) return ET_NOMEM;
    if (!(s->e = et_alloc(needs->e, sizeof *s->e))) return ET_NOMEM;
    if (!(s->de = et_alloc(needs->e, sizeof *s->de))) return ET_NOMEM;
    if (!(s->wide = et_alloc(needs->wide, sizeof *s->wide))) return ET_NOMEM;
    if (!(s->small = et_alloc(needs->small, sizeof *s->small))) return ET_NOMEM;
    if (!(s->point = et_alloc(needs->point, sizeof *s->point))) return ET_NOMEM;
    if (!(s->dpoint = et_alloc(needs->point, sizeof *s->dpoint))) return ET_NOMEM;
    /* Four numbers of each row of a tile. */
    if (!(s->gap = et_alloc(4 * tile, sizeof *s->gap))) return ET_NOMEM;
    s->dgap = s->gap + tile;
    s->d = s->dgap + tile;
    s->dd = s->d + tile;
    if (!(s->work = et_alloc(needs->work, sizeof *s->work))) return ET_NOMEM;
    return ET_OK;
}

static enum et_status make_room(const struct et__hyperbolic *net, size_t rows,
                                struct et__hyp_room *room)
{
    room->rows = rows;
    if (!(room->value = et_alloc(rows * net->total, sizeof *room->value))) return ET_NOMEM;
    room->gradient = et_alloc(rows * net->n_slots * net->slot_size, sizeof *room->gradient);
    return room->gradient ? ET_OK : ET_NOMEM;
}

static void free_room(struct et__hyp_room *room)
{
    et_free(room->value);
    et_free(room->gradient);
    *room = (struct et__hyp_room){0};
}

enum et_status et__hyp_rooms_create(struct et__hyperbolic *net)
{
    net->tile = TILE_NUMBERS / net->total;
    net->tile = net->tile < 1 ? 1 : net->tile > TILE_MAX ? TILE_MAX : net->tile;
    struct needs needs = needs_of(net);
    size_t n = et_parallel_threads();
    if (!(net->scratch = et_alloc(n, sizeof *net->scratch))) return ET_NOMEM;
    if (!(net->room = et_alloc(n, sizeof *net->room))) return ET_NOMEM;
    net->n_workers = n;
    for (size_t i = 0; i < n; i++) {
        ET_TRY(make_scratch(&net->scratch[i], &needs, net->tile));
        ET_TRY(make_room(net, net->tile, &net->room[i]));
    }
    for (size_t p = 0; p < ET__HYP_PARTS; p++) {
        struct et__hyp_part *part = &net->part[p];
        if (!(part->dknobs = et_alloc(net->n_knobs, sizeof *part->dknobs))) return ET_NOMEM;
        if (!(part->sums = et_alloc(net->n_sums, sizeof *part->sums))) return ET_NOMEM;
        if (!(part->stat = et_alloc(needs.n + 2, sizeof *part->stat))) return ET_NOMEM;
    }
    return ET_OK;
}

enum et_status et__hyp_whole(struct et__hyperbolic *net, size_t rows)
{
    if (rows > net->whole_max) {
        free_room(&net->whole);
        net->whole_max = 0;
        enum et_status status = make_room(net, rows, &net->whole);
        if (status != ET_OK) {
            free_room(&net->whole);
            return status;
        }
        net->whole_max = rows;
    }
    net->whole.rows = rows;
    return ET_OK;
}

void et__hyp_rooms_destroy(struct et__hyperbolic *net)
{
    for (size_t i = 0; i < net->n_workers; i++) {
        struct et__hyp_scratch *s = &net->scratch[i];
        et_free(s->patches);
        et_free(s->dpatches);
        et_free(s->e);
        et_free(s->de);
        et_free(s->wide);
        et_free(s->small);
        et_free(s->point);
        et_free(s->dpoint);
        et_free(s->gap);
        et_free(s->work);
        free_room(&net->room[i]);
    }
    et_free(net->scratch);
    et_free(net->room);
    for (size_t p = 0; p < ET__HYP_PARTS; p++) {
        et_free(net->part[p].dknobs);
        et_free(net->part[p].sums);
        et_free(net->part[p].stat);
    }
    free_room(&net->whole);
}

/* ------------------------------------------------------------------------------- parts -- */

void et__hyp_parts_clear(struct et__hyperbolic *net)
{
    for (size_t p = 0; p < ET__HYP_PARTS; p++) {
        memset(net->part[p].dknobs, 0, net->n_knobs * sizeof *net->part[p].dknobs);
        memset(net->part[p].sums, 0, net->n_sums * sizeof *net->part[p].sums);
        net->part[p].dc = 0;
    }
}

void et__hyp_parts_sum(struct et__hyperbolic *net, bool batch_statistics, float *dknobs)
{
    struct et__hyp_part *all = &net->part[0];
    for (size_t p = 1; p < ET__HYP_PARTS; p++) {
        for (size_t k = 0; k < net->n_sums; k++)
            all->sums[k] += net->part[p].sums[k];
        for (size_t k = 0; k < net->n_knobs; k++)
            all->dknobs[k] += net->part[p].dknobs[k];
        all->dc += net->part[p].dc;
    }
    memcpy(dknobs, all->dknobs, net->n_knobs * sizeof *dknobs);
    for (size_t i = 0; i < net->n_nodes; i++) {
        const struct et__hyp_node *node = &net->node[i];
        double *sums = all->sums + node->sum;
        float *own = dknobs + node->knob;
        if (node->kind == ET__HYP_PLANES) {
            et__hyp_planes_finish(net, node, sums, own, &all->dc);
        } else if (node->kind == ET__HYP_NORM) {
            size_t n = node->in.channels;
            /* dmean and dvariance, which have gone back to the rows. */
            if (batch_statistics) memset(sums + n + 1, 0, (n + 1) * sizeof *sums);
            et__hyp_norm_finish(node, sums, own);
        }
    }
    if (net->learn_c) dknobs[net->n_knobs - 1] = (float)(net->c * all->dc);
}
