/* SPDX-License-Identifier: Apache-2.0
 *
 * Knobs that are taught: a system with time steps and a count of its own, and one without a rule;
 * stages without a readout. */
#include "knob_rig.h"

#include <stdlib.h>
#include <string.h>

/* Three time steps with outputs K x / 2, K x and 3 K x / 2, and a count of the passes that taught
 * it, which is its own. */
struct stepper {
    float knob[4 * 2 + 1];
    struct et_knob_block block[2];
};

static enum et_status stepper_open(void *state, const struct et_config *config, uint64_t seed)
{
    (void)config;
    struct stepper *s = state;
    et_rng_fill_normal(seed, ET_STREAM_INIT, 0, 0, s->knob, 8);
    s->block[0] = (struct et_knob_block){.name = "k", .rows = 4, .cols = 2};
    s->block[1] = (struct et_knob_block){
        .name = "count", .first = 8, .rows = 1, .cols = 1, .kind = ET_KNOB_KEPT};
    return ET_OK;
}

static void stepper_describe(const void *state, struct et_system_info *info)
{
    (void)state;
    info->n_in = 4;
    info->n_out = 2;
    info->n_knobs = 9;
    info->in_min = -INFINITY;
    info->in_max = INFINITY;
    info->traits = ET_HAS_KNOBS;
}

static void stepper_run(const struct stepper *s, struct et_view x, float factor, struct et_view y)
{
    for (size_t r = 0; r < x.rows; r++)
        for (size_t j = 0; j < 2; j++) {
            float sum = 0;
            for (size_t i = 0; i < 4; i++)
                sum += s->knob[2 * i + j] * x.data[4 * r + i];
            y.data[2 * r + j] = factor * sum;
        }
}

static enum et_status stepper_forward(void *state, const struct et_step *step, struct et_view x,
                                      struct et_view y)
{
    (void)step;
    stepper_run(state, x, 1, y);
    return ET_OK;
}

static enum et_status stepper_teach(void *state, const struct et_step *step, struct et_view x,
                                    const struct et_teacher *teacher, struct et_view dx,
                                    float *dknobs)
{
    (void)step;
    (void)dx;
    struct stepper *s = state;
    float y[2 * ROWS], dy[2 * ROWS];
    for (size_t t = 0; t < 3; t++) {
        float factor = 0.5F * (float)(t + 1);
        stepper_run(s, x, factor, et_view_of(y, x.rows, 2));
        ET_TRY(teacher->judge(teacher->user, t, 3, et_view_of(y, x.rows, 2),
                              et_view_of(dy, x.rows, 2)));
        for (size_t r = 0; r < x.rows; r++)
            for (size_t k = 0; k < 8; k++)
                dknobs[k] += factor * x.data[4 * r + k / 2] * dy[2 * r + k % 2];
    }
    s->knob[8] += 1;
    return ET_OK;
}

static enum et_status stepper_set(void *state, const float *knobs)
{
    memcpy(((struct stepper *)state)->knob, knobs, 9 * sizeof *knobs);
    return ET_OK;
}

static void stepper_get(const void *state, float *knobs)
{
    memcpy(knobs, ((const struct stepper *)state)->knob, 9 * sizeof *knobs);
}

static const struct et_knob_block *stepper_block(const void *state, size_t i)
{
    return i < 2 ? &((const struct stepper *)state)->block[i] : NULL;
}

static const struct et_system_type stepper_type = {
    .name = "stepper",
    .summary = "Three steps and a count.",
    .state_size = sizeof(struct stepper),
    .params = (const struct et_param[]){{0}},
    .open = stepper_open,
    .describe = stepper_describe,
    .forward = stepper_forward,
    .set_knobs = stepper_set,
    .get_knobs = stepper_get,
    .teach = stepper_teach,
    .block = stepper_block,
};

static double lesson(struct rig *rig)
{
    double loss;
    et__network_touch(rig->trainer.network, rig->stage);
    assert_ok(et__knobs_teach(&rig->trainer, 0, &rig->step, rig->h, &loss));
    return loss;
}

/* Gradients of a tensor, left by the lesson before, against differences of the mean loss. */
static void check_lesson(struct rig *rig, struct et_tensor *tensor, size_t n)
{
    float gradient[64], largest = 1e-3F;
    ck_assert_uint_le(n, 64);
    lesson(rig);
    memcpy(gradient, tensor->gradient, n * sizeof *gradient);
    for (size_t j = 0; j < n; j++)
        largest = fmaxf(largest, fabsf(gradient[j]));
    for (size_t j = 0; j < n; j++) {
        float at = tensor->value[j];
        tensor->value[j] = at + 2e-3F;
        double up = lesson(rig);
        tensor->value[j] = at - 2e-3F;
        double down = lesson(rig);
        tensor->value[j] = at;
        assert_near((double)gradient[j], (up - down) / 4e-3, 0.02 * (double)largest);
    }
}

static const struct {
    const char *layer, *objective;
} lessons[] = {
    {"{system: {type: stepper}, width: 5, activation: tanh, skip: true, knobs: {train: teach}}",
     "local-ce"},
    {"{system: {type: stepper}, readout: none, knobs: {train: teach}}",
     "{type: local-ce, head: outputs}"},
    {"{system: {type: stepper}, readout: none, normalise: length, knobs: {train: teach}}",
     "local-ce"},
};

START_TEST(taught_gradients_are_those_of_the_mean_loss)
{
    struct rig rig;
    open_rig_for(&rig, lessons[_i].layer, lessons[_i].objective);
    struct et_tensor *knobs = &rig.stage->knobs.value, *tensor;
    check_lesson(&rig, knobs, 8);
    if (!et__stage_is_direct(rig.stage)) {
        check_lesson(&rig, &rig.stage->weight, rig.stage->weight.rows * rig.stage->weight.cols);
        check_lesson(&rig, &rig.stage->bias, rig.stage->bias.cols);
    }
    for (size_t i = 0; (tensor = et__objective_tensor(rig.trainer.objective, 0, i)) != NULL; i++)
        check_lesson(&rig, tensor, tensor->rows * tensor->cols);
    /* The mean outputs stay, as a measurement would give them. */
    lesson(&rig);
    float kept[2 * ROWS];
    memcpy(kept, rig.stage->a.data, sizeof kept);
    assert_ok(et__stage_measure(rig.trainer.network, 0, &rig.step, rig.h));
    assert_close(kept, rig.stage->a.data, 2 * ROWS, 1e-6, 1e-6);
    /* What the system counts is fetched, and no optimiser moves it. */
    float count = knobs->value[8];
    ck_assert(count > 16);
    knobs->gradient[8] = 1;
    assert_ok(et__knobs_update(&rig.trainer, 0, 0, 1));
    ck_assert(knobs->value[8] == count);
    close_rig(&rig);
}
END_TEST

/* A system without a rule of its own: the same numbers as by its vector-Jacobian product. */
START_TEST(teaching_without_a_rule_is_the_product)
{
    struct rig vjp, taught;
    open_rig(&vjp, "{system: {type: linear, n_in: 4, n_out: 3, tunable: true}, width: 6, "
                   "dropout: 0.3, knobs: {train: vjp}}");
    open_rig(&taught, "{system: {type: linear, n_in: 4, n_out: 3, tunable: true}, width: 6, "
                      "dropout: 0.3, knobs: {train: teach}}");
    gradient_of(&vjp);
    double loss = lesson(&taught);
    ck_assert(loss == loss_of(&vjp));
    assert_close(taught.stage->knobs.value.gradient, vjp.stage->knobs.value.gradient, 12, 0, 0);
    assert_close(taught.stage->weight.gradient, vjp.stage->weight.gradient, 18, 0, 0);
    close_rig(&taught);
    close_rig(&vjp);
}
END_TEST

static const struct {
    const char *layer, *objective, *message;
} broken[] = {
    {"{system: {type: stepper}, readout: none, width: 3}", "local-ce", "there are 2 outputs"},
    {"{system: {type: stepper}, width: 3}", "{type: local-ce, head: outputs}",
     "the last stage has 3 activities, but there are 2 classes"},
};

START_TEST(broken_rules_are_configuration_errors)
{
    char text[512];
    struct et_config *config;
    struct et__setup setup;
    struct et_trainer trainer = {0};
    snprintf(text, sizeof text,
             "{experiment: t, dataset: {type: rings, d: 4, n: 60}, layers: [%s],"
             " method: {type: forward-forward, objective: %s}}",
             broken[_i].layer, broken[_i].objective);
    assert_ok(et_config_parse("test", text, NULL, 0, et_experiment_params(), et_experiment_types,
                              &config));
    enum et_status status = et__setup_open(&setup, config);
    if (status == ET_OK) {
        status = et__setup_begin_seed(&setup, 0, &trainer);
        et__setup_end_seed(&setup, &trainer);
    }
    assert_status(status, ET_CONFIG);
    assert_message(broken[_i].message);
    et__setup_close(&setup);
    et_config_close(config);
}
END_TEST

/* What spsa and inner steps cannot do with such a stage is said when the training begins. */
START_TEST(rules_of_the_training)
{
    struct rig rig;
    open_rig(&rig, "{system: {type: stepper}, readout: none, knobs: {train: spsa}}");
    assert_status(et__knobs_check(rig.stage, 0), ET_CONFIG);
    assert_message("points or statistics");
    rig.stage->knobs.rule = ET__KNOBS_VJP;
    assert_status(et__knobs_check(rig.stage, 0), ET_CONFIG);
    assert_message("no vector-Jacobian product");
    rig.stage->knobs.rule = ET__KNOBS_TEACH;
    assert_ok(et__knobs_check(rig.stage, 0));
    close_rig(&rig);
}
END_TEST

int main(void)
{
    if (et_system_register(&stepper_type) != ET_OK) return EXIT_FAILURE;
    Suite *suite = suite_create("teach");
    TCase *tests = tcase_create("teach");
    tcase_add_loop_test(tests, taught_gradients_are_those_of_the_mean_loss, 0,
                        (int)(sizeof lessons / sizeof *lessons));
    tcase_add_test(tests, teaching_without_a_rule_is_the_product);
    tcase_add_loop_test(tests, broken_rules_are_configuration_errors, 0,
                        (int)(sizeof broken / sizeof *broken));
    tcase_add_test(tests, rules_of_the_training);
    suite_add_tcase(suite, tests);
    return suite_result(suite);
}
