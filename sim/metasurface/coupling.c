/* SPDX-License-Identifier: Apache-2.0
 *
 * Coupled dipoles in two dimensions, fields perpendicular to the plane and exp(-i omega t).
 *
 * A dipole of moment p makes the field k^2 G p with G(r) = (i/4) H0(k r), the outgoing solution of
 * Lap G + k^2 G = -delta.  Moment i answers the fields of all others and a driving field E:
 *     alpha_i^-1 p_i - sum_(j != i) k^2 G(r_ij) p_j = E_i,   that is   W p = E.
 * W is symmetric, hence reciprocity.  A dipole radiates k^4 |p|^2 / 4, which a lossless one takes
 * out of the field when Im alpha^-1 = -k^2 / 4; anything below that is absorption.
 *
 * A post is a thin conducting wire of radius a: the mean field on its surface vanishes,
 * J0(k a) E + k^2 G(a) p = 0.  A fence of posts of spacing d acts as a solid wall when
 * a = d / (2 pi). */
#include "kernels/zlu.h"
#include "kernels/zmatrix.h"
#include "metasurface.h"

#include <etalon/parallel.h>

#include <math.h>
#include <string.h>

static double complex green(double kr)
{
    return CMPLX(-0.25 * y0(kr), 0.25 * j0(kr));
}

static double wave_number(const struct et__cavity *cavity, double f)
{
    return 2 * M_PI * f / cavity->c;
}

double complex et__cavity_inverse(const struct et__cavity *cavity, size_t i, double f, double x)
{
    const double k = wave_number(cavity, f), k0 = wave_number(cavity, cavity->f0);
    const struct et__dipole *dipole = &cavity->dipoles[i];
    if (dipole->kind >= ET__POST) {
        double radius = dipole->kind == ET__POST ? cavity->post_radius : cavity->scatterer_radius;
        return -k * k * green(k * radius) / j0(k * radius) -
               CMPLX(0, 0.25 * k * k * cavity->wall_loss);
    }
    const bool pixel = dipole->kind == ET__PIXEL;
    const struct et__resonance *r = pixel ? &cavity->pixel : &cavity->antenna;
    double f_r = pixel ? cavity->f_off + x * (cavity->f_on - cavity->f_off) : cavity->f0;
    double detuning = (f_r * f_r - f * f) / (cavity->f0 * cavity->f0);
    return CMPLX(k0 * k0 * detuning / r->strength,
                 -k0 * k0 * r->loss * f / cavity->f0 / r->strength - 0.25 * k * k);
}

/* What state x of a pixel adds to alpha^-1, which is real: its resonance moves. */
static double shift(const struct et__cavity *cavity, double x)
{
    const double k0 = wave_number(cavity, cavity->f0);
    const double tuned = cavity->f_off + x * (cavity->f_on - cavity->f_off);
    return k0 * k0 * (tuned * tuned - cavity->f_off * cavity->f_off) /
           (cavity->f0 * cavity->f0 * cavity->pixel.strength);
}

/* d/dx of that. */
static double shift_slope(const struct et__cavity *cavity, double x)
{
    const double k0 = wave_number(cavity, cavity->f0), step = cavity->f_on - cavity->f_off;
    return k0 * k0 * 2 * (cavity->f_off + x * step) * step /
           (cavity->f0 * cavity->f0 * cavity->pixel.strength);
}

struct assembly {
    const struct et__cavity *cavity;
    double f;
    const double *x;
    double complex *w;
};

static void assemble_row(void *user, size_t i, size_t worker)
{
    (void)worker;
    const struct assembly *a = user;
    const struct et__cavity *cavity = a->cavity;
    const struct et__dipole *d = cavity->dipoles;
    const double k = wave_number(cavity, a->f);
    const size_t first_pixel = cavity->n_tx + cavity->n_rx;
    for (size_t j = 0; j < cavity->n; j++) {
        double complex *to = &a->w[i * cavity->n + j];
        if (i == j) {
            bool pixel = d[i].kind == ET__PIXEL;
            *to = et__cavity_inverse(cavity, i, a->f, pixel && a->x ? a->x[i - first_pixel] : 0);
        } else {
            *to = -k * k * green(k * hypot(d[i].x - d[j].x, d[i].y - d[j].y));
        }
    }
}

void et__cavity_matrix(const struct et__cavity *cavity, double f, const double *x,
                       double complex *w)
{
    struct assembly assembly = {cavity, f, x, w};
    et_parallel_for(cavity->n, assemble_row, &assembly);
}

/* The first `columns` columns of W^-1 into inverse [n][columns]. */
static enum et_status invert(const struct et__cavity *cavity, double f, const double *x,
                             size_t columns, double complex *inverse)
{
    double complex *w = et_alloc(cavity->n * cavity->n, sizeof *w);
    if (!w) return ET_NOMEM;
    et__cavity_matrix(cavity, f, x, w);
    memset(inverse, 0, cavity->n * columns * sizeof *inverse);
    for (size_t i = 0; i < columns; i++)
        inverse[i * columns + i] = 1;
    enum et_status status = et__z_solve(w, cavity->n, inverse, columns);
    et_free(w);
    return status;
}

enum et_status et__cavity_transfer(const struct et__cavity *cavity, double f, const double *x,
                                   double complex *h)
{
    const size_t columns = cavity->n_tx;
    double complex *inverse = et_alloc(cavity->n * columns, sizeof *inverse);
    if (!inverse) return ET_NOMEM;
    enum et_status status = invert(cavity, f, x, columns, inverse);
    if (status == ET_OK)
        memcpy(h, inverse + cavity->n_tx * columns, cavity->n_rx * columns * sizeof *h);
    et_free(inverse);
    return status;
}

static void split(double complex z, double *re, double *im)
{
    *re = creal(z);
    *im = cimag(z);
}

enum et_status et__cavity_respond(const struct et__cavity *cavity, double f,
                                  struct et__cavity_response *r)
{
    const size_t n_tx = cavity->n_tx, n_rx = cavity->n_rx, n_pixels = cavity->n_pixels;
    const size_t antennas = n_tx + n_rx, columns = antennas + n_pixels;
    r->lone = 1 / et__cavity_inverse(cavity, 0, f, 0);
    if (!(r->rt_re = et_alloc(n_rx * n_tx, sizeof(double)))) return ET_NOMEM;
    if (!(r->rt_im = et_alloc(n_rx * n_tx, sizeof(double)))) return ET_NOMEM;
    if (!(r->pp_re = et_alloc(n_pixels * n_pixels, sizeof(double)))) return ET_NOMEM;
    if (!(r->pp_im = et_alloc(n_pixels * n_pixels, sizeof(double)))) return ET_NOMEM;
    if (!(r->pa_re = et_alloc(n_pixels * antennas, sizeof(double)))) return ET_NOMEM;
    if (!(r->pa_im = et_alloc(n_pixels * antennas, sizeof(double)))) return ET_NOMEM;
    double complex *g = et_alloc(cavity->n * columns, sizeof *g);
    if (!g) return ET_NOMEM;
    enum et_status status = invert(cavity, f, NULL, columns, g);
    for (size_t i = 0; status == ET_OK && i < n_rx * n_tx; i++)
        split(g[(n_tx + i / n_tx) * columns + i % n_tx], &r->rt_re[i], &r->rt_im[i]);
    for (size_t i = 0; status == ET_OK && i < n_pixels; i++) {
        const double complex *row = g + (antennas + i) * columns;
        for (size_t a = 0; a < antennas; a++)
            split(row[a], &r->pa_re[i * antennas + a], &r->pa_im[i * antennas + a]);
        for (size_t j = 0; j < n_pixels; j++)
            split(row[antennas + j], &r->pp_re[i * n_pixels + j], &r->pp_im[i * n_pixels + j]);
    }
    et_free(g);
    return status;
}

void et__cavity_response_free(struct et__cavity_response *r)
{
    et_free(r->rt_re);
    et_free(r->rt_im);
    et_free(r->pp_re);
    et_free(r->pp_im);
    et_free(r->pa_re);
    et_free(r->pa_im);
}

/* The equations (1 + D G_AA) Y = D G_A,antennas of the active pixels. */
static size_t set_up(const struct et__cavity *cavity, const struct et__cavity_response *r,
                     const float *x, size_t columns, struct et__cavity_worker *w)
{
    const size_t n_pixels = cavity->n_pixels, antennas = cavity->n_tx + cavity->n_rx;
    size_t n = 0;
    for (size_t i = 0; i < n_pixels; i++) {
        w->delta[i] = shift(cavity, (double)x[i]);
        if (w->delta[i] < 0 || w->delta[i] > 0) w->active[n++] = i;
    }
    for (size_t i = 0; i < n; i++) {
        const size_t p = w->active[i];
        const double d = w->delta[p];
        double *re = w->re + i * (n + columns), *im = w->im + i * (n + columns);
        for (size_t j = 0; j < n; j++) {
            re[j] = d * r->pp_re[p * n_pixels + w->active[j]] + (i == j);
            im[j] = d * r->pp_im[p * n_pixels + w->active[j]];
        }
        for (size_t a = 0; a < columns; a++) {
            re[n + a] = d * r->pa_re[p * antennas + a];
            im[n + a] = d * r->pa_im[p * antennas + a];
        }
    }
    return n;
}

/* out[a] = from[a] - sum over active pixels j of g_j Y_(j, a), for `columns` antennas. */
static void correct(const struct et__cavity_worker *w, size_t n, size_t columns, size_t stride,
                    const double *g_re, const double *g_im, size_t g_stride, double *out_re,
                    double *out_im)
{
    for (size_t j = 0; j < n; j++) {
        const double gr = g_re[w->active[j] * g_stride], gi = g_im[w->active[j] * g_stride];
        const double *yr = w->re + j * stride + n, *yi = w->im + j * stride + n;
        for (size_t a = 0; a < columns; a++) {
            out_re[a] -= gr * yr[a] - gi * yi[a];
            out_im[a] -= gr * yi[a] + gi * yr[a];
        }
    }
}

bool et__cavity_solve(const struct et__cavity *cavity, const struct et__cavity_response *r,
                      const float *x, bool fields, struct et__cavity_worker *w)
{
    const size_t n_tx = cavity->n_tx, antennas = n_tx + cavity->n_rx;
    const size_t n_pixels = cavity->n_pixels, columns = fields ? antennas : n_tx;
    const size_t n = set_up(cavity, r, x, columns, w), stride = n + columns;
    if (!et__zlu_solve(w->re, w->im, n, columns, stride)) return false;
    memcpy(w->out_re, r->rt_re, cavity->n_rx * n_tx * sizeof(double));
    memcpy(w->out_im, r->rt_im, cavity->n_rx * n_tx * sizeof(double));
    /* Column n_tx + i of pa is G_(pixel, receiver i) = G_(receiver i, pixel). */
    for (size_t i = 0; i < cavity->n_rx; i++)
        correct(w, n, n_tx, stride, r->pa_re + n_tx + i, r->pa_im + n_tx + i, antennas,
                w->out_re + i * n_tx, w->out_im + i * n_tx);
    if (!fields) return true;
    memcpy(w->at_re, r->pa_re, n_pixels * antennas * sizeof(double));
    memcpy(w->at_im, r->pa_im, n_pixels * antennas * sizeof(double));
    for (size_t i = 0; i < n_pixels; i++) {
        w->slope[i] = shift_slope(cavity, (double)x[i]);
        correct(w, n, antennas, stride, r->pp_re + i * n_pixels, r->pp_im + i * n_pixels, 1,
                w->at_re + i * antennas, w->at_im + i * antennas);
    }
    return true;
}
