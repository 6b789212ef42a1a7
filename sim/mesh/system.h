/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of system `mesh` that its files share. */
#ifndef ETALON_SIM_MESH_SYSTEM_H
#define ETALON_SIM_MESH_SYSTEM_H

#include "mesh/mesh.h"

#include <etalon/system.h>

enum et__mesh_input { ET__MESH_AMPLITUDE, ET__MESH_SIGNED, ET__MESH_POLAR, ET__MESH_PHASE };
enum et__mesh_output {
    ET__MESH_INTENSITY,
    ET__MESH_MAGNITUDE,
    ET__MESH_REAL,
    ET__MESH_QUADRATURES
};

/* Tiles of a batch are shared out to so many groups, each with sums of its own: the order of a sum
 * does not depend on the number of threads. */
enum { ET__MESH_GROUPS = 8 };

struct et__mesh_worker {
    float *u, *v, *w, *g; /* tiles of max(n, m) modes: in front, between, behind, derivatives */
    float *noise;         /* [n_out] */
};

struct et__mesh_group {
    struct et__mesh_sums *sums[2]; /* of the first and of the second mesh */
    double *out[2];
    double *levels; /* [n_levels] */
};

struct et__mesh_system {
    size_t n, m, n_levels;   /* modes in, modes out, attenuators between */
    bool pair;               /* two meshes and attenuators */
    struct et__mesh mesh[2]; /* the second one only of a pair */
    double scale;            /* of the field, behind the mesh */
    float *levels;           /* [n_levels] amplitude t = cos(kappa / 2) */
    double *kappa;           /* [n_levels] as the heaters give them */
    size_t n_in, n_out, n_knobs;
    enum et__mesh_input input;
    enum et__mesh_output output;
    float turn; /* rad that an input phase of 1 makes */
    float *knobs;
    double *heat;    /* [n_knobs] workspace */
    float *disorder; /* [n_knobs] workspace */
    int bits;
    double crosstalk, crosstalk_along, phase_noise;
    float detector_noise;
    uint64_t seed;
    float *matrix; /* [m][n][2], NULL when every pass has phases of its own */
    struct et__mesh_worker *workers;
    size_t n_workers;
    struct et__mesh_group groups[ET__MESH_GROUPS];
    double latency_s, energy_J;
};

extern const struct et_param et__mesh_params[];

/* Couplers, then knobs: drawn, or programmed from a given matrix. */
enum et_status et__mesh_program(struct et__mesh_system *s, const struct et_config *config,
                                uint64_t seed) ET_CHECKED;

/* From knobs to phases to coefficients; step gives the noise, NULL = none. */
void et__mesh_heat(struct et__mesh_system *s, const struct et_step *step);
/* From derivatives by phases (in s->heat) to derivatives by knobs. */
void et__mesh_heat_back(struct et__mesh_system *s, float *dknobs);
/* Power of all heaters over that of a phase of pi. */
double et__mesh_heat_load(const struct et__mesh_system *s);

/* A tile of up to 16 samples from u to z (which is u or w of the worker). */
float *et__mesh_pass(const struct et__mesh_system *s, struct et__mesh_worker *w);

void et__mesh_forward(struct et__mesh_system *s, const struct et_step *step, struct et_view x,
                      struct et_view y);
void et__mesh_vjp(struct et__mesh_system *s, const struct et_step *step, struct et_view x,
                  struct et_view dy, struct et_view dx, float *dknobs);

#endif
