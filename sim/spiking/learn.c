/* SPDX-License-Identifier: Apache-2.0
 *
 * Passes of learning: which steps run forwards, are judged, and go back. */
#include "spiking/learn.h"

#include <etalon/parallel.h>
#include <etalon/rng.h>

#include <string.h>

/* A pass on its way. */
struct course {
    struct et__spk_lesson *lesson;
    struct et__spk_network *net;
    const struct et__spk_learning *learning;
    struct et__spk_pass pass;
    const struct et_teacher *teacher;
    struct et_view dx;
    float *dknobs;
};

static void clear(float *array, size_t n)
{
    if (array != NULL) memset(array, 0, n * sizeof *array);
}

static void begin(const struct course *c)
{
    struct et__spk_lesson *l = c->lesson;
    for (size_t i = 0; i < c->net->n_populations; i++) {
        struct et__spk_memory *m = &l->memory[i];
        size_t all = l->rows * c->net->population[i].n;
        clear(m->ds, m->lags * all);
        clear(m->dv, all);
        clear(m->dsyn, all);
        clear(m->dadapt, all);
        clear(m->dbase, all);
        m->base_trace = c->learning->rule == ET__SPK_OTTT ? 0 : 1;
    }
    for (size_t k = 0; k < c->net->n_projections; k++)
        clear(l->trace[k], l->rows * c->net->population[c->net->projection[k].source].n);
    for (size_t r = 0; c->dx.data != NULL && r < c->dx.rows; r++)
        clear(c->dx.data + r * c->dx.stride, c->dx.cols);
}

/* dL/dy of step t into its place. */
static enum et_status judge(const struct course *c, size_t t)
{
    struct et__spk_lesson *l = c->lesson;
    size_t rows = c->pass.x.rows, n = c->net->population[c->net->output].n;
    struct et_view dy = et_view_of(l->dy.data + t % l->depth * l->rows * n, rows, n);
    return c->teacher->judge(c->teacher->user, t, c->net->steps, et_view_of(l->y.data, rows, n),
                             dy);
}

static void go_back(const struct course *c, size_t t)
{
    et__spk_step_back(c->lesson, c->net, c->learning, &c->pass, t, c->dx, c->dknobs);
}

/* ------------------------------------------------------------------- steps on their own -- */

/* sltt-k: K of the T steps, each set with the same probability: step t is taken with the chance
 * (left to take) / (left to come). */
static bool chosen(const struct course *c, size_t t, size_t *taken)
{
    const struct et__spk_learning *learning = c->learning;
    const struct et_step *step = c->pass.step;
    if (learning->rule != ET__SPK_SLTT_K) return true;
    size_t left = c->net->steps - t;
    uint64_t seed = et_rng_derive(step->seed, c->net->seed);
    bool now = et_rng_below(seed, ET_STREAM_DROPOUT, step->index, t, (uint32_t)left) <
               learning->k - *taken;
    *taken += now;
    return now;
}

/* Each step stands for T / K of them. */
static void scale(const struct course *c, float factor)
{
    size_t n = c->pass.x.rows * c->net->population[c->net->output].n;
    for (size_t j = 0; j < n; j++)
        c->lesson->dy.data[j] *= factor;
}

/* ottt: what a current of each source has left in the membranes behind it. */
static void follow_traces(const struct course *c, size_t t)
{
    struct et__spk_lesson *l = c->lesson;
    size_t rows = c->pass.x.rows;
    for (size_t i = 1; i < c->net->n_populations; i++) {
        const float *m = c->net->population[i].coefficient[ET__SPK_M];
        l->memory[i].base_trace = l->memory[i].base_trace * (m != NULL ? (double)m[0] : 0) + 1;
    }
    for (size_t k = 0; k < c->net->n_projections; k++) {
        const struct et__spk_projection *p = &c->net->projection[k];
        const float *m = c->net->population[p->target].coefficient[ET__SPK_M];
        size_t n = rows * c->net->population[p->source].n;
        float *trace = l->trace[k], keep = m != NULL ? m[0] : 0;
        if (trace == NULL) continue;
        const float *s = t < p->lag ? NULL : et__spk_s(c->net, &l->room, p->source, t - p->lag, 0);
        for (size_t j = 0; j < n; j++)
            trace[j] = keep * trace[j] + (s != NULL ? s[j] : 0);
    }
}

static enum et_status run_online(const struct course *c)
{
    size_t taken = 0;
    for (size_t t = 0; t < c->net->steps; t++) {
        et__spk_step_forward(c->lesson, c->net, c->learning, &c->pass, t, c->pass.x.rows);
        ET_TRY(judge(c, t));
        if (c->learning->rule == ET__SPK_OTTT) follow_traces(c, t);
        if (!chosen(c, t, &taken)) continue;
        if (c->learning->rule == ET__SPK_SLTT_K)
            scale(c, (float)c->net->steps / (float)c->learning->k);
        go_back(c, t);
    }
    return ET_OK;
}

/* -------------------------------------------------------------------------------- all steps -- */

static enum et_status run_through(const struct course *c)
{
    for (size_t t = 0; t < c->net->steps; t++) {
        et__spk_step_forward(c->lesson, c->net, c->learning, &c->pass, t, c->pass.x.rows);
        ET_TRY(judge(c, t));
    }
    for (size_t t = c->net->steps; t-- > 0;)
        go_back(c, t);
    return ET_OK;
}

/* Biases, and what arrives from an input that does not change. */
static void finish(const struct course *c)
{
    struct et__spk_network *net = c->net;
    size_t rows = c->pass.x.rows;
    for (size_t k = 0; k < net->n_projections; k++) {
        const struct et__spk_projection *p = &net->projection[k];
        const float *dbase = c->lesson->memory[p->target].dbase;
        bool constant = p->source == 0 && net->population[0].constant;
        if (dbase == NULL) continue;
        if (c->dknobs != NULL && p->tunable && p->bias != NULL)
            et__spk_bias_gradient(net, p, rows, dbase,
                                  c->dknobs + p->first_knob + et__spk_weights(net, p));
        if (!constant) continue;
        if (c->dknobs != NULL && p->tunable && p->weight != NULL)
            et__spk_weight_gradient(c->lesson, net, p, rows,
                                    et__spk_s(net, &c->lesson->room, 0, 0, 0), false, dbase,
                                    c->dknobs + p->first_knob);
        if (c->dx.data != NULL && et__spk_sums_input(net, c->learning))
            et__spk_source_gradient(net, p, rows, dbase, c->dx.data);
    }
}

/* ----------------------------------------------------------------------------------- passes -- */

/* What no rule can learn through. */
static enum et_status check(const struct et__spk_network *net)
{
    for (size_t k = 0; k < net->n_projections; k++)
        if (net->projection[k].delays != NULL)
            return et_error_set(ET_UNSUPPORTED,
                                "projection '%s' has a delay for each neuron, through which no "
                                "rule learns",
                                net->projection[k].name);
    return ET_OK;
}

enum et_status et__spk_teach(struct et__spk_lesson *lesson, struct et__spk_network *net,
                             const struct et__spk_learning *learning, const struct et_step *step,
                             struct et_view x, const struct et_teacher *teacher, struct et_view dx,
                             float *dknobs)
{
    struct course c = {lesson, net, learning, {step, x, 0}, teacher, dx, dknobs};
    ET_TRY(check(net));
    ET_TRY(et__spk_lesson_prepare(lesson, net, learning, x.rows));
    begin(&c);
    if (learning->rule == ET__SPK_STDP) {
        ET_TRY(et__spk_stdp(lesson, net, learning, step, x, teacher, dknobs));
    } else {
        ET_TRY(lesson->depth > 1 ? run_through(&c) : run_online(&c));
        finish(&c);
    }
    return et__spk_overflow_error(net, et__spk_overflow(net, &lesson->room, 0, x.rows));
}

static enum et_status repeat(void *user, size_t t, size_t n_steps, struct et_view y,
                             struct et_view dy)
{
    const struct et_view *given = user;
    (void)t;
    (void)y;
    for (size_t r = 0; r < dy.rows; r++)
        for (size_t j = 0; j < dy.cols; j++)
            dy.data[r * dy.stride + j] = given->data[r * given->stride + j] / (float)n_steps;
    return ET_OK;
}

enum et_status et__spk_vjp(struct et__spk_lesson *lesson, struct et__spk_network *net,
                           const struct et__spk_learning *learning, const struct et_step *step,
                           struct et_view x, struct et_view dy, struct et_view dx, float *dknobs)
{
    struct et_teacher teacher = {repeat, &dy};
    return et__spk_teach(lesson, net, learning, step, x, &teacher, dx, dknobs);
}
