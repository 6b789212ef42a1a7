/* SPDX-License-Identifier: Apache-2.0
 *
 * What one neuron of a spiking network does in the course of a pass, for the physics checks. */
#ifndef ETALON_BENCH_SPIKING_TRACE_H
#define ETALON_BENCH_SPIKING_TRACE_H

#include <etalon/error.h>

#include <stddef.h>

enum { MAX_STEPS = 40000, MAX_SPIKES = 256 };

/* Neuron 0 of what the frames show, step by step. */
struct trace {
    float value[MAX_STEPS];
    size_t n;
};

/* Sends one sample x [n_in] (NULL: zeros) through the system and keeps what its frames show.
 * Errors: as the system's. */
enum et_status et__spiking_trace(const char *yaml, const float *x, struct trace *trace) ET_CHECKED;

/* Steps in which neuron 0 of the last layer spikes. */
struct spikes {
    size_t n, at[MAX_SPIKES];
};

/* network: the parameters of {type: spiking, ...} as YAML.  Errors: as the system's. */
enum et_status et__spiking_spikes(const char *network, const float *x,
                                  struct spikes *spikes) ET_CHECKED;

#endif
