/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernels of the mesh against their references, and single cells. */
#include "close.h"

#include "sim/mesh/mesh.h"

#include <etalon/array.h>
#include <etalon/rng.h>

#include <string.h>

enum { TILE = ET__MESH_TILE };
static const double pi = 3.14159265358979323846;

/* ---------------------------------------------------------------------------------- kernels -- */

struct rig {
    struct et__mesh mesh;
    size_t n;
    float *a, *b, *g, *h;
    struct et__mesh_sums *sums, *want;
    double *out, *out_want;
};

static void make_rig(struct rig *r, size_t n, double gain)
{
    *r = (struct rig){.n = n};
    assert_ok(et__mesh_create(&r->mesh, ET__MESH_RECK, n, gain));
    et__mesh_couplers_draw(r->mesh.couplers, r->mesh.layout.n_cells, 0, 0.1, 1, ET_STREAM_USER);
    assert_ok(et__mesh_haar_phases(&r->mesh.layout, 2, ET_STREAM_USER, r->mesh.phases));
    et__mesh_realise(&r->mesh);
    float **fields[] = {&r->a, &r->b, &r->g, &r->h};
    for (size_t i = 0; i < 4; i++) {
        *fields[i] = et_alloc(n * TILE, sizeof(float));
        ck_assert_ptr_nonnull(*fields[i]);
        et_rng_fill_normal(3, ET_STREAM_USER, (uint32_t)(i / 2), 0, *fields[i], n * TILE);
    }
    r->sums = et_alloc(r->mesh.layout.n_cells, sizeof *r->sums);
    r->want = et_alloc(r->mesh.layout.n_cells, sizeof *r->want);
    r->out = et_alloc(n, sizeof *r->out);
    r->out_want = et_alloc(n, sizeof *r->out_want);
    ck_assert(r->sums && r->want && r->out && r->out_want);
}

static void drop_rig(struct rig *r)
{
    void *all[] = {r->a, r->b, r->g, r->h, r->sums, r->want, r->out, r->out_want};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        et_free(all[i]);
    et__mesh_destroy(&r->mesh);
}

START_TEST(test_sweep_is_the_reference)
{
    static const size_t sizes[] = {2, 3, 9, 40};
    const struct et__mesh_kernels *k;
    for (size_t i = 0; (k = et__mesh_kernels(i)) != NULL; i++)
        for (size_t j = 0; j < sizeof sizes / sizeof *sizes; j++) {
            struct rig r;
            make_rig(&r, sizes[j], 0.98);
            k->sweep(&r.mesh.plan, r.a);
            et__mesh_sweep_ref(&r.mesh.plan, r.b);
            assert_close(r.a, r.b, r.n * TILE, 0, 1e-5);
            drop_rig(&r);
        }
}
END_TEST

/* Every set of kernels gives the bits of the first one, and a lane those of any other lane. */
START_TEST(test_sets_agree_to_the_bit)
{
    const struct et__mesh_kernels *k;
    float *first = et_alloc((size_t)10 * TILE, sizeof *first);
    ck_assert_ptr_nonnull(first);
    for (size_t i = 0; (k = et__mesh_kernels(i)) != NULL; i++) {
        struct rig r;
        make_rig(&r, 10, 1);
        for (size_t w = 0; w < r.n; w++)
            for (size_t part = 0; part < 2; part++)
                r.a[w * TILE + part * ET__MESH_LANES + 13] = r.a[w * TILE + part * ET__MESH_LANES];
        k->sweep(&r.mesh.plan, r.a);
        if (i == 0) memcpy(first, r.a, r.n * TILE * sizeof *first);
        ck_assert_mem_eq(first, r.a, r.n * TILE * sizeof *first);
        for (size_t w = 0; w < 2 * r.n; w++)
            ck_assert(r.a[w * ET__MESH_LANES] == r.a[w * ET__MESH_LANES + 13]);
        drop_rig(&r);
    }
    et_free(first);
}
END_TEST

START_TEST(test_back_is_the_reference)
{
    const struct et__mesh_kernels *k;
    for (size_t i = 0; (k = et__mesh_kernels(i)) != NULL; i++) {
        struct rig r;
        make_rig(&r, 9, 0.97);
        float *alone = et_alloc(r.n * TILE, sizeof *alone);
        ck_assert_ptr_nonnull(alone);
        memcpy(alone, r.g, r.n * TILE * sizeof *alone);
        k->back(&r.mesh.plan, r.a, r.g, r.sums, r.out);
        k->back(&r.mesh.plan, NULL, alone, NULL, NULL);
        et__mesh_back_ref(&r.mesh.plan, r.b, r.h, r.want, r.out_want);
        assert_close(r.a, r.b, r.n * TILE, 0, 1e-4);
        assert_close(r.g, r.h, r.n * TILE, 0, 1e-5);
        ck_assert_mem_eq(alone, r.g, r.n * TILE * sizeof *alone);
        for (size_t c = 0; c < r.mesh.layout.n_cells; c++) {
            assert_near(r.sums[c].a0, r.want[c].a0, 1e-3);
            assert_near(r.sums[c].a1, r.want[c].a1, 1e-3);
            assert_near(r.sums[c].z_re, r.want[c].z_re, 1e-3);
            assert_near(r.sums[c].z_im, r.want[c].z_im, 1e-3);
        }
        for (size_t w = 0; w < r.n; w++)
            assert_near(r.out[w], r.out_want[w], 1e-3);
        et_free(alone);
        drop_rig(&r);
    }
}
END_TEST

/* Fields come back from behind the mesh. */
START_TEST(test_back_undoes_the_sweep)
{
    struct rig r;
    make_rig(&r, 12, 0.9);
    et__mesh_sweep(&r.mesh.plan, r.a);
    et__mesh_back(&r.mesh.plan, r.a, r.g, r.sums, r.out);
    assert_close(r.a, r.b, r.n * TILE, 0, 1e-4);
    drop_rig(&r);
}
END_TEST

START_TEST(test_product_is_the_reference)
{
    enum { ROWS = 7, COLUMNS = 9 };
    static float m[2 * ROWS * COLUMNS];
    _Alignas(64) static float x[COLUMNS * TILE], z[ROWS * TILE], want[ROWS * TILE];
    const struct et__mesh_kernels *k;
    et_rng_fill_normal(1, ET_STREAM_USER, 0, 0, m, sizeof m / sizeof *m);
    et_rng_fill_normal(1, ET_STREAM_USER, 1, 0, x, sizeof x / sizeof *x);
    for (size_t i = 0; (k = et__mesh_kernels(i)) != NULL; i++)
        for (int real = 0; real < 2; real++) {
            k->product(m, ROWS, COLUMNS, real, x, z);
            et__mesh_product_ref(m, ROWS, COLUMNS, real, x, want);
            assert_close(z, want, sizeof z / sizeof *z, 0, 1e-5);
        }
}
END_TEST

/* What the kernels are given is the matrix in double precision. */
START_TEST(test_coefficients_make_the_matrix)
{
    enum { N = 11 };
    struct rig r;
    double complex u[N * N];
    make_rig(&r, N, 0.97);
    et__mesh_matrix(&r.mesh.layout, r.mesh.couplers, r.mesh.gain, r.mesh.phases, u);
    memset(r.a, 0, (size_t)N * TILE * sizeof *r.a);
    for (size_t k = 0; k < N; k++)
        r.a[k * TILE + k] = 1;
    et__mesh_sweep(&r.mesh.plan, r.a);
    for (size_t o = 0; o < N; o++)
        for (size_t k = 0; k < N; k++) {
            assert_near((double)r.a[o * TILE + k], creal(u[o * N + k]), 1e-6);
            assert_near((double)r.a[o * TILE + ET__MESH_LANES + k], cimag(u[o * N + k]), 1e-6);
        }
    drop_rig(&r);
}
END_TEST

/* ----------------------------------------------------------------------------------- layout -- */

START_TEST(test_layouts)
{
    for (size_t n = 2; n < 12; n++)
        for (int t = 0; t < 2; t++) {
            struct et__mesh_layout l = {0};
            uint16_t rank[66];
            size_t times[12] = {0};
            assert_ok(et__mesh_layout_create(&l, (enum et__mesh_topology)t, n));
            ck_assert_uint_eq(l.n_columns, t == ET__MESH_CLEMENTS ? n : 2 * n - 3);
            ck_assert_uint_eq(l.start[l.n_columns], n * (n - 1) / 2);
            assert_ok(et__mesh_layout_ranks(&l, rank));
            for (size_t i = 0; i < l.n_cells; i++)
                times[rank[i]]++;
            /* the Haar measure: exponent k occurs n - k times */
            for (size_t k = 1; k < n; k++)
                ck_assert_uint_eq(times[k], n - k);
            et__mesh_layout_destroy(&l);
        }
}
END_TEST

/* A cell without an error is left alone by the correction; a cross state cannot be reached. */
START_TEST(test_correction_of_one_cell)
{
    struct et__mesh m = {0};
    double lambda[2];
    double complex want[4], got[4];
    assert_ok(et__mesh_create(&m, ET__MESH_CLEMENTS, 2, 1));
    const double phases[4] = {1.1, 2.2, 0.3, 0.4};
    for (int error = 0; error < 2; error++) {
        memcpy(m.phases, phases, sizeof phases);
        et__mesh_couplers_draw(m.couplers, 1, 0, 0, 1, ET_STREAM_USER);
        et__mesh_matrix(&m.layout, m.couplers, 1, m.phases, want);
        if (error) et__mesh_couplers_draw(m.couplers, 1, 0.05, 0.1, 1, ET_STREAM_USER);
        ck_assert_uint_eq(et__mesh_correct(&m.layout, m.couplers, m.phases, lambda), 0);
        et__mesh_matrix(&m.layout, m.couplers, 1, m.phases, got);
        for (size_t i = 0; i < 4; i++)
            assert_near(cabs(got[i] - want[i]), 0, 1e-14);
    }
    memcpy(m.phases, phases, sizeof phases);
    m.phases[0] = 0;
    et__mesh_couplers_draw(m.couplers, 1, 0.1, 0, 1, ET_STREAM_USER);
    ck_assert_uint_eq(et__mesh_correct(&m.layout, m.couplers, m.phases, lambda), 1);
    et__mesh_matrix(&m.layout, m.couplers, 1, m.phases, got);
    assert_near(cabs(got[0]), sin(0.2), 1e-12);
    et__mesh_destroy(&m);
}
END_TEST

/* Uniform phases are not Haar: E|tr U|^2 is 1 for Haar, and not for them. */
START_TEST(test_uniform_phases_are_not_haar)
{
    enum { N = 5, DRAWS = 4000 };
    struct et__mesh m = {0};
    double complex u[N * N];
    double fourth = 0;
    assert_ok(et__mesh_create(&m, ET__MESH_CLEMENTS, N, 1));
    et__mesh_couplers_draw(m.couplers, m.layout.n_cells, 0, 0, 1, ET_STREAM_USER);
    for (uint64_t draw = 0; draw < DRAWS; draw++) {
        float p[N * N];
        et_rng_fill_uniform(draw, ET_STREAM_USER, 0, 0, 0, (float)(2 * pi), p, (size_t)N * N);
        for (size_t i = 0; i < (size_t)N * N; i++)
            m.phases[i] = (double)p[i];
        et__mesh_matrix(&m.layout, m.couplers, 1, m.phases, u);
        fourth += pow(cabs(u[N * N - 1]), 4) / DRAWS;
    }
    ck_assert_msg(fourth * N * (N + 1) / 2 > 1.3, "E|u|^4 is %g of Haar's", fourth * N * 15);
    et__mesh_destroy(&m);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mesh kernels");
    TCase *kernels = tcase_create("kernels"), *cells = tcase_create("cells");
    tcase_add_test(kernels, test_sweep_is_the_reference);
    tcase_add_test(kernels, test_sets_agree_to_the_bit);
    tcase_add_test(kernels, test_back_is_the_reference);
    tcase_add_test(kernels, test_back_undoes_the_sweep);
    tcase_add_test(kernels, test_product_is_the_reference);
    tcase_add_test(kernels, test_coefficients_make_the_matrix);
    tcase_add_test(cells, test_layouts);
    tcase_add_test(cells, test_correction_of_one_cell);
    tcase_add_test(cells, test_uniform_phases_are_not_haar);
    suite_add_tcase(suite, kernels);
    suite_add_tcase(suite, cells);
    return suite_result(suite);
}
