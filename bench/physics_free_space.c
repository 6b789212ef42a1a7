/* SPDX-License-Identifier: Apache-2.0
 *
 * Free space against solutions in closed form, a direct sum, and what must be conserved. */
#include "physics.h"

#include "sim/kernels/angular.h"

#include <etalon/array.h>
#include <etalon/rng.h>

#include <complex.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#define PI         3.14159265358979323846
#define WAVELENGTH 500e-9
#define FIRST_ZERO 3.8317059702075123 /* of the Bessel function J1 */

/* A field of n x n samples that can be carried on. */
struct stage {
    struct et__angular angular;
    struct et__transfer transfer;
    struct et__space space;
    float complex *field, *scratch;
    size_t n;
};

static enum et_status stage_open(struct stage *s, size_t n, size_t padding, double dx)
{
    *s = (struct stage){.n = n};
    s->space = (struct et__space){.wavelength = WAVELENGTH, .dx = dx, .edge = 0.1};
    s->space.band_limit = padding > 1;
    ET_TRY(et__angular_create(&s->angular, n, n, padding));
    ET_TRY(et__transfer_create(&s->transfer, &s->angular));
    if (!(s->field = et_alloc(n * s->angular.pitch, sizeof *s->field))) return ET_NOMEM;
    s->scratch = et_alloc(s->angular.py * ET__ANGULAR_BLOCK, sizeof *s->scratch);
    return s->scratch ? ET_OK : ET_NOMEM;
}

static void stage_close(struct stage *s)
{
    et__angular_destroy(&s->angular);
    et__transfer_destroy(&s->transfer);
    et_free(s->field);
    et_free(s->scratch);
}

static void carry(struct stage *s, double distance, bool adjoint)
{
    s->space.distance = distance;
    et__transfer_fill(&s->transfer, &s->angular, &s->space);
    et__angular_step(&s->angular, &s->transfer, s->field, s->scratch, adjoint);
}

static float complex *at(const struct stage *s, size_t y, size_t x)
{
    return s->field + y * s->angular.pitch + x;
}

static double place(const struct stage *s, size_t i)
{
    return ((double)i - 0.5 * (double)(s->n - 1)) * s->space.dx;
}

static double intensity(const struct stage *s, size_t y, size_t x)
{
    double re = (double)crealf(*at(s, y, x)), im = (double)cimagf(*at(s, y, x));
    return re * re + im * im;
}

static double power(const struct stage *s)
{
    double sum = 0;
    for (size_t y = 0; y < s->n; y++)
        for (size_t x = 0; x < s->n; x++)
            sum += intensity(s, y, x);
    return sum;
}

static void set_gaussian(struct stage *s, double waist)
{
    for (size_t y = 0; y < s->n; y++)
        for (size_t x = 0; x < s->n; x++) {
            double px = place(s, x), py = place(s, y);
            *at(s, y, x) = (float)exp(-(px * px + py * py) / (waist * waist));
        }
}

/* ------------------------------------------------------------------------- closed solutions -- */

/* Second moment of the intensity: w^2 = 4 <x^2>. */
static enum et_status gaussian(double *error)
{
    enum { N = 256 };
    const double dx = 4e-6, waist = 80e-6, rayleigh = PI * waist * waist / WAVELENGTH;
    struct stage s;
    enum et_status status = stage_open(&s, N, 2, dx);
    *error = 0;
    for (int step = 1; status == ET_OK && step <= 4; step++) {
        double z = 0.5 * step * rayleigh, moment = 0;
        set_gaussian(&s, waist);
        carry(&s, z, false);
        for (size_t y = 0; y < N; y++)
            for (size_t x = 0; x < N; x++)
                moment += place(&s, x) * place(&s, x) * intensity(&s, y, x);
        double width = 2 * sqrt(moment / power(&s));
        double want = waist * sqrt(1 + (z / rayleigh) * (z / rayleigh));
        *error = fmax(*error, fabs(width / want - 1));
    }
    stage_close(&s);
    return status;
}

/* A grating 1 + cos has two kinds of waves: they are in step again after
 * lambda / (1 - sqrt(1 - lambda^2 / a^2)). */
static enum et_status talbot(double *error)
{
    enum { N = 128, PERIOD = 16 };
    const double dx = 1e-6, a = PERIOD * dx, ratio = WAVELENGTH / a;
    struct stage s;
    enum et_status status = stage_open(&s, N, 1, dx);
    *error = 0;
    for (int half = 1; status == ET_OK && half <= 2; half++) {
        for (size_t y = 0; y < N; y++)
            for (size_t x = 0; x < N; x++)
                *at(&s, y, x) = (float)(1 + cos(2 * PI * (double)x / PERIOD));
        carry(&s, 0.5 * half * WAVELENGTH / (1 - sqrt(1 - ratio * ratio)), false);
        for (size_t y = 0; y < N; y++)
            for (size_t x = 0; x < N; x++) {
                /* Half of the distance shifts the picture by half a period. */
                double want = 1 + (half == 1 ? -1 : 1) * cos(2 * PI * (double)x / PERIOD);
                *error = fmax(*error, fabs(intensity(&s, y, x) - want * want) / 4);
            }
    }
    stage_close(&s);
    return status;
}

/* The focus of a round lens: a disc of light of radius 1.2197 lambda f / D. */
static const double focal = 80e-3, diameter = 1e-3;

static enum et_status focus(struct stage *s)
{
    const double dx = 4e-6;
    ET_TRY(stage_open(s, 512, 2, dx));
    for (size_t y = 0; y < s->n; y++)
        for (size_t x = 0; x < s->n; x++) {
            double px = place(s, x), py = place(s, y), r2 = px * px + py * py;
            double open = fmin(1, fmax(0, (0.5 * diameter - sqrt(r2)) / dx + 0.5));
            double phase = -2 * PI / WAVELENGTH * r2 / (sqrt(r2 + focal * focal) + focal);
            *at(s, y, x) = CMPLXF((float)(open * cos(phase)), (float)(open * sin(phase)));
        }
    return ET_OK;
}

static double airy_radius(void)
{
    return FIRST_ZERO / PI * WAVELENGTH * focal / diameter;
}

/* Value 0 of a function of which four points are known: Lagrange's polynomial of r over v. */
static double inverse(const double r[4], const double v[4])
{
    double zero = 0;
    for (int i = 0; i < 4; i++) {
        double term = r[i];
        for (int j = 0; j < 4; j++)
            if (j != i) term *= v[j] / (v[j] - v[i]);
        zero += term;
    }
    return zero;
}

/* Where the field, freed of the curvature of its phase, changes its sign along the row next to the
 * axis. */
static enum et_status airy_zero(double *error)
{
    struct stage s;
    enum et_status status = focus(&s);
    double r[4] = {0}, v[4] = {0};
    *error = INFINITY;
    if (status == ET_OK) carry(&s, focal, false);
    for (size_t x = s.n / 2, after = 0; status == ET_OK && after < 2 && x < s.n; x++) {
        double px = place(&s, x), py = place(&s, s.n / 2), phase;
        double complex axis = (double complex) * at(&s, s.n / 2, s.n / 2);
        double complex e = (double complex) * at(&s, s.n / 2, x) / axis;
        memmove(r, r + 1, 3 * sizeof *r);
        memmove(v, v + 1, 3 * sizeof *v);
        r[3] = sqrt(px * px + py * py);
        phase = PI * r[3] * r[3] / (WAVELENGTH * focal);
        v[3] = creal(e) * cos(phase) + cimag(e) * sin(phase);
        if (v[3] < 0) after++;
    }
    if (status == ET_OK) *error = fabs(inverse(r, v) / airy_radius() - 1);
    stage_close(&s);
    return status;
}

/* Of the energy that falls on the lens: its area, at intensity 1. */
static enum et_status encircled(double *error)
{
    struct stage s;
    enum et_status status = focus(&s);
    if (status == ET_OK) {
        double whole = 0.25 * PI * (diameter / s.space.dx) * (diameter / s.space.dx), inside = 0;
        carry(&s, focal, false);
        for (size_t y = 0; y < s.n; y++)
            for (size_t x = 0; x < s.n; x++) {
                double r = sqrt(place(&s, x) * place(&s, x) + place(&s, y) * place(&s, y));
                double part = fmin(1, fmax(0, (airy_radius() - r) / s.space.dx + 0.5));
                inside += part * intensity(&s, y, x);
            }
        double bessel = j0(FIRST_ZERO);
        *error = fabs(inside / whole - (1 - bessel * bessel));
    }
    stage_close(&s);
    return status;
}

/* ------------------------------------------------------------------------------- invariants -- */

static enum et_status parseval(double *error)
{
    struct stage s;
    enum et_status status = stage_open(&s, 256, 2, 4e-6);
    if (status == ET_OK) {
        set_gaussian(&s, 100e-6);
        double before = power(&s);
        carry(&s, 20e-3, false);
        *error = fabs(power(&s) / before - 1);
    }
    stage_close(&s);
    return status;
}

/* Random fields, smooth enough to stay inside the band. */
static void set_random(struct stage *s, uint64_t seed)
{
    for (size_t y = 0; y < s->n; y++) {
        float *row = (float *)at(s, y, 0);
        et_rng_fill_normal(seed, ET_STREAM_USER, 0, 2 * y * s->n, row, 2 * s->n);
    }
}

static enum et_status copy_field(const struct stage *s, float complex **copy)
{
    *copy = et_alloc(s->n * s->angular.pitch, sizeof **copy);
    if (!*copy) return ET_NOMEM;
    memcpy(*copy, s->field, s->n * s->angular.pitch * sizeof **copy);
    return ET_OK;
}

/* Two stretches make one: largest difference over the rms, in a periodic window. */
static enum et_status semigroup(double *error)
{
    struct stage s;
    float complex *whole = NULL;
    enum et_status status = stage_open(&s, 128, 1, 1e-6);
    if (status == ET_OK) {
        set_random(&s, 1);
        carry(&s, 5e-3, false);
        status = copy_field(&s, &whole);
    }
    if (status == ET_OK) {
        set_random(&s, 1);
        carry(&s, 2e-3, false);
        carry(&s, 3e-3, false);
        double rms = sqrt(power(&s) / (double)(s.n * s.n)), worst = 0;
        for (size_t y = 0; y < s.n; y++)
            for (size_t x = 0; x < s.n; x++)
                worst = fmax(
                    worst, cabs((double complex)(*at(&s, y, x) - whole[y * s.angular.pitch + x])));
        *error = worst / rms;
    }
    et_free(whole);
    stage_close(&s);
    return status;
}

/* Sum of a[y][x] times the field, a as it is (reciprocity) or conjugated (inner product). */
static double complex product(const struct stage *s, const float complex *a, bool conjugate)
{
    double complex sum = 0;
    for (size_t y = 0; y < s->n; y++)
        for (size_t x = 0; x < s->n; x++) {
            double complex left = (double complex)a[y * s->angular.pitch + x];
            if (conjugate) left = conj(left);
            sum += left * (double complex) * at(s, y, x);
        }
    return sum;
}

/* |<a, P b> - <b', P' a'>| over |a| |b|. */
static enum et_status exchange(double *error, bool adjoint)
{
    struct stage s;
    float complex *a = NULL, *b = NULL;
    enum et_status status = stage_open(&s, 96, 2, 2e-6);
    if (status == ET_OK) {
        set_random(&s, 2);
        status = copy_field(&s, &a);
    }
    if (status == ET_OK) {
        set_random(&s, 3);
        status = copy_field(&s, &b);
    }
    if (status == ET_OK) {
        double norm = power(&s);
        carry(&s, 4e-3, false);
        double complex there = product(&s, a, adjoint);
        memcpy(s.field, a, s.n * s.angular.pitch * sizeof *a);
        carry(&s, 4e-3, adjoint);
        double complex back = product(&s, b, adjoint);
        if (adjoint) back = conj(back);
        *error = cabs(there - back) / norm;
    }
    et_free(a);
    et_free(b);
    stage_close(&s);
    return status;
}

static enum et_status reciprocity(double *error)
{
    return exchange(error, false);
}

static enum et_status adjoint(double *error)
{
    return exchange(error, true);
}

/* --------------------------------------------------------------------------- the direct sum -- */

/* A Gaussian spot beside the axis, tilted: rms difference over rms. */
static enum et_status direct_sum(double *error)
{
    enum { N = 64 };
    const double dx = 1e-6, z = 150e-6, waist = 8e-6, tilt = 0.05;
    struct stage s;
    double complex *from = NULL, *to = NULL;
    enum et_status status = stage_open(&s, N, 2, dx);
    if (status == ET_OK) {
        from = et_alloc((size_t)N * N, sizeof *from);
        to = et_alloc((size_t)N * N, sizeof *to);
        status = from && to ? ET_OK : ET_NOMEM;
    }
    if (status == ET_OK) {
        double difference = 0, sum = 0;
        for (size_t y = 0; y < N; y++)
            for (size_t x = 0; x < N; x++) {
                double px = place(&s, x) + 6e-6, py = place(&s, y) - 4e-6;
                double size = exp(-(px * px + py * py) / (waist * waist));
                double phase = 2 * PI / WAVELENGTH * tilt * px;
                from[y * N + x] = CMPLX(size * cos(phase), size * sin(phase));
                *at(&s, y, x) = (float complex)from[y * N + x];
            }
        carry(&s, z, false);
        et__rayleigh_sommerfeld(from, N, N, dx, WAVELENGTH, z, to, N, N);
        for (size_t y = 0; y < N; y++)
            for (size_t x = 0; x < N; x++) {
                double complex want = to[y * N + x], got = (double complex) * at(&s, y, x);
                difference += creal((got - want) * conj(got - want));
                sum += creal(want * conj(want));
            }
        *error = sqrt(difference / sum);
    }
    et_free(from);
    et_free(to);
    stage_close(&s);
    return status;
}

const struct et__physics_check et__physics_free_space[] = {
    {"diffraction", "Gaussian beam: width w(z) up to 2 Rayleigh lengths", "1", 1e-3, gaussian},
    {"diffraction", "Talbot: image of a grating at half and whole distance", "1", 1e-4, talbot},
    {"diffraction", "focus of a round lens: first dark ring of Airy's disc", "1", 1e-3, airy_zero},
    {"diffraction", "focus of a round lens: energy inside that ring, 83.8 %", "1", 1e-3, encircled},
    {"diffraction", "energy of a beam over 20 mm", "1", 1e-5, parseval},
    {"diffraction", "H(z1) H(z2) = H(z1 + z2)", "1", 1e-5, semigroup},
    {"diffraction", "Rayleigh-Sommerfeld integral as a direct sum", "1", 1e-4, direct_sum},
    {"diffraction", "reciprocity: source and detector exchanged", "1", 1e-6, reciprocity},
    {"diffraction", "adjoint: <a, P b> = <P* a, b>", "1", 1e-6, adjoint},
    {0},
};
