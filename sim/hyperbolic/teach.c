/* SPDX-License-Identifier: Apache-2.0
 *
 * The pass of training: node by node through the whole batch, batch norm by the statistics of the
 * batch, which its gradient goes through, too.  At its end the running statistics move towards
 * those of the batch; they enter nothing else here. */
#include "hyperbolic/hyperbolic.h"

#include <etalon/parallel.h>

#include <string.h>

/* One round over the parts of a batch for one node. */
struct round {
    struct et__hyperbolic *net;
    struct et__hyp_node *node;
    size_t i;
    void (*tile)(const struct round *round, size_t p, const struct et__hyp_tile *tile);
    /* Of a norm. */
    size_t n, total;    /* numbers of a row, rows of the batch */
    const double *sums; /* [n + 2] */
    double *dmean;      /* [n] */
    double dvariance;
};

static void run_part(void *user, size_t p, size_t worker)
{
    const struct round *round = user;
    struct et__hyperbolic *net = round->net;
    size_t rows = net->whole.rows, end = et__hyp_part_first(rows, p + 1);
    for (size_t first = et__hyp_part_first(rows, p); first < end; first += net->tile) {
        size_t count = end - first < net->tile ? end - first : net->tile;
        struct et__hyp_tile tile = {&net->whole, first, count, &net->scratch[worker]};
        round->tile(round, p, &tile);
    }
}

static void run(struct round *round,
                void (*tile)(const struct round *round, size_t p, const struct et__hyp_tile *tile))
{
    round->tile = tile;
    et_parallel_for(ET__HYP_PARTS, run_part, round);
}

static struct round round_of(struct et__hyperbolic *net, size_t i)
{
    struct et__hyp_node *node = &net->node[i];
    return (struct round){.net = net,
                          .node = node,
                          .i = i,
                          .n = node->in.channels,
                          .total = net->whole.rows * node->in.height * node->in.width,
                          .sums = node->batch_sums};
}

static const float *input_of(const struct round *round, const struct et__hyp_tile *tile)
{
    return et__hyp_value(round->net, tile->room, round->node->from, tile->first);
}

/* Rows of a norm in a tile. */
static size_t rows_of(const struct round *round, const struct et__hyp_tile *tile)
{
    return tile->count * round->node->in.height * round->node->in.width;
}

/* ---------------------------------------------------------------- statistics of a batch -- */

static void clear_stats(struct round *round)
{
    for (size_t p = 0; p < ET__HYP_PARTS; p++)
        memset(round->net->part[p].stat, 0, (round->n + 2) * sizeof(double));
}

/* Adds the parts up, in order. */
static void sum_stats(const struct round *round, double *sum, size_t n)
{
    memset(sum, 0, n * sizeof *sum);
    for (size_t p = 0; p < ET__HYP_PARTS; p++)
        for (size_t k = 0; k < n; k++)
            sum[k] += round->net->part[p].stat[k];
}

static void add_sums(const struct round *round, size_t p, const struct et__hyp_tile *tile)
{
    et__hyp_norm_sum(round->net, round->n, rows_of(round, tile), input_of(round, tile),
                     round->net->part[p].stat, tile->scratch->work);
}

static void add_spread(const struct round *round, size_t p, const struct et__hyp_tile *tile)
{
    et__hyp_norm_spread(round->net, round->n, rows_of(round, tile), input_of(round, tile),
                        round->sums, round->net->part[p].stat, tile->scratch->work);
}

static void add_variance(const struct round *round, size_t p, const struct et__hyp_tile *tile)
{
    et__hyp_norm_variance(round->net, round->n, rows_of(round, tile), input_of(round, tile),
                          round->node->batch_mean, round->total, round->net->part[p].stat,
                          tile->scratch->work);
}

static void normalise(const struct round *round, size_t p, const struct et__hyp_tile *tile)
{
    (void)p;
    float *y = et__hyp_value(round->net, tile->room, round->i + 1, tile->first);
    et__hyp_norm(round->net, round->node, round->node->batch_mean, round->node->batch_variance,
                 rows_of(round, tile), input_of(round, tile), y, tile->scratch->work);
}

static void norm_forward(struct round *round)
{
    struct et__hyp_node *node = round->node;
    double spread;
    clear_stats(round);
    run(round, add_sums);
    sum_stats(round, node->batch_sums, round->n + 2);
    clear_stats(round);
    run(round, add_spread);
    sum_stats(round, &spread, 1);
    et__hyp_norm_mean(round->net, round->n, node->batch_sums, spread, round->total,
                      node->batch_mean);
    clear_stats(round);
    run(round, add_variance);
    sum_stats(round, &node->batch_variance, 1);
    run(round, normalise);
}

/* -------------------------------------------------------------------------------- back -- */

static double *part_dmean(const struct round *round, size_t p)
{
    return round->net->part[p].sums + round->node->sum + round->n + 1;
}

static void norm_rows_back(const struct round *round, size_t p, const struct et__hyp_tile *tile)
{
    struct et__hyperbolic *net = round->net;
    struct et__hyp_part *part = &net->part[p];
    const struct et__hyp_node *node = round->node;
    et__hyp_clear(net, round->i, tile);
    et__hyp_norm_back(net, node, node->batch_mean, node->batch_variance, rows_of(round, tile),
                      input_of(round, tile),
                      et__hyp_gradient(net, tile->room, round->i + 1, tile->first),
                      et__hyp_gradient(net, tile->room, node->from, tile->first),
                      part->sums + node->sum, &part->dc, tile->scratch->work);
}

static void variance_back(const struct round *round, size_t p, const struct et__hyp_tile *tile)
{
    struct et__hyperbolic *net = round->net;
    et__hyp_norm_variance_back(net, round->n, rows_of(round, tile), input_of(round, tile),
                               round->node->batch_mean, round->total, round->dvariance,
                               et__hyp_gradient(net, tile->room, round->node->from, tile->first),
                               part_dmean(round, p), &net->part[p].dc, tile->scratch->work);
}

static void mean_back(const struct round *round, size_t p, const struct et__hyp_tile *tile)
{
    struct et__hyperbolic *net = round->net;
    et__hyp_norm_mean_back(net, round->n, rows_of(round, tile), input_of(round, tile), round->sums,
                           round->node->batch_mean, round->dmean, round->total, tile->first == 0,
                           et__hyp_gradient(net, tile->room, round->node->from, tile->first),
                           &net->part[p].dc, tile->scratch->work);
}

static void norm_backward(struct round *round)
{
    size_t n = round->n;
    run(round, norm_rows_back);
    round->dvariance = 0;
    for (size_t p = 0; p < ET__HYP_PARTS; p++)
        round->dvariance += part_dmean(round, p)[n];
    run(round, variance_back);
    round->dmean = round->net->part[0].stat;
    memset(round->dmean, 0, n * sizeof *round->dmean);
    for (size_t p = 0; p < ET__HYP_PARTS; p++)
        for (size_t k = 0; k < n; k++)
            round->dmean[k] += part_dmean(round, p)[k];
    run(round, mean_back);
}

static void node_forward(const struct round *round, size_t p, const struct et__hyp_tile *tile)
{
    (void)p;
    et__hyp_forward(round->net, round->i, tile);
}

static void node_backward(const struct round *round, size_t p, const struct et__hyp_tile *tile)
{
    et__hyp_clear(round->net, round->i, tile);
    et__hyp_backward(round->net, round->i, tile, &round->net->part[p]);
}

/* ------------------------------------------------------------------------------- whole -- */

static void move_running(struct et__hyperbolic *net)
{
    double *work = net->scratch[0].work;
    for (size_t i = 0; i < net->n_nodes; i++) {
        struct et__hyp_node *node = &net->node[i];
        if (node->kind != ET__HYP_NORM) continue;
        size_t n = node->in.channels;
        if (net->flat) {
            for (size_t k = 0; k < n; k++)
                node->mean[k] += node->rate * (node->batch_mean[k] - node->mean[k]);
            node->variance += node->rate * (node->batch_variance - node->variance);
        } else {
            et__norm_update(net->c, n, node->rate, node->batch_mean, node->batch_variance,
                            node->mean, &node->variance, work);
        }
        float *own = net->knobs + node->knob + 1 + n;
        for (size_t k = 0; k < n; k++)
            own[k] = (float)node->mean[k];
        own[n] = (float)node->variance;
    }
}

enum et_status et__hyp_teach(struct et__hyperbolic *net, struct et_view x,
                             const struct et_teacher *teacher, struct et_view dx, float *dknobs)
{
    ET_TRY(et__hyp_whole(net, x.rows));
    et_view_copy(et_view_of(et__hyp_value(net, &net->whole, 0, 0), x.rows, net->n_in), x);
    for (size_t i = 0; i < net->n_nodes; i++) {
        struct round round = round_of(net, i);
        if (round.node->kind == ET__HYP_NORM)
            norm_forward(&round);
        else
            run(&round, node_forward);
    }
    float *y = et__hyp_value(net, &net->whole, net->n_nodes, 0);
    float *dy = et__hyp_gradient(net, &net->whole, net->n_nodes, 0);
    ET_TRY(teacher->judge(teacher->user, 0, 1, et_view_of(y, x.rows, net->n_out),
                          et_view_of(dy, x.rows, net->n_out)));
    et__hyp_parts_clear(net);
    for (size_t i = net->n_nodes; i-- > 0;) {
        struct round round = round_of(net, i);
        if (round.node->kind == ET__HYP_NORM)
            norm_backward(&round);
        else
            run(&round, node_backward);
    }
    et__hyp_parts_sum(net, true, dknobs);
    if (dx.data != NULL)
        et_view_copy(dx, et_view_of(et__hyp_gradient(net, &net->whole, 0, 0), x.rows, net->n_in));
    move_running(net);
    return ET_OK;
}
