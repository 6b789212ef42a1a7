/* SPDX-License-Identifier: Apache-2.0
 *
 * A fixed random layer, y = tanh(gain W x + b) with W[o][k] of variance 1/n_in and b of standard
 * deviation `bias`: the control that has a nonlinearity but no physics. */
#include "kernels/affine.h"

#include <etalon/rng.h>
#include <etalon/system.h>

#include <math.h>

struct random_layer {
    size_t n_in, n_out;
    float *m;                /* [n_in][n_out] = gain W^T */
    float *bias;             /* [n_out] */
    struct et_array scratch; /* [rows of the largest batch][n_out], made by vjp */
};

static const struct et_param params[] = {
    {.name = "n_in", .kind = ET_PARAM_INT, .min = 1, .max = 65536, .doc = "Number of inputs."},
    {.name = "n_out", .kind = ET_PARAM_INT, .min = 1, .max = 65536, .doc = "Number of outputs."},
    {.name = "gain",
     .kind = ET_PARAM_REAL,
     .initial = "2",
     .min = 0,
     .max = 1e6,
     .doc = "Factor on the weights, whose variance is 1 / n_in."},
    {.name = "bias",
     .kind = ET_PARAM_REAL,
     .initial = "1",
     .min = 0,
     .max = 1e6,
     .doc = "Standard deviation of the offsets."},
    {0},
};

static enum et_status open_random(void *state, const struct et_config *config, uint64_t seed)
{
    struct random_layer *s = state;
    s->n_in = (size_t)et_config_int(config, "n_in");
    s->n_out = (size_t)et_config_int(config, "n_out");
    size_t count = s->n_in * s->n_out;
    s->m = et_alloc(count, sizeof *s->m);
    s->bias = et_alloc(s->n_out, sizeof *s->bias);
    if (s->m == NULL || s->bias == NULL) return ET_NOMEM;
    et_rng_fill_normal(seed, ET_STREAM_INIT, 0, 0, s->m, count);
    et_rng_fill_normal(seed, ET_STREAM_INIT, 1, 0, s->bias, s->n_out);
    float gain = (float)et_config_real(config, "gain") / sqrtf((float)s->n_in);
    float bias = (float)et_config_real(config, "bias");
    for (size_t i = 0; i < count; i++)
        s->m[i] *= gain;
    for (size_t i = 0; i < s->n_out; i++)
        s->bias[i] *= bias;
    return ET_OK;
}

static void describe(const void *state, struct et_system_info *info)
{
    const struct random_layer *s = state;
    info->n_in = s->n_in;
    info->n_out = s->n_out;
    info->in_min = -INFINITY;
    info->in_max = INFINITY;
    info->traits = ET_HAS_VJP;
}

static enum et_status forward(void *state, const struct et_step *step, struct et_view x,
                              struct et_view y)
{
    (void)step;
    const struct random_layer *s = state;
    et__affine(s->m, s->bias, x, y);
    for (size_t i = 0; i < y.rows * y.cols; i++)
        y.data[i] = tanhf(y.data[i]);
    return ET_OK;
}

/* dx = (dy (1 - y^2)) M^T with y recomputed from x. */
static enum et_status vjp(void *state, const struct et_step *step, struct et_view x,
                          struct et_view dy, struct et_view dx, float *dknobs)
{
    (void)dknobs;
    struct random_layer *s = state;
    if (s->scratch.rows < x.rows) {
        et_array_destroy(&s->scratch);
        ET_TRY(et_array_create(&s->scratch, x.rows, s->n_out));
    }
    struct et_view slope = et_view_rows(et_array_view(&s->scratch), 0, x.rows);
    ET_TRY(forward(s, step, x, slope));
    for (size_t i = 0; i < dy.rows * dy.cols; i++)
        slope.data[i] = dy.data[i] * (1.0F - slope.data[i] * slope.data[i]);
    et__affine_back(s->m, slope, dx);
    return ET_OK;
}

static void close_random(void *state)
{
    struct random_layer *s = state;
    et_free(s->m);
    et_free(s->bias);
    et_array_destroy(&s->scratch);
}

const struct et_system_type et_system_random = {
    .name = "random",
    .summary = "Fixed random tanh layer: a control with a nonlinearity and no physics.",
    .state_size = sizeof(struct random_layer),
    .params = params,
    .open = open_random,
    .describe = describe,
    .forward = forward,
    .vjp = vjp,
    .close = close_random,
};
