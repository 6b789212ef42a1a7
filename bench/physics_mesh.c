/* SPDX-License-Identifier: Apache-2.0
 *
 * Meshes against the matrices that they are to make, and against published laws of their errors. */
#include "physics.h"

#include "sim/kernels/zmatrix.h"
#include "sim/mesh/mesh.h"

#include <etalon/array.h>
#include <etalon/parallel.h>
#include <etalon/rng.h>
#include <etalon/system.h>

#include <math.h>
#include <string.h>

/* A mesh with a Haar unitary on it, everything in double precision. */
struct bench_mesh {
    struct et__mesh mesh;
    size_t n;
    double complex *target, *got, *spare; /* [n][n] */
    double *lambda;
};

static enum et_status make(struct bench_mesh *b, enum et__mesh_topology topology, size_t n)
{
    *b = (struct bench_mesh){.n = n};
    ET_TRY(et__mesh_create(&b->mesh, topology, n, 1));
    et__mesh_couplers_draw(b->mesh.couplers, b->mesh.layout.n_cells, 0, 0, 1, ET_STREAM_MISMATCH);
    if (!(b->target = et_alloc(n * n, sizeof *b->target))) return ET_NOMEM;
    if (!(b->got = et_alloc(n * n, sizeof *b->got))) return ET_NOMEM;
    if (!(b->spare = et_alloc(n * n, sizeof *b->spare))) return ET_NOMEM;
    if (!(b->lambda = et_alloc(n, sizeof *b->lambda))) return ET_NOMEM;
    return ET_OK;
}

static void drop(struct bench_mesh *b)
{
    et__mesh_destroy(&b->mesh);
    et_free(b->target);
    et_free(b->got);
    et_free(b->spare);
    et_free(b->lambda);
}

/* Phases of a Haar matrix of that seed. */
static enum et_status programme(struct bench_mesh *b, uint64_t seed)
{
    ET_TRY(et__z_haar(seed, ET_STREAM_USER, b->n, b->target));
    memcpy(b->spare, b->target, b->n * b->n * sizeof *b->spare);
    return et__mesh_decompose(&b->mesh.layout, b->spare, b->mesh.phases);
}

static void build(struct bench_mesh *b)
{
    et__mesh_matrix(&b->mesh.layout, b->mesh.couplers, b->mesh.gain, b->mesh.phases, b->got);
}

static double largest_difference(const double complex *a, const double complex *b, size_t n)
{
    double worst = 0;
    for (size_t i = 0; i < n; i++)
        worst = fmax(worst, cabs(a[i] - b[i]));
    return worst;
}

/* ||got - target||_F / sqrt(n) */
static double distance(const struct bench_mesh *b)
{
    double sum = 0;
    for (size_t i = 0; i < b->n * b->n; i++) {
        double part = cabs(b->got[i] - b->target[i]);
        sum += part * part;
    }
    return sqrt(sum / (double)b->n);
}

static enum et_status reproduce(enum et__mesh_topology topology, double *error)
{
    static const size_t sizes[] = {2, 3, 4, 5, 7, 8, 16, 31, 64};
    *error = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct bench_mesh b;
        enum et_status status = make(&b, topology, sizes[i]);
        if (status == ET_OK) status = programme(&b, 10 + i);
        if (status == ET_OK) {
            build(&b);
            *error = fmax(*error, largest_difference(b.got, b.target, b.n * b.n));
        }
        drop(&b);
        ET_TRY(status);
    }
    return ET_OK;
}

static enum et_status clements(double *error)
{
    return reproduce(ET__MESH_CLEMENTS, error);
}

static enum et_status reck(double *error)
{
    return reproduce(ET__MESH_RECK, error);
}

/* U^H U = gain^(2 cells passed) is the identity without loss, whatever couplers and phases are. */
static enum et_status unitarity(double *error)
{
    struct bench_mesh b;
    enum et_status status = make(&b, ET__MESH_CLEMENTS, 32);
    if (status == ET_OK)
        status = et__mesh_haar_phases(&b.mesh.layout, 3, ET_STREAM_USER, b.mesh.phases);
    if (status == ET_OK) {
        et__mesh_couplers_draw(b.mesh.couplers, b.mesh.layout.n_cells, 0.1, 0.2, 4,
                               ET_STREAM_MISMATCH);
        build(&b);
        *error = 0;
        for (size_t i = 0; i < b.n; i++)
            for (size_t j = 0; j < b.n; j++) {
                double complex sum = i == j ? -1 : 0;
                for (size_t k = 0; k < b.n; k++)
                    sum += conj(b.got[k * b.n + i]) * b.got[k * b.n + j];
                *error = fmax(*error, cabs(sum));
            }
    }
    drop(&b);
    return status;
}

/* Power out over power in of the system, against 10^(-columns loss / 10): in a rectangle of an even
 * number of modes, all phases at the bar state, a mode meets n / 2 cells at the edges and n inside.
 */
static enum et_status loss_budget(double *error)
{
    enum { N = 6 };
    struct et_system *system = NULL;
    float knobs[N * N] = {0}, x[N * N] = {0}, y[N * N];
    struct et_step step = {0};
    for (size_t i = 0; i < (size_t)N * (N - 1) / 2; i++)
        knobs[2 * i] = 3.14159265F;
    for (size_t i = 0; i < N; i++)
        x[i * N + i] = 1;
    ET_TRY(et_system_open_text("{type: mesh, n: 6, loss_dB: 0.4}", 1, &system));
    enum et_status status = et_system_set_knobs(system, knobs, (size_t)N * N);
    if (status == ET_OK)
        status = et_system_forward(system, &step, et_view_of(x, N, N), et_view_of(y, N, N));
    et_system_close(system);
    *error = 0;
    for (size_t i = 0; i < N; i++) {
        double passed = i == 0 || i == N - 1 ? N / 2 : N;
        *error = fmax(*error, fabs((double)y[i * N + i] / pow(10, -0.04 * passed) - 1));
    }
    return status;
}

/* Mean square distance over draws of couplers, with or without correction. */
static enum et_status coupler_error(size_t n, double sd, bool correct, double *rms)
{
    enum { DRAWS = 6 };
    struct bench_mesh b;
    double sum = 0;
    enum et_status status = make(&b, ET__MESH_CLEMENTS, n);
    for (uint64_t draw = 0; status == ET_OK && draw < DRAWS; draw++) {
        status = programme(&b, 100 + draw);
        if (status != ET_OK) break;
        et__mesh_couplers_draw(b.mesh.couplers, b.mesh.layout.n_cells, 0, sd, 200 + draw,
                               ET_STREAM_MISMATCH);
        if (correct) et__mesh_correct(&b.mesh.layout, b.mesh.couplers, b.mesh.phases, b.lambda);
        build(&b);
        sum += distance(&b) * distance(&b);
    }
    drop(&b);
    *rms = sqrt(sum / DRAWS);
    return status;
}

/* A coupler off by e changes its cell by e in each of two singular values: the squares of 2 cells
 * per pair of modes add up to E0^2 = 2 (n - 1) sd^2. */
static enum et_status uncorrected(double *error)
{
    double rms, want = sqrt(2.0 * 63) * 1e-3;
    ET_TRY(coupler_error(64, 1e-3, false, &rms));
    *error = fabs(rms / want - 1);
    return ET_OK;
}

static enum et_status slope(double *error)
{
    double low, high;
    ET_TRY(coupler_error(32, 1e-4, false, &low));
    ET_TRY(coupler_error(32, 1e-3, false, &high));
    *error = fabs(log10(high / low) - 1);
    return ET_OK;
}

/* What remains after correction are splittings below |e0 + e1| = d: with the Haar exponent k a cell
 * misses int_0^d 2 k r (d - r)^2 dr = k d^4 / 6 in its angle, twice that in the squared norm, and
 * E d^4 = 12 sd^4.  The sum of k over the mesh is n (n^2 - 1) / 6, so Ec^2 = (2/3)(n^2 - 1) sd^4:
 * the error is quadratic, Ec = E0^2 / sqrt(6). */
static enum et_status corrected(double *error)
{
    double rms, sd = 0.02, want = sqrt(2.0 / 3 * (64 * 64 - 1)) * sd * sd;
    ET_TRY(coupler_error(64, sd, true, &rms));
    *error = fabs(rms / want - 1);
    return ET_OK;
}

/* Moments of Haar matrices over many draws of phases: E|U_ij|^4 = 2 / (n (n + 1)) for the corner
 * elements and the middle, E|tr U|^2 = 1, E|tr U^2|^2 = 2. */
static enum et_status haar(enum et__mesh_topology topology, double *error)
{
    enum { N = 5, DRAWS = 20000 };
    struct bench_mesh b;
    double fourth[N * N] = {0}, trace1 = 0, trace2 = 0;
    enum et_status status = make(&b, topology, N);
    for (uint64_t draw = 0; status == ET_OK && draw < DRAWS; draw++) {
        status = et__mesh_haar_phases(&b.mesh.layout, draw, ET_STREAM_USER, b.mesh.phases);
        if (status != ET_OK) break;
        build(&b);
        double complex first = 0, second = 0;
        for (size_t i = 0; i < N; i++) {
            first += b.got[i * N + i];
            for (size_t j = 0; j < N; j++) {
                second += b.got[i * N + j] * b.got[j * N + i];
                fourth[i * N + j] += pow(cabs(b.got[i * N + j]), 4) / DRAWS;
            }
        }
        trace1 += pow(cabs(first), 2) / DRAWS;
        trace2 += pow(cabs(second), 2) / DRAWS;
    }
    drop(&b);
    *error = fmax(fabs(trace1 - 1), fabs(trace2 / 2 - 1));
    for (size_t i = 0; i < (size_t)N * N; i++)
        *error = fmax(*error, fabs(fourth[i] * N * (N + 1) / 2 - 1));
    return status;
}

static enum et_status haar_clements(double *error)
{
    return haar(ET__MESH_CLEMENTS, error);
}

static enum et_status haar_reck(double *error)
{
    return haar(ET__MESH_RECK, error);
}

/* A real matrix on two meshes, single precision, against the matrix itself. */
static enum et_status any_matrix(double *error)
{
    struct et_system *system = NULL;
    static const float a[3][4] = {{1, 2, 3, 4}, {0, -1, 2, 0.5F}, {0.25F, 0, 0, -2}};
    float x[4][4] = {{0}}, y[4][3];
    struct et_step step = {0};
    for (size_t i = 0; i < 4; i++)
        x[i][i] = 1;
    ET_TRY(et_system_open_text("{type: mesh, block: svd, n: 4, n_out: 3, input: signed, output: "
                               "real, matrix: [1, 2, 3, 4, 0, -1, 2, 0.5, 0.25, 0, 0, -2]}",
                               1, &system));
    enum et_status status =
        et_system_forward(system, &step, et_view_of(x[0], 4, 4), et_view_of(y[0], 4, 3));
    et_system_close(system);
    *error = 0;
    for (size_t i = 0; i < 4; i++)
        for (size_t o = 0; o < 3; o++)
            *error = fmax(*error, fabs((double)y[i][o] - (double)a[o][i]));
    return status;
}

/* <J dx, dy> by central differences against <dx, J^T dy>, lossy imperfect pair of meshes. */
static enum et_status adjoint(double *error)
{
    enum { N = 8, KNOBS = N * N + N + N * N };
    struct et_system *system = NULL;
    float x[N], dx[N], dy[N], y[2][N], knobs[KNOBS], moved[KNOBS], way[KNOBS], dknobs[KNOBS];
    struct et_step step = {0};
    const float h = 2e-3F;
    et_rng_fill_uniform(1, ET_STREAM_USER, 0, 0, 0.2F, 1, x, N);
    et_rng_fill_normal(1, ET_STREAM_USER, 1, 0, dy, N);
    et_rng_fill_normal(1, ET_STREAM_USER, 2, 0, way, KNOBS);
    ET_TRY(et_system_open_text("{type: mesh, block: svd, n: 8, coupler_error: 0.1, loss_dB: 0.2, "
                               "crosstalk: 0.02, crosstalk_along: 0.03}",
                               1, &system));
    struct et_view in = et_view_of(x, 1, N), out = et_view_of(dy, 1, N);
    enum et_status status = et_system_get_knobs(system, knobs, KNOBS);
    for (size_t i = 0; i < KNOBS; i++) /* away from the seam of a turn */
        knobs[i] = fminf(fmaxf(knobs[i], 0.1F), 6.1F);
    if (status == ET_OK) status = et_system_set_knobs(system, knobs, KNOBS);
    if (status == ET_OK)
        status = et_system_vjp(system, &step, in, out, et_view_of(dx, 1, N), dknobs);
    for (int side = 0; status == ET_OK && side < 2; side++) {
        for (size_t i = 0; i < KNOBS; i++)
            moved[i] = knobs[i] + (side ? h : -h) * way[i];
        status = et_system_set_knobs(system, moved, KNOBS);
        if (status == ET_OK)
            status = et_system_forward(system, &step, in, et_view_of(y[side], 1, N));
    }
    et_system_close(system);
    double left = 0, right = 0, size = 0;
    for (size_t i = 0; i < N; i++)
        left += (double)dy[i] * ((double)y[1][i] - (double)y[0][i]) / (2 * (double)h);
    for (size_t i = 0; i < KNOBS; i++) {
        right += (double)dknobs[i] * (double)way[i];
        size += fabs((double)dknobs[i] * (double)way[i]);
    }
    *error = fabs(left - right) / size;
    return status;
}

const struct et__physics_check et__physics_mesh[] = {
    {"mesh", "rectangle: Haar unitaries of 2 to 64 modes", "1", 1e-12, clements},
    {"mesh", "triangle: Haar unitaries of 2 to 64 modes", "1", 1e-12, reck},
    {"mesh", "imperfect couplers without loss: U^H U = 1", "1", 1e-12, unitarity},
    {"mesh", "loss: power behind n / 2 and n cells", "1", 1e-5, loss_budget},
    {"mesh", "coupler errors: slope of the matrix error", "1", 0.01, slope},
    {"mesh", "coupler errors: sqrt(2 (n - 1)) sd", "1", 0.1, uncorrected},
    {"mesh", "corrected: sqrt(2/3 (n^2 - 1)) sd^2", "1", 0.2, corrected},
    {"mesh", "rectangle: moments of Haar phases", "1", 0.06, haar_clements},
    {"mesh", "triangle: moments of Haar phases", "1", 0.06, haar_reck},
    {"mesh", "two meshes: a real 3 x 4 matrix", "1", 5e-6, any_matrix},
    {"mesh", "adjoint: knobs by central differences", "1", 2e-4, adjoint},
    {0},
};
