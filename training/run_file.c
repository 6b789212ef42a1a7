/* SPDX-License-Identifier: Apache-2.0
 *
 * The run file; its layout is documented in docs/run-file.md. */
#include "run.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* The position as stored, in this order. */
enum { POSITION = sizeof(struct et__position) / sizeof(uint64_t) };

static struct et_store_shape shape_of(enum et_store_kind kind, size_t rank, size_t a, size_t b,
                                      size_t c)
{
    return (struct et_store_shape){kind, rank, {a, b, c, 0}};
}

static enum et_status write_table(struct et_store *store, const char *group, const char *name,
                                  struct et_store_shape shape, const void *data, const char *units,
                                  const char *description)
{
    char path[192];
    snprintf(path, sizeof path, "%s/%s", group, name);
    return et_store_write(store, path, shape, data, units, description, ET_STABLE);
}

static enum et_status read_table(struct et_store *store, const char *group, const char *name,
                                 struct et_store_shape shape, void *data)
{
    char path[192];
    snprintf(path, sizeof path, "%s/%s", group, name);
    return et_store_read(store, path, shape, data);
}

static enum et_status write_ledger(struct et_store *store, const char *group,
                                   const struct et_ledger *ledger, double digital_macs)
{
    int64_t passes = (int64_t)ledger->passes;
    char path[192];
    ET_TRY(write_table(store, group, "device_passes", shape_of(ET_STORE_I64, 0, 0, 0, 0), &passes,
                       "passes", "samples that went through physical systems"));
    /* Sums of fractions, whose last bit depends on where a run was interrupted: no part of the
     * digest, which the passes are. */
    snprintf(path, sizeof path, "%s/device_s", group);
    ET_TRY(et_store_write_f64(store, path, ledger->device_s, "s",
                              "counted by the devices, or passes times the latency that the "
                              "systems describe (a model)",
                              ET_VOLATILE));
    snprintf(path, sizeof path, "%s/device_J", group);
    ET_TRY(et_store_write_f64(store, path, ledger->device_J, "J",
                              "passes times the energy that the systems describe (a model)",
                              ET_VOLATILE));
    return write_table(store, group, "digital_macs", shape_of(ET_STORE_F64, 0, 0, 0, 0),
                       &digital_macs, "MAC", "multiply-accumulates of the digital readouts");
}

static enum et_status read_ledger(struct et_store *store, const char *group,
                                  struct et_ledger *ledger, double *digital_macs)
{
    int64_t passes;
    struct et_store_shape number = shape_of(ET_STORE_F64, 0, 0, 0, 0);
    ET_TRY(read_table(store, group, "device_passes", shape_of(ET_STORE_I64, 0, 0, 0, 0), &passes));
    ledger->passes = (uint64_t)passes;
    ET_TRY(read_table(store, group, "device_s", number, &ledger->device_s));
    ET_TRY(read_table(store, group, "device_J", number, &ledger->device_J));
    return read_table(store, group, "digital_macs", number, digital_macs);
}

/* ------------------------------------------------------------------------------- results -- */

/* The network's full tables. */
static enum et_status write_metrics(struct et_store *store, const struct et__results *r)
{
    const char *g = "/metrics";
    ET_TRY(write_table(store, g, "test_accuracy", shape_of(ET_STORE_F64, 2, r->seeds, r->evals, 0),
                       r->test, "1", "accuracy on the test part, [seed][evaluation]"));
    ET_TRY(write_table(store, g, "train_accuracy", shape_of(ET_STORE_F64, 2, r->seeds, r->evals, 0),
                       r->train, "1", "accuracy on the training part, [seed][evaluation]"));
    if (r->has_integer)
        ET_TRY(write_table(store, g, "integer_accuracy",
                           shape_of(ET_STORE_F64, 2, r->seeds, r->evals, 0), r->integer, "1",
                           "test part, by the layer of role classes: argmax of integers"));
    ET_TRY(write_table(store, g, "eval_epoch", shape_of(ET_STORE_F64, 1, r->evals, 0, 0),
                       r->eval_epoch, "epochs", "epochs done at each evaluation"));
    ET_TRY(write_table(store, g, "loss", shape_of(ET_STORE_F64, 3, r->seeds, r->epochs, r->stages),
                       r->loss, "1", "mean local loss, [seed][epoch][layer]"));
    ET_TRY(write_table(store, g, "confusion", shape_of(ET_STORE_I64, 2, r->classes, r->classes, 0),
                       r->confusion, "samples",
                       "test part, last epoch, summed over seeds, [true][predicted]"));
    int64_t done = (int64_t)r->done;
    return write_table(store, g, "seeds_done", shape_of(ET_STORE_I64, 0, 0, 0, 0), &done, "seeds",
                       "finished seeds");
}

static enum et_status keep_done(struct et__results *r, int64_t done)
{
    if (done < 0 || (uint64_t)done > r->seeds)
        return et_error_set(ET_FORMAT, "%lld of %zu seeds are done", (long long)done, r->seeds);
    r->done = (size_t)done;
    return ET_OK;
}

static enum et_status read_metrics(struct et_store *store, struct et__results *r)
{
    const char *g = "/metrics";
    struct et_store_shape loss, test;
    ET_TRY(et_store_shape(store, "/metrics/loss", &loss));
    ET_TRY(et_store_shape(store, "/metrics/test_accuracy", &test));
    struct et_store_shape confusion;
    ET_TRY(et_store_shape(store, "/metrics/confusion", &confusion));
    if (test.rank != 2 || loss.rank != 3 || confusion.rank != 2 || test.dims[0] == 0 ||
        test.dims[1] == 0)
        return et_error_set(ET_FORMAT, "the tables below %s are damaged", g);
    ET_TRY(et__results_create(r, test.dims[0], test.dims[1], loss.dims[1], loss.dims[2],
                              confusion.dims[0]));
    ET_TRY(read_table(store, g, "test_accuracy", shape_of(ET_STORE_F64, 2, r->seeds, r->evals, 0),
                      r->test));
    ET_TRY(read_table(store, g, "train_accuracy", shape_of(ET_STORE_F64, 2, r->seeds, r->evals, 0),
                      r->train));
    r->has_integer = et_store_has(store, "/metrics/integer_accuracy");
    if (r->has_integer)
        ET_TRY(read_table(store, g, "integer_accuracy",
                          shape_of(ET_STORE_F64, 2, r->seeds, r->evals, 0), r->integer));
    ET_TRY(read_table(store, g, "eval_epoch", shape_of(ET_STORE_F64, 1, r->evals, 0, 0),
                      r->eval_epoch));
    ET_TRY(read_table(store, g, "loss", shape_of(ET_STORE_F64, 3, r->seeds, r->epochs, r->stages),
                      r->loss));
    ET_TRY(read_table(store, g, "confusion", shape_of(ET_STORE_I64, 2, r->classes, r->classes, 0),
                      r->confusion));
    int64_t done;
    ET_TRY(et_store_read_i64(store, "/metrics/seeds_done", &done));
    return keep_done(r, done);
}

/* Of a control only the last evaluation of each seed. */
static enum et_status write_control(struct et_store *store, const struct et__variant *variant)
{
    const struct et__results *r = &variant->results;
    char group[96];
    snprintf(group, sizeof group, "/controls/%s", variant->name);
    double *last = et_alloc(3 * r->seeds, sizeof *last);
    if (last == NULL) return ET_NOMEM;
    for (size_t s = 0; s < r->seeds; s++) {
        last[s] = r->test[(s + 1) * r->evals - 1];
        last[r->seeds + s] = r->train[(s + 1) * r->evals - 1];
        last[2 * r->seeds + s] = r->integer[(s + 1) * r->evals - 1];
    }
    struct et_store_shape shape = shape_of(ET_STORE_F64, 1, r->seeds, 0, 0);
    enum et_status status = write_table(store, group, "test_accuracy", shape, last, "1",
                                        "accuracy on the test part at the last epoch, [seed]");
    if (status == ET_OK)
        status = write_table(store, group, "train_accuracy", shape, last + r->seeds, "1",
                             "accuracy on the training part at the last epoch, [seed]");
    if (status == ET_OK && r->has_integer)
        status = write_table(store, group, "integer_accuracy", shape, last + 2 * r->seeds, "1",
                             "test part, by the layer of role classes, [seed]");
    et_free(last);
    if (status != ET_OK) return status;
    int64_t numbers[2] = {(int64_t)r->done, (int64_t)(r->epochs)};
    ET_TRY(write_table(store, group, "seeds_done_and_epochs", shape_of(ET_STORE_I64, 1, 2, 0, 0),
                       numbers, "1", "finished seeds, epochs of a training"));
    ET_TRY(write_table(store, group, "last_epoch", shape_of(ET_STORE_F64, 0, 0, 0, 0),
                       &r->eval_epoch[r->evals - 1], "epochs", "epoch of the accuracies"));
    return write_ledger(store, group, &r->ledger, r->digital_macs);
}

static enum et_status read_control(struct et_store *store, size_t seeds,
                                   struct et__variant *variant)
{
    struct et__results *r = &variant->results;
    char group[96];
    snprintf(group, sizeof group, "/controls/%s", variant->name);
    if (!et_store_has(store, group)) return ET_OK;
    struct et_store_shape shape = shape_of(ET_STORE_F64, 1, seeds, 0, 0);
    int64_t numbers[2];
    ET_TRY(read_table(store, group, "seeds_done_and_epochs", shape_of(ET_STORE_I64, 1, 2, 0, 0),
                      numbers));
    ET_TRY(et__results_create(r, seeds, 1, 0, 1, 1));
    r->epochs = (size_t)numbers[1];
    ET_TRY(keep_done(r, numbers[0]));
    ET_TRY(read_table(store, group, "test_accuracy", shape, r->test));
    ET_TRY(read_table(store, group, "train_accuracy", shape, r->train));
    char path[128];
    snprintf(path, sizeof path, "%s/integer_accuracy", group);
    r->has_integer = et_store_has(store, path);
    if (r->has_integer) ET_TRY(read_table(store, group, "integer_accuracy", shape, r->integer));
    ET_TRY(
        read_table(store, group, "last_epoch", shape_of(ET_STORE_F64, 0, 0, 0, 0), r->eval_epoch));
    return read_ledger(store, group, &r->ledger, &r->digital_macs);
}

/* ---------------------------------------------------------------------------- checkpoint -- */

static enum et_status write_checkpoint(struct et_store *store, const struct et__run *run)
{
    struct et_trainer *t = run->trainer;
    const char *g = "/checkpoint";
    int64_t where[2] = {(int64_t)run->at_variant, (int64_t)run->at_seed};
    ET_TRY(write_table(store, g, "variant_and_seed", shape_of(ET_STORE_I64, 1, 2, 0, 0), where, "1",
                       "what is being trained"));
    size_t losses = t->plan.losses, classes = t->features->n_classes;
    ET_TRY(write_table(store, g, "position", shape_of(ET_STORE_I64, 1, POSITION, 0, 0), &t->at, "1",
                       "layer, epoch, batch, sweep, evaluations, done"));
    ET_TRY(write_table(store, g, "updates", shape_of(ET_STORE_I64, 1, losses, 0, 0), t->updates,
                       "steps", "optimiser steps of each layer"));
    ET_TRY(write_table(store, g, "loss_sum", shape_of(ET_STORE_F64, 1, losses, 0, 0), t->loss_sum,
                       "1", "loss of the current epoch so far, per layer"));
    ET_TRY(write_table(store, g, "loss", shape_of(ET_STORE_F64, 2, t->plan.epochs, losses, 0),
                       t->loss, "1", "[epoch][layer]"));
    struct et_store_shape evals = shape_of(ET_STORE_F64, 1, t->plan.evals, 0, 0);
    ET_TRY(write_table(store, g, "test_accuracy", evals, t->test_accuracy, "1", "[evaluation]"));
    ET_TRY(write_table(store, g, "train_accuracy", evals, t->train_accuracy, "1", "[evaluation]"));
    ET_TRY(
        write_table(store, g, "integer_accuracy", evals, t->integer_accuracy, "1", "[evaluation]"));
    ET_TRY(write_table(store, g, "eval_epoch", evals, t->eval_epoch, "epochs", "[evaluation]"));
    ET_TRY(write_table(store, g, "confusion", shape_of(ET_STORE_I64, 2, classes, classes, 0),
                       t->confusion, "samples", "[true][predicted]"));
    ET_TRY(write_ledger(store, g, &t->network->ledger, t->network->digital_macs));
    struct et__archive archive = {0};
    ET_TRY(et__archive_capture(&archive, t, true));
    enum et_status status = et__archive_write(&archive, store, "/checkpoint/network");
    et__archive_destroy(&archive);
    return status;
}

static enum et_status check_position(const struct et_trainer *t)
{
    const struct et__position *at = &t->at;
    if (at->stage < t->plan.losses && at->epoch <= t->plan.epochs &&
        at->batch <= t->plan.n_batches && at->evals <= t->plan.evals)
        return ET_OK;
    return et_error_set(ET_FORMAT, "the checkpoint stands beyond the end of the training");
}

enum et_status et__run_file_restore(struct et_store *store, struct et_trainer *t)
{
    const char *g = "/checkpoint";
    size_t losses = t->plan.losses, classes = t->features->n_classes;
    ET_TRY(read_table(store, g, "position", shape_of(ET_STORE_I64, 1, POSITION, 0, 0), &t->at));
    ET_TRY(check_position(t));
    ET_TRY(read_table(store, g, "updates", shape_of(ET_STORE_I64, 1, losses, 0, 0), t->updates));
    ET_TRY(read_table(store, g, "loss_sum", shape_of(ET_STORE_F64, 1, losses, 0, 0), t->loss_sum));
    ET_TRY(read_table(store, g, "loss", shape_of(ET_STORE_F64, 2, t->plan.epochs, losses, 0),
                      t->loss));
    struct et_store_shape evals = shape_of(ET_STORE_F64, 1, t->plan.evals, 0, 0);
    ET_TRY(read_table(store, g, "test_accuracy", evals, t->test_accuracy));
    ET_TRY(read_table(store, g, "train_accuracy", evals, t->train_accuracy));
    ET_TRY(read_table(store, g, "integer_accuracy", evals, t->integer_accuracy));
    ET_TRY(read_table(store, g, "eval_epoch", evals, t->eval_epoch));
    ET_TRY(read_table(store, g, "confusion", shape_of(ET_STORE_I64, 2, classes, classes, 0),
                      t->confusion));
    ET_TRY(read_ledger(store, g, &t->network->ledger, &t->network->digital_macs));
    struct et__archive archive = {0};
    ET_TRY(et__archive_read(&archive, store, "/checkpoint/network"));
    enum et_status status = et__archive_restore(&archive, t, true);
    et__archive_destroy(&archive);
    return status;
}

/* ------------------------------------------------------------------------------ the file -- */

static enum et_status write_config(struct et_store *store, const struct et__run *run)
{
    const struct et_config *config = run->experiment->config;
    ET_TRY(et_store_write_text(store, "/config/experiment", et_experiment_name(run->experiment),
                               "name of the experiment", ET_STABLE));
    ET_TRY(et_store_write_text(store, "/config/text", et_config_text(config),
                               "the experiment file as read", ET_STABLE));
    const char *resolved = et_config_stored(config);
    if (resolved == NULL) return ET_NOMEM;
    ET_TRY(et_store_write_text(store, "/config/resolved", resolved,
                               "the experiment with overrides and every default", ET_STABLE));
    const struct et__texts *texts = &run->texts;
    ET_TRY(et_store_write_text(store, "/config/folder", run->experiment->folder,
                               "where relative paths of the experiment start", ET_VOLATILE));
    ET_TRY(et_store_write_text(store, "/config/network", texts->network,
                               "the layers, one line each", ET_STABLE));
    ET_TRY(et_store_write_text(store, "/data/description", texts->data,
                               "the data set in one sentence", ET_STABLE));
    ET_TRY(et_store_write_text(store, "/data/digest", texts->data_digest,
                               "FNV-1a of features, labels and groups", ET_STABLE));
    ET_TRY(write_table(store, "/data", "shape", shape_of(ET_STORE_I64, 1, 3, 0, 0),
                       texts->data_shape, "1", "samples, features, classes"));
    return et_store_write_text(store, "/data/class_names", texts->class_names,
                               "names of the classes, one per line", ET_STABLE);
}

static enum et_status write_environment(struct et_store *store)
{
    const struct et_environment_entry *entry;
    size_t n = et_environment(&entry);
    for (size_t i = 0; i < n; i++) {
        char path[160];
        snprintf(path, sizeof path, "/environment/%s", entry[i].name);
        ET_TRY(et_store_write_text(store, path, entry[i].value, "where the run was made",
                                   ET_VOLATILE));
    }
    return ET_OK;
}

static enum et_status write_digest(struct et_store *store, const struct et__run *run)
{
    char text[17];
    uint64_t digest = ET_DIGEST_START;
    for (size_t s = 0; s < run->seeds; s++)
        digest = et__archive_digest(&run->trained[s], digest);
    snprintf(text, sizeof text, "%016" PRIx64, digest);
    return et_store_write_text(store, "/parameters/digest", text,
                               "FNV-1a of all trained numbers, whatever device was trained on",
                               ET_STABLE);
}

static enum et_status write_all(struct et_store *store, struct et__run *run, bool complete)
{
    ET_TRY(write_config(store, run));
    ET_TRY(write_environment(store));
    ET_TRY(write_metrics(store, &run->variant[0].results));
    for (size_t v = 1; v < run->n_variants; v++)
        if (run->variant[v].results.seeds > 0) ET_TRY(write_control(store, &run->variant[v]));
    ET_TRY(write_ledger(store, "/ledger", &run->variant[0].results.ledger,
                        run->variant[0].results.digital_macs));
    ET_TRY(et_store_write_f64(store, "/ledger/wall_s",
                              run->wall_before + et__now_s() - run->started, "s",
                              "wall-clock time of the whole run, controls included", ET_VOLATILE));
    for (size_t s = 0; s < run->seeds; s++) {
        char group[64];
        snprintf(group, sizeof group, "/parameters/seed-%03zu", s);
        ET_TRY(et__archive_write(&run->trained[s], store, group));
    }
    ET_TRY(write_digest(store, run));
    if (!complete && run->trainer != NULL) ET_TRY(write_checkpoint(store, run));
    return et_store_write_i64(store, "/complete", complete, "1",
                              "1 when all seeds and controls are done", ET_STABLE);
}

enum et_status et__run_file_write(struct et__run *run, bool complete)
{
    struct et_store *store;
    ET_TRY_WHILE(et_store_create(run->output, &store), "writing the run file");
    enum et_status status = write_all(store, run, complete);
    if (status == ET_OK) return et_store_commit(&store);
    et_store_close(store);
    et_error_while("writing the run file %s", run->output);
    return status;
}

static enum et_status check_same_experiment(struct et__run *run, struct et_store *store)
{
    char *resolved;
    const char *wanted = et_config_stored(run->experiment->config);
    if (wanted == NULL) return ET_NOMEM;
    ET_TRY(et_store_read_text(store, "/config/resolved", &resolved));
    int same = strcmp(resolved, wanted) == 0;
    et_free(resolved);
    if (!same)
        return et_error_set(ET_CONFIG,
                            "%s was made by another experiment or with other --set values: run "
                            "without --resume, or choose another --output",
                            run->output);
    return ET_OK;
}

enum et_status et__run_file_resume(struct et__run *run, struct et_store *store, bool *complete)
{
    ET_TRY(check_same_experiment(run, store));
    ET_TRY(read_metrics(store, &run->variant[0].results));
    struct et__results *r = &run->variant[0].results;
    if (r->seeds != run->seeds)
        return et_error_set(ET_CONFIG, "%s has %zu seeds, not %zu", run->output, r->seeds,
                            run->seeds);
    ET_TRY(read_ledger(store, "/ledger", &r->ledger, &r->digital_macs));
    for (size_t v = 1; v < run->n_variants; v++)
        ET_TRY(read_control(store, run->seeds, &run->variant[v]));
    for (size_t s = 0; s < r->done; s++) {
        char group[64];
        snprintf(group, sizeof group, "/parameters/seed-%03zu", s);
        ET_TRY(et__archive_read(&run->trained[s], store, group));
    }
    ET_TRY(et_store_read_f64(store, "/ledger/wall_s", &run->wall_before));
    int64_t flag;
    ET_TRY(et_store_read_i64(store, "/complete", &flag));
    *complete = flag == 1;
    ET_TRY(et_store_read_text(store, "/data/description", &run->texts.data));
    ET_TRY(et_store_read_text(store, "/data/digest", &run->texts.data_digest));
    ET_TRY(read_table(store, "/data", "shape", shape_of(ET_STORE_I64, 1, 3, 0, 0),
                      run->texts.data_shape));
    ET_TRY(et_store_read_text(store, "/config/network", &run->texts.network));
    ET_TRY(et_store_read_text(store, "/data/class_names", &run->texts.class_names));
    if (et_store_has(store, "/checkpoint/variant_and_seed")) {
        int64_t where[2];
        ET_TRY(read_table(store, "/checkpoint", "variant_and_seed",
                          shape_of(ET_STORE_I64, 1, 2, 0, 0), where));
        run->resume_variant = (size_t)where[0];
        run->resume_seed = (size_t)where[1];
    }
    return ET_OK;
}
