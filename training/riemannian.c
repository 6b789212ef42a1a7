/* SPDX-License-Identifier: Apache-2.0
 *
 * Point by point: each row has its own momentum, which lives in the tangent space of where the
 * point is and so has to move with it. */
#include "riemannian.h"

#include <etalon/parallel.h>

#include <assert.h>
#include <math.h>

struct update {
    const struct et__optimiser *optimiser;
    const struct et_knob_block *block;
    struct et_tensor *tensor;
    float rate, decay, epsilon;
};

static void update_point(void *user, size_t row, size_t worker)
{
    (void)worker;
    const struct update *u = user;
    const struct et_manifold *space = u->block->manifold;
    const double c = *u->block->curvature;
    size_t n = u->block->cols;
    float *p = u->tensor->value + row * n, *g = u->tensor->gradient + row * n;
    float *m = u->tensor->moment1 + row * n, *v = u->tensor->moment2 + row * n;
    for (size_t i = 0; i < n; i++)
        g[i] += u->decay * p[i];
    space->gradient(c, p, g, n);
    float rate = u->rate, keep = (float)u->optimiser->momentum, take = 1;
    if (u->optimiser->kind == ET__ADAM) {
        double beta2 = u->optimiser->beta2;
        keep = (float)u->optimiser->beta1;
        take = 1 - keep;
        *v = (float)(beta2 * (double)*v + (1 - beta2) * space->inner(c, p, g, g, n));
        rate /= sqrtf(*v) + u->epsilon;
    }
    for (size_t i = 0; i < n; i++) {
        m[i] = keep * m[i] + take * g[i];
        g[i] = -rate * m[i];
    }
    space->move(c, p, g, m, n);
}

void et__riemannian_step(const struct et__optimiser *optimiser, const struct et_knob_block *block,
                         struct et_tensor *tensor, double rate, uint64_t count)
{
    assert(block->kind == ET_KNOB_MANIFOLD && tensor->rows == block->rows &&
           tensor->cols == block->cols);
    double decay = tensor->weight_decay < 0 ? optimiser->weight_decay : tensor->weight_decay;
    struct update u = {.optimiser = optimiser, .block = block, .tensor = tensor};
    u.rate = (float)(rate * tensor->rate_factor);
    u.decay = (float)decay;
    if (optimiser->kind == ET__ADAM) {
        /* The bias corrections move into the rate and epsilon, as in optimiser.c. */
        double correction2 = sqrt(1.0 - pow(optimiser->beta2, (double)count));
        u.rate = (float)(rate * tensor->rate_factor * correction2 /
                         (1.0 - pow(optimiser->beta1, (double)count)));
        u.epsilon = (float)(optimiser->epsilon * correction2);
    }
    et_parallel_for(block->rows, update_point, &u);
}
