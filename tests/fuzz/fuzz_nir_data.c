/* SPDX-License-Identifier: Apache-2.0
 *
 * NIRData recordings built from a recipe of bytes: kind, shapes and values of what an observable
 * has.  What is accepted has neurons in range and finite numbers, and comes back through our
 * writer. */
#include "recipe.h"

#include "training/nir_data.h"

#include <etalon/array.h>

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
    return "leak:libhdf5";
}

static double value(uint8_t code)
{
    static const double values[] = {0, 1, 2, 3, 0.5, -1, -2, 1e-3, INFINITY, NAN, 7, 1e18};
    return values[code % (sizeof values / sizeof values[0])];
}

static void put_array(struct recipe *r, const char *name)
{
    double values[64];
    char path[128];
    struct et_store_shape shape = {ET_STORE_F64, next(r) % 4, {0}};
    size_t n = 1;
    for (size_t i = 0; i < shape.rank; i++) {
        shape.dims[i] = next(r) % 5;
        n *= shape.dims[i];
    }
    for (size_t i = 0; i < n; i++)
        values[i] = value(next(r));
    snprintf(path, sizeof path, "/nodes/n/observables/o/%s", name);
    if (et_store_write(r->store, path, shape, values, NULL, NULL, ET_STABLE) != ET_OK)
        et_error_clear();
}

static void put_file(struct recipe *r)
{
    static const char *const types[] = {"TimeGriddedData", "EventData", "ValuedEventData", "Other"};
    static const char *const numbers[] = {"dt", "t_max", "n_neurons"};
    static const char *const arrays[] = {"data", "idx", "time", "value"};
    const char *group = "/nodes/n/observables/o";
    const uint8_t how = next(r);
    enum et_status status = et_store_write_attribute_text(r->store, "/", "__type__",
                                                          how & 4 ? "Other" : "NIRGraphData");
    if (status == ET_OK)
        status = et_store_write_attribute_text(r->store, "/nodes/n", "__type__",
                                               how & 8 ? "NIRGraphData" : "NIRNodeData");
    if (status == ET_OK)
        status = et_store_write_attribute_text(r->store, group, "__type__", types[how & 3]);
    for (size_t i = 0; i < 3 && status == ET_OK; i++)
        status = et_store_write_attribute_f64(r->store, group, numbers[i], value(next(r)));
    if (status != ET_OK) et_error_clear();
    for (size_t i = 0; i < 4; i++)
        put_array(r, arrays[i]);
}

static void check(const struct et__nir_data *data)
{
    if (data->kind == ET__NIR_DATA_GRIDDED) {
        for (size_t i = 0; i < data->n_samples * data->n_steps * data->n_neurons; i++)
            if (!isfinite(data->values[i])) abort();
        return;
    }
    for (size_t i = 0; i < data->n_samples * data->n_events; i++)
        if (data->index[i] < -1 || data->index[i] >= (int64_t)data->n_neurons ||
            (data->index[i] >= 0 && !isfinite(data->time[i])))
            abort();
}

static void write_again(const char *path, const struct et__nir_data *data)
{
    struct et_store *store = NULL;
    struct et__nir_data again;
    if (et_store_create_foreign(path, &store) != ET_OK) return;
    if (et__nir_data_write(store, "n", "o", data) != ET_OK || et_store_commit(&store) != ET_OK)
        abort();
    if (et_store_open_foreign(path, &store) != ET_OK ||
        et__nir_data_read(store, "n", "o", &again) != ET_OK)
        abort();
    et__nir_data_destroy(&again);
    et_store_close(store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    struct recipe r = {.bytes = data, .left = size};
    struct et__nir_data read;
    snprintf(path, sizeof path, "/tmp/etalon-fuzz-nir-data-%ld", (long)getpid());
    if (et_store_create_foreign(path, &r.store) != ET_OK) return 0;
    put_file(&r);
    if (et_store_commit(&r.store) != ET_OK) return 0;
    et_error_clear();
    if (et_store_open_foreign(path, &r.store) != ET_OK) return 0;
    if (et__nir_data_read(r.store, "n", "o", &read) == ET_OK) {
        check(&read);
        write_again(path, &read);
        et__nir_data_destroy(&read);
    } else if (et_error_message()[0] == '\0') {
        abort();
    }
    et_store_close(r.store);
    unlink(path);
    return 0;
}
