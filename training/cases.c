/* SPDX-License-Identifier: Apache-2.0
 *
 * The cases of a method's model among the results: one training, several ways to predict. */
#include "model.h"
#include "run.h"

void et__run_add_cases(struct et__run *run)
{
    const struct et_config *config = run->experiment->config;
    const struct et_config *method = et_config_at(config, "method", 0);
    const struct et_model_type *model = et__model_of(config);
    for (size_t i = 0; model != NULL && i + 1 < model->cases(method); i++) {
        struct et__variant *variant = &run->variant[run->n_variants++];
        variant->kind = ET__VARIANT_CASE;
        variant->config = config;
        model->case_name(method, i, variant->name, sizeof variant->name);
    }
}

static enum et_status keep_case(struct et__run *run, struct et__results *r,
                                struct et_trainer *trainer)
{
    const struct et_split *split = trainer->split;
    size_t s = run->at_seed;
    if (r->seeds == 0)
        ET_TRY(et__results_create(r, run->seeds, 1, trainer->plan.epochs, trainer->plan.losses,
                                  trainer->features->n_classes));
    ET_TRY(et__trainer_accuracy(trainer, split->test, split->n_test, 0, NULL, &r->test[s]));
    ET_TRY(et__trainer_accuracy(trainer, split->train, split->n_train, 0, NULL, &r->train[s]));
    r->eval_epoch[0] = (double)trainer->plan.epochs;
    r->done = s + 1;
    return ET_OK;
}

enum et_status et__run_keep_cases(struct et__run *run, struct et_trainer *trainer)
{
    enum et_status status = ET_OK;
    size_t last = trainer->model_case;
    for (size_t v = 0, i = 0; v < run->n_variants && status == ET_OK; v++) {
        if (run->variant[v].kind != ET__VARIANT_CASE) continue;
        trainer->model_case = i++;
        status = keep_case(run, &run->variant[v].results, trainer);
        if (status != ET_OK) et_error_while("evaluating the case '%s'", run->variant[v].name);
    }
    trainer->model_case = last;
    return status;
}
