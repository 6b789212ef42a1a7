/* SPDX-License-Identifier: Apache-2.0
 *
 * The transmission matrix of a multimode fibre,
 *
 *     T = C M_S D ... M_1 D P
 *
 * P: pixels of the modulator to modes; D: phases exp(i beta L / S) of a section; M_s = exp(i H_s):
 * random coupling of modes, within their groups and between them; C: modes to camera pixels. */
#include "kernels/zmatrix.h"
#include "medium.h"
#include "modes.h"

#include <etalon/parallel.h>
#include <etalon/rng.h>

#include <math.h>
#include <string.h>

enum {
    MODES_MAX = 1024,
    RADII = 4096, /* of a table of the radial function */
    SUBPIXELS = 4 /* along a side, over which the field is averaged */
};

/* V below which a step-index fibre's mode is wider than the cladding of any. */
static const double v_min = 0.8;

struct link {
    struct et__fibre fibre;
    struct et__fibre_mode *modes;
    size_t n; /* modes */
    double length, within, between;
    size_t sections;
    double complex *coupling; /* [n][n] M_S D ... M_1 D */
    double *in, *out;         /* [n][n_in], [n][n_field] */
};

static enum et_status read_fibre(struct link *link, const struct et_config *config)
{
    struct et__fibre *fibre = &link->fibre;
    *fibre = (struct et__fibre){
        .radius = et_config_real(config, "radius"),
        .na = et_config_real(config, "na"),
        .wavelength = et_config_real(config, "wavelength"),
        .index = et_config_real(config, "index"),
        .graded = et_config_choice(config, "profile") == 1,
    };
    link->length = et_config_real(config, "length");
    link->within = et_config_real(config, "coupling_within");
    link->between = et_config_real(config, "coupling_between");
    link->sections = (size_t)et_config_int(config, "sections");
    const double v = et__fibre_v(fibre);
    if (!(fibre->na < fibre->index))
        return et_config_error(config, "na", "na = %g is not below the core's index of %g",
                               fibre->na, fibre->index);
    if (!(v > (fibre->graded ? 2 : v_min)))
        return et_config_error(
            config, NULL,
            "the fibre guides no mode: V = 2 pi radius na / wavelength = %.3g, a "
            "%s core needs more than %g",
            v, fibre->graded ? "graded" : "step-index", fibre->graded ? 2 : v_min);
    if (v > 1e3)
        return et_config_error(config, NULL, "V = %.3g: the fibre guides far more than %d modes", v,
                               (int)MODES_MAX);
    ET_TRY(et__fibre_modes(fibre, &link->modes, &link->n));
    if (link->n > MODES_MAX)
        return et_config_error(config, NULL,
                               "V = %.3g: the fibre guides %zu modes, above the "
                               "limit of %d",
                               v, link->n, (int)MODES_MAX);
    return ET_OK;
}

/* A square or rectangular image on a facet. */
struct image {
    const struct link *link;
    size_t nx, ny;
    double width, height; /* m */
    double *overlaps;     /* [modes][ny][nx] */
    double *tables;       /* [workers][RADII + 2] */
    double reach;         /* m, from the axis to a corner */
};

/* Row `mode` of the overlaps: the field averaged over each pixel times the root of its area, so
 * that a sum of squares is a power on both sides. */
static void project(void *user, size_t index, size_t worker)
{
    const struct image *image = user;
    const struct et__fibre_mode *mode = &image->link->modes[index];
    double *table = image->tables + worker * (RADII + 2);
    double *row = image->overlaps + index * image->nx * image->ny;
    for (size_t i = 0; i < RADII + 2; i++)
        table[i] = et__fibre_radial(&image->link->fibre, mode, image->reach * (double)i / RADII);
    const double dx = image->width / (double)image->nx, dy = image->height / (double)image->ny;
    for (size_t p = 0; p < image->nx * image->ny; p++) {
        const size_t column = p % image->nx, line = p / image->nx;
        double sum = 0;
        for (size_t s = 0; s < SUBPIXELS * SUBPIXELS; s++) {
            const size_t right = s % SUBPIXELS, down = s / SUBPIXELS;
            double x = ((double)column + ((double)right + 0.5) / SUBPIXELS) * dx;
            double y = ((double)line + ((double)down + 0.5) / SUBPIXELS) * dy;
            x -= 0.5 * image->width;
            y = 0.5 * image->height - y; /* the first row is on top */
            double at = hypot(x, y) / image->reach * RADII;
            size_t i = (size_t)at < RADII ? (size_t)at : RADII;
            double radial = table[i] + (at - (double)i) * (table[i + 1] - table[i]);
            double angle = mode->l * atan2(y, x);
            sum += radial * (mode->sine ? sin(angle) : cos(angle));
        }
        row[p] = sum / (SUBPIXELS * SUBPIXELS) * sqrt(dx * dy);
    }
}

static enum et_status make_image(const struct link *link, const struct et_config *config,
                                 const char *columns, size_t n, double *overlaps)
{
    size_t nx = (size_t)et_config_int(config, columns);
    double size = et_config_real(config, "image");
    if (nx == 0) {
        nx = (size_t)lround(sqrt((double)n));
        if (nx * nx != n)
            return et_config_error(config, columns, "%zu pixels are no square: give %s", n,
                                   columns);
    }
    if (n % nx != 0)
        return et_config_error(config, columns, "%zu pixels do not fill rows of %s = %zu", n,
                               columns, nx);
    if (!(size > 0)) size = 2 * link->fibre.radius;
    struct image image = {.link = link, .nx = nx, .ny = n / nx, .overlaps = overlaps};
    const double pixel = size / (double)(image.nx > image.ny ? image.nx : image.ny);
    image.width = pixel * (double)image.nx;
    image.height = pixel * (double)image.ny;
    image.reach = 0.5 * hypot(image.width, image.height);
    image.tables = et_alloc(et_parallel_threads() * (RADII + 2), sizeof *image.tables);
    if (!image.tables) return ET_NOMEM;
    et_parallel_for(link->n, project, &image);
    et_free(image.tables);
    return ET_OK;
}

/* H of section s: Hermitian, E|H_mn|^2 = within^2 / (size of the group) in a group, between^2 /
 * (all modes) elsewhere, so the strengths are the rms phases that a mode gets in a section. */
static void draw_coupling(const struct link *link, uint64_t seed, size_t s, double complex *h)
{
    const size_t n = link->n;
    et__z_gaussian(et_rng_derive(seed, s), ET_STREAM_MISMATCH, 1, h, n * n);
    for (size_t i = 0; i < n; i++) {
        size_t group = 0;
        for (size_t j = 0; j < n; j++)
            group += link->modes[j].group == link->modes[i].group;
        for (size_t j = 0; j <= i; j++) {
            bool same = link->modes[j].group == link->modes[i].group;
            double sd = same ? link->within / sqrt((double)group) : link->between / sqrt((double)n);
            h[i * n + j] = i == j ? sd * creal(h[i * n + i]) * M_SQRT2 : sd * h[i * n + j];
        }
    }
}

static enum et_status couple(struct link *link, uint64_t seed)
{
    const size_t n = link->n;
    double complex *h = et_alloc(n * n, sizeof *h), *mix = et_alloc(n * n, sizeof *mix);
    double complex *next = et_alloc(n * n, sizeof *next);
    enum et_status status = h && mix && next ? ET_OK : ET_NOMEM;
    const double section = link->length / (double)link->sections;
    for (size_t s = 0; status == ET_OK && s < link->sections; s++) {
        draw_coupling(link, seed, s, h);
        status = et__z_exp_i(h, n, mix);
        if (status != ET_OK) break;
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++) {
                /* Whole turns first: a phase of 10^7 rad keeps 9 digits. */
                double turns = link->modes[j].beta * section / (2 * M_PI);
                mix[i * n + j] *= cexp(CMPLX(0, 2 * M_PI * (turns - floor(turns))));
            }
        if (s > 0) et__z_multiply(mix, link->coupling, n, n, n, next);
        memcpy(link->coupling, s > 0 ? next : mix, n * n * sizeof *next);
    }
    et_free(h);
    et_free(mix);
    et_free(next);
    return status;
}

struct assembly {
    struct et__medium *m;
    const struct link *link;
    double complex *behind; /* [modes][n_in] coupling P */
    double complex *rows;   /* [workers][n_in] */
};

/* Row i of coupling P. */
static void make_behind(void *user, size_t i, size_t worker)
{
    (void)worker;
    const struct assembly *a = user;
    const size_t n = a->link->n, n_in = a->m->n_in;
    double complex *row = a->behind + i * n_in;
    for (size_t k = 0; k < n; k++) {
        const double re = creal(a->link->coupling[i * n + k]);
        const double im = cimag(a->link->coupling[i * n + k]);
        const double *overlap = a->link->in + k * n_in;
        for (size_t j = 0; j < n_in; j++)
            row[j] += CMPLX(re * overlap[j], im * overlap[j]);
    }
}

/* Row c of T. */
static void make_row(void *user, size_t c, size_t worker)
{
    const struct assembly *a = user;
    const size_t n_in = a->m->n_in, n_field = a->m->n_field;
    double complex *row = a->rows + worker * n_in;
    memset(row, 0, n_in * sizeof *row);
    for (size_t k = 0; k < a->link->n; k++) {
        const double factor = a->link->out[k * n_field + c];
        const double complex *behind = a->behind + k * n_in;
        for (size_t j = 0; j < n_in; j++)
            row[j] += factor * behind[j];
    }
    et__medium_set_row(a->m, c, row);
}

static enum et_status assemble(struct et__medium *m, struct link *link,
                               const struct et_config *config)
{
    struct assembly a = {.m = m, .link = link};
    const size_t n = link->n;
    enum et_status status = ET_NOMEM;
    link->coupling = et_alloc(n * n, sizeof *link->coupling);
    link->in = et_alloc(n * m->n_in, sizeof *link->in);
    link->out = et_alloc(n * m->n_field, sizeof *link->out);
    a.behind = et_alloc(n * m->n_in, sizeof *a.behind);
    a.rows = et_alloc(et_parallel_threads() * m->n_in, sizeof *a.rows);
    if (link->coupling && link->in && link->out && a.behind && a.rows)
        status = make_image(link, config, "in_columns", m->n_in, link->in);
    if (status == ET_OK) status = make_image(link, config, "out_columns", m->n_field, link->out);
    if (status == ET_OK) status = couple(link, m->seed);
    if (status == ET_OK) {
        et_parallel_for(n, make_behind, &a);
        et_parallel_for(m->n_field, make_row, &a);
    }
    et_free(a.rows);
    et_free(a.behind);
    return status;
}

enum et_status et__medium_make_fibre(struct et__medium *m, const struct et_config *config)
{
    struct link link = {0};
    enum et_status status = read_fibre(&link, config);
    if (status == ET_OK) status = assemble(m, &link, config);
    et_free(link.modes);
    et_free(link.coupling);
    et_free(link.in);
    et_free(link.out);
    return status;
}
