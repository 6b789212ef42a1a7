/* SPDX-License-Identifier: Apache-2.0
 *
 * Generated data sets: the statistics they promise, and that rings and checkerboards are beyond a
 * linear model. */
#include <stdbool.h>

#include "unit/data_folder.h"

enum { FEATURES_MAX = 16 };

/* Solves a [n][n] w = b in place by elimination with pivots. */
static void solve(double a[FEATURES_MAX][FEATURES_MAX], double b[FEATURES_MAX], size_t n)
{
    for (size_t k = 0; k < n; k++) {
        size_t pivot = k;
        for (size_t r = k + 1; r < n; r++)
            if (fabs(a[r][k]) > fabs(a[pivot][k])) pivot = r;
        for (size_t c = 0; c < n; c++) {
            double swap = a[k][c];
            a[k][c] = a[pivot][c];
            a[pivot][c] = swap;
        }
        double swap = b[k];
        b[k] = b[pivot];
        b[pivot] = swap;
        for (size_t r = 0; r < n; r++) {
            if (r == k) continue;
            double factor = a[r][k] / a[k][k];
            for (size_t c = k; c < n; c++)
                a[r][c] -= factor * a[k][c];
            b[r] -= factor * b[k];
        }
    }
    for (size_t k = 0; k < n; k++)
        b[k] /= a[k][k];
}

/* Least squares of "is it class k" on the features and a constant; w [n_features + 1]. */
static void fit_class(const struct et_dataset *dataset, int32_t k, double w[FEATURES_MAX])
{
    size_t d = dataset->x.cols;
    double a[FEATURES_MAX][FEATURES_MAX] = {{0}};
    for (size_t i = 0; i <= d; i++)
        w[i] = 0;
    for (size_t r = 0; r < dataset->x.rows; r++) {
        double x[FEATURES_MAX];
        for (size_t i = 0; i <= d; i++)
            x[i] = i == d ? 1 : (double)dataset->x.data[r * d + i];
        for (size_t i = 0; i <= d; i++) {
            for (size_t j = 0; j <= d; j++)
                a[i][j] += x[i] * x[j];
            w[i] += x[i] * (dataset->label[r] == k);
        }
    }
    solve(a, w, d + 1);
}

/* Accuracy of a linear classifier on the very rows it was fitted to: an upper bound of sorts. */
static double linear_accuracy(const struct et_dataset *dataset)
{
    size_t d = dataset->x.cols, right = 0;
    double w[FEATURES_MAX][FEATURES_MAX];
    ck_assert_uint_lt(d, FEATURES_MAX);
    ck_assert_uint_le(dataset->n_classes, FEATURES_MAX);
    for (size_t k = 0; k < dataset->n_classes; k++)
        fit_class(dataset, (int32_t)k, w[k]);
    for (size_t r = 0; r < dataset->x.rows; r++) {
        int32_t best = 0;
        double most = -INFINITY;
        for (size_t k = 0; k < dataset->n_classes; k++) {
            double score = w[k][d];
            for (size_t i = 0; i < d; i++)
                score += w[k][i] * (double)dataset->x.data[r * d + i];
            if (score > most) {
                most = score;
                best = (int32_t)k;
            }
        }
        right += best == dataset->label[r];
    }
    return (double)right / (double)dataset->x.rows;
}

/* Mean and standard deviation of log x in a column over the rows of a class. */
static void log_moments(const struct et_dataset *dataset, int32_t label, size_t column,
                        double *mean, double *sd)
{
    double n = 0, sum = 0, squares = 0;
    for (size_t r = 0; r < dataset->x.rows; r++) {
        if (dataset->label[r] != label) continue;
        double value = log((double)dataset->x.data[r * dataset->x.cols + column]);
        n++;
        sum += value;
        squares += value * value;
    }
    *mean = sum / n;
    *sd = sqrt(squares / n - *mean * *mean);
}

/* A few rows of the published statistics, typed anew. */
static const struct {
    const char *vowel, *group;
    double mean_Hz[3], sd[3];
} published[] = {
    {"ae", "women", {672.4, 2329.4, 2964.4}, {0.0995, 0.0684, 0.0656}},
    {"uw", "women", {458.0, 1088.5, 2731.9}, {0.0871, 0.1751, 0.0513}},
    {"er", "boys", {564.3, 1705.3, 2070.1}, {0.0992, 0.0781, 0.0819}},
    {"iy", "men", {341.6, 2318.8, 2999.0}, {0.0811, 0.0591, 0.0661}},
    {"oa", "girls", {583.3, 1128.3, 3100.7}, {0.1440, 0.1792, 0.0605}},
};

START_TEST(vowels_have_the_published_spread)
{
    enum { N = 4000 };
    for (size_t i = 0; i < sizeof published / sizeof *published; i++) {
        struct et_dataset dataset = {0};
        assert_ok(load(&dataset, "{type: vowels, classes: [%s, eh], groups: [%s], speakers: %d}",
                       published[i].vowel, published[i].group, N));
        for (size_t column = 0; column < 12; column++) {
            double mean, sd, want = published[i].sd[column % 3];
            log_moments(&dataset, 0, column, &mean, &sd);
            /* Five standard errors: 1 in 2 million per check. */
            assert_near(sd, want, 5 * want / sqrt(2.0 * N));
            if (column < 3)
                assert_near(mean, log(published[i].mean_Hz[column]), 5 * want / sqrt(N));
        }
        et_dataset_destroy(&dataset);
    }
}
END_TEST

START_TEST(vowels_move_and_speakers_are_consistent)
{
    enum { N = 4000 };
    struct et_dataset dataset = {0};
    assert_ok(load(&dataset, "{type: vowels, classes: [ae, iy], speakers: %d}", N));
    double start, end, sd, spread;
    log_moments(&dataset, 0, 0, &start, &sd);
    log_moments(&dataset, 0, 9, &end, &spread);
    /* F1 of "ae" rises by 0.185 in the logarithm; the two spreads bound the standard error. */
    assert_near(end - start, 0.185, 5 * (sd + spread) / sqrt(N));
    static const double share[] = {0.22, 0.25, 0.37};
    for (size_t k = 0; k < 3; k++) {
        double mean[2], sigma[2], product = 0, apart = 0;
        for (int32_t v = 0; v < 2; v++)
            log_moments(&dataset, v, k, &mean[v], &sigma[v]);
        for (size_t s = 0; s < N; s++) {
            ck_assert_int_eq(dataset.group[2 * s], (int32_t)s);
            ck_assert_int_eq(dataset.group[2 * s + 1], (int32_t)s);
            double a = log((double)dataset.x.data[2 * s * 12 + k]) - mean[0];
            double b = log((double)dataset.x.data[(2 * s + 1) * 12 + k]) - mean[1];
            double c = log((double)dataset.x.data[(2 * ((s + 1) % N) + 1) * 12 + k]) - mean[1];
            product += a * b / N;
            apart += a * c / N;
        }
        assert_near(product / sigma[0] / sigma[1], share[k], 5 / sqrt(N));
        assert_near(apart / sigma[0] / sigma[1], 0, 5 / sqrt(N));
    }
    et_dataset_destroy(&dataset);
}
END_TEST

START_TEST(default_vowels_look_like_the_published_set)
{
    struct et_dataset dataset = {0};
    assert_ok(load(&dataset, "{type: vowels}"));
    ck_assert_uint_eq(dataset.x.rows, 259);
    ck_assert_uint_eq(dataset.x.cols, 12);
    ck_assert_uint_eq(dataset.n_classes, 7);
    ck_assert_str_eq(dataset.class_name[0], "ae");
    ck_assert_str_eq(dataset.class_name[6], "uw");
    /* Linear least squares gets 0.89 on the published set: generated ones are neither much easier
     * nor much harder. */
    assert_near(linear_accuracy(&dataset), 0.89, 0.04);
    et_dataset_destroy(&dataset);
}
END_TEST

START_TEST(a_token_does_not_depend_on_the_others)
{
    struct et_dataset all = {0}, some = {0};
    assert_ok(load(&all, "{type: vowels, groups: [men, women], speakers: 5}"));
    assert_ok(load(&some, "{type: vowels, groups: [women], classes: [uw, ae], speakers: 3}"));
    /* women's first speaker: rows 35 .. 41 of all. */
    ck_assert_mem_eq(all.x.data + 35 * 12, some.x.data + 12, 12 * sizeof(float));
    ck_assert_mem_eq(all.x.data + 41 * 12, some.x.data, 12 * sizeof(float));
    ck_assert_mem_ne(all.x.data, some.x.data + 12, 12 * sizeof(float));
    et_dataset_destroy(&all);
    et_dataset_destroy(&some);
}
END_TEST

START_TEST(seeds_decide)
{
    static const char *const types[] = {"{type: vowels}", "{type: rings}", "{type: checkerboard}",
                                        "{type: digits, n: 50}"};
    for (size_t i = 0; i < 4; i++) {
        struct et_dataset a = {0}, b = {0}, c = {0};
        assert_ok(et_dataset_load_text(types[i], 7, &a));
        assert_ok(et_dataset_load_text(types[i], 7, &b));
        assert_ok(et_dataset_load_text(types[i], 8, &c));
        size_t bytes = a.x.rows * a.x.cols * sizeof *a.x.data;
        ck_assert_mem_eq(a.x.data, b.x.data, bytes);
        ck_assert_mem_ne(a.x.data, c.x.data, bytes);
        et_dataset_destroy(&a);
        et_dataset_destroy(&b);
        et_dataset_destroy(&c);
    }
}
END_TEST

START_TEST(rings_have_their_radii)
{
    static const size_t dims[] = {2, 4, 10};
    for (size_t i = 0; i < 3; i++) {
        struct et_dataset dataset = {0};
        size_t d = dims[i];
        assert_ok(load(&dataset, "{type: rings, d: %zu, classes: 3, noise: 0, n: 300}", d));
        for (size_t r = 0; r < 300; r++) {
            double squares = 0;
            for (size_t c = 0; c < d; c++)
                squares += pow((double)dataset.x.data[r * d + c], 2);
            assert_near(sqrt(squares), (dataset.label[r] + 1) / 3.0, 1e-6);
        }
        et_dataset_destroy(&dataset);
    }
}
END_TEST

START_TEST(ring_noise_has_its_size)
{
    enum { N = 20000 };
    struct et_dataset dataset = {0};
    /* E |x|^2 = r^2 + sigma_r^2 + d sigma^2, averaged over r = 1/2 and 1. */
    assert_ok(load(&dataset, "{type: rings, d: 4, noise: 0.1, radial_noise: 0.2, n: %d}", N));
    double squares = 0;
    for (size_t i = 0; i < (size_t)N * 4; i++)
        squares += pow((double)dataset.x.data[i], 2) / N;
    /* Each |x|^2 has a standard deviation below 0.6. */
    assert_near(squares, 0.625 + 0.04 + 0.04, 5 * 0.6 / sqrt(N));
    et_dataset_destroy(&dataset);
}
END_TEST

START_TEST(checkerboard_cells_decide_the_class)
{
    struct et_dataset dataset = {0};
    assert_ok(load(&dataset, "{type: checkerboard, cells: 4, d: 3, margin: 0.1, n: 2000}"));
    bool seen[64] = {false};
    for (size_t r = 0; r < 2000; r++) {
        size_t parity = 0, cell = 0;
        for (size_t c = 0; c < 3; c++) {
            double x = 4 * (double)dataset.x.data[r * 3 + c], inside = x - floor(x);
            ck_assert(x >= 0 && x <= 4 && inside > 0.0999 && inside < 0.9001);
            parity += (size_t)x;
            cell = 4 * cell + (size_t)x;
        }
        ck_assert_int_eq(dataset.label[r], (int32_t)(parity % 2));
        seen[cell] = true;
    }
    for (size_t i = 0; i < 64; i++)
        ck_assert(seen[i]);
    et_dataset_destroy(&dataset);
}
END_TEST

START_TEST(checkerboard_noise_crosses_borders)
{
    struct et_dataset clean = {0}, noisy = {0};
    assert_ok(load(&clean, "{type: checkerboard, n: 5000}"));
    assert_ok(load(&noisy, "{type: checkerboard, n: 5000, noise: 0.02}"));
    double squares = 0;
    for (size_t i = 0; i < 10000; i++)
        squares += pow((double)(noisy.x.data[i] - clean.x.data[i]), 2) / 10000;
    ck_assert_mem_eq(clean.label, noisy.label, 5000 * sizeof *clean.label);
    assert_near(sqrt(squares), 0.02, 5 * 0.02 / sqrt(2.0 * 10000));
    et_dataset_destroy(&clean);
    et_dataset_destroy(&noisy);
}
END_TEST

START_TEST(no_linear_model_separates_rings_or_boards)
{
    static const char *const types[] = {"{type: rings}", "{type: rings, d: 4}",
                                        "{type: checkerboard}", "{type: checkerboard, cells: 4}"};
    for (size_t i = 0; i < 4; i++)
        for (uint64_t seed = 0; seed < 5; seed++) {
            struct et_dataset dataset = {0};
            assert_ok(et_dataset_load_text(types[i], seed, &dataset));
            double accuracy = linear_accuracy(&dataset);
            ck_assert_msg(accuracy <= 0.60, "%s: %.3f", types[i], accuracy);
            et_dataset_destroy(&dataset);
        }
}
END_TEST

/* Share of the rows that are nearest to the mean image of their own class. */
static double nearest_mean_accuracy(const struct et_dataset *dataset)
{
    enum { PIXELS = 256 };
    static double mean[10][PIXELS];
    double per_class = (double)dataset->x.rows / 10;
    memset(mean, 0, sizeof mean);
    for (size_t r = 0; r < dataset->x.rows; r++)
        for (size_t k = 0; k < PIXELS; k++)
            mean[dataset->label[r]][k] += (double)dataset->x.data[r * PIXELS + k] / per_class;
    size_t right = 0;
    for (size_t r = 0; r < dataset->x.rows; r++) {
        int32_t best = 0;
        double least = INFINITY;
        for (int32_t c = 0; c < 10; c++) {
            double distance = 0;
            for (size_t k = 0; k < PIXELS; k++)
                distance += pow((double)dataset->x.data[r * PIXELS + k] - mean[c][k], 2);
            if (distance >= least) continue;
            least = distance;
            best = c;
        }
        right += best == dataset->label[r];
    }
    return (double)right / (double)dataset->x.rows;
}

/* A pen of 0.6 to 1.4 of the thickness on the same strokes: ink in proportion. */
START_TEST(digits_have_pens_and_places)
{
    struct et_dataset dataset = {0};
    assert_ok(load(&dataset,
                   "{type: digits, n: 2000, size: 32, rotation: 0, jitter: 0, noise: 0, thickness: "
                   "0.1}"));
    double ink = 0, least = INFINITY, most = 0;
    for (size_t r = 1; r < dataset.x.rows; r += 10) { /* ones */
        double sum = 0;
        for (size_t k = 0; k < 1024; k++)
            sum += (double)dataset.x.data[r * 1024 + k] / 1024;
        ink += sum / 200;
        least = fmin(least, sum);
        most = fmax(most, sum);
    }
    /* A serif of 0.234 and a stem of 0.76 with round ends, 0.1 wide, that overlap at a corner. */
    assert_near(ink, 0.1 * (0.76 + 0.234) + 3.1416 * 0.05 * 0.05, 0.006);
    assert_near(least / ink, 0.6, 0.05);
    assert_near(most / ink, 1.4, 0.05);
    et_dataset_destroy(&dataset);
}
END_TEST

START_TEST(digits_differ_and_shake)
{
    struct et_dataset still = {0}, shaky = {0};
    assert_ok(load(&still, "{type: digits, n: 1000, rotation: 0, jitter: 0, noise: 0}"));
    assert_ok(load(&shaky, "{type: digits, n: 1000}"));
    ck_assert_uint_eq(shaky.n_classes, 10);
    double easy = nearest_mean_accuracy(&still), hard = nearest_mean_accuracy(&shaky);
    ck_assert_msg(easy == 1, "still digits: %.3f", easy);
    ck_assert_msg(hard > 0.5 && hard < 0.95, "shaky digits: %.3f", hard);
    for (size_t k = 0; k < shaky.x.rows * 256; k++)
        ck_assert(shaky.x.data[k] >= 0 && shaky.x.data[k] <= 1);
    et_dataset_destroy(&still);
    et_dataset_destroy(&shaky);
}
END_TEST

START_TEST(failed_allocations_leave_nothing)
{
    fail_every_allocation("{type: vowels, speakers: 2}");
    fail_every_allocation("{type: rings, n: 10}");
    fail_every_allocation("{type: checkerboard, n: 10}");
    fail_every_allocation("{type: digits, n: 10}");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        vowels_have_the_published_spread,
        vowels_move_and_speakers_are_consistent,
        default_vowels_look_like_the_published_set,
        a_token_does_not_depend_on_the_others,
        seeds_decide,
        rings_have_their_radii,
        ring_noise_has_its_size,
        checkerboard_cells_decide_the_class,
        checkerboard_noise_crosses_borders,
        no_linear_model_separates_rings_or_boards,
        digits_have_pens_and_places,
        digits_differ_and_shake,
        failed_allocations_leave_nothing,
    };
    return run_case("generated", tests, sizeof tests / sizeof *tests);
}
