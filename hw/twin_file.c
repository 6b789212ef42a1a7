/* SPDX-License-Identifier: Apache-2.0
 *
 * A fitted twin in a file, so that it is fitted once.  /twin/digest tells for which pairs and
 * settings it was made. */
#include "twin.h"

#include <etalon/store.h>

#include <string.h>

static uint64_t add_view(uint64_t hash, struct et_view v)
{
    uint64_t shape[2] = {v.rows, v.cols};
    hash = et_digest_add(hash, shape, sizeof shape);
    for (size_t r = 0; r < v.rows; r++)
        hash = et_digest_add(hash, v.data + r * v.stride, v.cols * sizeof *v.data);
    return hash;
}

uint64_t et__twin_digest(const struct et__twin_settings *settings, struct et_view x,
                         struct et_view y)
{
    enum { METHOD = 1 }; /* grows when the fit itself changes */
    uint64_t numbers[] = {METHOD, settings->epochs, settings->batch, settings->seed,
                          settings->n_hidden};
    double reals[] = {settings->learning_rate, settings->holdout};
    uint64_t hash = et_digest_add(ET_DIGEST_START, numbers, sizeof numbers);
    hash = et_digest_add(hash, reals, sizeof reals);
    for (size_t l = 0; l < settings->n_hidden; l++) {
        uint64_t width = settings->hidden[l];
        hash = et_digest_add(hash, &width, sizeof width);
    }
    return add_view(add_view(hash, x), y);
}

static enum et_status write_all(const struct et__twin *twin, struct et_store *store,
                                uint64_t digest)
{
    size_t n_in = twin->width[0], n_out = twin->width[twin->n_layers];
    ET_TRY(et_store_write_i64(store, "/twin/digest", (int64_t)digest, "1",
                              "digest of the recorded pairs and the settings of the fit",
                              ET_STABLE));
    struct et_store_shape shape = {.kind = ET_STORE_F32, .rank = 1};
    shape.dims[0] = twin->n_parameters;
    ET_TRY(et_store_write(store, "/twin/parameters", shape, twin->parameter, "1",
                          "for each layer its weights [in][out], then its offsets [out]",
                          ET_STABLE));
    shape.dims[0] = n_in;
    ET_TRY(et_store_write(store, "/twin/x_offset", shape, twin->x_offset, "1",
                          "subtracted from the inputs", ET_STABLE));
    ET_TRY(et_store_write(store, "/twin/x_factor", shape, twin->x_factor, "1",
                          "then multiplied with the inputs", ET_STABLE));
    shape.dims[0] = n_out;
    ET_TRY(et_store_write(store, "/twin/y_offset", shape, twin->y_offset, "1",
                          "added to the scaled outputs", ET_STABLE));
    ET_TRY(et_store_write_f64(store, "/twin/y_scale", (double)twin->y_scale, "1",
                              "multiplied with the outputs of the last layer", ET_STABLE));
    ET_TRY(et_store_write_f64(store, "/twin/rmse", twin->rmse, "1",
                              "root of the mean squared error on the pairs held out", ET_STABLE));
    ET_TRY(et_store_write_f64(store, "/twin/output_sd", twin->output_sd, "1",
                              "standard deviation of the outputs held out", ET_STABLE));
    return et_store_write_i64(store, "/twin/held_out", (int64_t)twin->n_held_out, "1",
                              "number of pairs held out", ET_STABLE);
}

enum et_status et__twin_save(const struct et__twin *twin, const char *path, uint64_t digest)
{
    struct et_store *store;
    ET_TRY(et_store_create(path, &store));
    enum et_status status = write_all(twin, store, digest);
    if (status == ET_OK) return et_store_commit(&store);
    et_store_close(store);
    return status;
}

static enum et_status read_all(struct et__twin *twin, struct et_store *store)
{
    size_t n_in = twin->width[0], n_out = twin->width[twin->n_layers];
    struct et_store_shape shape = {.kind = ET_STORE_F32, .rank = 1};
    shape.dims[0] = twin->n_parameters;
    ET_TRY(et_store_read(store, "/twin/parameters", shape, twin->parameter));
    shape.dims[0] = n_in;
    ET_TRY(et_store_read(store, "/twin/x_offset", shape, twin->x_offset));
    ET_TRY(et_store_read(store, "/twin/x_factor", shape, twin->x_factor));
    shape.dims[0] = n_out;
    ET_TRY(et_store_read(store, "/twin/y_offset", shape, twin->y_offset));
    double scale;
    ET_TRY(et_store_read_f64(store, "/twin/y_scale", &scale));
    twin->y_scale = (float)scale;
    ET_TRY(et_store_read_f64(store, "/twin/rmse", &twin->rmse));
    ET_TRY(et_store_read_f64(store, "/twin/output_sd", &twin->output_sd));
    int64_t held_out;
    ET_TRY(et_store_read_i64(store, "/twin/held_out", &held_out));
    twin->n_held_out = (size_t)held_out;
    return ET_OK;
}

enum et_status et__twin_load(struct et__twin *twin, const char *path, uint64_t digest, bool *found)
{
    *found = false;
    struct et_store *store;
    enum et_status status = et_store_open(path, &store);
    if (status == ET_MISSING) {
        et_error_clear();
        return ET_OK;
    }
    if (status != ET_OK) return status;
    int64_t stored;
    if (!et_store_has(store, "/twin/digest")) {
        status = et_error_set(ET_FORMAT, "%s exists and is not a stored twin", path);
    } else {
        status = et_store_read_i64(store, "/twin/digest", &stored);
        if (status == ET_OK && (uint64_t)stored == digest) {
            status = read_all(twin, store);
            *found = status == ET_OK;
        }
    }
    et_store_close(store);
    return status;
}
