/* SPDX-License-Identifier: Apache-2.0
 *
 * Stages and their devices. */
#include "network.h"

#include "binary_stage.h"
#include "drive.h"
#include "knobs.h"

#include <etalon/parallel.h>
#include <etalon/rng.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
static const struct et_param drive_params[] = {
    {.name = "map", .kind = ET_PARAM_CHOICE, .initial = "none",
     .choices = "none|unit-norm|tile|affine",
     .doc = "How activities become inputs: as they are, |h|/||h||, min-max tiled with its "
            "complement, or centred and scaled by the training rows; all clipped to the legal "
            "range."},
    {.name = "gain", .kind = ET_PARAM_REAL, .initial = "1", .min = 1e-6, .max = 1e6,
     .doc = "Factor of the map (tile has none)."},
    {0},
};

const struct et_param et__stage_params[] = {
    {.name = "system", .kind = ET_PARAM_TYPE, .initial = "", .choices = "system",
     .doc = "The physical system; without one the stage is digital."},
    {.name = "device", .kind = ET_PARAM_INT, .initial = "0", .min = 0, .max = 1000000,
     .doc = "Stages with equal system parameters and equal device number share one device."},
    {.name = "drive", .kind = ET_PARAM_RECORD, .initial = "{}", .fields = drive_params,
     .doc = "From activities to the inputs of the system."},
    {.name = "output", .kind = ET_PARAM_CHOICE, .initial = "none",
     .choices = "none|zscore|minmax|percentile",
     .doc = "Scaling of the system's outputs, fitted on the training rows (schedule greedy)."},
    {.name = "skip", .kind = ET_PARAM_BOOL, .initial = "false",
     .doc = "Let the readout also see the stage's incoming activities (a digital skip)."},
    {.name = "normalise", .kind = ET_PARAM_CHOICE, .initial = "none", .choices = "none|length",
     .doc = "length: divide what the readout sees by its root mean square, row by row."},
    {.name = "dropout", .kind = ET_PARAM_REAL, .initial = "0", .min = 0, .max = 0.95,
     .doc = "Share of the readout's inputs that is dropped while training."},
    {.name = "readout", .kind = ET_PARAM_CHOICE, .initial = "linear", .choices = "linear|none",
     .doc = "none: what the readout would see are the activities themselves; the controls that "
            "stand in for the system have a linear one."},
    {.name = "width", .kind = ET_PARAM_INT, .initial = "0", .min = 0, .max = 1000000,
     .doc = "Outputs of the digital readout, at least 1; without a readout and in a binary layer "
            "those of the system."},
    {.name = "activation", .kind = ET_PARAM_CHOICE, .initial = "none",
     .choices = "none|relu|tanh", .doc = "Digital nonlinearity behind the readout."},
    {.name = "binary", .kind = ET_PARAM_RECORD, .initial = "{}", .fields = et__bits_params,
     .doc = "One-bit weights inside the system in place of a digital readout."},
    {.name = "knobs", .kind = ET_PARAM_RECORD, .initial = "{}", .fields = et__knobs_params,
     .doc = "Knobs of the system that learn beside the readout."},
    {0},
};
/* clang-format on */

/* Who programs the device of a layer: nobody, a binary stage, a stage whose knobs learn. */
static int programmer_of(const struct et_config *layer)
{
    if (et_config_choice(et_config_at(layer, "binary", 0), "rule") != ET__BITS_NONE) return 1;
    return et_config_choice(et_config_at(layer, "knobs", 0), "train") != ET__KNOBS_FIXED ? 2 : 0;
}

/* The system of stage i, opened or found among the devices that are open already. */
static enum et_status find_device(struct et__network *network, const struct et_config *layers,
                                  size_t i, uint64_t device_seed)
{
    struct et__stage *stage = &network->stage[i];
    const struct et_config *layer = et_config_at(layers, "layers", i);
    const struct et_config *wanted = et_config_at(layer, "system", 0);
    int64_t number = et_config_int(layer, "device");
    for (size_t k = 0; k < i; k++) {
        const struct et_config *other = et_config_at(layers, "layers", k);
        if (network->stage[k].system == NULL || et_config_int(other, "device") != number) continue;
        if (strcmp(et_config_resolved(et_config_at(other, "system", 0)),
                   et_config_resolved(wanted)) != 0)
            continue;
        /* What one stage has learned is no business of a stage that takes the device as it is. */
        if (programmer_of(other) != programmer_of(layer)) continue;
        stage->system = network->stage[k].system;
        stage->slot = network->stage[k].slot;
        return ET_OK;
    }
    uint64_t seed = et_rng_derive(device_seed, (uint64_t)number);
    ET_TRY_WHILE(et_system_open(wanted, seed, &stage->system), "opening the system of layer %zu",
                 i);
    stage->slot = network->n_devices;
    network->device[network->n_devices++] = stage->system;
    return ET_OK;
}

static void close_substitutes(struct et__network *network)
{
    for (size_t i = 0; i < network->n_stages; i++) {
        et_system_close(network->substitute[i]);
        network->substitute[i] = NULL;
        network->stage[i].system = network->stage[i].physical;
    }
}

enum et_status et__network_substitute(struct et__network *network, const char *control,
                                      uint64_t device_seed)
{
    close_substitutes(network);
    et__network_touch(network, NULL);
    for (size_t i = 0; control != NULL && i < network->n_stages; i++) {
        struct et__stage *stage = &network->stage[i];
        if (stage->physical == NULL) continue;
        char yaml[128];
        snprintf(yaml, sizeof yaml, "{type: %s, n_in: %zu, n_out: %zu}", control, stage->n_in,
                 stage->n_out);
        ET_TRY_WHILE(
            et_system_open_text(yaml, et_rng_derive(device_seed, i), &network->substitute[i]),
            "opening the control '%s'", control);
        stage->system = network->substitute[i];
    }
    return ET_OK;
}

static enum et_status check_drive(const struct et__stage *stage, const struct et_config *layer)
{
    const struct et_config *drive = et_config_at(layer, "drive", 0);
    if (stage->n_h > stage->n_in)
        return et_config_error(drive, "map",
                               "%zu activities do not fit into the %zu inputs of the system",
                               stage->n_h, stage->n_in);
    return ET_OK;
}

static void read_stage(struct et__stage *stage, const struct et_config *layer)
{
    const struct et_config *drive = et_config_at(layer, "drive", 0);
    stage->drive = (enum et__drive)et_config_choice(drive, "map");
    stage->gain = (float)et_config_real(drive, "gain");
    stage->output_scaling = (enum et_scaling)et_config_choice(layer, "output");
    stage->skip = et_config_bool(layer, "skip");
    stage->length_norm = et_config_choice(layer, "normalise") == 1;
    stage->dropout = (float)et_config_real(layer, "dropout");
    stage->activation = (enum et__activation)et_config_choice(layer, "activation");
    stage->width = (size_t)et_config_int(layer, "width");
    stage->outputs = et_config_choice(layer, "readout") == 1;
}

static enum et_status open_workspaces(struct et__stage *stage, size_t rows)
{
    if (stage->system != NULL) {
        ET_TRY(et_array_create(&stage->x, rows, stage->n_in));
        ET_TRY(et_array_create(&stage->a, rows, stage->n_out));
    }
    if (et__is_binary(stage))
        ET_TRY(et__bits_create(stage, rows));
    else
        ET_TRY(et_array_create(&stage->t, rows, stage->n_t));
    ET_TRY(et__knobs_create(stage, rows));
    ET_TRY(et_array_create(&stage->h, rows, stage->width));
    ET_TRY(et_array_create(&stage->d, rows, stage->width));
    ET_TRY(et_tensor_create(&stage->weight, "weight", stage->width, stage->n_t, 1));
    return et_tensor_create(&stage->bias, "bias", 1, stage->width, 1);
}

static enum et_status open_stage(struct et__network *network, const struct et_config *config,
                                 size_t i, size_t n_h, uint64_t device_seed)
{
    struct et__stage *stage = &network->stage[i];
    const struct et_config *layer = et_config_at(config, "layers", i);
    read_stage(stage, layer);
    stage->n_h = n_h;
    if (et_config_count(layer, "system") > 0) {
        ET_TRY(find_device(network, config, i, device_seed));
        stage->physical = stage->system;
        const struct et_system_info *info = et_system_info(stage->system);
        stage->n_in = info->n_in;
        stage->n_out = info->n_out;
        stage->in_min = info->in_min;
        stage->in_max = info->in_max;
        ET_TRY(check_drive(stage, layer));
    } else if (stage->skip) {
        return et_config_error(layer, "skip", "a stage without a system has nothing to skip");
    }
    ET_TRY(et__bits_read(stage, layer, i + 1 == network->n_stages));
    ET_TRY(et__knobs_read(stage, layer));
    stage->n_t = stage->system ? stage->n_out + (stage->skip ? n_h : 0) : n_h;
    if (stage->outputs && et__is_binary(stage))
        return et_config_error(layer, "readout", "a binary layer has no readout: leave it out");
    if (stage->outputs && stage->width == 0) stage->width = stage->n_t;
    if (stage->width == 0)
        return et_config_error(layer, "width", "a digital readout has at least 1 output");
    if (stage->outputs && stage->width != stage->n_t)
        return et_config_error(layer, "width", "%zu, but without a readout there are %zu outputs",
                               stage->width, stage->n_t);
    if (et__is_binary(stage)) stage->n_t = stage->n_in;
    if (!et__is_classes(stage)) network->n_scored = i + 1;
    return open_workspaces(stage, network->rows_max);
}

enum et_status et__network_open(struct et__network *network, const struct et_config *config,
                                size_t n_features, size_t rows_max, uint64_t device_seed)
{
    *network = (struct et__network){.n_features = n_features, .rows_max = rows_max};
    size_t n = et_config_count(config, "layers");
    network->stage = et_alloc(n, sizeof *network->stage);
    network->device = et_alloc(n, sizeof(struct et_system *));
    network->substitute = et_alloc(n, sizeof(struct et_system *));
    network->programmed = et_alloc(n, sizeof *network->programmed);
    if (!network->stage || !network->device || !network->substitute || !network->programmed)
        return ET_NOMEM;
    network->n_stages = n;
    for (size_t i = 0, n_h = n_features; i < n; n_h = network->stage[i++].width)
        ET_TRY(open_stage(network, config, i, n_h, device_seed));
    return ET_OK;
}

void et__network_close(struct et__network *network)
{
    close_substitutes(network);
    for (size_t i = 0; i < network->n_stages; i++) {
        struct et__stage *stage = &network->stage[i];
        et_array_destroy(&stage->x);
        et_array_destroy(&stage->a);
        et_array_destroy(&stage->t);
        et_array_destroy(&stage->h);
        et_array_destroy(&stage->d);
        et_tensor_destroy(&stage->weight);
        et_tensor_destroy(&stage->bias);
        et_scaler_destroy(&stage->drive_fit);
        et_scaler_destroy(&stage->output_fit);
        et__bits_destroy(stage);
        et__knobs_destroy(stage);
    }
    for (size_t i = 0; i < network->n_devices; i++)
        et_system_close(network->device[i]);
    et_free(network->device);
    et_free(network->substitute);
    et_free(network->programmed);
    et_free(network->stage);
    *network = (struct et__network){0};
}

static void reset_tensor(struct et_tensor *tensor)
{
    size_t bytes = tensor->rows * tensor->cols * sizeof(float);
    memset(tensor->value, 0, bytes);
    memset(tensor->gradient, 0, bytes);
    memset(tensor->moment1, 0, bytes);
    memset(tensor->moment2, 0, bytes);
}

void et__network_reset(struct et__network *network, uint64_t seed)
{
    for (size_t i = 0; i < network->n_stages; i++) {
        struct et__stage *stage = &network->stage[i];
        reset_tensor(&stage->weight);
        reset_tensor(&stage->bias);
        et__knobs_reset(stage);
        if (et__is_binary(stage)) {
            et__bits_reset(stage, seed, (uint32_t)i);
            continue;
        }
        size_t n = stage->width * stage->n_t;
        et_rng_fill_normal(seed, ET_STREAM_INIT, (uint32_t)i, 0, stage->weight.value, n);
        float scale = 1.0F / sqrtf((float)stage->n_t);
        for (size_t k = 0; k < n; k++)
            stage->weight.value[k] *= scale;
        et_scaler_destroy(&stage->drive_fit);
        et_scaler_destroy(&stage->output_fit);
    }
    et__network_touch(network, NULL);
    network->ledger = (struct et_ledger){0};
    network->digital_macs = 0;
}

bool et__network_has_classes(const struct et__network *network)
{
    return network->n_stages > 0 && et__is_classes(&network->stage[network->n_stages - 1]);
}

void et__network_touch(struct et__network *network, const struct et__stage *stage)
{
    for (size_t k = 0; k < network->n_devices; k++)
        if (stage == NULL || stage->slot == k) network->programmed[k] = 0;
}

bool et__stage_fits_drive(const struct et__stage *stage)
{
    bool fitted = stage->drive == ET__DRIVE_TILE || stage->drive == ET__DRIVE_AFFINE;
    return stage->system != NULL && fitted;
}

bool et__stage_fits_output(const struct et__stage *stage)
{
    return stage->system != NULL && stage->output_scaling != ET_SCALE_NONE;
}

enum et_status et__stage_fit_drive(struct et__stage *stage, struct et_view h, const size_t *index,
                                   size_t n)
{
    if (!et__stage_fits_drive(stage)) return ET_OK;
    et_scaler_destroy(&stage->drive_fit);
    enum et_scaling scaling = stage->drive == ET__DRIVE_TILE ? ET_SCALE_MINMAX : ET_SCALE_ZSCORE;
    return et_scaler_fit(&stage->drive_fit, scaling, h, index, n);
}

enum et_status et__stage_fit_output(struct et__stage *stage, struct et_view a, const size_t *index,
                                    size_t n)
{
    if (!et__stage_fits_output(stage)) return ET_OK;
    et_scaler_destroy(&stage->output_fit);
    return et_scaler_fit(&stage->output_fit, stage->output_scaling, a, index, n);
}

/* Puts what a stage has learned into its device, unless it is there already. */
static enum et_status program(struct et__network *network, size_t i)
{
    struct et__stage *stage = &network->stage[i];
    if (network->programmed[stage->slot] == i + 1) return ET_OK;
    network->programmed[stage->slot] = 0; /* undefined when it fails */
    if (et__is_binary(stage)) et__bits_weights(stage);
    const float *knobs = et__is_binary(stage) ? stage->bits.weight.data : stage->knobs.value.value;
    ET_TRY_WHILE(et_system_set_knobs(stage->system, knobs, et_system_info(stage->system)->n_knobs),
                 "programming layer %zu", i);
    network->programmed[stage->slot] = i + 1;
    return ET_OK;
}

/* What goes into the system; false when the outputs are there already, without a device. */
static enum et_status prepare(struct et__network *network, size_t i, struct et_view h,
                              struct et_view x, struct et_view a, bool *measured)
{
    struct et__stage *stage = &network->stage[i];
    *measured = true;
    if (!et__is_binary(stage)) {
        et__drive(stage, h, x);
        return et__knobs_programmed(stage) ? program(network, i) : ET_OK;
    }
    et__bits_drive(stage, h, x);
    if (stage->system != stage->physical) return ET_OK; /* a control has no weights */
    if (!stage->bits.soft) return program(network, i);
    et__bits_weights(stage);
    et__bits_multiply(network, i, x, a);
    *measured = false;
    return ET_OK;
}

/* Adds to the network's ledger what a system did since its own stood at `before`. */
static void account(struct et__network *network, const struct et_system *system,
                    struct et_ledger before)
{
    struct et_ledger after = et_system_ledger(system);
    network->ledger.passes += after.passes - before.passes;
    network->ledger.device_s += after.device_s - before.device_s;
    network->ledger.device_J += after.device_J - before.device_J;
}

enum et_status et__stage_teach(struct et__network *network, size_t i, const struct et_step *step,
                               struct et_view h, const struct et_teacher *teacher, float *dknobs)
{
    struct et__stage *stage = &network->stage[i];
    struct et_view x = et_view_rows(et_array_view(&stage->x), 0, h.rows);
    et__drive(stage, h, x);
    ET_TRY(program(network, i));
    struct et_ledger before = et_system_ledger(stage->system);
    ET_TRY_WHILE(et_system_teach(stage->system, step, x, teacher, (struct et_view){0}, dknobs),
                 "teaching layer %zu", i);
    account(network, stage->system, before);
    return ET_OK;
}

enum et_status et__stage_measure(struct et__network *network, size_t i, const struct et_step *step,
                                 struct et_view h)
{
    struct et__stage *stage = &network->stage[i];
    if (stage->system == NULL) return ET_OK;
    struct et_view x = et_view_rows(et_array_view(&stage->x), 0, h.rows);
    struct et_view a = et_view_rows(et_array_view(&stage->a), 0, h.rows);
    bool measured;
    ET_TRY(prepare(network, i, h, x, a, &measured));
    if (!measured) return ET_OK;
    struct et_ledger before = et_system_ledger(stage->system);
    ET_TRY_WHILE(et_system_forward(stage->system, step, x, a), "measuring layer %zu", i);
    account(network, stage->system, before);
    return ET_OK;
}

void et__stage_join(struct et__stage *stage, struct et_view h, struct et_view t)
{
    if (stage->system == NULL) {
        et_view_copy(t, h);
        return;
    }
    struct et_view a = et_view_rows(et_array_view(&stage->a), 0, h.rows);
    struct et_view left = et_view_cols(t, 0, stage->n_out);
    if (stage->output_scaling)
        et_scaler_apply(&stage->output_fit, a, left);
    else
        et_view_copy(left, a);
    if (stage->skip) et_view_copy(et_view_cols(t, stage->n_out, stage->n_h), h);
}

float et__length_factor(const float *row, size_t n)
{
    float sum = 0;
    for (size_t j = 0; j < n; j++)
        sum += row[j] * row[j];
    return 1.0F / sqrtf(sum / (float)n + 1e-8F);
}

void et__stage_assemble(struct et__stage *stage, struct et_view h, struct et_view t)
{
    et__stage_join(stage, h, t);
    if (!stage->length_norm) return;
    for (size_t r = 0; r < t.rows; r++) {
        float *row = t.data + r * t.stride, factor = et__length_factor(row, t.cols);
        for (size_t j = 0; j < t.cols; j++)
            row[j] *= factor;
    }
}

void et__stage_dropout(const struct et__stage *stage, struct et_view t, uint64_t seed,
                       uint32_t step, const size_t *row)
{
    if (stage->dropout <= 0) return;
    /* 32 random bits per element: four elements from one Philox block. */
    uint32_t limit = (uint32_t)(4294967296.0 * (double)stage->dropout);
    float keep = 1.0F / (1.0F - stage->dropout);
    size_t blocks = (t.cols + 3) / 4;
    for (size_t r = 0; r < t.rows; r++) {
        float *to = t.data + r * t.stride;
        for (size_t b = 0; b < blocks; b++) {
            uint32_t word[4];
            et_rng_block(seed, ET_STREAM_DROPOUT, step, row[r] * blocks + b, word);
            for (size_t j = 4 * b; j < 4 * b + 4 && j < t.cols; j++)
                to[j] = word[j % 4] < limit ? 0.0F : to[j] * keep;
        }
    }
}
