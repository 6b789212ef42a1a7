/* SPDX-License-Identifier: Apache-2.0
 *
 * One time step: what the input sends, the neurons, and what is read of them. */
#include "kernels/spiking.h"

#include <etalon/rng.h>

#include <math.h>
#include <string.h>

/* ------------------------------------------------------------------------------------- input -- */

/* Number i of step t is uniform number t n + i (n rounded up to a block) of the sample's seed; a
 * block is drawn only where one of its inputs is not zero. */
static void encode_poisson(const struct et__spk_network *net, uint64_t seed, uint32_t index,
                           size_t t, const float *x, float *s)
{
    size_t n = net->population[0].n, blocks = (n + 3) / 4;
    const float chance = (float)(net->encoder.rate * net->dt);
    for (size_t b = 0; b < blocks; b++) {
        size_t first = 4 * b, count = n - first < 4 ? n - first : 4;
        float most = 0;
        for (size_t i = 0; i < count; i++)
            most = x[first + i] > most ? x[first + i] : most;
        if (most == 0) {
            memset(s + first, 0, count * sizeof *s);
            continue;
        }
        uint32_t word[4];
        et_rng_block(seed, ET_STREAM_NOISE, index, t * blocks + b, word);
        for (size_t i = 0; i < count; i++)
            s[first + i] = (float)(word[i] >> 8) * 0x1p-24F < x[first + i] * chance ? 1.0F : 0.0F;
    }
}

static void encode_latency(const struct et__spk_network *net, size_t t, const float *x, float *s)
{
    const float last = (float)(net->steps - 1);
    for (size_t i = 0; i < net->population[0].n; i++)
        s[i] = x[i] > 0 && lrintf((1 - x[i]) * last) == (long)t ? 1.0F : 0.0F;
}

void et__spk_encode(const struct et__spk_network *net, const struct et__spk_room *room,
                    const struct et__spk_pass *pass, size_t t, size_t first, size_t count)
{
    const struct et__spk_population *input = &net->population[0];
    if (input->constant && t > 0) return;
    for (size_t r = first; r < first + count; r++) {
        const float *x = pass->x.data + (pass->first_row + r) * pass->x.stride;
        float *s = et__spk_s(net, room, 0, t, r);
        if (net->encoder.kind == ET__SPK_POISSON) {
            uint64_t run = et_rng_derive(pass->step->seed, net->seed);
            uint64_t seed = et_rng_derive(run, et_step_sample(pass->step, pass->first_row + r));
            encode_poisson(net, seed, pass->step->index, t, x, s);
        } else if (net->encoder.kind == ET__SPK_LATENCY) {
            encode_latency(net, t, x, s);
        } else {
            size_t frame = net->encoder.kind == ET__SPK_FRAMES ? t * input->n : 0;
            memcpy(s, x + frame, input->n * sizeof *s);
        }
    }
}

/* ----------------------------------------------------------------------------------- neurons -- */

static float *row_of(float *array, size_t row, size_t n)
{
    return array != NULL ? array + row * n : NULL;
}

void et__spk_fire(const struct et__spk_network *net, const struct et__spk_room *room,
                  size_t population, size_t t, size_t first, size_t count)
{
    const struct et__spk_population *p = &net->population[population];
    const struct et__spk_cells *cells = &room->cells[population];
    if (p->constant && t > 0) return;
    for (size_t r = first; r < first + count; r++) {
        struct et__spk_neurons neurons = {.current = row_of(cells->current, r, p->n),
                                          .u = row_of(cells->u, r, p->n),
                                          .v = row_of(cells->v, r, p->n),
                                          .syn = row_of(cells->syn, r, p->n),
                                          .adapt = row_of(cells->adapt, r, p->n),
                                          .rest = row_of(cells->rest, r, p->n),
                                          .s = et__spk_s(net, room, population, t, r)};
        et__spk_update(p, net->dt, &neurons);
    }
}

void et__spk_advance(const struct et__spk_network *net, const struct et__spk_room *room,
                     const struct et__spk_pass *pass, size_t t, size_t first, size_t count,
                     size_t worker)
{
    et__spk_encode(net, room, pass, t, first, count);
    for (size_t i = 1; i < net->n_populations; i++) {
        et__spk_collect(net, room, i, t, first, count, worker);
        et__spk_fire(net, room, i, t, first, count);
    }
}

/* ----------------------------------------------------------------------------------- reading -- */

static void read_first(float *unfired, const float *s, size_t n, float earliness, float *y)
{
    for (size_t j = 0; j < n; j++) {
        bool now = s[j] > 0 && unfired[j] > 0;
        y[j] = now ? earliness : 0;
        if (now) unfired[j] = 0;
    }
}

void et__spk_read(const struct et__spk_network *net, const struct et__spk_room *room, size_t t,
                  size_t first, size_t count, struct et_view y)
{
    const struct et__spk_cells *cells = &room->cells[net->output];
    size_t n = net->population[net->output].n;
    for (size_t r = 0; r < count; r++) {
        float *out = y.data + r * y.stride;
        const float *s = et__spk_s(net, room, net->output, t, first + r);
        const float *v = cells->v != NULL ? cells->v + (first + r) * n : s;
        switch (net->readout) {
        case ET__SPK_RATE:
            memcpy(out, s, n * sizeof *out);
            break;
        case ET__SPK_MEMBRANE:
            memcpy(out, v, n * sizeof *out);
            break;
        case ET__SPK_FIRST:
            read_first(room->unfired + (first + r) * n, s, n, (float)(net->steps - t), out);
            break;
        case ET__SPK_LAST:
            for (size_t j = 0; j < n; j++)
                out[j] = t + 1 == net->steps ? (float)net->steps * v[j] : 0;
            break;
        }
    }
}
