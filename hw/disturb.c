/* SPDX-License-Identifier: Apache-2.0
 *
 * A system with imperfect inputs and outputs; disturbance.h gives the model of each side.
 *
 * Disturbed inputs are clipped to the legal range of the system inside, as an amplifier would. */
#include "calibration.h"
#include "disturbance.h"
#include "system_internal.h"

#include <etalon/log.h>
#include <etalon/rng.h>

#include <math.h>
#include <string.h>

enum { IN, OUT, SIDES };
static const char *const side_name[SIDES] = {"input", "output"};

struct disturb {
    struct et_system *inside;
    struct et__disturbance side[SIDES];
    struct et__workspace drive, raw, dout, din;
};

static const struct et_param params[] = {
    {.name = "input",
     .kind = ET_PARAM_RECORD,
     .initial = "{}",
     .fields = et__disturbance_params,
     .doc = "What happens to the inputs."},
    {.name = "output",
     .kind = ET_PARAM_RECORD,
     .initial = "{}",
     .fields = et__disturbance_params,
     .doc = "What happens to the outputs."},
    {.name = "calibration",
     .kind = ET_PARAM_INT,
     .initial = "256",
     .min = 1,
     .max = 1000000,
     .doc = "Number of random drives that levels of relative noise are measured on."},
    {.name = "system", .kind = ET_PARAM_TYPE, .choices = "system", .doc = "The system inside."},
    {0},
};

static double relative(const struct et_config *config, size_t side)
{
    return et_config_real(et_config_at(config, side_name[side], 0), "noise_relative");
}

/* Turns relative noise into absolute noise and says how much that is. */
static enum et_status measure_levels(struct disturb *s, const struct et_config *config,
                                     uint64_t seed)
{
    if (relative(config, IN) == 0 && relative(config, OUT) == 0) return ET_OK;
    struct et__calibration run = {0};
    size_t count = (size_t)et_config_int(config, "calibration");
    enum et_status status = et__calibrate(s->inside, -INFINITY, INFINITY, count, seed, &run);
    for (size_t side = 0; status == ET_OK && side < SIDES; side++) {
        float part = (float)relative(config, side), level;
        if (part == 0) continue;
        struct et_array *values = side == IN ? &run.x : &run.y;
        status = et__loudest_quantile(et_array_view(values), 0.94, &level);
        if (status != ET_OK) break;
        et_log(ET_LOG_INFO,
               "disturb: %s noise of sd %g x %g (94th percentile of |value| in the loudest "
               "channel) = %g",
               side_name[side], (double)part, (double)level, (double)(part * level));
        s->side[side].noise = hypotf(s->side[side].noise, part * level);
    }
    et__calibration_destroy(&run);
    return status;
}

static enum et_status open_disturb(void *state, const struct et_config *config, uint64_t seed)
{
    struct disturb *s = state;
    ET_TRY(et__system_open_inner(config, "system", seed, &s->inside));
    const struct et_system_info *info = et_system_info(s->inside);
    uint64_t own = et__wrapper_seed(seed, s->inside);
    for (size_t side = 0; side < SIDES; side++)
        ET_TRY_WHILE(et__disturbance_init(&s->side[side], et_config_at(config, side_name[side], 0),
                                          side == IN ? info->n_in : info->n_out,
                                          et_rng_derive(own, side)),
                     "reading %s", side_name[side]);
    return measure_levels(s, config, own);
}

static void describe(const void *state, struct et_system_info *info)
{
    const struct disturb *s = state;
    et__system_inherit(info, s->inside);
    for (size_t side = 0; side < SIDES; side++)
        if (et__disturbance_is_noisy(&s->side[side])) info->traits |= ET_NOISY;
}

/* *drive = disturbed inputs, not clipped yet. */
static enum et_status disturb_inputs(struct disturb *s, const struct et_step *step,
                                     struct et_view x, struct et_view *drive)
{
    ET_TRY(et__workspace_get(&s->drive, x.rows, x.cols, drive));
    et__disturbance_apply(&s->side[IN], step, x, *drive);
    return ET_OK;
}

static enum et_status forward(void *state, const struct et_step *step, struct et_view x,
                              struct et_view y)
{
    struct disturb *s = state;
    struct et_view drive, raw;
    ET_TRY(disturb_inputs(s, step, x, &drive));
    et__clip_inputs(drive, s->inside);
    ET_TRY(et__workspace_get(&s->raw, y.rows, y.cols, &raw));
    ET_TRY(et_system_forward(s->inside, step, drive, raw));
    et__disturbance_apply(&s->side[OUT], step, raw, y);
    return ET_OK;
}

/* The noise of a step is a fixed function, so the derivative is that of this very pass. */
static enum et_status vjp(void *state, const struct et_step *step, struct et_view x,
                          struct et_view dy, struct et_view dx, float *dknobs)
{
    struct disturb *s = state;
    const struct et_system_info *info = et_system_info(s->inside);
    struct et_view drive, seen, dout, din;
    ET_TRY(disturb_inputs(s, step, x, &drive));
    ET_TRY(et__workspace_get(&s->raw, dy.rows, dy.cols, &seen));
    ET_TRY(et__workspace_get(&s->dout, dy.rows, dy.cols, &dout));
    ET_TRY(et__workspace_get(&s->din, x.rows, x.cols, &din));
    memcpy(seen.data, dy.data, dy.rows * dy.cols * sizeof *dy.data);
    et__disturbance_back(&s->side[OUT], step, seen, dout);
    /* dx holds a flag per input until it is written: 0 where the clipping passes nothing. */
    for (size_t i = 0; i < x.rows * x.cols; i++)
        dx.data[i] = drive.data[i] >= info->in_min && drive.data[i] <= info->in_max;
    et__clip_inputs(drive, s->inside);
    ET_TRY(et_system_vjp(s->inside, step, drive, dout, din, dknobs));
    for (size_t i = 0; i < x.rows * x.cols; i++)
        din.data[i] *= dx.data[i];
    et__disturbance_back(&s->side[IN], step, din, dx);
    return ET_OK;
}

static struct et_system *inner(const void *state, size_t i)
{
    const struct disturb *s = state;
    return i == 0 ? s->inside : NULL;
}

static void close_disturb(void *state)
{
    struct disturb *s = state;
    et_system_close(s->inside);
    et__disturbance_deinit(&s->side[IN]);
    et__disturbance_deinit(&s->side[OUT]);
    et__workspace_free(&s->drive);
    et__workspace_free(&s->raw);
    et__workspace_free(&s->dout);
    et__workspace_free(&s->din);
}

const struct et_system_type et_system_disturb = {
    .name = "disturb",
    .summary = "A system with noise, mismatch, drift, dead channels and crosstalk.",
    .state_size = sizeof(struct disturb),
    .params = params,
    .open = open_disturb,
    .describe = describe,
    .forward = forward,
    .vjp = vjp,
    .inner = inner,
    .close = close_disturb,
};
