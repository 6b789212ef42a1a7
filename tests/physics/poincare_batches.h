/* SPDX-License-Identifier: Apache-2.0
 *
 * The test bodies of test_poincare.c for one type of number: REAL and NAME are the includer's. */

struct NAME(ball) {
    double c;
    REAL x[3][BALL_ROWS * BALL_N], gap[3][BALL_ROWS];
    REAL out[6][BALL_ROWS * BALL_N], out_gap[6][BALL_ROWS];
    double work[17 * 16];
};

/* Operand or result k. */
static struct NAME(points) NAME(drawn)(struct NAME(ball) * b, size_t k)
{
    return (struct NAME(points)){b->x[k], b->gap[k], BALL_ROWS, BALL_N};
}

static struct NAME(points) NAME(made)(struct NAME(ball) * b, size_t k)
{
    return (struct NAME(points)){b->out[k], b->out_gap[k], BALL_ROWS, BALL_N};
}

/* Three sets of points: normal tangents of standard deviation `spread`/s per coordinate. */
static struct NAME(ball) * NAME(draw)(double c, double spread, uint64_t seed)
{
    static struct NAME(ball) ball;
    static float drawn[BALL_ROWS * BALL_N];
    ball.c = c;
    for (uint32_t k = 0; k < 3; k++) {
        et_rng_fill_normal(seed, ET_STREAM_USER, k, 0, drawn, BALL_ROWS * BALL_N);
        for (size_t i = 0; i < BALL_ROWS * BALL_N; i++)
            ball.out[0][i] = (REAL)((double)drawn[i] * spread / sqrt(c));
        NAME(exp0)(c, ball.out[0], NAME(drawn)(&ball, k), ball.work);
    }
    return &ball;
}

static void NAME(opposite)(const REAL *x, REAL *minus)
{
    for (size_t i = 0; i < BALL_ROWS * BALL_N; i++)
        minus[i] = -x[i];
}

/* Coordinates times s, so that tolerances are those of the unit ball. */
static void NAME(same)(const char *what, double c, const REAL *got, const REAL *want,
                       double absolute, double relative)
{
    for (size_t i = 0; i < BALL_ROWS * BALL_N; i++) {
        double g = (double)got[i] * sqrt(c), w = (double)want[i] * sqrt(c);
        ck_assert_msg(fabs(g - w) <= absolute + relative * fabs(w),
                      "%s, c = %g: got %.9g, want %.9g", what, c, g, w);
    }
}

/* The gyrovector identities that geoopt tests, at its tolerances (absolute, relative). */
static void NAME(identities)(struct NAME(ball) * b)
{
    const double c = b->c, left[2] = {SINGLE ? 5e-5 : 1e-7, SINGLE ? 5e-4 : 1e-7};
    struct NAME(points) x = NAME(drawn)(b, 0), y = NAME(drawn)(b, 1), z = NAME(drawn)(b, 2);
    struct NAME(points) p = NAME(made)(b, 0), q = NAME(made)(b, 1), r = NAME(made)(b, 2),
                        t = NAME(made)(b, 3), zero = NAME(made)(b, 4);
    REAL minus[BALL_ROWS * BALL_N];
    struct NAME(points) m = {minus, x.log_gap, BALL_ROWS, BALL_N};
    NAME(opposite)(x.x, minus);
    memset(zero.x, 0, sizeof b->out[4]);
    memset(zero.log_gap, 0, sizeof b->out_gap[4]);

    NAME(add)(c, x, y, p, b->work); /* (-x) + (x + y) = y */
    NAME(add)(c, m, p, q, b->work);
    NAME(same)("left cancellation", c, q.x, y.x, left[0], left[1]);
    NAME(add)(c, zero, y, q, b->work);
    NAME(same)("0 + y", c, q.x, y.x, 0, SINGLE ? 1e-6 : 1e-12);
    NAME(add)(c, x, zero, q, b->work);
    NAME(same)("x + 0", c, q.x, x.x, 0, SINGLE ? 1e-6 : 1e-12);
    NAME(add)(c, x, m, q, b->work);
    NAME(same)("x + (-x)", c, q.x, zero.x, SINGLE ? 1e-4 : 1e-6, 0);
    NAME(add)(c, x, y, p, b->work); /* -(x + y) = (-x) + (-y) */
    NAME(opposite)(p.x, p.x);
    struct NAME(points) n = {q.x, y.log_gap, BALL_ROWS, BALL_N};
    NAME(opposite)(y.x, q.x);
    NAME(add)(c, m, n, r, b->work);
    NAME(same)("-(x + y)", c, r.x, p.x, SINGLE ? 1e-7 : 1e-10, 1e-6);

    NAME(add)(c, x, y, p, b->work); /* x + y = gyr[x, y](y + x) */
    NAME(add)(c, y, x, q, b->work);
    NAME(gyration)(c, x, y, q.x, r.x, b->work);
    NAME(same)("gyrocommutativity", c, r.x, p.x, SINGLE ? 5e-5 : 1e-7, SINGLE ? 5e-4 : 1e-7);
    NAME(add)(c, y, z, q, b->work); /* x + (y + z) = (x + y) + gyr[x, y] z */
    NAME(add)(c, x, q, r, b->work);
    NAME(gyration)(c, x, y, z.x, q.x, b->work);
    struct NAME(points) turned = {q.x, z.log_gap, BALL_ROWS, BALL_N};
    NAME(add)(c, p, turned, t, b->work);
    NAME(same)("left associativity", c, t.x, r.x, SINGLE ? 5e-5 : 1e-7, SINGLE ? 5e-4 : 1e-7);
}

static void NAME(multiples)(struct NAME(ball) * b)
{
    const double c = b->c, tolerance = SINGLE ? 1e-5 : 1e-7, rest = SINGLE ? 5e-5 : 1e-7;
    struct NAME(points) x = NAME(drawn)(b, 0), p = NAME(made)(b, 0), q = NAME(made)(b, 1),
                        r = NAME(made)(b, 2);
    REAL f[3][BALL_ROWS];
    for (size_t i = 0; i < BALL_ROWS; i++) {
        f[0][i] = (REAL)(0.1 + 0.008 * (double)i);
        f[1][i] = (REAL)(1.2 - 0.01 * (double)i);
        f[2][i] = f[0][i] + f[1][i];
    }
    NAME(scale)(c, f[0], x, p, b->work); /* (f + g) x = f x + g x */
    NAME(scale)(c, f[1], x, q, b->work);
    NAME(add)(c, p, q, r, b->work);
    NAME(scale)(c, f[2], x, q, b->work);
    NAME(same)("distributivity", c, r.x, q.x, rest, tolerance);
    NAME(scale)(c, f[1], p, q, b->work); /* g (f x) = (g f) x */
    for (size_t i = 0; i < BALL_ROWS; i++)
        f[2][i] = f[0][i] * f[1][i];
    NAME(scale)(c, f[2], x, r, b->work);
    NAME(same)("associativity of factors", c, q.x, r.x, tolerance, tolerance);
    for (size_t i = 0; i < BALL_ROWS; i++)
        f[2][i] = 4;
    NAME(add)(c, x, x, p, b->work); /* x + (x + (x + x)) = 4 x */
    NAME(add)(c, x, p, q, b->work);
    NAME(add)(c, x, q, p, b->work);
    NAME(scale)(c, f[2], x, q, b->work);
    NAME(same)("sum of four", c, p.x, q.x, rest, SINGLE ? 5e-4 : 1e-7);
    for (size_t i = 0; i < BALL_ROWS; i++) /* directions of f x and x agree */
        f[2][i] = -2;
    NAME(scale)(c, f[2], x, p, b->work);
    for (size_t i = 0; i < BALL_ROWS; i++) {
        double a = 0, d = 0, e = 0;
        for (size_t k = 0; k < BALL_N; k++) {
            a += (double)p.x[i * BALL_N + k] * (double)x.x[i * BALL_N + k];
            d += (double)p.x[i * BALL_N + k] * (double)p.x[i * BALL_N + k];
            e += (double)x.x[i * BALL_N + k] * (double)x.x[i * BALL_N + k];
        }
        assert_near(a / sqrt(d * e), -1, tolerance);
    }
}

/* Right cancellation by the coaddition a [+] b = a (+) gyr[a, -b] b; products of matrices; lengths.
 */
static void NAME(products)(struct NAME(ball) * b)
{
    const double c = b->c, s = sqrt(c);
    struct NAME(points) x = NAME(drawn)(b, 0), y = NAME(drawn)(b, 1), p = NAME(made)(b, 0),
                        q = NAME(made)(b, 1), r = NAME(made)(b, 2),
                        zero = {b->x[2], b->gap[2], 1, BALL_N};
    REAL minus[BALL_ROWS * BALL_N], m[2][BALL_N * BALL_N], both[BALL_N * BALL_N] = {0},
                                                                         d[BALL_ROWS];
    struct NAME(points) n = {minus, x.log_gap, BALL_ROWS, BALL_N};
    NAME(opposite)(x.x, minus);
    NAME(add)(c, y, n, p, b->work); /* (y - x) [+] x = y */
    NAME(gyration)(c, p, n, x.x, q.x, b->work);
    struct NAME(points) turned = {q.x, x.log_gap, BALL_ROWS, BALL_N};
    NAME(add)(c, p, turned, r, b->work);
    NAME(same)("right cancellation", c, r.x, y.x, SINGLE ? 5e-5 : 1e-7, SINGLE ? 5e-4 : 1e-7);
    for (size_t i = 0; i < BALL_N * BALL_N; i++) {
        m[0][i] = (REAL)(0.3 * sin((double)(3 * i)));
        m[1][i] = (REAL)(0.3 * cos((double)(i * i)));
    }
    for (size_t i = 0; i < BALL_N * BALL_N * BALL_N; i++) { /* m1 (m0 x) = (m1 m0) x */
        size_t row = i / (BALL_N * BALL_N), col = i / BALL_N % BALL_N, k = i % BALL_N;
        both[row * BALL_N + col] += m[1][row * BALL_N + k] * m[0][k * BALL_N + col];
    }
    NAME(matrix)(c, m[0], x, p, b->work);
    NAME(matrix)(c, m[1], p, q, b->work);
    NAME(matrix)(c, both, x, r, b->work);
    NAME(same)("chain of matrices", c, q.x, r.x, SINGLE ? 1e-5 : 1e-12, SINGLE ? 1e-5 : 1e-12);
    memset(zero.x, 0, BALL_N * sizeof *zero.x);
    zero.log_gap[0] = 0;
    NAME(log0)(x, p.x, b->work); /* d(0, x) = 2 |log0 x| */
    NAME(distance)(c, zero, x, d, b->work);
    for (size_t i = 0; i < BALL_ROWS; i++) {
        double sum = 0;
        for (size_t k = i * BALL_N; k < (i + 1) * BALL_N; k++)
            sum += (double)p.x[k] * (double)p.x[k];
        assert_near((double)d[i] * s, 2 * sqrt(sum) * s, 1e-5 * (SINGLE ? 1 : 1e-7));
    }
}

/* A plane through 0 with a normal along an axis is a mirror: the distance from it is half of that
 * to the mirror image.  Its offset r is half of the distance of 0. */
static void NAME(planes_are_mirrors)(struct NAME(ball) * b)
{
    const double c = b->c, s = sqrt(c);
    struct NAME(points) x = NAME(drawn)(b, 0), image = NAME(made)(b, 0);
    REAL z[BALL_N] = {(REAL)0.5}, r = 0, table[3], e[BALL_ROWS], d[BALL_ROWS], whole[BALL_ROWS];
    struct NAME(planes) plane = {ET__PLANES_DISTANCE, BALL_N, 1, c, z, &r, table};
    memcpy(image.x, x.x, sizeof b->x[0]);
    memcpy(image.log_gap, x.log_gap, sizeof b->gap[0]);
    for (size_t i = 0; i < BALL_ROWS; i++)
        image.x[i * BALL_N] = -image.x[i * BALL_N];
    NAME(distance)(c, x, image, whole, b->work);
    NAME(log0)(x, b->out[1], b->work);
    NAME(planes_prepare)(&plane);
    NAME(planes_forward)(&plane, BALL_ROWS, b->out[1], e, d);
    for (size_t i = 0; i < BALL_ROWS; i++) {
        double sign = x.x[i * BALL_N] > 0 ? 1 : -1;
        assert_near((double)d[i] * s, sign * (double)whole[i] * s / 2, SINGLE ? 4e-6 : 1e-13);
    }
    memset(b->out[1], 0, sizeof b->out[1]);
    r = (REAL)(0.3 / s);
    NAME(planes_prepare)(&plane);
    NAME(planes_forward)(&plane, 1, b->out[1], e, d);
    assert_near((double)d[0] * s, -0.6, SINGLE ? 1e-6 : 1e-14);
}

/* The point at `share` of the way from x to y is exp_x(share log_x y). */
static void NAME(geodesics)(struct NAME(ball) * b)
{
    enum { SEGMENTS = 12 };
    const double c = b->c, tolerance = SINGLE ? 5e-5 : 1e-7, s = sqrt(c);
    struct NAME(points) x = NAME(drawn)(b, 0), y = NAME(drawn)(b, 1), p = NAME(made)(b, 0),
                        q = NAME(made)(b, 1);
    REAL *v = b->out[2], *w = b->out[3], d[BALL_ROWS], whole[BALL_ROWS];
    NAME(distance)(c, x, y, whole, b->work);
    NAME(log)(c, x, y, v, b->work);
    memcpy(p.x, x.x, sizeof b->x[0]);
    memcpy(p.log_gap, x.log_gap, sizeof b->gap[0]);
    for (size_t k = 1; k <= SEGMENTS; k++) {
        for (size_t i = 0; i < BALL_ROWS * BALL_N; i++)
            w[i] = (REAL)((double)v[i] * (double)k / SEGMENTS);
        NAME(exp)(c, x, w, q, b->work);
        NAME(distance)(c, p, q, d, b->work);
        for (size_t i = 0; i < BALL_ROWS; i++)
            assert_near((double)d[i] * s, (double)whole[i] * s / SEGMENTS,
                        SINGLE ? 5e-4 * (1 + (double)whole[i] * s) : 1e-7);
        memcpy(p.x, q.x, sizeof b->x[0]);
        memcpy(p.log_gap, q.log_gap, sizeof b->gap[0]);
    }
    NAME(same)("exp_x(log_x y)", c, p.x, y.x, tolerance, tolerance);
    NAME(distance)(c, x, x, d, b->work);
    for (size_t i = 0; i < BALL_ROWS; i++)
        ck_assert(d[i] == 0);
}

/* Transport keeps inner products, comes back, and starts from log as its end does. */
static void NAME(transports)(struct NAME(ball) * b)
{
    const double c = b->c, tolerance = SINGLE ? 1e-5 : 1e-6;
    struct NAME(points) x = NAME(drawn)(b, 0), y = NAME(drawn)(b, 1);
    REAL *u = b->out[0], *v = b->out[1], *pu = b->out[2], *pv = b->out[3], lx[BALL_ROWS],
         ly[BALL_ROWS];
    NAME(log)(c, x, NAME(drawn)(b, 2), u, b->work);
    NAME(log)(c, x, y, v, b->work);
    NAME(transport)(c, x, y, u, pu, b->work);
    NAME(transport)(c, x, y, v, pv, b->work);
    NAME(conformal)(x, lx);
    NAME(conformal)(y, ly);
    for (size_t i = 0; i < BALL_ROWS; i++) {
        double before = 0, after = 0, size = 0;
        for (size_t k = i * BALL_N; k < (i + 1) * BALL_N; k++) {
            before += (double)lx[i] * (double)u[k] * (double)lx[i] * (double)v[k];
            after += (double)ly[i] * (double)pu[k] * (double)ly[i] * (double)pv[k];
            size += pow((double)lx[i] * (double)u[k], 2) + pow((double)lx[i] * (double)v[k], 2);
        }
        assert_near(after / size, before / size, tolerance);
    }
    NAME(log)(c, y, x, u, b->work); /* the geodesic's direction at y is -log_y x */
    NAME(opposite)(u, u);
    NAME(same)("transport along", c, pv, u, SINGLE ? 5e-5 : 1e-8, SINGLE ? 5e-4 : 1e-7);
    NAME(transport)(c, y, x, pv, pu, b->work);
    NAME(same)("there and back", c, pu, v, SINGLE ? 5e-5 : 1e-8, SINGLE ? 5e-4 : 1e-7);
}

/* log0(exp0(v)) of length t / s, in every direction that a few seeds give. */
static void NAME(round_trip)(double c, double t, double relative)
{
    enum { LINES = 10 };
    float drawn[LINES * BALL_N];
    REAL v[LINES * BALL_N], x[LINES * BALL_N], gap[LINES], back[LINES * BALL_N];
    double work[17 * 16];
    struct NAME(points) p = {x, gap, LINES, BALL_N};
    et_rng_fill_normal(3, ET_STREAM_USER, 0, 0, drawn, LINES * BALL_N);
    for (size_t i = 0; i < LINES; i++) {
        double sum = 0;
        for (size_t k = 0; k < BALL_N; k++)
            sum += pow((double)drawn[i * BALL_N + k], 2);
        for (size_t k = 0; k < BALL_N; k++)
            v[i * BALL_N + k] = (REAL)((double)drawn[i * BALL_N + k] / sqrt(sum * c) * t);
    }
    NAME(exp0)(c, v, p, work);
    NAME(log0)(p, back, work);
    for (size_t i = 0; i < LINES * BALL_N; i++) {
        double error = fabs((double)back[i] - (double)v[i]);
        ck_assert_msg(error <= relative * fabs((double)v[i]), "t = %g: %.9g came back as %.9g", t,
                      (double)v[i], (double)back[i]);
    }
}

/* Rows of a layer do not depend on the rows beside them. */
static void NAME(rows_stand_alone)(void)
{
    struct NAME(ball) *b = NAME(draw)(0.7, 0.8, 6);
    static REAL z[BALL_N * BALL_N], r[BALL_N], table[3 * BALL_N], whole[BALL_ROWS * BALL_N],
        part[BALL_N];
    double mean[BALL_N], shift[BALL_N], work[17 * 16];
    for (size_t i = 0; i < BALL_N * BALL_N; i++) {
        z[i] = b->x[0][i];
        r[i % BALL_N] = b->x[0][i];
        mean[i % BALL_N] = shift[i % BALL_N] = 0.1;
    }
    const struct NAME(planes) made = {ET__PLANES_TANGENT, BALL_N, BALL_N, 0.7, z, r, table};
    struct NAME(planes) planes = made;
    const struct NAME(norm) norm = {BALL_N, 0.7, 1e-6, 1, shift, mean, 0.5};
    NAME(planes_prepare)(&planes);
    for (int layer = 0; layer < 2; layer++) {
        if (layer == 0)
            NAME(planes_rows)(&planes, BALL_ROWS, b->x[1], b->x[2], whole);
        else
            NAME(norm_rows)(&norm, BALL_ROWS, b->x[1], whole, work);
        for (size_t i = 0; i < BALL_ROWS; i++) {
            if (layer == 0)
                NAME(planes_rows)(&planes, 1, b->x[1] + i * BALL_N, b->x[2] + i * BALL_N, part);
            else
                NAME(norm_rows)(&norm, 1, b->x[1] + i * BALL_N, part, work);
            ck_assert_mem_eq(part, whole + i * BALL_N, sizeof part);
        }
    }
}
