/* SPDX-License-Identifier: Apache-2.0
 *
 * What the loudspeakers play and the microphones listen for: steps, tones, bins and their tables.
 */
#include "acoustic.h"

#include <etalon/log.h>

#include <math.h>
#include <stdlib.h>

static const double two_pi = 6.283185307179586;

/* Share of the stability limit that an automatic time step takes. */
static const double courant_margin = 0.98;

/* A third-order product of carriers and in how many ways it arises. */
struct product {
    double frequency;
    size_t ways;
};

static int by_frequency(const void *a, const void *b)
{
    double fa = ((const struct product *)a)->frequency, fb = ((const struct product *)b)->frequency;
    return (fa > fb) - (fa < fb);
}

/* More ways first; equal ways by frequency. */
static int by_ways(const void *a, const void *b)
{
    size_t wa = ((const struct product *)a)->ways, wb = ((const struct product *)b)->ways;
    return wa != wb ? (wa < wb) - (wa > wb) : by_frequency(a, b);
}

static bool same_frequency(double a, double b)
{
    return fabs(a - b) <= 1e-6 * fmax(a, b);
}

/* All f_i + f_j - f_k, i <= j, that are positive, below the limit and not carriers; equal ones
 * are merged.  products has room for n^3.  Returns their number, likeliest first.  The saturating
 * membranes are odd in u, so even orders do not arise; sums of three carriers are left out because
 * the grid damps and disperses what is far above the carriers. */
static size_t list_products(const double *carriers, size_t n, double limit,
                            struct product *products)
{
    size_t count = 0, kept = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = i; j < n; j++)
            for (size_t k = 0; k < n; k++) {
                double f = carriers[i] + carriers[j] - carriers[k];
                bool carrier = f <= 0 || f > limit;
                for (size_t c = 0; c < n; c++)
                    carrier |= same_frequency(f, carriers[c]);
                if (!carrier) products[count++] = (struct product){f, 1};
            }
    qsort(products, count, sizeof *products, by_frequency);
    for (size_t i = 0; i < count; i++) {
        if (kept > 0 && same_frequency(products[kept - 1].frequency, products[i].frequency))
            products[kept - 1].ways++;
        else
            products[kept++] = products[i];
    }
    qsort(products, kept, sizeof *products, by_ways);
    return kept;
}

/* Appends the products that the configuration asks for to the bins. */
static enum et_status add_products(struct et__acoustic_signal *s, const struct et_config *config,
                                   size_t wanted)
{
    size_t n = s->n_carriers;
    if (wanted == 0) return ET_OK;
    if (n > 64)
        return et_config_error(config, "intermodulation",
                               "intermodulation of %zu carriers; at most 64 are possible", n);
    struct product *products = et_alloc(n * n * n, sizeof *products);
    if (!products) return ET_NOMEM;
    double highest = 0;
    for (size_t i = 0; i < n; i++)
        highest = fmax(highest, s->carriers[i]);
    size_t count = list_products(s->carriers, n, 1.5 * highest, products);
    for (size_t i = 0; i < wanted && i < count; i++)
        s->bins[s->n_bins++] = products[i].frequency;
    et_free(products);
    if (count >= wanted) return ET_OK;
    return et_config_error(config, "intermodulation",
                           "intermodulation = %zu, but these carriers have only %zu products",
                           wanted, count);
}

static enum et_status read_frequencies(struct et__acoustic_signal *s,
                                       const struct et_config *config)
{
    size_t n_extra = et_config_count(config, "bins");
    size_t n_products = (size_t)et_config_int(config, "intermodulation");
    const double *carriers = et_config_reals(config, "carriers");
    const double *extra = et_config_reals(config, "bins");
    s->n_carriers = et_config_count(config, "carriers");
    if (!(s->carriers = et_alloc(s->n_carriers, sizeof *s->carriers))) return ET_NOMEM;
    if (!(s->bins = et_alloc(s->n_carriers + n_extra + n_products, sizeof *s->bins)))
        return ET_NOMEM;
    for (size_t i = 0; i < s->n_carriers; i++)
        s->carriers[i] = s->bins[s->n_bins++] = carriers[i];
    for (size_t i = 0; i < n_extra; i++)
        s->bins[s->n_bins++] = extra[i];
    return add_products(s, config, n_products);
}

static enum et_status read_steps(struct et__acoustic_signal *s, const struct et_config *config,
                                 const struct et__acoustic_geometry *g)
{
    double window = et_config_real(config, "window"), dt = et_config_real(config, "dt");
    double transient = et_config_real(config, "transient");
    if (dt > g->stable_dt)
        return et_config_error(config, "dt",
                               "dt = %g s breaks the stability limit (c dt / h)^2 (1 + k) <= %s of "
                               "order %d: the largest stable dt is %.9g s",
                               dt, g->order == 2 ? "1/2" : "3/8", g->order,
                               g->stable_dt * (1 - 1e-9));
    double steps = dt > 0 ? round(window / dt) : ceil(window / (courant_margin * g->stable_dt));
    if (steps < 8) {
        if (dt > 0)
            return et_config_error(config, "window", "window = %g s holds fewer than 8 time steps",
                                   window);
        steps = 8;
    }
    s->dt = dt > 0 ? dt : window / steps;
    double before = ceil(transient / s->dt - 1e-6);
    if (before + steps > 1e8)
        return et_config_error(config, "window", "a pass would take %g time steps of %g s",
                               before + steps, s->dt);
    s->window = (size_t)steps;
    s->transient = (size_t)before;
    return ET_OK;
}

/* Errors: a carrier that the grid, or a bin that the time step, does not resolve. */
static enum et_status check_frequencies(const struct et__acoustic_signal *s,
                                        const struct et_config *config,
                                        const struct et__acoustic_geometry *g)
{
    double highest = g->speed / (4 * g->cell), nyquist = 0.5 / s->dt;
    for (size_t i = 0; i < s->n_carriers; i++)
        if (s->carriers[i] > highest)
            return et_config_error(config, "carriers",
                                   "carrier of %g Hz has fewer than 4 cells per wavelength; this "
                                   "grid carries up to %g Hz",
                                   s->carriers[i], highest);
    for (size_t i = 0; i < s->n_bins; i++) {
        if (s->bins[i] >= nyquist)
            return et_config_error(config, "bins",
                                   "bin of %g Hz is not below half the sampling rate, %g Hz",
                                   s->bins[i], nyquist);
        double periods = s->bins[i] * (double)s->window * s->dt;
        if (fabs(periods - round(periods)) > 1e-3)
            et_log(ET_LOG_WARNING,
                   "acoustic: the window holds %g periods of %g Hz; other tones leak into this bin "
                   "unless the number is whole",
                   periods, s->bins[i]);
    }
    return ET_OK;
}

/* sin(2 pi f t) with f t reduced first, so that long signals stay exact. */
static double sine(double f, double t, double turn)
{
    double cycles = f * t + turn;
    return sin(two_pi * (cycles - floor(cycles)));
}

static enum et_status fill_tables(struct et__acoustic_signal *s, double ramp,
                                  enum et__wave_precision precision)
{
    size_t steps = s->transient + s->window, real = et__wave_real(precision);
    if (!(s->tones = et_alloc(steps * s->n_carriers, real))) return ET_NOMEM;
    if (!(s->cosines = et_alloc(s->window * s->n_bins, real))) return ET_NOMEM;
    if (!(s->sines = et_alloc(s->window * s->n_bins, real))) return ET_NOMEM;
    for (size_t i = 0; i < steps; i++) {
        double t = (double)i * s->dt;
        double rise = t < ramp ? 0.5 * (1 - cos(0.5 * two_pi * t / ramp)) : 1;
        for (size_t c = 0; c < s->n_carriers; c++)
            et__wave_put(precision, s->tones, i * s->n_carriers + c,
                         rise * sine(s->carriers[c], t, 0));
    }
    for (size_t i = 0; i < s->window; i++) {
        for (size_t b = 0; b < s->n_bins; b++) {
            double t = (double)i * s->dt, scale = 2.0 / (double)s->window;
            size_t at = i * s->n_bins + b;
            et__wave_put(precision, s->cosines, at, scale * sine(s->bins[b], t, 0.25));
            et__wave_put(precision, s->sines, at, scale * sine(s->bins[b], t, 0));
        }
    }
    return ET_OK;
}

enum et_status et__acoustic_signal_read(struct et__acoustic_signal *s,
                                        const struct et_config *config,
                                        const struct et__acoustic_geometry *g)
{
    ET_TRY(read_steps(s, config, g));
    ET_TRY(read_frequencies(s, config));
    ET_TRY(check_frequencies(s, config, g));
    return fill_tables(s, et_config_real(config, "ramp"), g->precision);
}

void et__acoustic_signal_free(struct et__acoustic_signal *s)
{
    et_free(s->carriers);
    et_free(s->bins);
    et_free(s->tones);
    et_free(s->cosines);
    et_free(s->sines);
}
