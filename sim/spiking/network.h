/* SPDX-License-Identifier: Apache-2.0
 *
 * A network of spiking neurons: populations joined by projections, T steps of dt in one pass.
 *
 * In step t the populations are evaluated in the order of the list:
 *
 *     current  = base + sum over the projections that end here of  W s_source[t - lag]
 *     u        = potential after leak and current (kernels/spiking.h: the equations of each kind)
 *     s[t]     = 1 where u exceeds the threshold, else 0;   v = u after the reset
 *
 * lag = delay, plus 1 where the source is the same or a later population (recurrence).  Population
 * 0 is the input: it has no state, its s[t] is what the encoder makes of x in step t.  Populations
 * without a threshold (relay, leaky integrators) hand on real numbers: their s is their value.
 *
 * Who fills a network calls, in this order: et__spk_begin, et__spk_add_population and
 * et__spk_add_projection, the arrays of parameters and weights directly, then et__spk_finish, which
 * checks everything and derives the coefficients.  A room holds the state of some samples. */
#ifndef ETALON_SIM_SPIKING_NETWORK_H
#define ETALON_SIM_SPIKING_NETWORK_H

#include <etalon/array.h>
#include <etalon/system.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ------------------------------------------------------------------------------ populations -- */

enum et__spk_kind {
    ET__SPK_INPUT, /* population 0 and no other */
    ET__SPK_RELAY, /* s = current, no state */
    ET__SPK_I,     /* integrator: v' = r I;  s = v */
    ET__SPK_LI,    /* leaky integrator: tau v' = (v_leak - v) + r I;  s = v */
    ET__SPK_CUBA_LI,
    ET__SPK_IF,       /* v' = r I */
    ET__SPK_LIF,      /* tau v' = (v_leak - v) + r I */
    ET__SPK_CUBA_LIF, /* tau_syn i' = -i + w_in I;  tau v' = (v_leak - v) + r i */
    ET__SPK_ALIF,     /* LIF with the threshold v_threshold + beta a;  tau_a a' = -a + spikes */
    ET__SPK_ADEX,
    ET__SPK_IZHIKEVICH,
    ET__SPK_KINDS
};

/* Parameters of a neuron in continuous time, each an array [n] (or NULL where the kind has no
 * such parameter, see et__spk_uses). */
enum et__spk_param {
    ET__SPK_TAU,         /* s; membrane */
    ET__SPK_R,           /* 1 (IF: 1/s): input resistance */
    ET__SPK_V_LEAK,      /* resting potential (AdEx: E_L) */
    ET__SPK_V_THRESHOLD, /* AdEx, Izhikevich: the peak at which a spike is counted */
    ET__SPK_V_RESET,
    ET__SPK_TAU_SYN, /* s; synaptic current of the CUBA kinds */
    ET__SPK_W_IN,    /* 1; their input weight */
    ET__SPK_TAU_A,   /* s; adaptation (ALIF, AdEx) */
    ET__SPK_BETA,    /* ALIF: rise of the threshold per unit of a; AdEx: b, A per spike */
    ET__SPK_A,       /* AdEx: a, S; Izhikevich: a, 1/ms */
    ET__SPK_B,       /* Izhikevich: b */
    ET__SPK_D,       /* Izhikevich: d, rise of its recovery per spike */
    ET__SPK_G_LEAK,  /* AdEx: g_L, S */
    ET__SPK_DELTA,   /* AdEx: slope factor, V */
    ET__SPK_V_KNEE,  /* AdEx: V_T, V */
    ET__SPK_PARAMS
};

/* Coefficients of one step, derived from the parameters; kernels/spiking.h has the formulas. */
enum et__spk_coefficient {
    ET__SPK_M,
    ET__SPK_V0,
    ET__SPK_Q0,
    ET__SPK_Q1,
    ET__SPK_MS,
    ET__SPK_KS,
    ET__SPK_THETA, /* of all kinds with a threshold */
    ET__SPK_DROP,  /* soft: v_threshold - v_reset; keep: 0; hard: v_reset */
    ET__SPK_MA,
    ET__SPK_COEFFICIENTS
};

enum et__spk_integrator { ET__SPK_EXACT, ET__SPK_EULER };

/* How a current enters the membrane (LI, LIF, ALIF; for the CUBA kinds: enters i):
 *   HELD        it is constant during the step; its factor is r (1 - e^(-dt/tau)), with Euler
 *               r dt/tau
 *   KICK        it moves the potential by r I at the end of the step, after the leak
 *   EARLY_KICK  the same at the beginning, so that the leak of the step acts on it */
enum et__spk_drive { ET__SPK_HELD, ET__SPK_KICK, ET__SPK_EARLY_KICK };

enum et__spk_reset {
    ET__SPK_SOFT, /* v = u - (v_threshold - v_reset) */
    ET__SPK_HARD, /* v = v_reset */
    ET__SPK_KEEP  /* v = u: none */
};

struct et__spk_population {
    char *name; /* owned; for messages, blocks of knobs and files */
    enum et__spk_kind kind;
    enum et__spk_integrator integrator;
    enum et__spk_drive drive;
    enum et__spk_reset reset;
    bool reach;        /* a spike needs u >= threshold rather than u > threshold */
    bool old_synapse;  /* CUBA with Euler: v sees i from before the step, not the new one */
    size_t n, c, h, w; /* n = c h w; the index of (c, y, x) is (c h + y) w + x */
    size_t refractory; /* whole steps after a spike during which u stays at v */
    float *param[ET__SPK_PARAMS];
    /* An affine map of the current before the neuron sees it, [n] each or both NULL; the place
     * for normalisation by running statistics. */
    float *gain, *shift;

    /* Derived by et__spk_finish. */
    float *coefficient[ET__SPK_COEFFICIENTS]; /* [n] or NULL */
    size_t slots;  /* past steps of s that projections need, and this one */
    bool constant; /* s does not change from step to step */
};

/* Whether neurons of this kind have the parameter. */
bool et__spk_uses(enum et__spk_kind kind, enum et__spk_param param);
/* "lif", "tau", ...: as in YAML and messages. */
const char *et__spk_kind_name(enum et__spk_kind kind);
const char *et__spk_param_name(enum et__spk_param param);
/* Default of a parameter of a kind. */
double et__spk_initial(enum et__spk_kind kind, enum et__spk_param param);
/* Whether s holds spikes (0 or 1) rather than values; the input is told by its encoder. */
bool et__spk_fires(enum et__spk_kind kind);

/* ------------------------------------------------------------------------------ projections -- */

enum et__spk_synapse {
    ET__SPK_DENSE,  /* weight [n_pre][n_post] */
    ET__SPK_SPARSE, /* CSR by source: weight [start[n_pre]], columns rising in a row */
    ET__SPK_CONV,   /* weight [c_post][c_pre / groups][kernel_h][kernel_w], not flipped */
    ET__SPK_POOL,   /* sum or average of each channel over windows; no weights */
    ET__SPK_ONE     /* neuron to neuron: weight [n] or NULL for 1 */
};

struct et__spk_projection {
    char *name;            /* owned */
    size_t source, target; /* populations */
    enum et__spk_synapse synapse;
    size_t delay;             /* whole steps */
    uint32_t *delays;         /* ONE: [n] more steps for each neuron, or NULL */
    bool tunable;             /* weight and bias are knobs */
    float *weight;            /* [et__spk_weights(...)]; NULL for POOL and a plain ONE */
    float *bias;              /* DENSE, SPARSE, ONE: [n_post]; CONV: [c_post]; or NULL */
    uint32_t *start, *column; /* SPARSE: [n_pre + 1], [start[n_pre]] */
    size_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, groups; /* CONV, POOL */
    size_t pad_h, pad_w; /* zeros above and to the left; what is below follows from h and w */
    bool average;        /* POOL: the sum divided by kernel_h kernel_w, padding counted */

    /* Derived by et__spk_finish; refreshed by et__spk_refresh. */
    size_t lag;
    size_t first_knob; /* of weight; those of bias follow */
    float *used;       /* what forward multiplies with: == weight, or a standardised copy */
    float *packed;     /* CONV: used as [c_pre][kernel_h][kernel_w][c_post / groups] */
};

/* --------------------------------------------------------------------------------- encoders -- */

enum et__spk_encoding {
    ET__SPK_CURRENT, /* s[t] = x */
    ET__SPK_POISSON, /* s[t] = 1 with probability x rate dt, independent for each step */
    ET__SPK_LATENCY, /* one spike in step round((1 - x) (T - 1)); none for x = 0 */
    ET__SPK_FRAMES   /* s[t] = frame t of x [T][n] */
};

struct et__spk_encoder {
    enum et__spk_encoding kind;
    double rate; /* POISSON: Hz for x = 1 */
};

/* The number of each output neuron that a pass reports; y_t is its share of step t, and y = mean
 * of y_t over the T steps:
 *   RATE      y_t = s[t]: spikes per step (populations of values: their mean)
 *   FIRST     y = (T - t_first) / T, 0 without a spike: 1 is a spike in the very first step
 *   MEMBRANE  y_t = v after step t
 *   LAST      y = v after the last step */
enum et__spk_readout { ET__SPK_RATE, ET__SPK_FIRST, ET__SPK_MEMBRANE, ET__SPK_LAST };

/* ---------------------------------------------------------------------------------- network -- */

struct et__spk_network {
    double dt; /* s */
    size_t steps;
    size_t n_populations, n_projections;
    struct et__spk_population *population;
    struct et__spk_projection *projection;
    struct et__spk_encoder encoder;
    enum et__spk_readout readout;
    size_t output; /* the population that is read */
    size_t n_knobs;
    uint64_t seed; /* of the device */
    bool smooth;   /* tests: who fires hands on real numbers, see learn.h */
};

/* Empties *net for a network of `steps` steps of dt and makes population 0, the input c x h x w.
 * Errors: ET_NOMEM. */
enum et_status et__spk_begin(struct et__spk_network *net, double dt, size_t steps, size_t c,
                             size_t h, size_t w) ET_CHECKED;

/* Appends a population with every parameter of its kind allocated and at its default; *added is
 * valid until the next call.  Its defaults: exact (AdEx, Izhikevich: Euler), held, soft (AdEx,
 * Izhikevich: hard).  Errors: ET_NOMEM. */
enum et_status et__spk_add_population(struct et__spk_network *net, const char *name,
                                      enum et__spk_kind kind, size_t c, size_t h, size_t w,
                                      struct et__spk_population **added) ET_CHECKED;
/* Sets a parameter of all neurons. */
void et__spk_set(struct et__spk_population *population, enum et__spk_param param, double value);

/* Appends a projection (geometry 1, nothing allocated).  Errors: ET_NOMEM. */
enum et_status et__spk_add_projection(struct et__spk_network *net, const char *name,
                                      enum et__spk_synapse synapse, size_t source, size_t target,
                                      struct et__spk_projection **added) ET_CHECKED;
/* Allocates the weights (zero) of a projection whose geometry (for SPARSE: start) is set, and with
 * `bias` its bias.  Errors: ET_NOMEM. */
enum et_status et__spk_alloc_weights(const struct et__spk_network *net,
                                     struct et__spk_projection *projection, bool bias) ET_CHECKED;
/* Lengths of weight and bias (whether or not there is a bias). */
size_t et__spk_weights(const struct et__spk_network *net, const struct et__spk_projection *p);
size_t et__spk_biases(const struct et__spk_network *net, const struct et__spk_projection *p);
/* Whether the input sends spikes (0 or 1) rather than values. */
bool et__spk_input_fires(const struct et__spk_network *net);
/* Whether what a population hands on is 0 or 1. */
bool et__spk_sends_spikes(const struct et__spk_network *net, size_t population);
/* Height (or width) that a convolution or a pooling makes of `in` with `pad` zeros on both sides,
 * 0 when the kernel does not fit. */
size_t et__spk_conv_size(size_t in, size_t kernel, size_t stride, size_t pad, size_t dilation);

/* Checks the whole network (shapes, ranges, finite numbers, stability of Euler steps), derives
 * coefficients, lags, slots and knobs.  Errors: ET_INVALID naming population or projection and the
 * value, ET_NOMEM. */
enum et_status et__spk_finish(struct et__spk_network *net) ET_CHECKED;
/* After a change of weights: brings `used` and `packed` up to date. */
void et__spk_refresh(struct et__spk_network *net);
/* After a change of parameters of a population: its coefficients. */
void et__spk_derive(const struct et__spk_network *net, struct et__spk_population *population);
/* Accepts a network that is half built or empty. */
void et__spk_free(struct et__spk_network *net);

/* Knobs: for each tunable projection in order, weight, then bias. */
void et__spk_put_knobs(struct et__spk_network *net, const float *knobs); /* and refreshes */
void et__spk_take_knobs(const struct et__spk_network *net, float *knobs);

/* ------------------------------------------------------------------------------------ state -- */

/* The state of one population; every array is [rows][n]. */
struct et__spk_cells {
    float *u;       /* potential of this step before the reset: what the threshold saw */
    float *v;       /* the same after the reset */
    float *syn;     /* i of the CUBA kinds, else NULL */
    float *adapt;   /* a of ALIF, w of AdEx, u of Izhikevich, else NULL */
    float *rest;    /* refractory steps left; NULL where refractory = 0 */
    float *base;    /* bias and the currents that do not change */
    float *current; /* input of this step (before gain and shift) */
    float *s;       /* [slots][rows][n]: s of step t is slot t % slots */
};

/* Samples that share the weights while these are in the cache. */
enum { ET__SPK_TILE = 16 };

/* Of a worker: who is active in each sample of a tile, and a map of a convolution. */
struct et__spk_scratch {
    uint32_t *list; /* [TILE][largest n] */
    float *value;   /* [TILE][largest n]; values of sources that do not fire */
    size_t count[ET__SPK_TILE];
    float *map; /* [largest n of a convolution's target] */
};

/* A place for `rows` samples, and lists for each worker. */
struct et__spk_room {
    size_t rows, n_workers;
    struct et__spk_cells *cells;     /* [n_populations] */
    float *memory;                   /* what the cells point into */
    size_t bytes;                    /* of it */
    float *unfired;                  /* [rows][n_out] readout FIRST: 1 before the first spike */
    struct et__spk_scratch *scratch; /* [n_workers] */
};

/* Errors: ET_NOMEM. */
enum et_status et__spk_room_create(struct et__spk_room *room, const struct et__spk_network *net,
                                   size_t rows, size_t n_workers) ET_CHECKED;
/* Accepts an empty room. */
void et__spk_room_destroy(struct et__spk_room *room);

/* s of sample `row` in step t (of this or one of the slots - 1 steps before). */
static inline float *et__spk_s(const struct et__spk_network *net, const struct et__spk_room *room,
                               size_t population, size_t t, size_t row)
{
    const struct et__spk_population *p = &net->population[population];
    return room->cells[population].s + (t % p->slots * room->rows + row) * p->n;
}

/* What a pass hands to the steps: x [batch][n_in]; row r of the room is sample first_row + r. */
struct et__spk_pass {
    const struct et_step *step;
    struct et_view x;
    size_t first_row;
};

/* The calls below work on the rows [first, first + count) of a room and are serial; different rows
 * may run in parallel with different workers.  Results depend on neither cut nor order of rows.
 *
 * start    state before step 0
 * encode   s of the input in step t
 * collect  current of one population in step t (all populations before it are done)
 * fire     its u, v, s from its current
 * advance  encode, then collect and fire of every population: one time step
 * overflow (after the last step) whether the numbers still are ones
 * read     y_t [count][n_out] of step t, row i of y for row first + i */
void et__spk_start(const struct et__spk_network *net, const struct et__spk_room *room, size_t first,
                   size_t count);
void et__spk_encode(const struct et__spk_network *net, const struct et__spk_room *room,
                    const struct et__spk_pass *pass, size_t t, size_t first, size_t count);
void et__spk_collect(const struct et__spk_network *net, const struct et__spk_room *room,
                     size_t population, size_t t, size_t first, size_t count, size_t worker);
void et__spk_fire(const struct et__spk_network *net, const struct et__spk_room *room,
                  size_t population, size_t t, size_t first, size_t count);
void et__spk_advance(const struct et__spk_network *net, const struct et__spk_room *room,
                     const struct et__spk_pass *pass, size_t t, size_t first, size_t count,
                     size_t worker);
/* The first population with a potential, current or adaptation that is no number or not finite,
 * which spikes would hide; 0 = none. */
size_t et__spk_overflow(const struct et__spk_network *net, const struct et__spk_room *room,
                        size_t first, size_t count);
/* ET_OK for 0, otherwise ET_NUMERIC with a record that names the population. */
enum et_status et__spk_overflow_error(const struct et__spk_network *net,
                                      size_t population) ET_CHECKED;
void et__spk_read(const struct et__spk_network *net, const struct et__spk_room *room, size_t t,
                  size_t first, size_t count, struct et_view y);

#endif
