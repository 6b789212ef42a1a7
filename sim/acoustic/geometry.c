/* SPDX-License-Identifier: Apache-2.0
 *
 * From metres to cells: shapes of the configuration become maps of speed and membranes; walls
 * become damping of the cells beside them.
 *
 * A shape owns the cells whose centres it covers.  A wall of specific admittance Y obeys
 * du/dn = -(Y / c) u_t; put into the flux balance of the cell beside it, this is damping with
 * b = Y c / (2 h), that is beta = Y C / 2.  A plane wave at normal incidence is reflected by
 * R = (1 - Y) / (1 + Y). */
#include "acoustic.h"

#include <etalon/rng.h>

#include <math.h>

enum {
    CELLS_MAX = 1 << 26,
    BATCHED_CELLS_MAX = 32768,
    SCATTERER_TRIES = 2000,
    MICROPHONES_MAX = 65536
};

/* Shapes: a disc, or a rectangle when radius is 0. */
struct shape {
    double x, y, radius, width, height;
};

static bool covers(const struct shape *shape, double x, double y)
{
    double dx = fabs(x - shape->x), dy = fabs(y - shape->y), slack = 1e-9;
    if (shape->radius > 0) return dx * dx + dy * dy <= shape->radius * shape->radius * (1 + slack);
    return dx <= 0.5 * shape->width * (1 + slack) && dy <= 0.5 * shape->height * (1 + slack);
}

static double half_x(const struct shape *s)
{
    return s->radius > 0 ? s->radius : 0.5 * s->width;
}
static double half_y(const struct shape *s)
{
    return s->radius > 0 ? s->radius : 0.5 * s->height;
}

/* Errors: the shape (a `what`) reaches out of the cavity. */
static enum et_status check_inside(const struct et__acoustic_geometry *g,
                                   const struct et_config *record, const char *what,
                                   const struct shape *s)
{
    double width = (double)g->nx * g->cell, height = (double)g->ny * g->cell;
    double slack = 1e-6 * g->cell;
    if (s->x - half_x(s) < -slack || s->x + half_x(s) > width + slack)
        return et_config_error(record, "x", "%s reaches from x = %g to %g m, outside [0, %g]", what,
                               s->x - half_x(s), s->x + half_x(s), width);
    if (s->y - half_y(s) < -slack || s->y + half_y(s) > height + slack)
        return et_config_error(record, "y", "%s reaches from y = %g to %g m, outside [0, %g]", what,
                               s->y - half_y(s), s->y + half_y(s), height);
    return ET_OK;
}

typedef void paint_fn(struct et__acoustic_geometry *g, size_t cell, double value);

static void paint_speed(struct et__acoustic_geometry *g, size_t cell, double value)
{
    g->speeds[cell] = (float)value;
}

static void paint_membrane(struct et__acoustic_geometry *g, size_t cell, double value)
{
    (void)value;
    g->n_membrane_cells += g->membrane[cell] == 0;
    g->membrane[cell] = 1;
}

/* Paints the cells that a shape covers; returns their number. */
static size_t paint(struct et__acoustic_geometry *g, const struct shape *s, paint_fn *put,
                    double value)
{
    size_t n = 0;
    for (size_t y = 0; y < g->ny; y++) {
        double cy = ((double)y + 0.5) * g->cell;
        if (fabs(cy - s->y) > half_y(s) + g->cell) continue;
        for (size_t x = 0; x < g->nx; x++) {
            if (!covers(s, ((double)x + 0.5) * g->cell, cy)) continue;
            put(g, y * g->nx + x, value);
            n++;
        }
    }
    return n;
}

static enum et_status paint_record(struct et__acoustic_geometry *g, const struct et_config *record,
                                   const char *what, const struct shape *s, paint_fn *put,
                                   double value)
{
    ET_TRY(check_inside(g, record, what, s));
    if (paint(g, s, put, value) > 0) return ET_OK;
    return et_config_error(record, NULL, "%s covers the centre of no cell; cells have %g m", what,
                           g->cell);
}

static struct shape rectangle_of(const struct et_config *record)
{
    return (struct shape){.x = et_config_real(record, "x"),
                          .y = et_config_real(record, "y"),
                          .width = et_config_real(record, "width"),
                          .height = et_config_real(record, "height")};
}

static enum et_status read_obstacles(struct et__acoustic_geometry *g,
                                     const struct et_config *config)
{
    for (size_t i = 0; i < et_config_count(config, "rectangles"); i++) {
        const struct et_config *record = et_config_at(config, "rectangles", i);
        struct shape s = rectangle_of(record);
        ET_TRY(
            paint_record(g, record, "rectangle", &s, paint_speed, et_config_real(record, "speed")));
    }
    for (size_t i = 0; i < et_config_count(config, "discs"); i++) {
        const struct et_config *record = et_config_at(config, "discs", i);
        struct shape s = {.x = et_config_real(record, "x"),
                          .y = et_config_real(record, "y"),
                          .radius = et_config_real(record, "radius")};
        ET_TRY(paint_record(g, record, "disc", &s, paint_speed, et_config_real(record, "speed")));
    }
    return ET_OK;
}

static enum et_status read_membranes(struct et__acoustic_geometry *g,
                                     const struct et_config *membranes)
{
    for (size_t i = 0; i < et_config_count(membranes, "regions"); i++) {
        const struct et_config *record = et_config_at(membranes, "regions", i);
        struct shape s = rectangle_of(record);
        ET_TRY(paint_record(g, record, "membrane", &s, paint_membrane, 0));
        for (size_t c = 0; c < g->nx * g->ny; c++) {
            size_t column = c % g->nx, row = c / g->nx;
            if (g->membrane[c] != 0 && g->speeds[c] <= 0.0F)
                return et_config_error(record, NULL, "membrane overlaps a rigid body at (%g, %g) m",
                                       ((double)column + 0.5) * g->cell,
                                       ((double)row + 0.5) * g->cell);
        }
    }
    return ET_OK;
}

/* Turns a place into a cell that is not rigid. */
static enum et_status find_spot(const struct et__acoustic_geometry *g,
                                const struct et_config *record, const char *what, double at_x,
                                double at_y, struct et__acoustic_spot *spot)
{
    struct shape s = {.x = at_x, .y = at_y};
    ET_TRY(check_inside(g, record, what, &s));
    size_t x = (size_t)fmax(0, s.x / g->cell), y = (size_t)fmax(0, s.y / g->cell);
    if (x >= g->nx) x = g->nx - 1;
    if (y >= g->ny) y = g->ny - 1;
    if (g->speeds[y * g->nx + x] <= 0.0F)
        return et_config_error(record, NULL, "%s at (%g, %g) m is inside a rigid body", what, s.x,
                               s.y);
    *spot = (struct et__acoustic_spot){x, y};
    return ET_OK;
}

static enum et_status read_spots(const struct et__acoustic_geometry *g,
                                 const struct et_config *config, const char *name, const char *what,
                                 struct et__acoustic_spot *spots)
{
    for (size_t i = 0; i < et_config_count(config, name); i++) {
        const struct et_config *record = et_config_at(config, name, i);
        ET_TRY(find_spot(g, record, what, et_config_real(record, "x"), et_config_real(record, "y"),
                         &spots[i]));
    }
    return ET_OK;
}

/* Place k of n, evenly from edge to edge of an extent around a centre. */
static double place(double centre, double extent, size_t k, size_t n)
{
    return n > 1 ? centre + extent * ((double)k / (double)(n - 1) - 0.5) : centre;
}

static enum et_status read_array(const struct et__acoustic_geometry *g,
                                 const struct et_config *record, struct et__acoustic_spot *spots)
{
    struct shape s = rectangle_of(record);
    size_t columns = (size_t)et_config_int(record, "columns");
    size_t rows = (size_t)et_config_int(record, "rows");
    for (size_t k = 0; k < rows * columns; k++)
        ET_TRY(find_spot(g, record, "microphone of the array",
                         place(s.x, s.width, k % columns, columns),
                         place(s.y, s.height, k / columns, rows), &spots[k]));
    return ET_OK;
}

static enum et_status read_microphones(struct et__acoustic_geometry *g,
                                       const struct et_config *config)
{
    size_t n = et_config_count(config, "microphones");
    for (size_t i = 0; i < et_config_count(config, "microphone_arrays"); i++) {
        const struct et_config *record = et_config_at(config, "microphone_arrays", i);
        n += (size_t)(et_config_int(record, "columns") * et_config_int(record, "rows"));
        if (n > MICROPHONES_MAX)
            return et_config_error(record, NULL, "%zu microphones and more; at most %d", n,
                                   MICROPHONES_MAX);
    }
    if (!(g->microphones = et_alloc(n, sizeof *g->microphones))) return ET_NOMEM;
    ET_TRY(read_spots(g, config, "microphones", "microphone", g->microphones));
    g->n_microphones = et_config_count(config, "microphones");
    for (size_t i = 0; i < et_config_count(config, "microphone_arrays"); i++) {
        const struct et_config *record = et_config_at(config, "microphone_arrays", i);
        ET_TRY(read_array(g, record, g->microphones + g->n_microphones));
        g->n_microphones +=
            (size_t)(et_config_int(record, "columns") * et_config_int(record, "rows"));
    }
    return ET_OK;
}

/* A loudspeaker pushes a linear cell: on a membrane its strength would depend on the field. */
static enum et_status check_speakers(const struct et__acoustic_geometry *g,
                                     const struct et_config *config)
{
    for (size_t i = 0; i < g->n_speakers; i++)
        if (g->membrane[g->speakers[i].y * g->nx + g->speakers[i].x] != 0)
            return et_config_error(et_config_at(config, "speakers", i), NULL,
                                   "loudspeaker is on a membrane");
    return ET_OK;
}

/* Would a disc touch a rigid body, a membrane, a loudspeaker or a microphone (one cell kept free)?
 */
static bool collides(const struct et__acoustic_geometry *g, const struct shape *s)
{
    struct shape wide = *s;
    wide.radius += 1.5 * g->cell;
    for (size_t y = 0; y < g->ny; y++) {
        double cy = ((double)y + 0.5) * g->cell;
        if (fabs(cy - s->y) > wide.radius) continue;
        for (size_t x = 0; x < g->nx; x++) {
            size_t c = y * g->nx + x;
            if ((g->speeds[c] <= 0.0F || g->membrane[c] != 0) &&
                covers(&wide, ((double)x + 0.5) * g->cell, cy))
                return true;
        }
    }
    for (size_t i = 0; i < g->n_speakers + g->n_microphones; i++) {
        const struct et__acoustic_spot *spot =
            i < g->n_speakers ? &g->speakers[i] : &g->microphones[i - g->n_speakers];
        if (covers(&wide, ((double)spot->x + 0.5) * g->cell, ((double)spot->y + 0.5) * g->cell))
            return true;
    }
    return false;
}

static enum et_status place_scatterers(struct et__acoustic_geometry *g,
                                       const struct et_config *record, uint64_t device_seed)
{
    int64_t count = et_config_int(record, "count"), given = et_config_int(record, "seed");
    uint64_t seed = given < 0 ? device_seed : (uint64_t)given;
    double low = et_config_real(record, "radius_min"), high = et_config_real(record, "radius_max");
    if (count > 0 && high < low)
        return et_config_error(record, "radius_max", "radius_max = %g is below radius_min = %g",
                               high, low);
    for (int64_t i = 0; i < count; i++) {
        bool placed = false;
        for (uint64_t attempt = 0; attempt < SCATTERER_TRIES && !placed; attempt++) {
            float r[3];
            et_rng_fill_uniform(seed, ET_STREAM_GEOMETRY, (uint32_t)i, 3 * attempt, 0, 1, r, 3);
            struct shape s = {.radius = low + (double)r[0] * (high - low)};
            s.x = s.radius + (double)r[1] * ((double)g->nx * g->cell - 2 * s.radius);
            s.y = s.radius + (double)r[2] * ((double)g->ny * g->cell - 2 * s.radius);
            if (s.x < s.radius || s.y < s.radius || collides(g, &s)) continue;
            placed = paint(g, &s, paint_speed, 0) > 0;
        }
        if (!placed)
            return et_config_error(record, "count",
                                   "found no room for scatterer %lld of %lld in %d attempts",
                                   (long long)i + 1, (long long)count, SCATTERER_TRIES);
    }
    return ET_OK;
}

static void read_wall(struct et__acoustic_geometry *g, const struct et_config *wall,
                      enum et__wave_side side)
{
    enum { RIGID, IMPEDANCE, REFLECTION, PML };
    switch (et_config_choice(wall, "kind")) {
    case IMPEDANCE:
        g->admittance[side] = et_config_real(wall, "admittance");
        break;
    case REFLECTION: {
        double r = et_config_real(wall, "reflection");
        g->admittance[side] = (1 - r) / (1 + r);
        break;
    }
    case PML:
        g->strip[side] = (size_t)et_config_int(wall, "cells");
        g->pml_reflection[side] = et_config_real(wall, "residual");
        break;
    default:
        break;
    }
}

static enum et_status make_grid(struct et__acoustic_geometry *g, const struct et_config *config)
{
    g->cell = et_config_real(config, "cell");
    g->speed = et_config_real(config, "speed");
    double nx = round(et_config_real(config, "width") / g->cell);
    double ny = round(et_config_real(config, "height") / g->cell);
    if (nx < 3 || ny < 3)
        return et_config_error(config, "cell",
                               "cells of %g m make a grid of %g x %g; at least 3 "
                               "x 3 are needed",
                               g->cell, nx, ny);
    if (nx * ny > CELLS_MAX)
        return et_config_error(config, "cell", "cells of %g m make a grid of %g x %g, more than %d",
                               g->cell, nx, ny, CELLS_MAX);
    g->nx = (size_t)nx;
    g->ny = (size_t)ny;
    if (!(g->speeds = et_alloc(g->nx * g->ny, sizeof *g->speeds))) return ET_NOMEM;
    if (!(g->membrane = et_alloc(g->nx * g->ny, sizeof *g->membrane))) return ET_NOMEM;
    for (size_t c = 0; c < g->nx * g->ny; c++)
        g->speeds[c] = (float)g->speed;
    return ET_OK;
}

static void find_stable_dt(struct et__acoustic_geometry *g, double stiffening)
{
    double fastest2 = 0, limit = et__wave_stable_courant2(g->order);
    for (size_t c = 0; c < g->nx * g->ny; c++) {
        double speed = (double)g->speeds[c];
        fastest2 = fmax(fastest2, speed * speed * (g->membrane[c] != 0 ? 1 + stiffening : 1));
    }
    g->stable_dt = fastest2 > 0 ? g->cell / sqrt(fastest2 / limit) : g->cell / g->speed;
}

enum et_status et__acoustic_geometry_read(struct et__acoustic_geometry *g,
                                          const struct et_config *config, uint64_t seed)
{
    static const char *const sides[] = {"left", "right", "bottom", "top"};
    const struct et_config *membranes = et_config_at(config, "membranes", 0);
    const struct et_config *walls = et_config_at(config, "walls", 0);
    ET_TRY(make_grid(g, config));
    for (size_t i = 0; i < ET__WAVE_SIDES; i++)
        read_wall(g, et_config_at(walls, sides[i], 0), (enum et__wave_side)i);
    ET_TRY(read_obstacles(g, config));
    ET_TRY(read_membranes(g, membranes));
    g->n_speakers = et_config_count(config, "speakers");
    if (!(g->speakers = et_alloc(g->n_speakers, sizeof *g->speakers))) return ET_NOMEM;
    ET_TRY(read_spots(g, config, "speakers", "loudspeaker", g->speakers));
    ET_TRY(read_microphones(g, config));
    ET_TRY(check_speakers(g, config));
    ET_TRY(place_scatterers(g, et_config_at(config, "scatterers", 0), seed));
    find_stable_dt(g, et_config_real(membranes, "stiffening"));
    return ET_OK;
}

void et__acoustic_geometry_free(struct et__acoustic_geometry *g)
{
    et_free(g->speeds);
    et_free(g->membrane);
    et_free(g->speakers);
    et_free(g->microphones);
}

/* Coordinate of the cavity's cell nearest to a cell of the grid with strips. */
static size_t nearest(size_t at, size_t strip, size_t n)
{
    if (at < strip) return 0;
    return at - strip < n ? at - strip : n - 1;
}

/* Fills the arrays [ny][nx] of the medium: the cavity, continued straight into the strips, where
 * everything is linear and open. */
static void fill_medium(const struct et__acoustic_geometry *g, double dt, size_t nx, size_t ny,
                        double *courant2, double *beta, uint16_t *membrane)
{
    for (size_t i = 0; i < nx * ny; i++) {
        size_t gx = i % nx, gy = i / nx;
        size_t x = nearest(gx, g->strip[ET__WAVE_LEFT], g->nx);
        size_t y = nearest(gy, g->strip[ET__WAVE_BOTTOM], g->ny);
        bool inside = x + g->strip[ET__WAVE_LEFT] == gx && y + g->strip[ET__WAVE_BOTTOM] == gy;
        double speed = (double)g->speeds[y * g->nx + x];
        if (!inside && speed <= 0) speed = g->speed;
        double courant = speed * dt / g->cell;
        courant2[i] = courant * courant;
        if (!inside) continue;
        membrane[i] = g->membrane[y * g->nx + x];
        double admittance = (x == 0 ? g->admittance[ET__WAVE_LEFT] : 0) +
                            (x + 1 == g->nx ? g->admittance[ET__WAVE_RIGHT] : 0) +
                            (y == 0 ? g->admittance[ET__WAVE_BOTTOM] : 0) +
                            (y + 1 == g->ny ? g->admittance[ET__WAVE_TOP] : 0);
        beta[i] = 0.5 * admittance * courant;
    }
}

enum et_status et__acoustic_geometry_plan(const struct et__acoustic_geometry *g, double dt,
                                          const struct et__wave_membrane *membrane,
                                          struct et__wave_plan *plan)
{
    size_t nx = g->nx + g->strip[ET__WAVE_LEFT] + g->strip[ET__WAVE_RIGHT];
    size_t ny = g->ny + g->strip[ET__WAVE_BOTTOM] + g->strip[ET__WAVE_TOP];
    enum et_status status = ET_NOMEM;
    uint16_t *membranes = NULL;
    double *beta = NULL, *courant2 = et_alloc(nx * ny, sizeof *courant2);
    if (!courant2) goto out;
    if (!(beta = et_alloc(nx * ny, sizeof *beta))) goto out;
    if (!(membranes = et_alloc(nx * ny, sizeof *membranes))) goto out;
    fill_medium(g, dt, nx, ny, courant2, beta, membranes);
    struct et__wave_medium medium = {.precision = g->precision,
                                     .order = g->order,
                                     .nx = nx,
                                     .ny = ny,
                                     .courant2 = courant2,
                                     .beta = beta,
                                     .membrane = membranes,
                                     .membranes = membrane,
                                     .n_membranes = 1,
                                     .pml_courant = g->speed * dt / g->cell};
    for (size_t i = 0; i < ET__WAVE_SIDES; i++) {
        medium.strip[i] = g->strip[i];
        medium.pml_reflection[i] = g->pml_reflection[i];
    }
    status = et__wave_plan_create(plan, &medium);
out:
    et_free(courant2);
    et_free(beta);
    et_free(membranes);
    return status;
}

size_t et__acoustic_lanes(const struct et__wave_plan *plan)
{
    return plan->nx * plan->ny <= BATCHED_CELLS_MAX ? ET__WAVE_LANES : 1;
}

void et__acoustic_show(const struct et__acoustic_geometry *g, const struct et__wave_field *field,
                       const struct et_observer *observer, struct et_view frame, size_t step,
                       double dt)
{
    for (size_t y = 0; y < g->ny; y++)
        for (size_t x = 0; x < g->nx; x++) {
            size_t at =
                et__wave_at(field, x + g->strip[ET__WAVE_LEFT], y + g->strip[ET__WAVE_BOTTOM]);
            frame.data[y * frame.stride + x] = (float)et__wave_get(g->precision, field->now, at);
        }
    observer->frame(observer->user, step, (double)(step + 1) * dt, frame, g->cell, "Pa");
}
