/* SPDX-License-Identifier: Apache-2.0
 *
 * A network of hyperbolic layers as one system: the knobs are all its parameters. */
#include "hyperbolic/hyperbolic.h"

#include <math.h>
#include <string.h>

static enum et_status open_network(void *state, const struct et_config *config, uint64_t seed)
{
    struct et__hyperbolic *net = state;
    ET_TRY(et__hyp_plan(net, config));
    ET_TRY(et__hyp_knobs_create(net));
    ET_TRY(et__hyp_rooms_create(net));
    et__hyp_start(net, seed);
    return ET_OK;
}

static void describe(const void *state, struct et_system_info *info)
{
    const struct et__hyperbolic *net = state;
    bool counts = net->node[0].kind == ET__HYP_EMBEDDING;
    info->n_in = net->n_in;
    info->n_out = net->n_out;
    info->n_knobs = net->n_knobs;
    info->in_min = counts ? 0 : -INFINITY;
    info->in_max = counts ? (float)net->node[0].n_out - 1 : INFINITY;
    info->traits = ET_HAS_VJP;
    if (net->n_knobs > 0) info->traits |= ET_HAS_KNOBS;
}

static enum et_status forward(void *state, const struct et_step *step, struct et_view x,
                              struct et_view y)
{
    (void)step;
    et__hyp_forward_pass(state, x, y);
    return ET_OK;
}

static enum et_status vjp(void *state, const struct et_step *step, struct et_view x,
                          struct et_view dy, struct et_view dx, float *dknobs)
{
    (void)step;
    et__hyp_vjp(state, x, dy, dx, dknobs);
    return ET_OK;
}

static enum et_status teach(void *state, const struct et_step *step, struct et_view x,
                            const struct et_teacher *teacher, struct et_view dx, float *dknobs)
{
    (void)step;
    return et__hyp_teach(state, x, teacher, dx, dknobs);
}

static enum et_status set_knobs(void *state, const float *knobs)
{
    ET_TRY(et__hyp_check_knobs(state, knobs));
    et__hyp_take_knobs(state, knobs);
    return ET_OK;
}

static void get_knobs(const void *state, float *knobs)
{
    const struct et__hyperbolic *net = state;
    memcpy(knobs, net->knobs, net->n_knobs * sizeof *knobs);
}

static const struct et_knob_block *block(const void *state, size_t i)
{
    const struct et__hyperbolic *net = state;
    return i < net->n_blocks ? &net->block[i] : NULL;
}

static void close_network(void *state)
{
    struct et__hyperbolic *net = state;
    et__hyp_rooms_destroy(net);
    for (size_t i = 0; i < net->n_nodes; i++) {
        struct et__hyp_node *node = &net->node[i];
        et_free(node->table);
        et_free(node->length);
        et__panels_destroy(&node->ahead);
        et__panels_destroy(&node->back);
        et_free(node->shift);
        et_free(node->mean);
        et_free(node->batch_mean);
        et_free(node->batch_sums);
        et_free(node->log_gap);
    }
    et_free(net->node);
    et_free(net->shape);
    et_free(net->offset);
    et_free(net->slot);
    et_free(net->block);
    et_free(net->name);
    et_free(net->knobs);
}

const struct et_system_type et_system_hyperbolic = {
    .name = "hyperbolic",
    .summary = "Network of layers in the Poincare ball, or of the same layers in flat space",
    .state_size = sizeof(struct et__hyperbolic),
    .params = et__hyperbolic_params,
    .open = open_network,
    .describe = describe,
    .forward = forward,
    .set_knobs = set_knobs,
    .get_knobs = get_knobs,
    .vjp = vjp,
    .teach = teach,
    .block = block,
    .close = close_network,
};
