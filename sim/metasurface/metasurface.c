/* SPDX-License-Identifier: Apache-2.0
 *
 * A programmable metasurface in an irregular microwave cavity: the pixels are the inputs, the waves
 * between fixed antennas the outputs.
 *
 *     W(x) p = E,  H_rt = moment of receiver r for a field at transmitter t  (coupling.c)
 *     y = |H_rt(f) + noise|^2 in units of its mean square over random inputs
 *
 * A wave meets the pixels many times before it decays, so H is a rational function of all pixels,
 * not a sum over them.  A pass solves one small system per sample and frequency; samples run in
 * parallel and share nothing, so the bits depend on neither threads nor batch. */
#include "metasurface.h"

#include <etalon/parallel.h>
#include <etalon/rng.h>

#include <math.h>
#include <string.h>

enum detection { INTENSITY, QUADRATURES };
enum { RANDOM_INPUTS = 64 };
#define MEMORY_MAX 4e9 /* bytes */

struct metasurface {
    struct et__cavity cavity;
    size_t n_f, n_h; /* frequencies, numbers H */
    struct et__cavity_response *responses;
    bool grey, calibrated;
    enum detection detection;
    double noise;
    uint64_t seed;
    double complex *scales; /* [n_h] from H to output units */
    struct et__cavity_worker *workers;
    size_t n_workers;
    float **rows; /* [n_workers] of n_pixels + 2 n_h numbers */
};

/* ----------------------------------------------------------------------------------- a sample --
 */

/* Pixels as the hardware sees them. */
static const float *tune(const struct metasurface *s, const float *x, float *row)
{
    if (s->grey) return x;
    for (size_t i = 0; i < s->cavity.n_pixels; i++)
        row[i] = x[i] >= 0.5F ? 1 : 0;
    return row;
}

struct pass {
    struct metasurface *s;
    const struct et_step *step; /* NULL = without noise */
    struct et_view x, y;
    const float *dy;
    struct et_view dx;
};

/* Noise of sample r, [2 n_h] of variance 1/2 times noise^2 each, into `draws`. */
static void draw(const struct pass *pass, size_t r, float *draws)
{
    const struct metasurface *s = pass->s;
    memset(draws, 0, 2 * s->n_h * sizeof *draws);
    if (!pass->step || !(s->noise > 0)) return;
    et_rng_fill_normal(et_rng_derive(pass->step->seed, s->seed), ET_STREAM_NOISE, pass->step->index,
                       et_step_sample(pass->step, r) * 2 * s->n_h, draws, 2 * s->n_h);
    for (size_t i = 0; i < 2 * s->n_h; i++)
        draws[i] *= (float)(s->noise * M_SQRT1_2);
}

static void measure(void *user, size_t r, size_t worker)
{
    const struct pass *pass = user;
    struct metasurface *s = pass->s;
    struct et__cavity_worker *w = &s->workers[worker];
    const size_t pairs = s->cavity.n_rx * s->cavity.n_tx;
    const float *x = tune(s, pass->x.data + r * s->cavity.n_pixels, s->rows[worker]);
    float *draws = s->rows[worker] + s->cavity.n_pixels;
    float *y = pass->y.data + r * pass->y.stride;
    draw(pass, r, draws);
    for (size_t f = 0; f < s->n_f; f++) {
        bool solved = et__cavity_solve(&s->cavity, &s->responses[f], x, false, w);
        for (size_t i = 0; i < pairs; i++) {
            const size_t at = f * pairs + i;
            double complex h = solved ? CMPLX(w->out_re[i], w->out_im[i]) * s->scales[at] : NAN;
            float re = (float)creal(h) + draws[2 * at], im = (float)cimag(h) + draws[2 * at + 1];
            if (s->detection == QUADRATURES) {
                y[at] = re;
                y[s->n_h + at] = im;
            } else {
                y[at] = re * re + im * im;
            }
        }
    }
}

static enum et_status forward(void *state, const struct et_step *step, struct et_view x,
                              struct et_view y)
{
    struct pass pass = {.s = state, .step = step, .x = x, .y = y};
    et_parallel_for(x.rows, measure, &pass);
    return ET_OK;
}

/* dH_rt/dalpha_i^-1 = -W^-1_(r, i) W^-1_(i, t), and W is symmetric. */
static void go_back(void *user, size_t r, size_t worker)
{
    const struct pass *pass = user;
    struct metasurface *s = pass->s;
    struct et__cavity_worker *w = &s->workers[worker];
    const size_t n_tx = s->cavity.n_tx, n_rx = s->cavity.n_rx, antennas = n_tx + n_rx;
    const size_t n_pixels = s->cavity.n_pixels, pairs = n_rx * n_tx;
    const float *x = pass->x.data + r * n_pixels;
    const float *dy = pass->dy + r * (s->detection == QUADRATURES ? 2 * s->n_h : s->n_h);
    float *draws = s->rows[worker] + n_pixels, *dx = pass->dx.data + r * n_pixels;
    draw(pass, r, draws);
    memset(dx, 0, n_pixels * sizeof *dx);
    for (size_t f = 0; f < s->n_f; f++) {
        bool solved = et__cavity_solve(&s->cavity, &s->responses[f], x, true, w);
        for (size_t i = 0; i < pairs; i++) {
            const size_t at = f * pairs + i, rx = n_tx + i / n_tx, tx = i % n_tx;
            double complex h = CMPLX(w->out_re[i], w->out_im[i]) * s->scales[at] +
                               CMPLX((double)draws[2 * at], (double)draws[2 * at + 1]);
            /* dL = Re(conj(g) dh). */
            double complex g = s->detection == QUADRATURES
                                   ? CMPLX((double)dy[at], (double)dy[s->n_h + at])
                                   : 2 * (double)dy[at] * h;
            double complex factor = solved ? -conj(g) * s->scales[at] : NAN;
            const double fr = creal(factor), fi = cimag(factor);
            for (size_t p = 0; p < n_pixels; p++) {
                const double *re = w->at_re + p * antennas, *im = w->at_im + p * antennas;
                dx[p] += (float)(w->slope[p] * (fr * (re[rx] * re[tx] - im[rx] * im[tx]) -
                                                fi * (re[rx] * im[tx] + im[rx] * re[tx])));
            }
        }
    }
}

static enum et_status vjp(void *state, const struct et_step *step, struct et_view x,
                          struct et_view dy, struct et_view dx, float *dknobs)
{
    (void)dknobs; /* there are none */
    struct pass pass = {.s = state, .step = step, .x = x, .dy = dy.data, .dx = dx};
    et_parallel_for(x.rows, go_back, &pass);
    return ET_OK;
}

/* -------------------------------------------------------------------------------------- life -- */

static enum et_status make_worker(const struct metasurface *s, struct et__cavity_worker *w,
                                  float **row)
{
    const size_t n = s->cavity.n_pixels, antennas = s->cavity.n_tx + s->cavity.n_rx;
    const size_t pairs = s->cavity.n_rx * s->cavity.n_tx;
    if (!(w->re = et_alloc(n * (n + antennas), sizeof *w->re))) return ET_NOMEM;
    if (!(w->im = et_alloc(n * (n + antennas), sizeof *w->im))) return ET_NOMEM;
    if (!(w->delta = et_alloc(n, sizeof *w->delta))) return ET_NOMEM;
    if (!(w->slope = et_alloc(n, sizeof *w->slope))) return ET_NOMEM;
    if (!(w->active = et_alloc(n, sizeof *w->active))) return ET_NOMEM;
    if (!(w->out_re = et_alloc(pairs, sizeof *w->out_re))) return ET_NOMEM;
    if (!(w->out_im = et_alloc(pairs, sizeof *w->out_im))) return ET_NOMEM;
    if (!(w->at_re = et_alloc(n * antennas, sizeof *w->at_re))) return ET_NOMEM;
    if (!(w->at_im = et_alloc(n * antennas, sizeof *w->at_im))) return ET_NOMEM;
    *row = et_alloc(n + 2 * s->n_h, sizeof **row);
    return *row ? ET_OK : ET_NOMEM;
}

static enum et_status make_workers(struct metasurface *s)
{
    const size_t n = et_parallel_threads();
    if (!(s->workers = et_alloc(n, sizeof *s->workers))) return ET_NOMEM;
    if (!(s->rows = et_alloc(n, sizeof *s->rows))) return ET_NOMEM;
    while (s->n_workers < n) {
        size_t i = s->n_workers++;
        ET_TRY(make_worker(s, &s->workers[i], &s->rows[i]));
    }
    return ET_OK;
}

/* Runs random inputs and divides the scales by what they show. */
static enum et_status calibrate(struct metasurface *s)
{
    const size_t n = s->cavity.n_pixels;
    struct et_array x = {0}, y = {0};
    enum et_status status = et_array_create(&x, RANDOM_INPUTS, n);
    if (status == ET_OK) status = et_array_create(&y, RANDOM_INPUTS, 2 * s->n_h);
    if (status == ET_OK) {
        et_rng_fill_uniform(s->seed, ET_STREAM_DATA, 0, 0, 0, 1, x.data, RANDOM_INPUTS * n);
        struct pass pass = {.s = s, .x = et_array_view(&x), .y = et_array_view(&y)};
        enum detection kept = s->detection;
        s->detection = QUADRATURES;
        et_parallel_for(RANDOM_INPUTS, measure, &pass);
        s->detection = kept;
    }
    for (size_t i = 0; status == ET_OK && i < s->n_h; i++) {
        double sum = 0;
        for (size_t r = 0; r < RANDOM_INPUTS; r++)
            sum += pow((double)y.data[r * y.cols + i], 2) +
                   pow((double)y.data[r * y.cols + s->n_h + i], 2);
        double rms = sqrt(sum / RANDOM_INPUTS);
        if (!(rms > 0) || !isfinite(rms))
            status = et_error_set(ET_NUMERIC, "output %zu is %g for random inputs", i, rms);
        else
            s->scales[i] /= rms;
    }
    et_array_destroy(&x);
    et_array_destroy(&y);
    return status;
}

static enum et_status open_metasurface(void *state, const struct et_config *config, uint64_t seed)
{
    struct metasurface *s = state;
    const double *f = et_config_reals(config, "frequencies");
    double lowest = f[0], highest = f[0];
    s->n_f = et_config_count(config, "frequencies");
    s->grey = et_config_choice(config, "tuning") == 1;
    s->detection = (enum detection)et_config_choice(config, "detection");
    s->noise = et_config_real(config, "noise");
    s->seed = seed;
    for (size_t i = 0; i < s->n_f; i++) {
        lowest = fmin(lowest, f[i]);
        highest = fmax(highest, f[i]);
    }
    s->cavity.f0 = 0.5 * (lowest + highest);
    ET_TRY(et__cavity_read(&s->cavity, config, highest, seed));
    const size_t pairs = s->cavity.n_rx * s->cavity.n_tx;
    const double memory =
        16.0 * (double)s->n_f * pow((double)s->cavity.n_pixels, 2); /* couplings of the pixels */
    if (memory > MEMORY_MAX)
        return et_config_error(config, "frequencies",
                               "%zu frequencies of %zu pixels take %.3g GB, above the limit of "
                               "%.3g GB",
                               s->n_f, s->cavity.n_pixels, 1e-9 * memory, 1e-9 * MEMORY_MAX);
    s->n_h = s->n_f * pairs;
    if (!(s->responses = et_alloc(s->n_f, sizeof *s->responses))) return ET_NOMEM;
    if (!(s->scales = et_alloc(s->n_h, sizeof *s->scales))) return ET_NOMEM;
    for (size_t i = 0; i < s->n_f; i++)
        ET_TRY(et__cavity_respond(&s->cavity, f[i], &s->responses[i]));
    for (size_t i = 0; i < s->n_h; i++)
        s->scales[i] = 1 / s->responses[i / pairs].lone;
    ET_TRY(make_workers(s));
    s->calibrated = et_config_bool(config, "calibrate");
    if (!s->calibrated && !(s->noise > 0)) return ET_OK;
    if (!s->calibrated)
        return et_config_error(config, "noise",
                               "noise is relative to calibrated outputs: set "
                               "calibrate: true");
    return calibrate(s);
}

static void describe(const void *state, struct et_system_info *info)
{
    const struct metasurface *s = state;
    info->n_in = s->cavity.n_pixels;
    info->n_out = s->detection == QUADRATURES ? 2 * s->n_h : s->n_h;
    info->in_min = 0;
    info->in_max = 1;
    info->in_unit = "of the tuning range";
    info->out_unit = !s->calibrated                ? "of a lone transmitter"
                     : s->detection == QUADRATURES ? "of rms"
                                                   : "of mean";
    if (s->grey) info->traits |= ET_HAS_VJP;
    if (s->noise > 0) info->traits |= ET_NOISY;
}

static void close_metasurface(void *state)
{
    struct metasurface *s = state;
    for (size_t i = 0; s->responses && i < s->n_f; i++)
        et__cavity_response_free(&s->responses[i]);
    for (size_t i = 0; i < s->n_workers; i++) {
        struct et__cavity_worker *w = &s->workers[i];
        et_free(w->re);
        et_free(w->im);
        et_free(w->delta);
        et_free(w->slope);
        et_free(w->active);
        et_free(w->out_re);
        et_free(w->out_im);
        et_free(w->at_re);
        et_free(w->at_im);
        et_free(s->rows[i]);
    }
    et_free(s->workers);
    et_free(s->rows);
    et_free(s->responses);
    et_free(s->scales);
    et__cavity_free(&s->cavity);
}

const struct et_system_type et_system_metasurface = {
    .name = "metasurface",
    .summary = "Microwave cavity with a programmable metasurface, by coupled dipoles.",
    .state_size = sizeof(struct metasurface),
    .params = et__metasurface_params,
    .open = open_metasurface,
    .describe = describe,
    .forward = forward,
    .vjp = vjp,
    .close = close_metasurface,
};
