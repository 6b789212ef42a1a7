/* SPDX-License-Identifier: Apache-2.0
 *
 * NIRData recordings. */
#include "nir_data.h"

#include <etalon/array.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { PATH_SIZE = 1024 };

/* "group/name"; what is too long becomes empty, a path that no file has. */
static const char *join(char path[PATH_SIZE], const char *group, const char *name)
{
    if (snprintf(path, PATH_SIZE, "%s/%s", group, name) >= PATH_SIZE) path[0] = '\0';
    return path;
}

static const char *const names[] = {"TimeGriddedData", "EventData", "ValuedEventData"};

void et__nir_data_destroy(struct et__nir_data *data)
{
    et_free(data->values);
    et_free(data->index);
    et_free(data->time);
    et_free(data->value);
    *data = (struct et__nir_data){0};
}

/* "outer/inner" is /nodes/outer/nodes/inner. */
static enum et_status node_path(const char *node, char path[PATH_SIZE])
{
    size_t used = 0;
    for (const char *part = node; used < PATH_SIZE;) {
        const size_t length = strcspn(part, "/");
        if (length == 0) return et_error_set(ET_INVALID, "'%s' names no node of a recording", node);
        used += (size_t)snprintf(path + used, PATH_SIZE - used, "/nodes/%.*s", (int)length, part);
        if (part[length] == '\0') break;
        part += length + 1;
    }
    if (used >= PATH_SIZE - 64) return et_error_set(ET_INVALID, "the node's name is too long");
    return ET_OK;
}

static enum et_status check_type(struct et_store *store, const char *path, const char *expected)
{
    char *type = NULL;
    ET_TRY(et_store_read_attribute_text(store, path, "__type__", &type));
    enum et_status status = ET_OK;
    if (strcmp(type, expected) != 0)
        status = et_error_set(ET_FORMAT, "%s: __type__ is '%.60s', not '%s'", path, type, expected);
    et_free(type);
    return status;
}

/* ---- reading ---- */

static enum et_status read_number(struct et_store *store, const char *path, const char *name,
                                  double least, double *value)
{
    ET_TRY(et_store_read_attribute_f64(store, path, name, value));
    if (!(*value > least) || !isfinite(*value) || *value > 1e15)
        return et_error_set(ET_FORMAT, "%s: %s = %g is not a number above %g", path, name, *value,
                            least);
    return ET_OK;
}

static enum et_status read_gridded(struct et_store *store, const char *group,
                                   struct et__nir_data *data)
{
    char path[PATH_SIZE];
    struct et_store_shape shape;
    ET_TRY(read_number(store, group, "dt", 0, &data->dt));
    join(path, group, "data");
    ET_TRY(et_store_shape(store, path, &shape));
    if (shape.rank != 3 || shape.dims[0] == 0 || shape.dims[1] == 0 || shape.dims[2] == 0)
        return et_error_set(ET_SHAPE, "%s: has %zu dimensions, expected samples, steps, neurons",
                            path, shape.rank);
    data->spikes = shape.kind == ET_STORE_BOOL;
    data->n_samples = shape.dims[0];
    data->n_steps = shape.dims[1];
    data->n_neurons = shape.dims[2];
    data->values = et_alloc(shape.dims[0] * shape.dims[1] * shape.dims[2], sizeof *data->values);
    if (data->values == NULL) return ET_NOMEM;
    shape.kind = ET_STORE_F32;
    ET_TRY(et_store_read(store, path, shape, data->values));
    for (size_t i = 0; i < shape.dims[0] * shape.dims[1] * shape.dims[2]; i++)
        if (!isfinite(data->values[i]))
            return et_error_set(ET_FORMAT, "%s: element %zu = %g is not finite", path, i,
                                (double)data->values[i]);
    return ET_OK;
}

static enum et_status read_column(struct et_store *store, const char *group, const char *name,
                                  enum et_store_kind kind, struct et__nir_data *data, void **column)
{
    char path[PATH_SIZE];
    struct et_store_shape shape;
    join(path, group, name);
    ET_TRY(et_store_shape(store, path, &shape));
    if (shape.rank != 2 || shape.dims[0] == 0)
        return et_error_set(ET_SHAPE, "%s: has %zu dimensions, expected samples and events", path,
                            shape.rank);
    if (data->index == NULL) {
        data->n_samples = shape.dims[0];
        data->n_events = shape.dims[1];
    } else if (shape.dims[0] != data->n_samples || shape.dims[1] != data->n_events) {
        return et_error_set(ET_SHAPE, "%s: is [%zu][%zu], idx is [%zu][%zu]", path, shape.dims[0],
                            shape.dims[1], data->n_samples, data->n_events);
    }
    *column = et_alloc(shape.dims[0] * shape.dims[1], 8);
    if (*column == NULL) return ET_NOMEM;
    shape.kind = kind;
    return et_store_read(store, path, shape, *column);
}

/* Order and window are the reader's business (et__spikes_bin); here, what no reading allows. */
static enum et_status check_events(const char *path, const struct et__nir_data *data)
{
    for (size_t i = 0; i < data->n_samples * data->n_events; i++) {
        const size_t sample = i / data->n_events, event = i % data->n_events;
        const int64_t index = data->index[i];
        if (index < -1 || (index >= 0 && (size_t)index >= data->n_neurons))
            return et_error_set(ET_FORMAT,
                                "%s: sample %zu, event %zu: neuron %lld is not below n_neurons = "
                                "%zu",
                                path, sample, event, (long long)index, data->n_neurons);
        if (index >= 0 && !isfinite(data->time[i]))
            return et_error_set(ET_FORMAT, "%s: sample %zu, event %zu: time %g of neuron %lld",
                                path, sample, event, data->time[i], (long long)index);
        if (index >= 0 && data->value != NULL && !isfinite(data->value[i]))
            return et_error_set(ET_FORMAT, "%s: sample %zu, event %zu: value %g", path, sample,
                                event, data->value[i]);
    }
    return ET_OK;
}

static enum et_status read_events(struct et_store *store, const char *group,
                                  struct et__nir_data *data)
{
    double n_neurons = 0;
    void *index = NULL, *time = NULL, *value = NULL;
    ET_TRY(read_number(store, group, "t_max", 0, &data->t_max));
    ET_TRY(read_number(store, group, "n_neurons", 0, &n_neurons));
    if (n_neurons != floor(n_neurons) || n_neurons > 1e9)
        return et_error_set(ET_FORMAT, "%s: n_neurons = %g", group, n_neurons);
    data->n_neurons = (size_t)n_neurons;
    enum et_status status = read_column(store, group, "idx", ET_STORE_I64, data, &index);
    data->index = index;
    if (status == ET_OK) status = read_column(store, group, "time", ET_STORE_F64, data, &time);
    data->time = time;
    if (status == ET_OK && data->kind == ET__NIR_DATA_VALUED)
        status = read_column(store, group, "value", ET_STORE_F64, data, &value);
    data->value = value;
    return status == ET_OK ? check_events(group, data) : status;
}

enum et_status et__nir_data_read(struct et_store *store, const char *node, const char *observable,
                                 struct et__nir_data *data)
{
    char path[PATH_SIZE], group[2 * PATH_SIZE], *type = NULL;
    *data = (struct et__nir_data){0};
    ET_TRY(check_type(store, "/", "NIRGraphData"));
    ET_TRY(node_path(node, path));
    ET_TRY(check_type(store, path, "NIRNodeData"));
    if (snprintf(group, sizeof group, "%s/observables/%s", path, observable) >= PATH_SIZE - 16)
        return et_error_set(ET_INVALID, "the observable's name is too long");
    ET_TRY(et_store_read_attribute_text(store, group, "__type__", &type));
    size_t kind = 0;
    while (kind < 3 && strcmp(type, names[kind]) != 0)
        kind++;
    data->kind = (enum et__nir_data_kind)kind;
    enum et_status status =
        kind == 3 ? et_error_set(ET_FORMAT, "%s: unknown __type__ '%.60s'", group, type)
        : kind == ET__NIR_DATA_GRIDDED ? read_gridded(store, group, data)
                                       : read_events(store, group, data);
    et_free(type);
    if (status != ET_OK) et__nir_data_destroy(data);
    return status;
}

/* ---- writing ---- */

/* Marks the graphs on the way to a node. */
static enum et_status mark_groups(struct et_store *store, char *path)
{
    char *inner = path;
    if (!et_store_has(store, "/nodes"))
        ET_TRY(et_store_write_attribute_text(store, "/", "__type__", "NIRGraphData"));
    while ((inner = strstr(inner + 1, "/nodes/")) != NULL) {
        *inner = '\0';
        const bool known = et_store_has(store, path);
        enum et_status status =
            known ? ET_OK : et_store_write_attribute_text(store, path, "__type__", "NIRGraphData");
        *inner = '/';
        ET_TRY(status);
    }
    if (et_store_has(store, path)) return ET_OK;
    return et_store_write_attribute_text(store, path, "__type__", "NIRNodeData");
}

static enum et_status write_gridded(struct et_store *store, const char *group,
                                    const struct et__nir_data *data)
{
    char path[PATH_SIZE];
    const size_t n = data->n_samples * data->n_steps * data->n_neurons;
    struct et_store_shape shape = {
        ET_STORE_F32, 3, {data->n_samples, data->n_steps, data->n_neurons}};
    join(path, group, "data");
    ET_TRY(et_store_write_attribute_f64(store, group, "dt", data->dt));
    if (!data->spikes)
        return et_store_write(store, path, shape, data->values, NULL, NULL, ET_STABLE);
    uint8_t *bits = et_alloc(n, 1);
    if (bits == NULL) return ET_NOMEM;
    for (size_t i = 0; i < n; i++)
        bits[i] = data->values[i] != 0;
    shape.kind = ET_STORE_BOOL;
    enum et_status status = et_store_write(store, path, shape, bits, NULL, NULL, ET_STABLE);
    et_free(bits);
    return status;
}

static enum et_status write_events(struct et_store *store, const char *group,
                                   const struct et__nir_data *data)
{
    char path[PATH_SIZE];
    struct et_store_shape shape = {ET_STORE_I64, 2, {data->n_samples, data->n_events}};
    ET_TRY(et_store_write_attribute_i64(store, group, "n_neurons", (int64_t)data->n_neurons));
    ET_TRY(et_store_write_attribute_f64(store, group, "t_max", data->t_max));
    join(path, group, "idx");
    ET_TRY(et_store_write(store, path, shape, data->index, NULL, NULL, ET_STABLE));
    shape.kind = ET_STORE_F64;
    join(path, group, "time");
    ET_TRY(et_store_write(store, path, shape, data->time, NULL, NULL, ET_STABLE));
    if (data->kind != ET__NIR_DATA_VALUED) return ET_OK;
    join(path, group, "value");
    return et_store_write(store, path, shape, data->value, NULL, NULL, ET_STABLE);
}

enum et_status et__nir_data_write(struct et_store *store, const char *node, const char *observable,
                                  const struct et__nir_data *data)
{
    char path[PATH_SIZE], group[2 * PATH_SIZE];
    ET_TRY(node_path(node, path));
    ET_TRY(mark_groups(store, path));
    if (snprintf(group, sizeof group, "%s/observables/%s", path, observable) >= PATH_SIZE - 16)
        return et_error_set(ET_INVALID, "the observable's name is too long");
    ET_TRY(et_store_write_attribute_text(store, group, "__type__", names[data->kind]));
    return data->kind == ET__NIR_DATA_GRIDDED ? write_gridded(store, group, data)
                                              : write_events(store, group, data);
}

/* ---- conversion ---- */

enum et_status et__nir_data_to_events(const struct et__nir_data *gridded,
                                      struct et__nir_data *events)
{
    const size_t size = gridded->n_steps * gridded->n_neurons;
    *events = (struct et__nir_data){.kind = ET__NIR_DATA_EVENTS,
                                    .n_samples = gridded->n_samples,
                                    .n_neurons = gridded->n_neurons,
                                    .t_max = (double)gridded->n_steps * gridded->dt};
    for (size_t s = 0; s < gridded->n_samples; s++) {
        size_t n = 0;
        for (size_t i = 0; i < size; i++)
            n += gridded->values[s * size + i] != 0;
        if (n > events->n_events) events->n_events = n;
    }
    const size_t n = events->n_samples * events->n_events;
    events->index = et_alloc(n, sizeof *events->index);
    events->time = et_alloc(n, sizeof *events->time);
    if (events->index == NULL || events->time == NULL) {
        et__nir_data_destroy(events);
        return ET_NOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        events->index[i] = -1;
        events->time[i] = INFINITY;
    }
    for (size_t s = 0; s < gridded->n_samples; s++) {
        size_t at = s * events->n_events;
        for (size_t i = 0; i < size; i++) {
            if (gridded->values[s * size + i] == 0) continue;
            size_t step = i / gridded->n_neurons;
            events->index[at] = (int64_t)(i % gridded->n_neurons);
            events->time[at++] = (double)(step + 1) * gridded->dt;
        }
    }
    return ET_OK;
}
