/* SPDX-License-Identifier: Apache-2.0
 *
 * Networks of coupled oscillators, many samples side by side.
 *
 * Phase oscillators (Kuramoto), i = 0 .. n-1:
 *     dphi_i/dt = b_i + r_i + sum_j J_ij sin(phi_j - phi_i) - (d_i + 2 S cos phi_i) sin phi_i
 * Amplitude oscillators (pendula):
 *     d2q_i/dt2 = b_i + r_i + sum_j J_ij (sin q_j - sin q_i)
 *                 - (k + d_i + 2 S cos q_i) sin q_i - c dq_i/dt
 * with J symmetric, b natural frequencies or constant drives, S the second-harmonic injection
 * (- S sin 2 phi), k the stiffness and c the damping.  Input m of n_in enters oscillator m as
 * gain x in r (rate), in d (drive) or in the starting phase.
 *
 * The sum over j costs two matrix products, not n^2 sines:
 *     sum_j J_ij sin(phi_j - phi_i) = cos phi_i (J sin phi)_i - sin phi_i (J cos phi)_i.
 *
 * Fixed steps: Runge-Kutta of order 4, or with noise > 0 Heun, where the phase (or velocity) gets
 * noise dW more, dW a normal number of variance dt.  The noise is additive: Ito and Stratonovich
 * are the same and Heun's strong order is 1.
 *
 * back() is the exact adjoint of forward() as computed: it goes back through every stage of every
 * step.  Of the states it keeps one in `segment` and computes the others again, segment by
 * segment; with segment ~ sqrt(steps) memory grows with sqrt(steps). */
#ifndef ETALON_SIM_KERNELS_OSCILLATORS_H
#define ETALON_SIM_KERNELS_OSCILLATORS_H

#include <etalon/array.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum et__osc_model { ET__OSC_PHASE, ET__OSC_PENDULUM };
enum et__osc_input { ET__OSC_RATE, ET__OSC_START, ET__OSC_DRIVE };
/* What is read of each oscillator that is read: cos and sin of the final phase (all cosines
 * first), one of the two, the final phase itself, the final dphi/dt, or the mean over the steps
 * after `settle` of Re(conj(Z) exp(i phi)), Z = 1/n sum_k exp(i phi_k). */
enum et__osc_output {
    ET__OSC_VECTOR,
    ET__OSC_COSINE,
    ET__OSC_SINE,
    ET__OSC_ANGLE,
    ET__OSC_SPEED,
    ET__OSC_ORDER
};

struct et__osc {
    enum et__osc_model model;
    enum et__osc_input input;
    enum et__osc_output output;
    size_t n, n_in, n_read;  /* the last n_read oscillators are read */
    size_t n_edges;          /* pairs with a coupling */
    uint32_t (*ends)[2];     /* [n_edges] first < second */
    bool dense;              /* J as a matrix rather than as lists */
    size_t *start;           /* [n + 1] lists: row i is entries start[i] .. start[i + 1] */
    uint32_t *column, *edge; /* [2 n_edges] */
    double *coupling;        /* [n_edges] J of each pair */
    double *bias, *initial;  /* [n] */
    double stiffness, damping, injection, noise, gain;
    double dt;
    size_t steps, settle, segment;
};

/* Where a group of samples stands. */
struct et__osc_pass {
    struct et_view x;      /* [rows][n_in], rows <= lanes */
    const uint64_t *seeds; /* [rows] of the noise */
    uint32_t index;        /* of the pass */
    double *reach;         /* [rows] forward: the largest |phase| at the end, INFINITY for what is
                              not finite; NULL = not wanted */
};

/* A kernel for one type of number. */
struct et__osc_kernel {
    size_t lanes, real_size;
    /* Elements (of real_size bytes) of what forward and back need. */
    size_t (*weights_size)(const struct et__osc *o);
    size_t (*work_size)(const struct et__osc *o);
    /* weights = J in the kernel's own order. */
    void (*weights)(const struct et__osc *o, void *weights);
    /* y [rows][n_out] */
    void (*forward)(const struct et__osc *o, const void *weights, void *work,
                    const struct et__osc_pass *pass, struct et_view y);
    /* dx [rows][n_in]; dcoupling [n_edges] and dbias [n] get the sum over the rows added, unless
     * NULL. */
    void (*back)(const struct et__osc *o, const void *weights, void *work,
                 const struct et__osc_pass *pass, struct et_view dy, struct et_view dx,
                 double *dcoupling, double *dbias);
    /* sine and cosine of n numbers, absolute error at most sincos_error for |x| <= 1e6. */
    void (*sincos)(const void *x, void *sine, void *cosine, size_t n);
    double sincos_error;
    double phase_max; /* beyond, phases or their sines are too coarse */
};

extern const struct et__osc_kernel et__osc_f32, et__osc_f64;

/* Plain reference in double precision with n^2 library sines, one sample: y [n_out];
 * work [12 n]. */
void et__osc_reference(const struct et__osc *o, const float *x, uint64_t seed, uint32_t index,
                       double *work, double *y);

/* Numbers in a row of y. */
static inline size_t et__osc_outputs(const struct et__osc *o)
{
    return o->output == ET__OSC_VECTOR ? 2 * o->n_read : o->n_read;
}

#endif
