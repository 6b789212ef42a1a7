/* SPDX-License-Identifier: Apache-2.0
 *
 * The time step cell by cell, without spans, segments or lanes side by side, in the precision REAL:
 * what wave_rows.h must reproduce to the last bit.  Which formula a cell obeys is read from the
 * spans alone.  wave_reference.c includes this file; REF(name) gives each copy its own names. */

/* A cell of the field and its neighbourhood. */
struct REF(cell) {
    size_t x, y;
    size_t at, map;     /* its index in the fields and in the maps */
    size_t column, row; /* distance of neighbours in the fields */
};

static bool REF(open)(const struct et__wave_plan *plan, size_t map)
{
    return ((const REAL *)plan->gain)[map] > (REAL)0;
}

/* Second difference of u along an axis with its closed faces; zero in rigid cells. */
static REAL REF(second)(const struct et__wave_plan *plan, const REAL *u, const REAL *open,
                        size_t at, size_t step, size_t map)
{
    return REF(open)(plan, map) ? (u[at - step] + u[at + step]) - open[map] * u[at] : (REAL)0;
}

/* The operator of order 4 along an axis, in a cell next to which faces may be closed. */
static REAL REF(fourth)(const struct et__wave_plan *plan, const REAL *u, const REAL *open,
                        size_t at, size_t step, size_t map, size_t map_step)
{
    REAL here = REF(second)(plan, u, open, at, step, map);
    REAL low = REF(second)(plan, u, open, at - step, step, map - map_step);
    REAL high = REF(second)(plan, u, open, at + step, step, map + map_step);
    return here - ((REAL)1 / 12) * ((low + high) - open[map] * here);
}

static REAL REF(laplacian)(const struct et__wave_plan *plan, const REAL *u,
                           const struct REF(cell) * c, bool inner)
{
    size_t at = c->at, row = c->row, column = c->column, map = c->map;
    REAL open = ((const REAL *)plan->open)[map], c4 = (REAL)4 * u[at];
    REAL near = (u[at - row] + u[at + row]) + (u[at - column] + u[at + column]);
    if (plan->order == 2) return near - open * u[at];
    if (!inner)
        return (REF(fourth)(plan, u, plan->open_x, at, column, map, 1) +
                REF(fourth)(plan, u, plan->open_y, at, row, map, plan->pitch)) -
               open * u[at];
    REAL far = (u[at - 2 * row] + u[at + 2 * row]) + (u[at - 2 * column] + u[at + 2 * column]);
    return (near - c4) + ((REAL)1 / 12) * ((REAL)4 * (near - c4) - (far - c4));
}

static void REF(step_cell)(const struct et__wave_plan *plan, struct et__wave_field *field,
                           const struct REF(cell) * cell, size_t lane)
{
    const REAL *u = field->now;
    REAL *next = (REAL *)field->previous + cell->at;
    size_t membrane = 0, lanes = field->lanes;
    REAL gain = ((const REAL *)plan->gain)[cell->map], keep = ((const REAL *)plan->keep)[cell->map];
    REAL c = u[cell->at], before = *next;
    int kind = kind_at(plan, cell->x, cell->y, &membrane);
    bool inner = kind != ET__WAVE_GENERAL && kind != ET__WAVE_MEMBRANE_EDGE && kind != STRIP;
    if (kind == RIGID) return;
    REAL lap = REF(laplacian)(plan, u, cell, inner);
    if (kind == STRIP) {
        const REAL *fx = field->phi_x, *fy = field->phi_y;
        REAL west = fx[face_x(plan, cell->x, cell->y, cell->x) * lanes + lane];
        REAL east = fx[face_x(plan, cell->x + 1, cell->y, cell->x) * lanes + lane];
        REAL south = fy[face_y(plan, cell->x, cell->y) * lanes + lane];
        REAL north = fy[face_y(plan, cell->x, cell->y + 1) * lanes + lane];
        REAL div = (east - west) + (north - south);
        *next = c + (keep * (c - before) + gain * (lap + div));
    } else if (kind >= ET__WAVE_MEMBRANE) {
        const struct et__wave_membrane *m = &plan->membranes[membrane];
        REAL v = (c * c) * (REAL)m->inverse_saturation2, e = (REAL)1 + v;
        REAL loss = e * keep + (REAL)m->beta;
        REAL push = (e - loss) * (c - before) + (gain * (e + (REAL)m->stiffening * v)) * lap;
        *next = c + push / (e + loss);
    } else {
        *next = c + (keep * (c - before) + gain * lap);
    }
}

/* Difference across the face before a cell at both times, zero where the face is closed. */
static REAL REF(difference)(const struct et__wave_plan *plan, const struct et__wave_field *field,
                            size_t at, size_t step, size_t map, size_t map_step)
{
    const REAL *u = field->now, *next = field->previous;
    if (!REF(open)(plan, map) || !REF(open)(plan, map - map_step)) return (REAL)0;
    return (next[at] - next[at - step]) + (u[at] - u[at - step]);
}

static REAL REF(slope)(const struct et__wave_plan *plan, const struct et__wave_field *field,
                       size_t at, size_t step, size_t map, size_t map_step)
{
    REAL here = REF(difference)(plan, field, at, step, map, map_step);
    if (plan->order == 2) return here;
    REAL low = REF(difference)(plan, field, at - step, step, map - map_step, map_step);
    REAL high = REF(difference)(plan, field, at + step, step, map + map_step, map_step);
    return here - ((REAL)1 / 12) * ((low + high) - (REAL)2 * here);
}

/* Advances the auxiliary fields on the west and south face of a strip's cell. */
static void REF(step_faces)(const struct et__wave_plan *plan, struct et__wave_field *field,
                            const struct REF(cell) * c, size_t lane)
{
    const struct et__wave_pml *pml = &plan->pml;
    const REAL *y_sigma = pml->y_sigma, *x_sigma = pml->x_sigma;
    const REAL *x_rate = pml->x_rate, *x_pull = pml->x_pull, *x_decay = pml->x_decay;
    const REAL *y_rate = pml->y_rate, *y_pull = pml->y_pull, *y_decay = pml->y_decay;
    size_t x = c->x, y = c->y;
    if (!et__wave_pml_has(pml, plan->nx, plan->ny, x, y)) return;
    if (x > 0 && et__wave_pml_has(pml, plan->nx, plan->ny, x - 1, y)) {
        REAL *phi = (REAL *)field->phi_x + face_x(plan, x, y, x) * field->lanes + lane;
        REAL factor = y_sigma[y] * x_rate[x] - x_pull[x];
        *phi = x_decay[x] * *phi + factor * REF(slope)(plan, field, c->at, c->column, c->map, 1);
    }
    if (y > 0) {
        REAL *phi = (REAL *)field->phi_y + face_y(plan, x, y) * field->lanes + lane;
        REAL factor = x_sigma[x] * y_rate[y] - y_pull[y];
        *phi = y_decay[y] * *phi +
               factor * REF(slope)(plan, field, c->at, c->row, c->map, plan->pitch);
    }
}

typedef void REF(visit)(const struct et__wave_plan *plan, struct et__wave_field *field,
                        const struct REF(cell) * cell, size_t lane);

static void REF(visit_all)(const struct et__wave_plan *plan, struct et__wave_field *field,
                           REF(visit) * visit)
{
    struct REF(cell) cell = {.column = field->lanes, .row = field->pitch * field->lanes};
    for (cell.y = 0; cell.y < plan->ny; cell.y++)
        for (cell.x = 0; cell.x < plan->nx; cell.x++)
            for (size_t lane = 0; lane < field->lanes; lane++) {
                cell.at = et__wave_at(field, cell.x, cell.y) + lane;
                cell.map = et__wave_map_at(plan, cell.x, cell.y);
                visit(plan, field, &cell, lane);
            }
}

static void REF(run)(const struct et__wave_plan *plan, struct et__wave_field *field,
                     const struct et__wave_ports *ports, size_t steps, const REAL *signal,
                     REAL *trace)
{
    size_t lanes = field->lanes;
    for (size_t step = 0; step < steps; step++) {
        REF(visit_all)(plan, field, REF(step_cell));
        REAL *next = field->previous;
        for (size_t i = 0; ports && signal && i < ports->n_sources * lanes; i++) {
            const struct et__wave_port *port = &ports->sources[i / lanes];
            REAL gain = ((const REAL *)plan->gain)[et__wave_map_at(plan, port->x, port->y)];
            next[et__wave_at(field, port->x, port->y) + i % lanes] +=
                gain * signal[(step * ports->n_sources + port->index) * lanes + i % lanes];
        }
        for (size_t i = 0; ports && trace && i < ports->n_probes * lanes; i++) {
            const struct et__wave_port *port = &ports->probes[i / lanes];
            trace[(step * ports->n_probes + port->index) * lanes + i % lanes] =
                next[et__wave_at(field, port->x, port->y) + i % lanes];
        }
        if (plan->has_pml) REF(visit_all)(plan, field, REF(step_faces));
        field->previous = field->now;
        field->now = next;
    }
}
