/* SPDX-License-Identifier: Apache-2.0
 *
 * Learning in networks of spiking neurons.
 *
 * One sweep serves all rules that follow a loss.  Going back through step t, with psi the
 * surrogate derivative of the spike at z = u - threshold (kernels/surrogate.h), a neuron turns
 * dL/ds, dL/dv (and dL/di, dL/da) into dL/d(current) and into the same of step t - 1; projections
 * turn dL/d(current) into gradients of their weights and dL/ds of their sources.  Rules differ in
 * the links that they keep:
 *
 *     rule     between steps                    between neurons        memory grows with T
 *     bptt     all                              all                    yes
 *     sltt     none                             those without a lag    no
 *     sltt-k   none                             the same, K of T steps no
 *     ottt     in the traces of the sources     those without a lag    no
 *     e-prop   those inside of a neuron         feedback of the output yes
 *
 * stdp is none of these: its changes follow from the order of spikes (stdp.c). */
#ifndef ETALON_SIM_SPIKING_LEARN_H
#define ETALON_SIM_SPIKING_LEARN_H

#include "kernels/surrogate.h"
#include "spiking/network.h"

#include <etalon/config.h>

enum et__spk_rule {
    ET__SPK_SLTT,
    ET__SPK_SLTT_K,
    ET__SPK_BPTT,
    ET__SPK_OTTT,
    ET__SPK_EPROP,
    ET__SPK_STDP
};

/* Constants of spike-timing-dependent plasticity; stdp.c has the equations. */
struct et__spk_plasticity {
    double tau_plus, tau_minus;                  /* s; traces of pair terms */
    double tau_x, tau_y;                         /* s; slow traces of triplet terms */
    double a2_plus, a2_minus, a3_plus, a3_minus; /* changes per pair and triplet */
    double tau_eligibility;                      /* s; 0: not modulated by a reward */
};

struct et__spk_learning {
    enum et__spk_rule rule;
    struct et__surrogate surrogate;
    bool through_reset;   /* bptt: the gradient also goes through the reset */
    size_t k;             /* sltt-k */
    bool random_feedback; /* e-prop */
    struct et__spk_plasticity plasticity;
    bool smooth; /* tests: s is the step of the surrogate, which has a true derivative */
};

extern const struct et_param et__spk_learning_params[];

/* Reads and checks the options for a network that is finished.  Errors: ET_CONFIG. */
enum et_status et__spk_learning_read(struct et__spk_learning *learning,
                                     const struct et_config *config,
                                     const struct et__spk_network *net) ET_CHECKED;

/* ---------------------------------------------------------------------------- workspaces -- */

/* What the sweep keeps of one population, [rows][n] unless said otherwise. */
struct et__spk_memory {
    /* From the forward pass, step t in slot t % depth. */
    float *u;            /* [depth][rows][n]; NULL: only the room's (depth 1) */
    uint32_t *bits;      /* [depth][rows][words] of populations that fire, depth > 1 */
    float *values;       /* [depth][rows][n] s of the others, depth > 1 */
    float *before;       /* [depth][rows][n] v before the step (AdEx, Izhikevich) */
    float *adapt;        /* [depth][rows][n] a before the step (ALIF and these two) */
    unsigned char *held; /* [depth][rows][n] 1 in the refractory time */
    bool evident;        /* spikes follow from u alone: s = u > THETA */
    /* Of the sweep. */
    float *ds;                 /* [lags][rows][n] dL/ds, step t in slot t % lags */
    float *dv, *dsyn, *dadapt; /* dL/d(state after the step); zero between steps without links */
    float *dx;                 /* dL/d(current) */
    float *dbase;              /* its sum over the steps (ottt: times the trace of a constant), or
                                  NULL where nothing constant arrives */
    double base_trace;         /* ottt: trace of a constant 1 */
    size_t words, lags;
};

struct et__spk_lesson {
    size_t rows, depth; /* depth: steps that are kept, 1 or all */
    struct et__spk_room room;
    struct et__spk_memory *memory; /* [n_populations] */
    float **trace;                 /* [n_projections] ottt: [rows][n_pre] or NULL */
    float **feedback;              /* [n_populations] e-prop, random: [n][n_out] or NULL */
    float *past;                   /* [rows][largest n] s of an earlier step */
    float *psi;                    /* [workers][largest n] */
    float *early;                  /* [depth][rows][n_out] FIRST: 1 before the first spike */
    struct et_array y, dy;         /* [rows][n_out], [depth rows][n_out] */
    /* For weight gradients: the samples in which a source is active, and with which value. */
    uint32_t *start, *sample, *active; /* [largest n + 1], [rows][largest n], [largest n] */
    float *factor;                     /* [rows][largest n] */
    size_t n_populations, n_projections, n_workers, widest;
    size_t bytes; /* of all of this */
};

/* Makes (or keeps, when it is large enough) room for a batch.  Errors: ET_NOMEM. */
enum et_status et__spk_lesson_prepare(struct et__spk_lesson *lesson,
                                      const struct et__spk_network *net,
                                      const struct et__spk_learning *learning,
                                      size_t rows) ET_CHECKED;
void et__spk_lesson_destroy(struct et__spk_lesson *lesson);

/* -------------------------------------------------------------------------------- passes -- */

/* One pass of training, as et_system_teach; x, dx contiguous.  Errors: ET_NOMEM, the judge's. */
enum et_status et__spk_teach(struct et__spk_lesson *lesson, struct et__spk_network *net,
                             const struct et__spk_learning *learning, const struct et_step *step,
                             struct et_view x, const struct et_teacher *teacher, struct et_view dx,
                             float *dknobs) ET_CHECKED;
/* As et_system_vjp: the judge is dy / T in every step. */
enum et_status et__spk_vjp(struct et__spk_lesson *lesson, struct et__spk_network *net,
                           const struct et__spk_learning *learning, const struct et_step *step,
                           struct et_view x, struct et_view dy, struct et_view dx,
                           float *dknobs) ET_CHECKED;

/* ------------------------------------------------------------------ parts, for each other -- */

/* Whether dL/dx is made once, of sums over the steps, rather than in each step. */
static inline bool et__spk_sums_input(const struct et__spk_network *net,
                                      const struct et__spk_learning *learning)
{
    return net->population[0].constant && learning->rule != ET__SPK_OTTT;
}

/* Runs step t of all samples and keeps what the sweep needs. */
void et__spk_step_forward(struct et__spk_lesson *lesson, const struct et__spk_network *net,
                          const struct et__spk_learning *learning, const struct et__spk_pass *pass,
                          size_t t, size_t rows);
/* s [rows][n] of a population in step t: of the room, or unpacked into lesson->past. */
const float *et__spk_past(struct et__spk_lesson *lesson, const struct et__spk_network *net,
                          const struct et__spk_learning *learning, const struct et__spk_pass *pass,
                          size_t population, size_t t, size_t rows);
/* Goes back through step t, whose dL/dy is in lesson->dy. */
void et__spk_step_back(struct et__spk_lesson *lesson, const struct et__spk_network *net,
                       const struct et__spk_learning *learning, const struct et__spk_pass *pass,
                       size_t t, struct et_view dx, float *dknobs);

/* One sample in one step, pointers to n numbers each (NULL where the kind has none). */
struct et__spk_moment {
    const float *u, *s, *before, *adapt;
    const unsigned char *held;
    const float *ds;
    float *dv, *dsyn, *dadapt; /* in: of the state after the step; out: before it */
    float *dx;                 /* out */
    float *psi;                /* scratch */
};
/* Goes back through one step of a population's neurons. */
void et__spk_update_back(const struct et__spk_population *p, double dt,
                         const struct et__spk_learning *learning,
                         const struct et__spk_moment *moment);
/* z = u - threshold of one sample. */
void et__spk_distance(const struct et__spk_population *p, const float *u, const float *adapt,
                      float *z);
/* Replaces s of the present step by its smooth version and v, a with it. */
void et__spk_soften(const struct et__spk_population *p, const struct et__spk_learning *learning,
                    const struct et__spk_moment *before, float *v, float *adapt, float *s);

/* ds [rows][n_pre] += what dx [rows][n_post] means for the sources of a projection. */
void et__spk_source_gradient(const struct et__spk_network *net, const struct et__spk_projection *p,
                             size_t rows, const float *dx, float *ds);
/* dw += gradient of the weights from s [rows][n_pre] and dx [rows][n_post]; with `spikes` every s
 * is 0 or 1. */
void et__spk_weight_gradient(struct et__spk_lesson *lesson, const struct et__spk_network *net,
                             const struct et__spk_projection *p, size_t rows, const float *s,
                             bool spikes, const float *dx, float *dw);
/* db += gradient of the bias from the sum of dx over the steps. */
void et__spk_bias_gradient(const struct et__spk_network *net, const struct et__spk_projection *p,
                           size_t rows, const float *dbase, float *db);

/* The change by plasticity, as a gradient; see stdp.c. */
enum et_status et__spk_stdp(struct et__spk_lesson *lesson, struct et__spk_network *net,
                            const struct et__spk_learning *learning, const struct et_step *step,
                            struct et_view x, const struct et_teacher *teacher,
                            float *dknobs) ET_CHECKED;

#endif
