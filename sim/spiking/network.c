/* SPDX-License-Identifier: Apache-2.0
 *
 * Building a network: names, defaults, memory, knobs. */
#include "spiking/network.h"

#include <assert.h>
#include <string.h>

/* Default of each parameter, and which kinds have it.  AdEx: the regular-spiking neuron of Brette
 * and Gerstner (2005); Izhikevich: regular spiking (2003). */
static const struct {
    const char *name;
    double initial;
} params[ET__SPK_PARAMS] = {
    [ET__SPK_TAU] = {"tau", 2e-3},
    [ET__SPK_R] = {"r", 1},
    [ET__SPK_V_LEAK] = {"v_leak", 0},
    [ET__SPK_V_THRESHOLD] = {"v_threshold", 1},
    [ET__SPK_V_RESET] = {"v_reset", 0},
    [ET__SPK_TAU_SYN] = {"tau_syn", 5e-3},
    [ET__SPK_W_IN] = {"w_in", 1},
    [ET__SPK_TAU_A] = {"tau_a", 0.1},
    [ET__SPK_BETA] = {"beta", 0.1},
    [ET__SPK_A] = {"a", 0.02},
    [ET__SPK_B] = {"b", 0.2},
    [ET__SPK_D] = {"d", 8},
    [ET__SPK_G_LEAK] = {"g_leak", 30e-9},
    [ET__SPK_DELTA] = {"delta", 2e-3},
    [ET__SPK_V_KNEE] = {"v_knee", -50.4e-3},
};

#define BIT(param) (1U << ET__SPK_##param)
static const struct {
    const char *name;
    unsigned uses;
} kinds[ET__SPK_KINDS] = {
    [ET__SPK_INPUT] = {"input", 0},
    [ET__SPK_RELAY] = {"relay", 0},
    [ET__SPK_I] = {"i", BIT(R)},
    [ET__SPK_LI] = {"li", BIT(TAU) | BIT(R) | BIT(V_LEAK)},
    [ET__SPK_CUBA_LI] = {"cuba-li", BIT(TAU) | BIT(R) | BIT(V_LEAK) | BIT(TAU_SYN) | BIT(W_IN)},
    [ET__SPK_IF] = {"if", BIT(R) | BIT(V_THRESHOLD) | BIT(V_RESET)},
    [ET__SPK_LIF] = {"lif", BIT(TAU) | BIT(R) | BIT(V_LEAK) | BIT(V_THRESHOLD) | BIT(V_RESET)},
    [ET__SPK_CUBA_LIF] = {"cuba-lif", BIT(TAU) | BIT(R) | BIT(V_LEAK) | BIT(V_THRESHOLD) |
                                          BIT(V_RESET) | BIT(TAU_SYN) | BIT(W_IN)},
    [ET__SPK_ALIF] = {"alif", BIT(TAU) | BIT(R) | BIT(V_LEAK) | BIT(V_THRESHOLD) | BIT(V_RESET) |
                                  BIT(TAU_A) | BIT(BETA)},
    [ET__SPK_ADEX] = {"adex", BIT(TAU) | BIT(V_LEAK) | BIT(V_THRESHOLD) | BIT(V_RESET) |
                                  BIT(TAU_A) | BIT(BETA) | BIT(A) | BIT(G_LEAK) | BIT(DELTA) |
                                  BIT(V_KNEE)},
    [ET__SPK_IZHIKEVICH] = {"izhikevich",
                            BIT(V_THRESHOLD) | BIT(V_RESET) | BIT(A) | BIT(B) | BIT(D)},
};

/* Where a kind departs from the defaults above. */
static const struct {
    enum et__spk_kind kind;
    enum et__spk_param param;
    double initial;
} special[] = {
    {ET__SPK_ADEX, ET__SPK_TAU, 281e-12 / 30e-9},
    {ET__SPK_ADEX, ET__SPK_V_LEAK, -70.6e-3},
    {ET__SPK_ADEX, ET__SPK_V_THRESHOLD, 20e-3},
    {ET__SPK_ADEX, ET__SPK_V_RESET, -70.6e-3},
    {ET__SPK_ADEX, ET__SPK_TAU_A, 144e-3},
    {ET__SPK_ADEX, ET__SPK_BETA, 0.0805e-9},
    {ET__SPK_ADEX, ET__SPK_A, 4e-9},
    {ET__SPK_IZHIKEVICH, ET__SPK_V_THRESHOLD, 30},
    {ET__SPK_IZHIKEVICH, ET__SPK_V_RESET, -65},
};

bool et__spk_uses(enum et__spk_kind kind, enum et__spk_param param)
{
    return (kinds[kind].uses >> param & 1U) != 0;
}

const char *et__spk_kind_name(enum et__spk_kind kind)
{
    return kinds[kind].name;
}

const char *et__spk_param_name(enum et__spk_param param)
{
    return params[param].name;
}

bool et__spk_fires(enum et__spk_kind kind)
{
    return et__spk_uses(kind, ET__SPK_V_THRESHOLD);
}

double et__spk_initial(enum et__spk_kind kind, enum et__spk_param param)
{
    for (size_t i = 0; i < sizeof special / sizeof *special; i++)
        if (special[i].kind == kind && special[i].param == param) return special[i].initial;
    return params[param].initial;
}

bool et__spk_input_fires(const struct et__spk_network *net)
{
    return net->encoder.kind == ET__SPK_POISSON || net->encoder.kind == ET__SPK_LATENCY;
}

bool et__spk_sends_spikes(const struct et__spk_network *net, size_t population)
{
    if (population == 0) return et__spk_input_fires(net);
    return et__spk_fires(net->population[population].kind) && !net->smooth;
}

/* ---------------------------------------------------------------------------------- building -- */

/* Makes room for one more element of a list. */
static enum et_status grow(void *list_at, size_t n, size_t size)
{
    void *old, *list = et_alloc(n + 1, size);
    if (list == NULL) return ET_NOMEM;
    memcpy(&old, list_at, sizeof old);
    if (n > 0) memcpy(list, old, n * size);
    et_free(old);
    memcpy(list_at, &list, sizeof list);
    return ET_OK;
}

enum et_status et__spk_begin(struct et__spk_network *net, double dt, size_t steps, size_t c,
                             size_t h, size_t w)
{
    struct et__spk_population *input;
    *net = (struct et__spk_network){.dt = dt, .steps = steps};
    return et__spk_add_population(net, "input", ET__SPK_INPUT, c, h, w, &input);
}

enum et_status et__spk_add_population(struct et__spk_network *net, const char *name,
                                      enum et__spk_kind kind, size_t c, size_t h, size_t w,
                                      struct et__spk_population **added)
{
    ET_TRY(grow(&net->population, net->n_populations, sizeof *net->population));
    struct et__spk_population *p = &net->population[net->n_populations++];
    bool euler = kind == ET__SPK_ADEX || kind == ET__SPK_IZHIKEVICH;
    p->kind = kind;
    p->integrator = euler ? ET__SPK_EULER : ET__SPK_EXACT;
    p->reset = euler ? ET__SPK_HARD : ET__SPK_SOFT;
    p->n = c * h * w;
    p->c = c;
    p->h = h;
    p->w = w;
    if ((p->name = et_strdup(name)) == NULL) return ET_NOMEM;
    for (size_t i = 0; i < ET__SPK_PARAMS; i++) {
        if (!et__spk_uses(kind, (enum et__spk_param)i)) continue;
        if ((p->param[i] = et_alloc(p->n, sizeof *p->param[i])) == NULL) return ET_NOMEM;
        et__spk_set(p, (enum et__spk_param)i, et__spk_initial(kind, (enum et__spk_param)i));
    }
    *added = p;
    return ET_OK;
}

void et__spk_set(struct et__spk_population *population, enum et__spk_param param, double value)
{
    assert(et__spk_uses(population->kind, param));
    for (size_t j = 0; j < population->n; j++)
        population->param[param][j] = (float)value;
}

enum et_status et__spk_add_projection(struct et__spk_network *net, const char *name,
                                      enum et__spk_synapse synapse, size_t source, size_t target,
                                      struct et__spk_projection **added)
{
    ET_TRY(grow(&net->projection, net->n_projections, sizeof *net->projection));
    struct et__spk_projection *p = &net->projection[net->n_projections++];
    *p = (struct et__spk_projection){.source = source,
                                     .target = target,
                                     .synapse = synapse,
                                     .kernel_h = 1,
                                     .kernel_w = 1,
                                     .stride_h = 1,
                                     .stride_w = 1,
                                     .dilation_h = 1,
                                     .dilation_w = 1,
                                     .groups = 1};
    if ((p->name = et_strdup(name)) == NULL) return ET_NOMEM;
    *added = p;
    return ET_OK;
}

size_t et__spk_weights(const struct et__spk_network *net, const struct et__spk_projection *p)
{
    const struct et__spk_population *pre = &net->population[p->source];
    const struct et__spk_population *post = &net->population[p->target];
    switch (p->synapse) {
    case ET__SPK_DENSE:
        return pre->n * post->n;
    case ET__SPK_SPARSE:
        return p->start[pre->n];
    case ET__SPK_CONV:
        return post->c * (pre->c / p->groups) * p->kernel_h * p->kernel_w;
    case ET__SPK_ONE:
        return post->n;
    case ET__SPK_POOL:
        break;
    }
    return 0;
}

size_t et__spk_biases(const struct et__spk_network *net, const struct et__spk_projection *p)
{
    const struct et__spk_population *post = &net->population[p->target];
    return p->synapse == ET__SPK_POOL ? 0 : p->synapse == ET__SPK_CONV ? post->c : post->n;
}

enum et_status et__spk_alloc_weights(const struct et__spk_network *net,
                                     struct et__spk_projection *projection, bool bias)
{
    size_t weights = et__spk_weights(net, projection), biases = et__spk_biases(net, projection);
    projection->weight = et_alloc(weights, sizeof *projection->weight);
    if (projection->weight == NULL) return ET_NOMEM;
    if (!bias) return ET_OK;
    projection->bias = et_alloc(biases, sizeof *projection->bias);
    return projection->bias == NULL ? ET_NOMEM : ET_OK;
}

size_t et__spk_conv_size(size_t in, size_t kernel, size_t stride, size_t pad, size_t dilation)
{
    size_t span = (kernel - 1) * dilation + 1;
    return in + 2 * pad < span ? 0 : (in + 2 * pad - span) / stride + 1;
}

void et__spk_free(struct et__spk_network *net)
{
    for (size_t i = 0; i < net->n_populations; i++) {
        struct et__spk_population *p = &net->population[i];
        et_free(p->name);
        et_free(p->gain);
        et_free(p->shift);
        for (size_t k = 0; k < ET__SPK_PARAMS; k++)
            et_free(p->param[k]);
        for (size_t k = 0; k < ET__SPK_COEFFICIENTS; k++)
            et_free(p->coefficient[k]);
    }
    for (size_t i = 0; i < net->n_projections; i++) {
        struct et__spk_projection *p = &net->projection[i];
        if (p->used != p->weight) et_free(p->used);
        et_free(p->name);
        et_free(p->weight);
        et_free(p->bias);
        et_free(p->start);
        et_free(p->column);
        et_free(p->delays);
        et_free(p->packed);
    }
    et_free(net->population);
    et_free(net->projection);
    *net = (struct et__spk_network){0};
}

/* ------------------------------------------------------------------------------------- knobs -- */

/* packed [c_pre][kernel_h][kernel_w][c_post / groups]: what one spike of a channel adds. */
static void pack(const struct et__spk_network *net, struct et__spk_projection *p)
{
    size_t area = p->kernel_h * p->kernel_w, c_pre = net->population[p->source].c / p->groups;
    size_t c_post = net->population[p->target].c / p->groups;
    for (size_t g = 0; g < p->groups; g++)
        for (size_t o = 0; o < c_post; o++)
            for (size_t i = 0; i < c_pre; i++)
                for (size_t k = 0; k < area; k++)
                    p->packed[((g * c_pre + i) * area + k) * c_post + o] =
                        p->used[((g * c_post + o) * c_pre + i) * area + k];
}

void et__spk_refresh(struct et__spk_network *net)
{
    for (size_t i = 0; i < net->n_projections; i++)
        if (net->projection[i].packed != NULL) pack(net, &net->projection[i]);
}

void et__spk_put_knobs(struct et__spk_network *net, const float *knobs)
{
    for (size_t i = 0; i < net->n_projections; i++) {
        struct et__spk_projection *p = &net->projection[i];
        if (!p->tunable) continue;
        size_t weights = et__spk_weights(net, p), biases = et__spk_biases(net, p);
        memcpy(p->weight, knobs + p->first_knob, weights * sizeof *knobs);
        if (p->bias != NULL)
            memcpy(p->bias, knobs + p->first_knob + weights, biases * sizeof *knobs);
    }
    et__spk_refresh(net);
}

void et__spk_take_knobs(const struct et__spk_network *net, float *knobs)
{
    for (size_t i = 0; i < net->n_projections; i++) {
        const struct et__spk_projection *p = &net->projection[i];
        if (!p->tunable) continue;
        size_t weights = et__spk_weights(net, p), biases = et__spk_biases(net, p);
        memcpy(knobs + p->first_knob, p->weight, weights * sizeof *knobs);
        if (p->bias != NULL)
            memcpy(knobs + p->first_knob + weights, p->bias, biases * sizeof *knobs);
    }
}
