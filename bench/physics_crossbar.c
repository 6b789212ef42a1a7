/* SPDX-License-Identifier: Apache-2.0
 *
 * Crossbar cells against the moments of the published model, on 10^6 samples each; converters,
 * tiles and write-verify programming against their laws. */
#include "crossbar_lines.h"
#include "physics.h"

#include "sim/crossbar/device.h"

#include <etalon/rng.h>
#include <etalon/system.h>

#include <math.h>

enum { SAMPLES = 1000000 };

static void draw(void *user, size_t write, float normal[ET__CELL_NORMALS])
{
    const size_t *index = user;
    et_rng_fill_normal(11, ET_STREAM_MISMATCH, (uint32_t)write, 4 * *index, normal,
                       ET__CELL_NORMALS);
}

static const struct et__cell pcm = {
    .kind = ET__CELL_PCM, .gmax = 25, .programming = 1, .drift = 1, .read = 1};

struct moments {
    double mean, sd;
};

typedef double quantity(const struct et__cell *cell, const struct et__cell_state *state);

static struct moments sample(const struct et__cell *cell, double x, quantity *of)
{
    double sum = 0, square = 0, centre = 0;
    for (size_t i = 0; i < SAMPLES; i++) {
        struct et__cell_state state = et__cell_program(cell, x * cell->gmax, draw, &i);
        double value = of(cell, &state);
        if (i == 0) centre = value;
        sum += value - centre;
        square += (value - centre) * (value - centre);
    }
    double mean = sum / SAMPLES;
    return (struct moments){centre + mean, sqrt(square / SAMPLES - mean * mean)};
}

static double programmed(const struct et__cell *cell, const struct et__cell_state *state)
{
    (void)cell;
    return state->programmed.value;
}

static double now(const struct et__cell *cell, const struct et__cell_state *state)
{
    (void)cell;
    return state->now.value;
}

static double exponent(const struct et__cell *cell, const struct et__cell_state *state)
{
    return log(state->programmed.value / state->now.value) / log1p(cell->age / 20);
}

/* Larger of the relative errors of mean and sd. */
static double off(struct moments got, struct moments want)
{
    return fmax(fabs(got.mean / want.mean - 1), fabs(got.sd / want.sd - 1));
}

static enum et_status pcm_programming(double *error)
{
    *error = 0;
    for (size_t i = 0; i < 2; i++) {
        const double x = i == 0 ? 0.25 : 1;
        double sd = 0.26348 + 1.9650 * x - 1.1731 * x * x;
        *error = fmax(*error, off(sample(&pcm, x, programmed), (struct moments){25 * x, sd}));
    }
    return ET_OK;
}

/* |N(mu, s)|. */
static struct moments folded(double mu, double s)
{
    double mean =
        s * sqrt(2 / acos(-1)) * exp(-mu * mu / (2 * s * s)) + mu * erf(mu / (s * sqrt(2)));
    return (struct moments){mean, sqrt(mu * mu + s * s - mean * mean)};
}

static enum et_status pcm_exponent(double *error)
{
    struct et__cell cell = pcm;
    cell.age = 2.592e6;
    cell.programming = 0;
    *error = off(sample(&cell, 1, exponent), folded(0.049, 0.008));
    double ln = log(0.1);
    struct moments want = folded(-0.0155 * ln + 0.0244, -0.0125 * ln - 0.0059);
    *error = fmax(*error, off(sample(&cell, 0.1, exponent), want));
    return ET_OK;
}

/* ln g over ln(t / t0) of one cell: the largest departure from the straight line through 1 s. */
static enum et_status pcm_power_law(double *error)
{
    struct et__cell cell = pcm;
    double first = 0;
    *error = 0;
    for (cell.age = 1; cell.age < 1e8; cell.age *= 10) {
        size_t i = 5;
        struct et__cell_state state = et__cell_program(&cell, 12, draw, &i);
        double slope = log(state.now.value / state.programmed.value) / log((cell.age + 20) / 20);
        if (cell.age <= 1) first = slope;
        *error = fmax(*error, fabs(slope / first - 1));
    }
    return ET_OK;
}

/* E[(t / t0)^-nu] of a normal exponent. */
static enum et_status pcm_mean(double *error)
{
    struct et__cell cell = pcm;
    cell.age = 3600;
    double ln = log1p(3600.0 / 20), factor = exp(-0.049 * ln + 0.5 * pow(0.008 * ln, 2));
    *error = fabs(sample(&cell, 0.8, now).mean / (20 * factor) - 1);
    return ET_OK;
}

/* Outputs of a system: four pairs, all inputs 1, so the variance of a read is the cells' sum. */
static enum et_status pcm_read(double *error)
{
    static const double w[4] = {0.9, -0.5, 0.25, 0.05};
    struct moments want = {0}, got = {0};
    for (int i = 0; i < 4; i++) {
        double q = fmin(0.2, 0.0088 / pow(fabs(w[i]), 0.65));
        want.mean += w[i];
        want.sd += pow(w[i] * q, 2) * log((20 + 250e-9) / 500e-9);
    }
    want.sd = sqrt(want.sd);
    struct et__crossbar_lines lines;
    ET_TRY(
        et__crossbar_lines_open("{type: crossbar, n_in: 4, n_out: 1, weights: [0.9, -0.5, 0.25, "
                                "0.05], noise: {programming: 0}, dac: {bits: 0}, adc: {bits: 0}}",
                                SAMPLES, &lines));
    for (size_t i = 0; i < (size_t)4 * SAMPLES; i++)
        lines.x.data[i] = 1;
    enum et_status status = et__crossbar_lines_run(&lines);
    for (size_t i = 0; i < SAMPLES; i++)
        got.mean += (double)lines.y.data[i] / SAMPLES;
    for (size_t i = 0; i < SAMPLES; i++)
        got.sd += pow((double)lines.y.data[i] - got.mean, 2) / SAMPLES;
    got.sd = sqrt(got.sd);
    *error = off(got, want);
    et__crossbar_lines_close(&lines);
    return status;
}

/* The measured sd at 1 s, 1 day and 2 days, also with a gmax that is not the fit's. */
static enum et_status reram(double *error)
{
    static const double age[3] = {1, 86400, 172800}, x = 0.6;
    static const double want[3][5] = {{0.348, 16.030, -43.853, 45.393, -16.815},
                                      {0.701, 22.086, -50.773, 47.095, -16.458},
                                      {0.782, 20.274, -43.507, 37.062, -11.934}};
    *error = 0;
    for (int i = 0; i < 3; i++) {
        struct et__cell cell = {
            .kind = ET__CELL_RERAM, .gmax = i == 1 ? 40 : 80, .programming = 1, .age = age[i]};
        double sd = 0;
        for (int k = 4; k >= 0; k--)
            sd = sd * x + want[i][k];
        sd *= cell.gmax / 40;
        *error = fmax(*error, off(sample(&cell, x, now), (struct moments){x * cell.gmax, sd}));
    }
    return ET_OK;
}

/* Attempts are independent, so (1 - p)^k of the cells fail, p = P(|N| <= tolerance / sd). */
static enum et_status write_verify(double *error)
{
    struct et__cell cell = pcm;
    cell.tolerance = 0.5;
    *error = 0;
    for (cell.writes = 2; cell.writes <= 6; cell.writes += 2) {
        size_t failed = 0;
        for (size_t i = 0; i < SAMPLES; i++)
            failed += !et__cell_program(&cell, 12.5, draw, &i).verified;
        double sd = et__cell_write_sd(&cell, 12.5).value;
        double left = pow(erfc(0.5 / sd / sqrt(2)), (double)cell.writes);
        *error = fmax(*error, fabs((double)failed / SAMPLES / left - 1));
    }
    return ET_OK;
}

/* Cells that passed: a normal distribution cut off at the tolerance. */
static enum et_status verified_sd(double *error)
{
    struct et__cell cell = pcm;
    cell.tolerance = 0.5;
    cell.writes = 60;
    double sd = et__cell_write_sd(&cell, 12.5).value, a = cell.tolerance / sd;
    double density = exp(-0.5 * a * a) / sqrt(2 * acos(-1));
    double cut = sd * sqrt(1 - 2 * a * density / erf(a / sqrt(2)));
    *error = off(sample(&cell, 0.5, programmed), (struct moments){12.5, cut});
    return ET_OK;
}

const struct et__physics_check et__physics_crossbar[] = {
    {"crossbar", "PCM programming: mean and sd of 1e6 cells", "1", 0.01, pcm_programming},
    {"crossbar", "PCM drift exponent: mean and sd of 1e6 cells", "1", 0.01, pcm_exponent},
    {"crossbar", "PCM drift of one cell, 1 s to 1e7 s: power law", "1", 1e-12, pcm_power_law},
    {"crossbar", "PCM drift: mean conductance of 1e6 cells after 1 h", "1", 1e-3, pcm_mean},
    {"crossbar", "PCM 1/f noise: mean and sd of 1e6 reads of one output", "1", 0.01, pcm_read},
    {"crossbar", "ReRAM at 1 s, 1 d, 2 d: mean and sd of 1e6 cells", "1", 0.01, reram},
    {"crossbar", "write-verify: failing cells after 2, 4, 6 writes", "1", 0.01, write_verify},
    {"crossbar", "write-verify: sd of what passed, a cut normal law", "1", 0.01, verified_sd},
    {0},
};
