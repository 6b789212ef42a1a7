/* SPDX-License-Identifier: Apache-2.0
 *
 * The mesh kernels over LANES-wide vectors: included by mesh.c once per instruction set, with
 *     LANES        8 or 16, numbers of a vector
 *     LANES_TARGET attribute of the instruction set
 *     NAME(x)      the name of function x in this set
 * A fused multiplication and addition is written as such (FUSED), so fields round alike in every
 * set; sums over lanes depend on how many there are in a vector. */

typedef float NAME(vector)
    __attribute__((vector_size(LANES * sizeof(float)), aligned(LANES * sizeof(float)), may_alias));
#define VECTOR        NAME(vector)
#define AT(field, i)  (*(VECTOR *)(void *)((field) + (i)))
#define IN(field, i)  (*(const VECTOR *)(const void *)((field) + (i)))
#define SPREAD(value) ((value) - (VECTOR){0})
#define IMAGINARY     ET__MESH_LANES
#define LOWER         ET__MESH_TILE

/* r = a b + c with one rounding. */
#define FUSED(r, a, b, c)                                                                          \
    do {                                                                                           \
        VECTOR fused_;                                                                             \
        for (int i_ = 0; i_ < LANES; i_++)                                                         \
            fused_[i_] = __builtin_fmaf((a)[i_], (b)[i_], (c)[i_]);                                \
        (r) = fused_;                                                                              \
    } while (0)

/* (re, im) = (q_re + i q_im)(re, im) */
#define TURN(re, im, q_re, q_im)                                                                   \
    do {                                                                                           \
        VECTOR cross_re_ = (q_im) * (im), cross_im_ = (q_im) * (re);                               \
        FUSED(re, q_re, re, -cross_re_);                                                           \
        FUSED(im, q_re, im, cross_im_);                                                            \
    } while (0)

/* (a, b) = (s a + c b, c a - s b) */
#define MIX(a, b, s, c)                                                                            \
    do {                                                                                           \
        VECTOR straight_ = (c) * (b), cross_ = (s) * (b);                                          \
        VECTOR kept_ = (a);                                                                        \
        FUSED(a, s, kept_, straight_);                                                             \
        FUSED(b, c, kept_, -cross_);                                                               \
    } while (0)

/* The output phasors, conjugated when sign is -1. */
LANES_TARGET static inline __attribute__((always_inline)) void
NAME(leave)(const struct et__mesh_plan *plan, float *field, float sign)
{
    for (size_t w = 0; w < plan->n; w++, field += ET__MESH_TILE) {
        VECTOR q_re = SPREAD(plan->out[2 * w]), q_im = SPREAD(sign * plan->out[2 * w + 1]);
        VECTOR re = AT(field, 0), im = AT(field, IMAGINARY);
        TURN(re, im, q_re, q_im);
        AT(field, 0) = re;
        AT(field, IMAGINARY) = im;
    }
}

LANES_TARGET static void NAME(sweep)(const struct et__mesh_plan *plan, float *field)
{
    for (size_t half = 0; half < ET__MESH_LANES; half += LANES, field += LANES) {
        const struct et__mesh_cell *cell = plan->cell;
        for (size_t i = 0; i < plan->n_cells; i++, cell++) {
            float *upper = field + (size_t)plan->mode[i] * ET__MESH_TILE;
            VECTOR q_re = SPREAD(cell->q_re), q_im = SPREAD(cell->q_im);
            VECTOR s = SPREAD(cell->s), c = SPREAD(cell->c);
            VECTOR a_re = AT(upper, 0), a_im = AT(upper, IMAGINARY);
            VECTOR b_re = AT(upper, LOWER), b_im = AT(upper, LOWER + IMAGINARY);
            TURN(a_re, a_im, q_re, q_im);
            MIX(a_re, b_re, s, c);
            MIX(a_im, b_im, s, c);
            AT(upper, 0) = a_re;
            AT(upper, IMAGINARY) = a_im;
            AT(upper, LOWER) = b_re;
            AT(upper, LOWER + IMAGINARY) = b_im;
        }
        NAME(leave)(plan, field, 1);
    }
}

/* Sum over the lanes: the halves of 16, then a tree over 8. */
LANES_TARGET static inline __attribute__((always_inline)) double NAME(total)(const VECTOR *v)
{
    typedef float eight __attribute__((vector_size(32), aligned(32), may_alias));
    typedef float four __attribute__((vector_size(16), aligned(16), may_alias));
    VECTOR kept = *v;
    const char *at = (const char *)&kept;
    eight sum = *(const eight *)(const void *)at;
    if (LANES == 16) sum += *(const eight *)(const void *)(at + (LANES == 16 ? 32 : 0));
    at = (const char *)&sum;
    four part = *(const four *)(const void *)at + *(const four *)(const void *)(at + 16);
    return (double)((part[0] + part[2]) + (part[1] + part[3]));
}

/* One field of (upper, lower) from behind a cell to its front. */
#define BACK(a_re, a_im, b_re, b_im, s, c)                                                         \
    do {                                                                                           \
        MIX(a_re, b_re, s, c);                                                                     \
        MIX(a_im, b_im, s, c);                                                                     \
        TURN(a_re, a_im, q_re, q_im);                                                              \
    } while (0)

LANES_TARGET static void NAME(back_field)(const struct et__mesh_plan *plan, float *g)
{
    NAME(leave)(plan, g, -1);
    for (size_t i = plan->n_cells; i-- > 0;) {
        const struct et__mesh_cell *cell = &plan->cell[i];
        float *upper = g + (size_t)plan->mode[i] * ET__MESH_TILE;
        VECTOR q_re = SPREAD(cell->q_re), q_im = SPREAD(-cell->q_im);
        VECTOR s = SPREAD(cell->s), c = SPREAD(cell->c);
        VECTOR a_re = AT(upper, 0), a_im = AT(upper, IMAGINARY);
        VECTOR b_re = AT(upper, LOWER), b_im = AT(upper, LOWER + IMAGINARY);
        BACK(a_re, a_im, b_re, b_im, s, c);
        AT(upper, 0) = a_re;
        AT(upper, IMAGINARY) = a_im;
        AT(upper, LOWER) = b_re;
        AT(upper, LOWER + IMAGINARY) = b_im;
    }
}

LANES_TARGET static void NAME(back_both)(const struct et__mesh_plan *plan, float *u, float *g,
                                         struct et__mesh_sums *sums, double *phase)
{
    for (size_t w = 0; w < plan->n; w++) {
        size_t at = w * ET__MESH_TILE;
        VECTOR part = AT(g, at + IMAGINARY) * AT(u, at) - AT(g, at) * AT(u, at + IMAGINARY);
        phase[w] += NAME(total)(&part);
    }
    NAME(leave)(plan, u, -1);
    NAME(leave)(plan, g, -1);
    for (size_t i = plan->n_cells; i-- > 0;) {
        const struct et__mesh_cell *cell = &plan->cell[i];
        size_t at = (size_t)plan->mode[i] * ET__MESH_TILE;
        float *fu = u + at, *fg = g + at;
        float scale = 1.0F / (cell->s * cell->s + cell->c * cell->c);
        VECTOR q_re = SPREAD(cell->q_re), q_im = SPREAD(-cell->q_im);
        VECTOR s = SPREAD(cell->s), c = SPREAD(cell->c);
        VECTOR su = SPREAD(cell->s * scale), cu = SPREAD(cell->c * scale);
        VECTOR a_re = AT(fu, 0), a_im = AT(fu, IMAGINARY);
        VECTOR b_re = AT(fu, LOWER), b_im = AT(fu, LOWER + IMAGINARY);
        VECTOR ga_re = AT(fg, 0), ga_im = AT(fg, IMAGINARY);
        VECTOR gb_re = AT(fg, LOWER), gb_im = AT(fg, LOWER + IMAGINARY);
        VECTOR a0 = ga_im * a_re - ga_re * a_im, a1 = gb_im * b_re - gb_re * b_im;
        VECTOR z_re = (ga_re * b_re + ga_im * b_im) - (gb_re * a_re + gb_im * a_im);
        VECTOR z_im = (ga_re * b_im - ga_im * b_re) - (gb_im * a_re - gb_re * a_im);
        sums[i].a0 += NAME(total)(&a0);
        sums[i].a1 += NAME(total)(&a1);
        sums[i].z_re += NAME(total)(&z_re);
        sums[i].z_im += NAME(total)(&z_im);
        BACK(a_re, a_im, b_re, b_im, su, cu);
        BACK(ga_re, ga_im, gb_re, gb_im, s, c);
        AT(fu, 0) = a_re;
        AT(fu, IMAGINARY) = a_im;
        AT(fu, LOWER) = b_re;
        AT(fu, LOWER + IMAGINARY) = b_im;
        AT(fg, 0) = ga_re;
        AT(fg, IMAGINARY) = ga_im;
        AT(fg, LOWER) = gb_re;
        AT(fg, LOWER + IMAGINARY) = gb_im;
    }
}

LANES_TARGET static void NAME(back)(const struct et__mesh_plan *plan, float *u, float *g,
                                    struct et__mesh_sums *sums, double *phase)
{
    for (size_t half = 0; half < ET__MESH_LANES; half += LANES)
        if (sums)
            NAME(back_both)(plan, u + half, g + half, sums, phase);
        else
            NAME(back_field)(plan, g + half);
}

/* Row r of a product, one column of M: named variables, because compilers keep them in registers.
 */
#define ADD_ROW(r)                                                                                 \
    do {                                                                                           \
        VECTOR m_re_ = SPREAD(m[2 * (r)*columns]), m_im_ = SPREAD(m[2 * (r)*columns + 1]);         \
        FUSED(re##r, m_re_, x_re, re##r);                                                          \
        FUSED(im##r, m_im_, x_re, im##r);                                                          \
        if (!real) {                                                                               \
            VECTOR minus_ = -m_im_;                                                                \
            FUSED(re##r, minus_, x_im, re##r);                                                     \
            FUSED(im##r, m_re_, x_im, im##r);                                                      \
        }                                                                                          \
    } while (0)
#define KEEP_ROW(r)                                                                                \
    do {                                                                                           \
        AT(z, (r)*ET__MESH_TILE) = re##r;                                                          \
        AT(z, (r)*ET__MESH_TILE + IMAGINARY) = im##r;                                              \
    } while (0)

/* Four rows at the same time, so that each load of x serves all of them; then one. */
LANES_TARGET static inline __attribute__((always_inline)) void
NAME(four_rows)(const float *m, size_t columns, const bool real, const float *x, float *z)
{
    VECTOR re0 = {0}, im0 = {0}, re1 = {0}, im1 = {0}, re2 = {0}, im2 = {0}, re3 = {0}, im3 = {0};
    for (size_t k = 0; k < columns; k++, m += 2, x += ET__MESH_TILE) {
        VECTOR x_re = IN(x, 0), x_im = real ? x_re : IN(x, IMAGINARY);
        ADD_ROW(0);
        ADD_ROW(1);
        ADD_ROW(2);
        ADD_ROW(3);
    }
    KEEP_ROW(0);
    KEEP_ROW(1);
    KEEP_ROW(2);
    KEEP_ROW(3);
}

LANES_TARGET static inline __attribute__((always_inline)) void
NAME(one_row)(const float *m, size_t columns, const bool real, const float *x, float *z)
{
    VECTOR re0 = {0}, im0 = {0};
    for (size_t k = 0; k < columns; k++, m += 2, x += ET__MESH_TILE) {
        VECTOR x_re = IN(x, 0), x_im = real ? x_re : IN(x, IMAGINARY);
        ADD_ROW(0);
    }
    KEEP_ROW(0);
}

LANES_TARGET static inline __attribute__((always_inline)) void
NAME(product_all)(const float *m, size_t rows, size_t columns, const bool real, const float *x,
                  float *z)
{
    for (size_t half = 0; half < ET__MESH_LANES; half += LANES) {
        size_t r = 0;
        for (; r + 4 <= rows; r += 4)
            NAME(four_rows)
        (m + 2 * r * columns, columns, real, x + half, z + r * ET__MESH_TILE + half);
        for (; r < rows; r++)
            NAME(one_row)
        (m + 2 * r * columns, columns, real, x + half, z + r * ET__MESH_TILE + half);
    }
}

LANES_TARGET static void NAME(product)(const float *m, size_t rows, size_t columns, bool real,
                                       const float *x, float *z)
{
    if (real)
        NAME(product_all)(m, rows, columns, true, x, z);
    else
        NAME(product_all)(m, rows, columns, false, x, z);
}

/* Fused operations on registers, in enough independent chains to fill the pipes. */
LANES_TARGET static float NAME(arithmetic)(size_t n)
{
    VECTOR a = SPREAD(0.25F), b = a, c = a, d = a, e = a, f = a, g = a, h = a, k = a, l = a;
    VECTOR factor = SPREAD(0.5F);
    for (size_t half = 0; half < ET__MESH_LANES; half += LANES)
        for (size_t i = 0; i < n; i += 10) {
            FUSED(a, a, factor, factor);
            FUSED(b, b, factor, factor);
            FUSED(c, c, factor, factor);
            FUSED(d, d, factor, factor);
            FUSED(e, e, factor, factor);
            FUSED(f, f, factor, factor);
            FUSED(g, g, factor, factor);
            FUSED(h, h, factor, factor);
            FUSED(k, k, factor, factor);
            FUSED(l, l, factor, factor);
        }
    VECTOR sum = ((a + b) + (c + d)) + ((e + f) + (g + h)) + (k + l);
    return sum[0];
}

#undef VECTOR
#undef AT
#undef IN
#undef SPREAD
#undef IMAGINARY
#undef LOWER
#undef FUSED
#undef TURN
#undef MIX
#undef BACK
#undef ADD_ROW
#undef KEEP_ROW
