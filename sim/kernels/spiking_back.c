/* SPDX-License-Identifier: Apache-2.0
 *
 * One time step of spiking neurons, backwards (the way forward: kernels/spiking.h).
 *
 * With dv, di, da = dL/d(state after the step), ds = dL/ds and z = u - THETA - BETA a:
 *
 *     gs  = ds + da (ALIF)              the spike also raises a'
 *     du  = dv,           gs -= DROP dv            soft
 *         = (1 - s) dv,   gs += (v_reset - u) dv   hard
 *         = dv                                     keep
 *     du += psi(z) gs;    da <- MA da - BETA psi(z) gs
 *     dv <- M du;  di <- MS di + Q0 du;  dx = Q1 du + KS di      (dx before di is replaced)
 *
 * The terms of gs that come through the reset are left out unless asked for.  In the refractory
 * time u = v and s = 0: psi = 0, dv passes as it is, and dx = KS di.  Populations of values have
 * s = v = u: du = dv + ds.
 *
 * AdEx and Izhikevich: the same with the slopes of their right-hand sides; their reset is hard. */
#include "spiking/learn.h"

#include <math.h>
#include <string.h>

typedef const struct et__spk_population population_type;
typedef const struct et__spk_moment moment_type;

static float or_zero(const float *array, size_t j)
{
    return array != NULL ? array[j] : 0;
}

ET_VECTOR_CLONES static void subtract_drop(const float *u, const float *theta, float *z, size_t n)
{
    for (size_t j = 0; j < n; j++)
        z[j] = u[j] - theta[j];
}

void et__spk_distance(population_type *p, const float *u, const float *adapt, float *z)
{
    subtract_drop(u, p->coefficient[ET__SPK_THETA], z, p->n);
    if (p->kind != ET__SPK_ALIF) return;
    for (size_t j = 0; j < p->n; j++)
        z[j] -= p->param[ET__SPK_BETA][j] * adapt[j];
}

/* -------------------------------------------------------------------- spatial, soft reset -- */

/* No state after the step matters: du = psi ds, dx = Q1 du. */
ET_VECTOR_CLONES static void spatial(const float *q1, const float *ds, const float *psi, float *dx,
                                     size_t n)
{
    for (size_t j = 0; j < n; j++)
        dx[j] = q1[j] * (psi[j] * ds[j]);
}

/* ----------------------------------------------------------------------------- membranes -- */

/* What du adds up to, and what it leaves for dadapt. */
static float through_spike(population_type *p, moment_type *m, size_t j, bool through_reset,
                           bool hard)
{
    float dv = or_zero(m->dv, j), gs = m->ds[j], du = dv, s = m->s[j];
    bool adapts = p->kind == ET__SPK_ALIF;
    float da = adapts ? or_zero(m->dadapt, j) : 0;
    if (hard) du *= 1 - s;
    if (through_reset && hard) gs += (p->coefficient[ET__SPK_DROP][j] - m->u[j]) * dv;
    if (through_reset && !hard) gs -= p->coefficient[ET__SPK_DROP][j] * dv;
    gs += da;
    float through = m->psi[j] * gs;
    if (m->held != NULL && m->held[j]) {
        through = 0;
        du = dv;
    }
    if (adapts && m->dadapt != NULL)
        m->dadapt[j] = p->coefficient[ET__SPK_MA][j] * da - p->param[ET__SPK_BETA][j] * through;
    return du + through;
}

/* The leak and the current. */
static void through_leak(population_type *p, moment_type *m, size_t j, float du)
{
    bool held = m->held != NULL && m->held[j];
    float inflow = held ? 0 : du, dx = p->coefficient[ET__SPK_Q1][j] * inflow;
    if (p->coefficient[ET__SPK_MS] != NULL) {
        float di = or_zero(m->dsyn, j);
        dx += p->coefficient[ET__SPK_KS][j] * di;
        if (m->dsyn != NULL)
            m->dsyn[j] =
                p->coefficient[ET__SPK_MS][j] * di + p->coefficient[ET__SPK_Q0][j] * inflow;
    }
    if (m->dv != NULL) m->dv[j] = held ? du : p->coefficient[ET__SPK_M][j] * du;
    m->dx[j] = dx;
}

static void membrane_back(population_type *p, const struct et__spk_learning *learning,
                          moment_type *m)
{
    bool hard = p->reset == ET__SPK_HARD;
    et__spk_distance(p, m->u, m->adapt, m->psi);
    et__surrogate_slope(&learning->surrogate, m->psi, m->psi, p->n);
    if (m->dv == NULL && m->dsyn == NULL && m->dadapt == NULL && m->held == NULL) {
        spatial(p->coefficient[ET__SPK_Q1], m->ds, m->psi, m->dx, p->n);
        return;
    }
    for (size_t j = 0; j < p->n; j++)
        through_leak(p, m, j, through_spike(p, m, j, learning->through_reset, hard));
}

/* ------------------------------------------------------------------------------- the rest -- */

static void values_back(population_type *p, moment_type *m)
{
    for (size_t j = 0; j < p->n; j++)
        through_leak(p, m, j, or_zero(m->dv, j) + m->ds[j]);
}

static void relay_back(population_type *p, moment_type *m)
{
    memcpy(m->dx, m->ds, p->n * sizeof *m->dx);
}

/* Slopes of u and w' for the v and w before the step. */
struct slopes {
    float u_v, u_w, u_x, w_v, w_w, jump;
};

static struct slopes adex_slopes(population_type *p, double dt, float v, size_t j)
{
    float step = (float)dt / p->param[ET__SPK_TAU][j], g = p->param[ET__SPK_G_LEAK][j];
    float slow = (float)dt / p->param[ET__SPK_TAU_A][j];
    float rise = expf((v - p->param[ET__SPK_V_KNEE][j]) / p->param[ET__SPK_DELTA][j]);
    return (struct slopes){.u_v = 1 + step * (rise - 1),
                           .u_w = -step / g,
                           .u_x = step / g,
                           .w_v = slow * p->param[ET__SPK_A][j],
                           .w_w = 1 - slow,
                           .jump = p->param[ET__SPK_BETA][j]};
}

static struct slopes izhikevich_slopes(population_type *p, double dt, float v, size_t j)
{
    float step = (float)(dt * 1e3), a = p->param[ET__SPK_A][j];
    return (struct slopes){.u_v = 1 + step * (0.08F * v + 5),
                           .u_w = -step,
                           .u_x = step,
                           .w_v = step * a * p->param[ET__SPK_B][j],
                           .w_w = 1 - step * a,
                           .jump = p->param[ET__SPK_D][j]};
}

static void nonlinear_back(population_type *p, double dt, const struct et__spk_learning *learning,
                           moment_type *m)
{
    et__spk_distance(p, m->u, m->adapt, m->psi);
    et__surrogate_slope(&learning->surrogate, m->psi, m->psi, p->n);
    for (size_t j = 0; j < p->n; j++) {
        struct slopes f = p->kind == ET__SPK_ADEX ? adex_slopes(p, dt, m->before[j], j)
                                                  : izhikevich_slopes(p, dt, m->before[j], j);
        bool held = m->held != NULL && m->held[j];
        float dv = or_zero(m->dv, j), dw = or_zero(m->dadapt, j), gs = m->ds[j] + f.jump * dw;
        if (learning->through_reset) gs += (p->param[ET__SPK_V_RESET][j] - m->u[j]) * dv;
        float du = held ? 0 : (1 - m->s[j]) * dv + m->psi[j] * gs;
        m->dx[j] = f.u_x * du;
        if (m->dv != NULL) m->dv[j] = f.u_v * du + f.w_v * dw + (held ? dv : 0);
        if (m->dadapt != NULL) m->dadapt[j] = f.w_w * dw + f.u_w * du;
    }
}

void et__spk_update_back(population_type *p, double dt, const struct et__spk_learning *learning,
                         moment_type *m)
{
    if (p->kind == ET__SPK_RELAY)
        relay_back(p, m);
    else if (p->kind == ET__SPK_ADEX || p->kind == ET__SPK_IZHIKEVICH)
        nonlinear_back(p, dt, learning, m);
    else if (et__spk_fires(p->kind))
        membrane_back(p, learning, m);
    else
        values_back(p, m);
    if (p->gain == NULL) return;
    for (size_t j = 0; j < p->n; j++)
        m->dx[j] *= p->gain[j];
}

/* ---------------------------------------------------------------------------------- smooth -- */

void et__spk_soften(population_type *p, const struct et__spk_learning *learning, moment_type *m,
                    float *v, float *adapt, float *s)
{
    if (!et__spk_fires(p->kind)) return;
    et__spk_distance(p, m->u, m->adapt, m->psi);
    for (size_t j = 0; j < p->n; j++) {
        if (m->held != NULL && m->held[j]) continue;
        float hard = s[j],
              soft = (float)et__surrogate_step(&learning->surrogate, (double)m->psi[j]);
        float jump = p->kind == ET__SPK_ALIF         ? 1
                     : p->kind == ET__SPK_ADEX       ? p->param[ET__SPK_BETA][j]
                     : p->kind == ET__SPK_IZHIKEVICH ? p->param[ET__SPK_D][j]
                                                     : 0;
        bool linear = p->kind != ET__SPK_ADEX && p->kind != ET__SPK_IZHIKEVICH;
        s[j] = soft;
        if (adapt != NULL) adapt[j] += jump * (soft - hard);
        if (p->reset == ET__SPK_HARD)
            v[j] = (1 - soft) * m->u[j] + soft * p->param[ET__SPK_V_RESET][j];
        else if (linear)
            v[j] = m->u[j] - soft * p->coefficient[ET__SPK_DROP][j];
    }
}
