/* SPDX-License-Identifier: Apache-2.0
 *
 * A data set of frames as a NIRData recording. */
#include "nir_data.h"

#include <etalon/dataset.h>
#include <etalon/store.h>

#include <math.h>

static bool is_spikes(const struct et_dataset *dataset)
{
    for (size_t i = 0; i < dataset->x.rows * dataset->x.cols; i++)
        if (dataset->x.data[i] != 0 && dataset->x.data[i] != 1) return false;
    return true;
}

static enum et_status write_labels(struct et_store *store, const struct et_dataset *dataset)
{
    const struct et_store_shape shape = {ET_STORE_I32, 1, {dataset->x.rows}};
    return et_store_write(store, "/labels", shape, dataset->label, NULL, NULL, ET_STABLE);
}

static enum et_status write_parts(struct et_store *store, const struct et_dataset *dataset,
                                  const struct et__nir_data *gridded, bool events)
{
    struct et__nir_data list;
    ET_TRY(write_labels(store, dataset));
    if (!events) return et__nir_data_write(store, "input", "spikes", gridded);
    ET_TRY(et__nir_data_to_events(gridded, &list));
    enum et_status status = et__nir_data_write(store, "input", "spikes", &list);
    et__nir_data_destroy(&list);
    return status;
}

enum et_status et_dataset_write_recording(const struct et_dataset *dataset, const char *path,
                                          size_t n_steps, double dt_s, bool events)
{
    const size_t cols = dataset->x.cols;
    struct et_store *store = NULL;
    if (n_steps == 0 || cols % n_steps != 0)
        return et_error_set(ET_INVALID, "%zu features are no %zu frames of equal size", cols,
                            n_steps);
    if (!(dt_s > 0) || !isfinite(dt_s))
        return et_error_set(ET_INVALID, "a step of %g s is not above 0", dt_s);
    const struct et__nir_data gridded = {.kind = ET__NIR_DATA_GRIDDED,
                                         .n_samples = dataset->x.rows,
                                         .n_neurons = cols / n_steps,
                                         .n_steps = n_steps,
                                         .dt = dt_s,
                                         .spikes = is_spikes(dataset),
                                         .values = dataset->x.data};
    if (events && !gridded.spikes)
        return et_error_set(ET_UNSUPPORTED,
                            "the frames hold numbers other than 0 and 1, events do not");
    ET_TRY(et_store_create_foreign(path, &store));
    enum et_status status = write_parts(store, dataset, &gridded, events);
    if (status == ET_OK) status = et_store_commit(&store);
    et_store_close(store);
    return status;
}
