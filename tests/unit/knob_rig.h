/* SPDX-License-Identifier: Apache-2.0
 *
 * A network whose first stage has knobs that learn, ready for one batch. */
#ifndef ETALON_TESTS_KNOB_RIG_H
#define ETALON_TESTS_KNOB_RIG_H

#include "training/knobs.h"
#include "training/run.h"

#include "close.h"

#include <etalon/rng.h>

#include <check.h>
#include <stdio.h>

enum { ROWS = 12 };

/* A network under local-ce, ready for one batch of its first stage. */
struct rig {
    struct et_config *config;
    struct et__setup setup;
    struct et_trainer trainer;
    struct et__stage *stage;
    struct et_view h, t, out, d;
    struct et_step step;
};

static inline void open_rig_for(struct rig *rig, const char *layer, const char *objective)
{
    char text[1024];
    snprintf(text, sizeof text,
             "{experiment: t, dataset: {type: rings, d: 4, n: 60}, layers: [%s],"
             " method: {type: forward-forward, objective: %s, batch: %d}}",
             layer, objective, ROWS);
    assert_ok(et_config_parse("test", text, NULL, 0, et_experiment_params(), et_experiment_types,
                              &rig->config));
    assert_ok(et__setup_open(&rig->setup, rig->config));
    assert_ok(et__setup_begin_seed(&rig->setup, 0, &rig->trainer));
    rig->stage = &rig->setup.network.stage[0];
    struct et_trainer *t = &rig->trainer;
    t->at.sweep = et__knobs_probes(t->network);
    for (size_t i = 0; i < ROWS; i++) {
        t->sample[i] = t->row[i] = rig->setup.split.train[i];
        t->label[i] = t->features->dataset->label[t->row[i]];
    }
    rig->h = et_view_rows(et_array_view(&t->h0), 0, ROWS);
    et__features_fill(t->features, t->row, t->label, ROWS, rig->h);
    rig->t = et_view_rows(et_array_view(&rig->stage->t), 0, ROWS);
    rig->out = et_view_rows(et_array_view(&rig->stage->h), 0, ROWS);
    rig->d = et_view_rows(et_array_view(&rig->stage->d), 0, ROWS);
    rig->step = et__trainer_step(t, 0, t->sample);
}

static inline void open_rig(struct rig *rig, const char *layer)
{
    open_rig_for(rig, layer, "local-ce");
}

static inline void close_rig(struct rig *rig)
{
    et__setup_end_seed(&rig->setup, &rig->trainer);
    et__setup_close(&rig->setup);
    et_config_close(rig->config);
}

/* With the knobs that are in the device, if the network takes them for its own. */
static inline double loss_now(struct rig *rig)
{
    struct et_trainer *t = &rig->trainer;
    assert_ok(et__stage_measure(t->network, 0, &rig->step, rig->h));
    et__stage_assemble(rig->stage, rig->h, rig->t);
    et__stage_dropout(rig->stage, rig->t, et_rng_derive(t->seed, 0), (uint32_t)t->at.sweep, t->row);
    et__stage_readout(t->network, 0, rig->t, rig->out);
    return t->objective->type->loss(t->objective->state, 0, rig->out, t->label, rig->d);
}

static inline double loss_of(struct rig *rig)
{
    et__network_touch(rig->trainer.network, rig->stage);
    return loss_now(rig);
}

static inline void gradient_of(struct rig *rig)
{
    loss_of(rig);
    et__stage_gradient(rig->trainer.network, 0, rig->t, rig->out, rig->d, false);
    assert_ok(et__knobs_gradient(&rig->trainer, 0, &rig->step, rig->h, rig->d));
}

#endif
