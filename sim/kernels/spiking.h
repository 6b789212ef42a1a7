/* SPDX-License-Identifier: Apache-2.0
 *
 * One time step of spiking neurons.
 *
 * x is the current of the step (after the population's gain and shift), j a neuron.
 *
 * Linear membranes (I, LI, IF, LIF, ALIF and the CUBA kinds) have a closed form.  With the
 * coefficients M, Q1, V0 (and for the CUBA kinds MS, KS, Q0)
 *
 *     u   = M v + V0 + Q0 i + Q1 x        i' = MS i + KS x
 *
 * and, writing e = exp(-dt/tau), es = exp(-dt/tau_syn),
 *
 *                 exact                                  Euler
 *     M           e  (I, IF: 1)                          1 - dt/tau  (I, IF: 1)
 *     V0          v_leak (1 - M)                         v_leak dt/tau
 *     Q1 held     r (1 - e)  (I, IF: r dt)               r dt/tau  (I, IF: r dt)
 *        kick     r                                      r
 *        early    r M                                    r M
 *  CUBA
 *     MS          es                                     1 - dt/tau_syn
 *     KS held     w_in (1 - es)                          w_in dt/tau_syn
 *        kick     w_in                                   w_in
 *        early    w_in MS                                w_in MS
 *     Q0          r tau_syn (es - e) / (tau_syn - tau)   r MS dt/tau; old: r dt/tau
 *     Q1 held     w_in (r (1 - e) - Q0)                  r KS dt/tau; old: 0
 *        kick     0                                      r KS dt/tau; old: 0
 *        early    w_in Q0                                r KS dt/tau; old: r w_in dt/tau
 *
 * (old: with old_synapse; for tau_syn = tau the exact Q0 is r e dt/tau).  Exact means: for an x
 * that is constant during the step (held) or a jump (kick, early), u is the solution of the
 * differential equation at the end of the step.  Then
 *
 *     s = 1 if u > THETA + BETA a, else 0;   a' = MA a + s  (ALIF; otherwise BETA a is absent)
 *     v = u - DROP s (soft),  s ? v_reset : u (hard),  u (keep)
 *
 * THETA is v_threshold, or with `reach` the number below it.  Within `refractory` steps of a spike
 * u = v and s = 0; i and a go on.  The order of operations is that of the formulas.
 *
 * AdEx, Euler, C = tau g_leak; w is `adapt`:
 *     u = v + dt/C (g_leak (-(v - v_leak) + delta exp((v - v_knee)/delta)) - w + x)
 *     w' = w + dt/tau_a (a (v - v_leak) - w);   u > v_threshold: s = 1, v = v_reset, w' += beta
 * Izhikevich, Euler, dt in ms, potentials in mV; w is `adapt`:
 *     u = v + dt (0.04 v^2 + 5 v + 140 - w + x)
 *     w' = w + dt a (b v - w);                  u > v_threshold: s = 1, v = v_reset, w' += d
 *
 * Relay: s = x, no state. */
#ifndef ETALON_SIM_KERNELS_SPIKING_H
#define ETALON_SIM_KERNELS_SPIKING_H

#include "spiking/network.h"

/* One sample: pointers to the n numbers of a population (NULL where there is none). */
struct et__spk_neurons {
    const float *current;
    float *u, *v, *syn, *adapt, *rest, *s;
};

void et__spk_update(const struct et__spk_population *p, double dt,
                    const struct et__spk_neurons *neurons);
/* The same neuron by neuron, straight from the parameters, in double precision. */
void et__spk_update_reference(const struct et__spk_population *p, double dt,
                              const struct et__spk_neurons *neurons);

#endif
