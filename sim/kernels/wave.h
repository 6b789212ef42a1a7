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
 * Order 4 in space replaces it by Lx - Lx^2 / 12 + Ly - Ly^2 / 12, with Lx and Ly the second
 * differences of each axis with their closed faces: inside, five points per axis,
 *     L = 4/3 (the four neighbours) - [(the four next to them) + 60 u] / 12,                  (2')
 * and beside a flat rigid wall the mirror image.  Its matrix is symmetric too, so energy is
 * conserved, with L in the second sum of E.
 * Time is leapfrog with a centred (implicit, pointwise) damping term, beta = b dt, written in
 * increments so that a constant field stays constant to the last bit:
 *     u_next = u + [(1 - beta)(u - u_prev) + C^2 L] / (1 + beta)                               (3)
 * Order 2 in time.  Stable for C^2 <= 1/2 in every cell, in order 4 for C^2 <= 3/8 (the smallest
 * eigenvalue of Lx is -4, that of Lx - Lx^2 / 12 is -16/3).
 *
 * Membranes are nonlinear cells: with v = (u / u_sat)^2,
 *     b = b_wall + b_0 / (1 + v)        saturable absorption
 *     c^2 -> c^2 (1 + k v / (1 + v))    amplitude-dependent speed
 * and (3) becomes, after multiplying through by e = 1 + v (one division per cell),
 *     u_next = u + [(e - e beta_wall - beta_0)(u - u_prev) + C^2 (e + k v) L]
 *                  / (e + e beta_wall + beta_0)                                               (4)
 * Stable for C^2 (1 + k) <= 1/2 or 3/8, k >= 0.
 *
 * A grid is cut into spans of equal kind along each row, because most cells need fewer
 * coefficients than the general one.  In order 2 all kinds round in the same order: a cell of one
 * kind gives the same bits when it is treated as a more general one.  In order 4 the plan says
 * which formula a cell obeys.
 *
 * Several simulations run side by side in the lanes of a field [row][cell][lane].  Lanes never mix:
 * a lane's bits depend neither on the number of lanes nor on what the others hold.
 *
 * Numbers are float or double throughout (`precision`): maps and fields are arrays of that type. */
#ifndef ETALON_SIM_WAVE_H
#define ETALON_SIM_WAVE_H

#include <etalon/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ET__WAVE_GROUP 4 /* rows that the kernel may take at once; the preprocessor asks */

enum {
    ET__WAVE_LANES = 8,    /* lanes of a batched field; the other legal count is 1 */
    ET__WAVE_PAGE = 4096,  /* bytes */
    ET__WAVE_PML_POWER = 3 /* the damping profile grows with this power of the depth */
};

/* Type of the numbers: float or double. */
enum et__wave_precision { ET__WAVE_SINGLE, ET__WAVE_DOUBLE };

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
    double beta;                /* b_0 dt of small signals */
    double stiffening;          /* k */
    double inverse_saturation2; /* 1 / u_sat^2 */
};

/* What fills the grid; arrays are [ny][nx], row 0 at y = 0, and borrowed.  Cells in strips must be
 * neither rigid nor membranes.  Values are rounded to the precision first. */
struct et__wave_medium {
    enum et__wave_precision precision;
    int order;                /* in space: 2 or 4; 0 counts as 2 */
    size_t nx, ny;            /* all cells, absorbing strips included */
    const double *courant2;   /* (c dt / h)^2; 0 = rigid */
    const double *beta;       /* b dt of walls and linear absorbers */
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
    void *x_decay, *x_rate, *x_pull; /* [nx + 1] faces between the cells x - 1 and x */
    void *y_decay, *y_rate, *y_pull; /* [ny + 1] */
    void *x_sigma, *y_sigma;         /* [nx], [ny] sigma dt in the cell centres */
    size_t *phi_x, *phi_y;           /* [ny + 1] offset of each row in the auxiliary fields */
    size_t n_phi_x, n_phi_y;         /* cells of the auxiliary fields */
};

/* A grid made ready for stepping; immutable and shared by all threads.  Element (x, y) of a map is
 * at (y + frame) * pitch + left + x; rigid cells and the frame around the cells hold zeros. */
struct et__wave_plan {
    enum et__wave_precision precision;
    int order;
    size_t nx, ny;
    size_t frame;          /* rows of zeros below and above the cells: order / 2 */
    size_t pitch, left;    /* of the maps and of fields with one lane, in cells */
    void *gain;            /* linear: C^2 / (1 + beta); membrane: C^2 */
    void *keep;            /* linear: (1 - beta) / (1 + beta); membrane: beta_wall */
    void *open;            /* order 2: open faces, in strips plus a term for the corners;
                              order 4: that term alone */
    void *open_x, *open_y; /* order 4: open faces along each axis; else NULL */
    struct et__wave_span *spans;
    size_t *row_spans; /* [ny + 1] first span of each row */
    uint8_t *alike;    /* [ny] number of rows from this one up that have the same spans, up to
                          ET__WAVE_GROUP */
    struct et__wave_membrane *membranes;
    bool fetch_ahead; /* too large for the cache */
    bool has_pml;
    struct et__wave_pml pml;
};

/* State of `lanes` simulations in the plan's precision.  Element (x, y, lane) of u is at
 * et__wave_at(field, x, y) + lane; the frame around the cells holds zeros. */
struct et__wave_field {
    size_t lanes, pitch, left, frame, size; /* size: numbers of now (and of previous) */
    size_t real;                            /* bytes of a number */
    void *now, *previous;
    void *memory;        /* of both */
    void *phi_x, *phi_y; /* NULL without PML */
    size_t n_phi_x, n_phi_y;
};

/* Places where sound enters and is heard, sorted by row; immutable and shared by all threads. */
struct et__wave_port {
    size_t x, y;
    size_t index; /* its place in signals or traces */
};
struct et__wave_ports {
    size_t n_sources, n_probes;
    struct et__wave_port *sources, *probes;
    size_t *source_rows, *probe_rows; /* [ny + 1] first one of each row */
};

/* Builds a plan; *plan is zeroed before.  Errors: ET_NOMEM (destroy accepts what is left). */
enum et_status et__wave_plan_create(struct et__wave_plan *plan,
                                    const struct et__wave_medium *medium) ET_CHECKED;
void et__wave_plan_destroy(struct et__wave_plan *plan);

/* Largest stable C^2 of an order, C being the largest in any cell: 1/2 or 3/8; 0 for an order that
 * does not exist. */
double et__wave_stable_courant2(int order);

/* Index of cell (x, y) in the maps. */
static inline size_t et__wave_map_at(const struct et__wave_plan *plan, size_t x, size_t y)
{
    return (y + plan->frame) * plan->pitch + plan->left + x;
}

/* Element i of a map or field, and its change to the nearest number of the precision. */
static inline double et__wave_get(enum et__wave_precision precision, const void *array, size_t i)
{
    return precision == ET__WAVE_SINGLE ? (double)((const float *)array)[i]
                                        : ((const double *)array)[i];
}
static inline void et__wave_put(enum et__wave_precision precision, void *array, size_t i,
                                double value)
{
    if (precision == ET__WAVE_SINGLE)
        ((float *)array)[i] = (float)value;
    else
        ((double *)array)[i] = value;
}

/* Bytes of a number. */
static inline size_t et__wave_real(enum et__wave_precision precision)
{
    return precision == ET__WAVE_SINGLE ? sizeof(float) : sizeof(double);
}

/* Coefficients of the strips and the coefficients of their cells in the plan's maps. */
enum et_status et__wave_pml_create(struct et__wave_plan *plan,
                                   const struct et__wave_medium *medium) ET_CHECKED;
void et__wave_pml_destroy(struct et__wave_pml *pml);
/* Cells [first, first + count) of a row in a strip and where their auxiliary fields are: on the
 * faces left of these cells, below and above them. */
struct et__wave_segment {
    size_t first, count, phi_x, phi_below, phi_above;
};
/* Segments of row y: the whole row, or the left and the right strip.  Returns their number. */
size_t et__wave_pml_cut(const struct et__wave_plan *plan, size_t y,
                        struct et__wave_segment segments[2]);
/* Is row y wholly in a strip?  Is cell (x, y) in one? */
static inline bool et__wave_pml_row(const struct et__wave_pml *pml, size_t ny, size_t y)
{
    return y < pml->strip[ET__WAVE_BOTTOM] || y + pml->strip[ET__WAVE_TOP] >= ny;
}
static inline bool et__wave_pml_has(const struct et__wave_pml *pml, size_t nx, size_t ny, size_t x,
                                    size_t y)
{
    return et__wave_pml_row(pml, ny, y) || x < pml->strip[ET__WAVE_LEFT] ||
           x + pml->strip[ET__WAVE_RIGHT] >= nx;
}

/* A field at rest; lanes is 1 or ET__WAVE_LANES.  Errors: ET_NOMEM. */
enum et_status et__wave_field_create(struct et__wave_field *field, const struct et__wave_plan *plan,
                                     size_t lanes) ET_CHECKED;
void et__wave_field_destroy(struct et__wave_field *field);
/* Back to rest. */
void et__wave_field_clear(struct et__wave_field *field);

/* Index of lane 0 of a cell. */
static inline size_t et__wave_at(const struct et__wave_field *field, size_t x, size_t y)
{
    return ((y + field->frame) * field->pitch + field->left + x) * field->lanes;
}

/* Sorts n_sources and n_probes places (x, y) by row; *ports is zeroed before.  The index of a place
 * is its position in the list.  Errors: ET_NOMEM. */
enum et_status et__wave_ports_create(struct et__wave_ports *ports, const struct et__wave_plan *plan,
                                     const size_t (*sources)[2], size_t n_sources,
                                     const size_t (*probes)[2], size_t n_probes) ET_CHECKED;
void et__wave_ports_destroy(struct et__wave_ports *ports);

/* Advances all lanes by `steps` time steps.
 *
 * ports   NULL = none
 * signal  [steps][n_sources][lanes]: S of (1) with a term c^2 S / h^2 on the right.  After each
 * step the cell gets gain * S, gain = C^2 / (1 + beta) of the plan; sources sit in linear cells.
 *         The auxiliary fields of the PML see the cell with its source.
 * trace   [steps][n_probes][lanes]: the cells after each step, source included
 * Both are arrays of the plan's precision; NULL = silence, unheard.
 *
 * Large grids are advanced in blocks of steps (wave_run.c) by all threads of et_parallel_for;
 * the bits are those of one step after the other, for any number of threads.  Runs the widest
 * variant that this processor has; all variants give the same bits. */
void et__wave_run(const struct et__wave_plan *plan, struct et__wave_field *field,
                  const struct et__wave_ports *ports, size_t steps, const void *signal,
                  void *trace);

/* One time step without sources: (now, previous) become (u_next, now).  A source that is added to
 * `now` afterwards is the same as one in et__wave_run unless a strip is within order / 2 cells. */
void et__wave_step(const struct et__wave_plan *plan, struct et__wave_field *field);

/* et__wave_run written as plainly as possible; bit-identical to it. */
void et__wave_run_reference(const struct et__wave_plan *plan, struct et__wave_field *field,
                            const struct et__wave_ports *ports, size_t steps, const void *signal,
                            void *trace);

#endif
