/* SPDX-License-Identifier: Apache-2.0
 *
 * One pass: loudspeakers play, the cavity rings, microphones listen, spectra are taken. */
#include "acoustic.h"

#include <math.h>
#include <string.h>

/* Inlined with a constant number of lanes, which the compiler turns into vectors. */
#define LANES_INLINE static inline __attribute__((always_inline))

#define REAL       float
#define SQRT       sqrtf
#define PASS(name) single_##name
#include "pass.h"
#undef REAL
#undef SQRT
#undef PASS
#define REAL       double
#define SQRT       sqrt
#define PASS(name) double_##name
#include "pass.h"

/* Adds u^2 of the membrane cells to energy[lane]. */
static void weigh_membranes(const struct et__acoustic *a, const struct et__acoustic_worker *w,
                            double *energy, size_t n)
{
    const struct et__acoustic_geometry *g = &a->geometry;
    for (size_t c = 0; c < g->nx * g->ny; c++) {
        if (g->membrane[c] == 0) continue;
        size_t at = et__wave_at(&w->field, c % g->nx + g->strip[ET__WAVE_LEFT],
                                c / g->nx + g->strip[ET__WAVE_BOTTOM]);
        for (size_t lane = 0; lane < n; lane++) {
            double u = et__wave_get(g->precision, w->field.now, at + lane);
            energy[lane] += u * u;
        }
    }
}

/* Number of steps that may pass from `step` on before something looks at the field. */
static size_t steps_ahead(const struct et__acoustic *a, size_t step, bool weigh, bool observe)
{
    const struct et__acoustic_signal *s = &a->signal;
    size_t end = step < s->transient ? s->transient : s->transient + s->window;
    size_t n = end - step < ET__ACOUSTIC_CHUNK ? end - step : ET__ACOUSTIC_CHUNK;
    if (weigh && step >= s->transient) n = 1;
    if (observe) {
        size_t until = (a->observed.every - step % a->observed.every) % a->observed.every + 1;
        if (until < n) n = until;
    }
    return n;
}

void et__acoustic_pass(struct et__acoustic *a, struct et__acoustic_worker *w, struct et_view x,
                       struct et_view y, double *energy, bool observe)
{
    const struct et__acoustic_signal *s = &a->signal;
    bool single = a->geometry.precision == ET__WAVE_SINGLE;
    size_t heard = a->geometry.n_microphones * a->lanes * w->field.real; /* bytes of a step */
    (single ? single_load : double_load)(a, w, x);
    et__wave_field_clear(&w->field);
    if (energy) memset(energy, 0, x.rows * sizeof *energy);
    for (size_t step = 0, n; step < s->transient + s->window; step += n) {
        bool listening = step >= s->transient;
        n = steps_ahead(a, step, energy != NULL, observe);
        (single ? single_play : double_play)(a, w, step, n);
        void *trace = listening ? (char *)w->trace + (step - s->transient) * heard : NULL;
        et__wave_run(&a->plan, &w->field, &a->ports, n, w->sound, trace);
        size_t last = step + n - 1;
        if (observe && last % a->observed.every == 0)
            et__acoustic_show(&a->geometry, &w->field, &a->observed, a->frame, last, s->dt);
        if (energy && listening) weigh_membranes(a, w, energy, x.rows);
    }
    (single ? single_analyse : double_analyse)(a, w, y);
}
