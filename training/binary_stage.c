/* SPDX-License-Identifier: Apache-2.0
 *
 * Binary stages; formulas in binary_stage.h. */
#include "binary_stage.h"

#include <etalon/parallel.h>
#include <etalon/rng.h>

#include <math.h>

static const float INIT_RANGE = 0.1F;

/* clang-format off */
const struct et_param et__bits_params[] = {
    {.name = "rule", .kind = ET_PARAM_CHOICE, .initial = "none", .choices = "none|ste|biper",
     .doc = "One-bit weights as the knobs of the system (n_knobs = n_out * n_in), learned through "
            "the straight-through estimator or a periodic binariser; none = a digital readout."},
    {.name = "role", .kind = ET_PARAM_CHOICE, .initial = "hidden", .choices = "hidden|classes",
     .doc = "classes (last layer): one output per class, trained by cross-entropy on scaled "
            "accumulators; a classifier of integers alone, reported beside the objective's."},
    {.name = "freeze", .kind = ET_PARAM_BOOL, .initial = "false",
     .doc = "Keep the layer as it was drawn, for a control: only what reads it learns."},
    {.name = "in_bits", .kind = ET_PARAM_INT, .initial = "0", .min = 0, .max = 8,
     .doc = "Bit planes of the inputs: an activity in [0, 1) becomes one of 2^in_bits odd "
            "integers, so 1 and 2 mean the top one and two bits of a pixel; 0 = as the system's "
            "range tells, 1 where it has none."},
    {.name = "memory", .kind = ET_PARAM_REAL, .initial = "0.9", .min = 0, .max = 0.9999,
     .doc = "Memory of the running mean and variance, batch to batch."},
    {.name = "w0", .kind = ET_PARAM_REAL, .initial = "20", .min = 0.1, .max = 1000,
     .doc = "BiPer: frequency of the binariser sign(sin(w0 latent))."},
    {.name = "soft", .kind = ET_PARAM_REAL, .initial = "0.5", .min = 0, .max = 0.95,
     .doc = "BiPer: first share of the epochs, with weights sin(w0 latent); real numbers, so in "
            "software, not on the device."},
    {.name = "scale", .kind = ET_PARAM_REAL, .initial = "0", .min = 0, .max = 1000,
     .doc = "Role classes: logits per unit of the accumulators; 0 = 1/sqrt(n_in)."},
    {0},
};
/* clang-format on */

bool et__is_binary(const struct et__stage *stage)
{
    return stage->bits.rule != ET__BITS_NONE;
}

bool et__is_classes(const struct et__stage *stage)
{
    return et__is_binary(stage) && stage->bits.classes;
}

/* ---------------------------------------------------------------------------- opening -- */

/* Parameters that belong to a digital readout. */
static enum et_status check_layer(const struct et__stage *stage, const struct et_config *layer)
{
    const struct et_config *drive = et_config_at(layer, "drive", 0);
    if (stage->drive != ET__DRIVE_NONE)
        return et_config_error(drive, "map",
                               "the inputs of a binary layer are bits (binary.in_bits): its drive "
                               "has no map");
    const char *digital = NULL; /* a parameter of the readout that is not at rest */
    if (stage->output_scaling != ET_SCALE_NONE) digital = "output";
    if (stage->skip) digital = "skip";
    if (stage->length_norm) digital = "normalise";
    if (stage->dropout > 0) digital = "dropout";
    if (stage->activation != ET__LINEAR) digital = "activation";
    if (digital != NULL)
        return et_config_error(layer, digital, "a binary layer has no digital readout, so no '%s'",
                               digital);
    return ET_OK;
}

/* in_max = 2^n - 1 tells n. */
static unsigned planes_of(const struct et__stage *stage)
{
    for (unsigned n = 2; n <= 8; n++)
        if (stage->in_max == (float)((1U << n) - 1)) return n;
    return 1;
}

static enum et_status check_system(struct et__stage *stage, const struct et_config *layer)
{
    const struct et_config *binary = et_config_at(layer, "binary", 0);
    const struct et_system_info *info = et_system_info(stage->system);
    if (!(info->traits & ET_HAS_KNOBS) || info->n_knobs != info->n_out * info->n_in)
        return et_config_error(binary, "rule",
                               "a binary layer needs a system whose knobs are its %zu x %zu "
                               "weights; '%s' has %zu knobs",
                               info->n_out, info->n_in, et_system_name(stage->system),
                               info->n_knobs);
    if (stage->n_h != stage->n_in)
        return et_config_error(layer, "system", "%zu activities enter a system of %zu inputs",
                               stage->n_h, stage->n_in);
    if (stage->bits.in_bits == 0) stage->bits.in_bits = planes_of(stage);
    float most = (float)((1U << stage->bits.in_bits) - 1);
    if (stage->in_min > -most || stage->in_max < most)
        return et_config_error(binary, "in_bits",
                               "%u planes reach from %g to %g, the system takes %g to %g",
                               stage->bits.in_bits, (double)-most, (double)most,
                               (double)stage->in_min, (double)stage->in_max);
    if (stage->width != 0 && stage->width != stage->n_out)
        return et_config_error(layer, "width", "%zu is not the %zu outputs of the binary system",
                               stage->width, stage->n_out);
    return ET_OK;
}

enum et_status et__bits_read(struct et__stage *stage, const struct et_config *layer, bool last)
{
    const struct et_config *binary = et_config_at(layer, "binary", 0);
    struct et__bits *bits = &stage->bits;
    *bits = (struct et__bits){
        .rule = (enum et__bits_rule)et_config_choice(binary, "rule"),
        .classes = et_config_choice(binary, "role") == 1,
        .freeze = et_config_bool(binary, "freeze"),
        .low = -1,
        .high = 1,
        .in_bits = (unsigned)et_config_int(binary, "in_bits"),
        .memory = et_config_real(binary, "memory"),
        .w0 = (float)et_config_real(binary, "w0"),
        .soft_share = et_config_real(binary, "soft"),
        .scale = (float)et_config_real(binary, "scale"),
    };
    if (!et__is_binary(stage)) return ET_OK;
    if (stage->system == NULL)
        return et_config_error(binary, "rule", "a binary layer needs a system");
    if (bits->classes && !last)
        return et_config_error(binary, "role", "only the last layer can be the classes");
    ET_TRY(check_layer(stage, layer));
    ET_TRY(check_system(stage, layer));
    stage->width = stage->n_out;
    if (bits->scale <= 0) bits->scale = 1.0F / sqrtf((float)stage->n_in);
    if (bits->rule != ET__BITS_BIPER) bits->soft_share = 0;
    return ET_OK;
}

enum et_status et__bits_create(struct et__stage *stage, size_t rows)
{
    struct et__bits *bits = &stage->bits;
    size_t n = stage->n_out;
    ET_TRY(et_array_create(&bits->weight, n, stage->n_in));
    ET_TRY(et_array_create(&bits->normal, rows, n));
    ET_TRY(et_tensor_create(&bits->mean, "norm_mean", 1, n, 0));
    ET_TRY(et_tensor_create(&bits->variance, "norm_variance", 1, n, 0));
    bits->inverse_sd = et_alloc(n, sizeof *bits->inverse_sd);
    bits->threshold = et_alloc(n, sizeof *bits->threshold);
    return bits->inverse_sd && bits->threshold ? ET_OK : ET_NOMEM;
}

void et__bits_destroy(struct et__stage *stage)
{
    struct et__bits *bits = &stage->bits;
    et_array_destroy(&bits->weight);
    et_array_destroy(&bits->normal);
    et_tensor_destroy(&bits->mean);
    et_tensor_destroy(&bits->variance);
    et_free(bits->inverse_sd);
    et_free(bits->threshold);
}

void et__bits_reset(struct et__stage *stage, uint64_t seed, uint32_t i)
{
    struct et__bits *bits = &stage->bits;
    et_rng_fill_uniform(seed, ET_STREAM_INIT, i, 0, -INIT_RANGE, INIT_RANGE, stage->weight.value,
                        stage->n_out * stage->n_in);
    for (size_t j = 0; j < stage->n_out; j++) {
        bits->mean.value[j] = 0;
        bits->variance.value[j] = 1;
    }
    bits->soft = false;
}

/* --------------------------------------------------------------------- to the device -- */

struct drive {
    const struct et__stage *stage;
    struct et_view h, x;
};

ET_VECTOR_CLONES
static void drive_row(const float *restrict from, float *restrict to, size_t n, float factor,
                      float top)
{
    for (size_t j = 0; j < n; j++) {
        float v = factor * from[j];
        v = v < top ? v : top;
        v = v > 0 ? v : 0;
        to[j] = 2 * (float)(int32_t)v - top; /* not negative: truncation is floor */
    }
}

static void drive_rows(void *user, size_t r, size_t worker)
{
    (void)worker;
    const struct drive *drive = user;
    float levels = (float)(1U << drive->stage->bits.in_bits);
    drive_row(drive->h.data + r * drive->h.stride, drive->x.data + r * drive->x.stride,
              drive->h.cols, drive->stage->gain * levels, levels - 1);
}

void et__bits_drive(const struct et__stage *stage, struct et_view h, struct et_view x)
{
    struct drive drive = {stage, h, x};
    et_parallel_for(h.rows, drive_rows, &drive);
}

enum { TASK = 16384 }; /* elements that make a task of a parallel loop worth its while */

struct weights {
    struct et__stage *stage;
    size_t n;
};

static void make_weights(void *user, size_t i, size_t worker)
{
    (void)worker;
    const struct weights *w = user;
    const struct et__bits *bits = &w->stage->bits;
    const float *latent = w->stage->weight.value;
    float *weight = bits->weight.data;
    size_t first = i * TASK, last = first + TASK < w->n ? first + TASK : w->n;
    if (bits->rule == ET__BITS_STE)
        for (size_t k = first; k < last; k++)
            weight[k] = latent[k] >= 0 ? 1.0F : -1.0F;
    else if (bits->soft)
        for (size_t k = first; k < last; k++)
            weight[k] = sinf(bits->w0 * latent[k]);
    else
        for (size_t k = first; k < last; k++)
            weight[k] = sinf(bits->w0 * latent[k]) >= 0 ? 1.0F : -1.0F;
}

void et__bits_weights(struct et__stage *stage)
{
    struct weights w = {stage, stage->n_out * stage->n_in};
    et_parallel_for((w.n + TASK - 1) / TASK, make_weights, &w);
}

void et__bits_multiply(struct et__network *network, size_t i, struct et_view x, struct et_view a)
{
    const struct et__stage *stage = &network->stage[i];
    et_gemm(ET_PLAIN, ET_TRANSPOSED, 1, x, et_array_view(&stage->bits.weight), 0, a);
    network->digital_macs += (double)x.rows * (double)stage->n_in * (double)stage->n_out;
}

ET_VECTOR_CLONES
static void clip_block(float *latent, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        float v = latent[k] < 1 ? latent[k] : 1;
        latent[k] = v > -1 ? v : -1;
    }
}

static void clip_body(void *user, size_t i, size_t worker)
{
    (void)worker;
    struct et__stage *stage = user;
    size_t n = stage->n_out * stage->n_in, first = i * TASK;
    clip_block(stage->weight.value + first, n - first < TASK ? n - first : TASK);
}

void et__bits_clip(struct et__stage *stage)
{
    if (stage->bits.rule != ET__BITS_STE) return;
    et_parallel_for((stage->n_out * stage->n_in + TASK - 1) / TASK, clip_body, stage);
}
