/* SPDX-License-Identifier: Apache-2.0
 *
 * Coherent light through a scattering medium, between a modulator and a camera.
 *
 *     a_j = enc(x_j) exp(i theta_j + i beta_j(t))   pixel j: mask theta, drift beta
 *     E_c = sum_j T_cj a_j                          T complex: the medium
 *     y_c = |E_c|^2, |E_c|, Re E_c, or Re and Im
 *
 * A pass goes through blocks of samples; in a block the products are parallel over output pixels
 * and the rest over samples. */
#include "medium.h"

#include <etalon/parallel.h>
#include <etalon/rng.h>

#include <math.h>
#include <string.h>

/* Steps that the walk may take. */
enum { WALK_LEVELS = 32 };

bool et__medium_is_complex(const struct et__medium *m)
{
    return m->encoding == ET__MEDIUM_PHASE || m->mask || m->drift_rate > 0;
}

/* beta_j(t) = sqrt(rate) W_j(t) with W Brownian, W(0) = 0: halving intervals from [0, 2^32) down to
 * t, the middle of one of length L between ends A and B is (A + B) / 2 + sqrt(L) n / 2.  So the
 * walk at any step costs the same and needs no history. */
static void walk(struct et__medium *m, const struct et_step *step)
{
    const size_t n = m->n_in;
    const uint64_t t = (m->drift_age + step->index) & UINT32_MAX;
    const uint64_t seed = et_rng_derive(step->seed, m->seed);
    double *low = m->walk, *high = m->walk + n;
    et_rng_fill_normal(seed, ET_STREAM_DRIFT, UINT32_MAX, 0, m->draws, n);
    for (size_t j = 0; j < n; j++) {
        low[j] = 0;
        high[j] = 65536 * (double)m->draws[j];
    }
    uint64_t start = 0; /* of the interval, of length 2 << level */
    for (unsigned level = WALK_LEVELS; level-- > 0 && t != start;) {
        const uint64_t middle = start + ((uint64_t)1 << level);
        const double sd = 0.5 * sqrt(ldexp(1, (int)level + 1));
        et_rng_fill_normal(seed, ET_STREAM_DRIFT, (uint32_t)(middle >> level), (level + 1) * n,
                           m->draws, n);
        const bool upper = t >= middle;
        if (upper) start = middle;
        for (size_t j = 0; j < n; j++) {
            double value = 0.5 * (low[j] + high[j]) + sd * (double)m->draws[j];
            *(upper ? &low[j] : &high[j]) = value;
        }
    }
}

void et__medium_turn(struct et__medium *m, const struct et_step *step)
{
    if (m->drift_rate > 0) walk(m, step);
    for (size_t j = 0; j < m->n_in; j++) {
        double angle = m->mask ? (double)m->knobs[j] : 0;
        if (m->drift_rate > 0) angle += sqrt(m->drift_rate) * m->walk[j];
        m->turns[j] = (float)cos(angle);
        m->turns[m->n_in + j] = (float)sin(angle);
    }
}

/* ---------------------------------------------------------------------------------- a block -- */

/* Up to BLOCK samples on their way, the first of them being row `first` of the pass. */
struct block {
    struct et__medium *m;
    const struct et_step *step;
    struct et_view x, y; /* of the block */
    size_t first;
    const float *dy;
    float *dx;
};

/* Real and imaginary parts of sample r, before the matrix. */
static void encode(void *user, size_t r, size_t worker)
{
    (void)worker;
    const struct block *b = user;
    const struct et__medium *m = b->m;
    const float *x = b->x.data + r * m->n_in, *c = m->turns, *s = c + m->n_in;
    float *re = m->input + r * m->n_in, *im = re + b->x.rows * m->n_in;
    for (size_t j = 0; j < m->n_in; j++) {
        float value = m->encoding == ET__MEDIUM_BINARY ? (float)(x[j] >= m->threshold) : x[j];
        if (m->encoding == ET__MEDIUM_PHASE) {
            float cosine = cosf(m->phase_range * value), sine = sinf(m->phase_range * value);
            re[j] = cosine * c[j] - sine * s[j];
            im[j] = cosine * s[j] + sine * c[j];
        } else {
            re[j] = value * c[j];
            if (et__medium_is_complex(m)) im[j] = value * s[j];
        }
    }
}

/* Numbers between rows of the field: rows a power of two apart would share few lines of a cache. */
static size_t field_stride(const struct et__medium *m)
{
    return (m->matrix.n_panels + 1) * ET__PANEL;
}

/* Complex columns [8 p, 8 p + 8) of a product of real rows u and rows v times i: (u + i v) M, into
 * panel p of u's product. */
static void combine(float *restrict u, const float *restrict v)
{
    for (size_t l = 0; l < ET__MEDIUM_COLUMNS; l++) {
        u[l] -= v[ET__MEDIUM_COLUMNS + l];
        u[ET__MEDIUM_COLUMNS + l] += v[l];
    }
}

static void combine_row(void *user, size_t r, size_t worker)
{
    (void)worker;
    const struct block *b = user;
    const size_t width = b->m->matrix.n_panels * ET__PANEL, stride = field_stride(b->m);
    float *u = b->m->field + r * stride, *v = u + b->x.rows * stride;
    for (size_t at = 0; at < width; at += ET__PANEL)
        combine(u + at, v + at);
}

/* E of the block: row r of m->field holds it in panels of 8 real and 8 imaginary parts. */
static void make_field(struct block *b)
{
    struct et__medium *m = b->m;
    const size_t rows = b->x.rows;
    const bool complex_rows = et__medium_is_complex(m);
    const bool plain = !complex_rows && m->encoding != ET__MEDIUM_BINARY;
    if (!plain) et_parallel_for(rows, encode, b);
    struct et_view a = plain ? b->x : et_view_of(m->input, complex_rows ? 2 * rows : rows, m->n_in);
    struct et_view field = et_view_of(m->field, a.rows, field_stride(m));
    et__panels_multiply(&m->matrix, a, et_view_cols(field, 0, m->matrix.n_panels * ET__PANEL));
    if (complex_rows) et_parallel_for(rows, combine_row, b);
}

static void intensities(const struct et__medium *m, const float *field, float *y)
{
    for (size_t c = 0; c < m->n_field; c++) {
        const float *e = field + c / ET__MEDIUM_COLUMNS * ET__PANEL + c % ET__MEDIUM_COLUMNS;
        y[c] = e[0] * e[0] + e[ET__MEDIUM_COLUMNS] * e[ET__MEDIUM_COLUMNS];
    }
}

/* What the detectors say of sample r. */
static void detect(void *user, size_t r, size_t worker)
{
    (void)worker;
    const struct block *b = user;
    const struct et__medium *m = b->m;
    const float *field = m->field + r * field_stride(m);
    float *y = b->y.data + r * m->n_out;
    if (m->detection >= ET__MEDIUM_HOMODYNE) {
        for (size_t c = 0; c < m->n_out; c++) {
            size_t at = c % m->n_field, imaginary = c >= m->n_field ? ET__MEDIUM_COLUMNS : 0;
            y[c] = field[at / ET__MEDIUM_COLUMNS * ET__PANEL + at % ET__MEDIUM_COLUMNS + imaginary];
        }
        return;
    }
    intensities(m, field, y);
    et__camera_read_row(&m->camera, b->step, b->first + r, y, y, m->n_out);
    if (m->detection == ET__MEDIUM_MAGNITUDE)
        for (size_t c = 0; c < m->n_out; c++)
            y[c] = sqrtf(y[c]);
}

static struct block block_at(struct et__medium *m, const struct et_step *step, struct et_view x,
                             size_t first)
{
    size_t left = x.rows - first, count = left < ET__MEDIUM_BLOCK ? left : ET__MEDIUM_BLOCK;
    return (struct block){.m = m, .step = step, .x = et_view_rows(x, first, count), .first = first};
}

static enum et_status forward(void *state, const struct et_step *step, struct et_view x,
                              struct et_view y)
{
    struct et__medium *m = state;
    et__medium_turn(m, step);
    for (size_t first = 0; first < x.rows; first += ET__MEDIUM_BLOCK) {
        struct block b = block_at(m, step, x, first);
        b.y = et_view_rows(y, first, b.x.rows);
        make_field(&b);
        et_parallel_for(b.x.rows, detect, &b);
    }
    return ET_OK;
}

/* ------------------------------------------------------------------------------- the way back --
 */

/* The transposed matrix, packed: as large as the first, so it is made when first asked for. */
static void transpose_panel(void *user, size_t p, size_t worker)
{
    (void)worker;
    struct et__medium *m = user;
    for (size_t c = 0; c < m->n_field; c++) {
        float *to = et__panels_row(&m->adjoint, p, c);
        for (size_t l = 0; l < ET__MEDIUM_COLUMNS && p * ET__MEDIUM_COLUMNS + l < m->n_in; l++) {
            float complex element = et__medium_at(m, c, p * ET__MEDIUM_COLUMNS + l);
            to[l] = crealf(element);
            to[ET__MEDIUM_COLUMNS + l] = cimagf(element);
        }
    }
}

static enum et_status prepare_way_back(struct et__medium *m)
{
    if (m->back) return ET_OK;
    size_t panels = (m->n_in + ET__MEDIUM_COLUMNS - 1) / ET__MEDIUM_COLUMNS;
    if (!m->adjoint.data) ET_TRY(et__panels_create(&m->adjoint, m->n_field, panels));
    et_parallel_for(panels, transpose_panel, m);
    m->back = et_alloc(2 * ET__MEDIUM_BLOCK * (m->n_field + panels * ET__PANEL), sizeof *m->back);
    return m->back ? ET_OK : ET_NOMEM;
}

/* With dE = d/dRe E + i d/dIm E of the loss L = sum dy y: for y(|E|^2), dE = 2 E dL/d|E|^2. */
static void undetect(void *user, size_t r, size_t worker)
{
    (void)worker;
    const struct block *b = user;
    const struct et__medium *m = b->m;
    const float *field = m->field + r * field_stride(m);
    const float *dy = b->dy + r * m->n_out;
    float *re = m->back + r * m->n_field, *im = re + b->x.rows * m->n_field;
    if (m->detection >= ET__MEDIUM_HOMODYNE) {
        memcpy(re, dy, m->n_field * sizeof *re);
        if (m->n_out > m->n_field)
            memcpy(im, dy + m->n_field, m->n_field * sizeof *im);
        else
            memset(im, 0, m->n_field * sizeof *im);
        return;
    }
    intensities(m, field, re);
    memcpy(im, dy, m->n_field * sizeof *im);
    if (m->detection == ET__MEDIUM_MAGNITUDE) {
        float *reading = re; /* for a moment */
        et__camera_read_row(&m->camera, b->step, b->first + r, re, reading, m->n_out);
        for (size_t c = 0; c < m->n_out; c++)
            im[c] = reading[c] > 0 ? 0.5F * dy[c] / sqrtf(reading[c]) : 0.0F;
        intensities(m, field, re);
    }
    et__camera_read_row_back(&m->camera, b->step, b->first + r, re, im, im, m->n_out);
    for (size_t c = 0; c < m->n_field; c++) {
        const float *e = field + c / ET__MEDIUM_COLUMNS * ET__PANEL + c % ET__MEDIUM_COLUMNS;
        float slope = 2 * im[c];
        re[c] = slope * e[0];
        im[c] = slope * e[ET__MEDIUM_COLUMNS];
    }
}

/* g = conj(T^H dE) = T^T conj(dE), in panels: row r holds (dRe + i dIm)^* T after this. */
static float *go_back(struct block *b)
{
    struct et__medium *m = b->m;
    const size_t rows = b->x.rows, width = m->adjoint.n_panels * ET__PANEL;
    float *g = m->back + 2 * ET__MEDIUM_BLOCK * m->n_field;
    for (size_t i = rows * m->n_field; i < 2 * rows * m->n_field; i++)
        m->back[i] = -m->back[i];
    et__panels_multiply(&m->adjoint, et_view_of(m->back, 2 * rows, m->n_field),
                        et_view_of(g, 2 * rows, width));
    for (size_t r = 0; r < rows; r++)
        for (size_t p = 0; p < m->adjoint.n_panels; p++)
            combine(g + r * width + p * ET__PANEL, g + (rows + r) * width + p * ET__PANEL);
    return g;
}

/* dL = Re(sum_j g_j da_j) with g as above: da_j = a_j / x_j dx_j, i range a_j dx_j, i a_j dtheta_j.
 */
static void decode(struct block *b, const float *g, float *dknobs)
{
    const struct et__medium *m = b->m;
    const size_t n = m->n_in, width = m->adjoint.n_panels * ET__PANEL;
    for (size_t r = 0; r < b->x.rows; r++) {
        const float *re = m->input + r * n, *im = re + b->x.rows * n, *x = b->x.data + r * n;
        for (size_t j = 0; j < n; j++) {
            const float *at =
                g + r * width + j / ET__MEDIUM_COLUMNS * ET__PANEL + j % ET__MEDIUM_COLUMNS;
            const float gr = at[0], gi = at[ET__MEDIUM_COLUMNS], c = m->turns[j];
            const float s = m->turns[n + j];
            if (m->encoding == ET__MEDIUM_PHASE) {
                const float turn = -gr * im[j] - gi * re[j]; /* Re(g i a) */
                b->dx[r * n + j] = m->phase_range * turn;
                if (dknobs) dknobs[j] += turn;
            } else {
                b->dx[r * n + j] = gr * c - gi * s;
                if (dknobs) dknobs[j] += x[j] * (-gr * s - gi * c);
            }
        }
    }
}

static enum et_status vjp(void *state, const struct et_step *step, struct et_view x,
                          struct et_view dy, struct et_view dx, float *dknobs)
{
    struct et__medium *m = state;
    ET_TRY(prepare_way_back(m));
    et__medium_turn(m, step);
    for (size_t first = 0; first < x.rows; first += ET__MEDIUM_BLOCK) {
        struct block b = block_at(m, step, x, first);
        b.dy = dy.data + first * m->n_out;
        b.dx = dx.data + first * m->n_in;
        make_field(&b);
        et_parallel_for(b.x.rows, undetect, &b);
        decode(&b, go_back(&b), m->mask ? dknobs : NULL);
    }
    return ET_OK;
}

/* -------------------------------------------------------------------------------------- life -- */

/* Lets the camera see random inputs, of the same seed as the device. */
static enum et_status expose(struct et__medium *m)
{
    if (m->detection >= ET__MEDIUM_HOMODYNE || !et__camera_wants_exposure(&m->camera)) return ET_OK;
    float *x = et_alloc(ET__MEDIUM_BLOCK * m->n_in, sizeof *x);
    float *seen = et_alloc(ET__MEDIUM_BLOCK * m->n_field, sizeof *seen);
    enum et_status status = x && seen ? ET_OK : ET_NOMEM;
    if (status == ET_OK) {
        struct et_step step = {.seed = m->seed};
        float low = m->encoding == ET__MEDIUM_SIGNED ? -1 : 0;
        et_rng_fill_uniform(m->seed, ET_STREAM_DATA, 0, 0, low, 1, x, ET__MEDIUM_BLOCK * m->n_in);
        struct block b = block_at(m, &step, et_view_of(x, ET__MEDIUM_BLOCK, m->n_in), 0);
        et__medium_turn(m, &step);
        make_field(&b);
        for (size_t r = 0; r < ET__MEDIUM_BLOCK; r++)
            intensities(m, m->field + r * field_stride(m), seen + r * m->n_field);
        status = et__camera_expose(&m->camera, seen, ET__MEDIUM_BLOCK * m->n_field);
    }
    et_free(seen);
    et_free(x);
    return status;
}

static enum et_status make_workspaces(struct et__medium *m)
{
    const size_t rows = ET__MEDIUM_BLOCK * (et__medium_is_complex(m) ? 2 : 1);
    if (!(m->knobs = et_alloc(m->n_in, sizeof *m->knobs))) return ET_NOMEM;
    if (!(m->turns = et_alloc(2 * m->n_in, sizeof *m->turns))) return ET_NOMEM;
    if (!(m->walk = et_alloc(2 * m->n_in, sizeof *m->walk))) return ET_NOMEM;
    if (!(m->draws = et_alloc(m->n_in, sizeof *m->draws))) return ET_NOMEM;
    if (!(m->input = et_alloc(rows * m->n_in, sizeof *m->input))) return ET_NOMEM;
    m->field = et_alloc(rows * field_stride(m), sizeof *m->field);
    return m->field ? ET_OK : ET_NOMEM;
}

static enum et_status open_medium(void *state, const struct et_config *config, uint64_t seed)
{
    struct et__medium *m = state;
    const struct et_config *drift = et_config_at(config, "drift", 0);
    m->encoding = (enum et__medium_encoding)et_config_choice(config, "encoding");
    m->detection = (enum et__medium_detection)et_config_choice(config, "detection");
    m->phase_range = (float)et_config_real(config, "phase_range");
    m->threshold = (float)et_config_real(config, "threshold");
    m->gain = (float)et_config_real(config, "gain");
    m->mask = et_config_bool(config, "mask");
    m->drift_rate = et_config_real(drift, "rate");
    m->drift_age = (uint64_t)et_config_int(drift, "age");
    m->frame_rate = et_config_real(config, "frame_rate");
    m->power = et_config_real(config, "power");
    ET_TRY(et__camera_read(&m->camera, et_config_at(config, "camera", 0), seed, "of incident"));
    if (m->detection >= ET__MEDIUM_HOMODYNE && !m->camera.ideal)
        return et_config_error(config, "camera", "a camera sees intensities: detection %s has none",
                               et_config_string(config, "detection"));
    ET_TRY(et__medium_make(m, config, seed));
    m->n_out = m->detection == ET__MEDIUM_QUADRATURES ? 2 * m->n_field : m->n_field;
    ET_TRY(make_workspaces(m));
    return expose(m);
}

static void describe(const void *state, struct et_system_info *info)
{
    const struct et__medium *m = state;
    info->n_in = m->n_in;
    info->n_out = m->n_out;
    info->in_min = m->encoding == ET__MEDIUM_SIGNED ? -1 : 0;
    info->in_max = 1;
    info->in_unit = "of full scale";
    info->out_unit = m->camera.unit;
    if (m->frame_rate > 0) info->latency_s = 1 / m->frame_rate;
    if (m->frame_rate > 0 && m->power > 0) info->energy_J = m->power / m->frame_rate;
    if (m->mask) {
        info->n_knobs = m->n_in;
        info->knob_unit = "rad";
        info->traits |= ET_HAS_KNOBS;
    }
    if (m->encoding != ET__MEDIUM_BINARY) info->traits |= ET_HAS_VJP;
    if (m->drift_rate > 0 || m->camera.noisy) info->traits |= ET_NOISY;
}

static enum et_status set_knobs(void *state, const float *knobs)
{
    struct et__medium *m = state;
    memcpy(m->knobs, knobs, m->n_in * sizeof *knobs);
    return ET_OK;
}

static void get_knobs(const void *state, float *knobs)
{
    const struct et__medium *m = state;
    memcpy(knobs, m->knobs, m->n_in * sizeof *knobs);
}

static void close_medium(void *state)
{
    struct et__medium *m = state;
    et__panels_destroy(&m->matrix);
    et__panels_destroy(&m->adjoint);
    et_free(m->knobs);
    et_free(m->turns);
    et_free(m->walk);
    et_free(m->draws);
    et_free(m->input);
    et_free(m->field);
    et_free(m->back);
}

const struct et_system_type et_system_medium = {
    .name = "medium",
    .summary = "Light through a scattering medium or a multimode fibre: y = |T x|^2, T complex.",
    .state_size = sizeof(struct et__medium),
    .params = et__medium_params,
    .open = open_medium,
    .describe = describe,
    .forward = forward,
    .set_knobs = set_knobs,
    .get_knobs = get_knobs,
    .vjp = vjp,
    .close = close_medium,
};
