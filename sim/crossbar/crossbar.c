/* SPDX-License-Identifier: Apache-2.0
 *
 * Analog matrix-vector products on pairs of conductance arrays: the system itself.
 *
 * Latency and energy, PCM only: M. Le Gallo et al., Nature Electronics 6, 680 (2023),
 * doi:10.1038/s41928-023-01010-1: 64 cores of 256 x 256 reach 63.1 TOPS at 9.76 TOPS/W with 8-bit
 * inputs and outputs in the one-phase mode.  A product of all cores at once then takes 64 x 2 x
 * 256^2 / 63.1e12 s = 133 ns, and a multiply-accumulate 2 / 9.76e12 J = 0.205 pJ.  All arrays work
 * at the same time; the digital sums are not counted. */
#include "crossbar/crossbar.h"

#include <etalon/parallel.h>
#include <etalon/rng.h>

#include <math.h>
#include <string.h>

static bool reads_noisily(const struct et__crossbar *s)
{
    return s->read_noise == ET__READ_PASS;
}

static enum et_status create(float **data, size_t count)
{
    *data = et_alloc(count, sizeof **data);
    return *data ? ET_OK : ET_NOMEM;
}

static enum et_status create_panels(struct et__crossbar *s, struct et__panels **panels)
{
    *panels = et_alloc(s->n_row_tiles, sizeof **panels);
    if (*panels == NULL) return ET_NOMEM;
    for (size_t t = 0; t < s->n_row_tiles; t++)
        ET_TRY(et__panels_create(&(*panels)[t], et__crossbar_block(s, t, 0).rows,
                                 s->width / ET__PANEL));
    return ET_OK;
}

static void destroy_panels(const struct et__crossbar *s, struct et__panels *panels)
{
    for (size_t t = 0; panels && t < s->n_row_tiles; t++)
        et__panels_destroy(&panels[t]);
    et_free(panels);
}

static enum et_status create_matrices(struct et__crossbar *s)
{
    size_t n = s->n_in * s->n_out;
    ET_TRY(create(&s->weight, n));
    ET_TRY(create(&s->m, n));
    ET_TRY(create(&s->slope, n));
    ET_TRY(create(&s->dm, n));
    if (reads_noisily(s)) {
        ET_TRY(create(&s->variance, n));
        ET_TRY(create(&s->variance_slope, n));
        ET_TRY(create(&s->dvariance, n));
    }
    s->width = (s->n_out + ET__PANEL - 1) / ET__PANEL * ET__PANEL;
    ET_TRY(create_panels(s, &s->packed));
    if (reads_noisily(s)) ET_TRY(create_panels(s, &s->packed_variance));
    if (s->compensate) ET_TRY(create(&s->reference_slope, n));
    if (et__crossbar_has_wires(s)) {
        ET_TRY(create(&s->plus, n));
        ET_TRY(create(&s->minus, n));
        ET_TRY(create(&s->dg, n));
    }
    return ET_OK;
}

static enum et_status create_work(struct et__crossbar *s)
{
    const size_t rows = ET__CROSSBAR_ROWS;
    s->n_workers = et_parallel_threads();
    s->work = et_alloc(s->n_workers, sizeof *s->work);
    if (s->work == NULL) return ET_NOMEM;
    for (size_t i = 0; i < s->n_workers; i++) {
        struct et__crossbar_work *w = &s->work[i];
        ET_TRY(create(&w->x, rows * s->n_in));
        if (reads_noisily(s)) ET_TRY(create(&w->square, rows * s->n_in));
        ET_TRY(create(&w->current, rows * s->width));
        ET_TRY(create(&w->variance, rows * s->width));
        ET_TRY(create(&w->normal, s->n_out));
        if (et__crossbar_has_wires(s)) ET_TRY(et__wires_work_create(&w->wires, s->rows, s->cols));
    }
    ET_TRY(create(&s->dcurrent, rows * s->n_out));
    ET_TRY(create(&s->dspread, rows * s->n_out));
    ET_TRY(create(&s->back, rows * s->n_in));
    size_t tiles = s->n_row_tiles * s->n_col_tiles;
    s->idle = et_alloc(s->n_in * s->n_out, sizeof *s->idle);
    s->tile = et_alloc(tiles, sizeof *s->tile);
    s->line = et_alloc(s->n_row_tiles * s->n_out, sizeof *s->line);
    s->imbalance = et_alloc(2 * tiles, sizeof *s->imbalance);
    s->dgain = et_alloc(rows * s->n_col_tiles, sizeof *s->dgain);
    return s->idle && s->tile && s->line && s->imbalance && s->dgain ? ET_OK : ET_NOMEM;
}

static enum et_status open_crossbar(void *state, const struct et_config *config, uint64_t seed)
{
    struct et__crossbar *s = state;
    s->seed = seed;
    s->programming_seed = et_rng_derive(seed, (uint64_t)et_config_int(config, "programming"));
    ET_TRY(et__crossbar_read(s, config));
    ET_TRY(create_matrices(s));
    ET_TRY(create_work(s));
    ET_TRY(et__crossbar_weights(s, config, seed));
    return et__crossbar_program(s);
}

static void describe(const void *state, struct et_system_info *info)
{
    const struct et__crossbar *s = state;
    info->n_in = s->n_in;
    info->n_out = s->n_out;
    info->n_knobs = s->n_in * s->n_out;
    info->in_min = s->abs_max ? -INFINITY : -s->dac.range;
    info->in_max = s->abs_max ? INFINITY : s->dac.range;
    info->knob_min = -1;
    info->knob_max = 1;
    info->traits = ET_HAS_KNOBS | ET_HAS_VJP;
    if (s->variance || s->adc_noise > 0) info->traits |= ET_NOISY;
    if (s->cell.kind == ET__CELL_PCM) {
        info->latency_s = 64 * 2.0 * 256 * 256 / 63.1e12;
        info->energy_J = 2 / 9.76e12 * (double)s->n_in * (double)s->n_out;
    }
}

/* Wires that cannot be solved leave the device as it was. */
static enum et_status set_knobs(void *state, const float *knobs)
{
    struct et__crossbar *s = state;
    size_t bytes = s->n_in * s->n_out * sizeof *knobs;
    if (s->dg) memcpy(s->dg, s->weight, bytes);
    memcpy(s->weight, knobs, bytes);
    enum et_status status = et__crossbar_program(s);
    if (status == ET_OK) return ET_OK;
    memcpy(s->weight, s->dg, bytes);
    enum et_status again = et__crossbar_program(s);
    (void)again; /* these weights could be solved when they came */
    return status;
}

static void get_knobs(const void *state, float *knobs)
{
    const struct et__crossbar *s = state;
    memcpy(knobs, s->weight, s->n_in * s->n_out * sizeof *knobs);
}

static void close_crossbar(void *state)
{
    struct et__crossbar *s = state;
    float *const matrices[] = {
        s->weight,          s->m,  s->slope, s->variance,  s->variance_slope, s->plus,    s->minus,
        s->reference_slope, s->dg, s->dm,    s->dvariance, s->dcurrent,       s->dspread, s->back};
    for (size_t i = 0; i < sizeof matrices / sizeof *matrices; i++)
        et_free(matrices[i]);
    for (size_t i = 0; s->work && i < s->n_workers; i++) {
        struct et__crossbar_work *w = &s->work[i];
        et_free(w->x);
        et_free(w->square);
        et_free(w->current);
        et_free(w->variance);
        et_free(w->normal);
        et__wires_work_destroy(&w->wires);
    }
    destroy_panels(s, s->packed);
    destroy_panels(s, s->packed_variance);
    et_free(s->work);
    et_free(s->idle);
    et_free(s->tile);
    et_free(s->line);
    et_free(s->imbalance);
    et_free(s->dgain);
}

const struct et_system_type et_system_crossbar = {
    .name = "crossbar",
    .summary = "Analog matrix on pairs of conductance arrays: PCM, ReRAM or ideal cells.",
    .state_size = sizeof(struct et__crossbar),
    .params = et__crossbar_params,
    .open = open_crossbar,
    .describe = describe,
    .forward = et__crossbar_forward,
    .set_knobs = set_knobs,
    .get_knobs = get_knobs,
    .vjp = et__crossbar_vjp,
    .close = close_crossbar,
};
