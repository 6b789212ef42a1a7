/* SPDX-License-Identifier: Apache-2.0
 *
 * Adam and SGD as one streaming pass over a tensor; see optimiser.h for the formulas. */
#include "optimiser.h"

#include <etalon/parallel.h>

#include <math.h>
#include <string.h>

/* clang-format off */
#define OPTIMISER_PARAMS(rate_, schedule_)                                                         \
    {.name = "type", .kind = ET_PARAM_CHOICE, .initial = "adam", .choices = "adam|sgd",            \
     .doc = "Update rule."},                                                                       \
    {.name = "rate", .kind = ET_PARAM_REAL, .initial = rate_, .min = 0, .max = 10,                 \
     .doc = "Learning rate."},                                                                     \
    {.name = "schedule", .kind = ET_PARAM_CHOICE, .initial = schedule_,                            \
     .choices = "constant|half|cosine|linear",                                                     \
     .doc = "Rate over the training: constant, constant until half then linear to zero, half a "   \
            "cosine to zero, linear to zero."},                                                    \
    {.name = "weight_decay", .kind = ET_PARAM_REAL, .initial = "0", .min = 0, .max = 1,            \
     .doc = "Added to the gradient as weight_decay * w."},                                         \
    {.name = "beta1", .kind = ET_PARAM_REAL, .initial = "0.9", .min = 0, .max = 0.999999,          \
     .doc = "Adam: memory of the mean gradient."},                                                 \
    {.name = "beta2", .kind = ET_PARAM_REAL, .initial = "0.999", .min = 0, .max = 0.9999999,       \
     .doc = "Adam: memory of the mean squared gradient."},                                         \
    {.name = "epsilon", .kind = ET_PARAM_REAL, .initial = "1e-8", .min = 1e-12, .max = 1,          \
     .doc = "Adam: added to the root mean square."},                                               \
    {.name = "momentum", .kind = ET_PARAM_REAL, .initial = "0.9", .min = 0, .max = 0.999999,       \
     .doc = "SGD: memory of the mean gradient."},                                                  \
    {0},
const struct et_param et__optimiser_params[] = { OPTIMISER_PARAMS("1e-3", "constant") };
const struct et_param et__knob_optimiser_params[] = { OPTIMISER_PARAMS("1e-2", "constant") };
const struct et_param et__latent_params[] = { OPTIMISER_PARAMS("1e-2", "cosine") };
/* clang-format on */

void et__optimiser_read(struct et__optimiser *optimiser, const struct et_config *config)
{
    *optimiser = (struct et__optimiser){
        .kind = (enum et__optimiser_kind)et_config_choice(config, "type"),
        .schedule = (enum et__rate_schedule)et_config_choice(config, "schedule"),
        .rate = et_config_real(config, "rate"),
        .weight_decay = et_config_real(config, "weight_decay"),
        .beta1 = et_config_real(config, "beta1"),
        .beta2 = et_config_real(config, "beta2"),
        .epsilon = et_config_real(config, "epsilon"),
        .momentum = et_config_real(config, "momentum"),
    };
}

double et__optimiser_rate(const struct et__optimiser *optimiser, double progress)
{
    double rate = optimiser->rate;
    switch (optimiser->schedule) {
    case ET__RATE_CONSTANT:
        break;
    case ET__RATE_HALF:
        rate *= progress < 0.5 ? 1.0 : 2.0 * (1.0 - progress);
        break;
    case ET__RATE_COSINE:
        rate *= 0.5 * (1.0 + cos(3.14159265358979323846 * progress));
        break;
    case ET__RATE_LINEAR:
        rate *= 1.0 - progress;
        break;
    }
    return rate;
}

struct update {
    struct et_tensor *tensor;
    size_t n;
    float decay, a, b, rate, epsilon;
};

enum { BLOCK = 16384 }; /* elements: small enough to share, large enough to stream */

ET_VECTOR_CLONES
static void adam_block(float *restrict w, const float *restrict g, float *restrict m,
                       float *restrict v, size_t n, const struct update *u)
{
    const float decay = u->decay, beta1 = u->a, beta2 = u->b, rate = u->rate, eps = u->epsilon;
    for (size_t i = 0; i < n; i++) {
        float gradient = g[i] + decay * w[i];
        m[i] = beta1 * m[i] + (1.0F - beta1) * gradient;
        v[i] = beta2 * v[i] + (1.0F - beta2) * (gradient * gradient);
        w[i] -= rate * m[i] / (sqrtf(v[i]) + eps);
    }
}

ET_VECTOR_CLONES
static void sgd_block(float *restrict w, const float *restrict g, float *restrict m, size_t n,
                      const struct update *u)
{
    const float decay = u->decay, momentum = u->a, rate = u->rate;
    for (size_t i = 0; i < n; i++) {
        m[i] = momentum * m[i] + (g[i] + decay * w[i]);
        w[i] -= rate * m[i];
    }
}

static void adam_body(void *user, size_t i, size_t worker)
{
    (void)worker;
    const struct update *u = user;
    struct et_tensor *t = u->tensor;
    size_t first = i * BLOCK, n = u->n - first < BLOCK ? u->n - first : BLOCK;
    adam_block(t->value + first, t->gradient + first, t->moment1 + first, t->moment2 + first, n, u);
}

static void sgd_body(void *user, size_t i, size_t worker)
{
    (void)worker;
    const struct update *u = user;
    struct et_tensor *t = u->tensor;
    size_t first = i * BLOCK, n = u->n - first < BLOCK ? u->n - first : BLOCK;
    sgd_block(t->value + first, t->gradient + first, t->moment1 + first, n, u);
}

void et__optimiser_step(const struct et__optimiser *optimiser, struct et_tensor *tensor,
                        double rate, uint64_t count)
{
    if (tensor->gradient == NULL) return;
    size_t n = tensor->rows * tensor->cols, blocks = (n + BLOCK - 1) / BLOCK;
    rate *= tensor->rate_factor;
    double decay = tensor->weight_decay < 0 ? optimiser->weight_decay : tensor->weight_decay;
    struct update u = {.tensor = tensor, .n = n, .decay = (float)decay};
    if (optimiser->kind == ET__SGD) {
        u.a = (float)optimiser->momentum;
        u.rate = (float)rate;
        et_parallel_for(blocks, sgd_body, &u);
        return;
    }
    /* The bias corrections move into the rate and epsilon: one division less per element. */
    double correction1 = 1.0 - pow(optimiser->beta1, (double)count);
    double correction2 = sqrt(1.0 - pow(optimiser->beta2, (double)count));
    u.a = (float)optimiser->beta1;
    u.b = (float)optimiser->beta2;
    u.rate = (float)(rate * correction2 / correction1);
    u.epsilon = (float)(optimiser->epsilon * correction2);
    et_parallel_for(blocks, adam_body, &u);
}

enum et_status et_tensor_create(struct et_tensor *tensor, const char *name, size_t rows,
                                size_t cols, double rate_factor)
{
    size_t n = rows * cols;
    *tensor = (struct et_tensor){
        .name = name, .rows = rows, .cols = cols, .rate_factor = rate_factor, .weight_decay = -1};
    tensor->value = et_alloc(n, sizeof(float));
    if (tensor->value == NULL) return ET_NOMEM;
    if (rate_factor <= 0) return ET_OK;
    tensor->gradient = et_alloc(n, sizeof(float));
    tensor->moment1 = et_alloc(n, sizeof(float));
    tensor->moment2 = et_alloc(n, sizeof(float));
    return tensor->gradient && tensor->moment1 && tensor->moment2 ? ET_OK : ET_NOMEM;
}

void et_tensor_destroy(struct et_tensor *tensor)
{
    et_free(tensor->value);
    et_free(tensor->gradient);
    et_free(tensor->moment1);
    et_free(tensor->moment2);
    *tensor = (struct et_tensor){0};
}

struct et_view et_tensor_view(const struct et_tensor *tensor)
{
    return et_view_of(tensor->value, tensor->rows, tensor->cols);
}

struct et_view et_tensor_gradient(const struct et_tensor *tensor)
{
    return et_view_of(tensor->gradient, tensor->rows, tensor->cols);
}
