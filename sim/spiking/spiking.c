/* SPDX-License-Identifier: Apache-2.0
 *
 * A network of spiking neurons as a system: x is encoded, runs through populations and projections
 * for T steps (network.h), and y is read from the last population.
 *
 * Tiles of samples run in parallel, each through all steps on its own; nothing crosses samples, so
 * the bits depend on neither the cut of a batch nor on threads. */
#include "spiking/system.h"

#include <etalon/parallel.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A block of knobs for each projection, and one for its bias. */
static enum et_status name_blocks(struct et__spiking *s)
{
    const struct et__spk_network *net = &s->net;
    s->blocks = et_alloc(2 * net->n_projections, sizeof *s->blocks);
    s->block_names = et_alloc(2 * net->n_projections, sizeof *s->block_names);
    if (s->blocks == NULL || s->block_names == NULL) return ET_NOMEM;
    for (size_t i = 0; i < net->n_projections; i++) {
        const struct et__spk_projection *p = &net->projection[i];
        size_t weights = et__spk_weights(net, p), rows = 1;
        if (!p->tunable) continue;
        if (p->synapse == ET__SPK_DENSE) rows = net->population[p->source].n;
        if (p->synapse == ET__SPK_CONV) rows = net->population[p->target].c;
        char *name = s->block_names[s->n_blocks];
        snprintf(name, sizeof *s->block_names, "%.50s", p->name);
        s->blocks[s->n_blocks++] = (struct et_knob_block){
            name, p->first_knob, rows, weights / rows, ET_KNOB_PLAIN, NULL, NULL};
        if (p->bias == NULL) continue;
        name = s->block_names[s->n_blocks];
        snprintf(name, sizeof *s->block_names, "%.50s.bias", p->name);
        s->blocks[s->n_blocks++] = (struct et_knob_block){
            name, p->first_knob + weights, 1, et__spk_biases(net, p), ET_KNOB_PLAIN, NULL, NULL};
    }
    return ET_OK;
}

static enum et_status choose_frames(struct et__spiking *s, const struct et_config *config)
{
    const struct et_config *frames = et_config_at(config, "frames", 0);
    size_t layer = (size_t)et_config_int(frames, "layer");
    s->watched = layer == 0 ? s->net.output : layer;
    s->raster = et_config_choice(frames, "show") == 1;
    if (s->watched >= s->net.n_populations)
        return et_config_error(frames, "layer", "there are %zu layers", s->net.n_populations - 1);
    return ET_OK;
}

static enum et_status open_spiking(void *state, const struct et_config *config, uint64_t seed)
{
    struct et__spiking *s = state;
    const bool from_file = *et_config_string(config, "file") != '\0';
    ET_TRY(from_file ? et__nir_configure(&s->net, config, seed)
                     : et__spiking_configure(&s->net, config, seed));
    enum et_status status = et__spk_finish(&s->net);
    if (status == ET_INVALID) return et_config_error(config, NULL, "%s", et_error_message());
    if (status != ET_OK) return status;
    const struct et__spk_network *net = &s->net;
    s->n_in = net->population[0].n * (net->encoder.kind == ET__SPK_FRAMES ? net->steps : 1);
    s->n_out = net->population[net->output].n;
    ET_TRY(choose_frames(s, config));
    ET_TRY(et__spk_learning_read(&s->learning, et_config_at(config, "learning", 0), net));
    ET_TRY(name_blocks(s));
    size_t n_workers = et_parallel_threads();
    s->share = et_alloc(n_workers * ET__SPK_TILE * s->n_out, sizeof *s->share);
    s->rooms = et_alloc(n_workers, sizeof *s->rooms);
    s->overflow = et_alloc(n_workers, sizeof *s->overflow);
    if (s->share == NULL || s->rooms == NULL || s->overflow == NULL) return ET_NOMEM;
    s->n_workers = n_workers;
    for (size_t i = 0; i < n_workers; i++)
        ET_TRY(et__spk_room_create(&s->rooms[i], net, ET__SPK_TILE, 1));
    return ET_OK;
}

static void describe(const void *state, struct et_system_info *info)
{
    const struct et__spiking *s = state;
    bool unit = et__spk_input_fires(&s->net);
    info->n_in = s->n_in;
    info->n_out = s->n_out;
    info->n_knobs = s->net.n_knobs;
    info->in_min = unit ? 0 : -INFINITY;
    info->in_max = unit ? 1 : INFINITY;
    info->out_unit = s->net.readout == ET__SPK_RATE ? "per step" : "";
    info->latency_s = (double)s->net.steps * s->net.dt;
    info->traits = ET_HAS_VJP | ET_SURROGATE;
    if (info->n_knobs > 0) info->traits |= ET_HAS_KNOBS;
    if (s->net.encoder.kind == ET__SPK_POISSON) info->traits |= ET_NOISY;
}

/* ------------------------------------------------------------------------------------ passes -- */

struct batch {
    struct et__spiking *system;
    const struct et_step *step;
    struct et_view x, y;
    size_t tile;
};

static void show(const struct et__spiking *s, const struct et__spk_room *room, size_t t)
{
    const struct et__spk_population *p = &s->net.population[s->watched];
    const struct et__spk_cells *cells = &room->cells[s->watched];
    float *field =
        s->raster || cells->v == NULL ? et__spk_s(&s->net, room, s->watched, t, 0) : cells->v;
    size_t width = p->h * p->w > 1 ? p->w : p->n;
    s->observer->frame(s->observer->user, t, (double)(t + 1) * s->net.dt,
                       et_view_of(field, p->n / width, width), 1,
                       s->raster ? "spikes" : "potential");
}

static void run_tile(void *user, size_t index, size_t worker)
{
    const struct batch *batch = user;
    struct et__spiking *s = batch->system;
    const struct et__spk_room *room = &s->rooms[worker];
    size_t first = index * batch->tile, left = batch->x.rows - first;
    size_t count = left < batch->tile ? left : batch->tile, n = count * s->n_out;
    struct et__spk_pass pass = {batch->step, batch->x, first};
    float *share = s->share + worker * ET__SPK_TILE * s->n_out;
    float *y = batch->y.data + first * s->n_out;
    memset(y, 0, n * sizeof *y);
    et__spk_start(&s->net, room, 0, count);
    for (size_t t = 0; t < s->net.steps; t++) {
        et__spk_advance(&s->net, room, &pass, t, 0, count, 0);
        et__spk_read(&s->net, room, t, 0, count, et_view_of(share, count, s->n_out));
        for (size_t j = 0; j < n; j++)
            y[j] += share[j];
        if (first == 0 && s->observer != NULL && t % s->observer->every == 0) show(s, room, t);
    }
    for (size_t j = 0; j < n; j++)
        y[j] /= (float)s->net.steps;
    size_t bad = et__spk_overflow(&s->net, room, 0, count), *worst = &s->overflow[worker];
    if (bad > 0 && (*worst == 0 || bad < *worst)) *worst = bad;
}

static enum et_status forward(void *state, const struct et_step *step, struct et_view x,
                              struct et_view y)
{
    struct et__spiking *s = state;
    size_t even = (x.rows + s->n_workers - 1) / s->n_workers;
    struct batch batch = {s, step, x, y, even < ET__SPK_TILE ? even : ET__SPK_TILE};
    memset(s->overflow, 0, s->n_workers * sizeof *s->overflow);
    et_parallel_for((x.rows + batch.tile - 1) / batch.tile, run_tile, &batch);
    size_t worst = 0;
    for (size_t i = 0; i < s->n_workers; i++)
        if (s->overflow[i] > 0 && (worst == 0 || s->overflow[i] < worst)) worst = s->overflow[i];
    return et__spk_overflow_error(&s->net, worst);
}

static enum et_status vjp(void *state, const struct et_step *step, struct et_view x,
                          struct et_view dy, struct et_view dx, float *dknobs)
{
    struct et__spiking *s = state;
    return et__spk_vjp(&s->lesson, &s->net, &s->learning, step, x, dy, dx, dknobs);
}

static enum et_status teach(void *state, const struct et_step *step, struct et_view x,
                            const struct et_teacher *teacher, struct et_view dx, float *dknobs)
{
    struct et__spiking *s = state;
    return et__spk_teach(&s->lesson, &s->net, &s->learning, step, x, teacher, dx, dknobs);
}

static void observe(void *state, const struct et_observer *observer)
{
    struct et__spiking *s = state;
    s->observer = NULL;
    if (observer == NULL || observer->frame == NULL || observer->every == 0) return;
    s->observed = *observer;
    s->observer = &s->observed;
}

/* ------------------------------------------------------------------------------------- knobs -- */

static enum et_status set_knobs(void *state, const float *knobs)
{
    struct et__spiking *s = state;
    et__spk_put_knobs(&s->net, knobs);
    return ET_OK;
}

static void get_knobs(const void *state, float *knobs)
{
    const struct et__spiking *s = state;
    et__spk_take_knobs(&s->net, knobs);
}

static const struct et_knob_block *block(const void *state, size_t i)
{
    const struct et__spiking *s = state;
    return i < s->n_blocks ? &s->blocks[i] : NULL;
}

static enum et_status export_nir(void *state, const char *path)
{
    const struct et__spiking *s = state;
    return et__nir_save(&s->net, path);
}

static void close_spiking(void *state)
{
    struct et__spiking *s = state;
    for (size_t i = 0; i < s->n_workers; i++)
        et__spk_room_destroy(&s->rooms[i]);
    et__spk_lesson_destroy(&s->lesson);
    et_free(s->rooms);
    et_free(s->share);
    et_free(s->overflow);
    et_free(s->blocks);
    et_free(s->block_names);
    et__spk_free(&s->net);
}

const struct et_system_type et_system_spiking = {
    .name = "spiking",
    .summary = "Spiking neurons in layers, step by step: leaky, adaptive, AdEx, Izhikevich; dense, "
               "sparse, convolutional synapses with delays.",
    .state_size = sizeof(struct et__spiking),
    .params = et__spiking_params,
    .open = open_spiking,
    .describe = describe,
    .forward = forward,
    .vjp = vjp,
    .teach = teach,
    .set_knobs = set_knobs,
    .get_knobs = get_knobs,
    .block = block,
    .observe = observe,
    .export = export_nir,
    .close = close_spiking,
};
