/* SPDX-License-Identifier: Apache-2.0
 *
 * From a list of layers to populations and projections. */
#include "spiking/system.h"

#include <etalon/rng.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

enum start { UNIFORM, NORMAL, CONSTANT };

/* Order of the choices of `neuron` and of `synapse`. */
static const enum et__spk_kind kinds[] = {
    ET__SPK_RELAY, ET__SPK_I,        ET__SPK_LI,   ET__SPK_CUBA_LI, ET__SPK_IF,
    ET__SPK_LIF,   ET__SPK_CUBA_LIF, ET__SPK_ALIF, ET__SPK_ADEX,    ET__SPK_IZHIKEVICH};
static const enum et__spk_synapse synapses[] = {ET__SPK_DENSE, ET__SPK_SPARSE, ET__SPK_CONV,
                                                ET__SPK_POOL, ET__SPK_ONE};

/* A layer on its way into the network. */
struct layer {
    struct et__spk_network *net;
    const struct et_config *config;
    char name[64];
    enum et__spk_synapse synapse;
    size_t source, target, c, h, w;
    size_t kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w;
};

static size_t whole(const struct layer *l, const char *name)
{
    return (size_t)et_config_int(l->config, name);
}

/* ----------------------------------------------------------------------------------- neurons -- */

static enum et_status read_neurons(struct layer *l, const struct et_config *network,
                                   struct et__spk_population *p)
{
    static const char *const names[ET__SPK_PARAMS] = {[ET__SPK_V_THRESHOLD] = "threshold"};
    bool euler_only = p->kind == ET__SPK_ADEX || p->kind == ET__SPK_IZHIKEVICH;
    size_t own = et_config_choice(l->config, "integrator");
    p->integrator =
        (enum et__spk_integrator)(own > 0 ? own - 1 : et_config_choice(network, "integrator"));
    if (!euler_only || et_config_given(l->config, "current"))
        p->drive = (enum et__spk_drive)et_config_choice(l->config, "current");
    if (!euler_only || et_config_given(l->config, "reset"))
        p->reset = (enum et__spk_reset)et_config_choice(l->config, "reset");
    p->reach = et_config_choice(l->config, "fire") == 1;
    p->old_synapse = et_config_bool(l->config, "old_synapse");
    double refractory = et_config_real(l->config, "refractory") / l->net->dt;
    if (fabs(refractory - round(refractory)) > 1e-6 * fmax(1, refractory))
        return et_config_error(l->config, "refractory", "%g s are %g steps of %g s: not whole",
                               refractory * l->net->dt, refractory, l->net->dt);
    p->refractory = (size_t)llround(refractory);
    for (size_t i = 0; i < ET__SPK_PARAMS; i++) {
        enum et__spk_param param = (enum et__spk_param)i;
        const char *name = names[i] != NULL ? names[i] : et__spk_param_name(param);
        if (!et__spk_uses(p->kind, param)) {
            if (et_config_given(l->config, name))
                return et_config_error(l->config, name, "neuron %s has no %s",
                                       et__spk_kind_name(p->kind), name);
        } else if (!euler_only || et_config_given(l->config, name)) {
            et__spk_set(p, param, et_config_real(l->config, name));
        }
    }
    return ET_OK;
}

/* ---------------------------------------------------------------------------------- synapses -- */

static enum et_status place_windows(struct layer *l, const struct et__spk_population *pre)
{
    bool flat = pre->h == 1;
    l->kernel_w = whole(l, "kernel");
    l->stride_w = whole(l, "stride");
    l->pad_w = whole(l, "padding");
    l->dilation_w = l->synapse == ET__SPK_CONV ? whole(l, "dilation") : 1;
    l->kernel_h = flat ? 1 : l->kernel_w;
    l->stride_h = flat ? 1 : l->stride_w;
    l->pad_h = flat ? 0 : l->pad_w;
    l->dilation_h = flat ? 1 : l->dilation_w;
    l->c = l->synapse == ET__SPK_CONV ? whole(l, "channels") : pre->c;
    l->h = et__spk_conv_size(pre->h, l->kernel_h, l->stride_h, l->pad_h, l->dilation_h);
    l->w = et__spk_conv_size(pre->w, l->kernel_w, l->stride_w, l->pad_w, l->dilation_w);
    if (l->h == 0 || l->w == 0)
        return et_config_error(l->config, "kernel",
                               "a window of %zu x %zu does not fit an input of %zu x %zu with a "
                               "padding of %zu",
                               (l->kernel_h - 1) * l->dilation_h + 1,
                               (l->kernel_w - 1) * l->dilation_w + 1, pre->h, pre->w, l->pad_w);
    size_t groups = l->synapse == ET__SPK_CONV ? whole(l, "groups") : 1;
    if (pre->c % groups != 0 || l->c % groups != 0)
        return et_config_error(l->config, "groups", "%zu groups do not divide %zu and %zu channels",
                               groups, pre->c, l->c);
    return ET_OK;
}

static enum et_status place(struct layer *l)
{
    const struct et__spk_population *pre = &l->net->population[l->source];
    if (l->synapse == ET__SPK_CONV || l->synapse == ET__SPK_POOL) return place_windows(l, pre);
    l->c = pre->c;
    l->h = pre->h;
    l->w = pre->w;
    if (l->synapse == ET__SPK_ONE) return ET_OK;
    l->c = whole(l, "n");
    l->h = l->w = 1;
    if (l->c == 0) return et_config_error(l->config, "n", "how many neurons has the layer?");
    return ET_OK;
}

/* The random pattern: a synapse from i to j where number i n_post + j of the device is below the
 * density. */
static enum et_status draw_pattern(const struct layer *l, struct et__spk_projection *p,
                                   uint64_t seed, uint32_t which)
{
    size_t n_pre = l->net->population[p->source].n, n_post = l->net->population[p->target].n;
    double density = et_config_real(l->config, "density");
    if ((double)n_pre * (double)n_post > 4e9)
        return et_config_error(l->config, "n", "%zu x %zu pairs are too many to draw", n_pre,
                               n_post);
    if ((p->start = et_alloc(n_pre + 1, sizeof *p->start)) == NULL) return ET_NOMEM;
    for (int fill = 0; fill < 2; fill++) {
        uint32_t used = 0;
        for (size_t i = 0; i < n_pre; i++) {
            for (size_t j = 0; j < n_post; j++) {
                float u = et_rng_uniform(seed, ET_STREAM_GEOMETRY, which, i * n_post + j);
                if ((double)u >= density) continue;
                if (fill) p->column[used] = (uint32_t)j;
                used++;
            }
            p->start[i + 1] = used;
        }
        if (!fill && (p->column = et_alloc(used, sizeof *p->column)) == NULL) return ET_NOMEM;
    }
    return ET_OK;
}

/* Synapses of a target neuron, on average. */
static double fan_in(const struct et__spk_network *net, const struct et__spk_projection *p)
{
    const struct et__spk_population *pre = &net->population[p->source];
    double n_post = (double)net->population[p->target].n;
    size_t window = pre->c / p->groups * p->kernel_h * p->kernel_w;
    switch (p->synapse) {
    case ET__SPK_SPARSE:
        return fmax(1, (double)p->start[pre->n] / n_post);
    case ET__SPK_CONV:
        return (double)window;
    case ET__SPK_ONE:
        return 1;
    default:
        return (double)pre->n;
    }
}

/* Number i of the starting weights of projection `which` is number i of the device's. */
static enum et_status start_weights(const struct layer *l, struct et__spk_projection *p,
                                    const char *gain, uint64_t seed, uint32_t which)
{
    enum start start = (enum start)et_config_choice(l->config, "weights");
    double scale = et_config_real(l->config, gain), sd = scale / sqrt(fan_in(l->net, p));
    bool bias = et_config_bool(l->config, "bias") && p->source != p->target;
    ET_TRY(et__spk_alloc_weights(l->net, p, bias));
    size_t n = et__spk_weights(l->net, p);
    float edge = (float)(sd * sqrt(3));
    if (start == UNIFORM)
        et_rng_fill_uniform(seed, ET_STREAM_INIT, which, 0, -edge, edge, p->weight, n);
    else if (start == NORMAL)
        et_rng_fill_normal(seed, ET_STREAM_INIT, which, 0, p->weight, n);
    for (size_t i = 0; start != UNIFORM && i < n; i++)
        p->weight[i] = start == NORMAL ? (float)sd * p->weight[i] : (float)scale;
    for (size_t j = 0; bias && j < et__spk_biases(l->net, p); j++)
        p->bias[j] = (float)et_config_real(l->config, "bias_start");
    p->tunable = et_config_bool(l->config, "tunable");
    return ET_OK;
}

static enum et_status connect(const struct layer *l, uint64_t seed)
{
    struct et__spk_projection *p;
    uint32_t which = (uint32_t)l->net->n_projections;
    ET_TRY(et__spk_add_projection(l->net, l->name, l->synapse, l->source, l->target, &p));
    p->delay = whole(l, "delay");
    if (l->synapse == ET__SPK_CONV || l->synapse == ET__SPK_POOL) {
        p->kernel_h = l->kernel_h;
        p->kernel_w = l->kernel_w;
        p->stride_h = l->stride_h;
        p->stride_w = l->stride_w;
        p->pad_h = l->pad_h;
        p->pad_w = l->pad_w;
        p->dilation_h = l->dilation_h;
        p->dilation_w = l->dilation_w;
        p->average = et_config_bool(l->config, "average");
    }
    if (l->synapse == ET__SPK_CONV) p->groups = whole(l, "groups");
    if (l->synapse == ET__SPK_SPARSE) ET_TRY(draw_pattern(l, p, seed, which));
    if (l->synapse != ET__SPK_POOL) ET_TRY(start_weights(l, p, "gain", seed, which));
    if (!et_config_bool(l->config, "recurrent")) return ET_OK;
    char name[80];
    snprintf(name, sizeof name, "%s.recurrent", l->name);
    ET_TRY(et__spk_add_projection(l->net, name, ET__SPK_DENSE, l->target, l->target, &p));
    p->delay = whole(l, "recurrent_delay");
    return start_weights(l, p, "recurrent_gain", seed, which + 1);
}

/* ----------------------------------------------------------------------------------- network -- */

static enum et_status add_layer(struct et__spk_network *net, const struct et_config *network,
                                size_t index, uint64_t seed)
{
    struct layer l = {.net = net,
                      .config = et_config_at(network, "layers", index),
                      .source = index,
                      .target = index + 1};
    struct et__spk_population *p;
    const char *name = et_config_string(l.config, "name");
    if (*name != '\0')
        snprintf(l.name, sizeof l.name, "%s", name);
    else
        snprintf(l.name, sizeof l.name, "layer%zu", index + 1);
    l.synapse = synapses[et_config_choice(l.config, "synapse")];
    ET_TRY(place(&l));
    ET_TRY(et__spk_add_population(net, l.name, kinds[et_config_choice(l.config, "neuron")], l.c,
                                  l.h, l.w, &p));
    ET_TRY(read_neurons(&l, network, p));
    return connect(&l, seed);
}

void et__spiking_configure_ends(struct et__spk_network *net, const struct et_config *config,
                                uint64_t seed)
{
    const struct et_config *input = et_config_at(config, "input", 0);
    net->encoder.kind = (enum et__spk_encoding)et_config_choice(input, "encoding");
    net->encoder.rate = et_config_real(input, "rate");
    if (net->encoder.rate == 0) net->encoder.rate = 1 / net->dt;
    net->readout = (enum et__spk_readout)et_config_choice(config, "readout");
    net->seed = seed;
}

enum et_status et__spiking_configure(struct et__spk_network *net, const struct et_config *config,
                                     uint64_t seed)
{
    const struct et_config *input = et_config_at(config, "input", 0);
    size_t c = (size_t)et_config_int(input, "channels"), h = (size_t)et_config_int(input, "height");
    size_t w = (size_t)et_config_int(input, "width"), n = (size_t)et_config_int(input, "n");
    bool shaped = et_config_given(input, "channels") || et_config_given(input, "height") ||
                  et_config_given(input, "width");
    if (n > 0 && shaped && n != c * h * w)
        return et_config_error(input, "n", "n = %zu is not channels height width = %zu", n,
                               c * h * w);
    if (n > 0 && !shaped) {
        c = n;
        h = w = 1;
    }
    ET_TRY(et__spk_begin(net, et_config_real(config, "dt"), (size_t)et_config_int(config, "steps"),
                         c, h, w));
    et__spiking_configure_ends(net, config, seed);
    for (size_t i = 0; i < et_config_count(config, "layers"); i++)
        ET_TRY(add_layer(net, config, i, seed));
    net->output = net->n_populations - 1;
    return ET_OK;
}
