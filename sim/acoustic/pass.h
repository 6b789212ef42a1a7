/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of a pass that compute in the precision of the field.  pass.c includes this file for
 * each REAL; PASS(name) gives each copy its own names. */

/* drives [n_in][lanes] = source x; lanes without a sample stay silent. */
static void PASS(load)(const struct et__acoustic *a, struct et__acoustic_worker *w,
                       struct et_view x)
{
    REAL *drives = w->drives;
    for (size_t i = 0; i < a->n_in; i++)
        for (size_t lane = 0; lane < a->lanes; lane++)
            drives[i * a->lanes + lane] =
                lane < x.rows ? (REAL)a->source_Pa * (REAL)x.data[lane * x.stride + i] : (REAL)0;
}

LANES_INLINE void PASS(play_lanes)(const struct et__acoustic *a, struct et__acoustic_worker *w,
                                   size_t first, size_t steps, const size_t lanes)
{
    size_t n = a->signal.n_carriers;
    REAL *sound = w->sound;
    for (size_t step = first; step < first + steps; step++) {
        const REAL *tones = (const REAL *)a->signal.tones + step * n, *drive = w->drives;
        for (size_t s = 0; s < a->geometry.n_speakers; s++, sound += lanes) {
            REAL sum[ET__WAVE_LANES] = {0};
            for (size_t c = 0; c < n; c++, drive += lanes)
                for (size_t lane = 0; lane < lanes; lane++)
                    sum[lane] += tones[c] * drive[lane];
            for (size_t lane = 0; lane < lanes; lane++)
                sound[lane] = sum[lane];
        }
    }
}

/* What the loudspeakers emit at the next steps. */
ET_VECTOR_CLONES static void PASS(play)(const struct et__acoustic *a, struct et__acoustic_worker *w,
                                        size_t first, size_t steps)
{
    if (a->lanes == 1)
        PASS(play_lanes)(a, w, first, steps, 1);
    else
        PASS(play_lanes)(a, w, first, steps, ET__WAVE_LANES);
}

LANES_INLINE void PASS(analyse_lanes)(const struct et__acoustic *a,
                                      const struct et__acoustic_worker *w, struct et_view y,
                                      const size_t lanes)
{
    const struct et__acoustic_signal *s = &a->signal;
    const REAL *cosines = s->cosines, *sines = s->sines;
    size_t n = a->geometry.n_microphones;
    for (size_t m = 0; m < n; m++) {
        for (size_t b = 0; b < s->n_bins; b++) {
            REAL re[ET__WAVE_LANES] = {0}, im[ET__WAVE_LANES] = {0};
            for (size_t i = 0; i < s->window; i++) {
                const REAL *u = (const REAL *)w->trace + (i * n + m) * lanes;
                REAL cosine = cosines[i * s->n_bins + b], sine = sines[i * s->n_bins + b];
                for (size_t lane = 0; lane < lanes; lane++) {
                    re[lane] += cosine * u[lane];
                    im[lane] += sine * u[lane];
                }
            }
            for (size_t lane = 0; lane < y.rows; lane++)
                y.data[lane * y.stride + m * s->n_bins + b] =
                    (float)SQRT(re[lane] * re[lane] + im[lane] * im[lane]);
        }
    }
}

/* y[lane][m, b] = magnitude of the spectrum of microphone m in bin b. */
ET_VECTOR_CLONES static void PASS(analyse)(const struct et__acoustic *a,
                                           const struct et__acoustic_worker *w, struct et_view y)
{
    if (a->lanes == 1)
        PASS(analyse_lanes)(a, w, y, 1);
    else
        PASS(analyse_lanes)(a, w, y, ET__WAVE_LANES);
}
