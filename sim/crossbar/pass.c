/* SPDX-License-Identifier: Apache-2.0
 *
 * A sample on its way through the arrays, and back.
 *
 *     u   = dac(x / scale)                                 scale = 1, or the largest |x|
 *     i_t = M_t u + sqrt(V_t u^2 + noise^2) n_t            tile t of the inputs, n_t ~ N(0, 1)
 *     y   = scale sum over t of gain_t adc(i_t)
 *
 * The read noise of the cells is independent from cell to cell and from pass to pass, so the noise
 * of an output's current is exactly Gaussian with variance sum over k of V_ok u_k^2: one number per
 * output and tile instead of one per cell.
 *
 * Backwards, converters pass the gradient straight through, except where the ADC clips; all the
 * rest is exact, with n_t held.  Rows take the same kernel whatever the batch. */
#include "crossbar/crossbar.h"

#include <etalon/parallel.h>
#include <etalon/rng.h>

#include <math.h>
#include <string.h>

enum { ROWS = ET__CROSSBAR_ROWS };

struct pass {
    const struct et__crossbar *s;
    const struct et_step *step;
    uint64_t seed;
    struct et_view x, y;
    /* vjp: one chunk at a time, its rows in parallel. */
    struct et_view dy;
    size_t first, tile;
    struct et__crossbar_work *work;
    float *dcurrent, *dspread; /* [ROWS][n_out] */
    float *dscale;             /* [ROWS] */
    double *dgain;             /* [ROWS][n_col_tiles] */
};

/* Nearest level; halves go to the even one. */
static float convert(float v, float step, float top)
{
    float k = rintf(v / step);
    k = k < top ? k : top;
    return (k > -top ? k : -top) * step;
}

ET_VECTOR_CLONES static void convert_all(const struct et__converter *c, float *restrict v, size_t n)
{
    if (c->bits == 0) return;
    const float step = c->step, top = c->top;
    for (size_t i = 0; i < n; i++)
        v[i] = convert(v[i], step, top);
}

/* y += factor adc(current). */
ET_VECTOR_CLONES static void add_converted(const struct et__converter *c,
                                           const float *restrict current, float factor, size_t n,
                                           float *restrict y)
{
    if (c->bits == 0) {
        for (size_t i = 0; i < n; i++)
            y[i] += factor * current[i];
        return;
    }
    const float step = c->step, top = c->top;
    for (size_t i = 0; i < n; i++)
        y[i] += factor * convert(current[i], step, top);
}

static float largest(const float *x, size_t n, size_t *at)
{
    float most = 0;
    for (size_t k = 0; k < n; k++)
        if (fabsf(x[k]) > most) {
            most = fabsf(x[k]);
            *at = k;
        }
    return most;
}

/* What the DACs make of a row; returns its scale. */
static float drive(const struct et__crossbar *s, const float *x, float *u, float *square)
{
    size_t at;
    float scale = 1;
    if (s->abs_max) {
        scale = largest(x, s->n_in, &at) / s->dac.range;
        if (!(scale > 0)) scale = 1;
    }
    for (size_t k = 0; k < s->n_in; k++)
        u[k] = x[k] / scale;
    convert_all(&s->dac, u, s->n_in);
    for (size_t k = 0; square && k < s->n_in; k++)
        square[k] = u[k] * u[k];
    return scale;
}

static bool is_noisy(const struct et__crossbar *s)
{
    return s->variance != NULL || s->adc_noise > 0;
}

/* The normal numbers of row r of the batch at tile t. */
static void draw(const struct pass *pass, size_t r, size_t t, float *normal)
{
    const struct et__crossbar *s = pass->s;
    uint64_t width = (s->n_out + 3) / 4 * 4; /* whole blocks of the generator */
    uint64_t place = et_step_sample(pass->step, r) * s->n_row_tiles + t;
    et_rng_fill_normal(pass->seed, ET_STREAM_NOISE, pass->step->index, place * width, normal,
                       s->n_out);
}

/* Adds the noise to the currents; variance becomes the sd. */
ET_VECTOR_CLONES static void disturb(const struct et__crossbar *s, const float *restrict normal,
                                     float *restrict current, float *restrict variance)
{
    const float more = s->adc_noise * s->adc_noise;
    for (size_t o = 0; o < s->n_out; o++) {
        float sd = sqrtf((s->variance ? variance[o] : 0) + more);
        current[o] += sd * normal[o];
        variance[o] = sd;
    }
}

static void multiply(const struct et__crossbar *s, const struct et__crossbar_work *w, size_t t,
                     size_t rows)
{
    struct et_view u = {w->x + t * s->rows, rows, s->packed[t].k, s->n_in};
    et__panels_multiply(&s->packed[t], u, et_view_of(w->current, rows, s->width));
    if (!s->variance) return;
    u.data = w->square + t * s->rows;
    et__panels_multiply(&s->packed_variance[t], u, et_view_of(w->variance, rows, s->width));
}

/* Adds one tile's outputs to a row of y. */
static void collect(const struct et__crossbar *s, size_t t, const float *current, float scale,
                    float *y)
{
    for (size_t c = 0; c < s->n_col_tiles; c++) {
        const struct et__tile *tile = &s->tile[t * s->n_col_tiles + c];
        struct et__block block = et__crossbar_block(s, t, c);
        add_converted(&tile->adc, current + block.o, scale * tile->gain, block.cols, y + block.o);
    }
}

static void forward_chunk(void *user, size_t chunk, size_t worker)
{
    const struct pass *pass = user;
    const struct et__crossbar *s = pass->s;
    struct et__crossbar_work *w = &s->work[worker];
    size_t first = chunk * ROWS, left = pass->x.rows - first, rows = left < ROWS ? left : ROWS;
    float scale[ROWS];
    for (size_t r = 0; r < rows; r++)
        scale[r] = drive(s, pass->x.data + (first + r) * s->n_in, w->x + r * s->n_in,
                         s->variance ? w->square + r * s->n_in : NULL);
    float *y = pass->y.data + first * s->n_out;
    memset(y, 0, rows * s->n_out * sizeof *y);
    for (size_t t = 0; t < s->n_row_tiles; t++) {
        multiply(s, w, t, rows);
        for (size_t r = 0; r < rows; r++) {
            float *current = w->current + r * s->width;
            if (is_noisy(s)) {
                draw(pass, first + r, t, w->normal);
                disturb(s, w->normal, current, w->variance + r * s->width);
            }
            collect(s, t, current, scale[r], y + r * s->n_out);
        }
    }
}

enum et_status et__crossbar_forward(void *state, const struct et_step *step, struct et_view x,
                                    struct et_view y)
{
    const struct et__crossbar *s = state;
    struct pass pass = {
        .s = s, .step = step, .seed = et_rng_derive(step->seed, s->seed), .x = x, .y = y};
    et_parallel_for((x.rows + ROWS - 1) / ROWS, forward_chunk, &pass);
    return ET_OK;
}

/* ------------------------------------------------------------------------------- backwards -- */

/* Row r of the chunk at one tile: from dy to the gradients by current and by variance, and what
 * the row adds to those by scale and gain. */
static void back_row(void *user, size_t r, size_t worker)
{
    const struct pass *pass = user;
    const struct et__crossbar *s = pass->s;
    size_t at = 0, row = pass->first + r, t = pass->tile;
    float *current = pass->work->current + r * s->width, *sd = pass->work->variance + r * s->width;
    float *dcurrent = pass->dcurrent + r * s->n_out, *dspread = pass->dspread + r * s->n_out;
    float *normal = s->work[worker].normal, scale = 1, dscale = 0;
    const float *dy = pass->dy.data + row * s->n_out;
    if (s->abs_max) scale = largest(pass->x.data + row * s->n_in, s->n_in, &at) / s->dac.range;
    if (!(scale > 0)) scale = 1;
    if (is_noisy(s)) {
        draw(pass, row, t, normal);
        disturb(s, normal, current, sd);
    }
    for (size_t c = 0; c < s->n_col_tiles; c++) {
        const struct et__tile *tile = &s->tile[t * s->n_col_tiles + c];
        struct et__block block = et__crossbar_block(s, t, c);
        double dgain = 0;
        for (size_t o = block.o; o < block.o + block.cols; o++) {
            const struct et__converter *adc = &tile->adc;
            bool ideal = adc->bits == 0, inside = ideal || fabsf(current[o]) < adc->range;
            float out = ideal ? current[o] : convert(current[o], adc->step, adc->top);
            dcurrent[o] = inside ? scale * tile->gain * dy[o] : 0;
            dspread[o] = is_noisy(s) && sd[o] > 0 ? 0.5F * dcurrent[o] * normal[o] / sd[o] : 0;
            dscale += tile->gain * dy[o] * out;
            dgain += (double)(scale * dy[o] * out);
        }
        pass->dgain[r * s->n_col_tiles + c] = dgain;
    }
    pass->dscale[r] += dscale;
}

/* dknobs through the compensation: gain = S0 / S, both sums over the tile's cells. */
static void add_gain(const struct et__crossbar *s, size_t t, const double *dgain, size_t rows,
                     float *dknobs)
{
    for (size_t c = 0; c < s->n_col_tiles; c++) {
        const struct et__tile *tile = &s->tile[t * s->n_col_tiles + c];
        struct et__block block = et__crossbar_block(s, t, c);
        double sum = 0;
        for (size_t r = 0; r < rows; r++)
            sum += dgain[r * s->n_col_tiles + c];
        float factor = (float)(sum / tile->reference);
        for (size_t o = block.o; o < block.o + block.cols; o++)
            for (size_t k = block.k; k < block.k + block.rows; k++) {
                size_t i = o * s->n_in + k;
                float slope = s->reference_slope[i] - tile->gain * s->slope[i];
                dknobs[i] += factor * (s->weight[i] < 0 ? -slope : slope);
            }
    }
}

/* The chunk's currents are in; adds to du (in s->back), s->dm and s->dvariance. */
static void back_tile(struct et__crossbar *s, size_t t, size_t rows, const struct pass *pass,
                      bool knobs)
{
    size_t k = t * s->rows, n = k + s->rows < s->n_in ? s->rows : s->n_in - k;
    struct et_view m = {s->m + k, s->n_out, n, s->n_in};
    struct et_view u = {pass->work->x + k, rows, n, s->n_in};
    struct et_view du = {s->back + k, rows, n, s->n_in};
    struct et_view dcurrent = et_view_of(s->dcurrent, rows, s->n_out);
    struct et_view dspread = et_view_of(s->dspread, rows, s->n_out);
    struct et_view dm = {s->dm + k, s->n_out, n, s->n_in};
    if (s->variance) {
        struct et_view v = {s->variance + k, s->n_out, n, s->n_in};
        struct et_view square = {pass->work->square + k, rows, n, s->n_in};
        struct et_view dv = {s->dvariance + k, s->n_out, n, s->n_in};
        et_gemm(ET_PLAIN, ET_PLAIN, 2, dspread, v, 0, du);
        for (size_t r = 0; r < rows; r++)
            for (size_t i = 0; i < n; i++)
                du.data[r * s->n_in + i] *= u.data[r * s->n_in + i];
        if (knobs) et_gemm(ET_TRANSPOSED, ET_PLAIN, 1, dspread, square, 1, dv);
    }
    et_gemm(ET_PLAIN, ET_PLAIN, 1, dcurrent, m, s->variance ? 1 : 0, du);
    if (knobs) et_gemm(ET_TRANSPOSED, ET_PLAIN, 1, dcurrent, u, 1, dm);
}

/* From du to dx; dscale is dL/dscale at u held. */
static void finish_row(const struct et__crossbar *s, const float *x, const float *du, float dscale,
                       float *dx)
{
    size_t at = 0;
    float scale = s->abs_max ? largest(x, s->n_in, &at) / s->dac.range : 1;
    bool scaled = s->abs_max && scale > 0;
    if (!(scale > 0)) scale = 1;
    for (size_t k = 0; k < s->n_in; k++) {
        dx[k] = du[k] / scale;
        dscale -= dx[k] * x[k] / scale;
    }
    if (scaled) dx[at] += dscale * copysignf(1 / s->dac.range, x[at]);
}

static void back_chunk(struct et__crossbar *s, struct pass *pass, struct et_view dx, float *dknobs)
{
    struct et__crossbar_work *w = pass->work;
    size_t left = pass->x.rows - pass->first, rows = left < ROWS ? left : ROWS;
    memset(pass->dscale, 0, ROWS * sizeof *pass->dscale);
    for (size_t r = 0; r < rows; r++)
        drive(s, pass->x.data + (pass->first + r) * s->n_in, w->x + r * s->n_in,
              s->variance ? w->square + r * s->n_in : NULL);
    for (pass->tile = 0; pass->tile < s->n_row_tiles; pass->tile++) {
        multiply(s, w, pass->tile, rows);
        et_parallel_for(rows, back_row, pass);
        back_tile(s, pass->tile, rows, pass, dknobs != NULL);
        if (dknobs && s->reference_slope) add_gain(s, pass->tile, pass->dgain, rows, dknobs);
    }
    for (size_t r = 0; r < rows; r++) {
        size_t row = pass->first + r;
        finish_row(s, pass->x.data + row * s->n_in, s->back + r * s->n_in, pass->dscale[r],
                   dx.data + row * s->n_in);
    }
}

enum et_status et__crossbar_vjp(void *state, const struct et_step *step, struct et_view x,
                                struct et_view dy, struct et_view dx, float *dknobs)
{
    struct et__crossbar *s = state;
    size_t n = s->n_in * s->n_out;
    float dscale[ROWS];
    struct pass pass = {.s = s,
                        .step = step,
                        .seed = et_rng_derive(step->seed, s->seed),
                        .x = x,
                        .dy = dy,
                        .work = &s->work[0],
                        .dcurrent = s->dcurrent,
                        .dspread = s->dspread,
                        .dscale = dscale,
                        .dgain = s->dgain};
    memset(s->dm, 0, n * sizeof *s->dm);
    if (s->dvariance) memset(s->dvariance, 0, n * sizeof *s->dvariance);
    for (; pass.first < x.rows; pass.first += ROWS)
        back_chunk(s, &pass, dx, dknobs);
    if (dknobs == NULL) return ET_OK;
    const float *by_cell = s->dm;
    if (et__crossbar_has_wires(s)) {
        ET_TRY(et__crossbar_wires_back(s));
        by_cell = s->dg;
    }
    for (size_t i = 0; i < n; i++) {
        dknobs[i] += by_cell[i] * s->slope[i];
        if (s->dvariance) dknobs[i] += s->dvariance[i] * s->variance_slope[i];
    }
    return ET_OK;
}
