/* SPDX-License-Identifier: Apache-2.0
 *
 * Operations and layers of poincare.h on far points, for one type of number: nothing becomes
 * infinite or NaN.  REAL and NAME are the includer's. */

static void NAME(all_finite)(const char *what, const REAL *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(isfinite(x[i]), "%s: element %zu is %g", what, i, (double)x[i]);
}

#define FINITE(array) NAME(all_finite)(#array, array, sizeof array / sizeof(REAL))

/* What the operations give and what goes back, all started from tangents v. */
struct NAME(far) {
    double c, dc;
    REAL v[FAR_ALL], x[FAR_ALL], gap[BALL_ROWS], w[FAR_ALL], w_gap[BALL_ROWS];
    REAL one[FAR_ALL], z[FAR_ALL], z_gap[BALL_ROWS];
    REAL dv[FAR_ALL], dx[FAR_ALL], dx_gap[BALL_ROWS], dy[FAR_ALL], dy_gap[BALL_ROWS];
    double work[17 * 16];
};

static struct NAME(far) * NAME(go_far)(double c, double far)
{
    static struct NAME(far) f;
    memset(&f, 0, sizeof f);
    f.c = c;
    for (size_t i = 0; i < FAR_ALL; i++) {
        double sign = i % 3 == 0 ? 1 : i % 7 == 0 ? -1 : 1e-6;
        f.v[i] = (REAL)(far * sign / (1 + (double)(i / BALL_N)));
        f.one[i] = 1;
    }
    NAME(exp0)(c, f.v, (struct NAME(points)){f.x, f.gap, BALL_ROWS, BALL_N}, f.work);
    return &f;
}

/* Operations of two points: x and w. */
static void NAME(pair_is_finite)(struct NAME(far) * f)
{
    const double c = f->c;
    double *dc = &f->dc, *work = f->work;
    struct NAME(points)
        x = {f->x, f->gap, BALL_ROWS, BALL_N},
        w = {f->w, f->w_gap, BALL_ROWS, BALL_N}, z = {f->z, f->z_gap, BALL_ROWS, BALL_N},
        dx = {f->dx, f->dx_gap, BALL_ROWS, BALL_N}, dy = {f->dy, f->dy_gap, BALL_ROWS, BALL_N},
        dz = {f->one, f->one, BALL_ROWS, BALL_N};
    NAME(add)(c, w, x, z, work);
    FINITE(f->z);
    NAME(add)(c, x, w, z, work);
    FINITE(f->z);
    FINITE(f->z_gap);
    NAME(add_back)(c, x, w, dz, dx, dy, dc, work);
    NAME(log)(c, x, w, f->z, work);
    FINITE(f->z);
    NAME(log_back)(c, x, w, f->one, dx, dy, dc, work);
    NAME(exp)(c, x, f->v, z, work);
    FINITE(f->z);
    FINITE(f->z_gap);
    NAME(exp_back)(c, x, f->v, dz, dx, f->dv, dc, work);
    NAME(distance)(c, x, w, f->z, work);
    FINITE(f->z);
    NAME(distance_back)(c, x, w, f->one, dx, dy, dc, work);
    NAME(gyration)(c, x, w, f->v, f->z, work);
    FINITE(f->z);
    NAME(gyration_back)(c, x, w, f->v, f->one, dx, dy, f->dv, dc, work);
    NAME(transport)(c, x, w, f->v, f->z, work);
    FINITE(f->z);
    NAME(transport_back)(c, x, w, f->v, f->one, dx, dy, f->dv, dc, work);
    FINITE(f->dx);
    FINITE(f->dx_gap);
    FINITE(f->dy);
    FINITE(f->dy_gap);
    FINITE(f->dv);
}

/* Operations of one. */
static void NAME(point_is_finite)(struct NAME(far) * f)
{
    const double c = f->c;
    double *dc = &f->dc, *work = f->work;
    struct NAME(points) x = {f->x, f->gap, BALL_ROWS, BALL_N},
                        z = {f->z, f->z_gap, BALL_ROWS, BALL_N},
                        dx = {f->dx, f->dx_gap, BALL_ROWS, BALL_N},
                        dz = {f->one, f->one, BALL_ROWS, BALL_N};
    NAME(exp0_back)(c, f->v, dz, f->dv, dc, work);
    NAME(log0)(x, f->z, work);
    FINITE(f->z);
    NAME(log0_back)(x, f->one, dx, work);
    NAME(scale)(c, f->one, x, z, work);
    FINITE(f->z);
    NAME(scale_back)(c, f->one, x, dz, f->dy, dx, dc, work);
    z.rows = dz.rows = 1;
    NAME(midpoint)(c, x, NULL, z, work);
    FINITE(f->z);
    FINITE(f->z_gap);
    NAME(midpoint_back)(c, x, NULL, dz, dx, NULL, dc, work);
    NAME(conformal)(x, f->z);
    FINITE(f->z);
    NAME(add_tangents)(c, BALL_ROWS, BALL_N, f->v, f->v, f->z, work);
    FINITE(f->z);
    NAME(add_tangents_back)(c, BALL_ROWS, BALL_N, f->v, f->v, f->one, f->dv, f->dy, dc, work);
    FINITE(f->dv);
    FINITE(f->dx);
    FINITE(f->dx_gap);
    FINITE(f->dy);
}

static void NAME(operations_are_finite)(double c, double far)
{
    struct NAME(far) *f = NAME(go_far)(c, far);
    NAME(point_is_finite)(f);
    for (int other = 0; other < 3; other++) { /* a point near 0, itself, the opposite */
        for (size_t i = 0; i < FAR_ALL; i++)
            f->w[i] = (REAL)(other == 0   ? 0.05 / sqrt(c)
                             : other == 1 ? (double)f->x[i]
                                          : -(double)f->x[i]);
        struct NAME(points) w = {f->w, f->w_gap, BALL_ROWS, BALL_N};
        if (other == 0)
            NAME(point)(c, w, f->work);
        else
            memcpy(f->w_gap, f->gap, sizeof f->gap);
        NAME(pair_is_finite)(f);
    }
    ck_assert_msg(isfinite(f->dc), "dc is %g", f->dc);
}

/* The layers at the same lengths. */
static void NAME(layers_are_finite)(double c, double far)
{
    enum { ALL = BALL_ROWS * BALL_N, SQUARE = BALL_N * BALL_N };
    static REAL v[ALL], e[ALL], y[ALL], one[ALL], dv[ALL], de[ALL], z[SQUARE], dz[SQUARE],
        r[BALL_N], dr[BALL_N], table[3 * BALL_N], scratch[3 * BALL_N];
    double sums[ET__PLANES_SUMS * BALL_N + 1], mean[BALL_N], shift[BALL_N],
        dshift[BALL_N] = {0}, norm_sums[BALL_N + 2], work[17 * 16], dc = 0, dgamma = 0;
    struct NAME(ball) *b = NAME(draw)(c, 1, 5);
    for (size_t i = 0; i < ALL; i++) {
        v[i] = (REAL)(far * (double)b->x[0][i] / (1 + (double)(i / BALL_N % 7)));
        one[i] = 1;
        z[i % SQUARE] = (REAL)(0.5 * (i % SQUARE % (BALL_N + 1) == 0));
        r[i % BALL_N] = (REAL)0.1;
        shift[i % BALL_N] = 0.1;
    }
    struct NAME(planes) planes = {ET__PLANES_TANGENT, BALL_N, BALL_N, c, z, r, table};
    for (int kind = 0; kind < 2; kind++) {
        planes.result = (enum et__planes_result)kind;
        memset(dv, 0, sizeof dv);
        memset(dz, 0, sizeof dz);
        memset(dr, 0, sizeof dr);
        NAME(planes_prepare)(&planes);
        NAME(planes_forward)(&planes, BALL_ROWS, v, e, y);
        NAME(planes_back)(&planes, BALL_ROWS, v, e, one, dv, dz, dr, &dc, de, sums, scratch);
        FINITE(y);
        FINITE(dv);
        FINITE(dz);
        FINITE(dr);
    }
    struct NAME(norm) norm = {BALL_N, c, 1e-6, 1, shift, mean, 0};
    NAME(norm_statistics)(c, BALL_ROWS, BALL_N, v, mean, &norm.variance, norm_sums, work);
    NAME(norm_rows)(&norm, BALL_ROWS, v, y, work);
    NAME(norm_batch_back)(&norm, BALL_ROWS, v, norm_sums, one, dv, dshift, &dgamma, &dc, work);
    FINITE(y);
    FINITE(dv);
    ck_assert(isfinite(norm.variance) && isfinite(dc) && isfinite(dgamma) && isfinite(dshift[0]));
}

#undef FINITE
