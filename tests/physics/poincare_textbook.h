/* SPDX-License-Identifier: Apache-2.0
 *
 * Operations and layers of poincare.h against poincare_plain.h for one type of number: REAL and
 * NAME are the includer's.  Points are those of the rounded numbers. */

struct NAME(pair) {
    REAL x[BOOK_ROWS * BOOK_N], y[BOOK_ROWS * BOOK_N], v[BOOK_ROWS * BOOK_N], gap[3][BOOK_ROWS];
    double px[BOOK_ROWS * BOOK_N], py[BOOK_ROWS * BOOK_N], pv[BOOK_ROWS * BOOK_N];
    double work[17 * 16];
};

static void NAME(pair_draw)(double c, uint32_t seed, struct NAME(pair) * p)
{
    float drawn[3 * BOOK_ROWS * BOOK_N];
    et_rng_fill_uniform(seed, ET_STREAM_USER, 0, 0, -0.3F, 0.3F, drawn,
                        (size_t)3 * BOOK_ROWS * BOOK_N);
    for (size_t i = 0; i < (size_t)BOOK_ROWS * BOOK_N; i++) {
        p->px[i] = (double)(p->x[i] = (REAL)((double)drawn[3 * i] / sqrt(c)));
        p->py[i] = (double)(p->y[i] = (REAL)((double)drawn[3 * i + 1] / sqrt(c)));
        p->pv[i] = (double)(p->v[i] = (REAL)((double)drawn[3 * i + 2] / sqrt(c)));
    }
    struct NAME(points) x = {p->x, p->gap[0], BOOK_ROWS, BOOK_N},
                        y = {p->y, p->gap[1], BOOK_ROWS, BOOK_N};
    NAME(point)(c, x, p->work);
    NAME(point)(c, y, p->work);
}

static void NAME(agree)(const char *what, const REAL *got, const double *want, size_t n)
{
    double size = 0;
    for (size_t i = 0; i < n; i++)
        size = fmax(size, fabs(want[i]));
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(fabs((double)got[i] - want[i]) <= TOLERANCE * size, "%s: got %.9g, want %.9g",
                      what, (double)got[i], want[i]);
}

static void NAME(operations_by_the_book)(double c, uint32_t seed)
{
    enum { ALL = BOOK_ROWS * BOOK_N };
    struct NAME(pair) p;
    NAME(pair_draw)(c, seed, &p);
    struct NAME(points) x = {p.x, p.gap[0], BOOK_ROWS, BOOK_N},
                        y = {p.y, p.gap[1], BOOK_ROWS, BOOK_N};
    REAL out[ALL], gap[BOOK_ROWS], r[BOOK_ROWS], weights[BOOK_ROWS];
    double want[ALL], ones[BOOK_ROWS], lambda[BOOK_ROWS];
    struct NAME(points) z = {out, gap, BOOK_ROWS, BOOK_N};
#define EACH(formula)                                                                              \
    for (size_t i = 0; i < BOOK_ROWS; i++) {                                                       \
        const double *a = p.px + i * BOOK_N, *b = p.py + i * BOOK_N, *w = p.pv + i * BOOK_N;       \
        double *o = want + i * BOOK_N;                                                             \
        (void)a, (void)b, (void)w, (void)o;                                                        \
        formula;                                                                                   \
    }
    EACH(plain_add(c, a, b, BOOK_N, o))
    NAME(add)(c, x, y, z, p.work);
    NAME(agree)("add", out, want, ALL);
    EACH(plain_exp0(c, w, BOOK_N, o))
    NAME(exp0)(c, p.v, z, p.work);
    NAME(agree)("exp0", out, want, ALL);
    EACH(plain_log0(c, a, BOOK_N, o))
    NAME(log0)(x, out, p.work);
    NAME(agree)("log0", out, want, ALL);
    EACH(r[i] = (REAL)(1.5 - (double)i); plain_times(c, 1.5 - (double)i, a, BOOK_N, o))
    NAME(scale)(c, r, x, z, p.work);
    NAME(agree)("scale", out, want, ALL);
    EACH(plain_exp(c, a, w, BOOK_N, o))
    NAME(exp)(c, x, p.v, z, p.work);
    NAME(agree)("exp", out, want, ALL);
    EACH(plain_log(c, a, b, BOOK_N, o))
    NAME(log)(c, x, y, out, p.work);
    NAME(agree)("log", out, want, ALL);
    EACH(plain_gyration(c, a, b, w, BOOK_N, o))
    NAME(gyration)(c, x, y, p.v, out, p.work);
    NAME(agree)("gyration", out, want, ALL);
    EACH(plain_transport(c, a, b, w, BOOK_N, o))
    NAME(transport)(c, x, y, p.v, out, p.work);
    NAME(agree)("transport", out, want, ALL);
    EACH(lambda[i] = plain_lambda(c, a, BOOK_N); ones[i] = plain_distance(c, a, b, BOOK_N))
    NAME(conformal)(x, out);
    NAME(agree)("conformal", out, lambda, BOOK_ROWS);
    NAME(distance)(c, x, y, out, p.work);
    NAME(agree)("distance", out, ones, BOOK_ROWS);
    EACH(ones[i] = 1 + (double)i; weights[i] = (REAL)ones[i])
    plain_midpoint(c, p.px, ones, BOOK_ROWS, BOOK_N, want);
    NAME(midpoint)(c, x, weights, z, p.work);
    NAME(agree)("midpoint", out, want, BOOK_N);
#undef EACH
}

/* exp0(v) = x for the layers, which take tangents. */
static void NAME(layers_by_the_book)(double c, uint32_t seed)
{
    enum { ALL = BOOK_ROWS * BOOK_N, SQUARE = BOOK_N * BOOK_N };
    struct NAME(pair) p;
    NAME(pair_draw)(c, seed, &p);
    REAL z[SQUARE], r[BOOK_N], table[3 * BOOK_N], e[ALL], y[ALL];
    double pz[SQUARE], pr[BOOK_N], x[ALL], want[ALL], mean[BOOK_N], shift[BOOK_N],
        variance = 0, away[BOOK_ROWS], ones[BOOK_ROWS], mu[BOOK_N], b[BOOK_N], sums[BOOK_N + 2],
        point[BOOK_N];
    for (size_t i = 0; i < SQUARE; i++) {
        pz[i] = (double)(z[i] = (REAL)(0.3 * cos((double)(i * i))));
        pr[i % BOOK_N] = (double)(r[i % BOOK_N] = (REAL)(0.2 * sin((double)i) / sqrt(c)));
    }
    struct NAME(planes) planes = {ET__PLANES_DISTANCE, BOOK_N, BOOK_N, c, z, r, table};
    NAME(planes_prepare)(&planes);
    NAME(planes_forward)(&planes, BOOK_ROWS, p.v, e, y);
    for (size_t i = 0; i < BOOK_ROWS; i++) {
        plain_exp0(c, p.pv + i * BOOK_N, BOOK_N, x + i * BOOK_N);
        for (size_t k = 0; k < BOOK_N; k++)
            want[i * BOOK_N + k] = plain_plane(c, x + i * BOOK_N, pz + k * BOOK_N, pr[k], BOOK_N);
    }
    NAME(agree)("logits", y, want, ALL);
    planes.result = ET__PLANES_TANGENT;
    NAME(planes_forward)(&planes, BOOK_ROWS, p.v, e, y);
    for (size_t i = 0; i < BOOK_ROWS; i++) {
        plain_connected(c, x + i * BOOK_N, pz, pr, BOOK_N, BOOK_N, point);
        plain_log0(c, point, BOOK_N, want + i * BOOK_N);
    }
    NAME(agree)("fully connected", y, want, ALL);

    for (size_t i = 0; i < BOOK_ROWS; i++)
        ones[i] = 1;
    for (size_t k = 0; k < BOOK_N; k++)
        shift[k] = 0.1 * (double)k / sqrt(c);
    plain_midpoint(c, x, ones, BOOK_ROWS, BOOK_N, mu);
    plain_exp0(c, shift, BOOK_N, b);
    struct NAME(norm) norm = {BOOK_N, c, 1e-6, 1.7, shift, mean, 0};
    NAME(norm_statistics)(c, BOOK_ROWS, BOOK_N, p.v, mean, &norm.variance, sums, p.work);
    NAME(norm_rows)(&norm, BOOK_ROWS, p.v, y, p.work);
    for (size_t i = 0; i < BOOK_ROWS; i++) {
        away[i] = plain_distance(c, mu, x + i * BOOK_N, BOOK_N);
        variance += away[i] * away[i] / BOOK_ROWS;
    }
    for (size_t i = 0; i < BOOK_ROWS; i++) {
        plain_norm(c, x + i * BOOK_N, mu, variance, 1e-6, b, 1.7, BOOK_N, point);
        plain_log0(c, point, BOOK_N, want + i * BOOK_N);
    }
    NAME(agree)("batch norm", y, want, ALL);
}
