/* SPDX-License-Identifier: Apache-2.0
 *
 * Passes with the running statistics, where no row knows of another: tile by tile through all
 * nodes. */
#include "hyperbolic/hyperbolic.h"

#include <etalon/parallel.h>

#include <string.h>

struct pass {
    struct et__hyperbolic *net;
    struct et_view x, y, dy, dx;
};

static struct et__hyp_tile tile_of(const struct pass *pass, size_t first, size_t end, size_t worker)
{
    struct et__hyperbolic *net = pass->net;
    size_t count = end - first < net->tile ? end - first : net->tile;
    struct et__hyp_tile tile = {&net->room[worker], 0, count, &net->scratch[worker]};
    memcpy(et__hyp_value(net, tile.room, 0, 0), pass->x.data + first * net->n_in,
           count * net->n_in * sizeof(float));
    for (size_t i = 0; i < net->n_nodes; i++)
        et__hyp_forward(net, i, &tile);
    return tile;
}

static void forward_tile(void *user, size_t i, size_t worker)
{
    const struct pass *pass = user;
    const struct et__hyperbolic *net = pass->net;
    size_t first = i * net->tile;
    struct et__hyp_tile tile = tile_of(pass, first, pass->x.rows, worker);
    memcpy(pass->y.data + first * net->n_out, et__hyp_value(net, tile.room, net->n_nodes, 0),
           tile.count * net->n_out * sizeof(float));
}

void et__hyp_forward_pass(struct et__hyperbolic *net, struct et_view x, struct et_view y)
{
    struct pass pass = {.net = net, .x = x, .y = y};
    et_parallel_for((x.rows + net->tile - 1) / net->tile, forward_tile, &pass);
}

static void back_part(void *user, size_t p, size_t worker)
{
    const struct pass *pass = user;
    struct et__hyperbolic *net = pass->net;
    size_t rows = pass->x.rows, end = et__hyp_part_first(rows, p + 1);
    for (size_t first = et__hyp_part_first(rows, p); first < end; first += net->tile) {
        struct et__hyp_tile tile = tile_of(pass, first, end, worker);
        memcpy(et__hyp_gradient(net, tile.room, net->n_nodes, 0),
               pass->dy.data + first * net->n_out, tile.count * net->n_out * sizeof(float));
        for (size_t i = net->n_nodes; i-- > 0;) {
            et__hyp_clear(net, i, &tile);
            et__hyp_backward(net, i, &tile, &net->part[p]);
        }
        memcpy(pass->dx.data + first * net->n_in, et__hyp_gradient(net, tile.room, 0, 0),
               tile.count * net->n_in * sizeof(float));
    }
}

void et__hyp_vjp(struct et__hyperbolic *net, struct et_view x, struct et_view dy, struct et_view dx,
                 float *dknobs)
{
    struct pass pass = {.net = net, .x = x, .dy = dy, .dx = dx};
    et__hyp_parts_clear(net);
    et_parallel_for(ET__HYP_PARTS, back_part, &pass);
    if (dknobs != NULL) et__hyp_parts_sum(net, false, dknobs);
}
