/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the dipoles are. */
#include "metasurface.h"

#include <etalon/rng.h>

#include <math.h>
#include <stdio.h>

enum {
    DIPOLES_MAX = 4096,    /* whose equations take 268 MB */
    CLOSEST = 40,          /* parts of the shortest wavelength between any two */
    POSTS_PER_WAVE = 10,   /* of a wall, unless its spacing is given */
    POSTS_PER_WAVE_MIN = 3 /* wider fences leak */
};

static const char *const kind_names[] = {"transmitter", "receiver", "pixel", "wall post",
                                         "scatterer"};

struct layout {
    struct et__cavity *cavity;
    const struct et_config *config; /* of the system */
    double wave;                    /* shortest wavelength, m */
    size_t counts[5];
};

/* The first dipole closer than `least` to a place, or n. */
static size_t find_neighbour(const struct et__cavity *cavity, double x, double y, double least)
{
    for (size_t i = 0; i < cavity->n; i++)
        if (hypot(cavity->dipoles[i].x - x, cavity->dipoles[i].y - y) < least) return i;
    return cavity->n;
}

/* Number of dipole i among those of its kind. */
static size_t number_of(const struct et__cavity *cavity, size_t i)
{
    size_t number = 0;
    for (size_t j = 0; j < i; j++)
        number += cavity->dipoles[j].kind == cavity->dipoles[i].kind;
    return number;
}

static enum et_status put(struct layout *l, const char *parameter, enum et__dipole_kind kind,
                          double x, double y)
{
    struct et__cavity *cavity = l->cavity;
    const double least = l->wave / CLOSEST;
    const size_t near = find_neighbour(cavity, x, y, least);
    if (kind != ET__POST && !(x > 0 && x < cavity->width && y > 0 && y < cavity->height))
        return et_config_error(
            l->config, parameter, "%s %zu at (%g, %g) m is not inside the cavity of %g x %g m",
            kind_names[kind], l->counts[kind], x, y, cavity->width, cavity->height);
    if (near < cavity->n) {
        const struct et__dipole *other = &cavity->dipoles[near];
        return et_config_error(
            l->config, parameter,
            "%s %zu at (%g, %g) m is %.3g m from %s %zu, less than 1/%d of the shortest "
            "wavelength, %.3g m",
            kind_names[kind], l->counts[kind], x, y, hypot(other->x - x, other->y - y),
            kind_names[other->kind], number_of(cavity, near), (int)CLOSEST, least);
    }
    if (cavity->n == DIPOLES_MAX)
        return et_config_error(l->config, parameter,
                               "%s %zu is one more than the limit of %d dipoles", kind_names[kind],
                               l->counts[kind], (int)DIPOLES_MAX);
    cavity->dipoles[cavity->n++] = (struct et__dipole){x, y, kind};
    l->counts[kind]++;
    return ET_OK;
}

static enum et_status put_antennas(struct layout *l, const char *name, enum et__dipole_kind kind)
{
    for (size_t i = 0; i < et_config_count(l->config, name); i++) {
        const struct et_config *at = et_config_at(l->config, name, i);
        ET_TRY(put(l, name, kind, et_config_real(at, "x"), et_config_real(at, "y")));
    }
    return ET_OK;
}

/* Pixels sit in the middle of equal cells of the rectangle, row by row. */
static enum et_status put_surfaces(struct layout *l)
{
    for (size_t i = 0; i < et_config_count(l->config, "surfaces"); i++) {
        const struct et_config *at = et_config_at(l->config, "surfaces", i);
        const size_t nx = (size_t)et_config_int(at, "nx"), ny = (size_t)et_config_int(at, "ny");
        const double dx = et_config_real(at, "width") / (double)nx;
        const double dy = et_config_real(at, "height") / (double)ny;
        for (size_t y = 0; y < ny; y++)
            for (size_t x = 0; x < nx; x++)
                ET_TRY(put(l, "surfaces", ET__PIXEL,
                           et_config_real(at, "x") + ((double)x + 0.5) * dx,
                           et_config_real(at, "y") + ((double)y + 0.5) * dy));
    }
    return ET_OK;
}

/* One side from (x, y) on, without its last corner. */
static enum et_status put_side(struct layout *l, double x, double y, double to_x, double to_y,
                               double spacing)
{
    const double length = hypot(to_x - x, to_y - y);
    const size_t posts = (size_t)ceil(length / spacing);
    for (size_t i = 0; i < posts; i++) {
        double part = (double)i / (double)posts;
        ET_TRY(put(l, "walls", ET__POST, x + part * (to_x - x), y + part * (to_y - y)));
    }
    return ET_OK;
}

static enum et_status put_walls(struct layout *l)
{
    const struct et_config *walls = et_config_at(l->config, "walls", 0);
    const double w = l->cavity->width, h = l->cavity->height;
    double spacing = et_config_real(walls, "spacing");
    if (!(spacing > 0)) spacing = l->wave / POSTS_PER_WAVE;
    l->cavity->wall_loss = et_config_real(walls, "loss");
    l->cavity->post_radius = spacing / (2 * M_PI);
    if (!et_config_bool(walls, "closed")) return ET_OK;
    if (spacing > l->wave / POSTS_PER_WAVE_MIN)
        return et_config_error(walls, "spacing",
                               "spacing = %g m leaks: %d posts per shortest wavelength of %.3g m "
                               "are at most %.3g m apart",
                               spacing, (int)POSTS_PER_WAVE_MIN, l->wave,
                               l->wave / POSTS_PER_WAVE_MIN);
    ET_TRY(put_side(l, 0, 0, w, 0, spacing));
    ET_TRY(put_side(l, w, 0, w, h, spacing));
    ET_TRY(put_side(l, w, h, 0, h, spacing));
    return put_side(l, 0, h, 0, 0, spacing);
}

static enum et_status put_scatterers(struct layout *l, uint64_t seed)
{
    enum { TRIES = 1000 };
    const struct et_config *scatterers = et_config_at(l->config, "scatterers", 0);
    const double radius = et_config_real(scatterers, "radius");
    const double clear = 2 * radius + l->wave / CLOSEST;
    const double thick = l->wave / (2 * M_PI);
    const int64_t own = et_config_int(scatterers, "seed");
    const size_t count = (size_t)et_config_int(scatterers, "count");
    l->cavity->scatterer_radius = radius;
    if (count > 0 && radius > thick) /* k a > 1: higher multipoles matter as much as the dipole */
        return et_config_error(scatterers, "radius",
                               "radius = %g m is no thin post: at most 1/(2 pi) of the shortest "
                               "wavelength, %.3g m",
                               radius, thick);
    if (own >= 0) seed = (uint64_t)own;
    for (size_t i = 0, tries = 0; i < count; i++) {
        const size_t last = tries + TRIES;
        double x, y;
        do {
            if (tries++ == last)
                return et_config_error(scatterers, "count",
                                       "no room for scatterer %zu, %.3g m clear of all dipoles", i,
                                       clear);
            x = l->cavity->width * (double)et_rng_uniform(seed, ET_STREAM_GEOMETRY, 0, 2 * tries);
            y = l->cavity->height *
                (double)et_rng_uniform(seed, ET_STREAM_GEOMETRY, 0, 2 * tries + 1);
        } while (!(x > 0 && y > 0) || find_neighbour(l->cavity, x, y, clear) < l->cavity->n);
        ET_TRY(put(l, "scatterers", ET__SCATTERER, x, y));
    }
    return ET_OK;
}

static struct et__resonance resonance_of(const struct et_config *config)
{
    return (struct et__resonance){et_config_real(config, "strength"),
                                  et_config_real(config, "loss")};
}

enum et_status et__cavity_read(struct et__cavity *cavity, const struct et_config *config,
                               double f_max, uint64_t seed)
{
    const struct et_config *pixel = et_config_at(config, "pixel", 0);
    cavity->width = et_config_real(config, "width");
    cavity->height = et_config_real(config, "height");
    cavity->c = et_config_real(config, "speed");
    cavity->antenna = resonance_of(et_config_at(config, "antenna", 0));
    cavity->pixel = resonance_of(pixel);
    cavity->f_on = et_config_real(pixel, "on");
    cavity->f_off = et_config_real(pixel, "off");
    if (!(cavity->f_on > 0)) cavity->f_on = cavity->f0;
    if (!(cavity->f_off > 0)) cavity->f_off = 2 * cavity->f0;
    if (!(cavity->f_on < cavity->f_off) && !(cavity->f_on > cavity->f_off))
        return et_config_error(pixel, NULL, "on and off are both %g Hz: the pixels do nothing",
                               cavity->f_on);
    struct layout layout = {.cavity = cavity, .config = config, .wave = cavity->c / f_max};
    if (!(cavity->dipoles = et_alloc(DIPOLES_MAX, sizeof *cavity->dipoles))) return ET_NOMEM;
    ET_TRY(put_antennas(&layout, "transmitters", ET__TRANSMITTER));
    ET_TRY(put_antennas(&layout, "receivers", ET__RECEIVER));
    ET_TRY(put_surfaces(&layout));
    cavity->n_tx = layout.counts[ET__TRANSMITTER];
    cavity->n_rx = layout.counts[ET__RECEIVER];
    cavity->n_pixels = layout.counts[ET__PIXEL];
    ET_TRY(put_walls(&layout));
    return put_scatterers(&layout, seed);
}

void et__cavity_free(struct et__cavity *cavity)
{
    et_free(cavity->dipoles);
    cavity->dipoles = NULL;
}
