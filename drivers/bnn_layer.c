/* SPDX-License-Identifier: Apache-2.0
 *
 * System bnn-layer: y = W x with one-bit weights W = sign(knobs), computed by the accelerator or,
 * bit for bit the same, by packed kernels on this processor.
 *
 *     bipolar   x becomes the nearest odd integer in [-L, L], L = 2^in_bits - 1; ties go up, so
 *               that with one bit it is sign(x), sign(0) = +1          XNOR
 *     unsigned  x becomes the nearest integer in [0, L], halves up     AND_POPCOUNT
 *
 * y are the integer accumulators; |y| <= n_in L < 2^24, which float32 holds exactly. */
#include <etalon/accelerator.h>
#include <etalon/array.h>
#include <etalon/parallel.h>
#include <etalon/rng.h>
#include <etalon/system.h>

#include <math.h>
#include <string.h>

/* Workspace of a batch; grows with the largest one. */
struct workspace {
    uint64_t *x; /* [rows][words of an input] */
    int32_t *y;  /* [rows][n_out] */
    size_t rows;
};

struct bnn {
    struct et_accelerator *device;
    struct et_bnn_layer layer;
    size_t id;
    float *knob;                /* [n_out][n_in], as set */
    int8_t *weight;             /* their signs */
    int16_t *level;             /* [workers][n_in] */
    double latency_s, energy_J; /* per vector, by the cost model */
    double clock_Hz;
    uint64_t busy_cycles; /* by the device's counter; 0 = it has none */
    bool stale;           /* the device has other weights than `weight` */
    struct workspace work;
};

static const struct et_param params[] = {
    {.name = "n_in", .kind = ET_PARAM_INT, .min = 1, .max = 65535, .doc = "Number of inputs."},
    {.name = "n_out", .kind = ET_PARAM_INT, .min = 1, .max = 65535, .doc = "Number of outputs."},
    {.name = "in_bits",
     .kind = ET_PARAM_INT,
     .initial = "1",
     .min = 1,
     .max = 8,
     .unit = "bit",
     .doc = "Bit planes of an input."},
    {.name = "encoding",
     .kind = ET_PARAM_CHOICE,
     .initial = "bipolar",
     .choices = "bipolar|unsigned",
     .doc = "Inputs: odd integers of both signs, or integers from 0."},
    {.name = "device",
     .kind = ET_PARAM_STRING,
     .initial = "software",
     .doc = "What computes: software, or the URI of an accelerator (see `etalon list "
            "transports')."},
    {.name = "clock_Hz",
     .kind = ET_PARAM_REAL,
     .initial = "1e8",
     .min = 1,
     .max = 1e12,
     .unit = "Hz",
     .doc = "Clock of the accelerator: turns cycles, counted or of the cost model, into seconds."},
    {0},
};

/* --------------------------------------------------------------------------------- opening -- */

/* Signs of the knobs into s->weight; true when one is another than before. */
static bool take_signs(struct bnn *s, const float *knobs)
{
    size_t n = s->layer.c_in * s->layer.c_out;
    bool changed = false;
    for (size_t i = 0; i < n; i++) {
        int8_t sign = knobs[i] >= 0 ? 1 : -1;
        changed = changed || sign != s->weight[i];
        s->weight[i] = sign;
    }
    return changed;
}

/* A model, not a measurement: what a vector takes of a batch that keeps the array busy. */
static enum et_status estimate_cost(struct bnn *s)
{
    enum { VECTORS = 64 };
    struct et_bnn_caps caps = et_accelerator_caps(s->device);
    struct et_bnn_cost cost;
    ET_TRY(et_bnn_cost_of(&s->layer, &caps, VECTORS, &cost));
    s->latency_s = (double)cost.cycles / VECTORS / s->clock_Hz;
    s->energy_J = cost.energy_J / VECTORS;
    return ET_OK;
}

static enum et_status bnn_open(void *state, const struct et_config *config, uint64_t seed)
{
    struct bnn *s = state;
    size_t n_in = (size_t)et_config_int(config, "n_in");
    size_t n_out = (size_t)et_config_int(config, "n_out"), n = n_in * n_out;
    s->layer = et_bnn_dense(n_in, n_out);
    s->layer.a_bits = (unsigned)et_config_int(config, "in_bits");
    if (et_config_choice(config, "encoding") == 1) s->layer.mode = ET_BNN_AND_POPCOUNT;
    /* Half the bytes to fetch where they hold every sum. */
    if (et_bnn_layer_bound(&s->layer) <= INT16_MAX) s->layer.output = ET_BNN_RAW16;
    s->knob = et_alloc(n, sizeof *s->knob);
    s->weight = et_alloc(n, sizeof *s->weight);
    s->level = et_alloc(et_parallel_threads() * n_in, sizeof *s->level);
    if (s->knob == NULL || s->weight == NULL || s->level == NULL) return ET_NOMEM;
    et_rng_fill_uniform(seed, ET_STREAM_INIT, 0, 0, -1, 1, s->knob, n);
    (void)take_signs(s, s->knob);
    ET_TRY(et_accelerator_open(et_config_string(config, "device"), NULL, &s->device));
    ET_TRY(et_accelerator_load(s->device, &s->layer, s->weight, NULL, NULL, &s->id));
    s->clock_Hz = et_config_real(config, "clock_Hz");
    return estimate_cost(s);
}

static void bnn_close(void *state)
{
    struct bnn *s = state;
    et_accelerator_close(s->device);
    et_free(s->knob);
    et_free(s->weight);
    et_free(s->level);
    et_free(s->work.x);
    et_free(s->work.y);
}

static void bnn_describe(const void *state, struct et_system_info *info)
{
    const struct bnn *s = state;
    float top = (float)((1U << s->layer.a_bits) - 1);
    info->n_in = s->layer.c_in;
    info->n_out = s->layer.c_out;
    info->n_knobs = s->layer.c_in * s->layer.c_out;
    info->in_min = s->layer.mode == ET_BNN_XNOR ? -top : 0;
    info->in_max = top;
    info->latency_s = s->latency_s;
    info->energy_J = s->energy_J;
    info->traits = ET_HAS_KNOBS;
}

/* --------------------------------------------------------------------------------- forward -- */

static enum et_status make_room(struct bnn *s, size_t rows)
{
    if (rows <= s->work.rows) return ET_OK;
    et_free(s->work.x);
    et_free(s->work.y);
    s->work.rows = 0;
    s->work.x = et_alloc(rows * et_bnn_in_words(&s->layer), sizeof *s->work.x);
    s->work.y = et_alloc(rows * s->layer.c_out, sizeof *s->work.y);
    if (s->work.x == NULL || s->work.y == NULL) return ET_NOMEM;
    s->work.rows = rows;
    return ET_OK;
}

struct pass {
    struct bnn *s;
    struct et_view x, y;
};

static void pack_row(void *user, size_t row, size_t worker)
{
    const struct pass *pass = user;
    const struct bnn *s = pass->s;
    const struct et_bnn_layer *l = &s->layer;
    const float *x = pass->x.data + row * l->c_in;
    uint64_t *planes = s->work.x + row * et_bnn_in_words(l);
    bool bipolar = l->mode == ET_BNN_XNOR;
    if (bipolar && l->a_bits == 1) {
        et_bnn_pack_signs(x, 1, l->c_in, planes);
        return;
    }
    int16_t *level = s->level + worker * l->c_in;
    float top = (float)((1U << l->a_bits) - 1);
    for (size_t c = 0; c < l->c_in; c++) {
        float v = bipolar ? 2 * floorf(x[c] / 2) + 1 : floorf(x[c] + 0.5F);
        level[c] = (int16_t)(v < top ? v : top);
    }
    et_bnn_pack(level, 1, l->c_in, l->a_bits, bipolar ? ET_BNN_BIPOLAR : ET_BNN_UNSIGNED, planes);
}

static void unpack_row(void *user, size_t row, size_t worker)
{
    (void)worker;
    const struct pass *pass = user;
    size_t n = pass->s->layer.c_out;
    const int32_t *from = pass->s->work.y + row * n;
    float *to = pass->y.data + row * n;
    for (size_t o = 0; o < n; o++)
        to[o] = (float)from[o];
}

/* The device's own account of its time, for the ledger. */
static enum et_status count_cycles(struct bnn *s)
{
    struct et_bnn_counters counters;
    if (et_accelerator_transport(s->device) == NULL) return ET_OK;
    ET_TRY(et_accelerator_counters(s->device, &counters));
    s->busy_cycles = counters.busy;
    return ET_OK;
}

static double bnn_device_s(const void *state)
{
    const struct bnn *s = state;
    return s->busy_cycles > 0 ? (double)s->busy_cycles / s->clock_Hz : NAN;
}

static enum et_status bnn_forward(void *state, const struct et_step *step, struct et_view x,
                                  struct et_view y)
{
    struct bnn *s = state;
    struct pass pass = {s, x, y};
    (void)step;
    ET_TRY(make_room(s, x.rows));
    et_parallel_for(x.rows, pack_row, &pass);
    ET_TRY(et_accelerator_run(s->device, s->id, x.rows, s->work.x, s->work.y));
    et_parallel_for(x.rows, unpack_row, &pass);
    return count_cycles(s);
}

/* ----------------------------------------------------------------------------------- knobs -- */

static enum et_status bnn_set_knobs(void *state, const float *knobs)
{
    struct bnn *s = state;
    memcpy(s->knob, knobs, s->layer.c_in * s->layer.c_out * sizeof *knobs);
    if (take_signs(s, knobs)) s->stale = true;
    if (!s->stale) return ET_OK;
    ET_TRY(et_accelerator_reload(s->device, s->id, s->weight, NULL, NULL));
    s->stale = false;
    return ET_OK;
}

static void bnn_get_knobs(const void *state, float *knobs)
{
    const struct bnn *s = state;
    memcpy(knobs, s->knob, s->layer.c_in * s->layer.c_out * sizeof *knobs);
}

const struct et_system_type et_system_bnn_layer = {
    .name = "bnn-layer",
    .summary = "Dense layer of one-bit weights on the binarized accelerator, or its twin.",
    .state_size = sizeof(struct bnn),
    .params = params,
    .open = bnn_open,
    .describe = bnn_describe,
    .forward = bnn_forward,
    .set_knobs = bnn_set_knobs,
    .get_knobs = bnn_get_knobs,
    .device_s = bnn_device_s,
    .close = bnn_close,
};
