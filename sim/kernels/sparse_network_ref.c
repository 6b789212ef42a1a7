/* SPDX-License-Identifier: Apache-2.0
 *
 * The sparse network written plainly: one neuron after the other, double precision. */
#include "kernels/sparse_network.h"

#include <etalon/array.h>

#include <math.h>
#include <string.h>

struct reference {
    const struct et__net *net;
    double *v, *g_e, *g_i; /* [n] */
    double *pending_e,
        *pending_i;  /* [delay + 1][n] what arrives at step k is in row k mod delay + 1 */
    size_t *held;    /* [n] */
    uint32_t *spike; /* [n + n_ext] */
};

static void send(const struct reference *r, size_t source, size_t step)
{
    const struct et__net *net = r->net;
    size_t row = step % (net->delay + 1) * net->n, first, last;
    for (size_t tile = 0; tile < net->n_tiles; tile++) {
        et__net_row(net, tile, source, &first, &last);
        for (size_t k = first; k < last; k++) {
            size_t to = row + tile * net->tile + net->target[k];
            if (source < net->n_exc)
                r->pending_e[to] += net->weight_e;
            else if (source < net->n)
                r->pending_i[to] += net->weight_i;
            else
                r->pending_e[to] += net->weight_ext;
        }
    }
}

static double potential(const struct et__net *net, double v, double g_e, double g_i, double current)
{
    double m = net->dt / net->tau_m;
    if (net->model == ET__NET_COBA) {
        double leak = 1 + g_e + g_i;
        double goal = (net->rest + g_e * net->reversal_e + g_i * net->reversal_i + current) / leak;
        return goal + (v - goal) * exp(-leak * m);
    }
    double part_e = net->tau_e == net->tau_m ? m * exp(-m)
                                             : net->tau_e / (net->tau_e - net->tau_m) *
                                                   (exp(-net->dt / net->tau_e) - exp(-m));
    double part_i = net->tau_i == net->tau_m ? m * exp(-m)
                                             : net->tau_i / (net->tau_i - net->tau_m) *
                                                   (exp(-net->dt / net->tau_i) - exp(-m));
    return net->rest + (v - net->rest) * exp(-m) + part_e * g_e + part_i * g_i +
           current * (1 - exp(-m));
}

static size_t take_step(struct reference *r, const struct et__net_start *start, size_t step)
{
    const struct et__net *net = r->net;
    size_t row = step % (net->delay + 1) * net->n, n_spikes = 0;
    for (size_t j = 0; j < net->n; j++) {
        r->g_e[j] += r->pending_e[row + j];
        r->g_i[j] += r->pending_i[row + j];
        r->pending_e[row + j] = r->pending_i[row + j] = 0;
        if (r->held[j] > 0)
            r->held[j]--;
        else
            r->v[j] = potential(net, r->v[j], r->g_e[j], r->g_i[j],
                                start->current ? start->current[j] : 0);
        r->g_e[j] *= exp(-net->dt / net->tau_e);
        r->g_i[j] *= exp(-net->dt / net->tau_i);
        if (r->v[j] > net->threshold) {
            r->v[j] = net->reset;
            r->held[j] = net->refractory;
            r->spike[n_spikes++] = (uint32_t)j;
        }
    }
    return n_spikes;
}

static enum et_status make(struct reference *r, const struct et__net_start *start)
{
    size_t n = r->net->n, ring = n * (r->net->delay + 1);
    if (!(r->v = et_alloc(n, sizeof *r->v))) return ET_NOMEM;
    if (!(r->g_e = et_alloc(n, sizeof *r->g_e))) return ET_NOMEM;
    if (!(r->g_i = et_alloc(n, sizeof *r->g_i))) return ET_NOMEM;
    if (!(r->pending_e = et_alloc(ring, sizeof *r->pending_e))) return ET_NOMEM;
    if (!(r->pending_i = et_alloc(ring, sizeof *r->pending_i))) return ET_NOMEM;
    if (!(r->held = et_alloc(n, sizeof *r->held))) return ET_NOMEM;
    if (!(r->spike = et_alloc(n + r->net->n_ext, sizeof *r->spike))) return ET_NOMEM;
    memcpy(r->v, start->v, n * sizeof *r->v);
    memcpy(r->g_e, start->g_e, n * sizeof *r->g_e);
    memcpy(r->g_i, start->g_i, n * sizeof *r->g_i);
    return ET_OK;
}

enum et_status et__net_reference(const struct et__net *net, const struct et__net_start *start,
                                 size_t steps, et__net_external *external, et__net_record *record,
                                 void *user, double *v_end)
{
    struct reference r = {.net = net};
    enum et_status status = make(&r, start);
    for (size_t step = 0; status == ET_OK && step < steps; step++) {
        size_t n_external = external ? external(user, step, r.spike) : 0;
        for (size_t i = 0; i < n_external; i++)
            send(&r, net->n + r.spike[i], step);
        size_t n_spikes = take_step(&r, start, step);
        for (size_t i = 0; i < n_spikes; i++)
            send(&r, r.spike[i], step + net->delay);
        if (record && n_spikes > 0) record(user, step, r.spike, n_spikes);
    }
    if (status == ET_OK) memcpy(v_end, r.v, net->n * sizeof *v_end);
    et_free(r.v);
    et_free(r.g_e);
    et_free(r.g_i);
    et_free(r.pending_e);
    et_free(r.pending_i);
    et_free(r.held);
    et_free(r.spike);
    return status;
}
