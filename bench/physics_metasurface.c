/* SPDX-License-Identifier: Apache-2.0
 *
 * Coupled dipoles against what waves in two dimensions must do. */
#include "physics.h"
#include "sim/kernels/zmatrix.h"
#include "sim/metasurface/metasurface.h"

#include <etalon/rng.h>

#include <math.h>
#include <stdlib.h>

enum { PIXELS = 12, POSTS_MAX = 400, SEED = 21 };

static const double gigahertz = 1e9;

/* One transmitter, two receivers, pixels in a column, posts around where the cavity is closed. */
static enum et_status make(struct et__cavity *c, bool closed, double loss)
{
    *c = (struct et__cavity){.width = 0.16,
                             .height = 0.12,
                             .c = 299792458,
                             .f0 = 5 * gigahertz,
                             .f_on = 5 * gigahertz,
                             .f_off = 10 * gigahertz,
                             .wall_loss = loss,
                             .antenna = {1, loss},
                             .pixel = {0.5, loss},
                             .n_tx = 1,
                             .n_rx = 2,
                             .n_pixels = PIXELS};
    if (!(c->dipoles = et_alloc(POSTS_MAX, sizeof *c->dipoles))) return ET_NOMEM;
    c->dipoles[c->n++] = (struct et__dipole){0.13, 0.03, ET__TRANSMITTER};
    c->dipoles[c->n++] = (struct et__dipole){0.12, 0.095, ET__RECEIVER};
    c->dipoles[c->n++] = (struct et__dipole){0.07, 0.04, ET__RECEIVER};
    for (size_t i = 0; i < PIXELS; i++)
        c->dipoles[c->n++] = (struct et__dipole){0.015, 0.01 + 0.009 * (double)i, ET__PIXEL};
    c->dipoles[c->n++] = (struct et__dipole){0.06, 0.08, ET__SCATTERER};
    c->scatterer_radius = 0.004;
    const double spacing = 0.004;
    c->post_radius = spacing / (2 * M_PI);
    const size_t nx = (size_t)lround(c->width / spacing), ny = (size_t)lround(c->height / spacing);
    for (size_t i = 0; closed && i < nx; i++) {
        double x = spacing * (double)i;
        c->dipoles[c->n++] = (struct et__dipole){x, 0, ET__POST};
        c->dipoles[c->n++] = (struct et__dipole){x + spacing, c->height, ET__POST};
    }
    for (size_t i = 0; closed && i < ny; i++) {
        double y = spacing * (double)i;
        c->dipoles[c->n++] = (struct et__dipole){0, y + spacing, ET__POST};
        c->dipoles[c->n++] = (struct et__dipole){c->width, y, ET__POST};
    }
    return ET_OK;
}

/* Power through a circle at infinity, (k^4 / 8 pi) times the integral of |sum p exp(-i k n r)|^2.
 * The integrand is smooth and periodic: equal steps converge faster than any power. */
static double radiated(const struct et__cavity *c, double k, const double complex *p)
{
    enum { ANGLES = 720 };
    double sum = 0;
    for (size_t a = 0; a < ANGLES; a++) {
        double angle = 2 * M_PI * (double)a / ANGLES;
        double complex far = 0;
        for (size_t i = 0; i < c->n; i++)
            far +=
                p[i] * cexp(-I * k * (c->dipoles[i].x * cos(angle) + c->dipoles[i].y * sin(angle)));
        sum += pow(cabs(far), 2) * 2 * M_PI / ANGLES;
    }
    return pow(k, 4) / (8 * M_PI) * sum;
}

/* Power that the transmitter's field feeds in, k^2 Im p_0 for E = 1, against what leaves. */
static enum et_status balance(bool closed, double *error)
{
    struct et__cavity c;
    const double f = 5.1 * gigahertz, x[PIXELS] = {1, 0, 1, 1, 0, 0.5, 0.2, 1, 0, 1, 0.9, 1};
    enum et_status status = make(&c, closed, 0);
    double complex *w = et_alloc(c.n * c.n, sizeof *w), *p = et_alloc(c.n, sizeof *p);
    if (status == ET_OK && !(w && p)) status = ET_NOMEM;
    if (status == ET_OK) {
        const double k = 2 * M_PI * f / c.c;
        et__cavity_matrix(&c, f, x, w);
        p[0] = 1;
        status = et__z_solve(w, c.n, p, 1);
        *error = fabs(radiated(&c, k, p) / (k * k * cimag(p[0])) - 1);
    }
    et_free(w);
    et_free(p);
    et__cavity_free(&c);
    return status;
}

static enum et_status open_balance(double *error)
{
    return balance(false, error);
}

static enum et_status closed_balance(double *error)
{
    return balance(true, error);
}

/* Width of the shadow of one lossless dipole at its resonance, P / (k |E|^2), against 4 / k. */
static enum et_status resonant_width(double *error)
{
    struct et__cavity c;
    enum et_status status = make(&c, false, 0);
    if (status == ET_OK) {
        const double k = 2 * M_PI * c.f0 / c.c;
        double complex p = 1 / et__cavity_inverse(&c, 0, c.f0, 0);
        c.n = 1;
        *error = fabs(radiated(&c, k, &p) / k / (4 / k) - 1);
    }
    et__cavity_free(&c);
    return status;
}

static enum et_status reciprocity(double *error)
{
    struct et__cavity there, back;
    double x[PIXELS];
    double complex h[2], g[2];
    enum et_status status = make(&there, true, 0.02);
    ET_TRY(status);
    status = make(&back, true, 0.02);
    for (size_t i = 0; i < PIXELS; i++)
        x[i] = (double)et_rng_uniform(SEED, ET_STREAM_USER, 0, i);
    if (status == ET_OK) {
        struct et__dipole kept = back.dipoles[0];
        back.dipoles[0] = (struct et__dipole){back.dipoles[1].x, back.dipoles[1].y, kept.kind};
        back.dipoles[1].x = kept.x;
        back.dipoles[1].y = kept.y;
        status = et__cavity_transfer(&there, 4.9 * gigahertz, x, h);
    }
    if (status == ET_OK) status = et__cavity_transfer(&back, 4.9 * gigahertz, x, g);
    if (status == ET_OK) *error = cabs(h[0] - g[0]) / cabs(h[0]);
    et__cavity_free(&there);
    et__cavity_free(&back);
    return status;
}

/* Random patterns of bits and greys by Woodbury's identity against all equations. */
static enum et_status woodbury(double *error)
{
    struct et__cavity c;
    struct et__cavity_response r = {0};
    double re[PIXELS * (PIXELS + 3)], im[PIXELS * (PIXELS + 3)], delta[PIXELS], out[4];
    size_t active[PIXELS];
    struct et__cavity_worker w = {
        .re = re, .im = im, .delta = delta, .active = active, .out_re = out, .out_im = out + 2};
    enum et_status status = make(&c, true, 0.02);
    *error = 0;
    if (status == ET_OK) status = et__cavity_respond(&c, 5 * gigahertz, &r);
    for (size_t t = 0; status == ET_OK && t < 6; t++) {
        float x[PIXELS];
        double wide[PIXELS];
        double complex h[2];
        for (size_t i = 0; i < PIXELS; i++) {
            x[i] = et_rng_uniform(SEED, ET_STREAM_USER, 1, t * PIXELS + i);
            if (t < 3) x[i] = x[i] > 0.5F ? 1 : 0;
            wide[i] = (double)x[i];
        }
        status = et__cavity_transfer(&c, 5 * gigahertz, wide, h);
        if (status == ET_OK && !et__cavity_solve(&c, &r, x, false, &w))
            status = et_error_set(ET_NUMERIC, "singular");
        for (size_t i = 0; i < 2; i++)
            *error = fmax(*error, cabs(CMPLX(out[i], out[2 + i]) - h[i]) / cabs(h[i]));
    }
    et__cavity_response_free(&r);
    et__cavity_free(&c);
    return status;
}

/* |H| of the empty closed cavity, weakly probed. */
static enum et_status probe(const struct et__cavity *c, double f, double *size)
{
    double complex h[2];
    ET_TRY(et__cavity_transfer(c, f, NULL, h));
    *size = cabs(h[1]);
    return ET_OK;
}

/* The lowest resonance of a conducting box, (c / 2) sqrt(1 / width^2 + 1 / height^2): the peak of
 * |H| on a fine scale. */
static enum et_status lowest_mode(double *error)
{
    struct et__cavity c;
    ET_TRY(make(&c, true, 0));
    c.antenna = (struct et__resonance){1e-4, 0};
    c.pixel = (struct et__resonance){1e-6, 0};
    c.dipoles[3 + PIXELS] = c.dipoles[--c.n]; /* no scatterer */
    const double want = 0.5 * c.c * hypot(1 / c.width, 1 / c.height);
    double peak = 0, most = -1, low = 0.957 * want, high = 1.04 * want;
    enum et_status status = ET_OK;
    for (size_t level = 0; status == ET_OK && level < 6; level++) {
        const double step = (high - low) / 16;
        for (size_t i = 0; status == ET_OK && i <= 16; i++) {
            double size = 0, f = low + step * (double)i;
            status = probe(&c, f, &size);
            if (size <= most) continue;
            most = size;
            peak = f;
        }
        low = peak - step;
        high = peak + step;
    }
    *error = fabs(peak / want - 1);
    et__cavity_free(&c);
    return status;
}

const struct et__physics_check et__physics_metasurface[] = {
    {"metasurface", "shadow of a lossless dipole at resonance: 4 / k", "1", 1e-12, resonant_width},
    {"metasurface", "power in = power out, dipoles in the open", "1", 1e-10, open_balance},
    {"metasurface", "power in = power out, lossless cavity", "1", 1e-7, closed_balance},
    {"metasurface", "reciprocity, transmitter and receiver exchanged", "1", 1e-10, reciprocity},
    {"metasurface", "Woodbury's identity: all equations solved", "1", 1e-10, woodbury},
    {"metasurface", "lowest resonance of a box of posts: conducting box", "1", 0.001, lowest_mode},
    {0},
};
