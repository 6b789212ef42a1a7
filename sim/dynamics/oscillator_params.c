/* SPDX-License-Identifier: Apache-2.0
 *
 * Parameters of the oscillator network.  The defaults: sixteen phase oscillators, each coupled to
 * each, inputs as frequencies, outputs cos and sin of the final phases. */
#include "oscillators.h"

/* clang-format off */
/* A coupling, frequency or drive: rad/s of phases, 1/s^2 of pendula. */
#define RATE(name_, initial_, min_, doc_)                                                          \
    {.name = name_, .kind = ET_PARAM_REAL, .initial = initial_, .min = min_, .max = 1e12,          \
     .unit = "rad/s or 1/s^2", .doc = doc_}

static const struct et_param edge_params[] = {
    {.name = "from", .kind = ET_PARAM_INT, .min = 0, .max = 65535,
     .doc = "One oscillator, from 0."},
    {.name = "to", .kind = ET_PARAM_INT, .min = 0, .max = 65535, .doc = "The other one."},
    RATE("coupling", "1", -1e12, "J of the pair."),
    {0},
};

const struct et_param et__oscillator_params[] = {
    {.name = "model", .kind = ET_PARAM_CHOICE, .initial = "phase", .choices = "phase|pendulum",
     .doc = "phase: Kuramoto, first order; pendulum: second order, coupled through sin q_j - sin "
            "q_i, the benchmark of physics-aware training."},
    {.name = "n", .kind = ET_PARAM_INT, .initial = "16", .min = 2, .max = 65536,
     .doc = "Number of oscillators; at most 4096 where each may be coupled to each."},
    {.name = "topology", .kind = ET_PARAM_CHOICE, .initial = "all",
     .choices = "all|ring|grid|random|given",
     .doc = "Who is coupled: each to each, neighbours on a ring, four neighbours on a grid with "
            "open edges, random pairs, or the list `edges`."},
    {.name = "neighbours", .kind = ET_PARAM_INT, .initial = "1", .min = 1, .max = 1000,
     .doc = "ring: coupled neighbours on each side."},
    {.name = "columns", .kind = ET_PARAM_INT, .initial = "4", .min = 1, .max = 65536,
     .doc = "grid: oscillators in a row; n must be a multiple."},
    {.name = "degree", .kind = ET_PARAM_REAL, .initial = "4", .min = 0, .max = 4095,
     .doc = "random: mean number of partners of an oscillator."},
    {.name = "edges", .kind = ET_PARAM_RECORDS, .initial = "[]", .fields = edge_params,
     .max_count = 1000000, .doc = "given: the coupled pairs."},
    RATE("coupling", "1", -1e12,
         "K: every J is K / n (all) or K / mean number of partners; not for given edges."),
    RATE("coupling_spread", "0", 0,
         "Sd of random couplings (seed of the device), divided by the square root of the "
         "same number."),
    RATE("frequency", "0", -1e12,
         "Natural frequency of all (phase) or constant drive of all (pendulum)."),
    RATE("frequency_spread", "0", 0, "Sd from oscillator to oscillator (seed of the device)."),
    {.name = "frequencies", .kind = ET_PARAM_REALS, .initial = "[]", .min = -1e12, .max = 1e12,
     .unit = "rad/s or 1/s^2", .max_count = 65536,
     .doc = "Natural frequencies or drives of all n, instead of the two above."},
    {.name = "initial", .kind = ET_PARAM_CHOICE, .initial = "random", .choices = "random|zero",
     .doc = "Phases at the start: uniform (seed of the device) or 0; pendula start at rest."},
    {.name = "phases", .kind = ET_PARAM_REALS, .initial = "[]", .min = -1e6, .max = 1e6,
     .unit = "rad", .max_count = 65536,
     .doc = "Phases at the start of all n, instead of `initial`."},
    RATE("injection", "0", -1e12,
         "S of - S sin 2 phi, injection at twice the frequency: above 0 phases settle at 0 "
         "or pi (Ising machine)."),
    {.name = "stiffness", .kind = ET_PARAM_REAL, .initial = "1", .min = 0, .max = 1e12,
     .unit = "1/s^2", .doc = "pendulum: k of - k sin q."},
    {.name = "damping", .kind = ET_PARAM_REAL, .initial = "0", .min = 0, .max = 1e12, .unit = "1/s",
     .doc = "pendulum: c of - c dq/dt."},
    {.name = "n_in", .kind = ET_PARAM_INT, .initial = "0", .min = 0, .max = 65536,
     .doc = "Inputs; input i goes to oscillator i; 0 = one for each oscillator."},
    {.name = "input", .kind = ET_PARAM_CHOICE, .initial = "frequency",
     .choices = "frequency|phase|drive",
     .doc = "What an input changes: natural frequency (pendulum: drive), starting phase, or d of "
            "- d sin phi, a signal that pulls towards phase 0 (pendulum: stiffness)."},
    {.name = "gain", .kind = ET_PARAM_REAL, .initial = "1", .min = -1e12, .max = 1e12,
     .unit = "rad/s, 1/s^2 or rad", .doc = "Factor on the inputs."},
    {.name = "input_max", .kind = ET_PARAM_REAL, .initial = "1", .min = 1e-12, .max = 1e12,
     .doc = "Inputs are legal from -input_max to input_max."},
    {.name = "n_read", .kind = ET_PARAM_INT, .initial = "0", .min = 0, .max = 65536,
     .doc = "How many oscillators are read, the last ones; 0 = all."},
    {.name = "output", .kind = ET_PARAM_CHOICE, .initial = "vector",
     .choices = "vector|cosine|sine|phase|frequency|order",
     .doc = "Of each that is read: cos and sin of the final phase (all cosines first), one of "
            "them, the phase itself, d phi/dt at the end, or the mean of Re(Z* exp(i phi)), Z the "
            "mean field; the mean over all oscillators of the last one is |Z|^2."},
    {.name = "settle", .kind = ET_PARAM_REAL, .initial = "0", .min = 0, .max = 1e12, .unit = "s",
     .doc = "order: time before the averaging starts."},
    {.name = "duration", .kind = ET_PARAM_REAL, .initial = "5", .min = 1e-15, .max = 1e12,
     .unit = "s", .doc = "Time from start to reading."},
    {.name = "dt", .kind = ET_PARAM_REAL, .initial = "0.05", .min = 1e-18, .max = 1e12, .unit = "s",
     .doc = "Time step, shortened to fit the duration."},
    {.name = "noise", .kind = ET_PARAM_REAL, .initial = "0", .min = 0, .max = 1e12,
     .unit = "rad/s^0.5",
     .doc = "Phase noise: sd of the random walk after 1 s (pendulum: of the velocity, rad/s^1.5)."},
    {.name = "tunable", .kind = ET_PARAM_CHOICE, .initial = "none",
     .choices = "none|couplings|frequencies|both",
     .doc = "Knobs: the couplings in the order of the pairs (0,1), (0,2), ..., then the natural "
            "frequencies (drives)."},
    {.name = "precision", .kind = ET_PARAM_CHOICE, .initial = "single", .choices = "single|double",
     .doc = "Of the simulation."},
    {0},
};
/* clang-format on */
