/* SPDX-License-Identifier: Apache-2.0
 *
 * The registries of objectives and methods. */
#include "objective.h"

#include <math.h>
#include <string.h>

#define ET_OBJECTIVE(name)                extern const struct et_objective_type et_objective_##name;
#define ET_OBJECTIVE_ABSENT(name, reason) /* not in this build */
#define ET_METHOD(name)                   extern const struct et_method_type et_method_##name;
#define ET_METHOD_ABSENT(name, reason)    /* not in this build */
#include "methods.def"
#include "objectives.def"
#undef ET_OBJECTIVE
#undef ET_METHOD

#define ET_OBJECTIVE(name) &et_objective_##name,
#define ET_METHOD(name)    &et_method_##name,
static const struct et_objective_type *const objectives[] = {
#include "objectives.def"
    NULL,
};
static const struct et_method_type *const methods[] = {
#include "methods.def"
    NULL,
};

enum { ENTRIES_MAX = 32 };

const struct et_type_entry *et_method_types(const char *family, size_t i)
{
    /* Entries of a thread's own: filled when asked for, valid as long as the thread. */
    static _Thread_local struct et_type_entry objective_entry[ENTRIES_MAX];
    static _Thread_local struct et_type_entry method_entry[ENTRIES_MAX];
    if (strcmp(family, "objective") == 0 && i + 1 < sizeof objectives / sizeof *objectives) {
        const struct et_objective_type *type = objectives[i];
        objective_entry[i] = (struct et_type_entry){type->name, type->summary, type->params, NULL};
        return &objective_entry[i];
    }
    if (strcmp(family, "method") == 0 && i + 1 < sizeof methods / sizeof *methods) {
        const struct et_method_type *type = methods[i];
        method_entry[i] = (struct et_type_entry){type->name, type->summary, type->params, NULL};
        return &method_entry[i];
    }
    return NULL;
}

_Static_assert(sizeof objectives / sizeof *objectives <= ENTRIES_MAX, "raise ENTRIES_MAX");
_Static_assert(sizeof methods / sizeof *methods <= ENTRIES_MAX, "raise ENTRIES_MAX");

const struct et_objective_type *et__objective_find(const char *name)
{
    for (size_t i = 0; objectives[i] != NULL; i++)
        if (strcmp(objectives[i]->name, name) == 0) return objectives[i];
    return NULL;
}

const struct et_method_type *et__method_find(const char *name)
{
    for (size_t i = 0; methods[i] != NULL; i++)
        if (strcmp(methods[i]->name, name) == 0) return methods[i];
    return NULL;
}

enum et_status et__objective_open(struct et__objective *objective, const struct et_config *config,
                                  const struct et_objective_shape *shape)
{
    const struct et_objective_type *type = et__objective_find(et_config_type(config));
    *objective = (struct et__objective){.type = type};
    objective->state = et_alloc(1, type->state_size);
    if (objective->state == NULL) return ET_NOMEM;
    ET_TRY_WHILE(type->open(objective->state, config, shape), "opening the objective '%s'",
                 type->name);
    return ET_OK;
}

void et__objective_close(struct et__objective *objective)
{
    if (objective->state != NULL && objective->type->close != NULL)
        objective->type->close(objective->state);
    et_free(objective->state);
    *objective = (struct et__objective){0};
}

struct et_tensor *et__objective_tensor(const struct et__objective *objective, size_t stage,
                                       size_t i)
{
    if (objective->type->tensor == NULL) return NULL;
    return objective->type->tensor(objective->state, stage, i);
}

double et__softplus(double x)
{
    return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

double et__logistic(double x)
{
    return x > 0 ? 1.0 / (1.0 + exp(-x)) : exp(x) / (1.0 + exp(x));
}

double et__cross_entropy(struct et_view logits, const int32_t *label)
{
    double loss = 0;
    float scale = 1.0F / (float)logits.rows;
    for (size_t r = 0; r < logits.rows; r++) {
        float *row = logits.data + r * logits.stride, top = row[0];
        for (size_t j = 1; j < logits.cols; j++)
            top = row[j] > top ? row[j] : top;
        float right = row[label[r]] - top, sum = 0;
        for (size_t j = 0; j < logits.cols; j++) {
            row[j] = expf(row[j] - top);
            sum += row[j];
        }
        loss += log((double)sum) - (double)right;
        for (size_t j = 0; j < logits.cols; j++)
            row[j] *= scale / sum;
        row[label[r]] -= scale;
    }
    return loss / (double)logits.rows;
}
