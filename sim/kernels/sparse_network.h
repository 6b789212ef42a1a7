/* SPDX-License-Identifier: Apache-2.0
 *
 * Large sparse networks of integrate-and-fire neurons, stepped by a clock, spikes pushed as events.
 *
 * Membrane potential v, excitatory and inhibitory synapses g_e, g_i, current I (as the potential R
 * I that it causes in the end):
 *
 *     COBA:  tau_m dv/dt = (rest - v) + g_e (E_e - v) + g_i (E_i - v) + I     g in units of the
 * leak CUBA:  tau_m dv/dt = (rest - v) + g_e + g_i + I                         g in V both:  tau_e
 * dg_e/dt = -g_e,   tau_i dg_i/dt = -g_i
 *
 * A step of dt from t = k dt:
 *   1. each spike of step k - delay, in the order of its source, adds the weight of its kind to g
 * of the source's targets; then each external source that is active does;
 *   2. v goes to the end of the step.  CUBA: exactly (propagator of the linear system).
 *      COBA: exponential Euler, exact for the g of the step's beginning: order 1;
 *   3. g_e and g_i decay exactly;
 *   4. where v > threshold the neuron spikes: v is reset and stays for `refractory` whole steps.
 *
 * The work of a step is n updates, vectorised, and one addition for each synaptic event.  Synapses
 * are cut into tiles of targets, tile by tile, so that tiles can run in parallel for `delay` steps
 * at a time: each tile writes its own neurons only.  A target adds its events in the order of the
 * sources whatever the tiles are, so the bits depend on neither threads nor tiles.
 *
 * Potentials are kept relative to rest.  Sources: Vogels & Abbott 2005; Brette et al. 2007,
 * benchmarks 1 and 2; Rotter & Diesmann 1999 (exact integration). */
#ifndef ETALON_SIM_KERNELS_SPARSE_NETWORK_H
#define ETALON_SIM_KERNELS_SPARSE_NETWORK_H

#include <etalon/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum et__net_model { ET__NET_COBA, ET__NET_CUBA };
enum {
    ET__NET_BLOCK = 32,           /* neurons of a tile are a multiple of this, but for the last */
    ET__NET_TILE_SMALLEST = 8192, /* smaller ones are not worth a thread */
    ET__NET_TILE_LARGEST = 65536  /* numbers of 16 bits */
};

struct et__net {
    enum et__net_model model;
    size_t n, n_exc;                /* neurons; the first n_exc of them are excitatory */
    size_t n_ext;                   /* external sources, numbered n, n + 1, ..., excitatory */
    double tau_m, tau_e, tau_i, dt; /* s */
    double rest, reset, threshold, reversal_e, reversal_i; /* V */
    double weight_e, weight_i, weight_ext; /* what one event adds to g (COBA: >= 0) */
    size_t delay, refractory;              /* steps; delay >= 1 */
    /* Synapses (et__net_connect fills these). */
    size_t n_tiles, tile; /* tile k has the targets k tile .. (k + 1) tile - 1 */
    size_t n_synapses;
    size_t *start;    /* [n_tiles][n + n_ext + 1] into target */
    uint16_t *target; /* [n_synapses] number within the tile, ascending for each source */
};

/* Who is connected to whom. */
struct et__net_wiring {
    double probability; /* of each pair, itself included */
    bool fixed;         /* each neuron has round(probability N) inputs of each kind of neurons,
                           different ones; otherwise each pair is drawn by itself */
    double external;    /* probability of each pair of an external source and a neuron */
    size_t tile; /* neurons of a tile, at most ET__NET_TILE_LARGEST; 0 = by size and threads */
    uint64_t seed;
};

/* Fills the synapses of a network whose sizes are set: a pure function of the seed, which the tiles
 * only sort.  Errors: ET_NOMEM. */
enum et_status et__net_connect(struct et__net *net, const struct et__net_wiring *wiring) ET_CHECKED;
void et__net_disconnect(struct et__net *net);

/* Targets of a source in one tile: net->target[*first .. *last). */
static inline void et__net_row(const struct et__net *net, size_t tile, size_t source, size_t *first,
                               size_t *last)
{
    const size_t *start = net->start + tile * (net->n + net->n_ext + 1) + source;
    *first = start[0];
    *last = start[1];
}
/* Neurons of a tile. */
static inline size_t et__net_tile_size(const struct et__net *net, size_t tile)
{
    size_t first = tile * net->tile;
    return net->n - first < net->tile ? net->n - first : net->tile;
}

/* What a run starts from and what drives it. */
struct et__net_start {
    const double *v, *g_e, *g_i; /* [n] V; g as above */
    const double *current;       /* [n] R I, V; NULL = 0 */
};
/* Active external sources of a step, ascending numbers from 0, at most n_ext; returns how many.
 * Called once for each step, in order, by the calling thread.  NULL = none. */
typedef size_t et__net_external(void *user, size_t step, uint32_t *source);
/* Spikes of one step in one tile, ascending; called by step, then by tile, by the calling thread.
 * NULL = nobody asks. */
typedef void et__net_record(void *user, size_t step, const uint32_t *neuron, size_t n);

struct et__net_events {
    uint64_t spikes, delivered, external; /* external: of delivered, by external sources */
};

/* The state of one run, in one precision. */
struct et__net_state;
enum et_status et__net_state_create(const struct et__net *net, bool single,
                                    struct et__net_state **state) ET_CHECKED;
void et__net_state_destroy(struct et__net_state *state);
/* Starts: step 0, no spikes on the way. */
void et__net_begin(struct et__net_state *state, const struct et__net_start *start);
/* `steps` more steps, with et_parallel_for over tiles when there are more than one (inside a
 * parallel loop: one tile after the other).  Allocates nothing. */
void et__net_run(struct et__net_state *state, size_t steps, et__net_external *external,
                 et__net_record *record, void *user);
/* Since begin. */
struct et__net_events et__net_events(const struct et__net_state *state);
/* Present potentials (V) and synapses; any may be NULL. */
void et__net_look(const struct et__net_state *state, double *v, double *g_e, double *g_i);

/* The same in double precision, plainly: dense arrays of pending weights in a ring, potentials in
 * V, library exponentials, no tiles.  v_end [n] V.  Errors: ET_NOMEM. */
enum et_status et__net_reference(const struct et__net *net, const struct et__net_start *start,
                                 size_t steps, et__net_external *external, et__net_record *record,
                                 void *user, double *v_end) ET_CHECKED;

#endif
