/* SPDX-License-Identifier: Apache-2.0
 *
 * From cell maps to a plan: coefficients per cell, spans of equal kind per row. */
#include "wave.h"

#include <etalon/array.h>

#include <string.h>

/* Cells that are rigid or in a strip are in no span. */
enum { NO_SPAN = -1 };

/* Lossless cells with four open faces in shorter runs than this are treated as GENERAL ones: the
 * cost of starting a span exceeds that of loading two more coefficients. */
enum { PLAIN_MIN = 12 };

/* Runs from this length on are cut to multiples of the widest vector. */
enum { ALIGNED_MIN = 96, VECTOR = 16 };

/* Maps of more bytes than this do not fit the second-level cache: rows are fetched ahead. */
enum { CACHED_BYTES_MAX = 800000 };

/* Processors compare the low 12 bits of addresses to find loads that depend on a store, and stall
 * on false matches.  So rows that are longer than a page start between an eighth and three eighths
 * of a page from where the row before started. */
static size_t row_pitch(size_t cells, size_t page)
{
    size_t pitch = (cells + 15) / 16 * 16, shift = pitch % page;
    if (pitch < page) return pitch;
    if (shift < page / 8) return pitch - shift + page / 8;
    if (shift > 3 * page / 8) return pitch - shift + page + page / 8;
    return pitch;
}

double et__wave_stable_courant2(int order)
{
    return order == 2 ? 0.5 : order == 4 ? 0.375 : 0.0;
}

/* A number of the medium in the plan's precision. */
static double rounded(const struct et__wave_medium *m, double value)
{
    return m->precision == ET__WAVE_SINGLE ? (double)(float)value : value;
}

static bool is_open(const struct et__wave_medium *m, size_t x, size_t y)
{
    return x < m->nx && y < m->ny && rounded(m, m->courant2[y * m->nx + x]) > 0;
}

/* x - 1 of the first cell wraps to a huge number, which is outside as well. */
static int open_x(const struct et__wave_medium *m, size_t x, size_t y)
{
    return is_open(m, x - 1, y) + is_open(m, x + 1, y);
}

static int open_y(const struct et__wave_medium *m, size_t x, size_t y)
{
    return is_open(m, x, y - 1) + is_open(m, x, y + 1);
}

/* Are all faces open that the stencil of a cell reaches? */
static bool is_inner(const struct et__wave_medium *m, int order, size_t x, size_t y)
{
    bool inner = open_x(m, x, y) == 2 && open_y(m, x, y) == 2;
    if (order == 2 || !inner) return inner;
    return is_open(m, x - 2, y) && is_open(m, x + 2, y) && is_open(m, x, y - 2) &&
           is_open(m, x, y + 2);
}

static unsigned membrane_of(const struct et__wave_medium *m, size_t x, size_t y)
{
    return m->membrane ? m->membrane[y * m->nx + x] : 0U;
}

static double map_get(const struct et__wave_plan *plan, const void *map, size_t x, size_t y)
{
    return et__wave_get(plan->precision, map, et__wave_map_at(plan, x, y));
}

static void fill_maps(struct et__wave_plan *plan, const struct et__wave_medium *m)
{
    for (size_t y = 0; y < m->ny; y++) {
        for (size_t x = 0; x < m->nx; x++) {
            if (!is_open(m, x, y)) continue;
            size_t i = et__wave_map_at(plan, x, y);
            double courant2 = rounded(m, m->courant2[y * m->nx + x]);
            double beta = rounded(m, m->beta[y * m->nx + x]);
            bool membrane = membrane_of(m, x, y) != 0;
            double gain = membrane ? courant2 : courant2 / (1 + beta);
            double keep = membrane ? beta : (1 - beta) / (1 + beta);
            et__wave_put(plan->precision, plan->gain, i, gain);
            et__wave_put(plan->precision, plan->keep, i, keep);
            if (plan->order == 2) {
                et__wave_put(plan->precision, plan->open, i, open_x(m, x, y) + open_y(m, x, y));
            } else {
                et__wave_put(plan->precision, plan->open_x, i, open_x(m, x, y));
                et__wave_put(plan->precision, plan->open_y, i, open_y(m, x, y));
            }
        }
    }
}

/* The least general kind that is right for a cell. */
static int kind_of(const struct et__wave_plan *plan, const struct et__wave_medium *m, size_t x,
                   size_t y)
{
    if (!is_open(m, x, y)) return NO_SPAN;
    if (plan->has_pml && et__wave_pml_has(&plan->pml, m->nx, m->ny, x, y)) return NO_SPAN;
    bool inner = is_inner(m, plan->order, x, y);
    double keep = map_get(plan, plan->keep, x, y);
    if (membrane_of(m, x, y) != 0)
        return inner && keep == 0 ? ET__WAVE_MEMBRANE : ET__WAVE_MEMBRANE_EDGE;
    return inner && keep == 1 ? ET__WAVE_SPEED : ET__WAVE_GENERAL;
}

/* Appends a span; neighbours of kind GENERAL become one. */
static void append(struct et__wave_span *spans, size_t *n, struct et__wave_span span)
{
    struct et__wave_span *last = *n > 0 ? &spans[*n - 1] : NULL;
    if (span.count == 0) return;
    if (last && span.kind == ET__WAVE_GENERAL && last->kind == ET__WAVE_GENERAL &&
        last->first + last->count == span.first)
        last->count += span.count;
    else
        spans[(*n)++] = span;
}

/* Cuts row y into runs of equal cells; returns their number.  runs has room for nx. */
static size_t find_runs(const struct et__wave_plan *plan, const struct et__wave_medium *m, size_t y,
                        struct et__wave_span *runs)
{
    size_t n = 0;
    for (size_t x = 0, end; x < m->nx; x = end) {
        int kind = kind_of(plan, m, x, y);
        unsigned membrane = membrane_of(m, x, y);
        bool uniform = true;
        for (end = x + 1; end < m->nx; end++) {
            if (kind_of(plan, m, end, y) != kind || membrane_of(m, end, y) != membrane) break;
            uniform &= map_get(plan, plan->gain, end, y) == map_get(plan, plan->gain, x, y);
        }
        if (kind == NO_SPAN) continue;
        if (kind == ET__WAVE_SPEED && uniform) kind = ET__WAVE_UNIFORM;
        if (kind <= ET__WAVE_SPEED && end - x < PLAIN_MIN) kind = ET__WAVE_GENERAL;
        append(runs, &n,
               (struct et__wave_span){.first = (uint32_t)x,
                                      .count = (uint32_t)(end - x),
                                      .kind = (uint8_t)kind,
                                      .membrane = (uint16_t)(membrane ? membrane - 1 : 0)});
    }
    return n;
}

static bool single_general(const struct et__wave_span *span)
{
    return span->kind == ET__WAVE_GENERAL && span->count == 1;
}

/* From runs to spans; returns their number.  A run of plain cells swallows the single cells beside
 * the walls at its ends when it then begins and ends at whole vectors; otherwise a long one leaves
 * its ends to GENERAL until it does.  In order 4, where kinds round differently, runs stay as they
 * are.  spans has room for 3 nx. */
static size_t shape_spans(const struct et__wave_plan *plan, const struct et__wave_span *runs,
                          size_t n_runs, struct et__wave_span *spans)
{
    size_t n = 0;
    for (size_t i = 0; i < n_runs; i++) {
        struct et__wave_span run = runs[i];
        uint32_t first = run.first, end = run.first + run.count;
        if (run.kind > ET__WAVE_SPEED || plan->order == 4) {
            append(spans, &n, run);
            continue;
        }
        if (n > 0 && single_general(&spans[n - 1]) && spans[n - 1].first + 1 == first &&
            (first - 1) % VECTOR == 0) {
            run.patch_first = true;
            first--;
            n--;
        }
        if (i + 1 < n_runs && single_general(&runs[i + 1]) && runs[i + 1].first == end &&
            (end + 1) % VECTOR == 0) {
            run.patch_last = true;
            end++;
            i++;
        }
        uint32_t start = first, stop = end;
        if (run.count >= ALIGNED_MIN) {
            start = (first + VECTOR - 1) / VECTOR * VECTOR;
            stop = end / VECTOR * VECTOR;
        }
        struct et__wave_span head = {
            .first = first, .count = start - first, .kind = ET__WAVE_GENERAL};
        struct et__wave_span tail = {.first = stop, .count = end - stop, .kind = ET__WAVE_GENERAL};
        run.first = start;
        run.count = stop - start;
        append(spans, &n, head);
        append(spans, &n, run);
        append(spans, &n, tail);
    }
    return n;
}

static bool same_spans(const struct et__wave_plan *plan, size_t y)
{
    size_t n = plan->row_spans[y + 1] - plan->row_spans[y];
    const struct et__wave_span *a = plan->spans + plan->row_spans[y], *b = a + n;
    if (n != plan->row_spans[y + 2] - plan->row_spans[y + 1]) return false;
    for (size_t i = 0; i < n; i++)
        if (a[i].first != b[i].first || a[i].count != b[i].count || a[i].kind != b[i].kind ||
            a[i].patch_first != b[i].patch_first || a[i].patch_last != b[i].patch_last ||
            a[i].membrane != b[i].membrane)
            return false;
    return true;
}

static void find_alike(struct et__wave_plan *plan)
{
    for (size_t y = plan->ny; y-- > 0;) {
        bool same = y + 1 < plan->ny && same_spans(plan, y);
        size_t n = same ? plan->alike[y + 1] + 1U : 1U;
        plan->alike[y] = (uint8_t)(n < ET__WAVE_GROUP ? n : ET__WAVE_GROUP);
    }
}

static enum et_status cut_rows(struct et__wave_plan *plan, const struct et__wave_medium *m)
{
    struct et__wave_span *runs = et_alloc(4 * m->nx, sizeof *runs);
    if (!runs) return ET_NOMEM;
    struct et__wave_span *spans = runs + m->nx;
    size_t total = 0;
    for (size_t y = 0; y < m->ny; y++) {
        plan->row_spans[y] = total;
        total += shape_spans(plan, runs, find_runs(plan, m, y, runs), spans);
    }
    plan->row_spans[m->ny] = total;
    plan->spans = et_alloc(total, sizeof *plan->spans);
    if (plan->spans) {
        for (size_t y = 0; y < m->ny; y++) {
            size_t n = shape_spans(plan, runs, find_runs(plan, m, y, runs), spans);
            memcpy(plan->spans + plan->row_spans[y], spans, n * sizeof *spans);
        }
    }
    et_free(runs);
    if (!plan->spans) return ET_NOMEM;
    find_alike(plan);
    return ET_OK;
}

enum et_status et__wave_plan_create(struct et__wave_plan *plan, const struct et__wave_medium *m)
{
    size_t real = et__wave_real(m->precision);
    plan->precision = m->precision;
    plan->order = m->order == 0 ? 2 : m->order;
    plan->nx = m->nx;
    plan->ny = m->ny;
    plan->frame = (size_t)plan->order / 2;
    plan->left = 16;
    plan->fetch_ahead = m->nx * m->ny * real > CACHED_BYTES_MAX;
    plan->pitch = row_pitch(plan->left + m->nx + plan->frame, ET__WAVE_PAGE / real);
    size_t size = plan->pitch * (m->ny + 2 * plan->frame);
    if (!(plan->gain = et_alloc(size, real))) return ET_NOMEM;
    if (!(plan->keep = et_alloc(size, real))) return ET_NOMEM;
    if (!(plan->open = et_alloc(size, real))) return ET_NOMEM;
    if (plan->order == 4 && !(plan->open_x = et_alloc(size, real))) return ET_NOMEM;
    if (plan->order == 4 && !(plan->open_y = et_alloc(size, real))) return ET_NOMEM;
    if (!(plan->row_spans = et_alloc(m->ny + 1, sizeof *plan->row_spans))) return ET_NOMEM;
    if (!(plan->alike = et_alloc(m->ny, sizeof *plan->alike))) return ET_NOMEM;
    if (!(plan->membranes = et_alloc(m->n_membranes, sizeof *plan->membranes))) return ET_NOMEM;
    if (m->n_membranes > 0)
        memcpy(plan->membranes, m->membranes, m->n_membranes * sizeof *plan->membranes);
    fill_maps(plan, m);
    for (size_t side = 0; side < ET__WAVE_SIDES; side++)
        plan->has_pml |= m->strip[side] > 0;
    if (plan->has_pml) ET_TRY(et__wave_pml_create(plan, m));
    return cut_rows(plan, m);
}

void et__wave_plan_destroy(struct et__wave_plan *plan)
{
    et_free(plan->gain);
    et_free(plan->keep);
    et_free(plan->open);
    et_free(plan->open_x);
    et_free(plan->open_y);
    et_free(plan->spans);
    et_free(plan->row_spans);
    et_free(plan->alike);
    et_free(plan->membranes);
    et__wave_pml_destroy(&plan->pml);
    *plan = (struct et__wave_plan){0};
}
