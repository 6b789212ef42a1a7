/* SPDX-License-Identifier: Apache-2.0
 *
 * An ideal linear device, y = gain W x, with W given or seeded. */
#include "kernels/affine.h"

#include <etalon/rng.h>
#include <etalon/system.h>

#include <math.h>

struct linear {
    size_t n_in, n_out;
    int tunable;
    float *m; /* [n_in][n_out] = gain W^T */
};

enum init { ORTHOGONAL, GAUSSIAN };

static const struct et_param params[] = {
    {.name = "n_in", .kind = ET_PARAM_INT, .min = 1, .max = 65536, .doc = "Number of inputs."},
    {.name = "n_out", .kind = ET_PARAM_INT, .min = 1, .max = 65536, .doc = "Number of outputs."},
    {.name = "matrix",
     .kind = ET_PARAM_REALS,
     .initial = "[]",
     .doc = "Matrix W, n_out rows of n_in numbers; empty = made from the seed."},
    {.name = "init",
     .kind = ET_PARAM_CHOICE,
     .initial = "orthogonal",
     .choices = "orthogonal|gaussian",
     .doc = "Seeded matrix: orthonormal rows (or columns), or normal with variance 1/n_in."},
    {.name = "gain", .kind = ET_PARAM_REAL, .initial = "1", .doc = "Factor on the matrix."},
    {.name = "tunable",
     .kind = ET_PARAM_BOOL,
     .initial = "false",
     .doc = "Make the n_out x n_in elements of W knobs."},
    {0},
};

static double dot(const double *a, const double *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

/* Gram-Schmidt on the `count` rows of v [count][n], each projected twice, which keeps them
 * orthogonal to rounding. */
static void orthonormalise(double *v, size_t count, size_t n)
{
    for (size_t i = 0; i < count; i++) {
        double *row = v + i * n;
        for (int pass = 0; pass < 2; pass++) {
            for (size_t j = 0; j < i; j++) {
                double overlap = dot(row, v + j * n, n);
                for (size_t k = 0; k < n; k++)
                    row[k] -= overlap * v[j * n + k];
            }
        }
        double norm = sqrt(dot(row, row, n));
        for (size_t k = 0; k < n; k++)
            row[k] /= norm;
    }
}

/* The shorter side of W gets orthonormal vectors along the longer one. */
static enum et_status make_orthogonal(struct linear *s, uint64_t seed)
{
    size_t count = s->n_in < s->n_out ? s->n_in : s->n_out;
    size_t n = s->n_in < s->n_out ? s->n_out : s->n_in;
    double *v = et_alloc(count * n, sizeof *v);
    if (v == NULL) return ET_NOMEM;
    for (size_t i = 0; i < count * n; i++) {
        float normal;
        et_rng_fill_normal(seed, ET_STREAM_INIT, 0, i, &normal, 1);
        v[i] = (double)normal;
    }
    orthonormalise(v, count, n);
    for (size_t k = 0; k < s->n_in; k++)
        for (size_t o = 0; o < s->n_out; o++)
            s->m[k * s->n_out + o] = (float)(s->n_in < s->n_out ? v[k * n + o] : v[o * n + k]);
    et_free(v);
    return ET_OK;
}

static enum et_status read_matrix(struct linear *s, const struct et_config *config)
{
    size_t count = et_config_count(config, "matrix");
    if (count != s->n_in * s->n_out)
        return et_config_error(config, "matrix", "matrix has %zu numbers, not n_out * n_in = %zu",
                               count, s->n_in * s->n_out);
    const double *w = et_config_reals(config, "matrix");
    for (size_t o = 0; o < s->n_out; o++)
        for (size_t k = 0; k < s->n_in; k++)
            s->m[k * s->n_out + o] = (float)w[o * s->n_in + k];
    return ET_OK;
}

static enum et_status open_linear(void *state, const struct et_config *config, uint64_t seed)
{
    struct linear *s = state;
    s->n_in = (size_t)et_config_int(config, "n_in");
    s->n_out = (size_t)et_config_int(config, "n_out");
    s->tunable = et_config_bool(config, "tunable");
    size_t count = s->n_in * s->n_out;
    s->m = et_alloc(count, sizeof *s->m);
    if (s->m == NULL) return ET_NOMEM;
    float scale = (float)et_config_real(config, "gain");
    if (et_config_count(config, "matrix") > 0) {
        ET_TRY(read_matrix(s, config));
    } else if (et_config_choice(config, "init") == GAUSSIAN) {
        et_rng_fill_normal(seed, ET_STREAM_INIT, 0, 0, s->m, count);
        scale /= sqrtf((float)s->n_in);
    } else {
        ET_TRY(make_orthogonal(s, seed));
    }
    for (size_t i = 0; i < count; i++)
        s->m[i] *= scale;
    return ET_OK;
}

static void describe(const void *state, struct et_system_info *info)
{
    const struct linear *s = state;
    info->n_in = s->n_in;
    info->n_out = s->n_out;
    info->in_min = -INFINITY;
    info->in_max = INFINITY;
    info->traits = ET_HAS_VJP;
    if (s->tunable) {
        info->traits |= ET_HAS_KNOBS;
        info->n_knobs = s->n_in * s->n_out;
    }
}

static enum et_status forward(void *state, const struct et_step *step, struct et_view x,
                              struct et_view y)
{
    (void)step;
    const struct linear *s = state;
    et__affine(s->m, NULL, x, y);
    return ET_OK;
}

/* Knob (o, k) is element (o, k) of W. */
static enum et_status set_knobs(void *state, const float *knobs)
{
    struct linear *s = state;
    for (size_t o = 0; o < s->n_out; o++)
        for (size_t k = 0; k < s->n_in; k++)
            s->m[k * s->n_out + o] = knobs[o * s->n_in + k];
    return ET_OK;
}

static void get_knobs(const void *state, float *knobs)
{
    const struct linear *s = state;
    for (size_t o = 0; o < s->n_out; o++)
        for (size_t k = 0; k < s->n_in; k++)
            knobs[o * s->n_in + k] = s->m[k * s->n_out + o];
}

static enum et_status vjp(void *state, const struct et_step *step, struct et_view x,
                          struct et_view dy, struct et_view dx, float *dknobs)
{
    (void)step;
    const struct linear *s = state;
    et__affine_back(s->m, dy, dx);
    /* dW = dy^T x: the outer product with the roles of x and dy exchanged. */
    if (dknobs != NULL && s->tunable) et__affine_outer(dy, x, dknobs);
    return ET_OK;
}

static void close_linear(void *state)
{
    struct linear *s = state;
    et_free(s->m);
}

const struct et_system_type et_system_linear = {
    .name = "linear",
    .summary = "Ideal matrix, given or seeded: y = W x.",
    .state_size = sizeof(struct linear),
    .params = params,
    .open = open_linear,
    .describe = describe,
    .forward = forward,
    .set_knobs = set_knobs,
    .get_knobs = get_knobs,
    .vjp = vjp,
    .close = close_linear,
};
