/* SPDX-License-Identifier: Apache-2.0
 *
 * Matrix products and random numbers: values, moments, and bits that depend on nothing else. */
#include <etalon/array.h>
#include <etalon/parallel.h>
#include <etalon/rng.h>

#include <check.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "close.h"

/* -------------------------------------------------------------------------------------- gemm -- */

struct product {
    size_t m, n, k;
    enum et_transpose ta, tb;
};

/* Edge sizes, both orientations, and one product that is shared between threads. */
static const struct product products[] = {
    {1, 1, 1, ET_PLAIN, ET_PLAIN},
    {3, 5, 7, ET_PLAIN, ET_PLAIN},
    {3, 5, 7, ET_TRANSPOSED, ET_PLAIN},
    {3, 5, 7, ET_PLAIN, ET_TRANSPOSED},
    {65, 130, 33, ET_TRANSPOSED, ET_TRANSPOSED},
    {130, 65, 33, ET_PLAIN, ET_TRANSPOSED},
    {200, 517, 90, ET_TRANSPOSED, ET_PLAIN},
    {128, 600, 301, ET_PLAIN, ET_PLAIN},
    {600, 128, 301, ET_PLAIN, ET_TRANSPOSED},
    {4, 3, 0, ET_PLAIN, ET_PLAIN},
    {0, 3, 4, ET_PLAIN, ET_PLAIN},
};
enum { N_PRODUCTS = sizeof products / sizeof *products, PADDING = 3 };

/* A view with padding, filled from the seed; the caller frees data. */
static struct et_view filled(size_t rows, size_t cols, uint32_t step)
{
    struct et_view v = {et_alloc(rows * (cols + PADDING) + 1, sizeof(float)), rows, cols,
                        cols + PADDING};
    ck_assert_ptr_nonnull(v.data);
    et_rng_fill_uniform(3, ET_STREAM_USER, step, 0, -1, 1, v.data, rows * v.stride);
    return v;
}

static float element(struct et_view v, enum et_transpose t, size_t r, size_t c)
{
    return t == ET_PLAIN ? v.data[r * v.stride + c] : v.data[c * v.stride + r];
}

START_TEST(gemm_is_the_product)
{
    struct product p = products[_i];
    bool plain_a = p.ta == ET_PLAIN, plain_b = p.tb == ET_PLAIN;
    struct et_view a = filled(plain_a ? p.m : p.k, plain_a ? p.k : p.m, 0);
    struct et_view b = filled(plain_b ? p.k : p.n, plain_b ? p.n : p.k, 1);
    struct et_view c = filled(p.m, p.n, 2), first = filled(p.m, p.n, 2);
    size_t bytes = p.m * c.stride * sizeof(float);
    for (size_t threads = 1; threads <= 8; threads *= 2) {
        memcpy(c.data, first.data, bytes);
        et_parallel_set_threads(threads);
        et_gemm(p.ta, p.tb, 0.5F, a, b, 2, c);
        for (size_t r = 0; threads == 1 && r < p.m; r++) {
            for (size_t o = 0; o < c.stride; o++) {
                /* The padding stays as it was. */
                double want = (o < p.n ? 2 : 1) * (double)first.data[r * c.stride + o];
                for (size_t i = 0; o < p.n && i < p.k; i++)
                    want += 0.5 * (double)element(a, p.ta, r, i) * (double)element(b, p.tb, i, o);
                assert_near((double)c.data[r * c.stride + o], want, 1e-4);
            }
        }
        struct et_view again = filled(p.m, p.n, 2);
        et_gemm(p.ta, p.tb, 0.5F, a, b, 2, again);
        ck_assert_msg(memcmp(again.data, c.data, bytes) == 0, "%zu threads, again", threads);
        et_parallel_set_threads(1);
        memcpy(again.data, first.data, bytes);
        et_gemm(p.ta, p.tb, 0.5F, a, b, 2, again);
        ck_assert_msg(memcmp(again.data, c.data, bytes) == 0, "%zu threads and 1", threads);
        et_free(again.data);
    }
    et_parallel_set_threads(0);
    et_free(a.data);
    et_free(b.data);
    et_free(c.data);
    et_free(first.data);
}
END_TEST

START_TEST(gemm_time_is_counted)
{
    double before = et_gemm_seconds();
    struct et_view a = filled(200, 200, 0), b = filled(200, 200, 1), c = filled(200, 200, 2);
    et_gemm(ET_PLAIN, ET_PLAIN, 1, a, b, 0, c);
    ck_assert(et_gemm_seconds() > before);
    et_free(a.data);
    et_free(b.data);
    et_free(c.data);
}
END_TEST

/* --------------------------------------------------------------------------------------- rng -- */

/* Known answers of philox4x32 with 10 rounds.  Source: Random123, tests/kat_vectors. */
START_TEST(philox_gives_the_known_answers)
{
    static const struct {
        uint32_t counter[4], key[2], want[4];
    } vectors[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        uint32_t got[4];
        const uint32_t *c = vectors[i].counter, *k = vectors[i].key;
        et_rng_block((uint64_t)k[1] << 32 | k[0], c[3], c[2], (uint64_t)c[1] << 32 | c[0], got);
        for (size_t w = 0; w < 4; w++)
            ck_assert_uint_eq(got[w], vectors[i].want[w]);
    }
}
END_TEST

enum { DRAWS = 1 << 20 };

/* Mean, variance and the fourth moment over the squared second one. */
static void moments(const float *x, size_t n, double *mean, double *variance, double *kurtosis)
{
    double sum = 0, second = 0, fourth = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i];
    *mean = sum / (double)n;
    for (size_t i = 0; i < n; i++) {
        double d = (double)x[i] - *mean;
        second += d * d;
        fourth += d * d * d * d;
    }
    *variance = second / (double)n;
    *kurtosis = fourth / (double)n / (*variance * *variance);
}

START_TEST(distributions_have_their_moments)
{
    float *x = et_alloc(DRAWS, sizeof *x);
    ck_assert_ptr_nonnull(x);
    double mean, variance, kurtosis, sd = 1 / sqrt(DRAWS);
    et_rng_fill_normal(11, ET_STREAM_NOISE, 5, 0, x, DRAWS);
    moments(x, DRAWS, &mean, &variance, &kurtosis);
    assert_near(mean, 0, 5 * sd);
    assert_near(variance, 1, 5 * sd * sqrt(2));
    assert_near(kurtosis, 3, 5 * sd * sqrt(24));
    et_rng_fill_uniform(11, ET_STREAM_NOISE, 5, 0, -2, 4, x, DRAWS);
    moments(x, DRAWS, &mean, &variance, &kurtosis);
    assert_near(mean, 1, 5 * sd * sqrt(3));
    assert_near(variance, 3, 5 * sd * 3);
    assert_near(kurtosis, 1.8, 0.02);
    for (size_t i = 0; i < DRAWS; i++)
        ck_assert(x[i] >= -2 && x[i] < 4);
    et_free(x);
}
END_TEST

/* Pearson correlation of n numbers. */
static double correlation(const float *a, const float *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)a[i] * (double)b[i];
    return sum / (double)n;
}

START_TEST(seeds_streams_and_steps_are_independent)
{
    enum { N = 1 << 16 };
    float *x = et_alloc(N, sizeof *x), *y = et_alloc(N, sizeof *y);
    ck_assert(x && y);
    et_rng_fill_normal(1, ET_STREAM_NOISE, 0, 0, x, N);
    const struct {
        uint64_t seed;
        uint32_t stream, step;
        uint64_t first;
    } other[] = {{2, ET_STREAM_NOISE, 0, 0},
                 {1, ET_STREAM_DRIFT, 0, 0},
                 {1, ET_STREAM_NOISE, 1, 0},
                 {1, ET_STREAM_NOISE, 0, N},
                 {et_rng_derive(1, 0), ET_STREAM_NOISE, 0, 0},
                 {et_rng_derive(1, 1), ET_STREAM_NOISE, 0, 0}};
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
        et_rng_fill_normal(other[i].seed, other[i].stream, other[i].step, other[i].first, y, N);
        assert_near(correlation(x, y, N), 0, 5 / sqrt(N));
    }
    ck_assert(et_rng_derive(1, 0) != et_rng_derive(1, 1));
    et_free(x);
    et_free(y);
}
END_TEST

START_TEST(any_cut_gives_the_same_numbers)
{
    enum { N = 103 };
    float whole[2][N], part[2][N];
    et_rng_fill_normal(9, ET_STREAM_NOISE, 3, 1000001, whole[0], N);
    et_rng_fill_uniform(9, ET_STREAM_NOISE, 3, 1000001, -1, 1, whole[1], N);
    for (size_t length = 1; length <= 9; length++) {
        for (size_t i = 0; i < N; i += length) {
            size_t n = N - i < length ? N - i : length;
            et_rng_fill_normal(9, ET_STREAM_NOISE, 3, 1000001 + i, part[0] + i, n);
            et_rng_fill_uniform(9, ET_STREAM_NOISE, 3, 1000001 + i, -1, 1, part[1] + i, n);
        }
        ck_assert(memcmp(whole, part, sizeof whole) == 0);
    }
    for (size_t i = 0; i < N; i++)
        ck_assert(whole[1][i] == -1 + 2 * et_rng_uniform(9, ET_STREAM_NOISE, 3, 1000001 + i));
}
END_TEST

START_TEST(integers_fill_their_range)
{
    size_t count[7] = {0};
    for (uint64_t i = 0; i < 70000; i++)
        count[et_rng_below(5, ET_STREAM_USER, 0, i, 7)]++;
    for (size_t v = 0; v < 7; v++)
        assert_near((double)count[v], 10000, 500);
    ck_assert_uint_eq(et_rng_below(5, ET_STREAM_USER, 0, 3, 1), 0);
}
END_TEST

START_TEST(shuffles_are_permutations)
{
    enum { N = 1000 };
    size_t index[N], again[N], seen[N] = {0}, in_place = 0;
    for (size_t i = 0; i < N; i++)
        index[i] = again[i] = i;
    et_rng_shuffle(5, ET_STREAM_SHUFFLE, 2, index, N);
    et_rng_shuffle(5, ET_STREAM_SHUFFLE, 2, again, N);
    ck_assert(memcmp(index, again, sizeof index) == 0);
    for (size_t i = 0; i < N; i++) {
        ck_assert_uint_lt(index[i], N);
        seen[index[i]]++;
        in_place += index[i] == i;
    }
    for (size_t i = 0; i < N; i++)
        ck_assert_uint_eq(seen[i], 1);
    ck_assert_uint_lt(in_place, 10);
    et_rng_shuffle(5, ET_STREAM_SHUFFLE, 2, index, 0);
    et_rng_shuffle(5, ET_STREAM_SHUFFLE, 2, index, 1);
}
END_TEST

/* Each of 3! orders comes up equally often. */
START_TEST(shuffles_are_fair)
{
    size_t count[3][3] = {0};
    for (uint32_t step = 0; step < 30000; step++) {
        size_t index[3] = {0, 1, 2};
        et_rng_shuffle(8, ET_STREAM_SHUFFLE, step, index, 3);
        for (size_t i = 0; i < 3; i++)
            count[i][index[i]]++;
    }
    for (size_t i = 0; i < 3; i++)
        for (size_t v = 0; v < 3; v++)
            assert_near((double)count[i][v], 10000, 450);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("numbers");
    TCase *tcase = tcase_create("numbers");
    tcase_set_timeout(tcase, 0);
    tcase_add_loop_test(tcase, gemm_is_the_product, 0, N_PRODUCTS);
    tcase_add_test(tcase, gemm_time_is_counted);
    tcase_add_test(tcase, philox_gives_the_known_answers);
    tcase_add_test(tcase, distributions_have_their_moments);
    tcase_add_test(tcase, seeds_streams_and_steps_are_independent);
    tcase_add_test(tcase, any_cut_gives_the_same_numbers);
    tcase_add_test(tcase, integers_fill_their_range);
    tcase_add_test(tcase, shuffles_are_permutations);
    tcase_add_test(tcase, shuffles_are_fair);
    suite_add_tcase(suite, tcase);
    return suite_result(suite);
}
