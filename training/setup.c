/* SPDX-License-Identifier: Apache-2.0
 *
 * From a checked configuration to data, devices and a trainer. */
#include "binary_stage.h"
#include "model.h"
#include "run.h"

#include <etalon/rng.h>
#include <etalon/system.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct et_config *objective_config(const struct et_config *config)
{
    return et_config_at(et_config_at(config, "method", 0), "objective", 0);
}

static bool is_contrastive(const struct et_config *config)
{
    if (et__model_of(config) != NULL) return false;
    return et__objective_find(et_config_type(objective_config(config)))->contrastive;
}

/* The training of n_train rows. */
static struct et__plan plan_of(const struct et_config *config, size_t n_train)
{
    const struct et_config *method = et_config_at(config, "method", 0);
    const struct et_model_type *model = et__model_of(config);
    if (model != NULL) return et__model_plan(model, method, n_train);
    return et__plan_make(method, et_config_count(config, "layers"), n_train,
                         is_contrastive(config));
}

/* A method may need traits, gradients say, that not every system has. */
static enum et_status check_traits(const struct et__setup *setup)
{
    const struct et_config *config = et_config_at(setup->config, "method", 0);
    const struct et_method_type *method = et__method_find(et_config_type(config));
    for (size_t l = 0; l < setup->network.n_stages; l++) {
        const struct et_system *system = setup->network.stage[l].system;
        if (system == NULL || (et_system_info(system)->traits & method->needs) == method->needs)
            continue;
        return et_config_error(config, NULL,
                               "method '%s' needs a trait that system '%s' of layer %zu lacks",
                               method->name, et_system_name(system), l);
    }
    return ET_OK;
}

/* Goodness cannot tell -1 from 1, so under a contrastive objective a bit is a small or a large
 * activity; their squares add up to 2: half of the units at work give a mean square of 1.  Not
 * zero, or units at rest would never learn. */
static const float CONTRAST_LOW = 0.4F; /* below 1/2, which the next layer takes for +1 */

/* A layer of classes has one output for each and learns without labels in the input. */
static enum et_status check_binary(struct et__setup *setup, bool contrastive)
{
    struct et__network *network = &setup->network;
    const struct et_config *layers = setup->config;
    for (size_t l = 0; l < network->n_stages; l++) {
        struct et__stage *stage = &network->stage[l];
        if (contrastive) {
            stage->bits.low = CONTRAST_LOW;
            stage->bits.high = sqrtf(2 - CONTRAST_LOW * CONTRAST_LOW);
        }
        if (!et__is_classes(stage)) continue;
        const struct et_config *binary =
            et_config_at(et_config_at(layers, "layers", l), "binary", 0);
        if (contrastive || network->n_scored == 0)
            return et_config_error(binary, "role",
                                   contrastive
                                       ? "a layer of classes learns from labels that are not in "
                                         "the input: use an objective without contrast"
                                       : "the objective needs a layer below that of the classes");
        if (stage->n_out != setup->dataset.n_classes)
            return et_config_error(binary, "role", "%zu outputs for %zu classes", stage->n_out,
                                   setup->dataset.n_classes);
    }
    return ET_OK;
}

enum et_status et__setup_open(struct et__setup *setup, const struct et_config *config)
{
    *setup = (struct et__setup){.config = config};
    ET_TRY(et__model_check_layers(config));
    setup->seed = (uint64_t)et_config_int(config, "seed");
    ET_TRY_WHILE(et_dataset_load(et_config_at(config, "dataset", 0), setup->seed, &setup->dataset),
                 "loading the data set");
    ET_TRY(et__features_open(&setup->features, et_config_at(config, "features", 0), &setup->dataset,
                             is_contrastive(config)));
    /* Workspaces for the largest training part that any seed may have: all rows. */
    bool keeps_split =
        setup->dataset.n_train > 0 && et_config_int(et_config_at(config, "split", 0), "folds") <= 1;
    size_t n_train = keeps_split ? setup->dataset.n_train : setup->dataset.x.rows;
    struct et__plan plan = plan_of(config, n_train);
    uint64_t device_seed = (uint64_t)et_config_int(config, "device_seed");
    ET_TRY(et__network_open(&setup->network, config, setup->features.width, plan.rows_max,
                            device_seed));
    ET_TRY(check_binary(setup, is_contrastive(config)));
    return check_traits(setup);
}

enum et_status et__setup_substitute(struct et__setup *setup, const char *control)
{
    uint64_t seed = et_rng_derive((uint64_t)et_config_int(setup->config, "device_seed"), 1);
    return et__network_substitute(&setup->network, control, seed);
}

void et__setup_close(struct et__setup *setup)
{
    et__network_close(&setup->network);
    et__features_close(&setup->features);
    et_dataset_destroy(&setup->dataset);
}

static enum et_status make_split(struct et__setup *setup, size_t s)
{
    const struct et_config *config = et_config_at(setup->config, "split", 0);
    size_t folds = (size_t)et_config_int(config, "folds");
    struct et_split_rule rule = {
        .test_fraction = et_config_real(config, "test"),
        .folds = folds,
        .fold = folds > 1 ? s % folds : 0,
        .by_group = et_config_bool(config, "by_group"),
    };
    /* The folds of one round share their shuffle, or they would not be disjoint. */
    uint64_t round = folds > 1 ? s / folds : s;
    uint64_t seed = et_rng_derive(et_rng_derive(setup->seed, 1), round);
    enum et_status status = et_split_make(&setup->dataset, rule, seed, &setup->split);
    if (status == ET_OK) return ET_OK;
    if (status == ET_INVALID) {
        struct et_error_record why;
        et_error_take(&why);
        status = et_config_error(setup->config, "split", "%.500s", why.message);
    }
    et_error_while("splitting the data set for seed %zu", s + 1);
    return status;
}

static enum et_status open_objective(struct et__setup *setup, uint64_t seed, size_t rows_max)
{
    const struct et__network *network = &setup->network;
    size_t *width = et_alloc(network->n_scored, sizeof *width);
    if (width == NULL) return ET_NOMEM;
    for (size_t l = 0; l < network->n_scored; l++)
        width[l] = network->stage[l].width;
    struct et_objective_shape shape = {network->n_scored, setup->dataset.n_classes, width, rows_max,
                                       et_rng_derive(seed, 2)};
    enum et_status status =
        et__objective_open(&setup->objective, objective_config(setup->config), &shape);
    et_free(width);
    return status;
}

enum et_status et__setup_begin_seed(struct et__setup *setup, size_t s, struct et_trainer *trainer)
{
    *trainer = (struct et_trainer){
        .method = et_config_at(setup->config, "method", 0),
        .network = &setup->network,
        .objective = &setup->objective,
        .features = &setup->features,
        .split = &setup->split,
        .seed = et_rng_derive(et_rng_derive(setup->seed, 3), s),
    };
    ET_TRY(make_split(setup, s));
    ET_TRY(et__features_fit(&setup->features, &setup->split));
    trainer->plan = plan_of(setup->config, setup->split.n_train);
    const struct et_model_type *model = et__model_of(setup->config);
    if (model != NULL)
        ET_TRY(et__model_open(trainer, model));
    else
        ET_TRY(open_objective(setup, trainer->seed, trainer->plan.rows_max));
    et__network_reset(&setup->network, et_rng_derive(trainer->seed, 1));
    return et__trainer_open(trainer);
}

void et__setup_end_seed(struct et__setup *setup, struct et_trainer *trainer)
{
    et__trainer_close(trainer);
    et__model_close(trainer);
    et__objective_close(&setup->objective);
    et_split_destroy(&setup->split);
}

static enum et_status describe_data(const struct et__setup *setup, char **text)
{
    const struct et_dataset *d = &setup->dataset;
    char line[256];
    snprintf(line, sizeof line, "%s: %zu samples, %zu features, %zu classes; %s",
             et_config_type(et_config_at(setup->config, "dataset", 0)), d->x.rows, d->x.cols,
             d->n_classes, d->origin ? d->origin : "");
    *text = et_strdup(line);
    return *text ? ET_OK : ET_NOMEM;
}

static enum et_status describe_network(const struct et__setup *setup, char **text)
{
    enum { LINE = 200 };
    size_t n = setup->network.n_stages, used = 0;
    *text = et_alloc((n + 2) * LINE, 1);
    if (*text == NULL) return ET_NOMEM;
    const struct et_model_type *model = et__model_of(setup->config);
    struct et_model_shape shape = {setup->features.width, setup->dataset.n_classes, 0, 0};
    if (model != NULL)
        model->describe(et_config_at(setup->config, "method", 0), &shape, *text, 2 * LINE);
    for (size_t l = 0; l < n; l++) {
        const struct et__stage *stage = &setup->network.stage[l];
        char physics[96] = "digital";
        if (stage->system != NULL)
            snprintf(physics, sizeof physics, "%.60s %zu -> %zu", et_system_name(stage->system),
                     stage->n_in, stage->n_out);
        char reader[64];
        if (et__is_binary(stage))
            snprintf(reader, sizeof reader, "1-bit weights%s",
                     stage->bits.classes ? ", classes" : "");
        else if (stage->outputs)
            snprintf(reader, sizeof reader, "%zu activities without a readout", stage->width);
        else
            snprintf(reader, sizeof reader, "readout %zu -> %zu%s", stage->n_t, stage->width,
                     stage->skip ? " (digital skip)" : "");
        static const char *const rules[] = {"", ", knobs learn by vjp", ", knobs learn by spsa",
                                            ", knobs are taught"};
        int written = snprintf(*text + used, LINE, "%slayer %zu: %s%s, %s", l ? "\n" : "", l,
                               physics, rules[stage->knobs.rule], reader);
        used += (size_t)written;
    }
    return ET_OK;
}

static enum et_status digest_data(const struct et_dataset *d, char **text)
{
    char digits[17];
    size_t n = d->x.rows;
    uint64_t hash = et_digest_add(ET_DIGEST_START, d->x.data, n * d->x.cols * sizeof *d->x.data);
    hash = et_digest_add(hash, d->label, n * sizeof *d->label);
    if (d->group != NULL) hash = et_digest_add(hash, d->group, n * sizeof *d->group);
    hash = et_digest_add(hash, &d->n_train, sizeof d->n_train);
    snprintf(digits, sizeof digits, "%016" PRIx64, hash);
    *text = et_strdup(digits);
    return *text ? ET_OK : ET_NOMEM;
}

static enum et_status name_classes(const struct et_dataset *dataset, char **text)
{
    size_t length = 1;
    for (size_t c = 0; c < dataset->n_classes; c++)
        length += (dataset->class_name ? strlen(dataset->class_name[c]) : 0) + 24;
    *text = et_alloc(length, 1);
    if (*text == NULL) return ET_NOMEM;
    for (size_t c = 0, used = 0; c < dataset->n_classes; c++) {
        char *to = *text + used;
        const char *separator = c ? "\n" : "";
        int n = dataset->class_name
                    ? snprintf(to, length - used, "%s%s", separator, dataset->class_name[c])
                    : snprintf(to, length - used, "%s%zu", separator, c);
        used += (size_t)n;
    }
    return ET_OK;
}

enum et_status et__texts_make(const struct et__setup *setup, struct et__texts *texts)
{
    const struct et_dataset *d = &setup->dataset;
    *texts = (struct et__texts){
        .data_shape = {(int64_t)d->x.rows, (int64_t)d->x.cols, (int64_t)d->n_classes}};
    ET_TRY(describe_data(setup, &texts->data));
    ET_TRY(describe_network(setup, &texts->network));
    ET_TRY(name_classes(d, &texts->class_names));
    return digest_data(d, &texts->data_digest);
}

void et__texts_destroy(struct et__texts *texts)
{
    et_free(texts->data);
    et_free(texts->network);
    et_free(texts->class_names);
    et_free(texts->data_digest);
    *texts = (struct et__texts){0};
}
