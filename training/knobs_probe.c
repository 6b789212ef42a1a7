/* SPDX-License-Identifier: Apache-2.0
 *
 * Knobs that learn from measurements alone: simultaneous perturbation (spsa). */
#include "knobs.h"

#include <etalon/rng.h>

#include <string.h>

size_t et__knobs_probes(const struct et__network *network)
{
    size_t most = 0;
    for (size_t l = 0; l < network->n_stages; l++) {
        const struct et__stage *stage = &network->stage[l];
        if (!et__knobs_learn(stage, ET__KNOBS_SPSA)) continue;
        most = stage->knobs.directions > most ? stage->knobs.directions : most;
    }
    return 2 * most;
}

/* Statistics that an objective moves with every loss: no matter of a probe.  Copies them out of the
 * objective, or back into it. */
static void copy_statistics(struct et__objective *objective, size_t l, float *kept, bool back)
{
    struct et_tensor *tensor;
    for (size_t i = 0; (tensor = et__objective_tensor(objective, l, i)) != NULL; i++) {
        if (tensor->gradient != NULL) continue;
        size_t n = tensor->rows * tensor->cols;
        memcpy(back ? tensor->value : kept, back ? kept : tensor->value, n * sizeof *kept);
        kept += n;
    }
}

static size_t count_statistics(const struct et__objective *objective, size_t l)
{
    struct et_tensor *tensor;
    size_t n = 0;
    for (size_t i = 0; (tensor = et__objective_tensor(objective, l, i)) != NULL; i++)
        if (tensor->gradient == NULL) n += tensor->rows * tensor->cols;
    return n;
}

/* The loss of the batch with other knobs in the device. */
static enum et_status loss_with(struct et_trainer *trainer, size_t l, struct et_view h,
                                const float *knobs, uint64_t index, double *loss)
{
    struct et__network *network = trainer->network;
    struct et__stage *stage = &network->stage[l];
    const struct et__objective *objective = trainer->objective;
    struct et_step step = et__trainer_step(trainer, l, trainer->sample);
    step.index = (uint32_t)index;
    struct et_view t = et_view_rows(et_array_view(&stage->t), 0, h.rows);
    struct et_view out = et_view_rows(et_array_view(&stage->h), 0, h.rows);
    struct et_view d = et_view_rows(et_array_view(&stage->d), 0, h.rows);
    size_t n = stage->knobs.value.cols;
    ET_TRY_WHILE(et_system_set_knobs(stage->system, knobs, n), "probing the knobs of layer %zu", l);
    network->programmed[stage->slot] = l + 1; /* as far as the measurement is concerned */
    enum et_status status = et__stage_measure(network, l, &step, h);
    network->programmed[stage->slot] = 0;
    if (status != ET_OK) return status;
    et__stage_assemble(stage, h, t);
    /* The same units as in the measurement that the readout learns from. */
    et__trainer_dropout(trainer, l, t);
    et__stage_readout(network, l, t, out);
    *loss = objective->type->loss(objective->state, l, out, trainer->label, d);
    return et__loop_check_loss(trainer, l, *loss);
}

/* Both sides of direction q: knobs plus and minus a step of random sign each, kept legal. */
static void shift(const struct et_trainer *trainer, struct et__knobs *k, size_t l, size_t q)
{
    enum { WORD = 32, BLOCK = 4 * WORD };
    size_t n = k->value.cols, blocks = (n + BLOCK - 1) / BLOCK;
    float *plus = k->shifted, *minus = plus + n;
    for (size_t b = 0; b < blocks; b++) {
        uint32_t bits[4];
        et_rng_block(et_rng_derive(trainer->seed, l), ET_STREAM_PROBE, (uint32_t)trainer->at.sweep,
                     q * blocks + b, bits);
        for (size_t j = b * BLOCK; j < n && j < (b + 1) * BLOCK; j++) {
            float step = bits[j % BLOCK / WORD] >> j % WORD & 1 ? k->step : -k->step;
            float up = k->value.value[j] + step, down = k->value.value[j] - step;
            plus[j] = up < k->lo ? k->lo : up > k->hi ? k->hi : up;
            minus[j] = down < k->lo ? k->lo : down > k->hi ? k->hi : down;
        }
    }
}

static enum et_status probe(struct et_trainer *trainer, size_t l, struct et_view h)
{
    struct et__knobs *k = &trainer->network->stage[l].knobs;
    size_t n = k->value.cols;
    uint64_t first = trainer->at.sweep - et__knobs_probes(trainer->network);
    float *gradient = k->value.gradient;
    memset(gradient, 0, n * sizeof *gradient);
    for (size_t q = 0; q < k->directions; q++) {
        double plus, minus;
        shift(trainer, k, l, q);
        ET_TRY(loss_with(trainer, l, h, k->shifted, first + 2 * q, &plus));
        ET_TRY(loss_with(trainer, l, h, k->shifted + n, first + 2 * q + 1, &minus));
        double rise = (plus - minus) / (double)k->directions;
        for (size_t j = 0; j < n; j++) {
            double distance = (double)k->shifted[j] - (double)k->shifted[n + j];
            /* At an end of a range of no width. */
            if (distance < 0 || distance > 0) gradient[j] += (float)(rise / distance);
        }
    }
    return ET_OK;
}

enum et_status et__knobs_probe(struct et_trainer *trainer, size_t i, struct et_view h)
{
    float *kept = et_alloc(count_statistics(trainer->objective, i) + 1, sizeof *kept);
    if (kept == NULL) return ET_NOMEM;
    copy_statistics(trainer->objective, i, kept, false);
    enum et_status status = probe(trainer, i, h);
    copy_statistics(trainer->objective, i, kept, true);
    et_free(kept);
    return status;
}
