/* SPDX-License-Identifier: Apache-2.0
 *
 * Kernel of meshes of 2 x 2 interferometers: light of 16 samples through all cells, forward and
 * backward, and the product with the matrix that a mesh makes.
 *
 * Fields.  A tile holds 16 samples side by side, field[mode][re, im][lane].  Lanes never mix, and
 * no sum runs over them in the forward direction: a sample's bits depend neither on its lane nor
 * on its neighbours.
 *
 * Cells.  Any lossless 2 x 2 matrix is diag(p0, p1) R diag(q, 1) with phasors p0, p1, q and
 * R = [[s, c], [c, -s]] real.  p0 and p1 need not be applied where they arise: a phase that both
 * inputs of a later cell share passes through it, the difference goes into that cell's q.  So the
 * mesh is computed in another gauge, physical field = lambda_w times computed field on wire w, and
 * a cell costs one complex and four real products per input:
 *     m = q u_0,   u_0' = s m + c u_1,   u_1' = c m - s u_1
 * that is 12 multiplications (8 of them fused with an addition) for each lane, 4 loads and 4
 * stores.  The loss that both arms share is a factor of s and c.  The last lambda and the output
 * phases make one phasor for each output.
 *
 * Backward.  R R = (s^2 + c^2) 1, so fields are recomputed instead of stored.  With G = dL/dRe +
 * i dL/dIm of the fields behind a cell, every phase inside it has the derivative
 *     dL/dp = sum_lanes Re(G^H i H u),   H Hermitian, a function of the cell alone,
 * so the sums  A0 = sum Im(G_0 u_0*), A1 = sum Im(G_1 u_1*), Z = sum (G_0* u_1 - G_1 u_0*)  are all
 * that the samples have to say.  They do not depend on the gauge, but for the phase of Z. */
#ifndef ETALON_SIM_KERNELS_MESH_H
#define ETALON_SIM_KERNELS_MESH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ET__MESH_LANES = 16, ET__MESH_TILE = 2 * ET__MESH_LANES /* numbers per mode */ };

/* Coefficients of a cell; s and c carry the loss. */
struct et__mesh_cell {
    float q_re, q_im, s, c;
};

/* What the kernels read: cells in the order of the light. */
struct et__mesh_plan {
    size_t n, n_cells;
    const uint16_t *mode;             /* [n_cells] the upper of the two modes */
    const struct et__mesh_cell *cell; /* [n_cells] */
    const float *out;                 /* [n][re, im] phasors behind the last cells */
};

/* Sums of a cell over samples. */
struct et__mesh_sums {
    double a0, a1, z_re, z_im;
};

/* field [n][2][16] through the whole mesh, in place. */
void et__mesh_sweep(const struct et__mesh_plan *plan, float *field);

/* The adjoint.
 *
 * u     [n][2][16]  in: fields behind the mesh; out: fields in front; NULL when sums is NULL
 * g     [n][2][16]  in: dL/d(field behind); out: dL/d(field in front)
 * sums  [n_cells]   the sums above are added; NULL = not wanted
 * phase [n]         sum Im(G u*) behind the output phasors is added; NULL with sums */
void et__mesh_back(const struct et__mesh_plan *plan, float *u, float *g, struct et__mesh_sums *sums,
                   double *phase);

/* z [rows][2][16] = M x with M [rows][columns][re, im]; x is [columns][2][16], of which only the
 * real parts are read when `real`.  Sums run over rising columns. */
void et__mesh_product(const float *m, size_t rows, size_t columns, bool real, const float *x,
                      float *z);

/* The i-th set of kernels that this processor runs, best first, NULL past the last: what the three
 * functions above choose from. */
struct et__mesh_kernels {
    const char *name;
    void (*sweep)(const struct et__mesh_plan *plan, float *field);
    void (*back)(const struct et__mesh_plan *plan, float *u, float *g, struct et__mesh_sums *sums,
                 double *phase);
    void (*product)(const float *m, size_t rows, size_t columns, bool real, const float *x,
                    float *z);
    /* The roof of all: n fused multiplications and additions of 16 lanes on registers. */
    float (*arithmetic)(size_t n);
};
const struct et__mesh_kernels *et__mesh_kernels(size_t i);

/* Plain references. */
void et__mesh_sweep_ref(const struct et__mesh_plan *plan, float *field);
void et__mesh_back_ref(const struct et__mesh_plan *plan, float *u, float *g,
                       struct et__mesh_sums *sums, double *phase);
void et__mesh_product_ref(const float *m, size_t rows, size_t columns, bool real, const float *x,
                          float *z);

#endif
