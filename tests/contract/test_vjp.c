/* SPDX-License-Identifier: Apache-2.0
 *
 * The contract of vector-Jacobian products and of legal knobs, on every registered system; that the
 * products agree with differences is part of test_system.c. */
#include <etalon/parallel.h>
#include <etalon/rng.h>
#include <etalon/system.h>

#include <check.h>

#include "close.h"
#include "contract/system_cases.h"

enum { BATCH = 5, SEED = 7 };

static const uint64_t samples[BATCH] = {7, 3, 100, 1ULL << 40, 0};
static const struct et_step step = {.seed = SEED, .index = 2, .samples = samples};

/* A case that is open, inputs well inside their range, and three seeds of a product. */
struct fixture {
    struct et_system *system;
    const struct et_system_info *info;
    struct et_array x, dy, other, dx, dz;
    float *dknobs, *again; /* [n_knobs + 1] */
};

static struct fixture open_case(size_t i, size_t threads)
{
    struct fixture f = {0};
    et_parallel_set_threads(threads);
    assert_ok(et_system_open_text(case_yaml(i), SEED, &f.system));
    f.info = et_system_info(f.system);
    size_t n_in = f.info->n_in, n_out = f.info->n_out;
    float lo = fmaxf(f.info->in_min, -1), hi = fminf(f.info->in_max, 1), inset = 0.1F * (hi - lo);
    assert_ok(et_array_create(&f.x, BATCH, n_in));
    assert_ok(et_array_create(&f.dx, BATCH, n_in));
    assert_ok(et_array_create(&f.dz, BATCH, n_in));
    assert_ok(et_array_create(&f.dy, BATCH, n_out));
    assert_ok(et_array_create(&f.other, BATCH, n_out));
    et_rng_fill_uniform(SEED, ET_STREAM_DATA, 0, 0, lo + inset, hi - inset, f.x.data, BATCH * n_in);
    et_rng_fill_normal(SEED, ET_STREAM_USER, 0, 0, f.dy.data, BATCH * n_out);
    et_rng_fill_normal(SEED, ET_STREAM_USER, 1, 0, f.other.data, BATCH * n_out);
    f.dknobs = et_alloc(f.info->n_knobs + 1, sizeof *f.dknobs);
    f.again = et_alloc(f.info->n_knobs + 1, sizeof *f.again);
    ck_assert(f.dknobs != NULL && f.again != NULL);
    return f;
}

static void close_case(struct fixture *f)
{
    et_system_close(f->system);
    et_array_destroy(&f->x);
    et_array_destroy(&f->dy);
    et_array_destroy(&f->other);
    et_array_destroy(&f->dx);
    et_array_destroy(&f->dz);
    et_free(f->dknobs);
    et_free(f->again);
    et_parallel_set_threads(2);
}

static bool has_product(const struct fixture *f)
{
    return f->info->traits & ET_HAS_VJP;
}

static void product(struct fixture *f, const struct et_array *dy, struct et_array *dx,
                    float *dknobs)
{
    float *knobs = f->info->n_knobs > 0 ? dknobs : NULL;
    assert_ok(et_system_vjp(f->system, &step, et_array_view(&f->x), et_array_view(dy),
                            et_array_view(dx), knobs));
}

static double largest(const float *data, size_t n)
{
    double most = 1e-30;
    for (size_t i = 0; i < n; i++)
        most = fmax(most, fabs((double)data[i]));
    return most;
}

static void assert_same(const float *a, const float *b, size_t n, const char *what)
{
    ck_assert_msg(memcmp(a, b, n * sizeof *a) == 0, "%s: other bytes", what);
}

/* J^T (dy - 2 other) = J^T dy - 2 J^T other, for inputs and for knobs. */
START_TEST(is_linear)
{
    struct fixture f = open_case((size_t)_i, 2);
    size_t n = BATCH * f.info->n_in, n_knobs = f.info->n_knobs;
    if (has_product(&f)) {
        product(&f, &f.dy, &f.dx, f.dknobs);
        product(&f, &f.other, &f.dz, f.again);
        for (size_t i = 0; i < n; i++)
            f.dx.data[i] -= 2 * f.dz.data[i];
        for (size_t i = 0; i < n_knobs; i++)
            f.dknobs[i] -= 2 * f.again[i];
        for (size_t i = 0; i < BATCH * f.info->n_out; i++)
            f.dy.data[i] -= 2 * f.other.data[i];
        product(&f, &f.dy, &f.dz, f.again);
        assert_close(f.dx.data, f.dz.data, n, 0, 1e-4 * largest(f.dz.data, n));
        if (n_knobs > 0)
            assert_close(f.dknobs, f.again, n_knobs, 0, 1e-4 * largest(f.again, n_knobs));
    }
    close_case(&f);
}
END_TEST

START_TEST(needs_no_room_for_knobs)
{
    struct fixture f = open_case((size_t)_i, 2);
    if (has_product(&f)) {
        product(&f, &f.dy, &f.dx, f.dknobs);
        product(&f, &f.dy, &f.dz, NULL);
        assert_same(f.dx.data, f.dz.data, BATCH * f.info->n_in, "without dknobs");
        /* A product leaves no traces. */
        product(&f, &f.dy, &f.dz, f.again);
        assert_same(f.dknobs, f.again, f.info->n_knobs, "the same product again");
    }
    close_case(&f);
}
END_TEST

START_TEST(does_not_depend_on_threads)
{
    struct fixture one = open_case((size_t)_i, 1);
    if (has_product(&one)) {
        product(&one, &one.dy, &one.dx, one.dknobs);
        struct fixture eight = open_case((size_t)_i, 8);
        product(&eight, &eight.dy, &eight.dx, eight.dknobs);
        assert_same(one.dx.data, eight.dx.data, BATCH * one.info->n_in, "dx of 8 threads");
        assert_same(one.dknobs, eight.dknobs, one.info->n_knobs, "dknobs of 8 threads");
        close_case(&eight);
    }
    close_case(&one);
}
END_TEST

START_TEST(does_not_depend_on_the_cut_of_a_batch)
{
    struct fixture f = open_case((size_t)_i, 2);
    if (has_product(&f)) {
        product(&f, &f.dy, &f.dx, f.dknobs);
        for (size_t r = 0; r < BATCH; r++) {
            struct et_step single = {SEED, step.index, &samples[r]};
            assert_ok(et_system_vjp(f.system, &single, et_view_rows(et_array_view(&f.x), r, 1),
                                    et_view_rows(et_array_view(&f.dy), r, 1),
                                    et_view_rows(et_array_view(&f.dz), r, 1), NULL));
        }
        assert_same(f.dx.data, f.dz.data, BATCH * f.info->n_in, "5 batches of 1");
    }
    close_case(&f);
}
END_TEST

/* ------------------------------------------------------------------------- judged passes -- */

/* Judges every step by the same dy / n_steps, so that the loss is that of the mean. */
struct judge {
    const struct fixture *f;
    struct et_array mean;
    size_t asked, n_steps;
    enum et_status status;
};

static enum et_status constant_judge(void *user, size_t t, size_t n_steps, struct et_view y,
                                     struct et_view dy)
{
    struct judge *judge = user;
    size_t n = BATCH * judge->f->info->n_out;
    ck_assert_uint_eq(t, judge->asked++);
    ck_assert(judge->n_steps == 0 || judge->n_steps == n_steps);
    judge->n_steps = n_steps;
    ck_assert_uint_eq(y.rows * y.cols, n);
    ck_assert_uint_eq(dy.rows * dy.cols, n);
    ck_assert_uint_eq(y.stride, y.cols);
    for (size_t i = 0; i < n; i++) {
        judge->mean.data[i] += y.data[i] / (float)n_steps;
        dy.data[i] = judge->f->dy.data[i] / (float)n_steps;
    }
    if (judge->status != ET_OK) return et_error_set(judge->status, "the judge is ill");
    return ET_OK;
}

static enum et_status teach(struct fixture *f, struct judge *judge, struct et_view dx,
                            float *dknobs)
{
    struct et_teacher teacher = {constant_judge, judge};
    judge->f = f;
    judge->asked = judge->n_steps = 0;
    if (judge->mean.data == NULL) assert_ok(et_array_create(&judge->mean, BATCH, f->info->n_out));
    memset(judge->mean.data, 0, BATCH * f->info->n_out * sizeof *judge->mean.data);
    return et_system_teach(f->system, &step, et_array_view(&f->x), &teacher, dx, dknobs);
}

/* Does a pass of training differ from one of forward: by statistics of the batch, say? */
static bool keeps(const struct fixture *f)
{
    const struct et_knob_block *block;
    bool kept = false;
    for (size_t i = 0; (block = et_system_knob_block(f->system, i)) != NULL; i++)
        kept = kept || block->kind == ET_KNOB_KEPT;
    return kept;
}

START_TEST(teaching_is_forward_and_product)
{
    struct fixture f = open_case((size_t)_i, 2);
    struct judge judge = {0};
    struct et_view dx = et_array_view(&f.dx), none = {0};
    enum et_status status = teach(&f, &judge, dx, f.dknobs);
    if (status == ET_UNSUPPORTED && !has_product(&f)) {
        assert_message("neither a learning rule nor");
    } else {
        assert_ok(status);
        ck_assert_uint_eq(judge.asked, judge.n_steps);
        if (has_product(&f) && !keeps(&f)) {
            product(&f, &f.dy, &f.dz, f.again);
            size_t n = BATCH * f.info->n_in, n_knobs = f.info->n_knobs;
            assert_close(f.dx.data, f.dz.data, n, 0, 1e-5 * largest(f.dz.data, n));
            if (n_knobs > 0)
                assert_close(f.dknobs, f.again, n_knobs, 0, 1e-5 * largest(f.again, n_knobs));
            size_t n_out = BATCH * f.info->n_out;
            assert_ok(
                et_system_forward(f.system, &step, et_array_view(&f.x), et_array_view(&f.other)));
            assert_close(judge.mean.data, f.other.data, n_out, 0,
                         1e-5 * largest(f.other.data, n_out));
        }
        assert_ok(teach(&f, &judge, none, f.again));
        /* Running statistics do not enter a pass that has those of its batch. */
        assert_same(f.dknobs, f.again, f.info->n_knobs, "teaching without dx");
        judge.status = ET_TIMEOUT;
        assert_status(teach(&f, &judge, none, f.again), ET_TIMEOUT);
        assert_message("the judge is ill");
        ck_assert_uint_eq(judge.asked, 1);
    }
    et_array_destroy(&judge.mean);
    close_case(&f);
}
END_TEST

START_TEST(teaching_does_not_depend_on_threads)
{
    struct fixture one = open_case((size_t)_i, 1);
    struct judge judge = {0}, other = {0};
    if (teach(&one, &judge, et_array_view(&one.dx), one.dknobs) == ET_OK) {
        struct fixture eight = open_case((size_t)_i, 8);
        assert_ok(teach(&eight, &other, et_array_view(&eight.dx), eight.dknobs));
        assert_same(one.dx.data, eight.dx.data, BATCH * one.info->n_in, "dx of 8 threads");
        assert_same(one.dknobs, eight.dknobs, one.info->n_knobs, "dknobs of 8 threads");
        assert_same(judge.mean.data, other.mean.data, BATCH * one.info->n_out, "y of 8 threads");
        close_case(&eight);
    }
    et_array_destroy(&judge.mean);
    et_array_destroy(&other.mean);
    close_case(&one);
}
END_TEST

/* Blocks cover the knobs in order. */
START_TEST(blocks_cover_the_knobs)
{
    struct fixture f = open_case((size_t)_i, 2);
    const struct et_knob_block *block;
    size_t next = 0;
    for (size_t i = 0; (block = et_system_knob_block(f.system, i)) != NULL; i++) {
        ck_assert_uint_eq(block->first, next);
        ck_assert(block->name != NULL && block->rows * block->cols > 0);
        next += block->rows * block->cols;
    }
    ck_assert_uint_eq(next, f.info->n_knobs);
    close_case(&f);
}
END_TEST

/* A knob outside the range is refused with its value and the limits; the others stay. */
START_TEST(illegal_knobs_are_refused)
{
    struct fixture f = open_case((size_t)_i, 2);
    size_t n = f.info->n_knobs;
    float lo = f.info->knob_min, hi = f.info->knob_max;
    if (n > 0) assert_ok(et_system_get_knobs(f.system, f.dknobs, n));
    for (size_t side = 0; n > 0 && lo < hi && side < 2; side++) {
        for (size_t i = 0; i < n; i++) {
            ck_assert(f.dknobs[i] >= lo && f.dknobs[i] <= hi);
            f.again[i] = 0.5F * (lo + hi);
        }
        f.again[n - 1] = side ? hi + 0.5F * (hi - lo) : lo - 0.5F * (hi - lo);
        char place[64], range[64];
        snprintf(place, sizeof place, "knob %zu of '%s' = %.9g", n - 1, et_system_name(f.system),
                 (double)f.again[n - 1]);
        snprintf(range, sizeof range, "is outside [%.9g, %.9g]", (double)lo, (double)hi);
        assert_status(et_system_set_knobs(f.system, f.again, n), ET_INVALID);
        assert_message(place);
        assert_message(range);
        assert_ok(et_system_get_knobs(f.system, f.again, n));
        assert_same(f.again, f.dknobs, n, "knobs after a refusal");
    }
    close_case(&f);
}
END_TEST

int main(void)
{
    if (et_system_register(&leaky_type) != ET_OK) return EXIT_FAILURE;
    if (et_system_register(&et_system_amplifier) != ET_OK) return EXIT_FAILURE;
    write_pairs();
    Suite *suite = suite_create("vjp contract");
    TCase *every = tcase_create("every system"), *threads = tcase_create("threads");
    tcase_set_timeout(every, 0);
    tcase_set_timeout(threads, 0);
    tcase_add_loop_test(every, is_linear, 0, N_CASES);
    tcase_add_loop_test(every, needs_no_room_for_knobs, 0, N_CASES);
    tcase_add_loop_test(threads, does_not_depend_on_threads, 0, N_CASES);
    tcase_add_loop_test(every, does_not_depend_on_the_cut_of_a_batch, 0, N_CASES);
    tcase_add_loop_test(every, teaching_is_forward_and_product, 0, N_CASES);
    tcase_add_loop_test(threads, teaching_does_not_depend_on_threads, 0, N_CASES);
    tcase_add_loop_test(every, blocks_cover_the_knobs, 0, N_CASES);
    tcase_add_loop_test(every, illegal_knobs_are_refused, 0, N_CASES);
    suite_add_tcase(suite, threads);
    suite_add_tcase(suite, every);
    int result = suite_result(suite);
    remove_pairs();
    return result;
}
