/* SPDX-License-Identifier: Apache-2.0
 *
 * The oscillator kernels against their plain reference, their adjoint against derivatives by
 * complex steps, and what the system refuses. */
#include "sim/dynamics/oscillators.h"

#include <etalon/parallel.h>
#include <etalon/rng.h>
#include <etalon/system.h>

#include <check.h>
#include <complex.h>
#include <stdio.h>
#include <string.h>

#include "close.h"

enum { BATCH = 5, N_MAX = 24, KNOBS_MAX = N_MAX * N_MAX, DEVICE = 11 };

static const char *const networks[] = {
    "{n: 7, frequency_spread: 1, coupling: 3, duration: 2}",
    "{n: 7, frequency_spread: 1, coupling: 3, duration: 2, output: phase, input: phase, gain: 2}",
    "{n: 7, frequency: 2, coupling: -2, input: drive, output: frequency, n_in: 3, n_read: 4}",
    "{n: 8, coupling_spread: 2, injection: 0.7, duration: 3, output: order, settle: 1}",
    "{n: 8, coupling: 3, noise: 0.5, duration: 3, output: order, settle: 1, input: drive}",
    "{n: 24, topology: ring, neighbours: 2, coupling: 2, duration: 2, output: sine}",
    "{n: 24, topology: grid, columns: 6, coupling_spread: 2, duration: 2, output: cosine}",
    "{n: 24, topology: random, degree: 3, coupling: 2, duration: 2, noise: 0.2}",
    "{model: pendulum, n: 9, coupling_spread: 1, input: phase, output: phase, initial: zero, "
    "duration: 0.5, dt: 0.1}",
    "{model: pendulum, n: 9, coupling: 2, frequency_spread: 0.5, damping: 0.3, injection: 0.2, "
    "input: frequency, output: frequency, duration: 1}",
    "{model: pendulum, n: 9, coupling: 2, noise: 0.4, input: drive, output: vector, duration: 1}",
    "{model: pendulum, n: 24, topology: ring, coupling: 2, output: order, duration: 1}",
    "{n: 4, topology: given, edges: [{from: 2, to: 0, coupling: 1.5}, {from: 1, to: 3, coupling: "
    "-0.5}], frequencies: [1, 2, 3, 4], phases: [0.1, 0.2, 0.3, 0.4], duration: 1}",
};
enum { N_NETWORKS = sizeof networks / sizeof *networks };

static struct et__osc read_network(const char *yaml)
{
    struct et_config *config;
    struct et__osc o = {0};
    assert_ok(et_config_parse("test", yaml, NULL, 0, et__oscillator_params, NULL, &config));
    assert_ok(et__osc_read(&o, config, DEVICE));
    et_config_close(config);
    ck_assert_uint_le(o.n, N_MAX);
    return o;
}

/* ------------------------------------------------------------------------------ the kernel -- */

START_TEST(sines_are_as_good_as_stated)
{
    enum { COUNT = 4096 };
    static float x[COUNT], s[COUNT], c[COUNT];
    static double dx[COUNT], ds[COUNT], dc[COUNT];
    for (int scale = -3; scale <= 6; scale++) {
        for (size_t i = 0; i < COUNT; i++) {
            float u = et_rng_uniform(1, ET_STREAM_USER, (uint32_t)(scale + 3), i);
            x[i] = (2 * u - 1) * (float)pow(10, scale);
            dx[i] = (double)x[i] * (1 + 1e-9 * (double)i);
        }
        et__osc_f32.sincos(x, s, c, COUNT);
        et__osc_f64.sincos(dx, ds, dc, COUNT);
        for (size_t i = 0; i < COUNT; i++) {
            assert_near((double)s[i], sin((double)x[i]), et__osc_f32.sincos_error);
            assert_near((double)c[i], cos((double)x[i]), et__osc_f32.sincos_error);
            assert_near(ds[i], (double)sinl((long double)dx[i]), et__osc_f64.sincos_error);
            assert_near(dc[i], (double)cosl((long double)dx[i]), et__osc_f64.sincos_error);
        }
    }
    const double turn = 3.14159265358979323846 / 2;
    for (int k = -5; k <= 5; k++) { /* the ends of the reduced interval */
        double at[3] = {nextafter(k * turn, -99), k * turn, nextafter(k * turn, 99)};
        et__osc_f64.sincos(at, ds, dc, 3);
        for (size_t i = 0; i < 3; i++) {
            assert_near(ds[i], sin(at[i]), et__osc_f64.sincos_error);
            assert_near(dc[i], cos(at[i]), et__osc_f64.sincos_error);
        }
    }
}
END_TEST

struct rig {
    struct et__osc o;
    const struct et__osc_kernel *kernel;
    void *weights, *work;
    double *reference;
    float x[BATCH * N_MAX], y[BATCH * 2 * N_MAX];
    uint64_t seeds[BATCH];
    struct et__osc_pass pass;
};

static struct rig *open_rig(const char *yaml, const struct et__osc_kernel *kernel)
{
    struct rig *rig = et_alloc(1, sizeof *rig);
    ck_assert_ptr_nonnull(rig);
    rig->o = read_network(yaml);
    rig->kernel = kernel;
    rig->weights = et_alloc(kernel->weights_size(&rig->o), kernel->real_size);
    rig->work = et_alloc(kernel->work_size(&rig->o), kernel->real_size);
    rig->reference = et_alloc(12 * N_MAX, sizeof(double));
    ck_assert(rig->weights && rig->work && rig->reference);
    kernel->weights(&rig->o, rig->weights);
    et_rng_fill_uniform(3, ET_STREAM_USER, 0, 0, -1, 1, rig->x, BATCH * N_MAX);
    for (size_t i = 0; i < BATCH; i++)
        rig->seeds[i] = 100 + i;
    rig->pass = (struct et__osc_pass){
        .x = et_view_of(rig->x, BATCH, rig->o.n_in), .seeds = rig->seeds, .index = 4};
    return rig;
}

static void close_rig(struct rig *rig)
{
    et__osc_free(&rig->o);
    et_free(rig->weights);
    et_free(rig->work);
    et_free(rig->reference);
    et_free(rig);
}

START_TEST(agrees_with_the_plain_reference)
{
    const struct et__osc_kernel *const kernels[] = {&et__osc_f32, &et__osc_f64};
    for (size_t k = 0; k < 2; k++) {
        struct rig *rig = open_rig(networks[_i], kernels[k]);
        size_t n_out = et__osc_outputs(&rig->o);
        double want[2 * N_MAX];
        rig->kernel->forward(&rig->o, rig->weights, rig->work, &rig->pass,
                             et_view_of(rig->y, BATCH, n_out));
        for (size_t b = 0; b < BATCH; b++) {
            et__osc_reference(&rig->o, rig->x + b * rig->o.n_in, rig->seeds[b], 4, rig->reference,
                              want);
            /* Single precision: rounding of 1e2 steps; double: of the float that y holds. */
            for (size_t i = 0; i < n_out; i++)
                assert_near((double)rig->y[b * n_out + i], want[i],
                            (k == 0 ? 2e-5 : 1e-7) * fmax(1, fabs(want[i])));
        }
        close_rig(rig);
    }
}
END_TEST

/* ---------------------------------------------------------- derivatives by complex steps -- */

/* The reference once more on complex numbers: f(x + i h) = f(x) + i h f'(x), exact to rounding
 * with h = 1e-30.  Biases and couplings are complex too. */
struct tangent {
    double complex x[N_MAX], bias[N_MAX], coupling[KNOBS_MAX];
};

static void tangent_slope(const struct et__osc *o, const struct tangent *at,
                          const double complex *y, double complex *slope)
{
    bool pendulum = o->model == ET__OSC_PENDULUM;
    double complex *force = pendulum ? slope + o->n : slope;
    for (size_t i = 0; i < o->n; i++) {
        double complex input = i < o->n_in ? o->gain * at->x[i] : 0;
        double complex drive = o->input == ET__OSC_DRIVE ? input : 0;
        force[i] = at->bias[i] + (o->input == ET__OSC_RATE ? input : 0) -
                   ((pendulum ? o->stiffness : 0) + drive) * csin(y[i]) -
                   o->injection * csin(2 * y[i]);
    }
    for (size_t e = 0; e < o->n_edges; e++) {
        size_t i = o->ends[e][0], j = o->ends[e][1];
        double complex pull =
            at->coupling[e] * (pendulum ? csin(y[j]) - csin(y[i]) : csin(y[j] - y[i]));
        force[i] += pull;
        force[j] -= pull;
    }
    for (size_t i = 0; pendulum && i < o->n; i++) {
        slope[i] = y[o->n + i];
        force[i] -= o->damping * y[o->n + i];
    }
}

static double complex tangent_pass(const struct et__osc *o, const struct tangent *at, uint64_t seed,
                                   uint32_t index, const float *dy)
{
    static const double ahead[2][4] = {{0, 0.5, 0.5, 1}, {0, 1}};
    static const double weight[2][4] = {{1.0 / 6, 1.0 / 3, 1.0 / 3, 1.0 / 6}, {0.5, 0.5}};
    bool noise = o->noise > 0;
    size_t n = o->n, m = o->model == ET__OSC_PENDULUM ? 2 * n : n, noisy = m - n;
    double complex y[2 * N_MAX] = {0}, next[2 * N_MAX], slope[2 * N_MAX], here[2 * N_MAX], sum = 0;
    for (size_t i = 0; i < n; i++)
        y[i] = o->initial[i] + (o->input == ET__OSC_START && i < o->n_in ? o->gain * at->x[i] : 0);
    for (size_t t = 0; t < o->steps; t++) {
        float normal[N_MAX] = {0};
        if (noise) et_rng_fill_normal(seed, ET_STREAM_NOISE, index, t * n, normal, n);
        memcpy(next, y, sizeof y);
        for (size_t k = 0; k < (noise ? 2U : 4U); k++) {
            for (size_t i = 0; i < m; i++)
                here[i] =
                    y[i] + (k ? ahead[noise][k] * o->dt * slope[i] : 0) +
                    (k && noise && i >= noisy ? o->noise * sqrt(o->dt) * (double)normal[i - noisy]
                                              : 0);
            tangent_slope(o, at, here, slope);
            for (size_t i = 0; i < m; i++)
                next[i] += weight[noise][k] * o->dt * slope[i];
        }
        for (size_t i = noisy; noise && i < m; i++)
            next[i] += o->noise * sqrt(o->dt) * (double)normal[i - noisy];
        memcpy(y, next, sizeof y);
        double complex s = 0, c = 0;
        for (size_t i = 0; i < n; i++) {
            s += csin(y[i]) / (double)n;
            c += ccos(y[i]) / (double)n;
        }
        for (size_t i = 0; o->output == ET__OSC_ORDER && t >= o->settle && i < o->n_read; i++)
            sum += (double)dy[i] *
                   (c * ccos(y[n - o->n_read + i]) + s * csin(y[n - o->n_read + i])) /
                   (double)(o->steps - o->settle);
    }
    tangent_slope(o, at, y, slope);
    for (size_t i = 0; i < o->n_read; i++) {
        double complex angle = y[n - o->n_read + i];
        if (o->output == ET__OSC_VECTOR)
            sum += (double)dy[i] * ccos(angle) + (double)dy[o->n_read + i] * csin(angle);
        if (o->output == ET__OSC_COSINE) sum += (double)dy[i] * ccos(angle);
        if (o->output == ET__OSC_SINE) sum += (double)dy[i] * csin(angle);
        if (o->output == ET__OSC_ANGLE) sum += (double)dy[i] * angle;
        if (o->output == ET__OSC_SPEED) sum += (double)dy[i] * slope[n - o->n_read + i];
    }
    return sum;
}

/* d(dy . y)/d(*number) over the whole batch or one sample. */
static double slope_by_complex_step(const struct rig *rig, struct tangent *at,
                                    double complex *number, size_t first, size_t count,
                                    const float *dy)
{
    const struct et__osc *o = &rig->o;
    double sum = 0;
    *number += 1e-30 * I;
    for (size_t b = first; b < first + count; b++) {
        if (number < at->x || number >= at->x + N_MAX)
            for (size_t i = 0; i < o->n_in; i++)
                at->x[i] = (double)rig->x[b * o->n_in + i];
        sum += cimag(tangent_pass(o, at, rig->seeds[b], 4, dy + b * et__osc_outputs(o))) / 1e-30;
    }
    *number = creal(*number);
    return sum;
}

START_TEST(adjoint_is_exact)
{
    struct rig *rig = open_rig(networks[_i], &et__osc_f64);
    const struct et__osc *o = &rig->o;
    static struct tangent at;
    float dy[BATCH * 2 * N_MAX], dx[BATCH * N_MAX];
    double dcoupling[KNOBS_MAX] = {0}, dbias[N_MAX] = {0}, scale = 0;
    et_rng_fill_normal(5, ET_STREAM_USER, 0, 0, dy, BATCH * 2 * N_MAX);
    rig->kernel->back(o, rig->weights, rig->work, &rig->pass,
                      et_view_of(dy, BATCH, et__osc_outputs(o)), et_view_of(dx, BATCH, o->n_in),
                      dcoupling, dbias);
    for (size_t i = 0; i < o->n; i++)
        at.bias[i] = o->bias[i];
    for (size_t e = 0; e < o->n_edges; e++)
        at.coupling[e] = o->coupling[e];
    for (size_t e = 0; e < o->n_edges; e++)
        scale = fmax(scale, fabs(dcoupling[e]));
    ck_assert(scale > 1e-3);
    for (size_t e = 0; e < o->n_edges; e++)
        assert_near(dcoupling[e], slope_by_complex_step(rig, &at, &at.coupling[e], 0, BATCH, dy),
                    1e-12 * (1 + scale));
    for (size_t i = 0; i < o->n; i++)
        assert_near(dbias[i], slope_by_complex_step(rig, &at, &at.bias[i], 0, BATCH, dy),
                    1e-12 * (1 + scale) * 10);
    for (size_t b = 0; b < BATCH; b++)
        for (size_t i = 0; i < o->n_in; i++) {
            for (size_t k = 0; k < o->n_in; k++)
                at.x[k] = (double)rig->x[b * o->n_in + k];
            double want = slope_by_complex_step(rig, &at, &at.x[i], b, 1, dy);
            /* dx is a float. */
            assert_near((double)dx[b * o->n_in + i], want, 1e-7 * fabs(want) + 1e-11);
        }
    close_rig(rig);
}
END_TEST

/* ------------------------------------------------------------------------------ the system -- */

static struct et_system *open_system(const char *yaml, size_t threads)
{
    struct et_system *system = NULL;
    et_parallel_set_threads(threads);
    assert_ok(et_system_open_text(yaml, DEVICE, &system));
    return system;
}

/* More groups than are summed at once, the last one not full. */
START_TEST(same_bits_for_any_threads_and_cut)
{
    enum { ROWS = 150, N = 5, KNOBS = 15 };
    static float x[ROWS * N], y[2][ROWS * 2 * N], dx[2][ROWS * N], dknobs[2][KNOBS];
    const char *yaml = "{type: oscillators, n: 5, coupling: 2, noise: 0.1, duration: 1, "
                       "tunable: both}";
    struct et_step step = {.seed = 3, .index = 2};
    et_rng_fill_uniform(1, ET_STREAM_USER, 0, 0, -1, 1, x, ROWS * N);
    for (size_t threads = 1; threads <= 2; threads++) {
        struct et_system *system = open_system(yaml, threads);
        struct et_view view = et_view_of(x, ROWS, N), to = et_view_of(y[threads - 1], ROWS, 2 * N);
        ck_assert_uint_eq(et_system_info(system)->n_knobs, KNOBS);
        assert_ok(et_system_forward(system, &step, view, to));
        assert_ok(et_system_vjp(system, &step, view, to, et_view_of(dx[threads - 1], ROWS, N),
                                dknobs[threads - 1]));
        uint64_t last = ROWS - 1;
        struct et_step one = {.seed = 3, .index = 2, .samples = &last};
        float alone[2 * N];
        assert_ok(et_system_forward(system, &one, et_view_rows(view, last, 1),
                                    et_view_of(alone, 1, 2 * N)));
        ck_assert_mem_eq(alone, to.data + last * 2 * N, sizeof alone);
        et_system_close(system);
    }
    ck_assert_mem_eq(y[0], y[1], sizeof y[0]);
    ck_assert_mem_eq(dx[0], dx[1], sizeof dx[0]);
    ck_assert_mem_eq(dknobs[0], dknobs[1], sizeof dknobs[0]);
    et_parallel_set_threads(2);
}
END_TEST

START_TEST(describes_what_it_is)
{
    struct et_system *system =
        open_system("{type: oscillators, n: 6, duration: 0.5, output: frequency, n_read: 2, "
                    "tunable: frequencies, input_max: 3, noise: 1}",
                    2);
    const struct et_system_info *info = et_system_info(system);
    ck_assert_uint_eq(info->n_in, 6);
    ck_assert_uint_eq(info->n_out, 2);
    ck_assert_uint_eq(info->n_knobs, 6);
    ck_assert(info->in_max == 3.0F && info->in_min == -3.0F);
    assert_near(info->latency_s, 0.5, 1e-12);
    ck_assert_str_eq(info->out_unit, "rad/s");
    ck_assert_uint_eq(info->traits, ET_HAS_VJP | ET_HAS_KNOBS | ET_NOISY);
    et_system_close(system);
}
END_TEST

static const struct {
    const char *yaml, *message;
} refused[] = {
    {"n: 5000", "n = 5000 is more than 4096"},
    {"n: 4, topology: ring, neighbours: 2",
     "2 neighbours on each side need more than 4 oscillators, n is 4"},
    {"n: 6, topology: grid, columns: 4", "n = 6 is no multiple of columns = 4"},
    {"n: 3, topology: given, edges: [{from: 0, to: 3}]", "the pair 0, 3 is none of two different"},
    {"n: 3, topology: given, edges: [{from: 1, to: 1}]", "the pair 1, 1 is none of two different"},
    {"n: 3, topology: given, tunable: couplings", "there are no couplings to tune"},
    {"n: 3, frequencies: [1, 2]", "frequencies has 2 numbers, there are n = 3 oscillators"},
    {"n: 3, phases: [1]", "phases has 1 numbers"},
    {"n: 3, n_in: 4", "n_in = 4 is more than n = 3"},
    {"n: 3, n_read: 5", "n_read = 5 is more than n = 3"},
    {"n: 3, duration: 1, dt: 1e-9", "makes 1e+09 steps"},
    {"n: 3, duration: 1, output: order, settle: 1", "settle = 1 s leaves no step"},
    {"n: 3, frequency: 100", "dt = 0.05 s does not resolve the fastest oscillator; the largest "
                             "step is 0.0196721 s"},
    {"n: 3, model: pendulum, stiffness: 10000", "the largest step is 0.0199987 s"},
    {"n: 3, coupling: .inf", "coupling"},
};

START_TEST(refuses_with_value_and_limit)
{
    char yaml[256];
    struct et_system *system = NULL;
    snprintf(yaml, sizeof yaml, "{type: oscillators, %s}", refused[_i].yaml);
    assert_status(et_system_open_text(yaml, DEVICE, &system), ET_CONFIG);
    assert_message(refused[_i].message);
}
END_TEST

/* Single precision resolves 16384 rad; the first sample that runs farther is named. */
START_TEST(refuses_phases_that_run_too_far)
{
    enum { ROWS = 60 };
    static float x[ROWS * 2], y[ROWS * 4];
    struct et_step step = {.seed = 3};
    struct et_view from = et_view_of(x, ROWS, 2), to = et_view_of(y, ROWS, 4);
    static const char yaml[] = "{type: oscillators, n: 2, coupling: 0, frequency: 20, dt: 0.09, "
                               "gain: 1.5, duration: 800, initial: zero, precision: %s}";
    char text[256];
    x[41 * 2 + 1] = x[58 * 2] = 1;
    for (size_t threads = 1; threads <= 2; threads++) {
        snprintf(text, sizeof text, yaml, "single");
        struct et_system *system = open_system(text, threads);
        assert_status(et_system_forward(system, &step, from, to), ET_NUMERIC);
        assert_message("sample 41: a phase ran to 17");
        assert_message("rad; single precision resolves 16384 rad");
        x[41 * 2 + 1] = x[58 * 2] = 0;
        assert_ok(et_system_forward(system, &step, from, to));
        x[41 * 2 + 1] = x[58 * 2] = 1;
        et_system_close(system);
    }
    snprintf(text, sizeof text, yaml, "double");
    struct et_system *system = open_system(text, 2);
    assert_ok(et_system_forward(system, &step, from, to));
    /* Runge-Kutta is exact for a constant rate. */
    assert_near((double)y[41 * 4 + 1], cos(21.5 * 800), 1e-6);
    et_system_close(system);
}
END_TEST

START_TEST(knobs_keep_to_what_the_step_resolves)
{
    enum { KNOBS = 6 };
    struct et_step step = {.seed = 3};
    float knobs[KNOBS], after[KNOBS], x[3] = {0.2F, -0.4F, 0.6F}, y[2][6];
    struct et_system *system = open_system(
        "{type: oscillators, n: 3, coupling: 3, dt: 0.25, duration: 1, tunable: both}", 2);
    assert_ok(et_system_get_knobs(system, knobs, KNOBS));
    assert_ok(et_system_forward(system, &step, et_view_of(x, 1, 3), et_view_of(y[0], 1, 6)));
    const float wide[2] = {10, 12}; /* a coupling, a frequency */
    for (size_t k = 0; k < 2; k++) {
        float wrong[KNOBS];
        memcpy(wrong, knobs, sizeof wrong);
        wrong[4 * k] = wide[k];
        assert_status(et_system_set_knobs(system, wrong, KNOBS), ET_INVALID);
        assert_message("dt = 0.25 s does not resolve the fastest oscillator with these knobs");
        assert_message(k ? "the largest step is 0.133333 s" : "the largest step is 0.166667 s");
    }
    assert_ok(et_system_get_knobs(system, after, KNOBS));
    ck_assert_mem_eq(knobs, after, sizeof knobs);
    assert_ok(et_system_forward(system, &step, et_view_of(x, 1, 3), et_view_of(y[1], 1, 6)));
    ck_assert_mem_eq(y[0], y[1], sizeof y[0]);
    knobs[4] = 3;
    assert_ok(et_system_set_knobs(system, knobs, KNOBS));
    et_system_close(system);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("oscillators");
    TCase *kernel = tcase_create("kernel"), *system = tcase_create("system");
    tcase_set_timeout(kernel, 0);
    tcase_add_test(kernel, sines_are_as_good_as_stated);
    tcase_add_loop_test(kernel, agrees_with_the_plain_reference, 0, N_NETWORKS);
    tcase_add_loop_test(kernel, adjoint_is_exact, 0, N_NETWORKS);
    tcase_add_test(system, same_bits_for_any_threads_and_cut);
    tcase_add_test(system, describes_what_it_is);
    tcase_add_test(system, refuses_phases_that_run_too_far);
    tcase_add_test(system, knobs_keep_to_what_the_step_resolves);
    tcase_add_loop_test(system, refuses_with_value_and_limit, 0, sizeof refused / sizeof *refused);
    suite_add_tcase(suite, kernel);
    suite_add_tcase(suite, system);
    return suite_result(suite);
}
