/* SPDX-License-Identifier: Apache-2.0
 *
 * The contract of a physical system: ONE suite that every registered type has to pass. */
#include <etalon/parallel.h>
#include <etalon/rng.h>
#include <etalon/system.h>

#include <check.h>
#include <stdbool.h>

#include "close.h"
#include "contract/system_cases.h"

enum { BATCH = 5, SEED = 7 };

/* A case that is open, with inputs in its range. */
struct fixture {
    struct et_system *system;
    const struct et_system_info *info;
    float lo, hi; /* of the inputs drawn */
    struct et_array x, y, z;
};

/* Identities that are neither in order nor next to each other. */
static const uint64_t samples[BATCH] = {7, 3, 100, 1ULL << 40, 0};

static struct fixture open_case(size_t i, size_t threads, uint64_t seed)
{
    struct fixture f = {0};
    et_parallel_set_threads(threads);
    assert_ok(et_system_open_text(case_yaml(i), seed, &f.system));
    f.info = et_system_info(f.system);
    f.lo = fmaxf(f.info->in_min, -1);
    f.hi = fminf(f.info->in_max, 1);
    ck_assert_msg(f.lo < f.hi, "no inputs to draw");
    assert_ok(et_array_create(&f.x, BATCH, f.info->n_in));
    assert_ok(et_array_create(&f.y, BATCH, f.info->n_out));
    assert_ok(et_array_create(&f.z, BATCH, f.info->n_out));
    et_rng_fill_uniform(SEED, ET_STREAM_DATA, 0, 0, f.lo, f.hi, f.x.data, BATCH * f.info->n_in);
    return f;
}

static void close_case(struct fixture *f)
{
    et_system_close(f->system);
    et_array_destroy(&f->x);
    et_array_destroy(&f->y);
    et_array_destroy(&f->z);
    et_parallel_set_threads(2);
}

static struct et_step step_at(uint32_t index)
{
    return (struct et_step){.seed = SEED, .index = index, .samples = samples};
}

static void forward(struct fixture *f, uint32_t index, struct et_array *y)
{
    struct et_step step = step_at(index);
    assert_ok(et_system_forward(f->system, &step, et_array_view(&f->x), et_array_view(y)));
}

static void assert_same_bytes(const struct et_array *a, const struct et_array *b, const char *what)
{
    ck_assert_msg(memcmp(a->data, b->data, a->rows * a->cols * sizeof *a->data) == 0, "%s", what);
}

/* ------------------------------------------------------------------------ coverage, opening -- */

START_TEST(every_registered_type_has_a_case)
{
    const struct et_type_entry *entry;
    for (size_t i = 0; (entry = et_system_types("system", i)) != NULL; i++) {
        ck_assert_msg(entry->name[0] != '\0' && entry->summary != NULL, "entry %zu", i);
        if (entry->absent != NULL) continue;
        bool found = false;
        for (size_t c = 0; c < N_CASES; c++)
            found = found || strcmp(system_cases[c].type, entry->name) == 0;
        ck_assert_msg(found, "system '%s' has no case in the contract test", entry->name);
    }
    ck_assert_ptr_null(et_system_types("dataset", 0));
}
END_TEST

START_TEST(describes_itself)
{
    struct fixture a = open_case((size_t)_i, 2, SEED), b = open_case((size_t)_i, 2, SEED);
    const struct et_system_info *info = a.info;
    ck_assert_str_eq(et_system_name(a.system), system_cases[_i].type);
    ck_assert_uint_ge(info->n_in, 1);
    ck_assert_uint_ge(info->n_out, 1);
    ck_assert(info->in_min < info->in_max);
    ck_assert(info->in_unit && info->out_unit && info->knob_unit);
    ck_assert(isnan(info->latency_s) || info->latency_s >= 0);
    ck_assert(isnan(info->energy_J) || info->energy_J >= 0);
    ck_assert_int_eq((info->traits & ET_HAS_KNOBS) != 0, info->n_knobs > 0);
    forward(&a, 0, &a.y);
    ck_assert_ptr_eq(et_system_info(a.system), info);
    ck_assert_uint_eq(info->n_in, b.info->n_in);
    ck_assert_uint_eq(info->n_out, b.info->n_out);
    ck_assert_uint_eq(info->n_knobs, b.info->n_knobs);
    ck_assert_uint_eq(info->traits, b.info->traits);
    ck_assert_str_eq(info->in_unit, b.info->in_unit);
    ck_assert_str_eq(info->out_unit, b.info->out_unit);
    ck_assert(info->in_min == b.info->in_min && info->in_max == b.info->in_max);
    close_case(&a);
    close_case(&b);
}
END_TEST

/* Every allocation of open and of the first pass fails once: always ET_NOMEM, never a leak (which
 * the sanitizer sees) or a crash, and the next attempt works. */
START_TEST(survives_failing_allocations)
{
    const char *yaml = case_yaml((size_t)_i);
    float x[64], y[64];
    size_t n = 0;
    enum et_status status = ET_NOMEM;
    while (status == ET_NOMEM && n < 100000) {
        struct et_system *system;
        et_alloc_fail_at(++n);
        status = et_system_open_text(yaml, SEED, &system);
        if (status == ET_OK) {
            const struct et_system_info *info = et_system_info(system);
            ck_assert_uint_le(info->n_in, 64);
            ck_assert_uint_le(info->n_out, 64);
            float value = fmaxf(info->in_min, 0);
            for (size_t k = 0; k < info->n_in; k++)
                x[k] = value;
            struct et_step step = step_at(0);
            status = et_system_forward(system, &step, et_view_of(x, 1, info->n_in),
                                       et_view_of(y, 1, info->n_out));
            et_system_close(system);
        } else {
            ck_assert_ptr_null(system);
        }
        et_alloc_fail_at(0);
        if (status != ET_OK) assert_status(status, ET_NOMEM);
    }
    assert_ok(status);
    ck_assert_uint_gt(n, 2);
}
END_TEST

/* ---------------------------------------------------------------------------------- refusals -- */

START_TEST(refuses_wrong_shapes)
{
    struct fixture f = open_case((size_t)_i, 2, SEED);
    struct et_step step = step_at(0);
    struct et_view x = et_array_view(&f.x), y = et_array_view(&f.y);
    struct et_view narrow = et_view_cols(x, 0, x.cols - 1);
    assert_status(et_system_forward(f.system, &step, narrow, y), ET_SHAPE);
    assert_message("x has");
    assert_message(system_cases[_i].type);
    assert_status(et_system_forward(f.system, &step, x, et_view_cols(y, 0, y.cols - 1)), ET_SHAPE);
    assert_message("y has");
    assert_status(et_system_forward(f.system, &step, x, et_view_rows(y, 0, BATCH - 1)), ET_SHAPE);
    uint64_t passes = et_system_ledger(f.system).passes;
    assert_ok(et_system_forward(f.system, &step, et_view_rows(x, 0, 0), et_view_rows(y, 0, 0)));
    ck_assert_uint_eq(et_system_ledger(f.system).passes, passes);
    close_case(&f);
}
END_TEST

START_TEST(refuses_inputs_outside_the_range)
{
    struct fixture f = open_case((size_t)_i, 2, SEED);
    struct et_step step = step_at(2);
    float *victim = &f.x.data[3 * f.info->n_in + f.info->n_in - 1];
    struct et_view x = et_array_view(&f.x), y = et_array_view(&f.y);
    const float bad[] = {NAN, INFINITY, -INFINITY, f.info->in_max + 1, f.info->in_min - 1};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char place[64];
        *victim = bad[i];
        snprintf(place, sizeof place, "x[3][%zu] = ", f.info->n_in - 1);
        assert_status(et_system_forward(f.system, &step, x, y), ET_INVALID);
        assert_message(place);
        assert_message("while forward pass 2 of '");
        assert_message(system_cases[_i].type);
        if (isfinite(bad[i])) assert_message("is outside [");
    }
    *victim = f.lo;
    assert_ok(et_system_forward(f.system, &step, x, y));
    close_case(&f);
}
END_TEST

/* Workspaces are made per worker when a system opens: more workers would have none. */
START_TEST(refuses_threads_that_came_after_open)
{
    struct fixture f = open_case((size_t)_i, 2, SEED);
    struct et_step step = step_at(3);
    struct et_view x = et_array_view(&f.x), y = et_array_view(&f.y);
    et_parallel_set_threads(3);
    assert_status(et_system_forward(f.system, &step, x, y), ET_INVALID);
    assert_message("opened for 2 threads, now there are 3");
    if (f.info->traits & ET_HAS_VJP) {
        struct et_array dx = {0};
        assert_ok(et_array_create(&dx, BATCH, f.info->n_in));
        assert_status(et_system_vjp(f.system, &step, x, y, et_array_view(&dx), NULL), ET_INVALID);
        et_array_destroy(&dx);
    }
    et_parallel_set_threads(1);
    assert_ok(et_system_forward(f.system, &step, x, y));
    close_case(&f);
}
END_TEST

/* -------------------------------------------------------------------------------- same bytes -- */

START_TEST(does_not_depend_on_threads)
{
    struct fixture one = open_case((size_t)_i, 1, SEED);
    forward(&one, 1, &one.y);
    struct fixture eight = open_case((size_t)_i, 8, SEED);
    forward(&eight, 1, &eight.y);
    assert_same_bytes(&one.y, &eight.y, "1 and 8 threads differ");
    close_case(&eight);
    close_case(&one);
}
END_TEST

START_TEST(equal_seeds_make_equal_devices)
{
    struct fixture a = open_case((size_t)_i, 2, SEED), b = open_case((size_t)_i, 2, SEED);
    forward(&a, 1, &a.y);
    forward(&b, 1, &b.y);
    assert_same_bytes(&a.y, &b.y, "two systems of one seed differ");
    if (!(a.info->traits & ET_STATEFUL)) {
        forward(&a, 1, &a.z);
        assert_same_bytes(&a.y, &a.z, "the same pass twice differs");
    }
    close_case(&a);
    close_case(&b);
}
END_TEST

START_TEST(does_not_depend_on_the_cut_of_a_batch)
{
    struct fixture f = open_case((size_t)_i, 2, SEED);
    if (!(f.info->traits & ET_STATEFUL)) {
        forward(&f, 4, &f.y);
        for (size_t r = 0; r < BATCH; r++) {
            struct et_step step = {SEED, 4, &samples[r]};
            assert_ok(et_system_forward(f.system, &step, et_view_rows(et_array_view(&f.x), r, 1),
                                        et_view_rows(et_array_view(&f.z), r, 1)));
        }
        assert_same_bytes(&f.y, &f.z, "a batch of 5 and 5 batches of 1 differ");
    }
    close_case(&f);
}
END_TEST

START_TEST(noise_is_a_matter_of_traits)
{
    struct fixture f = open_case((size_t)_i, 2, SEED);
    if (!(f.info->traits & ET_STATEFUL)) {
        size_t bytes = BATCH * f.info->n_out * sizeof(float);
        forward(&f, 1, &f.y);
        forward(&f, 2, &f.z);
        bool differ = memcmp(f.y.data, f.z.data, bytes) != 0;
        ck_assert_int_eq(differ, (f.info->traits & ET_NOISY) != 0);
        struct et_step other = {.seed = SEED + 1, .index = 1, .samples = samples};
        assert_ok(et_system_forward(f.system, &other, et_array_view(&f.x), et_array_view(&f.z)));
        differ = memcmp(f.y.data, f.z.data, bytes) != 0;
        ck_assert_int_eq(differ, (f.info->traits & ET_NOISY) != 0);
    }
    close_case(&f);
}
END_TEST

START_TEST(takes_strided_views)
{
    struct fixture f = open_case((size_t)_i, 2, SEED);
    struct et_array wide_x = {0}, wide_y = {0};
    assert_ok(et_array_create(&wide_x, BATCH, f.info->n_in + 3));
    assert_ok(et_array_create(&wide_y, BATCH, f.info->n_out + 2));
    struct et_view x = et_view_cols(et_array_view(&wide_x), 1, f.info->n_in);
    struct et_view y = et_view_cols(et_array_view(&wide_y), 2, f.info->n_out);
    et_view_copy(x, et_array_view(&f.x));
    forward(&f, 1, &f.y);
    assert_ok(et_system_reset(f.system));
    struct et_step step = step_at(1);
    assert_ok(et_system_forward(f.system, &step, x, y));
    et_view_copy(et_array_view(&f.z), y);
    assert_same_bytes(&f.y, &f.z, "strided views give other numbers");
    ck_assert(wide_y.data[0] == 0 && wide_y.data[1] == 0);
    et_array_destroy(&wide_x);
    et_array_destroy(&wide_y);
    close_case(&f);
}
END_TEST

START_TEST(reset_goes_back_to_open)
{
    struct fixture f = open_case((size_t)_i, 2, SEED);
    forward(&f, 1, &f.y);
    forward(&f, 1, &f.z);
    assert_ok(et_system_reset(f.system));
    forward(&f, 1, &f.z);
    assert_same_bytes(&f.y, &f.z, "after a reset");
    close_case(&f);
}
END_TEST

START_TEST(forward_does_not_allocate)
{
    struct fixture f = open_case((size_t)_i, 2, SEED);
    forward(&f, 1, &f.y);
    et_alloc_fail_at(1);
    forward(&f, 2, &f.y);
    forward(&f, 1, &f.y);
    void *fails = et_alloc(1, 1); /* the seam still waits: nobody has allocated */
    ck_assert_ptr_null(fails);
    close_case(&f);
}
END_TEST

/* ----------------------------------------------------------------------------- ledger, knobs -- */

START_TEST(counts_passes)
{
    struct fixture f = open_case((size_t)_i, 2, SEED);
    bool wrapper = et_system_inner(f.system, 0) != NULL;
    struct et_ledger before = et_system_ledger(f.system);
    forward(&f, 1, &f.y);
    struct et_ledger after = et_system_ledger(f.system);
    ck_assert_uint_ge(after.passes - before.passes, BATCH);
    if (!wrapper) {
        ck_assert_uint_eq(before.passes, 0);
        ck_assert_uint_eq(after.passes, BATCH);
        ck_assert(isnan(f.info->latency_s) == isnan(after.device_s));
        if (!isnan(after.device_s)) assert_near(after.device_s, BATCH * f.info->latency_s, 1e-12);
        if (!isnan(after.device_J)) assert_near(after.device_J, BATCH * f.info->energy_J, 1e-12);
    }
    ck_assert(after.wall_s > before.wall_s);
    close_case(&f);
}
END_TEST

START_TEST(knobs_come_back)
{
    struct fixture f = open_case((size_t)_i, 2, SEED);
    size_t n = f.info->n_knobs;
    float *knobs = et_alloc(n + 1, sizeof *knobs), *back = et_alloc(n + 1, sizeof *back);
    ck_assert(knobs != NULL && back != NULL);
    if (n == 0) {
        assert_status(et_system_set_knobs(f.system, knobs, 0), ET_UNSUPPORTED);
        assert_status(et_system_get_knobs(f.system, knobs, 0), ET_UNSUPPORTED);
    } else {
        assert_ok(et_system_get_knobs(f.system, knobs, n));
        forward(&f, 1, &f.y);
        for (size_t i = 0; i < n; i++)
            knobs[i] = 0.5F * knobs[i] + 0.25F;
        assert_ok(et_system_set_knobs(f.system, knobs, n));
        assert_ok(et_system_get_knobs(f.system, back, n));
        assert_close(back, knobs, n, 1e-6, 0);
        forward(&f, 1, &f.z);
        ck_assert_msg(memcmp(f.y.data, f.z.data, BATCH * f.info->n_out * sizeof(float)) != 0,
                      "the knobs do nothing");
        assert_ok(et_system_reset(f.system));
        assert_ok(et_system_get_knobs(f.system, back, n));
        assert_close(back, knobs, n, 1e-6, 0);
        assert_status(et_system_set_knobs(f.system, knobs, n + 1), ET_SHAPE);
        assert_status(et_system_get_knobs(f.system, knobs, n - 1), ET_SHAPE);
        knobs[n - 1] = NAN;
        assert_status(et_system_set_knobs(f.system, knobs, n), ET_INVALID);
    }
    et_free(knobs);
    et_free(back);
    close_case(&f);
}
END_TEST

/* ----------------------------------------------------------------- vector-Jacobian products -- */

/* sum of dy * y, at the present inputs and knobs. */
static double weighted_sum(struct fixture *f, const struct et_array *dy)
{
    double sum = 0;
    forward(f, 1, &f->y);
    for (size_t i = 0; i < BATCH * f->info->n_out; i++)
        sum += (double)dy->data[i] * (double)f->y.data[i];
    return sum;
}

/* Central difference of the weighted sum in one number, then puts the number back. */
static double slope(struct fixture *f, const struct et_array *dy, float *number, float h,
                    const float *knobs)
{
    float kept = *number;
    double value[2];
    for (int side = 0; side < 2; side++) {
        *number = side ? kept + h : kept - h;
        if (knobs) assert_ok(et_system_set_knobs(f->system, knobs, f->info->n_knobs));
        value[side] = weighted_sum(f, dy);
    }
    *number = kept;
    if (knobs) assert_ok(et_system_set_knobs(f->system, knobs, f->info->n_knobs));
    return (value[1] - value[0]) / (2 * (double)h);
}

static double largest(const float *data, size_t n)
{
    double most = 0;
    for (size_t i = 0; i < n; i++)
        most = fmax(most, fabs((double)data[i]));
    return most;
}

/* Nobody asks for the derivative by a knob that is the system's own. */
static bool is_kept(const struct et_system *system, size_t knob)
{
    const struct et_knob_block *block;
    size_t i = 0;
    while ((block = et_system_knob_block(system, i)) != NULL &&
           knob >= block->first + block->rows * block->cols)
        i++;
    return block != NULL && block->kind == ET_KNOB_KEPT;
}

START_TEST(vjp_agrees_with_finite_differences)
{
    struct fixture f = open_case((size_t)_i, 2, SEED);
    size_t n_in = f.info->n_in, n_knobs = f.info->n_knobs;
    struct et_array dx = {0}, dy = {0};
    assert_ok(et_array_create(&dx, BATCH, n_in));
    assert_ok(et_array_create(&dy, BATCH, f.info->n_out));
    et_rng_fill_normal(SEED, ET_STREAM_USER, 0, 0, dy.data, BATCH * f.info->n_out);
    float *knobs = et_alloc(2 * n_knobs + 1, sizeof *knobs);
    ck_assert_ptr_nonnull(knobs);
    float *dknobs = knobs + n_knobs;
    struct et_step step = step_at(1);
    struct et_view x = et_array_view(&f.x), to = et_array_view(&dx), from = et_array_view(&dy);
    if (!(f.info->traits & ET_HAS_VJP)) {
        assert_status(et_system_vjp(f.system, &step, x, from, to, NULL), ET_UNSUPPORTED);
    } else {
        /* Stay away from the ends of the range, where clipping has a corner. */
        for (size_t i = 0; i < BATCH * n_in; i++)
            f.x.data[i] = 0.5F * (f.lo + f.hi) + 0.4F * (f.x.data[i] - 0.5F * (f.lo + f.hi));
        if (n_knobs > 0) assert_ok(et_system_get_knobs(f.system, knobs, n_knobs));
        assert_ok(et_system_vjp(f.system, &step, x, from, to, n_knobs > 0 ? dknobs : NULL));
        /* An estimate has references of its own. */
        bool exact = !(f.info->traits & ET_SURROGATE);
        double scale = largest(dx.data, BATCH * n_in) + 1e-3;
        for (size_t i = 0; exact && i < BATCH * n_in; i++)
            assert_near((double)dx.data[i], slope(&f, &dy, &f.x.data[i], 1e-2F, NULL),
                        1e-2 * scale);
        scale = largest(dknobs, n_knobs) + 1e-3;
        for (size_t i = 0; exact && i < n_knobs; i++)
            if (!is_kept(f.system, i))
                assert_near((double)dknobs[i], slope(&f, &dy, &knobs[i], 1e-2F, knobs),
                            1e-2 * scale);
        assert_status(et_system_vjp(f.system, &step, x, from, et_view_cols(to, 0, n_in - 1), NULL),
                      ET_SHAPE);
    }
    et_free(knobs);
    et_array_destroy(&dx);
    et_array_destroy(&dy);
    close_case(&f);
}
END_TEST

/* ------------------------------------------------------------------------------ registration -- */

static enum et_status half_of_a_pair(void *state, const float *knobs)
{
    (void)state;
    (void)knobs;
    return ET_OK;
}

START_TEST(registration_refuses_broken_types)
{
    struct et_system_type type = leaky_type;
    assert_status(et_system_register(&type), ET_INVALID);
    assert_message("already");
    type.name = "zeros";
    assert_status(et_system_register(&type), ET_INVALID);
    type.name = "another";
    type.forward = NULL;
    assert_status(et_system_register(&type), ET_INVALID);
    assert_message("forward");
    type = leaky_type;
    type.name = "another";
    type.set_knobs = half_of_a_pair;
    assert_status(et_system_register(&type), ET_INVALID);
    type.set_knobs = NULL;
    et_alloc_fail_at(1);
    assert_status(et_system_register(&type), ET_NOMEM);
    et_alloc_fail_at(0);
}
END_TEST

int main(void)
{
    if (et_system_register(&leaky_type) != ET_OK) return EXIT_FAILURE;
    if (et_system_register(&et_system_amplifier) != ET_OK) return EXIT_FAILURE;
    write_pairs();
    Suite *suite = suite_create("system contract");
    TCase *every = tcase_create("every system"), *registry = tcase_create("registry");
    TCase *threads = tcase_create("threads");
    tcase_set_timeout(every, 0);
    tcase_set_timeout(threads, 0);
    tcase_add_test(registry, every_registered_type_has_a_case);
    tcase_add_test(registry, registration_refuses_broken_types);
    const TTest *const tests[] = {
        describes_itself,
        survives_failing_allocations,
        refuses_wrong_shapes,
        refuses_inputs_outside_the_range,
        refuses_threads_that_came_after_open,
        equal_seeds_make_equal_devices,
        does_not_depend_on_the_cut_of_a_batch,
        noise_is_a_matter_of_traits,
        takes_strided_views,
        reset_goes_back_to_open,
        forward_does_not_allocate,
        counts_passes,
        knobs_come_back,
        vjp_agrees_with_finite_differences,
    };
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_loop_test(every, tests[i], 0, N_CASES);
    tcase_add_loop_test(threads, does_not_depend_on_threads, 0, N_CASES);
    suite_add_tcase(suite, threads);
    suite_add_tcase(suite, registry);
    suite_add_tcase(suite, every);
    int result = suite_result(suite);
    remove_pairs();
    return result;
}
