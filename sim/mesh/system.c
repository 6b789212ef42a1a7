/* SPDX-License-Identifier: Apache-2.0
 *
 * A programmable mesh of Mach-Zehnder interferometers: y = detect(U encode(x)), or with two meshes
 * and attenuators y = detect(scale U S V encode(x)).  mesh.h says what a cell is, heaters.c how
 * knobs become phases, pass.c how light goes through. */
#include "mesh/system.h"

#include <etalon/parallel.h>

#include <math.h>

static const double pi = 3.14159265358979323846;
static const double light_m_per_s = 299792458.0;

static enum et_status read_sizes(struct et__mesh_system *s, const struct et_config *config)
{
    s->n = (size_t)et_config_int(config, "n");
    s->m = (size_t)et_config_int(config, "n_out");
    s->pair = et_config_choice(config, "block") == 1;
    if (!s->pair && s->m != 0 && s->m != s->n)
        return et_config_error(config, "n_out", "a single mesh has n = %zu outputs, not %zu", s->n,
                               s->m);
    if (s->pair && s->m == 1) return et_config_error(config, "n_out", "n_out = 1 is less than 2");
    if (s->m == 0) s->m = s->n;
    s->n_levels = !s->pair ? 0 : s->n < s->m ? s->n : s->m;
    s->input = (enum et__mesh_input)et_config_choice(config, "input");
    s->output = (enum et__mesh_output)et_config_choice(config, "output");
    s->n_in = s->input == ET__MESH_POLAR ? 2 * s->n : s->n;
    s->n_out = s->output == ET__MESH_QUADRATURES ? 2 * s->m : s->m;
    return ET_OK;
}

static void read_numbers(struct et__mesh_system *s, const struct et_config *config)
{
    s->turn = (float)(2 * pi * et_config_real(config, "phase_span"));
    s->bits = (int)et_config_int(config, "phase_bits");
    s->crosstalk = et_config_real(config, "crosstalk");
    s->crosstalk_along = et_config_real(config, "crosstalk_along");
    s->phase_noise = et_config_real(config, "phase_noise");
    s->detector_noise = (float)et_config_real(config, "detector_noise");
    s->scale = 1;
}

static enum et_status make_groups(struct et__mesh_system *s)
{
    for (size_t i = 0; i < ET__MESH_GROUPS; i++) {
        struct et__mesh_group *group = &s->groups[i];
        for (size_t part = 0; part < (s->pair ? 2 : 1); part++) {
            const struct et__mesh_layout *l = &s->mesh[part].layout;
            if (!(group->sums[part] = et_alloc(l->n_cells, sizeof *group->sums[part])))
                return ET_NOMEM;
            if (!(group->out[part] = et_alloc(l->n, sizeof *group->out[part]))) return ET_NOMEM;
        }
        if (!(group->levels = et_alloc(s->n_levels, sizeof *group->levels))) return ET_NOMEM;
    }
    return ET_OK;
}

static enum et_status make_workers(struct et__mesh_system *s)
{
    size_t n = et_parallel_threads(), tile = (s->n > s->m ? s->n : s->m) * ET__MESH_TILE;
    if (!(s->workers = et_alloc(n, sizeof *s->workers))) return ET_NOMEM;
    while (s->n_workers < n) {
        struct et__mesh_worker *w = &s->workers[s->n_workers++];
        if (!(w->u = et_alloc(tile, sizeof *w->u))) return ET_NOMEM;
        if (!(w->v = et_alloc(tile, sizeof *w->v))) return ET_NOMEM;
        if (!(w->w = et_alloc(tile, sizeof *w->w))) return ET_NOMEM;
        if (!(w->g = et_alloc(tile, sizeof *w->g))) return ET_NOMEM;
        if (!(w->noise = et_alloc(s->n_out, sizeof *w->noise))) return ET_NOMEM;
    }
    return ET_OK;
}

/* Energy: what the heaters take while one sample passes; the phases are those after opening.
 * 24.8 mW for pi: Harris et al., Opt. Express 22:10487 (2014).  Sources, modulators and detectors
 * are not counted. */
static void estimate(struct et__mesh_system *s, const struct et_config *config)
{
    size_t columns = s->mesh[0].layout.n_columns;
    if (s->pair) columns += 1 + s->mesh[1].layout.n_columns;
    s->latency_s = (double)columns * 1e-3 * et_config_real(config, "column_mm") *
                   et_config_real(config, "group_index") / light_m_per_s;
    s->energy_J = et__mesh_heat_load(s) * 1e-3 * et_config_real(config, "heater_mW") /
                  (1e9 * et_config_real(config, "rate_GHz"));
}

static enum et_status open_mesh(void *state, const struct et_config *config, uint64_t seed)
{
    struct et__mesh_system *s = state;
    enum et__mesh_topology topology = (enum et__mesh_topology)et_config_choice(config, "topology");
    double gain = pow(10, -et_config_real(config, "loss_dB") / 20);
    ET_TRY(read_sizes(s, config));
    read_numbers(s, config);
    s->seed = seed;
    ET_TRY(et__mesh_create(&s->mesh[0], topology, s->n, gain));
    if (s->pair) ET_TRY(et__mesh_create(&s->mesh[1], topology, s->m, gain));
    s->n_knobs = s->mesh[0].n_phases + s->n_levels + s->mesh[1].n_phases;
    if (!(s->knobs = et_alloc(s->n_knobs, sizeof *s->knobs))) return ET_NOMEM;
    if (!(s->heat = et_alloc(s->n_knobs, sizeof *s->heat))) return ET_NOMEM;
    if (!(s->disorder = et_alloc(s->n_knobs, sizeof *s->disorder))) return ET_NOMEM;
    if (!(s->levels = et_alloc(s->n_levels, sizeof *s->levels))) return ET_NOMEM;
    if (!(s->kappa = et_alloc(s->n_levels, sizeof *s->kappa))) return ET_NOMEM;
    if (!(s->phase_noise > 0) && !(s->matrix = et_alloc(2 * s->m * s->n, sizeof *s->matrix)))
        return ET_NOMEM;
    ET_TRY(make_workers(s));
    ET_TRY(make_groups(s));
    ET_TRY(et__mesh_program(s, config, seed));
    et__mesh_heat(s, NULL);
    estimate(s, config);
    return ET_OK;
}

static void describe(const void *state, struct et_system_info *info)
{
    const struct et__mesh_system *s = state;
    info->n_in = s->n_in;
    info->n_out = s->n_out;
    info->n_knobs = s->n_knobs;
    info->in_min = s->input == ET__MESH_SIGNED ? -1 : 0;
    info->in_max = 1;
    info->in_unit = s->input == ET__MESH_PHASE   ? "of the span"
                    : s->input == ET__MESH_POLAR ? "amplitude, of the span"
                                                 : "amplitude";
    info->out_unit = s->output == ET__MESH_INTENSITY ? "power" : "amplitude";
    info->knob_unit = "rad";
    info->latency_s = s->latency_s;
    info->energy_J = s->energy_J;
    info->traits = ET_HAS_KNOBS | ET_HAS_VJP;
    if (s->phase_noise > 0 || s->detector_noise > 0) info->traits |= ET_NOISY;
}

static enum et_status forward(void *state, const struct et_step *step, struct et_view x,
                              struct et_view y)
{
    et__mesh_forward(state, step, x, y);
    return ET_OK;
}

static enum et_status vjp(void *state, const struct et_step *step, struct et_view x,
                          struct et_view dy, struct et_view dx, float *dknobs)
{
    et__mesh_vjp(state, step, x, dy, dx, dknobs);
    return ET_OK;
}

static enum et_status set_knobs(void *state, const float *knobs)
{
    struct et__mesh_system *s = state;
    for (size_t i = 0; i < s->n_knobs; i++)
        s->knobs[i] = knobs[i];
    et__mesh_heat(s, NULL);
    return ET_OK;
}

static void get_knobs(const void *state, float *knobs)
{
    const struct et__mesh_system *s = state;
    for (size_t i = 0; i < s->n_knobs; i++)
        knobs[i] = s->knobs[i];
}

static void close_mesh(void *state)
{
    struct et__mesh_system *s = state;
    for (size_t i = 0; s->workers && i < s->n_workers; i++) {
        et_free(s->workers[i].u);
        et_free(s->workers[i].v);
        et_free(s->workers[i].w);
        et_free(s->workers[i].g);
        et_free(s->workers[i].noise);
    }
    et_free(s->workers);
    for (size_t i = 0; i < ET__MESH_GROUPS; i++) {
        for (size_t part = 0; part < 2; part++) {
            et_free(s->groups[i].sums[part]);
            et_free(s->groups[i].out[part]);
        }
        et_free(s->groups[i].levels);
    }
    et__mesh_destroy(&s->mesh[0]);
    et__mesh_destroy(&s->mesh[1]);
    et_free(s->knobs);
    et_free(s->heat);
    et_free(s->disorder);
    et_free(s->levels);
    et_free(s->kappa);
    et_free(s->matrix);
}

const struct et_system_type et_system_mesh = {
    .name = "mesh",
    .summary = "Programmable mesh of Mach-Zehnder interferometers: a unitary, or any matrix by two",
    .state_size = sizeof(struct et__mesh_system),
    .params = et__mesh_params,
    .open = open_mesh,
    .describe = describe,
    .forward = forward,
    .set_knobs = set_knobs,
    .get_knobs = get_knobs,
    .vjp = vjp,
    .close = close_mesh,
};
