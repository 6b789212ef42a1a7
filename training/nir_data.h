/* SPDX-License-Identifier: Apache-2.0
 *
 * Recordings in the NIRData layout of HDF5: /nodes/<node>/observables/<observable> with the
 * attribute __type__; nodes of sub-graphs are written "outer/inner". */
#ifndef ETALON_TRAINING_NIR_DATA_H
#define ETALON_TRAINING_NIR_DATA_H

#include <etalon/store.h>

enum et__nir_data_kind {
    ET__NIR_DATA_GRIDDED, /* TimeGriddedData */
    ET__NIR_DATA_EVENTS,  /* EventData */
    ET__NIR_DATA_VALUED   /* ValuedEventData */
};

struct et__nir_data {
    enum et__nir_data_kind kind;
    size_t n_samples, n_neurons;
    /* gridded */
    size_t n_steps;
    double dt;
    bool spikes;   /* values are 0 and 1, stored as bool */
    float *values; /* [n_samples][n_steps][n_neurons] */
    /* events: rows are filled up with index -1 and time infinity */
    size_t n_events;
    double t_max;
    int64_t *index; /* [n_samples][n_events] */
    double *time;   /* the same, s */
    double *value;  /* the same, of valued events, else NULL */
};

/* Reads one observable.  Errors: ET_MISSING, ET_SHAPE, ET_FORMAT naming sample and event with value
 * and limit, ET_NOMEM. */
enum et_status et__nir_data_read(struct et_store *store, const char *node, const char *observable,
                                 struct et__nir_data *data) ET_CHECKED;
/* Adds one observable to a file made by et_store_create_foreign.  Errors: ET_INVALID, ET_IO. */
enum et_status et__nir_data_write(struct et_store *store, const char *node, const char *observable,
                                  const struct et__nir_data *data) ET_CHECKED;
/* Events of a gridded recording of spikes, or the reverse is left to et__spikes_bin.  An event of
 * step k has the time (k + 1) dt: the neuron moves, then fires. */
enum et_status et__nir_data_to_events(const struct et__nir_data *gridded,
                                      struct et__nir_data *events) ET_CHECKED;
void et__nir_data_destroy(struct et__nir_data *data);

#endif
