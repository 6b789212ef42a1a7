/* SPDX-License-Identifier: Apache-2.0
 *
 * Recorded spikes in HDF5, binned into frames [bins][channels]: SHD-style files (ragged rows of
 * times and units) and NIRData recordings. */
#include "dataset_create.h"
#include "nir_data.h"
#include "spikes.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct et_param params[] = {
    {.name = "path",
     .kind = ET_PARAM_STRING,
     .doc = "The file; relative to the experiment file, or \"${ETALON_DATA}/...\"."},
    {.name = "path_test",
     .kind = ET_PARAM_STRING,
     .initial = "\"\"",
     .doc = "A second file of the same layout, the test part; empty = no split of its own."},
    {.name = "format",
     .kind = ET_PARAM_CHOICE,
     .initial = "shd",
     .choices = "shd|nir-data",
     .doc = "Layout of the file: rows of variable length, or NIRData."},
    {.name = "times",
     .kind = ET_PARAM_STRING,
     .initial = "/spikes/times",
     .doc = "shd: spike times in s, a row for each sample."},
    {.name = "units",
     .kind = ET_PARAM_STRING,
     .initial = "/spikes/units",
     .doc = "shd: the unit of each spike, rows as for the times."},
    {.name = "labels",
     .kind = ET_PARAM_STRING,
     .initial = "/labels",
     .doc = "Classes [n], integers from 0."},
    {.name = "node",
     .kind = ET_PARAM_STRING,
     .initial = "input",
     .doc = "nir-data: the node whose recording is read; of a sub-graph \"outer/inner\"."},
    {.name = "observable",
     .kind = ET_PARAM_STRING,
     .initial = "spikes",
     .doc = "nir-data: what of the node."},
    {.name = "channels",
     .kind = ET_PARAM_INT,
     .initial = "700",
     .min = 1,
     .max = 1 << 24,
     .doc = "shd: units of the recorded layer (nir-data: the file tells)."},
    {.name = "merge",
     .kind = ET_PARAM_INT,
     .initial = "1",
     .min = 1,
     .max = 1 << 24,
     .doc = "So many neighbouring units share a channel of the frames."},
    {.name = "bins",
     .kind = ET_PARAM_INT,
     .initial = "100",
     .min = 1,
     .max = 1 << 20,
     .doc = "Frames of a sample; features = bins x channels."},
    {.name = "window",
     .kind = ET_PARAM_REAL,
     .initial = "1.4",
     .min = 1e-12,
     .max = 1e6,
     .unit = "s",
     .doc = "Time that the frames cover, from 0 (gridded recordings: steps x dt of the file)."},
    {.name = "count",
     .kind = ET_PARAM_CHOICE,
     .initial = "any",
     .choices = "any|sum",
     .doc = "A frame holds 1 where there is any spike, or the number of spikes."},
    {.name = "lenient",
     .kind = ET_PARAM_BOOL,
     .initial = "false",
     .doc = "Spikes outside the window are dropped and the order of times does not matter; "
            "otherwise both are errors."},
    {.name = "classes",
     .kind = ET_PARAM_INT,
     .initial = "0",
     .min = 0,
     .max = 65536,
     .doc = "Labels are 0 .. classes - 1; 0 = one more than the highest label."},
    {0},
};

/* Numbers of a data set above this are a mistake; rows that are read at once. */
#define NUMBERS_MAX ((size_t)1 << 30)
enum { ROWS_AT_ONCE = 64 };

struct part {
    const struct et_config *config;
    char *path;
    struct et_store *store;
    struct et__nir_data recording; /* nir-data only */
    size_t rows;
};

static bool is_shd(const struct et_config *config)
{
    return et_config_choice(config, "format") == 0;
}

static void close_part(struct part *part)
{
    et__nir_data_destroy(&part->recording);
    et_store_close(part->store);
    et_free(part->path);
}

static enum et_status open_part(const struct et_config *config, const char *which,
                                struct part *part)
{
    part->config = config;
    ET_TRY(et_config_file(config, et_config_string(config, which), &part->path));
    ET_TRY(et_store_open_foreign(part->path, &part->store));
    if (is_shd(config)) {
        size_t units = 0;
        const char *times = et_config_string(config, "times");
        if (!et_store_has_rows(part->store, times, &part->rows) ||
            !et_store_has_rows(part->store, et_config_string(config, "units"), &units))
            return et_error_set(ET_FORMAT, "%s: '%s' and '%s' are not rows of variable length",
                                part->path, times, et_config_string(config, "units"));
        if (units == part->rows) return ET_OK;
        return et_error_set(ET_SHAPE, "%s: %zu rows of times, %zu rows of units", part->path,
                            part->rows, units);
    }
    enum et_status status =
        et__nir_data_read(part->store, et_config_string(config, "node"),
                          et_config_string(config, "observable"), &part->recording);
    part->rows = part->recording.n_samples;
    return status;
}

static enum et_status read_labels(struct part *part, int32_t *label)
{
    const char *name = et_config_string(part->config, "labels");
    struct et_store_shape shape;
    ET_TRY(et_store_shape(part->store, name, &shape));
    size_t n = 1;
    for (size_t i = 0; i < shape.rank; i++)
        n *= shape.dims[i];
    if (n != part->rows)
        return et_error_set(ET_SHAPE, "%s: %s: %zu labels for %zu samples", part->path, name, n,
                            part->rows);
    int64_t *wide = et_alloc(n, sizeof *wide);
    if (wide == NULL) return ET_NOMEM;
    shape.kind = ET_STORE_I64;
    enum et_status status = et_store_read(part->store, name, shape, wide);
    for (size_t i = 0; i < n && status == ET_OK; i++)
        if (wide[i] < 0 || wide[i] > 65535)
            status = et_error_set(ET_FORMAT, "%s: %s[%zu] = %lld is no class from 0 to 65535",
                                  part->path, name, i, (long long)wide[i]);
        else
            label[i] = (int32_t)wide[i];
    et_free(wide);
    return status;
}

/* ---- SHD ---- */

static enum et_status bin_row(const struct part *part, const struct et__frames *frames, size_t row,
                              const struct et_store_rows *times, const struct et_store_rows *units,
                              float *x)
{
    const size_t i = row % ROWS_AT_ONCE, first = times->start[i];
    const size_t n = times->start[i + 1] - first;
    const int64_t *unit = (const int64_t *)units->data + units->start[i];
    struct et__spikes spikes;
    char where[512];
    snprintf(where, sizeof where, "%.440s: sample %zu", part->path, row);
    if (units->start[i + 1] - units->start[i] != n)
        return et_error_set(ET_SHAPE, "%s has %zu times and %zu units", where, n,
                            units->start[i + 1] - units->start[i]);
    ET_TRY(et__spikes_create(&spikes, n));
    spikes.n = n;
    memcpy(spikes.time, (const double *)times->data + first, n * sizeof *spikes.time);
    /* What is no unit stays none: the limit is below the largest number. */
    for (size_t k = 0; k < n; k++)
        spikes.unit[k] = unit[k] < 0 || unit[k] > UINT32_MAX ? UINT32_MAX : (uint32_t)unit[k];
    enum et_status status = et__spikes_bin(where, frames, &spikes, x);
    et__spikes_destroy(&spikes);
    return status;
}

static enum et_status load_shd(struct part *part, const struct et__frames *frames, float *x,
                               size_t cols)
{
    enum et_status status = ET_OK;
    for (size_t first = 0; first < part->rows && status == ET_OK; first += ROWS_AT_ONCE) {
        const size_t left = part->rows - first, n = left < ROWS_AT_ONCE ? left : ROWS_AT_ONCE;
        struct et_store_rows times = {0}, units = {0};
        status = et_store_read_rows(part->store, et_config_string(part->config, "times"),
                                    ET_STORE_F64, first, n, &times);
        if (status == ET_OK)
            status = et_store_read_rows(part->store, et_config_string(part->config, "units"),
                                        ET_STORE_I64, first, n, &units);
        for (size_t i = 0; i < n && status == ET_OK; i++)
            status = bin_row(part, frames, first + i, &times, &units, x + (first + i) * cols);
        et_store_rows_destroy(&units);
        et_store_rows_destroy(&times);
    }
    return status;
}

/* ---- NIRData ---- */

static enum et_status bin_events(const struct part *part, const struct et__frames *frames,
                                 size_t sample, float *x)
{
    const struct et__nir_data *r = &part->recording;
    struct et__spikes spikes;
    char where[512];
    snprintf(where, sizeof where, "%.440s: sample %zu", part->path, sample);
    ET_TRY(et__spikes_create(&spikes, r->n_events));
    enum et_status status = ET_OK;
    if (r->value != NULL && (spikes.value = et_alloc(r->n_events, sizeof(float))) == NULL)
        status = ET_NOMEM;
    for (size_t i = 0; i < r->n_events && status == ET_OK; i++) {
        const size_t at = sample * r->n_events + i;
        if (r->index[at] < 0) continue;
        if (spikes.value != NULL) spikes.value[spikes.n] = (float)r->value[at];
        spikes.time[spikes.n] = r->time[at];
        spikes.unit[spikes.n++] = (uint32_t)r->index[at];
    }
    if (status == ET_OK) status = et__spikes_bin(where, frames, &spikes, x);
    et__spikes_destroy(&spikes);
    return status;
}

/* Frames of a recording with a grid of its own: its steps fall into the bins. */
static void bin_grid(const struct part *part, const struct et__frames *frames, size_t sample,
                     float *x)
{
    const struct et__nir_data *r = &part->recording;
    const size_t channels = et__frames_channels(frames);
    for (size_t t = 0; t < r->n_steps; t++)
        for (size_t j = 0; j < r->n_neurons; j++) {
            float *to = &x[t * frames->bins / r->n_steps * channels + j / frames->merge];
            *to += r->values[(sample * r->n_steps + t) * r->n_neurons + j];
            if (frames->clip && r->spikes && *to != 0) *to = 1;
        }
}

static enum et_status load_recording(const struct part *part, const struct et__frames *frames,
                                     float *x, size_t cols)
{
    for (size_t i = 0; i < part->rows; i++)
        if (part->recording.kind == ET__NIR_DATA_GRIDDED)
            bin_grid(part, frames, i, x + i * cols);
        else
            ET_TRY(bin_events(part, frames, i, x + i * cols));
    return ET_OK;
}

/* ---- both ---- */

static enum et_status load_part(struct part *part, const struct et__frames *frames,
                                struct et_dataset *dataset, size_t first)
{
    float *x = dataset->x.data + first * dataset->x.cols;
    ET_TRY(read_labels(part, dataset->label + first));
    return is_shd(part->config) ? load_shd(part, frames, x, dataset->x.cols)
                                : load_recording(part, frames, x, dataset->x.cols);
}

static enum et_status load_parts(const struct et_config *config, struct part *part,
                                 struct part *test, struct et_dataset *dataset)
{
    const bool has_test = *et_config_string(config, "path_test") != '\0';
    ET_TRY(open_part(config, "path", part));
    if (has_test) ET_TRY(open_part(config, "path_test", test));
    const bool shd = is_shd(config);
    const struct et__frames frames = {
        .bins = (size_t)et_config_int(config, "bins"),
        .units = shd ? (size_t)et_config_int(config, "channels") : part->recording.n_neurons,
        .merge = (size_t)et_config_int(config, "merge"),
        .window = et_config_real(config, "window"),
        .upper = !shd,
        .clip = et_config_choice(config, "count") == 0,
        .lenient = et_config_bool(config, "lenient"),
    };
    if (has_test && test->recording.n_neurons != part->recording.n_neurons)
        return et_error_set(ET_SHAPE, "%s: %zu neurons, the training part has %zu", test->path,
                            test->recording.n_neurons, part->recording.n_neurons);
    const size_t rows = part->rows + test->rows;
    const size_t cols = frames.bins * et__frames_channels(&frames);
    if (rows == 0) return et_error_set(ET_FORMAT, "%s: holds no sample", part->path);
    if (cols > NUMBERS_MAX / rows)
        return et_config_error(config, "bins",
                               "%zu samples of %zu x %zu features are more than %zu numbers", rows,
                               frames.bins, et__frames_channels(&frames), NUMBERS_MAX);
    ET_TRY(et__dataset_create(dataset, rows, cols, 0, NULL, 0));
    dataset->origin = "recorded spikes";
    ET_TRY(load_part(part, &frames, dataset, 0));
    if (!has_test) return ET_OK;
    dataset->n_train = part->rows;
    return load_part(test, &frames, dataset, part->rows);
}

static enum et_status load(const struct et_config *config, uint64_t seed,
                           struct et_dataset *dataset)
{
    (void)seed;
    struct part part = {0}, test = {0};
    enum et_status status = load_parts(config, &part, &test, dataset);
    close_part(&part);
    close_part(&test);
    ET_TRY(status);
    dataset->n_classes = (size_t)et_config_int(config, "classes");
    for (size_t r = 0; r < dataset->x.rows && !et_config_given(config, "classes"); r++)
        if ((size_t)dataset->label[r] >= dataset->n_classes)
            dataset->n_classes = (size_t)dataset->label[r] + 1;
    return ET_OK;
}

const struct et_dataset_type et_dataset_spikes_hdf5 = {
    .name = "spikes-hdf5",
    .summary = "Recorded spikes in HDF5 (SHD, NIRData), binned into frames.",
    .params = params,
    .load = load,
};
