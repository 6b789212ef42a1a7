/* SPDX-License-Identifier: Apache-2.0
 *
 * Published statistics of memory cells, x = g / gmax.
 *
 * PCM.  Source: S. R. Nandakumar et al., ICECS 2019, doi:10.1109/ICECS46596.2019.8964852, with the
 * constants of the IBM Analog Hardware Acceleration Kit (M. J. Rasch et al., AICAS 2021,
 * arXiv:2104.02184):
 *
 *     programming  g0 = max(0, g + s N),  s = (0.26348 + 1.9650 x - 1.1731 x^2) uS gmax / 25 uS
 *     drift        gd = g0 (t / t0)^-nu,  t = age + t0, t0 = 20 s,  nu = |mu + sigma N|,
 *                  mu = clip(-0.0155 ln x + 0.0244, 0.049, 0.1),
 *                  sigma = clip(-0.0125 ln x - 0.0059, 0.008, 0.045)
 *     1/f noise    sd = gd Q sqrt(ln((t + t_read) / (2 t_read))), t_read = 250 ns,
 *                  Q = min(0.2, 0.0088 / x0^0.65), x0 = g0 / gmax
 *
 * ReRAM.  Source: W. Wan et al., Nature 608, 504 (2022), doi:10.1038/s41586-022-04992-8;
 * polynomials of the same toolkit for the deviation from the target 1 s, 1 day and 2 days after
 * programming, fitted at gmax = 40 uS.  Between these times the sd is interpolated in ln t.  The
 * toolkit means to rescale the polynomials with gmax / 40 uS but divides by gmax itself (it sets
 * one name and reads another), so that its spread stays that of 40 uS; here it is rescaled.
 * Deviations grow as a random walk: what comes after the first second is independent of what
 * programming left. */
#include "device.h"

#include <math.h>

const double et__cell_t0 = 20, et__cell_t_read = 250e-9;

static const double day = 86400;
static const double one_second[5] = {0.348, 16.030, -43.853, 45.393, -16.815};
static const double one_day[5] = {0.701, 22.086, -50.773, 47.095, -16.458};
static const double two_days[5] = {0.782, 20.274, -43.507, 37.062, -11.934};

double et__cell_reference(enum et__cell_kind kind)
{
    return kind == ET__CELL_RERAM ? 40 : 25;
}

double et__cell_age_max(enum et__cell_kind kind)
{
    return kind == ET__CELL_RERAM ? 2 * day : 1e10;
}

/* A polynomial of x in uS at the reference gmax, by the target. */
static struct et__dual polynomial(const struct et__cell *cell, const double *c, size_t n, double x)
{
    double value = 0, slope = 0;
    for (size_t i = n; i-- > 0;) {
        slope = slope * x + value;
        value = value * x + c[i];
    }
    double scale = cell->programming / et__cell_reference(cell->kind);
    return (struct et__dual){value * scale * cell->gmax, slope * scale};
}

/* ReRAM at an age: linear in ln t between the measured times. */
static struct et__dual deviation(const struct et__cell *cell, double target, double age)
{
    double x = target / cell->gmax;
    struct et__dual first = polynomial(cell, one_second, 5, x);
    if (age <= 1) return first;
    struct et__dual middle = polynomial(cell, one_day, 5, x);
    double part = log(age) / log(day);
    if (age > day) {
        first = middle;
        middle = polynomial(cell, two_days, 5, x);
        part = fmin(1, log(age / day) / log(2));
    }
    return (struct et__dual){first.value + part * (middle.value - first.value),
                             first.slope + part * (middle.slope - first.slope)};
}

struct et__dual et__cell_write_sd(const struct et__cell *cell, double target)
{
    static const double pcm[3] = {0.26348, 1.9650, -1.1731};
    if (cell->kind == ET__CELL_IDEAL) return (struct et__dual){0, 0};
    if (cell->kind == ET__CELL_RERAM) return deviation(cell, target, 1);
    return polynomial(cell, pcm, 3, target / cell->gmax);
}

/* clip(slope ln x + offset, low, high). */
static struct et__dual clipped(const struct et__cell *cell, double target, double slope,
                               double offset, double low, double high)
{
    double x = fmax(target / cell->gmax, 1e-7), value = slope * log(x) + offset;
    if (value <= low) return (struct et__dual){low, 0};
    if (value >= high) return (struct et__dual){high, 0};
    return (struct et__dual){value, slope / (x * cell->gmax)};
}

struct et__dual et__cell_drift_mean(const struct et__cell *cell, double target)
{
    return clipped(cell, target, -0.0155, 0.0244, 0.049, 0.1);
}

struct et__dual et__cell_drift_sd(const struct et__cell *cell, double target)
{
    return clipped(cell, target, -0.0125, -0.0059, 0.008, 0.045);
}

static struct et__dual drifted(const struct et__cell *cell, double target, struct et__dual g0,
                               double normal)
{
    struct et__dual mean = et__cell_drift_mean(cell, target);
    struct et__dual sd = et__cell_drift_sd(cell, target);
    double nu = mean.value + sd.value * normal, slope = mean.slope + sd.slope * normal;
    double sign = (nu < 0 ? -1 : 1) * cell->drift;
    double ln = log1p(cell->age / et__cell_t0), factor = exp(-sign * nu * ln);
    return (struct et__dual){g0.value * factor, (g0.slope - g0.value * sign * slope * ln) * factor};
}

static struct et__dual flicker(const struct et__cell *cell, struct et__dual g0, struct et__dual g)
{
    double t = cell->age + et__cell_t0;
    double spread = cell->read * sqrt(log((t + et__cell_t_read) / (2 * et__cell_t_read)));
    double q = g0.value > 0 ? 0.0088 * pow(g0.value / cell->gmax, -0.65) : INFINITY, q_slope = 0;
    if (q < 0.2)
        q_slope = -0.65 * q / g0.value * g0.slope;
    else
        q = 0.2;
    return (struct et__dual){spread * q * g.value, spread * (q * g.slope + q_slope * g.value)};
}

/* What ReRAM adds after the first second: sd such that the variances add up to the measured one. */
static struct et__dual relaxed(const struct et__cell *cell, double target, struct et__dual written,
                               double normal)
{
    struct et__dual first = deviation(cell, target, 1);
    struct et__dual later = deviation(cell, target, cell->age);
    double variance = later.value * later.value - first.value * first.value;
    if (variance <= 0) return written;
    double sd = sqrt(variance);
    double slope = (later.value * later.slope - first.value * first.slope) / sd;
    return (struct et__dual){fmax(0, written.value + sd * normal), written.slope + slope * normal};
}

/* Writes until the cell is within the tolerance or the attempts are used up. */
static void write_cell(const struct et__cell *cell, double target, et__cell_draw *draw, void *user,
                       float normal[ET__CELL_NORMALS], struct et__cell_state *state)
{
    struct et__dual sd = et__cell_write_sd(cell, target);
    size_t allowed = cell->writes > 1 ? cell->writes : 1;
    for (state->writes = 0; state->writes < allowed && !state->verified;) {
        float fresh[ET__CELL_NORMALS];
        draw(user, state->writes, state->writes == 0 ? normal : fresh);
        double n = (double)(state->writes == 0 ? normal : fresh)[ET__CELL_WRITE];
        state->programmed.value = fmax(0, target + sd.value * n);
        state->programmed.slope = 1 + sd.slope * n;
        state->writes++;
        state->verified =
            cell->writes <= 1 || fabs(state->programmed.value - target) <= cell->tolerance;
    }
}

struct et__cell_state et__cell_program(const struct et__cell *cell, double target,
                                       et__cell_draw *draw, void *user)
{
    struct et__cell_state state = {.programmed = {target, 1}};
    float normal[ET__CELL_NORMALS] = {0};
    if (cell->kind == ET__CELL_IDEAL) {
        state.writes = 1;
        state.verified = true;
        if (cell->white > 0) draw(user, 0, normal);
    } else {
        write_cell(cell, target, draw, user, normal, &state);
    }
    state.now = state.programmed;
    state.held = normal[ET__CELL_HELD];
    if (cell->kind == ET__CELL_PCM) {
        if (cell->age > 0)
            state.now = drifted(cell, target, state.programmed, (double)normal[ET__CELL_DRIFT]);
        if (cell->read > 0) state.read = flicker(cell, state.programmed, state.now);
    } else if (cell->kind == ET__CELL_RERAM && cell->age > 1) {
        state.now = relaxed(cell, target, state.programmed, (double)normal[ET__CELL_RELAX]);
    }
    if (cell->white > 0) {
        double white = cell->white * cell->gmax, sd = hypot(state.read.value, white);
        state.read.slope *= state.read.value / sd;
        state.read.value = sd;
    }
    return state;
}
