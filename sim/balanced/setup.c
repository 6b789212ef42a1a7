/* SPDX-License-Identifier: Apache-2.0
 *
 * A balanced network from its configuration: numbers of the model, synapses, start. */
#include "balanced.h"

#include <etalon/array.h>
#include <etalon/rng.h>

#include <math.h>

static const double most_synapses = 4e8, most_steps = 1e8, most_rest = 1e6;

/* Steps of the device's seed. */
enum { OF_POTENTIAL, OF_EXCITATION, OF_INHIBITION };

static enum et_status read_model(struct et__net *net, const struct et_config *config)
{
    bool coba = net->model == ET__NET_COBA;
    const char *name = coba ? "coba" : "cuba", *other = coba ? "cuba" : "coba";
    if (et_config_given(config, other))
        return et_config_error(config, other, "the model is %s, which has nothing of %s", name,
                               other);
    const struct et_config *model = et_config_at(config, name, 0);
    net->rest = et_config_real(model, "rest");
    net->weight_e = et_config_real(model, "excitation");
    net->weight_i = et_config_real(model, "inhibition");
    if (coba) {
        net->reversal_e = et_config_real(model, "reversal_exc");
        net->reversal_i = et_config_real(model, "reversal_inh");
    }
    net->weight_ext = net->weight_e * et_config_real(config, "input_weight");
    net->threshold = et_config_real(config, "threshold");
    net->reset = et_config_real(config, "reset");
    net->tau_m = et_config_real(config, "tau_m");
    net->tau_e = et_config_real(config, "tau_exc");
    net->tau_i = et_config_real(config, "tau_inh");
    if (net->reset >= net->threshold)
        return et_config_error(config, "reset", "reset = %g V is not below threshold = %g V",
                               net->reset, net->threshold);
    return ET_OK;
}

static enum et_status read_times(struct et__balanced *b, const struct et_config *config)
{
    double duration = et_config_real(config, "duration"), dt = et_config_real(config, "dt"),
           settle = et_config_real(config, "settle"),
           refractory = et_config_real(config, "refractory");
    double steps = ceil(duration / dt * (1 - 1e-12));
    if (steps > most_steps)
        return et_config_error(config, "dt",
                               "dt = %g s makes %.3g steps of duration = %g s, at most %g are "
                               "possible",
                               dt, steps, duration, most_steps);
    b->steps = (size_t)steps;
    b->net.dt = duration / steps;
    b->net.delay = (size_t)et_config_int(config, "delay");
    b->net.refractory = (size_t)(refractory / b->net.dt + 0.5);
    if (refractory / b->net.dt > most_rest)
        return et_config_error(config, "refractory",
                               "refractory = %g s are more than %g steps of dt = %g s", refractory,
                               most_rest, b->net.dt);
    b->settle = (size_t)(settle / b->net.dt + 0.5);
    if (b->settle >= b->steps)
        return et_config_error(config, "settle",
                               "settle = %g s leaves nothing to count of duration = %g s", settle,
                               duration);
    return ET_OK;
}

static enum et_status read_sizes(struct et__balanced *b, const struct et_config *config)
{
    struct et__net *net = &b->net;
    double connectivity = et_config_real(config, "connectivity");
    net->n = (size_t)et_config_int(config, "n");
    net->n_exc = (size_t)(et_config_real(config, "excitatory") * (double)net->n + 0.5);
    net->n_ext = (size_t)et_config_int(config, "n_in");
    b->n_out = (size_t)et_config_int(config, "n_out");
    if (b->n_out > net->n)
        return et_config_error(config, "n_out", "n_out = %zu is more than n = %zu neurons",
                               b->n_out, net->n);
    double n = (double)net->n,
           synapses =
               n * (n * connectivity + (double)net->n_ext * et_config_real(config, "input_share"));
    if (synapses > most_synapses)
        return et_config_error(config, "connectivity",
                               "n = %zu, connectivity = %g and n_in = %zu make about %.3g "
                               "synapses, at most %g are possible",
                               net->n, connectivity, net->n_ext, synapses, most_synapses);
    return ET_OK;
}

/* COBA: as Brian's example of the benchmark; CUBA: anywhere between reset and threshold. */
static enum et_status make_start(struct et__balanced *b, const struct et_config *config,
                                 uint64_t seed)
{
    const struct et__net *net = &b->net;
    if (!(b->v = et_alloc(net->n, sizeof *b->v))) return ET_NOMEM;
    if (!(b->g_e = et_alloc(net->n, sizeof *b->g_e))) return ET_NOMEM;
    if (!(b->g_i = et_alloc(net->n, sizeof *b->g_i))) return ET_NOMEM;
    for (size_t i = 0; net->model == ET__NET_CUBA && i < net->n; i++)
        b->v[i] = net->reset + (net->threshold - net->reset) *
                                   (double)et_rng_uniform(seed, ET_STREAM_INIT, OF_POTENTIAL, i);
    for (size_t i = 0; net->model == ET__NET_COBA && i < net->n; i++) {
        double kick = et_config_real(et_config_at(config, "coba", 0), "kick");
        float z[3];
        for (uint32_t k = 0; k < 3; k++)
            et_rng_fill_normal(seed, ET_STREAM_INIT, k, i, &z[k], 1);
        b->v[i] = net->rest + 5e-3 * ((double)z[OF_POTENTIAL] - 1);
        b->g_e[i] = kick * fmax(4 + 1.5 * (double)z[OF_EXCITATION], 0);
        b->g_i[i] = kick * fmax(20 + 12 * (double)z[OF_INHIBITION], 0);
    }
    return ET_OK;
}

enum et_status et__balanced_read(struct et__balanced *b, const struct et_config *config,
                                 uint64_t seed)
{
    b->net.model = (enum et__net_model)et_config_choice(config, "model");
    b->input = (enum et__balanced_input)et_config_choice(config, "input");
    b->current = et_config_real(config, "current");
    b->rate = et_config_real(config, "rate");
    ET_TRY(read_model(&b->net, config));
    ET_TRY(read_times(b, config));
    ET_TRY(read_sizes(b, config));
    ET_TRY(make_start(b, config, seed));
    struct et__net_wiring wiring = {.probability = et_config_real(config, "connectivity"),
                                    .fixed = et_config_choice(config, "inputs_each") == 1,
                                    .external = et_config_real(config, "input_share"),
                                    .seed = seed};
    return et__net_connect(&b->net, &wiring);
}

void et__balanced_free(struct et__balanced *b)
{
    et_free(b->v);
    et_free(b->g_e);
    et_free(b->g_i);
    et__net_disconnect(&b->net);
}
