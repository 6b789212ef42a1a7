/* SPDX-License-Identifier: Apache-2.0
 *
 * A bank of saturating amplifiers behind a fixed resistor network:
 *
 *     v_j = g (o_j + sum_i W_ji x_i)   the resistors W_ji and the offset o_j of each amplifier
 *                                      are drawn once from the seed: W_ji ~ N(0, 1/n_in)
 *     y_j = U v_j / sqrt(U^2 + v_j^2)  soft limit at the supply voltage U */
#include <etalon/parallel.h>
#include <etalon/rng.h>
#include <etalon/system.h>

#include <math.h>

struct amplifier {
    size_t n_in, n_out;
    float supply;  /* U, V */
    float *weight; /* [n_out][n_in], g W */
    float *offset; /* [n_out], g o, V */
};

static const struct et_param params[] = {
    {.name = "n_in",
     .kind = ET_PARAM_INT,
     .initial = "4",
     .min = 1,
     .max = 4096,
     .doc = "Number of inputs."},
    {.name = "n_out",
     .kind = ET_PARAM_INT,
     .initial = "16",
     .min = 1,
     .max = 4096,
     .doc = "Number of amplifiers."},
    {.name = "gain",
     .kind = ET_PARAM_REAL,
     .initial = "3",
     .min = 0.001,
     .max = 1000,
     .unit = "V/V",
     .doc = "Amplification g of small signals."},
    {.name = "offset",
     .kind = ET_PARAM_REAL,
     .initial = "0.5",
     .min = 0,
     .max = 10,
     .unit = "V",
     .doc = "Standard deviation of the input offsets o."},
    {.name = "supply",
     .kind = ET_PARAM_REAL,
     .initial = "1",
     .min = 0.1,
     .max = 100,
     .unit = "V",
     .doc = "Supply voltage U, the limit of the outputs."},
    {0},
};

static enum et_status open_amplifier(void *state, const struct et_config *config, uint64_t seed)
{
    struct amplifier *s = state;
    s->n_in = (size_t)et_config_int(config, "n_in");
    s->n_out = (size_t)et_config_int(config, "n_out");
    s->supply = (float)et_config_real(config, "supply");
    size_t n_weights = s->n_in * s->n_out;
    s->weight = et_alloc(n_weights, sizeof *s->weight);
    s->offset = et_alloc(s->n_out, sizeof *s->offset);
    if (s->weight == NULL || s->offset == NULL) return ET_NOMEM;
    float gain = (float)et_config_real(config, "gain");
    float spread = gain * (float)et_config_real(config, "offset");
    et_rng_fill_normal(seed, ET_STREAM_MISMATCH, 0, 0, s->weight, n_weights);
    et_rng_fill_normal(seed, ET_STREAM_MISMATCH, 1, 0, s->offset, s->n_out);
    for (size_t i = 0; i < n_weights; i++)
        s->weight[i] *= gain / sqrtf((float)s->n_in);
    for (size_t j = 0; j < s->n_out; j++)
        s->offset[j] *= spread;
    return ET_OK;
}

static void describe(const void *state, struct et_system_info *info)
{
    const struct amplifier *s = state;
    info->n_in = s->n_in;
    info->n_out = s->n_out;
    info->in_min = -1;
    info->in_max = 1;
    info->in_unit = "V";
    info->out_unit = "V";
}

struct pass {
    const struct amplifier *bank;
    struct et_view x, y;
};

static void amplify_sample(void *user, size_t sample, size_t worker)
{
    (void)worker; /* no workspace is needed */
    const struct pass *pass = user;
    const struct amplifier *s = pass->bank;
    const float *x = pass->x.data + sample * pass->x.stride;
    float *y = pass->y.data + sample * pass->y.stride;
    for (size_t j = 0; j < s->n_out; j++) {
        float v = s->offset[j];
        for (size_t i = 0; i < s->n_in; i++)
            v += s->weight[j * s->n_in + i] * x[i];
        y[j] = s->supply * v / sqrtf(s->supply * s->supply + v * v);
    }
}

static enum et_status forward(void *state, const struct et_step *step, struct et_view x,
                              struct et_view y)
{
    (void)step; /* neither noise nor drift */
    struct pass pass = {state, x, y};
    et_parallel_for(x.rows, amplify_sample, &pass);
    return ET_OK;
}

static void close_amplifier(void *state)
{
    struct amplifier *s = state;
    et_free(s->weight);
    et_free(s->offset);
}

const struct et_system_type et_system_amplifier = {
    .name = "amplifier",
    .summary = "Saturating amplifiers behind a fixed resistor network.",
    .state_size = sizeof(struct amplifier),
    .params = params,
    .open = open_amplifier,
    .describe = describe,
    .forward = forward,
    .close = close_amplifier,
};
