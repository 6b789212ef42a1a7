/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads the summary of a run file: nothing else is needed, years later on another machine. */
#include "results.h"

#include <etalon/array.h>
#include <etalon/store.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

static enum et_status read_text(struct et_store *store, const char *path, char *to, size_t size)
{
    char *text;
    ET_TRY(et_store_read_text(store, path, &text));
    snprintf(to, size, "%s", text);
    et_free(text);
    return ET_OK;
}

/* A table of at most two axes as doubles; the caller frees it. */
static enum et_status read_doubles(struct et_store *store, const char *path,
                                   struct et_store_shape *shape, double **data)
{
    ET_TRY(et_store_shape(store, path, shape));
    if (shape->rank < 1 || shape->rank > 2 || shape->dims[0] == 0)
        return et_error_set(ET_FORMAT, "%s is not a table of results", path);
    shape->kind = ET_STORE_F64;
    size_t n = shape->dims[0] * (shape->rank == 2 ? shape->dims[1] : 1);
    *data = et_alloc(n, sizeof **data);
    if (*data == NULL) return ET_NOMEM;
    enum et_status status = et_store_read(store, path, *shape, *data);
    if (status != ET_OK) et_free(*data);
    return status;
}

/* Accuracy at the last evaluation, the last column of the table. */
static enum et_status read_accuracy(struct et_store *store, const char *path, size_t last_epoch,
                                    struct et_accuracy *accuracy)
{
    struct et_store_shape shape;
    double *data = NULL;
    ET_TRY(read_doubles(store, path, &shape, &data));
    size_t stride = shape.rank == 2 ? shape.dims[1] : 1;
    if (stride > 0)
        *accuracy = et__accuracy_of(data + stride - 1, shape.dims[0], stride, last_epoch);
    et_free(data);
    return ET_OK;
}

static size_t as_epoch(double epoch)
{
    return epoch >= 0 && epoch < 1e15 ? (size_t)epoch : 0;
}

static enum et_status read_network(struct et_store *store, struct et_run_summary *summary)
{
    struct et_store_shape shape;
    double *epoch = NULL;
    ET_TRY(read_doubles(store, "/metrics/eval_epoch", &shape, &epoch));
    size_t last = as_epoch(epoch[shape.dims[0] - 1]);
    et_free(epoch);
    ET_TRY(read_accuracy(store, "/metrics/test_accuracy", last, &summary->test));
    if (et_store_has(store, "/metrics/integer_accuracy"))
        ET_TRY(read_accuracy(store, "/metrics/integer_accuracy", last, &summary->integer));
    return read_accuracy(store, "/metrics/train_accuracy", last, &summary->train);
}

struct names {
    struct et_run_summary *summary;
    size_t n;
};

static bool count_control(const char *name, bool is_group, void *user)
{
    struct names *names = user;
    (void)name;
    names->n += is_group;
    return true;
}

static bool name_control(const char *name, bool is_group, void *user)
{
    struct names *names = user;
    if (!is_group) return true;
    struct et_control_result *control = &names->summary->controls[names->n++];
    snprintf(control->name, sizeof control->name, "%s", name);
    return names->n < names->summary->n_controls;
}

static enum et_status read_controls(struct et_store *store, struct et_run_summary *summary)
{
    struct names names = {summary, 0};
    if (!et_store_has(store, "/controls")) return ET_OK;
    ET_TRY(et_store_each(store, "/controls", count_control, &names));
    summary->controls = et_alloc(names.n, sizeof *summary->controls);
    if (summary->controls == NULL) return ET_NOMEM;
    summary->n_controls = names.n;
    names.n = 0;
    if (summary->n_controls > 0) ET_TRY(et_store_each(store, "/controls", name_control, &names));
    for (size_t i = 0; i < summary->n_controls; i++) {
        struct et_control_result *control = &summary->controls[i];
        char path[128];
        double epoch;
        snprintf(path, sizeof path, "/controls/%s/last_epoch", control->name);
        ET_TRY(et_store_read_f64(store, path, &epoch));
        snprintf(path, sizeof path, "/controls/%s/test_accuracy", control->name);
        ET_TRY(read_accuracy(store, path, as_epoch(epoch), &control->test));
        snprintf(path, sizeof path, "/controls/%s/train_accuracy", control->name);
        ET_TRY(read_accuracy(store, path, as_epoch(epoch), &control->train));
        snprintf(path, sizeof path, "/controls/%s/integer_accuracy", control->name);
        if (et_store_has(store, path))
            ET_TRY(read_accuracy(store, path, as_epoch(epoch), &control->integer));
    }
    return ET_OK;
}

static enum et_status read_all(struct et_store *store, struct et_run_summary *summary)
{
    ET_TRY(read_text(store, "/config/experiment", summary->experiment, sizeof summary->experiment));
    ET_TRY(read_text(store, "/data/description", summary->dataset, sizeof summary->dataset));
    ET_TRY(read_text(store, "/config/network", summary->network, sizeof summary->network));
    ET_TRY(read_network(store, summary));
    if (et_store_has(store, "/parameters/digest"))
        ET_TRY(read_text(store, "/parameters/digest", summary->weights, sizeof summary->weights));
    ET_TRY(read_controls(store, summary));
    int64_t passes, complete;
    ET_TRY(et_store_read_i64(store, "/ledger/device_passes", &passes));
    ET_TRY(et_store_read_i64(store, "/complete", &complete));
    summary->device_passes = (uint64_t)passes;
    summary->complete = complete == 1;
    ET_TRY(et_store_read_f64(store, "/ledger/device_s", &summary->device_s));
    ET_TRY(et_store_read_f64(store, "/ledger/device_J", &summary->device_J));
    ET_TRY(et_store_read_f64(store, "/ledger/digital_macs", &summary->digital_macs));
    return et_store_read_f64(store, "/ledger/wall_s", &summary->wall_s);
}

enum et_status et_run_summary_read(const char *path, struct et_run_summary *summary)
{
    struct et_store *store;
    *summary = (struct et_run_summary){0};
    ET_TRY(et_store_open(path, &store));
    enum et_status status = read_all(store, summary);
    et_store_close(store);
    if (status != ET_OK) {
        et_run_summary_destroy(summary);
        et_error_while("reading the run file %s", path);
    }
    return status;
}

void et_run_summary_destroy(struct et_run_summary *summary)
{
    et_free(summary->controls);
    *summary = (struct et_run_summary){0};
}
