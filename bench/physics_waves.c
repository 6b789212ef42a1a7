/* SPDX-License-Identifier: Apache-2.0
 *
 * The wave kernel against what is known in closed form.  Lengths are in cells, times in steps. */
#include "physics.h"
#include "wave_tank.h"

#include <etalon/rng.h>

#include <math.h>
#include <string.h>

/* -------------------------------------------------------------------------- standing modes -- */

static double mode(double kx, double ky, size_t x, size_t y)
{
    return cos(kx * ((double)x + 0.5)) * cos(ky * ((double)y + 0.5));
}

/* Mode (kx, ky) of the rigid box, in radians per cell, at phase 0 of w radians per step. */
static void start_mode(struct tank *t, double kx, double ky, double w)
{
    for (size_t y = 0; y < t->ny; y++)
        for (size_t x = 0; x < t->nx; x++)
            set(t, x, y, mode(kx, ky, x, y), mode(kx, ky, x, y) * cos(w));
}

/* Largest distance of the field from the mode at an amplitude. */
static double off_mode(const struct tank *t, double kx, double ky, double amplitude)
{
    double worst = 0;
    for (size_t y = 0; y < t->ny; y++)
        for (size_t x = 0; x < t->nx; x++)
            worst = fmax(worst, fabs(now(t, x, y) - amplitude * mode(kx, ky, x, y)));
    return worst;
}

/* Amplitude of the mode in the field. */
static double project(const struct tank *t, double kx, double ky)
{
    double sum = 0, norm = 0;
    for (size_t y = 0; y < t->ny; y++)
        for (size_t x = 0; x < t->nx; x++) {
            sum += mode(kx, ky, x, y) * now(t, x, y);
            norm += pow(mode(kx, ky, x, y), 2);
        }
    return sum / norm;
}

/* Symbol of an axis over 4: of -Lx, or of -(Lx - Lx^2 / 12). */
static double symbol(int order, double k)
{
    double s = pow(sin(0.5 * k), 2);
    return order == 2 ? s : s + s * s / 3;
}

/* sin^2(w / 2) = C^2 (symbols): an eigenvector of the box turns by this w.  Largest error of its
 * amplitude. */
static enum et_status dispersion(int order, enum et__wave_precision precision, double *error)
{
    static const struct {
        size_t nx, ny, m, n;
        double courant;
    } cases[] = {
        {48, 24, 3, 1, 0.6}, {33, 50, 7, 12, 0.61}, {64, 64, 1, 0, 0.5}, {20, 21, 19, 20, 0.6}};
    enum { STEPS = 120 };
    *error = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double kx = M_PI * (double)cases[i].m / (double)cases[i].nx;
        double ky = M_PI * (double)cases[i].n / (double)cases[i].ny;
        struct tank t;
        enum et_status status =
            make_tank(&t, cases[i].nx, cases[i].ny, cases[i].courant, order, precision);
        if (status == ET_OK) status = start_tank(&t);
        if (status == ET_OK) {
            double w = 2 * asin(sqrt(t.courant2[0] * (symbol(order, kx) + symbol(order, ky))));
            start_mode(&t, kx, ky, w);
            for (size_t step = 1; step <= STEPS; step++) {
                advance(&t, 1);
                *error = fmax(*error, fabs(project(&t, kx, ky) - cos(w * (double)step)));
            }
        }
        free_tank(&t);
        ET_TRY(status);
    }
    return ET_OK;
}

static enum et_status dispersion_2_single(double *error)
{
    return dispersion(2, ET__WAVE_SINGLE, error);
}
static enum et_status dispersion_2_double(double *error)
{
    return dispersion(2, ET__WAVE_DOUBLE, error);
}
static enum et_status dispersion_4_single(double *error)
{
    return dispersion(4, ET__WAVE_SINGLE, error);
}
static enum et_status dispersion_4_double(double *error)
{
    return dispersion(4, ET__WAVE_DOUBLE, error);
}

/* Error of the lowest mode of the continuous box after 5.3 radians, on n x n cells.  In order 4 the
 * time step shrinks with h^2, so that order 2 in time does not show. */
static enum et_status mode_error(int order, size_t n, double *error)
{
    double courant = order == 2 ? 0.6 : 0.6 * 8 / (double)n, k = M_PI / (double)n;
    size_t steps = order == 2 ? 2 * n : n * n / 4;
    struct tank t;
    enum et_status status = make_tank(&t, n, n, courant, order, ET__WAVE_DOUBLE);
    if (status == ET_OK) status = start_tank(&t);
    if (status == ET_OK) {
        double w = courant * k * sqrt(2.0);
        start_mode(&t, k, k, w);
        advance(&t, steps);
        *error = off_mode(&t, k, k, cos(w * (double)steps));
    }
    free_tank(&t);
    return status;
}

/* Distance of the measured order of convergence from the promised one. */
static enum et_status convergence(int order, double *error)
{
    double coarse, fine;
    ET_TRY(mode_error(order, 24, &coarse));
    ET_TRY(mode_error(order, 48, &fine));
    *error = fabs(log2(coarse / fine) - order);
    return ET_OK;
}

static enum et_status convergence_2(double *error)
{
    return convergence(2, error);
}
static enum et_status convergence_4(double *error)
{
    return convergence(4, error);
}

/* ----------------------------------------------------------------------- energy and reversal -- */

/* Box with rigid bodies, two speeds, and a random field. */
static enum et_status make_busy_box(struct tank *t, int order, enum et__wave_precision precision)
{
    ET_TRY(make_tank(t, 37, 29, order == 2 ? 0.65 : 0.6, order, precision));
    size_t cells = t->nx * t->ny;
    float *random = et_alloc(2 * cells, sizeof *random);
    if (!random) return ET_NOMEM;
    et_rng_fill_uniform(5, ET_STREAM_USER, 0, 0, -1, 1, random, 2 * cells);
    for (size_t i = 0; i < cells; i++) {
        if (i % t->nx > 20) t->courant2[i] = (double)0.2F;
        if (random[i] > 0.8F) t->courant2[i] = 0;
    }
    enum et_status status = start_tank(t);
    for (size_t i = 0; status == ET_OK && i < cells; i++)
        if (t->courant2[i] > 0)
            set(t, i % t->nx, i / t->nx, (double)random[cells + i], (double)random[cells + i]);
    et_free(random);
    return status;
}

static bool is_open(const struct tank *t, size_t x, size_t y)
{
    return x < t->nx && y < t->ny && t->courant2[y * t->nx + x] > 0;
}

/* out = second difference of u along an axis with its closed faces. */
static void second_difference(const struct tank *t, const double *u, bool along_x, double *out)
{
    for (size_t y = 0; y < t->ny; y++)
        for (size_t x = 0; x < t->nx; x++) {
            size_t i = y * t->nx + x, step = along_x ? 1 : t->nx;
            out[i] = 0;
            if (!is_open(t, x, y)) continue;
            if (along_x ? is_open(t, x + 1, y) : is_open(t, x, y + 1)) out[i] += u[i + step] - u[i];
            if (along_x ? is_open(t, x - 1, y) : is_open(t, x, y - 1)) out[i] += u[i - step] - u[i];
        }
}

/* E = 1/2 sum (u - u_before)^2 / C^2 - 1/2 sum u L u_before; work has 4 numbers a cell. */
static double energy(const struct tank *t, double *work)
{
    size_t cells = t->nx * t->ny;
    double sum = 0, *old = work, *first = work + cells, *twice = work + 2 * cells;
    for (size_t i = 0; i < cells; i++)
        old[i] = before(t, i % t->nx, i / t->nx);
    for (int axis = 0; axis < 2; axis++) {
        second_difference(t, old, axis == 0, first);
        second_difference(t, first, axis == 0, twice);
        for (size_t i = 0; i < cells; i++) {
            double l = first[i] - (t->plan.order == 4 ? twice[i] / 12 : 0);
            sum -= 0.5 * now(t, i % t->nx, i / t->nx) * l;
        }
    }
    for (size_t i = 0; i < cells; i++) {
        double change = now(t, i % t->nx, i / t->nx) - old[i];
        double courant2 = t->courant2[i];
        if (t->plan.precision == ET__WAVE_SINGLE) courant2 = (double)(float)courant2;
        if (courant2 > 0) sum += 0.5 * change * change / courant2;
    }
    return sum;
}

/* Relative drift over 10^5 steps. */
static enum et_status drift(int order, enum et__wave_precision precision, double *error)
{
    struct tank t;
    double *work = NULL;
    enum et_status status = make_busy_box(&t, order, precision);
    *error = 0;
    if (status == ET_OK && !(work = et_alloc(4 * t.nx * t.ny, sizeof *work))) status = ET_NOMEM;
    if (status == ET_OK) {
        double start = energy(&t, work);
        for (size_t i = 0; i < 100; i++) {
            advance(&t, 1000);
            *error = fmax(*error, fabs(energy(&t, work) / start - 1));
        }
    }
    et_free(work);
    free_tank(&t);
    return status;
}

static enum et_status drift_2_single(double *error)
{
    return drift(2, ET__WAVE_SINGLE, error);
}
static enum et_status drift_2_double(double *error)
{
    return drift(2, ET__WAVE_DOUBLE, error);
}
static enum et_status drift_4_double(double *error)
{
    return drift(4, ET__WAVE_DOUBLE, error);
}

/* Swapping the two time levels runs the film backwards. */
static enum et_status reversal(double *error)
{
    struct tank t;
    void *start = NULL;
    enum et_status status = make_busy_box(&t, 4, ET__WAVE_DOUBLE);
    if (status == ET_OK && !(start = et_alloc(t.field.size, t.field.real))) status = ET_NOMEM;
    *error = 0;
    if (status == ET_OK) {
        memcpy(start, t.field.now, t.field.size * t.field.real);
        advance(&t, 600);
        void *level = t.field.now;
        t.field.now = t.field.previous;
        t.field.previous = level;
        advance(&t, 600);
        for (size_t i = 0; i < t.field.size; i++)
            *error = fmax(*error, fabs(((double *)t.field.previous)[i] - ((double *)start)[i]));
    }
    et_free(start);
    free_tank(&t);
    return status;
}

/* ------------------------------------------------------------------------------ point source -- */

static double pulse(double time)
{
    double phase = (time - 60) / 16;
    return exp(-phase * phase);
}

/* u(r, t) = 1/(2 pi) int_0^(t - r/c) S(s) / sqrt((t - s)^2 - r^2/c^2) ds, with t - s = (r/c)
 * cosh(q) = 1/(2 pi) int_0^inf S(t - (r/c) cosh q) dq. */
static double point_source(double r, double time, double courant)
{
    double sum = 0, dq = 1e-3, delay = r / courant;
    for (double q = 0.5 * dq; delay * cosh(q) < time + 20; q += dq)
        sum += pulse(time - delay * cosh(q)) * dq;
    return sum / (2 * M_PI);
}

/* Relative to the largest value. */
static enum et_status greens_function(int order, double *error)
{
    static const size_t places[][2] = {{30, 0}, {0, 45}, {25, 25}, {40, 13}};
    enum { N = 281, CENTRE = 140, STEPS = 190 };
    double courant = 0.6, worst = 0, largest = 0;
    struct tank t;
    enum et_status status = make_tank(&t, N, N, courant, order, ET__WAVE_DOUBLE);
    if (status == ET_OK) status = start_tank(&t);
    for (size_t step = 0; status == ET_OK && step < STEPS; step++) {
        advance(&t, 1);
        add(&t, CENTRE, CENTRE, courant * courant * pulse((double)step));
        for (size_t i = 0; step % 10 == 9 && i < 4; i++) {
            double r = hypot((double)places[i][0], (double)places[i][1]);
            double want = point_source(r, (double)step + 1, courant);
            worst = fmax(worst, fabs(now(&t, CENTRE + places[i][0], CENTRE + places[i][1]) - want));
            largest = fmax(largest, fabs(want));
        }
    }
    *error = worst / largest;
    free_tank(&t);
    return status;
}

static enum et_status greens_function_2(double *error)
{
    return greens_function(2, error);
}
static enum et_status greens_function_4(double *error)
{
    return greens_function(4, error);
}

const struct et__physics_check et__physics_waves[] = {
    {"acoustic", "discrete dispersion, order 2, single", "1", 1e-5, dispersion_2_single},
    {"acoustic", "discrete dispersion, order 2, double", "1", 1e-13, dispersion_2_double},
    {"acoustic", "discrete dispersion, order 4, single", "1", 1e-5, dispersion_4_single},
    {"acoustic", "discrete dispersion, order 4, double", "1", 1e-13, dispersion_4_double},
    {"acoustic", "order of convergence of a box mode: 2", "1", 0.05, convergence_2},
    {"acoustic", "order of convergence of a box mode: 4, dt as h^2", "1", 0.05, convergence_4},
    {"acoustic", "energy over 1e5 steps, order 2, single", "1", 3e-5, drift_2_single},
    {"acoustic", "energy over 1e5 steps, order 2, double", "1", 1e-12, drift_2_double},
    {"acoustic", "energy over 1e5 steps, order 4, double", "1", 1e-12, drift_4_double},
    {"acoustic", "time reversal over 600 steps, order 4, double", "1", 1e-11, reversal},
    {"acoustic", "2-D Green's function, order 2", "1", 5e-3, greens_function_2},
    {"acoustic", "2-D Green's function, order 4", "1", 5e-3, greens_function_4},
    {0},
};
