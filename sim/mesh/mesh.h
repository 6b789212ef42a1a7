/* SPDX-License-Identifier: Apache-2.0
 *
 * Meshes of Mach-Zehnder interferometers: where the cells are, what one does, how a matrix becomes
 * phases, how phases become a matrix.
 *
 * A cell acts on modes m and m + 1 of the light.  In the order of the light: a phase shifter phi on
 * the upper arm, a coupler of angle a0 = pi/4 + e0, a phase shifter theta on the upper arm, a
 * coupler of angle a1 = pi/4 + e1:
 *     T = B(a1) diag(e^{i theta}, 1) B(a0) diag(e^{i phi}, 1),
 *     B(a) = [[cos a, i sin a], [i sin a, cos a]]
 * With e0 = e1 = 0 that is i e^{i theta/2} [[e^{i phi} s, c], [e^{i phi} c, -s]], s = sin(theta/2),
 * c = cos(theta/2): theta = 0 crosses the modes, theta = pi keeps them.  A last phase shifter on
 * each mode completes n^2 phases, as many as a unitary matrix has parameters. */
#ifndef ETALON_SIM_MESH_H
#define ETALON_SIM_MESH_H

#include "kernels/mesh.h"

#include <etalon/config.h>
#include <etalon/error.h>

#include <complex.h>
#include <math.h>

enum et__mesh_topology { ET__MESH_CLEMENTS, ET__MESH_RECK };

/* Cells column by column, upper modes first: the order of the phases. */
struct et__mesh_layout {
    size_t n, n_cells, n_columns;
    enum et__mesh_topology topology;
    uint16_t *mode, *column; /* [n_cells] */
    size_t *start;           /* [n_columns + 1] first cell of a column */
};

enum et_status et__mesh_layout_create(struct et__mesh_layout *layout,
                                      enum et__mesh_topology topology, size_t n) ET_CHECKED;
void et__mesh_layout_destroy(struct et__mesh_layout *layout);

/* Haar exponent of each cell, rank [n_cells] out: of a Haar unitary, cos^2(theta/2) is distributed
 * with density k x^(k-1), where k = inputs that reach the cell + outputs that it reaches - n - 1.
 * Errors: ET_NOMEM. */
enum et_status et__mesh_layout_ranks(const struct et__mesh_layout *layout,
                                     uint16_t *rank) ET_CHECKED;

/* Phases are [theta, phi] of each cell, then one for each output: n^2 in all. */

/* Phases of a unitary u [n][n], which is destroyed: every step is an update of two rows or columns,
 * O(n^3) in all.  Exact for couplers without error.  Errors: ET_NOMEM. */
enum et_status et__mesh_decompose(const struct et__mesh_layout *layout, double complex *u,
                                  double *phases) ET_CHECKED;

/* Phases of a Haar unitary, drawn from (seed, stream).  Errors: ET_NOMEM. */
enum et_status et__mesh_haar_phases(const struct et__mesh_layout *layout, uint64_t seed,
                                    uint32_t stream, double *phases) ET_CHECKED;

/* Phases of the identity.  Errors: ET_NOMEM. */
enum et_status et__mesh_identity_phases(const struct et__mesh_layout *layout,
                                        double *phases) ET_CHECKED;

/* The couplers of a cell. */
struct et__mesh_couplers {
    double c0, s0, c1, s1; /* cosines and sines of their angles */
};

/* Those of a cell without errors. */
extern const struct et__mesh_couplers et__mesh_ideal;

static inline double complex et__mesh_phasor(double phase)
{
    return CMPLX(cos(phase), sin(phase));
}

/* Draws n_cells pairs with errors bias + sd N(0, 1) rad. */
void et__mesh_couplers_draw(struct et__mesh_couplers *couplers, size_t n_cells, double bias,
                            double sd, uint64_t seed, uint32_t stream);

/* T of a cell with phasors et = e^{i theta}, ep = e^{i phi}. */
void et__mesh_cell_matrix(const struct et__mesh_couplers *k, double complex et, double complex ep,
                          double complex t[4]);

/* The matrix of a whole mesh in double precision, u [n][n]; gain is the amplitude that a cell
 * passes. */
void et__mesh_matrix(const struct et__mesh_layout *layout, const struct et__mesh_couplers *couplers,
                     double gain, const double *phases, double complex *u);

/* Local correction: phases of ideal couplers become phases that give the same cells with the known
 * couplers.  A splitting outside [|e0 + e1|, pi/2 - |e0 - e1|] becomes the nearest one inside.
 * Returns the number of such cells.  lambda [n] is a workspace.
 * Source: Bandyopadhyay, Hamerly, Englund, Optica 8:1247 (2021). */
size_t et__mesh_correct(const struct et__mesh_layout *layout,
                        const struct et__mesh_couplers *couplers, double *phases, double *lambda);

/* How a cell depends on its phases: see et__mesh_derivatives. */
struct et__mesh_gauge {
    float w_re, w_im; /* lambda_0^* lambda_1 behind the cell */
};

/* One mesh that light can go through. */
struct et__mesh {
    struct et__mesh_layout layout;
    struct et__mesh_couplers *couplers; /* [n_cells] */
    double gain;
    size_t n_phases;             /* n^2 */
    double *phases;              /* [n_phases] as the heaters give them */
    double complex *lambda;      /* [n] workspace */
    struct et__mesh_cell *cells; /* [n_cells] */
    struct et__mesh_gauge *gauge;
    float *out; /* [n][2] */
    struct et__mesh_plan plan;
};

enum et_status et__mesh_create(struct et__mesh *mesh, enum et__mesh_topology topology, size_t n,
                               double gain) ET_CHECKED;
void et__mesh_destroy(struct et__mesh *mesh);

/* From mesh->phases to the coefficients of the kernels. */
void et__mesh_realise(struct et__mesh *mesh);

/* Derivatives by the phases (double, added to dphases [n_phases]) from what et__mesh_back summed.
 */
void et__mesh_derivatives(const struct et__mesh *mesh, const struct et__mesh_sums *sums,
                          const double *out_sums, double *dphases);

#endif
