/* SPDX-License-Identifier: Apache-2.0
 *
 * What imperfect hardware does to one side (inputs or outputs) of a system of n channels.
 *
 * The value v_c of channel c becomes, in this order,
 *
 *     crosstalk    a_c = v_c + sum over j of M[c][j] v_j
 *     gain         b_c = a_c (1 + mismatch_c) drift_c(t) (1 + noise_c)
 *     offset       d_c = b_c + offset_c + additive noise_c
 *     dead         d_c = the stuck value, for a dead channel
 *
 * M, mismatch, offset, the dead channels and the phases of the drift belong to the device (its
 * seed); t = step.index is the pass; noise is a function of (step.seed, device, t, sample, c). */
#ifndef ETALON_HW_DISTURBANCE_H
#define ETALON_HW_DISTURBANCE_H

#include <etalon/system.h>

#include <stdbool.h>

enum et__drift { ET__DRIFT_NONE, ET__DRIFT_LINEAR, ET__DRIFT_WANDER, ET__DRIFT_POWER };
enum { ET__DRIFT_WAVES = 4 };

struct et__disturbance {
    size_t n;
    uint64_t seed; /* of the device, for this side */
    float noise;   /* sd of additive noise, absolute */
    float noise_multiplicative;
    float *mismatch, *offset; /* [n] */
    float *gain;              /* [n] mismatch and drift of the pass that runs */
    bool *dead;               /* [n] */
    float dead_value;
    float neighbour;  /* coefficient of both neighbours */
    float *crosstalk; /* [n][n] or NULL */
    enum et__drift drift;
    double amplitude, period, exponent;
    float *rate;  /* [n] slope of linear drift in units of the amplitude */
    float *phase; /* [n][ET__DRIFT_WAVES] phases of wandering drift, rad */
};

/* Parameters of one side, for a RECORD. */
extern const struct et_param et__disturbance_params[];

/* Reads one side for n channels; deinit also after failure. */
enum et_status et__disturbance_init(struct et__disturbance *d, const struct et_config *config,
                                    size_t n, uint64_t seed) ET_CHECKED;
void et__disturbance_deinit(struct et__disturbance *d);

/* Does the side change from step to step? */
bool et__disturbance_is_noisy(const struct et__disturbance *d);

/* to = disturbed from; [batch][n] both, contiguous, no overlap. */
void et__disturbance_apply(struct et__disturbance *d, const struct et_step *step,
                           struct et_view from, struct et_view to);

/* dfrom = (d to/d from)^T dto at the same step; dto is overwritten.  No overlap. */
void et__disturbance_back(struct et__disturbance *d, const struct et_step *step, struct et_view dto,
                          struct et_view dfrom);

/* drift_c(t):
 *
 *     linear  1 + amplitude rate_c t / period, rate_c normal
 *     wander  1 + amplitude sqrt(1/2) sum over j < 4 of sin(2 pi t / (period g^j) + phase_cj),
 *             g the golden ratio, so that it never repeats; rms = amplitude
 *     power   (1 + t / period)^(-exponent) in all channels, as memory cells relax */
double et__disturbance_drift(const struct et__disturbance *d, uint32_t t, size_t channel);

#endif
