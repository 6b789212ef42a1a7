/* SPDX-License-Identifier: Apache-2.0
 *
 * `later`: the trained network on a changed device, as it is or after some more epochs. */
#include "binary_stage.h"
#include "model.h"
#include "run.h"

#include <etalon/rng.h>

#include <stdio.h>
#include <string.h>

/* clang-format off */
const struct et_param et__later_params[] = {
    {.name = "name", .kind = ET_PARAM_STRING, .initial = NULL, .doc = "Name among the results."},
    {.name = "set", .kind = ET_PARAM_STRINGS, .initial = "[]",
     .doc = "Changes of the experiment, each path=value: parameters of the systems, or of the "
            "method for the epochs below."},
    {.name = "epochs", .kind = ET_PARAM_INT, .initial = "0", .min = 0, .max = 1000000,
     .doc = "Train on with the changed device in the loop, with a fresh optimiser, before the "
            "evaluation; 0 = evaluate only."},
    {.name = "knobs", .kind = ET_PARAM_BOOL, .initial = "false",
     .doc = "Let what is inside the devices, knobs and one-bit weights, learn too; otherwise "
            "readouts and heads alone."},
    {0},
};
/* clang-format on */

static enum et_status make_config(const struct et__run *run, const struct et_config *record,
                                  struct et__variant *variant)
{
    enum { OWN = 3 };
    const struct et_config *method = et_config_at(run->experiment->config, "method", 0);
    size_t given = et_config_count(record, "set"), n = 0;
    char length[48];
    const char **changes = et_alloc(given + OWN, sizeof *changes);
    if (changes == NULL) return ET_NOMEM;
    changes[n++] = "method.evaluate_every=0";
    for (size_t i = 0; i < given; i++)
        changes[n++] = et_config_string_at(record, "set", i);
    /* In the loop: scalings and drives stay as fitted, so nothing needs stored measurements. */
    if (strcmp(et_config_type(method), "forward-forward") == 0)
        changes[n++] = "method.schedule=joint";
    snprintf(length, sizeof length, "method.epochs=%lld",
             (long long)et_config_int(record, "epochs"));
    if (et_config_int(record, "epochs") > 0) changes[n++] = length;
    enum et_status status = et__run_reparse(run->experiment, changes, n, &variant->owned);
    et_free(changes);
    if (status != ET_OK) et_error_while("preparing '%s' of later", variant->name);
    return status;
}

static bool is_same(const struct et_config *a, const struct et_config *b, const char *name)
{
    return strcmp(et_config_resolved(et_config_at(a, name, 0)),
                  et_config_resolved(et_config_at(b, name, 0))) == 0;
}

static bool is_type(const struct et_config *a, const struct et_config *b)
{
    return strcmp(et_config_type(a), et_config_type(b)) == 0;
}

/* With other seeds or parts the test rows would be rows that the network has learned from; features
 * and objective have numbers of their own in what was trained. */
static enum et_status check_unchanged(const struct et__run *run, const struct et_config *record,
                                      const struct et_config *changed)
{
    const struct et_config *config = run->experiment->config;
    const struct et_config *method = et_config_at(config, "method", 0);
    const struct et_config *other = et_config_at(changed, "method", 0);
    const char *what = NULL;
    if (et_config_int(config, "seed") != et_config_int(changed, "seed")) what = "seed";
    if (et_config_int(config, "seeds") != et_config_int(changed, "seeds")) what = "seeds";
    if (!is_same(config, changed, "split")) what = "split";
    if (!is_same(config, changed, "features")) what = "features";
    if (!is_type(method, other))
        what = "method.type";
    else if (!is_type(et_config_at(method, "objective", 0), et_config_at(other, "objective", 0)))
        what = "method.objective";
    if (what == NULL) return ET_OK;
    return et_config_error(record, "set", "'%s' belongs to the trained network and stays", what);
}

enum et_status et__run_add_later(struct et__run *run)
{
    const struct et_config *config = run->experiment->config;
    size_t n = et_config_count(config, "later");
    if (n > 0 && et__model_of(config) != NULL)
        return et_config_error(config, "later",
                               "method '%s' brings its own network, which has no systems to "
                               "change",
                               et_config_type(et_config_at(config, "method", 0)));
    for (size_t i = 0; i < n; i++) {
        const struct et_config *record = et_config_at(config, "later", i);
        struct et__variant *variant = &run->variant[run->n_variants];
        const char *name = et_config_string(record, "name");
        ET_TRY(et__run_check_name(run, record, "name", name));
        snprintf(variant->name, sizeof variant->name, "%s", name);
        variant->kind = ET__VARIANT_LATER;
        variant->later = record;
        run->n_variants++;
        ET_TRY(make_config(run, record, variant));
        variant->config = variant->owned;
        ET_TRY(check_unchanged(run, record, variant->config));
    }
    return ET_OK;
}

static enum et_status compare(const struct et__network *trained, const struct et__network *changed,
                              const struct et_config *record)
{
    if (trained->n_stages != changed->n_stages)
        return et_config_error(record, "set", "the trained network has %zu layers, this one %zu",
                               trained->n_stages, changed->n_stages);
    for (size_t l = 0; l < trained->n_stages; l++) {
        const struct et__stage *a = &trained->stage[l], *b = &changed->stage[l];
        if (a->n_t != b->n_t || a->width != b->width)
            return et_config_error(record, "set",
                                   "the trained readout of layer %zu is %zu x %zu, this one would "
                                   "be %zu x %zu",
                                   l, a->width, a->n_t, b->width, b->n_t);
        if (a->n_h != b->n_h || a->knobs.value.cols != b->knobs.value.cols)
            return et_config_error(record, "set",
                                   "layer %zu was trained with %zu inputs and %zu learned knobs, "
                                   "this one would have %zu and %zu",
                                   l, a->n_h, a->knobs.value.cols, b->n_h, b->knobs.value.cols);
    }
    return ET_OK;
}

enum et_status et__run_check_later(struct et__run *run)
{
    for (size_t v = 0; v < run->n_variants; v++) {
        const struct et__variant *variant = &run->variant[v];
        if (variant->kind != ET__VARIANT_LATER) continue;
        struct et__network changed;
        uint64_t seed = (uint64_t)et_config_int(variant->config, "device_seed");
        enum et_status status =
            et__network_open(&changed, variant->config, run->setup.features.width, 1, seed);
        if (status == ET_OK) status = compare(&run->setup.network, &changed, variant->later);
        et__network_close(&changed);
        if (status != ET_OK) {
            et_error_while("checking '%s' of later", variant->name);
            return status;
        }
    }
    return ET_OK;
}

static enum et_status check_data(const struct et__run *run, const struct et__setup *setup)
{
    const int64_t *then = run->texts.data_shape;
    const struct et_dataset *now = &setup->dataset;
    if (then[0] == (int64_t)now->x.rows && then[1] == (int64_t)now->x.cols &&
        then[2] == (int64_t)now->n_classes)
        return ET_OK;
    return et_error_set(ET_SHAPE,
                        "the network was trained on %lld samples, %lld features and %lld classes, "
                        "these data have %zu, %zu and %zu",
                        (long long)then[0], (long long)then[1], (long long)then[2], now->x.rows,
                        now->x.cols, now->n_classes);
}

enum et_status et__later_begin(const struct et__run *run, const struct et__variant *variant,
                               struct et__setup *setup, struct et_trainer *trainer)
{
    ET_TRY(check_data(run, setup));
    ET_TRY(et__archive_restore(&run->trained[run->at_seed], trainer, false));
    /* The fits of the training hold. */
    ET_TRY(et__features_scale(&setup->features));
    bool moves = et_config_bool(variant->later, "knobs");
    for (size_t l = 0; !moves && l < setup->network.n_stages; l++) {
        setup->network.stage[l].knobs.hold = true;
        setup->network.stage[l].bits.freeze = true;
    }
    /* Another time, other noise. */
    trainer->seed = et_rng_derive(trainer->seed, 4);
    return ET_OK;
}
