/* SPDX-License-Identifier: Apache-2.0
 *
 * One side of a disturbed system; see disturbance.h for the model. */
#include "disturbance.h"

#include <etalon/parallel.h>
#include <etalon/rng.h>

#include <math.h>

/* clang-format off */
const struct et_param et__disturbance_params[] = {
    {.name = "noise", .kind = ET_PARAM_REAL, .initial = "0", .min = 0, .max = 1e30,
     .doc = "Standard deviation of additive noise, in the unit of this side."},
    {.name = "noise_relative", .kind = ET_PARAM_REAL, .initial = "0", .min = 0, .max = 1e6,
     .doc = "The same as a part of the level: the 94th percentile of |value| in the loudest "
            "channel, measured at open on random drives. Both add up in power."},
    {.name = "noise_multiplicative", .kind = ET_PARAM_REAL, .initial = "0", .min = 0, .max = 1e6,
     .doc = "Standard deviation of a random factor 1 + noise on each value."},
    {.name = "gain_mismatch", .kind = ET_PARAM_REAL, .initial = "0", .min = 0, .max = 1e6,
     .doc = "Standard deviation of the fixed relative gain errors of the channels."},
    {.name = "offset_mismatch", .kind = ET_PARAM_REAL, .initial = "0", .min = 0, .max = 1e30,
     .doc = "Standard deviation of the fixed offsets of the channels, in the unit of this side."},
    {.name = "drift", .kind = ET_PARAM_CHOICE, .initial = "none",
     .choices = "none|linear|wander|power",
     .doc = "Slow change of the gains with the number of the pass."},
    {.name = "drift_amplitude", .kind = ET_PARAM_REAL, .initial = "0.01", .min = 0, .max = 1e6,
     .doc = "Relative gain change: linear, sd after one period; wander, rms."},
    {.name = "drift_period", .kind = ET_PARAM_REAL, .initial = "1000", .min = 1e-3, .max = 1e12,
     .unit = "passes", .doc = "Time scale of the drift."},
    {.name = "drift_exponent", .kind = ET_PARAM_REAL, .initial = "0.05", .min = 0, .max = 10,
     .doc = "Exponent nu of power drift, (1 + t / period)^-nu."},
    {.name = "dead", .kind = ET_PARAM_REALS, .initial = "[]", .min = 0, .max = 65535,
     .doc = "Numbers of dead channels, from 0."},
    {.name = "dead_fraction", .kind = ET_PARAM_REAL, .initial = "0", .min = 0, .max = 1,
     .doc = "Part of the channels that is dead besides, drawn by the seed."},
    {.name = "dead_value", .kind = ET_PARAM_REAL, .initial = "0",
     .doc = "What a dead channel is stuck at, in the unit of this side."},
    {.name = "crosstalk", .kind = ET_PARAM_REAL, .initial = "0", .min = -1e6, .max = 1e6,
     .doc = "Part of both neighbours that leaks into a channel."},
    {.name = "crosstalk_random", .kind = ET_PARAM_REAL, .initial = "0", .min = 0, .max = 1e6,
     .doc = "Sd of the leak from all other channels together: a full matrix drawn by the seed."},
    {0},
};
/* clang-format on */

/* What a number of a side is for: the steps of its streams at one seed. */
enum { DRAW_GAIN, DRAW_OFFSET, DRAW_DEAD, DRAW_CROSSTALK, DRAW_RATE, DRAW_PHASE };

static enum et_status read_dead(struct et__disturbance *d, const struct et_config *config)
{
    const double *list = et_config_reals(config, "dead");
    for (size_t i = 0; i < et_config_count(config, "dead"); i++) {
        size_t channel = (size_t)list[i];
        if ((double)channel != list[i] || channel >= d->n)
            return et_config_error(config, "dead", "there is no channel %g of %zu", list[i], d->n);
        d->dead[channel] = true;
    }
    /* Exactly round(fraction n) channels, whichever come first in a shuffled order. */
    size_t count = (size_t)llround(et_config_real(config, "dead_fraction") * (double)d->n);
    size_t *order = et_alloc(d->n, sizeof *order);
    if (order == NULL) return ET_NOMEM;
    for (size_t c = 0; c < d->n; c++)
        order[c] = c;
    et_rng_shuffle(d->seed, ET_STREAM_MISMATCH, DRAW_DEAD, order, d->n);
    for (size_t i = 0; i < count; i++)
        d->dead[order[i]] = true;
    et_free(order);
    return ET_OK;
}

static enum et_status draw_crosstalk(struct et__disturbance *d, float sd)
{
    if (sd == 0 || d->n < 2) return ET_OK;
    d->crosstalk = et_alloc(d->n * d->n, sizeof *d->crosstalk);
    if (d->crosstalk == NULL) return ET_NOMEM;
    et_rng_fill_normal(d->seed, ET_STREAM_MISMATCH, DRAW_CROSSTALK, 0, d->crosstalk, d->n * d->n);
    float scale = sd / sqrtf((float)(d->n - 1));
    for (size_t i = 0; i < d->n * d->n; i++)
        d->crosstalk[i] *= i % (d->n + 1) == 0 ? 0 : scale;
    return ET_OK;
}

static enum et_status draw_channels(struct et__disturbance *d, const struct et_config *config)
{
    size_t n = d->n;
    d->mismatch = et_alloc(n, sizeof *d->mismatch);
    d->offset = et_alloc(n, sizeof *d->offset);
    d->dead = et_alloc(n, sizeof *d->dead);
    d->gain = et_alloc(n, sizeof *d->gain);
    d->rate = et_alloc(n, sizeof *d->rate);
    d->phase = et_alloc(n * ET__DRIFT_WAVES, sizeof *d->phase);
    if (!d->mismatch || !d->offset || !d->dead || !d->gain || !d->rate || !d->phase)
        return ET_NOMEM;
    et_rng_fill_normal(d->seed, ET_STREAM_MISMATCH, DRAW_GAIN, 0, d->mismatch, n);
    et_rng_fill_normal(d->seed, ET_STREAM_MISMATCH, DRAW_OFFSET, 0, d->offset, n);
    et_rng_fill_normal(d->seed, ET_STREAM_DRIFT, DRAW_RATE, 0, d->rate, n);
    et_rng_fill_uniform(d->seed, ET_STREAM_DRIFT, DRAW_PHASE, 0, 0, 6.28318531F, d->phase,
                        n * ET__DRIFT_WAVES);
    float gain = (float)et_config_real(config, "gain_mismatch");
    float offset = (float)et_config_real(config, "offset_mismatch");
    for (size_t c = 0; c < n; c++) {
        d->mismatch[c] *= gain;
        d->offset[c] *= offset;
    }
    return ET_OK;
}

enum et_status et__disturbance_init(struct et__disturbance *d, const struct et_config *config,
                                    size_t n, uint64_t seed)
{
    d->n = n;
    d->seed = seed;
    d->noise = (float)et_config_real(config, "noise");
    d->noise_multiplicative = (float)et_config_real(config, "noise_multiplicative");
    d->drift = (enum et__drift)et_config_choice(config, "drift");
    d->amplitude = et_config_real(config, "drift_amplitude");
    d->period = et_config_real(config, "drift_period");
    d->exponent = et_config_real(config, "drift_exponent");
    d->dead_value = (float)et_config_real(config, "dead_value");
    d->neighbour = (float)et_config_real(config, "crosstalk");
    ET_TRY(draw_channels(d, config));
    ET_TRY(read_dead(d, config));
    return draw_crosstalk(d, (float)et_config_real(config, "crosstalk_random"));
}

void et__disturbance_deinit(struct et__disturbance *d)
{
    et_free(d->mismatch);
    et_free(d->offset);
    et_free(d->dead);
    et_free(d->crosstalk);
    et_free(d->gain);
    et_free(d->rate);
    et_free(d->phase);
    *d = (struct et__disturbance){0};
}

bool et__disturbance_is_noisy(const struct et__disturbance *d)
{
    return d->noise > 0 || d->noise_multiplicative > 0 || d->drift != ET__DRIFT_NONE;
}

double et__disturbance_drift(const struct et__disturbance *d, uint32_t t, size_t channel)
{
    static const double golden = 1.6180339887498949, turn = 6.283185307179586;
    double time = t / d->period, sum = 0, wave = time;
    switch (d->drift) {
    case ET__DRIFT_NONE:
        break;
    case ET__DRIFT_LINEAR:
        return 1 + d->amplitude * (double)d->rate[channel] * time;
    case ET__DRIFT_WANDER:
        for (size_t j = 0; j < ET__DRIFT_WAVES; j++, wave /= golden)
            sum += sin(turn * wave + (double)d->phase[channel * ET__DRIFT_WAVES + j]);
        return 1 + d->amplitude * sqrt(2.0 / ET__DRIFT_WAVES) * sum;
    case ET__DRIFT_POWER:
        return pow(1 + time, -d->exponent);
    }
    return 1;
}

/* ------------------------------------------------------------------------------- one pass -- */

/* One pass over the rows of a batch, forward or backward. */
struct pass {
    const struct et__disturbance *d;
    const struct et_step *step;
    struct et_view from, to;
    uint64_t additive, multiplicative; /* seeds of this device and run */
};

/* Numbers drawn at a time. */
enum { DRAWN = 64 };

/* out[i] = sd * normal number of (pass, sample, channel first + i): the same in any batch. */
static void draw(const struct pass *pass, uint64_t key, float sd, uint64_t sample, size_t first,
                 float *out, size_t count)
{
    et_rng_fill_normal(key, ET_STREAM_NOISE, pass->step->index, sample * pass->d->n + first, out,
                       count);
    for (size_t i = 0; i < count; i++)
        out[i] *= sd;
}

/* row[c] *= gain of channel c in this pass. */
static void apply_gain(const struct pass *pass, uint64_t sample, float *row)
{
    const struct et__disturbance *d = pass->d;
    for (size_t c = 0; c < d->n; c++)
        row[c] *= d->gain[c];
    if (d->noise_multiplicative == 0) return;
    float factor[DRAWN];
    for (size_t first = 0; first < d->n; first += DRAWN) {
        size_t count = d->n - first < DRAWN ? d->n - first : DRAWN;
        draw(pass, pass->multiplicative, d->noise_multiplicative, sample, first, factor, count);
        for (size_t i = 0; i < count; i++)
            row[first + i] *= 1 + factor[i];
    }
}

static void add_noise(const struct pass *pass, uint64_t sample, float *row)
{
    const struct et__disturbance *d = pass->d;
    if (d->noise == 0) return;
    float added[DRAWN];
    for (size_t first = 0; first < d->n; first += DRAWN) {
        size_t count = d->n - first < DRAWN ? d->n - first : DRAWN;
        draw(pass, pass->additive, d->noise, sample, first, added, count);
        for (size_t i = 0; i < count; i++)
            row[first + i] += added[i];
    }
}

/* a = v + leak; the neighbour term is its own transpose, M is not. */
static void add_crosstalk(const struct et__disturbance *d, const float *v, float *a,
                          bool transposed)
{
    size_t n = d->n;
    for (size_t c = 0; c < n; c++) {
        float left = c > 0 ? v[c - 1] : 0, right = c + 1 < n ? v[c + 1] : 0;
        a[c] = v[c] + d->neighbour * (left + right);
    }
    if (d->crosstalk == NULL) return;
    for (size_t c = 0; c < n; c++)
        for (size_t j = 0; j < n; j++)
            a[c] += d->crosstalk[transposed ? j * n + c : c * n + j] * v[j];
}

static void apply_row(void *user, size_t r, size_t worker)
{
    (void)worker;
    const struct pass *pass = user;
    const struct et__disturbance *d = pass->d;
    uint64_t sample = et_step_sample(pass->step, r);
    float *row = pass->to.data + r * d->n;
    add_crosstalk(d, pass->from.data + r * d->n, row, false);
    apply_gain(pass, sample, row);
    for (size_t c = 0; c < d->n; c++)
        row[c] += d->offset[c];
    add_noise(pass, sample, row);
    for (size_t c = 0; c < d->n; c++)
        if (d->dead[c]) row[c] = d->dead_value;
}

/* The steps that depend on the input, in reverse.  The gradient on the way in is changed. */
static void back_row(void *user, size_t r, size_t worker)
{
    (void)worker;
    const struct pass *pass = user;
    const struct et__disturbance *d = pass->d;
    float *row = pass->from.data + r * d->n;
    for (size_t c = 0; c < d->n; c++)
        if (d->dead[c]) row[c] = 0;
    apply_gain(pass, et_step_sample(pass->step, r), row);
    add_crosstalk(d, row, pass->to.data + r * d->n, true);
}

static void run(struct et__disturbance *d, const struct et_step *step, struct et_view from,
                struct et_view to, et_parallel_body *body)
{
    uint64_t seed = et_rng_derive(step->seed, d->seed);
    struct pass pass = {d, step, from, to, et_rng_derive(seed, 0), et_rng_derive(seed, 1)};
    for (size_t c = 0; c < d->n; c++)
        d->gain[c] = (1 + d->mismatch[c]) * (float)et__disturbance_drift(d, step->index, c);
    et_parallel_for(from.rows, body, &pass);
}

void et__disturbance_apply(struct et__disturbance *d, const struct et_step *step,
                           struct et_view from, struct et_view to)
{
    run(d, step, from, to, apply_row);
}

void et__disturbance_back(struct et__disturbance *d, const struct et_step *step, struct et_view dto,
                          struct et_view dfrom)
{
    run(d, step, dto, dfrom, back_row);
}
