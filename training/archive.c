/* SPDX-License-Identifier: Apache-2.0
 *
 * One walk over a trainer's numbers serves capture and restore. */
#include "archive.h"

#include "binary_stage.h"

#include <stdio.h>
#include <string.h>

/* What is done with each matrix.  A NULL *data of a scaler is allocated on restore. */
struct walk {
    struct et__archive *to;         /* capture */
    const struct et__archive *from; /* restore */
    bool moments;
};

static enum et_status append(struct et__archive *archive, const char *path, struct et_view view)
{
    if (archive->n == archive->capacity) {
        size_t capacity = archive->capacity ? 2 * archive->capacity : 16;
        struct et__entry *grown = et_alloc(capacity, sizeof *grown);
        if (grown == NULL) return ET_NOMEM;
        if (archive->n > 0) memcpy(grown, archive->entry, archive->n * sizeof *grown);
        et_free(archive->entry);
        archive->entry = grown;
        archive->capacity = capacity;
    }
    struct et__entry *entry = &archive->entry[archive->n];
    memset(entry, 0, sizeof *entry);
    snprintf(entry->path, sizeof entry->path, "%s", path);
    ET_TRY(et_array_create(&entry->data, view.rows, view.cols));
    archive->n++;
    if (view.rows * view.cols > 0) et_view_copy(et_array_view(&entry->data), view);
    return ET_OK;
}

static const struct et__entry *find(const struct et__archive *archive, const char *path)
{
    for (size_t i = 0; i < archive->n; i++)
        if (strcmp(archive->entry[i].path, path) == 0) return &archive->entry[i];
    return NULL;
}

static enum et_status visit(struct walk *walk, const char *path, float *data, size_t rows,
                            size_t cols)
{
    struct et_view view = et_view_of(data, rows, cols);
    if (walk->to != NULL) return append(walk->to, path, view);
    const struct et__entry *entry = find(walk->from, path);
    if (entry == NULL) return et_error_set(ET_FORMAT, "the stored network lacks '%s'", path);
    if (entry->data.rows != rows || entry->data.cols != cols)
        return et_error_set(ET_FORMAT,
                            "'%s' of the stored network is %zu x %zu, this network needs %zu x %zu",
                            path, entry->data.rows, entry->data.cols, rows, cols);
    if (rows * cols > 0) et_view_copy(view, et_array_view(&entry->data));
    return ET_OK;
}

static enum et_status visit_tensor(struct walk *walk, const char *group,
                                   const struct et_tensor *tensor)
{
    char path[96];
    snprintf(path, sizeof path, "%s/%s", group, tensor->name);
    ET_TRY(visit(walk, path, tensor->value, tensor->rows, tensor->cols));
    if (!walk->moments || tensor->moment1 == NULL) return ET_OK;
    snprintf(path, sizeof path, "%s/%s_moment1", group, tensor->name);
    ET_TRY(visit(walk, path, tensor->moment1, tensor->rows, tensor->cols));
    snprintf(path, sizeof path, "%s/%s_moment2", group, tensor->name);
    return visit(walk, path, tensor->moment2, tensor->rows, tensor->cols);
}

static enum et_status visit_model(struct walk *walk, const struct et_trainer *trainer)
{
    struct et_tensor *tensor;
    if (trainer->model == NULL) return ET_OK;
    for (size_t i = 0; (tensor = trainer->model->tensor(trainer->model_state, i)) != NULL; i++)
        ET_TRY(visit_tensor(walk, "model", tensor));
    return ET_OK;
}

/* Makes room for a fit of n columns; the archive must hold just that. */
static enum et_status prepare_scaler(struct et_scaler *scaler, size_t n)
{
    et_scaler_destroy(scaler);
    scaler->n = n;
    if (n == 0) return ET_OK;
    scaler->offset = et_alloc(n, sizeof(float));
    scaler->factor = et_alloc(n, sizeof(float));
    return scaler->offset && scaler->factor ? ET_OK : ET_NOMEM;
}

/* n: columns of the fit that this network needs here, 0 = none (and one stored is not used).
 * optional: the training may not have got so far. */
static enum et_status visit_scaler(struct walk *walk, const char *path, struct et_scaler *scaler,
                                   size_t n, bool optional)
{
    char full[96];
    snprintf(full, sizeof full, "%s_offset", path);
    if (optional && walk->from != NULL && find(walk->from, full) == NULL) n = 0;
    if (walk->from != NULL) ET_TRY(prepare_scaler(scaler, n));
    if (scaler->n == 0) return ET_OK; /* never fitted */
    ET_TRY(visit(walk, full, scaler->offset, 1, scaler->n));
    snprintf(full, sizeof full, "%s_factor", path);
    ET_TRY(visit(walk, full, scaler->factor, 1, scaler->n));
    float range[2] = {scaler->lo, scaler->hi};
    snprintf(full, sizeof full, "%s_range", path);
    ET_TRY(visit(walk, full, range, 1, 2));
    scaler->lo = range[0];
    scaler->hi = range[1];
    return ET_OK;
}

static enum et_status visit_stored(struct walk *walk, struct et_trainer *trainer)
{
    if (walk->from != NULL) {
        const struct et__entry *entry = find(walk->from, "stored");
        et_array_destroy(&trainer->stored);
        if (entry == NULL) return ET_OK;
        ET_TRY(et_array_create(&trainer->stored, entry->data.rows, entry->data.cols));
    }
    if (trainer->stored.data == NULL) return ET_OK;
    return visit(walk, "stored", trainer->stored.data, trainer->stored.rows, trainer->stored.cols);
}

static enum et_status visit_objective(struct walk *walk, const char *group, size_t l,
                                      struct et_trainer *trainer)
{
    struct et_tensor *tensor;
    if (l >= trainer->network->n_scored) return ET_OK;
    for (size_t i = 0; (tensor = et__objective_tensor(trainer->objective, l, i)) != NULL; i++)
        ET_TRY(visit_tensor(walk, group, tensor));
    return ET_OK;
}

static enum et_status walk_trainer(struct walk *walk, struct et_trainer *trainer)
{
    char path[96];
    for (size_t l = 0; l < trainer->network->n_stages; l++) {
        struct et__stage *stage = &trainer->network->stage[l];
        char group[32];
        snprintf(group, sizeof group, "layer-%zu", l);
        ET_TRY(visit_tensor(walk, group, &stage->weight));
        ET_TRY(visit_tensor(walk, group, &stage->bias));
        if (et__is_binary(stage) && !stage->bits.classes) {
            ET_TRY(visit_tensor(walk, group, &stage->bits.mean));
            ET_TRY(visit_tensor(walk, group, &stage->bits.variance));
        }
        if (stage->knobs.rule != ET__KNOBS_FIXED)
            ET_TRY(visit_tensor(walk, group, &stage->knobs.value));
        ET_TRY(visit_objective(walk, group, l, trainer));
        /* In the middle of a greedy training the later stages have no fits yet. */
        bool optional = walk->moments && l > trainer->at.stage;
        snprintf(path, sizeof path, "layer-%zu/drive_fit", l);
        ET_TRY(visit_scaler(walk, path, &stage->drive_fit,
                            et__stage_fits_drive(stage) ? stage->n_h : 0, optional));
        snprintf(path, sizeof path, "layer-%zu/output_fit", l);
        ET_TRY(visit_scaler(walk, path, &stage->output_fit,
                            et__stage_fits_output(stage) ? stage->n_out : 0, optional));
    }
    ET_TRY(visit_model(walk, trainer));
    struct et__features *features = trainer->features;
    ET_TRY(visit_scaler(walk, "features/fit", &features->scaler,
                        features->scaling != ET_SCALE_NONE ? features->dataset->x.cols : 0, false));
    ET_TRY(visit(walk, "features/shift", &features->shift, 1, 1));
    ET_TRY(visit(walk, "features/label_value", &features->label_value, 1, 1));
    return walk->moments ? visit_stored(walk, trainer) : ET_OK;
}

enum et_status et__archive_capture(struct et__archive *archive, struct et_trainer *trainer,
                                   bool to_resume)
{
    struct walk walk = {.to = archive, .moments = to_resume};
    enum et_status status = walk_trainer(&walk, trainer);
    if (status != ET_OK) et__archive_destroy(archive);
    return status;
}

enum et_status et__archive_restore(const struct et__archive *archive, struct et_trainer *trainer,
                                   bool to_resume)
{
    struct walk walk = {.from = archive, .moments = to_resume};
    et__network_touch(trainer->network, NULL);
    return walk_trainer(&walk, trainer);
}

enum et_status et__archive_write(const struct et__archive *archive, struct et_store *store,
                                 const char *group)
{
    for (size_t i = 0; i < archive->n; i++) {
        const struct et__entry *entry = &archive->entry[i];
        char path[192], description[160];
        snprintf(path, sizeof path, "%s/%s", group, entry->path);
        snprintf(description, sizeof description, "%s of the network", entry->path);
        ET_TRY(et_store_write_view(store, path, et_array_view(&entry->data), "1", description));
    }
    return ET_OK;
}

/* The sum over entries, whose order differs: as captured, or sorted by name when read. */
uint64_t et__archive_digest(const struct et__archive *archive, uint64_t digest)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < archive->n; i++) {
        const struct et__entry *entry = &archive->entry[i];
        const struct et_array *data = &entry->data;
        uint64_t one = et_digest_add(ET_DIGEST_START, entry->path, strlen(entry->path));
        sum += et_digest_add(one, data->data, data->rows * data->cols * sizeof *data->data);
    }
    return et_digest_add(digest, &sum, sizeof sum);
}

/* Reading walks groups of groups: "layer-0", then "weight". */
struct listing {
    struct et__archive *archive;
    struct et_store *store;
    const char *group, *inner;
    enum et_status status;
};

static bool read_member(const char *name, bool is_group, void *user);

static enum et_status read_group(struct listing *listing, const char *inner)
{
    char path[192];
    snprintf(path, sizeof path, "%s/%s", listing->group, inner);
    struct listing below = *listing;
    below.inner = inner;
    ET_TRY(et_store_each(listing->store, path, read_member, &below));
    return below.status;
}

static enum et_status read_entry(struct listing *listing, const char *name)
{
    char path[192], full[400];
    struct et_array data = {0};
    snprintf(path, sizeof path, "%.94s%s%.94s", listing->inner, listing->inner[0] ? "/" : "", name);
    snprintf(full, sizeof full, "%s/%s", listing->group, path);
    ET_TRY(et_store_read_array(listing->store, full, &data));
    enum et_status status = append(listing->archive, path, et_array_view(&data));
    et_array_destroy(&data);
    return status;
}

static bool read_member(const char *name, bool is_group, void *user)
{
    struct listing *listing = user;
    if (!is_group)
        listing->status = read_entry(listing, name);
    else if (listing->inner[0] == '\0')
        listing->status = read_group(listing, name);
    return listing->status == ET_OK;
}

enum et_status et__archive_read(struct et__archive *archive, struct et_store *store,
                                const char *group)
{
    struct listing listing = {archive, store, group, "", ET_OK};
    enum et_status status = et_store_each(store, group, read_member, &listing);
    if (status == ET_OK) status = listing.status;
    if (status != ET_OK) et__archive_destroy(archive);
    return status;
}

void et__archive_destroy(struct et__archive *archive)
{
    for (size_t i = 0; i < archive->n; i++)
        et_array_destroy(&archive->entry[i].data);
    et_free(archive->entry);
    *archive = (struct et__archive){0};
}
