/* SPDX-License-Identifier: Apache-2.0
 *
 * The scattering medium against the statistics of speckle and of random matrices. */
#include "physics.h"
#include "sim/kernels/bessel.h"
#include "sim/kernels/zmatrix.h"
#include "sim/medium/modes.h"

#include <etalon/system.h>

#include <math.h>
#include <stdlib.h>

enum { SEED = 11 };

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Largest distance between the steps of n sorted numbers and a distribution. */
static double kolmogorov(double *values, size_t n, double (*distribution)(double))
{
    double most = 0;
    qsort(values, n, sizeof *values, ascending);
    for (size_t i = 0; i < n; i++) {
        double p = distribution(values[i]);
        most = fmax(most,
                    fmax(fabs(p - (double)i / (double)n), fabs(p - ((double)i + 1) / (double)n)));
    }
    return most;
}

/* ----------------------------------------------------------------------------------- speckle -- */

enum { SPECKLES = 16384 };

/* Intensities of one random phase image behind a diffuser, divided by their mean. */
static enum et_status speckle(double *intensity)
{
    enum { N_IN = 256 };
    float x[N_IN];
    struct et_system *system = NULL;
    struct et_array y = {0};
    struct et_step step = {.seed = SEED};
    for (size_t i = 0; i < N_IN; i++)
        x[i] = (float)((i * 7919) % 1000) / 1000;
    enum et_status status = et_system_open_text(
        "{type: medium, n_in: 256, n_out: 16384, encoding: phase, phase_range: 6.2831853}", SEED,
        &system);
    if (status == ET_OK) status = et_array_create(&y, 1, SPECKLES);
    if (status == ET_OK)
        status = et_system_forward(system, &step, et_view_of(x, 1, N_IN), et_array_view(&y));
    double mean = 0;
    for (size_t i = 0; status == ET_OK && i < SPECKLES; i++)
        mean += (double)y.data[i] / SPECKLES;
    for (size_t i = 0; status == ET_OK && i < SPECKLES; i++)
        intensity[i] = (double)y.data[i] / mean;
    et_array_destroy(&y);
    et_system_close(system);
    return status;
}

static double exponential(double x)
{
    return 1 - exp(-x);
}

static enum et_status speckle_contrast(double *error)
{
    double *intensity = et_alloc(SPECKLES, sizeof *intensity), variance = 0;
    if (!intensity) return ET_NOMEM;
    enum et_status status = speckle(intensity);
    for (size_t i = 0; i < SPECKLES; i++)
        variance += pow(intensity[i] - 1, 2) / SPECKLES;
    *error = fabs(sqrt(variance) - 1);
    et_free(intensity);
    return status;
}

static enum et_status speckle_law(double *error)
{
    double *intensity = et_alloc(SPECKLES, sizeof *intensity);
    if (!intensity) return ET_NOMEM;
    enum et_status status = speckle(intensity);
    if (status == ET_OK) *error = kolmogorov(intensity, SPECKLES, exponential);
    et_free(intensity);
    return status;
}

/* ---------------------------------------------------------------------------- singular values --
 */

/* T [n_out][n_in], column by column: the fields that single pixels make. */
static enum et_status probe(const char *yaml, double complex *t)
{
    struct et_system *system;
    struct et_array x = {0}, y = {0};
    struct et_step step = {.seed = SEED};
    ET_TRY(et_system_open_text(yaml, SEED, &system));
    size_t n_in = et_system_info(system)->n_in, n_out = et_system_info(system)->n_out / 2;
    enum et_status status = et_array_create(&x, n_in, n_in);
    if (status == ET_OK) status = et_array_create(&y, n_in, 2 * n_out);
    for (size_t i = 0; status == ET_OK && i < n_in; i++)
        x.data[i * n_in + i] = 1;
    if (status == ET_OK)
        status = et_system_forward(system, &step, et_array_view(&x), et_array_view(&y));
    for (size_t i = 0; status == ET_OK && i < n_in * n_out; i++) {
        const float *row = y.data + i % n_in * 2 * n_out;
        t[i] = CMPLX((double)row[i / n_in], (double)row[n_out + i / n_in]);
    }
    et_array_destroy(&x);
    et_array_destroy(&y);
    et_system_close(system);
    return status;
}

/* Transmissions, the squared singular values of T. */
static enum et_status transmissions(const char *yaml, size_t n_out, size_t n_in, double *values)
{
    size_t n = n_in < n_out ? n_in : n_out;
    double complex *t = et_alloc(n_in * n_out, sizeof *t);
    double complex *u = et_alloc(n_out * n_out, sizeof *u), *v = et_alloc(n_in * n_in, sizeof *v);
    enum et_status status = t && u && v ? probe(yaml, t) : ET_NOMEM;
    if (status == ET_OK) status = et__z_svd(t, n_out, n_in, u, values, v);
    if (status == ET_OK)
        for (size_t i = 0; i < n; i++)
            values[i] *= values[i];
    et_free(v);
    et_free(u);
    et_free(t);
    return status;
}

/* Integral of a density that ends like a square root at both ends: x = middle - half cos(angle). */
static double integral(double (*density)(double), double low, double high, double to)
{
    enum { STEPS = 400 };
    if (to <= low) return 0;
    double middle = 0.5 * (low + high), half = 0.5 * (high - low), sum = 0;
    double last = to >= high ? M_PI : acos((middle - to) / half);
    for (size_t i = 0; i < STEPS; i++) {
        double angle = ((double)i + 0.5) * last / STEPS;
        sum += density(middle - half * cos(angle)) * half * sin(angle) * last / STEPS;
    }
    return sum;
}

enum { MP_IN = 150, MP_OUT = 300 };
static const double mp_ratio = (double)MP_OUT / MP_IN; /* variance 1/n_in: eigenvalues in units */

static double mp_end(double sign)
{
    return pow(sqrt(mp_ratio) + sign, 2);
}

/* Marchenko-Pastur, of T^H T with n_out / n_in = r rows and variance 1/n_in. */
static double mp_density(double x)
{
    return sqrt(fmax(0, (mp_end(1) - x) * (x - mp_end(-1)))) / (2 * M_PI * x);
}

static double mp_distribution(double x)
{
    return integral(mp_density, mp_end(-1), mp_end(1), x);
}

static enum et_status marchenko_pastur(double *error)
{
    double values[MP_IN];
    ET_TRY(transmissions("{type: medium, n_in: 150, n_out: 300, detection: quadratures}", MP_OUT,
                         MP_IN, values));
    *error = kolmogorov(values, MP_IN, mp_distribution);
    return ET_OK;
}

/* A block of a Haar unitary with fractions a of the inputs and b of the outputs, a <= b < 1 - a. */
static const double haar_a = 0.25, haar_b = 0.5;
enum { HAAR_IN = 125, HAAR_OUT = 250 };

static double haar_end(double sign)
{
    return pow(sqrt(haar_a * (1 - haar_b)) + sign * sqrt(haar_b * (1 - haar_a)), 2);
}

static double haar_density(double t)
{
    return sqrt(fmax(0, (haar_end(1) - t) * (t - haar_end(-1)))) /
           (2 * M_PI * haar_a * t * (1 - t));
}

static double haar_distribution(double t)
{
    return integral(haar_density, haar_end(-1), haar_end(1), t);
}

static enum et_status truncated_haar(double *error)
{
    double values[HAAR_IN];
    ET_TRY(transmissions("{type: medium, kind: haar, order: 500, n_in: 125, n_out: 250, "
                         "detection: quadratures}",
                         HAAR_OUT, HAAR_IN, values));
    *error = kolmogorov(values, HAAR_IN, haar_distribution);
    return ET_OK;
}

/* ---------------------------------------------------------------------------- energy and drift --
 */

static enum et_status energy(double *error)
{
    enum { N = 128, ROWS = 10 };
    float x[ROWS * N], y[ROWS * N];
    struct et_system *system;
    struct et_step step = {.seed = SEED};
    for (size_t i = 0; i < ROWS * N; i++)
        x[i] = (float)((i * 7919) % 1000) / 1000;
    ET_TRY(et_system_open_text("{type: medium, kind: haar, n_in: 128, n_out: 128}", SEED, &system));
    enum et_status status =
        et_system_forward(system, &step, et_view_of(x, ROWS, N), et_view_of(y, ROWS, N));
    *error = 0;
    for (size_t r = 0; r < ROWS; r++) {
        double in = 0, out = 0;
        for (size_t i = r * N; i < (r + 1) * N; i++) {
            in += (double)x[i] * (double)x[i];
            out += (double)y[i];
        }
        *error = fmax(*error, fabs(out / in - 1));
    }
    et_system_close(system);
    return status;
}

/* Correlation of the field with what it was, against exp(-rate t / 2): the largest difference. */
static enum et_status drift(double *error)
{
    enum { N_IN = 4096, N_OUT = 512, TIMES = 6 };
    float *x = et_alloc(N_IN, sizeof *x), *y = et_alloc(2 * 2 * N_OUT, sizeof *y);
    struct et_system *system = NULL;
    enum et_status status = x && y ? ET_OK : ET_NOMEM;
    if (status == ET_OK)
        status = et_system_open_text("{type: medium, n_in: 4096, n_out: 512, detection: "
                                     "quadratures, drift: {rate: 0.01}}",
                                     SEED, &system);
    *error = 0;
    for (size_t i = 0; status == ET_OK && i < N_IN; i++)
        x[i] = 1;
    for (uint32_t t = 0; status == ET_OK && t < TIMES; t++) {
        struct et_step step = {.seed = SEED, .index = 40 * t};
        float *now = y + (t > 0 ? 2 * N_OUT : 0);
        status =
            et_system_forward(system, &step, et_view_of(x, 1, N_IN), et_view_of(now, 1, 2 * N_OUT));
        double product = 0, before = 0, after = 0;
        for (size_t c = 0; c < 2 * N_OUT; c++) {
            product += (double)y[c] * (double)now[c];
            before += (double)y[c] * (double)y[c];
            after += (double)now[c] * (double)now[c];
        }
        double want = exp(-0.01 * 40 * t / 2);
        *error = fmax(*error, fabs(product / sqrt(before * after) - want));
    }
    et_system_close(system);
    et_free(x);
    et_free(y);
    return status;
}

/* ------------------------------------------------------------------------------------ fibres -- */

/* V at which mode m of order l appears. */
static double cutoff(unsigned l, size_t m)
{
    double low = 1, high = 8, roots[8];
    for (int halving = 0; halving < 50; halving++) {
        double middle = 0.5 * (low + high);
        if (et__fibre_lp_roots(l, middle, roots, 8) >= m)
            high = middle;
        else
            low = middle;
    }
    return high;
}

/* LP11, LP21, LP02, LP31 and LP12 are guided from zeros of Bessel functions on. */
static enum et_status cutoffs(double *error)
{
    static const struct {
        unsigned l;
        size_t m;
        double v;
    } known[] = {{1, 1, 2.404825557695773},
                 {2, 1, 3.831705970207512},
                 {0, 2, 3.831705970207512},
                 {3, 1, 5.135622301840683},
                 {1, 2, 5.520078110286311}};
    *error = 0;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        *error = fmax(*error, fabs(cutoff(known[i].l, known[i].m) / known[i].v - 1));
    return ET_OK;
}

static const struct et__fibre step_fibre = {25e-6, 0.1, 633e-9, 1.457, false};
static const struct et__fibre graded_fibre = {25e-6, 0.2, 633e-9, 1.457, true};

/* The characteristic equation of every mode, K by its integral instead of by recurrence. */
static enum et_status characteristic(double *error)
{
    struct et__fibre_mode *modes;
    const double v = et__fibre_v(&step_fibre);
    size_t n;
    ET_TRY(et__fibre_modes(&step_fibre, &modes, &n));
    *error = 0;
    for (size_t i = 0; i < n; i++) {
        const double u = modes[i].u, w = sqrt(v * v - u * u);
        const unsigned l = modes[i].l;
        double outside =
            w * exp(et__bessel_log_k_reference(l + 1, w) - et__bessel_log_k_reference(l, w));
        double inside = u * jn((int)l + 1, u), scale = fabs(inside) + outside * fabs(jn((int)l, u));
        *error = fmax(*error, fabs(inside - outside * jn((int)l, u)) / scale);
    }
    et_free(modes);
    return ET_OK;
}

/* Integral of two modes over the plane, Simpson in the core and 9 radii beyond. */
static double overlap(const struct et__fibre *fibre, const struct et__fibre_mode *a,
                      const struct et__fibre_mode *b)
{
    enum { STEPS = 2400 };
    double sum = 0;
    for (int part = 0; part < 2; part++) {
        double from = part * fibre->radius, h = (part ? 9 : 1) * fibre->radius / STEPS;
        for (size_t i = 0; i <= STEPS; i++) {
            double r = from + h * (double)i, weight = i == 0 || i == STEPS ? 1 : i % 2 ? 4 : 2;
            sum +=
                h / 3 * weight * r * et__fibre_radial(fibre, a, r) * et__fibre_radial(fibre, b, r);
        }
    }
    return sum * M_PI * (a->l == 0 ? 2 : 1);
}

/* Largest element of (overlaps - 1) of the modes of the same angle. */
static enum et_status orthonormality(const struct et__fibre *fibre, double *error)
{
    struct et__fibre_mode *modes;
    size_t n;
    ET_TRY(et__fibre_modes(fibre, &modes, &n));
    *error = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++)
            if (modes[i].l % 5 == 0 && modes[i].l == modes[j].l && !modes[i].sine && !modes[j].sine)
                *error = fmax(*error, fabs(overlap(fibre, &modes[i], &modes[j]) - (i == j)));
    et_free(modes);
    return ET_OK;
}

static enum et_status step_orthonormality(double *error)
{
    return orthonormality(&step_fibre, error);
}

static enum et_status graded_orthonormality(double *error)
{
    return orthonormality(&graded_fibre, error);
}

/* beta of neighbouring groups differ by sqrt(2 D) / a, but for terms of the order of D = 0.9 %. */
static enum et_status spacing(double *error)
{
    struct et__fibre_mode *modes;
    size_t n;
    const double want = graded_fibre.na / graded_fibre.index / graded_fibre.radius;
    ET_TRY(et__fibre_modes(&graded_fibre, &modes, &n));
    *error = 0;
    for (size_t i = 1; i < n; i++) {
        double steps = (double)(modes[i].group - modes[i - 1].group);
        double difference = modes[i - 1].beta - modes[i].beta;
        *error = fmax(*error, fabs(difference / want - steps));
    }
    et_free(modes);
    return ET_OK;
}

/* I_n K_(n+1) + I_(n+1) K_n = 1 / x with I by its series, whose terms are all positive. */
static enum et_status wronskian(double *error)
{
    *error = 0;
    for (unsigned n = 0; n <= 40; n += 4)
        for (unsigned i = 0; i < 16; i++) {
            const double x = 0.01 * pow(1.7, i);
            double product = 0;
            for (unsigned other = 0; other < 2; other++) {
                unsigned order = n + other;
                double term = exp(order * log(0.5 * x) - lgamma(order + 1.0)), i_n = 0;
                for (unsigned k = 0; k < 200; k++) {
                    i_n += term;
                    term *= 0.25 * x * x / (k + 1.0) / (order + k + 1.0);
                }
                product += exp(log(i_n) + et__bessel_log_k(n + 1 - other, x));
            }
            *error = fmax(*error, fabs(x * product - 1));
        }
    return ET_OK;
}

/* A lossless fibre whose modes the images hold: the first singular values are 1, one per mode,
 * but for what pixels of 0.15 radii blur, 2 % of the power on either end. */
static enum et_status fibre_energy(double *error)
{
    enum { N = 400 };
    struct et__fibre_mode *modes;
    const struct et__fibre fibre = {5e-6, 0.1, 633e-9, 1.457, false};
    double *values = et_alloc(N, sizeof *values);
    size_t n = 0;
    enum et_status status = values ? et__fibre_modes(&fibre, &modes, &n) : ET_NOMEM;
    if (status == ET_OK) et_free(modes);
    if (status == ET_OK)
        status = transmissions("{type: medium, kind: fibre, n_in: 400, n_out: 400, detection: "
                               "quadratures, fibre: {radius: 5e-6, na: 0.1, wavelength: 633e-9, "
                               "image: 18e-6}}",
                               N, N, values);
    *error = 0;
    for (size_t i = 0; status == ET_OK && i < N; i++)
        *error = fmax(*error, fabs(sqrt(values[i]) - (i < n)));
    et_free(values);
    return status;
}

/* Tolerances of distributions are those that one of a thousand true samples would exceed:
 * 1.95 / sqrt(N) for independent values; eigenvalues repel each other and lie closer. */
const struct et__physics_check et__physics_medium[] = {
    {"medium", "speckle contrast 1 (16384 pixels)", "1", 0.03, speckle_contrast},
    {"medium", "speckle intensities: exponential law (largest difference)", "1", 0.0152,
     speckle_law},
    {"medium", "singular values of a Gaussian T: Marchenko-Pastur", "1", 0.02, marchenko_pastur},
    {"medium", "singular values of a block of a Haar unitary: its law", "1", 0.02, truncated_haar},
    {"medium", "energy behind a lossless medium", "1", 3e-6, energy},
    {"medium", "decay of field correlation exp(-rate t / 2)", "1", 0.08, drift},
    {"medium", "Bessel functions K_n: Wronskian with I_n", "1", 1e-11, wronskian},
    {"medium", "step-index fibre: cutoffs of LP11, LP21, LP02, LP31, LP12", "1", 1e-7, cutoffs},
    {"medium", "step-index fibre: characteristic equation of all modes", "1", 1e-9, characteristic},
    {"medium", "step-index fibre: orthonormal modes", "1", 1e-6, step_orthonormality},
    {"medium", "graded-index fibre: orthonormal modes", "1", 1e-6, graded_orthonormality},
    {"medium", "graded-index fibre: equal spacing of the groups", "1", 0.012, spacing},
    {"medium", "fibre: one singular value of 1 for each mode, 0 beyond", "1", 0.05, fibre_energy},
    {0},
};
