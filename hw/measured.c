/* SPDX-License-Identifier: Apache-2.0
 *
 * A system known by recorded pairs of inputs and outputs: a fitted twin of it, or interpolation
 * between the nearest records.  Either way the error on pairs that were held out is logged. */
#include "nearest.h"
#include "pairs.h"
#include "system_internal.h"
#include "twin.h"

#include <etalon/log.h>
#include <etalon/rng.h>
#include <etalon/store.h>

#include <math.h>
#include <string.h>
#include <sys/stat.h>

enum fit { TWIN, NEAREST };

struct measured {
    enum fit fit;
    bool clip;
    struct et_array x, y; /* recorded pairs; a twin drops them after the fit */
    size_t n_in, n_out;
    float lo, hi; /* smallest and largest recorded input */
    double latency_s, energy_J;
    struct et__twin twin;
    struct et__nearest nearest;
    struct et__workspace clipped;
};

/* clang-format off */
static const struct et_param params[] = {
    {.name = "x", .kind = ET_PARAM_STRING,
     .doc = "Recorded inputs: a CSV file of numbers, one sample per line; or a dataset of `hdf5`."},
    {.name = "y", .kind = ET_PARAM_STRING, .doc = "Recorded outputs, in the same form."},
    {.name = "hdf5", .kind = ET_PARAM_STRING, .initial = "\"\"",
     .doc = "HDF5 file that holds both; empty = two CSV files."},
    {.name = "skip_lines", .kind = ET_PARAM_INT, .initial = "0", .min = 0, .max = 1000000,
     .doc = "Lines to skip at the start of the CSV files."},
    {.name = "fit", .kind = ET_PARAM_CHOICE, .initial = "twin", .choices = "twin|nearest",
     .doc = "A multilayer perceptron, or inverse-distance weights of the nearest records."},
    {.name = "clip", .kind = ET_PARAM_BOOL, .initial = "false",
     .doc = "Clip inputs to the recorded range; otherwise leaving it is an error."},
    {.name = "holdout", .kind = ET_PARAM_REAL, .initial = "0.07", .min = 0.001, .max = 0.9,
     .doc = "Part of the pairs that only serves to measure the error."},
    {.name = "fit_seed", .kind = ET_PARAM_INT, .initial = "1", .min = 0, .max = 9e15,
     .doc = "Seed of the fit. It is not the run's: a recorded device is one device."},
    {.name = "twin", .kind = ET_PARAM_STRING, .initial = "\"\"",
     .doc = "File that keeps the fitted twin for the next time (its folder is made); empty = fit "
            "whenever opened."},
    {.name = "hidden", .kind = ET_PARAM_REALS, .initial = "[100, 200, 100]", .min = 1, .max = 8192,
     .max_count = 16, .doc = "Widths of the hidden layers of the twin."},
    {.name = "epochs", .kind = ET_PARAM_INT, .initial = "40", .min = 1, .max = 100000,
     .doc = "Epochs of the fit of the twin."},
    {.name = "batch", .kind = ET_PARAM_INT, .initial = "100", .min = 1, .max = 65536,
     .doc = "Batch of the fit of the twin."},
    {.name = "learning_rate", .kind = ET_PARAM_REAL, .initial = "0.003", .min = 1e-8, .max = 1,
     .doc = "Adam's learning rate at the start; it falls to zero along half a cosine."},
    {.name = "neighbours", .kind = ET_PARAM_INT, .initial = "8", .min = 1, .max = 1024,
     .doc = "Records that an interpolated output is made of."},
    {.name = "latency_s", .kind = ET_PARAM_REAL, .initial = "0", .min = 0, .max = 1e6, .unit = "s",
     .doc = "Time of one pass of the recorded device; 0 = unknown."},
    {.name = "energy_J", .kind = ET_PARAM_REAL, .initial = "0", .min = 0, .max = 1e6, .unit = "J",
     .doc = "Energy of one pass of the recorded device; 0 = unknown."},
    {0},
};
/* clang-format on */

/* ------------------------------------------------------------------------- recorded pairs -- */

static enum et_status read_csv(const struct et_config *config, const char *name,
                               struct et_array *array)
{
    char *path;
    ET_TRY(et_config_file(config, et_config_string(config, name), &path));
    size_t skip = (size_t)et_config_int(config, "skip_lines");
    enum et_status status = et__pairs_read(path, skip, array);
    et_free(path);
    return status;
}

static enum et_status check_finite(const struct et_array *array, const char *name)
{
    for (size_t i = 0; i < array->rows * array->cols; i++)
        if (!isfinite(array->data[i]))
            return et_error_set(ET_FORMAT, "%s[%zu][%zu] = %g", name, i / array->cols,
                                i % array->cols, (double)array->data[i]);
    return ET_OK;
}

static enum et_status read_hdf5(struct measured *s, const struct et_config *config)
{
    char *path;
    struct et_store *store;
    ET_TRY(et_config_file(config, et_config_string(config, "hdf5"), &path));
    enum et_status status = et_store_open_foreign(path, &store);
    et_free(path);
    if (status != ET_OK) return status;
    const char *x = et_config_string(config, "x"), *y = et_config_string(config, "y");
    status = et_store_read_array(store, x, &s->x);
    if (status == ET_OK) status = et_store_read_array(store, y, &s->y);
    et_store_close(store);
    if (status == ET_OK) status = check_finite(&s->x, x);
    if (status == ET_OK) status = check_finite(&s->y, y);
    return status;
}

static enum et_status read_pairs(struct measured *s, const struct et_config *config)
{
    if (et_config_string(config, "hdf5")[0] != '\0') {
        ET_TRY(read_hdf5(s, config));
    } else {
        ET_TRY(read_csv(config, "x", &s->x));
        ET_TRY(read_csv(config, "y", &s->y));
    }
    if (s->x.rows != s->y.rows)
        return et_config_error(config, "y", "%zu recorded outputs for %zu recorded inputs",
                               s->y.rows, s->x.rows);
    s->n_in = s->x.cols;
    s->n_out = s->y.cols;
    if (s->n_in == 0 || s->n_out == 0 || s->x.rows == 0)
        return et_config_error(config, "x", "there are no recorded pairs");
    s->lo = s->hi = s->x.data[0];
    for (size_t i = 0; i < s->x.rows * s->n_in; i++) {
        s->lo = fminf(s->lo, s->x.data[i]);
        s->hi = fmaxf(s->hi, s->x.data[i]);
    }
    if (!(s->lo < s->hi))
        return et_config_error(config, "x", "all recorded inputs are %g", (double)s->lo);
    return ET_OK;
}

/* ----------------------------------------------------------------------------------- twin -- */

/* Makes the folder of a file when only that level is missing; what is wrong otherwise shows when
 * the file is written. */
static void make_folder(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path) return;
    *slash = '\0';
    (void)mkdir(path, 0777);
    *slash = '/';
}

static enum et_status fit_or_load(struct measured *s, const struct et_config *config,
                                  const struct et__twin_settings *settings)
{
    struct et_view x = et_array_view(&s->x), y = et_array_view(&s->y);
    const char *given = et_config_string(config, "twin");
    if (given[0] == '\0') return et__twin_fit(&s->twin, settings, x, y);
    char *path;
    bool found;
    ET_TRY(et_config_path(config, given, &path));
    uint64_t digest = et__twin_digest(settings, x, y);
    enum et_status status = et__twin_load(&s->twin, path, digest, &found);
    if (status == ET_OK && !found) {
        status = et__twin_fit(&s->twin, settings, x, y);
        if (status == ET_OK) {
            make_folder(path);
            status = et__twin_save(&s->twin, path, digest);
        }
    }
    et_free(path);
    return status;
}

static enum et_status open_twin(struct measured *s, const struct et_config *config)
{
    size_t hidden[16], n_hidden = et_config_count(config, "hidden");
    const double *widths = et_config_reals(config, "hidden");
    for (size_t l = 0; l < n_hidden; l++) {
        hidden[l] = (size_t)widths[l];
        if ((double)hidden[l] != widths[l])
            return et_config_error(config, "hidden", "%g is not a whole number", widths[l]);
    }
    struct et__twin_settings settings = {
        .hidden = hidden,
        .n_hidden = n_hidden,
        .epochs = (size_t)et_config_int(config, "epochs"),
        .batch = (size_t)et_config_int(config, "batch"),
        .learning_rate = et_config_real(config, "learning_rate"),
        .holdout = et_config_real(config, "holdout"),
        .seed = (uint64_t)et_config_int(config, "fit_seed"),
    };
    ET_TRY(et__twin_init(&s->twin, s->n_in, s->n_out, hidden, n_hidden));
    ET_TRY_WHILE(fit_or_load(s, config, &settings), "fitting a twin to %zu pairs", s->x.rows);
    et_array_destroy(&s->x);
    et_array_destroy(&s->y);
    et_log(ET_LOG_INFO,
           "measured: twin of %zu -> %zu, hold-out RMSE %.4g (sd of the outputs %.4g), %zu pairs",
           s->n_in, s->n_out, s->twin.rmse, s->twin.output_sd, s->twin.n_held_out);
    return ET_OK;
}

/* -------------------------------------------------------------------------------- nearest -- */

/* Copies pairs into a random order, so that the last ones can be held out. */
static enum et_status shuffle_pairs(struct measured *s, uint64_t seed)
{
    struct et_array x = {0}, y = {0};
    size_t *order = et_alloc(s->x.rows, sizeof *order);
    enum et_status status = order ? et_array_create(&x, s->x.rows, s->n_in) : ET_NOMEM;
    if (status == ET_OK) status = et_array_create(&y, s->y.rows, s->n_out);
    if (status == ET_OK) {
        for (size_t i = 0; i < s->x.rows; i++)
            order[i] = i;
        et_rng_shuffle(seed, ET_STREAM_SHUFFLE, 0, order, s->x.rows);
        for (size_t i = 0; i < s->x.rows; i++) {
            et_view_copy(et_view_rows(et_array_view(&x), i, 1),
                         et_view_rows(et_array_view(&s->x), order[i], 1));
            et_view_copy(et_view_rows(et_array_view(&y), i, 1),
                         et_view_rows(et_array_view(&s->y), order[i], 1));
        }
        struct et_array old_x = s->x, old_y = s->y;
        s->x = x;
        s->y = y;
        x = old_x;
        y = old_y;
    }
    et_array_destroy(&x);
    et_array_destroy(&y);
    et_free(order);
    return status;
}

/* Root of the mean squared error of the last rows when only those before them are known. */
static enum et_status nearest_error(const struct measured *s, size_t known, size_t k, double *rmse,
                                    double *sd)
{
    size_t count = s->x.rows - known;
    struct et_view x = et_array_view(&s->x), y = et_array_view(&s->y);
    struct et_view truth = et_view_rows(y, known, count);
    struct et__nearest part = {0};
    struct et_array guess = {0};
    enum et_status status = et_array_create(&guess, count, s->n_out);
    if (status == ET_OK)
        status = et__nearest_init(&part, et_view_rows(x, 0, known), et_view_rows(y, 0, known), k);
    if (status == ET_OK) {
        et__nearest_forward(&part, et_view_rows(x, known, count), et_array_view(&guess));
        double sum = 0, squares = 0, error = 0, n = (double)(count * s->n_out);
        for (size_t i = 0; i < count * s->n_out; i++) {
            double value = (double)truth.data[i], miss = (double)guess.data[i] - value;
            sum += value;
            squares += value * value;
            error += miss * miss;
        }
        *rmse = sqrt(error / n);
        *sd = sqrt(fmax(squares / n - sum / n * (sum / n), 0));
    }
    et__nearest_deinit(&part);
    et_array_destroy(&guess);
    return status;
}

static enum et_status open_nearest(struct measured *s, const struct et_config *config)
{
    size_t k = (size_t)et_config_int(config, "neighbours"), n = s->x.rows;
    size_t held_out = (size_t)llround(et_config_real(config, "holdout") * (double)n);
    if (held_out == 0 || held_out == n)
        return et_config_error(config, "holdout", "%zu pairs cannot be cut into two parts", n);
    double rmse, sd;
    ET_TRY(shuffle_pairs(s, (uint64_t)et_config_int(config, "fit_seed")));
    ET_TRY(nearest_error(s, n - held_out, k, &rmse, &sd));
    et_log(ET_LOG_INFO,
           "measured: %zu nearest of %zu -> %zu, hold-out RMSE %.4g (sd of the outputs %.4g), "
           "%zu pairs",
           k, s->n_in, s->n_out, rmse, sd, held_out);
    return et__nearest_init(&s->nearest, et_array_view(&s->x), et_array_view(&s->y), k);
}

/* --------------------------------------------------------------------------------- system -- */

static enum et_status open_measured(void *state, const struct et_config *config, uint64_t seed)
{
    (void)seed; /* the device is the recorded one */
    struct measured *s = state;
    s->fit = (enum fit)et_config_choice(config, "fit");
    s->clip = et_config_bool(config, "clip");
    s->latency_s = et_config_real(config, "latency_s");
    s->energy_J = et_config_real(config, "energy_J");
    ET_TRY(read_pairs(s, config));
    return s->fit == TWIN ? open_twin(s, config) : open_nearest(s, config);
}

static void describe(const void *state, struct et_system_info *info)
{
    const struct measured *s = state;
    info->n_in = s->n_in;
    info->n_out = s->n_out;
    info->in_min = s->clip ? -INFINITY : s->lo;
    info->in_max = s->clip ? INFINITY : s->hi;
    if (s->latency_s > 0) info->latency_s = s->latency_s;
    if (s->energy_J > 0) info->energy_J = s->energy_J;
    if (s->fit == TWIN) info->traits = ET_HAS_VJP;
}

/* x itself, or a clipped copy. */
static enum et_status clip(struct measured *s, struct et_view *x)
{
    if (!s->clip) return ET_OK;
    struct et_view to;
    ET_TRY(et__workspace_get(&s->clipped, x->rows, x->cols, &to));
    for (size_t i = 0; i < x->rows * x->cols; i++)
        to.data[i] = fminf(fmaxf(x->data[i], s->lo), s->hi);
    *x = to;
    return ET_OK;
}

static enum et_status forward(void *state, const struct et_step *step, struct et_view x,
                              struct et_view y)
{
    (void)step;
    struct measured *s = state;
    ET_TRY(clip(s, &x));
    if (s->fit == TWIN)
        et__twin_forward(&s->twin, x, y);
    else
        et__nearest_forward(&s->nearest, x, y);
    return ET_OK;
}

static enum et_status vjp(void *state, const struct et_step *step, struct et_view x,
                          struct et_view dy, struct et_view dx, float *dknobs)
{
    (void)step;
    (void)dknobs;
    struct measured *s = state;
    struct et_view inside = x;
    ET_TRY(clip(s, &inside));
    et__twin_vjp(&s->twin, inside, dy, dx);
    for (size_t i = 0; s->clip && i < x.rows * x.cols; i++)
        if (!(x.data[i] > s->lo && x.data[i] < s->hi)) dx.data[i] = 0;
    return ET_OK;
}

static void close_measured(void *state)
{
    struct measured *s = state;
    et_array_destroy(&s->x);
    et_array_destroy(&s->y);
    et__twin_deinit(&s->twin);
    et__nearest_deinit(&s->nearest);
    et__workspace_free(&s->clipped);
}

const struct et_system_type et_system_measured = {
    .name = "measured",
    .summary = "A device known by recorded pairs: a fitted twin, or interpolation.",
    .state_size = sizeof(struct measured),
    .params = params,
    .open = open_measured,
    .describe = describe,
    .forward = forward,
    .vjp = vjp,
    .close = close_measured,
};
