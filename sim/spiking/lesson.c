/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory of a learning pass.  Rules without links between steps keep one step; the others keep for
 * each step the potentials as they are, and spikes as bits where the potentials do not tell. */
#include "spiking/learn.h"

#include <etalon/parallel.h>
#include <etalon/rng.h>

#include <math.h>
#include <string.h>

static bool keeps_all(const struct et__spk_learning *learning)
{
    return learning->rule == ET__SPK_BPTT || learning->rule == ET__SPK_EPROP ||
           learning->rule == ET__SPK_STDP;
}

/* count numbers of `size` bytes in *to, unless an earlier one failed. */
static void *take(struct et__spk_lesson *lesson, size_t count, size_t size, bool *whole)
{
    if (!*whole) return NULL;
    void *memory = et_alloc(count, size);
    if (memory == NULL) *whole = false;
    lesson->bytes += count * size;
    return memory;
}

static bool reads_potential(const struct et__spk_network *net, size_t i)
{
    return i == net->output && (net->readout == ET__SPK_MEMBRANE || net->readout == ET__SPK_LAST);
}

/* Whether something arrives at a population that does not change from step to step. */
static bool has_base(const struct et__spk_network *net, size_t i)
{
    for (size_t k = 0; k < net->n_projections; k++) {
        const struct et__spk_projection *p = &net->projection[k];
        if (p->target != i) continue;
        if (p->bias != NULL || (p->source == 0 && net->population[0].constant)) return true;
    }
    return false;
}

static size_t longest_lag(const struct et__spk_network *net, size_t i)
{
    size_t longest = 0;
    for (size_t k = 0; k < net->n_projections; k++)
        if (net->projection[k].source == i && net->projection[k].lag > longest)
            longest = net->projection[k].lag;
    return longest;
}

static void take_history(struct et__spk_lesson *l, const struct et__spk_network *net,
                         const struct et__spk_learning *learning, size_t i, bool *whole)
{
    const struct et__spk_population *p = &net->population[i];
    const struct et__spk_cells *cells = &l->room.cells[i];
    struct et__spk_memory *m = &l->memory[i];
    size_t all = l->depth * l->rows * p->n;
    bool fires = et__spk_fires(p->kind), spikes = fires && !net->smooth;
    m->words = (p->n + 31) / 32;
    if (l->depth > 1) {
        if (fires && learning->rule != ET__SPK_STDP) m->u = take(l, all, sizeof *m->u, whole);
        bool evident =
            learning->rule != ET__SPK_STDP && cells->rest == NULL && cells->adapt == NULL;
        if (spikes && evident)
            m->evident = true;
        else if (spikes)
            m->bits = take(l, l->depth * l->rows * m->words, sizeof *m->bits, whole);
        else if (i > 0)
            m->values = take(l, all, sizeof *m->values, whole);
    }
    if (learning->rule == ET__SPK_STDP) return;
    if (cells->rest != NULL) m->held = take(l, all, sizeof *m->held, whole);
    if (cells->adapt != NULL) m->adapt = take(l, all, sizeof *m->adapt, whole);
    if (p->kind == ET__SPK_ADEX || p->kind == ET__SPK_IZHIKEVICH)
        m->before = take(l, all, sizeof *m->before, whole);
}

static void take_gradients(struct et__spk_lesson *l, const struct et__spk_network *net, size_t i,
                           bool *whole)
{
    const struct et__spk_population *p = &net->population[i];
    const struct et__spk_cells *cells = &l->room.cells[i];
    struct et__spk_memory *m = &l->memory[i];
    size_t all = l->rows * p->n;
    m->lags = l->depth > 1 ? longest_lag(net, i) + 1 : 1;
    m->ds = take(l, m->lags * all, sizeof *m->ds, whole);
    if (i == 0) return;
    m->dx = take(l, all, sizeof *m->dx, whole);
    if (has_base(net, i)) m->dbase = take(l, all, sizeof *m->dbase, whole);
    if (cells->v != NULL && (l->depth > 1 || reads_potential(net, i)))
        m->dv = take(l, all, sizeof *m->dv, whole);
    if (cells->syn != NULL && l->depth > 1) m->dsyn = take(l, all, sizeof *m->dsyn, whole);
    if (cells->adapt != NULL && l->depth > 1) m->dadapt = take(l, all, sizeof *m->dadapt, whole);
}

/* A population that reaches the output only through others needs feedback that is made up. */
static void take_feedback(struct et__spk_lesson *l, const struct et__spk_network *net, size_t i,
                          bool *whole)
{
    size_t n = net->population[i].n, n_out = net->population[net->output].n;
    float *b = l->feedback[i] = take(l, n * n_out, sizeof *b, whole);
    if (b == NULL) return;
    et_rng_fill_normal(et_rng_derive(net->seed, i), ET_STREAM_MISMATCH, 1, 0, b, n * n_out);
    for (size_t j = 0; j < n * n_out; j++)
        b[j] /= sqrtf((float)n);
}

static void take_all(struct et__spk_lesson *l, const struct et__spk_network *net,
                     const struct et__spk_learning *learning, bool *whole)
{
    size_t n_out = net->population[net->output].n;
    l->memory = take(l, net->n_populations, sizeof *l->memory, whole);
    l->trace = take(l, net->n_projections, sizeof *l->trace, whole);
    l->feedback = take(l, net->n_populations, sizeof *l->feedback, whole);
    for (size_t i = 0; i < net->n_populations; i++) {
        if (l->widest < net->population[i].n) l->widest = net->population[i].n;
        if (!*whole) return;
        take_history(l, net, learning, i, whole);
        if (learning->rule != ET__SPK_STDP) take_gradients(l, net, i, whole);
        if (learning->rule == ET__SPK_EPROP && learning->random_feedback && i > 0 &&
            i != net->output && *whole)
            take_feedback(l, net, i, whole);
    }
    for (size_t k = 0; k < net->n_projections && *whole; k++)
        if (learning->rule == ET__SPK_OTTT && net->projection[k].tunable)
            l->trace[k] = take(l, l->rows * net->population[net->projection[k].source].n,
                               sizeof(float), whole);
    l->past = take(l, l->rows * l->widest, sizeof *l->past, whole);
    l->psi = take(l, 2 * l->n_workers * l->widest, sizeof *l->psi, whole);
    l->dy.data = take(l, l->depth * l->rows * n_out, sizeof(float), whole);
    l->y.data = take(l, l->rows * n_out, sizeof(float), whole);
    if (net->readout == ET__SPK_FIRST)
        l->early = take(l, l->depth * l->rows * n_out, sizeof *l->early, whole);
    l->start = take(l, l->widest + 1, sizeof *l->start, whole);
    l->active = take(l, l->widest + 1, sizeof *l->active, whole);
    l->sample = take(l, l->rows * l->widest + 1, sizeof *l->sample, whole);
    l->factor = take(l, l->rows * l->widest + 1, sizeof *l->factor, whole);
}

enum et_status et__spk_lesson_prepare(struct et__spk_lesson *lesson,
                                      const struct et__spk_network *net,
                                      const struct et__spk_learning *learning, size_t rows)
{
    if (lesson->memory != NULL && lesson->rows >= rows) return ET_OK;
    bool whole = true;
    et__spk_lesson_destroy(lesson);
    lesson->rows = rows;
    lesson->depth = keeps_all(learning) ? net->steps : 1;
    lesson->n_populations = net->n_populations;
    lesson->n_projections = net->n_projections;
    lesson->n_workers = et_parallel_threads();
    enum et_status status = et__spk_room_create(&lesson->room, net, rows, lesson->n_workers);
    if (status == ET_OK) take_all(lesson, net, learning, &whole);
    lesson->bytes += lesson->room.bytes;
    if (status == ET_OK && whole) return ET_OK;
    et__spk_lesson_destroy(lesson);
    return ET_NOMEM;
}

static void free_memory(struct et__spk_memory *m)
{
    et_free(m->u);
    et_free(m->bits);
    et_free(m->values);
    et_free(m->before);
    et_free(m->adapt);
    et_free(m->held);
    et_free(m->ds);
    et_free(m->dv);
    et_free(m->dsyn);
    et_free(m->dadapt);
    et_free(m->dx);
    et_free(m->dbase);
}

void et__spk_lesson_destroy(struct et__spk_lesson *lesson)
{
    for (size_t i = 0; lesson->memory != NULL && i < lesson->n_populations; i++)
        free_memory(&lesson->memory[i]);
    for (size_t i = 0; lesson->feedback != NULL && i < lesson->n_populations; i++)
        et_free(lesson->feedback[i]);
    for (size_t k = 0; lesson->trace != NULL && k < lesson->n_projections; k++)
        et_free(lesson->trace[k]);
    et_free(lesson->memory);
    et_free(lesson->trace);
    et_free(lesson->feedback);
    et_free(lesson->past);
    et_free(lesson->psi);
    et_free(lesson->early);
    et_free(lesson->y.data);
    et_free(lesson->dy.data);
    et_free(lesson->start);
    et_free(lesson->active);
    et_free(lesson->sample);
    et_free(lesson->factor);
    et__spk_room_destroy(&lesson->room);
    *lesson = (struct et__spk_lesson){0};
}
