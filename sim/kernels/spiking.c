/* SPDX-License-Identifier: Apache-2.0
 *
 * The loops run over neurons, which are independent: they vectorise, and every variant computes
 * the same bits.  The flags of step_body are constants where it is used, so that the plain cases
 * (no adaptation, refractoriness, gain) carry nothing of the others. */
#include "kernels/spiking.h"

#include <math.h>
#include <string.h>

typedef const struct et__spk_population population_type;

struct features {
    bool synapse, adapt, rest, affine, fires, hard;
};

/* Parameters keep their `restrict` where this is inlined, which local pointers would lose. */
static inline __attribute__((always_inline)) void
loop(size_t n, float refractory, const float *restrict gain, const float *restrict shift,
     const float *restrict m, const float *restrict v0, const float *restrict q0,
     const float *restrict q1, const float *restrict ms, const float *restrict ks,
     const float *restrict theta, const float *restrict drop, const float *restrict ma,
     const float *restrict beta, const float *restrict current, float *restrict u_out,
     float *restrict v_io, float *restrict syn, float *restrict adapt, float *restrict rest,
     float *restrict s_out, const struct features has)
{
    for (size_t j = 0; j < n; j++) {
        float x = has.affine ? gain[j] * current[j] + shift[j] : current[j];
        float u = m[j] * v_io[j] + v0[j];
        if (has.synapse) {
            u += q0[j] * syn[j];
            syn[j] = ms[j] * syn[j] + ks[j] * x;
        }
        u += q1[j] * x;
        if (!has.fires) {
            u_out[j] = u;
            v_io[j] = u;
            s_out[j] = u;
            continue;
        }
        float threshold = has.adapt ? theta[j] + beta[j] * adapt[j] : theta[j];
        float after = has.hard ? drop[j] : u - drop[j];
        float s = u > threshold ? 1.0F : 0.0F;
        if (has.rest) {
            float held = rest[j] > 0 ? 1.0F : 0.0F;
            u = held > 0 ? v_io[j] : u;
            s = held > 0 ? 0.0F : s;
            rest[j] = held > 0 ? rest[j] - 1 : s * refractory;
        }
        if (has.adapt) adapt[j] = ma[j] * adapt[j] + s;
        u_out[j] = u;
        v_io[j] = s > 0 ? after : u;
        s_out[j] = s;
    }
}

static inline __attribute__((always_inline)) void
step_body(population_type *p, const struct et__spk_neurons *neurons, const struct features has)
{
    float *const *c = p->coefficient;
    loop(p->n, (float)p->refractory, p->gain, p->shift, c[ET__SPK_M], c[ET__SPK_V0], c[ET__SPK_Q0],
         c[ET__SPK_Q1], c[ET__SPK_MS], c[ET__SPK_KS], c[ET__SPK_THETA], c[ET__SPK_DROP],
         c[ET__SPK_MA], p->param[ET__SPK_BETA], neurons->current, neurons->u, neurons->v,
         neurons->syn, neurons->adapt, neurons->rest, neurons->s, has);
}

#define VARIANT(name, ...)                                                                         \
    ET_VECTOR_CLONES static void name(population_type *p, const struct et__spk_neurons *neurons)   \
    {                                                                                              \
        step_body(p, neurons, (struct features){__VA_ARGS__});                                     \
    }

VARIANT(step_soft, .fires = true)
VARIANT(step_hard, .fires = true, .hard = true)
VARIANT(step_soft_synapse, .fires = true, .synapse = true)
VARIANT(step_hard_synapse, .fires = true, .synapse = true, .hard = true)
VARIANT(step_values, .fires = false)
VARIANT(step_values_synapse, .synapse = true)

/* Everything else decides while it runs. */
ET_VECTOR_CLONES static void step_any(population_type *p, const struct et__spk_neurons *neurons,
                                      struct features has)
{
    step_body(p, neurons, has);
}

static void step_linear(population_type *p, const struct et__spk_neurons *neurons)
{
    struct features has = {.synapse = neurons->syn != NULL,
                           .adapt = neurons->adapt != NULL,
                           .rest = neurons->rest != NULL,
                           .affine = p->gain != NULL,
                           .fires = et__spk_fires(p->kind),
                           .hard = p->reset == ET__SPK_HARD};
    if (has.adapt || has.rest || has.affine)
        step_any(p, neurons, has);
    else if (!has.fires)
        (has.synapse ? step_values_synapse : step_values)(p, neurons);
    else if (has.hard)
        (has.synapse ? step_hard_synapse : step_hard)(p, neurons);
    else
        (has.synapse ? step_soft_synapse : step_soft)(p, neurons);
}

/* What AdEx and Izhikevich do once u is known. */
static inline void spike(population_type *p, const struct et__spk_neurons *neurons, size_t j,
                         float u, float jump)
{
    float s = u > p->coefficient[ET__SPK_THETA][j] ? 1.0F : 0.0F;
    if (neurons->rest != NULL) {
        bool held = neurons->rest[j] > 0;
        if (held) {
            u = neurons->v[j];
            s = 0;
        }
        neurons->rest[j] = held ? neurons->rest[j] - 1 : s * (float)p->refractory;
    }
    neurons->adapt[j] += s * jump;
    neurons->u[j] = u;
    neurons->v[j] = s > 0 ? p->param[ET__SPK_V_RESET][j] : u;
    neurons->s[j] = s;
}

static float input(population_type *p, const struct et__spk_neurons *neurons, size_t j)
{
    float x = neurons->current[j];
    return p->gain != NULL ? p->gain[j] * x + p->shift[j] : x;
}

static void step_adex(population_type *p, double dt, const struct et__spk_neurons *neurons)
{
    for (size_t j = 0; j < p->n; j++) {
        float v = neurons->v[j], w = neurons->adapt[j], step = (float)dt;
        float leak = v - p->param[ET__SPK_V_LEAK][j], g = p->param[ET__SPK_G_LEAK][j];
        float delta = p->param[ET__SPK_DELTA][j];
        float rise = delta * expf((v - p->param[ET__SPK_V_KNEE][j]) / delta);
        float flow = rise - leak + (input(p, neurons, j) - w) / g;
        neurons->adapt[j] =
            w + step / p->param[ET__SPK_TAU_A][j] * (p->param[ET__SPK_A][j] * leak - w);
        spike(p, neurons, j, v + step / p->param[ET__SPK_TAU][j] * flow, p->param[ET__SPK_BETA][j]);
    }
}

static void step_izhikevich(population_type *p, double dt, const struct et__spk_neurons *neurons)
{
    const float step = (float)(dt * 1e3);
    for (size_t j = 0; j < p->n; j++) {
        float v = neurons->v[j], w = neurons->adapt[j];
        float flow = (0.04F * v + 5) * v + 140 - w + input(p, neurons, j);
        neurons->adapt[j] = w + step * p->param[ET__SPK_A][j] * (p->param[ET__SPK_B][j] * v - w);
        spike(p, neurons, j, v + step * flow, p->param[ET__SPK_D][j]);
    }
}

static void step_relay(population_type *p, const struct et__spk_neurons *neurons)
{
    for (size_t j = 0; j < p->n; j++)
        neurons->s[j] = input(p, neurons, j);
}

void et__spk_update(population_type *p, double dt, const struct et__spk_neurons *neurons)
{
    switch (p->kind) {
    case ET__SPK_RELAY:
        step_relay(p, neurons);
        break;
    case ET__SPK_ADEX:
        step_adex(p, dt, neurons);
        break;
    case ET__SPK_IZHIKEVICH:
        step_izhikevich(p, dt, neurons);
        break;
    default:
        step_linear(p, neurons);
        break;
    }
}
