/* SPDX-License-Identifier: Apache-2.0
 *
 * Options of learning. */
#include "spiking/learn.h"

/* clang-format off */
static const struct et_param plasticity_params[] = {
    {.name = "kind", .kind = ET_PARAM_CHOICE, .initial = "pair", .choices = "pair|triplet",
     .doc = "pair: what counts are pairs of spikes; triplet: the terms a3_plus, a3_minus as well."},
    {.name = "modulated", .kind = ET_PARAM_BOOL, .initial = "false",
     .doc = "Changes wait in an eligibility that decays with tau_eligibility, and a reward makes "
            "them real: -sum of dL/dy y over the outputs of a step."},
    {.name = "tau_plus", .kind = ET_PARAM_REAL, .initial = "20e-3", .min = 1e-15, .max = 1e9,
     .unit = "s", .doc = "Window of source before target."},
    {.name = "tau_minus", .kind = ET_PARAM_REAL, .initial = "20e-3", .min = 1e-15, .max = 1e9,
     .unit = "s", .doc = "Window of target before source."},
    {.name = "tau_x", .kind = ET_PARAM_REAL, .initial = "0.1", .min = 1e-15, .max = 1e9,
     .unit = "s", .doc = "triplet: slow trace of the source."},
    {.name = "tau_y", .kind = ET_PARAM_REAL, .initial = "0.125", .min = 1e-15, .max = 1e9,
     .unit = "s", .doc = "triplet: slow trace of the target."},
    {.name = "tau_eligibility", .kind = ET_PARAM_REAL, .initial = "0.1", .min = 1e-15, .max = 1e9,
     .unit = "s", .doc = "modulated: decay of the eligibility."},
    {.name = "a2_plus", .kind = ET_PARAM_REAL, .initial = "1", .min = -1e9, .max = 1e9,
     .doc = "Rise of a weight for source and target in the same step, in units of a step of the "
            "optimiser."},
    {.name = "a2_minus", .kind = ET_PARAM_REAL, .initial = "1", .min = -1e9, .max = 1e9,
     .doc = "Fall for target before source."},
    {.name = "a3_plus", .kind = ET_PARAM_REAL, .initial = "0", .min = -1e9, .max = 1e9,
     .doc = "triplet: more rise after earlier spikes of the target."},
    {.name = "a3_minus", .kind = ET_PARAM_REAL, .initial = "0", .min = -1e9, .max = 1e9,
     .doc = "triplet: more fall after earlier spikes of the source."},
    {0},
};

const struct et_param et__spk_learning_params[] = {
    {.name = "rule", .kind = ET_PARAM_CHOICE, .initial = "sltt",
     .choices = "sltt|sltt-k|bptt|ottt|e-prop|stdp",
     .doc = "sltt: each step by itself, memory does not grow with the steps; sltt-k: the same for "
            "k steps of a pass; bptt: everything; ottt: sltt with traces of the sources; e-prop: "
            "each neuron through time, errors by feedback from the output; stdp: no error at all."},
    {.name = "surrogate", .kind = ET_PARAM_CHOICE, .initial = "triangle",
     .choices = "triangle|rectangle|sigmoid|fast-sigmoid|arctan",
     .doc = "Stands in for the derivative of a spike by the distance from the threshold."},
    {.name = "width", .kind = ET_PARAM_REAL, .initial = "1", .min = 1e-12, .max = 1e12,
     .doc = "Width of the surrogate, in the unit of the membrane."},
    {.name = "gain", .kind = ET_PARAM_REAL, .initial = "1", .min = 1e-12, .max = 1e12,
     .doc = "Factor of the surrogate, whose area is otherwise 1."},
    {.name = "through_reset", .kind = ET_PARAM_BOOL, .initial = "true",
     .doc = "The gradient passes the reset after a spike too (e-prop: never)."},
    {.name = "k", .kind = ET_PARAM_INT, .initial = "1", .min = 1, .max = 10000000,
     .doc = "sltt-k: steps of a pass that learn, drawn anew for each pass."},
    {.name = "feedback", .kind = ET_PARAM_CHOICE, .initial = "symmetric",
     .choices = "symmetric|random",
     .doc = "e-prop: errors come back through the output's own weights, or through fixed random "
            "ones to every layer."},
    {.name = "stdp", .kind = ET_PARAM_RECORD, .initial = "{}", .fields = plasticity_params,
     .doc = "Constants of stdp."},
    {0},
};
/* clang-format on */

static void read_plasticity(struct et__spk_plasticity *p, const struct et_config *config)
{
    bool triplet = et_config_choice(config, "kind") == 1;
    *p = (struct et__spk_plasticity){
        .tau_plus = et_config_real(config, "tau_plus"),
        .tau_minus = et_config_real(config, "tau_minus"),
        .tau_x = et_config_real(config, "tau_x"),
        .tau_y = et_config_real(config, "tau_y"),
        .a2_plus = et_config_real(config, "a2_plus"),
        .a2_minus = et_config_real(config, "a2_minus"),
        .a3_plus = triplet ? et_config_real(config, "a3_plus") : 0,
        .a3_minus = triplet ? et_config_real(config, "a3_minus") : 0,
        .tau_eligibility =
            et_config_bool(config, "modulated") ? et_config_real(config, "tau_eligibility") : 0,
    };
}

/* ottt keeps one trace per source for all neurons of a layer: they have to leak alike. */
static enum et_status check_ottt(const struct et_config *config, const struct et__spk_network *net)
{
    for (size_t i = 1; i < net->n_populations; i++) {
        const struct et__spk_population *p = &net->population[i];
        const float *m = p->coefficient[ET__SPK_M];
        bool linear = et__spk_uses(p->kind, ET__SPK_R) && !et__spk_uses(p->kind, ET__SPK_TAU_SYN);
        if (p->kind != ET__SPK_RELAY && !linear)
            return et_config_error(config, "rule", "ottt has no trace for neurons of kind '%s'",
                                   et__spk_kind_name(p->kind));
        for (size_t j = 1; m != NULL && j < p->n; j++)
            if (m[j] != m[0])
                return et_config_error(config, "rule",
                                       "ottt needs neurons that leak alike, but in '%s' neuron %zu "
                                       "keeps %g and neuron 0 %g",
                                       p->name, j, (double)m[j], (double)m[0]);
    }
    return ET_OK;
}

static bool reaches_output(const struct et__spk_network *net, size_t i)
{
    for (size_t k = 0; k < net->n_projections; k++)
        if (net->projection[k].source == i && net->projection[k].target == net->output) return true;
    return false;
}

static enum et_status check_eprop(const struct et_config *config, const struct et__spk_network *net,
                                  bool random_feedback)
{
    if (net->output + 1 != net->n_populations)
        return et_config_error(config, "rule", "e-prop needs the output in the last place");
    for (size_t i = 1; i < net->output && !random_feedback; i++)
        if (!reaches_output(net, i))
            return et_config_error(config, "feedback",
                                   "'%s' does not lead to the output: e-prop needs random feedback",
                                   net->population[i].name);
    return ET_OK;
}

static enum et_status check_stdp(const struct et_config *config, const struct et__spk_network *net)
{
    for (size_t k = 0; k < net->n_projections; k++) {
        const struct et__spk_projection *p = &net->projection[k];
        if (!p->tunable || p->weight == NULL) continue;
        if (p->synapse != ET__SPK_DENSE)
            return et_config_error(config, "rule", "stdp is for dense synapses, not for '%s'",
                                   p->name);
        if (!et__spk_sends_spikes(net, p->source) || !et__spk_sends_spikes(net, p->target))
            return et_config_error(config, "rule", "stdp needs spikes on both sides of '%s'",
                                   p->name);
    }
    return ET_OK;
}

enum et_status et__spk_learning_read(struct et__spk_learning *learning,
                                     const struct et_config *config,
                                     const struct et__spk_network *net)
{
    *learning = (struct et__spk_learning){
        .rule = (enum et__spk_rule)et_config_choice(config, "rule"),
        .surrogate = {(enum et__surrogate_shape)et_config_choice(config, "surrogate"),
                      (float)et_config_real(config, "width"),
                      (float)et_config_real(config, "gain")},
        .k = (size_t)et_config_int(config, "k"),
        .random_feedback = et_config_choice(config, "feedback") == 1,
    };
    learning->through_reset =
        et_config_bool(config, "through_reset") && learning->rule != ET__SPK_EPROP;
    read_plasticity(&learning->plasticity, et_config_at(config, "stdp", 0));
    switch (learning->rule) {
    case ET__SPK_SLTT_K:
        if (learning->k <= net->steps) return ET_OK;
        return et_config_error(config, "k", "k = %zu, but a pass has %zu steps", learning->k,
                               net->steps);
    case ET__SPK_OTTT:
        return check_ottt(config, net);
    case ET__SPK_EPROP:
        return check_eprop(config, net, learning->random_feedback);
    case ET__SPK_STDP:
        return check_stdp(config, net);
    default:
        return ET_OK;
    }
}
