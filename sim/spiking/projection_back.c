/* SPDX-License-Identifier: Apache-2.0
 *
 * Projections backwards: what gradients of currents mean for weights and for the sources.
 *
 * The gradient of a weight row is the sum of the rows of dL/d(current) of the samples in which its
 * source was active: the product of the way forward with other lists.  Parts of a gradient belong
 * to one task each, and samples are added in order: the bits do not depend on the threads. */
#include "kernels/spike_rows.h"
#include "spiking/learn.h"
#include "spiking/windows.h"

#include <etalon/parallel.h>

#include <string.h>

enum { SOURCES = 64 }; /* of a task of a weight gradient */

struct back {
    const struct et__spk_network *net;
    const struct et__spk_projection *p;
    const struct et__spk_population *pre, *post;
    struct et__spk_lesson *lesson;
    size_t rows;
    const float *s, *dx;
    bool spikes;
    float *out; /* ds or dw */
};

static struct back describe(const struct et__spk_network *net, const struct et__spk_projection *p,
                            size_t rows, const float *dx, float *out)
{
    return (struct back){.net = net,
                         .p = p,
                         .pre = &net->population[p->source],
                         .post = &net->population[p->target],
                         .rows = rows,
                         .dx = dx,
                         .out = out};
}

/* -------------------------------------------------------------------------------- sources -- */

static void sparse_sources(const struct back *b, const float *dx, float *ds)
{
    const struct et__spk_projection *p = b->p;
    for (size_t i = 0; i < b->pre->n; i++)
        for (size_t e = p->start[i]; e < p->start[i + 1]; e++)
            ds[i] += p->used[e] * dx[p->column[e]];
}

/* One place of the source: sum over the windows that see it. */
static float place_sum(const struct back *b, size_t source, const float *dx)
{
    const struct et__spk_projection *p = b->p;
    size_t pre_area = b->pre->h * b->pre->w, area = b->post->h * b->post->w;
    size_t channel = source / pre_area, place = source % pre_area, oy, ky, ox, kx;
    size_t c_pre = b->pre->c / p->groups, c_post = b->post->c / p->groups;
    size_t kernel = p->kernel_h * p->kernel_w, group = channel / c_pre;
    float sum = 0;
    struct et__spk_windows rows = et__spk_windows_h(p, b->post, place / b->pre->w);
    while (et__spk_window(&rows, &oy, &ky)) {
        struct et__spk_windows columns = et__spk_windows_w(p, b->post, place % b->pre->w);
        while (et__spk_window(&columns, &ox, &kx)) {
            size_t at = oy * b->post->w + ox;
            if (p->synapse == ET__SPK_POOL) {
                sum += dx[channel * area + at];
                continue;
            }
            for (size_t o = group * c_post; o < (group + 1) * c_post; o++)
                sum += p->used[(o * c_pre + channel % c_pre) * kernel + ky * p->kernel_w + kx] *
                       dx[o * area + at];
        }
    }
    if (p->synapse == ET__SPK_POOL && p->average) sum /= (float)kernel;
    return sum;
}

static void source_row(void *user, size_t r, size_t worker)
{
    (void)worker;
    const struct back *b = user;
    const float *dx = b->dx + r * b->post->n;
    float *ds = b->out + r * b->pre->n;
    if (b->p->synapse == ET__SPK_SPARSE) {
        sparse_sources(b, dx, ds);
    } else if (b->p->synapse == ET__SPK_ONE) {
        for (size_t j = 0; j < b->pre->n; j++)
            ds[j] += b->p->used != NULL ? b->p->used[j] * dx[j] : dx[j];
    } else {
        for (size_t i = 0; i < b->pre->n; i++)
            ds[i] += place_sum(b, i, dx);
    }
}

void et__spk_source_gradient(const struct et__spk_network *net, const struct et__spk_projection *p,
                             size_t rows, const float *dx, float *ds)
{
    struct back b = describe(net, p, rows, dx, ds);
    if (p->synapse != ET__SPK_DENSE) {
        et_parallel_for(rows, source_row, &b);
        return;
    }
    size_t n_pre = b.pre->n, n_post = b.post->n;
    union { /* the product only reads them */
        const float *constant;
        float *data;
    } from = {dx};
    et_gemm(ET_PLAIN, ET_TRANSPOSED, 1, et_view_of(from.data, rows, n_post),
            et_view_of(p->used, n_pre, n_post), 1, et_view_of(ds, rows, n_pre));
}

/* --------------------------------------------------------------------------- dense weights -- */

/* For every source the samples in which it is active, with its values; start [n_pre + 1]. */
static void list_samples(struct et__spk_lesson *lesson, const float *s, size_t rows, size_t n)
{
    uint32_t *start = lesson->start;
    memset(start, 0, (n + 1) * sizeof *start);
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < n; i++)
            start[i + 1] += s[r * n + i] != 0;
    for (size_t i = 0; i < n; i++)
        start[i + 1] += start[i];
    /* start[i] runs while the lists fill and ends where that of i + 1 begins. */
    for (size_t r = 0; r < rows; r++) {
        size_t count = et__spike_list(s + r * n, n, lesson->active);
        for (size_t k = 0; k < count; k++) {
            size_t i = lesson->active[k], at = start[i]++;
            lesson->sample[at] = (uint32_t)r;
            lesson->factor[at] = s[r * n + i];
        }
    }
    memmove(start + 1, start, n * sizeof *start);
    start[0] = 0;
}

static void dense_task(void *user, size_t task, size_t worker)
{
    (void)worker;
    const struct back *b = user;
    const struct et__spk_lesson *lesson = b->lesson;
    size_t n = b->post->n, blocks = (b->pre->n + SOURCES - 1) / SOURCES;
    size_t col = task / blocks * ET__SPIKE_COLS, first = task % blocks * SOURCES;
    size_t cols = n - col < ET__SPIKE_COLS ? n - col : ET__SPIKE_COLS;
    size_t last = first + SOURCES < b->pre->n ? first + SOURCES : b->pre->n;
    for (size_t i = first; i < last; i++) {
        size_t from = lesson->start[i], count = lesson->start[i + 1] - from;
        float *dw = b->out + i * n + col;
        if (b->spikes)
            et__spike_rows_add(b->dx + col, n, cols, lesson->sample + from, count, dw);
        else
            et__spike_rows_weighted(b->dx + col, n, cols, lesson->sample + from,
                                    lesson->factor + from, count, dw);
    }
}

static void dense_weights(struct back *b)
{
    size_t columns = (b->post->n + ET__SPIKE_COLS - 1) / ET__SPIKE_COLS;
    list_samples(b->lesson, b->s, b->rows, b->pre->n);
    et_parallel_for(columns * ((b->pre->n + SOURCES - 1) / SOURCES), dense_task, b);
}

/* --------------------------------------------------------------------------- other weights -- */

/* The synapses of one source. */
static void sparse_task(void *user, size_t i, size_t worker)
{
    (void)worker;
    const struct back *b = user;
    const struct et__spk_projection *p = b->p;
    for (size_t r = 0; r < b->rows; r++) {
        float s = b->s[r * b->pre->n + i];
        const float *dx = b->dx + r * b->post->n;
        if (s == 0) continue;
        for (size_t e = p->start[i]; e < p->start[i + 1]; e++)
            b->out[e] += s * dx[p->column[e]];
    }
}

static void one_task(void *user, size_t j, size_t worker)
{
    (void)worker;
    const struct back *b = user;
    for (size_t r = 0; r < b->rows; r++)
        b->out[j] += b->s[r * b->pre->n + j] * b->dx[r * b->post->n + j];
}

/* The kernels that read one channel of the source, at one active place. */
static void conv_place(const struct back *b, size_t channel, size_t place, float s, const float *dx)
{
    const struct et__spk_projection *p = b->p;
    size_t area = b->post->h * b->post->w, kernel = p->kernel_h * p->kernel_w, oy, ky, ox, kx;
    size_t c_pre = b->pre->c / p->groups, c_post = b->post->c / p->groups;
    size_t group = channel / c_pre;
    struct et__spk_windows rows = et__spk_windows_h(p, b->post, place / b->pre->w);
    while (et__spk_window(&rows, &oy, &ky)) {
        struct et__spk_windows columns = et__spk_windows_w(p, b->post, place % b->pre->w);
        while (et__spk_window(&columns, &ox, &kx))
            for (size_t o = group * c_post; o < (group + 1) * c_post; o++)
                b->out[(o * c_pre + channel % c_pre) * kernel + ky * p->kernel_w + kx] +=
                    s * dx[o * area + oy * b->post->w + ox];
    }
}

static void conv_task(void *user, size_t channel, size_t worker)
{
    (void)worker;
    const struct back *b = user;
    size_t area = b->pre->h * b->pre->w;
    for (size_t r = 0; r < b->rows; r++) {
        const float *s = b->s + r * b->pre->n + channel * area;
        for (size_t place = 0; place < area; place++)
            if (s[place] != 0) conv_place(b, channel, place, s[place], b->dx + r * b->post->n);
    }
}

void et__spk_weight_gradient(struct et__spk_lesson *lesson, const struct et__spk_network *net,
                             const struct et__spk_projection *p, size_t rows, const float *s,
                             bool spikes, const float *dx, float *dw)
{
    struct back b = describe(net, p, rows, dx, dw);
    b.lesson = lesson;
    b.s = s;
    b.spikes = spikes;
    switch (p->synapse) {
    case ET__SPK_DENSE:
        dense_weights(&b);
        break;
    case ET__SPK_SPARSE:
        et_parallel_for(b.pre->n, sparse_task, &b);
        break;
    case ET__SPK_CONV:
        et_parallel_for(b.pre->c, conv_task, &b);
        break;
    case ET__SPK_ONE:
        et_parallel_for(b.pre->n, one_task, &b);
        break;
    case ET__SPK_POOL:
        break;
    }
}

void et__spk_bias_gradient(const struct et__spk_network *net, const struct et__spk_projection *p,
                           size_t rows, const float *dbase, float *db)
{
    const struct et__spk_population *post = &net->population[p->target];
    size_t area = p->synapse == ET__SPK_CONV ? post->h * post->w : 1;
    for (size_t r = 0; r < rows; r++)
        for (size_t j = 0; j < post->n; j++)
            db[j / area] += dbase[r * post->n + j];
}
