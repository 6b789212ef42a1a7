/* SPDX-License-Identifier: Apache-2.0
 *
 * Derivatives of the listening cavity: the time loop backwards, in memory that grows with the
 * square root of the number of steps.
 *
 * A first pass forward keeps the state of every L-th step, L ~ sqrt(steps).  Then, from the last
 * segment to the first, a segment is stepped again from its checkpoint, all fields kept, and walked
 * back (kernels/wave_adjoint.h): three passes of fields in all.  Stepping again gives the same
 * bits, so the result is that of keeping everything.
 *
 *     dE[m, w]:  dU[t+1] at microphone m += 2 dt U[t+1] dE
 *     dx:        the sound of step t is owed gain dU[t+1] of every loudspeaker, and the samples
 *                are owed that by the taps of the interpolation
 *     dknobs:    sum_t dU[t+1] L U[t] by the gain C^2 of each cell, C^2 by c, c by the knobs
 *
 * Groups of lanes are dealt to a fixed number of slots, each with a sum of its own, so that dknobs
 * does not depend on threads. */
#include "waveform.h"

#include <etalon/parallel.h>

#include <math.h>
#include <string.h>

enum { SLOTS = 8 };

struct et__waveform_tape {
    size_t length;      /* steps of a segment */
    float *checkpoints; /* [segments][state] now, previous, phi_x, phi_y */
    float *fields;      /* [length + 2][size] U[t0 - 1] ... U[t0 + length] */
    struct et__wave_adjoint adjoint;
    float *dwave;     /* as the worker's wave */
    float *denergies; /* as the worker's energies */
    float *dgain;     /* [design cells][lanes] */
};

void et__waveform_tape_free(struct et__waveform_tape *tape)
{
    if (!tape) return;
    et_free(tape->checkpoints);
    et_free(tape->fields);
    et_free(tape->dwave);
    et_free(tape->denergies);
    et_free(tape->dgain);
    et__wave_adjoint_destroy(&tape->adjoint);
    et_free(tape);
}

static size_t state_size(const struct et__wave_field *field)
{
    return 2 * field->size + field->n_phi_x + field->n_phi_y;
}

static size_t design_cells(const struct et__waveform *w)
{
    return w->design.n_knobs > 0 ? w->design.nx * w->design.ny : 0;
}

static enum et_status make_tape(const struct et__waveform *w, struct et__waveform_worker *worker)
{
    size_t steps = et__waveform_steps(w), length = (size_t)ceil(sqrt((double)steps));
    size_t segments = (steps + length - 1) / length, lanes = w->lanes;
    struct et__waveform_tape *tape = worker->tape = et_alloc(1, sizeof *tape);
    if (!tape) return ET_NOMEM;
    tape->length = length;
    tape->checkpoints = et_alloc(segments * state_size(&worker->field), sizeof(float));
    if (!tape->checkpoints) return ET_NOMEM;
    if (!(tape->fields = et_alloc((length + 2) * worker->field.size, sizeof(float))))
        return ET_NOMEM;
    tape->dwave = et_alloc((w->total + ET__WAVEFORM_TAPS) * lanes, sizeof(float));
    if (!tape->dwave) return ET_NOMEM;
    if (!(tape->denergies = et_alloc(w->n_out * lanes, sizeof(float)))) return ET_NOMEM;
    if (!(tape->dgain = et_alloc(design_cells(w) * lanes, sizeof(float)))) return ET_NOMEM;
    return et__wave_adjoint_create(&tape->adjoint, &w->plan, &worker->field);
}

/* Made at the first use: who never asks for derivatives needs none of the memory. */
static enum et_status make_tapes(struct et__waveform *w)
{
    for (size_t i = 0; i < w->n_workers; i++) {
        if (w->workers[i].tape) continue;
        enum et_status status = make_tape(w, &w->workers[i]);
        if (status == ET_OK) continue;
        et__waveform_tape_free(w->workers[i].tape);
        w->workers[i].tape = NULL;
        return status;
    }
    if (!w->gain_slope) w->gain_slope = et_alloc(SLOTS * design_cells(w), sizeof *w->gain_slope);
    return w->gain_slope ? ET_OK : ET_NOMEM;
}

static void save(const struct et__wave_field *field, float *state)
{
    memcpy(state, field->now, field->size * sizeof *state);
    memcpy(state + field->size, field->previous, field->size * sizeof *state);
    if (!field->phi_x) return;
    memcpy(state + 2 * field->size, field->phi_x, field->n_phi_x * sizeof *state);
    memcpy(state + 2 * field->size + field->n_phi_x, field->phi_y, field->n_phi_y * sizeof *state);
}

static void restore(struct et__wave_field *field, const float *state)
{
    memcpy(field->now, state, field->size * sizeof *state);
    memcpy(field->previous, state + field->size, field->size * sizeof *state);
    if (!field->phi_x) return;
    memcpy(field->phi_x, state + 2 * field->size, field->n_phi_x * sizeof *state);
    memcpy(field->phi_y, state + 2 * field->size + field->n_phi_x, field->n_phi_y * sizeof *state);
}

/* From dy to the derivative by the energies; lanes without a sample owe nothing. */
static void owe_energies(const struct et__waveform *w, const struct et__waveform_worker *worker,
                         struct et_view dy)
{
    float *owed = worker->tape->denergies;
    memset(owed, 0, w->n_out * w->lanes * sizeof *owed);
    for (size_t lane = 0; lane < dy.rows; lane++) {
        const float *row = dy.data + lane * dy.stride;
        double sum = 0, mean = 0;
        for (size_t o = 0; o < w->n_out; o++) {
            double energy = (double)worker->energies[o * w->lanes + lane];
            sum += energy;
            mean += energy * (double)row[o];
        }
        if (w->output == ET__WAVEFORM_SHARE && !(sum > 0)) continue;
        for (size_t o = 0; o < w->n_out; o++) {
            double d = (double)row[o], energy = (double)worker->energies[o * w->lanes + lane];
            if (w->output == ET__WAVEFORM_SHARE) d = (d - mean / sum) / sum;
            if (w->output == ET__WAVEFORM_LEVEL) d *= 10 / log(10) / (energy + w->floor);
            owed[o * w->lanes + lane] = (float)d;
        }
    }
}

/* What J owes U[t + 1] directly, and what U[t + 1] owes the recording. */
static void owe_ends(const struct et__waveform *w, struct et__waveform_tape *tape,
                     const float *after, size_t step)
{
    size_t lanes = w->lanes, window = et__waveform_window(w, step);
    const float *tap = w->filter + step % w->per_sample * ET__WAVEFORM_TAPS;
    float *next = tape->adjoint.next, *dwave = tape->dwave + step / w->per_sample * lanes;
    float sound[ET__WAVE_LANES] = {0};
    const float twice = 2 * (float)w->dt;
    for (size_t m = 0; m < w->geometry.n_microphones; m++) {
        size_t cell = w->microphone_cells[m];
        const float *owed = tape->denergies + (m * w->n_windows + window) * lanes;
        for (size_t lane = 0; lane < lanes; lane++)
            next[cell + lane] += twice * after[cell + lane] * owed[lane];
    }
    for (size_t s = 0; s < w->geometry.n_speakers; s++)
        for (size_t lane = 0; lane < lanes; lane++)
            sound[lane] += w->speaker_gains[s] * next[w->speaker_cells[s] + lane];
    for (size_t k = 0; k < ET__WAVEFORM_TAPS; k++)
        for (size_t lane = 0; lane < lanes; lane++)
            dwave[k * lanes + lane] += tap[k] * sound[lane];
}

/* Steps segment s again and walks it back. */
static void walk_back(const struct et__waveform *w, struct et__waveform_worker *worker, size_t s,
                      bool knobs)
{
    struct et__waveform_tape *tape = worker->tape;
    struct et__wave_field *field = &worker->field;
    const struct et__design *d = &w->design;
    size_t first = s * tape->length, steps = et__waveform_steps(w), size = field->size;
    size_t n = steps - first < tape->length ? steps - first : tape->length;
    restore(field, tape->checkpoints + s * state_size(field));
    memcpy(tape->fields, field->previous, size * sizeof(float));
    memcpy(tape->fields + size, field->now, size * sizeof(float));
    for (size_t k = 0; k < n; k++) {
        et__waveform_step(w, worker, first + k);
        memcpy(tape->fields + (k + 2) * size, field->now, size * sizeof(float));
    }
    for (size_t k = n; k-- > 0;) {
        const float *before = tape->fields + k * size, *u = before + size;
        owe_ends(w, tape, u + size, first + k);
        if (knobs)
            et__wave_adjoint_gain(
                &w->plan, &tape->adjoint, u, d->x + w->geometry.strip[ET__WAVE_LEFT],
                d->y + w->geometry.strip[ET__WAVE_BOTTOM], d->nx, d->ny, tape->dgain);
        et__wave_adjoint_step(&w->plan, &tape->adjoint, u, before);
    }
}

struct batch {
    struct et__waveform *waveform;
    struct et_view x, dy, dx;
    bool knobs;
};

static void run_group(const struct batch *batch, struct et__waveform_worker *worker, size_t group)
{
    struct et__waveform *w = batch->waveform;
    struct et__waveform_tape *tape = worker->tape;
    size_t first = group * w->lanes, steps = et__waveform_steps(w);
    size_t n = batch->x.rows - first < w->lanes ? batch->x.rows - first : w->lanes;
    struct et_view dx = et_view_rows(batch->dx, first, n);
    et__waveform_load(w, worker, et_view_rows(batch->x, first, n));
    for (size_t step = 0; step < steps; step++) {
        if (step % tape->length == 0)
            save(&worker->field,
                 tape->checkpoints + step / tape->length * state_size(&worker->field));
        et__waveform_step(w, worker, step);
        et__waveform_listen(w, worker, step);
    }
    owe_energies(w, worker, et_view_rows(batch->dy, first, n));
    et__wave_adjoint_clear(&tape->adjoint);
    memset(tape->dwave, 0, (w->total + ET__WAVEFORM_TAPS) * w->lanes * sizeof *tape->dwave);
    memset(tape->dgain, 0, design_cells(w) * w->lanes * sizeof *tape->dgain);
    for (size_t s = (steps + tape->length - 1) / tape->length; s-- > 0;)
        walk_back(w, worker, s, batch->knobs);
    for (size_t lane = 0; lane < n; lane++)
        for (size_t i = 0; i < w->n_in; i++)
            dx.data[lane * dx.stride + i] =
                tape->dwave[(ET__WAVEFORM_BEFORE + i) * w->lanes + lane];
}

static void run_slot(void *user, size_t slot, size_t worker)
{
    const struct batch *batch = user;
    struct et__waveform *w = batch->waveform;
    struct et__waveform_worker *own = &w->workers[worker];
    size_t groups = (batch->x.rows + w->lanes - 1) / w->lanes, cells = design_cells(w);
    double *slope = w->gain_slope + slot * cells;
    memset(slope, 0, cells * sizeof *slope);
    for (size_t group = slot; group < groups; group += SLOTS) {
        run_group(batch, own, group);
        for (size_t c = 0; c < cells; c++)
            for (size_t lane = 0; lane < w->lanes; lane++)
                slope[c] += (double)own->tape->dgain[c * w->lanes + lane];
    }
}

/* Adds the slots up and goes on from C^2 = (c dt / h)^2 to the knobs. */
static void finish_knobs(struct et__waveform *w, float *dknobs)
{
    const struct et__design *d = &w->design;
    size_t cells = design_cells(w);
    double ratio = w->dt / w->geometry.cell;
    for (size_t c = 0; c < cells; c++) {
        const float *speed =
            w->geometry.speeds + (d->y + c / d->nx) * w->geometry.nx + d->x + c % d->nx;
        for (size_t slot = 1; slot < SLOTS; slot++)
            w->gain_slope[c] += w->gain_slope[slot * cells + c];
        w->gain_slope[c] *= 2 * (double)*speed * ratio * ratio;
    }
    et__design_pullback(d, w->gain_slope, dknobs);
}

enum et_status et__waveform_vjp(void *state, const struct et_step *step, struct et_view x,
                                struct et_view dy, struct et_view dx, float *dknobs)
{
    (void)step;
    struct et__waveform *w = state;
    struct batch batch = {w, x, dy, dx, dknobs != NULL && w->design.n_knobs > 0};
    ET_TRY(make_tapes(w));
    et_parallel_for(SLOTS, run_slot, &batch);
    if (batch.knobs) finish_knobs(w, dknobs);
    return ET_OK;
}
