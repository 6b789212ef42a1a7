/* SPDX-License-Identifier: Apache-2.0
 *
 * Light through the mesh, and derivatives back, 16 samples at a time.
 *
 * Phases that stay from step to step make a matrix, which is computed when they are set: a product
 * costs 4 n^2 multiplications per sample (2 n^2 for real inputs) where the cells cost 6 n^2.  With
 * phase noise the matrix would be new in every pass, and making it costs as much as n samples: the
 * light then goes through the cells.  The choice never looks at the batch, so the bits of a sample
 * do not depend on how a batch is cut. */
#include "mesh/system.h"

#include <etalon/parallel.h>
#include <etalon/rng.h>

#include <math.h>
#include <string.h>

enum { LANES = ET__MESH_LANES, TILE = ET__MESH_TILE };

struct job {
    struct et__mesh_system *s;
    const struct et_step *step;
    struct et_view x, y; /* y: dy of a vjp */
    struct et_view dx;
    bool knobs;
};

/* Rows of a tile. */
static size_t rows_of(const struct job *job, size_t tile)
{
    size_t left = job->x.rows - tile * LANES;
    return left < LANES ? left : LANES;
}

/* Amplitude and phase of mode k. */
static void polar(const struct et__mesh_system *s, const float *row, size_t k, float *amplitude,
                  float *phase)
{
    bool both = s->input == ET__MESH_POLAR;
    *amplitude = both ? row[2 * k] : 1.0F / sqrtf((float)s->n);
    *phase = s->turn * (both ? row[2 * k + 1] : row[k]);
}

/* Lanes without a sample stay dark. */
static void load(const struct job *job, size_t tile, float *u)
{
    const struct et__mesh_system *s = job->s;
    size_t rows = rows_of(job, tile);
    bool real = s->input == ET__MESH_AMPLITUDE || s->input == ET__MESH_SIGNED;
    const float *first = job->x.data + tile * LANES * job->x.stride;
    memset(u, 0, s->n * TILE * sizeof *u);
    if (real) {
        for (size_t k = 0; k < s->n; k++)
            for (size_t lane = 0; lane < rows; lane++)
                u[k * TILE + lane] = first[lane * job->x.stride + k];
        return;
    }
    for (size_t lane = 0; lane < rows; lane++) {
        const float *row = first + lane * job->x.stride;
        for (size_t k = 0; k < s->n; k++) {
            float amplitude, phase;
            polar(s, row, k, &amplitude, &phase);
            u[k * TILE + lane] = amplitude * cosf(phase);
            u[k * TILE + LANES + lane] = amplitude * sinf(phase);
        }
    }
}

/* to [m] = t from [n] */
static void attenuate(const struct et__mesh_system *s, const float *from, float *to)
{
    for (size_t k = 0; k < s->n_levels; k++)
        for (size_t i = 0; i < TILE; i++)
            to[k * TILE + i] = s->levels[k] * from[k * TILE + i];
    if (s->m > s->n_levels)
        memset(to + s->n_levels * TILE, 0, (s->m - s->n_levels) * TILE * sizeof *to);
}

float *et__mesh_pass(const struct et__mesh_system *s, struct et__mesh_worker *w)
{
    et__mesh_sweep(&s->mesh[0].plan, w->u);
    if (!s->pair) return w->u;
    attenuate(s, w->u, w->w);
    et__mesh_sweep(&s->mesh[1].plan, w->w);
    return w->w;
}

/* What the detectors tell, in place of the real parts (quadratures: both parts scaled). */
static void detect(const struct et__mesh_system *s, float *z)
{
    const float scale = (float)s->scale, power = scale * scale;
    for (size_t o = 0; o < s->m; o++, z += TILE) {
        float *re = z, *im = z + LANES;
        switch (s->output) {
        case ET__MESH_INTENSITY:
            for (size_t i = 0; i < LANES; i++)
                re[i] = power * (re[i] * re[i] + im[i] * im[i]);
            break;
        case ET__MESH_MAGNITUDE:
            for (size_t i = 0; i < LANES; i++)
                re[i] = scale * sqrtf(re[i] * re[i] + im[i] * im[i]);
            break;
        case ET__MESH_REAL:
        case ET__MESH_QUADRATURES:
            for (size_t i = 0; i < TILE; i++)
                z[i] *= scale;
            break;
        }
    }
}

/* Row `lane` of what detect left. */
static void read_out(const struct et__mesh_system *s, const float *z, size_t lane, float *y)
{
    if (s->output == ET__MESH_QUADRATURES)
        for (size_t i = 0; i < 2 * s->m; i++)
            y[i] = z[i * LANES + lane];
    else
        for (size_t o = 0; o < s->m; o++)
            y[o] = z[o * TILE + lane];
}

static void forward_tile(void *user, size_t tile, size_t worker)
{
    const struct job *job = user;
    struct et__mesh_system *s = job->s;
    struct et__mesh_worker *w = &s->workers[worker];
    bool real = s->input == ET__MESH_AMPLITUDE || s->input == ET__MESH_SIGNED;
    float *z = w->w;
    load(job, tile, w->u);
    if (s->matrix)
        et__mesh_product(s->matrix, s->m, s->n, real, w->u, w->w);
    else
        z = et__mesh_pass(s, w);
    detect(s, z);
    for (size_t lane = 0; lane < rows_of(job, tile); lane++) {
        size_t row = tile * LANES + lane;
        float *y = job->y.data + row * job->y.stride;
        read_out(s, z, lane, y);
        if (!(s->detector_noise > 0)) continue;
        et_rng_fill_normal(et_rng_derive(job->step->seed, s->seed), ET_STREAM_NOISE,
                           job->step->index, et_step_sample(job->step, row) * s->n_out, w->noise,
                           s->n_out);
        for (size_t o = 0; o < s->n_out; o++)
            y[o] += s->detector_noise * w->noise[o];
    }
}

/* Phases of this pass. */
static void begin(struct et__mesh_system *s, const struct et_step *step)
{
    if (s->phase_noise > 0) et__mesh_heat(s, step);
}

void et__mesh_forward(struct et__mesh_system *s, const struct et_step *step, struct et_view x,
                      struct et_view y)
{
    struct job job = {.s = s, .step = step, .x = x, .y = y};
    begin(s, step);
    et_parallel_for((x.rows + LANES - 1) / LANES, forward_tile, &job);
}

/* ------------------------------------------------------------------------------ derivatives -- */

/* g = dL/dRe z + i dL/dIm z from dL/dy; z behind the mesh. */
static void detect_back(const struct job *job, size_t tile, const float *z, float *g)
{
    const struct et__mesh_system *s = job->s;
    float scale = (float)s->scale;
    memset(g, 0, s->m * TILE * sizeof *g);
    for (size_t lane = 0; lane < rows_of(job, tile); lane++) {
        const float *dy = job->y.data + (tile * LANES + lane) * job->y.stride;
        for (size_t o = 0; o < s->m; o++) {
            float *to = g + o * TILE + lane, re = z[o * TILE + lane];
            float im = z[o * TILE + LANES + lane], factor, size;
            switch (s->output) {
            case ET__MESH_INTENSITY:
                factor = 2 * scale * scale * dy[o];
                to[0] = factor * re;
                to[LANES] = factor * im;
                break;
            case ET__MESH_MAGNITUDE:
                size = sqrtf(re * re + im * im);
                factor = size > 0 ? scale * dy[o] / size : 0;
                to[0] = factor * re;
                to[LANES] = factor * im;
                break;
            case ET__MESH_REAL:
                to[0] = scale * dy[o];
                break;
            case ET__MESH_QUADRATURES:
                to[0] = scale * dy[2 * o];
                to[LANES] = scale * dy[2 * o + 1];
                break;
            }
        }
    }
}

/* dx from g in front of the mesh. */
static void load_back(const struct job *job, size_t tile, const float *g)
{
    const struct et__mesh_system *s = job->s;
    for (size_t lane = 0; lane < rows_of(job, tile); lane++) {
        size_t r = tile * LANES + lane;
        const float *row = job->x.data + r * job->x.stride;
        float *dx = job->dx.data + r * job->dx.stride;
        for (size_t k = 0; k < s->n; k++) {
            float re = g[k * TILE + lane], im = g[k * TILE + LANES + lane], amplitude, phase;
            if (s->input == ET__MESH_AMPLITUDE || s->input == ET__MESH_SIGNED) {
                dx[k] = re;
                continue;
            }
            polar(s, row, k, &amplitude, &phase);
            float cosine = cosf(phase), sine = sinf(phase);
            float across = s->turn * amplitude * (im * cosine - re * sine);
            if (s->input == ET__MESH_PHASE) {
                dx[k] = across;
            } else {
                dx[2 * k] = re * cosine + im * sine;
                dx[2 * k + 1] = across;
            }
        }
    }
}

/* g [n] in front of the attenuators from g [m] behind; adds dL/dt to levels when wanted, v being
 * the field in front. */
static void attenuate_back(const struct et__mesh_system *s, const float *v, float *g,
                           double *levels)
{
    for (size_t k = 0; k < s->n_levels; k++) {
        float *at = g + k * TILE;
        float sum = 0;
        for (size_t i = 0; i < TILE; i++) {
            sum += at[i] * v[k * TILE + i];
            at[i] *= s->levels[k];
        }
        if (levels) levels[k] += (double)sum;
    }
    if (s->n > s->n_levels)
        memset(g + s->n_levels * TILE, 0, (s->n - s->n_levels) * TILE * sizeof *g);
}

static void back_tile(const struct job *job, size_t tile, struct et__mesh_worker *w,
                      struct et__mesh_group *group)
{
    struct et__mesh_system *s = job->s;
    float *z = w->u;
    load(job, tile, w->u);
    et__mesh_sweep(&s->mesh[0].plan, w->u);
    if (s->pair) {
        memcpy(w->v, w->u, s->n * TILE * sizeof *w->v);
        attenuate(s, w->u, w->w);
        et__mesh_sweep(&s->mesh[1].plan, w->w);
        z = w->w;
    }
    detect_back(job, tile, z, w->g);
    if (s->pair) {
        et__mesh_back(&s->mesh[1].plan, w->w, w->g, job->knobs ? group->sums[1] : NULL,
                      group->out[1]);
        attenuate_back(s, w->v, w->g, job->knobs ? group->levels : NULL);
    }
    et__mesh_back(&s->mesh[0].plan, w->u, w->g, job->knobs ? group->sums[0] : NULL, group->out[0]);
    load_back(job, tile, w->g);
}

static void back_group(void *user, size_t index, size_t worker)
{
    const struct job *job = user;
    struct et__mesh_system *s = job->s;
    struct et__mesh_group *group = &s->groups[index];
    size_t tiles = (job->x.rows + LANES - 1) / LANES;
    for (size_t part = 0; job->knobs && part < (s->pair ? 2 : 1); part++) {
        const struct et__mesh_layout *l = &s->mesh[part].layout;
        memset(group->sums[part], 0, l->n_cells * sizeof *group->sums[part]);
        memset(group->out[part], 0, l->n * sizeof *group->out[part]);
    }
    if (s->n_levels > 0) memset(group->levels, 0, s->n_levels * sizeof *group->levels);
    for (size_t t = index * tiles / ET__MESH_GROUPS; t < (index + 1) * tiles / ET__MESH_GROUPS; t++)
        back_tile(job, t, &s->workers[worker], group);
}

void et__mesh_vjp(struct et__mesh_system *s, const struct et_step *step, struct et_view x,
                  struct et_view dy, struct et_view dx, float *dknobs)
{
    struct job job = {.s = s, .step = step, .x = x, .y = dy, .dx = dx, .knobs = dknobs != NULL};
    begin(s, step);
    et_parallel_for(ET__MESH_GROUPS, back_group, &job);
    if (!dknobs) return;
    memset(s->heat, 0, s->n_knobs * sizeof *s->heat);
    double *levels = s->heat + s->mesh[0].n_phases;
    for (size_t i = 0; i < ET__MESH_GROUPS; i++) {
        const struct et__mesh_group *group = &s->groups[i];
        et__mesh_derivatives(&s->mesh[0], group->sums[0], group->out[0], s->heat);
        if (!s->pair) continue;
        et__mesh_derivatives(&s->mesh[1], group->sums[1], group->out[1], levels + s->n_levels);
        for (size_t k = 0; k < s->n_levels; k++)
            levels[k] -= 0.5 * sin(0.5 * s->kappa[k]) * group->levels[k];
    }
    et__mesh_heat_back(s, dknobs);
}
