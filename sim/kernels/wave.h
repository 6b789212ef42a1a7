/* SPDX-License-Identifier: Apache-2.0
 *
 * Kernel of the scalar wave equation on a 2-D grid.
 *
 *     u_tt + 2 b(x, u) u_t = c(x, u)^2 Lap u                                                 (1)
 *
 * Discretisation.  u lives in cell centres.  Lap u is the sum of the fluxes through the open faces
 * of a cell, h^2 Lap u = sum_open (u_neighbour - u): a face towards a rigid cell or a rigid wall
 * is closed (Neumann condition).  The matrix of Lap is symmetric, so the leapfrog scheme conserves
 *     E = 1/2 sum (u1 - u0)^2 / C^2 + 1/2 sum_open_faces (du1)(du0),       C = c dt / h,
 * where b = 0.  Rigid cells hold u = 0, hence the sum over neighbours needs no mask and a cell
 * needs only the number of its open faces:
 *     L = (north + south) + (east + west) - open u                                            (2)
 * Time is leapfrog with a centred (implicit, pointwise) damping term, beta = b dt, written in
 * increments so that a constant field stays constant to the last bit:
 *     u_next = u + [(1 - beta)(u - u_prev) + C^2 L] / (1 + beta)                               (3)
 * Order 2 in space and time.  Stable for C^2 <= 1/2 in every cell.
 *
 * Membranes are nonlinear cells: with v = (u / u_sat)^2,
 *     b = b_wall + b_0 / (1 + v)        saturable absorption
 *     c^2 -> c^2 (1 + k v / (1 + v))    amplitude-dependent speed
 * and (3) becomes, after multiplying through by e = 1 + v (one division per cell),
 *     u_next = u + [(e - e beta_wall - beta_0)(u - u_prev) + C^2 (e + k v) L]
 *                  / (e + e beta_wall + beta_0)                                               (4)
 * Stable for C^2 (1 + k) <= 1/2, k >= 0.
 *
 * A grid is cut into spans of equal kind along each row, because most cells need fewer
 * coefficients than the general one.  All kinds round in the same order: a cell of one kind gives
 * the same bits when it is treated as a more general one.
 *
 * Several simulations run side by side in the lanes of a field [row][cell][lane].  Lanes never mix:
 * a lane's bits depend neither on the number of lanes nor on what the others hold. */
#ifndef ETALON_SIM_WAVE_H
#define ETALON_SIM_WAVE_H

#include <etalon/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ET__WAVE_LANES = 8,    /* lanes of a batched field; the other legal count is 1 */
    ET__WAVE_PML_POWER = 3 /* the damping profile grows with this power of the depth */
};

enum et__wave_side { ET__WAVE_LEFT, ET__WAVE_RIGHT, ET__WAVE_BOTTOM, ET__WAVE_TOP, ET__WAVE_SIDES };

enum et__wave_kind {
    ET__WAVE_UNIFORM,      /* one speed, open on all sides, lossless: 2 reads, 1 write */
    ET__WAVE_SPEED,        /* a speed map: 3 reads, 1 write */
    ET__WAVE_GENERAL,      /* any linear cell */
    ET__WAVE_MEMBRANE,     /* equation (4), open on all sides, no wall */
    ET__WAVE_MEMBRANE_EDGE /* any membrane cell */
};

/* Constants of a membrane. */
struct et__wave_membrane {
    float beta;                /* b_0 dt of small signals */
    float stiffening;          /* k */
    float inverse_saturation2; /* 1 / u_sat^2 */
};

/* What fills the grid; arrays are [ny][nx], row 0 at y = 0, and borrowed.  Cells in strips must be
 * neither rigid nor membranes. */
struct et__wave_medium {
    size_t nx, ny;            /* all cells, absorbing strips included */
    const float *courant2;    /* (c dt / h)^2; 0 = rigid */
    const float *beta;        /* b dt of walls and linear absorbers */
    const uint16_t *membrane; /* 0 = none, else 1 + index into membranes; NULL = none at all */
    const struct et__wave_membrane *membranes;
    size_t n_membranes;
    size_t strip[ET__WAVE_SIDES];          /* cells of the PML along each side; 0 = none */
    double pml_courant;                    /* c dt / h that the strips are matched to */
    double pml_reflection[ET__WAVE_SIDES]; /* R0 of each side: round-trip reflection at normal
                                              incidence, continuous */
};

struct et__wave_span {
    uint32_t first, count; /* cells of the row */
    uint8_t kind;          /* enum et__wave_kind */
    bool patch_first;      /* the first cell is of kind GENERAL all the same: a wall beside it */
    bool patch_last;       /* likewise the last cell */
    uint16_t membrane;     /* index, of the two last kinds */
};

/* Coefficients of the absorbing strips; see wave_pml.c. */
struct et__wave_pml {
    size_t strip[ET__WAVE_SIDES];
    float *x_decay, *x_rate, *x_pull; /* [nx + 1] faces between the cells x - 1 and x */
    float *y_decay, *y_rate, *y_pull; /* [ny + 1] */
    float *x_sigma, *y_sigma;         /* [nx], [ny] sigma dt in the cell centres */
    size_t *phi_x, *phi_y;            /* [ny + 1] offset of each row in the auxiliary fields */
    size_t n_phi_x, n_phi_y;          /* cells of the auxiliary fields */
};

/* A grid made ready for stepping; immutable and shared by all threads. */
struct et__wave_plan {
    size_t nx, ny;
    size_t pitch, left; /* of the maps and of fields with one lane, in cells */
    float *gain;        /* linear: C^2 / (1 + beta); membrane: C^2; rigid: 0 */
    float *keep;        /* linear: (1 - beta) / (1 + beta); membrane: beta_wall; rigid: 0 */
    float *open;        /* open faces (in strips: plus a term for the corners); rigid: 0 */
    struct et__wave_span *spans;
    size_t *row_spans; /* [ny + 1] first span of each row */
    struct et__wave_membrane *membranes;
    bool fetch_ahead; /* too large for the cache */
    bool has_pml;
    struct et__wave_pml pml;
};

/* State of `lanes` simulations.  Element (x, y, lane) of u is
 * u[((y + 1) * pitch + left + x) * lanes + lane]; the frame around the cells holds zeros. */
struct et__wave_field {
    size_t lanes, pitch, left, size; /* size: floats of now (and of previous) */
    float *now, *previous;
    float *memory;        /* of both */
    float *phi_x, *phi_y; /* NULL without PML */
    size_t n_phi_x, n_phi_y;
};

/* Builds a plan; *plan is zeroed before.  Errors: ET_NOMEM (destroy accepts what is left). */
enum et_status et__wave_plan_create(struct et__wave_plan *plan,
                                    const struct et__wave_medium *medium) ET_CHECKED;
void et__wave_plan_destroy(struct et__wave_plan *plan);

/* Coefficients of the strips and the coefficients of their cells in the plan's maps. */
enum et_status et__wave_pml_create(struct et__wave_plan *plan,
                                   const struct et__wave_medium *medium) ET_CHECKED;
void et__wave_pml_destroy(struct et__wave_pml *pml);
/* Is cell (x, y) in a strip? */
bool et__wave_pml_has(const struct et__wave_pml *pml, size_t nx, size_t ny, size_t x, size_t y);

/* A field at rest; lanes is 1 or ET__WAVE_LANES.  Errors: ET_NOMEM. */
enum et_status et__wave_field_create(struct et__wave_field *field, const struct et__wave_plan *plan,
                                     size_t lanes) ET_CHECKED;
void et__wave_field_destroy(struct et__wave_field *field);
/* Back to rest. */
void et__wave_field_clear(struct et__wave_field *field);

/* Index of lane 0 of a cell. */
static inline size_t et__wave_at(const struct et__wave_field *field, size_t x, size_t y)
{
    return ((y + 1) * field->pitch + field->left + x) * field->lanes;
}

/* One time step of all lanes: (now, previous) become (u_next, now).  Sources are added to `now`
 * afterwards: (1) with a term c^2 S / h^2 on the right is now += C^2 S / (1 + beta).
 * Runs the widest variant that this processor has; all variants give the same bits. */
void et__wave_step(const struct et__wave_plan *plan, struct et__wave_field *field);

/* The same, written as plainly as possible; bit-identical to et__wave_step. */
void et__wave_step_reference(const struct et__wave_plan *plan, struct et__wave_field *field);

/* Variants for tests and benchmarks: the i-th one that this processor can run, NULL past the
 * last; the widest comes first. */
typedef void et__wave_step_fn(const struct et__wave_plan *plan, struct et__wave_field *field);
et__wave_step_fn *et__wave_step_variant(size_t i, const char **name);

#endif
