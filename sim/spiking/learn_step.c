/* SPDX-License-Identifier: Apache-2.0
 *
 * One time step of a learning pass, forwards with its record and backwards. */
#include "spiking/learn.h"

#include <etalon/parallel.h>

#include <string.h>

/* What the loops over tiles of samples work on. */
struct work {
    struct et__spk_lesson *lesson;
    const struct et__spk_network *net;
    const struct et__spk_learning *learning;
    const struct et__spk_pass *pass;
    size_t t, rows, population;
};

static size_t tiles(size_t rows)
{
    return (rows + ET__SPK_TILE - 1) / ET__SPK_TILE;
}

static size_t tile_rows(const struct work *w, size_t tile)
{
    size_t left = w->rows - tile * ET__SPK_TILE;
    return left < ET__SPK_TILE ? left : ET__SPK_TILE;
}

/* Row r of step t in an array [depth][rows][n]. */
static size_t at(const struct work *w, size_t r, size_t n)
{
    return (w->t % w->lesson->depth * w->lesson->rows + r) * n;
}

/* -------------------------------------------------------------------------------- forwards -- */

static void record_before(const struct work *w, size_t i, size_t first, size_t count)
{
    const struct et__spk_cells *cells = &w->lesson->room.cells[i];
    struct et__spk_memory *m = &w->lesson->memory[i];
    size_t n = w->net->population[i].n, to = at(w, first, n), from = first * n;
    if (m->adapt != NULL) memcpy(m->adapt + to, cells->adapt + from, count * n * sizeof *m->adapt);
    if (m->before != NULL) memcpy(m->before + to, cells->v + from, count * n * sizeof *m->before);
    for (size_t j = 0; m->held != NULL && j < count * n; j++)
        m->held[to + j] = cells->rest[from + j] > 0;
}

static void pack(const float *s, uint32_t *bits, size_t n)
{
    for (size_t first = 0; first < n; first += 32) {
        uint32_t word = 0;
        for (size_t j = first; j < first + 32 && j < n; j++)
            word |= (uint32_t)(s[j] > 0) << (j - first);
        bits[first / 32] = word;
    }
}

static void unpack(const uint32_t *bits, float *s, size_t n)
{
    for (size_t j = 0; j < n; j++)
        s[j] = (float)(bits[j / 32] >> (j % 32) & 1);
}

/* Spikes of row r of step t as the history has them. */
static void recall(const struct work *w, size_t i, size_t r, float *s)
{
    const struct et__spk_memory *m = &w->lesson->memory[i];
    const struct et__spk_population *p = &w->net->population[i];
    if (m->bits != NULL) {
        unpack(m->bits + at(w, r, m->words), s, p->n);
        return;
    }
    const float *u = m->u + at(w, r, p->n), *theta = p->coefficient[ET__SPK_THETA];
    for (size_t j = 0; j < p->n; j++)
        s[j] = u[j] > theta[j] ? 1.0F : 0.0F;
}

static void record_after(const struct work *w, size_t i, size_t first, size_t count)
{
    const struct et__spk_cells *cells = &w->lesson->room.cells[i];
    struct et__spk_memory *m = &w->lesson->memory[i];
    size_t n = w->net->population[i].n, to = at(w, first, n);
    if (m->u != NULL) memcpy(m->u + to, cells->u + first * n, count * n * sizeof *m->u);
    if (m->values != NULL)
        memcpy(m->values + to, et__spk_s(w->net, &w->lesson->room, i, w->t, first),
               count * n * sizeof *m->values);
    for (size_t r = first; m->bits != NULL && r < first + count; r++)
        pack(et__spk_s(w->net, &w->lesson->room, i, w->t, r), m->bits + at(w, r, m->words), n);
}

static struct et__spk_moment moment_of(const struct work *w, size_t i, size_t r, size_t worker)
{
    const struct et__spk_memory *m = &w->lesson->memory[i];
    size_t n = w->net->population[i].n, kept = at(w, r, n), now = r * n;
    const float *u = m->u != NULL ? m->u + kept : w->lesson->room.cells[i].u;
    if (u != NULL && m->u == NULL) u += now;
    return (struct et__spk_moment){
        .u = u,
        .before = m->before != NULL ? m->before + kept : NULL,
        .adapt = m->adapt != NULL ? m->adapt + kept : NULL,
        .held = m->held != NULL ? m->held + kept : NULL,
        .dv = m->dv != NULL ? m->dv + now : NULL,
        .dsyn = m->dsyn != NULL ? m->dsyn + now : NULL,
        .dadapt = m->dadapt != NULL ? m->dadapt + now : NULL,
        .dx = m->dx != NULL ? m->dx + now : NULL,
        .psi = w->lesson->psi + 2 * worker * w->lesson->widest,
    };
}

/* Replaces spikes by the smooth step. */
static void soften(const struct work *w, size_t i, size_t first, size_t count, size_t worker)
{
    const struct et__spk_cells *cells = &w->lesson->room.cells[i];
    const struct et__spk_population *p = &w->net->population[i];
    for (size_t r = first; r < first + count; r++) {
        struct et__spk_moment m = moment_of(w, i, r, worker);
        m.u = cells->u != NULL ? cells->u + r * p->n : NULL;
        et__spk_soften(p, w->learning, &m, cells->v != NULL ? cells->v + r * p->n : NULL,
                       cells->adapt != NULL ? cells->adapt + r * p->n : NULL,
                       et__spk_s(w->net, &w->lesson->room, i, w->t, r));
    }
}

static void forward_tile(void *user, size_t tile, size_t worker)
{
    const struct work *w = user;
    const struct et__spk_room *room = &w->lesson->room;
    size_t first = tile * ET__SPK_TILE, count = tile_rows(w, tile);
    if (w->t == 0) et__spk_start(w->net, room, first, count);
    et__spk_encode(w->net, room, w->pass, w->t, first, count);
    for (size_t i = 1; i < w->net->n_populations; i++) {
        et__spk_collect(w->net, room, i, w->t, first, count, worker);
        record_before(w, i, first, count);
        et__spk_fire(w->net, room, i, w->t, first, count);
        if (w->net->smooth) soften(w, i, first, count, worker);
        record_after(w, i, first, count);
    }
}

void et__spk_step_forward(struct et__spk_lesson *lesson, const struct et__spk_network *net,
                          const struct et__spk_learning *learning, const struct et__spk_pass *pass,
                          size_t t, size_t rows)
{
    struct work w = {lesson, net, learning, pass, t, rows, 0};
    size_t n_out = net->population[net->output].n;
    et_parallel_for(tiles(rows), forward_tile, &w);
    if (lesson->early != NULL)
        memcpy(lesson->early + at(&w, 0, n_out), lesson->room.unfired,
               rows * n_out * sizeof *lesson->early);
    et__spk_read(net, &lesson->room, t, 0, rows, et_view_of(lesson->y.data, rows, n_out));
}

/* -------------------------------------------------------------------------- earlier spikes -- */

static void recall_tile(void *user, size_t tile, size_t worker)
{
    (void)worker;
    const struct work *w = user;
    size_t first = tile * ET__SPK_TILE, count = tile_rows(w, tile);
    size_t n = w->net->population[w->population].n;
    if (w->population == 0) {
        et__spk_encode(w->net, &w->lesson->room, w->pass, w->t, first, count);
        return;
    }
    for (size_t r = first; r < first + count; r++)
        recall(w, w->population, r, w->lesson->past + r * n);
}

const float *et__spk_past(struct et__spk_lesson *lesson, const struct et__spk_network *net,
                          const struct et__spk_learning *learning, const struct et__spk_pass *pass,
                          size_t population, size_t t, size_t rows)
{
    struct work w = {lesson, net, learning, pass, t, rows, population};
    const struct et__spk_memory *m = &lesson->memory[population];
    if (m->values != NULL) return m->values + at(&w, 0, net->population[population].n);
    if (lesson->depth == 1) return et__spk_s(net, &lesson->room, population, t, 0);
    et_parallel_for(tiles(rows), recall_tile, &w);
    return population == 0 ? et__spk_s(net, &lesson->room, 0, t, 0) : lesson->past;
}

/* ------------------------------------------------------------------------------- backwards -- */

/* dL/dy of the step enters the population that is read. */
static void enter(const struct work *w)
{
    const struct et__spk_network *net = w->net;
    struct et__spk_memory *m = &w->lesson->memory[net->output];
    size_t n = net->population[net->output].n, slot = w->t % m->lags * w->lesson->rows * n;
    const float *dy = w->lesson->dy.data + at(w, 0, n);
    for (size_t j = 0; j < w->rows * n; j++) {
        float g = dy[j];
        if (net->readout == ET__SPK_FIRST)
            g *= (float)(net->steps - w->t) * w->lesson->early[at(w, 0, n) + j];
        if (net->readout == ET__SPK_LAST) g = w->t + 1 == net->steps ? (float)net->steps * g : 0;
        bool potential = net->readout == ET__SPK_MEMBRANE || net->readout == ET__SPK_LAST;
        if (potential && m->dv != NULL)
            m->dv[j] += g;
        else
            m->ds[slot + j] += g;
    }
}

static void back_tile(void *user, size_t tile, size_t worker)
{
    const struct work *w = user;
    const struct et__spk_population *p = &w->net->population[w->population];
    struct et__spk_memory *m = &w->lesson->memory[w->population];
    size_t first = tile * ET__SPK_TILE, count = tile_rows(w, tile), n = p->n;
    size_t slot = w->t % m->lags * w->lesson->rows * n;
    for (size_t r = first; r < first + count; r++) {
        struct et__spk_moment moment = moment_of(w, w->population, r, worker);
        float *s = w->lesson->psi + (2 * worker + 1) * w->lesson->widest;
        moment.ds = m->ds + slot + r * n;
        moment.s = s;
        if (m->values != NULL)
            moment.s = m->values + at(w, r, n);
        else if (m->bits != NULL || m->evident)
            recall(w, w->population, r, s);
        else
            moment.s = et__spk_s(w->net, &w->lesson->room, w->population, w->t, r);
        et__spk_update_back(p, w->net->dt, w->learning, &moment);
        for (size_t j = 0; m->dbase != NULL && j < n; j++)
            m->dbase[r * n + j] += (float)m->base_trace * moment.dx[j];
        if (w->lesson->depth > 1) continue;
        if (m->dv != NULL) memset(m->dv + r * n, 0, n * sizeof *m->dv);
    }
    memset(m->ds + slot + first * n, 0, count * n * sizeof *m->ds);
}

/* Whether the rule lets gradients pass from a projection to its source. */
static bool passes(const struct work *w, const struct et__spk_projection *p, bool inputs)
{
    enum et__spk_rule rule = w->learning->rule;
    if (p->source == 0 && (!inputs || et__spk_sums_input(w->net, w->learning))) return false;
    if (rule == ET__SPK_BPTT) return p->lag <= w->t;
    if (rule != ET__SPK_EPROP) return p->lag == 0;
    bool direct = p->target == w->net->output && p->source != w->net->output;
    return p->lag <= w->t && (p->source == 0 || (direct && !w->learning->random_feedback));
}

/* e-prop with made-up feedback: what the output's current gradient means for everyone. */
static void broadcast(const struct work *w)
{
    const struct et__spk_network *net = w->net;
    size_t n_out = net->population[net->output].n, rows = w->rows;
    struct et_view g = et_view_of(w->lesson->memory[net->output].dx, rows, n_out);
    for (size_t i = 1; i < net->n_populations; i++) {
        struct et__spk_memory *m = &w->lesson->memory[i];
        size_t n = net->population[i].n;
        if (w->lesson->feedback[i] == NULL) continue;
        et_gemm(ET_PLAIN, ET_TRANSPOSED, 1, g, et_view_of(w->lesson->feedback[i], n, n_out), 1,
                et_view_of(m->ds + w->t % m->lags * w->lesson->rows * n, rows, n));
    }
}

static void learn_weights(const struct work *w, size_t k, float *dknobs)
{
    const struct et__spk_projection *p = &w->net->projection[k];
    const float *s;
    if (!p->tunable || p->weight == NULL) return;
    if (p->source == 0 && w->net->population[0].constant) return;
    if (w->lesson->trace[k] != NULL) {
        s = w->lesson->trace[k];
    } else {
        if (p->lag > w->t) return;
        s = et__spk_past(w->lesson, w->net, w->learning, w->pass, p->source, w->t - p->lag,
                         w->rows);
    }
    bool spikes = w->lesson->trace[k] == NULL && et__spk_sends_spikes(w->net, p->source);
    et__spk_weight_gradient(w->lesson, w->net, p, w->rows, s, spikes,
                            w->lesson->memory[p->target].dx, dknobs + p->first_knob);
}

static void pass_to_source(const struct work *w, const struct et__spk_projection *p)
{
    struct et__spk_memory *m = &w->lesson->memory[p->source];
    size_t n = w->net->population[p->source].n;
    et__spk_source_gradient(w->net, p, w->rows, w->lesson->memory[p->target].dx,
                            m->ds + (w->t - p->lag) % m->lags * w->lesson->rows * n);
}

/* What has gathered at the input in this step becomes dL/dx. */
static void leave(const struct work *w, struct et_view dx)
{
    const struct et__spk_network *net = w->net;
    struct et__spk_memory *m = &w->lesson->memory[0];
    size_t n = net->population[0].n;
    float *ds = m->ds + w->t % m->lags * w->lesson->rows * n;
    const float chance = (float)(net->encoder.rate * net->dt);
    for (size_t r = 0; r < w->rows; r++) {
        float *to = dx.data + r * dx.stride;
        for (size_t j = 0; j < n; j++) {
            if (net->encoder.kind == ET__SPK_FRAMES) to[w->t * n + j] = ds[r * n + j];
            if (net->encoder.kind == ET__SPK_POISSON) to[j] += chance * ds[r * n + j];
            if (net->encoder.kind == ET__SPK_CURRENT) to[j] += ds[r * n + j];
        }
    }
    memset(ds, 0, w->rows * n * sizeof *ds);
}

void et__spk_step_back(struct et__spk_lesson *lesson, const struct et__spk_network *net,
                       const struct et__spk_learning *learning, const struct et__spk_pass *pass,
                       size_t t, struct et_view dx, float *dknobs)
{
    struct work w = {lesson, net, learning, pass, t, pass->x.rows, 0};
    enter(&w);
    for (size_t i = net->n_populations - 1; i > 0; i--) {
        w.population = i;
        et_parallel_for(tiles(w.rows), back_tile, &w);
        if (learning->rule == ET__SPK_EPROP && learning->random_feedback && i == net->output)
            broadcast(&w);
        for (size_t k = 0; k < net->n_projections; k++) {
            const struct et__spk_projection *p = &net->projection[k];
            if (p->target != i) continue;
            if (dknobs != NULL) learn_weights(&w, k, dknobs);
            if (passes(&w, p, dx.data != NULL)) pass_to_source(&w, p);
        }
    }
    if (dx.data != NULL && !et__spk_sums_input(net, learning)) leave(&w, dx);
}
