/* SPDX-License-Identifier: Apache-2.0
 *
 * Declarations of poincare.h for one type of number; REAL and NAME are the includer's. */

/* Points, or adjoints of points. */
struct NAME(points) {
    REAL *x;       /* [rows][n] */
    REAL *log_gap; /* [rows] */
    size_t rows, n;
};

/* ------------------------------------------------------------------------------ operations -- */

/* log_gap from x; a point outside the ball, or too near the rim to tell, gets exp(-36). */
void NAME(point)(double c, struct NAME(points) x, double *work);
/* dx += the part of log_gap: -2c x/(1 - c|x|^2) dlog_gap. */
void NAME(point_back)(double c, struct NAME(points) x, struct NAME(points) dx, double *dc,
                      double *work);

/* x = exp0(v), v [rows][n]. */
void NAME(exp0)(double c, const REAL *v, struct NAME(points) x, double *work);
void NAME(exp0_back)(double c, const REAL *v, struct NAME(points) dx, REAL *dv, double *dc,
                     double *work);
/* v = log0(x). */
void NAME(log0)(struct NAME(points) x, REAL *v, double *work);
void NAME(log0_back)(struct NAME(points) x, const REAL *dv, struct NAME(points) dx, double *work);

/* z = x (+) y. */
void NAME(add)(double c, struct NAME(points) x, struct NAME(points) y, struct NAME(points) z,
               double *work);
void NAME(add_back)(double c, struct NAME(points) x, struct NAME(points) y, struct NAME(points) dz,
                    struct NAME(points) dx, struct NAME(points) dy, double *dc, double *work);
/* v = log0(exp0(a) (+) exp0(b)) for tangents [rows][n]: the residual connection. */
void NAME(add_tangents)(double c, size_t rows, size_t n, const REAL *a, const REAL *b, REAL *v,
                        double *work);
void NAME(add_tangents_back)(double c, size_t rows, size_t n, const REAL *a, const REAL *b,
                             const REAL *dv, REAL *da, REAL *db, double *dc, double *work);

/* z = r (x) x, r [rows]. */
void NAME(scale)(double c, const REAL *r, struct NAME(points) x, struct NAME(points) z,
                 double *work);
void NAME(scale_back)(double c, const REAL *r, struct NAME(points) x, struct NAME(points) dz,
                      REAL *dr, struct NAME(points) dx, double *dc, double *work);
/* z = m (x) x = exp0(m log0 x), m [z.n][x.n]; work of the larger n. */
void NAME(matrix)(double c, const REAL *m, struct NAME(points) x, struct NAME(points) z,
                  double *work);
void NAME(matrix_back)(double c, const REAL *m, struct NAME(points) x, struct NAME(points) dz,
                       REAL *dm, struct NAME(points) dx, double *dc, double *work);

/* z = exp_x(v), v tangent at x. */
void NAME(exp)(double c, struct NAME(points) x, const REAL *v, struct NAME(points) z, double *work);
void NAME(exp_back)(double c, struct NAME(points) x, const REAL *v, struct NAME(points) dz,
                    struct NAME(points) dx, REAL *dv, double *dc, double *work);
/* v = log_x(y), [max of rows][n]. */
void NAME(log)(double c, struct NAME(points) x, struct NAME(points) y, REAL *v, double *work);
void NAME(log_back)(double c, struct NAME(points) x, struct NAME(points) y, const REAL *dv,
                    struct NAME(points) dx, struct NAME(points) dy, double *dc, double *work);

/* d [rows] = distance of x and y.  Its derivative at x = y is taken as 0. */
void NAME(distance)(double c, struct NAME(points) x, struct NAME(points) y, REAL *d, double *work);
void NAME(distance_back)(double c, struct NAME(points) x, struct NAME(points) y, const REAL *dd,
                         struct NAME(points) dx, struct NAME(points) dy, double *dc, double *work);

/* z = gyr[u, v] w, w [rows][n]. */
void NAME(gyration)(double c, struct NAME(points) u, struct NAME(points) v, const REAL *w, REAL *z,
                    double *work);
void NAME(gyration_back)(double c, struct NAME(points) u, struct NAME(points) v, const REAL *w,
                         const REAL *dz, struct NAME(points) du, struct NAME(points) dv, REAL *dw,
                         double *dc, double *work);
/* z = the tangent v at x, carried along the geodesic to y. */
void NAME(transport)(double c, struct NAME(points) x, struct NAME(points) y, const REAL *v, REAL *z,
                     double *work);
void NAME(transport_back)(double c, struct NAME(points) x, struct NAME(points) y, const REAL *v,
                          const REAL *dz, struct NAME(points) dx, struct NAME(points) dy, REAL *dv,
                          double *dc, double *work);

/* lambda [rows], at most the largest finite number. */
void NAME(conformal)(struct NAME(points) x, REAL *lambda);
void NAME(conformal_back)(struct NAME(points) x, const REAL *dlambda, struct NAME(points) dx);

/* m (one row) = gyromidpoint of all rows of x with the weights [rows] >= 0, NULL = equal ones. */
void NAME(midpoint)(double c, struct NAME(points) x, const REAL *weights, struct NAME(points) m,
                    double *work);
void NAME(midpoint_back)(double c, struct NAME(points) x, const REAL *weights,
                         struct NAME(points) dm, struct NAME(points) dx, double *dweights,
                         double *dc, double *work);
/* m (one row) = Frechet mean, the minimum of sum_i weights_i distance(x_i, m)^2, by the fixed
 * point of Lou et al.: midpoints with the weights times d_i / sinh(s d_i).  Slow; a reference.
 * Returns the number of steps, at most 1000; the last one is then shorter than 1e-14/s.
 * spare [2 rows] is scratch.  The backward function solves the fixed point's own adjoint by as many
 * steps. */
size_t NAME(frechet)(double c, struct NAME(points) x, const REAL *weights, struct NAME(points) m,
                     double *spare, double *work);
size_t NAME(frechet_back)(double c, struct NAME(points) x, const REAL *weights,
                          struct NAME(points) m, struct NAME(points) dm, struct NAME(points) dx,
                          double *dweights, double *dc, double *spare, double *work);

/* z = beta-concatenation of `count` parts, z.n = sum of their n; work of z.n. */
void NAME(concatenate)(double c, size_t count, const struct NAME(points) * parts,
                       struct NAME(points) z, double *work);
void NAME(concatenate_back)(double c, size_t count, const struct NAME(points) * parts,
                            struct NAME(points) dz, const struct NAME(points) * dparts, double *dc,
                            double *work);

/* ---------------------------------------------------------------------------------- planes -- */

/* Hyperplanes with normals z_k and offsets r_k, both Euclidean parameters.  Of a tangent v at 0,
 * t = s|v|, the signed distance from plane k is
 *
 *     d_k = 2|z_k|/s asinh(u_k)
 *     u_k = s sinh(2t)/t <v, z_k>/|z_k| cosh(2 s r_k) - cosh(2t) sinh(2 s r_k)
 *
 * The fully connected layer gives the tangent at 0 of the point with these distances from the
 * planes through 0 that are normal to the axes:
 *
 *     w_k = sinh(s d_k)/s,  y = asinh(s|w|)/(2 s|w|) w
 *
 * |z_k| counts as at least 1e-15, 2 s r_k as at most 20 in size.  The product e = v z^T is apart
 * from the rows, so that a caller may choose the product. */
struct NAME(planes) {
    enum et__planes_result result;
    size_t n_in, n_out;
    double c;
    const REAL *z; /* [n_out][n_in], a normal per row */
    const REAL *r; /* [n_out] */
    REAL *table;   /* [3][n_out], filled by planes_prepare */
};

/* Fills the table: call after any change of c, z or r. */
void NAME(planes_prepare)(struct NAME(planes) * planes);
/* y [rows][n_out] from v [rows][n_in] and e [rows][n_out]; y may be e.  Each row for itself. */
void NAME(planes_rows)(const struct NAME(planes) * planes, size_t rows, const REAL *v,
                       const REAL *e, REAL *y);
/* From dy: de [rows][n_out] is set (it may be dy), the part of dv [rows][n_in] that does not go
 * through e is added, and sums [ET__PLANES_SUMS n_out + 1] get sums over the rows added.
 * scratch [3][n_out]. */
void NAME(planes_rows_back)(const struct NAME(planes) * planes, size_t rows, const REAL *v,
                            const REAL *e, const REAL *dy, REAL *de, REAL *dv, double *sums,
                            REAL *scratch);
/* From the sums of all rows: dz and dr get what does not go through e added; *dc as well. */
void NAME(planes_finish)(const struct NAME(planes) * planes, const double *sums, REAL *dz, REAL *dr,
                         double *dc);
/* The whole of it.  forward: e = v z^T and y, by et_gemm (f32: the bits of a row may depend on its
 * place in the batch) or plainly (f64).  back: adds to dv, dz, dr, *dc; de [rows][n_out], sums and
 * scratch are scratch. */
void NAME(planes_forward)(const struct NAME(planes) * planes, size_t rows, const REAL *v, REAL *e,
                          REAL *y);
void NAME(planes_back)(const struct NAME(planes) * planes, size_t rows, const REAL *v,
                       const REAL *e, const REAL *dy, REAL *dv, REAL *dz, REAL *dr, double *dc,
                       REAL *de, double *sums, REAL *scratch);

/* ----------------------------------------------------------------------------- batch norm -- */

/* Midpoint batch norm of tangents v [rows][n]: with mu the midpoint, var = mean distance(x, mu)^2,
 * b = exp0(shift) and k = sqrt(gamma/(var + eps)),
 *
 *     y = log0(exp_b(k PT(mu -> b) log_mu(exp0 v)))
 *       = log0(b (+) gyr[b, -mu](k (x) ((-mu) (+) exp0 v)))
 *
 * mean is mu's tangent at 0.  Everything but the rows is double; sums over rows are ADDED, so that
 * tiles of rows may be summed in a fixed order. */
struct NAME(norm) {
    size_t n;
    double c, eps;       /* eps: 1e-6 */
    double gamma;        /* >= 0 */
    const double *shift; /* [n] */
    const double *mean;  /* [n] of the batch, or running */
    double variance;
};

/* Statistics of a batch in three passes over its tiles and a step behind each of the first two:
 * sums [n + 2] and *variance start as zero; total is the number of rows of all tiles. */
void NAME(norm_sum)(double c, size_t rows, size_t n, const REAL *v, double *sums, double *work);
void NAME(norm_spread)(double c, size_t rows, size_t n, const REAL *v, const double *sums,
                       double *spread, double *work);
void NAME(norm_mean)(double c, size_t n, const double *sums, double spread, double *mean);
void NAME(norm_variance)(double c, size_t rows, size_t n, const REAL *v, const double *mean,
                         size_t total, double *variance, double *work);
/* The three in a row for a batch of one tile; sums [n + 2] stays for norm_mean_back. */
void NAME(norm_statistics)(double c, size_t rows, size_t n, const REAL *v, double *mean,
                           double *variance, double *sums, double *work);

/* y [rows][n] with the statistics in norm; each row for itself. */
void NAME(norm_rows)(const struct NAME(norm) * norm, size_t rows, const REAL *v, REAL *y,
                     double *work);
/* Adds to dv [rows][n], and to the sums dshift [n], *dgamma, dmean [n], *dvariance, *dc, the
 * statistics being independent of v. */
void NAME(norm_rows_back)(const struct NAME(norm) * norm, size_t rows, const REAL *v,
                          const REAL *dy, REAL *dv, double *dshift, double *dgamma, double *dmean,
                          double *dvariance, double *dc, double *work);
/* Where the statistics are those of v: dvariance and then dmean, complete, go back to the rows.
 * Adds to dv, dmean (variance_back) and *dc. */
void NAME(norm_variance_back)(double c, size_t rows, size_t n, const REAL *v, const double *mean,
                              size_t total, double dvariance, REAL *dv, double *dmean, double *dc,
                              double *work);
/* first: whether this is the batch's first tile, which adds the part of *dc that is not of a row.
 */
void NAME(norm_mean_back)(double c, size_t rows, size_t n, const REAL *v, const double *sums,
                          const double *mean, const double *dmean, bool first, REAL *dv, double *dc,
                          double *work);
/* The three in a row for a batch of one tile. */
void NAME(norm_batch_back)(const struct NAME(norm) * norm, size_t rows, const REAL *v,
                           const double *sums, const REAL *dy, REAL *dv, double *dshift,
                           double *dgamma, double *dc, double *work);
