/* SPDX-License-Identifier: Apache-2.0
 *
 * From knobs to phases.  A heater is driven to its knob modulo one turn, rounded to the steps that
 * its supply has; its neighbours warm it; and the phases wander from step to step:
 *     phase = C round(knob mod 2 pi) + noise,   C = 1 + crosstalk between neighbours
 * Neighbours are the heaters of the same kind in the cells above and below of the same column
 * (crosstalk), and the two heaters of a cell (crosstalk_along).  C is symmetric.  An attenuator is
 * a cell of its own whose second output is lost, t = cos(kappa / 2); it has no neighbours.
 *
 * Derivatives pass the rounding as if it were not there (the straight-through estimator). */
#include "mesh/system.h"

#include <etalon/rng.h>

#include <math.h>
#include <string.h>

static const double pi = 3.14159265358979323846;

static double round_phase(const struct et__mesh_system *s, double phase)
{
    if (s->bits == 0) return phase;
    double step = ldexp(2 * pi, -s->bits);
    return step * nearbyint(phase / step);
}

/* In [0, 2 pi): what rounds to a whole turn needs no heat. */
static double drive(const struct et__mesh_system *s, float knob)
{
    double phase = fmod((double)knob, 2 * pi);
    phase = round_phase(s, phase < 0 ? phase + 2 * pi : phase);
    return phase < 2 * pi ? phase : 0;
}

/* to = C from */
static void warm(const struct et__mesh_system *s, const struct et__mesh *mesh, const double *from,
                 double *to)
{
    const struct et__mesh_layout *l = &mesh->layout;
    size_t cells = l->n_cells;
    memcpy(to, from, mesh->n_phases * sizeof *to);
    if (s->crosstalk == 0 && s->crosstalk_along == 0) return;
    for (size_t i = 0; i < cells; i++) {
        to[2 * i] += s->crosstalk_along * from[2 * i + 1];
        to[2 * i + 1] += s->crosstalk_along * from[2 * i];
        if (i + 1 == cells || l->column[i + 1] != l->column[i]) continue;
        for (size_t kind = 0; kind < 2; kind++) {
            to[2 * i + kind] += s->crosstalk * from[2 * i + 2 + kind];
            to[2 * i + 2 + kind] += s->crosstalk * from[2 * i + kind];
        }
    }
    for (size_t w = 2 * cells; w + 1 < mesh->n_phases; w++) {
        to[w] += s->crosstalk * from[w + 1];
        to[w + 1] += s->crosstalk * from[w];
    }
}

/* The matrix of all that lies between light in and light out: the mesh on unit vectors, 16 at a
 * time. */
static void tabulate(struct et__mesh_system *s)
{
    struct et__mesh_worker *w = &s->workers[0];
    for (size_t first = 0; first < s->n; first += ET__MESH_LANES) {
        memset(w->u, 0, s->n * ET__MESH_TILE * sizeof *w->u);
        for (size_t k = first; k < s->n && k < first + ET__MESH_LANES; k++)
            w->u[k * ET__MESH_TILE + k - first] = 1;
        const float *z = et__mesh_pass(s, w);
        for (size_t k = first; k < s->n && k < first + ET__MESH_LANES; k++)
            for (size_t o = 0; o < s->m; o++) {
                const float *at = z + o * ET__MESH_TILE + k - first;
                s->matrix[2 * (o * s->n + k)] = at[0];
                s->matrix[2 * (o * s->n + k) + 1] = at[ET__MESH_LANES];
            }
    }
}

void et__mesh_heat(struct et__mesh_system *s, const struct et_step *step)
{
    float *noise = NULL;
    const float *knob = s->knobs;
    if (step && s->phase_noise > 0) {
        noise = s->disorder;
        et_rng_fill_normal(et_rng_derive(et_rng_derive(step->seed, s->seed), 1), ET_STREAM_NOISE,
                           step->index, 0, noise, s->n_knobs);
    }
    for (size_t part = 0; part < (s->pair ? 2 : 1); part++) {
        struct et__mesh *mesh = &s->mesh[part];
        for (size_t i = 0; i < mesh->n_phases; i++)
            s->heat[i] = drive(s, knob[i]);
        warm(s, mesh, s->heat, mesh->phases);
        for (size_t i = 0; noise && i < mesh->n_phases; i++)
            mesh->phases[i] += s->phase_noise * (double)noise[knob - s->knobs + (ptrdiff_t)i];
        et__mesh_realise(mesh);
        knob += mesh->n_phases + s->n_levels;
    }
    knob = s->knobs + s->mesh[0].n_phases;
    for (size_t i = 0; i < s->n_levels; i++) {
        s->kappa[i] = round_phase(s, (double)knob[i]);
        if (noise) s->kappa[i] += s->phase_noise * (double)noise[s->mesh[0].n_phases + i];
        s->levels[i] = (float)cos(0.5 * s->kappa[i]);
    }
    if (s->matrix) tabulate(s);
}

void et__mesh_heat_back(struct et__mesh_system *s, float *dknobs)
{
    const double *dphases = s->heat;
    for (size_t i = 0; i < s->n_knobs; i++)
        dknobs[i] = (float)dphases[i];
    for (size_t part = 0; part < (s->pair ? 2 : 1); part++) {
        struct et__mesh *mesh = &s->mesh[part];
        size_t first = part == 0 ? 0 : s->mesh[0].n_phases + s->n_levels;
        /* The phases themselves are not needed any more in this pass. */
        warm(s, mesh, dphases + first, mesh->phases);
        for (size_t i = 0; i < mesh->n_phases; i++)
            dknobs[first + i] = (float)mesh->phases[i];
    }
}

double et__mesh_heat_load(const struct et__mesh_system *s)
{
    double sum = 0;
    const float *knob = s->knobs;
    for (size_t part = 0; part < (s->pair ? 2 : 1); part++) {
        for (size_t i = 0; i < s->mesh[part].n_phases; i++)
            sum += drive(s, *knob++);
        /* t has a period of two turns and no sign of kappa. */
        for (size_t i = 0; part == 0 && i < s->n_levels; i++)
            sum += fmod(fabs(round_phase(s, (double)*knob++)), 4 * pi);
    }
    return sum / pi;
}
