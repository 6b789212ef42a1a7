/* SPDX-License-Identifier: Apache-2.0
 *
 * Parameters of the system `balanced-network`. */
#include "balanced.h"

#define REAL(n, d, lo, hi, u, text)                                                                \
    {                                                                                              \
        .name = n, .kind = ET_PARAM_REAL, .initial = d, .min = lo, .max = hi, .unit = u,           \
        .doc = text                                                                                \
    }
#define INT(n, d, lo, hi, u, text)                                                                 \
    {                                                                                              \
        .name = n, .kind = ET_PARAM_INT, .initial = d, .min = lo, .max = hi, .unit = u,            \
        .doc = text                                                                                \
    }
#define CHOICE(n, d, of, text)                                                                     \
    {                                                                                              \
        .name = n, .kind = ET_PARAM_CHOICE, .initial = d, .choices = of, .doc = text               \
    }

static const struct et_param coba[] = {
    REAL("rest", "-0.06", -1, 1, "V", "Potential of the leak."),
    REAL("excitation", "0.6", 0, 1e6, "of the leak", "Conductance that an excitatory event adds."),
    REAL("inhibition", "6.7", 0, 1e6, "of the leak", "Conductance that an inhibitory event adds."),
    REAL("reversal_exc", "0", -1, 1, "V", "Potential towards which excitation pulls."),
    REAL("reversal_inh", "-0.08", -1, 1, "V", "Potential towards which inhibition pulls."),
    REAL("kick", "1", 0, 1e3, "",
         "Factor on the conductances at the start, 4 (sd 1.5) and 20 (sd 12) of the leak, which "
         "set the network going."),
    {0},
};

static const struct et_param cuba[] = {
    REAL("rest", "-0.049", -1, 1, "V", "Potential of the leak; above the threshold it drives."),
    REAL("excitation", "1.62e-3", 0, 1, "V", "Synaptic potential that an excitatory event adds."),
    REAL("inhibition", "-9e-3", -1, 0, "V", "Synaptic potential that an inhibitory event adds."),
    {0},
};

const struct et_param et__balanced_params[] = {
    CHOICE("model", "coba", "coba|cuba", "Synapses as conductances or as currents."),
    INT("n", "4000", 2, 1048576, "", "Neurons."),
    REAL("excitatory", "0.8", 0, 1, "", "Share of the neurons that excite; the others inhibit."),
    REAL("connectivity", "0.02", 0, 1, "", "Probability of a synapse from a neuron to a neuron."),
    CHOICE(
        "inputs_each", "random", "random|fixed",
        "Each pair drawn by itself, or as many excitatory and inhibitory inputs for each neuron."),
    {.name = "coba",
     .kind = ET_PARAM_RECORD,
     .initial = "{}",
     .fields = coba,
     .doc = "Numbers of the model coba."},
    {.name = "cuba",
     .kind = ET_PARAM_RECORD,
     .initial = "{}",
     .fields = cuba,
     .doc = "Numbers of the model cuba."},
    REAL("threshold", "-0.05", -1, 1, "V", "A neuron above it spikes."),
    REAL("reset", "-0.06", -1, 1, "V", "Potential after a spike."),
    REAL("refractory", "5e-3", 0, 10, "s", "Time at reset after a spike, in whole steps."),
    REAL("tau_m", "20e-3", 1e-6, 1e3, "s", "Time constant of the membrane."),
    REAL("tau_exc", "5e-3", 1e-6, 1e3, "s", "Time constant of excitatory synapses."),
    REAL("tau_inh", "10e-3", 1e-6, 1e3, "s", "Time constant of inhibitory synapses."),
    INT("delay", "1", 1, 1000, "steps", "From a spike to its arrival."),
    INT("n_in", "4", 1, 4096, "", "Inputs; each drives a random group of neurons."),
    REAL("input_share", "0.1", 0, 1, "", "Probability of a neuron to be in the group of an input."),
    CHOICE("input", "current", "current|poisson",
           "An input is a constant current, -1 to 1, or the rate of a train of random events, 0 to "
           "1."),
    REAL("current", "5e-3", -1, 1, "V",
         "current: potential that an input of 1 would cause in the end."),
    REAL("rate", "1000", 0, 1e6, "Hz", "poisson: events of an input of 1."),
    REAL("input_weight", "1", 0, 1e6, "of excitation",
         "poisson: what an event adds to each neuron of its group."),
    INT("n_out", "20", 1, 65536, "",
        "Outputs: mean rates of groups; neuron i is in group i modulo n_out."),
    REAL("settle", "0", 0, 1e4, "s", "Time before spikes are counted."),
    REAL("duration", "0.1", 1e-6, 1e4, "s", "Time of a pass."),
    REAL("dt", "1e-4", 1e-7, 0.1, "s", "Time step, shortened to fit the duration."),
    CHOICE("precision", "single", "single|double", "Of the simulation."),
    {0},
};
