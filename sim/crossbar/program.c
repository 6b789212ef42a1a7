/* SPDX-License-Identifier: Apache-2.0
 *
 * From weights to conductances.  A weight w is the difference of two cells: one is asked for
 * gmin + |w| (gmax - gmin), the other for gmin.
 *
 * What a cell becomes is a pure function of device seed, number of the programming, place, attempt
 * and target (with `redraw`), so that weights programmed again after an interruption give the
 * same device. */
#include "crossbar/crossbar.h"

#include <etalon/log.h>
#include <etalon/parallel.h>
#include <etalon/rng.h>

#include <math.h>
#include <string.h>

/* Step numbers of the stream of imperfections: attempts count from 0, which cells are stuck does
 * not depend on any attempt. */
enum { STUCK_STEP = 1 << 20 };

void et__converter_set(struct et__converter *c, int64_t bits, double range)
{
    *c = (struct et__converter){.bits = bits, .range = (float)range};
    if (bits == 0) return;
    double top = ldexp(1, (int)bits - 1) - 1;
    c->top = (float)top;
    c->step = (float)(range / top);
}

struct et__block et__crossbar_block(const struct et__crossbar *s, size_t t, size_t c)
{
    struct et__block block = {.k = t * s->rows, .o = c * s->cols, .rows = s->rows, .cols = s->cols};
    if (block.k + block.rows > s->n_in) block.rows = s->n_in - block.k;
    if (block.o + block.cols > s->n_out) block.cols = s->n_out - block.o;
    return block;
}

struct place {
    uint64_t seed, index;
};

static void draw(void *user, size_t write, float normal[ET__CELL_NORMALS])
{
    const struct place *place = user;
    et_rng_fill_normal(place->seed, ET_STREAM_MISMATCH, (uint32_t)write, 4 * place->index, normal,
                       ET__CELL_NORMALS);
}

/* Cell `device` (two for each weight). */
static struct et__cell_state make_cell(const struct et__crossbar *s, uint64_t device, double target)
{
    if (s->stuck_off + s->stuck_on > 0) {
        double u = (double)et_rng_uniform(s->seed, ET_STREAM_MISMATCH, STUCK_STEP, device);
        if (u < s->stuck_off + s->stuck_on) {
            double g = u < s->stuck_off ? s->cell.gmin : s->cell.gmax;
            bool verified = fabs(g - target) <= s->cell.tolerance;
            return (struct et__cell_state){.programmed.value = g,
                                           .now.value = g,
                                           .writes = verified ? 1 : s->cell.writes,
                                           .verified = verified};
        }
    }
    struct place place = {s->programming_seed, device};
    if (s->redraw) {
        float value = (float)target; /* never negative: 31 bits */
        uint32_t bits;
        memcpy(&bits, &value, sizeof bits);
        place.index |= (uint64_t)bits << 31;
    }
    return et__cell_program(&s->cell, target, draw, &place);
}

static void hold_noise(struct et__cell_state *cell)
{
    double n = (double)cell->held;
    cell->now.value = fmax(0, cell->now.value + cell->read.value * n);
    cell->now.slope += cell->read.slope * n;
}

static struct et__cell_state finished_cell(const struct et__crossbar *s, uint64_t device,
                                           double target)
{
    struct et__cell_state cell = make_cell(s, device, target);
    if (s->read_noise == ET__READ_HELD) hold_noise(&cell);
    return cell;
}

/* The cell of a pair that is asked for gmin: what it becomes is looked up until the weight changes
 * its sign, and goes through the same rounding the first time. */
static struct et__cell_state idle_cell(struct et__crossbar *s, size_t place, size_t side)
{
    struct et__idle *idle = &s->idle[place];
    if (idle->known != side + 1) {
        struct et__cell_state cell = finished_cell(s, 2 * place + side, s->cell.gmin);
        *idle = (struct et__idle){(float)cell.programmed.value, (float)cell.now.value,
                                  (float)cell.read.value,       (uint16_t)cell.writes,
                                  (uint8_t)(side + 1),          cell.verified};
    }
    return (struct et__cell_state){.programmed.value = (double)idle->programmed,
                                   .now.value = (double)idle->now,
                                   .read.value = (double)idle->read,
                                   .writes = idle->writes,
                                   .verified = idle->verified};
}

static void program_weight(struct et__crossbar *s, size_t place, struct et__line *line)
{
    const double range = s->cell.gmax - s->cell.gmin, w = (double)s->weight[place];
    const size_t side = w < 0;
    double target = s->cell.gmin + range * fabs(w);
    struct et__cell_state active = finished_cell(s, 2 * place + side, target);
    struct et__cell_state idle = idle_cell(s, place, 1 - side);
    const double plus = (side ? idle : active).now.value / range;
    const double minus = (side ? active : idle).now.value / range;
    line->residual += pow(active.programmed.value - target, 2);
    line->residual += pow(idle.programmed.value - s->cell.gmin, 2);
    line->failed += (size_t)!active.verified + (size_t)!idle.verified;
    line->writes += active.writes + idle.writes;
    line->programmed += (active.programmed.value + idle.programmed.value) / range;
    line->now += plus + minus;
    line->square += w * w;
    s->m[place] = (float)(plus - minus);
    s->slope[place] = (float)active.now.slope;
    if (s->reference_slope) s->reference_slope[place] = (float)active.programmed.slope;
    if (s->plus) {
        s->plus[place] = (float)plus;
        s->minus[place] = (float)minus;
    }
    if (s->variance) {
        double a = active.read.value / range, b = idle.read.value / range;
        s->variance[place] = (float)(a * a + b * b);
        s->variance_slope[place] = (float)((side ? -2 : 2) * a * active.read.slope);
    }
}

static void program_output(void *user, size_t o, size_t worker)
{
    (void)worker;
    struct et__crossbar *s = user;
    for (size_t t = 0; t < s->n_row_tiles; t++) {
        struct et__line line = {0};
        size_t end = (t + 1) * s->rows < s->n_in ? (t + 1) * s->rows : s->n_in;
        for (size_t k = t * s->rows; k < end; k++)
            program_weight(s, o * s->n_in + k, &line);
        s->line[t * s->n_out + o] = line;
    }
}

static void pack(const float *m, size_t n_in, size_t n_out, size_t panel, size_t first,
                 const struct et__panels *to)
{
    for (size_t o = panel * ET__PANEL; o < n_out && o < (panel + 1) * ET__PANEL; o++)
        for (size_t k = 0; k < to->k; k++)
            et__panels_row(to, panel, k)[o % ET__PANEL] = m[o * n_in + first + k];
}

static void pack_panel(void *user, size_t panel, size_t worker)
{
    (void)worker;
    struct et__crossbar *s = user;
    for (size_t t = 0; t < s->n_row_tiles; t++) {
        pack(s->m, s->n_in, s->n_out, panel, t * s->rows, &s->packed[t]);
        if (s->variance)
            pack(s->variance, s->n_in, s->n_out, panel, t * s->rows, &s->packed_variance[t]);
    }
}

static void set_tile(struct et__crossbar *s, size_t t, size_t c)
{
    struct et__tile *tile = &s->tile[t * s->n_col_tiles + c];
    struct et__block block = et__crossbar_block(s, t, c);
    double programmed = 0, now = 0, square = 0;
    for (size_t o = block.o; o < block.o + block.cols; o++) {
        const struct et__line *line = &s->line[t * s->n_out + o];
        programmed += line->programmed;
        now += line->now;
        square = fmax(square, line->square);
    }
    bool scale = s->compensate && now > 0 && programmed > 0;
    tile->gain = scale ? (float)(programmed / now) : 1;
    tile->reference = now;
    double range = s->adc_range;
    if (range <= 0) range = s->adc_margin * (double)s->dac.range * sqrt(square / 3);
    et__converter_set(&tile->adc, s->adc_bits, range > 0 ? range : 1);
}

/* The first programming is worth a line, those of a training loop are not. */
static void report(struct et__crossbar *s)
{
    size_t failed = 0, writes = 0, cells = 2 * s->n_in * s->n_out;
    double residual = 0;
    for (size_t i = 0; i < s->n_row_tiles * s->n_out; i++) {
        failed += s->line[i].failed;
        writes += s->line[i].writes;
        residual += s->line[i].residual;
    }
    et_log(s->reported ? ET_LOG_DEBUG : ET_LOG_INFO,
           "crossbar: %zu of %zu cells are not within %g uS after at most %zu writes (%.3g each); "
           "they are off by %.3g uS rms",
           failed, cells, s->cell.tolerance, s->cell.writes, (double)writes / (double)cells,
           sqrt(residual / (double)cells));
    s->reported = true;
}

enum et_status et__crossbar_program(struct et__crossbar *s)
{
    et_parallel_for(s->n_out, program_output, s);
    for (size_t t = 0; t < s->n_row_tiles; t++)
        for (size_t c = 0; c < s->n_col_tiles; c++)
            set_tile(s, t, c);
    if (et__crossbar_has_wires(s)) ET_TRY(et__crossbar_wires(s));
    et_parallel_for(s->width / ET__PANEL, pack_panel, s);
    if (s->cell.writes > 1 && s->cell.kind != ET__CELL_IDEAL) report(s);
    return ET_OK;
}
