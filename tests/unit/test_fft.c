/* SPDX-License-Identifier: Apache-2.0
 *
 * Fourier transforms against their definition, and the cache of their plans. */
#include "sim/kernels/fft.h"

#include <etalon/array.h>
#include <etalon/log.h>
#include <etalon/rng.h>

#include <check.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "close.h"

static char folder[] = "/tmp/etalon-fft-XXXXXX";
static char cache[64], lock[80];
static char warning[512];
static int n_warnings;

static void keep_warning(enum et_log_level level, const char *line, void *user)
{
    (void)user;
    if (level != ET_LOG_WARNING) return;
    n_warnings++;
    snprintf(warning, sizeof warning, "%s", line);
}

/* Plans from a file that no test before has used. */
static void begin(const char *name)
{
    snprintf(cache, sizeof cache, "%s/%s", folder, name);
    snprintf(lock, sizeof lock, "%s.lock", cache);
    setenv("ETALON_WISDOM", cache, 1);
    et_log_set_sink(keep_warning, NULL);
    warning[0] = '\0';
    n_warnings = 0;
}

static void end(void)
{
    et_log_set_sink(NULL, NULL);
    remove(cache);
    remove(lock);
}

static void fill(float complex *field, size_t n)
{
    et_rng_fill_normal(1, ET_STREAM_USER, 0, 0, (float *)field, 2 * n);
}

/* Element (v, u) of the transform of a ny x nx field with rows `pitch` apart. */
static double complex transform(const float complex *field, const struct et__fft_layout *l,
                                size_t v, size_t u, double sign)
{
    double complex sum = 0;
    for (size_t y = 0; y < l->ny; y++)
        for (size_t x = 0; x < l->nx; x++) {
            double turns = (double)(u * x) / (double)l->nx + (double)(v * y) / (double)l->ny;
            double phase = sign * 2 * 3.14159265358979323846 * turns;
            sum += (double complex)field[(y * l->pitch + x) * l->stride] *
                   CMPLX(cos(phase), sin(phase));
        }
    return sum;
}

static void check_layout(struct et__fft_layout l)
{
    enum { N = 4096 };
    float complex *before = et_alloc(N, sizeof *before), *after = et_alloc(N, sizeof *after);
    struct et__fft *fft;
    ck_assert(before && after);
    assert_ok(et__fft_create(&l, &fft));
    for (int sign = -1; sign <= 1; sign += 2) {
        fill(before, N);
        memcpy(after, before, N * sizeof *after);
        if (sign < 0)
            et__fft_forward(fft, after);
        else
            et__fft_backward(fft, after);
        for (size_t t = 0; t < l.count; t++)
            for (size_t v = 0; v < l.ny; v++)
                for (size_t u = 0; u < l.nx; u++) {
                    size_t at = (v * l.pitch + u) * l.stride + t * l.step;
                    double complex want = transform(before + t * l.step, &l, v, u, sign);
                    double complex got = (double complex)after[at];
                    ck_assert_double_le(cabs(got - want), 1e-6 * sqrt((double)(l.nx * l.ny)) * 8);
                    after[at] = before[at];
                }
        /* What lies between the elements is left alone. */
        ck_assert_mem_eq(before, after, N * sizeof *after);
    }
    et__fft_destroy(fft);
    et_free(before);
    et_free(after);
}

START_TEST(transforms_by_definition)
{
    begin("definition");
    check_layout((struct et__fft_layout){.ny = 1, .nx = 60, .stride = 1, .count = 3, .step = 64});
    check_layout((struct et__fft_layout){.ny = 1, .nx = 24, .stride = 32, .count = 32, .step = 1});
    check_layout((struct et__fft_layout){
        .ny = 12, .nx = 20, .pitch = 24, .stride = 1, .count = 2, .step = 320});
    ck_assert_int_eq(n_warnings, 0);
    end();
}
END_TEST

START_TEST(sizes_transform_fast)
{
    ck_assert_uint_eq(et__fft_size(1, 1), 1);
    ck_assert_uint_eq(et__fft_size(7, 1), 8);
    ck_assert_uint_eq(et__fft_size(121, 1), 125);
    ck_assert_uint_eq(et__fft_size(121, 2), 128);
    ck_assert_uint_eq(et__fft_size(33, 32), 64);
    ck_assert_uint_eq(et__fft_size(1024, 32), 1024);
    ck_assert_uint_eq(et__fft_size(7 * 32, 32), 8 * 32);
}
END_TEST

static const struct et__fft_layout large = {
    .ny = 1, .nx = 960, .stride = 32, .count = 32, .step = 1};

/* Plans and transforms, and says what came out. */
static uint64_t digest_of_a_transform(void)
{
    size_t n = large.nx * large.count;
    uint64_t digest = 14695981039346656037U;
    float complex *field = et_alloc(n, sizeof *field);
    struct et__fft *fft;
    if (!field || et__fft_create(&large, &fft) != ET_OK) return 0;
    fill(field, n);
    et__fft_forward(fft, field);
    for (size_t i = 0; i < n * sizeof *field; i++)
        digest = (digest ^ ((const unsigned char *)field)[i]) * 1099511628211U;
    et__fft_destroy(fft);
    et_free(field);
    return digest;
}

struct answer {
    uint64_t digest;
    char wisdom[512];
};

/* Processes that start together take turns at the lock: one measures, the others read. */
START_TEST(processes_that_start_at_once_agree)
{
    enum { PROCESSES = 4 };
    int start[2], result[2];
    struct answer answer[PROCESSES];
    begin("together");
    ck_assert(pipe(start) == 0 && pipe(result) == 0);
    for (int p = 0; p < PROCESSES; p++) {
        pid_t child = fork();
        ck_assert(child >= 0);
        if (child > 0) continue;
        char go;
        struct answer own = {0};
        close(start[1]);
        if (read(start[0], &go, 1) < 0) _exit(1); /* the pipe closes: off */
        own.digest = digest_of_a_transform();
        snprintf(own.wisdom, sizeof own.wisdom, "%s", et_fft_wisdom());
        _exit(write(result[1], &own, sizeof own) == (ssize_t)sizeof own ? 0 : 1);
    }
    close(start[0]);
    close(start[1]);
    for (int p = 0; p < PROCESSES; p++) {
        int state;
        ck_assert(wait(&state) > 0 && state == 0);
        ck_assert(read(result[0], &answer[p], sizeof answer[p]) == (ssize_t)sizeof answer[p]);
        ck_assert_uint_ne(answer[p].digest, 0);
        ck_assert_uint_eq(answer[p].digest, answer[0].digest);
        ck_assert_str_eq(answer[p].wisdom, answer[0].wisdom);
    }
    ck_assert_msg(strstr(answer[0].wisdom, cache) != NULL, "%s", answer[0].wisdom);
    close(result[0]);
    close(result[1]);
    ck_assert_int_eq(access(cache, R_OK), 0);
    end();
}
END_TEST

/* A plan measured earlier, in this process or another, is taken as it is. */
START_TEST(plans_come_from_the_cache)
{
    begin("kept");
    ck_assert_uint_ne(digest_of_a_transform(), 0);
    char first[512];
    snprintf(first, sizeof first, "%s", et_fft_wisdom());
    FILE *file = fopen(cache, "r");
    ck_assert_ptr_nonnull(file);
    char line[64] = "";
    ck_assert_ptr_nonnull(fgets(line, sizeof line, file));
    ck_assert_msg(strncmp(line, "(fftw-", 6) == 0, "%s", line);
    fclose(file);
    ck_assert_uint_ne(digest_of_a_transform(), 0);
    ck_assert_str_eq(first, et_fft_wisdom());
    ck_assert_int_eq(n_warnings, 0);
    end();
}
END_TEST

/* A file that is no cache is neither used nor replaced. */
START_TEST(damaged_cache_is_a_warning)
{
    static const char text[] = "someone's letters\n";
    char back[64] = "";
    begin("damaged");
    FILE *file = fopen(cache, "w");
    ck_assert(file && fputs(text, file) >= 0 && fclose(file) == 0);
    ck_assert_uint_ne(digest_of_a_transform(), 0);
    ck_assert_int_eq(n_warnings, 1);
    ck_assert_msg(strstr(warning, cache) && strstr(warning, "damaged"), "%s", warning);
    ck_assert_msg(strstr(et_fft_wisdom(), "no cache: "), "%s", et_fft_wisdom());
    file = fopen(cache, "r");
    ck_assert(file && fgets(back, sizeof back, file));
    ck_assert_str_eq(back, text);
    fclose(file);
    end();
}
END_TEST

START_TEST(unwritable_cache_is_a_warning)
{
    begin("absent/folder/cache");
    ck_assert_uint_ne(digest_of_a_transform(), 0);
    ck_assert_int_eq(n_warnings, 1);
    ck_assert_msg(strstr(warning, "No such file"), "%s", warning);
    uint64_t again = digest_of_a_transform();
    ck_assert_uint_eq(again, digest_of_a_transform());
    ck_assert_int_eq(n_warnings, 1);
    end();
}
END_TEST

START_TEST(survives_failing_allocations)
{
    struct et__fft *fft = NULL;
    enum et_status status = ET_NOMEM;
    begin("allocations");
    size_t n = 0;
    while (status == ET_NOMEM && n < 10) {
        et_alloc_fail_at(++n);
        status = et__fft_create(&large, &fft);
        et_alloc_fail_at(0);
        if (status != ET_OK) ck_assert_ptr_null(fft);
    }
    assert_ok(status);
    ck_assert_uint_ge(n, 3);
    et__fft_destroy(fft);
    et__fft_destroy(NULL);
    end();
}
END_TEST

int main(void)
{
    if (mkdtemp(folder) == NULL) return EXIT_FAILURE;
    Suite *suite = suite_create("fft");
    TCase *tests = tcase_create("fft");
    tcase_add_test(tests, transforms_by_definition);
    tcase_add_test(tests, sizes_transform_fast);
#if defined __SANITIZE_THREAD__
    const bool forks = false; /* which this sanitizer does not support */
#else
    const bool forks = true;
#endif
    if (forks) tcase_add_test(tests, processes_that_start_at_once_agree);
    tcase_add_test(tests, plans_come_from_the_cache);
    tcase_add_test(tests, damaged_cache_is_a_warning);
    tcase_add_test(tests, unwritable_cache_is_a_warning);
    tcase_add_test(tests, survives_failing_allocations);
    suite_add_tcase(suite, tests);
    int result = suite_result(suite);
    rmdir(folder);
    return result;
}
