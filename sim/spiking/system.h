/* SPDX-License-Identifier: Apache-2.0
 *
 * Shared by the files of the system `spiking`. */
#ifndef ETALON_SIM_SPIKING_SYSTEM_H
#define ETALON_SIM_SPIKING_SYSTEM_H

#include "spiking/learn.h"

struct et__spiking {
    struct et__spk_network net;
    struct et__spk_room *rooms; /* [n_workers], ET__SPK_TILE samples each */
    float *share;               /* [n_workers][TILE][n_out] y_t of a tile */
    size_t *overflow;           /* [n_workers] of et__spk_overflow in this pass; 0 = none */
    size_t n_workers, n_in, n_out;
    struct et__spk_learning learning;
    struct et__spk_lesson lesson;
    struct et_knob_block *blocks; /* [n_blocks] */
    char (*block_names)[64];
    size_t n_blocks;
    struct et_observer observed;
    const struct et_observer *observer;
    size_t watched; /* population that frames show, */
    bool raster;    /* its spikes rather than its membranes */
};

extern const struct et_param et__spiking_params[];

/* Fills *net from `steps`, `dt`, `input`, `layers`, `readout` of a configuration, with weights from
 * the seed; not yet finished.  Errors: ET_CONFIG, ET_NOMEM. */
enum et_status et__spiking_configure(struct et__spk_network *net, const struct et_config *config,
                                     uint64_t seed) ET_CHECKED;
/* Only encoder, readout and seed. */
void et__spiking_configure_ends(struct et__spk_network *net, const struct et_config *config,
                                uint64_t seed);

/* The same from the NIR file that `file` names.  Errors: also ET_MISSING, ET_IO, ET_FORMAT. */
enum et_status et__nir_configure(struct et__spk_network *net, const struct et_config *config,
                                 uint64_t seed) ET_CHECKED;
/* Writes a finished network as a NIR file.  Errors: ET_UNSUPPORTED (what NIR cannot say), ET_IO. */
enum et_status et__nir_save(const struct et__spk_network *net, const char *path) ET_CHECKED;
extern const struct et_param et__nir_params[];

#endif
