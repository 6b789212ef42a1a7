/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernel of coupled oscillators for one type of number; included once by each file that
 * defines REAL, LANES, KERNEL, SINE_TERMS, COSINE_TERMS, SINCOS_ERROR and PHASE_MAX.
 *
 * Arrays are [row][LANES]: a row holds one quantity of one oscillator for all samples of the group,
 * one vector register wide.  Rows 0 .. n-1 of a state are phases, rows n .. 2n-1 velocities. */
#include "oscillators.h"

#include <etalon/rng.h>

#include <math.h>
#include <string.h>

/* clang gives the dispatcher of a static clone external linkage: the names differ by precision. */
#define OWN_NAME(name, kernel)   name##_##kernel
#define OWN_EXPAND(name, kernel) OWN_NAME(name, kernel)
#define sine_cosine              OWN_EXPAND(sine_cosine, KERNEL)
#define couple                   OWN_EXPAND(couple, KERNEL)
#define slopes                   OWN_EXPAND(slopes, KERNEL)
#define go                       OWN_EXPAND(go, KERNEL)
#define advance                  OWN_EXPAND(advance, KERNEL)
#define add_order                OWN_EXPAND(add_order, KERNEL)
#define weigh_edges              OWN_EXPAND(weigh_edges, KERNEL)
#define pull_back                OWN_EXPAND(pull_back, KERNEL)
#define times_waves              OWN_EXPAND(times_waves, KERNEL)
#define order_back               OWN_EXPAND(order_back, KERNEL)

#define INLINE static inline __attribute__((always_inline))
enum { BLOCK = 4, STAGES_MAX = 4 };

/* One row in a register; only ever a local variable. */
typedef REAL lanes_type __attribute__((vector_size(LANES * sizeof(REAL))));

/* ---------------------------------------------------------------------------- sine, cosine -- */

/* x = k pi + r, |r| <= pi/2: sin x = (-1)^k sin r, the same for cos; then Taylor's series, whose
 * first omitted terms lie below the rounding.  The reduction is done in double precision with pi
 * in two parts, of which k times the first is exact below k = 2^20.  Adding 1.5 2^52 rounds to a
 * whole number.  Everything is arithmetic without branches, which compilers turn into vectors. */
ET_VECTOR_CLONES static void sine_cosine(const REAL *restrict x, REAL *restrict sine,
                                         REAL *restrict cosine, size_t n)
{
    static const double whole = 0x1.8p52, pi_high = 0x1.921fb544p+1, pi_low = 0x1.0b4611a626331p-33,
                        inverse_pi = 0.31830988618379067154;
    for (size_t i = 0; i < n; i++) {
        double a = (double)x[i];
        double k = (a * inverse_pi + whole) - whole;
        double odd = k - 2 * ((0.5 * k + whole) - whole);
        REAL sign = (REAL)(1 - 2 * odd * odd);
        REAL r = (REAL)((a - k * pi_high) - k * pi_low), r2 = r * r, s = 0, c = 0;
        for (int term = SINE_TERMS - 1; term > 0; term--)
            s = -(1 + s) * (r2 * ((REAL)1 / (REAL)(2 * term * (2 * term + 1))));
        for (int term = COSINE_TERMS - 1; term > 0; term--)
            c = -(1 + c) * (r2 * ((REAL)1 / (REAL)(2 * term * (2 * term - 1))));
        sine[i] = sign * (r + r * s);
        cosine[i] = sign * (1 + c);
    }
}

static void sincos_any(const void *x, void *sine, void *cosine, size_t n)
{
    sine_cosine(x, sine, cosine, n);
}

/* --------------------------------------------------------------------------- J times a row -- */

/* The weights hold J; after it, for pendula, the sums of its rows.  A dense J lies as blocks of
 * BLOCK rows, [block][column][row in block]; a sparse one as the entries of o->column. */
INLINE size_t matrix_size(const struct et__osc *o)
{
    return o->dense ? (o->n + BLOCK - 1) / BLOCK * BLOCK * o->n : 2 * o->n_edges;
}

static size_t weights_size(const struct et__osc *o)
{
    return matrix_size(o) + o->n;
}

static void pack_weights(const struct et__osc *o, void *weights)
{
    REAL *w = weights, *sums = w + matrix_size(o);
    memset(w, 0, weights_size(o) * sizeof *w);
    for (size_t e = 0; o->dense && e < o->n_edges; e++) {
        size_t i = o->ends[e][0], j = o->ends[e][1];
        w[(i / BLOCK * o->n + j) * BLOCK + i % BLOCK] = (REAL)o->coupling[e];
        w[(j / BLOCK * o->n + i) * BLOCK + j % BLOCK] = (REAL)o->coupling[e];
    }
    for (size_t k = 0; !o->dense && k < 2 * o->n_edges; k++)
        w[k] = (REAL)o->coupling[o->edge[k]];
    for (size_t e = 0; e < o->n_edges; e++) {
        sums[o->ends[e][0]] += (REAL)o->coupling[e];
        sums[o->ends[e][1]] += (REAL)o->coupling[e];
    }
}

INLINE void couple_block(const REAL *restrict w, size_t n, const lanes_type *restrict a,
                         const lanes_type *restrict b, lanes_type *restrict ja,
                         lanes_type *restrict jb, size_t rows)
{
    lanes_type sum_a[BLOCK] = {0}, sum_b[BLOCK] = {0};
    for (size_t j = 0; j < n; j++)
        for (size_t r = 0; r < BLOCK; r++) {
            sum_a[r] += w[j * BLOCK + r] * a[j];
            sum_b[r] += w[j * BLOCK + r] * b[j];
        }
    for (size_t r = 0; r < rows; r++) {
        ja[r] = sum_a[r];
        jb[r] = sum_b[r];
    }
}

/* ja = J a and jb = J b. */
ET_VECTOR_CLONES static void couple(const struct et__osc *o, const REAL *restrict w,
                                    const lanes_type *restrict a, const lanes_type *restrict b,
                                    lanes_type *restrict ja, lanes_type *restrict jb)
{
    for (size_t i = 0; o->dense && i < o->n; i += BLOCK)
        couple_block(w + i * o->n, o->n, a, b, ja + i, jb + i, o->n - i < BLOCK ? o->n - i : BLOCK);
    for (size_t i = 0; !o->dense && i < o->n; i++) {
        lanes_type sum_a = {0}, sum_b = {0};
        for (size_t k = o->start[i]; k < o->start[i + 1]; k++) {
            sum_a += w[k] * a[o->column[k]];
            sum_b += w[k] * b[o->column[k]];
        }
        ja[i] = sum_a;
        jb[i] = sum_b;
    }
}

/* ------------------------------------------------------------------------------ workspaces -- */

struct room {
    lanes_type *state;                  /* [m] */
    lanes_type *stage[STAGES_MAX];      /* [m] where each stage looks at the slope */
    lanes_type *slope;                  /* [m] */
    lanes_type *s, *c, *js, *jc;        /* [n] sines, cosines, J times them */
    lanes_type *rate, *drive;           /* [n] r and d of the inputs */
    lanes_type *kick;                   /* [n] noise dW of a step */
    lanes_type *mean;                   /* [n] sums over time of the order */
    lanes_type *back, *back_stage;      /* [m] adjoint of the state, of a stage */
    lanes_type *back_slope, *back_sum;  /* [m] */
    lanes_type *back_read;              /* [n] adjoint of what is averaged */
    lanes_type *back_rate, *back_drive; /* [n] */
    lanes_type *checkpoints;            /* [steps / segment + 1][m] */
    lanes_type *segment;                /* [segment][m] */
    float *normal;                      /* [n] */
};

INLINE size_t state_rows(const struct et__osc *o)
{
    return o->model == ET__OSC_PENDULUM ? 2 * o->n : o->n;
}

static size_t work_size(const struct et__osc *o)
{
    size_t m = state_rows(o), float_rows = o->n * sizeof(float) / sizeof(lanes_type) + 1;
    return LANES *
           (m * (6 + STAGES_MAX + o->steps / o->segment + 1 + o->segment) + 11 * o->n + float_rows);
}

static lanes_type *take(lanes_type **next, size_t rows)
{
    lanes_type *taken = *next;
    *next += rows;
    return taken;
}

static struct room lay_out(const struct et__osc *o, void *work)
{
    size_t n = o->n, m = state_rows(o);
    lanes_type *next = work;
    struct room room = {.state = take(&next, m), .slope = take(&next, m)};
    for (size_t k = 0; k < STAGES_MAX; k++)
        room.stage[k] = take(&next, m);
    lanes_type **const of_n[] = {&room.s,         &room.c,          &room.js,       &room.jc,
                                 &room.rate,      &room.drive,      &room.kick,     &room.mean,
                                 &room.back_rate, &room.back_drive, &room.back_read};
    for (size_t k = 0; k < sizeof of_n / sizeof *of_n; k++)
        *of_n[k] = take(&next, n);
    room.back = take(&next, m);
    room.back_stage = take(&next, m);
    room.back_slope = take(&next, m);
    room.back_sum = take(&next, m);
    room.checkpoints = take(&next, m * (o->steps / o->segment + 1));
    room.segment = take(&next, m * o->segment);
    room.normal = (void *)next;
    return room;
}

/* ----------------------------------------------------------------------------------- slope -- */

/* Sines, cosines and J times them of a state. */
static void look(const struct et__osc *o, const REAL *w, struct room *room, const lanes_type *y)
{
    sine_cosine((const REAL *)y, (REAL *)room->s, (REAL *)room->c, o->n * LANES);
    couple(o, w, room->s, room->c, room->js, room->jc);
}

ET_VECTOR_CLONES static void slopes(const struct et__osc *o, const REAL *restrict sums,
                                    const struct room *room, const lanes_type *restrict y,
                                    lanes_type *restrict slope)
{
    const lanes_type *s = room->s, *c = room->c;
    const REAL twice = (REAL)(2 * o->injection), stiffness = (REAL)o->stiffness,
               damping = (REAL)o->damping;
    for (size_t i = 0; i < o->n; i++) {
        lanes_type own = (REAL)o->bias[i] + room->rate[i];
        lanes_type pull = room->drive[i] + twice * c[i];
        if (o->model == ET__OSC_PHASE) {
            slope[i] = own + (c[i] * room->js[i] - s[i] * room->jc[i]) - pull * s[i];
        } else {
            const lanes_type v = y[o->n + i];
            slope[i] = v;
            slope[o->n + i] =
                own + (room->js[i] - (stiffness + sums[i] + pull) * s[i]) - damping * v;
        }
    }
}

static void find_slope(const struct et__osc *o, const REAL *w, struct room *room,
                       const lanes_type *y, lanes_type *slope)
{
    look(o, w, room, y);
    slopes(o, w + matrix_size(o), room, y, slope);
}

/* y = from + factor slope (+ kick on the noisy rows) */
ET_VECTOR_CLONES static void go(lanes_type *restrict y, const lanes_type *from, REAL factor,
                                const lanes_type *restrict slope, size_t rows)
{
    for (size_t i = 0; i < rows; i++)
        y[i] = from[i] + factor * slope[i];
}

ET_VECTOR_CLONES static void advance(lanes_type *restrict y, REAL factor,
                                     const lanes_type *restrict slope, size_t rows)
{
    for (size_t i = 0; i < rows; i++)
        y[i] += factor * slope[i];
}

/* Explicit schemes in which a stage looks only at the slope of the one before. */
struct scheme {
    size_t stages;
    double ahead[STAGES_MAX], weight[STAGES_MAX];
};

static const struct scheme runge_kutta = {
    4, {0, 0.5, 0.5, 1}, {1.0 / 6, 1.0 / 3, 1.0 / 3, 1.0 / 6}};
static const struct scheme heun = {2, {0, 1}, {0.5, 0.5}};

INLINE const struct scheme *scheme_of(const struct et__osc *o)
{
    return o->noise > 0 ? &heun : &runge_kutta;
}

/* The noise of step t: numbers t n .. of each sample's stream. */
static void draw(const struct et__osc *o, struct room *room, const struct et__osc_pass *pass,
                 size_t t)
{
    const double scale = o->noise * sqrt(o->dt);
    for (size_t lane = 0; lane < pass->x.rows; lane++) {
        et_rng_fill_normal(pass->seeds[lane], ET_STREAM_NOISE, pass->index, t * o->n, room->normal,
                           o->n);
        for (size_t i = 0; i < o->n; i++)
            room->kick[i][lane] = (REAL)(scale * (double)room->normal[i]);
    }
}

/* Fills stage[k] with where the stages of step t from `state` look; afterwards moves the state. */
static void step(const struct et__osc *o, const REAL *w, struct room *room,
                 const struct et__osc_pass *pass, size_t t)
{
    const struct scheme *scheme = scheme_of(o);
    size_t m = state_rows(o), noisy = m - o->n;
    if (o->noise > 0) draw(o, room, pass, t);
    for (size_t k = 0; k < scheme->stages; k++) {
        if (k == 0) {
            memcpy(room->stage[0], room->state, m * sizeof *room->state);
        } else {
            go(room->stage[k], room->stage[0], (REAL)(scheme->ahead[k] * o->dt), room->slope, m);
            if (o->noise > 0) advance(room->stage[k] + noisy, 1, room->kick, o->n);
        }
        find_slope(o, w, room, room->stage[k], room->slope);
        advance(room->state, (REAL)(scheme->weight[k] * o->dt), room->slope, m);
    }
    if (o->noise > 0) advance(room->state + noisy, 1, room->kick, o->n);
}

/* ------------------------------------------------------------------------------- a pass -- */

static void begin(const struct et__osc *o, struct room *room, const struct et__osc_pass *pass)
{
    size_t m = state_rows(o);
    memset(room->state, 0, m * sizeof *room->state);
    memset(room->rate, 0, o->n * sizeof *room->rate);
    memset(room->drive, 0, o->n * sizeof *room->drive);
    memset(room->kick, 0, o->n * sizeof *room->kick);
    for (size_t i = 0; i < o->n; i++)
        room->state[i] += (REAL)o->initial[i];
    lanes_type *into = o->input == ET__OSC_RATE    ? room->rate
                       : o->input == ET__OSC_DRIVE ? room->drive
                                                   : room->state;
    for (size_t lane = 0; lane < pass->x.rows; lane++)
        for (size_t i = 0; i < o->n_in; i++)
            into[i][lane] += (REAL)(o->gain * (double)pass->x.data[lane * pass->x.stride + i]);
}

/* The mean field of the sines and cosines at hand. */
INLINE void mean_field(const struct et__osc *o, const struct room *room, lanes_type *s,
                       lanes_type *c)
{
    lanes_type sum_s = {0}, sum_c = {0};
    for (size_t i = 0; i < o->n; i++) {
        sum_s += room->s[i];
        sum_c += room->c[i];
    }
    *s = sum_s / (REAL)o->n;
    *c = sum_c / (REAL)o->n;
}

ET_VECTOR_CLONES static void add_order(const struct et__osc *o, struct room *room)
{
    lanes_type s, c;
    mean_field(o, room, &s, &c);
    for (size_t i = 0; i < o->n; i++)
        room->mean[i] += room->c[i] * c + room->s[i] * s;
}

static void keep_order(const struct et__osc *o, struct room *room)
{
    sine_cosine((const REAL *)room->state, (REAL *)room->s, (REAL *)room->c, o->n * LANES);
    add_order(o, room);
}

static void put(struct et_view y, size_t first, const lanes_type *rows, size_t n, REAL factor)
{
    for (size_t lane = 0; lane < y.rows; lane++)
        for (size_t i = 0; i < n; i++)
            y.data[lane * y.stride + first + i] = (float)(factor * rows[i][lane]);
}

static void read_out(const struct et__osc *o, const REAL *w, struct room *room, struct et_view y)
{
    size_t first = o->n - o->n_read;
    find_slope(o, w, room, room->state, room->slope);
    switch (o->output) {
    case ET__OSC_VECTOR:
        put(y, 0, room->c + first, o->n_read, 1);
        put(y, o->n_read, room->s + first, o->n_read, 1);
        break;
    case ET__OSC_COSINE:
        put(y, 0, room->c + first, o->n_read, 1);
        break;
    case ET__OSC_SINE:
        put(y, 0, room->s + first, o->n_read, 1);
        break;
    case ET__OSC_ANGLE:
        put(y, 0, room->state + first, o->n_read, 1);
        break;
    case ET__OSC_SPEED:
        put(y, 0, room->slope + first, o->n_read, 1);
        break;
    case ET__OSC_ORDER:
        put(y, 0, room->mean + first, o->n_read, (REAL)(1.0 / (double)(o->steps - o->settle)));
        break;
    }
}

static void find_reach(const struct et__osc *o, const struct room *room, size_t rows, double *reach)
{
    for (size_t lane = 0; lane < rows; lane++) {
        reach[lane] = 0;
        for (size_t i = 0; i < o->n; i++) {
            double phase = fabs((double)room->state[i][lane]);
            reach[lane] = fmax(reach[lane], isfinite(phase) ? phase : INFINITY);
        }
    }
}

static void forward(const struct et__osc *o, const void *weights, void *work,
                    const struct et__osc_pass *pass, struct et_view y)
{
    struct room room = lay_out(o, work);
    begin(o, &room, pass);
    memset(room.mean, 0, o->n * sizeof *room.mean);
    for (size_t t = 0; t < o->steps; t++) {
        step(o, weights, &room, pass, t);
        if (o->output == ET__OSC_ORDER && t >= o->settle) keep_order(o, &room);
    }
    read_out(o, weights, &room, y);
    if (pass->reach) find_reach(o, &room, pass->x.rows, pass->reach);
}

#include "oscillators_adjoint.h"

const struct et__osc_kernel KERNEL = {
    .lanes = LANES,
    .real_size = sizeof(REAL),
    .weights_size = weights_size,
    .work_size = work_size,
    .weights = pack_weights,
    .forward = forward,
    .back = back,
    .sincos = sincos_any,
    .sincos_error = SINCOS_ERROR,
    .phase_max = PHASE_MAX,
};
